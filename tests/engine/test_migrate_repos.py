"""Whole repos on a real engine: before and after, images have the same packages, and the app's own checks pass.

`tests/cli/test_migrate_repos.py` compares the texts.
"""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from tests.cli.test_migrate import committed
from tests.conftest import Program, few, hashes
from tests.engine.conftest import UV, docker
from tests.repos import REPOS, copied, described

pytestmark = [pytest.mark.engine, pytest.mark.slow]

#: The one that is not long: a user's folder that goes from stage to stage, and to another user.
BUILT = few([name for name in REPOS if "build" not in described(name)], ["user-folder"])


@pytest.fixture(scope="module")
def pinned(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the uv of the image: a migrated Dockerfile names the version that locked, and this one is there."""
    folder = tmp_path_factory.mktemp("uv")
    made = docker("create", f"ghcr.io/astral-sh/uv:{UV}", "uv")
    docker("cp", f"{made}:/uv", str(folder / "uv"))
    docker("rm", made)
    return folder


@pytest.mark.parametrize("name", BUILT)
def test_a_repo_is_proved(program: Program, pinned: Path, tmp_path: Path, name: str) -> None:
    about = described(name)
    folder = committed(copied(name, tmp_path))
    before = hashes(folder)
    program.env["PATH"] = os.pathsep.join((str(pinned), program.env["PATH"]))
    checks = [word for check in about["check"] for word in ("--check", check)]

    ran = program.run("migrate", "--prove", "--json", *checks, cwd=folder, timeout=900)

    assert ran.out, ran.err
    proof = json.loads(ran.out)["proof"]
    assert proof["images"], ran.err
    for image in proof["images"]:
        sides = {side: image[side] for side in ("before", "after")}
        assert image["differences"] == [], f"{name}, {image['name']}: {sides}"
        for side in sides.values():
            assert [check["code"] for check in side["checks"]] == [0] * len(about["check"]), side["checks"]
            assert side["packages"]
    assert proof["passed"]
    assert ran.code == ("stopped" in about), ran.err
    assert hashes(folder) == before
