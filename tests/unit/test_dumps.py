"""Dump files: judged before a database is touched, and written whole or not at all."""

from __future__ import annotations

import gzip
import io
import random
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from uvdock.errors import UvdockError
from uvdock.services import dumps

POSTGRES = b"--\n-- PostgreSQL database dump\n--\n\nselect 1;\n\n--\n-- PostgreSQL database dump complete\n--\n"
MARIADB = (
    b"/*M!999999\\- enable the sandbox mode */\n-- MariaDB dump 10.19\nselect 1;\n-- Dump completed on 2026-11-21\n"
)
MYSQL = MARIADB.replace(b"MariaDB", b"MySQL")
#: More than a part, and not to be compressed to less.
LARGE = POSTGRES.replace(b"select 1;", b"-- " + random.Random(1).randbytes(300_000).hex().encode())


@pytest.mark.parametrize(
    ("content", "family"),
    [
        pytest.param(POSTGRES, "PostgreSQL", id="pg_dump"),
        pytest.param(POSTGRES + b"\n\\unrestrict abc\n", "PostgreSQL", id="pg_dump-with-a-word-after-the-end"),
        pytest.param(LARGE, "PostgreSQL", id="large"),
        pytest.param(MARIADB, "MySQL", id="mariadb-dump"),
        pytest.param(MYSQL, "MySQL", id="mysqldump"),
        pytest.param(b"create table t (x int);", "PostgreSQL", id="by-hand"),
        pytest.param(b"create table t (x int);", "MySQL", id="by-hand-for-mysql"),
    ],
)
@pytest.mark.parametrize("packed", [False, True], ids=["plain", "gzip"])
def test_a_whole_dump_is_taken_as_it_is(content: bytes, family: str, packed: bool) -> None:
    file = io.BytesIO(gzip.compress(content) if packed else content)
    dumps.check(file, family, "the dump")
    assert b"".join(dumps.parts(file)) == content


@pytest.mark.parametrize(
    ("content", "what"),
    [
        pytest.param(b"", "the dump is empty", id="empty"),
        pytest.param(b" \n\n", "the dump is empty", id="blank"),
        pytest.param(gzip.compress(b""), "the dump is empty", id="empty-gzip"),
        pytest.param(POSTGRES[:-40], "the dump is cut off: the line", id="plain-cut"),
        pytest.param(gzip.compress(POSTGRES[:-40]), "the dump is cut off: the line", id="cut-then-packed"),
        pytest.param(gzip.compress(LARGE)[:-8], "the dump is cut off: its gzip", id="gzip-without-its-end"),
        pytest.param(gzip.compress(LARGE)[:100_000], "the dump is cut off: its gzip", id="gzip-cut"),
        pytest.param(gzip.compress(LARGE)[:5], "the dump is cut off: its gzip", id="gzip-of-almost-nothing"),
        pytest.param(gzip.compress(LARGE)[:-8] + b"\0" * 8, "the dump is damaged", id="gzip-with-a-wrong-sum"),
        pytest.param(gzip.compress(b"")[:10] + b"\x07" * 99, "the dump is damaged", id="gzip-damaged"),
        pytest.param(gzip.compress(POSTGRES) + b"more", "the dump is damaged", id="gzip-and-something"),
        pytest.param(b"PGDMP\1\x0e\0", "this is an archive of pg_dump", id="archive"),
        pytest.param(b"PK\3\4\0\0", "this is no SQL", id="zip"),
        pytest.param("select 1;".encode("utf-16"), "this is no SQL", id="utf-16"),
        pytest.param(b"--\n-- PostgreSQL database cluster dump\n--\n", "this is a dump of a whole cluster", id="all"),
        pytest.param(MARIADB, "this is a dump of MySQL", id="of-another-database"),
    ],
)
def test_what_cannot_be_restored_is_found_before_anything_is_done(content: bytes, what: str) -> None:
    with pytest.raises(UvdockError) as caught:
        dumps.check(io.BytesIO(content), "PostgreSQL", "dump.sql")
    assert caught.value.what.startswith(what)
    assert caught.value.where == "dump.sql"
    assert caught.value.fix.endswith("; nothing was changed")


