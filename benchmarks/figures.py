"""Numbers from runs: medians, spread, ratios of runs that were made side by side."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from uvdock.bench.figures import Spread


def ratios(values: Sequence[float], base: Sequence[float]) -> Spread:
    """The ratios of runs to those of the same round.

    Rounds are compared and not medians: what makes a shared machine slow for a while hurts both of a round.
    """
    return Spread.of([value / other for value, other in zip(values, base, strict=True)])


def complete(taken: Mapping[str, Sequence[float]]) -> bool:
    """Whether every contender has the same number of runs."""
    return len({len(values) for values in taken.values()}) == 1
