"""Which releases there are of some packages, asked of uv: it knows the indexes, their credentials and its cache.

`uv pip compile --no-deps --universal` takes each package for itself, the newest release that the question allows,
for every Python of the project: where a newer release needs a newer Python, there is one answer for each
(https://docs.astral.sh/uv/concepts/resolution/#fork-strategy).
"""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from packaging.markers import InvalidMarker, Marker
from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version

from uvdock.deps import uvcommand
from uvdock.errors import UvdockError

if TYPE_CHECKING:
    from uvdock.process import Output

#: The folder of a question, beside the manifests; no project has it.
FOLDER = Path(".uvdock-question")
#: What of [tool.uv] says where packages come from; the rest narrows or changes a resolution.
_KEPT = (
    *("index", "index-url", "extra-index-url", "find-links", "no-index", "index-strategy", "keyring-provider"),
    *("allow-insecure-host", "sources", "required-version", "native-tls", "no-build-isolation", "prerelease"),
)


@dataclass(frozen=True)
class Release:
    """One release of a package.

    Args:
        version: The version.
        uploaded: When it came to the index; ``None`` where uv or the index does not say.
        everywhere: Whether it can be had on the lowest Python of the question.
    """

    version: Version
    uploaded: datetime | None = None
    everywhere: bool = True


@dataclass(frozen=True)
class Answers:
    """What uv answered.

    Args:
        releases: For each package, the releases it would take, the newest last.
        problems: For each package without an answer, uv's words.
    """

    releases: Mapping[str, tuple[Release, ...]]
    problems: Mapping[str, str]

    def newest(self, name: str) -> Release | None:
        """The newest release of a package, whichever Python it needs."""
        return self.releases[name][-1] if name in self.releases else None

    def newest_everywhere(self, name: str) -> Release | None:
        """The newest release that the project's lowest Python can have."""
        found = [release for release in self.releases.get(name, ()) if release.everywhere]
        return found[-1] if found else None


@dataclass(frozen=True)
class Question:
    """What to ask.

    Args:
        specifiers: For each package, what limits the answer: ``>=3.1,<4``; empty for no limit.
        config: The manifest whose ``[tool.uv]`` says where packages come from.
        folder: The folder of that manifest, from which its relative paths go.
        python: The lowest Python of the project, ``3.11``; empty when it names none.
        before: Only what was released before this moment.
        prereleases: Whether prereleases count.
    """

    specifiers: Mapping[str, str]
    config: Mapping[str, Any]
    folder: Path
    python: str = ""
    before: datetime | None = None
    prereleases: bool = False

    def args(self, *, pylock: bool = True) -> list[str]:
        """Uv's arguments, from the folder that holds `FOLDER`."""
        return [
            *("--directory", str(FOLDER), "pip", "compile", "pyproject.toml", "--no-deps", "--universal"),
            *("--no-python-downloads", "--no-header", "--no-annotate", "--quiet"),
            *(("--python-version", self.python) if self.python else ()),
            *(("--exclude-newer", stamp(self.before)) if self.before else ()),
            *(("--prerelease", "allow") if self.prereleases else ()),
            *(("--format", "pylock.toml") if pylock else ()),
        ]

    def manifest(self, names: Iterable[str]) -> bytes:
        """A manifest that needs the named packages and nothing else."""
        import tomlkit

        uv = self.config.get("tool", {}).get("uv", {})
        kept = {key: _absolute(key, uv[key], self.folder) for key in _KEPT if key in uv}
        sources = kept.pop("sources", {})
        named: dict[str, Any] = {canonicalize_name(name): source for name, source in sources.items()}
        if wanted := {name: named[name] for name in names if name in named and _by_index(named[name])}:
            kept["sources"] = wanted
        project: dict[str, Any] = {"name": "uvdock-question", "version": "0"}
        project["dependencies"] = [f"{name}{self.specifiers[name]}" for name in names]
        return tomlkit.dumps({"project": project, "tool": {"uv": kept}}).encode("utf-8")


