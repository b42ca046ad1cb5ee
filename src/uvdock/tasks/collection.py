"""The collection that Invoke runs, and what the tasks in it may ask of it.

`uvdock.tasks` fills it; here it is apart from the tasks, so that they need not know who put them in.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from invoke.collection import Collection

from uvdock.tasks import groups

if TYPE_CHECKING:
    from invoke.tasks import Task


class Namespace(Collection):
    """A collection in which a task may have the name of a sub-collection: it becomes that one's default.

    So a tasks.py that adds its own ``lint`` need not know whether there is a ``lint.shell``.
    """

    #: The names of uvdock's tasks that every repo has.
    always: frozenset[str] = frozenset()
    #: Those of which a command of the repo's own by that name takes the place without a word.
    yielding: frozenset[str] = frozenset()

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


def fill(namespace: Namespace, tasks: Mapping[str, Task[Any]]) -> None:
    """Add tasks by dotted names as nested collections; ``lint`` beside ``lint.shell`` is the default of `lint`."""
    below: dict[str, dict[str, Task[Any]]] = {}
    for path, task in tasks.items():
        head, dot, rest = path.partition(".")
        if dot:
            below.setdefault(head, {})[rest] = task
    for path, task in tasks.items():
        if "." not in path and path in below:
            below[path][path] = task
        elif "." not in path:
            namespace.add_task(task, name=path)
    for head, inner in below.items():
        nested = Namespace(head)
        fill(nested, inner)
        nested.__doc__ = groups.group_of(head)
        if head in tasks:
            nested.default = head
        namespace.add_collection(nested)


def every_name(collection: Collection) -> list[str]:
    """Every name by which a task can be called."""
    return [name for names in collection.task_names.items() for name in (names[0], *names[1])]


def listed_names(collection: Collection) -> list[str]:
    """Each task once, by the name that a person types: ``lint``, which is ``lint.lint`` too."""
    return [
        next((other for other in others if other == name.rpartition(".")[0]), name)
        for name, others in collection.task_names.items()
    ]


#: The collection of this repo, which a tasks.py imports from `uvdock`.
ns = Namespace()
