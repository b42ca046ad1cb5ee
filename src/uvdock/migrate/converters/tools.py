"""The settings of other tools that name pip or a requirements file: tox, pre-commit, Dependabot."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from uvdock.formats import yaml_edits
from uvdock.formats.edits import TextChange, changed, indent_of, line_at, line_start
from uvdock.formats.yaml import Value
from uvdock.migrate.model import Converted, Install, Notice, RepoFacts
from uvdock.migrate.text import locate, normal, same_line_ends, unique

_PRE_COMMIT = (".pre-commit-config.yaml", ".pre-commit-config.yml")
_UV_PRE_COMMIT = "https://github.com/astral-sh/uv-pre-commit"
#: Repos of hooks that lock with another tool, and those hooks.
_LOCK_HOOKS = {"pip-compile": "jazzband/pip-tools", "poetry-lock": "python-poetry/poetry"}
_SECTION = re.compile(r"(?m)^\[([^\]\n]+)\][ \t]*$")
_DEPS = re.compile(r"(?m)^deps[ \t]*=(?P<value>[^\n]*(?:\n(?:[ \t]+[^\n]*|[ \t]*(?=\n[ \t]+\S)))*)")
_REQUIREMENT = re.compile(r"-r[ \t]*(\S+)$")


def is_settings(path: Path, _: str = "") -> bool:
    """Whether this is a file of tox, pre-commit or Dependabot."""
    return path.name in ("tox.ini", *_PRE_COMMIT) or _is_dependabot(path)


@same_line_ends
def convert(path: Path, content: str, facts: RepoFacts) -> Converted:
    """Put uv in the place of pip in another tool's settings.

    Args:
        path: The file, from the repo root.
        content: Its text.
        facts: What is known of the repo.

    Returns:
        The new text, and what stays for a person.
    """
    if path.name == "tox.ini":
        return _tox(path, content, facts)
    root = yaml_edits.read(content, path.name)
    if root is None:
        return Converted(content)
    if _is_dependabot(path):
        return _dependabot(path, content, root, facts)
    return _pre_commit(path, content, root, facts)


def _is_dependabot(path: Path) -> bool:
    return path.parent.name == ".github" and path.name in ("dependabot.yml", "dependabot.yaml")


#: Hooks of pre-commit with their ids.
_Hooks = list[tuple[Value, Value]]


def _dependabot(path: Path, content: str, root: Value, facts: RepoFacts) -> Converted:
    folders = {one.folder for one in facts.projects}
    changes: list[TextChange] = []
    findings: list[Notice] = []
    for update in root.get("updates") or ():
        system = update.get("package-ecosystem")
        if system is None or system.text != "pip":
            continue
        named = [update.get("directory"), *(update.get("directories") or ())]
        places = [normal(Path(one.text.lstrip("/"))) for one in named if one is not None]
        homes = {_home(place, facts) for place in places} if not all(place in folders for place in places) else set()
        if places and all(place in folders for place in places):
            changes += yaml_edits.scalar_change(content, system, "uv") or []
        elif len(named) == 1 and named[0] is not None and len(homes) == 1 and (home := homes.pop()) is not None:
            # A folder with nothing but requirements files: what takes their place is in the project's.
            changes += yaml_edits.scalar_change(content, system, "uv") or []
            changes += yaml_edits.scalar_change(content, named[0], f"/{home.as_posix()}".removesuffix(".")) or []
        else:
            line = line_at(content, int(system.node.start_mark.index))
            what = "Dependabot watches pip's files in a folder without a uv project"
            findings.append(Notice(path, line, "left", what, "package-ecosystem: uv, for the project's folder"))
    return Converted(changed(content, changes), unique(findings))


def _home(folder: Path, facts: RepoFacts) -> Path | None:
    """The one project that all files of a folder of requirements belong to."""
    inside = {one for one in facts.files if folder in one.parents}
    found = {facts.installs[one].project for one in inside if one in facts.installs}
    return found.pop() if inside and inside <= facts.installs.keys() and len(found) == 1 else None


def _pre_commit(path: Path, content: str, root: Value, facts: RepoFacts) -> Converted:
    changes: list[TextChange] = []
    findings: list[Notice] = []
    for repo in root.get("repos") or ():
        hooks = [(hook, name) for hook in repo.get("hooks") or () if (name := hook.get("id")) is not None]
        url = repo.get("repo")
        locking = [one for one in hooks if _LOCK_HOOKS.get(one[1].text, "\0") in (url.text if url else "")]
        moved = _lock_hook(content, repo, hooks, locking, facts) if locking else None
        changes += moved or ()
        for _, name in locking if moved is None else ():
            line = line_at(content, int(name.node.start_mark.index))
            instead = f"repo: {_UV_PRE_COMMIT}, rev: {facts.uv}, hooks: id: uv-lock"
            findings.append(Notice(path, line, "left", f"the hook {name.text} locks with another tool", instead))
        for _, name in hooks if moved is None else ():
            if name.text in ("requirements-txt-fixer", "poetry-check"):
                line = line_at(content, int(name.node.start_mark.index))
                what = f"the hook {name.text} no longer has a file to check"
                findings.append(Notice(path, line, "note", what, "take it out"))
    return Converted(changed(content, changes), unique(findings))


def _lock_hook(content: str, repo: Value, hooks: _Hooks, locking: _Hooks, facts: RepoFacts) -> list[TextChange] | None:
    """A repo of hooks with one that locks, as uv's own; ``None`` where it has others, or options of its own."""
    # Beside a hook that locks, one that only checks the same goes with it.
    checking = [yaml_edits.lines_of_item(content, hook) for hook, name in hooks if name.text == "poetry-check"]
    url, rev = repo.get("repo"), repo.get("rev")
    if len(hooks) - len(checking) != 1 or None in checking or url is None or rev is None or not facts.uv:
        return None
    hook, name = locking[0]
    if any(key in ("files", "exclude", "additional_dependencies", "args") for key, _ in hook.own_keys()):
        return None
    changes = [TextChange(*lines, "") for lines in checking if lines is not None]
    for value, text in ((url, _UV_PRE_COMMIT), (rev, facts.uv), (name, "uv-lock")):
        changes += yaml_edits.scalar_change(content, value, text) or []
    return changes


