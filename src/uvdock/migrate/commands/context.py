"""Where a shell text runs, and what is there already."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from uvdock.migrate.commands.sync import Sync
from uvdock.migrate.model import Install, ProjectFacts, RepoFacts

#: Prefixes of an interpreter's own packages: what else is installed there has to survive.
SYSTEM = ("/usr/local", "/usr", "system")
#: An environment at an unknown place.
UNKNOWN = "?"


@dataclass(frozen=True)
class ExecutionContext:
    """Where a shell text runs.

    Args:
        path: The file that it stands in, from the repo root.
        kind: ``build`` for an image's build, ``script`` for a script, a Compose command or a Procfile, ``ci`` for a
            workflow's step, ``make`` for a recipe, where ``$(NAME)`` is a variable.
        line: The file's line, from 1, where the text begins.
        folder: The folder that it runs in, from the repo root: relative names are looked up there.
        environment: Where pip installs to here when nothing in the text says otherwise: a folder (``/opt/venv``,
            ``/usr/local``), ``system`` for an interpreter's own packages whose folder is not known, and nothing for
            the project's own environment.
        user_environment: The same for ``--user``.
        project_environment: What ``UV_PROJECT_ENVIRONMENT`` is here; empty for the project's ``.venv``.
        active: What ``VIRTUAL_ENV`` is here.
        before: The `uv sync` that ran before on the environments.
        extra: Whether packages that are not in the lock were put there before.
        locate: The path from the repo root that a name in the text means, where it is not found by ``folder``;
            ``None`` where it cannot be told.
        spell: How the text has to name a project's folder; empty for the folder that it runs in.
        gone: Virtual environments that `uv sync` makes, so that nothing else has to.
        wheels: Folders of wheels that were built from the requirements, and are an environment now.
        wheel_environment: The environment in place of those wheels.
        comments: Whether comment lines may stand between continued lines, as in a Dockerfile.
        escape: What continues a line.
        absolute: The whole name of a folder that the text names; itself where it cannot be told.
        cached: Whether uv has a cache there that is kept between runs, so that it needs not be told to have none.
        enter: The place after `cd` to a folder, where ``folder`` does not say it.
        itself: For a script, the place after `cd` to a folder that is told from the script's own (`$(dirname "$0")`):
            ``..``, or nothing for that folder itself.
        seeded: Whether new virtual environments have to have pip, for something that stays uses it.
        managed: Whether Poetry and Pipenv make an environment of their own here.
    """

    path: Path
    kind: Literal["build", "script", "ci", "make"] = "script"
    line: int = 1
    folder: Path = Path()
    environment: str = ""
    user_environment: str = ""
    project_environment: str = ""
    active: str = ""
    before: tuple[Sync, ...] = ()
    extra: bool = False
    locate: Callable[[str], Path | None] | None = None
    spell: Callable[[Path], str | None] | None = None
    gone: frozenset[str] = frozenset()
    wheels: frozenset[str] = frozenset()
    wheel_environment: str = ""
    comments: bool = False
    escape: str = "\\"
    absolute: Callable[[str], str] | None = None
    cached: bool = True
    seeded: bool = False
    managed: bool = True
    enter: Callable[[str], ExecutionContext] | None = None
    itself: Callable[[str], ExecutionContext] | None = None

    def moved(self, folder: str | None) -> ExecutionContext:
        """The same in another folder; ``None`` for one that cannot be told, where no relative name means anything."""
        if folder is not None and self.enter is not None:
            return self.enter(folder)
        if folder is not None and self.locate is None and not re.search(r"[$~`*]|^/|^-", folder):
            return replace(self, folder=Path(os.path.normpath(self.folder / folder)))
        return replace(self, locate=lambda _: None, enter=None)

    def whole(self, name: str) -> str:
        """The whole name of a folder that the text names."""
        return self.absolute(name) if self.absolute is not None else name

    def find(self, name: str) -> Path | None:
        """The path from the repo root that a name means; ``None`` where it cannot be told or is outside."""
        if self.locate is not None:
            return self.locate(name)
        if name.startswith("/") or "$" in name or "://" in name:
            return None
        found = Path(os.path.normpath(self.folder / name))
        return None if ".." in found.parts else found

    def install(self, name: str, facts: RepoFacts) -> tuple[Path, Install] | None:
        """The requirements file that a name means, and what takes its place."""
        found = self.find(name)
        return (found, facts.installs[found]) if found is not None and found in facts.installs else None

    def project(self, name: str, facts: RepoFacts) -> tuple[ProjectFacts, Install] | None:
        """The project whose folder a name means, and what takes the place of installing it."""
        folder = self.find(name)
        for one in facts.projects:
            if folder == one.folder:
                for manifest in ("pyproject.toml", "setup.py", "setup.cfg"):
                    if folder / manifest in facts.installs:
                        return one, facts.installs[folder / manifest]
                return one, Install(one.folder)
        return None

    def named(self, project: Path) -> str | None:
        """How to name a project's folder here; empty for the folder that the text runs in."""
        if self.spell is not None:
            return self.spell(project)
        name = os.path.relpath(project, self.folder)
        return "" if name == "." else name
