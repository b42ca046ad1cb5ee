"""A Dockerfile as a build: its stages, and at each step the variables, user and folder in effect."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path, PurePosixPath

from uvdock.dockerfile import Instruction, instructions
from uvdock.doctor.shell import Command, commands, expand
from uvdock.engine.ignore import Ignored

_OPTION = re.compile(r"--([a-z-]+)(?:=(\S+))?\s+")
_FROM = re.compile(r"FROM\s+(?:--\S+\s+)*(?P<image>\S+)(?:\s+AS\s+(?P<name>\S+))?\s*$", re.IGNORECASE)
_FALSE = {"", "0", "false", "no", "off", "n", "f"}
_UV_COMMAND = re.compile(r"(?:^|[\s;&|(/\"'])uv\s")


@dataclass(frozen=True)
class Step:
    """One instruction, with what is in effect where it stands.

    ``env`` has what ENV and ARG set before it; ``workdir`` is ``None`` where it cannot be told.
    """

    item: Instruction
    env: Mapping[str, str]
    user: str
    workdir: PurePosixPath | None

    @property
    def verb(self) -> str:
        """``RUN``, ``COPY``, ..."""
        return self.item.verb

    @property
    def line(self) -> int:
        """Its first line, from 1."""
        return self.item.start + 1

    @cached_property
    def options(self) -> list[tuple[str, str]]:
        """Its options, ``--mount=…`` and the like, in order."""
        return self._split[0]

    @property
    def rest(self) -> str:
        """What follows the verb and the options."""
        return self._split[1]

    @cached_property
    def mounts(self) -> list[dict[str, str]]:
        """The mounts of a RUN, by their keys."""
        found = []
        for name, value in self.options:
            if name == "mount":
                parts = (part.partition("=") for part in value.split(","))
                mount = {key.strip(): text.strip("\"'") for key, _, text in parts}
                mount["target"] = mount.get("target") or mount.get("dst") or mount.get("destination") or ""
                found.append(mount)
        return found

    @cached_property
    def exec_form(self) -> list[str] | None:
        """The words of the exec form, ``["uv", "run"]``; ``None`` for the shell form."""
        if not self.rest.startswith("["):
            return None
        try:
            found = json.loads(self.rest)
        except ValueError:
            return None
        return found if all(isinstance(word, str) for word in found) else None

    @cached_property
    def commands(self) -> list[Command]:
        """The commands of a RUN, CMD, ENTRYPOINT or HEALTHCHECK."""
        if self.verb == "HEALTHCHECK":
            inner = re.search(r"\bCMD\s+(.*)", self.item.text, re.DOTALL)
            if inner is None:
                return []
            text = Instruction(f"CMD {inner[1]}", self.item.start, self.item.end)
            return Step(text, self.env, self.user, self.workdir).commands
        if self.verb not in ("RUN", "CMD", "ENTRYPOINT"):
            return []
        words = self.exec_form
        if words is not None:
            return commands(shlex.join(words)) if words else []
        first, newline, document = self.rest.partition("\n")
        if newline and re.match(r"\s*<<-?\S+\s*$", first):
            return commands(document)
        return commands(first) if newline else commands(self.rest)

    @property
    def installs(self) -> list[Command]:
        """The commands by which uv installs here."""
        return [item for item in self.commands if item.installs()] if self.verb == "RUN" else []

    @property
    def syncs(self) -> list[Command]:
        """The `uv sync` commands here."""
        return [item for item in self.installs if item.syncs()]

    @cached_property
    def variables(self) -> list[tuple[str, str]]:
        """The variables that an ENV or ARG sets; an ARG without a default has none and is left out."""
        if self.verb not in ("ENV", "ARG") or not self.rest:
            return []
        try:
            words = shlex.split(self.rest)
        except ValueError:
            words = self.rest.split()
        if self.verb == "ENV" and words and "=" not in words[0]:
            return [(words[0], " ".join(words[1:]))]
        return [(name, value) for name, equals, value in (word.partition("=") for word in words) if equals and name]

    @property
    def names(self) -> list[str]:
        """The names of the variables that an ENV or ARG declares, with a value or without."""
        if self.verb == "ARG":
            return [word.partition("=")[0] for word in self.rest.split() if word[0] not in "\"'"]
        return [name for name, _ in self.variables]

    @cached_property
    def copies(self) -> tuple[str, list[str], str] | None:
        """Of a COPY or ADD: the stage or image (nothing for the context), the sources and the target."""
        if self.verb not in ("COPY", "ADD") or "<<" in self.rest:
            return None
        words = self.exec_form
        if words is None:
            try:
                words = shlex.split(self.rest)
            except ValueError:
                words = self.rest.split()
        return (dict(self.options).get("from", ""), words[:-1], words[-1]) if len(words) > 1 else None

    def setting(self, name: str, command: Command | None = None) -> str:
        """A variable's value here, and for a command; nothing where it is not set."""
        return {**self.env, **(command.env if command else {})}.get(name, "")

    def is_on(self, name: str, command: Command | None = None) -> bool:
        """Whether a variable of uv that is true or false is true."""
        return self.setting(name, command).lower() not in _FALSE

    @cached_property
    def _split(self) -> tuple[list[tuple[str, str]], str]:
        rest = self.item.text.partition(self.item.text.split(None, 1)[0])[2].lstrip()
        found = []
        while option := _OPTION.match(rest):
            found.append((option[1], option[2] or ""))
            rest = rest[option.end() :]
        return found, rest


