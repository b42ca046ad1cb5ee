"""A JavaScript package manager on the host and in a Compose service; its lock comes back as uv's does."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from pathlib import Path

from uvdock import dry, process
from uvdock.backends import Change, image
from uvdock.backends.host import written
from uvdock.backends.place import ContainerFacts, home_files, look, may_write, needs_aside, stale_files
from uvdock.backends.service import ServiceRunner
from uvdock.backends.volume import CACHE, Session, VolumeRun, run_in_volume, shown
from uvdock.deps import sync
from uvdock.deps.manifest import Manifests
from uvdock.engine import archive
from uvdock.engine.api import Engine
from uvdock.engine.node import choose_js_service
from uvdock.engine.services import choose_service, has_node, same_build
from uvdock.engine.stack import Service, Stack
from uvdock.errors import NotKnownYetError, UvdockError
from uvdock.javascript import manifests, outdated
from uvdock.javascript.manager import Manager, read
from uvdock.javascript.outdated import FailedError, JsRow
from uvdock.process import Output
from uvdock.project import Project, find_project
from uvdock.settings import Settings

#: Each manager's variable for its cache, and its place in the cache's volume.
_CACHES = {
    "npm_config_cache": "npm",
    "npm_config_store_dir": "pnpm-store",
    "YARN_CACHE_FOLDER": "yarn",
    "YARN_GLOBAL_FOLDER": "yarn-berry",
    "BUN_INSTALL_CACHE_DIR": "bun",
    "XDG_CACHE_HOME": "xdg/cache",
    "XDG_STATE_HOME": "xdg/state",
    "XDG_DATA_HOME": "xdg/data",
}


class JsRunner(ServiceRunner):
    """Runs commands in the service that holds Node.

    Args:
        project: The folder with the package.json.
        settings: The settings.
        engine: The engine.
        stack: The Compose project.
        cwd: Where the person is, to find the Python project whose service may have Node too.
    """

    def __init__(self, project: Project, settings: Settings, engine: Engine, stack: Stack, cwd: Path) -> None:
        super().__init__(project, settings, engine, stack)
        self.cwd = cwd

    @cached_property
    def service(self) -> Service:
        """The service, as Compose describes it."""
        source = self.settings.sources.get("js_service", "the settings")
        return choose_js_service(self.stack, self.project.folder, self.settings.js_service, source, self._python)

    @cached_property
    def of_lock(self) -> list[ServiceRunner]:
        """One for each service of the same build."""
        services = self.stack.services.values()
        same = [item for item in services if item.build and self.service.build and same_build(item, self.service)]
        return [self.at(item) for item in same or [self.service]]

    def _python(self) -> Service:
        python = find_project(self.stack.root, self.cwd, self.settings)
        source = self.settings.sources.get("service", "the settings")
        return choose_service(self.stack, python, self.settings.service, source)


class JsCompose:
    """A package manager in the service that holds Node."""

    name = "compose"

    def __init__(self, runner: JsRunner, manager: Manager) -> None:
        self.runner = runner
        self.project = runner.project
        self.manager = manager

    @property
    def where(self) -> str:
        """The running container or the one-off, by name."""
        return self.runner.where

    def run(self, args: Sequence[str]) -> Change:
        """Run the manager; what it changes of package.json and its lock comes to the host whole or not at all."""
        if not self.manager.changes(args):
            place = self.runner.place
            if place is not None and self.manager.installs(args):
                self._push(place)
            return Change(self._in_service(args))
        in_place = self._in_place()
        change = self._change(args, in_place=in_place)
        if change.code != 0 or not self.manager.installs(args):
            return change
        notes = ("the image is not rebuilt; js.install does that",) if self.runner.service.build else ()
        synced = Change(0) if in_place else self.sync()
        places = (*change.places, *synced.places)
        if in_place:
            places = (*change.places, self.where)
        return replace(change, code=synced.code, places=places, notes=(*change.notes, *synced.notes, *notes))

    def lock(self) -> Change:
        """Bring the lock up to date with package.json; nothing is installed."""
        return self._change(self.manager.locking, in_place=False)

    def sync(self) -> Change:
        """Install what the lock says into the running container."""
        place, running = self.runner.place, self.runner.running
        if place is None or running is None:
            name = self.runner.service_name
            return Change(0, notes=(f"no container of {name} is running, so there is none to install into",))
        if place.program is None:
            raise self._no_program(self.where)
        if not self._push(place):
            note = f"container {running.name} cannot get the new files where they are mounted; js.install recreates it"
            return Change(0, notes=(note,), skipped=(f"container {running.name}",))
        argv = [place.program, *self.manager.frozen]
        code = self.runner.run(argv, workdir=str(place.folder), env=self._variables(), to_stderr=True)
        return Change(code, places=(f"container {running.name}",) if code == 0 else ())

    def outdated(self) -> list[JsRow]:
        """The direct dependencies that are behind, asked in a one-off that has the manifests and nothing else."""
        session = None if dry.on() else self._session()
        found = _collected(self.project)

        def ask(args: Sequence[str], further: Mapping[Path, bytes]) -> Output:
            if session is None:
                self._show(args)
                raise NotKnownYetError("what follows depends on what that says")
            return run_in_volume(
                session, found, args, deliver=False, collect=True, only_owned=True, further=further
            ).output

        return _ask(self.project, self.manager, found, ask)

    def built(self) -> bool:
        """Whether the service is built, so that its image can hold the packages."""
        return self.runner.service.build is not None

    def forget(self) -> None:
        """Look for the running container anew: it may be another one now."""
        for name in ("running", "place"):
            self.runner.__dict__.pop(name, None)

    def keeps_packages(self) -> bool:
        """Whether a running container has its packages elsewhere than in its image.

        On a mount, that is: of the host's folder, or of a volume, which Compose keeps when it recreates a container,
        also one without a name.
        """
        running = self.runner.running
        if running is None:
            return False
        details = self.runner.engine.container(running.id)
        wanted = look(self.runner.engine, running.id, self.project).folder / "node_modules"
        return any(wanted.is_relative_to(item["Destination"]) for item in details.get("Mounts") or [])

    def _change(self, args: Sequence[str], *, in_place: bool) -> Change:
        with sync.hold(self.project.folder):
            found = manifests.collect(self.project)
            if not in_place:
                result = self._volume(found, self.manager.lock_only(args))
                if result.code != 0:
                    return Change(result.code)
                return written(self.project, [found.base / name for name in result.changed])
            snapshot = sync.Snapshot.take([found.base / name for name in found.owned])
            code = 1
            try:
                code = self._in_service(args)
            finally:
                if code != 0:
                    snapshot.restore()
            return written(self.project, snapshot.changed()) if code == 0 else Change(code)

    def _volume(self, found: Manifests, args: Sequence[str]) -> VolumeRun:
        if dry.on():
            self._show(args)
            return VolumeRun(0, {}, Output(0, b"", b""))
        return run_in_volume(self._session(), found, args, only_owned=True)

    def _show(self, args: Sequence[str]) -> None:
        """In a dry run, show the commands that the manager in volume mode would be."""
        runner = self.runner
        process.announced(shown(runner.stack.docker, self.manager.name, image.planned_js(runner), args))

    def _in_place(self) -> bool:
        """Whether the manager may run where the host's own folder is mounted, and write there.

        By itself only in a running container: what a one-off installed would go with it.
        """
        mode = self.runner.settings.sync
        if mode == "volume":
            return False
        place = self.runner.place or (self.runner.image_place if mode == "bind" else None)
        found = place is not None and place.program is not None
        found = (
            found
            and place is not None
            and may_write(place, self.project, self.runner.engine, manifests.collect(self.project))
        )
        if mode == "bind" and not found:
            raise UvdockError(
                "lock sync by bind is not possible: the service does not mount the folder where its user may write",
                where=f"service {self.runner.service_name}, folder {self.project.folder}",
                fix="mount the folder and give the service its owner's uid, or leave sync at auto",
            )
        return found

    def _in_service(self, args: Sequence[str]) -> int:
        """The manager in the running container or a one-off, in the project's folder."""
        place = self.runner.place or self._image_place()
        if place is not None and place.program is None:
            raise self._no_program(self.where)
        workdir = str(place.folder.joinpath(*self.project.inside.parts)) if place else ""
        return self.runner.run([self.manager.name, *args], workdir=workdir, env=self._variables())

    def _image_place(self) -> ContainerFacts | None:
        """What there is to know of the service's image; it is built or pulled first, as only it knows the folder."""
        runner = self.runner
        if dry.on() and runner.engine.image_id(runner.service.image) is not None:
            return None
        if runner.image_place is None:
            code = image.build(runner, [runner.service_name]) if self.built() else int(not image.js_image(runner))
            if code != 0:
                raise UvdockError(
                    "the image could not be built",
                    where=self.where,
                    fix="read the words above; js.install makes a lock first, where the build needs one",
                    code=code,
                )
            del runner.__dict__["image_place"]
        return runner.image_place

    def _push(self, place: ContainerFacts) -> bool:
        """Bring the host's manifests to a running container that does not have them; whether it has them now."""
        home = home_files(self.project, manifests.collect(self.project))
        if needs_aside(place, self.project, home, self.runner.engine):
            return False
        if (stale := stale_files(self.runner.engine, place, home)) and not dry.on():
            files = {place.folder / name: content for name, content in stale.items()}
            self.runner.engine.put(place.container, archive.pack([], files, place.uid, place.gid))
        return True

    def _session(self) -> Session:
        """Where the manager runs in volume mode: in the service's image, or in the part of its build that has it."""
        runner, service = self.runner, self.runner.service
        name, place, user = service.image, runner.image_place, service.user
        if place is None or place.program is None:
            name, user = image.js_image(runner), user if service.build is None else ""
            with runner.engine.created(name, command=["true"], user=user or None) as box:
                place = look(runner.engine, box, self.project)
        if place.program is None:
            raise self._no_program(f"image {name} of service {service.name}")
        environment: dict[str, str | None] = {**service.environment, **self._variables()}
        environment |= {variable: str(CACHE / folder) for variable, folder in _CACHES.items()}
        return Session(
            engine=runner.engine,
            docker=runner.stack.docker,
            image=name,
            place=place,
            user=user,
            environment=environment,
            cache_volume=image.cache_volume(runner, place),
            tty=runner.tty,
        )

    def _variables(self) -> dict[str, str]:
        return manifests.variables(self.project, os.environ)

    def _no_program(self, where: str) -> UvdockError:
        services = self.runner.stack.services.values()
        others = ", ".join(item.name for item in services if has_node(item) and item is not self.runner.service)
        return UvdockError(
            f"there is no {self.manager.name}",
            where=where,
            fix=f"name the service that has it (UVDOCK_JS_SERVICE{f': {others}' if others else ''}), install it in the "
            "image, or set UVDOCK_BACKEND=host",
            code=127,
        )


