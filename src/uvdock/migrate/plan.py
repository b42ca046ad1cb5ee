"""The whole migration as one plan: each file of the repo by the converter that knows its kind. Nothing is written."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence, Set
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from uvdock.files import is_dockerfile, listed
from uvdock.formats.edits import unified_diff
from uvdock.migrate.commands.context import ExecutionContext
from uvdock.migrate.leftovers import is_run, unnamed
from uvdock.migrate.model import (
    Converted,
    Dependencies,
    FileEdit,
    MigrationPlan,
    Notice,
    ProjectMove,
    RepoFacts,
    in_order,
)
from uvdock.migrate.readers import lines_that_read
from uvdock.migrate.verify.copied_files import missing

Converter = Callable[[Path, str, RepoFacts], Converted]
#: No text that a person maintains is longer, bytes.
_LARGEST = 2**21
_REQUIREMENTS = re.compile(r"(require|constraint|\.in$|\.txt$)", re.IGNORECASE)


@dataclass(frozen=True)
class Converters:
    """What makes a plan of a repo.

    Args:
        dependencies: Makes the manifests and locks: of the root, the text files, and the uv to lock with.
        files: The other files: each kind by what tells whether a file is one (by its path and text), and what
            converts it. The first that fits counts.
        added: The files that a migrated repo has and this one has not yet.
        contexts: Where something runs that is run in a service's container, by the service's name.
    """

    dependencies: Callable[[Path, Mapping[Path, str], str], Dependencies]
    files: tuple[tuple[Callable[[Path, str], bool], Converter], ...]
    added: Callable[[RepoFacts, Mapping[Path, str]], Iterable[tuple[FileEdit, tuple[Notice, ...]]]] = (
        lambda _facts, _texts: ()
    )
    contexts: Callable[[RepoFacts], Mapping[str, ExecutionContext]] = lambda _facts: {}


def usual(step: Callable[[str], AbstractContextManager[object]] = nullcontext) -> Converters:
    """The converters of every kind of file that uvdock knows.

    Args:
        step: Names what takes time while it takes place.
    """
    from uvdock.migrate.converters import compose, docs, ignores, new_files, scripts, tools, workflow
    from uvdock.migrate.converters.dockerfile import convert as dockerfile
    from uvdock.migrate.lock import dependencies

    return Converters(
        dependencies=partial(dependencies.convert, step=step),
        files=(
            (lambda path, _: is_dockerfile(path), dockerfile),
            (compose.is_compose, compose.convert),
            (workflow.is_workflow, workflow.convert),
            (ignores.is_ignore_file, ignores.convert),
            (tools.is_settings, tools.convert),
            (scripts.is_script, _script),
            (docs.is_document, docs.convert),
        ),
        contexts=compose.contexts,
        added=new_files.files,
    )


def read(root: Path, files: Iterable[Path] | None = None) -> dict[Path, str]:
    """The text files of the repo, or those of some files, by their paths from its root.

    Bytes that are no UTF-8 stay as they are in the text (surrogates), so that it can be written back to the byte.
    Links are left out: what they lead to is in the repo itself, or not the repo's.
    """
    found = {}
    for path in listed(root) if files is None else files:
        file = root / path
        try:
            if file.is_symlink() or file.stat().st_size > _LARGEST:
                continue
            content = file.read_bytes()
        except OSError:
            continue  # Docker could not read it either.
        # A requirements file may be UTF-16; whoever reads one goes by its byte order mark.
        if b"\0" not in content or _REQUIREMENTS.search(path.name):
            found[path] = decode(content)
    return found


def decode(content: bytes) -> str:
    """A file's text; see `read`."""
    return content.decode("utf-8", "surrogateescape")


def encode(text: str) -> bytes:
    """The bytes of a text from `decode`; of any other, as much as can be said in UTF-8."""
    try:
        return text.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        return text.encode("utf-8", "surrogatepass")


