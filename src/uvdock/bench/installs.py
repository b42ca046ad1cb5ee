"""pip and uv installing what the lock says, into environments of their own on the host."""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from uvdock.bench.figures import COLD, ENVIRONMENT, WARM
from uvdock.bench.timing import Contender, check
from uvdock.errors import UvdockError
from uvdock.project import Project

#: Variables that would send an environment or a cache elsewhere, or keep one from being used.
_FOREIGN = (
    "VIRTUAL_ENV",
    "UV_CACHE_DIR",
    "UV_PROJECT_ENVIRONMENT",
    "UV_NO_CACHE",
    "UV_OFFLINE",
    "UV_COMPILE_BYTECODE",
    "PIP_CACHE_DIR",
    "PIP_NO_CACHE_DIR",
    "PIP_TARGET",
    "PIP_REQUIRE_VIRTUALENV",
    "PYTHONDONTWRITEBYTECODE",
)


@dataclass(frozen=True)
class Installs:
    """What takes part on the host.

    Args:
        uv: The uv.
        python: The interpreter for both.
        requirements: Everything that the lock has, for both the same.
        place: A folder for environments and caches.
        env: The variables of every command.
    """

    uv: str
    python: str
    requirements: Path
    place: Path
    env: Mapping[str, str]

    @classmethod
    def prepare(cls, project: Project, uv: str, place: Path) -> Installs:
        """Find the interpreter and write the requirements.

        Raises:
            UvdockError: There is no lock, or no interpreter that the project allows.
        """
        if not project.lock.is_file():
            raise UvdockError(
                "there is no uv.lock, so it is not clear what to install",
                where=str(project.lock),
                fix="run deps.lock first, or leave the installs out with --no-installs",
            )
        env = {name: value for name, value in os.environ.items() if name not in _FOREIGN}
        find = [uv, "python", "find", "--system", "--no-python-downloads"]
        python = check(find, project.cwd, env, "looking for the project's Python").text.strip()
        export = [uv, "export", "--frozen", "--no-hashes", "--no-emit-workspace", "--no-header", "--no-annotate"]
        found = check(export, project.cwd, env, "uv export")
        requirements = place / "requirements.txt"
        requirements.write_bytes(found.stdout)
        return cls(uv, python, requirements, place, env)

    @property
    def packages(self) -> int:
        """How many there are to install."""
        return sum(line[:1].isalnum() for line in self.requirements.read_text(encoding="utf-8").splitlines())

    def contenders(self) -> list[Contender]:
        """All of them, each with caches of its own."""
        pip, uv = self._pip, self._uv
        return [
            pip(COLD, "cold"),
            uv(COLD, "uv", "cold"),
            pip(WARM, "warm"),
            uv(WARM, "uv", "warm", remark="no bytecode, which pip compiles"),
            uv(WARM, "uv, bytecode", "warm", "--compile-bytecode", remark="with bytecode, as pip"),
            self._environment("venv", [self.python, "-m", "venv"], "installs pip in it"),
            self._environment("venv, no pip", [self.python, "-m", "venv", "--without-pip"], "as uv's"),
            self._environment("uv", [self.uv, "venv", "--quiet", "--python", self.python]),
        ]

    def fetched(self) -> dict[str, int]:
        """The bytes in the caches after an install that began with an empty one, as each keeps them."""
        return {who: _size(self.place / f"{who}-cache-cold") for who in ("pip", "uv")}

    def _pip(self, group: str, cache: str) -> Contender:
        folder, store, kept = self.place / "pip-env", self.place / f"pip-cache-{cache}", self.place / "pip-env-kept"
        argv = [str(folder / "bin" / "python"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        argv += ["--no-input", "--cache-dir", str(store), "--requirement", str(self.requirements)]

        def prepare() -> None:
            if not kept.exists():
                check([self.python, "-m", "venv", str(folder)], self.place, self.env, "python -m venv")
                folder.rename(kept)
            # Its scripts name the folder it was made in, which is this one.
            shutil.rmtree(folder, ignore_errors=True)
            shutil.copytree(kept, folder, symlinks=True)
            if group == COLD:
                shutil.rmtree(store, ignore_errors=True)

        return Contender(group, "pip", prepare, argv, self.place, self.env, remark=self._network(group))

    def _uv(self, group: str, who: str, cache: str, *flags: str, remark: str = "") -> Contender:
        folder, store = self.place / "uv-env", self.place / f"uv-cache-{cache}"
        make = [self.uv, "venv", "--quiet", "--clear", "--python", self.python, str(folder)]
        argv = [self.uv, "pip", "install", "--quiet", "--python", str(folder), *flags]
        argv += ["--requirement", str(self.requirements)]

        def prepare() -> None:
            check(make, self.place, env, "uv venv")
            if group == COLD:
                shutil.rmtree(store, ignore_errors=True)

        env = {**self.env, "UV_CACHE_DIR": str(store)}
        return Contender(group, who, prepare, argv, self.place, env, remark=remark or self._network(group))

    def _environment(self, who: str, argv: list[str], remark: str = "") -> Contender:
        folder = self.place / "empty-env"

        def prepare() -> None:
            shutil.rmtree(folder, ignore_errors=True)

        return Contender(ENVIRONMENT, who, prepare, [*argv, str(folder)], self.place, self.env, remark=remark)

    @staticmethod
    def _network(group: str) -> str:
        return "every run fetches" if group == COLD else "asks the index, fetches nothing" if group == WARM else ""


def _size(folder: Path) -> int:
    found: dict[int, int] = {}
    for path in folder.rglob("*"):
        if path.is_file() and not path.is_symlink():
            status = path.stat()
            # One file under several names is there once.
            found[status.st_ino] = status.st_size
    return sum(found.values())
