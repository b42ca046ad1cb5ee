"""Editing texts by position, and showing what changed."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass


@dataclass(frozen=True)
class TextChange:
    """What is from ``start`` to before ``end`` becomes ``text``."""

    start: int
    end: int
    text: str


def changed(content: str, changes: Iterable[TextChange]) -> str:
    """``content`` with the changes made; of two that overlap, only the first counts."""
    parts: list[str] = []
    at = 0
    for change in sorted(dict.fromkeys(changes), key=lambda change: (change.start, change.end)):
        if change.start < at:
            continue
        parts += [content[at : change.start], change.text]
        at = change.end
    return "".join((*parts, content[at:]))


def line_at(content: str, index: int) -> int:
    """The number of the line, from 1, that has the character at ``index``."""
    return content.count("\n", 0, index) + 1


def line_start(content: str, index: int) -> int:
    """Where the line of the character at ``index`` begins."""
    return content.rfind("\n", 0, index) + 1


def line_end(content: str, index: int) -> int:
    """Where the line after the character at ``index`` begins, or the end."""
    found = content.find("\n", index)
    return len(content) if found < 0 else found + 1


def indent_of(content: str, index: int) -> str:
    """The blanks that the line of the character at ``index`` begins with."""
    start = line_start(content, index)
    return content[start : len(content) - len(content[start:].lstrip(" \t"))]


def lines_of(content: str) -> Iterator[tuple[int, str]]:
    """Each line with its end, and where it begins; only a line feed ends one."""
    at = 0
    while at < len(content):
        end = line_end(content, at)
        yield at, content[at:end]
        at = end


def unified_diff(name: str, before: bytes | None, after: bytes | None, context: int = 3) -> list[str]:
    """The unified diff of one file, as `git apply` takes it.

    Args:
        name: Its path from the repo root.
        before: Its bytes; ``None`` where there is no such file.
        after: Its bytes afterwards; ``None`` where it goes.
        context: How many lines around a change are shown.

    Returns:
        The lines, without line ends.
    """
    old = f"a/{name}" if before is not None else "/dev/null"
    new = f"b/{name}" if after is not None else "/dev/null"
    found: list[str] = []
    for line in difflib.unified_diff(_lines(before), _lines(after), old, new, lineterm="\n", n=context):
        found.append(line.removesuffix("\n"))
        if not line.endswith("\n"):
            found.append("\\ No newline at end of file")
    return found


def _lines(content: bytes | None) -> list[str]:
    # Only line feeds end a line: a form feed or a lone carriage return is a byte like any other.
    return [line for _, line in lines_of((content or b"").decode("utf-8", "replace"))]
