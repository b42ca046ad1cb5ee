"""The settings of other tools that name pip or a requirements file: tox, pre-commit, Dependabot, Read the Docs …"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

from uvdock.formats import yaml_edits
from uvdock.formats.edits import TextChange, indent_of
from uvdock.formats.yaml import Value
from uvdock.migrate.converters import watched
from uvdock.migrate.model import Converted, Install, RepoFacts
from uvdock.migrate.text import Draft, locate, normal, same_line_ends

_PRE_COMMIT = (".pre-commit-config.yaml", ".pre-commit-config.yml")
_READ_THE_DOCS = (".readthedocs.yaml", ".readthedocs.yml")
_UV_PRE_COMMIT = "https://github.com/astral-sh/uv-pre-commit"
#: Repos of hooks that lock with another tool, and those hooks.
_LOCK_HOOKS = {"pip-compile": "jazzband/pip-tools", "poetry-lock": "python-poetry/poetry"}
_SECTION = re.compile(r"(?m)^\[([^\]\n]+)\][ \t]*$")
_DEPS = re.compile(r"(?m)^deps[ \t]*=(?P<value>[^\n]*(?:\n(?:[ \t]+[^\n]*|[ \t]*(?=\n[ \t]+\S)))*)")
_REQUIRES = re.compile(r"(?m)^requires[ \t]*=(?P<value>[^\n]*(?:\n[ \t]+\S[^\n]*)*)")
_REQUIREMENT = re.compile(r"-r[ \t]*(\S+)$")


def is_settings(path: Path, _: str = "") -> bool:
    """Whether this is a file of tox, pre-commit, Dependabot, GitHub's labeler or Read the Docs."""
    return path.name in ("tox.ini", *_PRE_COMMIT, *_READ_THE_DOCS) or _is_dependabot(path) or _is_labeler(path)


@same_line_ends
def convert(path: Path, content: str, facts: RepoFacts) -> Converted:
    """Put uv in the place of pip in another tool's settings."""
    draft = Draft(path, content, facts)
    if path.name == "tox.ini":
        return _tox(draft)
    root = yaml_edits.read(content, path.name)
    if root is not None and path.name in _READ_THE_DOCS:
        _read_the_docs(draft, root)
        return draft.converted()
    if root is not None and _is_labeler(path):
        watched.watch(draft, "the labeler", root)
        return draft.converted()
    for update in root.get("updates") or () if root is not None and _is_dependabot(path) else ():
        if update.text_at("package-ecosystem") == "pip":
            _dependabot(draft, update)
    for repo in root.get("repos") or () if root is not None and not _is_dependabot(path) else ():
        _pre_commit(draft, repo)
    return draft.converted()


def _is_dependabot(path: Path) -> bool:
    return path.parent.name == ".github" and path.name in ("dependabot.yml", "dependabot.yaml")


def _is_labeler(path: Path) -> bool:
    return path.parent.name == ".github" and path.name in ("labeler.yml", "labeler.yaml")


def _dependabot(draft: Draft, update: Value) -> None:
    """Have an update of pip's look at uv's lock: of its folders, or of the project that has their requirements."""
    folders = {one.folder for one in draft.facts.projects}
    system = update.get("package-ecosystem")
    assert system is not None
    named = [one for one in (update.get("directory"), *(update.get("directories") or ())) if one is not None]
    places = [normal(Path(one.text.lstrip("/"))) for one in named]
    known = bool(places) and folders.issuperset(places)
    home = _home(places[0], draft.facts) if len(places) == 1 and not known else None
    if not known and home is None:
        what = "Dependabot watches pip's files in a folder without a uv project"
        draft.leave(system.start, what, "package-ecosystem: uv, for the project's folder")
        return
    _set(draft, system, "uv")
    if home is not None:
        _set(draft, named[0], f"/{home.as_posix()}".removesuffix("."))


def _set(draft: Draft, node: Value, text: str) -> None:
    draft.changes += yaml_edits.scalar_change(draft.content, node, text) or []


def _home(folder: Path, facts: RepoFacts) -> Path | None:
    """The one project that all files of a folder of requirements belong to."""
    inside = {one for one in facts.files if folder in one.parents}
    found = {facts.installs[one].project for one in inside if one in facts.installs}
    return found.pop() if inside and inside <= facts.installs.keys() and len(found) == 1 else None


def _read_the_docs(draft: Draft, root: Value) -> None:
    """Have Read the Docs sync what it installs (https://docs.readthedocs.com/platform/stable/config-file/v2.html)."""
    steps = list(root.get("python", "install") or ())
    if not any(normal(draft.path.parent / step.text_at("requirements")) in draft.facts.installs for step in steps):
        return
    installs = [install for step in steps if (install := _installed(draft, step)) is not None]
    lines = [place for step in steps if (place := yaml_edits.lines_of_item(draft.content, step)) is not None]
    flags = [flag for install in installs for flag in install.flags if flag not in ("--no-dev", "--no-install-project")]
    named = list(zip(flags[::2], flags[1::2], strict=False))
    keys = {"--group": "groups", "--only-group": "groups", "--extra": "extras"}
    if not len(installs) == len(lines) == len(steps) or any(flag not in keys for flag, _ in named):
        what = "Read the Docs installs a requirements file here, with something else beside it"
        draft.leave(steps[0].start, what, "method: uv, command: sync, groups: … for the groups")
        return
    lead = indent_of(draft.content, steps[0].start)
    new = [f"{lead}- method: uv", f"{lead}  command: sync"]
    for key in ("extras", "groups"):
        names = dict.fromkeys(name for flag, name in named if keys[flag] == key)
        new += [f"{lead}  {key}:", *(f"{lead}    - {name}" for name in names)] if names else []
    draft.change(*lines[0], "".join(f"{line}\n" for line in new))
    for place in lines[1:]:
        draft.change(*place)


