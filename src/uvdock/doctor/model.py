"""What a rule is, what it finds, and what a fix changes."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from uvdock.doctor.facts import Facts

#: ``error`` breaks, leaks or is not what anybody meant; ``warning`` will, some day or on another machine;
#: ``advice`` costs time or space.
Level = Literal["error", "warning", "advice"]
LEVELS: tuple[Level, ...] = ("error", "warning", "advice")


def lines_of(text: str) -> list[str]:
    """The lines of a text without their ends: a line feed ends one, and nothing else does."""
    return [line.rstrip("\r") for line in text.removesuffix("\n").split("\n")] if text else []


@dataclass(frozen=True)
class LineEdit:
    """A change to a file, by position: the lines from ``start`` to before ``end``, from 0, become ``lines``.

    Lines have no line ends: they get the file's own.
    """

    file: str
    start: int
    end: int
    lines: tuple[str, ...]


@dataclass(frozen=True)
class Hit:
    """One place where a rule does not hold.

    Args:
        file: The file from the repo root, or the name of an image or container.
        line: The line in it, from 1; ``None`` where there is no one line.
        what: What is there, one sentence.
        fix: What to write instead.
        edits: The fix itself, where it is safe.
        cause: What one change mends together with it; by default, whatever is told in the same words.
    """

    file: str
    line: int | None
    what: str
    fix: str
    edits: tuple[LineEdit, ...] = ()
    cause: str = ""

    @property
    def place(self) -> str:
        """``Dockerfile:12``."""
        return self.file if self.line is None else f"{self.file}:{self.line}"


@dataclass(frozen=True)
class Finding:
    """One cause: a rule, and every place where it does not hold for that cause."""

    rule: Rule
    hits: tuple[Hit, ...]

    @property
    def hit(self) -> Hit:
        """The first place."""
        return self.hits[0]

    @property
    def places(self) -> list[str]:
        """Every place, as a person reads it."""
        return list(dict.fromkeys(hit.place for hit in self.hits))

    @property
    def edits(self) -> list[LineEdit]:
        """The fix for every place where it is safe."""
        return [edit for hit in self.hits for edit in hit.edits]


@dataclass(frozen=True)
class Rule:
    """A rule: its name, its level, and the function that looks.

    The function's docstring is the rule's page in docs/doctor.md: a line that says what is looked for, a paragraph
    with the reason, then an example, the fix and the source.
    """

    name: str
    level: Level
    check: Callable[[Facts], Iterator[Hit]]
    fixable: bool = False

    @cached_property
    def page(self) -> str:
        """The rule's whole text, without its name."""
        return inspect.getdoc(self.check) or ""

    @property
    def summary(self) -> str:
        """What is looked for, one line."""
        return self.page.partition("\n")[0]

    @property
    def why(self) -> str:
        """The reason, on one line."""
        return " ".join("".join(self.page.split("\n\n")[1:2]).split())

    @property
    def explained(self) -> str:
        """What to type for the page."""
        return f"uvdock doctor --explain {self.name}"
