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
    main = [install.flags for install in installs if "--only-group" not in install.flags]
    names = {option: _values(installs, option) for option in ("--only-group", "--group", "--extra")}
    rest = [word for install in installs for word in _others(install.flags) if word != "--no-dev"]
    found: list[str] = []
    if not main:
        only = _each("--only-group", [*names["--only-group"], *names["--group"]])
        return (*only, *_each("--extra", names["--extra"]), *dict.fromkeys(rest))
    groups = dict.fromkeys([*names["--group"], *names["--only-group"]])
    if all("--no-dev" in flags for flags in main) and "dev" not in groups:
        found.append("--no-dev")
    groups.pop("dev", None)
    return (*found, *_each("--group", groups), *_each("--extra", names["--extra"]), *dict.fromkeys(rest))


def _values(installs: Iterable[Install], option: str) -> list[str]:
    found: list[str] = []
    for install in installs:
        flags = install.flags
        found += [flags[at + 1] for at, word in enumerate(flags[:-1]) if word == option]
    return list(dict.fromkeys(found))


def _each(option: str, values: Iterable[str]) -> list[str]:
    return [word for value in values for word in (option, value)]


def _others(flags: Sequence[str]) -> list[str]:
    waiting = iter(flags)
    found = []
    for word in waiting:
        if word in ("--only-group", "--group", "--extra"):
            next(waiting, None)
        else:
            found.append(word)
    return found