# --- tox --------------------------------------------------------------------------------------------------------------


def _tox(path: Path, content: str, facts: RepoFacts) -> Converted:
    changes: list[TextChange] = []
    findings: list[Notice] = []
    for start, end, name in _sections(content):
        for match in _DEPS.finditer(content, start, end):
            lines = [line.strip() for line in match["value"].split("\n") if line.strip()]
            if not any("-r" in line or "-c" in line for line in lines):
                continue
            line = line_at(content, match.start())
            installs = _installs(path, lines, facts)
            if installs is None or "[testenv" not in f"[{name}":
                what = "tox installs a requirements file here, with something else beside it"
                instead = (
                    "runner = uv-venv-lock-runner, with dependency_groups = … for the groups "
                    "(https://github.com/tox-dev/tox-uv#uvlock-support)"
                )
                findings.append(Notice(path, line, "left", what, instead))
                continue
            changes.append(TextChange(match.start(), match.end(), "\n".join(_runner(installs))))
    if changes and (problem := _requires(path, content, changes)):
        return Converted(content, unique([*findings, problem]))
    return Converted(changed(content, changes), unique(findings))


def _sections(content: str) -> Iterator[tuple[int, int, str]]:
    heads = list(_SECTION.finditer(content))
    for at, head in enumerate(heads):
        end = heads[at + 1].start() if at + 1 < len(heads) else len(content)
        yield head.end(), end, head[1]


def _installs(path: Path, lines: list[str], facts: RepoFacts) -> list[Install] | None:
    """What takes the place of each line; ``None`` where one is no requirements file, or of another project."""
    found = []
    for line in lines:
        match = _REQUIREMENT.match(line)
        file = locate(match[1].removeprefix("{toxinidir}/"), path.parent, facts) if match else None
        if file is None or facts.installs[file].project != path.parent:
            return None
        found.append(facts.installs[file])
    # tox installs a package itself, with what it depends on.
    package = any(one.folder == path.parent and one.package for one in facts.projects)
    named = {"--group", "--only-group"} if package else {"--group"}
    known = all(
        flag in ("--no-dev", "--no-install-project", *named) or (at and install.flags[at - 1] in named)
        for install in found
        for at, flag in enumerate(install.flags)
    )
    return found if known else None


def _runner(installs: list[Install]) -> list[str]:
    """tox-uv syncs without default groups, and then with the groups that are named (`tox-dev/tox-uv`)."""
    groups: dict[str, None] = {}
    for install in installs:
        # What uv takes without being asked, unless told otherwise.
        if not {"--no-dev", "--only-group"} & set(install.flags):
            groups["dev"] = None
        for at, flag in enumerate(install.flags):
            if flag in ("--group", "--only-group") and at + 1 < len(install.flags):
                groups[install.flags[at + 1]] = None
    lines = ["runner = uv-venv-lock-runner"]
    if groups:
        lines += ["dependency_groups =", *(f"    {name}" for name in groups)]
    return lines


def _requires(path: Path, content: str, changes: list[TextChange]) -> Notice | None:
    """Have tox bring tox-uv with it."""
    section = next(((start, end) for start, end, name in _sections(content) if name == "tox"), None)
    if section is None:
        first = _SECTION.search(content)
        at = first.start() if first else 0
        changes.append(TextChange(at, at, "[tox]\nrequires =\n    tox-uv>=1\n\n"))
        return None
    start, end = section
    found = re.compile(r"(?m)^requires[ \t]*=(?P<value>[^\n]*(?:\n[ \t]+\S[^\n]*)*)").search(content, start, end)
    if found is None:
        changes.append(TextChange(start, start, "\nrequires =\n    tox-uv>=1"))
    elif "tox-uv" not in found["value"]:
        last = content.rfind("\n", found.start(), found.end())
        lead = indent_of(content, last + 1) if last > found.start() else ""
        if not lead and found["value"].strip():
            line = line_at(content, line_start(content, found.start()))
            return Notice(path, line, "left", "tox needs tox-uv to read uv.lock", "add tox-uv>=1 to requires")
        changes.append(TextChange(found.end(), found.end(), f"\n{lead or '    '}tox-uv>=1"))
    return None
