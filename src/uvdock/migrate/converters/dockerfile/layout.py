"""What is where in an image while it is built: files of the repo, environments, users."""

from __future__ import annotations

import fnmatch
import os
import re
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePosixPath

from uvdock.formats.dockerfile.stages import Stage, Step
from uvdock.formats.dockerfile.users import home
from uvdock.formats.image import name_of
from uvdock.migrate.commands.sync import Sync
from uvdock.migrate.model import RepoFacts

_REQUIREMENT = re.compile(
    r"(?:.*[-_./])?(?:requirements?|constraints?)[^/]*\.(?:txt|in)|Pipfile(?:\.lock)?|poetry\.lock"
)


@dataclass(frozen=True)
class CopiedFile:
    """A file or folder of the repo in the image."""

    there: PurePosixPath
    source: Path
    folder: bool
    number: int


@dataclass
class ImageLayout:
    """What is where at one point of a stage.

    Args:
        entries: The files and folders of the repo, the latest last.
        venvs: The virtual environments.
        syncs: What uv synced, and where to.
        extra: Whether packages that are not in the lock were installed.
        has_uv: Whether uv is there before anything is converted.
        arrived: Whether it comes by the conversion.
        project_environment: What ``UV_PROJECT_ENVIRONMENT`` will be.
    """

    entries: list[CopiedFile] = field(default_factory=list)
    venvs: list[str] = field(default_factory=list)
    syncs: list[Sync] = field(default_factory=list)
    extra: bool = False
    has_uv: bool = False
    arrived: bool = False
    project_environment: str = ""

    def copy(self) -> ImageLayout:
        """The same, for a stage that is made from this one."""
        return replace(self, entries=[*self.entries], venvs=[*self.venvs], syncs=[*self.syncs])

    def locate(self, path: PurePosixPath, facts: RepoFacts) -> Path | None:
        """The path from the repo root of what is at a path in the image."""
        for entry in reversed(self.entries):
            if entry.there == path:
                return entry.source
            if entry.folder and path.is_relative_to(entry.there):
                found = entry.source / path.relative_to(entry.there)
                if found in facts.files or any(found in one.parents for one in facts.files):
                    return found
            if not entry.folder and entry.there.parent == path and entry.there.name == entry.source.name:
                return entry.source.parent
        return None

    def places(self, project: Path, facts: RepoFacts) -> list[PurePosixPath]:
        """The folders in the image where a project's files are, those of single files first."""
        files = (entry for entry in self.entries if not entry.folder and entry.source.is_relative_to(project))
        found = [root_of(entry, project) for entry in files]
        for entry in self.entries:
            if entry.folder and project.is_relative_to(entry.source):
                found.append(entry.there / project.relative_to(entry.source))
            elif entry.folder and is_requirement(entry.source, facts) and entry.source.is_relative_to(project):
                found.append(root_of(entry, project))
        return list(dict.fromkeys(found))


def root_of(entry: CopiedFile, project: Path) -> PurePosixPath:
    """Where a project is of which one file is at ``entry``."""
    inside = entry.source.relative_to(project).parts
    if inside and entry.there.parts[-len(inside) :] == inside:
        return PurePosixPath(*entry.there.parts[: -len(inside)])
    return entry.there.parent


def is_requirement(path: Path, facts: RepoFacts) -> bool:
    """Whether a file or folder says what to install, and goes with the migration."""
    if path.name in ("pyproject.toml", "setup.py", "setup.cfg"):
        return False
    if path in facts.installs or _REQUIREMENT.fullmatch(path.as_posix()):
        return True
    inside = [one for one in facts.files if path in one.parents]
    return bool(inside) and all(one in facts.installs or _is_list(one) for one in inside)


def _is_list(path: Path) -> bool:
    return path.suffix in (".txt", ".in") or path.name in ("README.md", ".gitkeep")


def contexts(path: Path, sources: Iterable[str], facts: RepoFacts) -> Path:
    """The folder that the build most likely has for its context: the one in which most of what is copied exists."""
    names = [name.strip("/").removeprefix("./") for name in sources]
    candidates = list(dict.fromkeys([path.parent, *path.parent.parents]))

    def count(folder: Path) -> int:
        return sum(bool(matches(folder, name, facts)) for name in names if name not in (".", "", "*"))

    best = max(candidates, key=count)
    return best if count(best) else path.parent


def matches(context: Path, name: str, facts: RepoFacts) -> list[tuple[Path, bool]]:
    """The files and folders of the context that a source of COPY names, each with whether it is a folder."""
    plain = os.path.normpath(context / name.lstrip("/"))
    path = Path(plain)
    if ".." in path.parts:
        return []
    if path in facts.files or path in facts.installs or path.name in ("pyproject.toml", "uv.lock"):
        return [(path, False)]
    if path == Path() or any(path in one.parents for one in facts.files):
        return [(path, True)]
    if not re.search(r"[*?\[]", name):
        return []
    known = dict.fromkeys([*facts.files, *facts.installs])
    found = [(one, False) for one in known if fnmatch.fnmatchcase(one.as_posix(), path.as_posix())
             and len(one.parts) == len(path.parts)]  # fmt: skip
    folders = {Path(*one.parts[: len(path.parts)]) for one in known if len(one.parts) > len(path.parts)}
    return found + [(one, True) for one in sorted(folders) if fnmatch.fnmatchcase(one.as_posix(), path.as_posix())]


def absolute(step: Step, name: str) -> PurePosixPath | None:
    """A path in the image; ``None`` where it cannot be told."""
    whole = name.replace("~/", f"{home(step) or '~'}/", 1) if name.startswith("~/") else name
    return None if whole.startswith("~") else step.path(whole, {"LAMBDA_TASK_ROOT": "/var/task"})


def spelled(there: PurePosixPath, workdir: PurePosixPath | None) -> str:
    """How to name a folder in the image at a step; empty for the one that the step runs in."""
    if there == workdir:
        return ""
    inside = workdir is not None and workdir != PurePosixPath("/") and there.is_relative_to(workdir)
    return str(there.relative_to(workdir)) if inside and workdir else str(there)


def is_python(stage: Stage) -> bool:
    """Whether a stage is made from the image `python`, under any registry: its prefix is /usr/local."""
    image = stage.root.image
    return name_of(image) == "python" and not re.search(r"lambda|distroless|chainguard|cgr\.dev|devcontainers", image)
