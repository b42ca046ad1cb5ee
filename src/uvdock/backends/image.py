"""The service's image: building it, its uv, recreating what runs from an old one."""

from __future__ import annotations

import re
import shlex
import sys
import time
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from uvdock import dry, process
from uvdock.backends.dockerfile import before_packages, up_to_uv
from uvdock.backends.place import ContainerFacts, look
from uvdock.backends.service import ServiceRunner
from uvdock.backends.volume import Session, shown, uv_environment
from uvdock.engine import registry
from uvdock.engine.api import MOMENT
from uvdock.engine.building import shown_build
from uvdock.engine.override import LOCK_LABEL, SAME_IMAGE, for_service, override_for, refuse_one_place
from uvdock.engine.services import lock_digests
from uvdock.engine.stack import Service
from uvdock.errors import NotKnownYetError, UvdockError

#: What makes a layer with uv in it: a step that copies, installs or runs it.
_UV_LAYER = re.compile(r"(?<![\w.-])uvx?(?![\w.-])")


def of_images(runners: Iterable[ServiceRunner]) -> list[ServiceRunner]:
    """Those of some services that are built, each image once."""
    return list({runner.service.image: runner for runner in runners if runner.service.build}.values())


def build(
    runner: ServiceRunner,
    services: Sequence[str],
    *,
    no_cache: bool = False,
    pull: bool = False,
    attested: bool = False,
) -> int:
    """`docker compose build` of the named services, or of all.

    Args:
        runner: Any service of the stack.
        services: Their names.
        no_cache: Build every layer anew.
        pull: Look for newer base images.
        attested: With the attestation that buildx adds by itself, which makes each build another image.

    Returns:
        Its exit code.

    Raises:
        UvdockError: There is no such service, or the caches of several would overwrite each other.
    """
    stack, told = runner.stack, runner.settings
    chosen = _built(runner, services)
    refuse_one_place(chosen, told.cache_to, told.sources.get("cache_to", "the settings"))
    flags = [*(["--no-cache"] if no_cache else []), *(["--pull"] if pull else [])]
    flags += ["--builder", told.builder] if told.builder else []
    env = {} if attested else SAME_IMAGE
    with stack.adding(override_for(chosen, lock_digests(stack, told), told.cache_from, told.cache_to)) as extra:
        return shown_build(lambda: stack.run("build", *flags, *services, extra=extra, env=env))


def pull(runners: Sequence[ServiceRunner]) -> list[ServiceRunner]:
    """Pull those images that their registry has for the very lock, by the label that uvdock's builds put on them.

    Args:
        runners: Those of the services of one Compose project.

    Returns:
        Those whose image was pulled and has the label.
    """
    if not runners:
        return []
    stack, engine = runners[0].stack, runners[0].engine
    locks = lock_digests(stack, runners[0].settings)
    asked = [item for item in runners if item.service_name in locks and registry.names_one(item.service.image)]
    platform = engine.platform if asked else ""
    found = []
    for item in asked:
        lock, reference = locks[item.service_name], item.service.image
        there = registry.labels(stack.docker, reference, str(item.service.data.get("platform") or platform), stack.env)
        if there.get(LOCK_LABEL) != lock or stack.run("pull", "--policy", "always", item.service_name):
            continue
        # Meanwhile another one may have been pushed; in a dry run nothing was pulled.
        config = (engine.image(reference) or {}).get("Config") or {}
        if dry.on() or (config.get("Labels") or {}).get(LOCK_LABEL) == lock:
            found.append(item)
    return found


def pushed(runner: ServiceRunner, services: Sequence[str]) -> list[str]:
    """Those of the named services, or of all, that are built under a name that the Compose file gives: to be pushed.

    Raises:
        UvdockError: There is none.
    """
    chosen = _built(runner, services)
    named = [service.name for service in chosen if service.data.get("image")]
    if not named:
        raise UvdockError(
            "none of the images has a name to be pushed under",
            where=f"{runner.stack.files[0]}, {', '.join(service.name for service in chosen) or 'where none is built'}",
            fix="give the service an `image: REGISTRY/NAME:TAG` beside its `build:`; nothing was built",
            code=2,
        )
    return named


def push(runner: ServiceRunner, services: Sequence[str]) -> int:
    """`docker compose push` of some services; returns its exit code.

    Not a build's own `--push`: with a builder of another driver, Compose 2.26 leaves that out without a word, and 2.40
    pushes past the engine.
    """
    return runner.stack.run("push", *services)


