"""What the rules judge: the repo's files as they were read, and what was not looked at and why."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePosixPath
from typing import Any

from uvdock import files, process
from uvdock.doctor.build import Build
from uvdock.doctor.model import lines_of
from uvdock.engine.ignore import Ignored
from uvdock.errors import UvdockError
from uvdock.formats import yaml
from uvdock.formats.dockerfile.stages import Stage
from uvdock.formats.yaml import Value
from uvdock.settings import Settings

_MANIFESTS = ("pyproject.toml", "uv.toml", "uv.lock")
_COMPOSE = re.compile(r"(?:docker-)?compose(?:\.[\w.-]+)?\.ya?ml$")


@dataclass(frozen=True)
class Text:
    """A text file: its path from the repo root and its lines."""

    name: str
    lines: tuple[str, ...]

    def find(self, pattern: str) -> int | None:
        """The number (from 1) of the first line that ``pattern`` is found in."""
        return next((at for at, line in enumerate(self.lines, 1) if re.search(pattern, line)), None)


@dataclass(frozen=True)
class Yaml:
    """A YAML file with the places of its values."""

    name: str
    root: Value


@dataclass(frozen=True)
class BuiltService:
    """A Compose service as Compose gives it, and the Dockerfile it is built from."""

    name: str
    image: str
    data: Mapping[str, Any]
    dockerfile: Build | None = None

    @property
    def environment(self) -> dict[str, str]:
        """Its variables; one without a value is the caller's own."""
        return {name: str(value) for name, value in (self.data.get("environment") or {}).items() if value is not None}

    @property
    def stage(self) -> Stage | None:
        """The stage of its Dockerfile that it is made from."""
        wanted = str((self.data.get("build") or {}).get("target") or "")
        return self.dockerfile.target(wanted) if self.dockerfile else None

    @property
    def built_environment(self) -> PurePosixPath | None:
        """The folder of the environment in its image, where its Dockerfile makes one."""
        return self.dockerfile.environment(self.stage) if self.dockerfile and self.stage else None

    @property
    def mounts(self) -> list[tuple[str, str, PurePosixPath]]:
        """Its mounts: type, source, target."""
        found = self.data.get("volumes") or []
        return [
            (str(item["type"]), str(item.get("source") or ""), PurePosixPath(item["target"]))
            for item in found
            if item.get("target")
        ]


@dataclass(frozen=True)
class IgnoredByGit:
    """A lock that git ignores, and the line that says so."""

    lock: str
    source: str
    line: int
    pattern: str


@dataclass(frozen=True)
class DockerObject:
    """An image or a container: its name for a person, its variables and history; what a container mounts."""

    name: str
    service: str
    env: Mapping[str, str] = field(default_factory=dict)
    history: tuple[str, ...] = ()
    mounts: tuple[tuple[str, PurePosixPath], ...] = ()
    environment: PurePosixPath | None = None
    #: Whether the Python that the environment was made with is in the container; ``None`` when not known.
    interpreter: bool | None = None
    #: Whether an image holds the host's lock; ``None`` when that was not compared.
    lock: bool | None = None


@dataclass(frozen=True)
class Skipped:
    """What was not looked at, and why."""

    what: str
    why: str


