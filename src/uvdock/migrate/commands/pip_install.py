"""`pip install`, as `uv sync` where it installs what the lock has, and as `uv pip install` otherwise."""

from __future__ import annotations

import posixpath
import re
import shlex
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path

from uvdock.formats.shell.commands import Command
from uvdock.migrate.commands.context import SYSTEM, UNKNOWN, ExecutionContext
from uvdock.migrate.commands.decision import LeftError
from uvdock.migrate.commands.environment import instead
from uvdock.migrate.commands.install_targets import InstallTargets, TargetReader
from uvdock.migrate.commands.managers import ManagerCommand
from uvdock.migrate.commands.pip import INTERPRETER, PipCommand, PipOption, spelled, variables
from uvdock.migrate.commands.refusals import refuse
from uvdock.migrate.commands.sync import Sync, merged
from uvdock.migrate.discover.requirement import name_in
from uvdock.migrate.model import Install, RepoFacts

#: Programs that are run and not imported: in CI they are uv's tools.
_TOOLS = {
    "black", "build", "cookiecutter", "flake8", "hatch", "isort", "nox", "pdm", "pipenv", "poetry", "pre-commit",
    "ruff", "tox", "twine",
}  # fmt: skip
_LOCK_FILE = "/tmp/requirements.lock"  # noqa: S108 - in an image's build, where nobody else is


@dataclass(frozen=True)
class InstallTranslation:
    """What takes the place of an install; see `Decision`."""

    text: str | None = None
    edits: tuple[tuple[int, int, str], ...] = ()
    dropped: bool = False
    notes: tuple[tuple[str, str], ...] = ()
    syncs: tuple[Sync, ...] = ()
    files: tuple[Path, ...] = ()
    extra: bool = False


