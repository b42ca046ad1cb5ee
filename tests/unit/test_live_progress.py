"""Steps that run at the same time: what is shown of each, in which order, and what stops them."""

from __future__ import annotations

import io
import os
import re
import signal
import sys
import threading
from collections.abc import Callable

import pytest

from uvdock import process
from uvdock.errors import InterruptedBySignalError, UvdockError
from uvdock.ui import console, live_progress
from uvdock.ui.live_progress import LiveStep


@pytest.mark.parametrize(
    ("parts", "lines", "last"),
    [
        pytest.param([b"one\ntwo\n"], ["one", "two"], "two", id="whole-lines"),
        pytest.param([b"on", b"e\ntw", b"o"], ["one", "two"], "two", id="parts-of-lines"),
        pytest.param([b"\xe2\x9c", b"\x94 done\r\n"], ["✔ done"], "✔ done", id="a-letter-in-two-parts"),
        pytest.param([b"10 %\r20 %\r\n"], ["20 %"], "20 %", id="a-line-that-is-written-over"),
        pytest.param([b"#16 0.214 \x1b[2mResolved\x1b[0m 5\n"], ["#16 0.214 \x1b[2mResolved\x1b[0m 5"], "Resolved 5"),
        pytest.param([b"#16 [web 1/2] RUN a\n\n"], ["#16 [web 1/2] RUN a", ""], "[web 1/2] RUN a", id="blank-last"),
        pytest.param([], [], "", id="nothing"),
    ],
)
def test_a_step_keeps_whole_lines_and_knows_the_last(parts: list[bytes], lines: list[str], last: str) -> None:
    step = LiveStep("build", streamed=False)
    for part in parts:
        step.take(part)
    step.rest()
    assert step.output == lines
    assert step.last == last


def python(code: str) -> Callable[[], None]:
    def work() -> None:
        code_left = process.run([sys.executable, "-u", "-c", code])
        if code_left:
            raise UvdockError("it failed", where="here", fix="mend it", code=code_left)

    return work


def test_the_first_step_is_shown_as_it_comes_and_the_others_whole(capfd: pytest.CaptureFixture[str]) -> None:
    after = threading.Event()

    def second() -> None:
        python("import sys; print('two out'); print('two err', file=sys.stderr)")()
        console.say("two says")
        after.set()

    def first() -> None:
        python("print('one begins')")()
        assert after.wait(20)
        python("print('one ends')")()

    live_progress.run({"first": first, "second": second})
    found = capfd.readouterr()
    lines = [line.partition(" (")[0] for line in found.err.splitlines()]
    assert found.out == ""
    assert lines.index("▸ first") < lines.index("one begins") < lines.index("one ends") < lines.index("✔ first")
    at = lines.index("▸ second")
    assert lines[at : at + 5] == ["▸ second", "two out", "two err", "two says", "✔ second"]


def test_one_that_fails_leaves_the_others_to_end_and_shows_its_output(capfd: pytest.CaptureFixture[str]) -> None:
    failed = threading.Event()

    def first() -> None:
        assert failed.wait(20)
        python("print('whole')")()

    def second() -> None:
        try:
            python("print('why'); exit(3)")()
        finally:
            failed.set()

    works = {"first": first, "second": second}
    with pytest.raises(UvdockError) as raised:
        live_progress.run(works)
    assert raised.value.code == 3
    lines = [line.partition(" (")[0] for line in capfd.readouterr().err.splitlines()]
    assert lines.index("whole") < lines.index("✔ first")
    assert lines.index("why") < lines.index("✘ second")


def test_one_that_need_not_succeed_has_no_tick(capfd: pytest.CaptureFixture[str]) -> None:
    live_progress.run({"build": python("pass"), "sync": lambda: 2})
    live_progress.run({"alone": lambda: 3})
    marks = {line.partition(" (")[0] for line in capfd.readouterr().err.splitlines()}
    assert {"✔ build", "✘ sync", "✘ alone"} <= marks
    assert not {"✔ sync", "✔ alone"} & marks


@pytest.mark.parametrize(("code", "shown"), [(3, True), (130, False), (0, False)])
def test_a_quiet_step_shows_its_output_only_when_it_fails_by_itself(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], code: int, shown: bool
) -> None:
    monkeypatch.delenv("CI", raising=False)
    argv = [sys.executable, "-u", "-c", f"print('words'); print('warning: mind'); exit({code})"]
    assert live_progress.alone("build", lambda: process.run(argv)) == code
    lines = [line.partition(" (")[0] for line in capfd.readouterr().err.splitlines()]
    assert ("words" in lines) is shown
    assert ("warning: mind" in lines) is (code != 130)
    assert lines[0] == "▸ build"
    assert lines[-1] == ("✘ build" if code else "✔ build")


