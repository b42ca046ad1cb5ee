"""The benchmark's arithmetic, and its page, which is nothing but its last result."""

from __future__ import annotations

import json
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.figures import complete, ratios
from benchmarks.report import measured, missed, page
from benchmarks.rows import GROUPS, ROWS, Row
from tests.conftest import REPO
from uvdock.bench.figures import Spread, in_turn

RESULT = REPO / "docs" / "benchmark.json"


def test_the_page_is_made_of_the_last_result() -> None:
    data = json.loads(RESULT.read_text(encoding="utf-8"))
    assert (REPO / "docs" / "benchmark.md").read_text(encoding="utf-8") == page(data)
    assert set(data["taken"]) <= set(GROUPS)
    assert all(complete(taken) for taken in data["taken"].values())


def test_the_result_names_no_place() -> None:
    text = RESULT.read_text(encoding="utf-8")
    assert "://" not in text
    assert "/tmp" not in text


@pytest.mark.parametrize(
    ("values", "base", "expected"),
    [
        pytest.param([2.0], [4.0], Spread(0.5, 0.5, 0.5, 1), id="one"),
        # Both were slow in the second round: the ratio is as in the first.
        pytest.param([1.0, 10.0], [2.0, 20.0], Spread(0.5, 0.5, 0.5, 2), id="noise-hurts-both"),
        pytest.param([1.0, 3.0, 2.0], [1.0, 1.0, 1.0], Spread(2.0, 1.0, 3.0, 3), id="three"),
        pytest.param([1.0, 2.0, 3.0, 4.0, 5.0], [1.0] * 5, Spread(3.0, 2.0, 4.0, 5), id="quarters"),
    ],
)
def test_ratios_are_of_the_same_round(values: list[float], base: list[float], expected: Spread) -> None:
    assert ratios(values, base) == expected


def test_rounds_that_are_not_whole_have_no_ratio() -> None:
    with pytest.raises(ValueError, match="zip"):
        ratios([1.0, 2.0], [1.0])


@given(st.lists(st.text(), min_size=1, max_size=6, unique=True), st.integers(0, 12))
def test_every_contender_runs_once_a_round_and_each_begins_in_turn(names: list[str], count: int) -> None:
    order = list(in_turn(names, count))
    assert Counter(order) == Counter((number, name) for number in range(count) for name in names)
    first = [next(name for number, name in order if number == at) for at in range(count)]
    assert first == [names[at % len(names)] for at in range(count)]


@given(st.lists(st.floats(0.001, 1000), min_size=1, max_size=20))
def test_the_middle_is_between_its_quarters(values: list[float]) -> None:
    found = Spread.of(values)
    assert min(values) <= found.low <= found.median <= found.high <= max(values)


@pytest.mark.parametrize(("value", "expected"), [(0.4, False), (0.5, False), (0.6, True)])
def test_a_row_above_its_limit_is_told_with_its_profile(value: float, expected: bool) -> None:
    row = next(row for row in ROWS if (row.group, row.contender) == ("sync", "uvdock"))
    assert row.limit == 0.5
    data = {
        "date": "today",
        "machine": {"cores": "2"},
        "versions": {"uv": "0"},
        "taken": {"sync": {"./run": [1.0], "uvdock": [value]}},
        "profiles": {"sync/uvdock": [["lock", 0.31]]},
    }
    assert missed(data, row) is expected
    assert ("| lock | 0.310 |" in page(data)) is expected
    assert ("✘" in page(data)) is expected


def test_what_was_not_measured_has_no_row() -> None:
    data = {"date": "", "machine": {}, "versions": {}, "taken": {"call": {"uvdock": [1.0]}}, "profiles": {}}
    assert [row for row in ROWS if measured(data, row)] == []
    assert measured(data, Row("alone", "call", "uvdock")) == Spread(1.0, 1.0, 1.0, 1)


def test_every_row_has_a_group() -> None:
    assert {row.group for row in ROWS} == set(GROUPS)
    assert len({row.name for row in ROWS}) == len(ROWS)
