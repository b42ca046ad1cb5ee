"""Which Compose service holds Node: named, by its image, by its name, or the app's own."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.unit.test_stack import built, stack
from uvdock.engine.node import choose_js_service
from uvdock.engine.services import choose_service
from uvdock.engine.stack import Service
from uvdock.errors import UvdockError
from uvdock.project import Project

DOCKERFILE = "FROM node:24 AS js\nFROM js AS css\nFROM python:3.13 AS app\n"


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    (tmp_path / "assets").mkdir()
    (tmp_path / "e2e").mkdir()
    (tmp_path / "Dockerfile").write_text(DOCKERFILE)
    (tmp_path / "assets/Dockerfile").write_text("FROM docker.io/library/node:24-slim\n")
    (tmp_path / "e2e/Dockerfile").write_text("FROM node:22\n")
    (tmp_path / "compose.yaml").write_text("services: {}\n")
    return tmp_path


def mount(source: Path) -> dict[str, Any]:
    return {"volumes": [{"type": "bind", "source": str(source), "target": "/app"}]}


def choose(repo: Path, services: dict[str, Any], wanted: str | None = None) -> str:
    found = stack(repo, services)

    def python() -> Service:
        return found.service("web")

    return choose_js_service(found, repo / "assets", wanted, "UVDOCK_JS_SERVICE", python).name


@pytest.mark.parametrize(
    ("make", "expected"),
    [
        pytest.param(
            lambda at: {"web": built(at, build={"target": "app"}), "x": built(at, build={"target": "js"})},
            "x",
            id="a-target-made-from-node",
        ),
        pytest.param(
            lambda at: {
                "web": built(at, build={"target": "app"}),
                "css": built(at, build={"target": "js"}),
                "js": built(at, build={"target": "js"}),
            },
            "js",
            id="two-of-the-same-build",
        ),
        pytest.param(
            lambda at: {"web": built(at), "a": built(at / "assets"), "b": built(at / "e2e")}, "a", id="folder"
        ),
        pytest.param(
            lambda at: {"web": built(at), "b": built(at / "e2e")}, "b", id="the-only-node-though-it-holds-another"
        ),
        pytest.param(
            lambda at: {"web": built(at), "vite": {"image": "node:24", **mount(at)}}, "vite", id="an-image-and-a-mount"
        ),
        pytest.param(
            lambda at: {
                "web": built(at),
                "all": {"image": "node:24", **mount(at)},
                "one": {"image": "node:22", **mount(at / "assets")},
            },
            "one",
            id="the-nearest-mount",
        ),
        pytest.param(
            lambda at: {"web": built(at), "webpack": {"image": "mine/tools", **mount(at)}}, "webpack", id="by-name"
        ),
        pytest.param(lambda at: {"web": built(at), "db": {"image": "postgres"}}, "web", id="the-app's-own"),
        pytest.param(
            lambda at: {"web": built(at), "node-exporter": {"image": "prom/node-exporter"}}, "web", id="no-node-at-all"
        ),
    ],
)
def test_choose_by_looking(repo: Path, make: Any, expected: str) -> None:
    assert choose(repo, make(repo)) == expected


def test_the_python_service_is_not_one_with_node(repo: Path) -> None:
    services = {
        "css": built(repo, build={"target": "css"}),
        "js": built(repo, build={"target": "js"}, ports=[{"target": 3000}]),
        "worker": built(repo, build={"target": "app"}),
        "web": built(repo, build={"target": "app"}, ports=[{"target": 8000}]),
    }
    assert choose_service(stack(repo, services), Project(repo), None, "").name == "web"


def test_choose_the_one_that_is_named(repo: Path) -> None:
    services = {"web": built(repo), "js": built(repo / "assets")}
    assert choose(repo, services, "web") == "web"
    with pytest.raises(UvdockError, match="no service 'jss'") as caught:
        choose(repo, services, "jss")
    assert "UVDOCK_JS_SERVICE" in caught.value.where


def test_two_that_differ_are_a_question(repo: Path) -> None:
    services = {
        "web": built(repo),
        "a": {"image": "node:24", **mount(repo)},
        "b": {"image": "node:22", **mount(repo)},
    }
    with pytest.raises(UvdockError, match="not clear which service holds Node: a, b") as caught:
        choose(repo, services)
    assert caught.value.code == 2
    assert 'js_service = "a"' in caught.value.fix


def test_none_at_all_names_the_setting(repo: Path) -> None:
    with pytest.raises(UvdockError, match="no service of the Compose file holds Node") as caught:
        choose(repo, {"db": {"image": "postgres"}})
    assert "UVDOCK_JS_SERVICE" in caught.value.fix
    assert "services here: db" in caught.value.fix
