"""The same promises on every engine: each is a row of docs/engines.md, and each cell there is a test that ran.

`UVDOCK_WRITE_ENGINES=1` writes that page from what was seen.
"""

from __future__ import annotations

import os
import re
import signal
import subprocess
import tempfile
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.conftest import REPO, Program, clean_environment, few
from tests.engine.conftest import BY_SSH, REMOTE, Stack, _remove, answers, docker, make_small, need, need_older, short

pytestmark = [pytest.mark.engine, pytest.mark.slow]

PAGE = REPO / "docs" / "engines.md"
FIXTURES = REPO / "tests" / "fixtures"
#: Each, and how it is reached.
ENGINES = {
    "here": "Unix socket",
    "older Compose": "Unix socket",
    "TCP": "TCP",
    "ssh": "ssh",
    "rootless": "Unix socket",
    "Podman": "TCP",
}
#: What was seen: for each row and engine ``yes``, or why not.
SEEN: dict[str, dict[str, str]] = {}
#: What an engine is and speaks, for the page's head.
IS: dict[str, str] = {}

NO_SHORT_WAY = "The `docker` command carries it, which takes longer."
NO_BUILDKIT = "It has none: secrets, ssh, additional contexts and caches elsewhere are refused by name."


class There(NamedTuple):
    """An engine, and a stack of its own that runs there."""

    engine: str
    stack: Stack

    def saw(self, row: str, found: str = "yes") -> None:
        SEEN.setdefault(row, {})[self.engine] = found


@contextmanager
def in_container(kind: str, *options: str) -> Iterator[str]:
    """A privileged container that is an engine; its name."""
    image, name = f"uvdock-test-{kind}", f"uvdock-{kind}-{uuid.uuid4().hex[:8]}"
    docker("build", "--quiet", "--tag", image, str(FIXTURES / kind))
    docker("run", "--detach", "--privileged", "--name", name, *options, image)
    try:
        yield name
    finally:
        docker("rm", "--force", "--volumes", name)


def fill(name: str, address: str) -> None:
    """Wait for an engine in a container, and give it the images that the stacks are built from."""
    deadline = time.monotonic() + 60
    while not answers(address):
        assert time.monotonic() < deadline, docker("logs", name)
        time.sleep(0.2)
    for tag in ("python:3.13-slim-trixie", "ghcr.io/astral-sh/uv:0.13.8"):
        with subprocess.Popen(["docker", "save", tag], stdout=subprocess.PIPE) as saved:
            subprocess.run(["docker", "-H", address, "load"], stdin=saved.stdout, capture_output=True, check=True)
        assert saved.returncode == 0


@pytest.fixture(scope="module")
def podman() -> Iterator[str]:
    """The address of a Podman in a container."""
    with in_container("podman", "--publish", "127.0.0.1::2375") as name:
        address = f"tcp://{docker('port', name, '2375').splitlines()[0]}"
        fill(name, address)
        yield address


@pytest.fixture(scope="module")
def rootless() -> Iterator[Path]:
    """A folder that a rootless engine of user 1000 sees, with the engine's socket in it."""
    # Not in pytest's own, which only their owner enters.
    with tempfile.TemporaryDirectory(prefix="uvdock-") as made:
        folder = Path(made)
        folder.chmod(0o755)
        os.chown(folder, 1000, 1000)
        socket = folder / "docker.sock"
        with in_container("rootless", "--volume", f"{folder}:{folder}", "--env", f"SOCKET={socket}") as name:
            fill(name, f"unix://{socket}")
            yield folder


#: Where the tests of other files run, and what takes long to come up.
LONG = ("here", "TCP", "rootless", "Podman")
PARAMS = few(ENGINES, [name for name in ENGINES if name not in LONG])


#: What is no matter of Compose's version.
ANY_COMPOSE = pytest.mark.parametrize(
    "there", few(ENGINES, [name for name in ENGINES if name not in (*LONG, "older Compose")]), indirect=True
)


