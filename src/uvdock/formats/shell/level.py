"""What may come next in a script: a command, a pattern, the target of a redirect."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from uvdock.formats.shell.words import OPENING, REDIRECTS, Role, Token

Kind = Literal["commands", "array", "pattern"]


@dataclass
class Level:
    """A script on its way: the text itself, or a substitution in it.

    Args:
        kind: What its words are where they are none of commands.
        found: Its tokens.
        inner: The substitutions of the word that is read.
        pending: The here-documents that follow the line: what ends each, whether tabs may stand before that, and
            whether nothing in it is expanded.
        cases: For each ``case`` that is open, whether its patterns or its commands come next.
        depth: How many parentheses are open.
        first: Whether a command may begin.
        expects: What comes next of ``case``, ``for`` or ``function``.
        redirect: The redirect whose target comes next.
        condition: Whether a ``[[`` is open.
    """

    kind: Kind = "commands"
    found: list[Token] = field(default_factory=list)
    inner: list[tuple[int, int]] = field(default_factory=list)
    pending: list[tuple[str, bool, bool]] = field(default_factory=list)
    cases: list[Literal["patterns", "commands"]] = field(default_factory=list)
    depth: int = 0
    first: bool = True
    expects: str = ""
    redirect: str = ""
    condition: bool = False

    @property
    def patterns(self) -> bool:
        """Whether the patterns of a ``case`` come next."""
        return self.cases[-1:] == ["patterns"]

    def operator(self, text: str) -> None:
        """Go on behind an operator."""
        if text in ("(", ")") and not self.patterns:
            self.depth = max(0, self.depth + (1 if text == "(" else -1))
        elif text == ")":
            self.cases[-1] = "commands"
        elif text in (";;", ";&", ";;&") and self.cases:
            self.cases[-1] = "patterns"
        elif text in REDIRECTS:
            self.redirect = "" if self.condition or self.kind != "commands" else text
            return
        self.expects = self.redirect = ""
        self.first = not (self.patterns or self.condition)

    def role(self, bare: str) -> Role:
        """What the next word is, and go on behind it."""
        if self.redirect or self.kind != "commands":
            redirect, self.redirect = self.redirect, ""
            return "target" if redirect else ""
        if self.condition:
            self.condition, self.first = bare != "]]", bare == "]]"
            return ""
        if self.expects and self._expected(bare):
            return ""
        if self.patterns and bare != "esac":
            return "pattern"
        if not (self.first or self.patterns):
            return ""
        if bare == "esac" and self.cases:
            self.cases.pop()
        self.first, self.condition = bare in OPENING, bare == "[["
        self.expects = {"case": "subject", "for": "name", "select": "name", "function": "function"}.get(bare, "")
        return "first"

    def _expected(self, bare: str) -> bool:
        expected, self.first = self.expects, self.expects == "function"
        self.expects = {"subject": "in of case", "name": "in"}.get(expected, "")
        if expected == "in of case":
            self.cases.append("patterns")
        elif expected == "in" and bare != "in":
            # `for NAME do`
            self.first = True
            return False
        return True
