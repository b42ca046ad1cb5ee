"""What a registry says of an image, asked by `docker buildx imagetools`, which pulls nothing."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from uvdock import process


def names_one(reference: str) -> bool:
    """Whether an image's name begins with the host of a registry: ``ghcr.io/me/app``, not ``app`` or ``me/app``.

    Of a name without one Docker Hub is asked, and a service's own image is rarely there.
    """
    host, slash, _ = reference.partition("/")
    return bool(slash) and (host == "localhost" or "." in host or ":" in host)


def labels(docker: Sequence[str], reference: str, platform: str, env: Mapping[str, str]) -> dict[str, str]:
    """The labels of an image in its registry; none where the registry does not have it, or does not answer.

    Args:
        docker: The `docker` command.
        reference: The image's name.
        platform: Of an image for several, the one in question: ``linux/amd64``.
        env: The variables for the command.
    """
    argv = [*docker, "buildx", "imagetools", "inspect", "--format", "{{json .Image}}", reference]
    found = process.capture(argv, env=env)
    try:
        data = json.loads(found.text) if found.code == 0 else {}
    except ValueError:
        return {}
    return labels_of(data, platform)


def labels_of(data: Mapping[str, Any], platform: str) -> dict[str, str]:
    """The labels in what `docker buildx imagetools inspect` prints as ``.Image``.

    Args:
        data: The image's configuration, or, of an image for several platforms, each one's by its name.
        platform: The platform in question, ``linux/arm64`` or ``linux/arm/v7``.
    """
    if "config" not in data:
        data = data.get(platform) or {}
    elif data.get("os") and f"{data['os']}/{data.get('architecture')}" != platform:
        return {}
    return dict((data.get("config") or {}).get("Labels") or {})
