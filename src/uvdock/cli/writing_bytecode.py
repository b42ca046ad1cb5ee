"""Compiled modules, which Invoke would have Python throw away.

`inv` turns off writing them for its whole process, so that a tasks.py leaves nothing beside it
(https://docs.pyinvoke.org/en/stable/invoke.html#cmdoption-write-pyc). uv installs packages without them
(https://docs.astral.sh/uv/reference/settings/#compile-bytecode). Together, every start would compile uvdock and what it
needs anew.
"""

from __future__ import annotations

import sys


class WritingBytecode:
    """While it lasts, what is imported is compiled for good, unless Python itself was told not to (`-B`)."""

    def __enter__(self) -> None:
        self.before = sys.dont_write_bytecode
        sys.dont_write_bytecode = bool(sys.flags.dont_write_bytecode)

    def __exit__(self, *_: object) -> None:
        sys.dont_write_bytecode = self.before