def test_of_several_failures_the_first_in_order_counts() -> None:
    failed = threading.Event()

    def first() -> None:
        assert failed.wait(20)
        python("exit(4)")()

    def second() -> None:
        try:
            python("exit(5)")()
        finally:
            failed.set()

    with pytest.raises(UvdockError) as raised:
        live_progress.run({"first": first, "second": second})
    assert raised.value.code == 4


@pytest.mark.parametrize("signum", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_reaches_every_command_and_no_further_one_begins(signum: signal.Signals) -> None:
    waits = "import signal, time; signal.signal(signal.SIGINT, signal.default_int_handler); print('on'); time.sleep(60)"
    codes: list[int] = []
    both = threading.Barrier(3)

    def work() -> None:
        began: list[bytes] = []

        def taken(part: bytes) -> None:
            if not began:
                began.append(part)
                both.wait(20)

        codes.append(process.run([sys.executable, "-u", "-c", waits], stdout=taken))
        codes.append(process.run([sys.executable, "-c", "raise SystemExit(7)"]))

    def stop() -> None:
        both.wait(20)
        os.kill(os.getpid(), signum)

    threading.Thread(target=stop).start()
    with pytest.raises((KeyboardInterrupt, InterruptedBySignalError)):
        process.run_concurrently([work, work])
    assert codes == [128 + signum] * 4


def test_no_more_at_once_than_allowed_and_all_of_them() -> None:
    now: list[int] = []
    most: list[int] = []
    two, lock = threading.Barrier(2), threading.Lock()

    def work() -> None:
        with lock:
            now.append(1)
            most.append(len(now))
        two.wait(20)
        with lock:
            now.pop()

    process.run_concurrently([work] * 6, at_once=2)
    assert len(most) == 6
    assert max(most) == 2


class Terminal(io.StringIO):
    """A terminal that keeps what was written."""

    def isatty(self) -> bool:
        return True


def a_terminal(monkeypatch: pytest.MonkeyPatch) -> Terminal:
    """Standard error as a terminal; no fixture, for pytest sets the streams anew when the test itself begins."""
    found = Terminal()
    monkeypatch.setattr(sys, "stderr", found)
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv("COLUMNS", "60")
    for name in ("CI", "NO_COLOR"):
        monkeypatch.delenv(name, raising=False)
    return found


def shown(terminal: Terminal) -> list[str]:
    """The lines that stay: without those that the view has written over."""
    # Up a line and to its begin: what stood there is gone.
    text = re.sub(r"\x1b\[\d*A", "\r", terminal.getvalue())
    lines = re.sub(r"\x1b\[[?\d;]*[A-Za-z]", "", text).split("\n")
    return [line.rstrip("\r").rpartition("\r")[2] for line in lines]


def test_on_a_terminal_what_succeeds_leaves_its_own_words(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = a_terminal(monkeypatch)

    def work() -> None:
        python("print('many words')")()
        console.say("installed")

    live_progress.run({"build": python("print('#1 [web 1/2] RUN\\n' * 50)"), "sync": work})
    lines = shown(terminal)
    assert any(line.startswith("✔ build (") for line in lines)
    assert any(line.startswith("✔ sync (") for line in lines)
    assert "installed" in lines
    assert "many words" not in lines
    assert "#1 [web 1/2] RUN" not in lines


def test_on_a_terminal_what_fails_shows_all_and_long_lines_whole(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    terminal = a_terminal(monkeypatch)
    monkeypatch.setenv("UV_INDEX_OWN_PASSWORD", "hush-hush")
    long = "word " * 40 + "hush-hush"
    with pytest.raises(UvdockError):
        live_progress.run({"build": python(f"print('{long}'); exit(3)"), "sync": python("pass")})
    lines = shown(terminal)
    assert long.replace("hush-hush", "***") in lines
    assert any(line.startswith("✘ build (") for line in lines)


def test_on_a_terminal_what_a_person_stopped_says_nothing_more(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = a_terminal(monkeypatch)
    with pytest.raises(UvdockError):
        live_progress.run({"build": python("print('half'); exit(130)"), "sync": python("pass")})
    assert "half" not in shown(terminal)
    assert any(line.startswith("✘ build (") for line in shown(terminal))


@pytest.mark.parametrize(("name", "value"), [("CI", "true"), ("TERM", "dumb")])
def test_plain_lines_where_a_view_is_of_no_use(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    terminal = a_terminal(monkeypatch)
    monkeypatch.setenv(name, value)
    live_progress.run({"build": python("print('words')"), "sync": python("pass")})
    assert "words" in shown(terminal)


def test_one_step_alone_is_shown_as_any_other(capfd: pytest.CaptureFixture[str]) -> None:
    live_progress.run({"only": python("print('its own stream')")})
    found = capfd.readouterr()
    assert found.out == "its own stream\n"
    assert [line.partition(" (")[0] for line in found.err.splitlines()] == ["▸ only", "✔ only"]
