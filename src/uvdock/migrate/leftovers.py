"""Which files of a repo are carried out, and not only read by people."""

from __future__ import annotations

import re
from pathlib import Path

from uvdock.files import is_dockerfile

#: Files that are carried out or configure what is, beside those that a converter knows.
_RUN = {"Jenkinsfile", "justfile", "Justfile", "Earthfile", "Vagrantfile", "Tiltfile", "package.json"}
_RUN_SUFFIXES = {".py", ".bat", ".cmd", ".ps1", ".cfg", ".ini", ".toml", ".tf", ".yml", ".yaml"}
#: What only looks at files, and goes on where there is none.
_WATCHES = re.compile(r"(?:\.pre-commit|dependabot|labeler|\.?renovate)")


def is_run(path: Path, text: str) -> bool:
    """Whether something carries this file out, or reads its settings: a line of it is more than words."""
    from uvdock.migrate.converters import compose, scripts, workflow

    return (
        is_dockerfile(path)
        or compose.is_compose(path)
        or workflow.is_workflow(path)
        or path.name in _RUN
        or is_dev_container(path)
        or (path.suffix.lower() in _RUN_SUFFIXES and not _WATCHES.match(path.name))
        or scripts.is_script(path, text)
    )


def is_dev_container(path: Path) -> bool:
    """Whether these are the settings of a dev container."""
    return path.name in ("devcontainer.json", ".devcontainer.json")
