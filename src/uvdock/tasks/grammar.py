"""What may follow each task on a command line, taken from Invoke's tasks and arguments (`uvdock.cli.commandline`)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from uvdock.cli.commandline import Option, Shape
from uvdock.tasks.kinds import OwnTask

if TYPE_CHECKING:
    from invoke.parser.argument import Argument
    from invoke.tasks import Task


def options(arguments: Iterable[Argument]) -> dict[str, Option]:
    """The options that stand for arguments, by each of their names."""
    found: dict[str, Option] = {}
    for argument in arguments:
        value = "no" if not argument.takes_value else "maybe" if argument.optional else "yes"
        option = Option(flag(argument.names[0]), value, number=argument.kind is int and argument.takes_value)
        found |= {flag(name): option for name in argument.names}
        if argument.kind is bool and argument.default is True:
            inverse = f"--no-{flag(argument.names[0]).removeprefix('--')}"
            found[inverse] = Option(inverse)
    return found


def shape(task: Task[Any]) -> Shape:
    """What may follow a task."""
    arguments = task.get_arguments()
    return Shape(
        options(arguments),
        words=task.kind if isinstance(task, OwnTask) else "none",
        positionals=tuple(flag(item.names[0]).removeprefix("--") for item in arguments if item.positional),
        strict=task.strict if isinstance(task, OwnTask) else True,
        helps=task.helps if isinstance(task, OwnTask) else True,
    )


def flag(name: str) -> str:
    """The option of an argument's name, as Invoke makes it."""
    name = name.strip("_").replace("_", "-")
    return f"-{name}" if len(name) == 1 else f"--{name}"
