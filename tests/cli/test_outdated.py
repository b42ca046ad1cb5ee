"""deps.outdated with a real uv: real packages, and an index of its own for what indexes do wrong."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import Program, Ran, hashes, make_project, uv
from tests.index import Index, Release, served

pytestmark = pytest.mark.slow

#: One try of an index that does not answer.
ONCE = {"UV_HTTP_RETRIES": "0", "UV_HTTP_TIMEOUT": "10"}
GROUPS = """
[project.optional-dependencies]
docs = ["humanize>=4.0.0,<4.5"]

[dependency-groups]
dev = ["iniconfig==1.1.0", {include-group = "lint"}]
lint = ["click~=8.0.0"]

[tool.uv]
constraint-dependencies = ["sniffio==1.2.0"]
"""
#: Old on purpose: pins, ranges, one that another package holds back.
OLD = ["anyio>=3.6,<4", "idna==2.8", "werkzeug>=2", "flask~=2.2.0", "six"]


@pytest.fixture
def index() -> Iterator[Index]:
    with served() as found:
        yield found


@pytest.fixture(scope="module")
def old(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project that is locked at old versions, made once; no test writes there."""
    project = make_project(tmp_path_factory.mktemp("old") / "app", OLD, GROUPS)
    uv("lock", "--exclude-newer", "2023-01-01", cwd=project)
    # Without the moment in it, which no later lock would have.
    uv("lock", cwd=project)
    return project


def locked(project: Path) -> dict[str, str]:
    """The newest locked version of each package."""
    from packaging.version import Version

    found: dict[str, str] = {}
    for package in tomllib.loads((project / "uv.lock").read_text())["package"]:
        version = package.get("version", "0")
        if package["name"] not in found or Version(found[package["name"]]) < Version(version):
            found[package["name"]] = version
    return found


def upgraded(project: Path, folder: Path, *args: str) -> dict[str, str]:
    """What a real `uv lock --upgrade` makes of a copy."""
    shutil.copytree(project, folder, ignore=shutil.ignore_patterns(".venv"))
    uv("lock", "--upgrade", *args, cwd=folder)
    return locked(folder)


def as_rows(ran: Ran, code: int = 0) -> dict[str, dict[str, Any]]:
    assert ran.code == code, ran.err
    assert "Traceback" not in ran.err
    data = json.loads(ran.out)
    assert data["schema"] == 1
    return {row["name"]: row for row in data["packages"]}


def table(ran: Ran) -> list[dict[str, str]]:
    """The table's rows by its heads."""
    head, *lines = ran.out.splitlines()
    starts = [at for at, char in enumerate(head) if char != " " and (at == 0 or head[at - 2 : at] == "  ")]
    spans = list(zip(starts, [*starts[1:], None], strict=True))
    return [{head[a:b].strip(): line[a:b].strip() for a, b in spans} for line in lines]


def test_the_table(program: Program, old: Path) -> None:
    before = hashes(old)

    ran = program.run("deps.outdated", cwd=old)

    assert ran.code == 0, ran.err
    rows = {(row["package"], row["group"]): row for row in table(ran)}
    assert set(rows) == {
        ("anyio", ""),
        ("idna", ""),
        ("werkzeug", ""),
        ("flask", ""),
        ("six", ""),
        ("humanize", "extra: docs"),
        ("iniconfig", "dev"),
        ("click", "lint"),
        ("sniffio", "constraint"),
    }
    idna = rows["idna", ""]
    assert (idna["specifier"], idna["locked"], idna["wanted"], idna["step"]) == ("==2.8", "2.8", "2.8", "major")
    assert idna["held by"] == "own ==2.8"
    assert idna["age"].split()[1] in ("d", "mo", "y")
    assert rows["anyio", ""]["wanted"].startswith("3.7.")
    assert rows["sniffio", "constraint"]["held by"] == "constraint ==1.2.0"
    kinds = [row["step"] for row in table(ran)]
    assert kinds == sorted(kinds, key=["major", "minor", "patch", "pre"].index)
    assert "9 of 9 packages have a newer release" in ran.err
    assert hashes(old) == before


def test_wanted_is_what_a_new_lock_would_have(program: Program, old: Path, tmp_path: Path) -> None:
    expected = upgraded(old, tmp_path / "copy")

    rows = as_rows(program.run("deps.outdated", "--all", "--json", cwd=old))

    assert {"markupsafe", "jinja2", "werkzeug"} <= rows.keys()
    assert {name: row["wanted"] for name, row in rows.items()} == {name: expected.get(name, "") for name in rows}
    assert set(rows) >= locked(old).keys() - {"app"}
    for name, row in rows.items():
        assert bool(row["held_by"]) == (row["behind"] and row["wanted"] != row["latest"]), name


