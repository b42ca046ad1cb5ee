"""Where commands run never changes in silence: with a Compose file and no engine, nothing happens but an error."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.conftest import BIN, Program, hashes, make_project
from uvdock.engine import presence

FILES = {
    "compose.yaml": "services:\n  web:\n    build: .\n",
    "Dockerfile": "FROM scratch\n",
    "package.json": '{"name": "app", "version": "1.0.0"}\n',
    "tasks.py": "from uvdock import ns\n",
    "uvdock.toml": 'ci = ["deps.install"]\n[commands]\nmine = "touch made"\nboth = ["mine", "cmd -- touch made"]\n',
}
#: Each task that runs something where commands run, with its words.
TASKS = {
    "uv": ["--", "lock"],
    "cmd": ["--", "touch", "made"],
    "deps.install": [],
    "shell": [],
    "test": [],
    "deps.lock": [],
    "deps.check": [],
    "deps.upgrade": [],
    "mine": [],
    "both": [],
    "js": ["--", "install"],
    "js.install": [],
    "js.outdated": [],
    "ci.test": [],
}
#: Those that only look, and need no engine for it: with their exit code.
READING = [
    (["deps.outdated"], 0),
    (["deps.why", "app"], 0),
    (["deps.diff"], 1),  # for there is no git
    (["config"], 0),
    (["doctor"], 0),
    (["migrate"], 0),
    (["--list"], 0),
]
Gone = Callable[[Program, Path], str]


def _socket(program: Program, _: Path) -> str:
    return f"DOCKER_HOST={program.env['DOCKER_HOST']}"


def _ssh(program: Program, _: Path) -> str:
    program.env["DOCKER_HOST"] = "ssh://127.0.0.1:1"
    return "DOCKER_HOST=ssh://127.0.0.1:1"


def _context(program: Program, folder: Path) -> str:
    """A context of the real `docker`, at whose address nobody answers."""
    found = shutil.which("docker", path=os.pathsep.join(os.environ["PATH"].split(os.pathsep)[1:]))
    if found is None:
        pytest.skip("no docker command")
    name = "uvdock-nobody"
    meta = folder / "docker" / "contexts" / "meta" / hashlib.sha256(name.encode()).hexdigest() / "meta.json"
    meta.parent.mkdir(parents=True)
    endpoint = {"Host": "tcp://127.0.0.1:1", "SkipTLSVerify": False}
    meta.write_text(json.dumps({"Name": name, "Metadata": {}, "Endpoints": {"docker": endpoint}}))
    program.env |= {"DOCKER_CONFIG": str(folder / "docker"), "DOCKER_CONTEXT": name}
    program.env["PATH"] = os.pathsep.join((str(Path(found).parent), program.env["PATH"]))
    del program.env["DOCKER_HOST"]
    return f"Docker context {name}"


def _no_program(program: Program, folder: Path) -> str:
    _without_docker(program, folder)
    return f"DOCKER_HOST={program.env['DOCKER_HOST']}"


def _without_docker(program: Program, folder: Path) -> None:
    tools = folder / "tools"
    tools.mkdir()
    for name in ("sh", "git", "touch"):
        if found := shutil.which(name):
            (tools / name).symlink_to(found)
    program.env["PATH"] = os.pathsep.join((str(BIN), str(tools)))


GONE: list[Gone] = [_socket, _ssh, _context, _no_program]


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    folder = make_project(tmp_path / "app", extra='[dependency-groups]\ndev = ["pytest"]\n')
    for name, content in FILES.items():
        (folder / name).write_text(content)
    return folder


def _cases() -> list[object]:
    """Every task with every engine that is gone; few of them are for each run, most of them are long."""
    often = {("uv", _socket), ("cmd", _ssh), ("deps.install", _socket), ("js", _no_program), ("deps.lock", _context)}

    def marks(task: str, gone: Gone) -> list[pytest.MarkDecorator]:
        if (task, gone) in often:
            return []
        return [pytest.mark.slow if gone is _socket or task == "cmd" else pytest.mark.long]

    return [
        pytest.param(task, gone, id=f"{task}-{gone.__name__}", marks=marks(task, gone))
        for task in TASKS
        for gone in GONE
    ]


@pytest.mark.parametrize(("task", "gone"), _cases())
def test_without_an_engine_nothing_runs(program: Program, repo: Path, tmp_path: Path, task: str, gone: Gone) -> None:
    address, before = gone(program, tmp_path), hashes(repo)

    ran = program.run(task, *TASKS[task], cwd=repo, program="inv")

    assert ran.code == 1, ran.err
    what, where, fix = next(
        lines for at in range(ran.err.count("\n")) if (lines := ran.err.splitlines()[at : at + 3])[0][:6] == "error:"
    )
    assert "Docker engine" in what or "docker is not installed" in what
    assert where == f"   at: {address}"
    assert fix.startswith(" next: ")
    if task != "ci.test":
        assert "--backend host" in fix
        assert "UVDOCK_BACKEND=host" in fix
    assert hashes(repo) == before


@pytest.mark.parametrize(
    "task", [name if name in ("cmd", "mine") else pytest.param(name, marks=pytest.mark.slow) for name in TASKS]
)
def test_each_can_be_told_to_run_on_the_host(program: Program, repo: Path, task: str) -> None:
    """Also a list of steps, whose steps then run there."""
    ran = program.run(task, "--backend", "host", *TASKS[task], cwd=repo, program="inv")

    assert "Docker" not in ran.err
    if task in ("cmd", "mine", "both"):
        assert ran.code == 0, ran.err
        assert (repo / "made").exists()
    if task in ("uv", "deps.lock"):
        assert (repo / "uv.lock").exists()


def test_the_option_is_worth_more_than_the_settings(program: Program, repo: Path) -> None:
    env = {"UVDOCK_BACKEND": "host"}

    ran = program.run("deps.lock", "--backend", "compose", cwd=repo, env=env)

    assert "the Docker engine does not answer" in ran.err
    assert program.run("mine", "--backend", "compose", cwd=repo, env=env).code == 1
    assert not (repo / "made").exists()
    refused = program.run("cmd", "--backend", "hots", "true", cwd=repo)
    assert refused.code == 2
    assert refused.err.startswith("error: backend may not be 'hots'\n   at: --backend\n next: allowed: auto, host")


def test_no_letter_is_taken_from_what_is_handed_on(program: Program, repo: Path) -> None:
    (repo / "uvdock.toml").write_text('[commands]\nsay = "echo"\n')

    for option in ("-a", "-b"):
        ran = program.run("say", option, "x", cwd=repo, env={"UVDOCK_BACKEND": "host"})
        assert (ran.code, ran.out) == (0, f"{option} x\n"), ran.err


@pytest.mark.parametrize(("arguments", "code"), READING)
def test_what_only_looks_goes_on_without_an_engine(
    program: Program, repo: Path, tmp_path: Path, arguments: list[str], code: int
) -> None:
    _context(program, tmp_path)
    (repo / "pyproject.toml").write_text('[project]\nname = "app"\nversion = "0.1.0"\nrequires-python = ">=3.11"\n')
    (repo / "uv.lock").write_text(
        'version = 1\nrevision = 3\nrequires-python = ">=3.11"\n\n[[package]]\nname = "app"\nversion = "0.1.0"\n'
        'source = { virtual = "." }\n'
    )
    before = hashes(repo)

    ran = program.run(*arguments, cwd=repo)

    assert ran.code == code, ran.err
    assert "error: the Docker" not in ran.err
    assert hashes(repo) == before


def test_config_says_why_no_command_runs(program: Program, repo: Path) -> None:
    ran = program.run("config", cwd=repo)

    line = next(line for line in ran.out.splitlines() if line.startswith("backend "))
    assert "the Docker engine does not answer: there is no such socket" in line


@pytest.mark.skipif(not any(map(os.path.exists, presence.MARKS)), reason="this is no container")
def test_in_the_apps_own_container_it_is_the_host(program: Program, repo: Path, tmp_path: Path) -> None:
    _without_docker(program, tmp_path)
    del program.env["DOCKER_HOST"]

    ran = program.run("cmd", "touch", "made", cwd=repo)

    assert (ran.code, ran.err) == (0, "")
    assert (repo / "made").exists()
