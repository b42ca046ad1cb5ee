"""What comes out of a bench: medians with their spread, how many times faster, and whether a promise was kept."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from statistics import median, quantiles
from typing import Any


@dataclass(frozen=True)
class Spread:
    """The middle of some values, and the quarter below and above it."""

    median: float
    low: float
    high: float
    runs: int

    @classmethod
    def of(cls, values: Sequence[float]) -> Spread:
        """Of one value at least; of fewer than four, low and high are the least and the most."""
        if len(values) < 4:
            return cls(median(values), min(values), max(values), len(values))
        low, middle, high = quantiles(values, n=4, method="inclusive")
        return cls(middle, low, high, len(values))


@dataclass(frozen=True)
class Measured:
    """One thing that was done several times.

    Args:
        group: What was done; only what is in the same group is compared.
        who: Who did it: ``pip``, ``uv``, ``before``, ``after``.
        first: The seconds of the first run. It is not among the others: it fills caches, and may wait for a network.
        seconds: Those of the others, or of the first where there are none.
        remark: What is to be known of it.
    """

    group: str
    who: str
    first: float
    seconds: tuple[float, ...]
    remark: str = ""

    @property
    def spread(self) -> Spread:
        """The middle of its runs."""
        return Spread.of(self.seconds)


@dataclass(frozen=True)
class Promise:
    """What users of uv are told to expect.

    Args:
        name: Of what.
        group: Where it is measured.
        slow: Who is to be slower there.
        fast: Who is to be faster.
        factor: How many times, at least.
        text: The promise in its own words.
    """

    name: str
    group: str
    slow: str
    fast: str
    factor: float
    text: str


COLD, WARM, ENVIRONMENT = "install, empty cache", "install, filled cache", "make an environment"
NO_CACHE, CACHED, CHANGED = "image, without cache", "image, nothing changed", "image, one changed dependency"
GROUPS = (COLD, WARM, ENVIRONMENT, NO_CACHE, CACHED, CHANGED)

#: uv's own pages promise the first three (docs.astral.sh/uv, "Highlights" and the first announcement); the last is what
#: people tell of their images.
PROMISES = (
    Promise("install, empty cache", COLD, "pip", "uv", 8, "8 to 10 times faster"),
    Promise("install, filled cache", WARM, "pip", "uv", 80, "80 to 115 times faster"),
    Promise("making an environment", ENVIRONMENT, "venv", "uv", 80, "80 times faster"),
    Promise("image builds", NO_CACHE, "before", "after", 1 / 0.3, "70 % less time"),
)


@dataclass(frozen=True)
class Verdict:
    """A promise and what was found; ``factor`` is ``None`` where it was not measured."""

    promise: Promise
    factor: float | None

    @property
    def kept(self) -> bool | None:
        """Whether it was kept; ``None`` where nobody looked."""
        return None if self.factor is None else self.factor >= self.promise.factor

    @property
    def text(self) -> str:
        """One line for a person."""
        if self.factor is None:
            return f"{self.promise.name}: {self.promise.text} is promised; not measured here"
        found = (
            f"{self.factor:.1f} times faster here" if self.factor >= 1 else f"{1 / self.factor:.1f} times slower here"
        )
        return f"{self.promise.name}: {self.promise.text} is promised, {found}: {'yes' if self.kept else 'no'}"


def verdicts(measured: Sequence[Measured]) -> list[Verdict]:
    """Each promise with what was found."""
    by_place = {(item.group, item.who): item.spread.median for item in measured}
    found = []
    for promise in PROMISES:
        slow, fast = by_place.get((promise.group, promise.slow)), by_place.get((promise.group, promise.fast))
        found.append(Verdict(promise, slow / fast if slow is not None and fast else None))
    return found


def faster(measured: Sequence[Measured], item: Measured) -> str:
    """How many times faster than the first of its group, for a table; nothing for that one itself."""
    base = next(other for other in measured if other.group == item.group)
    if base is item or not item.spread.median:
        return ""
    factor = base.spread.median / item.spread.median
    return f"{factor:.1f}×" if factor < 10 else f"{factor:.0f}×"


def in_turn(names: Sequence[str], rounds: int) -> Iterator[tuple[int, str]]:
    """Every contender once a round; who begins changes, so that none is always after another."""
    for number in range(rounds):
        at = number % len(names) if names else 0
        yield from ((number, name) for name in (*names[at:], *names[:at]))


def to_json(measured: Sequence[Measured], facts: Mapping[str, str], fetched: Mapping[str, int]) -> dict[str, Any]:
    """Everything as plain data.

    Args:
        measured: What was measured.
        facts: The machine and the versions.
        fetched: How many bytes came over the network for an install with an empty cache, by who.
    """
    return {
        "facts": dict(facts),
        "fetched_bytes": dict(fetched),
        "measured": [
            {"group": item.group, "who": item.who, "first": item.first, "seconds": list(item.seconds)}
            | {"median": item.spread.median, "low": item.spread.low, "high": item.spread.high, "remark": item.remark}
            for item in measured
        ],
        "promises": [
            {"name": found.promise.name, "promised": found.promise.text, "factor": found.factor, "kept": found.kept}
            for found in verdicts(measured)
        ],
    }
