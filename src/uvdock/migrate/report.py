"""A migration in words and as data: what `migrate` prints, and what `--json` does."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from uvdock.migrate import plan as planning
from uvdock.migrate.model import Drift, FileEdit, MigrationPlan, Notice, RepoFacts

if TYPE_CHECKING:
    from uvdock.migrate.verify.compare_images import ImageComparison

#: A deleted file that is longer is not shown whole to a person; nor is a new lock ever.
_LONGEST = 40


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


def drifted(drift: Drift) -> str:
    """``flask 3.0.0 → 3.0.3: why``."""
    return f"{drift.name} {drift.old or '(none)'} → {drift.new or '(none)'}: {drift.cause}"


def to_json(
    root: Path,
    plan: MigrationPlan,
    facts: RepoFacts,
    *,
    backup: Path | None = None,
    proof: ImageComparison | None = None,
) -> str:
    """The plan as JSON; its keys are described in docs/migrate.md."""
    return json.dumps(
        {
            "version": 1,
            "root": str(root),
            "applied": backup is not None,
            "backup": None if backup is None else str(backup),
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
