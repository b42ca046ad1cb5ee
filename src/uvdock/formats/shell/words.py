"""What a shell text is made of: words with their parts, operators, comments and here-documents, each with its place."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

_BRACES = re.compile(r"\{[^{}\s]*(,|\.\.)[^{}\s]*\}")
_PATTERN = re.compile(r"[*?]|\[.+\]")
_ASSIGNMENT = re.compile(r"(?P<name>[A-Za-z_][A-Za-z0-9_]*)\+?=")

Role = Literal["", "first", "pattern", "target"]
REDIRECTS = frozenset(("<", ">", ">>", "<<", "<<-", "<<<", "<&", ">&", ">|", "<>", "&>", "&>>"))
#: Reserved words after which a command may begin.
OPENING = frozenset(
    ("{", "}", "then", "do", "else", "elif", "if", "while", "until", "!", "time", "coproc", "fi", "done", "esac")
)


@dataclass(frozen=True)
class WordPart:
    """A piece of a word.

    Args:
        kind: What it is; ``rest`` is ``"$@"``, ``bad`` all that only a shell can tell.
        text: The text itself, the variable's name, or why the piece is ``bad``.
        default: The text for a variable without a value.
        quoted: Whether it stands in quotes.
        shown: The text itself, or an expansion as it is written.
    """

    kind: Literal["text", "variable", "rest", "bad"]
    text: str = ""
    default: str | None = None
    quoted: bool = False
    shown: str | None = None


@dataclass(frozen=True)
class Word:
    """One word of a command.

    Args:
        parts: Its pieces.
        line: The line that it starts in.
        raw: How it is written.
        start: Where it starts.
        end: Where what follows it starts.
        inner: Where the scripts of its substitutions start and end.
        role: ``first`` where a command or a reserved word may begin, ``pattern`` of a ``case``, ``target`` of a
            redirect.
    """

    parts: tuple[WordPart, ...]
    line: int = 1
    raw: str = ""
    start: int = 0
    end: int = 0
    inner: tuple[tuple[int, int], ...] = ()
    role: Role = ""

    @classmethod
    def of(cls, text: str, line: int = 1, *, raw: str = "") -> Word:
        """A word that stands in no script."""
        return cls((WordPart("text", text),), line, raw)

    @cached_property
    def text(self) -> str:
        """The word without its quotes, its variables and substitutions as they are written."""
        return "".join(part.text if part.shown is None else part.shown for part in self.parts)

    @property
    def literal(self) -> str | None:
        """The word's text where it has no variable in it."""
        if all(part.kind == "text" for part in self.parts):
            return "".join(part.text for part in self.parts)
        return None

    @cached_property
    def bare(self) -> str:
        """The word's text where nothing of it is quoted, as a reserved word must be; else an empty text."""
        return "" if any(part.quoted for part in self.parts) else self.literal or ""

    @property
    def reserved(self) -> str:
        """The word's text where it may be a reserved word; else an empty text."""
        return self.bare if self.role == "first" else ""

    @property
    def is_rest(self) -> bool:
        """Whether it is ``"$@"``: the further arguments, and nothing else."""
        return [part.kind for part in self.parts if part.kind != "text" or part.text] == ["rest"]

    @property
    def dynamic(self) -> bool:
        """Whether it has a substitution or a pattern: what it becomes is known to nobody before it runs."""
        return bool(self.inner) or any(
            part.kind == "text" and not part.quoted and ("*" in part.text or "?" in part.text) for part in self.parts
        )

    @property
    def assigned(self) -> str:
        """The variable that the word sets (``NAME=…``); else an empty text."""
        first = self.parts[0] if self.parts else None
        if first is None or first.kind != "text" or first.quoted:
            return ""
        found = _ASSIGNMENT.match(first.text)
        return found["name"] if found else ""

    @property
    def is_array(self) -> bool:
        """Whether it sets an array (``NAME=(…)``)."""
        return bool(self.assigned) and self.parts[-1].text == "an array"

    @property
    def value(self) -> Word:
        """Of an assignment, what is behind the equals sign."""
        rest = WordPart("text", self.parts[0].text.partition("=")[2])
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
    """A line's end, ``;``, ``&&``, a pipe, a redirect (with the number before it), a parenthesis, ``((``."""

    text: str
    line: int = 1
    start: int = 0
    end: int = 0
    #: The substitutions in arithmetic.
    inner: tuple[tuple[int, int], ...] = ()


@dataclass(frozen=True)
class Comment:
    """A comment without its ``#``, and whether it has the line to itself."""

    text: str
    line: int
    alone: bool


@dataclass(frozen=True)
class Document:
    """The text of a here-document, up to before the line that ends it.

    Args:
        text: The text, as it is written.
        line: The line that it starts in.
        start: Where it starts.
        end: Where the line that ends it ends.
        inner: Where the scripts of its substitutions start and end; a quoted delimiter leaves them what they are.
    """

    text: str
    line: int
    start: int
    end: int
    inner: tuple[tuple[int, int], ...] = ()


@dataclass(frozen=True)
class Broken:
    """Where reading had to stop, and why."""

    why: str
    line: int


Token = Word | Operator | Comment | Document | Broken


@dataclass(frozen=True)
class Dialect:
    """Whose shell text it is.

    Args:
        docker: Whether comment lines and blank lines may stand between continued lines.
        make: Whether ``$(NAME)`` is a variable.
        escape: What continues a line.
    """

    docker: bool = False
    make: bool = False
    escape: str = "\\"

    @cached_property
    def _continuation(self) -> str:
        between = r"(?:[ \t]*(?:#[^\n]*)?\r?\n)*(?:[ \t]*#[^\n]*\Z)?"
        return re.escape(self.escape) + (rf"[ \t]*\r?\n{between}" if self.docker else r"\r?\n")

    @cached_property
    def _patterns(self) -> tuple[re.Pattern[str], re.Pattern[str]]:
        return re.compile(self._continuation), re.compile(rf"(?:[ \t\r]|{self._continuation})*")

    def gap(self, text: str, at: int) -> int:
        """Where the blanks, continuations and comments between them end that start at ``at``."""
        found = self._patterns[1].match(text, at)
        return found.end() if found else at

    def continued(self, text: str, at: int) -> int:
        """Where the next line starts when this one is continued at ``at``; ``at`` when it is not."""
        found = self._patterns[0].match(text, at)
        return found.end() if found else at
