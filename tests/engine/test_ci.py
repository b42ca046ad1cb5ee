"""`ci.test` is red, with code and logs, when something fails. Green from a clean copy it is in `test_parity`."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.engine.conftest import IMAGE_UID, Stack

pytestmark = [pytest.mark.engine, pytest.mark.slow]

Reference = Callable[[str, str], Stack]


@pytest.fixture
def summary(tmp_path: Path) -> Path:
    return tmp_path / "summary.md"


def on_github(stack: Stack, summary: Path) -> None:
    stack.program.env |= {"GITHUB_ACTIONS": "true", "GITHUB_STEP_SUMMARY": str(summary)}
    # The example's port is everybody's; here it is any that is free.
    example = stack.root / ".env.example"
    example.write_text(example.read_text().replace("WEB_PORT=8000", "WEB_PORT=0"))


def test_red_when_a_test_fails(small: Callable[..., Stack], summary: Path) -> None:
    says = 'CMD ["sh", "-c", "echo it runs; exec sleep infinity"]'
    stack = small(dependencies=["pytest"], volumes=[".:/app"], owner=IMAGE_UID, final=says)
    (stack.root / ".env.example").write_text("")
    on_github(stack, summary)
    (stack.root / "test_broken.py").write_text("def test_broken() -> None:\n    assert False\n")
    with stack.pyproject.open("a") as file:
        file.write('[tool.uvdock]\nci = ["deps.install", "up --wait", "test", "secret"]\n')
    ran = stack.uvdock("ci.test", ok=False)
    assert ran.code == 1
    assert "test_broken" in ran.out
    assert re.search(r"web-1 +\| it runs", ran.out)
    assert "ci.test: test failed with 1; not run: secret" in ran.err
    assert "| `test` | ✘ 1 |" in summary.read_text()
    assert "| `secret` | – |" in summary.read_text()


def test_red_when_the_database_never_comes_up(reference: Reference, summary: Path) -> None:
    stack = reference("flask", ".")
    on_github(stack, summary)
    compose = stack.root / "compose.yaml"
    compose.write_text(
        compose.read_text().replace(
            'image: "postgres:18.4-trixie"', 'image: "postgres:18.4-trixie"\n    command: ["false"]'
        )
    )
    stack.program.env["UVDOCK_CI"] = "up -- postgres:db.wait --timeout 3:secret"
    ran = stack.uvdock("ci.test", ok=False)
    assert ran.code == 1
    assert "db.wait --timeout 3 failed with 1; not run: secret" in ran.err


@pytest.mark.parametrize(
    ("file", "content", "step"),
    [
        pytest.param("Dockerfile", "FROM python:3.13-slim-trixie\nRUN sudo ls\n", "lint.dockerfile", id="linter"),
        pytest.param("bin/more.sh", "#!/bin/sh\nrm $1\n", "lint.shell", id="shell linter"),
        pytest.param("requirements.txt", "", "deps.install", id="build", marks=pytest.mark.long),
    ],
)
def test_red_when_a_step_before_the_tests_fails(
    reference: Reference, summary: Path, file: str, content: str, step: str
) -> None:
    stack = reference("flask", ".")
    on_github(stack, summary)
    (stack.root / file).write_text(content)
    if step == "deps.install":
        dockerfile = stack.root / "Dockerfile"
        stage = "FROM build AS development\n"
        assert stage in dockerfile.read_text()
        dockerfile.write_text(dockerfile.read_text().replace(stage, f"{stage}RUN exit 3\n"))
    ran = stack.uvdock("ci.test", ok=False)
    assert ran.code != 0
    assert f"ci.test: {step} failed with {ran.code}" in ran.err
    assert stack.compose("ps", "--all", "--quiet") == ""
