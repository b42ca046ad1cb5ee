"""Lock sync by volume: the manifests go into a one-off as an archive, uv runs there, the results come back.

Works on a remote engine, with any user in the image and without any mount, for nothing of the host is needed
where uv runs but the manifests.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from uvdock import process
from uvdock.backends.place import Place
from uvdock.deps import sync, uvcommand
from uvdock.deps.manifest import Manifests
from uvdock.engine import archive
from uvdock.engine.api import Engine
from uvdock.errors import UvdockError
from uvdock.process import Output

#: Where the manifests are while uv works on them, in a folder that no image has.
WORK = PurePosixPath("/uvdock/project")
CACHE = PurePosixPath("/uvdock/cache")
#: What uv or a build may leave beside the manifests and no host wants.
_LEFT_THERE = {".venv", "__pycache__", "build"}


@dataclass(frozen=True)
class Session:
    """Where and how uv runs in volume mode.

    Args:
        engine: The engine.
        docker: The `docker` command for it.
        image: An image that has uv.
        place: What is known of that image.
        user: The user to run as; empty for the image's own.
        environment: The service's variables.
        cache_volume: The named volume for uv's cache; empty for none.
        tty: Whether to give uv a terminal.
    """

    engine: Engine
    docker: Sequence[str]
    image: str
    place: Place
    user: str
    environment: Mapping[str, str]
    cache_volume: str
    tty: bool


@dataclass(frozen=True)
class Result:
    """What a run left: uv's exit code, the files it changed, and its output where that was collected."""

    code: int
    changed: tuple[Path, ...]
    output: Output


def run_in_volume(
    session: Session, manifests: Manifests, args: Sequence[str], *, deliver: bool = True, collect: bool = False
) -> Result:
    """Run uv over ``manifests`` in a one-off.

    Args:
        session: Where.
        manifests: The files uv reads; what it changes of them, or makes beside them, is brought back.
        args: uv's arguments.
        deliver: Replace the host's files when uv succeeds; otherwise nothing is written.
        collect: Collect uv's output instead of letting it through.

    Raises:
        UvdockError: A file changed on the host while uv ran, or cannot be written; every file is as it was.
    """
    assert session.place.uv is not None
    engine, place = session.engine, session.place
    sent = manifests.read()
    tty = session.tty and not collect
    options = {
        "entrypoint": [place.uv],
        "command": list(args),
        "working_dir": str(_inside(manifests.cwd)),
        "user": session.user or None,
        "environment": _environment(session),
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
                shown=[*session.docker, "run", "--rm", "--entrypoint", str(place.uv), session.image, *args],
            )
            output = Output(code, b"", b"")
        back = engine.get(box, WORK) if code == 0 else None
    changed = {
        Path(*name.parts): content
        for name, content in (back or {}).items()
        if content != sent.get(Path(*name.parts)) and not _LEFT_THERE & set(name.parts)
    }
    if deliver and changed:
        _refuse_edited(manifests, sent, changed)
        sync.replace_all({manifests.base / name: content for name, content in changed.items()})
    return Result(code, tuple(sorted(changed)), output)


def version(session: Session) -> tuple[int, ...]:
    """The version of the session's uv."""
    assert session.place.uv is not None
    with session.engine.created(session.image, entrypoint=[session.place.uv], command=["--version"]) as box:
        found = process.capture([*session.docker, "start", "--attach", box])
    return uvcommand.parse_version(found.text)


def forwarded(environ: Mapping[str, str]) -> list[str]:
    """The names of the caller's variables that uv needs wherever it runs: indexes and their credentials.

    Only names: their values are passed on by the engine's own means and never shown.
    """
    prefixes = ("UV_INDEX_", "UV_EXTRA_INDEX_")
    names = {"UV_INDEX", "UV_DEFAULT_INDEX", "UV_EXCLUDE_NEWER", "UV_PRERELEASE", "UV_RESOLUTION", "UV_NO_PROGRESS"}
    return sorted(name for name in environ if name in names or name.startswith(prefixes))


def _environment(session: Session) -> dict[str, str | None]:
    """The one-off's variables; one that is ``None`` is taken away from those of the image."""
    env: dict[str, str | None] = dict(session.environment)
    env |= {name: os.environ[name] for name in forwarded(os.environ)}
    env |= dict.fromkeys(uvcommand.LOCKING_OFF)
    env["UV_CACHE_DIR"] = str(CACHE)
    # The environment follows in a step of its own, in the container that is to have it.
    env["UV_NO_SYNC"] = "1"
    if "HOME" not in session.place.env and session.place.uid != 0:
        env.setdefault("XDG_DATA_HOME", str(CACHE / "data"))
    return env


def _refuse_edited(manifests: Manifests, sent: Mapping[Path, bytes], changed: Mapping[Path, bytes]) -> None:
    now = manifests.read()
    for name in changed:
        path = manifests.base / name
        if now.get(name) != sent.get(name) or (name not in manifests.files and path.exists()):
            raise UvdockError(
                f"{name} was changed on the host while uv ran, so nothing was written",
                where=str(path),
                fix="run the command again: it starts from the file as it is now",
            )


def _inside(name: Path) -> PurePosixPath:
    return WORK.joinpath(*name.parts)
