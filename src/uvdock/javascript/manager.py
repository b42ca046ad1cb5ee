"""npm, yarn, pnpm and bun: which one a folder uses, and the command lines that uvdock asks of it."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from uvdock.errors import UvdockError
from uvdock.javascript.folders import MANIFEST
from uvdock.project import Tool

#: Whose each lock file is; of one manager's, the first that is there is the one it reads.
LOCKS: Mapping[str, tuple[str, ...]] = {
    "yarn": ("yarn.lock",),
    "npm": ("npm-shrinkwrap.json", "package-lock.json"),
    "pnpm": ("pnpm-lock.yaml",),
    "bun": ("bun.lock", "bun.lockb"),
}
#: The lock that each makes where there is none.
_NEW_LOCK = {"yarn": "yarn.lock", "npm": "package-lock.json", "pnpm": "pnpm-lock.yaml", "bun": "bun.lock"}
_BERRY = re.compile(rb"(?m)^__metadata:")
_CLASSIC = re.compile(rb"(?m)^# yarn lockfile v1")
#: Where yarn 1 is to install what only its lock is wanted of: it has no option to lock alone.
MODULES = "/tmp/uvdock-modules"  # noqa: S108 - in a one-off that is removed

_INSTALL = {
    "npm": {"install", "i", "in", "ins", "inst", "insta", "instal", "isnt", "isnta", "isntal", "isntall"},
    "yarn": {"", "install"},
    "pnpm": {"install", "i"},
    "bun": {"install", "i"},
}
#: Subcommands that change package.json or the lock, and install what changed.
_CHANGING = {
    "npm": _INSTALL["npm"]
    | {"add", "uninstall", "unlink", "remove", "rm", "r", "un", "update", "up", "upgrade", "udpate", "dedupe", "ddp"},
    "yarn": _INSTALL["yarn"] | {"add", "remove", "upgrade", "upgrade-interactive", "up", "dedupe"},
    "pnpm": _INSTALL["pnpm"] | {"add", "remove", "rm", "uninstall", "un", "update", "up", "upgrade", "dedupe"},
    "bun": _INSTALL["bun"] | {"add", "a", "remove", "rm", "update"},
}
#: With one of these, nothing changes: they only look, or take the lock as it is, or are about another place.
_UNCHANGED = frozenset(
    {
        *("--dry-run", "--help", "-h", "--version", "-v", "-g", "--global", "--no-save", "--no-package-lock"),
        *("--frozen-lockfile", "--immutable", "--check", "-c", "--no-lockfile", "--pure-lockfile"),
    }
)
_LOCK_ONLY = frozenset({"--package-lock-only", "--lockfile-only", "--mode=update-lockfile"})
#: Options before the subcommand that take a value.
_WITH_VALUE = frozenset({"--cwd", "--prefix", "--filter", "-F", "-C", "--dir", "-w", "--workspace", "--registry"})


@dataclass(frozen=True)
class Manager:
    """A package manager as one folder uses it.

    Args:
        name: ``npm``, ``yarn``, ``pnpm`` or ``bun``.
        lock: The name of its lock file there.
        berry: Whether it is yarn 2 or newer, which shares little but the name with yarn 1.
    """

    name: str
    lock: str
    berry: bool = False

    @property
    def tool(self) -> Tool:
        """Its program, manifest and lock."""
        return Tool(self.name, MANIFEST, self.lock)

    @property
    def locking(self) -> list[str]:
        """Its arguments to bring the lock up to date with package.json, and install nothing."""
        # With CI in the environment, pnpm and yarn take the lock as it is unless they are told.
        extra = ["--no-frozen-lockfile"] if self.name == "pnpm" else ["--no-immutable"] if self.berry else []
        return self.lock_only(["install", *extra])

    @property
    def frozen(self) -> list[str]:
        """Its arguments to install what the lock says, and change nothing but `node_modules`."""
        if self.name == "npm":
            return ["ci", "--no-audit", "--no-fund"]
        # Without a terminal, pnpm would rather stop than replace a `node_modules` that another made.
        extra = ["--config.confirm-modules-purge=false"] if self.name == "pnpm" else []
        return ["install", "--immutable" if self.berry else "--frozen-lockfile", *extra]

    def changes(self, args: Sequence[str]) -> bool:
        """Whether this command line may change package.json or the lock."""
        name, before = _subcommand(self.name, args), _own(args)
        if self.name == "npm" and name in ("pkg", "audit", "version"):
            second = next((word for word in before[before.index(name) + 1 :] if not word.startswith("-")), "")
            return second in {"pkg": ("set", "delete", "fix"), "audit": ("fix",)}.get(name, (second or "?",))
        known = _CHANGING[self.name]
        return name in known and not _UNCHANGED & set(before)

    def installs(self, args: Sequence[str]) -> bool:
        """Whether `node_modules` is to follow: all that change the lock, but for who asks for the lock alone."""
        name, before = _subcommand(self.name, args), _own(args)
        if not self.changes(args):
            # Taking the lock as it is, it needs the host's.
            return (name in ("ci", "clean-install") and self.name == "npm") or name in _INSTALL[self.name]
        return name not in ("pkg", "version") and not _LOCK_ONLY & set(before)

    def lock_only(self, args: Sequence[str]) -> list[str]:
        """A changing command line so that it changes package.json and the lock, installs nothing, runs no script."""
        name = _subcommand(self.name, args)
        if self.name == "npm":
            flags = [] if name == "pkg" else ["--package-lock-only", "--ignore-scripts", "--no-audit", "--no-fund"]
        elif self.name == "pnpm":
            # As an option of its own, only some of its subcommands know it.
            flags = ["--config.ignore-scripts=true", "--lockfile-only"]
        elif self.name == "bun":
            flags = ["--lockfile-only", "--ignore-scripts"]
        else:
            flags = ["--mode=update-lockfile"] if self.berry else ["--ignore-scripts", "--modules-folder", MODULES]
        if name == "audit":
            flags = flags[:2]
        own = _own(args)
        given = [*own, *([] if name else ["install"])]
        return [*given, *(flag for flag in flags if flag not in given), *args[len(own) :]]


def manager_of(folder: Path) -> Manager:
    """The package manager of ``folder``: the one whose lock is there, else what `packageManager` names, else npm.

    Raises:
        UvdockError: There are locks of several and `packageManager` names none of them, or it names one that is
            not known, or package.json cannot be read.
    """
    there = {name: lock for name, locks in LOCKS.items() for lock in reversed(locks) if (folder / lock).is_file()}
    name, version = _package_manager(folder / MANIFEST)
    if len(there) > 1 and name not in there:
        locks = ", ".join(sorted(there.values()))
        example = f'"packageManager": "{next(iter(there))}@VERSION"'
        raise UvdockError(
            f"there are locks of {len(there)} package managers, and it is not clear which one is meant: {locks}",
            where=str(folder),
            fix=f"remove what is not used, or name one in package.json: {example}",
            code=2,
        )
    chosen = next(iter(there)) if len(there) == 1 else name or "npm"
    berry = chosen == "yarn" and _is_berry(folder, version if name == "yarn" else "")
    return Manager(chosen, there.get(chosen, _NEW_LOCK[chosen]), berry)


def read(path: Path) -> dict[str, Any]:
    """A package.json as plain data.

    Raises:
        UvdockError: It cannot be read, is no JSON, or no object.
    """
    try:
        data = json.loads(path.read_text(encoding="utf-8-sig"))
    except ValueError as error:
        raise UvdockError(
            f"{path.name} is not valid JSON: {error}", where=str(path), fix="correct that place; nothing was changed"
        ) from error
    except OSError as error:
        raise UvdockError(
            f"{path.name} cannot be read: {error.strerror}", where=str(path), fix="make it readable for you"
        ) from error
    if not isinstance(data, dict):
        raise UvdockError(f"{path.name} is no object", where=str(path), fix="write it as {…}; nothing was changed")
    return data


def _package_manager(manifest: Path) -> tuple[str, str]:
    """The name and version in `packageManager`: https://nodejs.org/api/packages.html#packagemanager."""
    value = read(manifest).get("packageManager") if manifest.is_file() else None
    if not value:
        return "", ""
    name, _, version = value.partition("@") if isinstance(value, str) else (value, "", "")
    if name not in LOCKS:
        raise UvdockError(
            f"packageManager may not be {value!r}",
            where=str(manifest),
            fix=f'allowed: {", ".join(LOCKS)}, each with its version: "npm@11.0.0"',
            code=2,
        )
    return name, version


def _is_berry(folder: Path, version: str) -> bool:
    try:
        content = (folder / "yarn.lock").read_bytes()
    except OSError:
        content = b""
    if _BERRY.search(content) or _CLASSIC.search(content):
        return _BERRY.search(content) is not None
    if version:
        return not re.match(r"[01]\.", version)
    return (folder / ".yarnrc.yml").is_file()


def _own(args: Sequence[str]) -> list[str]:
    """What of a command line is the manager's: all before ``--``."""
    return list(args[: args.index("--")]) if "--" in args else list(args)


def _subcommand(manager: str, args: Sequence[str]) -> str:
    """The subcommand, also of `yarn workspace NAME add x`; nothing where there is none."""
    words = []
    waiting = iter(_own(args))
    for word in waiting:
        if word in _WITH_VALUE:
            next(waiting, None)
        elif not word.startswith("-"):
            words.append(word)
    if manager == "yarn" and words[:1] == ["workspace"]:
        words = words[2:]
    return words[0] if words else ""
