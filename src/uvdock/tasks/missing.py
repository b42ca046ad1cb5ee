"""What is said of a word that is no task: what was meant, or what the repo lacks for it."""

from __future__ import annotations

import difflib
import shlex
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from uvdock.errors import UvdockError

#: What other programs call it, and what it is here: the task, or what to type.
MEANINGS: dict[str, str] = {
    "add": "uv add",
    "remove": "uv remove",
    "rm": "uv remove",
    "uninstall": "uv remove",
    "sync": "uv sync",
    "tree": "uv tree",
    "export": "uv export",
    "pip": "uv pip",
    "venv": "uv venv",
    "install": "deps.install",
    "i": "deps.install",
    "lock": "deps.lock",
    "check": "deps.check",
    "outdated": "deps.outdated",
    "upgrade": "deps.upgrade",
    "update": "deps.upgrade",
    "bump": "deps.upgrade",
    "diff": "deps.diff",
    "why": "deps.why",
    "audit": "deps.audit",
    "run": "cmd",
    "exec": "cmd",
    "python": "cmd python",
    "manage.py": "cmd python manage.py",
    "bash": "shell",
    "sh": "shell",
    "ssh": "shell",
    "start": "up",
    "serve": "up",
    "restart": "up",
    "stop": "down",
    "status": "ps",
    "log": "logs",
    "psql": "db.shell",
    "mysql": "db.shell",
    "mariadb": "db.shell",
    "dbshell": "db.shell",
    "pg_dump": "db.dump",
    "backup": "db.dump",
    "dump": "db.dump",
    "restore": "db.restore",
    "redis": "redis.cli",
    "redis-cli": "redis.cli",
    "valkey-cli": "redis.cli",
    "npm": "js",
    "yarn": "js",
    "pnpm": "js",
    "bun": "js",
    "pytest": "test",
    "tests": "test",
    "ruff": "lint",
    "fmt": "format",
    "hadolint": "lint.dockerfile",
    "shellcheck": "lint.shell",
    "shfmt": "format.shell",
    "ci": "ci.test",
    "env": "ci.env",
    "settings": "config",
    "setup": "init",
    "help": "--help",
    "list": "--list",
    "ls": "--list",
    "tasks": "--list",
    "version": "--version",
}
#: What each task needs that is not always there, and what to do about it.
_COMPOSE = ("this repo has no Compose file", "add a compose.yaml, or name yours in the setting compose_files")
_DATABASE = (
    "no service of this repo's Compose files is PostgreSQL, MySQL or MariaDB",
    "give a service such an image: {program} config shows the Compose files that are read",
)
_REDIS = (
    "no service of this repo's Compose files is Redis or Valkey",
    "give a service such an image: {program} config shows the Compose files that are read",
)
_JAVASCRIPT = ("this repo has no package.json", "add one, or go to the repo that has it")
_MANIFEST = ("this repo has no pyproject.toml", "make one: uv init")
NEEDS: dict[str, tuple[str, str]] = {
    **dict.fromkeys(("up", "down", "ps", "logs", "cache.info", "cache.prune"), _COMPOSE),
    **dict.fromkeys(("db.shell", "db.dump", "db.restore", "db.wait"), _DATABASE),
    "redis.cli": _REDIS,
    **dict.fromkeys(("js", "js.install", "js.outdated"), _JAVASCRIPT),
    **dict.fromkeys(("lint", "format"), _MANIFEST),
    "lint.dockerfile": ("this repo has no Dockerfile", "add one, or go to the repo that has it"),
    **dict.fromkeys(
        ("lint.shell", "format.shell"), ("this repo has no shell script", "add one, or go to the repo that has it")
    ),
    "quality": ("this repo has nothing to check", "add a pyproject.toml, a Dockerfile or a shell script"),
    "test": ("no pyproject.toml here asks for pytest, and there is no manage.py", "type {program} uv add --dev pytest"),
}


