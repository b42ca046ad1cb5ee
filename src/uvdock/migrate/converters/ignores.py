"""Ignore files: keep uv.lock tracked and in the build's context, and .venv out of both."""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Sequence
from pathlib import Path

from uvdock.engine.ignore import Ignored
from uvdock.migrate.model import Converted, Notice, RepoFacts
from uvdock.migrate.text import manifests, same_line_ends

_OLD = ("venv", "env", ".venv", "ENV")


def is_ignore_file(path: Path, _: str = "") -> bool:
    """Whether this is a `.gitignore` or a `.dockerignore`, a Dockerfile's own too."""
    return path.name == ".gitignore" or path.name.endswith(".dockerignore")


@same_line_ends
def convert(path: Path, content: str, facts: RepoFacts) -> Converted:
    """Have the environment ignored, and the manifests not."""
    folder = path.parent
    projects = [one.folder.relative_to(folder) for one in facts.projects if one.folder.is_relative_to(folder)]
    if not projects and path.name.endswith(".dockerignore"):
        # That of a Dockerfile beside the others: the build has the whole repo.
        folder, projects = Path(), [one.folder for one in facts.projects]
    if not projects:
        return Converted(content)
    findings: list[Notice] = []
    # The last line ends too: see `same_line_ends`.
    lines = content.split("\n")[:-1]
    if path.name == ".gitignore":
        lines = _git(path, lines, projects, findings)
    else:
        lines = _docker(path, folder, lines, facts, findings)
    return Converted("".join(f"{line}\n" for line in lines), tuple(findings))


def _git(path: Path, lines: Sequence[str], projects: Sequence[Path], findings: list[Notice]) -> list[str]:
    out = []
    for number, line in enumerate(lines, 1):
        pattern = line.strip()
        if pattern.lstrip("/") in ("uv.lock", "**/uv.lock", "pyproject.toml"):
            what = f"{pattern} was ignored by git, but builds with --locked need it: the line is removed"
            findings.append(Notice(path, number, "note", what, "commit that file"))
        else:
            out.append(line)
    if any(_ignored_by_git(out, name / "uv.lock") for name in projects):
        out.append("!uv.lock")
    if (Path() in projects or path.parent == Path()) and not _ignored_by_git(out, Path(".venv")):
        _add_beside_old(out, ".venv/")
    return out


def _docker(path: Path, folder: Path, lines: Sequence[str], facts: RepoFacts, findings: list[Notice]) -> list[str]:
    """The lines of a `.dockerignore` for builds of a folder of the repo."""
    out: list[str] = []
    present = {line.strip() for line in lines}
    for line in lines:
        found = _let_in(line.strip(), folder, facts)
        # What takes a file's place has to be let in too.
        names = [
            name for one in sorted(found) if one in facts.installs for name in manifests(facts.installs[one], folder)
        ]
        if not names or any(one in facts.kept or one not in facts.installs for one in found):
            out.append(line)
        fresh = [name for name in dict.fromkeys(names) if f"!{name}" not in present]
        present |= {f"!{name}" for name in fresh}
        out += [f"!{name}" for name in fresh]
    for project in (one.folder.relative_to(folder) for one in facts.projects if one.folder.is_relative_to(folder)):
        for name in ("pyproject.toml", "uv.lock"):
            wanted = (project / name).as_posix()
            if _kept_out(out, wanted):
                out.append(f"!{wanted}")
                what = f"{wanted} was ignored, but the build needs it: it is included again"
                findings.append(Notice(path, 0, "note", what))
        if not _kept_out(out, (project / ".venv").as_posix()):
            _add_beside_old(out, ".venv" if project == Path() else "**/.venv")
    return out


def _let_in(pattern: str, folder: Path, facts: RepoFacts) -> set[Path]:
    """The files that a pattern (``!requirements*.txt``) takes out of what is ignored, where one is of requirements."""
    if not pattern.startswith("!"):
        return set()
    inside = [path for path in {*facts.files, *facts.installs} if path.is_relative_to(folder)]
    found = {path for path in inside if _kept_out([pattern[1:]], path.relative_to(folder).as_posix())}
    # A folder of a program has its requirements among much else.
    folders = {one.folder for one in facts.projects if one.folder != folder and one.folder.is_relative_to(folder)}
    whole = any(_kept_out([pattern[1:]], one.relative_to(folder).as_posix()) for one in folders)
    return (
        found if not whole and all(one in facts.installs or one.suffix in (".txt", ".in") for one in found) else set()
    )


def _add_beside_old(lines: list[str], line: str) -> None:
    """Add a line below the one that ignores the old environment, else at the end."""
    old = [at for at, one in enumerate(lines) if one.strip().strip("/").removeprefix("**/") in _OLD]
    lines.insert(old[-1] + 1 if old else len(lines), line)


def _ignored_by_git(lines: Sequence[str], name: Path) -> bool:
    """Whether the patterns ignore a file or folder, as far as their own words go; the last that fits counts."""
    found = False
    for line in lines:
        pattern = line.strip()
        if not pattern or pattern.startswith("#"):
            continue
        plain = pattern.lstrip("!").removeprefix("**/").rstrip("/")
        wanted = name.as_posix() if "/" in plain else name.name
        if fnmatch.fnmatchcase(wanted, plain.lstrip("/")):
            found = not pattern.startswith("!")
    return found


def _kept_out(lines: Sequence[str], name: str) -> bool:
    try:
        return Ignored([line.strip() for line in lines]).excludes(name)
    except (re.error, ValueError, IndexError):
        return False
