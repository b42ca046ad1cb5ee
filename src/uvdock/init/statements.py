"""The statements of a function's body as far as they are plain calls, assignments and conditions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from uvdock.formats.shell.words import REDIRECTS, Broken, Comment, Document, Operator, Token, Word

DECLARING = ("local", "declare", "typeset", "export", "readonly")
_COMPOUND = {
    "for": "a for loop",
    "select": "a select loop",
    "while": "a while loop",
    "until": "an until loop",
    "[[": "a condition ([[)",
    "{": "a group ({ … })",
    "!": "a negation (!)",
    "time": "the shell's own time",
    "function": "a function in a function",
    "coproc": "a coprocess",
}
_OPERATORS = {
    "|": "a pipe",
    "|&": "a pipe",
    "||": "a choice (||)",
    "&": "a process in the background (&)",
    "(": "a subshell",
    "((": "arithmetic",
}
_DEEPEST = 20


@dataclass(frozen=True)
class Reason:
    """Why something is not carried over, and the line that says so."""

    line: int
    why: str


@dataclass(frozen=True)
class Simple:
    """A plain command: its words, and the variables set for it alone."""

    line: int
    words: tuple[Word, ...]
    assigns: tuple[Word, ...] = ()


@dataclass(frozen=True)
class Assign:
    """Variables that are set."""

    line: int
    words: tuple[Word, ...]


@dataclass(frozen=True)
class Branch:
    """An ``if`` or a ``case``: what is asked, and each answer with its statements (``*`` for any other)."""

    line: int
    kind: str
    condition: tuple[Word, ...]
    bodies: tuple[tuple[str, tuple[Node, ...]], ...]


Node = Simple | Assign | Branch


class _RefusedError(Exception):
    def __init__(self, line: int, why: str) -> None:
        super().__init__(why)
        self.reason = Reason(line, why)


def statements(found: Sequence[Token]) -> tuple[tuple[Node, ...], Reason | None]:
    """The statements of a body.

    Returns:
        The statements, or none and the first reason why they are not plain.
    """
    body = [token for token in found if not isinstance(token, Comment | Document)]
    try:
        return tuple(_StatementParser(body).nodes((), (), 0)), None
    except _RefusedError as refused:
        return (), refused.reason


def text_of(token: Token) -> str:
    """An operator's text, or a word's as far as it may be a reserved one."""
    return token.text if isinstance(token, Operator) else token.bare if isinstance(token, Word) else ""


def words_at(found: Sequence[Token], at: int) -> list[Word]:
    """The words from a place on, up to the first token that is none."""
    words: list[Word] = []
    while at < len(found) and isinstance(word := found[at], Word):
        words.append(word)
        at += 1
    return words


class _StatementParser:
    """Statements of one body, as long as they are of the plain kinds."""

    def __init__(self, body: Sequence[Token]) -> None:
        self.body = body
        self.at = 0

    @property
    def line(self) -> int:
        return self.body[min(self.at, len(self.body) - 1)].line if self.body else 0

    def nodes(self, words: Sequence[str], operators: Sequence[str], depth: int) -> list[Node]:
        """Statements up to one of these reserved words or operators, which stays where it is."""
        if depth > _DEEPEST:
            raise _RefusedError(self.line, "conditions in conditions")
        found: list[Node] = []
        while self.at < len(self.body):
            token = self.body[self.at]
            if isinstance(token, Broken):
                raise _RefusedError(token.line, token.why)
            if isinstance(token, Operator):
                if token.text in operators:
                    return found
                if token.text not in ("\n", ";", "&&"):
                    raise _RefusedError(token.line, _operator(token.text))
                self.at += 1
            elif isinstance(token, Word):
                if token.bare in words:
                    return found
                found.append(self._node(token, depth))
        if words or operators:
            raise _RefusedError(self.line, f"the end of a condition is not found ({(*words, *operators)[-1]})")
        return found

    def _node(self, word: Word, depth: int) -> Node:
        if word.bare == "if":
            return self._if(depth)
        if word.bare == "case":
            return self._case(depth)
        if word.bare in _COMPOUND:
            raise _RefusedError(word.line, _COMPOUND[word.bare])
        words = self._words()
        follows = self.body[self.at] if self.at < len(self.body) else None
        if isinstance(follows, Operator) and follows.text not in ("\n", ";", "&&", ";;"):
            function = follows.text == "(" and len(words) == 1
            raise _RefusedError(follows.line, "a function in a function" if function else _operator(follows.text))
        if words[0].bare in DECLARING or all(item.assigned for item in words):
            return Assign(word.line, tuple(words))
        first = next(at for at, item in enumerate(words) if not item.assigned)
        return Simple(word.line, tuple(words[first:]), tuple(words[:first]))

    def _words(self) -> list[Word]:
        words = words_at(self.body, self.at)
        self.at += len(words)
        return words

    def _take(self, *expected: str) -> None:
        token = self.body[self.at] if self.at < len(self.body) else None
        if token is None or text_of(token) not in expected:
            raise _RefusedError(self.line, f"a condition that is not understood ({expected[0]})")
        self.at += 1

    def _skip(self, *texts: str) -> None:
        while self.at < len(self.body):
            if text_of(self.body[self.at]) not in texts:
                break
            self.at += 1

    def _if(self, depth: int) -> Branch:
        line = self.line
        self.at += 1
        condition = self._words()
        # A condition of several parts is only one that is not understood; its statements still are.
        while self.at < len(self.body) and not self._is("then"):
            condition = [] if not self._is(";") and not self._is("\n") else condition
            self.at += 1
        self._take("then")
        bodies = [("", tuple(self.nodes(("elif", "else", "fi"), (), depth + 1)))]
        if self._is("elif"):
            raise _RefusedError(self.line, "an if with several conditions")
        if self._is("else"):
            self.at += 1
            bodies.append(("*", tuple(self.nodes(("fi",), (), depth + 1))))
        self._take("fi")
        return Branch(line, "if", tuple(condition), tuple(bodies))

    def _is(self, text: str) -> bool:
        return self.at < len(self.body) and text_of(self.body[self.at]) == text

    def _case(self, depth: int) -> Branch:
        line = self.line
        self.at += 1
        subject = self._words()
        if [word.bare for word in subject[1:2]] != ["in"]:
            raise _RefusedError(line, "a case that is not understood")
        # `case X in a) …` on one line: the first pattern came with the subject.
        self.at -= len(subject[2:])
        bodies: list[tuple[str, tuple[Node, ...]]] = []
        self._skip("\n")
        while self.at < len(self.body) and not self._is("esac"):
            self._skip("(")
            patterns = self._words()
            while self.at < len(self.body) and self._is("|"):
                self.at += 1
                patterns += self._words()
            self._take(")")
            body = tuple(self.nodes(("esac",), (";;",), depth + 1))
            bodies += [(item.literal or "\0", body) for item in patterns]
            self._skip(";;", "\n")
        self._take("esac")
        return Branch(line, "case", tuple(subject[:1]), tuple(bodies))


def _operator(text: str) -> str:
    return "a redirect" if text in REDIRECTS else _OPERATORS.get(text, f"an unexpected {text!r}")
