"""What a requirement asks for: a name, extras, versions, a marker, and where it comes from when that is no index."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from urllib.parse import unquote, urlsplit, urlunsplit

from packaging.utils import canonicalize_name

_VCS = re.compile(r"^(git|hg|svn|bzr)\+", re.IGNORECASE)
_SCHEME = re.compile(r"^[a-z][a-z0-9+.-]*:", re.IGNORECASE)
_EXTRAS = re.compile(r"^(?P<rest>.*?)\s*\[(?P<extras>[^\]]*)\]$")
_ARCHIVE = re.compile(r"\.(whl|zip|tar\.gz|tgz|tar\.bz2|tbz|tar\.xz|tar)$", re.IGNORECASE)
_SDIST = re.compile(r"([A-Za-z0-9._-]+?)-\d[^-]*")
_WORD = re.compile(r"^[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?$")
_NAME = re.compile(r"\s*([A-Za-z0-9][A-Za-z0-9._-]*)\s*(?=$|[\[<>=!~;@(])")
VARIABLE = re.compile(r"\$\{([A-Z0-9_]+)\}")


class NotUnderstoodError(ValueError):
    """A requirement that cannot become a dependency of a pyproject.toml.

    Args:
        why: What stands against it.
        instead: What a person can write instead.
        question: Whether only a person can decide; otherwise it has no counterpart.
    """

    def __init__(self, why: str, instead: str, *, question: bool = True) -> None:
        super().__init__(why)
        self.instead = instead
        self.question = question


@dataclass(frozen=True)
class Dependency:
    """One dependency.

    Args:
        name: As it was written.
        extras: Its extras, in order.
        specifier: Its versions as they were written, without blanks.
        marker: Its environment marker.
        source: Its entry in ``[tool.uv.sources]``; empty for a package from an index.
        itself: Whether it is the project itself (``.``).
        notes: What was assumed or lost on the way, in sentences.
    """

    name: str
    extras: tuple[str, ...] = ()
    specifier: str = ""
    marker: str = ""
    source: Mapping[str, str | bool] = field(default_factory=dict)
    itself: bool = False
    notes: tuple[str, ...] = ()

    @property
    def text(self) -> str:
        """As a dependency of a pyproject.toml."""
        extras = f"[{','.join(self.extras)}]" if self.extras else ""
        return f"{self.name}{extras}{self.specifier}" + (f"; {self.marker}" if self.marker else "")

    @property
    def key(self) -> str:
        """Its name, normalized."""
        return canonicalize_name(self.name)

    @property
    def pin(self) -> str:
        """The one version it allows, if it is a pin."""
        return pinned(self.specifier)


@dataclass(frozen=True)
class Places:
    """What paths in a requirement are relative to, all from the repo root.

    Args:
        project: The project's folder: pip is taken to run there.
        file: The folder of the file the requirement is in.
        name_of: The name of the package in a folder or archive; empty where none can be told.
        exists: Whether there is something at a path.
    """

    project: Path
    file: Path
    name_of: Callable[[Path], str]
    exists: Callable[[Path], bool]


def name_in(requirement: str) -> str:
    """The name of the package that a requirement is for, as the index has it; empty for a path and a URL."""
    found = _NAME.match(requirement)
    return canonicalize_name(found[1]) if found else ""


def pinned(specifier: str) -> str:
    """The version of a specifier that is one ``==`` or ``===`` without a star, else nothing."""
    found = re.fullmatch(r"={2,3}([^,*\s]+)", specifier)
    return found[1] if found else ""


def understand(text: str, places: Places, *, editable: bool) -> Dependency:
    """What a requirement, a URL or a path asks for.

    Raises:
        NotUnderstoodError: It cannot be a dependency of a pyproject.toml.
    """
    try:
        bare, marker = _without_marker(text)
        return replace(_understood(bare, places, editable=editable), marker=marker)
    except NotUnderstoodError:
        raise
    except ValueError as error:
        # A host that cannot be one: `https://[x/a.zip`. What urllib says of it may have credentials in it.
        raise NotUnderstoodError(f"{text} is no URL", "correct it by hand") from error


def _understood(text: str, places: Places, *, editable: bool) -> Dependency:
    from packaging.requirements import InvalidRequirement, Requirement

    name, extras = "", tuple[str, ...]()
    if not editable and not _VCS.match(text):
        try:
            found = Requirement(text)
        except InvalidRequirement:
            pass
        else:
            listed = re.search(r"\[([^]]*)\]", text.partition("@")[0]) if found.extras else None
            extras = _words(listed[1]) if listed else ()
            if not found.url:
                return Dependency(found.name, extras, _specifier(text, found.name))
            name, text = found.name, found.url
    if _VCS.match(text):
        return _from_vcs(name, extras, text, editable=editable)
    if _SCHEME.match(text) and not text.lower().startswith("file:"):
        return _from_url(name, extras, text)
    if editable or _is_path(text):
        return _from_path(name, extras, text, places, editable=editable)
    raise NotUnderstoodError(f"{text} is no requirement that pip of today reads", "correct it by hand")


def _specifier(text: str, name: str) -> str:
    """The versions of a requirement as they were written, without blanks and parentheses."""
    written = re.sub(r"^\[[^]]*\]", "", text.removeprefix(name).strip()).strip()
    return re.sub(r"\s+", "", written.removeprefix("(").removesuffix(")"))


def _without_marker(text: str) -> tuple[str, str]:
    """The text without its marker; in a URL, only a semicolon after a blank begins one."""
    is_url = bool(_SCHEME.match(text)) or " @ " in text or re.match(r"^[\w.-]+(\[[^]]*\])?\s*@\s*\S+:", text)
    found = re.search(r"\s+;\s*(?P<marker>.+)$" if is_url else r"\s*;\s*(?P<marker>.+)$", text)
    if found is None:
        return text.rstrip("; "), ""
    from packaging.markers import InvalidMarker, Marker

    try:
        marker = str(Marker(found["marker"]))
    except InvalidMarker as error:
        raise NotUnderstoodError(f"the marker {found['marker']!r} cannot be read", "correct it by hand") from error
    return text[: found.start()].strip(), marker if "'" in marker else marker.replace('"', "'")


def _is_path(text: str) -> bool:
    return text.startswith((".", "/", "file:", "~")) or "/" in text or bool(_ARCHIVE.search(_no_extras(text)[0]))


def _no_extras(text: str) -> tuple[str, tuple[str, ...]]:
    found = _EXTRAS.match(text)
    return (found["rest"], _words(found["extras"])) if found else (text, ())


def _words(text: str) -> tuple[str, ...]:
    return tuple(filter(None, re.sub(r"\s+", "", text).split(",")))


def _fragment(url: str) -> tuple[str, str, tuple[str, ...], str]:
    """A URL without its fragment, and the name, extras and folder that the fragment gives."""
    bare, _, fragment = url.partition("#")
    parts = dict(part.partition("=")[::2] for part in unquote(fragment).split("&") if part)
    egg, extras = _no_extras(parts.get("egg", ""))
    # Old files have `#egg=name-1.0` or `name==1.0` there; only the name counts today.
    egg = re.split(r"[=<>!~]", egg)[0]
    if versioned := re.fullmatch(r"(?P<name>.+)-(?P<version>\d[\w.]*|dev)", egg):
        egg = versioned["name"]
    return bare, egg if _WORD.match(egg) else "", extras, parts.get("subdirectory", "").strip("/")


def without_credentials(url: str) -> tuple[str, str, str]:
    """A URL without its credentials, the user and the password.

    Raises:
        ValueError: It is no URL.
    """
    url = url.strip()
    split = urlsplit(url)
    if "@" not in split.netloc:
        return url, "", ""
    userinfo, _, host = split.netloc.rpartition("@")
    user, _, password = userinfo.partition(":")
    return urlunsplit((split.scheme, host, *split[2:])), unquote(user), unquote(password)


def _from_vcs(name: str, extras: tuple[str, ...], url: str, *, editable: bool) -> Dependency:
    bare, egg, egg_extras, folder = _fragment(url)
    kind, _, address = bare.partition("+")
    if kind.lower() != "git":
        instead = "publish a wheel of it, or use a git mirror"
        raise NotUnderstoodError(f"uv knows no {kind.lower()}", instead, question=False)
    if not _SCHEME.match(address) and ":" in address:
        # git+git@host:owner/repo.git, which git itself reads as ssh.
        address = "ssh://" + address.replace(":", "/", 1)
    notes = []
    if urlsplit(address).scheme in ("http", "https"):
        address, *credentials = without_credentials(address)
        if any(credentials):
            how = "give them to git (a credential helper or netrc)"
            notes.append(f"the credentials for {urlsplit(address).netloc} are taken out: {how}")
    split = urlsplit(address)
    path, _, rev = split.path.rpartition("@") if "@" in split.path else (split.path, "", "")
    last = path.rstrip("/").rpartition("/")[2].removesuffix(".git")
    if not name and not egg and _WORD.match(last):
        name = last
        notes.append(f"the name {name} is taken from the URL, which says none")
    name = name or egg
    if not name:
        raise NotUnderstoodError("a git URL without a package's name", "add #egg=NAME to it")
    if editable:
        notes.append(f"{name} is no longer editable: uv installs from git as it is; for work on it, clone it")
    shown = urlunsplit((split.scheme, split.netloc, path, split.query, ""))
    _refuse_variable(shown + rev)
    source = {"git": shown, "rev": rev, "subdirectory": folder}
    source = {key: value for key, value in source.items() if value}
    return Dependency(name, extras or egg_extras, source=source, notes=tuple(notes))


def _from_url(name: str, extras: tuple[str, ...], url: str) -> Dependency:
    bare, egg, egg_extras, folder = _fragment(url)
    shown, *credentials = without_credentials(bare)
    split = urlsplit(shown)
    note = f"the credentials for {split.netloc} are taken out: uv reads them from netrc"
    name = name or egg or archive_name(unquote(split.path.rpartition("/")[2]))
    _refuse_variable(shown)
    if not name:
        raise NotUnderstoodError(f"{shown} does not say which package it is", f"write it as `NAME @ {shown}`")
    source = {"url": shown, **({"subdirectory": folder} if folder else {})}
    return Dependency(name, extras or egg_extras, source=source, notes=(note,) if any(credentials) else ())


def _from_path(name: str, extras: tuple[str, ...], text: str, places: Places, *, editable: bool) -> Dependency:
    _refuse_variable(text)
    bare, egg, egg_extras, _ = _fragment(text)
    bare, path_extras = _no_extras(bare)
    if bare.lower().startswith("file:"):
        bare = unquote(bare[5:])
        bare = bare[2:] if bare.startswith("///") else bare.removeprefix("//")
    target = _target(bare, places)
    name = name or egg or (archive_name(target.name) if _ARCHIVE.search(target.name) else places.name_of(target))
    extras = extras or path_extras or egg_extras
    if target == places.project:
        return Dependency(name, extras, itself=True)
    if not name:
        what = f"the name of the package in {bare} cannot be told"
        raise NotUnderstoodError(what, f"write it as `-e {bare}#egg=NAME`")
    source: dict[str, str | bool] = {"path": relative(target, places.project)}
    return Dependency(name, extras, source={**source, "editable": True} if editable else source)


def _target(bare: str, places: Places) -> Path:
    """What a relative path leads to: pip goes from where it runs, and people from the file it is in."""
    if bare.startswith(("/", "~")):
        instead = "put it into the repo, or on an index; then name it relative"
        raise NotUnderstoodError(f"{bare} is a path of one machine", instead)
    for base in (places.project, Path(), places.file):
        path = posixpath.normpath((base / bare).as_posix())
        if not path.startswith("..") and places.exists(Path(path)):
            return Path(path)
    raise NotUnderstoodError(f"there is nothing at {bare}", "name it relative to the project's folder")


def relative(path: Path, project: Path) -> str:
    """A path of the repo as a pyproject.toml in ``project`` names it: ``./lib``, ``../lib``."""
    shown = posixpath.relpath(path.as_posix(), project.as_posix())
    return shown if shown.startswith("..") else f"./{shown}"


def archive_name(file: str) -> str:
    """The package's name in a wheel's or source archive's file name; empty where it says none."""
    if not _ARCHIVE.search(file):
        return ""
    stem = _ARCHIVE.sub("", file)
    if file.lower().endswith(".whl"):
        return stem.partition("-")[0]
    found = _SDIST.fullmatch(stem)
    return found[1] if found else ""


def _refuse_variable(text: str) -> None:
    if found := VARIABLE.search(text):
        raise NotUnderstoodError(
            f"{found[0]} is filled in by pip; a pyproject.toml has no variables", "write the value itself"
        )
