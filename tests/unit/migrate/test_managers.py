"""Poetry's and Pipenv's commands, and uv's in their place."""

from __future__ import annotations

from pathlib import Path

import pytest

from uvdock.migrate.commands import rewrite
from uvdock.migrate.commands.context import ExecutionContext
from uvdock.migrate.converters.dockerfile import convert
from uvdock.migrate.model import Install, ProjectFacts, RepoFacts

POETRY = """
[tool.poetry.group.dev.dependencies]
pytest = "*"
[tool.poetry.group.lint.dependencies]
ruff = "*"
[tool.poetry.group.docs]
optional = true
[tool.poetry.group.docs.dependencies]
mkdocs = "*"
"""
PIPFILE = '[dev-packages]\npytest = "*"\n[scripts]\nserve = "flask --app shop run"\n'
ROOT = Path()


def facts(*, package: bool = False) -> RepoFacts:
    installs = [Path("pyproject.toml"), Path("poetry.lock"), Path("Pipfile"), Path("Pipfile.lock")]
    return RepoFacts(
        files={Path("pyproject.toml"): POETRY, Path("Pipfile"): PIPFILE, Path("app.py"): ""},
        projects=(ProjectFacts(ROOT, package, ">=3.11"),),
        installs={path: Install(ROOT) for path in installs},
        uv="0.13.8",
    )


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("poetry install", "uv sync --locked --group lint"),
        ("poetry -n install --no-root --sync", "uv sync --locked --group lint"),
        ("poetry install --only main --no-ansi", "uv sync --locked --no-dev"),
        ("poetry install --only=docs", "uv sync --locked --only-group docs"),
        ("poetry install --with docs --without dev,lint", "uv sync --locked --no-dev --group docs"),
        ("poetry install --no-dev -E mail", "uv sync --locked --no-dev --group lint --extra mail"),
        ("poetry install --only main --all-extras -q", "uv sync --locked --no-dev --all-extras --quiet"),
        ("python -m poetry sync --without lint", "uv sync --locked"),
        ("poetry run pytest -k 'a b' \"$X\"", "uv run pytest -k 'a b' \"$X\""),
        ("poetry lock --no-update", "uv lock"),
        ("poetry add --group docs mkdocs", "uv add --group docs mkdocs"),
        ("poetry add -G dev 'ruff>=1'", "uv add --dev 'ruff>=1'"),
        ("poetry remove flask", "uv remove flask"),
        ("poetry build", "uv build"),
        ("pip install poetry==2.1 && poetry install --without lint", "uv sync --locked"),
        ("pipx install poetry; poetry update", "uv sync --upgrade"),
        ("curl -sSL https://install.python-poetry.org | python3 -\npoetry build", "uv build"),
        ("poetry config virtualenvs.in-project true && poetry build", "uv build"),
        ("pipenv install", "uv sync --locked --no-dev"),
        ("pipenv install --dev --deploy", "uv sync --locked"),
        ("pipenv sync -d", "uv sync --locked"),
        ("pipenv install requests", "uv add requests"),
        ("pipenv run serve --port 80", "uv run flask --app shop run --port 80"),
        ("pipenv run python manage.py check", "uv run python manage.py check"),
        ("pipenv lock", "uv lock --upgrade"),
        ("pip install pipenv && pipenv verify", "uv lock --check"),
    ],
)
def test_a_command_becomes_uvs(old: str, new: str) -> None:
    made = rewrite.convert(old, facts(), ExecutionContext(Path("run")))
    assert (made.text, [one.level for one in made.findings if one.level != "note"]) == (new, [])
    assert rewrite.convert(made.text, facts(), ExecutionContext(Path("run"))).text == new


@pytest.mark.parametrize(
    "text",
    [
        "poetry export -f requirements.txt",
        "poetry install --directory sub",
        "poetry install $OPTIONS",
        "poetry install --what-is-this",
        "pipenv install --categories docs",
        "pipenv install -e git+https://git.example/a",
    ],
)
def test_what_uv_has_not_stays_and_is_named(text: str) -> None:
    made = rewrite.convert(text, facts(), ExecutionContext(Path("run")))
    assert made.text == text
    assert [one.level for one in made.findings] == ["left"]


def test_a_package_is_installed_itself_unless_told_otherwise() -> None:
    place = ExecutionContext(Path("run"))
    known = facts(package=True)
    assert rewrite.convert("poetry install --without lint", known, place).text == "uv sync --locked"
    assert (
        rewrite.convert("poetry install --without lint --no-root", known, place).text
        == "uv sync --locked --no-install-project"
    )


def test_without_a_project_of_theirs_nothing_changes() -> None:
    bare = RepoFacts({}, (), {}, "0.13.8")
    text = "pipx install poetry && poetry config virtualenvs.create false"
    assert rewrite.convert(text, bare, ExecutionContext(Path("run"))).text == text


HEAD = "FROM python:3.11-slim-bookworm\nWORKDIR /app\n"


@pytest.mark.parametrize(
    ("lines", "environment", "command"),
    [
        ("ENV POETRY_VIRTUALENVS_CREATE=false\n", "/usr/local", '["pytest"]'),
        ("RUN poetry config virtualenvs.create false\n", "/usr/local", '["pytest"]'),
        ("", "", '["uv", "run", "--no-sync", "pytest"]'),
    ],
)
def test_an_environment_is_where_poetry_made_it(lines: str, environment: str, command: str) -> None:
    text = (
        f"{HEAD}RUN pip install poetry\n{lines}COPY pyproject.toml poetry.lock* ./\n"
        'RUN poetry install --only main --no-root\nCOPY . .\nCMD ["poetry", "run", "pytest"]\n'
    )
    made = convert(Path("Dockerfile"), text, facts()).content
    assert "poetry" not in made.lower()
    assert "COPY pyproject.toml uv.lock ./\n" in made
    assert (f"UV_PROJECT_ENVIRONMENT={environment}" in made) == bool(environment)
    assert ("--inexact" in made) == bool(environment)
    assert f"CMD {command}\n" in made
    assert convert(Path("Dockerfile"), made, facts()).content == made


def test_where_one_command_stays_the_program_is_there() -> None:
    text = f"{HEAD}RUN pip install poetry\nENV POETRY_VERSION=2\nCOPY . .\nRUN poetry export -o list.txt\n"
    made = convert(Path("Dockerfile"), text, facts())
    assert "pip install poetry" in made.content
    assert "POETRY_VERSION" in made.content
    assert [one.level for one in made.findings if one.level != "note"] == ["left"]
