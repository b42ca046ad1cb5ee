"""A command in a running container over a connection to the engine, without the SDK and without starting `docker`.

The SDK takes longer to import than a container takes to answer. This speaks as much of the engine's HTTP API
(https://docs.docker.com/reference/api/engine/) as one exec needs, over a Unix socket, and imports nothing heavy;
`uvdock.engine.sshwire` does it over ssh.
"""

from __future__ import annotations

import json
import os
import select
import signal
import sys

# `socket` itself imports `selectors`, `enum` and more.
from _socket import AF_UNIX, SHUT_WR, SOCK_STREAM
from _socket import socket as Socket  # noqa: N812 - it is a class

from uvdock.engine.exec_signals import MARK, signalled

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

#: How much of a stream is held at a time, bytes.
_PART = 2**16
_STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
#: Multiplexed output comes in frames: the stream's number, three zeros, the length in four bytes.
_HEAD = 8


class WireError(Exception):
    """The engine does not answer as it should; nothing was started."""


class Wire:
    """One engine behind a Unix socket.

    Args:
        path: The socket's path.
    """

    def __init__(self, path: str) -> None:
        self.path = path

    def running(self, labels: Sequence[str]) -> list[str]:
        """The ids of the running containers with these labels, in the order of their names.

        Raises:
            WireError: The engine does not answer.
        """
        filters = json.dumps({"label": list(labels), "status": ["running"]})
        found = self._json("GET", f"/containers/json?filters={_quoted(filters)}")
        return [item["Id"] for item in sorted(found, key=lambda item: item["Names"][0].lstrip("/"))]

    def exists(self, container: str, path: str) -> bool:
        """Whether a path is there in a container."""
        status, _ = self._asked("HEAD", f"/containers/{container}/archive?path={_quoted(path)}")
        return status == b"200"

    def exec(self, container: str, argv: Sequence[str], env: Sequence[str], workdir: str) -> int:
        """Run a command in a container on this program's own streams, which are no terminal.

        Args:
            container: Its id.
            argv: The command.
            env: Further variables: ``NAME=value``.
            workdir: The folder to run in; empty for the container's own.

        Returns:
            Its exit code; 128 + n when signal n came.

        Raises:
            WireError: It could not be started.
            EngineError: The engine went away while it ran.
        """
        mark = os.urandom(16).hex()
        asked: dict[str, Any] = {"AttachStdin": True, "AttachStdout": True, "AttachStderr": True, "Cmd": list(argv)}
        asked |= {"Env": [f"{MARK}={mark}", *env], **({"WorkingDir": workdir} if workdir else {})}
        made = self._json("POST", f"/containers/{container}/exec", asked)["Id"]
        received: list[int] = []

        def on_signal(signum: int, _: object) -> None:
            from threading import Thread

            received.append(signum)
            # In a thread: what the command still prints must be read for it to end.
            Thread(target=self._signal, args=(container, mark, signum), daemon=True).start()

        before = {signum: signal.signal(signum, on_signal) for signum in _STOP_SIGNALS}
        try:
            broken = self._stream(made)
            if broken and not received:
                # Whoever read the output is gone: the command must not stay behind.
                self._signal(container, mark, signal.SIGTERM)
                return 128 + signal.SIGPIPE
            return 128 + received[0] if received else self._code(made)
        finally:
            for signum, handler in before.items():
                signal.signal(signum, handler)

    def _code(self, made: str) -> int:
        try:
            code = self._json("GET", f"/exec/{made}/json").get("ExitCode")
        except WireError:
            code = None
        if not isinstance(code, int):
            from uvdock.errors import EngineError

            raise EngineError(
                "the engine went away while the command ran, so how it ended is not known",
                where=self.path,
                fix="look after the container, and run it again",
            )
        return code

    def _signal(self, container: str, mark: str, signum: int) -> None:
        """Signal what carries a mark, and wait until it is gone or killed."""

        def code(argv: list[str]) -> int | None:
            try:
                made = self._json("POST", f"/containers/{container}/exec", {"AttachStdout": True, "Cmd": argv})["Id"]
                connection, _ = self._started(made)
                while connection.recv(_PART):
                    pass
                found: int | None = self._json("GET", f"/exec/{made}/json").get("ExitCode")
            except (OSError, WireError):
                return None
            return found

        signalled(mark, signal.Signals(signum).name.removeprefix("SIG"), code)

    def _stream(self, made: str) -> bool:
        """Start an exec and carry the streams until it ends; whether nobody reads the output any more."""
        connection, rest = self._started(made)
        frames, waiting = _Frames(), b""
        stdin: int | None = _stdin()
        if stdin is None:
            connection.shutdown(SHUT_WR)
        try:
            frames.take(rest)
            while True:
                reading = [connection.fileno(), *([stdin] if stdin is not None and not waiting else [])]
                ready, writable, _ = select.select(reading, [connection.fileno()] if waiting else [], [])
                if writable:
                    left = _unsent(connection, waiting)
                    stdin, waiting = (None, b"") if left is None else (stdin, left)
                if stdin in ready:
                    assert stdin is not None
                    waiting = os.read(stdin, _PART)
                    if not waiting:
                        stdin = None
                        connection.shutdown(SHUT_WR)
                if connection.fileno() in ready:
                    part = connection.recv(_PART)
                    if not part:
                        return False
                    frames.take(part)
        except BrokenPipeError:
            return True
        except ConnectionResetError:
            return False
        finally:
            connection.close()

    def _started(self, made: str) -> tuple[Socket, bytes]:
        """Start an exec; the connection that is its streams from then on, and what came already."""
        connection = self._connected()
        body = b'{"Detach":false,"Tty":false}'
        head = (
            f"POST /exec/{made}/start HTTP/1.1\r\nHost: docker\r\nContent-Type: application/json\r\n"
            f"Connection: Upgrade\r\nUpgrade: tcp\r\nContent-Length: {len(body)}\r\n\r\n"
        )
        connection.sendall(head.encode() + body)
        content = b""
        while b"\r\n\r\n" not in content:
            part = connection.recv(_PART)
            if not part:
                break
            content += part
        status, _, rest = content.partition(b"\r\n\r\n")
        if status.split(b" ")[1:2] not in ([b"101"], [b"200"]):
            raise WireError(f"the engine did not start exec {made[:12]}: {content[:200]!r}")
        return connection, rest

    def _json(self, method: str, path: str, body: object = None) -> Any:
        status, answer = self._asked(method, path, b"" if body is None else json.dumps(body).encode())
        if not status.startswith(b"2"):
            raise WireError(f"{method} {path}: {answer[:200]!r}")
        try:
            return json.loads(answer)
        except ValueError as error:
            raise WireError(f"{method} {path}: {error}") from error

    def _asked(self, method: str, path: str, content: bytes = b"") -> tuple[bytes, bytes]:
        """The status and the body of the engine's answer."""
        # Of a program that speaks HTTP/1.0 the engine expects no more than one question.
        head = f"{method} {path} HTTP/1.0\r\nHost: docker\r\nContent-Type: application/json\r\n"
        connection = self._connected()
        try:
            connection.sendall(f"{head}Content-Length: {len(content)}\r\n\r\n".encode() + content)
            parts = []
            while part := connection.recv(_PART):
                parts.append(part)
        except OSError as error:
            raise WireError(f"{method} {path}: {error}") from error
        finally:
            connection.close()
        start, _, answer = b"".join(parts).partition(b"\r\n\r\n")
        return (start.split(b" ", 2)[1:2] or [b""])[0], answer

    def _connected(self) -> Socket:
        connection = Socket(AF_UNIX, SOCK_STREAM)
        try:
            connection.connect(self.path)
        except OSError as error:
            raise WireError(f"{self.path}: {error}") from error
        return connection


