"""The volume that keeps uv's cache: shared by one-offs and the running service, shown, made smaller, removed."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from tests.engine.conftest import IMAGE_UID, Stack, docker

pytestmark = [pytest.mark.engine, pytest.mark.slow]

#: Locks a project that can only be locked with what the cache has.
LOCK = """
mkdir -p /tmp/p && cd /tmp/p
printf '[project]\\nname="p"\\nversion="1"\\nrequires-python=">=3.13"\\ndependencies=["six"]\\n' > pyproject.toml
uv lock --offline
"""


@pytest.fixture
def stack(small: Callable[..., Stack]) -> Stack:
    """A stack whose running service mounts the cache's volume, of a name that nobody else has."""
    made = small(volumes=["uv-cache:/home/app/.cache"])
    name = f"{made.name}-cache"
    with made.pyproject.open("a") as file:
        file.write(f'\n[tool.uvdock]\ncache_volume = "{name}"\n')
    with (made.root / "compose.yaml").open("a") as file:
        file.write(f"volumes:\n  uv-cache:\n    name: {name}-{IMAGE_UID}\n")
    return made


def test_one_cache_for_all_that_run_uv(stack: Stack) -> None:
    volume = f"{stack.name}-cache-{IMAGE_UID}"
    assert "there is no volume" in stack.uvdock("cache.info").err
    stack.uvdock("deps.install")
    stack.up()
    assert stack.in_container("stat", "-c", "%u", "/home/app/.cache", "/home/app/.cache/uv").split() == ["1000", "1000"]

    # What a one-off fetched, the running service has.
    stack.uvdock("uv", "add", "six")
    assert "Resolved 2 packages" in docker(
        "exec", stack.container(), "sh", "-c", f"({LOCK}) 2>&1", env=stack.program.env
    )
    (found,) = json.loads(stack.uvdock("cache.info", "--json").out)
    assert found["name"] == volume
    assert found["uid"] == IMAGE_UID
    assert found["size"] > 1000
    assert found["holders"] == [f"{stack.name}-web-1"]
    assert volume in stack.inv("cache.info").out

    # Asked first; then what no install uses goes, and what is not uv's stays.
    stack.in_container("sh", "-c", "cd ~/.cache && mkdir -p npm/mine uv/unknown-v0 && touch npm/mine/x uv/unknown-v0/x")
    ran = stack.uvdock("cache.prune", ok=False)
    assert ran.code == 1
    assert ran.err.startswith("error: nothing was removed")
    assert stack.in_container("ls", "/home/app/.cache/uv/unknown-v0") == "x"
    ran = stack.uvdock("cache.prune", "--yes")
    assert " left\n" in ran.err
    assert stack.in_container("sh", "-c", "cd ~/.cache && ls npm/mine && ls uv | grep -c unknown; true") == "x\n0"
    assert stack.in_container("stat", "-c", "%u", "/home/app/.cache") == "1000"

    # All of it, once nothing holds it.
    ran = stack.uvdock("cache.prune", "--all", "--yes", ok=False)
    assert ran.code == 1
    assert f"{stack.name}-web-1" in ran.err
    assert volume in docker("volume", "ls", "--quiet")
    stack.compose("down", "--timeout", "0")
    stack.uvdock("cache.prune", "--all", "--yes")
    assert volume not in docker("volume", "ls", "--quiet").split()
    assert "there is no volume" in stack.uvdock("cache.prune", "--yes").err
