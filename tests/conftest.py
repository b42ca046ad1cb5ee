"""What every level of tests shares: a clean environment, the program run as a person runs it, and two guards.

One fails a test that reaches docker without the ``engine`` marker; the other fails, instead of skipping, the
engine tests on a machine that must have an engine (``UVDOCK_REQUIRE_ENGINE``).
"""

from __future__ import annotations

import hashlib
import os
import signal
import subprocess
import sys
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

REPO = Path(__file__).resolve().parent.parent
#: The programs, for what is the same in both: `inv test` looks at one of them.
BOTH = ["uvdock", pytest.param("inv", marks=pytest.mark.slow)]
#: The same where there are many more of it.
BOTH_OF_MANY = ["uvdock", pytest.param("inv", marks=pytest.mark.long)]
#: Repos of others have tests of their own.
collect_ignore = ["fixtures"]
BIN = Path(sys.executable).parent
# A shell's background job ignores Ctrl-C, and so would all that it starts.
if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)
# The programs of this environment, uv among them, are those that the tests start, whoever's shell runs them.
os.environ["PATH"] = os.pathsep.join((str(BIN), os.environ["PATH"]))
#: How the names of variables begin that would change what is tested: those of whoever runs the tests, a person or CI.
_FOREIGN = (
    *("UVDOCK_", "_UVDOCK", "UV_", "VIRTUAL_ENV", "INVOKE_", "PYTEST_"),
    *("COMPOSE_", "DOCKER_", "BUILDKIT_", "BUILDX_"),
    *("CI", "GITHUB_", "NO_COLOR", "FORCE_COLOR"),
    # Each of the programs that are started would compile all of uvdock anew.
    "PYTHONDONTWRITEBYTECODE",
)


@dataclass(frozen=True)
class Ran:
    """What a finished program left."""

    code: int
    stdout: bytes
    stderr: bytes

    @property
    def out(self) -> str:
        return self.stdout.decode("utf-8", "replace")

    @property
    def err(self) -> str:
        return self.stderr.decode("utf-8", "replace")


@dataclass
class Program:
    """Runs `uvdock` and `inv` as a person does: the installed scripts, in a folder, with an environment."""

    env: dict[str, str] = field(default_factory=dict)

    def run(
        self,
        *args: str,
        cwd: Path,
        program: str = "uvdock",
        env: Mapping[str, str] | None = None,
        stdin: bytes = b"",
        timeout: float = 300,
    ) -> Ran:
        """Run ``program`` (``uvdock`` or ``inv``) with ``args`` in ``cwd``; nothing is a terminal."""
        done = subprocess.run(
            [str(BIN / program), *args],
            cwd=cwd,
            env={**self.env, **(env or {})},
            input=stdin,
            capture_output=True,
            timeout=timeout,
            check=False,
        )
        return Ran(done.returncode, done.stdout, done.stderr)

    def start(self, *args: str, cwd: Path, program: str = "uvdock") -> subprocess.Popen[bytes]:
        """Start the program and leave it running, all three streams as pipes."""
        return subprocess.Popen(
            [str(BIN / program), *args],
            cwd=cwd,
            env=self.env,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )


def clean_environment() -> dict[str, str]:
    """This process's environment without what would change the program under test."""
    env = {name: value for name, value in os.environ.items() if not name.startswith(_FOREIGN)}
    return {**env, "PATH": os.pathsep.join((str(BIN), env["PATH"]))}


def hashes(folder: Path) -> dict[str, str]:
    """Every file below ``folder`` with the hash of its bytes; what a read-only task must leave as it was."""
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and "__pycache__" not in path.parts
    }


def make_project(folder: Path, dependencies: Sequence[str] = (), extra: str = "") -> Path:
    """A project that is no package, with these dependencies."""
    folder.mkdir(parents=True, exist_ok=True)
    listed = ", ".join(f'"{item}"' for item in dependencies)
    (folder / "pyproject.toml").write_text(
        f'[project]\nname = "app"\nversion = "0.1.0"\nrequires-python = ">=3.11"\ndependencies = [{listed}]\n{extra}'
    )
    return folder


def few(names: Iterable[object], kept: Container[object]) -> list[Any]:
    """Parameters of many alike: all but those that are kept are long."""
    return [pytest.param(name, marks=[] if name in kept else pytest.mark.long) for name in names]


def uv(*args: str, cwd: Path) -> None:
    """Run uv alone: for what a test needs before it begins, since uvdock around it takes ten times as long."""
    done = subprocess.run(["uv", *args], cwd=cwd, env=clean_environment(), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.fixture(scope="session")
def _stub(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a `docker` that notes that it was called, in a file beside it."""
    folder = tmp_path_factory.mktemp("no-docker")
    stub = folder / "docker"
    stub.write_text(f'#!/bin/sh\necho "$@" >> {folder}/called\nexit 97\n')
    stub.chmod(0o755)
    return folder


@pytest.fixture(autouse=True)
def _no_docker(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Without the ``engine`` marker, docker is a program that notes that it was called, and no engine answers."""
    if request.node.get_closest_marker("engine"):
        yield
        return
    stub: Path = request.getfixturevalue("_stub")
    monkeypatch.setenv("PATH", os.pathsep.join((str(stub), os.environ["PATH"])))
    monkeypatch.setenv("DOCKER_HOST", f"unix://{stub}/no-engine.sock")
    yield
    called = stub / "called"
    if called.exists():
        said = called.read_text()
        called.unlink()
        pytest.fail(f"an unmarked test reached docker: {said}")


@pytest.fixture
def program(request: pytest.FixtureRequest) -> Program:
    """The program, with a clean environment; without the ``engine`` marker no engine answers it."""
    env = clean_environment()
    if not request.node.get_closest_marker("engine"):
        env["DOCKER_HOST"] = os.environ["DOCKER_HOST"]
        env["PATH"] = os.pathsep.join((str(BIN), os.environ["PATH"]))
    return Program(env)
