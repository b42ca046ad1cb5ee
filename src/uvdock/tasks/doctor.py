"""The doctor: what is wrong with how uv is used in the repo's build, stack and CI, and the safe fixes."""

from __future__ import annotations

import shutil
import sys
import textwrap
from collections.abc import Sequence
from typing import TYPE_CHECKING

from uvdock.tasks.base import Repo, open_repo, task
from uvdock.tasks.kinds import RULES, typed
from uvdock.ui import console

if TYPE_CHECKING:
    from pathlib import Path

    from invoke.context import Context

    from uvdock.doctor.facts import Facts
    from uvdock.doctor.model import Finding, Rule

_STYLES = {"error": "red", "warning": "yellow", "advice": "cyan"}
_DIFF = {"+": "green", "-": "red", "@": "cyan"}
#: No wider than what is read well, however wide the terminal is.
_WIDEST = 100


@task(
    "doctor",
    answers=True,
    examples=["doctor", "doctor --fix", "doctor --exit-code --json", "doctor --explain env-after-install"],
    iterable=["rule"],
    values={"rule": RULES, "explain": RULES},
    help={
        "fix": "Change the files where that is safe, and show what changed.",
        "json": "The findings as JSON.",
        "exit_code": "Leave with 1 when there is an error or a warning.",
        "rule": "Look by this rule only; may be given several times.",
        "explain": "What a rule is about, and why.",
    },
)
def doctor(  # noqa: PLR0917 - the options of a task are its arguments
    c: Context,
    fix: bool = False,
    json: bool = False,
    exit_code: bool = False,
    rule: Sequence[str] | None = None,
    explain: str = "",
) -> int:
    """Say what is wrong with how uv is used in Dockerfiles, Compose files, CI and images."""
    from uvdock.doctor import running, table

    if explain:
        found = table.rule(explain)
        console.data(f"{found.name} ({found.level})\n\n{found.page}")
        return 0
    repo = open_repo(c)
    rules = [table.rule(name) for name in rule or ()] or list(table.RULES)
    source = f"doctor_ignore, from {repo.settings.sources.get('doctor_ignore', '')}"
    for name in repo.settings.doctor_ignore:
        table.rule(name, source)
    if fix:
        _fix(repo, rules, dry=bool(c.config.run.dry))
    facts = running.look(repo.root, repo.cwd, repo.settings)
    findings = table.examine(facts, rules, repo.settings.doctor_ignore)
    if json:
        console.data(table.to_json(findings, facts))
    else:
        _show(findings)
        _sum_up(findings, facts)
    return 1 if exit_code and any(item.rule.level != "advice" for item in findings) else 0


def _fix(repo: Repo, rules: Sequence[Rule], *, dry: bool) -> None:
    """Carry out what is safe; again after each time, for one edit moves the lines of the next."""
    from uvdock.doctor import fix, running, table

    before: dict[Path, bytes] = {}
    after: dict[Path, bytes] = {}
    for _ in range(20):
        facts = running.look(repo.root, repo.cwd, repo.settings, engine=False)
        planned = fix.plan(repo.root, table.examine(facts, rules, repo.settings.doctor_ignore))
        if not planned:
            break
        for path, content in fix.current(planned).items():
            before.setdefault(path, content)
        after.update(planned)
        if dry:
            break
        fix.write(planned)
    for line in fix.diff(repo.root, before, after):
        style = "bold" if line.startswith(("+++", "---")) else _DIFF.get(line[:1], "")
        console.say(line, style)
    if after:
        names = ", ".join(sorted(str(path).removeprefix(f"{repo.root}/") for path in after))
        console.say(f"{'only shown, nothing was written' if dry else 'written'}: {names}", "green")


def _show(findings: Sequence[Finding]) -> None:
    """The findings on standard output, by file; at once, for whoever reads only the first lines of a pipe."""
    width = min(shutil.get_terminal_size().columns, _WIDEST) if sys.stdout.isatty() else 0
    lines: list[str] = []
    file = None
    for item in findings:
        if item.hit.file != file:
            lines += [*([] if file is None else [""]), console.paint(item.hit.file, "bold", sys.stdout)]
            file = item.hit.file
        lines += _told(item, width)
    if lines:
        console.data("\n".join(lines))


def _told(item: Finding, width: int) -> list[str]:
    """One finding: place, level, rule and what is there; below it why, and the fix."""
    level = console.paint(item.rule.level, _STYLES[item.rule.level], sys.stdout)
    name = console.paint(item.rule.name, "bold", sys.stdout)
    head = f"  {item.hit.place}  {level}  {name}"
    plain = len(f"  {item.hit.place}  {item.rule.level}  {item.rule.name}  {item.hit.what}")
    fits = not width or plain <= width
    safe = " (--fix does it)" if item.edits else ""
    return [
        *([f"{head}  {item.hit.what}"] if fits else [head, _wrapped(item.hit.what, width)]),
        *([_wrapped(f"also: {', '.join(item.places[1:])}", width)] if item.places[1:] else []),
        console.paint(_wrapped(f"why: {item.rule.why}", width), "dim", sys.stdout),
        _wrapped(f"fix: {item.hit.fix}{safe}", width),
    ]


def _wrapped(text: str, width: int) -> str:
    indent = " " * 6
    if not width:
        return f"{indent}{text}"
    after = indent + "     " if text.startswith(("why: ", "fix: ", "also:")) else indent
    return textwrap.fill(
        text,
        max(width, 40),
        initial_indent=indent,
        subsequent_indent=after,
        break_long_words=False,
        break_on_hyphens=False,
    )


def _sum_up(findings: Sequence[Finding], facts: Facts) -> None:
    """What was found, what was looked at, and what was not: no word of "fine" about anything unseen."""
    counts = {level: sum(item.rule.level == level for item in findings) for level in _STYLES}
    names = {"error": "error", "warning": "warning", "advice": "piece of advice"}
    plural = {"error": "errors", "warning": "warnings", "advice": "pieces of advice"}
    words = [f"{count} {plural[level] if count > 1 else names[level]}" for level, count in counts.items() if count]
    seen = [
        _count(len(facts.dockerfiles), "Dockerfile"),
        _count(len(facts.services), "service"),
        _count(len(facts.workflows), "workflow"),
        _count(len(facts.projects), "project"),
        _count(len(facts.images), "image"),
        _count(len(facts.containers), "container"),
    ]
    if findings:
        console.say()
    for skipped in facts.skipped:
        console.note(f"not looked at: {skipped.what}: {skipped.why}")
    style = "red" if counts["error"] else "yellow" if counts["warning"] else "green"
    console.say(
        f"{', '.join(words) or 'nothing found'} in {', '.join(item for item in seen if item) or 'no file'}", style
    )
    if safe := sum(bool(item.edits) for item in findings):
        console.say(f"{safe} of them can be mended by --fix", "bold")
    if findings:
        console.say(f"more on a rule: {typed('doctor --explain RULE')}", "dim")


def _count(number: int, name: str) -> str:
    return f"{number} {name}{'s' if number != 1 else ''}" if number else ""
