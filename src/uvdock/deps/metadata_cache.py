"""What never changes, kept in the user's cache folder: what releases require, which images were proved."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from threading import Lock, get_ident

from uvdock.env import cache_folder

#: More entries than these are not kept.
KEPT = 5000
#: The requirement lines of releases, by the hash of their files: the metadata of a released file never changes.
METADATA = "metadata.json"
_WRITING = Lock()


def read(name: str = METADATA) -> dict[str, list[str]]:
    """The lines by their key; nothing where there is no cache or it is damaged.

    Args:
        name: The file in the cache folder.
    """
    try:
        found = json.loads(_path(name).read_bytes())
    except (OSError, ValueError):
        return {}
    entries = found.items() if isinstance(found, dict) else ()
    return {key: lines for key, lines in entries if isinstance(lines, list) and all(isinstance(x, str) for x in lines)}


def add(new: Mapping[str, Sequence[str]], name: str = METADATA) -> None:
    """Keep more of them, the newest last; a cache that cannot be written is none, and nothing more."""
    path = _path(name)
    made = path.with_name(f"{path.name}.{os.getpid()}.{get_ident()}")
    with _WRITING:
        entries = [*((key, value) for key, value in read(name).items() if key not in new), *new.items()]
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            made.write_text(json.dumps(dict(entries[-KEPT:])), encoding="utf-8")
            made.replace(path)
        except OSError:
            with suppress(OSError):
                made.unlink()


def _path(name: str) -> Path:
    return Path(cache_folder(), name)
