"""Dockerfiles are built before and after their conversion, and the app's own check passes in both."""

from __future__ import annotations

import json
import shutil
import subprocess
import textwrap
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import clean_environment
from tests.engine.conftest import docker
from tests.unit.migrate.test_dockerfile import FIXTURES, read
from uvdock.migrate.commands import rewrite
from uvdock.migrate.converters.dockerfile import convert, scripts

pytestmark = [pytest.mark.engine, pytest.mark.slow]

#: What the image is: its packages, where they are, which program is found, and who runs it.
CHECK = """
import getpass, importlib.metadata as m, json, pathlib, shutil, subprocess, flask
names = sorted(d.name.lower() for d in m.distributions())
print(json.dumps({
    "versions": {name: m.version(name) for name in ("flask", "gunicorn")},
    "folder": str(pathlib.Path(flask.__file__).parents[1]),
    "program": shutil.which("gunicorn"),
    "says": subprocess.run(["gunicorn", "--check-config", "app:app"]).returncode,
    "user": getpass.getuser(),
}))
"""
MANIFEST = """\
[project]
name = "app"
version = "0"
requires-python = ">=3.11"
dependencies = [{}]
"""


@pytest.fixture
def built(new_folder: Path) -> Iterator[Path]:
    """A folder whose images go afterwards."""
    new_folder.mkdir()
    yield new_folder
    docker("rmi", "--force", f"{new_folder.name}:before", f"{new_folder.name}:after", check=False)


def looked_at(folder: Path, name: str) -> dict[str, object]:
    """Build a Dockerfile, and what its image says of itself."""
    image = f"{folder.name}:{name}"
    docker("build", "--quiet", "--tag", image, str(folder / name))
    user_and_path = docker("image", "inspect", "--format", "{{json .Config.User}}", image)
    shown = docker("run", "--rm", "--entrypoint", "python3", image, "-c", textwrap.dedent(CHECK))
    return {**json.loads(shown.splitlines()[-1]), "configured": user_and_path}


#: And whether the app's folder moved. Whole repos of the long ones' kinds are built too: `test_migrate_repos`.
BUILT = [
    ("wheels", True),
    *(pytest.param(name, False, marks=pytest.mark.long) for name in ("opt-venv", "user-folder", "script", "debian")),
]


@pytest.mark.parametrize(("name", "moved"), BUILT)
def test_the_same_app_before_and_after(name: str, moved: bool, built: Path) -> None:
    path, facts = read(name)
    shutil.copytree(FIXTURES / name / "before", built / "before")
    after = built / "after"
    shutil.copytree(FIXTURES / name / "before", after)
    wanted = (after / "requirements.txt").read_text(encoding="utf-8").split()
    for file in after.glob("requirements*.txt"):
        file.unlink()
    (after / "pyproject.toml").write_text(MANIFEST.format(", ".join(f'"{one}"' for one in wanted)), encoding="utf-8")
    subprocess.run(["uv", "lock", "--quiet"], cwd=after, env=clean_environment(), check=True, timeout=120)
    (after / path).write_text(convert(path, facts.files[path], facts).content, encoding="utf-8", newline="")
    for script, place in scripts(path, facts.files[path], facts).items():
        (after / script).write_text(rewrite.convert(facts.files[script], facts, place).text, encoding="utf-8")
    assert "pip install" not in "".join(file.read_text() for file in after.rglob("*") if file.is_file()).replace(
        "uv pip", ""
    )

    old, new = looked_at(built, "before"), looked_at(built, "after")

    assert new["says"] == old["says"] == 0
    assert new["program"]
    if moved:
        # Wheels were installed to the interpreter's own packages; now an environment is copied.
        assert str(new["folder"]).startswith("/opt/venv/")
        old, new = ({key: one[key] for key in ("versions", "user", "configured")} for one in (old, new))
    assert new == old
