"""Compose itself, without `docker` in front of it, for what needs no engine.

`docker compose` starts three programs in turn: `docker`, the plugin to be told what it is, and the plugin. To read
Compose's files takes a third of that. The plugin is looked for as `docker` does it
(https://github.com/docker/cli/blob/master/cli-plugins/manager/manager.go).
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from pathlib import Path

_NAME = "docker-compose"
_SYSTEM = (
    "/usr/local/lib/docker/cli-plugins",
    "/usr/local/libexec/docker/cli-plugins",
    "/usr/lib/docker/cli-plugins",
    "/usr/libexec/docker/cli-plugins",
)


def compose(environ: Mapping[str, str]) -> list[str]:
    """The command that is `docker compose`, for what needs no engine.

    Args:
        environ: The environment it will have.

    Returns:
        The plugin's own path where it is plain which one `docker` would start, else ``docker compose``.
    """
    usual = ["docker", "compose"]
    folder = Path(environ.get("DOCKER_CONFIG") or Path.home() / ".docker")
    docker = shutil.which("docker", path=environ.get("PATH"))
    # A script named docker may do anything before it starts the real one.
    if docker is None or _read(Path(docker), 2) == b"#!" or b"cliPluginsExtraDirs" in _read(folder / "config.json"):
        return usual
    places = [Path(place, _NAME) for place in (folder / "cli-plugins", *_SYSTEM)]
    return next(([str(place)] for place in places if os.access(place, os.X_OK)), usual)


def _read(path: Path, size: int = -1) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(size)
    except OSError:
        return b""
