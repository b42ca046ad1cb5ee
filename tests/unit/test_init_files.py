"""What `init` makes of whole files as repos have them: what is carried over, what uvdock has, what is left and why."""

from __future__ import annotations

import tomllib
from typing import Any

import pytest

from tests.conftest import REPO
from uvdock import commands
from uvdock.init.plan import State, plan

FIXTURES = REPO / "tests" / "fixtures" / "init"
#: uvdock's own tasks, fixed here so that a new one changes no table.
TASKS = frozenset(
    (
        *("uv", "cmd", "shell", "build", "config", "ci.test", "clean", "secret", "init"),
        *("deps.install", "deps.lock", "deps.check", "deps.outdated"),
    )
)
READY = frozenset(("lint.shell", "format.shell", "lint.dockerfile", "up", "down", "ps", "logs"))
HELPER = "a helper: what it does is in the commands that use it"
OTHER_TASK = "uvdock has another task of that name, clean; with replace = true yours would take its place"
ONE_OFFS = "docker compose run starts a service's dependencies and its entry point; uvdock's one-offs have neither"
#: Folder, service, commands, what uvdock has, what is left with line and reason, notes.
FILES = [
    pytest.param(
        "flask",
        "web",
        {
            "flask": {"run": "flask", "help": "The app's own commands"},
            "lint.dockerfile": {
                "run": "docker container run --rm -v ${PWD}:/code:ro -w /code hadolint/hadolint hadolint Dockerfile",
                "backend": "host",
                "help": "Check the Dockerfile",
            },
            "lint.shell": {
                "run": "shellcheck run bin/docker-entrypoint",
                "backend": "host",
                "help": "Check the shell scripts",
            },
            "lint": {"run": "ruff check", "help": "Check the Python code"},
            "format": {
                "steps": ["cmd -- ruff check --select I --fix", "cmd -- ruff format"],
                "help": "Lay out the Python code",
            },
            "quality": {
                "steps": ["lint.dockerfile", "lint.shell", "lint", "format"],
                "help": "All checks, one after the other",
            },
            "psql": {"run": "psql -U ${POSTGRES_USER}", "service": "postgres", "help": "The database's client"},
            "pg.ready": {
                "run": "pg_isready -d ${POSTGRES_DB:-hello}",
                "service": "postgres",
                "user": "postgres",
                "env": ["PGPASSWORD"],
                "help": "Ask the database whether it is there",
            },
            "redis-cli": {"run": "redis-cli", "service": "redis", "help": "The cache's client"},
            "test": {"run": "pytest test/", "env": ["FLASK_ENV"], "help": "The tests"},
            "test.fresh": {
                "run": "pytest",
                "workdir": "/app/test",
                "one_off": True,
                "help": "The tests, in a container of their own",
            },
            "yarn": {"run": "yarn", "service": "js", "help": "Any yarn command"},
            "yarn.outdated": {"run": "yarn outdated", "service": "js", "help": "Packages with a newer release"},
            "db.reset-1": {"run": "docker volume prune --force", "backend": "host", "help": "Step 1 of db.reset."},
            "db.reset": {
                "steps": [
                    "flask -- db drop",
                    "flask -- db init --with-testdb",
                    "psql -- -c \"select 'ready'\"",
                    "db.reset-1",
                ],
                "help": "A new database, with the tables in it",
            },
            "ci.install-deps-1": {
                "run": "sudo apt-get install -y curl shellcheck",
                "backend": "host",
                "help": "Step 1 of ci.install-deps.",
            },
            "ci.install-deps-2": {
                "run": "sudo curl -L https://example.com/wait-until -o /usr/local/bin/wait-until",
                "backend": "host",
                "help": "Step 2 of ci.install-deps.",
            },
            "ci.install-deps": {"steps": ["ci.install-deps-1", "ci.install-deps-2"], "help": "Tools for CI"},
        },
        {
            "cmd": "cmd",
            "format:shell": "format.shell",
            "secret": "secret",
            "shell": "shell",
            "deps:install": "deps.install",
            "uv": "uv",
            "uv:outdated": "deps.outdated",
            "ci:test": "ci.test",
            "help": "--list",
        },
        {
            "_dc": (18, HELPER),
            "_dc_run": (23, HELPER),
            "yarn:build:js": (141, "a variable set in the script ($args)"),
            "clean": (150, OTHER_TASK),
            "logs:web": (166, "a pipe"),
        },
        [ONE_OFFS],
        id="flask",
    ),
    pytest.param(
        "django",
        "web",
        {
            "manage": {
                "run": "python3 manage.py",
                "before": {"test": "python3 manage.py collectstatic --no-input"},
                "help": "Django's own commands; the tests need the static files",
            },
            "migrate": {
                "steps": ["manage -- makemigrations", "manage -- migrate"],
                "help": "Make migrations and run them",
            },
            "superuser": {
                "run": "python3 manage.py createsuperuser --username ${SUPERUSER}",
                "help": "Someone who may do everything",
            },
            "celery-status": {"run": "celery --app config status", "service": "worker"},
            "web.restart-1": {"run": "docker compose restart web", "backend": "host", "help": "Step 1 of web.restart."},
            "web.restart-2": {"run": "docker compose ps", "backend": "host", "help": "Step 2 of web.restart."},
            "web.restart": ["web.restart-1", "web.restart-2"],
            "translate": "bash -c 'cd locale && ls $LANG'",
            "old": "echo new",
        },
        {
            "cmd": "cmd",
        },
        {
            "_dc": (4, HELPER),
            "_in_web": (13, HELPER),
            "dumpdata": (38, "a redirect"),
            "loaddata": (46, "a for loop"),
            "deploy": (57, "a variable set in the script ($TARGET)"),
            "flake": (62, "it is not clear where tox runs: on the host or in a container"),
            "old@69": (69, "line 71 has it again"),
            "tests": (74, "manage is more than one call"),
        },
        [],
        id="django",
    ),
    pytest.param(
        "odd",
        None,
        {
            "up": {"run": "docker compose up -d", "backend": "host"},
            "down": {"run": "docker compose down --remove-orphans", "backend": "host"},
            "py": {"run": "python", "service": "web"},
            "tell": {"run": "echo 'one  two' \"it's\" $HOME ''", "service": "web"},
            "both": ["py -- -V", "cmd --service web -- ls", "down"],
            "user": {"run": "sh -c id", "service": "web", "user": "root", "workdir": "/srv"},
            "ports": {"run": "docker compose -p other exec web ls", "backend": "host"},
        },
        {},
        {
            "web": (10, "any command in web: inv cmd --service web -- … does it"),
            "note": (13, "a redirect"),
            "say": (18, "a brace of file names"),
            "sub": (21, "a subshell"),
            "bad-name!": (22, "a task may not have that name"),
            "two words": (23, "a task may not have that name"),
            "empty": (24, "the shell's own :"),
            "middle": (25, '"$@" in the middle'),
            "first": (26, "the argument $1"),
            "loop": (27, "it calls pool, which is not carried over"),
            "pool": (28, "loop and it call each other"),
            "uses": (30, "a variable set in the script ($set_here)"),
            "publish": (32, "docker compose run with -p"),
        },
        ["run line 2: functions of lib/common.sh are not looked at"],
        id="odd",
    ),
    pytest.param(
        "make",
        None,
        {
            "up": {"run": "docker compose up --detach", "backend": "host", "help": "Start everything"},
            "test": {"run": "pytest", "service": "web", "help": "Run the tests"},
            "lint": {"run": "ruff check .", "service": "web"},
            "format": {
                "steps": ["cmd --service web -- ruff check --fix .", "cmd --service web -- ruff format ."],
                "help": "Format the code",
            },
            "check": {"steps": ["lint", "test"], "help": "Everything that must be right"},
            "manage": {"run": "python manage.py", "service": "web", "help": "The shop's own commands"},
            "psql": {
                "run": "psql -U ${POSTGRES_USER} -d ${POSTGRES_DB}",
                "service": "db",
                "user": "postgres",
                "help": "The database's client",
            },
        },
        {
            "help": "--list",
        },
        {
            "image": (40, "make's own $(shell git describe)"),
            "ci": (43, "it calls image, which is not carried over"),
            "clean": (45, OTHER_TASK),
            "deploy": (49, "make's own $<"),
            "watch": (52, "the shell's own cd"),
            "docs": (54, "a variable for this target only (SPHINX)"),
            "release": (59, "an ifeq or ifdef around it"),
            "dist/shop.tar": (63, "it makes a file"),
            "%.pdf": (66, "a pattern rule"),
        },
        [],
        id="make",
    ),
    pytest.param(
        "just",
        None,
        {
            "test": {"run": "pytest", "service": "web", "help": "Run the tests"},
            "flask": {"run": "flask", "service": "web", "help": "Any of the app's commands"},
            "types": {"run": "mypy .", "service": "web"},
            "check-1": {"run": "docker compose config --quiet", "backend": "host", "help": "Step 1 of check."},
            "check": {"steps": ["types", "test", "check-1"], "help": "Every check"},
            "psql": {"run": "psql -U ${POSTGRES_USER}", "service": "db"},
        },
        {},
        {
            "t": (6, "an alias of test"),
            "lint": (17, "the argument path"),
            "hidden": (28, "the attribute [private]"),
            "tag": (32, "just's own {{hash}}"),
            "script": (34, "a script of its own (#!)"),
            "all": (38, "what it depends on is more than names"),
            "serve": (45, "arguments with a default (args)"),
        },
        ["justfile line 43: recipes of 'more.just' are not looked at"],
        id="just",
    ),
]


