"""The caller's environment variables: which go wherever uv runs, and where they put the cache folder."""

from __future__ import annotations

import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

_PREFIXES = ("UV_INDEX_", "UV_EXTRA_INDEX_")
_NAMES = {"UV_INDEX", "UV_DEFAULT_INDEX", "UV_EXCLUDE_NEWER", "UV_PRERELEASE", "UV_RESOLUTION", "UV_NO_PROGRESS"}


def forwarded(environ: Iterable[str]) -> list[str]:
    """The names of the variables that uv needs wherever it runs: indexes and their credentials.

    Only names: their values are passed on by the engine's own means and never shown.
    """
    return sorted(name for name in environ if name in _NAMES or name.startswith(_PREFIXES))


def cache_folder() -> str:
    """The folder of uvdock's cache, by the XDG base directory specification."""
    home = os.environ.get("XDG_CACHE_HOME", "")
    return os.path.join(home if os.path.isabs(home) else os.path.expanduser("~/.cache"), "uvdock")