def _installed(draft: Draft, step: Value) -> Install | None:
    """What takes the place of a step; ``None`` where it does something else, or is of a project elsewhere."""
    given, home = dict(step.items()), draft.path.parent
    if given.keys() == {"requirements"}:
        found = draft.facts.installs.get(normal(home / given["requirements"].text))
        return found if found is not None and found.project == home else None
    itself = given.keys() == {"method", "path"} and normal(home / given["path"].text) == home
    return Install(home, itself=True) if itself and draft.facts.is_package(home) else None


#: A hook of pre-commit and its id.
_Hook = tuple[Value, Value]


def _pre_commit(draft: Draft, repo: Value) -> None:
    """Have uv's hook in the place of one that locks with another tool."""
    hooks = [(hook, name) for hook in repo.get("hooks") or () if (name := hook.get("id")) is not None]
    url = repo.text_at("repo")
    locking = [one for one in hooks if _LOCK_HOOKS.get(one[1].text, "\0") in url]
    if locking and (changes := _lock_hook(draft, repo, hooks, locking[0])) is not None:
        draft.changes += changes
        return
    for _, name in locking:
        instead = f"repo: {_UV_PRE_COMMIT}, rev: {draft.facts.uv}, hooks: id: uv-lock"
        draft.leave(name.start, f"the hook {name.text} locks with another tool", instead)
    for _, name in hooks:
        if name.text in ("requirements-txt-fixer", "poetry-check"):
            draft.tell("note", name.start, f"the hook {name.text} no longer has a file to check", "take it out")


def _lock_hook(draft: Draft, repo: Value, hooks: list[_Hook], locking: _Hook) -> list[TextChange] | None:
    """A repo of hooks with one that locks, as uv's own; ``None`` where it has others, or options of its own."""
    # Beside a hook that locks, one that only checks the same goes with it.
    checking = [yaml_edits.lines_of_item(draft.content, hook) for hook, name in hooks if name.text == "poetry-check"]
    url, rev = repo.get("repo"), repo.get("rev")
    if len(hooks) - len(checking) != 1 or url is None or rev is None or not draft.facts.uv:
        return None
    hook, name = locking
    if any(key.text in ("files", "exclude", "additional_dependencies", "args") for key, _ in hook.entries()):
        return None
    changes = []
    for lines in checking:
        if lines is None:
            return None
        changes.append(TextChange(*lines, ""))
    for value, text in ((url, _UV_PRE_COMMIT), (rev, draft.facts.uv), (name, "uv-lock")):
        changes += yaml_edits.scalar_change(draft.content, value, text) or []
    return changes


# --- tox --------------------------------------------------------------------------------------------------------------


def _tox(draft: Draft) -> Converted:
    for start, end, name in _sections(draft.content):
        for match in _DEPS.finditer(draft.content, start, end):
            lines = [line.strip() for line in match["value"].split("\n") if line.strip()]
            if not any("-r" in line or "-c" in line for line in lines):
                continue
            installs = _installs(draft.path, lines, draft.facts)
            if installs is None or not name.startswith("testenv"):
                what = "tox installs a requirements file here, with something else beside it"
                instead = (
                    "runner = uv-venv-lock-runner, with dependency_groups = … for the groups "
                    "(https://github.com/tox-dev/tox-uv#uvlock-support)"
                )
                draft.leave(match.start(), what, instead)
            else:
                draft.change(*match.span(), "\n".join(_runner(installs)))
    if draft.changes and not _requires(draft):
        draft.changes.clear()
    return draft.converted()


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
    package = facts.is_package(path.parent)
    named = {"--group", "--only-group"} if package else {"--group"}
    known = all(
        flag in ("--no-dev", "--no-install-project", *named) or (at and install.flags[at - 1] in named)
        for install in found
        for at, flag in enumerate(install.flags)
    )
    return found if known else None


def _runner(installs: list[Install]) -> list[str]:
    """tox-uv syncs without default groups, and then with the groups that are named (`tox-dev/tox-uv`)."""
    groups: list[str] = []
    for install in installs:
        # What uv takes without being asked, unless told otherwise.
        groups += [] if {"--no-dev", "--only-group"} & set(install.flags) else ["dev"]
        groups += [name for flag, name in pairwise(install.flags) if flag in ("--group", "--only-group")]
    lines = ["runner = uv-venv-lock-runner"]
    if groups:
        lines += ["dependency_groups =", *(f"    {name}" for name in dict.fromkeys(groups))]
    return lines


def _requires(draft: Draft) -> bool:
    """Have tox bring tox-uv with it; whether its settings allow that."""
    content = draft.content
    section = next(((start, end) for start, end, name in _sections(content) if name == "tox"), None)
    if section is None:
        first = _SECTION.search(content)
        at = first.start() if first else 0
        draft.change(at, at, "[tox]\nrequires =\n    tox-uv>=1\n\n")
        return True
    found = _REQUIRES.search(content, *section)
    if found is None:
        draft.change(section[0], section[0], "\nrequires =\n    tox-uv>=1")
    elif "tox-uv" not in found["value"]:
        last = content.rfind("\n", *found.span())
        lead = indent_of(content, last + 1) if last >= 0 else ""
        if not lead and found["value"].strip():
            draft.leave(found.start(), "tox needs tox-uv to read uv.lock", "add tox-uv>=1 to requires")
            return False
        draft.change(found.end(), found.end(), f"\n{lead or '    '}tox-uv>=1")
    return True
