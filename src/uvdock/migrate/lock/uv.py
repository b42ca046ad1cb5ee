"""Locking with the versions of the old files, and what uv says of the result: the part that runs uv."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from uvdock.formats.requirements import parse
from uvdock.migrate.discover.options import redacted
from uvdock.migrate.discover.requirement_files import Pin, named
from uvdock.process import Output

#: Starts a program and collects what it prints, as `uvdock.process.capture`.
Run = Callable[..., Output]
#: The marker environment of CPython on Linux, where images run.
_LINUX = {
    "implementation_name": "cpython",
    "os_name": "posix",
    "platform_machine": "x86_64",
    "platform_python_implementation": "CPython",
    "platform_release": "",
    "platform_system": "Linux",
    "platform_version": "",
    "sys_platform": "linux",
}
#: What uv says besides its reason.
_NO_REASON = ("Using CPython", "warning:", "Resolved", "cause: The build backend returned an error")
#: What uv says where it has no Python that the project may run on.
_NO_PYTHON = ("python-build-standalone", "No interpreter found", "No download found")
#: The characters of a reason that a person reads.
_LONGEST = 240
#: How often pins that uv cannot keep are taken away before all of them are.
_TRIES = 5


@dataclass(frozen=True)
class Failed:
    """uv could not lock.

    Args:
        why: Its reason, in its own words.
        python: The oldest Python that would do, where that is what is wrong.
    """

    why: str
    python: str = ""

    @property
    def has_no_python(self) -> bool:
        """Whether uv has no Python to lock with, and cannot have one."""
        return any(words in self.why for words in _NO_PYTHON)


@dataclass(frozen=True)
class Locked:
    """A lock.

    Args:
        content: The bytes of uv.lock.
        dropped: The pins that uv could not keep, with the reason.
        best_match: Whether all indexes had to be compared, as pip does.
    """

    content: bytes
    dropped: Mapping[str, str] = field(default_factory=dict)
    best_match: bool = False

    @property
    def data(self) -> dict[str, Any]:
        """The lock as plain data."""
        return tomllib.loads(self.content.decode())


@dataclass(frozen=True)
class Uv:
    """A uv that works on a project in a folder of its own.

    Args:
        program: Its path.
        run: What starts it.
        folder: The project's folder, a copy.
        env: The environment it gets.
    """

    program: str
    run: Run
    folder: Path
    env: Mapping[str, str]

    def call(self, *args: str) -> Output:
        """Run uv in the folder."""
        return self.run([self.program, *args], cwd=self.folder, env=dict(self.env))

    def with_python(self, requires: str) -> Uv:
        """The same, which does not wait long for a Python that it cannot download."""
        there = self.call("python", "find", "--no-python-downloads", "--no-project", requires).code == 0
        return self if there else replace(self, env={"UV_HTTP_RETRIES": "0", **self.env})

    def lock(
        self, manifest: str, pins: Sequence[Pin], fixed: frozenset[str], *, several: bool, drops: bool = True
    ) -> Locked | Failed:
        """Lock a manifest so that its packages have the versions of ``pins``.

        The pins are constraints for the first lock only: the second one, of the manifest as it is to be, keeps
        the versions that the first one chose, as `uv lock` always does.

        Args:
            manifest: The text of the pyproject.toml.
            pins: The versions to keep.
            fixed: The packages that the manifest itself pins: leaving out their pin changes nothing.
            several: Whether it has several indexes.
            drops: Whether pins that uv cannot keep are left out.
        """
        left = list(pins)
        dropped: dict[str, str] = {}
        together: list[Pin] = []
        best, attempt = False, 0
        while isinstance(found := self._locked(_held(manifest, left, best=best)), str):
            if needed := _newer_python(found):
                return Failed(found, needed)
            if several and not best and attempt == 0:
                best, attempt = True, 1
                continue
            if not left or not drops:
                return Failed(found)
            free = {pin.name for pin in left if pin.name not in fixed}
            names = free if attempt >= _TRIES else {name for name in free if _names(found, name)}
            names = names or {pin.name for pin in left}
            dropped.update(dict.fromkeys(names, found))
            if len(names) > 1:
                together += [pin for pin in left if pin.name in names]
            left = [pin for pin in left if pin.name not in names]
            attempt += 1
        # A reason names all packages that are part of a conflict; most of them can keep their versions without one.
        kept, found = self._regained(manifest, left, together, found, best=best)
        names = {pin.name for pin in kept}
        dropped = {name: why for name, why in dropped.items() if name not in names}
        return self._final(manifest, found, dropped, best=best)

    def _regained(
        self, manifest: str, kept: list[Pin], lost: list[Pin], lock: bytes, *, best: bool
    ) -> tuple[list[Pin], bytes]:
        """As many of the lost pins as uv keeps beside the others, the first ones first, and the lock with them."""
        if len(lost) > 1:
            half = len(lost) // 2
            kept, lock = self._regain(manifest, kept, lost[:half], lock, best=best)
            kept, lock = self._regain(manifest, kept, lost[half:], lock, best=best)
        return kept, lock

    def _regain(
        self, manifest: str, kept: list[Pin], lost: list[Pin], lock: bytes, *, best: bool
    ) -> tuple[list[Pin], bytes]:
        more = self._locked(_held(manifest, [*kept, *lost], best=best))
        if isinstance(more, bytes):
            return [*kept, *lost], more
        return self._regained(manifest, kept, lost, lock, best=best)

    def _final(self, manifest: str, first: bytes, dropped: Mapping[str, str], *, best: bool) -> Locked | Failed:
        """The lock of the manifest itself, from the one that was held to the pins."""
        (self.folder / "uv.lock").write_bytes(first)
        content = self._locked(_held(manifest, (), best=best), keep=True)
        return Failed(content) if isinstance(content, str) else Locked(content, dropped, best)

    def _locked(self, manifest: str, *, keep: bool = False) -> bytes | str:
        """The lock of a manifest, or why there is none."""
        lock = self.folder / "uv.lock"
        if not keep:
            lock.unlink(missing_ok=True)
        (self.folder / "pyproject.toml").write_text(manifest, encoding="utf-8", newline="")
        done = self.call("lock", "--no-progress")
        if done.code != 0 or not lock.is_file():
            return _reason(done.stderr.decode("utf-8", "replace"))
        return lock.read_bytes()

    def installed(self, flags: Sequence[str], version: str, patch: int = 9) -> dict[str, str] | str:
        """The packages that `uv sync` with ``flags`` installs on Linux with this Python; else why none can be told."""
        given = [flag for flag in flags if flag != "--no-install-project"]
        done = self.call("export", "--frozen", "--no-hashes", "--no-header", "--no-annotate", "--no-progress", *given)
        if done.code != 0:
            return _reason(done.stderr.decode("utf-8", "replace"))
        return read_export(done.text, version, patch)


def read_export(text: str, version: str, patch: int = 9) -> dict[str, str]:
    """Package → version in what `uv export` prints, for Linux and this Python; a package of no index has none."""
    wanted = [wanted for _, wanted in named(parse(text)) if applies(wanted.marker, version, patch)]
    return {one.key: one.pin for one in wanted}


def applies(marker: str, version: str, patch: int = 9) -> bool:
    """Whether a marker holds there; one that cannot be read is taken to hold."""
    from packaging.markers import InvalidMarker, Marker, UndefinedEnvironmentName

    if not marker:
        return True
    full = f"{version}.{patch}"
    python = {"implementation_version": full, "python_full_version": full, "python_version": version}
    try:
        return Marker(marker).evaluate({**_LINUX, **python, "extra": ""})
    except (InvalidMarker, UndefinedEnvironmentName):
        return True


def needed_by(data: Mapping[str, Any], version: str) -> dict[str, set[str]]:
    """For each package of a lock: which other packages need it there; the project itself is none."""
    found: dict[str, set[str]] = {}
    for package in data.get("package", []):
        if {"virtual", "editable"} & package.get("source", {}).keys() and "." in package["source"].values():
            continue
        # An extra of a package counts: the lock has it only because somebody asked for it.
        extras = package.get("optional-dependencies", {}).values()
        for item in (*package.get("dependencies", []), *(one for part in extras for one in part)):
            if applies(item.get("marker", ""), version):
                found.setdefault(item["name"], set()).add(package["name"])
    return found


def _held(manifest: str, pins: Sequence[Pin], *, best: bool) -> str:
    """A manifest with the pins as constraints."""
    if not pins and not best:
        return manifest
    import tomlkit

    document: Any = tomlkit.parse(manifest)
    table = document.setdefault("tool", {}).setdefault("uv", {})
    texts = [f"{pin.name}=={pin.version}" + (f"; {pin.marker}" if pin.marker else "") for pin in pins]
    if texts:
        table["constraint-dependencies"] = [*table.get("constraint-dependencies", []), *texts]
    if best:
        table["index-strategy"] = "unsafe-best-match"
    return str(tomlkit.dumps(document))


def _newer_python(reason: str) -> str:
    """The newest of the Pythons that packages ask for, where uv says that the project's oldest is too old."""
    if "requested Python version" not in reason:
        return ""
    asked = re.findall(r"does not satisfy Python>=\s*(3\.\d+)", reason)
    return max(asked, key=lambda text: int(text[2:])) if asked else ""


