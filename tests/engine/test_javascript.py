"""JavaScript in its service: its lock comes back as uv's does, and what it builds is served."""

from __future__ import annotations

import json
import os
import subprocess
import textwrap
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.conftest import Program
from tests.engine.conftest import IMAGE_UID, REMOTE, Stack, _remove, need

pytestmark = [pytest.mark.engine, pytest.mark.slow]

NODE = "node:24-trixie-slim"
MISSING = "no-such-package-uvdock-asks-for"
#: Each manager: the lock it makes, its verbs, and the image's line that brings it.
MANAGERS = {
    "npm": ("package-lock.json", "install", "npm ci"),
    "yarn": ("yarn.lock", "add", "yarn install --frozen-lockfile"),
    "pnpm": ("pnpm-lock.yaml", "add", "pnpm install --frozen-lockfile"),
}


def owners(*paths: Path) -> set[tuple[int, int]]:
    return {(path.stat().st_uid, path.stat().st_mode & 0o777) for path in paths}


def pin(folder: Path, **versions: str) -> None:
    """Write exact versions into a package.json."""
    manifest = folder / "package.json"
    data = json.loads(manifest.read_text())
    data["dependencies"] = {**data.get("dependencies", {}), **versions}
    manifest.write_text(json.dumps(data, indent=2) + "\n")


@pytest.fixture
def node(new_folder: Path, program: Program) -> Iterator[Callable[..., Stack]]:
    """A small stack with a service that has Node, a mount and an owner as a test asks for."""
    made: list[Stack] = []

    def make(manager: str = "npm", *, owner: int, volumes: str = "", user: str = "") -> Stack:
        lock, _, install = MANAGERS[manager]
        files = {
            "web/package.json": json.dumps({"name": "x", "private": True, "packageManager": f"{manager}@1.0.0"}),
            "Dockerfile": f"""\
                FROM {NODE} AS assets
                RUN npm install --global --force {manager}@{"1.22.22" if manager == "yarn" else "9"} \\
                  && usermod --uid {IMAGE_UID} node && install -d -o node /web
                USER node
                WORKDIR /web
                COPY --chown=node web/package.json web/{lock} ./
                RUN {install}
                CMD ["sleep", "infinity"]
                """,
            "compose.yaml": f"""\
                services:
                  assets:
                    build: {{context: ., target: assets}}
                    init: true
                    stop_grace_period: 0s
                    {f'user: "{user}"' if user else ""}
                    volumes: [{volumes}]
                """,
        }
        new_folder.mkdir()
        for name, content in files.items():
            (new_folder / name).parent.mkdir(exist_ok=True)
            (new_folder / name).write_text(textwrap.dedent(content))
        for path in (new_folder, *new_folder.rglob("*")):
            os.chown(path, owner, owner)
        made.append(Stack(new_folder, program, new_folder / "web"))
        return made[-1]

    yield make
    for stack in made:
        _remove(stack)


@pytest.mark.parametrize(
    ("manager", "owner", "shape"),
    [
        # On an engine that does not see the files, nothing is mounted either.
        pytest.param("npm", 4321, {}, id="npm, nothing mounted", marks=pytest.mark.long),
        pytest.param("yarn", 4321, {}, id="yarn, nothing mounted", marks=pytest.mark.long),
        pytest.param("npm", IMAGE_UID, {"volumes": "./web:/web"}, id="npm, mounted, its owner is the image's user"),
        pytest.param(
            *("pnpm", IMAGE_UID, {"volumes": "./web:/web"}),
            id="pnpm, mounted, its owner is the image's user",
            marks=pytest.mark.long,
        ),
    ],
)
def test_both_files_come_back_owned_by_their_owner(
    node: Callable[..., Stack], manager: str, owner: int, shape: dict[str, str]
) -> None:
    stack = node(manager, owner=owner, **shape)
    name, add, _ = MANAGERS[manager]
    manifest, lock = stack.project / "package.json", stack.project / name
    pin(stack.project, **{"is-odd": "2.0.0"})
    stack.uvdock("js.install")
    assert owners(manifest, lock) == {(owner, 0o644)}
    assert {path.name for path in stack.project.iterdir()} == {"package.json", name}

    stack.up()
    if shape:
        # The mount hides the image's packages: they are brought there without a build.
        stack.uvdock("js.install", "--no-build")
    stack.uvdock("js", add, "ms@2.1.2")
    assert '"ms"' in manifest.read_text()
    assert owners(manifest, lock) == {(owner, 0o644)}
    version = ("node", "-p", "require('ms/package.json').version")
    assert stack.in_container(*version, service="assets") == "2.1.2"

    before = {path: path.read_bytes() for path in (manifest, lock)}
    ran = stack.uvdock("js", add, MISSING, ok=False)
    assert ran.code == 1
    assert f"{name} are as they were" in ran.err
    assert {path: path.read_bytes() for path in (manifest, lock)} == before
    rows = {row["name"]: row for row in json.loads(stack.uvdock("js.outdated", "--json").out)["packages"]}
    assert (rows["is-odd"]["locked"], rows["ms"]["locked"]) == ("2.0.0", "2.1.2")
    assert rows["is-odd"]["latest"].startswith("3.")
    assert {path: path.read_bytes() for path in (manifest, lock)} == before

    stack.uvdock("js", "remove", "is-odd")
    assert '"is-odd"' not in manifest.read_text()
    assert owners(manifest, lock) == {(owner, 0o644)}

    container = stack.container("assets")
    again = stack.uvdock("js.install")
    assert stack.container("assets") != container
    # What a mount hides from the new container is brought there too.
    assert ("sync running containers" in again.err) == bool(shape)
    assert stack.in_container("ls", "node_modules", service="assets") == "ms"


def test_on_an_engine_that_does_not_see_the_files(node: Callable[..., Stack]) -> None:
    need(REMOTE)
    if subprocess.run(["docker", "-H", REMOTE, "image", "inspect", NODE], capture_output=True, check=False).returncode:
        with subprocess.Popen(["docker", "save", NODE], stdout=subprocess.PIPE) as saved:
            subprocess.run(["docker", "-H", REMOTE, "load"], stdin=saved.stdout, capture_output=True, check=True)
    stack = node(owner=4321, volumes="./web:/web")
    stack.program.env["DOCKER_HOST"] = REMOTE
    manifest, lock = stack.project / "package.json", stack.project / "package-lock.json"
    stack.uvdock("js", "add", "ms@2.1.2")
    assert '"node_modules/ms"' in lock.read_text()
    assert owners(manifest, lock) == {(4321, 0o644)}
    stack.uvdock("js.install")
    assert "ms@2.1.2" in stack.uvdock("js", "ls", "ms").out


def test_no_manager_in_the_service_names_what_to_do(small: Callable[..., Stack]) -> None:
    stack = small()
    (stack.root / "package.json").write_text("{}")
    stack.install()
    ran = stack.uvdock("js", "add", "ms", ok=False)
    assert ran.code == 127
    assert "there is no npm" in ran.err
    assert "UVDOCK_JS_SERVICE" in ran.err.splitlines()[-1]
    assert (stack.root / "package.json").read_text() == "{}"
