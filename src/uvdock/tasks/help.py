"""The help screens of `uvdock`: its own, and that of each task."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from inspect import cleandoc
from typing import TYPE_CHECKING, Any

from uvdock.tasks.grammar import flag
from uvdock.tasks.kinds import OwnTask, shown
from uvdock.tasks.separator import PassthroughTask

if TYPE_CHECKING:
    from invoke.parser.argument import Argument
    from invoke.tasks import Task

    #: A line, and whether it is a heading.
    Lines = Iterable[tuple[str, bool]]

#: The program's options that a person needs, of all that Invoke has, in our words.
_CORE = {
    "list": "List the tasks, or those of one group.",
    "list-format": "How --list shows them: grouped (default), flat, nested, json.",
    "help": "Show this, or what a task does.",
    "echo": "Show each command that a task runs.",
    "dry": "Show the commands, and run none.",
    "version": "Show the version.",
}
#: Those that may stand before any task, and after most.
_ALWAYS = ("echo", "dry", "help")
#: What the values of options are called where their own name does not say it.
_VALUES = {
    "help": "[TASK]",
    "list": "[GROUP]",
    "exclude": "PACKAGE",
    "ignore": "ADVISORY",
    "explain": "RULE",
    "check": "COMMAND",
    "test": "COMMAND",
    "cooldown": "AGE",
    "before": "REF",
    "after": "REF",
    "svg": "FILE",
    "timeout": "SECONDS",
    "tail": "LINES",
}
#: A line of a docstring that is longer than this was folded.
_FOLDED = 95
#: From this width on, the text stands below an option.
_WIDEST = 30
#: A column of text that is narrower stands below too.
_NARROWEST = 24


def program(core: Sequence[Argument], width: int) -> Lines:
    """The program's own help.

    Args:
        core: Its options.
        width: The terminal's.
    """
    yield "The tasks of a Dockerized Python app whose dependencies uv manages.", False
    yield from (("", False), ("Usage: uvdock [OPTIONS] TASK [OPTIONS] [WORD…]", False))
    yield from _section("Options", _core(core, _CORE), width)
    yield "", False
    yield "`uvdock --list` lists the tasks of this repo, `uvdock --help TASK` says what one does.", False


def task(name: str, task: Task[Any], core: Sequence[Argument], width: int) -> Lines:
    """What a task does, how it is typed, its options, and examples.

    Args:
        name: Its name, as it was typed.
        task: The task.
        core: The program's options.
        width: The terminal's.
    """
    own = task if isinstance(task, OwnTask) else None
    text = cleandoc(task.__doc__ or "").partition("\n\nExamples:\n")[0]
    arguments = task.get_arguments()
    positional = [item for item in arguments if item.positional]
    options = [item for item in arguments if not item.positional]
    words = [*(flag(item.names[0]).lstrip("-").upper() for item in positional), *([own.usage] if own else [])]
    for line in text.splitlines() if own is None or own.yours else _unfolded(text):
        yield from ((part, False) for part in wrapped(line, width))
    usage = " ".join(["Usage: uvdock", name, *(["[OPTIONS]"] if options else []), *filter(None, words)])
    yield from (("", False), (usage, False))
    described = [(flag(item.names[0]).lstrip("-").upper(), _one_line(item.help)) for item in positional]
    yield from _section("Arguments", described, width)
    yield from _section("Options", [(_spec(item), _about(item)) for item in options], width)
    command = isinstance(task, PassthroughTask) and task.kind == "command"
    everywhere = "For every task, before its name" if command else "For every task"
    yield from _section(everywhere, [(spec.partition(" [")[0], text) for spec, text in _core(core, _ALWAYS)], width)
    if own and own.examples:
        yield from (("", False), ("Examples:", True))
        yield from ((f"  {shown(example, 'uvdock')}", False) for example in own.examples)


def _unfolded(text: str) -> list[str]:
    """A docstring's lines, with those of a paragraph in one: such a line goes on as far as a line of source may."""
    lines: list[str] = []
    long = False
    for line in text.splitlines():
        if long and line.strip():
            lines[-1] += f" {line}"
        else:
            lines.append(line)
        long = len(line) > _FOLDED
    return lines


def wrapped(text: str, width: int, indent: str = "") -> list[str]:
    """``text`` in lines of at most ``width``, broken between words; those after the first are indented.

    A word that is wider stands on a line of its own, and whole. Blanks at the beginning and between words stay in a
    line that fits.
    """
    if len(text) <= width:
        return [text]
    lines: list[str] = []
    line = ""
    for word in text.split():
        if line and len(line) + 1 + len(word) > width:
            lines.append(line)
            line = indent + word
        else:
            line = f"{line} {word}" if line.strip() else line + word
    return [*lines, line]


def _section(title: str, rows: Sequence[tuple[str, str]], width: int) -> Iterator[tuple[str, bool]]:
    """A heading and its rows: the text beside each, or below it where that is too wide."""
    if not rows:
        return
    yield from (("", False), (f"{title}:", True))
    left = min(max(len(spec) for spec, _ in rows), _WIDEST) + 4
    if width - left < _NARROWEST:
        left = 8
    for spec, text in rows:
        lines = wrapped(text, width - left)
        if len(spec) + 4 > left or not text:
            yield f"  {spec}", False
        else:
            yield f"  {spec:<{left - 2}}{lines.pop(0)}", False
        yield from ((" " * left + line, False) for line in lines if line)


def _core(core: Sequence[Argument], names: Iterable[str]) -> list[tuple[str, str]]:
    by_name = {argument.names[0]: argument for argument in core}
    return [(_spec(by_name[name]), _CORE[name]) for name in names]


def _spec(argument: Argument) -> str:
    """An option as it is typed: ``-s, --service SERVICE``."""
    name = argument.names[0]
    long = [flag(item) for item in argument.names if len(item) > 1]
    short = [flag(item) for item in argument.names if len(item) == 1]
    if argument.kind is bool and argument.default is True:
        # What it does without is what a person asks for: the short one would change nothing.
        return f"    --[no-]{long[0].removeprefix('--')}" if long else short[0]
    typed = ", ".join([*short, *long]) if short else f"    {long[0]}"
    if not argument.takes_value:
        return typed
    value = "NUMBER" if argument.kind is int else flag(name).rpartition("-")[2].upper()
    return f"{typed} {_VALUES.get(name, value)}"


def _about(argument: Argument) -> str:
    """What an option does, with its default where that says something."""
    text = _one_line(argument.help)
    default = argument.default
    # A help line may say so itself.
    if argument.kind is not bool and default and isinstance(default, str | int) and "default" not in text:
        text = f"{text} [default: {default}]"
    return text


def _one_line(text: str | None) -> str:
    return " ".join((text or "").split())
