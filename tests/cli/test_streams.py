"""A pass-through task is as good as the command itself: its exit code, its bytes, its signals, its terminal."""

from __future__ import annotations

import errno
import os
import pty
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import BIN, BOTH, Program, hashes, make_project

#: Says its process id, waits for a signal, says which one came, and would end well.
WAITS = """
import os, signal, sys
signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
print(os.getpid(), flush=True)
number = signal.sigwait([signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
print(number.name, flush=True)
"""
#: Runs a program with the terminal on its standard input as its controlling one, as a shell does.
LOGIN = (
    "import fcntl, os, sys, termios; os.setsid(); "
    "fcntl.ioctl(0, termios.TIOCSCTTY, 0); os.execv(sys.argv[1], sys.argv[1:])"
)


@pytest.fixture
def project(tmp_path: Path) -> Path:
    folder = make_project(tmp_path / "app")
    (folder / "tasks.py").write_text("from uvdock import ns\n")
    return folder


@pytest.mark.parametrize("name", BOTH)
@pytest.mark.parametrize("code", [0, 1, 2, 3, 42, 126, 127, 128, 255])
def test_exit_code_is_the_commands_own(program: Program, project: Path, name: str, code: int) -> None:
    ran = program.run("cmd", "--", "sh", "-c", f"exit {code}", cwd=project, program=name)

    assert (ran.code, ran.out, ran.err) == (code, "", "")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL, signal.SIGTERM, signal.SIGSEGV])
def test_a_command_that_dies_of_a_signal_gives_128_and_the_signal(
    program: Program, project: Path, number: signal.Signals
) -> None:
    ran = program.run("cmd", "--", "sh", "-c", f"kill -{int(number)} $$", cwd=project)

    assert (ran.code, ran.out, ran.err) == (128 + number, "", "")


@pytest.mark.parametrize("name", BOTH)
def test_both_streams_come_byte_for_byte(program: Program, project: Path, name: str) -> None:
    script = r"printf 'a\000\377\r\nb'; printf 'c\376\r\033[1md' >&2; exit 7"

    ran = program.run("cmd", "--", "sh", "-c", script, cwd=project, program=name)

    assert (ran.code, ran.stdout, ran.stderr) == (7, b"a\0\xff\r\nb", b"c\xfe\r\033[1md")


def test_uv_has_its_own_code_and_streams(program: Program, project: Path) -> None:
    by_itself = subprocess.run(
        [str(BIN / "uv"), "tree", "--no-such-option"], cwd=project, env=program.env, capture_output=True, check=False
    )
    assert by_itself.returncode == 2

    ran = program.run("uv", "tree", "--no-such-option", cwd=project)

    assert (ran.code, ran.stdout, ran.stderr) == (by_itself.returncode, by_itself.stdout, by_itself.stderr)


def test_ten_mebibytes_go_through_unchanged(program: Program, project: Path) -> None:
    content = os.urandom(10 * 1024 * 1024)

    ran = program.run("cmd", "--", "cat", cwd=project, stdin=content)

    assert (ran.code, ran.stderr) == (0, b"")
    assert ran.stdout == content


def test_a_command_without_input_reads_the_end_of_it(program: Program, project: Path) -> None:
    ran = program.run("cmd", "--", sys.executable, "-c", "import sys; print(sys.stdin.read() == '')", cwd=project)

    assert (ran.code, ran.out, ran.err) == (0, "True\n", "")


def test_a_reader_that_leaves_early_is_no_error_of_uvdocks(program: Program, project: Path) -> None:
    done = subprocess.run(
        ["sh", "-c", f"{BIN / 'uvdock'} cmd -- yes | head -n 1"],
        cwd=project,
        env=program.env,
        capture_output=True,
        check=True,
        timeout=60,
    )

    assert done.stdout == b"y\n"
    assert done.stderr == b""


@pytest.mark.parametrize("arguments", [["cmd", "--", "true"], ["uv", "--version"], ["uv", "help", "add"], ["config"]])
@pytest.mark.parametrize("name", BOTH)
def test_uvdock_adds_no_words_of_its_own_where_nobody_looks(
    program: Program, project: Path, name: str, arguments: list[str]
) -> None:
    if name == "inv" and arguments[0] == "uv":
        arguments = ["uv", "--", *arguments[1:]]

    ran = program.run(*arguments, cwd=project, program=name)

    assert (ran.code, ran.err) == (0, "")


@pytest.mark.parametrize(
    ("command", "code"),
    [
        pytest.param("no-such-program", 127, id="not-there"),
        pytest.param("./pyproject.toml", 126, id="not-executable"),
    ],
)
def test_a_command_that_cannot_start(program: Program, project: Path, command: str, code: int) -> None:
    ran = program.run("cmd", "--", command, "x", cwd=project)

    assert (ran.code, ran.out) == (code, "")
    what, where, fix = ran.err.splitlines()
    assert what.startswith(f"error: {command} ")
    assert where.startswith("   at: ")
    assert fix.startswith(" next: ")


