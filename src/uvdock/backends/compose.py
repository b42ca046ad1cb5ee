"""The compose backend: uv in the Compose service, with lock sync by bind or by volume."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from functools import cached_property, partial
from pathlib import Path

from uvdock import dry
from uvdock.backends import Change, CheckResult, DryRunResult, Sandbox, environment, image, scratch
from uvdock.backends.host import HostBackend, delivered, describe, find_uv
from uvdock.backends.place import may_write
from uvdock.backends.proof import Proof, prove
from uvdock.backends.reading import Reader
from uvdock.backends.service import ServiceRunner
from uvdock.backends.volume import VolumeRun, run_in_volume, version
from uvdock.deps import lockfile, manifest, sync, uvcommand
from uvdock.deps.manifest import Manifests
from uvdock.errors import NotKnownYetError, UvdockError
from uvdock.process import Output

#: Keeps `uv add` and `uv remove` from installing where they lock: the environment follows in a step of its own.
_NO_SYNC = {"UV_NO_SYNC": "1"}


_NO_UV_CAN_TELL = "no uv can tell: the image that has it is not built, and the host's has no Python for the project"


class ComposeBackend:
    """uv and any other command in the service that holds the project's environment."""

    name = "compose"

    def __init__(self, runner: ServiceRunner) -> None:
        self.runner = runner
        self.project = runner.project

    @cached_property
    def locking(self) -> ServiceRunner:
        """The service whose uv locks: the one in which commands run; where that is not clear, any of the lock's.

        Raises:
            UvdockError: There is none.
        """
        services = self.runner.of_lock
        try:
            return self.runner.at(self.runner.service)
        except UvdockError:
            return next((runner for runner in services if runner.running is not None), services[0])

    @property
    def where(self) -> str:
        """Where uv runs: the running container, or the one-off where that has no uv."""
        place = self.locking.place
        return f"one-off of {self.locking.service_name}" if place and place.uv is None else self.locking.where

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
        if place is not None and name in ("sync", "run") and environment.push(self.runner, place) != place.folder:
            environment.refuse_other_folder(self.runner, place)
        return Change(self._uv_in(self.runner, args))

    def lock(self) -> Change:
        """`uv lock` with the image's uv."""
        return self._change(["lock"])

    def sync(self) -> Change:
        """Install what the lock says into every running container of the lock, as its image's own build would."""
        running = [runner for runner in self.runner.of_lock if runner.running is not None]
        made = [environment.sync(runner) for runner in running or [self.locking]]
        return Change(
            next((change.code for change in made if change.code), 0),
            places=tuple(place for change in made for place in change.places),
            notes=tuple(note for change in made for note in change.notes),
            skipped=tuple(place for change in made for place in change.skipped),
        )

    def query(
        self, args: Sequence[str], edits: Mapping[Path, bytes] | None = None, *, alone: bool = False
    ) -> DryRunResult:
        """Run the image's uv on a copy."""
        return self._tried(args, scratch.copied(self.project, edits or {}, alone=alone))

    def dry_run(self, args: Sequence[str], edits: Mapping[Path, bytes] | None = None) -> DryRunResult:
        """Run the image's uv on a copy."""
        return self._tried(args, scratch.copied(self.project, edits or {}))

    def deliver(self, files: Mapping[Path, bytes], expected: Mapping[Path, bytes | None]) -> Change:
        """Replace files of the project together, sync running containers and restart those whose packages changed."""
        before = {runner.service_name: environment.packages_changed(runner) for runner in self.runner.of_lock}
        return self._restarted(self._followed(delivered(self.project, files, expected)), before)

    def sandbox(self) -> AbstractContextManager[Sandbox]:
        """A one-off of the service with an environment of its own."""
        from uvdock.backends.sandbox import in_service

        return in_service(self.runner)

    def check(self) -> list[CheckResult]:
        """The lock against the manifests; each running container and each image against the lock."""
        findings = [self._check_lock()]
        if findings[0].fresh is False:
            return findings
        for runner in self.runner.of_lock:
            place, running = runner.place, runner.running
            if running is not None and place is not None:
                check = partial(environment.check, runner, place, running, self._export)
                findings.append(_unless_dry(f"container {running.name}", check))
        findings += [
            _unless_dry(f"image {runner.service.image}", partial(self._check_image, runner))
            for runner in image.of_images(self.runner.of_lock)
        ]
        return findings

    def _check_image(self, runner: ServiceRunner) -> CheckResult:
        found, name = self.prove(runner), f"image {runner.service.image}"
        if found is None:
            return CheckResult(name, fresh=None, why="not built yet")
        return CheckResult(name, found.fresh, found.why and f"{found.why}; deps.install mends it")

    def prove(self, runner: ServiceRunner) -> Proof | None:
        """Whether the image of a service of the lock was made from the host's lock; ``None`` without an image."""
        return prove(runner, self._export)

    def _export(self, args: Sequence[str]) -> Output:
        return Reader(self.project, lambda: self).query(args).output

    def _change(self, args: Sequence[str]) -> Change:
        with sync.hold(self.project.folder):
            manifests = manifest.collect(self.project, args)
            lock = self.project.lock
            before = lock.read_bytes() if lock.is_file() else None
            if before is not None and uvcommand.subcommand(args) in uvcommand.CHANGING:
                lockfile.parse(before, lock)
            if not self._binds(manifests):
                result = self._volume(args, manifests)
                changed = [manifests.base / name for name in result.changed]
                return describe(self.project, result.code, before, changed)
            snapshot = sync.Snapshot.take([manifests.base / name for name in manifests.owned])
            code = 1
            try:
                code = self._uv_in(self.locking, args, env=_NO_SYNC)
            finally:
                if code != 0:
                    snapshot.restore()
            return describe(self.project, code, before, snapshot.changed())

    def _volume(
        self,
        args: Sequence[str],
        manifests: Manifests,
        *,
        deliver: bool = True,
        collect: bool = False,
        build: bool = True,
    ) -> VolumeRun:
        if dry.on():
            image.show_uv(self.locking, args)
            if collect:
                raise NotKnownYetError("what follows depends on what that says")
            return VolumeRun(0, {}, Output(0, b"", b""))
        session = image.uv_session(self.locking, build=build)
        result = run_in_volume(session, manifests, args, deliver=deliver, collect=collect)
        if result.code == uvcommand.USAGE_ERROR and not collect:
            where = f"service {self.locking.service_name}"
            if error := uvcommand.too_old(args, version(session), where):
                raise error
        return result

    def _tried(self, args: Sequence[str], manifests: Manifests, *, build: bool = True) -> DryRunResult:
        result = self._volume(args, manifests, deliver=False, collect=True, build=build)
        return DryRunResult(result.output, {manifests.base / name: content for name, content in result.files.items()})

    def _binds(self, manifests: Manifests) -> bool:
        """Whether uv may run where the host's own folder is mounted, and write there."""
        mode = self.locking.settings.sync
        if mode == "volume":
            return False
        place = self.locking.place or self.locking.image_place
        if place is None and dry.on():
            return mode == "bind" or self._mounts_project()
        found = place is not None and place.uv is not None
        found = found and place is not None and may_write(place, self.project, self.locking.engine, manifests)
        if mode == "bind" and not found:
            raise UvdockError(
                "lock sync by bind is not possible: the service does not mount the project where its user may write",
                where=f"service {self.locking.service_name}, project {self.project.folder}",
                fix="mount the project's folder and give the service its owner's uid, or leave sync at auto",
            )
        return found

    def _mounts_project(self) -> bool:
        """Whether the service is built and has the project's folder mounted: in a dry run all that is known of it."""
        service = self.locking.service
        mounted = any(self.project.folder.is_relative_to(bind.source) for bind in service.binds)
        return mounted and self.locking.engine.image_id(service.image) is not None

    def _uv_in(self, runner: ServiceRunner, args: Sequence[str], env: dict[str, str] | None = None) -> int:
        """Uv in a running container or a one-off, in the project's folder."""
        place = runner.place or runner.image_place
        if place is not None and place.uv is None:
            raise image.no_uv(runner.where)
        workdir = str(place.folder.joinpath(*self.project.inside.parts)) if place else ""
        uv = place.uv if place and place.uv else "uv"
        prefix: list[str] = []
        if place and uvcommand.subcommand(args) in uvcommand.CHANGING:
            prefix = environment.locking_on(place)
            env = {**(env or {}), **(environment.cache_for(runner, place) if runner.place else {})}
        code = runner.run([*prefix, uv, *args], workdir=workdir, env=env)
        environment.refuse_old(runner, code, list(args), uv)
        return code

    def _followed(self, change: Change) -> Change:
        """After `add` and `remove`: the running container's environment too."""
        synced = self.sync()
        notes = (*change.notes, *synced.notes, "the image is not rebuilt; deps.install does that")
        return replace(change, code=synced.code, places=(*change.places, *synced.places), notes=notes)

    def _restarted(self, change: Change, before: Mapping[str, str | None]) -> Change:
        """Restart the running containers whose packages changed, or may have.

        What a server has imported stays what it was. Few reloaders watch the packages, and one that does may have met a
        half-installed one and died of it.

        Args:
            change: What was done.
            before: When the packages of each service last changed before that, where it is known.
        """
        if change.code:
            return change
        places = list(change.places)
        for runner in self.runner.of_lock:
            installed = f"container {runner.running.name}" if runner.running is not None else ""
            if runner.running is None or installed not in places:
                continue
            last = before.get(runner.service_name)
            if last is not None and last == environment.packages_changed(runner):
                continue
            if not runner.engine.restart(runner.running.id):
                raise UvdockError(
                    f"{runner.service_name} stopped right after it was restarted with the new packages",
                    where=installed,
                    fix=f"read why: logs -- {runner.service_name}; the files are written, and git has the old ones",
                )
            places[places.index(installed)] = f"{installed} (restarted)"
        return replace(change, places=tuple(places))

    def _check_lock(self) -> CheckResult:
        lock = self.project.lock
        if not lock.is_file():
            return CheckResult("uv.lock", fresh=False, why="there is none; deps.lock makes it")
        lockfile.parse(lock.read_bytes(), lock)
        tried = self._lock_without_building()
        if tried is None:
            return CheckResult("uv.lock", fresh=None, why=_NO_UV_CAN_TELL)
        if tried.output.code != 0:
            from uvdock.deps import broken

            raise broken.unresolved(self.project, tried.output)
        fresh = lock not in tried.files
        return CheckResult(
            "uv.lock", fresh, "" if fresh else "it does not follow from pyproject.toml; deps.lock renews it"
        )

    def _lock_without_building(self) -> DryRunResult | None:
        """Lock a copy with the uv of the image or of a part of it, else the host's; ``None`` where neither can."""
        if not dry.on() and image.has_uv(self.locking):
            return self._tried(["lock"], scratch.copied(self.project, {}), build=False)
        if find_uv() is None:
            return None
        tried = HostBackend(self.project).dry_run(["lock", "--no-python-downloads"])
        return None if tried.output.code == uvcommand.USAGE_ERROR else tried


def _unless_dry(name: str, check: Callable[[], CheckResult]) -> CheckResult:
    """What a look into a container or an image finds; in a dry run, that it was not looked at."""
    try:
        return check()
    except NotKnownYetError:
        return CheckResult(name, fresh=None, why="not looked at: that takes a container, and --dry makes and uses none")
