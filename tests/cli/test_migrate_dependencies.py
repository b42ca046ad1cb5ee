"""Requirement files against a real uv: what it locks, that the versions are the old ones, and what it says if not."""

from __future__ import annotations

import hashlib
import re
import shutil
import subprocess
import threading
import tomllib
import zipfile
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from tests.conftest import REPO, clean_environment, few, hashes
from tests.index import Index, Release, served
from uvdock.backends.host import find_uv
from uvdock.migrate import plan
from uvdock.migrate.lock import dependencies
from uvdock.migrate.model import Dependencies

pytestmark = pytest.mark.slow

FIXTURES = REPO / "tests" / "fixtures" / "migrate"
LOCKED = sorted(
    path.parent.name for path in FIXTURES.glob("deps-*/after") if path.parent.name not in ("deps-index", "deps-git")
)
#: One of each kind: pinned by pip-tools, a file for each group, another manager, a setup.py.
KEPT = ("deps-compiled", "deps-layers", "deps-poetry", "deps-setup-py")
PYTHON = "FROM python:3.11-slim\n"


def texts(root: Path) -> dict[Path, str]:
    return {path.relative_to(root): path.read_bytes().decode() for path in sorted(root.rglob("*")) if path.is_file()}


def convert(root: Path) -> Dependencies:
    uv = find_uv()
    assert uv is not None
    return dependencies.convert(root, plan.read(root), uv)


def write(root: Path, **files: str) -> Path:
    for name, content in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
    return root


def apply(root: Path, made: Dependencies) -> None:
    for edit in made.edits:
        path = root / edit.path
        assert edit.before == (path.read_bytes() if path.is_file() else None)
        path.unlink(missing_ok=True)
        if edit.after is not None:
            path.write_bytes(edit.after)


