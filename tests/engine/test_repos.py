"""The main job in repos of other shapes than the reference stacks, each from a fresh clone and with no settings.

What such repos do and ours do not: the lock is only mounted in the build, the environment is in an unnamed volume, each
service of a workspace mounts one member, the user may not write the environment, there is no shell.
"""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.engine.conftest import Stack, docker

pytestmark = [pytest.mark.engine, pytest.mark.slow]


@dataclass(frozen=True)
class Shape:
    """A repo of the fixtures.

    Args:
        name: Its folder.
        member: Where a person works in it: the folder whose pyproject.toml they change.
        lock: The folder of the lock.
        service: The service they work with.
        owner: Who owns the clone.
        proof: How an image is proved to be made from the lock.
        importable: Whether a new package can be installed into the running container.
        shell: Whether the image has one.
        program: The program they use.
    """

    name: str
    member: str
    lock: str
    service: str
    owner: int
    proof: str
    importable: bool = True
    shell: bool = True
    program: str = "uvdock"


SHAPES = [
    Shape("template", "backend", ".", "backend", 0, "has what uv.lock says installed", program="inv"),
    Shape("workspace", "apps/api", ".", "api", 1000, "byte for byte"),
    Shape("astral", ".", ".", "web", 4321, "byte for byte", program="inv"),
    Shape("monorepo", "services/jobs", "services/jobs", "jobs", 1001, "byte for byte"),
    Shape("hardened", ".", ".", "web", 4321, "has what uv.lock says installed", importable=False, shell=False),
]
#: The one that is not long: it cannot be installed into, and has no shell.
OFTEN = {"hardened"}
#: What a container leaves in a folder that it has mounted, and Docker itself makes for a mount, is not uvdock's.
_NOT_OURS = ("__pycache__", ".pytest_cache", "htmlcov", "blob-report", ".venv")


@pytest.mark.parametrize(
    "shape",
    [pytest.param(shape, id=shape.name, marks=[] if shape.name in OFTEN else pytest.mark.long) for shape in SHAPES],
)
def test_from_a_fresh_clone_to_an_upgraded_image(reference: Callable[[str, str], Stack], shape: Shape) -> None:
    stack = reference(shape.name, shape.lock)
    (stack.root / "tasks.py").write_text("from uvdock import ns\n")
    _owned(stack.root, shape.owner)
    run, cwd = Day(stack, shape), stack.root / shape.member
    manifest = cwd / "pyproject.toml"
    before = _files(stack.root)

    first = run("deps.install")
    assert shape.proof in first
    stack.up()
    assert run("deps.check", cwd=cwd).count("✔") >= 3

    # A package comes, and goes without a trace.
    asked = manifest.read_bytes()
    assert "+ humanize" in run("uv", "add", "humanize", cwd=cwd)
    assert run.imports("humanize") is shape.importable
    run("uv", "remove", "humanize", cwd=cwd)
    assert "humanize" not in manifest.read_text()
    assert "humanize" not in stack.lock.read_text()
    manifest.write_bytes(asked)

    # One is behind, is raised, and is at once where it can be; the image is not, and it is said so.
    assert "idna" in [row["name"] for row in json.loads(run("deps.outdated", "--json", cwd=cwd))["packages"]]
    run("deps.upgrade", "idna", cwd=cwd)
    assert "idna==3.9" not in manifest.read_text()
    checked = run("deps.check", cwd=cwd, code=1)
    assert "✘" in next(line for line in checked.splitlines() if "image" in line)
    assert ("✘" in next(line for line in checked.splitlines() if "container" in line)) is not shape.importable

    # Looking builds nothing, tags nothing and leaves no container, whatever images there are.
    docker("rmi", "--force", f"{stack.name}-{shape.service}-uv:uvdock", check=False)
    seen = _in_engine(stack)
    run("deps.check", cwd=cwd, code=1)
    assert _in_engine(stack) == seen

    started = stack.container(shape.service)
    assert f"recreated: {shape.service}" in run("deps.install", cwd=cwd)
    assert stack.container(shape.service) != started
    assert "✘" not in run("deps.check", cwd=cwd)
    assert run.version("idna") != "3.9"
    assert "no running service has an old image" in run("deps.install", cwd=cwd)

    stack.up()
    assert " passed" in run("test", "-q", "-p", "no:cacheprovider", cwd=cwd)
    if shape.shell:
        assert stack.uvdock("shell", cwd=cwd, stdin=b"exit 3", ok=False).code == 3
    else:
        assert "sh was not found" in stack.uvdock("shell", cwd=cwd, stdin=b"exit 3", ok=False).err
    after = _files(stack.root)
    changed = {name for name in after if after[name] != before.get(name)}
    manifests = {
        str(Path(os.path.normpath(Path(shape.member, "pyproject.toml")))),
        *(n for n in after if n.endswith("uv.lock")),
    }
    assert changed == manifests
    assert {owner for owner, _ in after.values()} == {shape.owner}


class Day:
    """What a person types in a repo, as the shape's program takes it."""

    def __init__(self, stack: Stack, shape: Shape) -> None:
        self.stack = stack
        self.shape = shape

    def __call__(self, task: str, *words: str, cwd: Path | None = None, code: int = 0) -> str:
        """Both streams of a task; it must leave ``code``."""
        separator = ["--"] if self.shape.program == "inv" and words and not words[0].startswith("--") else []
        separator = ["--"] if self.shape.program == "inv" and task == "test" else separator
        run = self.stack.inv if self.shape.program == "inv" else self.stack.uvdock
        ran = run(task, *separator, *words, cwd=cwd, ok=code == 0)
        assert ran.code == code, ran.err
        return ran.out + ran.err if ran.out[:1] != "{" else ran.out

    def imports(self, package: str) -> bool:
        """Whether the running container can import a package."""
        argv = ["docker", "exec", self.stack.container(self.shape.service), "python", "-c", f"import {package}"]
        return subprocess.run(argv, env=self.stack.program.env, capture_output=True, check=False).returncode == 0

    def version(self, package: str) -> str:
        """The version of a package in the running container."""
        script = f"from importlib.metadata import version; print(version('{package}'))"
        return self.stack.in_container("python", "-c", script, service=self.shape.service)


def _in_engine(stack: Stack) -> tuple[list[str], str]:
    """The images and containers of a stack, as the engine lists them."""
    images = docker("images", "--no-trunc", "--format", "{{.ID}} {{.Repository}}:{{.Tag}}", f"{stack.name}-*")
    return sorted(images.splitlines()), docker(
        "ps", "--all", "--quiet", "--filter", f"name={stack.name}", env=stack.program.env
    )


def _owned(folder: Path, owner: int) -> None:
    for path in (folder, *folder.rglob("*")):
        os.chown(path, owner, owner)


def _files(folder: Path) -> dict[str, tuple[int, bytes]]:
    """Every file with its owner and its bytes."""
    return {
        str(path.relative_to(folder)): (path.stat().st_uid, path.read_bytes())
        for path in sorted(folder.rglob("*"))
        if path.is_file() and not any(part in _NOT_OURS for part in path.parts)
    }
