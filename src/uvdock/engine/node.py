"""Which Compose service holds Node."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from uvdock.engine.services import has_node, same_build
from uvdock.engine.stack import Service, Stack
from uvdock.errors import UvdockError
from uvdock.settings import own_place

#: What such services are called, the likeliest first.
_NAMES = ("js", "node", "assets", "frontend", "webpack", "vite", "esbuild", "yarn", "npm", "ui", "client", "css")


def choose_js_service(
    stack: Stack, folder: Path, wanted: str | None, source: str, python: Callable[[], Service]
) -> Service:
    """The service that holds the packages of the package.json in ``folder``.

    The one that was named; else, of those that mount or build the folder, the one made from a Node image; else the
    one with such a service's usual name; else the Python service, whose image may have Node too.

    Args:
        stack: The Compose project.
        folder: The folder with the package.json.
        wanted: The service that was named.
        source: Who named it.
        python: Finds the service of the Python project.

    Raises:
        UvdockError: There is no such service, or it is not clear which one is meant.
    """
    if wanted:
        return stack.service(wanted, source)
    services = list(stack.services.values())
    nodes = [service for service in services if has_node(service)]
    found = [service for service in nodes if _holds(service, folder)] or nodes
    if not found:
        found = [service for service in services if _holds(service, folder) and service.name in _NAMES]
    if not found:
        return _python(python, stack, folder)
    close = [service for service in found if _holds(service, folder, exactly=True)] or found
    first = close[0]
    if all(_same(service, first) for service in close):
        return min(close, key=_rank)
    names = ", ".join(service.name for service in close)
    raise UvdockError(
        f"it is not clear which service holds Node: {names}",
        where=f"{stack.files[0]}, package.json in {folder}",
        fix=f'set UVDOCK_JS_SERVICE={first.name} or, in {own_place(stack.root)}, js_service = "{first.name}"',
        code=2,
    )


def _python(python: Callable[[], Service], stack: Stack, folder: Path) -> Service:
    try:
        return python()
    except UvdockError as error:
        raise UvdockError(
            "no service of the Compose file holds Node",
            where=f"{stack.files[0]}, package.json in {folder}",
            fix=f"name one: UVDOCK_JS_SERVICE or js_service in {own_place(stack.root)}; services here: {_names(stack)}",
            code=2,
        ) from error


def _names(stack: Stack) -> str:
    return ", ".join(sorted(stack.services)) or "none"


def _rank(service: Service) -> tuple[int, str]:
    return (_NAMES.index(service.name) if service.name in _NAMES else len(_NAMES), service.name)


def _same(one: Service, other: Service) -> bool:
    return same_build(one, other) and (one.build is not None or one.image == other.image)


def _holds(service: Service, folder: Path, *, exactly: bool = False) -> bool:
    """Whether a service mounts or builds ``folder``, or one that it is in."""
    places: Sequence[Path | None] = [service.context, *(bind.source for bind in service.binds)]
    resolved = [place.resolve() for place in places if place is not None]
    return any(place == folder or (not exactly and folder.is_relative_to(place)) for place in resolved)
