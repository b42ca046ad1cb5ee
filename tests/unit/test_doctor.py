"""The doctor's rules, each on a repo that has the fault and on one that has not; its fixes; its pages."""

from __future__ import annotations

import json
import os
import re
import shutil
import sys
from dataclasses import replace
from pathlib import Path, PurePosixPath
from typing import get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.conftest import REPO
from tests.unit.doctor_cases import CASES, CLEAN, Case, look
from uvdock.doctor import fix, table
from uvdock.doctor.build import Build, asked, installing, syncs
from uvdock.doctor.facts import Facts, Text, Yaml, read, with_services
from uvdock.doctor.model import Finding, Level, LineEdit, Rule, lines_of
from uvdock.engine.ignore import Ignored
from uvdock.errors import UvdockError
from uvdock.formats.dockerfile.expansion import expand
from uvdock.formats.shell.invocations import invocations
from uvdock.formats.yaml import Value
from uvdock.formats.yaml import read as read_yaml

DOCS = REPO / "docs" / "doctor.md"
#: How many examples a law has, in this tier.
MANY = settings().max_examples


def found(facts: Facts, rule: str) -> list[Finding]:
    return table.examine(facts, [table.rule(rule)])


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.rule}-{case.name}")
def test_a_rule(case: Case, tmp_path: Path) -> None:
    findings = found(case.build(tmp_path), case.rule)

    assert tuple(place for finding in findings for place in finding.places) == case.at
    assert "hunter2" not in table.to_json(findings, look(tmp_path))


def test_every_rule_is_tried_on_a_fault_and_on_none() -> None:
    assert {case.rule for case in CASES if case.at} == set(table.NAMES)
    assert {case.rule for case in CASES if not case.at} == set(table.NAMES)


def test_a_repo_with_nothing_to_report(tmp_path: Path) -> None:
    assert table.examine(Case("", "").build(tmp_path)) == []


@pytest.mark.parametrize("name", ["flask", "django"])
def test_the_reference_stacks(name: str, tmp_path: Path) -> None:
    shutil.copytree(REPO / "compose" / name, tmp_path / name, ignore=shutil.ignore_patterns("uv.lock", ".venv"))

    facts = read(tmp_path / name)

    assert [found.uses_uv for found in facts.dockerfiles if found.name.endswith("Dockerfile")].count(True) == 1
    assert [finding for finding in table.examine(facts) if not finding.hit.file.startswith("uv on")] == []


@pytest.mark.parametrize(
    "comment",
    [
        pytest.param("# uvdock: ignore[sync-without-locked]\nRUN uv sync", id="above"),
        pytest.param("# uvdock: ignore[runs-as-root, sync-without-locked] - why\n# more\nRUN uv sync", id="one-of-two"),
        pytest.param("# uvdock: ignore[sync-without-locked]\nRUN true && \\\n  uv sync", id="above-the-instruction"),
        pytest.param("RUN true && \\\n# uvdock: ignore[sync-without-locked]\n  uv sync", id="inside"),
    ],
)
def test_a_comment_leaves_a_place_out(comment: str, tmp_path: Path) -> None:
    text = CLEAN["Dockerfile"]
    case = Case("", "", files={"Dockerfile": f"{text}RUN uv sync\n{comment}\n"})

    findings = found(case.build(tmp_path), "sync-without-locked")

    assert [finding.hit.line for finding in findings] == [len(text.splitlines()) + 1]


def test_a_comment_on_the_line_of_another_file(tmp_path: Path) -> None:
    case = next(case for case in CASES if case.rule == "lock-mounted-alone" and case.at)
    facts = case.build(tmp_path)
    text = (tmp_path / "compose.yaml").read_text()
    (tmp_path / "compose.yaml").write_text(
        re.sub(r"(uv\.lock:/app/uv\.lock\")", r"\1  # uvdock: ignore[lock-mounted-alone]", text)
    )

    assert found(facts, case.rule)
    assert not found(look(tmp_path), case.rule)


