"""What releases require, kept in the user's cache folder: the metadata of a released file never changes."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

#: More releases than these are not kept.
KEPT = 5000


def read() -> dict[str, list[str]]:
    """The requirement lines by the hash of a release's file; nothing where there is no cache or it is damaged."""
    try:
        found = json.loads(_path().read_bytes())
    except (OSError, ValueError):
        return {}
    entries = found.items() if isinstance(found, dict) else ()
    return {key: lines for key, lines in entries if isinstance(lines, list) and all(isinstance(x, str) for x in lines)}


def add(new: Mapping[str, Sequence[str]]) -> None:
    """Keep more of them, the newest last; a cache that cannot be written is none, and nothing more."""
    entries = [*((key, value) for key, value in read().items() if key not in new), *new.items()]
    path = _path()
    made = path.with_name(f"{path.name}.{os.getpid()}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        made.write_text(json.dumps(dict(entries[-KEPT:])), encoding="utf-8")
        made.replace(path)
    except OSError:
        with suppress(OSError):
            made.unlink()


def _path() -> Path:
    from uvdock.completion.store import folder

    return Path(folder(), "metadata.json")
