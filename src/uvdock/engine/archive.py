"""Files in and out of containers as tar archives, the form the engine's archive API takes."""

from __future__ import annotations

import io
import tarfile
import time
from collections.abc import Iterable, Mapping
from pathlib import PurePosixPath


def pack(folders: Iterable[PurePosixPath], files: Mapping[PurePosixPath, bytes], uid: int = 0, gid: int = 0) -> bytes:
    """An archive of ``folders`` and ``files``, all owned by ``uid`` and ``gid``.

    Folders come first and carry the owner too, so that a user who is not root can write in them: uv renames
    its lock into place and needs the folder for that.
    """
    now = int(time.time())
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for folder in folders:
            entry = _entry(folder, 0o755, uid, gid, now)
            entry.type = tarfile.DIRTYPE
            archive.addfile(entry)
        for name, content in files.items():
            entry = _entry(name, 0o644, uid, gid, now)
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))
    return buffer.getvalue()


def unpack(archive: bytes) -> dict[PurePosixPath, bytes]:
    """The regular files of an archive, by path relative to the folder that was asked for."""
    found: dict[PurePosixPath, bytes] = {}
    with tarfile.open(fileobj=io.BytesIO(archive)) as opened:
        for entry in opened:
            if not entry.isfile():
                continue
            content = opened.extractfile(entry)
            if content is not None:
                found[PurePosixPath(*PurePosixPath(entry.name).parts[1:] or (entry.name,))] = content.read()
    return found


def owner(archive: bytes) -> tuple[int, int]:
    """The numbers of the user and the group that own the first entry of an archive."""
    with tarfile.open(fileobj=io.BytesIO(archive)) as opened:
        first = next(iter(opened))
        return first.uid, first.gid


def _entry(name: PurePosixPath, mode: int, uid: int, gid: int, now: int) -> tarfile.TarInfo:
    entry = tarfile.TarInfo(str(name).lstrip("/"))
    entry.mode, entry.uid, entry.gid, entry.mtime = mode, uid, gid, now
    return entry