@pytest.mark.parametrize("name", BOTH)
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_reaches_the_command(program: Program, project: Path, name: str, number: signal.Signals) -> None:
    running = program.start("cmd", "--", sys.executable, "-c", WAITS, cwd=project, program=name)
    assert running.stdout is not None
    process = int(running.stdout.readline())

    running.send_signal(number)
    out, err = running.communicate(timeout=60)

    assert (running.returncode, out.decode(), err.decode()) == (128 + number, f"{number.name}\n", "")
    assert not _alive(process)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_command_without_a_handler_is_gone_after_a_signal(
    program: Program, project: Path, number: signal.Signals
) -> None:
    running = program.start("cmd", "--", "sh", "-c", "echo $$; exec sleep 600", cwd=project)
    assert running.stdout is not None
    process = int(running.stdout.readline())

    running.send_signal(number)
    out, err = running.communicate(timeout=60)

    assert (running.returncode, out, err) == (128 + number, b"", b"")
    assert not _alive(process)


@pytest.mark.parametrize("task", [["uv", "add", "six"], ["uv", "lock"], ["deps.lock"], ["deps.install"]])
def test_a_stopped_uv_leaves_the_manifests_as_they_were(program: Program, project: Path, task: list[str]) -> None:
    uv = project / "programs" / "uv"
    uv.parent.mkdir()
    uv.write_text("#!/bin/sh\necho half > uv.lock\necho half >> pyproject.toml\necho $$ >&2\nexec sleep 600\n")
    uv.chmod(0o755)
    before = hashes(project)
    env = {**program.env, "PATH": f"{uv.parent}:{program.env['PATH']}"}

    running = Program(env).start(*task, cwd=project)
    assert running.stderr is not None
    process = next(int(line) for line in running.stderr if line.strip().isdigit())
    assert hashes(project) != before
    running.send_signal(signal.SIGTERM)
    running.communicate(timeout=60)

    assert running.returncode == 143
    assert not _alive(process)
    assert hashes(project) == before


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        pytest.param("uvdock", ["cmd", "--"], id="uvdock"),
        pytest.param("inv", ["cmd", "--"], id="inv"),
        pytest.param("uvdock", ["uv", "run", "--no-project", "--"], id="uv-run"),
    ],
)
def test_a_command_at_a_terminal_has_it(program: Program, project: Path, name: str, arguments: list[str]) -> None:
    script = "import sys; print(sys.stdin.isatty(), sys.stdout.isatty(), sys.stderr.isatty())"

    code, shown = _at_terminal([name, *arguments, sys.executable, "-c", script], project, program.env)

    assert code == 0
    assert b"True True True\r\n" in shown


def test_ctrl_c_at_a_terminal_stops_the_command(program: Program, project: Path) -> None:
    code, shown = _at_terminal(
        ["uvdock", "cmd", "--", sys.executable, "-c", WAITS], project, program.env, types=b"\x03"
    )

    assert code == 130
    process, name = shown.split()[:2]
    assert name.endswith(b"SIGINT")
    assert not _alive(int(process))


def test_at_a_terminal_the_time_is_told(program: Program, project: Path) -> None:
    code, shown = _at_terminal(["uvdock", "cmd", "--", "true"], project, program.env)

    assert code == 0
    assert b"cmd took " in shown


@pytest.mark.parametrize("variable", [{"NO_COLOR": "1"}, {"TERM": "dumb"}], ids=["no-color", "dumb"])
def test_colour_can_be_refused(program: Program, project: Path, variable: dict[str, str]) -> None:
    colourful = {**program.env, "TERM": "xterm"}

    _, painted = _at_terminal(["uvdock", "cmd", "--", "true"], project, colourful)
    _, plain = _at_terminal(["uvdock", "cmd", "--", "true"], project, {**colourful, **variable})

    assert b"\x1b[" in painted
    assert b"\x1b[" not in plain


def _at_terminal(command: list[str], cwd: Path, env: dict[str, str], types: bytes = b"") -> tuple[int, bytes]:
    """Run a command at a terminal of its own; ``types`` is typed once it has printed a line."""
    ours, theirs = pty.openpty()
    with os.fdopen(ours, "rb", buffering=0, closefd=False) as screen:
        running = subprocess.Popen(
            [sys.executable, "-c", LOGIN, str(BIN / command[0]), *command[1:]],
            cwd=cwd,
            env={**env, "TERM": env.get("TERM", "xterm")},
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
        )
        os.close(theirs)
        shown = b""
        while True:
            try:
                part = screen.read(65536)
            except OSError as error:
                # Linux says so when nobody has the other end any more.
                if error.errno != errno.EIO:
                    raise
                break
            if not part:
                break
            shown += part
            if types and b"\n" in shown:
                os.write(ours, types)
                types = b""
    os.close(ours)
    return running.wait(timeout=60), shown


def _alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    return True
