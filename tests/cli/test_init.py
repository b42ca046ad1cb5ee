"""`init` as a person runs it: what it shows, when it asks, that it writes all or nothing, and once."""

from __future__ import annotations

import fcntl
import os
import pty
import select
import shutil
import signal
import subprocess
import termios
import time
import tomllib
from pathlib import Path

import pytest

from tests.conftest import BIN, BOTH, REPO, Program, hashes

FIXTURES = REPO / "tests" / "fixtures" / "init"
COMPOSE = "services:\n  web:\n    build: .\n"
PYPROJECT = "[project]  # the app\nname = 'app'\nversion = '1'\n\n[tool.x]\ny = 1\n"


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    """A repo with a ./run, a Compose file and a project."""
    folder = tmp_path / "app"
    folder.mkdir()
    shutil.copy(FIXTURES / "flask" / "run", folder)
    (folder / "compose.yaml").write_text(COMPOSE)
    (folder / "pyproject.toml").write_text(PYPROJECT)
    return folder


def _take_terminal() -> None:
    """Only a controlling terminal makes a signal of Ctrl-C, and pytest's own workers ignore that signal."""
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def at_terminal(
    program: Program, repo: Path, *args: str, answer: bytes = b"", end: bytes = b"[y/N] "
) -> tuple[int, str]:
    """Run `uvdock` at a pseudo terminal, and type the answer once it asks."""
    master, slave = pty.openpty()
    process = subprocess.Popen(
        [str(BIN / "uvdock"), *args],
        cwd=repo,
        env={**program.env, "TERM": "xterm"},
        stdin=slave,
        stdout=slave,
        stderr=slave,
        start_new_session=True,
        preexec_fn=_take_terminal,  # noqa: PLW1509 - there is no other way to a controlling terminal
    )
    os.close(slave)
    shown, typed, deadline = b"", False, time.monotonic() + 60
    while time.monotonic() < deadline:
        if not select.select([master], [], [], 0.1)[0]:
            if process.poll() is not None:
                break
            # As a person does, once it waits: a signal between the prompt and the reading is Python's to lose.
            if answer and not typed and end in shown:
                os.write(master, answer)
                typed = True
            continue
        try:
            part = os.read(master, 65536)
        except OSError:
            part = b""
        if not part and process.poll() is not None:
            break
        shown += part
    # Only now: what still writes to a terminal that is gone fails by that.
    os.close(master)
    return process.wait(timeout=30), shown.decode("utf-8", "replace")


def test_a_dry_run_shows_everything_and_writes_nothing(program: Program, repo: Path) -> None:
    before = hashes(repo)

    ran = program.run("init", "--dry-run", cwd=repo)

    assert ran.code == 0, ran.err
    assert hashes(repo) == before
    assert "only shown, nothing was written: tasks.py and uvdock.toml" in ran.err
    lines = ran.out.splitlines()
    assert lines[:2] == ["--- /dev/null", "+++ b/tasks.py"]
    assert {"--- /dev/null", "+++ b/uvdock.toml", '+service = "web"', "+[commands]"} <= set(lines)
    assert "\033" not in ran.out + ran.err


def test_every_function_is_in_the_report(program: Program, repo: Path) -> None:
    (repo / "README.md").write_text("Say ./run flask.\n")

    ran = program.run("init", "--dry-run", cwd=repo)

    report, _, afterwards = ran.err.partition("afterwards:\n")
    assert "  run is still called, 1 times: change" in afterwards
    assert "  README.md:1: ./run flask" in afterwards
    told = {line.split()[0]: " ".join(line.split()[1:]) for line in report.splitlines() if line.startswith("  ")}
    names = [line.split()[1] for line in (repo / "run").read_text().splitlines() if line.startswith("function ")]
    assert sorted(told) == sorted(names)
    assert told["flask"] == "→ inv flask"
    assert told["deps:install"] == "uvdock has it: inv deps.install"
    assert told["logs:web"] == "not carried over: line 166: a pipe"


def test_without_a_terminal_nothing_is_written_unless_told_to(program: Program, repo: Path) -> None:
    before = hashes(repo)

    ran = program.run("init", cwd=repo, stdin=b"y\n")

    assert ran.code == 1
    assert "error: nothing was written: there is no terminal to ask at" in ran.err
    assert "--yes" in ran.err
    assert hashes(repo) == before


def test_yes_writes_what_was_shown_and_a_second_run_nothing(program: Program, repo: Path) -> None:
    before = hashes(repo)

    ran = program.run("init", "--yes", cwd=repo)

    assert ran.code == 0, ran.err
    assert "written: tasks.py, uvdock.toml" in ran.err
    after = hashes(repo)
    assert after.keys() == before.keys() | {"tasks.py", "uvdock.toml"}
    # The dependency layer of an image that copies the pyproject.toml stays as it is.
    assert all(before[name] == after[name] for name in before)
    assert tomllib.loads((repo / "uvdock.toml").read_text())["service"] == "web"

    for name in ("uvdock", "inv"):
        again = program.run("init", cwd=repo, program=name)
        assert (again.code, again.out) == (0, "")
        assert "everything is there already: nothing was changed" in again.err
        assert hashes(repo) == after


