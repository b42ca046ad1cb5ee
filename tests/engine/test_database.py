"""The database and Redis of a real stack: rows go into a dump and come back, and nothing else ever happens to them."""

from __future__ import annotations

import gzip
import shutil
import signal
import subprocess
import textwrap
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from tests.conftest import REPO, Program, Ran, clean_environment, few
from tests.engine.conftest import Stack, _remove
from tests.engine.test_stack_tasks import OwnTerminal, read_until

pytestmark = [pytest.mark.engine, pytest.mark.slow]
LONG = pytest.mark.long

SECRET = f"secret{uuid.uuid4().hex}"
ROWS = """
create type flavour as enum ('sweet', 'salty');
create table cake (id serial primary key, name text not null, taste flavour, made timestamptz default now());
create view good as select name from cake where taste = 'sweet';
create function many() returns bigint language sql as 'select count(*) from cake';
create schema bakery;
create table bakery.oven (hot boolean, cake integer references public.cake);
insert into cake (name, taste) select E'cake \\\\. ' || n || E'\\n\\t''', 'sweet' from generate_series(1, 500) as n;
insert into bakery.oven select true, id from cake;
grant select on cake to public;
comment on table cake is 'all of them';
"""


def sql(stack: Stack, text: str, *flags: str, ok: bool = True) -> Ran:
    """Run SQL in the stack's database, the way a person does."""
    return stack.uvdock("db.shell", "--", "-v", "ON_ERROR_STOP=1", "-qAt", *flags, stdin=text.encode(), ok=ok)


def dumped(stack: Stack) -> str:
    """The whole database as SQL, without what is new in every dump."""
    text = stack.uvdock("db.dump", "--output", "-").out
    return "\n".join(line for line in text.splitlines() if not line.startswith(("\\restrict", "\\unrestrict")))


def eventually(what: Callable[[], object]) -> None:
    """Wait until something is so."""
    deadline = time.monotonic() + 60
    while not what():
        assert time.monotonic() < deadline
        time.sleep(0.1)


def custom(root: Path, compose: str) -> Stack:
    """A stack of its own, of nothing but a Compose file."""
    root.mkdir()
    (root / "compose.yaml").write_text(textwrap.dedent(compose))
    return Stack(root, Program(clean_environment()), root)


