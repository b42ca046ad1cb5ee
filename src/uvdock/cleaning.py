"""Which by-products may be removed: only what git ignores, and only what a listed pattern names."""

from __future__ import annotations

import fnmatch
import os
import shutil
from collections.abc import Sequence
from pathlib import Path

from uvdock import process
from uvdock.errors import UvdockError


def find(root: Path, patterns: Sequence[str]) -> list[Path]:
    """What is ignored by git below ``root`` and named by a pattern, relative to ``root``, sorted.

    Args:
        root: The repo root; git must know it.
        patterns: Names (``__pycache__``, ``*.pyc``) or paths from the root (``build/*.map``), with wildcards.

    Raises:
        UvdockError: This is no git repo, so nobody can say what is by-product and what is work.
    """
    argv = ["git", "status", "--ignored=matching", "--porcelain", "-z", "--untracked-files=all"]
    found = process.capture(argv, cwd=root)
    if found.code != 0:
        raise UvdockError(
            f"git cannot say what it ignores: {found.error_text}",
            where=str(root),
            fix="run this in a git repo: only what git ignores is ever removed",
        )
    entries = (os.fsdecode(entry) for entry in found.stdout.split(b"\0"))
    ignored = [Path(entry[3:]) for entry in entries if entry.startswith("!! ")]
    return sorted({hit for path in ignored for hit in _hits(root, path, patterns)})


def remove(root: Path, paths: Sequence[Path]) -> None:
    """Remove files and whole folders; a link itself and never what it points to.

    Raises:
        UvdockError: One of them cannot be removed; says which.
    """
    for path in paths:
        full = root / path
        try:
            if full.is_dir() and not full.is_symlink():
                shutil.rmtree(full)
            else:
                full.unlink(missing_ok=True)
        except OSError as error:
            raise UvdockError(
                f"{path} could not be removed: {error.strerror}",
                where=str(error.filename or full),
                fix="make it yours (a container may have written it as another user), then run it again",
            ) from error


def _hits(root: Path, path: Path, patterns: Sequence[str]) -> list[Path]:
    """An ignored path where a pattern names it; of an ignored folder that none names, nothing within is looked at."""
    full = root / path
    if not full.resolve().is_relative_to(root.resolve()) and not full.is_symlink():
        return []
    named = any(fnmatch.fnmatch(path.name, pattern) or fnmatch.fnmatch(str(path), pattern) for pattern in patterns)
    return [path] if named else []
