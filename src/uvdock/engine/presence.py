"""What of Docker is on this machine, told without asking any engine: it imports nothing heavy."""

from __future__ import annotations

import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

#: What Docker, and what Podman, puts into each container.
MARKS = ("/.dockerenv", "/run/.containerenv")


def has_docker(environ: Mapping[str, str]) -> bool:
    """Whether there is a `docker` program on PATH."""
    names = ("docker", "docker.exe") if os.name == "nt" else ("docker",)
    folders = environ.get("PATH", os.defpath).split(os.pathsep)
    places = (os.path.join(folder, name) for folder in folders for name in names)
    return any(os.access(place, os.X_OK) and not os.path.isdir(place) for place in places)


def in_own_container(environ: Mapping[str, str]) -> bool:
    """Whether this is the app's own container, where nobody means any engine.

    A container that has Docker, or is told of an engine, is a place to work from, as a CI job or a development
    container is.
    """
    if any(environ.get(name) for name in ("DOCKER_HOST", "DOCKER_CONTEXT")) or has_docker(environ):
        return False
    return any(os.path.exists(mark) for mark in MARKS)
