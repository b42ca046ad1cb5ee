"""Which images a registry is asked for, and what its answer says."""

from __future__ import annotations

from typing import Any

import pytest

from uvdock.engine.registry import labels_of, names_one


@pytest.mark.parametrize(
    ("reference", "expected"),
    [
        ("ghcr.io/me/app:1", True),
        ("127.0.0.1:5000/app", True),
        ("localhost/app", True),
        ("build-box:5000/app@sha256:0", True),
        ("app", False),
        ("app:1.2", False),
        ("me/app:1.2", False),
    ],
)
def test_what_names_a_registry(reference: str, expected: bool) -> None:
    assert names_one(reference) is expected


def image(**labels: str) -> dict[str, Any]:
    return {"os": "linux", "architecture": "amd64", "config": {"Labels": labels}}


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        pytest.param(image(a="1"), {"a": "1"}, id="one"),
        pytest.param({"linux/amd64": image(a="1"), "linux/arm64": image(a="2")}, {"a": "1"}, id="several"),
        pytest.param({"linux/arm64": image(a="2")}, {}, id="not-for-this-platform"),
        pytest.param(image(a="1") | {"architecture": "arm64"}, {}, id="one-for-another-platform"),
        pytest.param({"config": {"Labels": None}}, {}, id="no-labels"),
        pytest.param({"config": {}}, {}, id="none-at-all"),
        pytest.param({}, {}, id="no-answer"),
    ],
)
def test_labels_for_a_platform(data: dict[str, Any], expected: dict[str, str]) -> None:
    assert labels_of(data, "linux/amd64") == expected
