"""The plan of a migration: each file by its own converter, whole, in order, and nothing written."""

from __future__ import annotations

import json
import subprocess
import tempfile
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.conftest import clean_environment, hashes
from tests.unit.migrate import facts as migrate_facts
from tests.unit.migrate.test_every_kind import TEXTS
from uvdock.migrate import apply, plan, report
from uvdock.migrate.converters import compose, docs, ignores, new_files, scripts, workflow
from uvdock.migrate.converters import tools as other_settings
from uvdock.migrate.model import (
    Converted,
    Dependencies,
    Drift,
    FileEdit,
    MigrationPlan,
    Notice,
    ProjectFacts,
    ProjectMove,
    RepoFacts,
)
from uvdock.migrate.plan import Converters

FILES: dict[str, bytes] = {
    "requirements.txt": b"flask==3.0.0\n",
    "requirements-dev.txt": b"-r requirements.txt\r\npytest\r\n",
    "Dockerfile": b"FROM python:3.12\nCOPY . .\nRUN pip install -r requirements.txt\n",
    "compose.yaml": b"services:\n  web:\n    build: .\n    command: pip install -r requirements.txt\n",
    "README.md": b"# caf\xe9\n\n```sh\npip install -r requirements.txt\n```\n",
    ".gitignore": b"*.pyc\n",
    "app.py": b"import flask\n",
    "image.png": b"\x89PNG\x00\xff",
}
TASKS = b'''"""The tasks of this repo: `inv --list` shows them."""

from uvdock import ns

__all__ = ["ns"]
'''


def dependencies(root: Path, files: Mapping[Path, str], uv: str) -> Dependencies:
    """A stand-in: the requirements file at the root goes, in the place of a manifest and a lock."""
    assert uv == "the-uv"
    old = Path("requirements.txt")
    facts = migrate_facts.facts()
    move = ProjectMove(Path(), facts=facts.projects[0], installs=facts.installs)
    if old in files and Path("uv.lock") not in files:
        move = replace(
            move,
            lists=frozenset({old}),
            edits=(
                FileEdit(Path("uv.lock"), None, b'[[package]]\nname = "flask"\n[[package]]\nname = "click"\n'),
                FileEdit(Path("pyproject.toml"), None, b'[project]\nname = "app"\n'),
            ),
            gone=(FileEdit(old, plan.encode(files[old]), None),),
            findings=(Notice(Path("requirements-dev.txt"), 1, "question", "which pytest?", "say it"),),
            drifts=(Drift("click", "8.0", "8.1", "it was not pinned"),),
        )
    return Dependencies((move,), files, facts.uv)


def dockerfile(path: Path, content: str, facts: RepoFacts) -> Converted:
    new = content.replace("pip install -r requirements.txt", "uv sync --locked")
    return Converted(new + ("USER app\n" if facts.harden else ""), (Notice(path, 3, "note", "changed"),))


CONVERTERS = Converters(
    dependencies,
    (
        (lambda path, _: path.name == "Dockerfile", dockerfile),
        (workflow.is_workflow, workflow.convert),
        (other_settings.is_settings, other_settings.convert),
        (compose.is_compose, compose.convert),
        (ignores.is_ignore_file, ignores.convert),
        (scripts.is_script, scripts.convert),
        (docs.is_document, docs.convert),
    ),
    new_files.files,
)


