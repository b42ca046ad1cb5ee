"""The requirement lines of a pyproject.toml: where each stands, and putting others in their places.

Only the text between the quotes changes, and only of the lines that are named: comments, order, quotes,
blanks and line ends are the file's own (tomlkit keeps them).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from uvdock.deps.requirement import DeclaredLine
from uvdock.errors import UvdockError

#: Lists of requirements that narrow or replace what others ask for, with the word a person sees for them
#: (https://docs.astral.sh/uv/reference/settings/).
_NARROWING = {"constraint-dependencies": "constraint", "override-dependencies": "override"}


@dataclass(frozen=True)
class Declared:
    """One requirement of a manifest.

    Args:
        path: Its keys and its index in the document: ``("project", "dependencies", 0)``.
        group: As a person sees it: empty for `project.dependencies`, ``extra: NAME``, a group's name,
            ``constraint`` or ``override``.
        text: The requirement as it was written.
    """

    path: tuple[str | int, ...]
    group: str
    text: str

    @cached_property
    def line(self) -> DeclaredLine | None:
        """What it says; ``None`` when it is no requirement by the standard."""
        return DeclaredLine.read(self.text)

    @property
    def narrows(self) -> bool:
        """Whether it only narrows or replaces what others ask for."""
        return self.path[:2] == ("tool", "uv") and self.path[2] in _NARROWING


def declared(data: Mapping[str, Any]) -> list[Declared]:
    """Every requirement line of a manifest, in the file's order of tables.

    Args:
        data: The manifest as plain data. What is no list of texts where one should be is left out: uv says so.
    """
    return [Declared(path, group, text) for path, group, text in _lines(data) if isinstance(text, str)]


def groups(data: Mapping[str, Any]) -> list[str]:
    """The groups of a manifest as a person names them, with ``project`` for `project.dependencies`."""
    project, uv = _table(data, "project"), _table(_table(data, "tool"), "uv")
    names = ["project", *(f"extra: {extra}" for extra in _table(project, "optional-dependencies"))]
    names += [*_table(data, "dependency-groups"), *(["dev"] if "dev-dependencies" in uv else [])]
    return list(dict.fromkeys([*names, *(word for key, word in _NARROWING.items() if key in uv)]))


def dynamic(data: Mapping[str, Any]) -> list[str]:
    """What of the dependencies only a build can tell: ``dependencies``, ``optional-dependencies``."""
    names = _table(data, "project").get("dynamic", [])
    return [name for name in ("dependencies", "optional-dependencies") if isinstance(names, list) and name in names]


def edited(content: bytes, texts: Mapping[tuple[str | int, ...], str], where: Path) -> bytes:
    """A manifest with other requirements in the places of some of its own.

    Args:
        content: The manifest's bytes.
        texts: The new requirement for each path of `Declared`.
        where: Its place, for errors.

    Raises:
        UvdockError: A requirement is written with escapes, so that its place in the text is not clear; nothing
            was changed.
    """
    import tomlkit
    from tomlkit.items import String

    text = content.decode("utf-8")
    mark = "\N{BYTE ORDER MARK}" if text.startswith("\N{BYTE ORDER MARK}") else ""
    document = tomlkit.parse(text.removeprefix(mark))
    for path, new in texts.items():
        *keys, index = path
        items: Any = document
        for key in keys:
            items = items[key]
        assert isinstance(index, int)
        old = items[index]
        raw = old.as_string()
        quotes = next(marks for marks in ('"""', "'''", '"', "'") if raw.startswith(marks))
        if raw != f"{quotes}{old}{quotes}":
            raise UvdockError(
                f"{old!s} is written with escapes or over several lines, and cannot be edited in place",
                where=f"{where} [{'.'.join(map(str, keys))}]",
                fix="write it as a plain text, or leave it out with --exclude; nothing was changed",
            )
        made = tomlkit.string(new, literal=quotes[0] == "'", multiline=len(quotes) == 3)
        assert isinstance(made, String)
        made.trivia.comment_ws, made.trivia.comment = old.trivia.comment_ws, old.trivia.comment
        items[index] = made
    return (mark + tomlkit.dumps(document)).encode("utf-8")


def _lines(data: Mapping[str, Any]) -> Iterator[tuple[tuple[str | int, ...], str, Any]]:
    project, uv = _table(data, "project"), _table(_table(data, "tool"), "uv")
    lists: list[tuple[tuple[str, ...], str, Any]] = [(("project", "dependencies"), "", project.get("dependencies"))]
    for extra, items in _table(project, "optional-dependencies").items():
        lists.append((("project", "optional-dependencies", extra), f"extra: {extra}", items))
    for group, items in _table(data, "dependency-groups").items():
        lists.append((("dependency-groups", group), group, items))
    lists.append((("tool", "uv", "dev-dependencies"), "dev", uv.get("dev-dependencies")))
    lists += [(("tool", "uv", key), word, uv.get(key)) for key, word in _NARROWING.items()]
    for keys, group, items in lists:
        for index, text in enumerate(items if isinstance(items, list) else []):
            yield (*keys, index), group, text


def _table(data: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    found = data.get(key, {})
    return found if isinstance(found, Mapping) else {}
