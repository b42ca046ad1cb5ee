"""The reader of Dockerfiles beside BuildKit's own parser (the package `dockerfile`).

Not compared is how many blanks stand where lines were joined, and what the parser does not tell: the here-documents of
an ONBUILD (their lines are). Of what it refuses, such as a here-document without its end, it tells nothing at all, and
there must be an answer all the same.
"""

from __future__ import annotations

import re

import dockerfile as buildkit
import pytest
from hypothesis import event, given, settings
from hypothesis import strategies as st

from tests.conftest import REPO
from uvdock.formats.dockerfile.expansion import expand
from uvdock.formats.dockerfile.instruction import Part, mount
from uvdock.formats.dockerfile.parser import parse
from uvdock.formats.dockerfile.stages import Dockerfile

FOLDERS = ("tests/fixtures", "compose", "benchmarks")
FILES = sorted(path for folder in FOLDERS for path in (REPO / folder).rglob("*ockerfile*") if path.is_file())
#: What may be written in JSON.
JSONS = ("ADD", "CMD", "COPY", "ENTRYPOINT", "HEALTHCHECK", "RUN", "SHELL", "VOLUME")
AWKWARD = {
    "two-backslashes-do-not-continue": "RUN a\\\\\nRUN b",
    "three-backslashes-neither": "RUN a \\\\\\\nRUN b",
    "blanks-behind-the-backslash": "RUN a \\ \t\n  b\nRUN c",
    "a-backslash-and-a-comment": "RUN a \\ # b\nRUN c",
    "a-word-over-two-lines": "RUN a\\\nb\nRUN c",
    "a-verb-over-two-lines": "RU\\\nN a\nRUN c",
    "lines-that-only-continue": "RUN a \\\n\\\n b\nRUN c",
    "the-end-inside": "RUN a \\\n\n\n",
    "a-backslash-first": "\\\nFROM a\n",
    "comments-inside": "RUN a \\\n # b \\\n\n#c\n d\nRUN e",
    "a-comment-with-a-backslash": "# a \\\nFROM b\n",
    "windows": "RUN a \\\r\n b\r\nRUN <<E\r\nc\r\nE\r\nRUN d\r\n",
    "a-carriage-return-in-the-line": "RUN a\rRUN b\nRUN c",
    "a-form-feed-in-the-line": "RUN a\x0cRUN b\nRUN c",
    "a-byte-order-mark": "\ufeffFROM a\nRUN b",
    "escape": "# escape=`\nRUN a `\n b\nRUN c\\\nRUN d",
    "escape-and-blanks": " #\tescape = ` \nRUN a `\n b",
    "escape-after-syntax": "#syntax=a/b:1\n# Escape=`\nRUN a `\n b",
    "escape-after-no-directive": "# x=y\n# escape=`\nRUN a `\n b",
    "escape-after-a-comment": "# x\n# escape=`\nRUN a `\n b",
    "escape-after-an-empty-line": "\n# escape=`\nRUN a `\n b",
    "escaped-in-an-option": "# escape=`\nRUN --a=`  x`\n y",
    "document": "RUN <<E\n  E\nE \n\tE\n# a\nRUN b\nE\nRUN c",
    "document-with-tabs": "RUN <<-E\n \tE\n\t\tE\nRUN c",
    "document-in-quotes": "RUN <<'E F' cat\na\nE F\nRUN c",
    "document-escaped": "RUN <<\\E\na\nE\nRUN c",
    "document-with-a-dot": "RUN <<E.F\na\nE.F\nRUN c",
    "document-of-digits": "RUN 3<<1\na\n1\nRUN c",
    "document-and-a-redirect": "RUN cat <<E>f\na\nE>f\nRUN c",
    "document-half-in-quotes": 'RUN <<E"F"\na\nEF\nRUN c',
    "document-named-by-a-variable": "RUN <<$X\na\n$X\nRUN c",
    "document-named-by-nothing": "RUN <<''\na\n\nRUN c",
    "document-that-is-quoted": "RUN sh -c 'cat <<E'\nRUN c",
    "document-behind-an-apostrophe": "RUN echo it's <<E\nRUN c",
    "document-behind-a-brace": "RUN ${X <<E\nRUN c",
    "document-behind-blanks-in-braces": "RUN ${X:-a b} <<E\na\nE\nRUN c",
    "document-glued": "RUN cat<<E\nRUN c",
    "here-string": "RUN cat <<<E\nRUN c",
    "documents": "COPY <<A <<-B /d/\n1\nA\n2\n\tB\nRUN c",
    "document-of-onbuild": "ONBUILD RUN <<E\na\nE\nRUN c",
    "document-of-another-verb": "CMD cat <<E\nRUN c",
    "document-in-json": 'RUN ["a", "<<E"]\nRUN c',
    "document-below": "COPY a b \\\n <<E c\n1\nE\nRUN c",
    "document-in-a-comment": "RUN a \\\n# <<E\n b\nRUN c",
    "options": "RUN --mount=type=cache,target=\"/a b\" --network='n o'ne x --y",
    "options-below": "RUN --a \\\n  # b\n  --c=\\\nd e",
    "option-with-an-escape": "RUN --a\\ b c",
    "options-end-in-quotes": 'RUN --a --"" --b c',
    "options-end-in-an-open-quote": 'RUN --a --"',
    "option-that-never-ends": 'RUN --a="b c',
    "no-option": "RUN -- a\nRUN -a --b",
    "options-of-others": "FROM --platform=a b AS c\nHEALTHCHECK --interval=5s CMD x\nONBUILD COPY --from=a b c",
    "json-and-more": 'CMD ["a"] x\nRUN [ "b", \\\n "c" ]\nRUN [ -f x ]\nHEALTHCHECK CMD ["d"]',
    "onbuild": "onbuild  run a \\\n b\nONBUILD\nONBUILD ONBUILD RUN x",
    "no-instruction": "foo bar\nRUN",
}  # fmt: skip


