"""The repo's files that tools work on, as git has them: what it tracks and what it does not ignore."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from uvdock.project import folders_in

#: Where Invoke finds a repo's tasks; a new repo gets the first.
TASKS, TASKS_PACKAGE = "tasks.py", "tasks/__init__.py"
TASKS_TEXT = '''"""The tasks of this repo: `inv --list` shows them."""

from uvdock import ns

__all__ = ["ns"]
'''
_SHELLS = (b"sh", b"bash", b"dash", b"ksh")


def listed(root: Path) -> list[Path]:
    """Every file of the repo, relative to ``root`` and sorted; without git, all but hidden and installed ones."""
    from uvdock import process

    argv = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard", "--deduplicate"]
    found = process.capture(argv, cwd=root) if (root / ".git").exists() else None
    if found is None or found.code != 0:
        return sorted(path.relative_to(root) for path in walk(root, depth=8))
    names = (os.fsdecode(name) for name in found.stdout.split(b"\0") if name)
    return sorted(Path(name) for name in names if (root / name).is_file())


def walk(root: Path, depth: int) -> Iterator[Path]:
    """The files below ``root`` without git's help, at most ``depth`` folders deep."""
    try:
        with os.scandir(root) as entries:
            names = sorted(entry.name for entry in entries if entry.is_file())
    except OSError:
        return
    yield from (root / name for name in names)
    for folder in folders_in(root) if depth else ():
        yield from walk(folder, depth - 1)


def is_dockerfile(path: Path) -> bool:
    """``Dockerfile``, ``Dockerfile.prod``, ``app.Dockerfile``; not its ``.dockerignore``."""
    name = path.name.lower()
    if path.suffix == ".py":
        return False
    return (name.split(".")[0] == "dockerfile" or name.endswith(".dockerfile")) and not name.endswith(".dockerignore")


def is_shell(path: Path) -> bool:
    """A shell script, by its suffix or, without one, by its first line."""
    if path.suffix in (".sh", ".bash"):
        return True
    if path.suffix:
        return False
    try:
        with path.open("rb") as file:
            line = file.readline(200)
    except OSError:
        return False
    # No pattern: making one takes longer than the listing of all tasks may.
    start, _, rest = line.partition(b"#!")
    program, *words = rest.split() or [b""]
    folder, _, name = program.rpartition(b"/")
    if name == b"env":
        name = next((word for word in words if word != b"-S"), b"")
    return not start and folder.startswith(b"/") and name in _SHELLS
