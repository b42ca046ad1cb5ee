"""The `uvdock` command: the same tasks without a tasks.py, and no ``--`` needed after a pass-through task."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from invoke.program import Program

from uvdock.argv import PROGRAM_ARGV, put_separator

if TYPE_CHECKING:
    from collections.abc import Iterable

    from invoke.parser.argument import Argument


class UvdockProgram(Program):
    """Invoke's program, with its own tasks, the repo's invoke.yaml, and the ``--`` put in."""

    def normalize_argv(self, argv: list[str] | None) -> None:
        """Invoke's own, then the ``--`` where a person left it out."""
        from uvdock.tasks import ns, passthrough_tasks

        super().normalize_argv(argv)
        tasks = passthrough_tasks(ns)
        own = {name: _options(task.get_arguments()) for name, task in tasks.items()}
        own["cmd"] |= {"--help": False, "-h": False}
        greedy = [name for name, task in tasks.items() if task.ends_at_task]
        tokens = put_separator(self.argv[1:], _options(self.core_args()), own, greedy, ns.task_names)
        self.argv = [*self.argv[:1], *tokens]
        PROGRAM_ARGV.set(self.argv)

    def parse_tasks(self) -> None:
        """Invoke's own; a word that is no task is told with the task most like it.

        Raises:
            UvdockError: A word on the command line is no task.
        """
        from invoke.exceptions import ParseError

        from uvdock.errors import UvdockError, nearest
        from uvdock.tasks import every_name, ns

        try:
            super().parse_tasks()
        except ParseError as error:
            names = every_name(ns)
            word = next((word for word in self.core.unparsed if word not in names and not word.startswith("-")), "")
            raise UvdockError(
                f"{error}{nearest(word, names)}",
                where=" ".join(self.argv[1:]),
                fix="`uvdock --list` shows every task, `uvdock --help TASK` its options",
                code=2,
            ) from error

    def parse_collection(self) -> None:
        """Invoke's own, and the repo's invoke.yaml, which it reads only beside a tasks.py.

        Raises:
            UvdockError: The configuration cannot be read.
        """
        from uvdock.errors import UvdockError
        from uvdock.project import find_root
        from uvdock.settings import invoke_file

        super().parse_collection()
        root = find_root(Path.cwd())
        self.config.set_project_location(str(root))
        try:
            self.config.load_project()
        except Exception as error:  # a loader's own, of YAML, JSON or Python
            name = invoke_file(root).split()[0]
            raise UvdockError(
                f"{name} cannot be read: {error}", where=str(root / name), fix="correct that line; nothing was changed"
            ) from error


def make_program() -> UvdockProgram:
    """The program, with the tasks of the repo that the person is in."""
    from importlib.metadata import version

    from uvdock.tasks import ns

    return UvdockProgram(name="uvdock", binary="uvdock", version=version("uvdock"), namespace=ns)


def main() -> None:
    """Run the `uvdock` command and leave with its exit code."""
    from uvdock import console
    from uvdock.errors import UvdockError

    program = make_program()
    try:
        program.run()
    except UvdockError as problem:
        console.error(problem)
        sys.exit(problem.code)
    except KeyboardInterrupt:
        sys.exit(130)


def _options(arguments: Iterable[Argument]) -> dict[str, bool]:
    found: dict[str, bool] = {}
    for argument in arguments:
        for name in argument.names:
            found[f"-{name}" if len(name) == 1 else f"--{name.replace('_', '-')}"] = argument.takes_value
        if argument.kind is bool and argument.default is True:
            found[f"--no-{argument.name}"] = False
    return found
