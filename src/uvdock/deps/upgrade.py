"""Raising what a manifest asks for: which lines, to which versions, and the largest set that uv can resolve."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from packaging.version import Version

from uvdock.deps import requirement
from uvdock.deps.declared import Declared, edited
from uvdock.deps.releases import Answers
from uvdock.deps.requirement import DeclaredLine
from uvdock.deps.survey import Manifest, by_index, passed_over

#: How far a step may go; ``latest`` is the newest release there is, which is a ``major`` step at most.
KINDS = ("patch", "minor", "major")


@dataclass(frozen=True)
class RequirementEdit:
    """One line that changes: in which manifest, where in it, the old text and the new one."""

    manifest: Path
    declared: Declared
    text: str


@dataclass(frozen=True)
class Bump:
    """One package that is to be raised.

    Args:
        name: The package.
        groups: Where it is asked for, as a person sees it.
        locked: Its locked version.
        target: The version it is raised to on every Python of the project.
        newest: The newest that any Python of the project may have; the same for most.
        edits: The lines that change; none where they allow the target as they are.
    """

    name: str
    groups: tuple[str, ...]
    locked: str
    target: Version
    newest: Version
    edits: tuple[RequirementEdit, ...] = ()

    @property
    def kind(self) -> str:
        """The kind of step from the locked version to the target."""
        return requirement.step(self.locked, str(self.target)) or requirement.step(self.locked, str(self.newest))

    @property
    def constraint(self) -> str:
        """What `--upgrade-package` is told."""
        # A local version has no place in a range.
        return f"{self.name}>={self.target.public},<={self.newest.public}"


@dataclass(frozen=True)
class Left:
    """A package that stays as it is, and why."""

    name: str
    why: str


@dataclass(frozen=True)
class Selection:
    """Which packages to raise: empty means all of the direct ones.

    Args:
        packages: Only these.
        groups: Only lines of these groups; ``project`` is `project.dependencies`.
        exclude: Not these.
    """

    packages: Sequence[str] = ()
    groups: Sequence[str] = ()
    exclude: Sequence[str] = ()

    def takes(self, name: str, group: str) -> bool:
        """Whether a line of a group that asks for a package is meant."""
        return (
            (not self.packages or name in self.packages)
            and (not self.groups or (group or "project") in self.groups)
            and name not in self.exclude
        )


@dataclass(frozen=True)
class LargestSet:
    """The largest set that was found: what is in it, and for what is not, uv's words."""

    accepted: tuple[str, ...]
    refused: Mapping[str, str]


def asked(
    manifests: Sequence[Manifest], lock: Mapping[str, Any], selection: Selection, kind: str
) -> tuple[dict[str, str], list[Left]]:
    """What to ask uv for: the limits of each package's next version, and what cannot be raised at all.

    Args:
        manifests: The project's manifests.
        lock: Its lock.
        selection: Which packages are meant.
        kind: How far a step may go.
    """
    locked = by_index(lock)
    wanted: dict[str, str] = {}
    left = [
        Left(manifest.name, f"its {' and '.join(manifest.dynamic)} are dynamic: only its build knows them")
        for manifest in manifests
        if manifest.dynamic and not selection.packages
    ]
    passed = passed_over(manifests, lock)
    for _, item, line in _lines(manifests, selection):
        if line is None:
            left.append(Left(item.text, "no requirement by the standard"))
        elif line.name not in locked:
            # A constraint on what nobody needs narrows nothing.
            if not item.narrows and line.name not in passed:
                left.append(Left(line.name, "no index serves it: git, a URL, a path, or not locked yet"))
        elif "+" in (version := locked[line.name][-1]):
            left.append(Left(line.name, f"{version} is a local version: its index has no next one to compare"))
        else:
            clauses = [wanted.get(line.name) or requirement.within(kind, version), *_excluded(line)]
            wanted[line.name] = ",".join(dict.fromkeys(",".join(clauses).split(",")))
    return wanted, list(dict.fromkeys(left))


def plan(
    manifests: Sequence[Manifest],
    lock: Mapping[str, Any],
    selection: Selection,
    answers: Answers,
) -> tuple[list[Bump], list[Left]]:
    """Which packages to raise to what, and what stays with the reason.

    Args:
        manifests: The project's manifests.
        lock: Its lock.
        selection: Which packages are meant.
        answers: What uv answered to `asked`.
    """
    locked, bumps, left = by_index(lock), [], []
    for name, found in _by_name(manifests, selection, locked).items():
        target, newest, version = answers.newest_everywhere(name), answers.newest(name), locked[name][-1]
        if target is None or newest is None:
            if name in answers.problems:
                left.append(Left(name, answers.problems[name].strip().splitlines()[-1].strip()))
            continue
        if not requirement.step(version, str(target.version)):
            continue
        edits, stuck = _edits(found, Version(version), target.version)
        if stuck is None:
            bumps.append(Bump(name, _groups(found), version, target.version, newest.version, tuple(edits)))
        else:
            left.append(Left(name, f"{stuck.text!r} has no place for {target.version}"))
    return bumps, left


