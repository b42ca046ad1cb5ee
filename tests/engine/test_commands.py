"""Commands in the service are the command's own: arguments, streams, exit codes, terminals and signals.

Each case runs in a running container, the long way and the short one, and in a one-off. The stack is built once each.
"""

from __future__ import annotations

import json
import os
import pty
import select
import signal
import subprocess
import time
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.arguments import LISTS
from tests.conftest import Program, clean_environment
from tests.engine.conftest import Stack, _remove, docker

pytestmark = [pytest.mark.engine, pytest.mark.slow]

#: Prints its arguments as JSON; stands where uv stands, so that what reaches uv can be seen.
PROBE = "#!/usr/bin/env python3\nimport json, sys\nprint(json.dumps(sys.argv[1:]))\n"

DOCKERFILE = """\
FROM python:3.13-slim-trixie
RUN useradd --uid 1000 --create-home app && install -d -o app /app
COPY probe /usr/local/bin/uv
COPY probe /usr/local/bin/probe
USER app
WORKDIR /app
COPY pyproject.toml ./
ENTRYPOINT ["sh", "-c", "echo the entry point waits for a database; sleep 600"]
"""

COMPOSE = """\
services:
  web:
    build: .
    init: true
    stop_grace_period: 0s
    depends_on: [never]
    {running}
  never:
    image: python:3.13-slim-trixie
    command: ["sh", "-c", "exit 1"]
"""


