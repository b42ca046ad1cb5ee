"""What there is to complete at the prompt, looked up with Invoke: the slow way, whose answer is kept."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from invoke.util import helpline

from uvdock.tasks import grammar
from uvdock.tasks.kinds import SERVICES, WORDS, OwnTask

if TYPE_CHECKING:
    from invoke.collection import Collection
    from invoke.parser.argument import Argument
    from invoke.parser.context import ParserContext

    from uvdock.cli.completion.shape import Catalogue, OptionShape, TaskWords

#: The values of Invoke's own options; ``None`` is what the shell completes itself.
_CORE: dict[str, list[str] | str] = {
    "help": "tasks",
    "list": "namespaces",
    "list-format": ["flat", "nested", "json"],
    "hide": ["out", "err", "both"],
}
_HIDDEN = ("complete", "print-completion-script")


def look_up(kind: str, program: str) -> object:
    """The tasks of the repo that the person is in, or names of one kind.

    Args:
        kind: ``tasks`` for a `Catalogue`; one of `uvdock.cli.completion.words.KINDS` for a list of names, `None` where
            they cannot be told now.
        program: ``uvdock``, or ``inv`` for the tasks of a tasks.py.
    """
    # As Invoke has it: a folder of compiled files is nothing that a repo asked for.
    sys.dont_write_bytecode = True
    if kind == "services":
        return _services()
    if kind == "rules":
        from uvdock.doctor.table import NAMES

        return list(NAMES)
    if kind in ("dependencies", "packages", "groups"):
        return _of_manifests(kind)
    return _of_invoke() if program == "inv" else _of_uvdock()


def catalogue(collection: Collection, core: Iterable[Argument], formats: Sequence[str], *, bare: bool) -> Catalogue:
    """All that can be typed for a collection's tasks.

    Args:
        collection: The tasks.
        core: The program's own options.
        formats: How the program can list its tasks.
        bare: Whether no ``--`` is needed after the first task.
    """
    values = {**_CORE, "list-format": list(formats)}
    tasks: dict[str, TaskWords] = {}
    aliases: dict[str, str] = {}
    for context in collection.to_contexts():
        name = str(context.name)
        # `lint` beside `lint.shell` is known as `lint.lint` too; a person types the short one.
        short = next((other for other in context.aliases if other == name.rpartition(".")[0]), name)
        tasks[short] = _task(collection, context)
        aliases |= {other: short for other in (name, *context.aliases) if other != short}
    return {
        "bare": bare,
        "core": [
            _option(argument, values.get(str(argument.name))) for argument in core if argument.name not in _HIDDEN
        ],
        "tasks": dict(sorted(tasks.items())),
        "aliases": aliases,
        "namespaces": sorted(_namespaces(collection)),
    }


def _of_uvdock() -> Catalogue:
    from uvdock.cli.program import FORMATS, make_program
    from uvdock.tasks import ns

    return catalogue(ns, make_program().core_args(), FORMATS, bare=True)


def _of_invoke() -> Catalogue:
    from invoke.collection import Collection
    from invoke.config import Config
    from invoke.loader import FilesystemLoader
    from invoke.main import program

    config = Config()
    module, parent = FilesystemLoader(config=config, start=None).load(None)
    config.set_project_location(parent)
    config.load_project()
    found = Collection.from_module(module, loaded_from=parent, auto_dash_names=config.tasks.auto_dash_names)
    return catalogue(found, [*program.core_args(), *program.task_args()], ("flat", "nested", "json"), bare=False)


def _services() -> list[str] | None:
    from uvdock import files, settings
    from uvdock.backends import choice
    from uvdock.errors import UvdockError
    from uvdock.project import find_compose_files, find_root

    root = find_root(Path.cwd())
    loaded = settings.load(root)
    if not find_compose_files(root, loaded, os.environ):
        return []
    # Looking at the tasks opens every Compose file there is, those that others include too.
    from uvdock.tasks import ready

    ready.ready(root, files.walk(root, depth=2))
    try:
        return sorted(choice.find_stack(root, loaded).services)
    except UvdockError:
        return None


def _of_manifests(kind: str) -> list[str]:
    """Names from the manifests and the locks of the projects in question; what cannot be read has none."""
    from packaging.utils import canonicalize_name

    from uvdock import settings
    from uvdock.deps import declared, lockfile
    from uvdock.errors import UvdockError
    from uvdock.project import find_projects, find_root, read_pyproject

    root = find_root(Path.cwd())
    found: list[str] = []
    for project in find_projects(root, Path.cwd(), settings.load(root)):
        try:
            if kind == "packages":
                lock = lockfile.parse(project.lock.read_bytes(), project.lock) if project.lock.is_file() else {}
                found += [str(package["name"]) for package in lock.get("package", [])]
                continue
            data = read_pyproject(project.pyproject)
        except UvdockError:
            continue
        # A shell would take `extra: docs` for two words.
        found += [name for name in declared.groups(data) if " " not in name] if kind == "groups" else []
        lines = [item.line for item in declared.declared(data)] if kind == "dependencies" else []
        found += [canonicalize_name(line.name) for line in lines if line is not None]
    return sorted(set(found))


def _task(collection: Collection, context: ParserContext) -> TaskWords:
    task = collection[context.name]
    values: dict[str, Sequence[str] | str | None] = dict(task.values) if isinstance(task, OwnTask) else {}
    for item in context.args.values():
        values.setdefault(_key(item), SERVICES if _key(item) == "service" else None)
    kinds = {name: value if value is None or isinstance(value, str) else list(value) for name, value in values.items()}
    return {
        "help": helpline(task) or "",
        "options": [_option(item, kinds[_key(item)]) for item in context.args.values() if not item.positional],
        "positionals": [kinds[_key(item)] for item in context.positional_args],
        "words": kinds.get(WORDS),
        "kind": grammar.shape(task).words,
    }


def _key(argument: Argument) -> str:
    """The name of an argument as the task's function has it."""
    return str(argument.name).replace("-", "_")


def _option(argument: Argument, values: list[str] | str | None) -> OptionShape:
    names = [f"-{name}" if len(name) == 1 else f"--{name.replace('_', '-')}" for name in argument.names]
    if argument.kind is bool and argument.default is True:
        names = [f"--no-{str(argument.name).replace('_', '-')}", *names]
    # The long one first: it is the one that says something.
    names.sort(key=lambda name: not name.startswith("--"))
    takes = "no" if not argument.takes_value else "maybe" if argument.optional else "yes"
    about = " ".join((argument.help or "").split())
    return {"names": names, "value": takes, "help": about, "values": values}


def _namespaces(collection: Collection, above: str = "") -> Iterator[str]:
    for name, below in collection.collections.items():
        yield above + name
        yield from _namespaces(below, f"{above}{name}.")
