"""Settings, read once into one unchanging record: defaults < the repo's file < invoke.yaml < UVDOCK_* variables.

The repo's file is `uvdock.toml`, or the ``[tool.uvdock]`` table of `pyproject.toml`.

Each key is declared once, as a field of `Settings`; its type, what it allows and its help are there, and the
readers of all these sources follow from it.
"""

import os
import re
import tomllib
from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from types import MappingProxyType
from typing import Annotated, Any, Literal, NamedTuple

from uvdock.errors import SettingsError, UvdockError, nearest, no_toml

DEFAULT = "default"
#: The file of its own: nobody copies it into an image, as most Dockerfiles do with pyproject.toml.
FILE = "uvdock.toml"
PREFIX = "UVDOCK_"
#: What in a cache's description is a secret: an option by its name, or what stands before an address.
_SECRET = re.compile(
    r"(?:^|[,\"\s])([\w-]*(?:token|password|secret|access_key)[\w-]*)\s*=|://[^/,]*@|[?&]sig=", re.IGNORECASE
)
_TRUE = ("true", "1", "yes", "on")
_FALSE = ("false", "0", "no", "off")


class Key(NamedTuple):
    """What a setting may be: its kind, as ``choice``, ``text`` or ``flag``; its help; a choice's values."""

    kind: str
    help: str
    allowed: tuple[str, ...] = ()


# A dataclass of this size takes ten times as long to make, and whoever lists the tasks waits for it.
class Settings(NamedTuple):
    """What uvdock was told, and from where.

    ``sources`` gives for each key the place its value came from (``default``, a file, a variable).
    """

    backend: Annotated[
        Literal["auto", "host", "compose"], Key("choice", "where commands run", ("auto", "host", "compose"))
    ] = "auto"
    service: Annotated[str | None, Key("text", "the Compose service that holds the Python environment")] = None
    js_service: Annotated[
        str | None, Key("text", "the Compose service that holds Node; found by looking when not given")
    ] = None
    projects: Annotated[
        tuple[str, ...],
        Key("texts", "folders with a pyproject.toml, from the repo root; found by looking when not given"),
    ] = ()
    compose_files: Annotated[
        tuple[str, ...], Key("texts", "Compose files, from the repo root; as Compose finds them when not given")
    ] = ()
    context: Annotated[str | None, Key("text", "the Docker context to use instead of the current one")] = None
    cache_volume: Annotated[
        str, Key("text", "the named volume that keeps uv's cache between one-offs; '' for none")
    ] = "uvdock-cache"
    sync: Annotated[
        Literal["auto", "bind", "volume"],
        Key("choice", "how a lock changed in a container comes back", ("auto", "bind", "volume")),
    ] = "auto"
    builder: Annotated[str | None, Key("text", "the buildx builder that builds; the one in use when not given")] = None
    cache_from: Annotated[
        tuple[str, ...], Key("caches", "where builds take layers from: `type=registry,ref=…`, as buildx writes it")
    ] = ()
    cache_to: Annotated[
        tuple[str, ...], Key("caches", "where builds keep their layers; {service} is the name of each service")
    ] = ()
    tty: Annotated[bool | None, Key("flag", "force a terminal on or off instead of looking")] = None
    cooldown: Annotated[str, Key("text", "how old a release must be before deps.upgrade takes it, as `7 days`")] = ""
    ci: Annotated[tuple[str, ...], Key("texts", "the steps of ci.test, each as it would be typed")] = ()
    doctor_ignore: Annotated[tuple[str, ...], Key("texts", "rules that doctor leaves out")] = ()
    sources: Mapping[str, str] = MappingProxyType({})


KEYS: Mapping[str, Key] = {
    name: noted.__metadata__[0] for name, noted in Settings.__annotations__.items() if name != "sources"
}


def load(root: Path, invoke: Mapping[str, Any] | None = None, environ: Mapping[str, str] | None = None) -> Settings:
    """Read the settings of the repo at ``root``.

    Args:
        root: The repo root, which may have a uvdock.toml, or a pyproject.toml with a ``[tool.uvdock]`` table.
        invoke: The ``uvdock`` part of Invoke's configuration (invoke.yaml and what Invoke merges with it).
        environ: Environment variables; the process's own by default.

    Raises:
        SettingsError: A key is unknown or its value not allowed; says which, where, and what is. Or both files set it.
        UvdockError: One of the files is no TOML.
    """
    values: dict[str, Any] = {}
    sources: dict[str, str] = dict.fromkeys(KEYS, DEFAULT)
    tables = [(place, _checked(table, f"{root / place}")) for place, table in own_tables(root).items()]
    _refuse_both(root, dict(tables))
    layers = [*tables, (invoke_file(root), _checked({} if invoke is None else invoke, invoke_file(root)))]
    for source, layer in layers:
        values.update(layer)
        sources.update(dict.fromkeys(layer, source))
    for key, (name, value) in _variables(os.environ if environ is None else environ).items():
        values[key] = value
        sources[key] = name
    return Settings(**values, sources=sources)


