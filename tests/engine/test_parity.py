"""What a `./run` file has, uvdock has: each row of the table in docs/run.md is run on a reference stack.

The table is read, not copied: a row without a check fails, and so does a check without a row. Each check says what
became of it where it was to happen: in the container, the database, the files; not only that it ended well. A check
must have typed every task and every long option that its row names.
"""

from __future__ import annotations

import base64
import json
import os
import re
import shutil
import subprocess
import sys
import uuid
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.conftest import REPO, Program, Ran, clean_environment, hashes
from tests.engine.conftest import IMAGE_UID, Stack, _remove, docker

pytestmark = [pytest.mark.engine, pytest.mark.slow]

PAGE = REPO / "docs" / "run.md"
#: What is no file of the repo's own: by-products, and the variables of this machine.
IGNORED = ".env\n.coverage\n__pycache__/\n.pytest_cache/\n.ruff_cache/\nnode_modules/\n"
#: They follow those that the stack has, in the last table of its uvdock.toml.
COMMANDS = """
flask = {run = "flask --app hello.app:create_app", help = "The app's own CLI."}
psql = {service = "postgres", run = "psql -U ${POSTGRES_USER} ${POSTGRES_DB}"}
keys = {service = "redis", run = "redis-cli --raw"}
whoami = {run = "id -un", user = "root"}
alone = {run = "hostname", one_off = true}
together = "hostname"
token = {run = "printenv TOKEN", env = ["TOKEN"]}
here = {run = "uname -n", backend = "host"}
both = {steps = ["together", "whoami"], parallel = true}
"""
DJANGO_COMMANDS = """\
[tool.uvdock.commands]
manage = { run = "python3 manage.py", before = { test = "python3 manage.py collectstatic --no-input" } }
"""
STATIC = '\nINSTALLED_APPS += ["django.contrib.staticfiles"]\nSTATIC_URL = "static/"\nSTATIC_ROOT = "/tmp/static"\n'


def rows() -> list[str]:
    """The table's second column: what is typed with uvdock."""
    lines = PAGE.read_text().splitlines()
    start = lines.index("| In `./run` | With uvdock | |")
    cells = [line.strip("|").split("|") for line in lines[start + 2 : lines.index("", start)]]
    assert all(len(row) == 3 for row in cells), "a cell has a | of its own"
    return [row[1].strip() for row in cells]


@dataclass
class Typed(Stack):
    """A stack that notes what is typed there, and knows how it was brought up."""

    typed: list[list[str]] = field(default_factory=list)
    first: Ran = field(default_factory=lambda: Ran(1, b"", b""))

    def _run(self, program: str, args: Sequence[str], cwd: Path | None, *, ok: bool, stdin: bytes = b"") -> Ran:
        self.typed.append(list(args))
        return super()._run(program, args, cwd, ok=ok, stdin=stdin)

    def sql(self, text: str) -> str:
        """What the database answers, past uvdock."""
        return self.compose("exec", "-T", "postgres", "psql", "-U", self.user, "-d", self.database, "-qAtc", text)

    @property
    def flask(self) -> bool:
        return self.project == self.root

    @property
    def user(self) -> str:
        return "ada"

    @property
    def database(self) -> str:
        return "notes"


Check = Callable[[Typed], None]
CHECKS: dict[str, tuple[Check, tuple[str, ...]]] = {}


def row(command: str, *, on: tuple[str, ...] = ("flask",)) -> Callable[[Check], Check]:
    """The check of the row whose second cell is ``command``, and the stacks that it is run on."""

    def add(check: Check) -> Check:
        assert command not in CHECKS, f"two checks of {command}"
        CHECKS[command] = (check, on)
        return check

    return add


BOTH = ("flask", "django")


