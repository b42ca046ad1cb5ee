"""A developer's day at the prompt, in every stack: each line that uvdock says is kept in a file that a person reads.

`UVDOCK_WRITE_DAY=1` writes those files anew: read what changed in them as one who typed it would.
"""

from __future__ import annotations

import os
import re
import shlex
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.conftest import REPO
from tests.engine.conftest import Stack, docker
from uvdock.tasks.kinds import shown

pytestmark = [pytest.mark.engine, pytest.mark.slow]

KEPT = REPO / "tests" / "fixtures" / "day"
WRITE = bool(os.environ.get("UVDOCK_WRITE_DAY"))
#: As `inv` takes them; `uvdock` gets no ``--``. What follows ``<`` is typed into it.
SCRIPT = """
--version
--list
config
deps.check
deps.install
up --wait
ps
deps.check
uv -- add humanize
uv -- tree --depth 1
cmd -- python -c 'import humanize'
uv -- remove humanize
deps.outdated
deps.why idna
deps.diff
deps.upgrade --dry-run
deps.upgrade -- idna
deps.diff
deps.check
deps.install
deps.check
cmd -- python -V
shell < exit 3
test -- -q -p no:cacheprovider
lint
format -- --diff
build
logs --tail 1 -- SERVICE
doctor
cache.info
clean --dry-run
deps.instal
cmd
deps.why
deps.why idnaa
deps.install --no-biuld
deps.lock --backend hots
cmd --service wbe -- true
cmd -- no-such-program
shell -- wbe
build -- wbe
logs -- wbe
uv -- add no-such-package-of-uvdock
uv -- remove nothing-here
deps.upgrade -- idnaa
deps.outdated --kind big
deps.diff -- no-such-branch
js -- install
db.shell
install
down
""".strip().splitlines()


class Shape(NamedTuple):
    """A stack, where a person works in it, the service that they work with, and a package that they ask about."""

    name: str
    member: str
    service: str
    owner: int
    package: str = "idna"


SHAPES = (
    Shape("flask", ".", "web", 1000, "flask"),
    Shape("django", "apps/backend", "web", 1000, "django"),
    Shape("template", "backend", "backend", 0),
    Shape("workspace", "apps/api", "api", 1000),
    Shape("astral", ".", "web", 4321),
    Shape("monorepo", "services/jobs", "jobs", 1001),
    Shape("hardened", ".", "web", 4321),
)
#: Those that are not long.
OFTEN = {("workspace", "inv")}
#: What differs from run to run, in this order.
VARIES = [
    (r"\x1b\[[0-9;]*m", ""),
    (r"\bs[0-9a-f]{10}\b", "STACK"),
    (r"(/\S+)?/STACK\b", "/STACK"),
    (r"https?://[^\s/]+/", "http://INDEX/"),
    (r"sha256:[0-9a-f]+", "DIGEST"),
    (r"\b[0-9a-f]{12,64}\b", "ID"),
    (r"\b\d\d/[A-Z][a-z]{2}/\d{4}:[\d:]+( \+\d{4})?", "DATE"),
    (r"\b\d{4}-\d\d-\d\d([T ][\d:.]+Z?)?", "DATE"),
    (r"\d[\d.]* ?(KiB|MiB|GiB|kB|MB|GB|B)\b", "SIZE"),
    (r"(127\.0\.0\.1|0\.0\.0\.0|\[::\]):\d+", "ADDRESS"),
    (r"\b\d[\d.]* ?(ms|s|m \d+ s)(?!\w)", "TIME"),
    (r"\b\d+ (mo|wk|[ymwdh])\b", "TIME"),
    (r"\b(About )?(an?|\d+) (second|minute|hour|day|week|month|year)s?( ago)?", "TIME"),
    (r"\bv?\d+\.\d+(\.\d+)*((a|b|rc|\.post|\.dev)\d+)?(\+[\w.]+)?", "V"),
    (r"\b\d+ (packages|more)\b", r"N \1"),
    (r" {3,}", "  "),
    (r"─+|-{4,}|—{2,}", "-"),
]
#: Lines of progress: which of them come, and how many, depends on what is cached.
PROGRESS = re.compile(
    r"^\s*(Downloading|Downloaded|Building|Built|Updating|Updated|Using CPython|Creating virtual|#\d+ "
    r"|(Container|Network|Volume|Image) \S+  ?\S+( .*)?$| +\S+ +(Built|Building|Pulled)$)"
)


