"""What goes wrong is told in three lines, with a fitting exit code and no traceback, and changes no file."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import Program, Ran, hashes, make_project, uv

pytestmark = pytest.mark.slow

LOCK = """version = {version}
revision = 2
requires-python = ">=3.11"

[[package]]
name = "app"
version = "0.1.0"
source = {{ virtual = "." }}
"""
COMPOSE = "services:\n  web:\n    image: example/web\n"
#: Every task that reads the lock, and whether it is for changing it.
ON_LOCKS = [
    pytest.param(["deps.install"], id="install"),
    pytest.param(["deps.lock"], id="lock"),
    pytest.param(["deps.check"], id="check"),
    pytest.param(["deps.outdated"], id="outdated"),
    pytest.param(["deps.upgrade"], id="upgrade"),
    pytest.param(["uv", "add", "six"], id="uv-add"),
    pytest.param(["uv", "remove", "six"], id="uv-remove"),
    pytest.param(["uv", "lock", "--upgrade"], id="uv-lock"),
]
ON_PROJECTS = [*ON_LOCKS, pytest.param(["cmd", "true"], id="cmd"), pytest.param(["uv", "sync"], id="uv-sync")]

#: Those that need where commands run: what is outdated, the host's uv tells.
ON_BACKENDS = [param for param in ON_PROJECTS if param.id != "outdated"]


@pytest.fixture
def project(tmp_path: Path) -> Path:
    folder = make_project(tmp_path / "app")
    (folder / "tasks.py").write_text("from uvdock import ns\n")
    return folder


def _told(ran: Ran, code: int, *, what: str, where: str, fix: str) -> None:
    """The three lines are there, one after the other, with these words in them; nothing else is a mess."""
    assert ran.code == code, ran.err
    assert "Traceback" not in ran.err + ran.out
    lines = ran.err.splitlines()
    at = next(number for number, line in enumerate(lines) if line.startswith("   at: "))
    first, second, third = lines[at - 1 : at + 2]
    assert first.startswith("error: ")
    assert third.startswith(" next: ")
    assert (what in first, where in second, fix in third) == (True, True, True), (first, second, third)
    assert ran.out == ""


@pytest.mark.parametrize("arguments", ON_PROJECTS)
def test_no_project(program: Program, tmp_path: Path, arguments: list[str]) -> None:
    ran = program.run(*arguments, cwd=tmp_path)

    _told(ran, 1, what="no pyproject.toml", where=str(tmp_path), fix="uv init")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("arguments", ON_PROJECTS)
def test_broken_toml(program: Program, project: Path, arguments: list[str]) -> None:
    (project / "pyproject.toml").write_text('[project]\nname = "app"\nversion = 0.1.0\n')
    before = hashes(project)

    ran = program.run(*arguments, cwd=project)

    _told(ran, 1, what="line 3, column 14", where=str(project / "pyproject.toml"), fix="correct that line")
    assert hashes(project) == before


@pytest.mark.parametrize("name", ["uvdock", "inv"])
def test_a_manifest_that_is_no_text(program: Program, project: Path, name: str) -> None:
    (project / "pyproject.toml").write_bytes(b'[project]\nname = "\xff"\n')

    ran = program.run("deps.install", cwd=project, program=name)

    _told(ran, 1, what="pyproject.toml cannot be read", where=str(project / "pyproject.toml"), fix="UTF-8")


#: A lock that is none, what is said of it, and what is to be done.
BAD_LOCKS = {
    "empty": ("", "uv.lock is empty", "git checkout uv.lock"),
    "damaged": ("version = 1\n[[pack", "uv.lock is damaged: ", "git checkout uv.lock"),
    "merge-conflict": ("<<<<<<< ours\n", "uv.lock is damaged: ", "git checkout uv.lock"),
    "another-file": ("a = 1\n", "uv.lock is no lock", "git checkout uv.lock"),
    "newer": (LOCK.format(version=2), "written by a newer uv", "use the uv that wrote it"),
}


def bad_locks() -> list[Any]:
    """Each task with each lock: those with a damaged one, and each lock once more, are not long."""
    return [
        pytest.param(
            *lock,
            *param.values,
            id=f"{name}-{param.id}",
            marks=[] if name == "damaged" or param.id == "install" else pytest.mark.long,
        )
        for name, lock in BAD_LOCKS.items()
        for param in ON_LOCKS
    ]


@pytest.mark.parametrize(("content", "what", "fix", "arguments"), bad_locks())
@pytest.mark.slow
def test_a_lock_that_cannot_be_used(
    program: Program, project: Path, *, content: str, what: str, fix: str, arguments: list[str]
) -> None:
    (project / "uv.lock").write_text(content)
    before = hashes(project)

    ran = program.run(*arguments, cwd=project)

    _told(ran, 1, what=what, where=str(project / "uv.lock"), fix=fix)
    assert hashes(project) == before


def test_outdated_without_a_lock(program: Program, project: Path) -> None:
    ran = program.run("deps.outdated", cwd=project)

    _told(ran, 1, what="there is no uv.lock", where=str(project / "uv.lock"), fix="deps.lock")


@pytest.mark.parametrize(
    ("packages", "words"),
    [
        pytest.param(["uvdock-test-no-such-package"], "uvdock-test-no-such-package was not found", id="not-there"),
        pytest.param(["six>=999"], "your project depends on six>=999", id="no-such-version"),
        pytest.param(["anyio==3.6.2", "idna<2"], "your project's requirements are unsatisfiable", id="conflict"),
        pytest.param(["not a package!"], "Failed to parse", id="no-requirement"),
    ],
)
def test_uv_cannot_add(program: Program, project: Path, packages: list[str], words: str) -> None:
    make_project(project, ["six"])
    uv("lock", cwd=project)
    manifests = [project / "pyproject.toml", project / "uv.lock"]
    before = [path.read_bytes() for path in manifests]

    ran = program.run("uv", "add", *packages, cwd=project)

    assert words in " ".join(ran.err.split())
    _told(
        ran,
        2 if "parse" in words else 1,
        what="uv add did not succeed",
        where=str(project),
        fix="read uv's words above; pyproject.toml and uv.lock are as they were",
    )
    assert [path.read_bytes() for path in manifests] == before


@pytest.mark.parametrize("task", ["deps.install", "deps.lock"])
def test_uv_cannot_lock(program: Program, project: Path, task: str) -> None:
    make_project(project, ["uvdock-test-no-such-package"])
    before = hashes(project)

    ran = program.run(task, cwd=project)

    assert "uvdock-test-no-such-package was not found" in " ".join(ran.err.split())
    _told(ran, 1, what="uv could not lock", where=str(project), fix="read the words above")
    assert hashes(project) == before


def test_check_of_what_uv_cannot_resolve(program: Program, project: Path) -> None:
    uv("lock", cwd=project)
    make_project(project, ["uvdock-test-no-such-package"])
    before = hashes(project)

    ran = program.run("deps.check", cwd=project)

    _told(ran, 1, what="uvdock-test-no-such-package was not found", where="pyproject.toml", fix="nothing was changed")
    assert hashes(project) == before


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 64 KiB of its own; needs root."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = shutil.which("mount")
    if os.geteuid() != 0 or mount is None:
        pytest.skip("only root may mount")
    done = subprocess.run(
        [mount, "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(folder)], capture_output=True, check=False
    )
    if done.returncode != 0:
        pytest.skip(f"no disk could be mounted: {done.stderr.decode()}")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


def _read_only(folder: Path) -> None:
    subprocess.run(["mount", "-o", "remount,ro", str(folder)], check=True)


def _full(folder: Path) -> None:
    (folder / "rest").write_bytes(b"\0" * shutil.disk_usage(folder).free)
    assert shutil.disk_usage(folder).free == 0


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        pytest.param(_read_only, "Read-only file system", id="read-only"),
        pytest.param(_full, "No space left on device", id="full"),
    ],
)
@pytest.mark.parametrize(
    ("arguments", "what"),
    [
        pytest.param(["uv", "add", "idna"], "uv add did not succeed", id="uv-add"),
        pytest.param(["uv", "remove", "six"], "uv remove did not succeed", id="uv-remove", marks=pytest.mark.long),
        pytest.param(["deps.install"], "uv could not lock", id="install"),
        pytest.param(["deps.lock"], "uv could not lock", id="lock", marks=pytest.mark.long),
    ],
)
def test_a_disk_that_takes_nothing(
    program: Program,
    disk: Path,
    tmp_path: Path,
    *,
    spoil: Callable[[Path], None],
    words: str,
    arguments: list[str],
    what: str,
) -> None:
    env = {"UV_PROJECT_ENVIRONMENT": str(tmp_path / "environment")}
    project = make_project(disk / "app", ["six"])
    uv("lock", cwd=project)
    # The remark fills the manifest's last page: any longer one needs a page more.
    make_project(project, ["six", "iniconfig"], "#")
    manifest = project / "pyproject.toml"
    manifest.write_text(manifest.read_text() + "x" * (4090 - manifest.stat().st_size) + "\n")
    spoil(disk)
    before = hashes(disk)

    ran = program.run(*arguments, cwd=project, env=env)

    assert words in " ".join(ran.err.split())
    _told(ran, 2, what=what, where=str(project), fix="pyproject.toml and uv.lock are as they were")
    assert hashes(disk) == before


def test_a_read_only_disk_can_be_read(program: Program, disk: Path, tmp_path: Path) -> None:
    env = {"UV_PROJECT_ENVIRONMENT": str(tmp_path / "environment")}
    project = make_project(disk / "app", ["six"])
    assert program.run("deps.install", cwd=project, env=env).code == 0
    _read_only(disk)

    for arguments in (["deps.check"], ["deps.outdated"], ["cmd", "python", "-c", "import six"], ["deps.install"]):
        ran = program.run(*arguments, cwd=project, env=env)
        assert ran.code == 0, ran.err


@pytest.mark.parametrize("name", ["uvdock", "inv"])
@pytest.mark.parametrize(
    ("file", "content", "what", "where"),
    [
        pytest.param(
            "pyproject.toml",
            '[tool.uvdock]\nbakend = "host"\n',
            "unknown setting 'bakend' (did you mean backend?)",
            "pyproject.toml [tool.uvdock]",
            id="pyproject",
        ),
        pytest.param(
            "pyproject.toml",
            '[tool.uvdock]\nbackend = "docker"\n',
            "backend may not be 'docker'",
            "pyproject.toml [tool.uvdock]",
            id="pyproject-value",
        ),
        pytest.param(
            "pyproject.toml", "[tool]\nuvdock = 5\n", "must be a table", "pyproject.toml", id="pyproject-type"
        ),
        pytest.param(
            "invoke.yaml",
            "uvdock:\n  servise: web\n",
            "unknown setting 'servise' (did you mean service?)",
            "invoke.yaml (uvdock)",
            id="invoke",
        ),
        pytest.param(
            "invoke.yaml",
            "uvdock:\n  tty: maybe\n",
            "tty may not be 'maybe'",
            "invoke.yaml (uvdock)",
            id="invoke-value",
        ),
        pytest.param("invoke.yaml", "uvdock: 5\n", "must be a table", "invoke.yaml (uvdock)", id="invoke-type"),
    ],
)
def test_a_setting_in_a_file_that_is_wrong(
    program: Program, project: Path, *, name: str, file: str, content: str, what: str, where: str
) -> None:
    with (project / file).open("a") as stream:
        stream.write(content)
    before = hashes(project)

    for arguments in (["config"], ["deps.lock"], ["cmd", "--", "true"]):
        ran = program.run(*arguments, cwd=project, program=name)
        _told(ran, 2, what=what, where=where, fix="allowed: ")
    assert hashes(project) == before


@pytest.mark.parametrize("name", ["uvdock", "inv"])
@pytest.mark.parametrize(
    ("variable", "value", "what", "allowed"),
    [
        pytest.param("UVDOCK_BAKEND", "host", "did you mean UVDOCK_BACKEND?", "UVDOCK_BACKEND", id="unknown"),
        pytest.param("UVDOCK_BACKEND", "docker", "backend may not be 'docker'", "auto, host, compose", id="choice"),
        pytest.param("UVDOCK_BACKEND", "", "backend may not be ''", "auto, host, compose", id="empty"),
        pytest.param("UVDOCK_TTY", "maybe", "tty may not be 'maybe'", "true or false", id="flag"),
        pytest.param("UVDOCK_SYNC", "ftp", "sync may not be 'ftp'", "auto, bind, volume", id="another-choice"),
    ],
)
def test_a_variable_that_is_wrong(
    program: Program, project: Path, *, name: str, variable: str, value: str, what: str, allowed: str
) -> None:
    ran = program.run("deps.lock", cwd=project, program=name, env={variable: value})

    _told(ran, 2, what=what, where=f"environment variable {variable}", fix=f"allowed: {allowed}")
    assert not (project / "uv.lock").exists()


@pytest.mark.parametrize(
    "content", [pytest.param("uvdock:\n  backend: [host\n", id="no-yaml"), pytest.param("- uvdock\n", id="a-list")]
)
def test_an_invoke_yaml_that_is_broken(program: Program, project: Path, content: str) -> None:
    (project / "invoke.yaml").write_text(content)

    ran = program.run("config", cwd=project)

    _told(ran, 1, what="invoke.yaml cannot be read", where=str(project / "invoke.yaml"), fix="correct that line")


@pytest.mark.parametrize("arguments", ON_BACKENDS)
def test_compose_without_a_compose_file(program: Program, project: Path, arguments: list[str]) -> None:
    before = hashes(project)

    ran = program.run(*arguments, cwd=project, env={"UVDOCK_BACKEND": "compose"})

    _told(ran, 1, what="there is no Compose file", where="from UVDOCK_BACKEND", fix="add a compose.yaml")
    assert hashes(project) == before


@pytest.mark.parametrize("arguments", ON_BACKENDS)
def test_compose_without_an_engine(program: Program, project: Path, arguments: list[str]) -> None:
    (project / "compose.yaml").write_text(COMPOSE)
    before = hashes(project)

    ran = program.run(*arguments, cwd=project, env={"UVDOCK_BACKEND": "compose"})

    where = f"DOCKER_HOST={program.env['DOCKER_HOST']}"
    _told(ran, 1, what="the Docker engine does not answer", where=where, fix="UVDOCK_BACKEND=host")
    assert hashes(project) == before


def test_outdated_needs_no_engine(program: Program, project: Path) -> None:
    (project / "compose.yaml").write_text(COMPOSE)
    (project / "uv.lock").write_text(LOCK.format(version=1))

    ran = program.run("deps.outdated", cwd=project, env={"UVDOCK_BACKEND": "compose"})

    assert (ran.code, ran.out) == (0, ""), ran.err
    assert "0 of 0 packages have a newer release" in ran.err


@pytest.fixture
def docker_command(program: Program, tmp_path: Path) -> dict[str, str]:
    """The variables with which the real `docker` is found: it tells its contexts without any engine."""
    found = shutil.which("docker", path=os.pathsep.join(os.environ["PATH"].split(os.pathsep)[1:]))
    if found is None:
        pytest.skip("no docker command")
    path = os.pathsep.join((str(Path(found).parent), program.env["PATH"]))
    return {"PATH": path, "DOCKER_CONFIG": str(tmp_path / "docker")}


@pytest.mark.parametrize("backend", ["auto", "compose"])
def test_a_docker_context_that_is_not_there(
    program: Program, project: Path, docker_command: dict[str, str], backend: str
) -> None:
    (project / "compose.yaml").write_text(COMPOSE)
    before = hashes(project)
    env = {**docker_command, "UVDOCK_BACKEND": backend, "UVDOCK_CONTEXT": "uvdock-no-such-context"}

    ran = program.run("deps.lock", cwd=project, env=env)

    _told(ran, 1, what="'uvdock-no-such-context'", where="context", fix="docker context ls")
    assert hashes(project) == before


def test_a_compose_file_that_is_not_there(program: Program, project: Path) -> None:
    ran = program.run("deps.lock", cwd=project, env={"UVDOCK_COMPOSE_FILES": "missing.yaml"})

    _told(ran, 1, what="missing.yaml is not there", where="UVDOCK_COMPOSE_FILES", fix="correct the name")
    assert not (project / "uv.lock").exists()


@pytest.mark.parametrize(
    ("arguments", "typed"),
    [
        pytest.param(["uv", "add", "six"], "inv uv -- add six", id="uv"),
        pytest.param(["uv", "add", "six >= 1"], "inv uv -- add 'six >= 1'", id="uv-quoted"),
        pytest.param(["uv", "-V"], "inv uv -- -V", id="uv-option"),
        pytest.param(["cmd", "ls"], "inv cmd -- ls", id="cmd"),
        pytest.param(["cmd", "ls", "-la"], "inv cmd -- ls -la", id="cmd-option"),
        pytest.param(["shell", "web"], "inv shell -- web", id="shell"),
        pytest.param(["build", "web"], "inv build -- web", id="build"),
        pytest.param(["-e", "uv", "add", "six"], "inv -e uv -- add six", id="program-option"),
    ],
)
def test_a_forgotten_separator(program: Program, project: Path, arguments: list[str], typed: str) -> None:
    before = hashes(project)

    ran = program.run(*arguments, cwd=project, program="inv")

    task = typed.partition(" --")[0].split()[-1]
    where = shlex.join(["inv", *arguments])
    _told(ran, 2, what=f"the -- before the arguments of {task} is missing", where=where, fix=f"type {typed}")
    assert len(ran.err.splitlines()) == 3
    assert hashes(project) == before


def test_a_forgotten_separator_in_a_repo_with_tasks_of_its_own(program: Program, project: Path) -> None:
    (project / "tasks.py").write_text(
        "from invoke import task\nfrom uvdock import ns\n\n"
        "@task\ndef web(c):\n    print('web ran')\n\nns.add_task(web)\n"
    )

    forgotten = program.run("uv", "add", "six", cwd=project, program="inv")
    followed = program.run("config", "web", cwd=project, program="inv")

    _told(forgotten, 2, what="the -- before", where="inv uv add six", fix="type inv uv -- add six")
    assert followed.code == 0
    assert followed.out.endswith("web ran\n")


@pytest.mark.parametrize("name", ["uvdock", "inv"])
@pytest.mark.parametrize("arguments", [["cmd"], ["cmd", "--"]], ids=["alone", "separator"])
def test_cmd_without_a_command(program: Program, project: Path, name: str, arguments: list[str]) -> None:
    ran = program.run(*arguments, cwd=project, program=name)

    where = "the command line" if name == "inv" else "uvdock cmd"
    fix = "inv cmd -- COMMAND" if name == "inv" else "uvdock cmd COMMAND"
    _told(ran, 2, what="cmd needs a command to run", where=where, fix=fix)


@pytest.mark.parametrize("name", ["uvdock", "inv"])
@pytest.mark.parametrize("arguments", [["build"], ["build", "--", "web"], ["build", "--no-cache"]])
def test_build_needs_compose(program: Program, project: Path, name: str, arguments: list[str]) -> None:
    ran = program.run(*arguments, cwd=project, program=name)

    _told(
        ran, 1, what="build needs the compose backend", where="backend 'auto' (default)", fix="UVDOCK_BACKEND=compose"
    )


@pytest.mark.parametrize("name", ["uvdock", "inv"])
def test_shell_takes_one_word(program: Program, project: Path, name: str) -> None:
    ran = program.run("shell", "--", "web", "ls", cwd=project, program=name)

    line = {"uvdock": "uvdock cmd COMMAND", "inv": "inv cmd -- COMMAND"}[name]
    _told(ran, 2, what="shell takes one service", where="web ls", fix=line)


def test_the_host_runs_nothing_as_another_user(program: Program, project: Path) -> None:
    ran = program.run("cmd", "--user", "nobody", "--", "true", cwd=project)

    _told(ran, 2, what="it cannot change the user", where="'nobody'", fix="leave the user out")


def test_a_task_that_is_not_there(program: Program, project: Path) -> None:
    ran = program.run("deps.instal", cwd=project, program="inv")
    assert (ran.code, ran.out, ran.err) == (1, "", "No idea what 'deps.instal' is!\n")

    ran = program.run("deps.instal", cwd=project)
    _told(ran, 2, what="did you mean deps.install?", where="deps.instal", fix="uvdock --list")
