"""Real stacks on a real engine: copies of the reference stacks, and a small one whose shape a test chooses."""

from __future__ import annotations

import os
import shutil
import subprocess
import textwrap
import time
import urllib.request
import uuid
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import REPO, Program, Ran, clean_environment, uv

UV = "0.13.8"
#: What a developer's own runs leave in a reference stack, and no fresh clone has.
_MADE = ("uv.lock", ".venv", "package-lock.json", "node_modules")
#: The user of the small stack's image, and the owner of a folder that it may write.
IMAGE_UID = 1000


def docker(*args: str, env: dict[str, str] | None = None, stdin: str = "", check: bool = True) -> str:
    """The standard output of a `docker` command, without blank ends."""
    done = subprocess.run(
        ["docker", *args],
        env=env or clean_environment(),
        input=stdin,
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert not check or done.returncode == 0, f"docker {' '.join(args)}: {done.stderr}"
    return done.stdout.strip()


@pytest.fixture(scope="session", autouse=True)
def _engine() -> None:
    """Skip without an engine; fail instead where there must be one."""
    done = subprocess.run(["docker", "version"], capture_output=True, text=True, check=False, timeout=60)
    if done.returncode != 0:
        if os.environ.get("UVDOCK_REQUIRE_ENGINE"):
            pytest.fail(f"UVDOCK_REQUIRE_ENGINE is set and there is no engine: {done.stderr}")
        pytest.skip("no Docker engine")


#: A second engine, which does not see this machine's files: by TCP, and by ssh.
REMOTE = os.environ.get("UVDOCK_TEST_REMOTE", "tcp://127.0.0.1:23750")
BY_SSH = os.environ.get("UVDOCK_TEST_REMOTE_SSH", "ssh://engine-ssh")


#: The configuration of a `docker` with an older Compose, one that builds by itself and hands nothing over to buildx.
OLDER = Path(os.environ.get("UVDOCK_TEST_OLDER", "/opt/docker-older"))


def answers(address: str) -> bool:
    """Whether an engine answers at an address."""
    ping = subprocess.run(["docker", "-H", address, "version"], capture_output=True, check=False, timeout=60)
    return ping.returncode == 0


def need_older() -> dict[str, str]:
    """The variables that choose an older Compose; skip where there is none."""
    if not OLDER.is_dir():
        pytest.skip(f"no older Compose at {OLDER}")
    return {"DOCKER_CONFIG": str(OLDER)}


def need(address: str) -> None:
    """Skip where no engine answers at an address; fail instead where there must be one."""
    if not answers(address):
        if os.environ.get("UVDOCK_REQUIRE_REMOTE"):
            pytest.fail(f"UVDOCK_REQUIRE_REMOTE is set and no engine answers at {address}")
        pytest.skip(f"no second engine at {address}")


@dataclass
class Stack:
    """A copy of a stack in a folder of its own, and the program to use on it."""

    root: Path
    program: Program
    project: Path
    images: list[str] = field(default_factory=list)
    #: Whether its commands go the short way into the running container.
    short: bool = False

    @property
    def name(self) -> str:
        return self.root.name

    @property
    def pyproject(self) -> Path:
        return self.project / "pyproject.toml"

    @property
    def lock(self) -> Path:
        return self.project / "uv.lock"

    def inv(self, *args: str, cwd: Path | None = None, ok: bool = True) -> Ran:
        """Run `inv`; by default it must succeed."""
        return self._run("inv", args, cwd, ok=ok)

    def uvdock(self, *args: str, cwd: Path | None = None, ok: bool = True, stdin: bytes = b"") -> Ran:
        """Run `uvdock`; by default it must succeed."""
        return self._run("uvdock", args, cwd, ok=ok, stdin=stdin)

    def compose(self, *args: str, check: bool = True) -> str:
        """The output of a `docker compose` command on the stack."""
        names = [self.root / name for name in ("compose.yaml", "compose.yml", "compose.override.yaml")]
        files = [word for path in names if path.is_file() for word in ("-f", str(path))]
        argv = ["compose", "--project-directory", str(self.root), *files]
        return docker(*argv, *args, env=self.program.env, check=check)

    def install(self) -> None:
        """Lock with uv and build with Compose: for a test that begins with what `deps.install` would have made."""
        uv("lock", cwd=self.project)
        owner = self.pyproject.stat()
        os.chown(self.lock, owner.st_uid, owner.st_gid)
        self.compose("build", "--quiet")

    def up(self, *services: str) -> None:
        """Start the stack, or some services of it, and wait until they are healthy."""
        self.compose("up", "--detach", "--wait", "--quiet-pull", *services)

    def container(self, service: str = "web") -> str:
        """The id of a service's running container."""
        return self.compose("ps", "--quiet", service)

    def in_container(self, *argv: str, service: str = "web") -> str:
        """The output of a command in a service's running container, by docker itself."""
        return docker("exec", self.container(service), *argv, env=self.program.env)

    def image_lock(self, image: str | None = None) -> bytes:
        """The uv.lock in the web image, by docker itself."""
        folder = "/app"
        done = subprocess.run(
            ["docker", "run", "--rm", "--entrypoint", "cat", image or f"{self.name}-web", f"{folder}/uv.lock"],
            env=self.program.env,
            capture_output=True,
            check=True,
            timeout=120,
        )
        return done.stdout

    def get(self, path: str, seconds: float = 60) -> str:
        """What the web service answers over HTTP, as soon as it does."""
        port = self.compose("port", "web", "8000").rpartition(":")[2]
        deadline = time.monotonic() + seconds
        while True:
            try:
                with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=5) as answer:
                    return str(answer.read().decode())
            except OSError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.2)

    def owners(self) -> set[tuple[int, int]]:
        """The owner and mode of each manifest."""
        return {(path.stat().st_uid, path.stat().st_mode & 0o777) for path in (self.pyproject, self.lock)}

    def _run(self, program: str, args: Sequence[str], cwd: Path | None, *, ok: bool, stdin: bytes = b"") -> Ran:
        ran = self.program.run(*args, cwd=cwd or self.root, program=program, stdin=stdin, timeout=500)
        assert not ok or ran.code == 0, f"{program} {' '.join(args)} left {ran.code}:\n{ran.out}\n{ran.err}"
        return ran


