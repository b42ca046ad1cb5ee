"""Argument lists of pass-through tasks, as the person typed them.

Invoke joins what follows ``--`` with blanks (`Parser.parse_argv`), which loses quoting, empty
arguments and newlines. The list itself is still in the program's own arguments, so it is taken from there.
"""

from __future__ import annotations

import shlex
import sys
from collections.abc import Sequence
from contextvars import ContextVar

from uvdock.errors import UvdockError

#: The arguments that the `uvdock` program hands to Invoke, with a ``--`` before the words of a task.
PROGRAM_ARGV: ContextVar[Sequence[str] | None] = ContextVar("PROGRAM_ARGV", default=None)


def after_separator(argv: Sequence[str]) -> list[str]:
    """Everything after the first ``--`` of ``argv``, or nothing where there is none."""
    return list(argv[argv.index("--") + 1 :]) if "--" in argv else []


def remainder_list(remainder: str, argv: Sequence[str] | None = None) -> list[str]:
    """The arguments behind Invoke's ``remainder``, argument for argument.

    Args:
        remainder: `invoke.Context.remainder`, joined with blanks by Invoke.
        argv: The program's arguments; by default those of the running program.

    Returns:
        The list after the first ``--`` where it joins to the same remainder. Where it does not, the
        program was called from Python with a text of its own, which is split as a shell would.

    Raises:
        UvdockError: The text cannot be split: a quote in it is never closed.
    """
    if argv is None:
        argv = PROGRAM_ARGV.get() or sys.argv
    typed = after_separator(argv)
    if " ".join(typed) == remainder:
        return typed
    try:
        return shlex.split(remainder)
    except ValueError as error:
        raise UvdockError(
            f"the arguments after -- cannot be split: {error}",
            where=remainder,
            fix="close the quote, or give the arguments on the command line instead of as one text",
            code=2,
        ) from error
