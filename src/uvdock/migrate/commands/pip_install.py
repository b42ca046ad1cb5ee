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
from uvdock.migrate.commands.context import SYSTEM, UNKNOWN, Place
from uvdock.migrate.commands.decision import LeftError
from uvdock.migrate.commands.environment import advice, instead, is_default_index
from uvdock.migrate.commands.install_targets import Asked, Asking
from uvdock.migrate.commands.managers import Wish
from uvdock.migrate.commands.pip import INSTEAD, INTERPRETER, Call, Option, meaning, spelled, variables
from uvdock.migrate.commands.sync import Sync, merged
from uvdock.migrate.discover.requirement import name_in
from uvdock.migrate.model import Facts, Install

#: Programs that are run and not imported: in CI they are uv's tools.
_TOOLS = {
    "black", "build", "cookiecutter", "flake8", "hatch", "isort", "nox", "pdm", "pipenv", "poetry", "pre-commit",
    "ruff", "tox", "twine",
}  # fmt: skip
_INDEXES = ("--index-url", "--extra-index-url")
_LOCK_FILE = "/tmp/requirements.lock"  # noqa: S108 - in an image's build, where nobody else is


@dataclass(frozen=True)
class Made:
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

    def __init__(self, facts: Facts, place: Place, written: frozenset[str]) -> None:
        self.facts, self.place = facts, place
        self.asking = Asking(facts, place, written)
        self.done: list[Sync] = list(place.before)
        self.extra = place.extra

    def move(self, place: Place) -> None:
        """Go on in another folder."""
        self.place = self.asking.place = place

    def look(self, command: Command, call: Call, environment: str) -> Made:
        """What `install` would do, without it counting for what comes after."""
        done, extra = list(self.done), self.extra
        try:
            return self.install(command, call, environment, active=False, sometimes=False)
        finally:
            self.done, self.extra = done, extra

    def install(self, command: Command, call: Call, environment: str, *, active: bool, sometimes: bool) -> Made:
        """What takes the place of one `pip install` or `pip-sync`.

        Raises:
            LeftError: It cannot be done safely.
        """
        if call.unknown:
            raise LeftError(f"pip has no option {call.unknown[0]}", "without it")
        if (word := call.dynamic) is not None:
            raise LeftError(f"what {word.raw} is cannot be told without running it", "`uv add` what it names")
        if self._from_wheels(call):
            return Made(dropped=True)
        wanted = self.asking.read(call)
        locked = bool(wanted.files or wanted.projects or wanted.cases)
        self._check(command, call, locked=locked)
        if call.has("--user"):
            environment = self.place.user_environment or environment
        if environment == UNKNOWN and not (call.has("--target") or call.has("--prefix")):
            raise LeftError(
                "where pip installs to here cannot be told", "`ENV UV_PROJECT_ENVIRONMENT=`, `uv sync --locked`"
            )
        if locked and INTERPRETER.fullmatch(environment):
            what = f"which environment {environment} has cannot be told"
            raise LeftError(what, "`UV_PROJECT_ENVIRONMENT=FOLDER uv sync --locked`")
        if not locked:
            return self._packages(command, call, wanted, environment, self._where(call, environment, active=active))
        if call.has("--target") or call.has("--prefix") or environment == "system":
            return self._exported(call, wanted, environment, sometimes=sometimes)
        return self._synced(call, wanted, environment, active=active, sometimes=sometimes)

    def itself(self, name: str, environment: str, *, editable: bool, active: bool, sometimes: bool) -> Made:
        """What takes the place of `setup.py develop` or `install`."""
        found = self.place.project(name, self.facts)
        if found is None:
            raise LeftError("setup.py of a project that is not known", "`uv sync --locked`")
        wanted = Asked((), ((found[0].folder, found[1], editable),), (), ())
        call = Call("setup", "", ())
        if environment == "system":
            return self._exported(call, wanted, environment, sometimes=sometimes)
        return self._synced(call, wanted, environment, active=active, sometimes=sometimes)

    def managed(self, wish: Wish, environment: str, *, sometimes: bool) -> Made:
        """What takes the place of an install by Poetry or Pipenv."""
        install = wish.install
        projects = ((install.project, install, True),) if wish.itself else ()
        wanted = Asked(() if wish.itself else ((wish.path, install),), projects, (), ())
        call = Call("setup", "", ())
        if environment == UNKNOWN:
            what = "where packages are installed to here cannot be told"
            raise LeftError(what, "`ENV UV_PROJECT_ENVIRONMENT=`, `uv sync --locked`")
        if environment == "system":
            return self._exported(call, wanted, environment, sometimes=sometimes)
        made = self._synced(call, wanted, environment, active=False, sometimes=sometimes)
        options = "".join(f" {option}" for option in wish.options)
        return replace(made, text=f"{made.text}{options}", files=(wish.path,))

    def wheel(self, command: Command, call: Call, *, sometimes: bool) -> Made:
        """What takes the place of `pip wheel`, where its wheels are installed in another stage."""
        wanted = self.asking.read(call)
        if not self.place.wheel_environment or wanted.packages or not (wanted.files or wanted.projects or wanted.cases):
            raise LeftError("uv builds no wheels of requirements", "an environment that is copied instead of wheels")
        self._check(command, call, locked=True)
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

    def _from_wheels(self, call: Call) -> bool:
        """Whether it installs nothing but wheels that are an environment now."""
        if not self.place.wheels:
            return False
        folders = [option.value or "" for option in call.options if option.name == "--find-links"]
        local = [word.text for word in call.operands if word.text.rpartition("/")[0] in self.place.wheels]
        linked = call.has("--no-index") and any(name.rstrip("/") in self.place.wheels for name in folders)
        return bool(linked or (local and len(local) == len(call.operands)))

    def _check(self, command: Command, call: Call, *, locked: bool) -> None:
        for option in call.options:
            one_package = option.name in ("--all-releases", "--only-final") and option.value != ":all:" and not locked
            if meaning(option.name, locked=locked) == "left" or one_package:
                raise LeftError(f"uv has nothing like pip's {option.name}", INSTEAD[option.name])
            if locked and option.name in ("--find-links", "--no-index") and not self._in_lock(call):
                raise LeftError(f"where packages come from is in the lock, not in {option.name}", "`uv sync --locked`")
            if locked and option.name in _INDEXES:
                self._index(option.value or "")
        if call.values("--target") and call.values("--prefix"):
            raise LeftError("both --target and --prefix", "one of them")
        for name in call.values("--constraint") if locked else ():
            if self.place.find(name) is None:
                raise LeftError(f"the constraints in {name} are not in the repo", "`[tool.uv] constraint-dependencies`")
        for word in command.assigned:
            name, _, value = word.text.partition("=")
            if name.startswith("PIP_") and instead(name, value, self.facts) is None:
                raise LeftError(f"{name} says nothing to uv", advice(name))

    def _in_lock(self, call: Call) -> bool:
        """Whether the folders of packages are in the requirements files, so that the lock takes from them."""
        folders = [_folder(name) for name in call.values("--find-links")]
        listed = {
            _folder(found[1])
            for path, text in self.facts.files.items()
            if path in self.facts.installs
            for found in re.finditer(r"(?m)^\s*(?:--find-links|-f)[= ]\s*(\S+)", text)
        }
        return bool(listed) and all(folder in listed for folder in folders)

    def _index(self, url: str) -> None:
        """An index that the lock does not know would make another lock."""
        if is_default_index(url):
            return
        texts = (text for path, text in self.facts.files.items() if path.suffix in (".txt", ".in", ".toml", ".cfg"))
        if "$" in url or not any(url.rstrip("/") in text for text in texts):
            instead = "`[[tool.uv.index]]` in pyproject.toml, `uv lock`, and credentials by UV_INDEX_NAME_PASSWORD"
            raise LeftError("an index that is not in the requirements files", instead)

    # --- what is written instead -------------------------------------------------------------------------------------

    def _synced(self, call: Call, wanted: Asked, environment: str, *, active: bool, sometimes: bool) -> Made:
        texts: list[str] = []
        syncs: list[Sync] = []
        notes: list[tuple[str, str]] = []
        folders = {} if wanted.cases else dict.fromkeys(install.project for install in _installs(wanted))
        for folder in folders:
            named = [one for one in wanted.projects if one[0] == folder]
            installs = [install for install in _installs(wanted) if install.project == folder]
            itself = bool(named) or any(install.itself for install in installs)
            sync = Sync(Install(folder, merged(installs)), environment, itself, sometimes)
            texts.append(self._sync(call, sync, editable=all(one[2] for one in named), active=active))
            syncs.append(sync)
            self.done.append(sync)
        if call.has("--no-deps") and not wanted.projects and call.verb != "wheel":
            notes.append(("--no-deps went: the lock has what the file had, and what that needs", ""))
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
            editable = {option.words[-1] for option in call.options if option.name == "--editable"}
            given = " ".join(f"{'--editable ' if word in editable else ''}{word.raw}" for word in wanted.packages)
            program = " ".join([*variables(call.options, locked=False), "uv pip install"])
            texts.append(f"{program} {self.target(environment, active=active)}{self._options(call, 2)}{given}")
            self.extra = True
            notes.append((f"{names} is in no lock", f"`uv add {names}`, and no `uv pip install`"))
        text = self._case(call, wanted, environment, active=active) if wanted.cases else self._chain(texts)
        if wanted.cases:
            first = wanted.cases[0][1]
            syncs = [
                Sync(Install(first.project, merged([one for _, one in wanted.cases])), environment, sometimes=True)
            ]
            self.done += syncs
        files = tuple(path for path, _ in wanted.files)
        return Made(text, notes=tuple(notes), syncs=tuple(syncs), files=files, extra=bool(wanted.packages))

    def _chain(self, texts: Sequence[str]) -> str:
        """One command after the other, each on its own line where lines are continued anyway."""
        return (f" {self.place.escape}\n    && " if self.place.comments else " && ").join(texts)

    def _sync(self, call: Call, sync: Sync, *, editable: bool, active: bool) -> str:
        project = next((one for one in self.facts.projects if one.folder == sync.install.project), None)
        there = [one for one in self.done if one.environment == sync.environment]
        # What runs on a condition may not have run: it is not put in, and not taken away.
        sure = [one for one in there if not one.sometimes]
        same = [one for one in sure if one.install.project == sync.install.project]
        itself = sync.itself or any(one.itself for one in same)
        name = self.place.named(sync.install.project)
        if name is None:
            raise LeftError(
                f"the project {sync.install.project} is not in the build's context", "a context that has it"
            )
        words = ["uv sync"]
        if name:
            words += ["--project", shlex.quote(name)]
        if active and self.place.kind != "build":
            words.append("--active")
        elif _same(sync.environment, self.place.project_environment, project=name):
            pass
        else:
            words.insert(0, f"UV_PROJECT_ENVIRONMENT={sync.environment}")
        words[:0] = variables(call.options, locked=True)
        words.append("--locked")
        if not itself and (self.place.kind == "build" or (project is not None and project.package)):
            words.append("--no-install-project")
        if sync.itself and not editable and project is not None and project.package:
            words.append("--no-editable")
        others = [one for one in there if one not in same and one.install != sync.install]
        if sync.environment in SYSTEM or self.extra or others:
            words.append("--inexact")
        flags = merged([*(one.install for one in same), sync.install])
        decided = {"--no-install-project", *(word for word in words if word == "--no-editable")}
        words += [flag for flag in flags if flag not in decided]
        if not self.place.cached:
            words.append("--no-cache")
        options = self._options(call, 1)
        return " ".join(words) + (f" {options.rstrip()}" if options else "")

    def _case(self, call: Call, wanted: Asked, environment: str, *, active: bool) -> str:
        made = {
            value: self._sync(call, Sync(install, environment), editable=False, active=active)
            for value, install in wanted.cases
        }
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

    def _exported(self, call: Call, wanted: Asked, environment: str, *, sometimes: bool) -> Made:
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
        notes = [(f"{packages.strip()} is in no lock", f"`uv add{packages}`, and no `uv pip install` of it")]
        return Made(
            self._chain(texts), notes=tuple(notes if packages else ()), syncs=(sync,), files=files, extra=bool(packages)
        )

    def _where(self, call: Call, environment: str, *, active: bool = False) -> str:
        for option in ("--target", "--prefix"):
            given = [one for one in call.options if one.name == option]
            if given:
                return f"{option} {given[-1].raw} "
        return self.target(environment, active=active)

    def _packages(self, command: Command, call: Call, wanted: Asked, environment: str, where: str) -> Made:
        if not wanted.packages:
            if wanted.installers:
                return self._installers_only(wanted)
            raise LeftError("an install of nothing that is named", "`uv sync --locked`")
        names = [word.text for word in wanted.packages]
        if self.place.kind == "ci" and all(name_in(name) in _TOOLS for name in names):
            return Made(" && ".join(f"uv tool install {word.raw}" for word in wanted.packages))
        if call.has("--user") and environment not in {one.environment for one in self.done}:
            raise LeftError("uv has no --user", f"`uv add {' '.join(names)}`")
        gone = {word.start for word in wanted.installers}
        edits = self._word_edits(command, call, gone, where)
        self.extra = True
        listed = " ".join(word.raw for word in wanted.packages)
        notes = ((f"{listed}: in no lock", f"`uv add {listed}`, and no `uv pip install`"),)
        return Made(edits=tuple(edits), notes=notes, extra=True)

    def _installers_only(self, wanted: Asked) -> Made:
        if self.place.seeded:
            return Made()
        kept = [word.raw for word in wanted.installers if re.match(r"setuptools\b", word.text)]
        what = "setuptools is not installed any more"
        notes = ((what, "`uv add setuptools` if the app imports pkg_resources"),) if kept else ()
        return Made(dropped=True, notes=notes)

    def _word_edits(self, command: Command, call: Call, gone: set[int], where: str) -> list[tuple[int, int, str]]:
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
        by_word: dict[int, list[Option]] = {}
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

    def _options(self, call: Call, column: int) -> str:
        texts = [spelled(option, locked=column == 1) for option in call.options]
        if column == 2:
            files = ("--require", "--constr", "--editable")
            return "".join(f"{text} " for text in texts if text and not text.startswith(files))
        return "".join(f"{text} " for text in texts if text)


def _installs(wanted: Asked) -> Sequence[Install]:
    return [
        *(one for _, one in wanted.files), *(one for _, one, _ in wanted.projects), *(one for _, one in wanted.cases)
    ]  # fmt: skip


def _folder(name: str) -> str:
    return posixpath.normpath(name).rpartition("/")[2]


def _same(environment: str, current: str, *, project: str) -> bool:
    """Whether `uv sync` installs there without being told."""
    plain = posixpath.normpath(environment) if environment else ""
    own = posixpath.normpath(posixpath.join(project, ".venv"))
    return plain in ("", current or own) or (not current and plain == own)
