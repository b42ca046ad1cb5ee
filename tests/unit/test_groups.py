"""The list of tasks in groups, and what `--help` says of a task."""

from __future__ import annotations

import pytest

from uvdock.commands import DeclaredCommand
from uvdock.tasks.command import about
from uvdock.tasks.groups import ListedTask, grouped, text
from uvdock.tasks.kinds import add_to_first_line, document

LINES = [
    ListedTask("build", "Build."),
    ListedTask("deps.lock", "Lock."),
    ListedTask("lint.shell", "Shell."),
    ListedTask("lint", "Python."),
    ListedTask("flask", "The app's own.", yours=True),
    ListedTask("uv", "Run uv."),
    ListedTask("up", "Start."),
    ListedTask("down", "Stop."),
    ListedTask("uv.mine", "Mine.", yours=True),
    ListedTask("unheard-of", ""),
]


def test_tasks_stand_in_their_groups() -> None:
    shown = {group: " ".join(line.name for line in members) for group, members in grouped(LINES).items()}
    assert shown == {
        "Dependencies": "uv deps.lock",
        "The stack": "build up down",
        "Quality": "lint lint.shell",
        "Others": "unheard-of",
        "Yours": "flask uv.mine",
    }
    assert list(shown)[-1] == "Yours"


def test_each_has_one_line_at_any_width() -> None:
    groups = grouped(LINES)
    whole = text(groups, None)
    assert ("  deps.lock   Lock.", False) in whole
    assert ("Dependencies", True) in whole
    assert ("  unheard-of", False) in whole
    for width in (80, 30, 20, 5, 1):
        cut = text(groups, width)
        assert len(cut) == len(whole)
        assert all(len(line) <= max(width, 14) for line, heading in cut if not heading)
        # The name is never cut.
        assert [line.split()[0] for line, _ in cut if line] == [line.split()[0] for line, _ in whole if line]
    assert ("  flask       The…", False) in text(groups, 20)
    assert text(groups, 80) == whole
    assert text({}, None) == []


@pytest.mark.parametrize(
    ("help_", "room", "expected"),
    [
        pytest.param("Lock, build, recreate.", 22, "Lock, build, recreate.", id="fits"),
        pytest.param("Lock what is not locked, build with the lock.", 40, "Lock what is not locked…", id="clause"),
        pytest.param("Lock it, then build with the lock as it is.", 30, "Lock it, then build with the…", id="word"),
        pytest.param("Look here; then (only then) there.", 20, "Look here; then…", id="brackets"),
        pytest.param("Something", 5, "", id="nothing-that-says-anything"),
    ],
)
def test_a_help_line_ends_at_a_clause_or_a_word(help_: str, room: int, expected: str) -> None:
    lines = text({"G": [ListedTask("a", help_)]}, room + 5)
    assert lines[1][0] == f"  a  {expected}".rstrip()


@pytest.mark.parametrize(
    ("examples", "called", "expected"),
    [
        pytest.param([], "inv", "Does it.", id="none"),
        pytest.param(["x -- 'a b'"], "inv", "Does it.\n\nExamples:\n  inv x -- 'a b'", id="inv"),
        pytest.param(["x -- 'a b'", "x"], "uvdock", "Does it.\n\nExamples:\n  uvdock x 'a b'\n  uvdock x", id="uvdock"),
        pytest.param(["x --y -- -z -- w"], "uvdock", "Does it.\n\nExamples:\n  uvdock x --y -z -- w", id="the-first"),
    ],
)
def test_examples_are_shown_as_they_are_typed(examples: list[str], called: str, expected: str) -> None:
    assert document("Does it.", examples, called) == expected


def test_a_remark_goes_to_the_line_of_the_list() -> None:
    assert add_to_first_line("One.\n\n    Two.\n    ", "(so)") == "One. (so)\n\nTwo."
    assert add_to_first_line(None, "(so)") == " (so)"


@pytest.mark.parametrize(
    ("command", "expected"),
    [
        pytest.param(DeclaredCommand("a", run="flask run"), ["flask run", ""], id="run"),
        pytest.param(DeclaredCommand("a", run="flask", help="The app."), ["The app.", "", "Runs: flask"], id="help"),
        pytest.param(
            DeclaredCommand("a", run="x | y", help="H.", shell=True, service="web", user="root", workdir="/srv"),
            ["H.", "", "Runs: x | y (in a shell)", "In the service: web", "As: root", "In the folder: /srv"],
            id="where",
        ),
        pytest.param(
            DeclaredCommand("a", steps=("x", "y -- z"), help="H."), ["H.", "", "Runs: x, then y -- z"], id="steps"
        ),
        pytest.param(DeclaredCommand("a", steps=("x", "y"), parallel=True), ["x and y", ""], id="parallel"),
        pytest.param(
            DeclaredCommand("a", run="m", before={"test": "collect"}), ["m", "", "Before test: collect"], id="before"
        ),
    ],
)
def test_the_help_of_a_command_says_what_it_runs(command: DeclaredCommand, expected: list[str]) -> None:
    assert about(command) == expected