@pytest.fixture(scope="module", params=PARAMS)
def there(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[There]:
    """A stack that was installed and runs, on each engine."""
    engine = request.param
    env, volumes = {}, []
    folder = tmp_path_factory.mktemp("engine")
    if engine in ("TCP", "ssh"):
        env["DOCKER_HOST"] = REMOTE if engine == "TCP" else BY_SSH
        need(env["DOCKER_HOST"])
    elif engine == "older Compose":
        env = need_older()
    elif engine == "Podman":
        env["DOCKER_HOST"] = request.getfixturevalue("podman")
    elif engine == "rootless":
        folder = request.getfixturevalue("rootless")
        env["DOCKER_HOST"] = f"unix://{folder}/docker.sock"
        # Where ids are mapped, a mount shows what an owner is: root in the container is the user outside.
        volumes = [".:/app"]
    new_folder = folder / f"s{uuid.uuid4().hex[:10]}"
    stack = make_small(new_folder, Program(clean_environment()), owner=1000, volumes=volumes)
    stack.program.env |= {**env, "XDG_CACHE_HOME": str(folder / "cache")}
    try:
        stack.uvdock("deps.install")
        stack.up()
        if engine not in IS:
            IS[engine] = _is(stack)
        yield There(engine, stack)
    finally:
        _remove(stack)


def _is(stack: Stack) -> str:
    """The engine, how it keeps images, and the Compose that speaks to it, with versions."""
    env = stack.program.env
    version = _short(docker("version", "--format", "{{.Server.Version}}", env=env))
    compose = _short(docker("compose", "version", "--short", env=env))
    if "Podman" in docker("version", "--format", "{{.Server.Components}}", env=env):
        return f"Podman {version}, Compose {compose}"
    driver = docker("info", "--format", "{{.Driver}}", env=env)
    store = "containerd" if driver == "overlayfs" else "classic"
    rootless = "rootless, " if "rootless" in docker("info", "--format", "{{.SecurityOptions}}", env=env) else ""
    return f"Docker {version}, {rootless}{store} store, Compose {compose}"


def _short(version: str) -> str:
    return ".".join(re.findall(r"\d+", version)[:2])


def test_install(there: There) -> None:
    stack = there.stack
    assert stack.image_lock() == stack.lock.read_bytes()
    assert stack.uvdock("deps.check").code == 0
    assert stack.owners() == {(1000, 0o644)}
    there.saw("`deps.install` locks, builds and proves; `deps.check` says so")


def test_nothing_changed(there: There) -> None:
    stack, before = there.stack, there.stack.container()
    assert "no running service has an old image" in stack.uvdock("deps.install").err
    assert stack.container() == before
    there.saw("`deps.install` with nothing changed recreates nothing")


def test_only_what_changed(there: There) -> None:
    stack, before = there.stack, there.stack.container()
    with (stack.root / "Dockerfile").open("a") as file:
        file.write(f"ENV CHANGED={uuid.uuid4().hex}\n")
    assert "recreated: web" in stack.uvdock("deps.install").err
    assert stack.container() != before
    there.saw("what changed is recreated")


@ANY_COMPOSE
def test_add(there: There) -> None:
    stack = there.stack
    stack.uvdock("uv", "add", "six")
    assert '"six' in stack.pyproject.read_text()
    assert 'name = "six"' in stack.lock.read_text()
    assert stack.owners() == {(1000, 0o644)}
    stack.in_container("python", "-c", "import six")
    there.saw("`uv add`: the lock comes back, the package is in the running container")


@ANY_COMPOSE
def test_upgrade(there: There) -> None:
    stack = there.stack
    stack.uvdock("deps.upgrade", "idna")
    assert "idna==3.10" not in stack.pyproject.read_text()
    shown = stack.in_container("python", "-c", "from importlib.metadata import version; print(version('idna'))")
    assert shown != "3.10"
    assert f'name = "idna"\nversion = "{shown}"' in stack.lock.read_text()
    there.saw("`deps.upgrade` raises, and the running container follows")


@ANY_COMPOSE
def test_streams(there: There) -> None:
    content = os.urandom(2**18)
    assert there.stack.uvdock("cmd", "cat", stdin=content).stdout == content
    ran = there.stack.uvdock("cmd", "sh", "-c", "echo out; echo err >&2; exit 5", ok=False)
    assert (ran.code, ran.out, ran.err) == (5, "out\n", "err\n")
    there.saw("commands in the running container: streams and exit code byte for byte")


def test_a_one_off(there: There) -> None:
    stack = there.stack
    stack.compose("stop", "web")
    try:
        content = os.urandom(2**18)
        assert stack.uvdock("cmd", "cat", stdin=content).stdout == content
        ran = stack.uvdock("cmd", "sh", "-c", "echo out; echo err >&2; exit 5", ok=False)
        assert (ran.code, ran.out) == (5, "out\n")
        assert ran.err.endswith("err\n")
    finally:
        stack.up()
    there.saw("one-offs: the same")


@ANY_COMPOSE
@pytest.mark.parametrize("signum", few([signal.SIGINT, signal.SIGTERM], [signal.SIGINT]), ids=["SIGINT", "SIGTERM"])
def test_signals(there: There, signum: signal.Signals) -> None:
    def runs() -> bool:
        shown = there.stack.in_container("sh", "-c", "cat /proc/[0-9]*/cmdline | tr '\\0' ' '")
        return "sleep 873" in shown

    process = there.stack.program.start("cmd", "sleep", "873", cwd=there.stack.root)
    deadline = time.monotonic() + 60
    while not runs():
        assert time.monotonic() < deadline
    process.send_signal(signum)
    process.communicate(timeout=60)
    assert process.returncode == 128 + signum
    assert not runs()
    there.saw("Ctrl-C and `SIGTERM` reach the command")


@ANY_COMPOSE
def test_the_short_way(there: There, silent: str) -> None:
    stack = there.stack
    stack.uvdock("uv", "--version")
    went, _ = short(stack, silent, "uv", "--version")
    assert went == (there.engine in ("here", "older Compose", "ssh", "rootless"))
    there.saw("the short way of `cmd`, `uv` and the like", "yes" if went else NO_SHORT_WAY)


def test_a_secret_of_a_build(there: There) -> None:
    """It needs BuildKit."""
    stack = there.stack
    kept = {name: (stack.root / name).read_text() for name in ("Dockerfile", "compose.yaml")}
    try:
        (stack.root / "token").write_text("hush")
        build = "build: {context: ., secrets: [token]}"
        told = kept["compose.yaml"].replace("build: .", build) + "secrets: {token: {file: token}}\n"
        (stack.root / "compose.yaml").write_text(told)
        step = 'RUN --mount=type=secret,id=token,uid=1000 test "$(cat /run/secrets/token)" = hush\n'
        (stack.root / "Dockerfile").write_text(kept["Dockerfile"].replace("CMD [", f"{step}CMD ["))
        assert ("needs-buildkit" in stack.uvdock("doctor", "--json").out) == (there.engine == "Podman")
        ran = stack.uvdock("build", ok=False)
        if there.engine == "Podman":
            assert ran.code != 0
            assert "this engine has no BuildKit: secrets" in ran.err
        else:
            assert ran.code == 0, ran.err
    finally:
        for name, content in kept.items():
            (stack.root / name).write_text(content)
    there.saw("what BuildKit alone has: secrets of a build and more", NO_BUILDKIT if ran.code else "yes")


@pytest.mark.long
def test_the_page_says_what_was_seen() -> None:
    if len(IS) < len(ENGINES):
        pytest.skip(f"not every engine is here: {', '.join(IS)}")
    if os.environ.get("UVDOCK_WRITE_ENGINES"):
        PAGE.write_text(_page(), encoding="utf-8")
    assert _rows(PAGE.read_text(encoding="utf-8")) == _rows(_page())


def _rows(page: str) -> list[str]:
    """The page without the versions, which change."""
    return [line for line in page.splitlines() if not line.startswith("| |")]


def _page() -> str:
    notes: list[str] = []

    def cell(found: str) -> str:
        if found == "yes":
            return "✔"
        if found not in notes:
            notes.append(found)
        return f"– [{notes.index(found) + 1}]"

    head = [f"{IS[engine]}, {how}" for engine, how in ENGINES.items()]
    lines = [f"| {row} | {' | '.join(cell(found[engine]) for engine in ENGINES)} |" for row, found in SEEN.items()]
    return "\n".join(
        [
            "# Engines",
            "",
            "What works where. The tests write this page (`tests/engine/test_engines.py`): each ✔ is a test that ran",
            "on that engine, and so is each –, which is refused or done in another way.",
            "",
            f"| | {' | '.join(head)} |",
            f"|---|{'---|' * len(ENGINES)}",
            *lines,
            "",
            *(f"[{number}] {note}" for number, note in enumerate(notes, 1)),
            "",
        ]
    )
