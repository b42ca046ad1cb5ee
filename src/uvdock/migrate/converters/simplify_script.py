"""What a script need not say any more once uv installs: a branch of which nothing is left, two that are the same.

A script that installs, writes down what came, and installs that again has one thing left to do with a lock. Only what
the migration changed is looked at, and only where a condition tests: testing changes nothing.
"""

from __future__ import annotations

import re

from uvdock.formats.shell.commands import UnreadableError, commands
from uvdock.formats.shell.words import Dialect

_ABOVE = r"(?P<above>(?:^[ \t]*\#(?!!)[^\n]*\n)*)"
_IF = r"^(?P<indent>[ \t]*)if[ \t]+(?P<condition>[^\n;]+?)[ \t]*(?:;[ \t]*|\n[ \t]*)then[ \t]*\n"
_COMMENTS = r"(?:[ \t]*\#[^\n]*\n)*"
_END = r"(?P=indent)fi[ \t]*(?:\n|\Z)"
_EMPTY = re.compile(rf"(?m){_ABOVE}{_IF}{_COMMENTS}[ \t]*:[ \t]*\n{_END}")
_SAME = re.compile(
    rf"(?m){_IF}{_COMMENTS}[ \t]*(?P<one>[^\s#][^\n]*)\n(?P=indent)else[ \t]*\n"
    rf"{_COMMENTS}[ \t]*(?P<two>[^\s#][^\n]*)\n{_END}"
)
_TWICE = re.compile(r"(?m)^(?P<line>[ \t]*(?:[A-Z_]+=\S+ )*uv sync[^\n]*)\n(?:[ \t]*\n)*(?P=line)[ \t]*$")
_TESTS = {"[", "[[", "test"}


def simplify_script(before: str, after: str) -> str:
    """A script without what says nothing any more.

    Args:
        before: The script as it was.
        after: The same with uv in the place of pip.

    Returns:
        The script; ``after`` itself where there is nothing to tidy.
    """
    made = _EMPTY.sub(lambda found: found[0] if found[0] in before or not _asks(found["condition"]) else "", after)
    made = _SAME.sub(
        lambda found: (
            f"{found['indent']}{found['one'].strip()}\n"
            if found[0] not in before and found["one"].strip() == found["two"].strip() and _asks(found["condition"])
            else found[0]
        ),
        made,
    )
    while (found := _TWICE.search(made)) is not None and found[0] not in before:
        made = f"{made[: found.start()]}{found['line']}{made[found.end() :]}"
    if made == after:
        return after
    # The blank lines on both sides of what went are one.
    made = re.sub(r"\n{3,}", lambda gap: gap[0] if gap[0] in before else "\n\n", made)
    return made.rstrip("\n") + "\n" * (len(before) - len(before.rstrip("\n")))


def _asks(condition: str) -> bool:
    """Whether a condition does nothing but test."""
    try:
        found = commands(condition, Dialect())
    except UnreadableError:
        return False
    names = {command.name for command in found}
    return bool(names) and names <= _TESTS and "$(" not in condition and "`" not in condition
