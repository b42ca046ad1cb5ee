"""A command in a running container over ssh, without the SDK and without starting `docker`."""

from __future__ import annotations

from collections.abc import Callable
from http.client import HTTPConnection, HTTPException
from socket import socket
from threading import Lock

from uvdock.engine.ssh import Ssh
from uvdock.engine.wire import Wire, WireError
from uvdock.errors import UvdockError


class SshWire(Wire):
    """One engine behind ssh.

    Args:
        address: Its address.

    Raises:
        WireError: It is not one, or there is no ssh.
    """

    def __init__(self, address: str) -> None:
        super().__init__(address)
        try:
            # One for the questions, and one that becomes the command's streams: both connect at the same time.
            self._engine = Ssh(address, address, two=True)
        except UvdockError as error:
            raise WireError(str(error)) from error
        self._questions = _Questions(self._connected)
        self._one_at_a_time = Lock()

    def _asked(self, method: str, path: str, content: bytes = b"") -> tuple[bytes, bytes]:
        headers = {"Content-Type": "application/json"}
        with self._one_at_a_time:
            try:
                self._questions.request(method, path, content, headers)
                answer = self._questions.getresponse()
                return str(answer.status).encode(), answer.read()
            except (OSError, HTTPException) as error:
                raise WireError(f"{method} {path}: {error}") from error

    def _connected(self) -> socket:
        try:
            connection = self._engine.connected()
        except UvdockError as error:
            raise WireError(f"{self.path}: {error}") from error
        connection.settimeout(None)
        return connection


class _Questions(HTTPConnection):
    """One connection for all questions."""

    def __init__(self, connected: Callable[[], socket]) -> None:
        super().__init__("docker")
        self._connected = connected

    def connect(self) -> None:
        self.sock = self._connected()