def unquoted(option: Part) -> str:
    joined = re.sub(r"[\\`][ \t]*\r?\n(?:[ \t]*(?:#.*)?\r?\n)*", "", option.text)
    quoted = re.compile(r"""(["'])((?:\\.|(?!\1).)*)(?:\1|\Z)|(\\.)""", re.DOTALL)
    return quoted.sub(lambda part: re.sub(r"\\(.)", r"\1", part[2] or part[3] or "", flags=re.DOTALL), joined)


def one_line(text: str) -> str:
    return " ".join(text.partition("\n")[0].split())


def ours(text: str) -> list[object]:
    found: list[object] = []
    for item in parse(text):
        inner = item.trigger or item
        words = inner.exec_form if inner.verb in JSONS else None
        documents = () if item.trigger else tuple(part.text for part in item.documents)
        verbs = (item.verb, item.trigger.verb if item.trigger else "")
        options = tuple(map(unquoted, item.options))
        said = inner.value if words is None and inner.verb in ("RUN", "CMD") else ""
        found.append((*verbs, item.line, item.last, options, one_line(item.text), one_line(said), documents, words))
    return found


def theirs(text: str) -> list[object]:
    found: list[object] = []
    for item in buildkit.parse_string(text):
        words = [word for word in item.value if word] if item.json else None
        if words and item.cmd.upper() == "HEALTHCHECK":
            # The parser takes any first word; it is a later step of BuildKit that refuses all but CMD.
            words = words[1:] if words[0].upper() == "CMD" else None
        documents = tuple(one.content for one in item.heredocs)
        verb, kept = item.cmd.upper(), (item.sub_cmd or "").upper()
        said = "".join(item.value) if words is None and (kept or verb) in ("RUN", "CMD") else ""
        text = one_line(item.original)
        found.append((verb, kept, item.start_line, item.end_line, item.flags, text, one_line(said), documents, words))
    return found


@pytest.mark.parametrize("text", AWKWARD.values(), ids=AWKWARD)
def test_an_awkward_text_is_read_as_buildkit_does(text: str) -> None:
    assert ours(text) == theirs(text)


def test_there_are_files_to_read() -> None:
    assert len(FILES) > 100


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(REPO)))
def test_every_dockerfile_of_the_repo_is_read_as_buildkit_does(path: object) -> None:
    text = path.read_bytes().decode()  # type: ignore[attr-defined]
    assert ours(text) == theirs(text)


