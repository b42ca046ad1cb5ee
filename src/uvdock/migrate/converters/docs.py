"""READMEs and other documents: the commands in their code blocks. Prose stays, and is named where it speaks of pip."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from uvdock.formats.edits import TextChange, changed, line_at, lines_of
from uvdock.migrate.commands import rewrite
from uvdock.migrate.commands.context import ExecutionContext
from uvdock.migrate.commands.rewrite import Shell
from uvdock.migrate.model import Converted, Notice, RepoFacts
from uvdock.migrate.text import MENTIONS, meant, normal, same_line_ends, unique

_FENCE = re.compile(r"(?P<indent>[ \t]*(?:>[ \t]?)*)(?P<fence>`{3,}|~{3,})[ \t]*(?P<language>[\w+-]*)[^`\n]*$")
_SHELLS = ("", "sh", "bash", "shell", "console", "zsh", "shell-session", "shellsession", "terminal", "text")
_PROMPT = re.compile(r"(?P<lead>[ \t]*(?:\(\w+\)[ \t]*)?[$#%][ \t]+)(?P<command>\S.*)")
_DIRECTIVE = re.compile(
    r"(?P<indent>[ \t]*)\.\.[ \t]+(?:code-block|code|sourcecode|prompt)::[ \t]*(?P<language>[\w-]*)"
)
_MAKES = re.compile(
    r"[ \t]*(?:[$%][ \t]+)?(?:python[\d.]*[ \t]+-m[ \t]+venv|virtualenv)[ \t]+(?:-\S+[ \t]+)*[\w./-]+[ \t]*$"
)
_ACTIVATES = re.compile(r"[ \t]*(?:[$%][ \t]+)?(?:source|\.)[ \t]+[\w./-]+/bin/activate[ \t]*$")
_LISTED = re.compile(r"[ \t]{0,3}(?:[-*+]|\d+[.)])[ \t]")
_SPEAKS = re.compile(
    r"\bpip[\d.]*[ \t]+install\b|\b[\w./-]*requirements[\w./-]*\.(?:txt|in)\b|\bpip-compile\b"
    r"|\bpipenv[ \t]+\w+|\bpoetry[ \t]+(?:install|add|run|shell|lock)\b"
)


def is_document(path: Path, _: str = "") -> bool:
    """Whether this is a text for people, in Markdown or reStructuredText."""
    return path.suffix.lower() in (".md", ".markdown", ".rst") and "changelog" not in path.name.lower()


@dataclass(frozen=True)
class _Block:
    """A code block: where its text begins and ends, and whether its lines have prompts."""

    start: int
    end: int
    prompts: bool


@same_line_ends
def convert(path: Path, content: str, facts: RepoFacts) -> Converted:
    """Put uv in the place of pip in the code blocks of a document.

    Args:
        path: The file, from the repo root.
        content: Its text.
        facts: What is known of the repo.

    Returns:
        The new text; and a finding for each line of prose that speaks of pip or a requirements file.
    """
    if not facts.projects or (not _SPEAKS.search(content) and not MENTIONS.search(content)):
        return Converted(content)
    changes: list[TextChange] = []
    findings: list[Notice] = []
    blocks = list(_blocks(content, restructured=path.suffix == ".rst"))
    for block in blocks:
        text = content[block.start : block.end]
        if not MENTIONS.search(text):
            continue
        if (new := _with_environment(path, content, block, facts)) is not None:
            changes.append(TextChange(block.start, block.end, new))
            continue
        made, told = _in_block(path, content, block, facts)
        changes += made
        findings += told
    covered = [(block.start, block.end) for block in blocks]
    for start, line in lines_of(content):
        if not any(begin <= start < end for begin, end in covered) and (found := _SPEAKS.search(line)):
            what = f"the text mentions `{found[0]}`"
            findings.append(Notice(path, line_at(content, start), "note", what, "say how it is done with uv"))
    return Converted(changed(content, changes), unique(findings))


def _in_block(path: Path, content: str, block: _Block, facts: RepoFacts) -> tuple[list[TextChange], list[Notice]]:
    changes: list[TextChange] = []
    findings: list[Notice] = []
    for start, end in _parts(content, block):
        made = _converted(path, content[start:end], line_at(content, start), facts)
        # A document shows what to type: what cannot be told there is worth a look, and breaks nothing.
        findings += (replace(item, level="note") for item in made.findings)
        if made.syncs and "--user" in content[start:end]:
            changes += _in_environment(content, block)
        if made.text.strip():
            changes += (TextChange(start + one.start, start + one.end, one.text) for one in made.changes)
        elif made.text != content[start:end]:
            changes.append(_whole_line(content, start, end))
    if (
        changes
        and not changed(content[block.start : block.end], [_moved(one, -block.start) for one in changes]).strip()
    ):
        # The words around an empty block would speak of nothing.
        what = "with uv, this block has nothing left to do"
        return [], [
            *findings,
            Notice(path, line_at(content, block.start), "note", what, "take it out, with its words"),
        ]
    return changes, findings


def _moved(change: TextChange, by: int) -> TextChange:
    return TextChange(change.start + by, change.end + by, change.text)


def _in_environment(content: str, block: _Block) -> Iterator[TextChange]:
    """`pip install --user` was for every Python; what is run beside it runs in the project's environment now."""
    for start, line in lines_of(content[block.start : block.end]):
        match = _PROMPT.match(line) if block.prompts else re.match(r"(?P<lead>[ \t]*)(?P<command>\S.*)", line)
        if match and re.match(r"python[\d.]*\s", match["command"]) and not MENTIONS.search(line):
            at = block.start + start + match.start("command")
            yield TextChange(at, at, "uv run ")


