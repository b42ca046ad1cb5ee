"""A uv that locks anything, for tests of what stands in a manifest; the real one locks in tests/cli."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from uvdock.migrate.lock import dependencies
from uvdock.migrate.model import Dependencies
from uvdock.process import Output

LOCK = b"version = 1\nrevision = 3\n"


def pretended(argv: Sequence[str], *, cwd: Path | None = None, env: Mapping[str, str] | None = None) -> Output:
    """Answers the calls of a migration that no version has to be known for, and no others."""
    assert argv[0] == "uv"
    if argv[1:] == ["--version"]:
        return Output(0, b"uv 0.13.8 (abc 2026-01-01)\n", b"")
    assert cwd is not None
    if argv[1:3] == ["python", "find"]:
        return Output(0, b"", b"")
    if argv[1] == "lock":
        (cwd / "uv.lock").write_bytes(LOCK)
        return Output(0, b"", b"")
    assert argv[1] == "export", argv
    return Output(0, b"", b"")


def converted(root: Path, files: Mapping[str, str | bytes]) -> Dependencies:
    """Write a repo and convert it; the files as a caller that knows no encodings reads them."""
    root.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
    return dependencies.convert(root, read(root), "uv", pretended)


def read(root: Path) -> dict[Path, str]:
    """Every file of a repo as text."""
    return {
        path.relative_to(root): path.read_bytes().decode("utf-8", "replace")
        for path in sorted(root.rglob("*"))
        if path.is_file()
    }


def manifest(made: Dependencies, name: str = "pyproject.toml") -> str:
    """The text of a manifest that a migration made."""
    found = [edit.after for edit in made.edits if edit.path == Path(name)]
    assert found, [str(edit.path) for edit in made.edits]
    assert found[0] is not None
    return found[0].decode()
