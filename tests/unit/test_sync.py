"""Manifests on the host change together, whole, with owner, mode and links as they were, or not at all."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.conftest import hashes
from uvdock.deps.sync import Snapshot, hold, replace_all
from uvdock.errors import UvdockError

as_root = pytest.mark.skipif(os.getuid() != 0, reason="only root gives files to others and mounts")

#: Enters the hold again and again; fails when another process is inside at the same time.
ENTERS = """
import os, sys
from pathlib import Path
from uvdock.deps.sync import hold
folder, rounds = Path(sys.argv[1]), int(sys.argv[2])
print("ready", flush=True)
sys.stdin.readline()
for _ in range(rounds):
    with hold(folder):
        inside = os.open(folder / "inside", os.O_CREAT | os.O_EXCL)
        os.sched_yield()
        os.close(inside)
        (folder / "inside").unlink()
"""
STAYS = """
import sys
from pathlib import Path
from uvdock.deps.sync import hold
with hold(Path(sys.argv[1])):
    print("inside", flush=True)
    sys.stdin.readline()
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "pyproject.toml").write_bytes(b"[project]\n")
    (tmp_path / "uv.lock").write_bytes(b"old\r\n")
    return tmp_path


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 64 KiB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=64k", "none", str(folder)], capture_output=True, check=False
    )
    if mounted.returncode != 0:
        pytest.skip("this machine does not let root mount")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def start(script: str, *args: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen([sys.executable, "-c", script, *args], stdin=subprocess.PIPE, stdout=subprocess.PIPE)


def line_of(process: subprocess.Popen[bytes]) -> bytes:
    assert process.stdout is not None
    return process.stdout.readline().strip()


def test_several_files_are_replaced_and_nothing_else_is_left(project: Path) -> None:
    replace_all({project / "pyproject.toml": b"new\n", project / "uv.lock": b"\x00\xff\r\n"})
    assert (project / "pyproject.toml").read_bytes() == b"new\n"
    assert (project / "uv.lock").read_bytes() == b"\x00\xff\r\n"
    assert len(hashes(project)) == 2


def test_nothing_to_replace(project: Path) -> None:
    before = hashes(project)
    replace_all({})
    assert hashes(project) == before


@pytest.mark.parametrize("order", [1, -1], ids=["failing-one-last", "failing-one-first"])
@pytest.mark.parametrize(
    "failing",
    [
        pytest.param("missing/uv.lock", id="folder-that-is-missing"),
        pytest.param("taken", id="folder-in-its-place"),
        pytest.param("uv.lock/below", id="below-a-file"),
        pytest.param("n" * 300, id="name-too-long"),
    ],
)
def test_all_or_nothing(project: Path, failing: str, order: int) -> None:
    (project / "taken").mkdir()
    before = hashes(project)
    wanted = [(project / "pyproject.toml", b"new"), (project / "fresh", b"new"), (project / failing, b"new")]
    with pytest.raises(UvdockError) as caught:
        replace_all(dict(wanted[::order]))
    assert caught.value.code == 1
    assert hashes(project) == before


@as_root
def test_a_busy_file_leaves_the_others_as_they_were(project: Path, small_disk: Path) -> None:
    (small_disk / "other").write_bytes(b"mounted")
    before = hashes(project)
    subprocess.run(["mount", "--bind", str(small_disk / "other"), str(project / "uv.lock")], check=True)
    try:
        with pytest.raises(UvdockError, match="could not be written") as caught:
            replace_all({project / "pyproject.toml": b"new", project / "uv.lock": b"new"})
    finally:
        subprocess.run(["umount", str(project / "uv.lock")], check=True)
    assert "every file is as it was" in caught.value.fix
    assert hashes(project) == before


@as_root
def test_a_full_disk_leaves_every_file_as_it_was(small_disk: Path) -> None:
    (small_disk / "pyproject.toml").write_bytes(b"[project]\n")
    (small_disk / "uv.lock").write_bytes(b"old")
    before = hashes(small_disk)
    with pytest.raises(UvdockError, match="No space left") as caught:
        replace_all({small_disk / "pyproject.toml": b"new", small_disk / "uv.lock": b"x" * 200_000})
    assert "free some space" in caught.value.fix
    assert hashes(small_disk) == before


@pytest.mark.parametrize("wanted", [0o600, 0o644, 0o664, 0o755], ids=oct)
def test_an_existing_file_keeps_its_mode(project: Path, wanted: int) -> None:
    lock = project / "uv.lock"
    lock.chmod(wanted)
    replace_all({lock: b"new"})
    assert (mode(lock), lock.read_bytes()) == (wanted, b"new")


@pytest.mark.parametrize(("model", "wanted"), [(0o640, 0o640), (0o755, 0o644)], ids=["as-it-is", "not-executable"])
def test_a_new_file_gets_the_mode_of_the_manifest(project: Path, model: int, wanted: int) -> None:
    (project / "uv.lock").unlink()
    (project / "pyproject.toml").chmod(model)
    replace_all({project / "uv.lock": b"new"})
    assert mode(project / "uv.lock") == wanted


@as_root
def test_an_existing_file_keeps_its_owner(project: Path) -> None:
    os.chown(project / "uv.lock", 1234, 4321)
    replace_all({project / "uv.lock": b"new", project / "pyproject.toml": b"new"})
    found = (project / "uv.lock").stat()
    assert (found.st_uid, found.st_gid) == (1234, 4321)
    assert (project / "pyproject.toml").stat().st_uid == 0


@as_root
def test_a_new_file_gets_the_owner_of_the_manifest(project: Path) -> None:
    (project / "uv.lock").unlink()
    os.chown(project / "pyproject.toml", 1234, 4321)
    replace_all({project / "uv.lock": b"new"})
    found = (project / "uv.lock").stat()
    assert (found.st_uid, found.st_gid) == (1234, 4321)


@as_root
def test_a_new_file_without_a_manifest_gets_the_owner_of_its_folder(tmp_path: Path) -> None:
    folder = tmp_path / "theirs"
    folder.mkdir()
    os.chown(folder, 1234, 4321)
    replace_all({folder / "uv.lock": b"new"})
    assert (folder / "uv.lock").stat().st_uid == 1234


def test_a_linked_lock_stays_a_link(project: Path) -> None:
    target = project / "shared" / "real.lock"
    target.parent.mkdir()
    target.write_bytes(b"old")
    (project / "uv.lock").unlink()
    (project / "uv.lock").symlink_to("shared/real.lock")
    replace_all({project / "uv.lock": b"new"})
    assert (project / "uv.lock").readlink() == Path("shared/real.lock")
    assert target.read_bytes() == b"new"
    assert sorted(path.name for path in target.parent.iterdir()) == ["real.lock"]


def test_a_snapshot_knows_what_changed(project: Path) -> None:
    paths = [project / name for name in ("pyproject.toml", "uv.lock", "new", "never")]
    taken = Snapshot.take(paths)
    assert taken.changed() == []
    paths[1].write_bytes(b"other")
    paths[2].write_bytes(b"made")
    assert taken.changed() == [paths[1], paths[2]]


def test_a_snapshot_puts_back_changed_removed_and_made_files(project: Path) -> None:
    before = hashes(project)
    pyproject, lock, made, never = (project / name for name in ("pyproject.toml", "uv.lock", "made", "never"))
    taken = Snapshot.take([pyproject, lock, made, never])
    pyproject.write_bytes(b"changed")
    lock.unlink()
    made.write_bytes(b"made")
    assert taken.restore() == [pyproject, lock, made]
    assert hashes(project) == before
    assert taken.restore() == []


STATES = st.dictionaries(st.sampled_from(["pyproject.toml", "uv.lock", "a", "b"]), st.binary(max_size=8))


@given(STATES, STATES)
def test_restoring_undoes_any_change(before: dict[str, bytes], after: dict[str, bytes]) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for file, content in before.items():
            (folder / file).write_bytes(content)
        taken = Snapshot.take([folder / file for file in {*before, *after}])
        for file in before:
            (folder / file).unlink()
        for file, content in after.items():
            (folder / file).write_bytes(content)
        taken.restore()
        assert {path.name: path.read_bytes() for path in folder.iterdir()} == before


def test_a_snapshot_of_what_cannot_be_read_is_an_error(project: Path) -> None:
    with pytest.raises(UvdockError, match="cannot be read") as caught:
        Snapshot.take([project])
    assert caught.value.where == str(project)


def test_only_one_process_is_inside_at_a_time(tmp_path: Path) -> None:
    processes = [start(ENTERS, str(tmp_path), "15") for _ in range(3)]
    assert [line_of(process) for process in processes] == [b"ready"] * 3
    for process in processes:
        assert process.stdin is not None
        process.stdin.write(b"go\n")
        process.stdin.flush()
    for process in processes:
        process.communicate()
    assert [process.returncode for process in processes] == [0, 0, 0]


def test_another_project_is_not_held_up(tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    with hold(tmp_path):
        process = start(STAYS, str(tmp_path / "other"))
        assert line_of(process) == b"inside"
        process.communicate(b"\n")
    assert process.returncode == 0


def test_a_killed_process_holds_nothing_up(tmp_path: Path) -> None:
    process = start(STAYS, str(tmp_path))
    assert line_of(process) == b"inside"
    process.kill()
    process.communicate()
    with hold(tmp_path):
        assert hashes(tmp_path) == {}
