"""The commands of pip, venv, virtualenv and pip-tools in any shell text, and what stands in their place with uv.

A RUN line, a script, a Compose command, a step of a workflow, a recipe of a Makefile: all are shell texts. What cannot
be told without running it stays as it is, and is named.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from uvdock.formats.edits import TextChange, changed, line_end, line_start
from uvdock.formats.shell.commands import Command, UnreadableError, commands, read, script_at
from uvdock.formats.shell.words import Dialect, Document, Word
from uvdock.migrate.commands import compose_run
from uvdock.migrate.commands.context import ExecutionContext
from uvdock.migrate.commands.decision import Told, Translation
from uvdock.migrate.commands.environment import instead
from uvdock.migrate.commands.sync import Sync
from uvdock.migrate.commands.translate import Calls
from uvdock.migrate.model import Notice, RepoFacts

#: Whether a text is worth reading at all.
_TOPIC = re.compile(
    r"pip|\bvenv\b|virtualenv|pyvenv|setup\.py|easy_install|\bpoetry\b|requirements|/bin/activate", re.IGNORECASE
)
_PIP = re.compile(r"(?:^|[\s;&|(/\"'`$])pip[\d.]*[\s\"',]+(?:-\S+\s+)*(?:install|wheel|uninstall|download)\b")
#: What stands between two commands that both run.
_SEPARATORS = ("&&", ";", "\n")
_HERE = re.compile(r"(?<!<)<<(?!<)")
_NO_SHELL = "pip is called without a shell, and uv's way takes one"


@dataclass(frozen=True)
class Shell:
    """What became of a shell text.

    Args:
        text: The new text; empty when nothing of it is left to do (the line, step or command goes).
        changes: The changes that make it, in order, none over another.
        findings: What a person has to know, with line numbers of the file.
        syncs: Its `uv sync` commands, in order; for words that stay, those that would be.
        calls_uv: Whether the new text calls uv where the old one called pip.
        extra: Whether it installs packages that are not in the lock.
        left: Whether something of pip stays in it.
        files: The requirements files whose place `uv sync` takes, from the repo root.
    """

    text: str
    changes: tuple[TextChange, ...] = ()
    findings: tuple[Notice, ...] = ()
    syncs: tuple[Sync, ...] = ()
    calls_uv: bool = False
    extra: bool = False
    left: bool = False
    files: tuple[Path, ...] = ()


def convert(text: str, facts: RepoFacts, place: ExecutionContext) -> Shell:
    """Put uv in the place of pip, venv, virtualenv and pip-tools in a shell text.

    Args:
        text: The text, as it stands in the file.
        facts: What is known of the repo.
        place: Where the text runs.

    Returns:
        The text with uv; for a text without any of these programs, the text itself and nothing else.
    """
    if not _TOPIC.search(text):
        return Shell(text)
    return _Text(text, facts, place).convert()


def convert_line(text: str, facts: RepoFacts, place: ExecutionContext) -> Shell:
    """The same for a line that is split into words as a shell would and that no shell reads: a Compose command.

    Returns:
        What `convert` says; the text itself where uv's way takes a shell, which is named.
    """
    made = convert(text, facts, place)
    if made.text in (text, ""):
        return made
    plain = _plain(made.text)
    if plain is None:
        left = Notice(place.path, place.line, "left", _NO_SHELL, f"sh -c {shlex.quote(made.text)}")
        return Shell(text, (), (*made.findings, left), made.syncs, left=True)
    assigned = [word.raw for word in plain.assigned]
    if not assigned:
        return made
    # `env` sets a variable without a shell.
    changes = [
        replace(one, text=f"env {one.text}") if one.text.startswith(assigned[0]) else one for one in made.changes
    ]
    return replace(made, text=changed(text, changes), changes=tuple(changes))


def convert_words(words: Sequence[str], facts: RepoFacts, place: ExecutionContext) -> tuple[list[str], Shell]:
    """The same for a list of words that no shell reads: ``["pip", "install", "-r", "requirements.txt"]``.

    A script in one of the words (``["sh", "-c", "pip install …"]``) is converted in its place.

    Returns:
        The new words (the old ones where it would take a shell, which is named), and what `convert` says.
    """
    if at := script_at(words):
        made = convert(words[at], facts, place)
        return [*words[:at], made.text or ":", *words[at + 1 :]], made
    line = shlex.join(words)
    made = convert(line, facts, place)
    if made.text == line:
        return list(words), made
    if not made.text:
        return [], made
    plain = _plain(made.text)
    if plain is None:
        left = Notice(place.path, place.line, "left", _NO_SHELL, f"sh -c {shlex.quote(made.text)}")
        return list(words), Shell(line, (), (*made.findings, left), made.syncs, left=True)
    assigned = [word.text for word in plain.assigned]
    return [*(["env", *assigned] if assigned else []), *(word.text for word in plain.words)], made


def _plain(text: str) -> Command | None:
    """The one command that a text is; ``None`` for one that takes a shell."""
    try:
        found = commands(text, Dialect())
    except UnreadableError:
        return None
    return found[0] if len(found) == 1 and not found[0].inside else None


class _Text:
    """One text on its way."""

    def __init__(self, text: str, facts: RepoFacts, place: ExecutionContext) -> None:
        self.text, self.facts, self.place = text, facts, place
        self.dialect = Dialect(place.comments, place.kind == "make", place.escape)
        self.findings: list[Notice] = []
        self.changes: list[TextChange] = []
        self.left = False

    def convert(self) -> Shell:
        try:
            found = commands(self.text, self.dialect)
        except UnreadableError as error:
            if _PIP.search(self.text):
                match = _PIP.search(self.text)
                at = match.start() if match else 0
                self._leave(at, f"a shell text with pip that cannot be read: {error}", "by hand, with uv")
            return self._made([])
        for token in read(self.text, self.dialect):
            if not isinstance(token, Word) and (match := _PIP.search(self.text[token.start : token.end])):
                where = "a here-document" if isinstance(token, Document) else "arithmetic"
                what = f"pip in {where}: {match[0].lstrip('(').strip()}"
                self._leave(token.start + match.end(), what, "by hand, with uv, where it is a script")
        calls = Calls(found, self.facts, self.place)
        decisions = [self._decide(command, calls) for command in found]
        calls.settle(decisions)
        for command, decision in zip(found, decisions, strict=True):
            self._take(command, decision)
        self._drop(found, decisions)
        return self._made(decisions)

    def _decide(self, command: Command, calls: Calls) -> Translation:
        """What becomes of the next command; of one that runs in a service's container, what its image says."""
        decision = calls.decide(command)
        inner = None if command.split else compose_run.read(command)
        if inner is None or (place := self.facts.services.get(inner[0])) is None:
            return decision
        words = inner[1]
        text = " ".join(word.raw for word in words)
        made = convert_line(text, self.facts, place)
        told: list[Told] = [(one.level, one.what, one.instead) for one in made.findings]
        if made.text in (text, ""):
            return Translation(findings=told) if told else decision
        return Translation(edits=[(words[0].start, words[-1].end, made.text)], findings=told, files=list(made.files))

    def _made(self, decisions: Sequence[Translation]) -> Shell:
        self.changes.sort(key=lambda change: (change.start, change.end))
        made = changed(self.text, self.changes)
        # A comment is something; in a Dockerfile it stays without its instruction.
        bare = [
            line for line in made.splitlines() if line.strip() and not (line.lstrip()[0] == "#" and self.place.comments)
        ]
        return Shell(
            made if bare or not self.changes else "",
            tuple(self.changes),
            tuple(sorted(self.findings, key=lambda finding: finding.line)),
            tuple(sync for decision in decisions for sync in decision.syncs),
            any(decision.calls_uv for decision in decisions),
            any(decision.extra for decision in decisions),
            self.left,
            tuple(dict.fromkeys(path for decision in decisions for path in decision.files)),
        )

    def _take(self, command: Command, decision: Translation) -> None:
        for level, what, advice in decision.findings:
            self.left = self.left or level == "left"
            self.findings.append(Notice(self.place.path, self._line(command.start), level, what, advice))
        if decision.text is not None:
            text = decision.text
            compound = " && " in text or "\n" in text
            if compound and (command.before in ("||", "|", "!") or command.after in ("||", "|", "&") or
                             "test" in command.inside or command.lead):  # fmt: skip
                text = f"{{ {text}; }}"
            self._replace(command.start, command.end, self._lead(command) + text)
        self.changes += [TextChange(*edit) for edit in decision.edits]
        if decision.text is None and not decision.dropped:
            for word in (*command.assigned, *command.words):
                if not any(start <= word.start and word.end <= end for start, end, _ in decision.edits):
                    self._inner(command, word, decision)

    def _lead(self, command: Command) -> str:
        """What stands before the program and stays: `sudo`, and variables that are not pip's or are uv's now."""
        found = []
        for word in sorted({*command.assigned, *command.words[: command.lead]}, key=lambda one: one.start):
            name, equals, value = word.text.partition("=")
            if equals and name == "CUSTOM_COMPILE_COMMAND":
                continue
            made = instead(name, value, self.facts) if equals and name.startswith("PIP_") else word.raw
            found.append(made or "")
        return "".join(f"{part} " for part in found if part)

    def _replace(self, start: int, end: int, text: str) -> None:
        """Comments between the lines of a command go before what takes its place."""
        comments = self._comments(start, end)
        if comments:
            indent = re.match(r"[ \t]*", comments[-1])
            comments = [line.rstrip("\r") for line in comments]
            before = f"{self.place.escape}\n" + "\n".join(comments) + "\n" + (indent[0] if indent else "")
            text = before + text
        self.changes.append(TextChange(start, end, text))

    def _comments(self, start: int, end: int) -> list[str]:
        """The comment lines in a part of a text where they may stand between continued lines."""
        if not self.place.comments:
            return []
        return [line for line in self.text[start:end].split("\n")[1:] if line.lstrip().startswith("#")]

    def _inner(self, command: Command, word: Word, decision: Translation) -> None:
        """What is in a word's quotes or substitutions."""
        for start, end in word.inner:
            inside = self.text[start:end]
            match = re.search(rf"{_PIP.pattern}|^\s*pip[\d.]* \w", inside)
            if match and not decision.findings:
                what = f"pip in a substitution: {_line_of(inside, match)}"
                self._leave(start + match.end(), what, "by hand, with `uv pip`")
        if word.is_array and (match := _PIP.search(word.raw)):
            self._leave(word.start + match.end(), f"pip in an array: {match[0].strip(' (')}", "by hand, with uv")
        quoted = re.fullmatch(r"(?s)([\"'])(.*)\1", word.raw)
        inside = quoted[2] if quoted else ""
        if not _TOPIC.search(inside) or command.name in ("echo", "printf"):
            return
        at = script_at([one.text for one in command.words[command.lead :]])
        if at and word is command.words[command.lead + at] and "\\" not in inside and not word.inner:
            self._quoted_script(word, decision)
        elif (match := _PIP.search(inside)) and not decision.findings:
            what = f"pip in a quoted script: {_line_of(inside, match)}"
            self._leave(word.start + 1 + match.end(), what, "by hand, with uv")

    def _quoted_script(self, word: Word, decision: Translation) -> None:
        """A script in quotes, as `sh -c` takes it."""
        inside = word.raw[1:-1]
        made = convert(inside, self.facts, replace(self.place, line=self._line(word.start), comments=False))
        self.findings += made.findings
        self.left = self.left or made.left
        if word.raw[0] in made.text and word.raw[0] not in inside:
            self._leave(word.start, f"pip in a quoted script: {inside.strip()}", made.text)
        elif made.text != inside:
            self.changes.append(TextChange(word.start + 1, word.end - 1, made.text or ":"))
            decision.syncs.extend(made.syncs)
            decision.files.extend(made.files)
            decision.calls_uv = decision.calls_uv or made.calls_uv
            decision.extra = decision.extra or made.extra

    def _leave(self, at: int, what: str, advice: str) -> None:
        self.left = True
        self.findings.append(Notice(self.place.path, self._line(at), "left", what, advice))

    def _line(self, at: int) -> int:
        return self.place.line + self.text.count("\n", 0, at)

    # --- what goes ------------------------------------------------------------------------------------------------

    def _drop(self, found: Sequence[Command], decisions: Sequence[Translation]) -> None:
        for run in _runs(found, decisions):
            first, last = run[0], run[-1]
            if _HERE.search(self.text[first.start : last.stop]):
                # Its text stands further down, and would be read as commands.
                self.changes += [TextChange(one.start, one.end, ":") for one in run]
                continue
            if not self.place.comments and re.search(r"\n[ \t]*#", self.text[first.start : last.stop]):
                self.changes += [TextChange(one.start, one.stop, "true") for one in run]
                continue
            if first.lead and first.words[0].text not in ("sudo", "env", "command", "exec", "time", "nohup"):
                continue
            change = self._removal(first, last)
            around = self.text[change.start : first.start] + self.text[last.stop : change.end]
            if not self.place.comments and "#" in around:
                change = TextChange(first.start, last.stop, "true")
            if change.text not in ("true", ":"):
                self.changes.append(change)
                continue
            for one in run:
                self._replace(one.start, one.stop, change.text)

    def _removal(self, first: Command, last: Command) -> TextChange:
        """What goes with a run of commands: its line, or what joins it to the commands beside it."""
        if (stands_in := _has_to_be_a_command(first, last)) is not None:
            return TextChange(first.start, last.stop, stands_in)
        return self._without_line(first, last) or self._without_joint(first, last)

    def _without_line(self, first: Command, last: Command) -> TextChange | None:
        """The removal of the lines that a run has for itself; ``None`` where something else stands on them."""
        start, end = first.start, last.stop
        line = self.text.rfind("\n", 0, start) + 1
        ends = self.text.find("\n", end)
        ends = len(self.text) if ends < 0 else ends
        prefix, suffix = self.text[line:start].strip(), self.text[end:ends].strip()
        if line > 0 and prefix in ("&&", ";") and suffix == self.place.escape:
            return TextChange(line, ends + 1, self._kept(line, end, lines=True))
        lines = not self.place.comments or "\n" in (first.before, last.after)
        if not (lines and not prefix and last.after in ("\n", "") and suffix[:1] in ("", "#")):
            return None
        # A comment behind it stays.
        after = end + len(self.text[end:ends]) - len(self.text[end:ends].lstrip())
        return TextChange(start, after, "") if suffix else TextChange(line, min(ends + 1, len(self.text)), "")

    def _without_joint(self, first: Command, last: Command) -> TextChange:
        """The removal of a run together with the operator after it or before it."""
        start, end = first.start, last.stop
        if last.after in ("&&", ";") or (last.after == "\n" and not first.previous):
            follows = last.following
            comments = self._kept(start, follows, lines=False)
            indent = re.match(r"[ \t]*", self.text[self.text.rfind("\n", 0, follows) + 1 :])
            kept = f"{self.place.escape}\n{comments}\n{indent[0] if indent else ''}" if comments else ""
            return TextChange(start, follows, kept)
        if first.before in _SEPARATORS:
            comments = self._kept(first.previous, end, lines=False)
            return TextChange(first.previous, end, f"\n{comments}" if comments else "")
        return TextChange(start, end, "")

    def _kept(self, start: int, end: int, *, lines: bool) -> str:
        comments = [line.rstrip("\r") for line in self._comments(start, end)]
        return "".join(f"{line}\n" for line in comments) if lines else "\n".join(comments)


