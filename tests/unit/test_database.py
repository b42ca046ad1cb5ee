"""Databases: what an image is, whose account a container's variables mean, and the clients' command lines."""

from __future__ import annotations

import shlex

import pytest

from uvdock.services import database, images
from uvdock.services.database import MARIADB, MYSQL, POSTGRES, Account, DatabaseKind

SECRET = "hunter2 is 'the' password"
ACCOUNT = Account("ada", "shop", SECRET)


@pytest.mark.parametrize(
    ("image", "dialect"),
    [
        ("postgres", POSTGRES),
        ("postgres:18.4-trixie", POSTGRES),
        ("docker.io/library/postgres:16@sha256:0123", POSTGRES),
        ("localhost:5000/postgres", POSTGRES),
        ("localhost:5000/team/postgres-with-plugins:1", POSTGRES),
        ("bitnami/postgresql:17", POSTGRES),
        ("postgis/postgis:17-3.5", POSTGRES),
        ("pgvector/pgvector:pg17", POSTGRES),
        ("timescale/timescaledb:latest-pg17", POSTGRES),
        ("timescale/timescaledb-ha:pg17", POSTGRES),
        ("mysql:9", MYSQL),
        ("mysql/mysql-server:8.0", MYSQL),
        ("mariadb:11", MARIADB),
        ("lscr.io/linuxserver/mariadb", MARIADB),
        ("MariaDB", MARIADB),
        ("postgrest/postgrest", None),
        ("prometheuscommunity/postgres-exporter", None),
        ("prom/mysqld-exporter", None),
        ("prodrigestivill/postgres-backup-local", None),
        ("dpage/pgadmin4", None),
        ("postgres/web", None),
        ("python:3.13", None),
        ("redis", None),
        ("", None),
    ],
)
def test_an_image_is_told_by_the_last_part_of_its_name(image: str, dialect: DatabaseKind | None) -> None:
    assert database.dialect_of(image) is dialect


@pytest.mark.parametrize(
    ("printed", "dialect"),
    [
        ("postgres\n", POSTGRES),
        ("postgres\npostgres\n", POSTGRES),
        ("mariadbd\nmysqld\n", MARIADB),
        ("mysqld\n", MYSQL),
        ("", None),
        ("postgres\nmysqld\n", None),
        ("sh: not found\n", None),
    ],
)
def test_a_server_is_told_by_its_program(printed: str, dialect: DatabaseKind | None) -> None:
    assert database.dialect_of_server(printed) is dialect


@pytest.mark.parametrize(
    ("image", "redis"),
    [
        ("redis:8.6.3-trixie", True),
        ("redis/redis-stack:latest", True),
        ("valkey/valkey:8", True),
        ("bitnami/redis", True),
        ("oliver006/redis_exporter", False),
        ("redis/redisinsight", False),
        ("rediscommander/redis-commander", False),
        ("bitnami/redis-sentinel", False),
        ("postgres", False),
    ],
)
def test_redis_and_what_took_its_place(image: str, redis: bool) -> None:
    assert images.is_redis(image) is redis


@pytest.mark.parametrize(
    ("env", "expected"),
    [
        pytest.param({}, ("postgres", "postgres", ""), id="the-images-defaults"),
        pytest.param({"POSTGRES_PASSWORD": "p"}, ("postgres", "postgres", "p"), id="password"),
        pytest.param({"POSTGRES_USER": "ada"}, ("ada", "ada", ""), id="database-is-the-user"),
        pytest.param({"POSTGRES_USER": "ada", "POSTGRES_DB": "shop"}, ("ada", "shop", ""), id="both"),
        pytest.param({"POSTGRES_USER": "", "POSTGRES_DB": "shop"}, ("postgres", "shop", ""), id="empty"),
    ],
)
@pytest.mark.parametrize("admin", [False, True])
def test_postgres_accounts(env: dict[str, str], expected: tuple[str, str, str], admin: bool) -> None:
    assert POSTGRES.account(env, admin=admin) == Account(*expected)


USER = {"MYSQL_USER": "ada", "MYSQL_PASSWORD": "p", "MYSQL_DATABASE": "shop"}


