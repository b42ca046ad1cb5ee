"""A requirements file as entries for a pyproject.toml: each line goes somewhere, or is named."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal

from uvdock.formats.requirements import FileOption, RequirementLine, is_annotation, machine_made, via
from uvdock.migrate.discover.options import Remark, UvOptions, local_links, redacted
from uvdock.migrate.discover.requirement import Dependency, NotUnderstoodError, Places, name_in, understand
from uvdock.migrate.discover.sources import CONSTRAINTS, INCLUDES, Source, beside
from uvdock.migrate.model import Notice

#: What people call the list that `pip freeze` printed of what another one asked for.
_LOCKED = re.compile(r"(?P<stem>.+)[-_.](?:lock|locked|freeze|frozen)")
#: Comments that `pip freeze` writes itself.
_FREEZE = re.compile(r"^(#? ?(Editable|Warning)|# )", re.IGNORECASE)
#: Who pip-compile says wants a package, where that is a file of requirements or the project.
_ASKED = re.compile(r"-r\b|.*\((pyproject\.toml|setup\.py|setup\.cfg)")
#: Options that say nothing without a requirement, and those of them that pip itself no longer knows.
_OLD = ("--global-option", "--install-option")
_BESIDE = ("--hash", "--config-settings", *_OLD)


@dataclass(frozen=True)
class RequirementEntry:
    """One dependency with what people wrote about it.

    Args:
        wanted: What is asked for.
        above: The comments above its line.
        beside: The comment on its line.
        path: The file it is from.
        line: Its line there.
        settings: Its ``--config-settings``.
        apart: Whether a blank line stands before it and its comments.
    """

    wanted: Dependency
    above: tuple[str, ...] = ()
    beside: str = ""
    path: Path = Path()
    line: int = 0
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
    settings: UvOptions
    findings: list[Notice] = field(default_factory=list)


def named(lines: Iterable[RequirementLine]) -> Iterator[tuple[RequirementLine, Dependency]]:
    """The lines that name a package of an index, of git or of a URL, and what each asks for."""
    nowhere = Places(Path(), Path(), lambda _: "", lambda _: False)
    for line in lines:
        if line.kind == "requirement" and not line.editable:
            try:
                yield line, understand(line.requirement, nowhere, editable=False)
            except NotUnderstoodError:
                continue


def pins(source: Source) -> list[Pin]:
    """The versions that a file pins."""
    return [
        Pin(wanted.key, wanted.pin, wanted.marker, line.hashes, source.path, line.number)
        for line, wanted in named(source.lines)
        if wanted.pin and wanted.key != "pkg-resources"
    ]


class RequirementsReader:
    """Reads one file; of a compiled one, what its source or a person asked for."""

    def __init__(self, source: Source, reading: ReadingRules) -> None:
        self.reading = reading
        self.source = source
        self.node = RequirementsFile(source.path, whole=source.compiled)
        self.places = replace(reading.places, file=source.path.parent)
        self.machine = machine_made(source.lines)
        self.wanters = via(source.lines)
        self.pending: list[str] = []
        self.apart = False

    def read(self) -> RequirementsFile:
        """What the file asks for."""
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
                self._stays(line, ("left", f"pip cannot read this line: {line.problem}", "correct it by hand"))
        self.node.trailing = tuple(self.pending)
        self.node.pins = pins(self.source)
        if self.machine:
            self._note(0, "the comments that pip-compile wrote go with the file; `uv tree` shows who needs what")
        return self.node

    def _requirement(self, line: RequirementLine) -> None:
        try:
            wanted = understand(line.requirement, self.places, editable=line.editable)
        except NotUnderstoodError as error:
            level: Literal["question", "left"] = "question" if error.question else "left"
            return self._stays(line, (level, redacted(str(error)), redacted(error.instead)))
        if old := [one.name for one in line.options if one.name in _OLD]:
            what = f"{', '.join(old)} has no counterpart: pip itself no longer knows it"
            return self._stays(line, ("left", what, "use --config-settings of the package's build back end"))
        for what in (*wanted.notes, *filter(None, [line.problem])):
            self._note(line.number, redacted(what))
        comment = "" if is_annotation(line.comment) else line.comment
        if wanted.itself:
            self.node.itself = (*(self.node.itself or ()), *wanted.extras)
            self.node.editable |= line.editable
            self.pending += [comment] if comment else []
        elif wanted.key == "pkg-resources":
            self._note(line.number, f"{wanted.text} goes: Debian's pip wrote it, and there is no such package")
        elif comment or self._is_direct(line):
            given = [one.value.partition("=") for one in line.options if one.name == "--config-settings"]
            settings = {key: value for key, _, value in given}
            above, self.pending = tuple(self.pending), []
            entry = RequirementEntry(wanted, above, comment, self.source.path, line.number, settings, self.apart)
            self.node.entries.append(entry)
            self.apart = False
        return None

    def _is_direct(self, line: RequirementLine) -> bool:
        """Whether a person asked for it: in a compiled file, where a source did."""
        wanters = self.wanters.get(line.number)
        return not self.source.compiled or wanters is None or any(_ASKED.match(who) for who in wanters)

    def _options(self, line: RequirementLine) -> None:
        comments = (*self.pending, *filter(None, [line.comment]))
        used = False
        for option in line.options:
            if option.name in (INCLUDES, CONSTRAINTS):
                self._reference(line, option)
                continue
            if option.name in _BESIDE:
                self._stays(line, ("left", f"{option.name} without a requirement means nothing", "take it out"))
                continue
            if option.name == "--find-links":
                local = local_links(option.value, self.source.path, self.places.project)
                option = FileOption(option.name, local)  # noqa: PLW2901 - the same option, as the project sees it
            remark, kept = self.reading.settings.take(option, () if used else comments)
            used |= kept
            if remark:
                self.reading.findings.append(Notice(self.source.path, line.number, *remark))
                self.node.stays |= remark[0] != "note"
        if used:
            self.pending = []
        elif line.comment:
            self.pending.append(line.comment)

    def _reference(self, line: RequirementLine, option: FileOption) -> None:
        target = beside(self.source.path, option.value)
        if target is None or not self.places.exists(target):
            shown = redacted(option.value)
            what = f"{shown} is not in this repo" if target is None else f"there is no {shown}"
            self._stays(line, ("question", what, "put the file into the repo, or write its lines here"))
        elif option.name == INCLUDES:
            self.node.includes.append(target)
        else:
            self.node.constraints.append((target, line.number))

    def _stays(self, line: RequirementLine, remark: Remark) -> None:
        level, what, instead = remark
        self.node.stays = True
        self.node.incomplete |= line.kind != "option" or any(one.name == INCLUDES for one in line.options)
        shown = f"{what} (`{redacted(line.text)}`)" if line.text not in what else what
        self.reading.findings.append(Notice(self.source.path, line.number, level, shown, instead))

    def _note(self, number: int, what: str) -> None:
        self.reading.findings.append(Notice(self.source.path, number, "note", what))


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


def read_files(files: Mapping[Path, Source], reading: ReadingRules) -> dict[Path, RequirementsFile]:
    """All files of a project; a compiled one is part of its source's where that is there."""
    origins = {path: _source_of(path, files) for path in files}
    found = {path: RequirementsReader(files[path], reading).read() for path in files if origins[path] is None}
    for path, origin in origins.items():
        if origin is None:
            continue
        source, node = files[path], found[origin]
        compiled = pins(source)
        own = {pin.name for pin in compiled}
        node.compiled.append(path)
        node.pins = [*(pin for pin in node.pins if pin.name not in own), *compiled]
        node.whole = True
        reading.findings += _written_by_hand(source)
        rest = replace(source, lines=tuple(_without_requirements(source, reading)))
        node.stays |= RequirementsReader(rest, reading).read().stays
    return found


