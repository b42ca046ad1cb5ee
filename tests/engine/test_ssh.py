"""An engine reached by ssh: how many ssh processes that takes, that none stays, and what goes through them.

Needs the engine that `test_remote` has by ssh.
"""

from __future__ import annotations

import os
import select
import shutil
import signal
import subprocess
import termios
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.conftest import BIN, Program, clean_environment
from tests.engine.conftest import BY_SSH, Stack, _remove, make_small, need

pytestmark = [pytest.mark.engine, pytest.mark.slow]

#: The short way, and the long one, on which `docker exec` carries the streams.
WAYS = {"short": ["cmd"], "long": ["cmd", "--user", "app"]}


@dataclass
class There:
    """A running stack behind ssh, and an ssh that notes who started it."""

    stack: Stack
    noted: Path

    def ours(self) -> list[int]:
        """The ssh processes that uvdock itself started since the last time it was asked."""
        lines = self.noted.read_text().splitlines() if self.noted.exists() else []
        self.noted.unlink(missing_ok=True)
        return [int(pid) for pid, parent in (line.split(" ", 1) for line in lines) if not parent.startswith("docker")]

    def runs(self, command: str) -> bool:
        """Whether a command runs in the container."""
        shown = self.stack.in_container("sh", "-c", "cat /proc/[0-9]*/cmdline | tr '\\0' ' '")
        return command in shown

    def wait_for(self, command: str) -> None:
        deadline = time.monotonic() + 60
        while not self.runs(command):
            assert time.monotonic() < deadline


def gone(pids: list[int]) -> bool:
    return not any(Path(f"/proc/{pid}").exists() for pid in pids)


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[There]:
    need(BY_SSH)
    folder = tmp_path_factory.mktemp("ssh")
    noting, noted = folder / "bin" / "ssh", folder / "noted"
    noting.parent.mkdir()
    noting.write_text(f'#!/bin/sh\necho "$$ $(cat /proc/$PPID/comm)" >> {noted}\nexec {shutil.which("ssh")} "$@"\n')
    noting.chmod(0o755)
    stack = make_small(folder / f"s{uuid.uuid4().hex[:10]}", Program(clean_environment()), owner=1000)
    stack.program.env |= {
        "PATH": os.pathsep.join((str(noting.parent), stack.program.env["PATH"])),
        "DOCKER_HOST": BY_SSH,
        "XDG_CACHE_HOME": str(folder / "cache"),
    }
    stack.uvdock("deps.install")
    stack.up()
    stack.uvdock("cmd", "true")
    yield There(stack, noted)
    _remove(stack)


@pytest.fixture
def there(running: There) -> There:
    """The stack, and nothing noted yet."""
    running.ours()
    return running


def test_few_processes_carry_all_of_it(there: There) -> None:
    stack = there.stack
    # A command whose output is collected takes its connection with it, so `deps.check` has another one after that.
    for line, most in {"ps": 1, "deps.check": 2, "cmd --user app true": 1, "cmd true": 2, "uv --version": 2}.items():
        stack.uvdock(*line.split())
        pids = there.ours()
        assert len(pids) <= most, line
        assert gone(pids), line


@pytest.mark.parametrize("way", WAYS)
def test_streams_and_codes_are_the_commands_own(there: There, way: str) -> None:
    content = os.urandom(2**20)
    assert there.stack.uvdock(*WAYS[way], "cat", stdin=content).stdout == content

    ran = there.stack.uvdock(*WAYS[way], "sh", "-c", "echo out; echo err >&2; exit 5", ok=False, stdin=content)
    assert (ran.code, ran.out, ran.err) == (5, "out\n", "err\n")


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("signum", [signal.SIGINT, signal.SIGTERM], ids=["SIGINT", "SIGTERM"])
def test_what_stops_all_at_once_reaches_the_command(there: There, way: str, signum: signal.Signals) -> None:
    """Ctrl-C at the terminal, and what `timeout` sends: the ssh processes get it too."""
    with at_terminal(there.stack, *WAYS[way], "sleep", "871") as (process, master):
        there.wait_for("sleep 871")
        if signum == signal.SIGINT:
            os.write(master, b"\x03")
        else:
            os.killpg(process.pid, signum)
        assert process.wait(timeout=60) == 128 + signum
    assert gone(there.ours())
    assert not there.runs("sleep 871")


