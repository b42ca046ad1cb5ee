"""Steps that run at the same time, as a person sees them: a live view on a terminal, plain lines elsewhere."""

from __future__ import annotations

import codecs
import os
import re
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Collection, Mapping
from signal import SIGINT, SIGTERM
from typing import TYPE_CHECKING, TypeVar

from uvdock import dry, process
from uvdock.errors import UvdockError
from uvdock.ui import buildkit, console

if TYPE_CHECKING:
    from rich.console import RenderableType

#: Colours and the like, which say nothing in the one line that is left of a step's output.
_CONTROL = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]|[\x00-\x08\x0b-\x1f\x7f]")

#: The exit codes of what a signal stopped.
_STOPPED = (128 + SIGINT, 128 + SIGTERM)
_NOT_FAILED = (0, console.LEFT_OUT)

_Result = TypeVar("_Result")

_TURNING = "⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏"


class LiveStep:
    """One of several steps: what it has said, and since when it runs.

    Args:
        name: Its name.
        streamed: Show what its commands say at once, and not when it ends.
        quiet: Show what its commands say only when it fails, and of a build that failed what matters.
    """

    def __init__(self, name: str, *, streamed: bool, quiet: bool = False) -> None:
        self.name = name
        self.streamed = streamed
        self.quiet = quiet
        self.start = time.monotonic()
        self.output: list[str] = []
        self.said: list[str] = []
        self.last = ""
        self.stopped = False
        self._rest = ""
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")

    def take(self, part: bytes) -> list[str]:
        """Take a part of its commands' output; returns the lines that are whole now."""
        *lines, self._rest = (self._rest + self._decoder.decode(part)).split("\n")
        return self._keep(lines)

    def rest(self) -> list[str]:
        """The last line, where it has no end."""
        last, self._rest = self._rest, ""
        return self._keep([last] if last else [])

    def failure(self) -> list[str]:
        """What is shown of its commands' output when it has failed; what is left out is in a file that it names."""
        shown = buildkit.failing(self.output) if self.quiet else self.output
        return shown if len(shown) == len(self.output) else [*shown, f"the whole output is in {self._log()}"]

    def warnings(self) -> list[str]:
        """What is shown of a quiet one's output when it has succeeded."""
        return [line for line in self.output if _CONTROL.sub("", line).startswith("warning: ")]

    def _log(self) -> str:
        with tempfile.NamedTemporaryFile("w", prefix="uvdock-", suffix=".log", delete=False, encoding="utf-8") as file:
            file.write(console.redact("\n".join(self.output)) + "\n")
        return file.name

    def _keep(self, lines: list[str]) -> list[str]:
        # Of what overwrites its own line, the last counts.
        lines = [line.removesuffix("\r").rpartition("\r")[2] for line in lines]
        self.output += lines
        self.last = next((shown for line in reversed(lines) if (shown := _shown(line))), self.last)
        return lines


