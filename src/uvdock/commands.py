"""A repo's own commands: the ``[commands]`` table of its settings, read and planned without running anything."""

import re
import shlex
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Annotated, Any, NamedTuple

from uvdock.errors import SettingsError, UvdockError, nearest

#: A name as Invoke knows it: words of letters, digits and dashes, in sub-collections by dots.
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]*(\.[A-Za-z0-9][A-Za-z0-9_-]*)*")
# A text, and no pattern made of it: only a command that runs needs it.
_REFERENCE = r"\$\{(?P<name>[A-Za-z_][A-Za-z0-9_]*)(?::-(?P<default>[^}]*))?\}"


class DeclaredCommand(NamedTuple):
    """One command, as the table declares it.

    Args:
        name: Its name: ``lint.shell`` becomes the task of that name.
        run: What to run: split as a shell splits words, but run without one.
        steps: Instead of ``run``: other tasks, in order; each as it would be typed.
        help: Its line in ``--list``.
        service: The Compose service to run in; the project's own by default.
        user: The user to run as in the container.
        workdir: The folder to run in.
        env: The names of variables to hand on, by name.
        backend: ``host`` or ``compose``, where it is not the repo's own.
        shell: Whether ``run`` is a shell's text instead of words.
        before: What to run first when the first argument is the key: ``{test = "python3 manage.py …"}``.
        parallel: Whether the steps run at the same time.
        one_off: Whether to run in a container of its own though one is running.
        replace: Whether it may take the place of a built-in task.
    """

    name: str
    run: Annotated[str, "text"] = ""
    steps: Annotated[tuple[str, ...], "texts"] = ()
    help: Annotated[str, "text"] = ""
    service: Annotated[str, "text"] = ""
    user: Annotated[str, "text"] = ""
    workdir: Annotated[str, "text"] = ""
    env: Annotated[tuple[str, ...], "texts"] = ()
    backend: Annotated[str, "backend"] = ""
    shell: Annotated[bool, "flag"] = False
    before: Annotated[Mapping[str, str], "table"] = MappingProxyType({})
    parallel: Annotated[bool, "flag"] = False
    one_off: Annotated[bool, "flag"] = False
    replace: Annotated[bool, "flag"] = False


_KINDS: dict[str, str] = {
    key: noted.__metadata__[0] for key, noted in DeclaredCommand.__annotations__.items() if key != "name"
}
_ALLOWED = {
    "text": "a text",
    "texts": "a list of texts",
    "flag": "true or false",
    "table": "a table of texts",
    "backend": "host or compose",
}


class ProgramCall(NamedTuple):
    """One program to start, argument for argument, and the variables to hand on with it."""

    argv: tuple[str, ...]
    env: Mapping[str, str]


def parse(table: object, where: str) -> dict[str, DeclaredCommand]:
    """Read the commands table.

    Args:
        table: What the settings file has under ``commands``.
        where: That file and the table, for errors.

    Returns:
        Every command by its name, as Invoke writes names (with dashes).

    Raises:
        SettingsError: A name, key or value is not allowed, or commands call each other in a circle.
    """
    if not isinstance(table, Mapping):
        raise SettingsError("commands must be a table", where=where, fix='write each as name = "command"', code=2)
    found: dict[str, DeclaredCommand] = {}
    for raw, value in table.items():
        if not _NAME.fullmatch(raw):
            raise SettingsError(
                f"a command may not be called {raw!r}",
                where=where,
                fix='use letters, digits, - and _, and dots between parts: "lint.shell"',
                code=2,
            )
        name = raw.replace("_", "-")
        found[name] = _command(name, value, f"{where} {raw}")
    _refuse_circles(found, where)
    return found


def plan(command: DeclaredCommand, args: Sequence[str], values: Mapping[str, str]) -> list[ProgramCall]:
    """What a command runs, in order: what comes before it, if anything, and itself.

    Args:
        command: A command with ``run``.
        args: Further arguments, which follow its own.
        values: The variables that ``${NAME}`` means: those of the environment over those of `.env`.

    Raises:
        UvdockError: A variable has no value.
    """
    lines = [(command.run, list(args))]
    if args and args[0] in command.before:
        lines.insert(0, (command.before[args[0]], []))
    handed = {name: values[name] for name in command.env if name in values}
    return [_call(command, text, further, values, handed) for text, further in lines]


