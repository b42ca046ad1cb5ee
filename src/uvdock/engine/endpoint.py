"""Which engine is meant: as the `docker` command decides it.

The SDK's own reading of contexts misses them where there is no `config.json`, and then takes the local engine
without a word (docker-py 7.2), so a named context is asked for from `docker context inspect`.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from uvdock import process
from uvdock.errors import UnreachableError

#: What an address begins with that is reached by the ssh program.
SSH = "ssh://"
#: How long an answer may take, seconds.
_TIMEOUT = 60
#: What the SDK's words about an engine that does not answer mean.
_WHY = {
    "FileNotFoundError": "there is no such socket",
    "ConnectionRefusedError": "the connection was refused",
    "Connection refused": "the connection was refused",
    "NameResolutionError": "there is no machine of that name",
    "timed out": "it took too long",
}


def context_name(setting: str | None, environ: Mapping[str, str]) -> str | None:
    """The context in force, or ``None`` for the default one: setting, DOCKER_HOST, DOCKER_CONTEXT, config.json."""
    if setting:
        return setting
    if environ.get("DOCKER_HOST"):
        return None
    name = environ.get("DOCKER_CONTEXT") or _current(environ)
    return None if name in (None, "", "default") else name


def describe(name: str | None, environ: Mapping[str, str]) -> str:
    """The engine's address for a person."""
    if name:
        return f"Docker context {name}"
    host = environ.get("DOCKER_HOST")
    return f"DOCKER_HOST={host}" if host else "the default Docker context"


def direct(name: str | None, environ: Mapping[str, str]) -> str:
    """Where the engine answers who has no SDK: a Unix socket's path, or an ssh address; empty for any other."""
    if name is not None:
        found = process.capture(["docker", "context", "inspect", name, "--format", "{{.Endpoints.docker.Host}}"])
        host = found.text.strip()
    else:
        host = environ.get("DOCKER_HOST") or "unix:///var/run/docker.sock"
    return host.removeprefix("unix://") if host.startswith(("unix://", SSH)) else ""


def client(name: str | None) -> Any:
    """The SDK's low-level client for a context, or for the default engine.

    Raises:
        UnreachableError: There is no such context, or ssh does not get through to it.
    """
    if name is None:
        host = os.environ.get("DOCKER_HOST", "")
        if host.startswith(SSH):
            return _by_ssh(host, name)
        import docker

        return docker.from_env(timeout=_TIMEOUT, use_context=False).api
    found = process.capture(["docker", "context", "inspect", name])
    if found.code != 0:
        raise UnreachableError(
            f"there is no Docker context {name!r}",
            where="the context setting, DOCKER_CONTEXT or Docker's config.json",
            fix="`docker context ls` lists them; name one of those",
        )
    details = json.loads(found.text)[0]
    host = details["Endpoints"]["docker"]["Host"]
    if host.startswith(SSH):
        return _by_ssh(host, name)
    import docker

    return docker.DockerClient(base_url=host, tls=_tls(details), timeout=_TIMEOUT).api


def unreachable(error: Exception, address: str) -> UnreachableError:
    """The error for an engine that cannot be reached.

    Args:
        error: What the SDK says.
        address: Where the engine is, for a person.
    """
    text = str(error)
    what = f"the Docker engine does not answer: {next((why for name, why in _WHY.items() if name in text), text[:200])}"
    fix = "start Docker, or correct DOCKER_HOST or the context"
    if "PermissionError" in text:
        what = "you may not use the Docker engine: permission denied"
        fix = "add yourself to the docker group, or use a rootless engine"
    return UnreachableError(what, where=address, fix=fix)


def _by_ssh(host: str, name: str | None) -> Any:
    from uvdock.engine.ssh import Ssh

    engine = Ssh(host, describe(name, os.environ))
    # While ssh connects, the SDK is imported.
    from uvdock.engine import sshadapter

    return sshadapter.client(engine, _TIMEOUT)


def _tls(details: Mapping[str, Any]) -> Any:
    files = (details.get("TLSMaterial") or {}).get("docker")
    if not files:
        return False
    from docker.tls import TLSConfig

    folder = Path(details["Storage"]["TLSPath"], "docker")
    pair = (str(folder / "cert.pem"), str(folder / "key.pem")) if "cert.pem" in files else None
    skip = bool(details["Endpoints"]["docker"].get("SkipTLSVerify"))
    authority = str(folder / "ca.pem") if "ca.pem" in files else None
    return TLSConfig(client_cert=pair, ca_cert=authority, verify=not skip)


def _current(environ: Mapping[str, str]) -> str | None:
    folder = Path(environ.get("DOCKER_CONFIG") or Path.home() / ".docker")
    try:
        found = json.loads((folder / "config.json").read_text(encoding="utf-8")).get("currentContext")
    except (OSError, ValueError, AttributeError):
        return None
    return found if isinstance(found, str) else None
