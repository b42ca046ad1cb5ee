"""The law of a migration, told without its code: a line that calls pip or the like goes, changes, or is named."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping

#: A plain call, anywhere in a line.
CALL = re.compile(
    r"(?<![\w.-])(?:pip3? (?:install|list|freeze|uninstall|download|wheel|check|show)\b|python3? -m (?:pip|venv) "
    r"|virtualenv [\w.]*env\b|pip-(?:compile|sync) "
    r"|pipenv (?:install|sync|run|lock)\b|poetry (?:install|run|add|lock)\b)"
)
#: A number in the words of a finding that lists more lines.
_MORE = re.compile(r"and the like in line ([\d, ]+)")
#: A finding that is about all in a folder.
_FOLDER = re.compile(r"nothing in this repo installs (.+), so all in it stays")


def silent(before: Mapping[str, str], after: Mapping[str, str], findings: Iterable[Mapping[str, object]]) -> list[str]:
    """The lines (``run:12: pip list``) that call as before, and that no finding names.

    Args:
        before: The repo's files.
        after: The same once it is migrated.
        findings: What the plan says: ``path``, ``line``, ``what``.
    """
    named: set[tuple[str, int]] = set()
    folders: list[str] = []
    for one in findings:
        folders += [f"{folder}/" for folder in _FOLDER.findall(str(one["what"]))]
        more = _MORE.search(str(one["what"]))
        lines = [str(one["line"]), *(more[1].split(", ") if more else ())]
        named |= {(str(one["path"]), int(line)) for line in lines}
    found = []
    for path, text in before.items():
        if path.startswith(tuple(folders)):
            continue
        left = Counter(line.strip() for line in after.get(path, "").splitlines())
        for number, line in enumerate(text.splitlines(), 1):
            stays = CALL.search(line) and not line.lstrip().startswith("#") and not re.search(r"\buv\b", line)
            places = {0, number, *around(text, number)}
            if stays and left[line.strip()] and not {(path, place) for place in places} & named:
                found.append(f"{path}:{number}: {line.strip()}")
    return found


def around(text: str, number: int) -> list[int]:
    """The lines with the keys of YAML that a line is below: a finding that names one is about all that is in it."""
    lines = text.splitlines()
    depths = [len(line) - len(line.lstrip()) for line in lines]
    found, depth = [], depths[number - 1]
    for at in range(number - 2, -1, -1):
        if lines[at].strip() and depths[at] < depth:
            depth = depths[at]
            found += [at + 1] if re.match(r"[\w\s-]+:", lines[at]) else []
    return found
