"""The host backend: uv and the project's environment on this machine."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from functools import cached_property
from pathlib import Path

from uvdock import process
from uvdock.backends import Change, CheckResult, DryRunResult, Sandbox, scratch
from uvdock.deps import lockfile, manifest, sync, uvcommand
from uvdock.deps.relax_requires_python import relax_requires_python
from uvdock.errors import UvdockError
from uvdock.process import Output
from uvdock.project import Project


class HostBackend:
    """Runs commands on the host, in the project's own environment."""

    name = "host"
    where = "host"

    def __init__(self, project: Project) -> None:
        self.project = project

    @cached_property
    def uv_program(self) -> str:
        """The uv to use.

        Raises:
            UvdockError: There is none.
        """
        found = find_uv()
        if found is None:
            raise UvdockError(
                "uv was not found on this machine",
                where="PATH, and the environment uvdock is installed in",
                fix="install uvdock[uv], which brings uv, or install uv itself",
                code=127,
            )
        return found

    def run(
        self,
        argv: Sequence[str],
        *,
        user: str = "",
        workdir: str = "",
        env: Mapping[str, str] | None = None,
        one_off: bool = False,  # noqa: ARG002 - there are no containers here
        to_stderr: bool = False,
    ) -> int:
        """Run a command in the project's folder, with the project's environment first on PATH."""
        _no_user(user)
        env = {**self._env(), **(env or {})}
        argv = _resolved(argv, env)
        return process.run(argv, env=env, cwd=self.project.cwd / workdir, stdout_to_stderr=to_stderr)

    def capture(
        self, argv: Sequence[str], *, user: str = "", workdir: str = "", env: Mapping[str, str] | None = None
    ) -> Output:
        """The same with its output collected."""
        _no_user(user)
        env = {**self._env(), **(env or {})}
        argv = _resolved(argv, env)
        if not process.announced(argv):
            return Output(0, b"", b"")
        return process.capture(argv, env=env, cwd=self.project.cwd / workdir)

    def uv(self, args: Sequence[str]) -> Change:
        """Run uv; when it fails, every manifest is as it was."""
        if uvcommand.subcommand(args) not in uvcommand.CHANGING | {"sync", "run"}:
            return Change(self._uv(args))
        return self._guarded(args)

    def lock(self) -> Change:
        """`uv lock`."""
        return self._guarded(["lock"])

    def sync(self) -> Change:
        """`uv sync` to the lock as it is."""
        self._need_manifest()
        return Change(self._uv(["sync", "--frozen"]), places=(f"environment {self.environment}",))

    def query(
        self, args: Sequence[str], edits: Mapping[Path, bytes] | None = None, *, alone: bool = False
    ) -> DryRunResult:
        """Run uv on a copy; a lock is made with the interpreter that is there, whatever the project asks for."""
        manifests = scratch.copied(self.project, edits or {}, alone=alone)
        version = ".".join(str(part) for part in sys.version_info[:3])
        if uvcommand.subcommand(args) == "lock":
            own = {self.project.folder / "pyproject.toml", *(manifests.base / name for name in manifests.owned)}
            contents = manifests.read()
            found = {path: contents[name] for path in own if (name := path.relative_to(manifests.base)) in contents}
            found.pop(self.project.lock, None)
            manifests = manifests.edited(
                {**(edits or {}), **relax_requires_python(found, self.project.pyproject, version)}
            )
        env = {"UV_PYTHON": sys.executable, "UV_PYTHON_DOWNLOADS": "never"}
        return scratch.run(self.uv_program, args, manifests, env)

    def dry_run(self, args: Sequence[str], edits: Mapping[Path, bytes] | None = None) -> DryRunResult:
        """Run uv on a copy, as it would run in the project itself."""
        return scratch.run(self.uv_program, args, scratch.copied(self.project, edits or {}), {})

    def metadata(self, pins: Sequence[str], manifest: bytes) -> list[str]:
        """The metadata of some releases."""
        return scratch.metadata(self.uv_program, pins, manifest)

    def deliver(self, files: Mapping[Path, bytes], expected: Mapping[Path, bytes | None]) -> Change:
        """Replace files of the project together."""
        return delivered(self.project, files, expected)

    def sandbox(self) -> AbstractContextManager[Sandbox]:
        """A folder with an environment of its own."""
        from uvdock.backends.sandbox import on_host

        return on_host(self.project, self.uv_program, self.environment)

    def check(self) -> list[CheckResult]:
        """`uv lock --check` and `uv sync --check`."""
        self._need_manifest()
        return [self._check_lock(), self._check_environment()]

    @property
    def environment(self) -> Path:
        """The project's environment: UV_PROJECT_ENVIRONMENT, else `.venv`."""
        return self.project.folder / (os.environ.get("UV_PROJECT_ENVIRONMENT") or ".venv")

    def version(self) -> tuple[int, ...]:
        """The version of the host's uv."""
        return uvcommand.parse_version(process.capture([self.uv_program, "--version"]).text)

    def _check_lock(self) -> CheckResult:
        content = self.project.lock.read_bytes() if self.project.lock.is_file() else None
        if content is None:
            return CheckResult("uv.lock", fresh=False, why="there is none; deps.lock makes it")
        lockfile.parse(content, self.project.lock)
        found = process.capture([self.uv_program, "lock", "--check"], cwd=self.project.cwd)
        if found.code == 0:
            return CheckResult("uv.lock", fresh=True)
        # Before 0.9, uv gives the same code for "stale" and for "cannot resolve"; a dry run tells them apart.
        dry = process.capture([self.uv_program, "lock", "--dry-run"], cwd=self.project.cwd)
        if dry.code == 0:
            return CheckResult(
                "uv.lock", fresh=False, why="it does not follow from pyproject.toml; deps.lock renews it"
            )
        from uvdock.deps import broken

        raise broken.unresolved(self.project, found)

    def _check_environment(self) -> CheckResult:
        args = ["sync", "--check", "--frozen"]
        found = process.capture([self.uv_program, *args], cwd=self.project.cwd)
        if found.code == uvcommand.USAGE_ERROR and (error := uvcommand.too_old(args, self.version(), "the host")):
            raise error
        why = "" if found.code == 0 else f"{self.environment} is not what uv.lock says; deps.install mends it"
        return CheckResult("environment", found.code == 0, why)

    def _guarded(self, args: Sequence[str]) -> Change:
        self._need_manifest()
        manifests = manifest.collect(self.project)
        with sync.hold(self.project.folder):
            snapshot = sync.Snapshot.take([manifests.base / name for name in manifests.owned])
            before = snapshot.files.get(self.project.lock)
            if before is not None and uvcommand.subcommand(args) in uvcommand.CHANGING:
                lockfile.parse(before, self.project.lock)
            code = 1
            try:
                code = self._uv(args)
            finally:
                if code != 0:
                    snapshot.restore()
            return describe(self.project, code, before, snapshot.changed())

    def _uv(self, args: Sequence[str]) -> int:
        code = process.run([self.uv_program, *args], cwd=self.project.cwd)
        if code == uvcommand.USAGE_ERROR and (error := uvcommand.too_old(args, self.version(), "the host")):
            raise error
        return code

    def _need_manifest(self) -> None:
        if not self.project.pyproject.is_file():
            manifest.collect(self.project)

    def _env(self) -> dict[str, str]:
        env = dict(os.environ)
        programs = self.environment / ("Scripts" if os.name == "nt" else "bin")
        if programs.is_dir():
            env["VIRTUAL_ENV"] = str(self.environment)
            env["PATH"] = os.pathsep.join(filter(None, (str(programs), env.get("PATH"))))
        return env


