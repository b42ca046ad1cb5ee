"""The cache of what there is to complete, in the user's cache folder: read at each word, written when it is stale.

An answer is kept with everything it was made from, each file and folder with its time of change and its size;
as long as they are as they were, it holds. What that is, whoever makes the answer need not say: Python tells which
files are opened and which folders are listed meanwhile (audit events, PEP 578).
"""

from __future__ import annotations

import os
import sys

from uvdock.env import cache_folder

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from typing import Any

#: Changes when the shape of what is stored does.
FORMAT = 2
#: More files than these are not kept: one for each folder and program in which a word was completed.
KEPT = 100
#: The variables that decide which tasks and services there are.
_VARIABLES = ("UVDOCK_", "COMPOSE_", "DOCKER_", "INVOKE_")
#: What makes a folder a repo, or gives it tasks, when it appears there or goes.
_SIGNS = (
    *("compose.yaml", "compose.yml", "docker-compose.yml", "docker-compose.yaml", ".git", "pyproject.toml"),
    *("tasks.py", "tasks", "package.json", "invoke.yaml", "invoke.yml", "invoke.json", "invoke.py"),
)
_PACKAGE = os.path.abspath(__file__).rpartition("/cli/completion/")[0]
#: Where Python's own files are, and what is in the paths of those that were installed or compiled.
_INSTALLED = (os.path.dirname(os.__file__), _PACKAGE, "/proc/", "/dev/")
_PYTHONS = ("/site-packages", "/dist-packages", "/__pycache__/")


class Store:
    """The stored answers for one program in the folder that the person is in.

    Args:
        program: ``uvdock`` or ``inv``.
    """

    def __init__(self, program: str) -> None:
        from uvdock.seen import digest

        variables = sorted(item for item in os.environ.items() if item[0].startswith(_VARIABLES))
        self.program = program
        self.cwd = os.getcwd()
        # Not the values themselves: there may be a password in one.
        self.key = [str(FORMAT), _PACKAGE, program, self.cwd, digest(repr(variables), os.path.expanduser("~"))]

    def get(self, kind: str, make: Callable[[], Any]) -> Any:
        """The stored answer of a kind if it still holds, else a new one from ``make``, which is stored.

        Raises:
            Exception: What ``make`` raises; nothing is stored then.
        """
        found = self.peek(kind)
        if found is not None:
            return found
        with Watched() as watched:
            answer = make()
        if answer is None:
            return []
        self.keep(kind, answer, watched)
        return answer

    def peek(self, kind: str) -> Any:
        """The stored answer of a kind if it still holds, else ``None``."""
        stored = self.read(kind)
        if stored is None:
            return None
        return stored["answer"] if all(state(name) == seen for name, seen in stored["seen"].items()) else None

    def read(self, kind: str) -> dict[str, Any] | None:
        """What is stored of a kind, whether or not it still holds."""
        stored = _read(self.path(kind))
        return stored if stored is not None and stored.get("key") == self.key else None

    def write(self, kind: str, seen: dict[str, Any], answer: object) -> None:
        """Store an answer of a kind.

        Args:
            kind: The kind.
            seen: What it was made from, and the state of each.
            answer: The answer.
        """
        _write(self.path(kind), {"key": self.key, "seen": seen, "answer": answer})

    def keep(self, kind: str, answer: object, watched: Watched) -> None:
        """Store an answer with the state of everything it was made from."""
        names = sorted({*watched.opened, *watched.listed, *_modules(), *_around(self.cwd)})
        self.write(kind, {name: state(name) for name in names}, answer)

    def path(self, kind: str) -> str:
        """The file of a kind of answer."""
        from zlib import crc32

        # The key stands in the file too: two with the same sum only take each other's place.
        name = f"{kind}-{crc32(repr(self.key).encode('utf-8', 'surrogateescape')):08x}.json"
        return os.path.join(cache_folder(), name)


def state(name: str) -> list[int] | None:
    """What tells whether a file or folder is as it was: time of change and size; ``None`` when it is not there."""
    try:
        found = os.stat(name)
    except (OSError, ValueError):
        return None
    is_folder = (found.st_mode & 0o170000) == 0o040000
    # Git changes its own folder all the time; that it is there is what counts.
    if is_folder and name.endswith("/.git"):
        return [0, 0]
    return [found.st_mtime_ns, -1 if is_folder else found.st_size]


class Watched:
    """Notes which files are opened and which folders are listed while it is entered."""

    def __init__(self) -> None:
        self.opened: set[str] = set()
        self.listed: set[str] = set()
        self.active = False

    def __enter__(self) -> Watched:
        self.active = True
        # It cannot be taken away again; the program ends when it has answered.
        sys.addaudithook(self.see)
        return self

    def __exit__(self, *_: object) -> None:
        self.active = False

    def see(self, event: str, args: tuple[Any, ...]) -> None:
        """Take note of an event, as Python's audit hooks are told of it."""
        if not self.active or event not in ("open", "os.listdir", "os.scandir"):
            return
        name = args[0]
        if name is None or isinstance(name, int):
            return
        path = os.path.abspath(os.fsdecode(name))
        if not path.startswith(_INSTALLED) and not any(part in path for part in _PYTHONS):
            (self.opened if event == "open" else self.listed).add(path)


def own_modules() -> list[str]:
    """The files of the modules of uvdock that are loaded."""
    files = (getattr(module, "__file__", None) or "" for module in list(sys.modules.values()))
    return [name for name in files if name.startswith(_PACKAGE)]


def _modules() -> Iterable[str]:
    """The files of uvdock's own modules and of a tasks.py with what it imports: compiled ones are not opened."""
    files = [getattr(module, "__file__", None) or "" for module in list(sys.modules.values())]
    own = own_modules()
    others = [name for name in files if name and not name.startswith(_INSTALLED)]
    return own + [name for name in others if not any(part in name for part in _PYTHONS)]


def _around(cwd: str) -> Iterable[str]:
    """The folder the person is in, and in each above it what would make it the repo."""
    yield cwd
    above = cwd
    while True:
        yield from (os.path.join(above, sign) for sign in _SIGNS)
        if os.path.exists(os.path.join(above, ".git")) or above == os.path.dirname(above):
            # The folder itself tells of files that appear: an override of the Compose file, an `.env`.
            if above != "/":
                yield above
            return
        above = os.path.dirname(above)


def _read(path: str) -> dict[str, Any] | None:
    import json

    try:
        with open(path, encoding="utf-8") as file:
            found = json.load(file)
    except (OSError, ValueError):
        return None
    return found if isinstance(found, dict) and isinstance(found.get("seen"), dict) and "answer" in found else None


def _write(path: str, content: dict[str, Any]) -> None:
    """Write a file of the cache, whole; a cache that cannot be written is none, and nothing more."""
    import json
    from contextlib import suppress

    made = f"{path}.{os.getpid()}"
    try:
        os.makedirs(os.path.dirname(path), mode=0o700, exist_ok=True)
        _prune(os.path.dirname(path))
        with open(made, "w", encoding="utf-8") as file:
            json.dump(content, file, ensure_ascii=True)
        os.replace(made, path)
    except (OSError, ValueError):
        with suppress(OSError):
            os.unlink(made)


def _prune(where: str) -> None:
    there = [os.path.join(where, name) for name in os.listdir(where)]
    for name in sorted(there, key=os.path.getmtime)[: max(0, len(there) - KEPT + 1)]:
        os.unlink(name)
