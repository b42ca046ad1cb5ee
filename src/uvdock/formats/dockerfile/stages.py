"""A Dockerfile as a build: its stages, and what is in effect at each step of them."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from functools import cached_property
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

from uvdock.formats.dockerfile.expansion import expand
from uvdock.formats.dockerfile.instruction import Instruction
from uvdock.formats.dockerfile.parser import escape, parse

if TYPE_CHECKING:
    from uvdock.formats.shell.invocations import Invocation
    from uvdock.formats.shell.words import Dialect

_FROM = re.compile(r"(?P<image>\S+)(?:\s+AS\s+(?P<name>\S+))?", re.IGNORECASE)
_FALSE = {"", "0", "false", "no", "off", "n", "f"}
_ROOT = PurePosixPath("/")


@dataclass(eq=False)
class Stage:
    """One stage.

    Args:
        number: Its number in the file, from 0.
        name: Its name in small letters; empty without one.
        image: What it is made from, as it is written.
        base: The same with its variables put in; ``None`` where one is not known.
        parent: The stage that it is made from; ``None`` for an image.
        steps: Its steps, the FROM first.
    """

    number: int
    name: str
    image: str
    base: str | None
    parent: Stage | None
    steps: list[Step] = field(default_factory=list, repr=False)

    @property
    def chain(self) -> list[Stage]:
        """The stages that it is made from and itself, the one on an image first."""
        return [*(self.parent.chain if self.parent else ()), self]

    @property
    def root(self) -> Stage:
        """The first of these."""
        return self.chain[0]

    @property
    def lineage(self) -> list[Step]:
        """Its steps, those of the stages that it is made from before them."""
        return [step for stage in self.chain for step in stage.steps]

    @property
    def last(self) -> Step:
        """What is in effect at its end, as a step."""
        return self.steps[-1]


@dataclass(frozen=True, eq=False, kw_only=True)
class Step(Instruction):
    """An instruction in its stage, with what is in effect once it is carried out.

    Args:
        stage: Its stage.
        number: Its number among the steps of the file, from 0.
        env: What ENV and ARG set.
        user: The user; empty where none was named.
        workdir: The folder; ``None`` where it cannot be told.
    """

    stage: Stage = field(repr=False)
    number: int
    env: Mapping[str, str] = field(repr=False)
    user: str
    workdir: PurePosixPath | None

    @property
    def is_root(self) -> bool:
        """Whether its user is root."""
        return self.user.partition(":")[0] in ("", "0", "root")

    def path(self, name: str, known: Mapping[str, str] | None = None) -> PurePosixPath | None:
        """A path in the image; ``None`` where it cannot be told.

        Args:
            name: The path, with variables in it.
            known: What the image itself says of them.
        """
        made = expand(name, {**(known or {}), **self.env})
        if made is None or (self.workdir is None and not made.startswith("/")):
            return None
        return PurePosixPath(posixpath.normpath((self.workdir or _ROOT) / made))

    def setting(self, name: str, run: Invocation | None = None) -> str:
        """A variable's value here, and for a command; nothing where it is not set."""
        return {**self.env, **(run.env if run else {})}.get(name, "")

    def is_on(self, name: str, run: Invocation | None = None) -> bool:
        """Whether a variable that is true or false is true."""
        return self.setting(name, run).lower() not in _FALSE

    @property
    def triggered(self) -> Step:
        """Of an ONBUILD, the instruction that is kept for later, in its place; itself for any other."""
        if self.trigger is None:
            return self
        return replace(self, **_own(self.trigger))


class Dockerfile:
    """A Dockerfile.

    Args:
        text: Its text.
    """

    def __init__(self, text: str) -> None:
        self.text = text

    @cached_property
    def instructions(self) -> list[Instruction]:
        """Its instructions."""
        return parse(self.text)

    @cached_property
    def stages(self) -> list[Stage]:
        """Its stages; what stands before the first FROM is in none."""
        return _stages(self.instructions)

    @property
    def steps(self) -> list[Step]:
        """The steps of all stages, by their numbers."""
        return [step for stage in self.stages for step in stage.steps]

    @cached_property
    def items(self) -> list[Step]:
        """The same, with the instruction that is kept for later in the place of its ONBUILD."""
        return [step.triggered for step in self.steps]

    @cached_property
    def dialect(self) -> Dialect:
        """How its lines continue."""
        from uvdock.formats.shell.words import Dialect

        return Dialect(docker=True, escape=escape(self.text))

    @property
    def newline(self) -> str:
        """What ends its lines."""
        return "\r\n" if "\r\n" in self.text else "\n"

    def line_of(self, at: int) -> int:
        """The line, from 1, of a position."""
        return self.text.count("\n", 0, at) + 1

    def stage(self, name: str) -> Stage | None:
        """The stage of that name or number; the last one of those that share a name."""
        named = [one for one in self.stages if name and name.lower() == one.name]
        return next(iter([*named[::-1], *(one for one in self.stages if str(one.number) == name)]), None)

    def target(self, name: str | None) -> Stage | None:
        """The stage of that name or number, else the last one; ``None`` without any."""
        return self.stage(name or "") or next(reversed(self.stages), None)


def _stages(instructions: list[Instruction]) -> list[Stage]:
    before: dict[str, str] = {}
    stages: list[Stage] = []
    for item in instructions:
        if item.verb != "FROM" and not stages:
            before.update(item.variables)
        elif item.verb != "FROM":
            stages[-1].steps.append(_next(stages[-1].last, item, before))
        elif found := _FROM.fullmatch(item.value):
            base = expand(found["image"], before)
            named = (base or found["image"]).lower()
            parent = next((stage for stage in reversed(stages) if stage.name and stage.name == named), None)
            stages.append(Stage(len(stages), (found["name"] or "").lower(), found["image"], base, parent))
            number = sum(len(stage.steps) for stage in stages)
            made = Step(**_own(item), stage=stages[-1], number=number, env={}, user="", workdir=_ROOT)
            if parent:
                made = replace(made, env=parent.last.env, user=parent.last.user, workdir=parent.last.workdir)
            stages[-1].steps.append(made)
    return stages


def _next(last: Step, item: Instruction, before: Mapping[str, str]) -> Step:
    """The step of ``item``: what was in effect before it, and what it changes."""
    env, user, workdir = last.env, last.user, last.workdir
    if item.verb in ("ENV", "ARG"):
        changed = dict(env)
        # An ARG that was set before the first FROM gets that value when it is named again.
        changed.update((name, before[name]) for name in item.names if item.verb == "ARG" and name in before)
        for name, value in item.variables:
            made = expand(value, env)
            changed[name] = value if made is None else made
        env = changed
    elif item.verb == "USER":
        user = expand(item.value, env) or item.value
    elif item.verb == "WORKDIR":
        # Where it is not known, what follows must not be told either.
        workdir = last.path(item.value.strip("\"'"))
    return replace(last, **_own(item), number=last.number + 1, env=env, user=user, workdir=workdir)


def _own(item: Instruction) -> dict[str, Any]:
    return {one.name: getattr(item, one.name) for one in fields(Instruction)}
