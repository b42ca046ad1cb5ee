"""The list of tasks as a person reads it: in groups, one line a task."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

#: Each group, and the tasks in it by the first part of their names, in the order they are shown.
GROUPS: dict[str, Sequence[str]] = {
    "Dependencies": ("uv", "deps", "cache"),
    "In the service": ("cmd", "shell"),
    "The stack": ("build", "up", "down", "ps", "logs"),
    "Databases": ("db", "redis"),
    "JavaScript": ("js",),
    "Quality": ("test", "lint", "format", "quality"),
    "CI": ("ci",),
    "This repo": ("init", "config", "doctor", "migrate", "bench", "clean", "secret", "completion"),
}
#: Where the repo's own tasks stand: last, next to the prompt.
YOURS = "Yours"
#: A task that no group names; there is none in uvdock.
OTHERS = "Others"


class ListedTask(NamedTuple):
    """A task in the list: its name, its help in one line, and whether it is the repo's own."""

    name: str
    help: str
    yours: bool = False


def group_of(name: str) -> str:
    """The group of the task or namespace of that name, among uvdock's own."""
    head = name.partition(".")[0]
    return next((group for group, heads in GROUPS.items() if head in heads), OTHERS)


def grouped(lines: Iterable[ListedTask]) -> dict[str, list[ListedTask]]:
    """The tasks by group, both in the order they are shown; groups without a task are left out."""
    heads = [head for group in GROUPS.values() for head in group]
    found: dict[str, list[ListedTask]] = {group: [] for group in (*GROUPS, OTHERS, YOURS)}
    for line in lines:
        found[YOURS if line.yours else group_of(line.name)].append(line)

    def place(line: ListedTask) -> tuple[int, str]:
        head = line.name.partition(".")[0]
        return (heads.index(head) if head in heads and not line.yours else 0, line.name)

    return {group: sorted(members, key=place) for group, members in found.items() if members}


def text(groups: dict[str, list[ListedTask]], width: int | None) -> list[tuple[str, bool]]:
    """The list's lines, each with whether it is a heading.

    Args:
        groups: The tasks by group.
        width: The terminal's, for which the help is shortened, and never the name; ``None`` where there is none.
    """
    widest = max((len(line.name) for members in groups.values() for line in members), default=0)
    room = None if width is None else width - widest - 4
    shown: list[tuple[str, bool]] = []
    for group, members in groups.items():
        shown += [("", False)] if shown else []
        shown.append((group, True))
        for line in members:
            help_ = line.help if room is None else _shortened(line.help, room)
            shown.append((f"  {line.name:<{widest}}  {help_}".rstrip(), False))
    return shown


def _shortened(text: str, width: int) -> str:
    """``text`` in one line: up to the last whole clause that fits, else the last whole word."""
    if len(text) <= width:
        return text
    part = text[: max(width - 1, 0)]
    clause = max(part.rfind(mark) for mark in (", ", "; ", ": ", " ("))
    # A clause that says little is worth less than more words.
    end = clause if clause >= width // 2 else part.rfind(" ")
    return f"{part[:end].rstrip(' ,;:')}…" if end > 0 else ""
