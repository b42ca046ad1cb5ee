"""Rows from what was found of a project: what is behind, what holds it, and what is wrong."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from packaging.requirements import Requirement
from packaging.version import Version

from uvdock.deps.outdated import SCHEMA, Row, ago, chosen, ranked, rows, to_json
from uvdock.deps.releases import Answers, Release
from uvdock.deps.survey import Manifest, Survey
from uvdock.project import Project

NOW = datetime(2026, 3, 10, tzinfo=UTC)
REGISTRY = {"registry": "https://index.example/simple"}


def manifest(*dependencies: str, name: str = "app", groups: dict[str, list[Any]] | None = None, **uv: Any) -> Manifest:
    data: dict[str, Any] = {"project": {"name": name, "dependencies": list(dependencies)}}
    data["dependency-groups"] = groups or {}
    data["tool"] = {"uv": {key.replace("_", "-"): value for key, value in uv.items()}}
    return Manifest(Path(f"/{name}/pyproject.toml"), name, data)


def package(name: str, version: str, *needs: str, source: dict[str, str] | None = None) -> dict[str, Any]:
    found: dict[str, Any] = {"name": name, "version": version, "source": source or REGISTRY}
    return {**found, "dependencies": [{"name": need} for need in needs]}


def lock(*packages: dict[str, Any], python: str = ">=3.11") -> dict[str, Any]:
    return {"version": 1, "requires-python": python, "package": list(packages)}


def answers(problems: dict[str, str] | None = None, days: int = 100, **versions: str | Sequence[str]) -> Answers:
    """The newest releases; of several, only the first is for the lowest Python."""
    found = {}
    for name, texts in versions.items():
        listed = [texts] if isinstance(texts, str) else texts
        found[name] = tuple(
            Release(Version(text), NOW - timedelta(days=days), everywhere=at == 0) for at, text in enumerate(listed)
        )
    return Answers(found, problems or {})


def survey(*manifests: Manifest, locked: dict[str, Any], found: Answers, **more: Any) -> Survey:
    more.setdefault("wanted", locked)
    return Survey(Project(Path("/app")), more.pop("label", ""), manifests, locked, found, NOW, **more)


def only(looked: Survey) -> Row:
    (row,) = rows(looked)
    return row


def test_a_package_that_is_behind() -> None:
    looked = survey(
        manifest("Flask>=2,<4 ; os_name=='nt'"),
        locked=lock(package("flask", "2.2.5")),
        found=answers(flask="3.1.3"),
        wanted=lock(package("flask", "3.1.3")),
    )
    released = (NOW - timedelta(days=100)).isoformat()
    assert rows(looked) == [
        Row("", "flask", "", ">=2,<4", "2.2.5", "3.1.3", "3.1.3", "major", released, 100, ()),
    ]
    assert only(looked).behind


@pytest.mark.parametrize(
    ("locked", "newest", "latest", "kind"),
    [
        pytest.param("3.1.3", "3.1.3", "3.1.3", "", id="up-to-date"),
        pytest.param("4.0rc1", "3.1.3", "4.0rc1", "", id="a-newer-prerelease"),
        pytest.param("3.1.2", "3.1.3", "3.1.3", "patch", id="patch"),
        pytest.param("3.1.3", "4.0rc1", "4.0rc1", "pre", id="prerelease"),
    ],
)
def test_what_is_up_to_date_is_not_behind(locked: str, newest: str, latest: str, kind: str) -> None:
    row = only(survey(manifest("flask"), locked=lock(package("flask", locked)), found=answers(flask=newest)))
    assert (row.latest, row.kind, row.behind) == (latest, kind, bool(kind))
    assert bool(row.held_by) == bool(kind)


def test_an_own_pin_holds() -> None:
    locked = lock(package("idna", "2.8"))
    own = manifest("idna==2.8", groups={"dev": ["idna<3", "idna>=2"]}, constraint_dependencies=["idna<2.9"])
    found = rows(survey(own, locked=locked, found=answers(idna="3.20")))
    assert {row.group for row in found} == {"", "dev", "constraint"}
    assert {row.held_by for row in found} == {("own ==2.8", "dev <3", "constraint <2.9")}


def test_a_bound_of_another_package_holds() -> None:
    locked = lock(
        package("flask", "2.2.5", "werkzeug"), package("werkzeug", "2.3.8"), package("other", "1", "werkzeug")
    )
    looked = survey(
        manifest("werkzeug"),
        locked=locked,
        found=answers(werkzeug="3.1.0"),
        asked={
            ("flask", "2.2.5"): (Requirement("Werkzeug>=2.2,<3"), Requirement("werkzeug>2; os_name=='nt'")),
            ("other", "1"): (Requirement("werkzeug"),),
        },
    )
    (held,) = only(looked).held_by
    assert held in ("flask 2.2.5 (<3,>=2.2)", "flask 2.2.5 (>=2.2,<3)")


def test_the_projects_pythons_hold() -> None:
    locked = lock(package("numpy", "2.4.6"), python=">=3.11")
    row = only(survey(manifest("numpy"), locked=locked, found=answers(numpy=["2.4.6", "2.10.0"])))
    assert row.held_by == ("requires-python >=3.11",)


@pytest.mark.parametrize(("days", "held"), [(3, ("cooldown",)), (30, ("the resolution",))])
def test_a_cooldown_holds(days: int, held: tuple[str, ...]) -> None:
    looked = survey(
        manifest("idna"),
        locked=lock(package("idna", "3.19")),
        found=answers(idna="3.20", days=days),
        cutoff=NOW - timedelta(days=7),
    )
    assert only(looked).held_by == held


def test_a_resolution_that_fails_leaves_nothing_wanted() -> None:
    looked = survey(
        manifest("idna==2.8"), locked=lock(package("idna", "2.8")), found=answers(idna="3.20"), wanted=None, problem="x"
    )
    row = only(looked)
    assert (row.wanted, row.latest, row.held_by) == ("", "3.20", ("own ==2.8", "uv cannot resolve"))


@pytest.mark.parametrize("lost", ["yanked", "gone"])
def test_a_locked_release_that_is_lost(lost: str) -> None:
    looked = survey(
        manifest("idna"),
        locked=lock(package("idna", "3.20")),
        found=answers(idna="3.19"),
        lost={("idna", "3.20"): lost},
    )
    row = only(looked)
    assert (row.note, row.behind, row.locked) == (f"the locked release is {lost}", False, "3.20")


def test_a_package_without_an_answer_is_never_up_to_date() -> None:
    words = (
        "No solution found when resolving dependencies:\n  ╰─▶ Because idna was not found in the package registry and "
        "you require idna, we can conclude that your requirements are unsatisfiable."
    )
    row = only(survey(manifest("idna"), locked=lock(package("idna", "2.8")), found=answers({"idna": words})))
    assert row.note.startswith("no answer: Because idna was not found in the package registry")
    assert (row.latest, row.kind, row.behind) == ("", "", False)
    silent = only(survey(manifest("idna"), locked=lock(package("idna", "2.8")), found=answers()))
    assert silent.note == "no answer: uv says nothing"


@pytest.mark.parametrize(
    ("source", "note"),
    [
        ({"git": "https://host.example/x"}, "from git: not compared"),
        ({"url": "https://host.example/x.whl"}, "from url: not compared"),
        ({"path": "x.whl"}, "from path: not compared"),
        ({"directory": "x"}, "from directory: not compared"),
        ({"editable": "x"}, "from editable: not compared"),
        ({"new": "x"}, "from elsewhere: not compared"),
    ],
)
def test_what_no_index_serves(source: dict[str, str], note: str) -> None:
    row = only(survey(manifest("x>=1"), locked=lock(package("x", "1.0", source=source)), found=answers()))
    assert (row.locked, row.specifier, row.note, row.behind) == ("1.0", ">=1", note, False)


def test_what_is_not_in_the_lock_or_no_requirement_is_a_row() -> None:
    looked = survey(manifest("six", "flask=>3"), locked=lock(), found=answers())
    assert [(row.name, row.note) for row in rows(looked)] == [
        ("six", "not in the lock: deps.lock brings it up to date"),
        ("flask=>3", "no requirement by the standard"),
    ]


def test_what_no_environment_needs_is_no_row() -> None:
    app = package("app", "0", source={"virtual": "."})
    app["metadata"] = {"requires-dist": [{"name": "tomli", "marker": "python_full_version < '3.11'"}]}
    own = manifest("tomli; python_version<'3.11'", "app[docs]", constraint_dependencies=["unused<1"])
    assert rows(survey(own, locked=lock(app), found=answers())) == []


def test_dynamic_dependencies_come_from_the_lock() -> None:
    app = {**package("app", "0", "idna", source={"editable": "."}), "dev-dependencies": {"dev": [{"name": "ruff"}]}}
    own = manifest(groups={"dev": ["ruff"]})
    assert isinstance(own.data["project"], dict)
    own.data["project"]["dynamic"] = ["dependencies"]
    looked = survey(
        own, locked=lock(app, package("idna", "2.8"), package("ruff", "0.1")), found=answers(idna="3.20", ruff="0.1")
    )
    assert [(row.name, row.group, row.specifier, row.behind) for row in rows(looked)] == [
        ("ruff", "dev", "", False),
        ("idna", "", "dynamic", True),
    ]


def test_everything_has_what_only_others_need_too() -> None:
    looked = survey(
        manifest("flask"),
        locked=lock(package("flask", "3.1.3", "click"), package("click", "8.0")),
        found=answers(flask="3.1.3", click="8.5.1"),
    )
    assert [row.name for row in rows(looked)] == ["flask"]
    assert [(row.name, row.group, row.behind) for row in rows(looked, everything=True)] == [
        ("flask", "", False),
        ("click", "(indirect)", True),
    ]


def test_of_several_locked_versions_the_newest_counts() -> None:
    looked = survey(
        manifest("numpy"),
        locked=lock(package("numpy", "2.10.0"), package("numpy", "2.4.6")),
        found=answers(numpy=["2.4.6", "2.10.0"]),
    )
    assert [(row.locked, row.wanted, row.behind) for row in rows(looked)] == [("2.10.0", "2.10.0", False)]


def test_projects_and_members_have_their_names() -> None:
    locked, found = lock(package("idna", "2.8")), answers(idna="2.8")
    members = [manifest("idna"), manifest("idna>=2", name="lib")]
    assert [row.project for row in rows(survey(*members, locked=locked, found=found))] == ["app", "lib"]
    assert [row.project for row in rows(survey(*members, locked=locked, found=found, label="apps/x"))] == [
        "apps/x app",
        "apps/x lib",
    ]
    assert only(survey(manifest("idna"), locked=locked, found=found, label="apps/x")).project == "apps/x"
    held = survey(manifest("idna"), manifest("idna==2.8", name="lib"), locked=locked, found=answers(idna="3.20"))
    assert rows(held)[0].held_by == ("lib ==2.8",)


def test_the_order() -> None:
    listed = [
        Row("", "e", ""),
        Row("", "d", "", kind="patch"),
        Row("", "c", "", kind="minor"),
        Row("", "z", "", kind="major"),
    ]
    listed += [
        Row("", "p", "", kind="pre"),
        Row("", "x", "", note="gone"),
        Row("b", "a", "", kind="major"),
        Row("a", "a", "", kind="major"),
    ]
    assert [(row.name, row.project) for row in ranked(listed)] == [
        ("x", ""),
        ("a", "a"),
        ("a", "b"),
        ("z", ""),
        ("c", ""),
        ("d", ""),
        ("p", ""),
        ("e", ""),
    ]


def test_the_filters() -> None:
    listed = [Row("", "a", ""), Row("", "b", "dev"), Row("", "b", "extra: docs")]
    assert chosen(listed, [], []) == listed
    assert chosen(listed, ["project"], []) == listed[:1]
    assert chosen(listed, ["dev", "extra: docs"], ["b"]) == listed[1:]
    assert chosen(listed, ["dev"], ["a"]) == []


@given(st.lists(st.builds(Row, st.text(), st.text(), st.text(), kind=st.sampled_from(["major", "pre", ""]))))
def test_the_json_has_every_key_always(listed: list[Row]) -> None:
    data = json.loads(to_json(listed))
    assert data.keys() == {"schema", "packages"}
    assert data["schema"] == SCHEMA == 1
    keys = {"project", "name", "group", "specifier", "locked", "wanted", "latest", "kind", "released", "age", "held_by"}
    assert all(item.keys() == {*keys, "note", "behind"} for item in data["packages"])
    assert [item["behind"] for item in data["packages"]] == [bool(row.kind) for row in listed]


@pytest.mark.parametrize(
    ("days", "text"),
    [(None, ""), (0, "0 d"), (59, "59 d"), (60, "2 mo"), (729, "24 mo"), (730, "2 y"), (4000, "10 y")],
)
def test_an_age(days: int | None, text: str) -> None:
    assert ago(days) == text
