"""The simple commands of a shell's text, as far as their words can be told without running it."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

_SEPARATORS = ";&|()\n"
_ASSIGNMENT = re.compile(r"[A-Za-z_]\w*=")
#: Words before a command that leave it the command it is.
_BEFORE = {"!", "do", "elif", "else", "env", "exec", "if", "sudo", "then", "time", "until", "while", "{"}
_SHELLS = {"sh", "bash", "ash", "dash", "zsh"}
_VARIABLE = re.compile(r"\$(?:\{(?P<name>\w+)(?P<rest>:?[-+?][^{}]*)?\}|(?P<bare>\w+))")


@dataclass(frozen=True)
class Command:
    """One simple command and the variables that are set for it alone or were exported before it."""

    words: tuple[str, ...]
    env: Mapping[str, str]

    @property
    def program(self) -> str:
        """Its program without a folder; ``pip`` for ``python -m pip`` too."""
        name = self.words[0].rpartition("/")[2]
        module = re.match(r"python[\d.]*$", name) and len(self.words) > 2 and self.words[1] == "-m"
        return self.words[2] if module else name

    @property
    def arguments(self) -> tuple[str, ...]:
        """What follows the program."""
        name = self.words[0].rpartition("/")[2]
        return self.words[3:] if self.program != name else self.words[1:]

    @property
    def uv(self) -> str:
        """``sync``, ``pip install``, ``run``, ...: what uv is asked to do; nothing for another program."""
        from uvdock.deps.uvcommand import subcommand

        if self.program != "uv":
            return ""
        name = subcommand(self.arguments)
        if name in ("pip", "tool", "python", "cache"):
            rest = self.arguments[self.arguments.index(name) + 1 :]
            name = f"{name} {subcommand(rest)}".strip()
        return name

    def has(self, *options: str) -> bool:
        """Whether one of ``options`` is among its arguments, with a value or without."""
        return any(word.partition("=")[0] in options for word in self.arguments)

    def value(self, option: str) -> str | None:
        """The value of an option, as ``--option value`` or ``--option=value``."""
        for at, word in enumerate(self.arguments):
            name, equals, value = word.partition("=")
            if name == option:
                return value if equals else next(iter(self.arguments[at + 1 : at + 2]), None)
        return None

    def installs(self) -> bool:
        """Whether uv installs packages here."""
        named = self.uv in ("sync", "pip install", "pip sync", "add", "tool install")
        return named and not self.has("--dry-run", "--check", "--help", "-h")

    def syncs(self) -> bool:
        """Whether this is `uv sync` and more than a look."""
        return self.uv == "sync" and self.installs()


def commands(script: str) -> list[Command]:
    """The simple commands of ``script``; one that cannot be read is cut at its blanks."""
    found: list[Command] = []
    exported: dict[str, str] = {}
    for words in _simple(script):
        env = dict(exported)
        while words and (words[0] in _BEFORE or _ASSIGNMENT.match(words[0])):
            name, equals, value = words.pop(0).partition("=")
            if equals:
                env[name] = value
        if not words:
            continue
        if words[0] in ("export", "declare", "typeset"):
            exported.update((name, value) for name, equals, value in (word.partition("=") for word in words) if equals)
        inner = _inner_script(words)
        if inner is None:
            found.append(Command(tuple(words), env))
        else:
            found += (Command(item.words, {**env, **item.env}) for item in commands(inner))
    return found


def expand(text: str, values: Mapping[str, str]) -> str | None:
    """``text`` with its variables put in; ``None`` where one is not known."""
    missing: list[str] = []

    def put_in(match: re.Match[str]) -> str:
        name, rest = str(match["name"] or match["bare"]), match["rest"] or ""
        value = values.get(name)
        if value:
            return value
        if rest.lstrip(":").startswith("-"):
            return rest.lstrip(":")[1:]
        if name not in values:
            missing.append(name)
        return ""

    made = _VARIABLE.sub(put_in, text)
    return None if missing or "$" in made else made


def _simple(script: str) -> Iterator[list[str]]:
    lines = (line for line in script.replace("\\\n", " ").split("\n") if not line.lstrip().startswith("#"))
    text = "\n".join(lines)
    try:
        tokens = _tokens(text)
    except ValueError:
        yield from (part.split() for part in re.split(rf"[{_SEPARATORS}]", text) if part.split())
        return
    words: list[str] = []
    skip = False
    for token in tokens:
        if skip:
            skip = False
        elif token and not token.strip("<>&|") and token.strip("&|"):
            skip = True  # a redirect, and the file or number after it
            if words and words[-1].isdigit():
                words.pop()
        elif token and not token.strip(_SEPARATORS):
            if words:
                yield words
            words = []
        else:
            words.append(token)
    if words:
        yield words


def _tokens(text: str) -> list[str]:
    lexer = shlex.shlex(text, posix=True, punctuation_chars=f"{_SEPARATORS}<>")
    lexer.whitespace = " \t\r"
    lexer.whitespace_split = True
    lexer.commenters = ""
    return list(lexer)


def _inner_script(words: list[str]) -> str | None:
    """The script of ``sh -c SCRIPT``."""
    if words[0].rpartition("/")[2] not in _SHELLS:
        return None
    for at, word in enumerate(words[1:], 1):
        if re.fullmatch(r"-[a-z]*c[a-z]*", word) and at + 1 < len(words) and words[at + 1] != " ".join(words):
            return words[at + 1]
    return None
