"""What deps.upgrade does with one project: find what works together, show it, write it, test it, or put it back."""

from __future__ import annotations

import json
import os
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from uvdock import console
from uvdock.errors import UvdockError

if TYPE_CHECKING:
    from uvdock.backends import Change, Trial
    from uvdock.deps.attempt import Attempt, Plan
    from uvdock.deps.upgrade import Bump


@dataclass(frozen=True)
class Job:
    """One project to upgrade: its name for a person, its files, and whether `--test` is to be run."""

    label: str
    attempt: Attempt
    test: tuple[str, ...] = ()
    bisect: bool = False

    @property
    def where(self) -> str:
        """The place for an error."""
        return f"{self.attempt.project.folder} ({self.attempt.backend.where})"


@dataclass
class Result:
    """What came of one job: its exit code, what was raised, and why other packages were not."""

    job: Job
    code: int = 0
    kept: list[Bump] = field(default_factory=list)
    left: dict[str, str] = field(default_factory=dict)


def upgraded(job: Job, plan: Plan, *, dry_run: bool) -> Result:
    """Find what works together, show it, write it, test it.

    Raises:
        UvdockError: The lock cannot be made or installed, or the test failed; says what was put back.
    """
    result = Result(job, left={item.name: item.why for item in plan.left})
    for name, why in result.left.items():
        console.note(f"{name} stays: {why}")
    for name, version in plan.young.items():
        console.note(f"{name} {version} is held back: it is younger than the cooldown")
    if not plan.bumps:
        console.say("nothing to upgrade")
        return result
    with console.step(f"resolve {len(plan.bumps)} upgrades"):
        found = job.attempt.largest(plan.bumps)
    for name, words in found.refused.items():
        console.note(f"{name} stays, for uv says:\n{words}")
        result.left[name], result.code = words, 1
    result.kept = [bump for bump in plan.bumps if bump.name in found.accepted]
    if not result.kept:
        console.say("nothing can be upgraded")
        return result
    with console.step(f"lock ({job.attempt.backend.where})"):
        made = _made(job, result.kept)
    _show(job, result.kept, made)
    if dry_run:
        console.say("nothing was written: this was a dry run")
    else:
        _written(result, made)
    return result


def _made(job: Job, bumps: Sequence[Bump]) -> Trial:
    from uvdock.deps import uvcommand

    made = job.attempt.made(bumps)
    if made.output.code:
        raise UvdockError(
            f"the uv that locks this project refuses what another uv took: {uvcommand.words(made.output)}",
            where=job.where,
            fix="leave out what it names with --exclude; nothing was changed",
            code=made.output.code,
        )
    return made


def _written(result: Result, made: Trial) -> None:
    """Write the files, and test when asked to; put back what does not work."""
    job = result.job
    change = job.attempt.backend.deliver(made.files, job.attempt.originals)
    if not job.test:
        _stop_on(change, job)
        _say_where(change)
        return
    if (code := _kept(job, made, change)) == 0:
        _say_where(change)
        return
    _put_back(job, made.files)
    if not job.bisect:
        raise UvdockError(
            f"{shlex.join(job.test)!r} left {code} after the upgrade, so everything was put back",
            where=job.where,
            fix="see its output above; --bisect finds the packages that break it and keeps the others",
            code=code,
        )
    _bisected(result)


def _kept(job: Job, made: Trial, change: Change) -> int:
    """The test's exit code, or that of what had to come before it; a test that cannot be run keeps nothing."""
    try:
        return change.code or _tested(job)
    except BaseException:
        _put_back(job, made.files)
        raise


def _bisected(result: Result) -> None:
    from uvdock.deps.upgrade import culprits

    job, test = result.job, shlex.join(result.job.test)
    if _tested(job) != 0:
        raise UvdockError(
            f"{test!r} fails without any upgrade too, so it cannot tell what breaks it",
            where=job.where,
            fix="make it succeed first; everything is as it was",
        )
    by_name = {bump.name: bump for bump in result.kept}

    def works(names: Sequence[str]) -> bool:
        console.say(f"try {', '.join(names)}", "bold")
        # Of packages that can only go together, one alone is not tried: it breaks nothing.
        together = job.attempt.largest([by_name[name] for name in names]).accepted
        if not together:
            return True
        made = _made(job, [by_name[name] for name in together])
        change = job.attempt.backend.deliver(made.files, job.attempt.originals)
        worked = _kept(job, made, change) == 0
        _put_back(job, made.files)
        return worked

    good, broken = culprits(list(by_name), works)
    found = job.attempt.largest([by_name[name] for name in good])
    result.code, result.kept = 1, [by_name[name] for name in found.accepted]
    result.left |= {**dict.fromkeys(broken, f"it breaks {test}"), **found.refused}
    for name, words in found.refused.items():
        console.note(f"{name} stays, for uv says:\n{words}")
    if result.kept:
        made = _made(job, result.kept)
        change = job.attempt.backend.deliver(made.files, job.attempt.originals)
        _stop_on(change, job)
        if job.attempt.backend.name == "host":
            _stop_on(job.attempt.backend.sync(), job)
        _say_where(change)
    console.say(f"breaks {test}: {', '.join(broken)}", "red")
    console.say(f"kept: {', '.join(found.accepted) or 'nothing'}")


