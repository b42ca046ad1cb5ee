"""`deps.install` on a repo of several projects: locked beside each other, built at once, recreated where it must be."""

from __future__ import annotations

import os
import signal
import subprocess
import textwrap
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.engine.conftest import UV, Stack

pytestmark = [pytest.mark.engine, pytest.mark.slow]

NAMES = ("one", "two")


def manifest(folder: Path, pin: str) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "pyproject.toml").write_text(
        f'[project]\nname = "{folder.name}"\nversion = "1"\nrequires-python = ">=3.11"\n'
        f'dependencies = ["idna=={pin}"]\n'
    )


def dockerfile(folder: Path, last: str = "") -> None:
    text = f"""\
        FROM python:3.13-slim-trixie
        COPY --from=ghcr.io/astral-sh/uv:{UV} /uv /usr/local/bin/
        ENV UV_PROJECT_ENVIRONMENT=/opt/venv PATH=/opt/venv/bin:$PATH UV_PYTHON_DOWNLOADS=never
        WORKDIR /app
        COPY pyproject.toml uv.lock ./
        RUN uv sync --locked --no-install-project
        {last}
        CMD ["sleep", "infinity"]
        """
    (folder / "Dockerfile").write_text(textwrap.dedent(text))


@pytest.fixture
def several(small: Callable[..., Stack]) -> Stack:
    """Two projects, each with a service of its own, and a service that is none of theirs."""
    stack = small()
    for name in ("pyproject.toml", "Dockerfile"):
        (stack.root / name).unlink()
    services = {name: f"{{build: ./apps/{name}, init: true, volumes: ['./apps/{name}:/app']}}" for name in NAMES}
    services["other"] = "{image: 'python:3.13-slim-trixie', init: true, command: ['sleep', 'infinity']}"
    lines = [f"  {name}: {service}\n" for name, service in services.items()]
    (stack.root / "compose.yaml").write_text("services:\n" + "".join(lines))
    for name in NAMES:
        manifest(stack.root / "apps" / name, "3.9")
        dockerfile(stack.root / "apps" / name)
    subprocess.run(["git", "init", "--quiet", str(stack.root)], check=True)
    return stack


def lock(stack: Stack, name: str) -> Path:
    return stack.root / "apps" / name / "uv.lock"


def version(stack: Stack, name: str) -> str:
    return stack.in_container("/opt/venv/bin/python", "-c", "import idna; print(idna.__version__)", service=name)


def test_several_projects_are_installed_at_once_and_a_failure_changes_nothing_that_runs(several: Stack) -> None:
    stack = several
    ran = stack.inv("--echo", "deps.install")
    builds = [line for line in ran.err.splitlines() if line.startswith("docker compose") and " build" in line]
    # Without an image there is no uv yet: what it needs is built first, for each.
    assert [line.rpartition(" build ")[2] for line in builds] == ["uv", "uv", "one two"]
    for name in NAMES:
        assert stack.image_lock(f"{stack.name}-{name}") == lock(stack, name).read_bytes()
        assert lock(stack, name).stat().st_uid == os.getuid()
    stack.up()
    before = {name: stack.container(name) for name in (*NAMES, "other")}

    # One of them changes: both images are looked at, one container is new, and it was up to date before.
    manifest(stack.root / "apps" / "two", "3.10")
    ran = stack.uvdock("deps.install")
    assert "✔ lock (apps/one, container" in ran.err
    assert ran.err.index("▸ build") < ran.err.index("✔ build")
    assert "✔ sync running containers (apps/two)" in ran.err
    assert "recreated: two\n" in ran.err
    after = {name: stack.container(name) for name in before}
    assert {name for name in before if before[name] != after[name]} == {"two"}
    assert [version(stack, name) for name in NAMES] == ["3.9", "3.10"]

    # A build that fails leaves every container as it is, with the packages that were installed beside the build.
    manifest(stack.root / "apps" / "one", "3.10")
    dockerfile(stack.root / "apps" / "one", "RUN echo this is why; exit 9")
    ran = stack.uvdock("deps.install", ok=False)
    assert ran.code != 0
    assert "this is why" in ran.err
    assert "the image could not be built" in ran.err
    assert {name: stack.container(name) for name in after} == after
    assert b'version = "3.10"' in lock(stack, "one").read_bytes()
    assert version(stack, "one") == "3.10"

    # Stopped in the middle of the build: everything ends, and what runs still runs.
    dockerfile(stack.root / "apps" / "one", "RUN echo waiting; sleep 120")
    kept = {name: lock(stack, name).read_bytes() for name in NAMES}
    with stack.program.start("--echo", "deps.install", cwd=stack.root) as running:
        assert running.stderr is not None
        for line in running.stderr:
            if b"waiting" in line and b"RUN" not in line:
                break
        running.send_signal(signal.SIGINT)
        rest = running.stderr.read().decode()
        assert running.wait(60) == 130, rest
    assert "stopped" in rest
    assert {name: stack.container(name) for name in after} == after
    assert {name: lock(stack, name).read_bytes() for name in NAMES} == kept