def bring_up(folder: Path, name: str, project: str) -> Typed:
    """A copy of a reference stack as a clone with its own `.env.example`, brought up by `ci.test`, as CI does."""
    root = folder / f"s{uuid.uuid4().hex[:10]}"
    left_out = shutil.ignore_patterns("uv.lock", ".venv", ".env", "node_modules", "package-lock.json")
    shutil.copytree(REPO / "compose" / name, root, ignore=left_out)
    stack = Typed(root, Program(clean_environment()), root / project)
    example = (root / ".env.example").read_text().replace("WEB_PORT=8000", "WEB_PORT=0")
    # Not what the Compose file has for want of an .env.
    example = re.sub(r"(POSTGRES_USER)=\w+", rf"\1={stack.user}", example)
    (root / ".env.example").write_text(re.sub(r"(POSTGRES_DB)=\w+", rf"\1={stack.database}", example))
    (root / ".gitignore").write_text(IGNORED)
    if stack.flask:
        with (root / "uvdock.toml").open("a") as file:
            file.write(COMMANDS)
        # The image's user is another than the owner of these files when root runs the tests.
        for path in (root, root / "public"):
            path.chmod(0o777)
        os.chown(root / "public", IMAGE_UID, IMAGE_UID)
    else:
        (root / "pyproject.toml").write_text(DJANGO_COMMANDS)
        static = stack.project / "src/notes/static"
        static.mkdir()
        (static / "notes.css").write_text("body {}\n")
        with (stack.project / "src/config/settings.py").open("a") as file:
            file.write(STATIC)
    subprocess.run(["git", "init", "--quiet"], cwd=root, check=True)
    on_github = {"GITHUB_ACTIONS": "true", "GITHUB_STEP_SUMMARY": str(folder / "summary.md")}
    stack.first = stack.program.run("ci.test", cwd=root, env=on_github, timeout=500)
    return stack


def brought_up(tmp_path_factory: pytest.TempPathFactory, name: str, project: str) -> Iterator[Typed]:
    stack = bring_up(tmp_path_factory.mktemp("parity"), name, project)
    try:
        assert stack.first.code == 0, stack.first.out + stack.first.err
        yield stack
    finally:
        _remove(stack)


@pytest.fixture(scope="module")
def flask(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Typed]:
    yield from brought_up(tmp_path_factory, "flask", ".")


@pytest.fixture(scope="module")
def django(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Typed]:
    yield from brought_up(tmp_path_factory, "django", "apps/backend")


@row("`cmd -- python -V`", on=BOTH)
def cmd(stack: Typed) -> None:
    inside = stack.in_container("python", "-V")
    assert stack.inv("cmd", "--", "python", "-V").out == f"{inside}\n"
    stack.inv("cmd", "--", "touch", "/tmp/a  name")
    assert stack.in_container("ls", "/tmp/a  name") == "/tmp/a  name"
    assert stack.inv("cmd", "--", "sh", "-c", "exit 7", ok=False).code == 7


@row("`cmd --service worker -- env`")
def another_service(stack: Typed) -> None:
    assert f"HOSTNAME={stack.in_container('hostname', service='worker')}\n" in (
        stack.inv("cmd", "--service", "worker", "--", "env").out
    )
    assert stack.inv("cmd", "--user", "root", "--service", "redis", "--", "id", "-un").out == "root\n"


@row("`flask`, a command of yours")
def flask_command(stack: Typed) -> None:
    assert "/up/databases" in stack.inv("flask", "--", "routes").out
    stack.sql("drop table notes")
    stack.uvdock("flask", "init-db")
    assert stack.sql("select count(*) from notes") == "0"
    check_own_commands(stack)


def check_own_commands(stack: Typed) -> None:
    """Each of `COMMANDS` runs where and as it says."""
    assert stack.uvdock("psql", "-qtAc", "select 'a b' || current_user").out == "a bada\n"
    assert stack.inv("psql", "--", "-qtA", "-c", "create table seven (n int); insert into seven values (7)").code == 0
    assert stack.uvdock("psql", "-qtA", stdin=b"select n from seven; drop table seven").out == "7\n"
    assert stack.uvdock("keys", "set", "a key", "a value").out == "OK\n"
    assert stack.uvdock("keys", "get", "a key").out == "a value\n"
    assert stack.uvdock("whoami").out == "root\n"

    container = stack.in_container("hostname")
    assert stack.uvdock("together").out.strip() == container
    assert stack.uvdock("alone").out.strip() != container
    stack.program.env["TOKEN"] = "t0k3n"
    assert stack.uvdock("token").out == "t0k3n\n"
    assert stack.uvdock("here").out.strip() != container
    shown = stack.uvdock("both").out.splitlines()
    assert sorted(shown) == sorted([f"together │ {container}", "whoami   │ root"])


