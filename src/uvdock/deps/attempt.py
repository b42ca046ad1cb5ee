"""Trying an upgrade of one project: what uv makes of it, before anything is written."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from packaging.version import Version

from uvdock.backends.reading import Reader
from uvdock.deps import broken, lockfile, releases, requirement, survey, upgrade, uvcommand
from uvdock.deps.releases import Answers, Question
from uvdock.deps.survey import Manifest
from uvdock.deps.upgrade import Bump, LargestSet, Left, Selection
from uvdock.errors import UvdockError
from uvdock.project import Project

if TYPE_CHECKING:
    from uvdock.backends import Backend, DryRunResult

_ORDER = {"major": 2, "minor": 1}


@dataclass(frozen=True)
class UpgradePlan:
    """What could be raised in one project.

    Args:
        bumps: The packages that could be raised, and to what.
        left: Those that cannot, and why.
        young: The releases that a cooldown holds back, by package.
    """

    bumps: list[Bump]
    left: list[Left]
    young: Mapping[str, Version]


@dataclass
class Attempt:
    """One project to upgrade: what it holds now, and how to try something else.

    Args:
        project: The project.
        backend: Where its uv is.
        cutoff: Releases after this moment are too young; ``None`` without a cooldown.
        pre: Whether prereleases count.
    """

    project: Project
    backend: Backend
    cutoff: datetime | None = None
    pre: bool = False

    @cached_property
    def reader(self) -> Reader:
        """Who answers questions about it."""
        return Reader(self.project, lambda: self.backend)

    @cached_property
    def manifests(self) -> list[Manifest]:
        """Its manifests."""
        return survey.manifests(self.project)

    @cached_property
    def originals(self) -> dict[Path, bytes]:
        """The bytes of every file that an upgrade may change.

        Raises:
            UvdockError: There is no lock.
        """
        if not self.project.lock.is_file():
            where = str(self.project.lock)
            raise UvdockError("there is no uv.lock to upgrade", where=where, fix="run deps.lock, which makes it")
        return {path: path.read_bytes() for path in (*(item.path for item in self.manifests), self.project.lock)}

    @cached_property
    def lock(self) -> dict[str, Any]:
        """Its lock."""
        return lockfile.parse(self.originals[self.project.lock], self.project.lock)

    def planned(self, selection: Selection, kind: str, *, lock_only: bool = False) -> UpgradePlan:
        """What could be raised, and what cannot with the reason.

        Args:
            selection: Which packages are meant.
            kind: How far a step may go.
            lock_only: Change no line: raise as far as the lines allow.

        Raises:
            UvdockError: uv cannot be asked, or cannot resolve the project as it is.
        """
        wanted, left = upgrade.asked(self.manifests, self.lock, selection, kind)
        question = Question(
            wanted,
            self.manifests[0].data,
            self.project.folder,
            requirement.lowest(self.lock.get("requires-python", "")),
            self.cutoff,
            prereleases=self.pre,
        )
        asker = survey.asker(self.project, self.reader)
        answers = releases.ask(question, asker)
        young = _young(answers, releases.ask(replace(question, before=None), asker)) if self.cutoff else {}
        if lock_only:
            return UpgradePlan(self._reached(wanted, selection), left, young)
        bumps, more = upgrade.plan(self.manifests, self.lock, selection, answers)
        return UpgradePlan(bumps, [*left, *more], young)

    def largest(self, bumps: Sequence[Bump]) -> LargestSet:
        """The largest set of some packages that resolves together, as `upgrade.largest` finds it.

        Raises:
            UvdockError: uv cannot try.
        """
        by_name = {bump.name: bump for bump in bumps}

        def refusal(names: Sequence[str]) -> str:
            output = self.tried([by_name[name] for name in names]).output
            if output.code not in (0, uvcommand.NO_SOLUTION):
                raise broken.unresolved(self.project, output, "uv could not try the upgrades")
            return uvcommand.words(output) if output.code else ""

        # The last ones of a set that is refused are the first to be left out: of major steps, most are.
        found = upgrade.largest(
            [bump.name for bump in sorted(bumps, key=lambda bump: _ORDER.get(bump.kind, 0))], refusal
        )
        if not found.accepted and (as_it_is := self.tried([]).output).code:
            # No upgrade is to blame.
            raise broken.unresolved(self.project, as_it_is)
        return found

    def tried(self, bumps: Sequence[Bump]) -> DryRunResult:
        """What uv makes of some packages raised, soon."""
        args = self._args([bump.constraint for bump in bumps])
        args += ["--exclude-newer", releases.stamp(self.cutoff)] if self.cutoff else []
        return self.reader.query(args, upgrade.contents(bumps, self.originals))

    def made(self, bumps: Sequence[Bump]) -> DryRunResult:
        """The same by the uv that locks this project: what is to be written.

        A cooldown of ours goes in as a bound of each package that moves: a moment would be written into the lock,
        which would then be another one on each day.
        """
        args, edited = self._args([bump.constraint for bump in bumps]), upgrade.contents(bumps, self.originals)
        if self.cutoff:
            args += self._bounds(self.tried(bumps))
        made = self.backend.dry_run(args, edited)
        return replace(made, files={**edited, **made.files})

    def _reached(self, wanted: Mapping[str, str], selection: Selection) -> list[Bump]:
        """What the lines as they are allow."""
        if not wanted:
            return []
        args = self._args([f"{name}{limits}" for name, limits in wanted.items()])
        args += ["--exclude-newer", releases.stamp(self.cutoff)] if self.cutoff else []
        tried = self.reader.query(args)
        if tried.output.code:
            raise broken.unresolved(self.project, tried.output)
        after = tried.files.get(self.project.lock)
        if after is None:
            return []
        return upgrade.reached(self.manifests, self.lock, selection, lockfile.parse(after, self.project.lock))

    def _args(self, constraints: Sequence[str]) -> list[str]:
        # A prerelease is taken where the line names one. Allowed by an option, it would be written into the lock as
        # an option, and the next `uv lock` without it would find the lock stale.
        return ["lock", *(word for constraint in constraints for word in ("--upgrade-package", constraint))]

    def _bounds(self, tried: DryRunResult) -> list[str]:
        content = tried.files.get(self.project.lock)
        if content is None:
            return []
        before = survey.by_index(self.lock)
        after = survey.by_index(lockfile.parse(content, self.project.lock))
        # What that resolution lowered only because it is young stays where it is.
        moved = {
            name: versions[-1]
            for name, versions in after.items()
            if name not in before or Version(before[name][-1]) < Version(versions[-1])
        }
        return [word for name, version in moved.items() for word in ("--upgrade-package", f"{name}<={version}")]


def _young(old_enough: Answers, all_: Answers) -> dict[str, Version]:
    """The newest release of each package that has one which is too young."""
    newest = {name: release for name in all_.releases if (release := all_.newest_everywhere(name)) is not None}
    return {
        name: release.version
        for name, release in newest.items()
        if (found := old_enough.newest_everywhere(name)) is None or found.version < release.version
    }
