"""docs/benchmark.md, made of nothing but docs/benchmark.json."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from benchmarks.figures import ratios
from benchmarks.rows import ROWS, Row
from uvdock.bench.figures import Spread

_HEAD = """\
# Benchmark

Made by `inv benchmark` from `docs/benchmark.json`, which keeps the last run; do not edit this page.

The stack is a copy of `compose/flask` (Flask, Postgres, Redis, a Celery worker, a service for JavaScript) with 19
direct dependencies. `./run` is [benchmarks/files/run](../benchmarks/files/run): functions over plain `docker compose`.
uvdock is its wheel, installed in an environment of its own. All contenders of a group run in turn, round by round,
after one round that fills caches and does not count. PyPI lets its pages be kept for ten minutes and its files for
good, and a mirror may not: the stack's manifest names the index with what PyPI says, for every contender. A ratio is
the median of the rounds' ratios, and in brackets the quarters below and above it. Below 1 is faster than what it is
compared with.

`./run` keeps nothing between one-offs, as in the repo that the limits were set on, and there too the Dockerfile has no
cache mounts and compiles bytecode for development ("production's image"). Its other Dockerfiles tell what is uvdock's
doing and what the Dockerfile's. uvdock's services share its cache volume, as docs/run.md has it; so does "`./run` with
the shared cache".

The DNS server of the machine loses some of many lookups at once, and the engine ends no container whose lookups it
waits for, which it does for 4 s. So a one-off that asks an index for fifty packages takes 4 s longer here than it
needs. The stack's containers are given the index's addresses instead; where a row is against "`./run` with this
machine's DNS", they are not. uv on the host has to do with that server in any case, and waits 5 s for a lost lookup.
"""


def measured(data: Mapping[str, Any], row: Row) -> Spread | None:
    """A row's ratio or value; ``None`` where it was not measured."""
    taken = data["taken"].get(row.group, {})
    if row.contender not in taken or (row.base and row.base not in taken):
        return None
    values = taken[row.contender]
    return ratios(values, taken[row.base]) if row.base else Spread.of(values)


def missed(data: Mapping[str, Any], row: Row) -> bool:
    """Whether a row that has a limit is above it."""
    found = measured(data, row)
    return found is not None and row.limit is not None and found.median > row.limit


def page(data: Mapping[str, Any]) -> str:
    """The whole page."""
    machine = " · ".join(f"{name}: {value}" for name, value in data["machine"].items())
    versions = " · ".join(f"{name} {value}" for name, value in data["versions"].items())
    lines = [_HEAD, f"{data['date']} · {machine}", "", versions, ""]
    if data.get("quick"):
        lines += ["**A quick run, of few rounds: to see that it works, not to be quoted.**", ""]
    lines += ["| | Result | Limit | | Takes | Against | Rounds |", "|---|---|---|---|---|---|---|"]
    lines += [_line(data, row) for row in ROWS if measured(data, row) is not None]
    short = [row for row in ROWS if missed(data, row)]
    lines += ["", "## Where it falls short", ""]
    if not short:
        lines += ["Nowhere in this run.", ""]
    for row in short:
        lines += [f"### {row.name}", "", *_profile(data, row), ""]
    lines += ["## All medians", "", "| Group | What | Median | Quarters | Runs |", "|---|---|---|---|---|"]
    for group, taken in data["taken"].items():
        for name, values in taken.items():
            found, unit = Spread.of(values), "MB" if group == "memory" else "s"
            spread = f"{_number(found.low)} – {_number(found.high)}"
            lines.append(f"| {group} | {name} | {_number(found.median)} {unit} | {spread} | {found.runs} |")
    return "\n".join([*lines, ""])


def _line(data: Mapping[str, Any], row: Row) -> str:
    found = measured(data, row)
    assert found is not None
    taken = data["taken"][row.group]
    unit = "" if row.unit == "ratio" else f" {row.unit}"
    result = f"{_number(found.median)}{unit} [{_number(found.low)} – {_number(found.high)}]"
    mark = "" if row.limit is None else "✘" if missed(data, row) else "✔"
    limit = "" if row.limit is None else f"≤ {_number(row.limit)}{unit}"
    takes, against = "", ""
    if row.base:
        takes = f"{_number(Spread.of(taken[row.contender]).median)} s"
        against = f"{row.base}: {_number(Spread.of(taken[row.base]).median)} s"
    return f"| {row.name} | {result} | {limit} | {mark} | {takes} | {against} | {found.runs} |"


def _profile(data: Mapping[str, Any], row: Row) -> list[str]:
    found = data["profiles"].get(f"{row.group}/{row.contender}")
    if not found:
        return ["No profile was taken."]
    lines = ["| Where the time goes | s |", "|---|---|"]
    return [*lines, *(f"| {name} | {_number(seconds)} |" for name, seconds in found)]


def _number(value: float) -> str:
    return f"{value:.3f}" if value < 1 else f"{value:.2f}" if value < 10 else f"{value:.0f}"
