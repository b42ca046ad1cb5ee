"""A migration is written whole or not at all, and taken back to the byte."""

from __future__ import annotations

import os
import signal
import stat
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.conftest import clean_environment
from uvdock.errors import UvdockError
from uvdock.migrate import apply as applying
from uvdock.migrate.model import FileEdit, MigrationPlan

as_root = pytest.mark.skipif(os.getuid() != 0, reason="only root mounts")

#: Applies a plan of many files and is killed at the given rename.
KILLED = """
import os, signal, sys
from pathlib import Path
from uvdock.migrate import apply
from uvdock.migrate.model import FileEdit, MigrationPlan
root, at, number = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
count = 0
def watched(original):
    def rename(self, target):
        global count
        if root in self.parents and ".git" not in self.parts and ".uvdock" not in self.parts:
            count += 1
            if count == at:
                os.kill(os.getpid(), number)
        return original(self, target)
    return rename
Path.replace, Path.rename = watched(Path.replace), watched(Path.rename)
edits = [FileEdit(Path(f"f{n}"), b"old %d" % n, b"new %d" % n) for n in range(3)]
edits += [FileEdit(Path("gone/a"), b"going", None), FileEdit(Path("made/b"), None, b"made")]
apply.apply(root, MigrationPlan(tuple(edits)))
print("done")
"""


def tree(folder: Path) -> dict[str, tuple[int, bytes]]:
    """Every file with its mode and bytes, and every folder, but for what is git's and uvdock's own."""
    return {
        str(path.relative_to(folder)): (
            stat.S_IMODE(path.lstat().st_mode),
            path.read_bytes() if path.is_file() else b"/",
        )
        for path in sorted(folder.rglob("*"))
        if not {".git", ".uvdock"} & set(path.relative_to(folder).parts)
    }


def git(folder: Path, *args: str) -> str:
    options = ["-c", "user.name=a", "-c", "user.email=a@example.com", "-c", "init.defaultBranch=main"]
    done = subprocess.run(
        ["git", *options, *args], cwd=folder, env=clean_environment(), capture_output=True, text=True, check=True
    )
    return done.stdout


def write(folder: Path, files: Mapping[str, bytes]) -> None:
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)


