"""What of a `pip install` uv cannot do, or would make another lock of: refused before anything takes its place."""

from __future__ import annotations

import posixpath
import re

from uvdock.formats.shell.commands import Command
from uvdock.migrate.commands.context import ExecutionContext
from uvdock.migrate.commands.environment import advice, instead, is_known_index
from uvdock.migrate.commands.pip import INSTEAD, PipCommand, meaning
from uvdock.migrate.commands.translation import LeftError
from uvdock.migrate.model import RepoFacts


def refuse(command: Command, call: PipCommand, place: ExecutionContext, facts: RepoFacts, *, locked: bool) -> None:
    """Refuse an install that uv cannot do the same.

    Args:
        command: The command, with the variables set for it.
        call: What it asks of pip.
        place: Where it runs.
        facts: What is known of the repo.
        locked: Whether what it installs comes from the lock.

    Raises:
        LeftError: It has to stay; says why.
    """
    for option in call.options:
        one_package = option.name in ("--all-releases", "--only-final") and option.value != ":all:" and not locked
        if meaning(option.name, locked=locked) == "left" or one_package:
            raise LeftError(f"uv has nothing like pip's {option.name}", INSTEAD[option.name])
    if locked:
        _refuse_another_lock(call, place, facts)
    if call.has("--target") and call.has("--prefix"):
        raise LeftError("both --target and --prefix", "one of them")
    for word in command.assigned:
        name, _, value = word.text.partition("=")
        if name.startswith("PIP_") and instead(name, value, facts) is None:
            raise LeftError(f"uv ignores {name}", advice(name))


def _refuse_another_lock(call: PipCommand, place: ExecutionContext, facts: RepoFacts) -> None:
    for option in call.options:
        if option.name in ("--find-links", "--no-index") and not _in_lock(call, facts):
            raise LeftError(f"the lock says where packages come from, not {option.name}", "`uv sync --locked`")
        if option.name in ("--index-url", "--extra-index-url") and not is_known_index(option.value or "", facts):
            instead = "`[[tool.uv.index]]` in pyproject.toml, `uv lock`, and credentials by UV_INDEX_NAME_PASSWORD"
            raise LeftError("an index that is not in the requirements files", instead)
    for name in call.values("--constraint"):
        if place.find(name) is None:
            raise LeftError(f"the constraints in {name} are not in the repo", "`[tool.uv] constraint-dependencies`")


def _in_lock(call: PipCommand, facts: RepoFacts) -> bool:
    """Whether the folders of packages are in the requirements files, so that the lock takes from them."""
    listed = {
        _folder(found[1])
        for path in facts.installs.keys() & facts.files.keys()
        for found in re.finditer(r"(?m)^\s*(?:--find-links|-f)[= ]\s*(\S+)", facts.files[path])
    }
    return bool(listed) and all(_folder(name) in listed for name in call.values("--find-links"))


def _folder(name: str) -> str:
    return posixpath.normpath(name).rpartition("/")[2]
