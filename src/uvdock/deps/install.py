"""`deps.install` as a plan: which steps, in which order, for where commands run."""

from __future__ import annotations

from enum import Enum


class InstallStep(Enum):
    """One step, by the name a person sees."""

    LOCK = "lock"
    SYNC_HOST = "sync the host's environment"
    SYNC_CONTAINER = "sync running containers"
    BUILD = "build"
    PROVE = "prove that the image matches the lock"
    RECREATE = "recreate what runs from an old image"


def plan(backend: str, *, build: bool, running: bool = False) -> tuple[tuple[InstallStep, ...], ...]:
    """The steps of `deps.install`, one after the other; those of one entry at the same time, the longest first.

    The lock comes first and the stack is never taken down: until the new image is built and proved, no service is
    stopped. What runs gets the packages beside the build, which takes many times as long.

    Args:
        backend: ``host`` or ``compose``.
        build: Whether to build the image, or only to bring the running container up to date.
        running: Whether there is a running container that can be brought up to date beside the build.
    """
    if backend == "host":
        return ((InstallStep.LOCK,), (InstallStep.SYNC_HOST,))
    if build:
        beside = (InstallStep.SYNC_CONTAINER,) if running else ()
        return ((InstallStep.LOCK,), (InstallStep.BUILD, *beside), (InstallStep.PROVE,), (InstallStep.RECREATE,))
    return ((InstallStep.LOCK,), (InstallStep.SYNC_CONTAINER,))
