"""The `uvdock` command: the same tasks without a tasks.py, and no ``--`` needed after a pass-through task."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from invoke.program import Program

from uvdock.argv import PROGRAM_ARGV, put_separator
from uvdock.tasks.kinds import SERVICES, WORDS, is_yours

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

    from invoke.parser.argument import Argument


#: How `--list` shows the tasks; the first where nothing else is asked for.
FORMATS = ("grouped", "flat", "nested", "json")


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
        typed = self.argv[1:]
        tokens = put_separator(typed, _options(self.core_args()), own, greedy, ns.task_names)
        if len(tokens) > len(typed):
            _refuse_mistyped(tokens, own, {name for name, task in tasks.items() if task.values.get(WORDS) == SERVICES})
        self.argv = [*self.argv[:1], *tokens]
        PROGRAM_ARGV.set(self.argv)

    def core_args(self) -> list[Argument]:
        """Invoke's own; the list of tasks is in groups where no other format is asked for."""
        found = super().core_args()
        shown = next(argument for argument in found if argument.name == "list-format")
        shown.default = FORMATS[0]
        shown.help = f"How --list shows the tasks: {FORMATS[0]} (default), {', '.join(FORMATS[1:])}."
        return found

    def parse_tasks(self) -> None:
        """Invoke's own; a word that is no task is told with the task most like it.

        Raises:
            UvdockError: A word on the command line is no task, or no number where one is needed.
        """
        from invoke.exceptions import ParseError

        from uvdock.errors import UvdockError, nearest
        from uvdock.tasks import every_name, ns

        try:
            super().parse_tasks()
        except ValueError as error:
            # Invoke hands a number's text to `int` and lets its error through.
            raise UvdockError(
                f"{str(error).rpartition(': ')[2]} is no number",
                where=" ".join(self.argv[1:]),
                fix="`uvdock --help TASK` shows which options take one (INT)",
                code=2,
            ) from error
        except ParseError as error:
            names = every_name(ns)
            # The message has the word as Python writes it.
            words = [word.partition("=")[0] for word in self.core.unparsed]
            at = next((at for at, word in enumerate(words) if word not in names and repr(word) in str(error)), None)
            word = "" if at is None else words[at]
            task = next((name for name in reversed(words[:at]) if name in names), "") if word.startswith("-") else ""
            known = _options([*(ns[task].get_arguments() if task else ()), *self.core_args()])
            raise UvdockError(
                f"{error}{nearest(word, list(known) if word.startswith('-') else names)}",
                where=" ".join(self.argv[1:]),
                fix=f"`uvdock --help {task}` shows its options"
                if task
                else "`uvdock --list` shows every task, `uvdock --help TASK` its options",
                code=2,
            ) from error

    def list_tasks(self) -> None:
        """Invoke's own, for a format there is.

        Raises:
            UvdockError: There is no such format.
        """
        from uvdock.errors import UvdockError, nearest

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

        from uvdock import console
        from uvdock.tasks import groups, listed_names, ns

        if self.list_root or self.list_depth:
            # A part of the tasks is one group anyway.
            self.list_format = "flat"
            self.list_flat()
            return
        tasks = {name: ns[name] for name in listed_names(ns)}
        lines = [groups.Line(name, helpline(task) or "", yours=is_yours(task)) for name, task in tasks.items()]
        width = shutil.get_terminal_size().columns if sys.stdout.isatty() else None
        shown = groups.text(groups.grouped(lines), width)
        console.data("\n".join(console.paint(line, "bold" if heading else "", sys.stdout) for line, heading in shown))

    def parse_collection(self) -> None:
        """Invoke's own, and the repo's invoke.yaml, which it reads only beside a tasks.py.

        Raises:
            UvdockError: The configuration cannot be read.
        """
        from uvdock.errors import UvdockError
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
    except BrokenPipeError:
        # Who reads it has seen enough: `uvdock --list | head`. Python would complain once more at its end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(128 + signal.SIGPIPE)


def _refuse_mistyped(
    tokens: Sequence[str], own: Mapping[str, Mapping[str, bool]], on_services: Collection[str]
) -> None:
    """Refuse what looks like a mistyped option of a task whose words are names of services, such as `build`.

    Raises:
        UvdockError: It does.
    """
    from difflib import get_close_matches

    from uvdock.errors import UvdockError

    at = tokens.index("--")
    name = next(word for word in tokens if word in own)
    word = tokens[at + 1].partition("=")[0]
    close = get_close_matches(word, [option for option in own[name] if option.startswith("--")], n=1, cutoff=0.8)
    if name in on_services and word.startswith("--") and close:
        raise UvdockError(
            f"{name} has no option {word} (did you mean {close[0]}?)",
            where=" ".join(word for word in tokens if word != "--"),
            fix=f"`uvdock --help {name}` shows its options; what is Compose's own goes after --",
            code=2,
        )


def _options(arguments: Iterable[Argument]) -> dict[str, bool]:
    found: dict[str, bool] = {}
    for argument in arguments:
        for name in argument.names:
            found[f"-{name}" if len(name) == 1 else f"--{name.replace('_', '-')}"] = argument.takes_value
        if argument.kind is bool and argument.default is True:
            found[f"--no-{argument.name}"] = False
    return found
