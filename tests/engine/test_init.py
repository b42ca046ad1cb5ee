"""What `uvdock init` carries over runs against real services: from `./run` files, a Makefile, a justfile."""

from __future__ import annotations

import os
import shutil
import subprocess
import tomllib
from collections.abc import Callable

import pytest

from tests.conftest import REPO, Ran
from tests.engine.conftest import IMAGE_UID, Stack

pytestmark = [pytest.mark.engine, pytest.mark.slow]

Reference = Callable[[str, str], Stack]


def with_run_file(stack: Stack, flavour: str) -> None:
    """The stack as a repo that has a `./run` and no tasks.py yet."""
    (stack.root / "tasks.py").unlink()
    shutil.copy(REPO / "tests/fixtures/init" / flavour / "run", stack.root / "run")
    stack.uvdock("init", "--yes")


@pytest.mark.long
def test_a_flask_run_file(reference: Reference) -> None:
    stack = reference("flask", ".")
    with_run_file(stack, "flask")
    (stack.root / ".env").write_text((stack.root / ".env.example").read_text().replace("WEB_PORT=8000", "WEB_PORT=0"))
    stack.inv("deps.install")
    stack.up()

    assert "/up" in stack.inv("flask", "--", "--app", "hello.app:create_app", "routes").out
    assert stack.inv("psql", "--", "-qtAc", "select 6 * 7").out == "42\n"
    assert "accepting connections" in stack.inv("pg.ready").out
    assert stack.inv("redis-cli", "--", "ping").out == "PONG\n"
    assert " passed" in stack.inv("test").out
    assert "nothing" in stack.uvdock("init", "--yes").err.lower()


def test_a_django_run_file(reference: Reference) -> None:
    stack = reference("django", "apps/backend")
    with_run_file(stack, "django")
    stack.inv("deps.install")
    stack.up()

    assert "no issues" in stack.inv("manage", "--", "check").out
    assert "No planned migration operations" in stack.inv("manage", "--", "migrate", "--plan").out
    assert stack.inv("old").out == "new\n"
    before = stack.container()
    stack.inv("web.restart")
    assert stack.container() == before


#: What each file's commands need in the service: `docker compose exec web …` finds them there.
NEEDED = ("flask", "mypy", "pytest", "ruff")
APP = "import os\n\nfrom flask import Flask\n\napp=Flask(__name__)\n"
FILES = {
    ".env": "POSTGRES_USER=ada\nPOSTGRES_DB=shop\nPOSTGRES_PASSWORD=x\n",
    "app.py": APP,
    "manage.py": 'import sys\n\nprint("managed", sys.argv[1:])\n',
    "test_app.py": "def test_one() -> None:\n    pass\n\n\ndef test_two() -> None:\n    pass\n",
}
DATABASE = """\
  db:
    image: postgres:18.4-trixie
    env_file: .env
    stop_grace_period: 0s
    healthcheck: {test: ["CMD-SHELL", "pg_isready -h 127.0.0.1 -U ada"], interval: 1s, retries: 60}
"""


class Carried:
    """The stack with one file's commands, each of which is to be run."""

    def __init__(self, stack: Stack, name: str, flavour: str) -> None:
        self.stack = stack
        self.file = stack.root / name
        shutil.copy(REPO / "tests/fixtures/init" / flavour / name, self.file)
        stack.uvdock("init", "--yes")
        self.left = set(tomllib.loads((stack.root / "uvdock.toml").read_text())["commands"])

    def __call__(self, task: str, *args: str, ok: bool = True) -> Ran:
        self.left.discard(task)
        return self.stack.inv(task, "--", *args, ok=ok) if args else self.stack.inv(task, ok=ok)

    def done(self) -> None:
        """Every command was run; the stack is as it was."""
        assert self.left == set()
        self.file.unlink()
        (self.stack.root / "uvdock.toml").unlink()


