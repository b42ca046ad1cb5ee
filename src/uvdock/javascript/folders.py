"""Which folders of a repo have JavaScript: asked whenever tasks are listed, so it reads no file and imports little."""

from __future__ import annotations

from pathlib import Path

from uvdock.project import folders_in

MANIFEST = "package.json"
#: How deep below the repo root a package.json is looked for.
_DEPTH = 3


def folders(root: Path, depth: int = _DEPTH) -> list[Path]:
    """The folders with a package.json, from ``root`` down; of nested ones, the outer one. Reads no file."""
    if (root / MANIFEST).is_file():
        return [root]
    if depth == 0:
        return []
    return [found for child in folders_in(root) for found in folders(child, depth - 1)]
