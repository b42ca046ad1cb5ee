"""Finding things on the host: the repo root, the project, the Compose files, what `.env` says."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from uvdock.errors import UvdockError
from uvdock.seen import SKIPPED
from uvdock.settings import FILE, Settings, own_place, read_toml

#: In the order Compose looks for them (`DefaultFileNames`, `DefaultOverrideFileNames` of compose-go).
COMPOSE_NAMES = ("compose.yaml", "compose.yml", "docker-compose.yml", "docker-compose.yaml")
OVERRIDE_NAMES = (
    "compose.override.yml",
    "compose.override.yaml",
    "docker-compose.override.yml",
    "docker-compose.override.yaml",
)
_DEPTH = 4
#: The tables of a pyproject.toml that uvdock looks into.
_TABLES = (("project",), ("tool", "uv", "workspace"), ("tool", "uv", "sources"))


class Tool(NamedTuple):
    """What keeps a project's packages: its program, and the names of the manifest and of the lock it writes."""

    program: str
    manifest: str
    lock: str


UV = Tool("uv", "pyproject.toml", "uv.lock")


class Project(NamedTuple):
    """A folder with `pyproject.toml` and, once locked, `uv.lock`; or with the manifest and lock of another tool.

    ``folder`` is the one with the lock (the workspace root); ``inside`` is where in it the tool is to run, which
    is a member's folder for someone who works there.
    """

    folder: Path
    inside: Path = Path()
    tool: Tool = UV

    @property
    def pyproject(self) -> Path:
        """The manifest of a Python project."""
        return self.folder / UV.manifest

    @property
    def manifest(self) -> Path:
        """The project's own manifest."""
        return self.folder / self.tool.manifest

    @property
    def lock(self) -> Path:
        """The project's lock, which need not be there yet."""
        return self.folder / self.tool.lock

    @property
    def cwd(self) -> Path:
        """Where the tool runs on the host."""
        return self.folder / self.inside


def find_root(start: Path) -> Path:
    """The repo root for someone in ``start``.

    It is the nearest folder upwards with a Compose file, a `uvdock.toml`, a ``[tool.uvdock]`` table or
    `.git`; without any of
    those the nearest with a `pyproject.toml`; else ``start`` itself.
    """
    start = start.resolve()
    manifest: Path | None = None
    for folder in (start, *start.parents):
        if _is_repo(folder):
            return folder
        if manifest is None and (folder / "pyproject.toml").is_file():
            manifest = folder
    return manifest or start


def find_compose_files(
    root: Path, settings: Settings, environ: Mapping[str, str], env_file: Mapping[str, str] | None = None
) -> tuple[Path, ...]:
    """The Compose files of the repo, in the order Compose merges them; empty when there is none.

    From the settings, else from ``COMPOSE_FILE`` (environment or `.env`), else by Compose's own names.

    Args:
        root: The repo root.
        settings: The settings.
        environ: The environment.
        env_file: What `.env` says, for who has read it already.

    Raises:
        UvdockError: A file that was named is not there.
    """
    named: tuple[str, ...] = settings.compose_files
    source = settings.sources.get("compose_files", "")
    if not named:
        values = {**(dotenv(root) if env_file is None else env_file), **environ}
        separator = values.get("COMPOSE_PATH_SEPARATOR") or os.pathsep
        named = tuple(part for part in (values.get("COMPOSE_FILE") or "").split(separator) if part)
        source = "COMPOSE_FILE"
    if named:
        files = tuple((root / name).resolve() for name in named)
        for file in files:
            if not file.is_file():
                raise UvdockError(
                    f"the Compose file {file.name} is not there",
                    where=f"{file}, named by {source}",
                    fix="correct the name, or take it out so that Compose's usual names are looked for",
                )
        return files
    base = _compose_file(root)
    if base is None:
        return ()
    override = next((root / name for name in OVERRIDE_NAMES if (root / name).is_file()), None)
    return (base, override) if override else (base,)


def find_project(root: Path, cwd: Path, settings: Settings) -> Project:
    """The project to work on: the one ``cwd`` is in, else the only one there is.

    Raises:
        UvdockError: There is none, or it is not clear which.
    """
    return _only(find_projects(root, cwd, settings), root)


def find_projects(root: Path, cwd: Path, settings: Settings) -> list[Project]:
    """The project ``cwd`` is in, else every one of the repo.

    Raises:
        UvdockError: A folder that the settings name has none.
    """
    cwd = cwd.resolve()
    if settings.projects:
        source = settings.sources.get("projects", "")
        folders = [_project_at((root / name).resolve(), f"projects, from {source}") for name in settings.projects]
        inside = [found for found in folders if cwd.is_relative_to(found.folder)]
        if inside:
            return [_for(max(inside, key=lambda found: len(found.folder.parts)).folder)]
        return folders
    for folder in (cwd, *cwd.parents):
        if is_project(folder / "pyproject.toml"):
            return [_for(folder)]
        if folder == root:
            break
    # Without a sign that this is a repo, it may be anything, a home folder too: no long search there.
    return [Project(folder) for folder in _projects_below(root, _DEPTH if _is_repo(root) else 1)]


