"""Everything a person sees: steps with their times, changes, tables, errors. All of it on standard error,
so that standard output stays the command's own, except for what a task is asked to print (`table`, `data`).
"""

from __future__ import annotations

import os
import re
import shlex
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from dataclasses import dataclass
from typing import TextIO

from uvdock import dry
from uvdock.errors import NotKnownYetError, UvdockError

#: What a step leaves that has not failed, and has not done all it is named for.
LEFT_OUT = -1
#: Keeps what is said while several steps run at the same time, until it can be shown in one piece.
HELD: ContextVar[list[str] | None] = ContextVar("HELD", default=None)
_STYLES = {"bold": "1", "dim": "2", "red": "31", "green": "32", "yellow": "33", "cyan": "36"}


def redact(text: str) -> str:
    """``text`` without the user and password of any address, and without the passwords of indexes and registries."""
    if "://" in text:
        text = re.sub(r"(?<=://)[^/?#\s]+@", "***@", text)
    secrets = {
        value
        for name, value in os.environ.items()
        if name.startswith(("UV_", "NPM_", "NODE_AUTH_", "YARN_NPM_"))
        and name.endswith(("_PASSWORD", "_TOKEN", "_IDENT"))
        and len(value) > 2
    }
    # The longest first: of one that begins with another, nothing stays.
    for value in sorted(secrets, key=len, reverse=True):
        text = text.replace(value, "***")
    return text


def say(text: str = "", style: str = "") -> None:
    """One line to standard error; none in a dry run, where nothing of it would be true."""
    if not dry.SILENT.get():
        _say(text, style)


def command(argv: Sequence[str]) -> None:
    """A command in one line, as a shell would read it."""
    _say(" ".join(_quoted(word) for word in argv), "bold")


def would(text: str) -> None:
    """What a dry run would come to that is no command, or not known yet: a comment among the commands."""
    _say(f"# {' '.join(text.split())}", "dim")


def _quoted(word: str) -> str:
    """A word for a shell, without line breaks."""
    if word.isprintable():
        return shlex.quote(word)
    # As a shell reads $'…'; what it has no letter for is written by its number.
    return "$'" + word.encode("unicode_escape").decode("ascii").replace("'", "\\'") + "'"


def _say(text: str, style: str = "") -> None:
    line, held = paint(text, style, sys.stderr), HELD.get()
    if held is None:
        _write(sys.stderr, line)
    else:
        held.append(line)


def note(text: str) -> None:
    """A remark that is no error: something a person would want to know."""
    say(f"note: {text}", "yellow")


def error(problem: UvdockError) -> None:
    """An expected error, in its three lines."""
    what, where, fix = problem.lines()
    _say(what, "red")
    _say(where)
    _say(fix)


@dataclass
class ConsoleStep:
    """A step that runs: the exit code it will leave, for one that does not raise when it fails; or `LEFT_OUT`."""

    code: int = 0


@contextmanager
def step(name: str) -> Iterator[ConsoleStep]:
    """Name a step when it begins and say how long it took, whether it ends well or not."""
    begun(name)
    start, made = time.monotonic(), ConsoleStep()
    try:
        yield made
    except NotKnownYetError:
        raise  # of a dry run: nothing has failed
    except BaseException:
        ended(name, start, 1)
        raise
    ended(name, start, made.code)


def begun(name: str) -> None:
    """Name a step that begins."""
    say(f"▸ {name}", "bold")


def ended(name: str, start: float, code: int) -> None:
    """Say that a step has ended with a code, and how long it took since a moment of `time.monotonic`."""
    mark, style = {0: ("✔", "green"), LEFT_OUT: ("–", "yellow")}.get(code, ("✘", "red"))
    say(f"{mark} {name} ({_seconds(start)})", style)


@contextmanager
def task(name: str, *, quiet: bool = False) -> Iterator[None]:
    """Say, as the last line, how long the task took; nothing when ``quiet`` and nobody is at a terminal."""
    start = time.monotonic()
    try:
        yield
    finally:
        if not quiet or sys.stderr.isatty():
            took(name, start)


def took(name: str, start: float) -> None:
    """Say how long something took since a moment of `time.monotonic`."""
    say(f"{name} took {_seconds(start)}", "dim")


def table(
    columns: Sequence[str],
    rows: Sequence[Sequence[str]],
    title: str = "",
    styles: Mapping[str, Mapping[str, str]] | None = None,
    *,
    least: Sequence[str] = (),
    below: str = "",
    to_stderr: bool = False,
) -> None:
    """A table on standard output: it fits a terminal, and no cell of it is cut.

    Args:
        columns: The heads.
        rows: The cells.
        title: A line above.
        styles: The style of some cells, by column and text.
        least: The columns that a narrow terminal does without, the one that matters least first.
        below: The column whose cells stand below their rows where there is no room.
        to_stderr: It is not what the task was asked for, but what it says on the way.
    """
    from uvdock.ui import tables

    stream = sys.stderr if to_stderr else sys.stdout
    width = _columns(stream) if stream.isatty() else None
    lines = [title] if title else []
    for parts in tables.lines(columns, [[redact(cell) for cell in row] for row in rows], width, least, below):
        painted = (
            paint(part.text, "bold" if part.head else (styles or {}).get(part.column, {}).get(part.text, ""), stream)
            for part in parts
        )
        lines.append("".join(painted))
    _write(stream, "\n".join(lines))


def counted(count: int, noun: str) -> str:
    """``1 package``, ``2 packages``."""
    return f"{count} {noun}{'' if count == 1 else 's'}"


def prefixed(prefix: str, line: str, *, to_stderr: bool) -> None:
    """One line of a step's output, behind the step's name, on the stream it came from."""
    stream = sys.stderr if to_stderr else sys.stdout
    _write(stream, paint(prefix, "cyan", stream) + line)


def confirm(question: str) -> bool:
    """Ask a person at a terminal; without one, or with no answer, it is no."""
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        return False
    sys.stderr.write(redact(f"{question} [y/N] "))
    sys.stderr.flush()
    return sys.stdin.readline().strip().lower() in ("y", "yes")


def data(text: str, style: str = "") -> None:
    """What a task was asked for (JSON, a list), on standard output."""
    _write(sys.stdout, paint(text, style, sys.stdout))


def paint(text: str, style: str, stream: TextIO) -> str:
    """``text`` in a style where ``stream`` shows colour: a terminal, ``NO_COLOR`` unset, ``TERM`` not dumb."""
    wanted = style and stream.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
    return f"\033[{_STYLES[style]}m{text}\033[0m" if wanted else text


def _write(stream: TextIO, text: str) -> None:
    text = redact(text)
    try:
        # In one piece: steps that run side by side write lines at the same time.
        print(f"{text}\n", end="", file=stream, flush=True)
    except UnicodeEncodeError:
        encoding = stream.encoding or "ascii"
        print(f"{text}\n".encode(encoding, "replace").decode(encoding), end="", file=stream, flush=True)


def _columns(stream: TextIO) -> int:
    """How wide a stream's terminal is: as ``COLUMNS`` says, else as it says itself."""
    told = os.environ.get("COLUMNS", "")
    with suppress(OSError, ValueError):
        return int(told) if told.isdecimal() and int(told) else os.get_terminal_size(stream.fileno()).columns or 80
    return 80


def _seconds(start: float) -> str:
    elapsed = time.monotonic() - start
    if elapsed < 60:
        return f"{elapsed:.1f} s"
    minutes, seconds = divmod(int(elapsed), 60)
    return f"{minutes} min {seconds:02d} s"
