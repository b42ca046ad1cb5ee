"""Reading the repo for `uvdock init`, and writing what was planned: all of it, or nothing."""

from __future__ import annotations

import os
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from uvdock.deps.sync import Snapshot, hold, replace_all
from uvdock.errors import UvdockError
from uvdock.files import TASKS, TASKS_PACKAGE, listed
from uvdock.init.manifest import PYPROJECT
from uvdock.init.plan import SOURCES, InitPlan, State
from uvdock.project import find_compose_files
from uvdock.settings import FILE, Settings

#: Of a text that a person wrote, bytes.
_LARGEST = 2**18
#: What else says which kind of repo it is.
_SIGNS = ("Dockerfile", PYPROJECT, FILE, "package.json", ".env", TASKS, TASKS_PACKAGE, *SOURCES)


@dataclass(frozen=True)
class Look:
    """The repo as it is now, and the bytes that say so."""

    root: Path
    state: State
    snapshot: Snapshot


def look(root: Path, settings: Settings, always: Iterable[str], everything: Iterable[str]) -> Look:
    """Read what the plan needs of the repo; changes nothing.

    Args:
        root: The repo's root.
        settings: Its settings.
        always: The names of the tasks that uvdock always has.
        everything: Those and the ones it has in this repo.

    Raises:
        UvdockError: A file is there and cannot be read.
    """
    compose = find_compose_files(root, settings, os.environ)
    there = _names(root)
    names = [name for name in (PYPROJECT, FILE, TASKS, TASKS_PACKAGE, *SOURCES) if name in there]
    paths = {name: root / name for name in names}
    # What is not there yet is looked at again too, before it is written.
    snapshot = Snapshot.take([*paths.values(), root / PYPROJECT, root / FILE, root / TASKS])
    files = {name: _text(path, snapshot) for name, path in paths.items()}
    seen = tuple(_shown(path, root) for path in compose) + tuple(name for name in _SIGNS if name in there)
    tasks = frozenset(always)
    ready, others = frozenset(everything) - tasks, _others(root) if files.keys() & SOURCES.keys() else {}
    return Look(root, State(files, tasks, ready, seen, bool(compose), str(root), others), snapshot)


def write(seen: Look, plan: InitPlan) -> list[Path]:
    """Write the plan's files, all or none.

    Returns:
        The files.

    Raises:
        UvdockError: A file changed since it was read, or one cannot be written; every file is as it was.
    """
    with hold(seen.root):
        if changed := seen.snapshot.changed():
            raise UvdockError(
                f"{', '.join(path.name for path in changed)} changed in the meantime",
                where=str(changed[0]),
                fix="run it again; nothing was written",
            )
        paths = {seen.root / edit.name: edit.after.encode() for edit in plan.edits}
        replace_all(paths)
    return list(paths)


def _others(root: Path) -> dict[str, str]:
    """The repo's texts in which one of the files may be called: all but themselves, and what is too large for one."""
    found = {}
    for name in map(str, listed(root)):
        if name in SOURCES:
            continue
        with suppress(OSError):
            path = root / name
            content = path.read_bytes() if path.stat().st_size < _LARGEST else b"\0"
            if b"\0" not in content:
                found[name] = content.decode(errors="replace")
    return found


def _names(root: Path) -> frozenset[str]:
    """The names that are there, spelled as they are: some file systems find `Makefile` as `makefile` too."""
    try:
        names = {path.name for path in root.iterdir() if path.is_file()}
    except OSError as error:
        raise UvdockError(
            f"the folder cannot be read: {error.strerror}", where=str(root), fix="make it readable for you"
        ) from error
    return frozenset(names | ({TASKS_PACKAGE} if (root / TASKS_PACKAGE).is_file() else set()))


def _text(path: Path, snapshot: Snapshot) -> str:
    try:
        return (snapshot.files[path] or b"").decode()
    except UnicodeDecodeError as error:
        raise UvdockError(
            f"{path.name} cannot be read: it is no UTF-8 text", where=str(path), fix="save it as UTF-8, or move it away"
        ) from error


def _shown(path: Path, root: Path) -> str:
    return str(path.relative_to(root)) if path.is_relative_to(root) else str(path)
