"""Asking uv for releases: what it is asked, what it answers, and who has no answer."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, timezone
from math import ceil, log2
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from packaging.requirements import Requirement
from packaging.version import Version

from uvdock.deps.releases import FOLDER, Question, Release, ask, parse_pylock, parse_requirements, stamp
from uvdock.errors import UvdockError
from uvdock.process import Output

REFUSED = "  × No solution found when resolving dependencies:\n  ╰─▶ Because {name} was not found, it is not there.\n"
PYLOCK = """
lock-version = "1.0"

[[packages]]
name = "numpy"
version = "2.4.6"
marker = "python_full_version < '3.12'"
sdist = { url = "https://index.example/numpy-2.4.6.tar.gz", upload-time = 2026-01-03T00:00:00Z, hashes = {} }
wheels = [
    { url = "https://index.example/a.whl", upload-time = 2026-01-02T00:00:00Z, hashes = {} },
    { url = "https://index.example/b.whl", upload-time = 2026-01-09T00:00:00Z, hashes = {} },
]

[[packages]]
name = "numpy"
version = "2.10.0"
marker = "python_full_version >= '3.12'"
wheels = [{ url = "https://index.example/c.whl", hashes = {} }]

[[packages]]
name = "Zope.Interface"
version = "6.0"

[[packages]]
name = "local"
directory = { path = "." }
"""


@dataclass
class Uv:
    """Answers for known packages, refuses a set with an unknown one, and notes every call; nothing else is run."""

    known: Mapping[str, str]
    old: bool = False
    code: int = 1
    calls: list[list[str]] = field(default_factory=list)

    def __call__(self, args: list[str], files: dict[Path, bytes]) -> Output:
        assert args[:4] == ["--directory", str(FOLDER), "pip", "compile"], args
        assert list(files) == [FOLDER / "pyproject.toml"]
        if self.old and "--format" in args:
            return Output(2, b"", b"error: unexpected argument '--format' found\n")
        data = tomllib.loads(files[FOLDER / "pyproject.toml"].decode())
        names = [Requirement(text).name for text in data["project"]["dependencies"]]
        self.calls.append(names)
        if lost := [name for name in names if name not in self.known]:
            return Output(self.code, b"", REFUSED.format(name=lost[0]).encode())
        if self.old:
            text = "".join(f"{name}=={self.known[name]}\n" for name in names)
        else:
            text = "".join(f'[[packages]]\nname = "{name}"\nversion = "{self.known[name]}"\n' for name in names)
        return Output(0, text.encode(), b"")


def question(*names: str, **more: Any) -> Question:
    return Question(dict.fromkeys(names, ""), {}, Path("/app"), **more)


def manifest(config: dict[str, Any], *names: str, folder: str = "/app") -> dict[str, Any]:
    asked = Question(dict.fromkeys(names, ">=1"), config, Path(folder))
    return tomllib.loads(asked.manifest(names).decode())


def test_the_arguments() -> None:
    plain = question("flask").args()
    assert {"--no-deps", "--universal", "--no-python-downloads", "--quiet"} <= set(plain)
    assert plain[-2:] == ["--format", "pylock.toml"]
    assert not {"--python-version", "--exclude-newer", "--prerelease"} & set(plain)
    moment = datetime(2026, 1, 31, 12, 0, 0, 999, tzinfo=timezone(timedelta(hours=2)))
    full = question("flask", python="3.11", before=moment, prereleases=True).args(pylock=False)
    assert "--format" not in full
    for option, value in (
        ("--python-version", "3.11"),
        ("--exclude-newer", "2026-01-31T10:00:00Z"),
        ("--prerelease", "allow"),
    ):
        assert full[full.index(option) + 1] == value


@given(st.datetimes(timezones=st.just(UTC)))
def test_a_stamp_is_the_moment_to_the_second(moment: datetime) -> None:
    assert datetime.fromisoformat(stamp(moment)) == moment.replace(microsecond=0)


def test_the_manifest_has_the_packages_and_where_they_come_from() -> None:
    config: dict[str, Any] = {
        "project": {"name": "app", "dependencies": ["other"], "requires-python": ">=3.9"},
        "tool": {
            "uv": {
                "index": [{"name": "private", "url": "https://index.example/simple", "explicit": True}],
                "sources": {
                    "Flask": {"index": "private"},
                    "idna": {"git": "https://host.example/idna"},
                    "six": [{"index": "private", "marker": "os_name == 'nt'"}, {"index": "other"}],
                    "mixed": [{"index": "private"}, {"path": "x"}],
                    "unasked": {"index": "private"},
                },
                "constraint-dependencies": ["flask<2"],
                "override-dependencies": ["flask==1"],
                "environments": ["os_name == 'nt'"],
                "exclude-newer": "2020-01-01",
                "index-strategy": "unsafe-best-match",
            },
            "ruff": {"line-length": 1},
        },
    }
    found = manifest(config, "flask", "idna", "six", "mixed")
    assert found["project"]["dependencies"] == ["flask>=1", "idna>=1", "six>=1", "mixed>=1"]
    assert set(found["project"]) == {"name", "version", "dependencies"}
    assert found["tool"] == {
        "uv": {
            "index": config["tool"]["uv"]["index"],
            "index-strategy": "unsafe-best-match",
            "sources": {
                "flask": {"index": "private"},
                "six": [{"index": "private", "marker": "os_name == 'nt'"}, {"index": "other"}],
            },
        }
    }


def test_relative_places_start_where_the_manifest_is(tmp_path: Path) -> None:
    uv = {
        "find-links": ["wheels", "/opt/wheels", "https://index.example/links"],
        "index": [
            {"name": "a", "url": "./index", "format": "flat"},
            {"name": "b", "url": "file:///opt/index"},
            {"name": "c", "url": "https://index.example/simple"},
        ],
    }
    found = manifest({"tool": {"uv": uv}}, "x", folder=str(tmp_path))["tool"]["uv"]
    assert found["find-links"] == [str(tmp_path / "wheels"), "/opt/wheels", "https://index.example/links"]
    assert [item["url"] for item in found["index"]] == [
        str(tmp_path / "index"),
        "file:///opt/index",
        "https://index.example/simple",
    ]


def test_a_pylock_with_forks() -> None:
    found = parse_pylock(PYLOCK, "3.11")
    first = datetime(2026, 1, 2, tzinfo=UTC)
    assert found["numpy"] == (
        Release(Version("2.4.6"), first, everywhere=True),
        Release(Version("2.10.0"), None, everywhere=False),
    )
    assert found["zope-interface"] == (Release(Version("6.0")),)
    assert "local" not in found
    assert all(
        release.everywhere == (release.version == Version("2.10.0"))
        for release in parse_pylock(PYLOCK, "3.12")["numpy"]
    )


def test_requirement_lines_with_forks() -> None:
    text = (
        "numpy==2.10.0 ; python_full_version >= '3.12'\nnumpy==2.4.6 ; python_full_version < '3.12'\n"
        "Zope.Interface==6.0\n    # via x\n-e .\nno-pin>=3\n"
    )
    found = parse_requirements(text, "3.11")
    assert [(str(item.version), item.everywhere) for item in found["numpy"]] == [("2.4.6", True), ("2.10.0", False)]
    assert set(found) == {"numpy", "zope-interface"}


@pytest.mark.parametrize(
    ("python", "marker", "everywhere"),
    [
        ("3.11", "python_full_version >= '3.11'", True),
        ("3.11.5", "python_full_version >= '3.11.6'", False),
        ("3.9", "python_version < '3.10'", True),
        ("", "python_full_version < '3.12'", True),
        ("3.11", "", True),
        ("3.11", "what", True),
        ("3.11", "sys_platform == 'no-such'", False),
    ],
)
def test_what_the_lowest_python_can_have(python: str, marker: str, everywhere: bool) -> None:
    text = f"""[[packages]]\nname = "x"\nversion = "1"\nmarker = "{marker}"\n"""
    assert parse_pylock(text, python)["x"][0].everywhere is everywhere


def test_the_answers() -> None:
    uv = Uv({"flask": "3.1.3", "idna": "3.20"})
    found = ask(question("idna", "flask"), uv)
    assert uv.calls == [["flask", "idna"]]
    assert (str(found.newest("flask").version), found.newest("six")) == ("3.1.3", None)  # type: ignore[union-attr]
    assert found.newest_everywhere("six") is None
    assert found.problems == {}


def test_nothing_is_asked_about_nothing() -> None:
    uv = Uv({})
    assert ask(question(), uv).releases == {}
    assert uv.calls == []


def test_a_uv_without_pylock() -> None:
    uv = Uv({"flask": "3.1.3"}, old=True)
    found = ask(question("flask", "lost"), uv)
    assert {name: str(items[-1].version) for name, items in found.releases.items()} == {"flask": "3.1.3"}
    assert set(found.problems) == {"lost"}


@given(st.sets(st.integers(0, 60)), st.sets(st.integers(0, 60)))
def test_only_those_without_an_answer_are_found_by_halving(there: set[int], lost: set[int]) -> None:
    known, missing = {f"p{number}": "1.0" for number in there - lost}, {f"q{number}" for number in lost}
    uv = Uv(known)
    found = ask(question(*known, *missing), uv)
    assert set(found.releases) == set(known)
    assert set(found.problems) == missing
    assert all(name in words for name, words in found.problems.items())
    total = len(known) + len(missing)
    if total:
        assert len(uv.calls) <= 1 + 2 * len(missing) * (ceil(log2(total)) if total > 1 else 0)


@pytest.mark.parametrize("code", [2, 101, 130])
def test_what_is_no_answer_is_an_error(code: int) -> None:
    uv = Uv({}, code=code)
    with pytest.raises(UvdockError, match="uv could not ask for releases") as raised:
        ask(question("a", "b"), uv)
    assert (raised.value.code, len(uv.calls)) == (code, 1)
    assert "was not found" in raised.value.what