def test_a_dockerfile_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    services: dict[str, dict[str, object]] = {
        "inline": {"build": {"context": str(tmp_path), "dockerfile_inline": "FROM a"}},
        "remote": {"build": {"context": "https://git.example/a.git"}},
        "missing": {"build": {"context": str(tmp_path), "dockerfile": "Dockerfile.no"}},
        "image": {"image": "postgres"},
    }

    facts = with_services(Case("", "").build(tmp_path), services)

    assert {(item.what, item.why) for item in facts.skipped} == {
        ("the Dockerfile of inline", "it is written in the Compose file"),
        ("the Dockerfile of remote", "its context is elsewhere"),
        ("the Dockerfile of missing", "Dockerfile.no cannot be read"),
    }
    assert facts.services["missing"].dockerfile is None


def test_rules_can_be_left_out_and_chosen(tmp_path: Path) -> None:
    facts = Case("", "", swap=(("Dockerfile", " --locked", ""), ("Dockerfile", "USER app\n", ""))).build(tmp_path)

    assert {item.rule.name for item in table.examine(facts)} == {"sync-without-locked", "runs-as-root"}
    assert {item.rule.name for item in table.examine(facts, ignore=["runs-as-root"])} == {"sync-without-locked"}
    with pytest.raises(UvdockError, match=r"no rule 'run-as-root' \(did you mean runs-as-root\?\)"):
        table.rule("run-as-root")


ODD = "# why\r\nRUN --mount=type=cache,target=/c \\\r\n uv  sync\r\nUSER 1\r\nCOPY . ."
FIXES = [
    pytest.param(
        {"Dockerfile": f"FROM python:3.13\r\n{ODD}"},
        {"Dockerfile": f"FROM python:3.13\r\nENV UV_LINK_MODE=copy\r\nENV UV_COMPILE_BYTECODE=1\r\n{ODD}"},
        id="windows-line-ends",
    ),
    pytest.param(
        {".dockerignore": "# mine\n*.lock\nlast", ".gitignore": "a\n/uv.lock\nb\n"},
        {".dockerignore": "# mine\n*.lock\n!uv.lock\nlast\n.venv\n", ".gitignore": "a\nb\n"},
        id="ignore-files",
    ),
    pytest.param({".dockerignore": None}, {".dockerignore": ".venv\n"}, id="a-new-file"),
    pytest.param({".gitignore": "# kept\n*.lock\n"}, {".gitignore": "# kept\n*.lock\n!uv.lock\n"}, id="a-pattern"),
    pytest.param(
        {"Dockerfile": CLEAN["Dockerfile"].replace("--locked ", "")}, {"Dockerfile": CLEAN["Dockerfile"]}, id="locked"
    ),
    pytest.param(
        {"Dockerfile": CLEAN["Dockerfile"].replace("--locked ", ""), "uv.lock": None},
        {"Dockerfile": CLEAN["Dockerfile"].replace("--locked ", ""), "uv.lock": None},
        id="without-a-lock-it-would-only-fail",
    ),
]


@pytest.mark.parametrize(("files", "expected"), FIXES)
def test_the_fixes(files: dict[str, str | None], expected: dict[str, str | None], tmp_path: Path) -> None:
    Case("", "", files=files).build(tmp_path)

    for _ in range(5):
        planned = fix.plan(tmp_path, table.examine(look(tmp_path)))
        fix.write(planned)

    assert planned == {}
    left = {name: (tmp_path / name).read_bytes().decode() for name in CLEAN if (tmp_path / name).exists()}
    wanted = {**CLEAN, **files, **expected}
    assert left == {name: text for name, text in wanted.items() if text is not None}


def test_a_file_outside_the_repo_is_not_mended(tmp_path: Path) -> None:
    inner = tmp_path / "inner"
    inner.mkdir()
    facts = Case("", "", swap=(("Dockerfile", " --locked", ""),), files={"compose.yaml": None}).build(tmp_path)
    seen = with_services(
        replace(facts, root=inner, dockerfiles=(), projects={"..": facts.projects["."]}),
        {"web": {"build": {"context": str(tmp_path)}}},
    )

    findings = found(seen, "sync-without-locked")

    assert [place for finding in findings for place in finding.places] == [f"{tmp_path}/Dockerfile:10"]
    assert findings[0].hit.edits
    assert fix.plan(inner, findings) == {}


