"""What deps.upgrade does with one project: find what works together, show it, write it, test it, or put it back."""

from __future__ import annotations

import json
import os
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from signal import SIGINT, SIGTERM
from typing import TYPE_CHECKING

from uvdock.errors import UvdockError
from uvdock.tasks.base import locks_in_a_new_image
from uvdock.ui import console, live_progress

if TYPE_CHECKING:
    from uvdock.backends import Change, DryRunResult, Sandbox
    from uvdock.backends.service import ServiceRunner
    from uvdock.deps.attempt import Attempt, UpgradePlan
    from uvdock.deps.declared import Declared
    from uvdock.deps.upgrade import Bump


#: The exit codes of what a signal stopped.
_STOPPED = (128 + SIGINT, 128 + SIGTERM)


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
class JobResult:
    """What came of one job: its exit code, what was raised, and why other packages were not."""

    job: Job
    code: int = 0
    kept: list[Bump] = field(default_factory=list)
    left: dict[str, str] = field(default_factory=dict)


def upgraded(job: Job, plan: UpgradePlan, *, dry_run: bool) -> JobResult:
    """Find what works together, show it, write it, test it.

    Raises:
        UvdockError: The lock cannot be made or installed, or the test failed; says what was put back.
    """
    result = JobResult(job, left={item.name: item.why for item in plan.left})
    for name, why in result.left.items():
        console.note(f"{name} stays: {why}")
    for name, version in plan.young.items():
        console.note(f"{name} {version} is held back: it is younger than the cooldown")
    if not plan.bumps:
        console.say("nothing else to upgrade" if plan.left or plan.young else "nothing to upgrade")
        return result
    with console.step(f"resolve {console.counted(len(plan.bumps), 'upgrade')}"):
        found = job.attempt.largest(plan.bumps)
    for name, words in found.refused.items():
        console.note(f"{name} stays, for uv says:\n{words}")
        result.left[name], result.code = words, 1
    result.kept = [bump for bump in plan.bumps if bump.name in found.accepted]
    if not result.kept:
        console.say("nothing can be upgraded")
        return result
    name = f"lock ({job.attempt.backend.where})"
    if locks_in_a_new_image(job.attempt.backend):
        made = live_progress.alone(name, lambda: _made(job, result.kept))
    else:
        with console.step(name):
            made = _made(job, result.kept)
    _show(job, result.kept, made)
    if dry_run:
        console.say("nothing was written: this was a dry run")
    else:
        _written(result, made)
    return result


def _made(job: Job, bumps: Sequence[Bump]) -> DryRunResult:
    from uvdock.deps import uvcommand

    made = job.attempt.made(bumps)
    if not made.output.code:
        return made
    if uvcommand.is_refusal(made.output):
        what, fix = "the uv that locks this project refuses what another uv took", "leave out what it names: --exclude"
    else:
        what, fix = "the upgrades could not be locked", "see that what it names can be reached from there"
    raise UvdockError(
        f"{what}: {uvcommand.words(made.output)}",
        where=job.where,
        fix=f"{fix}; nothing was changed",
        code=made.output.code,
    )


def _written(result: JobResult, made: DryRunResult) -> None:
    """Write the files when they pass the test, where there is one; until then nothing changes."""
    job = result.job
    if not job.test:
        _deliver(job, made)
        return
    broken: list[str] = []
    _need_image(job)
    with job.attempt.backend.sandbox() as sandbox:
        failed = _failed(job, sandbox, made.files)
        if failed and job.bisect:
            broken = _bisect(result, sandbox)
    if failed and not job.bisect:
        what, code = failed
        raise UvdockError(
            f"{what} left {code} with the upgrade, so nothing was changed",
            where=job.where,
            fix="see its output above; --bisect finds the packages that break it and keeps the others",
            code=code,
        )
    if result.kept:
        _deliver(job, _made(job, result.kept) if failed else made)
    if failed:
        test = shlex.join(job.test)
        console.say(f"breaks {test}: {', '.join(broken)}", "red")
        console.say(f"kept: {', '.join(bump.name for bump in result.kept) or 'nothing'}")


def _need_image(job: Job) -> None:
    """Build the image, as it is, where there is none for the one-off.

    Raises:
        UvdockError: It cannot be built.
    """
    from uvdock.backends import image

    runner: ServiceRunner | None = getattr(job.attempt.backend, "runner", None)
    if runner is None or runner.engine.image_id(runner.service.image) is not None:
        return
    names = [item.service_name for item in image.of_images(runner.of_lock)]
    if code := live_progress.alone("build", lambda: image.build(runner, names)):
        fix = "read the words above; nothing was changed"
        raise UvdockError("the image could not be built", where=job.where, fix=fix, code=code)


