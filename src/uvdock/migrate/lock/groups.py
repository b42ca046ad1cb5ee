"""Requirement files as the dependencies and dependency groups of one project, and what installs the same set."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from itertools import combinations
from pathlib import Path

from packaging.utils import canonicalize_name

from uvdock.migrate.discover.requirement_files import RequirementEntry, RequirementsFile
from uvdock.migrate.discover.sources import reachable
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
class DependencyList:
    """The project's own dependencies or a group: the groups it includes, and the comments after the last one."""

    entries: list[RequirementEntry] = field(default_factory=list)
    includes: list[str] = field(default_factory=list)
    trailing: tuple[str, ...] = ()


@dataclass
class GroupLayout:
    """What a project's files come to.

    Args:
        main: The file whose dependencies are the project's own.
        own: Those.
        groups: The dependency groups by name.
        of: For each file, the group it became; empty for the project's own dependencies.
        flags: For each file, the options of `uv sync` that install the same.
        conflicts: Names of groups that cannot be installed together.
        findings: What a person has to know or decide.
    """

    main: Path | None = None
    own: DependencyList = field(default_factory=DependencyList)
    groups: dict[str, DependencyList] = field(default_factory=dict)
    of: dict[Path, str] = field(default_factory=dict)
    flags: dict[Path, tuple[str, ...]] = field(default_factory=dict)
    conflicts: list[tuple[str, str]] = field(default_factory=list)
    findings: list[Notice] = field(default_factory=list)

    @property
    def entries(self) -> list[tuple[str, RequirementEntry]]:
        """Every dependency with the name of its group; empty for the project's own."""
        lists = {"": self.own, **self.groups}
        return [(name, entry) for name, one in lists.items() for entry in one.entries]


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
    has_own: bool,
    asked: frozenset[Path],
    package: bool,
) -> GroupLayout:
    """Dependencies and groups from files.

    Args:
        nodes: What each file of the project asks for.
        folder: The project's folder.
        extra: Files of other folders that these include; their dependencies are taken over.
        has_own: Whether the project has dependencies of its own elsewhere (setup.py, ``[project]``), so that no
            file may add to them.
        asked: The files that something in the repo installs by their own names.
        package: Whether the project is itself installed.
    """
    layout = GroupLayout()
    merged = {path: _with_outside(node, nodes, extra, layout) for path, node in nodes.items()}
    layout.main = None if has_own else _main(merged, folder, asked)
    taken: set[str] = set()
    for path, node in merged.items():
        name = "" if path == layout.main else group_name(path, folder) or "production"
        if name and not _is_alias(node):
            name = _distinct(name, path, taken)
            taken.add(name)
        layout.of[path] = name
    _fill(layout, merged)
    _declare_conflicts(layout)
    _refuse_clashes(layout, merged)
    for path in merged:
        layout.flags[path] = tuple(_flags(path, layout, merged, package=package))
    return layout


def _distinct(name: str, path: Path, taken: set[str]) -> str:
    if name not in taken:
        return name
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
    return [one for one in reachable([path], lambda one: nodes[one].includes if one in nodes else ()) if one in nodes]


def _with_outside(
    node: RequirementsFile,
    nodes: Mapping[Path, RequirementsFile],
    extra: Mapping[Path, RequirementsFile],
    layout: GroupLayout,
) -> RequirementsFile:
    """A node with what it includes from other folders taken over."""
    includes = []
    entries: list[RequirementEntry] = []
    incomplete = node.incomplete
    for target in node.includes:
        if target in nodes:
            includes.append(target)
            continue
        for path in closure(target, extra):
            what = f"what {path} asks for is taken over into this project"
            layout.findings.append(Notice(node.path, 0, "note", what))
            entries += extra[path].entries
            incomplete |= extra[path].incomplete
    return replace(node, entries=[*entries, *node.entries], includes=includes, incomplete=incomplete)


def _fill(layout: GroupLayout, nodes: Mapping[Path, RequirementsFile]) -> None:
    # What the project's own list includes is part of it, whatever its name.
    own = closure(layout.main, nodes) if layout.main is not None else []
    layout.of |= dict.fromkeys(own, "")
    if layout.main is not None:
        entries = (nodes[path].entries for path in (*reversed(own[1:]), layout.main))
        layout.own = DependencyList(_merged(entries, layout), trailing=nodes[layout.main].trailing)
    for path, node in nodes.items():
        name = layout.of[path]
        if path in own:
            continue
        if _is_alias(node):
            if node.trailing:
                kept = "; ".join(f"# {comment}" for comment in node.trailing)
                layout.findings.append(Notice(path, 0, "note", f"this file has nothing of its own, and goes: {kept}"))
        elif name:
            group = layout.groups.setdefault(name, DependencyList())
            group.entries = _merged([group.entries, node.entries], layout)
            group.trailing = (*group.trailing, *node.trailing)
            for target in _groups_of(node.includes, layout, nodes):
                if target != name and target not in group.includes and name not in _inside(target, layout):
                    group.includes.append(target)


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


