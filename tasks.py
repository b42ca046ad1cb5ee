"""uvdock's own tasks: its collection, and what its developers run."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from invoke.exceptions import Exit
from invoke.tasks import Task, task

from uvdock import ns

if TYPE_CHECKING:
    from invoke.context import Context


@task(
    help={
        "slow": "Run the tests that take their time instead.",
        "all": "Run every test, the long campaigns too: well over an hour.",
    }
)
def test(c: Context, slow: bool = False, all: bool = False) -> None:  # noqa: A002, PT028 - a task, and no test
    """Run the tests, in minutes; those that need a Docker engine are skipped without one."""
    which = "" if all else f"{'' if slow else 'not '}slow and not long"
    # Each file of the engine's tests stays with one worker: its stack is built once, and nobody else's is looked at.
    # One more than two cores, for a test often waits for what it has started.
    parts = ("tests/unit tests/cli --numprocesses 3", "tests/engine --numprocesses 3 --dist loadfile")
    commands = [f"{sys.executable} -m pytest {part} -m '{which}'" for part in parts]
    ran = [c.run(command, pty=sys.stdout.isatty(), warn=True) for command in commands]
    if any(not done for done in ran):
        raise Exit("some tests failed: see above", code=1)


@task
def lint(c: Context) -> None:
    """Check format, rules and types."""
    for tool in ("ruff format --check", "ruff check", "mypy"):
        c.run(f"{sys.executable} -m {tool}", pty=sys.stdout.isatty())


@task
def picture(c: Context) -> None:
    """Make the pictures of the docs from real runs; needs Docker and tmux."""
    c.run(f"{sys.executable} docs/picture.py")


@task
def docs(_: Context) -> None:
    """Write the rules' pages into docs/doctor.md, and those of pip's options and of the migrated repos."""
    from tests import repos
    from tests.unit.migrate.pip_options import page
    from uvdock.doctor.table import pages

    folder = Path(__file__).parent / "docs"
    (folder / "migrate-pip-options.md").write_text(page(), encoding="utf-8")
    (folder / "migrate-repos.md").write_text(repos.page(), encoding="utf-8")
    path = folder / "doctor.md"
    text = path.read_text(encoding="utf-8").partition("## Rules\n")[0]
    path.write_text(text + pages(), encoding="utf-8")


@task(help={"quick": "Few rounds: to see that it works.", "group": "Only this group of measurements."})
def benchmark(c: Context, quick: bool = False, group: str = "") -> None:
    """Measure uvdock against a ./run file and others, and write docs/benchmark.md; needs Docker."""
    words = [sys.executable, "-m", "benchmarks", *(["--quick"] if quick else []), *([group] if group else [])]
    c.run(" ".join(words), pty=sys.stdout.isatty())


for own in (test, lint, picture, docs, benchmark):
    assert isinstance(own, Task)
    ns.add_task(own)
