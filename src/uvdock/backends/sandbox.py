"""A place to try an upgrade: the project with other manifests and an environment of its own, gone afterwards.

The manifests lie in a folder of their own, beside links to everything else of the project. So uv installs what they
say, the project itself included, and a test runs on the real source; nothing of the repo, of a running container or of
the environment in use is touched.
"""

from __future__ import annotations

import os
import posixpath
import shutil
import tempfile
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path, PurePosixPath

from uvdock import process
from uvdock.backends import image
from uvdock.backends.place import ContainerFacts, look
from uvdock.backends.running import exec_in
from uvdock.backends.service import ServiceRunner
from uvdock.backends.volume import CACHE, UV_CACHE
from uvdock.deps import manifest, uvcommand
from uvdock.deps.manifest import Manifests
from uvdock.engine import archive
from uvdock.errors import UvdockError, program_not_found
from uvdock.project import Project

#: Where the manifests and the environment are in a container, in a folder that no image has.
_WORK = PurePosixPath("/uvdock/sandbox/project")
_VENV = PurePosixPath("/uvdock/sandbox/venv")
#: How long a container lives whose uvdock was killed, seconds.
_LIFE = 24 * 60 * 60
#: Links what each folder has into another, but what is there already and an environment.
_LINK = """while [ $# -gt 0 ]; do
  for path in "$1"/* "$1"/.[!.]*; do
    name=${path##*/}
    [ ! -e "$path" ] || [ "$name" = .venv ] || [ -e "$2/$name" ] || ln -s "$path" "$2/$name" || exit 1
  done
  shift 2
done"""


class HostSandbox:
    """On the host: a folder of its own.

    Args:
        project: The project.
        uv: The host's uv.
        environment: The environment in use.
        folder: An empty folder.
    """

    def __init__(self, project: Project, uv: str, environment: Path, folder: Path) -> None:
        self.project = project
        self.uv = uv
        self.environment = environment
        self.work, self.venv = folder / "project", folder / "venv"

    def install(self, files: Mapping[Path, bytes]) -> int:
        """As `Sandbox.install`."""
        manifests = manifest.collect(self.project).edited(files)
        _lay_out(manifests, self.work)
        cwd = self.work / self.project.folder.relative_to(manifests.base)
        self.env = {
            **os.environ,
            **_environment(self.venv, cwd / self.project.inside),
            "PATH": os.pathsep.join((str(self.venv / ("Scripts" if os.name == "nt" else "bin")), os.environ["PATH"])),
        }
        return process.run([self.uv, "sync", "--frozen"], env=self.env, cwd=cwd, stdout_to_stderr=True)

    def run(self, argv: Sequence[str]) -> int:
        """As `Sandbox.run`."""
        program = os.path.normpath(self.project.cwd / argv[0])
        if os.sep in argv[0] and Path(program).is_relative_to(self.environment):
            raise _in_use(argv[0])
        # subprocess looks a program up on the caller's PATH, not on the one it is given.
        found = shutil.which(argv[0], path=self.env["PATH"]) or argv[0]
        return process.run([found, *argv[1:]], env=self.env, cwd=self.project.cwd, stdout_to_stderr=True)


class ServiceSandbox:
    """In a container of the service, in the stack's network and with the service's mounts.

    Args:
        runner: The service.
        container: The container's name.
        where: The same, for a person.
    """

    def __init__(self, runner: ServiceRunner, container: str, where: str) -> None:
        self.runner = runner
        self.container = container
        self.where = where
        self.place: ContainerFacts = look(runner.engine, container, runner.project, runner.built_in)
        if self.place.uv is None:
            raise image.no_uv(where)

    def install(self, files: Mapping[Path, bytes]) -> int:
        """As `Sandbox.install`."""
        engine, place, project = self.runner.engine, self.place, self.runner.project
        manifests = manifest.collect(project).edited(files)
        below = PurePosixPath(*project.folder.relative_to(manifests.base).parts)
        self.cwd = _WORK / below
        own = {_WORK.joinpath(*name.parts): content for name, content in _own(manifests).items()}
        folders = {CACHE, UV_CACHE, _WORK, *(parent for name in own for parent in name.parents)} - {PurePosixPath("/")}
        engine.put(self.container, archive.pack(sorted(folders), own, place.uid, place.gid))
        pairs = [
            word
            for folder in _folders(manifests)
            for word in (
                posixpath.normpath(place.folder / os.path.relpath(folder, below)).rstrip("/"),
                str(_WORK.joinpath(*folder.parts)),
            )
        ]
        linked = engine.exec(self.container, ["sh", "-c", _LINK, "sh", *pairs])
        if linked.code:
            raise UvdockError(
                f"the project could not be laid out there: {linked.error_text or linked.text}",
                where=self.where,
                fix="correct what it names; nothing was changed",
            )
        assert place.uv is not None
        env = {"UV_CACHE_DIR": str(UV_CACHE), "UV_LINK_MODE": "copy", "UV_COMPILE_BYTECODE": "0"}
        argv = ["env", *(word for name in uvcommand.LOCKING_OFF for word in ("-u", name))]
        argv += [place.uv, "sync", "--frozen", *self.runner.sync.flags]
        return self._exec(argv, env, workdir=str(self.cwd / self.runner.synced(place)))

    def run(self, argv: Sequence[str]) -> int:
        """As `Sandbox.run`."""
        place, engine = self.place, self.runner.engine
        workdir = str(engine.container(self.container)["Config"].get("WorkingDir") or "/")
        if "/" in argv[0] and PurePosixPath(posixpath.normpath(f"{workdir}/{argv[0]}")).is_relative_to(
            place.environment
        ):
            raise _in_use(argv[0])
        path = f"{_VENV}/bin:{place.path}"
        code = self._exec(argv, {"PATH": path})
        if code in (126, 127) and "/" not in argv[0] and not engine.which(self.container, argv[0], path):
            raise program_not_found(argv[0], self.where, path)
        return code

    def _exec(self, argv: Sequence[str], env: Mapping[str, str], workdir: str = "") -> int:
        env = {**_environment(_VENV, self.cwd.joinpath(*self.runner.project.inside.parts)), **env}
        options = [word for name in env for word in ("--env", f"{name}={env[name]}")]
        options += ["--workdir", workdir] if workdir else []
        stack, engine = self.runner.stack, self.runner.engine
        return exec_in(
            stack,
            engine,
            self.container,
            argv,
            name=self.container,
            options=options,
            env={},
            tty=False,
            stdout_to_stderr=True,
        )


