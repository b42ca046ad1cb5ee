"""The reader of shell text: what bash runs, and what only looks as if it did."""

from __future__ import annotations

import re
import subprocess
import tempfile
import zlib

import pytest
import tree_sitter_bash
from hypothesis import given, settings
from hypothesis import strategies as st
from tree_sitter import Language, Parser

from uvdock.formats.shell.commands import Command, UnreadableError, commands, nested, words
from uvdock.formats.shell.lexer import tokens
from uvdock.formats.shell.words import Broken, Comment, Dialect, Document, Operator, Word

BASH = Dialect()
#: How many examples a law has, in this tier.
MANY = settings().max_examples
PARSER = Parser(Language(tree_sitter_bash.language()))
#: What bash knows, the functions of the texts, and what bash does not come to.
IDLE = re.compile(r":|f\d*|skip")
#: Says what bash runs that it does not know.
TELLS = 'command_not_found_handle() { echo "$1" >>"$LOG"; }\nshopt -s extglob\n'
#: Each text, and the programs of it that run: every other word of these names is text.
AWKWARD = {
    "document": ("one <<EOF\nno\nEOF\ntwo", "one two"),
    "document-with-its-end-indented": ("one <<EOF\n  EOF\nno\nEOF\ntwo", "one two"),
    "document-with-its-end-and-blanks": ("one <<EOF\nEOF \nno\nEOF\ntwo", "one two"),
    "document-with-tabs": ("one <<-EOF\n\tno\n\tEOF\ntwo", "one two"),
    "document-with-tabs-and-blanks": ("one <<-EOF\n \tEOF\nno\nEOF\ntwo", "one two"),
    "document-with-a-tab-that-is-none": ("one <<EOF\n\tEOF\nno\nEOF\ntwo", "one two"),
    "document-without-its-end": ("one <<EOF\nno\n EOF", "one"),
    "document-in-quotes": ("one <<'E F'\n$(no) 'no\nE F\ntwo", "one two"),
    "document-escaped": ("one <<\\EOF\n`no`\nEOF\ntwo", "one two"),
    "document-that-expands": ("one <<EOF\n$(two) it's \\$(no) ${x:-`three`}\nEOF", "one two three"),
    "two-documents": ("one <<A <<'B'\nno\nA\nno\nB\ntwo", "one two"),
    "document-and-more-of-the-line": ("one <<EOF | two && :\nno\nEOF\nthree", "one two three"),
    "document-in-a-substitution": ("one $(two <<EOF\nno )\nEOF\n) && :; three", "one two three"),
    "document-before-a-function": ("f() { one; }\ntwo <<X\n}\nno() { no; }\nX\nf", "one two"),
    "here-string": ("one <<<EOF\ntwo", "one two"),
    "shift": ("i=1; (( i << 2 ))\none", "one"),
    "shift-in-an-expansion": ("one $(( 1 << 2 ))\ntwo", "one two"),
    "arithmetic-with-a-substitution": ("(( $(one) 1 << 2 )); two", "one two"),
    "arithmetic-for": ("for (( i = 0; i < 1; i++ )); do one; done", "one"),
    "two-subshells": ("((one); (two))", "one two"),
    "two-subshells-in-a-substitution": ("one $((two); (three))", "one two three"),
    "regular-expression": ("a=x; [[ $a =~ ^(no no)$ ]]; one", "one"),
    "regular-expression-with-a-choice": ("[[ a =~ (no|#)|no ]]; one", "one"),
    "condition": ("[[ a < no || ( a > no && -f no ) ]]; one", "one"),
    "condition-over-lines": ("[[ a &&\n no ]] && one\ntwo", "one two"),
    "condition-with-a-pattern": ("[[ x == @(no|no no) ]]; one", "one"),
    "array": ("a=(no no); one", "one"),
    "array-with-a-comment": ("a=(no # it's (\n no)\none", "one"),
    "array-with-a-substitution": ("a=(no $(one) [2]=no); two", "one two"),
    "array-with-more": ("a+=(no\nno)\none", "one"),
    "process": ("one <(two no) >(three)", "one two three"),
    "process-in-a-word": ("one --x=<(two)", "one two"),
    "process-that-is-read": ("one < <(two)", "one two"),
    "escapes": ("one $'it\\'s' && two", "one two"),
    "translated": ('one $"a b" && two', "one two"),
    "apostrophe-in-a-default": ("one \"${x:-it's }' }\" && two", "one two"),
    "quote-in-a-cut": ("x=1; one \"${x%'}'}\" && two", "one two"),
    "quotes-in-a-default": ('one "${x:-"a b" c}" && two', "one two"),
    "brace-in-a-default": ("one ${x:-{} && two", "one two"),
    "hash": ("one a#b ${#x} $# # no; no\ntwo", "one two"),
    "comment-in-a-continuation": ("one \\\n # no\ntwo", "one two"),
    "comment-with-a-backslash": ("# no \\\none", "one"),
    "comment-with-a-quote": ("one # it's\ntwo", "one two"),
    "comment-in-a-substitution": ("one $(two # it's )\n)", "one two"),
    "case": ("case one in no | one) two ;; (no) skip ;; esac; three", "two three"),
    "case-in-a-substitution": ("one $(case a in no) skip ;; a) two ;; esac)", "one two"),
    "case-below": ("case a\nin\n  no) skip ;;\n  *) one\nesac\ntwo", "one two"),
    "for-below": ("for x\nin no no\ndo one; done\ntwo", "one one two"),
    "for-without-a-list": ("for x do skip; done; one", "one"),
    "function": ("f() { one; }\nf", "one"),
    "function-by-word": ("function f { one; }\nf", "one"),
    "function-by-both": ("function f() { one; }\nf", "one"),
    "redirect-before": (">/dev/null one no", "one"),
    "redirects": ("one 2>&1 >/dev/null {fd}>&1 no; two &>/dev/null", "one two"),
    "redirect-behind-a-loop": ("if one; then :; fi </dev/null; for x in no; do two; done 2>/dev/null", "one two"),
    "reserved-words-as-words": ("one if then { } fi; two", "one two"),
    "assignment": ("x=no one; y=no; two", "one two"),
    "assignment-and-a-document": ("x=1 one <<E\nno\nE", "one"),
    "group": ("{ one; } 2>/dev/null; ! two; time { three; }", "one two three"),
    "nested-substitutions": ('one "$(two "$(three `four`)")"', "one two three four"),
    "quoted-parenthesis": ("one $(two ')' \")\" \\)) && :; three", "one two three"),
}  # fmt: skip


