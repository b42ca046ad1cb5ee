"""What is sent to where uv resolves: enough for every project layout, and nothing that is not needed."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.conftest import make_project
from uvdock.deps.manifest import Manifests, collect
from uvdock.errors import UvdockError
from uvdock.project import Project

PROJECT = '[project]\nname = "x"\nversion = "0"\n'
MANIFEST = "pyproject.toml"


def tree(root: Path, files: Mapping[str, str]) -> Path:
    for name, content in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
    return root


def names(found: Manifests) -> set[str]:
    return {path.as_posix() for path in found.files}


def sources(text: str) -> str:
    return f"{PROJECT}[tool.uv.sources]\n{text}\n"


@pytest.fixture(scope="module")
def repo() -> Iterator[Path]:
    """One tree for every generated argument list: nothing in it changes."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder).resolve()
        make_project(root / "repo" / "app")
        tree(root / "repo", {"app/requirements.txt": "", "lib/pyproject.toml": PROJECT, "lib/lib.py": ""})
        (root / "repo" / "app" / "loop").symlink_to("loop")
        yield root / "repo" / "app"


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        pytest.param({MANIFEST: PROJECT}, {MANIFEST, "uv.lock"}, id="smallest"),
        pytest.param(
            {MANIFEST: PROJECT, "app.py": "", "src/a.py": "", ".env": "", "Dockerfile": ""},
            {MANIFEST, "uv.lock"},
            id="no-source-and-no-secret",
        ),
        pytest.param(
            {MANIFEST: PROJECT, "uv.toml": "", ".python-version": "", "setup.cfg": "", "MANIFEST.in": ""},
            {MANIFEST, "uv.lock", "uv.toml", ".python-version", "setup.cfg", "MANIFEST.in"},
            id="files-beside",
        ),
        pytest.param(
            {MANIFEST: PROJECT + 'readme = "docs/README.md"\n', "docs/README.md": "", "docs/other.md": ""},
            {MANIFEST, "uv.lock", "docs/README.md"},
            id="readme",
        ),
        pytest.param(
            {MANIFEST: PROJECT + 'readme = { file = "R.md", content-type = "text/markdown" }\n', "R.md": ""},
            {MANIFEST, "uv.lock", "R.md"},
            id="readme-as-a-table",
        ),
        pytest.param(
            {MANIFEST: PROJECT + 'readme = "missing.md"\n'}, {MANIFEST, "uv.lock"}, id="readme-that-is-missing"
        ),
        pytest.param(
            {MANIFEST: PROJECT, "LICENSE": "", "LICENCE.md": "", "NOTICE": "", "COPYING": "", "license.py": ""},
            {MANIFEST, "uv.lock", "LICENSE", "LICENCE.md", "NOTICE", "COPYING"},
            id="license-files-by-default",
        ),
        pytest.param(
            {MANIFEST: PROJECT + 'license-files = ["legal/*.txt"]\n', "legal/a.txt": "", "LICENSE": ""},
            {MANIFEST, "uv.lock", "legal/a.txt"},
            id="license-files-that-are-named",
        ),
        pytest.param(
            {MANIFEST: PROJECT + 'license = { file = "legal/MIT" }\n', "legal/MIT": ""},
            {MANIFEST, "uv.lock", "legal/MIT"},
            id="license-file",
        ),
        pytest.param(
            {
                MANIFEST: '[project]\nname = "x"\ndynamic = ["version"]\n',
                "src/x/__init__.py": "",
                ".git/config": "",
                ".venv/a.py": "",
                "env/pyvenv.cfg": "",
                "env/a.py": "",
                "node_modules/a.js": "",
            },
            {MANIFEST, "uv.lock", "src/x/__init__.py"},
            id="dynamic-is-the-whole-tree",
        ),
        pytest.param(
            {
                MANIFEST: '[tool.uv.workspace]\nmembers = ["packages/*"]\nexclude = ["packages/old"]\n',
                "packages/a/pyproject.toml": PROJECT,
                "packages/a/a.py": "",
                "packages/old/pyproject.toml": PROJECT,
                "packages/none/README.md": "",
            },
            {MANIFEST, "uv.lock", "packages/a/pyproject.toml"},
            id="workspace",
        ),
        pytest.param(
            {MANIFEST: sources('lib = { path = "libs/lib" }'), "libs/lib/pyproject.toml": PROJECT, "libs/lib/a.py": ""},
            {MANIFEST, "uv.lock", "libs/lib/pyproject.toml"},
            id="path-dependency-inside",
        ),
        pytest.param(
            {MANIFEST: sources('lib = { path = "libs/lib" }'), "libs/lib/setup.py": "", "libs/lib/a.py": ""},
            {MANIFEST, "uv.lock", "libs/lib/setup.py", "libs/lib/a.py"},
            id="path-dependency-without-a-manifest",
        ),
        pytest.param(
            {MANIFEST: sources('lib = [{ path = "a.whl", marker = "x" }, { git = "g" }]'), "a.whl": "", "b.whl": ""},
            {MANIFEST, "uv.lock", "a.whl"},
            id="path-dependency-on-a-wheel",
        ),
        pytest.param({MANIFEST: sources('lib = { path = "gone" }')}, {MANIFEST, "uv.lock"}, id="path-that-is-missing"),
    ],
)
def test_what_a_project_sends(tmp_path: Path, files: dict[str, str], expected: set[str]) -> None:
    found = collect(Project(tree(tmp_path, files)))
    assert names(found) == expected
    assert (found.base, found.cwd) == (tmp_path, Path())


