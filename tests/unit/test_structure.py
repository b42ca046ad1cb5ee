"""The rooms of the house: who may start processes, who knows docker, what is imported when, and how long code gets."""

from __future__ import annotations

import ast
import re
import shutil
import subprocess
import sys
from collections.abc import Collection, Iterator
from functools import cache
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

from tests.conftest import REPO, clean_environment

SOURCE = REPO / "src" / "uvdock"
MODULES = sorted(SOURCE.rglob("*.py"))
#: What takes long to import and `--list` does without.
HEAVY = {"docker", "rich", "tomlkit", "dotenv", "ruamel", "packaging"}
#: Functions of `os` that start programs too.
STARTERS = ("exec", "spawn", "posix_spawn", "fork", "system", "popen")
#: What only a task that runs needs.
DOING = {"uvdock.process", "uvdock.backends", "uvdock.tasks.installing", "uvdock.tasks.upgrading", "uvdock.tasks.steps"}
#: Which rooms each room may import from, beside the modules at the top, which everything may use. At the top, only the
#: way in knows a room: `__init__` has the tasks, and `__main__` the command line.
ROOMS = {
    "cli": {"tasks", "engine", "ui"},
    "tasks": {
        "cli",
        "ui",
        "deps",
        "doctor",
        "init",
        "migrate",
        "bench",
        "javascript",
        "services",
        "backends",
        "engine",
    },
    "ui": set(),
    "deps": {"backends"},
    "doctor": {"formats", "deps", "backends", "engine"},
    "init": {"formats", "deps"},
    "bench": {"engine"},
    "migrate": {"formats", "deps", "engine"},
    "javascript": {"deps"},
    "backends": {"formats", "deps", "javascript", "services", "engine"},
    "services": set(),
    "formats": set(),
    "engine": {"formats", "services"},
}
LONGEST_MODULE = 450
MOST_BRANCHES = 15
#: Functions with more branches, and how many they have: none may get more, and none may join them. Each stays, for
MORE_BRANCHES = {
    # a case for each kind of token, in the order in which they count,
    "cli/commandline.py command": 17,
    "formats/shell/lexer.py script": 17,
    # one loop with a condition for each word of what it looks for,
    "doctor/versions.py _workflow_pins": 16,
    "formats/dockerfile/users.py _user": 16,
    # an argument with a default for each thing that a caller may want of a process,
    "process.py run": 16,
    # and the steps of an installation in their order, each where it applies.
    "tasks/installing.py install": 18,
    "tasks/js.py install": 16,
}
LONGEST_FUNCTION = 70
LISTS = """
import sys
from invoke.main import program
from uvdock.cli.program import UvdockProgram
if sys.argv[1] == "uvdock":
    from uvdock.tasks import ns
    program = UvdockProgram(name="uvdock", binary="uvdock", version="0", namespace=ns)
program.run([sys.argv[1], "--list"], exit=False)
print(*sys.modules, file=sys.stderr)
"""


def name(module: Path) -> str:
    return module.relative_to(SOURCE).as_posix()


@cache
def tree(module: Path) -> ast.Module:
    return ast.parse(module.read_text(encoding="utf-8"))


@cache
def imported(module: Path) -> tuple[str, ...]:
    """The names of all modules that this one imports, at its top and in its functions."""
    return tuple(_imported(module))


