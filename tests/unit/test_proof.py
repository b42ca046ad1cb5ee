"""What is installed in an image against what uv lists of the lock."""

from __future__ import annotations

import pytest

from uvdock.backends.dockerfile import BuildSync
from uvdock.backends.proof import Installed, differences, export_args

LINUX = {"sys_platform": "linux", "python_version": "3.13", "python_full_version": "3.13.5"}
LISTED = """\
-e ./packages/shared
idna==3.10
six==1.17.0 ; python_version >= '3.9'
pywin32==310 ; sys_platform == 'win32'
tool @ git+https://git.example/tool@abc
"""
FRESH = {"idna": "3.10", "six": "1.17.0", "tool": "1.0"}


@pytest.mark.parametrize(
    ("packages", "inexact", "expected"),
    [
        (FRESH, False, []),
        # What the workspace has itself, and what installers leave, counts for nothing.
        ({**FRESH, "shared": "0.1", "pip": "25", "setuptools": "80"}, False, []),
        ({**FRESH, "idna": "3.9"}, False, ["idna is 3.9 and not 3.10"]),
        ({"idna": "3.10", "tool": "1.0"}, False, ["six is not installed"]),
        ({**FRESH, "flask": "3.1"}, False, ["flask is installed"]),
        ({**FRESH, "flask": "3.1"}, True, []),
        ({**FRESH, "pywin32": "310"}, False, ["pywin32 is installed"]),
        ({}, False, ["idna is not installed", "six is not installed", "tool is not installed"]),
    ],
)
def test_what_differs(packages: dict[str, str], inexact: bool, expected: list[str]) -> None:
    assert differences(LISTED, Installed(packages, LINUX, own=True), {"shared"}, inexact=inexact) == expected


def test_another_platform_has_other_packages() -> None:
    windows = Installed({**FRESH, "pywin32": "310"}, {**LINUX, "sys_platform": "win32"}, own=True)
    assert differences(LISTED, windows, set(), inexact=False) == []


@pytest.mark.parametrize(
    ("flags", "member", "expected"),
    [
        ((), "", []),
        (("--no-install-project", "--no-dev", "--inexact"), "", ["--no-dev"]),
        (("--no-install-workspace", "--package", "app"), "", ["--package", "app"]),
        (("--group", "dev", "--extra", "web"), "worker", ["--group", "dev", "--extra", "web", "--package", "worker"]),
        (("--package", "app"), "worker", ["--package", "app"]),
        (("--all-packages",), "worker", ["--all-packages"]),
        (("--no-install-package", "torch"), "", ["--no-emit-package", "torch"]),
    ],
)
def test_uv_lists_what_the_build_installs(flags: tuple[str, ...], member: str, expected: list[str]) -> None:
    args = export_args(BuildSync(flags), member)
    assert args[:2] == ["export", "--frozen"]
    assert args[args.index("--no-emit-workspace") + 1 :] == expected
