"""`pip install`, as `uv sync` where it installs what the lock has, and as `uv pip install` otherwise."""

from __future__ import annotations

import posixpath
import re
import shlex
from dataclasses import replace
from itertools import groupby, pairwise

from uvdock.formats.shell.commands import Command
from uvdock.migrate.commands import targets
from uvdock.migrate.commands.context import SYSTEM, UNKNOWN, ExecutionContext
from uvdock.migrate.commands.environment import instead
from uvdock.migrate.commands.pip import INTERPRETER, PipCommand, spelled, variables
from uvdock.migrate.commands.refusals import refuse
from uvdock.migrate.commands.sync import Sync, merged
from uvdock.migrate.commands.targets import Targets
from uvdock.migrate.commands.translation import LeftError, Translation
from uvdock.migrate.discover.requirement import name_in
from uvdock.migrate.model import Install, RepoFacts

#: Programs that are run and not imported: in CI they are uv's tools.
_TOOLS = {
    "black", "build", "cookiecutter", "flake8", "hatch", "isort", "nox", "pdm", "pipenv", "poetry", "pre-commit",
    "ruff", "tox", "twine",
}  # fmt: skip
_LOCK_FILE = "/tmp/requirements.lock"  # noqa: S108 - in an image's build, where nobody else is


def install(command: Command, call: PipCommand, place: ExecutionContext, facts: RepoFacts) -> Translation:
    """What takes the place of one `pip install` or `pip-sync`.

    Args:
        command: The command.
        call: What it asks of pip.
        place: Where it runs, and what was installed before it.
        facts: What is known of the repo.

    Raises:
        LeftError: It cannot be done safely.
    """
    if call.unknown:
        raise LeftError(f"pip has no option {call.unknown}", "without it")
    if (word := call.dynamic) is not None:
        raise LeftError(f"{word.raw} is only known at run time", "`uv add` what it names")
    if _is_of_wheels(call, place):
        return Translation(dropped=True)
    named = targets.read(call, place, facts)
    refuse(command, call, place, facts, locked=bool(named.in_lock))
    if call.has("--user"):
        place = replace(place, environment=place.user_environment or place.environment)
    writer = InstallWriter(command, call, named, place, facts)
    return writer.locked() if named.in_lock else writer.unlocked()


def wheel(command: Command, call: PipCommand, place: ExecutionContext, facts: RepoFacts) -> Translation:
    """What takes the place of `pip wheel`, where its wheels are installed in another stage; see `install`."""
    named = targets.read(call, place, facts)
    if not place.wheel_environment or named.packages or not named.in_lock or call.unknown:
        raise LeftError("uv does not build wheels from requirements", "an environment that is copied instead of wheels")
    refuse(command, call, place, facts, locked=True)
    there = replace(place, environment=place.wheel_environment, activated="")
    return InstallWriter(command, call, named, there, facts).synced()


def project(command: Command, place: ExecutionContext, facts: RepoFacts, *, editable: bool) -> Translation:
    """What takes the place of `setup.py develop` (``editable``) or `setup.py install`; see `install`."""
    found = place.project(".", facts)
    if found is None:
        raise LeftError("setup.py of an unknown project", "`uv sync --locked`")
    named = Targets([replace(found, itself=True)], projects={found.project: editable})
    return InstallWriter(command, PipCommand("setup", "", ()), named, place, facts).locked()


def target(place: ExecutionContext) -> list[str]:
    """The options by which `uv pip` finds the environment that is meant at a place."""
    words = [] if place.cached else ["--no-cache"]
    environment = place.environment
    if environment in SYSTEM:
        return [*words, "--system", *(["--break-system-packages"] if environment == "system" else [])]
    if environment and not place.activated and environment != place.active:
        words += ["--python", environment if "$" in environment else shlex.quote(environment)]
    return words


def _is_of_wheels(call: PipCommand, place: ExecutionContext) -> bool:
    """Whether a call installs nothing but wheels that are an environment now."""
    linked = call.has("--no-index") and any(name.rstrip("/") in place.wheels for name in call.values("--find-links"))
    local = [word.text.rpartition("/")[0] in place.wheels for word in call.operands]
    return linked or (bool(local) and all(local))


