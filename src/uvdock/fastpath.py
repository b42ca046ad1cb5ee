"""The short way for `uv` and `cmd`: straight into the running container, without Invoke, the SDK or Compose.

It knows nothing by itself. When such a task has run in a container the long way, what was found out on the way is
stored (`remember`): the engine's socket, the service, the container and where uv is in it. As long as every file and
variable that this was made from is as it was, and the engine still runs that very container, the next call takes the
short way (`attempt`). Whatever is not plain — an option, a terminal, a command that changes a lock — goes the long way.
"""

from __future__ import annotations

import os

from uvdock.completion.store import Store, Watched

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

#: What is stored changes its meaning with this.
KIND = "container-1"
#: Subcommands of uv that do more than one exec does; see `uvdock.deps.uvcommand`.
_LONG = frozenset(
    ("add", "remove", "lock", "version", "upgrade", "tree", "export", "audit", "sync", "run", "self", "auth", "publish")
)
_watched: Watched | None = None


def plain(words: Sequence[str]) -> tuple[str, list[str]] | None:
    """The task and its arguments where a command line of `uvdock` is plainly one of the two tasks.

    Args:
        words: The words after the program's name.
    """
    if not words or words[0] not in ("uv", "cmd"):
        return None
    task, rest = words[0], list(words[1:])
    if rest[:1] == ["--"]:
        return task, rest[1:]
    # Options before the command are the task's own, but for uv's that stand alone.
    if not rest or (rest[0].startswith("-") and not (task == "uv" and rest[0] in ("--version", "-V"))):
        return None
    return task, rest


def attempt(program: str, task: str, args: Sequence[str]) -> int | None:
    """Run a task the short way.

    Args:
        program: ``uvdock`` or ``inv``.
        task: ``uv`` or ``cmd``.
        args: The task's arguments.

    Returns:
        The command's exit code; ``None`` when the long way has to be taken, and nothing was run.

    Raises:
        UvdockError: The command is not there, or the engine went away while it ran.
    """
    if not args or _is_long(task, args) or _terminal():
        return None
    known = Store(program).peek(KIND)
    code = _run(known, task, args) if known is not None and task not in known["not"] else None
    if code is None:
        _watch()
    return code


def wanted() -> bool:
    """Whether something is to be remembered: an attempt in this process did not get through."""
    return _watched is not None


def remember(program: str, known: dict[str, object]) -> None:
    """Store what the long way found.

    Args:
        program: ``uvdock`` or ``inv``.
        known: ``socket``, ``labels``, ``container``, ``name``, ``path`` (where programs are looked for in it), ``uv``
            (its place in the container), ``workdir`` (where uv is to run), and ``not``: the tasks that are not uvdock's
            own here.
    """
    if _watched is not None:
        Store(program).keep(KIND, known, _watched)


def _watch() -> None:
    global _watched  # noqa: PLW0603 - a hook of Python's cannot be taken away, so there is one for the process
    if _watched is None:
        _watched = Watched().__enter__()


def _run(known: dict[str, Any], task: str, args: Sequence[str]) -> int | None:
    try:
        from uvdock.engine.wire import Wire, WireError
    except ImportError:
        # A machine without Unix sockets.
        return None
    from uvdock.variables import forwarded

    container, wire = known["container"], Wire(known["socket"])
    argv = [known["uv"], *args] if task == "uv" else list(args)
    try:
        if wire.running(known["labels"])[:1] != [container]:
            return None
        env = [f"{name}={os.environ[name]}" for name in forwarded(os.environ)]
        code = wire.exec(container, argv, env, known["workdir"] if task == "uv" else "")
    except WireError:
        return None
    if code in (126, 127) and "/" not in argv[0]:
        folders = known["path"].split(":")
        if not any(wire.exists(container, f"{folder or '.'}/{argv[0]}") for folder in folders):
            from uvdock.errors import program_not_found

            raise program_not_found(argv[0], f"container {known['name']}", known["path"])
    return code


def _is_long(task: str, args: Sequence[str]) -> bool:
    """Whether a uv command may do more than one exec does."""
    if task != "uv":
        return False
    # A global option may have a value; only a command line that begins with its subcommand is plain.
    return args[0] in _LONG or (args[0].startswith("-") and (len(args) > 1 or args[0] not in ("--version", "-V")))


def _terminal() -> bool:
    """Whether the command may get a terminal, which only `docker exec` gives it."""
    try:
        return os.isatty(0) and os.isatty(1)
    except OSError:
        return True
