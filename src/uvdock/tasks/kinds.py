"""uvdock's own tasks: Invoke's, with examples and with what is known of their arguments at the prompt."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from copy import copy
from inspect import Signature, cleandoc
from typing import TYPE_CHECKING, Any

from invoke.parser.argument import Argument
from invoke.tasks import Task

if TYPE_CHECKING:
    from uvdock.cli.commandline import Kind

#: Names that are looked up when they are needed: of the Compose services, of the packages that a pyproject.toml asks
#: for, of all that are locked, of the groups of dependencies, of doctor's rules.
SERVICES = "services"
DEPENDENCIES = "dependencies"
PACKAGES = "packages"
GROUPS = "groups"
RULES = "rules"
#: The subcommands of uv.
UV = (
    *("add", "remove", "lock", "sync", "tree", "run", "export", "audit", "version", "init", "venv", "python", "tool"),
    *("pip", "build", "publish", "cache", "format", "auth", "self", "help"),
)
#: The help of the options that say how images are built, in each task that builds them.
BUILDING = {
    "builder": "The buildx builder that builds.",
    "cache_from": "Where layers are taken from, as `type=registry,ref=…`; more than once.",
    "cache_to": "Where layers are kept; {service} in it is each service's name; more than once.",
}
#: The key of `OwnTask.values` for what follows ``--``.
WORDS = "--"


class OwnArgument(Argument):
    """A task's argument, which Invoke copies with all others before it parses a command line.

    Nothing in it is ever changed in place, so there is no need to go deeper: that takes a third of the time.
    """

    def __deepcopy__(self, memo: dict[int, object]) -> OwnArgument:
        made = memo[id(self)] = copy(self)
        return made


class OwnTask(Task[Any]):
    """A task with examples, and the values that its options and arguments may have."""

    #: Command lines as `inv` takes them, without the program.
    examples: Sequence[str] = ()
    #: By the name of an argument, or `WORDS`: a list of values, or the word for what is looked up (`SERVICES`).
    values: Mapping[str, Sequence[str] | str] = {}
    #: The words it takes, as a usage line has them: ``[SERVICE…]``; none by default.
    usage = ""
    #: Further names of options, by the name of the argument.
    nicknames: Mapping[str, str] = {}
    #: Whether it is the repo's own, from the commands table or a tasks.py.
    yours = False
    #: What its words are, for `uvdock.cli.commandline.Shape`; so are the two below.
    kind: Kind = "none"
    strict = True
    helps = True
    _argspec: Signature | None = None

    def argspec(self, body: Callable[..., Any]) -> Signature:
        """Invoke's own, which it asks for twice for each task."""
        if self._argspec is None:
            self._argspec = super().argspec(body)
        return self._argspec

    def get_arguments(self, ignore_unknown_help: bool | None = None) -> list[Argument]:
        """Invoke's own, which are quickly copied."""
        # Invoke takes the help lines out of the task as it makes the arguments, and is asked for them twice.
        lines = dict(self.help)
        try:
            found = super().get_arguments(ignore_unknown_help)
        finally:
            self.help = lines
        for argument in found:
            argument.__class__ = OwnArgument
            if argument.names[0] == "backend":
                # A letter of its own would be taken from what many of these tasks hand on.
                argument.names = argument.names[:1]
            if argument.names[0] in self.nicknames:
                argument.names = (*argument.names, self.nicknames[argument.names[0]])
        return found

    def __deepcopy__(self, memo: dict[int, object]) -> OwnTask:
        """One of its own for the collection that Invoke makes of the one in a tasks.py.

        Invoke copies every task to its last default value (`Collection.from_module`); what may be changed of one is
        what is copied here, and that takes a tenth of the time.
        """
        made = copy(self)
        # By the dictionary: a task's attributes are read, and `help` is emptied as its arguments are made.
        for name, value in vars(made).items():
            if isinstance(value, (list, dict)):
                vars(made)[name] = copy(value)
        memo[id(self)] = made
        return made


def is_yours(task: Task[Any]) -> bool:
    """Whether a task is the repo's own: of the commands table, or of a tasks.py."""
    return not isinstance(task, OwnTask) or task.yours


def program() -> str:
    """The program as a person typed it: ``inv``, ``invoke``, else ``uvdock``."""
    name = sys.argv[0].rpartition("/")[2] if sys.argv else ""
    return name if name in ("inv", "invoke") else "uvdock"


def document(text: str, examples: Sequence[str], called: str) -> str:
    """A task's docstring, which `--help` shows whole and `--list` by its first line, with its examples.

    Args:
        text: What it says of itself.
        examples: Command lines as `inv` takes them.
        called: The program that is running, whose form the examples get.
    """
    text = cleandoc(text)
    if not examples:
        return text
    lines = "\n".join(f"  {shown(example, called)}" for example in examples)
    return f"{text}\n\nExamples:\n{lines}"


def shown(example: str, called: str) -> str:
    """An example as it is typed: `uvdock` needs no ``--`` after a pass-through task."""
    return f"{called} {example}" if called != "uvdock" else f"uvdock {bare(example)}"


def typed(example: str) -> str:
    """An example, as a person types it who is told to: for the program that is running."""
    return shown(example, program())


def bare(example: str) -> str:
    """An example without the ``--`` that `uvdock` puts in itself."""
    before, separator, after = example.partition(" -- ")
    return f"{before} {after}" if separator else example


def with_usage(text: str, name: str, usage: str) -> str:
    """A docstring for `inv`, whose list says of its first line only: how the task's words are typed."""
    if not usage:
        return text
    words = f"[-- {usage[1:]}" if usage.startswith("[") else f"-- {usage}"
    first, newline, rest = cleandoc(text).partition("\n")
    return f"{first.rstrip('.')}: {name} {words}{newline}{rest}"


def add_to_first_line(text: str | None, remark: str) -> str:
    """A docstring with a remark at the end of its first line."""
    first, newline, rest = cleandoc(text or "").partition("\n")
    return f"{first} {remark}{newline}{rest}"
