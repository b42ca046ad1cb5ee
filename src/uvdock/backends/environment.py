"""The environment in one service's running container: bringing it to the lock, and looking whether it is there."""

from __future__ import annotations

import re
from pathlib import PurePosixPath

from uvdock import dry
from uvdock.backends import Change, CheckResult
from uvdock.backends.place import ContainerFacts, home_files, home_of, needs_aside, stale_files
from uvdock.backends.proof import Export, prove_container
from uvdock.backends.service import ServiceRunner
from uvdock.deps import manifest, uvcommand
from uvdock.engine import archive
from uvdock.engine.api import Running
from uvdock.errors import UvdockError
from uvdock.project import Project, read_pyproject, workspace_members

#: The Python in a pyvenv.cfg, as uv and as venv write it.
_VERSION = re.compile(rb"^version(?:_info)? *= *(\d+\.\d+)", re.MULTILINE)
#: Where a running container gets manifests that it cannot get at their own place.
_ASIDE = PurePosixPath("/tmp/uvdock-sync")  # noqa: S108 - in a container, owned by its user
#: Where uv in a container has its cache, where its user has no home that it could be in.
_CACHE = PurePosixPath("/tmp/uvdock-cache")  # noqa: S108 - as above
#: What says where uv's cache is, and not the user's home.
_CACHE_SET = ("UV_CACHE_DIR", "UV_NO_CACHE", "XDG_CACHE_HOME")


def sync(runner: ServiceRunner) -> Change:
    """Install what the lock says into the running container, as its image's own build would."""
    place, running, project = runner.place, runner.running, runner.project
    if place is None or running is None:
        name = runner.service_name
        return Change(0, notes=(f"no container of {name} is running, so there is none to install into",))
    if place.uv is None:
        note = f"container {running.name} has no uv, so nothing was installed in it"
        return Change(0, notes=(note,), skipped=(f"container {running.name}",))
    # Bytecode of the whole environment takes longer than the packages that changed; Python makes it on import.
    folder, flags, env = push(runner, place), runner.sync.flags, {"UV_COMPILE_BYTECODE": "0"}
    if folder != place.folder:
        flags = (*flags, "--no-install-workspace", *(["--inexact"] if _is_installed(project) else []))
        env["UV_PROJECT_ENVIRONMENT"] = str(place.environment)
    argv = [*locking_on(place), place.uv, "sync", "--frozen", *flags]
    workdir, owner = str(folder / runner.synced(place)), _owner(runner, place)
    env |= cache_for(runner, place, owner)
    code = runner.run(argv, user=owner, workdir=workdir, env=env, to_stderr=True)
    return Change(code, places=(f"container {running.name}",) if code == 0 else ())


def packages_changed(runner: ServiceRunner) -> str | None:
    """When a package of the running container's environment last came or went; ``None`` where that is not known.

    It is so of an environment that is the image's whole Python, and has no pyvenv.cfg.
    """
    place = runner.place
    if place is None:
        return None
    found = _VERSION.search(runner.engine.read(place.container, place.environment / "pyvenv.cfg") or b"")
    if found is None:
        return None
    folder = place.environment / "lib" / f"python{found[1].decode()}" / "site-packages"
    return runner.engine.modified(place.container, folder)


def push(runner: ServiceRunner, place: ContainerFacts) -> PurePosixPath:
    """Bring the host's manifests to a running container that does not have them; returns where they are.

    Nothing is written through a mount of another folder of the host.
    """
    home = home_files(runner.project, manifest.collect(runner.project))
    folder, stale = place.folder, stale_files(runner.engine, place, home)
    if needs_aside(place, runner.project, home, runner.engine):
        folder, stale = _ASIDE, home
    if stale and not dry.on():
        files = {folder / name: content for name, content in stale.items()}
        folders = sorted({parent for name in files for parent in name.parents if parent.is_relative_to(_ASIDE)})
        runner.engine.put(place.container, archive.pack(folders, files, place.uid, place.gid))
    return folder


