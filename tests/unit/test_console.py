"""What a person sees: nothing secret, colour only on a terminal, no table cut, errors on standard error."""

from __future__ import annotations

import io
import os
from collections.abc import Iterator
from typing import TextIO

import pytest
from hypothesis import given
from hypothesis import strategies as st

from uvdock.errors import UvdockError
from uvdock.ui import console


@pytest.fixture(autouse=True)
def _plain_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("NO_COLOR", "FORCE_COLOR", "TERM", "TTY_COMPATIBLE", "COLUMNS"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def terminal() -> Iterator[TextIO]:
    """A text stream on a terminal."""
    master, slave = os.openpty()
    with os.fdopen(slave, "w") as stream:
        yield stream
    os.close(master)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("https://user:pass@index.example/simple", "https://***@index.example/simple", id="password"),
        pytest.param("https://token@index.example/simple", "https://***@index.example/simple", id="token"),
        pytest.param("git+https://u:p@git.example/a@v1", "git+https://***@git.example/a@v1", id="git-and-tag"),
        pytest.param("a https://u:p@x.example b http://v:q@y", "a https://***@x.example b http://***@y", id="several"),
        pytest.param("--index=https://u:p@x.example", "--index=https://***@x.example", id="option"),
        pytest.param("https://u:p@ss@x.example", "https://***@x.example", id="at-sign-in-the-password"),
        pytest.param("https://:p@x.example", "https://***@x.example", id="no-user"),
        pytest.param("https://index.example/a@b", "https://index.example/a@b", id="at-sign-in-the-path"),
        pytest.param("https://index.example?to=a@b", "https://index.example?to=a@b", id="at-sign-in-the-query"),
        pytest.param("mail me@host.example", "mail me@host.example", id="no-address"),
        pytest.param("", "", id="empty"),
    ],
)
def test_addresses_lose_user_and_password(text: str, expected: str) -> None:
    assert console.redact(text) == expected


@given(*[st.text(st.characters(exclude_characters="/?#", exclude_categories=["Z", "C"]), min_size=3)] * 2)
def test_no_password_of_an_address_is_left(user: str, password: str) -> None:
    assert (
        console.redact(f"x https://{user}:{password}@index.example/simple y") == "x https://***@index.example/simple y"
    )


@pytest.mark.parametrize(
    ("name", "hidden"),
    [
        pytest.param("UV_INDEX_PRIVATE_PASSWORD", True, id="index-password"),
        pytest.param("UV_PUBLISH_TOKEN", True, id="token"),
        pytest.param("NPM_TOKEN", True, id="npm-token"),
        pytest.param("NODE_AUTH_TOKEN", True, id="node-token"),
        pytest.param("YARN_NPM_AUTH_IDENT", True, id="yarn-ident"),
        pytest.param("UV_INDEX_PRIVATE_USERNAME", False, id="user-name"),
        pytest.param("DATABASE_PASSWORD", False, id="not-uvs"),
    ],
)
def test_values_of_index_passwords_are_hidden(monkeypatch: pytest.MonkeyPatch, name: str, hidden: bool) -> None:
    monkeypatch.setenv(name, "s3cret")
    assert console.redact("401 for s3cret, s3cret") == ("401 for ***, ***" if hidden else "401 for s3cret, s3cret")


def test_a_password_that_begins_another_shows_nothing_of_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("UV_INDEX_A_PASSWORD", "abc")
    monkeypatch.setenv("UV_INDEX_B_PASSWORD", "abcdef")
    assert console.redact("abcdef abc") == "*** ***"


