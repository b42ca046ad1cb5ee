"""Names of services at the prompt: Compose tells them once, and from then on the cache does."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.conftest import Program, make_project

COMPOSE = """
include: [more.yaml]
services:
  web: {image: "debian:trixie-slim"}
  worker: {image: "debian:trixie-slim", profiles: [full]}
"""


@pytest.mark.engine
@pytest.mark.slow
def test_services_are_completed(program: Program, tmp_path: Path) -> None:
    repo = make_project(tmp_path / "app")
    (repo / "compose.yaml").write_text(COMPOSE)
    (repo / "more.yaml").write_text("services:\n  cache: {image: redis}\n")
    program.env["XDG_CACHE_HOME"] = str(tmp_path / "cache")

    def found(*words: str) -> list[str]:
        ran = program.run("__complete", "bash", "uvdock", *words, cwd=repo)
        assert (ran.code, ran.err) == (0, "")
        return ran.out.split()

    assert found("shell", "") == ["cache", "web", "worker"]
    # From here on a docker that is called would be seen.
    stub = tmp_path / "bin/docker"
    stub.parent.mkdir()
    stub.write_text(f"#!/bin/sh\ntouch {tmp_path}/called\nexit 97\n")
    stub.chmod(0o755)
    path = program.env["PATH"]
    program.env["PATH"] = os.pathsep.join((str(stub.parent), path))
    assert found("shell", "w") == ["web", "worker"]
    assert found("cmd", "--service", "=", "ca") == ["cache"]
    assert found("logs", "--", "wo") == ["worker"]
    assert not (tmp_path / "called").exists()
    # A new service, in a file that the first one includes, is asked for; without docker there is none, and no error.
    (repo / "more.yaml").write_text("services:\n  queue: {image: redis}\n  cache: {image: redis}\n")
    assert found("build", "q") == []
    assert (tmp_path / "called").exists()
    program.env["PATH"] = path
    assert found("build", "q") == ["queue"]