@row("`manage`, a command of yours", on=("django",))
def manage_command(stack: Typed) -> None:
    assert "no issues" in stack.inv("manage", "--", "check").out
    made = ("test", "-f", "/tmp/static/notes.css")
    assert stack.inv("cmd", "--", *made, ok=False).code == 1
    assert "1 static file copied" in stack.inv("manage", "--", "test", "notes.views").out
    assert stack.inv("cmd", "--", *made).code == 0
    before = stack.sql("select count(*) from notes_note")
    stack.uvdock("manage", "shell", "-c", "from notes.models import Note; Note.objects.create(text='made')")
    assert int(stack.sql("select count(*) from notes_note")) == int(before) + 1


def spoiled(stack: Typed, path: str, content: str, task: str, words: str) -> None:
    """A linter finds the fault in a file; that there is none without it, `ci.test` said."""
    file = stack.project / path
    file.write_text(content)
    try:
        ran = stack.inv(task, ok=False)
        assert (ran.code, words in ran.out) == (1, True), ran.out + ran.err
    finally:
        file.unlink()


@row("`lint.dockerfile`")
def lint_dockerfile(stack: Typed) -> None:
    spoiled(stack, "Dockerfile.more", "FROM python:3.13-slim-trixie\nRUN sudo ls\n", "lint.dockerfile", "DL3004")


@row("`lint.shell`")
def lint_shell(stack: Typed) -> None:
    spoiled(stack, "more.sh", "#!/bin/sh\nrm $1\n", "lint.shell", "SC2086")


@row("`lint`")
def lint(stack: Typed) -> None:
    spoiled(stack, "more.py", '"""More."""\n\nimport os\n', "lint", "F401")


@row("`format.shell [--diff]`")
def format_shell(stack: Typed) -> None:
    file = stack.project / "more.sh"
    file.write_text("#!/bin/sh\nif true; then\n       ls\nfi\n")
    before = hashes(stack.root)
    shown = stack.inv("format.shell", "--diff", ok=False)
    assert (shown.code, "+  ls" in shown.out) == (1, True)
    assert hashes(stack.root) == before
    stack.inv("format.shell")
    assert file.read_text() == "#!/bin/sh\nif true; then\n  ls\nfi\n"
    file.unlink()


@row("`format`")
def format_python(stack: Typed) -> None:
    file = stack.project / "more.py"
    file.write_text("x=1\n")
    shown = stack.inv("format", "--", "--diff", ok=False)
    assert (shown.code, "+x = 1" in shown.out, file.read_text()) == (1, True, "x=1\n")
    stack.inv("format")
    assert file.read_text() == "x = 1\n"
    file.unlink()


@row("`quality`")
def quality(stack: Typed) -> None:
    python, shell = stack.project / "more.py", stack.project / "more.sh"
    python.write_text("x=1\n")
    shell.write_text("#!/bin/sh\nrm $1\n")
    stopped = stack.inv("quality", ok=False)
    assert (stopped.code, "SC2086" in stopped.out) == (1, True)
    assert "lint.shell failed with 1; not run: lint, format.shell, format" in stopped.err
    assert python.read_text() == "x=1\n"
    shell.unlink()
    assert stack.inv("quality").code == 0
    assert python.read_text() == "x = 1\n"
    python.unlink()


@row("`test`")
def run_tests(stack: Typed) -> None:
    assert re.search(r"\b1 passed", stack.inv("test", "--", "-k", "a_note_is_kept").out)
    file = stack.root / "test/test_more.py" if stack.flask else stack.project / "src/notes/test_more.py"
    file.write_text("def test_more() -> None:\n    assert False\n")
    ran = stack.inv("test", "--", "-k", "test_more", ok=False)
    assert (ran.code, "1 failed" in ran.out) == (1, True)
    file.unlink()


@row("`test -- --cov`", on=BOTH)
def coverage(stack: Typed) -> None:
    ran = stack.inv("test", "--", "--cov", "-k", "a_note_is_kept")
    assert re.search(r"(?m)^(hello|notes)/views.py +\d+ +\d+ +\d+%$", ran.out), ran.out
    assert re.search(r"(?m)^TOTAL +\d+ +\d+ +\d+%$", ran.out)


