"""A task that only looks leaves every file as it was, whatever state the project is in."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.conftest import BOTH_OF_MANY, Program, clean_environment, hashes, make_project

pytestmark = pytest.mark.slow

#: A task, and its exit code in a project that is installed, that has a stale lock, that has none.
TASKS = [
    pytest.param(["deps.check"], 0, 1, 1, id="check"),
    pytest.param(["deps.outdated"], 0, 0, 1, id="outdated"),
    pytest.param(["deps.outdated", "--all", "--json"], 0, 0, 1, id="outdated-json"),
    pytest.param(["deps.upgrade", "--dry-run"], 0, 0, 1, id="upgrade-dry-run"),
    pytest.param(["config"], 0, 0, 0, id="config"),
    pytest.param(["doctor"], 0, 0, 0, id="doctor"),
    pytest.param(["migrate"], 0, 0, 0, id="migrate"),
    pytest.param(["--list"], 0, 0, 0, id="list"),
    pytest.param(["--help"], 0, 0, 0, id="help"),
    pytest.param(["--help", "deps.install"], 0, 0, 0, id="help-of-a-task"),
    pytest.param(["--version"], 0, 0, 0, id="version"),
    pytest.param(["uv", "--", "tree", "--frozen"], 0, 0, 1, id="uv-tree"),
    pytest.param(["uv", "--", "lock", "--check"], 0, 1, 1, id="uv-lock-check"),
    pytest.param(["uv", "--", "lock", "--dry-run"], 0, 0, 0, id="uv-lock-dry-run"),
]


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project that is locked and installed, made once."""
    folder = make_project(tmp_path_factory.mktemp("read-only") / "app", ["six"])
    (folder / "tasks.py").write_text("from uvdock import ns\n")
    ran = Program({**clean_environment(), "UVDOCK_BACKEND": "host"}).run("deps.install", cwd=folder)
    assert ran.code == 0, ran.err
    return folder


@pytest.mark.parametrize("name", BOTH_OF_MANY)
@pytest.mark.parametrize(("arguments", "code", "_stale", "_missing"), TASKS)
def test_on_an_installed_project(
    program: Program, installed: Path, name: str, arguments: list[str], code: int, _stale: int, _missing: int
) -> None:
    before = hashes(installed)
    assert {"pyproject.toml", "uv.lock", "tasks.py", ".venv/pyvenv.cfg"} <= before.keys()

    ran = program.run(*arguments, cwd=installed, program=name)

    assert ran.code == code, ran.err
    assert hashes(installed) == before


@pytest.mark.parametrize(("arguments", "_fresh", "code", "_missing"), TASKS)
def test_with_a_stale_lock_and_no_environment(
    program: Program, installed: Path, tmp_path: Path, arguments: list[str], _fresh: int, code: int, _missing: int
) -> None:
    project = make_project(tmp_path / "app", ["six", "iniconfig"])
    shutil.copy(installed / "uv.lock", project)
    before = hashes(project)

    ran = program.run(*arguments, cwd=project)

    assert ran.code == code, ran.err
    assert hashes(project) == before


@pytest.mark.parametrize(("arguments", "_fresh", "_stale", "code"), TASKS)
def test_without_a_lock(
    program: Program, tmp_path: Path, arguments: list[str], _fresh: int, _stale: int, code: int
) -> None:
    project = make_project(tmp_path / "app", ["six"])
    before = hashes(project)

    ran = program.run(*arguments, cwd=project)

    assert ran.code == code, ran.err
    assert hashes(project) == before


@pytest.mark.parametrize("argument", ["--list", "--help", "--version", "config"])
def test_no_project_is_needed_to_look_around(program: Program, tmp_path: Path, argument: str) -> None:
    ran = program.run(argument, cwd=tmp_path)

    assert (ran.code, ran.err) == (0, "")
    assert ran.out
    assert list(tmp_path.iterdir()) == []
