"""Tasks on services are there where they make sense: told by the text of the Compose files, and never by an error."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import REPO, clean_environment
from uvdock import files
from uvdock.errors import UvdockError
from uvdock.services import images
from uvdock.tasks.ready import DATABASE, REDIS, STACK, ready

ALL = {**STACK, **DATABASE, **REDIS}
POSTGRES = "services:\n  db:\n    image: postgres:16\n"
#: What takes long to import.
HEAVY = {"docker", "rich", "tomlkit", "dotenv", "requests"}


@pytest.fixture(autouse=True)
def _clean(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("COMPOSE_FILE", "COMPOSE_PATH_SEPARATOR", "UVDOCK_COMPOSE_FILES"):
        monkeypatch.delenv(name, raising=False)


def found(root: Path) -> str:
    """Which of the three kinds of tasks are there, by a letter each."""
    tasks = ready(root, files.walk(root, depth=2))
    kinds = {"s": STACK, "d": DATABASE, "r": REDIS}
    letters = "".join(letter for letter, kind in kinds.items() if kind.items() <= tasks.items())
    assert len(tasks) == sum(len(kinds[letter]) for letter in letters)
    return letters


def write(root: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        pytest.param({}, "", id="no-compose-file"),
        pytest.param({"compose.yaml": "services: {}\n"}, "s", id="no-services"),
        pytest.param({"compose.yaml": "services:\n  web:\n    build: .\n"}, "s", id="only-the-app"),
        pytest.param({"compose.yaml": POSTGRES}, "sd", id="a-database"),
        pytest.param({"docker-compose.yml": POSTGRES}, "sd", id="old-name"),
        pytest.param({"compose.yaml": "services:\n  q:\n    image: 'valkey/valkey'\n"}, "sr", id="redis"),
        pytest.param({"compose.yaml": POSTGRES + '  q:\n    image: "redis:8" # a queue\n'}, "sdr", id="both"),
        pytest.param({"compose.yaml": "services: {db: {image: mysql:9, restart: always}}"}, "sd", id="flow-style"),
        pytest.param({"compose.yaml": '{"services": {"db": {"image": "mariadb"}}}'}, "sd", id="json"),
        pytest.param({"compose.yaml": "services:\n  db:\n    # image: postgres\n    build: .\n"}, "s", id="comment"),
        pytest.param({"compose.yaml": "services:\n  x:\n    image: postgres-exporter\n"}, "s", id="companion"),
        pytest.param(
            {
                "compose.yaml": "services:\n  db:\n    build: docker/db\n",
                "docker/db/Dockerfile": "FROM --platform=linux/amd64 postgres:${V} AS db\nRUN true\n",
            },
            "sd",
            id="built-from-a-database",
        ),
        pytest.param(
            {"compose.yaml": "services:\n  db:\n    build: .\n", "Dockerfile": "FROM x\nRUN apk add postgresql\n"},
            "sd",
            id="with-a-database-installed",
        ),
        pytest.param(
            {"compose.yaml": "services: {}\n", "Dockerfile": "FROM x\nRUN apk add curl postgresql-17\\\n  jq\n"},
            "sd",
            id="with-a-database-at-the-end-of-a-line",
        ),
        pytest.param(
            {
                "compose.yaml": "services:\n  web:\n    build: .\n",
                "Dockerfile": "FROM python\n# FROM redis\nRUN apt-get install postgresql-client postgresql-dev\n",
            },
            "s",
            id="built-from-no-database",
        ),
        pytest.param(
            {"compose.yaml": "services:\n  db:\n    image: ${DB:-postgres:${V:-16}}\n"}, "sd", id="variables-default"
        ),
        pytest.param({"compose.yaml": "services:\n  db:\n    image: ${DB}\n"}, "s", id="variable"),
        pytest.param(
            {"compose.yaml": "services:\n  db:\n    image: ${DB}\n", ".env": "export DB='postgres:16'\n"},
            "sd",
            id="variable-of-env",
        ),
        pytest.param({"compose.yaml": "services: {}\n", "compose.override.yaml": POSTGRES}, "sd", id="in-the-override"),
        pytest.param(
            {"compose.yaml": "include:\n  - infra/db.yaml\n", "infra/db.yaml": POSTGRES}, "sd", id="in-an-included-file"
        ),
        pytest.param(
            {"compose.yaml": "services: {}\n", "infra/db.yaml": POSTGRES}, "s", id="in-a-file-nobody-includes"
        ),
        pytest.param({"stack.yml": POSTGRES, ".env": "COMPOSE_FILE=stack.yml\n"}, "sd", id="compose-file-of-env"),
        pytest.param(
            {"stack.yml": POSTGRES, "pyproject.toml": "[tool.uvdock]\ncompose_files = ['stack.yml']\n"},
            "sd",
            id="settings",
        ),
        pytest.param(
            {"stack.yml": POSTGRES, "invoke.yaml": "uvdock:\n  compose_files: [stack.yml]\n"}, "sd", id="invoke.yaml"
        ),
    ],
)
def test_what_the_text_mentions_decides(tmp_path: Path, files: dict[str, str], expected: str) -> None:
    write(tmp_path, files)
    assert found(tmp_path) == expected


@pytest.mark.parametrize(
    "files",
    [
        pytest.param({"pyproject.toml": "[tool.uvdock]\nbackend = 'moon'\n"}, id="settings"),
        pytest.param({"pyproject.toml": "not TOML"}, id="toml"),
        pytest.param({".env": "COMPOSE_FILE=gone.yaml\n"}, id="compose-file-that-is-not-there"),
        pytest.param({"invoke.yaml": "compose_files: [\n"}, id="invoke.yaml"),
    ],
)
def test_errors_leave_every_task_to_say_what_is_wrong(tmp_path: Path, files: dict[str, str]) -> None:
    write(tmp_path, {"compose.yaml": "services: {}\n", **files})
    assert ready(tmp_path, []) == ALL


def test_bytes_that_are_no_text_leave_every_task(tmp_path: Path) -> None:
    (tmp_path / "compose.yaml").write_bytes(b"\xff\xfe\x00")
    assert ready(tmp_path, []) == ALL


def test_files_that_include_each_other_are_read_once(tmp_path: Path) -> None:
    write(tmp_path, {"compose.yaml": "include: [a.yaml]\n", "a.yaml": "include: [compose.yaml]\n" + POSTGRES})
    assert found(tmp_path) == "sd"


@pytest.mark.parametrize("program", ["inv", "uvdock"])
def test_looking_imports_nothing_heavy_and_calls_no_docker(tmp_path: Path, program: str) -> None:
    (tmp_path / "tasks.py").write_text("from uvdock import ns\n")
    (tmp_path / ".env").write_text("POSTGRES_USER=ada\n")
    (tmp_path / "compose.yaml").write_bytes((REPO / "compose/flask/compose.yaml").read_bytes())
    code = f"""