def _imported(module: Path) -> Iterator[str]:
    for node in ast.walk(tree(module)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, f"{name(module)} imports relatively"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def importers(package: str) -> set[str]:
    return {
        name(module)
        for module in MODULES
        if any(found == package or found.startswith(f"{package}.") for found in imported(module))
    }


def loaded(*argv: str) -> tuple[str, set[str]]:
    """What a Python program prints, and the modules that it names on standard error."""
    done = subprocess.run(
        [sys.executable, *argv], cwd=REPO, env=clean_environment(), capture_output=True, text=True, check=True
    )
    return done.stdout, set(done.stderr.split())


def test_there_are_modules_to_look_at() -> None:
    assert {"process.py", "engine/api.py", "tasks/service.py"} <= {name(module) for module in MODULES}


def test_only_one_module_starts_processes() -> None:
    assert importers("subprocess") == {"process.py"}


@pytest.mark.parametrize("module", MODULES, ids=name)
def test_no_other_way_to_start_a_process_is_used(module: Path) -> None:
    used = [
        ast.unparse(node)
        for node in ast.walk(tree(module))
        if isinstance(node, ast.Attribute)
        and isinstance(node.value, ast.Name)
        and node.value.id == "os"
        and node.attr.startswith(STARTERS)
    ]
    assert used == [] or name(module) == "process.py"
    assert not {"asyncio", "multiprocessing", "pty"} & {found.partition(".")[0] for found in imported(module)}


def test_only_the_engine_room_knows_docker() -> None:
    found = importers("docker")
    assert found
    assert all(module.startswith("engine/") for module in found)


def test_nothing_below_the_tasks_prints_or_knows_invoke() -> None:
    assert {module for module in importers("invoke") if not module.startswith("tasks/")} == {"cli/program.py"}
    printing = {
        name(module)
        for module in MODULES
        for node in ast.walk(tree(module))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "print"
    }
    assert printing == {"ui/console.py"}


def test_nothing_below_knows_the_tasks() -> None:
    above = ("tasks/", "cli/", "__init__.py")
    assert [module for module in importers("uvdock.tasks") if not module.startswith(above)] == []


@pytest.mark.parametrize("room", [path.name for path in sorted(SOURCE.iterdir()) if (path / "__init__.py").is_file()])
def test_a_room_knows_no_more_rooms_than_these(room: str) -> None:
    names = {name(module).removesuffix(".py").replace("/", ".") for module in MODULES}
    known = {
        found.removeprefix("uvdock.").partition(".")[0]
        for module in MODULES
        if name(module).startswith(f"{room}/")
        for found in imported(module)
        if found.startswith("uvdock.")
    }
    rooms = {found for found in known if f"{found}.__init__" in names}
    assert rooms - {room} == ROOMS[room]


def test_no_import_goes_in_a_circle() -> None:
    dotted = {module: "uvdock." + name(module).removesuffix(".py").replace("/", ".") for module in MODULES}
    names = {one.removesuffix(".__init__"): module for module, one in dotted.items()}
    graph = {own: set(needed(module, names)) - {own} for own, module in names.items()}
    assert sum(map(len, graph.values())) > 500
    TopologicalSorter(graph).prepare()


def needed(module: Path, names: Collection[str]) -> Iterator[str]:
    """The modules of uvdock that one imports as it runs, at its top or in its functions."""
    for_types = {
        id(node)
        for found in ast.walk(tree(module))
        if isinstance(found, ast.If) and ast.unparse(found.test) == "TYPE_CHECKING"
        for node in ast.walk(found)
    }
    for node in ast.walk(tree(module)):
        if isinstance(node, ast.ImportFrom) and id(node) not in for_types and str(node.module).startswith("uvdock"):
            for alias in node.names:
                whole = f"{node.module}.{alias.name}"
                yield whole if whole in names else str(node.module)


#: Imports every module that it is given.
IMPORTS = """
import importlib, sys
for name in sys.argv[1:]:
    importlib.import_module(name)
print(importlib.import_module("uvdock").__file__)
"""


def test_everything_else_works_without_migrate(tmp_path: Path) -> None:
    shutil.copytree(SOURCE, tmp_path / "uvdock", ignore=shutil.ignore_patterns("migrate", "__pycache__"))
    dotted = [name(module).removesuffix(".py").removesuffix("/__init__").replace("/", ".") for module in MODULES]
    others = [
        f"uvdock.{one}" for one in dotted if not one.startswith("migrate") and one not in ("__init__", "__main__")
    ]
    environment = {**clean_environment(), "PYTHONPATH": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "-c", IMPORTS, *others],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.stderr, done.stdout.strip()) == ("", str(tmp_path / "uvdock" / "__init__.py"))
    assert not (tmp_path / "uvdock" / "migrate").exists()
    assert {module for module in importers("uvdock.migrate") if not module.startswith("migrate/")} == {
        "tasks/migrate.py"
    }


