"""Dockerfiles from pip to uv, changed by position."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from uvdock.formats.dockerfile.stages import Dockerfile
from uvdock.formats.shell.words import Dialect
from uvdock.migrate.commands.context import ExecutionContext
from uvdock.migrate.converters.dockerfile.conversion import Conversion
from uvdock.migrate.converters.dockerfile.harden import harden
from uvdock.migrate.converters.dockerfile.writing import Writing
from uvdock.migrate.model import Converted, Notice, RepoFacts

_PIP = re.compile(r"\bpip[\d.]*\s+install\b")


def convert(path: Path, content: str, facts: RepoFacts) -> Converted:
    """Put uv in the place of pip in a Dockerfile.

    Args:
        path: The Dockerfile, from the repo root.
        content: Its text.
        facts: What is known of the repo.

    Returns:
        The new text, and what stays for a person. Where something of pip has to stay, all of it does: half by uv and
        half by pip is more to read and to build than either.
    """
    done = Conversion(path, Dockerfile(content), facts)
    if done.left:
        return Converted(content, tuple(one for one in done.findings if one.level == "left"), done.projects)
    made = Writing(done).content()
    findings = done.findings
    if facts.harden:
        made, more = harden(path, Dockerfile(made))
        last = max((item.line for item in done.source.items), default=0)
        findings = [*findings, *(replace(one, line=last) for one in more)]
    if not done.source.stages and _PIP.search(content):
        findings = [*findings, Notice(path, 0, "left", "pip, and no FROM: the stage is not known", "by hand, with uv")]
    unique = dict.fromkeys(findings)
    return Converted(made, tuple(sorted(unique, key=lambda one: one.line)))


def scripts(path: Path, content: str, facts: RepoFacts) -> Mapping[Path, ExecutionContext]:
    """The shell scripts that a Dockerfile's RUN calls and that install with pip, each with its context.

    Converted with its context, a script does what the Dockerfile's conversion counts on.
    """
    done = Conversion(path, Dockerfile(content), facts)
    return {} if done.left else done.scripts


@dataclass(frozen=True)
class Container:
    """What a command finds in a container of an image, once its Dockerfile is converted.

    Args:
        place: Where pip installs to there and what uv is told by variables; names are looked up in the image.
        has_uv: Whether uv is there.
    """

    place: ExecutionContext
    has_uv: bool


def container(path: Path, content: str, facts: RepoFacts, target: str = "", user: str = "") -> Container | None:
    """What a command finds in a container of a Dockerfile's image.

    Args:
        path: The Dockerfile, from the repo root.
        content: Its text, before the migration.
        facts: What is known of the repo.
        target: The stage that is built; the last one when empty.
        user: Who runs it, where the image's own user does not.

    Returns:
        What is there; ``None`` for a Dockerfile without such a stage.
    """
    done = Conversion(path, Dockerfile(content), facts)
    stage = done.source.stage(target) if target else done.source.target(None)
    if stage is None:
        return None
    layout = done.layout(stage)
    last = next(step for step in reversed(stage.steps) if step.trigger is None)
    last = replace(last, user=user or last.user)
    place = replace(done.place(last, layout), kind="script", dialect=Dialect(), cached=True)
    return Container(place, layout.has_uv or (layout.arrived and not done.left))