def _tested(job: Job) -> int:
    """Run the test where the new packages are: the host's environment, the running container, or a new image."""
    backend = job.attempt.backend
    if backend.name == "host":
        with console.step("sync the host's environment"):
            code = backend.sync().code
    else:
        code = _built(job)
    if code:
        return code
    with console.step(shlex.join(job.test)):
        return backend.run(job.test, to_stderr=True)


def _built(job: Job) -> int:
    """Build the image, where no container runs that got the new packages."""
    from uvdock.backends import image

    runner = getattr(job.attempt.backend, "runner", None)
    if runner is None or runner.running is not None:
        return 0
    with console.step("build"):
        return image.build(runner, [item.service_name for item in image.of_images(runner.of_lock)])


def _put_back(job: Job, written: Mapping[Path, bytes]) -> None:
    backend = job.attempt.backend
    change = backend.deliver({path: job.attempt.originals[path] for path in written}, written)
    if change.code:
        raise UvdockError(
            "the files were put back, but the running container could not be brought to them again",
            where=job.where,
            fix="see that it runs, then run deps.install",
            code=change.code,
        )
    if backend.name == "host":
        backend.sync()
    else:
        _built(job)


def _say_where(change: Change) -> None:
    console.say(f"written to: {' · '.join(change.places)}")
    for note in change.notes:
        console.note(note)


def _stop_on(change: Change, job: Job) -> None:
    if change.code:
        raise UvdockError(
            "the new lock could not be installed",
            where=job.where,
            fix="the host's files are written: deps.install builds the image with them",
            code=change.code,
        )


def _show(job: Job, bumps: Sequence[Bump], made: Trial) -> None:
    """The lines and the versions that change, before anything is written."""
    from uvdock.deps import lockfile

    rows = []
    for bump in bumps:
        moves = (bump.locked, str(bump.target), bump.kind)
        for edit in bump.edits:
            old, new = (_specifiers(text) for text in (edit.declared.text, edit.text))
            rows.append((bump.name, edit.declared.group or "project", old, new, *moves))
        if not bump.edits:
            groups = ", ".join(group or "project" for group in bump.groups)
            rows.append((bump.name, groups, "", "as it is", *moves))
    console.table(("package", "group", "specifier", "new", "locked", "target", "step"), rows, to_stderr=True)
    content = made.files.get(job.attempt.project.lock)
    if content is not None:
        diff = lockfile.diff(job.attempt.lock, lockfile.parse(content, job.attempt.project.lock))
        console.say(f"uv.lock: {diff.summary()}", "bold")
        for line in diff.lines():
            console.say(f"  {line}", {"+": "green", "-": "red", "~": "cyan"}[line[0]])


def _specifiers(text: str) -> str:
    from uvdock.deps.requirement import Line

    line = Line.read(text)
    return line.specifiers if line else text


def to_json(results: Sequence[Result], root: Path) -> str:
    """What changed and what stayed as an object; paths go from ``root``."""
    packages = [
        {
            "project": result.job.label,
            "name": bump.name,
            "groups": list(bump.groups),
            "locked": bump.locked,
            "target": str(bump.target),
            "kind": bump.kind,
            "edits": [
                {"file": os.path.relpath(edit.manifest, root), "old": edit.declared.text, "new": edit.text}
                for edit in bump.edits
            ],
        }
        for result in results
        for bump in result.kept
    ]
    left = [
        {"project": result.job.label, "name": name, "why": why}
        for result in results
        for name, why in result.left.items()
    ]
    return json.dumps({"schema": 1, "packages": packages, "left": left}, indent=2)