def is_project(manifest: Path) -> bool:
    """Whether ``manifest`` describes a project or a workspace, and not only some tool's settings."""
    if not manifest.is_file():
        return False
    data = read_pyproject(manifest)
    return "project" in data or "workspace" in data.get("tool", {}).get("uv", {})


def dotenv(root: Path) -> dict[str, str]:
    """The variables of the repo's `.env`, read as Compose reads them: ``export``, quotes, comments."""
    path = root / ".env"
    if not path.is_file():
        return {}
    from dotenv import dotenv_values

    return {name: value for name, value in dotenv_values(path).items() if value is not None}


def _project_at(folder: Path, why: str) -> Project:
    if not is_project(folder / "pyproject.toml"):
        raise UvdockError(
            "there is no project in that folder: it has no pyproject.toml with a [project] table",
            where=f"{folder} ({why})",
            fix="name a folder with a pyproject.toml, from the repo root",
        )
    return Project(folder)


def _for(folder: Path) -> Project:
    """The project of ``folder``, as a member of the workspace around it where there is one."""
    for above in (folder, *folder.parents):
        manifest = above / "pyproject.toml"
        if manifest.is_file():
            workspace = read_pyproject(manifest).get("tool", {}).get("uv", {}).get("workspace")
            if workspace is not None and (above == folder or folder in workspace_members(above)):
                return Project(above, folder.relative_to(above))
        if (above / ".git").exists():
            break
    return Project(folder)


def workspace_members(root: Path) -> list[Path]:
    """The folders of the workspace's members; empty where ``root`` is no workspace."""
    if not (root / "pyproject.toml").is_file():
        return []
    workspace = read_pyproject(root / "pyproject.toml").get("tool", {}).get("uv", {}).get("workspace", {})
    found, excluded = (
        {path.resolve() for glob in workspace.get(key, []) for path in find_glob(root, glob)}
        for key in ("members", "exclude")
    )
    return sorted(path for path in found - excluded if (path / "pyproject.toml").is_file())


def find_glob(root: Path, glob: object) -> set[Path]:
    """What a glob of a manifest finds; nothing for one that is none, for uv or the build back end says so."""
    try:
        return set(root.glob(str(glob)))
    except (ValueError, NotImplementedError):
        return set()


def read_pyproject(path: Path) -> Mapping[str, Any]:
    """A pyproject.toml as plain data, in which what uvdock reads as a table is one. Not to be changed: `read_toml`.

    Raises:
        UvdockError: It is no TOML, or one of those is something else.
    """
    data = read_toml(path)
    for keys in _TABLES:
        found: Any = data
        for depth, key in enumerate(keys, 1):
            found = found.get(key, {})
            name = ".".join(keys[:depth])
            if not isinstance(found, dict):
                raise UvdockError(
                    f"{name} must be a table, and is {found!r}",
                    where=str(path),
                    fix=f"write it as [{name}] with keys below it; nothing was changed",
                )
    return data


def _only(found: list[Project], root: Path) -> Project:
    if len(found) == 1:
        return found[0]
    if not found:
        raise UvdockError(
            "no pyproject.toml with a [project] table was found",
            where=f"{root} and the folders below it",
            fix="run `uv init` there, or go to the repo first",
        )
    names = ", ".join(str(project.folder.relative_to(root)) for project in found)
    raise UvdockError(
        f"there are {len(found)} projects, and it is not clear which one is meant",
        where=f"{root}: {names}",
        fix=f"go into one of them, or set UVDOCK_PROJECTS, or projects in {own_place(root)}",
        code=2,
    )


def _projects_below(folder: Path, depth: int) -> list[Path]:
    if is_project(folder / "pyproject.toml"):
        return [folder]
    if depth == 0:
        return []
    return [found for child in folders_in(folder) for found in _projects_below(child, depth - 1)]


def folders_in(folder: Path) -> list[Path]:
    """The folders in one that are worth looking into: not hidden, linked, installed or built ones; sorted."""
    try:
        with os.scandir(folder) as entries:
            names = sorted(
                entry.name
                for entry in entries
                if not entry.name.startswith(".") and entry.name not in SKIPPED and entry.is_dir(follow_symlinks=False)
            )
    except OSError:
        return []
    return [folder / name for name in names if not (folder / name / "pyvenv.cfg").exists()]


def _compose_file(folder: Path) -> Path | None:
    return next((folder / name for name in COMPOSE_NAMES if (folder / name).is_file()), None)


def _is_repo(folder: Path) -> bool:
    plain = _compose_file(folder) or (folder / ".git").exists() or (folder / FILE).is_file()
    return bool(plain) or _has_table(folder / "pyproject.toml")


def _has_table(manifest: Path) -> bool:
    return manifest.is_file() and "uvdock" in read_pyproject(manifest).get("tool", {})