@pytest.mark.parametrize("name", BOTH)
def test_what_was_written_works(program: Program, repo: Path, name: str) -> None:
    (repo / "run").write_text(
        '#!/bin/bash\nhello() {\n  # Greet\n  printf "%s\\n" hello "$@"\n}\nboth() { hello; hello you; }\n'
    )
    assert program.run("init", "--yes", cwd=repo).code == 0

    listed = program.run("--list", cwd=repo, program=name)
    assert "Greet" in listed.out
    hello = program.run("hello", "--", "a  b", cwd=repo, program=name)
    assert (hello.code, hello.out) == (0, "hello\na  b\n"), hello.err
    both = program.run("both", cwd=repo, program=name)
    assert (both.code, both.out) == (0, "hello\nhello\nyou\n"), both.err


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        pytest.param(b"y\n", 0, id="yes"),
        pytest.param(b"YES\n", 0, id="whole-word"),
        pytest.param(b"n\n", 1, id="no"),
        pytest.param(b"\n", 1, id="nothing"),
        pytest.param(b"\x04", 1, id="end-of-file"),
        pytest.param(b"\x03", 130, id="ctrl-c"),
    ],
)
def test_at_a_terminal_it_asks(program: Program, repo: Path, answer: bytes, code: int) -> None:
    before = hashes(repo)

    left, shown = at_terminal(program, repo, "init", answer=answer)

    assert left == code, shown
    assert "write tasks.py and uvdock.toml? [y/N]" in shown
    assert "\033[32m+" in shown
    assert (hashes(repo) == before) == (code != 0)


def test_a_change_while_it_asks_is_not_overwritten(program: Program, repo: Path) -> None:
    master, slave = pty.openpty()
    process = subprocess.Popen(
        [str(BIN / "uvdock"), "init"],
        cwd=repo,
        env=program.env,
        stdin=slave,
        stdout=slave,
        stderr=slave,
        start_new_session=True,
    )
    os.close(slave)
    shown = b""
    while b"[y/N]" not in shown:
        shown += os.read(master, 65536)
    (repo / "tasks.py").write_text("# mine\n")
    before = hashes(repo)
    os.write(master, b"y\n")
    while process.poll() is None and select.select([master], [], [], 30)[0]:
        try:
            shown += os.read(master, 65536)
        except OSError:
            break
    assert process.wait(timeout=30) == 1
    os.close(master)
    assert b"tasks.py changed in the meantime" in shown
    assert hashes(repo) == before


@pytest.mark.skipif(os.getuid() == 0, reason="root may write anywhere")
def test_a_folder_that_is_read_only(program: Program, repo: Path) -> None:
    before = hashes(repo)
    repo.chmod(0o555)

    ran = program.run("init", "--yes", cwd=repo)
    repo.chmod(0o755)

    assert (ran.code, hashes(repo)) == (1, before)


def test_all_files_or_none(repo: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from uvdock.errors import UvdockError
    from uvdock.init import plan, write
    from uvdock.settings import Settings

    seen = write.look(repo, Settings(), ["cmd"], [])
    made = plan.plan(seen.state)
    assert len(made.edits) == 2
    before, renamed = hashes(repo), 0
    real = Path.replace

    def second_fails(self: Path, target: str | Path) -> Path:
        nonlocal renamed
        renamed += 1
        if renamed == 2:
            raise OSError(28, "No space left on device")
        return real(self, target)

    monkeypatch.setattr(Path, "replace", second_fails)
    with pytest.raises(UvdockError, match="could not be written"):
        write.write(seen, made)

    assert hashes(repo) == before


def test_a_tasks_py_of_ones_own_stays_and_is_told_what_to_add(program: Program, repo: Path) -> None:
    (repo / "tasks.py").write_text("from invoke import task\n\n\n@task\ndef flask(c):\n    pass\n")

    ran = program.run("init", "--yes", cwd=repo)

    assert ran.code == 0, ran.err
    assert (repo / "tasks.py").read_text().startswith("from invoke import task\n")
    assert "add this line to it: from uvdock import ns" in ran.err
    assert "tasks.py has a task flask already" in ran.err
    assert "flask" not in tomllib.loads((repo / "uvdock.toml").read_text())["commands"]


def test_a_root_without_a_project_does_not_become_one(program: Program, repo: Path) -> None:
    (repo / "apps").mkdir()
    (repo / "pyproject.toml").rename(repo / "apps" / "pyproject.toml")

    assert program.run("init", "--yes", cwd=repo / "apps").code == 0

    assert not (repo / "pyproject.toml").exists()
    assert (repo / "uvdock.toml").is_file()
    assert (repo / "apps" / "pyproject.toml").read_text() == PYPROJECT
    assert "apps" in program.run("config", cwd=repo).out


def test_a_repo_with_nothing_to_carry_over(program: Program, tmp_path: Path) -> None:
    (tmp_path / "compose.yaml").write_text(COMPOSE)

    ran = program.run("init", "--yes", cwd=tmp_path)

    assert ran.code == 0, ran.err
    assert sorted(path.name for path in tmp_path.iterdir()) == ["compose.yaml", "tasks.py"]


@pytest.mark.parametrize(
    ("name", "content", "what"),
    [
        pytest.param("pyproject.toml", b"[a\n", "is not valid TOML", id="toml"),
        pytest.param("run", b"\xff\xfe", "run cannot be read: it is no UTF-8 text", id="run"),
        pytest.param("tasks.py", b"\xff", "tasks.py cannot be read: it is no UTF-8 text", id="tasks"),
    ],
)
def test_a_file_that_cannot_be_read(program: Program, repo: Path, name: str, content: bytes, what: str) -> None:
    (repo / name).write_bytes(content)
    before = hashes(repo)

    ran = program.run("init", "--yes", cwd=repo)

    assert ran.code == 1
    assert what in ran.err
    assert "Traceback" not in ran.err
    assert hashes(repo) == before
