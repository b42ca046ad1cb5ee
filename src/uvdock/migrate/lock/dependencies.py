"""From the repo's requirement files to its pyproject.toml and uv.lock, with the proof of the versions."""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from uvdock import process
from uvdock.deps import uvcommand
from uvdock.errors import UvdockError
from uvdock.formats import requirements
from uvdock.migrate.discover import metadata, sources
from uvdock.migrate.discover.requirement import Places, archive_name
from uvdock.migrate.discover.sources import ProjectSources
from uvdock.migrate.lock import external, frozen, groups, indexes, project, pyproject, version_drift
from uvdock.migrate.lock.project import ProjectMigration
from uvdock.migrate.lock.uv import Failed, Locked, Run, Uv
from uvdock.migrate.model import Dependencies, Drift, FileEdit, Install, Notice, ProjectFacts, RepoFacts

#: Variables that would have uv work on another project, or not lock at all.
_FOREIGN = ("UV_PROJECT", "UV_PROJECT_ENVIRONMENT", "UV_WORKING_DIRECTORY", "VIRTUAL_ENV", *uvcommand.LOCKING_OFF)
#: What uv says where it has no Python that the project may run on.
_NO_PYTHON = ("python-build-standalone", "No interpreter found", "No download found")
_JUNK = shutil.ignore_patterns(".git", ".venv", "venv", "node_modules", "__pycache__", "*.pyc", ".tox", ".mypy_cache")


@dataclass
class _Migrated:
    """What became of one project; nothing where it has to stay as it is."""

    edits: list[FileEdit] = field(default_factory=list)
    facts: ProjectFacts | None = None
    installs: dict[Path, Install] = field(default_factory=dict)
    environment: dict[str, str] = field(default_factory=dict)
    findings: list[Notice] = field(default_factory=list)
    drifts: list[Drift] = field(default_factory=list)
    gone: set[Path] = field(default_factory=set)


def convert(root: Path, files: Mapping[Path, str], uv: str, run: Run = process.capture) -> Dependencies:
    """Find out what the repo depends on, and make the manifests and locks that say the same for uv.

    Nothing in the repo is written: uv works on copies.

    Args:
        root: The repo's root.
        files: Its text files by their paths from the root.
        uv: The uv to lock with.
        run: What starts it.

    Returns:
        The edits, with the old files gone that are wholly taken over; what other converters need; findings; and
        each version that is not the old one.

    Raises:
        UvdockError: uv cannot be started, or a pyproject.toml is no TOML.
    """
    texts = {path: _text(root, path, text) for path, text in files.items()}
    said = run([uv, "--version"])
    version = ".".join(map(str, uvcommand.parse_version(said.text)))
    if not version:
        raise UvdockError(
            "this is no uv", where=uv, fix="install uv (https://docs.astral.sh/uv), or uvdock[uv]", code=127
        )
    found = sources.find(texts)
    libraries = sources.depended(found)
    # What others install by its path, and has no list of its own, is built as it is.
    found = [one for one in found if one.folder not in libraries or one.files or one.tool != "pip"]
    folders = tuple(one.folder for one in found)
    made: list[_Migrated] = []
    written: dict[Path, bytes] = {}
    # Libraries first: what depends on one is locked with the manifest that it will have.
    for each in sorted(found, key=lambda one: one.folder not in libraries):
        migration = _Migration(root, texts, folders, uv=uv, run=run, found=each, written=written)
        made.append(migration.make(depended=each.folder in libraries))
        if made[-1].facts is not None:
            written |= {edit.path: edit.after for edit in made[-1].edits if edit.after is not None}
    stay = {path for one in made if one.facts is None for path in one.gone}
    edits: dict[Path, FileEdit] = {}
    for one in made:
        if one.facts is None:
            continue
        edits |= {edit.path: edit for edit in one.edits}
        edits |= {path: FileEdit(path, _bytes(root, path, files), None) for path in one.gone - stay}
    facts = RepoFacts(
        files=files,
        projects=tuple(sorted((one.facts for one in made if one.facts), key=lambda one: one.folder)),
        installs={path: install for one in made for path, install in sorted(one.installs.items())},
        uv=version,
        environment={name: why for one in made for name, why in one.environment.items()},
    )
    findings = sorted({item: None for one in made for item in one.findings}, key=lambda item: (item.path, item.line))
    return Dependencies(
        edits=tuple(edits[path] for path in sorted(edits)),
        facts=facts,
        findings=tuple(findings),
        drifts=tuple({drift: None for one in made for drift in one.drifts}),
    )


