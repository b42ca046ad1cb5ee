"""Tasks on JavaScript, there where the repo has a package.json: its package manager, install, outdated."""

from __future__ import annotations

from functools import partial
from signal import SIGINT, SIGTERM
from typing import TYPE_CHECKING, Any

from uvdock.errors import UvdockError
from uvdock.tasks.base import as_far_as_known, open_repo, passed, report, task
from uvdock.tasks.separator import ProgramTask
from uvdock.ui import console

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from invoke.context import Context
    from invoke.tasks import Task

    from uvdock.backends import JsBackend
    from uvdock.backends.javascript import JsCompose
    from uvdock.javascript.manager import Manager
    from uvdock.project import Project
    from uvdock.tasks.base import Repo


def ready(root: Path) -> dict[str, Task[Any]]:
    """The tasks on JavaScript that make sense in the repo at ``root``, by their whole names. Reads no file."""
    from uvdock.javascript.folders import folders

    return {"js": js, "js.install": install, "js.outdated": outdated} if folders(root) else {}


@task(
    "js",
    on_backend=True,
    examples=["js -- add esbuild", "js -- run build", "js -- ls"],
    quiet=True,
    klass=ProgramTask,
    usage="COMMAND…",
)
def js(c: Context) -> int:
    """Run the package manager whose lock is there (npm, yarn, pnpm, bun)."""
    project, manager, backend = _open(open_repo(c))
    args = passed(c)
    change = backend.run(args)
    report(change)
    if change.code and change.files:
        raise UvdockError(
            "the new lock could not be installed in the running container",
            where=backend.where,
            fix="the host's files are written: js.install builds the image with them",
            code=change.code,
        )
    if change.code and manager.changes(args):
        raise UvdockError(
            f"{manager.name} {' '.join(args[:1])} did not succeed",
            where=f"folder {project.folder} ({backend.where})",
            fix=f"read {manager.name}'s words above; {project.manifest.name} and {project.lock.name} are as they were",
            code=change.code,
        )
    return change.code


@task(
    "js.install",
    on_backend=True,
    examples=["js.install", "js.install --no-build"],
    help={"build": "Without it, only the running container is brought up to date."},
)
def install(c: Context, build: bool = True) -> int:
    """For JavaScript what deps.install is for Python: lock, build, prove, recreate."""
    from uvdock.deps.install import InstallStep, plan
    from uvdock.ui import live_progress

    project, manager, backend = _open(open_repo(c))
    compose: JsCompose | None = backend if backend.name == "compose" else None  # type: ignore[assignment]
    builds = build and compose is not None and compose.built()
    for (step,) in plan(backend.name, build=builds):
        if step is InstallStep.PROVE and c.config.run.dry:
            continue  # nothing was built that could be compared
        name = f"{step.value} ({manager.name}, {backend.where})" if step is InstallStep.LOCK else step.value
        work: Callable[[], int | None]
        if step is InstallStep.LOCK:
            work = partial(_lock, project, manager, backend)
        elif compose is None or step is InstallStep.SYNC_CONTAINER:
            work = partial(_sync, project, manager, backend)
        else:
            work = partial(_with_image, step, project, compose)
        live_progress.run({name: partial(_carry_out, work)}, quiet=[name] if step is InstallStep.BUILD else [])
    if compose is not None and builds and compose.keeps_packages():
        # A mount hides the image's packages, and outlives the container.
        with console.step(InstallStep.SYNC_CONTAINER.value) as synced:
            synced.code = _sync(project, manager, compose)
    if compose is not None and not build:
        console.note("the image is not rebuilt: js.install does that")
    return 0


@task(
    "js.outdated",
    answers=True,
    on_backend=True,
    examples=["js.outdated", "js.outdated --json"],
    help={"json": "An object with every row instead of a table."},
)
def outdated(c: Context, json: bool = False) -> int:
    """Show the JavaScript dependencies that are behind: locked, wanted and latest version."""
    from uvdock.javascript import outdated as reading

    _, manager, backend = _open(open_repo(c))
    found = backend.outdated()
    if json:
        console.data(reading.to_json(found))
        return 0
    if found:
        columns = ("package", "group", "locked", "wanted", "latest")
        console.table(
            columns, [(row.name, row.group, row.locked, row.wanted, row.latest) for row in found], least=("group",)
        )
    count = len({row.name for row in found})
    console.say(f"{count or 'no'} package{'s have' if count != 1 else ' has'} a newer release, says {manager.name}")
    return 0


def _open(repo: Repo) -> tuple[Project, Manager, JsBackend]:
    """The folder with the package.json, its manager, and where commands run."""
    from uvdock.backends import choice
    from uvdock.javascript import manifests

    project, manager = manifests.find(repo.root, repo.cwd)
    return project, manager, choice.js_backend_of(repo.cwd, project, manager, repo.settings, repo.engine)


def _carry_out(work: Callable[[], int | None]) -> int | None:
    with as_far_as_known():
        return work()


def _lock(project: Project, manager: Manager, backend: JsBackend) -> None:
    change = backend.lock()
    _stop_on(change.code, f"{manager.name} could not lock", project, backend)
    report(change)
    if not change.files:
        console.say(f"{project.lock.name} follows from {project.manifest.name} already")


def _sync(project: Project, manager: Manager, backend: JsBackend) -> int:
    """Install what the lock says; returns `console.LEFT_OUT` where there was no container to install into."""
    change = backend.sync()
    what = f"{manager.name} could not install what the lock says"
    _stop_on(change.code, what, project, backend, f"{project.lock.name} is in place")
    for note in change.notes:
        console.note(note)
    if change.places:
        console.say(f"installed in: {' · '.join(change.places)}")
    if change.skipped:
        from uvdock.tasks.installing import not_installed

        raise not_installed(change.skipped, str(project.folder), "js.install")
    return console.LEFT_OUT if change.notes else 0


def _with_image(step: object, project: Project, backend: JsCompose) -> None:
    from uvdock.backends import image
    from uvdock.backends.proof import lock_is_hosts
    from uvdock.deps.install import InstallStep

    runner = backend.runner
    if step is InstallStep.BUILD:
        names = [item.service_name for item in image.of_images(runner.of_lock)]
        left = f"{project.lock.name} is in place"
        _stop_on(image.build(runner, names), "the image could not be built", project, backend, left)
    elif step is InstallStep.PROVE:
        same = lock_is_hosts(runner)
        if not same:
            name = project.lock.name
            raise UvdockError(
                f"the image holds no {name}" if same is None else f"the image holds another {name} than the host",
                where=f"image {runner.service.image}, {project.lock}",
                fix=f"let the Dockerfile copy {project.lock.name} as it is, and install with the lock frozen; nothing "
                "was recreated",
            )
        console.say(f"image {runner.service.image} holds the host's {project.lock.name}, byte for byte")
    elif step is InstallStep.RECREATE:
        names = image.recreate(runner.of_lock)
        backend.forget()
        console.say(f"recreated: {', '.join(names)}" if names else "no running service has an old image")


def _stop_on(code: int, what: str, project: Project, backend: JsBackend, left: str = "") -> None:
    """Raise what is to be said of a step that left an exit code; ``left`` is what is so after it."""
    if code:
        stopped = code in (128 + SIGINT, 128 + SIGTERM)
        left = left or f"{project.manifest.name} and {project.lock.name} are as they were"
        raise UvdockError(
            "stopped" if stopped else what,
            where=f"folder {project.folder} ({backend.where})",
            fix=f"{'run it again' if stopped else 'read the words above'}; {left}",
            code=code,
        )