@pytest.fixture(params=["git", "no-git"])
def repo(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    for name, content in FILES.items():
        (tmp_path / name).write_bytes(content)
    if request.param == "git":
        subprocess.run(["git", "init", "-q"], cwd=tmp_path, env=clean_environment(), check=True)
    return tmp_path


def made(repo: Path, **options: bool) -> tuple[MigrationPlan, RepoFacts]:
    return plan.assemble(repo, CONVERTERS, uv="the-uv", **options)


def test_every_file_is_converted_by_its_own_converter_and_nothing_is_written(repo: Path) -> None:
    before = hashes(repo)
    found, facts = made(repo)
    assert {edit.path.as_posix(): edit.after for edit in found.edits} == {
        ".dockerignore": b".venv\n",
        ".gitignore": b"*.pyc\n.venv/\n",
        "Dockerfile": b"FROM python:3.12\nCOPY . .\nRUN uv sync --locked\n",
        "README.md": b"# caf\xe9\n\n```sh\nuv sync --locked --no-dev\n```\n",
        "compose.yaml": b"services:\n  web:\n    build: .\n    command: uv sync --locked --inexact --no-dev\n",
        "pyproject.toml": b'[project]\nname = "app"\n',
        "requirements.txt": None,
        "uv.lock": b'[[package]]\nname = "flask"\n[[package]]\nname = "click"\n',
    }
    assert [edit.path for edit in found.edits] == sorted(edit.path for edit in found.edits)
    assert [(item.path.name, item.line) for item in found.findings] == [
        (".dockerignore", 0),
        ("Dockerfile", 3),
        ("requirements-dev.txt", 1),
    ]
    assert found.drifts[0].name == "click"
    assert facts.uv == "0.13.8"
    assert hashes(repo) == before


def test_a_second_plan_after_an_apply_is_empty(repo: Path) -> None:
    before = hashes(repo)
    apply.apply(repo, made(repo)[0])
    assert hashes(repo) != before
    assert made(repo)[0].edits == ()
    apply.roll_back(repo)
    assert hashes(repo) == before


def test_options_reach_the_converters(repo: Path) -> None:
    found, facts = made(repo, harden=True, cache_volume=True, tasks=True)
    edits = {edit.path.name: edit.after or b"" for edit in found.edits}
    assert edits["Dockerfile"].endswith(b"USER app\n")
    assert edits["tasks.py"] == TASKS
    assert b"uv-cache:" in edits["compose.yaml"]
    assert facts.harden
    assert facts.cache_volume


def test_nothing_is_added_to_a_repo_that_has_nothing_of_pip(tmp_path: Path) -> None:
    (tmp_path / "README.md").write_text("# App\n")
    assert made(tmp_path)[0].edits == ()


def test_a_file_that_something_still_reads_stays(repo: Path) -> None:
    (repo / "setup.sh").write_text("pip download -r requirements.txt  # all\n")
    found, _ = made(repo)
    assert not any(edit.path.name == "requirements.txt" for edit in found.edits)
    (kept,) = (item for item in found.findings if item.path.name == "requirements.txt")
    assert (kept.level, kept.what) == ("left", "the file stays, for setup.sh:1 still reads it")


def test_a_link_to_a_file_that_goes_is_told(repo: Path) -> None:
    (repo / "all.txt").symlink_to("requirements.txt")
    found, _ = made(repo)
    assert ("all.txt", "left") in [(item.path.name, item.level) for item in found.findings]
    assert not any(edit.path.name == "all.txt" for edit in found.edits)


def test_a_diff_is_a_patch(repo: Path) -> None:
    found, _ = made(repo)
    if not (repo / ".git").exists():
        subprocess.run(["git", "init", "-q"], cwd=repo, env=clean_environment(), check=True)
    # Text that is no UTF-8 cannot be shown as it is.
    edits = [edit for edit in found.edits if edit.path.name != "README.md"]
    patch = "".join(f"{line}\n" for edit in edits for line in plan.diff(edit))
    subprocess.run(["git", "apply", "-"], cwd=repo, input=patch.encode(), env=clean_environment(), check=True)
    for edit in edits:
        assert ((repo / edit.path).read_bytes() if (repo / edit.path).exists() else None) == edit.after


@pytest.mark.parametrize(
    ("before", "after"),
    [(b"a\r\nb", b"a\r\nc"), (b"a\x0cb\n", b"a\x0cb\nc"), (b"a", None), (None, b""), (b"a\n", b"a")],
)
def test_a_diff_keeps_line_ends(tmp_path: Path, before: bytes | None, after: bytes | None) -> None:
    edit = FileEdit(Path("f"), before, after)
    if before is not None:
        (tmp_path / "f").write_bytes(before)
    lines = plan.diff(edit)
    if not lines:
        assert (before or b"") == (after or b"")
        return
    subprocess.run(
        ["git", "apply", "-"],
        cwd=tmp_path,
        input="".join(f"{line}\n" for line in lines).encode(),
        env=clean_environment(),
        check=True,
    )
    assert ((tmp_path / "f").read_bytes() if (tmp_path / "f").exists() else None) == after


def test_what_a_person_sees_leaves_out_what_nobody_reads() -> None:
    lock = FileEdit(Path("uv.lock"), None, b"[[package]]\n" * 50)
    shown = report.shown(lock, whole=False)
    assert shown == ["--- /dev/null", "+++ b/uv.lock", "  (created: 50 packages, 51 lines not shown)"]
    assert len(report.shown(lock, whole=True)) == 53
    long = FileEdit(Path("r.txt"), b"x\n" * 100, None)
    assert report.shown(long, whole=False)[-1] == "  (and 63 more lines that go)"
    assert report.counted([lock, long, FileEdit(Path("a"), b"", b"x")]) == "1 file changes, 1 is new, 1 goes"


def test_the_plan_as_json(repo: Path) -> None:
    found, facts = made(repo)
    data = json.loads(report.to_json(repo, found, facts))
    assert {key: data[key] for key in ("version", "root", "applied", "backup", "proof")} == {
        "version": 1,
        "root": str(repo),
        "applied": False,
        "backup": None,
        "proof": None,
    }
    assert data["projects"] == [{"folder": ".", "package": False, "requires_python": ">=3.12"}]
    assert {item["path"]: item["action"] for item in data["files"]}["requirements.txt"] == "deleted"
    assert {"path": "Dockerfile", "line": 3, "level": "note", "what": "changed", "instead": ""} in data["findings"]
    assert data["drifts"] == [{"name": "click", "old": "8.0", "new": "8.1", "cause": "it was not pinned"}]


@pytest.mark.parametrize(
    ("ignore", "instruction", "stays"),
    [
        ("", "COPY pyproject.toml uv.lock ./", False),
        ("*.lock\n", "COPY pyproject.toml uv.lock ./", True),
        ("*.lock\n!uv.lock\n", "COPY pyproject.toml uv.lock ./", False),
        ("", "COPY api/pyproject.toml ./", True),
        ("", "RUN --mount=type=bind,source=uv.lock,target=uv.lock uv sync", False),
        ("uv.lock\n", "RUN --mount=type=bind,source=uv.lock,target=uv.lock uv sync", True),
        ("", "COPY --from=build /uv.lock /nowhere ./", False),
        ("", "COPY $WHAT nowhere* ./", False),
    ],
)
def test_an_image_whose_files_are_not_in_the_build_stays(
    tmp_path: Path, ignore: str, instruction: str, *, stays: bool
) -> None:
    def convert(_: Path, content: str, __: RepoFacts) -> Converted:
        return Converted(content.replace("COPY requirements.txt .", instruction))

    text = "FROM python:3.13\nCOPY requirements.txt .\nRUN pip install -r requirements.txt\n"
    files = {"requirements.txt": "flask\n", "Dockerfile": text, ".dockerignore": ignore, "image.bin": "\0"}
    for name, content in files.items():
        (tmp_path / name).write_text(content)
    converters = Converters(dependencies, ((lambda path, _: path.name == "Dockerfile", convert),))
    made, _ = plan.assemble(tmp_path, converters, uv="the-uv")
    changed = [edit.path.name for edit in made.edits]
    assert ("Dockerfile" in changed, "uv.lock" in changed) == ((False, False) if stays else (True, True))
    assert [one.folder for one in made.stopped] == ([Path()] if stays else [])
    assert bool([one for one in made.findings if "with uv, this would copy" in one.what]) is stays


def test_a_project_takes_along_what_installs_it() -> None:
    def move(name: str, *needs: str) -> ProjectMove:
        manifest = FileEdit(Path(name, "pyproject.toml"), None, b"")
        project = ProjectFacts(Path(name), package=False, requires_python="")
        gone = FileEdit(Path("requirements.txt"), b"", None)
        folders = frozenset(map(Path, needs))
        return ProjectMove(Path(name), needs=folders, edits=(manifest,), gone=(gone,), facts=project)

    why = Notice(Path("lib/Dockerfile"), 3, "left", "odd")
    whole = Dependencies((move("app", "api"), move("api", "lib"), move("lib"), move("other")), {}, "0.13.8")
    made = whole.stop({Path("lib"): why})

    assert [one.folder.name for one in made.stopped] == ["app", "api", "lib"]
    assert [one.folder.name for one in made.facts.projects] == ["other"]
    # What one that stays has as well does not go.
    assert [edit.path.as_posix() for edit in made.edits] == ["other/pyproject.toml"]
    assert [edit.path.as_posix() for edit in whole.stop({}).edits][-1] == "requirements.txt"
    assert [finding.what for finding in made.findings] == [
        "it installs lib, which stays with pip", "it installs api, which stays with pip", "odd"
    ]  # fmt: skip


def test_findings_that_differ_in_names_only_are_of_one_kind() -> None:
    def pinned(name: str, at: str) -> Notice:
        return Notice(Path(f"{at}.txt"), 1, "question", f"{name} is pinned to 1.0 here and 2.0 in b.txt", "pin it once")

    apart = [
        Notice(Path("README.md"), 3, "left", "the text mentions `pip install`", "uv sync"),
        Notice(Path("Dockerfile"), 9, "left", "pip in a substitution: pip freeze", "by hand, with `uv pip`"),
        Notice(Path("Dockerfile"), 2, "note", "the text mentions `pip install`", "uv sync"),
    ]
    same = [pinned("flask", "a"), pinned("six", "c"), pinned("ruamel.yaml", "d")]
    found = report.grouped([*apart, *same])
    assert found == [same, [apart[1]], [apart[0]], [apart[2]]]


def test_drifts_of_one_cause_are_one_line() -> None:
    drifts = [Drift(name, "1", "2", "not pinned") for name in "abc"] + [Drift("d", "", "3", "new")]
    assert report.drifted(drifts) == ["a 1 → 2, b 1 → 2, c 1 → 2: not pinned", "d (none) → 3: new"]
    assert report.drifted(drifts, most=2)[0] == "a 1 → 2, b 1 → 2 and 1 more: not pinned"


_NAMES = st.sampled_from(
    ["compose.yaml", "api/docker-compose.yml", ".github/workflows/ci.yml", "Makefile", "Procfile", "run.sh", "tox.ini",
     "README.md", ".gitignore", ".dockerignore", "requirements.txt", "Dockerfile", "tasks.py", "a/b c/é.md"]
)  # fmt: skip


@given(files=st.dictionaries(_NAMES, st.one_of(TEXTS.map(plan.encode), st.binary(max_size=30)), max_size=6))
@settings(suppress_health_check=[HealthCheck.too_slow])
def test_any_repo_is_planned_applied_and_rolled_back_to_the_byte(files: dict[str, bytes]) -> None:
    with tempfile.TemporaryDirectory() as temp:
        root = Path(temp)
        for name, content in files.items():
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            (root / name).write_bytes(content)
        before = hashes(root)
        found, _ = made(root)
        assert hashes(root) == before
        for edit in found.edits:
            assert edit.before == files.get(edit.path.as_posix())
        if apply.apply(root, found) is not None:
            assert made(root)[0].edits == ()
            apply.roll_back(root)
        assert hashes(root) == before


CALLED = {
    "requirements.txt": b"flask==3.0.0\n",
    "Dockerfile": b"FROM python:3.13-slim\nWORKDIR /srv\nCOPY . .\nRUN bin/install.sh\n",
    "bin/install.sh": b'#!/bin/sh\ncd "$(dirname "$0")/.."\npip3 install --no-cache-dir -r requirements.txt\n',
}


def made_of(folder: Path, files: Mapping[str, bytes]) -> MigrationPlan:
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    converters = Converters(dependencies, plan.usual().files)
    return plan.assemble(folder, converters, uv="the-uv")[0]


def test_a_script_that_a_build_calls_is_what_the_image_counts_on(tmp_path: Path) -> None:
    """With `--inexact`, for it installs to the interpreter's own packages in the image; not by hand in a checkout."""
    (tmp_path / "image").mkdir()
    (tmp_path / "hand").mkdir()
    image = made_of(tmp_path / "image", CALLED)
    hand = made_of(tmp_path / "hand", {name: text for name, text in CALLED.items() if name != "Dockerfile"})

    def script(made: MigrationPlan) -> str:
        return next((edit.after or b"").decode() for edit in made.edits if edit.path.name == "install.sh")

    before = '#!/bin/sh\ncd "$(dirname "$0")/.."\n'
    assert script(image) == before + "uv sync --locked --no-install-project --inexact --no-dev\n"
    assert script(hand) == before + "uv sync --locked --no-dev\n"
    after = next((edit.after or b"").decode() for edit in image.edits if edit.path.name == "Dockerfile")
    assert "UV_PROJECT_ENVIRONMENT=/usr/local" in after
    assert [finding for finding in image.findings if finding.level == "left"] == []


def test_a_script_that_two_builds_call_differently_is_a_question(tmp_path: Path) -> None:
    other = b"FROM python:3.13-slim\nRUN python -m venv /opt/venv\nENV PATH=/opt/venv/bin:$PATH\nCOPY . /srv\n"
    made = made_of(tmp_path, {**CALLED, "Dockerfile.two": other + b"RUN /srv/bin/install.sh\n"})
    assert [(one.level, one.what, one.instead) for one in made.findings if one.path == Path("bin/install.sh")] == [
        ("question", "Dockerfile and Dockerfile.two call this in places that differ", "a script for each")
    ]


@pytest.mark.parametrize(
    ("line", "stays"),
    [
        ("pipenv lock --requirements > requirements.txt && pip install -r requirements.txt", True),
        ("pip install pipenv \\\n && pipenv sync --system", True),
        ("# pipenv install", False),
        ("echo done", False),
    ],
)
def test_a_file_that_a_tool_reads_without_naming_it_stays(tmp_path: Path, line: str, *, stays: bool) -> None:
    def gone(root: Path, files: Mapping[Path, str], uv: str) -> Dependencies:
        made = dependencies(root, files, uv)
        (move,) = made.projects
        pipfile = FileEdit(Path("Pipfile"), b"[packages]\n", None)
        return replace(made, projects=(replace(move, gone=(*move.gone, pipfile)),))

    (tmp_path / "Pipfile").write_bytes(b"[packages]\n")
    (tmp_path / "requirements.txt").write_bytes(b"flask\n")
    (tmp_path / "Dockerfile").write_text(f"FROM python:3.13\nCOPY . .\nRUN {line}\n")
    converters = Converters(gone, ((lambda path, _: path.name == "Dockerfile", dockerfile),))
    made, _ = plan.assemble(tmp_path, converters, uv="the-uv")
    assert (Path("Pipfile") not in [edit.path for edit in made.edits]) is stays
    told = [finding.what for finding in made.findings if finding.path == Path("Pipfile")]
    assert told == (["the file stays, for Dockerfile:3 still reads it"] if stays and "\n" not in line else told)
    assert bool(told) is stays


def test_a_file_whose_name_is_computed_stays_and_the_build_still_has_it(repo: Path) -> None:
    (repo / "tox.ini").write_text("[testenv]\ndeps = -r {env:KIND}ments.txt\n")
    (repo / ".dockerignore").write_text("*\n!requirements.txt\n!app.py\n")
    found, facts = made(repo)
    assert Path("requirements.txt") in facts.kept
    edits = {edit.path.as_posix(): edit.after for edit in found.edits}
    assert "requirements.txt" not in edits
    assert edits[".dockerignore"] == b"*\n!requirements.txt\n!pyproject.toml\n!uv.lock\n!app.py\n"
    told = [finding.what for finding in found.findings if finding.path == Path("requirements.txt")]
    assert told == ["the file stays, for tox.ini:2 still reads it"]
