"""Argument lists of pass-through tasks, as the person typed them.

Invoke joins what follows ``--`` with blanks (`Parser.parse_argv`), which loses quoting, empty
arguments and newlines. The list itself is still in the program's own arguments, so it is taken from there.
"""

from __future__ import annotations

import shlex
import sys
from collections.abc import Iterable, Mapping, Sequence
from contextvars import ContextVar

from uvdock.errors import UvdockError

#: The arguments the `uvdock` program parses, after it put in the ``--`` that may be left out.
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


def put_separator(
    tokens: Sequence[str],
    core_values: Mapping[str, bool],
    passthrough: Mapping[str, Mapping[str, bool]],
    greedy: Iterable[str] = (),
    tasks: Iterable[str] = (),
) -> list[str]:
    """Put in the ``--`` that a person may leave out after the first task when it is a pass-through one.

    Args:
        tokens: The arguments after the program's name.
        core_values: Each option of the program itself, and whether a value follows it.
        passthrough: Each pass-through task with its own options, and whether a value follows each.
        greedy: The pass-through tasks whose words end where another task's name begins.
        tasks: The names of all tasks.

    Returns:
        The same arguments, with one ``--`` more where it was left out.
    """
    result = list(tokens)
    at = _skip_options(result, 0, core_values)
    if at >= len(result) or result[at] not in passthrough:
        return result
    name = result[at]
    end = _skip_options(result, at + 1, passthrough[name])
    if end >= len(result) or result[end] == "--":
        return result
    if name in greedy and (result[end].startswith("-") or result[end] in set(tasks)):
        return result
    result.insert(end, "--")
    return result


def _skip_options(tokens: Sequence[str], start: int, options: Mapping[str, bool]) -> int:
    at = start
    while at < len(tokens):
        name, equals, _ = tokens[at].partition("=")
        if name == "--" or name not in options:
            break
        at += 1
        # Invoke splits at the first -- wherever it stands, so it is never an option's value.
        if options[name] and not equals and at < len(tokens) and tokens[at] != "--":
            at += 1
    return at
