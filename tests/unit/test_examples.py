"""Every example that `--help` shows is a command line that the program understands, in both of its forms."""

from __future__ import annotations

import shlex
from contextvars import copy_context
from pathlib import Path

import pytest
from invoke.parser import Parser

from uvdock.cli.program import UvdockProgram
from uvdock.tasks import namespace
from uvdock.tasks.collection import listed_names
from uvdock.tasks.groups import OTHERS, group_of
from uvdock.tasks.kinds import OwnTask, bare, is_yours
from uvdock.tasks.separator import PassthroughTask


@pytest.mark.slow
def test_every_task_has_a_few_examples_that_parse(everything: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    collection = namespace(everything)
    monkeypatch.setattr("uvdock.tasks.collection.ns", collection)
    parser = Parser(contexts=collection.to_contexts())
    program = UvdockProgram(namespace=collection)
    names = listed_names(collection)
    assert {"uv", "db.restore", "redis.cli", "js.install", "lint.shell", "test", "quality", "manage", "all"} <= set(
        names
    )
    for name in names:
        task = collection[name]
        assert isinstance(task, OwnTask)
        assert 1 <= len(task.examples) <= 4, name
        for example in task.examples:
            words = shlex.split(example)
            (context,) = parser.parse_argv(words)
            assert name in (context.name, *context.aliases), example
            # In a context of its own: it keeps what it was given.
            copy_context().run(program.normalize_argv, ["uvdock", *shlex.split(bare(example))])
            assert program.argv[1:] == words, example
            if "--" in words:
                assert isinstance(task, PassthroughTask), example


def test_the_help_holds_them(everything: Path) -> None:
    collection = namespace(everything)
    for name in listed_names(collection):
        documented = (collection[name].__doc__ or "").splitlines()
        assert "Examples:" in documented
        assert documented[0].strip()


def test_every_task_of_uvdock_has_a_group(everything: Path) -> None:
    collection = namespace(everything)
    own = [name for name in listed_names(collection) if not is_yours(collection[name])]
    assert [name for name in own if group_of(name) == OTHERS] == []
    yours = sorted(name for name in listed_names(collection) if is_yours(collection[name]))
    assert yours == ["all", "flask", "manage", "web"]
