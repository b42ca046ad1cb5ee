"""Requirement files as pip reads them: line by line, option by option, byte by byte."""

from __future__ import annotations

import codecs
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from uvdock.formats.requirements import FileOption, RequirementLine, decode, is_compiled, machine_made, parse, via
from uvdock.migrate.discover.requirement import NotUnderstoodError, Places, archive_name, understand


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("flask", RequirementLine(1, "flask", "requirement", requirement="flask")),
        ("flask  # why", RequirementLine(1, "flask", "requirement", "why", requirement="flask")),
        ("flask#egg", RequirementLine(1, "flask#egg", "requirement", requirement="flask#egg")),
        ("# all", RequirementLine(1, "", "comment", "all")),
        ("", None),
        ("   ", RequirementLine(1, "", "blank", indented=True)),
        ("fla\\\nsk", RequirementLine(1, "flask", "requirement", requirement="flask")),
        (
            "flask \\\n    --hash=sha256:aa \\\n  --hash sha256:bb",
            RequirementLine(
                1,
                "flask     --hash=sha256:aa   --hash sha256:bb",
                "requirement",
                requirement="flask",
                options=(FileOption("--hash", "sha256:aa"), FileOption("--hash", "sha256:bb")),
            ),
        ),
        ("flask\\", RequirementLine(1, "flask", "requirement", requirement="flask")),
        ("# ends in \\", RequirementLine(1, "", "comment", "ends in \\")),
        ("flask \\\n# says", RequirementLine(1, "flask", "requirement", "says", requirement="flask")),
        ("-rbase.txt", RequirementLine(1, "-rbase.txt", "option", options=(FileOption("--requirement", "base.txt"),))),
        (
            "-r base.txt",
            RequirementLine(1, "-r base.txt", "option", options=(FileOption("--requirement", "base.txt"),)),
        ),
        (
            "--find=wheels",
            RequirementLine(1, "--find=wheels", "option", options=(FileOption("--find-links", "wheels"),)),
        ),
        ("--pypi-url x", RequirementLine(1, "--pypi-url x", "option", options=(FileOption("--index-url", "x"),))),
        (
            '-i x --extra-index-url "y z"',
            RequirementLine(
                1,
                '-i x --extra-index-url "y z"',
                "option",
                options=(FileOption("--index-url", "x"), FileOption("--extra-index-url", "y z")),
            ),
        ),
        ("-e ./x", RequirementLine(1, "-e ./x", "requirement", requirement="./x", editable=True)),
        (
            "flask --pre",
            RequirementLine(
                1,
                "flask --pre",
                "requirement",
                requirement="flask",
                options=(FileOption("--pre"),),
                problem="pip ignores --pre beside a requirement",
            ),
        ),
        ("--nonsense", RequirementLine(1, "--nonsense", "broken", problem="no such option: --nonsense")),
        ('--find-links "x', RequirementLine(1, '--find-links "x', "broken", problem="No closing quotation")),
        ("--index-url", RequirementLine(1, "--index-url", "broken", problem="--index-url option requires 1 argument")),
        (
            "--pre flask",
            RequirementLine(1, "--pre flask", "broken", problem="flask is neither an option nor in its place"),
        ),
        ("\ufeffflask", RequirementLine(1, "flask", "requirement", requirement="flask")),
    ],
)
def test_a_line_is_what_pip_takes_it_for(text: str, expected: RequirementLine | None) -> None:
    assert list(parse(text)) == ([] if expected is None else [expected])


def test_line_ends_of_every_kind_count_alike() -> None:
    found = parse("a\r\nb \\\r\n  --pre\r\n\r\n# c\rd")
    assert [(line.number, line.kind) for line in found] == [
        (1, "requirement"),
        (2, "requirement"),
        (4, "blank"),
        (5, "comment"),
        (6, "requirement"),
    ]


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"# caf\xc3\xa9", "# café"),
        (codecs.BOM_UTF8 + b"flask", "flask"),
        (codecs.BOM_UTF16_LE + "flask # é".encode("utf-16-le"), "flask # é"),
        (codecs.BOM_UTF16_BE + "flask".encode("utf-16-be"), "flask"),
        (codecs.BOM_UTF32_LE + "flask".encode("utf-32-le"), "flask"),
        (b"# -*- coding: latin-1 -*-\n# caf\xe9", "# -*- coding: latin-1 -*-\n# café"),
        (b"flask\n# coding=cp1251\n# \xff", "flask\n# coding=cp1251\n# я"),
        (b"# coding: nonsense\n# caf\xc3\xa9", "# coding: nonsense\n# café"),
        (b"# caf\xe9", "# café"),
        (b"# coding: base64\nflask", "# coding: base64\nflask"),
    ],
)
def test_a_file_is_read_in_its_own_encoding(content: bytes, expected: str) -> None:
    assert decode(content) == expected


@given(st.binary(max_size=200))
def test_any_bytes_are_some_text_and_any_text_some_lines(content: bytes) -> None:
    lines = parse(decode(content))
    numbers = [line.number for line in lines]
    assert numbers == sorted(set(numbers))


@given(st.text(max_size=200))
def test_no_physical_line_is_in_no_logical_one(text: str) -> None:
    physical = text.removeprefix("\ufeff").splitlines()
    starts = [line.number for line in parse(text)]
    for number, line in enumerate(physical, 1):
        # A line that begins none goes on with the one above, which a backslash ends.
        assert number in starts or physical[number - 2].endswith("\\"), line


COMPILED = """\
#
# This file is autogenerated by pip-compile with Python 3.11
# by the following command:
#
#    pip-compile requirements.in
#
--index-url https://index.example/simple

click==8.1.7
    # via
    #   -r requirements.in
    #   flask
flask==3.0.0  # via -r requirements.in, other
# ours
idna==3.6
"""


