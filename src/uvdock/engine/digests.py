"""Which image a container was made from, by what the engine lists of both."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def made_from(container: Mapping[str, Any]) -> str:
    """The digest of the image that a container was made from, by what the engine lists of the container.

    With the containerd image store that is the digest of the manifest, which covers the configuration and the
    layers. The image's id there covers the build's attestation too, and so differs after each build.
    """
    manifest = container.get("ImageManifestDescriptor") or {}
    return str(manifest.get("digest") or container["ImageID"])


def digests_of(image: Mapping[str, Any]) -> frozenset[str]:
    """The digests by which `made_from` may name an image: its id, and those of its manifests that are no attestation.

    Args:
        image: What the engine says of it.
    """
    manifests = [item for item in image.get("Manifests") or [] if item.get("Kind") == "image"]
    return frozenset((str(image["Id"]), *(str(item["ID"]) for item in manifests)))


def identity_of(image: Mapping[str, Any]) -> str:
    """A text that stands for what an image has on this engine's platform: the same text, the same files.

    Args:
        image: What the engine says of it.
    """
    manifests = sorted(digests_of(image) - {str(image["Id"])})
    platform = [str(image.get(key) or "") for key in ("Os", "Architecture", "Variant")]
    # An index of several platforms has another image on each of them.
    return " ".join([*(manifests or [str(image["Id"])]), *platform])
