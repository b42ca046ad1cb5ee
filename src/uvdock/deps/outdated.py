"""Which direct dependencies are behind: read from what `uv tree --outdated` says of the lock."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from uvdock.deps import lockfile
from uvdock.deps.lockfile import Direct

#: Reads the lock as it is, needs neither an environment nor an interpreter, writes nothing.
TREE_ARGS = ("tree", "--outdated", "--frozen", "--universal", "--no-python-downloads")
JSON_ARGS = ("--format", "json")
SCHEMA = "preview"

_LINE = re.compile(r"^[│├└─ ]*(?P<name>[A-Za-z0-9._-]+)(?:\[[^]]*\])? v(?P<version>\S+)")
_LATEST = re.compile(r"\(latest: v(?P<latest>[^)\s]+)\)")


@dataclass(frozen=True)
class Row:
    """One package of the lock: its version there and the newest release uv's index knows."""

    name: str
    group: str
    locked: str
    latest: str

    @property
    def behind(self) -> bool:
        """Whether there is a newer release than the locked one."""
        return self.locked != self.latest


def newest_from_json(text: str) -> dict[tuple[str, str], str] | None:
    """The newest release for each (package, locked version) in uv's JSON tree.

    Returns:
        ``None`` when it is not the schema that is known (uv calls it a preview): then the text form is asked.
    """
    try:
        data = json.loads(text)
        if data["schema"]["version"] != SCHEMA:
            return None
        return {
            (node["name"], node["version"]): node["latest_version"]
            for node in data["resolution"].values()
            if node.get("latest_version")
        }
    except (ValueError, KeyError, TypeError, AttributeError):
        return None


def newest_from_text(text: str) -> dict[tuple[str, str], str]:
    """The same from the tree as uv prints it, which is all that uv before 0.13 has."""
    found: dict[tuple[str, str], str] = {}
    for line in text.splitlines():
        package, latest = _LINE.match(line), _LATEST.search(line)
        if package and latest:
            found[package["name"], package["version"]] = latest["latest"]
    return found


def rows(lock: Mapping[str, Any], newest: Mapping[tuple[str, str], str], *, everything: bool = False) -> list[Row]:
    """The table's rows.

    Args:
        lock: The lock as `lockfile.parse` gives it.
        newest: The newest release by (package, locked version); a package that is up to date may be missing.
        everything: Also the packages that are only needed by others.
    """
    locked: dict[str, list[str]] = {}
    for package in lock.get("package", []):
        if "version" in package and not {"virtual", "editable"} & package.get("source", {}).keys():
            locked.setdefault(package["name"], []).append(package["version"])
    wanted = lockfile.direct(lock)
    if everything:
        known = {item.name for item in wanted}
        wanted += [Direct(name, "(indirect)") for name in sorted(locked.keys() - known)]
    found = [
        Row(item.name, item.group, version, newest.get((item.name, version), version))
        for item in wanted
        for version in locked.get(item.name, [])
    ]
    return sorted(found, key=lambda row: (row.group, row.name, row.locked))


def to_json(found: list[Row]) -> str:
    """A list of objects with name, group, locked, latest and behind."""
    return json.dumps([{**asdict(row), "behind": row.behind} for row in found], indent=2)
