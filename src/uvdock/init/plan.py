"""What `uvdock init` would write: decided from the repo's files alone, without touching any of them."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from uvdock.files import TASKS, TASKS_PACKAGE, TASKS_TEXT
from uvdock.formats.edits import unified_diff
from uvdock.init import just, make, script
from uvdock.init.callers import calls_to_change
from uvdock.init.carry import CarriedFunction, Rules, carry, default_service
from uvdock.init.manifest import settings_of, with_settings
from uvdock.init.script import Script

#: The files that are read, and how each calls itself in its own commands.
SOURCES: Mapping[str, tuple[str, ...]] = {
    "run": ("./run", "run", "bin/run"),
    "GNUmakefile": ("make",),
    "makefile": ("make",),
    "Makefile": ("make",),
    "justfile": ("just",),
    "Justfile": ("just",),
    ".justfile": ("just",),
}


@dataclass(frozen=True)
class State:
    """What the repo has.

    Args:
        files: Each file that was read, by its name from the root, with its text.
        seen: What else is there, for a person to read.
        tasks: The names of the tasks that uvdock always has.
        ready: The names of those it has in this repo, which a command may replace.
        compose: Whether there is a Compose file.
        where: The repo's root, for errors.
        others: The repo's other files, in which one of those may be called.
    """

    files: Mapping[str, str]
    tasks: frozenset[str]
    ready: frozenset[str] = frozenset()
    seen: tuple[str, ...] = ()
    compose: bool = True
    where: str = "the repo"
    others: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class FileChange:
    """One file as it is (``None`` where there is none) and as it would be."""

    name: str
    before: str | None
    after: str

    def diff(self) -> list[str]:
        """The unified diff, line by line."""
        return unified_diff(self.name, None if self.before is None else self.before.encode(), self.after.encode())


@dataclass(frozen=True)
class InitPlan:
    """What would be written, what became of every function, and what a person should know and do afterwards."""

    edits: tuple[FileChange, ...] = ()
    found: tuple[CarriedFunction, ...] = ()
    notes: tuple[str, ...] = ()
    afterwards: tuple[str, ...] = ()


@dataclass
class _Gathered:
    found: list[CarriedFunction] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    service: str = ""


def plan(state: State) -> InitPlan:
    """Decide what to write.

    Args:
        state: The repo as it is.

    Returns:
        The edits, of which there are none when everything is there already.

    Raises:
        UvdockError: A settings file is no TOML, or cannot be added to without changing what is in it.
    """
    file, settings = settings_of(state.files, state.where)
    gathered = _gather(state, settings)
    added = {name: value for item in gathered.found for name, value in item.commands.items()}
    service = gathered.service if "service" not in settings else ""
    edits = []
    if not any(name in (TASKS, TASKS_PACKAGE) for name in state.files):
        edits.append(FileChange(TASKS, None, TASKS_TEXT))
    if added or service:
        before = state.files.get(file)
        edits.append(FileChange(file, before, with_settings(before, service, added, f"{state.where}/{file}")))
    sources = dict.fromkeys(item.source for item in gathered.found)
    after = tuple(calls_to_change(state.others, sources, gathered.found))
    return InitPlan(tuple(edits), tuple(gathered.found), (*_about_tasks(state), *gathered.notes), after)


def own_tasks(text: str) -> frozenset[str]:
    """The names of the tasks that a tasks.py defines, as Invoke writes them."""
    found = set()
    for node in ast.walk(_module(text)):
        if isinstance(node, ast.FunctionDef) and any("task" in ast.unparse(item) for item in node.decorator_list):
            found.add(node.name.replace("_", "-"))
    return frozenset(found)


def imports_uvdock(text: str) -> bool:
    """Whether a tasks.py imports uvdock, in any form."""
    names: list[str] = []
    for node in ast.walk(_module(text)):
        if isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and not node.level:
            names.append(node.module or "")
    return any(name.partition(".")[0] == "uvdock" for name in names)


def _gather(state: State, settings: Mapping[str, Any]) -> _Gathered:
    """What becomes of every function of every file, the first file first."""
    gathered = _Gathered(service=str(settings.get("service", "")))
    present = settings.get("commands", {})
    own = {
        name: file for file, text in state.files.items() if file in (TASKS, TASKS_PACKAGE) for name in own_tasks(text)
    }
    names = frozenset(name.replace("_", "-") for name in present)
    ready = state.ready - names - own.keys()
    rules = Rules(state.tasks, ready, own, names, gathered.service, state.compose)
    for name, itself in SOURCES.items():
        if name not in state.files:
            continue
        text = state.files[name]
        if name == "run" and not _is_shell(text):
            gathered.notes.append("run is no bash script, so nothing of it is carried over")
            continue
        read = _read(name, text)
        service = default_service(read, itself)
        if service and not gathered.service:
            gathered.service = service
            rules = replace(rules, service=service)
        found = carry(read, name, itself, rules)
        gathered.found += found
        taken = {command: name for item in found for command in item.commands}
        rules = replace(rules, own={**rules.own, **taken})
        gathered.notes += [f"{name} line {note.line}: {note.why}" for note in read.notes]
    if any(item.one_off for item in gathered.found):
        gathered.notes.append(
            "docker compose run starts a service's dependencies and its entry point; uvdock's one-offs have neither"
        )
    gathered.notes += _about_javascript({name for item in gathered.found for name in item.commands}, ready)
    return gathered


def _about_javascript(commands: set[str], ready: frozenset[str]) -> Iterator[str]:
    """What a person should know of commands beside uvdock's own tasks on JavaScript, or in their place."""
    for name in sorted(commands & ready & {"js", "js.install", "js.outdated"}):
        yield f"your {name} takes the place of uvdock's own {name}; call yours something else to have both"
    for name in sorted(commands & {"npm", "yarn", "pnpm", "bun"} if "js" in ready else ()):
        yield f"{name} runs as in your file; js -- does the same, and brings package.json and its lock back to the host"


def _read(name: str, text: str) -> Script:
    if name == "run":
        return script.read(text)
    return just.read(text) if name.lower().endswith("justfile") else make.read(text)


def _is_shell(text: str) -> bool:
    first = text.split("\n", 1)[0]
    return not first.startswith("#!") or first.rstrip().endswith("sh") or "sh " in first


def _about_tasks(state: State) -> Iterator[str]:
    for name, text in state.files.items():
        if name in (TASKS, TASKS_PACKAGE) and not imports_uvdock(text):
            yield f"{name} is yours and stays as it is; add this line to it: from uvdock import ns"
            if own_tasks(text):
                yield f"and in {name}, for each task of your own: ns.add_task(…)"


def _module(text: str) -> ast.Module:
    try:
        return ast.parse(text)
    except (SyntaxError, ValueError, RecursionError):
        return ast.Module([], [])
