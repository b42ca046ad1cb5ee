"""The name of an image: ``ghcr.io/astral-sh/uv:0.13.8@sha256:…``."""

from __future__ import annotations


def name_of(image: str) -> str:
    """The last part of an image's name, without its tag: ``uv``."""
    return _last(image).partition(":")[0]


def tag_of(image: str) -> str:
    """An image's tag; nothing where there is none or it is named by its digest alone."""
    return _last(image).partition(":")[2]


def _last(image: str) -> str:
    return image.partition("@")[0].rpartition("/")[2]
