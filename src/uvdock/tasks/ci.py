"""`ci.test`: what a CI job runs, as a declared list of steps, with GitHub's groups and summary where they are."""

from __future__ import annotations

import os
import shlex
import shutil
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from uvdock import dry
from uvdock.errors import UvdockError
from uvdock.tasks.base import open_repo, task
from uvdock.ui import console

if TYPE_CHECKING:
    from collections.abc import Collection

    from invoke.context import Context

    from uvdock.tasks.base import Repo

#: The steps where the settings name none; of each line, the task must be there in this repo.
STEPS = (
    "ci.env",
    "lint.dockerfile",
    "lint.shell",
    "deps.install",
    "up --wait",
    "db.wait",
    "lint",
    "format -- --check",
    "test",
)
#: How many lines of each service's log are shown when a step fails.
LOG_LINES = "50"


class Done(NamedTuple):
    """A step that ran: its exit code and how long it took, in seconds."""

    step: str
    code: int
    seconds: float


@task("ci.test", on_backend=True, examples=["ci.test"])
def test(c: Context) -> int:
    """Run what CI runs, step by step; the setting `ci` names other steps."""
    from uvdock.tasks.collection import every_name, ns
    from uvdock.tasks.steps import steps_of

    repo = open_repo(c)
    steps = repo.settings.ci or declared(every_name(ns))
    with steps_of("ci.test"):
        done = run(steps)
    failed = next((item for item in done if item.code), None)
    if dry.on():
        return failed.code if failed else 0
    _summarize(done, steps)
    if failed is None:
        return 0
    # `up --wait` has shown the last words of what did not come up.
    names = _to_blame(repo) if "logs" in every_name(ns) and failed.step != "up --wait" else []
    if names:
        from uvdock.tasks.steps import run_step

        with _group(f"logs of {', '.join(names)}"):
            run_step(f"logs --tail {LOG_LINES} -- {shlex.join(names)}")
    left = ", ".join(steps[len(done) :])
    console.say(f"ci.test: {failed.step} failed with {failed.code}" + (f"; not run: {left}" if left else ""), "red")
    return failed.code


@task("ci.env", examples=["ci.env"])
def env(c: Context) -> int:
    """Copy .env.example to .env, unless there is one."""
    root = open_repo(c).root
    if (root / ".env").exists() or not (root / ".env.example").is_file():
        console.say(".env is there already" if (root / ".env").exists() else "there is no .env.example to copy")
        return 0
    if dry.on():
        console.would("copy .env.example to .env")
        return 0
    shutil.copyfile(root / ".env.example", root / ".env")
    console.say(".env is a copy of .env.example")
    return 0


def declared(names: Collection[str]) -> tuple[str, ...]:
    """The steps of `STEPS` whose task is among ``names``."""
    return tuple(step for step in STEPS if step.split()[0] in names)


def run(steps: Sequence[str]) -> list[Done]:
    """Run steps until one fails; returns those that ran."""
    from uvdock.tasks.steps import run_step

    done: list[Done] = []
    for step in steps:
        start = time.monotonic()
        with _group(step):
            code = run_step(step)
        done.append(Done(step, code, time.monotonic() - start))
        if code:
            break
    return done


def markdown(done: Sequence[Done], steps: Sequence[str]) -> str:
    """The steps as a Markdown table: what passed, what failed, what did not run, and the times."""
    rows = [f"| `{item.step}` | {'✔' if not item.code else f'✘ {item.code}'} | {item.seconds:.1f} s |" for item in done]
    rows += [f"| `{step}` | – | |" for step in steps[len(done) :]]
    return "\n".join(["| Step | Result | Time |", "|---|---|---|", *rows, ""])


def _to_blame(repo: Repo) -> list[str]:
    """The services whose logs may tell why a step failed: those that do not run well, else the one of the project."""
    try:
        place = repo.engine
    except UvdockError:
        # The step that failed has said so.
        return []
    if place is None:
        return []
    stack, engine = place
    found = sorted({item.service for item in engine.failed(stack.working_dir)})
    if found:
        return found
    try:
        name = repo.compose("ci.test").service_name
    except UvdockError:
        return []
    return [name] if engine.service_container(stack.working_dir, name) else []


@contextmanager
def _group(name: str) -> Iterator[None]:
    """Fold what a step prints, in GitHub Actions: https://docs.github.com/actions (workflow commands)."""
    folds = os.environ.get("GITHUB_ACTIONS") == "true" and not dry.on()
    console.data(f"::group::{name}") if folds else console.say(f"▸ {name}", "bold")
    try:
        yield
    finally:
        if folds:
            console.data("::endgroup::")


def _summarize(done: Sequence[Done], steps: Sequence[str]) -> None:
    path = os.environ.get("GITHUB_STEP_SUMMARY")
    if path:
        with Path(path).open("a", encoding="utf-8") as file:
            file.write(markdown(done, steps))
