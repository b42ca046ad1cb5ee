"""The missing ``--``: Invoke only says that it has no idea what a word is; this says what to type."""

from __future__ import annotations

import shlex
import sys
from typing import TYPE_CHECKING

from invoke.exceptions import Exit

from uvdock import console
from uvdock.errors import UvdockError
from uvdock.tasks.kinds import SERVICES, WORDS, OwnTask

if TYPE_CHECKING:
    from collections.abc import Sequence

    from invoke.parser.argument import Argument


class PassthroughTask(OwnTask):
    """A task that hands on what follows ``--``, and explains itself when that is forgotten.

    It is the task that does so, and not the collection: of the one in a tasks.py Invoke makes a plain copy
    (`Collection.from_module`).
    """

    #: Its words end where another task's name begins, as they are names and no command line.
    ends_at_task = False

    def get_arguments(self, ignore_unknown_help: bool | None = None) -> list[Argument]:
        """Invoke's own; looks at the program's arguments first, as Invoke is about to parse them.

        Raises:
            Exit: A pass-through task is followed by words without ``--``; the message says how to put it in.
        """
        from uvdock.tasks import ns, passthrough_tasks

        # Every name of the collection costs as much as all tasks' arguments do, and most command lines are in order.
        suspect = may_lack_it(sys.argv)
        problem = suspect and forgotten(sys.argv, list(ns.task_names), list(passthrough_tasks(ns)))
        if problem:
            raise Exit(console.redact("\n".join(problem.lines())), code=problem.code)
        # Invoke takes the help lines out of the task as it makes the arguments, and is asked for them twice.
        lines = dict(self.help)
        try:
            return super().get_arguments(ignore_unknown_help)
        finally:
            self.help = lines


class WordsTask(PassthroughTask):
    """A pass-through task whose words are names: of services, say."""

    ends_at_task = True
    values = {WORDS: SERVICES}  # noqa: RUF012 - as the class it is from has it, a Mapping


def may_lack_it(argv: Sequence[str]) -> bool:
    """Whether a command line has words after its first and no ``--``; without looking at any task."""
    return len(argv) > 2 and "--" not in argv


def forgotten(argv: Sequence[str], names: Sequence[str], passthrough: Sequence[str]) -> UvdockError | None:
    """The error for a command line on which the first task is a pass-through one and lacks its ``--``.

    Args:
        argv: The program's arguments, its name first.
        names: Every task's name.
        passthrough: Those of the pass-through tasks.
    """
    from uvdock.argv import PROGRAM_ARGV

    program = argv[0].rsplit("/", 1)[-1]
    if PROGRAM_ARGV.get() is not None or program not in ("inv", "invoke"):
        return None
    at = next((place for place, word in enumerate(argv) if place and word != "-e"), len(argv))
    words = argv[at:]
    if len(words) < 2 or words[0] not in passthrough or "--" in words:
        return None
    first = words[1]
    # Options may be the task's own, and another task may follow: Invoke knows both.
    if first in names or (first.startswith("-") and words[0] != "uv") or first in ("--help", "-h", "--service", "-s"):
        return None
    return UvdockError(
        f"the -- before the arguments of {words[0]} is missing",
        where=shlex.join([program, *argv[1:]]),
        fix=f"type {shlex.join([program, *argv[1:at], words[0], '--', *words[1:]])}",
        code=2,
    )
