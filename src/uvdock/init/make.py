"""Targets of a Makefile in the shape of a script's functions: their recipes are bash once make's own part is done."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from uvdock.formats import make
from uvdock.formats.make import ASSIGNMENT, REFERENCE, Statement, name_in
from uvdock.formats.shell.lexer import tokens
from uvdock.formats.shell.words import Operator, Token
from uvdock.init.script import Function, Script, comment_above, once, variables
from uvdock.init.statements import Reason, statements

#: What people call the variable for further arguments.
REST = frozenset(("ARGS", "ARG", "OPTS", "args", "arg", "opts"))
#: Variables that make sets itself.
_OWN = re.compile(r"MAKE\w+|CURDIR|\.\w+|SHELL|MAKEFILE_LIST|SUFFIXES")
_DEEPEST = 20


class RefusedError(Exception):
    """A piece of a recipe that is not plain."""


@dataclass
class _Target:
    name: str
    line: int
    help: str
    needs: tuple[str, ...] = ()
    rows: list[tuple[int, str]] = field(default_factory=list)
    refused: str = ""


def read(text: str) -> Script:
    """Read a Makefile.

    Args:
        text: The whole file.

    Returns:
        Every target of it, in order, except for make's special ones (`.PHONY`).
    """
    reader = _MakeReader()
    for statement in make.read(text.replace("\r\n", "\n")):
        reader.take(statement)
    shell: list[Token] = []
    functions = [reader.function(target, shell) for target in reader.targets.values()]
    return Script(tuple(once(functions)), variables(shell), tuple(reader.notes))


def function_of(head: Function, rows: Sequence[tuple[int, str]], shell: list[Token]) -> Function:
    """A recipe as a function: its lines are read as bash, each in a shell of its own.

    Args:
        head: Its name, line, comment and what it needs.
        rows: Its lines, with their numbers.
        shell: Gets all tokens, for what the file's recipes set as variables.
    """
    found: list[Token] = []
    for number, row in rows:
        if row.startswith("-"):
            return replace(head, refused=Reason(number, "a failure that is ignored (-)"))
        found += [*tokens(row, number), Operator("\n", number)]
    shell += found
    nodes, refused = statements(found)
    return replace(head, nodes=nodes, refused=refused)


class _MakeReader:
    def __init__(self) -> None:
        self.values: dict[str, str | None] = {}
        self.targets: dict[str, _Target] = {}
        self.notes: list[Reason] = []
        self.comments: dict[int, str] = {}
        self.phony: set[str] = set()
        self.now: list[_Target] = []
        self.conditions = 0

    def take(self, statement: Statement) -> None:
        """Take the next line."""
        line, part = statement.line, statement.part
        self.conditions = max(0, self.conditions + {"if": 1, "endif": -1}.get(statement.kind, 0))
        match statement.kind:
            case "recipe":
                for target in self.now:
                    target.rows.append((line, statement.text.lstrip("\t ")))
            case "comment":
                self.comments[line] = statement.text.strip().lstrip("#").strip()
            case "define":
                self.values[part("name")] = None
            case "assignment":
                plain = part("how") not in ("+", "!") and not self.conditions
                self.values[part("name")] = part("value").partition(" #")[0].strip() if plain else None
            case "include" if not all(".env" in one for one in part("files").split()):
                self.notes.append(Reason(line, f"targets of {part('files')} are not looked at"))
            case "rule":
                self._rule(line, part("targets").split(), part("rest"))
            case "":
                self.notes.append(Reason(line, "this line is not understood"))

    def _rule(self, line: int, names: Sequence[str], rest: str) -> None:
        rest, _, about = rest.partition("##")
        rest, _, recipe = rest.partition("#")[0].partition(";")
        assigned = ASSIGNMENT.fullmatch(rest.strip())
        needs = tuple(word for word in rest.split() if word != "|" and not assigned)
        if names == [".PHONY"]:
            self.phony.update(needs)
        above = comment_above(self.comments, line)
        self.now = []
        for name in names:
            if re.fullmatch(r"\.[A-Z_]+", name):
                continue
            target = self.targets.setdefault(name, _Target(name, line, about.strip() or above))
            # Of two rules for one target, what they need adds up.
            target.needs += needs
            target.help = target.help or about.strip()
            if assigned:
                target.refused = target.refused or f"a variable for this target only ({assigned['name']})"
            if self.conditions:
                target.refused = "an ifeq or ifdef around it"
            if recipe.strip():
                target.rows.append((line, recipe.strip()))
            self.now.append(target)

    def function(self, target: _Target, shell: list[Token]) -> Function:
        """One target as a function."""
        line, refused = target.line, target.refused
        if "%" in target.name:
            refused = "a pattern rule"
        elif not refused and target.name not in self.phony and re.search(r"[./]", target.name):
            refused = "it makes a file"
        if refused:
            return Function(target.name, line, target.help, refused=Reason(line, refused))
        rows: list[tuple[int, str]] = []
        try:
            needs = [word for need in target.needs for word in self.expanded(need, 0).split()]
            for line, row in target.rows:
                rows.append((line, self.expanded(row, 0).lstrip("@+ \t")))
        except RefusedError as problem:
            return Function(target.name, target.line, target.help, refused=Reason(line, str(problem)))
        return function_of(Function(target.name, target.line, target.help, needs=tuple(needs)), rows, shell)

    def expanded(self, text: str, depth: int) -> str:
        """A text with make's variables put in, and what is left of ``$`` as bash has it."""
        return REFERENCE.sub(lambda match: self._value(match, depth), text)

    def _value(self, match: re.Match[str], depth: int) -> str:
        name = name_in(match)
        if name == "$":
            return "$"
        if depth > _DEEPEST:
            raise RefusedError(f"the variable {name} of the Makefile means itself")
        if not re.fullmatch(r"[A-Za-z_][\w.-]*", name):
            raise RefusedError(f"make's own {match.group()}")
        if name in REST:
            if self.values.get(name):
                raise RefusedError(f"arguments with a default ({name})")
            return "${@}"
        if name in self.values:
            value = self.values[name]
            if value is None:
                raise RefusedError(f"the variable {name}, whose value depends on something")
            return self.expanded(value, depth + 1)
        if name == "MAKE":
            return "make"
        if _OWN.fullmatch(name) and name != "CURDIR":
            raise RefusedError(f"make's own {match.group()}")
        return "${PWD}" if name == "CURDIR" else f"${{{name}}}"
