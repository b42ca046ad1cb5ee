"""One project's move: what its files ask for becomes a pyproject.toml, and its content for the lock follows."""

from __future__ import annotations

import re
import sys
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from fnmatch import fnmatch
from pathlib import Path

from packaging.utils import canonicalize_name

from uvdock.formats.requirements import compiled_from_project
from uvdock.migrate.discover import installers, metadata, python
from uvdock.migrate.discover.metadata import Metadata
from uvdock.migrate.discover.options import UvOptions
from uvdock.migrate.discover.python import Python
from uvdock.migrate.discover.requirement import Places, name_in
from uvdock.migrate.discover.requirement_files import (
    Pin,
    ReadingRules,
    RequirementEntry,
    RequirementsFile,
    RequirementsReader,
    read_files,
)
from uvdock.migrate.discover.sources import ProjectSources, reachable
from uvdock.migrate.lock import groups
from uvdock.migrate.model import Notice

_CALLERS = re.compile(
    r"(Dockerfile|Containerfile|Makefile|Procfile|\.(sh|bash|ya?ml|ini|md|rst|mk|dockerfile|toml))$|^run$"
)


@dataclass
class ProjectMigration:
    """A project under way.

    Args:
        found: Its files.
        name: Its name.
        package: Whether it is itself installed.
        python: Its Python.
        nodes: What each of its files asks for.
        outside: What the files of other folders that these include ask for.
        limits: The files that only limit versions, with its constraints.
        settings: What the options came to.
        own: The metadata of its setup.py or setup.cfg.
        declared: The names of its own dependencies, where those are declared elsewhere already.
        asked: The files that something in the repo installs by their own names.
        kept: Files that something else reads: they stay.
        watched: What its build reads besides the pyproject.toml, where that tells what it needs: uv would go on using
            what it learned from the last build.
        origins: Where a package comes from that the lock has from an index of its own, or that the project declares
            and a file installs from elsewhere.
        findings: What a person has to know.
    """

    found: ProjectSources
    name: str
    package: bool
    python: Python
    nodes: dict[Path, RequirementsFile] = field(default_factory=dict)
    outside: dict[Path, RequirementsFile] = field(default_factory=dict)
    limits: list[RequirementsFile] = field(default_factory=list)
    settings: UvOptions = field(default_factory=UvOptions)
    own: Metadata | None = None
    declared: frozenset[str] = frozenset()
    asked: frozenset[Path] = frozenset()
    kept: frozenset[Path] = frozenset()
    watched: tuple[str, ...] = ()
    origins: dict[str, Mapping[str, str | bool]] = field(default_factory=dict)
    findings: list[Notice] = field(default_factory=list)

    @property
    def manifest(self) -> Path:
        """Its pyproject.toml."""
        return self.found.folder / "pyproject.toml"

    @property
    def built(self) -> bool:
        """Whether only its build can tell what it needs."""
        dynamic = self.own.dynamic if self.own else self.found.pyproject.get("project", {}).get("dynamic", ())
        return self.package and not {"dependencies", "optional-dependencies"}.isdisjoint(dynamic)

    def raise_python(self, version: str) -> bool:
        """Ask for a newer Python, since the packages do; not where the project's own manifest says which.

        Returns:
            Whether that is another one than before.
        """
        requires = f">={version}"
        if "requires-python" in self.found.pyproject.get("project", {}) or requires == self.python.requires:
            return False
        what = f"requires-python is {requires!r}, and not {self.python.requires!r}: the versions in the files need it"
        instead = "take older versions if an older Python is in use somewhere"
        self.findings = [one for one in self.findings if not one.what.startswith("requires-python is")]
        self.findings.append(Notice(self.python.path or self.manifest, self.python.line, "question", what, instead))
        newer = max(version, self.python.version, key=lambda text: int(text.split(".")[1]))
        self.python = replace(self.python, requires=requires, version=newer)
        return True

    def narrowed(self) -> Iterator[str]:
        """Bind the project step by step to what the repo has: to the Pythons of its images and jobs, and to Linux.

        Yields:
            What the project is bound to after a step.
        """
        old, kept = self.python, self.settings.values.get("environments")
        own = self.found.pyproject.get("project", {}).get("requires-python")
        if self.python.newest and own is None and re.fullmatch(r">=\s*[\d.]+", self.python.requires):
            minor = int(self.python.newest.split(".")[1])
            self.python = replace(old, requires=f"{old.requires},<3.{minor + 1}")
            yield f"requires-python = {self.python.requires!r}"
        if self.python.linux and kept is None:
            bound, self.python = self.python, old
            self.settings.values["environments"] = ["sys_platform == 'linux'"]
            yield "[tool.uv] environments = Linux"
            if bound != old:
                self.python = bound
                yield f"requires-python = {self.python.requires!r} and [tool.uv] environments = Linux"
            del self.settings.values["environments"]
        self.python = old

    def layout(self) -> groups.GroupLayout:
        """Its dependencies and groups."""
        return groups.arrange(
            self.nodes,
            self.found.folder,
            self.outside,
            has_own=bool(self.declared),
            asked=self.asked,
            package=self.package,
        )

    def pins(self) -> list[Pin]:
        """The versions of all its files, those of its own dependencies first."""
        layout = self.layout()
        order = sorted(self.nodes, key=lambda path: (path != layout.main, bool(layout.of[path])))
        return [pin for path in order for pin in self.nodes[path].pins] + [
            pin for node in self.outside.values() for pin in node.pins
        ]


