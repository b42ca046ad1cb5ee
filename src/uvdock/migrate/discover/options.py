"""The options of requirement files: what each becomes in ``[tool.uv]``, or why it becomes nothing.

The table of all of pip's options is `PIP`; docs/migrate-pip-options.md is written from it.
"""

from __future__ import annotations

import os
import posixpath
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal
from urllib.parse import unquote, urlsplit, urlunsplit

from packaging.utils import canonicalize_name

from uvdock.formats.requirements import FileOption
from uvdock.migrate.discover.requirement import VARIABLE
from uvdock.migrate.model import Notice

#: pip's own index, which is uv's too. Put together, so that no file of this repo names an index that a tool could
#: take for one of its own.
DEFAULT_INDEX = f"https://{'.'.join(('pypi', 'org'))}/simple"
_URLS = ("--index-url", "--extra-index-url", "--find-links")
_ALL, _NONE = ":all:", ":none:"
_FINAL_FEATURES = {
    "truststore": "uv takes the system's certificates with `--system-certs`",
    "fast-deps": "uv reads metadata without downloading whole wheels by itself",
    "2020-resolver": "uv has one resolver",
    "in-tree-build": "uv builds a path dependency in its place",
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
        hashes: Whether hashes are asked for.
    """

    values: dict[str, Any] = field(default_factory=dict)
    indexes: list[Index] = field(default_factory=list)
    comments: dict[str, tuple[str, ...]] = field(default_factory=dict)
    environment: dict[str, str] = field(default_factory=dict)
    secrets: dict[str, str] = field(default_factory=dict, repr=False)
    hashes: bool = False

    def take(self, option: FileOption, path: Path, line: int, comments: tuple[str, ...] = ()) -> list[Notice]:
        """Put one option of a line on its own into the settings; what a person has to know comes back.

        Comments that are not used up are the caller's: see `uses_comments`.
        """
        place = _Place(path, line)
        if option.name in _URLS and not _is_url(option.value):
            return [place.left(f"what {option.name} names is no URL", "correct it by hand")]
        if option.name in ("--index-url", "--extra-index-url"):
            return self._index(option, place, comments)
        handler = _HANDLERS.get(option.name)
        if handler is None:
            return [place.left(f"{option.name} is no longer an option of pip", "take it out")]
        found = handler(self, option.value, place)
        key = _KEYS.get(option.name, "")
        if comments and key in self.values:
            self.comments[key] = (*self.comments.get(key, ()), *comments)
        return found

    def uses_comments(self, option: FileOption) -> bool:
        """Whether comments above this option have a place in the manifest, once it was taken."""
        if option.name in ("--index-url", "--extra-index-url"):
            url = _split_url(option.value)[0]
            return any(index.comments for index in self.indexes if index.url == url)
        return _KEYS.get(option.name, "-") in self.comments

    def _index(self, option: FileOption, place: _Place, comments: tuple[str, ...]) -> list[Notice]:
        default = option.name == "--index-url"
        url, user, password = _split_url(option.value)
        if VARIABLE.search(url) or not url:
            variable = "UV_DEFAULT_INDEX" if default else "UV_INDEX"
            self.environment[variable] = f"the URL that {option.name} took from a variable"
            return [
                place.question(
                    f"the URL after {option.name} comes from a variable, and a pyproject.toml has none",
                    f"set {variable} to it where uv runs, or write the URL into [[tool.uv.index]]",
                )
            ]
        if is_pypi(url) and not user:
            return [place.note(f"{option.name} is the index that uv has by default")]
        known = next((index for index in self.indexes if index.url == url), None)
        if known is None and default and (other := next((one for one in self.indexes if one.default), None)):
            return [
                place.question(
                    f"another file has {other.url} as its only index",
                    "decide which is the default, and make the other one an index of its own",
                )
            ]
        if known is None:
            known = Index(self._name(url), url)
            self.indexes.append(known)
        known.default = known.default or default
        known.comments = (*known.comments, *comments)
        return self._credentials(known, user, password, place)

    def _credentials(self, index: Index, user: str, password: str, place: _Place) -> list[Notice]:
        if not user and not password:
            return []
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
        what = f"the credentials of {index.url} stood in the file; put them in {' and '.join(names)}"
        return [place.note(what, "set them where uv runs: as a build secret, in CI's secrets, in your shell")]

    def _name(self, url: str) -> str:
        split = urlsplit(url)
        words = [word for word in re.split(r"[^A-Za-z0-9]+", split.hostname or split.path) if word]
        taken = {index.name for index in self.indexes}
        name = "-".join(words[:-1] if len(words) > 1 and split.hostname else words).lower() or "index"
        path = [word for word in re.split(r"[^A-Za-z0-9]+", split.path) if word and word != "simple"]
        for word in reversed(path):
            if name not in taken:
                break
            name = f"{name}-{word.lower()}"
        number = 2
        while name in taken:
            name, number = f"{name.rstrip('0123456789-')}-{number}", number + 1
        return name

    def _add(self, key: str, *items: str) -> None:
        known = self.values.setdefault(key, [])
        known += [item for item in items if item not in known]

    def _drop(self, key: str, *items: str) -> None:
        if key in self.values:
            self.values[key] = [item for item in self.values[key] if item not in items]
            if not self.values[key]:
                del self.values[key]

    def _formats(self, value: str, key: str, other: str) -> None:
        """``--no-binary`` and ``--only-binary``: the last word on a package counts, as in pip."""
        for name in filter(None, (part.strip() for part in value.split(","))):
            if name == _NONE:
                self.values.pop(key, None)
                self.values.pop(f"{key}-package", None)
            elif name == _ALL:
                self.values[key] = True
                self.values.pop(other, None)
                self.values.pop(f"{other}-package", None)
                self.values.pop(f"{key}-package", None)
            else:
                self._add(f"{key}-package", canonicalize_name(name))
                self._drop(f"{other}-package", canonicalize_name(name))


@dataclass(frozen=True)
class _Place:
    path: Path
    line: int

    def note(self, what: str, instead: str = "") -> Notice:
        return Notice(self.path, self.line, "note", what, instead)

    def left(self, what: str, instead: str) -> Notice:
        return Notice(self.path, self.line, "left", what, instead)

    def question(self, what: str, instead: str) -> Notice:
        return Notice(self.path, self.line, "question", what, instead)


def _find_links(settings: UvOptions, value: str, place: _Place) -> list[Notice]:
    url, user, password = _split_url(value)
    if VARIABLE.search(url):
        settings.environment["UV_FIND_LINKS"] = "the place that --find-links took from a variable"
        what = "the place after --find-links comes from a variable, and a pyproject.toml has none"
        return [place.question(what, "set UV_FIND_LINKS to it where uv runs")]
    settings._add("find-links", url)  # noqa: SLF001 - the handlers are the class's own, kept apart for their table
    if not user and not password:
        return []
    host = urlsplit(url).hostname
    return [place.note(f"the credentials for {host} are taken out: uv reads them from netrc")]


def _no_index(settings: UvOptions, _: str, __: _Place) -> list[Notice]:
    settings.values["no-index"] = True
    return []


def _trusted(settings: UvOptions, value: str, _: _Place) -> list[Notice]:
    settings._add("allow-insecure-host", value)  # noqa: SLF001
    return []


def _no_binary(settings: UvOptions, value: str, place: _Place) -> list[Notice]:
    return _format(settings, value, place, ("no-binary", "no-build"))


def _only_binary(settings: UvOptions, value: str, place: _Place) -> list[Notice]:
    return _format(settings, value, place, ("no-build", "no-binary"))


def _format(settings: UvOptions, value: str, place: _Place, keys: tuple[str, str]) -> list[Notice]:
    """A rule on wheels and sources, and a note where it undoes one from before."""
    before = _rules(settings)
    settings._formats(value, *keys)  # noqa: SLF001
    undone = before - _rules(settings)
    return [place.note(f"this undoes what stood before it: {', '.join(sorted(undone))}")] if undone else []


def _rules(settings: UvOptions) -> set[str]:
    found = set()
    for option, key in (("--no-binary", "no-binary"), ("--only-binary", "no-build")):
        found |= {f"{option} {_ALL}"} if key in settings.values else set()
        found |= {f"{option} {name}" for name in settings.values.get(f"{key}-package", [])}
    return found


def _pre(settings: UvOptions, _: str, __: _Place) -> list[Notice]:
    settings.values["prerelease"] = "allow"
    return []


def _all_releases(settings: UvOptions, value: str, place: _Place) -> list[Notice]:
    return _release(settings, value, place, "allow")


def _only_final(settings: UvOptions, value: str, place: _Place) -> list[Notice]:
    return _release(settings, value, place, "disallow")


def _release(settings: UvOptions, value: str, place: _Place, mode: str) -> list[Notice]:
    if value == _ALL:
        settings.values["prerelease"] = mode
        return []
    return [
        place.question(
            f"the rule for pre-releases of {value} alone has no place in a pyproject.toml that every uv reads",
            "give the requirement a pre-release bound (`>=2.0rc1`), which makes uv take pre-releases of it",
        )
    ]


def _prefer_binary(_: UvOptions, __: str, place: _Place) -> list[Notice]:
    return [place.note("uv has no --prefer-binary; the lock keeps the version, and a wheel is taken where it has one")]


def _hashes(settings: UvOptions, _: str, place: _Place) -> list[Notice]:
    settings.hashes = True
    return [place.note("uv.lock holds the hashes of every package, and uv checks them without being told")]


def _no_hashes(_: UvOptions, __: str, place: _Place) -> list[Notice]:
    return [place.note("uv.lock holds the hashes of every package, and uv always checks them")]


def _feature(_: UvOptions, value: str, place: _Place) -> list[Notice]:
    why = _FINAL_FEATURES.get(value, "it is one of pip's own trials")
    return [place.note(f"--use-feature {value} is not needed: {why}")]


_HANDLERS = {
    "--find-links": _find_links,
    "--no-index": _no_index,
    "--trusted-host": _trusted,
    "--no-binary": _no_binary,
    "--only-binary": _only_binary,
    "--pre": _pre,
    "--all-releases": _all_releases,
    "--only-final": _only_final,
    "--prefer-binary": _prefer_binary,
    "--require-hashes": _hashes,
    "--no-require-hashes": _no_hashes,
    "--use-feature": _feature,
}
#: The key of ``[tool.uv]`` an option's comments stand above.
_KEYS = {
    "--find-links": "find-links",
    "--no-index": "no-index",
    "--trusted-host": "allow-insecure-host",
    "--pre": "prerelease",
    "--all-releases": "prerelease",
    "--only-final": "prerelease",
}


def local_links(value: str, file: Path, project: Path) -> str:
    """A local place of ``--find-links`` as the project's folder sees it; a URL as it is."""
    if "://" in value or value.startswith(("/", "~", "file:")) or VARIABLE.search(value):
        return value
    shown = posixpath.relpath((file.parent / value).as_posix(), project.as_posix())
    return shown if shown.startswith("..") else f"./{shown}"


def is_pypi(url: str) -> bool:
    """Whether this is pip's own index, under its name of today or an earlier one: it is uv's too."""
    return bool(re.fullmatch(r"https?://pypi(?:\.\w+)?\.org/simple/?", url))


def redacted(text: str) -> str:
    """A line for a person to read: without what may be a secret in its URLs."""
    return re.sub(r"(?P<scheme>[a-z][a-z0-9+.-]*://)[^/@\s]+@", r"\g<scheme>…@", text, flags=re.IGNORECASE)


def _is_url(url: str) -> bool:
    """Whether urllib can read this; it cannot read `https://[x/simple`."""
    try:
        urlsplit(url.strip())
    except ValueError:
        return False
    return True


def _split_url(url: str) -> tuple[str, str, str]:
    """A URL without its credentials, and those."""
    url = url.strip()
    split = urlsplit(url)
    if "@" not in split.netloc:
        return url, "", ""
    userinfo, _, host = split.netloc.rpartition("@")
    user, _, password = userinfo.partition(":")
    return urlunsplit((split.scheme, host, split.path, split.query, split.fragment)), unquote(user), unquote(password)


#: What became of an option: ``kept`` as it is or by its counterpart, ``by uv itself`` where uv does so anyway,
#: ``named`` where it stays for a person.
Fate = Literal["kept", "by uv itself", "named"]
