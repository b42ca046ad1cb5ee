"""Reading a Dockerfile as far as uvdock needs it: its instructions, where uv arrives, how it syncs."""

from __future__ import annotations

import posixpath
import re
import shlex
from pathlib import PurePosixPath
from typing import NamedTuple

#: The options of `uv sync` that say what is installed, and whether a value follows.
_SELECTING = {
    "--all-extras": False,
    "--all-groups": False,
    "--all-packages": False,
    "--extra": True,
    "--group": True,
    "--inexact": False,
    "--no-default-groups": False,
    "--no-dev": False,
    "--no-editable": False,
    "--no-extra": True,
    "--no-group": True,
    "--no-install-package": True,
    "--no-install-project": False,
    "--no-install-workspace": False,
    "--only-dev": False,
    "--only-group": True,
    "--package": True,
}
#: A word of its own: neither a here-string (``<<<word``) nor a shift (``1<<n``) opens a here-document.
_HEREDOC = re.compile(r"(?<!\S)\d*<<(-?)([\"']?)([A-Za-z_][A-Za-z0-9_]*)\2")
#: Parser directives come first, in any order (https://docs.docker.com/reference/dockerfile/#parser-directives).
_BACKTICK = re.compile(r"(?:#[ \t]*\w+[ \t]*=.*\n)*#[ \t]*escape[ \t]*=[ \t]*`", re.IGNORECASE)
_FROM = re.compile(r"^FROM\s+(?:--\S+\s+)*(?P<image>\S+)(?:\s+AS\s+(?P<name>\S+))?\s*$", re.IGNORECASE)
_PACKAGES = re.compile(r"\b(?:npm|yarn|pnpm|bun)\s+(?:-\S+\s+)*(?:ci|i|install|add|run|build|fetch|exec)\b")
_COPY_UV = re.compile(r"^COPY\s.*--from=(?P<image>\S*uv\S*)", re.IGNORECASE)


class Instruction(NamedTuple):
    """One instruction: its text on one line, and its lines in the file, from ``start`` to before ``end``."""

    text: str
    start: int
    end: int

    @property
    def verb(self) -> str:
        """``FROM``, ``RUN``, ... in capitals."""
        return self.text.split(None, 1)[0].upper()


def escape(content: str) -> str:
    """What continues a line of a Dockerfile, by its parser directives."""
    return "`" if _BACKTICK.match(content) else "\\"


def instructions(content: str) -> list[Instruction]:
    """The instructions of a Dockerfile: continued lines joined, comments left out, here-documents kept."""
    lines = content.splitlines()
    continues = escape(content)
    found: list[Instruction] = []
    at = 0
    while at < len(lines):
        if not lines[at].strip() or lines[at].lstrip().startswith("#"):
            at += 1
            continue
        start = at
        parts: list[str] = []
        while at < len(lines):
            line = lines[at].rstrip()
            at += 1
            if parts and (not line.strip() or line.lstrip().startswith("#")):
                continue
            parts.append(line.removesuffix(continues).strip())
            if not line.endswith(continues):
                break
        text = " ".join(parts).strip()
        if not text:
            continue
        if text.split(None, 1)[0].upper() in ("RUN", "COPY", "ADD"):
            for tabs, _, word in _HEREDOC.findall(text):
                # Only tabs may stand before the word that ends it, and only where `<<-` says so.
                while at < len(lines) and (lines[at].lstrip("\t") if tabs else lines[at]) != word:
                    text += "\n" + lines[at]
                    at += 1
                at += 1
        found.append(Instruction(text, start, min(at, len(lines))))
    return found


def up_to_uv(content: str) -> str | None:
    """The Dockerfile up to the step that needs the lock: an image with the uv and the Python of the build.

    Its layers are the real build's own, so the real build reuses them. What copies the lock before uv arrives
    is left out.

    Returns:
        ``None`` when uv does not arrive before that step, so that such an image would have none.
    """
    has_uv = False
    with_uv: dict[str, bool] = {}
    stage = ""
    lines, left_out = content.splitlines(), set[int]()
    for item in instructions(content):
        if started := _FROM.match(item.text):
            with_uv[stage] = has_uv
            image, stage = started["image"], (started["name"] or "").lower()
            # A stage has the uv of the stage or image it is made from (`ghcr.io/astral-sh/uv:python3.13-trixie`).
            has_uv = with_uv.get(image.lower(), "uv" in re.split(r"[/:@._-]", image) and "python" in image)
        if _COPY_UV.match(item.text) or (item.verb == "RUN" and re.search(r"\binstall\b.*\buv\b", item.text)):
            has_uv = True
            continue
        needs = "uv.lock" in item.text or re.search(r"\buv\s+(sync|lock|export|pip|run)\b", item.text)
        if has_uv and (needs or (item.verb in ("COPY", "ADD") and "--from=" not in item.text)):
            return "".join(f"{lines[at]}\n" for at in range(item.start) if at not in left_out)
        if item.verb in ("COPY", "ADD") and "uv.lock" in item.text:
            left_out |= set(range(item.start, item.end))
    return None


