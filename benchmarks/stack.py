"""The stack that is measured on: compose/flask with 19 direct dependencies, a `./run` file, and others' task files."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import threading
import time
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path

import docker
from docker.errors import APIError

from uvdock.migrate.options import DEFAULT_INDEX

HERE = Path(__file__).parent
REPO = HERE.parent
#: The owner that the image's user has too, as it is for most people with a Linux machine of their own.
UID = 1000
#: Beside the seven of compose/flask.
FURTHER = (
    "alembic>=1.14",
    "babel>=2.16",
    "click>=8.1",
    "flask-wtf>=1.2",
    "httpx>=0.27",
    "itsdangerous>=2.2",
    "jinja2>=3.1",
    "markdown>=3.7",
    "pytest-cov>=6",
    "python-dateutil>=2.9",
    "requests>=2.32",
)
#: The one whose pin is changed, and what it is changed to in turn.
PINNED = "humanize"
PINS = ("4.8.0", "4.9.0", "4.10.0", "4.11.0", "4.12.0", "4.12.1", "4.12.2", "4.12.3", "4.13.0")
_CACHE_MOUNT = re.compile(r"--mount=type=cache,\S+ \\\n\s+")
#: The index as PyPI serves it: its pages may be kept for ten minutes, and its files, which never change, for good.
#: A mirror in between may forbid both.
INDEX = (
    f'[[tool.uv.index]]\nname = "measured"\nurl = "{DEFAULT_INDEX}"\ndefault = true\n'
    'cache-control = { api = "max-age=600", files = "max-age=365000000, immutable" }\n'
)
#: A build that refuses a stale lock, as compose/flask has it, is of no use to `./run`: it locks in the build.
_LOCK_CHECK = "if [ -f uv.lock ]; then uv lock --check; else uv lock; fi"
_PACKAGES = "/home/python/.venv/lib/python3.13/site-packages"


@dataclass(frozen=True)
class Ran:
    """A finished command: how long it took, and what it said."""

    seconds: float
    code: int
    text: str


def run(argv: Sequence[str], cwd: Path, env: Mapping[str, str], *, ok: bool = True) -> Ran:
    """Run a command without a terminal, and take its time.

    Raises:
        RuntimeError: It failed, and ``ok`` says that it must not.
    """
    start = time.perf_counter()
    done = subprocess.run(
        list(argv), cwd=cwd, env=dict(env), stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
    )
    seconds = time.perf_counter() - start
    text = done.stdout + done.stderr
    if ok and done.returncode != 0:
        raise RuntimeError(f"{argv} left {done.returncode}:\n{text}")
    return Ran(seconds, done.returncode, text)


@dataclass
class Stack:
    """One copy of the stack, in a folder of its own.

    Args:
        root: Its folder, whose name is its Compose project's too.
        env: The variables of every command on it.
        cache_mounts: Whether its Dockerfile keeps uv's cache between builds.
    """

    root: Path
    env: Mapping[str, str]
    cache_mounts: bool = True
    pin: str = ""
    numbers: count[int] = field(default_factory=count)

    @classmethod
    def make(cls, place: Path, env: Mapping[str, str], *, cache_mounts: bool = True) -> Stack:
        """Copy it into ``place``; nothing is built or started."""
        root = place / f"bench{uuid.uuid4().hex[:8]}"
        ignored = shutil.ignore_patterns("uv.lock", ".venv", "package-lock.json", "node_modules", "__pycache__")
        shutil.copytree(REPO / "compose" / "flask", root, ignore=ignored)
        stack = cls(root, env, cache_mounts)
        for name in ("run", "justfile", "noxfile.py", "plain_tasks.py", "poe_tasks.toml"):
            shutil.copy(HERE / "files" / name, root)
        dockerfile = root / "Dockerfile"
        text = dockerfile.read_text()
        assert text.count(_LOCK_CHECK) == 1
        text = text.replace(_LOCK_CHECK, "uv lock")
        if not cache_mounts:
            text, changed = _CACHE_MOUNT.subn("", text)
            assert changed == 1
        dockerfile.write_text(text)
        stack.change_pin()
        for path in (root, *root.rglob("*")):
            os.chown(path, UID, UID)
        return stack

    def change_pin(self) -> None:
        """Pin another version than the one before, in a file that no earlier build has seen."""
        path, number = self.root / "pyproject.toml", next(self.numbers)
        self.pin = PINS[number % len(PINS)]
        text = (REPO / "compose" / "flask" / "pyproject.toml").read_text()
        listed = "".join(f'  "{item}",\n' for item in (*FURTHER, f"{PINNED}=={self.pin}"))
        text = text.replace("dependencies = [\n", f"dependencies = [\n{listed}", 1)
        text = text.replace(
            "[tool.uvdock.commands]", f'[tool.uvdock]\ncache_volume = "{self.root.name}"\n\n[tool.uvdock.commands]'
        )
        path.write_text(f"{text}\n{INDEX}\n# {uuid.uuid4()}\n")
        os.chown(path, UID, UID)

    def run(self, *argv: str, ok: bool = True) -> Ran:
        """Run a command in its folder."""
        return run(argv, self.root, self.env, ok=ok)

    def up(self) -> None:
        """Start everything and wait until it is healthy."""
        self.run("docker", "compose", "up", "--detach", "--wait")

    def remove(self) -> None:
        """Take it down, with its volumes and images."""
        self.run("docker", "compose", "--profile", "*", "down", "--volumes", "--rmi", "local", "--timeout", "0")
        self.run("docker", "volume", "rm", "--force", f"{self.root.name}-{UID}", ok=False)
        self.run("docker", "rmi", f"{self.root.name}-web-uv:uvdock", ok=False)

    def version(self) -> str:
        """The version of the pinned package that the running app imports."""
        code = f"from importlib.metadata import version; print(version('{PINNED}'))"
        return self.run("docker", "compose", "exec", "-T", "web", "python", "-c", code).text.strip()


class Engine:
    """The engine's own API, without any command between."""

    def __init__(self) -> None:
        self.api = docker.APIClient()

    def container(self, stack: Stack) -> str | None:
        """The running container of the web service."""
        labels = [f"com.docker.compose.project={stack.root.name}", "com.docker.compose.service=web"]
        labels.append("com.docker.compose.oneoff=False")
        found = self.api.containers(filters={"label": labels, "status": "running"})
        return str(found[0]["Id"]) if found else None

    def exec(self, stack: Stack, *argv: str) -> float:
        """Find the container and run a command in it; how long both took."""
        start = time.perf_counter()
        made = self.api.exec_create(self.container(stack), list(argv))["Id"]
        self.api.exec_start(made)
        code = self.api.exec_inspect(made)["ExitCode"]
        seconds = time.perf_counter() - start
        assert code == 0
        return seconds

    def has(self, stack: Stack, pin: str) -> bool:
        """Whether the running container has that version installed."""
        found = self.container(stack)
        if found is None:
            return False
        url = self.api._url("/containers/{0}/archive", found)  # noqa: SLF001 - the SDK asks for the whole file
        path = f"{_PACKAGES}/{PINNED}-{pin}.dist-info/RECORD"
        return bool(self.api.head(url, params={"path": path}).status_code == 200)


class Watch(threading.Thread):
    """Looks, while a command runs, since when the running app can import the pinned version."""

    def __init__(self, stack: Stack) -> None:
        super().__init__(daemon=True)
        self.stack, self.engine = stack, Engine()
        self.start_time = time.perf_counter()
        self.seconds: float | None = None
        self.stopped = threading.Event()

    def run(self) -> None:
        """Look ten times a second."""
        while self.seconds is None and not self.stopped.wait(0.1):
            try:
                if self.engine.has(self.stack, self.stack.pin):
                    self.seconds = time.perf_counter() - self.start_time
            except APIError:
                continue
