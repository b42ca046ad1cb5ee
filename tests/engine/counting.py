"""What a program asks of the engine, counted on the way."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path


class Counting:
    """An engine's socket that hands everything on, and notes the questions and how many bytes went either way."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.asked: list[str] = []
        #: Each request, also the later ones of a connection.
        self.requests: list[str] = []
        self.moved = 0
        self.server = socket.socket(socket.AF_UNIX)
        self.server.bind(str(path))
        self.server.listen(64)
        self.threads = [self._start(self._serve)]

    def __enter__(self) -> Counting:
        return self

    def __exit__(self, *_: object) -> None:
        self.server.shutdown(socket.SHUT_RDWR)
        for thread in self.threads:
            thread.join(10)
        self.server.close()

    def _start(self, work: Callable[..., None], *args: object) -> threading.Thread:
        thread = threading.Thread(target=work, args=args, daemon=True)
        thread.start()
        return thread

    def _serve(self) -> None:
        while True:
            try:
                client, _ = self.server.accept()
            except OSError:
                return
            self.threads.append(self._start(self._carry, client))

    def _carry(self, client: socket.socket) -> None:
        with client, socket.socket(socket.AF_UNIX) as engine:
            engine.connect("/var/run/docker.sock")
            back = self._start(self._copy, engine, client)
            part = client.recv(65536)
            self.asked.append(_request(part))
            self.requests.append(_request(part))
            self.moved += len(part)
            engine.sendall(part)
            self._copy(client, engine, self.requests)
            back.join(10)

    def _copy(self, source: socket.socket, target: socket.socket, noted: list[str] | None = None) -> None:
        with suppress(OSError):
            while part := source.recv(65536):
                if noted is not None and part.startswith((b"GET /", b"HEAD /", b"POST /", b"PUT /", b"DELETE /")):
                    noted.append(_request(part))
                self.moved += len(part)
                target.sendall(part)
            target.shutdown(socket.SHUT_WR)


def _request(part: bytes) -> str:
    """The method and the path of a request."""
    return part.split(b"?")[0].split(b" HTTP")[0].decode()
