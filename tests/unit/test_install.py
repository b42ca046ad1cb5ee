"""The order of `deps.install`: the lock first, then what runs, and nothing is recreated before the image is proved."""

from __future__ import annotations

import pytest

from uvdock.deps.install import Step, plan


@pytest.mark.parametrize(
    ("backend", "build", "running", "expected"),
    [
        pytest.param("host", True, False, (Step.LOCK, Step.SYNC_HOST), id="host"),
        pytest.param("host", False, False, (Step.LOCK, Step.SYNC_HOST), id="host-without-build"),
        pytest.param("compose", True, False, (Step.LOCK, Step.BUILD, Step.PROVE, Step.RECREATE), id="compose"),
        pytest.param(
            "compose",
            True,
            True,
            (Step.LOCK, Step.SYNC_CONTAINER, Step.BUILD, Step.PROVE, Step.RECREATE),
            id="compose-while-it-runs",
        ),
        pytest.param("compose", False, True, (Step.LOCK, Step.SYNC_CONTAINER), id="compose-without-build"),
    ],
)
def test_plan(backend: str, build: bool, running: bool, expected: tuple[Step, ...]) -> None:
    assert plan(backend, build=build, running=running) == expected
