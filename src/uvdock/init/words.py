"""Bash as words, operators and comments, each with its line; what is not understood is kept with its reason.

It is no shell: it knows as much as it takes to find the functions of a script and to read plain calls exactly.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

_OPERATORS = re.compile(r";;&|;;|;&|&&|\|\||\|&|&>>|&>|<<<|<<-|<<|<&|>&|>>|>\||<>|[;|&<>()\n]")
_META = frozenset(" \t\n;&|<>()")
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*|[0-9]")
_INSIDE = re.compile(r"(?P<name>[A-Za-z_][A-Za-z0-9_]*|[0-9]+)(?:(?P<how>:?-)(?P<default>.*))?", re.DOTALL)
_PLAIN = re.compile(r"""(?P<quote>["']?)(?P<text>[^"'$`\\{}]*)(?P=quote)""")
_BRACES = re.compile(r"\{[^{}\s]*(,|\.\.)[^{}\s]*\}")
_PATTERN = re.compile(r"[*?]|\[.+\]")
_ASSIGNMENT = re.compile(r"(?P<name>[A-Za-z_][A-Za-z0-9_]*)\+?=")
_SPECIAL = frozenset("*#?$!-")


@dataclass(frozen=True)
class Part:
    """A piece of a word.

    ``text`` is the text itself, the variable's name, or why the piece is not understood.
    """

    kind: Literal["text", "variable", "rest", "bad"]
    text: str = ""
    default: str | None = None
    quoted: bool = False


@dataclass(frozen=True)
class Word:
    """One word of a command, as its pieces."""

    parts: tuple[Part, ...]
    line: int

    @property
    def literal(self) -> str | None:
        """The word's text where it has no variable in it."""
        if all(part.kind == "text" for part in self.parts):
            return "".join(part.text for part in self.parts)
        return None

    @property
    def bare(self) -> str:
        """The word's text where nothing of it is quoted, as a reserved word must be; else an empty text."""
        return "" if any(part.quoted for part in self.parts) else self.literal or ""

    @property
    def is_rest(self) -> bool:
        """Whether it is ``"$@"``: the further arguments, and nothing else."""
        return [part.kind for part in self.parts if part.kind != "text" or part.text] == ["rest"]

    @property
    def assigned(self) -> str:
        """The variable that the word sets (``NAME=…``); else an empty text."""
        first = self.parts[0] if self.parts else None
        if first is None or first.kind != "text" or first.quoted:
            return ""
        found = _ASSIGNMENT.match(first.text)
        return found["name"] if found else ""

    @property
    def value(self) -> Word:
        """Of an assignment, what is behind the equals sign."""
        first = self.parts[0]
        rest = Part("text", first.text.partition("=")[2])
        return Word((rest, *self.parts[1:]), self.line)

    def expands(self) -> str:
        """What a shell would make several words or other text of: a pattern, braces, a ``~``; else an empty text."""
        plain = "".join(part.text if part.kind == "text" and not part.quoted else "\0" for part in self.parts)
        if _BRACES.search(plain):
            return "braces"
        if plain.startswith("~"):
            return "~"
        return "pattern" if _PATTERN.search(plain) and plain != "[" else ""


@dataclass(frozen=True)
class Operator:
    """A line's end, ``;``, ``&&``, a pipe, a redirect, a parenthesis."""

    text: str
    line: int


@dataclass(frozen=True)
class Comment:
    """A comment without its ``#``, and whether it has the line to itself."""

    text: str
    line: int
    alone: bool


@dataclass(frozen=True)
class Broken:
    """Where reading had to stop, and why."""

    why: str
    line: int


Token = Word | Operator | Comment | Broken


class _UnclosedError(Exception):
    def __init__(self, why: str, line: int) -> None:
        super().__init__(why)
        self.broken = Broken(why, line)


def tokens(text: str, line: int = 1) -> list[Token]:
    """Read a script.

    Args:
        text: The script, or a piece of one.
        line: The number of its first line.

    Returns:
        Its tokens; the last one is a `Broken` where a quote, a brace or a parenthesis is never closed.
    """
    reader = _Reader(text.replace("\r\n", "\n"), line)
    try:
        reader.read()
    except _UnclosedError as unclosed:
        reader.found.append(unclosed.broken)
    return reader.found


class _Reader:
    def __init__(self, text: str, line: int) -> None:
        self.text = text
        self.at = 0
        self.first = line
        self.counted = (0, line)
        self.found: list[Token] = []
        self.heredocs: list[bool] = []
        self.ends: list[tuple[str, bool]] = []

    @property
    def line(self) -> int:
        at, line = self.counted
        if self.at < at:
            at, line = 0, self.first
        self.counted = (self.at, line + self.text.count("\n", at, self.at))
        return self.counted[1]

    def read(self) -> None:
        while self.at < len(self.text):
            char = self.text[self.at]
            if char in " \t":
                self.at += 1
            elif self.text.startswith("\\\n", self.at):
                self.at += 2
            elif char == "#":
                self._comment()
            elif self.text.startswith("((", self.at) and self._arithmetic():
                continue
            elif self.text.startswith(("<(", ">("), self.at):
                self.found.append(Word((Part("bad", "a process substitution"),), self.line))
                self.at = self._closing(self.at + 1, "(", ")")
            elif operator := _OPERATORS.match(self.text, self.at):
                self._operator(operator.group())
            else:
                self._word()

    def _comment(self) -> None:
        end = self.text.find("\n", self.at)
        end = len(self.text) if end < 0 else end
        start = self.text.rfind("\n", 0, self.at) + 1
        alone = not self.text[start : self.at].strip()
        self.found.append(Comment(self.text[self.at + 1 : end].strip(), self.line, alone))
        self.at = end

    def _arithmetic(self) -> bool:
        end = self._closing(self.at, "(", ")")
        if self.text[end - 2 : end] != "))":
            return False
        self.found.append(Operator("((", self.line))
        self.at = end
        return True

    def _operator(self, text: str) -> None:
        self.found.append(Operator(text, self.line))
        self.at += len(text)
        if text in ("<<", "<<-"):
            self.heredocs.append(text == "<<-")
        if text == "\n":
            self._skip_heredocs()

    def _skip_heredocs(self) -> None:
        for end, tabs in self.ends:
            while True:
                if self.at >= len(self.text):
                    raise _UnclosedError(f"a here-document without its end {end}", self.line)
                stop = self.text.find("\n", self.at)
                stop = len(self.text) if stop < 0 else stop
                row = self.text[self.at : stop]
                self.at = min(stop + 1, len(self.text))
                if (row.lstrip("\t") if tabs else row) == end:
                    break
        self.ends.clear()

    def _word(self) -> None:
        line, parts = self.line, list[Part]()
        while self.at < len(self.text):
            char = self.text[self.at]
            if char == "(" and parts and self._takes_parenthesis(parts):
                continue
            if char in _META:
                break
            if self.text.startswith("\\\n", self.at):
                self.at += 2
            elif char == "\\":
                parts.append(Part("text", self.text[self.at + 1 : self.at + 2], quoted=True))
                self.at += 2
            elif char == "'":
                parts.append(Part("text", self._until("'"), quoted=True))
            elif char == '"':
                parts += self._double()
            elif char in "$`":
                parts.append(self._expansion(quoted=False))
            else:
                parts.append(Part("text", char))
                self.at += 1
        word = Word(_joined(parts), line)
        self.found.append(word)
        if self.heredocs:
            self.ends.append((word.literal or "", self.heredocs.pop(0)))

    def _takes_parenthesis(self, parts: list[Part]) -> bool:
        """An array (``x=(…)``) or an extended pattern (``@(…)``) goes on through its parenthesis."""
        last = parts[-1]
        if last.kind != "text" or last.quoted or last.text[-1:] not in "=@?*+!" or not last.text:
            return False
        parts.append(Part("bad", "an array" if last.text.endswith("=") else "a pattern"))
        self.at = self._closing(self.at, "(", ")")
        return True

    def _until(self, quote: str) -> str:
        end = self.text.find(quote, self.at + 1)
        if end < 0:
            raise _UnclosedError("a quote that is never closed", self.line)
        inside = self.text[self.at + 1 : end]
        self.at = end + 1
        return inside

    def _double(self) -> list[Part]:
        line = self.line
        self.at += 1
        # The quotes themselves make a word, even with nothing between them.
        parts = [Part("text", "", quoted=True)]
        while self.at < len(self.text):
            char = self.text[self.at]
            if char == '"':
                self.at += 1
                return parts
            if char == "\\":
                follows = self.text[self.at + 1 : self.at + 2]
                kept = {"\n": ""}.get(follows, follows if follows in '$`"\\' else f"\\{follows}")
                parts.append(Part("text", kept, quoted=True))
                self.at += 2
            elif char in "$`":
                parts.append(self._expansion(quoted=True))
            else:
                parts.append(Part("text", char, quoted=True))
                self.at += 1
        raise _UnclosedError("a quote that is never closed", line)

    def _expansion(self, *, quoted: bool) -> Part:
        if self.text[self.at] == "`":
            self._until("`")
            return Part("bad", "a command substitution")
        follows = self.text[self.at + 1 : self.at + 2]
        if follows and follows in "({":
            return self._bracketed(follows, quoted=quoted)
        if follows == "@" or follows in _SPECIAL:
            self.at += 2
            return Part("rest") if follows == "@" else Part("bad", f"${follows}")
        if name := _NAME.match(self.text, self.at + 1):
            self.at = name.end()
            return Part("variable", name.group(), quoted=quoted)
        if follows == "'" and not quoted:
            self.at += 1
            self._until("'")
            return Part("bad", "a text with escapes ($'…')")
        self.at += 1
        return Part("text", "$", quoted=quoted)

    def _bracketed(self, opening: str, *, quoted: bool) -> Part:
        start = self.at + 2
        self.at = self._closing(self.at + 1, opening, {"(": ")", "{": "}"}[opening])
        if opening == "{":
            return _inside(self.text[start : self.at - 1], quoted)
        return Part("bad", "arithmetic" if self.text.startswith("(", start) else "a command substitution")

    def _closing(self, start: int, opening: str, closing: str) -> int:
        """Where the bracket opened at ``start`` is closed, one further; quotes and inner brackets are passed over."""
        self.at = start
        line, depth, at = self.line, 0, start
        while at < len(self.text):
            char = self.text[at]
            if char == "\\":
                at += 1
            elif char in "'\"`":
                end = at + 1
                while end < len(self.text) and self.text[end] != char:
                    end += 2 if self.text[end] == "\\" and char != "'" else 1
                at = end
            elif char == opening:
                depth += 1
            elif char == closing:
                depth -= 1
                if depth == 0:
                    return at + 1
            at += 1
        raise _UnclosedError(f"a {opening} that is never closed", line)


def _inside(text: str, quoted: bool) -> Part:
    if text == "@":
        return Part("rest")
    found = _INSIDE.fullmatch(text)
    if found is None:
        return Part("bad", f"${{{' '.join(text.split())}}}")
    if found["how"] is None:
        return Part("variable", found["name"], quoted=quoted)
    plain = _PLAIN.fullmatch(found["default"])
    if plain is None:
        return Part("bad", f"${{{' '.join(text.split())}}}")
    return Part("variable", found["name"], default=plain["text"], quoted=quoted)


def _joined(parts: list[Part]) -> tuple[Part, ...]:
    """Neighbouring texts of the same kind as one."""
    joined: list[Part] = []
    for part in parts:
        if joined and part.kind == "text" == joined[-1].kind and part.quoted == joined[-1].quoted:
            joined[-1] = Part("text", joined[-1].text + part.text, quoted=part.quoted)
        else:
            joined.append(part)
    return tuple(joined)
