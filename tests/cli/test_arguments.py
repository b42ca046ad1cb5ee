"""Every argument list reaches the program as it was typed, on each way from the command line to it.

Each list goes through real processes, because the ways it can be lost (a shell, a join, a parser) are between them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from tests.arguments import LISTS
from tests.conftest import Program, make_project

#: Its name is a plain word: what follows it is not uvdock's any more, with `--` before it or without.
SHOW = "show"
#: Bytes that are no UTF-8, as Python has them in its arguments.
NO_UTF8 = ["caf\udce9", "\udcff\udcfe"]


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project with a tasks.py, a program that prints its arguments, and a uv that notes its own."""
    folder = make_project(tmp_path_factory.mktemp("arguments"))
    (folder / "tasks.py").write_text("from uvdock import ns\n")
    programs = folder / "programs"
    programs.mkdir()
    for name, target in ((SHOW, ""), ("uv", '> "$SEEN"')):
        path = programs / name
        path.write_text(f'#!/bin/sh\nfor word in "$@"; do printf "%s\\0" "$word"; done {target}\n')
        path.chmod(0o755)
    return folder


@pytest.fixture
def on_path(program: Program, project: Path, tmp_path: Path) -> Program:
    """The program, with the project's own programs first on PATH."""
    env = {"PATH": f"{project / 'programs'}:{program.env['PATH']}", "SEEN": str(tmp_path / "seen")}
    return Program({**program.env, **env})


def _in_turn(ways: Sequence[tuple[str, list[str]]]) -> Iterator[object]:
    """Every list of arguments, each in one of the ways to type it; a third of them is not long."""
    for number, (label, arguments) in enumerate({**LISTS, "no-utf-8": NO_UTF8}.items()):
        name, before = ways[number % len(ways)]
        marks = [pytest.mark.long] if number // len(ways) % 3 else []
        yield pytest.param(name, before, arguments, id=f"{label} by {name} {' '.join(before)}", marks=marks)


@pytest.mark.parametrize(
    ("name", "before", "arguments"),
    [*_in_turn([("inv", ["cmd", "--", SHOW]), ("uvdock", ["cmd", "--", SHOW]), ("uvdock", ["cmd", SHOW])])],
)
@pytest.mark.slow
def test_cmd_hands_over_every_argument(
    on_path: Program, project: Path, *, name: str, before: list[str], arguments: list[str]
) -> None:
    ran = on_path.run(*before, *arguments, cwd=project, program=name)

    assert (ran.code, ran.err) == (0, "")
    assert _words(ran.stdout) == arguments


@pytest.mark.parametrize(
    ("name", "before", "arguments"), [*_in_turn([("inv", ["uv", "--", "add"]), ("uvdock", ["uv", "add"])])]
)
@pytest.mark.slow
def test_uv_gets_every_argument(
    on_path: Program, project: Path, *, name: str, before: list[str], arguments: list[str]
) -> None:
    ran = on_path.run(*before, *arguments, cwd=project, program=name)

    assert (ran.code, ran.out, ran.err) == (0, "", "")
    assert _words(Path(on_path.env["SEEN"]).read_bytes()) == ["add", *arguments]


@pytest.mark.parametrize(
    "arguments",
    [
        pytest.param(["--version"], id="version"),
        pytest.param(["--help"], id="help"),
        pytest.param(["-V"], id="short"),
        pytest.param(["--directory", "some where", "add", "six"], id="option-with-value"),
        pytest.param([], id="none"),
    ],
)
@pytest.mark.slow
def test_options_of_uv_need_no_separator(on_path: Program, project: Path, arguments: list[str]) -> None:
    ran = on_path.run("uv", *arguments, cwd=project)

    assert (ran.code, ran.err) == (0, "")
    assert _words(Path(on_path.env["SEEN"]).read_bytes()) == arguments


#: Words that are tasks here, or that a shell, Invoke or a join would change.
ODD = ["seen", "config", "foo[bar]>=1", "a b", "", "x\ny", "--", "--echo"]


@pytest.fixture
def with_tasks(project: Path) -> Path:
    """The project with tasks of its own: they note the words that they were handed, and that they ran."""
    (project / "tasks.py").write_text(
        "from pathlib import Path\nfrom uvdock import ns, passthrough\n"
        "ns.add_task(passthrough('touch ran', name='seen'))\n"
    )
    (project / "pyproject.toml").write_text(
        '[project]\nname = "app"\nversion = "1"\ndependencies = ["six"]\n'
        '[tool.uvdock.commands]\nshow = "show"\nsix = "touch ran"\nseen = "touch ran"\n'
    )
    return project


@pytest.mark.parametrize("separated", [True, False], ids=["separator", "no-separator"])
def test_an_own_command_gets_every_word(on_path: Program, with_tasks: Path, separated: bool) -> None:
    ran = on_path.run("show", *(["--"] if separated else []), *ODD, cwd=with_tasks)

    assert (ran.code, ran.err) == (0, "")
    assert _words(ran.stdout) == ODD


@pytest.mark.parametrize(
    "typed",
    [
        pytest.param(["deps.upgrade", "--patch", "six"], id="package"),
        pytest.param(["deps.outdated", "six", "--json"], id="before-an-option"),
        pytest.param(["deps.why", "six"], id="positional"),
        pytest.param(["build", "web", "six", "--pull"], id="second-service"),
        pytest.param(["clean", "six", "--yes"], id="pattern"),
        pytest.param(["deps.diff", "six"], id="commit"),
        pytest.param(["config", "six"], id="after-another-task"),
        pytest.param(["deps.upgrade", "--test", "six", "--dry-run"], id="value-of-an-option"),
    ],
)
def test_no_word_of_a_task_is_run_as_one(on_path: Program, with_tasks: Path, typed: list[str]) -> None:
    (with_tasks / "compose.yaml").write_text("services:\n  web:\n    build: .\n")
    try:
        ran = on_path.run(*typed, cwd=with_tasks)
    finally:
        (with_tasks / "compose.yaml").unlink()

    assert not (with_tasks / "ran").exists()
    assert "Traceback" not in ran.err


@pytest.mark.parametrize(
    ("typed", "line"),
    [
        pytest.param(["deps.upgrade", "--patch", "six"], "inv deps.upgrade --patch -- six", id="package"),
        pytest.param(["shell", "seen"], "inv shell -- seen", id="service"),
        pytest.param(["clean", "six", "--", "x"], "inv clean -- six x", id="before-the-separator"),
        pytest.param(["lint", "seen"], "inv lint -- seen", id="program"),
        pytest.param(["-e", "config", "uv", "seen"], "inv -e config uv -- seen", id="second-task"),
    ],
)
def test_under_inv_a_word_that_may_be_a_task_is_refused(
    on_path: Program, with_tasks: Path, typed: list[str], line: str
) -> None:
    ran = on_path.run(*typed, cwd=with_tasks, program="inv")

    assert (ran.code, ran.out) == (2, "")
    assert f" next: type {line}, or for both tasks inv " in ran.err
    assert not (with_tasks / "ran").exists()


def _words(printed: bytes) -> list[str]:
    return [word.decode("utf-8", "surrogateescape") for word in printed.split(b"\0")[:-1]]
