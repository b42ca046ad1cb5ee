"""A requirement line raised in its own style: what changes in it, and what never does."""

from __future__ import annotations

import re

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.version import Version

from uvdock.deps.requirement import DeclaredLine, lowest, step, within

NUMBERS = st.integers(min_value=0, max_value=30)
RELEASES = st.lists(NUMBERS, min_size=1, max_size=4).map(lambda parts: ".".join(map(str, parts)))
SUFFIXES = st.sampled_from(["", "", "", "a1", "rc2", ".post1", ".dev3"])
TARGETS = st.builds(lambda epoch, text, suffix: Version(epoch + text + suffix), st.just(""), RELEASES, SUFFIXES)
BLANKS = st.sampled_from(["", " ", "  "])
HEADS = st.sampled_from(["flask", "Flask", "a", "zope.interface", "ruamel_yaml", "uvicorn[standard]", "x[a, b]"])
MARKERS = st.sampled_from(["", ' ; python_version < "3.13"', ";sys_platform=='win32'", "; extra == '1.0'"])


@st.composite
def clauses(draw: st.DrawFn) -> str:
    operator = draw(st.sampled_from(["==", "===", "~=", ">=", "<=", "<", ">", "!=", "==*", "!=*"]))
    version = draw(RELEASES)
    if operator == "~=":
        version = f"{draw(NUMBERS)}.{version}"
    if operator.endswith("*") and len(operator) == 3:
        operator, version = operator[:2], f"{version}.*"
    return f"{operator}{draw(BLANKS)}{version}"


@st.composite
def lines(draw: st.DrawFn) -> str:
    listed = draw(st.lists(clauses(), max_size=3))
    between: str = draw(st.sampled_from([",", ", ", " , "]))
    specifiers = between.join(listed)
    parentheses: bool = draw(st.booleans())
    if listed and parentheses:
        specifiers = f"({specifiers})"
    return f"{draw(HEADS)}{draw(BLANKS)}{specifiers}{draw(MARKERS)}"


def read(text: str) -> DeclaredLine:
    line = DeclaredLine.read(text)
    assert line is not None
    return line


def shape(text: str) -> list[str]:
    """A line without the version texts of its clauses."""
    head, sep, marker = text.partition(";")
    return [*re.split(r"(?<=[=<>~])\s*[0-9][^\s,;()]*", head), sep, marker]


