"""What unit tests share; generated examples are judged by what they show, not by how long a busy machine takes."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import settings

settings.register_profile("unit", deadline=None)
settings.register_profile("quick", deadline=None, max_examples=20)


def pytest_configure(config: pytest.Config) -> None:
    """`inv test` looks at a few examples of each law; `--slow` and `--all` at more."""
    settings.load_profile("quick" if "not slow" in config.getoption("markexpr") else "unit")


@pytest.fixture(scope="session")
def everything(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A repo in which every task of uvdock makes sense, and commands of its own, some with names of packages."""
    root = tmp_path_factory.mktemp("everything")
    (root / "pyproject.toml").write_text(
        '[project]\nname = "app"\nversion = "1"\ndependencies = ["pytest"]\n'
        '[tool.uvdock.commands]\nmanage = {run = "python manage.py", before = {test = "true"}}\nall = ["lint"]\n'
        'flask = "flask"\nweb = "true"\n'
    )
    (root / "compose.yaml").write_text("services:\n  a:\n    image: postgres\n  b:\n    image: redis\n")
    (root / "Dockerfile").touch()
    (root / "run.sh").touch()
    (root / "package.json").write_text("{}")
    return root
