"""Whole repos, each beside what a person who knows uv made of it by hand: `uvdock migrate` has to write the same.

A folder of `tests/fixtures/repos` has `before`, `after` and `repo.toml`:

``about``
    What kind of repo it is, and what is hard in it.
``check``
    The app's own checks, run in its images: tests/engine/test_migrate_repos.py.
``left``, ``questions``
    The places (`Dockerfile:12`) that the plan has to leave to a person. Without them, it has to leave nothing.
``stopped``
    The projects that have to stay with pip; `migrate` leaves with 1 then.
``options``
    More options of `migrate --apply`.
``pending``
    What the migration does not write yet as it should: the test has to fail.
"""

from __future__ import annotations

import difflib
import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.cli.test_migrate import committed, contents, git
from tests.conftest import REPO, Program, clean_environment, hashes
from tests.left import silent
from tests.repos import FOLDER, REPOS, copied, described, page

pytestmark = pytest.mark.slow

UV = "0.13.8"


def executable(repo: Path, paths: dict[str, bytes]) -> set[str]:
    return {path for path in paths if (repo / path).stat().st_mode & 0o100}


def differences(wanted: dict[str, bytes], made: dict[str, bytes]) -> str:
    """What is not as it should be, as a diff from the file wanted to the file made."""
    lines: list[str] = []
    for path in sorted(wanted.keys() | made.keys()):
        old, new = (found.get(path, b"").decode(errors="replace").splitlines(keepends=True) for found in (wanted, made))
        lines += difflib.unified_diff(old, new, f"wanted/{path}", f"made/{path}")
        if (path in wanted) != (path in made):
            lines.append(f"{path}: {'missing' if path in wanted else 'not wanted'}\n")
    return "".join(line if line.endswith("\n") else f"{line}\n" for line in lines)


@pytest.fixture(scope="module")
def uv_version() -> str:
    said = subprocess.run(["uv", "--version"], capture_output=True, check=True, text=True).stdout
    found = re.search(r"uv (\S+)", said)
    assert found is not None
    return found[1]


#: One of each kind of repo: its base, its manager, its images, a library without any.
KEPT = ("alpine", "dev-and-prod", "heroku", "library", "monorepo", "opt-venv", "pipenv", "poetry", "user-folder")


def cases() -> list[Any]:
    pending = {name: described(name).get("pending") for name in REPOS}
    return [
        pytest.param(
            name,
            marks=[
                *([pytest.mark.xfail(reason=reason, strict=True)] if reason else []),
                *([] if name in KEPT else [pytest.mark.long]),
            ],
        )
        for name, reason in pending.items()
    ]


@pytest.mark.parametrize("name", cases())
def test_a_repo_becomes_what_a_person_would_write(program: Program, tmp_path: Path, uv_version: str, name: str) -> None:
    about = described(name)
    folder = copied(name, tmp_path)
    before = contents(committed(folder))

    ran = program.run("migrate", "--apply", "--json", *about.get("options", []), cwd=folder)

    stopped = about.get("stopped", [])
    assert ran.code == bool(stopped), ran.err
    plan = json.loads(ran.out)
    made = contents(folder)
    locks = {path for path in made if path.endswith("uv.lock")}
    assert locks == {(Path(project["folder"]) / "uv.lock").as_posix() for project in plan["projects"]}
    texts = {path: text.replace(uv_version.encode(), UV.encode()) for path, text in made.items() if path not in locks}
    wanted = contents(FOLDER / name / "after")
    told = differences(wanted, texts)
    assert texts == wanted, f"{name}:\n{told}"
    assert executable(folder, texts) == executable(FOLDER / name / "after", wanted)
    assert places(plan, "left") == sorted(about.get("left", []))
    assert places(plan, "question") == sorted(about.get("questions", []))
    assert [project["folder"] for project in plan["stopped"]] == stopped
    moved = {
        path: text for path, text in decoded(before).items() if not path.startswith(tuple(f"{one}/" for one in stopped))
    }
    assert silent(moved, decoded(made), plan["findings"]) == []
    # In a copy: a project with a setup.py is built for it, which leaves files behind.
    copy = shutil.copytree(folder, tmp_path / "checked")
    for lock in locks:
        subprocess.run(
            ["uv", "lock", "--check", "--quiet"], cwd=copy / Path(lock).parent, env=clean_environment(), check=True
        )

    again = program.run("migrate", "--apply", *about.get("options", []), cwd=folder)
    # Nothing is written, so nothing is refused either: the folder has changes that nobody committed.
    assert (again.code, contents(folder)) == (bool(stopped), made), again.err

    back = program.run("migrate", "--rollback", cwd=folder)
    assert (back.code, contents(folder)) == (0, before), back.err
    assert git(folder, "status", "--porcelain") == ""


def decoded(files: dict[str, bytes]) -> dict[str, str]:
    return {path: text.decode(errors="replace") for path, text in files.items()}


def places(plan: dict[str, Any], level: str) -> list[str]:
    """Where the plan has findings of a level: `path:line`, or the path alone for a whole file."""
    found = [finding for finding in plan["findings"] if finding["level"] == level]
    return sorted({f"{one['path']}:{one['line']}" if one["line"] else str(one["path"]) for one in found})


def test_the_docs_list_the_repos() -> None:
    assert (REPO / "docs" / "migrate-repos.md").read_text() == page(), "run `inv docs`, which writes it"
    assert len(REPOS) >= 25


@pytest.mark.parametrize("name", REPOS)
def test_a_repo_tells_what_it_is(name: str) -> None:
    about = described(name)
    assert about.keys() <= {"about", "check", "build", "image", "left", "questions", "stopped", "options", "pending"}
    assert about["about"]
    assert about.get("check") or about.get("build"), "a repo that can be built has a check"
    folder = FOLDER / name
    assert hashes(folder / "before") != hashes(folder / "after")
