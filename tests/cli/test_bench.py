"""`bench` on the host: real pip, real uv, and nothing of the repo changes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.conftest import Program, hashes, make_project, uv

pytestmark = pytest.mark.slow


@pytest.fixture
def project(tmp_path: Path, program: Program) -> Path:
    folder = make_project(tmp_path / "app", ["six"])
    program.env |= {"UVDOCK_BACKEND": "host", "COLUMNS": "80"}
    uv("lock", cwd=folder)
    return folder


@pytest.mark.long
def test_pip_and_uv_side_by_side(program: Program, project: Path, tmp_path: Path) -> None:
    before, picture = hashes(project), tmp_path / "bench.svg"
    ran = program.run("bench", "--runs", "1", "--json", "--svg", str(picture), cwd=project)
    assert ran.code == 0, ran.err
    data = json.loads(ran.out)
    who = {(item["group"], item["who"]): item for item in data["measured"]}
    assert {("install, empty cache", "pip"), ("install, filled cache", "uv"), ("make an environment", "venv")} <= set(
        who
    )
    assert all(item["first"] > 0 and len(item["seconds"]) == 1 for item in who.values())
    assert data["facts"]["packages"] == "1"
    assert data["fetched_bytes"]["uv"] > 1000
    assert [item["kept"] is None for item in data["promises"]] == [False, False, False, True]
    assert picture.read_text().startswith("<svg")
    assert hashes(project) == before

    shown = program.run("bench", "--runs", "1", cwd=project)
    assert shown.code == 0
    assert "uv, bytecode" in shown.out
    assert "█" in shown.out
    assert "is promised" in shown.err
    assert "no image is built" in shown.err


@pytest.mark.parametrize(
    ("args", "code", "expected"),
    [
        pytest.param(["--runs", "0"], 2, "0 runs make no bench", id="no-runs"),
        pytest.param(["--runs", "nine"], 2, "--runs needs a number, and 'nine' is none", id="no-number"),
        pytest.param(["--svg", "nowhere/x.svg"], 2, "there is no such folder", id="no-folder"),
        pytest.param(["--no-installs"], 1, "there is nothing to measure", id="nothing"),
        pytest.param(["--before", "main"], 1, "images are built with Compose", id="no-compose"),
    ],
)
def test_what_cannot_be_measured_is_told(
    program: Program, project: Path, args: list[str], code: int, expected: str
) -> None:
    ran = program.run("bench", *args, cwd=project)
    assert ran.code == code
    assert expected in ran.err
    assert "Traceback" not in ran.err


def test_without_a_lock_it_says_what_to_do(program: Program, tmp_path: Path) -> None:
    program.env["UVDOCK_BACKEND"] = "host"
    ran = program.run("bench", cwd=make_project(tmp_path / "app"))
    assert ran.code == 1
    assert ran.err.splitlines()[0] == "error: there is no uv.lock, so it is not clear what to install"


def test_a_dry_run_names_what_would_be_measured(program: Program, project: Path) -> None:
    (project / "tasks.py").write_text("from uvdock import ns\n")
    ran = program.run("--dry", "bench", cwd=project, program="inv")
    assert ran.code == 0
    assert "install, empty cache: pip\n" in ran.err
    assert "first run" not in ran.err