def check(runner: ServiceRunner, place: ContainerFacts, running: Running, export: Export) -> CheckResult:
    """Whether a running container has the host's lock, and what it says installed. Writes nothing.

    Args:
        runner: The service.
        place: What is known of the container.
        running: The container.
        export: Runs uv with some arguments on a copy of the manifests.

    Raises:
        UvdockError: There is no environment to compare.
    """
    name, lock, file = f"container {running.name}", runner.project.lock.read_bytes(), place.folder / "uv.lock"
    if runner.engine.read(place.container, file) not in (None, lock):
        return CheckResult(name, fresh=False, why="it has another lock; deps.install --no-build brings it this one")
    if place.mounts.is_file_mount(file) and runner.capture(["cat", str(file)]).stdout != lock:
        why = "it still has the old lock, mounted on its own; deps.install recreates it"
        return CheckResult(name, fresh=False, why=why)
    proof = prove_container(runner, place, running.name, export)
    return CheckResult(name, proof.fresh, proof.why and f"{proof.why}; deps.install mends it")


def refuse_other_folder(runner: ServiceRunner, place: ContainerFacts) -> None:
    """Refuse to run uv on a project over which another folder of the host is mounted.

    Raises:
        UvdockError: One is.
    """
    there, project = place.mounts.host_path(place.folder / runner.project.manifest.name), runner.project
    if there is not None and there != project.manifest:
        raise UvdockError(
            f"{place.folder} in the service is {there.parent} of the host, and not this project",
            where=f"service {runner.service_name}, project {project.folder}",
            fix="mount the project's folder there, or use deps.install, which builds with the lock",
        )


def refuse_old(runner: ServiceRunner, code: int, args: list[str], uv: str) -> None:
    """Tell a uv that is too old for some arguments from one that failed.

    Raises:
        UvdockError: It is too old.
    """
    if code == uvcommand.USAGE_ERROR:
        known = uvcommand.parse_version(runner.capture([uv, "--version"]).text)
        if error := uvcommand.too_old(args, known, runner.where):
            raise error


def locking_on(place: ContainerFacts) -> list[str]:
    """What to put before uv so that variables of the image do not keep it from locking, or from `--frozen`."""
    found = [name for name in uvcommand.LOCKING_OFF if name in place.env]
    return ["env", *(word for name in found for word in ("-u", name))] if found else []


def cache_for(runner: ServiceRunner, place: ContainerFacts, user: str = "") -> dict[str, str]:
    """The variables that give uv in a running container a cache, where its user's home is not there or another's.

    Many images have a user without a home, and BuildKit leaves to root the folders that it makes above a cache mount.

    Args:
        runner: The service.
        place: The container.
        user: Who runs uv, as ``uid:gid``; empty for the container's user.
    """
    uid = int(user.partition(":")[0]) if user else place.uid
    if uid == 0 or any(name in place.env for name in _CACHE_SET):
        return {}
    home = home_of(runner.engine, place, uid)
    cache = home / ".cache" / "uv"
    # A file that uv makes in each cache, first: the engine sends a folder with all that is in it.
    paths = (cache / "CACHEDIR.TAG", cache, cache.parent, home)
    owners = (runner.engine.owner(place.container, path) for path in paths)
    owner = next((found for found in owners if found is not None), None)
    return {} if owner is not None and owner[0] == uid else {"UV_CACHE_DIR": f"{_CACHE}-{uid}"}


def _owner(runner: ServiceRunner, place: ContainerFacts) -> str:
    """Who owns the environment, where that is another than the container's user; many images install as root.

    Empty for the container's user, and for root, who may write whatever is there.
    """
    if place.uid == 0:
        return ""
    names = ("pyvenv.cfg", "bin/python", "bin/python3")
    owners = (runner.engine.owner(place.container, place.environment / name) for name in names)
    owner = next((found for found in owners if found is not None), None)
    return "" if owner is None or owner[0] == place.uid else f"{owner[0]}:{owner[1]}"


def _is_installed(project: Project) -> bool:
    """Whether the project, or a member of its workspace, is a package: an exact sync without it would remove it."""
    return "build-system" in read_pyproject(project.pyproject) or bool(workspace_members(project.folder))
