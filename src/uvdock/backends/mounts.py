"""What is mounted into a container: where a path in it is on the host, if it is there at all."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any, NamedTuple


class Mount(NamedTuple):
    """One mount: the host's folder or file, ``None`` for a volume and the like; its place; whether it is writable."""

    source: Path | None
    target: PurePosixPath
    writable: bool


@dataclass(frozen=True)
class Mounts:
    """The mounts of a container."""

    items: tuple[Mount, ...] = ()

    @classmethod
    def of(cls, details: Mapping[str, Any]) -> Mounts:
        """Read them from what `docker inspect` says of a container."""
        return cls(
            tuple(
                Mount(
                    _source(str(item["Source"])) if item.get("Type") == "bind" else None,
                    PurePosixPath(item["Destination"]),
                    bool(item.get("RW")),
                )
                for item in details.get("Mounts") or []
            )
        )

    def nearest(self, path: PurePosixPath) -> Mount | None:
        """The mount that ``path`` is on; ``None`` where it is in the container's own file system."""
        around = [item for item in self.items if path.is_relative_to(item.target)]
        return max(around, key=lambda item: len(item.target.parts), default=None)

    def host_path(self, path: PurePosixPath) -> Path | None:
        """Where ``path`` is on the host; ``None`` where it is not of the host."""
        mount = self.nearest(path)
        if mount is None or mount.source is None:
            return None
        return mount.source.joinpath(*path.relative_to(mount.target).parts)

    def is_file_mount(self, path: PurePosixPath) -> bool:
        """Whether ``path`` is mounted on its own, so that it stays the old file when the host's is replaced."""
        return any(item.target == path for item in self.items)

    def targets_of(self, folder: Path) -> list[PurePosixPath]:
        """Where the host's ``folder`` is in the container, the place through the mount nearest to it first."""
        around = [
            item
            for item in self.items
            if item.source is not None and folder.is_relative_to(item.source) and item.source.is_dir()
        ]
        around.sort(key=lambda item: -len(item.source.parts) if item.source else 0)
        found = [item.target.joinpath(*folder.relative_to(item.source).parts) for item in around if item.source]
        return [path for path in found if self.host_path(path) == folder]


def _source(text: str) -> Path:
    # Docker Desktop shows the host's folders below /host_mnt.
    return Path(text.removeprefix("/host_mnt") or "/").resolve()
