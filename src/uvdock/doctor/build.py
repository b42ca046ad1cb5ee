"""A Dockerfile as a build of the repo: its context, its images, and what uv does in them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path, PurePosixPath

from uvdock.deps.uvcommand import subcommand
from uvdock.doctor.model import lines_of
from uvdock.engine.ignore import Ignored
from uvdock.formats.dockerfile.expansion import expand
from uvdock.formats.dockerfile.stages import Dockerfile, Stage, Step
from uvdock.formats.image import name_of
from uvdock.formats.shell.invocations import Invocation


@dataclass(eq=False)
class Build(Dockerfile):
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
        return lines_of(self.text)

    @cached_property
    def finals(self) -> list[Stage]:
        """The stages that become images."""
        wanted = [self.stage(name) for name in self.targets]
        return [stage for stage in self.stages if stage in wanted] or self.stages[-1:]

    @cached_property
    def uses_uv(self) -> bool:
        """Whether uv is installed or called in it."""
        images = [*(stage.image for stage in self.stages), *(step.copies[0] for step in self.steps if step.copies)]
        return any(map(is_uv_image, images)) or any(asked(run) for step in self.steps for run in step.invocations)

    def line_in(self, step: Step, pattern: str, nth: int = 0) -> int:
        """The line (from 1) of the nth match of ``pattern`` in an instruction; its first line without one."""
        found = list(re.finditer(pattern, self.text[step.start : step.end]))
        return self.line_of(step.start + found[nth].start()) if nth < len(found) else step.line

    def environment(self, stage: Stage) -> PurePosixPath | None:
        """The folder of the environment in the image of ``stage``; ``None`` where there is none or it is not clear."""
        for step in reversed(stage.lineage):
            for run in reversed(syncs(step)):
                return _environment(step, run)
            copied = step.copies
            if copied is None or not copied[0]:
                continue
            source = self.stage(copied[0])
            there = self.environment(source) if source is not None and source is not stage else None
            for name in copied[1] if there else ():
                found = expand(name, step.env)
                if found and there and there.is_relative_to(PurePosixPath("/", found)):
                    target = step.path(copied[2])
                    return None if target is None else target / there.relative_to(PurePosixPath("/", found))
        return None


def is_uv_image(image: str) -> bool:
    """Whether an image is uv's own, under any registry."""
    return name_of(image) == "uv" and "/" in image


def asked(run: Invocation) -> str:
    """``sync``, ``pip install``, ``run``, ...: what uv is asked to do; nothing for another program."""
    if run.program != "uv":
        return ""
    name = subcommand(run.arguments)
    if name in ("pip", "tool", "python", "cache"):
        name = f"{name} {subcommand(run.arguments[run.arguments.index(name) + 1 :])}".strip()
    return name


def installing(run: Invocation) -> bool:
    """Whether uv installs packages by a command."""
    named = asked(run) in ("sync", "pip install", "pip sync", "add", "tool install")
    return named and not run.has("--dry-run", "--check", "--help", "-h")


def installs(step: Step) -> list[Invocation]:
    """The commands of a RUN by which uv installs packages."""
    return [run for run in step.invocations if step.verb == "RUN" and installing(run)]


def syncs(step: Step) -> list[Invocation]:
    """The `uv sync` commands of a RUN that are more than a look."""
    return [run for run in installs(step) if asked(run) == "sync"]


def _environment(step: Step, run: Invocation) -> PurePosixPath | None:
    # Where uv is told to look for the project; `--active` takes an environment that is not known here.
    if run.has("--active") or {"cd", "pushd"} & {other.program for other in step.invocations}:
        return None
    folder = run.value("--directory") or run.value("--project") or step.setting("UV_PROJECT", run) or "."
    target = expand(step.setting("UV_PROJECT_ENVIRONMENT", run) or ".venv", step.env)
    base = step.path(folder)
    return None if target is None or base is None else base / target
