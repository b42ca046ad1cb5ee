"""Every rule, and the examination by them."""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Sequence

from uvdock.doctor import ignored, image, install, secrets, stack, versions
from uvdock.doctor.facts import Facts
from uvdock.doctor.model import LEVELS, Finding, Hit, Rule
from uvdock.errors import UvdockError, nearest

RULES: tuple[Rule, ...] = (
    Rule("env-after-install", "warning", install.env_after_install),
    Rule("sync-without-locked", "warning", install.sync_without_locked, fixable=True),
    Rule("source-before-dependencies", "advice", install.source_before_dependencies),
    Rule("no-cache-mount", "advice", install.no_cache_mount),
    Rule("cache-mount-owner", "error", install.cache_mount_owner),
    Rule("no-link-mode", "advice", install.no_link_mode, fixable=True),
    Rule("no-bytecode", "advice", install.no_bytecode, fixable=True),
    Rule("system-python-with-sync", "warning", install.system_python_with_sync),
    Rule("pip-beside-uv", "warning", install.pip_beside_uv),
    Rule("bare-uv-run", "warning", image.bare_uv_run),
    Rule("runs-as-root", "warning", image.runs_as_root),
    Rule("moving-base-image", "warning", image.moving_base_image),
    Rule("base-python-mismatch", "warning", image.base_python_mismatch),
    Rule("unpinned-uv", "warning", versions.unpinned_uv),
    Rule("uv-versions-differ", "warning", versions.uv_versions_differ),
    Rule("uv-not-required-version", "error", versions.uv_not_required_version),
    Rule("unknown-uv-variable", "warning", versions.unknown_uv_variable),
    Rule("venv-not-ignored", "warning", ignored.venv_not_ignored, fixable=True),
    Rule("lock-ignored-by-docker", "error", ignored.lock_ignored_by_docker, fixable=True),
    Rule("lock-ignored-by-git", "error", ignored.lock_ignored_by_git, fixable=True),
    Rule("foreign-environment", "warning", ignored.foreign_environment),
    Rule("environment-under-mount", "error", stack.environment_under_mount),
    Rule("environment-in-volume", "warning", stack.environment_in_volume),
    Rule("lock-mounted-alone", "warning", stack.lock_mounted_alone),
    Rule("image-lock-differs", "warning", stack.image_lock_differs),
    Rule("needs-buildkit", "error", stack.needs_buildkit),
    Rule("credentials-in-file", "error", secrets.credentials_in_file),
    Rule("credentials-in-image", "error", secrets.credentials_in_image),
)
NAMES = tuple(rule.name for rule in RULES)
#: The version of the JSON that `to_json` makes; it changes when a key goes or gets another meaning.
SCHEMA = 1

_IGNORE = re.compile(r"#\s*uvdock:\s*ignore\[([^\]]*)\]")


def rule(name: str, where: str = "the command line") -> Rule:
    """The rule of that name.

    Raises:
        UvdockError: There is none.
    """
    found = next((item for item in RULES if item.name == name), None)
    if found is None:
        raise UvdockError(
            f"there is no rule {name!r}{nearest(name, list(NAMES))}",
            where=where,
            fix=f"rules: {', '.join(NAMES)}",
            code=2,
        )
    return found


def examine(facts: Facts, rules: Sequence[Rule] = RULES, ignore: Collection[str] = ()) -> list[Finding]:
    """What is wrong, by file and line; one finding for one cause, with all its places.

    Args:
        facts: What was read.
        rules: The rules to look by.
        ignore: Names of rules to leave out; a place is left out by a comment, ``# uvdock: ignore[rule]``.
    """
    found = []
    for item in rules:
        if item.name not in ignore:
            hits = [hit for hit in dict.fromkeys(item.check(facts)) if item.name not in _ignored_at(facts, hit)]
            causes: dict[tuple[str, str], list[Hit]] = {}
            for hit in sorted(hits, key=lambda hit: (hit.file, hit.line or 0)):
                causes.setdefault((hit.cause, "") if hit.cause else (hit.what, hit.fix), []).append(hit)
            found += [Finding(item, tuple(same)) for same in causes.values()]
    return sorted(
        found,
        key=lambda item: (item.hit.file, item.hit.line or 0, LEVELS.index(item.rule.level), item.rule.name),
    )


def to_json(findings: Sequence[Finding], facts: Facts) -> str:
    """The findings for a program; the keys are described in docs/doctor.md."""
    return json.dumps(
        {
            "schema": SCHEMA,
            "findings": [
                {
                    "rule": item.rule.name,
                    "level": item.rule.level,
                    "file": item.hit.file,
                    "line": item.hit.line,
                    "places": [{"file": hit.file, "line": hit.line} for hit in item.hits],
                    "what": item.hit.what,
                    "why": item.rule.why,
                    "fix": item.hit.fix,
                    "fixable": bool(item.edits),
                    "page": item.rule.explained,
                }
                for item in findings
            ],
            "not_checked": [{"what": item.what, "why": item.why} for item in facts.skipped],
        },
        indent=2,
        ensure_ascii=False,
    )


def pages() -> str:
    """docs/doctor.md's part on the rules, made from their docstrings."""
    parts = ["## Rules\n\n| Rule | Level | `--fix` | |\n|---|---|---|---|\n"]
    parts += [
        f"| [`{item.name}`](#{item.name}) | {item.level} | {'yes' if item.fixable else ''} | {item.summary} |\n"
        for item in RULES
    ]
    parts += [f"\n### {item.name}\n\nLevel: {item.level}.\n\n{item.page}\n" for item in RULES]
    return "".join(parts)


def _ignored_at(facts: Facts, hit: Hit) -> set[str]:
    """The rules that a comment leaves out there: on the line, or above it or above its instruction."""
    if hit.line is None:
        return set()
    lines: Sequence[str] = ()
    numbers = {hit.line}
    for build in facts.dockerfiles:
        if build.name == hit.file:
            lines = build.lines
            numbers |= {step.line for step in build.steps if step.line <= hit.line <= step.last}
    if not lines and hit.file in facts.texts:
        lines = facts.texts[hit.file].lines
    found: set[str] = set()
    for number in numbers:
        if number <= len(lines):
            found |= _named(lines[number - 1])
        above = number - 2
        while 0 <= above < len(lines) and lines[above].lstrip().startswith("#"):
            found |= _named(lines[above])
            above -= 1
    return found


def _named(line: str) -> set[str]:
    match = _IGNORE.search(line)
    return {name.strip() for name in match[1].split(",")} if match else set()
