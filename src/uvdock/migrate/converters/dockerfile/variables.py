"""The variables of pip in ENV and ARG, and uv's in their place."""

from __future__ import annotations

import re
from collections.abc import Iterator

from uvdock.formats.dockerfile.stages import Dockerfile, Step
from uvdock.formats.edits import TextChange
from uvdock.formats.shell.commands import UnreadableError
from uvdock.formats.shell.commands import words as words_of
from uvdock.formats.shell.words import Word
from uvdock.migrate.commands import targets
from uvdock.migrate.commands.environment import advice, instead
from uvdock.migrate.model import RepoFacts


def convert(
    source: Dockerfile, item: Step, facts: RepoFacts, rest: str
) -> tuple[list[TextChange], list[tuple[str, str, str]]]:
    """Change an ENV or ARG.

    Args:
        source: The Dockerfile.
        item: The instruction.
        facts: What is known of the repo.
        rest: What the other instructions say, as they are afterwards: a variable that is used there stays.

    Returns:
        The changes, and findings as level, what there is, and what to write instead.
    """
    try:
        words = words_of(item.body.text, source.dialect)
    except UnreadableError:
        return [], []
    if item.verb == "ENV" and words and "=" not in words[0].text:
        return _legacy(source, item, words, facts, rest)
    findings: list[tuple[str, str, str]] = []
    made: dict[int, str] = {}
    for at, word in enumerate(words):
        name, _, value = word.text.partition("=")
        if not _is_installers(name, facts, rest):
            continue
        text = instead(name, value, facts)
        if text is None:
            findings.append(("left", f"uv ignores {name}", advice(name)))
        else:
            made[at] = text
    if made and len(made) == len(words) and not any(made.values()):
        return [removal(source, item)], findings
    return list(_changes(source, item, words, made)), findings


def _is_installers(name: str, facts: RepoFacts, rest: str) -> bool:
    """Whether a variable is pip's, or a program's that nothing calls any more, and no other instruction uses it."""
    if re.search(rf"\$\{{?{name}\b", rest):
        return False
    tool = name.partition("_")[0].lower()
    gone = tool in targets.used(facts) and not re.search(rf"(?<![\w./-]){tool}(?![\w.])", rest)
    return name.startswith("PIP_") or gone


def _changes(source: Dockerfile, item: Step, words: list[Word], made: dict[int, str]) -> Iterator[TextChange]:
    kept = [at for at in range(len(words)) if made.get(at, "-")]
    for at, text in made.items():
        start, end = words[at].start, words[at].end
        if not text:
            # The first one takes the blanks behind it along, any other one those before it.
            if at < kept[0]:
                end = words[at + 1].start
            else:
                start = words[at - 1].end
        comments = _comments(item.body.text[start:end], source)
        yield TextChange(item.body.start + start, item.body.start + end, comments + text)


def removal(source: Dockerfile, item: Step) -> TextChange:
    """The change by which an instruction goes; of two blank lines around it one stays."""
    start, end = item.start, item.end
    before = source.text[:start].endswith(("\n\n", "\r\n\r\n"))
    blank = re.compile(r"[ \t]*\r?\n").match(source.text, end)
    if before and blank:
        end = blank.end()
    comments = [line for line in source.text[item.start : item.end].splitlines(keepends=True)[1:]
                if line.lstrip().startswith("#")]  # fmt: skip
    return TextChange(start, end, "".join(comments) if item.document is None else "")


def _comments(text: str, source: Dockerfile) -> str:
    lines = [line.rstrip("\r") for line in text.split("\n")[1:] if line.lstrip().startswith("#")]
    return f" {source.dialect.escape}\n" + "\n".join(lines) + "\n    " if lines else ""


def _legacy(
    source: Dockerfile, item: Step, words: list[Word], facts: RepoFacts, rest: str
) -> tuple[list[TextChange], list[tuple[str, str, str]]]:
    name = words[0].text
    if not _is_installers(name, facts, rest):
        return [], []
    text = instead(name, " ".join(word.text for word in words[1:]), facts)
    if text is None:
        return [], [("left", f"uv ignores {name}", advice(name))]
    if not text:
        return [removal(source, item)], []
    return [TextChange(item.body.start, item.body.end, text)], []
