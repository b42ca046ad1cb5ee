"""Which Python a project runs on, and which of its files says so."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from uvdock.errors import UvdockError
from uvdock.files import is_dockerfile
from uvdock.formats import yaml
from uvdock.formats.dockerfile.stages import Dockerfile
from uvdock.migrate.discover.sources import reachable

_VERSION = r"(?P<version>3\.\d+)"
_FROM = re.compile(rf"(?:^|[/:-])python:?{_VERSION}", re.IGNORECASE)
_OTHER_SYSTEMS = re.compile(r"\b(?:macos|windows|osx)-?(?:latest|\d|\b)", re.IGNORECASE)
_KEY = re.compile(r"python(?:-version)?s?", re.IGNORECASE)
_CLASSIFIER = re.compile(rf"Programming Language :: Python :: {_VERSION}\b")


@dataclass(frozen=True)
class Python:
    """A project's Python.

    Args:
        requires: For ``requires-python``.
        version: The lowest version that is used, ``3.11``: what old pins were made for.
        newest: The newest version that images and CI have; empty where no file says any.
        linux: Whether it runs in an image, and no job runs on another system than Linux.
        where: What says so.
        path: The file; ``None`` where none does.
        line: The line in it.
    """

    requires: str
    version: str
    where: str
    path: Path | None = None
    line: int = 0
    newest: str = ""
    linux: bool = False


def find(folder: Path, files: Mapping[Path, str], others: tuple[Path, ...], declared: str, here: str) -> Python:
    """The Python of the project in ``folder``.

    Args:
        folder: The project's, from the repo root.
        files: The repo's text files.
        others: The folders of the other projects: what lies in them says nothing of this one.
        declared: What the project itself declares (``requires-python``, ``python_requires``), if it does.
        here: The version that is assumed where nothing says anything.
    """
    image, matrix = _from_dockerfile(folder, files, others), _from_matrix(files)
    newest = max((one.newest for one in (image, matrix) if one), key=_order, default="")
    linux = image is not None and _only_linux(files)
    found = (
        image
        or _from_file(".python-version", folder, files)
        or _from_file("runtime.txt", folder, files)
        or matrix
        or _from_classifiers(folder, files)
    )
    if declared:
        version = found.version if found and _allows(declared, found.version) else _lowest(declared) or here
        return Python(declared, version, "the project's own metadata", newest=newest, linux=linux)
    tested = matrix if len(others) < 2 else None
    if found and tested and _order(tested.version) < _order(found.version):
        # The jobs of that version would find no project that allows it.
        where = f"the CI matrix, for {found.where} is newer"
        return replace(tested, version=found.version, where=where, newest=newest, linux=linux)
    return (
        replace(found, newest=newest, linux=linux)
        if found
        else Python(f">={here}", here, "the Python that uvdock runs on: no file says any")
    )


def _lowest(declared: str) -> str:
    versions = re.findall(r"(?:>=|~=|==|>)\s*(3\.\d+)", declared)
    return min(versions, key=_order) if versions else ""


def _allows(declared: str, version: str) -> bool:
    from packaging.specifiers import InvalidSpecifier, SpecifierSet

    try:
        return SpecifierSet(declared).contains(f"{version}.99") or SpecifierSet(declared).contains(version)
    except InvalidSpecifier:
        return False


def _order(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split("."))


def _of(hits: list[tuple[str, Path, int]], what: str) -> Python | None:
    """The lowest of the versions that were found."""
    if not hits:
        return None
    version, path, line = min(hits, key=lambda hit: _order(hit[0]))
    newest = max((hit[0] for hit in hits), key=_order)
    return Python(f">={version}", version, what, path, line, newest)


def _near(folder: Path, files: Mapping[Path, str], others: tuple[Path, ...]) -> Iterator[Path]:
    """The files of a project and not of one inside it, then those beside the projects of the repo."""
    inner = [other for other in others if other != folder and other.is_relative_to(folder)]
    own = [path for path in files if path.is_relative_to(folder) and not any(path.is_relative_to(o) for o in inner)]
    yield from sorted(own)
    yield from sorted(path for path in files if path not in own and not any(path.is_relative_to(o) for o in others))


def _from_dockerfile(folder: Path, files: Mapping[Path, str], others: tuple[Path, ...]) -> Python | None:
    near = [path for path in _near(folder, files, others) if is_dockerfile(path)]
    own = [path for path in near if path.is_relative_to(folder)]
    # A Dockerfile elsewhere counts only where the project has none, and names its folder.
    rest = [path for path in near if path not in own and folder.as_posix() in files[path]]
    hits = [
        (base["version"], path, stage.steps[0].line)
        for path in own or rest
        for stage in Dockerfile(files[path]).stages
        if (base := _FROM.search(stage.base or ""))
    ]
    return _of(hits, "the base image")


def _from_file(name: str, folder: Path, files: Mapping[Path, str]) -> Python | None:
    for base in (folder, *folder.parents):
        text = files.get(base / name, "")
        for number, line in enumerate(text.splitlines(), 1):
            if found := re.match(rf"\s*(?:c?python-?)?{_VERSION}", line):
                return _of([(found["version"], base / name, number)], name)
    return None


def _from_matrix(files: Mapping[Path, str]) -> Python | None:
    hits = [
        (version, path, number) for path in sorted(files) if _is_ci(path) for number, version in _matrix(files[path])
    ]
    return _of(hits, "the CI matrix")


def _only_linux(files: Mapping[Path, str]) -> bool:
    """Whether no job runs on another system."""
    return not any(_OTHER_SYSTEMS.search(text) for path, text in files.items() if _is_ci(path))


def _is_ci(path: Path) -> bool:
    return path.as_posix().startswith(".github/workflows/") or path.name in (".gitlab-ci.yml", ".travis.yml")


def _matrix(text: str) -> list[tuple[int, str]]:
    """The versions after the keys of a workflow that are about Python, with their lines."""
    try:
        document = yaml.read(text, "workflow")
    except UvdockError:
        return []
    values = reachable([document] if document else [], lambda one: [*(value for _, value in one.items()), *one])
    named = [value for one in values for key, value in one.items() if _KEY.fullmatch(key)]
    listed = [one for value in named for one in (value, *value)]
    return sorted((one.line, version) for one in listed for version in re.findall(r"(?<![\d.])3\.\d+", one.text))


def _from_classifiers(folder: Path, files: Mapping[Path, str]) -> Python | None:
    hits = [
        (found["version"], folder / name, number)
        for name in ("pyproject.toml", "setup.cfg", "setup.py")
        for number, line in enumerate(files.get(folder / name, "").splitlines(), 1)
        if (found := _CLASSIFIER.search(line))
    ]
    return _of(hits, "the classifiers")
