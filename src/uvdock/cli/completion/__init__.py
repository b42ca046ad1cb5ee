"""Completing a word at the prompt, for bash, zsh and fish.

A shell's script (`uvdock.bash` and the others beside this file) hands the words up to the cursor to the program,
which prints what may stand there, one a line. It takes as long as Python takes to start, and little more: what
there is to complete was written to a cache (`uvdock.cli.completion.store`) the first time, when Invoke was asked.

Nothing here imports Invoke, `typing` or anything else that takes long.
"""

from __future__ import annotations

import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from uvdock.cli.completion.shape import Catalogue

#: The hidden word with which the scripts call the program.
CALL = "__complete"
SHELLS = ("bash", "zsh", "fish")
#: The programs that the scripts are for, by the option that asks for them.
PROGRAMS = {False: "uvdock", True: "uvdock inv invoke"}


def script(shell: str, *, inv: bool = False) -> str:
    """The script that a shell reads to complete uvdock's words.

    Args:
        shell: One of `SHELLS`.
        inv: Whether it is for `inv` and `invoke` too.
    """
    folder = __file__.rpartition("/")[0]
    with open(f"{folder}/uvdock.{shell}", encoding="utf-8") as file:
        return file.read().replace("@PROGRAMS@", PROGRAMS[inv])


def asked_script(words: Sequence[str]) -> tuple[str, bool] | None:
    """The shell, and whether for `inv` too, where ``words`` plainly ask for a script; else the task answers."""
    inv = "--inv" in words
    rest = [word for word in words if word != "--inv"]
    if len(rest) == 2 and rest[0] == "completion" and rest[1] in SHELLS:
        return rest[1], inv
    return None


def show_script(shell: str, inv: bool) -> None:
    """Print a script."""
    sys.stdout.write(script(shell, inv=inv))


def answer(words: Sequence[str], look_up: Callable[[str, str], object]) -> None:
    """Print what may stand in the place of the last word: one a line, for zsh and fish with a tab and its help.

    Whatever goes wrong, nothing is printed: a prompt is no place for an error. The program must end after it, for its
    standard streams are closed.

    Args:
        words: The shell, then the command line up to the cursor, its program first.
        look_up: What to call with ``tasks`` or a kind of names, as ``services``, and the program's name for what is
            not in the cache.
    """
    out = os.dup(1)
    # A tasks.py may print, or ask, when it is imported; so may what it starts.
    nothing = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1, 2):
        os.dup2(nothing, stream)
    try:
        lines = _lines(words, look_up)
    except Exception:
        return
    except SystemExit:
        # A tasks.py or settings that cannot be read: they are told when a task is run.
        return
    with os.fdopen(out, "wb") as file:
        file.write("".join(f"{line}\n" for line in lines).encode("utf-8", "replace"))


def _lines(words: Sequence[str], look_up: Callable[[str, str], object]) -> list[str]:
    from uvdock.cli.completion.store import Store
    from uvdock.cli.completion.words import candidates, joined

    shell, typed = words[0], list(words[1:])
    program = "uvdock" if typed[0].rpartition("/")[2] == "uvdock" else "inv"
    given, split = joined(typed[1:]) if shell == "bash" else (typed[1:], False)
    store = Store(program)
    catalogue: Catalogue = store.get("tasks", lambda: look_up("tasks", program))

    def names(kind: str) -> list[str]:
        found: list[str] = store.get(kind, lambda: look_up(kind, program))
        return found

    found = candidates(given, catalogue, names)
    if shell != "bash":
        return [f"{value}\t{_printable(about)}" for value, about in found]
    values = [value for value, _ in found if value.startswith(given[-1])]
    # Bash takes what stands before = for a word of its own.
    return [value.partition("=")[2] for value in values] if split else values


def _printable(text: str) -> str:
    """``text`` without what a terminal would obey: a repo's files are not always one's own."""
    return "".join(letter if letter.isprintable() else " " for letter in text)
