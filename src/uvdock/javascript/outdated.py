"""Which JavaScript packages are behind: what each manager says of the lock, read into the same rows."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from uvdock.javascript.manager import Manager
from uvdock.process import Output

#: The version of the JSON's form; it changes when a key changes its meaning or goes.
SCHEMA = 1
_GROUPS = ("dependencies", "devDependencies", "optionalDependencies", "peerDependencies")
_BUN_GROUPS = {"dev": "devDependencies", "optional": "optionalDependencies", "peer": "peerDependencies"}
_BUN_ROW = re.compile(r"^[|│]\s*(?P<name>\S+)(?: \((?P<group>\w+)\))?\s*[|│](?P<rest>.*)[|│]\s*$")
#: `name@npm:^1.0`, and the same of a package with peers: `name@virtual:0a1b#npm:1.0.0`.
_BERRY = re.compile(r"(?P<name>@?[^@]+)@(?:virtual:\w+#)?npm:(?P<rest>.+)")
_CODES = re.compile(r"\x1b\[[0-9;]*m")


@dataclass(frozen=True)
class JsRow:
    """A direct dependency that is behind.

    Args:
        name: The package.
        group: ``dependencies``, ``devDependencies``, …
        locked: Its version in the lock.
        wanted: The newest release that package.json allows; empty where the manager does not say.
        latest: The newest release.
    """

    name: str
    group: str
    locked: str
    wanted: str
    latest: str


class FailedError(Exception):
    """The manager could not say what is outdated; its words are the message."""


def first(manager: Manager) -> list[list[str]]:
    """The command lines to ask ``manager`` with. Each only reads; some leave 1 when something is outdated."""
    if manager.berry:
        return [["info", "--all", "--json"]]
    if manager.name == "npm":
        return [["outdated", "--json", "--long"]]
    if manager.name == "pnpm":
        return [["outdated", "--format", "json"], ["outdated", "--compatible", "--format", "json"]]
    return [["outdated", "--json"] if manager.name == "yarn" else ["outdated"]]


def then(manager: Manager, outputs: Sequence[Output]) -> list[list[str]]:
    """The command lines that follow from the first answers: yarn 2 and newer have no `outdated`.

    Raises:
        FailedError: The manager could not answer.
    """
    if not manager.berry:
        return []
    names = {package for package, _ in _berry_locked(outputs[0]).values()}
    return [["npm", "info", *sorted(names), "--fields", "name,dist-tags", "--json"]] if names else []


def further(manager: Manager, lock: bytes) -> dict[Path, bytes]:
    """The files that make the lock look installed, for a manager that compares only what is installed.

    npm looks into `node_modules` and leaves out what is not there: each locked package gets its package.json, with
    nothing but name and version.
    """
    if manager.name != "npm":
        return {}
    try:
        packages = json.loads(lock)["packages"].items()
    except (ValueError, KeyError, TypeError, AttributeError):
        return {}
    return {
        Path(place, "package.json"): json.dumps(
            {"name": item.get("name") or place.rpartition("node_modules/")[2], "version": item["version"]}
        ).encode()
        for place, item in packages
        if "node_modules/" in place and ".." not in Path(place).parts and item.get("version")
    }


def rows(manager: Manager, outputs: Sequence[Output], data: Mapping[str, Any]) -> list[JsRow]:
    """What is behind, sorted by group and name.

    Args:
        manager: The manager.
        outputs: What the command lines of `first` and `then` left.
        data: The project's package.json.

    Raises:
        FailedError: The manager could not answer.
    """
    readers = {"npm": _npm, "pnpm": _pnpm, "bun": _bun, "yarn": _berry if manager.berry else _classic}
    try:
        found = readers[manager.name](outputs, data)
    except (KeyError, TypeError, AttributeError, ValueError, IndexError) as error:
        raise FailedError(f"it printed what is not known: {outputs[0].text[:80]!r}") from error
    behind = (row for row in found if row.latest and row.locked != row.latest)
    return sorted(set(behind), key=lambda row: (_GROUPS.index(row.group) if row.group in _GROUPS else 9, row.name))


def to_json(found: Sequence[JsRow]) -> str:
    """An object with ``schema`` and ``packages``: name, group, locked, wanted and latest of each."""
    return json.dumps({"schema": SCHEMA, "packages": [asdict(row) for row in found]}, indent=2)


def _npm(outputs: Sequence[Output], data: Mapping[str, Any]) -> list[JsRow]:
    answer = _object(outputs[0])
    if "error" in answer and isinstance(answer["error"], dict) and "summary" in answer["error"]:
        raise FailedError(str(answer["error"]["summary"]))
    found = []
    for key, item in answer.items():
        # A workspace with several has a list for each package.
        for one in item if isinstance(item, list) else [item]:
            name = key.partition(":")[0]
            current = one.get("current", "")
            group = one.get("type") or _group(name, data)
            found.append(JsRow(name, group, current, one.get("wanted", ""), one.get("latest", "")))
    return found


def _pnpm(outputs: Sequence[Output], data: Mapping[str, Any]) -> list[JsRow]:
    newest, within = (_object(output) for output in outputs)
    return [
        JsRow(
            name,
            item.get("dependencyType") or _group(name, data),
            # What pnpm calls wanted is what the lock has.
            item["wanted"],
            within.get(name, {}).get("latest", item["wanted"]),
            item.get("latest", ""),
        )
        for name, item in newest.items()
    ]


def _classic(outputs: Sequence[Output], _: Mapping[str, Any]) -> list[JsRow]:
    output = outputs[0]
    found = []
    for line in _lines(output.text):
        if line.get("type") == "table":
            head = line["data"]["head"]
            places = [head.index(name) for name in ("Package", "Package Type", "Current", "Wanted", "Latest")]
            found += [JsRow(*(str(row[place]) for place in places)) for row in line["data"]["body"]]
    if output.code and not found:
        words = [str(line["data"]) for line in _lines(output.error_text) if line.get("type") == "error"]
        raise FailedError(" ".join(words) or output.error_text or output.text)
    # `exotic` stands for what comes from git or a file: its newest version nobody knows.
    return [row for row in found if row.latest != "exotic"]


def _bun(outputs: Sequence[Output], _: Mapping[str, Any]) -> list[JsRow]:
    output = outputs[0]
    if output.code:
        raise FailedError(output.error_text or output.text)
    found = []
    for line in _CODES.sub("", output.text).splitlines():
        match = _BUN_ROW.match(line.strip())
        versions = [part.strip() for part in re.split(r"[|│]", match["rest"])] if match else []
        if match is None or len(versions) < 3 or versions[0] == "Current" or set(match["name"]) <= set("-─|"):
            continue
        name = re.split(r"(?<=.)@npm:", match["name"])[0]
        found.append(JsRow(name, _BUN_GROUPS.get(match["group"] or "", "dependencies"), *versions[:3]))
    return found


def _berry(outputs: Sequence[Output], data: Mapping[str, Any]) -> list[JsRow]:
    locked = _berry_locked(outputs[0])
    if not locked:
        return []
    newest = {
        line["name"]: line["dist-tags"].get("latest", "")
        for line in _lines(outputs[1].text)
        if isinstance(line.get("dist-tags"), dict)
    }
    if not newest:
        words = [str(line.get("data", "")).strip() for line in _lines(outputs[1].text) if line.get("type") == "error"]
        raise FailedError(" ".join(words) or outputs[1].error_text or outputs[1].text)
    return [
        JsRow(name, _group(name, data), version, "", newest.get(package, ""))
        for name, (package, version) in locked.items()
    ]


def _berry_locked(output: Output) -> dict[str, tuple[str, str]]:
    """Each direct dependency's package and version in the lock, as `yarn info --json` has them."""
    if output.code:
        raise FailedError(output.error_text or output.text)
    found = {}
    for line in _lines(output.text):
        if "@workspace:" not in line.get("value", ""):
            continue
        for item in line.get("children", {}).get("Dependencies", []):
            asked, locked = _BERRY.match(item["descriptor"]), _BERRY.match(item["locator"])
            # What comes from git, a file or a member has no newest version.
            if asked and locked:
                found[asked["name"]] = (locked["name"], locked["rest"])
    return found


def _group(name: str, data: Mapping[str, Any]) -> str:
    return next((group for group in _GROUPS if name in (data.get(group) or {})), "")


def _object(output: Output) -> dict[str, Any]:
    """The JSON object that a manager printed; nothing printed is an empty one, unless it failed."""
    text = output.text.strip()
    try:
        found = json.loads(text or ("{}" if output.code == 0 else ""))
    except ValueError as error:
        raise FailedError(output.error_text or text or f"it left {output.code}") from error
    if not isinstance(found, dict):
        raise FailedError(f"it printed {text[:80]!r}")
    return found


def _lines(text: str) -> list[dict[str, Any]]:
    found = []
    for line in text.splitlines():
        try:
            item = json.loads(line)
        except ValueError:
            continue
        if isinstance(item, dict):
            found.append(item)
    return found
