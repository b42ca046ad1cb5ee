"""deps.diff, deps.why and deps.audit as a person runs them, with real uv, real packages and real git."""

from __future__ import annotations

import http.server
import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import Program, hashes, make_project, uv

pytestmark = pytest.mark.slow

BROKEN = "flask"


def _git(folder: Path, *args: str) -> None:
    who = ["-c", "user.name=a", "-c", "user.email=a@example.org"]
    subprocess.run(["git", *who, *args], cwd=folder, check=True, capture_output=True)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A repo with a committed lock of Flask and a group."""
    project = make_project(
        tmp_path_factory.mktemp("locked") / "app", ["flask==3.0.0"], '[dependency-groups]\ndev = ["click==8.1.3"]\n'
    )
    ran = Program({**os.environ, "UVDOCK_BACKEND": "host"}).run("deps.lock", cwd=project)
    assert ran.code == 0, ran.err
    _git(project, "init", "--quiet", "--initial-branch", "main")
    _git(project, "add", ".")
    _git(project, "commit", "--quiet", "--message", "one")
    return project


def test_diff_against_the_last_commit_and_another(program: Program, made: Path, tmp_path: Path) -> None:
    project = tmp_path / "app"
    subprocess.run(["git", "clone", "--quiet", str(made), str(project)], check=True)
    assert program.run("deps.diff", cwd=project).out == "uv.lock against HEAD: nothing changed\n"
    pyproject = project / "pyproject.toml"
    pyproject.write_text(pyproject.read_text().replace("flask==3.0.0", "flask==3.0.1").replace("8.1.3", "8.1.7"))
    uv("lock", cwd=project)
    before = hashes(project)

    shown = program.run("deps.diff", cwd=project)
    table = program.run("deps.diff", "--markdown", cwd=project)
    told = program.run("deps.diff", "--json", cwd=project)

    assert shown.out.splitlines() == [
        "uv.lock against HEAD: 2 changed",
        "direct",
        "  ~ click 8.1.3 → 8.1.7 (patch)",
        "  ~ flask 3.0.0 → 3.0.1 (patch)",
    ]
    assert "| flask | 3.0.0 | 3.0.1 | patch |" in table.out.splitlines()
    assert [row["name"] for row in json.loads(told.out)["projects"][0]["packages"]] == ["click", "flask"]
    assert hashes(project) == before

    _git(project, "commit", "--quiet", "--all", "--message", "two")
    assert program.run("deps.diff", cwd=project).out == "uv.lock against HEAD: nothing changed\n"
    for name, words in (("uvdock", ["deps.diff", "HEAD~1"]), ("inv", ["deps.diff", "--", "HEAD~1"])):
        (project / "tasks.py").write_text("from uvdock import ns\n")
        assert program.run(*words, cwd=project, program=name).out.startswith("uv.lock against HEAD~1: 2 changed\n")


def test_diff_of_a_first_lock_and_of_a_commit_that_is_none(program: Program, made: Path) -> None:
    wrong = program.run("deps.diff", "no-such-branch", cwd=made)

    assert wrong.code == 1
    assert "git has no commit 'no-such-branch'" in wrong.err
    assert "Traceback" not in wrong.err


def test_diff_of_a_lock_that_no_commit_has(program: Program, tmp_path: Path) -> None:
    project = make_project(tmp_path / "app", ["six==1.16.0"])
    _git(project, "init", "--quiet")
    _git(project, "add", "pyproject.toml")
    _git(project, "commit", "--quiet", "--message", "one")
    uv("lock", cwd=project)

    ran = program.run("deps.diff", cwd=project)

    assert ran.out.splitlines()[1:] == ["direct", "  + six 1.16.0"]


def test_why_with_the_bounds_of_real_metadata(program: Program, made: Path) -> None:
    before = hashes(made)

    click = program.run("deps.why", "Click", cwd=made)
    markupsafe = program.run("deps.why", "markupsafe", "--json", cwd=made)

    assert click.out.splitlines() == [
        "app (dev) → click==8.1.3 (8.1.3)",
        "app → flask==3.0.0 (3.0.0) → click>=8.1.3 (8.1.3)",
    ]
    paths = json.loads(markupsafe.out)["paths"]
    assert [[hop["name"] for hop in path] for path in paths] == [
        ["app", "flask", "jinja2", "markupsafe"],
        ["app", "flask", "werkzeug", "markupsafe"],
    ]
    assert [path[-1]["bound"] for path in paths] == [">=2.0", ">=2.1.1"]
    assert hashes(made) == before


def test_why_of_what_is_not_locked(program: Program, made: Path) -> None:
    ran = program.run("deps.why", "flsk", cwd=made)

    assert ran.code == 1
    assert ran.err.startswith("error: flsk is not locked (did you mean flask?)\n")


ADVISORY = {
    "id": "GHSA-test",
    "modified": "2024-01-01T00:00:00Z",
    "published": "2023-01-01T00:00:00Z",
    "summary": "Bad thing",
    "details": "Bad thing",
    "affected": [
        {
            "package": {"ecosystem": "PyPI", "name": BROKEN},
            "ranges": [{"type": "ECOSYSTEM", "events": [{"introduced": "0"}, {"fixed": "9.9"}]}],
        }
    ],
}


class _Service(http.server.BaseHTTPRequestHandler):
    """Answers as an OSV service: one advisory for one package (https://google.github.io/osv.dev/api/)."""

    def do_POST(self) -> None:
        asked = json.loads(self.rfile.read(int(self.headers["content-length"])))
        if "queries" in asked:
            known = {"vulns": [{"id": "GHSA-test", "modified": "2024-01-01T00:00:00Z"}]}
            self._say({"results": [known if q["package"]["name"] == BROKEN else {} for q in asked["queries"]]})
        else:
            self._say({"vulns": [ADVISORY]} if asked["package"]["name"] == BROKEN else {})

    def do_GET(self) -> None:
        self._say(ADVISORY)

    def _say(self, data: object) -> None:
        content = json.dumps(data).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *args: object) -> None:
        """Says nothing."""