def test_the_map_says_the_same() -> None:
    lines = (REPO / "docs" / "architecture.md").read_text(encoding="utf-8").splitlines()
    cells = [line.strip("|").split("|") for line in lines if line.startswith("| `")]
    said = {room.strip(" `"): set(re.findall(r"`(\w+)`", knows)) for room, _, knows in cells}
    assert said.pop("tasks") == set()
    assert said == {room: known for room, known in ROOMS.items() if room != "tasks"}


def test_ci_runs_the_fast_and_the_slow_tests() -> None:
    lines = (REPO / ".ci" / "run").read_text(encoding="utf-8").splitlines()
    assert [line for line in lines if "inv test" in line] == [".venv/bin/inv test", ".venv/bin/inv test --slow"]


def test_the_top_knows_no_room() -> None:
    known = {
        (name(module), found.split(".")[1])
        for module in MODULES
        if "/" not in name(module)
        for found in imported(module)
        if found.startswith("uvdock.") and found.split(".")[1] in ROOMS
    }
    assert {module for module, _ in known} == {"__init__.py", "__main__.py"}


def test_the_formats_know_nothing_of_the_rest() -> None:
    found = {one for module in MODULES if name(module).startswith("formats/") for one in imported(module)}
    own = {one for one in found if one.startswith("uvdock")}
    assert own
    assert all(one.startswith(("uvdock.formats.", "uvdock.errors.")) for one in own)
    assert HEAVY & {one.partition(".")[0] for one in found} == {"ruamel"}


def test_the_tasks_import_nothing_heavy() -> None:
    _, modules = loaded("-c", "import sys, uvdock.tasks; print(*sys.modules, file=sys.stderr)")
    assert "uvdock.tasks.service" in modules
    assert not HEAVY & modules


def test_the_package_itself_imports_not_even_invoke() -> None:
    _, modules = loaded("-c", "import sys, uvdock; print(*sys.modules, file=sys.stderr)")
    assert "uvdock" in modules
    assert not (HEAVY | {"invoke"}) & modules


@pytest.mark.parametrize("program", ["inv", "uvdock"])
def test_listing_the_tasks_imports_nothing_heavy(program: str) -> None:
    listed, modules = loaded("-c", LISTS, program)
    assert "deps.install" in listed
    assert "uvdock.tasks.service" in modules
    assert not (HEAVY | DOING) & modules


def test_nothing_is_searched_for_cycles_at_the_end() -> None:
    told = "import atexit, gc; atexit.register(lambda: print(gc.get_freeze_count())); import uvdock.tasks"
    frozen, _ = loaded("-c", told)
    assert int(frozen) > 10_000


def branches(function: ast.AST) -> int:
    """Where a function decides: ifs, loops, handlers, cases, ternaries, conditions of comprehensions, and/or."""
    found = 0
    for node in ast.iter_child_nodes(function):
        if isinstance(node, ast.If | ast.For | ast.While | ast.ExceptHandler | ast.IfExp | ast.match_case):
            found += 1
        elif isinstance(node, ast.BoolOp):
            found += len(node.values) - 1
        elif isinstance(node, ast.comprehension):
            found += len(node.ifs)
        if not isinstance(node, ast.FunctionDef | ast.Lambda | ast.ClassDef):
            found += branches(node)
    return found


def test_no_function_decides_too_much() -> None:
    counts = [
        (f"{name(module)} {node.name}", branches(node))
        for module in MODULES
        for node in ast.walk(tree(module))
        if isinstance(node, ast.FunctionDef)
    ]
    assert dict(one for one in counts if one[1] > MOST_BRANCHES) == MORE_BRANCHES


def test_no_class_has_the_name_of_another() -> None:
    names = [node.name for module in MODULES for node in ast.walk(tree(module)) if isinstance(node, ast.ClassDef)]
    assert len(names) > 200
    assert [one for one in names if names.count(one) > 1] == []


@pytest.mark.parametrize("module", MODULES, ids=name)
def test_no_module_and_no_function_grows_too_long(module: Path) -> None:
    assert len(module.read_text(encoding="utf-8").splitlines()) <= LONGEST_MODULE
    lengths = {
        node.name: (node.end_lineno or 0) - node.lineno + 1
        for node in ast.walk(tree(module))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    }
    assert {found: length for found, length in lengths.items() if length > LONGEST_FUNCTION} == {}
