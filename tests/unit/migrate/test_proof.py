"""The comparison of an old file with the new lock, and what is read of other tools' locks."""

from __future__ import annotations

from pathlib import Path

import pytest

from uvdock.formats.requirements import parse
from uvdock.migrate.discover.options import DEFAULT_INDEX
from uvdock.migrate.discover.requirement_files import Pin
from uvdock.migrate.discover.sources import Source
from uvdock.migrate.lock import external
from uvdock.migrate.lock.uv import Failed, Locked, Uv, needed_by, short
from uvdock.migrate.lock.version_drift import Old, check_hashes, chosen, compare
from uvdock.migrate.model import Drift
from uvdock.migrate.verify import compare_images
from uvdock.process import Output


def test_each_proof_changes_the_files_of_dependencies_in_its_own_way() -> None:
    made = {compare_images._blank(f"mark-{number}") for number in range(100)}
    assert len(made) == 100
    assert {text.strip() for text in made} == {b""}
    root = Path("/repo")
    touched = [
        "requirements/base.txt",
        "requirements-dev.in",
        "constraints.txt",
        "api/uv.lock",
        "poetry.lock",
        "Pipfile.lock",
        "pyproject.toml",
    ]
    assert [
        name
        for name in [*touched, "robots.txt", "app.py", "yarn.lock", "Cargo.lock", "package-lock.json", "flake.lock"]
        if compare_images._is_touched(root / name, root)
    ] == touched


def test_what_an_installer_brought_goes_with_it() -> None:
    def image(old: dict[str, str], new: dict[str, str]) -> compare_images.Image:
        sides = (compare_images.BuiltImage(1.0, 1.0, 1, packages, ()) for packages in (old, new))
        return compare_images.Image("web", *sides)

    both = {"flask": "3.1.2", "pip": "26.0"}
    brought = image({**both, "wheel": "0.48.0", "packaging": "26.3"}, both)
    assert (brought.differences, [name for name, _, _ in brought.tools]) == ((), ["packaging", "wheel"])
    assert compare_images.rows(brought)[3] == ("packages", "1", "1", "the same")
    assert image({**both, "packaging": "26.3"}, both).differences == (("packaging", "26.3", ""),)
    other = image({**both, "wheel": "0.48.0", "packaging": "26.3"}, {**both, "packaging": "25.0"})
    assert other.differences == (("packaging", "26.3", "25.0"),)


LOCK = b"""\
version = 1
[[package]]
name = "app"
version = "0.1.0"
source = { virtual = "." }
dependencies = [{ name = "flask" }]
[[package]]
name = "flask"
version = "3.0.0"
dependencies = [
  { name = "click" },
  { name = "colorama", marker = "sys_platform == 'win32'" },
]
wheels = [{ url = "x", hash = "sha256:aa" }]
[[package]]
name = "click"
version = "8.1.7"
[[package]]
name = "colorama"
version = "0.4.6"
"""
FILE = Path("requirements.txt")


def pin(text: str, line: int = 1, path: Path = FILE, marker: str = "", hashes: tuple[str, ...] = ()) -> Pin:
    name, _, version = text.partition("==")
    return Pin(name, version, marker, hashes, path, line)


@pytest.mark.parametrize(
    ("pins", "whole", "installed", "expected"),
    [
        (["flask==3.0", "click==8.1.7"], True, {"flask": "3.0.0", "click": "8.1.7"}, []),
        (["flask==3.0.0"], False, {"flask": "3.0.0", "click": "8.1.7"}, []),
        (
            ["flask==3.0.0"],
            True,
            {"flask": "3.0.0", "click": "8.1.7", "setuptools": "70"},
            [Drift("click", "", "8.1.7", "flask needs it, and requirements.txt did not have it")],
        ),
        (
            ["flask==2.3.0"],
            False,
            {"flask": "3.0.0"},
            [Drift("flask", "2.3.0", "3.0.0", "uv cannot keep it: because")],
        ),
        (
            ["colorama==0.4.6", "gone==1"],
            True,
            {},
            [
                Drift(
                    "colorama",
                    "0.4.6",
                    "",
                    "nothing that requirements.txt asks for needs it on Linux with this Python",
                ),
                Drift("gone", "1", "", "nothing that requirements.txt asks for needs it any more"),
            ],
        ),
        (["a==1"], True, {"a": ""}, []),
    ],
)
def test_every_package_that_differs_is_a_drift_with_its_cause(
    pins: list[str], whole: bool, installed: dict[str, str], expected: list[Drift]
) -> None:
    locked = Locked(LOCK, {"flask": "because"})
    assert compare(Old(FILE, [pin(one) for one in pins], whole), installed, locked, "3.11") == expected


