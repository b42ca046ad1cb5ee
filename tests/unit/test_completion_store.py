"""The cache of what there is to complete holds as long as what it was made from is as it was, and not longer."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from uvdock.cli.completion import store
from uvdock.cli.completion.store import Store
from uvdock.env import cache_folder


@pytest.fixture
def repo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repo that the person is in, with a cache folder of its own."""
    folder = tmp_path / "app"
    (folder / ".git").mkdir(parents=True)
    (folder / "one.txt").write_text("1")
    (folder / "sub").mkdir()
    # A file system's clock ticks slowly: what changes in a test must have been made long before.
    for path in (folder / "sub", folder / ".git", folder / "one.txt", folder):
        os.utime(path, (1_000_000_000, 1_000_000_000))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.chdir(folder)
    return folder


class Asked:
    """An answer that is made from a file and a folder, and counts how often it was made."""

    def __init__(self, repo: Path) -> None:
        self.repo = repo
        self.times = 0

    def __call__(self) -> list[str]:
        self.times += 1
        return [(self.repo / "one.txt").read_text(), *sorted(path.name for path in (self.repo / "sub").iterdir())]


def test_an_answer_is_made_once(repo: Path) -> None:
    asked = Asked(repo)
    assert [Store("uvdock").get("tasks", asked) for _ in range(3)] == [["1"]] * 3
    assert asked.times == 1


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(lambda repo: (repo / "one.txt").write_text("other"), id="a-file-that-was-read"),
        pytest.param(lambda repo: (repo / "sub/new").touch(), id="a-folder-that-was-listed"),
        pytest.param(lambda repo: (repo / "compose.yaml").touch(), id="a-compose-file-appears"),
        pytest.param(lambda repo: (repo / "tasks.py").touch(), id="a-tasks-file-appears"),
        pytest.param(lambda repo: (repo / ".env").touch(), id="anything-beside-it-appears"),
        pytest.param(lambda repo: (repo / ".git").rmdir(), id="no-repo-any-more"),
    ],
)
def test_a_change_makes_a_new_one(repo: Path, change: Callable[[Path], object]) -> None:
    asked = Asked(repo)
    Store("uvdock").get("tasks", asked)
    change(repo)
    answer = Store("uvdock").get("tasks", asked)
    assert asked.times == 2
    assert answer == asked()


def test_what_git_does_in_its_own_folder_changes_nothing(repo: Path) -> None:
    asked = Asked(repo)
    Store("uvdock").get("tasks", asked)
    (repo / ".git/index").touch()
    Store("uvdock").get("tasks", asked)
    assert asked.times == 1


def test_the_program_the_kind_the_folder_and_the_variables_are_apart(
    repo: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = Asked(repo)
    Store("uvdock").get("tasks", asked)
    Store("inv").get("tasks", asked)
    Store("uvdock").get("services", asked)
    monkeypatch.setenv("COMPOSE_FILE", "other.yaml")
    Store("uvdock").get("tasks", asked)
    monkeypatch.delenv("COMPOSE_FILE")
    monkeypatch.chdir(repo / "sub")
    Store("uvdock").get("tasks", asked)
    assert asked.times == 5


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b"{", id="cut-off"),
        pytest.param(b"\xff\x00", id="no-text"),
        pytest.param(b"[]", id="a-list"),
        pytest.param(b'{"key": 1, "seen": []}', id="another-shape"),
    ],
)
def test_a_broken_file_is_replaced(repo: Path, content: bytes) -> None:
    asked = Asked(repo)
    path = Path(Store("uvdock").path("tasks"))
    path.parent.mkdir(parents=True)
    path.write_bytes(content)
    assert Store("uvdock").get("tasks", asked) == ["1"]
    assert json.loads(path.read_text())["answer"] == ["1"]


def test_a_cache_that_cannot_be_written_is_none(repo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    asked = Asked(repo)
    assert Store("uvdock").get("tasks", asked) == Store("uvdock").get("tasks", asked) == ["1"]
    assert asked.times == 2


def test_no_answer_is_not_kept(repo: Path) -> None:
    assert Store("uvdock").get("services", lambda: None) == []
    assert not Path(Store("uvdock").path("services")).exists()


def test_an_error_is_not_kept(repo: Path) -> None:
    def fails() -> None:
        raise OSError("no")

    with pytest.raises(OSError, match="no"):
        Store("uvdock").get("tasks", fails)
    assert not Path(Store("uvdock").path("tasks")).exists()


def test_the_cache_does_not_grow_for_ever(repo: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store, "KEPT", 3)
    for number in range(6):
        monkeypatch.setenv("UVDOCK_SERVICE", str(number))
        Store("uvdock").get("tasks", Asked(repo))
    left = list(Path(cache_folder()).iterdir())
    assert len(left) == 3
    assert Path(Store("uvdock").path("tasks")) in left


def test_the_folder_follows_the_xdg_specification(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/ada")
    for value, expected in (("/x", "/x/uvdock"), ("", "/home/ada/.cache/uvdock"), ("x", "/home/ada/.cache/uvdock")):
        monkeypatch.setenv("XDG_CACHE_HOME", value)
        assert cache_folder() == expected
