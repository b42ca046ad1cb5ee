"""How a table fits a terminal: which columns go first, and what takes their place. No cell is cut.

What matters least is left out, then the last words of each row move below it, and where that is still too wide, each
row becomes a block of lines.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

#: Between two columns, and before what stands below a row.
_GAP = 2
_INDENT = "    "


@dataclass(frozen=True)
class LinePart:
    """A piece of a line: its text, and the column that it is of; a head where ``head`` is set."""

    text: str
    column: str = ""
    head: bool = False


def lines(
    columns: Sequence[str],
    rows: Sequence[Sequence[str]],
    width: int | None,
    least: Sequence[str] = (),
    below: str = "",
) -> Iterator[list[LinePart]]:
    """The lines of a table.

    Args:
        columns: The heads.
        rows: The cells.
        width: How wide it may be; ``None`` for any width.
        least: The columns that may be left out, the one that matters least first.
        below: The column whose cells may stand below their rows, folded between words: when its turn comes in
            ``least``, else after those.
    """
    table = [dict(zip(columns, (" ".join(cell.split("\n")) for cell in row), strict=True)) for row in rows]
    widths = {name: max(map(cells, (name, *(row[name] for row in table)))) for name in columns}
    order = [*least, *([below] if below and below not in least else [])]
    for count in range(len(order) + 1):
        gone = order[:count]
        if _fits([name for name in columns if name not in gone], widths, width):
            # Where what takes the most room has moved, what matters less may have its place again.
            for name in reversed(gone):
                if name != below and _fits([one for one in columns if one not in gone or one == name], widths, width):
                    gone.remove(name)
            shown = [name for name in columns if name not in gone]
            return (yield from _in_columns(shown, widths, table, below if below in gone else "", width))
    yield from _in_blocks(columns, table)


def cells(text: str) -> int:
    """How many columns of a terminal a text takes."""
    return sum(
        0 if unicodedata.combining(letter) else 2 if unicodedata.east_asian_width(letter) in "WF" else 1
        for letter in text
    )


def _fits(shown: Sequence[str], widths: Mapping[str, int], width: int | None) -> bool:
    return width is None or sum(widths[name] for name in shown) + _GAP * (len(shown) - 1) <= width


def _in_columns(
    shown: Sequence[str],
    widths: Mapping[str, int],
    table: Sequence[Mapping[str, str]],
    below: str = "",
    width: int | None = None,
) -> Iterator[list[LinePart]]:
    def line(row: Mapping[str, str], *, head: bool) -> list[LinePart]:
        last = next((name for name in reversed(shown) if row[name]), shown[0])
        parts = []
        for name in shown[: shown.index(last) + 1]:
            pad = " " * (widths[name] - cells(row[name]) + _GAP) if name != last else ""
            parts += [LinePart(row[name], name, head), LinePart(pad)]
        return parts

    yield line({name: name for name in shown}, head=True)
    for row in table:
        yield line(row, head=False)
        if below and row[below].strip():
            yield from ([LinePart(_INDENT), LinePart(text, below)] for text in _folded(row[below], width or 0))


def _folded(text: str, width: int) -> list[str]:
    first, *words = text.split()
    found = [first]
    for word in words:
        longer = f"{found[-1]} {word}"
        if cells(longer) <= width - len(_INDENT):
            found[-1] = longer
        else:
            found.append(word)
    return found


def _in_blocks(columns: Sequence[str], table: Sequence[Mapping[str, str]]) -> Iterator[list[LinePart]]:
    """Each row as a block: its first cell, and below that the others by name."""
    key, *others = columns
    wide = max(map(cells, others), default=0)
    for row in table:
        yield [LinePart(row[key], key)]
        for name in others:
            if row[name]:
                yield [
                    LinePart(_INDENT[:_GAP]),
                    LinePart(name, head=True),
                    LinePart(" " * (wide - cells(name) + _GAP)),
                    LinePart(row[name], name),
                ]
