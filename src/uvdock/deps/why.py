"""Why a package is in the lock: every path from what a manifest asks for to it."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from packaging.requirements import Requirement

from uvdock.deps import core_metadata, lockfile

#: The version of the JSON's form.
SCHEMA = 1


@dataclass(frozen=True)
class PackageNode:
    """A package of the lock, or one of its extras."""

    name: str
    version: str
    extra: str = ""


@dataclass(frozen=True)
class Hop:
    """One package on a path.

    Args:
        name: The package.
        version: Its locked version; empty for one of the workspace without one.
        extras: The extras of it that are asked for.
        bound: The specifiers with which the package before it on the path asks for it; empty for none, ``?`` when
            nobody could tell.
        group: How the manifest asks for it, where the path starts there; as `Declared.group`.
    """

    name: str
    version: str
    extras: tuple[str, ...] = ()
    bound: str = ""
    group: str = ""


Path = tuple[Hop, ...]


def paths(lock: Mapping[str, Any], name: str, most: int) -> tuple[list[Path], bool]:
    """Every path from a manifest of the project to a package.

    Args:
        lock: The lock, as `lockfile.parse` gives it.
        name: The package.
        most: How many paths to look for.

    Returns:
        The paths, the shortest first, each from the workspace's member to the package, without bounds; and whether
        there are more.
    """
    graph = _Graph(lock, name)
    found = list(itertools.islice(graph.paths(), most + 1))
    return sorted(found[:most], key=lambda path: (len(path), [hop.name for hop in path])), len(found) > most


def asking(lock: Mapping[str, Any], found: Iterable[Path]) -> list[Mapping[str, Any]]:
    """The entries of the lock whose requirements the paths need: all but each path's last."""
    wanted = {(hop.name, hop.version) for path in found for hop in path[:-1]}
    return [item for item in lock.get("package", []) if (item["name"], item.get("version", "")) in wanted]


def bounded(path: Path, asked: Mapping[tuple[str, str], Sequence[Requirement]]) -> Path:
    """A path with the bound of each step on it."""
    hops = [path[0]]
    for before, hop in itertools.pairwise(path):
        known = asked.get((before.name, before.version))
        told = (
            []
            if known is None
            else [str(item.specifier) for item in core_metadata.on(hop.name, known) if _meant(item, before)]
        )
        # One package may ask for another in several lines, for several Pythons.
        bound = "?" if known is None else " or ".join(dict.fromkeys(text for text in told if text))
        hops.append(Hop(hop.name, hop.version, hop.extras, bound, hop.group))
    return tuple(hops)


def line(path: Path) -> str:
    """A path for a person: ``app → celery[redis]>=5.6,<6 (5.7.0) → redis>=4.5 (6.4.0)``."""
    first, *rest = path
    start = f"{first.name} ({rest[0].group})" if rest and rest[0].group else first.name
    return " → ".join([start, *(f"{hop.name}{_extras(hop)}{hop.bound} ({hop.version})" for hop in rest)])


def to_json(name: str, versions: Sequence[str], found: Iterable[Path], *, more: bool) -> str:
    """An object with ``schema``, the package, its versions, the paths as lists of `Hop`, and whether there are more."""
    listed = [[{**asdict(hop), "extras": list(hop.extras)} for hop in path] for path in found]
    return json.dumps(
        {"schema": SCHEMA, "package": name, "versions": list(versions), "paths": listed, "more": more}, indent=2
    )


class _Graph:
    """What needs what in a lock, on the way to one package."""

    def __init__(self, lock: Mapping[str, Any], name: str) -> None:
        self.lock = lock
        self.name = name
        self.entries = {(item["name"], item.get("version", "")): item for item in lock.get("package", [])}
        self.useful = self._above()

    def paths(self) -> Iterator[Path]:
        """The paths from each member of the workspace."""
        for member in self.entries.values():
            if lockfile.is_member(member, self.lock):
                start = (Hop(member["name"], member.get("version", "")),)
                for group, edge in _asked(member):
                    yield from self._on(edge, start, group)

    def _on(self, edge: Mapping[str, Any], path: Path, group: str = "") -> Iterator[Path]:
        """The paths that go on over an edge, none through the same package twice."""
        entry = self._entry(edge)
        if entry is None or any(hop.name == entry["name"] for hop in path):
            return
        version, extras = entry.get("version", ""), _asked_extras(edge)
        further = (*path, Hop(entry["name"], version, extras, group=group))
        if entry["name"] == self.name:
            yield further
            return
        after: dict[tuple[str, str], Mapping[str, Any]] = {}
        for extra in ("", *extras):
            for item in _edges(entry, extra) if PackageNode(entry["name"], version, extra) in self.useful else ():
                # An extra may ask for a package that is needed anyway, with an extra of its own: that is one step.
                key = (item["name"], item.get("version", ""))
                both = (*_asked_extras(after.get(key, {})), *_asked_extras(item))
                after[key] = {**item, "extra": list(dict.fromkeys(both))}
        for item in after.values():
            yield from self._on(item, further)

    def _above(self) -> set[PackageNode]:
        """The packages, and extras of packages, from which a path leads to the one in question."""
        above: dict[PackageNode, set[PackageNode]] = {}
        for item in self.entries.values():
            for extra in ("", *item.get("optional-dependencies", {})):
                node = PackageNode(item["name"], item.get("version", ""), extra)
                for edge in _edges(item, extra):
                    entry = self._entry(edge)
                    for asked in ("", *_asked_extras(edge)) if entry is not None else ():
                        below = PackageNode(edge["name"], (entry or {}).get("version", ""), asked)
                        above.setdefault(below, set()).add(node)
        found: set[PackageNode] = set()
        waiting = [node for node in above if node.name == self.name]
        while waiting:
            for before in above.get(waiting.pop(), set()) - found:
                found.add(before)
                waiting.append(before)
        return found

    def _entry(self, edge: Mapping[str, Any]) -> Mapping[str, Any] | None:
        """The entry that an edge leads to; it names a version only where there are several."""
        if "version" in edge:
            return self.entries.get((edge["name"], edge["version"]))
        return next((item for (name, _), item in self.entries.items() if name == edge["name"]), None)


def _asked(member: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """What a member of the workspace asks for, with the group."""
    yield from (("", edge) for edge in member.get("dependencies", []))
    for extra, edges in member.get("optional-dependencies", {}).items():
        yield from ((f"extra: {extra}", edge) for edge in edges)
    for group, edges in member.get("dev-dependencies", {}).items():
        yield from ((group, edge) for edge in edges)


def _edges(entry: Mapping[str, Any], extra: str) -> Sequence[Mapping[str, Any]]:
    found = entry.get("optional-dependencies", {}).get(extra, []) if extra else entry.get("dependencies", [])
    return list(found)


def _asked_extras(edge: Mapping[str, Any]) -> tuple[str, ...]:
    return tuple(edge.get("extra", ()))


def _meant(item: Requirement, before: Hop) -> bool:
    """Whether a requirement is asked for by the extras on the path, as far as its marker speaks of extras."""
    marker = str(item.marker or "")
    if "extra" not in marker:
        return True
    return any(item.marker is not None and f'extra == "{extra}"' in marker for extra in before.extras)


def _extras(hop: Hop) -> str:
    return f"[{','.join(hop.extras)}]" if hop.extras else ""
