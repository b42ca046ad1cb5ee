"""A lock that a merge left in conflict, with real git and real uv."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tests.conftest import Program, make_project, uv
from uvdock.deps import lockfile

pytestmark = pytest.mark.slow

BASE, OURS, THEIRS = "six==1.16.0", "iniconfig==2.0.0", "pluggy==1.5.0"


def git(folder: Path, *args: str, ok: bool = True) -> None:
    who = ["-c", "user.name=a", "-c", "user.email=a@example.org"]
    done = subprocess.run(["git", *who, *args], cwd=folder, check=False, capture_output=True)
    assert (done.returncode == 0) is ok, done.stderr


@pytest.fixture
def merged(program: Program, tmp_path: Path) -> Path:
    """A project in which two branches added a package each, and the merge left both files in conflict."""
    program.env["UVDOCK_BACKEND"] = "host"
    project = tmp_path / "app"

    def commit(*dependencies: str) -> None:
        make_project(project, dependencies)
        uv("lock", cwd=project)
        git(project, "add", ".")
        git(project, "commit", "--quiet", "--message", " ".join(dependencies))

    project.mkdir()
    git(project, "init", "--quiet", "--initial-branch", "main")
    commit(BASE)
    git(project, "checkout", "--quiet", "-b", "theirs")
    commit(BASE, THEIRS)
    git(project, "checkout", "--quiet", "main")
    commit(BASE, OURS)
    git(project, "merge", "theirs", ok=False)
    assert lockfile.is_in_conflict((project / "uv.lock").read_bytes())
    return project


@pytest.mark.parametrize("task", ["deps.outdated", "deps.upgrade", "config", "doctor", "init", "migrate", "--list"])
def test_every_reader_of_the_manifest_names_the_markers(program: Program, merged: Path, task: str) -> None:
    ran = program.run(task, cwd=merged)
    assert ran.code == 1
    assert "pyproject.toml has merge conflict markers at line " in ran.err
    assert "TOML" not in ran.err


def test_deps_lock_settles_it_when_the_manifest_is_settled(program: Program, merged: Path) -> None:
    refused = program.run("deps.lock", cwd=merged)
    assert refused.code == 1
    line = 1 + next(n for n, text in enumerate((merged / "pyproject.toml").read_text().splitlines()) if "<<<" in text)
    assert f"error: pyproject.toml has merge conflict markers at line {line}: settle them\n" in refused.err

    make_project(merged, [BASE, OURS, THEIRS])
    told = program.run("deps.outdated", cwd=merged)
    ran = program.run("deps.lock", cwd=merged)

    assert told.code == 1
    assert "uv.lock is in conflict" in told.err
    assert "run deps.lock" in told.err
    assert ran.code == 0, ran.err
    assert "+ pluggy 1.5.0" in ran.err
    assert "`git add uv.lock` settles it" in ran.err
    locked = lockfile.versions(lockfile.parse((merged / "uv.lock").read_bytes(), merged / "uv.lock"))
    assert locked.items() >= {"six": "1.16.0", "iniconfig": "2.0.0", "pluggy": "1.5.0"}.items()
    assert program.run("deps.lock", cwd=merged).err.count("in conflict") == 0
    git(merged, "add", ".")
    git(merged, "commit", "--quiet", "--message", "merged")


@pytest.mark.parametrize("task", ["deps.lock", "deps.install"])
def test_what_cannot_be_locked_leaves_it_as_it_was(program: Program, merged: Path, task: str) -> None:
    make_project(merged, [BASE, "iniconfig==99.9"])
    before = (merged / "uv.lock").read_bytes()

    ran = program.run(task, cwd=merged)

    assert ran.code == 1
    assert "uv could not lock" in ran.err
    assert (merged / "uv.lock").read_bytes() == before


def test_marks_that_git_has_taken_for_settled_are_left_to_the_person(program: Program, merged: Path) -> None:
    make_project(merged, [BASE])
    git(merged, "add", ".")
    before = (merged / "uv.lock").read_bytes()

    ran = program.run("deps.lock", cwd=merged)

    assert ran.code == 1
    assert "git knows of no conflict" in ran.err
    assert (merged / "uv.lock").read_bytes() == before
