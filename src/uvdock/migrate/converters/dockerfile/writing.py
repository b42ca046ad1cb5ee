"""The changes of a Dockerfile's text: what each instruction becomes, and what is put between them."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path, PurePosixPath

from uvdock.formats.dockerfile.instruction import mount
from uvdock.formats.dockerfile.stages import Step
from uvdock.formats.edits import TextChange, changed
from uvdock.formats.shell.commands import words as words_of
from uvdock.formats.shell.words import Word
from uvdock.migrate.converters.dockerfile import variables
from uvdock.migrate.converters.dockerfile.conversion import Conversion
from uvdock.migrate.converters.dockerfile.layout import absolute, is_requirement, matches, spelled
from uvdock.migrate.converters.dockerfile.lookahead import WHEEL_ENVIRONMENT
from uvdock.migrate.converters.dockerfile.results import RunResult, Used
from uvdock.migrate.converters.dockerfile.variables import removal

_PIP_CACHE = re.compile(r"(?:^|/)(?:pip|\.cache/pip|pip-cache|\.pip)/?$")


class Writing:
    """Makes the changes of one conversion.

    Args:
        done: The conversion, gone through.
    """

    def __init__(self, done: Conversion) -> None:
        self.done, self.source, self.facts = done, done.source, done.facts
        self.changes: list[TextChange] = []
        self.before: dict[int, list[str]] = {}

    def content(self) -> str:
        """The new text."""
        for item in self.source.items:
            if item.verb in ("COPY", "ADD"):
                self._copy(item)
            elif item.number in self.done.results:
                self._run(self.done.results[item.number])
        converts = bool(self.changes)
        self._arrivals()
        if converts:
            self._variables()
        for number, texts in self.before.items():
            at = self._above(self.source.items[number])
            self.changes.append(TextChange(at, at, "".join(texts)))
        # A step's text is made with line feeds; the file may have others.
        made = (replace(one, text=self._own_ends(one.text)) for one in self.changes)
        return changed(self.source.text, made)

    def _own_ends(self, text: str) -> str:
        return text.replace("\r\n", "\n").replace("\n", self.source.newline)

    # --- RUN ---------------------------------------------------------------------------------------------------------

    def _run(self, result: RunResult) -> None:
        item = result.item
        if result.early is not None:
            self._early(result)
        if result.body is None:
            self._gone(item)
            return
        if result.body != item.body.text:
            self.changes.append(TextChange(item.body.start, item.body.end, result.body))
        if result.cached:
            self._mounts(item)

    def _gone(self, item: Step) -> None:
        copied = self.done.ahead.wheel_copies.get(item.number)
        if copied:
            text = f"COPY --from={copied} {WHEEL_ENVIRONMENT} {WHEEL_ENVIRONMENT}\n{self._path()}\n"
            self.changes.append(TextChange(item.start, item.end, text))
            return
        if item.verb != "RUN":
            self.done.note(item, "left", f"{item.verb} is nothing but pip", "what the container is to run")
            return
        self.changes.append(removal(self.source, item))

    def _path(self) -> str:
        return f'ENV PATH="{WHEEL_ENVIRONMENT}/bin:$PATH"'

    def _early(self, result: RunResult) -> None:
        text, number = result.early or ("", 0)
        copy = self.source.items[number]
        used = next(one for one in self.done.used if one.number == -number)
        names = " ".join(self._manifests(used.project))
        options = "".join(f"{part.text} " for part in copy.options if part.text.startswith(("--chown", "--link")))
        target = self._spelled(copy, used.there)
        wanted = self.done.cache(result.item)
        joint = f" {self.source.dialect.escape}\n    "
        others = [part.text for part in result.item.options if not _is_cache(mount(part.text))]
        lead = joint.join([*others, *([wanted] if wanted else []), text])
        # A bind mount of requirements is not needed before the source.
        texts = [f"COPY {options}{names} {target}\n", f"RUN {lead}\n"]
        self.before.setdefault(number, []).extend(texts)

    def _mounts(self, item: Step) -> None:
        """Give a RUN uv's cache in place of pip's, and the manifests in place of the requirements that it mounts."""
        wanted = self.done.cache(item)
        folder = mount(wanted or "").get("target", "")
        manifests = next((self._bound(item, one) for one in self.done.used if one.number == item.number), [])
        new: list[str] = []
        cached = False
        for part in item.options:
            keys = mount(part.text)
            target = keys.get("target", "")
            if self._binds_requirement(keys):
                new += manifests
                manifests = []
            elif not _is_cache(keys) or not self._is_pips(item, target):
                new.append(part.text)
                inside = bool(folder and target) and PurePosixPath(folder).is_relative_to(PurePosixPath(target))
                cached = cached or (_is_cache(keys) and inside)
            else:
                new += [_retargeted(part.text, wanted)] if wanted is not None and not cached else []
                cached = True
        if wanted is not None and not cached:
            new.insert(0, wanted)
        self._options(item, new)

    def _options(self, item: Step, new: list[str]) -> None:
        old = [part.text for part in item.options]
        if new == old:
            return
        text = self.source.text
        escape = self.source.dialect.escape
        if item.options:
            start, end = item.options[0].start, item.options[-1].end
            between = text[item.options[-1].end : item.body.start]
            gap = between if "\n" in between and "#" not in between else f" {escape}\n    "
            self.changes.append(TextChange(start, end, gap.join(new)))
            if len(new) > 1 and "\n" not in between:
                self.changes.append(TextChange(end, item.body.start, gap))
            return
        line = text.rfind("\n", 0, item.body.start) + 1
        indent = text[line : item.body.start]
        gap = f" {escape}\n" + (indent if not indent.strip() else "    ")
        if item.document is not None and len(new) == 1:
            gap = " "
        self.changes.append(TextChange(item.body.start, item.body.start, "".join(f"{one}{gap}" for one in new)))

    def _is_pips(self, item: Step, target: str) -> bool:
        folder = item.env.get("PIP_CACHE_DIR", "")
        given = re.search(r"--cache-dir[= ](\S+)", item.body.text)
        return bool(_PIP_CACHE.search(target)) or target == folder != "" or bool(given and given[1] == target)

    def _binds_requirement(self, keys: Mapping[str, str]) -> bool:
        if keys.get("type") != "bind" or keys.get("from"):
            return False
        found = matches(self.done.context, keys["source"] or ".", self.facts)
        return bool(found) and all(is_requirement(path, self.facts) for path, _ in found)

    def _bound(self, item: Step, used: Used) -> list[str]:
        inside = spelled(used.there, item.workdir)
        inside = f"{inside.rstrip('/')}/" if inside else ""
        names = sorted(self._manifests(used.project), reverse=True)
        return [f"--mount=type=bind,source={name},target={inside}{Path(name).name}" for name in names]

    # --- COPY --------------------------------------------------------------------------------------------------------

    def _copy(self, item: Step) -> None:
        number = item.number
        if number in self.done.ahead.wheel_copies:
            text = self.source.text[item.start : item.body.start]
            new = f"{text}{WHEEL_ENVIRONMENT} {WHEEL_ENVIRONMENT}\n{self._path()}\n"
            self.changes.append(TextChange(item.start, item.end, new))
            return
        if number in self.done.ahead.user_copies:
            self._user_copy(item)
            return
        used = list(dict.fromkeys(one for one in self.done.used if one.number == number))
        copied = item.copies
        if copied is None:
            return
        if not used:
            self._unused(item, copied)
            return
        if item.body.text.startswith("["):
            words = [Word.of(word, raw=json.dumps(word)) for word in item.exec_form or ()]
        else:
            words = words_of(item.body.text, self.source.dialect)
        if len(words) > 1:
            self._manifest_copy(item, words, used, origin=copied[0])

    def _manifest_copy(self, item: Step, words: list[Word], used: list[Used], *, origin: str) -> None:
        going = [word for word in words[:-1] if self._goes(item, word.text, origin)]
        there = {(one.project, one.there) for one in used}
        new = [one for one in sorted(there) if not self._brought(item, one)]
        names = [name for project, _ in new for name in self._manifests(project, origin)]
        written = [word.text for word in words[:-1]]
        names = [name for name in names if name not in written and f"./{name}" not in written]
        kept = [word for word in words[:-1] if word not in going]
        if not kept and not names:
            self.changes.append(removal(self.source, item))
            return
        target = absolute(item, words[-1].text)
        goal = new[0][1] if new else target
        apart = goal != target or not words[-1].text.endswith((".", "/"))
        if kept and names and apart and goal is not None:
            options = "".join(f"{part.text} " for part in item.options)
            line = f"COPY {options}{' '.join(names)} {self._spelled(item, goal)}\n"
            self.before.setdefault(item.number, []).append(line)
            names = []
        self._rewrite(item, words, kept, names, goal if not kept else target)

    def _rewrite(
        self, item: Step, words: list[Word], kept: list[Word], names: list[str], goal: PurePosixPath | None
    ) -> None:
        last = words[-1]
        same = absolute(item, last.text) == goal and last.text.endswith((".", "/"))
        target = last.text if same or goal is None or not names else self._spelled(item, goal)
        target = "./" if target == "." and len(names) + len(kept) > 1 else target
        if item.body.text.startswith("["):
            texts = [*names, *(word.text for word in kept), target]
            self.changes.append(TextChange(item.body.start, item.body.end, json.dumps(texts, ensure_ascii=False)))
            return
        base = item.body.start
        if item.verb == "ADD" and not kept and (verb := self.source.text.find("ADD", item.start, base)) >= 0:
            self.changes.append(TextChange(verb, verb + 3, "COPY"))
        self.changes += [TextChange(base + one.start, base + one.end, one.text) for one in _sources(words, kept, names)]
        if target != last.text:
            self.changes.append(TextChange(base + last.start, base + last.end, target))

    def _unused(self, item: Step, copied: tuple[str, list[str], str]) -> None:
        going = [name for name in copied[1] if self._goes(item, name, copied[0])]
        if not going or not self.facts.installs:
            return
        wheels = self.done.ahead.wheels.get(item.stage.number)
        if wheels and len(going) == len(copied[1]):
            self.changes.append(removal(self.source, item))
            return
        what = f"{' '.join(going)} is copied, and nothing is known to install it"
        self.done.note(item, "left", what, "COPY pyproject.toml uv.lock, or nothing")

    def _user_copy(self, item: Step) -> None:
        source, target = self.done.ahead.user_copies[item.number]
        origin = self.source.stage((item.copies or ("", [], ""))[0])
        layout = self.done.layouts.get(origin.number) if origin else None
        if layout is None or not any(sync.environment == target for sync in layout.syncs):
            return
        at = item.body.text.find(source)
        if at >= 0:
            start = item.body.start + at
            self.changes.append(TextChange(start, start + len(source.rstrip("/")), target))

    def _goes(self, item: Step, name: str, origin: str) -> bool:
        if not origin:
            found = [path for path, _ in matches(self.done.context, name, self.facts)] or self.done.meant(name)
            return bool(found) and all(is_requirement(path, self.facts) for path in found)
        stage = self.source.stage(origin)
        layout = self.done.layouts.get(stage.number) if stage else None
        made = absolute(item, f"/{name.lstrip('/')}")
        path = layout.locate(made, self.facts) if layout and made else None
        return path is not None and is_requirement(path, self.facts)

    def _brought(self, item: Step, where: tuple[Path, PurePosixPath]) -> bool:
        """Whether an earlier step brings the manifests there."""
        numbers = [step.number for step in item.stage.lineage]
        return any(
            (one.project, one.there) == where and 0 <= one.number < item.number
            and self.source.items[one.number].verb in ("COPY", "ADD")
            and one.number in numbers
            for one in self.done.used
        )  # fmt: skip

    def _origin(self, origin: str, project: Path) -> str:
        stage = self.source.stage(origin)
        layout = self.done.layouts.get(stage.number) if stage else None
        found = layout.places(project, self.facts) if layout else []
        return str(found[0]) if found else "/app"

    def _manifests(self, project: Path, origin: str = "") -> list[str]:
        folder = self._origin(origin, project) if origin else os.path.relpath(project, self.done.context)
        return [os.path.normpath(os.path.join(folder, name)) for name in ("pyproject.toml", "uv.lock")]  # noqa: PTH118

    @staticmethod
    def _spelled(item: Step, there: PurePosixPath) -> str:
        return (spelled(there, item.workdir) or ".").rstrip("/") + "/"

    # --- between -----------------------------------------------------------------------------------------------------

    def _arrivals(self) -> None:
        escape = self.source.dialect.escape
        given: dict[int, set[str]] = {}
        for stage, number in self.done.arrivals.items():
            item = self.source.items[number]
            has = {name for name in item.env if name.startswith("UV_")}
            has = has.union(*(given.get(one.number, set()) for one in item.stage.chain[:-1]))
            folder = "/bin/" if stage in self.done.ahead.whole_bin else "/usr/local/bin/"
            texts = []
            if not self.done.has_uv[stage]:
                texts.append(f"COPY --from=ghcr.io/astral-sh/uv:{self.facts.uv} /uv /uvx {folder}\n")
            values = {"UV_COMPILE_BYTECODE": "1", "UV_LINK_MODE": "copy", "UV_PYTHON_DOWNLOADS": "0"}
            environment = self.done.environments.get(stage)
            if environment:
                values["UV_PROJECT_ENVIRONMENT"] = environment
                has.discard("UV_PROJECT_ENVIRONMENT" if item.env.get("UV_PROJECT_ENVIRONMENT") != environment else "")
            given[stage] = set(values)
            lines = [f"{name}={value}" for name, value in sorted(values.items()) if name not in has]
            if lines:
                texts.append("ENV " + f" {escape}\n    ".join(lines) + "\n")
            if texts:
                self.before.setdefault(number, []).insert(0, self._blank(item) + "".join(texts) + "\n")

    def _blank(self, item: Step) -> str:
        """A blank line where the line before is none and starts no stage."""
        above = self.source.text[: self._above(item)].rstrip("\r\n").rpartition("\n")[2]
        ends = self.source.text[: self._above(item)].endswith(("\n\n", "\r\n\r\n"))
        return "" if ends or above.upper().startswith("FROM") else "\n"

    def _above(self, item: Step) -> int:
        """Where the comment starts that stands right above an instruction, or above one that goes before it."""
        at = item.start
        gone = {change.end: change.start for change in self.changes if not change.text and change.end > change.start}
        while at > 0:
            if at in gone and "\n" in self.source.text[gone[at] : at]:
                at = gone[at]
                continue
            line = self.source.text.rfind("\n", 0, at - 1) + 1
            if not self.source.text[line:at].lstrip().startswith("#"):
                break
            at = line
        return at

    def _variables(self) -> None:
        for item in self.source.items:
            if item.verb not in ("ENV", "ARG"):
                continue
            rest = self._rest(item)
            changes, findings = variables.convert(self.source, item, self.facts, rest)
            self.changes += changes
            for level, what, instead in findings:
                self.done.note(item, "left" if level == "left" else "note", what, instead)

    def _rest(self, item: Step) -> str:
        parts = []
        for one in self.source.items:
            result = self.done.results.get(one.number)
            if one is not item:
                parts.append((result.body or "") if result else self.source.text[one.start : one.end])
        return "\n".join(parts)


def _sources(words: list[Word], kept: list[Word], names: list[str]) -> Iterator[TextChange]:
    """The changes of a COPY's sources: ``names`` take the place of the first one that goes, else they come first."""
    going = [at for at, word in enumerate(words[:-1]) if word not in kept]
    for count, at in enumerate(going):
        if count == 0 and names:
            yield TextChange(words[at].start, words[at].end, " ".join(names))
        elif at == count and not names:
            # Those that stand first go with the blanks after them, all others with those before.
            yield TextChange(words[at].start, words[at + 1].start, "")
        else:
            yield TextChange(words[at - 1].end, words[at].end, "")
    if names and not going:
        yield TextChange(words[0].start, words[0].start, f"{' '.join(names)} ")


def _is_cache(keys: Mapping[str, str]) -> bool:
    return keys.get("type") == "cache"


def _retargeted(option: str, wanted: str) -> str:
    """A cache mount of pip, as one of uv: its folder and owner are uv's, other keys stay."""
    keys = mount(wanted)
    made = [f"type=cache,target={keys['target']}"]
    made += [f"{key}={keys[key]}" for key in ("uid", "gid") if key in keys]
    for part in option.removeprefix("--mount=").split(","):
        key, _, value = part.partition("=")
        if key in ("type", "target", "dst", "destination") or (key in ("uid", "gid") and key in keys):
            continue
        made.append(f"{key}={value.replace('pip', 'uv')}" if key == "id" else part)
    return "--mount=" + ",".join(made)