def test_a_dump_from_standard_input_is_read_twice() -> None:
    with dumps.reading(None, io.BytesIO(LARGE)) as file:
        dumps.check(file, "PostgreSQL", "standard input")
        assert b"".join(dumps.parts(file)) == LARGE


@pytest.mark.parametrize("name", ["missing.sql", "."])
def test_what_cannot_be_read_is_an_error(tmp_path: Path, name: str) -> None:
    with pytest.raises(UvdockError, match="the dump cannot be read"), dumps.reading(tmp_path / name, io.BytesIO()):
        pass


@pytest.mark.parametrize(("name", "packed"), [("x.sql.gz", True), ("x.sql", False), ("x", False)])
def test_a_dump_is_written_compressed_by_its_name(tmp_path: Path, name: str, packed: bool) -> None:
    path = tmp_path / name
    with dumps.writing(path, force=False) as write:
        write(LARGE[:1000])
        assert not path.exists()
        write(LARGE[1000:])
    assert path.read_bytes().startswith(b"\x1f\x8b") is packed
    assert b"".join(dumps.parts(io.BytesIO(path.read_bytes()))) == LARGE
    assert path.stat().st_mode & 0o077 == 0, "it holds what the database holds"
    assert list(tmp_path.iterdir()) == [path]


def write(path: Path, parts: Iterable[bytes], *, force: bool = False) -> None:
    with dumps.writing(path, force=force) as sink:
        for part in parts:
            sink(part)


def half(error: BaseException) -> Iterator[bytes]:
    yield LARGE[:1000]
    raise error


@pytest.mark.parametrize("error", [UvdockError("x", where="y", fix="z"), KeyboardInterrupt(), OSError(28, "full")])
@pytest.mark.parametrize("name", ["x.sql.gz", "x.sql"])
def test_what_is_not_finished_leaves_no_file(tmp_path: Path, error: BaseException, name: str) -> None:
    with pytest.raises(UvdockError if isinstance(error, OSError) else type(error)):
        write(tmp_path / name, half(error))
    assert list(tmp_path.iterdir()) == []


def test_a_file_is_replaced_only_by_force_and_only_by_a_whole_one(tmp_path: Path) -> None:
    path = tmp_path / "x.sql"
    path.write_text("before")
    with pytest.raises(UvdockError, match="there already"):
        write(path, [b"after"])
    with pytest.raises(KeyboardInterrupt):
        write(path, half(KeyboardInterrupt()), force=True)
    assert path.read_text() == "before"
    write(path, [b"after"], force=True)
    assert path.read_text() == "after"
    assert list(tmp_path.iterdir()) == [path]


def test_a_file_that_came_meanwhile_stays(tmp_path: Path) -> None:
    path = tmp_path / "x.sql"

    def parts() -> Iterator[bytes]:
        yield b"mine"
        path.write_text("another's")

    with pytest.raises(UvdockError, match="there already"):
        write(path, parts())
    assert path.read_text() == "another's"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("name", ["no/such/x.sql", "folder"])
def test_a_place_that_is_none_is_refused(tmp_path: Path, name: str) -> None:
    (tmp_path / "folder").mkdir()
    with pytest.raises(UvdockError, match="cannot be written there"), dumps.writing(tmp_path / name, force=True):
        pytest.fail("it is no place for a file")


@pytest.mark.parametrize(
    ("database", "expected"),
    [
        ("shop", "shop-20261121-090507.sql.gz"),
        ("my shop/2", "my_shop_2-20261121-090507.sql.gz"),
        ("../../etc", "_.._etc-20261121-090507.sql.gz"),
        ("-", "database-20261121-090507.sql.gz"),
        ("café", "café-20261121-090507.sql.gz"),
    ],
)
def test_the_name_of_a_dump(database: str, expected: str) -> None:
    assert dumps.default_name(database, datetime(2026, 11, 21, 9, 5, 7, tzinfo=UTC)) == expected


@pytest.mark.parametrize(
    ("size", "expected"),
    [(0, "0 B"), (1023, "1023 B"), (1536, "1.5 KiB"), (3 * 2**30, "3.0 GiB"), (2**50, "1048576.0 GiB")],
)
def test_sizes_for_a_person(size: int, expected: str) -> None:
    assert dumps.shown(size) == expected
