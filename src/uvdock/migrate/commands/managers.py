"""Commands of Poetry and Pipenv, and what each comes to with uv.

Their options are those of Poetry 1.2 to 2 (https://python-poetry.org/docs/cli/) and of Pipenv 2023 and later
(https://pipenv.pypa.io/en/latest/commands.html).
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from uvdock.formats.shell.commands import Command
from uvdock.formats.shell.words import Word
from uvdock.migrate.commands.context import ExecutionContext
from uvdock.migrate.commands.decision import LeftError
from uvdock.migrate.model import Install, RepoFacts

#: What each program's project is known by.
FILES = {"poetry": ("pyproject.toml", "poetry.lock"), "pipenv": ("Pipfile", "Pipfile.lock")}
#: What to write instead, where a command stays.
INSTEAD = {"poetry": "`uv sync --locked`, `uv run …`", "pipenv": "`uv sync --locked`"}
#: Options that say nothing to uv, or that uv does anyway.
_NOTHING = {
    "poetry": {
        "-n", "--no-interaction", "--no-ansi", "--ansi", "--no-cache", "--no-plugins", "--no-update", "--sync",
        "--compile", "--remove-untracked", "--no-directory", "--regenerate",
    },
    "pipenv": {
        "--deploy", "--ignore-pipfile", "--skip-lock", "--keep-outdated", "--clear", "--site-packages", "--system",
        "--dev", "-d", "--three", "--sequential", "--pypi-mirror",
    },
}  # fmt: skip
_KEPT = {"-q": "--quiet", "--quiet": "--quiet", "-v": "--verbose", "-vv": "--verbose", "-vvv": "--verbose",
         "--verbose": "--verbose", "--dry-run": "--dry-run", "--all-extras": "--all-extras",
         "--all-groups": "--all-groups"}  # fmt: skip
_VALUED = {"--only", "--with", "--without", "-E", "--extras", "-G", "--group", "--python", "--categories", "-C", "-P",
           "--directory", "--project"}  # fmt: skip


@dataclass(frozen=True)
class ManagerCommand:
    """What a command comes to.

    Args:
        kind: ``sync``: the project's dependencies are installed; ``text``: another command takes its place; ``run``:
            it runs a program in the environment; ``drop``: there is nothing to do.
        install: What is installed.
        path: The file that it is known by.
        itself: Whether the project itself is installed too.
        system: Whether it goes where pip would install to, because the command says so.
        text: What takes its place; for ``run``, the program and what follows where that changes.
        options: The options that stay.
        words: The words of the program that is run.
    """

    kind: Literal["sync", "text", "run", "drop"]
    install: Install = field(default_factory=lambda: Install(Path()))
    path: Path = Path()
    itself: bool = False
    system: bool = False
    text: str = ""
    options: tuple[str, ...] = ()
    words: tuple[Word, ...] = ()


def used(facts: RepoFacts) -> frozenset[str]:
    """The programs whose projects are migrated: nothing has to install them any more."""
    found = set()
    for path in facts.installs:
        if path.name in ("Pipfile", "Pipfile.lock"):
            found.add("pipenv")
        elif path.name == "poetry.lock" or (
            path.name == "pyproject.toml" and "[tool.poetry" in facts.files.get(path, "")
        ):
            found.add("poetry")
    return frozenset(found)


def named(command: Command) -> tuple[str, tuple[Word, ...]] | None:
    """Which of the programs a command calls, and the words after it; ``None`` for any other."""
    words = command.words[command.lead :]
    if words and (name := words[0].text.rpartition("/")[2]) in FILES:
        return name, tuple(words[1:])
    if len(words) > 2 and words[1].text == "-m" and words[2].text in FILES:
        return words[2].text, tuple(words[3:])
    return None


def read(tool: str, rest: Sequence[Word], facts: RepoFacts, place: ExecutionContext) -> ManagerCommand:
    """What a command of Poetry or Pipenv comes to.

    Args:
        tool: ``poetry`` or ``pipenv``.
        rest: The words after the program.
        facts: What is known of the repo.
        place: Where it runs.

    Raises:
        LeftError: uv has nothing that is the same.
    """
    verb, words = _verb(rest)
    left = LeftError(f"`{tool} {verb}`".replace(" `", "`"), INSTEAD[tool])
    if tool == "poetry" and verb in ("config", "self") and tool in used(facts):
        return ManagerCommand("drop")
    found = next((one for name in FILES[tool] if (one := place.install(name, facts)) is not None), None)
    if found is None:
        raise left
    data = _data(facts, found[1].project / FILES[tool][0])
    if verb == "run" and words:
        return _run(data, words)
    options, values, operands = _split(tool, words, left)
    if verb in ("install", "sync") and not operands:
        project = found[1].project
        flags = _poetry(data, values, options) if tool == "poetry" else _pipenv(data, options)
        root = tool == "poetry" and not {"--no-root", "--only"} & {*options, *values} and facts.is_package(project)
        kept = tuple(sorted({_KEPT[one] for one in options & _KEPT.keys()}))
        return ManagerCommand("sync", Install(project, flags), found[0], root, "--system" in options, options=kept)
    if place.kind == "build" and verb == "lock":
        return ManagerCommand("drop")
    plain = _plain(tool, verb, options, operands, values)
    if plain is None:
        raise left
    return ManagerCommand("text", text=plain)


def _verb(rest: Sequence[Word]) -> tuple[str, list[Word]]:
    """The subcommand, and the words before and after it."""
    at = next((at for at, word in enumerate(rest) if not word.text.startswith("-")), len(rest))
    return (rest[at].text if at < len(rest) else ""), [*rest[:at], *rest[at + 1 :]]


def _data(facts: RepoFacts, path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(facts.files.get(path, ""))
    except tomllib.TOMLDecodeError:
        return {}


def _split(tool: str, words: Sequence[Word], left: LeftError) -> tuple[set[str], dict[str, list[str]], list[Word]]:
    if any(word.inner or "$" in word.text for word in words):
        raise left
    options: set[str] = set()
    values: dict[str, list[str]] = {}
    operands: list[Word] = []
    waiting = iter(words)
    for word in waiting:
        name, equals, value = word.text.partition("=")
        if not word.text.startswith("-"):
            operands.append(word)
        elif name in _VALUED:
            if not equals:
                after = next(waiting, None)
                value = after.text if after is not None else ""
            values.setdefault(name, []).extend(one for one in re.split(r"[\s,]+", value) if one)
        elif name in _NOTHING[tool] or name in _KEPT or name in ("--no-root", "--no-dev", "-D"):
            options.add(name)
        else:
            raise left
    if {"-C", "-P", "--directory", "--project", "--categories"} & values.keys():
        raise left
    return options, values, operands


def _poetry(data: dict[str, Any], values: dict[str, list[str]], options: set[str]) -> tuple[str, ...]:
    """The options of `uv sync` for what `poetry install` takes: without a word, every group that is not optional."""
    table = data.get("tool", {}).get("poetry", {})
    groups = dict(table.get("group", {}))
    if "dev-dependencies" in table:
        groups.setdefault("dev", {})
    only = values.get("--only", [])
    without = [*values.get("--without", []), *(["dev"] if "--no-dev" in options else [])]
    chosen = [name for name, group in groups.items() if not group.get("optional") and name not in without]
    chosen += [name for name in values.get("--with", []) if name not in chosen]
    flags: list[str] = []
    if only:
        chosen = [name for name in only if name != "main"]
    if only and "main" not in only:
        flags = [flag for name in chosen for flag in ("--only-group", name)]
    else:
        if "dev" in groups and "dev" not in chosen:
            flags.append("--no-dev")
        flags += [flag for name in chosen if name != "dev" for flag in ("--group", name)]
    extras = [*values.get("-E", []), *values.get("--extras", [])]
    return (*flags, *(flag for name in extras for flag in ("--extra", name)))


def _pipenv(data: dict[str, Any], options: set[str]) -> tuple[str, ...]:
    dev = bool(data.get("dev-packages"))
    return ("--no-dev",) if dev and not {"--dev", "-d"} & options else ()


def _run(data: dict[str, Any], words: Sequence[Word]) -> ManagerCommand:
    """A program; for Pipenv, a script of the Pipfile is what it stands for."""
    script = data.get("scripts", {}).get(words[0].text)
    if isinstance(script, dict):
        script = script.get("cmd")
    return ManagerCommand("run", text=script if isinstance(script, str) else "", words=tuple(words))


def _plain(
    tool: str, verb: str, options: set[str], operands: Sequence[Word], values: dict[str, list[str]]
) -> str | None:
    """The command of uv that is the same and installs nothing by a lock that is there."""
    names = " ".join(word.raw for word in operands)
    groups = [*values.get("-G", []), *values.get("--group", [])]
    group = f"--group {groups[0]} " if groups and groups[0] != "dev" else ""
    dev = "--dev " if {"--dev", "-d", "-D"} & options or groups == ["dev"] else ""
    if verb == "lock":
        return "uv lock --upgrade" if "--regenerate" in options or tool == "pipenv" else "uv lock"
    if names and verb in ("add", "install"):
        return None if "@" in names else f"uv add {dev}{group}{names}"
    if names and verb in ("remove", "uninstall"):
        return f"uv remove {dev}{group}{names}"
    if verb == "update":
        chosen = "".join(f" --upgrade-package {word.raw}" for word in operands)
        return f"uv sync{chosen or ' --upgrade'}"
    bare = {"build": "uv build", "verify": "uv lock --check", "graph": "uv tree"}
    return bare.get(verb) if not names else None
