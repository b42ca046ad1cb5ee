"""What a resolution reads: the manifests of a project, to be sent where uv runs without the source tree."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from uvdock.errors import UvdockError
from uvdock.project import Project, find_glob, read_pyproject, workspace_members

#: Files beside a pyproject.toml that change what uv or a build back end makes of it.
_BESIDE = ("uv.toml", ".python-version", ".python-versions", "setup.py", "setup.cfg", "MANIFEST.in")
_LICENSES = ("LICEN[CS]E*", "COPYING*", "NOTICE*", "AUTHORS*")
_NEVER_SENT = {".git", ".venv", "node_modules", "__pycache__", ".mypy_cache", ".ruff_cache", ".pytest_cache"}


@dataclass(frozen=True)
class Manifests:
    """The files uv needs, relative to a folder that holds all of them.

    Args:
        base: The folder every path is relative to: the project's, or one above it when a path dependency
            lies outside.
        cwd: Where uv is to run, relative to ``base``.
        files: The files, relative to ``base``, sorted.
        owned: The subset that uv itself rewrites: each pyproject.toml of the workspace, and uv.lock.
        edits: Contents that are not the host's: tried before they are written there, relative to ``base``.
    """

    base: Path
    cwd: Path
    files: tuple[Path, ...]
    owned: tuple[Path, ...]
    edits: Mapping[Path, bytes] = field(default_factory=dict)

    def edited(self, edits: Mapping[Path, bytes]) -> Manifests:
        """The same with other contents for some files, or with further ones, by their whole paths on the host."""
        return replace(self, edits={path.relative_to(self.base): content for path, content in edits.items()})

    def read(self) -> dict[Path, bytes]:
        """The bytes of every file that is there, with the edits in place of the host's."""
        found: dict[Path, bytes] = {}
        for name in self.files:
            path = self.base / name
            try:
                found[name] = path.read_bytes()
            except FileNotFoundError:
                continue
            except OSError as error:
                raise UvdockError(
                    f"{name} cannot be read: {error.strerror}", where=str(path), fix="make it readable for you"
                ) from error
        return {**found, **self.edits}


def collect(project: Project, args: Sequence[str] = ()) -> Manifests:
    """Find what a resolution of ``project`` reads.

    Args:
        project: The project.
        args: The arguments for uv: files and folders they name are sent too (``-r requirements.txt``, ``./lib``).

    Raises:
        UvdockError: There is no pyproject.toml, or one of the manifests cannot be read.
    """
    if not project.pyproject.is_file():
        raise UvdockError(
            "there is no pyproject.toml",
            where=str(project.folder),
            fix="run `uv init` there, or go to the project's folder",
        )
    owned = {project.pyproject, project.lock}
    files: set[Path] = set(owned)
    folders = [project.folder, *workspace_members(project.folder)]
    seen: set[Path] = set()
    while folders:
        folder = folders.pop().resolve()
        if folder in seen:
            continue
        seen.add(folder)
        manifest = folder / "pyproject.toml"
        data = read_pyproject(manifest) if manifest.is_file() else {}
        files |= _of_folder(folder, data)
        if folder.is_relative_to(project.folder) and manifest.is_file():
            owned.add(manifest)
        for source in _path_sources(data):
            target = (folder / source).resolve()
            if target.is_dir():
                folders.append(target)
            elif target.is_file():
                files.add(target)
    files |= _named(project, args)
    existing = {file for file in files if file.is_file()} | {project.lock}
    base = Path(os.path.commonpath([str(file.parent) for file in existing] + [str(project.folder)]))
    return Manifests(
        base=base,
        cwd=project.cwd.relative_to(base),
        files=tuple(sorted(file.relative_to(base) for file in existing)),
        owned=tuple(sorted(file.relative_to(base) for file in owned)),
    )


def _of_folder(folder: Path, data: Mapping[str, Any]) -> set[Path]:
    """The manifest of one folder; the whole tree where only a build can tell its metadata."""
    project = data.get("project", {})
    if (not project and data.get("tool", {}).get("uv", {}).get("workspace") is None) or project.get("dynamic"):
        return set(_tree(folder))
    files = {folder / "pyproject.toml", *(folder / name for name in _BESIDE)}
    readme = project.get("readme")
    if isinstance(readme, Mapping):
        readme = readme.get("file")
    if isinstance(readme, str):
        files.add(folder / readme)
    license_ = project.get("license")
    if isinstance(license_, Mapping) and isinstance(license_.get("file"), str):
        files.add(folder / license_["file"])
    globs = project.get("license-files", _LICENSES)
    for glob in globs if isinstance(globs, (list, tuple)) else _LICENSES:
        files |= find_glob(folder, glob)
    # A readme may lie above the folder; a path with `..` in it has no place below any base.
    return {Path(os.path.normpath(file)) for file in files if file.is_file()}


def _tree(folder: Path) -> Iterator[Path]:
    for top, folders, names in os.walk(folder):
        folders[:] = [
            name for name in folders if name not in _NEVER_SENT and not Path(top, name, "pyvenv.cfg").exists()
        ]
        for name in names:
            yield Path(top, name)


def _path_sources(data: Mapping[str, Any]) -> Iterator[str]:
    for entry in data.get("tool", {}).get("uv", {}).get("sources", {}).values():
        for source in entry if isinstance(entry, list) else [entry]:
            if isinstance(source, Mapping) and isinstance(source.get("path"), str):
                yield source["path"]


def _named(project: Project, args: Sequence[str]) -> set[Path]:
    """The files that arguments name, as long as they lie within the project's folder or beside it."""
    files: set[Path] = set()
    for arg in args:
        for text in {arg, arg.partition("=")[2]}:
            if not text or text.startswith("-") or len(text) > 1000 or "\0" in text or "\n" in text:
                continue
            # Links stay what they are: it is under the name in the arguments that uv looks for the file.
            path = Path(os.path.normpath(project.cwd / text))
            near = path.is_relative_to(project.folder.parent) and path not in (project.folder, project.folder.parent)
            try:
                if near and path.is_file():
                    files.add(path)
                elif near and path.is_dir() and (path / "pyproject.toml").is_file():
                    files |= set(_tree(path))
            except OSError:
                continue
    return files