def _has_to_be_a_command(first: Command, last: Command) -> str | None:
    """The command that does nothing, where the text would not run without one; ``None`` where nothing has to stand."""
    alone = first.before not in _SEPARATORS and (last.after not in _SEPARATORS or last.closed)
    alone = alone and not (first.before == "" and last.after in ("", ";", "\n") and not first.inside)
    joined = first.before in ("||", "|", "!") or last.after in ("||", "|", "&")
    if not (alone or joined or "test" in first.inside):
        return None
    return ":" if first.inside and alone else "true"


def _line_of(text: str, match: re.Match[str]) -> str:
    """The line in which what was found ends."""
    return text[line_start(text, match.end()) : line_end(text, match.end())].strip()


def _runs(found: Sequence[Command], decisions: Sequence[Translation]) -> Iterator[list[Command]]:
    """Commands that go and follow each other; a pipe goes whole, one that does not stays."""
    run: list[Command] = []
    for command, decision in zip(found, decisions, strict=True):
        joined = run and run[-1].inside == command.inside and command.before == run[-1].after
        # `(( … ))` and a function are no commands, and stay.
        joined = joined and command.previous == run[-1].stop
        if run and not (decision.dropped and joined and not run[-1].closed and run[-1].after not in ("&", "\n")):
            yield run
            run = []
        if decision.dropped:
            run.append(command)
    if run:
        yield run
