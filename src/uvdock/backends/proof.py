"""Proving that an image was made from the host's lock: by the lock in it, else by what is installed in it."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

from uvdock import process
from uvdock.backends import proved
from uvdock.backends.dockerfile import BuildSync
from uvdock.backends.place import ContainerFacts, look
from uvdock.backends.service import ServiceRunner
from uvdock.errors import UvdockError
from uvdock.process import Output
from uvdock.project import read_pyproject, workspace_members

#: Says which packages a Python has, and what environment markers see there.
_INSTALLED = """
import json, os, platform, sys
from importlib.metadata import distributions
version, implementation = platform.python_version(), sys.implementation
number = "{0.major}.{0.minor}.{0.micro}".format(implementation.version)
markers = {
    "implementation_name": implementation.name,
    "implementation_version": number,
    "os_name": os.name,
    "platform_machine": platform.machine(),
    "platform_python_implementation": platform.python_implementation(),
    "platform_release": platform.release(),
    "platform_system": platform.system(),
    "platform_version": platform.version(),
    "python_full_version": version,
    "python_version": ".".join(platform.python_version_tuple()[:2]),
    "sys_platform": sys.platform,
}
packages = {str(found.metadata["Name"]): found.version for found in distributions()}
print(json.dumps({"markers": markers, "packages": packages, "own": sys.prefix != sys.base_prefix}))
"""
#: What installers leave in an environment by themselves.
_SEEDS = {"pip", "setuptools", "wheel", "uv"}
#: How `uv export` calls an option of `uv sync`, and those that have no part in it.
_EXPORTED = {"--no-install-package": "--no-emit-package"}
_NOT_EXPORTED = {"--inexact", "--no-editable", "--no-install-project", "--no-install-workspace"}
#: Runs uv with some arguments on a copy of the manifests.
Export = Callable[[Sequence[str]], Output]
#: How many differences a person is told.
_TOLD = 3


@dataclass(frozen=True)
class Proof:
    """Whether an image was made from the host's lock.

    Args:
        fresh: Whether it was.
        how: What was compared, as it is said of an image: ``holds the host's uv.lock, byte for byte``.
        why: What differs, where something does.
    """

    fresh: bool
    how: str
    why: str = ""


@dataclass(frozen=True)
class Installed:
    """What an environment has.

    Args:
        packages: The versions by normalized name.
        markers: What environment markers see there.
        own: It is an environment of its own, and not all that the image's Python has.
    """

    packages: Mapping[str, str]
    markers: Mapping[str, str]
    own: bool


def lock_is_hosts(runner: ServiceRunner) -> bool | None:
    """Whether the image holds the host's lock, byte for byte; ``None`` without an image, or without a lock in it."""
    found = _remembered(runner, lambda: _by_lock(runner, _lock_in(runner)[1]))
    # One that was proved by what is installed has no lock.
    return None if found is None or found.how != _same_bytes(runner) else found.fresh


def prove(runner: ServiceRunner, export: Export) -> Proof | None:
    """Whether a service's image was made from the host's lock.

    A build may mount the lock instead of copying it. Then its packages are compared with what the lock says for that
    platform, those groups and extras. What was proved of an image once is known of it from then on (`proved`).

    Args:
        runner: The service.
        export: Runs uv with some arguments on a copy of the manifests.

    Returns:
        ``None`` without an image.

    Raises:
        UvdockError: The image holds neither a lock nor an environment to compare.
    """
    return _remembered(runner, lambda: _looked(runner, export))


def _remembered(runner: ServiceRunner, look: Callable[[], Proof | None]) -> Proof | None:
    """The proof that was made of an image once, else what looking says now."""
    asked = proved.question(runner)
    if asked is None:
        return None
    if how := proved.known(asked):
        return Proof(fresh=True, how=how)
    found = look()
    if found is not None and found.fresh:
        proved.keep(runner, asked, found.how)
    return found


def _by_lock(runner: ServiceRunner, content: bytes | None) -> Proof | None:
    """The proof by the bytes of the lock that is in an image; ``None`` where it has none."""
    if content is None:
        return None
    fresh = content == _bytes(runner)
    return Proof(fresh, _same_bytes(runner), "" if fresh else f"it holds another {runner.project.lock.name}")


def _looked(runner: ServiceRunner, export: Export) -> Proof:
    place, content = _lock_in(runner)
    if (found := _by_lock(runner, content)) is not None:
        return found
    image, engine = runner.service.image, runner.engine
    with engine.created(image, command=["true"]) as box:
        python = _python(runner, place, box, image)
    with engine.created(image, entrypoint=[python], command=["-I", "-c", _INSTALLED], network_disabled=True) as box:
        done = process.capture([*runner.stack.docker, "start", "--attach", box])
    return _compared(runner, place, _read(done, f"{image}, {python}"), export)


def prove_container(runner: ServiceRunner, place: ContainerFacts, name: str, export: Export) -> Proof:
    """Whether a running container that has no lock has what the host's lock says installed.

    Args:
        runner: The service.
        place: What is known of the container.
        name: The container's name.
        export: As for `prove`.

    Raises:
        UvdockError: There is no environment to compare.
    """
    python = _python(runner, place, place.container, f"container {name}")
    done = runner.engine.exec(place.container, [python, "-I", "-c", _INSTALLED])
    return _compared(runner, place, _read(done, f"container {name}, {python}"), export)


