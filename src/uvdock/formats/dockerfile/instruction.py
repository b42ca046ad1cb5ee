"""One instruction of a Dockerfile: where it stands, and what it says."""

from __future__ import annotations

import json
import re
import shlex
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from uvdock.formats.shell.invocations import Invocation

_SHELL = r"(?:/\S*/)?(?:ba|da|a|z)?sh"
#: What may stand before the one here-document of a RUN for a shell to read it.
_READS = re.compile(rf"(?:{_SHELL}(?:\s+-\w+)*\s*)?<<-?\S+\s*")
_OTHER_PROGRAM = re.compile(rf"#!(?!\s*(?:\S*env\s+)?{_SHELL}\b)")


class Part(NamedTuple):
    """A part of the file: ``text`` is what stands from ``start`` to before ``end``."""

    text: str
    start: int
    end: int


@dataclass(frozen=True, eq=False, kw_only=True)
class Instruction:
    """One instruction.

    Args:
        verb: ``FROM``, ``RUN``, ... in capitals.
        text: All of it: continued lines as one, comments left out, then the lines of its here-documents.
        value: The same of what follows the verb and the options.
        start: Where its first line starts.
        end: Where the line after it starts.
        line: Its first line, from 1.
        last: Its last line.
        options: Its options, ``--mount=…`` and the like.
        body: What follows them, without the last line end.
        documents: What its here-documents say.
        trigger: Of an ONBUILD, the instruction that is kept for later.
        onbuild: Whether it is such an instruction.
    """

    verb: str
    text: str = field(repr=False)
    value: str
    start: int
    end: int
    line: int
    last: int
    options: tuple[Part, ...]
    body: Part = field(repr=False)
    documents: tuple[Part, ...] = ()
    trigger: Instruction | None = None
    onbuild: bool = False

    def option(self, name: str) -> str:
        """The value of an option, without its quotes; nothing where it is not given."""
        found = [part.text for part in self.options if part.text.startswith(f"--{name}=")]
        return re.sub(r"[\"']", "", found[-1].partition("=")[2]) if found else ""

    @cached_property
    def mounts(self) -> list[dict[str, str]]:
        """The mounts of a RUN, by their keys."""
        return [keys for part in self.options if (keys := mount(part.text))]

    @cached_property
    def exec_form(self) -> list[str] | None:
        """The words of the exec form, ``["uv", "run"]``; ``None`` for the shell form."""
        return exec_form(self.command)

    @property
    def command(self) -> str:
        """What follows the verb and the options; of a HEALTHCHECK what follows its ``CMD``."""
        if self.verb != "HEALTHCHECK":
            return self.value
        found = re.match(r"CMD\s+(.*)", self.value, re.DOTALL | re.IGNORECASE)
        return found[1] if found else ""

    @property
    def document(self) -> Part | None:
        """The here-document of `RUN <<EOF`, or of a shell that reads it, where it is a RUN's only one."""
        if self.verb != "RUN" or len(self.documents) != 1:
            return None
        found = self.documents[0]
        command = self.body.text[: found.start - self.body.start]
        return found if _READS.fullmatch(command) and not _OTHER_PROGRAM.match(found.text) else None

    @cached_property
    def invocations(self) -> list[Invocation]:
        """What the commands of a RUN, CMD, ENTRYPOINT or HEALTHCHECK run."""
        if self.verb not in ("RUN", "CMD", "ENTRYPOINT", "HEALTHCHECK"):
            return []
        from uvdock.formats.shell.invocations import invocations

        if self.exec_form is not None:
            return invocations(shlex.join(self.exec_form))
        if self.document is not None:
            return invocations(self.document.text)
        return invocations(self.command.partition("\n")[0] if self.documents else self.command)

    @cached_property
    def variables(self) -> list[tuple[str, str]]:
        """The variables that an ENV or ARG sets; an ARG without a default has none and is left out."""
        if self.verb not in ("ENV", "ARG") or not self.value:
            return []
        words = _words(self.value)
        if self.verb == "ENV" and words and "=" not in words[0]:
            return [(words[0], " ".join(words[1:]))]
        return [(name, value) for name, equals, value in (word.partition("=") for word in words) if equals and name]

    @property
    def names(self) -> list[str]:
        """The names of the variables that an ENV or ARG declares, with a value or without."""
        if self.verb == "ARG":
            return [word.partition("=")[0] for word in self.value.split() if word[0] not in "\"'"]
        return [name for name, _ in self.variables]

    @cached_property
    def copies(self) -> tuple[str, list[str], str] | None:
        """Of a COPY or ADD: the stage or image (nothing for the context), the sources and the target."""
        if self.verb not in ("COPY", "ADD") or self.documents:
            return None
        words = _words(self.value) if self.exec_form is None else self.exec_form
        return (self.option("from"), words[:-1], words[-1]) if len(words) > 1 else None

    @property
    def from_context(self) -> list[str]:
        """What a COPY or ADD takes from the context of the build."""
        return self.copies[1] if self.copies and not self.copies[0] else []


def mount(option: str) -> dict[str, str]:
    """The keys of a ``--mount=…``, under one name each (``source``, ``target``); nothing for another option."""
    if not option.startswith("--mount="):
        return {}
    parts = (part.partition("=") for part in option.removeprefix("--mount=").split(","))
    keys = {key.strip("\"' "): value.strip("\"'") for key, _, value in parts}
    keys.setdefault("type", "bind")
    keys["source"] = keys.get("source") or keys.get("src") or ""
    keys["target"] = keys.get("target") or keys.get("dst") or keys.get("destination") or ""
    return keys


def exec_form(command: str) -> list[str] | None:
    """The words of a command in JSON; ``None`` for any other. As in BuildKit, what follows them counts for nothing."""
    if not command.startswith("["):
        return None
    try:
        found, _ = json.JSONDecoder().raw_decode(command)
    except (ValueError, RecursionError):
        return None
    return found if all(isinstance(word, str) for word in found) else None


def _words(text: str) -> list[str]:
    try:
        return shlex.split(text)
    except ValueError:
        return text.split()
