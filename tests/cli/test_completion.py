"""A word at the prompt is completed in real shells, at once, and never with an error."""

from __future__ import annotations

import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import BIN, REPO, Program, make_project
from uvdock.cli import completion

pytestmark = pytest.mark.slow

HEAVY = {"invoke", "docker", "rich", "tomlkit", "dotenv", "typing", "pathlib", "subprocess"}
#: Completes once more what is in the cache, and tells which modules it imported and which processes it started.
WATCHED = """
import sys
started = []
sys.addaudithook(lambda event, _: started.append(event) if event.startswith(("subprocess.", "os.posix_spawn",
    "os.fork", "os.exec", "os.spawn", "os.system")) else None)
from uvdock.cli.start import main
told = sys.argv.pop(1)
main()
modules = list(sys.modules)
with open(told, "w") as file:
    print("modules", *modules, file=file)
    print("started", *started, file=file)
"""
OWN = '[tool.uvdock.commands]\nflask = {run = "flask", help = "The app: its CLI."}\n"web.reload" = "true"\n'
TASKS = """
from invoke import task
from uvdock import ns

print("tasks.py says something")

@task(help={"count": "How many."})
def seed(c, count=1):
    "Fill the database."

ns.add_task(seed)
"""


@pytest.fixture
def repo(tmp_path: Path, program: Program) -> Path:
    folder = make_project(tmp_path / "app", extra=OWN)
    (folder / ".git").mkdir()
    (folder / "tasks.py").write_text(TASKS)
    (folder / "dump.sql").touch()
    program.env["XDG_CACHE_HOME"] = str(tmp_path / "cache")
    return folder


