"""Telling what was asked for from what only came along, in a file that lists everything that was installed."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from pathlib import Path

from packaging.utils import canonicalize_name

from uvdock.migrate.discover.requirement_files import looks_frozen
from uvdock.migrate.discover.sources import reachable
from uvdock.migrate.lock import groups
from uvdock.migrate.lock.project import ProjectMigration
from uvdock.migrate.lock.uv import Locked, Uv, needed_by
from uvdock.migrate.lock.version_drift import UNLISTED, Old
from uvdock.migrate.model import Notice

_IMPORT = re.compile(r"^[ \t]*(?:from|import)[ \t]+([A-Za-z_]\w*)", re.MULTILINE)


def imported(texts: Mapping[Path, str], folder: Path) -> frozenset[str]:
    """The modules that the code in a folder imports, by the names that packages of the same name have."""
    code = (text for path, text in texts.items() if path.suffix == ".py" and path.is_relative_to(folder))
    return frozenset(canonicalize_name(name) for text in code for name in _IMPORT.findall(text))


def settle(work: ProjectMigration, locked: Locked, uv: Uv, imports: frozenset[str] = frozenset()) -> list[Notice]:
    """Leave to the lock what only came along, in each file that reads as `pip freeze` printed it.

    A file is frozen when `looks_frozen` says so and it lists all that its packages need. The graph of
    ``locked``, where everything in it is a direct dependency still, tells which ones nothing else needs. What the
    code itself imports (``imports``) was asked for too.

    Returns:
        What was assumed, a note for each such file; nothing where there is none.
    """
    version = work.python.version
    parents = needed_by(locked.data, version)
    layout = work.layout()
    notes = []
    for path, node in work.nodes.items():
        if node.whole or not looks_frozen(node):
            continue
        installed = uv.installed(layout.flags[path], version)
        given = {entry.wanted.key for entry in node.entries}
        if isinstance(installed, str) or not installed.keys() <= given | UNLISTED | work.declared:
            continue
        node.whole = True
        direct = choose(given, parents, work.declared) | (given & imports)
        along = [entry for entry in node.entries if entry.wanted.key not in direct and not entry.wanted.source]
        if not along:
            continue
        node.entries = [entry for entry in node.entries if entry not in along]
        kept = ", ".join(entry.wanted.name for entry in node.entries) or "none"
        what = (
            f"read as what `pip freeze` printed: {len(along)} packages that others need are left to uv.lock; "
            f"taken for asked for, since nothing else needs them or the code imports them: {kept}"
        )
        notes.append(Notice(path, 0, "note", what, "`uv add` what your own code imports besides these"))
    return notes


def choose(given: set[str], parents: Mapping[str, set[str]], declared: frozenset[str] = frozenset()) -> set[str]:
    """The packages of ``given`` from which all others follow.

    Args:
        given: The packages of the file.
        parents: For each package, those that need it.
        declared: Packages that the project asks for elsewhere.
    """
    children = defaultdict[str, set[str]](set)
    for name, who in parents.items():
        for one in who & (given | declared):
            children[one].add(name)
    direct = {name for name in given if not (parents.get(name, set()) - {name}) & (given | declared)}
    while missing := given - {*reachable(direct | declared, children.__getitem__)}:
        # Packages that need each other in a ring: one of them was asked for.
        direct.add(min(missing))
    return direct


def old_files(work: ProjectMigration) -> Iterator[Old]:
    """What each old file installed, for those that pin anything."""
    files = {**work.outside, **work.nodes}
    for path, node in work.nodes.items():
        nodes = [files[one] for one in groups.closure(path, files)]
        pins = [pin for one in nodes for pin in one.pins]
        if pins:
            given = {entry.wanted.key for one in nodes for entry in one.entries if entry.wanted.source}
            whole = node.whole and all(one.whole or not one.entries for one in nodes)
            itself = any(one.itself is not None for one in nodes)
            own = work.declared if itself else frozenset()
            yield Old(path, pins, whole and not itself, frozenset(given) | own)
