"""Ignore files: keep uv.lock tracked and in the build's context, and .venv out of both."""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Sequence
from pathlib import Path

from uvdock.formats.edits import lines_of
from uvdock.migrate.model import Converted, Notice, RepoFacts
from uvdock.migrate.text import locate, manifests, normal, same_line_ends

_OLD = ("venv", "env", ".venv", "ENV")


def is_ignore_file(path: Path, _: str = "") -> bool:
    """Whether this is a `.gitignore` or a `.dockerignore`, a Dockerfile's own too."""
    return path.name == ".gitignore" or path.name.endswith(".dockerignore")


@same_line_ends
def convert(path: Path, content: str, facts: RepoFacts) -> Converted:
    """Have the environment ignored, and the manifests not.

    Args:
        path: The file, from the repo root.
        content: Its text.
        facts: What is known of the repo.

    Returns:
        The new text, and what stays for a person.
    """
    lines = [line for _, line in lines_of(content)]
    projects = [one.folder for one in facts.projects if one.folder.is_relative_to(path.parent)]
    if not projects:
        return Converted(content)
    findings: list[Notice] = []
    if path.name == ".gitignore":
        lines = _git(path, lines, projects, findings)
    else:
        lines = _docker(path, lines, facts, projects, findings)
    return Converted("".join(lines), tuple(findings))


def _git(path: Path, lines: list[str], projects: Sequence[Path], findings: list[Notice]) -> list[str]:
    out = []
    for number, line in enumerate(lines, 1):
        pattern = line.strip()
        if pattern.lstrip("/") in ("uv.lock", "**/uv.lock", "pyproject.toml"):
            what = f"{pattern} was ignored by git, but builds with --locked need it: the line is removed"
            findings.append(Notice(path, number, "note", what, "commit that file"))
            continue
        out.append(line)
    names = [one.relative_to(path.parent) / "uv.lock" for one in projects]
    if any(_ignored_by_git(out, name) for name in names):
        out = _added(out, "!uv.lock")
    own = [name for name in projects if name.relative_to(path.parent) == Path()]
    if (own or path.parent == Path()) and not _ignored_by_git(out, Path(".venv")):
        out = _beside_old(out, ".venv/")
    return out


def _docker(
    path: Path, lines: list[str], facts: RepoFacts, projects: Sequence[Path], findings: list[Notice]
) -> list[str]:
    out: list[str] = []
    present = {line.strip() for line in lines}
    for line in lines:
        pattern = line.strip()
        found = None
        if pattern.startswith("!"):
            name = pattern[1:].lstrip("/")
            found = locate(name, path.parent, facts) if "*" not in name else _by_glob(path.parent / name, facts)
        if found is None:
            out.append(line)
            continue
        # A list of what is let in: what takes the file's place has to be in it.
        new = [f"!{name}" for name in manifests(facts.installs[found], path.parent)]
        end = line[len(line.rstrip("\r\n")) :]
        fresh = [name for name in new if name not in present]
        present |= set(fresh)
        out += [f"{name}{end or chr(10)}" for name in fresh]
        if fresh and not end:
            out[-1] = out[-1].rstrip("\n")
    for folder in projects:
        inside = folder.relative_to(path.parent)
        for name in ("pyproject.toml", "uv.lock"):
            wanted = (inside / name).as_posix()
            if _kept_out(out, wanted):
                out = _added(out, f"!{wanted}")
                what = f"{wanted} was ignored, but the build needs it: it is included again"
                findings.append(Notice(path, 0, "note", what))
        if not _kept_out(out, (inside / ".venv").as_posix()):
            out = _beside_old(out, ".venv" if inside == Path() else "**/.venv")
    return out


def _by_glob(pattern: Path, facts: RepoFacts) -> Path | None:
    fits = [name for name in facts.installs if fnmatch.fnmatch(name.as_posix(), normal(pattern).as_posix())]
    return fits[0] if fits else None


def _added(lines: list[str], line: str) -> list[str]:
    if lines and not lines[-1].endswith("\n"):
        return [*lines[:-1], f"{lines[-1]}\n", line]
    return [*lines, f"{line}\n"]


def _beside_old(lines: list[str], line: str) -> list[str]:
    """Put a line below the one that ignores the old environment, else at the end."""
    for at in range(len(lines) - 1, -1, -1):
        if lines[at].strip().strip("/").removeprefix("**/") in _OLD and lines[at].endswith("\n"):
            return [*lines[: at + 1], f"{line}\n", *lines[at + 1 :]]
    return _added(lines, line)


def _ignored_by_git(lines: Sequence[str], name: Path) -> bool:
    """Whether the patterns ignore a file or folder, as far as their own words go; the last that fits counts."""
    found = False
    for line in lines:
        pattern = line.strip()
        if not pattern or pattern.startswith("#"):
            continue
        takes_back = pattern.startswith("!")
        plain = pattern.lstrip("!").removeprefix("**/").rstrip("/")
        anchored = "/" in plain
        wanted = name.as_posix() if anchored else name.name
        if fnmatch.fnmatchcase(wanted, plain.lstrip("/")):
            found = not takes_back
    return found


def _kept_out(lines: Sequence[str], name: str) -> bool:
    from uvdock.engine.ignore import Ignored

    try:
        return Ignored([line.strip() for line in lines]).excludes(name)
    except (re.error, ValueError, IndexError):
        return False
