"""What uvdock adds to the builds of a Compose project: labels and caches, as a further Compose file has them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from uvdock.engine.services import same_build
from uvdock.engine.stack import Service
from uvdock.errors import UvdockError

#: On every image that is built for a lock: the digest of the lock that was there when the build was asked for. What
#: the Dockerfile does with it, the label does not tell.
LOCK_LABEL = "dev.uvdock.lock"
#: For the `docker` command: no attestation that buildx adds by itself. It has the time of the build, and with the
#: containerd image store each build would be another image to Compose, for which it recreates what runs.
SAME_IMAGE = {"BUILDX_NO_DEFAULT_ATTESTATIONS": "1"}
#: In the place of a cache, stands for the service's name.
SERVICE = "{service}"


def override_for(
    services: Iterable[Service],
    locks: Mapping[str, str],
    cache_from: Sequence[str] = (),
    cache_to: Sequence[str] = (),
) -> dict[str, Any]:
    """What a further Compose file adds to the builds of some services; empty where that is nothing.

    Args:
        services: The services.
        locks: The digest of its lock by the name of a service that is built for one.
        cache_from: Where layers are taken from, as buildx writes it.
        cache_to: Where they are kept.
    """
    builds: dict[str, dict[str, Any]] = {}
    for name in (service.name for service in services):
        caches = {"cache_from": for_service(cache_from, name), "cache_to": for_service(cache_to, name)}
        build: dict[str, Any] = {key: values for key, values in caches.items() if values}
        if name in locks:
            build["labels"] = {LOCK_LABEL: locks[name]}
        if build:
            builds[name] = build
    return {"services": {name: {"build": build} for name, build in builds.items()}} if builds else {}


def for_service(caches: Sequence[str], name: str) -> list[str]:
    """The caches of one service.

    Args:
        caches: Those of all of them.
        name: The service's name.
    """
    return [value.replace(SERVICE, name) for value in caches]


def refuse_one_place(services: Sequence[Service], cache_to: Sequence[str], source: str) -> None:
    """Refuse a place that keeps one cache for the caches of several builds: the last would be all that is left.

    Args:
        services: The services that are built.
        cache_to: Where their caches are kept.
        source: Who said so.

    Raises:
        UvdockError: There is such a place.
    """
    several = any(not same_build(service, services[0]) for service in services)
    # An inline cache is in the image, and each service has one of its own.
    alone = [value for value in cache_to if SERVICE not in value and "type=inline" not in value.split(",")]
    if several and alone:
        raise UvdockError(
            f"the caches of {', '.join(service.name for service in services)} would overwrite each other",
            where=f"{alone[0]} (cache_to, from {source})",
            fix="put {service} in it, which stands for the service's name: in its ref, dest or scope",
            code=2,
        )
