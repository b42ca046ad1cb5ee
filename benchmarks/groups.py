"""The groups of measurements: who takes part, and what is done before each of their runs."""

from __future__ import annotations

import re
import shutil
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from benchmarks.index import project, served
from benchmarks.rows import NO_CACHE, OLDER, OWN_DNS_RUN, RUN, SHARED_RUN
from benchmarks.services import Services
from benchmarks.stack import OWN_DNS, PAGES_KEPT, Engine, Stack, Watch, run
from benchmarks.tools import Tools, peak

#: What is measured by name: seconds, or megabytes.
Taken = dict[str, float]
#: Labels and seconds.
Profile = list[tuple[str, float]]
_STEP = re.compile(r"^✔ (.*) \((?:(\d+) min )?([\d.]+) s\)$", re.MULTILINE)
_IN_BUILD = re.compile(
    r"^#\d+ [\d.]+ (Resolved|Prepared|Installed|Bytecode compiled) .*? in ([\d.]+)(ms|s)$", re.MULTILINE
)
#: How long the app and its worker go on importing after they are healthy, in seconds: on the same processors.
_SETTLED = 4
_IMPORT = re.compile(r"^import time:\s*(\d+) \|\s*\d+ \|\s*(\S+)$", re.MULTILINE)


@dataclass
class Group:
    """Contenders that are run in turn, and where the time of uvdock's goes."""

    contenders: Mapping[str, Callable[[], Taken]]
    profiles: Mapping[str, Callable[[], Profile]]


def simple(stack: Stack, name: str, *argv: str) -> Callable[[], Taken]:
    """A contender that is a command and nothing else."""
    return lambda: {name: stack.run(*argv).seconds}


def imports(stack: Stack, tools: Tools, *argv: str) -> Callable[[], Profile]:
    """Where the time of a Python program goes: start, each package that it imports, the rest."""

    def look() -> Profile:
        python = str(tools.own / "bin" / "python")
        told = stack.run(python, "-X", "importtime", *argv).text
        packages: dict[str, float] = {}
        for micros, module in _IMPORT.findall(told):
            name = module.partition(".")[0]
            packages[name] = packages.get(name, 0) + int(micros) / 1e6
        whole = min(stack.run(*argv).seconds for _ in range(5))
        start = min(stack.run(python, "-c", "pass").seconds for _ in range(5))
        named = sorted(packages.items(), key=lambda item: -item[1])[:8]
        rows = [("whole (best of 5)", whole), ("starting Python", start)]
        return [*rows, *((f"importing {name}", seconds) for name, seconds in named)]

    return look


def steps(text: str) -> Profile:
    """The steps that uvdock itself has told, and those of uv in the build."""
    found = [(name, 60 * float(minutes or 0) + float(rest)) for name, minutes, rest in _STEP.findall(text)]
    inner = [
        (f"in the build, uv: {what.lower()}", float(number) / (1000 if unit == "ms" else 1))
        for what, number, unit in _IN_BUILD.findall(text)
    ]
    return [*found, *inner]


@contextmanager
def call(stack: Stack, tools: Tools) -> Iterator[Group]:
    """A call of uv in the running container, for its version."""
    stack.up()
    engine = Engine()
    plain = [tools.peer("inv"), "--search-root", str(stack.root), "--collection", "plain_tasks"]
    words = {
        "uvdock": [tools.uvdock, "uv", "--version"],
        "inv": [tools.inv, "uv", "--", "--version"],
        RUN: ["./run", "uv", "--version"],
        "docker compose exec": ["docker", "compose", "exec", "-T", "web", "uv", "--version"],
        "just": [tools.peer("just"), "uv", "--version"],
        "poe": [tools.peer("poe"), "-C", "poe_tasks.toml", "uv", "--version"],
        "nox": [tools.peer("nox"), "-s", "uv", "--", "--version"],
        "plain inv": [*plain, "uv", "--", "--version"],
    }
    for argv in words.values():
        assert "uv 0." in stack.run(*argv).text, argv
    contenders = {name: simple(stack, name, *argv) for name, argv in words.items()}
    contenders["engine"] = lambda: {"engine": engine.exec(stack, "uv", "--version")}
    yield Group(contenders, {name: imports(stack, tools, *words[name]) for name in ("uvdock", "inv")})


