"""Compose files: pip in commands, volumes for requirements files and for pip's cache; the rest stays to the byte."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePosixPath

from uvdock.formats import yaml_edits
from uvdock.formats.edits import TextChange, indent_of, line_end, line_start
from uvdock.formats.shell.commands import script_at
from uvdock.formats.yaml import Value
from uvdock.migrate.commands import rewrite
from uvdock.migrate.commands.context import ExecutionContext
from uvdock.migrate.commands.environment import NAMES
from uvdock.migrate.commands.rewrite import Shell
from uvdock.migrate.converters import dockerfile
from uvdock.migrate.converters.dockerfile import Container
from uvdock.migrate.model import Converted, RepoFacts
from uvdock.migrate.text import MENTIONS, Draft, locate, manifests, normal, not_yaml, same_line_ends

_NAME = re.compile(r"(docker-)?compose([._-][\w.-]+)?\.ya?ml$", re.IGNORECASE)
_PIP_CACHE = re.compile(r"/\.cache/pip/?$")
_CACHE_VOLUME = "uv-cache:/root/.cache/uv"


def is_compose(path: Path, _: str = "") -> bool:
    """Whether this is a Compose file by its name: ``compose.yaml``, ``docker-compose.prod.yml``."""
    return _NAME.match(path.name) is not None


@same_line_ends
def convert(path: Path, content: str, facts: RepoFacts) -> Converted:
    """Put uv in the place of pip in a Compose file."""
    root = yaml_edits.read(content, path.name)
    return _ComposeFile(path, content, facts, root=root).convert() if root is not None else not_yaml(path, content)


def contexts(facts: RepoFacts) -> dict[str, ExecutionContext]:
    """Where something runs that is run in a service's container.

    Args:
        facts: What is known of the repo.

    Returns:
        By name, for each service that a Compose file builds and whose image has uv; of two by one name, the one whose
        file is nearer to the root.
    """
    found: dict[str, ExecutionContext | None] = {}
    for path, root in sorted(_roots(facts), key=lambda one: (len(one[0].parts), one[0])):
        file = _ComposeFile(path, facts.files[path], facts, root=root)
        for name, service in root.distinct("services"):
            if service.get("build") is not None and name not in found:
                found[name] = file.container_place(service)
    return {name: place for name, place in found.items() if place is not None}


def cache_names(path: Path, content: str, facts: RepoFacts) -> dict[str, str]:
    """The named volumes that keep pip's cache for any Compose file of the folder, and what they are called for uv."""
    found: dict[str, str] = {}
    fixed: set[str] = set()
    for _, root in _roots(replace(facts, files={**facts.files, path: content}), path.parent):
        for _, service in root.distinct("services"):
            for item in service.get("volumes") or ():
                name, _, target = item.text.partition(":")
                if _PIP_CACHE.search(target.partition(":")[0]) and re.fullmatch(r"[\w.-]+", name):
                    found[name] = re.sub(r"(?<![a-zA-Z])pip(?![a-zA-Z])", "uv", name)
        fixed |= {name for name, one in root.distinct("volumes") if one.get("external") or one.get("name")}
    return {name: new for name, new in found.items() if name != new and name not in fixed}


def _roots(facts: RepoFacts, folder: Path | None = None) -> Iterator[tuple[Path, Value]]:
    """The Compose files of the repo, or of one folder, that can be read."""
    for path, text in facts.files.items():
        if not is_compose(path) or folder not in (None, path.parent):
            continue
        if (root := yaml_edits.read(text.replace("\r\n", "\n"), path.name)) is not None:
            yield path, root


