"""What deps.install does: the steps of its plan, each carried out for one project or for all of them at once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from signal import SIGINT, SIGTERM
from typing import TYPE_CHECKING

from uvdock.deps import conflict, sync
from uvdock.deps.install import InstallStep, plan
from uvdock.errors import UvdockError
from uvdock.tasks.base import Repo, as_far_as_known, locks_in_a_new_image, report
from uvdock.ui import console, live_progress

if TYPE_CHECKING:
    from uvdock.backends import Change
    from uvdock.backends.service import ServiceRunner

_SYNCS = (InstallStep.SYNC_HOST.value, InstallStep.SYNC_CONTAINER.value)
#: The exit codes of what a signal stopped.
_STOPPED = (128 + SIGINT, 128 + SIGTERM)


def install(repo: Repo, *, build: bool, dry: bool, pull: bool = False) -> int:
    """Carry out the plan for every project of a repo.

    Args:
        repo: The repo.
        build: Whether to build the image, or only to bring the running container up to date.
        dry: Whether commands are only shown.
        pull: Whether an image that its registry has for the very lock is pulled, and not built.

    Returns:
        The exit code, 0.

    Raises:
        UvdockError: A step did not succeed; those after it were not taken.
    """
    projects = repo.projects
    kind = "host" if repo.engine is None else "compose"
    jobs = [repo.at(project) for project in projects]
    backends = [job.backend for job in jobs]
    for project in projects:
        # Compose still reads its files; this would be waited for after it.
        sync.prepare(project.lock)
    # Where an image is built, it has what could not be installed into a container.
    needed = kind == "host" or not build
    running = [job for job in jobs if build and _can_sync(job)]
    for_all: dict[InstallStep, Callable[..., int | None]] = {
        InstallStep.BUILD: partial(_build, pull=pull),
        InstallStep.PROVE: _prove,
        InstallStep.RECREATE: _recreate,
    }
    for steps in plan(kind, build=build, running=bool(running)):
        if InstallStep.PROVE in steps and dry:
            continue  # nothing was built that could be compared
        works: dict[str, Callable[[], int | None]] = {}
        for step in steps:
            if step in for_all:
                works[step.value] = partial(_carry_out, for_all[step], jobs)
                continue
            for job in running if len(steps) > 1 else jobs:
                works[_name(step, repo, job)] = partial(_carry_out, _FOR_ONE[step], job, needed)
        noisy = InstallStep.BUILD in steps or (InstallStep.LOCK in steps and any(map(locks_in_a_new_image, backends)))
        quiet = [name for name in works if noisy and not name.startswith(_SYNCS)]
        live_progress.run(works, stream=len(steps) > 1, quiet=quiet)
    if kind == "compose" and not build:
        console.note("the image is not rebuilt: deps.install does that")
    return 0


def _can_sync(repo: Repo) -> bool:
    """Whether a running container can be brought up to date: it has uv."""
    if repo.backend.name != "compose":
        return False
    places = [runner.place for runner in _runners(repo)]
    return any(place is not None and place.uv is not None for place in places)


def _runners(*repos: Repo) -> list[ServiceRunner]:
    """One for each service that holds an environment of these projects."""
    return [runner for repo in repos for runner in repo.compose("deps.install").of_lock]


def _name(step: InstallStep, repo: Repo, job: Repo) -> str:
    of = repo.label(job.project, *([job.backend.where] if step is InstallStep.LOCK else []))
    return f"{step.value} ({of})" if of else step.value


def _carry_out(body: Callable[..., int | None], *args: object) -> int | None:
    with as_far_as_known():
        return body(*args)


def lock_alone(repo: Repo) -> None:
    """Lock each project of a repo, as a step of its own.

    Raises:
        UvdockError: uv could not; every file is as it was.
    """
    for job in (repo.at(project) for project in repo.projects):
        name = _name(InstallStep.LOCK, repo, job)
        live_progress.run({name: partial(_lock, job)}, quiet=[name] if locks_in_a_new_image(job.backend) else [])


def lock(repo: Repo) -> Change:
    """Lock anew what a pyproject.toml asks for; a lock that a merge left in conflict too.

    Raises:
        UvdockError: uv could not; every file is as it was.
    """
    with conflict.settled(repo.project) as was_in_conflict:
        change = repo.backend.lock()
        if change.code and change.code not in _STOPPED:
            from uvdock.deps import broken, survey

            if problem := broken.named(survey.manifests(repo.project)):
                raise problem
        stop_on(change.code, "uv could not lock", repo)
    if was_in_conflict:
        console.note("uv.lock was in conflict: it is this side's, locked anew; `git add uv.lock` settles it")
    return change


def _lock(repo: Repo, _: bool = True) -> None:
    change = lock(repo)
    report(change)
    if not change.files:
        console.say("uv.lock follows from pyproject.toml already")


def _build(repos: Sequence[Repo], pull: bool) -> None:
    from uvdock.backends import image

    services = _runners(*repos)
    runners = image.of_images(services)
    if not runners:
        # Compose builds everything where nothing is named.
        raise UvdockError(
            f"the service {services[0].service_name} has no build, so there is no image to build",
            where=str(services[0].stack.files[0]),
            fix=f"{_LOCKED}; give the service a `build:`, or use deps.install --no-build",
        )
    pulled = image.pull(runners) if pull else []
    if pulled:
        console.say(f"pulled, built for this lock: {', '.join(runner.service.image for runner in pulled)}")
    names = [runner.service_name for runner in runners if runner not in pulled]
    if names and (code := image.build(runners[0], names)):
        stop_on(code, "the image could not be built", repos[0], _still(services[0]))


def _still(runner: ServiceRunner) -> str:
    """What is so after a step that failed when the lock was there: what runs is looked at again."""
    running = sorted({item.service for item in runner.engine.running(runner.stack.working_dir)})
    return f"{_LOCKED}" + (f", and {', '.join(running)} still run{'s' * (len(running) == 1)}" if running else "")


def _prove(repos: Sequence[Repo]) -> None:
    from uvdock import process
    from uvdock.backends import image

    pairs = [(repo, runner) for repo in repos for runner in image.of_images(_runners(repo))]
    said: dict[str, str] = {}
    process.run_concurrently([partial(_prove_one, repo, runner, said) for repo, runner in pairs])
    for _, runner in pairs:
        console.say(f"image {runner.service.image} {said[runner.service.image]}")


def _prove_one(repo: Repo, runner: ServiceRunner, said: dict[str, str]) -> None:
    from uvdock.backends.compose import ComposeBackend

    backend = repo.backend
    assert isinstance(backend, ComposeBackend)
    found = backend.prove(runner)
    if found is None or not found.fresh:
        raise UvdockError(
            f"the image does not match uv.lock: {found.why if found else 'it is not there'}",
            where=f"image {runner.service.image}, {runner.project.lock}",
            fix="let the Dockerfile install with --locked from uv.lock as it is; nothing was recreated",
        )
    said[runner.service.image] = found.how


def _recreate(repos: Sequence[Repo]) -> None:
    from uvdock.backends import image

    names = image.recreate(_runners(*repos))
    console.say(f"recreated: {', '.join(names)}" if names else "no running service has an old image")


def _sync(repo: Repo, needed: bool) -> int:
    """Bring the environment in use to the lock; one that the build replaces anyway need not succeed.

    Returns:
        What uv left; `console.LEFT_OUT` where a container was left out, or there was none.

    Raises:
        UvdockError: uv could not, or a running container cannot be brought to the lock, and nothing else does that.
    """
    change = repo.backend.sync()
    if change.code and not needed and change.code not in _STOPPED:
        # Perhaps it needs what only the new image has.
        console.note("the running container keeps its packages until the new image is built")
        return change.code
    stop_on(change.code, "uv could not install what the lock says", repo, _LOCKED)
    for note in change.notes:
        console.note(note)
    if change.places:
        console.say(f"installed in: {' · '.join(change.places)}")
    if change.skipped and needed:
        raise not_installed(change.skipped, str(repo.project.folder), "deps.install")
    return console.LEFT_OUT if change.notes else 0


def not_installed(skipped: Sequence[str], where: str, task: str) -> UvdockError:
    """The error for running containers that could not be brought to the lock."""
    return UvdockError(
        f"nothing was installed in {', '.join(skipped)}",
        where=where,
        fix=f"the lock is in place; {task} builds the image with it",
    )


#: What is so after uv has failed, and after a later step has.
_UNCHANGED = "pyproject.toml and uv.lock are as they were"
_LOCKED = "uv.lock is in place"


def stop_on(code: int, what: str, repo: Repo, left: str = _UNCHANGED) -> None:
    """Raise what is to be said of a step that left an exit code; ``left`` is what is so after it."""
    if code:
        stopped = code in _STOPPED
        raise UvdockError(
            "stopped" if stopped else what,
            where=f"project {repo.project.folder} ({repo.backend.where})",
            fix=f"{'run it again' if stopped else 'read the words above'}; {left}",
            code=code,
        )


#: What is done for each project by itself; the rest is done once for all of them.
_FOR_ONE: dict[InstallStep, Callable[..., int | None]] = {
    InstallStep.LOCK: _lock,
    InstallStep.SYNC_HOST: _sync,
    InstallStep.SYNC_CONTAINER: _sync,
}
