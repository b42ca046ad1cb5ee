"""Shell texts with pip, form by form, and every option of pip."""

from __future__ import annotations

import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from tests.unit.migrate import facts as migrate_facts
from tests.unit.migrate.cases import BUILD, CASES, SCRIPT, Case
from tests.unit.migrate.test_laws import FACTS
from uvdock.deps.uvcommand import subcommand
from uvdock.migrate.commands import pip, rewrite
from uvdock.migrate.commands.context import ExecutionContext
from uvdock.migrate.commands.sync import merged
from uvdock.migrate.model import Install, ProjectFacts, RepoFacts

PLAIN = replace(FACTS, projects=(ProjectFacts(Path(), package=False, requires_python=""),))


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.before)
def test_a_form(case: Case) -> None:
    made = rewrite.convert(case.before, PLAIN, case.place)

    assert made.text == (case.before if case.after is None else case.after)
    assert tuple(f"{finding.level}: {finding.what}" for finding in made.findings) == case.told
    again = rewrite.convert(made.text, PLAIN, case.place)
    assert again.text == made.text


@pytest.mark.parametrize(
    "text",
    [
        'echo "a\n$(\n  HERE\n)"',
        "a=$(cat <<X\nHERE\nX\n)",
        "a=(\n  b\n  HERE\n)",
        "a 'b\nHERE\nc'",
        'a "b\nHERE"',
        "diff <(\nHERE) x",
        "cat <<X\na\nHERE\nX",
        "(( $(\nHERE) ))",
        "echo `\nHERE\n`",
    ],
)
def test_what_stays_is_told_at_its_own_line(text: str) -> None:
    text = text.replace("HERE", "pip install six")

    made = rewrite.convert(text, FACTS, replace(SCRIPT, line=5))

    assert made.text == text
    assert ["pip install six" in text.split("\n")[one.line - 5] for one in made.findings] == [True]
    assert "\n" not in made.findings[0].what


@pytest.mark.parametrize("option", sorted(pip.OPTIONS))
@pytest.mark.parametrize("wanted", ["-r requirements.txt", "flask"])
def test_every_option_of_pip_is_kept_translated_or_named(option: str, wanted: str) -> None:
    value = {
        "--requirement": " requirements.txt",
        "--group": " dev",
        "--editable": " .",
        "--constraint": " requirements.txt",
    }
    given = option + (value.get(option, " value") if pip.OPTIONS[option][0] else "")
    meaning = pip.meaning(option, locked=wanted != "flask")

    made = rewrite.convert(f"pip install {given} {wanted}", PLAIN, BUILD)

    left = [finding for finding in made.findings if finding.level == "left"]
    if meaning.startswith("-"):
        assert meaning in made.text
        assert not left
    elif meaning == "left":
        assert made.text == f"pip install {given} {wanted}"
        assert option in left[0].what
        assert left[0].instead
    elif meaning == "drop":
        assert option not in made.text
        assert made.text.startswith("uv ")
    else:
        assert left or re.match(r"(?:[A-Z_]+=\S+ )*uv ", made.text)


def test_no_option_of_pip_is_unknown() -> None:
    asked = subprocess.run(
        [sys.executable, "-m", "pip", "install", "--help"], capture_output=True, text=True, check=True, timeout=60
    )
    options = set(re.findall(r"^  (?:-\w, )?(--[a-z0-9-]+)", asked.stdout, re.MULTILINE))

    assert len(options) > 50
    assert options <= set(pip.OPTIONS)


@pytest.mark.parametrize("locked", [True, False])
def test_the_options_that_take_their_place_are_uvs(locked: bool) -> None:
    command = ["uv", "sync", "--help"] if locked else ["uv", "pip", "install", "--help"]
    asked = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60).stdout

    used = {pip.meaning(option, locked=locked).partition("=")[0] for option in pip.OPTIONS}

    # `--no-compile-bytecode` and the like are uv's too, and not listed.
    hidden = {"--no-compile-bytecode"}
    assert {option for option in used if option.startswith("-")} - hidden <= set(re.findall(r"--[a-z-]+", asked))


@pytest.mark.parametrize(
    ("flags", "expected"),
    [
        ([("--no-dev",), ()], ()),
        ([("--no-dev",), ("--no-dev", "--group", "docs")], ("--no-dev", "--group", "docs")),
        ([("--no-dev",), ("--only-group", "dev")], ()),
        ([("--no-dev",), ("--only-group", "docs")], ("--no-dev", "--group", "docs")),
        ([("--only-group", "docs")], ("--only-group", "docs")),
        ([("--only-group", "docs"), ("--only-group", "test")], ("--only-group", "docs", "--only-group", "test")),
        ([(), ("--extra", "web")], ("--extra", "web")),
        ([("--no-dev", "--extra", "web"), ("--no-dev", "--extra", "web", "--no-default-groups")],
         ("--no-dev", "--extra", "web", "--no-default-groups")),
    ],
)  # fmt: skip
def test_what_several_files_stood_for(flags: list[tuple[str, ...]], expected: tuple[str, ...]) -> None:
    assert merged([Install(Path(), one) for one in flags]) == expected


