"""Tasks on the whole stack: up, down, ps, logs. Streams and exit codes are Compose's own."""

from __future__ import annotations

from contextlib import suppress
from signal import SIGINT, SIGTERM
from typing import TYPE_CHECKING

from uvdock.errors import UvdockError
from uvdock.tasks.base import ask, open_repo, passed, task
from uvdock.tasks.kinds import typed
from uvdock.tasks.separator import WordsTask
from uvdock.ui import console

#: How many lines of its log are shown of a service that did not come up.
_LAST_LINES = 20

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from invoke.context import Context

    from uvdock.engine.api import Engine
    from uvdock.engine.stack import Stack
    from uvdock.tasks.base import Repo


@task(
    "up",
    examples=["up", "up --wait", "up -- web worker"],
    quiet=True,
    klass=WordsTask,
    help={"wait": "Until every service runs, and is healthy if it has a check."},
)
def up(c: Context, wait: bool = False) -> int:
    """Start the stack in the background, or the services named."""
    code = _run(c, "up", "--detach", *(["--wait"] if wait else []))
    if code:
        tell_failed_build(open_repo(c), _stack(c))
    if code and wait and code not in (128 + SIGINT, 128 + SIGTERM):
        _show_failed(_stack(c))
    return code


@task(
    "down",
    examples=["down", "down --volumes"],
    quiet=True,
    help={"volumes": "Remove the volumes too, and all data in them; asks first.", "yes": "Do not ask."},
)
def down(c: Context, volumes: bool = False, yes: bool = False) -> int:
    """Stop the stack, services of every profile, and remove its containers and networks."""
    stack = _stack(c)
    # Without its profile Compose leaves a service running, and then the network too.
    command = ["--profile", "*", "down"]
    if not volumes:
        return stack.run(*command, stdout_to_stderr=False)
    if not yes and (lost := _volumes(stack)):
        what = f"{', '.join(lost)}, with all data in them"
        ask(f"This removes {what}. Go on?", f"nothing was removed; it would be {what}", str(stack.files[0]))
    return stack.run(*command, "--volumes", stdout_to_stderr=False)


@task("ps", examples=["ps", "ps -- web"], quiet=True, klass=WordsTask)
def ps(c: Context) -> int:
    """List the stack's containers."""
    return _run(c, "ps")


@task(
    "logs",
    examples=["logs", "logs --follow --tail 20 -- web"],
    quiet=True,
    klass=WordsTask,
    help={"follow": "Go on as long as there is more.", "tail": "How many lines of each container, the last ones."},
)
def logs(c: Context, follow: bool = False, tail: str = "") -> int:
    """Show what the stack's containers print."""
    options = [*(["--follow"] if follow else []), *(["--tail", tail] if tail else [])]
    return _run(c, "logs", *options)


def open_stack(c: Context) -> tuple[Stack, Engine, bool | None]:
    """For tasks on a service that is not the project's: the stack, its engine, and the setting `tty`."""
    from uvdock.backends import choice
    from uvdock.engine.api import Engine

    settings = (repo := open_repo(c)).settings
    return choice.find_stack(repo.root, settings), Engine(settings.context), settings.tty


def tell_unknown(task: str, words: Sequence[str], services: Collection[str]) -> None:
    """Say which words are no services, and how to run those that are tasks: for a command of Compose that failed."""
    from uvdock.errors import nearest
    from uvdock.tasks.collection import every_name, ns

    unknown = [word for word in words if word not in services]
    if tasks := [word for word in unknown if word in every_name(ns)]:
        both = " && ".join(typed(name) for name in [task, *tasks])
        console.note(f"{tasks[0]} is a task, and no service: for one after the other, type {both}")
    # What follows an option may be its value.
    elif unknown and not any(word.startswith("-") for word in words):
        here = sorted(services)
        console.note(f"there is no service {unknown[0]!r}{nearest(unknown[0], here)}; services here: {', '.join(here)}")


def tell_failed_build(repo: Repo, stack: Stack) -> None:
    """Say what a build that failed may have missed: a lock, which its Dockerfile may copy, or BuildKit."""
    _tell_unlocked(repo)
    _tell_no_buildkit(stack)


def _tell_unlocked(repo: Repo) -> None:
    from uvdock.project import find_projects

    found = [item for item in find_projects(repo.root, repo.root, repo.settings) if not item.lock.exists()]
    if found:
        folders = ", ".join(str(item.folder.relative_to(repo.root)) for item in found)
        there = "" if repo.cwd == repo.root else " in the repo's root"
        where = "" if folders == "." else f" in {folders}"
        it = "it" if len(found) == 1 else "them"
        console.note(f"there is no uv.lock yet{where}: {typed('deps.install')}{there} makes {it}, and builds")


def _tell_no_buildkit(stack: Stack) -> None:
    from uvdock.engine.api import Engine

    with suppress(UvdockError):
        if Engine(stack.context).has_buildkit:
            return
        if "DOCKER_BUILDKIT" in stack.env:
            console.note("this engine has no BuildKit: secrets, ssh and additional contexts of a build need one")
        else:
            console.note(f"this engine has no BuildKit, with which Compose builds: {typed('build')} builds without it")


def _run(c: Context, *command: str) -> int:
    """Run a command of Compose on the services that were named, or on all."""
    stack, words = _stack(c), passed(c)
    code = stack.run(*command, *words, stdout_to_stderr=False)
    if code and words:
        tell_unknown(command[0], words, stack.services)
    return code


def _stack(c: Context) -> Stack:
    from uvdock.backends import choice

    repo = open_repo(c)
    return choice.find_stack(repo.root, repo.settings)


def _show_failed(stack: Stack) -> None:
    """The last words of what did not come up."""
    from uvdock.engine.api import Engine

    engine = Engine(stack.context)
    for item in engine.failed(stack.working_dir):
        state = engine.container(item.id)["State"]
        health = (state.get("Health") or {}).get("Status", "")
        ended = f"{state['Status']} with {state['ExitCode']}"
        console.say(f"{item.service} is {health if state['Running'] and health else ended}; it says last:", "red")
        for line in engine.last_lines(item.id, _LAST_LINES):
            console.say(f"  {line}")


def _volumes(stack: Stack) -> list[str]:
    """What `down --volumes` removes, for a person."""
    from uvdock.engine.api import Engine

    engine = Engine(stack.context)
    there = engine.volumes()
    named = sorted(name for name in stack.volumes if name in there)
    unnamed = len(engine.unnamed_volumes(stack.working_dir) & there)
    words = [f"{unnamed} volume{'s' if unnamed > 1 else ''} without a name"] if unnamed else []
    return [*named, *words]
