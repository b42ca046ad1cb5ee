"""Choosing upgrades with the keyboard: grouped by step, nothing preselected that may break."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from uvdock.ui import console

if TYPE_CHECKING:
    from questionary import Choice, Separator

    from uvdock.deps.upgrade import Bump

#: The groups in their order, each with the colour of what changes.
_COLOURS = {"patch": "fg:ansigreen", "minor": "fg:ansicyan", "major": "fg:ansired", "pre": "fg:ansiyellow"}
#: What a step of a 0.x release may break is what the next larger one may otherwise (https://semver.org, 4).
_LARGER = {"patch": "minor", "minor": "major"}
_PRESELECTED = ("patch", "minor")
_KEYS = "(↑ ↓ move · space choose · a all or none · i invert · enter upgrade · ctrl-c leave)"


def picked(bumps: Sequence[Bump], of: str = "") -> list[Bump]:
    """Let a person choose.

    Args:
        bumps: The upgrades.
        of: Of what they are, where there are several projects.

    Raises:
        KeyboardInterrupt: The choice was left.
    """
    import questionary

    if not bumps:
        return []
    found = questionary.checkbox(
        f"What to upgrade{f' in {of}' if of else ''}",
        choices=choices(bumps),
        instruction=_KEYS,
        # What was chosen is said in words below: the list's own are "done".
        erase_when_done=True,
    ).unsafe_ask()
    chosen = [bump for bump in bumps if bump.name in found]
    console.say(f"chosen: {', '.join(bump.name for bump in chosen) or 'nothing'}")
    return chosen


def choices(bumps: Sequence[Bump]) -> list[Choice | Separator]:
    """The list: a heading for each kind of step, and below it a line for each package with its versions aligned."""
    from questionary import Choice, Separator

    width = max(len(bump.name) for bump in bumps)
    before = max(len(bump.locked) for bump in bumps)
    listed: list[Choice | Separator] = []
    for kind, colour in _COLOURS.items():
        members = [bump for bump in bumps if weight(bump) == kind]
        if members:
            listed.append(Separator(f"── {kind}"))
        for bump in members:
            kept, changed = changed_part(bump.locked, str(bump.target))
            title = [("", f"{bump.name:{width}}  {bump.locked:>{before}} → {kept}"), (colour, changed)]
            listed.append(Choice(title, bump.name, checked=kind in _PRESELECTED))
    return listed


def weight(bump: Bump) -> str:
    """The kind of step that a person should think of: of a 0.x release, the next larger one."""
    return _LARGER.get(bump.kind, bump.kind) if bump.locked.split(".")[0] == "0" else bump.kind


def changed_part(old: str, new: str) -> tuple[str, str]:
    """A version cut in two, before its first part that is not the old one's: ``1.`` and ``4.0`` for 1.2.3 to 1.4.0."""
    before, after = old.split("."), new.split(".")
    same = 0
    while same < min(len(before), len(after)) and before[same] == after[same]:
        same += 1
    kept = ".".join(after[:same])
    return (f"{kept}." if kept and same < len(after) else kept), ".".join(after[same:])
