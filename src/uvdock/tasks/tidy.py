"""`clean` and `secret`: what a `./run` file has for a person's own machine."""

from __future__ import annotations

from typing import TYPE_CHECKING

from uvdock.errors import UvdockError
from uvdock.tasks.base import ask, open_repo, passed, task
from uvdock.tasks.kinds import WORDS
from uvdock.tasks.separator import WordsTask
from uvdock.ui import console

if TYPE_CHECKING:
    from invoke.context import Context

#: What is removed: by-products of tools, each only where git ignores it too.
PATTERNS = ("__pycache__", "*.pyc", ".pytest_cache", ".mypy_cache", ".ruff_cache", ".coverage", "htmlcov", "*.egg-info")


@task(
    "clean",
    answers=True,
    examples=["clean --dry-run", "clean --yes", "clean -- 'build/*.map'"],
    klass=WordsTask,
    usage="[PATTERN…]",
    values={WORDS: ()},
    help={"dry_run": "Only show what would go.", "yes": "Do not ask."},
)
def clean(c: Context, dry_run: bool = False, yes: bool = False) -> int:
    """Remove by-products that git ignores; shows them first, and asks."""
    from uvdock import cleaning

    repo = open_repo(c)
    found = cleaning.find(repo.root, passed(c) or PATTERNS)
    for path in found:
        console.say(f"  {path}/" if (repo.root / path).is_dir() else f"  {path}")
    if not found:
        console.say("there is nothing to remove")
        return 0
    if dry_run or c.config.run.dry:
        console.say(f"{len(found)} would be removed")
        return 0
    if not yes:
        ask(f"Remove these {len(found)}?", "nothing was removed", str(repo.root))
    cleaning.remove(repo.root, found)
    console.say(f"{len(found)} removed")
    return 0


@task(
    "secret",
    answers=True,
    examples=["secret", "secret --bytes 64"],
    quiet=True,
    help={"bytes": "How many random bytes; 32 by default."},
)
def secret(c: Context, bytes: int = 32) -> int:  # noqa: A002, ARG001 - the option's name
    """Print a random token, as for SECRET_KEY."""
    import secrets

    if not 1 <= bytes <= 4096:
        raise UvdockError(f"{bytes} bytes make no secret", where="--bytes", fix="give 1 to 4096", code=2)
    console.data(secrets.token_urlsafe(bytes))
    return 0
