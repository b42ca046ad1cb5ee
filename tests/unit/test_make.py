"""The lines of Makefiles and justfiles: what each is, and that each stands where it says."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from uvdock.formats import just, make

lines = st.sampled_from([
    "", "# x", "a: b", "\tc $(D)", "D = e \\", "  f", "define g", "endef", "ifdef h", "endif", "\\\\", "i \\", "?",
    "@j k='': l", "[m]", "\r", "\x85",
])  # fmt: skip


@given(st.lists(lines), st.sampled_from(["", "\n"]))
def test_the_lines_of_a_file_are_all_of_it(parts: list[str], end: str) -> None:
    content = "\n".join(parts) + end
    for read in (make.read, just.read):
        statements = list(read(content))
        assert "".join(content[one.start : one.end] for one in statements) == content
        assert [one.line for one in statements] == [content.count("\n", 0, one.start) + 1 for one in statements]
        assert all(content.startswith(one.text, one.start) for one in statements)


@pytest.mark.parametrize(
    ("line", "kind", "parts"),
    [
        ("a b :: c | d ; e # f", "rule", {"targets": "a b", "rest": "c | d ; e # f"}),
        ("a: b \\\n  c", "rule", {"targets": "a", "rest": "b c"}),
        ("export A ::= b \\\n\tc", "assignment", {"name": "A", "how": "::", "value": "b c"}),
        ("A+=", "assignment", {"name": "A", "how": "+", "value": ""}),
        ("-include a.mk b.mk", "include", {"files": "a.mk b.mk"}),
        ("  ifeq (a, b)", "if", {}),
        ("define A =", "define", {"name": "A"}),
        ("export A", "directive", {}),
        ("\tA = b", "recipe", {}),
        ("# a: b \\\nc: d", "comment", {}),
        ("a b", "", {}),
    ],
)
def test_a_line_of_a_makefile(line: str, kind: str, parts: dict[str, str]) -> None:
    statement = next(make.read(line + "\n"))
    assert (statement.kind, statement.text) == (kind, line)
    assert {name: statement.part(name) for name in parts} == parts


def test_what_is_between_define_and_endef_is_no_rule() -> None:
    assert [one.kind for one in make.read("define a\nb: c\n\td\nendef\ne: f\n")] == [
        "define", "defined", "defined", "defined", "rule",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("line", "kind", "parts"),
    [
        ("@a b *c: d (e f)", "rule", {"name": "a", "parameters": "b *c", "needs": "d (e f)"}),
        ("export A := 'b'", "assignment", {"name": "A", "value": "'b'"}),
        ("[doc('a')]", "attribute", {"name": "doc", "value": "'a'"}),
        ("alias a := b", "alias", {"name": "a", "target": "b"}),
        ("import? 'a.just'", "include", {"files": "'a.just'"}),
        ("set shell := ['sh']", "setting", {}),
        ("  a := b", "recipe", {}),
        ("a b", "", {}),
    ],
)
def test_a_line_of_a_justfile(line: str, kind: str, parts: dict[str, str]) -> None:
    statement = next(just.read(line + "\n"))
    assert statement.kind == kind
    assert {name: statement.part(name) for name in parts} == parts
