"""Tasks on the database of the stack: its client, dumps, and waiting until it is up."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from uvdock import dry
from uvdock.errors import UvdockError
from uvdock.tasks.base import ask, passed, task
from uvdock.tasks.kinds import WORDS, typed
from uvdock.tasks.separator import PassthroughTask, WordsTask
from uvdock.tasks.stack import open_stack
from uvdock.ui import console

if TYPE_CHECKING:
    from invoke.context import Context

    from uvdock.backends.database import DatabaseService
    from uvdock.services.database import Account

_SERVICE = {"service": "The database's service, where there are several."}


@task("db.shell", examples=["db.shell", "db.shell -- -c 'select 1'"], quiet=True, klass=PassthroughTask, help=_SERVICE)
def shell(c: Context, service: str = "") -> int:
    """Open the database's own client (psql, mysql, mariadb)."""
    return _open(c, service).shell(passed(c))


@task(
    "db.dump",
    examples=["db.dump", "db.dump -- backup.sql.gz", "db.dump --output -"],
    quiet=True,
    klass=WordsTask,
    usage="[FILE]",
    values={WORDS: ()},
    nicknames={"output": "file"},
    help={
        **_SERVICE,
        "output": "The same as FILE: DATABASE-YYYYmmdd-HHMMSS.sql.gz by default. Plain SQL where it does not end in "
        ".gz, and for -, which is standard output.",
        "force": "Replace a file that is there.",
    },
)
def dump(c: Context, output: str = "", force: bool = False, service: str = "") -> int:
    """Dump the database as SQL into a file, whole or not at all."""
    from datetime import datetime

    from uvdock.services import dumps

    named = [*([output] if output else []), *passed(c)]
    if len(named) > 1:
        raise UvdockError(
            f"db.dump writes one file, and {len(named)} are named",
            where=" ".join(named),
            fix="name one, or none: its name is made of the database's and the time",
            code=2,
        )
    output = "".join(named)
    db = _open(c, service)
    account = db.worked_on()
    if output == "-":
        return db.dump(account, None)
    path = Path.cwd() / (output or dumps.default_name(account.database, datetime.now().astimezone()))
    if dry.on():
        dumps.refuse_existing(path, force=force)
        db.dump(account, None)
        console.would(f"its output goes to {path}{', compressed' if path.suffix == '.gz' else ''}")
        return 0
    written = dumps.Written()
    with dumps.writing(path, force=force) as write:

        def sink(part: bytes) -> None:
            written.add(part)
            write(part)

        code = db.dump(account, sink)
        if code or not written.complete(db.dialect.family):
            raise UvdockError(
                "the dump was stopped" if code > 128 else "the database could not be dumped",
                where=f"database {account.database} in {db.running.where}",
                fix="no file was written; the reason is in the lines above",
                code=code or 1,
            )
    console.say(f"written: {path} ({dumps.shown(path.stat().st_size)}, {dumps.shown(written.size)} of SQL)")
    return 0


@task(
    "db.restore",
    examples=["db.restore backup.sql.gz", "db.restore - --yes"],
    quiet=True,
    help={
        **_SERVICE,
        "file": "The dump in SQL, plain or gzip; - is standard input.",
        "yes": "Do not ask.",
    },
)
def restore(c: Context, file: str, yes: bool = False, service: str = "") -> int:
    """Replace everything in the database by a dump.

    The dump is read through first. On PostgreSQL it then happens whole or not at all, in one transaction. MySQL
    and MariaDB cannot roll back what makes and drops tables: there a dump that fails leaves what came before
    the error, and tables that the dump does not have stay.
    """
    from uvdock.services import dumps

    db = _open(c, service)
    account = db.worked_on()
    where = f"database {account.database} in {db.running.where}"
    if dry.on() and file == "-":
        # It is not for a dry run to read it.
        return _show_restore(db, account, "standard input")
    with dumps.reading(None if file == "-" else Path.cwd() / file, sys.stdin.buffer) as opened:
        dumps.check(opened, db.dialect.family, "standard input" if file == "-" else file)
        if dry.on():
            return _show_restore(db, account, str(Path.cwd() / file))
        if not yes:
            ask(
                f"This replaces everything in the {where}. {_warning(db)}Go on?",
                f"nothing was changed: it would replace everything in the database {account.database}",
                where,
            )
        with console.step(f"restore the {where}"):
            db.restore(account, dumps.parts(opened))
    return 0


@task(
    "db.wait",
    examples=["db.wait", "db.wait --timeout 120"],
    quiet=True,
    help={**_SERVICE, "timeout": "For how long, seconds."},
)
def wait(c: Context, timeout: int = 60, service: str = "") -> int:
    """Wait until the database takes connections; leaves with 1 when it does not."""
    db = _open(c, service)
    name = db.running.service.name
    if dry.on():
        console.would(f"wait until {name} takes connections, for {timeout} s at most")
        return 0
    found = db.wait(timeout)
    if found.up:
        console.say(f"{name} is up: {found.state}")
        return 0
    for line in found.log:
        console.say(f"  {line}", "dim")
    what = f"{name} does not run" if found.ended else f"{name} did not come up within {timeout} s"
    start, logs = typed(f"up -- {name}"), typed(f"logs -- {name}")
    fix = f"start it: {start}" if found.ended else f"read its last lines above; {logs} shows all of them"
    raise UvdockError(what, where=f"container {found.where}: {found.state}", fix=fix)


def _show_restore(db: DatabaseService, account: Account, source: str) -> int:
    db.restore(account, ())
    console.would(f"its input is {source}{', in one transaction' if db.dialect.transactional else ''}")
    return 0


def _open(c: Context, service: str) -> DatabaseService:
    from uvdock.backends.database import open_database

    stack, engine, tty = open_stack(c)
    return open_database(engine, stack, service, tty)


def _warning(db: DatabaseService) -> str:
    return "" if db.dialect.transactional else f"{db.dialect.title} cannot roll it back when it fails. "
