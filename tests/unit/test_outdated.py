"""What is behind, from both forms of uv's tree: texts as several versions of uv print them."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from uvdock.deps import outdated
from uvdock.deps.outdated import Row

JSON_TREE = {
    "schema": {"version": "preview"},
    "roots": [{"id": "app==0.1.0@virtual+/app"}],
    "resolution": {
        "app==0.1.0@virtual+/app": {"name": "app", "version": "0.1.0", "kind": "package", "dependencies": []},
        "flask==3.0.0@registry": {"name": "flask", "version": "3.0.0", "latest_version": "3.1.3"},
        "click==8.1.0@registry": {"name": "click", "version": "8.1.0", "latest_version": None},
        "numpy==1.26.4@registry": {"name": "numpy", "version": "1.26.4", "latest_version": "2.3.0"},
        "numpy==2.1.0@registry": {"name": "numpy", "version": "2.1.0", "latest_version": "2.3.0"},
    },
}
TEXT_TREE = """\
app v0.1.0
├── flask v3.0.0 (latest: v3.1.3)
│   ├── click v8.1.0
│   └── jinja2 v3.1.0 (latest: v3.1.6)
│       └── markupsafe v2.1.5 (latest: v3.0.4)
├── markupsafe v2.1.5 (latest: v3.0.4)
├── requests[socks] v2.31.0 (extra: net) (latest: v2.34.2)
├── zope-interface v6.0+local.1 (latest: v7.2)
├── ruamel.yaml v0.18.0rc1 (group: dev) (latest: v0.18.16)
└── ruff v0.1.0 (group: dev)
    └── flask v3.0.0 (latest: v3.1.3) (*)
(*) Package tree already displayed
"""
LOCK: dict[str, Any] = {
    "version": 1,
    "package": [
        {
            "name": "app",
            "version": "0.1.0",
            "source": {"virtual": "."},
            "dependencies": [{"name": "flask"}, {"name": "numpy"}, {"name": "built"}],
            "dev-dependencies": {"dev": [{"name": "ruff"}, {"name": "flask"}]},
        },
        {"name": "ruff", "version": "0.1.0", "source": {"registry": "https://index.example/simple"}},
        {"name": "numpy", "version": "2.1.0", "source": {"registry": "https://index.example/simple"}},
        {"name": "numpy", "version": "1.26.4", "source": {"registry": "https://index.example/simple"}},
        {"name": "flask", "version": "3.0.0", "source": {"registry": "https://index.example/simple"}},
        {"name": "click", "version": "8.1.0", "source": {"registry": "https://index.example/simple"}},
        {"name": "built", "source": {"editable": "built"}},
    ],
}
NEWEST = {("flask", "3.0.0"): "3.1.3", ("numpy", "1.26.4"): "2.1.0", ("click", "8.1.0"): "8.2.0"}


def test_the_json_form() -> None:
    assert outdated.newest_from_json(json.dumps(JSON_TREE)) == {
        ("flask", "3.0.0"): "3.1.3",
        ("numpy", "1.26.4"): "2.3.0",
        ("numpy", "2.1.0"): "2.3.0",
    }


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(json.dumps({**JSON_TREE, "schema": {"version": "v1"}}), id="other-version"),
        pytest.param(json.dumps({**JSON_TREE, "schema": "preview"}), id="schema-no-table"),
        pytest.param(json.dumps({"resolution": {}}), id="no-schema"),
        pytest.param(json.dumps({"schema": {"version": "preview"}}), id="no-resolution"),
        pytest.param(json.dumps({**JSON_TREE, "resolution": []}), id="resolution-no-table"),
        pytest.param(json.dumps({**JSON_TREE, "resolution": {"a": "b"}}), id="node-no-table"),
        pytest.param(json.dumps({**JSON_TREE, "resolution": {"a": {"latest_version": "1"}}}), id="node-without-name"),
        pytest.param("[]", id="list"),
        pytest.param("null", id="null"),
        pytest.param("", id="empty"),
        pytest.param("warning: preview\n{}", id="no-json"),
    ],
)
def test_an_unknown_schema_is_not_guessed_at(text: str) -> None:
    assert outdated.newest_from_json(text) is None


@given(st.recursive(st.none() | st.text(max_size=3), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner)))
def test_any_other_json_is_not_guessed_at(data: object) -> None:
    assert outdated.newest_from_json(json.dumps({"schema": {"version": "preview"}, "resolution": [data]})) is None


def test_the_text_form() -> None:
    assert outdated.newest_from_text(TEXT_TREE) == {
        ("flask", "3.0.0"): "3.1.3",
        ("jinja2", "3.1.0"): "3.1.6",
        ("markupsafe", "2.1.5"): "3.0.4",
        ("requests", "2.31.0"): "2.34.2",
        ("zope-interface", "6.0+local.1"): "7.2",
        ("ruamel.yaml", "0.18.0rc1"): "0.18.16",
    }


def test_the_text_form_of_a_root_that_is_no_project() -> None:
    text = "ruff v0.1.0 (group: dev) (latest: v0.17.5)\napi v0.1.0\n└── flask v3.1.3\n"
    assert outdated.newest_from_text(text) == {("ruff", "0.1.0"): "0.17.5"}


@given(st.text())
def test_any_text_is_read_without_an_error(text: str) -> None:
    assert all(latest in text for latest in outdated.newest_from_text(text).values())


def test_rows_of_the_direct_dependencies() -> None:
    assert outdated.rows(LOCK, NEWEST) == [
        Row("flask", "", "3.0.0", "3.1.3"),
        Row("numpy", "", "1.26.4", "2.1.0"),
        Row("numpy", "", "2.1.0", "2.1.0"),
        Row("flask", "dev", "3.0.0", "3.1.3"),
        Row("ruff", "dev", "0.1.0", "0.1.0"),
    ]


def test_rows_of_everything() -> None:
    extra = set(outdated.rows(LOCK, NEWEST, everything=True)) - set(outdated.rows(LOCK, NEWEST))
    assert extra == {Row("click", "(indirect)", "8.1.0", "8.2.0")}


def test_rows_of_an_empty_lock() -> None:
    assert outdated.rows({"version": 1}, NEWEST, everything=True) == []


def test_json_for_programs() -> None:
    found = [Row("flask", "", "3.0.0", "3.1.3"), Row("ruff", "dev", "0.1.0", "0.1.0")]
    assert json.loads(outdated.to_json(found)) == [
        {"name": "flask", "group": "", "locked": "3.0.0", "latest": "3.1.3", "behind": True},
        {"name": "ruff", "group": "dev", "locked": "0.1.0", "latest": "0.1.0", "behind": False},
    ]
    assert json.loads(outdated.to_json([])) == []


def test_the_tree_is_asked_for_without_writing_anything() -> None:
    assert outdated.TREE_ARGS[0] == "tree"
    assert {"--outdated", "--frozen", "--universal"} <= set(outdated.TREE_ARGS)
