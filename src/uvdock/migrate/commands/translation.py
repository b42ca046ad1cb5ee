"""What becomes of one command of a shell text."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from uvdock.migrate.commands.sync import Sync

#: A finding: its level, what there is, and what to write instead.
Told = tuple[Literal["left", "question", "note"], str, str]


class LeftError(Exception):
    """A command stays as it is."""

    def __init__(self, what: str, instead: str) -> None:
        super().__init__(what)
        self.what, self.instead = what, instead


@dataclass
class Translation:
    """What becomes of one command; without anything it stays.

    Args:
        text: The command of uv that takes its place.
        edits: Changes of single words: start, end, text.
        dropped: Whether it goes.
        findings: Level, what there is, and what to write instead.
        syncs: The `uv sync` in its place.
        within: Whether its changed words, or a script in one of them, call uv.
        extra: Whether it installs packages that are not in the lock.
    """

    text: str | None = None
    edits: list[tuple[int, int, str]] = field(default_factory=list)
    dropped: bool = False
    findings: list[Told] = field(default_factory=list)
    syncs: list[Sync] = field(default_factory=list)
    within: bool = False
    extra: bool = False

    @property
    def changes(self) -> bool:
        """Whether the command changes."""
        return self.dropped or bool(self.edits) or self.text is not None

    @property
    def calls_uv(self) -> bool:
        """Whether uv is called in its place."""
        return self.within or self.text is not None
