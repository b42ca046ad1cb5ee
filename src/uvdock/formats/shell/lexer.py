"""Shell text as words, operators, comments and here-documents; where it cannot be read further, the reason is kept.

It is no shell: it knows as much of bash as it takes to tell what is a command and what only looks like one.
"""

from __future__ import annotations

import re
from dataclasses import replace

from uvdock.formats.shell.level import Kind, Level
from uvdock.formats.shell.words import Broken, Comment, Dialect, Document, Operator, Token, Word, WordPart

#: A number or `{name}` before a redirect belongs to it.
_OPERATOR = re.compile(
    r"(?:(?:\d+|\{[A-Za-z_]\w*\})(?=[<>])(?![<>]\())?"
    r"(?P<text>;;&|;;|;&|&&|\|\||\|&|&>>|&>|<<<|<<-|<<|<&|>&|>>|>\||<>|[;|&<>()\n])"
)
_META = frozenset(" \t\r\n;&|<>()")
_PLAIN = re.compile(r"[^ \t\r\n;&|<>()'\"\\$`]+")
_QUOTED = re.compile(r"[^\"\\$`]+")
_BRACKET = re.compile(r"\\.|'[^']*'|\"(?:\\.|[^\"\\])*\"|`[^`]*`|[()]", re.DOTALL)
_ENCLOSED = {
    "'": re.compile(r"'([^']*)'"),
    "`": re.compile(r"`((?:\\.|[^\\`])*)`", re.DOTALL),
    "$'": re.compile(r"\$'((?:\\.|[^\\'])*)'", re.DOTALL),
}
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*|[0-9]")
_ARRAY = re.compile(r"[A-Za-z_]\w*\+?=")
_MAKE_VARIABLE = re.compile(r"\$(?:\$\w+|\$?[({]\w+[)}])")
_DEFAULT = re.compile(r"(?P<name>[A-Za-z_][A-Za-z0-9_]*|[0-9]+)(?:(?P<how>:?-)(?P<default>.*))?", re.DOTALL)
_DEFAULT_TEXT = re.compile(r"""(?P<quote>["']?)(?P<text>[^"'$`\\{}]*)(?P=quote)""")
_ESCAPES = re.compile(
    r"\\(?:x(?P<byte>[\da-fA-F]{1,2})|u(?P<code>[\da-fA-F]{1,4})|(?P<octal>[0-7]{1,3})|(?P<char>.))", re.DOTALL
)
_ESCAPED = {"n": "\n", "t": "\t", "r": "\r", "a": "\a", "b": "\b", "e": "\x1b", "f": "\f", "v": "\v"}
_SPECIAL = frozenset("*#?$!-")
#: No arithmetic is longer: what has no end so far is taken for parentheses.
_LONGEST_ARITHMETIC = 1000
_DEEPEST = 50


def tokens(text: str, line: int = 1, *, dialect: Dialect | None = None, start: int = 0) -> list[Token]:
    """Read a script.

    Args:
        text: The text.
        line: The number of the line where it starts.
        dialect: Whose text it is; bash's own by default.
        start: Where the script starts in it.

    Returns:
        Its tokens; the last one is a `Broken` where a quote, a brace or a parenthesis is never closed.
    """
    reader = _Lexer(text, line, dialect or Dialect(), start)
    try:
        reader.script(reader.level)
    except _UnclosedError as unclosed:
        return [*reader.outermost.found, unclosed.broken]
    return reader.outermost.found


class _UnclosedError(Exception):
    def __init__(self, why: str, line: int) -> None:
        super().__init__(why)
        self.broken = Broken(why, line)


