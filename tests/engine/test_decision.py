"""What is kept of where a command runs holds exactly as long as the long way would decide the same."""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from unittest import mock

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.conftest import clean_environment, few
from uvdock import settings as own
from uvdock.cli import fastpath
from uvdock.cli.completion.store import Store
from uvdock.errors import UvdockError
from uvdock.project import find_root
from uvdock.tasks.base import Repo

pytestmark = [pytest.mark.engine, pytest.mark.slow]

COMPOSE = """\
include: [shared/compose.yaml]
services:
  web: &app
    build: ${APP_DIR:-app}
    env_file: [{path: web.env, required: false}]
    ports: ["8000"]
  worker:
    build: {context: app, dockerfile: Dockerfile.worker}
    extends: {file: base.yaml, service: base}
"""
PROJECT = '[project]\nname = "app"\nversion = "1"\n'
FILES = {
    "compose.yaml": COMPOSE,
    "shared/compose.yaml": "services: {db: {image: postgres}}\n",
    "base.yaml": "services: {base: {stop_grace_period: 1s}}\n",
    "app/pyproject.toml": PROJECT,
    "app/Dockerfile": "FROM python\n",
    "app/Dockerfile.worker": "FROM node\n",
    "app/main.py": "",
    "notes.txt": "",
}


@dataclass(frozen=True)
class Change:
    """One thing that happens to a repo.

    Args:
        name: For a person.
        do: What happens, in the repo's folder.
        matters: Whether anything that could matter changes by it; if not, nobody even asks Compose.
    """

    name: str
    do: Callable[[Path], object]
    matters: bool = True

    def __repr__(self) -> str:
        return self.name


def write(name: str, content: str) -> Callable[[Path], object]:
    def do(root: Path) -> None:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        # As editors do it: another file in its place.
        (path.parent / "written").write_text(content)
        (path.parent / "written").replace(path)

    return do


def edit(name: str, old: str, new: str) -> Callable[[Path], object]:
    def do(root: Path) -> None:
        path = root / name
        if path.is_file():
            path.write_text(path.read_text().replace(old, new))

    return do


def append(name: str, content: str) -> Callable[[Path], object]:
    def do(root: Path) -> None:
        if (root / name).is_file():
            with (root / name).open("a") as file:
                file.write(content)

    return do


def remove(name: str) -> Callable[[Path], object]:
    return lambda root: (root / name).unlink(missing_ok=True)


def rewrite_all(root: Path) -> None:
    for path in [path for path in root.rglob("*") if path.is_file()]:
        path.write_bytes(path.read_bytes())
        os.utime(path, (1_000_000_000, 1_000_000_000))


def relink(root: Path) -> None:
    """The Compose file is a link, to the same text elsewhere."""
    (root / "elsewhere").mkdir(exist_ok=True)
    text = (root / "compose.yaml").read_text()
    (root / "elsewhere/compose.yaml").write_text(text)
    (root / "compose.yaml").unlink()
    (root / "compose.yaml").symlink_to("elsewhere/compose.yaml")


def variable(name: str, value: str) -> Callable[[Path], object]:
    return lambda _: os.environ.__setitem__(name, value)


CHANGES = [
    Change("a file appears", write("more.txt", "x"), matters=False),
    Change("a file goes", remove("notes.txt"), matters=False),
    Change(
        "a file is renamed",
        lambda root: (root / "app/main.py").exists() and (root / "app/main.py").rename(root / "app/m.py"),
        matters=False,
    ),
    Change("a module changes", write("app/main.py", "print()\n"), matters=False),
    Change("a linter's folder appears", lambda root: (root / ".ruff_cache").mkdir(exist_ok=True), matters=False),
    Change("the lock changes", write("app/uv.lock", "version = 1\n"), matters=False),
    Change("the Dockerfile of one service changes", append("app/Dockerfile", "RUN true\n")),
    Change("everything is written again as it was", rewrite_all, matters=False),
    Change("a variable that nothing mentions", variable("NOBODY", "x"), matters=False),
    Change("git does something", write(".git/index", "x"), matters=False),
    Change("a folder appears", lambda root: (root / "docs").mkdir(exist_ok=True)),
    Change("a project appears", write("other/pyproject.toml", PROJECT)),
    Change("a deep project appears", write("a/b/pyproject.toml", PROJECT)),
    Change("a comment in the Compose file", append("compose.yaml", "# x\n")),
    Change("the other service publishes ports", edit("compose.yaml", "extends", "ports: ['1']\n    extends")),
    Change("the app is built elsewhere", edit("compose.yaml", ":-app}", ":-lib}")),
    Change("the Compose file is broken", append("compose.yaml", "  x: ]\n")),
    Change("the included file names a build", write("shared/compose.yaml", "services: {db: {build: ../app}}\n")),
    Change("the included file goes", remove("shared/compose.yaml")),
    Change("the extended file says more", append("base.yaml", "# x\n")),
    Change("the extended service goes", write("base.yaml", "services: {other: {image: x}}\n")),
    Change("an override appears", write("compose.override.yaml", "services: {web: !reset null}\n")),
    Change("an override says nothing", write("compose.override.yml", "services: {}\n")),
    Change("another name of Compose's", write("docker-compose.yml", "services: {}\n")),
    Change("an env file appears", write("web.env", "A=1\n")),
    Change("a broken env file appears", write("web.env", "'\n")),
    Change(".env moves the app", write(".env", "APP_DIR=lib\n")),
    Change(".env names the Compose file", write(".env", "COMPOSE_FILE=base.yaml\n")),
    Change(".env of the included file", write("shared/.env", "APP_DIR=lib\n")),
    Change("settings appear", write("uvdock.toml", 'service = "worker"\n')),
    Change("empty settings appear", write("uvdock.toml", "")),
    Change("settings are wrong", write("uvdock.toml", "servise = 1\n")),
    Change("the host is chosen", write("pyproject.toml", '[tool.uvdock]\nbackend = "host"\n')),
    Change("a nearer Compose file", write("app/compose.yaml", "services: {web: {build: .}}\n")),
    Change("a nearer repo", lambda root: (root / "app/.git").mkdir(exist_ok=True)),
    Change("nearer settings", write("app/uvdock.toml", "")),
    Change("the project is none any more", write("app/pyproject.toml", "[tool.x]\n")),
    Change("the project has one dependency more", append("app/pyproject.toml", 'dependencies = ["x"]\n')),
    Change("a workspace around it", write("pyproject.toml", '[tool.uv.workspace]\nmembers = ["app"]\n')),
    Change("the Compose file is a link", relink),
    Change("a variable that moves the app", variable("APP_DIR", "lib")),
    Change("a variable with the same value", variable("APP_DIR", "app")),
    Change("a variable names the service", variable("UVDOCK_SERVICE", "worker")),
    Change("a variable names the file", variable("COMPOSE_FILE", "base.yaml")),
    Change("Docker's own settings", write("../home/.docker/config.json", '{"auths": {}}')),
]


