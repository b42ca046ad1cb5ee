"""Running a list of tasks: one after the other, or all at the same time with their output kept apart.

Each step is this program called once more, as a person would type it: so a step may be any task, of uvdock or
of the repo's tasks.py, and ends with its own processes.
"""

from __future__ import annotations

import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from uvdock import console, process

if TYPE_CHECKING:
    from uvdock.commands import Command


def run_steps(command: Command) -> int:
    """Run every step of a command; the first that fails stops the rest.

    Returns:
        The exit code of the step that failed first, else 0.
    """
    if command.parallel:
        return _together(command)
    for number, step in enumerate(command.steps, 1):
        code = run_step(step)
        if code:
            left = ", ".join(command.steps[number:])
            console.say(f"{command.name}: {step} failed with {code}" + (f"; not run: {left}" if left else ""))
            return code
    return 0


def run_step(step: str) -> int:
    """Run one step; returns its exit code."""
    return process.run([*_program(), *shlex.split(step)])


def _together(command: Command) -> int:
    program, width = _program(), max(map(len, command.steps))

    def show(step: str, line: str, to_stderr: bool) -> None:
        console.prefixed(f"{step:<{width}} │ ", line, to_stderr=to_stderr)

    return process.run_together({step: [*program, *shlex.split(step)] for step in command.steps}, show)


def _program() -> list[str]:
    """How this program was called: `inv` with its tasks.py, or `uvdock`."""
    called = Path(sys.argv[0])
    if called.name in ("inv", "invoke", "uvdock") and called.is_file():
        return [sys.executable, str(called)]
    return [sys.executable, "-m", "uvdock"]
