"""The code blocks of Markdown and reStructuredText, with their places."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from uvdock.formats.edits import lines_of

_FENCE = re.compile(r"(?P<indent>[ \t]*(?:>[ \t]?)*)(?P<fence>`{3,}|~{3,})[ \t]*(?P<language>[\w+-]*)[^`\n]*$")
#: Lines that are code since they are indented, below an empty line or at the start.
_INDENTED = re.compile(
    r"(?m)(?:\A|^[ \t]*\n)(?P<code>(?: {4}|\t)[ \t]*\S[^\n]*(?:\n|\Z)"
    r"(?:(?:[ \t]*\n)*(?: {4}|\t)[ \t]*\S[^\n]*(?:\n|\Z))*)"
)
_LISTED = re.compile(r"[ \t]{0,3}(?:[-*+]|\d+[.)])[ \t]")
_DIRECTIVE = re.compile(r"[ \t]*\.\.[ \t]+(?:code-block|code|sourcecode|prompt)::[ \t]*(?P<language>[\w-]*)")


@dataclass(frozen=True)
class CodeBlock:
    """The lines of a code block: where they begin and end, and the language that the document names; may be empty."""

    start: int
    end: int
    language: str = ""


def markdown(content: str) -> list[CodeBlock]:
    """The code blocks of a Markdown text, in order; without those in quotes (``>``)."""
    found, outside = [], content
    for start, quoted, block in _fences(content):
        if not quoted and block.end < len(content):
            found.append(block)
        outside = outside[:start] + re.sub(r"[^\n]", " ", content[start : block.end]) + outside[block.end :]
    spans = [match.span("code") for match in _INDENTED.finditer(outside)]
    found += [CodeBlock(*span) for span in spans if not _in_list(outside[: span[0]])]
    return sorted(found, key=lambda one: one.start)


def _fences(content: str) -> Iterator[tuple[int, bool, CodeBlock]]:
    """Each fenced block with the start of its first fence and whether it is quoted; one without an end has all."""
    opened: re.Match[str] | None = None
    begin = first = 0
    for start, line in lines_of(content):
        if opened is None:
            opened = _FENCE.match(line)
            begin, first = start, start + len(line)
            continue
        bare = line.strip().lstrip("> \t")
        if bare and set(bare) == {opened["fence"][0]} and len(bare) >= len(opened["fence"]):
            yield begin, ">" in opened["indent"], CodeBlock(first, start, opened["language"].lower())
            opened = None
    if opened is not None:
        yield begin, False, CodeBlock(first, len(content), opened["language"].lower())


def _in_list(before: str) -> bool:
    """Whether what is indented here belongs to a list, by the lines before it."""
    for line in reversed(before.split("\n")):
        if line.strip() and not line.startswith(("    ", "\t")):
            if _LISTED.match(line):
                return True
            if line[0] not in " \t":
                return False
    return False


def restructured(content: str) -> list[CodeBlock]:
    """The code blocks of a reStructuredText, in order: directives, and what follows a line with ``::`` at its end."""
    found: list[CodeBlock] = []
    lines = list(lines_of(content))
    for at, (start, line) in enumerate(lines):
        directive = _DIRECTIVE.match(line)
        literal = line.rstrip().endswith("::") and not line.lstrip().startswith("..")
        if not (directive or literal) or (found and start < found[-1].end):
            continue
        end = begin = start + len(line)
        for _, text in lines[at + 1 :]:
            if text.strip() and _depth(text) <= _depth(line):
                break
            end += len(text)
        if end > begin:
            found.append(CodeBlock(begin, end, directive["language"].lower() if directive and not literal else ""))
    return found


def _depth(line: str) -> int:
    return len(line) - len(line.lstrip(" \t"))
