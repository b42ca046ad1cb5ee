"""What still calls pip or the like once a repo is migrated, and what no finding names: nothing stays in silence."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from uvdock.files import is_dockerfile
from uvdock.migrate.model import Notice

#: Files that are carried out or configure what is, beside those that a converter knows.
_RUN = {"Jenkinsfile", "justfile", "Justfile", "Earthfile", "Vagrantfile", "Tiltfile", "package.json"}
_RUN_SUFFIXES = {".py", ".bat", ".cmd", ".ps1", ".cfg", ".ini", ".toml", ".tf", ".yml", ".yaml"}
#: What only looks at files, and goes on where there is none.
_WATCHES = re.compile(r"(?:\.pre-commit|dependabot|labeler|\.?renovate)")
#: What tells of the past.
_HISTORY = re.compile(r"(?i)(?:change|history|news|release)")

#: Between two words of a command: in a list of strings too.
_BETWEEN = r"[\s\"',]+"
_OPTIONS = rf"(?:-[\w=./-]+{_BETWEEN})*"
_PIP = "install|uninstall|freeze|list|show|check|download|wheel|cache|config|index|inspect|hash|debug|-V|--version"
_PIPENV = "install|uninstall|sync|update|upgrade|lock|run|shell|check|graph|requirements|clean|scripts|--venv|--rm"
_POETRY = "install|add|remove|update|lock|run|shell|build|publish|export|show|check|config|env|self|sync|version"
_CALLS = re.compile(
    rf"(?<![\w.-])pip[\d.]*(?:\.exe)?{_BETWEEN}{_OPTIONS}(?:{_PIP})\b"
    rf"|-m{_BETWEEN}(?:pip|piptools|venv|virtualenv|pipenv|poetry|ensurepip)\b"
    rf"|(?<![\w.-])virtualenv{_BETWEEN}(?:-\w|[\w./~-]*(?:env|/))"
    rf"|(?<![\w.-])pipenv{_BETWEEN}{_OPTIONS}(?:{_PIPENV})\b|(?<![\w.-])poetry{_BETWEEN}{_OPTIONS}(?:{_POETRY})\b"
    rf"|(?<![\w.-])pip-(?:compile|sync)(?![\w.-])|get-pip\.py"
)
#: Something of every call.
_TOPIC = re.compile("pip|env|poetry")
_UV = re.compile(rf"\buvx?\b[^;&|]*{_BETWEEN}$")
_COMMENT = re.compile(r"\s*(?:#|//|;|::|<!--|@?[Rr][Ee][Mm]\b)")
#: By what a call begins with, what does the same with uv.
_INSTEAD = {
    "pip-": "`uv lock`, and `uv sync`",
    "pipenv": "`uv sync`, `uv add` and `uv run`",
    "poetry": "`uv sync`, `uv add` and `uv run`",
    "virtualenv": "`uv venv`, or `uv sync`, which makes .venv",
    "venv": "`uv venv`, or `uv sync`, which makes .venv",
}


def is_run(path: Path, text: str) -> bool:
    """Whether something carries this file out, or reads its settings: a line of it is more than words."""
    from uvdock.migrate.converters import compose, scripts, workflow

    return (
        is_dockerfile(path)
        or compose.is_compose(path)
        or workflow.is_workflow(path)
        or path.name in _RUN
        or is_dev_container(path)
        or (path.suffix.lower() in _RUN_SUFFIXES and not _WATCHES.match(path.name))
        or scripts.is_script(path, text)
    )


def is_dev_container(path: Path) -> bool:
    """Whether these are the settings of a dev container."""
    return path.name in ("devcontainer.json", ".devcontainer.json")


def unnamed(
    texts: Mapping[Path, str], after: Mapping[Path, str | None], findings: Iterable[Notice]
) -> Iterator[Notice]:
    """What calls pip, venv, virtualenv, pip-tools, Pipenv or Poetry afterwards without being named: a finding a file.

    Args:
        texts: The files, as they are.
        after: Their new texts, of those that change; ``None`` for one that goes.
        findings: What is named already.
    """
    named: dict[Path, set[int]] = {}
    for one in findings:
        named.setdefault(one.path, set()).add(one.line if one.line or one.level != "left" else -1)
    for path, text in texts.items():
        new = after.get(path, text)
        if new is None or -1 in named.get(path, ()) or not _TOPIC.search(new) or _tells_of_the_past(path):
            continue
        calls = list(_calls(text, new))
        if left := [(line, call) for line, call in calls if not _is_named(line, text, named.get(path, set()))]:
            yield _finding(path, text, left)


def _tells_of_the_past(path: Path) -> bool:
    return path.suffix.lower() in ("", ".md", ".rst", ".txt") and _HISTORY.match(path.name) is not None


def _calls(text: str, new: str) -> Iterator[tuple[int, str]]:
    """The calls in a new text, each with its line in the old one, from 1."""
    before, lines = text.splitlines(), new.splitlines()
    places = range(1, len(lines) + 1) if text == new else _places(before, lines)
    for line, place in zip(lines, places, strict=True):
        code = re.split(r"\s#\s", line, maxsplit=1)[0] if _TOPIC.search(line) and not _COMMENT.match(line) else ""
        for match in _CALLS.finditer(code):
            if not _UV.search(code[: match.start()]):
                yield place, re.sub(_BETWEEN, " ", match[0])
                break


def _places(before: Sequence[str], lines: Sequence[str]) -> list[int]:
    """Where each of some lines stood before, from 1; a new one, where it was put."""
    found = []
    for _, start, end, first, last in difflib.SequenceMatcher(None, before, lines, autojunk=False).get_opcodes():
        found += [min(start + at, max(end - 1, start)) + 1 for at in range(last - first)]
    return found


def _is_named(line: int, text: str, named: set[int]) -> bool:
    """Whether a finding names a line, or the line that it continues or, in YAML, that it is the block of."""
    lines = ["", *text.splitlines()]
    depth = _depth(lines[line])
    for at in range(line, 0, -1):
        if at in named:
            return True
        continues = lines[at - 1].rstrip().endswith(("\\", "^", "`"))
        if not continues:
            break
    for at in range(line - 1, 0, -1):
        if lines[at].strip() and _depth(lines[at]) < depth:
            depth = _depth(lines[at])
            if at in named:
                return re.match(r"\s*(?:- )?[\w-]+:", lines[at]) is not None
    return False


def _depth(line: str) -> int:
    return len(line) - len(line.lstrip())


def _finding(path: Path, text: str, calls: Sequence[tuple[int, str]]) -> Notice:
    from uvdock.migrate.converters import workflow

    (line, call), *rest = calls
    more = ", ".join(str(at) for at in dict.fromkeys(at for at, _ in rest) if at != line)
    what = f"`{call}` is still called here" + (f", and the like in line {more}" if more else "")
    instead = next((to for name, to in _INSTEAD.items() if name in call), "`uv pip`, or `uv sync`")
    # A runner has a pip of its own, and what is read breaks nothing.
    breaks = is_run(path, text) and path.suffix != ".py" and not workflow.is_workflow(path)
    return Notice(path, line, "left" if breaks else "note", what, f"with uv: {instead}")
