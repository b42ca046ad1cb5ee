"""Which dependencies are behind, by how much, and what holds them back: rows from a survey."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from packaging.version import InvalidVersion, Version

from uvdock.deps import core_metadata, lockfile
from uvdock.deps.requirement import step
from uvdock.deps.survey import Manifest, Survey, passed_over

#: The version of the JSON's form; it changes when a key changes its meaning or goes.
SCHEMA = 1
#: The group of a package that only others need.
INDIRECT = "(indirect)"
_NO_ANSWER = "no answer"
_KINDS = ("major", "minor", "patch", "pre", "")
#: The sources of a lock's package that no index serves (https://docs.astral.sh/uv/concepts/projects/dependencies/).
_SOURCES = ("git", "url", "path", "directory", "editable", "virtual")


@dataclass(frozen=True)
class Row:
    """One requirement of a manifest, or one package that only others need.

    Args:
        project: The project or the workspace's member that asks for it; empty when there is only one.
        name: The package.
        group: See `Declared.group`; ``(indirect)`` for a package that only others need.
        specifier: What the manifest asks for, as it was written.
        locked: The locked version; the newest of them where the lock has one for each of several Pythons.
        wanted: What a new resolution within everybody's specifiers would take; empty when uv cannot resolve.
        latest: The newest release, whoever may have it.
        kind: ``major``, ``minor``, ``patch`` or ``pre``, from locked to latest; empty when there is nothing newer.
        released: When the latest was released, ISO 8601; empty when the index does not say.
        age: How long ago that is, in days.
        held_by: Why a new resolution would not take the latest.
        note: Why there is nothing to compare, or what is wrong with the locked release.
    """

    project: str
    name: str
    group: str
    specifier: str = ""
    locked: str = ""
    wanted: str = ""
    latest: str = ""
    kind: str = ""
    released: str = ""
    age: int | None = None
    held_by: tuple[str, ...] = ()
    note: str = ""

    @property
    def behind(self) -> bool:
        """Whether there is a newer release than the locked one."""
        return bool(self.kind)

    @property
    def silent(self) -> bool:
        """Whether the index that serves it gave no answer, so that nothing is known."""
        return bool(self.locked and not self.latest and self.note.startswith(_NO_ANSWER))


def rows(survey: Survey, *, everything: bool = False) -> list[Row]:
    """The rows of one project.

    Args:
        survey: What was found.
        everything: Also the packages that only others need.
    """
    locked = survey.locked
    found = [row for manifest in survey.manifests for row in _of_manifest(survey, manifest, locked)]
    if everything:
        known = {row.name for row in found}
        found += [_row(survey, name, INDIRECT, "", "") for name in sorted(locked.keys() - known)]
    return list(dict.fromkeys(found))


def ranked(found: Iterable[Row]) -> list[Row]:
    """Rows by what matters: what is wrong, then the larger steps, then by name."""
    return sorted(found, key=lambda row: (not row.note, _KINDS.index(row.kind), row.name, row.project, row.group))


def chosen(found: Iterable[Row], groups: Sequence[str], packages: Sequence[str]) -> list[Row]:
    """The rows that filters leave; an empty filter leaves all, and ``project`` is `project.dependencies`."""
    return [
        row
        for row in found
        if (not groups or (row.group or "project") in groups) and (not packages or row.name in packages)
    ]


def to_json(found: Iterable[Row]) -> str:
    """An object with ``schema`` and ``packages``: the fields of `Row` and ``behind`` for each."""
    packages = [{**asdict(row), "held_by": list(row.held_by), "behind": row.behind} for row in found]
    return json.dumps({"schema": SCHEMA, "packages": packages}, indent=2)


def ago(days: int | None) -> str:
    """An age for a person: ``3 d``, ``5 mo``, ``2 y``."""
    if days is None:
        return ""
    if days < 60:
        return f"{days} d"
    return f"{days // 30} mo" if days < 730 else f"{days // 365} y"


def _of_manifest(survey: Survey, manifest: Manifest, locked: Mapping[str, list[str]]) -> Iterator[Row]:
    label = _label(survey, manifest)
    passed = passed_over(survey.manifests, survey.lock)
    for item in manifest.lines:
        line = item.line
        if line is None:
            yield Row(label, item.text, item.group, note="no requirement by the standard")
        elif line.name not in locked and (item.narrows or line.name in passed):
            continue
        else:
            yield _row(survey, line.name, item.group, line.specifiers, label)
    if manifest.dynamic:
        named = {line.name for item in manifest.lines if (line := item.line) is not None}
        for direct in lockfile.direct(survey.lock):
            if direct.name not in named:
                yield _row(survey, direct.name, direct.group, "dynamic", label)


def _label(survey: Survey, manifest: Manifest) -> str:
    member = manifest.name if len(survey.manifests) > 1 else ""
    return " ".join(filter(None, (survey.label, member)))


def _row(survey: Survey, name: str, group: str, specifier: str, label: str) -> Row:
    versions = survey.locked.get(name, [])
    if not versions:
        return Row(label, name, group, specifier, *_elsewhere(survey.lock, name))
    locked = versions[-1]
    lost = survey.lost.get((name, locked), "")
    note = {"yanked": "the locked release is yanked", "gone": "the locked release is gone"}.get(lost, "")
    newest = survey.answers.newest(name)
    if newest is None:
        why = survey.answers.problems.get(name, "").splitlines()
        return Row(label, name, group, specifier, locked, note=note or f"{_NO_ANSWER}: {_short(why)}")
    wanted = survey.reached.get(name, [""])[-1]
    latest = str(newest.version)
    kind = step(locked, latest)
    # What is locked may be newer: a prerelease, or a release that was withdrawn since.
    held = tuple(_holders(survey, name, newest.version)) if kind and _older(wanted, latest) else ()
    return Row(
        label,
        name,
        group,
        specifier,
        locked,
        wanted,
        latest if kind else locked,
        kind,
        newest.uploaded.isoformat() if newest.uploaded else "",
        (survey.now - newest.uploaded).days if newest.uploaded else None,
        held,
        note,
    )


def _elsewhere(lock: Mapping[str, Any], name: str) -> tuple[str, str, str, str, str, None, tuple[()], str]:
    """What a row says of a package that no index serves: locked, … and the note."""
    package = next((item for item in lock.get("package", []) if item["name"] == name), None)
    if package is None:
        return "", "", "", "", "", None, (), "not in the lock: deps.lock brings it up to date"
    source = next((kind for kind in _SOURCES if kind in package.get("source", {})), "elsewhere")
    return package.get("version", ""), "", "", "", "", None, (), f"from {source}: not compared"


def _holders(survey: Survey, name: str, latest: Version) -> list[str]:
    """Who or what keeps a new resolution from the latest release."""
    if survey.wanted is None:
        return [*_pins(survey, name, latest), "uv cannot resolve"]
    found = [*_pins(survey, name, latest), *_limits(survey, name, latest), *_bounds(survey, name, latest)]
    return found or ["the resolution"]


def _pins(survey: Survey, name: str, latest: Version) -> Iterator[str]:
    """The own specifiers that do not allow it."""
    for manifest in survey.manifests:
        for item in manifest.lines:
            line = item.line
            if line is not None and line.name == name and not line.allows(latest):
                where = " ".join(filter(None, (_label(survey, manifest), item.group)))
                yield f"{where or 'own'} {line.specifiers}"


def _limits(survey: Survey, name: str, latest: Version) -> Iterator[str]:
    """What is said of all packages alike: the cooldown, the project's Pythons."""
    newest, reach = survey.answers.newest(name), survey.answers.newest_everywhere(name)
    if survey.cutoff and newest and newest.uploaded and newest.uploaded > survey.cutoff:
        yield "cooldown"
    if reach is None or reach.version < latest:
        yield f"requires-python {survey.lock.get('requires-python', '')}"


def _bounds(survey: Survey, name: str, latest: Version) -> Iterator[str]:
    """The packages whose requirements do not allow it."""
    for package in survey.dependents.get(name, ()):
        if "registry" in package.get("source", {}):
            for bound in core_metadata.on(name, survey.asked.get((package["name"], package.get("version", "")), ())):
                if not bound.specifier.contains(latest, prereleases=True):
                    yield f"{package['name']} {package.get('version', '')} ({bound.specifier})"


def _older(version: str, than: str) -> bool:
    try:
        return Version(version) < Version(than)
    except InvalidVersion:
        return True


def _short(lines: Sequence[str]) -> str:
    """The cause in uv's words, in one line."""
    causes = [line.strip().removeprefix("cause: ").removeprefix("╰─▶ ").strip() for line in lines]
    told = next((cause for cause in causes[1:] if cause), causes[0] if causes else "uv says nothing")
    return told.removesuffix(", we can conclude that your requirements are unsatisfiable.")
