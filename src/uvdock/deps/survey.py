"""Looking at a project's dependencies: what is declared, locked, to be had, and what a new resolution would take."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version

from uvdock.deps import cooldown, core_metadata, lockfile, releases, requirement, uvcommand
from uvdock.deps.declared import Declared, declared, dynamic
from uvdock.deps.releases import Answers, Question
from uvdock.errors import UvdockError, nearest
from uvdock.project import Project, read_pyproject, workspace_members

if TYPE_CHECKING:
    from uvdock.backends.reading import Reader
    from uvdock.process import Output


@dataclass(frozen=True)
class Manifest:
    """One pyproject.toml of a project: its path, its name as a person knows it, its data."""

    path: Path
    name: str
    data: Mapping[str, Any]

    @cached_property
    def lines(self) -> list[Declared]:
        """Its requirements; those that only a build can tell are not among them."""
        return declared(self.data)

    @cached_property
    def dynamic(self) -> list[str]:
        """What of its requirements only a build can tell."""
        return dynamic(self.data)


@dataclass(frozen=True)
class Survey:
    """What was found of one project.

    Args:
        project: The project.
        label: Its folder as a person knows it; empty when it is the only one.
        manifests: Its own pyproject.toml and those of its workspace's members.
        lock: Its lock.
        answers: The newest releases, regardless of what anyone's specifiers say.
        wanted: The lock that a new resolution within all specifiers gives; the present one where exact pins leave
            no other, ``None`` where uv could not resolve.
        problem: uv's words in that case.
        lost: Locked releases that are on the index no more, or withdrawn: ``yanked`` or ``gone``, by name and version.
        asked: What packages of the wanted lock require, for those that may hold another back.
        cutoff: Releases after this moment are too young; ``None`` without a cooldown.
        now: The moment of looking.
    """

    project: Project
    label: str
    manifests: Sequence[Manifest]
    lock: Mapping[str, Any]
    answers: Answers
    now: datetime
    wanted: Mapping[str, Any] | None = None
    problem: str = ""
    lost: Mapping[tuple[str, str], str] = field(default_factory=dict)
    asked: Mapping[tuple[str, str], Sequence[Requirement]] = field(default_factory=dict)
    cutoff: datetime | None = None

    @cached_property
    def locked(self) -> dict[str, list[str]]:
        """The locked versions of every package that came from an index."""
        return by_index(self.lock)

    @cached_property
    def reached(self) -> dict[str, list[str]]:
        """The same of the wanted lock; nothing without one."""
        return by_index(self.wanted or {})

    @cached_property
    def dependents(self) -> dict[str, list[Mapping[str, Any]]]:
        """The entries of the wanted lock that need a package, by its name."""
        found: dict[str, list[Mapping[str, Any]]] = {}
        for package in (self.wanted or {}).get("package", []):
            for name in _edges(package):
                found.setdefault(name, []).append(package)
        return found


def manifests(project: Project) -> list[Manifest]:
    """The pyproject.toml of a project and of each member of its workspace.

    Raises:
        UvdockError: One is no TOML.
    """
    found = []
    for folder in dict.fromkeys([project.folder, *workspace_members(project.folder)]):
        path = folder / "pyproject.toml"
        data = read_pyproject(path)
        name = data.get("project", {}).get("name", "")
        found.append(Manifest(path, name if isinstance(name, str) and name else folder.name, data))
    return found


def look(
    project: Project, reader: Reader, *, label: str = "", everything: bool = False, wait: str = "", pre: bool = False
) -> Survey:
    """Look at one project. Writes nothing.

    Args:
        project: The project.
        reader: Which uv to ask.
        label: Its folder as a person knows it, where there are several.
        everything: Also the packages that only others need.
        wait: The cooldown; see `cooldown.cutoff`.
        pre: Whether prereleases count.

    Raises:
        UvdockError: There is no lock, it is damaged, the cooldown cannot be read, or uv cannot be asked at all.
    """
    if not project.lock.is_file():
        raise UvdockError(
            "there is no uv.lock to look at", where=str(project.lock), fix="run deps.lock, which makes it"
        )
    now = datetime.now(UTC)
    listed = manifests(project)
    lock = lockfile.parse(project.lock.read_bytes(), project.lock)
    own = cooldown.cutoff(wait, now, "the cooldown")
    names = _names(listed, lock, everything=everything)
    question = Question(
        specifiers=dict.fromkeys(names, ""),
        config=listed[0].data,
        folder=project.folder,
        python=requirement.lowest(lock.get("requires-python", "")),
        prereleases=pre,
    )
    ask = asker(project, reader)
    with ThreadPoolExecutor(1) as pool:
        fixed = not everything and _fixed(listed, lock, names)
        wanted = pool.submit(lambda: (lock, "") if fixed else _wanted(project, reader, own, pre=pre))
        # A resolution takes the longest, and both of these together about as long.
        answers = releases.ask(question, ask)
        lost = _lost(question, lock, answers, ask)
        found = Survey(project, label, listed, lock, answers, now, *wanted.result(), lost)
    # One that has no answer at all may be behind a door that is closed.
    known = {key: why for key, why in found.lost.items() if key[0] in found.answers.releases}
    found = replace(found, lost=known, cutoff=own or _uvs_cutoff(listed[0].data, now))
    return replace(found, asked=_asked(found, names, question, reader))


def asker(project: Project, reader: Reader) -> Any:
    """How to ask uv about releases for a project: runs it with some arguments where only the question's files are."""

    def run(args: list[str], files: dict[Path, bytes]) -> Output:
        return reader.query(
            args, {project.folder / path: content for path, content in files.items()}, alone=True
        ).output

    return run


