"""The functions of a script: their names, lines and comments, and their statements as far as they are plain.

A function with anything else in it is not lost: it has the reason, with its line, instead of statements.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from uvdock.formats.shell.lexer import tokens
from uvdock.formats.shell.words import Broken, Comment, Operator, Token, Word
from uvdock.init.statements import DECLARING, Node, Reason, statements, text_of, words_at

#: How a function begins, for the part of a script that cannot be read.
_HEADER = re.compile(
    r"^[ \t]*(?:function[ \t]+(?P<word>[^\s(){}]+)|(?P<name>[^\s(){}#=\"'$]+)[ \t]*\(\))", re.MULTILINE
)


@dataclass(frozen=True)
class Function:
    """A function of a script, or a target of a Makefile, or a recipe of a justfile.

    Args:
        name: Its name in that file.
        line: Where it begins.
        help: Its comment.
        nodes: Its statements.
        refused: Why it has none.
        needs: What a Makefile or justfile runs before it.
    """

    name: str
    line: int
    help: str = ""
    nodes: tuple[Node, ...] = ()
    refused: Reason | None = None
    needs: tuple[str, ...] = ()


@dataclass(frozen=True)
class Script:
    """What was read of a file.

    ``variables`` are those it sets, each with all values it may have; ``None`` for one that is not known.
    ``notes`` are what else a person should know, with its line.
    """

    functions: tuple[Function, ...]
    variables: Mapping[str, frozenset[str] | None]
    notes: tuple[Reason, ...] = ()


def read(text: str) -> Script:
    """Read a bash script.

    Args:
        text: The whole script.

    Returns:
        Every function of it, in order.
    """
    found = tokens(text.replace("\r\n", "\n"))
    pairs = _pairs(found)
    comments = {token.line: token.text for token in found if isinstance(token, Comment) and token.alone}
    functions: list[Function] = []
    notes = _sourced(found)
    at, stopped = 0, _broken(found)
    while at < len(found):
        header = _header(found, at) if _is_first(found[at]) else None
        if header is None:
            notes += _exported(found, at) if _is_first(found[at]) else ()
            at += 1
            continue
        name, line, body = header
        end = _end(found, pairs, body)
        if end is None:
            reason = Reason(stopped.line, stopped.why) if stopped else Reason(line, "its end is not found")
            functions.append(Function(name, line, comment_above(comments, line), refused=reason))
            at = body
        else:
            functions.append(_function(name, line, found[body:end], comments))
            at = end
    if stopped is not None:
        functions += _unread(text, stopped)
        notes = (*notes, Reason(stopped.line, f"{stopped.why}: from here on nothing is understood"))
    return Script(tuple(once(functions)), variables(found), notes)


def comment_above(comments: Mapping[int, str], line: int) -> str:
    """The comment that stands directly above a line, as one text."""
    block: list[str] = []
    while (line := line - 1) in comments and not _is_ruler(comments[line]):
        block.insert(0, comments[line])
    return _help(block)


def _help(block: Sequence[str]) -> str:
    lines = [text.strip() for text in block if not text.startswith(("!", "shellcheck "))]
    return " ".join(" ".join(lines).split())


def _is_ruler(text: str) -> bool:
    return not text.strip("-=#*~_ ")


def _is_first(token: Token) -> bool:
    """Whether a command may begin with it."""
    return isinstance(token, Word) and token.role == "first"


def _broken(found: Sequence[Token]) -> Broken | None:
    return found[-1] if found and isinstance(found[-1], Broken) else None


def _header(found: Sequence[Token], at: int) -> tuple[str, int, int] | None:
    """Name, line and the place behind the name of the function that begins at ``at``, if one does."""
    word = found[at]
    if not isinstance(word, Word):
        return None
    named = word
    if word.bare == "function" and at + 1 < len(found) and isinstance(follows := found[at + 1], Word):
        at, named = at + 1, follows
    brackets = [token.text for token in found[at + 1 : at + 3] if isinstance(token, Operator)] == ["(", ")"]
    if named is word and not brackets:
        return None
    name = named.literal
    if not name:
        return None
    return name, word.line, at + (3 if brackets else 1)


def _pairs(found: Sequence[Token]) -> dict[int, int]:
    """For each brace and parenthesis that opens, the place of the one that closes it."""
    pairs: dict[int, int] = {}
    braces: list[int] = []
    parentheses: list[int] = []
    for at, token in enumerate(found):
        text = text_of(token)
        if text == "(":
            parentheses.append(at)
        elif text == "{" and _is_first(token):
            braces.append(at)
        elif text == ")" and parentheses:
            pairs[parentheses.pop()] = at
        elif text == "}" and _is_first(token) and braces:
            pairs[braces.pop()] = at
    return pairs


def _end(found: Sequence[Token], pairs: Mapping[int, int], body: int) -> int | None:
    """The place behind the function's last token."""
    while body < len(found) and (text_of(found[body]) == "\n" or isinstance(found[body], Comment)):
        body += 1
    # A body may be any other compound command too; nobody writes that, and nothing here reads it.
    return pairs[body] + 1 if body in pairs else None