@contextmanager
def on_host(project: Project, uv: str, environment: Path) -> Iterator[HostSandbox]:
    """A sandbox on the host, removed afterwards."""
    with tempfile.TemporaryDirectory(prefix="uvdock-", ignore_cleanup_errors=True) as name:
        yield HostSandbox(project, uv, environment, Path(name).resolve())


@contextmanager
def in_service(runner: ServiceRunner) -> Iterator[ServiceSandbox]:
    """A sandbox in a one-off of the service, removed afterwards.

    Raises:
        UvdockError: The image has no uv, or the one-off cannot be started.
    """
    engine, stack = runner.engine, runner.stack
    where = f"one-off of {runner.service_name}"
    known = runner.image_place
    volume = image.cache_volume(runner, known) if known is not None else ""
    name = f"uvdock-{uuid.uuid4().hex[:12]}"
    flags = ["--detach", "--rm", "--no-deps", "--name", name, "--entrypoint", "sleep", *runner.forwarded_options()]
    flags += ["--volume", f"{volume}:{CACHE}"] if volume else []
    try:
        with stack.override(runner.service, without_binds=not runner.sees_host) as extra:
            argv = stack.argv("run", *flags, runner.service_name, str(_LIFE), extra=[extra])
            started = process.capture(argv, env=stack.env, cwd=stack.root)
        if started.code:
            raise UvdockError(
                f"a one-off could not be started: {started.error_text}",
                where=where,
                fix="correct what Compose names; nothing was changed",
            )
        yield ServiceSandbox(runner, name, where)
    finally:
        engine.remove(name)


def _environment(venv: Path | PurePosixPath, project: Path | PurePosixPath) -> dict[str, str]:
    """Variables by which uv takes this environment and these manifests.

    In the test too: `uv run` would bring the environment back to what the project's own manifests say.
    """
    return {
        "UV_PROJECT_ENVIRONMENT": str(venv),
        "VIRTUAL_ENV": str(venv),
        # Python takes what it compiled of one release for the next one's where both files are of one size and second.
        "PYTHONDONTWRITEBYTECODE": "1",
        "UV_PROJECT": str(project),
        "UV_NO_SYNC": "1",
    }


def _own(manifests: Manifests) -> dict[Path, bytes]:
    """What is not linked: what uv owns, for that is what an upgrade changes."""
    return {name: content for name, content in manifests.read().items() if name in manifests.owned}


def _folders(manifests: Manifests) -> list[Path]:
    """The folders that have a manifest in or below them, and so are real ones."""
    return sorted({parent for name in _own(manifests) for parent in name.parents})


def _lay_out(manifests: Manifests, work: Path) -> None:
    """Put manifests into a folder, and links to what else is beside them."""
    own = _own(manifests)
    for name, content in own.items():
        (work / name).parent.mkdir(parents=True, exist_ok=True)
        (work / name).write_bytes(content)
    try:
        for folder in _folders(manifests):
            for path in (manifests.base / folder).iterdir():
                link = work / folder / path.name
                if path.name != ".venv" and not os.path.lexists(link):
                    link.symlink_to(path, target_is_directory=path.is_dir())
    except OSError as error:
        raise UvdockError(
            f"the project could not be laid out for the test: {error.strerror}",
            where=str(work),
            fix="let your user make symbolic links and files there; nothing was changed",
        ) from error


def _in_use(program: str) -> UvdockError:
    return UvdockError(
        f"{program} is in the environment in use, and the upgrade is tried in one of its own",
        where="--test",
        fix=f"name the program alone: {PurePosixPath(program).name}; nothing was changed",
        code=2,
    )
