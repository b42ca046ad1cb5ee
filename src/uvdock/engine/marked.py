"""Signalling a command in a container, which the engine cannot do for an exec.

It cannot signal an exec, and tells only the host's process number. So the process is looked for in the container,
by a mark in its environment; as the same user, for only that user (or a root with the right to trace) may read it.
"""

from __future__ import annotations

#: Marks the process that uvdock starts in a container, so that a signal can find it there.
MARK = "_UVDOCK_RUN"
#: How long a process in a container may take to go after a signal before it is killed, seconds.
GRACE = 1.5

_KILL = """
hits() { grep -ls "$1" /proc/[0-9]*/environ 2>/dev/null; }
send() { for f in $(hits "$1"); do p=${f#/proc/}; kill -s "$2" "${p%/environ}" 2>/dev/null; done; }
[ -n "$(hits "$1")" ] || exit 1
send "$1" "$2"
i=0
while [ $i -lt "$3" ]; do sleep 0.1; [ -z "$(hits "$1")" ] && exit 0; i=$((i+1)); done
send "$1" KILL
exit 0
"""


def kill(mark: str, name: str) -> list[str]:
    """The command that signals what carries a mark, and kills what is left after `GRACE`.

    Args:
        mark: The value of `MARK` in its environment.
        name: The signal's name without ``SIG``.

    Returns:
        A command for the same container, which leaves with 1 when there is no such process.
    """
    return ["sh", "-c", _KILL, "uvdock", f"{MARK}={mark}", name, str(int(GRACE * 10))]
