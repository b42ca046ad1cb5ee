"""The environment in one service's running container: bringing it to the lock, and looking whether it is there."""

from __future__ import annotations

from pathlib import PurePosixPath

from uvdock.backends import Change, Finding
from uvdock.backends.place import Place, home_files, needs_aside, stale_files
from uvdock.backends.service import ServiceRunner
from uvdock.deps import manifest, uvcommand
from uvdock.engine import archive
from uvdock.engine.api import Running
from uvdock.errors import UvdockError
from uvdock.project import Project, read_pyproject, workspace_members

#: Where a running container gets manifests that it cannot get at their own place.
_ASIDE = PurePosixPath("/tmp/uvdock-sync")  # noqa: S108 - in a container, owned by its user


def sync(runner: ServiceRunner) -> Change:
    """Install what the lock says into the running container, as its image's own build would."""
    place, running, project = runner.place, runner.running, runner.project
    if place is None or running is None:
        name = runner.service_name
        return Change(0, notes=(f"no container of {name} is running, so there is none to install into",))
    if place.uv is None:
        note = f"container {running.name} has no uv, so nothing was installed in it; deps.install builds it anew"
        return Change(0, notes=(note,))
    # Bytecode of the whole environment takes longer than the packages that changed; Python makes it on import.
    folder, flags, env = push(runner, place), runner.sync.flags, {"UV_COMPILE_BYTECODE": "0"}
    if folder != place.folder:
        flags = (*flags, "--no-install-workspace", *(["--inexact"] if _is_installed(project) else []))
        env["UV_PROJECT_ENVIRONMENT"] = str(place.folder / place.env.get("UV_PROJECT_ENVIRONMENT", ".venv"))
    argv = [*locking_on(place), place.uv, "sync", "--frozen", *flags]
    code = runner.run(argv, workdir=str(folder / runner.synced(place)), env=env, to_stderr=True)
    return Change(code, places=(f"container {running.name}",) if code == 0 else ())


def push(runner: ServiceRunner, place: Place) -> PurePosixPath:
    """Bring the host's manifests to a running container that does not have them; returns where they are.

    Nothing is written through a mount of another folder of the host.
    """
    home = home_files(runner.project, manifest.collect(runner.project))
    folder, stale = place.folder, stale_files(runner.engine, place, home)
    if needs_aside(place, runner.project, home):
        folder, stale = _ASIDE, home
    if stale:
        files = {folder / name: content for name, content in stale.items()}
        folders = sorted({parent for name in files for parent in name.parents if parent.is_relative_to(_ASIDE)})
        runner.engine.put(place.container, archive.pack(folders, files, place.uid, place.gid))
    return folder


def check(runner: ServiceRunner, place: Place, running: Running) -> Finding:
    """Whether a running container has the host's lock, and what it says installed. Writes nothing.

    Raises:
        UvdockError: Its uv is too old to tell.
    """
    name, lock, file = f"container {running.name}", runner.project.lock.read_bytes(), place.folder / "uv.lock"
    if runner.engine.read(place.container, file) != lock:
        return Finding(name, fresh=False, why="it has another lock; deps.install --no-build brings it this one")
    if place.mounts.is_file_mount(file) and runner.capture(["cat", str(file)]).stdout != lock:
        why = "it still has the old lock, mounted on its own; deps.install recreates it"
        return Finding(name, fresh=False, why=why)
    if place.uv is None:
        return Finding(name, fresh=True)
    args = ["sync", "--check", "--frozen", *runner.sync.flags]
    workdir = str(place.folder / runner.synced(place))
    found = runner.engine.exec(place.container, [place.uv, *args], workdir=workdir)
    refuse_old(runner, found.code, args, place.uv)
    why = "" if found.code == 0 else "its environment is not what the lock says; deps.install --no-build mends it"
    return Finding(name, found.code == 0, why)


def refuse_other_folder(runner: ServiceRunner, place: Place) -> None:
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


def locking_on(place: Place) -> list[str]:
    """What to put before uv so that variables of the image do not keep it from locking, or from `--frozen`."""
    found = [name for name in uvcommand.LOCKING_OFF if name in place.env]
    return ["env", *(word for name in found for word in ("-u", name))] if found else []


def _is_installed(project: Project) -> bool:
    """Whether the project, or a member of its workspace, is a package: an exact sync without it would remove it."""
    return "build-system" in read_pyproject(project.pyproject) or bool(workspace_members(project.folder))
