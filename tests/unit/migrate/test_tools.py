"""The settings of other tools: what becomes of each, and that nothing else in it changes."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from tests.unit.migrate import facts as migrate_facts
from tests.unit.migrate.converted import check, run, told
from uvdock.migrate.model import Converted


def test_a_folder_of_requirements_is_its_projects_for_dependabot() -> None:
    facts = migrate_facts.facts({"requirements/docs.txt": "mkdocs\n"})
    before = "updates:\n  - package-ecosystem: 'pip'\n    directory: '{}/'\n"
    made = run("dependabot", before.format("requirements"), facts)
    assert made == Converted("updates:\n  - package-ecosystem: 'uv'\n    directory: '/'\n")
    assert told(run("dependabot", before.format("elsewhere"), facts)) != []


SETTINGS = [
    pytest.param(
        "dependabot",
        """
        version: 2
        updates:
          - package-ecosystem: "pip"  # ours
            directory: "/"
          - package-ecosystem: pip
            directory: /api/
          - package-ecosystem: docker
            directory: /
        """,
        """
        version: 2
        updates:
          - package-ecosystem: "uv"  # ours
            directory: "/"
          - package-ecosystem: uv
            directory: /api/
          - package-ecosystem: docker
            directory: /
        """,
        id="dependabot",
    ),
    pytest.param(
        "pre-commit",
        """
        repos:
          - repo: https://github.com/jazzband/pip-tools
            rev: 7.4.1
            hooks:
              - id: pip-compile
        """,
        """
        repos:
          - repo: https://github.com/astral-sh/uv-pre-commit
            rev: "0.13.8"
            hooks:
              - id: uv-lock
        """,
        id="pre-commit",
    ),
    pytest.param(
        "tox",
        """
        [tox]
        envlist = py312

        [testenv]
        deps =
            -r requirements.txt
            -rrequirements/docs.txt
        commands = pytest

        [testenv:dev]
        deps = -r{toxinidir}/requirements-dev.txt
        """,
        """
        [tox]
        requires =
            tox-uv>=1
        envlist = py312

        [testenv]
        runner = uv-venv-lock-runner
        dependency_groups =
            docs
        commands = pytest

        [testenv:dev]
        runner = uv-venv-lock-runner
        dependency_groups =
            dev
        """,
        id="tox",
    ),
]


@pytest.mark.parametrize(("kind", "before", "after"), SETTINGS)
def test_settings_of_other_tools(kind: str, before: str, after: str) -> None:
    check(kind, before, after)


def test_settings_that_stay_are_told() -> None:
    content = "[testenv]\ndeps =\n    pytest\n    -r requirements.txt\n"
    made = run("tox", content)
    assert (made.content, told(made)) == (
        content,
        [(2, "tox installs a requirements file here, with something else beside it")],
    )
    content = "updates:\n- package-ecosystem: pip\n  directory: /elsewhere\n"
    made = run("dependabot", content)
    assert (made.content, [line for line, _ in told(made)]) == (content, [2])
    content = "repos:\n- repo: https://github.com/jazzband/pip-tools\n  hooks:\n  - id: pip-compile\n    args: [x]\n"
    made = run("pre-commit", content)
    assert (made.content, [line for line, _ in told(made)]) == (content, [4])


WATCHED = [
    ("- require*ts.txt", "- pyproject.toml\n  - uv.lock"),
    ("- requirements/**", "- pyproject.toml\n  - uv.lock"),
    ("- requirements/**/*.txt", "- pyproject.toml\n  - uv.lock"),
    ("- '**/requirements.txt'", "- '**/pyproject.toml'\n  - '**/uv.lock'"),
    ("- src/**\n  - '!requirements.txt'", "- src/**\n  - '!pyproject.toml'\n  - '!uv.lock'"),
    ("- requirements.txt\n  - uv.lock\n  - pyproject.toml", "- uv.lock\n  - pyproject.toml"),
    # What stays is looked at too.
    ("- requirements-*.txt", "- requirements-*.txt\n  - pyproject.toml\n  - uv.lock"),
    ("- api/**", "- api/**"),
    ("- '**'\n  - docs/*.txt", "- '**'\n  - docs/*.txt"),
    ("- tests/requirements.txt", "- tests/requirements.txt"),
]


@pytest.mark.parametrize(("before", "after"), WATCHED)
def test_who_looked_at_requirements_looks_at_the_manifests(before: str, after: str) -> None:
    names = ("requirements.txt", "requirements-dev.txt", "requirements/docs.txt", "api/requirements.txt", "api/main.py")
    facts = migrate_facts.facts(dict.fromkeys((*names, "docs/a.txt"), ""), kept=frozenset({Path(names[1])}))
    for kind, head in (("labeler", "deps:\n  "), ("workflow", "on:\n push:\n  paths:\n  ")):
        text = f"{head}{before}\njobs: {{}} # pip\n"
        assert run(kind, text, facts) == Converted(text.replace(before, after))
    new = "deps:\n- changed-files:\n  any-glob-to-any-file:\n  "
    assert run("labeler", f"{new}{before}\n", facts).content == f"{new}{after}\n"
    assert told(run("labeler", "deps: [requirements.txt]\n", facts)) == [
        (1, "the labeler looks at requirements.txt, and dependencies are in pyproject.toml and uv.lock now")
    ]


READ_THE_DOCS = [
    ("- requirements: requirements/docs.txt", "- method: uv\n    command: sync\n    groups:\n      - docs"),
    (
        "# all\n  - requirements: requirements.txt\n  - requirements: ./requirements/docs.txt",
        "- method: uv\n    command: sync\n    groups:\n      - docs",
    ),
    ("- requirements: requirements.txt  # all", "- method: uv\n    command: sync"),
]


@pytest.mark.parametrize(("before", "after"), READ_THE_DOCS)
def test_read_the_docs_syncs(before: str, after: str) -> None:
    text = "version: 2\npython:\n  install:\n  {}\nsphinx:\n  configuration: docs/conf.py\n"
    assert told(check("read-the-docs", text.format(before), text.format(after))) == []


@pytest.mark.parametrize(
    ("steps", "line"),
    [
        ("- requirements: docs/requirements.txt", 0),
        ("- method: pip\n    path: .", 0),
        ("- requirements: requirements/docs.txt\n  - method: pip\n    path: .", 4),
        ("- requirements: requirements/docs.txt\n  - requirements: docs/more.txt", 4),
        ("- {requirements: requirements/docs.txt}", 4),
    ],
)
def test_what_read_the_docs_installs_otherwise_stays(steps: str, line: int) -> None:
    text = f"version: 2\npython:\n  install:\n  {steps}\n"
    made = run("read-the-docs", text)
    assert (made.content, [at for at, _ in told(made)]) == (text, [line] if line else [])


def test_read_the_docs_installs_the_package_with_its_requirements() -> None:
    facts = migrate_facts.facts()
    facts = replace(facts, projects=(replace(facts.projects[0], package=True),))
    before = "python:\n  install:\n    - requirements: requirements/docs.txt\n    - method: pip\n      path: .\n"
    after = "python:\n  install:\n    - method: uv\n      command: sync\n      groups:\n        - docs\n"
    check("read-the-docs", before, after, facts)


def test_a_file_that_is_there_means_no_other_of_its_name() -> None:
    facts = migrate_facts.facts({"docs/requirements.txt": "sphinx\n", "requirements.txt": "flask\n"})
    text = "[testenv:docs]\ndeps = -r docs/requirements.txt\n"
    made = run("tox", text, facts)
    assert (made.content, [at for at, _ in told(made)]) == (text, [2])
