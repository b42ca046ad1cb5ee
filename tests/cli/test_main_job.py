"""What people have uvdock for, from an empty folder on: install, add, run, remove, check, see what is outdated."""

from __future__ import annotations

import json
import re
import tomllib
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import BOTH, Program, Ran, hashes, make_project

TASKS = "from uvdock import ns\n"
OLD = """
[project.optional-dependencies]
docs = ["humanize==4.0.0"]

[dependency-groups]
dev = ["iniconfig==1.1.0"]

[tool.uv]
constraint-dependencies = ["sniffio==1.2.0"]
"""


@pytest.fixture(scope="module")
def outdated_project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project with old pins in each kind of dependency, and an old indirect one."""
    project = make_project(tmp_path_factory.mktemp("outdated") / "app", ["anyio==3.6.2", "idna==2.8"], OLD)
    (project / "tasks.py").write_text(TASKS)
    return project


@pytest.mark.parametrize(
    ("name", "separator"),
    [pytest.param("uvdock", [], id="uvdock"), pytest.param("inv", ["--"], id="inv", marks=pytest.mark.slow)],
)
def test_a_project_from_empty_to_checked(program: Program, tmp_path: Path, name: str, separator: list[str]) -> None:
    project = make_project(tmp_path / "app")
    (project / "tasks.py").write_text(TASKS)

    def run(*arguments: str) -> Ran:
        return program.run(*arguments, cwd=project, program=name)

    installed = run("deps.install")
    assert installed.code == 0, installed.err
    assert (project / ".venv/pyvenv.cfg").is_file()
    assert _locked(project) == {"app"}
    assert run("deps.check").code == 0

    added = run("uv", *separator, "add", "six")
    assert added.code == 0, added.err
    assert added.out == ""
    assert "\n  + six 1." in added.err
    assert "written to: host (pyproject.toml, uv.lock)\n" in added.err
    assert _dependencies(project) == ["six"]
    assert _locked(project) == {"app", "six"}

    used = run("cmd", *separator, "python", "-c", "import six, sys; print(sys.prefix)")
    assert (used.code, used.out, used.err) == (0, f"{project / '.venv'}\n", "")

    removed = run("uv", *separator, "remove", "six")
    assert removed.code == 0, removed.err
    assert "\n  - six 1." in removed.err
    assert _dependencies(project) == []
    assert _locked(project) == {"app"}
    assert b"ModuleNotFoundError" in run("cmd", *separator, "python", "-c", "import six").stderr


def test_check_tells_a_stale_lock_and_a_stale_environment(program: Program, tmp_path: Path) -> None:
    project = make_project(tmp_path / "app", ["six"])

    nothing_yet = program.run("deps.check", cwd=project)
    assert nothing_yet.code == 1
    assert "✘ uv.lock: there is none" in nothing_yet.err
    assert not (project / ".venv").exists()

    assert program.run("deps.install", cwd=project).code == 0
    fresh = program.run("deps.check", cwd=project)
    assert fresh.code == 0
    assert fresh.err.startswith("✔ uv.lock\n✔ environment\n")

    make_project(project, ["six", "idna"])
    stale_lock = program.run("deps.check", cwd=project)
    assert stale_lock.code == 1
    assert "✘ uv.lock: it does not follow from pyproject.toml" in stale_lock.err

    assert program.run("deps.lock", cwd=project).code == 0
    stale_environment = program.run("deps.check", cwd=project)
    assert stale_environment.code == 1
    assert stale_environment.err.startswith("✔ uv.lock\n✘ environment: ")

    assert program.run("deps.install", cwd=project).code == 0
    assert program.run("deps.check", cwd=project).code == 0


def test_install_says_what_it_did_and_does_nothing_twice(program: Program, tmp_path: Path) -> None:
    project = make_project(tmp_path / "app", ["six"])

    first = program.run("deps.install", cwd=project)
    assert first.code == 0
    assert "uv.lock: 1 added\nwritten to: host (uv.lock)\n" in first.err
    assert f"installed in: environment {project / '.venv'}\n" in first.err
    before = hashes(project)

    second = program.run("deps.install", cwd=project)
    assert second.code == 0
    assert "uv.lock follows from pyproject.toml already\n" in second.err
    assert hashes(project) == before


def test_lock_keeps_what_is_locked(program: Program, tmp_path: Path) -> None:
    project = make_project(tmp_path / "app", ["idna==2.8"])
    assert program.run("deps.lock", cwd=project).code == 0
    assert not (project / ".venv").exists()

    make_project(project, ["idna"])
    assert program.run("deps.lock", cwd=project).code == 0

    assert _version(project, "idna") == "2.8"


@pytest.mark.parametrize("name", BOTH)
@pytest.mark.slow
def test_outdated_as_a_table(program: Program, outdated_project: Path, name: str) -> None:
    assert program.run("deps.lock", cwd=outdated_project).code == 0

    ran = program.run("deps.outdated", cwd=outdated_project, program=name)

    assert ran.code == 0
    head, *rows = (line.rstrip() for line in ran.out.splitlines())
    names = ["package", "group", "specifier", "locked", "wanted", "latest", "step", "age", "held by"]
    assert re.split(r"  +", head) == names
    columns = [head.index(word) for word in names]
    cells = [[row[a:b].strip() for a, b in zip(columns, [*columns[1:], None], strict=True)] for row in rows]
    assert [row[:5] for row in cells] == [
        ["anyio", "", "==3.6.2", "3.6.2", "3.6.2"],
        ["idna", "", "==2.8", "2.8", "2.8"],
        ["iniconfig", "dev", "==1.1.0", "1.1.0", "1.1.0"],
        ["humanize", "extra: docs", "==4.0.0", "4.0.0", "4.0.0"],
        ["sniffio", "constraint", "==1.2.0", "1.2.0", "1.2.0"],
    ]
    assert all(_number(row[5]) > _number(row[3]) for row in cells)
    assert ran.err.startswith("5 of 5 packages have a newer release\n")


@pytest.mark.slow
def test_outdated_as_json(program: Program, outdated_project: Path) -> None:
    assert program.run("deps.lock", cwd=outdated_project).code == 0

    direct = program.run("deps.outdated", "--json", cwd=outdated_project)
    everything = program.run("deps.outdated", "--json", "--all", cwd=outdated_project)

    assert (direct.code, everything.code) == (0, 0)
    found = json.loads(direct.stdout)["packages"]
    assert {row["name"]: row["group"] for row in found} == {
        "anyio": "",
        "idna": "",
        "iniconfig": "dev",
        "humanize": "extra: docs",
        "sniffio": "constraint",
    }
    assert all(row["behind"] for row in found)
    # Here the constraint names the only other package there is.
    assert {row["name"] for row in json.loads(everything.stdout)["packages"]} == {row["name"] for row in found}


def test_outdated_shows_no_release_where_there_is_no_newer_one(program: Program, tmp_path: Path) -> None:
    project = make_project(tmp_path / "app", ["six"])
    assert program.run("deps.lock", cwd=project).code == 0

    ran = program.run("deps.outdated", cwd=project)

    assert ran.out == ""
    row = json.loads(program.run("deps.outdated", "--json", cwd=project).stdout)["packages"][0]
    assert (row["locked"], row["latest"], row["behind"]) == (_version(project, "six"), _version(project, "six"), False)
    assert ran.err.startswith("0 of 1 package has a newer release\n")


@pytest.mark.parametrize("name", BOTH)
def test_from_a_folder_inside_the_project(program: Program, tmp_path: Path, name: str) -> None:
    project = make_project(tmp_path / "app")
    (project / "tasks.py").write_text(TASKS)
    inside = project / "src" / "deep"
    inside.mkdir(parents=True)

    added = program.run("uv", "--", "add", "six", cwd=inside, program=name)
    used = program.run("cmd", "--", "python", "-c", "import os, six; print(os.getcwd())", cwd=inside, program=name)
    checked = program.run("deps.check", cwd=inside, program=name)

    assert (added.code, checked.code) == (0, 0), added.err + checked.err
    assert (used.code, used.out) == (0, f"{project}\n")
    assert _dependencies(project) == ["six"]
    assert list(inside.iterdir()) == []


def test_from_above_the_only_project(program: Program, tmp_path: Path) -> None:
    repo = tmp_path / "repo"
    project = make_project(repo / "apps" / "backend")
    (repo / ".git").mkdir()

    added = program.run("uv", "add", "six", cwd=repo)

    assert added.code == 0, added.err
    assert _dependencies(project) == ["six"]
    assert _locked(project) == {"app", "six"}


def test_two_projects_below_are_not_guessed_between(program: Program, tmp_path: Path) -> None:
    repo = tmp_path / "repo"
    first, second = make_project(repo / "apps" / "one"), make_project(repo / "apps" / "two")
    (repo / ".git").mkdir()
    before = hashes(repo)

    unclear = program.run("uv", "add", "six", cwd=repo)
    assert unclear.code == 2
    assert "apps/one, apps/two" in unclear.err
    assert hashes(repo) == before

    named = program.run("uv", "add", "six", cwd=repo, env={"UVDOCK_PROJECTS": "apps/two"})
    assert named.code == 0, named.err
    assert (_dependencies(first), _dependencies(second)) == ([], ["six"])


def test_in_a_workspace_member(program: Program, tmp_path: Path) -> None:
    root = make_project(tmp_path / "app", extra='[tool.uv.workspace]\nmembers = ["packages/*"]\n')
    member = make_project(root / "packages" / "lib")
    (member / "pyproject.toml").write_text((member / "pyproject.toml").read_text().replace('"app"', '"lib"'))

    added = program.run("uv", "add", "six", cwd=member)

    assert added.code == 0, added.err
    assert "written to: host (packages/lib/pyproject.toml, uv.lock)\n" in added.err
    assert (_dependencies(root), _dependencies(member)) == ([], ["six"])
    assert _locked(root) == {"app", "lib", "six"}
    assert not (member / "uv.lock").exists()
    assert (root / ".venv").is_dir()
    used = program.run("cmd", "python", "-c", "import six", cwd=member)
    assert (used.code, used.err) == (0, "")
    outdated = program.run("deps.outdated", "--json", cwd=member)
    assert [row["name"] for row in json.loads(outdated.stdout)["packages"]] == ["six"]


def test_an_environment_somewhere_else(program: Program, tmp_path: Path) -> None:
    project = make_project(tmp_path / "app", ["six"])
    env = {"UV_PROJECT_ENVIRONMENT": str(tmp_path / "environment")}

    installed = program.run("deps.install", cwd=project, env=env)
    used = program.run("cmd", "--", "python", "-c", "import six, sys; print(sys.prefix)", cwd=project, env=env)

    assert installed.code == 0, installed.err
    assert (used.code, used.out) == (0, f"{tmp_path / 'environment'}\n")
    assert not (project / ".venv").exists()


def test_packages_added_at_the_same_time_are_all_there(program: Program, tmp_path: Path) -> None:
    project = make_project(tmp_path / "app")
    packages = ["six", "idna", "iniconfig", "humanize"]

    running = [program.start("uv", "add", package, cwd=project) for package in packages]
    errors = [process.communicate(timeout=120)[1].decode() for process in running]

    assert [process.returncode for process in running] == [0, 0, 0, 0], errors
    assert sorted(_dependencies(project)) == sorted(packages)
    assert _locked(project) == {"app", *packages}
    assert program.run("deps.check", cwd=project).code == 0


def _manifest(project: Path) -> dict[str, Any]:
    return tomllib.loads((project / "pyproject.toml").read_text())


def _dependencies(project: Path) -> list[str]:
    """The dependencies by name."""
    return [item.partition(">=")[0] for item in _manifest(project)["project"]["dependencies"]]


def _packages(project: Path) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = tomllib.loads((project / "uv.lock").read_text())["package"]
    return found


def _locked(project: Path) -> set[str]:
    return {package["name"] for package in _packages(project)}


def _version(project: Path, name: str) -> str:
    return next(str(package["version"]) for package in _packages(project) if package["name"] == name)


def _number(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split("."))
