"""What still reads a file that a migration would delete: by its name, or by one that is computed."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence, Set
from pathlib import Path

#: What reads a file without naming it.
_TOOLS = dict.fromkeys(("Pipfile", "Pipfile.lock"), r"\bpipenv\s+(?:install|sync|lock|requirements|run|update)\b")
_TOOLS |= dict.fromkeys(("poetry.lock",), r"\bpoetry\s+(?:install|sync|lock|export|run|update)\b")

#: Parts of a name that something else says: a variable or a parameter, a choice, a pattern.
_VARIABLE = (
    r"\$\{\{.*?\}\}|\{\{.*?\}\}|\$\{[^}]*\}|\$\([^()\s]*\)|\$\w+|\$[@*<^?]|\{[^{}\s,]*\}|%\w+%|%\(\w+\)s|%[ds](?!\w)"
)
_CHOICE, _PATTERN = r"\{[\w.,-]+\}", r"\*\*/|\*+|\?|\[[^\]\s/]+\]"
_COMPUTED = re.compile(rf"(?P<variable>{_VARIABLE})|(?P<choice>{_CHOICE})|(?P<pattern>{_PATTERN})")
_NAME = re.compile(rf"(?:{_COMPUTED.pattern}|[\w./\\@+-])+")
#: Folders that a name begins with and that are somewhere else, or here.
_LEADING = re.compile(rf"(?:(?:\.{{0,2}}|{_VARIABLE})[/\\])+")
_OPTION = re.compile(r"(?:-[rc]|--(?:requirement|constraint))[\s=\"',]*")
_TAKES = re.compile(r"^\s*(?:COPY|ADD)\s|\b(?:cp|mv|cd|ls|rsync)\s", re.IGNORECASE)
#: `"requirements/" + name + ".txt"`, in a program.
_SUM = re.compile(r"[\"']\s*\+\s*[\w.()\[\]]+(?:\s*\+\s*[\"'])?")
_LONGEST = 5000
#: What of a program is a name or a command, and no message.
_QUOTED = re.compile(r"[\"']((?:-[rc] ?)?[^\"'\s]+|(?:python[\d.]* -m )?pip[\d.]* [^\"']*)[\"']")


def lines_that_read(wanted: Set[Path], reader: Path, text: str, texts: Iterable[Path]) -> dict[Path, int]:
    """The first line, from 1, of a text that reads each of some files; one that it does not read is left out.

    Where a name is computed, every file that can be meant is read; a name may also mean another file that has it.

    Args:
        wanted: The files, from the repo root.
        reader: The file that the text is of.
        text: The text.
        texts: All files of the repo.
    """
    if not (lines := list(_lines(reader, text, wanted))):
        return {}
    texts = list(texts)
    found = {path: _by_name(path, lines, texts) for path in wanted}
    for number, line in lines:
        for path in _meant(line, texts, wanted, reader):
            found[path] = min(found[path] or number, number)
    return {path: number for path, number in found.items() if number}


def _lines(reader: Path, text: str, wanted: Set[Path]) -> Iterator[tuple[int, str]]:
    """The lines of a file that may say that one of some files is read, with their numbers, without comments."""
    # Something of a name is always written.
    if not wanted:
        return
    parts = {part for path in wanted for part in (path.suffix or path.name, path.name[:7], *path.parent.parts)}
    hint = re.compile("|".join(map(re.escape, sorted(parts | {"pipenv", "poetry"}))))
    if not hint.search(text):
        return
    # What starts a workflow looks at files, and does not read them.
    starts = re.search(r"(?ms)^[\"']?on[\"']?:.*?(?=^[\w\"'])", text) if ".github" in reader.parts else None
    first, last = (text.count("\n", 0, at) for at in starts.span()) if starts else (0, 0)
    for number, line in enumerate(text.split("\n")):
        # Nobody wrote a line that is longer.
        if len(line) > _LONGEST or not hint.search(line) or line.lstrip().startswith("#") or first <= number < last:
            continue
        code = _SUM.sub("{}", re.split(r"\s#", line, maxsplit=1)[0])
        if reader.suffix == ".py":
            # `requirement{count}` is a word.
            code = " ".join(one for one in _QUOTED.findall(code) if "." in one or "{" not in one)
        yield number + 1, code


def _by_name(path: Path, lines: Iterable[tuple[int, str]], texts: Iterable[Path]) -> int:
    """The first line that names a file."""
    written = rf"(?P<folder>[\w.*${{}}/\\-]*[/\\])?(?:(?<![\w.*?-])|(?<=\s-[rc])){re.escape(path.name)}(?![\w-]|\.\w)"
    name = re.compile(f"{written}|{tool}" if (tool := _TOOLS.get(path.name)) else written)
    found = [(number, match["folder"] or "") for number, line in lines for match in name.finditer(line)]
    if not found:
        return 0
    own = [number for number, folder in found if _ends_with(path, folder)]
    same = [one for one in texts if one.name == path.name and one != path]
    foreign = any(_ends_with(one, folder) for one in same for _, folder in found)
    return own[0] if own else 0 if foreign else found[0][0]


def _ends_with(path: Path, folder: str) -> bool:
    """Whether a file is in a folder as it is written before its name: ``../services/api/``."""
    named = tuple(part for part in re.split(r"[/\\]", folder) if part not in ("", ".", ".."))
    return bool(named) and path.parent.parts[-len(named) :] == named


# --- computed names ---------------------------------------------------------------------------------------------------


def _meant(line: str, texts: Sequence[Path], wanted: Set[Path], reader: Path) -> Iterator[Path]:
    """Those of some files that a line can mean by a name that something else completes, or by their folder."""
    takes = reader.suffix != ".py" and _TAKES.search(line) is not None
    for match in _NAME.finditer(line):
        option = _OPTION.match(match[0])
        written = match[0][option.end() if option else 0 :]
        lead = _LEADING.match(written)
        name = written[lead.end() if lead else 0 :].replace("\\", "/")
        if _COMPUTED.search(name):
            before = line[max(match.start() - 20, 0) : match.start()]
            known = option is not None or re.search(f"{_OPTION.pattern}$", before) is not None
            known = known or (takes and re.search(_PATTERN, name) is not None)
            # What is absolute, or begins with a variable, begins somewhere else.
            elsewhere = lead is not None and lead[0][0] != "."
            hits = _hits(name, texts, wanted, known=known, elsewhere=elsewhere)
            beside = {path for path in hits if path.parent == reader.parent != Path()}
            yield from (beside or hits) & wanted
        elif name.strip("/.") and (name.endswith("/") or takes):
            yield from _whole_folder(Path(name), texts, wanted)


def _whole_folder(folder: Path, texts: Iterable[Path], wanted: Set[Path]) -> set[Path]:
    """The files of a folder that goes with all of them; none of another."""
    inside = {path for path in texts if folder in path.parents}
    return inside if inside <= wanted else set()


def _hits(name: str, texts: Sequence[Path], wanted: Set[Path], *, known: bool, elsewhere: bool) -> set[Path]:
    """All files that a computed name can be; none where it is none of some files, or says too little.

    Args:
        name: The name.
        texts: All files of the repo.
        wanted: The files.
        known: Whether it is the value of an option that takes requirements, or a pattern that is copied.
        elsewhere: Whether it begins in a folder that is not the repo's.
    """
    # A variable that is all of a name gets it from where it is written.
    if not _says_enough(name) and not (known and re.search(r"\w", _COMPUTED.sub("", name))):
        return set()
    while True:
        if fitting(name, wanted):
            return fitting(name, texts)
        if not elsewhere or "/" not in name:
            return set()
        name = name.partition("/")[2]


def _says_enough(name: str) -> bool:
    """Whether what is written of a computed name tells that it is about something: `*` and `$NAME` can be anything."""
    folder, _, last = _COMPUTED.sub("*", name).rpartition("/")
    stem, _, suffix = last.rpartition(".")
    return bool(re.search(r"\w", stem or suffix) or (stem and folder.strip("*/")))


def fitting(name: str, texts: Iterable[Path], *, start: str = "(?:.*/)?") -> set[Path]:
    """The files that a name can be, of which parts may be computed, wherever it begins.

    Args:
        name: The name, as it is written.
        texts: All files.
        start: What may stand before it, as a regular expression.
    """
    pattern, at = "", 0
    for part in _COMPUTED.finditer(name):
        pattern += re.escape(name[at : part.start()])
        at = part.end()
        if part["choice"] and "," in part[0]:
            pattern += f"(?:{'|'.join(map(re.escape, part[0][1:-1].split(',')))})"
        elif part["pattern"]:
            pattern += {"**/": "(?:.*/)?", "**": ".*", "?": "[^/]"}.get(part[0], "[^/]*")
        else:
            pattern += ".*"
    fits = re.compile(f"{start}{pattern}{re.escape(name[at:])}")
    return {path for path in texts if fits.fullmatch(path.as_posix())}
