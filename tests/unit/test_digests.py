"""Which digests tell that a container was made from an image as it is now."""

from __future__ import annotations

from typing import Any

import pytest

from uvdock.engine.digests import digests_of, identity_of, made_from

#: As engines answer: the containerd image store has an index over the image's manifest and its attestation.
CONTAINERD: dict[str, Any] = {
    "Id": "sha256:index",
    "Manifests": [{"ID": "sha256:image", "Kind": "image"}, {"ID": "sha256:signed", "Kind": "attestation"}],
}
REBUILT: dict[str, Any] = {
    "Id": "sha256:later-index",
    "Manifests": [{"ID": "sha256:image", "Kind": "image"}, {"ID": "sha256:later", "Kind": "attestation"}],
}
CHANGED: dict[str, Any] = {"Id": "sha256:index-2", "Manifests": [{"ID": "sha256:image-2", "Kind": "image"}]}
CLASSIC: dict[str, Any] = {"Id": "sha256:config"}


@pytest.mark.parametrize(
    ("container", "image", "same"),
    [
        # The attestation has a date, and with it the index: the image is the same.
        ({"ImageID": "sha256:index", "ImageManifestDescriptor": {"digest": "sha256:image"}}, REBUILT, True),
        ({"ImageID": "sha256:index", "ImageManifestDescriptor": {"digest": "sha256:image"}}, CHANGED, False),
        # An attestation is no image.
        ({"ImageID": "sha256:x", "ImageManifestDescriptor": {"digest": "sha256:later"}}, REBUILT, False),
        # An engine of that store which does not list manifests yet.
        ({"ImageID": "sha256:index"}, {"Id": "sha256:index"}, True),
        ({"ImageID": "sha256:index", "ImageManifestDescriptor": None}, CONTAINERD, True),
        # The classic store: the id is the digest of the configuration, which names the layers.
        ({"ImageID": "sha256:config"}, CLASSIC, True),
        ({"ImageID": "sha256:config"}, {"Id": "sha256:config-2"}, False),
        # Several platforms: any of its images is the image.
        (
            {"ImageID": "sha256:i", "ImageManifestDescriptor": {"digest": "sha256:arm"}},
            {
                "Id": "sha256:j",
                "Manifests": [{"ID": "sha256:amd", "Kind": "image"}, {"ID": "sha256:arm", "Kind": "image"}],
            },
            True,
        ),
    ],
)
def test_a_container_was_made_from_an_image(container: dict[str, Any], image: dict[str, Any], same: bool) -> None:
    assert (made_from(container) in digests_of(image)) is same


AMD, ARM = ({"Os": "linux", "Architecture": name} for name in ("amd64", "arm64"))


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        # The attestation is no part of what an image has.
        (CONTAINERD, REBUILT, True),
        (CONTAINERD, CHANGED, False),
        (CLASSIC, CLASSIC, True),
        (CLASSIC, {"Id": "sha256:config-2"}, False),
        # Of one index, each platform has an image of its own; and one of its images may be another.
        ({**CONTAINERD, **AMD}, {**CONTAINERD, **ARM}, False),
        (
            {
                "Id": "sha256:i",
                "Manifests": [{"ID": "sha256:amd", "Kind": "image"}, {"ID": "sha256:arm", "Kind": "image"}],
            },
            {
                "Id": "sha256:j",
                "Manifests": [{"ID": "sha256:new", "Kind": "image"}, {"ID": "sha256:arm", "Kind": "image"}],
            },
            False,
        ),
    ],
)
def test_two_images_have_the_same(one: dict[str, Any], other: dict[str, Any], same: bool) -> None:
    assert (identity_of(one) == identity_of(other)) is same
