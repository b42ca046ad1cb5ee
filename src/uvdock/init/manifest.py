"""The root's pyproject.toml: settings and commands come into it, and everything that is there stays as it is."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from uvdock import commands
from uvdock.errors import UvdockError, no_toml

PYPROJECT = "pyproject.toml"
_NO_PROJECT = """\
# Only uvdock's settings are here. There is no [project] table on purpose: with one, this folder would become
# a Python project of its own.
"""
_UVDOCK = re.compile(r"\s*\[\s*tool\s*\.\s*uvdock\s*\]\s*(#.*)?")
_COMMANDS = re.compile(r"\s*\[\s*tool\s*\.\s*uvdock\s*\.\s*commands\s*\]\s*(#.*)?")


def settings_of(text: str | None, where: str) -> dict[str, Any]:
    """The ``[tool.uvdock]`` table as it is.

    Args:
        text: The file's text; ``None`` where there is none.
        where: The file, for errors.

    Raises:
        UvdockError: It is no TOML, or its tables are none.
    """
    found = _below(_parsed(text or "", where), "tool", "uvdock")
    if not isinstance(found.get("commands", {}), dict):
        raise UvdockError(
            "commands must be a table", where=f"{where} [tool.uvdock]", fix="write [tool.uvdock.commands]"
        )
    return found


def with_settings(text: str | None, service: str, added: Mapping[str, Any], where: str) -> str:
    """A pyproject.toml with settings and commands added; everything that is in it stays as it is.

    Args:
        text: The file's text; ``None`` where there is none.
        service: The ``service`` of ``[tool.uvdock]``; nothing where it is empty.
        added: Commands by name.
        where: The file, for errors.

    Raises:
        UvdockError: It is no TOML, or its tables are written in a way that leaves no place for more.
    """
    old = "" if text is None else text
    ends = "\r\n" if "\r\n" in old and old.count("\r\n") == old.count("\n") else "\n"
    old = old.replace(ends, "\n")
    expected = _parsed(old, where)
    table = _below(expected, "tool", "uvdock")
    if service:
        table["service"] = service
    if added:
        table.setdefault("commands", {}).update(added)
        commands.parse(table["commands"], where)
    new = next((made for made in _tries(old, service, added) if _fits(made, old, expected)), None)
    if new is None:
        raise UvdockError(
            f"the settings cannot be added to {PYPROJECT} without changing what is in it",
            where=where,
            fix="write [tool.uvdock] as a table of its own there, then run it again; nothing was changed",
        )
    if text is None:
        new = _NO_PROJECT + "\n" + new
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
        raise no_toml(PYPROJECT, text, error, where) from error


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