def _cases() -> Iterator[object]:
    for shape in SHAPES:
        for program in ("uvdock", "inv"):
            marks = [] if (shape.name, program) in OFTEN else [pytest.mark.long]
            yield pytest.param(shape, program, id=f"{shape.name}-{program}", marks=marks)


@pytest.mark.timeout(1800)
@pytest.mark.parametrize(("shape", "called"), [*_cases()])
def test_a_day(reference: Callable[[str, str], Stack], shape: Shape, called: str) -> None:
    stack = reference(shape.name, ".")
    if not (stack.root / "tasks.py").exists():
        (stack.root / "tasks.py").write_text('"""Tasks."""\n\nfrom uvdock import ns\n\n__all__ = ["ns"]\n')
    # One of its own: others on this engine use the usual one.
    stack.program.env |= {"UVDOCK_CACHE_VOLUME": f"{stack.name}-cache", "COLUMNS": "100"}
    if shape.name == "monorepo":
        # The others' locks came with the clone.
        stack.program.run("deps.lock", cwd=stack.root, timeout=300)
        (stack.root / shape.member / "uv.lock").unlink()
    # Root runs the tests, and the clone is somebody's.
    stack.program.env |= {"GIT_CONFIG_COUNT": "1", "GIT_CONFIG_KEY_0": "safe.directory", "GIT_CONFIG_VALUE_0": "*"}
    _commit(stack.root)
    for path in (stack.root, *stack.root.rglob("*")):
        if ".git" not in path.parts:
            os.chown(path, shape.owner, shape.owner)
    file = KEPT / f"{shape.name}-{called}.txt"
    try:
        happened = []
        for line in SCRIPT:
            happened.append(_typed(stack, shape, called, line))
            if WRITE:
                file.write_text("\n".join([*happened, ""]), encoding="utf-8")
    finally:
        stack.compose("--profile", "*", "down", "--volumes", "--timeout", "0", check=False)
        for uid in (shape.owner, 0, 1000, 10001):
            docker("volume", "rm", "--force", f"{stack.name}-cache-{uid}", check=False)
    # Steps at the same time end in any order.
    kept = {name: sorted(said) for name, said in _by_command(file.read_text(encoding="utf-8"))}
    assert {name: sorted(said) for name, said in _by_command("\n".join(happened))} == kept


def _commit(root: Path) -> None:
    (root / ".gitignore").write_text(".venv/\n__pycache__/\n.pytest_cache/\n.ruff_cache/\n")
    who = ["-c", "user.name=Ada", "-c", "user.email=ada@example.com"]
    for words in (["init", "--quiet"], ["add", "--all"], [*who, "commit", "--quiet", "--message", "The repo"]):
        subprocess.run(["git", *words], cwd=root, check=True, capture_output=True)


def _typed(stack: Stack, shape: Shape, program: str, line: str) -> str:
    """A command line with all it said: as a terminal shows it, standard output first."""
    line, _, stdin = line.replace("SERVICE", shape.service).replace("idna", shape.package).partition(" < ")
    command = shown(line, program)
    cwd = stack.root / shape.member
    ran = stack.program.run(*shlex.split(command)[1:], cwd=cwd, program=program, stdin=stdin.encode(), timeout=900)
    said = [*_said(ran.out, "  "), *_said(ran.err, "! ")]
    return "\n".join([f"$ {command}{f' < {stdin}' if stdin else ''}", *said, *([f"= {ran.code}"] if ran.code else [])])


def _said(text: str, before: str) -> list[str]:
    """Its lines, without what differs from run to run."""
    lines = [line.rstrip() for line in text.replace("\r", "\n").splitlines() if not PROGRESS.match(line)]
    for pattern, instead in VARIES:
        lines = [re.sub(pattern, instead, line) for line in lines]
    return [f"{before}{line}".rstrip() for line in lines if line.strip()]


def _by_command(text: str) -> Iterator[tuple[str, list[str]]]:
    """Each command, with its number, and what it said."""
    parts = re.split(r"^\$ ", text, flags=re.MULTILINE)[1:]
    for number, part in enumerate(parts):
        command, *said = part.splitlines()
        yield f"{number} {command}", said
