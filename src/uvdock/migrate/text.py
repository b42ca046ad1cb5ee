"""What every converter shares: a file on its way, its line ends, and what a name in a text means."""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePosixPath
from typing import Concatenate, Literal, ParamSpec

from uvdock.formats.edits import TextChange, changed, line_at
from uvdock.migrate.commands.context import ExecutionContext, Names
from uvdock.migrate.model import Converted, Install, Notice, RepoFacts

P = ParamSpec("P")
#: A converter of one kind of file: it takes the file's path from the repo root, its text, and what is known of the repo
#: (`RepoFacts`), and returns the new text and what stays for a person.
Convert = Callable[Concatenate[Path, str, P], Converted]
#: The programs whose work uv takes over; a text with none of them has nothing to convert.
MENTIONS = re.compile(
    r"\b(?:pip[\d.]*|pipenv|poetry|pipx|virtualenv|venv|pip-(?:compile|sync|tools)|easy_install|[\w./-]*requirements[\w./-]*)\b"
)


@dataclass
class Draft:
    """A file on its way: what of it changes, and what a person has to know.

    Args:
        path: The file, from the repo root.
        content: Its text, whose lines end with a line feed, the last one too.
        facts: What is known of the repo.
        changes: What changes of the text.
        findings: What a person has to know, with line numbers of the text.
    """

    path: Path
    content: str
    facts: RepoFacts
    changes: list[TextChange] = field(default_factory=list)
    findings: list[Notice] = field(default_factory=list)

    def change(self, start: int, end: int, text: str = "") -> None:
        """Put a text in the place of another, or take that away."""
        self.changes.append(TextChange(start, end, text))

    def leave(self, at: int, what: str, instead: str) -> None:
        """Say what stays at a place of the text, and what a person is to write there."""
        self.tell("left", at, what, instead)

    def tell(self, level: Literal["left", "question", "note"], at: int, what: str, instead: str = "") -> None:
        """Say what a person has to know of a place of the text."""
        self.findings.append(Notice(self.path, line_at(self.content, at), level, what, instead))

    def place(self, folder: Path, at: int = 0, kind: Literal["script", "ci"] = "script") -> ExecutionContext:
        """Where a shell text of the file runs that begins at a place of it: in a folder of the repo."""
        return ExecutionContext(self.path, kind, line_at(self.content, at), names_in(folder, self.facts))

    def converted(self) -> Converted:
        """The text with its changes, and the findings."""
        return Converted(changed(self.content, self.changes), unique(self.findings))


def names_in(folder: Path, facts: RepoFacts) -> Names:
    """What names mean to a text that runs in a folder of the repo."""

    def enter(name: str) -> Names:
        into = folder_in(name, folder, facts)
        return Names(folder, lambda _: None) if into is None else names_in(into, facts)

    return Names(folder, lambda name: meant(name, folder, facts), enter=enter)


def folder_in(name: str, folder: Path, facts: RepoFacts) -> Path | None:
    """The folder of the repo that a name means for somebody in ``folder``; ``None`` where it is none or not known."""
    into = normal(folder / name)
    known = not re.search(r"[$~`*]|^[/-]", name) and any(one.is_relative_to(into) for one in facts.files)
    return into if known else None


def not_yaml(path: Path, content: str) -> Converted:
    """A file that cannot be read as YAML: it stays, and is named where it has to do with pip."""
    left = Notice(path, 0, "left", "this is not valid YAML, and it mentions pip", "correct it, and run it again")
    return Converted(content, (left,) if MENTIONS.search(content) else ())


def same_line_ends(convert: Convert[P]) -> Convert[P]:
    """Let a converter see line feeds only, at the end of the last line too, and give the file back what it had.

    A file with both kinds of line end stays as it is.
    """

    @functools.wraps(convert)
    def converted(path: Path, content: str, /, *args: P.args, **kwargs: P.kwargs) -> Converted:
        mark = "\ufeff" if content.startswith("\ufeff") else ""
        text = content[len(mark) :]
        windows = text.count("\r\n")
        if windows and (windows != text.count("\n") or windows != text.count("\r")):
            what = "some lines end with CR LF and some do not, so the file stays as it is"
            mentions = MENTIONS.search(text)
            found = Notice(path, 0, "left", what, "give all lines the same end, and run it again")
            return Converted(content, (found,) if mentions else ())
        text = text.replace("\r\n", "\n")
        missing = "\n" if text and not text.endswith("\n") else ""
        made = convert(path, text + missing, *args, **kwargs)
        after = made.content.removesuffix(missing)
        return replace(made, content=mark + (after.replace("\n", "\r\n") if windows else after))

    return converted


def locate(name: str, folder: Path, facts: RepoFacts) -> Path | None:
    """The requirements file that a name means for somebody in ``folder``; ``None`` where it cannot be told.

    A path inside a container (``/app/requirements.txt``) means the file whose path it ends with.
    """
    plain = PurePosixPath(name)
    if not plain.is_absolute():
        found = normal(folder / name)
        if found in facts.installs or found in facts.files:
            return found if found in facts.installs else None
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