@pytest.mark.parametrize("value", ["", "x", "ab"])
def test_a_value_too_short_to_be_secret_hides_nothing(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    monkeypatch.setenv("UV_INDEX_A_PASSWORD", value)
    assert console.redact("ab x abx") == "ab x abx"


def test_everything_printed_is_redacted(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("UV_INDEX_A_PASSWORD", "s3cret")
    console.say("say s3cret")
    console.note("note s3cret")
    console.data("data s3cret")
    console.error(UvdockError("what s3cret", where="where s3cret", fix="fix s3cret"))
    console.table(("name",), [("cell s3cret",), ("https://u:p@x.example",)])
    with console.step("step s3cret"):
        pass
    printed = capsys.readouterr()
    assert "s3cret" not in printed.out + printed.err
    assert "u:p" not in printed.out
    assert printed.err.count("***") == 7


def test_only_what_was_asked_for_is_on_standard_output(capsys: pytest.CaptureFixture[str]) -> None:
    console.say("said")
    console.note("noted")
    console.error(UvdockError("what", where="where", fix="fix"))
    with console.task("deps.lock"), console.step("lock"):
        pass
    assert capsys.readouterr().out == ""
    console.data("{}")
    printed = capsys.readouterr()
    assert (printed.out, printed.err) == ("{}\n", "")


def test_an_error_is_three_lines(capsys: pytest.CaptureFixture[str]) -> None:
    console.error(UvdockError("it\nbroke", where="here", fix="mend it"))
    assert capsys.readouterr().err == "error: it broke\n   at: here\n next: mend it\n"


def test_without_a_terminal_there_is_no_colour(capsys: pytest.CaptureFixture[str]) -> None:
    console.say("said", "bold")
    console.note("noted")
    console.table(("name",), [("cell",)], title="title")
    printed = capsys.readouterr()
    assert "\033" not in printed.out + printed.err


@pytest.mark.parametrize(
    ("environ", "coloured"),
    [
        pytest.param({}, True, id="terminal"),
        pytest.param({"TERM": "xterm"}, True, id="term"),
        pytest.param({"NO_COLOR": ""}, True, id="no-color-empty"),
        pytest.param({"NO_COLOR": "1"}, False, id="no-color"),
        pytest.param({"TERM": "dumb"}, False, id="dumb"),
    ],
)
def test_colour_on_a_terminal(
    monkeypatch: pytest.MonkeyPatch, terminal: TextIO, environ: dict[str, str], coloured: bool
) -> None:
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    assert console.paint("text", "red", terminal) == ("\033[31mtext\033[0m" if coloured else "text")
    assert console.paint("text", "", terminal) == "text"


def test_a_step_says_when_it_begins_and_ends(capsys: pytest.CaptureFixture[str]) -> None:
    with console.step("lock"):
        console.say("inside")
    begin, inside, end = capsys.readouterr().err.splitlines()
    assert (begin, inside) == ("▸ lock", "inside")
    assert end.startswith("✔ lock (")
    assert end.endswith(" s)")


def test_a_step_that_fails_says_so_and_passes_the_error_on(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(ValueError, match="why"), console.step("lock"):
        raise ValueError("why")
    assert capsys.readouterr().err.splitlines()[-1].startswith("✘ lock (")


@pytest.mark.parametrize("quiet", [True, False], ids=["quiet", "not-quiet"])
def test_a_task_tells_its_time_unless_it_is_quiet(capsys: pytest.CaptureFixture[str], quiet: bool) -> None:
    with pytest.raises(ValueError, match="why"), console.task("uv", quiet=quiet):
        raise ValueError("why")
    assert capsys.readouterr().err.startswith("uv took ") is not quiet


def test_a_table_is_never_cut_where_there_is_no_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    wide = "x" * 500
    console.table(("name", "value"), [("a", wide), ("[bold]b[/bold]", "c d")])
    header, first, second = (line.rstrip() for line in capsys.readouterr().out.splitlines())
    assert header.split() == ["name", "value"]
    assert first.split() == ["a", wide]
    assert second.split() == ["[bold]b[/bold]", "c", "d"]


def test_a_stream_that_knows_no_ticks_gets_a_replacement(monkeypatch: pytest.MonkeyPatch) -> None:
    raw = io.BytesIO()
    monkeypatch.setattr("sys.stderr", io.TextIOWrapper(raw, encoding="ascii"))
    console.say("✔ done")
    assert raw.getvalue() == b"? done\n"
