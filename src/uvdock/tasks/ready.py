"""Which tasks on services make sense in a repo: told by the text of its Compose files and Dockerfiles."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from uvdock import project, settings
from uvdock.tasks import cache, db, redis, stack

if TYPE_CHECKING:
    from invoke.tasks import Task

STACK: dict[str, Task[Any]] = {
    "up": stack.up,
    "down": stack.down,
    "ps": stack.ps,
    "logs": stack.logs,
    "cache.info": cache.info,
    "cache.prune": cache.prune,
}
DATABASE: dict[str, Task[Any]] = {
    "db.shell": db.shell,
    "db.dump": db.dump,
    "db.restore": db.restore,
    "db.wait": db.wait,
}
REDIS: dict[str, Task[Any]] = {"redis.cli": redis.cli}
#: A server's package, which has the name that its image would have. A text: few Dockerfiles need a pattern of it.
_PACKAGE = r"(?m)\s(mariadb-server|mysql-server|postgresql(?:-\d+)?|redis-server)(?=[\s;&\\]|$)"


def ready(root: Path, paths: Iterable[Path]) -> dict[str, Task[Any]]:
    """The tasks on services that make sense in the repo at ``root``, by their whole names.

    Those of the stack where there is a Compose file; those of a database and of Redis where it, or a Dockerfile,
    mentions such an image. Never raises: where looking fails, all are there, and say themselves what is wrong when
    they are run.

    Args:
        root: The repo root.
        paths: The repo's files, as `files.walk` finds them.
    """
    try:
        found = _images(root, paths)
    except Exception:
        # Whatever it is, it must not take the list of tasks away.
        return {**STACK, **DATABASE, **REDIS}
    if found is None:
        return {}
    from uvdock.services import images

    tasks = dict(STACK)
    if any(images.is_database(image) for image in found):
        tasks |= DATABASE
    if any(images.is_redis(image) for image in found):
        tasks |= REDIS
    return tasks


def _images(root: Path, paths: Iterable[Path]) -> set[str] | None:
    """The images that the repo's Compose files mention; ``None`` without a Compose file."""
    from uvdock.services import images

    loaded = settings.load(root)
    if not loaded.compose_files and (named := _named_in_invoke(root)):
        loaded = loaded._replace(compose_files=named)
    path = root / ".env"
    # The module that reads it as Compose does takes longer to import than everything here.
    env_file = images.env_lines(path.read_text(encoding="utf-8")) if path.is_file() else {}
    files = list(project.find_compose_files(root, loaded, os.environ, env_file))
    if not files:
        return None
    found: set[str] = set()
    # It grows by the files that its files include.
    for file in files:
        text = file.read_text(encoding="utf-8")
        found.update(images.mentioned(text, {**env_file, **os.environ}))
        for name in images.other_files(text):
            other = (file.parent / name).resolve()
            if other.is_file() and other not in files:
                files.append(other)
    return found.union(*map(_bases, paths))


def _bases(path: Path) -> Iterator[str]:
    """The images that a Dockerfile's stages start from, and the servers it installs; nothing of another file."""
    from uvdock import files

    if not files.is_dockerfile(path):
        return
    text = path.read_text(encoding="utf-8", errors="replace")
    for line in text.splitlines():
        instruction, *words = line.split() or [""]
        if instruction.upper() == "FROM":
            yield from [word for word in words if not word.startswith("--")][:1]
    if "-server" in text or "postgresql" in text:
        yield from re.findall(_PACKAGE, text)


def _named_in_invoke(root: Path) -> tuple[str, ...]:
    """The Compose files that Invoke's configuration names; Invoke itself has not read it yet."""
    from invoke.config import Config

    name = settings.invoke_file(root).split()[0]
    path = root / name
    if not path.is_file() or "compose_files" not in path.read_text(encoding="utf-8"):
        return ()
    config = Config(project_location=root, lazy=True)
    config.load_project()
    return settings.load(root, dict(config.get("uvdock", {}))).compose_files