def reached(
    manifests: Sequence[Manifest], lock: Mapping[str, Any], selection: Selection, after: Mapping[str, Any]
) -> list[Bump]:
    """Which packages a new resolution raises as the lines are, so that no line has to change.

    Args:
        manifests: The project's manifests.
        lock: Its lock.
        selection: Which packages are meant.
        after: The lock of that resolution.
    """
    locked, new = by_index(lock), by_index(after)
    return [
        Bump(name, _groups(found), locked[name][-1], Version(new[name][0]), Version(new[name][-1]))
        for name, found in _by_name(manifests, selection, locked).items()
        if name in new and requirement.step(locked[name][-1], new[name][-1])
    ]


def contents(bumps: Iterable[Bump], originals: Mapping[Path, bytes]) -> dict[Path, bytes]:
    """The manifests with the lines of some packages raised; only those that change.

    Raises:
        UvdockError: A line is written so that it cannot be edited in place.
    """
    texts: dict[Path, dict[tuple[str | int, ...], str]] = {}
    for bump in bumps:
        for edit in bump.edits:
            texts.setdefault(edit.manifest, {})[edit.declared.path] = edit.text
    return {path: edited(originals[path], lines, path) for path, lines in texts.items()}


def largest(names: Sequence[str], refusal: Callable[[Sequence[str]], str]) -> LargestSet:
    """The largest set of packages that resolves together, as far as trying halves and single ones finds it.

    All are tried first; of a set that is refused, one half and then the other joins what is already accepted, down
    to single packages. Where one accepted package keeps two or more out, as uv's words say, it gives way to them.

    Args:
        names: The packages, those that matter most first.
        refusal: Tries a set: uv's words when it is refused, else an empty text.

    Returns:
        What is accepted, in the order of ``names``. No refused one can be added to it.
    """
    known: dict[frozenset[str], str] = {}

    def refused(tried: Iterable[str]) -> str:
        key = frozenset(tried)
        if key not in known:
            known[key] = refusal([name for name in names if name in key]) if key else ""
        return known[key]

    def grown(accepted: list[str], rest: Sequence[str]) -> list[str]:
        if not rest:
            return accepted
        if not refused([*accepted, *rest]):
            return [*accepted, *rest]
        if len(rest) == 1:
            return accepted
        half = len(rest) // 2
        return grown(grown(accepted, rest[:half]), rest[half:])

    accepted = grown([], list(names))
    out = [name for name in names if name not in accepted]
    # Alone it is refused too, so nothing that gives way would help it.
    stuck = {name for name in out if refused([name])}
    while len(rivals := [name for name in out if name not in stuck]) > 1:
        told = [refused([*accepted, name]) for name in rivals]
        blocking = [name for name in accepted if sum(_names(words, name) for words in told) > 1]
        better = next(
            (found for name in blocking if len(found := grown(_without(accepted, name), rivals)) > len(accepted)), None
        )
        if better is None:
            break
        accepted = better
        out = [name for name in names if name not in accepted]
    return LargestSet(
        tuple(name for name in names if name in accepted), {name: refused([*accepted, name]) for name in out}
    )


def culprits(names: Sequence[str], works: Callable[[Sequence[str]], bool]) -> tuple[list[str], list[str]]:
    """Which packages break something: by halving, as `git bisect` does, until the rest works.

    Args:
        names: The packages that together do not work.
        works: Tries a set; the empty one works.

    Returns:
        Those that work together, and those that break it.
    """
    rest, broken = list(names), []
    while rest and not works(rest):
        low, high = 0, len(rest)
        # The first `low` work, the first `high` do not.
        while high - low > 1:
            middle = (low + high) // 2
            if works(rest[:middle]):
                low = middle
            else:
                high = middle
        broken.append(rest.pop(high - 1))
    return rest, broken


def _lines(
    manifests: Sequence[Manifest], selection: Selection
) -> Iterator[tuple[Manifest, Declared, DeclaredLine | None]]:
    for manifest in manifests:
        for item in manifest.lines:
            line = item.line
            if selection.takes(line.name if line else item.text, item.group):
                yield manifest, item, line


def _by_name(
    manifests: Sequence[Manifest], selection: Selection, locked: Mapping[str, Any]
) -> dict[str, list[tuple[Manifest, Declared, DeclaredLine]]]:
    """The lines of each locked package that is meant."""
    found: dict[str, list[tuple[Manifest, Declared, DeclaredLine]]] = {}
    for manifest, item, line in _lines(manifests, selection):
        if line is not None and line.name in locked:
            found.setdefault(line.name, []).append((manifest, item, line))
    return found


def _groups(found: Sequence[tuple[Manifest, Declared, DeclaredLine]]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(item.group for _, item, _ in found))


def _edits(
    found: Sequence[tuple[Manifest, Declared, DeclaredLine]], locked: Version, target: Version
) -> tuple[list[RequirementEdit], Declared | None]:
    """The lines that change, and one that cannot though it would have to."""
    edits = []
    for manifest, item, line in found:
        if line.marker and not line.allows(locked):
            # Of several lines for one package, this is another Python's or another platform's.
            continue
        text = line.bumped(target)
        if text is None:
            if not line.allows(target):
                return [], item
        elif text != item.text:
            edits.append(RequirementEdit(manifest.path, item, text))
    return edits, None


def _excluded(line: DeclaredLine) -> list[str]:
    """The releases that a line leaves out by name."""
    return [str(clause) for clause in line.parsed.specifier if clause.operator == "!="]


def _names(words: str, name: str) -> bool:
    return re.search(rf"(?<![\w.-]){re.escape(name)}(?![\w-])", words) is not None


def _without(names: Sequence[str], name: str) -> list[str]:
    return [item for item in names if item != name]
