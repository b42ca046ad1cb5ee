"""Rules on the images that a Dockerfile makes: what they are made from, and what they run.

Each function's docstring is the rule's page: see `uvdock.doctor.model.Rule`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from uvdock.doctor.build import Build, asked, is_uv_image, syncs
from uvdock.doctor.facts import Facts
from uvdock.doctor.model import Hit
from uvdock.formats.dockerfile.stages import Stage
from uvdock.formats.image import name_of, tag_of
from uvdock.formats.shell.invocations import Invocation, invocations

#: Images that run as root unless told otherwise; of others it is not known.
_ROOT_IMAGES = {"alpine", "buildpack-deps", "debian", "python", "ubuntu", "uv"}
_QUIET = ("--no-sync", "--frozen", "--no-project", "--script", "-s")


def bare_uv_run(facts: Facts) -> Iterator[Hit]:
    """A container is started with `uv run` that may install first.

    `uv run` brings the environment to the lock before it runs anything: the container needs the network and the right
    to write at its start, and gets the dev group that the image was built without.

    ```dockerfile
    CMD ["uv", "run", "gunicorn", "app"]
    ```

    Fix: start the program itself, `CMD ["gunicorn", "app"]`, with the environment on the PATH; or
    `uv run --no-sync …`, or `ENV UV_NO_SYNC=1`. Commands, entry points and health checks of Dockerfiles and of Compose
    services are looked at.

    Source: [uv run](https://docs.astral.sh/uv/reference/cli/#uv-run), `--no-sync`.
    """
    told = set()
    for build in facts.dockerfiles:
        for stage in build.finals:
            for step in stage.lineage:
                if step.verb not in ("CMD", "ENTRYPOINT", "HEALTHCHECK") or step.line in told:
                    continue
                if any(_may_install(item, stage.last.env) for item in step.invocations):
                    told.add(step.line)
                    yield Hit(build.name, step.line, f"{step.verb} starts with a bare uv run", _START)
    for service in facts.services.values():
        made = service.stage
        env = {**(made.last.env if made is not None else {}), **service.environment}
        for key in ("entrypoint", "command", "healthcheck"):
            if any(_may_install(item, env) for item in _service_commands(service.data.get(key))):
                path = ("healthcheck", "test") if key == "healthcheck" else (key,)
                file, line = facts.compose_place(service.name, *path)
                yield Hit(file, line, f"{key} of {service.name} starts with a bare uv run", _START)


def runs_as_root(facts: Facts) -> Iterator[Hit]:
    """An image that runs as root.

    Whoever breaks out of the app is root in the container, and on a Linux host what it writes to a mount is root's.

    ```dockerfile
    FROM python:3.13-slim
    COPY . /app
    CMD ["gunicorn", "app"]
    ```

    Fix: `RUN useradd --create-home app` and `USER app` in the last stage; or `user:` of the Compose service. Only
    stages on images that are known to run as root are reported.

    Source: [USER](https://docs.docker.com/build/building/best-practices/#user).
    """
    for build in facts.dockerfiles:
        if not build.uses_uv:
            continue
        for stage in build.finals:
            users = [item for item in facts.services.values() if item.stage is stage]
            if users and all(str(item.data.get("user") or "").partition(":")[0] not in _ROOT for item in users):
                continue
            user = stage.last.user.partition(":")[0]
            name = name_of(stage.root.image)
            if user in _ROOT and (user or name in _ROOT_IMAGES):
                lines = [step.line for step in stage.lineage if step.verb == "USER"]
                what = f"the stage {stage.name!r} runs as root" if stage.name else "the image runs as root"
                fix = "useradd a user, and end the stage with USER and its name"
                yield Hit(build.name, lines[-1] if lines else stage.steps[0].line, what, fix)


def moving_base_image(facts: Facts) -> Iterator[Hit]:
    """A base image whose tag moves to another Python or another system.

    `python:3` is 3.13 today and 3.14 after a release, so a build of the same commit gets another Python under the same
    lock.

    ```dockerfile
    FROM python:slim
    ```

    Fix: name the minor version, `python:3.13-slim`, and better the system too, `python:3.13-slim-trixie`. A tag with
    the minor version gets only bug fixes, which is wanted, so it is not reported. Of other images, no tag and `latest`
    are reported.

    Source: [Pin base image
    versions](https://docs.docker.com/build/building/best-practices/#pin-base-image-versions).
    """
    for build, stage in _on_images(facts):
        image = stage.base or ""
        tag, name = tag_of(image), name_of(image)
        if "@" in image or name == "scratch" or is_uv_image(image):
            continue
        moves = tag in ("", "latest") or (name == "python" and not re.match(r"\d+\.\d+", tag))
        if moves:
            fix = "FROM python:3.13-slim-trixie, in the Python you want" if name == "python" else "name a version"
            yield Hit(build.name, stage.steps[0].line, f"the tag of {image} moves", fix)


def base_python_mismatch(facts: Facts) -> Iterator[Hit]:
    """A base image whose Python is outside `requires-python`.

    uv does not use such a Python: it downloads another one into the image, or fails where downloads are off.

    ```dockerfile
    FROM python:3.10-slim    # requires-python = ">=3.11"
    RUN uv sync --locked
    ```

    Fix: base the image on a Python that `requires-python` allows, and set `UV_PYTHON_DOWNLOADS=never`, so that a
    mismatch fails.

    Source: [Python versions](https://docs.astral.sh/uv/concepts/python-versions/).
    """
    from packaging.specifiers import InvalidSpecifier, SpecifierSet

    for build, stage in _on_images(facts):
        version = _python_of(stage.base or "")
        below = [other for other in build.stages if other.root is stage]
        found = [(step, item) for other in below for step in other.steps for item in syncs(step)]
        chosen = any(item.has("--python", "-p") or step.setting("UV_PYTHON", item) for step, item in found)
        if not version or not found or chosen:
            continue
        for folder in facts.projects_of(build):
            wanted = facts.projects[folder].get("project", {}).get("requires-python")
            try:
                allowed = SpecifierSet(wanted) if isinstance(wanted, str) else None
            except InvalidSpecifier:
                continue
            # A tag without a patch version is the newest of them.
            full = version if version.count(".") > 1 else f"{version}.99"
            if allowed is not None and not allowed.contains(full):
                what = f"the image's Python {version} is outside requires-python {wanted!r}"
                yield Hit(build.name, stage.steps[0].line, what, "base it on a Python that requires-python allows")


_START = "start the program itself, or uv run --no-sync"
_ROOT = {"", "root", "0"}


def _on_images(facts: Facts) -> Iterator[tuple[Build, Stage]]:
    """The stages that are made from an image, of Dockerfiles with uv; not where a variable hides which."""
    for build in facts.dockerfiles:
        if build.uses_uv:
            yield from ((build, stage) for stage in build.stages if stage.parent is None and stage.base)


def _python_of(image: str) -> str:
    tag, name = tag_of(image), name_of(image)
    if name == "python":
        found = re.match(r"\d+\.\d+(?:\.\d+)?(?![\w.])", tag)
        return found[0] if found else ""
    found = re.search(r"python(\d+\.\d+)", tag) if is_uv_image(image) else None
    return found[1] if found else ""


def _may_install(command: Invocation, env: dict[str, str] | Any) -> bool:
    if asked(command) != "run" or command.has(*_QUIET):
        return False
    values = {**env, **command.env}
    off = {"", "0", "false", "no", "off"}
    return all(str(values.get(name, "")).lower() in off for name in ("UV_NO_SYNC", "UV_FROZEN", "UV_NO_PROJECT"))


def _service_commands(value: object) -> list[Invocation]:
    """The commands of a service's `command`, `entrypoint` or `healthcheck`, as Compose gives them."""
    import shlex

    if isinstance(value, dict):
        value = value.get("test")
    if isinstance(value, str):
        return invocations(value)
    if not isinstance(value, list) or not value:
        return []
    words = [str(word) for word in value]
    if words[0] == "CMD-SHELL":
        return invocations(" ".join(words[1:]))
    return invocations(shlex.join(words[1:] if words[0] == "CMD" else words))
