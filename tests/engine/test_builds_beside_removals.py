"""Builds while another process removes images that share their layers, as with the containerd image store they met."""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest

from tests.engine.conftest import Stack, docker

pytestmark = [pytest.mark.engine, pytest.mark.slow]

ROUNDS = 4
DOCKERFILE = """\
FROM python:3.13-slim-trixie
RUN mkdir /one && seq 20000 > /one/numbers
RUN seq 20000 > /one/more
ARG LAST
RUN echo $LAST > /last
"""


def test_no_build_fails_while_images_of_the_same_layers_are_removed(small: Callable[..., Stack]) -> None:
    stack = small()
    (stack.root / "Dockerfile").write_text(DOCKERFILE)
    done, failed = threading.Event(), list[str]()
    removed = 0

    def remove() -> None:
        nonlocal removed
        while not done.is_set():
            tag = f"{stack.name}-other:{removed}"
            argv = ("build", "--quiet", "--build-arg", f"LAST=other {removed}", "--tag", tag, str(stack.root))
            try:
                docker(*argv)
                docker("rmi", "--force", tag)
            except AssertionError as problem:
                # This one is Docker's own, which does not try again.
                failed.append(str(problem))
            removed += 1

    beside = threading.Thread(target=remove)
    beside.start()
    try:
        for number in range(ROUNDS):
            # Every other time all steps run again, and the layers of the last image belong to nobody.
            flags = ["--no-cache"] if number % 2 else []
            stack.uvdock("build", *flags)
            docker("rmi", "--force", f"{stack.name}-web")
    finally:
        done.set()
        beside.join()
    assert removed > 1
    assert all("parent snapshot" in text for text in failed), failed
