"""The settings of other tools: what becomes of each, and that nothing else in it changes."""

from __future__ import annotations

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
