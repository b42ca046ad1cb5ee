"""No password of an index is ever shown, by no task and in no stream."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.conftest import BOTH_OF_MANY, Program, hashes, make_project, uv

SECRET = "correct-horse-battery"
#: Nothing listens there.
DEAD = "127.0.0.1:9/simple"
INDEX = """
[[tool.uv.index]]
name = "private"
url = "http://{userinfo}{address}"
default = true
"""
#: uv would try a dead index again and again.
ONCE = {"UV_HTTP_RETRIES": "0"}
TASKS = [
    pytest.param(["uv", "--", "add", "idna"], id="uv-add"),
    pytest.param(["uv", "--", "lock", "--upgrade", "--verbose"], id="uv-lock-verbose"),
    pytest.param(["deps.install"], id="install"),
    pytest.param(["deps.lock"], id="lock"),
    pytest.param(["deps.check"], id="check"),
    pytest.param(["deps.outdated"], id="outdated"),
    pytest.param(["deps.outdated", "--all", "--json"], id="outdated-json"),
    pytest.param(["deps.upgrade"], id="upgrade"),
    pytest.param(["deps.upgrade", "--lock-only", "--json"], id="upgrade-the-lock"),
    pytest.param(["config"], id="config"),
    pytest.param(["--list"], id="list"),
]


@pytest.fixture
def locked(tmp_path: Path) -> Path:
    """A project that was locked while its index answered, and has a dependency more since."""
    project = make_project(tmp_path / "app", ["six"])
    (project / "tasks.py").write_text("from uvdock import ns\n")
    uv("lock", cwd=project)
    return project


def _with_index(project: Path, userinfo: str = "") -> None:
    make_project(project, ["six", "iniconfig"], INDEX.format(userinfo=userinfo, address=DEAD))


@pytest.mark.parametrize("name", BOTH_OF_MANY)
@pytest.mark.parametrize("arguments", TASKS)
@pytest.mark.slow
def test_a_password_in_a_variable(program: Program, locked: Path, name: str, arguments: list[str]) -> None:
    _with_index(locked)
    before = hashes(locked)
    env = {**ONCE, "UV_INDEX_PRIVATE_USERNAME": "somebody", "UV_INDEX_PRIVATE_PASSWORD": SECRET}

    ran = program.run(*arguments, cwd=locked, program=name, env=env)

    assert SECRET not in ran.out + ran.err
    assert "Traceback" not in ran.err
    changed = {path for path, found in hashes(locked).items() if before.get(path) != found}
    assert {path for path in changed if not path.startswith(".venv/")} == set()


@pytest.mark.slow
@pytest.mark.parametrize("arguments", TASKS)
def test_a_password_in_the_manifest(program: Program, locked: Path, arguments: list[str]) -> None:
    _with_index(locked, userinfo=f"somebody:{SECRET}@")

    ran = program.run(*arguments, cwd=locked, env=ONCE)

    assert SECRET not in ran.out + ran.err


def test_the_dead_index_is_named_without_its_password(program: Program, locked: Path) -> None:
    _with_index(locked, userinfo=f"somebody:{SECRET}@")

    ran = program.run("deps.check", cwd=locked, env=ONCE)

    # 1 would say that the lock is stale, which nobody knows.
    assert ran.code == 2
    what = next(line for line in ran.err.splitlines() if line.startswith("error: uv cannot resolve"))
    assert DEAD in what
    assert SECRET not in ran.err


def test_a_password_in_what_a_person_typed(program: Program, locked: Path) -> None:
    address = f"https://somebody:{SECRET}@host.example/x.whl"

    forgotten = program.run("uv", "add", address, cwd=locked, program="inv")
    not_a_command = program.run("cmd", "--", address, cwd=locked)
    too_many = program.run("shell", "--", address, "x", cwd=locked)

    assert [ran.code for ran in (forgotten, not_a_command, too_many)] == [2, 127, 2]
    for ran in (forgotten, not_a_command, too_many):
        assert SECRET not in ran.out + ran.err
        assert "https://***@host.example/x.whl" in ran.err


def test_a_password_in_a_setting(program: Program, locked: Path) -> None:
    ran = program.run("config", cwd=locked, env={"UVDOCK_CONTEXT": f"ssh://somebody:{SECRET}@host.example"})

    assert ran.code == 0
    assert SECRET not in ran.out
    assert "ssh://***@host.example" in ran.out


def test_a_command_still_gets_the_password(program: Program, locked: Path) -> None:
    script = "import json, os; print(json.dumps(os.environ['UV_INDEX_PRIVATE_PASSWORD']))"

    ran = program.run("cmd", "python3", "-c", script, cwd=locked, env={"UV_INDEX_PRIVATE_PASSWORD": SECRET})

    assert json.loads(ran.out) == SECRET