def test_a_path_dependency_beside_the_project_moves_the_base_up(tmp_path: Path) -> None:
    tree(
        tmp_path,
        {
            "app/pyproject.toml": sources('lib = { path = "../lib", editable = true }'),
            "lib/pyproject.toml": sources('base = { path = "../base" }'),
            "base/pyproject.toml": sources('app = { path = "../app" }'),
            "other/pyproject.toml": PROJECT,
        },
    )
    found = collect(Project(tmp_path / "app"))
    assert (found.base, found.cwd) == (tmp_path, Path("app"))
    assert names(found) == {"app/pyproject.toml", "app/uv.lock", "lib/pyproject.toml", "base/pyproject.toml"}
    assert found.owned == (Path("app/pyproject.toml"), Path("app/uv.lock"))


def test_a_readme_above_the_project_moves_the_base_up(tmp_path: Path) -> None:
    tree(tmp_path, {"app/pyproject.toml": PROJECT + 'readme = "../README.md"\n', "README.md": "hello"})
    found = collect(Project(tmp_path / "app"))
    assert (found.base, found.cwd) == (tmp_path, Path("app"))
    assert names(found) == {"README.md", "app/pyproject.toml", "app/uv.lock"}


def test_uv_may_rewrite_every_manifest_of_the_workspace_and_the_lock(tmp_path: Path) -> None:
    workspace = '[tool.uv.workspace]\nmembers = ["a", "b"]\n'
    tree(tmp_path, {MANIFEST: workspace, "a/pyproject.toml": PROJECT, "b/pyproject.toml": PROJECT, "uv.toml": ""})
    found = collect(Project(tmp_path, Path("b")))
    assert found.owned == (Path("a/pyproject.toml"), Path("b/pyproject.toml"), Path(MANIFEST), Path("uv.lock"))
    assert found.cwd == Path("b")


