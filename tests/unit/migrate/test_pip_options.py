"""Every option of pip is in the table, each line of the table does what it says, and the docs are the table."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import Literal

import pytest

from tests.conftest import REPO
from tests.unit.migrate.cases import SCRIPT
from tests.unit.migrate.pip_options import COMMAND, IN_FILES, OLD, Case, Command, page
from tests.unit.migrate.test_shell import PLAIN
from tests.unit.migrate.uv import converted, manifest
from uvdock.formats.requirements import BESIDE, GLOBAL, GONE
from uvdock.migrate.commands import pip, rewrite
from uvdock.migrate.commands.environment import instead
from uvdock.migrate.commands.pip import INSTEAD
from uvdock.migrate.discover.options import is_pypi

#: What `pip install --help` of pip 26.3 lists, which is its documentation (the pages are made from the same).
INSTALL = set(
    """
    --abi --all-releases --break-system-packages --build-constraint --cache-dir --cert --check-build-dependencies
    --client-cert --compile --config-settings --constraint --debug --disable-pip-version-check --dry-run
    --editable --exists-action --extra-index-url --find-links --force-reinstall --group --help --ignore-installed
    --ignore-requires-python --implementation --index-url --isolated --keyring-provider --log --no-binary
    --no-build-isolation --no-cache-dir --no-clean --no-color --no-compile --no-deps --no-index --no-input
    --no-proxy-env --no-require-hashes --no-warn-conflicts --no-warn-script-location --only-binary --only-deps
    --only-final --platform --pre --prefer-binary --prefix --progress-bar --proxy --python --python-version
    --quiet --refresh-package --report --require-hashes --require-virtualenv --requirement
    --requirements-from-script --resume-retries --retries --root --root-user-action --src --target --timeout
    --trusted-host --upgrade --upgrade-strategy --uploaded-prior-to --use-deprecated --use-feature --user
    --verbose
    """.split()  # noqa: SIM905 - a list of words reads better as one
)
#: Options of an older pip's help that newer ones no longer have.
OLDER = {"--global-option", "--version", "--no-python-version-warning", "--use-pep517", "--no-use-pep517"}
TABLE = {case.option for case in (*IN_FILES, *OLD, *COMMAND)}
#: What a command is after pip's words, for each way.
WAYS = {"locked": ("-r requirements.txt", "uv sync --locked --no-dev", ""), "single": ("six", "uv pip install", " six")}
REPO_FILES = {
    "base.txt": "idna\n",
    "constraints.txt": "click<9  # why\n",
    "lib/pyproject.toml": '[project]\nname = "lib"\nversion = "1"\n',
    "Dockerfile": "FROM python:3.11-slim\n",
}


def test_every_option_of_pips_documentation_is_in_the_table_once() -> None:
    assert INSTALL <= TABLE
    assert {case.option for case in COMMAND} >= INSTALL
    assert len({case.option for case in COMMAND}) == len(COMMAND)
    assert len({case.option for case in (*IN_FILES, *OLD)}) == len(IN_FILES) + len(OLD)
    assert OLDER | GONE.keys() | BESIDE.keys() >= TABLE - INSTALL


def test_every_option_of_the_pip_at_hand_is_in_the_table() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "pip", "install", "--help"], capture_output=True, text=True, check=False
    )
    if done.returncode:
        pytest.skip("there is no pip in this environment")
    listed = set(re.findall(r"^ {2}(?:-\w, )?(--[a-z0-9-]+)", done.stdout, re.MULTILINE))
    assert len(listed) > 50
    assert listed <= TABLE


def test_what_files_may_have_is_what_the_parser_knows() -> None:
    assert {case.option for case in IN_FILES} == {*GLOBAL, "--hash", "--config-settings"} - {"--pypi-url"}
    assert {case.option for case in OLD} <= {*BESIDE, *GONE}


@pytest.mark.parametrize("case", [*IN_FILES, *OLD], ids=lambda case: case.option)
def test_an_option_becomes_what_the_table_says(case: Case, tmp_path: Path) -> None:
    made = converted(tmp_path / "app", {**REPO_FILES, "requirements.txt": f"{case.line}\nflask\n"})
    text = manifest(made)
    assert '"flask",' in text
    assert case.manifest in text
    findings = [one for one in made.findings if one.path == Path("requirements.txt") and one.line == 1]
    assert bool(findings) == bool(case.finding)
    if case.finding:
        assert case.finding in findings[0].what
        assert (findings[0].level != "note") == (case.fate == "named")
    stays = not any(edit.path == Path("requirements.txt") for edit in made.edits)
    assert stays == (case.fate == "named"), "what is not taken over stays where it is"


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("case", COMMAND, ids=lambda case: case.option)
def test_an_option_of_a_command_becomes_what_the_table_says(case: Command, way: Literal["locked", "single"]) -> None:
    tail, program, end = WAYS[way]
    before = f"pip install {case.option}{' ' if case.value else ''}{case.value} {tail}"
    expected = case.locked if way == "locked" else case.single

    made = rewrite.convert(before, PLAIN, SCRIPT)

    if expected is None:
        assert (made.text, made.left) == (before, True)
        assert made.findings[0].instead
        return
    if "uv " not in expected:
        variable = re.fullmatch(r"[A-Z_]+=\S+", expected)
        expected = f"{expected} {program}{end}" if variable else f"{program} {expected}".rstrip() + end
    assert made.text == expected
    assert not made.left


def test_every_option_that_is_named_says_what_instead() -> None:
    named = {name for name, (_, *meanings) in pip.OPTIONS.items() if "left" in meanings}
    assert named | {"--all-releases", "--only-final"} == INSTEAD.keys()


def test_the_docs_have_the_table_as_it_is() -> None:
    assert (REPO / "docs" / "migrate-pip-options.md").read_text() == page(), "run `inv docs`, which writes it"


@pytest.mark.parametrize(
    ("host", "path", "known"),
    [
        (("pypi", "org"), "/simple", True),
        (("pypi", "python", "org"), "/simple/", True),
        (("pypi", "org"), "/pypi", False),
        (("mirror", "pypi", "org"), "/simple", False),
        (("index", "example"), "/simple", False),
    ],
)
def test_pips_own_index_is_known_by_every_name_it_had(host: tuple[str, ...], path: str, known: bool) -> None:
    for scheme in ("http", "https"):
        url = f"{scheme}://{'.'.join(host)}{path}"
        assert is_pypi(url) is known
        assert (instead("PIP_INDEX_URL", url, PLAIN) == "") is known
