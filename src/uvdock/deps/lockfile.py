"""Reading `uv.lock`, never writing it: what is locked, and what changed between two locks."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

from uvdock.errors import UvdockError

#: The lock's schema; a uv refuses any other than its own (https://docs.astral.sh/uv/concepts/resolution/).
VERSION = 1


@dataclass(frozen=True)
class Direct:
    """A direct dependency of a workspace member as the lock names it.

    ``group`` is empty for `project.dependencies`, ``dev`` for a dependency group of that name, and
    ``extra: NAME`` for an optional dependency.
    """

    name: str
    group: str = ""


@dataclass(frozen=True)
class LockDiff:
    """What changed between two locks, by package; versions of one package are joined with a comma."""

    added: Mapping[str, str] = field(default_factory=dict)
    removed: Mapping[str, str] = field(default_factory=dict)
    changed: Mapping[str, tuple[str, str]] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return bool(self.added or self.removed or self.changed)

    def lines(self) -> list[str]:
        """The change for a person: ``+ name version``, ``- name version``, ``~ name old → new``."""
        return [
            *(f"+ {name} {version}" for name, version in sorted(self.added.items())),
            *(f"- {name} {version}" for name, version in sorted(self.removed.items())),
            *(f"~ {name} {old} → {new}" for name, (old, new) in sorted(self.changed.items())),
        ]

    def summary(self) -> str:
        """``2 added, 1 removed, 1 changed``, without what is none."""
        counts = (("added", self.added), ("removed", self.removed), ("changed", self.changed))
        return ", ".join(f"{len(items)} {word}" for word, items in counts if items)


@lru_cache(maxsize=2)
def _loaded(content: bytes) -> dict[str, Any]:
    # A lock is looked at before and after uv has worked, and reading one takes as long as a question to the engine.
    return tomllib.loads(content.decode("utf-8"))


def is_in_conflict(content: bytes) -> bool:
    """Whether a lock has the marks that git puts into a file that two branches changed."""
    return b"\n<<<<<<< " in content and b"\n>>>>>>> " in content


def parse(content: bytes, where: Path) -> dict[str, Any]:
    """A lock as plain data, to be read and not changed.

    Raises:
        UvdockError: It is no lock: empty, no TOML, without a version; or a newer uv's, with a schema not known here.
    """
    try:
        data = _loaded(content)
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        if is_in_conflict(content):
            raise UvdockError("uv.lock is in conflict: a merge left it so", where=str(where), fix=_SETTLE) from error
        raise UvdockError(f"uv.lock is damaged: {error}", where=str(where), fix=_REMAKE) from error
    if "version" not in data:
        what = "uv.lock is empty" if not content.strip() else "uv.lock is no lock of uv: it has no version"
        raise UvdockError(what, where=str(where), fix=_REMAKE)
    if data["version"] != VERSION:
        raise UvdockError(
            f"uv.lock was written by a newer uv: its version is {data['version']}, and only {VERSION} is known here",
            where=str(where),
            fix="use the uv that wrote it and a uvdock that knows it, or take the lock back from git",
        )
    return data


_SETTLE = "settle pyproject.toml and run deps.lock, which takes this side's lock from git and locks anew"
_REMAKE = "take it back from git (`git checkout uv.lock`), or delete it and run deps.lock for a new one"


def versions(data: Mapping[str, Any]) -> dict[str, str]:
    """Each locked package and its version; a lock with forks may hold several, joined with a comma.

    What comes from git has the commit behind it, in brackets.
    """
    found: dict[str, set[str]] = {}
    for package in data.get("package", []):
        found.setdefault(package["name"], set()).add(_version(package))
    return {name: ", ".join(sorted(items)) for name, items in found.items()}


def diff(before: Mapping[str, Any], after: Mapping[str, Any]) -> LockDiff:
    """What changed from one lock to another, both as `parse` gives them; an empty mapping is no lock.

    The workspace's own members are left out.
    """
    own = {item["name"] for lock in (before, after) for item in lock.get("package", []) if is_member(item, lock)}
    old, new = (
        {name: version for name, version in versions(lock).items() if name not in own} for lock in (before, after)
    )
    return LockDiff(
        added={name: new[name] for name in new.keys() - old.keys()},
        removed={name: old[name] for name in old.keys() - new.keys()},
        changed={name: (old[name], new[name]) for name in old.keys() & new.keys() if old[name] != new[name]},
    )


def direct(data: Mapping[str, Any]) -> list[Direct]:
    """The direct dependencies of every workspace member in the lock, in order, each group once."""
    found: dict[Direct, None] = {}
    manifest = data.get("manifest", {})
    # The groups of a workspace root that is no project itself.
    for group, items in manifest.get("dependency-groups", {}).items():
        found.update((Direct(item["name"], group), None) for item in items)
    for package in data.get("package", []):
        if not is_member(package, data):
            continue
        for item in package.get("dependencies", []):
            found[Direct(item["name"])] = None
        for extra, items in package.get("optional-dependencies", {}).items():
            found.update((Direct(item["name"], f"extra: {extra}"), None) for item in items)
        for group, items in package.get("dev-dependencies", {}).items():
            found.update((Direct(item["name"], group), None) for item in items)
    return list(found)


def required(data: Mapping[str, Any]) -> set[str]:
    """The names of everything that the workspace's members require, also where no environment needs it."""
    found = set()
    for package in data.get("package", []):
        said = package.get("metadata", {})
        if is_member(package, data):
            lists = [said.get("requires-dist", []), *said.get("requires-dev", {}).values()]
            found |= {item["name"] for items in lists for item in items}
    return found


def is_member(package: Mapping[str, Any], data: Mapping[str, Any]) -> bool:
    """Whether an entry of a lock is one of the workspace; a single project is its own, a path dependency is none."""
    manifest = data.get("manifest", {})
    if "members" in manifest:
        return package["name"] in manifest["members"]
    return "." in package.get("source", {}).values()


def _version(package: Mapping[str, Any]) -> str:
    """The version; of what git gives, which commit too, for a branch moves under the same version."""
    version = package.get("version") or _source_name(package)
    commit = str(package.get("source", {}).get("git", "")).rpartition("#")[2]
    return f"{version} ({commit[:8]})" if commit else version


def _source_name(package: Mapping[str, Any]) -> str:
    return next(iter(package.get("source", {})), "?")