@contextmanager
def cold(stack: Stack, tools: Tools) -> Iterator[Group]:
    """A command in the running container, right after a file came, went or changed."""
    stack.up()
    programs = {"uvdock": [tools.uvdock, "cmd", "true"], "inv": [tools.inv, "cmd", "--", "true"]}
    file, compose = stack.root / "came.txt", stack.root / "compose.yaml"

    def comes() -> None:
        file.touch()

    def goes() -> None:
        file.unlink()

    def changes() -> None:
        with compose.open("a") as text:
            text.write("# changed\n")

    def after(name: str, argv: list[str], before: Callable[[], None], change: Callable[[], None]) -> Taken:
        before()
        stack.run(*argv)
        change()
        # Longer than a step of the file system's clock: what changes while it is read is not kept.
        time.sleep(0.05)
        return {name: stack.run(*argv).seconds}

    contenders: dict[str, Callable[[], Taken]] = {RUN: simple(stack, RUN, "./run", "cmd", "true")}
    for name, argv in programs.items():
        contenders[f"{name}, a file came"] = partial(
            after, f"{name}, a file came", argv, lambda: file.unlink(missing_ok=True), comes
        )
        contenders[f"{name}, a file went"] = partial(after, f"{name}, a file went", argv, comes, goes)
        contenders[f"{name}, the Compose file changed"] = partial(
            after, f"{name}, the Compose file changed", argv, lambda: None, changes
        )
    yield Group(contenders, {name: imports(stack, tools, *programs["uvdock"]) for name in contenders if name != RUN})


@contextmanager
def start(stack: Stack, tools: Tools) -> Iterator[Group]:
    """The list of tasks, and a word at the prompt."""
    empty = stack.root.parent / "empty"
    empty.mkdir(exist_ok=True)
    (empty / "tasks.py").write_text("from invoke import task\n\n@task\ndef nothing(c):\n    pass\n")
    word = [tools.uvdock, "__complete", "bash", "uvdock", "deps.in"]
    assert "deps.install" in stack.run(*word).text
    contenders = {
        "list": simple(stack, "list", tools.inv, "--list"),
        "list, empty": lambda: {"list, empty": run([tools.inv, "--list"], empty, tools.env).seconds},
        "completion": simple(stack, "completion", *word),
    }
    profiles = {"list": imports(stack, tools, tools.inv, "--list"), "completion": imports(stack, tools, *word)}
    yield Group(contenders, profiles)


@contextmanager
def _theirs(tools: Tools, place: Path) -> Iterator[Stack]:
    """A stack of `./run`'s own, built: nothing is kept between its one-offs."""
    stack = Stack.make(place, tools.env)
    try:
        stack.run("./run", "deps:install")
        yield stack
    finally:
        stack.remove()


@contextmanager
def outdated(stack: Stack, tools: Tools) -> Iterator[Group]:
    """What is outdated."""
    ours = [tools.uvdock, "deps.outdated"]
    assert "packages have a newer release" in stack.run(*ours).text

    def running() -> Taken:
        stack.up()
        time.sleep(_SETTLED)
        return {"running": stack.run(*ours).seconds}

    def stopped() -> Taken:
        stack.run("docker", "compose", "stop", "--timeout", "0", "web")
        return {"stopped": stack.run(*ours).seconds}

    def empty() -> Taken:
        other = stack.root.parent / "empty-uv-cache"
        shutil.rmtree(other, ignore_errors=True)
        return {"empty cache": run(ours, stack.root, {**tools.env, "UV_CACHE_DIR": str(other)}).seconds}

    def anew() -> Taken:
        folder = stack.root.parent / "anew"
        folder.mkdir(exist_ok=True)
        # A cache of its own: pages that it stores are not to be kept, and would not be for the others either.
        env = {**tools.env, "UVDOCK_BACKEND": "host", "UV_CACHE_DIR": str(folder / "cache")}
        (folder / "pyproject.toml").write_text(
            (stack.root / "pyproject.toml").read_text().replace(PAGES_KEPT, "max-age=0")
        )
        shutil.copy(stack.root / "uv.lock", folder)
        return {"asked anew": run(ours, folder, env).seconds}

    env = {**tools.env, "COMPOSE_FILE": OWN_DNS}
    profile = imports(stack, tools, *ours)
    with _theirs(tools, stack.root.parent) as other:
        contenders = {
            RUN: simple(other, RUN, "./run", "uv:outdated"),
            OWN_DNS_RUN: lambda: {OWN_DNS_RUN: run(["./run", "uv:outdated"], other.root, env).seconds},
            SHARED_RUN: simple(stack, SHARED_RUN, "./run", "uv:outdated"),
            "running": running,
            "stopped": stopped,
            "asked anew": anew,
            "empty cache": empty,
        }
        yield Group(contenders, {"running": profile, "stopped": profile})
    stack.up()


@contextmanager
def sync(stack: Stack, tools: Tools) -> Iterator[Group]:
    """A changed pin, without a build."""
    stack.up()
    told: list[str] = []

    def theirs(name: str, on: Stack) -> Taken:
        on.change_pin()
        return {name: on.run("./run", "deps:install", "--no-build").seconds}

    def ours() -> Taken:
        stack.change_pin()
        ran = stack.run(tools.uvdock, "deps.install", "--no-build")
        told[:] = [ran.text]
        assert stack.version() == stack.pin
        return {"uvdock": ran.seconds}

    with _theirs(tools, stack.root.parent) as other:
        contenders = {name: partial(theirs, name, on) for name, on in ((RUN, other), (SHARED_RUN, stack))}
        yield Group({**contenders, "uvdock": ours}, {"uvdock": lambda: steps(told[0])})


