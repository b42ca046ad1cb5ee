"""The database of a stack: its client, dumps of it, and waiting until it is up."""

from __future__ import annotations

import tempfile
import time
import uuid
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from os import SEEK_END
from typing import Any

from uvdock import dry
from uvdock.backends.running import RunningService
from uvdock.engine.api import Engine, environment
from uvdock.engine.stack import Service, Stack
from uvdock.errors import EngineError, NotKnownYetError, UvdockError
from uvdock.services import database, images
from uvdock.services.database import Account, DatabaseKind

#: How often a database that is not up yet is looked at, seconds.
_INTERVAL = 0.2
_LOG_LINES = 10
#: What a container may be in that is still to run, as the engine calls it.
_COMING = ("created", "running", "restarting")


@dataclass(frozen=True)
class Waited:
    """How a wait ended.

    Args:
        up: Whether the database is up.
        state: What it is in, for a person.
        where: Its container.
        ended: Whether the container has ended, so that there is nothing to wait for.
        log: The last lines of the container; none where it is up.
    """

    up: bool
    state: str
    where: str
    ended: bool = False
    log: tuple[str, ...] = ()


class DatabaseService:
    """The database of a stack, worked on in its own container.

    Args:
        running: The service and its container.
        dialect: Its dialect.
    """

    def __init__(self, running: RunningService, dialect: DatabaseKind) -> None:
        self.running = running
        self.dialect = dialect

    def account(self, *, admin: bool = False) -> Account:
        """The user and the database as the running container has them.

        Raises:
            UvdockError: The service does not run.
        """
        return self._account(self.running.environment, self.running.running.id, admin=admin)

    def worked_on(self) -> Account:
        """The account for dumps and restores.

        Raises:
            UvdockError: The service does not run, or its container does not say which database.
        """
        account = self.account(admin=True)
        if not account.database:
            names = " or ".join(name for name in self.dialect.variables if name.endswith("_DATABASE"))
            raise UvdockError(
                "the container does not say which database is meant",
                where=self.running.where,
                fix=f"set {names} in the environment of {self.running.service.name}",
            )
        return account

    def shell(self, args: Sequence[str]) -> int:
        """The database's own client on uvdock's own streams; returns its exit code."""
        account = self.account()
        return self.running.run(self.dialect.shell(account, args), secrets=self._secrets(account))

    def dump(self, account: Account, sink: Callable[[bytes], object] | None) -> int:
        """Dump the database as SQL.

        Args:
            account: From `worked_on`.
            sink: What takes the dump, part by part; uvdock's standard output by default.

        Returns:
            The exit code of the program that dumps.
        """
        argv = self.dialect.dump(account)
        return self.running.run(argv, secrets=self._secrets(account), tty=False, stdin=b"", stdout=sink)

    def restore(self, account: Account, parts: Iterable[bytes]) -> None:
        """Replace what is in the database by a dump.

        Args:
            account: From `worked_on`.
            parts: The dump's SQL.

        Raises:
            UvdockError: It was refused or stopped; says what the database is in now.
        """
        token = f"uvdock-{uuid.uuid4().hex}"

        def whole() -> Iterable[bytes]:
            yield self.dialect.before()
            yield from parts
            yield self.dialect.after(token)

        with tempfile.TemporaryFile() as said:
            argv = self.dialect.restore(account)
            code = self.running.run(argv, secrets=self._secrets(account), tty=False, stdin=whole(), stdout=said)
            # Before the token there is what the dump's own statements answered.
            said.seek(max(0, said.seek(0, SEEK_END) - 2**16))
            done = token.encode() in said.read() if self.dialect.transactional else code == 0
        if done or dry.on():
            return
        what = f"{self.dialect.title} refused the dump" if code else "the dump ends in the middle of a table"
        unchanged = "nothing was changed: the database is as it was before"
        broken = f"{self.dialect.title} cannot roll back: what came before the error is done; restore a whole dump"
        raise UvdockError(
            "the restore was stopped" if code > 128 else what,
            where=f"database {account.database} in {self.running.where}",
            fix=unchanged if self.dialect.transactional else broken,
            code=code if code > 128 else 1,
        )

    def wait(self, timeout: float) -> Waited:
        """Wait until the database takes connections.

        Its health check says so, where it has one; else its own program that asks the server.

        Args:
            timeout: How long, seconds.

        Raises:
            UvdockError: There is no container.
        """
        deadline = time.monotonic() + timeout
        while True:
            found = self._look()
            if found.up:
                return found
            if found.ended or time.monotonic() >= deadline:
                return replace(found, log=self._last_lines(found.where))
            time.sleep(_INTERVAL)

    def _look(self) -> Waited:
        service, stack = self.running.service, self.running.stack
        details = self.running.engine.service_container(stack.working_dir, service.name)
        if details is None:
            raise database.not_running(service.name, str(stack.files[0]))
        where, state = str(details["Name"]).lstrip("/"), details["State"]
        if state["Status"] not in _COMING:
            return Waited(up=False, state=f"it has ended with {state.get('ExitCode')}", where=where, ended=True)
        health = (state.get("Health") or {}).get("Status", "none")
        if state["Status"] != "running":
            return Waited(up=False, state=f"it is {state['Status']}", where=where)
        if health != "none":
            return Waited(up=health == "healthy", state=f"its health check says {health}", where=where)
        up = self._answers(details)
        return Waited(up, "it answers" if up else "it takes no connections yet", where)

    def _answers(self, details: Mapping[str, Any]) -> bool:
        engine = self.running.engine
        try:
            account = self._account(environment(details["Config"]), details["Id"], admin=False)
            argv = self.dialect.ping(account)
            return engine.exec(details["Id"], argv, env=self._secrets(account)).code == 0
        except EngineError:
            # The container went away under it: the next look says what has become of it.
            return False

    def _last_lines(self, container: str) -> tuple[str, ...]:
        try:
            return tuple(self.running.engine.last_lines(container, _LOG_LINES))
        except EngineError:
            return ()

    def _account(self, env: Mapping[str, str], container: str, *, admin: bool) -> Account:
        variables = self.dialect.variables
        files = database.in_files(variables, env)
        if not files and not any(env.get(name) for name in variables):
            # An image that brings its own database says nothing; what the repo says may fit it.
            return self.dialect.account(self.running.stack.dotenv, admin=admin)
        engine = self.running.engine
        if files and dry.on():
            what = "the client there, as the user and on the database that files in the container name"
            raise NotKnownYetError(f"then, in {self.running.where}: {what}")
        read = {name: engine.exec(container, ["cat", path]).text.strip("\r\n") for name, path in files.items()}
        return self.dialect.account({**env, **read}, admin=admin)

    def _secrets(self, account: Account) -> dict[str, str]:
        return {self.dialect.password_variable: account.password} if account.password else {}