def test_who_wanted_a_package_is_read_in_both_styles_of_pip_compile() -> None:
    lines = parse(COMPILED)
    assert is_compiled(lines)
    assert via(lines) == {9: ("-r requirements.in", "flask"), 13: ("-r requirements.in", "other")}
    assert machine_made(lines) == {1, 2, 3, 4, 5, 6, 10, 11, 12}


def places(*there: str, name: str = "lib") -> Places:
    paths = {Path(one) for one in there}
    return Places(Path("app"), Path("app/requirements"), lambda _: name, lambda path: path in paths)


SHA = "0123456789abcdef0123456789abcdef01234567"


@pytest.mark.parametrize(
    ("text", "expected", "source"),
    [
        ("Flask", "Flask", {}),
        ("flask == 3.0 , != 3.0.1", "flask==3.0,!=3.0.1", {}),
        ("flask (>=2)", "flask>=2", {}),
        ("requests [security, socks] >= 2.8", "requests[security,socks]>=2.8", {}),
        ("six;python_version<'3'", "six; python_version < '3'", {}),
        ('six ; python_version < "3" and os_name == "nt"', "six; python_version < '3' and os_name == 'nt'", {}),
        ("six ;", "six", {}),
        ("a @ https://x.example/a.zip", "a", {"url": "https://x.example/a.zip"}),
        (
            "a[b]@https://u:p@x.example/a.zip ; os_name=='nt'",
            "a[b]; os_name == 'nt'",
            {"url": "https://x.example/a.zip"},
        ),
        ("https://x.example/a_b-1.0-py3-none-any.whl", "a_b", {"url": "https://x.example/a_b-1.0-py3-none-any.whl"}),
        ("https://x.example/a-b-1.0.tar.gz#sha256=11", "a-b", {"url": "https://x.example/a-b-1.0.tar.gz"}),
        ("https://x.example/main.zip#egg=a", "a", {"url": "https://x.example/main.zip"}),
        ("git+https://h.example/o/a.git@v1#egg=a", "a", {"git": "https://h.example/o/a.git", "rev": "v1"}),
        ("git+https://h.example/o/a", "a", {"git": "https://h.example/o/a"}),
        ("git+https://${TOKEN}@h.example/o/a.git#egg=a", "a", {"git": "https://h.example/o/a.git"}),
        ("git+ssh://git@h.example/o/a.git#egg=a-1.0", "a", {"git": "ssh://git@h.example/o/a.git"}),
        ("git+git@h.example:o/a.git", "a", {"git": "ssh://git@h.example/o/a.git"}),
        (
            f"a[x] @ git+https://h.example/o/mono@{SHA}#subdirectory=py/a",
            "a[x]",
            {"git": "https://h.example/o/mono", "rev": SHA, "subdirectory": "py/a"},
        ),
        ("./lib", "lib", {"path": "./lib"}),
        ("./lib[x]", "lib[x]", {"path": "./lib"}),
        ("../shared", "lib", {"path": "../shared"}),
        ("file:./lib#egg=other", "other", {"path": "./lib"}),
        ("wheels/a-1.0-py3-none-any.whl", "a", {"path": "./wheels/a-1.0-py3-none-any.whl"}),
    ],
)
def test_a_requirement_becomes_a_dependency_and_a_source(text: str, expected: str, source: dict[str, str]) -> None:
    found = understand(text, places("app/lib", "shared", "app/wheels/a-1.0-py3-none-any.whl"), editable=False)
    assert (found.text, dict(found.source)) == (expected, source)


def test_what_is_installed_editable_is_a_path_or_the_project_itself() -> None:
    there = places("app", "app/lib")
    assert understand("./lib", there, editable=True).source == {"path": "./lib", "editable": True}
    assert understand("lib", there, editable=True).source == {"path": "./lib", "editable": True}
    itself = understand(".[dev,test]", there, editable=True)
    assert (itself.itself, itself.extras) == (True, ("dev", "test"))
    assert "no longer editable" in understand("git+https://h.example/a#egg=a", there, editable=True).notes[0]


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("hg+https://h.example/a#egg=a", "uv knows no hg"),
        ("git+https://h.example/#subdirectory=x", "without a package's name"),
        ("https://h.example/main.zip", "does not say which package"),
        ("./nowhere", "there is nothing at ./nowhere"),
        ("/opt/wheels/a-1.0-py3-none-any.whl", "a path of one machine"),
        ("a @ https://${HOST}/a.zip", "${HOST} is filled in by pip"),
        ("some words here", "is no requirement"),
        ("six; python_versio < '3'", "the marker"),
        ("six==1.0.*.*", "is no requirement"),
    ],
)
def test_what_cannot_be_a_dependency_is_refused_with_its_reason(text: str, why: str) -> None:
    with pytest.raises(NotUnderstoodError, match=None) as caught:
        understand(text, places(), editable=False)
    assert why in str(caught.value)
    assert caught.value.instead


@given(st.text(max_size=60))
def test_any_requirement_is_understood_or_refused(text: str) -> None:
    for editable in (False, True):
        try:
            found = understand(text, places("app", "app/lib"), editable=editable)
        except NotUnderstoodError:
            continue
        assert found.name


@pytest.mark.parametrize(
    ("file", "name"),
    [("a_b-1.0-py3-none-any.whl", "a_b"), ("a-b-1.0.post1.tar.gz", "a-b"), ("main.zip", ""), ("README.md", "")],
)
def test_an_archive_says_its_package(file: str, name: str) -> None:
    assert archive_name(file) == name
