"""Requirement files as the dependencies and dependency groups of one project, and what installs the same set."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from packaging.utils import canonicalize_name

from uvdock.migrate.discover.requirement_files import RequirementEntry, RequirementsFile
from uvdock.migrate.model import Notice

#: What files are called and what the group is called then.
_NAMES = {
    **dict.fromkeys(("dev", "devel", "develop", "development"), "dev"),
    **dict.fromkeys(("test", "tests", "testing"), "test"),
    **dict.fromkeys(("doc", "docs", "documentation"), "docs"),
    **dict.fromkeys(("prod", "production"), "production"),
    **dict.fromkeys(("lint", "linting", "linters"), "lint"),
    **dict.fromkeys(("typing", "types"), "typing"),
}
_MAIN = {"", "base", "common", "main", "core", "default", "requirements", "app", "runtime", "install", "all-base"}
#: The group that uv installs by default.
DEV = "dev"


@dataclass
class Group:
    """A dependency group: its name, the groups it includes, its own dependencies, and the comments after them."""

    name: str
    includes: list[str] = field(default_factory=list)
    entries: list[RequirementEntry] = field(default_factory=list)
    trailing: tuple[str, ...] = ()


@dataclass
class GroupLayout:
    """What a project's files come to.

    Args:
        main: The files whose dependencies are the project's own; the first gives the place.
        dependencies: Those.
        trailing: The comments after them.
        groups: The dependency groups by name.
        of: For each file, the group it became; empty for the project's own dependencies.
        flags: For each file, the options of `uv sync` that install the same.
        conflicts: Names of groups that cannot be installed together.
        findings: What a person has to know or decide.
    """

    main: Path | None = None
    dependencies: list[RequirementEntry] = field(default_factory=list)
    trailing: tuple[str, ...] = ()
    groups: dict[str, Group] = field(default_factory=dict)
    of: dict[Path, str] = field(default_factory=dict)
    flags: dict[Path, tuple[str, ...]] = field(default_factory=dict)
    conflicts: list[tuple[str, str]] = field(default_factory=list)
    findings: list[Notice] = field(default_factory=list)


def group_name(path: Path, folder: Path) -> str:
    """The name of the group for a file; empty for one that holds the project's own dependencies."""
    stem = re.sub(r"\.(txt|in|pip)$", "", path.name, flags=re.IGNORECASE)
    words = re.split(r"[-_.]+", stem)
    rest = "-".join(word for word in words if word.lower() not in ("requirements", "requirement", "reqs", "req", "pip"))
    name: str = canonicalize_name(rest)
    if not name or name in _MAIN:
        # docs/requirements.txt serves the docs; requirements/base.txt the project.
        above = [
            part for part in path.relative_to(folder).parts[:-1] if part not in ("requirements", "requirement", "reqs")
        ]
        name = canonicalize_name("-".join(above)) if above else ""
    name = re.sub(r"[^a-z0-9-]", "", name).strip("-")
    return "" if name in _MAIN else _NAMES.get(name, name)


def arrange(
    nodes: Mapping[Path, RequirementsFile],
    folder: Path,
    extra: Mapping[Path, RequirementsFile],
    *,
    has_own: bool = False,
    asked: frozenset[Path] = frozenset(),
) -> GroupLayout:
    """Dependencies and groups from files.

    Args:
        nodes: What each file of the project asks for.
        folder: The project's folder.
        extra: Files of other folders that these include; their dependencies are taken over.
        has_own: Whether the project has dependencies of its own elsewhere (setup.py, ``[project]``), so that no
            file may add to them.
        asked: The files that something in the repo installs by their own names.
    """
    layout = GroupLayout()
    merged = {path: _with_outside(node, nodes, extra, layout) for path, node in nodes.items()}
    layout.main = None if has_own else _main(merged, folder, asked)
    taken: dict[str, Path] = {}
    for path, node in merged.items():
        name = "" if path == layout.main else _group_for(path, folder)
        if name and name in taken and not _is_alias(node):
            name = _distinct(name, path, taken)
        layout.of[path] = name
        if name and not _is_alias(node):
            taken[name] = path
    if layout.main is not None:
        layout.trailing = merged[layout.main].trailing
    _fill(layout, merged)
    _find_conflicts(layout, merged)
    for path in merged:
        layout.flags[path] = tuple(_flags(path, layout, merged))
    return layout


def _group_for(path: Path, folder: Path) -> str:
    return group_name(path, folder) or "production"


def _distinct(name: str, path: Path, taken: Mapping[str, Path]) -> str:
    base = canonicalize_name(f"{name}-{path.parent.name}") if path.parent.name else name
    name, number = base, 2
    while name in taken:
        name, number = f"{base}-{number}", number + 1
    return name


