"""What `uv sync` is to install, put together from what several requirements files stood for."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from uvdock.migrate.model import Install


@dataclass(frozen=True)
class Sync:
    """One `uv sync`.

    Args:
        install: The project, and the options that say what of it.
        environment: The folder that it installs to; empty for the project's own.
        itself: Whether the project itself is installed, and not only its dependencies.
        sometimes: Whether it only runs on a condition.
        exported: Whether it is no `uv sync`, but what the lock has is installed by `uv pip`.
    """

    install: Install
    environment: str = ""
    itself: bool = False
    sometimes: bool = False
    exported: bool = False


def merged(installs: Sequence[Install]) -> tuple[str, ...]:
    """The options of one `uv sync` that installs what all of ``installs`` do, of one project.

    Where one of them wants the project's own dependencies, the groups of the others come in addition to them; the
    default groups stay out only when all leave them out.
    """
    names: dict[str, dict[str, None]] = {"--only-group": {}, "--group": {}, "--extra": {}}
    others: dict[str, None] = {}
    for install in installs:
        words = iter(install.flags)
        for word in words:
            if word in names:
                names[word][next(words)] = None
            elif word != "--no-dev":
                others[word] = None
    only, groups, extras = names.values()
    rest = (*_each("--extra", extras), *others)
    main = [install.flags for install in installs if "--only-group" not in install.flags]
    if not main:
        return (*_each("--only-group", only | groups), *rest)
    groups |= only
    no_dev = "dev" not in groups and all("--no-dev" in flags for flags in main)
    groups.pop("dev", None)
    return (*(["--no-dev"] if no_dev else []), *_each("--group", groups), *rest)


def _each(option: str, values: Iterable[str]) -> list[str]:
    return [word for value in values for word in (option, value)]
