"""What one `pip install` names: requirements files, projects of the repo, packages."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from uvdock.formats.shell.words import Word
from uvdock.migrate.commands.context import ExecutionContext
from uvdock.migrate.commands.decision import LeftError
from uvdock.migrate.commands.managers import used
from uvdock.migrate.commands.pip import INSTALLERS, PipCommand
from uvdock.migrate.discover.requirement import name_in
from uvdock.migrate.model import Install, RepoFacts

_LOCAL = re.compile(r"(?P<path>\.{0,2}(?:/[^\[\]]*)?|\.)(?:\[(?P<extras>[\w.,\s-]+)\])?")
_VARIABLE = re.compile(r"\$(?:\{(\w+)\}|\((\w+)\)|(\w+))")


@dataclass(frozen=True)
class InstallTargets:
    """What one `pip install` names."""

    files: tuple[tuple[Path, Install], ...]
    projects: tuple[tuple[Path, Install, bool], ...]
    packages: tuple[Word, ...]
    installers: tuple[Word, ...]
    cases: tuple[tuple[str, Install], ...] = ()
    variable: str = ""

    @property
    def in_lock(self) -> bool:
        """Whether it names anything that the lock has."""
        return bool(self.files or self.projects or self.cases)


class TargetReader:
    """Reads what installs name.

    Args:
        facts: What is known of the repo.
        place: Where they run.
        written: The requirements files, from the repo root, that the text itself writes.
    """

    def __init__(self, facts: RepoFacts, place: ExecutionContext, written: frozenset[str]) -> None:
        self.facts, self.place, self.written = facts, place, written

    def read(self, call: PipCommand) -> InstallTargets:
        """What a call names.

        Raises:
            LeftError: Something of it cannot be told.
        """
        files: list[tuple[Path, Install]] = []
        projects: list[tuple[Path, Install, bool]] = []
        packages: list[Word] = []
        installers: list[Word] = []
        names = call.values("--requirement")
        if call.kind == "sync":
            names = [word.text for word in call.operands] or ["requirements.txt"]
        variable, cases = "", tuple[tuple[str, Install], ...]()
        for name in names:
            found = self._file(name)
            if found is not None:
                files.append(found)
            elif _VARIABLE.search(name) and len(names) == 1:
                variable, cases = self._cases(name)
            else:
                raise LeftError(f"{name} is not a requirements file of this migration", "`uv sync --locked`")
        files += [self._group(value) for value in call.values("--group")]
        for option in call.options:
            if option.name == "--editable":
                self._add(option.words[-1], option.value or "", projects, packages, editable=True)
        gone = used(self.facts)
        for word in call.operands if call.kind != "sync" else ():
            name = name_in(word.text)
            if name in INSTALLERS or name in gone:
                installers.append(word)
            else:
                self._add(word, word.text, projects, packages, editable=False)
        return InstallTargets(tuple(files), tuple(projects), tuple(packages), tuple(installers), cases, variable)

    def _file(self, name: str) -> tuple[Path, Install] | None:
        found = self.place.install(name, self.facts)
        if found is None and name.endswith(".txt"):
            # Compiled where it runs, by what went.
            found = self.place.install(f"{name[:-4]}.in", self.facts)
        if found is not None and str(found[0]) in self.written:
            instead = "`uv sync` with `--no-install-package`, or a dependency group without them"
            raise LeftError(f"{name} is changed before it is installed", instead)
        return found

    def _group(self, value: str) -> tuple[Path, Install]:
        """A dependency group, as pip 25.1 and later installs it."""
        manifest, _, name = value.rpartition(":")
        found = self.place.project(manifest.removesuffix("pyproject.toml").rstrip("/") or ".", self.facts)
        if found is None or not re.fullmatch(r"[\w.-]+", name):
            raise LeftError(f"the dependency group {value} of an unknown project", "`uv sync --only-group`")
        return found[0].folder / "pyproject.toml", Install(found[0].folder, ("--only-group", name))

    def _add(
        self, word: Word, name: str, projects: list[tuple[Path, Install, bool]], packages: list[Word], *, editable: bool
    ) -> None:
        local = _LOCAL.fullmatch(name)
        if local is None or not name:
            if "$" in name:
                raise LeftError(f"{word.raw} is only known at run time", "`uv add` what it names")
            if editable and not name.startswith(("git+", "hg+", "svn+", "bzr+")):
                local = _LOCAL.fullmatch(f"./{name}")
            if local is None:
                packages.append(word)
                return
        found = self.place.project(local["path"] or ".", self.facts)
        if found is None:
            if word.dynamic or local["path"].endswith((".whl", ".gz", ".zip", "*")):
                raise LeftError(f"{name} is not in the repo", "`uv add` it, or `uv pip install`")
            raise LeftError(
                f"{name} is no project that is known", "`uv add --editable` it" if editable else "`uv add` it"
            )
        extras = [one.strip() for one in (local["extras"] or "").split(",") if one.strip()]
        flags = [*found[1].flags, *(flag for extra in extras for flag in ("--extra", extra))]
        projects.append((found[0].folder, Install(found[0].folder, tuple(flags)), editable))

    def _cases(self, name: str) -> tuple[str, tuple[tuple[str, Install], ...]]:
        """The requirements files that a name with one variable may mean, by the variable's value."""
        variables = {found[1] or found[2] or found[3] for found in _VARIABLE.finditer(name)}
        found: dict[str, Install] = {}
        for path in self.facts.installs:
            stem = path.name.rpartition(".")[0] or path.name
            parts = {stem, path.name, str(path), path.parent.name, *re.split(r"[-_.]", stem)}
            parts |= {stem.partition("-")[2], stem.partition("_")[2], str(path)[: -len(path.suffix) or None]}
            for value in parts - {""}:
                made = self.place.install(_VARIABLE.sub(value.replace("\\", ""), name), self.facts)
                if made is not None and made[0] == path and str(path) not in self.written:
                    found[value] = made[1]
        if len(variables) != 1 or not found or len({install.project for install in found.values()}) > 1:
            raise LeftError(f"which file {name} is depends on a variable", "`uv sync --locked --group NAME`")
        return variables.pop(), tuple(sorted(found.items()))
