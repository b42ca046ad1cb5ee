"""Lock sync, the host's half: manifests change together, whole, with their owner and mode, or not at all."""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from uvdock import dry
from uvdock.errors import UvdockError


@dataclass(frozen=True)
class Snapshot:
    """The bytes of some files at one moment; ``None`` for a file that was not there."""

    files: Mapping[Path, bytes | None]

    @classmethod
    def take(cls, paths: list[Path]) -> Snapshot:
        """Read ``paths`` now.

        Raises:
            UvdockError: One of them is there and cannot be read.
        """
        return cls({path: _read(path) for path in paths})

    def changed(self) -> list[Path]:
        """The files that are no longer as they were."""
        return [path for path, content in self.files.items() if _read(path) != content]

    def restore(self) -> list[Path]:
        """Put back every file that changed, and remove the ones that were not there; returns them."""
        changed = self.changed()
        replace_all({path: content for path in changed if (content := self.files[path]) is not None})
        for path in changed:
            if self.files[path] is None:
                path.unlink(missing_ok=True)
        return changed


def prepare(lock: Path) -> None:
    """Do ahead what `hold` and the first look at a lock begin with, for who waits for something else meanwhile."""
    import filelock  # noqa: F401 - loaded for `hold`

    from uvdock.deps import lockfile

    # What is wrong with it is told where it is needed; `conflict.settled` may come before that.
    with suppress(UvdockError, OSError):
        lockfile.parse(lock.read_bytes(), lock)


@contextmanager
def hold(folder: Path) -> Iterator[None]:
    """Only one uvdock at a time changes the manifests of the project in ``folder``; others wait here."""
    if dry.on():
        yield
        return
    from filelock import FileLock

    name = hashlib.sha256(str(folder.resolve()).encode()).hexdigest()[:16]
    place = Path(tempfile.gettempdir()) / f"uvdock-{os.getuid() if hasattr(os, 'getuid') else 'user'}"
    place.mkdir(mode=0o700, exist_ok=True)
    with FileLock(place / f"{name}.lock"):
        yield


def replace_all(contents: Mapping[Path, bytes]) -> None:
    """Replace several files: all of them, or, when anything fails, none.

    New content is written beside each file and made durable first; only then is one after the other renamed
    into place. Owner and mode of an existing file stay; a new one gets those of the manifest beside
    it, or its folder's owner where there is none.

    Raises:
        UvdockError: A folder is read-only, the disk is full, ...; every file is as it was.
    """
    targets = {Path(os.path.realpath(path)): content for path, content in contents.items()}
    written: dict[Path, Path] = {}
    # What is needed to undo is on the disk before anything changes: a rename needs no space.
    kept: dict[Path, Path] = {}
    done: list[Path] = []
    try:
        before = {path: _read(path) for path in targets}
        for path, content in targets.items():
            written[path] = _write_beside(path, content)
            if (old := before[path]) is not None:
                kept[path] = _write_beside(path, old)
        for path, temp in written.items():
            temp.replace(path)
            done.append(path)
        for folder in {path.parent for path in targets}:
            _sync_folder(folder)
    except OSError as error:
        for path in done:
            if path in kept:
                kept[path].replace(path)
            else:
                path.unlink(missing_ok=True)
        names = ", ".join(path.name for path in targets)
        raise UvdockError(
            f"{names} could not be written: {error.strerror or error}",
            where=str(error.filename or next(iter(targets))),
            fix="make the folder writable or free some space, then run it again; every file is as it was",
        ) from error
    finally:
        for temp in (*written.values(), *kept.values()):
            temp.unlink(missing_ok=True)


def _write_beside(path: Path, content: bytes) -> Path:
    beside = (path.parent / name for name in ("pyproject.toml", "package.json"))
    model = next((file for file in (path, *beside) if file.exists()), path.parent)
    like = model.stat()
    mode = like.st_mode & (0o777 if model == path else 0o666)
    handle, name = tempfile.mkstemp(prefix=f".{path.name}.", suffix=".tmp", dir=path.parent)
    temp = Path(name)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        temp.chmod(mode)
        mine = temp.stat()
        if (mine.st_uid, mine.st_gid) != (like.st_uid, like.st_gid):
            # Only root gives files away; a user's own new file is theirs, as if they had made it by hand.
            with suppress(PermissionError):
                os.chown(temp, like.st_uid, like.st_gid)
    except BaseException:
        temp.unlink()
        raise
    return temp


def _sync_folder(folder: Path) -> None:
    try:
        handle = os.open(folder, os.O_RDONLY)
    except OSError:
        return
    try:
        with suppress(OSError):
            os.fsync(handle)
    finally:
        os.close(handle)


def _read(path: Path) -> bytes | None:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise UvdockError(
            f"{path.name} cannot be read: {error.strerror}", where=str(path), fix="make it readable for you"
        ) from error
