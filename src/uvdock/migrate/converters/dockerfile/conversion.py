"""One Dockerfile on its way from pip to uv: each step in its order, with what is there when it runs."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path, PurePosixPath
from typing import Literal

from uvdock.formats.dockerfile.expansion import expand
from uvdock.formats.dockerfile.stages import Dockerfile, Stage, Step
from uvdock.formats.dockerfile.users import home, ids
from uvdock.formats.image import name_of
from uvdock.formats.shell.words import Dialect
from uvdock.migrate.commands import rewrite
from uvdock.migrate.commands.context import ExecutionContext, Names
from uvdock.migrate.commands.rewrite import Shell
from uvdock.migrate.commands.sync import Sync
from uvdock.migrate.converters.dockerfile import lookahead
from uvdock.migrate.converters.dockerfile.called import called
from uvdock.migrate.converters.dockerfile.layout import (
    CopiedFile,
    ImageLayout,
    absolute,
    contexts,
    is_requirement,
    matches,
    root_of,
    spelled,
)
from uvdock.migrate.converters.dockerfile.results import RunResult, Used
from uvdock.migrate.model import Notice, RepoFacts

#: The instructions that do nothing to what a RUN installs, and the variables that may do something to it.
_HARMLESS = {"ENV", "ARG", "LABEL", "EXPOSE", "WORKDIR", "STOPSIGNAL", "VOLUME", "SHELL"}
_FOR_INSTALLS = re.compile(
    r"(?i)(?:PIP|UV|VIRTUAL|SETUPTOOLS|CARGO|RUST|LD|SSL|GIT)_\w*|PATH|CC|CXX|MAKE\w*|\w*(?:FLAGS|PROXY|CERT|BUNDLE)|HOME"
)


class Conversion:
    """Goes through the steps of a Dockerfile.

    Args:
        path: The Dockerfile, from the repo root.
        source: What it says.
        facts: What is known of the repo.
    """

    def __init__(self, path: Path, source: Dockerfile, facts: RepoFacts) -> None:
        self.path, self.source, self.facts = path, source, facts
        self.ahead = lookahead.look(source)
        names = [name for item in source.items for name in item.from_context]
        names += [mount["source"] for item in source.items for mount in _binds(item)]
        self.context = contexts(path, names, facts)
        self.layouts: dict[int, ImageLayout] = {}
        self.results: dict[int, RunResult] = {}
        self.used: list[Used] = []
        self.scripts: dict[Path, ExecutionContext] = {}
        self.script_left = False
        self.findings: list[Notice] = []
        self.arrivals: dict[int, int] = {}
        self.environments: dict[int, str] = {}
        self.has_uv: dict[int, bool] = {}
        for item in self.source.items:
            layout = self.layout(item.stage)
            if item.verb in ("COPY", "ADD"):
                self._copy(item, layout)
            elif item.verb in ("RUN", "CMD", "ENTRYPOINT"):
                self._run(item, layout)

    @property
    def left(self) -> bool:
        """Whether something of pip has to stay, here or in a script that a step runs."""
        return self.script_left or any(result.shell.left for result in self.results.values())

    @property
    def projects(self) -> frozenset[Path]:
        """The folders of the projects whose requirements come into the image and are named here."""
        entries = {entry.source for layout in self.layouts.values() for entry in layout.entries}
        entries |= {entry.source for item in self.source.items for entry in self._mounted(item)}
        return frozenset(
            install.project
            for path, install in self.facts.installs.items()
            if path in entries or (path.name in self.source.text and entries & {*path.parents})
        )

    def note(self, item: Step, level: Literal["left", "question", "note"], what: str, instead: str = "") -> None:
        """Tell a person of something at an instruction."""
        self.findings.append(Notice(self.path, item.line, level, what, instead))

    def layout(self, stage: Stage) -> ImageLayout:
        """What is where in a stage, as far as it was gone through."""
        if stage.number not in self.layouts:
            parent = self.layouts.get(stage.parent.number) if stage.parent else None
            layout = parent.copy() if parent else ImageLayout()
            name = stage.root.image
            layout.has_uv = layout.has_uv or (name_of(name) == "uv" and "python" in name)
            self.layouts[stage.number] = layout
        return self.layouts[stage.number]

    # --- what is copied ----------------------------------------------------------------------------------------------

    def _copy(self, item: Step, layout: ImageLayout) -> None:
        copied = item.copies
        if copied is None:
            what, instead = "pip in a here-document", "uv in it, where it is a script"
            self.findings += self._in_document(item, what, instead)
            return
        origin, sources, target = copied
        there = absolute(item, target)
        if name_of(origin) == "uv" != origin:
            layout.has_uv = True
        if there is None:
            return
        if origin:
            self._copy_stage(item, layout, origin, sources, there, into=target.endswith(("/", ".")))
            return
        for name in sources:
            plain = expand(name, item.env) or name
            other = [(path, False) for path in self.meant(name) if is_requirement(path, self.facts)]
            for found, folder in dict.fromkeys([*matches(self.context, plain, self.facts), *other]):
                into = target.endswith(("/", ".")) or len(sources) > 1 or self._is_folder(item, there, found, layout)
                path = there / found.name if into and not folder else there
                layout.entries.append(CopiedFile(path, found, folder, item.number))

    def meant(self, name: str) -> list[Path]:
        """The files that a name with a variable may mean: which of them is said when the image is built."""
        if not re.search(r"\$", name):
            return []
        pattern = re.sub(r"\$(?:\w+|\{[^}]*\})", "*", name)
        return [path for path, folder in matches(self.context, pattern, self.facts) if not folder]

    @staticmethod
    def _is_folder(item: Step, there: PurePosixPath, found: Path, layout: ImageLayout) -> bool:
        known = [entry.there for entry in layout.entries if entry.folder]
        return there == item.workdir or there in known or (not there.suffix and bool(found.suffix))

    def _copy_stage(
        self, item: Step, layout: ImageLayout, origin: str, sources: list[str], there: PurePosixPath, *, into: bool
    ) -> None:
        stage = self.source.stage(origin)
        if stage is None or stage is item.stage:
            return
        other = self.layout(stage)
        for name in sources:
            made = absolute(item, f"/{name.lstrip('/')}")
            if made is None:
                continue
            for venv in other.venvs:
                if PurePosixPath(venv).is_relative_to(made):
                    layout.venvs.append(str(there / PurePosixPath(venv).relative_to(made)))
            single = there / made.name if into else there
            for entry in list(other.entries):
                if entry.there == made and not entry.folder:
                    layout.entries.append(CopiedFile(single, entry.source, folder=False, number=item.number))
                elif entry.there.is_relative_to(made):
                    moved = there / entry.there.relative_to(made)
                    layout.entries.append(CopiedFile(moved, entry.source, entry.folder, item.number))
            if (found := other.locate(made, self.facts)) is not None and found in self.facts.files:
                layout.entries.append(CopiedFile(single, found, folder=False, number=item.number))

    # --- what is run -------------------------------------------------------------------------------------------------

    def place(self, item: Step, layout: ImageLayout) -> ExecutionContext:
        """Where a text runs that stands at an instruction."""
        user = self.ahead.user_target.get(item.stage.number) or lookahead.user_environment(item)
        environment = lookahead.environment(item, layout.venvs)
        if environment == lookahead.user_environment(item):
            environment = user
        active = item.env.get("VIRTUAL_ENV", "")
        return ExecutionContext(
            path=self.path, kind="build", environment=environment, user_environment=user,
            project_environment=item.env.get("UV_PROJECT_ENVIRONMENT") or layout.project_environment,
            active=active, before=tuple(layout.syncs), extra=layout.extra, names=self._names(item, layout),
            wheels=frozenset(self.ahead.wheels.get(item.stage.number, ())),
            wheel_environment=self.ahead.wheel_environment.get(item.stage.number, ""),
            dialect=Dialect(docker=item.document is None, escape=self.source.dialect.escape),
            cached=item.verb != "RUN" or self.cache(item) is not None,
            managed=lookahead.managed(self.source, item, self.facts),
        )  # fmt: skip

    def _names(self, item: Step, layout: ImageLayout) -> Names:
        """What the names in a text mean that stands at an instruction."""
        entries = [*layout.entries, *self._mounted(item)]
        inside = replace(layout, entries=entries)

        def locate(name: str) -> Path | None:
            values = {key: value for key, value in item.env.items() if key not in self._arguments(item.stage)}
            made = expand(name, values)
            found = absolute(item, made) if made is not None else None
            located = inside.locate(found, self.facts) if found is not None else None
            if located is None and found is not None and not any(one.verb == "WORKDIR" for one in item.stage.lineage):
                # The image's own folder is not known: a file of that name is the one.
                named = {entry.source for entry in entries if entry.there.name == found.name and not entry.folder}
                located = named.pop() if len(named) == 1 and not name.startswith("/") else None
            return located

        def spell(project: Path) -> str | None:
            there = self._where(inside, project, item.workdir)
            return None if there is None else spelled(there, item.workdir)

        def whole(name: str) -> str:
            found = absolute(item, name)
            return str(found) if found is not None else name

        def enter(name: str) -> Names:
            return self._names(replace(item, workdir=absolute(item, name)), layout)

        return Names(locate=locate, spell=spell, whole=whole, enter=enter)

    def _where(self, layout: ImageLayout, project: Path, workdir: PurePosixPath | None) -> PurePosixPath | None:
        found = layout.places(project, self.facts)
        if workdir in found:
            return workdir
        if found and found[0] == PurePosixPath("/") and workdir is not None:
            # A folder of requirements beside the root has no place for a project: that is where the app is.
            there = [entry for entry in layout.entries if entry.source.is_relative_to(project) and
                     (not entry.folder or is_requirement(entry.source, self.facts))]  # fmt: skip
            if all(entry.folder for entry in there if root_of(entry, project) == found[0]):
                return workdir
        return found[0] if found else None

    def _arguments(self, stage: Stage) -> set[str]:
        """The variables that a build may be given: what they are is not known."""
        return {name for step in stage.lineage if step.verb == "ARG" for name in step.names}

    def cache(self, item: Step) -> str | None:
        """The cache mount of uv at a step; ``None`` where its user's number or home cannot be told."""
        folder = item.env.get("UV_CACHE_DIR")
        if not folder:
            base = item.env.get("XDG_CACHE_HOME")
            found = home(item)
            folder = f"{base}/uv" if base else f"{found}/.cache/uv" if found else None
        if folder is None:
            return None
        mount = f"--mount=type=cache,target={folder}"
        if item.is_root:
            return mount
        numbers = ids(item)
        return f"{mount},uid={numbers[0]},gid={numbers[1]}" if numbers else None

    def _mounted(self, item: Step) -> list[CopiedFile]:
        found = []
        for mount in _binds(item):
            name = mount["source"] or "."
            target = absolute(item, mount["target"] or name)
            for one, folder in matches(self.context, name, self.facts) if target is not None else ():
                found.append(CopiedFile(target or PurePosixPath(), one, folder, item.number))
        return found

    def _run(self, item: Step, layout: ImageLayout) -> None:
        place = self.place(item, layout)
        made, body = self._converted(item, place)
        if found := _first(made, place):
            # What the stage's first sync installs to is what the variable says from there on.
            layout.project_environment = found
            place = replace(place, project_environment=found)
            made, body = self._converted(item, place)
        self.findings += made.findings
        calls = self._scripts(item, place, layout)
        for call in (made, *calls):
            if call.calls_uv:
                self._remember(item, layout, call)
        calls_uv = made.calls_uv or any(call.calls_uv for call in calls)
        result = RunResult(item, made, body, calls_uv and item.verb == "RUN")
        self.results[item.number] = result
        if calls_uv:
            self._arrive(item, layout, made.syncs or tuple(sync for call in calls for sync in call.syncs))
            if not place.cached and item.verb == "RUN":
                self.note(item, "note", "the number of the user is not known, so uv has no cache mount here",
                          "--mount=type=cache,target=HOME/.cache/uv,uid=…,gid=…")  # fmt: skip
        if made.syncs and made.calls_uv and item.verb == "RUN":
            self._order(item, layout, result)

    def _converted(self, item: Step, place: ExecutionContext) -> tuple[Shell, str | None]:
        if item.body.text.startswith("["):
            return self._exec_form(item, replace(place, line=self.source.line_of(item.body.start)))
        part = item.document or item.body
        if item.document is None and item.documents:
            return self._documents(item)
        place = replace(place, line=self.source.line_of(part.start), gone=self._gone(item, place))
        made = rewrite.convert(part.text, self.facts, place)
        if not made.text:
            return made, None
        start, end = part.start - item.body.start, part.end - item.body.start
        return made, item.body.text[:start] + made.text + item.body.text[end:]

    def _exec_form(self, item: Step, place: ExecutionContext) -> tuple[Shell, str | None]:
        words = item.exec_form
        if not words:
            return Shell(item.body.text), item.body.text
        after, made = rewrite.convert_words(words, self.facts, place)
        if after == words:
            return made, item.body.text
        return made, json.dumps(after, ensure_ascii=False) if after else None

    def _documents(self, item: Step) -> tuple[Shell, str]:
        """Here-documents that no shell reads: what they say of pip is left."""
        what, instead = "pip in a here-document that not only a shell reads", "`uv sync --locked` in it"
        found = self._in_document(item, what, instead)
        return Shell(item.body.text, (), tuple(found)), item.body.text

    def _in_document(self, item: Step, what: str, instead: str) -> list[Notice]:
        """What to say where an instruction's here-document has pip."""
        match = re.search(r"\bpip[\d.]*\s+install\b", item.body.text)
        line = self.source.line_of(item.body.start + match.end()) if match else 0
        return [Notice(self.path, line, "left", what, instead)] if match else []

    def _gone(self, item: Step, place: ExecutionContext) -> frozenset[str]:
        found: set[str] = set()
        layout = self.layout(item.stage)
        for at, (_, call) in enumerate(lookahead.calls(item, self.source.dialect)):
            if call is None or call.kind != "venv" or not call.operands:
                continue
            folder = place.names.whole(call.operands[0].text)
            if folder not in layout.venvs:
                layout.venvs.append(folder)
            if (layout.project_environment or folder) != folder:
                continue
            if lookahead.sync_follows(self.source, item, at, folder, layout.venvs):
                found.add(folder)
        return frozenset(found)

    def _scripts(self, item: Step, place: ExecutionContext, layout: ImageLayout) -> list[Shell]:
        """The scripts of the repo that a RUN calls, as they will be."""
        found: list[Shell] = []
        place = replace(place, before=tuple(layout.syncs))
        for path, there in called(item, self.source.dialect, place, self.facts.files):
            inside = there
            made = rewrite.convert(self.facts.files[path], self.facts, inside)
            if made.left:
                self.script_left = True
                self.note(item, "left", f"{path.as_posix()} uses pip, and this runs it", "see what is left there")
            elif made.changes:
                if first := _first(made, inside):
                    layout.project_environment = first
                    inside = replace(inside, project_environment=first)
                    made = rewrite.convert(self.facts.files[path], self.facts, inside)
                self.scripts.setdefault(path, inside)
                found.append(made)
        return found

    def _remember(self, item: Step, layout: ImageLayout, made: Shell) -> None:
        entries = [*layout.entries, *self._mounted(item)]
        inside = replace(layout, entries=entries)
        for sync in made.syncs:
            project = sync.install.project
            there = self._where(inside, project, item.workdir)
            layout.syncs.append(sync)
            if not sync.exported and sync.environment not in ("", "system", "/usr/local", *layout.venvs):
                layout.venvs.append(sync.environment)
            if there is None:
                continue
            mine = [entry for entry in entries if entry.source.is_relative_to(project) and
                    (not entry.folder or is_requirement(entry.source, self.facts))]  # fmt: skip
            here = [entry for entry in mine if root_of(entry, project) == there]
            # What an earlier sync has elsewhere stays there, where this one has its own.
            elsewhere = {one.number for one in self.used} if here else set()
            for entry in mine:
                if entry in here or entry.number not in elsewhere:
                    self.used.append(Used(entry.number, project, there))
        layout.extra = layout.extra or made.extra

    def _arrive(self, item: Step, layout: ImageLayout, syncs: Iterable[Sync]) -> None:
        """Uv and its variables come before the first step that needs them."""
        stage = item.stage.number
        inherited = self.layouts[item.stage.parent.number].project_environment if item.stage.parent else ""
        if layout.arrived and stage not in self.arrivals and layout.project_environment == inherited:
            return
        first = item.number
        if syncs:
            numbers = {one.number for one in self.used}
            first = min([one.number for one in self.source.items if one.stage is item.stage and one.number in numbers
                         and one.number < item.number and one.verb in ("COPY", "ADD")] + [first])  # fmt: skip
        self.arrivals[stage] = min(first, self.arrivals.get(stage, first))
        self.has_uv.setdefault(stage, layout.has_uv or layout.arrived)
        layout.arrived = True
        if layout.project_environment:
            self.environments[stage] = layout.project_environment

    # --- the order of layers -----------------------------------------------------------------------------------------

    def _order(self, item: Step, layout: ImageLayout, result: RunResult) -> None:
        """Install the dependencies before the source is copied, where nothing stands against it."""
        sync = result.shell.syncs[0]
        project = sync.install.project
        if self._brings_requirements(item, layout, project) or len(layout.syncs) > len(result.shell.syncs):
            return
        copied = next((one for one in layout.entries if one.folder and project.is_relative_to(one.source)), None)
        if copied is None or item.onbuild:
            return
        copy = self.source.items[copied.number]
        if not self._may_move(item, result.shell, copy):
            what = "the source is copied before: every change of it installs everything again"
            instead = "COPY pyproject.toml uv.lock, `uv sync --locked --no-install-project`, and COPY the source after"
            self.note(item, "note", what, f"{instead} it")
            return
        there = copied.there / project.relative_to(copied.source)
        folder = spelled(there, copy.workdir)
        text = re.sub(r" --project \S+| --no-install-project| --no-editable", "", result.shell.text.strip())
        text = text.replace("uv sync", f"uv sync --project {folder}" if folder else "uv sync", 1)
        option = self.facts.lock_option(project)
        text = re.sub("--(?:locked|frozen)", f"{option} --no-install-project", text, count=1)
        result.early = (text, copy.number)
        self.used.append(Used(-copy.number, project, there))
        self.arrivals[item.stage.number] = min(copy.number, self.arrivals.get(item.stage.number, copy.number))
        if not sync.itself:
            result.body = None

    def _brings_requirements(self, item: Step, layout: ImageLayout, project: Path) -> bool:
        """Whether single files of requirements come before a step: then the source comes after them already."""
        numbers = {used.number for used in self.used if used.project == project}
        entries = [one for one in (*layout.entries, *self._mounted(item)) if one.number in numbers and not one.folder]
        return any(is_requirement(one.source, self.facts) for one in entries)

    def _may_move(self, item: Step, shell: Shell, copy: Step) -> bool:
        """Whether what a RUN installs can be installed before ``copy``: it is one sync, and no step between counts."""
        between = self.source.items[copy.number + 1 : item.number]
        alone = all(self._is_sync(part) for part in re.split(r"&&|\n", shell.text.replace("\\\n", " ")))
        together = copy.stage is item.stage and copy.user == item.user
        return (
            together
            and alone
            and len(shell.syncs) == 1
            and all(one.verb in _HARMLESS and not any(map(_FOR_INSTALLS.fullmatch, one.names)) for one in between)
        )

    @staticmethod
    def _is_sync(text: str) -> bool:
        return bool(re.match(r"\s*(?:[A-Z_]+=\S+ )*uv sync\b[^;|&<>]*$", text)) or not text.strip()


def _binds(item: Step) -> list[dict[str, str]]:
    return [mount for mount in item.mounts if mount["type"] == "bind" and not mount.get("from")]


def _first(made: Shell, place: ExecutionContext) -> str:
    """Where the first sync installs to, while no variable says it."""
    found = [sync.environment for sync in made.syncs if not sync.exported and sync.environment not in ("", "system")]
    return found[0] if found and not place.project_environment else ""
