"""What a uv command line is: which subcommand, whether it changes manifests, what it needs.

uv itself parses its arguments; this looks only as far as needed to know where to run them.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from uvdock.errors import UvdockError

if TYPE_CHECKING:
    from uvdock.process import Output

#: Subcommands that read the manifests and may change them: they run with lock sync.
CHANGING = frozenset({"add", "remove", "lock", "version", "upgrade"})
#: Subcommands that only read the manifests: they need neither the environment nor the source tree.
READING = frozenset({"tree", "export", "audit"})
#: Subcommands after which a running container's environment is to be brought to the new lock.
SYNCED = frozenset({"add", "remove", "upgrade"})
#: The oldest uv that uvdock supports, and the first uv with some commands.
OLDEST = (0, 6)
SINCE = {
    ("audit",): (0, 11),
    ("upgrade",): (0, 13),
    ("version",): (0, 7),
    ("tree", "--format"): (0, 13),
    ("sync", "--check"): (0, 6),
}
#: Variables that an image sets for its build and that would keep uv from locking; no lock sync has them.
LOCKING_OFF = ("UV_FROZEN", "UV_LOCKED")
#: uv's exit code for arguments it does not know.
USAGE_ERROR = 2
#: uv's exit code for requirements that have no solution; it is an answer, where 2 says that it could not work.
NO_SOLUTION = 1

_NO_LOCK = frozenset({"--frozen", "--locked", "--check", "--dry-run", "--script", "--help", "-h"})
_WITH_VALUE = frozenset(
    {
        "--allow-insecure-host",
        "--cache-dir",
        "--color",
        "--config-file",
        "--directory",
        "--project",
        "--preview-features",
    }
)


def subcommand(args: Sequence[str]) -> str:
    """The subcommand of a uv command line, or nothing where there is none (``uv --version``)."""
    waiting = iter(args)
    for word in waiting:
        if word in _WITH_VALUE:
            next(waiting, None)
        elif not word.startswith("-"):
            return word
    return ""


def syncs(args: Sequence[str]) -> bool:
    """Whether the environment is to follow the lock after this command, as uv itself would do."""
    before = list(args[: args.index("--")]) if "--" in args else list(args)
    return subcommand(args) in SYNCED and not {"--no-sync", "--frozen", "--dry-run", "--help", "-h"} & set(before)


def may_lock(args: Sequence[str]) -> bool:
    """Whether this command locks first where the lock is stale, though that is not what it is for."""
    return subcommand(args) == "sync" and not _NO_LOCK & set(args)


def parse_version(text: str) -> tuple[int, ...]:
    """The version in what ``uv --version`` prints (``uv 0.13.8 (…)``), or ``()``."""
    words = text.split()
    if len(words) < 2 or words[0] != "uv":
        return ()
    return tuple(int(part) for part in words[1].split(".") if part.isdecimal())


def is_refusal(output: Output) -> bool:
    """Whether requirements have no solution; the same code says that a build, or the engine, has failed."""
    return output.code == NO_SOLUTION and "No solution found" in output.error_text


def words(output: Output) -> str:
    """What uv says of a failure, without what it says while it works; of a build's output, the last line."""
    lines = [
        line for line in output.error_text.splitlines() if not line.startswith(("Using ", "warning: ", "Resolved "))
    ]
    starts = [number for number, line in enumerate(lines) if line.strip() in ("[stdout]", "[stderr]")]
    if starts:
        # What the build printed is indented as its heading is.
        indent = lines[starts[-1]][: -len("[stderr]")]
        ends = next((number for number in range(starts[-1], len(lines)) if _ends(lines[number], indent)), len(lines))
        printed = [line for line in lines[starts[-1] + 1 : ends] if line.strip()]
        lines = [*lines[: starts[0]], *printed[-1:], *lines[ends:]]
    return "\n".join(lines).strip().removeprefix("error: ").removeprefix("× ")


def _ends(line: str, indent: str) -> bool:
    return bool(line.strip()) and not line.startswith(indent)


def too_old(args: Sequence[str], version: tuple[int, ...], where: str) -> UvdockError | None:
    """The error for a command that this uv does not have yet, if that is what is wrong."""
    if not version:
        return None
    shown = ".".join(map(str, version))
    fix = f"raise the uv in {where} (in a Dockerfile: COPY --from=ghcr.io/astral-sh/uv:VERSION …)"
    if version < OLDEST:
        return UvdockError(
            f"uv {shown} is too old: uvdock needs {'.'.join(map(str, OLDEST))} or newer", where=where, fix=fix
        )
    for words, since in SINCE.items():
        if subcommand(args) == words[0] and set(words[1:]) <= set(args) and version < since:
            return UvdockError(
                f"uv {shown} is too old for `uv {' '.join(words)}`, which needs {'.'.join(map(str, since))}",
                where=where,
                fix=fix,
            )
    return None
