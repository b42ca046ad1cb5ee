"""What a setup.py or setup.cfg says of a project, as far as it says it in so many words; neither is ever run."""

from __future__ import annotations

import ast
import configparser
import re
import sys
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

#: The keywords of setup() and the fields of ``[project]`` that go on coming from there.
_FIELDS = {
    "description": "description",
    "long_description": "readme",
    "author": "authors",
    "author_email": "authors",
    "maintainer": "maintainers",
    "maintainer_email": "maintainers",
    "license": "license",
    "license_file": "license",
    "license_files": "license",
    "classifiers": "classifiers",
    "keywords": "keywords",
    "url": "urls",
    "project_urls": "urls",
    "download_url": "urls",
    "entry_points": "entry-points",
    "scripts": "",
}
_UNKNOWN = object()
#: What a call of setup() may say that cannot be read: `setup(**arguments)`, and pbr, which reads files of its own.
_HIDDEN = ("version", "install_requires", "extras_require", "entry_points")
#: The methods that change a list or a dictionary.
_CHANGES = ("append", "extend", "insert", "remove", "pop", "clear", "update", "setdefault")
#: What a setup.py may import wherever it is run from.
_INSTALLED = {*sys.stdlib_module_names, "setuptools", "pkg_resources", "distutils"}


@dataclass(frozen=True)
class Metadata:
    """A project's own metadata.

    Args:
        name: Its name; empty where it cannot be told.
        version: Its version; empty where that is made by code.
        requires_python: Its ``python_requires``.
        dependencies: Its ``install_requires``; ``None`` where code makes them.
        extras: Its ``extras_require``; ``None`` where code makes them.
        dynamic: The fields of ``[project]`` that go on coming from the file.
        imports: Whether its setup.py imports more than Python and setuptools have: what it imports may lie beside it.
    """

    name: str = ""
    version: str = ""
    requires_python: str = ""
    dependencies: tuple[str, ...] | None = ()
    extras: Mapping[str, tuple[str, ...]] | None = field(default_factory=dict)
    dynamic: tuple[str, ...] = ()
    imports: bool = False


def read(setup_py: str | None, setup_cfg: str | None, cargo: str | None = None) -> Metadata | None:
    """The metadata in the files' texts, those that are there; ``None`` where they describe no project.

    Args:
        setup_py: The setup.py.
        setup_cfg: The setup.cfg.
        cargo: The Cargo.toml of a project that maturin builds.
    """
    code = _tree(setup_py or "")
    from_code = _setup_call(code)
    from_cfg = _setup_cfg(setup_cfg) if setup_cfg is not None else {}
    if from_code is None and not from_cfg:
        return _crate(cargo or "")
    # What is in setup.cfg counts where both say something: setuptools reads it last.
    return _metadata({**(from_code or {}), **from_cfg}, imports=_imports(code))


def _crate(text: str) -> Metadata | None:
    """What maturin takes from a Cargo.toml."""
    try:
        package = tomllib.loads(text).get("package")
    except tomllib.TOMLDecodeError:
        return None
    return Metadata(name=_text(package.get("name")), dynamic=("version",)) if isinstance(package, dict) else None


def _metadata(values: Mapping[str, Any], *, imports: bool) -> Metadata:
    dependencies = _lines(values.get("install_requires", ()))
    extras = values.get("extras_require", {})
    read_extras = _extras(extras)
    points = values.get("entry_points")
    fields = [_FIELDS[name] for name in _FIELDS if values.get(name) and _FIELDS[name]]
    if points:
        groups = set(points) if isinstance(points, dict) else {"console_scripts", "gui_scripts", "other"}
        fields += ["scripts"] * ("console_scripts" in groups) + ["gui-scripts"] * ("gui_scripts" in groups)
        if not groups - {"console_scripts", "gui_scripts"}:
            fields = [one for one in fields if one != "entry-points"]
    version = values.get("version")
    fixed = version if isinstance(version, str) and not version.startswith(("attr:", "file:")) else ""
    # Where no file says a version, what the build has plugged in does: setuptools-scm, pbr.
    dynamic = [*([] if fixed else ["version"]), *fields]
    dynamic += ["dependencies"] if dependencies is None else []
    dynamic += ["optional-dependencies"] if read_extras is None else []
    return Metadata(
        name=_text(values.get("name")),
        version=fixed,
        requires_python=re.sub(r"\s+", "", _text(values.get("python_requires"))),
        dependencies=dependencies,
        extras=read_extras,
        dynamic=tuple(dict.fromkeys(dynamic)),
        imports=imports,
    )


def _extras(value: Any) -> dict[str, tuple[str, ...]] | None:
    """The extras; ``None`` where code makes them."""
    if not isinstance(value, dict):
        return None
    found: dict[str, tuple[str, ...]] = {}
    for name, items in value.items():
        lines = _lines(items)
        # `":python_version<'3.8'"` is an old way to put a marker on dependencies of the project itself.
        if lines is None or not re.fullmatch(r"[A-Za-z0-9][\w.-]*", str(name)):
            return None
        found[str(name)] = lines
    return found


