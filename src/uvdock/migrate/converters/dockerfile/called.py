"""The shell scripts of the repo that a RUN calls, and where each of them runs."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

from uvdock.formats.dockerfile.stages import Step
from uvdock.formats.shell.words import Dialect
from uvdock.migrate.commands.context import ExecutionContext, Names
from uvdock.migrate.converters.dockerfile import lookahead

_SHELLS = {"sh", "bash", "ash", "dash", ".", "source"}


def called(
    item: Step, dialect: Dialect, place: ExecutionContext, files: Mapping[Path, str]
) -> Iterator[tuple[Path, ExecutionContext]]:
    """The scripts that an instruction calls, by their paths from the repo root, and where each runs.

    Args:
        item: The instruction.
        dialect: The Dockerfile's.
        place: Where the instruction's own text runs.
        files: The repo's text files.
    """
    for command, _ in lookahead.calls(item, dialect):
        names = [word.text for word in command.words[command.lead :]]
        if names and names[0].rpartition("/")[2] in _SHELLS:
            names = [name for name in names[1:] if not name.startswith("-")]
        path = place.find(names[0]) if names else None
        if path is not None and path in files and _is_shell(path, files[path]):
            yield path, _inside(place, path, posixpath.dirname(names[0]) or ".")


def _inside(place: ExecutionContext, path: Path, folder: str) -> ExecutionContext:
    def itself(to: str) -> Names:
        return place.names.moved(posixpath.normpath(posixpath.join(folder, to)))

    return replace(place, path=path, line=1, dialect=Dialect(), names=replace(place.names, itself=itself))


def _is_shell(path: Path, text: str) -> bool:
    return path.suffix in (".sh", ".bash") or bool(re.match(r"#!.*\b(?:ba|da|a|z)?sh\b", text))