def _converted(path: Path, text: str, line: int, facts: RepoFacts) -> Shell:
    folder = path.parent if any(one.folder == path.parent for one in facts.projects) else Path()

    return rewrite.convert(text, facts, _place(path, line, folder, facts))


def _place(path: Path, line: int, folder: Path, facts: RepoFacts) -> ExecutionContext:
    def enter(name: str) -> ExecutionContext:
        into = normal(folder / name)
        known = any(one.is_relative_to(into) for one in facts.files) and not re.search(r"[$~`*]|^/", name)
        return _place(path, line, into if known else folder, facts)

    return ExecutionContext(
        path, "script", line=line, folder=folder, locate=lambda name: meant(name, folder, facts), enter=enter
    )


def _with_environment(path: Path, content: str, block: _Block, facts: RepoFacts) -> str | None:
    """A block that makes an environment, activates it and installs; ``None`` for another one.

    `uv sync` makes the environment, so it comes first: what made it before goes, and activating it follows.
    """
    lines = [line for _, line in lines_of(content[block.start : block.end])]
    makes = [at for at, line in enumerate(lines) if _MAKES.match(line)]
    activates = [at for at, line in enumerate(lines) if _ACTIVATES.match(line)]
    if len(makes) != 1 or len(activates) > 1:
        return None
    rest = [line for at, line in enumerate(lines) if at not in (*makes, *activates)]
    out, synced = [], None
    for line in rest:
        match = _PROMPT.match(line) if block.prompts else re.match(r"(?P<lead>[ \t]*)(?P<command>[^#\s].*)", line)
        if match is None or not MENTIONS.search(match["command"]):
            out.append(line)
            continue
        made = _converted(path, match["command"], line_at(content, block.start), facts)
        if made.left or any(item.level != "note" for item in made.findings):
            return None
        if made.text.strip():
            # It comes before the environment is active, and its prompt is that of the line in whose place it is.
            lead = match["lead"] if synced or not block.prompts else _lead(lines[makes[0]], match["lead"])
            out.append(f"{lead}{made.text}{line[match.end() :]}")
            synced = len(out) if made.syncs else synced
    if synced is None:
        return _made_first(lines, makes[0], activates, facts)
    if activates:
        out.insert(synced, re.sub(r"\S+(?=/bin/activate)", ".venv", lines[activates[0]]))
    return "".join(out)


def _lead(line: str, otherwise: str) -> str:
    match = _PROMPT.match(line)
    return match["lead"] if match is not None else otherwise


