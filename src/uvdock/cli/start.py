"""Where the `uvdock` command begins: what must answer at once does, before anything heavy is imported.

Invoke alone takes ten times as long to import as Python takes to start. A shell that completes a word, or reads
its completion script when it starts, waits for none of it.
"""

from __future__ import annotations

import sys


def main() -> None:
    """Answer a shell, or run the whole program."""
    from uvdock.cli import completion

    words = sys.argv[1:]
    if words[:1] == [completion.CALL]:
        completion.answer(words[1:], _looked_up)
    elif (asked := completion.asked_script(words)) is not None:
        completion.show_script(*asked)
    else:
        _run(words)


def _run(words: list[str]) -> None:
    """Take the short way where there is one, else run the whole program."""
    from uvdock.cli import fastpath

    plain = fastpath.plain(words)
    if plain is None or (code := _attempted(*plain)) is None:
        from uvdock.cli.program import main as program

        program()
    else:
        sys.exit(code)


def _attempted(task: str, args: list[str]) -> int | None:
    from time import monotonic

    from uvdock.cli import fastpath

    start = monotonic()
    try:
        code = fastpath.attempt("uvdock", task, args)
    except (Exception, KeyboardInterrupt) as problem:
        from uvdock.errors import UvdockError
        from uvdock.ui import console

        if isinstance(problem, KeyboardInterrupt):
            problem = UvdockError("stopped", where=task, fix="run it again", code=130)
        if not isinstance(problem, UvdockError):
            raise
        console.error(problem)
        return problem.code
    if code is not None and sys.stderr.isatty():
        from uvdock.ui import console

        console.took(task, start)
    return code


def _looked_up(kind: str, program: str) -> object:
    from uvdock.tasks import catalogue

    return catalogue.look_up(kind, program)
