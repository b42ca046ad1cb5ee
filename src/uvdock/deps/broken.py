"""Why uv cannot resolve a project: the lines that are no requirement, else uv's own words."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from packaging.requirements import InvalidRequirement, Requirement

from uvdock.deps import survey, uvcommand
from uvdock.errors import UvdockError
from uvdock.project import Project

if TYPE_CHECKING:
    from uvdock.deps.survey import Manifest
    from uvdock.process import Output


def unresolved(project: Project, output: Output, what: str = "uv cannot resolve this project") -> UvdockError:
    """The error for a project that uv could not resolve.

    Args:
        project: The project.
        output: What uv left.
        what: What it could not do, where no line is to blame.
    """
    return named(survey.manifests(project)) or UvdockError(
        f"{what}: {uvcommand.words(output)}",
        where=str(project.pyproject),
        fix="correct what uv names; nothing was changed",
        code=output.code,
    )


def named(listed: Sequence[Manifest]) -> UvdockError | None:
    """The error that names the lines that are no requirement; ``None`` where every one is.

    To be asked when uv has refused them: it takes some that the standard does not.
    """
    found = [place for manifest in listed for place in _places(manifest)]
    if not found:
        return None
    (what, where), *more = found
    also = f" ({len(more)} more: {', '.join(place for _, place in more)})" if more else ""
    return UvdockError(what, where=f"{where}{also}", fix="correct that line, as `name>=1.0`; nothing was changed")


def _places(manifest: Manifest) -> Iterator[tuple[str, str]]:
    """What is wrong with each such line, and where it stands."""
    for item in manifest.lines:
        if item.line is None:
            keys = ".".join(map(str, item.path[:-1]))
            yield f"{item.text!r} is no requirement: {_why(item.text)}", f"{_line(manifest.path, item.text)} [{keys}]"


def _line(path: Path, text: str) -> str:
    """The file and the number of the line with a text in quotes."""
    lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
    numbers = [number for number, line in enumerate(lines, 1) if f'"{text}"' in line or f"'{text}'" in line]
    return f"{path}:{numbers[0]}" if numbers else str(path)


def _why(text: str) -> str:
    try:
        Requirement(text)
    except InvalidRequirement as error:
        return str(error).splitlines()[0]
    return "it cannot be read"
