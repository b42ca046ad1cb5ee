"""deps.outdated: which dependencies are behind, by how much, and what holds them back."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from uvdock.errors import UvdockError
from uvdock.tasks.base import Repo, open_repo, passed, task
from uvdock.tasks.kinds import DEPENDENCIES, GROUPS, WORDS
from uvdock.tasks.separator import WordsTask
from uvdock.ui import console

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from invoke.context import Context

    from uvdock.deps.outdated import Row
    from uvdock.deps.survey import Survey

_STYLES = {"major": "red", "minor": "cyan", "patch": "green", "pre": "yellow"}


@task(
    "deps.outdated",
    answers=True,
    examples=[
        "deps.outdated",
        "deps.outdated --all --kind major",
        "deps.outdated --exit-code --json",
        "deps.outdated -- flask redis",
    ],
    values={WORDS: DEPENDENCIES, "group": GROUPS, "kind": ("major", "minor", "patch", "pre")},
    klass=WordsTask,
    usage="[PACKAGE…]",
    iterable=["group", "kind"],
    help={
        "all": "Also the packages that only others need.",
        "group": "Only this dependency group, `extra: NAME`, or `project`; more than once.",
        "kind": "Only these steps: major, minor, patch, pre; more than once.",
        "cooldown": "How old a release must be to be wanted, as `7 days`.",
        "pre": "Count prereleases.",
        "json": "An object with every row instead of a table.",
        "exit_code": "Leave with 1 when something is behind, else with 2 when no index answered for something.",
    },
)
def outdated(  # noqa: PLR0917 - each is an option by its name
    c: Context,
    all: bool = False,  # noqa: A002 - the option's name
    group: Sequence[str] | None = None,
    kind: Sequence[str] | None = None,
    cooldown: str = "",
    pre: bool = False,
    json: bool = False,
    exit_code: bool = False,
) -> int:
    """Show the direct dependencies that are behind, what is wanted and what holds them."""
    from uvdock.deps import outdated as table

    _check_kinds(kind or ())
    surveys = look(open_repo(c, cooldown=cooldown), everything=all, pre=pre)
    rows = _asked_for(surveys, passed(c), group or (), everything=all)
    shown = [row for row in rows if row.kind in kind] if kind else rows
    silent, behind = _packages(row for row in rows if row.silent), _packages(row for row in shown if row.behind)
    if json:
        console.data(table.to_json(shown))
    else:
        show(table.ranked(row for row in shown if row.behind or row.note))
        for survey in surveys:
            _problem(survey)
        total = _packages(rows)
        verb = "has" if total == 1 else "have"
        unknown = f"; {silent} could not be looked up" if silent else ""
        console.say(f"{behind} of {console.counted(total, 'package')} {verb} a newer release{unknown}")
    return (1 if behind else 2 if silent else 0) if exit_code else 0


def _asked_for(
    surveys: Sequence[Survey], words: Sequence[str], groups: Sequence[str], *, everything: bool
) -> list[Row]:
    """The rows of the packages and groups that are named; all rows where none is.

    Raises:
        UvdockError: A manifest cannot be read, or a name means nothing here.
    """
    from packaging.utils import canonicalize_name

    from uvdock.deps import broken, declared, survey
    from uvdock.deps import outdated as table

    for one in surveys:
        if one.problem and (problem := broken.named(one.manifests)):
            raise problem
    rows = [row for one in surveys for row in table.rows(one, everything=everything)]
    names = [canonicalize_name(word) for word in words]
    _check_names(names, rows)
    known = [name for one in surveys for manifest in one.manifests for name in declared.groups(manifest.data)]
    survey.know_groups(groups, [*known, *([table.INDIRECT] if everything else [])])
    return table.chosen(rows, groups, names)


def _check_kinds(kinds: Sequence[str]) -> None:
    for word in kinds:
        if word not in _STYLES:
            raise UvdockError(
                f"{word!r} is no kind of step", where="--kind", fix=f"choose from {', '.join(_STYLES)}", code=2
            )


def _packages(rows: Iterable[Row]) -> int:
    """How many packages rows are about, each once a project."""
    return len({(row.project, row.name) for row in rows})


def look(repo: Repo, *, everything: bool = False, pre: bool = False) -> list[Survey]:
    """Look at the project in question, or at each of several."""
    from uvdock.deps import survey

    projects = repo.projects
    found = []
    for project in projects:
        label = os.path.relpath(project.folder, repo.root) if len(projects) > 1 else ""
        found.append(
            survey.look(
                project,
                repo.at(project).reader,
                label=label,
                everything=everything,
                wait=repo.settings.cooldown,
                pre=pre,
            )
        )
    return found


def show(rows: Sequence[Row]) -> None:
    """The table, without the columns that have nothing to say."""
    from uvdock.deps.outdated import ago

    if not rows:
        return
    columns = {
        "project": [row.project for row in rows],
        "package": [row.name for row in rows],
        "group": [row.group for row in rows],
        "specifier": [row.specifier for row in rows],
        "locked": [row.locked for row in rows],
        "wanted": [row.wanted for row in rows],
        "latest": [row.latest for row in rows],
        "step": [row.kind for row in rows],
        "age": [ago(row.age) for row in rows],
        "held by": [row.note or "; ".join(row.held_by) for row in rows],
    }
    shown = {name: cells for name, cells in columns.items() if any(cells) or name == "package"}
    console.table(
        tuple(shown),
        list(zip(*shown.values(), strict=True)),
        least=("age", "group", "held by", "specifier"),
        below="held by",
        styles={"step": _STYLES, "latest": {row.latest: _STYLES.get(row.kind, "") for row in rows}},
    )


def _problem(survey: Survey) -> None:
    if survey.problem:
        console.note(f"uv cannot resolve {survey.project.folder.name} anew, so nothing is wanted: {survey.problem}")
    if dynamic := [manifest.name for manifest in survey.manifests if manifest.dynamic]:
        console.note(f"the dependencies of {', '.join(dynamic)} are dynamic: only its build knows their specifiers")


def _check_names(words: Sequence[str], rows: Sequence[Row]) -> None:
    from uvdock.errors import nearest

    names = sorted({row.name for row in rows})
    for word in words:
        if word not in names:
            raise UvdockError(
                f"{word} is no dependency here{nearest(word, names)}",
                where="the command line",
                fix="name a direct dependency, or give --all for those that only others need",
                code=2,
            )