@row("`shell`", on=BOTH)
def shell(stack: Typed) -> None:
    ran = stack.inv("cmd", "--", "hostname")
    typed = b'hostname\necho "$BASH_VERSION" | cut -c 1\nexit 3\n'
    shown = stack.uvdock("shell", stdin=typed, ok=False)
    assert (shown.out, shown.code) == (f"{ran.out}5\n", 3)


@row("`db.shell`", on=BOTH)
def database_shell(stack: Typed) -> None:
    asked = "select current_user || ' ' || current_database()"
    assert stack.inv("db.shell", "--", "-qAtc", asked).out == f"{stack.user} {stack.database}\n"
    stack.uvdock("db.shell", stdin=b"create table made (name text);\ninsert into made values ('a  b');\n")
    assert stack.sql("select name from made") == "a  b"
    stack.sql("drop table made")


def dumped(stack: Typed) -> str:
    """The whole database as its own program dumps it, without what is new in every dump."""
    text = stack.compose("exec", "-T", "postgres", "pg_dump", "-U", stack.user, stack.database)
    return "\n".join(line for line in text.splitlines() if "restrict" not in line)


@row("`db.dump`, `db.restore`, `db.wait`", on=BOTH)
def dump_and_restore(stack: Typed) -> None:
    assert "postgres is up" in stack.inv("db.wait").err
    stack.sql(
        "create table kept (name text, at timestamptz); insert into kept select n, now() from generate_series(1, 99) n"
    )
    before = dumped(stack)
    stack.inv("db.dump", "--output", "kept.sql.gz")
    stack.sql("drop table kept; create table other (n int)")
    assert dumped(stack) != before
    stack.inv("db.restore", "kept.sql.gz", "--yes")
    assert dumped(stack) == before
    stack.sql("drop table kept")
    (stack.root / "kept.sql.gz").unlink()


@row("`--list`, `--help TASK`")
def help_and_list(stack: Typed) -> None:
    for listed in (stack.inv("--list").out, stack.uvdock("--list").out):
        assert re.search(r"(?m)^  flask +The app's own CLI\.$", listed)
        assert re.search(r"(?m)^  db.dump ", listed)
    assert "  uvdock deps.install --no-build\n" in stack.uvdock("--help", "deps.install").out
    assert "Runs: flask --app hello.app:create_app" in stack.uvdock("--help", "flask").out


@row("`completion SHELL`")
def completion(stack: Typed) -> None:
    script = stack.uvdock("completion", "bash").stdout
    typed = b'\nCOMP_WORDS=(uvdock logs red); COMP_CWORD=2; COMP_LINE="uvdock logs red"; COMP_POINT=15\n'
    ask = (
        b'words=($(complete -p uvdock)); for n in "${!words[@]}"; do [[ ${words[n]} == -F ]] && "${words[n + 1]}"; done'
    )
    done = subprocess.run(
        ["bash"],
        input=script + typed + ask + b'\necho "${COMPREPLY[@]}"\n',
        cwd=stack.root,
        env={**stack.program.env, "XDG_CACHE_HOME": str(stack.root.parent / "cache")},
        capture_output=True,
        check=True,
        timeout=60,
    )
    assert done.stdout.split() == [b"redis"], done.stderr


@row("`redis.cli`")
def redis(stack: Typed) -> None:
    stack.inv("redis.cli", "--", "set", "a key", "a  value")
    assert stack.compose("exec", "-T", "redis", "redis-cli", "get", "a key") == "a  value"


def version_in_container(stack: Typed, package: str) -> str:
    """A package's version, as the running app imports it."""
    return stack.in_container("python", "-c", f"from importlib import metadata as m; print(m.version({package!r}))")


@row("`deps.install [--no-build]`")
def install(stack: Typed) -> None:
    web, database = stack.container(), stack.container("postgres")
    stack.pyproject.write_text(stack.pyproject.read_text().replace('"celery[', '"humanize==4.12.0",\n  "celery['))
    stack.inv("deps.install", "--no-build")
    assert version_in_container(stack, "humanize") == "4.12.0"
    assert (stack.container(), stack.image_lock() == stack.lock.read_bytes()) == (web, False)

    stack.inv("deps.install")
    assert stack.image_lock() == stack.lock.read_bytes()
    assert version_in_container(stack, "humanize") == "4.12.0"
    assert (stack.container() == web, stack.container("postgres")) == (False, database)
    assert "ok" in stack.get("/up/databases")


