"""A Dockerfile's instructions with their positions, each with what is in effect where it stands."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from uvdock.dockerfile import Instruction, escape
from uvdock.doctor.build import Dockerfile, Stage, Step
from uvdock.formats.shell.lexer import tokens
from uvdock.formats.shell.words import Dialect, Document

_VERB = re.compile(r"[ \t]*(?:(?P<onbuild>ONBUILD)[ \t]+)?(?P<verb>[A-Za-z]+)", re.IGNORECASE)
_OPTION = re.compile(r"--[a-z-]+(?:=(?:\"[^\"]*\"|[^\s\"])*)?")
_READS = re.compile(r"(?:(?:/\S*/)?(?:ba|da|a|z)?sh(?:\s+-\w+)*\s*)?<<-?\S+\s*")


@dataclass(frozen=True)
class Part:
    """A part of the file: ``text`` is what stands from ``start`` to before ``end``."""

    text: str
    start: int
    end: int


@dataclass(frozen=True)
class Item:
    """One instruction in its place.

    Args:
        step: What it is, and what is in effect; for ONBUILD the instruction that is kept for later.
        stage: Its stage.
        number: Its number in the file.
        start: Where its first line starts.
        end: Where the line after it starts.
        after_verb: Where what follows its verb starts.
        options: Its options.
        body: What follows them, without the last line end.
        document: The text of its here-document, where it is a RUN with only one.
    """

    step: Step
    stage: Stage
    number: int
    start: int
    end: int
    after_verb: int
    options: tuple[Part, ...]
    body: Part
    document: Part | None
    onbuild: bool

    @property
    def verb(self) -> str:
        """``RUN``, ``COPY``, ...; for ONBUILD that of the kept instruction."""
        return self.step.verb

    @property
    def line(self) -> int:
        """Its first line, from 1."""
        return self.step.line


@dataclass(frozen=True)
class Source:
    """A Dockerfile, read.

    Args:
        path: Its path from the repo root.
        text: Its text.
        build: Its stages.
        items: Its instructions after the first FROM.
        dialect: How its lines continue.
        newline: What ends its lines.
    """

    path: Path
    text: str
    build: Dockerfile
    items: tuple[Item, ...]
    dialect: Dialect
    newline: str

    def line_of(self, at: int) -> int:
        """The line, from 1, of a position."""
        return self.text.count("\n", 0, at) + 1

    def stage_named(self, name: str) -> Stage | None:
        """The stage of that name or number."""
        found = [one for at, one in enumerate(self.build.stages) if name.lower() in (one.name, str(at)) and name]
        return found[0] if found else None


def read(path: Path, text: str) -> Source:
    """Read a Dockerfile. Whatever it says, there is an answer; what is no instruction has no item."""
    build = Dockerfile(str(path), text, Path())
    dialect = Dialect(docker=True, escape=escape(text))
    starts = [0]
    for line in text.splitlines(keepends=True):
        starts.append(starts[-1] + len(line))
    items = tuple(_items(build, text, dialect, starts))
    return Source(path, text, build, items, dialect, "\r\n" if "\r\n" in text else "\n")


def _items(build: Dockerfile, text: str, dialect: Dialect, starts: list[int]) -> Iterator[Item]:
    found = [(step, stage) for stage in build.stages for step in stage.steps]
    for number, (step, stage) in enumerate(found):
        start, end = starts[step.item.start], starts[step.item.end]
        verb = _VERB.match(text, start)
        if verb is None or verb.end() > end:
            continue
        onbuild = bool(verb["onbuild"])
        if onbuild:
            words = step.item.text.split(None, 1)
            inner = Instruction(words[1] if len(words) > 1 else "ONBUILD", step.item.start, step.item.end)
            step = Step(inner, step.env, step.user, step.workdir)  # noqa: PLW2901 - the instruction that is kept
        if step.verb != verb["verb"].upper():
            continue
        at = dialect.gap(text[:end], verb.end())
        options: list[Part] = []
        while step.verb in ("RUN", "COPY", "ADD") and (option := _OPTION.match(text, at)) and option.end() <= end:
            options.append(Part(option[0], option.start(), option.end()))
            at = dialect.gap(text[:end], option.end())
        stop = at + len(text[at:end].rstrip("\r\n"))
        document = _document(text, at, end)
        yield Item(step, stage, number, start, end, verb.end(), tuple(options), Part(text[at:stop], at, stop), document,
                   onbuild)  # fmt: skip


def _document(text: str, at: int, end: int) -> Part | None:
    """The here-document of `RUN <<EOF`, or of a shell that reads it."""
    found = [token for token in tokens(text[:end], start=at) if isinstance(token, Document)]
    if len(found) != 1 or not _READS.fullmatch(text, at, found[0].start):
        return None
    return Part(found[0].text, found[0].start, found[0].start + len(found[0].text))