@contextmanager
def repo(inside: str) -> Iterator[Path]:
    """A repo in a folder of its own, in which the person is in ``inside``."""
    before = Path.cwd()
    with tempfile.TemporaryDirectory() as made:
        home, root = Path(made, "home"), Path(made, "repo").resolve()
        for name, content in FILES.items():
            write(name, content)(root)
        (root / ".git").mkdir()
        env = {**clean_environment(), "HOME": str(home), "XDG_CACHE_HOME": str(home / "cache")}
        with mock.patch.dict(os.environ, env, clear=True):
            os.chdir(root / inside)
            try:
                yield root
            finally:
                os.chdir(before)


def long_way() -> tuple[object, ...] | None:
    """What the long way decides now, by its own means; ``None`` where it ends in an error, or on the host."""
    try:
        root = find_root(Path.cwd())
        opened = Repo(root, Path.cwd(), own.load(root))
        runner = getattr(opened.backend, "runner", None)
        if runner is None:
            return None
        runner.engine.api.close()
        decided = root, opened.project, runner.service_name, runner.stack.working_dir, runner.engine.address
    except UvdockError:
        return None
    return decided


def later() -> int:
    """A moment after everything that a test did."""
    return time.time_ns() + 10**9


def remember() -> None:
    """Keep what the long way finds, without a container."""
    fastpath._since = later()
    root = find_root(Path.cwd())
    runner = Repo(root, Path.cwd(), own.load(root)).compose("it")
    runner.engine.api.close()
    fastpath.remember("uvdock", {"service": runner.service_name, "address": "/var/run/docker.sock"}, None, runner.stack)


def holds() -> bool:
    store = Store("uvdock")
    kept = store.read(fastpath.KIND)
    return kept is not None and fastpath._known(store, kept, None, later()) is not None


@settings(max_examples=12, deadline=None, suppress_health_check=list(HealthCheck))
@given(inside=st.sampled_from(["", "app"]), changes=st.lists(st.sampled_from(CHANGES), min_size=1, max_size=4))
def test_it_holds_exactly_as_long_as_the_decision(inside: str, changes: list[Change]) -> None:
    with repo(inside) as root:
        decided = long_way()
        assert decided is not None
        remember()
        for change in changes:
            change.do(root)
            now = long_way()
            assert holds() == (now is not None and now == decided), (change, decided, now)
            if now is None:
                return
            if now != decided:
                decided = now
                remember()


@pytest.mark.parametrize("inside", few(["", "app"], [""]))
@pytest.mark.parametrize("change", CHANGES, ids=repr)
def test_each_change(change: Change, inside: str) -> None:
    with repo(inside) as root, mock.patch.object(fastpath, "_read_again", wraps=fastpath._read_again) as asked:
        decided = long_way()
        remember()
        assert holds()
        asked.assert_not_called()
        change.do(root)
        now = long_way()
        assert holds() == (now is not None and now == decided)
        assert not asked.called or change.matters


@pytest.mark.parametrize("name", ["DOCKER_HOST", "DOCKER_CONTEXT", "DOCKER_CONFIG", "HOME", "INVOKE_UVDOCK_BACKEND"])
def test_no_variable_that_could_mean_another_engine_goes_unseen(name: str) -> None:
    with repo(""):
        remember()
        assert holds()
        os.environ[name] = "unix:///nonexistent"
        assert not holds()


@pytest.mark.parametrize("name", ["invoke.yaml", "../home/.invoke.json"])
def test_a_configuration_of_invoke_is_left_to_invoke(name: str) -> None:
    with repo("") as root:
        remember()
        write(name, "{}")(root)
        assert not holds()


def test_what_changes_while_it_is_read_is_not_kept() -> None:
    with repo("") as root:
        runner = Repo(root, root, own.load(root)).compose("it")
        runner.engine.api.close()
        assert runner.service_name == "web"
        fastpath._since = time.time_ns()
        append("compose.yaml", "# x\n")(root)
        known: dict[str, object] = {"service": runner.service_name, "address": "/var/run/docker.sock"}
        fastpath.remember("uvdock", known, None, runner.stack)
        assert not holds()
