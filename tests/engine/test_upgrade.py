"""deps.outdated and deps.upgrade on the reference stacks: the image's uv writes, the running container follows."""

from __future__ import annotations

import json
import os
import shutil
import time
import tomllib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import hashes, uv
from tests.engine.conftest import REMOTE, Stack, docker, need

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
    uv("lock", *more, cwd=stack.project)


def rows(stack: Stack, *args: str) -> dict[str, dict[str, Any]]:
    data = json.loads(stack.inv("deps.outdated", "--json", *args).out)
    assert data["schema"] == 1
    return {row["name"]: row for row in data["packages"]}


def wanted(stack: Stack, folder: Path) -> dict[str, str]:
    """What a real `uv lock --upgrade` makes of a copy of the manifests."""
    folder.mkdir()
    for path in (stack.pyproject, stack.lock):
        shutil.copy(path, folder)
    uv("lock", "--upgrade", cwd=folder)
    return versions(folder / "uv.lock")


def versions(lock: Path) -> dict[str, str]:
    return {item["name"]: item.get("version", "") for item in tomllib.loads(lock.read_text())["package"]}


def manifests(stack: Stack) -> Sequence[bytes]:
    return [stack.pyproject.read_bytes(), stack.lock.read_bytes()]


@pytest.mark.long
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

    # A test that fails: files and environment are as they were.
    failed = stack.inv("deps.upgrade", "--test", "python -c 'raise SystemExit(7)'", ok=False)
    assert failed.code == 7
    assert "so nothing was changed" in failed.err
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
    assert f"container {container_name(stack)} (restarted)" in done.err
    assert "the image is not rebuilt; deps.install does that" in done.err
    assert "# until we moved" in stack.pyproject.read_text()
    assert len(stack.pyproject.read_text().splitlines()) == len(original.splitlines())
    assert stack.owners() == {(os.getuid(), 0o644)}
    stack.inv("deps.install")
    assert stack.image_lock() == stack.lock.read_bytes()
    assert stack.inv("deps.check").code == 0


def container_name(stack: Stack) -> str:
    return docker("inspect", "--format", "{{.Name}}", stack.container(), env=stack.program.env).removeprefix("/")


@pytest.mark.long
def test_django_in_a_sub_folder_tested_in_a_one_off(reference: Reference, tmp_path: Path) -> None:
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

    # Nothing is built and nothing runs: the image is built as it is, and nothing else changes.
    test = "python -c \"import django, importlib.metadata as m; assert m.version('gunicorn') == '23.0.0'\""
    assert stack.inv("deps.upgrade", "--test", test, ok=False).code == 1
    assert manifests(stack) == start
    assert stack.inv("cmd", "--", *shell_words(test)).code == 0

    done = stack.inv("deps.upgrade", "--test", "python -c 'import django, gunicorn'")
    assert versions(stack.lock)["gunicorn"] != "23.0.0"
    assert "the image is not rebuilt; deps.install does that" in done.err
    after = rows(stack)
    assert {name for name, row in after.items() if row["behind"] and not row["held_by"]} == set()
    assert {row["wanted"] == row["locked"] for row in after.values()} == {True}
    stack.inv("deps.install")
    assert stack.inv("cmd", "--", *shell_words(test), ok=False).code == 1


#: A server that tells what it has imported, what is installed now, and that it is the same process.
SERVER = """\
import http.server, importlib.metadata, json, os
import idna
started = idna.__version__
class Answer(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        found = [started, *(importlib.metadata.version(name) for name in ("idna", "iniconfig")), os.getpid()]
        self.send_response(200)
        self.end_headers()
        self.wfile.write(json.dumps(found).encode())
http.server.ThreadingHTTPServer(("", 8000), Answer).serve_forever()
"""
#: A test that looks at what the running server says, over the stack's network, and at what it has itself.
CHECK = """\
import idna, json, pathlib, sys, urllib.request
print("server", urllib.request.urlopen("http://web:8000").read().decode(), "test", idna.__version__, sys.prefix)
print("source", pathlib.Path("server.py").read_text() != "")
sys.exit(idna.__version__ != "3.9")
"""


def serving(stack: Stack) -> tuple[str, str, list[Any]]:
    """The running container, since when it runs, and what its server says."""
    env = stack.program.env
    started = docker("inspect", "--format", "{{.State.StartedAt}}", stack.container(), env=env)
    code = "import urllib.request as r; print(r.urlopen('http://127.0.0.1:8000').read().decode())"
    deadline = time.monotonic() + 30
    while not (found := docker("exec", stack.container(), "python", "-c", code, env=env, check=False)).startswith("["):
        assert time.monotonic() < deadline, found
        time.sleep(0.2)
    return stack.container(), started, json.loads(found)


@pytest.fixture(params=["a mount", pytest.param("another engine", marks=pytest.mark.long)])
def server(request: pytest.FixtureRequest, small: Callable[..., Stack]) -> Stack:
    """A stack whose server runs from old packages: its source mounted or not, on an engine that sees it or not."""
    mounted, copied = request.param == "a mount", "COPY --chown=app . .\n"
    stack = small(
        dependencies=["idna==3.9", "iniconfig==2.0.0"],
        volumes=[".:/app"] if mounted else [],
        owner=1000,
        final=f'{"" if mounted else copied}CMD ["python", "server.py"]',
    )
    (stack.root / "server.py").write_text(SERVER)
    (stack.root / "check.py").write_text(CHECK)
    if request.param == "another engine":
        need(REMOTE)
        stack.program.env["DOCKER_HOST"] = REMOTE
    for path in stack.root.iterdir():
        os.chown(path, 1000, 1000)
    stack.install()
    stack.up()
    return stack


