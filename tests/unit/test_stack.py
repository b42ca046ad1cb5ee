"""Which service is meant, and with which variables Compose is called, without asking Compose."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from contextlib import nullcontext
from pathlib import Path, PurePosixPath
from typing import Any

import pytest

from uvdock import process
from uvdock.engine.building import captured_build, shown_build
from uvdock.engine.override import LOCK_LABEL, override_for, refuse_one_place
from uvdock.engine.services import choose_service, environment_services, lock_digests, same_build
from uvdock.engine.stack import Bind, Service, Stack, compose_env
from uvdock.errors import UvdockError
from uvdock.project import Project
from uvdock.settings import Settings


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    (tmp_path / "compose.yaml").write_text("services: {}\n")
    for name in ("api", "worker"):
        (tmp_path / name).mkdir()
    return tmp_path


def stack(repo: Path, services: Mapping[str, Mapping[str, Any]], context: str | None = None) -> Stack:
    """A stack of which Compose says this."""
    made = Stack(repo, [repo / "compose.yaml"], context, {}, {})
    made.__dict__["config"] = {"name": "shop", "services": services}
    return made


def built(context: Path, **more: Any) -> dict[str, Any]:
    build = {"context": str(context), "dockerfile": "Dockerfile", **more.pop("build", {})}
    return {"build": build, **more}


def service(**data: Any) -> Service:
    return Service("web", "image", data)


@pytest.mark.parametrize(
    ("content", "ids", "environ", "dotenv", "expected"),
    [
        pytest.param("user: $UID:$GID", (1000, 1001), {}, {}, {"UID": "1000", "GID": "1001"}, id="used"),
        pytest.param("UID: ${UID:-1000}", (501, 20), {}, {}, {"UID": "501"}, id="only-the-used-one"),
        pytest.param("UID: ${UID-1000}", (501, 20), {}, {}, {"UID": "501"}, id="default-without-colon"),
        pytest.param("image: app", (501, 20), {}, {}, {}, id="not-used"),
        pytest.param("user: ${UID:-1000}:${GID:-1000}", (0, 0), {}, {}, {}, id="root-with-defaults"),
        pytest.param("user: ${UID}:${GID:-1000}", (0, 0), {}, {}, {"UID": "0"}, id="root-without-a-default"),
        pytest.param("a: ${UID:-1000}\nb: $UID", (0, 0), {}, {}, {"UID": "0"}, id="root-with-both"),
        pytest.param("a: ${UID:?is missing}", (0, 0), {}, {}, {"UID": "0"}, id="root-that-must-be-set"),
        pytest.param("user: $UID", (1000, 1000), {"UID": "7"}, {}, {"UID": "7"}, id="set-by-the-caller"),
        pytest.param("user: $UID", (1000, 1000), {"UID": ""}, {}, {"UID": "1000"}, id="empty-counts-as-unset"),
        pytest.param("user: $UID", (1000, 1000), {}, {"UID": "7"}, {}, id="set-in-the-env-file"),
        pytest.param("a: $UIDS ${UID_MAX} ${MY_UID} $MY_UID", (1000, 1000), {}, {}, {}, id="other-names"),
        pytest.param("a: ${UID:-1} ${UID_MAX}", (0, 0), {}, {}, {}, id="root-and-other-names"),
        pytest.param("a: $$UID $${UID}", (1000, 1000), {}, {}, {}, id="escaped"),
        pytest.param("a: $$$UID", (1000, 1000), {}, {}, {"UID": "1000"}, id="after-an-escaped-one"),
        pytest.param("a: x", (1, 1), {"A": "b", "DOCKER_HOST": "h"}, {}, {"A": "b", "DOCKER_HOST": "h"}, id="others"),
    ],
)
def test_compose_env(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    *,
    content: str,
    ids: tuple[int, int],
    environ: dict[str, str],
    dotenv: dict[str, str],
    expected: dict[str, str],
) -> None:
    uid, gid = ids
    monkeypatch.setattr("os.getuid", lambda: uid)
    monkeypatch.setattr("os.getgid", lambda: gid)
    (tmp_path / "compose.yaml").write_text(content)
    assert compose_env([tmp_path / "compose.yaml"], None, environ, dotenv) == expected


def test_compose_env_reads_every_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.getuid", lambda: 1000)
    monkeypatch.setattr("os.getgid", lambda: 1000)
    files = [tmp_path / "a.yaml", tmp_path / "b.yaml"]
    for file, content in zip(files, ("a: $UID", "b: $GID"), strict=True):
        file.write_text(content)
    assert compose_env(files, None, {}, {}) == {"UID": "1000", "GID": "1000"}


def test_a_named_context_goes_before_docker_host(tmp_path: Path) -> None:
    environ = {"DOCKER_HOST": "tcp://other.example", "A": "b"}
    assert compose_env([], "far", environ, {}) == {"A": "b"}
    assert environ == {"DOCKER_HOST": "tcp://other.example", "A": "b"}


def test_the_command_line_of_compose(repo: Path) -> None:
    file = str(repo / "compose.yaml")
    assert stack(repo, {}).argv("up") == ["docker", "compose", "-f", file, "up"]
    assert stack(repo, {}, "far").argv("ps", "-a", extra=["x.yaml"]) == [
        *("docker", "--context", "far", "compose", "-f", file, "-f", "x.yaml", "ps", "-a")
    ]
    assert stack(repo, {}).working_dir == str(repo)


def test_choose_the_one_that_is_named(repo: Path) -> None:
    services = {"web": built(repo), "db": {"image": "postgres"}}
    assert choose_service(stack(repo, services), Project(repo), "db", "UVDOCK_SERVICE").name == "db"


@pytest.mark.parametrize(
    ("make", "project", "expected"),
    [
        pytest.param(lambda at: {"db": {"image": "x"}, "web": built(at)}, "", "web", id="only-one-with-a-build"),
        pytest.param(lambda at: {"web": built(at / "api")}, "worker", "web", id="only-one-though-elsewhere"),
        pytest.param(
            lambda at: {"a": built(at / "api"), "w": built(at / "worker")}, "worker", "w", id="context-is-the-project"
        ),
        pytest.param(
            lambda at: {
                "a": built(at, build={"dockerfile": "api/Dockerfile"}),
                "w": built(at, build={"dockerfile": "worker/Dockerfile"}),
            },
            "api",
            "a",
            id="dockerfile-in-the-project",
        ),
        pytest.param(
            lambda at: {
                "js": built(at, build={"target": "js"}),
                "py": built(
                    at, build={"target": "py"}, volumes=[{"type": "bind", "source": str(at / "api"), "target": "/app"}]
                ),
            },
            "api",
            "py",
            id="mount-is-the-project",
        ),
        pytest.param(
            lambda at: {"worker": built(at), "web": built(at, ports=[{"target": 8000}])},
            "",
            "web",
            id="same-build-and-a-port",
        ),
    ],
)
def test_choose_by_looking(repo: Path, make: Any, project: str, expected: str) -> None:
    assert choose_service(stack(repo, make(repo)), Project(repo / project), None, "").name == expected


@pytest.mark.parametrize(
    ("make", "project"),
    [
        pytest.param(lambda at: {"a": built(at), "b": built(at)}, "", id="same-build-no-port"),
        pytest.param(lambda at: {"a": built(at, ports=[1]), "b": built(at, ports=[2])}, "", id="same-build-two-ports"),
        pytest.param(
            lambda at: {"a": built(at, build={"target": "x"}, ports=[1]), "b": built(at)},
            "",
            id="other-build-and-a-port",
        ),
        pytest.param(lambda at: {"a": built(at / "api"), "b": built(at / "worker")}, "", id="neither-is-the-project"),
    ],
)
def test_what_is_not_clear_is_a_question(repo: Path, make: Any, project: str) -> None:
    with pytest.raises(UvdockError, match="not clear which service") as caught:
        choose_service(stack(repo, make(repo)), Project(repo / project), None, "")
    assert caught.value.what.endswith(": a, b")
    assert "UVDOCK_SERVICE=a" in caught.value.fix
    assert caught.value.code == 2


@pytest.mark.parametrize("services", [{}, {"db": {"image": "postgres"}}], ids=["none", "only-images"])
def test_a_stack_without_a_build(repo: Path, services: dict[str, Any]) -> None:
    with pytest.raises(UvdockError, match="no service of the Compose file has a build") as caught:
        choose_service(stack(repo, services), Project(repo), None, "")
    assert caught.value.where == str(repo / "compose.yaml")


UV = "FROM python:3.13\nRUN uv sync --locked\n"
SHAPES: dict[str, tuple[dict[str, tuple[str, str, dict[str, Any]]], list[str]]] = {
    # The FastAPI template's: an app, a job of the same image, browser tests, a front end behind a server, a database.
    "template": (
        {
            "backend": ("backend.Dockerfile", UV, {}),
            "prestart": ("backend.Dockerfile", UV, {}),
            "playwright": ("playwright.Dockerfile", "FROM mcr.example/playwright:v1\nRUN npm ci\n", {}),
            "frontend": (
                "frontend.Dockerfile",
                "FROM node:24 AS build\nRUN npm ci\nFROM nginx:1\nCOPY --from=build /app /srv\n",
                {},
            ),
        },
        ["backend", "prestart"],
    ),
    # A workspace's: each with a Dockerfile of its own.
    "workspace": (
        {"api": ("api.Dockerfile", UV, {}), "worker": ("worker.Dockerfile", UV + "CMD worker\n", {})},
        ["api", "worker"],
    ),
    # Static files behind a server, out of the stage that has Python.
    "targets": (
        {
            "static": ("Dockerfile", f"{UV.replace('13', '13 AS app')}FROM nginx:1\nCOPY --from=app /s /s\n", {}),
            "web": ("web.Dockerfile", UV, {}),
        },
        ["web"],
    ),
    # Python is in a Node image to compile its packages.
    "node with python": (
        {
            "assets": ("assets.Dockerfile", "FROM node:24\nRUN apt-get install -y python3 make g++\n", {}),
            "web": ("web.Dockerfile", "FROM python:3.13\nRUN pip install -r requirements.txt\n", {}),
        },
        ["web"],
    ),
    # Not all of Python is uv's.
    "pip beside uv": (
        {
            "docs": ("docs.Dockerfile", "FROM python:3.13\nRUN pip install sphinx\n", {}),
            "web": ("web.Dockerfile", UV, {}),
        },
        ["web"],
    ),
}


@pytest.mark.parametrize("shape", SHAPES)
def test_every_service_of_a_lock(repo: Path, shape: str) -> None:
    described, expected = SHAPES[shape]
    services = {}
    for name, (file, text, more) in described.items():
        (repo / file).write_text(text)
        services[name] = built(repo, build={"dockerfile": file}, **more)
    found = environment_services(stack(repo, {**services, "db": {"image": "postgres"}}), Project(repo))
    assert [item.name for item in found] == expected


def test_of_the_services_of_a_workspace_the_one_the_person_is_in(repo: Path) -> None:
    (repo / "pyproject.toml").write_text('[tool.uv.workspace]\nmembers = ["api", "worker"]\n')
    for name in ("api", "worker"):
        (repo / name / "pyproject.toml").write_text(f'[project]\nname = "{name}"\nversion = "1"\n')
        (repo / name / "Dockerfile").write_text(f"{UV}CMD {name}\n")
    made = stack(repo, {name: built(repo, build={"dockerfile": f"{name}/Dockerfile"}) for name in ("api", "worker")})
    assert choose_service(made, Project(repo, Path("worker")), None, "").name == "worker"
    with pytest.raises(UvdockError, match="not clear which service"):
        choose_service(made, Project(repo), None, "")


def test_a_named_service_and_those_of_its_build(repo: Path) -> None:
    made = stack(repo, {"web": built(repo), "job": built(repo), "other": built(repo / "api"), "db": {"image": "x"}})
    assert [item.name for item in environment_services(made, Project(repo), "web")] == ["web", "job"]
    assert [item.name for item in environment_services(made, Project(repo), "db")] == ["db"]


def test_a_service_that_is_not_there(repo: Path) -> None:
    with pytest.raises(UvdockError) as caught:
        choose_service(stack(repo, {"web": built(repo), "db": {}}), Project(repo), "wbe", "--service")
    assert caught.value.what == "there is no service 'wbe' (did you mean web?)"
    assert caught.value.where == f"{repo / 'compose.yaml'} (named by --service)"
    assert caught.value.fix == "services here: db, web"


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        pytest.param({}, {}, True, id="same"),
        pytest.param({"tags": ["a"]}, {"tags": ["b"]}, True, id="tags-are-no-difference"),
        pytest.param({"context": "/b"}, {}, False, id="context"),
        pytest.param({"dockerfile": "b"}, {}, False, id="dockerfile"),
        pytest.param({"dockerfile_inline": "FROM b"}, {}, False, id="inline"),
        pytest.param({"target": "b"}, {}, False, id="target"),
        pytest.param({"args": {"A": "b"}}, {"args": {"A": "c"}}, False, id="args"),
    ],
)
def test_same_build(one: dict[str, Any], other: dict[str, Any], expected: bool) -> None:
    base = {"context": "/a", "dockerfile": "Dockerfile"}
    first, second = service(build={**base, **one}), service(build={**base, **other})
    assert same_build(first, second) is expected
    assert same_build(second, first) is expected


def test_an_image_without_a_name_is_named_as_compose_does(repo: Path) -> None:
    services = stack(repo, {"web": built(repo), "db": {"image": "postgres:17"}}).services
    assert {name: item.image for name, item in services.items()} == {"web": "shop-web", "db": "postgres:17"}


def test_what_a_service_says_of_itself() -> None:
    volumes = [
        {"type": "bind", "source": "/repo", "target": "/app"},
        {"type": "bind", "source": "/etc/x", "target": "/x", "read_only": True},
        {"type": "volume", "source": "data", "target": "/data"},
    ]
    found = service(volumes=volumes, environment={"A": "1", "B": None, "C": 2}, user="1000")
    assert found.binds == [
        Bind(Path("/repo"), PurePosixPath("/app"), read_only=False),
        Bind(Path("/etc/x"), PurePosixPath("/x"), read_only=True),
    ]
    assert found.environment == {"A": "1", "C": "2"}
    assert found.user == "1000"


def test_a_service_that_says_nothing() -> None:
    empty = service(volumes=None, environment=None, build=None)
    assert (empty.binds, empty.environment, empty.user, empty.build) == ([], {}, "", None)
    assert (empty.context, empty.dockerfile) == (None, None)


def test_the_dockerfile_of_a_service(tmp_path: Path) -> None:
    (tmp_path / "Dockerfile").write_text("FROM a\n")
    (tmp_path / "other.Dockerfile").write_text("FROM b\n")
    context = str(tmp_path)
    assert service(build={"context": context}).dockerfile == "FROM a\n"
    assert service(build={"context": context, "dockerfile": "other.Dockerfile"}).dockerfile == "FROM b\n"
    assert service(build={"context": context, "dockerfile_inline": "FROM c\n"}).dockerfile == "FROM c\n"
    assert service(build={"context": context, "dockerfile": "missing"}).dockerfile is None


def test_a_context_from_elsewhere_is_no_folder() -> None:
    far = service(build={"context": "https://git.example/app.git"})
    assert (far.context, far.dockerfile) == (None, None)


LOST = 'failed to prepare extraction snapshot "extract-1": parent snapshot sha256:1 does not exist: not found'


@pytest.mark.parametrize(
    ("said", "last", "code", "runs"),
    [
        (LOST, "exit 1", 0, 2),
        (LOST, "exit 0", 0, 1),
        ('process "/bin/sh -c false" did not complete', "exit 1", 1, 1),
    ],
)
def test_a_build_that_lost_a_layer_is_tried_once_more(
    tmp_path: Path, said: str, last: str, code: int, runs: int
) -> None:
    count = tmp_path / "count"
    script = f"echo run >> {count}; test $(wc -l < {count}) -gt 1 && exit 0; printf '%s' '{said}' >&2; {last}"
    assert captured_build(["sh", "-c", script]).code == code
    assert len(count.read_text().splitlines()) == runs


def test_a_shown_build_that_lost_a_layer_is_tried_once_more(tmp_path: Path) -> None:
    count, heard = tmp_path / "count", list[bytes]()
    script = f"echo run >> {count}; test $(wc -l < {count}) -gt 1 && exit 0; printf '%s' '{LOST}' >&2; exit 1"
    token = process.SINK.set(heard.append)
    try:
        assert shown_build(lambda: process.run(["sh", "-c", script])) == 0
        # One that fails otherwise is not tried again.
        assert shown_build(lambda: process.run(["sh", "-c", f"echo run >> {count}; exit 3"])) == 3
    finally:
        process.SINK.reset(token)
    assert len(count.read_text().splitlines()) == 3
    assert LOST.encode() in b"".join(heard)


def test_a_build_that_loses_a_layer_twice_has_failed(tmp_path: Path) -> None:
    assert captured_build(["sh", "-c", f"printf '%s' '{LOST}' >&2; exit 4"]).code == 4


def projects(repo: Path, *names: str) -> None:
    for name in names:
        (repo / name).mkdir(exist_ok=True)
        (repo / name / "pyproject.toml").write_text('[project]\nname = "x"\nversion = "1"\n')
        (repo / name / "uv.lock").write_text(f"# {name}\n")
        (repo / name / "Dockerfile").write_text(f"{UV}CMD {name}\n")


def test_each_image_is_labelled_with_the_lock_that_it_is_built_for(repo: Path) -> None:
    projects(repo, "api", "worker")
    (repo / "worker" / "Dockerfile").write_text(f"{UV}CMD worker\n")
    made = stack(repo, {"api": built(repo / "api"), "worker": built(repo / "worker"), "db": {"image": "x"}})
    found = lock_digests(made, Settings())
    assert set(found) == {"api", "worker"}
    assert found["api"] != found["worker"]
    assert found["api"] == "sha256:" + hashlib.sha256(b"# api\n").hexdigest()
    services = made.services
    expected = {"services": {"api": {"build": {"labels": {LOCK_LABEL: found["api"]}}}}}
    assert override_for([services["api"], services["db"]], found) == expected
    assert override_for([services["db"]], found) == {}
    # One for which there is no lock yet has none.
    (repo / "worker" / "uv.lock").unlink()
    assert set(lock_digests(made, Settings())) == {"api"}


def test_an_image_for_which_there_are_two_locks_has_no_label(repo: Path) -> None:
    projects(repo, "api", "worker", "tools")
    (repo / "Dockerfile").write_text(f"{UV}CMD all\n")
    # A project that is in no image makes nothing unclear.
    made = stack(repo, {"api": built(repo / "api"), "worker": built(repo / "worker")})
    assert set(lock_digests(made, Settings())) == {"api", "worker"}
    assert lock_digests(stack(repo, {"all": built(repo)}), Settings()) == {}


PLACE = "type=registry,ref=registry.example/app:{service}"


def test_each_service_has_a_cache_of_its_own(repo: Path) -> None:
    services = stack(repo, {"api": built(repo / "api"), "worker": built(repo / "worker")}).services
    assert override_for(services.values(), {}, [PLACE, "type=gha"], [PLACE]) == {
        "services": {
            name: {
                "build": {
                    "cache_from": [f"type=registry,ref=registry.example/app:{name}", "type=gha"],
                    "cache_to": [f"type=registry,ref=registry.example/app:{name}"],
                }
            }
            for name in ("api", "worker")
        }
    }


@pytest.mark.parametrize(
    ("folders", "cache_to", "refused"),
    [
        (["api", "worker"], ["type=registry,ref=x"], True),
        (["api", "worker"], [PLACE, "type=gha"], True),
        (["api", "worker"], [PLACE], False),
        (["api", "worker"], ["type=inline"], False),
        (["api", "worker"], [], False),
        (["api"], ["type=gha"], False),
        # The same build twice has the same layers.
        (["api", "api"], ["type=gha"], False),
    ],
)
def test_caches_that_would_overwrite_each_other_are_refused(
    repo: Path, folders: list[str], cache_to: list[str], refused: bool
) -> None:
    made = stack(repo, {f"s{number}": built(repo / name) for number, name in enumerate(folders)})
    with pytest.raises(UvdockError) if refused else nullcontext() as caught:
        refuse_one_place([*made.services.values()], cache_to, "uvdock.toml")
    if caught is not None:
        assert caught.value.what == "the caches of s0, s1 would overwrite each other"
        assert "from uvdock.toml" in caught.value.where
        assert "{service}" in caught.value.fix


def test_what_is_added_is_in_a_file_that_only_its_owner_reads_and_goes(repo: Path) -> None:
    with stack(repo, {}).adding({"services": {"api": {"build": {"cache_from": ["type=local,src=$HOME"]}}}}) as [name]:
        path = Path(name)
        assert path.stat().st_mode & 0o777 == 0o600
        assert "src=$$HOME" in path.read_text()
    assert not path.exists()
    with stack(repo, {}).adding({}) as none:
        assert none == []
