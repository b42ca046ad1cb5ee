"""What packages ask of each other: from the lock itself, and from metadata that uv got."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement

from uvdock.deps import core_metadata, metadata_cache

MEMBER: dict[str, Any] = {
    "name": "app",
    "version": "0.1.0",
    "source": {"virtual": "."},
    "metadata": {
        "requires-dist": [
            {"name": "flask", "specifier": ">=3"},
            {"name": "idna", "extras": ["all"], "marker": "os_name == 'nt'"},
            {"name": "broken", "specifier": "=>1"},
        ],
        "requires-dev": {"dev": [{"name": "ruff", "specifier": "==0.1"}]},
    },
}


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The file in which requirements are remembered, not there yet."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    return tmp_path / "uvdock" / "metadata.json"


def package(name: str, version: str = "1.0", size: int = 10, **more: Any) -> dict[str, Any]:
    # No address that is https, so no test goes anywhere.
    wheels = [{"url": f"http://index.example/{name}.whl", "size": size}]
    return {"name": name, "version": version, "source": {"registry": "x"}, "wheels": wheels, **more}


class Uv:
    """Gives the metadata of what it knows, and notes what it was asked."""

    def __init__(self, *texts: str) -> None:
        self.texts = texts
        self.asked: list[list[str]] = []

    def __call__(self, pins: list[str]) -> Iterable[str]:
        self.asked.append(pins)
        return self.texts


def test_the_lock_tells_of_the_workspaces_members() -> None:
    uv = Uv()
    found = core_metadata.requirements([MEMBER], uv)
    assert found == {
        ("app", "0.1.0"): (
            Requirement("flask>=3"),
            Requirement("idna[all]; os_name == 'nt'"),
            Requirement("ruff==0.1"),
        )
    }
    assert uv.asked == []


def test_uv_tells_of_the_others_all_at_once() -> None:
    uv = Uv(
        "Metadata-Version: 2.1\nName: Zope.Interface\nVersion: 6.0\nRequires-Dist: setuptools<80\n"
        "Requires-Dist: not a requirement\nRequires-Dist: idna; extra == 'x'\n\nA text: not a header\n",
        "Metadata-Version: 2.1\nName: flask\nVersion: 1.0\n",
    )
    found = core_metadata.requirements([package("zope-interface", "6.0"), package("flask"), package("lost")], uv)
    assert uv.asked == [["zope-interface==6.0", "flask==1.0", "lost==1.0"]]
    assert found == {
        ("zope-interface", "6.0"): (Requirement("setuptools<80"), Requirement("idna; extra == 'x'")),
        ("flask", "1.0"): (),
    }


def test_what_is_large_or_no_wheel_is_not_fetched_only_to_be_read() -> None:
    uv = Uv()
    assert core_metadata.requirements([package("torch", size=10**9), package("old") | {"wheels": []}], uv) == {}
    assert uv.asked == []


def test_nothing_to_ask() -> None:
    uv = Uv()
    assert (core_metadata.requirements([], uv), uv.asked) == ({}, [])


def test_the_requirements_on_one_package() -> None:
    asked = [Requirement("Zope.Interface>=5"), Requirement("idna"), Requirement("zope-interface<7; os_name=='nt'")]
    assert core_metadata.on("zope-interface", asked) == [asked[0], asked[2]]


HASHED = package("flask", wheels=[{"url": "http://index.example/flask.whl", "size": 10, "hash": "sha256:aa"}])
FLASK = "Name: flask\nVersion: 1.0\nRequires-Dist: click>=8\nRequires-Dist: colour; extra == 'x'\n"
ASKED = {("flask", "1.0"): (Requirement("click>=8"), Requirement("colour; extra == 'x'"))}


def test_a_release_is_asked_for_once() -> None:
    uv = Uv(FLASK)
    assert core_metadata.requirements([HASHED], uv) == ASKED
    assert core_metadata.requirements([HASHED], uv) == ASKED
    assert uv.asked == [["flask==1.0"]]


@pytest.mark.parametrize("content", ["", "[]", '{"sha256:aa": 5}', '{"sha256:aa": [5]}', "\x00"])
def test_a_damaged_cache_is_none(cache: Path, content: str) -> None:
    cache.parent.mkdir()
    cache.write_text(content)
    assert core_metadata.requirements([HASHED], Uv(FLASK)) == ASKED
    assert metadata_cache.read() == {"sha256:aa": ["click>=8", 'colour; extra == "x"']}


def test_a_cache_that_cannot_be_written_is_none(cache: Path) -> None:
    cache.parent.write_text("a file where the folder would be")
    uv = Uv(FLASK)
    assert core_metadata.requirements([HASHED], uv) == core_metadata.requirements([HASHED], uv) == ASKED
    assert len(uv.asked) == 2


def test_only_so_many_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(metadata_cache, "KEPT", 2)
    for key in "abc":
        metadata_cache.add({key: []})
    assert list(metadata_cache.read()) == ["b", "c"]
