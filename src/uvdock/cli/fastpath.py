"""The short way for `uv` and `cmd`: straight into the running container, without Invoke, the SDK or Compose.

It knows nothing by itself. When such a task goes the long way into a container, what was found out on the way is
stored (`remember`): the engine's address, the service, the container and where uv is in it, and with it everything that
decided it (`decision`). As long as all of that says what it said, and the engine still runs that very container, the
next call takes the short way (`attempt`). Where something of it changed, only the decision is made again, for which
Compose has to read its files; with the same outcome, the rest still holds. Whatever is not plain (an option, a
terminal, a command that changes a lock) goes the long way.
"""

from __future__ import annotations

import os
import sys

from uvdock import seen
from uvdock.cli.completion.store import Store, own_modules, state
from uvdock.engine.presence import has_docker

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any

    from uvdock.cli.decision import RecordedDecision
    from uvdock.engine.reading import ConfigRead
    from uvdock.engine.stack import Stack
    from uvdock.engine.wire import Wire

#: What is stored changes its meaning with this.
KIND = "container-4"
#: Subcommands of uv that do more than one exec does; see `uvdock.deps.uvcommand`.
_LONG = frozenset(
    ("add", "remove", "lock", "version", "upgrade", "tree", "export", "audit", "sync", "run", "self", "auth", "publish")
)
#: The tasks that can go the short way.
_TASKS = ("uv", "cmd")
#: When the attempt began that did not get through, in nanoseconds.
_since: int | None = None
#: Compose at its files again, and since when: `prepare`.
_begun: tuple[int, ConfigRead] | None = None


def plain(words: Sequence[str]) -> tuple[str, list[str]] | None:
    """The task and its arguments where a command line of `uvdock` is plainly one of the two tasks.

    Args:
        words: The words after the program's name.
    """
    if not words or words[0] not in _TASKS:
        return None
    task, rest = words[0], list(words[1:])
    if rest[:1] == ["--"]:
        return task, rest[1:]
    # Options before the command are the task's own, but for uv's that stand alone.
    if not rest or (rest[0].startswith("-") and not (task == "uv" and rest[0] in ("--version", "-V"))):
        return None
    return task, rest


def attempt(program: str, task: str, args: Sequence[str], invoke: Mapping[str, Any] | None = None) -> int | None:
    """Run a task the short way.

    Args:
        program: ``uvdock`` or ``inv``.
        task: ``uv`` or ``cmd``.
        args: The task's arguments.
        invoke: The ``uvdock`` part of Invoke's configuration, which under `inv` is known by then.

    Returns:
        The command's exit code; ``None`` when the long way has to be taken, and nothing was run.

    Raises:
        UvdockError: The command is not there, or the engine went away while it ran.
    """
    global _since  # noqa: PLW0603 - what became of the attempt is the process's
    if not args or _is_long(task, args) or _terminal():
        return None
    from time import time_ns

    since, store = _begun[0] if _begun else time_ns(), Store(program)
    # Without Docker it is decided anew where commands run: perhaps this is the app's own container.
    kept = store.read(KIND) if has_docker(os.environ) else None
    known = _known(store, kept, invoke, since) if kept is not None else None
    code = _run(known, task, args) if known is not None and task not in known["not"] else None
    _since = since if code is None else None
    return code


def prepare() -> None:
    """Let Compose read its files again while `inv` is loaded, where one of the tasks is called and they changed."""
    global _begun  # noqa: PLW0603 - see there
    from time import time_ns

    # Python asks a module twice for a name that is imported from it.
    kept = Store("inv").read(KIND) if _begun is None and set(_TASKS) & set(sys.argv) else None
    if kept is not None and _same_program(kept["seen"]) and not _unchanged(kept["seen"]):
        _begun = time_ns(), _read_again(kept["seen"])


def wanted() -> bool:
    """Whether something is to be remembered: an attempt in this process did not get through."""
    return _since is not None


