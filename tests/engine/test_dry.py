"""`--dry` on a real engine: the commands and nothing else, of every task; no file, container or image is touched."""

from __future__ import annotations

import json
import shlex
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests import dryruns
from tests.conftest import Program, Ran, hashes
from tests.engine.conftest import Stack, _remove, docker

pytestmark = [pytest.mark.engine, pytest.mark.slow]


@pytest.fixture
def stack(new_folder: Path, program: Program) -> Iterator[Stack]:
    made = Stack(dryruns.make_repo(new_folder), program, new_folder)
    made.program.env["UVDOCK_CACHE_VOLUME"] = made.name
    yield made
    _remove(made)


def _events(stack: Stack, since: float) -> set[str]:
    """What the engine did with anything of the stack since a moment, but start health checks."""
    span = ["--since", f"{since:.3f}", "--until", f"{time.time():.3f}"]
    lines = docker("events", *span, "--format", "{{json .}}").splitlines()
    return {json.loads(line)["Action"] for line in lines if stack.name in line}


def _all_dry(stack: Stack, rows: list[dryruns.Row]) -> list[Ran]:
    def run(row: dryruns.Row) -> Ran:
        return stack.program.run("--dry", *shlex.split(row.words), cwd=stack.root)

    with ThreadPoolExecutor(4) as pool:
        return list(pool.map(run, rows))


def test_every_task_before_the_first_image_and_while_the_stack_runs(stack: Stack) -> None:
    assert {row.words.split()[0] for row in dryruns.ROWS} == dryruns.tasks(stack.program, stack.root)
    before, since = hashes(stack.root), time.time()
    rows = [row for row in dryruns.ROWS if row.new is not None]
    for row, ran in zip(rows, _all_dry(stack, rows), strict=True):
        assert (ran.code, dryruns.shown(ran, stack.root)) == (0, list(row.new or ())), row.words
    assert hashes(stack.root) == before
    assert _events(stack, since) == set()
    assert docker("images", "--quiet", f"{stack.name}-*") == ""

    stack.uvdock("deps.lock")
    stack.compose("build", "--quiet")
    stack.up()
    before, since = hashes(stack.root), time.time()
    rows = [row for row in dryruns.ROWS if row.running is not None or row.answers]
    for row, ran in zip(rows, _all_dry(stack, rows), strict=True):
        assert "Traceback" not in ran.err, row.words
        if not row.answers:
            assert (ran.code, dryruns.shown(ran, stack.root)) == (0, list(row.running or ())), row.words
        assert "s3cr3t-w0rd" not in ran.err + ran.out
    assert hashes(stack.root) == before
    assert _events(stack, since) <= {"archive-path"}
