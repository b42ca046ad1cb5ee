"""uvdock: an installable Invoke collection for Dockerized Python apps whose dependencies are managed by uv.

In a repo's tasks.py::

    from uvdock import ns

For tasks of your own there are `run`, which runs a command where the repo's commands run, and `passthrough`,
which makes a task of one.
"""

from __future__ import annotations

# `typing` takes half as long to import as Python to start, and a shell waits for it at each word it completes.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from uvdock.errors import UvdockError
    from uvdock.settings import Settings
    from uvdock.tasks import ns
    from uvdock.tasks.command import passthrough, run

__all__ = ["Settings", "UvdockError", "ns", "passthrough", "run"]

_HOMES = {
    "Settings": "uvdock.settings",
    "UvdockError": "uvdock.errors",
    "ns": "uvdock.tasks",
    "passthrough": "uvdock.tasks.command",
    "run": "uvdock.tasks.command",
}


def __getattr__(name: str) -> Any:
    # Imported when asked for: who only wants the settings pays for no Invoke.
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    from uvdock.cli import fastpath
    from uvdock.cli.writing_bytecode import WritingBytecode

    if name == "ns":
        fastpath.prepare()
    with WritingBytecode():
        return getattr(import_module(_HOMES[name]), name)
