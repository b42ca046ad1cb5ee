"""Whether this is the app's own container, where no engine is meant."""

from __future__ import annotations

from pathlib import Path

import pytest

from uvdock.backends import choice
from uvdock.engine import presence
from uvdock.errors import UnreachableError
from uvdock.settings import Settings

CASES = {
    "the app's own container": (True, False, {}, True),
    "a machine without docker": (False, False, {}, False),
    "a container with docker": (True, True, {}, False),
    "a machine with docker": (False, True, {}, False),
    "told of an engine": (True, False, {"DOCKER_HOST": "unix:///nowhere"}, False),
    "told of a context": (True, False, {"DOCKER_CONTEXT": "far"}, False),
    "told nothing": (True, False, {"DOCKER_HOST": "", "DOCKER_CONTEXT": ""}, True),
}


@pytest.mark.parametrize("case", CASES)
def test_in_own_container(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, case: str) -> None:
    marked, docker, variables, expected = CASES[case]
    if docker:
        (tmp_path / "docker").touch(0o755)
    for name in ("DOCKER_HOST", "DOCKER_CONTEXT"):
        monkeypatch.delenv(name, raising=False)
    for name, value in {**variables, "PATH": str(tmp_path), "DOCKER_CONFIG": str(tmp_path)}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(presence, "MARKS", (str(tmp_path / "no"), *([str(tmp_path)] if marked else [])))
    (tmp_path / "compose.yaml").touch()
    settings = Settings(sources={"backend": "default"})

    assert presence.in_own_container({"PATH": str(tmp_path), **variables}) is expected
    if expected:
        assert choice.find_engine(tmp_path, settings) is None
    elif not docker:
        with pytest.raises(UnreachableError, match="docker is not installed"):
            choice.find_engine(tmp_path, settings)


def test_a_folder_named_docker_is_no_program(tmp_path: Path) -> None:
    (tmp_path / "docker").mkdir()
    assert not presence.has_docker({"PATH": str(tmp_path)})
