"""The order of `deps.install`: lock, then image and running container, and no recreation without proof."""

from __future__ import annotations

import pytest

from uvdock.deps.install import Step, plan

LAST = ((Step.PROVE,), (Step.RECREATE,))


@pytest.mark.parametrize(
    ("backend", "build", "running", "expected"),
    [
        pytest.param("host", True, False, ((Step.LOCK,), (Step.SYNC_HOST,)), id="host"),
        pytest.param("host", False, False, ((Step.LOCK,), (Step.SYNC_HOST,)), id="host-without-build"),
        pytest.param("compose", True, False, ((Step.LOCK,), (Step.BUILD,), *LAST), id="compose"),
        pytest.param(
            "compose",
            True,
            True,
            ((Step.LOCK,), (Step.BUILD, Step.SYNC_CONTAINER), *LAST),
            id="compose-while-it-runs",
        ),
        pytest.param("compose", False, True, ((Step.LOCK,), (Step.SYNC_CONTAINER,)), id="compose-without-build"),
    ],
)
def test_plan(backend: str, build: bool, running: bool, expected: tuple[tuple[Step, ...], ...]) -> None:
    assert plan(backend, build=build, running=running) == expected
