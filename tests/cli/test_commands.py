"""A repo's own commands as a person uses them: from the table and from Python, on the host backend."""

from __future__ import annotations

import signal
import subprocess
from pathlib import Path

import pytest

from tests.conftest import Program, make_project

SHOW = "python -c 'import sys; print(sys.argv[1:])'"


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    folder = make_project(tmp_path / "app")
    (folder / "tasks.py").write_text("from uvdock import ns\n")
    return folder


def commands(repo: Path, content: str) -> None:
    with (repo / "pyproject.toml").open("a") as file:
        file.write(f"[tool.uvdock.commands]\n{content}\n")


@pytest.mark.parametrize("prefix", [["inv"], ["uvdock"]], ids=["inv", "uvdock"])
def test_a_command_takes_further_arguments(program: Program, repo: Path, prefix: list[str]) -> None:
    commands(repo, f'show = {{run = "{SHOW}", help = "Show the arguments."}}')
    ran = program.run("show", "--", "a b", "", "--x", cwd=repo, program=prefix[0])
    assert (ran.code, ran.out, ran.err) == (0, "['a b', '', '--x']\n", "")
    assert "Show the arguments." in program.run("--list", cwd=repo, program=prefix[0]).out


def test_uvdock_needs_no_separator_and_inv_says_that_it_is_missing(program: Program, repo: Path) -> None:
    commands(repo, f'show = "{SHOW}"')
    assert program.run("show", "-x", cwd=repo).out == "['-x']\n"
    ran = program.run("show", "word", cwd=repo, program="inv")
    assert (ran.code, "type inv show -- word" in ran.err) == (2, True)


def test_variables_come_from_dotenv_below_the_environment(program: Program, repo: Path) -> None:
    (repo / ".env").write_text("export A='from .env'\nB=2 # two\n")
    commands(repo, f'show = "{SHOW} ${{A}} ${{B}} ${{C:-three}}"')
    assert program.run("show", cwd=repo).out == "['from .env', '2', 'three']\n"
    assert program.run("show", cwd=repo, env={"A": "* $(x)"}).out == "['* $(x)', '2', 'three']\n"


def test_a_variable_that_is_missing(program: Program, repo: Path) -> None:
    commands(repo, 'show = "echo ${NOWHERE}"')
    ran = program.run("show", cwd=repo)
    assert ran.code == 1
    what, where, fix = ran.err.splitlines()
    assert what == "error: the variable NOWHERE is not set"
    assert where == "   at: command show: ${NOWHERE}"
    assert "NOWHERE" in fix


def test_steps_run_in_order_and_the_first_failure_ends_them(program: Program, repo: Path) -> None:
    commands(
        repo,
        'one = "echo one"\nbad = {run = "exit 7", shell = true}\nthree = "echo three"\n'
        'good = ["one", "three -- x"]\nall = ["one", "bad", "three"]',
    )
    assert program.run("good", cwd=repo).out == "one\nthree x\n"
    for name in ("inv", "uvdock"):
        ran = program.run("all", cwd=repo, program=name)
        assert (ran.code, ran.out) == (7, "one\n")
        assert "bad failed with 7; not run: three" in ran.err


def test_parallel_steps_keep_their_output_apart(program: Program, repo: Path) -> None:
    commands(
        repo,
        'a = {run = "for i in 1 2 3 4 5; do echo a$i; echo e$i >&2; done", shell = true}\n'
        'bb = {run = "for i in 1 2 3 4 5; do echo b$i; done", shell = true}\n'
        'both = {steps = ["a", "bb"], parallel = true}',
    )
    ran = program.run("both", cwd=repo)
    assert ran.code == 0
    assert [line for line in ran.out.splitlines() if line.startswith("a ")] == [f"a  │ a{n}" for n in range(1, 6)]
    assert [line for line in ran.out.splitlines() if line.startswith("bb")] == [f"bb │ b{n}" for n in range(1, 6)]
    assert [line for line in ran.err.splitlines() if "│ e" in line] == [f"a  │ e{n}" for n in range(1, 6)]