def programs(found: list[Command]) -> list[str]:
    return [one.name for one in found if one.words and not one.header and not IDLE.fullmatch(one.name)]


def run(text: str) -> list[str]:
    """The programs that bash itself would run."""
    with tempfile.NamedTemporaryFile("r") as log:
        told = {"LOG": log.name}
        subprocess.run(
            ["bash", "-c", TELLS + text], check=False, env=told, stdin=subprocess.DEVNULL, capture_output=True
        )
        return sorted(log.read().split())


@pytest.mark.parametrize(("text", "ran"), AWKWARD.values(), ids=AWKWARD)
def test_what_bash_runs(text: str, ran: str) -> None:
    assert run(text) == sorted(ran.split())
    assert sorted(programs(nested(text, BASH))) == sorted(set(ran.split()))


@pytest.mark.parametrize(
    ("written", "text", "dynamic"),
    [
        ("a\\ b'c d'\"e $f\"", "a bc de $f", False),
        ("$'it\\'s\\x41\\102\\n'", "it'sAB\n", False),
        ("a\\\nb", "ab", False),
        ('"${x:-"a b"}"', '${x:-"a b"}', False),
        ("$(a 'b')`c`", "$(a 'b')`c`", True),
        ("'*'\"?\"\\*", "*?*", False),
        ("a*", "a*", True),
        ("x=(a # )\n b)", "x=(a # )\n b)", False),
        ("--x=<(a)", "--x=<(a)", True),
    ],
)
def test_a_word(written: str, text: str, dynamic: bool) -> None:
    (word,) = words(written, BASH)

    assert (word.text, word.dynamic, word.raw) == (text, dynamic, written)


@pytest.mark.parametrize(
    ("text", "inner"),
    [
        ('$(a) "$(b)" `c` <(d)', ["a", "b", "c", "d"]),
        ("x=($(a)) $(( $(b) + 1 )) ${c:-$(d)}", ["a", "b", "d"]),
        ("x <<E\n$(a) `b` \\$(c)\nE\n", ["a", "b"]),
        ("x <<'E'\n$(a)\nE\n", []),
    ],
)
def test_where_substitutions_are(text: str, inner: list[str]) -> None:
    spans = [span for token in tokens(text) if isinstance(token, Word | Document) for span in token.inner]

    assert [text[start:end] for start, end in spans] == inner