class UnknownWord(NamedTuple):
    """A command line, and the place of the word in it that is no task."""

    program: str
    tokens: Sequence[str]
    at: int

    def instead(self, typed: str) -> str:
        """The line with other words in its place."""
        rest = list(self.tokens[self.at + 1 :])
        # `docker compose exec` has the service first.
        if self.tokens[self.at] == "exec" and len(rest) > 1 and not rest[0].startswith("-"):
            typed = f"{typed} --service"
        return shlex.join([self.program, *self.tokens[: self.at], *typed.split(), *rest])


def no_task(place: UnknownWord, names: Iterable[str], root: str) -> UvdockError:
    """The error for a word that is no task.

    Args:
        place: Where it stands.
        names: Every name of a task that there is here.
        root: The repo.
    """
    names, word = list(names), place.tokens[place.at]
    typed = shlex.join([place.program, *place.tokens])
    every = f"`{place.program} --list` shows every task"
    dotted = ".".join(place.tokens[place.at : place.at + 2])
    if dotted != word and dotted in names:
        rest = shlex.join([place.program, *place.tokens[: place.at], dotted, *place.tokens[place.at + 2 :]])
        what = f"there is no task {word} {dotted.rpartition('.')[2]} (did you mean {dotted}?)"
        return UvdockError(what, where=typed, fix=f"type {rest}", code=2)
    if below := _in_group(word, names):
        return UvdockError(
            f"{word} is a group of tasks", where=typed, fix=f"name one of them: {', '.join(below)}", code=2
        )
    if lacking := _in_group(word, NEEDS, itself=True):
        return _lacking(place, word, lacking[0], names, root)
    meant = _meant(word, names)
    if meant in NEEDS and meant.split()[0] not in names:
        return _lacking(place, word, meant, names, root)
    if meant:
        what = f"there is no task {word} (did you mean {meant}?)"
        also = "" if meant.startswith("--") else f"; {every}"
        return UvdockError(what, where=typed, fix=f"type {place.instead(meant)}{also}", code=2)
    runs = f"; to run it as a command, type {place.instead(f'cmd {word}')}"
    fix = every + (runs if word and not place.at and not word.startswith("-") and " " not in word else "")
    return UvdockError(f"there is no task {word or repr(word)}", where=typed, fix=fix, code=2)


def _in_group(word: str, names: Iterable[str], *, itself: bool = False) -> list[str]:
    """The names in the group of a word; with ``itself`` in their order, and the word's own too."""
    found = [name for name in names if word and (name.startswith(f"{word}.") or (itself and name == word))]
    return found if itself else sorted(found)


def _meant(word: str, names: Sequence[str]) -> str:
    """The task that was meant, by what it means or by how it is written; empty where nobody can tell."""
    lower = word.lower().replace("_", "-")
    if lower in names:
        return lower
    if lower in MEANINGS:
        return MEANINGS[lower]
    # `deps-install`, `deps:install`, `db dump`: other programs write it so.
    dotted = lower.replace("-", ".").replace(":", ".").replace(" ", ".")
    known = [*names, *(name for name in NEEDS if name not in names)]
    if dotted in known:
        return dotted
    last = [name for name in names if name.rpartition(".")[2] == lower]
    if len(last) == 1:
        return last[0]
    close = difflib.get_close_matches(lower, {*known, *MEANINGS}, n=3, cutoff=0.6)
    # A word of another program's must be nearly that.
    sure = difflib.get_close_matches(lower, MEANINGS, n=3, cutoff=0.75)
    found = next((name for name in close if name in known or name in sure), "")
    return found if found in known else MEANINGS.get(found, "")


def _lacking(place: UnknownWord, word: str, task: str, names: Sequence[str], root: str) -> UvdockError:
    """The error for a task of uvdock that this repo has no use for."""
    why, fix = NEEDS[task]
    if task.startswith(("db.", "redis.")) and "up" not in names:
        why, fix = _COMPOSE
    meant = "" if word in (task, task.partition(".")[0]) else f" (did you mean {task}?)"
    return UvdockError(
        f"there is no task {word}{meant} here: {why}",
        where=root,
        fix=fix.format(program=place.program),
        code=2,
    )
