"""What a lock changed, told in three forms."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from uvdock.deps import changes
from uvdock.deps.changes import Changed

INDEX = {"registry": "https://index.example/simple"}


def _lock(direct: list[str], **versions: str) -> dict[str, Any]:
    own = {"name": "app", "version": "0", "source": {"virtual": "."}, "dependencies": [{"name": n} for n in direct]}
    return {"version": 1, "package": [own, *({"name": n, "version": v, "source": INDEX} for n, v in versions.items())]}


BEFORE = _lock(["flask", "gone"], flask="3.0.0", werkzeug="3.1.0", click="8.1.0", gone="1.0", numpy="2.0")
AFTER = _lock(["flask", "new"], flask="3.1.3", werkzeug="2.9", click="8.1.0", new="0.1", blinker="1.9", numpy="3.0rc1")
FOUND = [
    Changed("flask", "changed", "3.0.0", "3.1.3", "minor", direct=True),
    Changed("gone", "removed", "1.0", "", "", direct=True),
    Changed("new", "added", "", "0.1", "", direct=True),
    Changed("blinker", "added", "", "1.9", "", direct=False),
    Changed("numpy", "changed", "2.0", "3.0rc1", "pre", direct=False),
    Changed("werkzeug", "changed", "3.1.0", "2.9", "down", direct=False),
]


def test_direct_ones_come_first_and_each_step_has_its_kind() -> None:
    assert changes.changes(BEFORE, AFTER) == FOUND
    assert changes.summary(FOUND) == "2 added, 1 removed, 3 changed"


def test_for_a_terminal() -> None:
    assert changes.lines(FOUND) == [
        "direct",
        "  ~ flask 3.0.0 → 3.1.3 (minor)",
        "  - gone 1.0",
        "  + new 0.1",
        "transitive",
        "  + blinker 1.9",
        "  ~ numpy 2.0 → 3.0rc1 (pre)",
        "  ~ werkzeug 3.1.0 → 2.9 (down)",
    ]


def test_for_a_pull_request() -> None:
    assert changes.markdown(FOUND[:1] + FOUND[3:4], "uv.lock").splitlines() == [
        "### uv.lock: 1 added, 1 changed",
        "",
        "**direct** (1)",
        "",
        "| Package | Was | Is | Step |",
        "|---|---|---|---|",
        "| flask | 3.0.0 | 3.1.3 | minor |",
        "",
        "**transitive** (1)",
        "",
        "| Package | Was | Is | Step |",
        "|---|---|---|---|",
        "| blinker | – | 1.9 | added |",
    ]
    assert changes.markdown([], "uv.lock") == "### uv.lock: nothing changed"


def test_for_a_program() -> None:
    told = json.loads(changes.dumps([changes.to_json(FOUND[:1], ".", "HEAD")]))

    row = {"name": "flask", "change": "changed", "old": "3.0.0", "new": "3.1.3", "kind": "minor", "direct": True}
    assert told == {"schema": 1, "projects": [{"project": ".", "ref": "HEAD", "packages": [row]}]}


def test_another_commit_of_the_same_version_is_a_change() -> None:
    def lock(commit: str) -> dict[str, Any]:
        source = {"git": f"https://git.example/lib?branch=main#{commit * 10}"}
        return {"version": 1, "package": [{"name": "lib", "version": "1.0", "source": source}]}

    assert changes.changes(lock("aaaa"), lock("bbbb")) == [
        Changed("lib", "changed", "1.0 (aaaaaaaa)", "1.0 (bbbbbbbb)", "", direct=False)
    ]


NAMES = st.sampled_from(["a", "b", "c", "d"])
LOCKS = st.dictionaries(NAMES, st.sampled_from(["1.0", "1.1", "2.0"])).map(lambda items: _lock([], **items))


@given(LOCKS, LOCKS)
def test_applying_the_changes_to_the_old_gives_the_new(before: dict[str, Any], after: dict[str, Any]) -> None:
    versions = {item["name"]: item["version"] for item in before["package"] if item["source"] == INDEX}
    for item in changes.changes(before, after):
        assert versions.pop(item.name, "") == item.old
        if item.new:
            versions[item.name] = item.new
    assert versions == {item["name"]: item["version"] for item in after["package"] if item["source"] == INDEX}