@pytest.fixture(params=["git", "no-git"])
def repo(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    folder = tmp_path / "repo"
    write(folder, {"Dockerfile": b"FROM x\r\nRUN pip", "run": b"#!/bin/sh\npip\n", "req/dev.txt": b"-r base.txt\n"})
    (folder / "run").chmod(0o755)
    if request.param == "git":
        git(folder, "init", "-q")
        git(folder, "add", ".")
        git(folder, "commit", "-qm", "all")
    return folder


PLAN = MigrationPlan(
    (
        FileEdit(Path("Dockerfile"), b"FROM x\r\nRUN pip", b"FROM x\r\nRUN uv"),
        FileEdit(Path("req/dev.txt"), b"-r base.txt\n", None),
        FileEdit(Path("run"), b"#!/bin/sh\npip\n", b"#!/bin/sh\nuv\n"),
        FileEdit(Path("new/deep/uv.lock"), None, b"\x00\xff"),
    )
)


def test_everything_is_written_and_rolled_back_to_the_byte(repo: Path) -> None:
    before = tree(repo)
    backup = applying.apply(repo, PLAN)
    assert backup is not None
    after = tree(repo)
    assert after == {
        "Dockerfile": (before["Dockerfile"][0], b"FROM x\r\nRUN uv"),
        "run": (0o755, b"#!/bin/sh\nuv\n"),
        "new": after["new"],
        "new/deep": after["new/deep"],
        "new/deep/uv.lock": (after["new/deep/uv.lock"][0], b"\x00\xff"),
    }
    assert applying.old_files(backup)[Path("run")] == b"#!/bin/sh\npip\n"

    assert applying.roll_back(repo) == backup
    assert tree(repo) == before
    assert applying.backups(repo) == []
    assert not (repo / ".uvdock").exists()
    assert applying.roll_back(repo) is None


def test_git_does_not_see_the_backup(repo: Path) -> None:
    if not (repo / ".git").exists():
        git(repo, "init", "-q")
        git(repo, "add", ".")
        git(repo, "commit", "-qm", "all")
    applying.apply(repo, PLAN)
    assert sorted(git(repo, "status", "--porcelain", "-uall").split()) == sorted(
        ["M", "Dockerfile", "D", "req/dev.txt", "M", "run", "??", "new/deep/uv.lock"]
    )
    applying.roll_back(repo)
    assert git(repo, "status", "--porcelain") == ""


def test_a_backup_without_git_ignores_itself(tmp_path: Path) -> None:
    write(tmp_path, {"a": b"old"})
    applying.apply(tmp_path, MigrationPlan((FileEdit(Path("a"), b"old", b"new"),)))
    git(tmp_path, "init", "-q")
    assert git(tmp_path, "status", "--porcelain").split() == ["??", "a"]


def test_nothing_to_write_keeps_nothing(repo: Path) -> None:
    same = MigrationPlan((FileEdit(Path("run"), b"#!/bin/sh\npip\n", b"#!/bin/sh\npip\n"),))
    assert applying.apply(repo, MigrationPlan(())) is None
    assert applying.apply(repo, same) is None
    assert applying.backups(repo) == []
    assert not (repo / ".uvdock").exists()


def test_two_applies_are_rolled_back_one_after_the_other(repo: Path) -> None:
    first = tree(repo)
    applying.apply(repo, PLAN)
    second = tree(repo)
    applying.apply(
        repo, MigrationPlan((FileEdit(Path("run"), b"#!/bin/sh\nuv\n", None), FileEdit(Path("x"), None, b"")))
    )
    applying.roll_back(repo)
    assert tree(repo) == second
    applying.roll_back(repo)
    assert tree(repo) == first


def test_a_file_that_changed_since_the_plan_stops_it(repo: Path) -> None:
    (repo / "run").write_bytes(b"mine")
    before = tree(repo)
    with pytest.raises(UvdockError, match="run changed in the meantime"):
        applying.apply(repo, PLAN)
    assert tree(repo) == before
    assert applying.backups(repo) == []


def test_a_new_file_that_is_there_by_now_is_not_overwritten(repo: Path) -> None:
    write(repo, {"new/deep/uv.lock": b"mine"})
    with pytest.raises(UvdockError, match=r"uv.lock changed in the meantime"):
        applying.apply(repo, PLAN)
    assert (repo / "new/deep/uv.lock").read_bytes() == b"mine"


@pytest.mark.parametrize(
    ("name", "content"),
    [("run", b"mine"), ("new/deep/uv.lock", b"mine"), ("req/dev.txt", b"again")],
    ids=["changed", "new", "made-again"],
)
def test_rolling_back_does_not_overwrite_a_persons_work(repo: Path, name: str, content: bytes) -> None:
    before = tree(repo)
    applying.apply(repo, PLAN)
    write(repo, {name: content})
    after = tree(repo)
    with pytest.raises(UvdockError, match=f"changed since the migration: {name}") as caught:
        applying.roll_back(repo)
    assert "--force" in caught.value.fix
    assert tree(repo) == after

    applying.roll_back(repo, force=True)
    assert tree(repo) == before


def test_a_persons_file_in_a_new_folder_stays(repo: Path) -> None:
    applying.apply(repo, PLAN)
    write(repo, {"new/own.txt": b"mine"})
    applying.roll_back(repo)
    assert (repo / "new/own.txt").read_bytes() == b"mine"
    assert not (repo / "new/deep").exists()


def test_a_file_that_was_deleted_since_comes_back(repo: Path) -> None:
    before = tree(repo)
    applying.apply(repo, PLAN)
    (repo / "run").unlink()
    with pytest.raises(UvdockError, match="changed since"):
        applying.roll_back(repo)
    applying.roll_back(repo, force=True)
    assert tree(repo) == before


@pytest.mark.parametrize("blocked", ["Dockerfile/uv.lock", "n" * 300])
def test_a_failure_leaves_every_file_as_it_was(repo: Path, blocked: str) -> None:
    before = tree(repo)
    plan = MigrationPlan((*PLAN.edits[:3], FileEdit(Path(blocked), None, b"x")))
    with pytest.raises(UvdockError):
        applying.apply(repo, plan)
    assert tree(repo) == before
    assert applying.backups(repo) == []


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 128 KiB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=128k", "none", str(folder)], capture_output=True, check=False
    )
    if mounted.returncode != 0:
        pytest.skip("this machine does not let root mount")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


@as_root
@pytest.mark.parametrize("size", [20_000, 60_000, 200_000])
def test_a_full_disk_leaves_every_file_as_it_was(small_disk: Path, size: int) -> None:
    write(small_disk, {"a": b"a" * 30_000, "b": b"b" * 10_000, "gone/c": b"c" * 10_000})
    before = tree(small_disk)
    edits = (
        FileEdit(Path("a"), b"a" * 30_000, b"A" * size),
        FileEdit(Path("b"), b"b" * 10_000, b"B" * size),
        FileEdit(Path("gone/c"), b"c" * 10_000, None),
        FileEdit(Path("new"), None, b"N" * size),
    )
    with pytest.raises(UvdockError, match="No space left"):
        applying.apply(small_disk, MigrationPlan(edits))
    assert tree(small_disk) == before
    assert not (small_disk / ".uvdock").exists()