@pytest.mark.parametrize(
    ("words", "expected", "left"),
    [
        (["pip", "install", "-r", "requirements.txt"], ["uv", "sync", "--locked", "--no-dev"], False),
        (["sh", "-c", "pip install -r requirements.txt; app"], ["sh", "-c", "uv sync --locked --no-dev; app"], False),
        (["python", "app.py"], ["python", "app.py"], False),
        (["pip", "install", "-U", "pip"], [], False),
        (["pip", "install", "-r", "requirements.txt", "x"], ["pip", "install", "-r", "requirements.txt", "x"], True),
        (["/opt/venv/bin/pip", "install", "-r", "requirements.txt"],
         ["env", "UV_PROJECT_ENVIRONMENT=/opt/venv", "uv", "sync", "--locked", "--no-dev"], False),
    ],
)  # fmt: skip
def test_words_that_no_shell_reads(words: list[str], expected: list[str], left: bool) -> None:
    after, made = rewrite.convert_words(words, PLAIN, SCRIPT)

    assert after == expected
    assert made.left is left


def test_a_comment_between_commands_of_which_none_stays_is_in_the_changes() -> None:
    made = rewrite.convert("rm -rf /root/.cache \\\n    # why\n    && pip install -U pip", PLAIN, BUILD)
    assert made.text == ""
    assert [change.text.strip() for change in made.changes] == ["# why"]


def test_a_finding_has_the_line_of_the_file() -> None:
    place = replace(SCRIPT, line=40)

    made = rewrite.convert("set -e\n\npip install $PACKAGES\n", PLAIN, place)

    assert [finding.line for finding in made.findings] == [42]


def test_a_package_is_not_installed_by_a_sync_of_its_dependencies() -> None:
    facts = RepoFacts(FACTS.files, FACTS.projects, FACTS.installs, FACTS.uv)
    text = "pip install -r requirements.txt && pip install ."

    made = rewrite.convert(text, facts, SCRIPT)

    first, second = made.text.split(" && ")
    assert first == "uv sync --locked --no-install-project --no-dev"
    assert second == "uv sync --locked --no-editable --no-dev"
    assert subcommand(second.split()[1:]) == "sync"


def test_several_projects() -> None:
    facts = RepoFacts(
        {},
        tuple(ProjectFacts(Path(name), package=False, requires_python="") for name in ("api", "web")),
        {Path(f"{name}/requirements.txt"): Install(Path(name)) for name in ("api", "web")},
        "0.13.8",
    )

    made = rewrite.convert("pip install -r api/requirements.txt -r web/requirements.txt", facts, SCRIPT)

    assert made.text == "uv sync --project api --locked && uv sync --project web --locked --inexact"


@pytest.mark.parametrize(
    ("line", "after", "told"),
    [
        ("pip install -r requirements.txt", "uv sync --locked --no-dev", 0),
        ("sh -c 'pip install -r requirements.txt && flask run'", "sh -c 'uv sync --locked --no-dev && flask run'", 0),
        ("gunicorn app:app", "gunicorn app:app", 0),
        ("pip install -r requirements.txt && flask run", "pip install -r requirements.txt && flask run", 1),
    ],
)
def test_a_line_that_no_shell_reads(line: str, after: str, told: int) -> None:
    made = rewrite.convert_line(line, migrate_facts.facts(), ExecutionContext(Path("compose.yaml")))
    assert (made.text, len(made.findings)) == (after, told)


def test_variables_are_set_without_a_shell_by_env() -> None:
    place = ExecutionContext(Path("compose.yaml"), environment="/opt/venv")
    after = "env UV_PROJECT_ENVIRONMENT=/opt/venv uv sync --locked --no-dev"
    line = "pip install -r requirements.txt"
    assert rewrite.convert_line(line, migrate_facts.facts(), place).text == after
    assert rewrite.convert_words(line.split(), migrate_facts.facts(), place)[0] == after.split()


SELF = replace(
    FACTS, installs={**FACTS.installs, Path("requirements-self.txt"): Install(Path(), ("--no-dev",), itself=True)}
)


@pytest.mark.parametrize(
    ("line", "after"),
    [
        ("pip install -r requirements-self.txt", "uv sync --locked --inexact --no-dev"),
        # Of the lists that the variable may mean, only one has the project itself in it.
        ("pip install -r requirements-$X.txt", "self) uv sync --locked --inexact --no-dev ;;"),
    ],
)
def test_a_list_that_has_the_project_in_it_installs_it(line: str, after: str) -> None:
    assert after in rewrite.convert(line, SELF, BUILD).text


def test_a_list_that_has_the_project_in_it_installs_it_where_nothing_can_be_synced() -> None:
    system = replace(BUILD, environment="system")
    made = rewrite.convert("pip install -r requirements-self.txt", SELF, system).text
    assert made.endswith("uv pip install --system --break-system-packages --no-deps --editable .")
    assert rewrite.convert("pip install -t lib -r requirements-self.txt", SELF, SCRIPT).left


def test_setup_py_is_left_where_its_environment_is_not_known() -> None:
    made = rewrite.convert("python setup.py install", FACTS, replace(BUILD, environment="?"))
    assert made.text == "python setup.py install"
    assert made.findings[0].what == "uvdock cannot tell where pip installs to here"


def test_a_list_by_a_variable_is_a_group_of_that_name_unless_one_without_is_meant() -> None:
    line = "pip install -r requirements/$KIND.txt\n"
    files = {"requirements/base.txt": "", "requirements/docs.txt": "", "x.yaml": "    KIND: docs\n"}
    known = migrate_facts.facts(files)
    installs = {**known.installs, Path("requirements/base.txt"): Install(Path(), ("--no-dev",))}
    facts = replace(known, installs=installs)
    place = ExecutionContext(Path("x"))
    assert rewrite.convert(line, facts, place).text == 'uv sync --locked --no-dev --group "${KIND}"\n'
    meant = replace(facts, files={**facts.files, Path("x.yaml"): "    KIND: base\n"})
    assert "base) uv sync --locked --no-dev ;;" in rewrite.convert(line, meant, place).text
