"""The instructions of a Dockerfile, read as BuildKit's parser does.

Whatever a text says, there is an answer: what BuildKit refuses is read as far as it goes.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from uvdock.formats.dockerfile.instruction import Instruction, Part, exec_form

_DIRECTIVE = re.compile(r"#\s*(?P<name>syntax|escape|check)\s*=\s*(?P<value>\S.*?)\s*$", re.IGNORECASE)
_VERB = re.compile(r"\s*(?P<verb>[^\t\v\f\r ]+)[\t\v\f\r ]*")
#: An option, or the `--` behind the last one.
_OPTION = re.compile(r"""(?P<name>--(?:\\.?|(["'])(?:\\.|(?!\2).)*(?:\2|\Z)|[^\s"'\\])+)\s*|--(?:\s+|\Z)""", re.DOTALL)
#: A word as BuildKit splits them to look for here-documents: a shell's own are in quotes or have more to them.
_WORD = re.compile(r"""(?:\\(?:.|\Z)|'[^']*'|"(?:\\.|[^"\\])*"|\$\{[^{}]*\}|\$(?!\{)|[^\s"'\\$])+""", re.DOTALL)
_HEREDOC = re.compile(r"\d*<<(?P<tabs>-?)(?P<name>[^<]+)")
_QUOTES = re.compile(r"""\\(.)|'([^']*)'|"((?:\\.|[^"\\])*)\"""", re.DOTALL)


class _Joined(NamedTuple):
    """Continued lines as one: as BuildKit has them, where each character stands, and with one blank at the joints."""

    text: str
    places: list[int]
    plain: str


def escape(text: str) -> str:
    """What continues a line of a Dockerfile, by the parser directives that come before all else."""
    for line in text.removeprefix("\ufeff").split("\n"):
        found = _DIRECTIVE.match(line.strip())
        if found is None:
            break
        if found["name"].lower() == "escape" and found["value"] == "`":
            return "`"
    return "\\"


def parse(text: str) -> list[Instruction]:
    """The instructions of a Dockerfile, in order."""
    return list(_LineParser(text).instructions())


class _LineParser:
    """Goes through the lines of a file."""

    def __init__(self, text: str) -> None:
        self.text = text
        mark = re.escape(escape(text))
        self.continued = re.compile(rf"(?<!{mark}){mark}[ \t]*$")
        self.at, self.line = 0, 0

    def instructions(self) -> Iterator[Instruction]:
        while self.at < len(self.text):
            start, line = self.at, self.line + 1
            joined = self._joined()
            if joined.plain:
                yield self._instruction(joined, tuple(self._documents(joined.text)), (start, line))

    def _next(self) -> tuple[str, int]:
        """The next line without its end, and where it starts."""
        start = self.at
        end = self.text.find("\n", start)
        self.at, self.line = (len(self.text) if end < 0 else end + 1), self.line + 1
        start += self.text.startswith("\ufeff", 0, self.at) and not start
        return self.text[start : self.at].rstrip("\r\n"), start

    def _joined(self) -> _Joined:
        """Continued lines as one, without comments and empty lines between them."""
        text = plain = ""
        places: list[int] = []
        inside = False
        while self.at < len(self.text):
            line, start = self._next()
            bare = line.lstrip()
            if bare and not bare.startswith("#"):
                part = self.continued.sub("", line)
                text += part
                places += range(start, start + len(part))
                meet = plain[-1:].isspace() or part[:1].isspace()
                plain = f"{plain.rstrip()} {part.lstrip()}" if meet else plain + part
                inside = part != line
            if not inside:
                break
        return _Joined(text, places, plain.strip())

    def _documents(self, joined: str) -> Iterator[Part]:
        for tabs, name in _heredocs(joined):
            start = stop = self.at
            while self.at < len(self.text):
                line, stop = self._next()
                # Only tabs may stand before the word that ends it, and only where `<<-` says so.
                if (line.lstrip("\t") if tabs else line) == name:
                    break
                stop = self.at
            else:
                # Nothing ends it: it goes as far as its instruction.
                stop = start + len(self.text[start : self.at].rstrip("\r\n"))
            yield self._part(start, stop)

    def _instruction(
        self, joined: _Joined, documents: tuple[Part, ...], first: tuple[int, int], *, onbuild: bool = False
    ) -> Instruction:
        text, places, plain = joined
        verb, spans, at = _split(text)
        value = plain[_split(plain)[2] :]
        said = "".join("\n" + part.text.removesuffix("\n").replace("\r\n", "\n") for part in documents if part.text)
        begin = [*places, places[-1] + 1][at]
        rest = _Joined(text[at:], places[at:], value)
        keeps = verb == "ONBUILD" and not onbuild and value
        return Instruction(
            verb=verb, text=plain + said, value=value + said,
            start=first[0], end=self.at, line=first[1], last=self.line, documents=documents, onbuild=onbuild,
            options=tuple(self._part(places[start], places[end - 1] + 1) for start, end in spans),
            body=self._part(begin, begin + len(self.text[begin : self.at].rstrip("\r\n"))),
            trigger=self._instruction(rest, documents, first, onbuild=True) if keeps else None,
        )  # fmt: skip

    def _part(self, start: int, end: int) -> Part:
        return Part(self.text[start:end], start, end)


def _split(joined: str) -> tuple[str, list[tuple[int, int]], int]:
    """The verb in capitals, where the options are, and where what follows them starts."""
    verb = _VERB.match(joined)
    name, at = (verb["verb"].upper(), verb.end()) if verb else ("", 0)
    options: list[tuple[int, int]] = []
    while option := _OPTION.match(joined, at):
        at = option.end()
        if re.sub(r"\\(.?)|[\"']", r"\1", option["name"] or "--") == "--":
            # What follows it is no option; BuildKit looks when the quotes are gone.
            break
        options.append(option.span("name"))
    return name, options, at


def _heredocs(joined: str) -> Iterator[tuple[bool, str]]:
    """The here-documents that the lines below are: whether tabs may stand before their ends, and their ends."""
    verb, _, at = _split(joined)
    if verb == "ONBUILD":
        verb, _, more = _split(joined[at:])
        at += more
    # Where a quote is never closed, BuildKit looks for none.
    if verb not in ("RUN", "COPY", "ADD") or exec_form(joined[at:]) is not None or _WORD.sub("", joined).strip():
        return
    for document in filter(None, map(_HEREDOC.fullmatch, _WORD.findall(joined))):
        if name := _QUOTES.sub(lambda quoted: "".join(one or "" for one in quoted.groups()), document["name"]):
            yield bool(document["tabs"]), name