def _built(runner: ServiceRunner, services: Sequence[str]) -> list[Service]:
    """Those of the named services, or of all, that are built."""
    stack = runner.stack
    found = [stack.service(name, "the command line") for name in services] or [*stack.services.values()]
    return [service for service in found if service.build is not None]


def recreate(runners: Sequence[ServiceRunner]) -> list[str]:
    """Recreate the running services whose image is no longer the one they were started from.

    Nothing else is touched: no other service is stopped, none is started.

    Args:
        runners: Those of the services of one Compose project.

    Returns:
        Their names.

    Raises:
        UvdockError: Compose could not, or one does not run from the new image then.
        NotKnownYetError: In a dry run, where something runs that may have an old image then.
    """
    engine, stack = runners[0].engine, runners[0].stack
    images = {runner.service_name: runner.service.image for runner in runners if runner.service.build}
    containers = [item for item in engine.running(stack.working_dir) if item.service in images]
    if dry.on():
        commands = _recreating(runners, Counter(item.service for item in containers))
        if commands:
            told = " && ".join(shlex.join(stack.argv(*command)) for command, _ in commands)
            raise NotKnownYetError(f"then, when the image is built, where it is another one: {told}")
        return []
    digests = {image: engine.digests(image) for image in set(images.values())}
    old = {item.service for item in containers if item.made_from not in digests[images[item.service]]}
    counts = Counter(item.service for item in containers if item.service in old)
    for command, chosen in _recreating(runners, counts):
        if code := stack.run(*command):
            raise UvdockError(
                f"Compose could not recreate {', '.join(chosen)}",
                where=str(stack.files[0]),
                fix="read what Compose says above; the image is built and the lock is in place",
                code=code,
            )
    if not old:
        return []
    # What ends at once is started first.
    time.sleep(MOMENT)
    current = engine.running(stack.working_dir)
    new = {item.service for item in current if item.service in old and item.made_from in digests[images[item.service]]}
    if dead := sorted(old - new):
        raise UvdockError(
            f"recreated from the new image, and not running: {', '.join(dead)}",
            where=str(stack.files[0]),
            fix=f"read why: logs -- {dead[0]}; the image is built and the lock is in place",
        )
    return sorted(old)


def _recreating(runners: Sequence[ServiceRunner], counts: Mapping[str, int]) -> list[tuple[list[str], list[str]]]:
    """The commands of Compose that recreate some services, each with theirs.

    Args:
        runners: Those of the services of one Compose project.
        counts: How many containers each of them has.
    """
    hiding = {runner.service_name for runner in runners if runner.service_name in counts and _hides_environment(runner)}
    commands = []
    for flags, chosen in (((), sorted({*counts} - hiding)), (("--renew-anon-volumes",), sorted(hiding))):
        scale = [word for name in chosen if counts[name] > 1 for word in ("--scale", f"{name}={counts[name]}")]
        if chosen:
            commands.append((["up", "--detach", "--no-deps", "--no-build", *flags, *scale, *chosen], chosen))
    return commands


def _hides_environment(runner: ServiceRunner) -> bool:
    """Whether a volume without a name holds the environment, and no such volume of the container anything else.

    Compose gives it to the new container, over the environment of the new image.
    """
    if runner.place is None:
        return False
    targets = runner.engine.unnamed_volume_targets(runner.place.container)
    return bool(targets) and all(target.is_relative_to(runner.place.environment) for target in targets)


def has_uv(runner: ServiceRunner) -> bool:
    """Whether there is an image in which uv can run, without building one."""
    place = runner.image_place
    return (place is not None and place.uv is not None) or runner.engine.image_id(_uv_tag(runner)) is not None


def uv_session(runner: ServiceRunner, *, build: bool = True) -> Session:
    """Where uv runs in volume mode: in the service's image, or in the part of its build that has uv.

    Args:
        runner: The service.
        build: Build that part; else it is taken as it is.

    Raises:
        UvdockError: Neither has uv, or that part cannot be built.
    """
    image, place = runner.service.image, runner.image_place
    user = runner.service.user
    if place is None or place.uv is None:
        image, user = (_uv_image(runner) if build else _uv_tag(runner)), ""
        with runner.engine.created(image, command=["true"]) as box:
            place = look(runner.engine, box, runner.project, runner.built_in)
    if place.uv is None:
        raise no_uv(f"image {image}")
    return Session(
        engine=runner.engine,
        docker=runner.stack.docker,
        image=image,
        place=place,
        user=user,
        environment=uv_environment(runner.service.environment, place),
        cache_volume=cache_volume(runner, place),
        tty=runner.tty,
    )


