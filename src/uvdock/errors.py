"""The errors uvdock expects, each told in three lines: what happened, where, and what to do next."""

from __future__ import annotations


class UvdockError(Exception):
    """An expected failure that a person can act on.

    Args:
        what: What happened, one sentence.
        where: The file, command or container it happened in.
        fix: What to do or type next.
        code: The exit code of the program, 1 to 255.
    """

    def __init__(self, what: str, *, where: str, fix: str, code: int = 1) -> None:
        super().__init__(what)
        self.what = what
        self.where = where
        self.fix = fix
        self.code = code

    def lines(self) -> tuple[str, str, str]:
        """The three lines a person reads, each without a line break."""
        return (
            f"error: {_one_line(self.what)}",
            f"   at: {_one_line(self.where)}",
            f" next: {_one_line(self.fix)}",
        )


class SettingsError(UvdockError):
    """A setting that uvdock does not know, or a value it does not allow."""


class EngineError(UvdockError):
    """The Docker engine cannot be reached, or refused what it was asked."""


class UnreachableError(EngineError):
    """The Docker engine cannot be reached."""


class NotKnownYetError(UvdockError):
    """A dry run came to where what follows depends on what a step would find that it does not take.

    Args:
        what: What is to be said of what follows, in one line.
    """

    def __init__(self, what: str) -> None:
        super().__init__(what, where="--dry", fix="leave --dry out")


class InterruptedBySignalError(Exception):
    """A signal asked uvdock to stop while it was at work itself, with no child to hand it to."""

    def __init__(self, signum: int) -> None:
        super().__init__(f"signal {signum}")
        self.code = 128 + signum


def nearest(word: str, known: list[str]) -> str:
    """``' (did you mean X?)'`` for the known word most like ``word``, or an empty string."""
    import difflib

    close = difflib.get_close_matches(word, known, n=1, cutoff=0.6)
    return f" (did you mean {close[0]}?)" if close else ""


def no_toml(name: str, text: str, error: Exception, where: str) -> UvdockError:
    """The error for a file that is no TOML, and for one that a merge left in conflict.

    Args:
        name: The file's name.
        text: What is in it.
        error: What the parser says.
        where: The file.
    """
    marks = [number for number, line in enumerate(text.splitlines(), 1) if line.startswith(("<<<<<<< ", ">>>>>>> "))]
    if len(marks) > 1:
        return UvdockError(
            f"{name} has merge conflict markers at line {marks[0]}: settle them",
            where=where,
            fix="keep what both sides need and delete the markers; nothing was changed",
        )
    return UvdockError(f"{name} is not valid TOML: {error}", where=where, fix="correct that line; nothing was changed")


def _one_line(text: str) -> str:
    return " ".join(text.split())


def program_not_found(name: str, where: str, path: str) -> UvdockError:
    """The error for a command that a container does not have.

    Args:
        name: The program.
        where: The container, for a person.
        path: Where it was looked for.
    """
    return UvdockError(
        f"{name} was not found",
        where=f"{where}, PATH {path}",
        fix="check the name, or install it in the image",
        code=127,
    )
