"""Known vulnerabilities of what is locked: by `uv audit` where the uv has it, else by pip-audit.

It fails closed: what could not be audited is an error, and never looks like a good result.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from uvdock.deps import uvcommand
from uvdock.deps.survey import by_index
from uvdock.errors import UvdockError

if TYPE_CHECKING:
    from pathlib import Path

    from uvdock.process import Output

#: The version of the JSON's form.
SCHEMA = 1
#: The exit code when the audit could not be done, and not that something was found (1).
NOT_DONE = 2
_UVS_SCHEMA = "preview"
_LIST = "uvdock-audit.txt"


@dataclass(frozen=True)
class Vulnerability:
    """One known vulnerability of a locked package.

    Args:
        name: The package.
        version: Its locked version.
        id: The advisory's name.
        aliases: Its other names, a CVE among them.
        summary: What it is about, as far as the advisory says so in a line.
        fixed_in: The versions without it.
        link: Where to read about it; empty when not told.
    """

    name: str
    version: str
    id: str
    aliases: tuple[str, ...] = ()
    summary: str = ""
    fixed_in: tuple[str, ...] = ()
    link: str = ""


@dataclass(frozen=True)
class AuditResult:
    """What an audit found.

    Args:
        tool: What audited: ``uv audit`` or ``pip-audit``.
        audited: How many packages.
        vulnerabilities: What it found.
        statuses: Packages whose project is archived, quarantined or the like, with that word.
    """

    tool: str
    audited: int
    vulnerabilities: tuple[Vulnerability, ...] = ()
    statuses: tuple[tuple[str, str], ...] = ()


#: Runs uv with some arguments where some further files are, by their names.
Run = Callable[[list[str], dict[str, bytes]], "Output"]


def audit(
    lock: Mapping[str, Any], where: Path, run: Run, *, ignore: Sequence[str] = (), service: str = ""
) -> AuditResult:
    """Audit every package of a lock that an index serves.

    Args:
        lock: The lock, as `lockfile.parse` gives it.
        where: Its place, for errors.
        run: How to run uv.
        ignore: Advisories that do not count, by name.
        service: The address of another OSV service.

    Raises:
        UvdockError: It could not be done: no network, a service that fails, an answer that does not fit.
    """
    args = ["audit", "--frozen", "--output-format", "json", *(word for name in ignore for word in ("--ignore", name))]
    found = run([*args, *(["--service-url", service] if service else [])], {})
    if found.code == uvcommand.USAGE_ERROR and _unknown(found):
        return _by_pip_audit(lock, where, run, ignore=ignore, service=service)
    result = parse_uv(found.text) if found.code in (0, 1) else None
    if result is None:
        raise not_done(uvcommand.words(found) or f"uv audit left {found.code} and no answer", where)
    if (found.code == 1) != bool(result.vulnerabilities or result.statuses):
        raise not_done(f"uv audit left {found.code}, and its answer does not say why", where)
    return _whole(result, lock, where)


def parse_uv(text: str) -> AuditResult | None:
    """What `uv audit --output-format json` says; ``None`` when it is not the form that is known."""
    try:
        data = json.loads(text)
        if data["schema"]["version"] != _UVS_SCHEMA:
            return None
        vulnerabilities = tuple(
            Vulnerability(
                item["dependency"]["name"],
                item["dependency"]["version"],
                item["display_id"],
                tuple(name for name in item.get("aliases", ()) if name != item["display_id"]),
                item.get("summary") or "",
                tuple(item.get("fix_versions", ())),
                item.get("link") or "",
            )
            for item in data["vulnerabilities"]
        )
        statuses = tuple((str(item["name"]), str(item["status"])) for item in data["adverse_statuses"])
        return AuditResult("uv audit", data["summary"]["audited_packages"], vulnerabilities, statuses)
    except (ValueError, KeyError, TypeError, AttributeError):
        return None


def parse_pip_audit(text: str) -> tuple[AuditResult, list[str]] | None:
    """What `pip-audit --format json` says, and the packages that it left out; ``None`` when it is something else."""
    try:
        items = json.loads(text)["dependencies"]
        skipped = [item["name"] for item in items if "skip_reason" in item]
        vulnerabilities = tuple(
            Vulnerability(
                item["name"],
                item["version"],
                known["id"],
                tuple(known.get("aliases", ())),
                (known.get("description") or "").strip().partition("\n")[0],
                tuple(known.get("fix_versions", ())),
            )
            for item in items
            if "skip_reason" not in item
            for known in item["vulns"]
        )
        return AuditResult("pip-audit", len(items) - len(skipped), vulnerabilities), skipped
    except (ValueError, KeyError, TypeError, AttributeError):
        return None


def to_json(result: AuditResult) -> str:
    """An object with ``schema`` and the fields of `AuditResult`."""
    vulnerabilities = [
        {**asdict(item), "aliases": list(item.aliases), "fixed_in": list(item.fixed_in)}
        for item in result.vulnerabilities
    ]
    statuses = [{"name": name, "status": status} for name, status in result.statuses]
    return json.dumps(
        {
            "schema": SCHEMA,
            "tool": result.tool,
            "audited": result.audited,
            "vulnerabilities": vulnerabilities,
            "statuses": statuses,
        },
        indent=2,
    )


def not_done(why: str, where: Path) -> UvdockError:
    """The error for an audit that could not be done."""
    return UvdockError(
        f"the audit could not be done, so nothing is known: {why}",
        where=str(where),
        fix="see that the service can be reached from here, and run it again",
        code=NOT_DONE,
    )


def _by_pip_audit(
    lock: Mapping[str, Any], where: Path, run: Run, *, ignore: Sequence[str], service: str
) -> AuditResult:
    versions = by_index(lock)
    args = ["tool", "run", "pip-audit", "--requirement", _LIST, "--no-deps", "--disable-pip", "--format", "json"]
    args += ["--progress-spinner", "off", *(word for name in ignore for word in ("--ignore-vuln", name))]
    # uv is told where the service is, pip-audit where it is asked.
    args += ["--vulnerability-service", "osv", "--osv-url", f"{service.rstrip('/')}/v1/query"] if service else []
    results: list[AuditResult] = []
    # A list may name a package once; a lock may hold several versions of it.
    for place in range(max((len(items) for items in versions.values()), default=0)):
        pins = [f"{name}=={items[place]}" for name, items in versions.items() if len(items) > place]
        found = run(args, {_LIST: "\n".join(pins).encode("utf-8")})
        parsed = parse_pip_audit(found.text)
        if parsed is None:
            # It ends in a traceback, whose last line says what it was.
            why = found.error_text.splitlines()[-1:] or [f"pip-audit left {found.code} and no answer"]
            raise not_done(why[0], where)
        result, skipped = parsed
        if skipped:
            raise not_done(f"pip-audit left out {', '.join(skipped)}", where)
        results.append(result)
    vulnerabilities = tuple(item for result in results for item in result.vulnerabilities)
    whole = AuditResult("pip-audit", sum(result.audited for result in results), vulnerabilities)
    return _whole(whole, lock, where)


def _whole(result: AuditResult, lock: Mapping[str, Any], where: Path) -> AuditResult:
    """The result, when it is about every package."""
    expected = sum(len(versions) for versions in by_index(lock).values())
    if result.audited < expected:
        raise not_done(f"{result.tool} looked at {result.audited} of {expected} packages", where)
    return result


def _unknown(found: Output) -> bool:
    """Whether uv has no such command or option; it says so in these words since its first version."""
    return any(words in found.error_text for words in ("unrecognized subcommand", "unexpected argument"))
