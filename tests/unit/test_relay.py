"""What a failed command's standard error is, where the program that carries it adds a line of its own."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

#: Runs a shell command as a one-off is run, and says whether the program was asked for its version.
SCRIPT = """
import subprocess, sys
from uvdock.relay import relayed

def adds():
    print("asked")
    return sys.argv[2] == "adds"

sys.exit(relayed(lambda stderr: subprocess.run(["sh", "-c", sys.argv[1]], stderr=stderr).returncode, adds))
"""


def ran(command: str, adds: str) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run([sys.executable, "-c", SCRIPT, command, adds], capture_output=True, timeout=60, check=False)


@pytest.mark.parametrize(
    ("command", "adds", "stderr", "asked"),
    [
        ("printf err >&2; echo >&2; exit 3", "adds", b"err", True),
        ("echo err >&2; echo >&2; exit 3", "adds", b"err\n", True),
        ("echo >&2; echo >&2; exit 3", "adds", b"\n", True),
        ("echo err >&2; echo exit status 3 >&2; exit 3", "adds", b"err\n", True),
        # The command's own words, of a Compose that adds nothing or not this time.
        ("printf err >&2; echo >&2; exit 3", "not", b"err\n", True),
        ("echo err >&2; exit 3", "adds", b"err\n", False),
        ("printf err >&2; echo >&2", "adds", b"err\n", False),
        ("echo >&2; printf err >&2; exit 3", "adds", b"\nerr", False),
        ("exit 3", "adds", b"", False),
    ],
)
def test_only_an_added_last_line_is_left_out(command: str, adds: str, stderr: bytes, asked: bool) -> None:
    done = ran(command, adds)
    assert done.stderr == stderr
    assert (b"asked" in done.stdout) is asked
    assert done.returncode == (3 if "exit 3" in command else 0)


def test_where_both_streams_are_one_their_order_stays(tmp_path: Path) -> None:
    command = "for n in 1 2 3 4 5 6 7 8 9; do echo out $n; echo err $n >&2; done; echo >&2; exit 3"
    with (tmp_path / "both").open("w+b") as file:
        subprocess.run(
            [sys.executable, "-c", SCRIPT, command, "adds"], stdout=file, stderr=file, timeout=60, check=False
        )
        file.seek(0)
        assert file.read().decode() == "".join(f"out {n}\nerr {n}\n" for n in range(1, 10)) + "\n"


def test_what_is_written_comes_at_once() -> None:
    command = "echo ready >&2; read answer; exit 3"
    with subprocess.Popen(
        [sys.executable, "-c", SCRIPT, command, "adds"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as running:
        assert running.stderr is not None
        assert running.stdin is not None
        assert running.stderr.readline() == b"ready\n"
        running.stdin.write(b"go on\n")
        running.stdin.close()
        assert running.wait(30) == 3
