"""The repos of `tests/fixtures/repos`, for those tests that migrate whole ones."""

from __future__ import annotations

import shutil
import tomllib
from pathlib import Path
from typing import Any

from tests.conftest import REPO

FOLDER = REPO / "tests" / "fixtures" / "repos"
REPOS = sorted(path.parent.name for path in FOLDER.glob("*/repo.toml"))


def described(name: str) -> dict[str, Any]:
    """What the repo's `repo.toml` says."""
    return tomllib.loads((FOLDER / name / "repo.toml").read_text())


def copied(name: str, folder: Path, side: str = "before") -> Path:
    """A copy of the repo in ``folder``, under its own name."""
    return Path(shutil.copytree(FOLDER / name / side, folder / name))
