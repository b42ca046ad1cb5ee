"""Tasks that take words, and the missing ``--``: Invoke takes a word for a task; this says what to type."""

from __future__ import annotations

import shlex
import sys
from typing import TYPE_CHECKING

from invoke.exceptions import Exit

from uvdock.errors import UvdockError
from uvdock.tasks.kinds import SERVICES, WORDS, OwnTask
from uvdock.ui import console

if TYPE_CHECKING:
    from collections.abc import Sequence

    from invoke.parser.argument import Argument

    from uvdock.cli.commandline import Grammar, Kind

#: The command lines that were looked at: each task of the collection would look again, twice.
_SEEN: set[tuple[str, ...]] = set()


class PassthroughTask(OwnTask):
    """A task that hands on a command line, or what follows a program's name, and explains a forgotten ``--``.

    It is the task that does so, and not the collection: of the one in a tasks.py Invoke makes a plain copy
    (`Collection.from_module`).
    """

    usage = "[ARGUMENT…]"
    kind: Kind = "command"
    strict = False

    def get_arguments(self, ignore_unknown_help: bool | None = None) -> list[Argument]:
        """Invoke's own; looks at the program's arguments first, as Invoke is about to parse them.

        Raises:
            Exit: A word may be the task's or a task of its own; the message says where to put the ``--``.
        """
        argv = tuple(sys.argv)
        # Most command lines are in order: to know the grammar costs as much as all tasks' arguments do.
        if may_lack_it(argv) and argv not in _SEEN:
            _SEEN.add(argv)
            problem = forgotten(argv, _grammar())
            if problem:
                _SEEN.discard(argv)
                raise Exit(console.redact("\n".join(problem.lines())), code=problem.code)
        return super().get_arguments(ignore_unknown_help)


class ProgramTask(PassthroughTask):
    """A task that is the program of its name: ``--help`` is the program's too."""

    helps = False


class CommandTask(PassthroughTask):
    """A task whose first word is the program to run: no word before it begins with a dash."""

    usage = "COMMAND…"
    strict = True


class WordsTask(PassthroughTask):
    """A task whose words are names, of services where nothing else is said; its options stand among them."""

    usage = "[SERVICE…]"
    kind: Kind = "names"
    strict = True
    values = {WORDS: SERVICES}  # noqa: RUF012 - as the class it is from has it, a Mapping


class ServicesTask(WordsTask):
    """A task on services whose words may be Compose's own options too."""

    strict = False


def may_lack_it(argv: Sequence[str]) -> bool:
    """Whether `inv` was called with several words before any ``--``; without looking at any task."""
    called = argv[0].rpartition("/")[2] if argv else ""
    return called in ("inv", "invoke") and (argv.index("--") if "--" in argv else len(argv)) > 2


def forgotten(argv: Sequence[str], grammar: Grammar) -> UvdockError | None:
    """The error for a command line of `inv` on which a task that takes words is followed by one without ``--``.

    Args:
        argv: The program's arguments, its name first.
        grammar: The tasks and options that there are.
    """
    found = grammar.undecided(argv[1:])
    if found is None:
        return None
    tokens, (task, at) = list(argv[1:]), found
    program, name, word = argv[0].rpartition("/")[2], tokens[task], tokens[at]
    rest = tokens[at:]
    if "--" in rest:
        rest.remove("--")
    fixed = shlex.join([program, *tokens[:at], "--", *rest])
    typed = shlex.join([program, *tokens])
    if word not in grammar.names:
        what, fix = f"the -- before the arguments of {name} is missing", f"type {fixed}"
    else:
        both = f"{shlex.join([program, *tokens[:at]])} && {shlex.join([program, *tokens[at:]])}"
        what = f"{word} is a task, and may be meant as a word of {name}"
        fix = f"type {fixed}, or for both tasks {both}"
    return UvdockError(what, where=typed, fix=fix, code=2)


def _grammar() -> Grammar:
    from invoke.main import program

    from uvdock.cli.commandline import Grammar
    from uvdock.tasks import grammar
    from uvdock.tasks.collection import every_name, ns

    core = grammar.options([*program.core_args(), *program.task_args()])
    return Grammar("inv", core, set(every_name(ns)), lambda name: grammar.shape(ns[name]))
