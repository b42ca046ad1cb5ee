"""The commands table: what it allows, what it refuses and how, and what a command runs."""

from __future__ import annotations

import shlex

import pytest
from hypothesis import given
from hypothesis import strategies as st

from uvdock.commands import DeclaredCommand, ProgramCall, expand, parse, plan
from uvdock.errors import SettingsError, UvdockError

WHERE = "pyproject.toml [tool.uvdock.commands]"
WORDS = st.lists(st.text(st.characters(exclude_characters="\0$", exclude_categories=["Cs"])), min_size=1)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        pytest.param("flask", DeclaredCommand("x", run="flask"), id="text"),
        pytest.param(["lint", "format"], DeclaredCommand("x", steps=("lint", "format")), id="list"),
        pytest.param(
            {"run": "a", "service": "db", "user": "root"},
            DeclaredCommand("x", "a", service="db", user="root"),
            id="place",
        ),
        pytest.param({"run": "a | b", "shell": True}, DeclaredCommand("x", "a | b", shell=True), id="shell"),
        pytest.param(
            {"run": "a | 'b", "shell": True},
            DeclaredCommand("x", "a | 'b", shell=True),
            id="shell-reads-its-own-quotes",
        ),
        pytest.param(
            {"steps": ["a"], "parallel": True}, DeclaredCommand("x", steps=("a",), parallel=True), id="parallel"
        ),
        pytest.param(
            {"run": "m", "before": {"test": "c"}}, DeclaredCommand("x", "m", before={"test": "c"}), id="before"
        ),
        pytest.param(
            {"run": "a", "env": ["A", "B"], "workdir": "/x", "backend": "host", "one_off": True, "help": "h"},
            DeclaredCommand("x", "a", env=("A", "B"), workdir="/x", backend="host", one_off=True, help="h"),
            id="the rest",
        ),
    ],
)
def test_what_a_command_may_be(value: object, expected: DeclaredCommand) -> None:
    assert parse({"x": value}, WHERE) == {"x": expected}


def test_names_are_written_as_invoke_writes_them() -> None:
    assert list(parse({"lint.shell_scripts": "a", "format_all": "b"}, WHERE)) == ["lint.shell-scripts", "format-all"]


@pytest.mark.parametrize(
    ("table", "parts"),
    [
        pytest.param(5, ["commands must be a table"], id="no table"),
        pytest.param({"a b": "x"}, ["a command may not be called 'a b'"], id="name with a blank"),
        pytest.param({"a..b": "x"}, ["may not be called"], id="empty part"),
        pytest.param({"a": 5}, ["a command may not be 5", "a text to run"], id="number"),
        pytest.param({"a": {}}, ["a needs either run or steps"], id="neither"),
        pytest.param({"a": {"run": "x", "steps": ["y"]}}, ["either run or steps"], id="both"),
        pytest.param({"a": ""}, ["either run or steps"], id="empty"),
        pytest.param({"a": {"run": "x", "servise": "y"}}, ["unknown key 'servise' (did you mean service?)"], id="key"),
        pytest.param({"a": {"run": "x", "shell": "false"}}, ["shell may not be 'false'", "true or false"], id="flag"),
        pytest.param(
            {"a": {"run": "x", "backend": "docker"}}, ["backend may not be 'docker'", "host or compose"], id="backend"
        ),
        pytest.param({"a": {"run": "x", "env": "A"}}, ["env may not be 'A'", "a list of texts"], id="list"),
        pytest.param({"a": {"run": "x", "before": ["y"]}}, ["before may not be ['y']", "a table of texts"], id="table"),
        pytest.param({"a": "echo 'open"}, ["cannot be split into words"], id="open quote"),
        pytest.param({"a": {"run": "x", "before": {"t": "'"}}}, ["cannot be split"], id="open quote before"),
        pytest.param({"a": ["b"], "b": ["c -x"], "c": ["a"]}, ["a → b → c → a"], id="circle"),
        pytest.param({"a": ["a"]}, ["a → a"], id="itself"),
    ],
)
def test_what_a_command_may_not_be(table: object, parts: list[str]) -> None:
    with pytest.raises(SettingsError) as raised:
        parse(table, WHERE)
    told = "\n".join(raised.value.lines())
    assert WHERE in told
    assert raised.value.code == 2
    for part in parts:
        assert part in told


