"""Which files and variables `docker compose config` reads besides the files it is given.

Compose does not tell. It is needed to know when what Compose said no longer holds, so this may name a file too many,
but none too few: text that it cannot follow (an address, a variable in an included file) has no answer.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

#: The keys whose values name further files.
_KEYS = re.compile(r"""(?<![\w.-])["']?(?:include|extends|env_file|label_file)["']?\s*:(?=\s|$|[\[{"'])""")
_QUOTED = re.compile(r""""([^"]*)"|'([^']*)'""")
_WORD = re.compile(r"""(?:\$\{[^{}]*\}|[^\s,\[\]{}"'])+""")
#: What stands between values: ``- ``, ``path: ``, commas and brackets.
_BETWEEN = re.compile(r"""(?<![^\s,\[\]{}])-\s+|[,\[\]{}]|(?<![^\s,\[\]{}])["']?[\w-]+["']?:(?=\s|$)""")
_BRACES = re.compile(r"\$\{([^{}]*)\}")
_NAME = re.compile(r"\$(?:\$|\{?(\w+))")
_REFERENCE = re.compile(r"\$(?:\{(?P<braced>\w+)(?:(?P<how>:?-)(?P<default>[^{}$]*))?\}|(?P<bare>\w+))")
_ALIAS = re.compile(r"(?:^|[\s\[{,:])\*\w")
_REMOTE = ("://", "git@", ".git#")
_LARGEST = 2**20


class Read(NamedTuple):
    """The files that decide what Compose says, there or not, and the names of the variables in them."""

    files: frozenset[str]
    variables: frozenset[str]


def read_by_compose(files: Sequence[str], cwd: str, values: Mapping[str, str]) -> Read | None:
    """What `docker compose config` reads.

    Args:
        files: The Compose files that it is given, by whole paths.
        cwd: The folder it runs in.
        values: The variables it sees, those of `.env` too.

    Returns:
        The files, those given too; ``None`` where that cannot be told from here.
    """
    # Each path is from the folder of the file that names it, of the first file, or of one that an `include` names.
    folders = [os.path.dirname(files[0]), *dict.fromkeys(os.path.dirname(name) for name in files[1:])]
    named = [name for name in values.get("COMPOSE_ENV_FILES", "").split(",") if name]
    found = {*files, f"{cwd}/.env", *(os.path.join(cwd, name) for name in named)}
    variables: set[str] = set()
    texts: dict[str, tuple[str, ...]] = {}
    while True:
        found |= {f"{folder}/.env" for folder in folders}
        for name in sorted(found - texts.keys()):
            text = _text(name)
            variables |= {match[1] for match in _NAME.finditer(text) if match[1]}
            paths = _paths(text, values if name in files else {})
            if paths is None:
                return None
            texts[name] = paths
            if os.path.isfile(name) and os.path.dirname(name) not in folders:
                folders.append(os.path.dirname(name))
        before = len(found), len(folders)
        named_here = {path for paths in texts.values() for path in paths}
        for whole in [os.path.normpath(os.path.join(folder, path)) for path in named_here for folder in folders]:
            if not os.path.isdir(whole):
                found.add(whole)
            elif whole not in folders:
                folders.append(whole)
        if (len(found), len(folders)) == before:
            return Read(frozenset(map(os.path.normpath, found)), frozenset(variables))


def _paths(text: str, values: Mapping[str, str]) -> tuple[str, ...] | None:
    """The paths that a text names; ``None`` where one of them cannot be told."""
    found = []
    for word in dict.fromkeys(word for block in _blocks(text) for word in _words(block)):
        if any(sign in word for sign in _REMOTE):
            return None
        path = _REFERENCE.sub(lambda match: _value(match, values), word)
        # In an included file, a variable may have another value than here.
        if "$" in word and ("$" in path or not values):
            return None
        if path and "\0" not in path:
            found.append(os.path.expanduser(path))
    return tuple(found)


def _blocks(text: str) -> Iterator[str]:
    """The values of the keys that name files; the whole text where one is not all in its place."""
    lines = text.split("\n")
    for at, line in enumerate(lines):
        for match in _KEYS.finditer(line):
            if "#" in line[: match.start()].split() or line.lstrip().startswith("#"):
                continue
            column = len(line) - len(line[match.start() :])
            body = [line[match.end() :]]
            for below in lines[at + 1 :]:
                indent = len(below) - len(below.lstrip(" "))
                if below.strip() and indent <= column and not (indent == column and below.lstrip().startswith("- ")):
                    break
                body.append(below)
            value = "\n".join(body)
            # Within brackets, no line's indent says where a value ends.
            around = (line[: match.start()] + value, "\n".join(lines[:at]))
            if not all(map(_closes, around)) or _ALIAS.search(value):
                yield text
                return
            yield value


def _closes(text: str) -> bool:
    """Whether as many brackets are closed as opened."""
    return all(text.count(one) == text.count(other) for one, other in ("[]", "{}"))


def _words(block: str) -> Iterator[str]:
    for match in _QUOTED.finditer(block):
        value = match[1] or match[2] or ""
        yield from (value, " ".join(value.split()))
    plain = [re.sub(r"(?:^|\s)#.*", "", line) for line in block.split("\n")]
    for line in plain:
        yield from (word for word in _WORD.findall(line) if not word.endswith(":"))
    # A plain value may have blanks in it, and go on in the next line.
    for text in (*plain, " ".join(" ".join(plain).split())):
        whole = _BRACES.sub("$\1\\1\2", text)
        parts = (part.replace("\1", "{").replace("\2", "}") for part in _BETWEEN.split(whole))
        yield from (part.strip().strip("\"'") for part in parts)


def _value(match: re.Match[str], values: Mapping[str, str]) -> str:
    value = values.get(match["braced"] or match["bare"])
    if match["how"] and (value is None or (match["how"] == ":-" and not value)):
        return match["default"]
    return value or ""


def _text(name: str) -> str:
    try:
        if not os.path.isfile(name) or os.path.getsize(name) > _LARGEST:
            return ""
        with open(name, encoding="utf-8", errors="replace") as file:
            return file.read()
    except (OSError, ValueError):
        return ""
