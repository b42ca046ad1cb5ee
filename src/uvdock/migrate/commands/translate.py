"""What becomes of each command of a shell text: dropped, replaced, changed in its words, or left and named."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

from uvdock.formats.shell.commands import Command
from uvdock.migrate.commands import install, managers, pip, targets
from uvdock.migrate.commands.context import ExecutionContext, Names
from uvdock.migrate.commands.pip import INTERPRETER, PipCommand
from uvdock.migrate.commands.translation import LeftError, Translation
from uvdock.migrate.discover.requirement import name_in
from uvdock.migrate.model import RepoFacts

_WRITERS = {"sed", "tee", "perl", "ed", "ex", "cp", "mv", "dos2unix", "envsubst"}
_VERBS = {"install", "uninstall", "wheel", "download"}
#: What brings Poetry: its own installer.
_BOOTSTRAPS = ("install.python-poetry.org", "install-poetry.py", "get-poetry.py")
#: The folder of the script itself, and a way on from there: `"$(dirname "$0")/.."`.
_ITSELF = re.compile(
    r"""(?P<quote>"?)\$\([ \t]*dirname[ \t]+(?:--[ \t]+)?"?\$\{?(?:0|BASH_SOURCE(?:\[0\])?)\}?"?[ \t]*\)"""
    r"""(?P<to>/[\w./-]*)?(?P=quote)"""
)
#: `sed -i '/pkg-resources/d' requirements.txt`
_NO_PACKAGE = re.compile(r"/\^?pkg[-_.]resources[=0.\\]*\$?/d")
#: What asks without changing anything, and the options that uv has by the same name.
_ASKS = {
    "check": r"-q|--quiet",
    "freeze": r"-q|--quiet",
    "list": r"-q|--quiet|--outdated|--format=(?:columns|freeze|json)",
    "show": r"-q|--quiet|-f|--files",
}
#: The options of venv and virtualenv, and those of `uv venv` in their place; nothing for what uv does anyway.
_VENV_OPTIONS = {
    **{name: name for name in ("--system-site-packages", "--clear", "--prompt", "--python")},
    "-p": "--python",
    **dict.fromkeys(
        ("--copies", "--always-copy", "--symlinks", "--without-pip", "--upgrade-deps", "--no-download"), ""
    ),
    **dict.fromkeys(("--no-site-packages", "--download", "--seeder", "--app-data", "-q", "--quiet"), ""),
}