def test_two_ways_to_the_same_step_are_no_circle() -> None:
    assert len(parse({"a": ["b", "c"], "b": ["d"], "c": ["d"], "d": "x"}, WHERE)) == 4


@given(WORDS, st.lists(st.text()))
def test_words_and_arguments_stay_as_they_are(words: list[str], args: list[str]) -> None:
    command = DeclaredCommand("x", run=shlex.join(words))
    assert plan(command, args, {}) == [ProgramCall((*words, *args), {})]


@given(st.text(st.characters(exclude_categories=["Cs"]), min_size=1))
def test_a_value_stays_one_argument_whatever_it_holds(value: str) -> None:
    command = DeclaredCommand("x", run="psql -U ${USER} --db=${DB}")
    argv = plan(command, [], {"USER": value, "DB": "b"})[0].argv
    assert argv == ("psql", "-U", value, "--db=b")


@pytest.mark.parametrize(
    ("word", "expected"),
    [
        ("${A}", "1"),
        ("${A}${B}", "12"),
        ("x${A}y", "x1y"),
        ("${C:-three}", "three"),
        ("${C:-}", ""),
        ("${A:-9}", "1"),
        ("${EMPTY:-full}", "full"),
        ("$A", "$A"),
        ("$${", "$${"),
    ],
)
def test_expand(word: str, expected: str) -> None:
    assert expand(word, {"A": "1", "B": "2", "EMPTY": ""}, "x") == expected


def test_a_variable_that_is_not_set() -> None:
    with pytest.raises(UvdockError, match="the variable NOWHERE is not set") as raised:
        plan(DeclaredCommand("psql", run="psql -U ${NOWHERE}"), [], {})
    assert "command psql" in raised.value.where


def test_what_comes_before_takes_no_arguments() -> None:
    command = DeclaredCommand("manage", run="manage.py", before={"test": "manage.py collectstatic"})
    assert [call.argv for call in plan(command, ["test", "-x"], {})] == [
        ("manage.py", "collectstatic"),
        ("manage.py", "test", "-x"),
    ]
    assert [call.argv for call in plan(command, ["migrate"], {})] == [("manage.py", "migrate")]
    assert [call.argv for call in plan(command, [], {})] == [("manage.py",)]


def test_variables_are_handed_on_by_name_where_they_are_set() -> None:
    command = DeclaredCommand("x", run="a", env=("TOKEN", "UNSET"))
    assert plan(command, [], {"TOKEN": "t", "OTHER": "o"})[0].env == {"TOKEN": "t"}


def test_a_shell_text_without_arguments_is_left_alone() -> None:
    text = "for i in 1 2; do echo $i; done"
    assert plan(DeclaredCommand("x", run=text, shell=True), [], {})[0].argv == ("sh", "-c", text, "x")


def test_a_shell_gets_its_text_untouched_and_values_by_name() -> None:
    command = DeclaredCommand("x", run="echo ${A} | tr a b > '${B}'", shell=True)
    call = plan(command, ["c d"], {"A": "$(rm -rf /)", "B": "b"})[0]
    assert call.argv == ("sh", "-c", "echo ${A} | tr a b > '${B}' \"$@\"", "x", "c d")
    assert call.env == {"A": "$(rm -rf /)", "B": "b"}


@pytest.mark.parametrize("text", ['a "$@" b', "a $1", 'for x in "${@}"; do echo; done', "a $*"])
def test_a_shell_text_with_its_own_arguments_gets_them_once(text: str) -> None:
    assert plan(DeclaredCommand("x", run=text, shell=True), ["y"], {})[0].argv == ("sh", "-c", text, "x", "y")
