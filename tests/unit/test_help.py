"""The help screens: every option is there and whole, at any width."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from uvdock.cli.program import UvdockProgram
from uvdock.tasks import grammar, namespace
from uvdock.tasks import help as screens
from uvdock.tasks.collection import listed_names
from uvdock.tasks.kinds import OwnTask

CORE = UvdockProgram().core_args()


@pytest.mark.parametrize("width", [40, 80, 100])
def test_the_help_of_each_task_is_whole(everything: Path, width: int) -> None:
    collection = namespace(everything)
    for name in listed_names(collection):
        task = collection[name]
        assert isinstance(task, OwnTask)
        lines = [line for line, _ in screens.task(name, task, CORE, width)]
        text = " ".join(" ".join(lines).split())
        typed = ("  uvdock ", "Usage:")
        assert [line for line in lines if len(line) > width and not line.startswith(typed)] == [], name
        assert f"Usage: uvdock {name}" in text
        assert all(" ".join(example.replace(" -- ", " ", 1).split()) in text for example in task.examples), name
        for argument in task.get_arguments():
            # Nothing that Invoke knows of an option is lost, its help least of all.
            assert " ".join((argument.help or "").split()) in text, (name, argument.name)
            if not argument.positional and argument.default is not True:
                assert all(f"{grammar.flag(item)}" in text for item in argument.names), (name, argument.name)


@pytest.mark.parametrize(
    ("name", "usage"),
    [
        pytest.param("deps.why", "deps.why [OPTIONS] PACKAGE", id="positional"),
        pytest.param("db.restore", "db.restore [OPTIONS] FILE", id="file"),
        pytest.param("db.dump", "db.dump [OPTIONS] [FILE]", id="one-word"),
        pytest.param("build", "build [OPTIONS] [SERVICE…]", id="services"),
        pytest.param("deps.upgrade", "deps.upgrade [OPTIONS] [PACKAGE…]", id="packages"),
        pytest.param("uv", "uv [OPTIONS] COMMAND…", id="command"),
        pytest.param("flask", "flask [OPTIONS] [ARGUMENT…]", id="own"),
        pytest.param("config", "config", id="nothing"),
    ],
)
def test_the_usage_has_the_words(everything: Path, name: str, usage: str) -> None:
    lines = [line for line, _ in screens.task(name, namespace(everything)[name], CORE, 80)]
    assert f"Usage: uvdock {usage}" in lines


def test_the_programs_own_help_is_short() -> None:
    lines = [line for line, _ in screens.program(CORE, 80)]
    assert len(lines) < 15
    assert not any("sudo" in line for line in lines)
    assert "uvdock --list" in lines[-1]


@given(st.lists(st.text("abc", min_size=1, max_size=12)), st.integers(1, 30))
def test_wrapping_loses_no_word(words: list[str], width: int) -> None:
    lines = screens.wrapped(" ".join(words), width)
    assert " ".join(lines).split() == words
    assert all(len(line) <= width or " " not in line for line in lines)
