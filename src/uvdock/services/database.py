"""Databases as uvdock knows them: what their images are called, what their containers' variables mean, and the
command lines of their own clients. Nothing here runs anything.

Every command is meant for the database's own container, where its clients are of the server's own version. No
password is part of a command line: it is handed on as a variable, by name.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Protocol

from uvdock.errors import UvdockError
from uvdock.services import images


@dataclass(frozen=True)
class Account:
    """Who works on which database; ``database`` is empty where the container was given none."""

    user: str
    database: str
    password: str = field(default="", repr=False)


class DatabaseKind(Protocol):
    """One kind of database."""

    @property
    def title(self) -> str:
        """Its name for a person."""

    @property
    def images(self) -> tuple[str, ...]:
        """What its images' names begin with."""

    @property
    def variables(self) -> tuple[str, ...]:
        """The variables of its containers that say who and which database; each may be ``…_FILE`` too."""

    @property
    def password_variable(self) -> str:
        """The variable its clients read the password from."""

    @property
    def family(self) -> str:
        """Dumps of one family can be restored in each other's databases."""

    @property
    def transactional(self) -> bool:
        """Whether a restore that fails leaves everything as it was."""

    def account(self, env: Mapping[str, str], *, admin: bool = False) -> Account:
        """The account that the container's variables mean; ``admin`` for the one that may do everything."""

    def shell(self, account: Account, args: Sequence[str]) -> list[str]:
        """The interactive client, with further arguments."""

    def dump(self, account: Account) -> list[str]:
        """The command that prints the whole database as SQL."""

    def restore(self, account: Account) -> list[str]:
        """The command that reads SQL, `before` and `after` around it, and stops at the first error."""

    def before(self) -> bytes:
        """What goes before a dump when it is restored."""

    def after(self, token: str) -> bytes:
        """What goes after it; prints ``token`` where `transactional`, once everything is there to stay."""

    def ping(self, account: Account) -> list[str]:
        """The command that succeeds as soon as the server takes connections, and not while it sets itself up."""


# What a person may call "everything in the database". Extensions' own schemas go with their extensions. The
# schema public is made again with its owner, its rights and its comment, for no dump makes it.
_POSTGRES_EMPTY = """\
SET LOCAL client_min_messages = warning;
SET LOCAL lock_timeout = '30s';
SET LOCAL uvdock.restoring = 'yes';
SELECT pg_catalog.lo_unlink(oid) FROM pg_catalog.pg_largeobject_metadata;
DO $uvdock$
DECLARE
  item record;
  privilege record;
BEGIN
  FOR item IN
    SELECT n.oid, n.nspname, n.nspacl, pg_catalog.pg_get_userbyid(n.nspowner) AS owner,
      pg_catalog.obj_description(n.oid, 'pg_namespace') AS comment
    FROM pg_catalog.pg_namespace n
    WHERE n.nspname !~ '^pg_' AND n.nspname <> 'information_schema' AND NOT EXISTS (
      SELECT FROM pg_catalog.pg_depend d
      WHERE d.classid = 'pg_catalog.pg_namespace'::pg_catalog.regclass AND d.objid = n.oid AND d.deptype = 'e')
  LOOP
    EXECUTE pg_catalog.format('DROP SCHEMA IF EXISTS %I CASCADE', item.nspname);
    IF item.nspname = 'public' THEN
      EXECUTE pg_catalog.format('CREATE SCHEMA public AUTHORIZATION %I', item.owner);
      IF item.comment IS NOT NULL THEN
        EXECUTE pg_catalog.format('COMMENT ON SCHEMA public IS %L', item.comment);
      END IF;
      FOR privilege IN SELECT * FROM pg_catalog.aclexplode(item.nspacl) LOOP
        EXECUTE pg_catalog.format('GRANT %s ON SCHEMA public TO %s%s', privilege.privilege_type,
          CASE privilege.grantee WHEN 0 THEN 'PUBLIC'
            ELSE pg_catalog.quote_ident(pg_catalog.pg_get_userbyid(privilege.grantee)) END,
          CASE WHEN privilege.is_grantable AND privilege.grantee <> 0 THEN ' WITH GRANT OPTION' ELSE '' END);
      END LOOP;
    END IF;
  END LOOP;
END
$uvdock$;
"""


