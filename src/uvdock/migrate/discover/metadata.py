"""What a setup.py or setup.cfg says of a project, as far as it says it in so many words; neither is ever run."""

from __future__ import annotations

import ast
import configparser
import re
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
    """

    name: str = ""
    version: str = ""
    requires_python: str = ""
    dependencies: tuple[str, ...] | None = ()
    extras: Mapping[str, tuple[str, ...]] | None = field(default_factory=dict)
    dynamic: tuple[str, ...] = ()


def read(setup_py: str | None, setup_cfg: str | None) -> Metadata | None:
    """The metadata in the two files' texts, those that are there; ``None`` where they describe no project."""
    from_code = _setup_call(setup_py) if setup_py is not None else None
    from_cfg = _setup_cfg(setup_cfg) if setup_cfg is not None else {}
    if from_code is None and not from_cfg:
        return None
    # What is in setup.cfg counts where both say something: setuptools reads it last.
    return _metadata({**(from_code or {}), **from_cfg})


def _metadata(values: Mapping[str, Any]) -> Metadata:
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
    dynamic = [*(["version"] if version and not fixed else []), *fields]
    dynamic += ["dependencies"] if dependencies is None else []
    dynamic += ["optional-dependencies"] if read_extras is None else []
    return Metadata(
        name=_text(values.get("name")),
        version=fixed,
        requires_python=re.sub(r"\s+", "", _text(values.get("python_requires"))),
        dependencies=dependencies,
        extras=read_extras,
        dynamic=tuple(dict.fromkeys(dynamic)),
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
    """Requirements as a list or as lines of text; ``None`` where they are neither."""
    if isinstance(value, str):
        value = value.splitlines()
    if not isinstance(value, (list, tuple, set)) or not all(isinstance(item, str) for item in value):
        return None
    items = [re.sub(r"(^|\s)#.*$", "", item).strip() for item in value]
    return tuple(item for item in items if item)


def _setup_call(text: str) -> dict[str, Any] | None:
    """The keywords of setup() with the values that stand there, or in a variable of the file, in so many words."""
    try:
        tree = ast.parse(text)
    except (SyntaxError, ValueError, RecursionError):
        return None
    names: dict[str, ast.expr] = {}
    for node in tree.body:
        if isinstance(node, ast.Assign) and len(node.targets) == 1 and isinstance(node.targets[0], ast.Name):
            names[node.targets[0].id] = node.value
    for call in ast.walk(tree):
        if isinstance(call, ast.Call) and ast.unparse(call.func) in ("setup", "setuptools.setup", "core.setup"):
            return {word.arg: _value(word.value, names) for word in call.keywords if word.arg}
    return None


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
    for name in ("install_requires", "python_requires"):
        if str(found.get(name, "")).lstrip().startswith("file:"):
            found[name] = _UNKNOWN
    return found