class _Lexer:
    def __init__(self, text: str, line: int, dialect: Dialect, start: int, deep: int = 0) -> None:
        self.text, self.dialect, self.at, self.deep = text, dialect, start, deep
        self.first = self.counted = (start, line)
        self.outermost = self.level = Level()

    @property
    def line(self) -> int:
        at, line = self.counted if self.at >= self.counted[0] else self.first
        self.counted = (self.at, line + self.text.count("\n", at, self.at))
        return self.counted[1]

    def script(self, level: Level, *, closes: bool = False) -> Level:
        """Read up to the end, or up to the parenthesis that closes a substitution."""
        outer, self.level, line = self.level, level, self.line
        self._deeper()
        while (at := self.dialect.gap(self.text, self.at)) < len(self.text):
            self.at = at
            char = self.text[at]
            word = char in "(|" if self._regex else self.text.startswith(("<(", ">("), at) and not level.condition
            if char == "#" and level.kind != "pattern":
                self._comment()
            elif char == ")" and closes and not level.depth and not level.patterns:
                break
            elif char == "(" and self._arithmetic():
                continue
            elif char == "\n" and level.expects.startswith("in"):
                # The `in` of a `for` or `case` may stand in a line below.
                self.at += 1
            elif not word and (operator := _OPERATOR.match(self.text, at)):
                level.found.append(Operator(operator["text"], self.line, at, operator.end()))
                self.at = operator.end()
                level.operator(operator["text"])
                if operator["text"] == "\n":
                    self._documents()
            else:
                self._word()
        else:
            self.at = len(self.text)
            if closes:
                raise _UnclosedError("a ( that is never closed", line)
        self.level = outer
        self.deep -= 1
        return level

    def _deeper(self) -> None:
        self.deep += 1
        if self.deep > _DEEPEST:
            raise _UnclosedError("substitutions in substitutions", self.line)

    def _comment(self) -> None:
        start = end = self.at
        while end < len(self.text) and self.text[end] != "\n":
            # Docker joins the lines before a shell sees the comment.
            end = max(end + 1, self.dialect.continued(self.text, end) if self.dialect.docker else 0)
        alone = not self.text[self.text.rfind("\n", 0, start) + 1 : start].strip()
        self.level.found.append(Comment(self.text[start + 1 : end].strip(), self.line, alone))
        self.at = end

    def _arithmetic(self) -> bool:
        """Whether `((` of a command stands here; if so, go on behind its end."""
        may = self.level.first or self.level.expects == "name"
        end = self._arithmetic_end(self.at) if may and not self.level.condition else 0
        if not end:
            return False
        self.level.found.append(Operator("((", self.line, self.at, end, self._inner(self.at + 2, end - 2)))
        self.level.expects, self.level.first = "", True
        self.at = end
        return True

    def _arithmetic_end(self, start: int) -> int:
        """Where the arithmetic ends whose two parentheses start here; 0 where it is a script in parentheses."""
        depth = 0
        if not self.text.startswith("((", start):
            return 0
        for found in _BRACKET.finditer(self.text, start + 1, start + _LONGEST_ARITHMETIC):
            depth += {"(": 1, ")": -1}.get(found[0], 0)
            if depth > _DEEPEST or (not depth and found[0] == ")"):
                return found.end() + 1 if not depth and self.text.startswith(")", found.end()) else 0
        return 0

    def _documents(self) -> None:
        for number, (name, tabs, quoted) in enumerate(self.level.pending):
            self.at = start = min(self.at + (number and 1), len(self.text))
            line, pattern = self.line, (r"^\t*" if tabs else "^") + re.escape(name) + r"\r?$"
            last = re.compile(pattern, re.MULTILINE).search(self.text, start)
            end, self.at = last.span() if last else (len(self.text), len(self.text))
            inner = () if quoted else self._inner(start, end)
            self.level.found.append(Document(self.text[start:end], line, start, self.at, inner))
            if last is None:
                raise _UnclosedError(f"a here-document without its end {name}", self.line)
        self.level.pending.clear()

    def _inner(self, start: int, end: int) -> tuple[tuple[int, int], ...]:
        """The substitutions of a text that is read as one in double quotes; none where it cannot be read."""
        if not re.compile(r"\$\(|`").search(self.text, start, end):
            return ()
        reader = _Lexer(self.text[:end], 1, self.dialect, start, self.deep)
        try:
            while reader.at < end:
                if self.text[reader.at] in "$`":
                    reader._expansion(quoted=True)
                else:
                    reader.at += 2 if self.text[reader.at] == "\\" else 1
        except _UnclosedError:
            return ()
        return tuple(reader.level.inner)

    @property
    def _regex(self) -> bool:
        """Whether a regular expression comes next, or is being read."""
        last = self.level.found[-1] if self.level.found else None
        return self.level.condition and isinstance(last, Word) and last.bare == "=~"

    def _word(self) -> None:
        level, start, line = self.level, self.at, self.line
        level.inner = []
        word = Word(_joined(self._parts()), line, self.text[start : self.at], start, self.at, tuple(level.inner))
        if level.redirect in ("<<", "<<-"):
            level.pending.append((word.text, level.redirect == "<<-", word.raw != word.text))
        level.found.append(replace(word, role=level.role(word.bare)))

    def _parts(self) -> list[WordPart]:
        parts, regex = list[WordPart](), self._regex
        while self.at < len(self.text):
            char = self.text[self.at]
            if plain := _PLAIN.match(self.text, self.at):
                parts.append(WordPart("text", plain[0]))
                self.at = plain.end()
            elif (end := self.dialect.continued(self.text, self.at)) > self.at:
                # A continuation joins what is inside a word; behind a word it is a blank.
                if self.dialect.gap(self.text, end) != end or self.text[end : end + 1] in ("", *_META):
                    break
                self.at = end
            elif char == "(" and (why := self._parenthesis(parts, regex=regex)):
                parts.append(self._nested(1, why, "array" if why == "an array" else "pattern"))
            elif self.text.startswith(("<(", ">("), self.at) and not self.level.condition:
                parts.append(self._nested(2, "a process substitution"))
            elif char == "|" and regex:
                parts.append(WordPart("text", char))
                self.at += 1
            elif char in _META:
                break
            else:
                parts += self._quoted(char)
        return parts

    def _quoted(self, char: str) -> list[WordPart]:
        if char == "\\":
            self.at = min(self.at + 2, len(self.text))
            return [WordPart("text", self.text[self.at - 1 : self.at], quoted=True)]
        if char == "'":
            return [WordPart("text", self._enclosed("'"), quoted=True)]
        if char == '"':
            return self._double()
        return [self._expansion(quoted=False)]

    def _parenthesis(self, parts: list[WordPart], *, regex: bool) -> str:
        """What goes on through a parenthesis inside a word: an array (``x=(…)``), a pattern (``@(…)``)."""
        if regex:
            return "a pattern"
        last = parts[-1] if parts else WordPart("text")
        if last.kind != "text" or last.quoted:
            return ""
        if len(parts) == 1 and _ARRAY.fullmatch(last.text):
            return "an array"
        return "a pattern" if last.text[-1:] in tuple("@?*+!") and not self.text.startswith("()", self.at) else ""

    def _nested(self, opening: int, why: str, kind: Kind = "commands") -> WordPart:
        """What is in parentheses, which start at this place with ``opening`` characters."""
        start = self.at
        self.at += opening
        level = self.script(Level(kind), closes=True)
        if kind == "commands":
            self.level.inner.append((start + opening, self.at))
        else:
            self.level.inner += [span for word in level.found if isinstance(word, Word) for span in word.inner]
        self.at += 1
        return WordPart("bad", why, shown=self.text[start : self.at])

    def _enclosed(self, opening: str) -> str:
        """What stands between the quotes that start here, and go on behind them."""
        found = _ENCLOSED[opening].match(self.text, self.at)
        if found is None:
            raise _UnclosedError("a quote that is never closed", self.line)
        self.at = found.end()
        return found[1]

    def _double(self) -> list[WordPart]:
        line = self.line
        self.at += 1
        # The quotes themselves make a word, even with nothing between them.
        parts = [WordPart("text", "", quoted=True)]
        while self.at < len(self.text):
            char = self.text[self.at]
            if plain := _QUOTED.match(self.text, self.at):
                parts.append(WordPart("text", plain[0], quoted=True))
                self.at = plain.end()
            elif char == '"':
                self.at += 1
                return parts
            elif (end := self.dialect.continued(self.text, self.at)) > self.at:
                self.at = end
            elif char == "\\":
                follows = self.text[self.at + 1 : self.at + 2]
                kept = {"\n": ""}.get(follows, follows if follows and follows in '$`"\\' else f"\\{follows}")
                parts.append(WordPart("text", kept, quoted=True))
                self.at += 2
            else:
                parts.append(self._expansion(quoted=True))
        raise _UnclosedError("a quote that is never closed", line)

    def _expansion(self, *, quoted: bool) -> WordPart:
        start = self.at
        if self.dialect.make and (variable := _MAKE_VARIABLE.match(self.text, start)):
            self.at = variable.end()
            return WordPart("bad", "a variable of make", quoted=quoted, shown=variable[0])
        self._deeper()
        part = self._expanded(self.text[start + 1 : start + 2], quoted=quoted)
        self.deep -= 1
        return replace(part, shown=self.text[start : self.at]) if part.shown is None and part.kind != "text" else part

    def _expanded(self, follows: str, *, quoted: bool) -> WordPart:
        if self.text[self.at] == "`":
            return self._backticks()
        if follows in ("(", "{"):
            return self._braces(quoted=quoted) if follows == "{" else self._substitution()
        if follows == "$" and self.dialect.make:
            # In a recipe it stands for one, which a shell then reads with what follows.
            follows = ""
        if follows == "@" or follows in _SPECIAL:
            self.at += 2
            return WordPart("rest") if follows == "@" else WordPart("bad", f"${follows}")
        if name := _NAME.match(self.text, self.at + 1):
            self.at = name.end()
            return WordPart("variable", name[0], quoted=quoted)
        if follows == "'" and not quoted:
            text = _ESCAPES.sub(_unescaped, self._enclosed("$'"))
            return WordPart("bad", "a text with escapes ($'…')", quoted=True, shown=text)
        self.at += 1
        # `$"…"` is a text that may be translated.
        return WordPart("text", "" if follows == '"' and not quoted else "$", quoted=quoted)

    def _substitution(self) -> WordPart:
        if end := self._arithmetic_end(self.at + 1):
            self.level.inner += self._inner(self.at + 3, end - 2)
            self.at = end
            return WordPart("bad", "arithmetic")
        return self._nested(2, "a command substitution")

    def _backticks(self) -> WordPart:
        inside = self._enclosed("`")
        self.level.inner.append((self.at - 1 - len(inside), self.at - 1))
        return WordPart("bad", "a command substitution")

    def _braces(self, *, quoted: bool) -> WordPart:
        start, line = self.at + 2, self.line
        self.at = start
        while self.at < len(self.text):
            char = self.text[self.at]
            if char == "}":
                self.at += 1
                return _inside(self.text[start : self.at - 1], quoted=quoted)
            if char == "'":
                self._enclosed("'")
            elif char == '"':
                self._double()
            elif char in "$`":
                self._expansion(quoted=quoted)
            else:
                self.at += 2 if char == "\\" else 1
        raise _UnclosedError("a { that is never closed", line)


def _unescaped(found: re.Match[str]) -> str:
    code = found["byte"] or found["code"]
    if code or found["octal"]:
        return chr(int(code, 16) if code else int(found["octal"], 8) & 0xFF)
    return _ESCAPED.get(found["char"], found["char"] if found["char"] in "\\'\"?" else found[0])


def _inside(text: str, *, quoted: bool) -> WordPart:
    if text == "@":
        return WordPart("rest")
    found = _DEFAULT.fullmatch(text)
    plain = _DEFAULT_TEXT.fullmatch(found["default"] or "") if found else None
    if found is None or plain is None:
        return WordPart("bad", f"${{{' '.join(text.split())}}}")
    return WordPart("variable", found["name"], default=plain["text"] if found["how"] else None, quoted=quoted)


def _joined(parts: list[WordPart]) -> tuple[WordPart, ...]:
    """Neighbouring texts of the same kind as one."""
    joined: list[WordPart] = []
    for part in parts:
        if joined and part.kind == "text" == joined[-1].kind and part.quoted == joined[-1].quoted:
            joined[-1] = WordPart("text", joined[-1].text + part.text, quoted=part.quoted)
        else:
            joined.append(part)
    return tuple(joined)
