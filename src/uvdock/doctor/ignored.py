"""Rules on what git and the build context leave out, and on environments from elsewhere.

Each function's docstring is the rule's page: see `uvdock.doctor.model.Rule`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path, PurePosixPath

from uvdock.doctor.build import Build, syncs
from uvdock.doctor.facts import Facts
from uvdock.doctor.model import Hit, LineEdit


def venv_not_ignored(facts: Facts) -> Iterator[Hit]:
    """A copy into the image takes the host's `.venv` along.

    The host's environment lands in the image, over the one that uv makes there: its Python and its compiled packages
    are those of another system. It also makes the context big.

    ```dockerfile
    COPY . .
    ```

    Fix: a line `.venv` in `.dockerignore` (`**/.venv` for a project in a folder). `--fix` adds it.

    Source: [uv in Docker, installing a
    project](https://docs.astral.sh/uv/guides/integration/docker/#installing-a-project).
    """
    told = set()
    for build in facts.dockerfiles:
        for step in build.steps:
            for source in step.from_context if build.uses_uv else ():
                for environment in _environments(facts, build, source):
                    if (build.ignore_file, environment) in told or build.ignored.excludes(environment):
                        continue
                    told.add((build.ignore_file, environment))
                    pattern = ".venv" if environment.parent == PurePosixPath() else "**/.venv"
                    yield Hit(
                        build.name,
                        step.line,
                        f"{step.verb} {source} takes {environment} along: {build.ignore_file} does not name it",
                        f"a line {pattern} in {build.ignore_file}",
                        (_append(build, pattern),),
                    )


def lock_ignored_by_docker(facts: Facts) -> Iterator[Hit]:
    """`.dockerignore` keeps `uv.lock` out of the build.

    The build then has no lock: it fails with `--locked`, and without it installs versions that nobody has seen.

    ```text
    *.lock
    ```

    Fix: take the line out, or add `!uv.lock` below it. `--fix` does so.

    Source: [.dockerignore](https://docs.docker.com/build/concepts/context/#dockerignore-files).
    """
    told = set()
    for build in facts.dockerfiles:
        if not any(syncs(step) for step in build.steps):
            continue
        for folder in facts.projects_of(build):
            lock = facts.root / folder / "uv.lock"
            if folder not in facts.roots or not lock.is_relative_to(build.context):
                continue
            path = PurePosixPath(lock.relative_to(build.context).as_posix())
            line = build.ignored.line_of(path)
            if line is None or (build.ignore_file, line) in told:
                continue
            told.add((build.ignore_file, line))
            pattern = build.ignored.lines[line - 1]
            edit = _without(build.ignore_file, line, pattern, str(path), build.ignored.lines)
            what = f"{pattern} keeps {path} out of the build of {build.name}"
            yield Hit(build.ignore_file, line, what, f"take it out, or add !{path} below it", edit)


def lock_ignored_by_git(facts: Facts) -> Iterator[Hit]:
    """git ignores `uv.lock`.

    Whoever clones the repo has no lock, so everybody and every build gets other versions.

    ```text
    uv.lock
    ```

    Fix: take the line out of `.gitignore`, or add `!uv.lock` below it, and commit the lock. `--fix` does the first
    part. git itself is asked, so that any of its ignore files counts.

    Source: [the lock file](https://docs.astral.sh/uv/concepts/projects/layout/#the-lockfile) is to be committed.
    """
    built = {".", *(folder for build in facts.dockerfiles for folder in facts.projects_of(build))}
    for found in facts.ignored_locks:
        if Path(found.lock).parent.as_posix() not in built:
            continue
        text = facts.texts.get(found.source)
        name = Path(found.lock).name
        edit = _without(found.source, found.line, found.pattern, name, text.lines) if text else ()
        what = f"{found.pattern} keeps {found.lock} out of git"
        yield Hit(found.source, found.line, what, f"take it out, or add !{name} below it, and commit the lock", edit)


def foreign_environment(facts: Facts) -> Iterator[Hit]:
    """An environment whose Python is not there.

    It was made in a container and seen here through a mount, or the other way round: nothing in it can run, and uv
    replaces it as soon as it may.

    ```toml
    # .venv/pyvenv.cfg on the host
    home = /usr/local/bin
    ```

    Fix: remove the folder (`uv sync` makes it again), and keep the container's environment outside the mount:
    `UV_PROJECT_ENVIRONMENT=/opt/venv`.

    Source: [uv in Docker, developing in a
    container](https://docs.astral.sh/uv/guides/integration/docker/#developing-in-a-container).
    """
    for folder, home in facts.foreign:
        fix = f"remove {folder}, and give the container an environment outside the mount"
        yield Hit(folder, None, f"its Python is not on this machine: {home}", fix)
    for made in facts.containers:
        if made.interpreter is False:
            fix = "move the environment out of the mount, and recreate the container"
            yield Hit(made.name, None, f"the Python of {made.environment} is not in the container", fix)


def _environments(facts: Facts, build: Build, source: str) -> Iterator[PurePosixPath]:
    """The `.venv` folders, by their places in the context, that copying ``source`` would take along."""
    if "$" in source or "://" in source:
        return
    folder = PurePosixPath(*[part for part in source.split("/") if part not in ("", ".")])
    # A project that no build is of, such as one for tests, counts only with an environment that is there.
    built = facts.projects_of(build) or facts.roots
    for project in facts.roots:
        if project not in built and not (facts.root / project / ".venv").is_dir():
            continue
        environment = facts.root.resolve() / project / ".venv"
        if environment.is_relative_to(build.context):
            path = PurePosixPath(environment.relative_to(build.context).as_posix())
            if path.is_relative_to(folder):
                yield path


def _append(build: Build, pattern: str) -> LineEdit:
    at = len(build.ignored.lines)
    return LineEdit(build.ignore_file, at, at, (pattern,))


def _without(file: str, line: int, pattern: str, path: str, lines: Sequence[str]) -> tuple[LineEdit, ...]:
    """The lock let in again: its own line taken out, else an exception below everything that ignores it."""
    if Path(file).is_absolute() or file.startswith("..") or len(lines) < line or lines[line - 1].strip() != pattern:
        return ()
    if re.fullmatch(rf"(?:\*\*/|/)?{re.escape(path)}", pattern):
        return (LineEdit(file, line - 1, line, ()),)
    return (LineEdit(file, line, line, (f"!{path}",)),) if "/" not in pattern or pattern.startswith("**/") else ()
