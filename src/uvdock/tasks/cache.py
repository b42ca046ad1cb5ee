"""Tasks on the volumes that keep uv's cache between one-offs."""

from __future__ import annotations

import json as json_module
from typing import TYPE_CHECKING

from uvdock import dry
from uvdock.tasks.base import Repo, ask, open_repo, task
from uvdock.ui import console

if TYPE_CHECKING:
    from invoke.context import Context

    from uvdock.backends.cache import CacheVolume


@task(
    "cache.info",
    answers=True,
    examples=["cache.info", "cache.info --json"],
    help={"json": "A list of objects, sizes in bytes."},
)
def info(c: Context, json: bool = False) -> int:
    """Show the volumes that keep uv's cache: whose, how large, and what holds them."""
    from uvdock.backends import cache

    repo = open_repo(c)
    found = _volumes(repo)
    if json:
        console.data(json_module.dumps([vars(item) for item in found], indent=2))
        return 0
    if not found:
        console.say(_none(repo))
        return 0
    rows = [(item.name, str(item.uid), cache.readable(item.size), ", ".join(item.holders)) for item in found]
    console.table(("volume", "owner", "size", "held by"), rows, below="held by")
    return 0


@task(
    "cache.prune",
    examples=["cache.prune", "cache.prune --all --yes"],
    help={"all": "Remove the volumes themselves, with everything in them.", "yes": "Do not ask."},
)
def prune(c: Context, all: bool = False, yes: bool = False) -> int:  # noqa: A002 - the option's name
    """Remove from uv's cache what no install can use any more; asks first."""
    from uvdock.backends import cache, image

    repo = open_repo(c)
    found = _volumes(repo)
    if not found:
        console.say(_none(repo))
        return 0
    names = ", ".join(item.name for item in found)
    if not yes:
        # Other repos on this engine use the same ones, unless `cache_volume` says otherwise.
        what = f"Remove {names}" if all else f"Remove what is unused from {names}"
        ask(f"{what}? The next install fetches again what is gone.", "nothing was removed", names)
    runner = repo.compose("cache.prune")
    if all:
        cache.remove(runner.engine, runner.stack.docker, found)
    elif dry.on():
        name = image.planned_uv(runner)
        for item in found:
            cache.prune(runner.engine, runner.stack.docker, name, "uv", item)
    else:
        session = image.uv_session(runner)
        assert session.place.uv is not None
        for item in found:
            with console.step(f"uv cache prune ({item.name})") as step:
                step.code = cache.prune(runner.engine, runner.stack.docker, session.image, session.place.uv, item)
            if step.code:
                return step.code
    console.say(cache.removed(found, _volumes(repo)))
    return 0


def _volumes(repo: Repo) -> list[CacheVolume]:
    from uvdock.backends import cache
    from uvdock.engine.api import Engine

    return cache.find(Engine(repo.settings.context), repo.settings.cache_volume)


def _none(repo: Repo) -> str:
    base = repo.settings.cache_volume
    return (
        f"there is no volume {base}-… yet; the first one-off makes it"
        if base
        else "cache_volume is empty: none is kept"
    )
