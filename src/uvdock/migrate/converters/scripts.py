"""Makefiles, shell scripts and Procfiles."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

from uvdock.formats import make
from uvdock.formats.edits import lines_of
from uvdock.formats.shell.words import Dialect
from uvdock.migrate.commands import rewrite
from uvdock.migrate.commands.context import ExecutionContext, Names
from uvdock.migrate.converters.simplify_script import simplify_script
from uvdock.migrate.model import Converted, Notice, RepoFacts
from uvdock.migrate.text import MENTIONS, Draft, manifests, normal, same_line_ends, unique

_SHEBANG = re.compile(r"#!\s*/\S*/(env\s+(-S\s+)?)?(ba|da|k|z|a)?sh\b")
_MAKEFILE = re.compile(r"(GNU)?[Mm]akefile(\..+)?$|.+\.mk$")
_PROCESS = re.compile(r"([A-Za-z0-9_-]+:[ \t]*)(.*)")
#: Recipe lines may begin so: quiet, going on after a failure, run even with `make -n`.
_PREFIX = re.compile(r"\t[ \t]*[@+-]*[ \t]*")
_VENV = re.compile(r"(?:-m[ \t]+venv|virtualenv)[ \t]+(?:-\S+[ \t]+)*([^\s;&|]+)")
_PIP_PROGRAM = re.compile(r"(?:^|/)(?:pip[\d.]*|virtualenv|pip-(?:compile|sync))$")


def is_script(path: Path, content: str) -> bool:
    """Whether this is a Makefile, a Procfile or a shell script."""
    return _is_makefile(path) or _is_procfile(path) or _is_shell(path, content)


@same_line_ends
def convert(path: Path, content: str, facts: RepoFacts, place: ExecutionContext | None = None) -> Converted:
    """Put uv in the place of pip in a script.

    ``place`` is where a shell script runs, if that is known: `dockerfile.scripts` knows it of those that a build calls.
    """
    if not MENTIONS.search(content):
        return Converted(content)
    if _is_makefile(path):
        return _Makefile(path, content, facts).convert()
    if _is_procfile(path):
        return _procfile(path, content, facts)
    draft = Draft(path, content, facts)
    folder = _folder(path, facts)
    where = place or replace(draft.place(folder), names=_names(draft, folder))
    made = rewrite.convert(content, facts, where)
    if made.left:
        # Something of pip stays, and wants it in the environments that are made here.
        made = rewrite.convert(content, facts, replace(where, seeded=True))
    found, text = list(made.findings), content
    if made.text.strip():
        text = simplify_script(content, made.text)
        if text != made.text:
            what = "removed an `if` or a line that does nothing with uv, and the comment above it"
            found.append(Notice(path, 0, "note", what))
    else:
        what = "with uv, this script has nothing left to do"
        found.append(Notice(path, 0, "left", what, "delete it, and its calls"))
    return Converted(text, unique(found))


def _is_makefile(path: Path) -> bool:
    return _MAKEFILE.match(path.name) is not None


def _is_procfile(path: Path) -> bool:
    return path.name == "Procfile" or path.name.startswith("Procfile.")


def _is_shell(path: Path, content: str) -> bool:
    named = path.suffix in (".sh", ".bash")
    return named or (not path.suffix and _SHEBANG.match(content.removeprefix("\ufeff")) is not None)


def _folder(path: Path, facts: RepoFacts) -> Path:
    """Where a script runs: beside the requirements files that it names, else at the project or the root."""
    text = facts.files.get(path, "")
    names = re.findall(r"[\w./-]*requirements[\w./-]*", text)
    for folder in (Path(), *reversed(path.parents)):
        if any(normal(folder / name) in facts.installs for name in names if not name.startswith("/")):
            return folder
    return Path()


def _names(draft: Draft, folder: Path) -> Names:
    def itself(to: str) -> Names:
        return _names(draft, normal(draft.path.parent / to))

    return replace(draft.place(folder).names, itself=itself)


def _procfile(path: Path, content: str, facts: RepoFacts) -> Converted:
    draft = Draft(path, content, facts)
    for start, line in lines_of(content):
        match = _PROCESS.match(line)
        if match is None or not MENTIONS.search(match[2]):
            continue
        made = rewrite.convert(match[2], facts, draft.place(path.parent, start))
        draft.findings += made.findings
        if made.text.strip() and "\n" not in made.text:
            draft.change(start + match.start(2), start + match.end(2), made.text)
        elif made.text != match[2]:
            what = f"nothing of {match[1].strip().rstrip(':')} is left to do with uv"
            draft.leave(start, what, "take the line out")
    return draft.converted()


# --- Makefiles --------------------------------------------------------------------------------------------------------


@dataclass
class _Makefile(Draft):
    #: The variables whose value is one word.
    values: dict[str, str] = field(default_factory=dict)
    #: Where the last recipe that was converted ends, and what became of it.
    before: tuple[int, str] = (0, "")
    #: Whether it installed for every Python, outside of an environment.
    alone: bool = False

    def convert(self) -> Converted:
        statements = list(make.read(self.content))
        assigned = {one.part("name"): one.part("value") for one in statements if one.kind == "assignment"}
        values = {name: value.partition(" #")[0].strip() for name, value in assigned.items()}
        self.values = {name: value for name, value in values.items() if value and " " not in value}
        place = self._makefile_place()
        for statement in statements:
            if statement.text.startswith("\t"):
                self._recipe(statement, place)
            elif statement.kind == "rule":
                self._prerequisites(statement)
            elif statement.kind == "assignment" and statement.part("name") == "CUSTOM_COMPILE_COMMAND":
                # What pip-compile is to write into its files; at the top of a file, the empty line below it goes too.
                end = statement.end + (not statement.start and self.content[statement.end :].startswith("\n"))
                self.change(statement.start, end)
        if self.alone:
            self._in_environment([one for one in statements if one.text.startswith("\t")])
        return self.converted()

    def _makefile_place(self) -> ExecutionContext:
        venv = _VENV.search(self.content)
        environment = self._expanded(venv[1]) if venv else ""
        return replace(
            self.place(self.path.parent),
            dialect=Dialect(make=True),
            environment="" if environment == ".venv" or "$" in environment else environment,
        )

    def _in_environment(self, recipes: Iterable[make.Statement]) -> None:
        """`pip install --user` was for every Python; what runs there runs in the project's environment now."""
        for recipe in recipes:
            at, body = self._body(recipe)
            body = self._expanded(body)
            if re.match(r"python[\d.]*\s", body) and not MENTIONS.search(body):
                self.change(at, at, "uv run ")

    def _body(self, recipe: make.Statement) -> tuple[int, str]:
        """Where the shell text of a recipe's line begins, and it."""
        prefix = _PREFIX.match(recipe.text)
        at = prefix.end() if prefix else 0
        return recipe.start + at, recipe.text[at:].rstrip("\n")

    def _recipe(self, line: make.Statement, place: ExecutionContext) -> None:
        at, body = self._body(line)
        if not (MENTIONS.search(body) or MENTIONS.search(self._expanded(body))):
            return
        recipe = self._with_programs(body)
        made = rewrite.convert(recipe, self.facts, replace(place, line=line.line))
        self.findings += made.findings
        new = made.text
        self.alone = self.alone or (bool(made.syncs) and "--user" in recipe)
        if new == recipe:
            return
        if not new.strip() or (self.before == (line.start, new) and new.startswith("uv lock")):
            # One lock has what several compiled files had.
            self.change(line.start, line.end)
        elif "\n" in new.replace("\\\n", ""):
            self.leave(line.start, "this recipe would take several lines", f"write instead: {new.strip()}")
        else:
            self.change(at, at + len(body), new)
        self.before = (line.end, new)

    def _expanded(self, text: str) -> str:
        for _ in range(5):
            text = make.REFERENCE.sub(lambda match: self.values.get(make.name_in(match), match[0]), text)
        return text

    def _with_programs(self, body: str) -> str:
        """A recipe with the variables that stand for pip, or for the Python that runs it, put in."""

        def put_in(match: re.Match[str]) -> str:
            value = self._expanded(match[0])
            is_pip = MENTIONS.search(value) and " " not in value and _PIP_PROGRAM.search(value)
            runs_pip = re.match(r"\s+-m\s+(pip|venv|virtualenv)\b", body[match.end() :])
            return value if is_pip or runs_pip else match[0]

        return make.REFERENCE.sub(put_in, body)

    def _prerequisites(self, rule: make.Statement) -> None:
        """A target that depends on a requirements file: make fails where it is gone."""
        assert rule.found is not None
        begin = rule.found.start("rest")
        # What follows a semicolon is a recipe.
        needs = rule.text[:begin] + re.split("[#;]", rule.text[begin:], maxsplit=1)[0]
        there = set(needs[begin:].split())
        for match in re.compile(r"[^\s\\]+").finditer(needs, begin):
            found = normal(self.path.parent / match[0])
            elsewhere = match[0].startswith(("/", "$")) or found not in self.facts.installs
            if elsewhere or found.name in ("pyproject.toml", "setup.py", "setup.cfg"):
                continue
            names = [name for name in manifests(self.facts.installs[found], self.path.parent) if name not in there]
            there |= set(names)
            # Without a name, the blank before it goes too.
            blank = not names and match.start() > begin
            self.change(rule.start + match.start() - blank, rule.start + match.end(), " ".join(names))


# --- who calls them ---------------------------------------------------------------------------------------------------

_CALLED = re.compile(r"(?m)(?:^|[;&|])[ \t]*(?P<make>make\b[^;&|\n]*)|(?P<path>(?<![\w/.-])[\w./-]+)")


def call_uv(text: str, folder: Path, facts: RepoFacts) -> bool:
    """Whether a shell text runs `make` or a script of the repo that calls uv once it is converted."""
    return any(_becomes_uv(path, facts) for path in _called(text, folder, facts))


def _called(text: str, folder: Path, facts: RepoFacts) -> Iterator[Path]:
    for match in _CALLED.finditer(text):
        if match["make"]:
            given = re.search(r"-C[ \t]*(\S+)", match["make"])
            place = normal(folder / given[1]) if given else folder
            names = ["GNUmakefile", "makefile", "Makefile"]
        else:
            place, names = folder, [match["path"]]
        yield from (path for name in names if (path := normal(place / name)) in facts.files)


def _becomes_uv(path: Path, facts: RepoFacts) -> bool:
    text = facts.files[path]
    return is_script(path, text) and convert(path, text, facts).content != text
