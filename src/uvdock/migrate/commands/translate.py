"""What becomes of each command of a shell text: dropped, replaced, changed in its words, or left and named."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Sequence
from itertools import pairwise

from uvdock.formats.shell.commands import Command
from uvdock.formats.shell.words import Word
from uvdock.migrate.commands import managers, pip
from uvdock.migrate.commands.context import ExecutionContext
from uvdock.migrate.commands.decision import LeftError, Told, Translation
from uvdock.migrate.commands.environment import INDEX_VARIABLES
from uvdock.migrate.commands.pip import INTERPRETER, PipCommand
from uvdock.migrate.commands.pip_install import Installer
from uvdock.migrate.discover.requirement import name_in
from uvdock.migrate.model import RepoFacts

_WRITERS = {"sed", "tee", "perl", "ed", "ex", "cp", "mv", "dos2unix", "envsubst"}
_VERBS = {"install", "uninstall", "wheel", "download"}
_CACHE = re.compile(r"(?:/root|~|\$\{?HOME\}?|/home/\w+)/\.cache(?:/pip)?(?:/\*?)?")
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


class Calls:
    """The commands of one text, decided in their order.

    Args:
        found: The commands.
        facts: What is known of the repo.
        place: Where the text runs.
    """

    def __init__(self, found: Sequence[Command], facts: RepoFacts, place: ExecutionContext) -> None:
        self.found, self.facts, self.place = found, facts, place
        self.activated = ""
        self.activations: list[int] = []
        self.created: dict[str, int] = {}
        self.at = -1
        self.calls = [pip.read(command) for command in found]
        self.installer = Installer(facts, place, self._written())

    def decide(self, command: Command) -> Translation:
        """What becomes of the next command."""
        self.at += 1
        call = self.calls[self.at]
        if call is None:
            return self._other(command)
        try:
            decision = self._call(command, call)
        except LeftError as error:
            return Translation(findings=[("left", error.what, error.instead)])
        if command.split and (decision.changes or decision.dropped):
            what = "a redirection in the middle of a pip command"
            return Translation(findings=[("left", what, decision.text or "")])
        return decision

    def settle(self, decisions: list[Translation]) -> None:
        """What can only be told when all commands are known."""
        changed = any(decision.changes for decision in decisions)
        for at, (command, decision) in enumerate(zip(self.found, decisions, strict=True)):
            if command.name == "rm" and not decision.changes:
                self._rm(command, decision, decisions, clean=changed)
            elif command.name in ("[", "test", "[["):
                self._test(command, decision)
            elif command.name == "export" or (command.assigned and not command.words):
                self._variables(command, decision, decisions[at + 1 :])
            elif not decision.changes and not decision.findings and self.calls[at] is None:
                self._mention(command, decision, decisions)
        self._pipes(decisions)
        for at, (command, decision) in enumerate(zip(self.found, decisions, strict=True)):
            # `… || true` is about what went.
            if command.before == "||" and command.name in ("true", ":") and self._whole(at, decisions):
                decision.dropped = True
        self._activations(decisions)

    def _whole(self, at: int, decisions: Sequence[Translation]) -> bool:
        """Whether all goes that stands before a command in its `… && … || …`."""
        while at and decisions[at - 1].dropped and self.found[at].previous == self.found[at - 1].stop:
            at -= 1
            if self.found[at].before not in ("&&", "||", "|"):
                return True
        return False

    # --- one call -----------------------------------------------------------------------------------------------------

    def _call(self, command: Command, call: PipCommand) -> Translation:
        if call.kind == "bootstrap":
            return Translation(dropped=not self.place.seeded)
        if call.kind in ("venv", "compile"):
            return self._venv(call) if call.kind == "venv" else self._compile(call)
        if call.kind == "setup":
            return self._setup(command, call)
        sometimes = bool(command.inside & {"body", "test"}) or command.before == "||"
        environment = self._environment(call)
        if call.verb == "wheel":
            made = self.installer.wheel(command, call, sometimes=sometimes)
        elif call.kind == "sync" or call.verb == "install":
            made = self.installer.install(command, call, environment, active=bool(self.activated), sometimes=sometimes)
        else:
            return self._verb(call, environment)
        notes: list[Told] = [("note", *note) for note in made.notes]
        calls_uv = made.text is not None or bool(made.edits)
        return Translation(
            made.text, list(made.edits), made.dropped, notes, list(made.syncs), list(made.files), calls_uv, made.extra
        )

    def _environment(self, call: PipCommand) -> str:
        folder = call.folder
        if not folder and call.values("--python"):
            folder = re.sub(r"/bin/python[\d.]*$", "", call.values("--python")[-1])
            if INTERPRETER.fullmatch(folder):
                return folder
        return self.place.whole(folder) if folder else self.activated or self.place.environment

    def _verb(self, call: PipCommand, environment: str) -> Translation:
        if not call.verb and call.has("--version"):
            return Translation("uv --version", calls_uv=True)
        if call.verb == "cache" and [word.text for word in call.operands] == ["purge"]:
            return (
                Translation(dropped=True)
                if self.place.kind == "build"
                else Translation("uv cache clean", calls_uv=True)
            )
        if call.verb == "uninstall" and call.operands and not call.has("--requirement"):
            names = {name_in(word.text) for word in call.operands}
            if names <= pip.INSTALLERS:
                return Translation(dropped=True)
            if not call.dynamic:
                target = self.installer.target(environment, active=bool(self.activated))
                raw = " ".join(word.raw for word in call.operands)
                return Translation(f"uv pip uninstall {target}{raw}", calls_uv=True)
        lists = self.found[self.at].redirected
        if call.verb == "freeze" and lists and all(self.place.install(name, self.facts) for name in lists):
            return self._frozen(call)
        options = [word.raw for option in call.options for word in option.words]
        if call.verb in _ASKS and all(re.fullmatch(_ASKS[call.verb], word) for word in options) and not call.dynamic:
            target = self.installer.target(environment, active=bool(self.activated))
            raw = " ".join([*options, *(word.raw for word in call.operands)])
            return Translation(f"uv pip {call.verb} {target}{raw}".rstrip(), calls_uv=True)
        written = " ".join(word.raw for word in call.tool)
        raise LeftError(f"`{written}` has no exact counterpart in uv", "by hand: see `uv help pip`")

    def _frozen(self, call: PipCommand) -> Translation:
        """What is installed is what the lock says, so there is nothing to write down; who only does that, locks."""
        command = self.found[self.at]
        locks = self.place.kind != "build" and not any(one and one is not call for one in self.calls)
        edits = [(command.start, command.stop, "uv lock")] if locks else []
        return Translation(edits=edits, calls_uv=locks, dropped=not locks)

    def _venv(self, call: PipCommand) -> Translation:
        if not call.operands or call.dynamic:
            raise LeftError("the folder of this virtual environment is only known at run time", "uv venv FOLDER")
        words: list[str] = []
        for option in call.options:
            if option.name in ("--system-site-packages", "--clear"):
                words.append(option.name)
            elif option.name in ("-p", "--python", "--prompt"):
                words += ["--prompt" if option.name == "--prompt" else "--python", option.words[-1].raw]
            elif option.name not in (
                "--copies", "--always-copy", "--symlinks", "--without-pip", "--upgrade-deps", "--no-download",
                "--no-site-packages", "--download", "--seeder", "--app-data", "-q", "--quiet",
            ):  # fmt: skip
                raise LeftError(f"`{option.name}` of venv has no counterpart in uv", "uv venv FOLDER")
        name = call.python.rpartition("/")[2]
        if name not in ("", "python", "python3") and "--python" not in words:
            words += ["--python", call.python]
        folders = [word.raw for word in call.operands]
        first = _plain(self.place.whole(call.operands[0].text))
        plain = not words and len(folders) == 1
        if plain and (first in self.place.gone or self._made_by_sync(first)):
            return Translation(dropped=True)
        if self.place.seeded:
            words.append("--seed")
        if self.place.kind != "build" and "--clear" not in words:
            words.append("--allow-existing")
        text = " && ".join(" ".join(["uv venv", *words, folder]) for folder in folders)
        return Translation(text, calls_uv=True)

    def _made_by_sync(self, folder: str) -> bool:
        """Whether the next thing that is done with an environment is the `uv sync` that makes it, in its own place."""
        if self.found[self.at].inside or _plain(self.place.project_environment or ".venv") != folder:
            return False
        for command, call in zip(self.found[self.at + 1 :], self.calls[self.at + 1 :], strict=True):
            if call is not None and call.kind == "pip" and _plain(self.place.whole(call.folder)) == folder:
                if call.verb == "install" and not command.inside:
                    try:
                        made = self.installer.look(command, call, folder)
                    except LeftError:
                        return False
                    if made.dropped:
                        continue
                    return bool(made.syncs) and not made.extra
                return False
            if any(folder in word.text for word in command.words):
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
        return Translation(" ".join(words), calls_uv=True)

    def _setup(self, command: Command, call: PipCommand) -> Translation:
        if call.verb in ("develop", "install") and not call.operands:
            sometimes = bool(command.inside & {"body", "test"}) or command.before == "||"
            environment = self._environment(call)
            made = self.installer.itself(
                ".", environment, editable=call.verb == "develop", active=bool(self.activated), sometimes=sometimes
            )
            return Translation(made.text, syncs=list(made.syncs), files=list(made.files), calls_uv=True)
        if call.verb in ("develop", "install"):
            raise LeftError(f"`setup.py {call.verb}` with options", "`uv sync --locked`")
        if call.verb in ("sdist", "bdist_wheel"):
            return Translation(findings=[("note", f"`setup.py {call.verb}` needs setuptools", "`uv build`")])
        return Translation()

    # --- other commands ----------------------------------------------------------------------------------------------

    def _other(self, command: Command) -> Translation:
        texts = [word.text for word in command.words]
        if command.name in (".", "source") and len(texts) > 1 and texts[-1].endswith("bin/activate"):
            folder = texts[-1].removesuffix("activate").rstrip("/").removesuffix("bin").rstrip("/") or "."
            self.activated = self.place.whole(folder)
            self.activations.append(self.at)
            return Translation()
        if command.name in ("cd", "pushd", "popd"):
            self._move(command)
        if command.name == "deactivate":
            self.activated = ""
        idle = _of_no_package(command) and any(self.place.install(text, self.facts) for text in texts[1:])
        if idle or self._brings(command, texts):
            return Translation(dropped=idle or not self.place.seeded)
        if command.name == "easy_install":
            return Translation(findings=[("left", "`" + " ".join(texts[:2]) + "`", "`uv add` the package")])
        if (manager := managers.named(command)) is not None:
            return self._manager(command, *manager)
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
        gone = managers.used(self.facts)
        if command.name in ("curl", "wget"):
            pip = any("get-pip.py" in text for text in texts)
            return pip or ("poetry" in gone and any(name in text for text in texts for name in _BOOTSTRAPS))
        names = [name_in(text) for text in texts[2:] if not text.startswith("-")]
        return command.name == "pipx" and texts[1:2] == ["install"] and bool(names) and gone.issuperset(names)

    def _manager(self, command: Command, tool: str, rest: tuple[Word, ...]) -> Translation:
        """A command of Poetry or Pipenv."""
        verb = next((word.text for word in rest if not word.text.startswith("-")), "")
        try:
            wish = managers.read(tool, rest, self.facts, self.place)
            if wish.kind == "sync":
                own = self.place.managed and not wish.system and not self.place.active
                sometimes = bool(command.inside & {"body", "test"}) or command.before == "||"
                made = self.installer.managed(wish, "" if own else self.place.environment, sometimes=sometimes)
                return Translation(made.text, syncs=list(made.syncs), files=list(made.files), calls_uv=True)
        except LeftError as error:
            known = verb in ("install", "sync", "export", "update", "run", "add", "lock") and self.facts.installs
            return Translation(findings=[("left", error.what, error.instead)] if known else [])
        if wish.kind != "run":
            return Translation(wish.text or None, dropped=wish.kind == "drop", calls_uv=wish.kind == "text")
        start, first = command.words[command.lead].start, wish.words[0]
        program = f"uv run {'--no-sync ' if self.place.kind == 'build' else ''}"
        if not self.place.managed or self.place.active:
            program = ""
        edits = [(start, first.end if wish.text else first.start, f"{program}{wish.text}")]
        return Translation(edits=edits, calls_uv=bool(program))

    def _move(self, command: Command) -> None:
        """Relative names mean something else from here on."""
        texts = [word.text for word in command.arguments]
        plain = command.name == "cd" and len(texts) == 1 and not command.inside and command.before not in ("||", "|")
        own = _ITSELF.fullmatch(command.arguments[0].raw) if plain else None
        if own is not None and self.place.itself is not None:
            self.place = self.place.itself((own["to"] or "").lstrip("/"))
        else:
            self.place = self.place.moved(texts[0] if plain else None)
        self.installer.move(self.place)

    def _written(self) -> frozenset[str]:
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
        return frozenset(str(where) for name in found if (where := self.place.find(name)) is not None)

    def _rm(self, command: Command, decision: Translation, all_: list[Translation], *, clean: bool) -> None:
        """The old files and pip's cache: the files are not there, and the cache is a mount, which cannot be removed."""
        operands = [word for word in command.arguments if not word.text.startswith("-")]
        gone = [word for word in operands if self._goes(word, clean=clean and self._installs(all_))]
        if not gone or (not clean and (self.place.kind != "build" or self.place.seeded)):
            return
        if len(gone) == len(operands):
            decision.dropped = True
            return
        for word in gone:
            before = max(one.end for one in command.words if one.end <= word.start)
            decision.edits.append((before, word.end, ""))

    def _goes(self, word: Word, *, clean: bool) -> bool:
        if self.place.kind == "build" and clean and _CACHE.fullmatch(word.text):
            return True
        if word.text.rpartition("/")[2] == "get-pip.py" or word.text.rstrip("/") in self.place.wheels:
            return True
        if self.place.install(word.text, self.facts) is not None:
            return True
        # A folder of nothing but requirements files.
        folder = self.place.find(word.text) if self.place.kind == "build" and word.text.strip("./") else None
        inside = {path for path in self.facts.files if folder is not None and folder in path.parents}
        return bool(inside) and inside <= self.facts.installs.keys()

    @staticmethod
    def _installs(decisions: Sequence[Translation]) -> bool:
        return any(decision.calls_uv or decision.dropped for decision in decisions)

    def _test(self, command: Command, decision: Translation) -> None:
        """Whether a requirements file is there becomes whether the lock is."""
        words = command.arguments
        for flag, word in pairwise(words):
            if flag.text in ("-nt", "-ot") and (found := self.place.install(word.text, self.facts)):
                self._newer(words, flag, word, decision)
            elif flag.text in ("-f", "-e", "-s", "-r") and (found := self.place.install(word.text, self.facts)):
                name = self.place.named(found[1].project)
                if name is not None:
                    decision.edits.append((word.start, word.end, posixpath.join(name, "uv.lock")))

    def _newer(self, words: Sequence[Word], flag: Word, right: Word, decision: Translation) -> None:
        """Which of two lists is newer becomes which of the manifest and its lock is."""
        left = words[words.index(flag) - 1] if words.index(flag) else flag
        found = self.place.install(left.text, self.facts)
        name = self.place.named(found[1].project) if found is not None else None
        if name is not None:
            order = ("pyproject.toml", "uv.lock") if flag.text == "-nt" else ("uv.lock", "pyproject.toml")
            for word, new in zip((left, right), order, strict=True):
                decision.edits.append((word.start, word.end, posixpath.join(name, new)))

    def _variables(self, command: Command, decision: Translation, later: Sequence[Translation]) -> None:
        """The indexes that a text gives pip become those of uv, where uv is called after it and pip is not."""
        if not any(one.calls_uv for one in later) or any(
            level == "left" for one in later for level, *_ in one.findings
        ):
            return
        for word in command.words[command.lead + 1 :] if command.words else command.assigned:
            name, equals, _ = word.text.partition("=")
            new = INDEX_VARIABLES.get(name) if equals and word.raw.startswith(name) else None
            if new is not None:
                decision.edits.append((word.start, word.start + len(name), new))

    def _mention(self, command: Command, decision: Translation, decisions: Sequence[Translation]) -> None:
        for word in (*command.words, *command.reads):
            found = self.place.install(word.text, self.facts) if "/" in word.text or "." in word.text else None
            told = any(word.text in what for decision in decisions for _, what, _ in decision.findings)
            if found and not told and found[0].name not in ("pyproject.toml", "setup.py", "setup.cfg"):
                instead = "pyproject.toml and uv.lock say it now"
                decision.findings.append(("left", f"{command.name or 'a redirect'} uses {word.text}", instead))
                return

    def _pipes(self, decisions: list[Translation]) -> None:
        """`curl … get-pip.py | python`: what reads the script goes with it."""
        for at, decision in enumerate(decisions[1:], 1):
            before, command = decisions[at - 1], self.found[at]
            if before.dropped and command.before == "|" and self.found[at - 1].name in ("curl", "wget"):
                if re.fullmatch(r"python[\d.]*", command.name):
                    decision.dropped, decision.findings = True, []
                else:
                    before.dropped = False

    def _activations(self, decisions: list[Translation]) -> None:
        """In a build, an activation goes when nothing is left that it is for."""
        if self.place.kind != "build":
            return
        for at in self.activations:
            later = zip(self.found[at + 1 :], decisions[at + 1 :], strict=True)
            needed = [command for command, decision in later if not decision.changes and command.name != "deactivate"]
            if not needed and any(decision.changes for decision in decisions[at + 1 :]):
                decisions[at].dropped = True
            elif (made := _plain(self.activated)) in self.place.gone:
                decisions[at].findings.append(
                    ("note", f"{made} is activated before uv makes it", "call the program by its folder")
                )
        for at, command in enumerate(self.found):
            if command.name == "deactivate" and all(decisions[one].dropped for one in self.activations):
                decisions[at].dropped = bool(self.activations)


def _of_no_package(command: Command) -> bool:
    """Whether it only takes out what Debian's pip once wrote into its lists, and what is not in the lock."""
    return command.name == "sed" and any(_NO_PACKAGE.fullmatch(word.text) for word in command.arguments)


def _plain(folder: str) -> str:
    return posixpath.normpath(folder) if folder else ""
