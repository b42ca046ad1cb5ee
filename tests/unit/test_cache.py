"""The volumes that keep caches: which are meant, and how sizes are shown."""

from __future__ import annotations

from typing import cast

import pytest

from uvdock.backends.cache import CacheVolume, find, readable, remove, removed
from uvdock.engine.api import Engine
from uvdock.errors import UvdockError


class Volumes:
    """An engine that knows volumes and nothing else."""

    def __init__(self, sizes: dict[str, int | None], held: dict[str, list[str]]) -> None:
        self.sizes, self.held, self.removed = sizes, held, list[str]()

    def volume_sizes(self) -> dict[str, int | None]:
        return self.sizes

    def holders(self, volume: str) -> list[str]:
        return self.held.get(volume, [])

    def remove_volume(self, name: str) -> None:
        self.removed.append(name)


SIZES = {"c-1000": 5, "c-0": None, "c-x": 1, "c-10-2": 1, "xc-1": 1, "c-": 1, "c": 1, "other-1000": 1}


def test_only_those_of_the_setting_are_meant() -> None:
    engine = cast("Engine", Volumes(SIZES, {"c-0": ["app-web-1"]}))
    found = [CacheVolume("c-0", 0, None, ("app-web-1",)), CacheVolume("c-1000", 1000, 5, ())]
    assert find(engine, "c") == found
    assert find(engine, "c.") == []
    assert find(engine, "") == []


def test_one_that_is_held_keeps_all() -> None:
    volumes = Volumes(SIZES, {"c-1000": ["app-web-1", "app-worker-1"]})
    engine = cast("Engine", volumes)
    with pytest.raises(UvdockError) as caught:
        remove(engine, ["docker"], find(engine, "c"))
    assert caught.value.where == "by app-web-1, app-worker-1"
    assert volumes.removed == []
    volumes.held = {}
    remove(engine, ["docker"], find(engine, "c"))
    assert volumes.removed == ["c-0", "c-1000"]


@pytest.mark.parametrize(
    ("size", "expected"),
    [(None, "–"), (0, "0 B"), (999, "999 B"), (1000, "1.0 kB"), (5_813_117, "5.8 MB"), (2 * 10**12, "2000.0 GB")],
)
def test_sizes(size: int | None, expected: str) -> None:
    assert readable(size) == expected


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        pytest.param([3000, 500], [1000, 500], "2.0 kB removed, 1.5 kB left", id="less"),
        pytest.param([3000], [], "3.0 kB removed, 0 B left", id="the-volumes-too"),
        pytest.param([3000], [None], "pruned; the engine does not say how large the volumes are", id="not-known"),
        pytest.param([1000], [3000], "pruned; 3.0 kB left, more than before: something else writes there", id="more"),
    ],
)
def test_what_was_removed_is_no_guess(before: list[int | None], after: list[int | None], said: str) -> None:
    old, new = ([CacheVolume(f"c-{at}", at, size, ()) for at, size in enumerate(sizes)] for sizes in (before, after))
    assert removed(old, new) == said