def _function(name: str, line: int, body: Sequence[Token], comments: Mapping[int, str]) -> Function:
    first = next(at for at, token in enumerate(body) if text_of(token) not in ("", "\n"))
    opening = body[first]
    inside = list(body[first + 1 : -1])
    if isinstance(opening, Operator):
        return Function(name, line, comment_above(comments, line), refused=Reason(opening.line, "a subshell"))
    text = _first_comment(inside, opening.line) or comment_above(comments, line)
    nodes, refused = statements(inside)
    return Function(name, line, text, nodes, refused)


def _first_comment(inside: Sequence[Token], line: int) -> str:
    """The comment at the top of a function: its first lines without a gap, or the one behind the brace."""
    block: list[str] = []
    for token in inside:
        if isinstance(token, Comment) and not (block and token.line > line + 1):
            if not _is_ruler(token.text):
                block.append(token.text)
            line = token.line
        elif text_of(token) != "\n":
            break
    return _help(block)


def _unread(text: str, stopped: Broken) -> list[Function]:
    """The functions behind the place where reading stopped, by how their first lines look."""
    found = []
    for match in _HEADER.finditer(text):
        line = text.count("\n", 0, match.start()) + 1
        if line > stopped.line:
            found.append(Function(match["word"] or match["name"], line, refused=Reason(stopped.line, stopped.why)))
    return found


def once(functions: Sequence[Function]) -> list[Function]:
    """Every definition once: of two with the same name bash takes the last."""
    last = {function.name: function for function in functions}
    return [
        function
        if last[function.name] is function
        else replace(function, nodes=(), refused=Reason(function.line, f"line {last[function.name].line} has it again"))
        for function in functions
    ]


def _sourced(found: Sequence[Token]) -> tuple[Reason, ...]:
    """Other scripts that this one reads: their functions are not seen."""
    notes = []
    for at, token in enumerate(found[:-1]):
        if isinstance(token, Word) and token.reserved in (".", "source"):
            named = found[at + 1]
            if isinstance(named, Word) and not is_dotenv(named):
                notes.append(Reason(token.line, f"functions of {named.literal or 'another script'} are not looked at"))
    return tuple(notes)


def _exported(found: Sequence[Token], at: int) -> tuple[Reason, ...]:
    """The variables that a script sets for everything it runs."""
    words = words_at(found, at)
    if not words or words[0].bare != "export":
        return ()
    return tuple(
        Reason(word.line, f"{word.assigned} is set for every command; for uvdock it belongs in .env")
        for word in words
        if word.assigned
    )


def is_dotenv(word: Word) -> bool:
    """Whether a word names a `.env` file, which uvdock reads by itself."""
    last = word.parts[-1] if word.parts else None
    return bool(last and last.kind == "text" and last.text.rpartition("/")[2].startswith(".env"))


def variables(found: Sequence[Token]) -> dict[str, frozenset[str] | None]:
    """Every variable that is set anywhere, with its values; those set for one command only are not among them."""
    values: dict[str, set[str] | None] = {}
    for at, token in enumerate(found):
        if not _is_first(token):
            continue
        words = words_at(found, at)
        first = words[0].bare
        if first in ("for", "select", "read", "mapfile", "readarray", "getopts"):
            values.update({word.bare: None for word in words[1:] if word.bare.isidentifier()})
        elif first in DECLARING or all(word.assigned for word in words):
            for word in words:
                if word.assigned:
                    _add(values, word)
    return {name: None if known is None else frozenset(known) for name, known in values.items()}


def _add(values: dict[str, set[str] | None], word: Word) -> None:
    name, value = word.assigned, constant(word.value)
    known = values.setdefault(name, set())
    if value is None or word.parts[0].text.startswith(f"{name}+="):
        values[name] = None
    elif known is not None:
        known.add(value)


def constant(word: Word) -> str | None:
    """A word's text, where it is one text or a variable with a text as its default."""
    if word.literal is not None:
        return word.literal
    parts = [part for part in word.parts if part.kind != "text" or part.text]
    return parts[0].default if len(parts) == 1 and parts[0].kind == "variable" else None