def uv(root: Path, *args: str) -> str:
    program = find_uv()
    assert program is not None
    done = subprocess.run(
        [program, *args], cwd=root, env=clean_environment(), capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def locked(root: Path) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for package in tomllib.loads((root / "uv.lock").read_text())["package"]:
        found.setdefault(package["name"], set()).add(package.get("version", ""))
    return found


def test_there_are_repos_of_many_shapes() -> None:
    assert len(LOCKED) >= 10


@pytest.mark.parametrize("name", few(LOCKED, KEPT))
def test_a_repo_becomes_what_a_person_would_write_with_the_versions_it_had(name: str, tmp_path: Path) -> None:
    root = tmp_path / name
    shutil.copytree(FIXTURES / name / "before", root)
    before = hashes(root)
    made = convert(root)
    assert hashes(root) == before, "planning writes nothing"
    written = {edit.path: edit.after.decode() for edit in made.edits if edit.after and edit.path.name != "uv.lock"}
    assert written == texts(FIXTURES / name / "after")
    expected = {"six": ("1.15.0", "1.16.0")} if name == "deps-conflict" else {}
    assert {drift.name: (drift.old, drift.new) for drift in made.drifts} == expected
    apply(root, made)
    for project in made.facts.projects:
        uv(root / project.folder, "lock", "--check")
    for install in made.facts.installs.values():
        uv(root / install.project, "sync", "--locked", "--dry-run", *install.flags)
    again = convert(root)
    assert (again.edits, again.drifts) == ((), ())


def test_a_compiled_repo_installs_the_very_packages_of_each_file(tmp_path: Path) -> None:
    root = tmp_path / "app"
    shutil.copytree(FIXTURES / "deps-compiled" / "before", root)
    old = {
        name: {line.split("==")[0] for line in (root / name).read_text().splitlines() if line[:1].isalnum()}
        for name in ("requirements.txt", "requirements-dev.txt")
    }
    made = convert(root)
    apply(root, made)
    for name, wanted in old.items():
        install = made.facts.installs[Path(name)]
        shown = uv(root, "export", "--frozen", "--no-hashes", "--no-header", "--no-annotate", *install.flags)
        # What is only for another platform or a Python before 3.11.3 is not installed.
        assert {line.split("==")[0] for line in shown.splitlines() if " ;" not in line} == wanted


DYNAMIC = {
    "scm": (
        "from setuptools import setup\nimport tool\n"
        "extras = {'x': ['idna']}\nextras['all'] = sum(extras.values(), [])\n"
        "setup(name='tool', py_modules=['tool'], use_scm_version=True, setup_requires=['setuptools_scm'],\n"
        "      install_requires=open('requirements.txt').read().split(), extras_require=extras)\n"
    ),
    "arguments": (
        "from setuptools import setup\n"
        "made = dict(version='2.5.0', py_modules=['tool'], extras_require={'all': ['idna']})\n"
        "setup(name='tool', install_requires=[one for one in ['six==1.16.0']], **made)\n"
    ),
    "pbr": "import setuptools\nsetuptools.setup(setup_requires=['pbr'], pbr=True)\n",
}
PBR = "[metadata]\nname = tool\nauthor = Ann\n[files]\nmodules =\n    tool\n[extras]\nall =\n    idna\n"


@pytest.mark.parametrize("kind", DYNAMIC)
def test_what_only_a_build_can_tell_is_locked_and_installed(kind: str, tmp_path: Path) -> None:
    files = {
        "setup.py": DYNAMIC[kind],
        "tool.py": "",
        "requirements.txt": "six==1.16.0\n",
        "requirements-dev.txt": "-e .[all]\nclick==8.1.7\n",
        "Dockerfile": PYTHON,
    }
    root = write(tmp_path / "tool", **files, **({"setup.cfg": PBR} if kind == "pbr" else {}))
    for command in (["init", "--quiet"], ["add", "."], ["commit", "--quiet", "-m", "all"], ["tag", "v2.5.0"]):
        identity = ["-c", "user.name=Ann", "-c", "user.email=ann@example.com", "-c", "commit.gpgsign=false"]
        subprocess.run(["git", *identity, *command], cwd=root, env=clean_environment(), check=True)
    before = hashes(root)
    made = convert(root)
    assert hashes(root) == before, "planning writes nothing"
    assert made.stopped == ()
    assert (made.drifts, [str(one.path) for one in made.findings if one.level == "question"]) == ((), [])
    apply(root, made)
    manifest = tomllib.loads((root / "pyproject.toml").read_text())
    assert "version" in manifest["project"]["dynamic"]
    assert (root / "requirements.txt").exists() is (kind != "arguments")
    found = locked(root)
    assert {name: found[name] for name in ("six", "click")} == {"six": {"1.16.0"}, "click": {"8.1.7"}}
    # As pip: the version of the tag, the dependencies that the code makes, the extra that it computes.
    uv(root, "sync", "--locked", "--no-progress", *made.facts.installs[Path("requirements-dev.txt")].flags)
    assert "idna" in uv(root, "pip", "list")
    assert re.search(r"^tool +2\.5", uv(root, "pip", "list"), re.MULTILINE)
    if (root / "requirements.txt").exists():
        (root / "requirements.txt").write_text("six==1.15.0\n")
        uv(root, "lock")
        assert locked(root)["six"] == {"1.15.0"}, "uv sees the change of a list that the build reads"


@pytest.mark.parametrize("tool", ["poetry", "poetry-2", "pipenv"])
def test_another_tools_project_keeps_its_locked_versions(tool: str, tmp_path: Path) -> None:
    root = tmp_path / "app"
    shutil.copytree(FIXTURES / f"deps-{tool}" / "before", root)
    made = convert(root)
    assert made.drifts == ()
    apply(root, made)
    data = tomllib.loads((root / "pyproject.toml").read_text())
    assert [re.split(r"[ >=]", item)[0] for item in data["project"]["dependencies"]] == ["flask", "click"]
    assert data["dependency-groups"]["dev"][0].startswith("pytest")
    found = locked(root)
    assert {name: found[name] for name in ("flask", "click", "werkzeug", "pytest")} == {
        "flask": {"3.0.3"},
        "click": {"8.1.7"},
        "werkzeug": {"3.0.3"},
        "pytest": {"8.2.0"},
    }
    gone = {edit.path.name for edit in made.edits if edit.after is None}
    assert gone == ({"Pipfile", "Pipfile.lock"} if tool == "pipenv" else {"poetry.lock"})
    if tool != "pipenv":
        assert "# ours\n[tool.ruff]\nline-length = 100\n" in (root / "pyproject.toml").read_text()
    uv(root, "lock", "--check")
    assert convert(root).edits == ()


def test_pins_that_uv_cannot_keep_are_drifts_with_its_reason(tmp_path: Path) -> None:
    compiled = (
        "#\n# This file is autogenerated by pip-compile with Python 3.11\n#\n"
        "flask==3.0.3\n    # via -r requirements.in\nwerkzeug==2.3.8\n    # via flask\nold-name==1.0\n    # via flask\n"
    )
    made = convert(write(tmp_path / "app", **{"requirements.txt": compiled, "Dockerfile": PYTHON}))
    drifts = {drift.name: drift for drift in made.drifts}
    assert (drifts["werkzeug"].old, drifts["werkzeug"].new[:1]) == ("2.3.8", "3")
    assert "flask==3.0.3 depends on werkzeug>=3.0.0" in drifts["werkzeug"].cause
    assert (drifts["old-name"].new, drifts["old-name"].cause) == (
        "",
        "nothing that requirements.txt asks for needs it any more",
    )
    assert (drifts["click"].old, "flask needs it" in drifts["click"].cause) == ("", True)


def test_a_project_that_uv_cannot_lock_stays_whole_and_says_why(tmp_path: Path) -> None:
    files = {
        "a/requirements.txt": "six==1.16.0\n",
        "b/requirements.txt": "six==1.16.0\nno-such-package-of-anyone==1\n",
        "run": "pip install -r a/requirements.txt\npip install -r b/requirements.txt\n",
        ".python-version": "3.11\n",
    }
    made = convert(write(tmp_path / "app", **files))
    assert {edit.path.as_posix() for edit in made.edits} == {"a/pyproject.toml", "a/requirements.txt", "a/uv.lock"}
    assert [project.folder for project in made.facts.projects] == [Path("a")]
    assert set(made.facts.installs) == {Path("a/requirements.txt")}
    (question,) = [finding for finding in made.findings if finding.level == "question"]
    assert question.path == Path("b/pyproject.toml")
    assert "no-such-package-of-anyone" in question.what


def test_a_python_that_is_nowhere_is_what_is_told(tmp_path: Path) -> None:
    """No uv has a Python 3.99 to download, and nothing is waited for."""
    files = {"requirements.txt": "six==1.16.0\n", "Dockerfile": "FROM python:3.99-slim\n"}
    made = convert(write(tmp_path / "app", **files))
    (stopped,) = made.stopped
    assert stopped.stopped is not None
    assert stopped.stopped.what == ("uv finds no Python >=3.99 here to lock this project with, and cannot download one")
    assert made.edits == ()


def test_hashes_of_another_file_are_a_question(tmp_path: Path) -> None:
    pins = (
        "six==1.16.0 --hash=sha256:8abb2f1d86890a2dfb989f9a77cfcfd3e47c2a354b01111771326f8aa26e0254\n"
        f"idna==3.7 --hash=sha256:{'0' * 64}\n"
    )
    made = convert(write(tmp_path / "app", **{"requirements.txt": pins, "Dockerfile": PYTHON}))
    assert [(one.line, one.level) for one in made.findings if "hashes" in one.what] == [(2, "question")]


@pytest.fixture
def index(tmp_path: Path) -> Iterator[str]:
    """An index of our own, with a library that needs nothing."""
    folder = tmp_path / "index" / "our-lib"
    folder.mkdir(parents=True)
    for version in ("1.0", "2.0"):
        wheel = folder / f"our_lib-{version}-py3-none-any.whl"
        info = f"our_lib-{version}.dist-info"
        with zipfile.ZipFile(wheel, "w") as archive:
            archive.writestr(f"{info}/METADATA", f"Metadata-Version: 2.1\nName: our-lib\nVersion: {version}\n")
            archive.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
            archive.writestr(f"{info}/RECORD", "")
    links = [
        f'<a href="{wheel.name}#sha256={hashlib.sha256(wheel.read_bytes()).hexdigest()}">{wheel.name}</a>'
        for wheel in sorted(folder.glob("*.whl"))
    ]
    (folder / "index.html").write_text("<!DOCTYPE html><html><body>" + "".join(links) + "</body></html>")
    handler = partial(_Guarded, directory=str(folder.parent))
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"127.0.0.1:{server.server_port}/"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def releases() -> Iterator[Index]:
    """An index of a few packages: what `wide` needs on other Pythons and platforms is against its pins."""
    with served() as found:
        found.add("core", "1.0", "2.0")
        newer = [Release("1.0", ["core>=2; python_version >= '3.13'", "core"]), Release("2.0", ["core>=2"])]
        elsewhere = [Release("1.0", ["core>=2; sys_platform == 'darwin'", "core"]), Release("2.0", ["core>=2"])]
        both = "core>=2; python_version >= '3.13' or sys_platform == 'darwin'"
        found.add("newer", *newer)
        found.add("elsewhere", *elsewhere)
        found.add("both", Release("1.0", [both, "core"]), Release("2.0", ["core>=2"]))
        found.add("never", Release("1.0", ["core>=2"]), Release("2.0", ["core>=2"]))
        yield found


CI = "on: push\njobs:\n  test:\n    runs-on: {}\n    steps: []\n"


@pytest.mark.parametrize(
    ("package", "system", "bound"),
    [
        ("newer", "ubuntu-latest", {"requires-python": ">=3.11,<3.12"}),
        ("elsewhere", "ubuntu-latest", {"environments": ["sys_platform == 'linux'"]}),
        ("both", "ubuntu-latest", {"requires-python": ">=3.11,<3.12", "environments": ["sys_platform == 'linux'"]}),
        ("elsewhere", "macos-latest", None),
        ("never", "ubuntu-latest", None),
    ],
)
def test_what_pip_could_install_is_locked_for_what_the_repo_has(
    releases: Index, tmp_path: Path, package: str, system: str, bound: dict[str, object] | None
) -> None:
    files = {
        "requirements.txt": f"--index-url {releases.url}\n{package}==1.0\ncore==1.0\n",
        "Dockerfile": PYTHON,
        ".github/workflows/ci.yml": CI.format(system),
    }
    root = write(tmp_path / "app", **files)
    # Without git, hidden folders are no part of a repo.
    subprocess.run(["git", "init", "-q"], cwd=root, env=clean_environment(), check=True)
    made = convert(root)
    said = [finding.what for finding in made.findings if "is bound to" in finding.what]
    if bound is None:
        assert said == []
        assert {edit.path.name for edit in made.edits} == set()
        assert [finding.level for finding in made.findings if "cannot lock" in finding.what] == ["question"]
        return
    assert [finding.level for finding in made.findings if "is bound to" in finding.what] == ["note"]
    (manifest,) = [edit.after for edit in made.edits if edit.path.name == "pyproject.toml"]
    data = tomllib.loads((manifest or b"").decode())
    found = {**data["tool"].get("uv", {}), "requires-python": data["project"]["requires-python"]}
    assert {key: found.get(key) for key in ("requires-python", "environments")} == {
        "requires-python": ">=3.11", "environments": None, **bound
    }  # fmt: skip
    assert made.drifts == ()
    apply(root, made)
    assert locked(root)["core"] == {"1.0"}


class _Guarded(SimpleHTTPRequestHandler):
    """An index for those who have its credentials: ann:s3cret."""

    def do_GET(self) -> None:
        if self.headers.get("Authorization") == "Basic YW5uOnMzY3JldA==":
            super().do_GET()
        else:
            self.send_response(401)
            self.send_header("WWW-Authenticate", "Basic")
            self.end_headers()

    def log_message(self, *_: object) -> None:
        """Nothing: the test's output is its own."""


def test_a_private_index_is_asked_with_its_credentials_which_are_written_nowhere(index: str, tmp_path: Path) -> None:
    files = {
        "requirements.txt": f"--extra-index-url http://ann:s3cret@{index}\nour-lib==1.0\nsix==1.16.0\n",
        "Dockerfile": PYTHON,
    }
    made = convert(write(tmp_path / "app", **files))
    (manifest,) = [edit.after for edit in made.edits if edit.path.name == "pyproject.toml"]
    assert manifest is not None
    data = tomllib.loads(manifest.decode())
    (entry,) = data["tool"]["uv"]["index"]
    assert (entry["url"], entry["explicit"]) == (f"http://{index}", True)
    assert data["tool"]["uv"]["sources"] == {"our-lib": {"index": entry["name"]}}
    assert made.drifts == ()
    stem = entry["name"].upper().replace("-", "_")
    assert set(made.facts.environment) == {f"UV_INDEX_{stem}_USERNAME", f"UV_INDEX_{stem}_PASSWORD"}
    for edit in made.edits:
        assert b"s3cret" not in (edit.after or b"")
    assert "s3cret" not in repr((made.findings, made.facts.environment))
