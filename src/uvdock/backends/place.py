"""What uvdock must know of a container or image before uv, or another such tool, runs there."""

from __future__ import annotations

import functools
import json
import os
import posixpath
import sys
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from uvdock.backends.mounts import Mounts
from uvdock.deps.manifest import Manifests
from uvdock.engine.api import Engine, environment
from uvdock.engine.users import host_uid
from uvdock.project import UV, Project, workspace_members

_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


@dataclass(frozen=True)
class ContainerFacts:
    """A container as uv, or whatever keeps the project's packages, finds it.

    Args:
        container: Its id.
        uid: The number of the user its processes run as.
        gid: Its group's number.
        folder: The project's folder in it: of a workspace, the root.
        program: Where the project's tool is in it, or ``None``.
        env: Its environment variables.
        mounts: What is mounted into it.
        same_manifest: Its manifest is the host's, byte for byte. Where the folder is mounted, this shows that the
            engine sees this machine: on a remote one, the mount is empty.
    """

    container: str
    uid: int
    gid: int
    folder: PurePosixPath
    program: str | None
    env: Mapping[str, str]
    mounts: Mounts
    same_manifest: bool

    @property
    def uv(self) -> str | None:
        """The program, for a Python project."""
        return self.program

    @property
    def path(self) -> str:
        """Where programs are looked for in it."""
        return self.env.get("PATH") or _PATH

    @property
    def environment(self) -> PurePosixPath:
        """The folder of the project's environment in it."""
        return self.folder / self.env.get("UV_PROJECT_ENVIRONMENT", ".venv")

    def inside(self, path: Path, project: Project) -> PurePosixPath:
        """Where a file of the host is in it, seen from the project's folder."""
        return PurePosixPath(posixpath.normpath(self.folder / os.path.relpath(path, project.folder)))


def look(engine: Engine, container: str, project: Project, built_in: PurePosixPath | None = None) -> ContainerFacts:
    """Find out about a container, running or not.

    Args:
        engine: The engine that has it.
        container: Its id.
        project: The project whose folder to look for.
        built_in: The folder in which its image's build installed the project, where that is known.
    """
    details = engine.container(container)
    config = details["Config"]
    env = environment(config)
    uid, gid = _numbers(engine, container, config.get("User") or "")
    mounts = Mounts.of(details)
    workdir = PurePosixPath(config.get("WorkingDir") or "/")
    tool = project.tool
    read = functools.cache(lambda folder: engine.read(container, folder / tool.manifest))
    folder = find_folder(project, mounts, workdir, read, built_in)
    return ContainerFacts(
        container=container,
        uid=uid,
        gid=gid,
        folder=folder,
        program=engine.which(container, tool.program, env.get("PATH") or _PATH),
        env=env,
        mounts=mounts,
        same_manifest=read(folder) == _bytes(project.manifest),
    )


def find_folder(
    project: Project,
    mounts: Mounts,
    workdir: PurePosixPath,
    read: Callable[[PurePosixPath], bytes | None],
    built_in: PurePosixPath | None = None,
) -> PurePosixPath:
    """The project's folder in a container, as uv finds it: from the working folder upwards, up to the workspace's root.

    Args:
        project: The project, with its folder on the host.
        mounts: What is mounted into the container.
        workdir: The container's working folder.
        read: Gives the manifest in a folder of the container; ``None`` where there is none.
        built_in: The folder in which the image's build installed the project, where that is known.
    """
    upwards = (workdir, *workdir.parents)
    for folder in upwards:
        root = _mounted_root(project, mounts, folder, built_in)
        if root is not None:
            return root
    names = _names(project)
    nearest = None
    for folder in (*upwards, *([built_in] if built_in is not None else [])):
        content = read(folder)
        if content is None:
            continue
        inside = Path() if content == _bytes(project.manifest) else names.get(_name(content, project))
        if inside is not None and (root := _without(folder, inside)) is not None:
            return root
        nearest = nearest or folder
    mounted = mounts.targets_of(project.folder)
    if mounted:
        return mounted[0]
    # Below the working folder, as the host has it: `assets` of the repo in `/app/assets`.
    parts = project.folder.parts
    below = (workdir.joinpath(*parts[-count:]) for count in range(1, min(3, len(parts) - 1) + 1))
    return nearest or next((folder for folder in below if read(folder) is not None), built_in or workdir)


def _mounted_root(
    project: Project, mounts: Mounts, folder: PurePosixPath, built_in: PurePosixPath | None
) -> PurePosixPath | None:
    """The project's folder, where ``folder`` of the container is the host's, and the same part of the project."""
    here = mounts.host_path(folder)
    if here is None or not here.is_relative_to(project.folder):
        return None
    inside = here.relative_to(project.folder)
    root = _without(folder, inside)
    if root is None or inside == Path():
        return root
    # The app's `app` mounted at `/app`, over the very folder that the image was built in, is no part of `/`.
    is_member = (here / project.tool.manifest).is_file()
    if root == root.parent or (built_in == folder and not is_member):
        return None
    return root


