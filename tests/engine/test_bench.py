"""`bench` on images: a git ref before, the files as they are after; in copies, under names of their own."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable

import pytest

from tests.conftest import hashes
from tests.engine.conftest import Stack, docker

pytestmark = [pytest.mark.engine, pytest.mark.slow]

#: The image before the move to uv.
PIP = """
FROM python:3.13-slim-trixie
WORKDIR /app
COPY requirements.txt ./
RUN pip install --no-cache-dir -r requirements.txt
COPY . .
"""


def git(stack: Stack, *args: str) -> None:
    who = ["-c", "user.name=a", "-c", "user.email=a@b.example", "-c", "safe.directory=*"]
    subprocess.run(["git", *who, *args], cwd=stack.root, check=True, capture_output=True)


def built_images() -> set[str]:
    """The images that `bench` builds, by name."""
    return set(docker("images", "--format", "{{.Repository}}", "--filter", "reference=bench-*").split())


def test_images_before_and_after_a_migration(small: Callable[..., Stack]) -> None:
    stack = small()
    now = (stack.root / "Dockerfile").read_text()
    (stack.root / "Dockerfile").write_text(PIP)
    (stack.root / "requirements.txt").write_text("idna==3.10\n")
    git(stack, "init", "--quiet", "--initial-branch", "main")
    git(stack, "add", ".")
    git(stack, "commit", "--quiet", "--message", "before")
    (stack.root / "requirements.txt").unlink()
    (stack.root / "Dockerfile").write_text(now)
    stack.uvdock("deps.install")
    before, others = hashes(stack.root), built_images()

    ran = stack.uvdock("bench", "--before", "main", "--no-installs", "--runs", "1", "--json")

    data = json.loads(ran.out)
    found = {(item["group"], item["who"]): item for item in data["measured"]}
    groups = ("image, without cache", "image, nothing changed", "image, one changed dependency")
    assert set(found) == {(group, who) for group in groups for who in ("before", "after")}
    assert found[groups[2], "before"]["remark"] == "requirements.txt with one more"
    assert found[groups[2], "after"]["remark"] == "pyproject.toml with one more"
    # A build of everything takes longer than one of nothing, by far more than any noise.
    assert all(found[groups[0], who]["median"] > found[groups[1], who]["median"] for who in ("before", "after"))
    assert data["promises"][-1]["kept"] in (True, False)
    assert hashes(stack.root) == before
    assert docker("images", "--quiet", f"{stack.name}-web") != ""
    # A run that somebody stopped can have left one of its own.
    assert built_images() <= others

    refused = stack.uvdock("bench", "--before", "no-such-ref", "--no-installs", ok=False)
    assert refused.code == 2
    assert "'no-such-ref' is neither a folder nor a git ref" in refused.err
