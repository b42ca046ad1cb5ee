"""A requirement file as entries for a pyproject.toml: each line goes somewhere, or is named."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from packaging.utils import canonicalize_name

from uvdock.formats.requirements import FileOption, RequirementLine, is_annotation, machine_made, via
from uvdock.migrate.discover import options
from uvdock.migrate.discover.requirement import Dependency, NotUnderstoodError, Places, understand
from uvdock.migrate.discover.sources import Source, beside
from uvdock.migrate.model import Notice

#: What people call the list that `pip freeze` printed of what another one asked for.
_LOCKED = re.compile(r"(?P<stem>.+)[-_.](?:lock|locked|freeze|frozen)")
_NAME = re.compile(r"\s*([A-Za-z0-9][\w.-]*)")
#: Comments that `pip freeze` writes itself.
_FREEZE = re.compile(r"^(#? ?(Editable|Warning)|# )", re.IGNORECASE)


@dataclass(frozen=True)
class RequirementEntry:
    """One dependency with what people wrote about it.

    Args:
        wanted: What is asked for.
        above: The comments above its line.
        beside: The comment on its line.
        path: The file it is from.
        line: Its line there.
        hashes: Its hashes.
        settings: Its ``--config-settings``.
        apart: Whether a blank line stands before it and its comments.
    """

    wanted: Dependency
    above: tuple[str, ...] = ()
    beside: str = ""
    path: Path = Path()
    line: int = 0
    hashes: tuple[str, ...] = ()
    settings: Mapping[str, str] = field(default_factory=dict)
    apart: bool = False

    @property
    def comments(self) -> str:
        """Its comments, for a finding that tells what becomes of them; empty where there are none."""
        shown = "; ".join(f"# {one}" for one in (*self.above, *filter(None, [self.beside])))
        return f" ({shown})" if shown else ""


@dataclass(frozen=True)
class Pin:
    """A version that the old files had: the package, its version and marker, its hashes, and where."""

    name: str
    version: str
    marker: str = ""
    hashes: tuple[str, ...] = ()
    path: Path = Path()
    line: int = 0


@dataclass
class RequirementsFile:
    """What one requirement file asks for.

    Args:
        path: The file: the source where another one was compiled from it.
        entries: Its dependencies, in order.
        includes: The files it includes, in order.
        constraints: What it is held to: by files with the line that names each.
        trailing: Comments after its last dependency.
        itself: The extras of the project itself, where it installs that; ``None`` where it does not.
        editable: Whether that is installed editable.
        pins: The versions it stands for.
        whole: Whether the pins are all there is: a compiled or frozen file.
        compiled: The files that were compiled from it.
        own: Whether it asks for what the project itself declares.
        extras: The extras of the project that it was compiled with.
        stays: Whether it has lines that a person has to decide on.
        incomplete: Whether one of those is something to install.
    """

    path: Path
    entries: list[RequirementEntry] = field(default_factory=list)
    includes: list[Path] = field(default_factory=list)
    constraints: list[tuple[Path, int]] = field(default_factory=list)
    trailing: tuple[str, ...] = ()
    itself: tuple[str, ...] | None = None
    editable: bool = False
    pins: list[Pin] = field(default_factory=list)
    whole: bool = False
    compiled: list[Path] = field(default_factory=list)
    own: bool = False
    extras: tuple[str, ...] = ()
    stays: bool = False
    incomplete: bool = False


@dataclass
class ReadingRules:
    """How files are read: what paths in them mean, and where options and findings go."""

    places: Places
    settings: options.UvOptions
    findings: list[Notice] = field(default_factory=list)

    def node(self, source: Source) -> RequirementsFile:
        """What a file asks for; of a compiled one, only what nothing else in it asked for."""
        return _RequirementsReader(self, source).read()

    def pins(self, source: Source) -> list[Pin]:
        """The versions that a file pins."""
        found = []
        for line in source.lines:
            if line.kind != "requirement" or line.editable:
                continue
            try:
                wanted = understand(line.requirement, replace(self.places, file=source.path.parent), editable=False)
            except NotUnderstoodError:
                continue
            if wanted.pin and wanted.key != "pkg-resources":
                found.append(Pin(wanted.key, wanted.pin, wanted.marker, line.hashes, source.path, line.number))
        return found


class _RequirementsReader:
    def __init__(self, reading: ReadingRules, source: Source) -> None:
        self.reading = reading
        self.source = source
        self.node = RequirementsFile(source.path)
        self.places = replace(reading.places, file=source.path.parent)
        self.machine = machine_made(source.lines)
        self.wanters = via(source.lines)
        self.pending: list[str] = []
        self.apart = False

    def read(self) -> RequirementsFile:
        for line in self.source.lines:
            if line.kind == "blank" and not self.pending:
                self.apart = True
            elif line.kind == "comment" and line.number not in self.machine:
                self.pending.append(line.comment)
            elif line.kind == "requirement":
                self._requirement(line)
            elif line.kind == "option":
                self._options(line)
            elif line.kind == "broken":
                self._stays(line, "left", f"pip cannot read this line: {line.problem}", "correct it by hand")
        self.node.trailing = tuple(self.pending)
        self.node.pins = self.reading.pins(self.source)
        self.node.whole = self.source.compiled
        if self.machine:
            what = "the comments that pip-compile wrote go with the file; `uv tree` shows who needs what"
            self.reading.findings.append(Notice(self.source.path, 0, "note", what))
        return self.node

    def _requirement(self, line: RequirementLine) -> None:
        try:
            wanted = understand(line.requirement, self.places, editable=line.editable)
        except NotUnderstoodError as error:
            level = "question" if error.question else "left"
            return self._stays(line, level, options.redacted(str(error)), options.redacted(error.instead))
        settings, old = _beside(line)
        if old:
            what = f"{', '.join(old)} has no counterpart: pip itself no longer knows it"
            return self._stays(line, "left", what, "use --config-settings of the package's build back end")
        for what in (*wanted.notes, *filter(None, [line.problem])):
            self._note(line, what)
        comment = "" if is_annotation(line.comment) else line.comment
        if wanted.itself:
            self.node.itself = (*(self.node.itself or ()), *wanted.extras)
            self.node.editable |= line.editable
            self.pending += [comment] if comment else []
            return None
        if wanted.key == "pkg-resources":
            self._note(line, f"{wanted.text} goes: Debian's pip wrote it, and there is no such package")
            return None
        if not self._is_direct(line, comment):
            return None
        entry = RequirementEntry(wanted, tuple(self.pending), comment, line=line.number, path=self.source.path)
        self.node.entries.append(replace(entry, hashes=line.hashes, settings=settings, apart=self.apart))
        self.pending, self.apart = [], False
        return None

    def _is_direct(self, line: RequirementLine, comment: str) -> bool:
        """Whether a person asked for it: in a compiled file, where a source did, or somebody wrote about it."""
        if not self.source.compiled or comment or line.number not in self.wanters:
            return True
        return any(
            re.match(r"-r\b|-c\b|.*\((pyproject\.toml|setup\.py|setup\.cfg)", who) for who in self.wanters[line.number]
        ) and any(not who.startswith("-c") for who in self.wanters[line.number] if who.startswith("-") or "(" in who)

    def _options(self, line: RequirementLine) -> None:
        above = tuple(self.pending)
        used = False
        for option in line.options:
            if option.name in ("--requirement", "--constraint"):
                self._reference(line, option)
                continue
            if option.name in ("--hash", "--config-settings", "--global-option", "--install-option"):
                self._stays(line, "left", f"{option.name} without a requirement means nothing", "take it out")
                continue
            if option.name == "--find-links":
                local = options.local_links(option.value, self.source.path, self.places.project)
                option = FileOption(option.name, local)  # noqa: PLW2901 - the same option, as the project sees it
            comments = (*above, *filter(None, [line.comment])) if not used else ()
            found = self.reading.settings.take(option, self.source.path, line.number, comments)
            self.reading.findings += found
            self.node.stays |= any(one.level != "note" for one in found)
            used = used or (bool(comments) and self.reading.settings.uses_comments(option))
        if used:
            self.pending = []
        elif line.comment:
            self.pending.append(line.comment)

    def _reference(self, line: RequirementLine, option: FileOption) -> None:
        target = beside(self.source.path, option.value)
        if target is None or not self.places.exists(target):
            shown = options.redacted(option.value)
            what = f"{shown} is not in this repo" if target is None else f"there is no {shown}"
            self._stays(line, "question", what, "put the file into the repo, or write its lines here")
        elif option.name == "--requirement":
            self.node.includes.append(target)
        else:
            self.node.constraints.append((target, line.number))

    def _stays(self, line: RequirementLine, level: str, what: str, instead: str) -> None:
        self.node.stays = True
        includes = any(one.name == "--requirement" for one in line.options)
        self.node.incomplete |= line.kind in ("requirement", "broken") or includes
        shown = f"{what} (`{options.redacted(line.text)}`)" if line.text not in what else what
        self.reading.findings.append(
            Notice(self.source.path, line.number, "left" if level == "left" else "question", shown, instead)
        )

    def _note(self, line: RequirementLine, what: str) -> None:
        self.reading.findings.append(Notice(self.source.path, line.number, "note", options.redacted(what)))


def _beside(line: RequirementLine) -> tuple[dict[str, str], list[str]]:
    """The ``--config-settings`` of a requirement, and its options that pip no longer has."""
    settings, old = {}, []
    for option in line.options:
        if option.name == "--config-settings":
            key, _, value = option.value.partition("=")
            settings[key] = value
        elif option.name in ("--global-option", "--install-option"):
            old.append(option.name)
    return settings, old


def looks_frozen(node: RequirementsFile) -> bool:
    """Whether a file reads as what `pip freeze` prints: all pinned or from a URL, sorted, without a word about it.

    `pip freeze` sorts by name without regard to case, writes no extras and no markers.
    """
    names = [entry.wanted.name.lower() for entry in node.entries if not entry.wanted.source]
    # `pip freeze | sort` sorts the lines, so that `-` comes before `=`.
    lines = [entry.wanted.text.lower() for entry in node.entries if not entry.wanted.source]
    if len(names) < 2 or node.includes or (names != sorted(names) and lines != sorted(lines)):
        return False
    for at, entry in enumerate(node.entries):
        wanted = entry.wanted
        if not (wanted.pin or wanted.source) or wanted.extras or wanted.marker or entry.beside:
            return False
        if at and any(not _FREEZE.match(comment) for comment in entry.above):
            return False
    return True


def nodes(reading: ReadingRules, files: Mapping[Path, Source]) -> dict[Path, RequirementsFile]:
    """All files of a project; a compiled one is part of its source's node where that is there."""
    found = {}
    for path, source in files.items():
        if _source_of(path, files) is None:
            found[path] = reading.node(source)
    for path, source in files.items():
        origin = _source_of(path, files)
        if origin is None:
            continue
        node = found[origin]
        node.compiled.append(path)
        node.pins = [
            *(pin for pin in node.pins if pin.name not in {p.name for p in reading.pins(source)}),
            *reading.pins(source),
        ]
        node.whole = True
        reading.findings += list(_written_by_hand(source))
        compiled = reading.node(replace(source, lines=tuple(_without_requirements(source, reading))))
        node.stays |= compiled.stays
    return found


