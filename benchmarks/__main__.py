"""`python -m benchmarks`: measures, and writes docs/benchmark.json and docs/benchmark.md."""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from benchmarks import tools as programs
from benchmarks.figures import complete
from benchmarks.groups import MAKERS, Group
from benchmarks.report import measured, missed, page
from benchmarks.rows import GROUPS, ROWS
from benchmarks.stack import REPO, UID, Stack
from uvdock.bench.figures import Spread, in_turn

RESULT = REPO / "docs" / "benchmark.json"
PAGE = REPO / "docs" / "benchmark.md"


def say(text: str) -> None:
    """One line to standard error."""
    print(text, file=sys.stderr, flush=True)  # noqa: T201 - a program of its own


def measure(group: Group, count: int) -> dict[str, list[float]]:
    """Each contender's values, round by round, after one round that fills caches and does not count."""
    taken: dict[str, list[float]] = {}
    names = list(group.contenders)
    for name in names:
        group.contenders[name]()
    for _, name in in_turn(names, count):
        for key, value in group.contenders[name]().items():
            taken.setdefault(key, []).append(round(value, 4))
    assert complete(taken)
    return taken


def write(data: Mapping[str, Any]) -> None:
    """Keep what was measured, and make the page of it."""
    RESULT.write_text(json.dumps(data, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    PAGE.write_text(page(data), encoding="utf-8")


def main(argv: Sequence[str] | None = None) -> int:
    """Measure the groups that are asked for, or all."""
    parser = argparse.ArgumentParser(prog="benchmarks", description=__doc__)
    parser.add_argument("groups", nargs="*", metavar="GROUP", help=f"of these: {', '.join(GROUPS)}; all by default")
    parser.add_argument("--quick", action="store_true", help="few rounds: to see that it works")
    parser.add_argument("--page", action="store_true", help="measure nothing, write docs/benchmark.md anew")
    asked = parser.parse_args(argv)
    if unknown := set(asked.groups) - set(GROUPS):
        parser.error(f"there is no group {', '.join(sorted(unknown))}")
    data: dict[str, Any] = json.loads(RESULT.read_text(encoding="utf-8")) if RESULT.is_file() else {}
    if asked.page:
        write(data)
    else:
        data = _measured(asked.groups or list(GROUPS), data if asked.groups else {}, quick=asked.quick)
    for row in ROWS:
        if (found := measured(data, row)) is not None and row.limit is not None:
            say(f"{'✘' if missed(data, row) else '✔'} {found.median:8.3f} (limit {row.limit:g})  {row.name}")
    return 0


def _measured(groups: Sequence[str], before: Mapping[str, Any], *, quick: bool) -> dict[str, Any]:
    with tempfile.TemporaryDirectory(prefix="uvdock-benchmark-") as folder:
        place = Path(folder)
        # The image's user is to reach what is mounted.
        place.chmod(0o755)
        found = programs.machine()
        say("installing what is measured")
        tools = programs.install(place)
        if os.getuid() not in (0, UID):
            say(f"note: the stack's files belong to {os.getuid()}, its image's user is {UID}")
        stack = Stack.make(place, tools.env, shares_cache=True)
        data: dict[str, Any] = {
            "date": f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC",
            "quick": quick or bool(before.get("quick")),
            "machine": found,
            "versions": programs.versions(tools),
            "taken": dict(before.get("taken", {})),
            "profiles": dict(before.get("profiles", {})),
        }
        try:
            say("building and starting the stack")
            stack.run(tools.uvdock, "deps.install")
            stack.up()
            for name in groups:
                _one(name, stack, tools, data, GROUPS[name][1 if quick else 0])
                data["taken"] = {key: data["taken"][key] for key in GROUPS if key in data["taken"]}
                write(data)
        finally:
            stack.remove()
    return data


def _one(name: str, stack: Stack, tools: programs.Tools, data: dict[str, Any], count: int) -> None:
    began = time.monotonic()
    with MAKERS[name](stack, tools) as group:
        data["taken"][name] = measure(group, count)
        for contender, look in group.profiles.items():
            data["profiles"][f"{name}/{contender}"] = [[label, round(value, 4)] for label, value in look()]
    say(f"{name}: {count} rounds in {time.monotonic() - began:.0f} s")
    for contender, values in data["taken"][name].items():
        found = Spread.of(values)
        say(f"    {contender:32} {found.median:8.3f}  [{found.low:.3f} – {found.high:.3f}]")


if __name__ == "__main__":
    sys.exit(main())
