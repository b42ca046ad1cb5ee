"""A pyproject.toml with dependencies put into it; whatever else is in it stays as it is."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from uvdock.migrate.discover.options import Index
from uvdock.migrate.discover.requirement import name_in
from uvdock.migrate.discover.requirement_files import RequirementEntry
from uvdock.migrate.lock.groups import Group

_HEADER = re.compile(r"^\s*\[\[?\s*([^\]]+?)\s*\]?\]")


@dataclass(frozen=True)
class Content:
    """What is to be in a pyproject.toml.

    Args:
        project: Plain fields of ``[project]`` that it may lack, in order.
        dependencies: ``project.dependencies``; added to those that are there.
        trailing: The comments after them.
        optional: ``project.optional-dependencies``.
        groups: The dependency groups.
        build: ``[build-system]``, where there is none.
        uv: Plain keys of ``[tool.uv]``, with the comments above each.
        constraints: ``constraint-dependencies``, with their comments.
        sources: ``[tool.uv.sources]``.
        settings: ``[tool.uv.config-settings-package]``.
        indexes: ``[[tool.uv.index]]``.
    """

    project: Mapping[str, Any] = field(default_factory=dict)
    dependencies: Sequence[RequirementEntry] = ()
    trailing: Sequence[str] = ()
    optional: Mapping[str, Sequence[str]] = field(default_factory=dict)
    groups: Sequence[Group] = ()
    build: Mapping[str, Any] = field(default_factory=dict)
    uv: Mapping[str, tuple[Any, tuple[str, ...]]] = field(default_factory=dict)
    constraints: Sequence[RequirementEntry] = ()
    sources: Mapping[str, Any] = field(default_factory=dict)
    settings: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    indexes: Sequence[Index] = ()


def write(old: str | None, content: Content, where: Path) -> str:
    """The new text of a pyproject.toml.

    Args:
        old: Its text now; ``None`` where there is none.
        content: What is to be in it.
        where: The file, for errors.

    Raises:
        UvdockError: The old one is no TOML, or is written in a way that leaves no place for more.
    """
    text = old or ""
    ends = "\r\n" if "\r\n" in text and text.count("\r\n") == text.count("\n") else "\n"
    text = text.replace("\r\n", "\n")
    before = _parsed(text, where)
    _check(before, where)
    text = _project(text, before, content)
    text = _build(text, before, content)
    text = _groups(text, content)
    text = _uv(text, content)
    after = _parsed(text, where)
    if not _kept(before, after):
        raise _error("the dependencies cannot be added to pyproject.toml without changing what is in it", where)
    return text.replace("\n", ends)


def _parsed(text: str, where: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        from uvdock.errors import no_toml

        raise no_toml("pyproject.toml", text, error, str(where)) from error


def _error(what: str, where: Path) -> Exception:
    from uvdock.errors import UvdockError

    return UvdockError(what, where=str(where), fix="correct it by hand, then run it again; nothing was changed")


#: What has to be a table, and what a list, in a pyproject.toml.
_SHAPES = (
    (("project",), dict, "a table"),
    (("project", "dependencies"), list, "a list"),
    (("dependency-groups",), dict, "a table"),
    (("tool",), dict, "a table"),
    (("tool", "uv"), dict, "a table"),
    (("tool", "uv", "sources"), dict, "a table"),
    (("tool", "uv", "index"), list, "a list of tables"),
)


def _check(data: Mapping[str, Any], where: Path) -> None:
    for keys, kind, shape in _SHAPES:
        found: Any = data
        for key in keys:
            found = found.get(key) if isinstance(found, dict) else None
        if found is not None and not isinstance(found, kind):
            raise _error(f"{'.'.join(keys)} in pyproject.toml must be {shape}", where)


def _kept(before: Any, after: Any) -> bool:
    """Whether everything of the old data is in the new, with lists that may only have grown."""
    if isinstance(before, dict):
        return isinstance(after, dict) and all(
            key in after and _kept(value, after[key]) for key, value in before.items()
        )
    if isinstance(before, list):
        return isinstance(after, list) and after[: len(before)] == before
    return bool(before == after)


# --- values -----------------------------------------------------------------------------------------------------------


def value(item: Any) -> str:
    """A value as TOML, on one line."""
    if isinstance(item, bool):
        return "true" if item else "false"
    if isinstance(item, str):
        return _string(item)
    if isinstance(item, Mapping):
        return "{ " + ", ".join(f"{_key(key)} = {value(inner)}" for key, inner in item.items()) + " }"
    if isinstance(item, (list, tuple)):
        return "[" + ", ".join(value(inner) for inner in item) + "]"
    return str(item)


def _string(text: str) -> str:
    import tomlkit

    literal = '"' in text and "'" not in text and text.isprintable()
    return tomlkit.string(text, literal=literal).as_string()


def _key(text: str) -> str:
    return text if re.fullmatch(r"[A-Za-z0-9_-]+", text) else _string(text)


def _comment(text: str) -> str:
    """A comment; TOML allows no control characters in one."""
    shown = "".join(char if char == "\t" or (char >= " " and char != "\x7f") else " " for char in text)
    return f"# {shown}".rstrip()


def _listed(
    entries: Iterable[RequirementEntry],
    includes: Iterable[str] = (),
    trailing: Iterable[str] = (),
    strings: Iterable[str] = (),
) -> str:
    """A list of dependencies, one on a line, each with its comments."""
    rows = [f'    {{ include-group = "{name}" }},' for name in includes]
    rows += [f"    {_string(text)}," for text in strings]
    for at, entry in enumerate(entries):
        rows += [""] if entry.apart and at else []
        rows += [f"    {_comment(text)}" for text in entry.above]
        beside = f"  {_comment(entry.beside)}" if entry.beside else ""
        rows.append(f"    {_string(entry.wanted.text)},{beside}")
    rows += [f"    {_comment(text)}" for text in trailing]
    return "[\n" + "\n".join(rows) + "\n]" if rows else "[]"


# --- places -----------------------------------------------------------------------------------------------------------


def _project(text: str, before: Mapping[str, Any], content: Content) -> str:
    if "project" in before:
        return _extended(text, before["project"], content)
    rows = ["[project]"]
    rows += [f"{key} = {value(item)}" for key, item in content.project.items()]
    if "dependencies" not in content.project.get("dynamic", ()):
        rows.append(f"dependencies = {_listed(content.dependencies, trailing=content.trailing)}")
    if content.optional:
        rows += ["", "[project.optional-dependencies]"]
        rows += [f"{_key(name)} = {_listed((), strings=items)}" for name, items in content.optional.items()]
    made = "\n".join(rows) + "\n"
    return _first_that_reads([f"{made}\n{text.lstrip()}" if text.strip() else made, _appended(text, made)])


def _extended(text: str, project: Mapping[str, Any], content: Content) -> str:
    import tomlkit

    missing = {key: item for key, item in content.project.items() if key not in project and key != "dynamic"}
    dynamic = project.get("dynamic", [])
    missing = {key: item for key, item in missing.items() if key not in dynamic}
    known = {name_in(str(item)) for item in project.get("dependencies", [])}
    new = [entry for entry in content.dependencies if entry.wanted.key not in known]
    if not missing and not new and not content.trailing:
        return text
    document: Any = tomlkit.parse(text)
    table = document["project"]
    for key, item in missing.items():
        table[key] = _item(value(item))
    if "dependencies" not in project and "dependencies" not in dynamic:
        table["dependencies"] = _item(_listed(new, trailing=content.trailing))
    elif "dependencies" in project:
        _extend(table["dependencies"], new, content.trailing)
    return str(tomlkit.dumps(document))


def _extend(array: Any, entries: Sequence[RequirementEntry], trailing: Sequence[str]) -> None:
    """Dependencies at the end of a list that is there, one on a line."""
    for entry in entries:
        for text in entry.above:
            array.add_line(comment=_comment(text)[1:].strip(), indent="    ")
        array.add_line(entry.wanted.text, comment=entry.beside or None, indent="    ")
    for text in trailing:
        array.add_line(comment=_comment(text)[1:].strip(), indent="    ")
    if entries or trailing:
        array.add_line(indent="")


def _build(text: str, before: Mapping[str, Any], content: Content) -> str:
    if not content.build or "build-system" in before:
        return text
    made = "[build-system]\n" + "".join(f"{key} = {value(item)}\n" for key, item in content.build.items())
    return _first_that_reads([_after_project(text, made), _appended(text, made)])


def _groups(text: str, content: Content) -> str:
    import tomlkit

    if not content.groups:
        return text
    rendered = {one.name: _listed(one.entries, one.includes, one.trailing) for one in content.groups}
    document: Any = tomlkit.parse(text)
    if "dependency-groups" not in document:
        made = "[dependency-groups]\n" + "".join(f"{_key(name)} = {listed}\n" for name, listed in rendered.items())
        return _first_that_reads([_after_project(text, made), _appended(text, made)])
    table = document["dependency-groups"]
    for group in content.groups:
        if group.name not in table:
            table[group.name] = _item(rendered[group.name])
            continue
        known = {name_in(str(item)) for item in table[group.name] if isinstance(item, str)}
        _extend(table[group.name], [one for one in group.entries if one.wanted.key not in known], group.trailing)
    return str(tomlkit.dumps(document))


def _uv(text: str, content: Content) -> str:
    keys = {
        key: (value(item) if not isinstance(item, (list, tuple)) else _rows(item), comments)
        for key, (item, comments) in content.uv.items()
    }
    if content.constraints:
        keys["constraint-dependencies"] = (_listed(content.constraints), ())
    tables = {"sources": content.sources, "config-settings-package": content.settings}
    import tomlkit

    document: Any = tomlkit.parse(text)
    there = "uv" in document.get("tool", {})
    if there:
        table = document["tool"]["uv"]
        for key, (shown, comments) in keys.items():
            if key not in table:
                for comment in comments:
                    table.add(tomlkit.comment(_comment(comment)[1:].strip()))
                table[key] = _item(shown)
        for name, items in tables.items():
            if items and name not in table:
                table[name] = tomlkit.table()
            for key, item in items.items():
                if key not in table[name]:
                    table[name][key] = _item(value(item))
        text = str(tomlkit.dumps(document))
        made = "\n".join(_indexes([one for one in content.indexes if one.url not in _urls(table)]))
    else:
        made = "\n".join([*_uv_table(keys), *_tables(tables), *_indexes(content.indexes)])
    return _appended(text, made) if made.strip() else text


def _urls(table: Any) -> set[str]:
    return {str(index.get("url")) for index in table.get("index", [])}


def _rows(items: Sequence[Any]) -> str:
    if len(items) < 2 and not any(isinstance(item, (list, tuple)) for item in items):
        return value(items)
    return "[\n" + "".join(f"    {value(item)},\n" for item in items) + "]"


def _uv_table(keys: Mapping[str, tuple[str, tuple[str, ...]]]) -> Iterator[str]:
    if keys:
        yield "[tool.uv]"
    for key, (shown, comments) in keys.items():
        yield from (_comment(comment) for comment in comments)
        yield f"{key} = {shown}"
    if keys:
        yield ""


def _tables(tables: Mapping[str, Mapping[str, Any]]) -> Iterator[str]:
    for name, items in tables.items():
        if items:
            yield f"[tool.uv.{name}]"
            yield from (f"{_key(key)} = {_source(item)}" for key, item in items.items())
            yield ""


def _source(item: Any) -> str:
    return _rows(item) if isinstance(item, list) else value(item)


def _indexes(indexes: Iterable[Index]) -> Iterator[str]:
    for index in indexes:
        yield from (_comment(comment) for comment in index.comments)
        yield "[[tool.uv.index]]"
        yield f"name = {_string(index.name)}"
        yield f"url = {_string(index.url)}"
        if index.default:
            yield "default = true"
        if index.explicit:
            yield "explicit = true"
        yield ""


def _item(rendered: str) -> Any:
    import tomlkit

    return tomlkit.parse(f"x = {rendered}\n")["x"]


def _appended(text: str, made: str) -> str:
    made = made.strip("\n") + "\n"
    return f"{text.rstrip()}\n\n{made}" if text.strip() else made


def _after_project(text: str, made: str) -> str:
    """Behind ``[project]`` and its own tables, before the next table and the comments above that."""
    rows = text.splitlines()
    seen = False
    for at, row in enumerate(rows):
        found = _HEADER.match(row)
        if not found:
            continue
        if found[1].split(".")[0].strip() in ("project", "dependency-groups", "build-system"):
            seen = True
        elif seen:
            while at and rows[at - 1].lstrip().startswith("#"):
                at -= 1  # noqa: PLW2901 - the comments above a table are part of it
            head, tail = "\n".join(rows[:at]).rstrip(), "\n".join(rows[at:])
            return f"{head}\n\n{made.strip()}\n\n{tail}\n"
    return _appended(text, made)


def _first_that_reads(tries: Sequence[str]) -> str:
    """The first text that is TOML; the last one as it is, for its error to be told."""
    for text in tries:
        try:
            tomllib.loads(text)
        except tomllib.TOMLDecodeError:
            continue
        return text
    return tries[-1]
