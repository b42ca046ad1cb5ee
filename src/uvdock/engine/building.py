"""Builds that are tried once more where the removal of another image took a layer from under them.

With the containerd image store a build and a removal can meet (https://github.com/moby/buildkit/issues/6521). The next
build has all steps in its cache.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Sequence
from typing import Any

from uvdock import process


def captured_build(argv: Sequence[str], **options: Any) -> process.Output:
    """Run a command that builds and collect its output; once more where it lost a layer.

    Args:
        argv: The command.
        options: Those of `uvdock.process.capture`.
    """
    found = process.capture(argv, **options)
    again = found.code != 0 and _lost_a_layer(found.stdout + found.stderr)
    return process.capture(argv, **options) if again else found


def shown_build(run: Callable[[], int]) -> int:
    """Run a command that builds and show its output as it comes; once more where it lost a layer.

    At a terminal of its own the build is not listened to: its progress needs that terminal.

    Args:
        run: Runs it by `uvdock.process.run`.

    Returns:
        Its exit code.
    """
    sink = process.SINK.get() or (None if os.isatty(2) else _to_stderr)
    if sink is None:
        return run()
    said = bytearray()

    def heard(part: bytes) -> None:
        said.extend(part)
        sink(part)

    token = process.SINK.set(heard)
    try:
        code = run()
        return run() if code and _lost_a_layer(bytes(said)) else code
    finally:
        process.SINK.reset(token)


def _lost_a_layer(text: bytes) -> bool:
    return b"parent snapshot" in text and b"does not exist" in text


def _to_stderr(part: bytes) -> None:
    sys.stderr.buffer.write(part)
    sys.stderr.buffer.flush()
