"""What every converter shares: line ends, and what a name in a text means."""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path, PurePosixPath

from uvdock.migrate.model import Converted, Install, Notice, RepoFacts

Convert = Callable[[Path, str, RepoFacts], Converted]
#: The programs whose work uv takes over; a text with none of them has nothing to convert.
MENTIONS = re.compile(
    r"\b(?:pip[\d.]*|pipenv|poetry|pipx|virtualenv|venv|pip-(?:compile|sync|tools)|easy_install|[\w./-]*requirements[\w./-]*)\b"
)


def same_line_ends(convert: Convert) -> Convert:
    """Let a converter see line feeds only, and give the file its own line ends and byte order mark back.

    A file with both kinds of line end stays as it is.
    """

    @functools.wraps(convert)
    def converted(path: Path, content: str, facts: RepoFacts) -> Converted:
        mark = "\ufeff" if content.startswith("\ufeff") else ""
        text = content[len(mark) :]
        windows = text.count("\r\n")
        if not windows:
            made = convert(path, text, facts)
            return replace(made, content=mark + made.content)
        if windows != text.count("\n") or windows != text.count("\r"):
            what = "some lines end with CR LF and some do not, so the file stays as it is"
            mentions = MENTIONS.search(text)
            found = Notice(path, 0, "left", what, "give all lines the same end, and run it again")
            return Converted(content, (found,) if mentions else ())
        made = convert(path, text.replace("\r\n", "\n"), facts)
        return replace(made, content=mark + made.content.replace("\n", "\r\n"))

    return converted


def locate(name: str, folder: Path, facts: RepoFacts) -> Path | None:
    """The requirements file that a name means for somebody in ``folder``; ``None`` where it cannot be told.

    A path inside a container (``/app/requirements.txt``) means the file whose path it ends with.
    """
    plain = PurePosixPath(name)
    if not plain.is_absolute():
        found = normal(folder / name)
        if found in facts.installs:
            return found
    parts = [part for part in plain.parts if part not in ("/", ".", "..")]
    for start in range(len(parts)):
        tail = Path(*parts[start:])
        fits = [path for path in facts.installs if path == tail or path == normal(folder / tail)]
        if len(fits) == 1:
            return fits[0]
    return None


def meant(name: str, folder: Path, facts: RepoFacts) -> Path | None:
    """The path from the repo root that a name means for somebody in ``folder``; ``None`` where it cannot be told.

    A requirements file as `locate` finds it; anything else only by a plain relative name.
    """
    outside = name.startswith("/") or "$" in name or "://" in name
    return locate(name, folder, facts) or (None if outside else normal(folder / name))


def normal(path: Path) -> Path:
    """``path`` without ``.`` and ``..``, from the repo root."""
    parts: list[str] = []
    for part in path.parts:
        if part == ".." and parts:
            parts.pop()
        elif part not in (".", ".."):
            parts.append(part)
    return Path(*parts)


def manifests(install: Install, relative_to: Path = Path()) -> tuple[str, str]:
    """The two files that take the place of a requirements file, as somebody in ``relative_to`` names them."""
    folder = PurePosixPath(install.project.as_posix())
    try:
        folder = folder.relative_to(PurePosixPath(relative_to.as_posix()))
    except ValueError:
        ups = len([part for part in relative_to.parts if part != "."])
        folder = PurePosixPath(*[".."] * ups, folder)
    return (folder / "pyproject.toml").as_posix(), (folder / "uv.lock").as_posix()


def unique(items: Sequence[Notice]) -> tuple[Notice, ...]:
    """The findings, each once, in order of their lines."""
    return tuple(sorted(dict.fromkeys(items), key=lambda item: item.line))
