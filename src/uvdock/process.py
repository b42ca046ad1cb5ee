"""Starting processes: the only module that does.

Commands are argument lists; no shell stands between uvdock and a program.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import FrameType

from uvdock.errors import InterruptedBySignalError, UvdockError

#: The signals that mean "stop" and are handed on to whatever runs.
STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@dataclass(frozen=True)
class Output:
    """What a captured command left: its exit code and both streams as bytes."""

    code: int
    stdout: bytes
    stderr: bytes

    @property
    def text(self) -> str:
        """Standard output as text; bytes that are no UTF-8 are replaced."""
        return self.stdout.decode("utf-8", "replace")

    @property
    def error_text(self) -> str:
        """Standard error as text for a sentence: without blank ends and uv's own ``error:`` before it."""
        return self.stderr.decode("utf-8", "replace").strip().removeprefix("error: ")


def terminal() -> bool:
    """Whether both standard input and standard output are terminals: the one rule for ``-t``."""
    return _isatty(sys.__stdin__) and _isatty(sys.__stdout__)


def run(
    argv: Sequence[str],
    *,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
    stdin: bytes | None = None,
    stdout_to_stderr: bool = False,
    on_signal: Callable[[int], bool] | None = None,
) -> int:
    """Run a command on uvdock's own streams and wait for it.

    Args:
        argv: The command, argument for argument.
        env: Its whole environment; uvdock's own by default.
        cwd: Its working folder.
        stdin: What it reads instead of uvdock's own standard input.
        stdout_to_stderr: Send its standard output to standard error (for steps, not for pass-through).
        on_signal: What to do with SIGINT, SIGTERM or SIGHUP before it is sent to the command: for commands
            whose real process is in a container. Returns whether that process was found; only if not, the
            command itself gets the signal.

    Returns:
        The command's exit code; 128 + n when signal n stopped it or uvdock.

    Raises:
        UvdockError: The program is not there or cannot be started.
    """
    received: list[int] = []
    # A command in a group of its own does not die of the Ctrl-C that is to reach the container's
    # process first. It may not read a terminal from there, so only where standard input is none.
    own_group = on_signal is not None and not _isatty(sys.__stdin__)
    with _handlers(received, _later):
        process = _start(
            argv,
            env=env,
            cwd=cwd,
            stdin=None if stdin is None else subprocess.PIPE,
            stdout=_stderr_fd() if stdout_to_stderr else None,
            process_group=0 if own_group else None,
        )
        to_child = _to_child(process)

        def deliver(signum: int) -> None:
            if on_signal is None or not on_signal(signum):
                to_child(signum)

        with _handlers(received, deliver):
            for signum in received:
                deliver(signum)
            if stdin is not None:
                process.communicate(stdin)
            code = process.wait()
    if received:
        return 128 + received[0]
    return code if code >= 0 else 128 - code


def capture(
    argv: Sequence[str],
    *,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
    stdin: bytes = b"",
) -> Output:
    """Run a command and collect what it prints; standard input is ``stdin``.

    Raises:
        UvdockError: The program is not there or cannot be started.
    """
    process = _start(argv, env=env, cwd=cwd, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    try:
        out, err = process.communicate(stdin)
    except BaseException:
        process.kill()
        process.wait()
        raise
    return Output(process.returncode, out, err)


@contextmanager
def interruptible() -> Iterator[None]:
    """Turn SIGTERM and SIGHUP into `InterruptedBySignalError` so that what must be cleaned up is."""

    def stop(signum: int) -> None:
        raise InterruptedBySignalError(signum)

    with _handlers([], stop, (signal.SIGTERM, signal.SIGHUP)):
        yield


def _start(argv: Sequence[str], **options: object) -> subprocess.Popen[bytes]:
    try:
        return subprocess.Popen(list(argv), **options)  # type: ignore[call-overload,no-any-return]
    except FileNotFoundError as error:
        cwd = options.get("cwd")
        missing = str(cwd) if cwd and not Path(str(cwd)).is_dir() else argv[0]
        raise UvdockError(
            f"{missing} was not found",
            where=f"starting {argv[0]}",
            fix=f"install {argv[0]} or put it on PATH",
            code=127,
        ) from error
    except (PermissionError, OSError, ValueError) as error:
        raise UvdockError(
            f"{argv[0]} could not be started: {error}",
            where=f"starting {argv[0]}",
            fix="check that it is an executable file for this machine",
            code=126,
        ) from error


def _later(_: int) -> None:
    """A signal that comes before the child is there: it is delivered once it is."""


def _to_child(process: subprocess.Popen[bytes]) -> Callable[[int], None]:
    def send(signum: int) -> None:
        # The terminal sends Ctrl-C to the whole foreground group: the child has it already.
        if process.poll() is None and not (signum == signal.SIGINT and _isatty(sys.__stdin__)):
            process.send_signal(signum)

    return send


@contextmanager
def _handlers(
    received: list[int],
    deliver: Callable[[int], None],
    signals: Sequence[signal.Signals] = STOP_SIGNALS,
) -> Iterator[None]:
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def handle(signum: int, _: FrameType | None) -> None:
        received.append(signum)
        deliver(signum)

    before = {number: signal.signal(number, handle) for number in signals}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _isatty(stream: object) -> bool:
    try:
        return bool(stream is not None and os.isatty(stream.fileno()))  # type: ignore[attr-defined]
    except (OSError, ValueError, AttributeError):
        return False


def _stderr_fd() -> int:
    return sys.__stderr__.fileno() if sys.__stderr__ is not None else subprocess.DEVNULL
