"""What of a shell text can only be told when all its commands are translated: what belongs to those that go."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Sequence
from itertools import pairwise

from uvdock.formats.shell.commands import Command
from uvdock.formats.shell.words import Word
from uvdock.migrate.commands.environment import INDEX_VARIABLES
from uvdock.migrate.commands.translate import Translator
from uvdock.migrate.commands.translation import Translation

_CACHE = re.compile(r"(?:/root|~|\$\{?HOME\}?|/home/\w+)/\.cache(?:/pip)?(?:/\*?)?")


def settle(translator: Translator, decisions: list[Translation]) -> None:
    """Settle what becomes of the commands that are about others.

    Args:
        translator: What translated the commands; its place is what is there at their end.
        decisions: What became of each so far; changed here.
    """
    _Settling(translator, decisions).settle()


class _Settling:
    """The commands of a text, and what becomes of each."""

    def __init__(self, translator: Translator, decisions: list[Translation]) -> None:
        self.found, self.calls, self.activations = translator.found, translator.calls, translator.activations
        self.facts, self.place, self.decisions = translator.facts, translator.place, decisions

    def settle(self) -> None:
        changed = any(decision.changes for decision in self.decisions)
        for at, (command, decision) in enumerate(zip(self.found, self.decisions, strict=True)):
            if command.name == "rm" and not decision.changes:
                self._rm(command, decision, clean=changed)
            elif command.name in ("[", "test", "[["):
                self._test(command, decision)
            elif command.name == "export" or (command.assigned and not command.words):
                self._variables(command, decision, self.decisions[at + 1 :])
            elif not decision.changes and not decision.findings and self.calls[at] is None:
                self._mention(command, decision)
        self._pipes()
        for at, (command, decision) in enumerate(zip(self.found, self.decisions, strict=True)):
            # `… || true` is about what went.
            if command.before == "||" and command.name in ("true", ":") and self._whole(at):
                decision.dropped = True
        self._activations()

    def _whole(self, at: int) -> bool:
        """Whether all goes that stands before a command in its `… && … || …`."""
        while at and self.decisions[at - 1].dropped and self.found[at].previous == self.found[at - 1].stop:
            at -= 1
            if self.found[at].before not in ("&&", "||", "|"):
                return True
        return False

    def _rm(self, command: Command, decision: Translation, *, clean: bool) -> None:
        """The old files and pip's cache: the files are not there, and the cache is a mount, which cannot be removed."""
        installed = clean and any(one.calls_uv or one.dropped for one in self.decisions)
        operands = [word for word in command.arguments if not word.text.startswith("-")]
        gone = [word for word in operands if self._goes(word, installed=installed)]
        if not clean and (self.place.kind != "build" or self.place.seeded):
            return
        if gone and len(gone) == len(operands):
            decision.dropped = True
            return
        for word in gone:
            before = max(one.end for one in command.words if one.end <= word.start)
            decision.edits.append((before, word.end, ""))

    def _goes(self, word: Word, *, installed: bool) -> bool:
        """Whether what is removed is not there any more."""
        build = self.place.kind == "build"
        if (build and installed and _CACHE.fullmatch(word.text)) or word.text.rpartition("/")[2] == "get-pip.py":
            return True
        if word.text.rstrip("/") in self.place.wheels or self.place.install(word.text, self.facts) is not None:
            return True
        # A folder of nothing but requirements files.
        folder = self.place.find(word.text) if build and word.text.strip("./") else None
        inside = {path for path in self.facts.files if folder is not None and folder in path.parents}
        return bool(inside) and inside <= self.facts.installs.keys()

    def _test(self, command: Command, decision: Translation) -> None:
        """Whether a requirements file is there, or newer than another file, becomes what the lock is."""
        words = command.arguments
        for at, (flag, word) in enumerate(pairwise(words)):
            if flag.text in ("-f", "-e", "-s", "-r"):
                self._rename(word, "uv.lock", decision)
            elif flag.text in ("-nt", "-ot") and at:
                newer, older = (words[at - 1], word) if flag.text == "-nt" else (word, words[at - 1])
                # Of two lists, one was compiled from the other.
                compiled = self.place.install(older.text, self.facts) is not None
                self._rename(newer, "pyproject.toml" if compiled else "uv.lock", decision)
                self._rename(older, "uv.lock", decision)

    def _rename(self, word: Word, name: str, decision: Translation) -> None:
        """Name a file of the project instead, where a word names a requirements file."""
        found = self.place.install(word.text, self.facts)
        folder = self.place.named(found[1].project) if found is not None else None
        if folder is not None:
            decision.edits.append((word.start, word.end, posixpath.join(folder, name)))

    def _variables(self, command: Command, decision: Translation, later: Sequence[Translation]) -> None:
        """The indexes that a text gives pip become those of uv, where uv is called after it and pip is not."""
        left = any(level == "left" for one in later for level, *_ in one.findings)
        if left or not any(one.calls_uv for one in later):
            return
        for word in command.arguments if command.words else command.assigned:
            name, equals, _ = word.text.partition("=")
            new = INDEX_VARIABLES.get(name) if equals and word.raw.startswith(name) else None
            if new is not None:
                decision.edits.append((word.start, word.start + len(name), new))

    def _mention(self, command: Command, decision: Translation) -> None:
        """Name a command that stays and uses a requirements file; once for each file."""
        for word in (*command.words, *command.reads):
            found = self.place.install(word.text, self.facts) if "/" in word.text or "." in word.text else None
            told = any(word.text in what for one in self.decisions for _, what, _ in one.findings)
            if found and not told and found[0].name not in ("pyproject.toml", "setup.py", "setup.cfg"):
                instead = "pyproject.toml and uv.lock say it now"
                decision.findings.append(("left", f"{command.name or 'a redirect'} uses {word.text}", instead))
                return

    def _pipes(self) -> None:
        """`curl … get-pip.py | python`: what reads the script goes with it."""
        for at, decision in enumerate(self.decisions[1:], 1):
            before, command = self.decisions[at - 1], self.found[at]
            if before.dropped and command.before == "|" and self.found[at - 1].name in ("curl", "wget"):
                if re.fullmatch(r"python[\d.]*", command.name):
                    decision.dropped, decision.findings = True, []
                else:
                    before.dropped = False

    def _activations(self) -> None:
        """In a build, an activation goes when nothing is left that it is for."""
        if self.place.kind != "build":
            return
        activated = posixpath.normpath(self.place.activated) if self.place.activated else ""
        for at in self.activations:
            later = list(zip(self.found[at + 1 :], self.decisions[at + 1 :], strict=True))
            needed = any(not decision.changes and command.name != "deactivate" for command, decision in later)
            if not needed and any(decision.changes for _, decision in later):
                self.decisions[at].dropped = True
            elif activated in self.place.gone:
                what = f"{activated} is activated before uv makes it"
                self.decisions[at].findings.append(("note", what, "call the program by its folder"))
        for at, command in enumerate(self.found):
            if command.name == "deactivate" and all(self.decisions[one].dropped for one in self.activations):
                self.decisions[at].dropped = bool(self.activations)
