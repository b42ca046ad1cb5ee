"""deps.outdated and deps.upgrade on the reference stacks: the image's uv writes, the running container follows."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import tomllib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import hashes
from tests.engine.conftest import Stack, docker

pytestmark = [pytest.mark.engine, pytest.mark.slow]

Reference = Callable[[str, str], Stack]
# Both have newer releases than the ones that are asked for here.
IMPORTED = "import importlib.metadata as m; print(m.version('iniconfig'), m.version('pytest'))"


def lowered(stack: Stack, pins: dict[str, str], *more: str) -> None:
    """Ask for older versions in the manifest, and lock them with the host's uv."""
    text = stack.pyproject.read_text()
    for old, new in pins.items():
        assert text.count(old) == 1, old
        text = text.replace(old, new)
    stack.pyproject.write_text(text)
    _host_uv(stack, "lock", *more, cwd=stack.project)


def rows(stack: Stack, *args: str) -> dict[str, dict[str, Any]]:
    data = json.loads(stack.inv("deps.outdated", "--json", *args).out)
    assert data["schema"] == 1
    return {row["name"]: row for row in data["packages"]}


def wanted(stack: Stack, folder: Path) -> dict[str, str]:
    """What a real `uv lock --upgrade` makes of a copy of the manifests."""
    folder.mkdir()
    for path in (stack.pyproject, stack.lock):
        shutil.copy(path, folder)
    _host_uv(stack, "lock", "--upgrade", cwd=folder)
    return versions(folder / "uv.lock")


def versions(lock: Path) -> dict[str, str]:
    return {item["name"]: item.get("version", "") for item in tomllib.loads(lock.read_text())["package"]}


def _host_uv(stack: Stack, *args: str, cwd: Path) -> None:
    done = subprocess.run(
        ["uv", *args], cwd=cwd, env=stack.program.env, capture_output=True, text=True, check=False, timeout=120
    )
    assert done.returncode == 0, done.stderr


def manifests(stack: Stack) -> Sequence[bytes]:
    return [stack.pyproject.read_bytes(), stack.lock.read_bytes()]


def test_flask_outdated_without_an_image_and_upgraded_while_it_runs(reference: Reference, tmp_path: Path) -> None:
    stack = reference("flask", ".")
    pins = {'"pytest>=9",': '"pytest==8.4.0", # until we moved\n  "iniconfig>=2.0,<2.1",'}
    lowered(stack, pins)
    before = hashes(stack.root)
    original = stack.pyproject.read_text()

    # No image is built, no container runs, and none is made for this.
    expected = wanted(stack, tmp_path / "copy")
    found = rows(stack, "--all")
    assert {name: row["wanted"] for name, row in found.items()} == {name: expected[name] for name in found}
    assert found["pytest"]["held_by"] == ["dev ==8.4.0"]
    assert (found["iniconfig"]["locked"], found["iniconfig"]["kind"]) == ("2.0.0", "minor")
    assert docker("images", "--quiet", f"{stack.name}-*") == ""
    assert stack.compose("ps", "--all", "--quiet") == ""
    assert hashes(stack.root) == before

    stack.inv("deps.install")
    stack.up("web")
    container = stack.container()
    assert stack.in_container("python", "-c", IMPORTED) == "2.0.0 8.4.0"
    start = manifests(stack)

    # A test that fails in the container: files and environment are as they were.
    failed = stack.inv("deps.upgrade", "--test", "python -c 'raise SystemExit(7)'", ok=False)
    assert failed.code == 7
    assert "so everything was put back" in failed.err
    assert manifests(stack) == start
    assert stack.in_container("python", "-c", IMPORTED) == "2.0.0 8.4.0"
    assert stack.container() == container

    # One that finds the culprit, by what it imports there.
    test = "python -c \"import importlib.metadata as m; assert m.version('pytest') == '8.4.0'\""
    broken = stack.inv("deps.upgrade", "--bisect", "--test", test, "--json", ok=False)
    assert broken.code == 1
    assert [item["name"] for item in json.loads(broken.out)["left"]] == ["pytest"]
    assert stack.in_container("python", "-c", IMPORTED) == f"{found['iniconfig']['latest']} 8.4.0"

    # And without one: at once in the container that runs, in the files, and not yet in the image.
    done = stack.inv("deps.upgrade")
    newest = rows(stack)
    assert {name for name, row in newest.items() if row["behind"] and not row["held_by"]} == set()
    assert newest["pytest"]["behind"] is False
    assert (
        stack.in_container("python", "-c", IMPORTED) == f"{found['iniconfig']['latest']} {newest['pytest']['locked']}"
    )
    assert stack.container() == container
    assert f"container {container_name(stack)}" in done.err
    assert "the image is not rebuilt; deps.install does that" in done.err
    assert "# until we moved" in stack.pyproject.read_text()
    assert len(stack.pyproject.read_text().splitlines()) == len(original.splitlines())
    assert stack.owners() == {(os.getuid(), 0o644)}
    stack.inv("deps.install")
    assert stack.image_lock() == stack.lock.read_bytes()
    assert stack.inv("deps.check").code == 0


def container_name(stack: Stack) -> str:
    return docker("inspect", "--format", "{{.Name}}", stack.container()).removeprefix("/")


def test_django_in_a_sub_folder_tested_in_a_new_image(reference: Reference, tmp_path: Path) -> None:
    stack = reference("django", "apps/backend")
    name = next(
        line.strip(' ",') for line in stack.pyproject.read_text().splitlines() if line.strip().startswith('"gunicorn')
    )
    lowered(stack, {name: "gunicorn==23.0.0"})

    expected = wanted(stack, tmp_path / "copy")
    found = rows(stack)
    assert {name: row["wanted"] for name, row in found.items()} == {name: expected[name] for name in found}
    assert found["gunicorn"]["kind"] == "major"
    start = manifests(stack)

    # Nothing runs, so the test gets an image of its own; what is put back is in the image again too.
    test = "python -c \"import importlib.metadata as m; assert m.version('gunicorn') == '23.0.0'\""
    assert stack.inv("deps.upgrade", "--test", test, ok=False).code == 1
    assert manifests(stack) == start
    assert stack.inv("cmd", "--", *shell_words(test)).code == 0

    stack.inv("deps.upgrade", "--test", "python -c 'import django, gunicorn'")
    assert versions(stack.lock)["gunicorn"] != "23.0.0"
    after = rows(stack)
    assert {name for name, row in after.items() if row["behind"] and not row["held_by"]} == set()
    assert {row["wanted"] == row["locked"] for row in after.values()} == {True}
    assert stack.inv("cmd", "--", *shell_words(test), ok=False).code == 1


def shell_words(text: str) -> list[str]:
    import shlex

    return shlex.split(text)