@as_root
def test_a_folder_that_nobody_may_write_leaves_every_file_as_it_was(tmp_path: Path) -> None:
    repo = tmp_path / "repo"
    write(repo, {"a": b"a", "fixed/b": b"b"})
    subprocess.run(["mount", "--bind", str(repo / "fixed"), str(repo / "fixed")], check=True)
    subprocess.run(["mount", "-o", "remount,ro,bind", str(repo / "fixed")], check=True)
    try:
        before = tree(repo)
        for after in (None, b"new"):
            with pytest.raises(UvdockError, match="Read-only file system"):
                applying.apply(
                    repo, MigrationPlan((FileEdit(Path("a"), b"a", b"A"), FileEdit(Path("fixed/b"), b"b", after)))
                )
            assert tree(repo) == before
            assert applying.backups(repo) == []
    finally:
        subprocess.run(["umount", str(repo / "fixed")], check=True)


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT], ids=["kill", "interrupt"])
@pytest.mark.parametrize("at", range(1, 6))
def test_a_kill_in_the_middle_is_found_and_put_right(tmp_path: Path, at: int, number: signal.Signals) -> None:
    repo = tmp_path / "repo"
    write(repo, {"gone/a": b"going", **{f"f{n}": b"old %d" % n for n in range(3)}})
    before = tree(repo)
    done = subprocess.run(
        [sys.executable, "-c", KILLED, str(repo), str(at), str(int(number))], capture_output=True, check=False
    )
    assert done.stdout == b""
    if number == signal.SIGINT:
        # It had the time to put everything back itself.
        assert tree(repo) == before
        assert applying.backups(repo) == []
        return
    assert done.returncode == -signal.SIGKILL
    problem = applying.unfinished(repo)
    assert problem is not None
    assert "--rollback" in problem.fix
    with pytest.raises(UvdockError, match="cut off"):
        applying.apply(repo, MigrationPlan((FileEdit(Path("other"), None, b"x"),)))
    applying.roll_back(repo)
    assert tree(repo) == before
    assert applying.unfinished(repo) is None


def test_a_damaged_backup_is_told_and_changes_nothing(repo: Path) -> None:
    backup = applying.apply(repo, PLAN)
    assert backup is not None
    stored = next(kept.before for kept in backup.files if kept.before)
    (backup.folder / stored).write_bytes(b"damaged")
    before = tree(repo)
    with pytest.raises(UvdockError, match="the backup cannot be read"):
        applying.roll_back(repo, force=True)
    (backup.folder / "journal.json").write_bytes(b"{}")
    with pytest.raises(UvdockError, match="the backup cannot be read"):
        applying.roll_back(repo)
    assert tree(repo) == before


def test_what_git_has_not_committed(repo: Path) -> None:
    if not (repo / ".git").exists():
        assert applying.uncommitted(repo) == []
        return
    assert applying.uncommitted(repo) == []
    write(repo, {"run": b"changed", "other": b"new", ".gitignore": b"ignored\n", "ignored": b"x"})
    git(repo, "rm", "-q", "Dockerfile")
    assert applying.uncommitted(repo) == ["D  Dockerfile", " M run", "?? .gitignore", "?? other"]
    # Only what is in the folder that is migrated counts.
    assert applying.uncommitted(repo / "req") == []


def test_a_repo_of_git_that_git_cannot_read_is_not_taken_for_clean(tmp_path: Path) -> None:
    (tmp_path / ".git").write_text("gitdir: /nowhere\n")
    with pytest.raises(UvdockError, match="git cannot tell"):
        applying.uncommitted(tmp_path)


_NAMES = st.lists(st.sampled_from(["a", "b", "c c", "é", "-d"]), min_size=1, max_size=3).map("/".join)
_CONTENT = st.one_of(st.none(), st.binary(max_size=20))


@given(
    wanted=st.dictionaries(_NAMES, st.tuples(_CONTENT, _CONTENT, st.sampled_from([0o644, 0o600, 0o755])), max_size=6)
)
@settings(suppress_health_check=[HealthCheck.too_slow])
def test_apply_then_rollback_is_the_same_to_the_byte(
    wanted: dict[str, tuple[bytes | None, bytes | None, int]],
) -> None:
    # A name is a file or a folder, not both.
    files = {n: w for n, w in wanted.items() if not any(m != n and m.startswith(f"{n}/") for m in wanted)}
    with tempfile.TemporaryDirectory() as temp:
        root = Path(temp)
        for name, (content, _, mode) in files.items():
            if content is not None:
                write(root, {name: content})
                (root / name).chmod(mode)
        before = tree(root)
        plan = MigrationPlan(tuple(FileEdit(Path(name), old, new) for name, (old, new, _) in sorted(files.items())))
        backup = applying.apply(root, plan)
        for name, (_, new, mode) in files.items():
            assert ((root / name).read_bytes() if (root / name).exists() else None) == new
            if files[name][0] is not None and new is not None:
                assert stat.S_IMODE((root / name).stat().st_mode) == mode
        if backup is not None:
            applying.roll_back(root)
        assert tree(root) == before
        assert not (root / ".uvdock").exists()