def _is_alias(node: RequirementsFile) -> bool:
    """Whether a file has nothing of its own: it includes others, or stands for the project itself."""
    return not node.entries and (bool(node.includes) or node.itself is not None or node.own)


def _main(nodes: Mapping[Path, RequirementsFile], folder: Path, asked: frozenset[Path]) -> Path | None:
    """The file whose dependencies are the project's own.

    That is ``requirements.txt`` or ``base.txt``; where the one includes the other, the one that others include too
    (a list that only the other one includes is a part of it); without any such name, ``production.txt``; a repo
    with a single list has no choice.
    """
    named = [path for path, node in nodes.items() if not group_name(path, folder) and not _is_alias(node)]
    if named:
        reached = {path: len(closure(path, nodes)) for path in named}
        parts = {path for path in named if any(path in nodes[one].includes for one in named)}
        # A part that is installed by itself is a list of its own.
        others = list(nodes) if parts & asked else [path for path in nodes if path not in named]
        included = {path: sum(path in nodes[one].includes for one in others) for path in named}
        return min(named, key=lambda path: (-included[path], reached[path], len(path.parts), path.as_posix()))
    if any(node.own for node in nodes.values()):
        return None
    production = [path for path in nodes if group_name(path, folder) == "production" and not _is_alias(nodes[path])]
    return production[0] if len(production) == 1 else None


def closure(path: Path, nodes: Mapping[Path, RequirementsFile]) -> list[Path]:
    """A file and all that it includes, each once, in the order pip reads them."""
    found: list[Path] = []

    def visit(one: Path) -> None:
        if one in nodes and one not in found:
            found.append(one)
            for target in nodes[one].includes:
                visit(target)

    visit(path)
    return found


def _with_outside(
    node: RequirementsFile,
    nodes: Mapping[Path, RequirementsFile],
    extra: Mapping[Path, RequirementsFile],
    layout: GroupLayout,
) -> RequirementsFile:
    """A node with what it includes from other folders taken over, and includes named by their sources."""
    by_compiled = {path: one.path for one in (*nodes.values(), *extra.values()) for path in one.compiled}
    includes = []
    entries: list[RequirementEntry] = []
    incomplete = node.incomplete
    for target in node.includes:
        origin = by_compiled.get(target, target)
        if origin in nodes:
            includes.append(origin)
            continue
        for path in closure(origin, extra):
            what = f"what {path} asks for is taken over into this project"
            layout.findings.append(Notice(node.path, 0, "note", what))
            entries += extra[path].entries
            incomplete |= extra[path].incomplete
    return replace(node, entries=[*entries, *node.entries], includes=includes, incomplete=incomplete)


def _fill(layout: GroupLayout, nodes: Mapping[Path, RequirementsFile]) -> None:
    main = layout.main
    folded = closure(main, nodes)[1:] if main is not None else []
    for path in folded:
        # What the project's own list includes is part of it, whatever its name.
        layout.of[path] = ""
    order = [*reversed(folded), *([main] if main is not None else [])]
    layout.dependencies = _merged((nodes[path].entries for path in order), layout)
    for path, node in nodes.items():
        name = layout.of[path]
        if path in order or not name or _is_alias(node):
            continue
        group = layout.groups.setdefault(name, Group(name))
        group.entries = _merged([group.entries, node.entries], layout)
        group.trailing = (*group.trailing, *node.trailing)
        for target in _groups_of(node.includes, layout, nodes):
            if target != name and target not in group.includes and name not in _inside(target, layout):
                group.includes.append(target)
    for path, node in nodes.items():
        if _is_alias(node) and path not in order and node.trailing:
            kept = "; ".join(f"# {comment}" for comment in node.trailing)
            layout.findings.append(Notice(path, 0, "note", f"this file has nothing of its own, and goes: {kept}"))


def _groups_of(
    paths: Iterable[Path],
    layout: GroupLayout,
    nodes: Mapping[Path, RequirementsFile],
    seen: frozenset[Path] = frozenset(),
) -> Iterator[str]:
    """The groups that files became; an alias stands for what it includes."""
    for path in paths:
        if path not in nodes or path in seen:
            continue
        if _is_alias(nodes[path]) and layout.of[path]:
            yield from _groups_of(nodes[path].includes, layout, nodes, seen | {path})
        elif layout.of[path]:
            yield layout.of[path]