def begin(
    found: ProjectSources,
    texts: Mapping[Path, str],
    others: tuple[Path, ...],
    places: Places,
    *,
    repo: str,
    depended: bool,
) -> ProjectMigration:
    """Read a project's files.

    Args:
        found: Which they are.
        texts: The repo's text files.
        others: The folders of the repo's projects.
        places: What paths in requirements mean.
        repo: The name of the repo's folder.
        depended: Whether another project depends on it by its path.
    """
    folder = found.folder
    project = found.pyproject.get("project", {})
    own = None if project else _metadata(found, texts)
    declared = str(project.get("requires-python", "")) or (own.requires_python if own else "")
    here = f"{sys.version_info.major}.{sys.version_info.minor}"
    used = python.find(folder, texts, others, declared, here)
    name = str(project.get("name", "")) or (own.name if own else "") or folder.name or repo
    work = ProjectMigration(found, safe_name(name), package=False, python=used, own=own)
    reader = ReadingRules(places, work.settings)
    work.asked = installers.installed(texts)
    work.nodes = read_files(found.files, reader)
    work.outside = read_files(found.outside, reader)
    origins = {path: one.path for one in (*work.nodes.values(), *work.outside.values()) for path in one.compiled}
    for node in (*work.nodes.values(), *work.outside.values()):
        node.includes = [origins.get(path, path) for path in node.includes]
    work.findings = reader.findings
    work.package = _is_package(work, texts, depended=depended)
    _read_limits(work, reader)
    _declare(work, texts)
    if work.built and work.kept:
        code = (name for name in ("setup.py", "setup.cfg") if folder / name in texts)
        work.watched = (*code, *sorted(path.relative_to(folder).as_posix() for path in work.kept))
    _tell(work, texts, declared=bool(project or declared))
    names = {entry.wanted.key for node in work.nodes.values() for entry in node.entries}
    if canonicalize_name(work.name) in names and not project and own is None:
        work.name = f"{work.name}-app"
    return work


def _tell(work: ProjectMigration, texts: Mapping[Path, str], *, declared: bool) -> None:
    """Say what was assumed, but for the Python of a project that declares it."""
    used = work.python
    if used.path is not None and "project" not in work.found.pyproject:
        what = f"requires-python is {used.requires!r}, from {used.where}"
        work.findings.append(Notice(used.path, used.line, "note", what))
    elif not declared:
        what = f"requires-python is {used.requires!r}: {used.where}"
        work.findings.append(Notice(work.manifest, 0, "question", what, "write the oldest Python it runs on"))
    if work.own and work.package and not work.own.name:
        what = f"the project's name is made by code: {work.name} is assumed"
        work.findings.append(Notice(work.manifest, 0, "question", what, "write the name that its build gives it"))
    pipfile = work.found.folder / "Pipfile"
    if pipfile in texts:
        what = "nothing in this repo calls Pipenv, so this file stays as it is: the lists that are installed are moved"
        work.findings.append(Notice(pipfile, 0, "note", what, "delete it, if nobody uses it"))


