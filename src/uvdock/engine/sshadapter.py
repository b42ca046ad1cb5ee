"""The docker SDK over ssh: one connection for its questions, and more only for what it asks at the same time."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from socket import socket
from typing import Any

from docker import APIClient
from docker.constants import MINIMUM_DOCKER_API_VERSION
from requests.adapters import HTTPAdapter
from requests.models import PreparedRequest
from urllib3.connection import HTTPConnection
from urllib3.connectionpool import HTTPConnectionPool

from uvdock.engine.ssh import Ssh


def client(engine: Ssh, timeout: int) -> Any:
    """The SDK's low-level client for an engine behind ssh.

    Args:
        engine: The engine.
        timeout: How long an answer may take, seconds.

    Raises:
        UnreachableError: It does not answer.
    """
    adapter = _Adapter(engine.connected)

    def made(version: str) -> Any:
        api = APIClient("http://docker:80", version=version, timeout=timeout)
        api.mount("http://", adapter)
        return api

    # The constructor itself would ask for the version before there is an adapter to ask by.
    return made(made(MINIMUM_DOCKER_API_VERSION).version(api_version=False)["ApiVersion"])


class _Connection(HTTPConnection):
    def __init__(self, *args: Any, connected: Callable[[], socket], **options: Any) -> None:
        super().__init__(*args, **options)
        self._connected = connected

    def connect(self) -> None:
        self.sock = self._connected()
        self.sock.settimeout(self.timeout)


class _Pool(HTTPConnectionPool):
    ConnectionCls = _Connection


class _Adapter(HTTPAdapter):
    def __init__(self, connected: Callable[[], socket]) -> None:
        super().__init__()
        self._pool = _Pool("docker", maxsize=10, connected=connected)

    def get_connection_with_tls_context(self, *_: Any, **__: Any) -> HTTPConnectionPool:
        return self._pool

    def request_url(self, request: PreparedRequest, proxies: Mapping[str, str] | None) -> str:  # noqa: ARG002
        return request.path_url

    def close(self) -> None:
        super().close()
        self._pool.close()
