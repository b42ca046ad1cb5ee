"""What each manager says of packages that are behind, as it really printed it, read into the same rows."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.test_javascript import BERRY, BUN, NPM, PNPM, YARN
from uvdock.javascript import outdated
from uvdock.javascript.manager import Manager
from uvdock.javascript.outdated import FailedError, JsRow
from uvdock.process import Output

DATA = {
    "dependencies": {"is-odd": "2.0.0", "ms": "^2.0.0", "al": "npm:kleur@^3.0.0"},
    "devDependencies": {"is-number": "^6.0.0"},
}
#: npm 9.2, `outdated --json --long`, over what `outdated.further` lets it see.
NPM_TEXT = """\
{
  "al:kleur@^3.0.0": {
    "current": "3.0.3",
    "wanted": "3.0.3",
    "latest": "4.1.5",
    "dependent": "p",
    "location": "/uvdock/project/node_modules/al",
    "type": "dependencies"
  },
  "is-number": {
    "current": "6.0.0",
    "wanted": "6.0.0",
    "latest": "7.0.0",
    "dependent": "p",
    "location": "/uvdock/project/node_modules/is-number",
    "type": "devDependencies"
  },
  "is-odd": {
    "current": "2.0.0",
    "wanted": "2.0.0",
    "latest": "3.0.1",
    "dependent": "p",
    "location": "/uvdock/project/node_modules/is-odd",
    "type": "dependencies"
  }
}
"""
#: pnpm 9.15, `outdated --format json` without `node_modules`.
PNPM_TEXT = """\
{
  "is-number": {"latest": "7.0.0", "wanted": "6.0.0", "isDeprecated": false, "dependencyType": "devDependencies"},
  "is-odd": {"latest": "3.0.1", "wanted": "2.0.0", "isDeprecated": false, "dependencyType": "dependencies"},
  "ms": {"latest": "2.1.3", "wanted": "2.1.2", "isDeprecated": false, "dependencyType": "dependencies"},
  "kleur": {"latest": "3.0.3", "wanted": "3.0.3", "isDeprecated": false, "dependencyType": "dependencies"}
}
"""
PNPM_COMPATIBLE = """\
{
  "is-number": {"latest": "6.0.0", "wanted": "6.0.0", "isDeprecated": false, "dependencyType": "devDependencies"},
  "ms": {"latest": "2.1.3", "wanted": "2.1.2", "isDeprecated": false, "dependencyType": "dependencies"}
}
"""
#: yarn 1.22, `outdated --json`.
YARN_TEXT = "\n".join(
    (
        r'{"type":"info","data":"Color legend : \n \"<red>\"    : Major Update backward-incompatible updates"}',
        '{"type":"table","data":{"head":["Package","Current","Wanted","Latest","Package Type","URL"],"body":['
        '["is-number","6.0.0","6.0.0","7.0.0","devDependencies","https://example.org/is-number"],'
        '["is-odd","2.0.0","2.0.0","3.0.1","dependencies","https://example.org/is-odd"],'
        '["mine","0.1.0","exotic","exotic","dependencies","https://example.org/mine"]]}}',
    )
)
#: bun 1.4, `outdated`; on a terminal with other lines and colours.
BUN_TEXT = """\
|---------------------------------------------|
| Package         | Current | Update | Latest |
|-----------------|---------|--------|--------|
| al@npm:kleur    | 3.0.3   | 3.0.3  | 4.1.5  |
|-----------------|---------|--------|--------|
| is-odd          | 2.0.0   | 2.0.0  | 3.0.1  |
|-----------------|---------|--------|--------|
| is-number (dev) | 6.0.0   | 6.0.0  | 7.0.0  |
|---------------------------------------------|
"""
#: yarn 4.18, `info --all --json` and `npm info … --fields name,dist-tags --json`.
BERRY_INFO = """\
{"value":"is-number@npm:6.0.0","children":{"Version":"6.0.0"}}
{"value":"is-odd@npm:2.0.0","children":{"Version":"2.0.0","Dependencies":[{"descriptor":"is-number@npm:^4.0.0","locator":"is-number@npm:4.0.0"}]}}
{"value":"x@workspace:.","children":{"Version":"1.0.0","Dependencies":[{"descriptor":"al@npm:kleur@^3.0.0","locator":"kleur@npm:3.0.3"},{"descriptor":"is-number@npm:^6.0.0","locator":"is-number@npm:6.0.0"},{"descriptor":"is-odd@npm:2.0.0","locator":"is-odd@virtual:0a1b2c#npm:2.0.0"},{"descriptor":"mine@workspace:mine","locator":"mine@workspace:mine"},{"descriptor":"ms@npm:^2.0.0","locator":"ms@npm:2.1.3"}]}}
"""
BERRY_NEWEST = """\
{"name":"ms","dist-tags":{"latest":"2.1.3"}}
{"name":"is-odd","dist-tags":{"latest":"3.0.1"}}
{"name":"kleur","dist-tags":{"latest":"4.1.5"}}
{"name":"is-number","dist-tags":{"latest":"7.0.0"}}
"""


def left(text: str, code: int = 0, error: str = "") -> Output:
    return Output(code, text.encode(), error.encode())


ODD = JsRow("is-odd", "dependencies", "2.0.0", "2.0.0", "3.0.1")
NUMBER = JsRow("is-number", "devDependencies", "6.0.0", "6.0.0", "7.0.0")
ALIAS = JsRow("al", "dependencies", "3.0.3", "3.0.3", "4.1.5")


@pytest.mark.parametrize(
    ("manager", "outputs", "expected"),
    [
        pytest.param(NPM, [left(NPM_TEXT, 1)], [ALIAS, ODD, NUMBER], id="npm"),
        pytest.param(NPM, [left("{}")], [], id="npm-nothing"),
        pytest.param(NPM, [left("")], [], id="npm-silent"),
        pytest.param(
            NPM,
            [left('{"x": [{"current": "1", "wanted": "1", "latest": "2"}, {"wanted": "1", "latest": "2"}]}', 1)],
            [JsRow("x", "", "", "1", "2"), JsRow("x", "", "1", "1", "2")],
            id="npm-in-two-members",
        ),
        pytest.param(
            PNPM,
            [left(PNPM_TEXT, 1), left(PNPM_COMPATIBLE, 1)],
            [ODD, JsRow("ms", "dependencies", "2.1.2", "2.1.3", "2.1.3"), NUMBER],
            id="pnpm",
        ),
        pytest.param(PNPM, [left("{}"), left("{}")], [], id="pnpm-nothing"),
        pytest.param(YARN, [left(YARN_TEXT, 1)], [ODD, NUMBER], id="yarn"),
        pytest.param(YARN, [left("")], [], id="yarn-nothing"),
        pytest.param(BUN, [left(BUN_TEXT)], [ALIAS, ODD, NUMBER], id="bun"),
        pytest.param(
            BUN,
            [left(BUN_TEXT.replace("|", "│").replace("is-odd ", "\x1b[1mis-odd\x1b[0m "))],
            [ALIAS, ODD, NUMBER],
            id="bun-at-a-terminal",
        ),
        pytest.param(BUN, [left("")], [], id="bun-nothing"),
        pytest.param(
            BERRY,
            [left(BERRY_INFO), left(BERRY_NEWEST)],
            [
                JsRow("al", "dependencies", "3.0.3", "", "4.1.5"),
                JsRow("is-odd", "dependencies", "2.0.0", "", "3.0.1"),
                JsRow("is-number", "devDependencies", "6.0.0", "", "7.0.0"),
            ],
            id="yarn-berry",
        ),
        pytest.param(BERRY, [left('{"value":"x@workspace:.","children":{}}')], [], id="yarn-berry-nothing"),
    ],
)
def test_the_rows(manager: Manager, outputs: list[Output], expected: list[JsRow]) -> None:
    found = outdated.rows(manager, outputs, DATA)
    assert sorted(found, key=str) == sorted(expected, key=str)
    groups = [row.group for row in found]
    assert groups == sorted(groups, key=["dependencies", "devDependencies", ""].index)
    assert [row["name"] for row in json.loads(outdated.to_json(found))["packages"]] == [row.name for row in found]


@pytest.mark.parametrize(
    ("manager", "outputs", "words"),
    [
        pytest.param(
            NPM, [left('{"error": {"code": "E401", "summary": "no permission"}}', 1)], "no permission", id="npm"
        ),
        pytest.param(NPM, [left("", 1, "npm ERR! network")], "npm ERR! network", id="npm-words"),
        pytest.param(NPM, [left("[]")], "it printed '[]'", id="npm-another-form"),
        pytest.param(NPM, [left('{"x": 1}')], "it printed what is not known", id="npm-another-schema"),
        pytest.param(YARN, [left('{"type":"table","data":[]}')], "what is not known", id="yarn-another-schema"),
        pytest.param(PNPM, [left(" ERR_PNPM_NO_LOCKFILE", 1), left("", 1)], "ERR_PNPM_NO_LOCKFILE", id="pnpm"),
        pytest.param(
            YARN,
            [left("", 1, '{"type":"error","data":"Outdated lockfile. Please run `yarn install` and try again."}')],
            "Outdated lockfile",
            id="yarn",
        ),
        pytest.param(BUN, [left("", 1, "error: missing lockfile, nothing outdated")], "missing lockfile", id="bun"),
        pytest.param(BERRY, [left("Usage Error: x", 1)], "Usage Error: x", id="yarn-berry"),
        pytest.param(
            BERRY,
            [left(BERRY_INFO), left('{"type":"error","name":35,"data":"Package not found"}', 1)],
            "Package not found",
            id="yarn-berry-registry",
        ),
    ],
)
def test_a_manager_that_cannot_say(manager: Manager, outputs: list[Output], words: str) -> None:
    with pytest.raises(FailedError, match=words.replace("[", r"\[").replace("]", r"\]")):
        outdated.rows(manager, outputs, DATA)


def test_yarn_berry_is_asked_for_what_its_lock_has() -> None:
    asked = outdated.then(BERRY, [left(BERRY_INFO)])
    assert asked == [["npm", "info", "is-number", "is-odd", "kleur", "ms", "--fields", "name,dist-tags", "--json"]]
    assert outdated.then(NPM, [left(NPM_TEXT, 1)]) == []


def test_npm_sees_every_locked_package_and_nothing_else() -> None:
    lock = {
        "packages": {
            "": {"name": "x", "version": "1.0.0"},
            "apps/web": {"version": "0.1.0"},
            "node_modules/web": {"resolved": "apps/web", "link": True},
            "node_modules/al": {"name": "kleur", "version": "3.0.3"},
            "apps/web/node_modules/@a/b": {"version": "2.0.0"},
            "../out/node_modules/evil": {"version": "1.0.0"},
        }
    }
    assert outdated.further(NPM, json.dumps(lock).encode()) == {
        Path("node_modules/al/package.json"): b'{"name": "kleur", "version": "3.0.3"}',
        Path("apps/web/node_modules/@a/b/package.json"): b'{"name": "@a/b", "version": "2.0.0"}',
    }
    assert outdated.further(YARN, b"") == {}


@given(st.binary(max_size=200))
def test_no_lock_is_too_odd_to_look_at(content: bytes) -> None:
    assert isinstance(outdated.further(NPM, content), dict)


@given(st.sampled_from([NPM, PNPM, YARN, BUN, BERRY]), st.text(max_size=200), st.integers(0, 1))
def test_whatever_a_manager_prints_is_rows_or_its_failure(manager: Manager, text: str, code: int) -> None:
    try:
        found = outdated.rows(manager, [left(text, code)] * 2, DATA)
    except FailedError:
        return
    assert all(isinstance(row, JsRow) for row in found)
