"""GitHub Actions: setup-python with pip's cache becomes setup-uv, and the steps that install follow.

A job is converted whole or not at all: half of it with pip and half with uv would install to two environments.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from uvdock.formats import yaml_edits
from uvdock.formats.edits import TextChange, changed, indent_of, line_at, line_end, line_start
from uvdock.formats.yaml import Value
from uvdock.migrate.commands import rewrite
from uvdock.migrate.commands.context import ExecutionContext
from uvdock.migrate.commands.rewrite import Shell
from uvdock.migrate.commands.sync import Sync
from uvdock.migrate.model import Converted, Notice, RepoFacts
from uvdock.migrate.text import MENTIONS, locate, manifests, meant, normal, same_line_ends, unique

#: By its commit, for a tag could be moved (https://github.com/astral-sh/setup-uv/releases/tag/v8.3.2).
SETUP_UV = "astral-sh/setup-uv@11f9893b081a58869d3b5fccaea48c9e9e46f990 # v8.3.2"
_SETUP_PYTHON = re.compile(r"actions/setup-python@")
#: What of setup-python has a like in setup-uv; with anything else, setup-python stays.
_KNOWN = {"python-version", "python-version-file", "cache", "cache-dependency-path", "token"}
_VERSION = re.compile(r"\d+(\.\d+){0,2}$|\$\{\{[^}]*\}\}$")
_HASH_FILES = re.compile(r"hashFiles\(([^)]*)\)")
_OTHER_SHELLS = ("pwsh", "powershell", "cmd", "python")


def is_workflow(path: Path, _: str = "") -> bool:
    """Whether this is a workflow of GitHub Actions, or an action of the repo's own."""
    yaml = path.suffix in (".yml", ".yaml")
    return yaml and (path.parent.parts[-2:] == (".github", "workflows") or path.name in ("action.yml", "action.yaml"))


@same_line_ends
def convert(path: Path, content: str, facts: RepoFacts) -> Converted:
    """Put uv in the place of pip in a workflow.

    Args:
        path: The file, from the repo root.
        content: Its text.
        facts: What is known of the repo.

    Returns:
        The new text, and what stays for a person.
    """
    if not MENTIONS.search(content) and "setup-python@" not in content:
        return Converted(content)
    root = yaml_edits.read(content, path.name)
    if root is None:
        what = "this is not valid YAML, and it mentions pip"
        left = Notice(path, 0, "left", what, "correct it, and run it again")
        return Converted(content, (left,) if MENTIONS.search(content) else ())
    made = _triggers(path, content, root, facts)
    folder = _working_directory(root)
    jobs = root.get("jobs")
    parts = [job for _, job in jobs.items()] if jobs is not None else [root.get("runs") or root]
    # An alias is its anchor's node: what it stands for is written once.
    for part in {id(part.node): part for part in parts}.values():
        job = _Job(path, content, part, facts, _working_directory(part) or folder).convert()
        made.changes += job.changes
        made.findings += job.findings
    return Converted(changed(content, made.changes), unique(made.findings))


@dataclass
class _JobChanges:
    changes: list[TextChange] = field(default_factory=list)
    findings: list[Notice] = field(default_factory=list)