@row("`uv -- add x`", on=BOTH)
def uv(stack: Typed) -> None:
    stack.inv("uv", "--", "add", "idna==3.10")
    assert version_in_container(stack, "idna") == "3.10"
    assert '"idna==3.10"' in stack.pyproject.read_text()
    assert 'name = "idna"\nversion = "3.10"' in stack.lock.read_text()


@row("`deps.outdated`", on=BOTH)
def outdated(stack: Typed) -> None:
    before = hashes(stack.project)
    shown = {item["name"]: item for item in json.loads(stack.inv("deps.outdated", "--json").out)["packages"]}
    direct = {"flask", "gunicorn", "pytest"} if stack.flask else {"django", "gunicorn", "pytest"}
    assert direct <= shown.keys()
    assert "sqlparse" not in shown
    assert "click" not in shown
    everything = json.loads(stack.inv("deps.outdated", "--all", "--json").out)["packages"]
    assert ("click" if stack.flask else "sqlparse") in {item["name"] for item in everything}
    assert hashes(stack.project) == before


def js_version(stack: Typed, package: str) -> str:
    """A package's version in the running container with Node."""
    show = f"JSON.parse(fs.readFileSync('node_modules/{package}/package.json')).version"
    return stack.in_container("node", "-p", show, service="js")


@row("`js.install [--no-build]`")
def js_install(stack: Typed) -> None:
    assets = stack.root / "assets"
    manifest, lock = assets / "package.json", assets / "package-lock.json"
    was = manifest.stat()
    first = stack.inv("js.install")
    assert "holds the host's package-lock.json, byte for byte" in first.err
    image = ["run", "--rm", "--entrypoint", "cat", f"{stack.name}-js", "/assets/package-lock.json"]
    assert docker(*image) == lock.read_text().strip()
    assert (manifest.stat().st_mode, manifest.stat().st_uid) == (was.st_mode, was.st_uid)
    assert lock.stat().st_uid == was.st_uid
    assert not (assets / "node_modules").exists()

    stack.up("js")
    container = stack.container("js")
    manifest.write_text(manifest.read_text().replace('"ms": ', '"kleur": "4.1.4",\n    "ms": '))
    stack.inv("js.install", "--no-build")
    assert '"node_modules/kleur"' in lock.read_text()
    assert (js_version(stack, "kleur"), stack.container("js")) == ("4.1.4", container)
    stack.inv("js.install")
    assert docker(*image) == lock.read_text().strip()
    assert (js_version(stack, "kleur"), stack.container("js") == container) == ("4.1.4", False)


@row("`js -- add x`")
def js_add(stack: Typed) -> None:
    stack.inv("js", "--", "add", "is-odd@2.0.0", "--save-exact")
    assert js_version(stack, "is-odd") == "2.0.0"
    for name in ("package.json", "package-lock.json"):
        assert '"is-odd"' in (stack.root / "assets" / name).read_text()
    before = hashes(stack.root / "assets")
    assert stack.uvdock("js", "run", "no-such-script", ok=False).code == 1
    assert hashes(stack.root / "assets") == before


@row("`js.outdated`")
def js_outdated(stack: Typed) -> None:
    """It is the version that the row before added."""
    before = hashes(stack.root / "assets")
    shown = {item["name"]: item for item in json.loads(stack.inv("js.outdated", "--json").out)["packages"]}
    found = shown["is-odd"]
    assert (found["group"], found["locked"], found["wanted"]) == ("dependencies", "2.0.0", "2.0.0")
    assert found["latest"].startswith("3.")
    assert hashes(stack.root / "assets") == before


@row("`js -- run build:js`")
def js_build(stack: Typed) -> None:
    built = stack.root / "public/app.js"
    built.unlink(missing_ok=True)
    stack.inv("js", "--", "run", "build:js")
    assert "setInterval" in built.read_text()
    assert stack.get("/static/app.js") == built.read_text()


@row("`js -- run build:css`")
def css_build(stack: Typed) -> None:
    built = stack.root / "public/app.css"
    built.unlink(missing_ok=True)
    stack.inv("js", "--", "run", "build:css")
    assert "#1b1f3b" in built.read_text()
    assert stack.get("/static/app.css") == built.read_text()
    built.unlink()
    # By the stack's own commands too, both at a time.
    stack.uvdock("assets")
    assert "#1b1f3b" in built.read_text()


