"""Where a shell text runs, and what is there already."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal

from uvdock.formats.shell.words import Dialect
from uvdock.migrate.commands.sync import Sync
from uvdock.migrate.model import Install, RepoFacts

#: Prefixes of an interpreter's own packages: what else is installed there has to survive.
SYSTEM = ("/usr/local", "/usr", "system")
#: An environment at an unknown place.
UNKNOWN = "?"


@dataclass(frozen=True)
class Names:
    """What the names of files and folders in a text mean.

    Args:
        folder: The folder that the text runs in, from the repo root: relative names are looked up there.
        locate: The path from the repo root that a name means, where it is not found by ``folder``; ``None`` where it
            cannot be told.
        spell: How the text has to name a project's folder, where ``folder`` does not say it; empty for the folder that
            it runs in, ``None`` where the project is not there.
        whole: The whole name of a folder that the text names; itself where it cannot be told.
        enter: The names after `cd` to a folder, where ``folder`` does not say it.
        itself: For a script, the names after `cd` to a folder that is told from the script's own (`$(dirname "$0")`):
            ``..``, or nothing for that folder itself.
    """

    folder: Path = Path()
    locate: Callable[[str], Path | None] | None = None
    spell: Callable[[Path], str | None] | None = None
    whole: Callable[[str], str] = str
    enter: Callable[[str], Names] | None = None
    itself: Callable[[str], Names] | None = None

    def moved(self, folder: str | None) -> Names:
        """The same in another folder; ``None`` for one that cannot be told, where no relative name means anything."""
        if folder is not None and self.enter is not None:
            return self.enter(folder)
        if folder is not None and self.locate is None and not re.search(r"[$~`*]|^/|^-", folder):
            return replace(self, folder=Path(os.path.normpath(self.folder / folder)))
        return replace(self, locate=lambda _: None, enter=None)


@dataclass(frozen=True)
class ExecutionContext:
    """Where a shell text runs.

    Args:
        path: The file that it stands in, from the repo root.
        kind: ``build`` for an image's build, ``ci`` for a workflow's step, ``script`` for all others.
        line: The file's line, from 1, where the text begins.
        names: What the names in it mean.
        dialect: Whose shell text it is.
        environment: Where pip installs to here when nothing in the text says otherwise: a folder (``/opt/venv``,
            ``/usr/local``), ``system`` for an interpreter's own packages whose folder is not known, and nothing for
            the project's own environment.
        user_environment: The same for ``--user``.
        project_environment: What ``UV_PROJECT_ENVIRONMENT`` is here; empty for the project's ``.venv``.
        active: What ``VIRTUAL_ENV`` is here.
        activated: The environment that the text itself has activated.
        before: The `uv sync` that ran before on the environments.
        extra: Whether packages that are not in the lock were put there before.
        written: The requirements files that the text itself writes: what they say then is known to nobody.
        gone: Virtual environments that `uv sync` makes, so that nothing else has to.
        wheels: Folders of wheels that were built from the requirements, and are an environment now.
        wheel_environment: The environment in place of those wheels.
        cached: Whether uv has a cache there that is kept between runs, so that it needs not be told to have none.
        seeded: Whether new virtual environments have to have pip, for something that stays uses it.
        managed: Whether Poetry and Pipenv make an environment of their own here.
    """

    path: Path
    kind: Literal["build", "script", "ci"] = "script"
    line: int = 1
    names: Names = field(default_factory=Names)
    dialect: Dialect = field(default_factory=Dialect)
    environment: str = ""
    user_environment: str = ""
    project_environment: str = ""
    active: str = ""
    activated: str = ""
    before: tuple[Sync, ...] = ()
    extra: bool = False
    written: frozenset[Path] = frozenset()
    gone: frozenset[str] = frozenset()
    wheels: frozenset[str] = frozenset()
    wheel_environment: str = ""
    cached: bool = True
    seeded: bool = False
    managed: bool = True

    def find(self, name: str) -> Path | None:
        """The path from the repo root that a name means; ``None`` where it cannot be told or is outside."""
        if self.names.locate is not None:
            return self.names.locate(name)
        if name.startswith("/") or "$" in name or "://" in name:
            return None
        found = Path(os.path.normpath(self.names.folder / name))
        return None if ".." in found.parts else found

    def install(self, name: str, facts: RepoFacts) -> tuple[Path, Install] | None:
        """The requirements file that a name means, and what takes its place."""
        found = self.find(name)
        return (found, facts.installs[found]) if found is not None and found in facts.installs else None

    def project(self, name: str, facts: RepoFacts) -> Install | None:
        """What takes the place of installing the project whose folder a name means."""
        folder = self.find(name)
        if folder is None or all(one.folder != folder for one in facts.projects):
            return None
        manifests = [folder / name for name in ("pyproject.toml", "setup.py", "setup.cfg")]
        known = [facts.installs[path] for path in manifests if path in facts.installs]
        return replace(known[0], project=folder) if known else Install(folder)

    def named(self, project: Path) -> str | None:
        """How to name a project's folder here; empty for the folder that the text runs in."""
        if self.names.spell is not None:
            return self.names.spell(project)
        name = os.path.relpath(project, self.names.folder)
        return "" if name == "." else name