@pytest.mark.parametrize(
    "text",
    ["a 'b", 'a "b', "a `b", "a $(b", "a ${b", "a=(b", "a <<E $(\nb", "a $'b\\'", "$(" * 5000, "a <(b", "$(a <<E\nE)"],
)
def test_what_never_ends_is_unreadable(text: str) -> None:
    with pytest.raises(UnreadableError):
        commands(text, BASH)


@pytest.mark.parametrize(
    ("dialect", "text", "expected"),
    [
        pytest.param(BASH, "a <<E\r\nb\r\nE\r\nc \\\r\n d\r\n", ["a", "c d"], id="windows"),
        pytest.param(Dialect(docker=True), "a \\\n # b\n\n c && d", ["a c", "d"], id="comment-between"),
        pytest.param(Dialect(docker=True), "a \\ \n c", ["a c"], id="blank-behind"),
        pytest.param(Dialect(docker=True), "a # b \\\n && c", ["a"], id="comment-goes-on"),
        pytest.param(Dialect(docker=True, escape="`"), "a `\n b", ["a b"], id="backtick"),
        pytest.param(Dialect(make=True), '$(A) b $$(c d) $${E} "$(F)"', ["$(A) b $$(c d) $${E} $(F)"], id="make"),
    ],
)
def test_dialects(dialect: Dialect, text: str, expected: list[str]) -> None:
    assert [" ".join(word.text for word in one.words) for one in commands(text, dialect)] == expected


PIECES = st.sampled_from(
    [*"()[]{}'\"`$\\#;&|<>\n \t\r=*@!", "$(", "((", "))", "${", "<<E", "E\n", "<<-", "[[ ", " ]]", "=~ ", "case a in ",
     "esac", "for x in ", "do ", "done", "f() ", "a=(", "$'", "\\\n", "# ", "if ", "then ", "fi", "2>",
     "time ", "function "]
)  # fmt: skip


@given(st.lists(PIECES | st.text(max_size=2), max_size=30).map("".join), st.sampled_from(["bash", "docker", "make"]))
def test_every_token_of_any_text_knows_its_place(text: str, kind: str) -> None:
    found = tokens(text, dialect=Dialect(docker=kind == "docker", make=kind == "make"))

    assert all(not isinstance(token, Broken) for token in found[:-1])
    at = 0
    for token in found:
        if isinstance(token, Word | Operator | Document):
            assert at <= token.start < token.end or isinstance(token, Document)
            assert text[token.start : token.end] == token.raw if isinstance(token, Word) else True
            at = token.end
        if not isinstance(token, Comment | Broken) and kind == "bash":
            assert token.line == text.count("\n", 0, token.start) + 1


#: What tree-sitter's grammar of bash reads wrongly, as bash itself shows: blanks around the end of a here-document,
#: substitutions in one, two of them on a line, a subshell in a subshell, a choice of texts with blanks, a `for` whose
#: `in` or `do` stands elsewhere, `time` of a group.
WRONG = {
    "document-with-its-end-indented", "document-with-its-end-and-blanks", "document-with-tabs-and-blanks",
    "document-with-a-tab-that-is-none", "document-that-expands", "two-documents", "two-subshells",
    "two-subshells-in-a-substitution", "condition-with-a-pattern", "for-below", "for-without-a-list", "group",
}  # fmt: skip


def tree_sitter(text: str) -> list[str]:
    """The programs of a text as `programs` has them, by another reader."""
    found: list[str] = []
    waiting = [PARSER.parse(text.encode()).root_node]
    while waiting:
        node = waiting.pop()
        name = node.child_by_field_name("name") if node.type == "command" else None
        if name is not None and name.text:
            found.append(name.text.decode())
        waiting += node.children
    return sorted(one for one in found if not IDLE.fullmatch(one))


@pytest.mark.parametrize("name", AWKWARD)
def test_another_reader_agrees_or_is_wrong(name: str) -> None:
    text, ran = AWKWARD[name]

    assert (tree_sitter(text) == sorted(set(ran.split()))) == (name not in WRONG)


