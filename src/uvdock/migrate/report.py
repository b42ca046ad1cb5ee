"""A migration in words and as data: what `migrate` prints, and what `--json` does."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from uvdock.migrate import plan as planning
from uvdock.migrate.model import Drift, FileEdit, MigrationPlan, Notice, RepoFacts

if TYPE_CHECKING:
    from uvdock.migrate.apply import Backup
    from uvdock.migrate.verify.compare_images import ImageComparison

#: A deleted file that is longer is not shown whole to a person; nor is a new lock ever.
_LONGEST = 40
_ORDER = ("question", "left", "note")
#: The suffixes of files that are read by people, not run.
_READ = (".md", ".rst", ".txt")
#: How much of two findings' words is the same where they are of one kind.
_ALIKE = 0.6


def shown(edit: FileEdit, *, whole: bool) -> list[str]:
    """The diff of a file as a person wants to see it.

    Args:
        edit: The file.
        whole: Leave nothing out, for a patch.
    """
    lines = planning.diff(edit)
    if whole:
        return lines
    if edit.path.name == "uv.lock" and edit.after is not None:
        count = len(re.findall(rb"(?m)^\[\[package\]\]", edit.after))
        return [*lines[:2], f"  ({planning.action(edit)}: {count} packages, {len(lines) - 2} lines not shown)"]
    if edit.after is None and len(lines) > _LONGEST:
        return [*lines[:_LONGEST], f"  (and {len(lines) - _LONGEST} more lines that go)"]
    return lines


def place(finding: Notice) -> str:
    """``Dockerfile:12``."""
    return f"{finding.path.as_posix()}:{finding.line}" if finding.line else finding.path.as_posix()


def grouped(findings: Iterable[Notice]) -> list[list[Notice]]:
    """Findings that differ only in names and numbers, together.

    Returns:
        What a person has to decide comes first, and what is run before what is read.
    """
    groups: dict[tuple[str, ...], list[Notice]] = {}
    for finding in sorted(findings, key=lambda one: (_ORDER.index(one.level), one.path.suffix in _READ)):
        words = _words(finding)
        kind = next((key for key in groups if _alike(key, words)), words)
        groups.setdefault(kind, []).append(finding)
    return list(groups.values())


def _words(finding: Notice) -> tuple[str, ...]:
    """The words of a finding: what is quoted, and a list with commas, is one word."""
    return (finding.level, *re.findall(r"`[^`]*`|'[^']*'|\S+(?:, \S+)*", f"{finding.what} {finding.instead}"))


def _alike(words: Sequence[str], others: Sequence[str]) -> bool:
    same = sum(one == other for one, other in zip(words, others, strict=False))
    return len(words) == len(others) and words[0] == others[0] and same >= _ALIKE * len(words)


def counted(edits: Iterable[FileEdit]) -> str:
    """``2 files change, 2 are new, 1 goes``."""
    kinds = [planning.action(edit) for edit in edits]
    changed, created, deleted = (kinds.count(kind) for kind in ("changed", "created", "deleted"))
    words = []
    if changed:
        words.append(f"{changed} file{'s change' if changed > 1 else ' changes'}")
    if created:
        words.append(f"{created} {'are' if created > 1 else 'is'} new")
    if deleted:
        words.append(f"{deleted} go{'' if deleted > 1 else 'es'}")
    return ", ".join(words) or "nothing changes"


def drifted(drifts: Iterable[Drift], *, most: int | None = None) -> list[str]:
    """``flask 3.0.0 → 3.0.3: why``, a line for each cause.

    Args:
        drifts: The drifts.
        most: How many packages a line names; all of them by default.
    """
    causes: dict[str, list[str]] = {}
    for drift in drifts:
        causes.setdefault(drift.cause, []).append(f"{drift.name} {drift.old or '(none)'} → {drift.new or '(none)'}")
    lines = []
    for cause, names in causes.items():
        more = f" and {len(names) - most} more" if most is not None and len(names) > most else ""
        lines.append(f"{', '.join(names[:most])}{more}: {cause}")
    return lines


def to_json(
    root: Path,
    plan: MigrationPlan,
    facts: RepoFacts,
    *,
    backup: Backup | None = None,
    proof: ImageComparison | None = None,
) -> str:
    """The plan as JSON; its keys are described in docs/migrate.md."""
    return json.dumps(
        {
            "version": 1,
            "root": str(root),
            "applied": backup is not None,
            "backup": None if backup is None else str(backup.folder),
            "projects": [
                {
                    "folder": project.folder.as_posix(),
                    "package": project.package,
                    "requires_python": project.requires_python,
                }
                for project in facts.projects
            ],
            "files": [
                {
                    "path": edit.path.as_posix(),
                    "action": planning.action(edit),
                    "diff": "\n".join(planning.diff(edit)),
                }
                for edit in plan.edits
            ],
            "findings": [{**asdict(item), "path": item.path.as_posix()} for item in plan.findings],
            "drifts": [asdict(item) for item in plan.drifts],
            "stopped": [
                {"folder": project.folder.as_posix(), "why": project.stopped.what, "instead": project.stopped.instead}
                for project in plan.stopped
                if project.stopped
            ],
            "environment": dict(facts.environment),
            "proof": None if proof is None else _proof(proof),
        },
        indent=2,
    )


def rolled_back(root: Path, paths: Iterable[str]) -> str:
    """What a rollback put back, as JSON."""
    return json.dumps({"version": 1, "root": str(root), "rolled_back": sorted(paths)}, indent=2)


def _proof(proof: ImageComparison) -> dict[str, Any]:
    from uvdock.migrate.verify.compare_images import LESS

    return {
        "passed": proof.passed,
        "criterion": LESS,
        "images": [
            {
                **asdict(image),
                "passed": image.passed,
                "differences": [
                    {"name": name, "before": before, "after": after} for name, before, after in image.differences
                ],
            }
            for image in proof.images
        ],
    }
