"""An image without a shell and without uv, as hardened ones are: what stops uvdock reaches the command all the same."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable

import pytest

from tests.engine.conftest import Stack, docker

pytestmark = [pytest.mark.engine, pytest.mark.slow]

SLEEPS = "import time; time.sleep(874)"


def runs(stack: Stack) -> bool:
    return SLEEPS in docker("top", stack.container(), "-eo", "pid,args")


def test_signals_reach_the_command(reference: Callable[[str, str], Stack]) -> None:
    stack = reference("hardened", ".")
    stack.uvdock("deps.install")
    stack.up()
    ways = {"short": ["cmd"], "long": ["cmd", "--user", "65532"]}
    for way, words in ways.items():
        stack.uvdock(*words, "python", "-c", "")
        for signum in (signal.SIGINT, signal.SIGTERM):
            process = stack.program.start(*words, "python", "-c", SLEEPS, cwd=stack.root)
            deadline = time.monotonic() + 60
            while not runs(stack):
                assert time.monotonic() < deadline
            process.send_signal(signum)
            process.communicate(timeout=60)
            assert process.returncode == 128 + signum, way
            assert not runs(stack), way
