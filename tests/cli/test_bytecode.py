"""What uvdock imports is compiled once; a person's own files and a Python that was told not to stay without."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.conftest import Program, make_project


@pytest.mark.parametrize(("told", "kept"), [("", True), ("1", False)])
def test_modules_are_compiled_once(program: Program, tmp_path: Path, told: str, *, kept: bool) -> None:
    project = make_project(tmp_path / "app")
    (project / "tasks.py").write_text("from uvdock import ns\n")
    compiled = tmp_path / "compiled"
    # An empty variable is as good as none to Python.
    env = {"PYTHONPYCACHEPREFIX": str(compiled), "PYTHONDONTWRITEBYTECODE": told}

    for arguments in (("--list",), ("secret",)):
        assert program.run(*arguments, cwd=project, program="inv", env=env).code == 0

    found = list(compiled.rglob("*.pyc"))
    names = {path.name.partition(".")[0] for path in found}
    # The second is what only the task itself imports.
    assert ({"separator", "secrets"} <= names) is kept
    assert not [path for path in found if project.relative_to("/") in path.relative_to(compiled).parents]
