"""The volumes that keep caches between one-offs: which there are, and making them smaller."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

from uvdock import dry, process
from uvdock.backends.volume import CACHE, UV_CACHE
from uvdock.engine import archive
from uvdock.engine.api import Engine
from uvdock.errors import UvdockError


@dataclass(frozen=True)
class CacheVolume:
    """One cache volume.

    Args:
        name: Its name.
        uid: The user whose cache it is: the number at the end of its name.
        size: Bytes; ``None`` where the engine cannot say.
        holders: The containers that hold it, running or not.
    """

    name: str
    uid: int
    size: int | None
    holders: tuple[str, ...]


def find(engine: Engine, base: str) -> list[CacheVolume]:
    """The cache volumes of the engine, by name.

    Args:
        engine: The engine.
        base: The setting ``cache_volume``; empty when there is to be none.
    """
    pattern = re.compile(rf"{re.escape(base)}-(\d+)")
    sizes = engine.volume_sizes() if base else {}
    found = [(name, match) for name in sizes if (match := pattern.fullmatch(name))]
    return sorted(
        (CacheVolume(name, int(match[1]), sizes[name], tuple(engine.holders(name))) for name, match in found),
        key=lambda item: item.uid,
    )


def prune(engine: Engine, docker: Sequence[str], image: str, uv: str, volume: CacheVolume) -> int:
    """Let uv remove from a cache what nothing can use any more; what it says goes to standard error.

    Args:
        engine: The engine.
        docker: The `docker` command for it.
        image: An image that has uv.
        uv: Where uv is in it.
        volume: The volume.

    Returns:
        uv's exit code.
    """
    shown = [*docker, "run", "--rm", "--volume", f"{volume.name}:{CACHE}", image, uv, "cache", "prune"]
    if dry.on():
        process.announced(shown)
        return 0
    options = {
        "entrypoint": [uv],
        "command": ["cache", "prune"],
        "user": str(volume.uid),
        "environment": {"UV_CACHE_DIR": str(UV_CACHE)},
        "working_dir": str(CACHE),
        "volumes": {volume.name: str(CACHE)},
    }
    with engine.created(image, **options) as box:
        # A volume that nothing has written to yet is root's.
        folders: list[PurePosixPath] = [CACHE.parent, CACHE]
        engine.put(box, archive.pack(folders, {}, volume.uid, volume.uid))
        return process.run(
            [*docker, "start", "--attach", box],
            stdout_to_stderr=True,
            on_signal=lambda signum: engine.signal_container(box, signum),
            shown=shown,
        )


def remove(engine: Engine, docker: Sequence[str], volumes: Sequence[CacheVolume]) -> None:
    """Remove cache volumes.

    Args:
        engine: The engine.
        docker: The `docker` command for it, as which each removal is shown.
        volumes: The volumes.

    Raises:
        UvdockError: A container holds one of them; none is removed then.
    """
    for volume in volumes:
        if volume.holders:
            raise UvdockError(
                f"the volume {volume.name} is in use, so no volume was removed",
                where=f"by {', '.join(volume.holders)}",
                fix="stop what holds it (`docker compose down`), or leave out --all",
            )
    for volume in volumes:
        if process.announced([*docker, "volume", "rm", volume.name]):
            engine.remove_volume(volume.name)


def removed(before: Sequence[CacheVolume], after: Sequence[CacheVolume]) -> str:
    """What a prune came to, in a sentence; without numbers where the engine does not know all of them."""
    old, new = ([item.size for item in volumes] for volumes in (before, after))
    if None in old or None in new:
        return "pruned; the engine does not say how large the volumes are"
    was, now = (sum(size or 0 for size in sizes) for sizes in (old, new))
    if now > was:
        return f"pruned; {readable(now)} left, more than before: something else writes there"
    return f"{readable(was - now)} removed, {readable(now)} left"


def readable(size: int | None) -> str:
    """A size as a person reads it."""
    if size is None:
        return "–"
    number, units = float(size), ["B", "kB", "MB", "GB"]
    while number >= 1000 and len(units) > 1:
        number /= 1000
        units.pop(0)
    return f"{number:.0f} {units[0]}" if units[0] == "B" else f"{number:.1f} {units[0]}"