@pytest.mark.parametrize(
    ("env", "user", "admin"),
    [
        pytest.param({}, ("root", "", ""), ("root", "", ""), id="nothing"),
        pytest.param(
            {"MYSQL_ROOT_PASSWORD": "r", "MYSQL_DATABASE": "shop"},
            ("root", "shop", "r"),
            ("root", "shop", "r"),
            id="only-root",
        ),
        pytest.param(
            {**USER, "MYSQL_ROOT_PASSWORD": "r"}, ("ada", "shop", "p"), ("root", "shop", "r"), id="user-and-root"
        ),
        pytest.param(
            {**USER, "MYSQL_RANDOM_ROOT_PASSWORD": "1"},
            ("ada", "shop", "p"),
            ("ada", "shop", "p"),
            id="root-nobody-knows",
        ),
        pytest.param(
            {**USER, "MYSQL_ALLOW_EMPTY_PASSWORD": "1"}, ("ada", "shop", "p"), ("root", "shop", ""), id="open-root"
        ),
        pytest.param(
            {
                "MARIADB_USER": "eve",
                "MARIADB_PASSWORD": "m",
                "MARIADB_DATABASE": "bar",
                "MARIADB_ALLOW_EMPTY_ROOT_PASSWORD": "1",
                **USER,
            },
            ("eve", "bar", "m"),
            ("root", "bar", ""),
            id="mariadbs-own-names-first",
        ),
    ],
)
@pytest.mark.parametrize("dialect", [MYSQL, MARIADB], ids=["mysql", "mariadb"])
def test_mysql_accounts(
    dialect: DatabaseKind, env: dict[str, str], user: tuple[str, str, str], admin: tuple[str, str, str]
) -> None:
    assert dialect.account(env) == Account(*user)
    assert dialect.account(env, admin=True) == Account(*admin)


WHO = ["--username", "ada", "--dbname", "shop"]
DUMP = ["--single-transaction", "--quick", "--routines", "--triggers", "--events", "--hex-blob", "--no-tablespaces"]
UTF8 = ["--default-character-set", "utf8mb4"]


@pytest.mark.parametrize(
    ("dialect", "what", "expected"),
    [
        (POSTGRES, "shell", ["psql", *WHO, "-c", "select 1"]),
        (POSTGRES, "dump", ["pg_dump", *WHO, "--no-password", "--clean", "--if-exists"]),
        (POSTGRES, "ping", ["pg_isready", "--quiet", "--host", "127.0.0.1", *WHO]),
        (MYSQL, "shell", ["mysql", "--user", "ada", "--database", "shop", "-c", "select 1"]),
        (MYSQL, "dump", ["mysqldump", "--user", "ada", *DUMP, *UTF8, "--set-gtid-purged=OFF", "shop"]),
        (MYSQL, "restore", ["mysql", "--user", "ada", "--database", "shop", "--batch", "--binary-mode", *UTF8]),
        (MYSQL, "ping", ["mysqladmin", "--user", "ada", "--host", "127.0.0.1", "--protocol", "tcp", "ping"]),
        (MARIADB, "shell", ["mariadb", "--user", "ada", "--database", "shop", "-c", "select 1"]),
        (MARIADB, "dump", ["mariadb-dump", "--user", "ada", *DUMP, *UTF8, "shop"]),
        (MARIADB, "restore", ["mariadb", "--user", "ada", "--database", "shop", "--batch", "--binary-mode", *UTF8]),
        (MARIADB, "ping", ["mariadb-admin", "--user", "ada", "--host", "127.0.0.1", "--protocol", "tcp", "ping"]),
    ],
)
def test_command_lines(dialect: DatabaseKind, what: str, expected: list[str]) -> None:
    assert unwrapped(command(dialect, what)) == expected


def test_a_restore_in_postgres_stops_at_the_first_error_and_reads_nobodys_settings() -> None:
    argv = POSTGRES.restore(ACCOUNT)
    assert argv[:5] == ["psql", *WHO]
    assert " --set ON_ERROR_STOP=1 " in shlex.join(argv)
    assert "--no-psqlrc" in argv
    assert argv[-2:] == ["--file", "-"]