@dataclass
class Stage:
    """One stage; ``parent`` is the stage it is made from, or ``None`` for an image."""

    name: str
    image: str
    base: str | None
    parent: Stage | None
    start: Step
    steps: list[Step] = field(default_factory=list)

    @property
    def lineage(self) -> list[Step]:
        """Its steps, those of the stages it is made from before them."""
        return [*(self.parent.lineage if self.parent else ()), *self.steps]

    @property
    def root(self) -> Stage:
        """The stage at the start of its line, which is made from an image."""
        return self.parent.root if self.parent else self

    @property
    def last(self) -> Step:
        """What is in effect at its end, as a step."""
        return self.steps[-1]


@dataclass
class Dockerfile:
    """A Dockerfile and the context it is built in.

    Args:
        name: Its path from the repo root.
        text: Its text.
        context: The folder of the context.
        targets: The stages that are built, by name; the last one when empty.
        ignored: What the context leaves out.
        ignore_file: The path of its `.dockerignore` from the repo root, there or not.
    """

    name: str
    text: str
    context: Path
    targets: Sequence[str] = ()
    ignored: Ignored = field(default_factory=lambda: Ignored(()))
    ignore_file: str = ".dockerignore"

    @cached_property
    def lines(self) -> list[str]:
        """Its lines."""
        return self.text.splitlines()

    @cached_property
    def stages(self) -> list[Stage]:
        """Its stages, in order."""
        return _stages(instructions(self.text))

    @cached_property
    def finals(self) -> list[Stage]:
        """The stages that become images."""
        wanted = [name.lower() for name in self.targets]
        found = [stage for at, stage in enumerate(self.stages) if stage.name in wanted or str(at) in wanted]
        return found or self.stages[-1:]

    @property
    def steps(self) -> list[tuple[Stage, Step]]:
        """Every step with its stage."""
        return [(stage, step) for stage in self.stages for step in stage.steps]

    @cached_property
    def uses_uv(self) -> bool:
        """Whether uv is installed or called in it."""
        called = any(item.uv for _, step in self.steps for item in step.commands)
        return called or any(is_uv_image(stage.image) for stage in self.stages) or _copies_uv(self.steps)

    def line_of(self, step: Step, pattern: str, nth: int = 0) -> int:
        """The line (from 1) of the nth match of ``pattern`` in an instruction; its first line without one."""
        text = "\n".join(self.lines[step.item.start : step.item.end])
        found = list(re.finditer(pattern, text))
        return step.line + (text.count("\n", 0, found[nth].start()) if nth < len(found) else 0)

    def environment(self, stage: Stage) -> PurePosixPath | None:
        """The folder of the environment in the image of ``stage``; ``None`` where there is none or it is not clear."""
        for step in reversed(stage.lineage):
            for command in reversed(step.syncs):
                return _environment(step, command)
            copied = step.copies
            if copied is None or not copied[0]:
                continue
            source = self._stage(copied[0])
            there = self.environment(source) if source is not None and source is not stage else None
            for name in copied[1] if there else ():
                found = expand(name, step.env)
                if found and there and there.is_relative_to(PurePosixPath("/", found)):
                    target = _absolute(step, copied[2])
                    return None if target is None else target / there.relative_to(PurePosixPath("/", found))
        return None

    def _stage(self, name: str) -> Stage | None:
        found = [stage for at, stage in enumerate(self.stages) if name.lower() in (stage.name, str(at))]
        return found[0] if found else None


