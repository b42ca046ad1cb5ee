"""What each main task costs, without any clock: processes, questions to the engine, bytes, modules.

A number here grows only with a reason that is worth it. How long it all takes, `inv benchmark` measures.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.engine.conftest import Stack
from tests.engine.counting import Counting

pytestmark = [pytest.mark.engine, pytest.mark.slow]

#: Loaded by Python itself when it starts: notes each process that is started, and at the end what was imported.
NOTES = """
import atexit, json, os, sys

started = []

def hook(event, args):
    if event == "subprocess.Popen":
        started.append([str(word) for word in args[1]])

def finish():
    with open(os.environ["COSTS"], "w") as file:
        json.dump({"started": started, "modules": sorted(sys.modules)}, file)

sys.addaudithook(hook)
atexit.register(finish)
"""
DOCKER, RICH, TOML, INVOKE = "docker", "rich", "tomlkit", "invoke"
CONFIG, EXEC, BUILD = ["docker-compose", "config"], ["docker", "exec"], ["docker", "compose", "build"]


@dataclass(frozen=True)
class Cost:
    """The most that a task may cost.

    Args:
        line: The command line.
        started: The processes: words that each has, the program first. In order, but for those that run beside others.
        asked: Questions to the engine, also those of the `docker` commands.
        moved: Kilobytes from and to the engine.
        modules: How many modules are imported.
        without: Packages that are not among them.
        made: How many containers are made: none but for what only a container can answer.
    """

    line: str
    started: list[list[str]]
    asked: int
    moved: int
    modules: int
    without: set[str]
    made: int = 0


COSTS = [
    Cost("inv --list", [], 0, 0, 340, {DOCKER, RICH, TOML}),
    Cost("uvdock uv --version", [], 4, 8, 85, {DOCKER, RICH, TOML, INVOKE}),
    Cost("uvdock cmd true", [], 4, 8, 85, {DOCKER, RICH, TOML, INVOKE}),
    Cost("inv uv -- --version", [], 4, 8, 350, {DOCKER, RICH, TOML}),
    # The long way: Compose reads its file, the container is looked up, and docker carries the streams.
    Cost("uvdock cmd --user root true", [CONFIG, EXEC], 6, 40, 590, {RICH, TOML}),
    # The lock and the index are enough, and no engine is asked. With exact pins nothing is resolved: uv is asked
    # what is new, and whether what is locked is still there.
    Cost("uvdock deps.outdated", [["uv", "compile"], ["uv", "compile"]], 0, 0, 560, {DOCKER}),
    # Six modules of them read Dockerfiles: one reader for all, and no longer one module for this alone.
    Cost("uvdock deps.install --no-build", [CONFIG, [*EXEC, "lock"], [*EXEC, "sync"]], 18, 100, 619, {RICH, TOML}),
    # That the image matches the lock was proved: one question. To lock a copy takes the containers.
    Cost("uvdock deps.check", [CONFIG, ["docker", "start"], ["uv", "export"]], 34, 90, 604, {RICH, TOML}, made=3),
    # One build, and nothing to recreate: no `up` that only looks.
    Cost("uvdock deps.install", [CONFIG, [*EXEC, "lock"], BUILD, [*EXEC, "sync"]], 34, 200, 619, {RICH, TOML}),
]


def test_each_main_task_costs_no_more(small: Callable[..., Stack], tmp_path: Path) -> None:
    stack = small(volumes=[".:/app"], owner=1000)
    # In a folder of its own: what is imported from is watched by the short way, and changes with each file beside it.
    hooks = tmp_path / "hooks"
    hooks.mkdir()
    (hooks / "sitecustomize.py").write_text(NOTES)
    stack.uvdock("deps.install")
    stack.up()
    with Counting(tmp_path / "engine.sock") as engine:
        engine_address = {"DOCKER_HOST": f"unix://{engine.path}"}
        stack.program.env |= {"XDG_CACHE_HOME": str(tmp_path / "cache"), "UV_CACHE_DIR": str(tmp_path / "uv")}
        env = {**engine_address, "PYTHONPATH": str(hooks), "COSTS": str(tmp_path / "costs.json")}
        for cost in COSTS:
            program, *args = cost.line.split()
            for _ in range(2):
                # The second time, everything that is remembered is.
                engine.asked.clear()
                engine.requests.clear()
                engine.moved = 0
                ran = stack.program.run(*args, cwd=stack.root, program=program, env=env)
                assert ran.code == 0, ran.err
            _compare(cost, json.loads((tmp_path / "costs.json").read_text()), engine)


def _compare(cost: Cost, noted: dict[str, list[Any]], engine: Counting) -> None:
    started, modules = noted["started"], noted["modules"]
    assert len(started) == len(cost.started), (cost.line, started)
    if BUILD in cost.started:
        started[2:] = sorted(started[2:], key=lambda argv: argv[1] == "exec")
    for argv, words in zip(started, cost.started, strict=True):
        assert Path(argv[0]).name == words[0], cost.line
        assert set(words[1:]) <= set(argv[1:]), (cost.line, argv)
    assert len(engine.asked) <= cost.asked, (cost.line, engine.asked)
    made = [asked for asked in engine.requests if asked.endswith("/containers/create")]
    assert len(made) <= cost.made, (cost.line, engine.requests)
    assert engine.moved <= cost.moved * 1000, cost.line
    assert "uvdock" in modules
    assert len(modules) <= cost.modules, (cost.line, len(modules))
    assert not cost.without & {name.partition(".")[0] for name in modules}, cost.line
