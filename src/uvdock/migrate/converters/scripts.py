"""Makefiles, shell scripts and Procfiles."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path

from uvdock.formats.edits import TextChange, changed, line_at, line_end, lines_of
from uvdock.migrate.commands import rewrite
from uvdock.migrate.commands.context import ExecutionContext
from uvdock.migrate.converters.simplify_script import simplify_script
from uvdock.migrate.model import Converted, Notice, RepoFacts
from uvdock.migrate.text import MENTIONS, manifests, meant, normal, same_line_ends, unique

_SHEBANG = re.compile(r"#!\s*/\S*/(env\s+(-S\s+)?)?(ba|da|k|z|a)?sh\b")
_MAKEFILE = re.compile(r"(GNU)?[Mm]akefile(\..+)?$|.+\.mk$")
_PROCESS = re.compile(r"([A-Za-z0-9_-]+:[ \t]*)(.*)")
#: What pip-compile is to write into the head of its files.
_COMPILING = re.compile(r"[ \t]*(?:export[ \t]+)?CUSTOM_COMPILE_COMMAND[ \t]*[:?]?=")
#: Recipe lines may begin so: quiet, going on after a failure, run even with `make -n`.
_PREFIX = re.compile(r"\t[ \t]*[@+-]*[ \t]*")
_RULE = re.compile(r"[^\t#=:][^#=:]*:(?![=:])")
_ASSIGNMENT = re.compile(r"(?m)^[ \t]*(?:export[ \t]+)?([A-Za-z_]\w*)[ \t]*[:?]?=[ \t]*(\S+)[ \t]*$")
_VENV = re.compile(r"(?:-m[ \t]+venv|virtualenv)[ \t]+(?:-\S+[ \t]+)*([^\s;&|]+)")
_PIP_PROGRAM = re.compile(r"(?:^|/)(?:pip[\d.]*|virtualenv|pip-(?:compile|sync))$")
_REFERENCE = re.compile(r"\$[({](\w+)[)}]")


def is_script(path: Path, content: str) -> bool:
    """Whether this is a Makefile, a Procfile or a shell script."""
    return _is_makefile(path) or _is_procfile(path) or _is_shell(path, content)


def convert(path: Path, content: str, facts: RepoFacts, place: ExecutionContext | None = None) -> Converted:
    """Put uv in the place of pip in a script.

    Args:
        path: The file, from the repo root.
        content: Its text.
        facts: What is known of the repo.
        place: Where it runs, for a shell script of which that is known: `dockerfile.scripts` knows it of those that
            an image's build calls.

    Returns:
        The new text, and what stays for a person.
    """
    return same_line_ends(functools.partial(_converted, place=place))(path, content, facts)


def _converted(path: Path, content: str, facts: RepoFacts, place: ExecutionContext | None) -> Converted:
    if not MENTIONS.search(content):
        return Converted(content)
    if _is_makefile(path):
        return _makefile(path, content, facts)
    if _is_procfile(path):
        return _procfile(path, content, facts)
    where = place or _place(path, facts, _folder(path, facts))
    made = rewrite.convert(content, facts, where)
    if made.left:
        # Something of pip stays, and wants it in the environments that are made here.
        made = rewrite.convert(content, facts, replace(where, seeded=True))
    if not made.text.strip():
        what = "with uv, this script has nothing left to do"
        return Converted(content, unique([*made.findings, Notice(path, 0, "left", what, "delete it, and its calls")]))
    text = simplify_script(content, made.text)
    if text == made.text:
        return Converted(text, unique(made.findings))
    what = "removed an `if` or a line that does nothing with uv, and the comment above it"
    return Converted(text, unique([*made.findings, Notice(path, 0, "note", what)]))


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


def _place(path: Path, facts: RepoFacts, folder: Path) -> ExecutionContext:
    def itself(to: str) -> ExecutionContext:
        return _place(path, facts, normal(path.parent / to))

    return ExecutionContext(
        path, "script", folder=folder, locate=lambda name: meant(name, folder, facts), itself=itself
    )


def _procfile(path: Path, content: str, facts: RepoFacts) -> Converted:
    changes: list[TextChange] = []
    findings: list[Notice] = []
    for start, line in lines_of(content):
        match = _PROCESS.match(line)
        if match is None or not MENTIONS.search(match[2]):
            continue
        number = line_at(content, start)
        made = rewrite.convert(match[2], facts, replace(_place(path, facts, path.parent), line=number))
        findings += made.findings
        if made.text.strip() and "\n" not in made.text:
            changes.append(TextChange(start + match.start(2), start + match.end(2), made.text))
        elif made.text != match[2]:
            what = f"nothing of {match[1].strip().rstrip(':')} is left to do with uv"
            findings.append(Notice(path, number, "left", what, "take the line out"))
    return Converted(changed(content, changes), unique(findings))


# --- Makefiles --------------------------------------------------------------------------------------------------------


def _makefile(path: Path, content: str, facts: RepoFacts) -> Converted:
    values = dict(_ASSIGNMENT.findall(content))
    venv = _VENV.search(content)
    environment = _expanded(venv[1], values) if venv else ""
    place = replace(
        _place(path, facts, path.parent),
        kind="make",
        environment="" if environment in (".venv", "") or "$" in environment else environment,
    )
    changes: list[TextChange] = []
    findings: list[Notice] = []
    before = (0, "")
    alone = False
    for start, text, is_recipe in _logical(content):
        number = line_at(content, start)
        if not is_recipe:
            changes += _outside_recipes(path, content, start, text, facts)
            continue
        prefix = _PREFIX.match(text)
        body = text[prefix.end() :] if prefix else text
        if prefix is None or not (MENTIONS.search(body) or _calls_pip(body, values)):
            continue
        recipe = _with_programs(body.rstrip("\n"), values)
        made = rewrite.convert(recipe, facts, replace(place, line=number))
        findings += made.findings
        new = made.text
        alone = alone or (bool(made.syncs) and "--user" in recipe)
        if new == recipe:
            continue
        if not new.strip() or (before == (start, new) and new.startswith("uv lock")):
            # One lock has what several compiled files had.
            changes.append(TextChange(start, start + len(text), ""))
        elif "\n" in new.replace("\\\n", ""):
            what = "this recipe would take several lines"
            findings.append(Notice(path, number, "left", what, f"write instead: {new.strip()}"))
        else:
            at = start + prefix.end()
            changes.append(TextChange(at, at + len(body.rstrip("\n")), new))
        before = (start + len(text), new)
    if alone:
        changes += _in_environment(content, values)
    return Converted(changed(content, changes), unique(findings))


def _outside_recipes(path: Path, content: str, start: int, text: str, facts: RepoFacts) -> Iterable[TextChange]:
    """The changes of a line that is no recipe's: a variable of pip-compile goes, a prerequisite gets another name."""
    if not _COMPILING.match(text):
        return _prerequisites(path, start, text, facts)
    # At the top of a file, the blank line below it goes too.
    end = start + len(text)
    return [TextChange(start, line_end(content, end) if not start and content[end : end + 1] == "\n" else end, "")]