@contextmanager
def install(stack: Stack, tools: Tools) -> Iterator[Group]:
    """A changed pin, until everything is up to date; `./run` also on stacks whose Dockerfile has no cache mounts."""
    # The second differs in nothing else. The third makes in development what it makes for production, as most do.
    production = {"BUILD_TARGET": "app", "UV_COMPILE_BYTECODE": "1"}
    others = {
        RUN: Stack.make(stack.root.parent, tools.env),
        NO_CACHE: Stack.make(stack.root.parent, tools.env, cache_mounts=False),
        OLDER: Stack.make(stack.root.parent, {**tools.env, **production}, cache_mounts=False),
    }
    stacks = [stack, *others.values()]
    told: list[str] = []

    def watched(name: str, on: Stack, argv: list[str]) -> Taken:
        # As on a machine of its own, and when the app and its worker have done their imports.
        for other in stacks:
            if other is not on:
                other.rest()
        on.up()
        time.sleep(_SETTLED)
        on.change_pin()
        watch = Watch(on)
        watch.start()
        ran = on.run(*argv)
        told[:] = [ran.text]
        watch.join(30)
        watch.stopped.set()
        assert on.version() == on.pin, name
        assert watch.seconds is not None, name
        return {name: ran.seconds, f"{name}, importable": watch.seconds}

    def ours() -> Taken:
        taken = watched("uvdock", stack, [tools.uvdock, "deps.install"])
        profile[:] = steps(told[0])
        return taken

    profile: Profile = []
    theirs = ["sh", "-c", "./run deps:install && docker compose up --detach"]
    try:
        contenders = {"uvdock": ours}
        for name, other in others.items():
            other.run("./run", "deps:install")
            contenders[name] = partial(watched, name, other, theirs)
        found = {name: lambda: profile for name in ("uvdock", "uvdock, importable")}
        yield Group(contenders, found)
    finally:
        for other in others.values():
            other.remove()


@contextmanager
def growth(stack: Stack, tools: Tools) -> Iterator[Group]:
    """What is outdated among more and more packages, on the host; `deps.install` of more and more services."""
    env = {**tools.env, "UVDOCK_BACKEND": "host"}
    with served() as address:
        folders = {f"{count} packages": count for count in (20, 100, 500)}
        contenders: dict[str, Callable[[], Taken]] = {}
        for name, count in folders.items():
            folder = stack.root.parent / name.replace(" ", "-")
            shutil.rmtree(folder, ignore_errors=True)
            run([tools.uvdock, "deps.lock"], project(folder, count, address), env)
            contenders[name] = _growing(name, [tools.uvdock, "deps.outdated"], folder, env, count)
        repos = {
            f"{count} service{'s' if count > 1 else ''}": Services.make(stack.root.parent, tools.env, count)
            for count in (1, 5, 20)
        }
        try:
            for name, repo in repos.items():
                repo.run(tools.uvdock, "deps.install")
                contenders[name] = _installing(name, [tools.uvdock, "deps.install"], repo)
            yield Group(contenders, {})
        finally:
            for repo in repos.values():
                repo.remove()


@contextmanager
def memory(stack: Stack, tools: Tools) -> Iterator[Group]:
    """The most memory that a process of uvdock holds."""
    stack.up()

    def held(*args: str) -> Callable[[], Taken]:
        return lambda: {args[0]: peak([tools.uvdock, *args], stack.root, tools.env)}

    calls = (("cmd", "--user", "root", "true"), ("deps.outdated",), ("deps.install",))
    yield Group({args[0]: held(*args) for args in calls}, {})


def _growing(name: str, argv: list[str], folder: Path, env: Mapping[str, str], count: int) -> Callable[[], Taken]:
    def measure() -> Taken:
        ran = run(argv, folder, env)
        assert f"{count} of {count} packages" in ran.text
        return {name: ran.seconds}

    return measure


def _installing(name: str, argv: list[str], repo: Services) -> Callable[[], Taken]:
    def measure() -> Taken:
        repo.up()
        repo.change_pins()
        seconds = repo.run(*argv).seconds
        assert repo.up_to_date()
        return {name: seconds}

    return measure


#: Each group's function, in the order they are run.
MAKERS = {
    "call": call,
    "cold": cold,
    "start": start,
    "outdated": outdated,
    "sync": sync,
    "install": install,
    "growth": growth,
    "memory": memory,
}
