"""Where the `uvdock` command begins: what must answer at once does, before anything heavy is imported.

Invoke alone takes ten times as long to import as Python takes to start. A shell that completes a word, or reads
its completion script when it starts, waits for none of it.
"""

from __future__ import annotations

import sys


def main() -> None:
    """Answer a shell, or run the whole program."""
    from uvdock import completion

    words = sys.argv[1:]
    if words[:1] == [completion.CALL]:
        completion.answer(words[1:], _looked_up)
    elif (asked := completion.asked_script(words)) is not None:
        completion.show_script(*asked)
    else:
        from uvdock.program import main as program

        program()


def _looked_up(kind: str, program: str) -> object:
    from uvdock.tasks import catalogue

    return catalogue.look_up(kind, program)
