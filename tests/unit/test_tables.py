"""A table on a terminal of any width: what is left out, what moves, and that no cell is cut."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from uvdock.ui import tables

COLUMNS = ("package", "group", "locked", "age", "held by")
LEAST = ("age", "group")
WORDS = st.text(st.characters(exclude_categories=["Z", "C"]), max_size=12)
ROWS = st.lists(st.tuples(WORDS, WORDS, WORDS, WORDS, st.lists(WORDS, max_size=6).map(" ".join)), max_size=5)


def shown(rows: list[tuple[str, ...]], width: int | None) -> list[str]:
    found = tables.lines(COLUMNS, rows, width, LEAST, "held by")
    return ["".join(part.text for part in parts) for parts in found]


@given(ROWS, st.integers(1, 90) | st.none())
def test_no_cell_is_cut_and_only_what_matters_least_left_out(rows: list[tuple[str, ...]], width: int | None) -> None:
    lines = list(tables.lines(COLUMNS, rows, width, LEAST, "held by"))
    told = {(part.column, part.text) for parts in lines for part in parts if not part.head}
    heads = {part.text for part in lines[0] if part.head} if lines else set()
    blocks = not heads
    for name, *cells in zip(COLUMNS, *rows, strict=True):
        if name in LEAST and not blocks and name not in heads:
            continue
        for cell in filter(None, cells):
            whole = (name, cell) in told
            words = {word for column, text in told if column == name for word in text.split()}
            assert whole or (name == "held by" and set(cell.split()) <= words)


@given(ROWS, st.integers(1, 90))
def test_a_line_is_no_wider_than_the_terminal_but_for_a_word_that_is(rows: list[tuple[str, ...]], width: int) -> None:
    lines = list(tables.lines(COLUMNS, rows, width, LEAST, "held by"))
    if lines and lines[0][0].head:
        for parts in lines:
            text = "".join(part.text for part in parts)
            assert tables.cells(text) <= width or (parts[0].text == "    " and " " not in text.strip())


@pytest.mark.parametrize(
    ("width", "expected"),
    [
        (None, ["package  group  locked  age   held by", "flask    dev    3.0.53  2 mo  own <3.1; werkzeug 3 (<3.2)"]),
        (51, ["package  group  locked  held by", "flask    dev    3.0.53  own <3.1; werkzeug 3 (<3.2)"]),
        (46, ["package  locked  held by", "flask    3.0.53  own <3.1; werkzeug 3 (<3.2)"]),
        (30, ["package  group  locked  age", "flask    dev    3.0.53  2 mo", "    own <3.1; werkzeug 3", "    (<3.2)"]),
        (
            14,
            [
                "flask",
                "  group    dev",
                "  locked   3.0.53",
                "  age      2 mo",
                "  held by  own <3.1; werkzeug 3 (<3.2)",
            ],
        ),
    ],
)
def test_what_goes_first(width: int | None, expected: list[str]) -> None:
    assert shown([("flask", "dev", "3.0.53", "2 mo", "own <3.1; werkzeug 3 (<3.2)")], width) == expected


@pytest.mark.parametrize(
    ("text", "count"), [("a", 1), ("表", 2), ("é", 1), ("e\N{COMBINING ACUTE ACCENT}", 1), ("✔", 1), ("", 0)]
)
def test_how_wide_a_text_is(text: str, count: int) -> None:
    assert tables.cells(text) == count