def _merged(parts: Iterable[list[RequirementEntry]], layout: GroupLayout) -> list[RequirementEntry]:
    """Entries of several lists as one: no dependency twice, and two that contradict each other are a question."""
    found: list[RequirementEntry] = []
    for entry in (entry for part in parts for entry in part):
        alike = [one for one in found if (one.wanted.key, one.wanted.marker) == (entry.wanted.key, entry.wanted.marker)]
        if any(one.wanted.text == entry.wanted.text and one.wanted.source == entry.wanted.source for one in alike):
            if entry.comments:
                what = f"listed twice, and its comment goes{entry.comments}"
                layout.findings.append(Notice(entry.path, entry.line, "note", what))
        elif known := next((one for one in alike if _contradict(one, entry)), None):
            what = f"{entry.wanted.text} here, but {known.wanted.text} in {known.path}:{known.line}; pip refuses both"
            instead = f"decide which: {known.wanted.text} is taken"
            layout.findings.append(Notice(entry.path, entry.line, "question", what + entry.comments, instead))
        else:
            # Two bounds of one package hold together, in pip as in uv.
            found.append(entry)
    return found


def _find_conflicts(layout: GroupLayout, nodes: Mapping[Path, RequirementsFile]) -> None:
    """Groups that pin a package differently, and groups that contradict the project's own dependencies."""
    names = list(layout.groups)
    everything = {name: list(_all_entries(name, layout)) for name in names}
    for at, first in enumerate(names):
        for second in names[at + 1 :]:
            if first in _inside(second, layout) or second in _inside(first, layout):
                continue
            if clash := next(_clashes(everything[first], everything[second]), None):
                layout.conflicts.append((first, second))
                one, other = clash
                what = (
                    f"{other.wanted.text} here and {one.wanted.text} in {one.path}:{one.line}: declared as a conflict"
                )
                layout.findings.append(Notice(other.path, other.line, "note", what))
    for name in names:
        path = next(path for path, of in layout.of.items() if of == name and not _is_alias(nodes[path]))
        for one, other in list(_clashes(layout.dependencies, layout.groups[name].entries)):
            what = f"{other.wanted.text} here, but {one.wanted.text} among the project's own dependencies"
            together = layout.main in closure(path, nodes)
            why = "pip refuses both too" if together else "uv locks them together"
            instead = f"decide which version both are to have; {one.wanted.text} is taken ({why})"
            layout.findings.append(Notice(other.path, other.line, "question", what + other.comments, instead))
            layout.groups[name].entries = [one for one in layout.groups[name].entries if one is not other]


def _inside(name: str, layout: GroupLayout) -> set[str]:
    found: set[str] = set()
    waiting = [name]
    while waiting:
        one = waiting.pop()
        if one not in found and one in layout.groups:
            found.add(one)
            waiting += layout.groups[one].includes
    return found


def _all_entries(name: str, layout: GroupLayout) -> Iterator[RequirementEntry]:
    for one in sorted(_inside(name, layout)):
        yield from layout.groups[one].entries


def _clashes(
    first: list[RequirementEntry], second: list[RequirementEntry]
) -> Iterator[tuple[RequirementEntry, RequirementEntry]]:
    for one in first:
        for other in second:
            if one.wanted.key == other.wanted.key and _contradict(one, other):
                yield one, other


def _contradict(one: RequirementEntry, other: RequirementEntry) -> bool:
    """Whether no version is allowed by both; only a pin can tell."""
    from packaging.specifiers import InvalidSpecifier, SpecifierSet

    if one.wanted.marker != other.wanted.marker:
        return False
    if one.wanted.source or other.wanted.source:
        return bool(one.wanted.source and other.wanted.source and one.wanted.source != other.wanted.source)
    for pin, limit in ((one.wanted.pin, other.wanted.specifier), (other.wanted.pin, one.wanted.specifier)):
        try:
            if pin and not SpecifierSet(limit).contains(pin, prereleases=True):
                return True
        except InvalidSpecifier:
            return pin != limit.lstrip("=")
    return False


def _flags(path: Path, layout: GroupLayout, nodes: Mapping[Path, RequirementsFile]) -> Iterator[str]:
    """The options of `uv sync` that install what a file did."""
    dev = DEV in layout.groups
    reached = closure(path, nodes)
    has_main = layout.main is None or layout.main in reached
    groups = list(dict.fromkeys(_groups_of([path], layout, nodes)))
    if layout.main is None and not any(nodes[one].itself is not None or nodes[one].own for one in reached):
        has_main = not layout.of[path]
    inside = set().union(*(_inside(name, layout) for name in groups)) if groups else set()
    if has_main:
        if dev and DEV not in inside:
            yield "--no-dev"
        for name in groups:
            if name != DEV:
                yield from ("--group", name)
    else:
        for name in groups:
            yield from ("--only-group", name)
    for one in reached:
        for extra in (*(nodes[one].itself or ()), *nodes[one].extras):
            yield from ("--extra", extra)