def with_options(settings: Settings, options: Mapping[str, str | Sequence[str] | None]) -> Settings:
    """The settings with what options of a task replace; an empty one replaces nothing.

    Raises:
        SettingsError: A value is not allowed.
    """
    told = {key: value for key, value in options.items() if value}
    names = {key: f"--{key.replace('_', '-')}" for key in told}
    given = {key: _typed(key, value, names[key]) for key, value in told.items()}
    return settings._replace(**given, sources={**settings.sources, **names})


def own_tables(root: Path) -> dict[str, Any]:
    """The repo's own tables of settings, as they are, by the place of each: a file and, in it, a table.

    Raises:
        UvdockError: A file is no TOML.
    """
    found: dict[str, Any] = {}
    if (root / FILE).is_file():
        found[FILE] = read_toml(root / FILE)
    pyproject = root / "pyproject.toml"
    tool = read_toml(pyproject).get("tool", {}) if pyproject.is_file() else {}
    if isinstance(tool, Mapping) and "uvdock" in tool:
        found[f"{pyproject.name} [tool.uvdock]"] = tool["uvdock"]
    return found


def own_commands(root: Path) -> tuple[Any, str]:
    """The table of the repo's own commands, as it is, and its place.

    Raises:
        SettingsError: Both files have a command of the same name.
        UvdockError: One of them is no TOML.
    """
    found = {
        f"{place} [commands]" if place == FILE else f"{place.removesuffix(']')}.commands]": table["commands"]
        for place, table in own_tables(root).items()
        # Settings that are no table are refused where they are read.
        if isinstance(table, Mapping) and "commands" in table
    }
    places = " and ".join(f"{root / place}" for place in found)
    wrong = [table for table in found.values() if not isinstance(table, Mapping)]
    if wrong:
        return wrong[0], places
    _refuse_both(root, {place: {str(name).replace("_", "-"): 0 for name in table} for place, table in found.items()})
    return {name: value for table in found.values() for name, value in table.items()}, places


def own_place(root: Path, table: str = "") -> str:
    """Where the repo's settings stand, or belong: for a person who is told to write one.

    Args:
        root: The repo root.
        table: A table in it, as ``commands``.
    """
    pyproject = root / "pyproject.toml"
    if not (root / FILE).is_file() and any(place != FILE for place in own_tables(root)):
        return f"[tool.uvdock{f'.{table}' if table else ''}] of {pyproject.name}"
    return f"[{table}] of {FILE}" if table else FILE


def read_toml(path: Path) -> Mapping[str, Any]:
    """A TOML file as plain data, which is shared with others who read the same: not to be changed.

    Raises:
        UvdockError: It cannot be read, or is no TOML; with line and column.
    """
    text = ""
    try:
        text = path.read_text(encoding="utf-8")
        return _parsed(text)
    except tomllib.TOMLDecodeError as error:
        raise no_toml(path.name, text, error, str(path)) from error
    except (OSError, UnicodeDecodeError) as error:
        raise UvdockError(
            f"{path.name} cannot be read: {error}", where=str(path), fix="check that it is a readable UTF-8 file"
        ) from error


def invoke_file(root: Path) -> str:
    """The name of Invoke's configuration as a person knows it: the project's file where there is one."""
    for suffix in ("yaml", "yml", "json", "py"):
        if (root / f"invoke.{suffix}").is_file():
            return f"invoke.{suffix} (uvdock)"
    return "Invoke's configuration (uvdock)"


def rows(settings: Settings, found: Mapping[str, str] | None = None) -> list[tuple[str, str, str]]:
    """Key, value and source of every setting, as a person reads them.

    Args:
        settings: The settings.
        found: For keys that nobody set, what looking found.
    """
    lines = []
    for key in KEYS:
        value, source = getattr(settings, key), settings.sources.get(key, DEFAULT)
        if source == DEFAULT and found and key in found:
            lines.append((key, found[key], "found by looking"))
        else:
            lines.append((key, _shown(value), source))
    return lines


