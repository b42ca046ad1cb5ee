"""Rules on how uv installs in a Dockerfile.

Each function's docstring is the rule's page: see `uvdock.doctor.model.Rule`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from uvdock.doctor.build import Build, asked, installs, syncs
from uvdock.doctor.facts import Facts, uv_table
from uvdock.doctor.model import Hit, LineEdit
from uvdock.formats.dockerfile.stages import Stage, Step
from uvdock.formats.dockerfile.users import home, ids
from uvdock.formats.shell.invocations import Invocation

#: Settings that act where uv installs, and that nothing reads afterwards.
_AT_INSTALL = re.compile(
    r"UV_(COMPILE_BYTECODE|LINK_MODE|PROJECT_ENVIRONMENT|NO_DEV|NO_EDITABLE|NO_INSTALL_\w+|NO_BINARY\w*|NO_BUILD\w*"
    r"|DEFAULT_INDEX|EXTRA_INDEX_URL|INDEX\w*|FIND_LINKS|HTTP_TIMEOUT|HTTP_RETRIES|CONCURRENT_\w+|REQUIRE_HASHES"
    r"|PYTHON_INSTALL_DIR|SYSTEM_PYTHON|BREAK_SYSTEM_PACKAGES)$"
)
_DEPENDENCIES_ONLY = (
    *("--no-install-project", "--no-install-workspace", "--no-install-local"),
    *("--no-install-package", "--only-group", "--only-dev"),
)


def env_after_install(facts: Facts) -> Iterator[Hit]:
    """A setting of uv that stands after the step it is meant for.

    A build runs from top to bottom, so a variable that is set after the last install acts on nothing.

    ```dockerfile
    RUN uv sync --locked
    ENV UV_COMPILE_BYTECODE=1
    ```

    Fix: move the `ENV` above the first `RUN uv …`. Settings that also act when the container runs (`UV_NO_SYNC`,
    `UV_OFFLINE`, `UV_CACHE_DIR`, …) may stand anywhere and are not reported.

    Source: [ENV](https://docs.docker.com/reference/dockerfile/#env) holds for the instructions that follow it.
    """
    for build in _with_uv(facts):
        for stage in build.stages:
            last = max((at for at, step in enumerate(stage.steps) if installs(step)), default=None)
            later = any(other is not stage and stage in other.chain and _installs(other) for other in build.stages)
            if last is None or later:
                continue
            for at, step in enumerate(stage.steps[last + 1 :], last + 1):
                before = stage.steps[at - 1].env
                for name, value in step.variables:
                    if _AT_INSTALL.match(name) and before.get(name) != value:
                        where = stage.steps[last].line
                        yield Hit(
                            build.name,
                            build.line_in(step, rf"\b{name}\b"),
                            f"{name} is set after the last install (line {where})",
                            f"move it above line {where}, or take it out",
                        )


def sync_without_locked(facts: Facts) -> Iterator[Hit]:
    """`uv sync` in a build with neither `--locked` nor `--frozen`.

    Without it uv makes a new lock in the image when the lock is stale or missing: the image then holds versions that
    nobody committed or tested.

    ```dockerfile
    RUN uv sync
    ```

    Fix: `uv sync --locked`, which fails when the lock does not follow from pyproject.toml. (`--frozen` takes the lock
    as it is and does not look.) `--fix` adds `--locked` where the repo has a lock that this build gets.

    Source: [Locking and syncing](https://docs.astral.sh/uv/concepts/projects/sync/).
    """
    for build in _with_uv(facts):
        for step in build.steps:
            for at, command in enumerate(syncs(step)):
                told = command.has("--locked", "--frozen", "--check")
                if told or step.is_on("UV_LOCKED", command) or step.is_on("UV_FROZEN", command):
                    continue
                line = build.line_in(step, r"\buv\s+sync\b", at)
                edits = _add_locked(facts, build, step, line)
                yield Hit(build.name, line, "uv sync may change the lock", "uv sync --locked", edits)


def no_cache_mount(facts: Facts) -> Iterator[Hit]:
    """uv installs in a build without a cache mount.

    Each time the layer is made again every package is downloaded again, and uv's cache stays behind in the layer.

    ```dockerfile
    RUN uv sync --locked
    ```

    Fix: `RUN --mount=type=cache,target=/root/.cache/uv uv sync --locked`; with another user its own cache folder and
    `uid=`. `UV_NO_CACHE=1` or `--no-cache` also ends the report.

    Source: [uv in Docker, caching](https://docs.astral.sh/uv/guides/integration/docker/#caching).
    """
    for build in _with_uv(facts):
        for step in build.steps:
            for command in installs(step)[:1]:
                if any(mount["type"] == "cache" for mount in step.mounts):
                    continue
                if command.has("--no-cache", "-n") or step.is_on("UV_NO_CACHE", command):
                    continue
                owner = "" if step.is_root else f",uid={(ids(step) or _UNKNOWN)[0]}"
                target = step.setting("UV_CACHE_DIR", command) or f"{home(step) or '~'}/.cache/uv"
                yield Hit(
                    build.name,
                    build.line_in(step, _WORDS),
                    f"uv {asked(command)} has no cache mount",
                    f"RUN --mount=type=cache,target={target}{owner} uv {asked(command)} …",
                )


def cache_mount_owner(facts: Facts) -> Iterator[Hit]:
    """A cache mount that the user of the step may not write.

    BuildKit makes the folder of a cache mount for root with mode 0755 unless it is told otherwise, so uv of any
    other user ends with "permission denied".

    ```dockerfile
    USER app
    RUN --mount=type=cache,target=/home/app/.cache/uv uv sync --locked
    ```

    Fix: `--mount=type=cache,target=/home/app/.cache/uv,uid=1000,gid=1000`, with the numbers of that user.

    Source: [RUN --mount=type=cache](https://docs.docker.com/reference/dockerfile/#run---mounttypecache), `uid` and
    `mode`.
    """
    for build in _with_uv(facts):
        for step in build.steps:
            if not installs(step) or step.is_root:
                continue
            for at, mount in enumerate(mount for mount in step.mounts if mount["type"] == "cache"):
                if "uid" in mount or mount.get("mode", "").endswith("777"):
                    continue
                uid, gid = ids(step) or _UNKNOWN
                yield Hit(
                    build.name,
                    build.line_in(step, r"type=cache", at),
                    f"the cache mount at {mount['target']} is root's, and this step runs as {step.user}",
                    f"add uid={uid},gid={gid} to the mount, in the numbers of {step.user}",
                )


def no_link_mode(facts: Facts) -> Iterator[Hit]:
    """A cache mount without `UV_LINK_MODE=copy`.

    The cache mount and the environment are on two file systems, between which no hard link is possible: uv tries,
    warns, and copies.

    ```dockerfile
    RUN --mount=type=cache,target=/root/.cache/uv uv sync --locked
    ```

    Fix: `ENV UV_LINK_MODE=copy` above it. `--fix` adds it.

    Source: [uv in Docker, caching](https://docs.astral.sh/uv/guides/integration/docker/#caching).
    """
    for build in _with_uv(facts):
        if any("link-mode" in uv_table(facts.projects[folder]) for folder in facts.projects_of(build)):
            continue
        for step, command in _first_without(build, "UV_LINK_MODE", "--link-mode", mounted=True):
            yield Hit(
                build.name,
                build.line_in(step, r"type=cache"),
                f"uv {asked(command)} cannot link from its cache mount into the environment",
                "ENV UV_LINK_MODE=copy above it",
                (_env_before(build, step, "UV_LINK_MODE=copy"),),
            )


def no_bytecode(facts: Facts) -> Iterator[Hit]:
    """An image whose packages are not compiled.

    uv does not compile what it installs, as pip does: every container compiles at its start whatever it imports, and
    one whose user may not write the environment does so each time.

    ```dockerfile
    RUN uv sync --locked
    ```

    Fix: `ENV UV_COMPILE_BYTECODE=1` above it, or `uv sync --compile-bytecode`. The image grows by the compiled files.
    `--fix` adds the variable. An image for development, which each new package makes anew, can do without: with
    `ARG UV_COMPILE_BYTECODE=1` above it, and `UV_COMPILE_BYTECODE: 0` among the `args` of the Compose file's build.

    Source: [uv in Docker, compiling
    bytecode](https://docs.astral.sh/uv/guides/integration/docker/#compiling-bytecode).
    """
    for build in _with_uv(facts):
        tables = [uv_table(facts.projects[folder]) for folder in facts.projects_of(build)]
        if any(table.get("compile-bytecode") for table in tables):
            continue
        for step, command in _first_without(build, "UV_COMPILE_BYTECODE", "--compile-bytecode", mounted=False):
            yield Hit(
                build.name,
                build.line_in(step, _WORDS),
                f"uv {asked(command)} does not compile what it installs",
                "ENV UV_COMPILE_BYTECODE=1 above it",
                (_env_before(build, step, "UV_COMPILE_BYTECODE=1"),),
            )


def source_before_dependencies(facts: Facts) -> Iterator[Hit]:
    """The source is copied before the dependencies are installed.

    A change in any source file then makes the layer with all dependencies again.

    ```dockerfile
    COPY . .
    RUN uv sync --locked
    ```

    Fix: first `COPY pyproject.toml uv.lock ./` and `RUN uv sync --locked --no-install-project`
    (`--no-install-workspace` in a workspace), then `COPY . .` and, for a project that is a package,
    `RUN uv sync --locked`.

    Source: [uv in Docker, intermediate
    layers](https://docs.astral.sh/uv/guides/integration/docker/#intermediate-layers).
    """
    seen = set()
    for build in _with_uv(facts):
        for stage in build.stages:
            source: Step | None = None
            for step in stage.lineage:
                if not syncs(step):
                    # A later copy of everything weighs more than one of a folder.
                    if _copies_source(build, step) and (source is None or _copies_all(step)):
                        source = step
                    continue
                first = any(item.has(*_DEPENDENCIES_ONLY) or _skips_own(step, item) for item in syncs(step))
                # A folder may be needed by then: a dependency that is one.
                fault = source is not None and (not first or _copies_all(source))
                if source is not None and fault and (build.name, source.line) not in seen:
                    seen.add((build.name, source.line))
                    yield Hit(
                        build.name,
                        source.line,
                        f"the source is copied before uv sync (line {step.line})",
                        "copy pyproject.toml and uv.lock, uv sync --locked --no-install-project, then the source",
                    )
                break


def system_python_with_sync(facts: Facts) -> Iterator[Hit]:
    """`UV_SYSTEM_PYTHON` where `uv sync` installs.

    The variable stands for `--system` of `uv pip`; `uv sync` does not read it and makes an environment all the same.

    ```dockerfile
    ENV UV_SYSTEM_PYTHON=1
    RUN uv sync --locked
    ```

    Fix: take it out, and put the environment on the PATH: `ENV PATH="/app/.venv/bin:$PATH"`. Who wants no environment
    sets `UV_PROJECT_ENVIRONMENT=/usr/local`, and `--inexact`, for else uv removes what it did not install.

    Source: [UV_SYSTEM_PYTHON](https://docs.astral.sh/uv/reference/environment/#uv_system_python); tried with uv 0.13.
    """
    for build in _with_uv(facts):
        if any(asked(item).startswith("pip") for step in build.steps for item in installs(step)):
            continue
        if not any(syncs(step) and step.is_on("UV_SYSTEM_PYTHON") for step in build.steps):
            continue
        for step in build.steps:
            if "UV_SYSTEM_PYTHON" in dict(step.variables):
                line = build.line_in(step, "UV_SYSTEM_PYTHON")
                yield Hit(
                    build.name,
                    line,
                    "UV_SYSTEM_PYTHON does nothing for uv sync",
                    "take it out, and put the environment's bin folder on the PATH",
                )


def pip_beside_uv(facts: Facts) -> Iterator[Hit]:
    """pip installs in a Dockerfile that has uv.

    What pip installs is not in the lock: it changes from build to build, and it may change what uv installed.

    ```dockerfile
    RUN uv sync --locked && pip install gunicorn
    ```

    Fix: `uv add gunicorn`, so that it is locked; a tool that is no dependency with `uv tool install NAME==VERSION`.
    pip that only installs uv is not reported.

    Source: [Locking and syncing](https://docs.astral.sh/uv/concepts/projects/sync/).
    """
    for build in _with_uv(facts):
        for step in build.steps:
            if step.verb != "RUN":
                continue
            pips = [item for item in step.invocations if re.fullmatch(r"pip[\d.]*", item.program)]
            for at, command in enumerate(item for item in pips if "install" in item.arguments):
                words = [word for word in command.arguments if not word.startswith("-") and word != "install"]
                if [word for word in words if not re.match(r"(uv|pip)(?![\w-])", word)]:
                    yield Hit(
                        build.name,
                        build.line_in(step, r"\bpip[\d.]*\s+install", at),
                        "pip installs beside uv, outside the lock",
                        "uv add it to the project, and let uv sync install it",
                    )


#: The numbers of a user that cannot be told.
_UNKNOWN = ("UID", "GID")
_WORDS = r"\buv\s+(?:\S+\s+)*?(?:sync|install|add)\b"


def _with_uv(facts: Facts) -> list[Build]:
    return [build for build in facts.dockerfiles if build.uses_uv]


def _installs(stage: Stage) -> bool:
    return any(installs(step) for step in stage.steps)


def _first_without(build: Build, name: str, option: str, *, mounted: bool) -> Iterator[tuple[Step, Invocation]]:
    """The first step of each line of stages that installs without a setting: what is set there holds below it."""
    told: set[int] = set()
    for stage in build.stages:
        for step in stage.lineage:
            missing = [item for item in installs(step) if not (item.has(option) or step.setting(name, item))]
            if mounted and not any(mount["type"] == "cache" for mount in step.mounts):
                continue
            if missing:
                if step.line not in told:
                    told.add(step.line)
                    yield step, missing[0]
                break


def _env_before(build: Build, step: Step, setting: str) -> LineEdit:
    """An ENV line above an instruction, and above the comment that stands over it."""
    at = step.line - 1
    indent = re.match(r"\s*", build.lines[at])
    while at > 0 and build.lines[at - 1].lstrip().startswith("#"):
        at -= 1
    return LineEdit(build.name, at, at, (f"{indent[0] if indent else ''}ENV {setting}",))


def _add_locked(facts: Facts, build: Build, step: Step, line: int) -> tuple[LineEdit, ...]:
    """``--locked``, where the repo has a lock and the build gets it."""
    locks = [facts.root / folder / "uv.lock" for folder in facts.projects_of(build)]
    so_far = [one for one in step.stage.lineage if one.number <= step.number]
    given = any("uv.lock" in item.text or _copies_source(build, item) for item in so_far)
    text = build.lines[line - 1]
    if not given or not any(lock.is_file() for lock in locks) or len(re.findall(r"\buv\s+sync\b", text)) != 1:
        return ()
    return (LineEdit(build.name, line - 1, line, (re.sub(r"\b(uv\s+sync)\b", r"\1 --locked", text),)),)


def _copies_source(build: Build, step: Step) -> bool:
    """Whether a step copies a folder of the context."""
    return any(
        name.strip("./") == "" or (build.context / name.lstrip("/")).is_dir()
        for name in step.from_context
        if "$" not in name and "\0" not in name
    )


def _copies_all(step: Step) -> bool:
    """Whether a step copies the whole context."""
    return any(name.strip("./") == "" for name in step.from_context)


def _skips_own(step: Step, command: Invocation) -> bool:
    return any(
        step.is_on(name, command)
        for name in ("UV_NO_INSTALL_PROJECT", "UV_NO_INSTALL_WORKSPACE", "UV_NO_INSTALL_LOCAL")
    )