@pytest.mark.parametrize(
    ("text", "target", "expected"),
    [
        pytest.param("flask==2.2.0", "3.1.3", "flask==3.1.3", id="pin"),
        pytest.param("flask == 2.2.0", "3.1.3", "flask == 3.1.3", id="pin-with-blanks"),
        pytest.param("flask==2.2", "2.2.0", "flask==2.2", id="pin-that-is-it"),
        pytest.param("flask===2.2.0", "3.1.3", "flask===3.1.3", id="arbitrary"),
        pytest.param("flask", "3.1.3", "flask", id="bare"),
        pytest.param("flask[async]", "3.1.3", "flask[async]", id="bare-with-extra"),
        pytest.param("flask>=2", "3.1.3", "flask>=3", id="floor-of-one-part"),
        pytest.param("flask>=2.2", "3.1.3", "flask>=3.1", id="floor-of-two"),
        pytest.param("flask>=2.2.1", "3.1", "flask>=3.1.0", id="floor-longer-than-the-target"),
        pytest.param("flask>=2.2", "2.2.9", "flask>=2.2", id="floor-that-fits"),
        pytest.param("flask>=2.2", "3.0rc1", "flask>=3.0rc1", id="floor-to-a-prerelease"),
        pytest.param("flask>2.2", "3.1.3", "flask>2.2", id="above"),
        pytest.param("flask~=2.2", "3.1.3", "flask~=3.1", id="compatible"),
        pytest.param("flask~=2.2", "3rc1", "flask~=3.0rc1", id="compatible-to-a-short-prerelease"),
        pytest.param("flask~=2.2.0", "3.1.3", "flask~=3.1.3", id="compatible-patch"),
        pytest.param("flask==2.*", "3.1.3", "flask==3.*", id="wildcard"),
        pytest.param("flask==2.2.*", "3.1.3", "flask==3.1.*", id="wildcard-of-two"),
        pytest.param("flask>=2.2,<3", "3.1.3", "flask>=3.1,<4", id="range"),
        pytest.param("flask>=2.2,<3", "2.3.2", "flask>=2.3,<3", id="range-that-holds"),
        pytest.param("flask <3,>=2.2", "3.1.3", "flask <4,>=3.1", id="range-in-the-other-order"),
        pytest.param("flask (>=2.2, <3.0)", "3.1.3", "flask (>=3.1, <4.0)", id="parentheses"),
        pytest.param("ruff>=0.1,<0.2", "0.17.5", "ruff>=0.17,<0.18", id="ceiling-of-a-minor"),
        pytest.param("x<2.0.0", "2.5", "x<3.0.0", id="ceiling-keeps-its-length"),
        pytest.param("x<4", "4.0rc1", "x<5", id="ceiling-that-excludes-its-prereleases"),
        pytest.param("x<=2.1", "2.5", "x<=2.5", id="at-most"),
        pytest.param("x<=2.1", "2.0.9", "x<=2.1", id="at-most-that-fits"),
        pytest.param("x>=1,!=1.5,<2", "2.1", "x>=2,!=1.5,<3", id="exclusion-stays"),
        pytest.param("x!=2.1", "2.1", None, id="excluded"),
        pytest.param("x!=2.*", "2.1", None, id="excluded-by-wildcard"),
        pytest.param("x==2.1+cu121", "2.2", None, id="local"),
        pytest.param("x @ https://host.example/x.whl", "2.2", None, id="url"),
        pytest.param('x[a,b]==1 ; python_version<"3.13"', "2", 'x[a,b]==2 ; python_version<"3.13"', id="marker"),
        pytest.param("x==1;extra=='==1'", "2", "x==2;extra=='==1'", id="marker-like-a-clause"),
        pytest.param("x==1!2.0", "1!3.1", "x==1!3.1", id="epoch"),
        pytest.param("x>=2,<3", "1!1.5", "x>=1!1,<1!2", id="into-an-epoch"),
        pytest.param("x>2.2", "2.2.post1", None, id="no-place-above"),
        pytest.param("x>=2024.1,<2025", "2026.3.1", "x>=2026.3,<2027", id="calendar"),
    ],
)
def test_a_line_raised(text: str, target: str, expected: str | None) -> None:
    assert read(text).bumped(Version(target)) == expected


@given(lines(), TARGETS)
def test_a_raised_line_allows_its_target_and_keeps_its_style(text: str, target: Version) -> None:
    line = DeclaredLine.read(text)
    assume(line is not None)
    assert line is not None
    found = line.bumped(target)
    if found is None:
        return
    raised = read(found)
    assert raised.parsed.specifier.contains(target, prereleases=True)
    assert shape(found) == shape(text)
    assert (raised.name, raised.parsed.extras, raised.marker) == (line.name, line.parsed.extras, line.marker)
    assert raised.bumped(target) == found


@given(lines(), TARGETS)
def test_what_cannot_be_raised_excludes_the_target_itself(text: str, target: Version) -> None:
    line = DeclaredLine.read(text)
    assume(line is not None)
    assert line is not None
    if line.bumped(target) is None:
        # Exclusions, a floor without the version itself, bounds that contradict each other: nothing else.
        assert not line.allows(target)
        assert any(clause.operator in ("!=", ">", "<=", "===", "<", "~=", ">=") for clause in line.parsed.specifier)


