"""Lock sync by volume: the manifests go into a one-off as an archive, uv runs there, the results come back.

Works on a remote engine, with any user in the image and without any mount, for nothing of the host is needed
where uv runs but the manifests. And so it does for any other tool that reads manifests and writes a lock.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from uvdock import process
from uvdock.backends.place import ContainerFacts
from uvdock.deps import sync, uvcommand
from uvdock.deps.manifest import Manifests
from uvdock.engine import archive
from uvdock.engine.api import Engine
from uvdock.env import forwarded
from uvdock.errors import UvdockError
from uvdock.process import Output

#: Where the manifests are while uv works on them, in a folder that no image has.
WORK = PurePosixPath("/uvdock/project")
#: A volume of caches: it is laid out as the `.cache` of a home, so a service may mount it there.
CACHE = PurePosixPath("/uvdock/cache")
UV_CACHE = CACHE / "uv"
#: What uv or a build may leave beside the manifests and no host wants.
_LEFT_THERE = {".venv", "__pycache__", "build"}


@dataclass(frozen=True)
class Session:
    """Where and how uv, or another tool, runs in volume mode.

    Args:
        engine: The engine.
        docker: The `docker` command for it.
        image: An image that has the tool.
        place: What is known of that image.
        user: The user to run as; empty for the image's own.
        environment: The one-off's variables; one that is ``None`` is taken away from those of the image.
        cache_volume: The named volume for the tool's cache; empty for none.
        tty: Whether to give it a terminal.
    """

    engine: Engine
    docker: Sequence[str]
    image: str
    place: ContainerFacts
    user: str
    environment: Mapping[str, str | None]
    cache_volume: str
    tty: bool


@dataclass(frozen=True)
class VolumeRun:
    """What a run left: the tool's exit code, the files it changed, and its output where that was collected."""

    code: int
    files: Mapping[Path, bytes]
    output: Output

    @property
    def changed(self) -> tuple[Path, ...]:
        """The names of those files, sorted."""
        return tuple(sorted(self.files))


def run_in_volume(
    session: Session,
    manifests: Manifests,
    args: Sequence[str],
    *,
    deliver: bool = True,
    collect: bool = False,
    only_owned: bool = False,
    further: Mapping[Path, bytes] | None = None,
) -> VolumeRun:
    """Run uv, or another tool, over ``manifests`` in a one-off.

    Args:
        session: Where.
        manifests: The files it reads; what it changes of them, or makes beside them, is brought back.
        args: Its arguments.
        deliver: Replace the host's files when it succeeds; otherwise nothing is written.
        collect: Collect its output instead of letting it through.
        only_owned: Bring back nothing but the files it owns, for one that installs beside them.
        further: Further files to send, relative to the manifests' base.

    Raises:
        UvdockError: A file changed on the host while it ran, or cannot be written; every file is as it was.
    """
    assert session.place.program is not None
    engine, place = session.engine, session.place
    sent = {**manifests.read(), **(further or {})}
    tty = session.tty and not collect
    options = {
        "entrypoint": [place.program],
        "command": list(args),
        "working_dir": str(_inside(manifests.cwd)),
        "user": session.user or None,
        "environment": dict(session.environment),
        "tty": tty,
        "stdin_open": True,
        "volumes": {session.cache_volume: str(CACHE)} if session.cache_volume else {},
    }
    files = {_inside(name): content for name, content in sent.items()}
    folders = {CACHE, _inside(manifests.cwd), *(parent for name in files for parent in name.parents)}
    folders |= {parent for folder in list(folders) for parent in folder.parents}
    folders -= {PurePosixPath("/")}
    with engine.created(session.image, **options) as box:
        engine.put(box, archive.pack(sorted(folders), files, place.uid, place.gid))
        argv = [*session.docker, "start", "--attach", *([] if collect else ["--interactive"]), box]
        if collect:
            output = process.capture(argv)
            code = output.code
        else:
            code = process.run(
                argv,
                on_signal=lambda signum: engine.signal_container(box, signum),
                shown=shown(session.docker, str(place.program), session.image, args),
            )
            output = Output(code, b"", b"")
        back = (
            _back(engine, box, manifests if only_owned else None) if code == 0 and (deliver or not only_owned) else {}
        )
    changed = {
        Path(*name.parts): content
        for name, content in back.items()
        if content != sent.get(Path(*name.parts)) and not _LEFT_THERE & set(name.parts)
    }
    if deliver and changed:
        _refuse_edited(manifests, sent, changed, PurePosixPath(str(place.program)).name)
        sync.replace_all({manifests.base / name: content for name, content in changed.items()})
    return VolumeRun(code, changed, output)


def shown(docker: Sequence[str], program: str, image: str, args: Sequence[str]) -> list[str]:
    """What a run is shown as; the files go in and come back besides."""
    return [*docker, "run", "--rm", "--entrypoint", program, image, *args]


def version(session: Session) -> tuple[int, ...]:
    """The version of the session's uv."""
    assert session.place.uv is not None
    with session.engine.created(session.image, entrypoint=[session.place.uv], command=["--version"]) as box:
        found = process.capture([*session.docker, "start", "--attach", box])
    return uvcommand.parse_version(found.text)


def uv_environment(service: Mapping[str, str], place: ContainerFacts) -> dict[str, str | None]:
    """The variables for uv in a one-off.

    Args:
        service: Those of the service.
        place: What is known of the image.
    """
    env: dict[str, str | None] = dict(service)
    env |= {name: os.environ[name] for name in forwarded(os.environ)}
    env |= dict.fromkeys(uvcommand.LOCKING_OFF)
    env["UV_CACHE_DIR"] = str(UV_CACHE)
    # The environment follows in a step of its own, in the container that is to have it.
    env["UV_NO_SYNC"] = "1"
    if "HOME" not in place.env and place.uid != 0:
        env.setdefault("XDG_DATA_HOME", str(CACHE / "data"))
    return env


def _back(engine: Engine, box: str, owned: Manifests | None) -> dict[PurePosixPath, bytes]:
    """What is in the one-off now: everything, or only what of these manifests the tool owns."""
    if owned is None:
        return engine.get(box, WORK) or {}
    found = {name: engine.read(box, _inside(name)) for name in owned.owned}
    return {PurePosixPath(*name.parts): content for name, content in found.items() if content is not None}


def _refuse_edited(
    manifests: Manifests, sent: Mapping[Path, bytes], changed: Mapping[Path, bytes], program: str
) -> None:
    now = manifests.read()
    for name in changed:
        path = manifests.base / name
        if now.get(name) != sent.get(name) or (name not in manifests.files and path.exists()):
            raise UvdockError(
                f"{name} was changed on the host while {program} ran, so nothing was written",
                where=str(path),
                fix="run the command again: it starts from the file as it is now",
            )


def _inside(name: Path) -> PurePosixPath:
    return WORK.joinpath(*name.parts)
