"""READMEs and other documents: the commands in their code blocks. Prose stays, and is named where it speaks of pip."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from uvdock.formats.edits import TextChange, changed, line_end, line_start, lines_of
from uvdock.formats.markdown import CodeBlock, markdown, restructured
from uvdock.migrate.commands import rewrite
from uvdock.migrate.commands.context import Names
from uvdock.migrate.commands.rewrite import Shell
from uvdock.migrate.model import Converted, RepoFacts
from uvdock.migrate.text import MENTIONS, Draft, folder_in, same_line_ends

_SHELLS = ("", "sh", "bash", "shell", "console", "zsh", "shell-session", "shellsession", "terminal", "text")
_PROMPT = re.compile(r"(?P<lead>[ \t]*(?:\(\w+\)[ \t]*)?[$#%][ \t]+)(?P<command>\S.*)")
#: A line of a block without prompts.
_TYPED = re.compile(r"(?P<lead>[ \t]*)(?P<command>[^#\s].*)")
_MAKES = re.compile(
    r"[ \t]*(?:[$%][ \t]+)?(?P<program>python[\d.]*[ \t]+-m[ \t]+venv|virtualenv)[ \t]+(?:-\S+[ \t]+)*"
    r"(?P<environment>[\w./-]+)[ \t]*$"
)
_ACTIVATES = re.compile(r"[ \t]*(?:[$%][ \t]+)?(?:source|\.)[ \t]+(?P<environment>[\w./-]+)/bin/activate[ \t]*$")
_SPEAKS = re.compile(
    r"\bpip[\d.]*[ \t]+install\b|\b[\w./-]*requirements[\w./-]*\.(?:txt|in)\b|\bpip-compile\b"
    r"|\bpipenv[ \t]+\w+|\bpoetry[ \t]+(?:install|add|run|shell|lock)\b"
)


def is_document(path: Path, _: str = "") -> bool:
    """Whether this is a text for people, in Markdown or reStructuredText."""
    return path.suffix.lower() in (".md", ".markdown", ".rst") and "changelog" not in path.name.lower()


@same_line_ends
def convert(path: Path, content: str, facts: RepoFacts) -> Converted:
    """Put uv in the place of pip in the code blocks of a document, and name the prose that speaks of pip."""
    if not facts.projects or not (_SPEAKS.search(content) or MENTIONS.search(content)):
        return Converted(content)
    draft = Draft(path, content, facts)
    read = restructured if path.suffix == ".rst" else markdown
    blocks = [block for block in read(content) if block.language in _SHELLS]
    for block in blocks:
        text = content[block.start : block.end]
        if not MENTIONS.search(text):
            continue
        prompts = any(_PROMPT.match(line) and not line.lstrip().startswith("# ") for _, line in lines_of(text))
        line_of = _PROMPT if prompts else _TYPED
        if (new := _with_environment(draft, block, line_of)) is not None:
            draft.change(block.start, block.end, new)
        else:
            _in_block(draft, block, line_of)
    for start, line in lines_of(content):
        if (found := _SPEAKS.search(line)) and not any(block.start <= start < block.end for block in blocks):
            draft.tell("note", start, f"the text mentions `{found[0]}`", "say how it is done with uv")
    return draft.converted()


def _in_block(draft: Draft, block: CodeBlock, line_of: re.Pattern[str]) -> None:
    """Convert the commands of a block where they stand."""
    content = draft.content
    changes: list[TextChange] = []
    left = False
    for start, end in _parts(content, block, line_of):
        made = _shell(draft, content[start:end], start)
        # A document shows what to type: what cannot be told there is worth a look, and breaks nothing.
        draft.findings += (replace(item, level="note") for item in made.findings)
        left = left or made.left
        if made.syncs and "--user" in content[start:end]:
            changes += _in_environment(content, block, line_of)
        if made.text.strip():
            changes += (TextChange(start + one.start, start + one.end, one.text) for one in made.changes)
        elif made.text != content[start:end]:
            changes.append(TextChange(line_start(content, start), line_end(content, max(start, end - 1)), ""))
    if left:
        # An environment that uv makes has no pip for what stays.
        return
    after = changed(content[: block.end], [TextChange(0, block.start, ""), *changes])
    if changes and not after.strip():
        # The words around an empty block would speak of nothing.
        what = "with uv, this block has nothing left to do"
        draft.tell("note", block.start, what, "take it out, with its words")
    else:
        draft.changes += changes


def _parts(content: str, block: CodeBlock, line_of: re.Pattern[str]) -> list[tuple[int, int]]:
    """The shell texts of a block: all of it, or, behind prompts, each command by itself."""
    if line_of is _TYPED:
        return [(block.start, block.end)]
    commands = [match.span("command") for match in _lines(content, block, line_of)]
    return [(start, end) for start, end in commands if MENTIONS.search(content, start, end)]


def _lines(content: str, block: CodeBlock, line_of: re.Pattern[str]) -> list[re.Match[str]]:
    """The lines of a block with a command, with their places in the document."""
    starts = [block.start + start for start, _ in lines_of(content[block.start : block.end])]
    return [match for start in starts if (match := line_of.match(content, start, block.end))]


def _in_environment(content: str, block: CodeBlock, line_of: re.Pattern[str]) -> list[TextChange]:
    """`pip install --user` was for every Python; what is run beside it runs in the project's environment now."""
    return [
        TextChange(match.start("command"), match.start("command"), "uv run ")
        for match in _lines(content, block, line_of)
        if re.match(r"python[\d.]*\s", match["command"]) and not MENTIONS.search(match["command"])
    ]