def test_every_rule_that_says_so_has_a_fix_and_no_other(tmp_path: Path) -> None:
    fixable: dict[str, set[bool]] = {}
    for number, case in enumerate(case for case in CASES if case.at):
        folder = tmp_path / str(number)
        folder.mkdir()
        facts = case.build(folder)
        fixable.setdefault(case.rule, set()).update(bool(item.hit.edits) for item in found(facts, case.rule))

    assert {name for name, seen in fixable.items() if True in seen} == {
        rule.name for rule in table.RULES if rule.fixable
    }


@given(
    st.lists(st.text(st.characters(blacklist_characters="\r\n", blacklist_categories=["Cs"]), max_size=5), max_size=6),
    st.sampled_from(["\n", "\r\n"]),
    st.booleans(),
    st.data(),
)
def test_an_edit_leaves_every_other_byte(lines: list[str], end: str, last: bool, data: st.DataObject) -> None:
    text = end.join(lines) + (end if last and lines else "")
    # A line feed ends a line, and no other character does: a form feed, say, may stand in a Dockerfile's RUN.
    seen = text.split("\n")[:-1] if text.endswith("\n") else [one for one in text.split("\n") if text]
    at = data.draw(st.integers(0, len(seen)))

    after = fix.edited(text.encode(), [LineEdit("f", at, at, ("new",))]).decode()

    assert lines_of(after) == [line.rstrip("\r") for line in [*seen[:at], "new", *seen[at:]]]


_WORDS = st.sampled_from(
    ["FROM python:3.13", "RUN uv sync", "RUN --mount=type=cache,target=/c uv sync", "COPY --from=x /a /b", "COPY . .",
     "ENV A=$B UV_X='", 'CMD ["uv", "run"', "HEALTHCHECK CMD uv run", "USER $U", "WORKDIR a", "ARG", "ENV", "COPY",
     "FROM", "RUN <<EOF", "EOF", "\\", "ARG X=${X:-$(a)}", "FROM a AS a", "FROM a", "# syntax", "ONBUILD RUN uv sync",
     "RUN [", "RUN []", "CMD []", "RUN sh -c 'uv sync'", "RUN python -m", "ADD https://astral.sh/uv/install.sh /i",
     "FROM ghcr.io/astral-sh/uv:${V}", "RUN pip install 'uv", "RUN (", "VOLUME x", "RUN uv", "RUN export X"]
)  # fmt: skip
_TEXTS = st.one_of(st.text(max_size=80), st.lists(st.one_of(_WORDS, st.text(max_size=12)), max_size=12).map("\n".join))


@settings(max_examples=3 * MANY)
@given(_TEXTS, st.text(max_size=30))
def test_no_dockerfile_is_too_odd(text: str, ignore: str) -> None:
    build = Build("Dockerfile", text, REPO, (), Ignored(ignore.splitlines()))
    facts = Facts(REPO, dockerfiles=(build,), projects={".": {"project": {"requires-python": text[:5]}}})

    for finding in table.examine(facts):
        assert finding.hit.line is None or 1 <= finding.hit.line <= max(len(text.splitlines()), 1)
    for stage in build.stages:
        build.environment(stage)


_YAML = st.recursive(
    st.one_of(st.none(), st.booleans(), st.text(max_size=8)),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(
            st.sampled_from(["jobs", "steps", "env", "run", "uses", "with", "version", "services", "web", "<<"]),
            inner,
            max_size=4,
        ),
    ),
    max_leaves=12,
)


@settings(max_examples=2 * MANY)
@given(st.one_of(st.text(max_size=60), _YAML.map(json.dumps)))
def test_no_workflow_and_no_compose_file_is_too_odd(text: str) -> None:
    try:
        root = read_yaml(text, "x.yml")
    except UvdockError:
        return
    if root is None:
        return
    files = (Yaml("x.yml", root),)
    facts = Facts(REPO, texts={"x.yml": Text("x.yml", tuple(text.splitlines()))}, compose=files, workflows=files)

    table.examine(facts)
    assert facts.compose_item("web", "volumes", "x")[0] == "x.yml"


