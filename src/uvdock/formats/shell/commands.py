"""The simple commands of a shell text, each with its place and what stands around it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from uvdock.formats.shell.lexer import tokens
from uvdock.formats.shell.words import REDIRECTS, Broken, Dialect, Document, Operator, Word

_ENDS = {";", "\n", "&&", "||", "|", "|&", "&", ";;", ";&", ";;&", "(", ")", "(("}
#: What opens a body, and what is tested before it.
_OPENS, _TESTS = {"then", "else", "do", "{"}, {"if", "elif", "while", "until"}
_CLOSES = {"fi", "done", "esac", "}"}
_RESERVED = _OPENS | _TESTS | _CLOSES | {"!", "coproc"}
#: What ends the body that is before it.
_ENDING = _CLOSES | {"else", "elif"}
#: Programs that run the program after them, and leave it what it is.
_LEADING = {"command", "env", "exec", "nohup", "sudo", "time"}
#: The beginnings of what is no simple command: they are given with their own words.
HEADERS = ("for", "select", "case", "[[")
_Token = Word | Operator | Document


_SHELLS = {"sh", "bash", "ash", "dash", "zsh", "su", "runuser"}


class UnreadableError(ValueError):
    """A quote or a bracket that does not end."""


@dataclass(frozen=True)
class Command:
    """One simple command, the words of a `for`, a `case` or a `[[`, or what is redirected for several commands.

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
        inside: What it is in: ``test``, ``body``.
        depth: In how many of these it is.
        subshells: Those of them that are subshells, ``( … )``, by where they start.
        redirected: The files that it writes.
        reads: The files that it reads.
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
    depth: int
    subshells: tuple[str, ...]
    redirected: tuple[str, ...]
    reads: tuple[Word, ...]
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

    @property
    def conditional(self) -> bool:
        """Whether it may not run: in a test or a body, or after ``||``."""
        return bool(self.inside) or self.before == "||"

    @property
    def header(self) -> bool:
        """Whether it is no command: the words of a `for`, a `case` or a `[[`."""
        return bool(self.words) and self.words[0].reserved in HEADERS


def read(text: str, dialect: Dialect, start: int = 0) -> list[_Token]:
    """The tokens of a text from ``start`` on, without its comments.

    Raises:
        UnreadableError: A quote or bracket does not end.
    """
    found = tokens(text, dialect=dialect, start=start)
    # A here-document without its end is none the less all that follows.
    if found and isinstance(broken := found[-1], Broken) and not isinstance(found[-2:][0], Document):
        raise UnreadableError(broken.why)
    return [token for token in found if isinstance(token, _Token)]


def words(text: str, dialect: Dialect) -> list[Word]:
    """The words of a text, without the targets of redirects.

    Raises:
        UnreadableError: A quote or bracket does not end.
    """
    return [token for token in read(text, dialect) if isinstance(token, Word) and token.role != "target"]


def script_at(words: Sequence[str]) -> int:
    """Where the script of ``sh -c SCRIPT`` stands among its words; 0 for any other command."""
    if words and words[0].rpartition("/")[2] in _SHELLS:
        for at, word in enumerate(words[1:-1], 2):
            if re.fullmatch(r"-[a-z]*c[a-z]*", word):
                return at
    return 0


def commands(text: str, dialect: Dialect) -> list[Command]:
    """The simple commands of a text, in order, without those in quotes and substitutions.

    Raises:
        UnreadableError: A quote or bracket does not end.
    """
    return list(_CommandReader(text, dialect, read(text, dialect)).commands())


def nested(text: str, dialect: Dialect, start: int = 0) -> list[Command]:
    """The simple commands of a text from ``start`` on, with those in its substitutions.

    Raises:
        UnreadableError: A quote or bracket does not end.
    """
    found = read(text, dialect, start)
    made = list(_CommandReader(text, dialect, found).commands())
    for token in found:
        for begin, end in token.inner:
            made += nested(text[:end], dialect, begin)
    return sorted(made, key=lambda command: command.start)


