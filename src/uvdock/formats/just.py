"""The lines of a justfile: what each is, and where its parts stand."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from uvdock.formats.edits import lines_of
from uvdock.formats.make import Statement, classified

#: What a line that is not indented may be, in this order.
_KINDS: Mapping[str, re.Pattern[str]] = {
    "empty": re.compile(r"\s*"),
    "comment": re.compile(r"#.*"),
    "attribute": re.compile(r"\[\s*(?P<name>[\w-]+)\s*(?:[:(]\s*(?P<value>.*?)\s*\)?)?\s*\]"),
    "alias": re.compile(r"alias\s+(?P<name>[\w-]+)\s*:=\s*(?P<target>\S+)"),
    "setting": re.compile(r"(?:set|unexport)\s.*"),
    "include": re.compile(r"(?:import|mod)\??\s+(?P<files>.*)"),
    "assignment": re.compile(r"(?:export\s+)?(?P<name>[A-Za-z_][\w-]*)\s*:=\s*(?P<value>.*)"),
    "rule": re.compile(r"@?(?P<name>[A-Za-z_][\w-]*)(?P<parameters>(?:\s+[^:]*?)?)\s*:(?!=)(?P<needs>.*)"),
}


def read(content: str) -> Iterator[Statement]:
    """The lines of a justfile, in order; what is indented is a recipe's."""
    for line, (start, whole) in enumerate(lines_of(content), 1):
        text = whole.removesuffix("\n")
        if text.strip() and text.startswith((" ", "\t")):
            yield Statement("recipe", start, line, text)
        else:
            kind, found = classified(text, _KINDS)
            yield Statement(kind, start, line, text, found)
