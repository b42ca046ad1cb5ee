"""deps.upgrade with a real uv: what it writes, what it leaves, and that nothing is half done."""

from __future__ import annotations

import json
import os
import pty
import re
import select
import shutil
import signal
import subprocess
import threading
import time
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.test_outdated import ONCE, as_rows, locked, upgraded
from tests.conftest import BIN, Program, Ran, clean_environment, few, hashes, make_project, uv
from tests.index import Index, Release, served

pytestmark = pytest.mark.slow

MANIFEST = """\
# The app.
[project]
name = "app"
version = "0.1.0"
requires-python = ">=3.11"
dependencies = [
    "anyio==3.6.2",  # the last with sniffio
    'idna>=2.8,<3',
    "flask[async] ~= 2.2.0 ; python_version >= '3.8'", "six",

    # an old friend
    "Werkzeug ==2.*",
]

[project.optional-dependencies]
docs = ["humanize==4.0.0"]   # docs

[dependency-groups]
dev = ["iniconfig == 1.1.0", {include-group = "lint"}]
lint = [ "click>=8.0,<8.1,!=8.0.2" ]

[tool.uv]
constraint-dependencies = ["sniffio==1.2.0"]
"""
#: Small pure packages, each with a version that is not its newest.
SIXTY = """
    absl-py==1.0.0 aiofiles==0.8.0 appdirs==1.4.3 asgiref==3.5.0 attrs==21.4.0 babel==2.9.1 backoff==1.11.1
    blinker==1.4 cachetools==4.2.4 certifi==2021.10.8 chardet==4.0.0 charset-normalizer==2.0.12 click==8.0.4
    cloudpickle==2.0.0 colorama==0.4.4 decorator==5.1.0 defusedxml==0.6.0 deprecated==1.2.13 distlib==0.3.4
    dnspython==2.1.0 docutils==0.17.1 et-xmlfile==1.0.1 filelock==3.6.0 fsspec==2022.3.0 future==0.18.2
    h11==0.12.0 humanize==4.0.0 hyperlink==20.0.1 idna==2.8 imagesize==1.3.0 importlib-metadata==4.11.0
    iniconfig==1.1.0 invoke==1.7.0 isodate==0.6.1 itsdangerous==2.0.1 jinja2==3.0.3 jmespath==0.10.0
    joblib==1.1.0 mako==1.1.6 markdown==3.3.6 more-itertools==8.12.0 mpmath==1.2.1 networkx==2.7
    oauthlib==3.1.1 packaging==21.3 pathspec==0.9.0 pluggy==0.13.1 ply==3.10 pyasn1==0.4.7 pycparser==2.20
    pygments==2.11.2 pyparsing==3.0.7 python-dotenv==0.19.2 pytz==2021.3 requests==2.27.1 six==1.15.0
    sortedcontainers==2.3.0 soupsieve==2.3.1 tabulate==0.8.9 toml==0.10.1 tomlkit==0.9.2 toolz==0.11.2
    tqdm==4.62.3 typing-extensions==4.0.1
""".split()  # noqa: SIM905 - a list of them would be a page long


@pytest.fixture
def index() -> Iterator[Index]:
    with served() as found:
        yield found


