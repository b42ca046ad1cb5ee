"""What Git and Docker leave out: the environment of uv too."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from tests.unit.migrate import facts as migrate_facts
from tests.unit.migrate.converted import check
from uvdock.migrate.converters import ignores

IGNORES = [
    pytest.param("dockerignore", "venv/\n*.pyc\n", "venv/\n.venv\n**/.venv\n*.pyc\n", id="beside-the-old"),
    pytest.param(
        "dockerignore",
        "*\n!app\n!requirements.txt\n!requirements-dev.txt\n!api\n",
        "*\n!app\n!pyproject.toml\n!uv.lock\n!api\n**/.venv\n",
        id="let-in",
    ),
    pytest.param("dockerignore", "*.lock\n**/.venv\n", "*.lock\n**/.venv\n!uv.lock\n", id="the-lock-let-in"),
    pytest.param("gitignore", "__pycache__/\nenv/\nuv.lock", "__pycache__/\nenv/\n.venv/", id="the-lock-in-git"),
    pytest.param("gitignore", "*.lock\n.venv\n", "*.lock\n.venv\n!uv.lock\n", id="locks-in-git"),
    pytest.param("gitignore", "*.pyc", "*.pyc\n.venv/", id="no-last-line-end"),
    pytest.param("gitignore", "# all of it\n.*\n!.github\n", "# all of it\n.*\n!.github\n", id="ignored-already"),
]


@pytest.mark.parametrize(("kind", "before", "after"), IGNORES)
def test_ignore_files(kind: str, before: str, after: str) -> None:
    check(kind, before, after)


LET_IN = [
    ("*\n!src\n!requirements*.txt\n", "*\n!src\n{}{}", "requirements-dev.txt"),
    ("*\n!requirements\n", "*\n{}{}", "requirements/docs.txt"),
    ("*\n!requirements/*.txt\n", "*\n{}{}", "requirements/docs.txt"),
    ("**\n!**/requirements-dev.txt\n", "**\n{}{}", "requirements-dev.txt"),
    ("*\n!/requirements.txt\n", "*\n{}{}", "requirements.txt"),
]


@pytest.mark.parametrize(("before", "after", "name"), LET_IN)
@pytest.mark.parametrize("path", [".dockerignore", "docker/web.Dockerfile.dockerignore"])
def test_a_file_that_stays_is_still_let_in(path: str, before: str, after: str, name: str) -> None:
    files = dict.fromkeys(("requirements.txt", "requirements-dev.txt", "requirements/docs.txt", "src/main.py"), "")
    facts = migrate_facts.facts(files)
    facts = replace(facts, projects=facts.projects[:1])
    line = before.splitlines()[-1] + "\n"

    def made(*kept: str) -> str:
        return ignores.convert(Path(path), before, replace(facts, kept=frozenset(map(Path, kept)))).content

    new = "!pyproject.toml\n!uv.lock\n"
    assert made().removesuffix("**/.venv\n") == after.format("", new)
    assert made(name).removesuffix("**/.venv\n") == after.format(line, new)
    assert made("elsewhere.txt") == made()
