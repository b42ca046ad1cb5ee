"""Commands of Poetry and Pipenv, and what each comes to with uv.

Their options are those of Poetry 1.2 to 2 (https://python-poetry.org/docs/cli/) and of Pipenv 2023 and later
(https://pipenv.pypa.io/en/latest/commands.html).
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from uvdock.formats.shell.commands import Command
from uvdock.formats.shell.words import Word
from uvdock.migrate.commands.context import ExecutionContext
from uvdock.migrate.commands.install import InstallWriter
from uvdock.migrate.commands.pip import PipCommand
from uvdock.migrate.commands.targets import Targets, used
from uvdock.migrate.commands.translation import LeftError, Translation
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


def translate(command: Command, place: ExecutionContext, facts: RepoFacts) -> Translation | None:
    """What becomes of a command of Poetry or Pipenv.

    Args:
        command: The command.
        place: Where it runs.
        facts: What is known of the repo.

    Returns:
        The translation; ``None`` for any other program.

    Raises:
        LeftError: uv has nothing that is the same.
    """
    words = command.words[command.lead :]
    if len(words) > 2 and words[1].text == "-m":
        words = words[2:]
    tool = words[0].text.rpartition("/")[2] if words else ""
    if tool not in FILES:
        return None
    verb, _ = _verb(words[1:])
    if tool == "poetry" and verb in ("config", "self") and tool in used(facts):
        return Translation(dropped=True)
    made = _translated(command, tool, words[1:], place, facts)
    if made is None and facts.installs and verb in ("install", "sync", "export", "update", "run", "add", "lock"):
        raise LeftError(f"`{tool} {verb}`", INSTEAD[tool])
    return made or Translation()


def _translated(
    command: Command, tool: str, words: Sequence[Word], place: ExecutionContext, facts: RepoFacts
) -> Translation | None:
    """What is the same with uv; ``None`` where nothing is."""
    verb, rest = _verb(words)
    found = next((one for name in FILES[tool] if (one := place.install(name, facts)) is not None), None)
    if found is None:
        return None
    project = found[1].project
    data = _data(facts, project / FILES[tool][0])
    if verb == "run" and rest:
        return _run(command, rest, data, place)
    given = _split(tool, rest)
    if given is None:
        return None
    options, values, operands = given
    if verb in ("install", "sync") and not operands:
        flags = _poetry(data, values, options) if tool == "poetry" else _pipenv(data, options)
        itself = tool == "poetry" and not {"--no-root", "--only"} & {*options, *values} and facts.is_package(project)
        return _install(command, Targets([Install(project, flags, itself)]), options, place, facts)
    if place.kind == "build" and verb == "lock":
        return Translation(dropped=True)
    text = _plain(tool, verb, options, values, operands)
    return Translation(text) if text is not None else None


def _install(
    command: Command, named: Targets, options: set[str], place: ExecutionContext, facts: RepoFacts
) -> Translation:
    """What takes the place of an install, in the environment that the program itself would choose."""
    own = place.managed and "--system" not in options and not place.active
    there = replace(place, environment="" if own else place.environment, activated="")
    made = InstallWriter(command, PipCommand("setup", "", ()), named, there, facts).locked()
    if not any(sync.exported for sync in made.syncs):
        made.text = " ".join([made.text or "", *sorted({_KEPT[one] for one in options & _KEPT.keys()})])
    return made


def _verb(rest: Sequence[Word]) -> tuple[str, list[Word]]:
    """The subcommand, and the words before and after it."""
    at = next((at for at, word in enumerate(rest) if not word.text.startswith("-")), len(rest))
    return (rest[at].text if at < len(rest) else ""), [*rest[:at], *rest[at + 1 :]]


def _data(facts: RepoFacts, path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(facts.files.get(path, ""))
    except tomllib.TOMLDecodeError:
        return {}


def _split(tool: str, words: Sequence[Word]) -> tuple[set[str], dict[str, list[str]], list[Word]] | None:
    """The options, those with values, and the operands; ``None`` where uv has nothing like one of them."""
    if any(word.inner or "$" in word.text for word in words):
        return None
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
            return None
    if {"-C", "-P", "--directory", "--project", "--categories"} & values.keys():
        return None
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


def _run(command: Command, words: Sequence[Word], data: dict[str, Any], place: ExecutionContext) -> Translation:
    """A program that runs in the environment; for Pipenv, a script of the Pipfile is what it stands for."""
    script = data.get("scripts", {}).get(words[0].text)
    if isinstance(script, dict):
        script = script.get("cmd")
    text, end = (script, words[0].end) if isinstance(script, str) and script else ("", words[0].start)
    own = place.managed and not place.active
    program = f"uv run {'--no-sync ' if place.kind == 'build' else ''}" if own else ""
    edit = (command.words[command.lead].start, end, f"{program}{text}")
    return Translation(edits=[edit], within=own)


def _plain(
    tool: str, verb: str, options: set[str], values: dict[str, list[str]], operands: Sequence[Word]
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