@dataclass(frozen=True)
class Facts:
    """Everything the rules look at."""

    root: Path
    texts: Mapping[str, Text] = field(default_factory=dict)
    dockerfiles: tuple[Build, ...] = ()
    projects: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    services: Mapping[str, BuiltService] = field(default_factory=dict)
    compose: tuple[Yaml, ...] = ()
    workflows: tuple[Yaml, ...] = ()
    ignored_locks: tuple[IgnoredByGit, ...] = ()
    host_uv: str | None = None
    images: tuple[DockerObject, ...] = ()
    containers: tuple[DockerObject, ...] = ()
    #: Host environments whose Python is not on this machine: folder and the missing folder.
    foreign: tuple[tuple[str, str], ...] = ()
    skipped: tuple[Skipped, ...] = ()
    #: Whether the engine builds with BuildKit; ``None`` where none was asked.
    buildkit: bool | None = None

    def compose_place(self, service: str, *path: str) -> tuple[str, int | None]:
        """File and line of a key of a service; the file alone, or its service, where it is not written out."""
        best: tuple[str, int | None] = (self.compose[0].name if self.compose else "compose.yaml", None)
        for file in self.compose:
            for depth in range(len(path), -1, -1):
                found = file.root.get("services", service, *path[:depth])
                if found is not None:
                    if depth == len(path):
                        return file.name, found.line
                    best = best if best[1] else (file.name, found.line)
                    break
        return best

    def compose_item(self, service: str, key: str, pattern: str) -> tuple[str, int | None]:
        """File and line of the item of a service's list (or mapping) whose text has ``pattern``."""
        for file in self.compose:
            found = file.root.get("services", service, key)
            for item in found or ():
                texts = [item.text, *(f"{name}: {value.text}" for name, value in item.items())]
                if any(re.search(pattern, text) for text in texts):
                    return file.name, item.line
            for name, value in found.items() if found else ():
                if re.search(pattern, f"{name}: {value.text}"):
                    return file.name, value.line
        return self.compose_place(service, key)

    @property
    def roots(self) -> list[str]:
        """The projects that have a lock and an environment of their own: all but the members of a workspace."""
        return without_members(self.projects)

    def projects_of(self, build: Build) -> list[str]:
        """The projects that a Dockerfile builds, by their folders from the root."""
        found = {folder for folder in self.projects if self.root.joinpath(folder).resolve() == build.context}
        for step in build.steps:
            sources = [*(mount["source"] for mount in step.mounts if mount["type"] == "bind"), *step.from_context]
            named = {
                (build.context / name.lstrip("/")).parent.resolve()
                for name in sources
                if name.endswith("pyproject.toml")
            }
            found |= {folder for folder in self.projects if self.root.joinpath(folder).resolve() in named}
        return sorted(found)


def read(root: Path) -> Facts:
    """Read the files of a repo; nothing is asked of Docker.

    Raises:
        UvdockError: A pyproject.toml is no TOML.
    """
    root = root.resolve()
    skipped: list[Skipped] = []
    names = [path for path in files.listed(root) if not _is_made(path)]
    texts = {
        path.as_posix(): text
        for path in names
        if _wanted(path) and (text := _text(root, path.as_posix(), skipped)) is not None
    }
    # A lock or an ignore file counts, whatever git does with it.
    for path in names:
        for name in (*_MANIFESTS, ".dockerignore", ".gitignore"):
            there = (path.parent / name).as_posix()
            if path.name == "pyproject.toml" and there not in texts and (root / there).is_file():
                text = _text(root, there, skipped)
                texts.update({there: text} if text else {})
    projects = _projects(texts)
    builds = [
        dockerfile(root, path.as_posix(), _context(root, path)) for path in names if files.is_dockerfile(root / path)
    ]
    ignored = _ignored_by_git(root, projects)
    for item in ignored:
        if item.source not in texts and (text := _text(root, item.source, skipped)) is not None:
            texts[item.source] = text
    compose = _yaml(texts, lambda name: _COMPOSE.match(Path(name).name) is not None and "/" not in name, skipped)
    workflows = _yaml(texts, lambda name: name.startswith(".github/workflows/"), skipped)
    return Facts(
        root=root,
        texts=texts,
        dockerfiles=tuple(build for build in builds if build is not None),
        projects=projects,
        compose=compose,
        workflows=workflows,
        ignored_locks=ignored,
        host_uv=_host_uv(),
        foreign=_foreign(root, projects),
        skipped=tuple(skipped),
    )


def dockerfile(root: Path, name: str, context: Path, targets: Sequence[str] = ()) -> Build | None:
    """A Dockerfile of the repo with its `.dockerignore`: its own beside it, else the context's."""
    path = root / name
    try:
        text = path.read_bytes().decode("utf-8", "surrogateescape")
    except OSError:
        return None
    own = path.with_name(f"{path.name}.dockerignore")
    ignore = own if own.is_file() else context / ".dockerignore"
    try:
        lines = lines_of(ignore.read_bytes().decode("utf-8", "surrogateescape"))
    except OSError:
        lines = []
    return Build(name, text, context.resolve(), tuple(targets), Ignored(lines), relative(root, ignore))


