"""What uvdock builds: its label, what is known of it afterwards, and what Compose makes of it by hand."""

from __future__ import annotations

import hashlib
import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.engine.conftest import REMOTE, Stack, docker, need
from tests.engine.counting import Counting

pytestmark = [pytest.mark.engine, pytest.mark.slow]

LABEL = "dev.uvdock.lock"


@pytest.fixture(params=["here", "remote"])
def engine(request: pytest.FixtureRequest) -> dict[str, str]:
    """The variables that name each engine: the second one has the classic image store."""
    if request.param == "here":
        return {}
    need(REMOTE)
    return {"DOCKER_HOST": REMOTE}


def image(stack: Stack, name: str = "web") -> tuple[str, str | None]:
    """The id of a service's image, and its label."""
    details = json.loads(docker("image", "inspect", f"{stack.name}-{name}", env=stack.program.env))[0]
    return details["Id"], (details["Config"].get("Labels") or {}).get(LABEL)


def digest(file: Path) -> str:
    return f"sha256:{hashlib.sha256(file.read_bytes()).hexdigest()}"


def test_the_same_lock_makes_the_same_image_and_nothing_is_recreated(
    small: Callable[..., Stack], engine: dict[str, str]
) -> None:
    stack = small(owner=1000)
    stack.program.env |= engine
    stack.uvdock("deps.install")
    stack.up()
    before, container = image(stack), stack.container()
    assert before[1] == digest(stack.lock)
    for _ in range(2):
        assert "no running service has an old image" in stack.uvdock("deps.install").err
        stack.compose("up", "--detach")
        assert (image(stack), stack.container()) == (before, container)
    # Whoever builds it, it is the same image; with another lock it is another, and says so.
    stack.uvdock("build")
    assert image(stack) == before
    stack.uvdock("uv", "add", "six")
    stack.uvdock("deps.install")
    after, label = image(stack)
    assert (after, label) != before
    assert label == digest(stack.lock)
    assert stack.container() != container
    container = stack.container()
    stack.compose("up", "--detach")
    assert stack.container() == container
    # The image's configuration counts as its layers do.
    with (stack.root / "Dockerfile").open("a") as file:
        file.write("ENV ANOTHER=1\n")
    assert "recreated: web\n" in stack.uvdock("deps.install").err
    assert stack.container() != container


def test_what_was_proved_is_known_until_the_image_or_the_lock_is_another(
    small: Callable[..., Stack], tmp_path: Path
) -> None:
    stack = small()
    stack.program.env["XDG_CACHE_HOME"] = str(tmp_path / "cache")
    stack.uvdock("deps.install")
    name = f"{stack.name}-web"
    with Counting(tmp_path / "engine.sock") as counting:
        there = {"DOCKER_HOST": f"unix://{counting.path}"}

        def check() -> tuple[str, int]:
            """The line of the image, and how many containers were made to know it."""
            counting.requests.clear()
            ran = stack.program.run("deps.check", cwd=stack.root, env=there)
            line = next(line for line in ran.err.splitlines() if f"image {name}" in line)
            return line, sum("POST" in asked and "/containers/create" in asked for asked in counting.requests)

        fresh, containers = check()
        assert fresh == f"✔ image {name}"
        # One is made to lock a copy, none to look into the image.
        (tmp_path / "cache" / "uvdock" / "proofs.json").unlink()
        assert check() == (fresh, containers + 1)
        assert check() == (fresh, containers)
        # Another image under the same name, with the same label, is not the one that was proved.
        dockerfile = f"FROM {name}\nUSER root\nRUN echo '# other' >> /app/uv.lock\n"
        subprocess.run(
            ["docker", "build", "--quiet", "--tag", name, "-"],
            input=dockerfile,
            text=True,
            check=True,
            capture_output=True,
            env=stack.program.env,
            timeout=120,
        )
        assert image(stack)[1] == digest(stack.lock)
        assert check()[0].startswith(f"✘ image {name}: it holds another uv.lock")
        stack.uvdock("deps.install")
        assert check() == (fresh, containers)
        # The same lock in other bytes is another lock.
        stack.lock.write_bytes(stack.lock.read_bytes() + b"\n")
        assert check()[0].startswith(f"✘ image {name}: it holds another uv.lock")
