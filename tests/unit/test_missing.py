"""What is said of a word that is no task: the nearest by writing or by meaning, or what the repo lacks."""

from __future__ import annotations

import shlex
from pathlib import Path

import pytest

from uvdock.tasks import ALWAYS, YIELDING, namespace
from uvdock.tasks.collection import every_name, listed_names
from uvdock.tasks.kinds import UV, is_yours
from uvdock.tasks.missing import MEANINGS, NEEDS, UnknownWord, no_task


@pytest.fixture(scope="module")
def here(everything: Path) -> list[str]:
    return every_name(namespace(everything))


def told(typed: str, names: list[str], at: int = 0) -> tuple[str, str, str]:
    problem = no_task(UnknownWord("uvdock", shlex.split(typed), at), names, "/repo")
    assert problem.code == 2
    return problem.what, problem.where, problem.fix


def test_each_task_that_may_be_lacking_says_what_it_needs(everything: Path) -> None:
    collection = namespace(everything)
    own = {name for name in listed_names(collection) if not is_yours(collection[name])}
    assert own - {*ALWAYS, *YIELDING} == set(NEEDS)


def test_each_meaning_is_something_to_type(here: list[str]) -> None:
    core = {"--help", "--list", "--version"}
    assert {meant.split()[0] for meant in MEANINGS.values()} <= {*here, *core}
    assert {meant.split()[1] for meant in MEANINGS.values() if meant.startswith("uv ")} <= set(UV)
    assert not set(MEANINGS) & {*ALWAYS, *YIELDING}


@pytest.mark.parametrize(
    ("typed", "meant", "line"),
    [
        pytest.param("deps.instal", "deps.install", "uvdock deps.install", id="mistyped"),
        pytest.param("outdated --json", "deps.outdated", "uvdock deps.outdated --json", id="outdated"),
        pytest.param("install", "deps.install", "uvdock deps.install", id="install"),
        pytest.param("add 'flask>=3'", "uv add", "uvdock uv add 'flask>=3'", id="add"),
        pytest.param("sync", "uv sync", "uvdock uv sync", id="sync"),
        pytest.param("run python -V", "cmd", "uvdock cmd python -V", id="run"),
        pytest.param("exec web bash", "cmd", "uvdock cmd --service web bash", id="exec-in-a-service"),
        pytest.param("exec bash", "cmd", "uvdock cmd bash", id="exec"),
        pytest.param("start", "up", "uvdock up", id="start"),
        pytest.param("stop", "down", "uvdock down", id="stop"),
        pytest.param("bash", "shell", "uvdock shell", id="bash"),
        pytest.param("psql -c 'a b'", "db.shell", "uvdock db.shell -c 'a b'", id="psql"),
        pytest.param("npm i x", "js", "uvdock js i x", id="npm"),
        pytest.param("wait", "db.wait", "uvdock db.wait", id="last-part"),
        pytest.param("deps_lock", "deps.lock", "uvdock deps.lock", id="underscore"),
        pytest.param("deps:lock", "deps.lock", "uvdock deps.lock", id="colon"),
        pytest.param("UP", "up", "uvdock up", id="capitals"),
        pytest.param("db dump x", "db.dump", "uvdock db.dump x", id="two-words"),
        pytest.param("instal", "deps.install", "uvdock deps.install", id="mistyped-meaning"),
        pytest.param("help up", "--help", "uvdock --help up", id="help"),
    ],
)
def test_what_was_meant(here: list[str], typed: str, meant: str, line: str) -> None:
    what, where, fix = told(typed, here)
    assert what.endswith(f"(did you mean {meant}?)")
    assert where == f"uvdock {typed}"
    assert fix.partition(";")[0] == f"type {line}"


@pytest.mark.parametrize(
    ("word", "why"),
    [
        pytest.param("up", "here: this repo has no Compose file", id="stack"),
        pytest.param("start", "(did you mean up?) here: this repo has no Compose file", id="by-its-meaning"),
        pytest.param("db.shell", "here: this repo has no Compose file", id="database-without-compose"),
        pytest.param("db", "here: this repo has no Compose file", id="group"),
        pytest.param("js.install", "here: this repo has no package.json", id="javascript"),
        pytest.param("js.instal", "(did you mean js.install?) here: this repo has no package.json", id="mistyped"),
        pytest.param("lint", "here: this repo has no pyproject.toml", id="lint"),
        pytest.param("lint.dockerfile", "here: this repo has no Dockerfile", id="dockerfile"),
        pytest.param("test", "asks for pytest, and there is no manage.py", id="test"),
    ],
)
def test_a_repo_without_anything_for_it(word: str, why: str) -> None:
    what, where, fix = told(word, list(ALWAYS))
    assert what.startswith(f"there is no task {word} ")
    assert what.endswith(why)
    assert where == "/repo"
    assert "{" not in fix


def test_with_compose_it_is_the_service_that_is_lacking() -> None:
    names = [*ALWAYS, "up", "down"]
    assert "is PostgreSQL, MySQL or MariaDB" in told("psql", names)[0]
    assert "is Redis or Valkey" in told("redis.cli", names)[0]
    assert "uvdock config" in told("redis.cli", names)[2]


def test_a_group_names_its_tasks(here: list[str]) -> None:
    what, _, fix = told("deps", here)
    assert what == "deps is a group of tasks"
    assert "deps.audit, deps.check, deps.diff" in fix


def test_what_nobody_can_tell_may_be_a_command(here: list[str]) -> None:
    what, _, fix = told("celery -A app worker", here)
    assert what == "there is no task celery"
    assert fix.endswith("type uvdock cmd celery -A app worker")
    assert "cmd" not in told("config xyzzy", here, 1)[2]
    assert told("''", here)[0] == "there is no task ''"