def test_a_pin_for_another_platform_is_no_drift() -> None:
    old = Old(FILE, [pin("colorama==0.4.6", marker="sys_platform == 'win32'")], True)
    assert compare(old, {}, Locked(LOCK), "3.11") == []


def test_of_two_versions_the_first_is_kept_and_the_other_asked_about() -> None:
    other = Path("dev.txt")
    pins = [pin("a==1.0"), pin("b==1"), pin("a==1", 2), pin("a==2", 3, other), pin("c==1"), pin("c==2", 4, other)]
    kept, findings = chosen(pins, frozenset({"c"}))
    assert [(one.name, one.version) for one in kept] == [("a", "1.0"), ("b", "1")]
    assert [(one.path, one.line, one.level) for one in findings] == [(other, 3, "question")]


def test_hashes_are_compared_where_both_have_some() -> None:
    pins = [pin("flask==3.0", hashes=("sha256:aa", "sha256:bb")), pin("click==8.1.7", hashes=("sha256:cc",))]
    assert check_hashes(pins, Locked(LOCK).data) == []
    (finding,) = check_hashes([pin("flask==3.0.0", 7, hashes=("sha256:bb",))], Locked(LOCK).data)
    assert (finding.line, finding.level) == (7, "question")


def test_who_needs_whom_is_what_the_markers_allow() -> None:
    assert needed_by(Locked(LOCK).data, "3.11") == {"click": {"flask"}}


class _Stubborn:
    """A uv that locks only once certain pins are not asked for."""

    def __init__(self, folder: Path, *refused: str, why: str = "because {} cannot be") -> None:
        self.folder, self.refused, self.why = folder, refused, why
        self.calls = 0

    def __call__(self, argv: list[str], *, cwd: Path, env: dict[str, str]) -> Output:
        assert (argv, env) == (["uv", "lock", "--no-progress"], {})
        self.calls += 1
        text = (cwd / "pyproject.toml").read_text()
        for name in self.refused:
            if f"{name}==" in text:
                return Output(1, b"", f"error: No solution\n  cause: {self.why.format(name)}".encode())
        (cwd / "uv.lock").write_bytes(LOCK)
        return Output(0, b"", b"")


def test_pins_that_cannot_be_kept_are_taken_away_one_reason_at_a_time(tmp_path: Path) -> None:
    run = _Stubborn(tmp_path, "click", "mark-up")
    pins = [pin("click==1"), pin("mark-up==2"), pin("flask==3"), pin("up==1")]
    found = Uv("uv", run, tmp_path, {}).lock("[project]\nname = 'a'\n", pins, frozenset({"flask"}), several=False)
    assert isinstance(found, Locked)
    assert set(found.dropped) == {"click", "mark-up"}
    assert found.dropped["click"] == "No solution cause: because click cannot be"
    assert (tmp_path / "pyproject.toml").read_text() == "[project]\nname = 'a'\n", "the last lock is the manifest's own"
    assert run.calls == 4


def test_of_a_conflict_only_one_pin_is_lost(tmp_path: Path) -> None:
    """uv's reason names all that is part of it, and last it names nothing."""

    class Pair(_Stubborn):
        def __call__(self, argv: list[str], *, cwd: Path, env: dict[str, str]) -> Output:
            assert (argv, env) == (["uv", "lock", "--no-progress"], {})
            self.calls += 1
            text = (cwd / "pyproject.toml").read_text()
            if "b==" in text and "d==" in text:
                return Output(1, b"", self.why.encode())
            (cwd / "uv.lock").write_bytes(LOCK)
            return Output(0, b"", b"")

    names = [f"x{number}" for number in range(40)]
    pins = [pin(f"{name}==1") for name in ("a", "b", "c", "d", *names)]
    for why, most in (("because b depends on c, and c on d, b cannot be", 8), ("no reason at all", 16)):
        run = Pair(tmp_path, why=why)
        found = Uv("uv", run, tmp_path, {}).lock("[project]\nname = 'x'\n", pins, frozenset(), several=False)
        assert isinstance(found, Locked)
        # What comes first is kept: it is what runs.
        assert list(found.dropped) == ["d"]
        assert run.calls <= most


