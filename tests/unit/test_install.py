"""The order of `deps.install`: lock, then image and running container, and no recreation without proof."""

from __future__ import annotations

import pytest

from uvdock.deps.install import InstallStep, plan

LAST = ((InstallStep.PROVE,), (InstallStep.RECREATE,))


@pytest.mark.parametrize(
    ("backend", "build", "running", "expected"),
    [
        pytest.param("host", True, False, ((InstallStep.LOCK,), (InstallStep.SYNC_HOST,)), id="host"),
        pytest.param("host", False, False, ((InstallStep.LOCK,), (InstallStep.SYNC_HOST,)), id="host-without-build"),
        pytest.param("compose", True, False, ((InstallStep.LOCK,), (InstallStep.BUILD,), *LAST), id="compose"),
        pytest.param(
            "compose",
            True,
            True,
            ((InstallStep.LOCK,), (InstallStep.BUILD, InstallStep.SYNC_CONTAINER), *LAST),
            id="compose-while-it-runs",
        ),
        pytest.param(
            "compose", False, True, ((InstallStep.LOCK,), (InstallStep.SYNC_CONTAINER,)), id="compose-without-build"
        ),
    ],
)
def test_plan(backend: str, build: bool, running: bool, expected: tuple[tuple[InstallStep, ...], ...]) -> None:
    assert plan(backend, build=build, running=running) == expected
