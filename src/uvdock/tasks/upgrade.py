"""deps.upgrade: raises what pyproject.toml asks for, and the lock with it."""

from __future__ import annotations

import os
import shlex
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from uvdock import console
from uvdock.errors import UvdockError
from uvdock.tasks.base import Repo, open_repo, passed, task
from uvdock.tasks.separator import WordsTask

if TYPE_CHECKING:
    from invoke.context import Context

    from uvdock.backends import Change, Trial
    from uvdock.deps.attempt import Attempt, Plan
    from uvdock.deps.upgrade import Bump
    from uvdock.project import Project


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


@task(
    "deps.upgrade",
    examples=[
        "deps.upgrade --minor --dry-run",
        "deps.upgrade -- flask celery",
        "deps.upgrade --cooldown '7 days' --exclude django",
        "deps.upgrade --test 'pytest -q' --bisect",
    ],
    klass=WordsTask,
    iterable=["group", "exclude"],
    help={
        "patch": "At most a patch: 1.2.3 to 1.2.9.",
        "minor": "At most a minor step: 1.2.3 to 1.9.",
        "major": "Any step to a release that is no prerelease; this is what is done without an option.",
        "latest": "The same as --major.",
        "group": "Only this dependency group, `extra: NAME`, or `project`; more than once.",
        "exclude": "Not this package; more than once.",
        "lock-only": "Leave pyproject.toml as it is: raise the lock as far as it allows.",
        "dry-run": "Show what would change, and write nothing.",
        "interactive": "Choose from a list.",
        "cooldown": "Take no release younger than this: `7 days`.",
        "pre": "Take prereleases too.",
        "test": "A command that must succeed afterwards, in the service; else everything is put back.",
        "bisect": "With --test: find the packages that break it, and keep the others.",
        "json": "What changes as an object, on standard output.",
    },
)
def upgrade(  # noqa: PLR0917 - each is an option by its name
    c: Context,
    patch: bool = False,
    minor: bool = False,
    major: bool = False,
    latest: bool = False,
    group: Sequence[str] | None = None,
    exclude: Sequence[str] | None = None,
    lock_only: bool = False,
    dry_run: bool = False,
    interactive: bool = False,
    cooldown: str = "",
    pre: bool = False,
    test: str = "",
    bisect: bool = False,
    json: bool = False,
) -> int:
    """Raise what pyproject.toml asks for and the lock with it: deps.upgrade [-- PACKAGE…]"""
    from packaging.utils import canonicalize_name

    from uvdock.deps.upgrade import Selection

    steps = [name for name, given in {"patch": patch, "minor": minor, "major": major or latest}.items() if given]
    _refuse_options(steps, interactive=interactive, test=test, bisect=bisect)
    words, without = ([canonicalize_name(word) for word in listed] for listed in (passed(c), exclude or ()))
    selection = Selection(words, tuple(group or ()), without)
    repo = open_repo(c, cooldown=cooldown)
    argv = tuple(shlex.split(test))
    jobs = [_job(repo, project, argv, pre=pre, bisect=bisect) for project in repo.projects]
    _know(words + without, group or (), jobs)
    results = []
    for job in jobs:
        if len(jobs) > 1:
            console.say(f"{job.label}:", "bold")
        with console.step("look for releases"):
            plan = job.attempt.planned(selection, (steps or ["major"])[0], lock_only=lock_only)
        if interactive:
            plan.bumps[:] = _picked(plan.bumps)
        results.append(_upgraded(job, plan, dry_run=dry_run))
    if json:
        console.data(_to_json(results, repo.root))
    return next((result.code for result in results if result.code), 0)


def _job(repo: Repo, project: Project, test: tuple[str, ...], *, pre: bool, bisect: bool) -> Job:
    from datetime import UTC, datetime

    from uvdock.deps import cooldown
    from uvdock.deps.attempt import Attempt

    cutoff = cooldown.cutoff(repo.settings.cooldown, datetime.now(UTC), repo.settings.sources["cooldown"])
    label = os.path.relpath(project.folder, repo.root)
    return Job(label, Attempt(project, repo.at(project).backend, cutoff, pre), test, bisect)


def _upgraded(job: Job, plan: Plan, *, dry_run: bool) -> Result:
    """Find what works together, show it, write it, test it."""
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
        return image.build(runner, [service.name for service in image.built_services(runner)])


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


def _picked(bumps: list[Bump]) -> list[Bump]:
    """Let a person choose with the keyboard."""
    import questionary

    if not bumps:
        return []
    width = max(len(bump.name) for bump in bumps)
    choices = [
        questionary.Choice(f"{bump.name:{width}}  {bump.locked} → {bump.target}  {bump.kind}", bump.name, checked=True)
        for bump in bumps
    ]
    picked = questionary.checkbox("What to upgrade", choices=choices).ask()
    if picked is None:
        raise KeyboardInterrupt
    return [bump for bump in bumps if bump.name in picked]


def _refuse_options(steps: Sequence[str], *, interactive: bool, test: str, bisect: bool) -> None:
    problem = fix = ""
    if len(steps) > 1:
        problem, fix = f"--{' and --'.join(steps)} are given together", "give one of them"
    elif bisect and not test:
        problem, fix = "--bisect needs a test", "give --test COMMAND"
    elif interactive and not (sys.stdin.isatty() and sys.stdout.isatty()):
        problem, fix = "--interactive needs a terminal", "name the packages instead"
    else:
        try:
            if test and not shlex.split(test):
                problem, fix = f"--test {test!r} is no command", "name a program: --test pytest"
        except ValueError as error:
            problem, fix = f"--test {test!r} is no command: {error}", "close the quotes"
    if problem:
        raise UvdockError(problem, where="deps.upgrade", fix=fix, code=2)


def _know(words: Sequence[str], groups: Sequence[str], jobs: Sequence[Job]) -> None:
    from uvdock.deps import declared, survey
    from uvdock.errors import nearest

    manifests = [manifest for job in jobs for manifest in job.attempt.manifests]
    names = sorted({line.name for manifest in manifests for item in manifest.lines if (line := item.line) is not None})
    for word in words:
        if word not in names:
            raise UvdockError(
                f"{word} is no direct dependency{nearest(word, names)}",
                where="the command line",
                fix="name one that a pyproject.toml asks for; `uv lock --upgrade-package` raises others",
                code=2,
            )
    survey.know_groups(groups, [name for manifest in manifests for name in declared.groups(manifest.data)])


def _to_json(results: Sequence[Result], root: Path) -> str:
    import json

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