class Installer:
    """Turns installs into uv's, one after the other: what came before counts.

    Args:
        facts: What is known of the repo.
        place: Where it runs.
        written: The requirements files, from the repo root, that the text itself writes.
    """

    def __init__(self, facts: RepoFacts, place: ExecutionContext, written: frozenset[str]) -> None:
        self.facts, self.place = facts, place
        self.asking = TargetReader(facts, place, written)
        self.done: list[Sync] = list(place.before)
        self.extra = place.extra

    def move(self, place: ExecutionContext) -> None:
        """Go on in another folder."""
        self.place = self.asking.place = place

    def look(self, command: Command, call: PipCommand, environment: str) -> InstallTranslation:
        """What `install` would do, without it counting for what comes after."""
        done, extra = list(self.done), self.extra
        try:
            return self.install(command, call, environment, active=False, sometimes=False)
        finally:
            self.done, self.extra = done, extra

    def install(
        self, command: Command, call: PipCommand, environment: str, *, active: bool, sometimes: bool
    ) -> InstallTranslation:
        """What takes the place of one `pip install` or `pip-sync`.

        Raises:
            LeftError: It cannot be done safely.
        """
        if call.unknown:
            raise LeftError(f"pip has no option {call.unknown}", "without it")
        if (word := call.dynamic) is not None:
            raise LeftError(f"{word.raw} is only known at run time", "`uv add` what it names")
        if self._from_wheels(call):
            return InstallTranslation(dropped=True)
        wanted = self.asking.read(call)
        locked = wanted.in_lock
        refuse(command, call, self.place, self.facts, locked=locked)
        if call.has("--user"):
            environment = self.place.user_environment or environment
        elsewhere = call.has("--target") or call.has("--prefix")
        if environment == UNKNOWN and not elsewhere:
            raise LeftError(
                "uvdock cannot tell where pip installs to here", "`ENV UV_PROJECT_ENVIRONMENT=`, `uv sync --locked`"
            )
        if locked and INTERPRETER.fullmatch(environment):
            what = f"uvdock cannot tell which environment {environment} has"
            raise LeftError(what, "`UV_PROJECT_ENVIRONMENT=FOLDER uv sync --locked`")
        if not locked:
            return self._packages(command, call, wanted, environment, self._where(call, environment, active=active))
        if elsewhere or environment == "system":
            return self._exported(call, wanted, environment, sometimes=sometimes)
        return self._synced(call, wanted, environment, active=active, sometimes=sometimes)

    def itself(
        self, name: str, environment: str, *, editable: bool, active: bool, sometimes: bool
    ) -> InstallTranslation:
        """What takes the place of `setup.py develop` or `install`."""
        found = self.place.project(name, self.facts)
        if found is None:
            raise LeftError("setup.py of an unknown project", "`uv sync --locked`")
        wanted = InstallTargets((), ((found[0].folder, found[1], editable),), (), ())
        call = PipCommand("setup", "", ())
        if environment == "system":
            return self._exported(call, wanted, environment, sometimes=sometimes)
        return self._synced(call, wanted, environment, active=active, sometimes=sometimes)

    def managed(self, wish: ManagerCommand, environment: str, *, sometimes: bool) -> InstallTranslation:
        """What takes the place of an install by Poetry or Pipenv."""
        install = wish.install
        projects = ((install.project, install, True),) if wish.itself else ()
        wanted = InstallTargets(() if wish.itself else ((wish.path, install),), projects, (), ())
        call = PipCommand("setup", "", ())
        if environment == UNKNOWN:
            what = "uvdock cannot tell where packages are installed to here"
            raise LeftError(what, "`ENV UV_PROJECT_ENVIRONMENT=`, `uv sync --locked`")
        if environment == "system":
            return self._exported(call, wanted, environment, sometimes=sometimes)
        made = self._synced(call, wanted, environment, active=False, sometimes=sometimes)
        options = "".join(f" {option}" for option in wish.options)
        return replace(made, text=f"{made.text}{options}", files=(wish.path,))

    def wheel(self, command: Command, call: PipCommand, *, sometimes: bool) -> InstallTranslation:
        """What takes the place of `pip wheel`, where its wheels are installed in another stage."""
        wanted = self.asking.read(call)
        if not self.place.wheel_environment or wanted.packages or not wanted.in_lock:
            raise LeftError(
                "uv does not build wheels from requirements", "an environment that is copied instead of wheels"
            )
        refuse(command, call, self.place, self.facts, locked=True)
        return self._synced(call, wanted, self.place.wheel_environment, active=False, sometimes=sometimes)

    def target(self, environment: str, *, active: bool) -> str:
        """The options by which `uv pip` finds an environment, with a blank after them."""
        return ("" if self.place.cached else "--no-cache ") + self._target(environment, active=active)

    def _target(self, environment: str, *, active: bool) -> str:
        if environment in SYSTEM:
            return "--system --break-system-packages " if environment == "system" else "--system "
        if not environment or active or environment == self.place.active:
            return ""
        return f"--python {environment if '$' in environment else shlex.quote(environment)} "

    def _from_wheels(self, call: PipCommand) -> bool:
        """Whether it installs nothing but wheels that are an environment now."""
        if not self.place.wheels:
            return False
        folders = [option.value or "" for option in call.options if option.name == "--find-links"]
        local = [word.text for word in call.operands if word.text.rpartition("/")[0] in self.place.wheels]
        linked = call.has("--no-index") and any(name.rstrip("/") in self.place.wheels for name in folders)
        return bool(linked or (local and len(local) == len(call.operands)))

    # --- what is written instead -------------------------------------------------------------------------------------

    def _synced(
        self, call: PipCommand, wanted: InstallTargets, environment: str, *, active: bool, sometimes: bool
    ) -> InstallTranslation:
        files = tuple(path for path, _ in wanted.files)
        notes = self._lost(call, wanted, environment, active=active)
        texts: list[str] = []
        syncs: list[Sync] = []
        if wanted.cases:
            text, sync = self._case(call, wanted, environment, active=active)
            texts.append(text)
            syncs.append(sync)
            self.done.append(sync)
        folders = () if wanted.cases else dict.fromkeys(install.project for install in _installs(wanted))
        for folder in folders:
            named = [one for one in wanted.projects if one[0] == folder]
            installs = [install for install in _installs(wanted) if install.project == folder]
            itself = bool(named) or any(install.itself for install in installs)
            sync = Sync(Install(folder, merged(installs)), environment, itself, sometimes)
            texts.append(self._sync(call, sync, editable=all(one[2] for one in named), active=active))
            syncs.append(sync)
            self.done.append(sync)
        if wanted.packages:
            texts.append(self._unlocked(call, wanted, environment, active=active))
            self.extra = True
        return InstallTranslation(
            self._chain(texts), notes=notes, syncs=tuple(syncs), files=files, extra=bool(wanted.packages)
        )

    def _unlocked(self, call: PipCommand, wanted: InstallTargets, environment: str, *, active: bool) -> str:
        """The `uv pip install` of the packages that are not in the lock."""
        editable = {option.words[-1] for option in call.options if option.name == "--editable"}
        given = " ".join(f"{'--editable ' if word in editable else ''}{word.raw}" for word in wanted.packages)
        program = " ".join([*variables(call.options, locked=False), "uv pip install"])
        return f"{program} {self.target(environment, active=active)}{self._options(call, 2)}{given}"

    def _lost(
        self, call: PipCommand, wanted: InstallTargets, environment: str, *, active: bool
    ) -> tuple[tuple[str, str], ...]:
        """What `uv sync` does not do that pip did: what it is, and what to write for it."""
        notes: list[tuple[str, str]] = []
        if call.has("--no-deps") and not wanted.projects and call.verb != "wheel":
            notes.append(("removed --no-deps: the lock has what the file had and its dependencies", ""))
        for name in call.values("--constraint"):
            file = name.rpartition("/")[2]
            if self.place.install(name, self.facts) is None and not any(
                path.suffix in (".txt", ".in") and file in text for path, text in self.facts.files.items()
            ):
                what = f"{file} limits the versions here and in no requirements file"
                notes.append((what, "`[tool.uv] constraint-dependencies` in pyproject.toml, and `uv lock`"))
        if call.has("--user") and not environment and not active:
            what = "`--user` installed for every Python of this version, and uv sync installs to .venv"
            notes.append((what, "`uv run` before what runs there, or activate .venv"))
        if wanted.packages:
            names = " ".join(word.raw for word in wanted.packages)
            notes.append((f"{names} is not in the lock", f"`uv add {names}`, and no `uv pip install`"))
        return tuple(notes)

    def _chain(self, texts: Sequence[str]) -> str:
        """One command after the other, each on its own line where lines are continued anyway."""
        return (f" {self.place.escape}\n    && " if self.place.comments else " && ").join(texts)

    def _sync(self, call: PipCommand, sync: Sync, *, editable: bool, active: bool) -> str:
        name = self.place.named(sync.install.project)
        if name is None:
            raise LeftError(
                f"the project {sync.install.project} is not in the build's context", "a context that has it"
            )
        words = variables(call.options, locked=True)
        within = active and self.place.kind != "build"
        if not within and not _same(sync.environment, self.place.project_environment, project=name):
            words.append(f"UV_PROJECT_ENVIRONMENT={sync.environment}")
        words += ["uv sync", *(["--project", shlex.quote(name)] if name else []), *(["--active"] if within else [])]
        words += ["--locked", *self._selection(sync, editable=editable)]
        if not self.place.cached:
            words.append("--no-cache")
        options = self._options(call, 1)
        return " ".join(words) + (f" {options.rstrip()}" if options else "")

    def _selection(self, sync: Sync, *, editable: bool) -> list[str]:
        """What of the project is installed, with what earlier installs put into the same environment."""
        package = self.facts.is_package(sync.install.project)
        there = [one for one in self.done if one.environment == sync.environment]
        # What runs on a condition may not have run: it is not put in, and not taken away.
        same = [one for one in there if not one.sometimes and one.install.project == sync.install.project]
        others = [one for one in there if one not in same and one.install != sync.install]
        words: list[str] = []
        if not (sync.itself or any(one.itself for one in same)) and (self.place.kind == "build" or package):
            words.append("--no-install-project")
        if sync.itself and not editable and package:
            words.append("--no-editable")
        decided = {"--no-install-project", *words}
        if sync.environment in SYSTEM or self.extra or others:
            words.append("--inexact")
        return words + [one for one in merged([*(one.install for one in same), sync.install]) if one not in decided]

    def _case(self, call: PipCommand, wanted: InstallTargets, environment: str, *, active: bool) -> tuple[str, Sync]:
        """A list that a variable names, with the projects and groups beside it; and what any of them comes to."""
        installs = _installs(wanted)
        folder = wanted.cases[0][1].project
        if any(install.project != folder for install in installs):
            raise LeftError("which file of another project is installed depends on a variable", "one command a project")
        beside = installs[: -len(wanted.cases)]
        itself, editable = bool(wanted.projects), bool(wanted.projects) and all(one[2] for one in wanted.projects)
        made: dict[str, str] = {}
        for value, install in wanted.cases:
            sync = Sync(Install(folder, merged([*beside, install])), environment, itself)
            made[value] = self._sync(call, sync, editable=editable, active=active)
        any_of_them = Sync(Install(folder, merged(installs)), environment, itself, sometimes=True)
        return self._spelled(wanted, made), any_of_them

    def _spelled(self, wanted: InstallTargets, made: dict[str, str]) -> str:
        """One command where the variable is the name of a group, and a `case` otherwise."""
        if len(set(made.values())) == 1:
            return next(iter(made.values()))
        variable = f"${{{wanted.variable}}}" if self.place.kind != "make" else f"$({wanted.variable})"
        grouped = {value: text for value, text in made.items() if f"group {value}" in text}
        general = {text.replace(f"group {value}", f'group "{variable}"') for value, text in grouped.items()}
        rest = made.keys() - grouped.keys()
        if len(general) == 1 and not any(self._is_given(wanted.variable, value) for value in rest):
            return general.pop()
        if not self.place.comments:
            branches = [f"{shlex.quote(value)}) {text} ;;" for value, text in made.items()]
            return " ".join([f'case "{variable}" in', *branches, "*) exit 1 ;; esac"])
        joint = f" {self.place.escape}\n"
        lines = [f'case "{variable}" in', *(f"      {shlex.quote(value)}) {text} ;;" for value, text in made.items())]
        lines += [f'      *) echo "no requirements for {variable}" >&2; exit 1 ;;', "    esac"]
        return joint.join(lines)

    def _is_given(self, variable: str, value: str) -> bool:
        """Whether a file of the repo gives a variable this value: no list that others include is asked for itself."""
        given = re.compile(rf"\b{variable}\s*[:=][-\s]*[\"']?{re.escape(value)}\b(?![-\w])")
        return any(variable in text and given.search(text) for text in self.facts.files.values())

    def _exported(
        self, call: PipCommand, wanted: InstallTargets, environment: str, *, sometimes: bool
    ) -> InstallTranslation:
        """Where there is no environment that uv could sync, the lock's own list is installed."""
        installs = _installs(wanted)
        if len({install.project for install in installs}) > 1 or wanted.cases:
            raise LeftError("several projects in one folder of packages", "one folder a project")
        name = self.place.named(installs[0].project)
        if name is None or (call.has("--target") and wanted.projects):
            raise LeftError("a project in a folder of packages", "`uv export`, and `uv pip install --target`")
        folder = f"--project {shlex.quote(name)} " if name else ""
        flags = "".join(f" {flag}" for flag in merged(installs))
        texts = [f"uv export --quiet {folder}--locked --no-emit-project{flags} --output-file {_LOCK_FILE}"]
        where = self._where(call, environment)
        packages = "".join(f" {word.raw}" for word in wanted.packages)
        options = self._options(call, 1)
        program = " ".join([*variables(call.options, locked=False), "uv pip install"])
        texts.append(f"{program} {where}{options}--requirements {_LOCK_FILE}")
        if packages:
            texts.append(f"{program} {where}{options}{packages.strip()}")
        for _, _, editable in wanted.projects:
            texts.append(f"{program} {where}--no-deps {'--editable ' if editable else ''}{name or '.'}")
        sync = Sync(
            Install(installs[0].project, merged(installs)),
            where.strip(),
            bool(wanted.projects),
            sometimes,
            exported=True,
        )
        files = tuple(path for path, _ in wanted.files)
        notes = [(f"{packages.strip()} is not in the lock", f"`uv add{packages}`, and no `uv pip install` of it")]
        return InstallTranslation(
            self._chain(texts), notes=tuple(notes if packages else ()), syncs=(sync,), files=files, extra=bool(packages)
        )

    def _where(self, call: PipCommand, environment: str, *, active: bool = False) -> str:
        for option in ("--target", "--prefix"):
            given = [one for one in call.options if one.name == option]
            if given:
                return f"{option} {given[-1].raw} "
        return self.target(environment, active=active)

    def _packages(
        self, command: Command, call: PipCommand, wanted: InstallTargets, environment: str, where: str
    ) -> InstallTranslation:
        if not wanted.packages:
            if wanted.installers:
                return self._installers_only(wanted)
            raise LeftError("this installs nothing by name", "`uv sync --locked`")
        names = [word.text for word in wanted.packages]
        if self.place.kind == "ci" and all(name_in(name) in _TOOLS for name in names):
            return InstallTranslation(" && ".join(f"uv tool install {word.raw}" for word in wanted.packages))
        if call.has("--user") and environment not in {one.environment for one in self.done}:
            raise LeftError("uv has no --user", f"`uv add {' '.join(names)}`")
        gone = {word.start for word in wanted.installers}
        edits = self._word_edits(command, call, gone, where)
        self.extra = True
        listed = " ".join(word.raw for word in wanted.packages)
        notes = ((f"{listed}: not in the lock", f"`uv add {listed}`, and no `uv pip install`"),)
        return InstallTranslation(edits=tuple(edits), notes=notes, extra=True)

    def _installers_only(self, wanted: InstallTargets) -> InstallTranslation:
        if self.place.seeded:
            return InstallTranslation()
        kept = [word.raw for word in wanted.installers if re.match(r"setuptools\b", word.text)]
        what = "setuptools is no longer installed"
        notes = ((what, "`uv add setuptools` if the app imports pkg_resources"),) if kept else ()
        return InstallTranslation(dropped=True, notes=notes)

    def _word_edits(self, command: Command, call: PipCommand, gone: set[int], where: str) -> list[tuple[int, int, str]]:
        """Word by word, so that lines and comments between them stay."""
        verb, last = call.tool[-1], call.tool[-2]
        program = " ".join([*variables(call.options, locked=False), "uv pip install", where]).rstrip()
        edits = [(call.tool[0].start, verb.end, program)]
        if any(one.words[0].start < verb.start for one in call.options):
            edits = [(call.tool[0].start, last.end, edits[0][2]), (verb.start, verb.end, "")]
        following = {one.start: two.start for one, two in pairwise((*command.assigned, *command.words))}
        for word in command.assigned:
            name, _, value = word.text.partition("=")
            if name.startswith("PIP_"):
                made = instead(name, value, self.facts) or ""
                edits.append((word.start, word.end if made else following[word.start], made))
        by_word: dict[int, list[PipOption]] = {}
        for option in call.options:
            by_word.setdefault(option.words[0].start, []).append(option)
        for options in by_word.values():
            words = (
                options[0].words if len(options) == 1 else tuple({word: None for one in options for word in one.words})
            )
            text = " ".join(filter(None, (spelled(option, locked=False) for option in options)))
            edits.append((words[0].start, words[-1].end, text))
        edits += [(word.start, word.end, "") for word in call.operands if word.start in gone]
        # A word that goes takes the blank before it along.
        starts = {word.start: before.end for before, word in pairwise(command.words)}
        return [(starts.get(start, start) if not text else start, end, text) for start, end, text in sorted(edits)]

    def _options(self, call: PipCommand, column: int) -> str:
        texts = [spelled(option, locked=column == 1) for option in call.options]
        if column == 2:
            files = ("--require", "--constr", "--editable")
            return "".join(f"{text} " for text in texts if text and not text.startswith(files))
        return "".join(f"{text} " for text in texts if text)


def _installs(wanted: InstallTargets) -> Sequence[Install]:
    return [
        *(one for _, one in wanted.files), *(one for _, one, _ in wanted.projects), *(one for _, one in wanted.cases)
    ]  # fmt: skip


def _same(environment: str, current: str, *, project: str) -> bool:
    """Whether `uv sync` installs there without being told."""
    plain = posixpath.normpath(environment) if environment else ""
    own = posixpath.normpath(posixpath.join(project, ".venv"))
    return plain in ("", current or own) or (not current and plain == own)