def _in_environment(content: str, values: dict[str, str]) -> Iterator[TextChange]:
    """`pip install --user` was for every Python; what runs there runs in the project's environment now."""
    for start, text, is_recipe in _logical(content):
        prefix = _PREFIX.match(text) if is_recipe else None
        body = _expanded(text[prefix.end() :], values) if prefix else ""
        if prefix and re.match(r"python[\d.]*\s", body) and not MENTIONS.search(body):
            yield TextChange(start + prefix.end(), start + prefix.end(), "uv run ")


def _logical(content: str) -> Iterator[tuple[int, str, bool]]:
    """Each line with those that continue it, where it begins, and whether it is a recipe's."""
    begun: int | None = None
    parts: list[str] = []
    for start, line in lines_of(content):
        if begun is None:
            begun = start
        parts.append(line)
        if not line.rstrip("\n").endswith("\\"):
            yield begun, "".join(parts), parts[0].startswith("\t")
            begun, parts = None, []
    if begun is not None:
        yield begun, "".join(parts), parts[0].startswith("\t")


def _calls_pip(body: str, values: dict[str, str]) -> bool:
    return any(MENTIONS.search(_expanded(match[0], values)) for match in _REFERENCE.finditer(body))


def _expanded(text: str, values: dict[str, str]) -> str:
    for _ in range(5):
        text = _REFERENCE.sub(lambda match: values.get(match[1], match[0]), text)
    return text


def _with_programs(body: str, values: dict[str, str]) -> str:
    """A recipe with the variables that stand for pip, or for the Python that runs it, put in."""

    def put_in(match: re.Match[str]) -> str:
        value = _expanded(match[0], values)
        runs_pip = re.match(r"\s+-m\s+(pip|venv|virtualenv)\b", body[match.end() :])
        return (
            value
            if (MENTIONS.search(value) and " " not in value and _PIP_PROGRAM.search(value)) or runs_pip
            else match[0]
        )

    return _REFERENCE.sub(put_in, body)


def _prerequisites(path: Path, start: int, text: str, facts: RepoFacts) -> Iterator[TextChange]:
    """A target that depends on a requirements file: make fails where it is gone."""
    rule = _RULE.match(text)
    if rule is None:
        return
    line = text.partition("#")[0]
    there = set(line[rule.end() :].split())
    for match in re.finditer(r"[^\s\\]+", line[rule.end() :]):
        found = normal(path.parent / match[0]) if not match[0].startswith(("/", "$")) else None
        if (
            found is not None
            and found in facts.installs
            and found.name not in ("pyproject.toml", "setup.py", "setup.cfg")
        ):
            at = start + rule.end() + match.start()
            names = [name for name in manifests(facts.installs[found], path.parent) if name not in there]
            there |= set(names)
            # Without a name, the blank before it goes too.
            yield TextChange(at - (not names and match.start() > 0), at + len(match[0]), " ".join(names))


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