@pytest.mark.parametrize(
    ("args", "more"),
    [
        pytest.param(["-r", "requirements.txt"], {"app/requirements.txt"}, id="requirements"),
        pytest.param(["--requirements=requirements.txt"], {"app/requirements.txt"}, id="with-equals"),
        pytest.param(["-c", "../constraints.txt"], {"constraints.txt"}, id="beside-the-project"),
        pytest.param(["-r", "linked.txt"], {"app/linked.txt"}, id="link"),
        pytest.param(["../lib"], {"lib/pyproject.toml", "lib/lib.py"}, id="folder-of-a-project"),
        pytest.param(["--editable=../lib"], {"lib/pyproject.toml", "lib/lib.py"}, id="editable"),
        pytest.param(["../docs"], set(), id="folder-of-no-project"),
        pytest.param(["."], set(), id="the-project-itself"),
        pytest.param([".."], set(), id="the-folder-above"),
        pytest.param(["-r", "../../far.txt"], set(), id="file-further-up"),
        pytest.param(["-r", "missing.txt"], set(), id="missing"),
        pytest.param(["requirements.txt/x"], set(), id="below-a-file"),
        pytest.param(["flask>=3", "--dev", ""], set(), id="no-paths"),
    ],
)
def test_what_arguments_name_is_sent_too(tmp_path: Path, args: list[str], more: set[str]) -> None:
    tree(
        tmp_path,
        {
            "far.txt": "",
            "repo/app/pyproject.toml": PROJECT,
            "repo/app/requirements.txt": "",
            "repo/constraints.txt": "",
            "repo/lib/pyproject.toml": PROJECT,
            "repo/lib/lib.py": "",
            "repo/docs/index.md": "",
        },
    )
    (tmp_path / "repo/app/linked.txt").symlink_to("../constraints.txt")
    found = collect(Project(tmp_path / "repo/app"), args)
    sent = {(found.base / name).relative_to(tmp_path / "repo").as_posix() for name in found.files}
    assert sent == {"app/pyproject.toml", "app/uv.lock"} | more
    assert found.base / found.cwd == tmp_path / "repo/app"


def test_arguments_are_read_from_the_members_folder(tmp_path: Path) -> None:
    workspace = '[tool.uv.workspace]\nmembers = ["a"]\n'
    tree(tmp_path, {MANIFEST: workspace, "a/pyproject.toml": PROJECT, "a/r.txt": "", "r.txt": ""})
    found = collect(Project(tmp_path, Path("a")), ["-r", "r.txt"])
    assert "a/r.txt" in names(found)
    assert "r.txt" not in names(found)


@given(
    args=st.lists(
        st.text()
        | st.from_regex(r"(\./|\.\./|/)*[a-z./=~*-]{0,12}", fullmatch=True)
        | st.sampled_from(["loop", "loop/x", "a" * 300, "\0", "..", "../..", "/", "../lib", "=", "==", "=../lib"])
    )
)
def test_odd_arguments_send_nothing_from_elsewhere(repo: Path, args: list[str]) -> None:
    found = collect(Project(repo), args)
    assert all((found.base / name).is_relative_to(repo.parent) for name in found.files)
    assert all(".." not in name.parts for name in found.files)
    assert found.base / found.cwd == repo
    assert set(found.owned) <= set(found.files)


def test_no_manifest_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(UvdockError, match=r"no pyproject\.toml") as caught:
        collect(Project(tmp_path))
    assert "uv init" in caught.value.fix


def test_a_broken_manifest_of_a_path_dependency_is_named(tmp_path: Path) -> None:
    tree(tmp_path, {MANIFEST: sources('lib = { path = "lib" }'), "lib/pyproject.toml": "[project\n"})
    with pytest.raises(UvdockError, match="not valid TOML") as caught:
        collect(Project(tmp_path))
    assert caught.value.where == str(tmp_path / "lib" / MANIFEST)


def test_reading_gives_every_file_that_is_there(tmp_path: Path) -> None:
    tree(tmp_path, {MANIFEST: PROJECT})
    found = collect(Project(tmp_path))
    assert found.read() == {Path(MANIFEST): PROJECT.encode()}
    (tmp_path / "uv.lock").write_bytes(b"version = 1\r\n")
    assert found.read()[Path("uv.lock")] == b"version = 1\r\n"


def test_what_cannot_be_read_is_named(tmp_path: Path) -> None:
    found = collect(Project(tree(tmp_path, {MANIFEST: PROJECT})))
    (tmp_path / "uv.lock").mkdir()
    with pytest.raises(UvdockError, match=r"uv\.lock cannot be read") as caught:
        found.read()
    assert caught.value.where == str(tmp_path / "uv.lock")
