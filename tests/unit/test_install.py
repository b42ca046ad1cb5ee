"""The order of `deps.install`: the lock first, and nothing that runs is touched before the new image is proved."""

from __future__ import annotations

import pytest

from uvdock.deps.install import Step, plan


@pytest.mark.parametrize(
    ("backend", "build", "expected"),
    [
        pytest.param("host", True, (Step.LOCK, Step.SYNC_HOST), id="host"),
        pytest.param("host", False, (Step.LOCK, Step.SYNC_HOST), id="host-without-build"),
        pytest.param("compose", True, (Step.LOCK, Step.BUILD, Step.PROVE, Step.RECREATE), id="compose"),
        pytest.param("compose", False, (Step.LOCK, Step.SYNC_CONTAINER), id="compose-without-build"),
    ],
)
def test_plan(backend: str, build: bool, expected: tuple[Step, ...]) -> None:
    assert plan(backend, build=build) == expected