def by_index(lock: Mapping[str, Any]) -> dict[str, list[str]]:
    """The locked versions of every package that came from an index, not from git, a path or a URL."""
    found: dict[str, list[str]] = {}
    for package in lock.get("package", []):
        if "registry" in package.get("source", {}) and "version" in package:
            found.setdefault(package["name"], []).append(package["version"])
    return {name: sorted(versions, key=_key) for name, versions in found.items()}


def know_groups(groups: Iterable[str], known: Iterable[str]) -> None:
    """See that the groups that a person named are there.

    Raises:
        UvdockError: One is not.
    """
    names = list(dict.fromkeys(known))
    for group in groups:
        if group not in names:
            raise UvdockError(
                f"there is no group {group!r}{nearest(group, names)}",
                where="--group",
                fix=f"choose from {', '.join(names)}",
                code=2,
            )


def passed_over(listed: Sequence[Manifest], lock: Mapping[str, Any]) -> set[str]:
    """The names that have no releases to compare: the workspace's own, and what no environment of it needs.

    Args:
        listed: The project's manifests.
        lock: Its lock, which knows the requirements whose markers never hold, and has no package for them.
    """
    own = {canonicalize_name(manifest.name) for manifest in listed}
    packages = {package["name"] for package in lock.get("package", [])}
    return own | (lockfile.required(lock) - packages)


def _names(listed: Sequence[Manifest], lock: Mapping[str, Any], *, everything: bool) -> list[str]:
    locked = by_index(lock)
    if everything:
        return sorted(locked)
    named = {line.name for manifest in listed for item in manifest.lines if (line := item.line) is not None}
    named |= {item.name for item in lockfile.direct(lock)}
    return sorted(named & locked.keys())


def _fixed(listed: Sequence[Manifest], lock: Mapping[str, Any], names: Sequence[str]) -> bool:
    """Whether every named package has an exact pin, and is locked at it: then a resolution can only give the same."""
    if any(item.line is None for manifest in listed for item in manifest.lines):
        # uv will have something to say.
        return False
    locked = by_index(lock)
    pinned = {
        (line.name, line.specifiers.removeprefix("==").strip())
        for manifest in listed
        for item in manifest.lines
        if (line := item.line) is not None and not line.marker and not item.narrows
    }
    return all(len(locked[name]) == 1 and (name, locked[name][0]) in pinned for name in names)


def _wanted(
    project: Project, reader: Reader, cutoff: datetime | None, *, pre: bool
) -> tuple[Mapping[str, Any] | None, str]:
    """The lock of a new resolution, and uv's words where there is none."""
    args = ["lock", "--upgrade"]
    args += ["--exclude-newer", releases.stamp(cutoff)] if cutoff else []
    args += ["--prerelease", "allow"] if pre else []
    tried = reader.query(args)
    if tried.output.code != 0:
        return None, uvcommand.words(tried.output)
    return lockfile.parse(tried.files.get(project.lock) or project.lock.read_bytes(), project.lock), ""


def _lost(question: Question, lock: Mapping[str, Any], answers: Answers, run: Any) -> dict[tuple[str, str], str]:
    """Which of the locked releases are withdrawn or deleted; one that is the newest there is, is neither.

    uv takes a yanked release only for a pin: asked for the newest up to that version, it gives an older one.
    """
    locked = by_index(lock)
    known = {(name, release.version) for name, found in answers.releases.items() for release in found}
    versions = {
        name: version
        for name in question.specifiers
        # A version with a local part has no place in a range.
        if "+" not in (version := locked[name][-1]) and (name, Version(version)) not in known
    }
    upto = {name: f"<={version}" for name, version in versions.items()}
    found = releases.ask(replace(question, specifiers=upto, prereleases=True), run)
    missing = [
        name
        for name, version in versions.items()
        if (newest := found.newest(name)) is None or newest.version != Version(version)
    ]
    pins = {name: f"=={versions[name]}" for name in missing}
    gone = releases.ask(replace(question, specifiers=pins, prereleases=False), run).problems
    return {(name, versions[name]): "gone" if name in gone else "yanked" for name in missing}


def _asked(
    survey: Survey, names: Sequence[str], question: Question, reader: Reader
) -> dict[tuple[str, str], tuple[Requirement, ...]]:
    """What is required by the packages that may hold one of the named back."""
    reached = survey.reached
    held = [
        name
        for name in names
        if (newest := survey.answers.newest(name)) is not None
        and name in reached
        and Version(reached[name][-1]) < newest.version
    ]
    asking = {
        (item["name"], item.get("version", "")): item for name in held for item in survey.dependents.get(name, ())
    }
    return core_metadata.requirements(asking.values(), lambda pins: reader.metadata(pins, question.manifest([])))


def _uvs_cutoff(data: Mapping[str, Any], now: datetime) -> datetime | None:
    """The moment that the project's own uv settings name; what only uv understands is left to it."""
    text = data.get("tool", {}).get("uv", {}).get("exclude-newer", "")
    try:
        return cooldown.cutoff(str(text), now, "")
    except UvdockError:
        return None


def _edges(package: Mapping[str, Any]) -> set[str]:
    lists = [
        package.get("dependencies", []),
        *package.get("optional-dependencies", {}).values(),
        *package.get("dev-dependencies", {}).values(),
    ]
    return {item["name"] for items in lists for item in items}


def _key(version: str) -> Version:
    try:
        return Version(version)
    except InvalidVersion:
        return Version("0")
