"""Tasks on dependencies: install, lock, check."""

from __future__ import annotations

from typing import TYPE_CHECKING

from uvdock.tasks.base import open_repo, task
from uvdock.tasks.kinds import BUILDING
from uvdock.ui import console

if TYPE_CHECKING:
    from collections.abc import Sequence

    from invoke.context import Context


@task(
    "deps.install",
    on_backend=True,
    examples=["deps.install", "deps.install --no-build"],
    iterable=["cache_from", "cache_to"],
    help={
        "build": "Without it, only the running container is brought up to date.",
        "pull": "Pull an image that its registry has for this very lock, instead of building it.",
        **BUILDING,
    },
)
def install(  # noqa: PLR0917 - the options of a task are its arguments
    c: Context,
    build: bool = True,
    pull: bool = False,
    builder: str = "",
    cache_from: Sequence[str] | None = None,
    cache_to: Sequence[str] | None = None,
) -> int:
    """Lock what is not locked, build with the lock as it is, recreate what changed."""
    from uvdock.tasks import installing

    repo = open_repo(c, ahead=True, builder=builder, cache_from=cache_from, cache_to=cache_to)
    return installing.install(repo, build=build, dry=c.config.run.dry, pull=pull)


@task("deps.lock", on_backend=True, examples=["deps.lock"])
def lock(c: Context) -> int:
    """Bring uv.lock up to date with pyproject.toml, with the image's uv."""
    from uvdock.tasks import installing

    repo = open_repo(c)
    installing.lock_alone(repo)
    return 0


@task("deps.check", answers=True, on_backend=True, examples=["deps.check"])
def check(c: Context) -> int:
    """Exit with 1 when the lock, the image or the environment is stale; write nothing."""
    repo = open_repo(c)
    stale = False
    for project in repo.projects:
        for finding in repo.at(project).backend.check():
            mark, style = {True: ("✔", "green"), False: ("✘", "red"), None: ("–", "dim")}[finding.fresh]
            console.say(
                f"{mark} {repo.label(project, finding.name)}" + (f": {finding.why}" if finding.why else ""), style
            )
            stale = stale or finding.fresh is False
    return 1 if stale else 0
