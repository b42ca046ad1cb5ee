"""deps.upgrade: raises what pyproject.toml asks for, and the lock with it."""

from __future__ import annotations

import os
import shlex
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

from uvdock.errors import UvdockError
from uvdock.tasks.base import Repo, open_repo, passed, task
from uvdock.tasks.kinds import DEPENDENCIES, GROUPS, WORDS
from uvdock.tasks.separator import WordsTask
from uvdock.ui import console

if TYPE_CHECKING:
    from invoke.context import Context

    from uvdock.project import Project
    from uvdock.tasks.upgrading import Job


@task(
    "deps.upgrade",
    answers=True,
    on_backend=True,
    examples=[
        "deps.upgrade --minor --dry-run",
        "deps.upgrade -- flask celery",
        "deps.upgrade --cooldown '7 days' --exclude django",
        "deps.upgrade --test 'pytest -q' --bisect",
    ],
    klass=WordsTask,
    usage="[PACKAGE…]",
    values={WORDS: DEPENDENCIES, "group": GROUPS, "exclude": DEPENDENCIES},
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
        "test": "A command that must succeed with the upgrade, tried apart from what runs; else nothing changes.",
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
    """Raise what pyproject.toml asks for and the lock with it."""
    from packaging.utils import canonicalize_name

    from uvdock.deps.upgrade import Selection
    from uvdock.tasks import choosing, upgrading

    steps = [name for name, given in {"patch": patch, "minor": minor, "major": major or latest}.items() if given]
    _refuse_options(steps, interactive=interactive, test=test, bisect=bisect)
    words, without = ([canonicalize_name(word) for word in listed] for listed in (passed(c), exclude or ()))
    selection = Selection(words, tuple(group or ()), without)
    repo = open_repo(c, cooldown=cooldown)
    argv = tuple(shlex.split(test))
    jobs = [_job(repo, project, argv, pre=pre, bisect=bisect) for project in repo.projects]
    _check_names(words + without, group or (), jobs)
    results = []
    for job in jobs:
        if len(jobs) > 1:
            console.say(f"{job.label}:", "bold")
        with console.step("look for releases"):
            plan = job.attempt.planned(selection, (steps or ["major"])[0], lock_only=lock_only)
        if interactive and plan.bumps:
            plan.bumps[:] = choosing.picked(plan.bumps, job.label if len(jobs) > 1 else "")
            if not plan.bumps:
                results.append(upgrading.JobResult(job, left={item.name: item.why for item in plan.left}))
                continue
        results.append(upgrading.upgraded(job, plan, dry_run=dry_run or c.config.run.dry))
    if json:
        console.data(upgrading.to_json(results, repo.root))
    return next((result.code for result in results if result.code), 0)


def _job(repo: Repo, project: Project, test: tuple[str, ...], *, pre: bool, bisect: bool) -> Job:
    from datetime import UTC, datetime

    from uvdock.deps import cooldown
    from uvdock.deps.attempt import Attempt
    from uvdock.tasks.upgrading import Job

    cutoff = cooldown.cutoff(repo.settings.cooldown, datetime.now(UTC), repo.settings.sources["cooldown"])
    label = os.path.relpath(project.folder, repo.root)
    return Job(label, Attempt(project, repo.at(project).backend, cutoff, pre), test, bisect)


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


def _check_names(words: Sequence[str], groups: Sequence[str], jobs: Sequence[Job]) -> None:
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
