"""The task that measures pip against uv, and images before against after, on a person's own repo."""

from __future__ import annotations

import json as json_module
import shutil
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from uvdock.errors import UnreachableError, UvdockError
from uvdock.tasks.base import Repo, open_repo, task
from uvdock.ui import console

if TYPE_CHECKING:
    from collections.abc import Sequence

    from invoke.context import Context

    from uvdock.bench.figures import Measured
    from uvdock.bench.images import Tree
    from uvdock.bench.installs import Installs
    from uvdock.bench.timing import Contender

_MOST_RUNS = 50


@task(
    "bench",
    examples=["bench", "bench --no-images --runs 5 --svg bench.svg", "bench --before main~1 --json"],
    help={
        "runs": "How many runs count; before them, there is one that fills caches.",
        "before": "A git ref or a folder: its image is built too, as before a migration.",
        "after": "The same for after it; the files as they are, when not given.",
        "installs": "Without it, pip and uv are not compared.",
        "images": "Without it, no image is built.",
        "json": "Every number, instead of a table.",
        "svg": "A file for the bars as a picture.",
    },
)
def bench(  # noqa: PLR0917 - the options of a task are its arguments
    c: Context,
    runs: int = 3,
    before: str = "",
    after: str = "",
    installs: bool = True,
    images: bool = True,
    json: bool = False,
    svg: str = "",
) -> int:
    """Measure pip against uv, and image builds, on this repo: in copies, nothing of it changes."""
    from uvdock.bench import chart, figures
    from uvdock.bench.timing import measure

    if not 1 <= runs <= _MOST_RUNS:
        raise UvdockError(f"{runs} runs make no bench", where="--runs", fix=f"give 1 to {_MOST_RUNS}", code=2)
    if svg and not Path(svg).resolve().parent.is_dir():
        raise UvdockError("there is no such folder", where=svg, fix="name a file in a folder that is there", code=2)
    repo = open_repo(c)
    with tempfile.TemporaryDirectory(prefix="uvdock-bench-") as folder:
        place = Path(folder)
        fetched: dict[str, int] = {}
        trees: list[Tree] = []
        try:
            found = _installs(repo, place) if installs else None
            trees = _trees(repo, before, after, place) if images else []
            taking_part = [*(found.contenders() if found else []), *_builds(trees)]
            if not taking_part:
                raise UvdockError("there is nothing to measure", where=str(repo.root), fix="leave out a --no-… option")
            if c.config.run.dry:
                for item in taking_part:
                    console.would(f"{item.group}: {item.who}")
                    console.command(item.argv)
                trees = []
                return 0
            facts = _facts(repo, found, trees)
            measured = _sorted(measure(taking_part, runs, lambda what: console.say(f"▸ {what}", "dim")))
            fetched = found.fetched() if found else {}
        finally:
            _remove(trees)
    if json:
        console.data(json_module.dumps(figures.to_json(measured, facts, fetched), indent=2))
    else:
        _show(measured, facts, fetched)
    if svg:
        Path(svg).write_text(chart.svg(measured, f"{repo.root.name}: pip and uv"), encoding="utf-8")
        console.say(f"written: {svg}")
    return 0


def _installs(repo: Repo, place: Path) -> Installs:
    from uvdock.backends.host import find_uv
    from uvdock.bench.installs import Installs

    uv = find_uv()
    if uv is None:
        raise UvdockError(
            "uv was not found on this machine",
            where="PATH, and the environment uvdock is installed in",
            fix="install uvdock[uv], which brings uv, or leave the installs out with --no-installs",
            code=127,
        )
    return Installs.prepare(repo.project, uv, place)


def _trees(repo: Repo, before: str, after: str, place: Path) -> list[Tree]:
    """The trees to build; none, with a remark, where there is nothing to build or nothing that builds."""
    from uvdock.backends import choice
    from uvdock.bench import images

    try:
        found = choice.find_engine(repo.root, repo.settings)
    except UnreachableError:
        found = None
    if found is None:
        if before or after:
            raise UvdockError(
                "images are built with Compose, and this repo's backend is the host",
                where=str(repo.root),
                fix="start Docker, or leave out --before and --after",
            )
        console.note("there is no Compose file or no engine, so no image is built")
        return []
    inside = repo.project.folder.relative_to(repo.root)
    named = {"before": before, "after": after} if before else {"after": after}
    trees = []
    for who, name in named.items():
        source = Path(name).resolve() if name and Path(name).is_dir() else repo.root
        copied = images.copy(source, "" if source != repo.root or not name else name, place)
        trees.append(images.tree(who if before else "image", copied, inside, repo.settings))
        if trees[-1].manifest is None:
            console.note(f"{who}: neither uv.lock nor a requirements file is installed, so no dependency is changed")
    return trees


def _builds(trees: Sequence[Tree]) -> list[Contender]:
    from uvdock.backends.host import find_uv
    from uvdock.bench import images

    return [item for found in trees for item in images.contenders(found, find_uv())]


def _remove(trees: Sequence[Tree]) -> None:
    from uvdock.bench import images

    for found in trees:
        images.remove(found)


def _sorted(measured: list[Measured]) -> list[Measured]:
    from uvdock.bench.figures import GROUPS

    return sorted(measured, key=lambda item: GROUPS.index(item.group))


def _facts(repo: Repo, installs: Installs | None, trees: Sequence[Tree]) -> dict[str, str]:
    """The machine, and what of which version took part."""
    import os
    import platform

    from uvdock import process
    from uvdock.backends.host import find_uv

    facts = {
        "system": f"{platform.system()} {platform.machine()}",
        "cores": str(os.cpu_count()),
    }
    commands = {"uv": [find_uv() or "uv", "--version"]}
    if installs is not None:
        facts["packages"] = str(installs.packages)
        commands["Python"] = [installs.python, "--version"]
        # The one that a new environment gets.
        code = "import ensurepip; print(ensurepip.version())"
        commands["pip"] = [installs.python, "-c", code]
    if trees:
        commands["docker"] = [*trees[0].stack.docker, "--version"]
    for name, argv in commands.items():
        found = process.capture(argv, cwd=repo.root)
        words = found.text.replace(",", " ").split()
        facts[name] = next((word for word in words if word[:1].isdigit()), "?") if found.code == 0 else "?"
    return facts


def _show(measured: Sequence[Measured], facts: dict[str, str], fetched: dict[str, int]) -> None:
    from uvdock.backends.cache import readable
    from uvdock.bench import chart, figures

    rows = [
        (
            item.group,
            item.who,
            chart.seconds(item.spread.median),
            f"{chart.seconds(item.spread.low)} – {chart.seconds(item.spread.high)}",
            figures.faster(measured, item),
            chart.seconds(item.first),
            item.remark,
        )
        for item in measured
    ]
    console.table(
        ("what", "who", "median", "spread", "faster", "first run", "remark"),
        rows,
        least=("first run", "spread"),
        below="remark",
    )
    width = shutil.get_terminal_size().columns if sys.stdout.isatty() else 80
    console.data("\n".join(["", *chart.bars(measured, width), ""]))
    for name, size in fetched.items():
        console.say(f"{name}'s cache after an install that began without one: {readable(size)}")
    for verdict in figures.verdicts(measured):
        style = {True: "green", False: "red", None: "dim"}[verdict.kept]
        console.say(verdict.text, style)
    console.say(" · ".join(f"{name} {value}" for name, value in facts.items()), "dim")
