"""What a person types after ``--`` reaches the program unchanged, and a ``--`` goes only where it was left out."""

from __future__ import annotations

import shlex
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st
from invoke.parser import Parser
from invoke.parser.context import ParserContext

from uvdock.argv import PROGRAM_ARGV, after_separator, put_separator, remainder_list
from uvdock.errors import UvdockError

WORDS = st.lists(st.text() | st.sampled_from(["", "--", "-", " ", "a b", "flask>=3", "\n", "'", '"', "$HOME", "*"]))

CORE = {"--echo": False, "-e": False, "--list": False, "-l": False, "--search-root": True, "-r": True}
PASSTHROUGH = {
    "uv": {"--service": True, "-s": True},
    "cmd": {"--service": True, "-s": True, "--user": True, "-u": True},
    "build": {"--no-cache": False, "-n": False, "--pull": False},
}
GREEDY = ("build",)
TASKS = ("uv", "cmd", "build", "config", "deps.install", "deps.lock")


def separated(tokens: list[str]) -> list[str]:
    return put_separator(tokens, CORE, PASSTHROUGH, GREEDY, TASKS)


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


@pytest.mark.parametrize(
    ("typed", "expected"),
    [
        pytest.param("uv add flask", "uv -- add flask", id="left-out"),
        pytest.param("uv -- add flask", "uv -- add flask", id="already-there"),
        pytest.param("uv run -- pytest -q", "uv -- run -- pytest -q", id="one-for-uv-itself"),
        pytest.param("uv --version", "uv -- --version", id="option-of-uv"),
        pytest.param("uv --service web add x", "uv --service web -- add x", id="option-of-the-task"),
        pytest.param("uv --service=web add x", "uv --service=web -- add x", id="option-with-equals"),
        pytest.param("uv -s web -s api add x", "uv -s web -s api -- add x", id="options-of-the-task"),
        pytest.param("uv add x --service web", "uv -- add x --service web", id="same-option-after-the-words"),
        pytest.param("uv --service web", "uv --service web", id="only-options"),
        pytest.param("uv --service", "uv --service", id="value-missing"),
        pytest.param("uv --service web -- add", "uv --service web -- add", id="options-and-separator"),
        pytest.param("uv", "uv", id="no-words"),
        pytest.param("-e uv add", "-e uv -- add", id="option-of-the-program"),
        pytest.param("-r repo uv add", "-r repo uv -- add", id="program-option-with-value"),
        pytest.param("--search-root=repo uv add", "--search-root=repo uv -- add", id="program-option-with-equals"),
        pytest.param("-r uv config", "-r uv config", id="task-name-as-a-value"),
        pytest.param("cmd -u root id", "cmd -u root -- id", id="command"),
        pytest.param("uv build", "uv -- build", id="word-that-is-a-task-too"),
        pytest.param("build web", "build -- web", id="greedy-word"),
        pytest.param("build --pull -n web api", "build --pull -n -- web api", id="greedy-options"),
        pytest.param("build deps.install", "build deps.install", id="greedy-then-task"),
        pytest.param("build --pull deps.lock", "build --pull deps.lock", id="greedy-options-then-task"),
        pytest.param("build --unknown", "build --unknown", id="greedy-unknown-option"),
        pytest.param("deps.install uv add", "deps.install uv add", id="other-task-first"),
        pytest.param("config", "config", id="no-pass-through"),
        pytest.param("unknown words", "unknown words", id="unknown-task"),
        pytest.param("--list", "--list", id="no-task"),
        pytest.param("-- uv add", "-- uv add", id="separator-first"),
        pytest.param("--search-root -- uv --echo", "--search-root -- uv --echo", id="separator-for-a-value"),
        pytest.param("", "", id="nothing"),
    ],
)
def test_put_separator(typed: str, expected: str) -> None:
    tokens = typed.split()
    assert separated(tokens) == expected.split()
    assert tokens == typed.split()


@given(st.lists(st.sampled_from([*CORE, *PASSTHROUGH, *TASKS, "--service", "--", "", "web", "a b", "--x=1"])))
def test_at_most_one_separator_is_put_in_and_only_once(tokens: list[str]) -> None:
    result = separated(tokens)
    assert separated(result) == result
    if result != tokens:
        at = result.index("--")
        assert result[:at] + result[at + 1 :] == tokens


@given(st.text().filter(lambda word: word.partition("=")[0] not in {"--", *PASSTHROUGH["uv"]}), WORDS)
def test_words_without_a_separator_are_the_same_as_with_it(first: str, rest: list[str]) -> None:
    words = [first, *rest]
    assert after_separator(separated(["uv", *words])) == words
