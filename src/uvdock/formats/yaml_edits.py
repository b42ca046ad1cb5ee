"""Texts and lists in YAML files, edited by position: comments, quotes and layout stay."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeVar

from uvdock.errors import UvdockError
from uvdock.formats import yaml
from uvdock.formats.edits import TextChange, indent_of, line_at, line_end, line_start
from uvdock.formats.yaml import Value

#: What a plain scalar may not begin with, or have in it (https://yaml.org/spec/1.2.2/#733-plain-style).
_NOT_PLAIN = re.compile(r"^[-?:](?:\s|$)|^[,\[\]{}#&*!|>'\"%@`]|:(?:\s|$)|\s#|^\s|\s$|[\n\t]")
_FLOW = re.compile(r"[,\[\]{}]")


def read(content: str, name: str) -> Value | None:
    """The document of a YAML file; ``None`` for one that is empty, none, or several."""
    try:
        return yaml.read(content, name)
    except UvdockError:
        return None


class Rewritten(Protocol):
    """What became of a text: the new one, and the changes that make it of the old one."""

    @property
    def text(self) -> str:
        """The new text."""

    @property
    def changes(self) -> Sequence[TextChange]:
        """The changes, in order."""


R = TypeVar("R", bound=Rewritten)


@dataclass(frozen=True)
class Region:
    """Where the text of a scalar stands.

    Args:
        start: Where it begins in the file, without quotes; of a block, where its first line begins.
        end: Where it ends.
        view: What a shell sees of it, with every character at its own place.
        indent: What each line of a block begins with.
        style: ``|``, ``>``, ``'``, ``"``, or nothing for a plain one.
        value: The text that YAML reads.
    """

    start: int
    end: int
    view: str
    indent: str
    style: str
    value: str

    @property
    def exact(self) -> bool:
        """Whether a change in the view is one in the file, at the same place."""
        return self.style in ("|", ">", "")


def region(content: str, node: Value) -> Region | None:
    """The place of a scalar's text; ``None`` for what is none, or no text."""
    raw = node.node
    if not node.is_scalar or not isinstance(raw.value, str):
        return None
    start, end = node.start, node.end
    style = str(raw.style or "")
    if style in ("|", ">"):
        return _block(content, start, style, raw.value)
    if style in ("'", '"'):
        start, end = start + 1, end - 1
    text = content[start:end].rstrip() if not style else content[start:end]
    folded = re.sub(r"[ \t]*\n[ \t\n]*", lambda match: " " * len(match[0]), text)
    return Region(start, start + len(text), folded, indent_of(content, start), style, raw.value)


def shell_changes(  # noqa: PLR0911 - each style of a scalar has its own way back
    content: str, node: Value, convert: Callable[[str, int], R], *, flow: bool = False
) -> tuple[list[TextChange], R] | None:
    """The changes of a file that convert the shell text of a scalar.

    Args:
        content: The file.
        node: The scalar.
        convert: Converts a shell text that begins on a line of the file.
        flow: Whether the scalar stands between brackets.

    Returns:
        The changes, and what became of the text; ``None`` where the text would change and cannot be put back
        into its place.
    """
    found = region(content, node)
    if found is None:
        return [], convert("", node.line)
    seen = found.view if found.exact else found.value
    made = convert(seen, line_at(content, found.start))
    if made.text == seen:
        return [], made
    several = "\n" in content[found.start : found.end]
    if several and not found.exact and found.view != found.value:
        # Escapes on several lines: what a shell sees stands nowhere as it is.
        return None
    if not made.text.strip():
        return [], made
    if not found.exact:
        return [TextChange(found.start, found.end, _escaped(made.text, found.style))], made
    if found.style == "" and (_NOT_PLAIN.search(made.text) or (flow and _FLOW.search(made.text))):
        return None if several else ([TextChange(found.start, found.end, _quoted(made.text))], made)
    changes = [_smallest(found, one) for one in made.changes]
    if found.style != "|" and any("\n" in change.text for change in changes):
        return None
    return changes, made


def words(node: Value) -> list[str] | None:
    """The texts of a list of texts; ``None`` for anything else."""
    items = list(node)
    if type(node.node).__name__ != "SequenceNode" or not all(item.is_scalar for item in items):
        return None
    return [str(item.node.value) for item in items]


def word_changes(content: str, node: Value, new: Sequence[str]) -> list[TextChange] | None:
    """The changes that give a list of texts other items; ``None`` where its layout does not allow that."""
    if node.is_flow:
        if "\n" in content[node.start : node.end] or "#" in content[node.start : node.end]:
            return None
        single = all(str(item.node.style) == "'" for item in node)
        made = ", ".join(_single(word) if single and "'" not in word else json.dumps(word) for word in new)
        return [TextChange(node.start, node.end, f"[{made}]")]
    items = list(node)
    first, last = items[0], items[-1]
    if any("\n" in content[item.start : item.end] for item in items) or "#" in content[first.start : last.end]:
        return None
    lead = content[line_start(content, first.start) : first.start]
    if lead.strip() != "-":
        return None
    made = f"\n{lead}".join(word if _plain(word) else json.dumps(word) for word in new)
    stop = last.start + len(content[last.start : last.end].rstrip())
    return [TextChange(first.start, stop, made)]


