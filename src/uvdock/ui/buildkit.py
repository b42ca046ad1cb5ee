"""BuildKit's plain progress, as a build prints it that has no terminal: what of it a person needs."""

from __future__ import annotations

import re
from collections.abc import Sequence

#: What is before a line: the step's number, and the seconds since it began.
PREFIX = re.compile(r"^#(\d+) (?:\d+\.\d+ )?")
#: Around BuildKit's own excerpt, which has the last lines only.
_RULE = "------"


def failing(lines: Sequence[str]) -> list[str]:
    """All that the steps said that failed, the lines of the Dockerfile, and the error; all lines of what is no build.

    Args:
        lines: The whole output.
    """
    failed = {found[1] for line in lines if (found := PREFIX.match(line)) and line[found.end() :].startswith("ERROR")}
    if not failed:
        return list(lines)
    steps = [PREFIX.sub("", line) for line in lines if (found := PREFIX.match(line)) is not None and found[1] in failed]
    rules = [number for number, line in enumerate(lines) if line == _RULE]
    rest = lines[rules[-1] + 1 :] if rules else [line for line in lines if line and not PREFIX.match(line)]
    return [*steps, *(line for line in rest if line.strip())]
