"""GitHub Actions: setup-python with pip's cache becomes setup-uv, and the steps that install follow.

A job is converted whole or not at all: half of it with pip and half with uv would install to two environments.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from pathlib import Path

from uvdock.formats import yaml_edits
from uvdock.formats.edits import indent_of, line_end, line_start
from uvdock.formats.yaml import Value
from uvdock.migrate.commands import rewrite
from uvdock.migrate.commands.sync import Sync
from uvdock.migrate.converters import scripts, watched
from uvdock.migrate.model import Converted, Notice, RepoFacts
from uvdock.migrate.text import MENTIONS, Draft, normal, not_yaml, same_line_ends

#: By its commit, for a tag could be moved (https://github.com/astral-sh/setup-uv/releases/tag/v8.3.2).
SETUP_UV = "astral-sh/setup-uv@11f9893b081a58869d3b5fccaea48c9e9e46f990 # v8.3.2"
_CACHE = ("cache", "cache-dependency-path")
#: The inputs of setup-python that setup-uv needs not; with any but these and the version, setup-python stays.
_NEEDLESS = (*_CACHE, "python-version-file", "token")
_PACKAGERS = ("pip", "pipenv", "poetry")
_VERSION = re.compile(r"\d+(\.\d+){0,2}")
_MATRIX = re.compile(r"\$\{\{\s*matrix\.([\w-]+)\s*\}\}")
_HASH_FILES = re.compile(r"hashFiles\(([^)]*)\)")
_OTHER_SHELLS = ("pwsh", "powershell", "cmd", "python")


def is_workflow(path: Path, _: str = "") -> bool:
    """Whether this is a workflow of GitHub Actions, or an action of the repo's own."""
    yaml = path.suffix in (".yml", ".yaml")
    return yaml and (path.parent.parts[-2:] == (".github", "workflows") or path.name in ("action.yml", "action.yaml"))


@same_line_ends
def convert(path: Path, content: str, facts: RepoFacts) -> Converted:
    """Put uv in the place of pip in a workflow."""
    if not MENTIONS.search(content) and "setup-python@" not in content:
        return Converted(content)
    root = yaml_edits.read(content, path.name)
    if root is None:
        return not_yaml(path, content)
    draft = Draft(path, content, facts)
    _triggers(draft, root)
    for part in [job for _, job in root.distinct("jobs")] or [root.get("runs") or root]:
        folder = _working_directory(part) or _working_directory(root)
        job = _Job(path, content, facts, job=part, folder=folder)
        job.convert()
        draft.changes += job.changes
        draft.findings += job.findings
    return draft.converted()


class _StaysError(Exception):
    """A step that cannot be converted, so that its job stays."""

    def __init__(self, notice: Notice) -> None:
        self.notice = notice


