"""A shell's text as words and operators with their positions, and its simple commands.

It is no shell: it knows as much as it takes to find every simple command and to change it in its place.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

_OPERATOR = re.compile(r";;&|;;|;&|&&|\|\||\|&|&>>|&>|<<<|<<-|<<|<&|>&|>>|>\||<>|[;|&<>()\n]")
_ASSIGNMENT = re.compile(r"[A-Za-z_]\w*\+?=")
_MAKE_VARIABLE = re.compile(r"\$(?:\$\w+|\$?[({]\w+[)}])")
_ENDS = {";", "\n", "&&", "||", "|", "|&", "&", ";;", ";&", ";;&", "(", ")"}
#: What opens a body, and what is tested before it.
_OPENS, _TESTS = {"then", "else", "do", "{"}, {"if", "elif", "while", "until"}
_CLOSES = {"fi", "done", "esac", "}"}
#: What ends the body that is before it.
_ENDING = _CLOSES | {"else", "elif"}
#: Programs that run the program after them, and leave it what it is.
_LEADING = {"command", "env", "exec", "nohup", "sudo", "time"}


class UnreadableError(ValueError):
    """A quote or a bracket that does not end."""


@dataclass(frozen=True)
class Word:
    """One word: ``text`` without quotes, its variables kept as they are written."""

    raw: str
    start: int
    end: int
    text: str
    #: A substitution or a pattern: what it becomes is known to nobody before it runs.
    dynamic: bool = False
    #: Where the scripts of its substitutions are.
    inner: tuple[tuple[int, int], ...] = ()


@dataclass(frozen=True)
class Operator:
    """An operator, or the text of a here-document (``document``)."""

    text: str
    start: int
    end: int
    document: bool = False


@dataclass(frozen=True)
class Command:
    """One simple command.

    Args:
        words: Its words, without redirections; those before the program (``sudo``) first.
        lead: How many words stand before the program.
        assigned: The variables that are set for it alone.
        start: Where it starts, with its variables.
        end: Where its last word ends.
        stop: Where it ends with its redirections.
        before: The operator or reserved word before it; nothing at the start.
        after: The operator after it; nothing at the end.
        closed: Whether a reserved word that closes a body follows.
        inside: What it is in: ``test``, ``body``, ``quote``, ``substitution``.
        redirected: The files that it writes.
        split: Whether a redirection stands between its words.
        previous: Where the token before the operator before it ends.
        following: Where what follows the operator after it starts.
    """

    words: tuple[Word, ...]
    lead: int
    assigned: tuple[Word, ...]
    start: int
    end: int
    stop: int
    before: str
    after: str
    closed: bool
    inside: frozenset[str]
    redirected: tuple[str, ...]
    split: bool
    previous: int
    following: int

    @property
    def program(self) -> str:
        """Its program as it is written."""
        return self.words[self.lead].text if self.lead < len(self.words) else ""

    @property
    def name(self) -> str:
        """Its program without a folder."""
        return self.program.rpartition("/")[2]

    @property
    def arguments(self) -> tuple[Word, ...]:
        """The words after the program."""
        return self.words[self.lead + 1 :]


Token = Word | Operator


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

    def gap(self, text: str, at: int) -> int:
        """Where the blanks, continuations and comments between them end that start at ``at``."""
        while at < len(text):
            if text[at] in " \t\r":
                at += 1
            elif (ends := self.continued(text, at)) > at:
                at = ends
            else:
                break
        return at

    def continued(self, text: str, at: int) -> int:
        """Where the next line starts when this one is continued at ``at``; ``at`` when it is not."""
        found = re.compile(re.escape(self.escape) + (r"[ \t]*\r?\n" if self.docker else r"\r?\n")).match(text, at)
        if found is None:
            return at
        ends = found.end()
        while self.docker and (skipped := re.compile(r"[ \t]*(?:#[^\n]*)?\r?\n").match(text, ends)):
            ends = skipped.end()
        last = re.compile(r"[ \t]*#[^\n]*$").match(text, ends) if self.docker else None
        return last.end() if last else ends


def tokens(text: str, dialect: Dialect) -> list[Token]:
    """The words and operators of a text; comments are left out.

    Raises:
        UnreadableError: A quote or bracket does not end.
    """
    found: list[Token] = []
    documents: list[str] = []
    at = 0
    while (at := dialect.gap(text, at)) < len(text):
        if text[at] == "#":
            end = text.find("\n", at)
            at = len(text) if end < 0 else end
        elif operator := _OPERATOR.match(text, at):
            found.append(Operator(operator[0], at, operator.end()))
            at = operator.end()
            if operator[0] in ("<<", "<<-"):
                start = dialect.gap(text, at)
                word = _word(text, start, dialect)
                documents.append(word.text)
                at = word.end
            elif operator[0] == "\n":
                for name in documents:
                    end = _document(text, at, name)
                    found.append(Operator(text[at:end], at, end, document=True))
                    at = end
                documents = []
        else:
            word = _word(text, at, dialect)
            found.append(word)
            at = word.end
    return found


def commands(text: str, dialect: Dialect) -> list[Command]:
    """The simple commands of a text, in order, without those in quotes and substitutions.

    Raises:
        UnreadableError: A quote or bracket does not end.
    """
    return list(_Reader(text, dialect).commands())


def _document(text: str, at: int, name: str) -> int:
    while at < len(text):
        end = text.find("\n", at)
        end = len(text) if end < 0 else end
        if text[at:end].strip() == name:
            return end
        at = end + 1
    return len(text)


def _word(text: str, start: int, dialect: Dialect) -> Word:
    at, parts = start, list[str]()
    inner: list[tuple[int, int]] = []
    while at < len(text) and text[at] not in " \t\r" and not _OPERATOR.match(text, at):
        if (ends := dialect.continued(text, at)) > at:
            # A continuation inside a word joins it; one before a blank ends it.
            if dialect.gap(text, ends) != ends or ends >= len(text):
                break
            at = ends
        else:
            part, at = _part(text, at, dialect, inner)
            parts.append(part)
    if at == start:
        raise UnreadableError(text[start : start + 1])
    raw = text[start:at]
    pattern = bool(re.search(r"[*?]", re.sub(r"'[^']*'|\"[^\"]*\"|\$\{[^}]*\}", "", raw)))
    return Word(raw, start, at, "".join(parts), pattern or bool(inner), tuple(inner))


def _part(text: str, at: int, dialect: Dialect, inner: list[tuple[int, int]]) -> tuple[str, int]:
    """One piece of a word, without its quotes, and where the next starts."""
    char = text[at]
    if char in "'\"":
        end = _find(text, "'", at + 1) if char == "'" else _double(text, at + 1, inner)
        inside = text[at + 1 : end]
        return inside if char == "'" else _unescaped(inside), end + 1
    if char == "\\" and at + 1 < len(text):
        return text[at + 1], at + 2
    if dialect.make and (variable := _MAKE_VARIABLE.match(text, at)):
        return variable[0], variable.end()
    if char in "$`" and (end := _substitution(text, at)):
        inner.append((at + (2 if char == "$" else 1), end - 1))
        return text[at:end], end
    end = _bracket(text, at + 2, "{", "}") + 1 if text.startswith("${", at) else at + 1
    return text[at:end], end


def _unescaped(text: str) -> str:
    return re.sub(r'\\([\\"$`])', r"\1", text.replace("\\\n", ""))


def _find(text: str, char: str, at: int) -> int:
    found = text.find(char, at)
    if found < 0:
        raise UnreadableError(char)
    return found


def _double(text: str, at: int, inner: list[tuple[int, int]]) -> int:
    while at < len(text) and text[at] != '"':
        if text[at] == "\\":
            at += 2
        elif text[at] in "$`" and (end := _substitution(text, at)):
            inner.append((at + (2 if text[at] == "$" else 1), end - 1))
            at = end
        else:
            at += 1
    if at >= len(text):
        raise UnreadableError('"')
    return at


def _substitution(text: str, at: int) -> int:
    """Where a substitution ends that starts at ``at``; 0 where none does."""
    if text.startswith("$(", at):
        return _bracket(text, at + 2, "(", ")") + 1
    return _find(text, "`", at + 1) + 1 if text[at] == "`" else 0


def _bracket(text: str, at: int, opening: str, closing: str) -> int:
    depth = 1
    while at < len(text):
        char = text[at]
        if char == "\\":
            at += 1
        elif char == "'" and closing == ")":
            at = _find(text, "'", at + 1)
        elif char == '"':
            at = _double(text, at + 1, [])
        elif char in (opening, closing):
            depth += 1 if char == opening else -1
            if not depth:
                return at
        at += 1
    raise UnreadableError(opening)


class _Reader:
    """Goes through tokens, and knows what it is in."""

    def __init__(self, text: str, dialect: Dialect) -> None:
        self.text, self.dialect = text, dialect
        self.found: Sequence[Token] = tokens(text, dialect)
        self.at = 0
        self.inside: list[str] = []
        self.before, self.previous, self.ended = "", 0, False

    def commands(self) -> Iterator[Command]:
        while self.at < len(self.found):
            token = self.found[self.at]
            if isinstance(token, Operator):
                self._operator(token)
                self.at += 1
            elif token.raw in _OPENS | _TESTS | _CLOSES | {"!"}:
                self._reserved(token)
                self.at += 1
            else:
                command = self._simple()
                if command.words or command.assigned:
                    yield command
                self.ended = True
                if command.name in ("for", "select"):
                    self.inside.append("test")

    def _operator(self, token: Operator) -> None:
        if token.text == "(":
            self.inside.append("body")
        elif token.text == ")" and self.inside:
            self.inside.pop()
        # A line that ends nothing separates nothing.
        if token.text != "\n" or self.ended:
            self.previous = self.found[self.at - 1].end if self.at else 0
            self.before, self.ended = token.text, False

    def _reserved(self, token: Word) -> None:
        name = token.raw
        if name in _TESTS - {"elif"} or name == "{":
            self.inside.append("body" if name == "{" else "test")
        elif name in _CLOSES - {"esac"} and self.inside:
            self.inside.pop()
        elif name in ("then", "else", "do", "elif") and self.inside:
            self.inside[-1] = "test" if name == "elif" else "body"
        elif name == "do":
            self.inside.append("body")
        self.before, self.previous, self.ended = name, token.end, name in _CLOSES

    def _simple(self) -> Command:
        first = self.found[self.at]
        made = _Words(first.start, first.start, first.start)
        while self.at < len(self.found):
            token = self.found[self.at]
            if isinstance(token, Operator):
                if token.text in _ENDS or token.document:
                    break
                self._redirection(token, made)
            else:
                self._take(token, made)
            self.at += 1
        ending = self.found[self.at] if self.at < len(self.found) else None
        closing = _next(self.found, self.at)
        lead = _lead(made.words, made.assigned)
        return Command(
            words=tuple(made.words), lead=lead, assigned=tuple(made.assigned),
            start=made.start, end=made.end, stop=made.stop, before=self.before,
            after=ending.text if isinstance(ending, Operator) and not ending.document else "",
            closed=closing is not None and (isinstance(closing, Operator) or closing.text in _ENDING),
            inside=frozenset(self.inside), redirected=tuple(made.written), split=made.split, previous=self.previous,
            following=self.dialect.gap(self.text, ending.end) if ending is not None else len(self.text),
        )  # fmt: skip

    def _redirection(self, token: Operator, made: _Words) -> None:
        made.stop = token.end
        if token.text in ("<<", "<<-"):
            return
        target = self.found[self.at + 1] if self.at + 1 < len(self.found) else None
        if isinstance(target, Word):
            if ">" in token.text and not target.text.isdigit():
                made.written.append(target.text)
            made.stop = target.end
            self.at += 1
        made.redirected = True

    def _take(self, token: Word, made: _Words) -> None:
        following = self.found[self.at + 1] if self.at + 1 < len(self.found) else None
        made.stop = token.end
        joined = isinstance(following, Operator) and following.start == token.end and set(following.text) & set("<>")
        if token.text.isdigit() and joined:
            made.redirected = True
            return
        made.end = token.end
        if not made.words and _ASSIGNMENT.match(token.raw):
            made.assigned.append(token)
        else:
            made.split = made.split or made.redirected
            made.words.append(token)


@dataclass
class _Words:
    """A simple command while it is read."""

    start: int
    end: int
    stop: int
    words: list[Word] = field(default_factory=list)
    assigned: list[Word] = field(default_factory=list)
    written: list[str] = field(default_factory=list)
    redirected: bool = False
    split: bool = False


def _next(found: Sequence[Token], at: int) -> Token | None:
    """The first token at or after ``at`` that is not the end of a command; a ``)`` or ``;;`` is given back."""
    for token in found[at:]:
        if isinstance(token, Word) or token.text in (")", ";;", ";&", ";;&"):
            return token
    return None


def _lead(words: list[Word], assigned: list[Word]) -> int:
    """How many words stand before the program; variables given to `env` are moved to ``assigned``."""
    at = 0
    while at < len(words) and words[at].text in _LEADING:
        at += 1
        while at < len(words) and (words[at].text in ("-H", "-E", "-p", "--") or _ASSIGNMENT.match(words[at].raw)):
            if _ASSIGNMENT.match(words[at].raw):
                assigned.append(words[at])
            at += 1
    return at
