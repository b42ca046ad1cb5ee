"""The files that a repo on uv has and one on pip may not: tasks.py, and what keeps the environment out of a build."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from uvdock.files import TASKS, TASKS_PACKAGE, TASKS_TEXT, is_dockerfile
from uvdock.migrate.model import FileEdit, Notice, RepoFacts

_COPIES_ALL = re.compile(r"(?im)^[ \t]*(?:COPY|ADD)[ \t]+(?:--[\w=:./-]+[ \t]+)*\.?/?[ \t]+\S")


def files(facts: RepoFacts, texts: Mapping[Path, str]) -> Iterator[tuple[FileEdit, tuple[Notice, ...]]]:
    """What is to be added.

    Args:
        facts: What is known of the repo.
        texts: Its text files as they are.

    Returns:
        Each new file, with what a person has to know of it.
    """
    if not facts.projects:
        return
    if facts.tasks and not any(Path(name) in texts for name in (TASKS, TASKS_PACKAGE)):
        yield FileEdit(Path(TASKS), None, TASKS_TEXT.encode()), ()
    for context in sorted(_contexts(facts, texts)):
        ignore = context / ".dockerignore"
        if ignore not in texts:
            what = "COPY takes the whole folder, and the environment that `uv sync` makes in it is not for the image"
            yield FileEdit(ignore, None, b".venv\n"), (Notice(ignore, 0, "note", what),)


def _contexts(facts: RepoFacts, texts: Mapping[Path, str]) -> Iterator[Path]:
    """The folders of projects that a Dockerfile copies whole."""
    folders = {one.folder for one in facts.projects}
    found = set()
    for path, text in texts.items():
        own_ignore = path.with_name(f"{path.name}.dockerignore") in texts
        if is_dockerfile(path) and not own_ignore and _COPIES_ALL.search(text):
            found.add(path.parent if path.parent in folders else Path())
    yield from found & folders