def _names(text: str, name: str) -> bool:
    pattern = re.sub(r"-", "[-_.]", re.escape(name).replace(r"\-", "-"))
    return bool(re.search(rf"(?<![\w.-]){pattern}(?![\w-])", text, re.IGNORECASE))


def short(reason: str) -> str:
    """A reason as a person wants to read it: its first sentences."""
    if len(reason) <= _LONGEST:
        return reason
    sentences = re.split(r"(?<=\.) (?=And |So |Because )", reason)
    kept = sentences[0]
    for sentence in sentences[1:]:
        if len(kept) + len(sentence) >= _LONGEST:
            break
        kept += f" {sentence}"
    return kept if len(kept) <= 2 * _LONGEST else f"{kept[: 2 * _LONGEST].rpartition(' ')[0]} …"


def _reason(stderr: str) -> str:
    """What uv gives as its reason, on one line; of what a build printed, the last line."""
    text = re.split(r"(?m)^hint:", stderr)[0]
    said, *printed = re.split(r"(?m)^\s*\[(?:stdout|stderr)\]\s*$", text)
    lines = [line.strip(" \t│╰─▶×├") for line in said.splitlines()]
    useful = [line for line in lines if line and not line.startswith(_NO_REASON)]
    if printed and (last := printed[-1].strip().splitlines()):
        useful.append(last[-1].strip())
    return redacted(" ".join(useful).removeprefix("error: "))
