"""A container's users, and who they are on the host."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path


def host_uid(uid: int, security: Sequence[str], address: str) -> int | None:
    """The host's number for a user of a container.

    A rootless engine maps root to the user that it runs as. It maps all others, as `userns-remap` does with every user,
    to ids from `/etc/subuid`, which own nothing of a repo (docs.docker.com/engine/security/userns-remap).

    Args:
        uid: The user's number in the container.
        security: The engine's `SecurityOptions`, as it lists them.
        address: Where the engine is reached.

    Returns:
        The number, or ``None`` for an id from `/etc/subuid`.
    """
    options = {option.partition(",")[0] for option in security}
    if "name=rootless" in options and uid == 0:
        path = address.removeprefix("unix://")
        return Path(path).stat().st_uid if path != address else os.getuid()
    return None if {"name=rootless", "name=userns"} & options else uid