def _metadata(found: ProjectSources, texts: Mapping[Path, str]) -> Metadata | None:
    """What other files than its pyproject.toml say of a project."""
    backend = found.pyproject.get("build-system", {}).get("build-backend")
    names = ("setup.py", "setup.cfg", "Cargo.toml") if backend == "maturin" else ("setup.py", "setup.cfg")
    return metadata.read(*(texts.get(found.folder / name) for name in names))


def safe_name(name: str) -> str:
    """A name that a project may have."""
    cleaned = re.sub(r"[^A-Za-z0-9._-]+", "-", name).strip("-._")
    return cleaned.lower() if cleaned else "app"


def _is_package(work: ProjectMigration, texts: Mapping[Path, str], *, depended: bool) -> bool:
    """Whether the project is itself installed: by one of its files, another project, or a command somewhere."""
    there = work.found.pyproject
    if work.own is None and not {"project", "build-system"} & there.keys():
        return False
    if there.get("tool", {}).get("uv", {}).get("package") is False:
        return False
    if {"project", "build-system"} <= there.keys():
        return True
    if depended or any(node.itself is not None for node in work.nodes.values()):
        return True
    if work.own and work.own.dependencies is None and not work.nodes:
        # Only its build can tell what it needs.
        return True
    folder = work.found.folder
    near = (path for path in texts if _CALLERS.search(path.name) and (path.is_relative_to(folder) or folder == Path()))
    installed = any(installers.installs_itself(texts[path]) for path in near)
    if not installed and (work.own or "build-system" in there):
        what = "nothing installs the project itself, so it stays a folder of code: only its dependencies are installed"
        work.findings.append(Notice(work.manifest, 0, "note", what, "add a [build-system] if it is to be a package"))
    return installed


def _read_limits(work: ProjectMigration, reader: ReadingRules) -> None:
    """Constraints: those of files that only limit, not those of files that are installed too."""
    known = {path for node in work.nodes.values() for path in (node.path, *node.compiled)}
    named = {path: (node.path, line) for node in work.nodes.values() for path, line in node.constraints}
    for path in sorted({*work.found.constraints, *(named.keys() & work.found.outside.keys())}):
        source = work.found.constraints.get(path) or work.found.outside[path]
        node = RequirementsReader(replace(source, compiled=False), reader).read()
        for entry in [one for one in node.entries if one.wanted.source or one.wanted.extras]:
            what = f"uv does not accept {entry.wanted.name} with extras, from a URL or a path as a constraint"
            instead = "make it a dependency, or leave it out"
            work.findings.append(Notice(path, entry.line, "question", what, instead))
            node.entries.remove(entry)
            node.stays = True
        if node.trailing:
            kept = "; ".join(f"# {comment}" for comment in node.trailing)
            work.findings.append(Notice(path, 0, "note", f"the comments after the last constraint go: {kept}"))
        work.limits.append(node)
        work.outside.pop(path, None)
    for path, (origin, line) in named.items():
        if path in known:
            what = f"-c {path.name} is not needed: one lock holds both files"
            work.findings.append(Notice(origin, line, "note", what))


def _declare(work: ProjectMigration, texts: Mapping[Path, str]) -> None:
    """What the project declares itself, and its build reads from a file: no file has to say it again."""
    project = work.found.pyproject.get("project", {})
    folder = work.found.folder
    own = (work.own.dependencies or ()) if work.own and work.package else ()
    names = [name_in(text) for text in (*project.get("dependencies", []), *own)]
    work.kept = _read_by_build(work, texts)
    dynamic = "dependencies" in project.get("dynamic", ()) or bool(work.own and work.own.dependencies is None)
    if work.package and (names or dynamic):
        work.declared = frozenset(names or [""])
    for node in work.nodes.values():
        if project or work.own:
            _drop_compiled(node, work)
        _drop_declared(node, names, work, dynamic=dynamic)
    if own:
        what = "its dependencies are in pyproject.toml now; setuptools ignores install_requires and extras_require here"
        where = next(folder / name for name in ("setup.py", "setup.cfg") if folder / name in texts)
        work.findings.append(Notice(where, 0, "note", what, "take them out of this file"))


