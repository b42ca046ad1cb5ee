"""What one `pip install` names: requirements files, projects of the repo, packages."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path

from uvdock.formats.shell.words import Word
from uvdock.migrate.commands.context import ExecutionContext
from uvdock.migrate.commands.pip import INSTALLERS, PipCommand
from uvdock.migrate.commands.translation import LeftError
from uvdock.migrate.discover.requirement import name_in
from uvdock.migrate.model import Install, RepoFacts

_LOCAL = re.compile(r"(?P<path>\.{0,2}(?:/[^\[\]]*)?|\.)(?:\[(?P<extras>[\w.,\s-]+)\])?")
_VARIABLE = re.compile(r"\$(?:\{(\w+)\}|\((\w+)\)|(\w+))")


@dataclass
class Targets:
    """What one install names.

    Args:
        installs: What takes the place of each requirements file, group and project.
        projects: The projects of the repo, and whether each is only installed as editable.
        packages: The packages that the lock does not have by this.
        installers: Those by which packages are installed: uv needs none of them.
        cases: For a requirements file whose name has a variable, what each of its values installs.
        variable: That variable.
    """

    installs: list[Install] = field(default_factory=list)
    projects: dict[Path, bool] = field(default_factory=dict)
    packages: list[Word] = field(default_factory=list)
    installers: list[Word] = field(default_factory=list)
    cases: dict[str, Install] = field(default_factory=dict)
    variable: str = ""

    @property
    def in_lock(self) -> list[Install]:
        """What of it the lock has, whatever the variable is."""
        return [*self.installs, *self.cases.values()]


def read(call: PipCommand, place: ExecutionContext, facts: RepoFacts) -> Targets:
    """What an install names.

    Raises:
        LeftError: Something of it cannot be told.
    """
    reader = _TargetReader(place, facts)
    synced = call.kind == "sync"
    lists = [word.text for word in call.operands] or ["requirements.txt"] if synced else call.values("--requirement")
    for name in lists:
        reader.requirements(name, alone=len(lists) == 1)
    for value in call.values("--group"):
        reader.group(value)
    for option in call.options:
        if option.name == "--editable":
            reader.requirement(option.words[-1], option.value or "", editable=True)
    for word in () if synced else call.operands:
        if name_in(word.text) in INSTALLERS | used(facts):
            reader.targets.installers.append(word)
        else:
            reader.requirement(word, word.text, editable=False)
    return reader.targets


def used(facts: RepoFacts) -> frozenset[str]:
    """The programs whose projects are migrated: nothing has to install them any more."""
    found = set()
    for path in facts.installs:
        if path.name in ("Pipfile", "Pipfile.lock"):
            found.add("pipenv")
        elif path.name == "poetry.lock" or (
            path.name == "pyproject.toml" and "[tool.poetry" in facts.files.get(path, "")
        ):
            found.add("poetry")
    return frozenset(found)


class _TargetReader:
    """Adds what the words of an install name, one after the other."""

    def __init__(self, place: ExecutionContext, facts: RepoFacts) -> None:
        self.place, self.facts, self.targets = place, facts, Targets()

    def requirements(self, name: str, *, alone: bool) -> None:
        """Add a requirements file."""
        found = self.place.install(name, self.facts)
        if found is None and name.endswith(".txt"):
            # Compiled where it runs, by what went.
            found = self.place.install(f"{name[:-4]}.in", self.facts)
        if found is None and alone and _VARIABLE.search(name):
            self._cases(name)
        elif found is None:
            raise LeftError(f"{name} is not a requirements file of this migration", "`uv sync --locked`")
        elif found[0] in self.place.written:
            instead = "`uv sync` with `--no-install-package`, or a dependency group without them"
            raise LeftError(f"{name} is changed before it is installed", instead)
        else:
            self.targets.installs.append(found[1])

    def group(self, value: str) -> None:
        """Add a dependency group, as pip 25.1 and later installs it."""
        manifest, _, name = value.rpartition(":")
        found = self.place.project(manifest.removesuffix("pyproject.toml").rstrip("/") or ".", self.facts)
        if found is None or not re.fullmatch(r"[\w.-]+", name):
            raise LeftError(f"the dependency group {value} of an unknown project", "`uv sync --only-group`")
        self.targets.installs.append(Install(found.project, ("--only-group", name)))

    def requirement(self, word: Word, name: str, *, editable: bool) -> None:
        """Add a project of the repo, or a package."""
        local = _LOCAL.fullmatch(name)
        if local is None or not name:
            if "$" in name:
                raise LeftError(f"{word.raw} is only known at run time", "`uv add` what it names")
            if editable and not name.startswith(("git+", "hg+", "svn+", "bzr+")):
                local = _LOCAL.fullmatch(f"./{name}")
            if local is None:
                self.targets.packages.append(word)
                return
        found = self.place.project(local["path"] or ".", self.facts)
        if found is None and (word.dynamic or local["path"].endswith((".whl", ".gz", ".zip", "*"))):
            raise LeftError(f"{name} is not in the repo", "`uv add` it, or `uv pip install`")
        if found is None:
            instead = "`uv add --editable` it" if editable else "`uv add` it"
            raise LeftError(f"{name} is no project that is known", instead)
        extras = [one.strip() for one in (local["extras"] or "").split(",") if one.strip()]
        flags = (*found.flags, *(flag for extra in extras for flag in ("--extra", extra)))
        self.targets.installs.append(Install(found.project, flags, itself=True))
        self.targets.projects[found.project] = editable and self.targets.projects.get(found.project, True)

    def _cases(self, name: str) -> None:
        """Add the requirements files that a name with one variable may mean, by the variable's value."""
        variables = {found[1] or found[2] or found[3] for found in _VARIABLE.finditer(name)}
        found: dict[str, Install] = {}
        for path in self.facts.installs.keys() - self.place.written:
            stem = path.name.rpartition(".")[0] or path.name
            parts = {stem, path.name, str(path), path.parent.name, *re.split(r"[-_.]", stem)}
            parts |= {stem.partition("-")[2], stem.partition("_")[2], str(path)[: -len(path.suffix) or None]}
            for value in parts - {""}:
                meant = self.place.install(_VARIABLE.sub(value.replace("\\", ""), name), self.facts)
                if meant is not None and meant[0] == path:
                    found[value] = meant[1]
        if len(variables) != 1 or not found or len({install.project for install in found.values()}) > 1:
            raise LeftError(f"which file {name} is depends on a variable", "`uv sync --locked --group NAME`")
        self.targets.variable, self.targets.cases = variables.pop(), dict(sorted(found.items()))