def find_database(stack: Stack, wanted: str) -> tuple[Service, DatabaseKind]:
    """The database service of a stack, and its dialect.

    Args:
        stack: The Compose project.
        wanted: The service that was named; one is looked for by default.

    Raises:
        UvdockError: There is none, it is not clear which, or the one that was named is none.
    """
    name = _pick(stack, wanted, lambda image: database.dialect_of(image) is not None, "database")
    service = stack.services[name]
    dialect = next(found for image in _images(service) if (found := database.dialect_of(image)))
    return service, dialect


def find_redis(stack: Stack, wanted: str) -> Service:
    """The Redis or Valkey service of a stack; as `find_database`."""
    return stack.services[_pick(stack, wanted, images.is_redis, "Redis")]


def open_database(engine: Engine, stack: Stack, wanted: str, tty: bool | None) -> DatabaseService:
    """The database of a stack, ready to be worked on; as `find_database`.

    One that was named, and whose images tell nothing, is known by the server in its running container.
    """
    if wanted and not any(map(database.dialect_of, _images(stack.service(wanted, "--service")))):
        running = RunningService(engine, stack, stack.services[wanted], tty)
        found = database.dialect_of_server(engine.exec(running.running.id, database.find_server()).text)
        if found is not None:
            return DatabaseService(running, found)
    service, dialect = find_database(stack, wanted)
    return DatabaseService(RunningService(engine, stack, service, tty), dialect)


def _images(service: Service) -> list[str]:
    """The images that tell what a service is: its own, and the one that its Dockerfile starts from."""
    stage = service.stage
    return [service.image, *([stage.root.image] if stage else [])]


def _pick(stack: Stack, wanted: str, fits: Callable[[str], bool], what: str) -> str:
    if wanted:
        stack.service(wanted, "--service")
    services = {name: next(filter(fits, _images(service)), service.image) for name, service in stack.services.items()}
    return images.pick(services, fits, wanted, what=what, where=str(stack.files[0]))
