"""Questions about what is locked: deps.diff, deps.why, deps.audit."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from uvdock.errors import UvdockError, nearest
from uvdock.tasks.base import Repo, open_repo, passed, task
from uvdock.tasks.kinds import PACKAGES, WORDS, typed
from uvdock.tasks.separator import WordsTask
from uvdock.ui import console

if TYPE_CHECKING:
    from collections.abc import Sequence

    from invoke.context import Context

    from uvdock.project import Project

_STYLES = {"+": "green", "-": "red", "~": "cyan"}
#: How many paths deps.why shows.
_PATHS = 100


@task(
    "deps.diff",
    answers=True,
    examples=["deps.diff", "deps.diff -- main", "deps.diff --markdown -- v1.2"],
    klass=WordsTask,
    usage="[REF]",
    values={WORDS: ()},
    help={"markdown": "Tables for a pull request.", "json": "An object with every change."},
)
def diff(c: Context, markdown: bool = False, json: bool = False) -> int:
    """Show what uv.lock changed against git's HEAD or another commit."""
    from uvdock.deps import changes, lockfile

    words = passed(c)
    if len(words) > 1:
        raise UvdockError(
            "deps.diff takes one commit", where=" ".join(words), fix=f"name one: {typed('deps.diff -- main')}", code=2
        )
    ref = "".join(words) or "HEAD"
    repo = open_repo(c)
    collected: list[dict[str, Any]] = []
    for project in repo.projects:
        label = str(project.folder.relative_to(repo.root))
        before = _lock_at(ref, project)
        after = lockfile.parse(project.lock.read_bytes(), project.lock) if project.lock.is_file() else {}
        found = changes.changes(before, after)
        title = "uv.lock" if label == "." else f"{label}/uv.lock"
        if json:
            collected.append(changes.to_json(found, label, ref))
        elif markdown:
            console.data(changes.markdown(found, title))
        else:
            console.data(f"{title} against {ref}: {changes.summary(found)}")
            for line in changes.lines(found):
                console.data(line, _STYLES.get(line.strip()[:1], "bold"))
    if json:
        console.data(changes.dumps(collected))
    return 0


@task(
    "deps.why",
    answers=True,
    examples=["deps.why click", "deps.why urllib3 --json"],
    values={"package": PACKAGES},
    help={"package": "The package.", "json": "An object with every path."},
)
def why(c: Context, package: str, json: bool = False) -> int:
    """Show every path from a direct dependency to a package, with the bounds on it."""
    from packaging.utils import canonicalize_name

    from uvdock.deps import core_metadata, releases
    from uvdock.deps import why as paths
    from uvdock.project import read_pyproject

    repo, name = open_repo(c), canonicalize_name(package)
    project = repo.project
    lock = _lock(project)
    versions = [item.get("version", "") for item in lock.get("package", []) if item["name"] == name]
    if not versions:
        names = sorted({item["name"] for item in lock.get("package", [])})
        raise UvdockError(
            f"{name} is not locked{nearest(name, names)}",
            where=str(project.lock),
            fix="name a package of the lock: deps.outdated --all shows them",
        )
    found, more = paths.paths(lock, name, _PATHS)
    config = releases.Question({}, read_pyproject(project.pyproject), project.folder).manifest([])
    asked = core_metadata.requirements(paths.asking(lock, found), lambda pins: repo.reader.metadata(pins, config))
    told = [paths.bounded(path, asked) for path in found]
    if json:
        console.data(paths.to_json(name, versions, told, more=more))
        return 0
    for path in told:
        console.data(paths.line(path))
    if not told:
        console.say(f"{name} is a member of the workspace, and nothing asks for it")
    elif more:
        console.note(f"there are more paths than these {_PATHS}")
    return 0


@task(
    "deps.audit",
    answers=True,
    examples=["deps.audit", "deps.audit --json", "deps.audit --ignore GHSA-xxxx-xxxx-xxxx"],
    iterable=["ignore"],
    help={
        "ignore": "An advisory that does not count, by its name; more than once.",
        "service-url": "Another OSV service.",
        "json": "An object with everything that was found.",
    },
)
def audit(c: Context, ignore: Sequence[str] | None = None, service_url: str = "", json: bool = False) -> int:
    """Look for known vulnerabilities in what is locked; leaves with 1 for one, with 2 when it could not look."""
    from uvdock.deps import audit as audits

    repo = open_repo(c)
    project = repo.project
    lock = _lock(project)
    result = audits.audit(lock, project.lock, _runner(repo, project), ignore=ignore or (), service=service_url)
    if json:
        console.data(audits.to_json(result))
    else:
        rows = [
            (item.name, item.version, " ".join([item.id, *item.aliases]), ", ".join(item.fixed_in), item.summary)
            for item in result.vulnerabilities
        ]
        if rows:
            console.table(("package", "locked", "advisory", "fixed in", "about"), rows, below="about")
        for name, status in result.statuses:
            console.data(f"{name} is {status}")
        count = len(result.vulnerabilities)
        console.say(
            f"{count} known vulnerabilit{'y' if count == 1 else 'ies'} in {result.audited} packages, by {result.tool}"
        )
    return 1 if result.vulnerabilities or result.statuses else 0


def _runner(repo: Repo, project: Project) -> Any:
    def run(args: list[str], files: dict[str, bytes]) -> Any:
        edits = {project.folder / name: content for name, content in files.items()}
        return repo.reader.query(args, edits, alone=bool(files)).output

    return run


def _lock(project: Project) -> dict[str, Any]:
    from uvdock.deps import lockfile

    if not project.lock.is_file():
        raise UvdockError(
            "there is no uv.lock to look at", where=str(project.lock), fix="run deps.lock, which makes it"
        )
    return lockfile.parse(project.lock.read_bytes(), project.lock)


def _lock_at(ref: str, project: Project) -> dict[str, Any]:
    """The project's lock in a commit; empty when it had none there.

    Raises:
        UvdockError: There is no such commit, or no git.
    """
    from uvdock import process
    from uvdock.deps import lockfile

    where = f"{project.lock} in {ref}"
    known = process.capture(["git", "rev-parse", "--verify", "--quiet", f"{ref}^{{commit}}"], cwd=project.folder)
    if known.code != 0:
        inside = process.capture(["git", "rev-parse", "--git-dir"], cwd=project.folder)
        if inside.code != 0:
            what = f"git does not know this folder: {inside.error_text.removeprefix('fatal: ')}"
            raise UvdockError(what, where=str(project.folder), fix="go into a clone of the repo, or run `git init`")
        raise UvdockError(
            f"git has no commit {ref!r}",
            where=str(project.folder),
            fix="name a branch, a tag or a commit of this repo; `git log` shows them",
        )
    listed = process.capture(["git", "ls-tree", "--name-only", ref, "--", "uv.lock"], cwd=project.folder)
    if not listed.stdout.strip():
        return {}
    found = process.capture(["git", "show", f"{ref}:./uv.lock"], cwd=project.folder)
    if found.code != 0:
        raise UvdockError(f"git cannot show it: {found.error_text}", where=where, fix="see what git says")
    return lockfile.parse(found.stdout, project.lock)
