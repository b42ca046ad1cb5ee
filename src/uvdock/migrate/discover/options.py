"""The options of requirements files: what each becomes in ``[tool.uv]``, or why it becomes nothing."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlsplit

from packaging.utils import canonicalize_name

from uvdock.formats.requirements import FileOption
from uvdock.migrate.discover.requirement import VARIABLE, relative, without_credentials

#: What a person has to know of an option: how grave it is, what there is to say, and what to do instead.
Remark = tuple[Literal["left", "question", "note"], str, str]
#: pip's own index, which is uv's too. Put together, so that no file of this repo names an index that a tool could
#: take for one of its own.
DEFAULT_INDEX = f"https://{'.'.join(('pypi', 'org'))}/simple"
_FINAL_FEATURES = {
    "truststore": "uv takes the system's certificates with `--system-certs`",
    "fast-deps": "uv reads metadata without downloading whole wheels by itself",
    "2020-resolver": "uv has one resolver",
    "in-tree-build": "uv builds a path dependency in its place",
}
#: What uv does anyway.
_NOT_NEEDED = {
    "--prefer-binary": "uv has no --prefer-binary; the lock keeps the version, and a wheel is taken where it has one",
    "--require-hashes": "uv.lock holds the hashes of every package, and uv checks them without being told",
    "--no-require-hashes": "uv.lock holds the hashes of every package, and uv always checks them",
}
_SWITCHES: Mapping[str, dict[str, Any]] = {"--no-index": {"no-index": True}, "--pre": {"prerelease": "allow"}}
_RELEASES = {"--all-releases": "allow", "--only-final": "disallow"}
#: The key of what an option asks for, and that of the opposite.
_FORMATS = {"--no-binary": ("no-binary", "no-build"), "--only-binary": ("no-build", "no-binary")}
#: The key of ``[tool.uv]`` that an option's comments stand above.
_KEYS = {
    "--find-links": "find-links",
    "--no-index": "no-index",
    "--trusted-host": "allow-insecure-host",
    "--pre": "prerelease",
    "--all-releases": "prerelease",
    "--only-final": "prerelease",
}


@dataclass
class Index:
    """One index of ``[[tool.uv.index]]``; an explicit one is asked only for what names it."""

    name: str
    url: str
    default: bool = False
    explicit: bool = False
    comments: tuple[str, ...] = ()


@dataclass
class UvOptions:
    """What the options of a project's files come to.

    Args:
        values: Keys of ``[tool.uv]``.
        indexes: Its indexes, in the order of the files.
        comments: For a key of ``values``: the comments above the options that made it.
        environment: Variables that take the place of credentials, and what each is for.
        secrets: Their values, for the uv that locks; they are never shown or written.
    """

    values: dict[str, Any] = field(default_factory=dict)
    indexes: list[Index] = field(default_factory=list)
    comments: dict[str, tuple[str, ...]] = field(default_factory=dict)
    environment: dict[str, str] = field(default_factory=dict)
    secrets: dict[str, str] = field(default_factory=dict, repr=False)

    def take(self, option: FileOption, comments: Sequence[str] = ()) -> tuple[Remark | None, bool]:
        """Put one option of a line on its own into the settings, with the comments above it.

        Returns:
            What a person has to know, and whether the comments have a place in the manifest.
        """
        name, value = option.name, option.value
        try:
            if name in ("--index-url", "--extra-index-url"):
                return self._index(name, value, comments)
            remark = self._taken(name, value)
        except ValueError:
            return ("left", f"what {name} names is no URL", "correct it by hand"), False
        key = _KEYS.get(name)
        if key is None or key not in self.values:
            return remark, False
        self.comments[key] = (*self.comments.get(key, ()), *comments)
        return remark, bool(comments)

    def _taken(self, name: str, value: str) -> Remark | None:
        """An option that names no index."""
        if why := _not_needed(name, value):
            return "note", why, ""
        if name == "--find-links":
            return self._find_links(value)
        if name in _FORMATS:
            return self._formats(value, *_FORMATS[name])
        if name in _RELEASES:
            return self._releases(value, _RELEASES[name])
        if name == "--trusted-host":
            self._add("allow-insecure-host", value)
        elif name in _SWITCHES:
            self.values |= _SWITCHES[name]
        else:
            return "left", f"{name} is no longer an option of pip", "take it out"
        return None

    def _releases(self, value: str, mode: str) -> Remark | None:
        if value == ":all:":
            self.values["prerelease"] = mode
            return None
        what = f"the rule for pre-releases of {value} alone has no place in a pyproject.toml that every uv reads"
        how = "give the requirement a pre-release bound (`>=2.0rc1`), which makes uv take pre-releases of it"
        return "question", what, how

    def _index(self, name: str, value: str, comments: Sequence[str]) -> tuple[Remark | None, bool]:
        default = name == "--index-url"
        url, user, password = without_credentials(value)
        if VARIABLE.search(url) or not url:
            variable = "UV_DEFAULT_INDEX" if default else "UV_INDEX"
            self.environment[variable] = f"the URL that {name} took from a variable"
            what = f"the URL after {name} comes from a variable, and a pyproject.toml has none"
            return (
                "question",
                what,
                f"set {variable} to it where uv runs, or write the URL into [[tool.uv.index]]",
            ), False
        if is_pypi(url) and not user:
            return ("note", f"{name} is the index that uv has by default", ""), False
        known = next((index for index in self.indexes if index.url == url), None)
        if known is None and default and (other := next((one for one in self.indexes if one.default), None)):
            how = "decide which is the default, and make the other one an index of its own"
            return ("question", f"another file has {other.url} as its only index", how), False
        if known is None:
            known = Index(self._name(url), url)
            self.indexes.append(known)
        known.default = known.default or default
        known.comments = (*known.comments, *comments)
        return self._credentials(known, user, password), bool(comments)

    def _credentials(self, index: Index, user: str, password: str) -> Remark | None:
        stem = f"UV_INDEX_{re.sub(r'[^A-Za-z0-9]', '_', index.name).upper()}"
        names = []
        for kind, value in (("USERNAME", user), ("PASSWORD", password)):
            if not value:
                continue
            was = VARIABLE.fullmatch(value)
            names.append(f"{stem}_{kind}")
            origin = f"; the file took it from {was[1]}" if was else ""
            self.secrets[names[-1]] = os.environ.get(was[1], "") if was else value
            self.environment[names[-1]] = f"the {kind.lower()} for the index {index.name} ({index.url}){origin}"
        if not names:
            return None
        what = f"the credentials of {index.url} stood in the file; put them in {' and '.join(names)}"
        return "note", what, "set them where uv runs: as a build secret, in CI's secrets, in your shell"

    def _name(self, url: str) -> str:
        """A name for an index that no other one has: of its host, of its path too where the host has several."""
        split = urlsplit(url)
        words = [word for word in re.split(r"[^A-Za-z0-9]+", split.hostname or split.path) if word]
        taken = {index.name for index in self.indexes}
        name = "-".join(words[:-1] if len(words) > 1 and split.hostname else words).lower() or "index"
        path = [word for word in re.split(r"[^A-Za-z0-9]+", split.path) if word and word != "simple"]
        while name in taken and path:
            name = f"{name}-{path.pop().lower()}"
        number = 2
        while name in taken:
            name, number = f"{name.rstrip('0123456789-')}-{number}", number + 1
        return name

    def _find_links(self, value: str) -> Remark | None:
        url, user, password = without_credentials(value)
        if VARIABLE.search(url):
            self.environment["UV_FIND_LINKS"] = "the place that --find-links took from a variable"
            what = "the place after --find-links comes from a variable, and a pyproject.toml has none"
            return "question", what, "set UV_FIND_LINKS to it where uv runs"
        self._add("find-links", url)
        if not user and not password:
            return None
        return "note", f"the credentials for {urlsplit(url).hostname} are taken out: uv reads them from netrc", ""

    def _formats(self, value: str, key: str, other: str) -> Remark | None:
        """``--no-binary`` and ``--only-binary``: the last word on a package counts, as in pip."""
        before = self._rules()
        for name in filter(None, (part.strip() for part in value.split(","))):
            if name in (":all:", ":none:"):
                undone = (other, f"{other}-package") if name == ":all:" else (key,)
                for one in (*undone, f"{key}-package"):
                    self.values.pop(one, None)
                if name == ":all:":
                    self.values[key] = True
            else:
                package = canonicalize_name(name)
                self._add(f"{key}-package", package)
                left = [one for one in self.values.get(f"{other}-package", ()) if one != package]
                self.values |= {f"{other}-package": left}
        self.values = {name: found for name, found in self.values.items() if found != []}
        undoes = ", ".join(sorted(before - self._rules()))
        return ("note", f"this undoes what stood before it: {undoes}", "") if undoes else None

    def _rules(self) -> set[str]:
        found = set()
        for option, (key, _) in _FORMATS.items():
            found |= {f"{option} :all:"} if key in self.values else set()
            found |= {f"{option} {name}" for name in self.values.get(f"{key}-package", ())}
        return found

    def _add(self, key: str, item: str) -> None:
        known = self.values.setdefault(key, [])
        if item not in known:
            known.append(item)


def _not_needed(name: str, value: str) -> str:
    if name == "--use-feature":
        why = _FINAL_FEATURES.get(value, "it is one of pip's own trials")
        return f"--use-feature {value} is not needed: {why}"
    return _NOT_NEEDED.get(name, "")


def local_links(value: str, file: Path, project: Path) -> str:
    """A local place of ``--find-links`` as the project's folder sees it; a URL as it is."""
    if "://" in value or value.startswith(("/", "~", "file:")) or VARIABLE.search(value):
        return value
    return relative(file.parent / value, project)


def is_pypi(url: str) -> bool:
    """Whether this is pip's own index, under its name of today or an earlier one: it is uv's too."""
    return bool(re.fullmatch(r"https?://pypi(?:\.\w+)?\.org/simple/?", url))


def redacted(text: str) -> str:
    """A line for a person to read: without what may be a secret in its URLs."""
    return re.sub(r"(?P<scheme>[a-z][a-z0-9+.-]*://)[^/@\s]+@", r"\g<scheme>…@", text, flags=re.IGNORECASE)
