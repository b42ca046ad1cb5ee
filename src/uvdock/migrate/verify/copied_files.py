"""What a Dockerfile copies has to be in the build's context: told by the files of the repo, without an engine."""

from __future__ import annotations

import os
from collections.abc import Collection, Mapping
from pathlib import Path

from uvdock.engine.ignore import Ignored
from uvdock.formats.dockerfile.parser import parse


def missing(path: Path, text: str, files: Collection[Path], ignores: Mapping[Path, str]) -> set[str]:
    """The sources of a Dockerfile that no context has in which it may be built: its own folder, or one above.

    Args:
        path: The Dockerfile, from the repo root.
        text: Its text.
        files: All files of the repo.
        ignores: The texts of the `.dockerignore` files.

    Returns:
        What it copies or mounts. Patterns, variables and addresses are taken to be there.
    """
    there = {*files, *(folder for file in files for folder in file.parents)}
    found: set[str] = set()
    for item in parse(text):
        mounts = [mount["source"] for mount in item.mounts if mount["type"] == "bind" and not mount.get("from")]
        for name in (*item.from_context, *mounts):
            plain = not set("$*?[<") & set(name) and "://" not in name
            if plain and not any(_is_in(context, name, path, there, ignores) for context in path.parents):
                found.add(name)
    return found


def _is_in(context: Path, name: str, dockerfile: Path, there: Collection[Path], ignores: Mapping[Path, str]) -> bool:
    """Whether a source is in a context, and its `.dockerignore` lets it in."""
    source = Path(os.path.normpath(context / name.lstrip("/")))
    if source not in there:
        return False
    own = dockerfile.with_name(f"{dockerfile.name}.dockerignore")
    ignored = Ignored(ignores.get(own, ignores.get(context / ".dockerignore", "")).splitlines())
    inside = source.relative_to(context).as_posix()
    return inside == "." or not ignored.excludes(inside)
