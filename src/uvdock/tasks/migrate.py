"""The migration: from pip to uv, the whole repo, shown first, with proof and a way back."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from contextlib import nullcontext
from typing import TYPE_CHECKING

from uvdock.errors import UvdockError
from uvdock.tasks.base import Repo, open_repo, task
from uvdock.ui import console

if TYPE_CHECKING:
    from invoke.context import Context

    from uvdock.migrate.apply import Backup
    from uvdock.migrate.model import MigrationPlan, RepoFacts
    from uvdock.migrate.verify.compare_images import ImageComparison

_STYLES = {"+": "green", "-": "red", "@": "cyan"}
#: How many packages of one cause are named, and up to how many findings of a kind are all shown.
_MOST, _EACH = 5, 3
_LEVELS = {"question": "red", "left": "yellow", "note": "cyan"}
_HEADINGS = {
    "question": "to be decided by you",
    "left": "left as it is, for you to change",
    "note": "worth a look",
}


@task(
    "migrate",
    answers=True,
    examples=["migrate", "migrate --prove --check 'python manage.py check'", "migrate --apply", "migrate --rollback"],
    iterable=["check"],
    # -h is for help, and what writes is written out.
    auto_shortflags=False,
    help={
        "apply": "Write what is shown, all of it or nothing, and keep a backup.",
        "prove": "Build the images before and after, and compare packages, sizes and times.",
        "check": "A command that has to pass in both images: `python manage.py check`. Several times for several.",
        "rollback": "Put every file back as it was before the last --apply.",
        "json": "The plan as JSON.",
        "harden": "Have images run as a user that is not root.",
        "cache_volume": "Have Compose services that use uv at run time keep its cache in a volume.",
        "accept_drift": "Apply although some versions are not the old ones.",
        "allow_dirty": "Apply although git has uncommitted changes.",
        "force": "Roll back files that changed since, too.",
        "tasks": "Write a tasks.py too, so that `inv` has uvdock's tasks.",
        "verbose": "Every finding, and not one of each kind.",
    },
)
def migrate(  # noqa: PLR0917 - the options of a task are its arguments
    c: Context,
    apply: bool = False,
    prove: bool = False,
    check: Sequence[str] | None = None,
    rollback: bool = False,
    json: bool = False,
    harden: bool = False,
    cache_volume: bool = False,
    accept_drift: bool = False,
    allow_dirty: bool = False,
    force: bool = False,
    tasks: bool = False,
    verbose: bool = False,
) -> int:
    """Move the repo from pip to uv: dependencies, Dockerfiles, Compose, CI, scripts. Only shows, without --apply."""
    from uvdock.backends.host import find_uv
    from uvdock.migrate import apply as applying
    from uvdock.migrate import plan as planning
    from uvdock.migrate import report

    repo = open_repo(c)
    _go_together(apply=apply, prove=prove, rollback=rollback, checks=check or ())
    if rollback:
        return _roll_back(repo, force=force, as_json=json, dry=bool(c.config.run.dry))
    if broken := applying.unfinished(repo.root):
        raise broken
    dry = bool(c.config.run.dry)
    converters = planning.usual(nullcontext if json else console.step)
    plan, facts = planning.assemble(
        repo.root, converters, uv=find_uv() or "uv", harden=harden, cache_volume=cache_volume, tasks=tasks
    )
    _show(plan, facts, verbose=verbose, quiet=json)
    if apply:
        # Before the images are built: that takes minutes.
        _allowed(repo, plan, accept_drift=accept_drift, allow_dirty=allow_dirty)
    proof = _prove(repo, plan, check or (), quiet=json, dry=dry) if prove else None
    passed = proof is None or proof.passed
    backup = applying.apply(repo.root, plan) if apply and not dry and passed else None
    if json:
        console.data(report.to_json(repo.root, plan, facts, backup=backup, proof=proof))
    else:
        _say_what_was_done(plan, backup)
    return 0 if passed and not plan.stopped else 1


def _say_what_was_done(plan: MigrationPlan, backup: Backup | None) -> None:
    from uvdock.migrate import report

    if backup is not None:
        console.say(f"written: {report.counted(plan.edits)}; the old files are in {backup.folder}", "green")
        console.say("`migrate --rollback` puts them back", "dim")
    elif plan.edits:
        console.say(f"only shown, nothing was written: {report.counted(plan.edits)}", "bold")
        console.say("--prove compares the images before and after; --apply writes it, --rollback undoes that", "dim")
    elif plan.stopped:
        console.say("nothing was migrated", "red")
    elif plan.findings:
        console.say("nothing changes: what is left is listed above", "yellow")
    else:
        console.say("nothing to migrate: nothing here uses pip", "green")
    for project in plan.stopped:
        if project.stopped:
            console.say(f"{project.folder.as_posix()} stays with pip: see {report.place(project.stopped)} above", "red")


def _go_together(*, apply: bool, prove: bool, rollback: bool, checks: Sequence[str]) -> None:
    """Refuse options that say different things."""
    if rollback and (apply or prove):
        raise UvdockError(
            "--rollback goes with neither --apply nor --prove",
            where="migrate",
            fix="roll back first, then call migrate again",
            code=2,
        )
    if checks and not prove:
        raise UvdockError(
            "--check goes with --prove", where="migrate", fix="add --prove, which builds the images to check", code=2
        )
    if checks:
        from uvdock.migrate.verify.compare_images import words_of

        for check in checks:
            words_of(check)


def _show(plan: MigrationPlan, facts: RepoFacts, *, verbose: bool, quiet: bool) -> None:
    """The diff of each file on standard output; what stays for a person, and the drift, on standard error."""
    if quiet:
        return
    from uvdock.migrate import report

    terminal = sys.stdout.isatty()
    for edit in plan.edits:
        for line in report.shown(edit, whole=not terminal):
            style = "bold" if line.startswith(("+++ ", "--- ")) else _STYLES.get(line[:1], "")
            console.data(console.paint(line, style, sys.stdout))
    _findings(plan, verbose=verbose)
    if facts.environment:
        console.say("variables to set, for credentials that were taken out of files:", "bold")
        for name, why in facts.environment.items():
            console.say(f"  {name}  {why}")
    if plan.drifts:
        console.say("versions that are not the old ones:", "bold")
        for line in report.drifted(plan.drifts, most=None if verbose else _MOST):
            console.say(f"  {line}", "yellow")


def _findings(plan: MigrationPlan, *, verbose: bool) -> None:
    from uvdock.migrate import report

    groups = report.grouped(plan.findings)
    for level, heading in _HEADINGS.items():
        mine = [group for group in groups if group[0].level == level]
        if mine:
            console.say(f"{heading}:", "bold")
        for group in mine:
            shown = group if verbose or len(group) <= _EACH else group[:1]
            for item in shown:
                console.say(f"  {report.place(item)}  {item.what}", _LEVELS[level])
                if item.instead:
                    console.say(f"      {item.instead}")
            if len(shown) < len(group):
                console.say(f"      … and {len(group) - 1} more like it (--verbose names them)", "dim")


def _allowed(repo: Repo, plan: MigrationPlan, *, accept_drift: bool, allow_dirty: bool) -> None:
    """Whether the plan may be written.

    Raises:
        UvdockError: Versions drift, or git has uncommitted changes, and nobody said that this is well.
    """
    from uvdock.migrate import apply as applying

    if not plan.edits:
        return
    if plan.drifts and not accept_drift:
        names = ", ".join(drift.name for drift in plan.drifts)
        raise UvdockError(
            f"versions are not the old ones: {names}; nothing was written",
            where=str(repo.root),
            fix="see the causes above; pin what has to stay, or give --accept-drift",
        )
    dirty = [] if allow_dirty else applying.uncommitted(repo.root)
    if dirty:
        more = f" and {len(dirty) - 5} more" if len(dirty) > 5 else ""
        raise UvdockError(
            f"git has uncommitted changes; nothing was written: {', '.join(line[3:] for line in dirty[:5])}{more}",
            where=str(repo.root),
            fix="commit or stash them, so that the migration is a commit of its own; or give --allow-dirty",
        )


def _roll_back(repo: Repo, *, force: bool, as_json: bool, dry: bool) -> int:
    from uvdock.migrate import apply as applying
    from uvdock.migrate import report

    if dry:
        found = applying.backups(repo.root)[-1:]
        names = [kept.path for backup in found for kept in backup.files]
        console.say(f"only shown, nothing was written: {', '.join(names) or 'there is nothing to roll back'}")
        return 0
    backup = applying.roll_back(repo.root, force=force)
    if backup is None:
        raise UvdockError(
            "there is nothing to roll back: no migration was applied here",
            where=str(repo.root),
            fix="`migrate` shows what one would change",
        )
    names = sorted(kept.path for kept in backup.files)
    if as_json:
        console.data(report.rolled_back(repo.root, names))
    console.say(f"put back as before the migration: {', '.join(names)}", "green")
    return 0


def _prove(repo: Repo, plan: MigrationPlan, checks: Sequence[str], *, quiet: bool, dry: bool) -> ImageComparison | None:
    if dry:
        console.would("then the images would be built before and after, and compared")
        return None
    from uvdock.migrate import apply as applying
    from uvdock.migrate.verify import compare_images
    from uvdock.project import find_compose_files

    applied = applying.backups(repo.root)
    if applied and not plan.edits:
        console.say("comparing with the repo before the last --apply", "bold")
    proof = compare_images.compare_images(
        repo.root,
        plan,
        checks,
        context=repo.settings.context,
        compose_files=find_compose_files(repo.root, repo.settings, os.environ),
        old=applying.old_files(applied[-1]) if applied else None,
        step=console.step,
    )
    if not quiet:
        for image in proof.images:
            console.table(("", "before", "after", "change"), compare_images.rows(image), title=image.name)
    *lines, last = compare_images.verdict(proof)
    for line in lines:
        console.say(line)
    console.say(last, "green" if proof.passed else "red")
    return proof
