"""YAML with the lines its values stand on: workflows, and the Compose files' own text."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from uvdock.errors import UvdockError
from uvdock.formats.edits import line_at


@dataclass(frozen=True)
class Value:
    """One value of a YAML file and where it stands."""

    node: Any

    @property
    def start(self) -> int:
        """Where it begins in the file."""
        return int(self.node.start_mark.index)

    @property
    def end(self) -> int:
        """Where it ends in the file."""
        return int(self.node.end_mark.index)

    @property
    def line(self) -> int:
        """Its line, from 1."""
        return line_at(self.node.start_mark.buffer, self.start)

    @property
    def text(self) -> str:
        """A scalar's text; nothing for anything else."""
        return str(self.node.value) if isinstance(self.node.value, str) else ""

    @property
    def is_block(self) -> bool:
        """Whether its text begins on the line below: ``|`` and ``>``."""
        return getattr(self.node, "style", None) in ("|", ">")

    def items(self) -> Iterator[tuple[str, Value]]:
        """The keys of a mapping with their values, those that it merges in (``<<``) after its own."""
        merged: list[Any] = []
        for key, value in self._pairs():
            if str(key.value) == "<<":
                merged += [value] if not _is_list(value) else value.value
            elif isinstance(key.value, str):
                yield key.value, Value(value)
        for node in merged:
            if node is not self.node:
                yield from Value(node).items()

    def entries(self) -> list[tuple[Value, Value]]:
        """The keys and values that a mapping has itself, not those that it merges in."""
        return [(Value(key), Value(value)) for key, value in self._pairs()]

    def distinct(self, *path: str) -> list[tuple[str, Value]]:
        """The entries of the mapping below these keys; an alias, which is its anchor's node, is not one again."""
        found = self.get(*path)
        nodes: dict[int, tuple[str, Value]] = {}
        for name, value in found.items() if found is not None else ():
            nodes.setdefault(id(value.node), (name, value))
        return list(nodes.values())

    def scalars(self, depth: int = 30) -> Iterator[Value]:
        """All texts in it and below it, but those behind more than ``depth`` keys."""
        if self.is_scalar:
            yield self
        for inner in (*self, *(value for _, value in self.entries())) if depth else ():
            yield from inner.scalars(depth - 1)

    def __iter__(self) -> Iterator[Value]:
        """The items of a list."""
        yield from (Value(node) for node in (self.node.value if _is_list(self.node) else ()))

    def get(self, *path: str) -> Value | None:
        """The value below these keys, or ``None``."""
        found: Value | None = self
        for name in path:
            found = next((value for key, value in found.items() if key == name), None) if found else None
        return found

    def text_at(self, *path: str) -> str:
        """The text of the scalar below these keys; nothing where there is none."""
        found = self.get(*path)
        return found.text if found is not None else ""

    def entry(self, key: str) -> tuple[Value, Value] | None:
        """The key and the value of an entry that a mapping has itself."""
        return next((entry for entry in self.entries() if entry[0].text == key), None)

    @property
    def is_flow(self) -> bool:
        """Whether a list or mapping stands between brackets."""
        return bool(getattr(self.node, "flow_style", False))

    @property
    def is_scalar(self) -> bool:
        """Whether it is neither a list nor a mapping."""
        return type(self.node).__name__ == "ScalarNode"

    def _pairs(self) -> list[tuple[Any, Any]]:
        return self.node.value if type(self.node).__name__ == "MappingNode" else []


def read(text: str, name: str) -> Value | None:
    """The document of a YAML file; ``None`` for an empty one.

    Raises:
        UvdockError: It is no YAML; says where.
    """
    import warnings

    from ruamel.yaml import YAML
    from ruamel.yaml.error import YAMLError, YAMLWarning

    try:
        with warnings.catch_warnings():
            # An anchor's name that is used twice is allowed, and the latest counts (YAML 1.2, 3.2.2.2).
            warnings.simplefilter("ignore", YAMLWarning)
            node = YAML(typ="safe", pure=True).compose(text)
    except (YAMLError, ValueError, RecursionError) as error:
        mark = getattr(error, "problem_mark", None)
        raise UvdockError(
            f"{name} is not valid YAML: {getattr(error, 'problem', None) or error}",
            where=f"{name}:{mark.line + 1}" if mark else name,
            fix="correct that line",
        ) from error
    return None if node is None else Value(node)


def _is_list(node: Any) -> bool:
    return type(node).__name__ == "SequenceNode"
