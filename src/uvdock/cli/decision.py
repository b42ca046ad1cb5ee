"""Where a command runs: what the long way decides, decided again without Invoke and without the SDK.

With it comes everything that it was made from, so that whoever keeps both knows when it no longer holds
(`uvdock.cli.fastpath`).
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from uvdock import seen
from uvdock.cli.completion.store import Watched
from uvdock.engine import endpoint
from uvdock.engine.composefiles import read_by_compose
from uvdock.engine.reading import ConfigRead
from uvdock.engine.services import choose_service
from uvdock.engine.stack import Stack
from uvdock.project import COMPOSE_NAMES, OVERRIDE_NAMES, dotenv, find_compose_files, find_project, find_root
from uvdock.settings import FILE, load, own_commands

#: What makes a folder the repo's root, or a project, when it appears there or goes.
_SIGNS = (*COMPOSE_NAMES, ".git", "pyproject.toml", FILE)
_INVOKE = ("yaml", "yml", "json", "py")


class Decision(NamedTuple):
    """Where a command runs, as far as files and variables say: texts, which are kept as JSON and compared."""

    root: str
    project: str
    inside: str
    working_dir: str
    service: str
    #: Where the engine answers (`uvdock.engine.endpoint.direct`).
    address: str
    #: The repo's own commands, one of which may take the place of a task.
    commands: str


class RecordedDecision(NamedTuple):
    """A decision, and what it was made from: files, folders and variables, each with its state (`uvdock.seen`)."""

    decision: Decision
    files: Mapping[str, str | None]
    folders: Mapping[str, str | None]
    variables: tuple[tuple[str, ...], str]
    #: How Compose was asked: its files, what it sees besides the environment, and the folder.
    asked: tuple[tuple[str, ...], Mapping[str, str], str]


def decide(
    invoke: Mapping[str, Any] | None, since: int, *, known: Stack | None = None, begun: ConfigRead | None = None
) -> RecordedDecision | None:
    """Decide where a command of the person runs, and say from what.

    Args:
        invoke: The ``uvdock`` part of Invoke's configuration.
        since: When reading began, in nanoseconds: of a file that changed later, nobody knows what was read.
        known: The Compose project where it is open already, so that Compose need not read its files again.
        begun: Compose reading the files that decided it the last time.

    Returns:
        ``None`` where it is not a container, where its engine is behind neither a Unix socket nor ssh, or where not
        everything that counts can be told.

    Raises:
        UvdockError: Something is not as it should be; the long way says what.
    """
    cwd = Path.cwd()
    with Watched() as watched:
        root = find_root(cwd)
        loaded = load(root, invoke)
        project = find_project(root, cwd, loaded)
        files = find_compose_files(root, loaded, os.environ)
        if loaded.backend == "host" or loaded.tty or not files:
            return None
        stack = Stack(root, files, loaded.context, os.environ, dotenv(root))
        if known is not None and (known.files, known.env) == (stack.files, stack.env):
            stack = known
        else:
            stack.read_ahead(begun)
        context = endpoint.context_name(loaded.context, os.environ)
        address = endpoint.direct(context, os.environ)
        commands = seen.digest(repr(own_commands(root)[0]))
        service = choose_service(stack, project, loaded.service, "the settings")
    read = read_by_compose([str(file) for file in files], str(root), {**stack.dotenv, **stack.env})
    if not address or read is None:
        return None
    names = {*watched.opened, *read.files, *_signs(cwd, root), *_contexts(context)}
    if any(seen.changed_since(name, since) for name in names):
        return None
    where = (str(root), str(project.folder), str(project.inside), stack.working_dir, service.name, address, commands)
    return RecordedDecision(
        Decision(*where),
        {name: seen.file(name) for name in sorted(names)},
        {name: seen.folder(name) for name in sorted(watched.listed)},
        (tuple(sorted(read.variables)), seen.variables(read.variables)),
        (tuple(map(str, files)), {name: stack.env[name] for name in ("UID", "GID") if name in stack.env}, str(root)),
    )


def invoke_files(root: Path) -> list[str]:
    """The files in which Invoke's configuration may be, for someone who works in that repo."""
    bases = (root / "invoke", Path.home() / ".invoke", Path("/etc/invoke"))
    named = os.environ.get("INVOKE_RUNTIME_CONFIG")
    found = [f"{base}.{suffix}" for base in bases for suffix in _INVOKE]
    return [*found, *([str(Path(named).absolute())] if named else [])]


def _signs(cwd: Path, root: Path) -> Iterator[str]:
    """What, when it appears or goes, makes another folder the root or the project, or adds a Compose file."""
    yield from (str(root / name) for name in (*OVERRIDE_NAMES, ".env"))
    for folder in (cwd, *cwd.parents):
        yield from (str(folder / name) for name in _SIGNS)
        # A workspace is looked for up to here, which may be above the root.
        if (folder / ".git").exists() and root.is_relative_to(folder):
            return


def _contexts(context: str | None) -> Iterator[str]:
    """Where Docker keeps which context is in force, and the address of one that is named."""
    folder = Path(os.environ.get("DOCKER_CONFIG") or Path.home() / ".docker").absolute()
    yield str(folder / "config.json")
    if context is not None:
        from hashlib import sha256

        yield str(folder / "contexts" / "meta" / sha256(context.encode()).hexdigest() / "meta.json")
