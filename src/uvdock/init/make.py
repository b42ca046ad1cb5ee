"""Targets of a Makefile in the shape of a script's functions: their recipes are bash once make's own part is done."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from uvdock.formats.shell.lexer import tokens
from uvdock.formats.shell.words import Operator, Token
from uvdock.init.script import Function, Script, comment_above, once, variables
from uvdock.init.statements import Reason, statements

_ASSIGNMENT = re.compile(
    r"(?:(?:export|override)\s+)*(?P<name>[A-Za-z_.][\w.-]*)\s*(?P<how>::?:?|\?|\+|!)?=\s*(?P<value>.*)"
)
_RULE = re.compile(r"(?P<targets>[^\s#:=][^#:=]*?)\s*::?(?!=)(?P<rest>.*)")
_REFERENCE = re.compile(r"\$(?:\((?P<round>[^()]*)\)|\{(?P<curly>[^{}]*)\}|(?P<one>.)|$)")
_OPEN = re.compile(r"(ifeq|ifneq|ifdef|ifndef)\b")
_DIRECTIVES = re.compile(r"(-?include|sinclude|export|unexport|vpath|undefine|else|private)\b")
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
    needs: tuple[str, ...]
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
    for line, row in _rows(text):
        reader.take(line, row)
    shell: list[Token] = []
    functions = [reader.function(target, shell) for target in reader.targets]
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


def _rows(text: str) -> Iterable[tuple[int, str]]:
    """Lines with their numbers, those that end in a backslash together with the next."""
    first, kept = 0, ""
    for number, row in enumerate(text.splitlines(), 1):
        first = first if kept else number
        kept += row
        if (len(row) - len(row.rstrip("\\"))) % 2:
            kept += "\n"
            continue
        yield first, kept
        kept = ""
    if kept:
        yield first, kept


class _MakeReader:
    def __init__(self) -> None:
        self.values: dict[str, str | None] = {}
        self.targets: list[_Target] = []
        self.notes: list[Reason] = []
        self.comments: dict[int, str] = {}
        self.phony: set[str] = set()
        self.now: list[_Target] = []
        self.conditions = 0
        self.defining = ""

    def take(self, line: int, row: str) -> None:
        """Take the next line."""
        if self.defining:
            self.defining = "" if row.strip() == "endef" else self.defining
            return
        if row.startswith("\t"):
            for target in self.now:
                target.rows.append((line, row.lstrip("\t ")))
            return
        text = row.strip()
        if text.startswith("#"):
            self.comments[line] = text.lstrip("#").strip()
        elif text:
            self._statement(line, text)

    def _statement(self, line: int, text: str) -> None:
        if _OPEN.match(text):
            self.conditions += 1
        elif text.startswith("endif"):
            self.conditions = max(0, self.conditions - 1)
        elif text.startswith("define "):
            self.defining = text.split()[1]
            self.values[self.defining] = None
        elif found := _ASSIGNMENT.fullmatch(text):
            plain = found["how"] not in ("+", "!") and not self.conditions
            self.values[found["name"]] = found["value"].partition(" #")[0].strip() if plain else None
        elif _DIRECTIVES.match(text):
            directive, *named = text.split()
            if "include" in directive and not all(".env" in name for name in named):
                self.notes.append(Reason(line, f"targets of {' '.join(named)} are not looked at"))
        elif found := _RULE.fullmatch(text):
            self._rule(line, found["targets"].split(), found["rest"])
        else:
            self.notes.append(Reason(line, "this line is not understood"))

    def _rule(self, line: int, names: Sequence[str], rest: str) -> None:
        rest, _, about = rest.partition("##")
        rest, inline, recipe = rest.partition("#")[0].partition(";")
        assigned = _ASSIGNMENT.fullmatch(rest.strip())
        needs = tuple(word for word in rest.split() if word != "|")
        if names == [".PHONY"]:
            self.phony.update(needs)
        self.now = []
        for name in names:
            if re.fullmatch(r"\.[A-Z_]+", name):
                continue
            known = next((target for target in self.targets if target.name == name), None)
            if known and not assigned and not (known.rows and inline):
                # Two rules for one target: what they need adds up.
                known.needs += needs
                known.help = known.help or about.strip()
                self.now.append(known)
                continue
            target = known or self._added(name, line, about.strip(), () if assigned else needs)
            if assigned:
                target.refused = target.refused or f"a variable for this target only ({assigned['name']})"
            if self.conditions:
                target.refused = "an ifeq or ifdef around it"
            if inline and recipe.strip():
                target.rows.append((line, recipe.strip()))
            self.now.append(target)

    def _added(self, name: str, line: int, about: str, needs: tuple[str, ...]) -> _Target:
        self.targets.append(_Target(name, line, about or comment_above(self.comments, line), needs))
        return self.targets[-1]

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
        return _REFERENCE.sub(lambda match: self._value(match, self.values, depth), text)

    def _value(self, match: re.Match[str], values: Mapping[str, str | None], depth: int) -> str:
        if match["one"] == "$":
            return "$"
        name = match["round"] or match["curly"] or match["one"] or ""
        if depth > _DEEPEST:
            raise RefusedError(f"the variable {name} of the Makefile means itself")
        if not re.fullmatch(r"[A-Za-z_][\w.-]*", name):
            raise RefusedError(f"make's own {match.group()}")
        if name in REST:
            if values.get(name):
                raise RefusedError(f"arguments with a default ({name})")
            return "${@}"
        if name in values:
            value = values[name]
            if value is None:
                raise RefusedError(f"the variable {name}, whose value depends on something")
            return self.expanded(value, depth + 1)
        if name == "MAKE":
            return "make"
        if _OWN.fullmatch(name) and name != "CURDIR":
            raise RefusedError(f"make's own {match.group()}")
        return "${PWD}" if name == "CURDIR" else f"${{{name}}}"
