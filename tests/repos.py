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


_HEAD = """\
# Repos that are migrated in the tests

Each is written by hand, before and after: what a person who knows uv would have made of it. `uvdock migrate --apply`
has to write the same, file by file; a second time nothing; and `--rollback` has to put every byte back. Where its
packages allow, `--prove` builds it on a real engine before and after: the packages are the same, and its own checks
pass in both. They are in [tests/fixtures/repos](../tests/fixtures/repos). This page is written from them.

| Repo | | Its checks | Left to a person |
|---|---|---|---|
"""


def page() -> str:
    """The page in the docs."""
    return _HEAD + "".join(f"{_row(name, described(name))}\n" for name in REPOS)


def _row(name: str, about: dict[str, Any]) -> str:
    checks = "<br>".join(f"`{check}`" for check in about.get("check", []))
    built = f"not built: {about['build']}" if "build" in about else checks
    left = ", ".join(f"`{place}`" for place in (*about.get("left", []), *about.get("questions", [])))
    text = about["about"][0].upper() + about["about"][1:]
    return "| " + " | ".join(part.replace("|", "\\|") for part in (f"`{name}`", text, built, left)) + " |"