class Plain:
    """Plain lines: the first step's as they come, those of the others in one piece when each ends."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.running: list[LiveStep] = []

    def __enter__(self) -> Plain:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def begin(self, step: LiveStep) -> None:
        """A step begins."""
        with self.lock:
            self.running.append(step)
            if step.streamed:
                console.begun(step.name)

    def more(self, step: LiveStep, part: bytes) -> None:
        """Its commands have said something."""
        with self.lock:
            lines = step.take(part)
            if step.streamed and not step.quiet:
                self._lines(lines)

    def end(self, step: LiveStep, code: int) -> None:
        """A step ends."""
        with self.lock:
            self.running.remove(step)
            last, ok = step.rest(), code in _NOT_FAILED
            if not step.streamed:
                console.begun(step.name)
            if step.quiet:
                self._lines(step.warnings() if ok else [] if step.stopped else step.failure())
            else:
                self._lines(last if step.streamed else step.output)
            self._lines(step.said)
            console.ended(step.name, step.start, code)

    def _lines(self, lines: list[str]) -> None:
        for line in lines:
            console.say(line)


class Live(Plain):
    """A terminal's view: the steps that run, for how long and at what; what a step said is shown when it fails."""

    def __enter__(self) -> Live:
        from rich.console import Console
        from rich.live import Live as Region

        self.region = Region(
            get_renderable=self._render, console=Console(stderr=True), refresh_per_second=8, transient=True
        )
        self.region.__enter__()
        return self

    def __exit__(self, *_: object) -> None:
        self.region.__exit__(None, None, None)

    def begin(self, step: LiveStep) -> None:
        """A step begins."""
        with self.lock:
            self.running.append(step)

    def more(self, step: LiveStep, part: bytes) -> None:
        """Its commands have said something."""
        with self.lock:
            step.take(part)

    def end(self, step: LiveStep, code: int) -> None:
        """A step ends: its own words stay, and all of its commands' when it failed by itself."""
        with self.lock:
            self.running.remove(step)
            step.rest()
            ok, shown = code in _NOT_FAILED, [] if step.stopped else step.failure()
            self._lines([*(step.warnings() if ok and step.quiet else [] if ok else shown), *step.said])
            console.ended(step.name, step.start, code)

    def _render(self) -> RenderableType:
        from rich.table import Table
        from rich.text import Text

        shown = Table.grid(padding=(0, 1), expand=True)
        for _ in range(2):
            shown.add_column(no_wrap=True)
        shown.add_column(no_wrap=True, justify="right")
        shown.add_column(no_wrap=True, overflow="ellipsis", ratio=1)
        now = time.monotonic()
        for step in list(self.running):
            turning = _TURNING[int(now * 8) % len(_TURNING)]
            last = Text(console.redact(step.last), style="dim")
            shown.add_row(Text(turning, "cyan"), Text(step.name, "bold"), f"{now - step.start:.1f} s", last)
        return shown

    def _lines(self, lines: list[str]) -> None:
        from rich.text import Text

        # Where a line of a program is wider than the terminal, that one breaks it: it stays one when it is copied.
        for line in lines:
            self.region.console.print(Text.from_ansi(console.redact(line)), soft_wrap=True)


def run(works: Mapping[str, Callable[[], int | None]], *, stream: bool = True, quiet: Collection[str] = ()) -> None:
    """Run several steps at the same time and show them; in a dry run one after the other, with nothing but commands.

    Args:
        works: What each does, by its name; one that did not succeed, and need not have, returns its exit code, and one
            that left something out `console.LEFT_OUT`.
        stream: The first is the longest one: where no terminal can show all of them, its output is shown as it comes.
        quiet: Those whose output is shown only when they fail; in CI and with `--echo` it is shown as it comes.

    Raises:
        Exception: What the first step that failed raised, in their order; all of them have ended then.
    """
    if dry.on():
        for work in works.values():
            work()
        return
    quiet = () if _wordy() else quiet
    if len(works) == 1 and not any(name in quiet for name in works):
        for name, work in works.items():
            with console.step(name) as step:
                step.code = work() or 0
        return
    with _view() as view:
        process.run_concurrently(
            [
                _step(view, LiveStep(name, streamed=(stream or name in quiet) and not at, quiet=name in quiet), work)
                for at, (name, work) in enumerate(works.items())
            ]
        )


def _step(view: Plain, step: LiveStep, work: Callable[[], int | None]) -> Callable[[], None]:
    def body() -> None:
        step.streamed = step.streamed and not isinstance(view, Live)
        step.start = time.monotonic()
        console.HELD.set(None if step.streamed else step.said)
        process.SINK.set(lambda part: view.more(step, part))
        view.begin(step)
        code = 1
        try:
            code = work() or 0
            step.stopped = code in _STOPPED
        except UvdockError as error:
            step.stopped = error.code in _STOPPED
            raise
        finally:
            console.HELD.set(None)
            view.end(step, code)

    return body


def alone(name: str, work: Callable[[], _Result]) -> _Result:
    """Run one quiet step, as `run` does; returns what it returns, an exit code for one."""
    results: list[_Result] = []

    def kept() -> int:
        results.append(result := work())
        return result if isinstance(result, int) else 0

    run({name: kept}, quiet=(name,))
    return results[0]


def _view() -> Plain:
    plain = os.environ.get("TERM", "") in ("", "dumb") or os.environ.get("CI")
    return Plain() if plain or not sys.stderr.isatty() else Live()


def _wordy() -> bool:
    """Whether somebody wants to read everything: in CI, or with `--echo`."""
    return bool(os.environ.get("CI")) or process.ANNOUNCE.get(None) is not None


def _shown(line: str) -> str:
    return buildkit.PREFIX.sub("", _CONTROL.sub("", line)).strip()