def _declare_conflicts(layout: GroupLayout) -> None:
    """Groups that ask for versions of a package that differ cannot be installed together."""
    everything = {
        name: [entry for one in sorted(_inside(name, layout)) for entry in layout.groups[one].entries]
        for name in layout.groups
    }
    for first, second in combinations(layout.groups, 2):
        if first in _inside(second, layout) or second in _inside(first, layout):
            continue
        if clash := next(_clashes(everything[first], everything[second]), None):
            layout.conflicts.append((first, second))
            one, other = clash
            what = f"{other.wanted.text} here and {one.wanted.text} in {one.path}:{one.line}: declared as a conflict"
            layout.findings.append(Notice(other.path, other.line, "note", what))


def _refuse_clashes(layout: GroupLayout, nodes: Mapping[Path, RequirementsFile]) -> None:
    """Take out of groups what contradicts the project's own dependencies: uv locks both together."""
    for name, group in layout.groups.items():
        path = next(path for path, of in layout.of.items() if of == name and not _is_alias(nodes[path]))
        for one, other in list(_clashes(layout.own.entries, group.entries)):
            what = f"{other.wanted.text} here, but {one.wanted.text} among the project's own dependencies"
            together = layout.main in closure(path, nodes)
            why = "pip refuses both too" if together else "uv locks them together"
            instead = f"decide which version both are to have; {one.wanted.text} is taken ({why})"
            layout.findings.append(Notice(other.path, other.line, "question", what + other.comments, instead))
            group.entries = [one for one in group.entries if one is not other]


def _inside(name: str, layout: GroupLayout) -> set[str]:
    """A group and those that it includes."""
    return set(reachable([name], lambda one: layout.groups[one].includes if one in layout.groups else ()))


def _clashes(
    first: list[RequirementEntry], second: list[RequirementEntry]
) -> Iterator[tuple[RequirementEntry, RequirementEntry]]:
    for one in first:
        for other in second:
            if one.wanted.key == other.wanted.key and _contradict(one, other):
                yield one, other


def _contradict(one: RequirementEntry, other: RequirementEntry) -> bool:
    """Whether no version is allowed by both; only a pin can tell."""
    from packaging.specifiers import SpecifierSet
    from packaging.version import InvalidVersion

    if one.wanted.marker != other.wanted.marker:
        return False
    if one.wanted.source or other.wanted.source:
        return bool(one.wanted.source and other.wanted.source and one.wanted.source != other.wanted.source)
    for pin, limit in ((one.wanted.pin, other.wanted.specifier), (other.wanted.pin, one.wanted.specifier)):
        try:
            if pin and not SpecifierSet(limit).contains(pin, prereleases=True):
                return True
        except InvalidVersion:
            # `===` takes any text; an older packaging compares none but versions.
            return pin != limit.lstrip("=")
    return False


def _flags(path: Path, layout: GroupLayout, nodes: Mapping[Path, RequirementsFile], *, package: bool) -> Iterator[str]:
    """The options of `uv sync` that install what a file did."""
    reached = closure(path, nodes)
    groups = list(dict.fromkeys(_groups_of([path], layout, nodes)))
    if layout.main is not None:
        has_main = layout.main in reached
    else:
        has_main = not layout.of[path] or any(nodes[one].itself is not None or nodes[one].own for one in reached)
    if not has_main:
        yield from (word for name in groups for word in ("--only-group", name))
    else:
        if DEV in layout.groups and not any(DEV in _inside(name, layout) for name in groups):
            yield "--no-dev"
        yield from (word for name in groups if name != DEV for word in ("--group", name))
    files = [nodes[one] for one in reached]
    for node in files:
        yield from (word for extra in (*(node.itself or ()), *node.extras) for word in ("--extra", extra))
    if package:
        yield from _project_flags(files, only_groups=bool(groups) and not has_main)


def _project_flags(files: Iterable[RequirementsFile], *, only_groups: bool) -> Iterator[str]:
    """How `uv sync` installs the project itself, where files do, and that it does not where they do not."""
    itself = [node for node in files if node.itself is not None]
    if not itself and not only_groups:
        yield "--no-install-project"
    elif itself and not any(node.editable for node in itself):
        yield "--no-editable"
