"""What the simple commands of a shell text run, as far as that can be told without running it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from uvdock.formats.shell.commands import UnreadableError, nested, script_at
from uvdock.formats.shell.words import Dialect

#: What makes a text unreadable where it is never closed.
_UNREADABLE = re.compile(r"([\"'`$<]|\\(?!\n))")
_EXPORTS = (("export",), ("declare",), ("typeset",))


@dataclass(frozen=True)
class Invocation:
    """What one simple command runs, and the variables that are set for it alone or were exported before it."""

    words: tuple[str, ...]
    env: Mapping[str, str]
    #: Its line in the script, from 0.
    line: int = 0

    @property
    def program(self) -> str:
        """Its program without a folder; the module of ``python -m MODULE``."""
        name = self.words[0].rpartition("/")[2]
        module = re.match(r"python[\d.]*$", name) and len(self.words) > 2 and self.words[1] == "-m"
        return self.words[2] if module else name

    @property
    def arguments(self) -> tuple[str, ...]:
        """What follows the program."""
        name = self.words[0].rpartition("/")[2]
        return self.words[3:] if self.program != name else self.words[1:]

    def has(self, *options: str) -> bool:
        """Whether one of ``options`` is among its arguments, with a value or without."""
        return any(word.partition("=")[0] in options for word in self.arguments)

    def value(self, option: str) -> str | None:
        """The value of an option, as ``--option value`` or ``--option=value``."""
        for at, word in enumerate(self.arguments):
            name, equals, value = word.partition("=")
            if name == option:
                return value if equals else next(iter(self.arguments[at + 1 : at + 2]), None)
        return None


def invocations(script: str) -> list[Invocation]:
    """What the simple commands of ``script`` run, with those in substitutions and of ``sh -c``.

    Of one that cannot be read, quotes and brackets are taken for letters.
    """
    try:
        read = nested(script, Dialect())
    except UnreadableError:
        read = nested(_UNREADABLE.sub(r"\\\1", script.translate({ord("("): ";", ord(")"): ";"})), Dialect())
    found: list[Invocation] = []
    exported: dict[str, str] = {}
    for command in read:
        words = tuple(word.text for word in command.words[command.lead :])
        given = [*command.assigned, *(command.words if words[:1] in _EXPORTS else ())]
        values = {word.assigned: word.text.partition("=")[2] for word in given if word.assigned}
        env = {**exported, **values}
        if words[:1] in _EXPORTS:
            exported.update(values)
        if not words or command.header:
            continue
        line = script.count("\n", 0, command.start)
        if at := script_at(words):
            found += (Invocation(item.words, {**env, **item.env}, line) for item in invocations(words[at]))
        else:
            found.append(Invocation(words, env, line))
    return found
