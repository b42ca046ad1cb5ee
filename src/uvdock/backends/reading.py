"""Questions about manifests and indexes, which change nothing: to whichever uv answers soonest."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING

from uvdock.backends.host import HostBackend, find_uv
from uvdock.deps import uvcommand
from uvdock.errors import UnreachableError
from uvdock.project import Project

if TYPE_CHECKING:
    from uvdock.backends import Backend, DryRunResult


class Reader:
    """The host's uv where there is one, so that no engine is asked for anything; else where commands run.

    Args:
        project: The project that is asked about.
        chosen: Finds where its commands run.
    """

    def __init__(self, project: Project, chosen: Callable[[], Backend]) -> None:
        self.project = project
        self._choose = chosen
        self._backend: Backend | None = None
        # Several questions are asked at a time.
        self._choosing = Lock()

    def query(
        self, args: Sequence[str], edits: Mapping[Path, bytes] | None = None, *, alone: bool = False
    ) -> DryRunResult:
        """Run uv on a copy of the manifests, to see what it would say. Arguments as for `Backend.look`."""
        if find_uv() is None:
            return self._chosen().query(args, edits, alone=alone)
        host = HostBackend(self.project)
        found = host.query(args, edits, alone=alone)
        # A refusal (1) is an answer.
        if found.output.code in (0, 1) or uvcommand.too_old(args, host.version(), "the host"):
            return found
        # What the host cannot reach, the container perhaps can.
        try:
            chosen = self._chosen()
        except UnreachableError:
            return found
        return found if chosen.name == "host" else chosen.query(args, edits, alone=alone)

    def _chosen(self) -> Backend:
        with self._choosing:
            if self._backend is None:
                self._backend = self._choose()
            return self._backend

    def metadata(self, pins: Sequence[str], manifest: bytes) -> list[str]:
        """The metadata of some releases, by the host's uv; nothing without one. Arguments as for `Backend.metadata`."""
        return HostBackend(self.project).metadata(pins, manifest) if find_uv() is not None else []
