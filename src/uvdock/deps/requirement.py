"""One requirement as a person wrote it: what it asks for, and the same line asking for a newer version.

Only the version texts of a line change; operators, extras, markers, blanks and everything else stay as they are.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property

from packaging.requirements import InvalidRequirement, Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version

#: The parts of a line (https://packaging.python.org/en/latest/specifications/dependency-specifiers/#grammar).
_HEAD = re.compile(r"\s*[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?\s*(?:\[[^\]]*\])?")
_CLAUSE = re.compile(r"(?P<op>~=|===|==|!=|<=|>=|<|>)\s*(?P<version>[^\s,;()]+)")


@dataclass(frozen=True)
class DeclaredLine:
    """A requirement line that packaging can read.

    Args:
        text: The line as it stands in the file.
        parsed: What it says.
    """

    text: str
    parsed: Requirement

    @classmethod
    def read(cls, text: str) -> DeclaredLine | None:
        """The line, or ``None`` for one that is no requirement by the standard."""
        try:
            return cls(text, Requirement(text))
        except InvalidRequirement:
            return None

    @cached_property
    def name(self) -> str:
        """The package's name in its normal form."""
        return canonicalize_name(self.parsed.name)

    @cached_property
    def specifiers(self) -> str:
        """The version specifiers as they were written: ``>=3.1,<4``; empty without any."""
        start, end = self._span
        return self.text[start:end].strip().strip("()").strip()

    @property
    def marker(self) -> str:
        """The environment marker, normalised; empty without one."""
        return str(self.parsed.marker or "")

    def allows(self, version: Version) -> bool:
        """Whether the specifiers allow this version, prerelease or not."""
        return self.parsed.specifier.contains(version, prereleases=True)

    def bumped(self, target: Version) -> str | None:
        """The line with its version texts raised so that it allows ``target``, each operator in its own style.

        An exact pin becomes the target; a floor (``>=``, ``~=``) and a wildcard take as many parts of it as they
        had; a ceiling that is below it moves to the next step of its own size (``<4`` → ``<6``, ``<0.16`` →
        ``<0.18``). What already fits stays.

        Returns:
            The line, the same text where nothing has to change; ``None`` where the style has no place for that
            version: an exclusion of it, a local version (``==2.1+cu121``), a URL.
        """
        if self.parsed.url:
            return None
        start, end = self._span
        pieces, at = [], 0
        for clause in _CLAUSE.finditer(self.text, start, end):
            raised = _raised(clause["op"], clause["version"], target)
            if raised is None:
                return None
            pieces += [self.text[at : clause.start("version")], raised]
            at = clause.end("version")
        text = "".join([*pieces, self.text[at:]])
        line = DeclaredLine.read(text)
        return text if line is not None and line.allows(target) else None

    @cached_property
    def _span(self) -> tuple[int, int]:
        """Where the specifiers are in the text."""
        head = _HEAD.match(self.text)
        assert head is not None
        start = head.end()
        if self.parsed.url:
            return start, start
        end = self.text.find(";", start)
        return start, len(self.text) if end < 0 else end


def step(old: str, new: str) -> str:
    """What kind of step it is from one version to another.

    Returns:
        ``major``, ``minor`` or ``patch``, by the first part of the release that differs; ``pre`` when the new
        version is a prerelease; empty when it is not newer, or one of them is no version.
    """
    try:
        before, after = Version(old), Version(new)
    except InvalidVersion:
        return ""
    if after <= before:
        return ""
    if after.is_prerelease:
        return "pre"
    a, b = _padded(before, 3), _padded(after, 3)
    if before.epoch != after.epoch or a[0] != b[0]:
        return "major"
    return "minor" if a[1] != b[1] else "patch"


def within(kind: str, version: str) -> str:
    """The specifiers of what is at most such a step away from a version: ``>=3.1.2,<4`` for ``minor``.

    Args:
        kind: ``patch``, ``minor`` or ``major``.
        version: The version to start from.
    """
    start = Version(version)
    floor = f">={start.public}"
    release = _padded(start, 2)
    epoch = f"{start.epoch}!" if start.epoch else ""
    if kind == "patch":
        return f"{floor},<{epoch}{release[0]}.{release[1] + 1}"
    if kind == "minor":
        return f"{floor},<{epoch}{release[0] + 1}"
    return floor


def lowest(requires_python: str) -> str:
    """The lowest Python that a ``requires-python`` allows, as far as it names one: ``3.11``; else empty."""
    floors = [
        Version(item.version.removesuffix(".*"))
        for item in SpecifierSet(requires_python)
        if item.operator in (">=", "==", "~=", ">")
    ]
    return str(max(floors)) if floors else ""


def _raised(operator: str, version: str, target: Version) -> str | None:
    """The version text of one clause, raised for ``target``; ``None`` where that cannot be."""
    if operator == "===":
        return str(target)
    try:
        old = Version(version.removesuffix(".*"))
    except InvalidVersion:
        return None
    if old.local:
        return None
    raised = version
    if version.endswith(".*"):
        raised = version if operator == "!=" else f"{_text(target, len(old.release))}.*"
    elif operator in (">=", "~="):
        floor = _floor(target, len(old.release))
        raised = floor if Version(floor) > old else version
    elif (operator == "==" and target != old) or (operator == "<=" and target > old):
        raised = str(target)
    # `<4` excludes the prereleases of 4 too.
    elif operator == "<" and Version(target.base_version) >= old:
        raised = _ceiling(old, target)
    return raised


def _floor(target: Version, count: int) -> str:
    """The lower bound for ``target``: as many parts as the old one had, and for a prerelease all that it has."""
    if not target.is_prerelease:
        return _text(target, count)
    base = target.base_version
    return base + ".0" * (count - len(target.release)) + str(target)[len(base) :]


def _ceiling(old: Version, target: Version) -> str:
    """The next ceiling above ``target``, of the same size as the old one."""
    place = max((at for at, part in enumerate(old.release) if part), default=0)
    release = _padded(target, place + 1)[: place + 1]
    raised = [*release[:-1], release[-1] + 1]
    epoch = f"{target.epoch}!" if target.epoch else ""
    return epoch + ".".join(str(part) for part in [*raised, *[0] * (len(old.release) - len(raised))])


def _text(target: Version, count: int) -> str:
    epoch = f"{target.epoch}!" if target.epoch else ""
    return epoch + ".".join(str(part) for part in _padded(target, count)[:count])


def _padded(version: Version, count: int) -> tuple[int, ...]:
    return version.release + (0,) * (count - len(version.release))
