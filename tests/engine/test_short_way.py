"""The short way into a running container: what it costs, and when it stands aside.

That it gives the same as the long one is shown by `test_commands`, whose cases run through both.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import BIN, BOTH_OF_MANY, Program, clean_environment
from tests.engine.conftest import Stack, _remove, make_small, short
from tests.engine.counting import Counting
from uvdock.engine import presence

pytestmark = pytest.mark.engine

#: What no call of the short way imports.
HEAVY = {"invoke", "docker", "rich", "tomlkit", "dotenv", "typing", "dataclasses", "subprocess", "pathlib", "tomllib"}


@pytest.fixture(scope="module")
def small_one(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """A small stack that is built."""
    folder = tmp_path_factory.mktemp("short") / f"s{uuid.uuid4().hex[:10]}"
    made = make_small(folder, Program(clean_environment()), volumes=[".:/app"], owner=1000)
    try:
        made.install()
        yield made
    finally:
        _remove(made)


@pytest.fixture
def stack(small_one: Stack, tmp_path: Path) -> Iterator[Stack]:
    """The same as it was built, running, and the short way is known in it."""
    env, text = dict(small_one.program.env), small_one.pyproject.read_text()
    small_one.up()
    small_one.program.env |= {"XDG_CACHE_HOME": str(tmp_path / "cache"), "UV_CACHE_DIR": str(tmp_path / "uv")}
    small_one.uvdock("uv", "--version")
    yield small_one
    small_one.program.env = env
    small_one.pyproject.write_text(text)


def test_four_questions_no_process_and_nothing_heavy(stack: Stack, silent: str, tmp_path: Path) -> None:
    with Counting(tmp_path / "engine.sock") as engine:
        stack.program.env["DOCKER_HOST"] = f"unix://{engine.path}"
        stack.uvdock("uv", "--version")
        engine.asked.clear()

        went, out = short(stack, silent, "uv", "--version")

        asked = list(engine.asked)
        del stack.program.env["DOCKER_HOST"]
    assert went
    assert out.startswith("uv 0.13.8 ")
    made = asked[2].split("/")[2]
    assert asked == [
        "GET /containers/json",
        f"POST /containers/{stack.container()}/exec",
        f"POST /exec/{made}/start",
        f"GET /exec/{made}/json",
    ]
    stack.uvdock("uv", "--version")
    argv = [sys.executable, "-X", "importtime", str(BIN / "uvdock"), "cmd", "true"]
    told = subprocess.run(argv, cwd=stack.root, env=stack.program.env, capture_output=True, text=True, check=True)
    modules = {line.rpartition("|")[2].strip().split(".")[0] for line in told.stderr.splitlines()}
    assert "uvdock" in modules
    assert not HEAVY & modules
    assert {"signal", "json"} <= modules


@pytest.mark.slow
def test_memory_stays_small(stack: Stack) -> None:
    script = "import resource, subprocess, sys; subprocess.run(sys.argv[1:], check=True, stdout=subprocess.DEVNULL)"
    script += "; print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)"
    for args, limit in ((["uv", "--version"], 25_000), (["uv", "tree", "--frozen"], 80_000)):
        argv = [sys.executable, "-c", script, str(BIN / "uvdock"), *args]
        ran = subprocess.run(argv, cwd=stack.root, env=stack.program.env, capture_output=True, text=True, check=True)
        assert int(ran.stdout.split()[-1]) < limit, args


@pytest.mark.slow
@pytest.mark.parametrize("name", BOTH_OF_MANY)
def test_it_stands_aside(stack: Stack, silent: str, name: str) -> None:
    words = ["uv", "--", "--version"]
    short(stack, silent, *words, program=name)
    assert short(stack, silent, *words, program=name)[0]

    # What may change a lock or wants the manifests, and options.
    assert not short(stack, silent, "uv", "--", "tree", "--frozen", program=name)[0]
    assert not short(stack, silent, "cmd", "--user", "root", "--", "true", program=name)[0]
    assert short(stack, silent, *words, program=name)[0]

    # A changed file is looked at again, once.
    with stack.pyproject.open("a") as file:
        file.write('\n[tool.uvdock]\nservice = "web"\n')
    assert not short(stack, silent, *words, program=name)[0]
    assert short(stack, silent, *words, program=name)[0]

    # So is another container.
    stack.compose("up", "--detach", "--force-recreate", "web")
    assert not short(stack, silent, *words, program=name)[0]
    assert short(stack, silent, *words, program=name)[0]

    # Without one it is a one-off, as ever.
    stack.compose("stop", "web")
    assert not short(stack, silent, *words, program=name)[0]


@pytest.mark.slow
def test_a_command_of_that_name_takes_its_place(stack: Stack, silent: str) -> None:
    with stack.pyproject.open("a") as file:
        file.write('\n[tool.uvdock.commands]\ncmd = { run = "echo mine", replace = true }\n')
    stack.uvdock("uv", "--version")

    assert short(stack, silent, "uv", "--version")[0]
    assert short(stack, silent, "cmd", "x") == (False, "mine x\n")
    assert short(stack, silent, "cmd", "x") == (False, "mine x\n")


@pytest.mark.slow
def test_variables_of_indexes_go_along_and_no_others(stack: Stack, silent: str) -> None:
    stack.program.env |= {"UV_INDEX_MINE_PASSWORD": "secret word", "OTHER": "x"}
    stack.uvdock("cmd", "true")

    went, out = short(stack, silent, "cmd", "python", "-c", "import json, os; print(json.dumps(dict(os.environ)))")

    seen = json.loads(out)
    assert went
    assert seen["UV_INDEX_MINE_PASSWORD"] == "secret word"
    assert "OTHER" not in seen


@pytest.mark.slow
def test_who_reads_no_more_ends_the_command(stack: Stack) -> None:
    line = f"{BIN / 'uvdock'} cmd yes | head -n 1"
    done = subprocess.run(["sh", "-c", line], cwd=stack.root, env=stack.program.env, capture_output=True, check=True)
    assert done.stdout == b"y\n"
    deadline = time.monotonic() + 20
    while "yes" in stack.in_container("sh", "-c", "cat /proc/[0-9]*/comm"):
        assert time.monotonic() < deadline
        time.sleep(0.1)


@pytest.mark.slow
def test_input_that_the_command_leaves_unread_changes_nothing(stack: Stack) -> None:
    ran = stack.uvdock("cmd", "sh", "-c", "echo out; exit 5", ok=False, stdin=bytes(2**24))
    assert (ran.code, ran.out, ran.err) == (5, "out\n", "")


@pytest.mark.slow
def test_an_engine_that_does_not_answer_is_told_as_ever(stack: Stack) -> None:
    env = {"UVDOCK_BACKEND": "compose", "DOCKER_HOST": "unix:///nonexistent.sock"}
    ran = stack.program.run("cmd", "true", cwd=stack.root, env=env)
    assert ran.code == 1
    assert ran.err.startswith("error: the Docker engine does not answer")


@pytest.mark.slow
def test_without_docker_it_decides_nothing(stack: Stack, tmp_path: Path) -> None:
    """A home that the app's own container shares may hold what was learned outside of it."""
    tools = tmp_path / "tools"
    tools.mkdir()
    for tool in ("sh", "hostname", "git"):
        (tools / tool).symlink_to(str(shutil.which(tool)))
    env = {"PATH": os.pathsep.join((str(BIN), str(tools)))}

    ran = stack.program.run("cmd", "hostname", cwd=stack.root, env=env)

    assert ran.out.strip() != stack.in_container("hostname")
    if any(map(os.path.exists, presence.MARKS)):
        assert (ran.code, ran.out.strip()) == (0, os.uname().nodename)
    else:
        assert ran.err.startswith("error: docker is not installed")