class JsHost:
    """A package manager on the host."""

    name = "host"
    where = "host"

    def __init__(self, project: Project, manager: Manager) -> None:
        self.project = project
        self.manager = manager

    def run(self, args: Sequence[str]) -> Change:
        """Run the manager; when it fails, package.json and its lock are as they were."""
        return self._guarded(args) if self.manager.changes(args) else Change(self._run(args))

    def lock(self) -> Change:
        """Bring the lock up to date with package.json; nothing is installed."""
        return self._guarded(self.manager.locking)

    def sync(self) -> Change:
        """Install what the lock says."""
        return Change(self._run(self.manager.frozen), places=(f"{self.project.folder / 'node_modules'}",))

    def outdated(self) -> list[JsRow]:
        """The direct dependencies that are behind, asked in a folder that has the manifests and nothing else."""
        found = _collected(self.project)

        def ask(args: Sequence[str], further: Mapping[Path, bytes]) -> Output:
            with tempfile.TemporaryDirectory(prefix="uvdock-") as folder:
                for name, content in {**found.read(), **further}.items():
                    path = Path(folder, name)
                    path.parent.mkdir(parents=True, exist_ok=True)
                    path.write_bytes(content)
                return process.capture([self.manager.name, *args], cwd=Path(folder, found.cwd))

        return _ask(self.project, self.manager, found, ask)

    def _guarded(self, args: Sequence[str]) -> Change:
        found = manifests.collect(self.project)
        with sync.hold(self.project.folder):
            snapshot = sync.Snapshot.take([found.base / name for name in found.owned])
            code = 1
            try:
                code = self._run(args)
            finally:
                if code != 0:
                    snapshot.restore()
            return written(self.project, snapshot.changed()) if code == 0 else Change(code)

    def _run(self, args: Sequence[str]) -> int:
        return process.run([self.manager.name, *args], cwd=self.project.cwd)


def _collected(project: Project) -> Manifests:
    if not project.lock.is_file():
        raise UvdockError(
            f"there is no {project.lock.name} to look at", where=str(project.lock), fix="run js.install, which makes it"
        )
    return manifests.collect(project)


def _ask(
    project: Project,
    manager: Manager,
    found: Manifests,
    ask: Callable[[Sequence[str], Mapping[Path, bytes]], Output],
) -> list[JsRow]:
    """Ask the manager what is behind.

    Raises:
        UvdockError: It could not say.
    """
    folder = project.folder.relative_to(found.base)
    installed = outdated.further(manager, project.lock.read_bytes())
    further = {folder / name: content for name, content in installed.items()}
    data = read(project.cwd / project.tool.manifest)
    outputs: list[Output] = []
    try:
        outputs += [ask(args, further) for args in outdated.first(manager)]
        outputs += [ask(args, further) for args in outdated.then(manager, outputs)]
        return outdated.rows(manager, outputs, data)
    except FailedError as error:
        raise UvdockError(
            f"{manager.name} could not say what is outdated: {error}",
            where=str(project.folder),
            fix=f"correct what {manager.name} names, or lock again with js.install; nothing was changed",
            code=next((output.code for output in outputs if output.code), 1),
        ) from error
