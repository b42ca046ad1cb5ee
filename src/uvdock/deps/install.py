"""`deps.install` as a plan: which steps, in which order, for where commands run."""

from __future__ import annotations

from enum import Enum


class Step(Enum):
    """One step, by the name a person sees."""

    LOCK = "lock"
    SYNC_HOST = "sync the host's environment"
    SYNC_CONTAINER = "sync the running container"
    BUILD = "build"
    PROVE = "prove that image and host hold the same lock"
    RECREATE = "recreate what runs from an old image"


def plan(backend: str, *, build: bool) -> tuple[Step, ...]:
    """The steps of `deps.install`.

    The lock comes first and the stack is never taken down: until the new image is built and proved, every
    service runs on as it is.

    Args:
        backend: ``host`` or ``compose``.
        build: Whether to build the image, or only to bring the running container up to date.
    """
    if backend == "host":
        return (Step.LOCK, Step.SYNC_HOST)
    if build:
        return (Step.LOCK, Step.BUILD, Step.PROVE, Step.RECREATE)
    return (Step.LOCK, Step.SYNC_CONTAINER)
