"""Where commands run: `host` and `compose` behind one protocol."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from uvdock.deps.lockfile import LockDiff

if TYPE_CHECKING:
    from uvdock.javascript.outdated import JsRow
    from uvdock.process import Output


@dataclass(frozen=True)
class Change:
    """What a uv command did to the manifests.

    Args:
        code: uv's exit code.
        diff: What changed in the lock.
        files: The host's files that changed, relative to the project.
        places: Where the change is now: the host, a running container, ...
        notes: What a person should know besides.
        first: There was no lock before.
        skipped: The running containers that it did not come to.
    """

    code: int
    diff: LockDiff = field(default_factory=LockDiff)
    files: tuple[str, ...] = ()
    places: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    first: bool = False
    skipped: tuple[str, ...] = ()


@dataclass(frozen=True)
class DryRunResult:
    """What uv made of manifests that are not the host's, or not yet: nothing of it is on the host.

    Args:
        output: uv's exit code and its words.
        files: The contents of the files that it changed or made, by their paths on the host.
    """

    output: Output
    files: Mapping[Path, bytes] = field(default_factory=dict)


@dataclass(frozen=True)
class CheckResult:
    """One thing `deps.check` looked at; ``fresh`` is ``None`` for what is not there yet, and so not stale."""

    name: str
    fresh: bool | None
    why: str = ""


class Sandbox(Protocol):
    """A place to try other manifests, with an environment of its own: nothing that is in use changes."""

    def install(self, files: Mapping[Path, bytes]) -> int:
        """Install what the project would need with other manifests; returns uv's exit code.

        Args:
            files: Contents in place of the host's, by whole paths.
        """

    def run(self, argv: Sequence[str]) -> int:
        """Run a command on the project's source with what was installed; its output goes to standard error.

        Raises:
            UvdockError: There is no such program, or it is one of the environment in use.
        """


class Backend(Protocol):
    """What the tasks ask of a place where commands run. Exit codes and streams are the command's own."""

    @property
    def name(self) -> str:
        """``host`` or ``compose``."""

    @property
    def where(self) -> str:
        """The place for a person: ``host``, ``container app-web-1``, ``one-off of web``."""

    def run(
        self,
        argv: Sequence[str],
        *,
        user: str = "",
        workdir: str = "",
        env: Mapping[str, str] | None = None,
        one_off: bool = False,
        to_stderr: bool = False,
    ) -> int:
        """Run a command on uvdock's own streams, in the project's environment.

        Args:
            argv: The command, argument for argument.
            user: The user to run as, where that can be chosen.
            workdir: The folder to run in; the service's own, or the project's on the host, by default.
            env: Further variables, handed on by name: no process list shows their values.
            one_off: Not in a running container, though there is one.
            to_stderr: Send its standard output to standard error: it is a step on the way.
        """

    def capture(
        self, argv: Sequence[str], *, user: str = "", workdir: str = "", env: Mapping[str, str] | None = None
    ) -> Output:
        """The same with its output collected."""

    def uv(self, args: Sequence[str]) -> Change:
        """Run uv with these arguments; what it changes of the manifests comes to the host whole or not at all."""

    def lock(self) -> Change:
        """Bring the lock up to date with the manifests; nothing changes when it already is."""

    def query(
        self, args: Sequence[str], edits: Mapping[Path, bytes] | None = None, *, alone: bool = False
    ) -> DryRunResult:
        """Run uv on a copy of the manifests, to see what it would say; `Reader` asks the uv that answers soonest.

        Args:
            args: uv's arguments.
            edits: Contents in place of the host's, or of further files, by whole paths.
            alone: Take no file but those of ``edits`` along.
        """

    def dry_run(self, args: Sequence[str], edits: Mapping[Path, bytes] | None = None) -> DryRunResult:
        """The same as this project would be locked: with its own Python, not any that is there."""

    def sandbox(self) -> AbstractContextManager[Sandbox]:
        """A place like this one to try other manifests in, removed afterwards.

        Raises:
            UvdockError: It cannot be made.
        """

    def deliver(self, files: Mapping[Path, bytes], expected: Mapping[Path, bytes | None]) -> Change:
        """Replace files of the project together, bring a running container to them and restart it.

        Args:
            files: The new contents.
            expected: What they were made from.

        Raises:
            UvdockError: One of them is no longer what it was, or cannot be written; every file is as it was.
        """

    def check(self) -> list[CheckResult]:
        """Whether the lock follows from the manifests and the environment from the lock. Writes nothing."""

    def sync(self) -> Change:
        """Bring the environment in use (the host's, a running container's) to the lock."""


class JsBackend(Protocol):
    """What the tasks on JavaScript ask of a place where commands run."""

    @property
    def name(self) -> str:
        """``host`` or ``compose``."""

    @property
    def where(self) -> str:
        """The place for a person."""

    def run(self, args: Sequence[str]) -> Change:
        """Run the package manager; what it changes of package.json and its lock comes to the host whole or not."""

    def lock(self) -> Change:
        """Bring the lock up to date with package.json; nothing is installed."""

    def sync(self) -> Change:
        """Install what the lock says where commands run: the host, a running container."""

    def outdated(self) -> list[JsRow]:
        """The direct dependencies that are behind. Writes nothing."""