WORDS = st.sampled_from(
    ["a", "b=c", "'d e'", '"f g"', "it\\'s", "it's", '"', "<<", "1<<n", "<<<w", "${X:-y z}", "$X", "${", "[", "]", "#",
     "--x", "--y='z w'", "\\\\", "&&", "-f", "'<<E'", "a\tb", "RUN"]
)  # fmt: skip
DOCUMENTS = {
    "<<E": "E", "<<-E": "\tE", "<<'E F'": "E F", "3<<E.F": "E.F", '<<"E"': "E", "<<\\E": "E", "<<E>f": "E>f",
    "<<-$X": "$X", "<<E;": "E;",
}  # fmt: skip
INSIDE = st.lists(
    st.sampled_from(["a", "RUN b", "\\", "c \\", "# d", "", " E", "E ", "\tE", "E>f x", "E.", "it's", "<<E"]),
    max_size=4,
)
GAPS = st.sampled_from([" ", "  ", "\t", "@\n", " @\n  ", " @ \n# g\n\n  ", " @\n  # h <<E @\n", " @\n@\n "])
VERBS = st.sampled_from(
    ["RUN", "run", "COPY", "Add", "CMD", "ENTRYPOINT", "ONBUILD RUN", "ONBUILD COPY", "onbuild CMD", "HEALTHCHECK CMD",
     "USER", "foo"]
)  # fmt: skip
OPTIONS = st.lists(
    st.sampled_from(["--a", "--b=c", '--d="e f"', "--g='h'i", "--mount=type=cache,target=/x", "--", "--j\\ k"]),
    max_size=2,
)
JSON = st.sampled_from(['["a", "b"]', '["a",@\n "<<E"]', '["c"] d', "[]", '["e"', "['f']"])


@st.composite
def instruction(draw: st.DrawFn) -> str:
    """An instruction with its here-documents; ``@`` stands for what continues a line."""
    documents = draw(st.lists(st.sampled_from(list(DOCUMENTS)), max_size=2))
    said = draw(st.lists(WORDS, max_size=3) | JSON.map(lambda text: [text]))
    words = [*draw(VERBS).split(" "), *draw(OPTIONS), *draw(st.permutations([*said, *documents]))]
    text = draw(st.sampled_from(["", "  ", "# comment\n", "\n", "# @\n"])) + words[0]
    for word in words[1:]:
        text += draw(GAPS) + word
    for name in documents:
        text += "".join(f"\n{line}" for line in [*draw(INSIDE), DOCUMENTS[name]])
    return text + "\n"


@settings(deadline=None)
@given(
    st.lists(instruction(), max_size=4),
    st.sampled_from(["", "# escape=\\\n", "# escape=`\n", "#syntax=x\n#escape=`\n", "# x=y\n# escape=`\n", "\ufeff"]),
    st.sampled_from(["\n", "\r\n"]),
)
def test_what_is_generated_is_read_as_buildkit_does(items: list[str], first: str, end: str) -> None:
    sign = "`" if first.endswith("escape=`\n") and "x=y" not in first else "\\"
    text = (first + "".join(items).replace("@", sign)).replace("\n", end)
    made = ours(text)
    try:
        expected = theirs(text)
    except buildkit.GoParseError as error:
        event(str(error)[:30])
        return
    event("read")
    assert made == expected


@given(st.text(st.sampled_from(list("RUN <-E\\\n\r\t#`'\"$[]{}=a\ufeff")), max_size=60) | st.text(max_size=40))
def test_whatever_stands_there_has_its_place(text: str) -> None:
    at = line = 0
    for item in parse(text):
        assert at <= item.start < item.end
        assert line < item.line == text.count("\n", 0, item.start) + 1 <= item.last
        assert item.last == text.count("\n", 0, item.end) + (not text[: item.end].endswith("\n"))
        for part in (*item.options, item.body, *item.documents):
            assert text[part.start : part.end] == part.text
            assert item.start <= part.start <= part.end <= item.end
        assert item.body.text[:1] not in (" ", "\t")
        at, line = item.end, item.last


def test_the_places_of_an_instruction() -> None:
    text = "FROM a\nrun --mount=type=cache,target=/c \\\n  # why\n  --network=none \\\n  <<E bash\n\tb\nE\nCMD c\n"
    item = parse(text)[1]
    assert [part.text for part in item.options] == ["--mount=type=cache,target=/c", "--network=none"]
    assert (item.body.text, [part.text for part in item.documents]) == ("<<E bash\n\tb\nE", ["\tb\n"])
    assert text[item.start : item.end].splitlines() == text.splitlines()[1:-1]


def test_onbuild_keeps_an_instruction_with_its_own_places() -> None:
    text = "FROM a\nONBUILD RUN --mount=type=cache,target=/c \\\n  b\n"
    step = Dockerfile(text).stages[0].steps[1]
    assert (step.verb, step.onbuild, step.options) == ("ONBUILD", False, ())
    kept = step.triggered
    assert (kept.verb, kept.onbuild, kept.value, kept.number, kept.stage) == ("RUN", True, "b", 1, step.stage)
    assert (kept.start, kept.end, kept.body.start) == (step.start, step.end, text.index("b\n"))