def _source_of(path: Path, files: Mapping[Path, Source]) -> Path | None:
    """The file that a compiled or frozen one was made from: the same name with ``.in``, or without ``-lock``."""
    origin = path.with_suffix(".in")
    if path.suffix == ".txt" and origin in files:
        return origin
    if path.suffix in (".txt", ".lock") and (named := _LOCKED.fullmatch(path.stem)):
        origin = path.with_name(f"{named['stem']}.txt")
        return origin if origin in files and _locks(files[path], files[origin]) else None
    return None


def _locks(lock: Source, source: Source) -> bool:
    """Whether a file has a pin of everything that another one asks for, and of more."""
    lines = [line.requirement for line in lock.lines if line.kind == "requirement"]
    pinned = {name_in(line) for line in lines if "==" in line}
    asked = {name_in(line.requirement) for line in source.lines if line.kind == "requirement"} - {""}
    return len(pinned) == len(lines) and bool(asked) and asked < pinned


def _written_by_hand(source: Source) -> Iterator[Notice]:
    machine = machine_made(source.lines)
    for line in source.lines:
        text = line.comment
        if text and line.number not in machine and not is_annotation(text):
            what = f"this comment stands in a compiled file, which goes: # {text}"
            yield Notice(source.path, line.number, "note", what, "write it beside the dependency, if it is of use")


def _without_requirements(source: Source, reading: ReadingRules) -> Iterator[RequirementLine]:
    """The lines of a compiled file that its source does not have anyway: options, and what cannot be read."""
    known = {index.url.rstrip("/") for index in reading.settings.indexes}
    machine = machine_made(source.lines)
    for line in source.lines:
        left = tuple(one for one in line.options if one.value.rstrip("/") not in known)
        refers = any(one.name in (INCLUDES, CONSTRAINTS) for one in left)
        if line.kind == "broken" or line.number in machine:
            yield line
        elif line.kind == "option" and left and not refers:
            yield replace(line, options=left, comment="")
