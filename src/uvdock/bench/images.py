"""Building the service's image of a tree: without cache, unchanged, and after one changed dependency.

Always of a copy and under a name of its own: neither the repo's files nor its images change.
"""

from __future__ import annotations

import io
import os
import re
import shutil
import tarfile
import uuid
from dataclasses import dataclass, replace
from pathlib import Path

from uvdock import process
from uvdock.bench.figures import CACHED, CHANGED, NO_CACHE
from uvdock.bench.timing import Contender, check
from uvdock.engine.services import choose_service
from uvdock.engine.stack import Service, Stack
from uvdock.errors import UvdockError
from uvdock.project import Project, dotenv, find_compose_files
from uvdock.settings import Settings

#: What no build needs and may be large.
_NOT_COPIED = (".git", ".venv", "venv", "node_modules", "__pycache__", ".mypy_cache", ".ruff_cache", ".pytest_cache")
#: Small packages without dependencies; the first that is not there yet is the one that is added.
_ADDED = ("iniconfig", "six", "toolz", "pluggy", "tomli")
_REQUIREMENTS = re.compile(r"[\w./-]*requirements[\w./-]*\.(?:txt|in)")


@dataclass(frozen=True)
class Tree:
    """One state of the repo, copied: as it is, at a git ref, or another folder.

    Args:
        who: Its name in the results.
        root: The copy's root.
        stack: Its Compose project.
        service: The service that is built.
        manifest: The file that names its dependencies; ``None`` where there is none that uvdock knows.
    """

    who: str
    root: Path
    stack: Stack
    service: Service
    manifest: Path | None

    @property
    def tag(self) -> str:
        """The name of the image that is built."""
        return f"{self.root.name.lower()}:uvdock"


def copy(source: Path, ref: str, place: Path) -> Path:
    """Copy a repo.

    Args:
        source: Its root.
        ref: A git ref of it; empty for the files as they are.
        place: Where the copy goes.

    Raises:
        UvdockError: There is no such ref.
    """
    folder = place / f"bench-{uuid.uuid4().hex[:10]}"
    if not ref:
        shutil.copytree(source, folder, symlinks=True, ignore=shutil.ignore_patterns(*_NOT_COPIED))
        return folder
    found = process.capture(["git", "-C", str(source), "archive", "--format", "tar", ref, "--", "."], cwd=source)
    if found.code != 0:
        raise UvdockError(
            f"{ref!r} is neither a folder nor a git ref of this repo: {found.error_text}",
            where=str(source),
            fix="give a folder, or what `git rev-parse` knows: a branch, a tag, a commit",
            code=2,
        )
    with tarfile.open(fileobj=io.BytesIO(found.stdout)) as archive:
        if hasattr(tarfile, "data_filter"):
            archive.extractall(folder, filter="data")
        else:
            # Before Python 3.11.4 there is none, and git made it of a repo of one's own.
            archive.extractall(folder)  # noqa: S202
    # No commit has it, and Compose reads it.
    if (source / ".env").is_file() and not (folder / ".env").exists():
        shutil.copy(source / ".env", folder)
    return folder


def tree(who: str, root: Path, inside: Path, settings: Settings) -> Tree:
    """What is built of a copy.

    Args:
        who: Its name in the results.
        root: The copy's root.
        inside: The project's folder, from the root.
        settings: The repo's settings.

    Raises:
        UvdockError: It has no Compose file, or no service that is built.
    """
    files = find_compose_files(root, settings, os.environ)
    if not files:
        raise UvdockError(
            f"{who} has no Compose file, so it is not known what to build",
            where=str(root),
            fix="name a ref or a folder that has one, or leave the images out with --no-images",
        )
    stack = Stack(root, files, settings.context, os.environ, dotenv(root))
    project = root / inside
    service = choose_service(stack, Project(project), settings.service, settings.sources.get("service", "the settings"))
    return Tree(who, root, stack, service, find_manifest(root, project, service))


def find_manifest(root: Path, project: Path, service: Service) -> Path | None:
    """The file whose change makes a build install again: the lock's pyproject.toml, or the requirements it installs.

    Args:
        root: The tree's root.
        project: The project's folder.
        service: The service that is built.
    """
    text = service.dockerfile or ""
    if (project / "uv.lock").is_file() and (project / "pyproject.toml").is_file():
        return project / "pyproject.toml"
    folders = [folder for folder in (service.context, project, root) if folder is not None]
    paths = [folder / name.lstrip("/") for name in map(str, _REQUIREMENTS.findall(text)) for folder in folders]
    return next((path for path in paths if path.is_file()), None)


def contenders(found: Tree, uv: str | None) -> list[Contender]:
    """The builds of a tree.

    Args:
        found: The tree.
        uv: The host's uv, which locks the changed dependency.
    """
    stack = found.stack
    argv, model = stack.build_as(found.service, found.tag)
    untouched: dict[Path, bytes] = {}

    def restore() -> None:
        for path, content in untouched.items():
            path.write_bytes(content)

    def keep() -> None:
        # What this run built is the next one's cache, whichever of them that is.
        check(argv, stack.root, stack.env, "docker compose build", model)

    def unchanged() -> None:
        restore()
        keep()

    def change() -> None:
        unchanged()
        assert found.manifest is not None
        for path in (found.manifest, found.manifest.with_name("uv.lock")):
            if path.is_file():
                untouched[path] = path.read_bytes()
        add_dependency(found.manifest, uv)

    base = Contender(NO_CACHE, found.who, restore, [*argv, "--no-cache"], stack.root, stack.env, stdin=model)
    base = replace(
        base, remark="cache mounts outlive --no-cache" if "type=cache" in (found.service.dockerfile or "") else ""
    )
    made = [base, replace(base, group=CACHED, argv=argv, prepare=unchanged, remark="")]
    if found.manifest is not None:
        remark = f"{found.manifest.name} with one more"
        made.append(replace(base, group=CHANGED, argv=argv, prepare=change, after=restore, remark=remark))
    return made


def add_dependency(manifest: Path, uv: str | None) -> None:
    """Add a small dependency, and a line that no earlier build has seen.

    Args:
        manifest: A pyproject.toml beside its uv.lock, or a requirements file.
        uv: The uv that locks.

    Raises:
        UvdockError: It could not be locked.
    """
    text = manifest.read_text(encoding="utf-8")
    there = text + (manifest.with_name("uv.lock").read_text(encoding="utf-8") if manifest.suffix == ".toml" else "")
    name = next((item for item in _ADDED if item not in there), _ADDED[0])
    if manifest.suffix != ".toml":
        manifest.write_text(f"{text.rstrip()}\n{name}\n# {uuid.uuid4()}\n", encoding="utf-8")
        return
    if uv is None:
        raise UvdockError(
            "uv was not found on this machine, so no changed dependency can be locked",
            where="PATH, and the environment uvdock is installed in",
            fix="install uvdock[uv], which brings uv, or install uv itself",
            code=127,
        )
    check([uv, "add", "--no-sync", "--quiet", name], manifest.parent, os.environ, f"uv add {name}")
    with manifest.open("a", encoding="utf-8") as file:
        file.write(f"\n# {uuid.uuid4()}\n")


def remove(found: Tree) -> None:
    """Remove the image that was built."""
    process.capture([*found.stack.docker, "image", "rm", "--force", found.tag], env=found.stack.env)
