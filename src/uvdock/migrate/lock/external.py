"""Poetry and Pipenv: `migrate-to-uv` makes the pyproject.toml, and their own locks give the versions to keep.

tomlkit completes what it makes; ``[build-system]`` is taken out as text, since tomlkit takes a comment above the next
table out with it.
"""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from packaging.utils import canonicalize_name

from uvdock.migrate.discover import requirement_files
from uvdock.migrate.discover.options import is_pypi
from uvdock.migrate.discover.requirement import pinned
from uvdock.migrate.discover.requirement_files import Pin
from uvdock.migrate.discover.sources import Source
from uvdock.migrate.lock.project import safe_name
from uvdock.migrate.lock.uv import Failed, Locked, Uv, short
from uvdock.migrate.lock.version_drift import UNLISTED
from uvdock.migrate.model import Drift

#: The well-kept tool for both (PyPI, a binary), in the versions whose options and results are known here.
TOOL = "migrate-to-uv"
_VERSIONS = f"{TOOL}>=0.12,<0.13"
#: The files of each that go.
FILES = {"poetry": ("poetry.lock", "poetry.toml"), "pipenv": ("Pipfile", "Pipfile.lock")}
_BUILD_SYSTEM = re.compile(r"^\[build-system\]\n(?:[^\[\n#][^\n]*\n)*\n?", re.MULTILINE)


def manifest(uv: Uv, tool: str, texts: Mapping[Path, str], folder: Path) -> str | Failed:
    """The pyproject.toml that `migrate-to-uv` makes of a Poetry or Pipenv project.

    Args:
        uv: Where it runs: an empty folder.
        tool: ``poetry`` or ``pipenv``.
        texts: The repo's text files.
        folder: The project's folder.
    """
    for name in ("pyproject.toml", *FILES[tool]):
        if (text := texts.get(folder / name)) is not None:
            (uv.folder / name).write_text(text, encoding="utf-8", newline="")
    options = ("--skip-lock", "--dependency-groups-strategy", "keep-existing", "--package-manager", tool)
    done = uv.call("tool", "run", "--no-progress", "--from", _VERSIONS, TOOL, *options, ".")
    path = uv.folder / "pyproject.toml"
    if done.code != 0 or not path.is_file():
        said = " ".join((done.text + done.stderr.decode("utf-8", "replace")).split())
        return Failed(f"{TOOL} could not convert it: {said}")
    made = path.read_text(encoding="utf-8")
    for name in FILES[tool]:
        (uv.folder / name).unlink(missing_ok=True)
    return made


def pins(tool: str, texts: Mapping[Path, str], folder: Path) -> list[Pin]:
    """The versions in poetry.lock or Pipfile.lock; none where there is no such file or it cannot be read."""
    path = folder / ("poetry.lock" if tool == "poetry" else "Pipfile.lock")
    text = texts.get(path)
    if text is None:
        return []
    try:
        return _poetry(tomllib.loads(text), path) if tool == "poetry" else _pipenv(json.loads(text), path)
    except (ValueError, AttributeError, TypeError, KeyError):
        return []


def _poetry(data: Mapping[str, Any], path: Path) -> list[Pin]:
    found: dict[str, list[Pin]] = {}
    for package in data.get("package", []):
        if package.get("source", {}).get("type") in (None, "legacy"):
            files = tuple(file["hash"] for file in package.get("files", []) if "hash" in file)
            pin = Pin(canonicalize_name(package["name"]), package["version"], "", files, path)
            found.setdefault(pin.name, []).append(pin)
    # A package with two versions is chosen by markers, which uv works out itself.
    return [one[0] for one in found.values() if len(one) == 1]


def _pipenv(data: Mapping[str, Any], path: Path) -> list[Pin]:
    found: dict[str, Pin] = {}
    for section in ("default", "develop"):
        for name, entry in data.get(section, {}).items():
            if version := pinned(str(entry.get("version", ""))):
                pin = Pin(canonicalize_name(name), version, "", tuple(entry.get("hashes", ())), path)
                found.setdefault(pin.name, pin)
    return list(found.values())


def completed(text: str, name: str) -> str:
    """The manifest with what `migrate-to-uv` leaves open: a name, a plain lower bound, no index that is uv's own."""
    import tomlkit

    document: Any = tomlkit.parse(text)
    project = document["project"]
    if not project.get("name"):
        project["name"] = safe_name(name)
    wanted = str(project.get("requires-python", ""))
    if loose := re.fullmatch(r"~=(3\.\d+)", wanted):
        # Which uv itself warns about: two numbers after ~= allow every later 3.x.
        project["requires-python"] = f">={loose[1]}"
    uv = document.get("tool", {}).get("uv", {})
    if "index" in uv and all(is_pypi(str(index.get("url", ""))) for index in uv["index"]):
        del uv["index"]
    made = str(tomlkit.dumps(document))
    if uv.get("package") is False:
        # What is not built needs nothing that builds it.
        made = _BUILD_SYSTEM.sub("", made)
    return made.rstrip() + "\n"


def compare(pins: Sequence[Pin], locked: Locked) -> list[Drift]:
    """Every package of the old lock that the new one has in another version, or not at all.

    Both locks are for all platforms, so they are compared as they are.
    """
    versions: dict[str, set[str]] = {}
    for package in locked.data.get("package", []):
        versions.setdefault(package["name"], set()).add(str(package.get("version", "")))
    found = []
    for pin in pins:
        new = versions.get(pin.name, set())
        if pin.version in new or pin.name in UNLISTED:
            continue
        reason = locked.dropped.get(pin.name, "another version is asked for")
        cause = f"uv cannot keep it: {short(reason)}" if new else "nothing that is asked for needs it any more"
        found.append(Drift(pin.name, pin.version, ", ".join(sorted(new)), cause))
    return found


def is_export(source: Source, known: Mapping[str, str]) -> bool:
    """Whether a requirement file only repeats the lock: each line pins what the lock has."""
    lines = [line for line in source.lines if line.kind == "requirement"]
    pinned = requirement_files.pins(source)
    return 0 < len(lines) == len(pinned) and all(known.get(pin.name) == pin.version for pin in pinned)
