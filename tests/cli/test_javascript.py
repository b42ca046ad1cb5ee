"""The tasks on JavaScript at the prompt, on the host: what they say when something is missing, and npm itself."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from tests.conftest import Program, hashes

pytestmark = pytest.mark.slow


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    (tmp_path / ".git").mkdir()
    (tmp_path / "package.json").write_text('{"name": "x", "version": "1.0.0", "private": true}')
    return tmp_path


@pytest.mark.parametrize("name", ["uvdock", "inv"])
def test_the_tasks_are_listed_where_there_is_a_package_json(program: Program, repo: Path, name: str) -> None:
    (repo / "tasks.py").write_text("from uvdock import ns\n")
    shown = program.run("--list", cwd=repo, program=name).out
    # Invoke shows both names of a namespace's default.
    assert [task in shown for task in ("js.js (js)" if name == "inv" else "  js  ", "js.install", "js.outdated")] == [
        True
    ] * 3
    (repo / "package.json").unlink()
    assert "js.install" not in program.run("--list", cwd=repo, program=name).out


@pytest.mark.parametrize(
    ("files", "args", "code", "words"),
    [
        pytest.param({"bun.lock": ""}, ["js", "add", "x"], 127, "bun was not found", id="no-such-program"),
        pytest.param({"bun.lock": ""}, ["js", "run", "x"], 127, "bun was not found", id="no-such-program-to-run"),
        pytest.param({"yarn.lock": "", "bun.lock": ""}, ["js.install"], 2, "locks of 2 package managers", id="locks"),
        pytest.param({"package.json": "{,"}, ["js", "install"], 1, "package.json is not valid JSON", id="json"),
        pytest.param({"package.json": "[]"}, ["js.outdated"], 1, "package.json is no object", id="no-object"),
        pytest.param({}, ["js.outdated"], 1, "there is no package-lock.json to look at", id="no-lock"),
        pytest.param({}, ["js.outdatd"], 2, "did you mean js.outdated?", id="a-mistyped-task"),
        pytest.param({"package.json": "{,"}, ["--list"], 0, "", id="a-broken-one-takes-no-task-away"),
    ],
)
def test_what_is_wrong_is_told_in_three_lines(
    program: Program, repo: Path, files: dict[str, str], args: list[str], *, code: int, words: str
) -> None:
    for name, text in files.items():
        (repo / name).write_text(text)
    before = hashes(repo)
    folder = Path(program.env["PATH"].partition(":")[0])
    # Whoever runs the tests may have bun.
    paths = [str(folder), *(item for item in program.env["PATH"].split(":") if not (Path(item) / "bun").exists())]
    ran = program.run(*args, cwd=repo, env={"UVDOCK_BACKEND": "host", "PATH": ":".join(paths)})
    assert ran.code == code
    if words:
        lines = [line for line in ran.err.splitlines() if not line.startswith(("▸", "✘")) and " took " not in line]
        assert words in lines[0]
        assert [line[:6] for line in lines] == ["error:", "   at:", " next:"]
    assert hashes(repo) == before


def test_the_separator_is_explained(program: Program, repo: Path) -> None:
    (repo / "tasks.py").write_text("from uvdock import ns\n")
    ran = program.run("js", "add", "x", cwd=repo, program="inv")
    assert ran.code == 2
    assert "next: type inv js -- add x" in ran.err


@pytest.mark.skipif(shutil.which("npm") is None, reason="npm is not on this machine")
def test_npm_on_the_host(program: Program, repo: Path) -> None:
    program.env["UVDOCK_BACKEND"] = "host"
    manifest, lock = repo / "package.json", repo / "package-lock.json"
    manifest.write_text('{"name": "x", "version": "1.0.0", "private": true, "dependencies": {"ms": "2.0.0"}}')
    installed = program.run("js.install", cwd=repo)
    assert installed.code == 0, installed.err
    assert json.loads((repo / "node_modules/ms/package.json").read_text())["version"] == "2.0.0"

    shutil.rmtree(repo / "node_modules")
    before = hashes(repo)
    found = program.run("js.outdated", "--json", cwd=repo)
    assert found.code == 0, found.err
    (row,) = json.loads(found.out)["packages"]
    assert (row["name"], row["group"], row["locked"]) == ("ms", "dependencies", "2.0.0")
    assert program.run("js", "add", "no-such-package-uvdock-asks-for", cwd=repo).code == 1
    assert hashes(repo) == before

    assert program.run("js", "add", "kleur@4.1.4", cwd=repo).code == 0
    assert '"kleur"' in manifest.read_text()
    assert '"node_modules/kleur"' in lock.read_text()
    shown = program.run("js", "pkg", "get", "name", cwd=repo)
    assert (shown.code, shown.out) == (0, '"x"\n')
