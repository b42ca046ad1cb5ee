"""An expected error is three lines that a person can act on, whatever was put into it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from uvdock.errors import EngineError, InterruptedBySignalError, SettingsError, UvdockError, nearest


def test_the_three_lines() -> None:
    problem = UvdockError("it broke", where="uv.lock", fix="mend it", code=3)
    assert problem.lines() == ("error: it broke", "   at: uv.lock", " next: mend it")
    assert (str(problem), problem.code) == ("it broke", 3)


@given(st.text(), st.text(), st.text())
def test_no_line_holds_a_line_break(what: str, where: str, fix: str) -> None:
    for line, text in zip(UvdockError(what, where=where, fix=fix).lines(), (what, where, fix), strict=True):
        assert len(line.splitlines()) == 1
        assert line.split()[1:] == text.split()


@pytest.mark.parametrize("kind", [SettingsError, EngineError])
def test_every_kind_is_caught_as_one(kind: type[UvdockError]) -> None:
    with pytest.raises(UvdockError) as caught:
        raise kind("what", where="where", fix="fix")
    assert caught.value.code == 1


def test_a_signal_gives_the_shells_exit_code() -> None:
    assert InterruptedBySignalError(15).code == 143


@pytest.mark.parametrize(
    ("word", "expected"),
    [
        pytest.param("wbe", " (did you mean web?)", id="swapped"),
        pytest.param("worke", " (did you mean worker?)", id="letter-missing"),
        pytest.param("database", "", id="nothing-like-it"),
        pytest.param("", "", id="empty"),
    ],
)
def test_nearest(word: str, expected: str) -> None:
    assert nearest(word, ["web", "worker"]) == expected