def test_a_parallel_step_that_fails_stops_the_others(program: Program, repo: Path, tmp_path: Path) -> None:
    pid = tmp_path / "pid"
    commands(
        repo,
        f'slow = {{run = "echo $$ > {pid}; exec sleep 600", shell = true}}\n'
        f'bad = {{run = "while ! [ -s {pid} ]; do :; done; exit 5", shell = true}}\n'
        'both = {steps = ["slow", "bad"], parallel = true}',
    )
    assert program.run("both", cwd=repo, timeout=60).code == 5
    assert subprocess.run(["kill", "-0", pid.read_text().strip()], check=False, capture_output=True).returncode != 0


@pytest.mark.parametrize("parallel", ["true", "false"])
def test_a_signal_ends_every_step(program: Program, repo: Path, tmp_path: Path, parallel: str) -> None:
    pid = tmp_path / "pid"
    commands(
        repo,
        f'slow = {{run = "echo $$ > {pid}; exec sleep 600", shell = true}}\n'
        f'all = {{steps = ["slow"], parallel = {parallel}}}',
    )
    process = program.start("all", cwd=repo)
    while not (pid.exists() and pid.read_text().strip()):
        assert process.poll() is None
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=30)
    assert process.returncode == 143
    assert subprocess.run(["kill", "-0", pid.read_text().strip()], check=False, capture_output=True).returncode != 0


def test_a_name_with_a_dot_beside_its_first_part(program: Program, repo: Path) -> None:
    commands(repo, 'lint = "echo all"\n"lint.one" = "echo one"')
    assert program.run("lint", cwd=repo).out == "all\n"
    assert program.run("lint.one", cwd=repo).out == "one\n"


def test_a_built_in_task_is_replaced_only_when_that_is_said(program: Program, repo: Path) -> None:
    commands(repo, 'build = "echo mine"')
    for name in ("inv", "uvdock"):
        ran = program.run("--list", cwd=repo, program=name)
        assert (ran.code, "build is a built-in task" in ran.err, "Traceback" in ran.err) == (2, True, False)
    manifest = repo / "pyproject.toml"
    manifest.write_text(manifest.read_text().replace('"echo mine"', '{run = "echo mine", replace = true}'))
    assert program.run("build", cwd=repo).out == "mine\n"


def test_a_circle_is_refused_before_anything_runs(program: Program, repo: Path) -> None:
    commands(repo, 'a = ["b"]\nb = ["a"]')
    ran = program.run("a", cwd=repo)
    assert ran.code == 2
    assert "commands call each other in a circle: a → b → a" in ran.err


@pytest.mark.parametrize(
    ("settings", "task", "circle"),
    [
        pytest.param('ci = ["ci.test"]', "ci.test", "ci.test → ci.test", id="ci-itself"),
        pytest.param('ci = ["all"]\ncommands = {all = ["ci.test"]}', "all", "all → ci.test → all", id="over-ci"),
        pytest.param('commands = {lint = ["quality"]}', "quality", "quality → lint → quality", id="over-a-ready-task"),
        pytest.param(
            'commands = {a = {steps = ["b", "b"], parallel = true}}', "a", "a → a", id="over-a-task-in-python"
        ),
    ],
)
def test_a_circle_that_only_running_shows_ends_at_once(
    program: Program, repo: Path, settings: str, task: str, circle: str
) -> None:
    with (repo / "pyproject.toml").open("a") as file:
        file.write(f"[tool.uvdock]\n{settings}\n")
    (repo / "tasks.py").write_text(
        "import uvdock\nfrom invoke import task\nfrom uvdock import ns\n\n"
        '@task\ndef b(c):\n    uvdock.run(c, "inv", "a")\n\nns.add_task(b)\n'
    )
    ran = program.run(task, cwd=repo, program="inv", timeout=60)
    assert ran.code == 2
    lines = ran.err.splitlines()
    at = next(number for number, line in enumerate(lines) if "error: tasks call each other in a circle: " in line)
    assert circle in lines[at]
    assert "take one of the steps out" in lines[at + 2]
    assert "Traceback" not in ran.err


