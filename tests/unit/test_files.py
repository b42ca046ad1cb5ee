"""Which files of a repo are Dockerfiles and shell scripts."""

from __future__ import annotations

from pathlib import Path

import pytest

from uvdock import files


@pytest.mark.parametrize(
    ("name", "is_one"),
    [
        ("Dockerfile", True),
        ("dockerfile", True),
        ("Dockerfile.prod", True),
        ("app.Dockerfile", True),
        ("Dockerfile.dockerignore", False),
        ("dockerfile.py", False),
        ("README.md", False),
    ],
)
def test_a_dockerfile_is_told_by_its_name(name: str, is_one: bool) -> None:
    assert files.is_dockerfile(Path(name)) is is_one


@pytest.mark.parametrize(
    ("first", "is_one"),
    [
        (b"#!/bin/sh\n", True),
        (b"#!/bin/bash -e\n", True),
        (b"#! /bin/dash\r\n", True),
        (b"#!/usr/bin/env bash\n", True),
        (b"#!/usr/bin/env -S bash -e\n", True),
        (b"#!/usr/bin/env ksh", True),
        (b"#!/usr/bin/env python3\n", False),
        (b"#!/usr/bin/env -S uv run --script\n", False),
        (b"#!/usr/bin/env\n", False),
        (b"#!/usr/bin/fish\n", False),
        (b"#!\n", False),
        (b"#!bash\n", False),
        (b"#!bin/sh\n", False),
        (b"#!/usr/bin/env /bin/sh\n", False),
        (b" #!/bin/sh\n", False),
        (b"echo '#!/bin/sh'\n", False),
        (b"\xff\xfe#!\x00", False),
        (b"", False),
    ],
)
def test_a_script_without_a_suffix_is_told_by_its_first_line(tmp_path: Path, first: bytes, is_one: bool) -> None:
    path = tmp_path / "run"
    path.write_bytes(first)
    assert files.is_shell(path) is is_one


@pytest.mark.parametrize(("name", "is_one"), [("build.sh", True), ("lib.bash", True), ("sh.py", False), ("sh", False)])
def test_a_suffix_tells_it_without_a_look_inside(tmp_path: Path, name: str, is_one: bool) -> None:
    assert files.is_shell(tmp_path / name) is is_one
