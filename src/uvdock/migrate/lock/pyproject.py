"""A project's pyproject.toml: what goes into it, and how, with all that is in it already left as it is.

tomlkit adds to the tables and lists that are there. A new table or list is put in as text: tomlkit puts each new table
behind all others, and does not keep blank lines and comments between dependencies as people write them.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from uvdock.errors import UvdockError, no_toml
from uvdock.migrate.discover.metadata import Metadata
from uvdock.migrate.discover.options import Index
from uvdock.migrate.discover.requirement import Dependency, NotUnderstoodError, Places, name_in, understand
from uvdock.migrate.discover.requirement_files import RequirementEntry
from uvdock.migrate.lock.groups import DependencyList, GroupLayout
from uvdock.migrate.lock.project import ProjectMigration

#: What has to be a table, and what a list, in a pyproject.toml.
_SHAPES = (
    (("project",), dict, "a table"),
    (("project", "dependencies"), list, "a list"),
    (("build-system",), dict, "a table"),
    (("dependency-groups",), dict, "a table"),
    (("tool",), dict, "a table"),
    (("tool", "uv"), dict, "a table"),
    (("tool", "uv", "sources"), dict, "a table"),
    (("tool", "uv", "config-settings-package"), dict, "a table"),
    (("tool", "uv", "index"), list, "a list of tables"),
)
_HEADER = re.compile(r"^\s*\[\[?\s*([^\]]+?)\s*\]?\]")
#: What builds a project that does not say. Without the last line, it also finds modules that lie beside setup.py.
_SETUPTOOLS = {"requires": ["setuptools"], "build-backend": "setuptools.build_meta"}


class Table(dict[str, Any]):
    """What is to be in a table: plain values, lists of dependencies, and tables in it."""


def write(old: str | None, work: ProjectMigration, layout: GroupLayout) -> str:
    """The new text of a project's pyproject.toml.

    Args:
        old: Its text now; ``None`` where there is none.
        work: The project.
        layout: Its dependencies and groups.

    Raises:
        UvdockError: The old one is no TOML, or is written in a way that leaves no place for more.
    """
    import tomlkit

    text = old or ""
    ends = "\r\n" if "\r\n" in text and text.count("\r\n") == text.count("\n") else "\n"
    text = text.replace("\r\n", "\n")
    before = _parsed(text, work.manifest)
    _check(before, work.manifest)
    document: Any = tomlkit.parse(text)
    uv: Any = document.get("tool", {}).get("uv", {})
    urls = {str(index.get("url")) for index in uv.get("index", [])}
    indexes = [one for one in work.settings.indexes if one.url not in urls]
    new = {}
    for name, rows in _tables(work, layout).items():
        table: Any = document
        for key in name.split("."):
            table = table.get(key) if table is not None else None
        comments = work.settings.comments if name == "tool.uv" else {}
        if table is None:
            new[name] = _table(name, rows, comments)
        else:
            _add(table, rows, comments)
    text = str(tomlkit.dumps(document))
    if "project" in new:
        text = _put(text, new["project"], 0)
    for name in ("build-system", "dependency-groups"):
        if name in new:
            text = _put(text, new[name], _after_project(text))
    end = [*new.get("tool.uv", ()), *_indexes(indexes)]
    text = _put(text, end, len(text)) if end else text
    if not _kept(before, _parsed(text, work.manifest)):
        raise _error("the dependencies cannot be added to pyproject.toml without changing what is in it", work.manifest)
    return text.replace("\n", ends)


def _parsed(text: str, where: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise no_toml("pyproject.toml", text, error, str(where)) from error


def _error(what: str, where: Path) -> UvdockError:
    return UvdockError(what, where=str(where), fix="correct it by hand, then run it again; nothing was changed")


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


# --- what goes into it ------------------------------------------------------------------------------------------------


def _tables(work: ProjectMigration, layout: GroupLayout) -> dict[str, Table]:
    """What is to be in each table, as far as it is for uvdock to say."""
    there = work.found.pyproject
    own = work.own or Metadata()
    found = {"project": _project(work, own, layout)}
    if work.package and "build-system" not in there:
        found["build-system"] = Table(_SETUPTOOLS)
        if own.imports:
            del found["build-system"]["build-backend"]
    found["dependency-groups"] = Table(layout.groups)
    uv = Table(work.settings.values)
    if "build-system" in there and not work.package and "project" not in there:
        uv = Table({"package": False, **uv})
    if work.watched:
        uv["cache-keys"] = [{"file": name} for name in ("pyproject.toml", *work.watched)]
    if layout.conflicts:
        uv["conflicts"] = [tuple({"group": name} for name in pair) for pair in layout.conflicts]
    if any(node.entries for node in work.limits):
        uv["constraint-dependencies"] = DependencyList([entry for node in work.limits for entry in node.entries])
    uv["sources"] = Table({**_sources(layout), **work.origins})
    uv["config-settings-package"] = Table({one.wanted.key: one.settings for _, one in layout.entries if one.settings})
    found["tool.uv"] = Table({key: item for key, item in uv.items() if item != Table()})
    return {name: rows for name, rows in found.items() if rows}


def _project(work: ProjectMigration, own: Metadata, layout: GroupLayout) -> Table:
    """What ``[project]`` lacks, and the dependencies that it has to have besides its own."""
    there = work.found.pyproject.get("project", {})
    dynamic = _dynamic(work)
    rows = Table({"name": work.name, "version": own.version or "0.1.0", "requires-python": work.python.requires})
    rows = Table({key: item for key, item in rows.items() if key not in dynamic and key not in there})
    listed = DependencyList([_from_text(text, work) for text in own.dependencies or ()] + layout.own.entries)
    listed.trailing = layout.own.trailing
    if dynamic and dynamic != tuple(there.get("dynamic", ())):
        rows["dynamic"] = dynamic
    if "dependencies" not in dynamic and (rows or listed.entries or listed.trailing):
        rows["dependencies"] = listed
    if own.extras and work.package:
        extras = {name: [RequirementEntry(Dependency(one)) for one in items] for name, items in own.extras.items()}
        rows["optional-dependencies"] = Table({name: DependencyList(items) for name, items in extras.items()})
    return rows


def _dynamic(work: ProjectMigration) -> tuple[str, ...]:
    """What only the build of a project tells."""
    there = work.found.pyproject.get("project", {})
    if not there:
        return work.own.dynamic if work.own and work.package else ()
    found = tuple(there.get("dynamic", ()))
    # maturin takes the version from Cargo.toml without being told.
    untold = "build-system" in work.found.pyproject and "version" not in {*there, *found}
    return (*found, "version") if untold else found


def _from_text(text: str, work: ProjectMigration) -> RequirementEntry:
    """A dependency of setup.py; what is no requirement of an index stays as it was written."""
    folder = work.found.folder
    try:
        wanted = understand(text, Places(folder, folder, lambda _: "", lambda _: False), editable=False)
    except NotUnderstoodError:
        wanted = Dependency(text)
    return RequirementEntry(Dependency(text) if wanted.source else wanted)


def _sources(layout: GroupLayout) -> dict[str, Any]:
    """``[tool.uv.sources]``: one entry a package, or several where groups or markers tell them apart."""
    found: dict[str, list[dict[str, Any]]] = {}
    for group, entry in layout.entries:
        if wanted := entry.wanted if entry.wanted.source else None:
            found.setdefault(wanted.key, []).append({**wanted.source, "marker": wanted.marker, "group": group})
    result: dict[str, Any] = {}
    for name, items in found.items():
        plain = [{key: item for key, item in one.items() if key not in ("marker", "group")} for one in items]
        alike = all(one == plain[0] for one in plain)
        result[name] = plain[0] if alike else [{key: item for key, item in one.items() if item} for one in items]
    return result


# --- as TOML ----------------------------------------------------------------------------------------------------------


def _shown(item: Any) -> str:
    """A value as TOML, a list of several items with each on a line; a tuple on one."""
    if isinstance(item, DependencyList):
        return _listed(item)
    if isinstance(item, list) and (len(item) > 1 or any(isinstance(one, tuple) for one in item)):
        return "[\n" + "".join(f"    {_value(one)},\n" for one in item) + "]"
    return _value(item)


def _value(item: Any) -> str:
    if isinstance(item, bool):
        return "true" if item else "false"
    if isinstance(item, Mapping):
        return "{ " + ", ".join(f"{_key(key)} = {_value(inner)}" for key, inner in item.items()) + " }"
    if isinstance(item, (list, tuple)):
        return "[" + ", ".join(map(_value, item)) + "]"
    return _string(str(item))


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


def _listed(listed: DependencyList) -> str:
    """A list of dependencies, one on a line, each with its comments."""
    rows = [f'    {{ include-group = "{name}" }},' for name in listed.includes]
    for at, entry in enumerate(listed.entries):
        rows += [""] if entry.apart and at else []
        rows += [f"    {_comment(text)}" for text in entry.above]
        beside = f"  {_comment(entry.beside)}" if entry.beside else ""
        rows.append(f"    {_string(entry.wanted.text)},{beside}")
    rows += [f"    {_comment(text)}" for text in listed.trailing]
    return "[\n" + "\n".join(rows) + "\n]" if rows else "[]"


def _table(name: str, rows: Table, comments: Mapping[str, Sequence[str]]) -> list[str]:
    """The lines of a new table with the tables in it."""
    plain = {key: item for key, item in rows.items() if not isinstance(item, Table)}
    lines = [f"[{name}]"] if plain else []
    for key, item in plain.items():
        lines += [*map(_comment, comments.get(key, ())), f"{_key(key)} = {_shown(item)}"]
    lines += [""] if plain else []
    for key, item in rows.items():
        if isinstance(item, Table):
            lines += _table(f"{name}.{key}", item, {})
    return lines


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


# --- into a text ------------------------------------------------------------------------------------------------------


def _add(table: Any, rows: Table, comments: Mapping[str, Sequence[str]]) -> None:
    """What a table that is there has not yet, and to its lists of dependencies what is not in them."""
    import tomlkit

    for key, item in rows.items():
        if isinstance(item, Table):
            if key not in table:
                table[key] = tomlkit.table()
            _add(table[key], item, {})
        elif key not in table:
            for comment in comments.get(key, ()):
                table.add(tomlkit.comment(_comment(comment)[1:].strip()))
            table[key] = tomlkit.parse(f"x = {_shown(item)}\n")["x"]
        elif isinstance(item, DependencyList):
            _extend(table[key], item)
        elif key == "dynamic":
            table[key].extend(one for one in item if one not in table[key])


def _extend(array: Any, listed: DependencyList) -> None:
    """Dependencies at the end of a list that is there, one on a line."""
    known = {name_in(str(item)) for item in array if isinstance(item, str)}
    entries = [entry for entry in listed.entries if entry.wanted.key not in known]
    for entry in entries:
        for text in entry.above:
            array.add_line(comment=_comment(text)[1:].strip(), indent="    ")
        array.add_line(entry.wanted.text, comment=_comment(entry.beside)[1:].strip() or None, indent="    ")
    for text in listed.trailing:
        array.add_line(comment=_comment(text)[1:].strip(), indent="    ")
    if entries or listed.trailing:
        array.add_line(indent="")


def _put(text: str, lines: Sequence[str], at: int) -> str:
    """A text with lines put in at a position, or at its end where what is there does not allow that."""
    made = "\n".join(lines).strip("\n") + "\n"
    head, tail = text[:at].rstrip(), text[at:].lstrip("\n")
    found = "\n\n".join(filter(None, [head, made.rstrip("\n") if tail else made, tail]))
    try:
        tomllib.loads(found)
    except tomllib.TOMLDecodeError:
        return _put(text, lines, len(text)) if tail else found
    return found


def _after_project(text: str) -> int:
    """The position behind ``[project]`` and its own tables: of the next table, or of the comments above that."""
    rows = text.splitlines(keepends=True)
    seen = False
    for at, row in enumerate(rows):
        found = _HEADER.match(row)
        if found and found[1].split(".")[0].strip() in ("project", "dependency-groups", "build-system"):
            seen = True
        elif found and seen:
            while rows[at - 1].lstrip().startswith("#"):
                at -= 1  # noqa: PLW2901 - the comments above a table are part of it
            return len("".join(rows[:at]))
    return len(text)