@pytest.fixture(scope="module")
def flask(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """The database and the Redis of a copy of the reference stack, running, and `ROWS` in a database of that name."""
    root = tmp_path_factory.mktemp("database") / f"s{uuid.uuid4().hex[:10]}"
    shutil.copytree(REPO / "compose/flask", root, ignore=shutil.ignore_patterns("uv.lock", ".venv", ".env"))
    program = Program({**clean_environment(), "POSTGRES_PASSWORD": SECRET, "WEB_PORT": "0"})
    made = Stack(root, program, root)
    try:
        made.uvdock("up", "--wait", "postgres", "redis")
        sql(made, ROWS)
        rename = "alter database hello rename to rows"
        made.compose("exec", "-T", "postgres", "psql", "-qU", "hello", "-d", "postgres", "-c", rename)
        yield made
    finally:
        _remove(made)


@pytest.fixture
def stack(flask: Stack) -> Iterator[Stack]:
    """The same, with `ROWS` in the database, and no dump in the folder."""
    before = set(flask.root.iterdir())
    who = "--username hello --maintenance-db postgres"
    anew = f"dropdb {who} --if-exists --force hello && createdb {who} --template rows hello"
    flask.compose("exec", "-T", "postgres", "sh", "-c", anew)
    yield flask
    for path in set(flask.root.iterdir()) - before:
        path.unlink()


class TestDump:
    def test_what_was_dumped_is_there_again_after_a_restore(self, stack: Stack) -> None:
        before = dumped(stack)
        ran = stack.uvdock("db.dump")
        (file,) = stack.root.glob("*.sql.gz")
        assert (ran.out, ran.err.splitlines()[0].startswith(f"written: {file} (")) == ("", True)
        assert file.name.startswith("hello-2")

        sql(stack, "drop table cake cascade; create table other (x int); create schema more; drop type flavour")
        assert stack.inv("db.restore", file.name, "--yes").out == ""

        assert dumped(stack) == before
        assert sql(stack, "select many()").out == "500\n"
        assert sql(stack, "select to_regclass('other'), to_regnamespace('more')").out == "|\n"

    def test_a_plain_one_and_one_from_standard_input_come_back_too(self, stack: Stack) -> None:
        before = dumped(stack)
        stack.uvdock("db.dump", "plain.sql")
        stack.inv("db.dump", "--file", "packed.gz")
        sql(stack, "delete from bakery.oven")
        stack.uvdock("db.restore", "--file", "plain.sql", "--yes")
        assert dumped(stack) == before
        sql(stack, "delete from bakery.oven")
        stack.uvdock("db.restore", "--yes", "-", stdin=(stack.root / "packed.gz").read_bytes())
        assert dumped(stack) == before

    def test_a_dump_that_drops_nothing_itself_comes_back_too(self, stack: Stack) -> None:
        who = ["--username", "hello", "--dbname", "hello"]
        (stack.root / "other.sql").write_text(stack.compose("exec", "-T", "postgres", "pg_dump", *who))
        before = dumped(stack)
        sql(stack, "update cake set name = 'x'")
        stack.uvdock("db.restore", "--yes", "other.sql")
        assert dumped(stack) == before

    def test_a_file_is_overwritten_only_by_force(self, stack: Stack) -> None:
        file = stack.root / "mine.sql"
        file.write_text("precious")
        refused = stack.uvdock("db.dump", "--output", "mine.sql", ok=False)
        assert (refused.code, file.read_text()) == (1, "precious")
        assert "--force" in refused.err.splitlines()[2]
        refused = stack.uvdock("db.dump", "mine.sql", "--file", "other.sql", ok=False)
        assert (refused.code, file.read_text()) == (2, "precious")
        stack.inv("db.dump", "--force", "--", "mine.sql")
        assert "PostgreSQL database dump complete" in file.read_text()

    def test_one_that_fails_leaves_no_file(self, stack: Stack) -> None:
        before = set(stack.root.iterdir())
        sql(stack, "create view broken as select 1 / 0 as x; create materialized view m as select 1 as x")
        sql(stack, "create table t (); update pg_attribute set atttypid = 1 where attrelid = 'cake'::regclass")
        ran = stack.uvdock("db.dump", ok=False)
        stack.compose(
            "exec", "-T", "postgres", "dropdb", "-U", "hello", "--force", "--maintenance-db=postgres", "hello"
        )
        stack.compose("exec", "-T", "postgres", "createdb", "-U", "hello", "--maintenance-db=postgres", "hello")
        assert ran.code == 1
        assert "no file was written" in ran.err
        assert set(stack.root.iterdir()) == before

    @pytest.mark.parametrize(
        "signum", [pytest.param(signal.SIGINT, marks=LONG), signal.SIGTERM], ids=["SIGINT", "SIGTERM"]
    )
    def test_one_that_is_stopped_leaves_no_file_and_no_process(self, stack: Stack, signum: signal.Signals) -> None:
        before = set(stack.root.iterdir())
        with locked(stack, "access exclusive"):
            process = stack.program.start("db.dump", cwd=stack.root)
            eventually(lambda: waiting(stack))
            assert list(stack.root.glob(".hello-*.part"))
            assert SECRET.encode() not in b"".join(command_lines())
            process.send_signal(signum)
            _, err = process.communicate(timeout=60)
        assert process.returncode == 128 + signum
        assert b"error: the dump was stopped" in err
        assert b"Traceback" not in err
        assert set(stack.root.iterdir()) == before
        eventually(lambda: "pg_dump" not in processes(stack))


class TestRestore:
    @pytest.mark.parametrize(
        ("spoil", "touches"),
        [
            pytest.param(lambda text: gzip.compress(text)[:-9], False, id="gzip-cut-off", marks=LONG),
            pytest.param(lambda text: gzip.compress(text)[:-8] + b"\0" * 8, False, id="gzip-damaged", marks=LONG),
            pytest.param(lambda text: text[: len(text) // 2], False, id="cut-off"),
            pytest.param(lambda _: b"", False, id="empty", marks=LONG),
            pytest.param(
                lambda text: text.replace(b"COPY public.cake", b"COPY public.pie"), True, id="wrong-name", marks=LONG
            ),
            pytest.param(
                lambda text: text.replace(b"\tsweet\t", b"\tbitter\t", 300), True, id="wrong-value", marks=LONG
            ),
            pytest.param(lambda text: plain(text)[: plain(text).index(b"cake \\\\. 300")], True, id="within-a-row"),
            pytest.param(
                lambda _: b"create table t (x text);\ncopy t from stdin;\nx\n", True, id="within-any-rows", marks=LONG
            ),
            pytest.param(lambda _: b"create table t (x text);\nselect (1", True, id="within-a-statement", marks=LONG),
            pytest.param(lambda _: b"create table t (x text);\nselect 1", True, id="before-a-semicolon", marks=LONG),
            pytest.param(lambda _: b"create table t (x text);\nselect 'x", True, id="within-a-string", marks=LONG),
            pytest.param(lambda _: b"this is no SQL;\n", True, id="no-sql", marks=LONG),
        ],
    )
    def test_a_broken_dump_leaves_everything_as_it_was(
        self, stack: Stack, spoil: Callable[[bytes], bytes], touches: bool
    ) -> None:
        before = dumped(stack)
        (stack.root / "broken").write_bytes(spoil(stack.uvdock("db.dump", "-o", "-").stdout))
        ran = stack.uvdock("db.restore", "broken", "--yes", ok=False)
        assert ran.code == 1
        assert "nothing was changed" in ran.err
        assert ("▸ restore" in ran.err) is touches
        assert dumped(stack) == before

    def test_without_a_terminal_it_asks_for_yes_and_does_nothing(self, stack: Stack) -> None:
        stack.uvdock("db.dump", "-o", "x.sql")
        sql(stack, "delete from bakery.oven")
        ran = stack.uvdock("db.restore", "x.sql", ok=False)
        assert ran.code == 1
        assert len(ran.err.splitlines()) == 3
        assert "database hello" in ran.err
        assert "--yes" in ran.err
        assert sql(stack, "select count(*) from bakery.oven").out == "0\n"

    def test_errors_name_the_dumps_own_lines(self, stack: Stack) -> None:
        (stack.root / "x.sql").write_text("select 1;\nselect nothing;\n")
        assert "psql:<stdin>:2: ERROR" in stack.uvdock("db.restore", "x.sql", "--yes", ok=False).err

    @pytest.mark.parametrize("signum", few([signal.SIGINT, signal.SIGTERM, signal.SIGKILL], [signal.SIGKILL]))
    def test_one_that_is_stopped_leaves_everything_as_it_was(self, stack: Stack, signum: signal.Signals) -> None:
        # More than all pipes hold on the way: it cannot have arrived as a whole.
        sql(stack, "create table large as select repeat(md5(n::text), 100) from generate_series(1, 10000) as n")
        stack.uvdock("db.dump", "-o", "x.sql.gz")
        sql(stack, "delete from bakery.oven")
        with locked(stack, "access share"):
            process = stack.program.start("db.restore", "x.sql.gz", "--yes", cwd=stack.root)
            eventually(lambda: waiting(stack))
            process.send_signal(signum)
            process.wait(timeout=60)
        _, err = process.communicate(timeout=60)
        assert process.returncode == (-9 if signum == signal.SIGKILL else 128 + signum)
        assert b"Traceback" not in err
        assert (b"the database is as it was before" in err) is (signum != signal.SIGKILL)
        eventually(lambda: "--file -" not in processes(stack))
        assert (
            sql(stack, "select count(*), many(), (select count(*) from large) from bakery.oven").out == "0|500|10000\n"
        )


class TestShell:
    def test_exit_codes_and_streams_are_the_clients_own(self, stack: Stack) -> None:
        ran = stack.uvdock(
            "db.shell", "--", "-v", "ON_ERROR_STOP=1", "-qAtc", "select 'a b'", "-c", "nonsense", ok=False
        )
        assert (ran.code, ran.out) == (1, "a b\n")
        assert ran.err.startswith("ERROR:")

    def test_it_is_the_containers_user_and_database(self, stack: Stack) -> None:
        # What .env says by now is not what the running container was made with.
        (stack.root / ".env").write_text("POSTGRES_USER=eve\nPOSTGRES_DB=eve\n")
        assert sql(stack, "select current_user, current_database()").out == "hello|hello\n"

    def test_the_password_goes_along_where_the_server_asks_for_it(self, stack: Stack) -> None:
        trust = "sed -i 's/^local  *all  *all  *.*/local all all scram-sha-256/' $PGDATA/pg_hba.conf"
        reload = 'gosu postgres pg_ctl reload -D "$PGDATA"'
        keep = 'cp -p "$PGDATA/pg_hba.conf" "$PGDATA/pg_hba.kept"'
        back = 'cp -p "$PGDATA/pg_hba.kept" "$PGDATA/pg_hba.conf"'
        in_container = ("exec", "-T", "postgres", "sh", "-euc")
        stack.compose(*in_container, f"{keep}; {trust}; {reload}")
        try:
            refused = ["psql", "--username", "hello", "--no-password", "-c", "select 1"]
            eventually(lambda: "no password supplied" in failing(stack, "exec", "-T", "postgres", *refused))
            assert sql(stack, "select many()").out == "500\n"
            stack.uvdock("db.dump", "-o", "x.sql")
            stack.uvdock("db.restore", "x.sql", "--yes")
        finally:
            stack.compose(*in_container, f"{back}; {reload}")


class TestTerminal:
    @pytest.mark.parametrize(
        ("answer", "left"), [(b"n\r", "0\n"), pytest.param(b"y\r", "500\n", marks=LONG)], ids=["no", "yes"]
    )
    def test_a_restore_asks_first(self, stack: Stack, answer: bytes, left: str) -> None:
        stack.uvdock("db.dump", "-o", "x.sql")
        sql(stack, "delete from bakery.oven")
        with OwnTerminal(stack, "db.restore", "x.sql") as terminal:
            assert "everything in the database hello" in read_until(terminal, "[y/N] ")
            terminal.type(answer)
            terminal.read_to_end()
            assert terminal.process.wait(timeout=60) == (0 if answer == b"y\r" else 1)
        assert sql(stack, "select count(*) from bakery.oven").out == left

    def test_ctrl_c_stops_a_dump(self, stack: Stack) -> None:
        before = set(stack.root.iterdir())
        with locked(stack, "access exclusive"), OwnTerminal(stack, "db.dump") as terminal:
            eventually(lambda: waiting(stack))
            terminal.type(b"\x03")
            assert "no file was written" in terminal.read_to_end()
            assert terminal.process.wait(timeout=60) == 130
        assert set(stack.root.iterdir()) == before
        eventually(lambda: "pg_dump" not in processes(stack))

    def test_the_shell_is_one(self, stack: Stack) -> None:
        with OwnTerminal(stack, "db.shell") as terminal:
            read_until(terminal, "hello=#")
            terminal.type(b"select 6 * 7 as found;\r")
            read_until(terminal, "42")
            terminal.type(b"\\q\r")
            terminal.read_to_end()
            assert terminal.process.wait(timeout=60) == 0


class TestWait:
    def test_a_healthy_database_is_up(self, stack: Stack) -> None:
        ran = stack.uvdock("db.wait", "--timeout", "0")
        assert ran.out == ""
        assert ran.err.startswith("postgres is up: its health check says healthy\n")

    def test_one_that_is_not_there_is_an_error_at_once(self, new_folder: Path) -> None:
        stack = custom(new_folder, "services:\n  db:\n    image: postgres:18.4-trixie\n")
        for task in (["db.wait"], ["db.shell"], ["db.dump"], ["db.restore", "--yes", "compose.yaml"]):
            ran = stack.uvdock(*task, ok=False)
            assert ran.code == 1
            assert ran.err.splitlines() == [
                "error: the service db is not running",
                f"   at: {stack.root}/compose.yaml",
                " next: start it: up -- db",
            ]

    def test_one_without_a_health_check_is_asked_itself(self, new_folder: Path) -> None:
        stack = custom(
            new_folder,
            """\
            services:
              db:
                build: docker/db
                environment: {POSTGRES_USER: ada, POSTGRES_PASSWORD: x}
                stop_grace_period: 0s
            """,
        )
        # What it is, only its Dockerfile tells.
        (stack.root / "docker/db").mkdir(parents=True)
        (stack.root / "docker/db/Dockerfile").write_text("FROM postgres:18.4-trixie\n")
        try:
            stack.uvdock("up")
            assert stack.uvdock("db.wait").err.startswith("db is up: it answers\n")
            assert sql(stack, "select current_user, current_database()").out == "ada|ada\n"
        finally:
            _remove(stack)

    def test_one_that_never_comes_up_and_one_that_ends_say_their_last_words(self, new_folder: Path) -> None:
        stack = custom(
            new_folder,
            """\
            services:
              sick:
                image: postgres:18.4-trixie
                entrypoint: ["sh", "-c", "echo the last words; exec sleep infinity"]
                stop_grace_period: 0s
                healthcheck: {test: ["CMD", "false"], interval: 1s}
              ends:
                image: postgres:18.4-trixie
            """,
        )
        try:
            stack.uvdock("up")
            sick = stack.uvdock("db.wait", "--service", "sick", "--timeout", "1", ok=False)
            assert sick.code == 1
            *log, what, where, fix = sick.err.splitlines()
            assert "  the last words" in log
            assert what == "error: sick did not come up within 1 s"
            assert "its health check says " in where
            assert "uvdock logs sick" in fix

            ends = stack.uvdock("db.wait", "--service", "ends", ok=False)
            assert ends.code == 1
            *log, what, where, _ = ends.err.splitlines()
            assert "password is not specified" in "\n".join(log)
            assert what == "error: ends does not run"
            assert "it has ended with 1" in where

            unclear = stack.uvdock("db.wait", ok=False)
            assert unclear.code == 2
            assert "which database is meant: ends, sick" in unclear.err
        finally:
            _remove(stack)


class TestRedis:
    @pytest.mark.parametrize(("program", "separator"), [pytest.param("inv", ["--"], marks=LONG), ("uvdock", [])])
    def test_it_keeps_what_it_is_given(self, stack: Stack, program: str, separator: list[str]) -> None:
        def cli(*args: str) -> str:
            ran = stack.program.run("redis.cli", *separator, *args, cwd=stack.root, program=program)
            assert (ran.code, ran.err) == (0, "")
            return ran.out

        assert cli("set", "a key", "a  value") == "OK\n"
        assert cli("get", "a key") == "a  value\n"

    def test_the_password_goes_along(self, new_folder: Path) -> None:
        stack = custom(
            new_folder,
            """\
            services:
              queue:
                image: redis:8.6.3-trixie
                command: ["sh", "-c", 'exec redis-server --requirepass "$$PASS"']
                environment: {PASS: pass-word}
                stop_grace_period: 0s
                healthcheck: {test: ["CMD-SHELL", "redis-cli -a $$PASS ping | grep PONG"], interval: 1s}
            """,
        )
        try:
            stack.uvdock("up", "--wait")
            ran = stack.uvdock("redis.cli", "ping")
            assert (ran.out, ran.err) == ("PONG\n", "")
        finally:
            _remove(stack)


@LONG
class TestMariaDb:
    DOCKERFILE = """\
        FROM python:3.13-slim-trixie
        RUN apt-get update && apt-get install --yes --no-install-recommends mariadb-server
        COPY start /start
        CMD ["sh", "/start"]
        """
    START = """\
        set -eu
        install -d -o mysql /run/mysqld
        mariadbd --user=mysql --skip-networking & first=$!
        until mariadb -e 'select 1' >/dev/null 2>&1; do sleep 0.1; done
        mariadb -e "create database $MARIADB_DATABASE;
          create user '$MARIADB_USER'@'%' identified by '$MARIADB_PASSWORD';
          grant all on $MARIADB_DATABASE.* to '$MARIADB_USER'@'%';
          alter user root@localhost identified by '$MARIADB_ROOT_PASSWORD'"
        kill $first && wait $first || true
        exec mariadbd --user=mysql
        """

    def test_rows_come_back_and_the_right_user_has_the_shell(self, new_folder: Path) -> None:
        stack = custom(
            new_folder,
            """\
            services:
              db:
                build: .
                stop_grace_period: 0s
                environment:
                  MARIADB_DATABASE: shop
                  MARIADB_USER: ada
                  MARIADB_PASSWORD: "one two"
                  MARIADB_ROOT_PASSWORD: three
            """,
        )
        (stack.root / "Dockerfile").write_text(textwrap.dedent(self.DOCKERFILE))
        (stack.root / "start").write_text(textwrap.dedent(self.START))
        if subprocess.run(["docker", "compose", "build"], cwd=stack.root, capture_output=True, check=False).returncode:
            pytest.skip("there is no mariadb-server to install")
        try:
            stack.uvdock("up")
            unknown = stack.uvdock("db.wait", ok=False)
            assert (unknown.code, "no service of the Compose file is a database" in unknown.err) == (2, True)
            # Neither its image's name nor what that starts from tells: the server that runs in it does.
            named = ("--service", "db")
            stack.uvdock("db.wait", *named)
            run = ("db.shell", *named, "--", "--skip-column-names", "-e")
            assert stack.uvdock(*run, "select substring_index(user(), '@', 1), database()").out == "ada\tshop\n"
            stack.uvdock(*run, "create table cake (name text, raw blob); insert into cake values ('é\\n1', x'00ff0a')")
            before = stack.uvdock(*run, "select hex(name), hex(raw) from cake").out
            stack.uvdock("db.dump", *named, "-o", "x.sql.gz")
            stack.uvdock(*run, "drop table cake")
            stack.uvdock("db.restore", *named, "x.sql.gz", "--yes")
            assert stack.uvdock(*run, "select hex(name), hex(raw) from cake").out == before != ""

            (stack.root / "broken.sql").write_text("insert into cake values ('2');\nnonsense;\n")
            broken = stack.uvdock("db.restore", *named, "broken.sql", "--yes", ok=False)
            assert broken.code == 1
            assert "MariaDB cannot roll back" in broken.err
        finally:
            _remove(stack)


class locked:  # noqa: N801 - used as a word
    """A session that holds a lock on the table ``cake``."""

    def __init__(self, stack: Stack, mode: str) -> None:
        self.stack = stack
        self.process = subprocess.Popen(
            ["docker", "compose", "exec", "-T", "postgres", "psql", "--username", "hello", "--quiet"],
            cwd=stack.root,
            env=stack.program.env,
            stdin=subprocess.PIPE,
        )
        assert self.process.stdin is not None
        self.process.stdin.write(f"begin; lock table cake in {mode} mode;\n".encode())
        self.process.stdin.flush()
        held = "select count(*) from pg_locks where granted and relation = 'cake'::regclass and mode ilike '{}%'"
        eventually(lambda: query(stack, held.format(mode.replace(" ", ""))) == "1")

    def __enter__(self) -> None:
        return

    def __exit__(self, *_: object) -> None:
        self.process.communicate(timeout=60)


def command_lines() -> Iterator[bytes]:
    """The command line of every process of this machine, containers' too."""
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with suppress(OSError):
            yield path.read_bytes()


def query(stack: Stack, text: str) -> str:
    """What the database answers, past uvdock."""
    return stack.compose("exec", "-T", "postgres", "psql", "-U", "hello", "-qAtc", text).strip()


def waiting(stack: Stack) -> bool:
    """Whether a session waits for a lock."""
    return query(stack, "select count(*) from pg_locks where not granted") != "0"


def processes(stack: Stack) -> str:
    """The command lines of what runs in the database's container."""
    return stack.compose("top", "postgres")


def failing(stack: Stack, *args: str) -> str:
    """What a `docker compose` command says on standard error."""
    done = subprocess.run(
        ["docker", "compose", *args], cwd=stack.root, env=stack.program.env, capture_output=True, text=True, check=False
    )
    return done.stderr


def plain(text: bytes) -> bytes:
    """A dump without the first lines that say what made it, and so where it must end."""
    return text[text.index(b"SET ") :]