def test_a_server_notices_nothing_of_the_tests_of_an_upgrade(server: Stack) -> None:
    files, before = hashes(server.root), serving(server)
    assert before[2][:3] == ["3.9", "3.9", "2.0.0"]

    failed = server.inv("deps.upgrade", "--test", "python check.py", ok=False)

    assert failed.code == 1, failed.err
    newest = max(versions_of(failed.err, "idna"))
    said = [line for line in failed.err.splitlines() if line.startswith("server ")]
    assert said == [f"server {json.dumps(before[2])} test {newest} /uvdock/sandbox/venv"]
    assert "✘ python check.py (" in failed.err
    assert "✔ python check.py (" not in failed.err
    assert (hashes(server.root), serving(server)) == (files, before)

    found = server.inv("deps.upgrade", "--bisect", "--test", "python check.py", "--json", ok=False)

    assert found.code == 1, found.err
    assert found.out, found.err
    assert [item["name"] for item in json.loads(found.out)["left"]] == ["idna"]
    said = [line.partition(" test ")[0] for line in found.err.splitlines() if line.startswith("server ")]
    assert set(said) == {f"server {json.dumps(before[2])}"}
    assert len(said) > 2
    container, started, answer = serving(server)
    assert container == before[0]
    assert started != before[1]
    assert answer[:2] == ["3.9", "3.9"]
    assert answer[2] == versions(server.lock)["iniconfig"] != "2.0.0"
    assert f"container {container_name(server)} (restarted)" in found.err
    left = docker("ps", "--all", "--quiet", "--filter", "name=uvdock-", env=server.program.env)
    assert left == ""


def test_what_imported_an_old_package_has_the_new_one_after_an_upgrade(
    small: Callable[..., Stack], tmp_path: Path
) -> None:
    stack = small(dependencies=["idna==3.9", "iniconfig==2.0.0"], final='COPY server.py .\nCMD ["python", "server.py"]')
    (stack.root / "server.py").write_text(SERVER)
    stack.install()
    stack.up()
    container, _, answer = serving(stack)
    assert answer[0] == "3.9"
    expected = wanted(stack, tmp_path / "copy")
    found = rows(stack, "--all")
    assert {name: row["wanted"] for name, row in found.items()} == {name: expected[name] for name in found}
    stack.pyproject.write_text(f"{stack.pyproject.read_text()}# until we moved\n")

    done = stack.inv("deps.upgrade")

    # At once in the container that runs, in the files, and not yet in the image.
    after, _, answer = serving(stack)
    assert answer[0] == answer[1] == versions(stack.lock)["idna"] != "3.9"
    assert after == container
    assert f"container {container_name(stack)} (restarted)" in done.err
    assert "the image is not rebuilt; deps.install does that" in done.err
    assert stack.pyproject.read_text().endswith("# until we moved\n")
    assert {name for name, row in rows(stack).items() if row["behind"] and not row["held_by"]} == set()
    stack.inv("deps.install")
    assert stack.image_lock() == stack.lock.read_bytes()
    assert stack.inv("deps.check").code == 0


def test_only_what_has_other_packages_is_restarted(reference: Reference) -> None:
    stack = reference("workspace", ".")
    stack.uvdock("deps.install")
    stack.up()
    # uv builds the members anew in containers that have just begun.
    stack.uvdock("deps.install", "--no-build")
    before = {name: _started(stack, name) for name in ("api", "worker")}
    said = stack.uvdock("deps.upgrade", "idna").err
    assert f"container {stack.name}-api-1 (restarted) · container {stack.name}-worker-1\n" in said
    after = {name: _started(stack, name) for name in ("api", "worker")}
    assert after["api"] != before["api"]
    assert after["worker"] == before["worker"]


def _started(stack: Stack, service: str) -> str:
    return docker("inspect", "--format", "{{.State.StartedAt}}", stack.container(service), env=stack.program.env)


def test_a_server_that_stops_with_the_new_packages_is_no_success(small: Callable[..., Stack]) -> None:
    stack = small(dependencies=["idna==3.9"], final='COPY server.py .\nCMD ["python", "server.py"]')
    (stack.root / "server.py").write_text("import idna, time\nassert idna.__version__ == '3.9'\ntime.sleep(600)\n")
    stack.install()
    stack.up()

    ran = stack.inv("deps.upgrade", ok=False)

    assert ran.code == 1
    assert "error: web stopped right after it was restarted with the new packages" in ran.err
    assert "restarted)" not in ran.err


def test_an_image_without_uv_says_so(small: Callable[..., Stack]) -> None:
    stack = small(final="USER root\nRUN rm /usr/local/bin/uv")
    stack.install()
    before = hashes(stack.root)

    ran = stack.inv("deps.upgrade", "--test", "python -V", ok=False)

    assert ran.code == 127
    assert "error: there is no uv\n   at: one-off of web" in ran.err
    assert hashes(stack.root) == before


def versions_of(text: str, name: str) -> set[str]:
    """The versions that the lines about a package in the lock's changes end in."""
    return {line.split()[-1] for line in text.splitlines() if line.split()[:2] == ["~", name]}


def shell_words(text: str) -> list[str]:
    import shlex

    return shlex.split(text)
