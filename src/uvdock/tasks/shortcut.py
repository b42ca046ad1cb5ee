"""The short way into the running container (`uvdock.cli.fastpath`), for the tasks that may take it."""

from __future__ import annotations

import sys
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from uvdock.cli import fastpath
from uvdock.errors import UvdockError
from uvdock.tasks.base import backend_told, invoke_settings

if TYPE_CHECKING:
    from collections.abc import Sequence

    from invoke.context import Context

    from uvdock.tasks.base import Repo


def attempt(c: Context, task: str, args: Sequence[str]) -> int | None:
    """Run a task the short way under `inv`; the `uvdock` command has tried already.

    Returns:
        The command's exit code; ``None`` when the long way has to be taken.
    """
    if _program() != "inv" or c.config.run.dry or c.config.run.echo or backend_told():
        return None
    # The store is about the folder that the person is in; `inv -r FOLDER` means another.
    prefix = getattr(c.config, "_project_prefix", None)
    if prefix and not Path.cwd().is_relative_to(Path(prefix).resolve()):
        return None
    return fastpath.attempt("inv", task, args, invoke_settings(c))


def learn(c: Context, repo: Repo, service: str) -> None:
    """Store what the long way found, where the short one did not get through: before the command changes any file."""
    from uvdock.tasks.command import own_tasks

    runner = getattr(repo.backend, "runner", None)
    if service or backend_told() or runner is None or c.config.run.dry or not fastpath.wanted():
        return
    # What cannot be found out, the command meets too, and tells.
    with suppress(UvdockError):
        known = runner.shortcut()
        if known is not None:
            replaced = sorted({"uv", "cmd"} & own_tasks(repo.root).keys())
            fastpath.remember(_program(), {**known, "not": replaced}, invoke_settings(c), runner.stack)


def _program() -> str:
    return "uvdock" if sys.argv[0].rpartition("/")[2] in ("uvdock", "__main__.py") else "inv"