def test_another_packages_bound_is_named(program: Program, tmp_path: Path) -> None:
    project = make_project(tmp_path / "app", ["boto3==1.28.0", "botocore", "urllib3"])
    uv("lock", cwd=project)

    rows = as_rows(program.run("deps.outdated", "--json", cwd=project))

    assert [held.partition(" (")[0] for held in rows["botocore"]["held_by"]] == ["boto3 1.28.0"]
    assert any(held.startswith("botocore 1.31") and "<1.27" in held for held in rows["urllib3"]["held_by"])


@pytest.mark.parametrize(
    ("arguments", "names"),
    [
        pytest.param(["--group", "project"], {"anyio", "idna", "werkzeug", "flask", "six"}, marks=pytest.mark.long),
        (["--group", "dev", "--group", "extra: docs"], {"iniconfig", "humanize"}),
        (["--kind", "major", "--group", "project"], {"anyio", "idna", "werkzeug", "flask"}),
        pytest.param(["--kind", "patch"], set(), marks=pytest.mark.long),
        (["idna", "Flask"], {"idna", "flask"}),
        (["--all", "markupsafe"], {"markupsafe"}),
    ],
)
def test_filters(program: Program, old: Path, arguments: list[str], names: set[str]) -> None:
    assert as_rows(program.run("deps.outdated", "--json", *arguments, cwd=old)).keys() == names


@pytest.mark.parametrize(
    ("arguments", "code"),
    [(["--exit-code"], 1), pytest.param([], 0, marks=pytest.mark.long), (["--exit-code", "--kind", "patch"], 0)],
)
def test_the_exit_code(program: Program, old: Path, arguments: list[str], code: int) -> None:
    assert program.run("deps.outdated", *arguments, cwd=old).code == code


@pytest.mark.parametrize(
    ("arguments", "what", "fix"),
    [
        (["flaks"], "flaks is no dependency here (did you mean flask?)", "--all"),
        (["--kind", "huge"], "'huge' is no kind of step", "major, minor, patch, pre"),
        (["--group", "lnt"], "there is no group 'lnt' (did you mean lint?)", "choose from project"),
        (["--cooldown", "soon"], "'soon' is no cooldown", "7 days"),
    ],
)
def test_what_is_typed_wrong(program: Program, old: Path, arguments: list[str], what: str, fix: str) -> None:
    ran = program.run("deps.outdated", *arguments, cwd=old)

    assert (ran.code, ran.out) == (2, "")
    assert f"error: {what}" in ran.err
    assert fix in ran.err


@pytest.mark.parametrize("bound", [">=3.13", ">=3.9,<3.11", ">=3.12,<3.14"])
def test_no_interpreter_of_the_project_is_needed(program: Program, tmp_path: Path, bound: str) -> None:
    project = make_project(tmp_path / "app", ["numpy<2.3", "pandas<2.3", "idna==2.8"])
    manifest = project / "pyproject.toml"
    manifest.write_text(manifest.read_text().replace(">=3.11", bound))
    # A uv that may look for interpreters and finds one: what it resolves is what is to be wanted.
    version = {">=3.13": "3.13", ">=3.9,<3.11": "3.10", ">=3.12,<3.14": "3.12"}[bound]
    python = shutil.which(f"python{version}")
    real = next(iter(sorted(Path.home().glob(f".pyenv/versions/{version}.*/bin/python"))), python)
    if real is None:
        pytest.skip(f"no Python {version} to compare with")
    uv("lock", "--python", str(real), "--exclude-newer", "2024-12-01", cwd=project)
    uv("lock", "--python", str(real), cwd=project)
    expected = upgraded(project, tmp_path / "copy", "--python", str(real))
    # Only the tests' own Python is on PATH, and no other is looked for.
    path = os.pathsep.join([program.env["PATH"].split(os.pathsep)[0], str(Path(sys.executable).parent), "/usr/bin"])
    nowhere = {"PATH": path, "HOME": str(tmp_path), "UV_PYTHON_INSTALL_DIR": str(tmp_path / "none")}
    cache = subprocess.run(["uv", "cache", "dir"], capture_output=True, text=True, check=True).stdout.strip()

    rows = as_rows(program.run("deps.outdated", "--json", "--all", cwd=project, env={**nowhere, "UV_CACHE_DIR": cache}))

    assert {name: row["wanted"] for name, row in rows.items()} == {name: expected.get(name, "") for name in rows}
    assert len(rows) > 5


