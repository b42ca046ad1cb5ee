"""A lock that a merge left in conflict: nobody settles it by hand, for it follows from the manifests."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from uvdock import dry, process
from uvdock.deps import lockfile, sync
from uvdock.errors import UvdockError
from uvdock.project import Project

#: Git's stages of a file in conflict: 1 is what both sides came from, 2 ours, 3 theirs (gitrevisions(7)).
_OURS = ":2:./"


@contextmanager
def settled(project: Project) -> Iterator[bool]:
    """While it lasts, a lock in conflict is this side's, as it was before the merge; uv keeps its versions.

    When what is done meanwhile fails, the lock in conflict is put back.

    Args:
        project: The project.

    Returns:
        Whether the lock was in conflict.

    Raises:
        UvdockError: It is, and git does not have this side's.
    """
    content = project.lock.read_bytes() if project.lock.is_file() else b""
    if not lockfile.is_in_conflict(content):
        yield False
        return
    if dry.on():
        yield True
        return
    sync.replace_all({project.lock: _ours(project)})
    try:
        yield True
    except BaseException:
        sync.replace_all({project.lock: content})
        raise


def _ours(project: Project) -> bytes:
    found = process.capture(["git", "show", f"{_OURS}{project.lock.name}"], cwd=project.folder)
    if found.code != 0:
        raise UvdockError(
            f"{project.lock.name} has the marks of a merge in it, and git knows of no conflict",
            where=str(project.lock),
            fix="take it from a commit, `git checkout HEAD~1 -- uv.lock`, or delete it; then run deps.lock",
        )
    return found.stdout