import sys
sys.argv = [{program!r}, "--list"]
from invoke.main import program
if {program!r} == "uvdock":
    from uvdock.cli.program import UvdockProgram
    from uvdock.tasks import ns
    program = UvdockProgram(name="uvdock", binary="uvdock", version="0", namespace=ns)
program.run(exit=False)
print(*sys.modules, file=sys.stderr)
"""
    env = {**clean_environment(), "PATH": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, env=env, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert set(ALL) <= set(done.stdout.split())
    assert not HEAVY & set(done.stderr.split())


class TestPick:
    SERVICES = {"web": "app-web", "db": "postgres:16", "old": "postgres:12"}  # noqa: RUF012

    def pick(self, wanted: str, services: dict[str, str]) -> str:
        return images.pick(
            services, lambda image: image.startswith("postgres"), wanted, what="database", where="compose.yaml"
        )

    def test_the_only_one(self) -> None:
        assert self.pick("", {"web": "app-web", "db": "postgres:16"}) == "db"

    def test_the_one_that_was_named(self) -> None:
        assert self.pick("old", self.SERVICES) == "old"

    @pytest.mark.parametrize(
        ("wanted", "services", "what", "fix"),
        [
            pytest.param("", SERVICES, "it is not clear which database is meant: db, old", "--service db", id="two"),
            pytest.param(
                "", {"web": "app-web"}, "no service of the Compose file is a database", "or add one", id="none"
            ),
            pytest.param("web", SERVICES, "the service web is no database that uvdock knows", "db, old", id="other"),
            pytest.param("web", {"web": "x"}, "the service web is no database", "must be a", id="other-and-none"),
        ],
    )
    def test_a_question_with_its_answer(self, wanted: str, services: dict[str, str], what: str, fix: str) -> None:
        with pytest.raises(UvdockError) as caught:
            self.pick(wanted, services)
        assert caught.value.what.startswith(what)
        assert fix in caught.value.fix
        assert caught.value.code == 2
