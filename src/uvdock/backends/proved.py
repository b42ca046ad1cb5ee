"""Which images were proved against which lock: what an image holds never changes, so the same question has one answer.

Only a proof that was made is kept, never what a label says: a label tells for which lock a build was asked, and not
what the Dockerfile did with it.
"""

from __future__ import annotations

import hashlib

from uvdock import dry
from uvdock.backends.service import ServiceRunner
from uvdock.deps import metadata_cache
from uvdock.project import workspace_members

_FILE = "proofs.json"
#: Another one where the way of proving changes: what the old way proved counts for nothing then.
_WAY = "1"


def question(runner: ServiceRunner) -> str | None:
    """All that a proof depends on, as a short text; ``None`` without an image. One question to the engine.

    Args:
        runner: The service.
    """
    identity = runner.engine.identity(runner.service.image)
    if identity is None:
        return None
    project = runner.project
    members = [folder / "pyproject.toml" for folder in workspace_members(project.folder)]
    said = [_WAY, identity, project.lock.name, repr(runner.sync)]
    for file in (project.lock, project.manifest, *members):
        content = file.read_bytes() if file.is_file() else b""
        said += [str(file.relative_to(project.folder)), hashlib.sha256(content).hexdigest()]
    return hashlib.sha256(repr(said).encode()).hexdigest()


def known(asked: str) -> str | None:
    """How an image was proved; ``None`` where it was not.

    Args:
        asked: The `question`.
    """
    return next(iter(metadata_cache.read(_FILE).get(asked, ())), None)


def keep(runner: ServiceRunner, asked: str, how: str) -> None:
    """Keep that an image was proved, unless the image or a file became another one meanwhile.

    Args:
        runner: The service.
        asked: The `question`, as it was before.
        how: How it was proved.
    """
    if not dry.on() and question(runner) == asked:
        metadata_cache.add({asked: [how]}, _FILE)
