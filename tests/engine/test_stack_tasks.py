"""`up`, `down`, `ps` and `logs` are Compose's own, but that volumes never go without a yes."""

from __future__ import annotations

import os
import pty
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import BIN, Program, Ran, clean_environment
from tests.engine.conftest import Stack, _remove, docker
from tests.engine.test_commands import Terminal

pytestmark = [pytest.mark.engine, pytest.mark.slow]

COMPOSE = """\
x-sleeps: &sleeps
  image: python:3.13-slim-trixie
  init: true
  stop_grace_period: 0s
  command: ["sh", "-c", "for n in 1 2 3; do echo line $$n of $$NAME; done; touch /tmp/up; exec sleep infinity"]
  healthcheck: {test: ["CMD", "test", "-e", "/tmp/up"], interval: 1s}
services:
  one:
    <<: *sleeps
    environment: {NAME: one}
    volumes: [kept:/kept, /nameless]
  two:
    <<: *sleeps
    environment: {NAME: two}
  tool:
    <<: *sleeps
    environment: {NAME: tool}
    profiles: [tools]
    volumes: [tools:/kept, others:/others]
volumes:
  kept: {}
  tools: {}
  others: {external: true, name: "${OTHERS}"}
"""


@pytest.fixture
def stack(new_folder: Path) -> Iterator[Stack]:
    new_folder.mkdir()
    (new_folder / "compose.yaml").write_text(COMPOSE)
    (new_folder / "tasks.py").write_text("from uvdock import ns\n")
    others = f"{new_folder.name}others"
    docker("volume", "create", others)
    made = Stack(new_folder, Program({**clean_environment(), "OTHERS": others}), new_folder)
    yield made
    _remove(made)
    docker("volume", "rm", others)


def compose(stack: Stack, *args: str) -> Ran:
    """What `docker compose` itself leaves."""
    done = subprocess.run(
        ["docker", "compose", *args], cwd=stack.root, env=stack.program.env, capture_output=True, check=False
    )
    return Ran(done.returncode, done.stdout, done.stderr)


def services(stack: Stack) -> set[str]:
    """The services that run."""
    return set(compose(stack, "--profile", "*", "ps", "--services").out.split())


def volumes(stack: Stack) -> set[str]:
    """The stack's own named volumes, without the stack's name."""
    names = docker("volume", "ls", "--quiet", "--filter", f"label=com.docker.compose.project={stack.name}").split()
    return {name.removeprefix(f"{stack.name}_") for name in names if len(name) < 64}


class TestUp:
    def test_everything_runs_and_is_healthy_after_a_wait(self, stack: Stack) -> None:
        ran = stack.inv("up", "--wait")
        assert ran.out == ""
        assert services(stack) == {"one", "two"}
        assert "(healthy)" in stack.inv("ps").out
        # Without the columns that say how long ago something was.
        columns = ["--format", "{{.Name}} {{.Image}} {{.Health}}"]
        assert stack.inv("ps", "--", *columns).stdout == compose(stack, "ps", *columns).stdout != b""

    def test_only_what_is_named(self, stack: Stack) -> None:
        stack.uvdock("up", "two")
        assert services(stack) == {"two"}
        stack.inv("up", "--", "one")
        assert services(stack) == {"one", "two"}
        assert stack.uvdock("ps", "--", "--services", "one").out == "one\n"

    def test_what_compose_refuses_has_composes_words_and_code(self, stack: Stack) -> None:
        for args in (["up", "--", "three"], ["logs", "--", "three"], ["ps", "--", "--nonsense"]):
            mine = stack.inv(*args, ok=False)
            theirs = compose(stack, args[0], *args[2:])
            assert (mine.code, mine.stdout) == (theirs.code, theirs.stdout)
            assert mine.code != 0
            said = mine.stderr.removeprefix(theirs.stderr).decode()
            named = "note: there is no service 'three'; services here: one, tool, two\n"
            assert said == ("" if "--nonsense" in args else named)

    def test_a_task_where_a_service_stands_gets_the_line_to_type(self, stack: Stack) -> None:
        for task, typed in (("up", "uvdock up && uvdock ps"), ("logs", "uvdock logs && uvdock ps")):
            ran = stack.uvdock(task, "ps", ok=False)
            assert ran.code != 0
            assert ran.err.splitlines()[-1].endswith(f"for one after the other, type {typed}")