def test_a_makefile_a_justfile_and_an_odd_run_file(small: Callable[..., Stack]) -> None:
    stack = small(dependencies=NEEDED, volumes=["./:/app"], owner=IMAGE_UID)
    with (stack.root / "compose.yaml").open("a") as file:
        file.write(DATABASE)
    with stack.pyproject.open("a") as file:
        file.write('[[tool.mypy.overrides]]\nmodule = "uvdock"\nignore_missing_imports = true\n')
    for name, content in FILES.items():
        (stack.root / name).write_text(content)
        os.chown(stack.root / name, IMAGE_UID, IMAGE_UID)
    # The one that init writes is a module that ruff leaves as it is.
    (stack.root / "tasks.py").unlink()
    stack.uvdock("deps.install")
    make_file(Carried(stack, "Makefile", "make"))
    just_file(Carried(stack, "justfile", "just"))
    odd_run_file(Carried(stack, "run", "odd"))


def make_file(run: Carried) -> None:
    stack = run.stack
    run("up")
    assert stack.compose("ps", "--services").split() == ["db", "web"]
    stack.up()
    assert "1 passed, 1 deselected" in run("test", "-k", "one").out
    assert "F401" in run("lint", ok=False).out
    stopped = run("check", ok=False)
    assert (stopped.code, "lint failed with 1; not run: test" in stopped.err) == (1, True)
    run("format")
    assert (stack.root / "app.py").read_text() == "from flask import Flask\n\napp = Flask(__name__)\n"
    assert "2 passed" in run("check").out
    assert run("manage", "a  b", "").out == "managed ['a  b', '']\n"
    assert run("psql", "-qAtc", "select current_user || current_database()").out == "adashop\n"
    assert run("psql", "-qAtc", r"\! id -un").out == "postgres\n"
    run.done()


def just_file(run: Carried) -> None:
    assert "1 passed, 1 deselected" in run("test", "-k", "two").out
    assert "/static/<path:filename>" in run("flask", "routes").out
    assert "Success: no issues found" in run("types").out
    run("check-1")
    everything = run("check").out
    assert ("Success: no issues found" in everything, "2 passed" in everything) == (True, True)
    (run.stack.root / "test_app.py").write_text("def test_one() -> None:\n    assert False\n")
    stopped = run("check", ok=False)
    assert (stopped.code, "test failed with 1; not run: check-1" in stopped.err) == (1, True)
    # The database that psql takes for want of one has the user's name.
    run.stack.compose("exec", "-T", "db", "createdb", "-U", "ada", "ada")
    assert run("psql", "-qAtc", "select current_user || current_database()").out == "adaada\n"
    run.done()


def odd_run_file(run: Carried) -> None:
    stack = run.stack
    stack.compose("down", "--timeout", "0")
    run("up")
    assert stack.compose("ps", "--services").split() == ["db", "web"]
    assert (
        run("tell", "a  b", "*").stdout == in_bash(run, "tell", "a  b", "*").stdout == b"one  two it's $HOME  a  b *\n"
    )
    assert run("py", "-c", "import sys; print(sys.argv)", "x y").out == "['-c', 'x y']\n"
    assert run("user").out.startswith("uid=0(root)")
    # A project of that name does not run, and whose it would be is not asked: Compose says the same to both.
    refused, theirs = run("ports", ok=False), in_bash(run, "ports")
    assert (refused.code, refused.stderr) == (theirs.code, theirs.stderr)
    assert refused.code == 1
    both = run("both").out
    assert (both.startswith("Python 3.13"), "compose.yaml" in both) == (True, True)
    assert stack.compose("ps", "--all", "--quiet") == ""
    run("down")
    run.done()


def in_bash(run: Carried, function: str, *args: str) -> Ran:
    """What bash itself makes of a function of the file, most of which no bash reads."""
    lines = [line for line in run.file.read_text().splitlines() if line.startswith(("web()", f"{function}()"))]
    script = "\n".join([*lines, f'{function} "$@"'])
    argv = ["bash", "-c", script, "run", *args]
    done = subprocess.run(
        argv, cwd=run.stack.root, env=run.stack.program.env, capture_output=True, check=False, timeout=60
    )
    return Ran(done.returncode, done.stdout, done.stderr)
