"""`uvdock migrate` as a person calls it: shown, applied, rolled back, in whole repos."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from tests.conftest import Program, clean_environment, hashes
from uvdock.migrate.model import Drift, FileEdit, MigrationPlan

#: A small repo with a bit of everything.
SMALL = {
    "requirements.txt": "six==1.17.0\n",
    "Dockerfile": "FROM python:3.11-slim-bookworm\nCOPY requirements.txt .\nRUN pip install -r requirements.txt\n",
    "setup.sh": "#!/bin/sh\npip install -r requirements.txt\n",
    "README.md": "Run `pip install -r requirements.txt`.\n",
}


def git(repo: Path, *args: str) -> str:
    options = ["-c", "user.name=a", "-c", "user.email=a@example.com", "-c", "init.defaultBranch=main"]
    done = subprocess.run(
        ["git", *options, *args], cwd=repo, env=clean_environment(), capture_output=True, text=True, check=True
    )
    return done.stdout


def committed(repo: Path) -> Path:
    git(repo, "init", "-q")
    git(repo, "add", "--all", "--force")
    git(repo, "commit", "-qm", "all")
    return repo


def contents(repo: Path) -> dict[str, bytes]:
    found = (path for path in sorted(repo.rglob("*")) if path.is_file())
    return {
        path.relative_to(repo).as_posix(): path.read_bytes()
        for path in found
        if ".git" not in path.relative_to(repo).parts
    }


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    """The small repo, committed."""
    folder = tmp_path / "small"
    folder.mkdir()
    for name, text in SMALL.items():
        (folder / name).write_text(text)
    return committed(folder)


def test_without_apply_nothing_is_written_and_all_is_shown(program: Program, repo: Path) -> None:
    before = hashes(repo)
    ran = program.run("migrate", cwd=repo)

    assert ran.code == 0, ran.err
    assert hashes(repo) == before
    assert "-pip install -r requirements.txt\n+uv sync --locked" in ran.out
    assert "+++ b/uv.lock" in ran.out
    assert "--- a/requirements.txt\n+++ /dev/null" in ran.out
    assert "README.md:1  the text mentions `pip install`" in ran.err
    assert "only shown, nothing was written" in ran.err


def test_what_is_shown_to_a_pipe_is_a_patch(program: Program, repo: Path) -> None:
    patch = program.run("migrate", cwd=repo).stdout
    subprocess.run(["git", "apply", "-"], cwd=repo, input=patch, env=clean_environment(), check=True)
    assert not (repo / "requirements.txt").exists()
    patched = contents(repo)
    git(repo, "stash", "--include-untracked")
    assert program.run("migrate", "--apply", cwd=repo).code == 0
    assert contents(repo) == patched


def test_uncommitted_changes_are_not_mixed_with_a_migration(program: Program, repo: Path) -> None:
    (repo / "note.txt").write_text("mine\n")
    before = hashes(repo)
    ran = program.run("migrate", "--apply", cwd=repo)
    assert ran.code == 1
    assert "error: git has uncommitted changes; nothing was written: note.txt" in ran.err
    assert "--allow-dirty" in ran.err
    assert {name: text for name, text in hashes(repo).items() if ".git/" not in name} == {
        name: text for name, text in before.items() if ".git/" not in name
    }
    assert program.run("migrate", "--apply", "--allow-dirty", cwd=repo).code == 0
    assert (repo / "uv.lock").is_file()


def test_a_dry_run_of_an_apply_writes_nothing(program: Program, repo: Path) -> None:
    before = contents(repo)
    ran = program.run("--dry", "migrate", "--apply", cwd=repo)
    assert (ran.code, contents(repo)) == (0, before)
    assert "only shown" in ran.err


def test_a_rollback_leaves_a_persons_work_alone(program: Program, repo: Path) -> None:
    before = contents(repo)
    assert program.run("migrate", "--apply", cwd=repo).code == 0
    (repo / "setup.sh").write_text("mine\n")
    after = contents(repo)

    ran = program.run("migrate", "--rollback", cwd=repo)
    assert (ran.code, contents(repo)) == (1, after)
    assert "error: changed since the migration: setup.sh" in ran.err

    ran = program.run("migrate", "--rollback", "--force", "--json", cwd=repo)
    assert (ran.code, contents(repo)) == (0, before)
    assert json.loads(ran.out)["rolled_back"] == sorted(
        ["Dockerfile", "pyproject.toml", "requirements.txt", "setup.sh", "uv.lock"]
    )
    ran = program.run("migrate", "--rollback", cwd=repo)
    assert ran.code == 1
    assert "there is nothing to roll back" in ran.err


def test_an_apply_that_was_cut_off_is_told_first(program: Program, repo: Path) -> None:
    before = contents(repo)
    assert program.run("migrate", "--apply", cwd=repo).code == 0
    (journal,) = (repo / ".git" / "uvdock").rglob("journal.json")
    journal.write_text(journal.read_text().replace('"done": true', '"done": false'))
    (repo / "Dockerfile").write_bytes(before["Dockerfile"])
    ran = program.run("migrate", cwd=repo)
    assert ran.code == 1
    assert "an earlier --apply was cut off" in ran.err
    assert program.run("migrate", "--rollback", cwd=repo).code == 0
    assert contents(repo) == before


def test_json_is_all_there_is_on_standard_output(program: Program, repo: Path) -> None:
    data = json.loads(program.run("migrate", "--apply", "--json", cwd=repo).out)
    assert data["applied"]
    assert Path(data["backup"]).is_dir()
    assert {item["path"]: item["action"] for item in data["files"]} == {
        "Dockerfile": "changed",
        "pyproject.toml": "created",
        "requirements.txt": "deleted",
        "setup.sh": "changed",
        "uv.lock": "created",
    }
    assert data["projects"] == [{"folder": ".", "package": False, "requires_python": ">=3.11"}]


def test_inv_migrate_in_a_repo_with_tasks(program: Program, repo: Path) -> None:
    (repo / "tasks.py").write_text("from uvdock import ns\n")
    ran = program.run("migrate", "--tasks", cwd=repo, program="inv")
    assert ran.code == 0, ran.err
    assert "+++ b/uv.lock" in ran.out
    assert "b/tasks.py" not in ran.out


def test_a_repos_own_migrate_takes_its_place(program: Program, tmp_path: Path) -> None:
    """Django's is in many a ./run: it is carried over, and is what `migrate` means then."""
    run = '#!/bin/bash\nfunction migrate { echo mine "$@"; }\n"$@"\n'
    (tmp_path / "run").write_text(run)
    (tmp_path / "pyproject.toml").write_text('[project]\nname = "app"\nversion = "0.1.0"\n')
    (tmp_path / ".git").mkdir()
    ran = program.run("init", "--dry-run", cwd=tmp_path)
    assert "uvdock has it: inv migrate" not in ran.err
    with (tmp_path / "pyproject.toml").open("a") as file:
        file.write('[tool.uvdock.commands]\nmigrate = {run = "echo mine", backend = "host"}\n')
    ran = program.run("migrate", "--apply", cwd=tmp_path)
    assert (ran.code, ran.out) == (0, "mine --apply\n"), ran.err