@dataclass
class _Job:
    path: Path
    content: str
    job: Value
    facts: RepoFacts
    folder: str
    made: _JobChanges = field(default_factory=_JobChanges)
    syncs: list[Sync] = field(default_factory=list)

    def convert(self) -> _JobChanges:
        steps = list(self.job.get("steps") or ())
        users = [step for step in steps if self._mentions(step)]
        setups = [step for step in steps if _uses(step, _SETUP_PYTHON)]
        has_uv = [step for step in steps if _uses(step, re.compile(r"astral-sh/setup-uv@"))]
        cached = [step for step in setups if (cache := step.get("with", "cache")) and cache.text in _PACKAGERS]
        calling = next((step for step in steps if self._calls_uv(step)), None) if setups and not has_uv else None
        if not users and not cached and calling is None:
            return self.made
        problem = self._steps(users)
        if problem is None and (self.syncs or has_uv or calling is not None):
            problem = self._python_by_path(setups) or self._ready(setups, users or cached or setups, has_uv)
        elif problem is None:
            # Tools of the job's own, or pip is only spoken of: that works as before, but for a cache made of
            # files that are gone.
            self.made.changes.clear()
            gone = [step for step in cached if "requirements" in _text_of(step, "with", "cache-dependency-path")]
            problem = self._without_cache(gone)
        if problem is not None:
            return self._as_it_is(problem)
        self._caches(steps)
        return self.made

    def _ready(self, setups: list[Value], users: list[Value], has_uv: list[Value]) -> Notice | None:
        """Have uv before the steps that use it; with a step that sets it up already, only pip's cache goes."""
        if has_uv:
            return self._without_cache(setups)
        own = {id(step.node) for step in setups}
        first = next((step for step in users if id(step.node) not in own), users[0])
        return self._set_up(setups, first)

    def _mentions(self, step: Value) -> bool:
        run = step.get("run")
        return run is not None and MENTIONS.search(run.text) is not None

    def _calls_uv(self, step: Value) -> bool:
        """Whether a step runs `make` or a script of the repo that calls uv now: the runner has none of its own."""
        from uvdock.migrate.converters import scripts

        run = step.get("run")
        folder = normal(Path(_text_of(step, "working-directory") or self.folder or "."))
        return run is not None and scripts.call_uv(run.text, folder, self.facts)

    def _as_it_is(self, problem: Notice) -> _JobChanges:
        line = line_at(self.content, int(self.job.node.start_mark.index))
        kept = [item for item in self.made.findings if item.level != "note"]
        if problem not in kept:
            kept.append(problem)
        what = "this job stays with pip, for one of its steps cannot be converted"
        instead = f"change that step, or write the job by hand: uses: {SETUP_UV}; run: uv sync --locked"
        return _JobChanges([], [Notice(self.path, line, "left", what, instead), *kept])

    # --- what is run --------------------------------------------------------------------------------------------------

    def _steps(self, steps: Iterable[Value]) -> Notice | None:
        """Convert what the steps run; a finding where one of them cannot be."""
        for step in steps:
            run = step.get("run")
            assert run is not None
            line = line_at(self.content, int(run.node.start_mark.index))
            shell = step.get("shell")
            if shell is not None and shell.text.split(" ")[0] in _OTHER_SHELLS:
                what = f"pip runs in {shell.text} here, which uvdock does not read"
                return Notice(self.path, line, "left", what, "write what it installs as `uv sync --locked`")
            folder = normal(Path(_text_of(step, "working-directory") or self.folder or "."))

            def convert(text: str, at: int, folder: Path = folder) -> Shell:
                return rewrite.convert(text, self.facts, self._place(folder, at))

            made = yaml_edits.shell_changes(self.content, run, convert)
            if made is None:
                what = "pip runs here, in a text whose layout keeps it from being changed"
                return Notice(self.path, line, "left", what, "write it as a block: run: |")
            changes, result = made
            bad = [item for item in result.findings if item.level != "note"]
            self.made.findings += result.findings
            if bad or result.left:
                return bad[0] if bad else Notice(self.path, line, "left", "pip stays in this step", "")
            self.syncs += result.syncs
            if result.text.strip():
                self.made.changes += changes
            elif (lines := yaml_edits.lines_of_item(self.content, step)) and step.get("id") is None:
                self.made.changes.append(TextChange(*lines, ""))
            else:
                return Notice(self.path, line, "left", "this step has nothing left to do", "take the step out")
        return None

    def _place(self, folder: Path, line: int) -> ExecutionContext:
        return ExecutionContext(
            self.path,
            "ci",
            line=line,
            folder=folder,
            before=tuple(self.syncs),
            locate=lambda name: meant(name, folder, self.facts),
        )

    # --- setting up ---------------------------------------------------------------------------------------------------

    def _set_up(self, setups: list[Value], first: Value) -> Notice | None:
        """Have uv and an active environment before the first step that needs them."""
        own = self._inputs()
        if not setups:
            return self._insert_before(first, own)
        for step in setups:
            if _is_plain_step(step) and self._replaceable(step):
                self._replace(step, own)
            else:
                problem = self._without_cache([step]) or self._insert_after(step, own)
                if problem is not None:
                    return problem
        return None

    def _python_by_path(self, setups: list[Value]) -> Notice | None:
        """A step that calls setup-python's own interpreter by its path, where uv installs nothing."""
        for step in setups:
            name = _text_of(step, "id")
            at = self.content.find(f"steps.{name}.outputs.python-path") if name else -1
            if at >= 0:
                what = "this calls the Python of setup-python by its path, and uv installs to .venv"
                return Notice(self.path, line_at(self.content, at), "left", what, "write `python`, or `uv run python`")
        return None

    def _inputs(self) -> list[str]:
        folders = {sync.install.project for sync in self.syncs} or {Path()}
        own = [f'version: "{self.facts.uv}"', "enable-cache: true", "activate-environment: true"]
        if len(folders) == 1 and (folder := next(iter(folders))) != Path():
            own.append(f"working-directory: {folder.as_posix()}")
        return own

    def _replaceable(self, step: Value) -> bool:
        """Whether setup-uv can do all that this setup-python does."""
        given = step.get("with")
        inputs = dict(given.items()) if given is not None else {}
        if step.get("id") is not None or not inputs.keys() <= _KNOWN:
            return False
        version = inputs.get("python-version")
        if version is None:
            return inputs.get("python-version-file") is None or self._is_own_file(inputs["python-version-file"].text)
        text = version.text
        if not _VERSION.match(text):
            return False
        variable = re.fullmatch(r"\$\{\{\s*matrix\.([\w-]+)\s*\}\}", text)
        values = self.job.get("strategy", "matrix", variable[1]) if variable else None
        if variable and values is None:
            return False
        return all(re.fullmatch(r"\d+(\.\d+){0,2}", item.text) for item in values or ())

    def _is_own_file(self, name: str) -> bool:
        folders = {sync.install.project for sync in self.syncs} or {Path()}
        own = {(folder / one).as_posix() for folder in folders for one in (".python-version", "pyproject.toml")}
        return len(folders) == 1 and normal(Path(name)).as_posix() in own

    def _replace(self, step: Value, own: list[str]) -> None:
        uses = step.get("uses")
        assert uses is not None
        start = int(uses.node.start_mark.index)
        self.made.changes.append(TextChange(start, _end_of_line(self.content, start), SETUP_UV))
        inputs = yaml_edits.mapping_entry(step, "with")
        if inputs is not None and inputs[1].node.flow_style:
            self._replace_in_line(inputs[1], own)
            return
        if inputs is None:
            lead = " " * _column(self.content, step)
            lines = "".join(f"\n{lead}  {item}" for item in own)
            self.made.changes.append(TextChange(end := _end_of_line(self.content, start), end, f"\n{lead}with:{lines}"))
            return
        entries = inputs[1].node.value
        lead = indent_of(self.content, int(entries[0][0].start_mark.index))
        first = line_start(self.content, int(entries[0][0].start_mark.index))
        self.made.changes.append(TextChange(first, first, f"{lead}{own[0]}\n"))
        rest = own[1:]
        for key, value in entries:
            if key.value in ("cache", "cache-dependency-path", "python-version-file", "token"):
                begin = line_start(self.content, int(key.start_mark.index))
                stop = _value_end(self.content, key, value)
                self.made.changes.append(TextChange(begin, stop, ""))
        last = _value_end(self.content, *entries[-1])
        missing = "" if self.content[:last].endswith("\n") else "\n"
        text = missing + "".join(f"{lead}{item}\n" for item in rest)
        self.made.changes.append(TextChange(last, last, text[: -1 if missing else None]))

    def _replace_in_line(self, inputs: Value, own: list[str]) -> None:
        """The inputs of a mapping on one line: `with: {python-version: "3.13", cache: pip}`."""
        gone = ("cache", "cache-dependency-path", "python-version-file", "token")
        kept = [
            self.content[int(key.start_mark.index) : int(value.end_mark.index)]
            for key, value in inputs.node.value
            if key.value not in gone
        ]
        start, end = int(inputs.node.start_mark.index), int(inputs.node.end_mark.index)
        gap = " " if self.content[start + 1 : start + 2] == " " else ""
        made = ", ".join([own[0], *kept, *own[1:]])
        self.made.changes.append(TextChange(start, end, f"{{{gap}{made}{gap}}}"))

    def _without_cache(self, setups: list[Value]) -> Notice | None:
        """Take pip's cache out of setup-python: without pip there is nothing to cache, and that fails."""
        for step in setups:
            inputs = yaml_edits.mapping_entry(step, "with")
            entries = inputs[1].node.value if inputs is not None else []
            for key, value in entries:
                if key.value not in ("cache", "cache-dependency-path"):
                    continue
                line = line_at(self.content, int(key.start_mark.index))
                if inputs is not None and inputs[1].node.flow_style:
                    return Notice(self.path, line, "left", "the inputs are written in one line", "write a block")
                begin = line_start(self.content, int(key.start_mark.index))
                if len([1 for other, _ in entries if other.value not in ("cache", "cache-dependency-path")]) == 0:
                    assert inputs is not None
                    begin = line_start(self.content, int(inputs[0].start_mark.index))
                self.made.changes.append(TextChange(begin, _value_end(self.content, key, value), ""))
        return None

    def _step_text(self, lead: str, own: list[str]) -> str:
        body = "".join(f"{lead}    {item}\n" for item in own)
        return f"{lead}- uses: {SETUP_UV}\n{lead}  with:\n{body}"

    def _insert_before(self, step: Value, own: list[str]) -> Notice | None:
        lines = yaml_edits.lines_of_item(self.content, step)
        if lines is None:
            line = line_at(self.content, int(step.node.start_mark.index))
            return Notice(self.path, line, "left", "this step is written in one line", "write it as a block")
        lead = indent_of(self.content, int(step.node.start_mark.index))
        self.made.changes.append(TextChange(lines[0], lines[0], self._step_text(lead, own)))
        return None

    def _insert_after(self, step: Value, own: list[str]) -> Notice | None:
        lines = yaml_edits.lines_of_item(self.content, step)
        if lines is None:
            line = line_at(self.content, int(step.node.start_mark.index))
            return Notice(self.path, line, "left", "this step is written in one line", "write it as a block")
        lead = indent_of(self.content, int(step.node.start_mark.index))
        missing = "" if self.content[: lines[1]].endswith("\n") else "\n"
        self.made.changes.append(TextChange(lines[1], lines[1], missing + self._step_text(lead, own)))
        return None

    # --- caches -------------------------------------------------------------------------------------------------------

    def _caches(self, steps: list[Value]) -> None:
        """A step that keeps pip's cache goes, for setup-uv keeps uv's; a key made of requirements is one of uv.lock."""
        for step in steps:
            inputs = step.get("with")
            path = step.get("with", "path")
            uses = step.get("uses")
            if inputs is None or uses is None or not uses.text.startswith("actions/cache"):
                continue
            lines = yaml_edits.lines_of_item(self.content, step)
            paths = path.text.split() if path is not None else []
            if lines is not None and paths and all(".cache/pip" in one for one in paths) and step.get("id") is None:
                self.made.changes.append(TextChange(*lines, ""))
                continue
            for value in (value for _, value in inputs.items()):
                start, stop = int(value.node.start_mark.index), int(value.node.end_mark.index)
                for match in _HASH_FILES.finditer(self.content[start:stop]):
                    if "requirements" in match[1]:
                        self.made.changes.append(
                            TextChange(start + match.start(), start + match.end(), "hashFiles('**/uv.lock')")
                        )