@pytest.mark.parametrize(
    ("script", "expected"),
    [
        pytest.param("uv sync", [["uv", "sync"]], id="one"),
        pytest.param("a && b; c | d", [["a"], ["b"], ["c"], ["d"]], id="separated"),
        pytest.param("a 'b && c' # d", [["a", "b && c"]], id="quoted"),
        pytest.param("A=1 env B=2 uv sync", [["uv", "sync"]], id="variables-before"),
        pytest.param("if [ -f x ]; then uv sync; fi", [["[", "-f", "x", "]"], ["uv", "sync"]], id="if"),
        pytest.param("uv sync >out 2>&1 && x", [["uv", "sync"], ["x"]], id="redirects"),
        pytest.param("# a\nuv \\\n sync\n", [["uv", "sync"]], id="lines"),
        pytest.param("bash -lc 'uv sync; b'", [["uv", "sync"], ["b"]], id="inner"),
        pytest.param("a <<E\nuv sync\nE\nb", [["a"], ["b"]], id="here-document"),
        pytest.param("a <<E\n$(uv sync)\nE", [["a"], ["uv", "sync"]], id="substitution-in-a-here-document"),
        pytest.param("[[ a =~ (uv sync) ]]; a=(uv sync)", [], id="condition-and-array"),
        pytest.param("f() { uv sync; }", [["uv", "sync"]], id="function"),
        pytest.param("case uv in uv) a;; esac", [["a"]], id="case"),
        pytest.param('a "$(uv sync)" <(b)', [["a", "$(uv sync)", "<(b)"], ["uv", "sync"], ["b"]], id="substitutions"),
        pytest.param("a 'b; c", [["a", "'b"], ["c"]], id="unreadable"),
        pytest.param("", [], id="empty"),
    ],
)
def test_commands(script: str, expected: list[list[str]]) -> None:
    assert [list(item.words) for item in invocations(script)] == expected


def test_what_a_command_of_uv_is() -> None:
    words = "/bin/uv --directory x sync; uv --color never pip --quiet install a; python3 -m uv run; uv sync --dry-run"
    found = invocations(words)

    assert [asked(item) for item in found] == ["sync", "pip install", "run", "sync"]
    assert [installing(item) for item in found] == [True, True, False, False]
    assert found[0].value("--directory") == "x"
    assert invocations("export UV_LOCKED=1 && uv sync")[-1].env == {"UV_LOCKED": "1"}


@pytest.mark.parametrize(
    ("text", "expected"),
    [("$A/b", "1/b"), ("${A}", "1"), ("${B:-x}", "x"), ("${B-x}", "x"), ("${B}", None), ("$(id)", None), ("${E}", "")],
)
def test_variables(text: str, expected: str | None) -> None:
    assert expand(text, {"A": "1", "E": ""}) == expected


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("RUN bash -e <<EOF\nuv sync\nEOF", [2]),
        ("RUN <<EOF\n#!/usr/bin/env python3\nuv sync\nEOF", []),
        ("RUN sh -c 'cat <<EOF'\nRUN uv sync", [3]),
        ("RUN echo a\\\\\nRUN uv sync", [3]),
        ("RUN printf 'a\x0cb'\nRUN uv sync", [3]),
        ("ONBUILD RUN <<EOF\nRUN uv sync\nEOF", []),
        ("RUN u\\\nv sync", [2]),
    ],
)
def test_where_uv_syncs(text: str, lines: list[int]) -> None:
    build = Build("Dockerfile", f"FROM a\n{text}\n", REPO)
    assert [step.line for step in build.steps if syncs(step)] == lines


def test_a_mount_without_a_type_brings_the_manifests_too() -> None:
    text = "FROM a\nRUN --mount=src=api/pyproject.toml,dst=pyproject.toml uv sync\n"
    build = Build("Dockerfile", text, REPO)
    assert Facts(REPO, dockerfiles=(build,), projects={"api": {}, "web": {}}).projects_of(build) == ["api"]


def test_a_fix_stands_in_the_line_that_it_names() -> None:
    build = Build("Dockerfile", "FROM a\nRUN printf 'a\x0cb'\nRUN uv sync\n", REPO)
    edits = [edit for one in found(Facts(REPO, dockerfiles=(build,)), "no-bytecode") for edit in one.hit.edits]
    after = fix.edited(build.text.encode(), edits).decode()
    assert after == build.text.replace("RUN uv", "ENV UV_COMPILE_BYTECODE=1\nRUN uv")


