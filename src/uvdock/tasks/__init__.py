"""The collection: thin tasks that parse options, call one function and print.

`ns` is what a user's tasks.py imports: the tasks that are always there, those that make sense in this repo,
and the repo's own commands.
"""

from __future__ import annotations

import atexit
import gc
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from invoke.collection import Collection

from uvdock import files
from uvdock.errors import UvdockError
from uvdock.project import find_root
from uvdock.tasks import (
    bench,
    ci,
    command,
    deps,
    doctor,
    groups,
    init,
    js,
    locked,
    migrate,
    outdated,
    prompt,
    quality,
    ready,
    service,
    tidy,
    upgrade,
)
from uvdock.tasks.kinds import add_to_first_line
from uvdock.tasks.separator import PassthroughTask
from uvdock.ui import console

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
    "deps.outdated": outdated.outdated,
    "deps.upgrade": upgrade.upgrade,
    "deps.diff": locked.diff,
    "deps.why": locked.why,
    "deps.audit": locked.audit,
    "ci.test": ci.test,
    "ci.env": ci.env,
    "clean": tidy.clean,
    "secret": tidy.secret,
    "init": init.init,
    "doctor": doctor.doctor,
    "bench": bench.bench,
    "completion": prompt.completion_script,
}
#: Always there too, but a command of the repo's own by that name takes its place without a word: Django has one.
YIELDING: dict[str, Task[Any]] = {"migrate": migrate.migrate}


class Namespace(Collection):
    """A collection in which a task may have the name of a sub-collection: it becomes that one's default.

    So a tasks.py that adds its own ``lint`` need not know whether there is a ``lint.shell``.
    """

    def add_task(
        self,
        task: Task[Any],
        name: str | None = None,
        aliases: tuple[str, ...] | None = None,
        default: bool | None = None,
    ) -> None:
        """Invoke's own, but for such a name."""
        wanted = self.transform(name or task.name or "")
        if wanted not in self.collections:
            super().add_task(task, name=name, aliases=aliases, default=default)
            return
        below = self.collections[wanted]
        below.default = None
        below.add_task(task, name=wanted, default=True)


def namespace(root: Path) -> Collection:
    """The collection for the repo at ``root``.

    Raises:
        UvdockError: Its commands cannot be read, or one has a built-in task's name and does not say so.
    """
    paths = list(files.walk(root, depth=2))
    found = {**YIELDING, **quality.ready(root, paths), **ready.ready(root, paths), **js.ready(root), **ALWAYS}
    for name, (task, replaces) in command.own_tasks(root).items():
        if name in ALWAYS and not replaces:
            raise command.refuse_shadowing(name, root)
        if name in found:
            task.__doc__ = add_to_first_line(task.__doc__, "(in place of uvdock's own)")
        found[name] = task
    return _collection(found)


def passthrough_tasks(collection: Collection) -> dict[str, PassthroughTask]:
    """The pass-through tasks of a collection, by every name they have: ``lint`` and ``lint.lint``."""
    return {name: found for name in every_name(collection) if isinstance(found := collection[name], PassthroughTask)}


def every_name(collection: Collection) -> list[str]:
    """Every name by which a task can be called."""
    return [name for names in collection.task_names.items() for name in (names[0], *names[1])]


def listed_names(collection: Collection) -> list[str]:
    """Each task once, by the name that a person types: ``lint``, which is ``lint.lint`` too."""
    return [
        next((other for other in others if other == name.rpartition(".")[0]), name)
        for name, others in collection.task_names.items()
    ]


def _collection(tasks: Mapping[str, Task[Any]], name: str | None = None) -> Collection:
    """Tasks by dotted names as nested collections; ``lint`` beside ``lint.shell`` is the default of `lint`."""
    made = Namespace(name) if name else Namespace()
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
        sub.__doc__ = groups.group_of(head)
        if head in tasks:
            sub.default = head
        made.add_collection(sub)
    return made


def _start() -> Path:
    """Where to look for the repo: from the person's folder, or from that of the tasks.py that Invoke is loading.

    With `inv -r FOLDER` that is another repo's; `open_repo` decides the same of Invoke's configuration later.
    """
    cwd = Path.cwd()
    # Invoke's loader puts the module there before it runs it.
    file = getattr(sys.modules.get("tasks"), "__file__", None)
    if not file:
        return cwd
    path = Path(file).resolve()
    folder = path.parent.parent if path.name == "__init__.py" else path.parent
    return cwd if cwd.is_relative_to(folder) else folder


# At its end Python looks for cycles among all that is loaded, Invoke's modules and ours: that takes longer than to load
# the tasks, and frees nothing that the end of the process does not free.
atexit.register(gc.freeze)

try:
    ns = namespace(find_root(_start()))
except UvdockError as problem:
    # Whoever imports this is about to run a task, and Invoke would show a traceback.
    console.error(problem)
    sys.exit(problem.code)
