"""The collection: thin tasks that parse options, call one function and print.

`ns` is what a user's tasks.py imports: the tasks that are always there, those that make sense in this repo,
and the commands of its ``[tool.uvdock.commands]``.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from invoke.collection import Collection

from uvdock import console
from uvdock.errors import UvdockError
from uvdock.project import find_root
from uvdock.tasks import command, deps, service
from uvdock.tasks.separator import PassthroughTask

if TYPE_CHECKING:
    from invoke.tasks import Task

#: The tasks that are always there, by their whole names.
ALWAYS: dict[str, Task[Any]] = {
    "uv": service.uv,
    "cmd": service.cmd,
    "shell": service.shell,
    "build": service.build,
    "config": service.config,
    "deps.install": deps.install,
    "deps.lock": deps.lock,
    "deps.check": deps.check,
    "deps.outdated": deps.outdated,
}


def namespace(root: Path) -> Collection:
    """The collection for the repo at ``root``.

    Raises:
        UvdockError: Its commands cannot be read, or one has a built-in task's name and does not say so.
    """
    found = dict(ALWAYS)
    for name, (task, replaces) in command.own_tasks(root).items():
        if name in ALWAYS and not replaces:
            raise command.refuse_shadowing(name, root)
        found[name] = task
    return _collection(found)


def passthrough_tasks(collection: Collection) -> dict[str, PassthroughTask]:
    """The pass-through tasks of a collection, by their whole names."""
    return {name: found for name in collection.task_names if isinstance(found := collection[name], PassthroughTask)}


def _collection(tasks: Mapping[str, Task[Any]], name: str | None = None) -> Collection:
    """Tasks by dotted names as nested collections; ``lint`` beside ``lint.shell`` is the default of `lint`."""
    made = Collection(name) if name else Collection()
    below: dict[str, dict[str, Task[Any]]] = {}
    for path, task in tasks.items():
        head, dot, rest = path.partition(".")
        if dot:
            below.setdefault(head, {})[rest] = task
    for path, task in tasks.items():
        if "." not in path and path in below:
            below[path][path] = task
        elif "." not in path:
            made.add_task(task, name=path)
    for head, inner in below.items():
        sub = _collection(inner, head)
        if head in tasks:
            sub.default = head
        made.add_collection(sub)
    return made


try:
    ns = namespace(find_root(Path.cwd()))
except UvdockError as problem:
    # Whoever imports this is about to run a task, and Invoke would show a traceback.
    console.error(problem)
    sys.exit(problem.code)
