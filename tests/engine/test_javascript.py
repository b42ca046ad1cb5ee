"""JavaScript in its service: its lock comes back as uv's does, and what it builds is served."""

from __future__ import annotations

import json
import os
import subprocess
import textwrap
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.conftest import Program, hashes
from tests.engine.conftest import IMAGE_UID, Stack, _remove
from tests.engine.test_remote import REMOTE

pytestmark = pytest.mark.engine

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


def assert_served(stack: Stack) -> None:
    """The app runs without the service that has Node, and serves what that built."""
    stack.inv("deps.install")
    stack.up()
    assert "js" not in stack.compose("ps", "--services").split()
    assert "setInterval" in stack.get("/static/app.js")
    assert "#1b1f3b" in stack.get("/static/app.css")


def test_flask_from_a_fresh_clone_to_what_the_app_serves(reference: Callable[[str, str], Stack]) -> None:
    stack = reference("flask", ".")
    assets, public = stack.root / "assets", stack.root / "public"
    manifest, lock = assets / "package.json", assets / "package-lock.json"
    # The image's user writes there; the owner of what it does not write is another.
    os.chown(public, IMAGE_UID, IMAGE_UID)
    assert not lock.exists()

    first = stack.inv("js.install")
    assert "holds the host's package-lock.json, byte for byte" in first.err
    assert json.loads(lock.read_text())["packages"]["node_modules/ms"]["version"].startswith("2.")
    assert owners(manifest, lock) == {(0, 0o644)}
    assert not (assets / "node_modules").exists()

    stack.inv("assets")
    assert "setInterval" in (public / "app.js").read_text()
    assert (public / "app.css").read_text().startswith("body{margin:1.5rem auto;max-width:40rem;color:#1b1f3b}")
    # A part of the second file's name is in the first one's: both were built by their own commands too.
    (public / "app.js").unlink()
    assert "../public/app.js" in stack.uvdock("build-js").err
    assert "setInterval" in (public / "app.js").read_text()

    pin(assets, ms="2.0.0")
    stack.inv("js.install")
    before = hashes(stack.root)
    found = json.loads(stack.inv("js.outdated", "--json").out)["packages"]
    behind = next(row for row in found if row["name"] == "ms")
    assert (behind["group"], behind["locked"], behind["wanted"]) == ("dependencies", "2.0.0", "2.0.0")
    assert behind["latest"].startswith("2.1.")
    assert "esbuild" in stack.uvdock("js.outdated").out
    assert hashes(stack.root) == before

    stack.up("js")
    added = stack.inv("js", "--", "add", "kleur@4.1.4")
    assert "container" in added.err
    assert '"kleur"' in manifest.read_text()
    assert '"node_modules/kleur"' in lock.read_text()
    assert owners(manifest, lock) == {(0, 0o644)}
    assert (
        stack.in_container(
            "node", "-p", "JSON.parse(fs.readFileSync('node_modules/kleur/package.json')).version", service="js"
        )
        == "4.1.4"
    )

    before = hashes(stack.root)
    failed = stack.inv("js", "--", "add", MISSING, ok=False)
    assert failed.code == 1
    assert "E404" in failed.err
    assert "package.json and package-lock.json are as they were" in failed.err.splitlines()[-1]
    assert hashes(stack.root) == before
    assert stack.uvdock("js", "run", "no-such-script", ok=False).code == 1
    assert hashes(stack.root) == before

    container = stack.container("js")
    stack.inv("js.install")
    assert stack.container("js") != container
    assert (
        stack.in_container(
            "node", "-p", "JSON.parse(fs.readFileSync('node_modules/kleur/package.json')).version", service="js"
        )
        == "4.1.4"
    )
    assert "js_service " in stack.inv("config").out

    stack.compose("stop", "js")
    assert_served(stack)


@pytest.mark.parametrize(
    ("manager", "owner", "shape"),
    [
        pytest.param("npm", 4321, {}, id="npm, nothing mounted"),
        pytest.param("yarn", 4321, {}, id="yarn, nothing mounted"),
        pytest.param("yarn", IMAGE_UID, {"volumes": "./web:/web"}, id="yarn, mounted, its owner is the image's user"),
        pytest.param("pnpm", IMAGE_UID, {"volumes": "./web:/web"}, id="pnpm, mounted, its owner is the image's user"),
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
    assert ("sync the running container" in again.err) == bool(shape)
    assert stack.in_container("ls", "node_modules", service="assets") == "ms"


def test_on_an_engine_that_does_not_see_the_files(node: Callable[..., Stack]) -> None:
    ping = subprocess.run(["docker", "-H", REMOTE, "version"], capture_output=True, check=False, timeout=60)
    if ping.returncode != 0:
        if os.environ.get("UVDOCK_REQUIRE_REMOTE"):
            pytest.fail(f"UVDOCK_REQUIRE_REMOTE is set and no engine answers at {REMOTE}")
        pytest.skip(f"no second engine at {REMOTE}")
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
    stack.uvdock("deps.install")
    ran = stack.uvdock("js", "add", "ms", ok=False)
    assert ran.code == 127
    assert "there is no npm" in ran.err
    assert "UVDOCK_JS_SERVICE" in ran.err.splitlines()[-1]
    assert (stack.root / "package.json").read_text() == "{}"