class TestLogs:
    def test_they_are_composes_own(self, stack: Stack) -> None:
        stack.uvdock("up", "--wait", "one")
        assert "line 1 of one" in stack.uvdock("logs").out
        assert stack.uvdock("logs").stdout == compose(stack, "logs").stdout
        last = stack.uvdock("logs", "--tail", "1", "one")
        assert last.out.split("|")[1:] == [" line 3 of one\n"]

    @pytest.mark.parametrize(
        "signum", [signal.SIGINT, pytest.param(signal.SIGTERM, marks=pytest.mark.long)], ids=["SIGINT", "SIGTERM"]
    )
    def test_following_ends_when_it_is_stopped(self, stack: Stack, signum: signal.Signals) -> None:
        stack.uvdock("up", "--wait", "one")
        process = stack.program.start("logs", "-f", "one", cwd=stack.root)
        assert process.stdout is not None
        shown = b""
        while b"line 3" not in shown:
            shown = process.stdout.readline()
        process.send_signal(signum)
        _, err = process.communicate(timeout=60)
        assert process.returncode == 128 + signum
        assert b"Traceback" not in err

    def test_ctrl_c_at_a_terminal_ends_it(self, stack: Stack) -> None:
        stack.uvdock("up", "--wait", "one")
        with OwnTerminal(stack, "logs", "--follow") as terminal:
            shown = read_until(terminal, "line 3 of one")
            terminal.type(b"\x03")
            shown += terminal.read_to_end()
            assert terminal.process.wait(timeout=60) == 130
        assert "Traceback" not in shown


class TestDown:
    def test_containers_of_every_profile_go_and_volumes_stay(self, stack: Stack) -> None:
        compose(stack, "--profile", "tools", "up", "--detach")
        assert services(stack) == {"one", "two", "tool"}
        stack.uvdock("down")
        assert services(stack) == set()
        assert docker("network", "ls", "--quiet", "--filter", f"name={stack.name}") == ""
        assert volumes(stack) == {"kept", "tools"}

    def test_volumes_do_not_go_where_nobody_can_be_asked(self, stack: Stack) -> None:
        compose(stack, "--profile", "tools", "up", "--detach")
        ran = stack.uvdock("down", "--volumes", ok=False, stdin=b"y\n")
        assert (ran.code, ran.out) == (1, "")
        what, where, fix = ran.err.splitlines()
        lost = f"{stack.name}_kept, {stack.name}_tools, 1 volume without a name, with all data in them"
        assert what == f"error: nothing was removed; it would be {lost}"
        assert where.endswith("compose.yaml")
        assert "--yes" in fix
        assert services(stack) == {"one", "two", "tool"}
        assert volumes(stack) == {"kept", "tools"}

    @pytest.mark.parametrize(
        ("answer", "kept"),
        [
            (b"n\r", {"kept"}),
            pytest.param(b"\r", {"kept"}, marks=pytest.mark.long),
            pytest.param(b"\x04", {"kept"}, marks=pytest.mark.long),
            (b"y\r", set()),
        ],
    )
    def test_at_a_terminal_it_asks(self, stack: Stack, answer: bytes, kept: set[str]) -> None:
        stack.uvdock("up", "one")
        with Terminal(stack, "down", "--volumes") as terminal:
            assert f"{stack.name}_kept" in read_until(terminal, "[y/N] ")
            terminal.type(answer)
            terminal.read_to_end()
            assert terminal.process.wait(timeout=60) == (1 if kept else 0)
        assert volumes(stack) == kept
        assert services(stack) == ({"one"} if kept else set())

    def test_yes_is_an_answer_too_and_other_peoples_volumes_stay(self, stack: Stack) -> None:
        compose(stack, "--profile", "tools", "up", "--detach")
        stack.uvdock("down", "--volumes", "--yes")
        assert (services(stack), volumes(stack)) == (set(), set())
        assert docker("volume", "inspect", "--format", "{{.Name}}", f"{stack.name}others") == f"{stack.name}others"

    def test_where_there_is_nothing_to_lose_it_does_not_ask(self, stack: Stack) -> None:
        assert stack.uvdock("down", "--volumes").out == ""


