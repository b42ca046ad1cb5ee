"""The commands of pip, venv, virtualenv and pip-tools in any shell text, and what stands in their place with uv.

A RUN line, a script, a Compose command, a step of a workflow, a recipe of a Makefile: all are shell texts. What cannot
be told without running it stays as it is, and is named.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from uvdock.formats.edits import TextChange, changed, indent_of, line_end, line_start
from uvdock.formats.shell.commands import Command, UnreadableError, commands, read, script_at
from uvdock.formats.shell.words import Dialect, Document, Word
from uvdock.migrate.commands import compose_run
from uvdock.migrate.commands.context import ExecutionContext
from uvdock.migrate.commands.environment import instead
from uvdock.migrate.commands.settle import settle
from uvdock.migrate.commands.sync import Sync
from uvdock.migrate.commands.translate import Translator
from uvdock.migrate.commands.translation import Told, Translation
from uvdock.migrate.model import Notice, RepoFacts

#: Whether a text is worth reading at all.
_TOPIC = re.compile(
    r"pip|\bvenv\b|virtualenv|pyvenv|setup\.py|easy_install|\bpoetry\b|requirements|/bin/activate", re.IGNORECASE
)
_PIP = re.compile(r"(?:^|[\s;&|(/\"'`$])pip[\d.]*[\s\"',]+(?:-\S+\s+)*(?:install|wheel|uninstall|download)\b")
#: What stands between two commands that both run.
_SEPARATORS = ("&&", ";", "\n")
_HERE = re.compile(r"(?<!<)<<(?!<)")


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
    """

    text: str
    changes: tuple[TextChange, ...] = ()
    findings: tuple[Notice, ...] = ()
    syncs: tuple[Sync, ...] = ()
    calls_uv: bool = False
    extra: bool = False

    @property
    def left(self) -> bool:
        """Whether something of pip stays in it."""
        return any(finding.level == "left" for finding in self.findings)


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
        return _without_shell(text, made, place)
    if not plain.assigned:
        return made
    # `env` sets a variable without a shell.
    first = plain.assigned[0].raw
    changes = [replace(one, text=f"env {one.text}") if one.text.startswith(first) else one for one in made.changes]
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
        return list(words), _without_shell(line, made, place)
    program = ["env"] if plain.assigned else []
    return [*program, *(word.text for word in (*plain.assigned, *plain.words))], made


def _plain(text: str) -> Command | None:
    """The one command that a text is; ``None`` for one that takes a shell."""
    try:
        found = commands(text, Dialect())
    except UnreadableError:
        return None
    return found[0] if len(found) == 1 and not found[0].inside else None


def _without_shell(text: str, made: Shell, place: ExecutionContext) -> Shell:
    """The text as it was, where what was made of it takes a shell."""
    what = "pip is called without a shell, and uv's way takes one"
    left = Notice(place.path, place.line, "left", what, f"sh -c {shlex.quote(made.text)}")
    return Shell(text, (), (*made.findings, left), made.syncs)