def assemble(
    root: Path,
    converters: Converters,
    *,
    uv: str,
    harden: bool = False,
    cache_volume: bool = False,
    tasks: bool = False,
) -> tuple[MigrationPlan, RepoFacts]:
    """Decide what a migration changes.

    Args:
        root: The repo's root.
        converters: What knows each kind of file.
        uv: The uv to lock with.
        harden: Have images run as a user that is not root.
        cache_volume: Have Compose services that use uv at run time keep its cache in a volume.
        tasks: Write a tasks.py, where there is none.

    Returns:
        The plan, and what is known of the repo.

    Raises:
        UvdockError: uv cannot be started, or a manifest cannot be read.
    """
    files = listed(root)
    texts = read(root, files)
    made = converters.dependencies(root, texts, uv)
    stay: dict[Path, Converted] = {}
    kept: frozenset[Path] = frozenset()
    while True:
        facts = replace(made.facts, harden=harden, cache_volume=cache_volume, tasks=tasks, kept=kept)
        facts = replace(facts, services=converters.contexts(facts))
        if made.stopped and not facts.projects:
            # An image or a job that calls uv would have nothing to install.
            return MigrationPlan((), made.findings, (), made.stopped), facts
        edits, findings, stopped = _converted(texts, made, facts, converters, stay)
        broken = _broken(edits, texts, files, made)
        stay |= broken
        for converted in broken.values():
            stopped |= dict.fromkeys(converted.stops, converted.findings[0])
        # What stays with pip takes its project along, and with that all else that installs it.
        made = made.stop(stopped)
        edits, read_still = _still_read(edits, texts)
        more = {one.path for one in read_still} - kept
        if not (stopped or broken or more):
            break
        kept |= more
    findings += (*made.findings, *read_still)
    # What else a migrated repo has is nothing to begin with where nothing else changes.
    if any(edit.before != edit.after for edit in edits.values()):
        for edit, why in converters.added(facts, texts):
            if edit.path not in edits and not os.path.lexists(root / edit.path):
                edits[edit.path] = edit
                findings += why
    changed = sorted((edit for edit in edits.values() if edit.before != edit.after), key=lambda edit: edit.path)
    findings += _dangling(root, files, changed)
    moved = {path: text for path, text in texts.items() if path not in stay and not _is_named(path, made)}
    after = {edit.path: None if edit.after is None else decode(edit.after) for edit in changed}
    findings += unnamed(moved, after, findings)
    return MigrationPlan(tuple(changed), in_order(findings), made.drifts, made.stopped), facts


def _converted(
    texts: Mapping[Path, str],
    made: Dependencies,
    facts: RepoFacts,
    converters: Converters,
    stay: dict[Path, Converted],
) -> tuple[dict[Path, FileEdit], list[Notice], dict[Path, Notice]]:
    """Convert each file.

    Args:
        texts: The repo's text files.
        made: The manifests and locks.
        facts: What converters need to know.
        converters: They.
        stay: The files that have to stay with pip, with why; more are added.

    Returns:
        The edits, the findings, and by its folder each project that has to stay with pip too, with why.
    """
    edits = {edit.path: edit for edit in made.edits}
    new = {one.folder for one in made.projects if one.edits}
    findings: list[Notice] = []
    stopped: dict[Path, Notice] = {}
    for path, text in texts.items():
        convert = next((convert for fits, convert in converters.files if fits(path, text)), None)
        known = edits.get(path, FileEdit(path, encode(text), encode(text)))
        if convert is None or known.after is None or made.is_left_out(path):
            continue
        converted = stay.get(path) or convert(path, decode(known.after), facts)
        if stays := _installs_stopped(path, texts, converted, made.stopped):
            findings.append(stays)
            stay[path] = Converted(text, (stays,))
            continue
        findings += converted.findings
        edits[path] = replace(known, after=encode(converted.content))
        if converted.stops & new:
            stay[path] = converted
            stopped |= dict.fromkeys(converted.stops & new, converted.findings[0])
    return edits, findings, stopped


def _broken(
    edits: Mapping[Path, FileEdit], texts: Mapping[Path, str], files: Sequence[Path], made: Dependencies
) -> dict[Path, Converted]:
    """The Dockerfiles that would copy what is not in their context; each stays as it is, and so do its projects."""
    changed = {path: edit for path, edit in edits.items() if edit.before != edit.after and edit.after is not None}
    after = {**texts, **{path: decode(edit.after or b"") for path, edit in changed.items()}}
    found: dict[Path, Converted] = {}
    for path in changed.keys() & texts.keys():
        if not is_dockerfile(path):
            continue
        # Where it lacks something before, it is built in a folder that nobody knows here.
        lost = missing(path, after[path], {*files, *after}, after)
        if lost and not missing(path, texts[path], files, texts):
            what = f"with uv, this would copy {min(lost)}, which `.dockerignore` keeps out or no context has"
            folders = {one.folder for one in made.projects if lines_that_read(one.lists, path, texts[path], texts)}
            notice = Notice(path, 0, "left", what, "let it into the build, and run it again")
            found[path] = Converted(texts[path], (notice,), frozenset(folders))
    return found