def is_uv_image(image: str) -> bool:
    """Whether an image is uv's own, under any registry."""
    name = image.partition("@")[0].rpartition("/")[2].partition(":")[0]
    return name == "uv" and "/" in image


def tag_of(image: str) -> str:
    """An image's tag; nothing where there is none or it is named by its digest alone."""
    return image.partition("@")[0].rpartition("/")[2].partition(":")[2]


def _copies_uv(steps: Sequence[tuple[Stage, Step]]) -> bool:
    return any(step.copies is not None and is_uv_image(step.copies[0]) for _, step in steps)


def _environment(step: Step, command: Command) -> PurePosixPath | None:
    # Where uv is told to look for the project; `--active` takes an environment that is not known here.
    if command.has("--active") or {"cd", "pushd"} & {item.program for item in step.commands}:
        return None
    folder = command.value("--directory") or command.value("--project") or step.setting("UV_PROJECT", command) or "."
    target = step.setting("UV_PROJECT_ENVIRONMENT", command) or ".venv"
    made = expand(target, step.env)
    base = _absolute(step, folder)
    return None if made is None or base is None else base / made


def _absolute(step: Step, path: str) -> PurePosixPath | None:
    made = expand(path, step.env)
    if made is None or (step.workdir is None and not made.startswith("/")):
        return None
    return PurePosixPath(*[part for part in ((step.workdir or PurePosixPath("/")) / made).parts if part != "."])


def _stages(items: Sequence[Instruction]) -> list[Stage]:
    before: dict[str, str] = {}
    stages: list[Stage] = []
    for item in items:
        if item.verb == "FROM":
            if (found := _FROM.match(item.text)) is None:
                continue
            name, written = (found["name"] or "").lower(), found["image"]
            base = expand(written, before)
            parent = next((stage for stage in reversed(stages) if stage.name and stage.name == written.lower()), None)
            last = parent.last if parent else None
            inherited = dict(last.env) if last else {}
            start = Step(item, inherited, last.user if last else "", last.workdir if last else PurePosixPath("/"))
            stages.append(Stage(name, base or written, base, parent, start, [start]))
        elif not stages:
            before.update(Step(item, {}, "", None).variables)
        else:
            stages[-1].steps.append(_next(stages[-1].last, item, before))
    return stages


def _next(last: Step, item: Instruction, before: Mapping[str, str]) -> Step:
    """The step of ``item``, with what ``last`` changed and, for `Stage.last`, what the step itself changes."""
    env, user, workdir = last.env, last.user, last.workdir
    step = Step(item, env, user, workdir)
    if step.verb in ("ENV", "ARG"):
        changed = dict(env)
        # An ARG that was set before the first FROM gets that value when it is named again.
        changed.update((name, before[name]) for name in step.names if step.verb == "ARG" and name in before)
        for name, value in step.variables:
            made = expand(value, env)
            changed[name] = value if made is None else made
        env = changed
    elif step.verb == "USER":
        user = expand(step.rest.strip(), env) or step.rest.strip()
    elif step.verb == "WORKDIR":
        # Where it is not known, what follows must not be told either.
        made = expand(step.rest.strip().strip("\"'"), env)
        workdir = None if made is None or (workdir is None and made[:1] != "/") else (workdir or _ROOT) / made
    return Step(item, env, user, workdir)


_ROOT = PurePosixPath("/")