def _bytes(root: Path, path: Path, files: Mapping[Path, str]) -> bytes:
    file = root / path
    return file.read_bytes() if file.is_file() else files[path].encode()


def _text(root: Path, path: Path, text: str) -> str:
    """A file's text; a requirement file in the encoding that it names itself."""
    if not sources.is_requirements(path):
        return text
    try:
        return requirements.decode((root / path).read_bytes())
    except OSError:
        return text


class _Migration:
    """The move of one project."""

    def __init__(
        self,
        root: Path,
        texts: Mapping[Path, str],
        folders: tuple[Path, ...],
        *,
        uv: str,
        run: Run,
        found: ProjectSources,
        written: Mapping[Path, bytes],
    ) -> None:
        self.root = root
        self.texts = texts
        self.folders = folders
        self.program = uv
        self.start = run
        self.found = found
        self.written = written
        self.made = _Migrated()

    def make(self, *, depended: bool) -> _Migrated:
        found = self.found
        if found.tool == "uv":
            return self._already()
        with tempfile.TemporaryDirectory(prefix="uvdock-migrate-") as temp:
            base = Path(temp).resolve() / (self.root.resolve().name or "repo")
            folder = base / found.folder
            folder.mkdir(parents=True)
            uv = Uv(self.program, self.start, folder, self._env({}))
            if found.tool in external.FILES:
                self._external(uv)
            else:
                self._pip(uv, base, depended=depended)
        return self.made

    def _already(self) -> _Migrated:
        """A project that uv manages: nothing to do, and what is left of pip is named."""
        data = self.found.pyproject
        wanted = str(data.get("project", {}).get("requires-python", ""))
        package = "build-system" in data and data.get("tool", {}).get("uv", {}).get("package") is not False
        self.made.facts = ProjectFacts(self.found.folder, package, wanted)
        for path, source in self.found.files.items():
            exported = source.compiled and "uv export" in "".join(line.comment for line in source.lines[:4])
            if not exported:
                what = "the project has a uv.lock, and this file beside it"
                instead = "delete it if uv.lock has all of it; else `uv add -r` it"
                self.made.findings.append(Notice(path, 0, "question", what, instead))
        return self.made

    def _env(self, secrets: Mapping[str, str]) -> dict[str, str]:
        own = {name: value for name, value in os.environ.items() if name not in _FOREIGN}
        return {**own, **secrets}

    def _places(self) -> Places:
        return Places(self.found.folder, self.found.folder, self._name_of, self._exists)

    def _exists(self, path: Path) -> bool:
        return path == self.found.folder or path in self.texts or (self.root / path).exists()

    def _name_of(self, path: Path) -> str:
        if path.suffix in (".whl", ".zip", ".gz"):
            return archive_name(path.name)
        data = sources.data_of(self.texts.get(path / "pyproject.toml", ""))
        for table in (data.get("project", {}), data.get("tool", {}).get("poetry", {})):
            if isinstance(table.get("name"), str):
                return str(table["name"])
        own = metadata.read(self.texts.get(path / "setup.py"), self.texts.get(path / "setup.cfg"))
        return own.name if own else ""

    # --- pip ----------------------------------------------------------------------------------------------------------

    def _pip(self, uv: Uv, base: Path, *, depended: bool) -> None:
        here = f"{sys.version_info.major}.{sys.version_info.minor}"
        repo = self.root.resolve().name
        work = project.begin(
            self.found, self.texts, self.folders, self._places(), here=here, repo=repo, depended=depended
        )
        if not (work.nodes or work.package or "project" in self.found.pyproject):
            # A setup.py that nothing installs.
            return
        uv = replace(uv, env=self._env(work.settings.secrets))
        self._copy(work, base)
        several = len(work.settings.indexes) > 0
        layout = work.layout()
        manifest = self._manifest(work)
        conflicting = _conflicting(layout)
        pins, questions = version_drift.chosen(work.pins(), conflicting)
        locked = uv.lock(manifest, pins, _fixed(layout), several=several)
        while isinstance(locked, Failed) and locked.python and work.raise_python(locked.python):
            manifest = self._manifest(work)
            locked = uv.lock(manifest, pins, _fixed(layout), several=several)
        imports = frozen.imported(self.texts, self.found.folder)
        if isinstance(locked, Locked) and (more := frozen.settle(work, locked, uv, imports)):
            questions += more
            layout = work.layout()
            manifest = self._manifest(work)
            locked = uv.lock(manifest, pins, _fixed(layout), several=several)
        asked = {(one.path, one.line) for one in layout.findings if one.level == "question"}
        questions = [one for one in questions if (one.path, one.line) not in asked]
        if isinstance(locked, Locked) and indexes.settle(work, locked):
            manifest = self._manifest(work)
            locked = uv.lock(manifest, pins, _fixed(layout), several=several)
        self.made.findings += [*work.findings, *layout.findings, *questions]
        self.made.gone = _gone(work, self.texts)
        if isinstance(locked, Failed):
            self._cannot_lock(locked, work.manifest)
            return
        if locked.best_match:
            work.settings.values["index-strategy"] = "unsafe-best-match"
            manifest = self._manifest(work)
            what = "pip takes the best version of all indexes, and this lock needs that too: index-strategy says so"
            self.made.findings.append(
                Notice(work.manifest, 0, "note", what, "name the index of each private package in [tool.uv.sources]")
            )
        self._prove(work, uv, locked)
        self._edit(work.manifest, manifest.encode())
        self._edit(work.manifest.with_name("uv.lock"), locked.content)
        self._tell(work, layout.flags)

    def _manifest(self, work: ProjectMigration) -> str:
        old = self.texts.get(work.manifest)
        return pyproject.write(old, work, work.layout())

    def _copy(self, work: ProjectMigration, base: Path) -> None:
        """What uv reads of the repo besides the manifest: path dependencies, and the project where it is built."""
        copied = [self.found.folder] if work.package else []
        entries = [entry for node in (*work.nodes.values(), *work.outside.values()) for entry in node.entries]
        origins = [*(entry.wanted.source for entry in entries), *work.linked.values()]
        paths = [str(origin["path"]) for origin in origins if "path" in origin]
        paths += [link for link in work.settings.values.get("find-links", []) if link.startswith(".")]
        copied += [Path(os.path.normpath(self.found.folder / name)) for name in paths]
        for path in copied:
            if path.parts[:1] == ("..",):
                # Outside the repo, and so outside the copy.
                continue
            source, target = self.root / path, base / path
            if source.is_dir():
                shutil.copytree(source, target, ignore=_JUNK, dirs_exist_ok=True, symlinks=True)
            elif source.is_file():
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(source, target)
            for name in self.written:
                if name.is_relative_to(path):
                    (base / name).write_bytes(self.written[name])

    def _cannot_lock(self, failed: Failed, path: Path) -> None:
        what = f"uv cannot lock this project, so it stays as it is: {failed.why}"
        instead = "correct what uv names (a version, an index, its credentials) and run it again"
        if any(word in failed.why for word in _NO_PYTHON):
            instead = "install that Python, or run it where uv can download it, and run it again"
        self.made.findings.append(Notice(path, 0, "question", what, instead))
        self.made.installs, self.made.environment = {}, {}

    def _prove(self, work: ProjectMigration, uv: Uv, locked: Locked) -> None:
        for old in frozen.old_files(work):
            installed = uv.installed(work.layout().flags[old.path], work.python.version)
            if isinstance(installed, str):
                what = f"what the lock installs in place of this file cannot be told: {installed}"
                self.made.findings.append(Notice(old.path, 0, "question", what, "compare it by hand"))
                continue
            if missing := {pin.name for pin in old.pins} - installed.keys():
                # What only the first releases of that Python need: which of them it was, a list does not say.
                first = uv.installed(work.layout().flags[old.path], work.python.version, 0)
                first = {} if isinstance(first, str) else first
                installed |= {name: first[name] for name in missing & first.keys()}
            self.made.drifts += version_drift.compare(old, installed, locked, work.python.version)
        self.made.findings += version_drift.check_hashes(work.pins(), locked.data)

    def _tell(self, work: ProjectMigration, flags: Mapping[Path, tuple[str, ...]]) -> None:
        folder = self.found.folder
        self.made.facts = ProjectFacts(folder, work.package, work.python.requires)
        self.made.environment = dict(work.settings.environment)
        for path, node in work.nodes.items():
            if _incomplete(path, work):
                what = "commands that install this file stay as they are: uv would not install all of it"
                self.made.findings.append(Notice(path, 0, "left", what, "settle its lines first, then run it again"))
                continue
            itself = work.package and any(
                work.nodes[one].itself is not None for one in groups.closure(path, work.nodes)
            )
            for one in (path, *node.compiled):
                self.made.installs[one] = Install(folder, flags[path], itself)
        for node in work.limiting:
            if not node.stays:
                # The lock holds to it, whoever names it.
                self.made.installs.setdefault(node.path, Install(folder, ()))
        has_dev = any("--no-dev" in one for one in flags.values()) or "dev" in work.layout().groups
        for name in ("setup.py", "setup.cfg", "pyproject.toml"):
            if folder / name in self.texts and work.package:
                self.made.installs[folder / name] = Install(folder, ("--no-dev",) if has_dev else ())

    def _edit(self, path: Path, after: bytes) -> None:
        file = self.root / path
        before = file.read_bytes() if file.is_file() else None
        if before != after:
            self.made.edits.append(FileEdit(path, before, after))

    # --- Poetry and Pipenv --------------------------------------------------------------------------------------------

    def _external(self, uv: Uv) -> None:
        tool, folder = self.found.tool, self.found.folder
        path = folder / "pyproject.toml"
        made = external.manifest(uv, tool, self.texts, folder)
        if isinstance(made, Failed):
            self.made.findings.append(Notice(path, 0, "question", made.why, "run it by hand, or correct what it names"))
            return
        made = external.completed(made, folder.name or self.root.resolve().name)
        for one in (Path("README.md"), Path("README.rst"), Path("LICENSE")):
            if (self.root / folder / one).is_file():
                shutil.copy2(self.root / folder / one, uv.folder / one)
        pins = external.pins(tool, self.texts, folder)
        locked = uv.lock(made, pins, frozenset(), several=False)
        if isinstance(locked, Failed):
            self._cannot_lock(locked, path)
            return
        self.made.drifts += external.compare(pins, locked)
        self.made.findings += version_drift.check_hashes(pins, locked.data)
        note = f"{tool}'s manifest was converted by {external.TOOL}"
        self.made.findings.append(Notice(path, 0, "note", note, "compare build settings and scripts"))
        self._edit(path, made.encode())
        self._edit(folder / "uv.lock", locked.content)
        data = sources.data_of(made)
        package = "build-system" in data and data.get("tool", {}).get("uv", {}).get("package") is not False
        self.made.facts = ProjectFacts(folder, package, str(data["project"].get("requires-python", "")))
        without_dev = ("--no-dev",) if "dev" in data.get("dependency-groups", {}) else ()
        for name in external.FILES[tool]:
            if folder / name in self.texts:
                self.made.gone.add(folder / name)
                self.made.installs[folder / name] = Install(folder, without_dev if tool == "pipenv" else ())
        if tool == "poetry":
            self.made.installs[path] = Install(folder, ())
        known = {pin.name: pin.version for pin in pins}
        for one, source in self.found.files.items():
            if external.is_export(source, known):
                self.made.gone.add(one)
                self.made.installs[one] = Install(folder, without_dev)
            else:
                what = f"the project is {tool}'s, and this file asks for something else"
                self.made.findings.append(Notice(one, 0, "question", what, "`uv add -r` it, or delete it"))


