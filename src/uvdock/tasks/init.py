"""The first task in a repo: from its ./run, Makefile or justfile to uvdock's settings and commands."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from uvdock.errors import UvdockError
from uvdock.tasks.base import open_repo, task
from uvdock.ui import console

if TYPE_CHECKING:
    from invoke.context import Context

    from uvdock.init.carry import CarriedFunction
    from uvdock.init.plan import InitPlan

_STYLES = {"+": "green", "-": "red", "@": "cyan"}


@task(
    "init",
    answers=True,
    examples=["init --dry-run", "init", "init --yes"],
    help={"yes": "Write without asking.", "dry_run": "Only show what would be written."},
)
def init(c: Context, yes: bool = False, dry_run: bool = False) -> int:
    """Set this repo up: tasks.py, and the commands of its ./run, Makefile or justfile."""
    from uvdock import process
    from uvdock.init import plan as planning
    from uvdock.init import write as writing
    from uvdock.tasks.collection import ns

    repo = open_repo(c)
    # `lint` beside `lint.shell` is the default of its sub-collection, and known by both names.
    names = [name for whole, others in ns.task_names.items() for name in (whole, *others) if name not in ns.yielding]
    seen = writing.look(repo.root, repo.settings, ns.always, names)
    made = planning.plan(seen.state)
    console.say(f"found in {repo.root}: {', '.join(seen.state.seen) or 'nothing that uvdock knows'}")
    _show(made)
    if not made.edits:
        console.say("everything is there already: nothing was changed", "green")
        return 0
    files = " and ".join(edit.name for edit in made.edits)
    if dry_run or c.config.run.dry:
        console.say(f"only shown, nothing was written: {files}")
        return 0
    if not yes:
        if not process.terminal():
            raise UvdockError(
                "nothing was written: there is no terminal to ask at",
                where=f"{repo.root}: {files}",
                fix="give --yes to write what is shown above",
            )
        if not _agreed(f"write {files}? [y/N] "):
            console.say("nothing was written")
            return 1
    written = writing.write(seen, made)
    console.say(f"written: {', '.join(path.name for path in written)}", "green")
    return 0


def _show(made: InitPlan) -> None:
    """What became of every function on standard error, and the diff of each file on standard output."""
    width = max((len(item.name) for item in made.found), default=0)
    for source in dict.fromkeys(item.source for item in made.found):
        console.say(f"{source}:", "bold")
        for item in made.found:
            if item.source == source:
                text, style = _line(item)
                console.say(f"  {item.name:<{width}}  {text}", style)
    for edit in made.edits:
        for line in edit.diff():
            style = "bold" if line.startswith(("+++", "---")) else _STYLES.get(line[:1], "")
            console.data(console.paint(line, style, sys.stdout))
    for note in made.notes:
        console.note(note)
    if made.afterwards:
        console.say("afterwards:", "bold")
    for line in made.afterwards:
        console.say(f"  {line}")


def _line(item: CarriedFunction) -> tuple[str, str]:
    command = f"inv {item.task}"
    differs = f" (yours has more to it: line {item.at}: {item.why})" if item.why else ""
    return {
        "carried": (f"→ {command}", "green"),
        "has": (f"uvdock has it: {command}{differs}", "cyan"),
        "kept": (f"is in the settings already: {command}", "dim"),
        "left": (f"not carried over: line {item.at}: {item.why}", "yellow"),
    }[item.state]


def _agreed(question: str) -> bool:
    try:
        return input(question).strip().lower() in ("y", "yes")
    except EOFError:
        return False
