"""What a lock changed against an older one, told for a person, a pull request or a program."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from uvdock.deps import lockfile
from uvdock.deps.requirement import step

#: The version of the JSON's form.
SCHEMA = 1
_SIGNS = {"added": "+", "removed": "-", "changed": "~"}


@dataclass(frozen=True)
class Changed:
    """One package that is not as it was.

    Args:
        name: The package.
        change: ``added``, ``removed`` or ``changed``.
        old: Its version before; empty when it was not there. Several versions are joined with a comma.
        new: Its version now; empty when it is there no more.
        kind: ``major``, ``minor``, ``patch``, ``pre``, ``down`` for an older version; empty where that makes no
            sense.
        direct: Whether a manifest asks for it, now or before.
    """

    name: str
    change: str
    old: str
    new: str
    kind: str
    direct: bool


def changes(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[Changed]:
    """What changed between two locks as `lockfile.parse` gives them: direct ones first, then by name.

    The workspace's own members are left out.
    """
    diff = lockfile.diff(before, after)
    direct = {item.name for lock in (before, after) for item in lockfile.direct(lock)}
    found = [
        *(Changed(name, "added", "", version, "", name in direct) for name, version in diff.added.items()),
        *(Changed(name, "removed", version, "", "", name in direct) for name, version in diff.removed.items()),
        *(
            Changed(name, "changed", old, new, _kind(old, new), name in direct)
            for name, (old, new) in diff.changed.items()
        ),
    ]
    return sorted(found, key=lambda item: (not item.direct, item.name))


def summary(found: Iterable[Changed]) -> str:
    """``2 added, 1 removed, 3 changed``; ``nothing changed``."""
    listed = list(found)
    counts = {word: sum(item.change == word for item in listed) for word in _SIGNS}
    return ", ".join(f"{count} {word}" for word, count in counts.items() if count) or "nothing changed"


def lines(found: Iterable[Changed]) -> list[str]:
    """For a terminal: under ``direct`` and ``transitive``, a line for each with its sign in front."""
    listed = list(found)
    shown = []
    for title, part in _parts(listed):
        shown += [title, *(f"  {_SIGNS[item.change]} {item.name} {_versions(item)}" for item in part)]
    return shown


def markdown(found: Iterable[Changed], title: str) -> str:
    """For a pull request: a heading with the counts, and a table for the direct and one for the other packages."""
    listed = list(found)
    shown = [f"### {title}: {summary(listed)}"]
    for name, part in _parts(listed):
        shown += ["", f"**{name}** ({len(part)})", "", "| Package | Was | Is | Step |", "|---|---|---|---|"]
        shown += [
            f"| {item.name} | {item.old or '–'} | {item.new or '–'} | {item.kind or item.change} |" for item in part
        ]
    return "\n".join(shown)


def to_json(found: Iterable[Changed], project: str, ref: str) -> dict[str, Any]:
    """The fields of `Changed` for each package, with the project's folder and what it was compared to."""
    return {"project": project, "ref": ref, "packages": [asdict(item) for item in found]}


def dumps(projects: Iterable[Mapping[str, Any]]) -> str:
    """Several of them as one object with ``schema`` and ``projects``."""
    return json.dumps({"schema": SCHEMA, "projects": list(projects)}, indent=2)


def _parts(found: Iterable[Changed]) -> list[tuple[str, list[Changed]]]:
    listed = list(found)
    parts = [("direct", [item for item in listed if item.direct])]
    parts.append(("transitive", [item for item in listed if not item.direct]))
    return [(title, part) for title, part in parts if part]


def _versions(item: Changed) -> str:
    if item.change == "changed":
        return f"{item.old} → {item.new}" + (f" ({item.kind})" if item.kind else "")
    return item.old or item.new


def _kind(old: str, new: str) -> str:
    return step(old, new) or ("down" if step(new, old) else "")
