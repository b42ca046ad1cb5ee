"""The stack that is measured on: compose/flask with 19 direct dependencies, a `./run` file, and others' task files."""

from __future__ import annotations

import json
import os
import re
import shutil
import socket
import subprocess
import threading
import time
import urllib.request
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from itertools import count
from pathlib import Path
from urllib.parse import urlsplit

import docker
from docker.errors import APIError

from uvdock.migrate.discover.options import DEFAULT_INDEX

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
#: For how long pages of the index are kept.
PAGES_KEPT = "max-age=600"
#: The index as PyPI serves it: its pages may be kept for ten minutes, and its files, which never change, for good.
#: A mirror in between may forbid both.
INDEX = (
    f'[[tool.uv.index]]\nname = "measured"\nurl = "{DEFAULT_INDEX}"\ndefault = true\n'
    f'cache-control = {{ api = "{PAGES_KEPT}", files = "max-age=365000000, immutable" }}\n'
)
#: The stack's Compose file before its containers were given the index's addresses.
OWN_DNS = "own-dns.yaml"
#: A build that refuses a stale lock, as compose/flask has it, is of no use to `./run`: it locks in the build.
_LOCK_CHECK = "if [ -f uv.lock ]; then uv lock --check; else uv lock; fi"
_PACKAGES = "/home/python/.venv/lib/python3.13/site-packages"


@cache
def addresses() -> Mapping[str, str]:
    """The address of each host that the index and its files are on, by name.

    A DNS server that loses some of many lookups at once costs a container dear: who asked asks again after 5 s, and the
    engine ends no container whose lookups it still waits for, which it does for 4 s.
    """
    with urllib.request.urlopen(f"{DEFAULT_INDEX}/{PINNED}/") as answer:  # noqa: S310 - https
        linked = re.findall(r'href="([^"#]+)', answer.read().decode())
    hosts = {urlsplit(url).hostname for url in (DEFAULT_INDEX, *linked)}
    return {host: socket.gethostbyname(host) for host in sorted(host for host in hosts if host)}


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
    def make(
        cls, place: Path, env: Mapping[str, str], *, cache_mounts: bool = True, shares_cache: bool = False
    ) -> Stack:
        """Copy it into ``place``; nothing is built or started.

        With ``shares_cache``, its services mount uvdock's cache volume, as docs/run.md has it.
        """
        root = place / f"bench{uuid.uuid4().hex[:8]}"
        ignored = shutil.ignore_patterns("uv.lock", ".venv", "package-lock.json", "node_modules", "__pycache__")
        shutil.copytree(REPO / "compose" / "flask", root, ignore=ignored)
        stack = cls(root, env, cache_mounts)
        for name in ("run", "justfile", "noxfile.py", "plain_tasks.py", "poe_tasks.toml"):
            shutil.copy(HERE / "files" / name, root)
        compose = root / "compose.yaml"
        shutil.copy(compose, root / OWN_DNS)
        text = _with_addresses(compose.read_text())
        compose.write_text(_with_cache(text, f"{root.name}-{UID}") if shares_cache else text)
        dockerfile = root / "Dockerfile"
        text = dockerfile.read_text()
        text = _once(text, _LOCK_CHECK, "uv lock")
        text = _once(text, "--group=python /app\n", "--group=python /app /home/python/.cache\n")
        if not cache_mounts:
            text, changed = _CACHE_MOUNT.subn("", text)
            assert changed == 1
        dockerfile.write_text(text)
        settings = root / "uvdock.toml"
        settings.write_text(f'cache_volume = "{root.name}"\n\n{settings.read_text()}')
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
        path.write_text(f"{text}\n{INDEX}\n# {uuid.uuid4()}\n")
        os.chown(path, UID, UID)

    def run(self, *argv: str, ok: bool = True) -> Ran:
        """Run a command in its folder."""
        return run(argv, self.root, self.env, ok=ok)

    def up(self) -> None:
        """Start everything and wait until it is healthy."""
        self.run("docker", "compose", "up", "--detach", "--wait")

    def rest(self) -> None:
        """Stop the app and its worker, so that they take no processor time while others are measured."""
        self.run("docker", "compose", "stop", "--timeout", "1", "web", "worker")

    def remove(self) -> None:
        """Take it down, with its volumes and images."""
        self.run("docker", "compose", "--profile", "*", "down", "--volumes", "--rmi", "local", "--timeout", "0")
        self.run("docker", "volume", "rm", "--force", f"{self.root.name}-{UID}", ok=False)
        self.run("docker", "rmi", f"{self.root.name}-web-uv:uvdock", ok=False)

    def version(self) -> str:
        """The version of the pinned package that the running app imports."""
        code = f"from importlib.metadata import version; print(version('{PINNED}'))"
        return self.run("docker", "compose", "exec", "-T", "web", "python", "-c", code).text.strip()


def _with_addresses(text: str) -> str:
    """The text of the stack's Compose file, in which the app's containers and builds need no DNS for the index."""
    hosts = json.dumps([f"{name}={address}" for name, address in addresses().items()])
    given = f"x-app: &app\n  extra_hosts: {hosts}\n  build:\n    extra_hosts: {hosts}\n"
    return _once(text, "x-app: &app\n  build:\n", given)


def _with_cache(text: str, volume: str) -> str:
    """The same, with uvdock's cache volume in the app's containers."""
    mount = '    - "${DOCKER_WEB_VOLUME:-.:/app}"\n'
    text = _once(text, mount, f'{mount}    - "uv-cache:/home/python/.cache"\n')
    return _once(text, "\nvolumes:\n", f'\nvolumes:\n  uv-cache:\n    name: "{volume}"\n')


def _once(text: str, old: str, new: str) -> str:
    assert text.count(old) == 1, old
    return text.replace(old, new)


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
        """Look thirty times a second: a look takes the engine 2 ms."""
        while self.seconds is None and not self.stopped.wait(0.03):
            try:
                if self.engine.has(self.stack, self.stack.pin):
                    self.seconds = time.perf_counter() - self.start_time
            except APIError:
                continue