class _CommandReader:
    """Goes through tokens, and knows what it is in."""

    def __init__(self, text: str, dialect: Dialect, found: Sequence[_Token]) -> None:
        self.text, self.dialect, self.found = text, dialect, found
        self.at = 0
        self.inside: list[str] = []
        self.before, self.previous, self.ended = "", 0, False

    def commands(self) -> Iterator[Command]:
        while (token := self._token()) is not None:
            if passed := self._passed(token):
                self.at += passed
                continue
            command = self._simple()
            if command.words or command.assigned or command.redirected or command.reads:
                yield command
            self.ended = True
            if command.header and command.name in ("for", "select"):
                self.inside.append("test")

    def _token(self, further: int = 0) -> _Token | None:
        return self.found[self.at + further] if self.at + further < len(self.found) else None

    def _passed(self, token: _Token) -> int:
        """How many tokens from this one on belong to no simple command."""
        if isinstance(token, Document):
            self.before, self.previous, self.ended = "\n", token.end, False
        elif isinstance(token, Operator):
            if token.text in REDIRECTS:
                return 0
            self._operator(token)
        elif token.role == "pattern":
            return self._pattern()
        elif token.reserved == "function":
            return 2
        elif _is(self._token(1), "(") and _is(self._token(2), ")"):
            return 3
        else:
            return int(self._reserved(token))
        return 1

    def _pattern(self) -> int:
        count = 1
        while (token := self._token(count)) is not None and not _is(token, ")"):
            count += 1
        self.before, self.previous, self.ended = ")", token.start if token else 0, False
        self.inside.append("clause")
        return count + 1

    def _operator(self, token: Operator) -> None:
        if token.text == "((":
            self.ended = True
            return
        following = self._token(1)
        if token.text == "(" and not (isinstance(following, Word) and following.role == "pattern"):
            self.inside.append(f"({token.start}")
        elif token.text == ")" and self.inside:
            self.inside.pop()
        elif token.text in (";;", ";&", ";;&"):
            self._clause()
        # A line that ends nothing separates nothing.
        if token.text != "\n" or self.ended:
            self.previous = self.found[self.at - 1].end if self.at else 0
            self.before, self.ended = token.text, False

    def _clause(self) -> None:
        """The end of a clause of a `case`, if one is open."""
        if self.inside[-1:] == ["clause"]:
            self.inside.pop()

    def _reserved(self, token: Word) -> bool:
        """Whether a word is a reserved one."""
        name, following = token.reserved, self._token(1)
        if name not in _RESERVED and not (name == "time" and _compound(following)):
            return False
        if name in _TESTS - {"elif"} or name == "{":
            self.inside.append("body" if name == "{" else "test")
        elif name == "esac":
            self._clause()
        elif name in _CLOSES and self.inside:
            self.inside.pop()
        elif name in ("then", "else", "do", "elif") and self.inside:
            self.inside[-1] = "test" if name == "elif" else "body"
        elif name == "do":
            self.inside.append("body")
        self.before, self.previous, self.ended = name, token.end, name in _CLOSES
        return True

    def _simple(self) -> Command:
        start = self.found[self.at].start
        made = _Words(start, start, start)
        while (token := self._token()) is not None and not self._ends(token, made):
            if isinstance(token, Operator):
                self._redirection(token, made)
            elif isinstance(token, Word):
                self._take(token, made)
            self.at += 1
        ending, closing = token, _next(self.found, self.at)
        lead = _lead(made.words, made.assigned)
        inside = frozenset("test" if one == "test" else "body" for one in self.inside)
        subshells = tuple(one for one in self.inside if one.startswith("("))
        return Command(
            words=tuple(made.words), lead=lead, assigned=tuple(made.assigned),
            start=made.start, end=made.end, stop=made.stop, before=self.before,
            after=ending.text if isinstance(ending, Operator) else "",
            closed=closing is not None and (not isinstance(closing, Word) or closing.reserved in _ENDING),
            inside=inside, depth=len(self.inside), subshells=subshells,
            redirected=tuple(made.written), reads=tuple(made.reads), split=made.split,
            previous=self.previous,
            following=self.dialect.gap(self.text, ending.end) if isinstance(ending, Operator) else len(self.text),
        )  # fmt: skip

    @staticmethod
    def _ends(token: _Token, made: _Words) -> bool:
        """Whether a command ends before this token; a condition goes on to its `]]`."""
        if made.condition:
            return False
        if isinstance(token, Word):
            return token.role == "pattern" or (
                token.role == "first" and bool(made.words or made.assigned) and not made.timed
            )
        return isinstance(token, Document) or token.text in _ENDS

    def _redirection(self, token: Operator, made: _Words) -> None:
        target = self._token(1)
        if not isinstance(target, Word) or target.role != "target":
            return
        if ">" in token.text and not target.text.isdigit():
            made.written.append(target.text)
        elif token.text == "<":
            made.reads.append(target)
        made.stop, made.redirected = target.end, bool(made.words or made.assigned)
        self.at += 1

    @staticmethod
    def _take(token: Word, made: _Words) -> None:
        made.stop = made.end = token.end
        if not (made.words or made.assigned):
            made.start = token.start
        if not made.words and token.assigned:
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
    reads: list[Word] = field(default_factory=list)
    redirected: bool = False
    split: bool = False

    @property
    def condition(self) -> bool:
        """Whether it is a `[[` without its end."""
        return bool(self.words) and self.words[0].reserved == "[[" and self.words[-1].bare != "]]"

    @property
    def timed(self) -> bool:
        """Whether there is nothing yet but `time`."""
        return bool(self.words) and all(word.reserved in ("time", "-p") for word in self.words)


def _compound(token: _Token | None) -> bool:
    """Whether a command of several begins here."""
    if isinstance(token, Word):
        return token.reserved in _RESERVED or token.reserved in HEADERS
    return _is(token, "(", "((")


def _is(token: _Token | None, *texts: str) -> bool:
    """Whether it is one of these operators."""
    return isinstance(token, Operator) and token.text in texts


def _next(found: Sequence[_Token], at: int) -> _Token | None:
    """The first token at or after ``at`` that is not the end of a command; a ``)`` or ``;;`` is given back."""
    for further in range(at, len(found)):
        if isinstance(token := found[further], Word) or _is(token, ")", ";;", ";&", ";;&"):
            return token
    return None


def _lead(words: list[Word], assigned: list[Word]) -> int:
    """How many words stand before the program; variables given to `env` are moved to ``assigned``."""
    at = 0
    while at < len(words) and words[at].text in _LEADING:
        at += 1
        while at < len(words) and (words[at].text in ("-H", "-E", "-p", "--") or words[at].assigned):
            if words[at].assigned:
                assigned.append(words[at])
            at += 1
    return at
