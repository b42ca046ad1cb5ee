"""Running uv on a copy of the manifests, in a folder that is gone afterwards."""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from uvdock import process
from uvdock.backends import DryRunResult
from uvdock.deps import manifest
from uvdock.deps.manifest import Manifests
from uvdock.project import Project


def copied(project: Project, edits: Mapping[Path, bytes], *, alone: bool = False) -> Manifests:
    """What of a project uv reads, with some contents in place of the host's.

    Args:
        project: The project.
        edits: Those contents, by whole paths; further files too.
        alone: Take no other file along.

    Raises:
        UvdockError: There is no pyproject.toml, or a manifest cannot be read.
    """
    found = manifest.collect(project)
    if alone:
        found = Manifests(base=project.folder, cwd=Path(), files=(), owned=())
    return replace(found, cwd=project.folder.relative_to(found.base)).edited(edits)


def run(uv: str, args: Sequence[str], manifests: Manifests, env: Mapping[str, str]) -> DryRunResult:
    """Run uv where only these manifests are, and collect its output and what it changed of them or made.

    Args:
        uv: The program.
        args: Its arguments.
        manifests: The manifests.
        env: Further variables.
    """
    sent = manifests.read()
    with tempfile.TemporaryDirectory(prefix="uvdock-") as name:
        folder = Path(name).resolve()
        for path, content in sent.items():
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / path).write_bytes(content)
        output = process.capture([uv, *args], env={**os.environ, **env}, cwd=folder / manifests.cwd)
        names = {*manifests.owned, *sent}
        after = {path: (folder / path).read_bytes() for path in names if (folder / path).is_file()}
    changed = {manifests.base / path: content for path, content in after.items() if content != sent.get(path)}
    return DryRunResult(output, changed)


def metadata(uv: str, pins: Sequence[str], manifest: bytes) -> list[str]:
    """The metadata of some releases, by letting uv put their wheels into a folder.

    Args:
        uv: The program.
        pins: The releases: ``flask==3.1.3``.
        manifest: A pyproject.toml whose ``[tool.uv]`` says where packages come from.

    Returns:
        The texts of their METADATA files; nothing when uv could not get all of them.
    """
    with tempfile.TemporaryDirectory(prefix="uvdock-") as name:
        folder = Path(name).resolve()
        (folder / "pyproject.toml").write_bytes(manifest)
        args = ["pip", "install", "--quiet", "--target", "site", "--no-deps", "--no-build", "--python", sys.executable]
        if process.capture([uv, *args, *pins], cwd=folder).code != 0:
            return []
        found = sorted((folder / "site").glob("*.dist-info/METADATA"))
        return [path.read_text(encoding="utf-8", errors="replace") for path in found]
