"""Where a repo says what it depends on: which files those are, and which project each belongs to."""

from __future__ import annotations

import posixpath
import re
import tomllib
from collections.abc import Callable, Collection, Hashable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, TypeVar

from uvdock.formats.requirements import RequirementLine, is_compiled, parse
from uvdock.migrate.discover import installers

_REQUIREMENTS = re.compile(r"^(?:.*[-_.])?(?:requirements?|reqs?)(?:[-_.].*)?\.(?:txt|in|pip)$", re.IGNORECASE)
_CONSTRAINTS = re.compile(r"^(?:.*[-_.])?constraints?(?:[-_.].*)?\.(?:txt|in|pip)$", re.IGNORECASE)
_LISTS = re.compile(r"\.(?:txt|in|pip)$")
#: Folders that hold nothing but requirement files of the project above.
_FOLDERS = {"requirements", "requirement", "reqs"}
#: Folders whose requirement files serve the project above, unless there is a project in them.
_SERVING = {
    *("docs", "doc", "documentation", "tests", "test", "dev", "ci", ".ci", ".github", ".circleci", ".gitlab"),
    *("docker", "deploy", "deployment", "build", "scripts", "script", "tools", "conf", "config", "etc", "pip"),
}
_OWN = {"setup.py", "setup.cfg", "Pipfile", "manage.py", "app.py", "main.py"}

Tool = Literal["pip", "poetry", "pipenv", "uv"]
Node = TypeVar("Node", bound=Hashable)
#: The options that name other requirements files.
INCLUDES, CONSTRAINTS = "--requirement", "--constraint"


@dataclass(frozen=True)
class Source:
    """One requirement file.

    Args:
        path: From the repo root.
        lines: What is in it.
        compiled: Whether a tool wrote it.
    """

    path: Path
    lines: tuple[RequirementLine, ...]
    compiled: bool

    def named(self, *options: str) -> list[Path]:
        """The files of the repo that these options name in it."""
        values = (one.value for line in self.lines for one in line.options if one.name in options)
        return [path for value in values if (path := beside(self.path, value)) is not None]


@dataclass(frozen=True)
class ProjectSources:
    """One project and its files.

    Args:
        folder: From the repo root.
        tool: What manages its dependencies today.
        files: Its requirement files by path, sorted.
        constraints: The ones that are constraints.
        outside: Requirement files of other folders that its own ones include.
        pyproject: Its pyproject.toml as data; empty where there is none.
    """

    folder: Path
    tool: Tool
    files: Mapping[Path, Source] = field(default_factory=dict)
    constraints: Mapping[Path, Source] = field(default_factory=dict)
    outside: Mapping[Path, Source] = field(default_factory=dict)
    pyproject: Mapping[str, Any] = field(default_factory=dict)


def is_requirements(path: Path) -> bool:
    """Whether a file is by its name a list of requirements, or of constraints."""
    if installers.NEVER & set(path.parts):
        return False
    if path.parent.name in _FOLDERS and _LISTS.search(path.name):
        return True
    return bool(_REQUIREMENTS.match(path.name) or _CONSTRAINTS.match(path.name))


def is_constraints(path: Path) -> bool:
    """Whether a file is by its name a list of constraints."""
    return bool(_CONSTRAINTS.match(path.name))


def beside(file: Path, name: str) -> Path | None:
    """The path, from the repo root, that a file names relative to its own folder; ``None`` outside the repo."""
    if "://" in name or name.startswith(("/", "~")):
        return None
    path = posixpath.normpath((file.parent / name).as_posix())
    return None if path.startswith("..") else Path(path)


def depended(found: Iterable[ProjectSources]) -> set[Path]:
    """The folders that requirement files of other projects, or of the same one, install by their path.

    What a project of uv names in ``[tool.uv.sources]`` is one too.
    """
    folders = set()
    for one in found:
        named = [(one.folder, path) for path in _local_sources(one.pyproject)]
        for source in (*one.files.values(), *one.outside.values()):
            for line in source.lines:
                path = re.sub(r"\[[^]]*\]$", "", re.split(r"[#;]", line.requirement)[0].strip())
                if path and path not in (".", "./") and ("/" in path or path.startswith(".")):
                    named += [(one.folder, path), (source.path.parent, path)]
        reached = {at for folder, path in named if (at := beside(folder / "file", path)) is not None}
        folders |= reached - {one.folder}
    return folders


def _local_sources(pyproject: Mapping[str, Any]) -> Iterator[str]:
    """The paths in ``[tool.uv.sources]``."""
    origins = pyproject.get("tool", {}).get("uv", {}).get("sources", {})
    for origin in origins.values() if isinstance(origins, dict) else ():
        for each in origin if isinstance(origin, list) else [origin]:
            if isinstance(each, dict) and isinstance(each.get("path"), str):
                yield each["path"]


def reachable(start: Iterable[Node], following: Callable[[Node], Iterable[Node]]) -> list[Node]:
    """All that one comes to from a start, each once, in the order in which pip reads files that include others."""
    found: dict[Node, None] = {}
    waiting = [*start][::-1]
    while waiting:
        if (one := waiting.pop()) not in found:
            found[one] = None
            waiting += [*following(one)][::-1]
    return list(found)