def describe(project: Project, code: int, before: bytes | None, changed: Sequence[Path]) -> Change:
    """The change from the lock's bytes before and the files that are no longer as they were."""
    if code != 0 or not changed:
        return Change(code)
    old = lockfile.parse(before, project.lock) if before and before.strip() else {}
    new = lockfile.parse(project.lock.read_bytes(), project.lock) if project.lock.is_file() else {}
    return replace(written(project, changed), diff=lockfile.diff(old, new), first=not old)


def written(project: Project, changed: Sequence[Path]) -> Change:
    """The change of a command that succeeded, from the files that are no longer as they were."""
    files = tuple(sorted(os.path.relpath(path, project.folder) for path in changed))
    return Change(0, files=files, places=(f"host ({', '.join(files)})",) if files else ())


def delivered(project: Project, files: Mapping[Path, bytes], expected: Mapping[Path, bytes | None]) -> Change:
    """Replace files of a project together, when they still are what the new contents were made from.

    Raises:
        UvdockError: One is not, or cannot be written; every file is as it was.
    """
    with sync.hold(project.folder):
        edited = sync.Snapshot(expected).changed()
        if edited:
            raise UvdockError(
                f"{edited[0].name} was changed meanwhile, so nothing was written",
                where=str(edited[0]),
                fix="run the command again: it starts from the file as it is now",
            )
        before = sync.Snapshot.take(list(files))
        sync.replace_all(files)
        return describe(project, 0, expected.get(project.lock), before.changed())


def find_uv() -> str | None:
    """The uv on PATH, else the one in uvdock's own environment (the extra ``uvdock[uv]``)."""
    on_path = shutil.which("uv")
    if on_path:
        return on_path
    beside = Path(sys.executable).parent / ("uv.exe" if os.name == "nt" else "uv")
    if beside.is_file():
        return str(beside)
    try:
        from uv import find_uv_bin

        return str(find_uv_bin())
    except (ImportError, FileNotFoundError):
        return None


def _resolved(argv: Sequence[str], env: Mapping[str, str]) -> list[str]:
    # subprocess looks a program up on the caller's PATH, not on the one it is given.
    return [shutil.which(argv[0], path=env.get("PATH")) or argv[0], *argv[1:]]


def _no_user(user: str) -> None:
    if user:
        raise UvdockError(
            "the host backend runs commands as you; it cannot change the user",
            where=f"user {user!r}",
            fix="leave the user out, or use the compose backend",
            code=2,
        )
