"""The settings of other tools: what becomes of each, and that nothing else in it changes."""

from __future__ import annotations

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
