"""The words of a migration: what is known of the repo, what changes in which file, and what stays for a person.

Data flows one way: the repo's files → what they say of dependencies (`Dependencies`) → what every other file has
to say instead (`Converted`) → one `MigrationPlan`. Only applying a plan writes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
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
    """

    folder: Path
    package: bool
    requires_python: str


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
        services: Where something runs that is run in a service's container, by the name of each service that is built
            and whose image has uv.
    """

    files: Mapping[Path, str]
    projects: tuple[ProjectFacts, ...]
    installs: Mapping[Path, Install]
    uv: str
    environment: Mapping[str, str] = field(default_factory=dict)
    harden: bool = False
    cache_volume: bool = False
    services: Mapping[str, ExecutionContext] = field(default_factory=dict)

    def is_package(self, folder: Path) -> bool:
        """Whether the project of a folder is itself installed."""
        return any(one.folder == folder and one.package for one in self.projects)


@dataclass(frozen=True)
class Converted:
    """What a converter made of one file.

    Args:
        content: The new text; the old one where nothing changes.
        findings: What a person has to know, with line numbers of the old text.
    """

    content: str
    findings: tuple[Notice, ...] = ()


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
class StoppedProject:
    """A project that stays with pip.

    Args:
        folder: Its folder, from the repo root.
        files: Its requirement files; what installs one of them stays with pip too.
        why: What stopped it.
    """

    folder: Path
    files: frozenset[Path]
    why: Notice


@dataclass(frozen=True)
class Dependencies:
    """What became of the repo's requirement files.

    Args:
        edits: The new and changed manifests and locks, and the old files that go.
        facts: What the converters of all other files need.
        findings: What a person has to know.
        drifts: The versions that are not the old ones; none is the proof.
        stopped: The projects that cannot be migrated.
    """

    edits: tuple[FileEdit, ...]
    facts: RepoFacts
    findings: tuple[Notice, ...] = ()
    drifts: tuple[Drift, ...] = ()
    stopped: tuple[StoppedProject, ...] = ()


@dataclass(frozen=True)
class MigrationPlan:
    """A migration, whole.

    Args:
        edits: Every file that changes, sorted by path; no path twice.
        findings: What stays for a person, sorted by path and line.
        drifts: See `Dependencies`.
        stopped: See `Dependencies`.
    """

    edits: tuple[FileEdit, ...]
    findings: tuple[Notice, ...] = ()
    drifts: tuple[Drift, ...] = ()
    stopped: tuple[StoppedProject, ...] = ()