@dataclass(kw_only=True)
class _ComposeFile(Draft):
    root: Value
    #: What is done already, or named, by its node.
    taken: set[int] = field(default_factory=set)

    def convert(self) -> Converted:
        names = cache_names(self.path, self.content, self.facts)
        cached = False
        for name, service in self.root.distinct("services"):
            calls = [self._command(name, service, key) for key in ("command", "entrypoint")]
            self._health_check(service)
            self._volumes(service, names)
            self._watch(service)
            self._environment(service)
            if any(calls) and self.facts.cache_volume:
                cached |= self._cache(name, service)
        declared = self.root.entry("volumes")
        for key, _ in declared[1].entries() if declared is not None else ():
            if key.text in names:
                raw = self.content[key.start : key.end]
                self.change(key.start, key.end, raw.replace(key.text, names[key.text]))
        if cached and declared is None:
            self.change(len(self.content), len(self.content), "\nvolumes:\n  uv-cache:\n")
        elif cached and declared is not None and declared[1].get("uv-cache") is None:
            at = line_end(self.content, declared[0].start)
            self.change(at, at, "  uv-cache:\n")
        self._others()
        return self.converted()

    # --- commands -----------------------------------------------------------------------------------------------------

    def _command(self, name: str, service: Value, key: str) -> bool:
        """Convert what a service runs; returns whether it calls uv now."""
        node = service.get(key)
        if node is None or not (text := self._topic(node)):
            return False
        build = self._build(name, service)
        found = self._container(build, service)
        image = service.text_at("image")
        if image and build is None and "uv" not in re.split(r"[/:@._-]", image):
            self._without_uv(node, text, f"the image {image}")
            return False
        if found is not None and not found.has_uv:
            self._without_uv(node, text, "its image")
            return False
        # Compose splits the text of a command into words itself; that of a health check goes to a shell.
        made = self._converted(node, self._place(found, self._folder(build)), rewrite.convert_line)
        return made is not None and (made.calls_uv or bool(made.syncs))

    def _health_check(self, service: Value) -> None:
        test = service.get("healthcheck", "test")
        if test is not None and self._topic(test):
            self._converted(test, self._place(None, self.path.parent), rewrite.convert)

    def _topic(self, node: Value) -> str:
        """The text of a command that has to do with pip; empty for any other."""
        words = yaml_edits.words(node)
        text = " ".join(words) if words is not None else node.text
        if not MENTIONS.search(text):
            return ""
        self.taken |= {id(one.node) for one in (node, *node)}
        return text

    def _without_uv(self, node: Value, text: str, image: str) -> None:
        if re.search(r"\bpip[\d.]*\b|requirements", text):
            version, _, _ = self.facts.uv.partition("+")
            source = f"(COPY --from=ghcr.io/astral-sh/uv:{version} /uv /bin/)"
            instead = f"build an image with uv in it {source} that runs `uv sync --locked`"
            self.leave(node.start, f"pip runs when the container starts, and {image} has no uv", instead)

    def _converted(
        self, node: Value, place: ExecutionContext, convert: Callable[[str, RepoFacts, ExecutionContext], Shell]
    ) -> Shell | None:
        """Convert a command, by ``convert`` where it is a text; ``None`` where its layout does not allow it."""
        made: tuple[list[TextChange], Shell] | None
        words = yaml_edits.words(node)
        script = _script(words or ())
        if words is None or script:
            text, convert = (list(node)[script], rewrite.convert) if script else (node, convert)
            made = yaml_edits.shell_changes(
                self.content, text, lambda text, line: convert(text, self.facts, replace(place, line=line)),
                flow=node.is_flow,
            )  # fmt: skip
        else:
            kept = words[: words[0] == "CMD"]
            new, shell = rewrite.convert_words(words[len(kept) :], self.facts, replace(place, line=node.line))
            changes = yaml_edits.word_changes(self.content, node, [*kept, *new]) if [*kept, *new] != words else []
            made = None if changes is None else (changes, shell)
        if made is None:
            what = "pip runs here, in a text whose layout keeps it from being changed"
            self.leave(node.start, what, "write it on one line")
            return None
        changes, shell = made
        if not (shell.text.strip() or changes or shell.left):
            what = "nothing of this command is left to do with uv"
            self.leave(node.start, what, "take it out, or name the app's own")
        self.changes += changes
        self.findings += shell.findings
        return shell

    def container_place(self, service: Value) -> ExecutionContext | None:
        """Where something runs in a container of a service; ``None`` where its image has no uv, or is not known."""
        build = service.get("build")
        found = self._container(build, service)
        return self._place(found, self._folder(build)) if found is not None and found.has_uv else None

    def _place(self, found: Container | None, folder: Path) -> ExecutionContext:
        base = found.place if found is not None else ExecutionContext(self.path)
        names = replace(self.place(folder).names, whole=base.names.whole)
        here = replace(base, path=self.path, names=names)
        if (spell := base.names.spell) is None:
            return here
        spelled = replace(names, spell=lambda one: here.named(one) if (name := spell(one)) is None else name)
        return replace(here, names=spelled)

    def _build(self, name: str, service: Value) -> Value | None:
        """What a service is built from; an override file leaves that to the file that it overrides."""
        build = service.get("build")
        if build is not None or service.get("image") is not None:
            return build
        others = (root for path, root in _roots(self.facts, self.path.parent) if path != self.path)
        return next((build for root in others if (build := root.get("services", name, "build")) is not None), None)

    def _folder(self, build: Value | None) -> Path:
        """The folder of the repo that an image is built from."""
        context = (build.text or build.text_at("context")) if build is not None else ""
        plain = context and "$" not in context and "://" not in context
        return normal(self.path.parent / context) if plain else self.path.parent

    def _container(self, build: Value | None, service: Value) -> Container | None:
        """What is in the image that a service is built from; ``None`` where that is not known."""
        if build is None:
            return None
        path = normal(self._folder(build) / (build.text_at("dockerfile") or "Dockerfile"))
        text, user = self.facts.files.get(path), service.text_at("user")
        if text is None:
            return None
        return dockerfile.container(path, text, self.facts, build.text_at("target"), "" if "$" in user else user)

    # --- volumes ------------------------------------------------------------------------------------------------------

    def _volumes(self, service: Value, names: Mapping[str, str]) -> None:
        for item in service.get("volumes") or ():
            source, colon, rest = item.text.partition(":")
            target, _, mode = rest.partition(":")
            end = f":{mode}" if mode else ""
            mounted = locate(source, self.path.parent, self.facts) if colon and source.startswith(".") else None
            if mounted is not None and normal(self.path.parent / source) == mounted:
                # Docker would make a folder in the place of a file that is gone.
                folder = PurePosixPath(target).parent
                manifest_names = manifests(self.facts.installs[mounted], self.path.parent)
                new = [f"./{name}:{folder / PurePosixPath(name).name}{end}" for name in manifest_names]
                changes = yaml_edits.item_changes(self.content, item, new)
            elif _PIP_CACHE.search(target):
                cache = f"{names.get(source, source)}:{_PIP_CACHE.sub('/.cache/uv', target)}{end}"
                changes = yaml_edits.scalar_change(self.content, item, cache)
            else:
                continue
            self._take(item, changes)

    def _take(self, node: Value, changes: list[TextChange] | None) -> None:
        if changes is not None:
            self.changes += changes
            self.taken.add(id(node.node))

    def _watch(self, service: Value) -> None:
        made: set[tuple[str, str]] = set()
        for rule in service.get("develop", "watch") or ():
            path = rule.get("path")
            found = self._watched(path.text) if path is not None else None
            if path is None or found is None:
                continue
            lock = manifests(self.facts.installs[found], self.path.parent)[1]
            key = (lock, rule.text_at("action"))
            lines = yaml_edits.lines_of_item(self.content, rule)
            if key in made and lines is not None:
                # One lock has what several files had.
                self.change(*lines)
                continue
            made.add(key)
            new = f"./{lock}" if path.text.startswith("./") else lock
            self._take(path, yaml_edits.scalar_change(self.content, path, new))

    def _watched(self, path: str) -> Path | None:
        """The requirements file that a path means, or the first of a folder that has nothing else."""
        named = normal(self.path.parent / path)
        inside = [one for one in self.facts.files if named in one.parents]
        if inside and all(one in self.facts.installs for one in inside):
            return inside[0]
        return named if locate(path, self.path.parent, self.facts) == named else None

    def _environment(self, service: Value) -> None:
        node = service.get("environment")
        if node is None:
            return
        for name, value in [*node.items(), *((item.text.partition("=")[0], item) for item in node)]:
            if name in NAMES:
                instead = f"write {NAMES[name]}, if uv runs in this container"
                self.tell("note", value.start, f"uv ignores {name}, a variable of pip", instead)

    def _cache(self, name: str, service: Value) -> bool:
        """A volume for uv's cache; returns whether it was added."""
        volumes = service.get("volumes")
        items = list(volumes or ())
        if any("/uv" in item.text for item in items):
            return False
        text = self.facts.files.get(self._folder(self._build(name, service)) / "Dockerfile", "")
        if service.get("user") is not None or re.search(r"(?im)^USER\s", text):
            what = "no cache volume is added, for this service does not run as root"
            instead = "mount one at UV_CACHE_DIR, in a folder that its user may write"
            self.leave(service.start, what, instead)
            return False
        if volumes is None:
            at, lead = line_start(self.content, service.start), indent_of(self.content, service.start)
            self.change(at, at, f"{lead}volumes:\n{lead}  - {_CACHE_VOLUME}\n")
            return True
        if not items or volumes.is_flow or not items[-1].text:
            return False
        at = line_end(self.content, items[-1].start)
        self.change(at, at, f"{indent_of(self.content, items[-1].start)}- {_CACHE_VOLUME}\n")
        return True

    # --- what else names a file that goes -----------------------------------------------------------------------------

    def _others(self) -> None:
        """Name every other text that is a requirements file: a build argument, a config, an env_file."""
        for value in self.root.scalars():
            if id(value.node) in self.taken or "requirements" not in value.text or "\n" in value.text:
                continue
            parts = [part for part in re.split(r"[:=,\s]", value.text) if "." in part]
            found = next(filter(None, (locate(part, self.path.parent, self.facts) for part in parts)), None)
            if found is not None:
                what = f"this names {found.as_posix()}, whose place pyproject.toml and uv.lock take"
                self.leave(value.start, what, "see what reads it, and name pyproject.toml or uv.lock instead")


def _script(words: Sequence[str]) -> int:
    """Where the script stands among the words of a command or a health check; 0 for one without."""
    if words[:1] == ["CMD-SHELL"]:
        return 1
    first = int(words[:1] == ["CMD"])
    found = script_at(words[first:])
    return first + found if found else 0
