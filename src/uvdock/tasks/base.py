"""What every task shares: the repo it works on, errors in three lines, and the exit code."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cached_property
from inspect import Parameter, signature
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn, TypeVar

from invoke.exceptions import Exit
from invoke.tasks import task as invoke_task

from uvdock import dry
from uvdock.cli.writing_bytecode import WritingBytecode
from uvdock.errors import InterruptedBySignalError, NotKnownYetError, UnreachableError, UvdockError
from uvdock.tasks.kinds import OwnTask, document, program, with_usage
from uvdock.ui import console

if TYPE_CHECKING:
    from invoke.context import Context

    from uvdock.backends import Backend, Change
    from uvdock.backends.reading import Reader
    from uvdock.backends.service import ServiceRunner
    from uvdock.engine.api import Engine
    from uvdock.engine.stack import Stack
    from uvdock.project import Project
    from uvdock.settings import Settings


_Result = TypeVar("_Result")
#: The values of `--backend`, and its line in `--help`.
_PLACES = ("host", "compose")
_HELP = "Where it runs, whatever the settings say: host, or compose for the container."
#: What `--backend` says in the task that runs; ``None`` in one that does not take it.
_BACKEND: ContextVar[str | None] = ContextVar("backend", default=None)


class Repo:
    """The repo a task works on: its root, where the person is in it, its settings; the rest when asked for.

    With ``ahead``, Compose reads its files while the engine is looked for.
    """

    def __init__(self, root: Path, cwd: Path, settings: Settings, *, ahead: bool = False) -> None:
        self.root = root
        self.cwd = cwd
        self.settings = settings
        self.ahead = ahead

    @cached_property
    def project(self) -> Project:
        """The project in question."""
        from uvdock.project import find_project

        return find_project(self.root, self.cwd, self.settings)

    @cached_property
    def projects(self) -> list[Project]:
        """The project in question, or every one where it is not clear which.

        Raises:
            UvdockError: There is none.
        """
        from uvdock.project import find_projects

        return find_projects(self.root, self.cwd, self.settings) or [self.project]

    def label(self, project: Project, *more: str) -> str:
        """What is said of a project, behind its folder where the repo has several."""
        folder = project.folder
        shown = str(folder.relative_to(self.root) if folder.is_relative_to(self.root) else folder)
        return ", ".join([*([shown] if len(self.projects) > 1 else []), *more])

    def at(self, project: Project) -> Repo:
        """The same repo with one of its projects in question."""
        other = Repo(self.root, project.folder, self.settings, ahead=self.ahead)
        if "engine" in self.__dict__:
            # It is connected, and Compose has read its files.
            other.__dict__["engine"] = self.engine
        return other

    @cached_property
    def engine(self) -> tuple[Stack, Engine] | None:
        """The Compose project and its engine, where commands run in containers.

        Raises:
            UvdockError: As `choice.find_engine`.
        """
        from uvdock.backends import choice

        try:
            return choice.find_engine(self.root, self.settings, ahead=self.ahead)
        except UnreachableError as problem:
            if _BACKEND.get() is not None:
                problem.fix += "; to run it on the host, give --backend host or set UVDOCK_BACKEND=host"
            raise

    @cached_property
    def backend(self) -> Backend:
        """Where commands run."""
        from uvdock.backends import choice

        project = self.project
        return choice.backend_of(project, self.settings, self.engine)

    @cached_property
    def reader(self) -> Reader:
        """Who answers questions about the project's manifests."""
        from uvdock.backends.reading import Reader

        return Reader(self.project, lambda: self.backend)

    def compose(self, asking: str) -> ServiceRunner:
        """The service, for a task that only makes sense with Compose.

        Raises:
            UvdockError: The backend is the host.
        """
        runner: ServiceRunner | None = getattr(self.backend, "runner", None)
        if runner is None:
            raise UvdockError(
                f"{asking} needs the compose backend, and this is the host's",
                where=f"{self.root}, backend {self.settings.backend!r} ({self.settings.sources['backend']})",
                fix="set UVDOCK_BACKEND=compose, in a repo that has a Compose file",
            )
        return runner


def open_repo(c: Context, *, ahead: bool = False, **changes: str | Sequence[str] | None) -> Repo:
    """The repo of the folder the person is in.

    Args:
        c: Invoke's context, whose configuration has the ``uvdock`` part of invoke.yaml.
        ahead: Whether Compose may read its files while the engine is looked for.
        changes: Settings that an option of the task replaces; an empty one replaces nothing.
    """
    from uvdock import project, settings

    cwd = Path.cwd()
    # `inv -r FOLDER` means the repo of that folder, not of the one the person is in.
    prefix = getattr(c.config, "_project_prefix", None)
    start = Path(prefix) if prefix and not cwd.is_relative_to(Path(prefix).resolve()) else cwd
    root = project.find_root(start)
    if told := backend_told():
        changes["backend"] = told
    loaded = settings.with_options(settings.load(root, invoke_settings(c)), changes)
    return Repo(root, start, loaded, ahead=ahead)


def backend_told() -> str:
    """What `--backend` says in the task that runs; empty where it is not given."""
    return _BACKEND.get() or ""


def invoke_settings(c: Context) -> Any:
    """What Invoke's configuration has under ``uvdock``, as it is."""
    from invoke.config import DataProxy

    found = c.config.get("uvdock", None)
    return dict(found) if isinstance(found, DataProxy) else found


def passed(c: Context) -> list[str]:
    """The arguments after ``--``, as they were typed."""
    from uvdock.cli.argv import remainder_list

    return remainder_list(c.remainder)