@pytest.fixture(scope="module")
def locked_once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A locked project with every kind of requirement; no test writes there."""
    folder = tmp_path_factory.mktemp("locked")
    (folder / "pyproject.toml").write_text(MANIFEST)
    uv("lock", cwd=folder)
    return folder


@pytest.fixture
def project(locked_once: Path, tmp_path: Path) -> Path:
    """A copy of it."""
    return Path(shutil.copytree(locked_once, tmp_path / "app"))


def lines(project: Path) -> dict[str, list[str]]:
    """The requirements of `project.dependencies` and of each extra and group."""
    data = tomllib.loads((project / "pyproject.toml").read_text())
    return {
        "project": data["project"]["dependencies"],
        **data["project"].get("optional-dependencies", {}),
        **data.get("dependency-groups", {}),
        "constraint": data.get("tool", {}).get("uv", {}).get("constraint-dependencies", []),
    }


def sound(program: Program, project: Path) -> None:
    """What is written belongs together, for a uv that knows nothing of uvdock."""
    done = subprocess.run(["uv", "lock", "--check"], cwd=project, env=program.env, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr
    assert b"exclude-newer" not in (project / "uv.lock").read_bytes()


def fine(ran: Ran, code: int = 0) -> Ran:
    assert ran.code == code, ran.err
    assert "Traceback" not in ran.err + ran.out
    return ran


def behind(program: Program, project: Path, *args: str) -> set[str]:
    rows = as_rows(program.run("deps.outdated", "--json", *args, cwd=project))
    return {name for name, row in rows.items() if row["behind"]}


@pytest.mark.parametrize("typed", [["--minor", "six"], ["six", "--minor"]], ids=["after-an-option", "before-it"])
def test_a_package_that_is_a_command_too_is_a_package(program: Program, tmp_path: Path, typed: list[str]) -> None:
    """Every package was raised, and the command of that name ran."""
    extra = '[tool.uvdock.commands]\nsix = "touch ran"\n'
    folder = make_project(tmp_path / "app", ["six==1.15.0", "idna==2.8"], extra)
    uv("lock", cwd=folder)

    fine(program.run("deps.upgrade", *typed, cwd=folder))

    six, idna = lines(folder)["project"]
    assert (six != "six==1.15.0", idna) == (True, "idna==2.8")
    assert not (folder / "ran").exists()


def test_everything_is_raised_in_its_own_style(program: Program, project: Path) -> None:
    newest = {name: row["latest"] for name, row in as_rows(program.run("deps.outdated", "--json", cwd=project)).items()}

    ran = fine(program.run("deps.upgrade", cwd=project))

    assert ran.out == ""
    text = (project / "pyproject.toml").read_text()
    # Nothing but version texts differs.
    strip = re.compile(r"(?<=[=<>])( ?)[0-9][0-9.]*")
    assert strip.sub(r"\1V", text) == strip.sub(r"\1V", MANIFEST)
    found = lines(project)
    assert found["project"][0] == f"anyio=={newest['anyio']}"
    assert re.fullmatch(r"idna>=3\.\d+,<4", found["project"][1])
    assert found["project"][2].startswith("flask[async] ~= 3.")
    assert found["project"][3] == "six"
    assert found["project"][4] == f"Werkzeug =={newest['werkzeug'].partition('.')[0]}.*"
    assert found["docs"] == [f"humanize=={newest['humanize']}"]
    assert found["dev"][0] == f"iniconfig == {newest['iniconfig']}"
    assert re.fullmatch(r"click>=8\.\d+,<8\.\d+,!=8\.0\.2", found["lint"][0])
    after = locked(project)
    assert {name: after[name] for name in newest if name in after} == {n: v for n, v in newest.items() if n in after}
    assert behind(program, project) == set()
    sound(program, project)
    for shown in ("~ idna 2.", "anyio      project", "==3.6.2", "written to: host (pyproject.toml, uv.lock)"):
        assert shown in ran.err
    assert ran.err.index("~ idna") < ran.err.index("written to")
    before = hashes(project)
    assert "nothing to upgrade" in fine(program.run("deps.upgrade", cwd=project)).err
    assert hashes(project) == before


@pytest.mark.parametrize("option", few(["--patch", "--minor", "--major"], ["--patch", "--minor"]))
def test_a_limit_is_kept_and_reached(program: Program, project: Path, option: str) -> None:
    before = locked(project)

    fine(program.run("deps.upgrade", option, "--exclude", "flask", "--exclude", "werkzeug", cwd=project))

    sound(program, project)
    after = locked(project)
    parts = {"--patch": 2, "--minor": 1, "--major": 0}[option]
    for name in ("anyio", "idna", "humanize", "iniconfig"):
        assert after[name].split(".")[:parts] == before[name].split(".")[:parts], name
    moved = {name for name in ("anyio", "idna", "humanize", "iniconfig") if after[name] != before[name]}
    assert (
        moved
        == {
            "--patch": {"iniconfig"},
            "--minor": {"anyio", "humanize", "iniconfig"},
            "--major": {"anyio", "idna", "humanize", "iniconfig"},
        }[option]
    )
    # Nothing more of that kind is to be had.
    again = fine(
        program.run("deps.upgrade", option, "--exclude", "flask", "--exclude", "werkzeug", "--json", cwd=project)
    )
    assert json.loads(again.out)["packages"] == []


@pytest.mark.parametrize(
    ("arguments", "changed"),
    [
        pytest.param(["idna"], {"idna"}, marks=pytest.mark.long),
        (["Humanize", "iniconfig"], {"humanize", "iniconfig"}),
        pytest.param(["--group", "extra: docs"], {"humanize"}, marks=pytest.mark.long),
        (["--group", "dev", "--group", "lint", "--exclude", "click"], {"iniconfig"}),
        (["--group", "constraint"], {"sniffio"}),
    ],
)
def test_only_what_is_meant_changes(program: Program, project: Path, arguments: list[str], changed: set[str]) -> None:
    before, text = locked(project), (project / "pyproject.toml").read_text()

    fine(program.run("deps.upgrade", *arguments, cwd=project))

    after = locked(project)
    assert {name for name in before if before[name] != after.get(name)} == changed
    old, new = text.splitlines(), (project / "pyproject.toml").read_text().splitlines()
    assert len([1 for a, b in zip(old, new, strict=True) if a != b]) == len(changed)
    sound(program, project)


def test_the_lock_alone(program: Program, tmp_path: Path) -> None:
    project = make_project(tmp_path / "app", ["idna>=2.5,<3", "six>=1.10", "humanize==4.0.0"])
    start = ["--upgrade-package", "idna==2.6", "--upgrade-package", "six==1.11"]
    subprocess.run(["uv", "lock", *start], cwd=project, env=clean_environment(), capture_output=True, check=True)
    text = (project / "pyproject.toml").read_bytes()
    expected = upgraded(project, tmp_path / "copy")

    dry = fine(program.run("deps.upgrade", "--lock-only", "--dry-run", "--json", cwd=project))
    fine(program.run("deps.upgrade", "--lock-only", cwd=project))

    assert {item["name"]: item["target"] for item in json.loads(dry.out)["packages"]} == {
        "idna": "2.10",
        "six": expected["six"],
    }
    assert locked(project) == expected
    assert (project / "pyproject.toml").read_bytes() == text
    sound(program, project)


@pytest.mark.parametrize("arguments", [["--dry-run"], ["--dry-run", "--json"], ["--dry-run", "--minor", "idna"]])
def test_a_dry_run_writes_nothing(program: Program, project: Path, arguments: list[str]) -> None:
    before = hashes(project)

    ran = fine(program.run("deps.upgrade", *arguments, cwd=project))

    assert hashes(project) == before
    assert "nothing was written" in ran.err or "nothing to upgrade" in ran.err
    if "--json" in arguments:
        data = json.loads(ran.out)
        assert data.keys() == {"schema", "packages", "left"}
        (idna,) = [item for item in data["packages"] if item["name"] == "idna"]
        assert idna.keys() == {"project", "name", "groups", "locked", "target", "kind", "edits"}
        assert idna["edits"][0] | {"new": ""} == {"file": "pyproject.toml", "old": "idna>=2.8,<3", "new": ""}
    else:
        assert ran.out == ""


def test_the_largest_set_is_kept_and_the_conflict_told(program: Program, tmp_path: Path) -> None:
    project = make_project(
        tmp_path / "app", ["boto3==1.28.0", "botocore==1.31.0", "idna==2.8", "six==1.15.0", "urllib3<1.27"]
    )
    uv("lock", cwd=project)

    ran = program.run("deps.upgrade", "--exclude", "boto3", "--json", cwd=project)

    assert ran.code == 1
    data = json.loads(ran.out)
    assert {item["name"] for item in data["packages"]} == {"idna", "six"}
    left = {item["name"]: item["why"] for item in data["left"]}
    assert left.keys() == {"botocore", "urllib3"}
    assert "boto3==1.28.0" in left["botocore"]
    assert "botocore==1.31.0" in left["urllib3"]
    assert "note: botocore stays, for uv says:\n" in ran.err
    assert [line.partition("==")[0] for line in lines(project)["project"]] == [
        "boto3",
        "botocore",
        "idna",
        "six",
        "urllib3<1.27",
    ]
    assert lines(project)["project"][:2] == ["boto3==1.28.0", "botocore==1.31.0"]
    sound(program, project)
    # Together they can go.
    fine(program.run("deps.upgrade", cwd=project))
    assert behind(program, project) <= {"urllib3"}


def test_sixty_direct_dependencies(program: Program, tmp_path: Path) -> None:
    assert len(SIXTY) > 60
    project = make_project(tmp_path / "app", SIXTY)
    uv("lock", cwd=project)
    text = (project / "pyproject.toml").read_text()
    rows = as_rows(program.run("deps.outdated", "--json", cwd=project))
    assert {name for name, row in rows.items() if row["behind"]} >= {"idna", "six", "requests"}
    assert len([row for row in rows.values() if row["behind"]]) >= 60

    fine(program.run("deps.upgrade", cwd=project))

    # Some have releases that no Python 3.11 can have: those are shown, with the reason.
    rest = as_rows(program.run("deps.outdated", "--json", cwd=project))
    assert {
        name for name, row in rest.items() if row["behind"] and "requires-python >=3.11" not in row["held_by"]
    } == set()
    assert {row["wanted"] == row["locked"] for row in rest.values()} == {True}
    assert re.sub(r"==[^\"]+", "==V", (project / "pyproject.toml").read_text()) == re.sub(r"==[^\"]+", "==V", text)
    sound(program, project)


def test_a_cooldown_leaves_the_young_and_the_lock_clean(program: Program, tmp_path: Path, index: Index) -> None:
    index.add("direct", "1.0", Release("1.1", ["below>=1"], days=30), Release("2.0", ["below>=2"], days=2))
    index.add("below", "1.0", Release("1.5", days=20), Release("2.0", days=1))
    index.add("other", "1.0", Release("1.4", days=20), Release("1.5", days=3))
    index.add("fresh", "1.0", Release("1.1", days=1))
    project = make_project(tmp_path / "app", ["direct==1.0", "other>=1,<2", "fresh"], index.table)
    start = ["--upgrade-package", "other==1.0"]
    subprocess.run(["uv", "lock", *start], cwd=project, env=program.env, capture_output=True, check=True)
    assert locked(project) == {"app": "0.1.0", "direct": "1.0", "other": "1.0", "fresh": "1.1"}

    ran = fine(program.run("deps.upgrade", "--cooldown", "7 days", "direct", cwd=project))

    # What nobody named stays, and what is younger already is not taken back.
    assert locked(project) == {"app": "0.1.0", "direct": "1.1", "below": "1.5", "other": "1.0", "fresh": "1.1"}
    assert lines(project)["project"] == ["direct==1.1", "other>=1,<2", "fresh"]
    assert "direct 2.0 is held back: it is younger than the cooldown" in ran.err
    sound(program, project)
    rest = fine(program.run("deps.upgrade", cwd=project, env={"UVDOCK_COOLDOWN": "7 days"}))
    assert locked(project)["other"] == "1.4"
    assert "other 1.5 is held back" in rest.err
    sound(program, project)
    fine(program.run("deps.upgrade", cwd=project))
    assert locked(project) | {"app": ""} == {"app": "", "direct": "2.0", "below": "2.0", "other": "1.5", "fresh": "1.1"}


def test_prereleases_only_when_asked_for(program: Program, tmp_path: Path, index: Index) -> None:
    index.add("early", "1.0", "1.1", "2.0rc1")
    project = make_project(tmp_path / "app", ["early>=1.0,<2"], index.table)
    start = ["--upgrade-package", "early==1.0"]
    subprocess.run(["uv", "lock", *start], cwd=project, env=program.env, capture_output=True, check=True)

    fine(program.run("deps.upgrade", cwd=project))
    assert (locked(project)["early"], lines(project)["project"]) == ("1.1", ["early>=1.1,<2"])
    fine(program.run("deps.upgrade", "--pre", cwd=project))
    assert (locked(project)["early"], lines(project)["project"]) == ("2.0rc1", ["early>=2.0rc1,<3"])
    sound(program, project)


@pytest.fixture
def tested(program: Program, tmp_path: Path, index: Index) -> Path:
    """Five packages, each with a newer release, and what they import is their version."""
    names = ["one", "two", "three", "four", "five"]
    for name in names:
        index.add(name, "1.0", "2.0")
    project = make_project(tmp_path / "app", [f"{name}==1.0" for name in names], index.table)
    (project / "check.py").write_text(
        "import sys, one, three\nprint(three.__version__)\n"
        # What is compiled of one release would be run as another's.
        "assert sys.dont_write_bytecode\n"
        "sys.exit(5 if three.__version__ == '2.0' else 0)\n"
    )
    uv("lock", cwd=project)
    return project


def test_a_test_that_succeeds(program: Program, tested: Path) -> None:
    ran = fine(program.run("deps.upgrade", "--exclude", "three", "--test", "python check.py", "--json", cwd=tested))

    assert set(locked(tested).values()) == {"0.1.0", "1.0", "2.0"}
    assert {item["name"] for item in json.loads(ran.out)["packages"]} == {"one", "two", "four", "five"}
    sound(program, tested)


def test_a_test_that_fails_changes_nothing(program: Program, tested: Path) -> None:
    manifests = [tested / "pyproject.toml", tested / "uv.lock"]
    before = [path.read_bytes() for path in manifests]

    ran = fine(program.run("deps.upgrade", "--test", "python check.py", cwd=tested), 5)

    assert [path.read_bytes() for path in manifests] == before
    assert ran.out == ""
    assert "error: 'python check.py' left 5 with the upgrade, so nothing was changed" in ran.err
    assert "✘ python check.py (" in ran.err
    assert "✔ python check.py (" not in ran.err
    assert not (tested / ".venv").exists()
    assert program.run("uv", "sync", "--quiet", cwd=tested).code == 0
    version = program.run("cmd", "python", "-c", "import three; print(three.__version__)", cwd=tested)
    assert version.out == "1.0\n"


def test_a_test_that_cannot_be_started_changes_nothing(program: Program, tested: Path) -> None:
    before = [(tested / name).read_bytes() for name in ("pyproject.toml", "uv.lock")]

    ran = fine(program.run("deps.upgrade", "--test", "no-such-program", cwd=tested), 127)

    assert "error: no-such-program was not found" in ran.err
    assert [(tested / name).read_bytes() for name in ("pyproject.toml", "uv.lock")] == before


@pytest.mark.parametrize("bisect", [(), ("--bisect",)])
def test_while_tests_run_nothing_in_use_changes(program: Program, tested: Path, bisect: tuple[str, ...]) -> None:
    assert program.run("uv", "sync", cwd=tested).code == 0
    (tested / "check.py").write_text(
        "import hashlib, one, pathlib, sys, three\n"
        "names = [p for p in sorted(pathlib.Path().rglob('*')) if p.is_file() and p.name not in ('seen', 'check.py')]\n"
        "found = hashlib.sha256(b''.join(str(p).encode() + p.read_bytes() for p in names)).hexdigest()\n"
        "with open('seen', 'a') as file: print(one.__version__, found, sys.prefix, file=file)\n"
        "sys.exit(three.__version__ == '2.0')\n"
    )
    assert program.run("cmd", "python", "-B", "check.py", cwd=tested).code == 0
    before = hashes(tested)

    ran = fine(program.run("deps.upgrade", *bisect, "--test", "python -B check.py", cwd=tested), 1)

    (version, found, used), *tries = (line.split() for line in (tested / "seen").read_text().splitlines())
    assert version == "1.0"
    assert tries[0][0] == "2.0"
    assert {tried[1] for tried in tries} == {found}
    assert used not in {tried[2] for tried in tries}
    assert not any(Path(tried[2]).exists() for tried in tries)
    assert len(tries) > 2 if bisect else len(tries) == 1
    after = hashes(tested)
    assert bisect or {**after, "seen": ""} == {**before, "seen": ""}
    if bisect:
        (kept,) = [line for line in ran.err.splitlines() if line.startswith("kept: ")]
        assert set(kept.removeprefix("kept: ").split(", ")) == {"one", "two", "four", "five"}
        sound(program, tested)


def test_a_test_by_uv_run_has_the_new_packages_too(program: Program, tested: Path) -> None:
    test = "uv run python -c 'import one, sys; sys.exit(one.__version__ != \"2.0\")'"

    fine(program.run("deps.upgrade", "--test", test, cwd=tested))

    assert locked(tested)["one"] == "2.0"


def test_a_program_of_the_environment_in_use_would_test_nothing_new(program: Program, tested: Path) -> None:
    assert program.run("uv", "sync", cwd=tested).code == 0
    before = hashes(tested)

    ran = fine(program.run("deps.upgrade", "--test", ".venv/bin/python check.py", cwd=tested), 2)

    assert "error: .venv/bin/python is in the environment in use" in ran.err
    assert " next: name the program alone: python" in ran.err
    assert hashes(tested) == before


def test_a_project_that_is_a_package_is_tested_with_its_own_source(
    program: Program, tmp_path: Path, index: Index
) -> None:
    index.add("one", "1.0", "2.0")
    build = '[build-system]\nrequires = ["uv_build>=0.6"]\nbuild-backend = "uv_build"\n'
    members = '[tool.uv.workspace]\nmembers = ["libs/*"]\n[tool.uv.sources]\nlib = { workspace = true }\n'
    project = make_project(tmp_path / "app", ["one==1.0", "lib"], index.table + members + build)
    library = make_project(project / "libs" / "lib", [], build)
    (library / "pyproject.toml").write_text((library / "pyproject.toml").read_text().replace('"app"', '"lib"'))
    for folder, name in ((project, "app"), (library, "lib")):
        (folder / "src" / name).mkdir(parents=True)
        (folder / "src" / name / "__init__.py").write_text("import one\n")
    uv("lock", cwd=project)
    before = hashes(project)

    test = "python -c 'import app, lib; print(app.one.__version__, app.__file__); raise SystemExit(7)'"
    ran = fine(program.run("deps.upgrade", "--test", test, cwd=project), 7)

    assert "\n2.0 " in ran.err
    assert hashes(project) == before


def test_bisect_finds_who_breaks_it_and_keeps_the_others(program: Program, tested: Path) -> None:
    ran = fine(program.run("deps.upgrade", "--bisect", "--test", "python check.py", "--json", cwd=tested), 1)

    assert ran.out, ran.err
    data = json.loads(ran.out)
    assert {item["name"] for item in data["packages"]} == {"one", "two", "four", "five"}
    assert data["left"] == [{"project": ".", "name": "three", "why": "it breaks python check.py"}]
    assert {name: version for name, version in locked(tested).items() if version == "1.0"} == {"three": "1.0"}
    assert "three==1.0" in lines(tested)["project"]
    sound(program, tested)
    version = program.run(
        "cmd", "python", "-c", "import three, two; print(three.__version__, two.__version__)", cwd=tested
    )
    assert version.out == "1.0 2.0\n"


@pytest.mark.parametrize("bad", few(["abad", "zbad", "left"], ["left"]))
def test_bisect_of_packages_that_must_go_together(program: Program, tmp_path: Path, index: Index, bad: str) -> None:
    index.add("left", Release("1.0", ["right==1.0"]), Release("2.0", ["right==2.0"]))
    for name in ("right", "abad", "zbad"):
        index.add(name, "1.0", "2.0")
    project = make_project(tmp_path / "app", ["abad==1.0", "left==1.0", "right==1.0", "zbad==1.0"], index.table)
    uv("lock", cwd=project)
    test = f"python -c \"import {bad}, sys; sys.exit({bad}.__version__ == '2.0')\""

    ran = fine(program.run("deps.upgrade", "--bisect", "--test", test, "--json", cwd=project), 1)

    data = json.loads(ran.out)
    # Whoever cannot go without the one that breaks it stays too, and uv says why.
    left = {bad, "right"} if bad == "left" else {bad}
    assert {item["name"] for item in data["left"]} == left
    assert {item["name"] for item in data["packages"]} == {"abad", "left", "right", "zbad"} - left
    assert {name for name, version in locked(project).items() if version == "1.0"} == left
    sound(program, project)


def test_a_test_that_never_worked_blames_nobody(program: Program, tested: Path) -> None:
    before = [(tested / name).read_bytes() for name in ("pyproject.toml", "uv.lock")]

    ran = fine(program.run("deps.upgrade", "--bisect", "--test", "python -c 'raise SystemExit(3)'", cwd=tested), 1)

    assert "fails without any upgrade too" in ran.err
    assert [(tested / name).read_bytes() for name in ("pyproject.toml", "uv.lock")] == before


def test_what_cannot_be_installed_changes_nothing(program: Program, tested: Path, index: Index) -> None:
    # Its metadata can be had, its wheel cannot.
    good = index.answer
    index.answer = lambda path: (404, "text/plain", b"") if path.endswith("two-2.0-py3-none-any.whl") else good(path)  # type: ignore[method-assign]
    before = [(tested / name).read_bytes() for name in ("pyproject.toml", "uv.lock")]

    ran = program.run("deps.upgrade", "--test", "python check.py", cwd=tested, env=ONCE)

    assert ran.code != 0
    assert "Traceback" not in ran.err
    assert [(tested / name).read_bytes() for name in ("pyproject.toml", "uv.lock")] == before


def test_an_index_that_fails_at_the_last_moment_is_no_refusal(program: Program, tested: Path, index: Index) -> None:
    good = index.answer
    asked: list[str] = []

    def counted(path: str) -> tuple[int, str, bytes]:
        asked.append(path)
        return good(path) if len(asked) <= last else (503, "text/plain", b"")

    index.answer, last = counted, 10_000  # type: ignore[method-assign]
    env = {**ONCE, "UV_NO_CACHE": "1"}
    fine(program.run("deps.upgrade", "--dry-run", cwd=tested, env=env))
    # Locking is the last thing that is done of a dry run.
    last = len(asked) - 1
    asked.clear()

    ran = program.run("deps.upgrade", "--dry-run", cwd=tested, env=env)

    assert ran.code == 2, ran.err
    assert "✘ lock (host)" in ran.err
    assert "error: the upgrades could not be locked: " in ran.err
    assert "503" in ran.err
    assert "refuses" not in ran.err


def test_a_dry_run_of_invoke_writes_nothing_either(program: Program, tested: Path) -> None:
    before = hashes(tested)
    ran = fine(program.run("--dry", "deps.upgrade", cwd=tested))
    assert "nothing was written: this was a dry run" in ran.err
    assert hashes(tested) == before


def test_a_file_that_changed_meanwhile_is_not_overwritten(program: Program, tested: Path, index: Index) -> None:
    good, manifest = index.answer, tested / "pyproject.toml"
    before = manifest.read_text()

    def answer(path: str) -> tuple[int, str, bytes]:
        # Whole, as editors write: the index answers several questions at once, and nobody may see half a file.
        edited = tested.parent / f"{threading.get_ident()}.toml"
        edited.write_text(before + "# mine\n")
        edited.replace(manifest)
        return good(path)

    lock = (tested / "uv.lock").read_bytes()
    index.answer = answer  # type: ignore[method-assign]
    ran = program.run("deps.upgrade", cwd=tested)

    fine(ran, 1)
    assert "pyproject.toml was changed meanwhile, so nothing was written" in ran.err
    assert manifest.read_text().endswith("# mine\n")
    assert "2.0" not in manifest.read_text()
    assert (tested / "uv.lock").read_bytes() == lock


@pytest.mark.parametrize(
    ("arguments", "what"),
    [
        (["flaks"], "flaks is no direct dependency (did you mean flask?)"),
        (["--exclude", "idn"], "idn is no direct dependency (did you mean idna?)"),
        (["--group", "lnt"], "there is no group 'lnt' (did you mean lint?)"),
        (["--patch", "--minor"], "--patch and --minor are given together"),
        (["--bisect"], "--bisect needs a test"),
        (["--interactive"], "--interactive needs a terminal"),
        (["--cooldown", "soon"], "'soon' is no cooldown"),
        (["--test", "pytest 'x"], "is no command: No closing quotation"),
        (["--test", "  "], "is no command"),
    ],
)
def test_what_is_typed_wrong(program: Program, project: Path, arguments: list[str], what: str) -> None:
    before = hashes(project)

    ran = fine(program.run("deps.upgrade", *arguments, cwd=project), 2)

    assert f"{what}" in next(line for line in ran.err.splitlines() if line.startswith("error: "))
    assert (ran.out, hashes(project)) == ("", before)


def test_without_a_lock(program: Program, tmp_path: Path) -> None:
    project = make_project(tmp_path / "app", ["six"])

    ran = fine(program.run("deps.upgrade", cwd=project), 1)

    assert "error: there is no uv.lock to upgrade" in ran.err
    assert not (project / "uv.lock").exists()


def test_what_cannot_be_raised_is_told_and_the_rest_raised(program: Program, tmp_path: Path, index: Index) -> None:
    lib = make_project(tmp_path / "lib")
    (lib / "pyproject.toml").write_text('[project]\nname = "lib"\nversion = "0.3"\n')
    index.add("fine", "1.0", "1.1")
    index.add("closed", "1.0", "1.1")
    index.add("skipped", "1.0", "1.1", "1.2")
    extra = f'{index.table}[tool.uv.sources]\nlib = {{ path = "../lib" }}\n'
    project = make_project(
        tmp_path / "app", ["lib", "fine==1.0", "closed==1.0", "skipped>=1.0,!=1.2", "none; os_name=='no-such'"], extra
    )
    index.add("none", "1.0")
    start = ["--upgrade-package", "skipped==1.0"]
    subprocess.run(["uv", "lock", *start], cwd=project, env=program.env, capture_output=True, check=True)

    ran = fine(program.run("deps.upgrade", "--exclude", "closed", cwd=project))

    assert "lib stays: no index serves it" in ran.err
    assert locked(project) | {"none": ""} == {
        "app": "0.1.0",
        "lib": "0.3",
        "fine": "1.1",
        "closed": "1.0",
        "skipped": "1.1",
        "none": "",
    }
    index.packages["closed"] = 403
    before = hashes(project)
    refused = program.run("deps.upgrade", cwd=project, env=ONCE)
    assert "closed stays: " in refused.err
    assert "Traceback" not in refused.err
    assert hashes(project) == before


@pytest.mark.parametrize("broken", ["500", "closed-port"])
def test_an_index_that_does_not_work(program: Program, tmp_path: Path, index: Index, broken: str) -> None:
    index.add("fine", "1.0", "1.1")
    project = make_project(tmp_path / "app", ["fine==1.0"], index.table)
    uv("lock", cwd=project)
    index.packages["fine"] = 500
    if broken == "closed-port":
        manifest = project / "pyproject.toml"
        manifest.write_text(manifest.read_text().replace(str(index.port), "9"))
    before = hashes(project)

    ran = fine(program.run("deps.upgrade", cwd=project, env={**ONCE, "UV_CACHE_DIR": str(tmp_path / "cache")}), 2)

    assert "error: uv could not ask for releases" in ran.err
    assert hashes(project) == before


def test_a_workspace_goes_together(program: Program, tmp_path: Path) -> None:
    extra = '[tool.uv.workspace]\nmembers = ["lib"]\n[tool.uv.sources]\nlib = { workspace = true }\n'
    root = make_project(tmp_path / "app", ["idna<3", "lib"], extra)
    lib = make_project(root / "lib", ["idna==2.8", "six==1.15.0"])
    (lib / "pyproject.toml").write_text((lib / "pyproject.toml").read_text().replace('"app"', '"lib"'))
    uv("lock", cwd=root)

    ran = fine(program.run("deps.upgrade", cwd=lib))

    assert lines(root)["project"] == ["idna<4", "lib"]
    assert lines(lib)["project"][0].startswith("idna==3.")
    assert "<3" in ran.err
    rows = [line.split()[:3] for line in ran.err.splitlines() if line.startswith(("package", "idna", "six"))]
    assert rows == [
        ["package", "project", "group"],
        ["idna", "app", "project"],
        ["idna", "lib", "project"],
        ["six", "lib", "project"],
    ]
    assert "lib stays" not in ran.err
    assert behind(program, root) == set()
    sound(program, root)


def test_two_projects_of_a_repo(program: Program, tmp_path: Path) -> None:
    repo = tmp_path / "repo"
    (repo / ".git").mkdir(parents=True)
    for name in ("one", "two"):
        project = make_project(repo / "apps" / name, ["idna==2.8"])
        uv("lock", cwd=project)

    inside = fine(program.run("deps.upgrade", "--json", cwd=repo / "apps" / "one"))
    rest = fine(program.run("deps.upgrade", "--json", cwd=repo))

    assert [item["project"] for item in json.loads(inside.out)["packages"]] == ["apps/one"]
    assert [item["project"] for item in json.loads(rest.out)["packages"]] == ["apps/two"]
    assert lines(repo / "apps" / "one") == lines(repo / "apps" / "two")


class Terminal:
    """The program in a terminal of its own."""

    def __init__(self, program: Program, cwd: Path, *args: str) -> None:
        self.seen = ""
        env = {**program.env, "TERM": "xterm", "COLUMNS": "120", "LINES": "40", "PROMPT_TOOLKIT_NO_CPR": "1"}
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            os.chdir(cwd)
            os.execve(str(BIN / "uvdock"), ["uvdock", *args], env)

    def until(self, text: str, seconds: float = 60) -> None:
        deadline = time.monotonic() + seconds
        while text not in self.seen:
            assert time.monotonic() < deadline, self.seen
            if not self._read():
                break
        assert text in self.seen, self.seen

    def send(self, keys: bytes) -> None:
        os.write(self.fd, keys)

    def code(self) -> int:
        while self._read():
            pass
        os.close(self.fd)
        return os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])

    def _read(self) -> bool:
        ready, _, _ = select.select([self.fd], [], [], 60)
        assert ready, self.seen
        try:
            part = os.read(self.fd, 2**16)
        except OSError:
            return False
        self.seen += part.decode("utf-8", "replace")
        return bool(part)


def test_choosing_at_a_terminal(program: Program, tested: Path) -> None:
    terminal = Terminal(program, tested, "deps.upgrade", "--interactive")
    terminal.until("What to upgrade")
    terminal.until("two")
    assert "space choose" in terminal.seen
    assert "── major" in terminal.seen
    # The first one alone: what may break is chosen by hand.
    terminal.send(b" ")
    terminal.send(b"\r")

    assert terminal.code() == 0, terminal.seen
    assert {name for name, version in locked(tested).items() if version == "2.0"} == {"one"}
    assert "chosen: one\r\n" in terminal.seen
    assert "done" not in terminal.seen
    sound(program, tested)


def test_nothing_major_is_chosen_beforehand(program: Program, tmp_path: Path, index: Index) -> None:
    for name, new in {"patch": "1.0.1", "minor": "1.1", "major": "2.0"}.items():
        index.add(name, "1.0", new)
    index.add("zero", "0.1.0", "0.2.0")
    index.add("nought", "0.1.0", "0.1.1")
    project = make_project(
        tmp_path / "app", ["patch==1.0", "minor==1.0", "major==1.0", "zero==0.1.0", "nought==0.1.0"], index.table
    )
    uv("lock", cwd=project)
    terminal = Terminal(program, project, "deps.upgrade", "--interactive")
    terminal.until("── major")
    terminal.until("zero")
    terminal.send(b"\r")

    assert terminal.code() == 0, terminal.seen
    raised = {name for name, version in locked(project).items() if version in ("1.0.1", "1.1", "2.0", "0.2.0", "0.1.1")}
    assert raised == {"patch", "minor", "nought"}


def test_choosing_nothing_writes_nothing_and_says_so(program: Program, tested: Path) -> None:
    before = hashes(tested)
    terminal = Terminal(program, tested, "deps.upgrade", "--interactive")
    terminal.until("── major")
    terminal.until("two")
    terminal.send(b"\r")

    assert terminal.code() == 0, terminal.seen
    assert "chosen: nothing\r\n" in terminal.seen
    assert "nothing to upgrade" not in terminal.seen
    assert hashes(tested) == before


@pytest.mark.parametrize("keys", [pytest.param(b"\x03", id="ctrl-c")])
def test_leaving_the_choice_writes_nothing(program: Program, tested: Path, keys: bytes) -> None:
    before = hashes(tested)
    terminal = Terminal(program, tested, "deps.upgrade", "--interactive")
    terminal.until("What to upgrade")
    terminal.until("five")
    terminal.send(keys)

    assert terminal.code() == 130, terminal.seen
    assert "Traceback" not in terminal.seen
    assert hashes(tested) == before


def test_stopped_while_the_test_runs_nothing_is_changed(program: Program, tested: Path) -> None:
    before = [(tested / name).read_bytes() for name in ("pyproject.toml", "uv.lock")]
    (tested / "wait.py").write_text("import pathlib, time\npathlib.Path('started').touch()\ntime.sleep(60)\n")
    process = program.start("deps.upgrade", "--test", "python wait.py", cwd=tested)
    deadline = time.monotonic() + 60
    while not (tested / "started").exists():
        assert time.monotonic() < deadline
        time.sleep(0.05)

    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=60)

    assert process.returncode == 130, err.decode()
    assert b"nothing was changed" in err
    assert b"src/uvdock" not in err
    assert [(tested / name).read_bytes() for name in ("pyproject.toml", "uv.lock")] == before