@row("`clean [--dry-run]`")
def clean(stack: Typed) -> None:
    gone = [stack.project / "more/__pycache__/x.pyc", stack.root / ".coverage", stack.root / ".ruff_cache/x"]
    kept = [stack.root / ".env", stack.project / "more/mine.txt"]
    for path in (*gone, kept[1]):
        path.parent.mkdir(exist_ok=True, parents=True)
        path.touch()
    stack.inv("clean", "--dry-run")
    assert all(path.exists() for path in (*gone, *kept))
    stack.inv("clean", "--yes")
    assert not any(path.exists() for path in gone)
    assert all(path.exists() for path in kept)
    kept[1].unlink()


@row("`secret`")
def secret(stack: Typed) -> None:
    found = base64.urlsafe_b64decode(stack.inv("secret").out.strip() + "=")
    assert len(found) == 32
    assert len(set(found)) > 16


@row("nothing to do")
def install_for_ci(stack: Typed) -> None:
    only_git = stack.root.parent / "path"
    only_git.mkdir()
    git = shutil.which("git")
    assert git
    (only_git / "git").symlink_to(git)
    (only_git / "python3").symlink_to(Path(sys.executable).resolve())
    for linter in ("lint.dockerfile", "lint.shell"):
        ran = stack.program.run(linter, cwd=stack.root, env={"PATH": str(only_git)})
        assert ran.code == 0, ran.err


@row("`ci.test`", on=BOTH)
def ci(stack: Typed) -> None:
    """By it the stack was brought up: from a clean copy to green."""
    assert " passed" in stack.first.out
    assert (stack.root / ".env").read_text() == (stack.root / ".env.example").read_text()
    assert stack.first.out.count("::group::") == stack.first.out.count("::endgroup::") == 9
    table = (stack.root.parent / "summary.md").read_text()
    assert "| `test` | ✔ |" in table
    assert "✘" not in table


@row("`up [--wait]`, `down`, `ps`, `logs`", on=("django",))
def whole_stack(stack: Typed) -> None:
    kept = ("postgres", "sh", "-c")
    stack.compose("exec", "-T", *kept, "echo 7 > /var/lib/postgresql/outlives")
    assert "Listening at" in stack.inv("logs", "--", "web").out
    stack.inv("down")
    assert stack.compose("ps", "--all", "--quiet") == ""
    stack.inv("up", "--wait")
    assert "ok" in stack.get("/api/health/", seconds=1)
    assert stack.inv("ps", "--", "--services").out.split() == ["postgres", "web"]
    # In the database's volume; in which folder of it an image keeps the tables is its own affair.
    assert stack.compose("exec", "-T", *kept, "cat /var/lib/postgresql/outlives") == "7"


def _is_long(name: str, command: str) -> bool:
    """Whether a row takes long: those of the second stack, and of JavaScript, which has tests of its own."""
    return name != "flask" or command.startswith("`js")


def cases() -> list[object]:
    """Every row on each of its stacks; a row that has no check, too."""
    found = [(name, command) for command in rows() for name in CHECKS.get(command, (None, ("flask",)))[1]]
    return [
        pytest.param(*case, id=f"{case[0]}: {case[1]}", marks=pytest.mark.long if _is_long(*case) else [])
        for case in sorted(found, key=lambda case: case[0])
    ]


def test_every_check_has_a_row_and_no_row_is_there_twice() -> None:
    assert sorted(rows()) == sorted(CHECKS)


@pytest.mark.parametrize(("name", "command"), cases())
def test_row(request: pytest.FixtureRequest, name: str, command: str) -> None:
    assert command in CHECKS, "this row has no check"
    stack: Typed = request.getfixturevalue(name)
    stack.typed = [["ci.test"]]
    CHECKS[command][0](stack)
    for span in re.findall(r"`([^`]+)`", command):
        task, *words = re.findall(r"[\w.:-]+", span)
        options = {word for word in words if word.startswith("--") and word != "--"}
        assert any(task == args[0] for args in stack.typed), f"{task} was not tried"
        assert options <= {word for args in stack.typed if args[0] == task for word in args}, f"{span} was not tried"