class _Text:
    """One text on its way."""

    def __init__(self, text: str, facts: RepoFacts, place: ExecutionContext) -> None:
        self.text, self.facts, self.place, self.dialect = text, facts, place, place.dialect
        self.findings: list[Notice] = []
        self.changes: list[TextChange] = []

    def convert(self) -> Shell:
        try:
            found = commands(self.text, self.dialect)
        except UnreadableError as error:
            if match := _PIP.search(self.text):
                self._leave(match.start(), f"a shell text with pip that cannot be read: {error}", "by hand, with uv")
            return self._made([])
        for token in read(self.text, self.dialect):
            if not isinstance(token, Word) and (match := _PIP.search(self.text[token.start : token.end])):
                where = "a here-document" if isinstance(token, Document) else "arithmetic"
                what = f"pip in {where}: {match[0].lstrip('(').strip()}"
                self._leave(token.start + match.end(), what, "by hand, with uv, where it is a script")
        translator = Translator(found, self.facts, self.place)
        decisions = [self._decide(command, translator) for command in found]
        settle(translator, decisions)
        for command, decision in zip(found, decisions, strict=True):
            self._take(command, decision)
        for run in _runs(found, decisions):
            self._drop(run)
        return self._made(decisions)

    def _decide(self, command: Command, translator: Translator) -> Translation:
        """What becomes of the next command; of one that runs in a service's container, what its image says."""
        decision = translator.translate(command)
        inner = None if command.split else compose_run.read(command)
        if inner is None or (place := self.facts.services.get(inner[0])) is None:
            return decision
        words = inner[1]
        text = " ".join(word.raw for word in words)
        made = convert_line(text, self.facts, place)
        told: list[Told] = [(one.level, one.what, one.instead) for one in made.findings]
        if made.text in (text, ""):
            return Translation(findings=told) if told else decision
        return Translation(edits=[(words[0].start, words[-1].end, made.text)], findings=told)

    def _made(self, decisions: Sequence[Translation]) -> Shell:
        self.changes.sort(key=lambda change: (change.start, change.end))
        made = changed(self.text, self.changes)
        # A comment is something; in a Dockerfile it stays without its instruction.
        lines = [line.strip() for line in made.splitlines()]
        bare = not any(line and not (line[0] == "#" and self.dialect.docker) for line in lines)
        return Shell(
            "" if bare and self.changes else made,
            tuple(self.changes),
            tuple(sorted(self.findings, key=lambda finding: finding.line)),
            tuple(sync for decision in decisions for sync in decision.syncs),
            any(decision.calls_uv for decision in decisions),
            any(decision.extra for decision in decisions),
        )

    def _take(self, command: Command, decision: Translation) -> None:
        line = self._line(command.start)
        self.findings += [Notice(self.place.path, line, *told) for told in decision.findings]
        if decision.text is not None:
            text = decision.text
            tested = command.before in ("||", "|", "!") or command.after in ("||", "|", "&") or "test" in command.inside
            if (" && " in text or "\n" in text) and (tested or command.lead):
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
        if comments := self._comments(start, end):
            lines = "\n".join(comments)
            text = f"{self.dialect.escape}\n{lines}\n{indent_of(lines, len(lines))}{text}"
        self.changes.append(TextChange(start, end, text))

    def _comments(self, start: int, end: int) -> list[str]:
        """The comment lines in a part of a text where they may stand between continued lines."""
        lines = self.text[start:end].split("\n")[1:] if self.dialect.docker else []
        return [line.rstrip("\r") for line in lines if line.lstrip().startswith("#")]

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
        dialect = replace(self.dialect, docker=False)
        made = convert(inside, self.facts, replace(self.place, line=self._line(word.start), dialect=dialect))
        self.findings += made.findings
        if word.raw[0] in made.text and word.raw[0] not in inside:
            self._leave(word.start, f"pip in a quoted script: {inside.strip()}", made.text)
        elif made.text != inside:
            self.changes.append(TextChange(word.start + 1, word.end - 1, made.text or ":"))
            decision.syncs.extend(made.syncs)
            decision.within = decision.within or made.calls_uv
            decision.extra = decision.extra or made.extra

    def _leave(self, at: int, what: str, advice: str) -> None:
        self.findings.append(Notice(self.place.path, self._line(at), "left", what, advice))

    def _line(self, at: int) -> int:
        return self.place.line + self.text.count("\n", 0, at)

    # --- what goes ------------------------------------------------------------------------------------------------

    def _drop(self, run: Sequence[Command]) -> None:
        """Take out commands that follow each other, or put one that does nothing in their place."""
        first, last = run[0], run[-1]
        text = self.text[first.start : last.stop]
        if _HERE.search(text):
            # Its text stands further down, and would be read as commands.
            self.changes += [TextChange(one.start, one.end, ":") for one in run]
            return
        if not self.dialect.docker and re.search(r"\n[ \t]*#", text):
            self.changes += [TextChange(one.start, one.stop, "true") for one in run]
            return
        if (stands_in := _has_to_be_a_command(first, last)) is None:
            change = self._without_line(first, last) or self._without_joint(first, last)
            around = self.text[change.start : first.start] + self.text[last.stop : change.end]
            if self.dialect.docker or "#" not in around:
                self.changes.append(change)
                return
        for one in run:
            self._replace(one.start, one.stop, stands_in or "true")

    def _without_line(self, first: Command, last: Command) -> TextChange | None:
        """The removal of the lines that a run has for itself; ``None`` where something else stands on them."""
        start, end = line_start(self.text, first.start), line_end(self.text, last.stop)
        prefix, rest = self.text[start : first.start].strip(), self.text[last.stop : end]
        if start > 0 and prefix in ("&&", ";") and rest.strip() == self.dialect.escape:
            return TextChange(start, end, "".join(f"{line}\n" for line in self._comments(start, last.stop)))
        continued = self.dialect.docker and "\n" not in (first.before, last.after)
        if prefix or continued or last.after not in ("\n", "") or rest.strip()[:1] not in ("", "#"):
            return None
        # A comment behind it stays.
        return TextChange(first.start, end - len(rest.lstrip()), "") if rest.strip() else TextChange(start, end, "")

    def _without_joint(self, first: Command, last: Command) -> TextChange:
        """The removal of a run together with the operator after it or before it."""
        if last.after in ("&&", ";") or (last.after == "\n" and not first.previous):
            comments = "\n".join(self._comments(first.start, last.following))
            indent = indent_of(self.text, last.following)
            kept = f"{self.dialect.escape}\n{comments}\n{indent}" if comments else ""
            return TextChange(first.start, last.following, kept)
        if first.before in _SEPARATORS:
            comments = "\n".join(self._comments(first.previous, last.stop))
            return TextChange(first.previous, last.stop, f"\n{comments}" if comments else "")
        return TextChange(first.start, last.stop, "\n".join(self._comments(first.start, last.stop)))


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
