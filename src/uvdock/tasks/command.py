"""Tasks made of the repo's own commands, and the same from Python: `run` and `passthrough`."""

from __future__ import annotations

import os
import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, overload

from uvdock.errors import SettingsError, UvdockError
from uvdock.tasks.base import guarded, leave, open_repo, passed, take_up, task
from uvdock.tasks.kinds import OwnTask, document, program
from uvdock.tasks.separator import ProgramTask
from uvdock.ui import console

if TYPE_CHECKING:
    from invoke.context import Context
    from invoke.tasks import Task

    from uvdock.commands import DeclaredCommand
    from uvdock.process import Output
    from uvdock.tasks.base import Repo


def own_tasks(root: Path) -> dict[str, tuple[Task[Any], bool]]:
    """The tasks of the repo's own commands by name, each with whether it may replace a built-in.

    Raises:
        UvdockError: The table is not as it should be.
    """
    from uvdock.settings import own_commands

    table, place = own_commands(root)
    if table == {}:
        return {}
    from uvdock import commands

    return {name: (_task_of(found), found.replace) for name, found in commands.parse(table, place).items()}


def refuse_shadowing(name: str, root: Path) -> SettingsError:
    """The error for a command that has a built-in task's name and does not say that it replaces it."""
    from uvdock.settings import own_commands

    return SettingsError(
        f"{name} is a built-in task",
        where=f"{own_commands(root)[1]} {name}",
        fix=f'call yours something else, or say that it is meant: {name} = {{run = "…", replace = true}}',
        code=2,
    )


@overload
def run(
    c: Context,
    *argv: str,
    service: str = ...,
    user: str = ...,
    workdir: str = ...,
    env: Mapping[str, str] | None = ...,
    check: bool = ...,
    capture: Literal[False] = ...,
) -> int: ...


@overload
def run(
    c: Context,
    *argv: str,
    service: str = ...,
    user: str = ...,
    workdir: str = ...,
    env: Mapping[str, str] | None = ...,
    check: bool = ...,
    capture: Literal[True],
) -> Output: ...


def run(
    c: Context,
    *argv: str,
    service: str = "",
    user: str = "",
    workdir: str = "",
    env: Mapping[str, str] | None = None,
    check: bool = True,
    capture: bool = False,
) -> int | Output:
    """Run a command where the repo's commands run: in the service, or on the host. For your own tasks.

    Args:
        c: The task's context.
        argv: The command, argument for argument; no shell reads it.
        service: The Compose service; the project's own by default.
        user: The user to run as in the container.
        workdir: The folder to run in.
        env: Variables for the command; their values are shown nowhere.
        check: Whether a command that fails ends the task, with its exit code.
        capture: Whether to collect what it prints instead of letting it through.

    Returns:
        The exit code; with ``capture`` an `Output`, which has ``code``, ``stdout`` and ``stderr`` (bytes).

    Raises:
        invoke.Exit: The command failed, or could not be run (in three lines on standard error).
    """
    take_up(c)

    def body() -> int | Output:
        backend = open_repo(c, service=service).backend
        if capture:
            return backend.capture(argv, user=user, workdir=workdir, env=env)
        return backend.run(argv, user=user, workdir=workdir, env=env)

    result = guarded(body, argv[0] if argv else "run")
    code = result if isinstance(result, int) else result.code
    if code and (check or (capture and isinstance(result, int))):
        leave(code)
    return result


def passthrough(
    command: str | Sequence[str],
    *,
    name: str = "",
    help: str = "",  # noqa: A002 - Invoke's own word
    service: str = "",
    user: str = "",
    workdir: str = "",
) -> Task[Any]:
    """Make a task that runs ``command`` with whatever follows ``--``.

    Args:
        command: The command: a text of words, or a list of arguments. ``${NAME}`` is taken from `.env` and the
            environment.
        name: The task's name; the command's first word by default.
        help: Its line in ``--list``.
        service: The Compose service; the project's own by default.
        user: The user to run as in the container.
        workdir: The folder to run in.

    Returns:
        The task, to be assigned in a tasks.py: ``flask = uvdock.passthrough("flask", help="The app's own CLI")``.

    Raises:
        SettingsError: The command cannot be split into words.
    """
    from uvdock import commands

    text = command if isinstance(command, str) else shlex.join(command)
    title = name or text.split()[0].rpartition("/")[2].replace("_", "-").replace(".", "-")
    table = {"run": text, "help": help, "service": service, "user": user, "workdir": workdir}
    return _task_of(commands.parse({title: table}, "uvdock.passthrough")[title])


def _task_of(command: DeclaredCommand) -> Task[Any]:
    if command.steps:

        @task(command.name, on_backend=True, examples=[command.name])
        def steps(c: Context) -> int:
            """Run its steps."""
            from uvdock.tasks import steps as runner

            if given := passed(c):
                raise UvdockError(
                    f"{command.name} is a list of steps, and takes no arguments",
                    where=f"{command.name} -- {shlex.join(given)}",
                    fix=f"give them to one of its steps: {', '.join(command.steps)}",
                    code=2,
                )
            return runner.run_steps(command)

        return _described(steps, command)

    examples = [command.name, *(f"{command.name} -- {first}" for first in command.before)]

    @task(command.name, quiet=True, on_backend=True, klass=ProgramTask, examples=examples)
    def one(c: Context) -> int:
        """Run its command."""
        return _run(c, command, passed(c))

    return _described(one, command)


def _described(made: OwnTask, command: DeclaredCommand) -> OwnTask:
    made.yours = True
    # Invoke prints it as it is: an address in it may have a password.
    made.__doc__ = document(console.redact("\n".join(about(command))), made.examples, program())
    return made


def about(command: DeclaredCommand) -> list[str]:
    """What `--help` says of a command: its help, what it runs, and where; the first line stands in `--list`."""
    text = f"{' and ' if command.parallel else ', then '}".join(command.steps) or command.run
    lines = [command.help or text, ""]
    if command.help:
        lines.append(f"Runs: {text}{' (in a shell)' if command.shell else ''}")
    lines += [f"Before {first}: {what}" for first, what in command.before.items()]
    where = {"In the service": command.service, "As": command.user, "In the folder": command.workdir}
    lines += [f"{word}: {value}" for word, value in where.items() if value]
    return lines


def _run(c: Context, command: DeclaredCommand, args: Sequence[str]) -> int:
    from uvdock import commands

    repo = open_repo(c, service=command.service, backend=command.backend)
    for call in commands.plan(command, args, variables(repo)):
        code = repo.backend.run(
            call.argv, user=command.user, workdir=command.workdir, env=call.env, one_off=command.one_off
        )
        if code:
            return code
    return 0


def variables(repo: Repo) -> dict[str, str]:
    """The variables that ``${NAME}`` means: those of the environment over those of the repo's `.env`."""
    from uvdock.project import dotenv

    return {**dotenv(repo.root), **os.environ}
