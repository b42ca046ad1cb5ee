"""Commands as real processes: their exit codes, streams and signals are their own."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from uvdock import process
from uvdock.errors import InterruptedBySignalError, UvdockError

PYTHON = sys.executable
#: Says that it is ready, and how it was signalled.
WAITS = """
import signal, sys
def stop(number, _):
    print("got", number, flush=True)
    sys.exit(3)
for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
    signal.signal(number, stop)
print("ready", flush=True)
while True:
    signal.pause()
"""
#: Ends when the named pipe is opened, and says so when a signal comes instead.
WAITS_FOR_PIPE = """
import signal, sys
signal.signal(signal.SIGTERM, lambda *_: sys.exit("signalled"))
print("ready", flush=True)
open(sys.argv[1]).read()
print("released", flush=True)
"""
RUNS = "import sys; from uvdock import process; sys.exit(process.run(sys.argv[1:]))"
RUNS_WITH_HANDLER = """
import sys
from uvdock import process
found, pipe = sys.argv[1] == "found", sys.argv[2]
def deliver(number):
    print("asked", number, flush=True)
    if found:
        open(pipe, "w").close()
    return found
sys.exit(process.run(sys.argv[3:], on_signal=deliver))
"""


def python(script: str, *args: str) -> list[str]:
    return [PYTHON, "-c", script, *args]


def start(argv: Sequence[str]) -> subprocess.Popen[bytes]:
    """A process whose output can be read while it runs; its standard input is no terminal."""
    return subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE)


def line_of(started: subprocess.Popen[bytes]) -> bytes:
    assert started.stdout is not None
    return started.stdout.readline().strip()


@pytest.mark.parametrize("code", [0, 1, 2, 42, 127, 255])
def test_the_exit_code_is_the_commands_own(code: int) -> None:
    argv = python(f"raise SystemExit({code})")
    assert process.run(argv) == code
    assert process.capture(argv).code == code


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGSEGV], ids=lambda item: item.name)
def test_a_command_that_a_signal_stopped(number: signal.Signals) -> None:
    argv = ["sh", "-c", f"ulimit -c 0; kill -{number.value} $$"]
    assert process.run(argv) == 128 + number


@pytest.mark.parametrize("call", [process.run, process.capture], ids=["run", "capture"])
class TestCannotStart:
    """What is wrong when a program cannot be started at all."""

    def test_program_is_missing(self, call: Callable[..., object]) -> None:
        with pytest.raises(UvdockError, match="no-such-program was not found") as caught:
            call(["no-such-program", "x"])
        assert caught.value.code == 127
        assert "PATH" in caught.value.fix

    def test_folder_is_missing(self, call: Callable[..., object], tmp_path: Path) -> None:
        with pytest.raises(UvdockError, match="gone was not found") as caught:
            call(["true"], cwd=tmp_path / "gone")
        assert caught.value.code == 127

    def test_program_is_not_executable(self, call: Callable[..., object], tmp_path: Path) -> None:
        (tmp_path / "script").write_text("#!/bin/sh\n")
        with pytest.raises(UvdockError, match="could not be started") as caught:
            call([str(tmp_path / "script")])
        assert caught.value.code == 126

    def test_argument_is_impossible(self, call: Callable[..., object]) -> None:
        with pytest.raises(UvdockError, match="could not be started") as caught:
            call(["true", "\0"])
        assert caught.value.code == 126


@settings(max_examples=25)
@given(st.lists(st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]))))
def test_arguments_arrive_unchanged(args: list[str]) -> None:
    shown = process.capture(python("import sys; print(ascii(sys.argv[1:]))", *args)).text
    assert shown.strip() == ascii(args)


def test_capture_keeps_both_streams_apart_and_whole() -> None:
    found = process.capture(python("import os; os.write(1, b'\\xff\\x00out\\r\\n'); os.write(2, b' err \\n')"))
    assert (found.stdout, found.stderr) == (b"\xff\x00out\r\n", b" err \n")
    assert found.text == "�\x00out\r\n"
    assert found.error_text == "err"


@pytest.mark.parametrize("size", [0, 1, 1_000_000])
def test_standard_input_is_binary(capfdbinary: pytest.CaptureFixture[bytes], size: int) -> None:
    content = bytes(range(256)) * (size // 256) + b"\x00\xff\r\n"[: size % 256]
    argv = python("import sys; sys.stdout.buffer.write(sys.stdin.buffer.read())")
    assert process.capture(argv, stdin=content).stdout == content
    assert process.run(argv, stdin=content) == 0
    assert capfdbinary.readouterr().out == content


def test_capture_reads_nothing_of_uvdocks_own_input() -> None:
    script = "import sys; from uvdock import process; print(process.capture(['cat']).stdout, sys.stdin.read())"
    done = subprocess.run(python(script), input=b"mine", capture_output=True, check=True)
    assert done.stdout.strip() == b"b'' mine"


def test_run_hands_its_own_input_on() -> None:
    done = subprocess.run(python(RUNS, "cat"), input=b"\x00\xff mine", capture_output=True, check=True)
    assert done.stdout == b"\x00\xff mine"


def test_output_can_go_to_standard_error(capfd: pytest.CaptureFixture[str]) -> None:
    assert process.run(["echo", "step"], stdout_to_stderr=True) == 0
    assert process.run(["echo", "own"]) == 0
    printed = capfd.readouterr()
    assert (printed.out, printed.err) == ("own\n", "step\n")


def test_environment_and_folder(tmp_path: Path) -> None:
    found = process.capture(["/bin/sh", "-c", 'echo "$A"; pwd'], env={"A": "b c"}, cwd=tmp_path)
    assert found.text.splitlines() == ["b c", str(tmp_path)]


@pytest.mark.parametrize("number", process.STOP_SIGNALS, ids=lambda item: item.name)
def test_a_signal_is_handed_on_and_tells_in_the_exit_code(number: signal.Signals) -> None:
    running = start(python(RUNS, *python(WAITS)))
    assert line_of(running) == b"ready"
    running.send_signal(number)
    out, err = running.communicate()
    assert out.strip() == f"got {number.value}".encode()
    assert running.returncode == 128 + number
    assert err == b""


@pytest.mark.parametrize(
    ("found", "ending"),
    [
        pytest.param("found", b"released", id="real-process-found"),
        pytest.param("not-found", b"", id="real-process-not-found"),
    ],
)
def test_the_real_process_of_a_command_gets_the_signal_first(tmp_path: Path, found: str, ending: bytes) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    running = start(python(RUNS_WITH_HANDLER, found, str(pipe), *python(WAITS_FOR_PIPE, str(pipe))))
    assert line_of(running) == b"ready"
    running.send_signal(signal.SIGTERM)
    out, err = running.communicate()
    assert out.split(b"\n")[0] == b"asked 15"
    assert out.split(b"\n")[1] == ending
    assert err.strip() == (b"" if ending else b"signalled")
    assert running.returncode == 128 + signal.SIGTERM


def test_signal_handlers_are_as_before_afterwards() -> None:
    before = [signal.getsignal(number) for number in process.STOP_SIGNALS]
    process.run(["true"])
    with process.interruptible():
        pass
    assert [signal.getsignal(number) for number in process.STOP_SIGNALS] == before


def test_run_works_in_a_thread() -> None:
    codes: list[int] = []
    thread = threading.Thread(target=lambda: codes.append(process.run(["sh", "-c", "exit 5"])))
    thread.start()
    thread.join()
    assert codes == [5]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP], ids=lambda item: item.name)
def test_a_signal_between_commands_can_be_cleaned_up_after(number: signal.Signals) -> None:
    cleaned: list[int] = []

    def work() -> None:
        with process.interruptible():
            try:
                signal.raise_signal(number)
            finally:
                cleaned.append(number)

    with pytest.raises(InterruptedBySignalError) as caught:
        work()
    assert caught.value.code == 128 + number
    assert cleaned == [number]


@pytest.mark.parametrize(
    ("stdin", "stdout", "expected"),
    [
        pytest.param(True, True, True, id="both"),
        pytest.param(True, False, False, id="only-input"),
        pytest.param(False, True, False, id="only-output"),
        pytest.param(False, False, False, id="none"),
    ],
)
def test_a_terminal_is_both_input_and_output(stdin: bool, stdout: bool, expected: bool) -> None:
    master, slave = os.openpty()
    script = "import sys; from uvdock import process; sys.exit(10 + process.terminal())"
    done = subprocess.run(
        python(script),
        stdin=slave if stdin else subprocess.DEVNULL,
        stdout=slave if stdout else subprocess.DEVNULL,
        check=False,
    )
    os.close(slave)
    os.close(master)
    assert done.returncode == 10 + expected


class TestStreams:
    def test_parts_go_in_and_come_out_one_by_one(self) -> None:
        parts = [bytes([number % 256]) * 100_000 for number in range(20)]
        with tempfile.TemporaryFile() as file:
            assert process.run(["cat"], stdin=iter(parts), stdout=file) == 0
            file.seek(0)
            assert file.read() == b"".join(parts)
        taken: list[bytes] = []
        assert process.run([sys.executable, "-c", "print('x' * 200_000, end='')"], stdin=b"", stdout=taken.append) == 0
        assert b"".join(taken) == b"x" * 200_000
        assert max(map(len, taken)) <= 2**16

    def test_a_command_that_reads_no_further_keeps_its_exit_code(self) -> None:
        assert process.run(["sh", "-c", "exec <&-; exit 3"], stdin=(b"x" * 2**16 for _ in range(100))) == 3

    def test_what_fails_while_it_feeds_stops_the_command_before_its_input_ends(self, tmp_path: Path) -> None:
        def parts() -> Iterator[bytes]:
            yield b"half\n"
            raise ValueError("no more")

        script = f"read line; read line || touch {tmp_path}/ended"
        stopped: list[int] = []

        def stop(signum: int) -> bool:
            stopped.append(signum)
            return False

        with pytest.raises(ValueError, match="no more"):
            process.run(["sh", "-c", script], stdin=parts(), on_signal=stop)
        assert stopped == [signal.SIGTERM]
        assert not (tmp_path / "ended").exists()

    def test_what_cannot_take_the_output_stops_the_command(self) -> None:
        def full(_: bytes) -> None:
            raise OSError(28, "full")

        with pytest.raises(OSError, match="full"):
            process.run(["sh", "-c", "while echo x; do :; done"], stdin=b"", stdout=full)
