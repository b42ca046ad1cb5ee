"""What stays of a build on a terminal and in a file: one line of one that succeeds, what matters of one that fails."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.cli.test_tables import picture
from tests.conftest import BIN
from tests.engine.conftest import Stack

pytestmark = [pytest.mark.engine, pytest.mark.slow]

NOISY = "FROM python:3.13-slim-trixie\nCOPY pyproject.toml .\nRUN for n in $(seq 40); do echo line $n end; done"


@pytest.fixture
def stack(small: Callable[..., Stack]) -> Stack:
    made = small()
    (made.root / "Dockerfile").write_text(f"{NOISY}\n")
    return made


def screen(stack: Stack) -> list[str]:
    """The lines that stay on a terminal: without those that the view has written over."""
    env = {**stack.program.env, "TERM": "xterm-256color"}
    shown = picture([str(BIN / "uvdock"), "build"], stack.root, env, 100, raw=True)
    text = re.sub(r"\x1b\[\d*A", "\r", shown).replace("\r\n", "\n")
    lines = re.sub(r"\x1b\[[?\d;]*[A-Za-z]", "", text).split("\n")
    return [line.rstrip("\r").rpartition("\r")[2].rstrip() for line in lines if line.strip()]


def test_a_build_that_succeeds_leaves_one_line(stack: Stack) -> None:
    lines = screen(stack)
    assert [re.sub(r"[\d.]+ s", "N s", line) for line in lines] == ["✔ build (N s)", "build took N s"]
    plain = stack.uvdock("build", "--no-cache").err.splitlines()
    assert [line.split(" (")[0].split(" took")[0] for line in plain] == ["▸ build", "✔ build", "build"]


@pytest.mark.parametrize("how", ["ci", "echo"])
def test_who_wants_all_of_it_gets_all_of_it(stack: Stack, how: str) -> None:
    if how == "ci":
        stack.program.env["CI"] = "true"
    ran = stack.uvdock(*(["--echo"] if how == "echo" else []), "build", "--no-cache")
    assert all(f"line {number} end" in ran.err for number in range(1, 41))


def test_a_build_that_fails_shows_all_of_the_step_and_its_place(stack: Stack) -> None:
    (stack.root / "Dockerfile").write_text(f"{NOISY}; exit 3\n")
    plain = stack.uvdock("build", ok=False)
    assert plain.code != 0
    for lines in (plain.err.splitlines(), screen(stack)):
        said = [line for line in lines if re.fullmatch(r"line \d+ end", line)]
        assert said == [f"line {number} end" for number in range(1, 41)]
        assert "Dockerfile:3" in lines
        assert any(">>> RUN for n in" in line for line in lines)
        assert not any("load build definition" in line for line in lines)
        assert next(line for line in lines if line.startswith(("✔", "✘"))).startswith("✘ build (")
        (log,) = [line.removeprefix("the whole output is in ") for line in lines if line.startswith("the whole output")]
        assert "load build definition" in Path(log).read_text()
        assert Path(log).stat().st_mode & 0o077 == 0
        Path(log).unlink()
