"""Manifests for a Python that is not on the machine: the bound moves, and nothing else."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import pytest

from uvdock.deps.relax_requires_python import relax_requires_python

ROOT = Path("/app/pyproject.toml")
MEMBER = Path("/app/lib/pyproject.toml")
PROJECT = '[project] # the app\nname = "app"\ndependencies = ["flask>=3"]\n'


def manifest(bound: str = "", extra: str = "") -> bytes:
    line = f'requires-python = "{bound}"\n' if bound else ""
    return f"{PROJECT}{line}{extra}".encode()


def relax(manifests: dict[Path, bytes], python: str = "3.11.4") -> dict[Path, dict[str, Any]]:
    return {
        path: tomllib.loads(content.decode())
        for path, content in relax_requires_python(manifests, ROOT, python).items()
    }


@pytest.mark.parametrize("bound", ["", ">=3.9", ">=3.11,<3.12", "==3.11.*", "~=3.11.2"])
def test_an_interpreter_of_the_project_changes_nothing(bound: str) -> None:
    assert relax_requires_python({ROOT: manifest(bound)}, ROOT, "3.11.4") == {}


@pytest.mark.parametrize(
    ("bound", "marker"),
    [
        (">=3.13", "python_full_version >= '3.13'"),
        ("==3.13.*", "python_full_version == '3.13.*'"),
        ("~=3.12", "python_full_version ~= '3.12'"),
    ],
)
def test_the_bound_moves_to_the_environments(bound: str, marker: str) -> None:
    found = relax({ROOT: manifest(bound)})[ROOT]
    assert found["project"]["requires-python"] == ">=3.0"
    assert found["tool"]["uv"]["environments"] == [marker]
    assert found["project"]["dependencies"] == ["flask>=3"]


def test_a_bound_of_two_ends() -> None:
    (environment,) = relax({ROOT: manifest(">=3.9,<3.11")})[ROOT]["tool"]["uv"]["environments"]
    assert set(environment.split(" and ")) == {"python_full_version >= '3.9'", "python_full_version < '3.11'"}


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        pytest.param("\"sys_platform == 'linux'\"", ["(sys_platform == 'linux') and M"], id="text"),
        pytest.param(
            "[\"sys_platform == 'linux'\", \"os_name == 'nt' or os_name == 'x'\"]",
            ["(sys_platform == 'linux') and M", "(os_name == 'nt' or os_name == 'x') and M"],
            id="list",
        ),
        pytest.param("[]", ["M"], id="empty"),
    ],
)
def test_environments_that_are_there_are_narrowed(given: str, expected: list[str]) -> None:
    found = relax({ROOT: manifest(">=3.13", f"[tool.uv]\nenvironments = {given}\n")})
    marker = "python_full_version >= '3.13'"
    assert found[ROOT]["tool"]["uv"]["environments"] == [text.replace("M", marker) for text in expected]


def test_a_workspace_meets_the_bounds_of_all_its_members() -> None:
    found = relax({ROOT: manifest(">=3.10"), MEMBER: manifest(">=3.13")})
    assert {path: data["project"]["requires-python"] for path, data in found.items()} == {
        ROOT: ">=3.0",
        MEMBER: ">=3.0",
    }
    assert found[ROOT]["tool"]["uv"]["environments"] == [
        "python_full_version >= '3.10' and python_full_version >= '3.13'"
    ]
    assert "tool" not in found[MEMBER]


def test_a_root_that_is_no_project() -> None:
    root = b'[tool.uv.workspace]\nmembers = ["lib"]\n'
    found = relax({ROOT: root, MEMBER: manifest(">=3.13")})
    assert found[ROOT]["tool"]["uv"] == {
        "workspace": {"members": ["lib"]},
        "environments": ["python_full_version >= '3.13'"],
    }


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(b"[project\n", id="no-toml"),
        pytest.param(b"\xff", id="no-text"),
        pytest.param(manifest("3.13 or so"), id="no-bound"),
        pytest.param(b"[project]\nrequires-python = 3.13\n", id="a-number"),
        pytest.param(b'[project]\ndynamic = ["requires-python"]\n', id="dynamic"),
    ],
)
def test_what_cannot_be_read_is_left_to_uv(content: bytes) -> None:
    assert relax_requires_python({ROOT: content}, ROOT, "3.11.4") == {}
