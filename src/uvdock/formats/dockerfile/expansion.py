"""Variables in the text of a Dockerfile (https://docs.docker.com/reference/dockerfile/#environment-replacement)."""

from __future__ import annotations

import re
from collections.abc import Mapping

_VARIABLE = re.compile(r"\$(?:\{(?P<name>\w+)(?:(?P<how>:?[-+?])(?P<word>[^{}]*))?\}|(?P<bare>\w+))")


def expand(text: str, values: Mapping[str, str]) -> str | None:
    """``text`` with its variables put in; ``None`` where one is not known."""
    missing: list[str] = []

    def put_in(match: re.Match[str]) -> str:
        name, how = match["name"] or match["bare"], match["how"] or ""
        value = values.get(name)
        there = bool(value) if how.startswith(":") else value is not None
        if how.endswith("+"):
            return match["word"] if there else ""
        if not there and how.endswith("-"):
            return str(match["word"])
        if not there:
            missing.append(name)
        return value or ""

    made = _VARIABLE.sub(put_in, text)
    return None if missing or "$" in made else made