def test_a_restore_in_postgres_opens_and_closes_its_transaction_itself() -> None:
    before, after = POSTGRES.before(), POSTGRES.after("the-end")
    assert before.startswith(b"BEGIN; ")
    assert b"\n" not in before, "the dump's lines keep their numbers"
    assert after.startswith(b"\nCOMMIT;\nSELECT 'the-end' WHERE ")
    assert "--single-transaction" not in POSTGRES.restore(ACCOUNT)


def test_mysql_has_no_transaction_around_a_restore() -> None:
    assert (MYSQL.before(), MYSQL.after("x"), MYSQL.transactional, MARIADB.transactional) == (b"", b"", False, False)


@pytest.mark.parametrize("dialect", [POSTGRES, MYSQL, MARIADB], ids=lambda dialect: dialect.title)
@pytest.mark.parametrize("what", ["shell", "dump", "restore", "ping"])
def test_no_command_line_has_the_password(dialect: DatabaseKind, what: str) -> None:
    assert "hunter2" not in " ".join(command(dialect, what))
    assert "hunter2" not in repr(ACCOUNT)


def test_a_client_that_goes_by_another_name_is_found() -> None:
    argv = database.first_of("mariadb-dump", "mysqldump")
    assert argv[0:2] == ["sh", "-c"]
    assert argv[3:] == ["uvdock", "mariadb-dump", "mysqldump"]


@pytest.mark.parametrize(
    ("env", "expected"),
    [
        pytest.param({}, {}, id="none"),
        pytest.param(
            {"POSTGRES_PASSWORD_FILE": "/run/secrets/db"}, {"POSTGRES_PASSWORD": "/run/secrets/db"}, id="password"
        ),
        pytest.param({"POSTGRES_USER": "ada", "POSTGRES_USER_FILE": "/x"}, {}, id="a-value-wins"),
        pytest.param({"OTHER_FILE": "/x"}, {}, id="of-others"),
    ],
)
def test_values_that_are_in_files(env: dict[str, str], expected: dict[str, str]) -> None:
    assert database.in_files(POSTGRES.variables, env) == expected


@pytest.mark.parametrize(
    ("env", "command", "expected"),
    [
        pytest.param({}, ["redis-server"], "", id="none"),
        pytest.param({}, [], "", id="no-command"),
        pytest.param({}, ["redis-server", "--requirepass", "a b"], "a b", id="option"),
        pytest.param({}, ["docker-entrypoint.sh", "redis-server", "--requirepass", "x"], "x", id="entry-point"),
        pytest.param({}, ["redis-server", "--requirepass"], "", id="option-without-a-value"),
        pytest.param({}, ["sh", "-c", "exec redis-server --requirepass 'x' --appendonly yes"], "x", id="script"),
        pytest.param({"PW": "y"}, ["sh", "-c", 'redis-server --requirepass "$PW"'], "y", id="variable"),
        pytest.param({"PW": "y"}, ["sh", "-c", "redis-server --requirepass ${PW}"], "y", id="braces"),
        pytest.param({"REDIS_PASSWORD": "z"}, ["redis-server"], "z", id="the-images-variable"),
        pytest.param({"VALKEY_PASSWORD": "z"}, ["valkey-server"], "z", id="valkey"),
        pytest.param({"REDIS_PASSWORD": "z"}, ["redis-server", "--requirepass", "x"], "x", id="option-wins"),
    ],
)
def test_redis_passwords(env: dict[str, str], command: list[str], expected: str) -> None:
    assert database.redis_password(env, command) == expected


def command(dialect: DatabaseKind, what: str) -> list[str]:
    """A command line of a dialect for `ACCOUNT`."""
    if what == "shell":
        return dialect.shell(ACCOUNT, ["-c", "select 1"])
    made: list[str] = getattr(dialect, what)(ACCOUNT)
    return made


def unwrapped(argv: list[str]) -> list[str]:
    """A command line without the script that looks for its program."""
    return [argv[4], *argv[6:]] if argv[0] == "sh" else argv