@given(st.sampled_from(["==", "~=", ">=", "<=", "==*", ">=,<"]), TARGETS, TARGETS)
def test_the_usual_styles_can_always_be_raised(style: str, old: Version, target: Version) -> None:
    release = ".".join(map(str, old.release))
    release = f"{release}.0" if len(old.release) == 1 else release
    assume(target > Version(release))
    text = {
        "==*": f"x=={release}.*",
        ">=,<": f"x>={release},<{old.major + 1}",
    }.get(style, f"x{style}{release}")
    found = read(text).bumped(target)
    assert found is not None
    assert read(found).allows(target)


@pytest.mark.parametrize(
    "text",
    ["flask=>3", "-e .", "flask ==", "", "git+https://host.example/x", "flask 3", "==3", "./lib", "flask=3"],
)
def test_what_is_no_requirement(text: str) -> None:
    assert DeclaredLine.read(text) is None


@pytest.mark.parametrize(
    ("text", "specifiers", "name", "marker"),
    [
        ("Flask", "", "flask", ""),
        ("zope.interface >= 5 , <6", ">= 5 , <6", "zope-interface", ""),
        ("x[a] (>=1,<2) ; os_name=='nt'", ">=1,<2", "x", 'os_name == "nt"'),
        ("x @ https://host.example/x.whl ; os_name=='nt'", "", "x", 'os_name == "nt"'),
    ],
)
def test_what_a_line_says(text: str, specifiers: str, name: str, marker: str) -> None:
    line = read(text)
    assert (line.specifiers, line.name, line.marker) == (specifiers, name, marker)


@pytest.mark.parametrize(
    ("old", "new", "kind"),
    [
        ("1.2.3", "2.0", "major"),
        ("1.2.3", "1.3", "minor"),
        ("1.2.3", "1.2.4", "patch"),
        ("1.2", "1.2.0.1", "patch"),
        ("1.2.3", "1.2.3.post1", "patch"),
        ("1.2.3", "1.2.3", ""),
        ("1.2", "1.2.0", ""),
        ("1.2.3", "1.2.2", ""),
        ("1.2.3", "2.0rc1", "pre"),
        ("2.0rc1", "2.0rc2", "pre"),
        ("2.0rc1", "2.0", "patch"),
        ("2025.1", "1!0.1", "major"),
        ("0.1", "0.2", "minor"),
        ("what", "1.0", ""),
        ("1.0", "", ""),
    ],
)
def test_kinds_of_steps(old: str, new: str, kind: str) -> None:
    assert step(old, new) == kind


@given(TARGETS, TARGETS)
def test_a_step_is_within_its_kind_and_the_larger_ones(old: Version, new: Version) -> None:
    kind = step(str(old), str(new))
    assert bool(kind) == (new > old)
    kinds = ["patch", "minor", "major"]
    if kind in kinds:
        allowed = [SpecifierSet(within(item, str(old))).contains(new, prereleases=True) for item in kinds]
        assert allowed == [kinds.index(kind) <= at for at in range(3)]


@given(TARGETS, st.sampled_from(["patch", "minor", "major"]))
def test_the_version_itself_is_within_every_kind(version: Version, kind: str) -> None:
    assert Requirement(f"x{within(kind, str(version))}").specifier.contains(version, prereleases=True)


@pytest.mark.parametrize("kind", ["patch", "minor", "major"])
def test_what_is_asked_names_no_prerelease_by_itself(kind: str) -> None:
    # uv takes prereleases of a package whose specifiers name one.
    assert not any(Version(item.version).is_prerelease for item in SpecifierSet(within(kind, "1.2.3")))


@pytest.mark.parametrize(
    ("bound", "version"),
    [
        (">=3.11", "3.11"),
        (">=3.9,<3.11", "3.9"),
        ("==3.12.*", "3.12"),
        ("~=3.10", "3.10"),
        (">3.9", "3.9"),
        (">=3.9,>=3.11.2", "3.11.2"),
        ("<4", ""),
        ("", ""),
    ],
)
def test_the_lowest_python(bound: str, version: str) -> None:
    assert lowest(bound) == version
