"""Compose files: pip in commands, volumes for requirements files and for pip's cache; the rest stays to the byte."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

from uvdock.formats import yaml_edits
from uvdock.formats.edits import TextChange, changed, indent_of, line_at, line_end
from uvdock.formats.yaml import Value
from uvdock.migrate.commands import rewrite
from uvdock.migrate.commands.context import ExecutionContext
from uvdock.migrate.commands.rewrite import Shell
from uvdock.migrate.model import Converted, Notice, RepoFacts
from uvdock.migrate.text import MENTIONS, locate, manifests, meant, normal, same_line_ends, unique

if TYPE_CHECKING:
    from uvdock.migrate.converters.dockerfile import Container

_NAME = re.compile(r"(docker-)?compose([._-][\w.-]+)?\.ya?ml$", re.IGNORECASE)
_PIP_CACHE = re.compile(r"/\.cache/pip/?$")
_ROOT_CACHE = "/root/.cache/uv"
_SHELL = re.compile(r"(?:\S*/)?(?:ba|da|a|z|k)?sh$")
_PIP_VARIABLES = {
    "PIP_INDEX_URL": "UV_DEFAULT_INDEX",
    "PIP_EXTRA_INDEX_URL": "UV_INDEX",
    "PIP_NO_CACHE_DIR": "UV_NO_CACHE",
    "PIP_CONSTRAINT": "UV_CONSTRAINT, or constraint-dependencies in [tool.uv]",
    "PIP_DEFAULT_TIMEOUT": "UV_HTTP_TIMEOUT",
}


def is_compose(path: Path, _: str = "") -> bool:
    """Whether this is a Compose file by its name: ``compose.yaml``, ``docker-compose.prod.yml``."""
    return _NAME.match(path.name) is not None


@same_line_ends
def convert(path: Path, content: str, facts: RepoFacts) -> Converted:
    """Put uv in the place of pip in a Compose file.

    Args:
        path: The file, from the repo root.
        content: Its text.
        facts: What is known of the repo.

    Returns:
        The new text, and what stays for a person.
    """
    root = yaml_edits.read(content, path.name)
    if root is None:
        if MENTIONS.search(content) and content.strip():
            what = "this is not valid YAML, and it mentions pip"
            return Converted(content, (Notice(path, 0, "left", what, "correct it, and run it again"),))
        return Converted(content)
    return _File(path, content, root, facts).convert()


def contexts(facts: RepoFacts) -> dict[str, ExecutionContext]:
    """Where something runs that is run in a service's container.

    Args:
        facts: What is known of the repo.

    Returns:
        By name, for each service that a Compose file builds and whose image has uv; of two by one name, the one whose
        file is nearer to the root.
    """
    found: dict[str, ExecutionContext | None] = {}
    for path in sorted((path for path in facts.files if is_compose(path)), key=lambda path: (len(path.parts), path)):
        root = yaml_edits.read(facts.files[path].replace("\r\n", "\n"), path.name)
        for name, service in _entries(root, "services"):
            if root is not None and service.get("build") is not None and name not in found:
                found[name] = _File(path, facts.files[path], root, facts).place(service)
    return {name: place for name, place in found.items() if place is not None}


def cache_names(path: Path, content: str, facts: RepoFacts) -> dict[str, str]:
    """The named volumes that keep pip's cache for any Compose file of the folder, and what they are called for uv."""
    found: dict[str, str] = {}
    fixed: set[str] = set()
    for other, text in {**facts.files, path: content}.items():
        if other.parent != path.parent or not is_compose(other) or "pip" not in text:
            continue
        root = yaml_edits.read(text.replace("\r\n", "\n"), other.name)
        for _, service in _entries(root, "services"):
            for item in service.get("volumes") or ():
                name, _, target = item.text.partition(":")
                if _PIP_CACHE.search(target.partition(":")[0]) and re.fullmatch(r"[\w.-]+", name):
                    found[name] = re.sub(r"(?<![a-zA-Z])pip(?![a-zA-Z])", "uv", name)
        for name, volume in _entries(root, "volumes"):
            if volume.get("external") or volume.get("name"):
                fixed.add(name)
    return {name: new for name, new in found.items() if name != new and name not in fixed}


