"""doctor on real stacks: Compose files as Compose reads them, built images, running containers."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from tests.conftest import hashes
from tests.engine.conftest import Stack, docker

pytestmark = [pytest.mark.engine, pytest.mark.slow]

PASSWORD = "hunter2-of-the-index"


def places(stack: Stack) -> set[tuple[str, str]]:
    ran = stack.uvdock("doctor", "--json")
    assert PASSWORD not in ran.out + ran.err
    return {(item["rule"], item["file"]) for item in json.loads(ran.out)["findings"]}


def test_images_and_containers(small: Callable[..., Stack]) -> None:
    stack = small(
        volumes=["./venv:/opt/venv", "./uv.lock:/app/uv.lock"],
        service="command: [sh, -c, 'uv run --version; sleep infinity']",
        final=f"ENV UV_INDEX_PRIVATE_PASSWORD={PASSWORD}\n                USER root",
    )
    image, container = f"image {stack.name}-web", f"container {stack.name}-web-1"
    static = {
        ("bare-uv-run", "compose.yaml"),
        ("credentials-in-file", "Dockerfile"),
        ("environment-under-mount", "compose.yaml"),
        ("lock-mounted-alone", "compose.yaml"),
        ("runs-as-root", "Dockerfile"),
    }
    found = places(stack)
    assert static <= found
    assert not {file for _, file in found} & {image, container}
    assert f"not looked at: {image}: it is not built yet" in stack.uvdock("doctor").err

    stack.uvdock("deps.install")
    found = places(stack)
    assert static | {("credentials-in-image", image)} <= found
    assert ("image-lock-differs", image) not in found

    (stack.root / "venv").mkdir()
    (stack.root / "venv" / "pyvenv.cfg").write_text("home = /Users/me/.local/bin\n")
    stack.up()
    stack.lock.write_bytes(stack.lock.read_bytes() + b"# changed\n")
    before = hashes(stack.root)
    assert {("image-lock-differs", image), ("foreign-environment", container)} <= places(stack)
    ran = stack.uvdock("doctor", "--exit-code", ok=False)
    assert ran.code == 1
    assert "1 image, 1 container" in ran.err
    assert "its variable UV_INDEX_PRIVATE_PASSWORD holds a credential" in ran.out
    assert hashes(stack.root) == before

    # A volume over the environment, as only the container that runs shows it: the Compose file has none any more.
    compose = stack.root / "compose.yaml"
    compose.write_text(compose.read_text().replace('"./venv:/opt/venv", "./uv.lock:/app/uv.lock"', ""))
    found = places(stack)
    assert ("environment-under-mount", container) in found
    assert ("lock-mounted-alone", "compose.yaml") not in found


def test_a_reference_stack_is_well_again_after_a_fix(reference: Callable[[str], Stack]) -> None:
    stack = reference("flask")
    stack.uvdock("deps.lock")
    dockerfile, ignored = stack.root / "Dockerfile", stack.root / ".dockerignore"
    text = dockerfile.read_text()
    for part in ("ARG UV_COMPILE_BYTECODE=1\n", "    UV_LINK_MODE=copy \\\n", " --locked"):
        assert part in text
        text = text.replace(part, "")
    dockerfile.write_text(text)
    ignored.write_text(ignored.read_text().replace(".venv\n", "*.lock\n"))

    ran = stack.uvdock("doctor", "--fix")

    assert "written: .dockerignore, Dockerfile" in ran.err
    stack.uvdock("deps.install")
    made = json.loads(stack.uvdock("doctor", "--json").out)
    assert [item for item in made["findings"] if item["rule"] != "uv-versions-differ"] == []
    assert made["not_checked"] == []
    # What was mended is in effect in the image.
    environment = "/home/python/.venv/lib/python3.13/site-packages"
    image = f"{stack.name}-web"
    compiled = docker("run", "--rm", "--entrypoint", "ls", image, f"{environment}/flask/__pycache__")
    assert "app.cpython-313.pyc" in compiled
    assert stack.image_lock() == stack.lock.read_bytes()