def expand(word: str, values: Mapping[str, str], name: str) -> str:
    """``word`` with each ``${NAME}`` or ``${NAME:-default}`` in its value's place.

    The value stays within the word, whatever it holds.

    Raises:
        UvdockError: A variable without default is not set, or empty.
    """

    def value(match: re.Match[str]) -> str:
        found = values.get(match["name"]) or match["default"]
        if found is None:
            raise UvdockError(
                f"the variable {match['name']} is not set",
                where=f"command {name}: {word}",
                fix=f"set it in the environment or in .env, or write ${{{match['name']}:-a default}}",
            )
        return str(found)

    return re.sub(_REFERENCE, value, word)


def _call(
    command: DeclaredCommand, text: str, further: list[str], values: Mapping[str, str], handed: Mapping[str, str]
) -> ProgramCall:
    if not command.shell:
        return ProgramCall((*(expand(word, values, command.name) for word in shlex.split(text)), *further), handed)
    # The shell expands variables itself, so their values go along by name and never into its text.
    named = {match["name"] for match in re.finditer(_REFERENCE, text)}
    env = {**{name: values[name] for name in sorted(named) if name in values}, **handed}
    # A compound command takes no words after it: they are put there only when there are any.
    takes = re.search(r"\$[@*1-9]|\$\{[@*1-9]", text)
    script = text if takes or not further else f'{text} "$@"'
    return ProgramCall(("sh", "-c", script, command.name, *further), env)


def _command(name: str, value: object, where: str) -> DeclaredCommand:
    if isinstance(value, str):
        value = {"run": value}
    if isinstance(value, list):
        value = {"steps": value}
    if not isinstance(value, Mapping):
        raise SettingsError(
            f"a command may not be {value!r}",
            where=where,
            fix="write a text to run, a list of tasks, or a table with run or steps",
            code=2,
        )
    for key, item in value.items():
        _check(key, item, where)
    if bool(value.get("run")) == bool(value.get("steps")):
        raise SettingsError(
            f"{name} needs either run or steps", where=where, fix='write run = "…", or steps = ["…"]', code=2
        )
    given: dict[str, Any] = {key: tuple(item) if isinstance(item, list) else item for key, item in value.items()}
    made = DeclaredCommand(name=name, **given)
    if not made.shell:
        for text in (made.run, *made.before.values()):
            _split(text, where)
    return made


def _check(key: str, value: object, where: str) -> None:
    kind = _KINDS.get(key)
    if kind is None:
        raise SettingsError(
            f"unknown key {key!r}{nearest(key, list(_KINDS))}", where=where, fix=f"allowed: {', '.join(_KINDS)}", code=2
        )
    fits = {
        "text": isinstance(value, str),
        "texts": isinstance(value, list) and all(isinstance(item, str) and item.strip() for item in value),
        "flag": isinstance(value, bool),
        "table": isinstance(value, Mapping) and all(isinstance(item, str) for item in value.values()),
        "backend": value in ("host", "compose"),
    }
    if not fits[kind]:
        raise SettingsError(f"{key} may not be {value!r}", where=where, fix=f"allowed: {_ALLOWED[kind]}", code=2)


def _split(text: str, where: str) -> list[str]:
    try:
        return shlex.split(text)
    except ValueError as error:
        raise SettingsError(
            f"{text!r} cannot be split into words: {error}", where=where, fix="close the quote", code=2
        ) from error


def _refuse_circles(commands: Mapping[str, DeclaredCommand], where: str) -> None:
    done: set[str] = set()

    def visit(name: str, path: tuple[str, ...]) -> None:
        if name in path:
            circle = " → ".join((*path[path.index(name) :], name))
            raise SettingsError(
                f"commands call each other in a circle: {circle}", where=where, fix="take one of the steps out", code=2
            )
        if name in done or name not in commands:
            return
        for step in commands[name].steps:
            visit(_split(step, f"{where} {name}")[0].replace("_", "-"), (*path, name))
        done.add(name)

    for name in commands:
        visit(name, ())