def test_several_projects_in_one_table(program: Program, tmp_path: Path) -> None:
    repo = tmp_path / "repo"
    (repo / ".git").mkdir(parents=True)
    make_project(repo / "apps" / "one", ["idna==2.8"])
    make_project(repo / "apps" / "two", ["idna==2.9", "six"])
    for name in ("one", "two"):
        uv("lock", cwd=repo / "apps" / name)
    before = hashes(repo)

    ran = program.run("deps.outdated", cwd=repo)

    assert [(row["project"], row["package"], row["locked"]) for row in table(ran)] == [
        ("apps/one", "idna", "2.8"),
        ("apps/two", "idna", "2.9"),
    ]
    assert "2 of 3 packages have a newer release" in ran.err
    assert hashes(repo) == before
    inside = as_rows(program.run("deps.outdated", "--json", cwd=repo / "apps" / "two"))
    assert {name: row["project"] for name, row in inside.items()} == {"idna": "", "six": ""}


def test_a_workspace_is_one_table(program: Program, tmp_path: Path) -> None:
    extra = '[tool.uv.workspace]\nmembers = ["lib"]\n[tool.uv.sources]\nlib = { workspace = true }\n'
    root = make_project(tmp_path / "app", ["idna<3", "lib"], extra)
    lib = make_project(root / "lib", ["idna==2.8", "six==1.15.0"])
    (lib / "pyproject.toml").write_text((lib / "pyproject.toml").read_text().replace('"app"', '"lib"'))
    uv("lock", cwd=root)

    ran = program.run("deps.outdated", cwd=lib)

    assert [(row["project"], row["package"], row["specifier"]) for row in table(ran)] == [
        ("app", "idna", "<3"),
        ("lib", "idna", "==2.8"),
        ("lib", "six", "==1.15.0"),
    ]
    assert "app <3; lib ==2.8" in ran.out


def test_everything_that_an_index_does(program: Program, tmp_path: Path, index: Index) -> None:
    index.add("fine", "1.0")
    index.add("held", "1.0", Release("2.0", days=3))
    index.add("onlypre", "1.0rc1", "1.0rc2")
    index.add("pulled", "1.0", "1.1")
    index.add("deleted", "1.0", "1.1")
    index.add("vanished", "1.0")
    index.add("closed", "1.0")
    index.add("snake", "1.0", Release("2.0", python=">=3.13"))
    project = make_project(
        tmp_path / "app",
        ["fine", "held==1.0", "onlypre==1.0rc1", "pulled", "deleted", "vanished", "closed", "snake"],
        index.table,
    )
    uv("lock", cwd=project)
    index.add("pulled", "1.0", Release("1.1", yanked=True))
    index.add("deleted", "1.0")
    del index.packages["vanished"]
    index.packages["closed"] = 403
    before = hashes(project)

    ran = program.run("deps.outdated", "--json", "--all", cwd=project, env=ONCE)

    rows = as_rows(ran)
    assert (rows["fine"]["behind"], rows["fine"]["note"]) == (False, "")
    assert (rows["held"]["latest"], rows["held"]["age"], rows["held"]["held_by"][0]) == ("2.0", 3, "own ==1.0")
    assert (rows["onlypre"]["latest"], rows["onlypre"]["kind"]) == ("1.0rc2", "pre")
    assert rows["pulled"]["note"] == "the locked release is yanked"
    assert rows["deleted"]["note"] == "the locked release is gone"
    assert "vanished was not found" in rows["vanished"]["note"]
    assert rows["closed"]["note"].startswith("no answer: ")
    # No Python that the project leaves out keeps the newest from those that it allows.
    assert (rows["snake"]["latest"], rows["snake"]["held_by"]) == ("2.0", [])
    assert hashes(project) == before
    shown = program.run("deps.outdated", cwd=project, env=ONCE)
    assert "uv cannot resolve app anew" in shown.err
    assert "Traceback" not in shown.err


@pytest.mark.parametrize("status", [403, *(pytest.param(status, marks=pytest.mark.long) for status in (401, 404))])
def test_an_index_that_refuses_everything(program: Program, tmp_path: Path, index: Index, status: int) -> None:
    index.add("fine", "1.0", "1.1")
    project = make_project(tmp_path / "app", ["fine==1.0"], index.table)
    uv("lock", cwd=project)
    index.packages["fine"] = status

    ran = program.run("deps.outdated", cwd=project, env=ONCE)

    assert "Traceback" not in ran.err
    (row,) = table(ran)
    assert (row["package"], row["locked"]) == ("fine", "1.0")
    assert "no answer" in ran.out
    assert "0 of 1 package has a newer release; 1 could not be looked up\n" in ran.err
    # Whether it is up to date is not known.
    assert program.run("deps.outdated", "--exit-code", cwd=project, env=ONCE).code == 2
    upgraded = program.run("deps.upgrade", cwd=project, env=ONCE)
    assert "nothing else to upgrade\n" in upgraded.err
    assert "nothing to upgrade\n" not in upgraded.err


