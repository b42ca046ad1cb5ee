"""The repo's settings: what is added comes into uvdock.toml or pyproject.toml, and all that is there stays as it is."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from uvdock import commands
from uvdock.errors import UvdockError, no_toml
from uvdock.settings import FILE

PYPROJECT = "pyproject.toml"
_UVDOCK = re.compile(r"\s*\[\s*tool\s*\.\s*uvdock\s*\]\s*(#.*)?")
_COMMANDS = re.compile(r"\s*\[\s*tool\s*\.\s*uvdock\s*\.\s*commands\s*\]\s*(#.*)?")
_OWN_COMMANDS = re.compile(r"\s*\[\s*commands\s*\]\s*(#.*)?")


def settings_of(files: Mapping[str, str], where: str) -> tuple[str, dict[str, Any]]:
    """The repo's settings as they are, of both files, and the file to which more is to be added.

    That is uvdock.toml, which no image is built from; where there is none, and pyproject.toml has the table, that.

    Args:
        files: The repo's files by name.
        where: The repo's root, for errors.

    Raises:
        UvdockError: One is no TOML, or its tables are none.
    """
    found: dict[str, dict[str, Any]] = {}
    for name, keys in ((PYPROJECT, ("tool", "uvdock")), (FILE, ())):
        place = f"{where}/{name}"
        table = _below(_parsed(files.get(name, ""), place), *keys)
        if not isinstance(table.get("commands", {}), dict):
            raise UvdockError("commands must be a table", where=place, fix=f"write [{'.'.join((*keys, 'commands'))}]")
        found[name] = table
    old, own = found[PYPROJECT], found[FILE]
    both = {**old, **own, "commands": {**old.get("commands", {}), **own.get("commands", {})}}
    return PYPROJECT if old and FILE not in files else FILE, both


def with_settings(text: str | None, service: str, added: Mapping[str, Any], where: str) -> str:
    """A settings file with settings and commands added; everything that is in it stays as it is.

    Args:
        text: The file's text; ``None`` where there is none.
        service: The ``service``; nothing where it is empty.
        added: Commands by name.
        where: The file, for errors; by its name it is known which one it is.

    Raises:
        UvdockError: It is no TOML, or its tables are written in a way that leaves no place for more.
    """
    name, keys = (FILE, ()) if where.endswith(FILE) else (PYPROJECT, ("tool", "uvdock"))
    old = "" if text is None else text
    ends = "\r\n" if "\r\n" in old and old.count("\r\n") == old.count("\n") else "\n"
    old = old.replace(ends, "\n")
    expected = _parsed(old, where)
    table = _below(expected, *keys)
    if service:
        table["service"] = service
    if added:
        table.setdefault("commands", {}).update(added)
        commands.parse(table["commands"], where)
    tries = _tries(old, service, added) if keys else iter([_own(old, service, added)])
    new = next((made for made in tries if _fits(made, old, expected)), None)
    if new is None:
        header = ".".join(keys or ("commands",))
        raise UvdockError(
            f"the settings cannot be added to {name} without changing what is in it",
            where=where,
            fix=f"write [{header}] as a table of its own there, then run it again; nothing was changed",
        )
    return new.replace("\n", ends)


def _tries(old: str, service: str, added: Mapping[str, Any]) -> Iterator[str]:
    """The new text in each way there is, the one that reads best first."""
    yield _placed(old, service, added)
    yield _appended(old, service, added)


def _fits(new: str, old: str, expected: Mapping[str, Any]) -> bool:
    """Whether the new text says what it should, and has every old line in its order."""
    try:
        return tomllib.loads(new) == expected and _has_all(new, old)
    except tomllib.TOMLDecodeError:
        return False


def _below(data: dict[str, Any], *keys: str) -> dict[str, Any]:
    for key in keys:
        data = data.setdefault(key, {})
        if not isinstance(data, dict):
            raise UvdockError(f"{key} must be a table", where=PYPROJECT, fix=f"write it as [{'.'.join(keys)}]")
    return data


def _parsed(text: str, where: str) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise no_toml(where.rpartition("/")[2], text, error, where) from error


def _own(old: str, service: str, added: Mapping[str, Any]) -> str:
    """A uvdock.toml: the service with the keys that stand before all tables, the commands in theirs."""
    import tomlkit

    rows = old.rstrip("\n").split("\n") if old.strip() else []
    entries = tomlkit.dumps(_table(added)).splitlines()
    if added and (at := _end_of(rows, _OWN_COMMANDS)):
        rows[at:at] = entries
    elif added:
        rows += [*([""] if rows else []), "[commands]", *entries]
    if service:
        first = next((at for at, row in enumerate(rows) if row.lstrip().startswith("[")), len(rows))
        keys = [at for at in range(first) if rows[at].strip() and rows[at].strip()[0] != "#"]
        line = f"service = {tomlkit.string(service).as_string()}"
        rows[(at := keys[-1] + 1 if keys else 0) : at] = [line] if keys or not rows else [line, ""]
    return "\n".join(rows) + "\n"


def _appended(old: str, service: str, added: Mapping[str, Any]) -> str:
    """The settings behind everything else, as tables of their own."""
    import tomlkit

    document = tomlkit.document()
    tool, uvdock = tomlkit.table(is_super_table=True), tomlkit.table(is_super_table=not service)
    if service:
        uvdock["service"] = service
    if added:
        uvdock["commands"] = _table(added)
    tool["uvdock"] = uvdock
    document["tool"] = tool
    new = tomlkit.dumps(document)
    start = old if not old or old.endswith("\n") else old + "\n"
    return f"{start}\n{new}" if start.strip() else new


def _placed(old: str, service: str, added: Mapping[str, Any]) -> str:
    """The settings as lines behind the last ones of the tables that are there, whatever comment follows those."""
    import tomlkit

    rows = old.split("\n")
    entries = tomlkit.dumps(_table(added)).splitlines()
    if added and (at := _end_of(rows, _COMMANDS)):
        rows[at:at] = entries
    elif added and (at := _end_of(rows, _UVDOCK)):
        rows[at:at] = ["", "[tool.uvdock.commands]", *entries]
    elif added:
        return ""
    line = f"service = {tomlkit.string(service).as_string()}"
    if service and (at := _end_of(rows, _UVDOCK)):
        rows.insert(at, line)
    elif service:
        at = next((at for at, row in enumerate(rows) if _COMMANDS.fullmatch(row)), 0)
        rows[at:at] = ["[tool.uvdock]", line, ""]
    return "\n".join(rows)


def _end_of(rows: Sequence[str], header: re.Pattern[str]) -> int:
    """The place behind the last line of a table that is no comment; 0 where there is no such table."""
    start = next((at for at, row in enumerate(rows) if header.fullmatch(row)), None)
    if start is None:
        return 0
    stop = next((at for at in range(start + 1, len(rows)) if rows[at].lstrip().startswith("[")), len(rows))
    return max(at for at in range(start, stop) if rows[at].strip() and (at == start or rows[at].strip()[0] != "#")) + 1


def _table(added: Mapping[str, Any]) -> Any:
    import tomlkit

    table = tomlkit.table()
    for name, value in added.items():
        table[name] = _item(value)
    return table


def _item(value: Any) -> Any:
    """A value as a person would write it: short forms, and no quotes to escape where that can be."""
    import tomlkit

    if isinstance(value, str):
        escapes = ('"' in value or "\\" in value) and "'" not in value and value.isprintable()
        return tomlkit.string(value, literal=escapes)
    if isinstance(value, Mapping):
        inline = tomlkit.inline_table()
        for key, inner in value.items():
            inline[key] = _item(inner)
        return inline
    if isinstance(value, list):
        array = tomlkit.array()
        for inner in value:
            array.append(_item(inner))
        return array
    return value


def _has_all(new: str, old: str) -> bool:
    """Whether every line of the old text is in the new one, in the same order."""
    lines = iter(new.splitlines())
    return all(line in lines for line in old.splitlines())
