"""The proof: what the new lock installs against what the old files pinned, package by package."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from uvdock.migrate.discover.requirement_files import Pin
from uvdock.migrate.lock.uv import Locked, applies, needed_by, short
from uvdock.migrate.model import Drift, Notice

#: What `pip freeze` and pip-compile leave out of what they print.
UNLISTED = frozenset({"pip", "setuptools", "wheel", "distribute"})


@dataclass(frozen=True)
class Old:
    """What one old file installs.

    Args:
        path: The file.
        pins: The versions it has, with those of what it includes.
        whole: Whether those are all the packages there were.
        given: Packages that have no version of an index: URLs, paths, the project itself.
    """

    path: Path
    pins: Sequence[Pin]
    whole: bool
    given: frozenset[str] = frozenset()


def chosen(pins: Iterable[Pin], conflicting: frozenset[str]) -> tuple[list[Pin], list[Notice]]:
    """The pins that one lock can keep: of two versions of a package the first, and a question about the other.

    Args:
        pins: All of them, those of the project's own dependencies first.
        conflicting: Packages whose versions are declared to differ between groups: no pin holds them all.
    """
    found: dict[tuple[str, str], Pin] = {}
    findings = []
    for pin in pins:
        if pin.name in conflicting:
            continue
        known = found.setdefault((pin.name, pin.marker), pin)
        if not _same(known.version, pin.version):
            what = f"{pin.name}=={pin.version} here, but {known.version} in {known.path}:{known.line}"
            instead = f"one lock has one version for both: {known.version} is taken"
            findings.append(Notice(pin.path, pin.line, "question", what, instead))
    return list(found.values()), findings


def compare(old: Old, installed: Mapping[str, str], locked: Locked, version: str) -> list[Drift]:
    """Every package of one old file whose version is not the old one, with the cause.

    Args:
        old: What the file installed.
        installed: What the new lock installs in its place.
        locked: The lock.
        version: The Python the old pins were made for.
    """
    wanted = {pin.name: pin for pin in reversed(old.pins) if applies(pin.marker, version)}
    parents = needed_by(locked.data, version)
    everywhere = {package["name"] for package in locked.data.get("package", [])}
    found = []
    for name, pin in sorted(wanted.items()):
        new = installed.get(name)
        if new is None:
            found.append(Drift(name, pin.version, "", _gone(name, old, everywhere)))
        elif new and not _same(new, pin.version):
            found.append(Drift(name, pin.version, new, _changed(pin, old, locked)))
    if old.whole:
        for name in sorted(installed.keys() - wanted.keys() - old.given - UNLISTED):
            who = ", ".join(sorted(parents.get(name, ()))) or "a requirement"
            found.append(Drift(name, "", installed[name], f"{who} needs it, and {old.path} did not have it"))
    return found


def check_hashes(pins: Iterable[Pin], data: Mapping[str, Any]) -> list[Notice]:
    """A question for each pin whose hashes are none of those in the lock: then it is another file."""
    findings = []
    for pin in pins:
        alike = (one for one in data.get("package", []) if one["name"] == pin.name)
        package: Mapping[str, Any] = next((one for one in alike if _same(one.get("version", ""), pin.version)), {})
        new = {file["hash"] for file in (*package.get("wheels", ()), package.get("sdist", {})) if "hash" in file}
        if pin.hashes and new and not new & set(pin.hashes):
            what = f"none of the hashes of {pin.name}=={pin.version} is in the new lock: its index has other files"
            findings.append(Notice(pin.path, pin.line, "question", what, "find out which index is the right one"))
    return findings


def _gone(name: str, old: Old, everywhere: set[str]) -> str:
    if name in everywhere:
        return f"nothing that {old.path} asks for needs it on Linux with this Python"
    return f"nothing that {old.path} asks for needs it any more"


def _changed(pin: Pin, old: Old, locked: Locked) -> str:
    if reason := locked.dropped.get(pin.name):
        return f"uv cannot keep it: {short(reason)}"
    if pin.path != old.path:
        return f"it is pinned in {pin.path}, and another version is asked for elsewhere"
    return "another file of the project asks for another version, and one lock has one"


def _same(one: str, other: str) -> bool:
    from packaging.version import InvalidVersion, Version

    try:
        return Version(one) == Version(other)
    except InvalidVersion:
        return one == other