def with_services(facts: Facts, services: Mapping[str, Mapping[str, Any]], project: str = "app") -> Facts:
    """The facts with the services that `docker compose config` gives: contexts and targets are theirs.

    Args:
        facts: What was read.
        services: Each service's section, by name.
        project: The Compose project's name, for the names of images.
    """
    builds = {build.name: build for build in facts.dockerfiles}
    wanted: dict[str, tuple[Path, list[str], list[str]]] = {}
    skipped: list[Skipped] = []
    for name, data in services.items():
        build = data.get("build")
        if not isinstance(build, Mapping):
            continue
        if "dockerfile_inline" in build or not Path(str(build.get("context", ""))).is_absolute():
            why = "it is written in the Compose file" if "dockerfile_inline" in build else "its context is elsewhere"
            skipped.append(Skipped(f"the Dockerfile of {name}", why))
            continue
        context = Path(str(build["context"]))
        path = relative(facts.root, (context / str(build.get("dockerfile", "Dockerfile"))).resolve())
        targets, users = wanted.setdefault(path, (context, [], []))[1:]
        users.append(name)
        targets += [str(build["target"])] if build.get("target") else []
        if not build.get("target"):
            # The last stage, by its number, is built too.
            targets += [str(len(builds[path].stages) - 1)] if path in builds else []
    for path, (context, targets, users) in wanted.items():
        made = dockerfile(facts.root, path, context, targets)
        if made is None:
            skipped.append(Skipped(f"the Dockerfile of {', '.join(users)}", f"{path} cannot be read"))
        else:
            builds[path] = made
    of = {user: builds.get(path) for path, (_, _, names) in wanted.items() for user in names}
    found = {
        name: BuiltService(name, str(data.get("image") or f"{project}-{name}"), data, of.get(name))
        for name, data in services.items()
    }
    return replace(facts, dockerfiles=tuple(builds.values()), services=found, skipped=(*facts.skipped, *skipped))


def with_compose(facts: Facts, settings: Settings) -> Facts:
    """The facts with what Compose says of its files, or why it did not."""
    import shutil

    from uvdock.backends import choice
    from uvdock.project import find_compose_files

    what = "the Compose files, and the images and containers of their services"
    try:
        paths = find_compose_files(facts.root, settings, os.environ)
        if not paths:
            return facts
        skipped: list[Skipped] = []
        texts = {relative(facts.root, path): _text(facts.root, relative(facts.root, path), skipped) for path in paths}
        compose = _yaml({name: text for name, text in texts.items() if text}, lambda _: True, skipped)
        facts = replace(facts, compose=compose, texts={**facts.texts, **{k: v for k, v in texts.items() if v}})
        if shutil.which("docker") is None:
            return replace(facts, skipped=(*facts.skipped, Skipped(what, "there is no docker to read them with")))
        config = choice.find_stack(facts.root, settings).config
    except UvdockError as problem:
        return replace(facts, skipped=(*facts.skipped, Skipped(what, problem.what)))
    return with_services(facts, config.get("services") or {}, str(config["name"]))


def relative(root: Path, path: Path) -> str:
    """A path from the repo root, with slashes; as it is where it lies outside."""
    path = Path(os.path.normpath(root / path))
    return path.relative_to(root).as_posix() if path.is_relative_to(root) else path.as_posix()


def _context(root: Path, path: Path) -> Path:
    """Where no service says it: the Dockerfile's folder when it has a project, else the root."""
    folder = root / path.parent
    return folder if (folder / "pyproject.toml").is_file() or not (root / "pyproject.toml").is_file() else root


def _is_made(path: Path) -> bool:
    return bool({"node_modules", ".venv", "site-packages"} & set(path.parts))


def _wanted(path: Path) -> bool:
    workflow = path.parts[:2] == (".github", "workflows") and path.suffix in (".yml", ".yaml")
    compose = len(path.parts) == 1 and _COMPOSE.match(path.name) is not None
    return workflow or compose or path.name in (*_MANIFESTS, ".gitignore", ".dockerignore", ".python-version")