class _Frames:
    """Takes the multiplexed output apart as it comes, and writes each part to its stream."""

    def __init__(self) -> None:
        self.held = b""
        self.left = 0
        self.stream = 1

    def take(self, part: bytes) -> None:
        self.held += part
        while self.held:
            if self.left == 0:
                if len(self.held) < _HEAD:
                    return
                self.stream, self.left = self.held[0], int.from_bytes(self.held[4:_HEAD], "big")
                self.held = self.held[_HEAD:]
                continue
            now, self.held = self.held[: self.left], self.held[self.left :]
            self.left -= len(now)
            _write(2 if self.stream == 2 else 1, now)


def _unsent(connection: Socket, content: bytes) -> bytes | None:
    """Send what goes at once, and give back the rest; ``None`` where the command ended and left input unread."""
    try:
        return content[connection.send(content) :]
    except OSError:
        # What it printed is still to come.
        return None


def _write(stream: int, content: bytes) -> None:
    while content:
        try:
            content = content[os.write(stream, content) :]
        except BlockingIOError:
            select.select([], [stream], [])


def _stdin() -> int | None:
    try:
        os.fstat(0)
    except OSError:
        return None
    return 0 if sys.__stdin__ is not None else None


def _quoted(text: str) -> str:
    """``text`` as a part of an address; `urllib` takes longer to import than the engine to answer."""
    plain = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~"
    return "".join(chr(byte) if chr(byte) in plain else f"%{byte:02X}" for byte in text.encode())
