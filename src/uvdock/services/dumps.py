"""Files with a dump in them: written whole or not at all, and looked at before a database is touched."""

from __future__ import annotations

import gzip
import os
import shutil
import tempfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import IO

from uvdock.errors import UvdockError

_PART = 2**16
_GZIP = b"\x1f\x8b"
#: How the programs that make dumps begin and end them, by family.
_MARKS: dict[str, tuple[tuple[bytes, ...], bytes]] = {
    "PostgreSQL": ((b"-- PostgreSQL database dump",), b"-- PostgreSQL database dump complete"),
    "MySQL": ((b"-- MySQL dump", b"-- MariaDB dump"), b"-- Dump completed"),
}
_CLUSTER = b"-- PostgreSQL database cluster dump"


@dataclass
class Written:
    """What a dump came to: the bytes of SQL, and the last of them."""

    size: int = 0
    end: bytes = b""

    def add(self, part: bytes) -> None:
        """Take note of one more part."""
        self.size += len(part)
        self.end = (self.end + part)[-_PART:]

    def complete(self, family: str) -> bool:
        """Whether it ends as a whole dump does."""
        return _MARKS[family][1] in self.end


def default_name(database: str, now: datetime) -> str:
    """The name of a dump that was given none: ``DATABASE-YYYYmmdd-HHMMSS.sql.gz``."""
    safe = "".join(letter if letter.isalnum() or letter in "-_." else "_" for letter in database).lstrip(".-")
    return f"{safe or 'database'}-{now:%Y%m%d-%H%M%S}.sql.gz"


def shown(size: int) -> str:
    """A number of bytes for a person."""
    value, unit = float(size), "B"
    for unit in ("B", "KiB", "MiB", "GiB"):
        if value < 1024 or unit == "GiB":
            break
        value /= 1024
    return f"{value:.0f} B" if unit == "B" else f"{value:.1f} {unit}"


def refuse_existing(path: Path, *, force: bool) -> None:
    """Refuse to write where something is, or where nothing can be.

    Raises:
        UvdockError: A file is there and ``force`` is not given, or the folder is not.
    """
    if path.is_dir() or not path.parent.is_dir():
        raise UvdockError(
            f"{path.name} cannot be written there: {'it is a folder' if path.is_dir() else 'there is no such folder'}",
            where=str(path),
            fix="give a file in a folder that is there",
        )
    if path.exists() and not force:
        raise UvdockError(
            f"{path.name} is there already, and is not overwritten",
            where=str(path),
            fix="give another name, or --force to replace it",
        )


@contextmanager
def writing(path: Path, *, force: bool) -> Iterator[Callable[[bytes], object]]:
    """Write a dump: in a file beside ``path`` that takes its name at the end, and is removed when that never comes.

    Args:
        path: Where to; compressed where the name ends in ``.gz``.
        force: Replace a file that is there.

    Yields:
        What takes the dump, part by part.

    Raises:
        UvdockError: There is a file already, or it cannot be written.
    """
    refuse_existing(path, force=force)
    handle, name = -1, ""
    try:
        # Only its owner may read it, as it holds what the database holds.
        handle, name = tempfile.mkstemp(prefix=f".{path.name}.", suffix=".part", dir=path.parent)
        with os.fdopen(handle, "wb") as file:
            if path.suffix == ".gz":
                with gzip.GzipFile(filename="", fileobj=file, mode="wb") as packed:
                    yield packed.write
            else:
                yield file.write
            file.flush()
            os.fsync(file.fileno())
        refuse_existing(path, force=force)
        Path(name).replace(path)
    except OSError as error:
        raise UvdockError(
            f"the dump could not be written: {error.strerror or error}", where=str(path), fix="no file was written"
        ) from error
    finally:
        if name:
            with suppress(OSError):
                Path(name).unlink()


@contextmanager
def reading(path: Path | None, stdin: IO[bytes]) -> Iterator[IO[bytes]]:
    """Open a dump for `check` and `parts`.

    Args:
        path: The file; ``None`` for standard input, which is kept in an unnamed file meanwhile: it is read twice.
        stdin: Standard input.

    Raises:
        UvdockError: The file cannot be read.
    """
    try:
        with tempfile.TemporaryFile() if path is None else path.open("rb") as file:
            if path is None:
                shutil.copyfileobj(stdin, file, _PART)
            yield file
    except (OSError, EOFError, zlib.error) as error:
        raise UvdockError(
            f"the dump cannot be read: {getattr(error, 'strerror', None) or error}",
            where=str(path or "standard input"),
            fix="check that it is a file that you may read, and that nothing writes it meanwhile",
        ) from error


def check(file: IO[bytes], family: str, where: str) -> None:
    """Read a dump through, before anything is done with it.

    Args:
        file: The dump, from `reading`.
        family: The family of the database it is for (`uvdock.services.database.Dialect.family`).
        where: The dump for a person.

    Raises:
        UvdockError: It is empty, cut off, damaged, no SQL, or for another kind of database.
    """
    head, seen = b"", Written()
    try:
        for part in parts(file):
            head = head if len(head) >= _PART else (head + part)[:_PART]
            seen.add(part)
        fault = _fault(head, seen, family)
    except EOFError:
        fault = ("the dump is cut off: its gzip has no end", "make the dump anew")
    except (gzip.BadGzipFile, zlib.error) as error:
        fault = (f"the dump is damaged: {error}", "make the dump anew")
    if fault is not None:
        raise UvdockError(fault[0], where=where, fix=f"{fault[1]}; nothing was changed")


def _fault(head: bytes, seen: Written, family: str) -> tuple[str, str] | None:
    """What is wrong with a dump, and what to do; ``None`` for one that may be restored."""
    begin, anew = head[:1024], "make the dump anew"
    # Without the marks it was written by hand, or by a program that sets none: the database itself will judge.
    made_by = next((name for name, (starts, _) in _MARKS.items() if any(start in begin for start in starts)), family)
    marked = any(start in begin for start in _MARKS[family][0])
    faults = (
        (not head.strip() and not seen.end.strip(), "the dump is empty", anew),
        (
            head.startswith(b"PGDMP"),
            "this is an archive of pg_dump and no SQL",
            "turn it into SQL: pg_restore --file=DUMP.sql ARCHIVE",
        ),
        (b"\0" in head, "this is no SQL", "give a dump in SQL, plain or gzip"),
        (_CLUSTER in begin, "this is a dump of a whole cluster, not of one database", "dump one database: db.dump"),
        (
            made_by != family,
            f"this is a dump of {made_by}, and the database is {family}",
            "give one of the same kind",
        ),
        (
            marked and not seen.complete(family),
            "the dump is cut off: the line at the end of a whole one is missing",
            anew,
        ),
    )
    return next(((what, fix) for wrong, what, fix in faults if wrong), None)


def parts(file: IO[bytes]) -> Iterator[bytes]:
    """The SQL of a dump from its beginning, part by part; gzip is told by its first bytes, not by a name."""
    file.seek(0)
    packed = file.read(2) == _GZIP
    file.seek(0)
    stream = gzip.GzipFile(fileobj=file, mode="rb") if packed else file
    while part := stream.read(_PART):
        yield part
