"""From the repo's requirement files to its pyproject.toml and uv.lock, with the proof of the versions."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

from uvdock import process
from uvdock.deps import uvcommand
from uvdock.errors import UvdockError
from uvdock.formats import requirements
from uvdock.migrate.discover import metadata, sources
from uvdock.migrate.discover.requirement import Places, archive_name
from uvdock.migrate.discover.sources import ProjectSources
from uvdock.migrate.lock import external, frozen, groups, indexes, project, pyproject, version_drift
from uvdock.migrate.lock.groups import GroupLayout
from uvdock.migrate.lock.project import ProjectMigration
from uvdock.migrate.lock.uv import Failed, Locked, Run, Uv, short
from uvdock.migrate.model import Dependencies, Drift, FileEdit, Install, Notice, ProjectFacts, ProjectMove

#: Variables that would have uv work on another project, or not lock at all.
_FOREIGN = ("UV_PROJECT", "UV_PROJECT_ENVIRONMENT", "UV_WORKING_DIRECTORY", "VIRTUAL_ENV", *uvcommand.LOCKING_OFF)
_JUNK = shutil.ignore_patterns(".git", ".venv", "venv", "node_modules", "__pycache__", "*.pyc", ".tox", ".mypy_cache")


def convert(
    root: Path,
    files: Mapping[Path, str],
    uv: str,
    run: Run = process.capture,
    step: Callable[[str], AbstractContextManager[object]] = nullcontext,
) -> Dependencies:
    """Find out what the repo depends on, and make the manifests and locks that say the same for uv.

    Nothing in the repo is written: uv works on copies.

    Args:
        root: The repo's root.
        files: Its text files by their paths from the root.
        uv: The uv to lock with.
        run: What starts it.
        step: Names what is done while it takes place.

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
    used = sources.in_use(found, texts)
    left_out = [one for one in found if one.folder not in used]
    found = [one for one in found if one.folder in used]
    libraries = sources.depended(found)
    # What others install by its path, and has no list of its own, is built as it is.
    found = [one for one in found if one.folder not in libraries or one.files or one.tool != "pip"]
    folders = tuple(one.folder for one in (*found, *left_out))
    moved: dict[Path, ProjectMove] = {one.folder: _left_out(one, texts) for one in left_out}
    written: dict[Path, bytes] = {}

    def move(each: ProjectSources) -> None:
        migration = _Migration(root, texts, folders, uv, run, each, dict(written))
        with nullcontext() if each.tool == "uv" else step(f"lock {each.folder.as_posix()}"):
            migration.migrate(depended=each.folder in libraries)
        moved[each.folder] = migration.move(files)

    # Libraries first: what depends on one is locked with the manifest that it will have.
    for each in (one for one in found if one.folder in libraries):
        move(each)
        if moved[each.folder].facts is not None:
            written |= {edit.path: edit.after for edit in moved[each.folder].edits if edit.after is not None}
    others = [partial(move, one) for one in found if one.folder not in libraries]
    process.run_concurrently(others, at_once=os.cpu_count() or 1)
    order = sorted(found, key=lambda one: one.folder not in libraries)
    return Dependencies(tuple(moved[one.folder] for one in (*order, *left_out)), files, version)


def _left_out(found: ProjectSources, texts: Mapping[Path, str]) -> ProjectMove:
    """A project that nothing in the repo installs: an example, a template, what others wrote."""
    named = (*found.files, *(found.folder / name for name in ("Pipfile", "pyproject.toml", "setup.py")))
    path = next((path for path in named if path in texts), found.folder)
    what = f"nothing in this repo installs {found.folder.as_posix()}, so all in it stays as it is"
    instead = "have an image, a workflow or a script install it, and run it again, if it is to move too"
    return ProjectMove(found.folder, findings=(Notice(path, 0, "note", what, instead),))


def _text(root: Path, path: Path, text: str) -> str:
    """A file's text; a requirement file in the encoding that it names itself."""
    if not sources.is_requirements(path):
        return text
    try:
        return requirements.decode((root / path).read_bytes())
    except OSError:
        return text