def state(folder: str, **changes: Any) -> State:
    files = {path.name: path.read_text(encoding="utf-8") for path in (FIXTURES / folder).iterdir()}
    return State(**{"files": files, "tasks": TASKS, "ready": READY, **changes})


@pytest.mark.parametrize(("folder", "service", "carried", "has", "left", "notes"), FILES)
def test_a_whole_file(
    *,
    folder: str,
    service: str | None,
    carried: dict[str, Any],
    has: dict[str, str],
    left: dict[str, tuple[int, str]],
    notes: list[str],
) -> None:
    made = plan(state(folder))

    settings = tomllib.loads(made.edits[1].after)
    assert settings.get("service") == service
    assert settings["commands"] == carried
    assert {item.name: item.task for item in made.found if item.state == "has"} == has
    names = [item.name for item in made.found]
    assert {
        item.name if names.count(item.name) == 1 else f"{item.name}@{item.line}": (item.at, item.why)
        for item in made.found
        if item.state == "left"
    } == left
    assert list(made.notes) == notes
    # What is written can be read, and is called what the report says.
    assert commands.parse(settings["commands"], "").keys() == carried.keys()
    assert {item.task for item in made.found if item.state == "carried"} <= carried.keys()


@pytest.mark.parametrize("folder", ["flask", "django", "odd", "make", "just"])
def test_a_second_run_finds_everything(folder: str) -> None:
    first = plan(state(folder))
    files = {**state(folder).files, **{edit.name: edit.after for edit in first.edits}}

    second = plan(state(folder, files=files))

    assert second.edits == ()
    assert {item.state for item in second.found} <= {"kept", "has", "left"}
    assert [item.name for item in second.found] == [item.name for item in first.found]
    assert {item.name for item in first.found if item.state == "carried"} <= {
        item.name for item in second.found if item.state == "kept"
    }


def test_two_files_of_one_repo() -> None:
    files = {**state("just").files, **state("flask").files}

    made = plan(State(files, TASKS, READY))

    just = {item.name: (item.state, item.why) for item in made.found if item.source == "justfile"}
    assert just["psql"] == ("left", "run has a task psql already")
    assert just["types"][0] == "carried"
    # The service of ./run is the default by then, so it is named in no command.
    assert tomllib.loads(made.edits[1].after)["commands"]["types"] == "mypy ."