def _bisect(result: JobResult, sandbox: Sandbox) -> list[str]:
    """Leave out of a result the packages that break the test; returns them."""
    from uvdock.deps.upgrade import culprits

    job, test = result.job, shlex.join(result.job.test)
    if _failed(job, sandbox, {}):
        raise UvdockError(
            f"{test!r} fails without any upgrade too, so it cannot tell what breaks it",
            where=job.where,
            fix="make it succeed first; nothing was changed",
        )
    by_name = {bump.name: bump for bump in result.kept}

    def works(names: Sequence[str]) -> bool:
        if len(names) == len(by_name):
            return False  # this was tested before
        console.say(f"try {', '.join(names)}", "bold")
        # Of packages that can only go together, one alone is not tried: it breaks nothing.
        together = job.attempt.largest([by_name[name] for name in names]).accepted
        if not together:
            return True
        made = _made(job, [by_name[name] for name in together])
        return _failed(job, sandbox, made.files) is None

    good, broken = culprits(list(by_name), works)
    found = job.attempt.largest([by_name[name] for name in good])
    result.code, result.kept = 1, [by_name[name] for name in found.accepted]
    result.left |= {**dict.fromkeys(broken, f"it breaks {test}"), **found.refused}
    for name, words in found.refused.items():
        console.note(f"{name} stays, for uv says:\n{words}")
    return broken


def _failed(job: Job, sandbox: Sandbox, files: Mapping[Path, bytes]) -> tuple[str, int] | None:
    """Install and test in the sandbox: what failed with which code, or ``None``.

    Raises:
        UvdockError: It was stopped, or the test cannot be run.
    """
    with console.step(what := "install for the test") as step:
        step.code = sandbox.install(files)
    if not step.code:
        with console.step(what := shlex.join(job.test)) as step:
            step.code = sandbox.run(job.test)
    if step.code in _STOPPED:
        raise UvdockError("stopped", where=job.where, fix="run it again; nothing was changed", code=step.code)
    return (repr(what), step.code) if step.code else None


def _deliver(job: Job, made: DryRunResult) -> None:
    """Write the files and bring what is in use to them."""
    backend = job.attempt.backend
    change = backend.deliver(made.files, job.attempt.originals)
    _stop_on(change, job)
    if job.test and backend.name == "host":
        with console.step("sync the host's environment") as step:
            synced = backend.sync()
            step.code = synced.code
        _stop_on(synced, job)
    _say_where(change)


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


def _show(job: Job, bumps: Sequence[Bump], made: DryRunResult) -> None:
    """The lines and the versions that change, before anything is written."""
    from uvdock.deps import lockfile

    names = {manifest.path: manifest.name for manifest in job.attempt.manifests}
    rows: list[Sequence[str]] = []
    for bump in bumps:
        moves = (bump.locked, str(bump.target), bump.kind)
        for edit in bump.edits:
            old, new = (_specifiers(text) for text in (edit.declared.text, edit.text))
            rows.append((bump.name, names[edit.manifest], edit.declared.group or "project", old, new, *moves))
        if not bump.edits:
            asking = [item.name for item in job.attempt.manifests if any(_asks(line, bump.name) for line in item.lines)]
            groups = ", ".join(group or "project" for group in bump.groups)
            rows.append((bump.name, ", ".join(asking), groups, "", "as it is", *moves))
    columns = ["package", "project", "group", "specifier", "new", "locked", "target", "step"]
    shown = [at for at, column in enumerate(columns) if column != "project" or len(names) > 1]
    rows = [[row[at] for at in shown] for row in rows]
    console.table([columns[at] for at in shown], rows, least=("group", "locked", "target"), to_stderr=True)
    content = made.files.get(job.attempt.project.lock)
    if content is not None:
        diff = lockfile.diff(job.attempt.lock, lockfile.parse(content, job.attempt.project.lock))
        console.say(f"uv.lock: {diff.summary()}", "bold")
        for line in diff.lines():
            console.say(f"  {line}", {"+": "green", "-": "red", "~": "cyan"}[line[0]])


def _asks(item: Declared, name: str) -> bool:
    return item.line is not None and item.line.name == name


def _specifiers(text: str) -> str:
    from uvdock.deps.requirement import DeclaredLine

    line = DeclaredLine.read(text)
    return line.specifiers if line else text


def to_json(results: Sequence[JobResult], root: Path) -> str:
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
