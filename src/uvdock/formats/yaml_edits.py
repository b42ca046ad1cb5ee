"""Texts and lists in YAML files, edited by position: comments, quotes and layout stay."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

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
    if type(raw).__name__ != "ScalarNode" or not isinstance(raw.value, str):
        return None
    start, end = int(raw.start_mark.index), int(raw.end_mark.index)
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
        return [], convert("", line_at(content, int(node.node.start_mark.index)))
    line = line_at(content, found.start)
    if not found.exact and found.view != found.value and "\n" in content[found.start : found.end]:
        # Escapes on several lines: what a shell sees stands nowhere as it is.
        made = convert(found.value, line)
        return ([], made) if made.text == found.value else None
    if not found.exact:
        made = convert(found.value, line)
        return _requoted(found, made), made
    made = convert(found.view, line)
    if made.text == found.view:
        return [], made
    if not made.text.strip():
        return [], made
    if found.style == "" and (_NOT_PLAIN.search(made.text) or (flow and _FLOW.search(made.text))):
        if "\n" in content[found.start : found.end]:
            return None
        return [TextChange(found.start, found.end, _quoted(made.text))], made
    changes = [_smallest(found, one) for one in made.changes]
    if found.style != "|" and any("\n" in change.text for change in changes):
        return None
    return changes, made


def words(node: Value) -> list[str] | None:
    """The texts of a list of texts; ``None`` for anything else."""
    items = list(node)
    if type(node.node).__name__ != "SequenceNode" or not all(type(i.node).__name__ == "ScalarNode" for i in items):
        return None
    return [str(item.node.value) for item in items]


def word_changes(content: str, node: Value, new: Sequence[str]) -> list[TextChange] | None:
    """The changes that give a list of texts other items; ``None`` where its layout does not allow that."""
    raw = node.node
    start, end = int(raw.start_mark.index), int(raw.end_mark.index)
    if raw.flow_style:
        if "\n" in content[start:end] or "#" in content[start:end]:
            return None
        single = all(str(item.node.style) == "'" for item in node)
        made = ", ".join(_single(word) if single and "'" not in word else json.dumps(word) for word in new)
        return [TextChange(start, end, f"[{made}]")]
    items = list(node)
    if any("\n" in content[int(i.node.start_mark.index) : int(i.node.end_mark.index)] for i in items):
        return None
    first, last = items[0].node, items[-1].node
    if "#" in content[int(first.start_mark.index) : int(last.end_mark.index)]:
        return None
    lead = content[line_start(content, int(first.start_mark.index)) : int(first.start_mark.index)]
    if lead.strip() != "-":
        return None
    made = f"\n{lead}".join(word if _plain(word) else json.dumps(word) for word in new)
    stop = int(last.start_mark.index) + len(content[int(last.start_mark.index) : int(last.end_mark.index)].rstrip())
    return [TextChange(int(first.start_mark.index), stop, made)]


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
    start = int(node.node.start_mark.index)
    begin = line_start(content, start)
    lead = content[begin:start]
    if node.node.flow_style or lead.strip() != "-":
        return None
    depth = len(lead) - len(lead.lstrip(" "))
    at = end = line_end(content, start)
    while at < len(content):
        after = line_end(content, at)
        line = content[at:after]
        stripped = line.lstrip(" ")
        if stripped.strip() and len(line) - len(stripped) <= depth:
            break
        at = after
        if stripped.strip():
            end = after
    while begin > 0:
        above = line_start(content, begin - 1)
        if content[above:begin].lstrip(" ").startswith("#") and len(indent_of(content, above)) == depth:
            begin = above
        else:
            break
    return begin, end


def _block(content: str, start: int, style: str, value: str) -> Region | None:
    first = line_end(content, start)
    key_indent = len(indent_of(content, start))
    if content[line_start(content, start) : start].lstrip().startswith("- "):
        key_indent += 0  # the item's own dash: its text is deeper than that
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


def _requoted(found: Region, made: Rewritten) -> list[TextChange]:
    if made.text == found.value or not made.text.strip():
        return []
    return [TextChange(found.start, found.end, _escaped(made.text, found.style))]


def _escaped(text: str, quote: str) -> str:
    return text.replace("'", "''") if quote == "'" and "\n" not in text else json.dumps(text, ensure_ascii=False)[1:-1]


def _quoted(text: str) -> str:
    return _single(text) if "\n" not in text else json.dumps(text, ensure_ascii=False)


def _single(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _plain(text: str) -> bool:
    return bool(re.fullmatch(r"[A-Za-z./_][\w./:@%+=${}*-]*", text)) and not _NOT_PLAIN.search(text)


def mapping_entry(node: Value, key: str) -> tuple[Any, Value] | None:
    """The key's own node and the value of a mapping's entry."""
    for name, value in node.node.value if type(node.node).__name__ == "MappingNode" else []:
        if str(name.value) == key:
            return name, Value(value)
    return None
