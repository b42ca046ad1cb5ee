"""What Git and Docker leave out: the environment of uv too."""

from __future__ import annotations

import pytest

from tests.unit.migrate.converted import check

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
