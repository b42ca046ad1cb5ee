"""Who forgets the ``--`` under `inv` is told what to type, and nobody else is told anything."""

from __future__ import annotations

import shlex
from types import SimpleNamespace

import pytest
from invoke.collection import Collection

from uvdock.argv import PROGRAM_ARGV
from uvdock.tasks import ns, outdated
from uvdock.tasks.separator import forgotten

PASSTHROUGH = ("uv", "cmd", "shell", "build")
NAMES = ("uv", "cmd", "shell", "build", "config", "deps.install", "deps.lock")


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
    ],
)
def test_the_missing_separator_is_put_in_the_advice(typed: str, advice: str) -> None:
    problem = forgotten(shlex.split(typed), NAMES, PASSTHROUGH)
    assert problem is not None
    assert problem.fix == f"type {advice}"
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
        pytest.param("inv build deps.install", id="another-task"),
        pytest.param("inv build --pull", id="option-of-the-task"),
        pytest.param("inv uv --service web -- lock", id="service-there"),
        pytest.param("inv uv --service web", id="service-only"),
        pytest.param("inv uv --help", id="help"),
        pytest.param("inv config x", id="no-pass-through"),
        pytest.param("inv deps.lock uv add", id="not-the-first-task"),
        pytest.param("uvdock uv add flask", id="uvdock-puts-it-in-itself"),
        pytest.param("pytest uv add flask", id="another-program"),
    ],
)
def test_nothing_is_said_where_nothing_is_missing(typed: str) -> None:
    assert forgotten(shlex.split(typed), NAMES, PASSTHROUGH) is None


def test_under_the_uvdock_program_nothing_is_ever_missing() -> None:
    token = PROGRAM_ARGV.set(["uvdock", "uv", "--", "add"])
    try:
        assert forgotten(["inv", "uv", "add"], NAMES, PASSTHROUGH) is None
    finally:
        PROGRAM_ARGV.reset(token)


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