def export_args(sync: BuildSync, member: str = "") -> list[str]:
    """The arguments with which uv lists what an image's build installs.

    Args:
        sync: How the build installs.
        member: The member of the workspace in whose folder it does so; empty for the root.
    """
    args = ["export", "--frozen", "--quiet", "--no-hashes", "--no-header", "--no-annotate", "--no-emit-workspace"]
    args += [_EXPORTED.get(flag, flag) for flag in sync.flags if flag not in _NOT_EXPORTED]
    if member and not {"--package", "--all-packages"} & set(sync.flags):
        args += ["--package", member]
    return args


def differences(listed: str, installed: Installed, members: set[str], *, inexact: bool) -> list[str]:
    """What of an environment is not as `uv export` lists it, each in a few words.

    Args:
        listed: What uv printed.
        installed: What the environment has.
        members: The names of the workspace's own packages.
        inexact: Whether it may have more than that.
    """
    wrong: list[str] = []
    expected: set[str] = set()
    for text in listed.splitlines():
        line = _requirement(text)
        if line is None or not (line.marker is None or line.marker.evaluate(dict(installed.markers))):
            continue
        name = canonicalize_name(line.name)
        expected.add(name)
        found = installed.packages.get(name)
        if found is None:
            wrong.append(f"{name} is not installed")
        elif line.specifier and not line.specifier.contains(found, prereleases=True):
            wrong.append(f"{name} is {found} and not {str(line.specifier).removeprefix('==')}")
    if not inexact:
        wrong += [f"{name} is installed" for name in sorted({*installed.packages} - expected - members - _SEEDS)]
    return wrong


def _requirement(text: str) -> Requirement | None:
    """A line of `uv export` that names a package; ``None`` for a comment, an option, a path."""
    try:
        return Requirement(text.strip())
    except InvalidRequirement:
        return None


def _same_bytes(runner: ServiceRunner) -> str:
    return f"holds the host's {runner.project.lock.name}, byte for byte"


def _lock_in(runner: ServiceRunner) -> tuple[ContainerFacts, bytes | None]:
    engine = runner.engine
    with engine.created(runner.service.image, command=["true"]) as box:
        place = look(engine, box, runner.project, runner.built_in)
        return place, engine.read(box, place.folder / runner.project.lock.name)


def _compared(runner: ServiceRunner, place: ContainerFacts, installed: Installed, export: Export) -> Proof:
    lock = runner.project.lock
    listed = export(export_args(runner.sync, _member(runner, place)))
    if listed.code != 0:
        raise UvdockError(
            f"uv cannot say what the lock selects: {listed.error_text}",
            where=str(lock),
            fix="correct what uv names; the image is built, and nothing was recreated",
        )
    inexact = "--inexact" in runner.sync.flags or not installed.own
    members: set[str] = {canonicalize_name(name) for name in _member_names(runner)}
    wrong = differences(listed.text, installed, members, inexact=inexact)
    told = ", ".join(wrong[:_TOLD]) + (f" and {len(wrong) - _TOLD} more" if len(wrong) > _TOLD else "")
    return Proof(not wrong, f"has what {lock.name} says installed ({len(installed.packages)} packages compared)", told)


def _python(runner: ServiceRunner, place: ContainerFacts, container: str, where: str) -> str:
    """The Python of the environment in a container."""
    folders = (place.environment, place.folder / place.env.get("VIRTUAL_ENV", ".venv"))
    pythons = [str(folder / "bin/python") for folder in folders]
    engine = runner.engine
    found = next((python for python in pythons if engine.exists(container, python)), None)
    found = found or engine.which(container, "python3", place.path) or engine.which(container, "python", place.path)
    if found is None:
        name = runner.project.lock.name
        raise UvdockError(
            f"it holds no {name} and no Python, so it cannot be proved that it was made from the host's",
            where=f"{where}, folder {place.folder}",
            fix=f"copy pyproject.toml and {name} into the final stage, and keep {name} out of .dockerignore",
        )
    return found


def _read(done: Output, where: str) -> Installed:
    try:
        data: dict[str, Any] = json.loads(done.text)
    except ValueError as error:
        raise UvdockError(
            f"the packages there cannot be listed: {done.error_text or f'Python left {done.code}'}",
            where=where,
            fix="see that this Python starts there",
        ) from error
    packages: dict[str, str] = {canonicalize_name(name): version for name, version in data["packages"].items()}
    return Installed(packages, data["markers"], bool(data["own"]))


def _member(runner: ServiceRunner, place: ContainerFacts) -> str:
    """The name of the member in whose folder the image's build syncs; empty for the root."""
    folder = runner.project.folder / runner.synced(place)
    return "" if folder == runner.project.folder else _name(folder)


def _member_names(runner: ServiceRunner) -> list[str]:
    folders = [runner.project.folder, *workspace_members(runner.project.folder)]
    return [name for folder in folders if (name := _name(folder))]


def _name(folder: Path) -> str:
    return str(read_pyproject(folder / "pyproject.toml").get("project", {}).get("name", ""))


def _bytes(runner: ServiceRunner) -> bytes | None:
    lock = runner.project.lock
    return lock.read_bytes() if lock.is_file() else None