def task(
    name: str,
    *,
    quiet: bool = False,
    answers: bool = False,
    on_backend: bool = False,
    examples: Sequence[str] = (),
    values: Mapping[str, Sequence[str] | str] | None = None,
    usage: str = "",
    nicknames: Mapping[str, str] | None = None,
    **options: Any,
) -> Callable[[Callable[..., int | None]], OwnTask]:
    """Make a task of a function that returns an exit code.

    Args:
        name: The task's name as a person types it.
        quiet: Say nothing of its own where nobody is at a terminal: for pass-through tasks, whose standard
            error is the command's own.
        answers: It reads, and says what it found or would do: so it does in a dry run too, which only keeps it from
            writing anything and from making and using containers. Of any other task a dry run shows the commands.
        on_backend: It runs something where commands run, and takes `--backend` to say where.
        examples: Command lines that `--help` shows, as `inv` takes them and without the program: ``uv -- add flask``.
        values: What may be typed for an argument, by its name, or after ``--`` (`kinds.WORDS`): a list of values, or
            what is looked up, as `kinds.SERVICES`, which goes without saying for ``service``.
        usage: The words it takes, as a usage line has them, where they are not those of its class.
        nicknames: Further names of options, by the name of the argument.
        options: Those of `invoke.task`.
    """

    def decorate(body: Callable[..., int | None]) -> OwnTask:
        @functools.wraps(body)
        def wrapped(*args: Any, **kwargs: Any) -> None:
            take_up(args[0] if args else None, answers=answers)
            _BACKEND.set(kwargs.pop("backend", "") if on_backend else None)
            with WritingBytecode(), console.task(name, quiet=quiet):
                code = guarded(lambda: body(*args, **kwargs) or 0, name)
            if code:
                leave(code)

        if on_backend:
            _take_backend(wrapped, options)
        made: OwnTask = invoke_task(name=name.rpartition(".")[2], **{"klass": OwnTask, **options})(wrapped)
        made.examples = tuple(examples)
        made.values = {**made.values, **({"backend": _PLACES} if on_backend else {}), **(values or {})}
        made.usage = usage or made.usage
        made.nicknames = nicknames or {}
        text = made.__doc__ or ""
        if program() != "uvdock":
            text = with_usage(text, name, made.usage)
        made.__doc__ = document(text, examples, program())
        return made

    return decorate


def _take_backend(body: Callable[..., Any], options: dict[str, Any]) -> None:
    """Give a task's function the option `--backend`, behind its own."""
    told = signature(body)
    option = Parameter("backend", Parameter.POSITIONAL_OR_KEYWORD, default="", annotation="str")
    body.__signature__ = told.replace(parameters=[*told.parameters.values(), option])  # type: ignore[attr-defined]
    options["help"] = {**(options.get("help") or {}), "backend": _HELP}


def take_up(c: Any, *, answers: bool = False) -> None:
    """Take up Invoke's own `--echo` (show each command) and `--dry` (show it, and touch nothing).

    Args:
        c: Invoke's context.
        answers: As for `task`.
    """
    from uvdock import process

    settings = getattr(getattr(c, "config", None), "run", None)
    if settings is None or not (settings.echo or settings.dry):
        return
    only_shown = bool(settings.dry)
    dry.DRY.set(only_shown)
    dry.SILENT.set(only_shown and not answers)

    def announce(argv: Sequence[str]) -> bool:
        console.command(argv)
        return not only_shown

    process.ANNOUNCE.set(announce)


def leave(code: int) -> NoReturn:
    """End the program with an exit code, by Invoke's own means."""
    raise Exit(code=code)


def guarded(body: Callable[[], _Result], name: str) -> _Result | int:
    """What ``body`` returns; when it ends in an expected error, that is shown and its exit code returned.

    Args:
        body: What to do.
        name: Its name, for the error of one that was stopped.
    """
    from uvdock import process

    try:
        with process.interruptible():
            return body()
    except NotKnownYetError as problem:
        console.would(problem.what)
        return 0
    except UvdockError as problem:
        console.error(problem)
        return problem.code
    except (KeyboardInterrupt, InterruptedBySignalError) as stopped:
        code = stopped.code if isinstance(stopped, InterruptedBySignalError) else 130
        console.error(UvdockError("stopped", where=name, fix="run it again"))
        return code


@contextmanager
def as_far_as_known() -> Iterator[None]:
    """In a dry run, say what is known of what follows, and go on after the ``with``."""
    try:
        yield
    except NotKnownYetError as problem:
        console.would(problem.what)


def ask(question: str, undone: str, where: str) -> None:
    """Ask before something is lost; not in a dry run, where nothing is.

    Args:
        question: What a person at a terminal is asked.
        undone: What an error says after a no, and where there is no terminal to ask at.
        where: The place, for that error.

    Raises:
        UvdockError: The answer was not yes, or there is no terminal.
    """
    if not dry.on() and not console.confirm(question):
        raise UvdockError(undone, where=where, fix="answer y at a terminal, or give --yes")


def locks_in_a_new_image(backend: Backend) -> bool:
    """Whether locking builds a part of the image first, for there is none with uv: a noisy step."""
    runner: ServiceRunner | None = getattr(backend, "locking", None)
    if runner is None:
        return False
    place = runner.place or runner.image_place
    return place is None or place.uv is None


def report(change: Change) -> None:
    """Say what a uv command changed, and where it went."""
    if change.diff:
        console.say(f"uv.lock: {change.diff.summary()}", "bold")
        # Of a first lock, everything is new: uv has counted it already.
        for line in change.diff.lines() if not change.first else ():
            console.say(f"  {line}", {"+": "green", "-": "red", "~": "cyan"}[line[0]])
    if change.files:
        console.say(f"written to: {' · '.join(change.places)}")
        for note in change.notes:
            console.note(note)
