"""Commands in the running container of any service: a database, Redis."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cached_property
from typing import IO

from uvdock import dry, process
from uvdock.engine.api import Engine, Running, environment
from uvdock.engine.exec_signals import MARK
from uvdock.engine.stack import Service, Stack
from uvdock.errors import UvdockError
from uvdock.services.database import not_running


class RunningService:
    """A service whose running container is used as it is; no one-off can stand in for it.

    Args:
        engine: The engine.
        stack: The Compose project.
        service: The service.
        tty: Whether commands get a terminal; ``None`` to look whether there is one.
    """

    def __init__(self, engine: Engine, stack: Stack, service: Service, tty: bool | None = None) -> None:
        self.engine = engine
        self.stack = stack
        self.service = service
        self.tty = process.terminal() if tty is None else tty

    @cached_property
    def running(self) -> Running:
        """The service's running container; in a dry run, the one that there would be.

        Raises:
            UvdockError: There is none; says how to start it.
        """
        found = self.engine.running(self.stack.working_dir, self.service.name)
        if not found and dry.on():
            name = str(self.service.data.get("container_name") or f"{self.stack.config['name']}-{self.service.name}-1")
            return Running(id="", name=name, service=self.service.name, made_from="")
        if not found:
            raise not_running(self.service.name, str(self.stack.files[0]))
        return found[0]

    @cached_property
    def only_shown(self) -> bool:
        """Whether this is a dry run and there is no container yet, so that only Compose can tell of it."""
        return not self.running.id

    @property
    def where(self) -> str:
        """The container, by name."""
        return f"container {self.running.name}"

    @cached_property
    def config(self) -> Mapping[str, object]:
        """What the container was made with, by the engine's own names."""
        found: Mapping[str, object] = self.engine.container(self.running.id)["Config"]
        return found

    @cached_property
    def environment(self) -> dict[str, str]:
        """The container's variables: those of the Compose file, of its env files and of the image."""
        return self.service.environment if self.only_shown else environment(self.config)

    @property
    def command(self) -> list[str]:
        """What the container was started with, word for word."""
        config = self.service.data if self.only_shown else self.config
        names = ("entrypoint", "command") if self.only_shown else ("Entrypoint", "Cmd")
        parts = [config.get(name) or [] for name in names]
        return [str(word) for part in parts if isinstance(part, list) for word in part]

    def run(
        self,
        argv: Sequence[str],
        *,
        secrets: Mapping[str, str] | None = None,
        tty: bool | None = None,
        stdin: bytes | Iterable[bytes] | None = None,
        stdout: Callable[[bytes], object] | IO[bytes] | None = None,
    ) -> int:
        """Run a command in the container.

        Args:
            argv: The command.
            secrets: Variables for it, handed on by name; empty ones are left out.
            tty: Whether it gets a terminal; that of the service by default.
            stdin: What it reads instead of uvdock's own standard input.
            stdout: What takes its output instead of uvdock's own.

        Returns:
            Its exit code; 128 + n when signal n stopped it.

        Raises:
            UvdockError: The container has no such program, or there is no running container.
        """
        given = {name: value for name, value in (secrets or {}).items() if value}
        code = exec_in(
            self.stack,
            self.engine,
            self.running.id,
            argv,
            name=self.running.name,
            options=[option for name in given for option in ("--env", name)],
            env=given,
            tty=self.tty if tty is None else tty,
            stdin=stdin,
            stdout=stdout,
        )
        if code in (126, 127):
            # `uvdock.services.database.first_of` puts the programs that it looks for behind a shell's script.
            program = " or ".join(argv[4:6]) if argv[0] == "sh" else argv[0]
            raise UvdockError(
                f"{program} was not found",
                where=self.where,
                fix="name another service, or use an image that has it",
                code=code,
            )
        return code


def exec_in(
    stack: Stack,
    engine: Engine,
    container: str,
    argv: Sequence[str],
    *,
    name: str,
    options: Sequence[str],
    env: Mapping[str, str],
    tty: bool,
    user: str = "",
    stdin: bytes | Iterable[bytes] | None = None,
    stdout: Callable[[bytes], object] | IO[bytes] | None = None,
    stdout_to_stderr: bool = False,
) -> int:
    """Run a command in a running container, so that signals reach it there.

    Args:
        stack: The Compose project.
        engine: The engine.
        container: The container's id.
        argv: The command.
        name: The container's name, for a person.
        options: Those of `docker exec`.
        env: Variables for `docker` itself, which hands on those that ``options`` name.
        tty: Whether the command gets a terminal.
        user: The user that ``options`` name, for only that one may signal the command.
        stdin: As for `uvdock.process.run`, and so are the others.
        stdout: See there.
        stdout_to_stderr: See there.

    Returns:
        Its exit code; 128 + n when signal n stopped it.
    """
    mark = uuid.uuid4().hex
    flags = ["--interactive", *(["--tty"] if tty else [])]
    return process.run(
        [*stack.docker, "exec", *flags, "--env", f"{MARK}={mark}", *options, container, *argv],
        shown=[*stack.docker, "exec", *flags, *options, name, *argv],
        env={**stack.env, **env},
        stdin=stdin,
        stdout=stdout,
        stdout_to_stderr=stdout_to_stderr,
        on_signal=lambda signum: engine.signal_marked(container, mark, signum, user),
    )
