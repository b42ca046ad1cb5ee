"""What is raised to what, the largest set that works, and who breaks a test: without any uv."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from packaging.version import Version

from uvdock.deps.releases import Answers, Release
from uvdock.deps.survey import Manifest
from uvdock.deps.upgrade import Bump, Left, Selection, asked, contents, culprits, largest, plan, reached

ROOT = Path("/app/pyproject.toml")
LIB = Path("/app/lib/pyproject.toml")


def manifest(path: Path = ROOT, name: str = "app", **tables: Any) -> Manifest:
    project = {"name": name, "dependencies": tables.pop("dependencies", [])}
    if "dynamic" in tables:
        project["dynamic"] = tables.pop("dynamic")
    if "extras" in tables:
        project["optional-dependencies"] = tables.pop("extras")
    groups, uv = tables.pop("groups", {}), tables.pop("uv", {})
    assert not tables
    return Manifest(path, name, {"project": project, "dependency-groups": groups, "tool": {"uv": uv}})


def lock(**versions: str | list[str]) -> dict[str, Any]:
    packages = [
        {"name": name.replace("_", "-"), "version": version, "source": {"registry": "https://index.example/simple"}}
        for name, found in versions.items()
        for version in ([found] if isinstance(found, str) else found)
    ]
    return {"version": 1, "package": [*packages, {"name": "mine", "source": {"git": "https://host.example/mine"}}]}


def answers(problems: dict[str, str] | None = None, **versions: str | list[str]) -> Answers:
    """The newest releases; of several, only the first is for the lowest Python."""
    found = {
        name: tuple(
            Release(Version(text), everywhere=at == 0)
            for at, text in enumerate([texts] if isinstance(texts, str) else texts)
        )
        for name, texts in versions.items()
    }
    return Answers(found, problems or {})


FULL = manifest(
    dependencies=["flask>=2,<3", "idna==2.8", "mine", "-e .", "six"],
    extras={"docs": ["flask[async]>=2.1"]},
    groups={"dev": ["ruff==0.1.0", {"include-group": "test"}], "test": ["pytest!=8.1,>=7"]},
    uv={"constraint-dependencies": ["sniffio<2", "unused<1"]},
)
LOCK = lock(flask="2.2.5", idna="2.8", ruff="0.1.0", pytest="7.4.0", sniffio="1.2.0")


@pytest.mark.parametrize(
    ("kind", "flask", "ruff"),
    [
        ("patch", ">=2.2.5,<2.3", ">=0.1.0,<0.2"),
        ("minor", ">=2.2.5,<3", ">=0.1.0,<1"),
        ("major", ">=2.2.5", ">=0.1.0"),
    ],
)
def test_what_is_asked_for_each_kind(kind: str, flask: str, ruff: str) -> None:
    wanted, left = asked([FULL], LOCK, Selection(), kind)
    assert (wanted["flask"], wanted["ruff"]) == (flask, ruff)
    assert set(wanted) == {"flask", "idna", "ruff", "pytest", "sniffio"}
    assert wanted["pytest"].endswith(",!=8.1")
    assert {item.name: item.why.partition(":")[0] for item in left} == {
        "mine": "no index serves it",
        "six": "no index serves it",
        "-e .": "no requirement by the standard",
    }


@pytest.mark.parametrize(
    ("selection", "names"),
    [
        (Selection(packages=["idna", "ruff"]), {"idna", "ruff"}),
        (Selection(groups=["project"]), {"flask", "idna"}),
        (Selection(groups=["extra: docs", "test"]), {"flask", "pytest"}),
        (Selection(groups=["constraint"]), {"sniffio"}),
        (Selection(exclude=["flask", "sniffio"]), {"idna", "ruff", "pytest"}),
        (Selection(packages=["idna"], groups=["dev"]), set()),
    ],
)
def test_a_selection(selection: Selection, names: set[str]) -> None:
    assert set(asked([FULL], LOCK, selection, "major")[0]) == names


def test_what_only_a_build_knows_is_said_unless_packages_are_named() -> None:
    built = manifest(dynamic=["dependencies", "version"])
    assert asked([built], LOCK, Selection(), "major")[1] == [
        Left("app", "its dependencies are dynamic: only its build knows them")
    ]
    assert asked([built], LOCK, Selection(packages=["idna"]), "major") == ({}, [])


def test_members_and_what_no_environment_needs_are_passed_over() -> None:
    members = [manifest(dependencies=["lib", "tomli<2; python_version < '3.11'"]), manifest(LIB, "Lib")]
    known = {"name": "app", "source": {"virtual": "."}, "metadata": {"requires-dist": [{"name": "tomli"}]}}
    assert asked(members, {"package": [known]}, Selection(), "major") == ({}, [])


def test_a_local_version_has_no_next_one() -> None:
    wanted, left = asked([manifest(dependencies=["torch"])], lock(torch="2.1+cu121"), Selection(), "major")
    assert (wanted, [item.name for item in left]) == ({}, ["torch"])


def test_the_plan() -> None:
    found = answers(flask="3.1.3", idna="3.20", ruff="0.17.5", pytest="9.1", sniffio="1.3.1")
    bumps, left = plan([FULL], LOCK, Selection(), found)
    assert left == []
    assert {bump.name: [edit.text for edit in bump.edits] for bump in bumps} == {
        "flask": ["flask>=3,<4", "flask[async]>=3.1"],
        "idna": ["idna==3.20"],
        "ruff": ["ruff==0.17.5"],
        "pytest": ["pytest!=8.1,>=9"],
        "sniffio": [],
    }
    by_name = {bump.name: bump for bump in bumps}
    assert by_name["flask"].groups == ("", "extra: docs")
    assert by_name["flask"].constraint == "flask>=3.1.3,<=3.1.3"
    assert [by_name[name].kind for name in ("flask", "ruff", "sniffio")] == ["major", "minor", "minor"]


def test_only_the_lines_that_are_meant_change() -> None:
    bumps, _ = plan([FULL], LOCK, Selection(groups=["extra: docs"]), answers(flask="3.1.3"))
    assert [edit.text for bump in bumps for edit in bump.edits] == ["flask[async]>=3.1"]


def test_every_member_of_a_workspace_changes() -> None:
    members = [manifest(dependencies=["idna==2.8"]), manifest(LIB, "lib", dependencies=["IDNA>=2"])]
    ((bump,), _) = plan(members, LOCK, Selection(), answers(idna="3.20"))
    assert [(edit.manifest, edit.text) for edit in bump.edits] == [(ROOT, "idna==3.20"), (LIB, "IDNA>=3")]


def test_what_the_lowest_python_cannot_have_is_no_target() -> None:
    own = manifest(dependencies=["numpy>=1"])
    ((bump,), _) = plan([own], lock(numpy="1.26.4"), Selection(), answers(numpy=["2.4.6", "2.10.0"]))
    assert (str(bump.target), bump.constraint) == ("2.4.6", "numpy>=2.4.6,<=2.10.0")
    assert [edit.text for edit in bump.edits] == ["numpy>=2"]


def test_a_line_for_another_python_stays() -> None:
    own = manifest(dependencies=["idna==1.0 ; python_version<'3.8'", "idna==2.8 ; python_version>='3.8'"])
    ((bump,), _) = plan([own], LOCK, Selection(), answers(idna="3.20"))
    assert [edit.text for edit in bump.edits] == ["idna==3.20 ; python_version>='3.8'"]


@pytest.mark.parametrize(
    ("line", "newest", "why"),
    [
        pytest.param("idna==2.8", "2.8", None, id="up-to-date"),
        pytest.param("idna==2.8", "2.1", None, id="older"),
        pytest.param("idna==2.8+local", "3.20", "'idna==2.8+local' has no place for 3.20", id="local"),
    ],
)
def test_what_stays(line: str, newest: str, why: str | None) -> None:
    bumps, left = plan([manifest(dependencies=[line])], LOCK, Selection(), answers(idna=newest))
    assert bumps == []
    assert [item.why for item in left] == ([why] if why else [])


def test_a_package_without_an_answer_stays_with_the_last_of_uvs_words() -> None:
    problems = {"idna": "No solution found\n  cause: Because idna was not found\n\nhint: 401 Unauthorized\n"}
    bumps, left = plan([manifest(dependencies=["idna==2.8"])], LOCK, Selection(), answers(problems))
    assert (bumps, left) == ([], [Left("idna", "hint: 401 Unauthorized")])


def test_what_is_reached_changes_no_line() -> None:
    after = lock(flask="2.3.2", idna="2.8", ruff="0.1.9", pytest=["8.0", "9.0"], sniffio="1.1.0")
    found = reached([FULL], LOCK, Selection(exclude=["ruff"]), after)
    assert [(bump.name, bump.kind, bump.constraint, bump.edits) for bump in found] == [
        ("flask", "minor", "flask>=2.3.2,<=2.3.2", ()),
        ("pytest", "major", "pytest>=8.0,<=9.0", ()),
    ]


def test_a_local_version_has_no_place_in_a_constraint() -> None:
    assert Bump("torch", (), "2.1", Version("2.2+cpu"), Version("2.2+cpu")).constraint == "torch>=2.2,<=2.2"


def test_the_contents_are_those_of_the_files_that_change() -> None:
    texts = {ROOT: b'[project]\ndependencies = ["idna==2.8"] # c\n', LIB: b"[project]\n"}
    own = manifest(dependencies=["idna==2.8"])
    bumps, _ = plan([own, manifest(LIB, "lib")], LOCK, Selection(), answers(idna="3.20"))
    assert contents(bumps, texts) == {ROOT: b'[project]\ndependencies = ["idna==3.20"] # c\n'}
    assert contents([], texts) == {}


class Resolver:
    """Refuses a set that has both ends of a conflict, naming them; counts, and refuses what it was not told of."""

    def __init__(self, names: Sequence[str], conflicts: Sequence[frozenset[str]]) -> None:
        self.names = names
        self.conflicts = conflicts
        self.calls: list[tuple[str, ...]] = []

    def __call__(self, tried: Sequence[str]) -> str:
        assert tried, "nothing is never tried"
        assert set(tried) <= set(self.names)
        assert tuple(tried) not in self.calls, "no set is tried twice"
        self.calls.append(tuple(tried))
        return next((" and ".join(sorted(pair)) + " conflict" for pair in self.conflicts if pair <= set(tried)), "")


@st.composite
def graphs(draw: st.DrawFn) -> tuple[list[str], list[frozenset[str]]]:
    names = [f"p{number}" for number in range(draw(st.integers(0, 8)))]
    pairs = [frozenset(pair) for size in (1, 2, 3) for pair in combinations(names, size)]
    return names, draw(st.lists(st.sampled_from(pairs), max_size=6)) if pairs else []


@given(graphs())
def test_the_largest_set_works_and_nothing_can_be_added(graph: tuple[list[str], list[frozenset[str]]]) -> None:
    names, conflicts = graph
    resolver = Resolver(names, conflicts)
    found = largest(names, resolver)

    def works(tried: Sequence[str]) -> bool:
        return not any(pair <= set(tried) for pair in conflicts)

    assert works(found.accepted)
    assert list(found.accepted) == [name for name in names if name in found.accepted]
    assert {*found.accepted, *found.refused} == set(names)
    assert not set(found.accepted) & set(found.refused)
    for name, words in found.refused.items():
        assert not works([*found.accepted, name])
        assert name in words
    best = max(len(tried) for size in range(len(names) + 1) for tried in combinations(names, size) if works(tried))
    # The best there is where nothing conflicts, and where one package conflicts with several others.
    hubs = frozenset.intersection(*conflicts) if conflicts else frozenset()
    if hubs or len(set(conflicts)) < 2:
        assert len(found.accepted) == best
    assert len(resolver.calls) <= 4 * (len(names) + 1) ** 2


@pytest.mark.parametrize("at", [0, 7, 30, 59])
def test_one_that_conflicts_with_two_gives_way_in_few_tries(at: int) -> None:
    names = [f"p{number}" for number in range(60)]
    others = [name for name in names if name != names[at]][10:13]
    resolver = Resolver(names, [frozenset((names[at], other)) for other in others])
    found = largest(names, resolver)
    assert list(found.refused) == [names[at]]
    assert len(resolver.calls) <= 60


def test_sixty_that_work_are_tried_once() -> None:
    names = [f"p{number}" for number in range(60)]
    resolver = Resolver(names, [])
    assert largest(names, resolver).accepted == tuple(names)
    assert len(resolver.calls) == 1


@given(st.integers(1, 40), st.sets(st.integers(0, 39), max_size=4))
def test_who_breaks_a_test_is_found_by_halving(count: int, bad: set[int]) -> None:
    names = [f"p{number}" for number in range(count)]
    broken = {f"p{number}" for number in bad if number < count}
    calls = []

    def works(tried: Sequence[str]) -> bool:
        assert tried
        calls.append(tried)
        return not broken & set(tried)

    rest, found = culprits(names, works)
    assert set(found) == broken
    assert rest == [name for name in names if name not in broken]
    assert len(calls) <= 1 + len(broken) * (count.bit_length() + 1)


@given(st.integers(2, 20), st.data())
def test_two_that_only_break_together_lose_one(count: int, data: st.DataObject) -> None:
    names = [f"p{number}" for number in range(count)]
    pair = set(data.draw(st.lists(st.sampled_from(names), min_size=2, max_size=2, unique=True)))
    rest, found = culprits(names, lambda tried: not pair <= set(tried))
    assert len(found) == 1
    assert set(found) < pair
    assert len(rest) == count - 1
