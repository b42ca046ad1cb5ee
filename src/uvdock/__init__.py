"""uvdock: an installable Invoke collection for Dockerized Python apps whose dependencies are managed by uv.

In a repo's tasks.py::

    from uvdock import ns
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from uvdock.errors import UvdockError
    from uvdock.settings import Settings
    from uvdock.tasks import ns

__all__ = ["Settings", "UvdockError", "ns"]


def __getattr__(name: str) -> Any:
    # Imported when asked for: who only wants the settings pays for no Invoke.
    if name == "ns":
        from uvdock.tasks import ns

        return ns
    if name == "Settings":
        from uvdock.settings import Settings

        return Settings
    if name == "UvdockError":
        from uvdock.errors import UvdockError

        return UvdockError
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
