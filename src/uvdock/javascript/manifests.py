"""Which folder of a repo has the JavaScript, and which of its files a package manager reads."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from uvdock.deps.manifest import Manifests
from uvdock.errors import UvdockError
from uvdock.javascript.folders import MANIFEST, folders
from uvdock.javascript.manager import LOCKS, Manager, manager_of, read
from uvdock.project import Project, find_glob

#: Files beside a package.json that change what a manager makes of it. `.npmrc` may hold credentials: it is sent to
#: where the manager runs, and goes with the one-off; it is never brought back and never put in a running container.
_BESIDE = (".npmrc", ".yarnrc", ".yarnrc.yml", "bunfig.toml", "pnpm-workspace.yaml", ".pnpmfile.cjs", ".pnpmfile.mjs")
_FOLDERS = (".yarn/releases", ".yarn/plugins", ".yarn/patches", "patches")
_DEPENDENCIES = ("dependencies", "devDependencies", "optionalDependencies")
_LOCAL = re.compile(r"(?:file|link|portal):(?P<path>[^#]+)")
_WORKSPACE_ITEM = re.compile(r"""^\s*-\s*["']?(?P<glob>[^"'#]+?)["']?\s*(?:#.*)?$""")


def find(root: Path, cwd: Path) -> tuple[Project, Manager]:
    """The JavaScript project for someone in ``cwd``: the one they are in, else the only one there is.

    Of several, it is the only one with a lock.

    Raises:
        UvdockError: There is none, or it is not clear which, or its manager is not.
    """
    folder, inside = _around(root, cwd.resolve())
    if folder is None:
        found = folders(root)
        locked = [item for item in found if _locked(item)]
        if len(found) != 1 and len(locked) != 1:
            raise _unclear(found, root)
        folder = locked[0] if len(locked) == 1 else found[0]
    manager = manager_of(folder)
    return Project(folder, inside, manager.tool), manager


def collect(project: Project) -> Manifests:
    """Find what the package manager of ``project`` reads to lock.

    Raises:
        UvdockError: A manifest cannot be read.
    """
    owned = {project.manifest, project.lock}
    files: set[Path] = set()
    waiting, seen = [project.folder, *_members(project.folder)], set[Path]()
    owned |= {folder / MANIFEST for folder in waiting}
    if (project.folder / "pnpm-workspace.yaml").is_file():
        owned.add(project.folder / "pnpm-workspace.yaml")
    while waiting:
        folder = waiting.pop().resolve()
        if folder in seen:
            continue
        seen.add(folder)
        manifest = folder / MANIFEST
        files |= {manifest, *(folder / name for name in _BESIDE)}
        for source in _local(read(manifest) if manifest.is_file() else {}):
            target = Path(os.path.normpath(folder / source))
            (waiting.append if target.is_dir() else files.add)(target)
    for name in _FOLDERS:
        files |= {path for path in (project.folder / name).rglob("*") if path.is_file()}
    existing = {file for file in files | owned if file.is_file()} | {project.lock}
    base = Path(os.path.commonpath([str(file.parent) for file in existing] + [str(project.folder)]))
    return Manifests(
        base=base,
        cwd=project.cwd.relative_to(base),
        files=tuple(sorted(file.relative_to(base) for file in existing)),
        owned=tuple(sorted(file.relative_to(base) for file in owned)),
    )


def variables(project: Project, environ: Mapping[str, str]) -> dict[str, str]:
    """The caller's variables that the manager needs wherever it runs: registries, and credentials that files name.

    To be handed on by name: no process list shows their values.
    """
    names = {"NPM_TOKEN", "NODE_AUTH_TOKEN", "NPM_CONFIG_REGISTRY", "npm_config_registry", "YARN_REGISTRY"}
    names |= {"YARN_NPM_REGISTRY_SERVER", "YARN_NPM_AUTH_TOKEN", "YARN_NPM_AUTH_IDENT"}
    for name in (".npmrc", ".yarnrc", ".yarnrc.yml", "bunfig.toml"):
        path = project.folder / name
        text = path.read_text(encoding="utf-8", errors="replace") if path.is_file() else ""
        names |= set(re.findall(r"\$\{?([A-Za-z_][A-Za-z0-9_]*)", text))
    return {name: environ[name] for name in sorted(names) if name in environ}


def _around(root: Path, cwd: Path) -> tuple[Path | None, Path]:
    """The project that ``cwd`` is in, and where in it; a member of a workspace is in the workspace's."""
    above = [folder for folder in (cwd, *cwd.parents) if folder.is_relative_to(root)]
    nearest = next((folder for folder in above if (folder / MANIFEST).is_file()), None)
    if nearest is None:
        return None, Path()
    for folder in above[above.index(nearest) + 1 :]:
        if (folder / MANIFEST).is_file() and nearest in _members(folder):
            return folder, nearest.relative_to(folder)
    return nearest, Path()


def _members(folder: Path) -> list[Path]:
    """The folders of the workspace's members: as npm and its kin document them."""
    manifest = folder / MANIFEST
    globs = read(manifest).get("workspaces", []) if manifest.is_file() else []
    if isinstance(globs, dict):
        globs = globs.get("packages", [])
    globs = [glob for glob in globs if isinstance(glob, str)] if isinstance(globs, list) else []
    globs += _pnpm_globs(folder / "pnpm-workspace.yaml")
    wanted, unwanted = (
        {path.resolve() for glob in globs if glob.startswith("!") == negative for path in _glob(folder, glob)}
        for negative in (False, True)
    )
    return sorted(path for path in wanted - unwanted - {folder.resolve()} if (path / MANIFEST).is_file())


def _glob(folder: Path, glob: str) -> Iterator[Path]:
    # pathlib knows no trailing slash and no "./" before a pattern.
    for path in find_glob(folder, glob.removeprefix("!").removeprefix("./").rstrip("/")):
        if "node_modules" not in path.relative_to(folder).parts:
            yield path


def _pnpm_globs(path: Path) -> list[str]:
    """The list ``packages`` of a pnpm-workspace.yaml, in the block style in which everyone writes it."""
    if not path.is_file():
        return []
    found: list[str] = []
    inside = False
    for line in path.read_text(encoding="utf-8", errors="replace").splitlines():
        if re.match(r"\S", line) and not line.startswith(("#", "-")):
            inside = line.startswith("packages:")
        elif inside and (item := _WORKSPACE_ITEM.match(line)):
            found.append(item["glob"])
    return found


def _local(data: Mapping[str, Any]) -> Iterator[str]:
    """The paths of dependencies that are files or folders."""
    for key in _DEPENDENCIES:
        items = data.get(key)
        for value in items.values() if isinstance(items, dict) else ():
            if isinstance(value, str) and (found := _LOCAL.match(value)):
                yield found["path"]


def _locked(folder: Path) -> bool:
    return any((folder / lock).is_file() for locks in LOCKS.values() for lock in locks)


def _unclear(found: list[Path], root: Path) -> UvdockError:
    if not found:
        return UvdockError(
            "no package.json was found",
            where=f"{root} and the folders below it",
            fix="run `npm init` where the JavaScript is, or go to the repo first",
        )
    names = ", ".join(str(folder.relative_to(root)) for folder in found)
    return UvdockError(
        f"there are {len(found)} folders with a package.json, and it is not clear which one is meant",
        where=f"{root}: {names}",
        fix="go into one of them and run it there",
        code=2,
    )