def test_a_manifest_that_cannot_be_locked_fails_with_uvs_reason(tmp_path: Path) -> None:
    run = _Stubborn(tmp_path, "flask")
    text = "[project]\nname = 'a'\ndependencies = ['flask==9']\n"
    found = Uv("uv", run, tmp_path, {}).lock(text, [pin("flask==9"), pin("six==1")], frozenset({"flask"}), several=True)
    assert not isinstance(found, Locked)
    assert "because flask cannot be" in found.why


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        (
            "Using CPython 3.11.7 interpreter at: /usr/bin/python3\nerror: Failed to build `b @ file:///b`\n"
            "  cause: The build backend returned an error\n  cause: Call to `build_meta` failed\n\n"
            "         [stdout]\n         running egg_info\n\n         [stderr]\n         Traceback (most recent):\n"
            '           File "a", line 1\n         ModuleNotFoundError: No module named \'numpy\'\n\n'
            "hint: This error likely indicates that `b` depends on `numpy`.\nor add it.\n",
            "Failed to build `b @ file:///b` cause: Call to `build_meta` failed "
            "ModuleNotFoundError: No module named 'numpy'",
        ),
        ("  × No solution found when resolving dependencies:\n  ╰─▶ Because a needs b\n      and c.\n",
         "No solution found when resolving dependencies: Because a needs b and c."),
        ("error: no `project` table\n", "no `project` table"),
        ("", ""),
    ],
)  # fmt: skip
def test_of_what_uv_says_the_reason_is_kept(tmp_path: Path, said: str, reason: str) -> None:
    uv = Uv("uv", lambda *_, **__: Output(2, b"", said.encode()), tmp_path, {})
    assert uv.lock("[project]\nname = 'a'\n", [], frozenset(), several=False) == Failed(reason)


def test_a_long_reason_is_cut_at_a_sentence() -> None:
    first = "Because flask==3.0.3 depends on werkzeug>=3.0.0 and your project depends on flask==3.0.3, it fails."
    more = "And because your project depends on werkzeug==2.3.8, we can conclude that nothing will do."
    assert short(first) == first
    assert short(f"{first} {more}") == f"{first} {more}"
    assert short(f"{first} {more} {more}") == f"{first} {more}"
    assert len(short("word " * 1000)) < 500


def test_a_python_that_is_too_old_is_named(tmp_path: Path) -> None:
    why = "Because the requested Python version (>=3.8) does not satisfy Python>=3.10 and {} depends on Python>=3.10"
    run = _Stubborn(tmp_path, "flask", why=why)
    text = "[project]\nname = 'a'\ndependencies = ['flask==9']\n"
    found = Uv("uv", run, tmp_path, {}).lock(text, [], frozenset(), several=False)
    assert not isinstance(found, Locked)
    assert found.python == "3.10"


POETRY = """\
[[package]]
name = "A_b"
version = "1.0"
files = [{ file = "x", hash = "sha256:aa" }]
[[package]]
name = "twice"
version = "1"
[[package]]
name = "twice"
version = "2"
[[package]]
name = "ours"
version = "1"
[package.source]
type = "git"
"""
PIPENV = '{"default": {"a.b": {"version": "==1.0", "hashes": ["sha256:aa"]}, "g": {"git": "x"}}, "develop": {}}'


@pytest.mark.parametrize(
    ("tool", "name", "text"), [("poetry", "poetry.lock", POETRY), ("pipenv", "Pipfile.lock", PIPENV)]
)
def test_other_locks_give_the_versions_of_index_packages(tool: str, name: str, text: str) -> None:
    path = Path("app") / name
    assert external.pins(tool, {path: text}, Path("app")) == [Pin("a-b", "1.0", "", ("sha256:aa",), path)]
    assert external.pins(tool, {path: "damaged = ["}, Path("app")) == []
    assert external.pins(tool, {}, Path("app")) == []


def test_a_manifest_of_the_other_tool_gets_what_it_leaves_open() -> None:
    made = (
        '[project]\nname = ""\nrequires-python = "~=3.11"\n\n[tool.uv]\npackage = false\n\n'
        f'[[tool.uv.index]]\nname = "pypi"\nurl = "{DEFAULT_INDEX}/"\n'
    )
    expected = '[project]\nname = "my-app"\nrequires-python = ">=3.11"\n\n[tool.uv]\npackage = false\n'
    assert external.completed(made, "My App") == expected


def test_an_export_of_the_lock_is_told_from_a_list_of_its_own() -> None:
    known = {"a-b": "1.0", "c": "2"}
    for text, expected in (
        ("A.b==1.0 ; os_name=='nt'\nc[x]==2\n", True),
        ("c==2\nd\n", False),
        ("c==3\n", False),
        ("", False),
    ):
        assert external.is_export(Source(FILE, parse(text), compiled=False), known) is expected
