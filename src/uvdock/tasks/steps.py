"""Running a list of tasks: one after the other, or all at the same time with their output kept apart.

Each step is this program called once more, as a person would type it: so a step may be any task, of uvdock or
of the repo's tasks.py, and ends with its own processes.
"""

from __future__ import annotations

import os
import shlex
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from uvdock import dry, process
from uvdock.errors import UvdockError
from uvdock.tasks.base import backend_told
from uvdock.ui import console

if TYPE_CHECKING:
    from uvdock.commands import DeclaredCommand


#: The tasks whose steps are running, a line each with its folder, the outermost first: for the calls of this program
#: below. A task of that name in another folder may be another repo's.
_RUNNING = "_UVDOCK_STEPS"


@contextmanager
def steps_of(name: str) -> Iterator[None]:
    """Around the steps of a task, which may not come to that task again.

    Circles of the repo's own commands are refused before anything runs (`uvdock.commands.parse`); this also finds
    those over ready tasks, `ci.test` and a tasks.py.

    Raises:
        UvdockError: The task is one of its own steps, or of theirs.
    """
    before, told = dict(os.environ), backend_told()
    running, this = before.get(_RUNNING, "").splitlines(), f"{name} in {Path.cwd()}"
    if this in running:
        circle = " → ".join(line.partition(" in ")[0] for line in [*running[running.index(this) :], this])
        raise UvdockError(
            f"tasks call each other in a circle: {circle}", where=this, fix="take one of the steps out", code=2
        )
    # Each step runs where the whole is told to run.
    changes = {_RUNNING: "\n".join([*running, this]), **({"UVDOCK_BACKEND": told} if told else {})}
    os.environ.update(changes)
    try:
        yield
    finally:
        for key in changes:
            del os.environ[key]
        os.environ.update({key: before[key] for key in changes if key in before})


def run_steps(command: DeclaredCommand) -> int:
    """Run every step of a command; the first that fails stops the rest.

    Returns:
        The exit code of the step that failed first, else 0.

    Raises:
        UvdockError: As `steps_of`.
    """
    with steps_of(command.name):
        return _run_steps(command)


def _run_steps(command: DeclaredCommand) -> int:
    if command.parallel and not dry.on():
        return _together(command)
    for number, step in enumerate(command.steps, 1):
        code = run_step(step)
        if code:
            left = ", ".join(command.steps[number:])
            console.say(f"{command.name}: {step} failed with {code}" + (f"; not run: {left}" if left else ""))
            return code
    return 0


def run_step(step: str) -> int:
    """Run one step; returns its exit code. In a dry run it shows its own commands."""
    argv = [*_program(), *shlex.split(step)]
    return process.show(argv) if dry.on() else process.run(argv)


def _together(command: DeclaredCommand) -> int:
    program, width = _program(), max(map(len, command.steps))

    def show(step: str, line: str, to_stderr: bool) -> None:
        console.prefixed(f"{step:<{width}} │ ", line, to_stderr=to_stderr)

    return process.run_together({step: [*program, *shlex.split(step)] for step in command.steps}, show)


def _program() -> list[str]:
    """How this program was called: `inv` with its tasks.py, or `uvdock`."""
    called = Path(sys.argv[0])
    if called.name in ("inv", "invoke", "uvdock") and called.is_file():
        program = [sys.executable, str(called)]
    else:
        program = [sys.executable, "-m", "uvdock"]
    return [*program, "--dry"] if dry.on() else program
