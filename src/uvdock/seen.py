"""What tells whether a file or a folder still says what it said when something was decided by it.

A file is known by its content and by where it really is, not by its time of change: editors, git and formatters
write files that say what they said before. A folder is known by the folders in it. It imports nothing heavy.
"""

from __future__ import annotations

import os

try:
    # What `hashlib` gives; to import that takes longer than all files here take to read.
    from _blake2 import blake2b
except ImportError:
    from hashlib import blake2b

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

#: Folders that hold nothing of the repo's own.
SKIPPED = frozenset(("node_modules", "__pycache__", "site-packages", "build", "dist"))
#: What makes a folder a project, or an environment.
_MARKS = ("pyproject.toml", "pyvenv.cfg")
_KIND, _FOLDER, _FILE = 0o170000, 0o040000, 0o100000


def digest(*texts: str) -> str:
    """A short text that stands for others, in their order, and does not tell them."""
    return blake2b(repr(texts).encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()


def file(name: str) -> str | None:
    """What a file says, as a short text; ``None`` where there is none, or a link that leads nowhere.

    Args:
        name: Its whole path.
    """
    try:
        kind = os.stat(name).st_mode & _KIND
        # Git changes its own folder all the time; that it is there is what counts.
        if kind == _FOLDER or name.endswith("/.git"):
            return "there"
        if kind != _FILE:
            return "neither file nor folder"
        with open(name, "rb") as opened:
            content = blake2b(opened.read(), digest_size=16).hexdigest()
    except (OSError, ValueError) as error:
        return "unreadable" if isinstance(error, PermissionError) else None
    real = os.path.realpath(name)
    return content if real == name else f"{content} {real}"


def changed_since(name: str, moment: int) -> bool:
    """Whether a file was written, or came to its place, after a moment (in nanoseconds); its folder is not asked."""
    try:
        found = os.stat(name)
    except (OSError, ValueError):
        return False
    # The clock of a file system goes in steps of some milliseconds.
    return found.st_mode & _KIND == _FILE and max(found.st_mtime_ns, found.st_ctime_ns) > moment - 10_000_000


def folder(name: str) -> str | None:
    """Which folders are in a folder, and which of them are projects; ``None`` where it cannot be listed.

    Files come and go in it without a change here.
    """
    found = []
    try:
        with os.scandir(name) as entries:
            for entry in entries:
                if entry.name.startswith(".") or entry.name in SKIPPED or not entry.is_dir():
                    continue
                real = os.path.realpath(entry.path) if entry.is_symlink() else ""
                marks = [mark for mark in _MARKS if os.path.exists(f"{entry.path}/{mark}")]
                found.append(repr((entry.name, real, marks)))
    except OSError:
        return None
    return digest(*sorted(found))


def variables(names: Iterable[str]) -> str:
    """The values of variables of the environment, as a short text that does not tell them."""
    return digest(*(repr(os.environ.get(name)) for name in sorted(names)))
