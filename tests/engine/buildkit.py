"""A registry, and a builder that is not the engine's own as buildx sees it: both on this machine, for one session."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from tests.conftest import clean_environment
from tests.engine.conftest import docker

_REGISTRY = """\
FROM debian:trixie-slim
RUN apt-get update -qq && apt-get install -y -qq --no-install-recommends docker-registry \\
    && sed -i '/^auth:/,/path:/d' /etc/docker/registry/config.yml
CMD ["docker-registry", "serve", "/etc/docker/registry/config.yml"]
"""
#: Run on a remote engine: its 127.0.0.1 is where it may use a registry without TLS, too.
_RELAY = """
import socket, sys, threading
def copy(one, other):
    try:
        while part := one.recv(65536):
            other.sendall(part)
        other.shutdown(socket.SHUT_WR)
    except OSError:
        pass
server = socket.create_server(("127.0.0.1", int(sys.argv[1])))
print("listens", flush=True)
while True:
    client, _ = server.accept()
    target = socket.create_connection((sys.argv[2], 5000))
    for pair in ((client, target), (target, client)):
        threading.Thread(target=copy, args=pair, daemon=True).start()
"""


@contextmanager
def registry(remote: str = "") -> Iterator[str]:
    """The address of a registry without TLS, the same for this engine and for a remote one in a container of it.

    Args:
        remote: The remote engine's address; empty for none.
    """
    there = {**clean_environment(), "DOCKER_HOST": remote}
    image = docker("build", "--quiet", "-", stdin=_REGISTRY)
    box = docker("run", "--detach", "--rm", "--publish", "127.0.0.1::5000", image)
    relay = ""
    try:
        port = docker("port", box, "5000").rpartition(":")[2]
        if remote:
            inside = docker("inspect", "--format", "{{.NetworkSettings.IPAddress}}", box)
            python = ["python:3.13-slim-trixie", "python", "-c", _RELAY, port, inside]
            relay = docker("run", "--detach", "--rm", "--network", "host", *python, env=there)
        yield f"127.0.0.1:{port}"
    finally:
        docker("rm", "--force", box)
        if relay:
            docker("rm", "--force", relay, env=there)


@contextmanager
def builder(folder: Path) -> Iterator[dict[str, str]]:
    """A builder of the remote driver: the engine's own BuildKit, at an address of its own. It loads no image by itself.

    Args:
        folder: Where buildx keeps what it knows of builders.

    Yields:
        The variables with which it is known, and chosen by uvdock.
    """
    env = {**clean_environment(), "BUILDX_CONFIG": str(folder)}
    threads: list[threading.Thread] = []
    with socket.create_server(("127.0.0.1", 0)) as server:
        threads.append(threading.Thread(target=_serve, args=(server, threads), daemon=True))
        threads[0].start()
        address = f"tcp://127.0.0.1:{server.getsockname()[1]}"
        docker("buildx", "create", "--name", "elsewhere", "--driver", "remote", address, env=env)
        yield {"BUILDX_CONFIG": str(folder), "UVDOCK_BUILDER": "elsewhere"}
        server.shutdown(socket.SHUT_RDWR)
    for thread in threads:
        thread.join(10)


def _serve(server: socket.socket, threads: list[threading.Thread]) -> None:
    with suppress(OSError):
        while True:
            client, _ = server.accept()
            threads.append(threading.Thread(target=_carry, args=(client,), daemon=True))
            threads[-1].start()


def _carry(client: socket.socket) -> None:
    with client, socket.socket(socket.AF_UNIX) as engine:
        engine.connect("/var/run/docker.sock")
        # The engine hands the connection over to BuildKit.
        engine.sendall(b"POST /grpc HTTP/1.1\r\nHost: docker\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n")
        head = b""
        while not head.endswith(b"\r\n\r\n"):
            head += engine.recv(1)
        back = threading.Thread(target=_copy, args=(engine, client), daemon=True)
        back.start()
        _copy(client, engine)
        back.join(10)


def _copy(one: socket.socket, other: socket.socket) -> None:
    with suppress(OSError):
        while part := one.recv(65536):
            other.sendall(part)
        other.shutdown(socket.SHUT_WR)
