"""The facts of the engine: what the built images and running containers of the stack's services hold."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

from uvdock.doctor.facts import BuiltService, DockerObject, Facts, Skipped, read, with_compose
from uvdock.errors import UvdockError
from uvdock.settings import Settings

if TYPE_CHECKING:
    from uvdock.engine.api import Engine
    from uvdock.engine.stack import Stack


def look(root: Path, cwd: Path, settings: Settings, *, engine: bool = True) -> Facts:
    """Read everything there is to read of a repo; nothing is written.

    Args:
        root: The repo root.
        cwd: Where the person is in it.
        settings: The settings.
        engine: Look at images and containers too.
    """
    facts = with_compose(read(root), settings)
    if not engine:
        return facts
    if settings.backend == "host" and facts.services:
        why = f"backend is host ({settings.sources.get('backend', 'default')})"
        return replace(facts, skipped=(*facts.skipped, Skipped("images and containers", why)))
    return with_engine(facts, cwd, settings)


def with_engine(facts: Facts, cwd: Path, settings: Settings) -> Facts:
    """The facts with the images and containers of services that are built with uv.

    Only looks: one container is made of an image, never started, to read its lock.
    """
    built = [item for item in facts.services.values() if item.dockerfile is not None and item.dockerfile.uses_uv]
    if not built:
        return facts
    from uvdock.backends import choice
    from uvdock.backends.proof import lock_is_hosts
    from uvdock.backends.service import ServiceRunner
    from uvdock.engine.api import Engine
    from uvdock.project import find_project

    skipped: list[Skipped] = []
    engine = Engine(settings.context)
    try:
        _ = engine.api
    except UvdockError as problem:
        why = Skipped("images and containers", problem.what)
        return replace(facts, skipped=(*facts.skipped, why))
    stack = choice.find_stack(facts.root, settings)
    images: dict[str, DockerObject] = {}
    containers = []
    for item in built:
        try:
            details = engine.image(item.image)
            if details is None:
                skipped.append(Skipped(f"image {item.image}", "it is not built yet"))
            elif item.image not in images:
                images[item.image] = _image(engine, item, details)
            containers += _containers(engine, stack, item)
        except UvdockError as problem:
            skipped.append(Skipped(f"service {item.name}", problem.what))
    try:
        project = find_project(facts.root, cwd, settings)
        runner = ServiceRunner(project, settings, engine, stack)
        name = runner.service.image
        if name in images and project.lock.is_file():
            images[name] = replace(images[name], lock=lock_is_hosts(runner))
    except UvdockError as problem:
        skipped.append(Skipped("the lock in the image", problem.what))
    return replace(
        facts,
        images=tuple(images.values()),
        containers=tuple(containers),
        skipped=(*facts.skipped, *skipped),
        buildkit=engine.has_buildkit,
    )


def _image(engine: Engine, service: BuiltService, details: Mapping[str, Any]) -> DockerObject:
    from uvdock.engine.api import environment

    return DockerObject(
        f"image {service.image}",
        service.name,
        env=environment(details.get("Config") or {}),
        history=engine.history(service.image),
    )


def _containers(engine: Engine, stack: Stack, service: BuiltService) -> list[DockerObject]:
    from uvdock.engine.api import environment

    found = []
    # Of all services, for a paused one is no error here.
    for running in (item for item in engine.running(stack.working_dir) if item.service == service.name):
        details = engine.container(running.id)
        env = environment(details.get("Config") or {})
        found_mounts = details.get("Mounts") or []
        mounts = tuple((str(item.get("Type")), PurePosixPath(item["Destination"])) for item in found_mounts)
        folder = _environment(service, env)
        there = None
        if folder is not None:
            config = engine.read(running.id, folder / "pyvenv.cfg")
            home = next((value.strip() for key, value in _pairs(config) if key.strip() == "home"), "")
            there = engine.exists(running.id, home) if home else None
        name = f"container {running.name}"
        found.append(DockerObject(name, service.name, env, mounts=mounts, environment=folder, interpreter=there))
    return found


def _environment(service: BuiltService, env: Mapping[str, str]) -> PurePosixPath | None:
    """The environment a container uses: as its variables say, else as its Dockerfile makes it."""
    if named := env.get("UV_PROJECT_ENVIRONMENT") or env.get("VIRTUAL_ENV"):
        return PurePosixPath(named) if named.startswith("/") else None
    return service.built_environment


def _pairs(content: bytes | None) -> list[tuple[str, str]]:
    lines = (content or b"").decode("utf-8", "replace").splitlines()
    return [(key, value) for key, _, value in (line.partition("=") for line in lines)]
