"""What is known of a repo's tasks at the prompt: plain data, as it stands in the cache."""

from __future__ import annotations

from typing import TypedDict


class OptionShape(TypedDict):
    """An option: its names, whether a value follows (``no``, ``yes``, ``maybe``), its help, and its values.

    The values are a list, or the word for what must be looked up: ``tasks``, ``namespaces``, and the kinds of
    `uvdock.tasks.kinds`, as ``services``; ``None`` for what the shell itself completes, files.
    """

    names: list[str]
    value: str
    help: str
    values: list[str] | str | None


class TaskWords(TypedDict):
    """A task: its help, its options, the values of its positional arguments and of its words.

    ``kind`` is what its words are, as `uvdock.cli.commandline.Shape` has it: ``none``, ``names`` or ``command``.
    """

    help: str
    options: list[OptionShape]
    positionals: list[list[str] | str | None]
    words: list[str] | str | None
    kind: str


class Catalogue(TypedDict):
    """All of it; ``bare`` where no ``--`` is needed after the first task, as under `uvdock`."""

    bare: bool
    core: list[OptionShape]
    tasks: dict[str, TaskWords]
    aliases: dict[str, str]
    namespaces: list[str]