@dataclass
class _File:
    path: Path
    content: str
    root: Value
    facts: RepoFacts
    changes: list[TextChange] = field(default_factory=list)
    findings: list[Notice] = field(default_factory=list)
    taken: set[int] = field(default_factory=set)
    #: What a service is built from that another Compose file of the folder says, by its node.
    built: dict[int, Value | None] = field(default_factory=dict)

    def convert(self) -> Converted:
        names = cache_names(self.path, self.content, self.facts)
        cached = False
        for name, service in _entries(self.root, "services"):
            if service.get("build") is None and service.get("image") is None:
                self.built[id(service.node)] = self._elsewhere(name)
            calls = [self._commands(service, key) for key in ("command", "entrypoint")]
            self._commands(Value(test.node) if (test := service.get("healthcheck", "test")) else None, "")
            self._volumes(service, names)
            self._watch(service)
            self._environment(service)
            if any(calls) and self.facts.cache_volume:
                cached |= self._cache(service)
        for key in self._declared():
            if key.value in names:
                start = int(key.start_mark.index)
                raw = self.content[start : int(key.end_mark.index)]
                self.changes.append(TextChange(start, start + len(raw), raw.replace(key.value, names[key.value])))
        if cached:
            self._declare_cache()
        self._others(self.root)
        return Converted(changed(self.content, self.changes), unique(self.findings))

    def _left(self, node: Value, what: str, instead: str) -> None:
        line = line_at(self.content, int(node.node.start_mark.index))
        self.findings.append(Notice(self.path, line, "left", what, instead))

    # --- commands -----------------------------------------------------------------------------------------------------

    def _commands(self, parent: Value | None, key: str) -> bool:
        """Convert a command; returns whether it calls uv now."""
        node = parent.get(key) if key and parent is not None else parent
        if node is None or parent is None:
            return False
        words = yaml_edits.words(node)
        text = " ".join(words) if words is not None else node.text
        if not MENTIONS.search(text):
            return False
        self.taken.add(id(node.node))
        self.taken |= {id(item.node) for item in node}
        folder = self._folder(parent if key else None)
        found = self._container(parent, folder) if key else None
        foreign = self._foreign(parent) if key else ""
        if foreign or (found is not None and not found.has_uv):
            self._without_uv(node, text, foreign or "its image")
            return False
        place = self._place(found, folder)
        made = self._text(node, place, shell=not key) if words is None else self._list(node, words, place)
        return made is not None and (made.calls_uv or bool(made.syncs))

    def _foreign(self, service: Value) -> str:
        """The image of a service that nothing of the repo builds and that has no uv; empty for any other."""
        image = service.get("image")
        if image is None or self._build(service) is not None or "uv" in re.split(r"[/:@._-]", image.text):
            return ""
        return f"the image {image.text}"

    def _without_uv(self, node: Value, text: str, image: str) -> None:
        if re.search(r"\bpip[\d.]*\b|requirements", text):
            version, _, _ = self.facts.uv.partition("+")
            source = f"(COPY --from=ghcr.io/astral-sh/uv:{version} /uv /bin/)"
            instead = f"build an image with uv in it {source} that runs `uv sync --locked`"
            self._left(node, f"pip runs when the container starts, and {image} has no uv", instead)

    def _text(self, node: Value, place: ExecutionContext, *, shell: bool) -> Shell | None:
        def convert(text: str, line: int) -> Shell:
            here = replace(place, line=line)
            # Compose splits the text of a command into words itself; that of a health check goes to a shell.
            return rewrite.convert(text, self.facts, here) if shell else rewrite.convert_line(text, self.facts, here)

        return self._take(node, yaml_edits.shell_changes(self.content, node, convert))

    def _list(self, node: Value, words: list[str], place: ExecutionContext) -> Shell | None:
        items = list(node)
        first = 1 if words and words[0] in ("CMD", "CMD-SHELL") else 0
        script = 1 if words[:1] == ["CMD-SHELL"] else first + 2
        is_script = len(words) > script and (
            script == 1 or (_SHELL.match(words[first]) and re.fullmatch(r"-[a-z]*c", words[first + 1]))
        )
        if is_script:
            flow = bool(node.node.flow_style)

            def convert(text: str, line: int) -> Shell:
                return rewrite.convert(text, self.facts, replace(place, line=line))

            return self._take(node, yaml_edits.shell_changes(self.content, items[script], convert, flow=flow))
        line = line_at(self.content, int(node.node.start_mark.index))
        new, made = rewrite.convert_words(words[first:], self.facts, replace(place, line=line))
        if new == words[first:]:
            self.findings += made.findings
            return made
        changes = yaml_edits.word_changes(self.content, node, [*words[:first], *new])
        return self._take(node, None if changes is None else (changes, made))

    def _take(self, node: Value, made: tuple[list[TextChange], Shell] | None) -> Shell | None:
        if made is None:
            self._left(
                node, "pip runs here, in a text whose layout keeps it from being changed", "write it on one line"
            )
            return None
        changes, shell = made
        if not shell.text.strip() and MENTIONS.search(node.text or "pip") and not changes and not shell.left:
            self._left(node, "nothing of this command is left to do with uv", "take it out, or name the app's own")
        self.changes += changes
        self.findings += shell.findings
        return shell

    def place(self, service: Value) -> ExecutionContext | None:
        """Where something runs in a container of a service; ``None`` where its image has no uv, or is not known."""
        folder = self._folder(service)
        found = self._container(service, folder)
        return self._place(found, folder) if found is not None and found.has_uv else None

    def _place(self, found: Container | None, folder: Path) -> ExecutionContext:
        base = found.place if found is not None else ExecutionContext(self.path)
        spell = base.spell

        def spelled(project: Path) -> str:
            name = spell(project) if spell is not None else None
            return name if name is not None else os.path.relpath(project, folder).removeprefix(".")

        return replace(
            base,
            path=self.path,
            folder=folder,
            locate=lambda name: meant(name, folder, self.facts),
            spell=spelled,
            enter=None,
        )

    def _folder(self, service: Value | None) -> Path:
        """The folder of the repo that the service is built from."""
        build = self._build(service) if service is not None else None
        context = build.text if build is not None and build.text else ""
        if build is not None and not context:
            inner = build.get("context")
            context = inner.text if inner is not None else ""
        plain = context and "$" not in context and "://" not in context
        return normal(self.path.parent / context) if plain else self.path.parent

    def _container(self, service: Value | None, folder: Path) -> Container | None:
        """What is in the image that the service is built from; ``None`` where that is not known."""
        from uvdock.migrate.converters import dockerfile

        build = self._build(service) if service is not None else None
        if service is None or build is None:
            return None
        name, target = (None, None) if build.text else (build.get("dockerfile"), build.get("target"))
        path = normal(folder / (name.text if name is not None else "Dockerfile"))
        text = self.facts.files.get(path)
        stage = target.text if target is not None else ""
        user = service.get("user")
        named = user.text if user is not None and "$" not in user.text else ""
        return dockerfile.container(path, text, self.facts, stage, named) if text is not None else None

    def _build(self, service: Value) -> Value | None:
        """What a service is built from; an override file leaves that to the file that it overrides."""
        return service.get("build") or self.built.get(id(service.node))

    def _elsewhere(self, name: str) -> Value | None:
        for path, text in self.facts.files.items():
            if path.parent == self.path.parent and path != self.path and is_compose(path, text) and name in text:
                root = yaml_edits.read(text, path.name)
                build = root.get("services", name, "build") if root is not None else None
                if build is not None:
                    return build
        return None

    # --- volumes ------------------------------------------------------------------------------------------------------

    def _volumes(self, service: Value, names: dict[str, str]) -> None:
        for item in service.get("volumes") or ():
            source, colon, rest = item.text.partition(":")
            target, _, mode = rest.partition(":")
            if not colon:
                continue
            mounted = locate(source, self.path.parent, self.facts) if source.startswith(".") else None
            if mounted is not None and normal(self.path.parent / source) == mounted:
                self._mount(item, mounted, target, mode)
            elif _PIP_CACHE.search(target):
                new_name = names.get(source, source)
                new = f"{new_name}:{_PIP_CACHE.sub('/.cache/uv', target)}{':' + mode if mode else ''}"
                self.changes += yaml_edits.scalar_change(self.content, item, new) or []
                self.taken.add(id(item.node))

    def _mount(self, item: Value, mounted: Path, target: str, mode: str) -> None:
        """A requirements file that is mounted: Docker would make a folder in the place of one that is gone."""
        folder = PurePosixPath(target).parent
        sources = manifests(self.facts.installs[mounted], self.path.parent)
        end = f":{mode}" if mode else ""
        new = [f"./{name}:{folder / PurePosixPath(name).name}{end}" for name in sources]
        changes = yaml_edits.item_changes(self.content, item, new)
        if changes is not None:
            self.changes += changes
            self.taken.add(id(item.node))

    def _watch(self, service: Value) -> None:
        rules = list(service.get("develop", "watch") or ())
        made: set[tuple[str, str]] = set()
        for rule in rules:
            path, action = rule.get("path"), rule.get("action")
            if path is None:
                continue
            found = locate(path.text, self.path.parent, self.facts)
            named = normal(self.path.parent / path.text)
            inside = [one for one in self.facts.files if named in one.parents]
            if inside and all(one in self.facts.installs for one in inside):
                # A folder of nothing but requirements files.
                found = named = inside[0]
            if found is not None and named == found:
                lock = manifests(self.facts.installs[found], self.path.parent)[1]
                new = f"./{lock}" if path.text.startswith("./") else lock
                key = (lock, action.text if action is not None else "")
                lines = yaml_edits.lines_of_item(self.content, rule)
                if key in made and lines is not None:
                    # One lock has what several files had.
                    self.changes.append(TextChange(*lines, ""))
                    continue
                made.add(key)
                self.changes += yaml_edits.scalar_change(self.content, path, new) or []
                self.taken.add(id(path.node))

    def _environment(self, service: Value) -> None:
        node = service.get("environment")
        if node is None:
            return
        pairs = [(name, value) for name, value in node.items()]
        pairs += [(item.text.partition("=")[0], item) for item in node]
        for name, value in pairs:
            if name in _PIP_VARIABLES:
                line = line_at(self.content, int(value.node.start_mark.index))
                what = f"uv ignores {name}, a variable of pip"
                instead = f"write {_PIP_VARIABLES[name]}, if uv runs in this container"
                self.findings.append(Notice(self.path, line, "note", what, instead))

    def _cache(self, service: Value) -> bool:
        """A volume for uv's cache; returns whether it was added."""
        volumes = service.get("volumes")
        if any("/uv" in item.text for item in volumes or ()):
            return False
        user = service.get("user")
        folder = self._folder(service)
        text = self.facts.files.get(folder / "Dockerfile", "")
        if user is not None or re.search(r"(?im)^USER\s", text):
            self._left(
                service,
                "no cache volume is added, for this service does not run as root",
                "mount one at UV_CACHE_DIR, in a folder that its user may write",
            )
            return False
        new = f"uv-cache:{_ROOT_CACHE}"
        if volumes is not None and list(volumes) and not volumes.node.flow_style:
            last = list(volumes)[-1]
            at = line_end(self.content, int(list(volumes)[-1].node.start_mark.index))
            if not last.text:
                return False
            self._insert(at, f"{indent_of(self.content, int(last.node.start_mark.index))}- {new}\n")
            return True
        if volumes is None:
            at = int(service.node.start_mark.index)
            self._insert(at - len(lead := indent_of(self.content, at)), f"{lead}volumes:\n{lead}  - {new}\n")
            return True
        return False

    def _declare_cache(self) -> None:
        declared = yaml_edits.mapping_entry(self.root, "volumes")
        if declared is None:
            self._insert(len(self.content), "\nvolumes:\n  uv-cache:\n")
        elif declared[1].get("uv-cache") is None and not dict(declared[1].own_keys()).get("uv-cache"):
            at = line_end(self.content, int(declared[0].start_mark.index))
            self._insert(at, "  uv-cache:\n")

    def _insert(self, at: int, text: str) -> None:
        missing = "\n" if at == len(self.content) and self.content and not self.content.endswith("\n") else ""
        self.changes.append(TextChange(at, at, missing + text))

    def _declared(self) -> Iterator[Any]:
        found = yaml_edits.mapping_entry(self.root, "volumes")
        pairs = found[1].node.value if found and type(found[1].node).__name__ == "MappingNode" else []
        yield from (key for key, _ in pairs)

    # --- what else names a file that goes -----------------------------------------------------------------------------

    def _others(self, node: Value) -> None:
        """Name every other text that is a requirements file: a build argument, a config, an env_file."""
        for value in _scalars(node):
            if id(value.node) in self.taken or "requirements" not in value.text or "\n" in value.text:
                continue
            for part in re.split(r"[:=,\s]", value.text):
                found = locate(part, self.path.parent, self.facts) if "." in part else None
                if found is not None:
                    what = f"this names {found.as_posix()}, whose place pyproject.toml and uv.lock take"
                    self._left(value, what, "see what reads it, and name pyproject.toml or uv.lock instead")
                    break


def _entries(root: Value | None, key: str) -> Iterator[tuple[str, Value]]:
    found = root.get(key) if root is not None else None
    seen: set[int] = set()
    for name, value in found.items() if found is not None else ():
        # An alias is the same node again.
        if id(value.node) not in seen:
            seen.add(id(value.node))
            yield name, value


def _scalars(node: Value, depth: int = 0) -> Iterator[Value]:
    if depth > 30:
        return
    kind = type(node.node).__name__
    if kind == "ScalarNode":
        yield node
    elif kind == "SequenceNode":
        for item in node:
            yield from _scalars(item, depth + 1)
    else:
        for _, value in node.node.value:
            yield from _scalars(Value(value), depth + 1)
