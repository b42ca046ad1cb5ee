"""Which repo, project and Compose files are meant, for someone anywhere in a tree."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

import pytest

from uvdock.errors import UvdockError
from uvdock.project import (
    COMPOSE_NAMES,
    OVERRIDE_NAMES,
    Project,
    dotenv,
    find_compose_files,
    find_glob,
    find_project,
    find_root,
    is_project,
)
from uvdock.settings import Settings

PROJECT = '[project]\nname = "app"\nversion = "0"\n'
TOOL_ONLY = "[tool.ruff]\nline-length = 100\n"
WORKSPACE = '[tool.uv.workspace]\nmembers = ["packages/*"]\nexclude = ["packages/odd"]\n'


def tree(root: Path, files: Mapping[str, str]) -> Path:
    """Files by path below ``root``; a name that ends with ``/`` is a folder."""
    for name, content in files.items():
        path = root / name
        if name.endswith("/"):
            path.mkdir(parents=True)
        else:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(content)
    return root


@pytest.mark.parametrize(
    ("files", "start", "expected"),
    [
        pytest.param({"compose.yaml": "", "a/b/": ""}, "a/b", "", id="compose-file-above"),
        pytest.param({"docker-compose.yml": "", "a/": ""}, "a", "", id="compose-file-of-old"),
        pytest.param({".git/": "", "a/b/": ""}, "a/b", "", id="git-above"),
        pytest.param({".git": "gitdir: x", "a/": ""}, "a", "", id="git-worktree"),
        pytest.param({"pyproject.toml": "[tool.uvdock]\n", "a/": ""}, "a", "", id="table-above"),
        pytest.param({"uvdock.toml": "", "a/": ""}, "a", "", id="settings-above"),
        pytest.param({".git/": "", "a/uvdock.toml": ""}, "a", "a", id="settings-nearer-than-git"),
        pytest.param({".git/": "", "a/pyproject.toml": PROJECT}, "a", "", id="git-beyond-a-project"),
        pytest.param({".git/": "", "a/compose.yaml": "", "a/b/": ""}, "a/b", "a", id="compose-file-nearer-than-git"),
        pytest.param({".git/": "", "a/pyproject.toml": "[tool.uvdock]\n"}, "a", "a", id="table-nearer-than-git"),
        pytest.param({"a/pyproject.toml": PROJECT, "a/b/c/": ""}, "a/b/c", "a", id="only-a-project"),
        pytest.param(
            {"pyproject.toml": PROJECT, "a/pyproject.toml": PROJECT, "a/b/": ""}, "a/b", "a", id="nearest-project"
        ),
        pytest.param({"a/": ""}, "a", "a", id="nothing"),
    ],
)
def test_find_root(tmp_path: Path, files: dict[str, str], start: str, expected: str) -> None:
    tree(tmp_path, files)
    assert find_root(tmp_path / start) == tmp_path / expected


def test_find_root_of_a_link_is_that_of_its_target(tmp_path: Path) -> None:
    tree(tmp_path, {"repo/compose.yaml": "", "repo/src/": ""})
    (tmp_path / "link").symlink_to(tmp_path / "repo" / "src")
    assert find_root(tmp_path / "link") == tmp_path / "repo"


@pytest.mark.parametrize(
    ("there", "expected"),
    [
        pytest.param((), (), id="none"),
        *(pytest.param((name,), (name,), id=name) for name in COMPOSE_NAMES),
        pytest.param(COMPOSE_NAMES, ("compose.yaml",), id="all-names-the-first"),
        pytest.param(("docker-compose.yaml", "docker-compose.yml"), ("docker-compose.yml",), id="yml-first-of-old"),
        *(pytest.param(("compose.yaml", name), ("compose.yaml", name), id=name) for name in OVERRIDE_NAMES),
        pytest.param(
            ("compose.yaml", *OVERRIDE_NAMES), ("compose.yaml", "compose.override.yml"), id="all-overrides-the-first"
        ),
        pytest.param(("compose.override.yaml",), (), id="override-alone"),
        pytest.param(("compose.prod.yaml",), (), id="other-name"),
    ],
)
def test_compose_files_by_composes_own_names(tmp_path: Path, there: tuple[str, ...], expected: tuple[str, ...]) -> None:
    tree(tmp_path, dict.fromkeys(there, ""))
    assert find_compose_files(tmp_path, Settings(), {}) == tuple(tmp_path / name for name in expected)


@pytest.mark.parametrize(
    ("environ", "env_file", "expected"),
    [
        pytest.param({"COMPOSE_FILE": "a.yaml"}, "", ("a.yaml",), id="environment"),
        pytest.param({"COMPOSE_FILE": os.pathsep.join(("b.yaml", "a.yaml"))}, "", ("b.yaml", "a.yaml"), id="in-order"),
        pytest.param(
            {"COMPOSE_FILE": "a.yaml;b.yaml", "COMPOSE_PATH_SEPARATOR": ";"}, "", ("a.yaml", "b.yaml"), id="separator"
        ),
        pytest.param({}, 'export COMPOSE_FILE="a.yaml"\n', ("a.yaml",), id="env-file"),
        pytest.param(
            {}, "COMPOSE_PATH_SEPARATOR=,\nCOMPOSE_FILE=a.yaml,b.yaml\n", ("a.yaml", "b.yaml"), id="env-file-separator"
        ),
        pytest.param({"COMPOSE_FILE": "b.yaml"}, "COMPOSE_FILE=a.yaml\n", ("b.yaml",), id="environment-first"),
        pytest.param({"COMPOSE_FILE": "deploy/c.yaml"}, "", ("deploy/c.yaml",), id="in-a-folder"),
        pytest.param({"COMPOSE_FILE": ""}, "", ("compose.yaml",), id="empty"),
        pytest.param({}, "COMPOSE_FILE=\n", ("compose.yaml",), id="env-file-empty"),
    ],
)
def test_compose_files_by_variable(
    tmp_path: Path, environ: dict[str, str], env_file: str, expected: tuple[str, ...]
) -> None:
    tree(tmp_path, {"compose.yaml": "", "a.yaml": "", "b.yaml": "", "deploy/c.yaml": "", ".env": env_file})
    assert find_compose_files(tmp_path, Settings(), environ) == tuple(tmp_path / name for name in expected)


def test_compose_files_of_the_settings_go_first(tmp_path: Path) -> None:
    tree(tmp_path, {"compose.yaml": "", "a.yaml": "", "b.yaml": ""})
    settings = Settings(compose_files=("b.yaml", "compose.yaml"))
    found = find_compose_files(tmp_path, settings, {"COMPOSE_FILE": "a.yaml"})
    assert found == (tmp_path / "b.yaml", tmp_path / "compose.yaml")


@pytest.mark.parametrize(
    ("settings", "environ", "source"),
    [
        pytest.param(Settings(), {"COMPOSE_FILE": "missing.yaml"}, "COMPOSE_FILE", id="variable"),
        pytest.param(
            Settings(compose_files=("missing.yaml",), sources={"compose_files": "invoke.yaml (uvdock)"}),
            {},
            "invoke.yaml (uvdock)",
            id="settings",
        ),
    ],
)
def test_a_named_compose_file_that_is_missing(
    tmp_path: Path, settings: Settings, environ: dict[str, str], source: str
) -> None:
    tree(tmp_path, {"compose.yaml": ""})
    with pytest.raises(UvdockError, match=r"missing\.yaml is not there") as caught:
        find_compose_files(tmp_path, settings, environ)
    assert caught.value.where == f"{tmp_path / 'missing.yaml'}, named by {source}"


@pytest.mark.parametrize(
    ("files", "cwd", "folder", "inside"),
    [
        pytest.param({"pyproject.toml": PROJECT}, "", "", "", id="root"),
        pytest.param({"pyproject.toml": PROJECT, "src/app/": ""}, "src/app", "", "", id="below-the-root"),
        pytest.param({"apps/api/pyproject.toml": PROJECT}, "", "apps/api", "", id="only-one-below"),
        pytest.param({"apps/api/pyproject.toml": PROJECT, "docs/": ""}, "docs", "apps/api", "", id="from-beside"),
        pytest.param(
            {"pyproject.toml": TOOL_ONLY, "api/pyproject.toml": PROJECT}, "", "api", "", id="root-of-tools-only"
        ),
        pytest.param(
            {"a/pyproject.toml": PROJECT, "b/pyproject.toml": PROJECT, "b/src/": ""},
            "b/src",
            "b",
            "",
            id="in-one-of-two",
        ),
        pytest.param(
            {"a/pyproject.toml": PROJECT, ".venv/x/pyproject.toml": PROJECT, "node_modules/y/pyproject.toml": PROJECT},
            "",
            "a",
            "",
            id="not-in-hidden-and-foreign-folders",
        ),
        pytest.param(
            {"a/pyproject.toml": PROJECT, "env/pyvenv.cfg": "", "env/x/pyproject.toml": PROJECT},
            "",
            "a",
            "",
            id="not-in-an-environment",
        ),
        pytest.param({"pyproject.toml": WORKSPACE}, "", "", "", id="workspace-root"),
        pytest.param(
            {"pyproject.toml": WORKSPACE, "packages/one/pyproject.toml": PROJECT, "packages/one/src/": ""},
            "packages/one/src",
            "",
            "packages/one",
            id="workspace-member",
        ),
        pytest.param(
            {"pyproject.toml": WORKSPACE, "packages/odd/pyproject.toml": PROJECT},
            "packages/odd",
            "packages/odd",
            "",
            id="excluded-from-the-workspace",
        ),
        pytest.param(
            {"pyproject.toml": WORKSPACE, "other/pyproject.toml": PROJECT}, "other", "other", "", id="no-member"
        ),
    ],
)
def test_find_project(tmp_path: Path, files: dict[str, str], cwd: str, folder: str, inside: str) -> None:
    tree(tmp_path, {".git/": "", **files})
    assert find_project(tmp_path, tmp_path / cwd, Settings()) == Project(tmp_path / folder, Path(inside))


@pytest.mark.parametrize(
    ("sign", "place", "found"),
    [
        pytest.param(".git/", "a/b/c/d", True, id="deep-in-a-repo"),
        pytest.param(".git/", "a/b/c/d/e", False, id="too-deep-in-a-repo"),
        pytest.param("any/", "a", True, id="near-in-any-folder"),
        pytest.param("any/", "a/b", False, id="deep-in-any-folder"),
    ],
)
def test_how_deep_a_project_is_looked_for(tmp_path: Path, sign: str, place: str, found: bool) -> None:
    tree(tmp_path, {sign: "", f"{place}/pyproject.toml": PROJECT})
    if found:
        assert find_project(tmp_path, tmp_path, Settings()) == Project(tmp_path / place)
    else:
        with pytest.raises(UvdockError, match=r"no pyproject\.toml"):
            find_project(tmp_path, tmp_path, Settings())


def test_several_projects_are_a_question(tmp_path: Path) -> None:
    tree(tmp_path, {".git/": "", "apps/b/pyproject.toml": PROJECT, "apps/a/pyproject.toml": PROJECT})
    with pytest.raises(UvdockError, match="2 projects") as caught:
        find_project(tmp_path, tmp_path, Settings())
    assert caught.value.where == f"{tmp_path}: apps/a, apps/b"
    assert "UVDOCK_PROJECTS" in caught.value.fix
    assert caught.value.code == 2


def test_no_project_is_an_error(tmp_path: Path) -> None:
    tree(tmp_path, {".git/": "", "pyproject.toml": TOOL_ONLY})
    with pytest.raises(UvdockError, match=r"no pyproject\.toml") as caught:
        find_project(tmp_path, tmp_path, Settings())
    assert "uv init" in caught.value.fix


@pytest.mark.parametrize(
    ("named", "cwd", "expected"),
    [
        pytest.param(("apps/a",), "", "apps/a", id="one-named"),
        pytest.param(("apps/a", "apps/b"), "apps/b", "apps/b", id="in-one-of-them"),
        pytest.param(("apps/a", "apps/a/deep"), "apps/a/deep", "apps/a/deep", id="the-innermost"),
        pytest.param(("apps/a",), "apps/b", "apps/a", id="in-one-not-named"),
    ],
)
def test_projects_of_the_settings(tmp_path: Path, named: tuple[str, ...], cwd: str, expected: str) -> None:
    folders = ("apps/a", "apps/a/deep", "apps/b")
    tree(tmp_path, {".git/": "", **{f"{folder}/pyproject.toml": PROJECT for folder in folders}})
    assert find_project(tmp_path, tmp_path / cwd, Settings(projects=named)).folder == tmp_path / expected


def test_several_projects_of_the_settings_are_a_question(tmp_path: Path) -> None:
    tree(tmp_path, {"a/pyproject.toml": PROJECT, "b/pyproject.toml": PROJECT, "c/pyproject.toml": PROJECT})
    with pytest.raises(UvdockError, match="2 projects") as caught:
        find_project(tmp_path, tmp_path, Settings(projects=("a", "b")))
    assert caught.value.where.endswith(": a, b")


def test_a_project_of_the_settings_that_is_none(tmp_path: Path) -> None:
    settings = Settings(projects=("apps/none",), sources={"projects": "UVDOCK_PROJECTS"})
    with pytest.raises(UvdockError, match="there is no project in that folder") as caught:
        find_project(tmp_path, tmp_path, settings)
    assert caught.value.where == f"{tmp_path / 'apps/none'} (projects, from UVDOCK_PROJECTS)"


def test_the_files_of_a_member() -> None:
    project = Project(Path("/repo"), Path("packages/one"))
    assert (project.pyproject, project.lock) == (Path("/repo/pyproject.toml"), Path("/repo/uv.lock"))
    assert project.cwd == Path("/repo/packages/one")


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        pytest.param(PROJECT, True, id="project"),
        pytest.param(WORKSPACE, True, id="workspace"),
        pytest.param(TOOL_ONLY, False, id="tools-only"),
        pytest.param("", False, id="empty"),
        pytest.param(None, False, id="missing"),
    ],
)
def test_is_project(tmp_path: Path, content: str | None, expected: bool) -> None:
    if content is not None:
        tree(tmp_path, {"pyproject.toml": content})
    assert is_project(tmp_path / "pyproject.toml") is expected


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        pytest.param("A=1\nB=2\n", {"A": "1", "B": "2"}, id="plain"),
        pytest.param("export A=1\n", {"A": "1"}, id="export"),
        pytest.param("A='one two'\nB=\"three four\"\n", {"A": "one two", "B": "three four"}, id="quotes"),
        pytest.param("# A=1\n\nB=2 # why\n", {"B": "2"}, id="comments"),
        pytest.param("A='one # two'\n", {"A": "one # two"}, id="hash-in-quotes"),
        pytest.param("A=b=c\n", {"A": "b=c"}, id="equals-in-value"),
        pytest.param("A=\n", {"A": ""}, id="empty-value"),
        pytest.param("A\nB=1\n", {"B": "1"}, id="no-value"),
        pytest.param("A=1\nB=${A}2\n", {"A": "1", "B": "12"}, id="reference"),
    ],
)
def test_dotenv(tmp_path: Path, content: str, expected: dict[str, str]) -> None:
    tree(tmp_path, {".env": content})
    assert dotenv(tmp_path) == expected


@pytest.mark.parametrize(
    ("content", "name"),
    [
        pytest.param("project = 5", "project", id="project"),
        pytest.param("tool = 1", "tool", id="tool"),
        pytest.param("[tool]\nuv = []", "tool.uv", id="tool.uv"),
        pytest.param("[tool.uv]\nworkspace = true", "tool.uv.workspace", id="workspace"),
        pytest.param("[tool.uv]\nsources = 'x'", "tool.uv.sources", id="sources"),
    ],
)
def test_what_should_be_a_table_and_is_none(tmp_path: Path, content: str, name: str) -> None:
    manifest = tmp_path / "pyproject.toml"
    manifest.write_text(content)
    with pytest.raises(UvdockError, match=f"{name} must be a table") as raised:
        find_root(tmp_path)
    assert raised.value.where == str(manifest)


@pytest.mark.parametrize("glob", ["", "/absolute/*", "packages/**x", 5])
def test_a_glob_that_is_none_finds_nothing(tmp_path: Path, glob: object) -> None:
    assert find_glob(tmp_path, glob) == set()


def test_dotenv_without_a_file(tmp_path: Path) -> None:
    assert dotenv(tmp_path) == {}