def test_an_engine_that_goes_away_is_told(there: There) -> None:
    process = there.stack.program.start("cmd", "sleep", "872", cwd=there.stack.root)
    there.wait_for("sleep 872")
    for pid in there.ours():
        os.kill(pid, signal.SIGKILL)
    _, said = process.communicate(timeout=60)
    assert process.returncode == 1
    assert b"the engine went away while the command ran" in said


class TestAsking:
    """ssh asks for the key's passphrase at the terminal."""

    @pytest.fixture
    def locked(self, there: There, tmp_path: Path) -> Iterator[There]:
        """The same engine, by a key with a passphrase."""
        host = BY_SSH.removeprefix("ssh://")
        known = subprocess.run(["ssh", "-G", host], capture_output=True, text=True, check=True).stdout
        lines = dict(line.split(" ", 1) for line in known.splitlines() if " " in line)
        key, config = tmp_path / "key", tmp_path / "config"
        shutil.copy(Path(lines["identityfile"]).expanduser(), key)
        key.chmod(0o600)
        subprocess.run(["ssh-keygen", "-q", "-p", "-f", key, "-P", "", "-N", "secret"], check=True)
        kept = [f"{name} {lines[name]}" for name in ("hostname", "port", "user", "loglevel")]
        alone = ["IdentitiesOnly yes", "IdentityAgent none", "PasswordAuthentication no", "StrictHostKeyChecking no"]
        config.write_text("\n".join([*kept, f"IdentityFile {key}", *alone, "UserKnownHostsFile /dev/null"]))
        wrapper = there.noted.parent / "bin" / "ssh"
        before = wrapper.read_text()
        wrapper.write_text(before.replace('"$@"', f'-F {config} "$@"'))
        yield there
        wrapper.write_text(before)

    def test_an_answer_is_taken(self, locked: There) -> None:
        with at_terminal(locked.stack, "cmd", "echo", "there") as (process, master):
            # One after the other, for each of the two connections.
            for _ in range(2):
                asked(master)
                os.write(master, b"secret\n")
            assert process.stdout is not None
            assert process.stdout.read() == b"there\n"
            assert process.wait(timeout=60) == 0

    def test_ctrl_c_stops_and_leaves_the_terminal_in_order(self, locked: There) -> None:
        with at_terminal(locked.stack, "cmd", "echo", "there") as (process, master):
            before = termios.tcgetattr(master)
            asked(master)
            os.write(master, b"\x03")
            _, said = process.communicate(timeout=60)
            assert (process.returncode, said) == (130, b"error: stopped\n   at: cmd\n next: run it again\n")
            assert termios.tcgetattr(master) == before
        assert gone(locked.ours())


def asked(master: int) -> None:
    """Wait until ssh asks at the terminal; one question at a time is read."""
    shown, deadline = b"", time.monotonic() + 60
    while not shown.endswith(b"': "):
        assert time.monotonic() < deadline, shown
        if select.select([master], [], [], 1)[0]:
            shown += os.read(master, 1)


@contextmanager
def at_terminal(stack: Stack, *args: str) -> Iterator[tuple[subprocess.Popen[bytes], int]]:
    """`uvdock` at a terminal of its own, with the terminal; its output and errors are pipes."""
    master, slave = os.openpty()
    process = subprocess.Popen(
        # From the terminal comes Ctrl-C, and what a person types.
        ["setsid", "--ctty", str(BIN / "uvdock"), *args],
        cwd=stack.root,
        env=stack.program.env,
        stdin=slave,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    try:
        with process:
            yield process, master
    finally:
        process.kill()
        os.close(slave)
        os.close(master)
