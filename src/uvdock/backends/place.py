"""What uvdock must know of a container or image before uv, or another such tool, runs there."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from uvdock.deps.manifest import Manifests
from uvdock.engine.api import Engine, environment
from uvdock.project import Project

_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


@dataclass(frozen=True)
class Place:
    """A container as uv, or whatever keeps the project's packages, finds it.

    Args:
        container: Its id.
        uid: The number of the user its processes run as.
        gid: Its group's number.
        folder: The project's folder in it.
        program: Where the project's tool is in it, or ``None``.
        env: Its environment variables.
        mounted: The project's folder is mounted from a folder of that name, writable.
        same_manifest: Its manifest is the host's, byte for byte. With ``mounted``, this shows that the
            engine sees this machine: on a remote one, the mount is empty.
        single_files: The manifests that are mounted on their own, file by file.
    """

    container: str
    uid: int
    gid: int
    folder: PurePosixPath
    program: str | None
    env: Mapping[str, str]
    mounted: bool
    same_manifest: bool
    single_files: frozenset[str]

    @property
    def uv(self) -> str | None:
        """The program, for a Python project."""
        return self.program

    @property
    def path(self) -> str:
        """Where programs are looked for in it."""
        return self.env.get("PATH") or _PATH


def look(engine: Engine, container: str, project: Project) -> Place:
    """Find out about a container, running or not.

    Args:
        engine: The engine that has it.
        container: Its id.
        project: The project whose folder to look for.
    """
    details = engine.container(container)
    config = details["Config"]
    env = environment(config)
    uid, gid = _numbers(engine, container, config.get("User") or "")
    mounts = [mount for mount in details.get("Mounts") or [] if mount.get("Type") == "bind"]
    folder, mounted = _mounted_folder(mounts, project)
    if folder is None:
        folder = _image_folder(engine, container, PurePosixPath(config.get("WorkingDir") or "/"), project)
    tool = project.tool
    names = (tool.manifest, tool.lock)
    single = {name for name in names for mount in mounts if PurePosixPath(mount["Destination"]) == folder / name}
    return Place(
        container=container,
        uid=uid,
        gid=gid,
        folder=folder,
        program=engine.which(container, tool.program, env.get("PATH") or _PATH),
        env=env,
        mounted=mounted,
        same_manifest=engine.read(container, folder / tool.manifest) == _bytes(project.manifest),
        single_files=frozenset(single),
    )


def may_write(place: Place, project: Project, engine: Engine) -> bool:
    """Whether uv, run in the place, may write the host's own files and leave them owned as they are.

    On Linux the container's user must be the files' owner: root would write too, but flip the owner, as uv
    renames a new `uv.lock` into place, and so do others with theirs. Docker Desktop maps owners by itself; a
    rootless engine maps its root to the user that runs it.
    """
    if not place.mounted or place.single_files:
        return False
    here = [project.folder, project.manifest, *([project.lock] if project.lock.exists() else [])]
    if sys.platform == "linux":
        owners = {path.stat().st_uid for path in here}
        uid = os.getuid() if engine.rootless and place.uid == 0 else place.uid
        if owners != {uid}:
            return False
    return place.same_manifest


def may_read(place: Place, path: Path) -> bool:
    """Whether the container's user may read a mounted file of the host, by its owner and mode."""
    if sys.platform != "linux" or place.uid == 0:
        return True
    found = path.stat()
    if found.st_uid == place.uid:
        return bool(found.st_mode & 0o400)
    return bool(found.st_mode & (0o040 if found.st_gid == place.gid else 0o004))


def home_files(project: Project, manifests: Manifests) -> dict[PurePosixPath, bytes]:
    """The manifests that the tool owns, by their place in the project's folder, as the host has them now."""
    found = {}
    for name, content in manifests.read().items():
        path = manifests.base / name
        if name in manifests.owned and path.is_relative_to(project.folder):
            found[PurePosixPath(*path.relative_to(project.folder).parts)] = content
    return found


def stale_files(engine: Engine, place: Place, home: Mapping[PurePosixPath, bytes]) -> dict[PurePosixPath, bytes]:
    """Which of `home_files` a running container does not have as they are."""
    return {
        name: content for name, content in home.items() if engine.read(place.container, place.folder / name) != content
    }


def needs_aside(place: Place, project: Project, home: Mapping[PurePosixPath, bytes]) -> bool:
    """Whether a running container cannot have the manifests at their own place.

    The host's mode may keep the container's user from reading a mounted file, and a file mounted on its own stays
    the old one after the host's was replaced.
    """
    hidden = place.mounted and not all(may_read(place, project.folder / name) for name in home)
    return hidden or bool(place.single_files)


def _mounted_folder(mounts: list[dict[str, Any]], project: Project) -> tuple[PurePosixPath | None, bool]:
    """Where the host's project folder is in the container, through the mount nearest to it."""
    best: tuple[int, PurePosixPath, bool] | None = None
    for mount in mounts:
        # Docker Desktop shows the host's folders below /host_mnt.
        source = Path(mount["Source"].removeprefix("/host_mnt") or "/")
        if project.folder.is_relative_to(source) and source.is_dir():
            found = (len(source.parts), PurePosixPath(mount["Destination"]), bool(mount.get("RW")))
            if best is None or found[0] > best[0]:
                best = found
    if best is None:
        return None, False
    depth, destination, writable = best
    return destination.joinpath(*project.folder.parts[depth:]), writable


def _image_folder(engine: Engine, container: str, workdir: PurePosixPath, project: Project) -> PurePosixPath:
    """The working folder, or the nearest one above it with the manifest (`/app/src` in `/app`), or one below it.

    Below it, as the host has it: `assets` of the repo in `/app/assets`.
    """
    parts = project.folder.parts
    below = (workdir.joinpath(*parts[-count:]) for count in range(1, min(3, len(parts) - 1) + 1))
    for folder in (workdir, *workdir.parents, *below):
        if engine.exists(container, folder / project.tool.manifest):
            return folder
    return workdir


def _bytes(path: Path) -> bytes:
    return path.read_bytes() if path.is_file() else b""


def _numbers(engine: Engine, container: str, user: str) -> tuple[int, int]:
    """A user's and group's numbers, by the container's own `/etc/passwd` and `/etc/group`."""
    name, _, group = user.partition(":")
    uid, gid = 0, 0
    if (name and name != "root") or group:
        passwd = _table(engine, container, "/etc/passwd")
        entry = next((row for row in passwd if len(row) > 3 and name in (row[0], row[2])), None)
        if entry is not None:
            uid, gid = int(entry[2]), int(entry[3])
        elif name.isdigit():
            uid = int(name)
        if group.isdigit():
            gid = int(group)
        elif group:
            found = (row for row in _table(engine, container, "/etc/group") if len(row) > 2 and row[0] == group)
            gid = int(next(found, ["", "", str(gid)])[2])
    return uid, gid


def _table(engine: Engine, container: str, path: str) -> list[list[str]]:
    content = engine.read(container, PurePosixPath(path)) or b""
    return [line.split(":") for line in content.decode("utf-8", "replace").splitlines()]
