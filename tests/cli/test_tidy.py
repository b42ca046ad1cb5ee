"""`clean` removes only what git ignores and a pattern names; `secret` is random; `--dry` and `--echo` show."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tests.conftest import Program, hashes, make_project


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    """A git repo with by-products, an ignored file that is nobody's by-product, and work that looks like one."""
    root = make_project(tmp_path / "app")
    for name in ("pkg/__pycache__/a.pyc", ".pytest_cache/x", ".env", "kept/__pycache__/work.txt", "pkg/mod.py"):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(name)
    (root / ".gitignore").write_text("pkg/__pycache__/\n.pytest_cache/\n.env\nbuilt/\n")
    subprocess.run(["git", "init", "-q"], cwd=root, check=True)
    return root


def test_clean_shows_and_removes_by_products_alone(program: Program, repo: Path) -> None:
    before = hashes(repo)
    shown = program.run("clean", "--dry-run", cwd=repo)
    assert [line for line in shown.err.splitlines() if line.startswith("  ")] == [
        "  .pytest_cache/",
        "  pkg/__pycache__/",
    ]
    assert (shown.code, hashes(repo)) == (0, before)

    assert program.run("clean", "--yes", cwd=repo).code == 0
    assert not (repo / ".pytest_cache").exists()
    assert not (repo / "pkg/__pycache__").exists()
    assert (repo / ".env").exists()
    assert (repo / "kept/__pycache__/work.txt").exists()
    assert "there is nothing to remove" in program.run("clean", cwd=repo).err


def test_clean_asks_and_takes_silence_for_no(program: Program, repo: Path) -> None:
    before = hashes(repo)
    ran = program.run("clean", cwd=repo, stdin=b"y\n")
    assert ran.code == 1
    assert "nothing was removed" in ran.err
    assert hashes(repo) == before


def test_clean_with_a_pattern_of_ones_own(program: Program, repo: Path) -> None:
    (repo / "built").mkdir()
    assert program.run("clean", "--yes", "built", "mod.py", cwd=repo).code == 0
    assert not (repo / "built").exists()
    assert (repo / "pkg/mod.py").exists()
    assert (repo / ".pytest_cache").exists()


def test_clean_removes_a_link_and_not_what_it_points_to(program: Program, repo: Path, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "work").write_text("work")
    (repo / "built").symlink_to(outside)
    (repo / ".gitignore").write_text("built\n")
    assert program.run("clean", "--yes", "built", cwd=repo).code == 0
    assert not (repo / "built").is_symlink()
    assert (outside / "work").read_text() == "work"


def test_clean_without_git_removes_nothing(program: Program, tmp_path: Path) -> None:
    folder = make_project(tmp_path / "app")
    (folder / ".pytest_cache").mkdir()
    ran = program.run("clean", "--yes", cwd=folder, env={"GIT_CEILING_DIRECTORIES": str(tmp_path)})
    assert (ran.code, "only what git ignores is ever removed" in ran.err) == (1, True)
    assert (folder / ".pytest_cache").is_dir()


def test_secrets_differ_and_have_the_length_asked_for(program: Program, repo: Path) -> None:
    found = {program.run("secret", cwd=repo).out for _ in range(3)}
    assert len(found) == 3
    assert {len(item.strip()) for item in found} == {43}
    assert len(program.run("secret", "--bytes", "64", cwd=repo).out.strip()) == 86
    assert program.run("secret", "--bytes", "0", cwd=repo).code == 2


def test_dry_shows_and_runs_nothing_and_echo_does_both(program: Program, repo: Path) -> None:
    ran = program.run("--dry", "cmd", "touch", "a b", cwd=repo)
    assert (ran.code, ran.err.splitlines()[0].endswith("touch 'a b'")) == (0, True)
    assert not (repo / "a b").exists()
    before = hashes(repo)
    assert program.run("--dry", "deps.install", cwd=repo).code == 0
    assert hashes(repo) == before

    ran = program.run("--echo", "cmd", "touch", "a b", cwd=repo)
    assert ran.err.splitlines()[0].endswith("touch 'a b'")
    assert (repo / "a b").exists()


def test_a_mistyped_task_is_told_the_nearest(program: Program, repo: Path) -> None:
    ran = program.run("deps.instal", cwd=repo)
    assert ran.code == 2
    assert ran.err.splitlines()[0] == "error: there is no task deps.instal (did you mean deps.install?)"
