"""Tasks on the service that holds the environment: uv, any command, a shell, the image, the settings."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from uvdock.errors import UnreachableError, UvdockError
from uvdock.tasks.base import Repo, open_repo, passed, report, task
from uvdock.tasks.kinds import BUILDING, UV, WORDS, typed
from uvdock.tasks.separator import CommandTask, ProgramTask, ServicesTask, WordsTask
from uvdock.ui import console

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from invoke.context import Context

_SERVICE = {"service": "The Compose service, where it is not the one found by looking."}


@task(
    "uv",
    on_backend=True,
    examples=["uv -- add 'flask>=3'", "uv -- remove flask", "uv -- tree", "uv --service worker -- add celery"],
    quiet=True,
    klass=ProgramTask,
    usage="COMMAND…",
    values={WORDS: UV},
    help=_SERVICE,
)
def uv(c: Context, service: str = "") -> int:
    """Run uv; what it changes comes back to the host."""
    from uvdock.deps import uvcommand
    from uvdock.tasks import shortcut

    args = passed(c)
    if not service and (code := shortcut.attempt(c, "uv", args)) is not None:
        return code
    repo = open_repo(c, service=service)
    shortcut.learn(c, repo, service)
    change = repo.backend.uv(args)
    report(change)
    if change.code and change.files:
        raise UvdockError(
            "the new lock could not be installed in the running container",
            where=repo.backend.where,
            fix="the host's files are written: deps.install builds the image with them",
            code=change.code,
        )
    if change.code and uvcommand.subcommand(args) in uvcommand.CHANGING:
        raise UvdockError(
            f"uv {uvcommand.subcommand(args)} did not succeed",
            where=f"project {repo.project.folder} ({repo.backend.where})",
            fix="read uv's words above; pyproject.toml and uv.lock are as they were",
            code=change.code,
        )
    return change.code


@task(
    "cmd",
    on_backend=True,
    examples=["cmd -- python -V", "cmd --user root -- apt-get update", "cmd --service worker -- env"],
    quiet=True,
    klass=CommandTask,
    help={**_SERVICE, "user": "The user to run as in the container."},
)
def cmd(c: Context, service: str = "", user: str = "") -> int:
    """Run any command in the service."""
    from uvdock.tasks import shortcut

    argv = passed(c)
    if not argv:
        raise UvdockError(
            "cmd needs a command to run", where="the command line", fix=f"type {typed('cmd -- COMMAND…')}", code=2
        )
    if not (service or user) and (code := shortcut.attempt(c, "cmd", argv)) is not None:
        return code
    repo = open_repo(c, service=service)
    shortcut.learn(c, repo, service)
    return repo.backend.run(argv, user=user)


@task(
    "shell",
    on_backend=True,
    examples=["shell", "shell -- postgres", "shell --user root"],
    quiet=True,
    klass=WordsTask,
    usage="[SERVICE]",
    help={**_SERVICE, "user": "The user to run as in the container."},
)
def shell(c: Context, service: str = "", user: str = "") -> int:
    """Open a shell in the service (bash, else sh)."""
    words = passed(c)
    if len(words) > 1:
        raise UvdockError(
            "shell takes one service",
            where=" ".join(words),
            fix=f"to run a command, type {typed('cmd -- COMMAND…')}",
            code=2,
        )
    repo = open_repo(c, service=service or "".join(words))
    if words and not service:
        repo.settings = repo.settings._replace(sources={**repo.settings.sources, "service": "the command line"})
    script = "command -v bash >/dev/null 2>&1 && exec bash; exec sh"
    try:
        return repo.backend.run(["sh", "-c", script], user=user)
    except UvdockError as problem:
        if problem.what.startswith("sh was not found"):
            problem.fix = f"this image has no shell: type {typed('cmd -- PROGRAM…')} for a program that it has"
        raise


@task(
    "build",
    examples=["build", "build -- web", "build --no-cache --pull", "build --push -- web"],
    klass=ServicesTask,
    iterable=["cache_from", "cache_to"],
    help={
        "no_cache": "Build every layer anew.",
        "pull": "Look for newer base images.",
        "push": "Then push those whose service has an `image:` name.",
        **BUILDING,
    },
)
def build(  # noqa: PLR0917 - the options of a task are its arguments
    c: Context,
    no_cache: bool = False,
    pull: bool = False,
    push: bool = False,
    builder: str = "",
    cache_from: Sequence[str] | None = None,
    cache_to: Sequence[str] | None = None,
) -> int:
    """Build the images of all services, or of those named."""
    from uvdock.backends import image
    from uvdock.tasks.stack import tell_failed_build, tell_unknown
    from uvdock.ui import live_progress

    repo = open_repo(c, builder=builder, cache_from=cache_from, cache_to=cache_to)
    runner, words = repo.compose("build"), passed(c)
    named = image.pushed(runner, words) if push else []
    code = live_progress.alone("build", lambda: image.build(runner, words, no_cache=no_cache, pull=pull, attested=push))
    if code:
        tell_failed_build(repo, runner.stack)
    if code and words:
        tell_unknown("build", words, runner.stack.services)
    if named and not code:
        code = live_progress.alone("push", lambda: image.push(runner, named))
    return code


@task("config", answers=True, examples=["config"], quiet=True)
def config(c: Context) -> int:
    """Show every setting, its value, and where it came from."""
    from uvdock import settings

    repo = open_repo(c)
    console.table(("setting", "value", "from"), settings.rows(repo.settings, _found(repo)), below="from")
    return 0


def _js_service(repo: Repo) -> str:
    """The service that holds Node, where there is a package.json."""
    from uvdock.backends import choice
    from uvdock.javascript import manifests
    from uvdock.javascript.folders import folders

    if not folders(repo.root):
        return ""
    project, manager = manifests.find(repo.root, repo.cwd)
    runner = getattr(choice.js_backend_of(repo.cwd, project, manager, repo.settings, repo.engine), "runner", None)
    return runner.service_name if runner is not None else ""


def _found(repo: Repo) -> dict[str, str]:
    """What looking finds for the settings that nobody made; what is not clear is named, not guessed."""
    from uvdock.project import find_compose_files

    def relative(path: Path) -> str:
        return str(path.relative_to(repo.root)) if path.is_relative_to(repo.root) else str(path)

    looks: dict[str, Callable[[], str]] = {
        "backend": lambda: f"{repo.settings.backend}: {repo.backend.name}",
        "service": lambda: repo.compose("service").service_name if repo.backend.name == "compose" else "",
        "js_service": lambda: _js_service(repo),
        "projects": lambda: relative(repo.project.folder),
        "compose_files": lambda: ", ".join(
            relative(file) for file in find_compose_files(repo.root, repo.settings, os.environ)
        ),
    }
    found: dict[str, str] = {}
    unreachable = False
    for key, look in looks.items():
        if unreachable and key in ("service", "js_service"):
            continue
        try:
            if seen := look():
                found[key] = seen
        except UnreachableError as problem:
            # Said once, and not waited for again.
            found[key], unreachable = f"– ({problem.what})", True
        except UvdockError as problem:
            found[key] = f"– ({problem.what})"
    return found