@pytest.fixture(scope="module", params=["running", "short way", "one-off"])
def stack(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    root = tmp_path_factory.mktemp("commands") / f"s{uuid.uuid4().hex[:10]}"
    root.mkdir()
    running = request.param != "one-off"
    override = 'entrypoint: ["sleep", "infinity"]' if running else ""
    (root / "Dockerfile").write_text(DOCKERFILE)
    (root / "compose.yaml").write_text(COMPOSE.format(running=override))
    (root / "pyproject.toml").write_text('[project]\nname = "app"\nversion = "0"\nrequires-python = ">=3.11"\n')
    (root / "tasks.py").write_text("from uvdock import ns\n")
    (root / "probe").write_text(PROBE)
    (root / "probe").chmod(0o755)
    made = Stack(root, Program(clean_environment()), root, short=request.param == "short way")
    made.uvdock("build", "web")
    if running:
        made.compose("up", "--detach", "--no-deps", "web")
    # Where nothing can be stored, every call goes the long way.
    cache = root.parent / "cache" if made.short else root / "Dockerfile" / "none"
    made.program.env["XDG_CACHE_HOME"] = str(cache)
    if made.short:
        for program in ("inv", "uvdock"):
            made.program.run("cmd", "--", "true", cwd=root, program=program)
        assert len(list((cache / "uvdock").glob("container-*.json"))) == 2
    yield made
    _remove(made)


def in_use(stack: Stack) -> str:
    """A container of the stack in which something runs: the service's own, or the one-off."""
    return docker("ps", "--quiet", "--filter", f"label=com.docker.compose.project={stack.name}")


def wait_for(stack: Stack, command: str) -> None:
    """Wait until ``command`` runs in a container of the stack."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        if any(command in docker("top", container, check=False) for container in in_use(stack).split()):
            return
    raise AssertionError(f"{command} never ran")


def assert_gone(stack: Stack, command: str, since: float) -> None:
    """No process of that name is left in the stack, and that within 2 seconds."""
    while any(command in docker("top", container, check=False) for container in in_use(stack).split()):
        assert time.monotonic() - since < 2, f"{command} is still there"


class TestArguments:
    # How a list gets from Invoke to uvdock is the same wherever it runs, and tests/cli has all of it.
    @pytest.mark.parametrize("every", [32, pytest.param(1, marks=pytest.mark.long)])
    @pytest.mark.parametrize("program", ["uvdock", pytest.param("inv", marks=pytest.mark.long)])
    def test_reach_uv_unchanged(self, stack: Stack, program: str, every: int) -> None:
        for name, args in [*LISTS.items()][::every]:
            # After an `add`, the running container's environment follows: uv is called once more, for that.
            followed = args[:1] == ["add"]
            ran = stack.program.run("uv", "--", *args, cwd=stack.root, program=program)
            assert (ran.code, json.loads(ran.out)) == (0, args), name
            assert followed or ran.err == "", name

    @pytest.mark.parametrize(
        "names",
        [
            ["newline", "globs"],
            pytest.param(["empty-inside", "both-quotes", "separator-inside"], marks=pytest.mark.long),
        ],
    )
    def test_reach_commands_unchanged(self, stack: Stack, names: list[str]) -> None:
        for name in names:
            ran = stack.uvdock("cmd", "probe", *LISTS[name])
            assert (json.loads(ran.out), ran.err) == (LISTS[name], "")


class TestStreams:
    def test_ten_mebibytes_pass_unchanged(self, stack: Stack) -> None:
        content = os.urandom(10 * 2**20)
        ran = stack.uvdock("cmd", "cat", stdin=content)
        assert ran.stdout == content
        assert ran.stderr == b""

    @pytest.mark.parametrize("code", [0, 3, *(pytest.param(code, marks=pytest.mark.long) for code in (1, 127, 255))])
    def test_exit_codes_and_both_streams_are_the_commands_own(self, stack: Stack, code: int) -> None:
        script = f"printf 'out\\001'; printf 'err\\377' >&2; exit {code}"
        ran = stack.uvdock("cmd", "--", "sh", "-c", script, ok=False)
        assert (ran.code, ran.stdout, ran.stderr) == (code, b"out\001", b"err\377")

    def test_a_program_that_is_not_there_gives_127(self, stack: Stack) -> None:
        ran = stack.uvdock("cmd", "--", "no-such-program", ok=False)
        assert ran.code == 127
        assert "no-such-program" in ran.err

    def test_the_entry_point_and_the_dependencies_have_no_part(self, stack: Stack) -> None:
        assert stack.uvdock("cmd", "echo", "at once").out == "at once\n"
        assert docker("ps", "--all", "--quiet", "--filter", f"name={stack.name}-never") == ""

    def test_a_shell_reads_its_input(self, stack: Stack) -> None:
        ran = stack.uvdock("shell", stdin=b"echo $0; exit 4", ok=False)
        assert (ran.code, ran.out) == (4, "bash\n")

    def test_another_user(self, stack: Stack) -> None:
        assert stack.uvdock("cmd", "--user", "root", "id", "-un").out == "root\n"
        assert stack.uvdock("cmd", "id", "-un").out == "app\n"


class TestTerminal:
    def test_a_command_at_a_terminal_gets_one(self, stack: Stack) -> None:
        with Terminal(stack, "cmd", "--", "sh", "-c", "test -t 0 && test -t 1 && echo both; exit 5") as terminal:
            assert "both" in terminal.read_to_end()
            assert terminal.process.wait(timeout=30) == 5

    def test_a_terminal_can_be_refused(self, stack: Stack) -> None:
        stack.program.env["UVDOCK_TTY"] = "false"
        try:
            with Terminal(stack, "cmd", "--", "sh", "-c", "test -t 1 || echo none") as terminal:
                assert "none" in terminal.read_to_end()
        finally:
            del stack.program.env["UVDOCK_TTY"]

    def test_ctrl_c_reaches_the_process(self, stack: Stack) -> None:
        with Terminal(stack, "cmd", "--", "sleep", "811") as terminal:
            wait_for(stack, "sleep 811")
            since = time.monotonic()
            terminal.type(b"\x03")
            assert terminal.process.wait(timeout=30) == 130
            assert_gone(stack, "sleep 811", since)

    @pytest.mark.parametrize(
        "signum", [signal.SIGINT, pytest.param(signal.SIGTERM, marks=pytest.mark.long)], ids=["SIGINT", "SIGTERM"]
    )
    def test_a_signal_with_a_terminal_reaches_the_process(self, stack: Stack, signum: signal.Signals) -> None:
        command = f"sleep 82{signum}"
        with Terminal(stack, "cmd", "--", *command.split()) as terminal:
            wait_for(stack, command)
            since = time.monotonic()
            terminal.process.send_signal(signum)
            assert terminal.process.wait(timeout=30) == 128 + signum
            assert_gone(stack, command, since)


class TestSignals:
    @pytest.mark.parametrize("signum", [signal.SIGINT, signal.SIGTERM], ids=["SIGINT", "SIGTERM"])
    def test_reach_the_process(self, stack: Stack, signum: signal.Signals) -> None:
        command = f"sleep 83{signum}"
        self.stop(stack, command.split(), command, signum)

    @pytest.mark.parametrize(
        "signum", [signal.SIGINT, pytest.param(signal.SIGTERM, marks=pytest.mark.long)], ids=["SIGINT", "SIGTERM"]
    )
    def test_end_a_process_that_ignores_them(self, stack: Stack, signum: signal.Signals) -> None:
        command = f"sleep 84{signum}"
        self.stop(stack, ["sh", "-c", f"trap '' INT TERM; {command}; {command}"], command, signum)

    def test_leave_no_one_off(self, stack: Stack) -> None:
        listed = ("ps", "--all", "--quiet", "--no-trunc", "--filter", f"name={stack.name}")
        before = docker(*listed)
        self.stop(stack, ["sleep", "855"], "sleep 855", signal.SIGTERM)
        assert set(docker(*listed).split()) <= set(before.split())

    def stop(self, stack: Stack, argv: list[str], command: str, signum: signal.Signals) -> None:
        process = stack.program.start("cmd", "--", *argv, cwd=stack.root)
        wait_for(stack, command)
        since = time.monotonic()
        process.send_signal(signum)
        process.communicate(timeout=30)
        assert process.returncode == 128 + signum
        assert_gone(stack, command, since)


class Terminal:
    """`uvdock` at a pseudo terminal."""

    def __init__(self, stack: Stack, *args: str) -> None:
        self.master, slave = pty.openpty()
        self.process = subprocess.Popen(
            [str(Path(stack.program.env["PATH"].split(os.pathsep)[0]) / "uvdock"), *args],
            cwd=stack.root,
            env=stack.program.env,
            stdin=slave,
            stdout=slave,
            stderr=slave,
            start_new_session=True,
        )
        os.close(slave)

    def __enter__(self) -> Terminal:
        return self

    def __exit__(self, *_: object) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        os.close(self.master)

    def type(self, keys: bytes) -> None:
        os.write(self.master, keys)

    def read_to_end(self) -> str:
        """What the program shows until it ends."""
        shown = b""
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            if not select.select([self.master], [], [], 0.2)[0]:
                if self.process.poll() is not None:
                    break
                continue
            try:
                part = os.read(self.master, 65536)
            except OSError:
                break
            if not part:
                break
            shown += part
        return shown.decode("utf-8", "replace")
