"""Which index each package comes from: what only direct dependencies come from is asked for those alone."""

from __future__ import annotations

from uvdock.migrate.lock.project import ProjectMigration
from uvdock.migrate.lock.uv import Locked
from uvdock.migrate.model import Notice


def settle(work: ProjectMigration, locked: Locked) -> bool:
    """Make an extra index explicit where every package of it is a direct dependency.

    pip asks all indexes for everything, and so would anybody's package of the same name on one of them do. What
    others need from an index cannot name it in ``[tool.uv.sources]``; then it stays open to all packages.

    Returns:
        Whether anything changed, so that the manifest is to be written again.
    """
    direct = {entry.wanted.key for _, entry in work.layout().entries if not entry.wanted.source}
    changed = False
    for index in work.settings.indexes:
        if index.default:
            continue
        url = index.url.rstrip("/")
        packages = locked.data.get("package", [])
        from_it = {one["name"] for one in packages if one.get("source", {}).get("registry", "").rstrip("/") == url}
        if from_it and from_it <= direct:
            index.explicit = changed = True
            work.origins |= {name: {"index": index.name} for name in sorted(from_it)}
        elif not from_it:
            what = f"no package in the lock comes from {index.url}"
            work.findings.append(Notice(work.manifest, 0, "note", what, "take the index out if it is of no use"))
    return changed
