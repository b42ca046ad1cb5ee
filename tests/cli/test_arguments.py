"""Every argument list reaches the program as it was typed, on each way from the command line to it.

Each list goes through real processes, because the ways it can be lost (a shell, a join, a parser) are between them.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.arguments import ARGUMENT_LISTS
from tests.conftest import Program, make_project

#: Its name is a plain word: what follows it is not uvdock's any more, with `--` before it or without.
SHOW = "show"
#: Bytes that are no UTF-8, as Python has them in its arguments.
NO_UTF8 = pytest.param(["caf\udce9", "\udcff\udcfe"], id="no-utf-8")


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


@pytest.mark.parametrize("arguments", [*ARGUMENT_LISTS, NO_UTF8])
@pytest.mark.parametrize(
    ("name", "before"),
    [
        pytest.param("inv", ["cmd", "--", SHOW], id="inv-cmd", marks=pytest.mark.slow),
        pytest.param("uvdock", ["cmd", "--", SHOW], id="uvdock-cmd"),
        pytest.param("uvdock", ["cmd", SHOW], id="uvdock-cmd-without-separator", marks=pytest.mark.slow),
    ],
)
def test_cmd_hands_over_every_argument(
    on_path: Program, project: Path, name: str, before: list[str], arguments: list[str]
) -> None:
    ran = on_path.run(*before, *arguments, cwd=project, program=name)

    assert (ran.code, ran.err) == (0, "")
    assert _words(ran.stdout) == arguments


@pytest.mark.parametrize("arguments", [*ARGUMENT_LISTS, NO_UTF8])
@pytest.mark.parametrize(
    ("name", "before", "own"),
    [
        pytest.param("inv", ["uv", "--"], [], id="inv-uv"),
        pytest.param("uvdock", ["uv", "add"], ["add"], id="uvdock-uv-without-separator"),
    ],
)
@pytest.mark.slow
def test_uv_gets_every_argument(
    on_path: Program, project: Path, *, name: str, before: list[str], own: list[str], arguments: list[str]
) -> None:
    ran = on_path.run(*before, *arguments, cwd=project, program=name)

    assert (ran.code, ran.out, ran.err) == (0, "", "")
    assert _words(Path(on_path.env["SEEN"]).read_bytes()) == [*own, *arguments]


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


def _words(printed: bytes) -> list[str]:
    return [word.decode("utf-8", "surrogateescape") for word in printed.split(b"\0")[:-1]]