def test_a_private_index_that_lets_in(program: Program, tmp_path: Path, index: Index) -> None:
    index.add("mine", "1.0", "1.1")
    explicit = (
        index.table.replace("default = true", "explicit = true") + '[tool.uv.sources]\nmine = { index = "local" }\n'
    )
    project = make_project(tmp_path / "app", ["mine==1.0", "six"], explicit)
    uv("lock", cwd=project)
    index.password = "correct-horse"
    env = {**ONCE, "UV_INDEX_LOCAL_USERNAME": "somebody", "UV_INDEX_LOCAL_PASSWORD": index.password}

    inside = as_rows(program.run("deps.outdated", "--json", cwd=project, env=env))
    outside = as_rows(program.run("deps.outdated", "--json", cwd=project, env=ONCE))

    assert (inside["mine"]["latest"], inside["mine"]["behind"]) == ("1.1", True)
    assert outside["mine"]["note"].startswith("no answer: ")
    assert outside["six"]["note"] == ""


@pytest.mark.parametrize("broken", ["500", "closed-port"])
def test_an_index_that_does_not_work(program: Program, tmp_path: Path, index: Index, broken: str) -> None:
    index.add("fine", "1.0")
    project = make_project(tmp_path / "app", ["fine==1.0"], index.table)
    uv("lock", cwd=project)
    index.packages["fine"] = 500
    if broken == "closed-port":
        manifest = project / "pyproject.toml"
        manifest.write_text(manifest.read_text().replace(str(index.port), "9"))
    before = hashes(project)

    ran = program.run("deps.outdated", cwd=project, env={**ONCE, "UV_CACHE_DIR": str(tmp_path / "cache")})

    assert (ran.code, ran.out) == (2, "")
    assert "error: uv could not ask for releases" in ran.err
    assert "Traceback" not in ran.err
    assert hashes(project) == before


def test_what_is_no_release_of_an_index(program: Program, tmp_path: Path) -> None:
    lib = make_project(tmp_path / "lib")
    (lib / "pyproject.toml").write_text('[project]\nname = "lib"\nversion = "0.3"\n')
    repo = make_project(tmp_path / "from-git")
    (repo / "pyproject.toml").write_text('[project]\nname = "from-git"\nversion = "0.4"\n')
    for args in (["init", "-q"], ["add", "."], ["-c", "user.name=x", "-c", "user.email=x@x", "commit", "-qm", "x"]):
        subprocess.run(["git", *args], cwd=repo, check=True, capture_output=True)
    sources = f'[tool.uv.sources]\nlib = {{ path = "../lib" }}\nfrom-git = {{ git = "{repo.as_uri()}" }}\n'
    project = make_project(
        tmp_path / "app", ["lib", "from-git", "idna==2.8", "tomli; python_version < '3.11'"], sources
    )
    uv("lock", cwd=project)

    ran = program.run("deps.outdated", "--json", cwd=project)
    rows = as_rows(ran)

    assert {name: row["note"] for name, row in rows.items()} == {
        "lib": "from directory: not compared",
        "from-git": "from git: not compared",
        "idna": "",
    }
    assert rows["idna"]["behind"] is True


@pytest.mark.parametrize(
    "arguments", ["deps.outdated", "deps.upgrade", "deps.upgrade --lock-only", "deps.lock", "deps.check"]
)
def test_a_line_that_is_no_requirement_is_named(program: Program, tmp_path: Path, arguments: str) -> None:
    project = make_project(tmp_path / "app", ["idna==2.8"])
    uv("lock", cwd=project)
    make_project(project, ["idna==2.8"], '[dependency-groups]\ndev = [\n    "six>>1",  # new\n]\n')
    before = hashes(project)

    ran = program.run(*arguments.split(), cwd=project)

    assert ran.code == 1
    assert ran.out == ""
    assert "\nerror: 'six>>1' is no requirement: " in "\n" + ran.err
    assert f"\n   at: {project}/pyproject.toml:8 [dependency-groups.dev]\n" in ran.err
    assert "have a newer release" not in ran.err
    assert "✔" not in ran.err.replace("✔ look for releases", "")
    assert hashes(project) == before


