"""Carrying out the safe fixes: by position, atomically, until nothing safe is left."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from uvdock.deps import sync
from uvdock.doctor.model import Finding, LineEdit
from uvdock.formats.edits import lines_of, unified_diff


def plan(root: Path, findings: Sequence[Finding]) -> dict[Path, bytes]:
    """The new content of the files that the findings' edits change; of edits that meet, the first counts.

    A file outside the repo is left as it is.
    """
    wanted: dict[str, list[LineEdit]] = {}
    for item in findings:
        for edit in item.edits:
            meets = (other for other in wanted.get(edit.file, ()) if _meet(edit, other))
            if next(meets, None) is None and not Path(edit.file).is_absolute():
                wanted.setdefault(edit.file, []).append(edit)
    return {root / name: edited(_bytes(root / name), edits) for name, edits in wanted.items()}


def edited(content: bytes, edits: Iterable[LineEdit]) -> bytes:
    """``content`` with lines replaced; every other byte stays, and new lines end as the first one does."""
    lines = [line for _, line in lines_of(content.decode("utf-8", "surrogateescape"))]
    end = next((line[len(line.rstrip("\r\n")) :] for line in lines), "") or "\n"
    for edit in sorted(edits, key=lambda edit: edit.start, reverse=True):
        new = [f"{line}{end}" for line in edit.lines]
        if new and edit.start >= len(lines) and lines and not lines[-1].endswith("\n"):
            lines[-1] += end
        if new and edit.end == len(lines) and edit.start < edit.end and not lines[-1].endswith("\n"):
            new[-1] = new[-1].removesuffix(end)  # the file had no end of line there
        lines[edit.start : edit.end] = new
    return "".join(lines).encode("utf-8", "surrogateescape")


def write(contents: Mapping[Path, bytes]) -> None:
    """Replace the files: all of them, or none."""
    sync.replace_all(contents)


def diff(root: Path, before: Mapping[Path, bytes], after: Mapping[Path, bytes]) -> list[str]:
    """What changed, as a unified diff."""
    lines: list[str] = []
    for path, new in after.items():
        name = path.relative_to(root).as_posix() if path.is_relative_to(root) else str(path)
        lines += unified_diff(name, before.get(path, b""), new, context=2)
    return lines


def current(paths: Iterable[Path]) -> dict[Path, bytes]:
    """What is in the files now; nothing for one that is not there."""
    return {path: _bytes(path) for path in paths}


def _meet(one: LineEdit, other: LineEdit) -> bool:
    same = one.start == other.start
    return one == other or same or (one.start < other.end and other.start < one.end)


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        return b""
