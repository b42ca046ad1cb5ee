"""What a uv command line is about, and which uv is too old for it."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from uvdock.deps import uvcommand
from uvdock.process import Output


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        pytest.param("add flask", "add", id="first-word"),
        pytest.param("--no-cache add flask", "add", id="after-a-flag"),
        pytest.param("--directory lock sync", "sync", id="value-that-is-a-subcommand"),
        pytest.param("--project=lock sync", "sync", id="value-with-equals"),
        pytest.param("--color never --config-file x tree", "tree", id="several-values"),
        pytest.param("--version", "", id="only-an-option"),
        pytest.param("--directory", "", id="value-missing"),
        pytest.param("", "", id="nothing"),
    ],
)
def test_subcommand(line: str, expected: str) -> None:
    assert uvcommand.subcommand(line.split()) == expected


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        pytest.param("add flask", True, id="add"),
        pytest.param("remove flask", True, id="remove"),
        pytest.param("--project x add flask", True, id="option-before"),
        pytest.param("add flask --no-sync", False, id="no-sync"),
        pytest.param("add --frozen flask", False, id="frozen"),
        pytest.param("remove --dry-run flask", False, id="dry-run"),
        pytest.param("add --help", False, id="help"),
        pytest.param("add -- --no-sync", True, id="option-that-is-a-word"),
        pytest.param("lock", False, id="lock"),
        pytest.param("sync", False, id="sync"),
        pytest.param("", False, id="nothing"),
    ],
)
def test_syncs(line: str, expected: bool) -> None:
    assert uvcommand.syncs(line.split()) is expected


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        pytest.param("sync", True, id="sync"),
        pytest.param("sync --no-dev", True, id="sync-with-option"),
        pytest.param("sync --frozen", False, id="frozen"),
        pytest.param("sync --locked", False, id="locked"),
        pytest.param("sync --check", False, id="check"),
        pytest.param("sync --script x.py", False, id="script"),
        pytest.param("add flask", False, id="add"),
    ],
)
def test_may_lock(line: str, expected: bool) -> None:
    assert uvcommand.may_lock(line.split()) is expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("uv 0.13.8 (x86_64-unknown-linux-gnu)", (0, 13, 8), id="with-platform"),
        pytest.param("uv 0.6.0\n", (0, 6, 0), id="plain"),
        pytest.param("uv 1.0", (1, 0), id="two-numbers"),
        pytest.param("pip 24.0", (), id="another-program"),
        pytest.param("uv", (), id="no-number"),
        pytest.param("sh: uv: not found", (), id="not-there"),
        pytest.param("", (), id="nothing"),
    ],
)
def test_parse_version(text: str, expected: tuple[int, ...]) -> None:
    assert uvcommand.parse_version(text) == expected


@pytest.mark.parametrize(
    ("line", "version", "what"),
    [
        pytest.param("add flask", (0, 5, 30), "uv 0.5.30 is too old: uvdock needs 0.6 or newer", id="too-old-at-all"),
        pytest.param("audit", (0, 10, 9), "`uv audit`, which needs 0.11", id="audit"),
        pytest.param("upgrade", (0, 12), "`uv upgrade`, which needs 0.13", id="upgrade"),
        pytest.param("tree --outdated --format json", (0, 12), "`uv tree --format`, which needs 0.13", id="format"),
        pytest.param("tree --outdated", (0, 12), None, id="tree-as-text"),
        pytest.param("audit", (0, 11, 0), None, id="just-new-enough"),
        pytest.param("add flask", (0, 6, 0), None, id="oldest"),
        pytest.param("run audit", (0, 6, 0), None, id="word-of-another-command"),
        pytest.param("upgrade", (), None, id="version-unknown"),
    ],
)
def test_too_old(line: str, version: tuple[int, ...], what: str | None) -> None:
    problem = uvcommand.too_old(line.split(), version, "the image")
    if what is None:
        assert problem is None
    else:
        assert problem is not None
        assert what in problem.what
        assert problem.where == "the image"
        assert "ghcr.io/astral-sh/uv:" in problem.fix


BUILD = """\
Using CPython 3.13.5
error: Failed to generate package metadata for `app`
  cause: The build backend returned an error

         [stdout]
         running egg_info

         [stderr]
         Traceback (most recent call last):
           File "<string>", line 14, in <module>
         ValueError: invalid pyproject.toml config

hint: Build failures usually indicate a problem with the package
"""
BUILT = """\
Failed to generate package metadata for `app`
  cause: The build backend returned an error

         ValueError: invalid pyproject.toml config
hint: Build failures usually indicate a problem with the package"""
REFUSED = "× No solution found when resolving dependencies:\n╰─▶ Because a needs b, we can conclude that …"
FETCHED = "error: Failed to fetch: `https://index.example/simple/a/`\n  cause: dns error"
DOCKER = "Cannot connect to the Docker daemon at unix:///var/run/docker.sock. Is the docker daemon running?"


@pytest.mark.parametrize(
    ("code", "text", "told", "refusal"),
    [
        pytest.param(1, REFUSED, REFUSED.removeprefix("× "), True, id="no-solution"),
        pytest.param(1, f"Using CPython 3.13.5\n{REFUSED}", REFUSED, True, id="no-solution-behind-a-line"),
        pytest.param(1, BUILD, BUILT, False, id="build"),
        pytest.param(2, FETCHED, FETCHED.removeprefix("error: "), False, id="network"),
        pytest.param(1, DOCKER, DOCKER, False, id="engine"),
        pytest.param(1, "", "", False, id="nothing"),
    ],
)
def test_what_uv_says_of_a_failure(code: int, text: str, told: str, refusal: bool) -> None:
    output = Output(code, b"", text.encode())
    assert uvcommand.words(output) == told.removeprefix("× ")
    assert uvcommand.is_refusal(output) is refusal


@given(st.lists(st.text()))
def test_any_command_line_is_read_without_an_error(args: list[str]) -> None:
    assert uvcommand.subcommand(args) in {"", *args}
    assert isinstance(uvcommand.syncs(args), bool)
    assert isinstance(uvcommand.may_lock(args), bool)


@given(st.text())
@example("0.²")
def test_any_answer_is_read_without_an_error(text: str) -> None:
    assert all(part >= 0 for part in uvcommand.parse_version(f"uv {text}"))
