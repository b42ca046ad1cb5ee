"""What a lock says and what changed between two, over locks as uv writes them."""

from __future__ import annotations

import textwrap
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from uvdock.deps import lockfile
from uvdock.deps.lockfile import Direct, LockDiff
from uvdock.errors import UvdockError

WHERE = Path("repo", "uv.lock")
LOCK = """
version = 1
revision = 3
requires-python = ">=3.11"

[[package]]
name = "app"
version = "0.1.0"
source = { virtual = "." }
dependencies = [
    { name = "flask" },
    { name = "numpy", version = "1.26.4", source = { registry = "https://index.example/simple" }, marker = "x" },
    { name = "numpy", version = "2.1.0", source = { registry = "https://index.example/simple" }, marker = "y" },
    { name = "lib" },
]

[package.optional-dependencies]
docs = [{ name = "sphinx" }]

[package.dev-dependencies]
dev = [{ name = "pytest" }, { name = "flask" }]
lint = [{ name = "ruff" }]

[[package]]
name = "lib"
version = "1.0.0"
source = { editable = "../lib" }
dependencies = [{ name = "click" }]

[[package]]
name = "numpy"
version = "1.26.4"
source = { registry = "https://index.example/simple" }

[[package]]
name = "numpy"
version = "2.1.0"
source = { registry = "https://index.example/simple" }

[[package]]
name = "built"
source = { editable = "built" }
"""
WORKSPACE = """
version = 1

[manifest]
members = ["api", "worker"]

[manifest.dependency-groups]
dev = [{ name = "ruff" }]

[[package]]
name = "api"
version = "0.1.0"
source = { editable = "apps/api" }
dependencies = [{ name = "flask" }, { name = "worker" }]

[[package]]
name = "worker"
version = "0.1.0"
source = { virtual = "apps/worker" }
dependencies = [{ name = "celery" }, { name = "flask" }]

[[package]]
name = "near"
version = "0.1.0"
source = { editable = "../near" }
dependencies = [{ name = "idna" }]
"""


def parse(text: str) -> dict[str, Any]:
    return lockfile.parse(textwrap.dedent(text).encode(), WHERE)


def lock(**packages: str) -> dict[str, Any]:
    return {"version": 1, "package": [{"name": name, "version": version} for name, version in packages.items()]}


@pytest.mark.parametrize(
    ("content", "what"),
    [
        pytest.param(b"", "uv.lock is empty", id="empty"),
        pytest.param(b" \n", "uv.lock is empty", id="blank"),
        pytest.param(b"[project]\n", "it has no version", id="other-toml"),
        pytest.param(b"version = 1\n<<<<<<< HEAD\n=======\n>>>>>>> b\n", "uv.lock is in conflict", id="merge-conflict"),
        pytest.param(b'version = 1\n[[package]]\nname = "fla', "uv.lock is damaged", id="cut-off"),
        pytest.param(b"version = 1\n# \xff\n", "uv.lock is damaged", id="no-utf-8"),
        pytest.param(b"version = 99\n", "99", id="schema-of-a-newer-uv"),
    ],
)
def test_what_is_no_lock_is_an_error(content: bytes, what: str) -> None:
    with pytest.raises(UvdockError) as caught:
        lockfile.parse(content, WHERE)
    assert what in caught.value.what
    assert caught.value.where == str(WHERE)
    assert "git" in caught.value.fix


def test_versions_with_forks_and_packages_without_one() -> None:
    assert lockfile.versions(parse(LOCK)) == {
        "app": "0.1.0",
        "lib": "1.0.0",
        "numpy": "1.26.4, 2.1.0",
        "built": "editable",
    }


def test_versions_of_a_lock_without_packages() -> None:
    assert lockfile.versions(parse("version = 1")) == {}


@pytest.mark.parametrize(
    ("before", "after", "lines", "summary"),
    [
        pytest.param(lock(a="1"), lock(a="1"), [], "", id="same"),
        pytest.param(lock(), lock(a="1", b="2"), ["+ a 1", "+ b 2"], "2 added", id="added"),
        pytest.param(lock(a="1"), lock(), ["- a 1"], "1 removed", id="removed"),
        pytest.param(lock(a="1"), lock(a="2"), ["~ a 1 → 2"], "1 changed", id="changed"),
        pytest.param(
            lock(a="1", b="1", c="1"),
            lock(b="2", c="1", d="1"),
            ["+ d 1", "- a 1", "~ b 1 → 2"],
            "1 added, 1 removed, 1 changed",
            id="all",
        ),
        pytest.param({}, lock(a="1"), ["+ a 1"], "1 added", id="no-lock-before"),
        pytest.param(lock(numpy="2.1.0"), parse(LOCK), None, "2 added, 1 changed", id="fork-and-the-project-itself"),
    ],
)
def test_diff(before: dict[str, Any], after: dict[str, Any], lines: list[str] | None, summary: str) -> None:
    found = lockfile.diff(before, after)
    assert found.summary() == summary
    assert bool(found) is bool(summary)
    if lines is not None:
        assert found.lines() == lines


def test_a_fork_shows_both_versions() -> None:
    assert lockfile.diff(lock(numpy="2.1.0"), parse(LOCK)).changed == {"numpy": ("2.1.0", "1.26.4, 2.1.0")}


@given(*[st.dictionaries(st.sampled_from("abcdef"), st.sampled_from("123"))] * 2)
def test_a_diff_leads_from_one_lock_to_the_other(before: dict[str, str], after: dict[str, str]) -> None:
    found = lockfile.diff(lock(**before), lock(**after))
    replayed = {name: version for name, version in before.items() if name not in found.removed}
    replayed.update(found.added)
    replayed.update({name: new for name, (_, new) in found.changed.items()})
    assert replayed == after
    back = lockfile.diff(lock(**after), lock(**before))
    assert back == LockDiff(
        found.removed, found.added, {name: (new, old) for name, (old, new) in found.changed.items()}
    )


def test_direct_dependencies_of_one_project() -> None:
    assert lockfile.direct(parse(LOCK)) == [
        Direct("flask"),
        Direct("numpy"),
        Direct("lib"),
        Direct("sphinx", "extra: docs"),
        Direct("pytest", "dev"),
        Direct("flask", "dev"),
        Direct("ruff", "lint"),
    ]


def test_direct_dependencies_of_a_workspace() -> None:
    assert lockfile.direct(parse(WORKSPACE)) == [
        Direct("ruff", "dev"),
        Direct("flask"),
        Direct("worker"),
        Direct("celery"),
    ]
