"""What a conversion of a Dockerfile finds and makes, step by step."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from uvdock.formats.dockerfile.stages import Step
from uvdock.migrate.commands.rewrite import Shell


@dataclass(frozen=True)
class Used:
    """A step that brings files of a project, and where the project is then.

    Args:
        number: The step.
        project: The project's folder, from the repo root.
        there: Where it is in the image.
    """

    number: int
    project: Path
    there: PurePosixPath


@dataclass
class RunResult:
    """What became of a RUN, CMD or ENTRYPOINT.

    Args:
        item: The instruction.
        shell: What became of its text.
        body: Its new text after the options; ``None`` where it goes.
        cached: Whether uv gets a cache mount.
        early: The text of a step before the source is copied, and the number of the step that copies it.
    """

    item: Step
    shell: Shell
    body: str | None
    cached: bool = False
    early: tuple[str, int] | None = None
