"""Running contenders in turn and taking their times."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from uvdock import process
from uvdock.bench.figures import Measured, in_turn
from uvdock.engine.building import captured_build
from uvdock.errors import UvdockError


@dataclass(frozen=True)
class Contender:
    """One thing to do several times.

    Args:
        group: What it does.
        who: Who does it.
        prepare: What is done before each run and is not timed.
        argv: The command that is timed.
        cwd: Its folder.
        env: Its variables.
        stdin: What it reads.
        after: What is done after each run and is not timed.
        remark: What is to be known of it.
    """

    group: str
    who: str
    prepare: Callable[[], object]
    argv: Sequence[str]
    cwd: Path
    env: Mapping[str, str]
    stdin: bytes = b""
    after: Callable[[], object] = lambda: None
    remark: str = ""


def measure(contenders: Sequence[Contender], runs: int, tell: Callable[[str], object]) -> list[Measured]:
    """Run each once, and then in turn.

    Args:
        contenders: Who takes part.
        runs: How many runs count; before them, there is one that does not.
        tell: Called before each run with what it is.

    Raises:
        UvdockError: A command failed.
    """
    by_name = {f"{item.group}: {item.who}": item for item in contenders}
    taken: dict[str, list[float]] = {name: [] for name in by_name}
    for number, name in [*((0, name) for name in by_name), *((n + 1, name) for n, name in in_turn([*by_name], runs))]:
        tell(f"{name} ({f'run {number} of {runs}' if number else 'first run'})")
        taken[name].append(_timed(by_name[name]))
    return [
        Measured(item.group, item.who, taken[name][0], tuple(taken[name][1:]), item.remark)
        for name, item in by_name.items()
    ]


def check(argv: Sequence[str], cwd: Path, env: Mapping[str, str], what: str, stdin: bytes = b"") -> process.Output:
    """Run a command that must succeed.

    Raises:
        UvdockError: It did not.
    """
    found = captured_build(argv, cwd=cwd, env=env, stdin=stdin)
    if found.code != 0:
        said = (found.error_text or found.text).strip().splitlines()
        raise UvdockError(
            f"{what} failed: {' '.join(said[-3:])}",
            where=f"{' '.join(map(str, argv[:6]))} … in {cwd}",
            fix="try that command by itself; nothing of the repo was changed",
        )
    return found


def _timed(item: Contender) -> float:
    item.prepare()
    start = time.perf_counter()
    check(item.argv, item.cwd, item.env, f"{item.group} ({item.who})", item.stdin)
    seconds = time.perf_counter() - start
    item.after()
    return seconds
