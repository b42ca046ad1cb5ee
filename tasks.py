"""uvdock's own tasks: its collection, and what its developers run."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from invoke.tasks import Task, task

from uvdock import ns

if TYPE_CHECKING:
    from invoke.context import Context


@task
def test(c: Context) -> None:
    """Run every test; those that need a Docker engine are skipped without one."""
    c.run(f"{sys.executable} -m pytest", pty=sys.stdout.isatty())


@task
def lint(c: Context) -> None:
    """Check format, rules and types."""
    for tool in ("ruff format --check", "ruff check", "mypy"):
        c.run(f"{sys.executable} -m {tool}", pty=sys.stdout.isatty())


@task
def picture(c: Context) -> None:
    """Make the README's picture from a real run; needs Docker and tmux."""
    c.run(f"{sys.executable} docs/picture.py")


for own in (test, lint, picture):
    assert isinstance(own, Task)
    ns.add_task(own)