def _shell(draft: Draft, text: str, at: int) -> Shell:
    """What becomes of a shell text that stands at a place of the document."""
    home = draft.path.parent
    folder = home if any(one.folder == home for one in draft.facts.projects) else Path()
    return rewrite.convert(text, draft.facts, replace(draft.place(folder, at), names=_names(draft, folder)))


def _names(draft: Draft, folder: Path) -> Names:
    def enter(name: str) -> Names:
        # What is no folder of the repo is the one that it was cloned into.
        into = folder_in(name, folder, draft.facts)
        if into is None and folder == Path() and not re.search(r"[$~`*]|^/", name):
            into = folder_in("/".join(Path(name).parts[1:]), folder, draft.facts)
        return _names(draft, folder if into is None else into)

    return replace(draft.place(folder).names, enter=enter)


def _with_environment(draft: Draft, block: CodeBlock, line_of: re.Pattern[str]) -> str | None:
    """A block that makes an environment, activates it and installs; ``None`` for another one.

    `uv sync` makes the environment, so it comes first: what made it before goes, and activating it follows.
    """
    lines = [line for _, line in lines_of(draft.content[block.start : block.end])]
    makes = [line for line in lines if _MAKES.match(line)]
    activates = [line for line in lines if _ACTIVATES.match(line)]
    if len(makes) != 1 or len(activates) > 1:
        return None
    out: list[str] = []
    synced = 0
    for line in lines:
        match = line_of.match(line)
        if line in (*makes, *activates):
            continue
        if match is None or not MENTIONS.search(match["command"]):
            out.append(line)
            continue
        made = _shell(draft, match["command"], block.start)
        if made.left or any(item.level != "note" for item in made.findings):
            return None
        if made.text.strip():
            # It comes before the environment is active, and its prompt is that of the line in whose place it is.
            first = match if synced else line_of.match(makes[0]) or match
            out.append(f"{first['lead']}{made.text}{line[match.end() :]}")
            synced = len(out) if made.syncs else synced
    if not synced:
        return _made_first(lines, makes[0], activates, draft.facts)
    out[synced:synced] = [re.sub(r"\S+(?=/bin/activate)", ".venv", line) for line in activates]
    return "".join(out)


def _made_first(lines: Sequence[str], makes: str, activates: Sequence[str], facts: RepoFacts) -> str | None:
    """A block that only makes an environment and activates it, for `make install`: it is the one that uv uses."""
    made, active = _MAKES.match(makes), _ACTIVATES.match(activates[0] if activates else "")
    name = made["environment"].rstrip("/") if made else ""
    if made is None or active is None or active["environment"] != name:
        return None
    if any(f"{name}/bin" in text for path, text in facts.files.items() if not is_document(path)):
        return None
    new = {
        makes: f"{makes[: made.start('program')]}uv venv\n",
        activates[0]: activates[0].replace(f"{name}/", ".venv/"),
    }
    return "".join(new.get(line, line) for line in lines)
