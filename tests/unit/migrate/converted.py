"""Each converter on a text of its kind, for the tests of what becomes of it."""

from __future__ import annotations

import textwrap
from collections.abc import Callable
from pathlib import Path

from tests.unit.migrate import facts as migrate_facts
from uvdock.migrate.converters import compose, docs, ignores, scripts, workflow
from uvdock.migrate.converters import tools as other_settings
from uvdock.migrate.model import Converted, RepoFacts

FACTS = migrate_facts.facts()


#: Each converter with a file of its kind.
KINDS: dict[str, tuple[str, Callable[[Path, str, RepoFacts], Converted]]] = {
    "compose": ("compose.yaml", compose.convert),
    "workflow": (".github/workflows/ci.yml", workflow.convert),
    "dockerignore": (".dockerignore", ignores.convert),
    "gitignore": (".gitignore", ignores.convert),
    "tox": ("tox.ini", other_settings.convert),
    "pre-commit": (".pre-commit-config.yaml", other_settings.convert),
    "dependabot": (".github/dependabot.yml", other_settings.convert),
    "labeler": (".github/labeler.yml", other_settings.convert),
    "read-the-docs": (".readthedocs.yaml", other_settings.convert),
    "makefile": ("Makefile", scripts.convert),
    "procfile": ("Procfile", scripts.convert),
    "script": ("bin/setup.sh", scripts.convert),
    "readme": ("README.md", docs.convert),
    "rst": ("docs/index.rst", docs.convert),
}


#: A Dockerfile that installs a repo's requirements with pip, so that uv is in the image afterwards.
IMAGE = "FROM python:3.12\nWORKDIR /app\nCOPY requirements.txt .\nRUN pip install -r requirements.txt\n"


def text(content: str) -> str:
    return textwrap.dedent(content).lstrip("\n")


def run(kind: str, content: str, facts: RepoFacts = FACTS) -> Converted:
    name, convert = KINDS[kind]
    return convert(Path(name), content, facts)


def check(kind: str, before: str, after: str, facts: RepoFacts = FACTS) -> Converted:
    """``before`` becomes ``after``, and that stays as it is; with other line ends too, and without the last."""
    made = run(kind, text(before), facts)
    assert made.content == text(after)
    assert run(kind, made.content, facts).content == made.content
    if "\n" not in text(before):
        return made
    windows = run(kind, text(before).replace("\n", "\r\n"), facts)
    assert windows.content == text(after).replace("\n", "\r\n")
    assert windows.findings == made.findings
    return made


def told(made: Converted, level: str = "left") -> list[tuple[int, str]]:
    return [(item.line, item.what) for item in made.findings if item.level == level]
