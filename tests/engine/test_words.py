"""A ✔ and a sentence stand for what was done and looked at again, where a step was left out or failed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests import dryruns
from tests.conftest import Program
from tests.engine.conftest import Stack, _remove, docker

pytestmark = [pytest.mark.engine, pytest.mark.slow]


def test_what_is_said_of_steps_that_did_not_do_what_they_are_named_for(small: Callable[..., Stack]) -> None:
    stack = small()
    dockerfile = stack.root / "Dockerfile"
    good = dockerfile.read_text()
    bad = f"{good}\nRUN exit 3\n"

    # Nothing runs: there is nothing to install into, and no service that runs on.
    ran = stack.uvdock("deps.install", "--no-build")
    assert "– sync running containers" in ran.err
    assert "✔ sync" not in ran.err
    dockerfile.write_text(bad)
    ran = stack.uvdock("deps.install", ok=False)
    assert "error: the image could not be built" in ran.err
    assert "uv.lock is in place\n" in ran.err
    assert "still run" not in ran.err

    dockerfile.write_text(good)
    stack.compose("build", "--quiet")
    stack.up()
    dockerfile.write_text(bad)
    assert "uv.lock is in place, and web still runs\n" in stack.uvdock("deps.install", ok=False).err

    # What runs cannot be brought to the lock.
    docker("exec", "--user", "root", stack.container(), "rm", "/usr/local/bin/uv")
    ran = stack.uvdock("deps.install", "--no-build", ok=False)
    assert ran.code == 1
    assert f"error: nothing was installed in container {stack.name}-web-1\n" in ran.err
    assert "✔ sync" not in ran.err

    # It is recreated, and ends at once.
    dockerfile.write_text(good.replace('"sleep", "infinity"', '"false"'))
    ran = stack.uvdock("deps.install", ok=False)
    assert ran.code == 1
    assert "error: recreated from the new image, and not running: web\n" in ran.err
    assert "✔ recreate" not in ran.err

    # The service that is named has no build: not everything else is built instead.
    with (stack.root / "compose.yaml").open("a") as file:
        file.write(f"  tools: {{image: {stack.name}-web}}\n")
    stack.program.env["UVDOCK_SERVICE"] = "tools"
    ran = stack.uvdock("deps.install", ok=False)
    assert "error: the service tools has no build, so there is no image to build\n" in ran.err
    assert "✔ prove" not in ran.err


@pytest.fixture
def scripts(new_folder: Path, program: Program) -> Iterator[Stack]:
    made = Stack(dryruns.make_repo(new_folder), program, new_folder)
    yield made
    _remove(made)


def test_what_is_said_of_a_javascript_lock_after_a_build_that_failed(scripts: Stack) -> None:
    scripts.uvdock("deps.lock")
    scripts.compose("build", "--quiet", "web")
    with (scripts.root / "Dockerfile").open("a") as file:
        file.write("RUN exit 3\n")
    ran = scripts.uvdock("js.install", ok=False)
    assert "error: the image could not be built\n" in ran.err
    assert "package-lock.json is in place\n" in ran.err
    assert "as they were" not in ran.err
    ran = scripts.uvdock("js.install", "--no-build")
    assert "– sync running containers" in ran.err
    assert "✔ sync" not in ran.err