def shell(name: str, script: str, program: Program, repo: Path) -> list[str]:
    """The lines that a shell prints for a script; nothing may go to standard error."""
    found = shutil.which(name)
    if found is None:
        pytest.skip(f"no {name}")
    options = {"bash": ["--norc"], "zsh": ["-f"], "fish": ["--no-config"]}[name]
    done = subprocess.run(
        [found, *options, "-c", script],
        cwd=repo,
        env={**program.env, "HOME": str(repo.parent)},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.stderr == ""
    return done.stdout.splitlines()


def in_bash(words: list[str], program: Program, repo: Path) -> list[str]:
    typed = " ".join(map(shlex.quote, words))
    script = f"""
eval "$(uvdock completion bash --inv)"
complete -p uvdock inv invoke | grep -qv _uvdock && exit 9
COMP_WORDS=({typed}); COMP_CWORD={len(words) - 1}
_uvdock
printf '%s\\n' "${{COMPREPLY[@]}}"
"""
    return [line for line in shell("bash", f"set -u\n{script}", program, repo) if line]


def in_zsh(words: list[str], program: Program, repo: Path) -> list[str]:
    # What zsh itself does with them is its own: these stand in for the two functions that are called.
    script = f"""
_describe() {{ print -rl -- "${{(@P)2}}" }}
_files() {{ print FILES }}
compdef() {{ [[ "$*" == "_uvdock uvdock inv invoke" ]] || print "compdef $*" }}
eval "$(uvdock completion zsh --inv)"
words=({" ".join(map(shlex.quote, words))}); CURRENT={len(words)}
_uvdock
"""
    return shell("zsh", script, program, repo)


def in_fish(words: list[str], program: Program, repo: Path) -> list[str]:
    line = " ".join(words)
    return shell("fish", f"uvdock completion fish --inv | source\ncomplete -C {shlex.quote(line)}", program, repo)


def test_bash(program: Program, repo: Path) -> None:
    assert in_bash(["uvdock", "deps.i"], program, repo) == ["deps.install"]
    assert in_bash(["uvdock", "fl"], program, repo) == ["flask"]
    assert in_bash(["uvdock", "web."], program, repo) == ["web.reload"]
    assert in_bash(["uvdock", "deps.lock", "--"], program, repo) == ["--backend", "--help"]
    install = ["--no-build", "--pull", "--builder", "--cache-from", "--cache-to", "--backend", "--help"]
    assert sorted(in_bash(["uvdock", "deps.install", "--"], program, repo)) == sorted(install)
    assert in_bash(["uvdock", "-F", ""], program, repo) == ["grouped", "flat", "nested", "json"]
    assert in_bash(["uvdock", "--list-format", "=", "j"], program, repo) == ["json"]
    assert in_bash(["uvdock", "completion", ""], program, repo) == ["bash", "zsh", "fish"]
    assert in_bash(["uvdock", "db.restore", "du"], program, repo) == []
    assert in_bash(["inv", "se"], program, repo) == ["secret", "seed"]
    assert in_bash([str(BIN / "inv"), "seed", "--"], program, repo) == ["--count", "--help"]
    assert in_bash(["uvdock", "se"], program, repo) == ["secret"]
    assert in_bash(["inv", "uv", "--"], program, repo) == ["--service", "--backend", "--help", "--"]


LOCK = """version = 1
revision = 2
requires-python = ">=3.11"
[[package]]
name = "six"
version = "1.17.0"
source = { registry = "https://index.example/simple" }
[[package]]
name = "only-locked"
version = "1"
source = { registry = "https://index.example/simple" }
"""


def test_names_from_the_manifest_the_lock_and_the_rules(program: Program, repo: Path) -> None:
    make_project(repo, ["six>=1", "Typing_Extensions"], f'[dependency-groups]\ndev = ["pytest"]\n{OWN}')
    (repo / "uv.lock").write_text(LOCK)

    def completed(*words: str) -> list[str]:
        return program.run("__complete", "bash", *words, cwd=repo).out.split()

    assert completed("uvdock", "deps.upgrade", "") == ["pytest", "six", "typing-extensions"]
    assert completed("uvdock", "deps.upgrade", "six", "--exclude", "t") == ["typing-extensions"]
    assert completed("inv", "deps.outdated", "--", "p") == ["pytest"]
    assert completed("uvdock", "deps.why", "") == ["only-locked", "six"]
    assert completed("uvdock", "deps.upgrade", "--group", "") == ["dev", "project"]
    assert "env-after-install" in completed("uvdock", "doctor", "--explain", "")
    assert "env-after-install" in completed("uvdock", "doctor", "--rule", "e")
    assert completed("uvdock", "uv", "ad") == ["add"]
    assert completed("uvdock", "uv", "add", "") == []
    # What they are made from is watched: a new one is there at once, and what is broken has none.
    make_project(repo, ["idna"])
    assert completed("uvdock", "deps.upgrade", "") == ["idna"]
    (repo / "uv.lock").write_text("no lock")
    assert completed("uvdock", "deps.why", "") == []


def test_bash_completes_files_where_a_file_stands(program: Program, repo: Path) -> None:
    script = """
eval "$(uvdock completion bash)"
complete -p uvdock
"""
    assert shell("bash", script, program, repo) == ["complete -o default -F _uvdock uvdock"]


def test_zsh(program: Program, repo: Path) -> None:
    assert "flask:The app: its CLI." in in_zsh(["uvdock", ""], program, repo)
    assert [line for line in in_zsh(["inv", "s"], program, repo) if line.startswith("see")] == [
        "seed:Fill the database."
    ]
    assert in_zsh(["uvdock", "uv", "add", ""], program, repo) == ["FILES"]
    assert "--count:How many." in in_zsh(["invoke", "seed", "-"], program, repo)


def test_fish(program: Program, repo: Path) -> None:
    assert in_fish(["uvdock", "deps.inst"], program, repo)[0].split("\t") == [
        "deps.install",
        "Lock what is not locked, build with the lock as it is, recreate what changed.",
    ]
    assert "flask\tThe app: its CLI." in in_fish(["uvdock", "fl"], program, repo)
    assert in_fish(["inv", "seed", "--c"], program, repo) == ["--count\tHow many."]
    assert "dump.sql" in in_fish(["uvdock", "cmd", "cat", "du"], program, repo)


@pytest.mark.parametrize("name", completion.SHELLS)
@pytest.mark.parametrize("program_name", ["uvdock", "inv"])
def test_the_script_is_the_same_on_each_way_to_it(program: Program, repo: Path, name: str, program_name: str) -> None:
    (repo / "tasks.py").write_text("from uvdock import ns\n")
    ran = program.run("completion", name, "--inv", cwd=repo, program=program_name)
    assert (ran.code, ran.err) == (0, "")
    assert ran.out == completion.script(name, inv=True)
    assert "uvdock inv invoke" in ran.out
    assert "inv" not in completion.script(name).replace(".venv/bin/inv", "").replace("invoke", "")


def test_an_unknown_shell_is_told_the_nearest(program: Program, repo: Path) -> None:
    ran = program.run("completion", "bsh", cwd=repo)
    assert (ran.code, ran.out) == (2, "")
    assert ran.err.splitlines()[0] == "error: there is no completion for bsh (did you mean bash?)"


@pytest.mark.parametrize(
    "words",
    [["uvdock", "dep"], ["inv", "se"], ["uvdock", "deps.why", ""], ["uvdock", "deps.upgrade", "--group", ""]],
    ids=["uvdock", "inv", "packages", "groups"],
)
def test_with_a_warm_cache_nothing_heavy_is_imported_and_nothing_started(
    program: Program, repo: Path, tmp_path: Path, words: list[str]
) -> None:
    told = tmp_path / "told"
    cold = program.run("__complete", "zsh", *words, cwd=repo)
    # Site packages may import something themselves: what counts is what comes on top of it.
    before = subprocess.run(
        [sys.executable, "-c", "import sys; print(*sys.modules)"], capture_output=True, text=True, check=True
    )
    done = subprocess.run(
        [sys.executable, "-c", WATCHED, str(told), "__complete", "zsh", *words],
        cwd=repo,
        env=program.env,
        capture_output=True,
        text=True,
        check=True,
    )
    modules, started = (line.split() for line in told.read_text().splitlines())
    assert done.stdout == cold.out
    assert ("deps.install\t" in cold.out) is (len(words) == 2)
    assert started == ["started"]
    assert "uvdock.cli.completion.words" in modules
    assert (HEAVY - set(before.stdout.split())) & set(modules) == set()


@pytest.mark.parametrize("name", ["uvdock", "inv"])
@pytest.mark.parametrize(
    ("file", "content"),
    [
        pytest.param("pyproject.toml", "[project", id="no-toml"),
        pytest.param("pyproject.toml", "[tool.uvdock]\ncommands = 3\n", id="settings"),
        pytest.param("tasks.py", "raise RuntimeError\n", id="tasks-that-raise"),
        pytest.param("tasks.py", "import sys\nsys.exit(3)\n", id="tasks-that-leave"),
        pytest.param("tasks.py", "def (\n", id="syntax"),
        pytest.param("invoke.yaml", "a: [\n", id="yaml"),
    ],
)
def test_what_is_broken_is_no_business_of_the_prompt(
    program: Program, repo: Path, name: str, file: str, content: str
) -> None:
    (repo / file).write_text(content)
    ran = program.run("__complete", "bash", name, "dep", cwd=repo)
    assert (ran.code, ran.err) == (0, "")
    assert all(word.startswith("deps.") for word in ran.out.split())


@pytest.mark.parametrize("words", [[], ["bash"], ["bash", "uvdock"], ["tcsh", "uvdock", ""]])
def test_a_call_that_makes_no_sense_says_nothing_of_it(program: Program, repo: Path, words: list[str]) -> None:
    ran = program.run("__complete", *words, cwd=repo)
    assert (ran.code, ran.err) == (0, "")


def test_a_repo_without_uvdock_is_completed_under_inv_too(program: Program, repo: Path) -> None:
    (repo / "tasks.py").write_text(TASKS.replace("from uvdock import ns", "").replace("ns.add_task(seed)", ""))
    assert program.run("__complete", "bash", "inv", "", cwd=repo).out == "seed\n"


def test_what_a_terminal_would_obey_or_nobody_may_see_is_not_shown(program: Program, repo: Path) -> None:
    with (repo / "pyproject.toml").open("a") as file:
        file.write('odd = { run = "x", help = "a\\u001b[31m\\tb" }\nget = "curl https://ada:pw1@host.example/x"\n')
    lines = dict(
        line.split("\t") for line in program.run("__complete", "fish", "uvdock", "", cwd=repo).out.splitlines()
    )
    assert lines["odd"] == "a [31m  b"
    assert lines["get"] == "curl https://***@host.example/x"
    for name in ("uvdock", "inv"):
        for arguments in (["--list"], ["--help", "get"]):
            assert "pw1" not in program.run(*arguments, cwd=repo, program=name).out


def test_it_writes_nothing_into_the_repo(program: Program, repo: Path) -> None:
    before = sorted(path.name for path in repo.iterdir())
    for name in ("uvdock", "inv"):
        assert program.run("__complete", "bash", name, "dep", cwd=repo).out
    assert sorted(path.name for path in repo.iterdir()) == before


def test_a_new_command_is_there_at_once(program: Program, repo: Path) -> None:
    assert program.run("__complete", "bash", "uvdock", "wor", cwd=repo).out == ""
    with (repo / "pyproject.toml").open("a") as file:
        file.write('worker = "celery"\n')
    assert program.run("__complete", "bash", "uvdock", "wor", cwd=repo).out == "worker\n"


def test_the_scripts_are_clean_for_their_shells() -> None:
    folder = REPO / "src/uvdock/cli/completion"
    for name in ("bash", "zsh", "fish"):
        if found := shutil.which(name):
            script = completion.script(name, inv=True)
            done = subprocess.run([found, "-n"], input=script, capture_output=True, text=True, check=False)
            assert (done.returncode, done.stderr) == (0, "")
        assert "@PROGRAMS@" in (folder / f"uvdock.{name}").read_text()