def may_write(place: ContainerFacts, project: Project, engine: Engine, manifests: Manifests) -> bool:
    """Whether uv, run in the place, may write the host's own files and leave them owned as they are.

    Every file that it reads must be the host's own there, through whatever mounts. On Linux the container's user must
    be the owner of what it writes: root would write too, but flip the owner, as uv renames a new `uv.lock` into
    place, and so do others with theirs. Docker Desktop maps owners by itself.
    """
    if not place.same_manifest:
        return False
    for name in {*manifests.files, *manifests.owned}:
        path = manifests.base / name
        if place.mounts.host_path(place.inside(path, project)) != path:
            return False
    here = [project.folder]
    for path in (manifests.base / name for name in manifests.owned):
        inside = place.inside(path, project)
        mount = place.mounts.nearest(inside)
        if mount is None or not mount.writable or place.mounts.is_file_mount(inside):
            return False
        here += [path.parent, *([path] if path.exists() else [])]
    if sys.platform != "linux":
        return True
    return {path.stat().st_uid for path in here} == {_host_uid(place, engine)}


def may_read(place: ContainerFacts, path: Path, engine: Engine) -> bool:
    """Whether the container's user may read a mounted file of the host, by its owner and mode."""
    found = path.stat()
    if sys.platform != "linux" or found.st_mode & 0o004:
        return True
    uid = _host_uid(place, engine)
    if uid in (0, found.st_uid):
        return True
    # Where users are mapped, so are groups.
    return uid == place.uid and found.st_gid == place.gid and bool(found.st_mode & 0o040)


def _host_uid(place: ContainerFacts, engine: Engine) -> int | None:
    return host_uid(place.uid, engine.security, engine.address)


def home_of(engine: Engine, place: ContainerFacts, uid: int) -> PurePosixPath:
    """The home of a user of a container, as its processes have it: `/` for one that the container does not know."""
    if set_for_all := place.env.get("HOME"):
        return PurePosixPath(set_for_all)
    passwd = _table(engine, place.container, "/etc/passwd")
    return PurePosixPath(next((row[5] for row in passwd if len(row) > 5 and row[2] == str(uid) and row[5]), "/"))


def home_files(project: Project, manifests: Manifests) -> dict[PurePosixPath, bytes]:
    """The manifests that the tool owns, by their place in the project's folder, as the host has them now."""
    found = {}
    for name, content in manifests.read().items():
        path = manifests.base / name
        if name in manifests.owned and path.is_relative_to(project.folder):
            found[PurePosixPath(*path.relative_to(project.folder).parts)] = content
    return found


def stale_files(
    engine: Engine, place: ContainerFacts, home: Mapping[PurePosixPath, bytes]
) -> dict[PurePosixPath, bytes]:
    """Which of `home_files` a running container does not have as they are."""
    return {
        name: content for name, content in home.items() if engine.read(place.container, place.folder / name) != content
    }


def needs_aside(place: ContainerFacts, project: Project, home: Mapping[PurePosixPath, bytes], engine: Engine) -> bool:
    """Whether a running container cannot have the manifests at their own place.

    Another folder of the host may be mounted there, which is not the project's to write. The host's mode may keep the
    container's user from reading a mounted file, and a file mounted on its own stays the old one after the host's was
    replaced.
    """
    for name in home:
        inside, path = place.folder / name, project.folder / name
        there = place.mounts.host_path(inside)
        if there is not None and (there != path or not may_read(place, path, engine)):
            return True
        if place.mounts.is_file_mount(inside):
            return True
    return False


def _without(folder: PurePosixPath, inside: Path) -> PurePosixPath | None:
    """The folder from which ``inside`` leads to ``folder``; ``None`` where it cannot."""
    parts = inside.parts
    if folder.parts[len(folder.parts) - len(parts) :] != parts:
        return None
    return PurePosixPath(*folder.parts[: len(folder.parts) - len(parts)])


def _names(project: Project) -> dict[str | None, Path]:
    """Where in the project each manifest's name leads: to the project itself, or to a member of the workspace."""
    members = workspace_members(project.folder) if project.tool is UV else []
    found: dict[str | None, Path] = {}
    for folder in (*members, project.folder):
        name = _name(_bytes(folder / project.tool.manifest), project)
        if name is not None:
            found[name] = folder.relative_to(project.folder)
    return found


def _name(content: bytes, project: Project) -> str | None:
    """The name in a manifest; ``None`` where it has none, or cannot be read."""
    try:
        if project.tool is UV:
            found = tomllib.loads(content.decode()).get("project", {}).get("name")
        else:
            found = json.loads(content).get("name")
    except (ValueError, AttributeError):
        return None
    return found if isinstance(found, str) else None


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
