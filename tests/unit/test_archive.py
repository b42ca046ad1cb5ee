"""Files survive the way into an archive and out of it, whatever their names and bytes."""

from __future__ import annotations

import io
import tarfile
from pathlib import PurePosixPath

from hypothesis import given
from hypothesis import strategies as st

from uvdock.engine.archive import pack, unpack

NAME = st.text(st.characters(exclude_characters="/\0", exclude_categories=["Cs"]), min_size=1, max_size=120).filter(
    lambda name: name not in {".", ".."}
)
PATH = st.lists(NAME, min_size=1, max_size=4).map(lambda parts: PurePosixPath(*parts))


@given(NAME, st.dictionaries(PATH, st.binary()))
def test_what_goes_in_comes_out(folder: str, files: dict[PurePosixPath, bytes]) -> None:
    packed = pack([PurePosixPath(folder)], {PurePosixPath(folder, name): content for name, content in files.items()})
    assert unpack(packed) == files


@given(NAME, st.binary())
def test_a_file_that_was_asked_for_itself_keeps_its_name(name: str, content: bytes) -> None:
    assert unpack(pack([], {PurePosixPath(name): content})) == {PurePosixPath(name): content}


@given(st.integers(0, 2**31 - 2), st.integers(0, 2**31 - 2))
def test_everything_belongs_to_the_user_of_the_image(uid: int, gid: int) -> None:
    packed = pack([PurePosixPath("/app"), PurePosixPath("/app/lib")], {PurePosixPath("/app/uv.lock"): b"x"}, uid, gid)
    with tarfile.open(fileobj=io.BytesIO(packed)) as archive:
        entries = archive.getmembers()
    assert [(entry.name, entry.isdir(), entry.mode) for entry in entries] == [
        ("app", True, 0o755),
        ("app/lib", True, 0o755),
        ("app/uv.lock", False, 0o644),
    ]
    assert {(entry.uid, entry.gid) for entry in entries} == {(uid, gid)}


def test_links_and_folders_are_no_files() -> None:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for name, kind in (("app", tarfile.DIRTYPE), ("app/link", tarfile.SYMTYPE), ("app/pipe", tarfile.FIFOTYPE)):
            entry = tarfile.TarInfo(name)
            entry.type, entry.linkname = kind, "/etc/passwd" if kind == tarfile.SYMTYPE else ""
            archive.addfile(entry)
    assert unpack(buffer.getvalue()) == {}
