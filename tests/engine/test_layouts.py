"""Whatever is mounted where, and whoever the user is: a task changes the workspace's manifests on the host alone."""

from __future__ import annotations

import json
import os
import random
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.engine.conftest import Stack

pytestmark = [pytest.mark.engine, pytest.mark.slow]

#: Mounts of the worker's service: whole, parts, files, nested, read-only, unnamed volumes over parts, another folder.
VOLUMES = (
    ".:/app",
    ".:/app:ro",
    "./apps/worker:/app/apps/worker",
    "./apps/worker:/app/apps/worker:ro",
    "./apps:/app/apps",
    "./packages:/app/packages",
    "./apps/worker/src:/app/apps/worker/src",
    "./pyproject.toml:/app/pyproject.toml",
    "./uv.lock:/app/uv.lock",
    "./apps/worker/pyproject.toml:/app/apps/worker/pyproject.toml",
    "./docs:/app/apps/api",
    "./docs:/app/packages",
    "/app/.venv",
    "/app/packages",
    "/app/apps/api",
)
#: A folder that belongs to nobody's project, and what it holds.
DOCS = {"docs/index.md": "# What it does\n", "docs/pyproject.toml": '[project]\nname = "docs"\nversion = "1"\n'}


class Layout(NamedTuple):
    """How the worker's service is laid out, who owns the clone, and where the person is."""

    volumes: list[str]
    workdir: str
    user: str
    owner: int
    cwd: str


def layouts(count: int) -> list[Layout]:
    """Some of all the layouts: the same in each run, and one in which a member's folder alone is mounted."""
    chosen = random.Random(13)
    made = [Layout(["./apps/worker:/app/apps/worker"], "/app/apps/worker", "root", 1000, ".")]
    while len(made) < count:
        targets: dict[str, str] = {}
        for volume in chosen.sample(VOLUMES, chosen.randint(1, 4)):
            targets.setdefault(volume.removesuffix(":ro").rpartition(":")[2], volume)
        workdir = chosen.choice(["/app", "/app/apps/worker"])
        user, owner = chosen.choice(["root", "1000:1000", "4321:4321"]), chosen.choice([0, 1000, 4321])
        made.append(Layout(sorted(targets.values()), workdir, user, owner, chosen.choice([".", "apps/worker"])))
    return made


@pytest.fixture
def workspace(reference: Callable[[str, str], Stack]) -> Stack:
    """The workspace of the fixtures, built once, with a folder that is none of its members."""
    stack = reference("workspace", ".")
    (stack.root / "docs").mkdir()
    for name, text in DOCS.items():
        (stack.root / name).write_text(text)
    stack.uvdock("deps.install")
    return stack


@pytest.mark.parametrize("count", [3, pytest.param(40, marks=[pytest.mark.long, pytest.mark.timeout(1800)])])
def test_a_task_changes_only_the_manifests(workspace: Stack, count: int) -> None:
    stack = workspace
    config = json.loads(stack.compose("config", "--format", "json", "--no-interpolate"))
    build = config["services"]["worker"]["build"]
    for layout in layouts(count):
        service = {
            "build": build, "image": f"{stack.name}-worker", "init": True, "stop_grace_period": "0s",
            "volumes": layout.volumes, "working_dir": layout.workdir, "user": layout.user,
            # The environment is root's in the image, and the app may not be importable behind what is mounted.
            "command": ["sleep", "infinity"],
        }  # fmt: skip
        (stack.root / "compose.yaml").write_text(json.dumps({"services": {"worker": service}}))
        for path in (stack.root, *stack.root.rglob("*")):
            os.chown(path, layout.owner, layout.owner, follow_symlinks=False)
        stack.compose("up", "--detach")
        before = _files(stack.root)

        cwd = stack.root / layout.cwd
        added = stack.uvdock("uv", "add", "toolz", cwd=cwd, ok=False)
        stack.uvdock("deps.install", "--no-build", cwd=cwd, ok=False)
        after = _files(stack.root)
        changed = {name for name in (*before, *after) if before.get(name) != after.get(name)}
        manifest = str(Path(os.path.normpath(Path(layout.cwd, "pyproject.toml"))))
        told = f"{layout}\n{added.err}"
        # Installing may fail behind such mounts; what it changes on the host may not.
        assert changed == {manifest, "uv.lock"}, told
        assert {after[name][:2] for name in changed} == {before[name][:2] for name in changed}, told
        assert b"toolz" in after["uv.lock"][2], told

        stack.compose("down", "--volumes", "--timeout", "0")
        for name in changed:
            (stack.root / name).write_bytes(before[name][2])


def _files(folder: Path) -> dict[str, tuple[int, int, bytes]]:
    """Every file with its owner, its mode and its bytes; not what Python or Docker leaves in a mounted folder."""
    return {
        str(path.relative_to(folder)): (path.stat().st_uid, path.stat().st_mode, path.read_bytes())
        for path in sorted(folder.rglob("*"))
        if path.is_file() and not {"__pycache__", ".venv"} & set(path.parts)
    }