@pytest.mark.parametrize(
    ("arguments", "code", "told"),
    [
        (["--rollback", "--apply"], 2, "--rollback goes with neither --apply nor --prove"),
        (["--prove", "--check", "'"], 2, "the check command cannot be read"),
        (["--check", "true"], 2, "--check goes with --prove"),
        (["--aply"], 2, "--aply"),
    ],
    ids=["both", "check", "check-alone", "typo"],
)
def test_mistakes_are_told(program: Program, repo: Path, arguments: list[str], code: int, told: str) -> None:
    before = contents(repo)
    ran = program.run("migrate", *arguments, cwd=repo)
    assert (ran.code, contents(repo)) == (code, before)
    assert told in ran.err
    assert "Traceback" not in ran.err


def test_help_is_help(program: Program, repo: Path) -> None:
    ran = program.run("migrate", "-h", cwd=repo)
    assert ran.code == 0
    assert "--rollback" in ran.out
    assert "+++" not in ran.out


def test_an_empty_folder_has_nothing_to_migrate(program: Program, tmp_path: Path) -> None:
    ran = program.run("migrate", "--apply", cwd=tmp_path)
    assert (ran.code, ran.out, list(tmp_path.iterdir())) == (0, "", [])
    assert ran.err.startswith("nothing to migrate: nothing here uses pip\n")


#: No index has it, so uv cannot lock it.
NOWHERE = "uvdock-is-sure-that-nobody-has-this==1.0\n"


@pytest.mark.parametrize("arguments", [[], ["--apply"]], ids=["shown", "applied"])
def test_a_project_that_cannot_be_locked_stays_whole(program: Program, repo: Path, arguments: list[str]) -> None:
    (repo / "requirements.txt").write_text(NOWHERE)
    git(repo, "commit", "-qam", "nowhere")
    before = contents(repo)

    ran = program.run("migrate", *arguments, cwd=repo)

    assert (ran.code, ran.out, contents(repo)) == (1, "", before), ran.err
    *_, nothing, why, _ = ran.err.splitlines()
    assert nothing == "nothing was migrated"
    assert "  pyproject.toml  uv cannot lock this project, so it stays as it is: " in ran.err
    assert why == ". stays with pip: see pyproject.toml above"
    assert "nothing to migrate" not in ran.err
    data = json.loads(program.run("migrate", *arguments, "--json", cwd=repo).out)
    assert [(one["folder"], data["files"], data["applied"]) for one in data["stopped"]] == [(".", [], False)]


