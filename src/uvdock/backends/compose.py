"""The compose backend: uv in the Compose service, with lock sync by bind or by volume."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import Path, PurePosixPath

from uvdock.backends import Change, Finding, Sandbox, Trial, image, scratch
from uvdock.backends.host import delivered, describe
from uvdock.backends.place import Place, home_files, may_write, needs_aside, stale_files
from uvdock.backends.service import ServiceRunner
from uvdock.backends.volume import Result, run_in_volume, version
from uvdock.deps import lockfile, manifest, sync, uvcommand
from uvdock.deps.manifest import Manifests
from uvdock.engine import archive
from uvdock.engine.api import Running
from uvdock.errors import UvdockError
from uvdock.process import Output

#: Keeps `uv add` and `uv remove` from installing where they lock: the environment follows in a step of its own.
_NO_SYNC = {"UV_NO_SYNC": "1"}
#: Where a running container gets manifests that it cannot get at their own place.
_ASIDE = PurePosixPath("/tmp/uvdock-sync")  # noqa: S108 - in a container, owned by its user


class ComposeBackend:
    """uv and any other command in the service that holds the project's environment."""

    name = "compose"

    def __init__(self, runner: ServiceRunner) -> None:
        self.runner = runner
        self.project = runner.project

    @property
    def where(self) -> str:
        """The running container or the one-off, by name."""
        return self.runner.where

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
        """Run a command in the service, on uvdock's own streams."""
        return self.runner.run(argv, user=user, workdir=workdir, env=env, one_off=one_off, to_stderr=to_stderr)

    def capture(
        self, argv: Sequence[str], *, user: str = "", workdir: str = "", env: Mapping[str, str] | None = None
    ) -> Output:
        """The same with its output collected."""
        return self.runner.capture(argv, user=user, workdir=workdir, env=env)

    def uv(self, args: Sequence[str]) -> Change:
        """Run uv in the service; what it changes of the manifests comes to the host whole or not at all."""
        name = uvcommand.subcommand(args)
        if name in uvcommand.CHANGING | uvcommand.READING:
            change = self._change(args)
            return self._followed(change) if change.code == 0 and uvcommand.syncs(args) else change
        if uvcommand.may_lock(args):
            # It would lock in the container's copy, where nobody finds it: lock first, for the host too.
            change = self.lock()
            if change.code != 0:
                return change
        place = self.runner.place
        if place is not None and name in ("sync", "run"):
            self._push(place)
        return Change(self._in_service(args))

    def lock(self) -> Change:
        """`uv lock` with the image's uv."""
        return self._change(["lock"])

    def sync(self) -> Change:
        """Install what the lock says into the running container, as its image's own build would."""
        place, running = self.runner.place, self.runner.running
        if place is None or running is None:
            name = self.runner.service_name
            return Change(0, notes=(f"no container of {name} is running, so there is none to install into",))
        if place.uv is None:
            note = f"container {running.name} has no uv, so nothing was installed in it; deps.install builds it anew"
            return Change(0, notes=(note,))
        # Bytecode of the whole environment takes longer than the packages that changed; Python makes it on import.
        folder, flags, env = self._push(place), image.sync_flags(self.runner), {"UV_COMPILE_BYTECODE": "0"}
        if folder != place.folder:
            flags = [*(flag for flag in flags if flag != "--no-install-project"), "--no-install-project"]
            env["UV_PROJECT_ENVIRONMENT"] = str(place.folder / place.env.get("UV_PROJECT_ENVIRONMENT", ".venv"))
        argv = [*_locking_on(place), place.uv, "sync", "--frozen", *flags]
        code = self.runner.run(argv, workdir=str(folder), env=env, to_stderr=True)
        return Change(code, places=(f"container {running.name}",) if code == 0 else ())

    def look(self, args: Sequence[str], edits: Mapping[Path, bytes] | None = None, *, alone: bool = False) -> Trial:
        """Run the image's uv on a copy."""
        return self._tried(args, scratch.copied(self.project, edits or {}, alone=alone))

    def rehearse(self, args: Sequence[str], edits: Mapping[Path, bytes] | None = None) -> Trial:
        """Run the image's uv on a copy."""
        return self._tried(args, scratch.copied(self.project, edits or {}))

    def deliver(self, files: Mapping[Path, bytes], expected: Mapping[Path, bytes | None]) -> Change:
        """Replace files of the project together, sync the running container and restart it."""
        return self._restarted(self._followed(delivered(self.project, files, expected)))

    def sandbox(self) -> AbstractContextManager[Sandbox]:
        """A one-off of the service with an environment of its own."""
        from uvdock.backends.sandbox import in_service

        return in_service(self.runner)

    def check(self) -> list[Finding]:
        """The lock against the manifests; the running container and the image against the lock."""
        findings = [self._check_lock()]
        if not findings[0].fresh:
            return findings
        if self.runner.running is not None and self.runner.place is not None:
            findings.append(self._check_container(self.runner.place, self.runner.running))
        same, name = image.lock_is_hosts(self.runner), f"image {self.runner.service.image}"
        if same is None:
            findings.append(Finding(name, fresh=None, why="not built yet"))
        else:
            findings.append(Finding(name, same, "" if same else "it holds another lock; deps.install mends it"))
        return findings

    def _change(self, args: Sequence[str]) -> Change:
        with sync.hold(self.project.folder):
            manifests = manifest.collect(self.project, args)
            lock = self.project.lock
            before = lock.read_bytes() if lock.is_file() else None
            if before is not None and uvcommand.subcommand(args) in uvcommand.CHANGING:
                lockfile.parse(before, lock)
            if not self._binds():
                result = self._volume(args, manifests)
                changed = [manifests.base / name for name in result.changed]
                return describe(self.project, result.code, before, changed)
            snapshot = sync.Snapshot.take([manifests.base / name for name in manifests.owned])
            code = 1
            try:
                code = self._in_service(args, env=_NO_SYNC)
            finally:
                if code != 0:
                    snapshot.restore()
            return describe(self.project, code, before, snapshot.changed())

    def _volume(
        self, args: Sequence[str], manifests: Manifests, *, deliver: bool = True, collect: bool = False
    ) -> Result:
        session = image.uv_session(self.runner)
        result = run_in_volume(session, manifests, args, deliver=deliver, collect=collect)
        if result.code == uvcommand.USAGE_ERROR and not collect:
            where = f"service {self.runner.service_name}"
            if error := uvcommand.too_old(args, version(session), where):
                raise error
        return result

    def _tried(self, args: Sequence[str], manifests: Manifests) -> Trial:
        result = self._volume(args, manifests, deliver=False, collect=True)
        return Trial(result.output, {manifests.base / name: content for name, content in result.files.items()})

    def _binds(self) -> bool:
        """Whether uv may run where the host's own folder is mounted, and write there."""
        mode = self.runner.settings.sync
        if mode == "volume":
            return False
        place = self.runner.place or self.runner.image_place
        found = place is not None and place.uv is not None and may_write(place, self.project, self.runner.engine)
        if mode == "bind" and not found:
            raise UvdockError(
                "lock sync by bind is not possible: the service does not mount the project where its user may write",
                where=f"service {self.runner.service_name}, project {self.project.folder}",
                fix="mount the project's folder and give the service its owner's uid, or leave sync at auto",
            )
        return found

    def _in_service(self, args: Sequence[str], env: dict[str, str] | None = None) -> int:
        """Uv in the running container or a one-off, in the project's folder."""
        place = self.runner.place or self.runner.image_place
        if place is not None and place.uv is None:
            raise image.no_uv(self.where)
        workdir = str(place.folder.joinpath(*self.project.inside.parts)) if place else ""
        uv = place.uv if place and place.uv else "uv"
        prefix = _locking_on(place) if place and uvcommand.subcommand(args) in uvcommand.CHANGING else []
        code = self.runner.run([*prefix, uv, *args], workdir=workdir, env=env)
        self._refuse_old(code, args, uv)
        return code

    def _followed(self, change: Change) -> Change:
        """After `add` and `remove`: the running container's environment too."""
        synced = self.sync()
        notes = (*change.notes, *synced.notes, "the image is not rebuilt; deps.install does that")
        return replace(change, code=synced.code, places=(*change.places, *synced.places), notes=notes)

    def _restarted(self, change: Change) -> Change:
        """Restart the running container after its packages changed.

        Always: what a server has imported stays what it was. Few reloaders watch the packages, and one that does may
        have met a half-installed one and died of it.
        """
        running = self.runner.running
        installed = f"container {running.name}" if running is not None else ""
        if running is None or change.code or installed not in change.places:
            return change
        if not self.runner.engine.restart(running.id):
            raise UvdockError(
                f"{self.runner.service_name} stopped right after it was restarted with the new packages",
                where=installed,
                fix=f"read why: logs -- {self.runner.service_name}; the files are written, and git has the old ones",
            )
        places = [f"{place} (restarted)" if place == installed else place for place in change.places]
        return replace(change, places=tuple(places))

    def _push(self, place: Place) -> PurePosixPath:
        """Bring the host's manifests to a running container that does not have them; returns where they are."""
        home = home_files(self.project, manifest.collect(self.project))
        engine = self.runner.engine
        folder, stale = place.folder, stale_files(engine, place, home)
        if needs_aside(place, self.project, home):
            folder, stale = _ASIDE, home
        if stale:
            files = {folder / name: content for name, content in stale.items()}
            folders = sorted({parent for name in files for parent in name.parents if parent.is_relative_to(_ASIDE)})
            engine.put(place.container, archive.pack(folders, files, place.uid, place.gid))
        return folder

    def _check_lock(self) -> Finding:
        lock = self.project.lock
        if not lock.is_file():
            return Finding("uv.lock", fresh=False, why="there is none; deps.lock makes it")
        lockfile.parse(lock.read_bytes(), lock)
        result = self._volume(["lock"], manifest.collect(self.project), deliver=False, collect=True)
        if result.code != 0:
            from uvdock.deps import broken

            raise broken.unresolved(self.project, result.output)
        fresh = not result.changed
        return Finding("uv.lock", fresh, "" if fresh else "it does not follow from pyproject.toml; deps.lock renews it")

    def _check_container(self, place: Place, running: Running) -> Finding:
        name, engine = f"container {running.name}", self.runner.engine
        lock = self.project.lock.read_bytes()
        if engine.read(place.container, place.folder / "uv.lock") != lock:
            return Finding(name, fresh=False, why="it has another lock; deps.install --no-build brings it this one")
        if place.single_files and self.runner.capture(["cat", str(place.folder / "uv.lock")]).stdout != lock:
            why = "it still has the old lock, mounted on its own; deps.install recreates it"
            return Finding(name, fresh=False, why=why)
        if place.uv is None:
            return Finding(name, fresh=True)
        args = ["sync", "--check", "--frozen", *image.sync_flags(self.runner)]
        found = engine.exec(place.container, [place.uv, *args], workdir=str(place.folder))
        self._refuse_old(found.code, args, place.uv)
        why = "" if found.code == 0 else "its environment is not what the lock says; deps.install --no-build mends it"
        return Finding(name, found.code == 0, why)

    def _refuse_old(self, code: int, args: Sequence[str], uv: str) -> None:
        if code == uvcommand.USAGE_ERROR:
            known = uvcommand.parse_version(self.runner.capture([uv, "--version"]).text)
            if error := uvcommand.too_old(args, known, self.where):
                raise error


def _locking_on(place: Place) -> list[str]:
    """What to put before uv so that variables of the image do not keep it from locking, or from `--frozen`."""
    found = [name for name in uvcommand.LOCKING_OFF if name in place.env]
    return ["env", *(word for name in found for word in ("-u", name))] if found else []
