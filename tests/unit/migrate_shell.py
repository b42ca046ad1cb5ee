"""A small stand-in for the conversion of shell texts: enough of it to see where texts are found and put back."""

from __future__ import annotations

import re
from pathlib import Path

from uvdock.migrate.model import Facts, Finding, Install, ProjectFacts
from uvdock.migrate.shelltext import Change, Place, Shell, Sync

_INSTALL = re.compile(
    r"(?<![\w.-])(?:python -m )?pip3?\s+install\s+(?:--no-cache-dir\s+)?-r\s+(?P<name>[\w./-]+)(?!\S)"
)
_UPGRADE = re.compile(
    r"(?:(?:(?<=\n)|^)[ \t]+)?(?<![\w.-])(?:python -m )?pip install --upgrade pip(?: +&& +|[ \t]*\n|$)"
)
_OTHER = re.compile(r"(?<!uv )(?<![\w.-])pip install (?![-\s])(?P<name>[\w.=-]+)")
_LEFT = re.compile(r"pip download")


def convert(text: str, facts: Facts, place: Place) -> Shell:
    changes: list[Change] = []
    syncs: list[Sync] = []
    for match in _INSTALL.finditer(text):
        found = place.install(match["name"], facts)
        if found is not None:
            flags = "".join(f" {flag}" for flag in found[1].flags)
            changes.append(Change(match.start(), match.end(), f"uv sync --locked{flags}"))
            syncs.append(Sync(found[1]))
    changes += [Change(match.start(), match.end(), "") for match in _UPGRADE.finditer(text)]
    for match in _OTHER.finditer(text):
        changes.append(Change(match.start(), match.start("name"), "uv pip install "))
    findings = [
        Finding(place.path, place.line + text.count("\n", 0, match.start()), "left", "pip download stays", "see docs")
        for match in _LEFT.finditer(text)
    ]
    new, at = "", 0
    for change in sorted(changes, key=lambda change: change.start):
        new += text[at : change.start] + change.text
        at = change.end
    new += text[at:]
    ordered = tuple(sorted(changes, key=lambda change: change.start))
    return Shell(new, ordered, tuple(findings), tuple(syncs), calls_uv=bool(syncs), left=bool(findings))


def convert_words(words: list[str], facts: Facts, place: Place) -> tuple[list[str], Shell]:
    made = convert(" ".join(words), facts, place)
    return made.text.split(" "), made


def facts(files: dict[str, str] | None = None, **more: object) -> Facts:
    """A repo with a project at its root and one in ``api``."""
    installs = {
        "requirements.txt": Install(Path(), ("--no-dev",)),
        "requirements-dev.txt": Install(Path()),
        "requirements/docs.txt": Install(Path(), ("--no-dev", "--group", "docs")),
        "api/requirements.txt": Install(Path("api"), ("--no-dev",)),
    }
    return Facts(
        files={Path(name): text for name, text in (files or {}).items()},
        projects=(ProjectFacts(Path(), False, ">=3.12"), ProjectFacts(Path("api"), False, ">=3.12")),
        installs={Path(name): install for name, install in installs.items()},
        uv="0.13.8",
        **more,  # type: ignore[arg-type]
    )
