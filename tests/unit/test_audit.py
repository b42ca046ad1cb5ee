"""An audit's answers, read; and every answer that is none is an error."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from uvdock.deps import audit
from uvdock.deps.audit import AuditResult, Vulnerability
from uvdock.errors import UvdockError
from uvdock.process import Output

INDEX = {"registry": "https://index.example/simple"}
LOCK: dict[str, Any] = {
    "version": 1,
    "package": [
        {"name": "app", "version": "0", "source": {"virtual": "."}},
        {"name": "flask", "version": "3.0.0", "source": INDEX},
        {"name": "numpy", "version": "1.26", "source": INDEX},
        {"name": "numpy", "version": "2.0", "source": INDEX},
    ],
}
WHERE = Path("/repo/uv.lock")
#: As uv 0.13.9 prints it.
UVS = {
    "schema": {"version": "preview"},
    "summary": {"audited_packages": 3, "vulnerabilities": 1, "adverse_statuses": 0},
    "vulnerabilities": [
        {
            "dependency": {"name": "flask", "version": "3.0.0"},
            "id": "GHSA-1",
            "display_id": "CVE-1",
            "aliases": ["CVE-1", "PYSEC-1"],
            "summary": "Bad thing",
            "description": None,
            "link": "https://advisories.example/GHSA-1",
            "fix_versions": ["3.1.4"],
        }
    ],
    "adverse_statuses": [],
}
CLEAN = {**UVS, "summary": {"audited_packages": 3}, "vulnerabilities": []}
#: As pip-audit 2.10 prints it.
PIPS = {
    "dependencies": [
        {
            "name": "flask",
            "version": "3.0.0",
            "vulns": [{"id": "CVE-1", "aliases": ["GHSA-1"], "fix_versions": ["3.1.4"], "description": "Bad\nthing"}],
        },
        {"name": "numpy", "version": "1.26", "vulns": []},
    ],
    "fixes": [],
}
NO_AUDIT = Output(2, b"", b"error: unrecognized subcommand 'audit'\n\nUsage: uv ...")


class Runner:
    """Gives one answer after the other, and notes what it was asked."""

    def __init__(self, *answers: Output) -> None:
        self.answers = list(answers)
        self.calls: list[tuple[list[str], dict[str, bytes]]] = []

    def __call__(self, args: list[str], files: dict[str, bytes]) -> Output:
        self.calls.append((args, files))
        return self.answers.pop(0)


def _answer(code: int, data: object, error: str = "") -> Output:
    return Output(code, json.dumps(data).encode(), error.encode())


def test_by_uv() -> None:
    run = Runner(_answer(1, UVS))

    result = audit.audit(LOCK, WHERE, run, ignore=["GHSA-9"], service="https://osv.example")

    found = Vulnerability(
        "flask", "3.0.0", "CVE-1", ("PYSEC-1",), "Bad thing", ("3.1.4",), "https://advisories.example/GHSA-1"
    )
    assert result == AuditResult("uv audit", 3, (found,))
    args = [
        "audit",
        "--frozen",
        "--output-format",
        "json",
        "--ignore",
        "GHSA-9",
        "--service-url",
        "https://osv.example",
    ]
    assert run.calls == [(args, {})]
    told = json.loads(audit.to_json(result))
    assert (told["schema"], told["audited"], told["vulnerabilities"][0]["fixed_in"]) == (1, 3, ["3.1.4"])


def test_a_clean_answer() -> None:
    assert audit.audit(LOCK, WHERE, Runner(_answer(0, CLEAN))) == AuditResult("uv audit", 3)


def test_by_pip_audit_where_uv_cannot_in_as_many_lists_as_there_are_versions() -> None:
    second = {"dependencies": [{"name": "numpy", "version": "2.0", "vulns": []}]}
    run = Runner(NO_AUDIT, _answer(1, PIPS), _answer(0, second))

    result = audit.audit(LOCK, WHERE, run, ignore=["GHSA-9"], service="https://osv.example/")

    assert (result.tool, result.audited) == ("pip-audit", 3)
    assert result.vulnerabilities == (Vulnerability("flask", "3.0.0", "CVE-1", ("GHSA-1",), "Bad", ("3.1.4",)),)
    lists = [files["uvdock-audit.txt"].decode().split() for _, files in run.calls[1:]]
    assert lists == [["flask==3.0.0", "numpy==1.26"], ["numpy==2.0"]]
    assert run.calls[1][0][-3:] == ["osv", "--osv-url", "https://osv.example/v1/query"]
    assert run.calls[1][0][-6:-4] == ["--ignore-vuln", "GHSA-9"]


@pytest.mark.parametrize(
    "answers",
    [
        pytest.param([Output(2, b"", b"error: Request failed after 3 retries")], id="no-network"),
        pytest.param([Output(0, b"", b"")], id="nothing-said"),
        pytest.param([Output(0, b"All good!", b"")], id="another-form"),
        pytest.param([_answer(0, {**CLEAN, "schema": {"version": "2"}})], id="another-schema"),
        pytest.param([_answer(0, {**CLEAN, "summary": {"audited_packages": 2}})], id="not-all-of-them"),
        pytest.param([_answer(1, CLEAN)], id="a-code-without-a-reason"),
        pytest.param([_answer(0, UVS)], id="a-vulnerability-and-a-good-code"),
        pytest.param([Output(137, b"", b"")], id="killed"),
        pytest.param([NO_AUDIT, Output(1, b"", b"Traceback\nConnectionError: no")], id="pip-audit-no-network"),
        pytest.param([NO_AUDIT, Output(0, b"[]", b"")], id="pip-audit-another-form"),
        pytest.param(
            [NO_AUDIT, _answer(0, {"dependencies": [{"name": "flask", "skip_reason": "not found"}]})],
            id="pip-audit-left-one-out",
        ),
        pytest.param(
            [NO_AUDIT, _answer(0, {"dependencies": []}), _answer(0, {"dependencies": []})], id="pip-audit-not-all"
        ),
    ],
)
def test_what_is_no_answer_is_an_error(answers: Sequence[Output]) -> None:
    with pytest.raises(UvdockError, match="could not be done") as caught:
        audit.audit(LOCK, WHERE, Runner(*answers))

    assert caught.value.code == audit.NOT_DONE


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.sampled_from([*UVS, "dependencies", "version"]), inner),
    )
)
def test_any_answer_is_read_or_refused(data: object) -> None:
    text = json.dumps(data)
    assert audit.parse_uv(text) is None
    assert audit.parse_uv(text[1:]) is None
    parsed = audit.parse_pip_audit(text)
    assert parsed is None or parsed[0].audited == 0