def _source_of(path: Path, files: Mapping[Path, Source]) -> Path | None:
    """The file that a compiled or frozen one was made from: the same name with ``.in``, or without ``-lock``."""
    origin = path.with_suffix(".in")
    if path.suffix == ".txt" and origin in files:
        return origin
    found = _LOCKED.fullmatch(path.stem)
    origin = path.with_name(f"{found['stem']}.txt") if found else path
    if found and path.suffix in (".txt", ".lock") and origin in files and _locks(files[path], files[origin]):
        return origin
    return None


def _locks(lock: Source, source: Source) -> bool:
    """Whether a file has a pin of everything that another one asks for, and of more."""
    pinned = {found[1] for line in lock.lines if (found := _NAME.match(line.requirement)) and "==" in line.requirement}
    asked = [_NAME.match(line.requirement) for line in source.lines if line.kind == "requirement"]
    names = {canonicalize_name(found[1]) for found in asked if found}
    all_pinned = len(pinned) == sum(line.kind == "requirement" for line in lock.lines)
    return all_pinned and bool(names) and names < {canonicalize_name(name) for name in pinned}


def _written_by_hand(source: Source) -> Iterator[Notice]:
    machine = machine_made(source.lines)
    for line in source.lines:
        text = line.comment
        if text and line.number not in machine and not is_annotation(text):
            what = f"this comment stands in a compiled file, which goes: # {text}"
            yield Notice(source.path, line.number, "note", what, "write it beside the dependency, if it is of use")


def _without_requirements(source: Source, reading: ReadingRules) -> Iterator[RequirementLine]:
    """The lines of a compiled file that its source does not have anyway: options, and what cannot be read."""
    known = {(index.url.rstrip("/")) for index in reading.settings.indexes}
    for line in source.lines:
        options_ = tuple(one for one in line.options if one.value.rstrip("/") not in known)
        references = ("--requirement", "--constraint")
        if line.kind == "broken" or line.number in machine_made(source.lines):
            yield line
        elif line.kind == "option" and options_ and not any(one.name in references for one in options_):
            yield replace(line, options=options_, comment="")