@dataclass(kw_only=True)
class _Job(Draft):
    job: Value
    folder: str
    syncs: list[Sync] = field(default_factory=list)

    def convert(self) -> None:
        try:
            self._convert(list(self.job.get("steps") or ()))
        except _StaysError as problem:
            what = "this job stays with pip, for one of its steps cannot be converted"
            instead = f"change that step, or write the job by hand: uses: {SETUP_UV}; run: uv sync --locked"
            bad = [item for item in self.findings if item.level != "note"]
            self.changes, self.findings = [], []
            self.leave(self.job.start, what, instead)
            self.findings += dict.fromkeys([*bad, problem.notice])

    def _convert(self, steps: list[Value]) -> None:
        setups, has_uv = _using(steps, "actions/setup-python@"), bool(_using(steps, "astral-sh/setup-uv@"))
        cached = [step for step in setups if step.text_at("with", "cache") in _PACKAGERS]
        with_pip = [step for step in steps if MENTIONS.search(step.text_at("run"))]
        # The runner has no uv of its own for a script that calls it now.
        calls_uv = bool(setups) and not has_uv and any(self._calls_uv(step) for step in steps)
        if not (with_pip or cached or calls_uv):
            return
        for step in with_pip:
            self._run(step)
        calls_uv = calls_uv or bool(self.syncs)
        if calls_uv or has_uv:
            self._python_by_path(setups)
        else:
            # Tools of the job's own, or pip is only spoken of: that works as before, but for a cache made of
            # files that are gone.
            self.changes.clear()
            setups = [step for step in cached if "requirements" in step.text_at("with", "cache-dependency-path")]
        if calls_uv and not has_uv:
            self._set_up(setups, with_pip)
        else:
            self._without_cache(setups)
        self._caches(steps)

    def _stays(self, node: Value, what: str, instead: str) -> _StaysError:
        return _StaysError(Notice(self.path, node.line, "left", what, instead))

    def _folder_of(self, step: Value) -> Path:
        return normal(Path(step.text_at("working-directory") or self.folder or "."))

    def _calls_uv(self, step: Value) -> bool:
        return scripts.call_uv(step.text_at("run"), self._folder_of(step), self.facts)

    # --- what is run --------------------------------------------------------------------------------------------------

    def _run(self, step: Value) -> None:
        """Convert what a step runs."""
        run = step.get("run")
        assert run is not None
        shell = step.text_at("shell")
        if shell.split(" ")[0] in _OTHER_SHELLS:
            what = f"pip runs in {shell} here, which uvdock does not read"
            raise self._stays(run, what, "write what it installs as `uv sync --locked`")
        folder = self._folder_of(step)
        place = replace(self.place(folder, kind="ci"), before=tuple(self.syncs))
        made = yaml_edits.shell_changes(
            self.content, run, lambda text, line: rewrite.convert(text, self.facts, replace(place, line=line))
        )
        if made is None:
            what = "pip runs here, in a text whose layout keeps it from being changed"
            raise self._stays(run, what, "write it as a block: run: |")
        changes, result = made
        self.findings += result.findings
        if bad := [item for item in result.findings if item.level != "note"]:
            raise _StaysError(bad[0])
        if result.left:
            raise self._stays(run, "pip stays in this step", "")
        self.syncs += result.syncs
        if result.text.strip():
            self.changes += changes
        elif (lines := yaml_edits.lines_of_item(self.content, step)) and step.get("id") is None:
            self.change(*lines)
        else:
            raise self._stays(run, "this step has nothing left to do", "take the step out")

    def _python_by_path(self, setups: list[Value]) -> None:
        """No step may call setup-python's own interpreter by its path, where uv installs nothing."""
        for step in setups:
            name = step.text_at("id")
            at = self.content.find(f"steps.{name}.outputs.python-path") if name else -1
            if at >= 0:
                what = "this calls the Python of setup-python by its path, and uv installs to .venv"
                self.leave(at, what, "write `python`, or `uv run python`")
                raise _StaysError(self.findings[-1])

    # --- setting up ---------------------------------------------------------------------------------------------------

    def _set_up(self, setups: list[Value], users: list[Value]) -> None:
        """Have uv and an active environment where setup-python was, else after it, else before what uses pip."""
        if not setups:
            self._insert(users[0])
        for step in setups:
            if self._replaceable(step):
                self._replace(step)
            else:
                self._without_cache([step])
                self._insert(step, after=True)

    def _folders(self) -> set[Path]:
        return {sync.install.project for sync in self.syncs} or {Path()}

    def _inputs(self) -> list[str]:
        """The inputs of setup-uv."""
        own = [f'version: "{self.facts.uv}"', "enable-cache: true", "activate-environment: true"]
        if len(folders := self._folders()) == 1 and (folder := folders.pop()) != Path():
            own.append(f"working-directory: {folder.as_posix()}")
        return own

    def _replaceable(self, step: Value) -> bool:
        """Whether setup-uv can do all that this setup-python does, and the step is laid out for it."""
        given = step.get("with")
        if given is not None:
            several = "\n" in self.content[given.start : given.end]
            if not given.node.value or (given.is_flow and several):
                return False
        inputs = dict(given.items()) if given is not None else {}
        if step.is_flow or step.get("id") is not None or not inputs.keys() <= {*_NEEDLESS, "python-version"}:
            return False
        if "python-version" not in inputs:
            return "python-version-file" not in inputs or self._is_own_file(inputs["python-version-file"].text)
        version = inputs["python-version"].text
        if matrix := _MATRIX.fullmatch(version):
            values = self.job.get("strategy", "matrix", matrix[1])
            return values is not None and all(_VERSION.fullmatch(item.text) for item in values)
        return bool(_VERSION.fullmatch(version) or re.match(r"\$\{\{[^}]*\}\}$", version))

    def _is_own_file(self, name: str) -> bool:
        """Whether a file that names the Python is that of the one project."""
        own = {folder / one for folder in self._folders() for one in (".python-version", "pyproject.toml")}
        return len(self._folders()) == 1 and normal(Path(name)) in own

    def _replace(self, step: Value) -> None:
        first, *rest = self._inputs()
        uses, inputs = step.get("uses"), step.get("with")
        assert uses is not None
        end = line_end(self.content, uses.start) - 1
        if inputs is None:
            lead = " " * (step.start - line_start(self.content, step.start))
            own = "".join(f"\n{lead}  {item}" for item in (first, *rest))
            self.change(uses.start, end, f"{SETUP_UV}\n{lead}with:{own}")
            return
        self.change(uses.start, end, SETUP_UV)
        self.changes += yaml_edits.entry_changes(self.content, inputs, _NEEDLESS, [first], rest)

    def _without_cache(self, setups: list[Value]) -> None:
        """Take pip's cache out of setup-python: without pip there is nothing to cache, and that fails."""
        for step in setups:
            found = step.entry("with")
            entries = found[1].entries() if found is not None else []
            caches = [key for key, _ in entries if key.text in _CACHE]
            if found is None or not caches:
                continue
            if found[1].is_flow:
                raise self._stays(caches[0], "the inputs are written in one line", "write a block")
            for key in caches if len(caches) < len(entries) else [found[0]]:
                self.change(*yaml_edits.lines_of_entry(self.content, key))

    def _insert(self, step: Value, *, after: bool = False) -> None:
        """Set uv up in a step of its own, before another step or after it."""
        lines = yaml_edits.lines_of_item(self.content, step)
        if lines is None:
            raise self._stays(step, "this step is written in one line", "write it as a block")
        lead = indent_of(self.content, step.start)
        inputs = "".join(f"{lead}    {item}\n" for item in self._inputs())
        at = lines[after]
        self.change(at, at, f"{lead}- uses: {SETUP_UV}\n{lead}  with:\n{inputs}")

    # --- caches -------------------------------------------------------------------------------------------------------

    def _caches(self, steps: list[Value]) -> None:
        """A step that keeps pip's cache goes, for setup-uv keeps uv's; a key made of requirements is one of uv.lock."""
        for step in steps:
            inputs = step.get("with")
            if inputs is None or not step.text_at("uses").startswith("actions/cache"):
                continue
            lines = yaml_edits.lines_of_item(self.content, step)
            paths = inputs.text_at("path").split()
            if lines is not None and paths and all(".cache/pip" in one for one in paths) and step.get("id") is None:
                self.change(*lines)
                continue
            for value in dict(inputs.items()).values():
                for match in _HASH_FILES.finditer(self.content, value.start, value.end):
                    if "requirements" in match[1]:
                        self.change(*match.span(), "hashFiles('**/uv.lock')")


def _using(steps: list[Value], action: str) -> list[Value]:
    return [step for step in steps if step.text_at("uses").startswith(action)]


def _triggers(draft: Draft, root: Value) -> None:
    """``on.push.paths`` that name a requirements file: a change of the lock has to start the workflow as well."""
    events = root.get("on") or root.get("True") or root.get("true")
    for event, value in events.items() if events is not None else ():
        for paths in (value.get("paths"), value.get("paths-ignore")):
            if paths is not None:
                watched.watch(draft, event, paths)


def _working_directory(node: Value) -> str:
    return node.text_at("defaults", "run", "working-directory")