@pytest.mark.parametrize(
    ("text", "environment"),
    [
        pytest.param("FROM a\nRUN uv sync", "/.venv", id="default"),
        pytest.param("FROM a\nWORKDIR /app\nWORKDIR x\nRUN uv sync", "/app/x/.venv", id="folder"),
        pytest.param("FROM a\nWORKDIR /app\nRUN uv sync --project b", "/app/b/.venv", id="project"),
        pytest.param("FROM a\nENV UV_PROJECT_ENVIRONMENT=/opt/venv\nRUN uv sync", "/opt/venv", id="variable"),
        pytest.param("FROM a AS b\nWORKDIR /a\nRUN uv sync\nFROM b\nWORKDIR /c", "/a/.venv", id="stage-below"),
        pytest.param("FROM a AS b\nWORKDIR /a\nRUN uv sync\nFROM c\nCOPY --from=b /a/.venv /v", "/v", id="copied"),
        pytest.param("FROM a AS b\nWORKDIR /a\nRUN uv sync\nFROM c\nCOPY --from=0 /a /d", "/d/.venv", id="above-it"),
        pytest.param("FROM a AS b\nWORKDIR /a\nRUN uv sync\nFROM c\nCOPY --from=b /x /d", None, id="something-else"),
        pytest.param("FROM a\nWORKDIR $X\nRUN uv sync", None, id="unknown-folder"),
        pytest.param("FROM a\nRUN cd /x && uv sync", None, id="elsewhere"),
    ],
)
def test_where_the_environment_is(text: str, environment: str | None) -> None:
    build = Build("Dockerfile", text, REPO)

    found = build.environment(build.stages[-1])

    assert found == (None if environment is None else PurePosixPath(environment))


def test_the_lines_of_a_yaml_file() -> None:
    root = read_yaml("x: &x\n  a: 1\n  b: 2\ny:\n  <<: *x\n  b: 3\n", "f.yml")

    assert isinstance(root, Value)
    assert (root.get("y", "a").line, root.get("y", "b").line) == (2, 6)  # type: ignore[union-attr]
    with pytest.raises(UvdockError, match="not valid YAML") as caught:
        read_yaml("a: [", "f.yml")
    assert caught.value.where.startswith("f.yml:")


@pytest.mark.parametrize(
    ("lines", "path", "line"),
    [
        ([".venv"], ".venv", 1),
        (["**/.venv"], ".venv", 1),
        (["**/.venv"], "apps/a/.venv", 1),
        ([".venv"], "apps/a/.venv", None),
        (["/.venv/"], ".venv", 1),
        (["apps"], "apps/a/uv.lock", 1),
        (["*", "!uv.lock"], "uv.lock", None),
        (["# uv.lock", "", "*.lock"], "uv.lock", 3),
        (["!x", "*.lock", "!uv.lock", "uv.*"], "uv.lock", 4),
    ],
)
def test_what_a_dockerignore_keeps_out(lines: list[str], path: str, line: int | None) -> None:
    assert Ignored(lines).line_of(path) == line
    assert Ignored(lines).excludes(path) is (line is not None)


def test_the_json_is_what_the_docs_say(tmp_path: Path) -> None:
    facts = Case("", "", swap=(("Dockerfile", " --locked", ""),)).build(tmp_path)

    made = json.loads(table.to_json(table.examine(facts), facts))

    assert made.keys() == {"schema", "findings", "not_checked"}
    assert made["schema"] == 1
    (finding,) = made["findings"]
    assert (finding["rule"], finding["file"], finding["line"], finding["fixable"]) == (
        "sync-without-locked",
        "Dockerfile",
        10,
        True,
    )
    assert finding["page"] == "uvdock doctor --explain sync-without-locked"
    documented = set(re.findall(r"^\| `(\w+)` \|", DOCS.read_text(), re.MULTILINE))
    assert documented >= finding.keys() | made.keys()


@pytest.mark.parametrize("rule", table.RULES, ids=lambda rule: rule.name)
def test_a_page_has_a_summary_a_reason_a_fault_a_fix_and_a_source(rule: Rule) -> None:
    assert rule.level in get_args(Level)
    summary, why, *_ = rule.page.split("\n\n")
    assert "\n" not in summary
    assert summary.endswith(".")
    assert 20 < len(why) < 400
    assert rule.page.count("```") == 2
    assert "\nFix: " in rule.page
    assert "\nSource: " in rule.page