@dataclass
class _Migration:
    """The move of one project, and what comes of it; no ``facts`` where it has to stay as it is."""

    root: Path
    texts: Mapping[Path, str]
    folders: tuple[Path, ...]
    program: str
    run: Run
    found: ProjectSources
    written: Mapping[Path, bytes]
    edits: list[FileEdit] = field(default_factory=list)
    facts: ProjectFacts | None = None
    installs: dict[Path, Install] = field(default_factory=dict)
    environment: dict[str, str] = field(default_factory=dict)
    findings: list[Notice] = field(default_factory=list)
    drifts: list[Drift] = field(default_factory=list)
    gone: set[Path] = field(default_factory=set)
    stopped: Notice | None = None

    def move(self, files: Mapping[Path, str]) -> ProjectMove:
        """What came of it."""
        found = self.found
        lists = {*found.files, *(found.folder / name for name in external.FILES.get(found.tool, ()))}
        before = {path: self.root / path for path in sorted(self.gone)}
        gone = [FileEdit(path, file.read_bytes() if file.is_file() else files[path].encode(), None)
                for path, file in before.items()]  # fmt: skip
        return ProjectMove(
            found.folder, frozenset(lists), frozenset(sources.depended([found])), tuple(self.edits), tuple(gone),
            self.facts, self.installs, self.environment, tuple(self.findings), tuple(self.drifts), self.stopped,
        )  # fmt: skip

    def migrate(self, *, depended: bool) -> None:
        if self.found.tool == "uv":
            self._already()
            return
        with tempfile.TemporaryDirectory(prefix="uvdock-migrate-") as temp:
            base = Path(temp).resolve() / (self.root.resolve().name or "repo")
            folder = base / self.found.folder
            folder.mkdir(parents=True)
            env = {name: value for name, value in os.environ.items() if name not in _FOREIGN}
            uv = Uv(self.program, self.run, folder, env)
            if self.found.tool in external.FILES:
                self._external(uv)
            else:
                self._pip(uv, base, depended=depended)

    def _already(self) -> None:
        """A project that uv manages: nothing to do, and what is left of pip is named."""
        data = self.found.pyproject
        wanted = str(data.get("project", {}).get("requires-python", ""))
        self.facts = ProjectFacts(self.found.folder, sources.is_built(data), wanted)
        for path, source in self.found.files.items():
            exported = source.compiled and "uv export" in "".join(line.comment for line in source.lines[:4])
            if not exported:
                what = "the project has a uv.lock, and this file beside it"
                self._ask(path, what, "delete it if uv.lock has all of it; else `uv add -r` it")

    def _ask(self, path: Path, what: str, instead: str) -> None:
        self.findings.append(Notice(path, 0, "question", what, instead))

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
        repo = self.root.resolve().name
        places = Places(self.found.folder, self.found.folder, self._name_of, self._exists)
        work = project.begin(self.found, self.texts, self.folders, places, repo=repo, depended=depended)
        if not (work.nodes or work.package or "project" in self.found.pyproject):
            # A setup.py that nothing installs.
            return
        uv = replace(uv, env={**uv.env, **work.settings.secrets})
        self._copy(work, base)
        locked = self._lock(work, uv.with_python(work.python.requires))
        taken = (node for node in (*work.nodes.values(), *work.outside.values(), *work.limits) if not node.stays)
        old = {path for node in taken for path in (node.path, *node.compiled)}
        self.gone = old & self.texts.keys() - work.kept
        if isinstance(locked, Failed):
            self._cannot_lock(locked, work.manifest, work.python.requires)
            return
        if locked.best_match:
            work.settings.values["index-strategy"] = "unsafe-best-match"
            what = "pip takes the best version of all indexes, and this lock needs that too: index-strategy says so"
            instead = "name the index of each private package in [tool.uv.sources]"
            self.findings.append(Notice(work.manifest, 0, "note", what, instead))
        layout = work.layout()
        self._prove(work, layout, uv, locked)
        self._edit(work.manifest, self._manifest(work).encode())
        self._edit(work.manifest.with_name("uv.lock"), locked.content)
        self._tell(work, layout)

    def _lock(self, work: ProjectMigration, uv: Uv) -> Locked | Failed:
        """Lock a project with the versions it had, and settle what only a lock can tell."""
        pins, questions = version_drift.chosen(work.pins(), _conflicting(work.layout()))

        def lock(*, drops: bool = True) -> Locked | Failed:
            fixed = frozenset(entry.wanted.key for _, entry in work.layout().entries if entry.wanted.pin)
            return uv.lock(self._manifest(work), pins, fixed, several=bool(work.settings.indexes), drops=drops)

        locked = lock(drops=False)
        if isinstance(locked, Failed) and not locked.python and not locked.has_no_python:
            locked = self._narrowed(work, lock) or lock()
        while isinstance(locked, Failed) and locked.python and work.raise_python(locked.python):
            locked = lock()
        imports = frozen.imported(self.texts, self.found.folder)
        if isinstance(locked, Locked) and (more := frozen.settle(work, locked, uv, imports)):
            questions += more
            locked = lock()
        findings = work.layout().findings
        asked = {(one.path, one.line) for one in findings if one.level == "question"}
        if isinstance(locked, Locked) and indexes.settle(work, locked):
            locked = lock()
        self.findings += [*work.findings, *findings]
        self.findings += [one for one in questions if (one.path, one.line) not in asked]
        return locked

    def _narrowed(self, work: ProjectMigration, lock: Callable[..., Locked | Failed]) -> Locked | None:
        """The lock with all pins, for less than every Python and platform: pip installed them for what the repo has."""
        for bound in work.narrowed():
            if isinstance(locked := lock(drops=False), Locked):
                what = f"the project is bound to {bound}: uv keeps all pinned versions there, and not everywhere"
                instead = "newer versions may do without it"
                self.findings.append(Notice(work.manifest, 0, "note", what, instead))
                return locked
        return None

    def _manifest(self, work: ProjectMigration) -> str:
        return pyproject.write(self.texts.get(work.manifest), work, work.layout())

    def _copy(self, work: ProjectMigration, base: Path) -> None:
        """What uv reads of the repo besides the manifest: path dependencies, and the project where it is built."""
        copied = [self.found.folder] if work.package else []
        if work.built:
            self._history(base)
        entries = [entry for node in (*work.nodes.values(), *work.outside.values()) for entry in node.entries]
        origins = [*(entry.wanted.source for entry in entries), *work.origins.values()]
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

    def _history(self, base: Path) -> None:
        """The repo's tags and commits, of which a build may make the project's version."""
        repo = next((folder for folder in (self.root, *self.root.parents) if (folder / ".git").exists()), None)
        if repo and shutil.which("git"):
            made = base.with_name(f"{base.name}.git")
            self.run(["git", "clone", "--quiet", "--shared", "--bare", str(repo), str(made)])
            if made.is_dir():
                made.rename(base / ".git")
                self.run(["git", "-C", str(base), "config", "core.bare", "false"])

    def _cannot_lock(self, failed: Failed, path: Path, python: str = "") -> None:
        if failed.has_no_python:
            what = f"uv finds no Python {python}".rstrip() + " here to lock this project with, and cannot download one"
            self._stop(path, what, "install that Python, or run it where uv can download it, and run it again")
            return
        instead = "correct what uv names (a version, an index, its credentials) and run it again"
        self._stop(path, f"uv cannot lock this project, so it stays as it is: {short(failed.why)}", instead)

    def _stop(self, path: Path, what: str, instead: str) -> None:
        """The project stays as it is."""
        self.stopped = Notice(path, 0, "question", what, instead)
        self.findings.append(self.stopped)

    def _prove(self, work: ProjectMigration, layout: GroupLayout, uv: Uv, locked: Locked) -> None:
        version = work.python.version
        for old in frozen.old_files(work):
            installed = uv.installed(layout.flags[old.path], version)
            if isinstance(installed, str):
                what = f"what the lock installs in place of this file cannot be told: {installed}"
                self._ask(old.path, what, "compare it by hand")
                continue
            if missing := {pin.name for pin in old.pins} - installed.keys():
                # What only the first releases of that Python need: which of them it was, a list does not say.
                first = uv.installed(layout.flags[old.path], version, 0)
                installed |= {name: first[name] for name in missing if not isinstance(first, str) and name in first}
            self.drifts += version_drift.compare(old, installed, locked, version)
        self.findings += version_drift.check_hashes(work.pins(), locked.data)

    def _tell(self, work: ProjectMigration, layout: GroupLayout) -> None:
        """Say what other converters need to know."""
        folder = self.found.folder
        self.facts = ProjectFacts(folder, work.package, work.python.requires, work.built)
        self.environment = dict(work.settings.environment)
        nodes = {**work.outside, **work.nodes}
        for path, node in work.nodes.items():
            reached = groups.closure(path, nodes)
            if any(nodes[one].incomplete for one in reached):
                what = "commands that install this file stay as they are: uv would not install all of it"
                self.findings.append(Notice(path, 0, "left", what, "settle its lines first, then run it again"))
                continue
            itself = work.package and any(nodes[one].itself is not None for one in reached)
            for one in (path, *node.compiled):
                self.installs[one] = Install(folder, layout.flags[path], itself)
        for node in work.limits:
            if not node.stays:
                # The lock holds to it, whoever names it.
                self.installs.setdefault(node.path, Install(folder, ()))
        has_dev = any("--no-dev" in one for one in layout.flags.values()) or "dev" in layout.groups
        for name in ("setup.py", "setup.cfg", "pyproject.toml"):
            if folder / name in self.texts and work.package:
                self.installs[folder / name] = Install(folder, ("--no-dev",) if has_dev else ())

    def _edit(self, path: Path, after: bytes) -> None:
        file = self.root / path
        before = file.read_bytes() if file.is_file() else None
        if before != after:
            self.edits.append(FileEdit(path, before, after))

    # --- Poetry and Pipenv --------------------------------------------------------------------------------------------

    def _external(self, uv: Uv) -> None:
        tool, folder = self.found.tool, self.found.folder
        path = folder / "pyproject.toml"
        made = external.manifest(uv, tool, self.texts, folder)
        if isinstance(made, Failed):
            self._stop(path, made.why, "run it by hand, or correct what it names")
            return
        made = external.completed(made, folder.name or self.root.resolve().name)
        for name in ("README.md", "README.rst", "LICENSE"):
            if (self.root / folder / name).is_file():
                shutil.copy2(self.root / folder / name, uv.folder / name)
        pins = external.pins(tool, self.texts, folder)
        locked = uv.lock(made, pins, frozenset(), several=False)
        if isinstance(locked, Failed):
            self._cannot_lock(locked, path)
            return
        self.drifts += external.compare(pins, locked)
        self.findings += version_drift.check_hashes(pins, locked.data)
        note = f"{tool}'s manifest was converted by {external.TOOL}"
        self.findings.append(Notice(path, 0, "note", note, "compare build settings and scripts"))
        self._edit(path, made.encode())
        self._edit(folder / "uv.lock", locked.content)
        data = sources.data_of(made)
        self.facts = ProjectFacts(folder, sources.is_built(data), str(data["project"].get("requires-python", "")))
        without_dev = Install(folder, ("--no-dev",) if "dev" in data.get("dependency-groups", {}) else ())
        everything = Install(folder)
        if tool == "poetry":
            self.installs[path] = everything
        self.gone = {folder / name for name in external.FILES[tool]} & self.texts.keys()
        self.installs |= dict.fromkeys(self.gone, without_dev if tool == "pipenv" else everything)
        known = {pin.name: pin.version for pin in pins}
        for one, source in self.found.files.items():
            if external.is_export(source, known):
                self.gone.add(one)
                self.installs[one] = without_dev
            else:
                what = f"the project is {tool}'s, and this file asks for something else"
                self._ask(one, what, "`uv add -r` it, or delete it")


def _conflicting(layout: GroupLayout) -> frozenset[str]:
    """The packages that groups in conflict pin differently."""
    names = {name for pair in layout.conflicts for name in pair}
    pins = {(entry.wanted.key, entry.wanted.pin) for name, entry in layout.entries if name in names}
    keys = [key for key, pin in pins if pin]
    return frozenset(key for key in keys if keys.count(key) > 1)
