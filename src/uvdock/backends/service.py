"""Running any command in a Compose service: in its running container, else in a one-off."""

from __future__ import annotations

import os
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path, PurePosixPath
from socket import socket

from uvdock import dry, process
from uvdock.backends.dockerfile import BuildSync, last_sync
from uvdock.backends.place import ContainerFacts, look
from uvdock.backends.running import exec_in
from uvdock.engine import endpoint
from uvdock.engine.api import Engine, Running, running_labels
from uvdock.engine.services import choose_service, environment_services
from uvdock.engine.stack import Service, Stack
from uvdock.env import forwarded
from uvdock.errors import program_not_found
from uvdock.process import Output
from uvdock.project import Project
from uvdock.relay import relayed
from uvdock.settings import Settings

#: The first Compose that ends the standard error of a failed one-off with a line of its own.
_ADDS_A_LINE = (2, 33)


class ServiceRunner:
    """Runs commands in the service that holds the project's environment.

    A running container is found by its labels and used; else a one-off is made, without the service's
    dependencies and without its entry point: neither has any part in an exec, and the one may wait for the
    other for ever.

    Args:
        project: The project.
        settings: The settings.
        engine: The engine.
        stack: The Compose project.
        service: The service, where it is known; else it is found when it is asked for.
    """

    def __init__(
        self, project: Project, settings: Settings, engine: Engine, stack: Stack, service: Service | None = None
    ) -> None:
        self.project = project
        self.settings = settings
        self.engine = engine
        self.stack = stack
        if service is not None:
            self.__dict__["service"] = service

    @cached_property
    def service_name(self) -> str:
        """The service's name."""
        return self.service.name

    @cached_property
    def service(self) -> Service:
        """The service, as Compose describes it."""
        source = self.settings.sources.get("service", "the settings")
        return choose_service(self.stack, self.project, self.settings.service, source)

    @cached_property
    def running(self) -> Running | None:
        """The service's running container, the first by name."""
        return next(iter(self.engine.running(self.stack.working_dir, self.service_name)), None)

    @cached_property
    def place(self) -> ContainerFacts | None:
        """What there is to know of the running container; ``None`` without one."""
        return look(self.engine, self.running.id, self.project, self.built_in) if self.running else None

    @cached_property
    def image_place(self) -> ContainerFacts | None:
        """What there is to know of a one-off of the service's image; ``None`` before it is built, and in a dry run."""
        image = self.service.image
        if dry.on() or self.engine.image_id(image) is None:
            return None
        sees = self.sees_host
        # Compose makes a folder that is not there; the engine by itself refuses it.
        binds = [bind for bind in self.service.binds if bind.source.exists()] if sees else []
        with self.engine.created(image, command=["true"], user=self.service.user or None, binds=binds) as box:
            return look(self.engine, box, self.project, self.built_in)

    @cached_property
    def sync(self) -> BuildSync:
        """How the image's own build installs the project."""
        return last_sync(self.service.dockerfile or "", (self.service.build or {}).get("target"))

    @property
    def built_in(self) -> PurePosixPath | None:
        """The folder in which the image's build installs the project, where its Dockerfile says so."""
        return self.sync.folder

    def synced(self, place: ContainerFacts) -> PurePosixPath:
        """The folder in the project in which the image's build syncs: a member's, where it is one."""
        if self.built_in is None or not self.built_in.is_relative_to(place.folder):
            return PurePosixPath()
        inside = self.built_in.relative_to(place.folder)
        return inside if (self.project.folder / inside / "pyproject.toml").is_file() else PurePosixPath()

    @cached_property
    def sees_host(self) -> bool:
        """Whether the engine sees this machine's files; asked only where something is mounted."""
        if not any(bind.source.is_relative_to(self.stack.root) for bind in self.service.binds):
            return True
        if dry.on() or self.engine.image_id(self.service.image) is None:
            return True
        file = self.stack.files[0]
        return self.engine.sees(self.service.image, str(file.parent), file.name)

    @cached_property
    def of_lock(self) -> list[ServiceRunner]:
        """One for each service that holds the environment of the same lock.

        Raises:
            UvdockError: There is no such service.
        """
        source = self.settings.sources.get("service", "the settings")
        found = environment_services(self.stack, self.project, self.settings.service, source)
        return [self.at(service) for service in found]

    def at(self, service: Service) -> ServiceRunner:
        """The one of another service."""
        known = self.__dict__.get("service")
        return (
            self if service is known else ServiceRunner(self.project, self.settings, self.engine, self.stack, service)
        )

    @property
    def where(self) -> str:
        """The running container or the one-off, by name."""
        return f"container {self.running.name}" if self.running else f"one-off of {self.service_name}"

    @property
    def tty(self) -> bool:
        """Whether a command gets a terminal; none does that runs beside others."""
        if process.SINK.get() is not None:
            return False
        return process.terminal() if self.settings.tty is None else self.settings.tty

    def run(
        self,
        argv: Sequence[str],
        *,
        user: str = "",
        workdir: str = "",
        env: Mapping[str, str] | None = None,
        to_stderr: bool = False,
        one_off: bool = False,
    ) -> int:
        """Run a command on uvdock's own streams.

        Args:
            argv: The command.
            user: The user to run as; the container's own by default.
            workdir: The folder to run in; the container's own by default.
            env: Further variables, handed on by name: no process list shows their values.
            to_stderr: Send its standard output to standard error and give it no terminal: for steps.
            one_off: Not in the running container, though there is one.

        Returns:
            Its exit code; 128 + n when signal n stopped it.
        """
        tty = self.tty and not to_stderr
        options = _options(user, workdir, env or {})
        if self.running is not None and not one_off:
            code = exec_in(
                self.stack,
                self.engine,
                self.running.id,
                argv,
                name=self.running.name,
                options=options,
                env=env or {},
                tty=tty,
                user=user,
                stdout_to_stderr=to_stderr,
            )
            if code in (126, 127):
                self._explain(argv[0])
            return code
        if dry.on():
            process.announced(self._one_off_argv(argv, options, tty=tty))
            return 0
        with self._one_off(argv, options, tty=tty) as (command, name):

            def run(stderr: socket | None) -> int:
                return process.run(
                    command,
                    env={**self.stack.env, **(env or {})},
                    cwd=self.stack.root,
                    stdout_to_stderr=to_stderr,
                    stderr=stderr,
                    on_signal=lambda signum: self.engine.signal_container(name, signum),
                )

            return relayed(run, lambda: self.stack.version >= _ADDS_A_LINE)

    def capture(
        self, argv: Sequence[str], *, user: str = "", workdir: str = "", env: Mapping[str, str] | None = None
    ) -> Output:
        """Run a command and collect its output; of one that is only shown, none."""
        if dry.on():
            self.run(argv, user=user, workdir=workdir, env=env, to_stderr=True)
            return Output(0, b"", b"")
        if self.running is not None:
            return self.engine.exec(self.running.id, argv, user=user, workdir=workdir or None, env=env)
        with self._one_off(argv, _options(user, workdir, env or {}), tty=False) as (command, _):
            return process.capture(command, env={**self.stack.env, **(env or {})}, cwd=self.stack.root)

    def forwarded_options(self) -> list[str]:
        """Options of `docker compose run` for the caller's variables that uv needs wherever it runs."""
        return _options("", "", {})

    def shortcut(self) -> dict[str, object] | None:
        """What the short way (`uvdock.cli.fastpath`) has to know of a running container; ``None`` without one.

        Not for an engine behind neither a Unix socket nor ssh, a terminal that is forced, or a container without uv.
        """
        place, running = self.place, self.running
        address = endpoint.direct(self.engine.context, os.environ)
        if place is None or running is None or place.uv is None or self.settings.tty or not address:
            return None
        return {
            "service": self.service_name,
            "address": address,
            "labels": running_labels(self.stack.working_dir, self.service_name),
            "container": running.id,
            "name": running.name,
            "path": place.path,
            "uv": place.uv,
            "workdir": str(place.folder.joinpath(*self.project.inside.parts)),
        }

    def _explain(self, name: str) -> None:
        """Tell a program that is not there (126 or 127, by the engine's age) from one that failed like that."""
        place = self.place
        if place is not None and "/" not in name and not self.engine.which(place.container, name, place.path):
            raise program_not_found(name, self.where, place.path)

    @contextmanager
    def _one_off(self, argv: Sequence[str], options: Sequence[str], *, tty: bool) -> Iterator[tuple[list[str], str]]:
        name = f"{Path(self.stack.working_dir).name.lower()}-{self.service_name}-{uuid.uuid4().hex[:8]}"
        name = "".join(letter if letter.isalnum() else "-" for letter in name).strip("-")
        with self.stack.override(self.service, without_binds=not self.sees_host) as extra:
            try:
                yield self._one_off_argv(argv, ["--name", name, *options], tty=tty, extra=[extra]), name
            finally:
                # Compose removes it, unless Compose itself was stopped.
                self.engine.remove(name)

    def _one_off_argv(
        self, argv: Sequence[str], options: Sequence[str], *, tty: bool, extra: Sequence[str] = ()
    ) -> list[str]:
        # Without its own progress the streams are the command's; a build that is still to come is shown.
        quiet = ["--progress", "quiet"] if self.engine.image_id(self.service.image) else []
        flags = ["--rm", "--no-deps", "--entrypoint", argv[0], *([] if tty else ["--no-TTY"]), *options]
        return self.stack.argv(*quiet, "run", *flags, self.service_name, *argv[1:], extra=extra)


def _options(user: str, workdir: str, env: Mapping[str, str]) -> list[str]:
    names = [option for name in (*env, *forwarded(os.environ)) for option in ("--env", name)]
    return [*names, *(["--user", user] if user else []), *(["--workdir", workdir] if workdir else [])]