def remember(program: str, known: dict[str, object], invoke: Mapping[str, Any] | None, stack: Stack) -> None:
    """Store what the long way found.

    Args:
        program: ``uvdock`` or ``inv``.
        known: ``service``, ``address`` (the engine's), ``labels``, ``container``, ``name``, ``path`` (where programs
            are looked for in it), ``uv`` (its place in the container), ``workdir`` (where uv is to run), and ``not``:
            the tasks that are not uvdock's own here.
        invoke: The ``uvdock`` part of Invoke's configuration.
        stack: The Compose project.

    Raises:
        UvdockError: Something is not as it should be.
    """
    from uvdock.cli.decision import decide, invoke_files

    made = decide(invoke, _since, known=stack) if _since is not None else None
    if made is None or (made.decision.service, made.decision.address) != (known["service"], known["address"]):
        return
    fixed = {}
    if program != "inv":
        # Before Invoke is imported, its configuration is known by its files alone; one in Python may do anything.
        fixed = {name: seen.file(name) for name in invoke_files(stack.root)}
        if any(value is not None and name.endswith(".py") for name, value in fixed.items()):
            return
    answer = {**known, "invoke": _plain(invoke)}
    _keep(Store(program), made, {"fixed": fixed, "modules": {name: state(name) for name in own_modules()}}, answer)


def _known(store: Store, kept: dict[str, Any], invoke: Mapping[str, Any] | None, since: int) -> dict[str, Any] | None:
    """What is stored, where it holds, or holds again."""
    inputs, known = kept["seen"], kept["answer"]
    if not _same_program(inputs) or (store.program == "inv" and _plain(invoke) != known["invoke"]):
        return None
    if _unchanged(inputs):
        return dict(known)
    begun = _begun[1] if _begun else _read_again(inputs)
    from uvdock.cli.decision import decide
    from uvdock.errors import UvdockError

    try:
        made = decide(known["invoke"], since, begun=begun)
    except UvdockError:
        return None
    if made is None or list(made.decision) != inputs["decision"]:
        return None
    _keep(store, made, inputs, known)
    return dict(known)


def _same_program(inputs: Mapping[str, Any]) -> bool:
    """Whether uvdock itself is the same, and Invoke's configuration where that is known by its files."""
    return all(state(name) == was for name, was in inputs["modules"].items()) and all(
        seen.file(name) == was for name, was in inputs["fixed"].items()
    )


def _unchanged(inputs: Mapping[str, Any]) -> bool:
    names, values = inputs["variables"]
    return (
        seen.variables(names) == values
        and all(seen.file(name) == was for name, was in inputs["files"].items())
        and all(seen.folder(name) == was for name, was in inputs["folders"].items())
    )


def _read_again(inputs: Mapping[str, Any]) -> ConfigRead:
    from uvdock.engine.reading import ConfigRead

    files, more, cwd = inputs["asked"]
    return ConfigRead(files, {**os.environ, **more}, cwd).start()


def _keep(store: Store, made: RecordedDecision, inputs: Mapping[str, Any], known: Mapping[str, object]) -> None:
    kept = {key: inputs[key] for key in ("fixed", "modules")}
    store.write(KIND, {**kept, **made._asdict()}, known)


def _plain(invoke: Mapping[str, Any] | None) -> Any:
    """Invoke's configuration as it comes back from JSON."""
    import json

    return json.loads(json.dumps(invoke, default=repr))


def _run(known: dict[str, Any], task: str, args: Sequence[str]) -> int | None:
    try:
        from uvdock.engine.wire import WireError
    except ImportError:
        # A machine without Unix sockets.
        return None
    from uvdock.env import forwarded

    container = known["container"]
    argv = [known["uv"], *args] if task == "uv" else list(args)
    try:
        wire = _wire(known["address"])
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


def _wire(address: str) -> Wire:
    """A wire to an engine, by a Unix socket's path or an ssh address."""
    if address.startswith("ssh://"):
        from uvdock.engine.sshwire import SshWire

        return SshWire(address)
    from uvdock.engine.wire import Wire

    return Wire(address)


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