def ask(question: Question, run: Callable[[list[str], dict[Path, bytes]], Output]) -> Answers:
    """Ask uv; when it refuses the whole, the packages without an answer are found by halving.

    Args:
        question: What to ask.
        run: Runs uv with some arguments where some further files are, by their paths from the folder it runs in.

    Raises:
        UvdockError: uv cannot be asked: no network, an index that fails, settings that it does not read.
    """
    releases: dict[str, tuple[Release, ...]] = {}
    problems: dict[str, str] = {}

    def part(names: list[str]) -> None:
        files = {FOLDER / "pyproject.toml": question.manifest(names)}
        found = run(question.args(), files)
        if found.code == uvcommand.USAGE_ERROR and "--format" in found.error_text:
            found = run(question.args(pylock=False), files)
            parsed = parse_requirements(found.text, question.python)
        else:
            parsed = parse_pylock(found.text, question.python) if found.code == 0 else {}
        if found.code == 0:
            releases.update(parsed)
        elif found.code != uvcommand.NO_SOLUTION:
            raise UvdockError(
                f"uv could not ask for releases: {uvcommand.words(found)}",
                where=str(question.folder),
                fix="see that the index can be reached from here, and correct what uv names; nothing was changed",
                code=found.code,
            )
        elif len(names) == 1:
            problems[names[0]] = uvcommand.words(found)
        else:
            part(names[: len(names) // 2])
            part(names[len(names) // 2 :])

    if question.specifiers:
        part(sorted(question.specifiers))
    return Answers(releases, problems)


def parse_pylock(text: str, python: str) -> dict[str, tuple[Release, ...]]:
    """The releases in a `pylock.toml` (https://packaging.python.org/en/latest/specifications/pylock-toml/)."""
    found: dict[str, list[Release]] = {}
    for package in tomllib.loads(text).get("packages", []):
        files = [*package.get("wheels", []), *([package["sdist"]] if "sdist" in package else [])]
        times = [file["upload-time"] for file in files if isinstance(file.get("upload-time"), datetime)]
        # A release is as old as its first file: wheels for other platforms may follow.
        release = _release(package.get("version", ""), min(times, default=None), package.get("marker", ""), python)
        if release is not None:
            found.setdefault(canonicalize_name(package["name"]), []).append(release)
    return _sorted(found)


def parse_requirements(text: str, python: str) -> dict[str, tuple[Release, ...]]:
    """The same from pinned requirement lines, which is all that uv before 0.6.15 writes; without times."""
    found: dict[str, list[Release]] = {}
    for line in text.splitlines():
        try:
            item = Requirement(line)
        except InvalidRequirement:
            continue
        version = next((clause.version for clause in item.specifier if clause.operator == "=="), "")
        release = _release(version, None, str(item.marker or ""), python)
        if release is not None:
            found.setdefault(canonicalize_name(item.name), []).append(release)
    return _sorted(found)


def stamp(moment: datetime) -> str:
    """A moment as uv takes it: RFC 3339, in UTC, to the second."""
    return moment.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="seconds") + "Z"


def _release(version: str, uploaded: datetime | None, marker: str, python: str) -> Release | None:
    try:
        return Release(Version(version), uploaded, _holds(marker, python))
    except InvalidVersion:
        return None


def _sorted(found: Mapping[str, list[Release]]) -> dict[str, tuple[Release, ...]]:
    return {name: tuple(sorted(items, key=lambda item: item.version)) for name, items in found.items()}


def _holds(marker: str, python: str) -> bool:
    """Whether a marker that only speaks of Python's version holds for the lowest one."""
    if not (marker and python):
        return True
    full = python if python.count(".") > 1 else f"{python}.0"
    short = ".".join(full.split(".")[:2])
    try:
        return Marker(marker).evaluate({"python_full_version": full, "python_version": short})
    except InvalidMarker:
        return True


def _by_index(source: Any) -> bool:
    entries = source if isinstance(source, list) else [source]
    return all(isinstance(entry, Mapping) and "index" in entry for entry in entries)


def _absolute(key: str, value: Any, folder: Path) -> Any:
    """A setting whose relative paths start where the manifest is, as it is elsewhere."""
    if key == "index" and isinstance(value, list):
        return [{**entry, "url": _absolute_path(entry.get("url", ""), folder)} for entry in value]
    if key == "find-links" and isinstance(value, list):
        return [_absolute_path(entry, folder) for entry in value]
    return value


def _absolute_path(text: str, folder: Path) -> str:
    return text if "://" in text or Path(text).is_absolute() or not text else str((folder / text).resolve())