def planned_uv(runner: ServiceRunner) -> str:
    """In a dry run, the image in which uv would run in volume mode; what would make it is shown.

    Whether the service's image has uv is seen in a running container, else told by how its layers were made: to look
    into it takes a container.
    """
    image, engine = runner.service.image, runner.engine
    built = engine.image_id(image) is not None
    if runner.place is not None:
        has_it = built and runner.place.uv is not None
    else:
        has_it = built and any(map(_UV_LAYER.search, engine.history(image)))
    return image if has_it else _uv_image(runner)


def planned_js(runner: ServiceRunner) -> str:
    """The same for a JavaScript package manager: an image has it, unless a part of its build was made to have it."""
    image, engine = runner.service.image, runner.engine
    has_it = runner.place.program is not None if runner.place is not None else engine.image_id(_js_tag(runner)) is None
    return image if has_it and engine.image_id(image) is not None else js_image(runner)


def show_uv(runner: ServiceRunner, args: Sequence[str]) -> None:
    """In a dry run, show the commands that uv in volume mode would be."""
    process.announced(shown(runner.stack.docker, "uv", planned_uv(runner), args))


def no_uv(where: str) -> UvdockError:
    """The error for a place without uv."""
    return UvdockError(
        "there is no uv",
        where=where,
        fix="add `COPY --from=ghcr.io/astral-sh/uv:VERSION /uv /uvx /usr/local/bin/`, or set UVDOCK_BACKEND=host",
        code=127,
    )


def js_image(runner: ServiceRunner) -> str:
    """An image that has the service's Node: its own, pulled, or its build up to the step that needs package.json.

    Raises:
        UvdockError: It cannot be had.
    """
    service = runner.service
    if service.build is None:
        if runner.engine.image_id(service.image) is None and runner.stack.run("pull", service.name) != 0:
            raise UvdockError(
                f"the image {service.image} could not be pulled",
                where=f"service {service.name}",
                fix="read what Compose says above; no file was changed",
            )
        return service.image
    where = f"the Dockerfile of {service.name}"
    content = service.dockerfile
    if content is None:
        raise UvdockError("it cannot be read", where=where, fix="name another service with js_service")
    tag = _js_tag(runner)
    _build_prefix(runner, before_packages(content, service.build.get("target")), tag, where)
    return tag


def _js_tag(runner: ServiceRunner) -> str:
    return f"{runner.stack.config['name']}-{runner.service.name}-js:uvdock"


def cache_volume(runner: ServiceRunner, place: ContainerFacts) -> str:
    """The cache volume's name, one for each user: the tool of one may not write what another's wrote."""
    name = runner.settings.cache_volume
    return f"{name}-{place.uid}" if name else ""


def _uv_image(runner: ServiceRunner) -> str:
    """Build the service's Dockerfile up to the step that needs the lock, and return that image.

    Its layers are the real build's own, so that one starts from them.
    """
    where = f"the Dockerfile of {runner.service_name}"
    content = up_to_uv(runner.service.dockerfile or "")
    if content is None:
        raise no_uv(f"{where}, before its first step that needs uv.lock")
    tag = _uv_tag(runner)
    _build_prefix(runner, content, tag, where)
    return tag


def _uv_tag(runner: ServiceRunner) -> str:
    return f"{runner.stack.config['name']}-{runner.service_name}-uv:uvdock"


def _build_prefix(runner: ServiceRunner, content: str, tag: str, where: str) -> None:
    # One that is there is mostly built from what is cached, and a line about that with each command is noise.
    quiet = not sys.stderr.isatty() and runner.engine.image_id(tag) is not None
    told, service = runner.settings, runner.service
    caches, builder = for_service(told.cache_from, service.name), told.builder or ""
    code = runner.stack.build_prefix(service, content, tag, cache_from=caches, builder=builder, quiet=quiet)
    if code and quiet and code < 128:
        # Once more, to show why.
        code = runner.stack.build_prefix(service, content, tag, cache_from=caches, builder=builder)
    if code != 0:
        raise UvdockError(
            "the first part of the image could not be built",
            where=where,
            fix="read what the build says above; no file was changed",
        )
