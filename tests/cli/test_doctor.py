"""doctor as a person calls it: what it prints where, its exit codes, its fixes, and mistakes in its options."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from tests.conftest import Program, hashes
from tests.unit.doctor_cases import CLEAN, Case
from uvdock.doctor import table


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    """A repo without a Compose file whose build has an error, a warning that can be mended, and one that cannot."""
    case = Case(
        "",
        "",
        files={"compose.yaml": None, ".gitignore": "uv.lock\n"},
        swap=(("Dockerfile", " --locked", ""), ("Dockerfile", "USER app\n", "")),
    )
    case.build(tmp_path)
    return tmp_path


def rules(text: str) -> set[str]:
    return {item["rule"] for item in json.loads(text)["findings"]} - {"uv-versions-differ"}


def test_it_tells_place_level_rule_reason_and_fix(program: Program, repo: Path) -> None:
    before = hashes(repo)

    ran = program.run("doctor", "--rule", "sync-without-locked", "--rule", "runs-as-root", cwd=repo)

    assert ran.code == 0
    assert ran.out.splitlines()[:4] == [
        "Dockerfile",
        "  Dockerfile:1  warning  runs-as-root  the image runs as root",
        f"      why: {table.rule('runs-as-root').why}",
        "      fix: useradd a user, and end the stage with USER and its name",
    ]
    assert "  Dockerfile:9  warning  sync-without-locked  uv sync may change the lock" in ran.out
    assert "      fix: uv sync --locked (--fix does it)" in ran.out
    assert "2 warnings in 1 Dockerfile, 1 workflow, 1 project" in ran.err
    assert "1 of them can be mended by --fix" in ran.err
    assert "more on a rule: uvdock doctor --explain RULE\n" in ran.err
    assert hashes(repo) == before


def test_exit_code_counts_errors_and_warnings_alone(program: Program, repo: Path) -> None:
    assert program.run("doctor", cwd=repo).code == 0
    assert program.run("doctor", "--exit-code", cwd=repo).code == 1
    assert program.run("doctor", "--exit-code", "--rule", "unpinned-uv", cwd=repo).code == 0
    (repo / "Dockerfile").write_text(CLEAN["Dockerfile"].replace("UV_LINK_MODE=copy ", ""))
    ran = program.run("doctor", "--exit-code", "--rule", "no-link-mode", cwd=repo)
    assert (ran.code, "1 piece of advice" in ran.err) == (0, True)


def test_a_fix_is_shown_first_and_found_no_more(program: Program, repo: Path) -> None:
    before = hashes(repo)

    ran = program.run("--dry", "doctor", "--fix", cwd=repo, program="uvdock")
    assert ran.code == 0
    assert hashes(repo) == before
    assert "only shown, nothing was written: .gitignore, Dockerfile" in ran.err

    ran = program.run("doctor", "--fix", "--json", cwd=repo)
    assert "+    uv sync --locked --no-install-project" not in ran.out
    assert "-uv.lock" in ran.err
    assert "written: .gitignore, Dockerfile" in ran.err
    assert rules(ran.out) == {"runs-as-root"}
    assert (repo / "Dockerfile").read_text() == CLEAN["Dockerfile"].replace("USER app\n", "").replace(
        "uv sync --locked --no-install-project", "uv sync --locked --no-install-project"
    )
    after = hashes(repo)

    ran = program.run("doctor", "--fix", cwd=repo)
    assert "written" not in ran.err
    assert hashes(repo) == after


def test_rules_are_left_out_by_the_settings(program: Program, repo: Path) -> None:
    pyproject = repo / "pyproject.toml"
    pyproject.write_text(pyproject.read_text() + '[tool.uvdock]\ndoctor_ignore = ["runs-as-root"]\n')

    assert rules(program.run("doctor", "--json", cwd=repo).out) == {"sync-without-locked", "lock-ignored-by-git"}

    pyproject.write_text(pyproject.read_text().replace("runs-as-root", "run-as-root"))
    ran = program.run("doctor", cwd=repo)
    assert ran.code == 2
    assert "there is no rule 'run-as-root' (did you mean runs-as-root?)" in ran.err
    assert "doctor_ignore, from pyproject.toml [tool.uvdock]" in ran.err


def test_a_rule_is_explained(program: Program, tmp_path: Path) -> None:
    ran = program.run("doctor", "--explain", "unpinned-uv", cwd=tmp_path)

    assert ran.code == 0
    assert ran.out.strip() == f"unpinned-uv (warning)\n\n{table.rule('unpinned-uv').page}"
    ran = program.run("doctor", "--explain", "unpined-uv", cwd=tmp_path)
    assert (ran.code, len(ran.err.splitlines())) == (2, 4)
    assert "did you mean unpinned-uv?" in ran.err


def test_what_cannot_be_read_is_said_and_no_reason_to_stop(program: Program, repo: Path) -> None:
    (repo / ".github/workflows/ci.yml").write_text("jobs: [\n")
    (repo / "Dockerfile").write_bytes(b"FROM python:3.13\n# \xff\xfe\nRUN uv sync '\n")

    ran = program.run("doctor", cwd=repo)

    assert ran.code == 0
    assert "not looked at: .github/workflows/ci.yml:1: .github/workflows/ci.yml is not valid YAML" in ran.err
    assert "Dockerfile:3  warning  sync-without-locked" in ran.out
    assert "Traceback" not in ran.err


def test_without_anything_to_look_at_it_does_not_say_that_all_is_well(program: Program, tmp_path: Path) -> None:
    ran = program.run("doctor", "--exit-code", cwd=tmp_path)

    assert (ran.code, ran.out) == (0, "")
    assert "nothing found in no file" in ran.err


def test_the_compose_file_without_docker_is_named_as_not_looked_at(program: Program, repo: Path) -> None:
    (repo / "compose.yaml").write_text(CLEAN["compose.yaml"])
    tools = repo.parent / "tools"
    tools.mkdir()
    found = subprocess.run(["which", "git"], capture_output=True, text=True, check=True).stdout.strip()
    (tools / "git").symlink_to(found)

    ran = program.run("doctor", cwd=repo, env={"PATH": str(tools)})

    assert "not looked at: the Compose files" in ran.err
    assert "there is no docker to read them with" in ran.err
