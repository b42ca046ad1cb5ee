"""Bad input with an engine: three lines that say what, where and what next; a fitting code; nothing changed."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.conftest import BIN, Ran, hashes, uv
from tests.engine.conftest import Stack

pytestmark = [pytest.mark.engine, pytest.mark.slow]

Small = Callable[..., Stack]


def refused(ran: Ran, code: int, *parts: str) -> None:
    """The run ended with an error in three lines that has all of ``parts``."""
    lines = ran.err.rstrip().splitlines()[-4:]
    if lines[-1].endswith(" s") and " took " in lines[-1]:
        lines.pop()
    what, where, fix = lines[-3:]
    assert what.startswith("error: ")
    assert where.startswith("   at: ")
    assert fix.startswith(" next: ")
    assert "Traceback" not in ran.err
    assert ran.code == code
    for part in parts:
        assert part in f"{what}\n{where}\n{fix}"


def test_a_broken_compose_file(small: Small) -> None:
    stack = small()
    (stack.root / "compose.yaml").write_text("services:\n  web:\n   build: .\n  - x\n")
    refused(stack.uvdock("cmd", "true", ok=False), 1, "Compose cannot read its files", "line", "compose.yaml")
    (stack.root / "compose.yaml").write_text("services:\n  web:\n    biuld: .\n")
    refused(stack.uvdock("deps.install", ok=False), 1, "biuld", "compose.yaml")
    (stack.root / "compose.yaml").write_text("services: {}\n")


def test_a_service_that_is_not_there(small: Small) -> None:
    stack = small()
    refused(stack.uvdock("cmd", "--service", "wbe", "true", ok=False), 2, "'wbe'", "did you mean web?", "--service")
    refused(stack.uvdock("shell", "wbe", ok=False), 2, "'wbe'")
    refused(stack.uvdock("build", "wbe", ok=False), 2, "'wbe'", "services here: web")
    database = "  db: {image: postgres:18.4-trixie}\n"
    with (stack.root / "compose.yaml").open("a") as file:
        file.write(database)
    with stack.pyproject.open("a") as file:
        file.write('[tool.uvdock.commands]\nmine = {run = "touch mine", service = "wbe"}\nboth = ["mine", "up"]\n')
    refused(stack.uvdock("mine", ok=False), 2, "'wbe'", "did you mean web?")
    assert "both: mine failed with 2; not run: up" in stack.uvdock("both", ok=False).err
    for task in (["db.shell"], ["db.dump"], ["db.wait"], ["db.restore", "--yes", "compose.yaml"]):
        refused(stack.uvdock(task[0], "--service", "dbb", *task[1:], ok=False), 2, "'dbb'", "did you mean db?")
    refused(stack.uvdock("db.shell", "--service", "web", ok=False), 1, "the service web is not running", "up -- web")
    assert stack.compose("ps", "--all", "--quiet") == ""
    assert not list(stack.root.glob("*.sql*")) + list(stack.root.glob("mine"))


def test_a_build_without_a_lock(small: Small) -> None:
    stack = small()
    told = "note: there is no uv.lock yet: uvdock deps.install makes it, and builds\n"
    for task in ("build", "up"):
        ran = stack.uvdock(task, ok=False)
        assert ran.code != 0
        assert told in ran.err
    (stack.root / "sub").mkdir()
    assert (
        told.replace(" makes", " in the repo's root makes") in stack.uvdock("up", ok=False, cwd=stack.root / "sub").err
    )
    uv("lock", cwd=stack.root)
    (stack.root / "Dockerfile").write_text("FROM python:3.13-slim-trixie\nRUN exit 3\n")
    assert "uv.lock" not in stack.uvdock("build", ok=False).err


def test_two_services_that_could_be_meant(small: Small) -> None:
    stack = small()
    both = "services:\n  web: {build: {context: ., args: {A: 1}}}\n  other: {build: .}\n"
    (stack.root / "compose.yaml").write_text(both)
    refused(stack.uvdock("cmd", "true", ok=False), 2, "not clear which service", "other, web", "UVDOCK_SERVICE=")


def test_an_engine_that_does_not_run(small: Small) -> None:
    stack = small()
    stack.program.env |= {"DOCKER_HOST": "unix:///nowhere/docker.sock", "UVDOCK_BACKEND": "compose"}
    refused(stack.uvdock("deps.install", ok=False), 1, "does not answer", "DOCKER_HOST=unix:///nowhere/docker.sock")
    del stack.program.env["DOCKER_HOST"]


@pytest.mark.skipif(os.getuid() != 0 or not shutil.which("setpriv"), reason="only root can give a socket away")
def test_an_engine_that_may_not_be_used(small: Small, tmp_path: Path) -> None:
    stack = small()
    address = tmp_path / "docker.sock"
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(address))
        listening.listen()
        os.chown(address, 4321, 4321)
        address.chmod(0o600)
        env = {**stack.program.env, "UVDOCK_BACKEND": "compose", "DOCKER_HOST": f"unix://{address}"}
        # Root without its capabilities is kept out by the socket's mode, as an ordinary user is.
        argv = ["setpriv", "--bounding-set=-all", "--inh-caps=-all", str(BIN / "uvdock"), "cmd", "true"]
        done = subprocess.run(argv, cwd=stack.root, env=env, capture_output=True, check=False, timeout=60)
    refused(Ran(done.returncode, done.stdout, done.stderr), 1, "permission denied", "docker group", str(address))


def test_no_uv_in_the_image_nor_before_it(small: Small) -> None:
    stack = small(uv="# no uv")
    before = hashes(stack.root)
    refused(stack.uvdock("deps.lock", ok=False), 127, "there is no uv", "Dockerfile of web", "COPY --from=")
    refused(stack.uvdock("uv", "add", "six", ok=False), 127, "there is no uv")
    assert hashes(stack.root) == before


def test_a_final_image_without_uv_locks_with_the_uv_of_its_build(small: Small) -> None:
    stack = small(final="USER root\nRUN rm /usr/local/bin/uv /usr/local/bin/uvx\nUSER app")
    stack.uvdock("deps.install")
    stack.up()
    ran = stack.uvdock("uv", "add", "six")
    assert 'name = "six"' in stack.lock.read_text()
    assert "has no uv, so nothing was installed in it" in ran.err
    refused(stack.uvdock("uv", "pip", "list", ok=False), 127, "there is no uv")


def test_a_uv_too_old(small: Small) -> None:
    stack = small(uv="RUN pip install --quiet --root-user-action ignore uv==0.5.31")
    refused(stack.uvdock("uv", "audit", ok=False), 1, "uv 0.5.31 is too old: uvdock needs 0.6")


def test_a_uv_too_old_for_one_command(small: Small) -> None:
    stack = small(uv="RUN pip install --quiet --root-user-action ignore uv==0.6.17")
    uv("lock", cwd=stack.root)
    refused(stack.uvdock("uv", "audit", ok=False), 1, "uv 0.6.17 is too old for `uv audit`")


@pytest.mark.parametrize(
    ("content", "what"),
    [
        pytest.param("", "uv.lock is empty", id="empty"),
        pytest.param("<<<<<<< HEAD\nversion = 1\n", "uv.lock is damaged", id="merge conflict"),
    ],
)
def test_a_lock_that_is_none(small: Small, content: str, what: str) -> None:
    stack = small()
    stack.lock.write_text(content)
    before = hashes(stack.root)
    for args in (["deps.install"], ["uv", "add", "six"], ["deps.check"], ["deps.outdated"]):
        refused(stack.uvdock(*args, ok=False), 1, what, "uv.lock", "git checkout uv.lock")
        assert hashes(stack.root) == before


def test_a_lock_of_a_newer_uv(small: Small) -> None:
    stack = small()
    uv("lock", cwd=stack.root)
    stack.lock.write_text(stack.lock.read_text().replace("version = 1\n", "version = 9\n", 1))
    before = hashes(stack.root)
    for args in (["deps.install"], ["uv", "add", "six"], ["deps.check"], ["deps.outdated"]):
        refused(stack.uvdock(*args, ok=False), 1, "written by a newer uv: its version is 9")
        assert hashes(stack.root) == before


def test_sync_by_bind_where_it_cannot_be(small: Small) -> None:
    stack = small()
    stack.program.env["UVDOCK_SYNC"] = "bind"
    refused(stack.uvdock("uv", "add", "six", ok=False), 1, "lock sync by bind is not possible", "leave sync at auto")


def test_the_separator_forgotten(small: Small) -> None:
    stack = small()
    refused(stack.inv("uv", "add", "six", ok=False), 2, "the -- before", "inv uv add six", "type inv uv -- add six")