@lru_cache(maxsize=16)
def _parsed(text: str) -> Mapping[str, Any]:
    """A repo's own manifest is asked for its settings, its commands and its dependencies one after the other."""
    return tomllib.loads(text)


def _refuse_both(root: Path, tables: Mapping[str, Mapping[str, Any]]) -> None:
    """Refuse a key that stands in both files: one of them would be left out without a word.

    Raises:
        SettingsError: There is one.
    """
    if len(tables) < 2:
        return
    first, second = tables
    for key in tables[first]:
        if key in tables[second]:
            raise SettingsError(
                f"{key} is set twice",
                where=f"{root / first} and {root / second}",
                fix=f"keep it in one of them; {FILE} is the one that no image is built from",
                code=2,
            )


def _checked(table: Mapping[str, Any], where: str) -> dict[str, Any]:
    if not isinstance(table, Mapping):
        raise SettingsError(
            "uvdock's settings must be a table of keys", where=where, fix=f"allowed: {_names()}", code=2
        )
    # The commands are no setting: `uvdock.commands` reads them.
    return {key: _typed(key, value, where) for key, value in table.items() if key != "commands"}


def _variables(environ: Mapping[str, str]) -> dict[str, tuple[str, Any]]:
    found: dict[str, tuple[str, Any]] = {}
    for name, text in environ.items():
        if not name.startswith(PREFIX):
            continue
        key = name.removeprefix(PREFIX).lower()
        if key in KEYS:
            found[key] = (name, _typed(key, _from_text(key, text), f"environment variable {name}"))
        elif nearest(key, list(KEYS)):
            # Other programs may own UVDOCK_ names; what looks like a mistyped key is refused.
            raise SettingsError(
                f"unknown setting {name}{nearest(name, [PREFIX + known.upper() for known in KEYS])}",
                where=f"environment variable {name}",
                fix="allowed: " + ", ".join(PREFIX + known.upper() for known in KEYS),
                code=2,
            )
    return found


def _from_text(key: str, text: str) -> Any:
    kind = KEYS[key].kind
    if kind == "texts":
        return [part for part in text.split(os.pathsep) if part]
    if kind == "caches":
        # Their addresses have colons.
        return text.split()
    if kind == "flag":
        if text.lower() in _TRUE:
            return True
        if text.lower() in _FALSE:
            return False
    return text


def _typed(key: str, value: Any, where: str) -> Any:
    if key not in KEYS:
        raise SettingsError(
            f"unknown setting {key!r}{nearest(key, list(KEYS))}", where=where, fix=f"allowed: {_names()}", code=2
        )
    kind, _, allowed = KEYS[key]
    if kind == "choice" and value in allowed:
        return value
    if kind == "text" and isinstance(value, str) and (value or Settings._field_defaults[key] is not None):
        return value
    if kind == "flag" and isinstance(value, bool):
        return value
    if kind in ("texts", "caches"):
        items = [value] if isinstance(value, str) else value
        if isinstance(items, (list, tuple)) and all(isinstance(item, str) and item for item in items):
            if kind == "caches":
                _refuse_secret(key, items, where)
            return tuple(items)
    raise SettingsError(
        f"{key} may not be {value!r}",
        where=where,
        fix=f"allowed: {_allowed(key)}",
        code=2,
    )


def _refuse_secret(key: str, caches: Sequence[str], where: str) -> None:
    """Refuse a cache that holds what nobody wants in a file; the message does not hold it either.

    Raises:
        SettingsError: There is one.
    """
    found = next((match for item in caches if (match := _SECRET.search(item))), None)
    if found is not None:
        raise SettingsError(
            f"{key} holds a secret: {found[1] or 'a password in an address'}",
            where=where,
            fix="take it out: buildx has it from `docker login`, ACTIONS_RUNTIME_TOKEN or AWS_SECRET_ACCESS_KEY",
            code=2,
        )


def _allowed(key: str) -> str:
    kind, _, allowed = KEYS[key]
    kinds = {
        "choice": ", ".join(allowed),
        "text": "a text",
        "texts": f"a list of texts (in a variable separated by {os.pathsep!r})",
        "caches": "a list of texts as buildx has them, type=registry,ref=… (in a variable separated by blanks)",
        "flag": "true or false",
    }
    return str(kinds[kind])


def _names() -> str:
    return ", ".join(KEYS)


def _shown(value: object) -> str:
    if value in {None, (), ""}:
        return "–"
    if isinstance(value, bool):
        return str(value).lower()
    return ", ".join(value) if isinstance(value, tuple) else str(value)