PLAIN = st.sampled_from(
    ["no", "'no ; ( no'", '"no && \\" no"', "no\\;no", "$'it\\'s'", "${x:-no}", "$((1 << 2))", "x=no", "no#no"]
)
REDIRECTS = st.sampled_from(["", "", "", " 2>&1", " >/dev/null", " </dev/null", " <<<no"])
NAMES = st.sampled_from(["one", "two", "three", "four"])
#: A text in one line, and the here-documents that have to follow that line.
Line = tuple[str, str]


def whole(line: Line) -> str:
    return f"{line[0]}\n{line[1]}"


def words_around(lines: st.SearchStrategy[Line], *, hard: bool) -> st.SearchStrategy[str]:
    """Words, some with scripts in them."""
    forms = ["$( {})", '"no $( {}) no"', "<( {})", "${{x:-$( {})}}", '"${{x:-"$( {})"}}"']
    around = st.builds(lambda form, line: form.format(whole(line)), st.sampled_from(forms), lines)
    return PLAIN | around | NAMES.map(("`{}`" if hard else "$({})").format)


def lines_around(lines: st.SearchStrategy[Line], *, hard: bool) -> st.SearchStrategy[Line]:
    plain = lines.filter(lambda line: not line[1])
    some = st.lists(words_around(lines, hard=hard), max_size=3)
    bodies = st.lists(st.sampled_from(["no", "it's (", *(["EOF no", "\\$(no) <<X"] if hard else [])]), max_size=2)
    odd = st.sampled_from(["  EOF\nno\n", "EOF \nno\n", "\tEOF\nno\n", ""])
    shapes = [
        st.builds(lambda name, rest, to: (" ".join([name, *rest]) + to, ""), NAMES, some, REDIRECTS),
        st.builds(lambda name, rest: (" \\\n ".join([name, *rest]), ""), NAMES, some),
        # bash 5.2 cannot read an array's `\;` within `$( … )`.
        some.map(lambda rest: (f"a=({' '.join(rest)} # it's (\n no)".replace("\\;", ""), "")),
        NAMES.map(lambda name: (f"[[ no =~ ^(no no|no)$ && a < no ]]; {name}", "")),
        NAMES.map(lambda name: (f"(( i << 2 )); {name} # it's ( no\n{name}", "")),
        lines.map(lambda line: (f"case a in (no | no) skip ;; a)\n{whole(line)};; esac", "")),
        lines.map(whole).map(lambda body: ("f{0}() {{\n{1}}}\nf{0}".format(zlib.crc32(body.encode()), body), "")),
        lines.map(lambda line: (f"if :; then\n{whole(line)}fi", "")),
        lines.map(lambda line: (f"{{ {whole(line)}}}", "")),
        lines.map(lambda line: (f"( {whole(line)})", "")),
        # A here-document starts at the end of the first line.
        st.tuples(lines if hard else plain, lines)
        .filter(lambda two: not (two[0][1] and "\n" in two[1][0]))
        .map(lambda two: (f"{two[0][0]}; {two[1][0]}", two[0][1] + two[1][1])),
        st.builds(lambda one, two: (f"{one[0]} |\n{one[1]}{{ {whole(two)}}}", ""), lines, lines),
        st.builds(lambda one, two: (whole(one) + two[0], two[1]), lines, lines),
        st.builds(
            lambda name, body: (f"{name} <<'EOF' no", "".join(f"{row}\n" for row in body) + "EOF\n"), NAMES, bodies
        ),
    ]
    if hard:
        expands = NAMES.map(lambda name: ("one <<EOF", f"it's $({name}) `{name}`\nEOF\n"))
        shapes += [st.builds(lambda name, body: (f"{name} <<EOF", f"{body}EOF\n"), NAMES, odd), expands]
    return st.one_of(shapes)


def scripts(*, hard: bool) -> st.SearchStrategy[str]:
    simple = NAMES.map(lambda name: (name, ""))
    return st.recursive(simple, lambda lines: lines_around(lines, hard=hard), max_leaves=6).map(whole)


@settings(max_examples=2 * MANY)
@given(scripts(hard=True))
def test_any_text_is_read_as_bash_runs_it(text: str) -> None:
    assert sorted(programs(nested(text, BASH))) == run(text)


@settings(max_examples=3 * MANY)
@given(scripts(hard=False))
def test_any_text_is_read_as_another_reader_does(text: str) -> None:
    assert sorted(programs(nested(text, BASH))) == tree_sitter(text)
