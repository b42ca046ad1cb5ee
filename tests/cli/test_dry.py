"""`--dry` without an engine: the commands and nothing else, of every task, and no file is touched."""

from __future__ import annotations

import shlex
import subprocess
from pathlib import Path

import pytest

from tests import dryruns
from tests.conftest import Program, hashes

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def repo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = dryruns.make_repo(tmp_path_factory.mktemp("dry") / "app")
    (folder / "uv.lock").write_text('version = 1\nrevision = 3\nrequires-python = ">=3.11"\n')
    subprocess.run(["git", "init", "--quiet"], cwd=folder, check=True)
    return folder


@pytest.fixture
def host(program: Program, repo: Path) -> Program:
    """The program on the host's backend, with a folder of temporary files that is a repo's neighbour."""
    program.env |= {"UVDOCK_BACKEND": "host", "TMPDIR": str(repo.parent)}
    return program


def test_every_task_has_a_row(host: Program, repo: Path) -> None:
    assert {row.words.split()[0] for row in dryruns.ROWS} == dryruns.tasks(host, repo)


@pytest.mark.parametrize("row", [row for row in dryruns.ROWS if row.host is not None], ids=lambda row: row.words)
def test_a_dry_run_shows_the_commands_and_touches_nothing(host: Program, repo: Path, row: dryruns.Row) -> None:
    before = hashes(repo.parent)
    ran = host.run("--dry", *shlex.split(row.words), cwd=repo)
    assert ran.code == 0, ran.err
    assert dryruns.shown(ran, repo) == list(row.host or ())
    assert hashes(repo.parent) == before


@pytest.mark.parametrize(
    "words",
    ["deps.check", "deps.diff", "clean", "init", "migrate", "secret", "config", "completion bash"],
)
def test_a_task_that_answers_does_and_touches_nothing(host: Program, repo: Path, words: str) -> None:
    before = hashes(repo)
    ran = host.run("--dry", *words.split(), cwd=repo)
    assert ran.out + ran.err
    assert "Traceback" not in ran.err
    assert hashes(repo) == before


def test_the_steps_of_inv_and_a_tasks_py_are_dry_too(host: Program, repo: Path, tmp_path: Path) -> None:
    folder = dryruns.make_repo(tmp_path / "app")
    (folder / "tasks.py").write_text(
        "import uvdock\nfrom invoke import task\nfrom uvdock import ns\n\n\n@task\ndef mine(c):\n"
        '    uvdock.run(c, "touch", "made")\n'
        '    assert uvdock.run(c, "touch", "made", capture=True).text == ""\n\n\nns.add_task(mine)\n'
    )
    (folder / "uvdock.toml").write_text('[commands]\nall = {steps = ["mine", "hello"]}\nhello = "touch made"\n')
    before = hashes(folder)
    ran = host.run("--dry", "all", cwd=folder, program="inv")
    assert ran.code == 0, ran.err
    assert [line.rpartition("/")[2] for line in dryruns.shown(ran, folder)] == ["touch made"] * 3
    assert hashes(folder) == before


def test_a_command_is_one_line_and_shows_no_secret(host: Program, repo: Path) -> None:
    host.env["UV_INDEX_PRIVATE_PASSWORD"] = "s3cr3t-w0rd"
    ran = host.run("--dry", "cmd", "printenv", "a\nb's\t", "", "s3cr3t-w0rd", "https://me:pass@host/x", cwd=repo)
    (line,) = dryruns.shown(ran, repo)
    assert line == r"printenv $'a\nb\'s\t' '' *** https://***@host/x"
    said = subprocess.run(["bash", "-c", f"printf %s {line.split(' ')[1]}"], capture_output=True, check=True)
    assert said.stdout == b"a\nb's\t"


def test_ci_writes_no_summary_and_folds_nothing(host: Program, repo: Path, tmp_path: Path) -> None:
    summary = tmp_path / "summary.md"
    host.env |= {"GITHUB_ACTIONS": "true", "GITHUB_STEP_SUMMARY": str(summary)}
    ran = host.run("--dry", "ci.test", cwd=repo)
    assert (ran.code, ran.out, summary.exists()) == (0, "", False)
