"""An engine that ssh does not get through to: what ssh said, where, and what to do next."""

from __future__ import annotations

import os
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.cli.test_backend import repo
from tests.conftest import Program

__all__ = ["repo"]


class End(NamedTuple):
    """What ssh says and leaves, and what a person is to do."""

    said: str
    code: int
    next: str


ENDS = [
    End("ssh: Could not resolve hostname there: Name or service not known", 255, "`ssh -l me -p 2222 there` logs in"),
    End("me@there: Permission denied (publickey).", 255, "`ssh -l me -p 2222 there` logs in"),
    End("Host key verification failed.", 255, "`ssh -l me -p 2222 there` logs in"),
    End("sh: 1: docker: not found", 127, "install docker there"),
    End("failed to open the raw stream connection: dial unix: no such file", 1, "start Docker there"),
    End("", 0, "start Docker there"),
]


@pytest.fixture
def ssh(program: Program, tmp_path: Path) -> Path:
    """The ssh on PATH, which a test writes; it notes what it was called with."""
    file = tmp_path / "bin" / "ssh"
    file.parent.mkdir()
    program.env |= {
        "PATH": os.pathsep.join((str(file.parent), program.env["PATH"])),
        "DOCKER_HOST": "ssh://me@there:2222",
    }
    return file


def write(ssh: Path, script: str) -> None:
    ssh.write_text(f'#!/bin/sh\nprintf "%s\\n" "$@" > {ssh.parent}/words\n{script}\n')
    ssh.chmod(0o755)


@pytest.mark.parametrize("end", ENDS, ids=lambda end: end.said)
def test_what_ssh_says_is_told(program: Program, repo: Path, ssh: Path, end: End) -> None:
    write(ssh, f"echo '{end.said}' >&2; exit {end.code}")

    ran = program.run("cmd", "true", cwd=repo)

    what, where, fix = ran.err.splitlines()
    assert ran.code == 1
    assert what == f"error: the Docker engine cannot be reached by ssh: {end.said or 'there is no answer'}"
    assert where == "   at: DOCKER_HOST=ssh://***@there:2222"
    assert end.next in fix
    words = ["-l", "me", "-p", "2222", "-o", "ConnectTimeout=30", "-T", "--", "there", "docker system dial-stdio"]
    assert (ssh.parent / "words").read_text().splitlines() == words


def test_what_the_login_prints_is_no_engine(program: Program, repo: Path, ssh: Path) -> None:
    write(ssh, "echo Welcome; exec sleep 60")

    ran = program.run("cmd", "true", cwd=repo, timeout=60)

    assert ran.err.startswith("error: the Docker engine cannot be reached by ssh: the login there prints 'Welcome'\n")


def test_without_ssh_it_is_asked_for(program: Program, repo: Path, ssh: Path) -> None:
    program.env["PATH"] = str(ssh.parent)
    (ssh.parent / "docker").symlink_to("/bin/false")

    ran = program.run("cmd", "true", cwd=repo)

    assert ran.err.startswith("error: ssh was not found\n")
