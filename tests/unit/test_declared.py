"""Requirement lines found in a manifest, and others put in their places: nothing else of the file changes."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from packaging.version import Version

from uvdock.deps.declared import Declared, declared, dynamic, edited
from uvdock.errors import UvdockError

WHERE = Path("pyproject.toml")
NAMES = st.sampled_from(["flask", "Django", "zope.interface", "ruamel-yaml", "uvicorn[standard]", "x[a,b]", "idna"])
SPECIFIERS = st.sampled_from(
    ["", "==1.0", ">=1,<2", "~=1.4.2", " >= 2.1, != 2.2 ", "==3.*", "(>=1)", "<=2024.1", "===1.0", ">=1!2"]
)
COMMENTS = st.sampled_from(["", "", " # why", "  #tight", " # 'quotes\" and é"])
INDENTS = st.sampled_from(["", "  ", "    ", "\t"])
KEYS = st.sampled_from(["docs", "test", "all", '"with space"', "'quoted.key'"])


@st.composite
def items(draw: st.DrawFn) -> str:
    """One requirement in its quotes."""
    quote = draw(st.sampled_from(['"', '"', "'"]))
    other = "'" if quote == '"' else '"'
    marker = draw(st.sampled_from(["", "", f" ; python_version < {other}3.13{other}", f";os_name=={other}nt{other}"]))
    return f"{quote}{draw(NAMES)}{draw(SPECIFIERS)}{marker}{quote}"


@st.composite
def arrays(draw: st.DrawFn, entries: st.SearchStrategy[str]) -> str:
    listed = draw(st.lists(entries, max_size=5))
    if draw(st.booleans()):
        comma = draw(st.sampled_from([",", ", ", " , ", ",   "]))
        trailing = draw(st.sampled_from(["", ","])) if listed else ""
        blank = draw(st.sampled_from(["", " "]))
        return f"[{blank}{comma.join(listed)}{trailing}{blank}]"
    text = f"[{draw(COMMENTS)}\n"
    for at, item in enumerate(listed):
        if draw(st.booleans()):
            text += draw(st.sampled_from(["\n", "    # a line of its own\n", "\n\n"]))
        comma = "," if at < len(listed) - 1 else draw(st.sampled_from(["", ","]))
        text += f"{draw(INDENTS)}{item}{draw(st.sampled_from(['', ' ']))}{comma}{draw(COMMENTS)}\n"
    return text + draw(st.sampled_from(["", "    # the end\n"])) + draw(INDENTS) + "]"


ARRAYS = arrays(items())
GROUPS = arrays(st.one_of(items(), st.sampled_from(['{include-group = "lint"}', "{ include-group = 'lint' }"])))


@st.composite
def layouts(draw: st.DrawFn) -> str:  # noqa: PLR0912 - each branch is a way to write it
    """A manifest as people write them."""
    project = ['name = "app"', 'version = "0.1.0"']
    project.append(f"dependencies ={draw(st.sampled_from(['', ' ', '  ']))}{draw(ARRAYS)}{draw(COMMENTS)}")
    extras = draw(st.lists(KEYS, unique=True, max_size=2))
    inline = draw(st.booleans())
    one_line = ARRAYS.filter(lambda text: "\n" not in text)
    if extras and inline:
        inner = ", ".join(f"{key} = {draw(one_line)}" for key in extras)
        project.append(f"optional-dependencies = {{ {inner} }}")
    if draw(st.booleans()):
        project.reverse()
    parts = ["[project]\n" + "\n".join(project) + "\n"]
    if extras and not inline:
        dotted = draw(st.booleans())
        head = "" if dotted else "[project.optional-dependencies]\n"
        prefix = "optional-dependencies." if dotted else ""
        table = head + "".join(f"{prefix}{key} = {draw(ARRAYS)}{draw(COMMENTS)}\n" for key in extras)
        parts[0] += table if dotted else ""
        parts += [] if dotted else [table]
    if groups := draw(st.lists(KEYS, unique=True, max_size=2)):
        if draw(st.booleans()):
            table = "[dependency-groups]\n" + "".join(f"{key} = {draw(GROUPS)}\n" for key in groups)
        else:
            table = "".join(f"dependency-groups.{key} = {draw(GROUPS)}\n" for key in groups)
            parts.insert(0, table)
            table = ""
        parts += [table] if table else []
    lists = draw(st.lists(st.sampled_from(["constraint-dependencies", "override-dependencies", "dev-dependencies"])))
    if lists:
        if draw(st.booleans()):
            parts.append("[tool.uv]\n" + "".join(f"{key} = {draw(ARRAYS)}\n" for key in dict.fromkeys(lists)))
        else:
            parts.append("[tool]\n" + "".join(f"uv.{key} = {draw(ARRAYS)}\n" for key in dict.fromkeys(lists)))
    else:
        parts.append("[tool.ruff]\nline-length = 100 # wide\n")
    first, rest = parts[0], parts[1:]
    if first.startswith("dependency-groups"):
        text = "\n".join([first, *rest])
    else:
        text = draw(st.sampled_from(["\n", "\n\n", "\n# between\n\n"])).join(parts)
    text = draw(st.sampled_from(["", "# The app.\n\n", "\n"])) + text
    if draw(st.booleans()):
        text = text.rstrip("\n")
    return text


def ends(text: str, *, windows: bool, mark: bool) -> bytes:
    found = text.replace("\n", "\r\n") if windows else text
    return (("\N{BYTE ORDER MARK}" if mark else "") + found).encode()


def change(text: str) -> str:
    """Another text that is sure not to be in the file."""
    return f"changed-{len(text)}==9.9"


@given(layouts(), st.booleans(), st.booleans(), st.data())
def test_edited_and_put_back_every_byte_is_as_it_was(text: str, windows: bool, mark: bool, data: st.DataObject) -> None:
    original = ends(text, windows=windows, mark=mark)
    found = declared(tomllib.loads(text))
    assert edited(original, {item.path: item.text for item in found}, WHERE) == original
    picked = data.draw(st.lists(st.sampled_from(found), unique=True)) if found else []

    changed = edited(original, {item.path: change(item.text) for item in picked}, WHERE)

    expected = {item.path: change(item.text) if item in picked else item.text for item in found}
    parsed = tomllib.loads(changed.decode().removeprefix("\N{BYTE ORDER MARK}"))
    assert {item.path: item.text for item in declared(parsed)} == expected
    assert changed.count(b"\n") == original.count(b"\n")
    assert edited(changed, {item.path: item.text for item in picked}, WHERE) == original
    # One after the other gives the same, and each time only the text between the quotes is another.
    step = original
    for item in picked:
        before, step = step, edited(step, {item.path: change(item.text)}, WHERE)
        assert step in _replaced(before, item.text.encode(), change(item.text).encode())
    assert step == changed


@given(layouts(), st.booleans())
def test_upgraded_and_the_versions_reversed_every_byte_is_as_it_was(text: str, windows: bool) -> None:
    original = ends(text, windows=windows, mark=False)
    found = declared(tomllib.loads(text))
    bumped = {
        item.path: raised
        for item in found
        if item.line and (raised := item.line.bumped(Version("1!99.98.97"))) is not None
    }
    assert len(bumped) == len(found)

    changed = edited(original, bumped, WHERE)

    assert edited(changed, {item.path: item.text for item in found}, WHERE) == original
    versions = re.compile(rb"(?<=[=<>~]) *[0-9][^'\", );]*")
    assert versions.sub(b"V", changed) == versions.sub(b"V", original)


def _replaced(content: bytes, old: bytes, new: bytes) -> list[bytes]:
    """Every content with one of the places of ``old`` replaced."""
    places = [at for at in range(len(content)) if content.startswith(old, at)]
    return [content[:at] + new + content[at + len(old) :] for at in places]


FULL = """\
[project]
name = "app"
dependencies = ["flask>=3", "Not A Requirement"]
dynamic = ["version", "optional-dependencies"]

