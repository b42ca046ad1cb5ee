"""The missing ``--``: Invoke only says that it has no idea what a word is; this says what to type."""

from __future__ import annotations

import shlex
import sys
from typing import TYPE_CHECKING

from invoke.collection import Collection
from invoke.exceptions import Exit

from uvdock.errors import UvdockError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from invoke.parser.context import ParserContext


class SeparatorCollection(Collection):
    """A collection whose pass-through tasks explain themselves when the ``--`` after them is forgotten."""

    def to_contexts(self, *args: object, **kwargs: object) -> list[ParserContext]:
        """Invoke's own contexts; looks at the program's arguments first, as Invoke is about to parse them.

        Raises:
            Exit: A pass-through task is followed by words without ``--``; the message says how to put it in.
        """
        contexts: list[ParserContext] = super().to_contexts(*args, **kwargs)  # type: ignore[arg-type]
        problem = forgotten(sys.argv, [context.name or "" for context in contexts])
        if problem is not None:
            raise Exit("\n".join(problem.lines()), code=problem.code)
        return contexts


def forgotten(argv: Sequence[str], names: Sequence[str]) -> UvdockError | None:
    """The error for a command line on which the first task is a pass-through one and lacks its ``--``.

    Args:
        argv: The program's arguments, its name first.
        names: Every task's name.
    """
    from uvdock.argv import PROGRAM_ARGV
    from uvdock.tasks import PASSTHROUGH

    program = argv[0].rsplit("/", 1)[-1]
    if PROGRAM_ARGV.get() is not None or program not in ("inv", "invoke"):
        return None
    words = [word for word in argv[1:] if word != "-e"]
    if len(words) < 2 or words[0] not in PASSTHROUGH or "--" in words:
        return None
    first = words[1]
    # Options may be the task's own, and another task may follow: Invoke knows both.
    if first in names or (first.startswith("-") and words[0] != "uv") or first in ("--help", "-h", "--service", "-s"):
        return None
    return UvdockError(
        f"the -- before the arguments of {words[0]} is missing",
        where=shlex.join([program, *argv[1:]]),
        fix=f"type {shlex.join([program, words[0], '--', *words[1:]])}",
        code=2,
    )