class Translator:
    """The commands of one text, translated in their order.

    Args:
        found: The commands.
        facts: What is known of the repo.
        place: Where the text runs; it is what is there before the next command as the text goes on.
    """

    def __init__(self, found: Sequence[Command], facts: RepoFacts, place: ExecutionContext) -> None:
        self.found, self.facts, self.place = found, facts, place
        self.activations: list[int] = []
        # What was before each subshell that is open, and before each `pushd`.
        self.outside: list[tuple[str, ExecutionContext]] = []
        self.pushed: list[Names] = []
        self.at = -1
        self.calls = [pip.read(command) for command in found]
        self.place = replace(place, written=self._written())

    def translate(self, command: Command) -> Translation:
        """What becomes of the next command."""
        self.at += 1
        call = self.calls[self.at]
        self._leave_subshells(command)
        try:
            made = self._call(command, call) if call is not None else self._other(command)
        except LeftError as error:
            return Translation(findings=[("left", error.what, error.instead)])
        if call is not None and command.split and made.changes:
            what = "a redirection in the middle of a pip command"
            return Translation(findings=[("left", what, made.text or "")])
        return made

    # --- one call of pip and its like ---------------------------------------------------------------------------------

    def _call(self, command: Command, call: PipCommand) -> Translation:
        if call.kind == "bootstrap":
            return Translation(dropped=not self.place.seeded)
        if call.kind in ("venv", "compile"):
            return self._venv(call) if call.kind == "venv" else self._compile(call)
        place = self._of(call)
        if call.kind == "setup":
            return self._setup(command, call, place)
        if call.verb == "wheel":
            return self._installed(install.wheel(command, call, place, self.facts))
        if call.kind == "sync" or call.verb == "install":
            return self._installed(install.install(command, call, place, self.facts))
        return self._verb(command, call, place)

    def _of(self, call: PipCommand) -> ExecutionContext:
        """Where a call runs, with the environment that it means."""
        folder = call.folder
        if not folder and call.values("--python"):
            folder = re.sub(r"/bin/python[\d.]*$", "", call.values("--python")[-1])
            if INTERPRETER.fullmatch(folder):
                return replace(self.place, environment=folder)
        environment = self.place.names.whole(folder) if folder else self.place.activated or self.place.environment
        return replace(self.place, environment=environment)

    def _installed(self, made: Translation) -> Translation:
        """The translation of an install, which counts for what comes after it."""
        # What is exported is in a folder of its own.
        if not any(sync.exported for sync in made.syncs):
            extra = self.place.extra or made.extra
            self.place = replace(self.place, before=(*self.place.before, *made.syncs), extra=extra)
        return made

    def _verb(self, command: Command, call: PipCommand, place: ExecutionContext) -> Translation:
        """What is no install."""
        operands = [word.raw for word in call.operands]
        words = [word.raw for option in call.options for word in option.words]
        known = _ASKS.get(call.verb)
        if not call.verb and call.has("--version"):
            return Translation("uv --version")
        if call.verb == "cache" and operands == ["purge"]:
            return Translation(dropped=True) if place.kind == "build" else Translation("uv cache clean")
        if call.verb == "uninstall" and operands and not call.has("--requirement"):
            if {name_in(word.text) for word in call.operands} <= pip.INSTALLERS:
                return Translation(dropped=True)
            known, words = ".*", []
        lists = [place.install(name, self.facts) for name in command.redirected]
        if call.verb == "freeze" and lists and all(lists):
            return self._frozen(command, call)
        if known and all(re.fullmatch(known, word) for word in words) and not call.dynamic:
            return Translation(" ".join(["uv pip", call.verb, *install.target(place), *words, *operands]))
        written = " ".join(word.raw for word in call.tool)
        raise LeftError(f"`{written}` has no exact counterpart in uv", "by hand: see `uv help pip`")

    def _frozen(self, command: Command, call: PipCommand) -> Translation:
        """What is installed is what the lock says, so there is nothing to write down; who only does that, locks."""
        if self.place.kind == "build" or any(one and one is not call for one in self.calls):
            return Translation(dropped=True)
        return Translation(edits=[(command.start, command.stop, "uv lock")], within=True)

    def _venv(self, call: PipCommand) -> Translation:
        if not call.operands or call.dynamic:
            raise LeftError("the folder of this virtual environment is only known at run time", "uv venv FOLDER")
        words: list[str] = []
        for option in call.options:
            kept = _VENV_OPTIONS.get(option.name)
            if kept is None:
                raise LeftError(f"`{option.name}` of venv has no counterpart in uv", "uv venv FOLDER")
            words += filter(None, (kept, option.raw if kept in ("--prompt", "--python") else ""))
        if call.python.rpartition("/")[2] not in ("", "python", "python3") and "--python" not in words:
            words += ["--python", call.python]
        folders = [word.raw for word in call.operands]
        first = _plain(self.place.names.whole(call.operands[0].text))
        if not words and len(folders) == 1 and (first in self.place.gone or self._is_made_by_sync(first)):
            return Translation(dropped=True)
        if self.place.seeded:
            words.append("--seed")
        if self.place.kind != "build" and "--clear" not in words:
            words.append("--allow-existing")
        return Translation(" && ".join(" ".join(["uv venv", *words, folder]) for folder in folders))

    def _is_made_by_sync(self, folder: str) -> bool:
        """Whether the next thing that is done with an environment is the `uv sync` that makes it, in its own place."""
        if self.found[self.at].inside or _plain(self.place.project_environment or ".venv") != folder:
            return False
        there = replace(self.place, environment=folder, activated="")
        for command, call in zip(self.found[self.at + 1 :], self.calls[self.at + 1 :], strict=True):
            if call is not None and call.kind == "pip" and _plain(self.place.names.whole(call.folder)) == folder:
                if call.verb != "install" or command.inside:
                    return False
                try:
                    made = install.install(command, call, there, self.facts)
                except LeftError:
                    return False
                if not made.dropped:
                    return bool(made.syncs) and not made.extra
            elif any(folder in word.text for word in command.words):
                return False
        return False

    def _compile(self, call: PipCommand) -> Translation:
        if self.place.kind == "build":
            return Translation(dropped=True, findings=[("note", "the lock is made before the build, not in it", "")])
        words = ["uv lock"]
        for option in call.options:
            if option.name in ("-U", "--upgrade"):
                words.append("--upgrade")
            elif option.name in ("-P", "--upgrade-package") and option.value:
                words += ["--upgrade-package", option.words[-1].raw]
            elif option.name in ("-q", "--quiet"):
                words.insert(1, "--quiet")
        return Translation(" ".join(words))

    def _setup(self, command: Command, call: PipCommand, place: ExecutionContext) -> Translation:
        if call.verb in ("develop", "install"):
            if call.operands:
                raise LeftError(f"`setup.py {call.verb}` with options", "`uv sync --locked`")
            return self._installed(install.project(command, place, self.facts, editable=call.verb == "develop"))
        if call.verb in ("sdist", "bdist_wheel"):
            return Translation(findings=[("note", f"`setup.py {call.verb}` needs setuptools", "`uv build`")])
        return Translation()

    # --- other commands -----------------------------------------------------------------------------------------------

    def _other(self, command: Command) -> Translation:
        texts = [word.text for word in command.words]
        if command.name in (".", "source") and len(texts) > 1 and texts[-1].endswith("bin/activate"):
            folder = texts[-1].removesuffix("activate").rstrip("/").removesuffix("bin").rstrip("/") or "."
            self.place = replace(self.place, activated=self.place.names.whole(folder))
            self.activations.append(self.at)
            return Translation()
        if command.name in ("cd", "pushd", "popd"):
            self._move(command)
        if command.name == "deactivate":
            self.place = replace(self.place, activated="")
        idle = _of_no_package(command) and any(self.place.install(text, self.facts) for text in texts[1:])
        if idle or self._brings(command, texts):
            return Translation(dropped=idle or not self.place.seeded)
        if command.name == "easy_install":
            return Translation(findings=[("left", "`" + " ".join(texts[:2]) + "`", "`uv add` the package")])
        if (made := managers.translate(command, self.place, self.facts)) is not None:
            return self._installed(made)
        return self._by_another(command, texts)

    def _by_another(self, command: Command, texts: Sequence[str]) -> Translation:
        """Pip as an argument of another program."""
        for one, two in pairwise(texts[1:]):
            if re.fullmatch(r"(?:.*/)?pip[\d.]*", one) and two in _VERBS and command.name not in ("echo", "printf"):
                instead = "the same with `uv sync --locked` or `uv pip install`"
                return Translation(findings=[("left", f"pip is called by {command.program}", instead)])
        return Translation()

    def _brings(self, command: Command, texts: Sequence[str]) -> bool:
        """Whether a command brings pip, or a program that nothing has to be installed by any more."""
        gone = targets.used(self.facts)
        if command.name in ("curl", "wget"):
            names = ("get-pip.py", *(_BOOTSTRAPS if "poetry" in gone else ()))
            return any(name in text for text in texts for name in names)
        packages = [name_in(text) for text in texts[2:] if not text.startswith("-")]
        return command.name == "pipx" and texts[1:2] == ["install"] and bool(packages) and gone.issuperset(packages)

    def _move(self, command: Command) -> None:
        """Relative names mean something else from here on."""
        texts = [word.text for word in command.arguments]
        runs = command.depth == len(command.subshells) and command.before not in ("||", "|")
        plain = runs and command.name != "popd" and len(texts) == 1
        if command.name == "popd" and runs and self.pushed and not texts:
            self.place = replace(self.place, names=self.pushed.pop())
            return
        if command.name == "pushd":
            self.pushed.append(self.place.names)
        own = _ITSELF.fullmatch(command.arguments[0].raw) if plain else None
        names = self.place.names
        if own is not None and names.itself is not None:
            names = names.itself((own["to"] or "").lstrip("/"))
        else:
            names = names.moved(texts[0] if plain else None)
        self.place = replace(self.place, names=names)

    def _leave_subshells(self, command: Command) -> None:
        """Where a subshell went, and what it activated, is over with it."""
        while self.outside and self.outside[-1][0] not in command.subshells:
            _, before = self.outside.pop()
            self.place = replace(self.place, names=before.names, activated=before.activated)
        for one in command.subshells[len(self.outside) :]:
            self.outside.append((one, self.place))

    def _written(self) -> frozenset[Path]:
        """The requirements files that a command of the text writes: what they say then is known to nobody."""
        found: list[str] = []
        for at, command in enumerate(self.found):
            call = self.calls[at]
            if (call is not None and call.verb == "freeze") or _of_no_package(command):
                continue
            found += command.redirected
            if command.name in _WRITERS:
                last = command.arguments[-1:] if command.name in ("cp", "mv", "tee") else command.arguments
                found += [word.text for word in last]
        return frozenset(where for name in found if (where := self.place.find(name)) is not None)


def _of_no_package(command: Command) -> bool:
    """Whether it only takes out what Debian's pip once wrote into its lists, and what is not in the lock."""
    return command.name == "sed" and any(_NO_PACKAGE.fullmatch(word.text) for word in command.arguments)


def _plain(folder: str) -> str:
    return posixpath.normpath(folder) if folder else ""
