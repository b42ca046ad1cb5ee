"""Linters and formatters on real files: what is there to be found is found, and only where it makes sense."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tests.conftest import Program, make_project

BAD_SHELL = '#!/bin/sh\nif [ "$1" = x ]; then\n      rm -rf $2\nfi\n'


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    root = make_project(tmp_path / "app", extra='[dependency-groups]\ndev = ["pytest"]\n')
    (root / "Dockerfile").write_text("FROM debian:trixie-slim\nRUN cd /tmp && sudo ls\n")
    (root / "bin").mkdir()
    (root / "bin/start").write_text(BAD_SHELL)
    (root / "bin/tool.py").write_text("#!/usr/bin/env python3\nimport os\n")
    (root / "bin/tool.py").chmod(0o755)
    subprocess.run(["git", "init", "-q"], cwd=root, check=True)
    return root


def names(program: Program, repo: Path) -> set[str]:
    listed = program.run("--list", cwd=repo).out.splitlines()
    return {line.split()[0] for line in listed if line.startswith("  ") and line[2] != " "}


def test_ready_tasks_are_there_where_they_make_sense(program: Program, repo: Path, tmp_path: Path) -> None:
    ready = {"lint", "lint.dockerfile", "lint.shell", "format", "format.shell", "quality", "test"}
    assert ready <= names(program, repo)
    bare = make_project(tmp_path / "bare")
    subprocess.run(["git", "init", "-q"], cwd=bare, check=True)
    assert names(program, bare) & ready == {"lint", "format", "quality"}


def test_a_broken_manifest_somewhere_in_the_repo_takes_no_task_away(program: Program, repo: Path) -> None:
    (repo / "examples/broken").mkdir(parents=True)
    (repo / "examples/broken/pyproject.toml").write_text("[project\n")
    assert program.run("--list", cwd=repo).code == 0
    assert "test" in names(program, repo)


def test_hadolint_reads_every_dockerfile(program: Program, repo: Path) -> None:
    ran = program.run("lint.dockerfile", cwd=repo)
    assert ran.code == 1
    assert "DL3004" in ran.out
    (repo / "Dockerfile").write_text("FROM debian:trixie-slim\n")
    assert program.run("lint.dockerfile", cwd=repo).code == 0


def test_shellcheck_finds_scripts_by_their_first_line(program: Program, repo: Path) -> None:
    ran = program.run("lint.shell", cwd=repo)
    assert ran.code == 1
    assert "SC2086" in ran.out
    assert "tool.py" not in ran.out
    assert program.run("lint.shell", "--exclude=SC2086", cwd=repo).code == 0


def test_shfmt_shows_and_writes(program: Program, repo: Path) -> None:
    ran = program.run("format.shell", "--diff", cwd=repo)
    assert ran.code == 1
    assert "+\trm -rf $2" in ran.out
    assert (repo / "bin/start").read_text() == BAD_SHELL
    assert program.run("format.shell", cwd=repo).code == 0
    assert "\n\trm -rf $2\n" in (repo / "bin/start").read_text()
    assert program.run("format.shell", "--diff", cwd=repo).code == 0


def test_ruff_lints_and_formats(program: Program, repo: Path) -> None:
    assert "F401" in program.run("lint", cwd=repo).out
    assert program.run("lint", "--fix", cwd=repo).code == 0
    (repo / "a.py").write_text("x=1\n")
    assert program.run("format", "--diff", cwd=repo).code == 1
    assert program.run("format", cwd=repo).code == 0
    assert (repo / "a.py").read_text() == "x = 1\n"


def test_quality_stops_at_the_first_that_fails(program: Program, repo: Path) -> None:
    ran = program.run("quality", cwd=repo)
    assert ran.code == 1
    assert "lint.dockerfile failed with 1; not run: lint.shell, lint, format.shell, format" in ran.err


def test_a_task_of_the_repos_own_takes_the_place_of_a_ready_one(program: Program, repo: Path) -> None:
    tasks = "from invoke import task\nfrom uvdock import ns\n"
    for name in ("lint", "test"):
        tasks += f"@task\ndef {name}(c): print('my {name}')\nns.add_task({name})\n"
    (repo / "tasks.py").write_text(tasks)
    for name in ("lint", "test"):
        assert program.run(name, cwd=repo, program="inv").out == f"my {name}\n"
    assert "SC2086" in program.run("lint.shell", cwd=repo, program="inv").out


def test_a_command_of_the_repo_takes_the_place_of_a_ready_one(program: Program, repo: Path) -> None:
    with (repo / "pyproject.toml").open("a") as file:
        file.write('[tool.uvdock.commands]\ntest = "echo mine"\n"lint.shell" = "echo also mine"\n')
    assert program.run("test", cwd=repo).out == "mine\n"
    assert program.run("lint.shell", cwd=repo).out == "also mine\n"
    assert "in place of" in program.run("--list", cwd=repo).out