_PACKAGERS = ("pip", "pipenv", "poetry")


def _triggers(path: Path, content: str, root: Value, facts: RepoFacts) -> _JobChanges:
    """``on.push.paths`` that name a requirements file: a change of the lock has to start the workflow as well."""
    made = _JobChanges()
    events = root.get("on") or root.get("True") or root.get("true")
    for event, value in events.items() if events is not None else ():
        for paths in (value.get("paths"), value.get("paths-ignore")):
            there = {item.text for item in paths or ()}
            for item in paths or ():
                if (new := _in_its_place(item.text, facts)) is None:
                    continue
                names, is_known = new
                fresh = [one for one in names if one not in there]
                there |= set(names)
                changes = yaml_edits.item_changes(content, item, fresh or names) if is_known else None
                if changes and not fresh:
                    at = line_start(content, changes[0].start)
                    made.changes.append(TextChange(at, line_end(content, at), ""))
                elif changes:
                    made.changes.append(changes[0])
                else:
                    what = f"{event} looks at {item.text}, and dependencies are in pyproject.toml and uv.lock now"
                    line = line_at(content, int(item.node.start_mark.index))
                    made.findings.append(Notice(path, line, "left", what, f"name {' and '.join(names)} too"))
    return made


def _in_its_place(pattern: str, facts: RepoFacts) -> tuple[list[str], bool] | None:
    """The files that take the place of a requirements file in a list of paths, and whether that file is known."""
    name = pattern.lstrip("!")
    if "requirements" not in name and name not in ("setup.py", "Pipfile", "Pipfile.lock", "poetry.lock"):
        return None
    if found := locate(name, Path(), facts):
        return list(manifests(facts.installs[found])), True
    deep = "**/" if name.startswith("**/") else ""
    return ([f"{deep}pyproject.toml", f"{deep}uv.lock"], False) if "*" in name else None


