"""Who forgets the ``--`` under `inv` is told what to type, and nobody else is told anything."""

from __future__ import annotations

import shlex
from types import SimpleNamespace

import pytest
from invoke.collection import Collection

from uvdock.cli.commandline import Grammar, Option, Shape
from uvdock.tasks import ns, outdated
from uvdock.tasks.separator import forgotten, may_lack_it

SERVICE = {"--service": Option("--service", "yes"), "-s": Option("--service", "yes")}
SHAPES = {
    "uv": Shape(SERVICE, "command", strict=False, helps=False),
    "cmd": Shape(SERVICE, "command"),
    "shell": Shape(SERVICE, "names"),
    "build": Shape({"--pull": Option("--pull")}, "names", strict=False),
    "deps.upgrade": Shape({"--patch": Option("--patch")}, "names"),
    "flask": Shape({}, "command", strict=False, helps=False),
    "config": Shape({}),
    "deps.install": Shape({}),
    "deps.lock": Shape({}),
}
CORE = {"-e": Option("--echo"), "--echo": Option("--echo"), "--help": Option("--help", "maybe")}
GRAMMAR = Grammar("inv", CORE, SHAPES, SHAPES.__getitem__)


@pytest.mark.parametrize(
    ("typed", "advice"),
    [
        pytest.param("inv uv add flask", "inv uv -- add flask", id="uv"),
        pytest.param("invoke uv add flask", "invoke uv -- add flask", id="invoke"),
        pytest.param("bin/inv uv add flask", "inv uv -- add flask", id="by-its-path"),
        pytest.param("inv uv --version", "inv uv -- --version", id="option-of-uv"),
        pytest.param("inv uv add 'flask >= 3'", "inv uv -- add 'flask >= 3'", id="quoted-again"),
        pytest.param("inv -e uv add flask", "inv -e uv -- add flask", id="echo"),
        pytest.param("inv uv pip install -e .", "inv uv -- pip install -e .", id="uvs-own-e"),
        pytest.param("inv cmd python -V", "inv cmd -- python -V", id="cmd"),
        pytest.param("inv shell worker", "inv shell -- worker", id="shell"),
        pytest.param("inv build web api", "inv build -- web api", id="build"),
        pytest.param("inv build --pull web", "inv build --pull -- web", id="after-an-option"),
        pytest.param("inv uv --service web lock", "inv uv --service web -- lock", id="after-a-value"),
        pytest.param("inv build web -- api", "inv build -- web api", id="names-before-the-separator"),
        pytest.param("inv deps.lock uv add", "inv deps.lock uv -- add", id="not-the-first-task"),
    ],
)
def test_the_missing_separator_is_put_in_the_advice(typed: str, advice: str) -> None:
    problem = forgotten(shlex.split(typed), GRAMMAR)
    assert problem is not None
    assert problem.fix == f"type {advice}"
    assert problem.code == 2


@pytest.mark.parametrize(
    ("typed", "advice", "both"),
    [
        pytest.param(
            "inv deps.upgrade --patch flask",
            "inv deps.upgrade --patch -- flask",
            "inv deps.upgrade --patch && inv flask",
            id="package",
        ),
        pytest.param(
            "inv build deps.install", "inv build -- deps.install", "inv build && inv deps.install", id="service"
        ),
        pytest.param("inv uv build", "inv uv -- build", "inv uv && inv build", id="uvs-own-build"),
        pytest.param("inv shell build -x", "inv shell -- build -x", "inv shell && inv build -x", id="with-more"),
    ],
)
def test_a_word_that_is_a_task_too_is_not_run(typed: str, advice: str, both: str) -> None:
    problem = forgotten(shlex.split(typed), GRAMMAR)
    assert problem is not None
    assert problem.fix == f"type {advice}, or for both tasks {both}"
    assert problem.code == 2


@pytest.mark.parametrize(
    "typed",
    [
        pytest.param("inv uv -- add flask", id="there"),
        pytest.param("inv -e uv -- add flask", id="there-after-echo"),
        pytest.param("inv uv", id="no-words"),
        pytest.param("inv", id="nothing"),
        pytest.param("inv -e", id="only-echo"),
        pytest.param("inv --list", id="no-task"),
        pytest.param("inv build --pull", id="option-of-the-task"),
        pytest.param("inv uv --service web -- lock", id="service-there"),
        pytest.param("inv uv --service web", id="service-only"),
        pytest.param("inv uv --help", id="help"),
        pytest.param("inv config x", id="no-pass-through"),
        pytest.param("inv config deps.lock", id="two-tasks"),
    ],
)
def test_nothing_is_said_where_nothing_is_missing(typed: str) -> None:
    assert forgotten(shlex.split(typed), GRAMMAR) is None


@pytest.mark.parametrize(
    ("typed", "expected"),
    [
        pytest.param("inv uv add", True, id="words"),
        pytest.param("/bin/invoke uv add -- x", True, id="words-before-the-separator"),
        pytest.param("inv uv -- add flask", False, id="separated"),
        pytest.param("inv uv", False, id="one"),
        pytest.param("uvdock uv add flask", False, id="uvdock-reads-its-own-line"),
        pytest.param("pytest uv add flask", False, id="another-program"),
    ],
)
def test_only_a_line_of_inv_with_several_words_is_looked_at(typed: str, expected: bool) -> None:
    assert may_lack_it(typed.split()) is expected


def test_a_collection_of_ones_own_has_tasks_of_its_own() -> None:
    """Invoke copies the collection of a tasks.py; what is done to the copy does not reach uvdock's own."""
    made = Collection.from_module(SimpleNamespace(ns=ns, __name__="tasks", __doc__=None))  # type: ignore[arg-type]
    task = made["deps.outdated"]
    assert task == ns["deps.outdated"]
    assert task is not ns["deps.outdated"]
    task.help["all"] = "mine"
    task.pre.append(task)
    task.get_arguments()
    assert ns["deps.outdated"].help == outdated.outdated.help != {}
    assert ns["deps.outdated"].pre == []
    assert [argument.name for argument in ns["deps.outdated"].get_arguments()] == [
        argument.name for argument in task.get_arguments()
    ]
