"""Rules on the Compose services, their images and their containers.

Each function's docstring is the rule's page: see `uvdock.doctor.model.Rule`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import PurePosixPath

from uvdock.doctor.facts import BuiltService, Facts
from uvdock.doctor.model import Hit

#: What of a service's build Compose refuses without BuildKit (2.40: "the classic builder doesn't support secrets").
_BUILDKIT_ALONE = ("secrets", "ssh", "additional_contexts")
_MOUNT = tuple[str, PurePosixPath]


def environment_under_mount(facts: Facts) -> Iterator[Hit]:
    """A mount hides the image's environment.

    In the container there is what the host has in that folder: no environment, or one of another system. What the
    build installed is not seen.

    ```yaml
    volumes:
      - ".:/app"    # and the image's environment is /app/.venv
    ```

    Fix: `ENV UV_PROJECT_ENVIRONMENT=/opt/venv` in the Dockerfile, above `uv sync`, and `/opt/venv/bin` on the PATH.
    The Compose file is looked at, and the mounts of running containers.

    Source: [uv in Docker, developing in a
    container](https://docs.astral.sh/uv/guides/integration/docker/#developing-in-a-container).
    """
    for file, line, mount, environment, names in _covered(facts, "bind"):
        what = f"the mount at {mount} hides the environment {environment} of {names}"
        fix = "ENV UV_PROJECT_ENVIRONMENT=/opt/venv in the Dockerfile, outside the mount"
        yield Hit(file, line, what, fix, cause=str(environment))


def environment_in_volume(facts: Facts) -> Iterator[Hit]:
    """A volume over the image's environment.

    A volume is filled from the image once, when it is new: after the next build the container still has the old
    packages. uv in it cannot replace the folder either ("resource busy").

    ```yaml
    volumes:
      - ".:/app"
      - "/app/.venv"
    ```

    Fix: `ENV UV_PROJECT_ENVIRONMENT=/opt/venv` in the Dockerfile, outside the mount; then no volume is needed.

    Source: [uv#16218](https://github.com/astral-sh/uv/issues/16218);
    [volumes](https://docs.docker.com/engine/storage/volumes/#populate-a-volume-using-a-container).
    """
    for file, line, mount, environment, names in _covered(facts, "volume"):
        what = f"the volume at {mount} keeps an old copy of the environment {environment} of {names}"
        fix = "ENV UV_PROJECT_ENVIRONMENT=/opt/venv in the Dockerfile, and no volume there"
        yield Hit(file, line, what, fix, cause=str(environment))


def lock_mounted_alone(facts: Facts) -> Iterator[Hit]:
    """`uv.lock` or `pyproject.toml` is mounted as a single file.

    uv writes a new lock beside the old one and renames it into place, which the kernel refuses for a mounted file
    (EBUSY). And when the host replaces the file, the container still sees the old one.

    ```yaml
    volumes:
      - "./uv.lock:/app/uv.lock"
    ```

    Fix: mount the folder, or nothing: `inv uv -- add …` and `deps.lock` bring the lock back without a mount.

    Source: [rename(2)](https://man7.org/linux/man-pages/man2/rename.2.html), EBUSY.
    """
    found: dict[tuple[str, int | None], tuple[PurePosixPath, list[str]]] = {}
    for service in facts.services.values():
        for kind, _, target in service.mounts:
            if kind == "bind" and target.name in ("uv.lock", "pyproject.toml"):
                place = facts.compose_item(service.name, "volumes", re.escape(str(target)))
                found.setdefault(place, (target, []))[1].append(service.name)
    for (file, line), (target, names) in found.items():
        what = f"{target} of {', '.join(names)} is mounted as a single file"
        yield Hit(file, line, what, "mount its folder, or leave the mount out")


def image_lock_differs(facts: Facts) -> Iterator[Hit]:
    """The image holds another lock than the host.

    The containers run with other packages than the repo says.

    ```text
    $ docker compose run --rm web cat uv.lock | cmp - uv.lock
    ```

    Fix: `inv deps.install`, which builds and proves that both are the same. `inv deps.check` looks further.

    Source: the image itself; a container is made of it, not started, and its lock is read.
    """
    for image in facts.images:
        if image.lock is False:
            yield Hit(image.name, None, "it holds another uv.lock than the host", "run deps.install")


def needs_buildkit(facts: Facts) -> Iterator[Hit]:
    """A build needs BuildKit, and the engine has none.

    Podman answers as Docker does, but builds with a builder of its own. Compose refuses a build there that has secrets,
    ssh or additional contexts.

    ```yaml
    build:
      context: .
      secrets: [pip-token]
    ```

    Fix: build on an engine with BuildKit, or do without: `RUN --mount=type=cache` and `COPY --from` work on both.

    Source: what the engine itself says of its builder;
    [the build section](https://docs.docker.com/reference/compose-file/build/).
    """
    if facts.buildkit is not False:
        return
    for service in facts.services.values():
        build = service.data.get("build")
        for key in _BUILDKIT_ALONE:
            if isinstance(build, dict) and build.get(key):
                file, line = facts.compose_place(service.name, "build", key)
                what = f"the build of {service.name} has {key}, and this engine has no BuildKit"
                yield Hit(file, line, what, f"build on an engine with BuildKit, or without {key}")


def _covered(facts: Facts, kind: str) -> Iterator[tuple[str, int | None, PurePosixPath, PurePosixPath, str]]:
    """File, line, mount, environment and services of what lies over an environment."""
    found: dict[tuple[str, int | None], tuple[PurePosixPath, PurePosixPath, list[str]]] = {}
    told = set()
    for service in facts.services.values():
        environment = _environment(service)
        over = _over([(kind_of, target) for kind_of, _, target in service.mounts], environment)
        if environment is None or over is None:
            continue
        told.add(service.name)
        if over[0] == kind:
            place = facts.compose_item(service.name, "volumes", re.escape(str(over[1])))
            found.setdefault(place, (over[1], environment, []))[2].append(service.name)
    for made in facts.containers:
        over = _over(made.mounts, made.environment)
        # What its Compose file says already is not said again of the container.
        if made.environment is not None and over is not None and over[0] == kind and made.service not in told:
            found.setdefault((made.name, None), (over[1], made.environment, []))[2].append(made.service)
    for (file, line), (mount, environment, names) in found.items():
        yield file, line, mount, environment, ", ".join(names)


def _over(mounts: Sequence[_MOUNT], environment: PurePosixPath | None) -> _MOUNT | None:
    """The mount nearest to an environment that lies in it; it is what the container sees there."""
    if environment is None:
        return None
    over = [mount for mount in mounts if environment.is_relative_to(mount[1])]
    return max(over, key=lambda mount: len(mount[1].parts), default=None)


def _environment(service: BuiltService) -> PurePosixPath | None:
    # A service that names another environment does not want the image's.
    return None if "UV_PROJECT_ENVIRONMENT" in service.environment else service.built_environment
