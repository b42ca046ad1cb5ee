"""What installs something in a repo: which files, scripts, workflows and documents do, and which projects they mean."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path
from typing import TYPE_CHECKING

from uvdock.files import is_dockerfile
from uvdock.migrate.commands.pip import takes_value

if TYPE_CHECKING:
    from uvdock.migrate.discover.sources import ProjectSources

#: Folders of what was installed: nothing in them is this repo's.
NEVER = {"node_modules", ".venv", "venv", "site-packages", ".git", ".tox", ".nox"}
#: Folders of what others wrote, or what is there to be tried on; and where something is only shown, so that what its
#: README says is for others.
_FOREIGN = {*NEVER, "fixtures", "testdata", "vendor", "vendored", "_vendor", "third_party", "third-party", "thirdparty"}
_SHOWN = {
    *("example", "examples", "sample", "samples", "demo", "demos", "template", "templates", "skeleton"),
    *("tutorial", "tutorials", "cookbook", "boilerplate"),
}
_CALLERS = re.compile(
    r"(Dockerfile|Containerfile|Makefile|Procfile|\.(sh|bash|ya?ml|ini|cfg|toml|mk|dockerfile))$"
    r"|^(run|[Jj]ustfile|Jenkinsfile|Vagrantfile|noxfile\.py|devcontainer\.json)$"
)
_DOCUMENTS = re.compile(r"\.(md|rst)$")
#: A list that is installed, by a name of which a part may be computed: `-r $here/requirements.txt`, `"-r", "dev.txt"`.
_LISTED = re.compile(r"(?:-r|--requirement)(?:[ =]|\"\s*,)?\s*[\"']?(?P<path>[^\s\"',;&|]+\.(?:txt|in|pip))")
_COMPUTED = re.compile(r"\$\{\{.*?\}\}|\$?\{[\w:.-]+\}|\$\([^()\n]*\)|\$\w+|\*+")
_INSTALLS = re.compile(r"(?:pip[\d.]*|uv pip)[\"',\s]+install\b(?P<words>(?:[^\n;&|#\\]|\\\r?\n|\\)*)")
#: What installs or builds the project of a folder without naming that folder.
_BUILDS = re.compile(
    r"setup\.py\s+(?:install|develop|sdist|bdist)|python3? -m build\b|method:\s*(?:pip|setuptools)\b"
    r"|session\.install\((?:[\"']-e[\"'],\s*)?[\"']\.[\[\"']"
)
_MANAGERS = {
    "pipenv": re.compile(r"\bpipenv\b[\"',\s]+(?:install|sync|lock|requirements|run|update|shell)\b"),
    "poetry": re.compile(r"\bpoetry\b[\"',\s]+(?:install|sync|lock|export|run|update|shell|build)\b"),
}
#: A folder as an operand: `.`, `./`, `$PWD`, `/srv/app`, each with extras; no wheel, no archive, no pattern.
_FOLDER = re.compile(r"(?:\./?|\$\{?PWD\}?|\$\(pwd\)|(?:/[\w.-]+)+/?)(?:\[[\w,. -]+\])?")
_ARCHIVE = re.compile(r"\.(?:whl|zip|gz|bz2|xz|tgz|txt|in)$")
#: What comes before the folder that a command runs in, or an image is built of.
_ENTERS = r"(?:\bcd|\bpushd|\s-C|WORKDIR|COPY|ADD|directory:|context:|build:|working_dir:)[ \t]+(?:--\S+[ \t]+)*[\"']?"
_ENTERED = re.compile(_ENTERS + r"(?P<path>[^\s\"';&)]+)")


def is_foreign(path: Path) -> bool:
    """Whether a path leads into what others wrote, or into the template of a repo: `{{ cookiecutter.name }}`."""
    return bool(_FOREIGN & set(path.parts)) or any("{{" in part or "{%" in part for part in path.parts)


@dataclass(frozen=True)
class _Caller:
    """A file whose commands may install something.

    Args:
        path: From the repo root.
        text: What is in it.
        lists: The lists that it installs, as they are written; what is computed of a name is ``*``.
        folders: What else it installs and where its commands run, as it is written.
        document: Whether people read it.
        itself: Whether it installs the project of the folder that it runs in.
    """

    path: Path
    text: str
    lists: frozenset[str]
    folders: frozenset[str]
    document: bool
    itself: bool

    def from_root(self, name: str) -> tuple[str, str]:
        """The paths from the root that a name in it may mean."""
        return _normal(self.path.parent / name), _normal(Path(name))


def _callers(texts: Mapping[Path, str]) -> Iterator[_Caller]:
    for path, text in texts.items():
        document = bool(_DOCUMENTS.search(path.name))
        if (document or _CALLERS.search(path.name)) and not is_foreign(path):
            plain = _COMPUTED.sub("*", text)
            lists = frozenset(found["path"] for found in _LISTED.finditer(plain))
            entered = {found["path"].rstrip("/") for found in _ENTERED.finditer(plain)}
            named = {re.sub(r"/?(?:\[[^]]*\])?$", "", word) for word in _operands(plain) if "/" in word}
            yield _Caller(path, text, lists, frozenset(entered | named), document, installs_itself(text))


def _normal(path: Path) -> str:
    return posixpath.normpath(path.as_posix())


def _meant(caller: _Caller, name: str, texts: Mapping[Path, str]) -> Path | None:
    """The file that a name means, if it is there; a computed folder before it may be the caller's own, or the root."""
    paths = (Path(one) for one in caller.from_root(name.removeprefix("*/")))
    return next((path for path in paths if path in texts), None)


