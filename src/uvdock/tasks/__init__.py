"""The collection: thin tasks that parse options, call one function and print.

`ns` is what a user's tasks.py imports: the tasks that are always there, those that make sense in this repo,
and the repo's own commands.
"""

from __future__ import annotations

import atexit
import gc
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from uvdock import files
from uvdock.errors import UvdockError
from uvdock.project import find_root
from uvdock.tasks import (
    bench,
    ci,
    command,
    deps,
    doctor,
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
from uvdock.tasks.collection import Namespace, fill, ns
from uvdock.tasks.kinds import add_to_first_line
from uvdock.ui import console

if TYPE_CHECKING:
    from invoke.tasks import Task
__all__ = ["ALWAYS", "YIELDING", "namespace", "ns"]

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


def tasks_of(root: Path) -> dict[str, Task[Any]]:
    """The tasks for the repo at ``root``, by their whole names.

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
    return found


def namespace(root: Path) -> Namespace:
    """A collection for the repo at ``root``.

    Raises:
        UvdockError: See `tasks_of`.
    """
    made = Namespace()
    fill(made, tasks_of(root))
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


ns.always, ns.yielding = frozenset(ALWAYS), frozenset(YIELDING)

# At its end Python looks for cycles among all that is loaded, Invoke's modules and ours: that takes longer than to load
# the tasks, and frees nothing that the end of the process does not free.
atexit.register(gc.freeze)

try:
    fill(ns, tasks_of(find_root(_start())))
except UvdockError as problem:
    # Whoever imports this is about to run a task, and Invoke would show a traceback.
    console.error(problem)
    sys.exit(problem.code)