def find(texts: Mapping[Path, str]) -> list[ProjectSources]:
    """The repo's projects.

    Args:
        texts: Its text files by their paths from the root.
    """
    sources = _sources(texts)
    folders: dict[Path, list[Path]] = {}
    for path in sources:
        folders.setdefault(_folder(path, texts), []).append(path)
    for path in texts:
        if installers.NEVER & set(path.parts):
            continue
        if path.name in ("setup.py", "Pipfile") or (path.name == "pyproject.toml" and _is_project(texts[path])):
            folders.setdefault(path.parent, [])
    shared = {folder for folder, paths in folders.items() if _is_shared(folder, paths, sources, texts)}
    return [_project(folder, folders[folder], sources, texts) for folder in sorted(folders.keys() - shared)]


def in_use(found: Iterable[ProjectSources], texts: Mapping[Path, str]) -> set[Path]:
    """The folders of the projects that something in the repo installs, and of what those need by its path."""
    projects = {one.folder: one for one in found}

    def needs(folder: Path) -> Iterator[Path]:
        if one := projects.get(folder):
            yield from depended([one])
            yield from (at for at, other in projects.items() if other.files.keys() & one.outside.keys())

    return set(reachable(installers.used(projects.values(), texts), needs))


def _project(
    folder: Path, own: Collection[Path], sources: Mapping[Path, Source], texts: Mapping[Path, str]
) -> ProjectSources:
    """A project with its files; a list that another one is held to is still one of what to install."""
    held = {path for source in sources.values() for path in source.named(CONSTRAINTS)}
    held -= {path for source in sources.values() for path in source.named(INCLUDES)}
    limits = {path for path in own if is_constraints(path) or (path in held and not is_requirements(path))}
    reached = reachable(own, lambda path: _references(path, sources))
    pyproject = data_of(texts.get(folder / "pyproject.toml", ""))
    return ProjectSources(
        folder,
        _tool(folder, own, texts, pyproject),
        files={path: sources[path] for path in sorted(own) if path not in limits},
        constraints={path: sources[path] for path in sorted(limits)},
        outside={path: sources[path] for path in reached if path not in own},
        pyproject=pyproject,
    )


def _references(path: Path, sources: Mapping[Path, Source]) -> list[Path]:
    return [one for one in sources[path].named(INCLUDES, CONSTRAINTS) if one in sources]


def _sources(texts: Mapping[Path, str]) -> dict[Path, Source]:
    """Every requirement file: by its name, because a file includes it, or because a command installs it."""
    found: dict[Path, Source] = {}
    waiting = [*(path for path in texts if is_requirements(path)), *installers.installed(texts)]
    while waiting:
        path = waiting.pop()
        if path in found or path not in texts or path.name in ("pyproject.toml", "setup.py"):
            continue
        lines = parse(texts[path])
        useful = sum(line.kind in ("requirement", "option") for line in lines)
        named = _REQUIREMENTS.match(path.name) or is_constraints(path)
        if not named and sum(line.kind == "broken" or _is_prose(line) for line in lines) > useful:
            # A text in a folder called requirements.
            continue
        found[path] = Source(path, lines, is_compiled(lines))
        waiting += found[path].named(INCLUDES, CONSTRAINTS)
    return dict(sorted(found.items()))


def _is_prose(line: RequirementLine) -> bool:
    return line.kind == "requirement" and len(re.split(r"[;@#]", line.requirement)[0].split()) > 4


def _folder(path: Path, texts: Mapping[Path, str]) -> Path:
    folder = path.parent
    if folder.name in _FOLDERS:
        folder = folder.parent
    while folder.name in _SERVING and not _is_own(folder, texts):
        folder = folder.parent
    return folder


def _is_own(folder: Path, texts: Mapping[Path, str]) -> bool:
    return any((folder / name) in texts for name in _OWN) or _is_project(texts.get(folder / "pyproject.toml", ""))


def _is_shared(folder: Path, paths: list[Path], sources: Mapping[Path, Source], texts: Mapping[Path, str]) -> bool:
    """Whether a folder has nothing but files that projects of other folders include."""
    if not paths or any(path.parent == folder and path.suffix == ".py" for path in texts) or _is_own(folder, texts):
        return False
    if any(path.parent == folder and path.name.startswith("Dockerfile") for path in texts):
        return False
    others = [source for source in sources.values() if source.path not in paths]
    return set(paths) <= {path for one in others for path in one.named(INCLUDES, CONSTRAINTS)}


def data_of(text: str) -> dict[str, Any]:
    """A pyproject.toml as far as it has the shape it should; writing one is what refuses the others."""
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        return {}
    found = {key: item for key, item in data.items() if isinstance(item, dict)}
    if "tool" in found:
        found["tool"] = {key: item for key, item in found["tool"].items() if isinstance(item, dict)}
    return found


def is_built(pyproject: Mapping[str, Any]) -> bool:
    """Whether uv builds a project of this pyproject.toml and installs it."""
    return "build-system" in pyproject and pyproject.get("tool", {}).get("uv", {}).get("package") is not False


def _is_project(text: str) -> bool:
    data = data_of(text)
    return "project" in data or "poetry" in data.get("tool", {})


def _tool(folder: Path, lists: Iterable[Path], texts: Mapping[Path, str], pyproject: Mapping[str, Any]) -> Tool:
    if folder / "uv.lock" in texts:
        return "uv"
    # Since Poetry 2, the dependencies may stand in [project], and the groups stay its own.
    own = folder / "poetry.lock" in texts or "dependencies" not in pyproject.get("project", {})
    if "poetry" in pyproject.get("tool", {}) and own:
        return "poetry"
    if folder / "Pipfile" not in texts:
        return "pip"
    # One that nothing reads may lie beside the list that is installed.
    return "pip" if installers.installed(texts) & {*lists} and not installers.calls("pipenv", texts) else "pipenv"