def _text(value: Any) -> str:
    return value.strip() if isinstance(value, str) else ""


def _lines(value: Any) -> tuple[str, ...] | None:
    """Requirements as a list or as lines of text; ``None`` where they are neither, or in a file that is named."""
    if isinstance(value, str):
        value = None if value.lstrip().startswith("file:") else value.splitlines()
    if not isinstance(value, (list, tuple, set)) or not all(isinstance(item, str) for item in value):
        return None
    items = [re.sub(r"(^|\s)#.*$", "", item).strip() for item in value]
    return tuple(item for item in items if item)


def _setup_call(tree: ast.Module) -> dict[str, Any] | None:
    """The keywords of setup() with the values that stand there, or in a variable of the file, in so many words."""
    for call in ast.walk(tree):
        if isinstance(call, ast.Call) and ast.unparse(call.func) in ("setup", "setuptools.setup", "core.setup"):
            return _keywords(call, _constants(tree))
    return None


def _tree(text: str) -> ast.Module:
    """The code of a file; an empty one where that is none."""
    try:
        return ast.parse(text)
    except (SyntaxError, ValueError, RecursionError):
        return ast.parse("")


def _keywords(call: ast.Call, names: Mapping[str, ast.expr]) -> dict[str, Any]:
    """What a call says by its keywords and by dictionaries; what those may hide is unknown."""
    found: dict[str, Any] = {}
    for word in call.keywords:
        value = _value(word.value, names)
        if word.arg:
            found[word.arg] = value
        else:
            found |= value if isinstance(value, dict) else dict.fromkeys(_HIDDEN, _UNKNOWN)
    return {**dict.fromkeys(_HIDDEN, _UNKNOWN), **found} if found.get("pbr") else found


def _constants(tree: ast.Module) -> dict[str, ast.expr]:
    """The variables of a file that are given one value, by a statement of the file itself, and are never changed."""
    values: dict[str, ast.expr] = {}
    for node in tree.body:
        if isinstance(node, ast.Assign) and len(node.targets) == 1 and isinstance(node.targets[0], ast.Name):
            values[node.targets[0].id] = node.value
        elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name) and node.value:
            values[node.target.id] = node.value
    stored = [_root(node) for node in ast.walk(tree) if _changes(node)]
    # A name that is stored once is in `values` by that; one more change, and what it has is not told.
    return {name: value for name, value in values.items() if stored.count(name) == 1}


def _changes(node: ast.AST) -> bool:
    """Whether a node is what is stored into, or a method that changes what it belongs to: `requires.append`."""
    if isinstance(node, ast.Attribute) and node.attr in _CHANGES:
        return True
    return isinstance(node, (ast.Name, ast.Attribute, ast.Subscript)) and not isinstance(node.ctx, ast.Load)


def _root(node: ast.AST) -> str:
    """The variable that `extras["all"].append` begins with."""
    while isinstance(node, (ast.Attribute, ast.Subscript)):
        node = node.value
    return node.id if isinstance(node, ast.Name) else ""


def _imports(tree: ast.Module) -> bool:
    """Whether a setup.py imports more than Python and setuptools have."""
    found: list[str] = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            found.append(node.module or "")
    return any(name.partition(".")[0] not in _INSTALLED for name in found)


def _value(node: ast.expr, names: Mapping[str, ast.expr], depth: int = 0) -> Any:
    if isinstance(node, ast.Name) and node.id in names and depth < 3:
        return _value(names[node.id], names, depth + 1)
    if isinstance(node, ast.Dict) and all(isinstance(key, ast.Constant) for key in node.keys):
        return {
            key.value: _value(value, names, depth)
            for key, value in zip(node.keys, node.values, strict=True)
            if isinstance(key, ast.Constant)
        }
    try:
        return ast.literal_eval(node)
    except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError):
        return _UNKNOWN


def _setup_cfg(text: str) -> dict[str, Any]:
    parser = configparser.RawConfigParser()
    try:
        parser.read_string(text)
    except configparser.Error:
        return {}
    found: dict[str, Any] = {}
    for section in ("metadata", "options"):
        if parser.has_section(section):
            found.update((name.replace("-", "_"), value) for name, value in parser.items(section))
    if "name" not in found and "install_requires" not in found:
        return {}
    found.pop("scripts", None)
    if "classifier" in found:
        found["classifiers"] = found.pop("classifier")
    if parser.has_section("options.extras_require"):
        found["extras_require"] = dict(parser.items("options.extras_require"))
    if parser.has_section("options.entry_points"):
        found["entry_points"] = dict(parser.items("options.entry_points"))
    return found