[project.optional-dependencies]
docs = ["humanize"]

[dependency-groups]
dev = ["ruff", {include-group = "test"}]
test = ["pytest"]

[tool.uv]
dev-dependencies = ["mypy"]
constraint-dependencies = ["sniffio<2"]
override-dependencies = ["idna==3"]
"""


def test_every_list_is_found() -> None:
    found = declared(tomllib.loads(FULL))
    assert [(item.group, item.text, item.narrows) for item in found] == [
        ("", "flask>=3", False),
        ("", "Not A Requirement", False),
        ("extra: docs", "humanize", False),
        ("dev", "ruff", False),
        ("test", "pytest", False),
        ("dev", "mypy", False),
        ("constraint", "sniffio<2", True),
        ("override", "idna==3", True),
    ]
    assert [item.text for item in found if item.line is None] == ["Not A Requirement"]
    assert found[3].path == ("dependency-groups", "dev", 0)
    assert dynamic(tomllib.loads(FULL)) == ["optional-dependencies"]


@pytest.mark.parametrize(
    "data",
    [
        pytest.param({}, id="nothing"),
        pytest.param({"project": 1}, id="project-no-table"),
        pytest.param({"project": {"dependencies": "flask"}}, id="text-for-a-list"),
        pytest.param({"project": {"dependencies": [1, {}, None]}}, id="no-texts"),
        pytest.param({"project": {"optional-dependencies": ["x"], "dynamic": "x"}}, id="list-for-a-table"),
        pytest.param({"dependency-groups": {"dev": [{"include-group": "x"}]}}, id="only-included"),
        pytest.param({"dependency-groups": [1], "tool": {"uv": "x"}}, id="all-wrong"),
    ],
)
def test_what_is_written_wrong_is_left_to_uv(data: dict[str, Any]) -> None:
    assert declared(data) == []
    assert dynamic(data) == []


def test_tables_out_of_order() -> None:
    text = (
        '[tool.uv]\nconstraint-dependencies = ["a==1"]\n[project]\nname = "x"\ndependencies = ["b==1"] # b\n'
        '[tool.ruff]\nline-length = 1\n[dependency-groups]\ndev = ["c==1"]\n'
        '[project.optional-dependencies]\nz = ["d==1"]\n[tool.uv.sources]\nb = { index = "x" }\n'
    )
    found = declared(tomllib.loads(text))
    changed = edited(text.encode(), {item.path: item.text.replace("==1", "==2") for item in found}, WHERE)
    assert changed.decode() == text.replace("==1", "==2")


@pytest.mark.parametrize(
    "written",
    [
        pytest.param(r'"fl\u0061sk==1"', id="escape"),
        pytest.param('"""\nflask==1"""', id="first-line-break"),
        pytest.param('"""flask \\\n  ==1"""', id="folded"),
    ],
)
def test_a_text_that_cannot_be_edited_in_place(written: str) -> None:
    text = f'[project]\ndependencies = [{written}, "idna==1"]\n'
    found = declared(tomllib.loads(text))
    with pytest.raises(UvdockError, match="cannot be edited in place") as raised:
        edited(text.encode(), {found[0].path: "flask==2"}, WHERE)
    assert "project.dependencies" in raised.value.where
    # The others can.
    assert edited(text.encode(), {found[1].path: "idna==2"}, WHERE).decode() == text.replace("idna==1", "idna==2")


@pytest.mark.parametrize("quotes", ['"', "'", '"""', "'''"])
def test_the_quotes_stay(quotes: str) -> None:
    text = f"[project]\ndependencies = [ {quotes}flask==1{quotes} ] # c\n"
    path = ("project", "dependencies", 0)
    assert edited(text.encode(), {path: "flask==2"}, WHERE).decode() == text.replace("==1", "==2")


def test_a_declared_line_reads_itself() -> None:
    read: Callable[[str], object] = lambda text: Declared(("project", "dependencies", 0), "", text).line  # noqa: E731
    assert read("-e .") is None
    assert read("flask==3") is not None