def _text(root: Path, name: str, skipped: list[Skipped]) -> Text | None:
    try:
        content = (root / name).read_bytes().decode("utf-8", "surrogateescape")
    except OSError as error:
        skipped.append(Skipped(name, f"it cannot be read: {error.strerror}"))
        return None
    return Text(name, tuple(lines_of(content)))


def _projects(texts: Mapping[str, Text]) -> dict[str, Mapping[str, Any]]:
    import tomllib

    found: dict[str, Mapping[str, Any]] = {}
    for name, text in texts.items():
        if Path(name).name != "pyproject.toml":
            continue
        try:
            data = tomllib.loads("\n".join(text.lines))
        except (tomllib.TOMLDecodeError, UnicodeError):
            continue  # `read` is not who says so: every task that needs the file does
        if isinstance(data.get("project"), dict) or "workspace" in uv_table(data):
            found[Path(name).parent.as_posix()] = data
    return found


def without_members(projects: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """The folders of the projects that are not below a workspace."""
    workspaces = {Path(folder) for folder, data in projects.items() if "workspace" in uv_table(data)}
    return [folder for folder in projects if not workspaces & set(Path(folder).parents)]


def uv_table(data: Mapping[str, Any]) -> Mapping[str, Any]:
    """The ``[tool.uv]`` table of a pyproject.toml."""
    tool = data.get("tool")
    uv = tool.get("uv") if isinstance(tool, dict) else None
    return uv if isinstance(uv, dict) else {}


def _yaml(texts: Mapping[str, Text], wanted: Callable[[str], bool], skipped: list[Skipped]) -> tuple[Yaml, ...]:
    found = []
    for name, text in texts.items():
        if wanted(name):
            try:
                root = yaml.read("\n".join(text.lines), name)
            except UvdockError as problem:
                skipped.append(Skipped(problem.where, problem.what))
                continue
            if root is not None:
                found.append(Yaml(name, root))
    return tuple(found)


def _ignored_by_git(root: Path, projects: Mapping[str, Mapping[str, Any]]) -> tuple[IgnoredByGit, ...]:
    found = []
    top = process.capture(["git", "rev-parse", "--show-toplevel"], cwd=root) if _has_git() else None
    if top is None or top.code != 0:
        return ()
    for folder in without_members(projects):
        lock = (Path(folder) / "uv.lock").as_posix()
        said = process.capture(["git", "check-ignore", "--verbose", lock], cwd=root)
        # SOURCE:LINE:PATTERN<tab>PATH; a pattern that takes it back is told too.
        match = re.match(r"(.*?):(\d+):(.*)\t", said.text) if said.code == 0 else None
        if match and not match[3].startswith("!"):
            # git names the file from the top of its repo, which may be above this root.
            source = relative(root, Path(top.text.strip()) / match[1])
            found.append(IgnoredByGit(lock, source, int(match[2]), match[3]))
    return tuple(found)


def _has_git() -> bool:
    import shutil

    return shutil.which("git") is not None


def _host_uv() -> str | None:
    """The version of this machine's uv; the one that came with uvdock, in its own environment, is not meant."""
    import shutil
    import sys

    own = {Path(sys.prefix, "bin").resolve(), Path(sys.executable).parent}
    places = [place for place in os.get_exec_path() if place and not {Path(place), Path(place).resolve()} & own]
    uv = shutil.which("uv", path=os.pathsep.join(places))
    if uv is None:
        return None
    said = process.capture([uv, "--version"])
    match = re.match(r"uv (\d+(?:\.\d+)+)", said.text)
    return match[1] if said.code == 0 and match else None


def _foreign(root: Path, projects: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
    """Environments in the projects whose Python is not there: made in a container, or on another machine."""
    found = []
    for folder in projects:
        environment = root / folder / ".venv"
        try:
            config = (environment / "pyvenv.cfg").read_text(encoding="utf-8", errors="replace")
        except OSError:
            continue
        match = re.search(r"(?m)^home\s*=\s*(.+?)\s*$", config)
        if match and not Path(match[1]).is_dir():
            found.append((relative(root, environment), match[1]))
    return tuple(found)
