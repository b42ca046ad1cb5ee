"""Compose reading its files, while this program does something else."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from contextlib import suppress

from uvdock import process
from uvdock.engine import plugin
from uvdock.errors import UvdockError


class ConfigRead:
    """One `docker compose config`.

    Args:
        files: The Compose files, in the order they merge.
        env: The variables that Compose sees.
        cwd: The folder it runs in.
    """

    def __init__(self, files: Sequence[str], env: Mapping[str, str], cwd: str) -> None:
        self.asked = (tuple(files), dict(env), cwd)
        self._found: process.Output | None = None
        self._thread: threading.Thread | None = None

    def start(self) -> ConfigRead:
        """Begin in the background; whoever asks for the `output` waits for the rest."""
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()
        return self

    @property
    def output(self) -> process.Output:
        """What Compose said.

        Raises:
            UvdockError: It could not be started.
        """
        if self._thread is not None:
            self._thread.join()
        return self._found or self._ask()

    def _ask(self) -> process.Output:
        files, env, cwd = self.asked
        options = [option for name in files for option in ("-f", name)]
        # Of services in profiles too.
        argv = [*plugin.compose(env), *options, "--profile", "*", "config", "--format", "json"]
        return process.capture(argv, env=env, cwd=cwd)

    def _run(self) -> None:
        # Who asks for it later is told what is wrong.
        with suppress(UvdockError):
            self._found = self._ask()
