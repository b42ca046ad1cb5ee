"""Recipes of a justfile in the shape of a script's functions."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from uvdock.formats import just
from uvdock.formats.make import Statement
from uvdock.formats.shell.words import Token
from uvdock.init.make import REST, RefusedError, function_of
from uvdock.init.script import Function, Script, comment_above, once, variables
from uvdock.init.statements import Reason

_PARAMETER = re.compile(r"""(?P<sign>[*+$]?)(?P<name>[A-Za-z_][\w-]*)(?P<default>=(?:'[^']*'|"[^"]*"|\S+))?""")
_LITERAL = re.compile(r"""'(?P<single>[^']*)'|"(?P<double>[^"\\]*)\"""")
_INSIDE = re.compile(r"\{\{(.*?)\}\}")


@dataclass
class _Recipe:
    name: str
    line: int
    help: str
    parameters: str = ""
    needs: str = ""
    rows: list[tuple[int, str]] = field(default_factory=list)
    refused: str = ""


def read(text: str) -> Script:
    """Read a justfile.

    Args:
        text: The whole file.

    Returns:
        Every recipe and every alias of it, in order.
    """
    reader = _JustReader()
    for statement in just.read(text.replace("\r\n", "\n")):
        reader.take(statement)
    shell: list[Token] = []
    functions = [reader.function(recipe, shell) for recipe in reader.recipes]
    return Script(tuple(once(functions)), variables(shell), tuple(reader.notes))


class _JustReader:
    def __init__(self) -> None:
        self.values: dict[str, str | None] = {}
        self.recipes: list[_Recipe] = []
        self.notes: list[Reason] = []
        self.comments: dict[int, str] = {}
        self.attributes: list[tuple[str, str]] = []
        self.open = False

    def take(self, statement: Statement) -> None:
        """Take the next line."""
        line, text, part = statement.line, statement.text.strip(), statement.part
        self.open = self.open and statement.kind in ("recipe", "empty", "comment")
        match statement.kind:
            case "recipe" if self.open:
                self.recipes[-1].rows.append((line, text))
            case "comment":
                self.comments[line] = text.lstrip("#").strip()
            case "attribute":
                self.attributes.append((part("name"), part("value")))
                if line - 1 in self.comments:
                    # The comment belongs to the recipe below.
                    self.comments[line] = self.comments.pop(line - 1)
            case "alias":
                self.recipes.append(_Recipe(part("name"), line, "", refused=f"an alias of {part('target')}"))
            case "include":
                self.notes.append(Reason(line, f"recipes of {part('files')} are not looked at"))
            case "assignment":
                literal = _LITERAL.fullmatch(part("value").partition(" #")[0].strip())
                self.values[part("name")] = (literal["single"] or literal["double"] or "") if literal else None
            case "rule":
                about = comment_above(self.comments, line)
                self.recipes.append(_Recipe(part("name"), line, about, part("parameters"), part("needs")))
                self._attribute(self.recipes[-1])
                self.open = True
            case "" | "recipe" if not text.startswith("#"):
                self.notes.append(Reason(line, "this line is not understood"))

    def _attribute(self, recipe: _Recipe) -> None:
        for name, value in self.attributes:
            if name == "doc":
                recipe.help = value.strip("'\"")
            elif name not in ("group", "no-exit-message", "positional-arguments"):
                recipe.refused = f"the attribute [{name}]"
        self.attributes = []

    def function(self, recipe: _Recipe, shell: list[Token]) -> Function:
        """One recipe as a function."""
        line, rows = recipe.line, list[tuple[int, str]]()
        try:
            needs, rest, others = _head(recipe)
            for line, row in recipe.rows:
                rows.append((line, self._expanded(row, rest, others).lstrip("@ ")))
        except RefusedError as problem:
            return Function(recipe.name, recipe.line, recipe.help, refused=Reason(line, str(problem)))
        return function_of(Function(recipe.name, recipe.line, recipe.help, needs=tuple(needs)), rows, shell)

    def _expanded(self, row: str, rest: str, others: Sequence[str]) -> str:
        def value(match: re.Match[str]) -> str:
            name = match[1].strip()
            if name and name == rest:
                return "${@}"
            if name in others:
                raise RefusedError(f"the argument {name}")
            known = self.values.get(name)
            if known is None:
                raise RefusedError(f"just's own {match.group()}")
            return known

        return _INSIDE.sub(value, row)


def _head(recipe: _Recipe) -> tuple[list[str], str, list[str]]:
    """What a recipe needs, its parameter for further arguments, and the names of its others."""
    if recipe.refused:
        raise RefusedError(recipe.refused)
    if recipe.rows and recipe.rows[0][1].startswith("#!"):
        raise RefusedError("a script of its own (#!)")
    needs = recipe.needs.partition("#")[0].split()
    if not all(re.fullmatch(r"[\w-]+", need) for need in needs):
        raise RefusedError("what it depends on is more than names")
    return needs, *_parameters(recipe.parameters)


def _parameters(text: str) -> tuple[str, list[str]]:
    """The parameter for further arguments, and the names of all others."""
    rest, others, at = "", list[str](), 0
    text = text.strip()
    while at < len(text):
        found = _PARAMETER.match(text, at)
        if found is None:
            raise RefusedError("its parameters are not understood")
        empty = (found["default"] or "").strip("=") in ("''", '""')
        if found["sign"] in ("*", "+") or (found["name"] in REST and empty):
            if found["default"] and not empty:
                raise RefusedError(f"arguments with a default ({found['name']})")
            rest = found["name"]
        else:
            others.append(found["name"])
        at = found.end() + len(text[found.end() :]) - len(text[found.end() :].lstrip())
    return rest, others
