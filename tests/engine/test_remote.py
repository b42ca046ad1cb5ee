"""An engine that does not see this machine's files: the main job works there, and the host's files are right.

Needs a second engine with a file system of its own, at ``UVDOCK_TEST_REMOTE`` (by default on this machine, port
23750) and at ``UVDOCK_TEST_REMOTE_SSH`` (by default ssh://engine-ssh), with the images the reference stacks are built
from.
"""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.conftest import clean_environment, few
from tests.engine.conftest import BY_SSH, REMOTE, Stack, docker, need

pytestmark = [pytest.mark.engine, pytest.mark.slow]

#: Each way to name the second engine but DOCKER_HOST, which `test_engines` has, and an address of it.
WAYS = [
    ("context setting", REMOTE),
    ("DOCKER_CONTEXT", REMOTE),
    ("DOCKER_CONTEXT", BY_SSH),
]


def _named(way: tuple[str, str]) -> str:
    return f"{way[1].partition(':')[0]} {way[0]}"


@pytest.fixture(params=few(WAYS, [WAYS[0], WAYS[-1]]), ids=_named)
def remote(request: pytest.FixtureRequest, tmp_path: Path) -> dict[str, str]:
    """The variables that name the second engine."""
    way, address = request.param
    need(address)
    # The plugins are looked for beside the configuration too, so they are linked into the new one.
    env = {**clean_environment(), "DOCKER_CONFIG": str(tmp_path / "docker")}
    argv = ["docker", "context", "create", "elsewhere", "--docker", f"host={address}"]
    subprocess.run(argv, env=env, capture_output=True, check=True, timeout=60)
    key = "UVDOCK_CONTEXT" if way == "context setting" else "DOCKER_CONTEXT"
    return {"DOCKER_CONFIG": env["DOCKER_CONFIG"], key: "elsewhere"}


@pytest.mark.long
@pytest.mark.parametrize("remote", [WAYS[-1]], ids=_named, indirect=True)
def test_the_main_job(reference: Callable[[str, str], Stack], remote: dict[str, str]) -> None:
    stack = reference("flask", ".")
    stack.program.env |= remote
    # What the tests themselves ask docker for takes DOCKER_HOST or DOCKER_CONTEXT.
    if "UVDOCK_CONTEXT" in remote:
        stack.program.env["DOCKER_CONTEXT"] = remote["UVDOCK_CONTEXT"]

    stack.inv("deps.install")
    assert stack.image_lock() == stack.lock.read_bytes()

    stack.inv("uv", "--", "add", "humanize")
    assert '"humanize' in stack.pyproject.read_text()
    assert 'name = "humanize"' in stack.lock.read_text()
    assert stack.owners() == {(0, 0o644)}

    assert '"humanize"' in stack.inv("deps.outdated", "--json").out
    stack.inv("build")
    assert stack.image_lock() == stack.lock.read_bytes()
    assert stack.inv("deps.check").code == 0

    shown = stack.inv("cmd", "--", "python", "-c", "import humanize, hello; print(hello.__file__)").out
    assert shown == "/app/hello/__init__.py\n"
    assert stack.uvdock("shell", stdin=b"ls /app/uv.lock; exit 6", ok=False).code == 6
    assert stack.inv("uv", "--", "tree", "--frozen", "--depth", "1").out.count("humanize") == 1


def test_each_way_names_the_same_engine(small: Callable[..., Stack], remote: dict[str, str]) -> None:
    stack = small()
    stack.program.env |= {**remote, "UVDOCK_SERVICE": "web"}
    (stack.root / "compose.yaml").write_text("services: {web: {image: python:3.13-slim-trixie, command: sleep 600}}\n")
    stack.uvdock("up")
    there = docker("ps", "--format", "{{.Names}}", env={**clean_environment(), "DOCKER_HOST": REMOTE}).split()
    assert f"{stack.name}-web-1" in there
    assert f"{stack.name}-web-1" in stack.uvdock("ps").out
    assert stack.uvdock("cmd", "python", "-c", "print('there')").out == "there\n"
    stack.uvdock("down")