class Postgres:
    """PostgreSQL, and what is made of it: PostGIS, pgvector, TimescaleDB."""

    title = "PostgreSQL"
    family = "PostgreSQL"
    images = images.POSTGRES
    variables = ("POSTGRES_USER", "POSTGRES_DB", "POSTGRES_PASSWORD")
    password_variable = "PGPASSWORD"  # noqa: S105 - a name
    transactional = True

    def account(self, env: Mapping[str, str], *, admin: bool = False) -> Account:  # noqa: ARG002 - one user has all
        """The role the image makes, and its database, which has the role's name by default."""
        user = env.get("POSTGRES_USER") or "postgres"
        return Account(user, env.get("POSTGRES_DB") or user, env.get("POSTGRES_PASSWORD", ""))

    def shell(self, account: Account, args: Sequence[str]) -> list[str]:
        """The client psql."""
        return ["psql", *self._who(account), *args]

    def dump(self, account: Account) -> list[str]:
        """The program pg_dump; the dump also drops what it makes, for whoever restores it by hand."""
        return ["pg_dump", *self._who(account), "--no-password", "--clean", "--if-exists"]

    def restore(self, account: Account) -> list[str]:
        """The client psql, which reads its standard input and shows nothing but errors."""
        flags = ["--no-password", "--no-psqlrc", "--quiet", "--set", "ON_ERROR_STOP=1"]
        return ["psql", *self._who(account), *flags, "--file", "-"]

    def before(self) -> bytes:
        """Opens the transaction, and drops what is there in it."""
        # On the dump's own first line, so that psql's errors name the dump's own lines.
        return f"BEGIN; {' '.join(_POSTGRES_EMPTY.split())} ".encode()

    def after(self, token: str) -> bytes:
        """Closes the transaction.

        psql's own --single-transaction would do so wherever its input ends, half a dump included: when whoever
        feeds it is killed, say. So the end is written out. What a cut-off dump leaves open (a string, a
        parenthesis, a table's rows) may swallow it, and then there is no end and no ``token``.
        """
        done = "pg_catalog.current_setting('uvdock.restoring', true) IS DISTINCT FROM 'yes'"
        return f"\nCOMMIT;\nSELECT '{token}' WHERE {done};\n".encode()

    def ping(self, account: Account) -> list[str]:
        """The program pg_isready, over TCP: while the image sets a database up, the server has its socket only."""
        return ["pg_isready", "--quiet", "--host", "127.0.0.1", *self._who(account)]

    def _who(self, account: Account) -> list[str]:
        return ["--username", account.user, "--dbname", account.database]


@dataclass(frozen=True)
class MySql:
    """MySQL and MariaDB: the same clients, the one's own names first."""

    title: str
    images: tuple[str, ...]
    prefix: str
    other_prefix: str
    dump_flags: tuple[str, ...] = ()
    family = "MySQL"
    variables = (
        *("MYSQL_USER", "MYSQL_PASSWORD", "MYSQL_DATABASE", "MYSQL_ROOT_PASSWORD", "MYSQL_ALLOW_EMPTY_PASSWORD"),
        *("MARIADB_USER", "MARIADB_PASSWORD", "MARIADB_DATABASE", "MARIADB_ROOT_PASSWORD"),
        "MARIADB_ALLOW_EMPTY_ROOT_PASSWORD",
    )
    password_variable = "MYSQL_PWD"  # noqa: S105 - a name
    transactional = False

    def account(self, env: Mapping[str, str], *, admin: bool = False) -> Account:
        """The user the image makes, or root where there is none; for ``admin`` root, where its password is known."""

        def either(name: str) -> str:
            return env.get(f"MARIADB_{name}") or env.get(f"MYSQL_{name}") or ""

        user, database = either("USER"), either("DATABASE")
        root = either("ROOT_PASSWORD")
        known = root or either("ALLOW_EMPTY_PASSWORD") or either("ALLOW_EMPTY_ROOT_PASSWORD")
        if not user or (admin and known):
            return Account("root", database, root)
        return Account(user, database, either("PASSWORD"))

    def shell(self, account: Account, args: Sequence[str]) -> list[str]:
        """The client mysql or mariadb."""
        database = ["--database", account.database] if account.database else []
        return [*self._program(""), "--user", account.user, *database, *args]

    def dump(self, account: Account) -> list[str]:
        """The program mysqldump or mariadb-dump: everything of the database, as of one moment."""
        flags = ["--single-transaction", "--quick", "--routines", "--triggers", "--events", "--hex-blob"]
        # A dump of tablespaces needs a right that users of one database do not have.
        flags += ["--no-tablespaces", "--default-character-set", "utf8mb4", *self.dump_flags]
        return [*self._program("dump"), "--user", account.user, *flags, account.database]

    def restore(self, account: Account) -> list[str]:
        """The client mysql or mariadb, which stops at the first error."""
        flags = ["--batch", "--binary-mode", "--default-character-set", "utf8mb4"]
        return [*self._program(""), "--user", account.user, "--database", account.database, *flags]

    def before(self) -> bytes:
        """Nothing: the dump itself drops the tables it makes."""
        return b""

    def after(self, token: str) -> bytes:  # noqa: ARG002 - there is no transaction to close
        """Nothing."""
        return b""

    def ping(self, account: Account) -> list[str]:
        """The program mysqladmin, over TCP: while the image sets a database up, the server has its socket only."""
        return [*self._program("admin"), "--user", account.user, "--host", "127.0.0.1", "--protocol", "tcp", "ping"]

    def _program(self, what: str) -> list[str]:
        names = {"mysql": f"mysql{what}", "mariadb": f"mariadb-{what}" if what else "mariadb"}
        return first_of(names[self.prefix], names[self.other_prefix])


