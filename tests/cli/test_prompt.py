"""What a person sees at the prompt: the list in groups, a task's help, and what is said of a mistyped word."""

from __future__ import annotations

import json
import os
import pty
import subprocess
from pathlib import Path

import pytest

from tests.conftest import BIN, Program, make_project

pytestmark = pytest.mark.slow

OWN = """
[tool.uvdock.commands]
manage = { run = "python manage.py", service = "web", before = { test = "python manage.py collectstatic" } }
assets = { steps = ["yarn js", "yarn css"], parallel = true, help = "Build the assets." }
build = { run = "make image", replace = true }
"""


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    folder = make_project(tmp_path / "app", extra=OWN)
    (folder / "tasks.py").write_text("from uvdock import ns\n")
    (folder / "compose.yaml").write_text("services:\n  db:\n    image: postgres\n")
    return folder


def test_the_list_is_in_groups(program: Program, repo: Path) -> None:
    ran = program.run("--list", cwd=repo)
    groups = {part.splitlines()[0]: part.splitlines()[1:] for part in ran.out.strip("\n").split("\n\n")}
    names = {heading: " ".join(line.split()[0] for line in lines) for heading, lines in groups.items()}
    assert (ran.code, ran.err) == (0, "")
    assert names["The stack"] == "up down ps logs"
    assert names["Databases"] == "db.dump db.restore db.shell db.wait"
    assert names["Quality"] == "lint format quality"
    assert names["Yours"] == "assets build manage"
    assert list(names) == [
        "Dependencies",
        "In the service",
        "The stack",
        "Databases",
        "Quality",
        "CI",
        "This repo",
        "Yours",
    ]
    assert all(len(line.split()) > 2 for lines in groups.values() for line in lines)
    assert "\x1b" not in ran.out
    assert "Build the assets." in ran.out
    assert "make image (in place of uvdock's own)" in ran.out


def test_other_formats_are_invokes(program: Program, repo: Path) -> None:
    flat = program.run("--list", "-F", "flat", cwd=repo).out
    assert flat.startswith("Subcommands:\n")
    assert "\n  lint " in flat
    assert "deps" in {item["name"] for item in json.loads(program.run("-l", "-F", "json", cwd=repo).out)["collections"]}
    assert "  .dump" in program.run("--list", "db", "-F", "flat", cwd=repo).out
    part = program.run("--list", "db", cwd=repo).out.splitlines()
    assert (part[0], [line.split()[0] for line in part[1:]]) == (
        "Databases",
        ["db.dump", "db.restore", "db.shell", "db.wait"],
    )
    shallow = program.run("--list", "-D", "1", cwd=repo).out
    assert "  db [4 tasks]" in shallow
    assert "Dependencies\n" in shallow
    assert "Databases\n" in program.run("--list", "-F", "nested", cwd=repo, program="inv").out


@pytest.mark.parametrize("columns", [40, 80])
def test_on_a_terminal_each_task_has_one_line(program: Program, repo: Path, columns: int) -> None:
    ours, theirs = pty.openpty()
    env = {**program.env, "COLUMNS": str(columns), "TERM": "xterm"}
    with subprocess.Popen([str(BIN / "uvdock"), "--list"], cwd=repo, env=env, stdout=theirs) as started:
        os.close(theirs)
        shown = b""
        try:
            while part := os.read(ours, 65536):
                shown += part
        except OSError:  # the end of a terminal, on Linux
            pass
    os.close(ours)
    text = shown.decode()
    lines = text.replace("\x1b[1m", "").replace("\x1b[0m", "").splitlines()
    assert started.returncode == 0
    assert "\x1b[1mYours\x1b[0m" in text
    assert columns - 8 <= max(map(len, lines)) <= columns
    plain = program.run("--list", cwd=repo).out.splitlines()
    assert len(lines) == len(plain)
    assert all(
        cut == whole or whole.startswith(cut.rstrip("…").rstrip()) for cut, whole in zip(lines, plain, strict=True)
    )


def test_who_reads_only_the_beginning_gets_no_traceback(program: Program, repo: Path) -> None:
    for arguments in ("--list", "--list -F flat", "--help"):
        done = subprocess.run(
            ["sh", "-c", f"uvdock {arguments} | head -n 1"], cwd=repo, env=program.env, capture_output=True, check=True
        )
        assert done.stderr == b""
        assert done.stdout.count(b"\n") == 1


@pytest.mark.parametrize("arguments", [["--help", "cmd"], ["cmd", "--help"]])
def test_help_has_examples_as_they_are_typed(program: Program, repo: Path, arguments: list[str]) -> None:
    ours = program.run(*arguments, cwd=repo).out
    theirs = program.run(*arguments, cwd=repo, program="inv").out
    assert "Examples:\n  uvdock cmd python -V\n  uvdock cmd --user root apt-get update\n" in ours
    assert "\nUsage: uvdock cmd [OPTIONS] COMMAND…\n" in ours
    assert "\n  -s, --service SERVICE  The Compose service" in ours
    assert "Examples:\n    inv cmd -- python -V\n    inv cmd --user root -- apt-get update\n" in theirs
    for shown in (ours, theirs):
        assert "Run any command in the service" in shown
    assert "--service=STRING" in theirs