@pytest.fixture(scope="module")
def service() -> Iterator[str]:
    """The address of a vulnerability service that knows one advisory."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Service)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    server.server_close()


@pytest.fixture(scope="module")
def old_uv(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a uv that has no `audit`."""
    folder = tmp_path_factory.mktemp("old-uv")
    argv = ["uv", "pip", "install", "--quiet", "--target", str(folder), "uv==0.8.17"]
    subprocess.run([*argv, "--python", sys.executable], check=True)
    return folder / "bin"


@pytest.mark.parametrize("tool", ["uv audit", "pip-audit"])
def test_audit(program: Program, made: Path, service: str, old_uv: Path, tool: str) -> None:
    if tool == "pip-audit":
        program.env["PATH"] = os.pathsep.join((str(old_uv), program.env["PATH"]))
    before = hashes(made)

    found = program.run("deps.audit", "--service-url", service, cwd=made)
    told = program.run("deps.audit", "--service-url", service, "--json", cwd=made)
    ignored = program.run("deps.audit", "--service-url", service, "--ignore", "GHSA-test", cwd=made)

    assert found.code == 1, found.err
    head, row = found.out.splitlines()
    assert head.split() == ["package", "locked", "advisory", "fixed", "in", "about"]
    assert row.split() == ["flask", "3.0.0", "GHSA-test", "9.9", "Bad", "thing"]
    assert f"1 known vulnerability in 8 packages, by {tool}\n" in found.err
    data = json.loads(told.out)
    assert (told.code, data["tool"], data["audited"]) == (1, tool, 8)
    assert [(item["name"], item["id"], item["fixed_in"]) for item in data["vulnerabilities"]] == [
        ("flask", "GHSA-test", ["9.9"])
    ]
    assert (ignored.code, ignored.out) == (0, "")
    assert hashes(made) == before


@pytest.mark.parametrize("tool", ["uv audit", "pip-audit"])
def test_an_audit_that_could_not_be_done_is_not_green(program: Program, made: Path, old_uv: Path, tool: str) -> None:
    program.env["UV_HTTP_RETRIES"] = "0"
    if tool == "pip-audit":
        program.env["PATH"] = os.pathsep.join((str(old_uv), program.env["PATH"]))

    ran = program.run("deps.audit", "--service-url", "http://127.0.0.1:1", "--json", cwd=made)

    assert ran.code == 2
    assert ran.out == ""
    assert ran.err.startswith("error: the audit could not be done, so nothing is known: ")
    assert "Traceback" not in ran.err