def base_image(content: str, target: str | None = None) -> str:
    """The image that stage ``target``, or the last one, is made from in the end; empty without any stage."""
    stages = _chain(content, target)
    return stages[0].image if stages else ""


def stages_text(content: str, target: str | None = None) -> str:
    """The instructions of stage ``target``, or of the last one, and of the stages that it is made from."""
    stages = _chain(content, target)
    found = instructions(content)
    return "\n".join(item.text for item in found if any(stage.start <= item.start < stage.end for stage in stages))


def before_packages(content: str, target: str | None = None) -> str:
    """The Dockerfile up to the step of stage ``target`` that needs a package.json: an image to lock with.

    Its layers are the real build's own, so the real build reuses them.
    """
    lines = content.splitlines()
    stages = _chain(content, target)
    end = stages[-1].end if stages else len(lines)
    for item in instructions(content):
        ours = any(stage.start <= item.start < stage.end for stage in stages)
        copies = item.verb in ("COPY", "ADD") and "--from=" not in item.text
        if ours and (copies or (item.verb == "RUN" and _installs(item.text))):
            end = item.start
            break
    return "".join(f"{line}\n" for line in lines[:end])


class Sync(NamedTuple):
    """How an image's build installs the project.

    Args:
        flags: What `uv sync` selects, as options of it.
        folder: The folder it runs in; ``None`` where that is not written out.
    """

    flags: tuple[str, ...] = ()
    folder: PurePosixPath | None = None


def last_sync(content: str, target: str | None = None) -> Sync:
    """The last `uv sync` up to the end of stage ``target``, for a running container to get the same.

    Only options that are written out count; one with a variable in it is left out.
    """
    found, stage = Sync(), ""
    folders: dict[str, PurePosixPath | None] = {}
    folder: PurePosixPath | None = None
    for item in instructions(content):
        if started := _FROM.match(item.text):
            if target and stage == target.lower():
                break
            folders[stage] = folder
            stage = (started["name"] or "").lower()
            # An image's own working folder is not written here.
            folder = folders.get(started["image"].lower(), PurePosixPath("/"))
        if item.verb == "WORKDIR":
            folder = _inside(folder, item.text.partition(" ")[2].strip().strip("\"'"))
        if item.verb != "RUN" or not re.search(r"\buv\s+sync\b", item.text):
            continue
        command = re.split(r"\buv\s+sync\b", item.text)[-1]
        command = re.split(r"[;&|\n]", command)[0]
        try:
            words = shlex.split(command)
        except ValueError:
            continue
        found = Sync(tuple(_selected(words)), folder)
    return found


def _inside(folder: PurePosixPath | None, name: str) -> PurePosixPath | None:
    """The working folder after ``WORKDIR name``; ``None`` where a variable decides it."""
    if "$" in name or (folder is None and not name.startswith("/")):
        return None
    return PurePosixPath(posixpath.normpath((folder or PurePosixPath("/")) / name))


class _Stage(NamedTuple):
    """One stage: its name, what it is made from, and its lines."""

    name: str
    image: str
    start: int
    end: int


def _chain(content: str, target: str | None) -> list[_Stage]:
    """Stage ``target``, or the last one, after those that it is made from."""
    found = [(match, item.start) for item in instructions(content) if (match := _FROM.match(item.text))]
    ends = [*(start for _, start in found[1:]), len(content.splitlines())]
    stages = [
        _Stage((match["name"] or str(at)).lower(), match["image"], start, end)
        for at, ((match, start), end) in enumerate(zip(found, ends, strict=False))
    ]
    wanted = (target or "").lower()
    chain = [next((stage for stage in stages if stage.name == wanted), stages[-1])] if stages else []
    while chain:
        earlier = stages[: stages.index(chain[0])]
        parent = next((stage for stage in reversed(earlier) if stage.name == chain[0].image.lower()), None)
        if parent is None:
            break
        chain.insert(0, parent)
    return chain


def _installs(text: str) -> bool:
    """Whether a RUN needs the packages or their manifest; what it installs for the whole image does not."""
    for command in re.split(r"&&|\|\||[;\n]", text):
        if "package.json" in command or re.fullmatch(r"(RUN\s+)?(--\S+\s+)*yarn\s*", command.strip()):
            return True
        if _PACKAGES.search(command) and not re.search(r"\s(-g|--global|global)\b", command):
            return True
    return False


def _selected(words: list[str]) -> list[str]:
    flags: list[str] = []
    waiting = iter(words)
    for word in waiting:
        name, equals, value = word.partition("=")
        if name not in _SELECTING:
            continue
        if _SELECTING[name] and not equals:
            value = next(waiting, "$")
        if "$" in value:
            continue
        flags += [name, value] if _SELECTING[name] else [name]
    return flags
