"""Signalling a command in a container, which the engine cannot do for an exec.

It cannot signal an exec, and tells only the host's process number. So the process is looked for in the container,
by a mark in its environment; as the same user, for only that user (or a root with the right to trace) may read it.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

#: Marks the process that uvdock starts in a container, so that a signal can find it there.
MARK = "_UVDOCK_RUN"
#: How long a process in a container may take to go after a signal before it is killed, seconds.
GRACE = 1.5

_SHELL = """
hits() { grep -ls "$1" /proc/[0-9]*/environ 2>/dev/null; }
send() { for f in $(hits "$1"); do p=${f#/proc/}; kill -s "$2" "${p%/environ}" 2>/dev/null; done; }
[ -n "$(hits "$1")" ] || exit 1
send "$1" "$2"
i=0
while [ $i -lt "$3" ]; do sleep 0.1; [ -z "$(hits "$1")" ] && exit 0; i=$((i+1)); done
send "$1" KILL
exit 0
"""

#: The same for an image without a shell; one for Python apps has Python.
_PYTHON = """
import os, signal, sys, time
mark, name, tenths = sys.argv[1].encode(), sys.argv[2], int(sys.argv[3])
def hits():
    found = []
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{pid}/environ", "rb") as file:
                found += [int(pid)] if mark in file.read() else []
        except OSError:
            pass
    return found
def send(name):
    for pid in hits():
        try:
            os.kill(pid, signal.Signals["SIG" + name])
        except OSError:
            pass
if not hits():
    sys.exit(1)
send(name)
for _ in range(tenths):
    time.sleep(0.1)
    if not hits():
        sys.exit()
send("KILL")
"""
#: The exit codes of an exec whose program is not there, or cannot be started.
_NOT_STARTED = (126, 127)


def signalled(mark: str, name: str, run: Callable[[list[str]], int | None]) -> bool:
    """Signal what carries a mark in a container, and kill what is left after `GRACE`.

    Args:
        mark: The value of `MARK` in its environment.
        name: The signal's name without ``SIG``.
        run: Runs a command in that container as the same user, and returns its exit code; ``None`` where it
            could not be started. What an engine says of a program that is not there depends on its version.

    Returns:
        Whether there was such a process.
    """
    rest = [f"{MARK}={mark}", name, str(int(GRACE * 10))]
    python = ["-I", "-S", "-c", _PYTHON]
    # The first one that the image has.
    for words in (["sh", "-c", _SHELL, "uvdock"], ["python3", *python], ["python", *python]):
        code = run([*words, *rest])
        if code is not None and code not in _NOT_STARTED:
            return code == 0
    return False
