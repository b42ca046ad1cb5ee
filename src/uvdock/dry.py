"""A dry run (`--dry`): the commands that would be run are shown, and nothing is touched.

What each part of the program needs to know of it; `uvdock.tasks.base` begins one, `uvdock.ui.console` is silent in one,
`uvdock.process` holds commands back, and the engine answers questions only (`uvdock.engine.readonly`).
"""

from __future__ import annotations

from contextvars import ContextVar

#: Whether this is a dry run.
DRY: ContextVar[bool] = ContextVar("DRY", default=False)
#: Whether nothing is said but commands, and what stands for them: not of a task that answers by itself.
SILENT: ContextVar[bool] = ContextVar("SILENT", default=False)


def on() -> bool:
    """Whether this is a dry run."""
    return DRY.get()