def _remove(stack: Stack) -> None:
    stack.compose("--profile", "*", "down", "--volumes", "--timeout", "0", "--remove-orphans", check=False)
    names = docker("images", "--format", "{{.Repository}}:{{.Tag}}", f"{stack.name}-*", env=stack.program.env)
    if names:
        docker("rmi", "--force", *names.split(), env=stack.program.env, check=False)


@pytest.fixture
def new_folder(tmp_path: Path) -> Path:
    """A folder whose name, and so its Compose project's, is nobody else's."""
    return tmp_path / f"s{uuid.uuid4().hex[:10]}"


@pytest.fixture
def reference(new_folder: Path, program: Program) -> Iterator[Callable[[str, str], Stack]]:
    """Copies of the reference stacks, by name and the project's folder in them; taken down afterwards."""
    made: list[Stack] = []

    def copy(name: str, project: str = ".") -> Stack:
        found = REPO / "compose" / name
        source = found if found.is_dir() else REPO / "tests" / "fixtures" / "stacks" / name
        shutil.copytree(source, new_folder, ignore=shutil.ignore_patterns(*_MADE))
        program.env |= {"WEB_PORT": "0", "DOCKER_IMAGE_BACKEND": f"{new_folder.name}-backend"}
        made.append(Stack(new_folder, program, new_folder / project))
        return made[-1]

    yield copy
    for stack in made:
        _remove(stack)


def make_small(
    new_folder: Path,
    program: Program,
    *,
    volumes: Sequence[str] = (),
    owner: int = 0,
    user: str = "",
    uv: str = f"COPY --from=ghcr.io/astral-sh/uv:{UV} /uv /uvx /usr/local/bin/",
    base: str = "python:3.13-slim-trixie",
    dependencies: Sequence[str] = ("idna==3.10",),
    service: str = "",
    final: str = "",
) -> Stack:
    """A small stack in a new folder: one service that sleeps, with what a test asks for."""
    new_folder.mkdir()
    listed = ", ".join(f'"{item}"' for item in dependencies)
    files = {
        "pyproject.toml": f"""\
            [project]
            name = "app"
            version = "0.1.0"
            requires-python = ">=3.11"
            dependencies = [{listed}]
            """,
        "Dockerfile": f"""\
            FROM {base}
            {uv}
            RUN useradd --uid {IMAGE_UID} --create-home app && install -d -o app /app /opt/venv
            ENV UV_PROJECT_ENVIRONMENT=/opt/venv PATH=/opt/venv/bin:$PATH UV_PYTHON_DOWNLOADS=never
            USER app
            WORKDIR /app
            COPY --chown=app pyproject.toml uv.lock ./
            RUN uv sync --locked --no-install-project
            CMD ["sleep", "infinity"]
            {final}
            """,
        "compose.yaml": f"""\
            services:
              web:
                build: .
                init: true
                stop_grace_period: 0s
                {f'user: "{user}"' if user else ""}
                volumes: [{", ".join(f'"{volume}"' for volume in volumes)}]
                {service}
            """,
        "tasks.py": """\
            from uvdock import ns
            """,
    }
    for name, content in files.items():
        (new_folder / name).write_text(textwrap.dedent(content))
    for path in (new_folder, *new_folder.iterdir()):
        os.chown(path, owner, owner)
    return Stack(new_folder, program, new_folder)


@pytest.fixture
def small(new_folder: Path, program: Program) -> Iterator[Callable[..., Stack]]:
    """A small stack: one service that sleeps, with the mounts, user, uv and owner that a test asks for."""
    made: list[Stack] = []

    def make(**options: Any) -> Stack:
        made.append(make_small(new_folder, program, **options))
        return made[-1]

    yield make
    for stack in made:
        _remove(stack)


@pytest.fixture
def silent(tmp_path: Path) -> str:
    """A folder for PATH in which `docker` notes that it was called; nothing may call it."""
    folder = tmp_path / "bin"
    folder.mkdir()
    stub = folder / "docker"
    stub.write_text(f'#!/bin/sh\necho "$@" >> {folder}/called\nexec {shutil.which("docker")} "$@"\n')
    stub.chmod(0o755)
    return str(folder)


def short(stack: Stack, folder: str, *args: str, program: str = "uvdock") -> tuple[bool, str]:
    """Whether a call went the short way, and its output."""
    called = Path(folder, "called")
    called.unlink(missing_ok=True)
    env = {"PATH": os.pathsep.join((folder, stack.program.env["PATH"]))}
    ran = stack.program.run(*args, cwd=stack.root, program=program, env=env)
    assert ran.code == 0, ran.err
    return not called.exists(), ran.out
