"""Every path to a package: hand-made locks, and any graph against a slow and simple search."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from packaging.requirements import Requirement

from uvdock.deps import why

INDEX = {"registry": "https://index.example/simple"}


def _entry(name: str, *needs: str, version: str = "1.0", extras: dict[str, Any] | None = None) -> dict[str, Any]:
    edges = [{"name": need} for need in needs]
    optional = {"optional-dependencies": extras} if extras else {}
    return {"name": name, "version": version, "source": INDEX, "dependencies": edges, **optional}


APP = {"name": "app", "version": "0.1", "source": {"virtual": "."}}
LOCK: dict[str, Any] = {
    "version": 1,
    "package": [
        {
            **APP,
            "dependencies": [{"name": "web"}, {"name": "queue", "extra": ["redis"]}],
            "optional-dependencies": {"docs": [{"name": "click"}]},
            "dev-dependencies": {"dev": [{"name": "web"}]},
        },
        _entry("web", "click"),
        _entry("click", "colour"),
        _entry("colour"),
        _entry("queue", "broker", extras={"redis": [{"name": "broker", "extra": ["redis"]}]}),
        _entry("broker", extras={"redis": [{"name": "store"}], "sqs": [{"name": "click"}]}),
        _entry("store"),
    ],
}


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        pytest.param("web", ["app → web (1.0)", "app (dev) → web (1.0)"], id="direct"),
        pytest.param(
            "click",
            ["app (extra: docs) → click (1.0)", "app → web (1.0) → click (1.0)", "app (dev) → web (1.0) → click (1.0)"],
            id="through-another-and-not-by-an-extra-nobody-asks-for",
        ),
        pytest.param("store", ["app → queue[redis] (1.0) → broker[redis] (1.0) → store (1.0)"], id="by-extras"),
        pytest.param("app", [], id="the-project-itself"),
    ],
)
def test_paths(name: str, expected: list[str]) -> None:
    found, more = why.paths(LOCK, name, 100)

    assert sorted(map(why.line, found)) == sorted(expected)
    assert [len(path) for path in found] == sorted(len(path) for path in found)
    assert not more


def test_more_paths_than_are_wanted() -> None:
    found, more = why.paths(LOCK, "click", 2)

    assert (len(found), more) == (2, True)


def test_bounds_of_each_step() -> None:
    (path,), _ = why.paths(LOCK, "store", 100)
    asked = {
        ("app", "0.1"): [Requirement("queue[redis]>=1,<2"), Requirement("web==9")],
        ("queue", "1.0"): [Requirement("broker>=3"), Requirement("broker[redis]>=4; extra == 'redis'")],
    }

    assert why.line(why.bounded(path, asked)) == (
        "app → queue[redis]<2,>=1 (1.0) → broker[redis]>=3 or >=4 (1.0) → store? (1.0)"
    )


def test_a_bound_of_an_extra_that_is_not_asked_for_does_not_count() -> None:
    path = (why.Hop("queue", "1.0"), why.Hop("broker", "1.0"))
    asked = {("queue", "1.0"): [Requirement("broker>=3"), Requirement("broker>=4; extra == 'redis'")]}

    assert why.bounded(path, asked)[1].bound == ">=3"


def test_only_the_packages_before_the_last_are_asked() -> None:
    found, _ = why.paths(LOCK, "click", 100)

    assert [item["name"] for item in why.asking(LOCK, found)] == ["app", "web"]


def test_several_versions_of_one_package() -> None:
    edges = [{"name": "np", "version": "1.0"}, {"name": "np", "version": "2.0"}]
    lock = {
        "version": 1,
        "package": [{**APP, "dependencies": edges}, _entry("np"), _entry("np", "blas", version="2.0"), _entry("blas")],
    }

    assert [why.line(path) for path in why.paths(lock, "np", 9)[0]] == ["app → np (1.0)", "app → np (2.0)"]
    assert [why.line(path) for path in why.paths(lock, "blas", 9)[0]] == ["app → np (2.0) → blas (1.0)"]


def test_for_a_program() -> None:
    found, more = why.paths(LOCK, "web", 1)

    told = json.loads(why.to_json("web", ["1.0"], found, more=more))

    hops = [
        {"name": "app", "version": "0.1", "extras": [], "bound": "", "group": ""},
        {"name": "web", "version": "1.0", "extras": [], "bound": "", "group": ""},
    ]
    assert told == {"schema": 1, "package": "web", "versions": ["1.0"], "paths": [hops], "more": True}


NAMES = "abcdef"
GRAPHS = st.dictionaries(st.sampled_from(NAMES), st.sets(st.sampled_from(NAMES)), min_size=1)


@given(GRAPHS, st.sets(st.sampled_from(NAMES), min_size=1), st.sampled_from(NAMES))
def test_any_graph_as_a_simple_search_finds_it(graph: dict[str, set[str]], direct: set[str], name: str) -> None:
    lock = {
        "version": 1,
        "package": [
            {**APP, "dependencies": [{"name": item} for item in sorted(direct)]},
            *(_entry(item, *sorted(graph.get(item, set()))) for item in NAMES),
        ],
    }

    def simple(path: tuple[str, ...]) -> set[tuple[str, ...]]:
        if path[-1] == name:
            return {path}
        after = graph.get(path[-1], set()) - set(path)
        return {found for item in after for found in simple((*path, item))}

    found, _ = why.paths(lock, name, 10_000)
    assert {tuple(hop.name for hop in path[1:]) for path in found} == {
        path for item in direct for path in simple((item,))
    }
    assert len(found) == len(set(found))
