"""The collection: thin tasks that parse options, call one function and print.

`ns` is what a user's tasks.py imports.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from invoke.collection import Collection

from uvdock.tasks import deps, service

if TYPE_CHECKING:
    from invoke.tasks import Task

ns = Collection(
    service.uv,
    service.cmd,
    service.shell,
    service.build,
    service.config,
    deps=Collection(deps.install, deps.lock, deps.check, deps.outdated),
)

#: The tasks that hand what follows ``--`` on, and whether their words end where another task begins.
PASSTHROUGH: dict[str, bool] = {"uv": False, "cmd": False, "shell": True, "build": True}


def passthrough_tasks() -> dict[str, Task[Any]]:
    """The pass-through tasks by name."""
    return {name: ns.tasks[name] for name in PASSTHROUGH}
