"""Starting processes: the only module that does.

Commands are argument lists; no shell stands between uvdock and a program.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from contextvars import ContextVar, copy_context
from pathlib import Path
from types import FrameType
from typing import IO, TYPE_CHECKING, NamedTuple

from uvdock.errors import InterruptedBySignalError, UvdockError

if TYPE_CHECKING:
    from socket import socket

#: The signals that mean "stop" and are handed on to whatever runs.
STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
#: How much of a stream is held at a time, bytes.
_PART = 2**16
#: Runs the words after it without these signals, which only the program itself can ignore from its first moment on.
_DEAF = ("sh", "-c", 'trap "" INT TERM HUP; exec "$@"', "sh")


#: Told of each command that is about to run, and says whether it shall: for `--echo` and `--dry`.
ANNOUNCE: ContextVar[Callable[[Sequence[str]], bool]] = ContextVar("ANNOUNCE", default=lambda _: True)

#: Takes the output of the commands that a function runs beside others, instead of uvdock's own streams.
SINK: ContextVar[Callable[[bytes], object] | None] = ContextVar("SINK", default=None)


def announced(argv: Sequence[str]) -> bool:
    """Show a command, where that is asked for; returns whether it shall run."""
    return ANNOUNCE.get()(argv)


class Output(NamedTuple):
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
    stdin: bytes | Iterable[bytes] | None = None,
    stdout: Callable[[bytes], object] | IO[bytes] | None = None,
    stdout_to_stderr: bool = False,
    stderr: IO[bytes] | socket | None = None,
    on_signal: Callable[[int], bool] | None = None,
    shown: Sequence[str] = (),
) -> int:
    """Run a command on uvdock's own streams and wait for it.

    Args:
        argv: The command, argument for argument.
        env: Its whole environment; uvdock's own by default.
        cwd: Its working folder.
        stdin: What it reads instead of uvdock's own standard input; of parts, one is held at a time.
        stdout: A function that is given its standard output part by part, or a file that takes it.
        stdout_to_stderr: Send its standard output to standard error (for steps, not for pass-through).
        stderr: What takes its standard error instead of uvdock's own.
        on_signal: What to do with SIGINT, SIGTERM or SIGHUP before it is sent to the command: for commands
            whose real process is in a container. Returns whether that process was found; only if not, the
            command itself gets the signal.
        shown: What `--echo` and `--dry` show instead of ``argv``, where that says more to a person.

    Returns:
        The command's exit code; 128 + n when signal n stopped it or uvdock; 0 when `ANNOUNCE` held it back.

    Raises:
        UvdockError: The program is not there or cannot be started.
        Exception: What ``stdin`` or ``stdout`` raised; the command is stopped then.
    """
    if not announced(shown or argv):
        return 0
    group = _BESIDE.get()
    received: list[int] = [] if group is None else group.received
    if received:
        return 128 + received[0]
    errors: IO[bytes] | socket | int | None = stderr
    if stdout is None and (sink := SINK.get()) is not None:
        stdin, stdout, errors = stdin or b"", sink, subprocess.STDOUT
    # A command in a group of its own does not die of the Ctrl-C that is to reach the container's
    # process first. It may not read a terminal from there, so only where its standard input is none.
    own_group = group is not None or (on_signal is not None and (stdin is not None or not _isatty(sys.__stdin__)))
    with _handlers(received, _later):
        process = _start(
            argv,
            env=env,
            cwd=cwd,
            stdin=None if stdin is None else subprocess.PIPE,
            stdout=subprocess.PIPE if callable(stdout) else _stderr_fd() if stdout_to_stderr else stdout,
            stderr=errors,
            process_group=0 if own_group else None,
        )
        to_child = _to_child(process, own_group=own_group)

        def deliver(signum: int) -> None:
            if on_signal is None or not on_signal(signum):
                to_child(signum)

        with _reached(group, received, deliver), _stopped_by_errors(process, deliver):
            _feed(process, stdin)
            _drain(process, stdout)
            code = process.wait()
    if received:
        return 128 + received[0]
    return code if code >= 0 else 128 - code


def capture(
    argv: Sequence[str],
    *,
    env: Mapping[str, str] | None = None,
    cwd: Path | str | None = None,
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


def piped(argv: Sequence[str], stream: socket, errors: IO[bytes]) -> subprocess.Popen[bytes]:
    """Start a program whose standard input and output is a socket.

    What means "stop" does not reach it, for what is to be stopped may be at the other end; it leaves when the socket
    is closed. It stays among the terminal's foreground processes, so that it can ask a person there.

    Raises:
        UvdockError: The program is not there.
    """
    import shutil

    program = shutil.which(argv[0])
    return _start(
        [*_DEAF, program or argv[0], *argv[1:]] if program else argv, stdin=stream, stdout=stream, stderr=errors
    )


def show(argv: Sequence[str]) -> int:
    """Run a program that shows in a dry run what it would run itself; returns its exit code."""
    token = ANNOUNCE.set(lambda _: True)
    try:
        return run(argv)
    finally:
        ANNOUNCE.reset(token)


def run_together(commands: Mapping[str, Sequence[str]], show: Callable[[str, str, bool], None]) -> int:
    """Run several commands at the same time; the first that fails stops the others.

    Args:
        commands: Each command by a name.
        show: Called with the name, one line of its output, and whether that came from standard error; never by
            two at once.

    Returns:
        The exit code of the one that failed first, else 0; 128 + n when signal n stopped uvdock.
    """
    received: list[int] = []
    together = _Together(show)
    with _handlers(received, together.stop):
        together.start(commands)
        together.wait()
    return 128 + received[0] if received else next(iter(together.failed), 0)


def run_concurrently(works: Sequence[Callable[[], object]], at_once: int = 8) -> None:
    """Call several functions at the same time, each in a thread of its own, and wait for all of them.

    What stops uvdock reaches every command that they run, and no further one is started after that.

    Args:
        works: The functions.
        at_once: How many run at the same time; the others follow in their order.

    Raises:
        Exception: What the first of ``works``, in their order, raised.
        KeyboardInterrupt: Ctrl-C came, and none of them has said so itself; for other signals as `interruptible`.
    """
    group, raised, free = _Beside(), dict[int, BaseException](), threading.Semaphore(at_once)

    def work(number: int, body: Callable[[], object]) -> None:
        _BESIDE.set(group)
        try:
            with free:
                body()
        except BaseException as error:
            raised[number] = error

    with _handlers(group.received, group.deliver):
        # Each has a context of its own: who listens to what is said, and what takes the output.
        threads = [
            threading.Thread(target=copy_context().run, args=(work, number, body)) for number, body in enumerate(works)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            while thread.is_alive():
                # In slices, so that a signal's handler gets its turn.
                thread.join(0.05)
    for _, error in sorted(raised.items()):
        raise error
    if group.received:
        signum = group.received[0]
        raise KeyboardInterrupt if signum == signal.SIGINT else InterruptedBySignalError(signum)


@contextmanager
def interruptible() -> Iterator[None]:
    """Turn SIGTERM and SIGHUP into `InterruptedBySignalError` so that what must be cleaned up is."""

    def stop(signum: int) -> None:
        raise InterruptedBySignalError(signum)

    with _handlers([], stop, (signal.SIGTERM, signal.SIGHUP)):
        yield


class _Beside:
    """Functions that run at the same time: the signals that came, and how to reach each command that runs."""

    def __init__(self) -> None:
        self.received: list[int] = []
        self.running: list[Callable[[int], None]] = []

    def deliver(self, signum: int) -> None:
        for reach in list(self.running):
            reach(signum)

    @contextmanager
    def reaching(self, deliver: Callable[[int], None]) -> Iterator[None]:
        """While the block runs, signals reach what it runs."""
        self.running.append(deliver)
        try:
            yield
        finally:
            self.running.remove(deliver)


_BESIDE: ContextVar[_Beside | None] = ContextVar("_BESIDE", default=None)


class _Together:
    """Processes that run at the same time, each followed by threads of its own."""

    def __init__(self, show: Callable[[str, str, bool], None]) -> None:
        self.show = show
        self.lock = threading.Lock()
        self.failed: list[int] = []
        self.processes: list[subprocess.Popen[bytes]] = []
        self.threads: list[threading.Thread] = []

    def start(self, commands: Mapping[str, Sequence[str]]) -> None:
        for name, argv in commands.items():
            made = _start(argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
            self.processes.append(made)
            self.threads += [
                threading.Thread(target=self._follow, args=(name, made.stdout, False)),
                threading.Thread(target=self._follow, args=(name, made.stderr, True)),
                threading.Thread(target=self._watch, args=(made,)),
            ]

    def wait(self) -> None:
        for thread in self.threads:
            thread.start()
        for thread in self.threads:
            while thread.is_alive():
                # In slices, so that a signal's handler gets its turn.
                thread.join(0.1)

    def stop(self, signum: int) -> None:
        for process in self.processes:
            if process.poll() is None:
                process.send_signal(signum)

    def _follow(self, name: str, stream: IO[bytes], to_stderr: bool) -> None:
        with stream:
            for line in stream:
                with self.lock:
                    self.show(name, line.decode("utf-8", "replace").rstrip("\r\n"), to_stderr)

    def _watch(self, process: subprocess.Popen[bytes]) -> None:
        code = process.wait()
        with self.lock:
            if code and not self.failed:
                self.failed.append(code if code > 0 else 128 - code)
                self.stop(signal.SIGTERM)


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


def _to_child(process: subprocess.Popen[bytes], *, own_group: bool) -> Callable[[int], None]:
    def send(signum: int) -> None:
        # The terminal sends Ctrl-C to the whole foreground group: the child has it already.
        has_it = signum == signal.SIGINT and _isatty(sys.__stdin__) and not own_group
        if process.poll() is None and not has_it:
            process.send_signal(signum)

    return send


def _feed(process: subprocess.Popen[bytes], content: bytes | Iterable[bytes] | None) -> None:
    if content is None or process.stdin is None:
        return
    # A command that ends before it has read everything says by its exit code what that means.
    with suppress(BrokenPipeError):
        for part in [content] if isinstance(content, bytes) else content:
            process.stdin.write(part)
    with suppress(BrokenPipeError):
        process.stdin.close()


def _drain(process: subprocess.Popen[bytes], sink: object) -> None:
    if process.stdout is None or not callable(sink):
        return
    with process.stdout as stream:
        while part := stream.read1(_PART):  # type: ignore[attr-defined]
            sink(part)


@contextmanager
def _stopped_by_errors(process: subprocess.Popen[bytes], deliver: Callable[[int], None]) -> Iterator[None]:
    """Stop the command when what feeds it or takes its output fails: nothing that it read may look whole."""
    try:
        yield
    except BaseException:
        # First the process in the container: where its input only ended, it would take that for all there is.
        deliver(signal.SIGTERM)
        process.kill()
        # Both ends, without a last flush of what is still to be written.
        for stream in (process.stdin, process.stdout):
            if stream is not None:
                with suppress(OSError):
                    stream.close()
        process.wait()
        raise


@contextmanager
def _reached(group: _Beside | None, received: list[int], deliver: Callable[[int], None]) -> Iterator[None]:
    """While the block runs, signals are delivered, and those that came before."""
    with _handlers(received, deliver) if group is None else group.reaching(deliver):
        for signum in list(received):
            deliver(signum)
        yield


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