def test_arguments_for_a_list_are_not_dropped_in_silence(program: Program, repo: Path) -> None:
    commands(repo, 'one = "echo one"\nall = ["one", "one -- two"]')
    (repo / "tasks.py").write_text("from uvdock import ns\n")
    for typed, told in ((["all", "--", "-x"], "-x is a word too many"), (["all", "x"], "there is no task x")):
        ran = program.run(*typed, cwd=repo)
        assert (ran.code, ran.out) == (2, "")
        assert ran.err.startswith(f"error: {told}")
    ran = program.run("all", "--", "-x", cwd=repo, program="inv")
    assert (ran.code, ran.out) == (2, "")
    what, where, fix = ran.err.splitlines()[:3]
    assert what == "error: all is a list of steps, and takes no arguments"
    assert where == "   at: all -- -x"
    assert fix == " next: give them to one of its steps: one, one -- two"


def test_the_same_step_may_come_twice(program: Program, repo: Path) -> None:
    commands(repo, 'one = "echo one"\ntwo = ["one", "one"]\nall = ["two", "two", "one"]')
    assert program.run("all", cwd=repo).out == "one\n" * 5


def test_a_task_of_the_same_name_in_another_folder_is_another(program: Program, repo: Path) -> None:
    inner = make_project(repo / "inner")
    (inner / "tasks.py").write_text("from uvdock import ns\n")
    subprocess.run(["git", "init", "--quiet"], cwd=inner, check=True)
    commands(repo, 'all = ["below"]\nbelow = {run = "uvdock all", workdir = "inner"}')
    commands(inner, 'all = ["one"]\none = "echo inner"')
    assert program.run("all", cwd=repo).out == "inner\n"


def test_a_folder_of_its_own(program: Program, repo: Path) -> None:
    (repo / "inner").mkdir()
    commands(repo, 'where = {run = "pwd", workdir = "inner"}')
    assert program.run("where", cwd=repo).out == f"{repo.resolve() / 'inner'}\n"


def test_run_and_passthrough_in_a_tasks_file(program: Program, repo: Path) -> None:
    (repo / "tasks.py").write_text(
        f'''
import uvdock
from invoke import task
from uvdock import ns

show = uvdock.passthrough("{SHOW} fixed", name="show", help="Show what it gets.")

@task
def captured(c):
    found = uvdock.run(c, "sh", "-c", "printf out; printf err >&2; exit 3", capture=True, check=False)
    print(found.code, found.stdout, found.stderr)

@task
def failing(c):
    uvdock.run(c, "sh", "-c", "exit 6")
    print("never")

@task
def unchecked(c):
    print(uvdock.run(c, "sh", "-c", "exit 6", check=False))

@task
def variable(c):
    uvdock.run(c, "printenv", "SECRET", env={{"SECRET": "a b"}})

@task
def missing(c):
    uvdock.run(c, "no-such-program-here")
    print("never")

for one in (show, captured, failing, unchecked, variable, missing):
    ns.add_task(one)
'''
    )

    def inv(*args: str) -> tuple[int, str]:
        ran = program.run(*args, cwd=repo, program="inv")
        return ran.code, ran.out

    assert inv("show", "--", "a b") == (0, "['fixed', 'a b']\n")
    assert inv("captured") == (0, "3 b'out' b'err'\n")
    assert inv("failing") == (6, "")
    assert inv("unchecked") == (0, "6\n")
    assert inv("variable") == (0, "a b\n")
    assert inv("missing") == (127, "")
    assert "Show what it gets." in inv("--list")[1]