def _made_first(lines: list[str], makes: int, activates: list[int], facts: RepoFacts) -> str | None:
    """A block that only makes an environment and activates it, for `make install`: it is the one that uv uses."""
    found = re.search(r"([\w./-]+)[ \t]*$", lines[makes].rstrip("\n"))
    name = found[1].rstrip("/") if found else ""
    active = len(activates) == 1 and re.search(rf"(?<![\w./-]){re.escape(name)}/bin/activate", lines[activates[0]])
    if not name or not active or any(
        f"{name}/bin" in text for path, text in facts.files.items() if not is_document(path)
    ):  # fmt: skip
        return None
    out = list(lines)
    out[makes] = re.sub(r"(?:python[\d.]*[ \t]+-m[ \t]+venv|virtualenv)\b.*", "uv venv", lines[makes])
    out[activates[0]] = lines[activates[0]].replace(f"{name}/bin/activate", ".venv/bin/activate")
    return "".join(out)


def _parts(content: str, block: _Block) -> Iterator[tuple[int, int]]:
    """The shell texts of a block: all of it, or, behind prompts, each command by itself."""
    if not block.prompts:
        yield block.start, block.end
        return
    for start, line in lines_of(content[block.start : block.end]):
        match = _PROMPT.match(line)
        if match is not None and MENTIONS.search(match["command"]):
            begin = block.start + start + match.start("command")
            yield begin, block.start + start + match.end("command")


def _whole_line(content: str, start: int, end: int) -> TextChange:
    begin = content.rfind("\n", 0, start) + 1
    stop = content.find("\n", max(start, end - 1))
    return TextChange(begin, len(content) if stop < 0 else stop + 1, "")


def _blocks(content: str, *, restructured: bool) -> Iterator[_Block]:
    if restructured:
        yield from _directives(content)
        return
    fences = list(_fences(content))
    yield from sorted([*fences, *_indented(content)], key=lambda one: one.start)


def _fences(content: str) -> Iterator[_Block]:
    opened: tuple[str, str, str, int] | None = None
    for start, line in lines_of(content):
        match = _FENCE.match(line.rstrip("\n"))
        if opened is None:
            if match is not None:
                opened = (match["indent"], match["fence"], match["language"].lower(), start + len(line))
            continue
        indent, fence, language, begin = opened
        bare = line.strip().lstrip("> \t")
        if bare and set(bare) == {fence[0]} and len(bare) >= len(fence):
            if language in _SHELLS and ">" not in indent:
                yield _block(content, begin, start)
            opened = None


def _indented(content: str) -> Iterator[_Block]:
    """The blocks of Markdown that are code since they are indented: not in a list, a paragraph or a fence."""
    paragraph, listed, fence = False, False, ""
    begin = end = -1
    for start, line in lines_of(content):
        deep = line.startswith(("    ", "\t")) and not fence
        match = _FENCE.match(line.rstrip("\n")) if not deep else None
        if begin >= 0 and line.strip() and not deep:
            yield _block(content, begin, end)
            begin = -1
        if match is not None and (not fence or match["fence"].startswith(fence)):
            fence = "" if fence else match["fence"]
        if not line.strip() or fence:
            paragraph = False
        elif not deep:
            paragraph = True
            listed = bool(_LISTED.match(line)) or (listed and line[0] in " \t")
        elif begin >= 0 or not (paragraph or listed):
            begin, end = (start if begin < 0 else begin), start + len(line)
    if begin >= 0:
        yield _block(content, begin, end)


def _directives(content: str) -> Iterator[_Block]:
    lines = list(lines_of(content))
    at = 0
    while at < len(lines):
        start, line = lines[at]
        at += 1
        match = _DIRECTIVE.match(line)
        literal = line.rstrip().endswith("::") and not line.lstrip().startswith("..")
        if not literal and (match is None or match["language"].lower() not in _SHELLS):
            continue
        depth = len(line) - len(line.lstrip(" \t"))
        first = at
        while at < len(lines) and (not lines[at][1].strip() or _depth(lines[at][1]) > depth):
            at += 1
        if at > first:
            begin = lines[first][0]
            end = lines[at][0] if at < len(lines) else len(content)
            yield _block(content, begin, end)
        del start


def _depth(line: str) -> int:
    return len(line) - len(line.lstrip(" \t"))


def _block(content: str, start: int, end: int) -> _Block:
    lines = [line for _, line in lines_of(content[start:end]) if line.strip()]
    return _Block(start, end, any(_PROMPT.match(line) and not line.lstrip().startswith("# ") for line in lines))