POSTGRES: DatabaseKind = Postgres()
# Without the mark of its server's transactions, a dump can be restored where others were made.
MYSQL: DatabaseKind = MySql("MySQL", images.MYSQL, "mysql", "mariadb", ("--set-gtid-purged=OFF",))
MARIADB: DatabaseKind = MySql("MariaDB", images.MARIADB, "mariadb", "mysql")
DIALECTS: tuple[DatabaseKind, ...] = (POSTGRES, MYSQL, MARIADB)
#: The programs that are the servers. MariaDB has one named `mysqld` too, so its own comes before it.
_SERVERS = {"postgres": POSTGRES, "mariadbd": MARIADB, "mysqld": MYSQL}


def dialect_of(image: str) -> DatabaseKind | None:
    """The dialect of an image's server, or ``None`` for an image that is no database."""
    return next((dialect for dialect in DIALECTS if images.is_one_of(image, dialect.images)), None)


def find_server() -> list[str]:
    """The command that prints which server a container has, for `dialect_of_server`; nothing where it has none."""
    # Debian has its PostgreSQL in a folder that is not on PATH.
    script = (
        'PATH="$PATH:/usr/sbin:/usr/local/sbin"; for one; do command -v "$one" >/dev/null 2>&1 && echo "$one"; done; '
        'for one in /usr/lib/postgresql/*/bin/postgres; do [ -x "$one" ] && echo postgres; done; true'
    )
    return ["sh", "-c", script, "uvdock", *_SERVERS]


def dialect_of_server(printed: str) -> DatabaseKind | None:
    """The dialect of the server that `find_server` printed, or ``None`` where there is none, or several."""
    found = [name for name in _SERVERS if name in printed.split()]
    families = {_SERVERS[name].family for name in found}
    return _SERVERS[found[0]] if len(families) == 1 else None


def first_of(program: str, other: str) -> list[str]:
    """The beginning of a command line for ``program``, or ``other`` where the container has no such program."""
    script = 'one=$1 other=$2; shift 2; command -v "$one" >/dev/null 2>&1 && exec "$one" "$@"; exec "$other" "$@"'
    return ["sh", "-c", script, "uvdock", program, other]


def in_files(variables: Sequence[str], env: Mapping[str, str]) -> dict[str, str]:
    """Of ``variables``, those whose value the container has in a file (``POSTGRES_PASSWORD_FILE``), and where."""
    found = {name: env.get(f"{name}_FILE", "") for name in variables if not env.get(name)}
    return {name: path for name, path in found.items() if path}


def redis_password(env: Mapping[str, str], command: Sequence[str]) -> str:
    """The password of a Redis server, from its container's variables or its command; empty where it has none."""
    words: list[str] = []
    for part in command:
        # A shell's script has the option among its own words.
        script = "--requirepass" in part and part != "--requirepass"
        words += part.replace("=", " ").split() if script else [part]
    value = next((after for word, after in pairwise(words) if word == "--requirepass"), "")
    variable = re.fullmatch(r"\$\{?(\w+)\}?", value.strip("\"'"))
    named = env.get("REDIS_PASSWORD") or env.get("VALKEY_PASSWORD") or ""
    return (env.get(variable[1], "") if variable else value.strip("\"'")) or named


def not_running(name: str, where: str) -> UvdockError:
    """The error for a service that must run and does not."""
    return UvdockError(f"the service {name} is not running", where=where, fix=f"start it: up -- {name}")
