"""What a Dockerfile says of uv: where it arrives, how it syncs, and how much of it is enough to lock with."""

from __future__ import annotations

import re
import shlex
from pathlib import PurePosixPath
from typing import NamedTuple

from uvdock.formats.dockerfile.instruction import Instruction
from uvdock.formats.dockerfile.stages import Dockerfile, Stage, Step

#: The options of `uv sync` that say what is installed: those without a value, and those with one.
_FLAGS = {
    "--all-extras", "--all-groups", "--all-packages", "--inexact", "--no-default-groups", "--no-dev", "--no-editable",
    "--no-install-project", "--no-install-workspace", "--only-dev",
}  # fmt: skip
_VALUES = {"--extra", "--group", "--no-extra", "--no-group", "--no-install-package", "--only-group", "--package"}
_PACKAGES = re.compile(r"\b(?:npm|yarn|pnpm|bun)\s+(?:-\S+\s+)*(?:ci|i|install|add|run|build|fetch|exec)\b")


def up_to_uv(content: str) -> str | None:
    """The Dockerfile up to the step that needs the lock: an image with the uv and the Python of the build.

    Its layers are the real build's own, so the real build reuses them. What copies the lock before uv arrives
    is left out.

    Returns:
        ``None`` when uv does not arrive before that step, so that such an image would have none.
    """
    with_uv: dict[Stage | None, bool] = {}
    made, start = "", 0
    for stage in (file := Dockerfile(content)).stages:
        # A stage has the uv of the stage or image it is made from (`ghcr.io/astral-sh/uv:python3.13-trixie`).
        named = "uv" in re.split(r"[/:@._-]", stage.image) and "python" in stage.image
        has_uv = with_uv.get(stage.parent, named)
        for step in stage.steps:
            if _brings_uv(step):
                has_uv = True
                continue
            needs = "uv.lock" in step.text or re.search(r"\buv\s+(sync|lock|export|pip|run)\b", step.text)
            if has_uv and (needs or _copies(step)):
                return made + file.text[start : step.start]
            if step.verb in ("COPY", "ADD") and "uv.lock" in step.text:
                made, start = made + file.text[start : step.start], step.end
        with_uv[stage] = has_uv
    return None


def before_packages(content: str, target: str | None = None) -> str:
    """The Dockerfile up to the step of stage ``target`` that needs a package.json: an image to lock with.

    Its layers are the real build's own, so the real build reuses them.
    """
    file = Dockerfile(content)
    stage = file.target(target)
    for step in stage.lineage if stage else ():
        if _copies(step) or (step.verb == "RUN" and _installs(step.text)):
            return content[: step.start]
    after = [one for one in file.stages if stage and one.number > stage.number]
    return content[: after[0].steps[0].start] if after else content


class BuildSync(NamedTuple):
    """How an image's build installs the project.

    Args:
        flags: What `uv sync` selects, as options of it.
        folder: The folder it runs in; ``None`` where that is not written out.
    """

    flags: tuple[str, ...] = ()
    folder: PurePosixPath | None = None


def last_sync(content: str, target: str | None = None) -> BuildSync:
    """The last `uv sync` up to the end of stage ``target``, for a running container to get the same.

    Only options that are written out count; one with a variable in it is left out.
    """
    found = BuildSync()
    file = Dockerfile(content)
    last = file.target(target)
    for step in (step for stage in file.stages if last and stage.number <= last.number for step in stage.steps):
        if step.verb != "RUN" or not re.search(r"\buv\s+sync\b", step.text):
            continue
        command = re.split(r"[;&|\n]", re.split(r"\buv\s+sync\b", step.text)[-1])[0]
        try:
            words = shlex.split(command)
        except ValueError:
            continue
        found = BuildSync(tuple(_selected(words)), _folder(step))
    return found


def _folder(step: Step) -> PurePosixPath | None:
    """Where a step runs; ``None`` where a variable decides it: a build may be given another value."""
    written = [one.value for one in step.stage.lineage if one.verb == "WORKDIR" and one.number < step.number]
    for value in reversed(written):
        if "$" in value:
            return None
        if value.startswith("/"):
            break
    return step.workdir


def _brings_uv(step: Instruction) -> bool:
    copied = step.verb == "COPY" and "uv" in step.option("from").lower()
    return copied or (step.verb == "RUN" and re.search(r"\binstall\b.*\buv\b", step.text) is not None)


def _copies(step: Instruction) -> bool:
    """Whether a step copies from the context."""
    return step.verb in ("COPY", "ADD") and not step.option("from")


def _installs(text: str) -> bool:
    """Whether a RUN needs the packages or their manifest; what it installs for the whole image does not."""
    for command in re.split(r"&&|\|\||[;\n]", text):
        if "package.json" in command or re.fullmatch(r"(RUN\s+)?(--\S+\s+)*yarn\s*", command.strip()):
            return True
        if _PACKAGES.search(command) and not re.search(r"\s(-g|--global|global)\b", command):
            return True
    return False


def _selected(words: list[str]) -> list[str]:
    flags: list[str] = []
    waiting = iter(words)
    for word in waiting:
        name, equals, value = word.partition("=")
        if name in _VALUES:
            value = value if equals else next(waiting, "$")
            flags += [name, value] if "$" not in value else []
        elif name in _FLAGS and "$" not in value:
            flags.append(name)
    return flags