@pytest.mark.parametrize("task", [["up"], ["down"], ["down", "--volumes"], ["ps"], ["logs"]], ids=" ".join)
def test_without_an_engine_there_is_no_traceback(stack: Stack, task: list[str]) -> None:
    stack.program.env["DOCKER_HOST"] = f"unix://{stack.root}/none.sock"
    try:
        ran = stack.uvdock(*task, ok=False)
    finally:
        del stack.program.env["DOCKER_HOST"]
    assert ran.code == 1
    assert "docker" in ran.err.lower()
    assert "Traceback" not in ran.err


class OwnTerminal(Terminal):
    """A terminal that belongs to the program, as a person's does: Ctrl-C in it is a signal to all that runs there."""

    def __init__(self, stack: Stack, *args: str) -> None:
        take_it = (
            "import fcntl, os, sys, termios as t; fcntl.ioctl(0, t.TIOCSCTTY, 0); os.execv(sys.argv[1], sys.argv[1:])"
        )
        self.master, slave = pty.openpty()
        self.process = subprocess.Popen(
            [sys.executable, "-c", take_it, str(BIN / "uvdock"), *args],
            cwd=stack.root,
            env=stack.program.env,
            stdin=slave,
            stdout=slave,
            stderr=slave,
            start_new_session=True,
        )
        os.close(slave)


def read_until(terminal: Terminal, text: str) -> str:
    """What the program at a terminal shows, up to and with ``text``."""
    import os

    shown = b""
    deadline = time.monotonic() + 60
    while text.encode() not in shown:
        assert time.monotonic() < deadline, shown
        shown += os.read(terminal.master, 65536)
    return shown.decode("utf-8", "replace")


BROKEN = """\
x-base: &base
  image: python:3.13-slim-trixie
  init: true
  stop_grace_period: 0s
services:
  fine:
    <<: *base
    command: ["sh", "-c", "echo fine says; exec sleep infinity"]
  sick:
    <<: *base
    command: ["sh", "-c", "for n in $$(seq 60); do echo sick $$n; done; exec sleep infinity"]
    healthcheck: {test: ["CMD", "false"], interval: 1s, retries: 1}
  gone:
    <<: *base
    command: ["sh", "-c", "echo why it went; exit 4"]
  done:
    <<: *base
    command: ["sh", "-c", "echo done says"]
"""


@pytest.fixture
def broken(new_folder: Path, program: Program) -> Iterator[Stack]:
    new_folder.mkdir()
    (new_folder / "compose.yaml").write_text(BROKEN)
    stack = Stack(new_folder, program, new_folder)
    yield stack
    _remove(stack)


def test_up_shows_the_last_words_of_what_did_not_come_up(broken: Stack) -> None:
    ran = broken.uvdock("up", "--wait", "--", "fine", "sick", ok=False)
    assert ran.code != 0
    assert "sick is unhealthy; it says last:" in ran.err
    assert [line.strip() for line in ran.err.splitlines() if line.startswith("  sick ")] == [
        f"sick {number}" for number in range(41, 61)
    ]
    assert "fine says" not in ran.err + ran.out
    ran = broken.uvdock("up", "--wait", "--", "gone", ok=False)
    assert "gone is exited with 4; it says last:\n  why it went\n" in ran.err
    assert "done says" not in ran.err


def test_ci_shows_the_logs_of_what_failed_alone(broken: Stack) -> None:
    broken.program.env["UVDOCK_CI"] = "up -- gone fine:db.wait"
    broken.compose("up", "--detach", "gone", "fine")
    ran = broken.uvdock("ci.test", ok=False)
    assert ran.code != 0
    assert "why it went" in ran.out
    assert "fine says" not in ran.out + ran.err


def test_a_paused_service_says_so(broken: Stack) -> None:
    broken.compose("up", "--detach", "fine")
    broken.compose("pause", "fine")
    (broken.root / "pyproject.toml").write_text('[project]\nname = "app"\nversion = "0"\n')
    broken.program.env["UVDOCK_SERVICE"] = "fine"
    try:
        for arguments in (["cmd", "true"], ["shell", "--", "fine"], ["uv", "run", "true"]):
            ran = broken.uvdock(*arguments, ok=False)
            assert ran.code == 1
            assert "error: fine is paused\n" in ran.err
            assert " next: docker compose unpause fine\n" in ran.err
    finally:
        broken.compose("unpause", "fine")
    assert broken.uvdock("cmd", "true").code == 0
