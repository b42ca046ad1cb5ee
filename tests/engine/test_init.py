"""What `uvdock init` carries over from a `./run` file runs: on both stacks, against real services."""

from __future__ import annotations

import shutil
from collections.abc import Callable

import pytest

from tests.conftest import REPO
from tests.engine.conftest import Stack

pytestmark = pytest.mark.engine

Reference = Callable[[str, str], Stack]


def with_run_file(stack: Stack, flavour: str) -> None:
    """The stack as a repo that has a `./run` and no tasks.py yet."""
    (stack.root / "tasks.py").unlink()
    shutil.copy(REPO / "tests/fixtures/init" / flavour / "run", stack.root / "run")
    stack.uvdock("init", "--yes")


def test_a_flask_run_file(reference: Reference) -> None:
    stack = reference("flask", ".")
    with_run_file(stack, "flask")
    (stack.root / ".env").write_text((stack.root / ".env.example").read_text().replace("WEB_PORT=8000", "WEB_PORT=0"))
    stack.inv("deps.install")
    stack.up()

    assert "/up" in stack.inv("flask", "--", "--app", "hello.app:create_app", "routes").out
    assert stack.inv("psql", "--", "-qtAc", "select 6 * 7").out == "42\n"
    assert "accepting connections" in stack.inv("pg.ready").out
    assert stack.inv("redis-cli", "--", "ping").out == "PONG\n"
    assert " passed" in stack.inv("test").out
    assert "nothing" in stack.uvdock("init", "--yes").err.lower()


def test_a_django_run_file(reference: Reference) -> None:
    stack = reference("django", "apps/backend")
    with_run_file(stack, "django")
    stack.inv("deps.install")
    stack.up()

    assert "no issues" in stack.inv("manage", "--", "check").out
    assert "No planned migration operations" in stack.inv("manage", "--", "migrate", "--plan").out
    assert stack.inv("old").out == "new\n"
    before = stack.container()
    stack.inv("web.restart")
    assert stack.container() == before
