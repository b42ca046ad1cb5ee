"""Which Compose services hold a project's environment, by what their Dockerfiles and mounts say."""

from __future__ import annotations

import re
from pathlib import Path

from uvdock.engine.stack import Service, Stack
from uvdock.errors import UvdockError
from uvdock.project import Project, find_projects, workspace_members
from uvdock.services import images
from uvdock.settings import Settings

#: Images that bring Node, or what takes its place.
_NODE = ("node", "bun", "deno")
_UV = re.compile(r"\buv\b")
_PYTHON = re.compile(r"\b(?:uv|uvx|python[\d.]*|pip[\d.]*|\.?venv|pypy)\b", re.IGNORECASE)


def environment_services(stack: Stack, project: Project, wanted: str | None = None, source: str = "") -> list[Service]:
    """Every service that holds the environment of a project or of a member of its workspace.

    With a name, that one and those of the same build. Else those that are built from the project's folder or mount
    it, as far as their images have Python: beside the app, one for its scripts or its browser tests is built from the
    same folder.

    Args:
        stack: The Compose project.
        project: The project.
        wanted: The service that was named.
        source: Who named it.

    Returns:
        At least one, in the order of Compose.

    Raises:
        UvdockError: There is no such service, or none that is built.
    """
    services = list(stack.services.values())
    if wanted:
        named = stack.service(wanted, source)
        return [item for item in services if item is named or (item.build and named.build and same_build(item, named))]
    built = [service for service in services if service.build is not None]
    if not built:
        raise UvdockError(
            "no service of the Compose file has a build",
            where=str(stack.files[0]),
            fix="give the app's service a `build:`, name a service (UVDOCK_SERVICE), or use UVDOCK_BACKEND=host",
        )
    close = [service for service in built if _holds(service, _folders(project))] or built
    close = [service for service in close if _may_have_python(service)] or close
    return [service for service in close if _UV.search(service.dockerfile or "")] or close


def choose_service(stack: Stack, project: Project, wanted: str | None, source: str) -> Service:
    """The service in which a project's commands run.

    The one that was named; else the only one of `environment_services`; else, of several, the one whose folder the
    person is in; of several with the same build, one that publishes a port.

    Raises:
        UvdockError: There is no such service, or it is not clear which one is meant.
    """
    if wanted:
        return stack.service(wanted, source)
    close = environment_services(stack, project)
    close = [service for service in close if _holds(service, {project.cwd})] or close
    if all(same_build(service, close[0]) for service in close):
        close = [service for service in close if service.data.get("ports")] or close
    if len(close) == 1:
        return close[0]
    names = ", ".join(service.name for service in close)
    raise UvdockError(
        f"it is not clear which service holds the environment of this project: {names}",
        where=f"{stack.files[0]}, project {project.folder}",
        fix=f"give --service {close[0].name}, go into the folder of one, or set UVDOCK_SERVICE={close[0].name}",
        code=2,
    )


def lock_digests(stack: Stack, settings: Settings) -> dict[str, str]:
    """The digest of its lock for each service whose image is built for one lock of the repo, by the service's name.

    Whoever builds it and from which folder, it is the same: another label makes another image.

    Args:
        stack: The Compose project.
        settings: The settings.
    """
    projects = [item for item in find_projects(stack.root, stack.root, settings) if item.lock.is_file()]
    source = settings.sources.get("service", "the settings")
    of: dict[str, list[Project]] = {}
    for project in projects if any(service.build for service in stack.services.values()) else ():
        for service in environment_services(stack, project, settings.service, source):
            of.setdefault(service.name, []).append(project)
    found = {}
    for name, several in of.items():
        # Where a project has no service of its own, any that is built counts as its own.
        close = [item for item in several if _holds(stack.services[name], _folders(item))] or several
        if len(close) == 1 and stack.services[name].build is not None:
            # Whoever only asks where a command runs waits for no such import.
            from hashlib import sha256

            found[name] = f"sha256:{sha256(close[0].lock.read_bytes()).hexdigest()}"
    return found


def same_build(one: Service, other: Service) -> bool:
    """Whether two services are built from the same folder, Dockerfile, target and arguments."""
    keys = ("context", "dockerfile", "dockerfile_inline", "target", "args")
    return all((one.build or {}).get(key) == (other.build or {}).get(key) for key in keys)


def base_of(service: Service) -> str:
    """The image that a service is made from in the end: of its Dockerfile's stage, or its own."""
    if service.build is None:
        return service.image
    stage = service.stage
    return stage.root.image if stage else ""


def has_node(service: Service) -> bool:
    """Whether a service's image is made from one that brings Node, or what takes its place."""
    return images.is_one_of(base_of(service), _NODE)


def _may_have_python(service: Service) -> bool:
    """Whether a service's image may have Python: the stages that it is made of speak of it, or cannot be read.

    In an image of Node, Python is there to compile its packages.
    """
    if service.dockerfile is None:
        return True
    stage = service.stage
    stages = "\n".join(step.text for step in stage.lineage) if stage else ""
    return bool(_UV.search(stages) or (_PYTHON.search(stages) and not has_node(service)))


def _folders(project: Project) -> set[Path]:
    return {project.folder, *workspace_members(project.folder)}


def _holds(service: Service, folders: set[Path]) -> bool:
    """Whether a service is built from one of these folders, or mounts it."""
    places = [service.context, *(bind.source for bind in service.binds)]
    if service.context is not None:
        places.append((service.context / (service.build or {}).get("dockerfile", "Dockerfile")).parent)
    return any(place is not None and place.resolve() in folders for place in places)
