"""Recipes of a justfile in the shape of a script's functions."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from uvdock.formats.shell.words import Token
from uvdock.init.make import REST, RefusedError, function_of
from uvdock.init.script import Function, Script, comment_above, once, variables
from uvdock.init.statements import Reason

_HEADER = re.compile(r"@?(?P<name>[A-Za-z_][\w-]*)(?P<parameters>(?:\s+[^:]*?)?)\s*:(?!=)(?P<needs>.*)")
_ASSIGNMENT = re.compile(r"(?:export\s+)?(?P<name>[A-Za-z_][\w-]*)\s*:=\s*(?P<value>.*)")
_PARAMETER = re.compile(r"""(?P<sign>[*+$]?)(?P<name>[A-Za-z_][\w-]*)(?P<default>=(?:'[^']*'|"[^"]*"|\S+))?""")
_LITERAL = re.compile(r"""'(?P<single>[^']*)'|"(?P<double>[^"\\]*)\"""")
_INSIDE = re.compile(r"\{\{(.*?)\}\}")
_ATTRIBUTE = re.compile(r"\[\s*(?P<name>[\w-]+)\s*(?:[:(]\s*(?P<value>.*?)\s*\)?)?\s*\]")
_SETTING = re.compile(r"(set|unexport)\s.*")
_ELSEWHERE = re.compile(r"(import|mod)\??\s.*")
_ALIAS = re.compile(r"alias\s+(?P<name>[\w-]+)\s*:=\s*(?P<target>\S+)")


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
    for line, row in enumerate(text.splitlines(), 1):
        reader.take(line, row)
    shell: list[Token] = []
    functions = [reader.function(recipe, shell) for recipe in reader.recipes]
    return Script(tuple(once(functions)), variables(shell), tuple(reader.notes))


class _JustReader:
    def __init__(self) -> None:
        self.values: dict[str, str | None] = {}
        self.recipes: list[_Recipe] = []
        self.notes: list[Reason] = []
        self.comments: dict[int, str] = {}
        self.attributes: list[re.Match[str]] = []
        self.open = False

    def take(self, line: int, row: str) -> None:
        """Take the next line."""
        text = row.strip()
        if row[:1] in (" ", "\t"):
            if self.open and text:
                self.recipes[-1].rows.append((line, text))
            elif text and not text.startswith("#"):
                self.notes.append(Reason(line, "this line is not understood"))
        elif text.startswith("#"):
            self.comments[line] = text.lstrip("#").strip()
        elif text:
            self.open = False
            self._statement(line, text)

    def _statement(self, line: int, text: str) -> None:
        if attribute := _ATTRIBUTE.fullmatch(text):
            self.attributes.append(attribute)
            if line - 1 in self.comments:
                # The comment belongs to the recipe below.
                self.comments[line] = self.comments.pop(line - 1)
        elif alias := _ALIAS.fullmatch(text):
            made = _Recipe(alias["name"], line, "", refused=f"an alias of {alias['target']}")
            self.recipes.append(made)
        elif _SETTING.fullmatch(text):
            return
        elif _ELSEWHERE.fullmatch(text):
            self.notes.append(Reason(line, f"recipes of {text.split(maxsplit=1)[1]} are not looked at"))
        elif found := _ASSIGNMENT.fullmatch(text):
            literal = _LITERAL.fullmatch(found["value"].partition(" #")[0].strip())
            self.values[found["name"]] = (literal["single"] or literal["double"] or "") if literal else None
        elif found := _HEADER.fullmatch(text):
            made = _Recipe(found["name"], line, comment_above(self.comments, line), found["parameters"], found["needs"])
            self._attribute(made)
            self.recipes.append(made)
            self.open = True
        else:
            self.notes.append(Reason(line, "this line is not understood"))

    def _attribute(self, recipe: _Recipe) -> None:
        for attribute in self.attributes:
            if attribute["name"] == "doc":
                recipe.help = (attribute["value"] or "").strip("'\"")
            elif attribute["name"] not in ("group", "no-exit-message", "positional-arguments"):
                recipe.refused = f"the attribute [{attribute['name']}]"
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
