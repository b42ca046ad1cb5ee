"""What in a repo still calls its ./run, Makefile or justfile, once uvdock has what they had."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from uvdock.init.carry import CarriedFunction

#: A call of the script itself, by a path or by a shell; and a Dockerfile's copy of it. Not `docker run`, nor /var/run.
_RUN = re.compile(
    r"(?<![\w./$}-])(?:\.{1,2}/(?:[\w.-]+/)*|(?:\$\{?\w+\}?|/(?!var/|usr/)[\w.-]+)/(?:[\w.-]+/)*|(?:ba|z)?sh[ \t]+)"
    r"""run(?=$|[\s"'`,;&|)\]])(?:["',\s]+(?P<name>[\w:.-]+))?|^\s*(?:COPY|ADD)\b[^#\n]*\s(?:\./)?run(?=\s)"""
)
_PROGRAMS = {"run": "run", "makefile": "make", "gnumakefile": "make", "justfile": "just", ".justfile": "just"}
_MOST = 30


class Caller(NamedTuple):
    """A line that calls one of the files: which one, and which task of uvdock does the same, where one does."""

    file: str
    line: int
    source: str
    written: str
    task: str


def callers(texts: Mapping[str, str], sources: Iterable[str], found: Iterable[CarriedFunction]) -> Iterator[Caller]:
    """The lines that call a file whose commands were carried over.

    Args:
        texts: The repo's other files by name.
        sources: The files that were read: ``run``, ``Makefile``.
        found: What became of each of their functions.
    """
    tasks = {(item.source, item.name): item.task if item.state != "left" else "" for item in found}
    patterns = {source: _pattern(source, [name for of, name in tasks if of == source]) for source in sources}
    for file, text in sorted(texts.items()):
        for number, line in enumerate(text.splitlines(), 1):
            for source, pattern in patterns.items():
                for match in pattern.finditer(line) if pattern else ():
                    task = tasks.get((source, match["name"] or ""), "")
                    yield Caller(file, number, source, " ".join(match[0].split()), task)


def calls_to_change(
    texts: Mapping[str, str], sources: Iterable[str], found: Iterable[CarriedFunction]
) -> Iterator[str]:
    """For a person: what to do with each file afterwards."""
    found, sources = list(found), list(sources)
    calls = list(callers(texts, sources, found))
    for source in sources:
        own = [call for call in calls if call.source == source]
        left = [item.name for item in found if item.source == source and item.state == "left"]
        kept = f"; it still has {', '.join(left)}, which was not carried over" if left else ""
        if not own:
            yield f"nothing else in the repo calls {source}: delete it when you need it no more{kept}"
            continue
        yield f"{source} is still called, {len(own)} times: change these lines, then delete it{kept}"
        for call in own[:_MOST]:
            instead = f" → inv {call.task}" if call.task else ""
            yield f"{call.file}:{call.line}: {call.written}{instead}"
        if len(own) > _MOST:
            yield f"and {len(own) - _MOST} more"


def _pattern(source: str, names: list[str]) -> re.Pattern[str] | None:
    program = _PROGRAMS[source.lower()]
    if program == "run":
        return _RUN
    if not names:
        return None
    # By their names: in prose, things are made too.
    one = "|".join(re.escape(name) for name in sorted(names, key=len, reverse=True))
    return re.compile(rf"(?<![\w./-]){program}[ \t]+(?:-\S+[ \t]+)*(?P<name>{one})(?![\w:-])")
