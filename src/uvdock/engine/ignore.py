"""What a `.dockerignore` keeps out of a build, by the SDK's own reading of its patterns."""

from __future__ import annotations

import re
import warnings
from collections.abc import Sequence
from functools import cached_property
from pathlib import PurePosixPath
from typing import Any


class Ignored:
    """The patterns of one `.dockerignore`.

    Args:
        lines: Its lines, comments and empty ones too, so that their numbers are the file's own.
    """

    def __init__(self, lines: Sequence[str]) -> None:
        self.lines = [line.strip().lstrip("\ufeff") for line in lines]

    def excludes(self, path: PurePosixPath | str) -> bool:
        """Whether a file or folder, by its place in the build context, is kept out."""
        return self._matches([line for line in self.lines if _is_pattern(line)], path)

    def line_of(self, path: PurePosixPath | str) -> int | None:
        """The number (from 1) of the last line that keeps ``path`` out; ``None`` where it is not kept out."""
        if not self.excludes(path):
            return None
        found = None
        for number, line in enumerate(self.lines, 1):
            if _is_pattern(line) and not line.startswith("!") and self._matches([line], path):
                found = number
        return found

    def _matches(self, lines: Sequence[str], path: PurePosixPath | str) -> bool:
        with warnings.catch_warnings():
            # The SDK makes a regular expression of each pattern, and Python has remarks on some of them.
            warnings.simplefilter("ignore", FutureWarning)
            try:
                return bool(self._matcher(list(lines)).matches(str(path)))
            except re.error:
                # `[z-a]` matches nothing in Docker, and is no regular expression.
                return len(lines) > 1 and self._matches([line for line in lines if self._is_read(line)], path)

    def _is_read(self, line: str) -> bool:
        try:
            self._matcher([line]).matches("name")
        except re.error:
            return False
        return True

    @cached_property
    def _matcher(self) -> Any:
        from docker.utils.build import PatternMatcher

        return PatternMatcher


def _is_pattern(line: str) -> bool:
    return bool(line) and not line.startswith("#")