@pytest.mark.parametrize(
    ("text", "programs"),
    [
        ("RUN <<EOF\na\nb\nEOF", "a b"),
        ("RUN bash -e <<EOF\na\nEOF", "a"),
        ("RUN <<EOF\n#!/bin/bash\na\nEOF", "a"),
        ("RUN <<EOF\n#!/usr/bin/env sh\na\nEOF", "a"),
        ("RUN <<EOF\n#!/usr/bin/env python3\na\nEOF", ""),
        ("RUN python <<EOF\na\nEOF", "python"),
        ("RUN <<A cat <<B\na\nA\nb\nB", "cat"),
        ("RUN a && \\\n # no\n b", "a b"),
        ('CMD ["a", "b"]', "a"),
        ("CMD []", ""),
        ("HEALTHCHECK --interval=5s CMD a || b", "a b"),
        ('HEALTHCHECK CMD ["a"]', "a"),
        ("HEALTHCHECK NONE", ""),
        ("COPY a b", ""),
    ],
)
def test_what_an_instruction_runs(text: str, programs: str) -> None:
    assert [run.program for run in parse(text)[0].invocations] == programs.split()


@pytest.mark.parametrize(
    ("option", "expected"),
    [
        ("--mount=type=cache,target=/x", {"type": "cache", "source": "", "target": "/x"}),
        ("--mount=src=a,dst=/b", {"type": "bind", "source": "a", "target": "/b"}),
        ("--mount=type=bind,destination='/b',ro", {"type": "bind", "source": "", "target": "/b"}),
        ("--network=none", {}),
    ],
)
def test_a_mount(option: str, expected: dict[str, str]) -> None:
    found = mount(option)
    assert {key: found[key] for key in ("type", "source", "target") if key in found} == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("$A/${A}", "1/1"),
        ("${B:-x}${E:-y}${A:-z}", "xy1"),
        ("${B-x}[${E-y}]${A-z}", "x[]1"),
        ("[${B:+x}${E:+y}]${A:+z}", "[]z"),
        ("[${B+x}]${E+y}${A+z}", "[]yz"),
        ("${A:?no}", "1"),
        ("${E:?no}", None),
        ("${B?no}", None),
        ("$B", None),
        ("$(a)", None),
        ("${A%x}", None),
    ],
)
def test_variables_are_put_in(text: str, expected: str | None) -> None:
    assert expand(text, {"A": "1", "E": ""}) == expected


STAGES = """\
ARG TAG=3.13
ARG FROM_STAGE=one
FROM python:${TAG} AS One
ENV A=1 B=$A
WORKDIR /app
FROM ${FROM_STAGE}
ARG TAG
WORKDIR ../x
USER me:us
FROM $UNKNOWN AS one
WORKDIR $B
WORKDIR c
COPY --from=one a b
"""


def test_stages() -> None:
    file = Dockerfile(STAGES)
    one, two, three = file.stages
    assert [(stage.number, stage.name, stage.base) for stage in file.stages] == [
        (0, "one", "python:3.13"),
        (1, "", "one"),
        (2, "one", None),
    ]
    assert (one.parent, two.parent, three.parent) == (None, one, None)
    assert (two.chain, two.root, [step.number for step in two.lineage]) == ([one, two], one, list(range(7)))
    assert (file.stage("ONE"), file.stage("0"), file.stage("1"), file.stage("x"), file.stage("")) == (
        three, one, two, None, None,
    )  # fmt: skip
    assert (file.target("1"), file.target("x"), file.target(None)) == (two, three, three)
    assert Dockerfile("RUN a").target(None) is None


def test_what_is_in_effect_at_a_step() -> None:
    one, two, three = Dockerfile(STAGES).stages
    assert one.last.env == {"A": "1", "B": "$A"}
    assert two.last.env == {"A": "1", "B": "$A", "TAG": "3.13"}
    assert (str(one.last.workdir), str(two.last.workdir), three.last.workdir) == ("/app", "/x", None)
    assert (two.last.user, two.last.is_root, one.last.is_root) == ("me:us", False, True)
    assert (two.last.path("$TAG"), two.last.path("/$A/.."), two.last.path("$B")) == tuple(
        None if name is None else type(one.last.workdir)(name)  # type: ignore[misc]
        for name in ("/x/3.13", "/", None)
    )
    assert three.last.copies == ("one", ["a"], "b")
