"""An engine that does not see this machine's files: the main job works there, and the host's files are right.

Needs a second engine with a file system of its own, at ``UVDOCK_TEST_REMOTE`` (by default on this machine, port
23750) and at ``UVDOCK_TEST_REMOTE_SSH`` (by default ssh://engine-ssh), with the images the reference stacks are built
from.
"""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.conftest import clean_environment
from tests.engine.conftest import BY_SSH, REMOTE, Stack, need

pytestmark = [pytest.mark.engine, pytest.mark.slow]

#: Each way to name the second engine, and an address of it.
WAYS = [
    ("DOCKER_HOST", REMOTE),
    ("context setting", REMOTE),
    ("DOCKER_CONTEXT", REMOTE),
    ("DOCKER_HOST", BY_SSH),
    ("DOCKER_CONTEXT", BY_SSH),
]


@pytest.fixture(params=WAYS, ids=lambda way: f"{way[1].partition(':')[0]} {way[0]}")
def remote(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[dict[str, str]]:
    """The variables that name the second engine."""
    way, address = request.param
    need(address)
    if way == "DOCKER_HOST":
        yield {"DOCKER_HOST": address}
        return
    # The plugins are looked for beside the configuration too, so they are linked into the new one.
    env = {**clean_environment(), "DOCKER_CONFIG": str(tmp_path / "docker")}
    argv = ["docker", "context", "create", "elsewhere", "--docker", f"host={address}"]
    subprocess.run(argv, env=env, capture_output=True, check=True, timeout=60)
    key = "UVDOCK_CONTEXT" if way == "context setting" else "DOCKER_CONTEXT"
    yield {"DOCKER_CONFIG": env["DOCKER_CONFIG"], key: "elsewhere"}


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


def test_a_running_container_there(small: Callable[..., Stack], remote: dict[str, str]) -> None:
    stack = small(owner=4321)
    stack.program.env |= remote
    if "UVDOCK_CONTEXT" in remote:
        stack.program.env["DOCKER_CONTEXT"] = remote["UVDOCK_CONTEXT"]
    stack.uvdock("deps.install")
    stack.up()
    stack.uvdock("uv", "add", "six")
    assert stack.in_container("python", "-c", "import six; print('there')") == "there"
    assert stack.owners() == {(4321, 0o644)}
    stack.uvdock("deps.install")
    assert stack.uvdock("deps.check").code == 0