def test_the_docs_have_every_page_as_it_is() -> None:
    begin = DOCS.read_text().index("## Rules")

    assert DOCS.read_text()[begin:] == table.pages(), "run `inv docs`, which writes it"


@pytest.mark.parametrize("pattern", ["[z-a]", "[[testenv]", "[", "a[", "**/[", "!("])
def test_an_odd_pattern_keeps_nothing_out_and_the_others_count(pattern: str) -> None:
    ignored = Ignored(["build", pattern])
    assert [ignored.excludes(name) for name in ("build", "src", "uv.lock")] == [True, False, False]
    assert (ignored.line_of("build"), ignored.line_of("src")) == (1, None)


WORKFLOWS = {
    f".github/workflows/{name}.yml": CLEAN[".github/workflows/ci.yml"].replace("0.13.8", "0.9.2") for name in "abcde"
}


def test_one_version_in_five_places_is_one_finding(tmp_path: Path) -> None:
    facts = Case("", "", files=WORKFLOWS).build(tmp_path)

    (finding,) = found(facts, "uv-versions-differ")

    assert finding.places == [f"{name}:6" for name in sorted(WORKFLOWS)]
    (told,) = json.loads(table.to_json([finding], facts))["findings"]
    assert told["places"] == [{"file": name, "line": 6} for name in sorted(WORKFLOWS)]
    assert (told["file"], told["line"]) == (min(WORKFLOWS), 6)


def test_two_versions_are_two_findings(tmp_path: Path) -> None:
    name = ".github/workflows/z.yml"
    files = {**WORKFLOWS, name: CLEAN[".github/workflows/ci.yml"].replace("0.13.8", "0.8.1")}
    findings = found(Case("", "", files=files).build(tmp_path), "uv-versions-differ")
    assert [len(finding.places) for finding in findings] == [5, 1]


def test_what_required_version_refuses_is_told_once(tmp_path: Path) -> None:
    wanted = (("pyproject.toml", "dependencies", '[tool.uv]\nrequired-version = ">=0.13"\n[a]\ndependencies'),)
    findings = table.examine(replace(Case("", "", files=WORKFLOWS, swap=wanted).build(tmp_path), host_uv="0.9.2"))
    assert [(item.rule.name, len(item.places)) for item in findings] == [("uv-not-required-version", 6)]


def test_an_environment_under_the_mounts_of_several_services_is_one_finding(tmp_path: Path) -> None:
    compose = "services:\n" + "".join(
        f"  {name}:\n    build: .\n    volumes: ['.:/app']\n" for name in ("web", "worker", "beat")
    )
    swap = (("Dockerfile", "UV_PROJECT_ENVIRONMENT=/home/app", "UV_PROJECT_ENVIRONMENT=/app"),)
    findings = found(
        Case("", "", files={"compose.yaml": compose}, swap=swap).build(tmp_path), "environment-under-mount"
    )
    assert [finding.places for finding in findings] == [["compose.yaml:4", "compose.yaml:7", "compose.yaml:10"]]


def test_a_fix_of_several_places_is_carried_out_in_each(tmp_path: Path) -> None:
    text = CLEAN["Dockerfile"].replace("--locked ", "")
    facts = Case("", "", files={"Dockerfile": text, "other.Dockerfile": text}).build(tmp_path)
    (finding,) = found(facts, "sync-without-locked")
    assert {path.name for path in fix.plan(tmp_path, [finding])} == {"Dockerfile", "other.Dockerfile"}


def test_the_uv_that_came_with_uvdock_is_not_this_machines(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    own = Path(sys.executable).parent
    assert (own / "uv").is_file()
    monkeypatch.setenv("PATH", str(own))
    assert read(tmp_path).host_uv is None
    (tmp_path / "uv").write_text("#!/bin/sh\necho uv 0.9.2\n")
    (tmp_path / "uv").chmod(0o755)
    monkeypatch.setenv("PATH", f"{own}{os.pathsep}{tmp_path}")
    assert read(tmp_path).host_uv == "0.9.2"
