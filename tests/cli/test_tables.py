"""Tables as they look on terminals of several widths and without one, compared with pictures in ``fixtures/tables``.

A picture that is not there is written, and the test fails: read it before you keep it.
"""

from __future__ import annotations

import fcntl
import os
import pty
import re
import struct
import subprocess
import sys
import termios
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import pytest

from tests.conftest import BIN, Program, make_project
from tests.index import Index, Release, served

PICTURES = Path(__file__).resolve().parent.parent / "fixtures" / "tables"
WIDTHS = [60, 80, 120, 0]
#: Tables that need an engine or the network to be filled, with the arguments of their tasks.
OTHERS: dict[str, str] = {
    "audit": """(("package", "locked", "advisory", "fixed in", "about"), [
        ("werkzeug", "3.0.0", "GHSA-2g68-c3qc-8985 CVE-2024-34069", "3.0.3",
         "Werkzeug debugger vulnerable to remote execution when interacting with attacker controlled domain"),
        ("jinja2", "3.1.2", "GHSA-h5c8-rqwp-cp95 CVE-2024-22195", "3.1.3", "")], below="about")""",
    "cache": """(("volume", "owner", "size", "held by"), [
        ("uvdock-uv-cache-1000", "1000", "1.2 GB", "hello-web-run-1f0c2e hello-worker-run-0a1b2c3d4e5f"),
        ("uvdock-uv-cache-0", "0", "12.0 MB", "")], below="held by")""",
    "bench": """(("what", "who", "median", "spread", "faster", "first run", "remark"), [
        ("install, nothing cached", "uv", "1.35 s", "1.30 s – 1.41 s", "8.3 ×", "1.50 s", ""),
        ("install, nothing cached", "pip", "11.2 s", "11.0 s – 11.9 s", "", "12.1 s", "one run had to be repeated")],
        least=("first run", "spread"), below="remark")""",
    "js-outdated": """(("package", "group", "locked", "wanted", "latest"), [
        ("@tailwindcss/postcss-with-a-long-name", "devDependencies", "4.1.12-beta.3", "4.1.13", "5.0.0")],
        least=("group",))""",
}


@pytest.fixture(scope="module")
def index() -> Iterator[Index]:
    with served() as found:
        yield found


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory, index: Index) -> Path:
    """Long names, long versions, groups, and packages that hold others back."""
    index.add("a-package-with-a-rather-long-name", "1.0.53", Release("2.10.117.post3", days=100))
    index.add("holds", Release("1.0", ["held>=1.0.53,<2", "also-held<3.0.53"]))
    index.add("held", "1.0.53", Release("3.0.53", days=30))
    index.add("also-held", "2.0.1", Release("3.0.53", days=800))
    lists = '[dependency-groups]\ndev = ["also-held>=2,<3.0.53"]\n'
    project = make_project(
        tmp_path_factory.mktemp("tables") / "app",
        ["a-package-with-a-rather-long-name==1.0.53", "held>=1.0.53,<2", "holds"],
        lists + index.table,
    )
    done = subprocess.run([str(BIN / "uv"), "lock"], cwd=project, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr
    return project


def picture(argv: Sequence[str], cwd: Path, env: Mapping[str, str], width: int, *, raw: bool = False) -> str:
    """What a program shows on a terminal of that width, without colours; without one for 0."""
    env = {"TERM": "xterm", **env}
    if not width:
        done = subprocess.run(argv, cwd=cwd, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
        return _stable(done.stdout)
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 40, width, 0, 0))
    shown = b""
    with subprocess.Popen(argv, cwd=cwd, env=env, stdin=theirs, stdout=theirs, stderr=theirs):
        os.close(theirs)
        try:
            while part := os.read(ours, 65536):
                shown += part
        except OSError:  # the end of a terminal, on Linux
            pass
    os.close(ours)
    return shown.decode() if raw else _stable(shown)


def _stable(shown: bytes) -> str:
    text = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", shown.decode()).replace("\r\n", "\n")
    return re.sub(r"\d+\.\d s\b", "N s", text)


def compare(name: str, width: int, found: str) -> None:
    path = PICTURES / f"{name}-{width or 'none'}.txt"
    if not path.exists():
        path.parent.mkdir(exist_ok=True)
        path.write_text(found)
        pytest.fail(f"{path} was written: read it")
    assert found == path.read_text()


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("outdated", ["deps.outdated"]),
        ("upgrade", ["deps.upgrade", "--dry-run"]),
        ("config", ["config"]),
    ],
)
@pytest.mark.slow
def test_tables_of_a_project(program: Program, project: Path, name: str, arguments: list[str], width: int) -> None:
    env = {key: value for key, value in program.env.items() if key != "COLUMNS"} | {"UVDOCK_BACKEND": "host"}
    found = picture([str(BIN / "uvdock"), *arguments], project, env, width)
    compare(name, width, found.replace(str(project), "/repo/app"))


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("name", OTHERS)
def test_tables_of_other_tasks(program: Program, tmp_path: Path, name: str, width: int) -> None:
    env = {key: value for key, value in program.env.items() if key != "COLUMNS"}
    code = f"from uvdock.ui import console\nconsole.table{OTHERS[name]}"
    compare(name, width, picture([sys.executable, "-c", code], tmp_path, env, width))
