"""Manifests that a uv can lock for looking, though no Python of the project's version is on the machine.

uv wants an interpreter that `requires-python` allows before it locks, though a resolution runs none. In a copy,
the bound moves from `requires-python` to `[tool.uv] environments`, where it narrows the resolution in the same
way (https://docs.astral.sh/uv/concepts/resolution/#limited-resolution-environments).
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from packaging.specifiers import InvalidSpecifier, SpecifierSet

#: A bound that every interpreter meets.
_ANY = ">=3.0"


def relax_requires_python(manifests: Mapping[Path, bytes], root: Path, python: str) -> dict[Path, bytes]:
    """The manifests that have to be others so that ``python`` may lock them.

    Args:
        manifests: Each pyproject.toml of the workspace, by its path.
        root: The path of the workspace root's.
        python: The version of the interpreter there is.

    Returns:
        The changed ones; nothing when that interpreter is one of the project's anyway, or when a bound cannot be
        read or only a build can tell it.
    """
    import tomlkit
    from tomlkit.exceptions import TOMLKitError

    try:
        documents = {path: tomlkit.parse(content.decode("utf-8")) for path, content in manifests.items()}
    except (TOMLKitError, UnicodeDecodeError):
        return {}
    bounds = {path: bound for path, document in documents.items() if (bound := _bound(document))}
    try:
        if all(SpecifierSet(bound).contains(python, prereleases=True) for bound in bounds.values()):
            return {}
        markers = [marker for bound in bounds.values() for marker in _markers(bound)]
    except InvalidSpecifier:
        return {}
    for path in bounds:
        documents[path]["project"]["requires-python"] = _ANY
    uv = documents[root].setdefault("tool", {}).setdefault("uv", {})
    narrowed = " and ".join(dict.fromkeys(markers))
    given = uv.get("environments", [])
    listed = [given] if isinstance(given, str) else list(given)
    uv["environments"] = [f"({marker}) and {narrowed}" for marker in listed] or [narrowed]
    return {path: tomlkit.dumps(documents[path]).encode("utf-8") for path in {*bounds, root}}


def _bound(document: Mapping[str, Any]) -> str:
    found = document.get("project", {}).get("requires-python", "")
    return str(found) if isinstance(found, str) else ""


def _markers(bound: str) -> list[str]:
    return [f"python_full_version {item.operator} '{item.version}'" for item in SpecifierSet(bound)]