def _drop_declared(node: RequirementsFile, names: Collection[str], work: ProjectMigration, *, dynamic: bool) -> None:
    """Leave out what the project declares, and what the build of its package reads from the file."""
    again = [one for one in node.entries if one.wanted.key in names]
    if work.declared and dynamic and node.path in work.kept:
        _drop(node, node.entries, work, "the build reads it from this file")
    elif work.declared:
        _drop(node, again, work, "the project declares it")
    elif not groups.group_name(node.path, work.found.folder):
        _drop(node, again, work, "[project] has it already")


def _drop_compiled(node: RequirementsFile, work: ProjectMigration) -> None:
    """Leave out what was compiled from the project's own manifest: only its versions count."""
    extras = compiled_from_project(work.found.files[node.path].lines)
    if extras is not None:
        node.extras = extras
        _drop(node, node.entries, work, "it was compiled from the project, which declares it")


def _read_by_build(work: ProjectMigration, texts: Mapping[Path, str]) -> frozenset[Path]:
    """The requirement files that the project's own build reads: without them it would fail."""
    folder = work.found.folder
    readers = {name: texts.get(folder / name, "") for name in ("setup.py", "setup.cfg", "pyproject.toml")}
    if not work.package:
        del readers["pyproject.toml"]
    if re.search(r"\bpbr\s*=", readers["setup.py"]):
        # Which it reads without being told.
        readers["setup.py"] += "'requirements.txt'"
    files = [path for node in work.nodes.values() for path in (node.path, *node.compiled)]
    near = {path: path.relative_to(folder) for path in files if path.is_relative_to(folder)}
    found = {path: name for name, text in readers.items() for path, shown in near.items() if _reads(text, shown)}
    if (
        not found
        and work.own
        and work.own.dependencies is None
        and re.search(r"\.(?:txt|in|pip)\b", readers["setup.py"])
    ):
        # Its code makes up the names of those that it reads.
        found = dict.fromkeys(near, "setup.py")
    for path in reachable(found, lambda path: work.nodes[path].includes if path in work.nodes else ()):
        name = found.get(path, "a file that the build reads")
        what = f"{name} reads this file when it builds the project, so it stays"
        instead = f"list the dependencies in pyproject.toml alone and take it out of {name}"
        work.findings.append(Notice(path, 0, "left", what, instead))
        found.setdefault(path, name)
    return frozenset(found)


def _reads(text: str, path: Path) -> bool:
    """Whether what builds a project names a file of its folder: whole, by its parts, or by a computed name."""
    if re.search(rf"[\"'\s/=]{re.escape(path.as_posix())}\b", text):
        return True
    strings = {found.strip("/") for found in re.findall(r"[\"']([^\"'\n]+)[\"']", text)}
    patterns = {re.sub(r"\{[^}]*\}|%s|%\(\w+\)s", "*", one) for one in strings}
    return strings >= {*path.parts} or any("*" in one and fnmatch(path.as_posix(), one) for one in patterns)


def _drop(node: RequirementsFile, entries: Iterable[RequirementEntry], work: ProjectMigration, why: str) -> None:
    """Leave entries to where they are declared; the pins stay for the lock, and what is lost is told."""
    for entry in list(entries):
        node.entries.remove(entry)
        node.own = True
        if entry.wanted.source:
            # Without it, a package of that name would come from an index.
            work.origins[entry.wanted.key] = entry.wanted.source
            if not entry.comments:
                continue
        what = f"{entry.wanted.text} is not listed again: {why}{entry.comments}"
        work.findings.append(Notice(entry.path, entry.line, "note", what))
