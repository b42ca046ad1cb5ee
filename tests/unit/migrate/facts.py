"""A repo for the tests of converters: what is known of it."""

from __future__ import annotations

from pathlib import Path

from uvdock.migrate.model import Install, ProjectFacts, RepoFacts


def facts(files: dict[str, str] | None = None, **more: object) -> RepoFacts:
    """A repo with a project at its root and one in ``api``."""
    installs = {
        "requirements.txt": Install(Path(), ("--no-dev",)),
        "requirements-dev.txt": Install(Path()),
        "requirements/docs.txt": Install(Path(), ("--no-dev", "--group", "docs")),
        "api/requirements.txt": Install(Path("api"), ("--no-dev",)),
    }
    return RepoFacts(
        files={Path(name): text for name, text in (files or {}).items()},
        projects=(ProjectFacts(Path(), False, ">=3.12"), ProjectFacts(Path("api"), False, ">=3.12")),
        installs={Path(name): install for name, install in installs.items()},
        uv="0.13.8",
        **more,  # type: ignore[arg-type]
    )