def _working_directory(node: Value) -> str:
    found = node.get("defaults", "run", "working-directory")
    return found.text if found is not None else ""


def _text_of(node: Value, *path: str) -> str:
    found = node.get(*path)
    return found.text if found is not None else ""


def _uses(step: Value, action: re.Pattern[str]) -> bool:
    uses = step.get("uses")
    return uses is not None and action.match(uses.text) is not None


def _is_plain_step(step: Value) -> bool:
    inputs = step.get("with")
    lines = inputs.node.end_mark.line - inputs.node.start_mark.line if inputs is not None else 0
    inline = inputs is not None and (not inputs.node.value or (inputs.node.flow_style and lines > 0))
    return not step.node.flow_style and not inline


def _column(content: str, step: Value) -> int:
    start = int(step.node.start_mark.index)
    return start - line_start(content, start)


def _end_of_line(content: str, index: int) -> int:
    end = line_end(content, index)
    return end - 1 if content[:end].endswith("\n") else end


def _value_end(content: str, key: object, value: object) -> int:
    """Where the lines of an entry end, those of a block text too."""
    start = int(key.start_mark.index)  # type: ignore[attr-defined]
    depth = start - line_start(content, start)
    at = line_end(content, start)
    end = at
    del value
    while at < len(content):
        after = line_end(content, at)
        line = content[at:after]
        if line.strip() and len(line) - len(line.lstrip(" ")) <= depth:
            break
        at = after
        if line.strip():
            end = after
    return end
