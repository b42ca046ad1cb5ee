"""Which backend a repo's commands run in, and what it stands on: the Compose project and its engine."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from uvdock.errors import UnreachableError, UvdockError

if TYPE_CHECKING:
    from uvdock.backends import Backend, JsBackend
    from uvdock.engine.api import Engine
    from uvdock.engine.stack import Stack
    from uvdock.javascript.manager import Manager
    from uvdock.project import Project
    from uvdock.settings import Settings


def backend_of(project: Project, settings: Settings, found: tuple[Stack, Engine] | None) -> Backend:
    """The backend for a project.

    Args:
        project: The project.
        settings: The settings.
        found: What `find_engine` found.
    """
    from uvdock.backends.compose import ComposeBackend
    from uvdock.backends.host import HostBackend
    from uvdock.backends.service import ServiceRunner

    if found is None:
        return HostBackend(project)
    stack, engine = found
    return ComposeBackend(ServiceRunner(project, settings, engine, stack))


def js_backend_of(
    cwd: Path, project: Project, manager: Manager, settings: Settings, found: tuple[Stack, Engine] | None
) -> JsBackend:
    """The backend for JavaScript.

    Args:
        cwd: Where the person is.
        project: The folder with the package.json.
        manager: Its package manager.
        settings: The settings.
        found: What `find_engine` found.
    """
    from uvdock.backends.javascript import JsCompose, JsHost, JsRunner

    if found is None:
        return JsHost(project, manager)
    stack, engine = found
    return JsCompose(JsRunner(project, settings, engine, stack, cwd), manager)


def find_engine(root: Path, settings: Settings, *, ahead: bool = False) -> tuple[Stack, Engine] | None:
    """The Compose project and its engine, where commands run in containers; ``None`` where they run on the host.

    With ``auto``: containers where the repo has a Compose file, else the host. Within the app's own container, which
    has the Compose file too and nothing of Docker, it is the host.

    Args:
        root: The repo root.
        settings: The settings.
        ahead: Let Compose read its files meanwhile, for a task that needs that in any case.

    Raises:
        UnreachableError: The engine cannot be reached. What was meant for a container does not go to the host.
        UvdockError: ``compose`` was asked for, and there is no Compose file.
    """
    return _BACKENDS[settings.backend](root, settings, ahead)


def find_stack(root: Path, settings: Settings) -> Stack:
    """The Compose project of a repo, whatever its backend is: databases and the like are in no other place.

    Raises:
        UvdockError: There is no Compose file, or one that was named is not there.
    """
    from uvdock.engine.stack import Stack
    from uvdock.project import dotenv, find_compose_files

    files = find_compose_files(root, settings, os.environ)
    if not files:
        raise UvdockError(
            "there is no Compose file",
            where=f"{root}, backend {settings.backend!r} from {settings.sources.get('backend', 'default')}",
            fix="add a compose.yaml, name it with compose_files, or set backend to host",
        )
    return Stack(root, files, settings.context, os.environ, dotenv(root))


def _compose(root: Path, settings: Settings, ahead: bool) -> tuple[Stack, Engine]:
    stack = find_stack(root, settings)
    from uvdock.engine import presence
    from uvdock.engine.api import Engine

    engine = Engine(settings.context)
    if not presence.has_docker(os.environ):
        raise UnreachableError(
            "docker is not installed: there is no such program on PATH",
            where=engine.address,
            fix="install the docker command with Compose",
        )
    if ahead:
        stack.read_ahead()
    if not engine.has_buildkit:
        from uvdock.engine.building import WITHOUT_BUILDKIT

        stack.env = WITHOUT_BUILDKIT | stack.env
    return stack, engine


def _auto(root: Path, settings: Settings, ahead: bool) -> tuple[Stack, Engine] | None:
    from uvdock.engine import presence
    from uvdock.project import find_compose_files

    if not find_compose_files(root, settings, os.environ) or presence.in_own_container(os.environ):
        return None
    return _compose(root, settings, ahead)


_BACKENDS: Mapping[str, Callable[[Path, Settings, bool], tuple[Stack, Engine] | None]] = {
    "auto": _auto,
    "host": lambda *_: None,
    "compose": _compose,
}