class InstallWriter:
    """Writes one install for uv.

    Args:
        command: The command in whose place it is.
        call: Its options.
        named: What it names.
        place: Where it runs; its environment is the one that is meant.
        facts: What is known of the repo.
    """

    def __init__(
        self, command: Command, call: PipCommand, named: Targets, place: ExecutionContext, facts: RepoFacts
    ) -> None:
        self.command, self.call, self.named, self.place, self.facts = command, call, named, place, facts
        self.done = list(place.before)
        self.packages = " ".join(word.raw for word in named.packages)
        folders = [option for option in call.options if option.name in ("--target", "--prefix")]
        #: The folder of packages that is asked for in place of an environment.
        self.folder = [folders[-1].name, folders[-1].raw] if folders else []
        if place.environment == UNKNOWN and not folders:
            what = "uvdock cannot tell where pip installs to here"
            raise LeftError(what, "`ENV UV_PROJECT_ENVIRONMENT=`, `uv sync --locked`")

    def locked(self) -> Translation:
        """What the lock has, and the packages beside it."""
        environment = self.place.environment
        if INTERPRETER.fullmatch(environment):
            what = f"uvdock cannot tell which environment {environment} has"
            raise LeftError(what, "`UV_PROJECT_ENVIRONMENT=FOLDER uv sync --locked`")
        return self._exported() if self.folder or environment == "system" else self.synced()

    # --- uv sync ------------------------------------------------------------------------------------------------------

    def synced(self) -> Translation:
        """By `uv sync`, one for each project."""
        texts = [self._cases()] if self.named.cases else []
        for folder in () if self.named.cases else dict.fromkeys(one.project for one in self.named.installs):
            installs = [one for one in self.named.installs if one.project == folder]
            sync = self._of(installs)
            texts.append(self._sync(sync))
            self.done.append(sync)
        if self.packages:
            editable = {option.words[-1] for option in self.call.options if option.name == "--editable"}
            given = [f"{'--editable ' if word in editable else ''}{word.raw}" for word in self.named.packages]
            files = ("--require", "--constr", "--editable")
            options = [one for one in self._options(locked=False) if not one.startswith(files)]
            texts.append(self._pip_install(*target(self.place), *options, *given))
        return self._made(texts, self.done[len(self.place.before) :], self._lost())

    def _of(self, installs: list[Install], *, sometimes: bool = False) -> Sync:
        """What is synced for several lists of one project."""
        install = Install(installs[0].project, merged(installs))
        itself = any(one.itself for one in installs)
        return Sync(install, self.place.environment, itself, sometimes or self.command.conditional)

    def _made(self, texts: list[str], syncs: list[Sync], lost: list[tuple[str, str]]) -> Translation:
        """One command after the other, each on its own line where lines are continued anyway."""
        joint = f" {self.place.dialect.escape}\n    && " if self.place.dialect.docker else " && "
        return Translation(
            joint.join(texts),
            findings=[("note", *one) for one in lost],
            syncs=syncs,
            extra=bool(self.packages),
        )

    def _pip_install(self, *words: str) -> str:
        return " ".join([*variables(self.call.options, locked=False), "uv pip install", *words])

    def _options(self, *, locked: bool) -> list[str]:
        return list(filter(None, (spelled(option, locked=locked) for option in self.call.options)))

    def _lost(self) -> list[tuple[str, str]]:
        """What `uv sync` does not do that pip did: what it is, and what to write for it."""
        notes: list[tuple[str, str]] = []
        if self.call.has("--no-deps") and not self.named.projects and self.call.verb != "wheel":
            notes.append(("removed --no-deps: the lock has what the file had and its dependencies", ""))
        for name in self.call.values("--constraint"):
            file = name.rpartition("/")[2]
            lists = (text for path, text in self.facts.files.items() if path.suffix in (".txt", ".in"))
            if self.place.install(name, self.facts) is None and not any(file in text for text in lists):
                what = f"{file} limits the versions here and in no requirements file"
                notes.append((what, "`[tool.uv] constraint-dependencies` in pyproject.toml, and `uv lock`"))
        if self.call.has("--user") and not self.place.environment and not self.place.activated:
            what = "`--user` installed for every Python of this version, and uv sync installs to .venv"
            notes.append((what, "`uv run` before what runs there, or activate .venv"))
        if self.packages:
            notes.append((f"{self.packages} is not in the lock", f"`uv add {self.packages}`, and no `uv pip install`"))
        return notes

    def _sync(self, sync: Sync) -> str:
        name = self._name(sync.install)
        words = variables(self.call.options, locked=True)
        within = bool(self.place.activated) and self.place.kind != "build"
        if not within and not _same(sync.environment, self.place.project_environment, project=name):
            words.append(f"UV_PROJECT_ENVIRONMENT={sync.environment}")
        words += ["uv sync", *(["--project", shlex.quote(name)] if name else []), *(["--active"] if within else [])]
        selection = self._selection(sync)
        early = self.place.kind == "build" and "--no-install-project" in selection
        words.append(self.facts.lock_option(sync.install.project) if early else "--locked")
        words += [*selection, *([] if self.place.cached else ["--no-cache"])]
        return " ".join([*words, *self._options(locked=True)])

    def _name(self, wanted: Install) -> str:
        """How the project is named here; empty for the one of the folder that it runs in."""
        name = self.place.named(wanted.project)
        if name is None:
            what = f"the project {wanted.project} is not in the build's context"
            raise LeftError(what, "a context that has it")
        return name

    def _selection(self, sync: Sync) -> list[str]:
        """What of the project is installed, with what earlier installs put into the same environment."""
        wanted, package = sync.install, self.facts.is_package(sync.install.project)
        there = [one for one in self.done if one.environment == sync.environment]
        # What runs on a condition may not have run: it is not put in, and not taken away.
        same = [one for one in there if not one.sometimes and one.install.project == wanted.project]
        others = [one for one in there if one not in same and one.install != wanted]
        itself = any(one.itself for one in (*same, sync))
        words: list[str] = []
        if not itself and (self.place.kind == "build" or package):
            words.append("--no-install-project")
        if sync.itself and package and not self.named.projects.get(wanted.project, True):
            words.append("--no-editable")
        flags = merged([*(one.install for one in same), wanted])
        rest = [flag for flag in flags if flag not in ("--no-install-project", *words)]
        inexact = sync.environment in SYSTEM or self.place.extra or others
        return [*words, *(["--inexact"] if inexact else []), *rest]

    # --- a list that a variable names ---------------------------------------------------------------------------------

    def _cases(self) -> str:
        """The command for a list that a variable names, with the projects and groups beside it."""
        installs, beside = self.named.in_lock, self.named.installs
        if len({one.project for one in installs}) > 1:
            raise LeftError("which file of another project is installed depends on a variable", "one command a project")
        texts = {value: self._sync(self._of([*beside, one])) for value, one in self.named.cases.items()}
        self.done.append(self._of(installs, sometimes=True))
        if len(set(texts.values())) == 1:
            return next(iter(texts.values()))
        variable = f"$({self.named.variable})" if self.place.dialect.make else f"${{{self.named.variable}}}"
        grouped = {value: text for value, text in texts.items() if f"group {value}" in text}
        general = {text.replace(f"group {value}", f'group "{variable}"') for value, text in grouped.items()}
        if len(general) == 1 and not any(self._is_given(value) for value in texts.keys() - grouped.keys()):
            return general.pop()
        branches = [f"{shlex.quote(value)}) {text} ;;" for value, text in texts.items()]
        if not self.place.dialect.docker:
            return " ".join([f'case "{variable}" in', *branches, "*) exit 1 ;; esac"])
        branches.append(f'*) echo "no requirements for {variable}" >&2; exit 1 ;;')
        lines = [f'case "{variable}" in', *(f"      {branch}" for branch in branches), "    esac"]
        return f" {self.place.dialect.escape}\n".join(lines)

    def _is_given(self, value: str) -> bool:
        """Whether a file of the repo gives the variable this value: no list that others include is asked for itself."""
        given = re.compile(rf"\b{self.named.variable}\s*[:=][-\s]*[\"']?{re.escape(value)}\b(?![-\w])")
        return any(self.named.variable in text and given.search(text) for text in self.facts.files.values())

    # --- uv pip install -----------------------------------------------------------------------------------------------

    def _exported(self) -> Translation:
        """Where there is no environment that uv could sync, the lock's own list is installed."""
        installs = self.named.installs
        if self.named.cases or len({one.project for one in installs}) > 1:
            raise LeftError("several projects in one folder of packages", "one folder a project")
        name = self.place.named(installs[0].project)
        sync = replace(self._of(installs), exported=True)
        if name is None or (sync.itself and self.call.has("--target")):
            raise LeftError("a project in a folder of packages", "`uv export`, and `uv pip install --target`")
        folder = ["--project", shlex.quote(name)] if name else []
        early = self.place.kind == "build" and not sync.itself
        locked = self.facts.lock_option(sync.install.project) if early else "--locked"
        flags = [locked, "--no-emit-project", *sync.install.flags, "--output-file", _LOCK_FILE]
        where = self.folder or target(self.place)
        options = self._options(locked=True)
        texts = [" ".join(["uv export --quiet", *folder, *flags])]
        texts.append(self._pip_install(*where, *options, "--requirements", _LOCK_FILE))
        notes = []
        if self.packages:
            texts.append(self._pip_install(*where, *options, self.packages))
            advice = f"`uv add {self.packages}`, and no `uv pip install` of it"
            notes.append((f"{self.packages} is not in the lock", advice))
        if sync.itself:
            editable = ["--editable"] if self.named.projects.get(installs[0].project, True) else []
            texts.append(self._pip_install(*where, "--no-deps", *editable, name or "."))
        return self._made(texts, [replace(sync, environment=" ".join(where))], notes)

    def unlocked(self) -> Translation:
        """Packages that are not in the lock: each word by itself, so that lines and comments between them stay."""
        if not self.packages:
            return self._installers()
        if self.place.kind == "ci" and all(name_in(word.text) in _TOOLS for word in self.named.packages):
            return Translation(" && ".join(f"uv tool install {word.raw}" for word in self.named.packages))
        if self.call.has("--user") and self.place.environment not in {one.environment for one in self.done}:
            raise LeftError("uv has no --user", f"`uv add {' '.join(word.text for word in self.named.packages)}`")
        note = f"{self.packages}: not in the lock", f"`uv add {self.packages}`, and no `uv pip install`"
        return Translation(edits=self._edits(), findings=[("note", *note)], within=True, extra=True)

    def _installers(self) -> Translation:
        """What installs packages needs not be there; something that stays may use it."""
        if not self.named.installers:
            raise LeftError("this installs nothing by name", "`uv sync --locked`")
        if self.place.seeded:
            return Translation()
        note = "setuptools is no longer installed", "`uv add setuptools` if the app imports pkg_resources"
        named = any(re.match(r"setuptools\b", word.text) for word in self.named.installers)
        return Translation(dropped=True, findings=[("note", *note)] if named else [])

    def _edits(self) -> list[tuple[int, int, str]]:
        """The words of pip that become uv's."""
        call, words = self.call, self.command.words
        verb, last = call.tool[-1], call.tool[-2]
        program = self._pip_install(*(self.folder or target(self.place)))
        if any(option.words[0].start < verb.start for option in call.options):
            edits = [(call.tool[0].start, last.end, program), (verb.start, verb.end, "")]
        else:
            edits = [(call.tool[0].start, verb.end, program)]
        following = {word.start: after.start for word, after in pairwise((*self.command.assigned, *words))}
        for word in self.command.assigned:
            name, _, value = word.text.partition("=")
            if name.startswith("PIP_"):
                new = instead(name, value, self.facts) or ""
                edits.append((word.start, word.end if new else following[word.start], new))
        for start, group in groupby(call.options, key=lambda option: option.words[0].start):
            options = list(group)
            text = " ".join(filter(None, (spelled(option, locked=False) for option in options)))
            edits.append((start, options[-1].words[-1].end, text))
        edits += [(word.start, word.end, "") for word in self.named.installers]
        # A word that goes takes the blank before it along.
        before = {word.start: previous.end for previous, word in pairwise(words)}
        return [(start if text else before.get(start, start), end, text) for start, end, text in sorted(edits)]


def _same(environment: str, current: str, *, project: str) -> bool:
    """Whether `uv sync` installs there without being told."""
    plain = posixpath.normpath(environment) if environment else ""
    own = posixpath.normpath(posixpath.join(project, ".venv"))
    return plain in ("", current or own) or (not current and plain == own)
