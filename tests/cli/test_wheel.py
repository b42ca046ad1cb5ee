"""What is built is what is tested: the wheel, in an empty environment, does its work there."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from email import message_from_bytes
from importlib.metadata import version
from pathlib import Path

import pytest

from tests.conftest import BIN, REPO, Ran, clean_environment, make_project

pytestmark = pytest.mark.slow

#: What a listing of tasks has no need of, and pays a tenth of a second or so for each.
HEAVY = ("docker", "dotenv", "filelock", "requests", "rich", "tomlkit")


@pytest.fixture(scope="session")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The repo's wheel."""
    folder = tmp_path_factory.mktemp("wheel")
    _uv("build", "--wheel", "--quiet", "--out-dir", str(folder), str(REPO))
    (built,) = folder.glob("*.whl")
    return built


@pytest.fixture(scope="session")
def environment(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An environment with the wheel and what it depends on, and no uv."""
    return _install(str(wheel), tmp_path_factory.mktemp("environment") / "venv")


@pytest.fixture(scope="session")
def environment_with_uv(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An environment with the wheel and its extra ``uv``."""
    return _install(f"uvdock[uv] @ {wheel.as_uri()}", tmp_path_factory.mktemp("environment-uv") / "venv")


@pytest.fixture
def project(tmp_path: Path) -> Path:
    folder = make_project(tmp_path / "app")
    (folder / "tasks.py").write_text("from uvdock import ns\n__all__ = ['ns']\n")
    return folder


def test_the_wheel_holds_the_package_and_nothing_else(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
        packaged = {name for name in names if ".dist-info/" not in name}
        info = message_from_bytes(archive.read(f"uvdock-{version('uvdock')}.dist-info/METADATA"))

    here = {
        path.relative_to(REPO / "src").as_posix()
        for path in (REPO / "src" / "uvdock").rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert packaged == here
    assert "uvdock/py.typed" in packaged
    assert info["Name"] == "uvdock"
    assert info.get_all("Provides-Extra") == ["uv"]
    extra = [line for line in info.get_all("Requires-Dist") or [] if "extra == 'uv'" in line]
    assert [line.split(">=")[0] for line in extra] == ["uv"]


def test_version_and_list(environment: Path, project: Path) -> None:
    shown = _run(environment, "uvdock", "--version", cwd=project)
    listed = _run(environment, "uvdock", "--list", cwd=project)
    as_module = _run(environment, "python", "-m", "uvdock", "--version", cwd=project)

    assert (shown.code, shown.out, shown.err) == (0, f"uvdock {version('uvdock')}\n", "")
    assert (as_module.code, as_module.out) == (0, shown.out)
    assert (listed.code, listed.err) == (0, "")
    for task in ("uv", "cmd", "shell", "build", "config", "deps.install", "deps.lock", "deps.check", "deps.outdated"):
        assert f"\n  {task} " in listed.out


def test_a_tasks_file_of_two_lines(environment: Path, project: Path) -> None:
    own = _run(environment, "uvdock", "--list", "--list-format", "flat", cwd=project)
    listed = _run(environment, "inv", "--list", cwd=project)

    # Of the words that a task takes, `inv` has the list only to tell.
    names = [[line.split()[0] for line in ran.out.splitlines() if line[2:3].strip()][1:] for ran in (listed, own)]
    assert (listed.code, names[0], listed.err) == (0, names[1], "")
    assert "deps.install" in names[0]


def test_the_completion_script_comes_with_it(environment: Path, project: Path) -> None:
    cache = {"XDG_CACHE_HOME": str(project.parent / "cache")}
    script = _run(environment, "uvdock", "completion", "bash", cwd=project)
    found = _run(environment, "uvdock", "__complete", "bash", "uvdock", "deps.i", cwd=project, env=cache)

    assert (script.code, script.err) == (0, "")
    assert "complete -o default -F _uvdock uvdock\n" in script.out
    assert (found.code, found.out, found.err) == (0, "deps.install\n", "")


def test_the_public_names(environment: Path, project: Path) -> None:
    script = "import uvdock; print([getattr(uvdock, name).__name__ for name in ('Settings', 'UvdockError')], uvdock.ns)"

    ran = _run(environment, "python", "-W", "error", "-c", script, cwd=project)

    assert ran.code == 0, ran.err
    assert ran.out.startswith("['Settings', 'UvdockError'] <Collection")


def test_settings_alone_need_no_invoke(environment: Path, project: Path) -> None:
    script = "import sys, uvdock; uvdock.Settings; print('invoke' in sys.modules)"

    ran = _run(environment, "python", "-c", script, cwd=project)

    assert (ran.code, ran.out) == (0, "False\n")


@pytest.mark.parametrize(
    "arguments",
    [
        pytest.param(["uvdock", "--list"], id="uvdock-list"),
        pytest.param(["uvdock", "--help"], id="uvdock-help"),
        pytest.param(["inv", "--list"], id="inv-list"),
        pytest.param(["uvdock", "cmd", "--", "uvdock", "--version"], id="cmd-on-the-host"),
    ],
)
def test_a_task_loads_nothing_heavy_that_it_has_no_need_of(
    environment: Path, project: Path, arguments: list[str]
) -> None:
    ran = _run(environment, *arguments, cwd=project, env={"PYTHONPROFILEIMPORTTIME": "1"})

    assert ran.code == 0
    loaded = {line.rpartition("|")[2].strip().partition(".")[0] for line in ran.err.splitlines()}
    assert "invoke" in loaded
    assert loaded.isdisjoint(HEAVY)


@pytest.mark.parametrize("arguments", [["deps.install"], ["deps.lock"], ["uv", "add", "six"], ["uv", "--version"]])
def test_without_any_uv(environment: Path, project: Path, arguments: list[str]) -> None:
    ran = _run(environment, "uvdock", *arguments, cwd=project)

    assert (ran.code, ran.out) == (127, "")
    lines = [line for line in ran.err.splitlines() if line.startswith(("error: ", "   at: ", " next: "))]
    assert lines == [
        "error: uv was not found on this machine",
        "   at: PATH, and the environment uvdock is installed in",
        " next: install uvdock[uv], which brings uv, or install uv itself",
    ]
    assert "Traceback" not in ran.err
    assert sorted(path.name for path in project.iterdir()) == ["pyproject.toml", "tasks.py"]


def test_commands_need_no_uv(environment: Path, project: Path) -> None:
    ran = _run(environment, "uvdock", "cmd", "--", sys.executable, "-c", "print('here')", cwd=project)

    assert (ran.code, ran.out, ran.err) == (0, "here\n", "")


def test_the_extra_brings_a_uv_that_is_found_off_path(environment_with_uv: Path, project: Path, tmp_path: Path) -> None:
    nothing = {"PATH": str(tmp_path / "nothing")}

    locked = _run(environment_with_uv, "uvdock", "deps.lock", cwd=project, env={**nothing, "UV_PYTHON": sys.executable})
    shown = _run(environment_with_uv, "uvdock", "uv", "--version", cwd=project, env=nothing)

    assert locked.code == 0, locked.err
    assert (project / "uv.lock").is_file()
    assert shown.out.startswith("uv ")


def _uv(*args: str) -> None:
    done = subprocess.run([str(BIN / "uv"), *args], env=clean_environment(), capture_output=True, check=False)
    assert done.returncode == 0, done.stderr.decode()


def _install(requirement: str, folder: Path) -> Path:
    _uv("venv", "--quiet", "--python", sys.executable, str(folder))
    _uv("pip", "install", "--quiet", "--python", str(folder), requirement)
    return folder


def _run(environment: Path, program: str, *args: str, cwd: Path, env: dict[str, str] | None = None) -> Ran:
    """A program of ``environment``, with nothing but that environment on PATH."""
    done = subprocess.run(
        [str(environment / "bin" / program), *args],
        cwd=cwd,
        env={**clean_environment(), "PATH": str(environment / "bin"), "DOCKER_HOST": os.environ["DOCKER_HOST"]}
        | (env or {}),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        check=False,
        timeout=120,
    )
    return Ran(done.returncode, done.stdout, done.stderr)
