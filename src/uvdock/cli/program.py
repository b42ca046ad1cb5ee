"""The `uvdock` command: the same tasks without a tasks.py, and no ``--`` needed after a pass-through task."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from invoke.program import Program

from uvdock.cli.argv import PROGRAM_ARGV
from uvdock.errors import UvdockError, nearest
from uvdock.tasks.kinds import is_yours

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from invoke.collection import Collection
    from invoke.parser.argument import Argument


#: How `--list` shows the tasks; the first where nothing else is asked for.
FORMATS = ("grouped", "flat", "nested", "json")


class UvdockProgram(Program):
    """Invoke's program, with its own tasks, command line and help, and the repo's invoke.yaml."""

    def normalize_argv(self, argv: list[str] | None) -> None:
        """Invoke's own, then the command line as its parser cannot misread it.

        Raises:
            UvdockError: It cannot be understood, or may be meant in two ways.
        """
        from uvdock.cli.commandline import Grammar
        from uvdock.tasks import grammar
        from uvdock.tasks.collection import every_name, ns

        super().normalize_argv(argv)
        names = every_name(ns)
        read = Grammar(
            "uvdock",
            grammar.options(self.core_args()),
            set(names),
            lambda name: grammar.shape(ns[name]),
            lambda at, tokens: _no_task(at, tokens, names),
        )
        self.argv = [*self.argv[:1], *read.read(self.argv[1:]).tokens()]
        PROGRAM_ARGV.set(self.argv)

    def core_args(self) -> list[Argument]:
        """Invoke's own; the list of tasks is in groups where no other format is asked for."""
        found = super().core_args()
        shown = next(argument for argument in found if argument.name == "list-format")
        shown.default = FORMATS[0]
        shown.help = f"How --list shows the tasks: {FORMATS[0]} (default), {', '.join(FORMATS[1:])}."
        return found

    def parse_cleanup(self) -> None:
        """Invoke's own; a task or a namespace that is not there is told as any other.

        Raises:
            UvdockError: It is not there.
        """
        from uvdock.tasks.collection import every_name, ns

        about, below = self.args.help.value, self.args.list.value
        if isinstance(about, str) and about not in self.parser.contexts:
            raise _no_task(len(self.argv) - 2, self.argv[1:], every_name(ns))
        if isinstance(below, str) and below not in _namespaces(ns):
            raise UvdockError(
                f"there is no group of tasks {below}{nearest(below, _namespaces(ns))}",
                where=" ".join(["uvdock", *self.argv[1:]]),
                fix=f"name one of these: {', '.join(_namespaces(ns))}",
                code=2,
            )
        super().parse_cleanup()

    def print_help(self) -> None:
        """The program's own help, and not all of Invoke's options."""
        from uvdock.tasks import help as screens

        self._show(screens.program(self.core_args(), self._width()))

    def print_task_help(self, name: str) -> None:
        """What a task takes, and examples."""
        from uvdock.tasks import help as screens
        from uvdock.tasks import ns

        self._show(screens.task(name, ns[name], self.core_args(), self._width()))

    @staticmethod
    def _show(lines: Iterable[tuple[str, bool]]) -> None:
        from uvdock.ui import console

        shown = (console.paint(line, "bold" if heading else "", sys.stdout) for line, heading in lines)
        console.data("\n".join(shown))

    @staticmethod
    def _width() -> int:
        import shutil

        return min(shutil.get_terminal_size().columns, 100)

    def list_tasks(self) -> None:
        """Invoke's own, for a format there is.

        Raises:
            UvdockError: There is no such format.
        """
        if self.list_format not in FORMATS:
            raise UvdockError(
                f"there is no format {self.list_format!r}{nearest(self.list_format, list(FORMATS))}",
                where="--list-format",
                fix=f"name one of these: {', '.join(FORMATS)}",
                code=2,
            )
        super().list_tasks()

    def list_grouped(self) -> None:
        """Show the tasks in groups, one line each: what `Program.list_tasks` calls for the format ``grouped``."""
        import shutil

        from invoke.util import helpline

        from uvdock.tasks import groups
        from uvdock.tasks.collection import listed_names, ns
        from uvdock.ui import console

        if self.list_depth:
            # How deep names are is nothing that groups show.
            self.list_format = "flat"
            self.list_flat()
            return
        root = self.list_root or ""
        names = [name for name in listed_names(ns) if not root or name == root or name.startswith(f"{root}.")]
        tasks = {name: ns[name] for name in names}
        lines = [groups.ListedTask(name, helpline(task) or "", yours=is_yours(task)) for name, task in tasks.items()]
        width = shutil.get_terminal_size().columns if sys.stdout.isatty() else None
        shown = groups.text(groups.grouped(lines), width)
        console.data("\n".join(console.paint(line, "bold" if heading else "", sys.stdout) for line, heading in shown))

    def parse_collection(self) -> None:
        """Invoke's own, and the repo's invoke.yaml, which it reads only beside a tasks.py.

        Raises:
            UvdockError: The configuration cannot be read.
        """
        from uvdock.project import find_root
        from uvdock.settings import invoke_file

        super().parse_collection()
        self.list_format = FORMATS[0]
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
    from uvdock.ui import console

    program = make_program()
    try:
        program.run()
    except UvdockError as problem:
        console.error(problem)
        sys.exit(problem.code)
    except KeyboardInterrupt:
        sys.exit(130)
    except BrokenPipeError:
        # Who reads it has seen enough: `uvdock --list | head`. Python would complain once more at its end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(128 + signal.SIGPIPE)


def _no_task(at: int, tokens: Sequence[str], names: Sequence[str]) -> UvdockError:
    from uvdock.project import find_root
    from uvdock.tasks import missing

    return missing.no_task(missing.UnknownWord("uvdock", tokens, at), names, str(find_root(Path.cwd())))


def _namespaces(collection: Collection) -> list[str]:
    return sorted(collection.collections)