def test_help_of_a_command_says_what_it_runs(program: Program, repo: Path) -> None:
    manage = program.run("--help", "manage", cwd=repo).out
    for line in ("python manage.py", "Before test: python manage.py collectstatic", "In the service: web"):
        assert f"{line}\n" in manage
    assert "  uvdock manage test\n" in manage
    assert "Usage: uvdock manage [OPTIONS] [ARGUMENT…]\n" in manage
    assets = program.run("--help", "assets", cwd=repo, program="inv").out
    assert "  Build the assets.\n" in assets
    assert "  Runs: yarn js and yarn css\n" in assets


@pytest.mark.parametrize(
    ("arguments", "what", "fix"),
    [
        pytest.param(
            "deps.install --no-biuld", "(did you mean --no-build?)", "uvdock --help deps.install", id="option"
        ),
        pytest.param("cmd --servce=web", "(did you mean --service?)", "uvdock --help cmd", id="with-its-value"),
        pytest.param("shell --usr root", "(did you mean --user?)", "uvdock --help shell", id="words-task"),
        pytest.param("up --wiat", "(did you mean --wait?)", "uvdock --help up", id="up"),
        pytest.param("--lsit", "(did you mean --list?)", "uvdock --list", id="core-option"),
        pytest.param("deps.lock confg", "(did you mean config?)", "uvdock --list", id="second-task"),
        pytest.param(
            "--list -F jsn", "no format 'jsn' (did you mean json?)", "grouped, flat, nested, json", id="format"
        ),
        pytest.param("db.restore", "db.restore needs FILE", "uvdock db.restore FILE", id="argument-missing"),
        pytest.param("deps.why", "deps.why needs PACKAGE", "uvdock deps.why PACKAGE", id="package-missing"),
        pytest.param("secret --bytes x", "--bytes needs a number, and 'x' is none", "--help secret", id="number"),
        pytest.param("secret --bytes", "--bytes needs a value", "--help secret", id="value"),
        pytest.param("--list nothing", "there is no group of tasks nothing", "ci, db, deps", id="group"),
        pytest.param("--list dep", "no group of tasks dep (did you mean deps?)", "ci, db, deps", id="near-group"),
        pytest.param("--help upp", "there is no task upp (did you mean up?)", "uvdock --help up", id="help"),
        pytest.param("outdated --json", "(did you mean deps.outdated?)", "uvdock deps.outdated --json", id="meaning"),
        pytest.param("psql -c 'a b'", "(did you mean db.shell?)", "uvdock db.shell -c", id="another-program"),
        pytest.param("deps", "deps is a group of tasks", "deps.audit, deps.check", id="namespace"),
        pytest.param("js.install", "this repo has no package.json", "add one", id="nothing-for-it"),
        pytest.param("redis-cli", "is Redis or Valkey", "uvdock config", id="no-such-service"),
    ],
)
def test_the_nearest_word_is_named(program: Program, repo: Path, arguments: str, what: str, fix: str) -> None:
    ran = program.run(*arguments.split(), cwd=repo)
    first, where, last = ran.err.splitlines()
    assert ran.code == 2
    assert first.endswith(what)
    assert where.startswith("   at: ")
    assert fix in last


def test_a_mistyped_option_of_build_is_not_handed_to_compose(program: Program, tmp_path: Path) -> None:
    folder = make_project(tmp_path / "plain")
    ran = program.run("build", "--no-cahe", cwd=folder)
    assert ran.code == 2
    assert ran.err.startswith(
        "error: build has no option --no-cahe (did you mean --no-cache?)\n   at: uvdock build --no-cahe\n"
    )
    # Compose's own goes to Compose, and so does anything after a -- that was typed.
    for arguments in (["build", "--progress", "plain"], ["build", "--", "--no-cahe"]):
        assert "build needs the compose backend" in program.run(*arguments, cwd=folder).err


def test_inv_with_a_search_root_has_that_repos_tasks(program: Program, repo: Path, tmp_path: Path) -> None:
    elsewhere = make_project(tmp_path / "elsewhere", extra='[tool.uvdock.commands]\nelsewhere-only = "true"\n')
    listed = program.run("-r", str(repo), "--list", cwd=elsewhere, program="inv").out
    assert "  assets " in listed
    assert "  db.dump " in listed
    assert "elsewhere-only" not in listed
    below = repo / "below"
    below.mkdir()
    assert "  assets " in program.run("--list", cwd=below, program="inv").out


@pytest.mark.parametrize(
    "example",
    [
        "ci.env",
        "clean --dry-run",
        "cmd -- python -V",
        "completion bash",
        "completion zsh --inv",
        "config",
        "init --dry-run",
        "secret --bytes 64",
        "uv -- tree",
    ],
)
def test_examples_that_need_no_engine_run_as_they_are_shown(program: Program, tmp_path: Path, example: str) -> None:
    folder = make_project(tmp_path / "plain")
    (folder / "tasks.py").write_text("from uvdock import ns\n")
    subprocess.run(["git", "init", "-q"], cwd=folder, check=True)
    name = example.split(maxsplit=1)[0]
    for called in ("uvdock", "inv"):
        helped = program.run("--help", name, cwd=folder, program=called).out
        typed = next(
            line.split()[1:] for line in helped.splitlines() if line.strip() == f"{called} {_as(called, example)}"
        )
        ran = program.run(*typed, cwd=folder, program=called)
        assert ran.code == 0, ran.err


def _as(called: str, example: str) -> str:
    return example if called == "inv" else example.replace(" -- ", " ")
