"""The words of a migration: what is known of the repo, what changes in which file, and what stays for a person.

Data flows one way: the repo's files → what they say of dependencies (`Dependencies`) → what every other file has
to say instead (`Converted`) → one `MigrationPlan`. Only applying a plan writes.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from uvdock.migrate.commands.context import ExecutionContext


@dataclass(frozen=True)
class FileEdit:
    """One file that changes.

    Args:
        path: From the repo root.
        before: Its bytes now; ``None`` for a new file.
        after: Its bytes afterwards; ``None`` for one that goes.
    """

    path: Path
    before: bytes | None
    after: bytes | None


@dataclass(frozen=True)
class Notice:
    """Something that a person has to know or to do, with its place.

    Args:
        path: From the repo root.
        line: Counted from 1; 0 for the whole file.
        level: ``left``: it stays as it is, for it cannot be changed safely; ``question``: nobody but a person can
            decide; ``note``: it was changed or assumed, and is worth a look.
        what: What stands there, or what was assumed, in a sentence.
        instead: What to write instead, or how to decide; may be empty for a note.
    """

    path: Path
    line: int
    level: Literal["left", "question", "note"]
    what: str
    instead: str = ""


def in_order(findings: Iterable[Notice]) -> tuple[Notice, ...]:
    """Findings by their places, each once."""
    return tuple(sorted(dict.fromkeys(findings), key=lambda item: (item.path, item.line)))


@dataclass(frozen=True)
class Install:
    """What takes the place of installing a requirements file.

    Args:
        project: The project's folder, from the repo root.
        flags: The options of `uv sync` that install the same packages: ``("--no-dev",)``, ``("--group", "docs")``.
        itself: Whether the file installs the project itself too: `-e .` is in it.
    """

    project: Path
    flags: tuple[str, ...] = ()
    itself: bool = False


@dataclass(frozen=True)
class ProjectFacts:
    """One project of the repo.

    Args:
        folder: Its folder, from the repo root.
        package: Whether it is itself installed (`pip install .`, `-e .`), and not only its dependencies.
        requires_python: What its pyproject.toml says, or will say.
        built: Whether only its build can tell what it needs.
    """

    folder: Path
    package: bool
    requires_python: str
    built: bool = False


@dataclass(frozen=True)
class RepoFacts:
    """What a converter knows of the repo besides the file in its hands.

    Args:
        files: The repo's text files by their paths from the root, as they are before the migration.
        projects: Its projects.
        installs: For each requirements file (and ``setup.py``, ``Pipfile`` …), by its path from the repo root, what
            takes its place.
        uv: The version of uv that Dockerfiles and workflows are to have: ``0.13.8``.
        environment: Variables for credentials that were taken out of files: name and what it is for.
        harden: Whether images that run as root get a user.
        cache_volume: Whether Compose services that use uv at run time are to keep its cache in a volume.
        tasks: Whether the repo gets a tasks.py.
        services: Where something runs that is run in a service's container, by the name of each service that is built
            and whose image has uv.
        kept: The files whose place is taken and that stay all the same, for something still reads them.
    """

    files: Mapping[Path, str]
    projects: tuple[ProjectFacts, ...]
    installs: Mapping[Path, Install]
    uv: str
    environment: Mapping[str, str] = field(default_factory=dict)
    harden: bool = False
    cache_volume: bool = False
    tasks: bool = False
    services: Mapping[str, ExecutionContext] = field(default_factory=dict)
    kept: frozenset[Path] = frozenset()

    def is_package(self, folder: Path) -> bool:
        """Whether the project of a folder is itself installed."""
        return any(one.folder == folder and one.package for one in self.projects)

    def lock_option(self, folder: Path) -> str:
        """The option for what is installed before the source of a project is there to be built.

        uv compares the lock with what the project needs, which for some only their build can tell.
        """
        return "--frozen" if any(one.folder == folder and one.built for one in self.projects) else "--locked"


@dataclass(frozen=True)
class Converted:
    """What a converter made of one file.

    Args:
        content: The new text; the old one where nothing changes.
        findings: What a person has to know, with line numbers of the old text.
        stops: The folders of projects that have to stay with pip, since this file does.
    """

    content: str
    findings: tuple[Notice, ...] = ()
    stops: frozenset[Path] = frozenset()


@dataclass(frozen=True)
class Drift:
    """A package whose version is not the one that the old files had.

    Args:
        name: The package.
        old: The version of the old lock or freeze; empty for one that is new.
        new: The version in the new lock; empty for one that is gone.
        cause: Why, in a sentence.
    """

    name: str
    old: str
    new: str
    cause: str


@dataclass(frozen=True)
class ProjectMove:
    """What becomes of one project.

    Args:
        folder: Its folder, from the repo root.
        lists: The files that say what it needs; what installs one of them stays with pip where the project does.
        needs: The folders that it installs by their path.
        edits: Its new manifest and lock.
        gone: Its old files that nothing needs any more.
        facts: What other converters need; ``None`` where it stays as it is.
        installs: See `RepoFacts`.
        environment: See `RepoFacts`.
        findings: What a person has to know.
        drifts: The versions that are not the old ones.
        stopped: Why it stays with pip; ``None`` where it does not, or never used it.
    """

    folder: Path
    lists: frozenset[Path] = frozenset()
    needs: frozenset[Path] = frozenset()
    edits: tuple[FileEdit, ...] = ()
    gone: tuple[FileEdit, ...] = ()
    facts: ProjectFacts | None = None
    installs: Mapping[Path, Install] = field(default_factory=dict)
    environment: Mapping[str, str] = field(default_factory=dict)
    findings: tuple[Notice, ...] = ()
    drifts: tuple[Drift, ...] = ()
    stopped: Notice | None = None

    def stop(self, why: Notice) -> ProjectMove:
        """The same project, left with pip."""
        return ProjectMove(self.folder, self.lists, self.needs, gone=self.gone, findings=(why,), stopped=why)


@dataclass(frozen=True)
class Dependencies:
    """What became of the repo's requirement files.

    Args:
        projects: What becomes of each project.
        files: The repo's text files.
        uv: See `RepoFacts`.
    """

    projects: tuple[ProjectMove, ...]
    files: Mapping[Path, str]
    uv: str

    @property
    def edits(self) -> tuple[FileEdit, ...]:
        """The new and changed manifests and locks, and the old files that go."""
        stay = {edit.path for one in self.projects if one.facts is None for edit in one.gone}
        made = [edit for one in self.projects if one.facts for edit in one.edits]
        gone = [edit for one in self.projects if one.facts for edit in one.gone if edit.path not in stay]
        return tuple(sorted({edit.path: edit for edit in (*made, *gone)}.values(), key=lambda edit: edit.path))

    @property
    def facts(self) -> RepoFacts:
        """What the converters of all other files need."""
        return RepoFacts(
            files=self.files,
            projects=tuple(sorted((one.facts for one in self.projects if one.facts), key=lambda one: one.folder)),
            installs={path: install for one in self.projects for path, install in sorted(one.installs.items())},
            uv=self.uv,
            environment={name: why for one in self.projects for name, why in one.environment.items()},
        )

    @property
    def findings(self) -> tuple[Notice, ...]:
        """What a person has to know, each once."""
        return in_order(item for one in self.projects for item in one.findings)

    @property
    def drifts(self) -> tuple[Drift, ...]:
        """The versions that are not the old ones; none is the proof."""
        return tuple(dict.fromkeys(drift for one in self.projects for drift in one.drifts))

    @property
    def stopped(self) -> tuple[ProjectMove, ...]:
        """The projects that stay with pip."""
        return tuple(one for one in self.projects if one.stopped)

    def home(self, path: Path) -> ProjectMove | None:
        """The project that a file is of: the innermost that it lies in."""
        homes = {one.folder: one for one in self.projects}
        return next((homes[folder] for folder in path.parents if folder in homes), None)

    def is_left_out(self, path: Path) -> bool:
        """Whether a file is of a project that nothing in the repo installs, and so stays as it is."""
        home = self.home(path)
        return home is not None and home.folder != Path() and home.facts is None and home.stopped is None

    def stop(self, why: Mapping[Path, Notice]) -> Dependencies:
        """The same without the projects of some folders, and without those that install one of them by its path."""
        reasons = dict(why)
        for _ in self.projects:
            for one in self.projects:
                if one.edits and (lost := one.needs & reasons.keys()) and one.folder not in reasons:
                    what = f"it installs {min(lost).as_posix()}, which stays with pip"
                    reasons[one.folder] = Notice(one.folder / "pyproject.toml", 0, "left", what, "see why that stays")
        stopped = reasons.keys() & {one.folder for one in self.projects if one.edits}
        projects = (one.stop(reasons[one.folder]) if one.folder in stopped else one for one in self.projects)
        return replace(self, projects=tuple(projects))


@dataclass(frozen=True)
class MigrationPlan:
    """A migration, whole.

    Args:
        edits: Every file that changes, sorted by path; no path twice.
        findings: What stays for a person, sorted by path and line.
        drifts: See `Dependencies`.
        stopped: The projects that stay with pip.
    """

    edits: tuple[FileEdit, ...]
    findings: tuple[Notice, ...] = ()
    drifts: tuple[Drift, ...] = ()
    stopped: tuple[ProjectMove, ...] = ()