def test_dynamic_dependencies_come_from_the_lock(program: Program, tmp_path: Path) -> None:
    project = tmp_path / "app"
    project.mkdir()
    (project / "pyproject.toml").write_text(
        '[build-system]\nrequires = ["setuptools"]\nbuild-backend = "setuptools.build_meta"\n'
        '[project]\nname = "app"\nversion = "0"\nrequires-python = ">=3.11"\ndynamic = ["dependencies"]\n'
        '[tool.setuptools]\npy-modules = []\n[tool.setuptools.dynamic]\ndependencies = { file = ["wanted.txt"] }\n'
    )
    (project / "wanted.txt").write_text("idna==2.8\n")
    uv("lock", cwd=project)
    before = hashes(project)

    ran = program.run("deps.outdated", cwd=project)

    (row,) = table(ran)
    assert (row["package"], row["specifier"], row["locked"], row["step"]) == ("idna", "dynamic", "2.8", "major")
    assert "the dependencies of app are dynamic" in ran.err
    assert hashes(project) == before


def test_a_cooldown_is_told_and_holds(program: Program, tmp_path: Path, index: Index) -> None:
    index.add("young", "1.0", Release("1.1", days=30), Release("1.2", days=2))
    project = make_project(tmp_path / "app", ["young>=1"], index.table)
    uv("lock", "--upgrade-package", "young==1.0", cwd=project)
    assert locked(project)["young"] == "1.0"

    plain = as_rows(program.run("deps.outdated", "--json", cwd=project))["young"]
    option = as_rows(program.run("deps.outdated", "--json", "--cooldown", "7 days", cwd=project))["young"]
    setting = as_rows(program.run("deps.outdated", "--json", cwd=project, env={"UVDOCK_COOLDOWN": "1 week"}))["young"]

    assert (plain["wanted"], plain["latest"], plain["held_by"]) == ("1.2", "1.2", [])
    assert (option["wanted"], option["latest"], option["held_by"]) == ("1.1", "1.2", ["cooldown"])
    assert setting == option


def test_prereleases_count_when_asked_for(program: Program, tmp_path: Path, index: Index) -> None:
    index.add("early", "1.0", "2.0rc1")
    project = make_project(tmp_path / "app", ["early>=1"], index.table)
    uv("lock", cwd=project)

    assert as_rows(program.run("deps.outdated", "--json", cwd=project))["early"]["behind"] is False
    early = as_rows(program.run("deps.outdated", "--json", "--pre", cwd=project))["early"]
    assert (early["wanted"], early["latest"], early["kind"]) == ("2.0rc1", "2.0rc1", "pre")


@pytest.fixture(scope="session")
def old_uv(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Folders with older versions of uv."""
    found = {}
    for version in ("0.6.17", "0.8.17"):
        folder = tmp_path_factory.mktemp("uv")
        uv("pip", "install", "--quiet", "--target", str(folder), f"uv=={version}", cwd=folder)
        found[version] = folder / "bin"
    return found


@pytest.mark.parametrize("version", ["0.6.17", pytest.param("0.8.17", marks=pytest.mark.long)])
def test_older_versions_of_uv(
    program: Program, old: Path, tmp_path: Path, old_uv: dict[str, Path], version: str
) -> None:
    project = tmp_path / "app"
    shutil.copytree(old, project)
    env = {"PATH": os.pathsep.join([str(old_uv[version]), program.env["PATH"]])}
    done = subprocess.run(["uv", "lock"], cwd=project, env={**program.env, **env}, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr
    before = hashes(project)

    rows = as_rows(program.run("deps.outdated", "--json", "--all", cwd=project, env=env))

    newest = as_rows(program.run("deps.outdated", "--json", "--all", cwd=old))
    assert hashes(project) == before
    for key in ("locked", "wanted", "latest", "kind", "held_by", "note"):
        assert {name: row[key] for name, row in rows.items()} == {name: row[key] for name, row in newest.items()}, key
    upgraded = program.run("deps.upgrade", cwd=project, env=env)
    assert upgraded.code == 0, upgraded.err
    left = as_rows(program.run("deps.outdated", "--json", cwd=project, env=env))
    assert {name for name, row in left.items() if row["behind"]} == set()
    fresh = subprocess.run(
        ["uv", "lock", "--check"], cwd=project, env={**program.env, **env}, capture_output=True, check=False
    )
    assert fresh.returncode == 0, fresh.stderr