def test_what_installs_a_project_that_stays_stays_too(program: Program, tmp_path: Path) -> None:
    """One project moves, one cannot: no script, job or image is half of each."""
    both = "pip install -r web/requirements.txt -r worker/requirements.txt\n"
    image = "FROM python:3.11-slim\nWORKDIR /app\nCOPY requirements.txt .\nRUN pip install -r requirements.txt\n"
    job = "runs-on: ubuntu-latest\n    steps:\n      - uses: actions/setup-python@v5\n      - run: "
    texts = {
        "web/requirements.txt": "six==1.17.0\n",
        "web/Dockerfile": image,
        "web/setup.sh": "#!/bin/sh\npip install -r requirements.txt\n",
        "worker/requirements.txt": NOWHERE,
        "worker/Dockerfile": image,
        "worker/setup.sh": "#!/bin/sh\npython3 -m venv .venv\n.venv/bin/pip install -r requirements.txt\n",
        "Makefile": f"install:\n\tpip install -r web/requirements.txt\n\t{both}",
        "both.sh": f"#!/bin/sh\ncd web && pip install -r requirements.txt && cd ..\n{both}",
        "README.md": f"    {both}",
        ".github/workflows/ci.yml": f"on: push\njobs:\n  web:\n    {job}pip install -r web/requirements.txt\n"
        f"  worker:\n    {job}pip install -r worker/requirements.txt\n",
    }
    for name, text in texts.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    committed(tmp_path)

    ran = program.run("migrate", "--apply", "--verbose", cwd=tmp_path)

    assert ran.code == 1, ran.err
    after = {name: text.decode() for name, text in contents(tmp_path).items()}
    stay = [name for name in texts if after.get(name) == texts[name]]
    # The list of the project that moved stays for those that stay.
    assert stay == ["web/requirements.txt", "worker/requirements.txt", "worker/Dockerfile", "worker/setup.sh",
                    "Makefile", "both.sh", "README.md", ".github/workflows/ci.yml"]  # fmt: skip
    assert "uv sync" in after["web/Dockerfile"]
    assert "uv sync" in after["web/setup.sh"]
    assert "web/uv.lock" in after
    assert sorted(line for line in ran.err.splitlines() if line.startswith("▸")) == ["▸ lock web", "▸ lock worker"]
    assert "Makefile:3  the file stays as it is: it installs worker/requirements.txt, which stays with pip" in ran.err
    assert "worker stays with pip: see worker/pyproject.toml above" in ran.err


def test_what_is_left_of_pip_is_not_nothing(program: Program, repo: Path) -> None:
    (repo / "README.md").write_text("Run `pip install --target lib flask`.\n")
    git(repo, "commit", "-qam", "odd")
    assert program.run("migrate", "--apply", cwd=repo).code == 0
    again = program.run("migrate", "--apply", "--allow-dirty", cwd=repo)
    assert (again.code, again.out) == (0, "")
    assert "\nnothing changes: what is left is listed above\n" in again.err


def test_findings_of_one_kind_are_one(program: Program, repo: Path) -> None:
    for number in range(7):
        (repo / f"part{number}.md").write_text(f"Run `pip install -r requirements.txt` in part {number}.\n")
    git(repo, "add", "--all")
    git(repo, "commit", "-qm", "parts")
    told, whole = program.run("migrate", cwd=repo).err, program.run("migrate", "--verbose", cwd=repo).err
    # The README says the same.
    assert "… and 7 more like it (--verbose names them)" in told
    assert (told.count(".md:1  "), whole.count(".md:1  ")) == (1, 8)
    assert "more like it" not in whole


def test_drift_has_to_be_accepted(repo: Path) -> None:
    from uvdock.errors import UvdockError
    from uvdock.settings import load
    from uvdock.tasks.base import Repo
    from uvdock.tasks.migrate import _allowed

    here = Repo(repo, repo, load(repo))
    plan = MigrationPlan((FileEdit(Path("a"), None, b""),), (), (Drift("six", "1.16.0", "1.17.0", "it was yanked"),))
    with pytest.raises(UvdockError, match="versions are not the old ones: six") as caught:
        _allowed(here, plan, accept_drift=False, allow_dirty=False)
    assert "--accept-drift" in caught.value.fix
    _allowed(here, plan, accept_drift=True, allow_dirty=False)