def _incomplete(path: Path, work: ProjectMigration) -> bool:
    """Whether a file, with what it includes, has something to install that could not be taken over."""
    nodes = {**work.outside, **work.nodes}
    return any(nodes[one].incomplete for one in groups.closure(path, nodes))


def _conflicting(layout: groups.GroupLayout) -> frozenset[str]:
    """The packages that groups in conflict pin differently."""
    found: dict[str, set[str]] = {}
    for pair in layout.conflicts:
        for name in pair:
            for entry in layout.groups[name].entries:
                if entry.wanted.pin:
                    found.setdefault(entry.wanted.key, set()).add(entry.wanted.pin)
    return frozenset(name for name, versions in found.items() if len(versions) > 1)


def _fixed(layout: groups.GroupLayout) -> frozenset[str]:
    """The packages that the manifest pins itself."""
    return frozenset(entry.wanted.key for _, entry in layout.entries if entry.wanted.pin)


def _gone(work: ProjectMigration, texts: Mapping[Path, str]) -> set[Path]:
    """The old files that are wholly taken over and that nothing else reads."""
    found: set[Path] = set()
    for node in (*work.nodes.values(), *work.outside.values(), *work.limiting):
        if not node.stays:
            found |= {path for path in (node.path, *node.compiled) if path in texts and path not in work.kept}
    return found
