"""The lines of a Makefile: what each is, and where its parts stand."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from uvdock.formats.edits import lines_of

ASSIGNMENT = re.compile(
    r"(?s)(?:(?:export|override)\s+)*(?P<name>[A-Za-z_.][\w.-]*)\s*(?P<how>::?:?|\?|\+|!)?=[ \t]*(?P<value>.*)"
)
#: What a line may be, in this order.
_KINDS: Mapping[str, re.Pattern[str]] = {
    "empty": re.compile(r"\s*"),
    "comment": re.compile(r"(?s)#.*"),
    "if": re.compile(r"(?s)(?:ifeq|ifneq|ifdef|ifndef)\b.*"),
    "endif": re.compile(r"(?s)endif.*"),
    "define": re.compile(r"(?s)define\s+(?P<name>\S+).*"),
    "assignment": ASSIGNMENT,
    "include": re.compile(r"(?s)(?:-?include|sinclude)\b(?P<files>.*)"),
    "directive": re.compile(r"(?s)(?:export|unexport|vpath|undefine|else|private)\b.*"),
    "rule": re.compile(r"(?s)(?P<targets>[^\s#:=][^#:=]*?)\s*::?(?!=)(?P<rest>.*)"),
}
#: `$(NAME)`, `${NAME}`, `$N`, and `$$`.
REFERENCE = re.compile(r"\$(?:\((?P<round>[^()]*)\)|\{(?P<curly>[^{}]*)\}|(?P<one>.)|$)")


@dataclass(frozen=True)
class Statement:
    """A line of a Makefile with those that continue it, or a line of a justfile.

    Args:
        kind: What it is: ``recipe``, ``defined`` for what stands between `define` and `endef`, a key of the format's
            kinds, or nothing for a line that is not understood.
        start: Where it begins in the file.
        line: Its number, from 1.
        text: The line, without its end.
        found: Its parts by their names, with their places in the text.
    """

    kind: str
    start: int
    line: int
    text: str
    found: re.Match[str] | None = None

    @property
    def end(self) -> int:
        """Where the line after it begins."""
        return self.start + len(self.text) + 1

    def part(self, name: str) -> str:
        """A part of it on one line: a backslash that continues a line is a blank."""
        return re.sub(r"\s*\\\n\s*", " ", self.found[name] or "").strip() if self.found else ""


def read(content: str) -> Iterator[Statement]:
    """The lines of a Makefile, in order."""
    defining = False
    line = 1
    for start, text in _logical(content):
        if defining:
            defining = text.strip() != "endef"
            yield Statement("defined", start, line, text)
        elif text.startswith("\t"):
            yield Statement("recipe", start, line, text)
        else:
            kind, found = classified(text, _KINDS)
            defining = kind == "define"
            yield Statement(kind, start, line, text, found)
        line += text.count("\n") + 1


def classified(text: str, kinds: Mapping[str, re.Pattern[str]]) -> tuple[str, re.Match[str] | None]:
    """The first kind whose pattern fits a line without the blanks around it, and its parts."""
    end = len(text.rstrip())
    begin = min(len(text) - len(text.lstrip()), end)
    matches = ((kind, pattern.fullmatch(text, begin, end)) for kind, pattern in kinds.items())
    return next(((kind, found) for kind, found in matches if found), ("", None))


def _logical(content: str) -> Iterator[tuple[int, str]]:
    parts: list[str] = []
    begun = 0
    for start, line in lines_of(content):
        begun = begun if parts else start
        parts.append(line)
        if not (len(line.rstrip("\n")) - len(line.rstrip("\n").rstrip("\\"))) % 2:
            yield begun, "".join(parts).removesuffix("\n")
            parts = []
    if parts:
        yield begun, "".join(parts)


def name_in(reference: re.Match[str]) -> str:
    """The name in what `REFERENCE` found; ``$`` for a dollar sign of the shell."""
    return reference["round"] or reference["curly"] or reference["one"] or ""