def _installs_stopped(
    path: Path, texts: Mapping[Path, str], converted: Converted, stopped: Iterable[ProjectMove]
) -> Notice | None:
    """Why a file stays whole that would be converted in part: it installs a project that stays with pip."""
    text = texts[path]
    if converted.content == text or not is_run(path, text):
        return None
    for project in stopped:
        for name in sorted(lines_that_read(project.lists, path, converted.content, texts)):
            what = f"the file stays as it is: it installs {name.as_posix()}, which stays with pip"
            line = lines_that_read(project.lists, path, text, texts).get(name, 0)
            return Notice(path, line, "left", what, "see what stopped that project, and run it again")
    return None


def _is_named(path: Path, made: Dependencies) -> bool:
    """Whether a file is of a project that stays with pip, or that nothing installs: a finding says so of all in it."""
    home = made.home(path)
    return made.is_left_out(path) or (home is not None and home.stopped is not None)


def _script(path: Path, content: str, facts: RepoFacts) -> Converted:
    """A script; one that the build of an image calls is what the image's Dockerfile counts on."""
    from uvdock.migrate.converters import dockerfile, scripts

    places = [
        (name, place)
        for name, text in facts.files.items()
        if is_dockerfile(name) and path.name in text
        for called, place in dockerfile.scripts(name, text, facts).items()
        if called == path
    ]
    if not places:
        return scripts.convert(path, content, facts)
    made = scripts.convert(path, content, facts, places[0][1])
    others = [
        name for name, place in places[1:] if scripts.convert(path, content, facts, place).content != made.content
    ]
    for name in others:
        what = f"{places[0][0].as_posix()} and {name.as_posix()} call this in places that differ"
        made = replace(made, findings=(*made.findings, Notice(path, 0, "question", what, "a script for each")))
    return made


def diff(edit: FileEdit) -> list[str]:
    """The unified diff of one file, line by line without line ends, as `git apply` takes it."""
    return unified_diff(edit.path.as_posix(), edit.before, edit.after)


def action(edit: FileEdit) -> str:
    """``created``, ``changed`` or ``deleted``."""
    return "created" if edit.before is None else "deleted" if edit.after is None else "changed"


def _still_read(
    edits: Mapping[Path, FileEdit], texts: Mapping[Path, str], kept_before: Set[Path] = frozenset()
) -> tuple[dict[Path, FileEdit], list[Notice]]:
    """Without the deletions of files that something which stays still reads: a build must never break by them."""
    gone = {edit.path for edit in edits.values() if edit.before is not None and edit.after is None}
    after = {path: edit.after for path, edit in edits.items()}
    kept: dict[Path, Notice] = {}
    for reader, text in texts.items():
        if reader in gone or not (reader in kept_before if kept_before else is_run(reader, text)):
            continue
        now = text if (new := after.get(reader)) is None else decode(new)
        for path, line in lines_that_read(gone - kept.keys(), reader, now, texts).items():
            what = f"the file stays, for {reader.as_posix()}:{line} still reads it"
            kept[path] = Notice(path, 0, "left", what, "delete it once that line is changed")
    rest = {path: edit for path, edit in edits.items() if path not in kept}
    if not kept:
        return rest, []
    # What stays may include what goes.
    rest, more = _still_read(rest, texts, kept.keys())
    return rest, [*kept.values(), *more]


def _dangling(root: Path, files: Iterable[Path], edits: Iterable[FileEdit]) -> Iterator[Notice]:
    """The links in the repo that lead to a file that goes."""
    gone = {(root / edit.path).resolve(): edit.path for edit in edits if edit.after is None}
    for path in files if gone else ():
        file = root / path
        if file.is_symlink() and (target := file.resolve()) in gone:
            what = f"this is a link to {gone[target].as_posix()}, which goes"
            yield Notice(path, 0, "left", what, f"git rm {path.as_posix()}, once nothing reads it")
