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
    if not wanted:
        return {}
    texts = list(texts)
    lines = list(_lines(reader, text))
    found = {path: _by_name(path, lines, [one for one in texts if one.name == path.name]) for path in wanted}
    for number, line in lines:
        for path in _meant(line, texts, wanted, reader):
            found[path] = min(found[path] or number, number)
    return {path: number for path, number in found.items() if number}


def _lines(reader: Path, text: str) -> Iterator[tuple[int, str]]:
    """The lines of a file that say what is read, with their numbers, without comments."""
    # What starts a workflow looks at files, and does not read them.
    starts = re.search(r"(?ms)^[\"']?on[\"']?:.*?(?=^[\w\"'])", text) if ".github" in reader.parts else None
    first, last = (text.count("\n", 0, at) for at in starts.span()) if starts else (0, 0)
    for number, line in enumerate(text.split("\n")):
        if line.lstrip().startswith("#") or first <= number < last:
            continue
        code = _SUM.sub("{}", re.split(r"\s#", line, maxsplit=1)[0])
        yield number + 1, " ".join(_QUOTED.findall(code)) if reader.suffix == ".py" else code


def _by_name(path: Path, lines: Iterable[tuple[int, str]], same: Iterable[Path]) -> int:
    """The first line that names a file; ``same`` are all files of its name."""
    written = rf"(?P<folder>[\w.*${{}}/\\-]*[/\\])?(?:(?<![\w.*?-])|(?<=\s-[rc])){re.escape(path.name)}(?![\w-]|\.\w)"
    name = re.compile(f"{written}|{tool}" if (tool := _TOOLS.get(path.name)) else written)
    found = [(number, match["folder"] or "") for number, line in lines for match in name.finditer(line)]
    own = [number for number, folder in found if _ends_with(path, folder)]
    foreign = any(_ends_with(one, folder) for one in same if one != path for _, folder in found)
    return own[0] if own else found[0][0] if found and not foreign else 0


def _ends_with(path: Path, folder: str) -> bool:
    """Whether a file is in a folder as it is written before its name: ``../services/api/``."""
    named = tuple(part for part in re.split(r"[/\\]", folder) if part not in ("", ".", ".."))
    return bool(named) and path.parent.parts[-len(named) :] == named


# --- computed names ---------------------------------------------------------------------------------------------------


def _meant(line: str, texts: Sequence[Path], wanted: Set[Path], reader: Path) -> Iterator[Path]:
    """Those of some files that a line can mean by a name that something else completes, or by their folder."""
    for match in _NAME.finditer(line):
        option = _OPTION.match(match[0])
        written = match[0][option.end() if option else 0 :]
        lead = _LEADING.match(written)
        name = written[lead.end() if lead else 0 :].replace("\\", "/")
        if _COMPUTED.search(name):
            known = option is not None or re.search(f"{_OPTION.pattern}$", line[: match.start()]) is not None
            # What is absolute, or begins with a variable, begins somewhere else.
            elsewhere = lead is not None and lead[0][0] != "."
            hits = _hits(name, texts, wanted, known=known, elsewhere=elsewhere)
            beside = {path for path in hits if path.parent == reader.parent != Path()}
            yield from (beside or hits) & wanted
        elif name.strip("/") and (name.endswith("/") or _TAKES.search(line)):
            # A folder goes with all its files.
            inside = {path for path in texts if Path(name) in path.parents}
            yield from inside if inside <= wanted else ()


def _hits(name: str, texts: Sequence[Path], wanted: Set[Path], *, known: bool, elsewhere: bool) -> set[Path]:
    """All files that a computed name can be; none where it is none of some files, or says too little.

    Args:
        name: The name.
        texts: All files of the repo.
        wanted: The files.
        known: Whether it is the value of an option that takes requirements.
        elsewhere: Whether it begins in a folder that is not the repo's.
    """
    # A variable that is all of a name gets it from where it is written.
    about = _says(name) or ("enough" if known and re.search(r"\w", _COMPUTED.sub("", name)) else "")
    while about:
        if fitting(name, wanted):
            hits = fitting(name, texts)
            return hits if about == "enough" or all(one in wanted or one.suffix == ".txt" for one in hits) else set()
        if not elsewhere or "/" not in name:
            break
        name = name.partition("/")[2]
    return set()


def _says(name: str) -> str:
    """How much is written of a computed name: `*` and `$NAME` can be anything.

    Returns:
        Nothing where it is too little, and ``only`` where it is enough if it fits requirements only.
    """
    folder, _, last = _COMPUTED.sub("*", name).rpartition("/")
    stem, _, suffix = last.rpartition(".")
    if re.search(r"\w", stem or suffix) or (stem and folder.strip("*/")):
        return "enough"
    return "only" if re.search(_PATTERN, name) else ""


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
