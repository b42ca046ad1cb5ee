"""A command's standard error without the last line that the program which carries it adds.

Since Compose is built with version 28 of Docker's command line, `docker compose run` ends its standard error with a
line of its own when the command failed: an empty one, or ``exit status 3``
(https://github.com/docker/compose/issues/12962). A pipe would not tell that line from the command's own words; a socket
that keeps each write apart does.
"""

from __future__ import annotations

import os
import re
import socket
import sys
import threading
from collections.abc import Callable
from contextlib import suppress

#: The added line, which is one write.
_ADDED = re.compile(rb"(exit status \d+)?\n")
#: The engine's streams come in parts of at most 32 KiB, each of which is one write.
_PART = 2**20


def relayed(run: Callable[[socket.socket | None], int], adds: Callable[[], bool]) -> int:
    """Run a command whose standard error is handed on as it comes, but for an added last line.

    Args:
        run: Runs it, with this socket as its standard error (``None`` for uvdock's own), and returns its exit code.
        adds: Whether the program adds that line; only asked where the command failed and it could be there.

    Returns:
        The exit code.
    """
    if not _possible():
        return run(None)
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    held: list[bytes] = []
    thread = threading.Thread(target=_follow, args=(ours, held), daemon=True)
    thread.start()
    with ours:
        with theirs:
            code = run(theirs)
        thread.join()
        if held and not (code and adds()):
            _write(held.pop())
    return code


def _possible() -> bool:
    """Whether it can be done, and somebody could tell.

    At a terminal nobody can. Where both streams go to the same place, their order counts for more than a line at the
    end.
    """
    if sys.platform != "linux":
        return False  # no AF_UNIX socket keeps writes apart
    try:
        return not os.isatty(2) and not os.path.samestat(os.fstat(1), os.fstat(2))
    except OSError:
        return False


def _follow(ours: socket.socket, held: list[bytes]) -> None:
    with suppress(OSError):
        while part := ours.recv(_PART):
            if held:
                _write(held.pop())
            if _ADDED.fullmatch(part):
                held.append(part)
            else:
                _write(part)


def _write(content: bytes) -> None:
    while content:
        content = content[os.write(2, content) :]