def installed(texts: Mapping[Path, str]) -> frozenset[Path]:
    """The requirement files that commands in Dockerfiles, scripts, workflows and the like install by their names."""
    found = (_meant(one, name, texts) for one in _callers(texts) if not one.document for name in one.lists)
    return frozenset(path for path in found if path is not None)


def installs_itself(text: str) -> bool:
    """Whether a text installs a project from its folder: `pip install .`, `pip install -e /srv/app`."""
    return bool(_BUILDS.search(text)) or any(
        _FOLDER.fullmatch(word) and not _ARCHIVE.search(word) for word in _operands(text)
    )


def _operands(text: str) -> Iterator[str]:
    """What `pip install` is told to install by name or path."""
    for match in _INSTALLS.finditer(text):
        # The last word of a list (`["pip", "install", "."]`) has the bracket that closes it.
        words = (word.strip("\"'`,") for word in re.split(r"[\s\\]+|\"\s*,\s*\"|\"\s*\]", match["words"]))
        waits = False
        for word in filter(None, words):
            taken, waits = waits, takes_value(word) and not word.startswith(("-e", "--editable"))
            if not taken:
                yield word.removeprefix("--editable=")


def calls(manager: str, texts: Mapping[Path, str]) -> bool:
    """Whether anything in the repo calls Pipenv or Poetry, or tells people to."""
    return any(_MANAGERS[manager].search(one.text) for one in _callers(texts))


def used(projects: Iterable[ProjectSources], texts: Mapping[Path, str]) -> set[Path]:
    """The folders of the projects that something in the repo installs; the root's is one anyway.

    A file means a project by its path, by lying in it, or by the folder that its commands run in. What is not certain
    counts: half of a migration would be left of what is taken for unused.
    """
    found = {one.folder: one for one in projects}
    installing = [*_callers(texts)]
    # What an image installs and is not where its Dockerfile is, is in the folder that the image is built of.
    built = {
        posixpath.basename(name)
        for one in installing
        for name in one.lists
        if is_dockerfile(one.path) and _meant(one, name, texts) is None
    }
    return {
        folder
        for folder, project in found.items()
        if folder == Path()
        or project.tool == "uv"
        or any(_uses(one, project, nearest(one.path, found) == folder, built, texts) for one in installing)
    }


def nearest(path: Path, folders: Iterable[Path]) -> Path | None:
    """The innermost of some folders that a file is in."""
    return max((one for one in folders if path.is_relative_to(one)), key=lambda one: len(one.parts), default=None)


def _uses(caller: _Caller, project: ProjectSources, inside: bool, built: set[str], texts: Mapping[Path, str]) -> bool:
    """Whether a file installs a project, or one of its lists."""
    folder = project.folder
    if caller.document and _SHOWN & set(folder.parts):
        return False
    own = {path.as_posix() for path in (*project.files, *project.constraints)}
    if _names(caller, folder, own, texts):
        return True
    if is_foreign(folder) or not (inside or _enters(caller, folder)):
        return False
    names = {posixpath.basename(path) for path in own}
    listed = {posixpath.basename(name) for name in caller.lists} | (set() if inside else built)
    manager = _MANAGERS.get(project.tool)
    called = bool(manager and manager.search(caller.text))
    image = inside and is_dockerfile(caller.path)
    return image or caller.itself or called or any(fnmatch(name, one) for name in names for one in listed)


def _names(caller: _Caller, folder: Path, own: set[str], texts: Mapping[Path, str]) -> bool:
    """Whether a file names a project that it installs, or one of its lists, by a path."""
    if folder.as_posix() in {path for name in caller.folders if "/" in name for path in caller.from_root(name)}:
        return True
    for name in caller.lists:
        if (meant := _meant(caller, name, texts)) is not None:
            matches = meant.as_posix() in own
        else:
            matches = "/" in name and any(fnmatch(path, one) for path in own for one in caller.from_root(name))
        if matches:
            return True
    # As what is copied into an image; a document may name a list without a word of installing it.
    return not caller.document and any(re.search(rf"(?<![\w-]){re.escape(path)}(?![\w-])", caller.text) for path in own)


def _enters(caller: _Caller, folder: Path) -> bool:
    """Whether commands of a file run in a folder, or an image is built of it."""
    path, above = folder.as_posix(), f"{folder.parent.name}/*"
    computed = any(f"/{name}".endswith("/*") for name in caller.folders)
    if computed and re.search(rf"(?<![\w-])(?:{re.escape(folder.name)}|{re.escape(above)})(?![\w-])", caller.text):
        return True
    names = (one for name in caller.folders for one in (name, *caller.from_root(name)))
    return any(f"/{name}".endswith(f"/{path}") for name in names)
