"""What a person types after ``--`` reaches the program unchanged."""

from __future__ import annotations

import shlex
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st
from invoke.parser import Parser
from invoke.parser.context import ParserContext

from uvdock.cli.argv import PROGRAM_ARGV, after_separator, remainder_list
from uvdock.errors import UvdockError

WORDS = st.lists(st.text() | st.sampled_from(["", "--", "-", " ", "a b", "flask>=3", "\n", "'", '"', "$HOME", "*"]))


def remainder_of(argv: list[str]) -> str:
    """What Invoke's own parser makes of a command line after its ``--``."""
    return str(Parser(contexts=[ParserContext("uv")]).parse_argv(argv).remainder)


@pytest.fixture
def program_argv() -> Iterator[None]:
    token = PROGRAM_ARGV.set(["uvdock", "uv", "--", "from the", "program"])
    yield
    PROGRAM_ARGV.reset(token)


@given(WORDS)
def test_words_after_the_separator_come_back_unchanged(words: list[str]) -> None:
    argv = ["uv", "--", *words]
    assert remainder_list(remainder_of(argv), ["inv", *argv]) == words


@given(WORDS)
def test_words_given_as_one_quoted_text_are_split_as_a_shell_would(words: list[str]) -> None:
    assert remainder_list(shlex.join(words), ["pytest"]) == words


@pytest.mark.parametrize(
    ("remainder", "argv", "expected"),
    [
        pytest.param("", ["inv", "uv"], [], id="no-separator"),
        pytest.param("", ["inv", "uv", "--"], [], id="nothing-after-it"),
        pytest.param("", ["inv", "uv", "--", ""], [""], id="one-empty-argument"),
        pytest.param("a b", ["inv", "uv", "--", "a b"], ["a b"], id="blank-inside"),
        pytest.param("a b", ["inv", "uv", "--", "a", "b"], ["a", "b"], id="blank-between"),
        pytest.param("run -- x", ["inv", "uv", "--", "run", "--", "x"], ["run", "--", "x"], id="second-separator"),
        pytest.param("add 'a b'", ["pytest", "-q"], ["add", "a b"], id="called-from-python"),
        pytest.param("add 'a b'", ["inv", "uv", "--", "other"], ["add", "a b"], id="other-text-than-typed"),
    ],
)
def test_remainder_list(remainder: str, argv: list[str], expected: list[str]) -> None:
    assert remainder_list(remainder, argv) == expected


def test_the_running_programs_own_arguments_are_the_default(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.argv", ["inv", "uv", "--", "a b", ""])
    assert remainder_list("a b ") == ["a b", ""]


@pytest.mark.usefixtures("program_argv")
def test_what_the_uvdock_program_parsed_goes_before_sys_argv(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.argv", ["uvdock", "uv", "from the", "program"])
    assert remainder_list("from the program") == ["from the", "program"]


def test_an_open_quote_is_an_error_that_shows_the_text() -> None:
    with pytest.raises(UvdockError) as caught:
        remainder_list("add 'flask", ["pytest"])
    assert caught.value.code == 2
    assert caught.value.where == "add 'flask"
    assert "quote" in caught.value.fix


def test_only_the_first_separator_counts() -> None:
    assert after_separator(["inv", "cmd", "--", "a", "--", "b"]) == ["a", "--", "b"]