def item_changes(content: str, node: Value, new: Sequence[str]) -> list[TextChange] | None:
    """The changes that put several items in the place of one on its own line: ``- requirements.txt``."""
    found = region(content, node)
    if found is None or found.style in ("|", ">"):
        return None
    quote = found.style
    start, end = found.start - len(quote), found.end + len(quote)
    lead = content[line_start(content, start) : start]
    if lead.strip() != "-" or "\n" in content[start:end]:
        return None
    texts = [f"{quote}{word}{quote}" if quote or _plain(word) else json.dumps(word) for word in new]
    return [TextChange(start, end, f"\n{lead}".join(texts))]


def entry_changes(
    content: str, mapping: Value, gone: Collection[str], first: Sequence[str], last: Sequence[str]
) -> list[TextChange]:
    """The changes that give a mapping entries (``key: value``) before and after its own, without those that go."""
    entries = mapping.entries()
    if mapping.is_flow:
        kept = [content[key.start : value.end] for key, value in entries if key.text not in gone]
        gap = " " if content[mapping.start + 1] == " " else ""
        return [TextChange(mapping.start, mapping.end, f"{{{gap}{', '.join([*first, *kept, *last])}{gap}}}")]
    lines = [lines_of_entry(content, key) for key, _ in entries]
    lead = indent_of(content, entries[0][0].start)
    begin, end = lines[0][0], lines[-1][1]
    return [
        TextChange(begin, begin, "".join(f"{lead}{item}\n" for item in first)),
        *(TextChange(*place, "") for (key, _), place in zip(entries, lines, strict=True) if key.text in gone),
        TextChange(end, end, "".join(f"{lead}{item}\n" for item in last)),
    ]


def scalar_change(content: str, node: Value, new: str) -> list[TextChange] | None:
    """The change that gives a one-line scalar another text, in its own quotes."""
    found = region(content, node)
    if found is None or found.style in ("|", ">") or "\n" in content[found.start : found.end]:
        return None
    if found.style:
        return [TextChange(found.start, found.end, _escaped(new, found.style))]
    return [TextChange(found.start, found.end, new if _plain(new) else json.dumps(new))]


def lines_of_item(content: str, node: Value) -> tuple[int, int] | None:
    """The whole lines of a list's item that is a mapping in block style, with the ``-`` before it.

    Comments that stand right above it, at its own depth, belong to it.
    """
    begin = line_start(content, node.start)
    lead = content[begin : node.start]
    if node.is_flow or lead.strip() != "-":
        return None
    depth = len(lead) - len(lead.lstrip(" "))
    end = _end_of_deeper(content, node.start, depth)
    while begin > 0:
        above = line_start(content, begin - 1)
        if not content[above:begin].lstrip(" ").startswith("#") or len(indent_of(content, above)) != depth:
            break
        begin = above
    return begin, end


def lines_of_entry(content: str, key: Value) -> tuple[int, int]:
    """The whole lines of a mapping's entry in block style, with those of its value."""
    begin = line_start(content, key.start)
    return begin, _end_of_deeper(content, key.start, key.start - begin)


def _end_of_deeper(content: str, start: int, depth: int) -> int:
    """Where the last line ends that is deeper than ``depth`` and follows the line at ``start``."""
    at = end = line_end(content, start)
    while at < len(content):
        after = line_end(content, at)
        line = content[at:after]
        if line.strip():
            if len(line) - len(line.lstrip(" ")) <= depth:
                break
            end = after
        at = after
    return end


def _block(content: str, start: int, style: str, value: str) -> Region | None:
    first = line_end(content, start)
    key_indent = len(indent_of(content, start))
    at = end = first
    depth: int | None = None
    while at < len(content):
        after = line_end(content, at)
        line = content[at:after]
        if line.strip():
            width = len(line) - len(line.lstrip(" "))
            depth = width if depth is None else depth
            if width < depth or (width <= key_indent and depth <= key_indent):
                break
            end = after
        at = after
    if depth is None:
        return None
    text = content[first:end]
    ends = text.endswith("\n")
    body = text[:-1] if ends else text
    view = body if style == "|" else _folded(body, depth)
    return Region(first, first + len(body), view, " " * depth, style, value)


def _smallest(found: Region, change: TextChange) -> TextChange:
    """A change in the view as one in the file, without what is the same before and after.

    A script in quotes is changed as a whole; its lines, which have their places in the file, stay so.
    """
    old, new = found.view[change.start : change.end], change.text
    head = _common(old, new)
    tail = _common(old[head:][::-1], new[head:][::-1])
    text = re.sub(r"\n(?=[^\n])", f"\n{found.indent}", new[head : len(new) - tail])
    start, end = found.start + change.start + head, found.start + change.end - tail
    return TextChange(start, end, text)


def _common(one: str, other: str) -> int:
    """How many characters two texts begin with alike."""
    return next((at for at, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other)))


def _folded(text: str, depth: int) -> str:
    """The view of a ``>`` block: a line end is a blank, but beside an empty line or a deeper one."""
    lines = text.split("\n")
    plain = [bool(line.strip()) and len(line) - len(line.lstrip(" ")) == depth for line in lines]
    joined = lines[0]
    for at in range(1, len(lines)):
        joined += (" " if plain[at - 1] and plain[at] else "\n") + lines[at]
    return joined


def _escaped(text: str, quote: str) -> str:
    return text.replace("'", "''") if quote == "'" and "\n" not in text else json.dumps(text, ensure_ascii=False)[1:-1]


def _quoted(text: str) -> str:
    return _single(text) if "\n" not in text else json.dumps(text, ensure_ascii=False)


def _single(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _plain(text: str) -> bool:
    return bool(re.fullmatch(r"[A-Za-z./_][\w./:@%+=${}*-]*", text)) and not _NOT_PLAIN.search(text)
