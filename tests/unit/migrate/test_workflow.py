"""Workflows: what becomes of each, and that nothing else in it changes."""

from __future__ import annotations

import pytest

from tests.unit.migrate import facts as migrate_facts
from tests.unit.migrate.converted import check, run, text, told
from uvdock.migrate.converters import workflow
from uvdock.migrate.model import Converted

SETUP = f"uses: {workflow.SETUP_UV}"


WORKFLOWS = [
    pytest.param(
        """
        name: ci
        on: [push]
        jobs:
          test:
            runs-on: ubuntu-latest
            strategy:
              matrix:
                python-version: ["3.11", "3.12"]
            steps:
              - uses: actions/checkout@v4
              # The Python of the matrix
              - name: Set up Python
                uses: actions/setup-python@v5
                with:
                  python-version: ${{ matrix.python-version }}  # each
                  cache: pip
                  cache-dependency-path: |
                    requirements.txt
                    requirements-dev.txt
              - name: Upgrade pip
                run: python -m pip install --upgrade pip

              - name: Install
                run: |
                  python -m pip install --upgrade pip
                  pip install -r requirements-dev.txt
              - run: pytest
        """,
        f"""
        name: ci
        on: [push]
        jobs:
          test:
            runs-on: ubuntu-latest
            strategy:
              matrix:
                python-version: ["3.11", "3.12"]
            steps:
              - uses: actions/checkout@v4
              # The Python of the matrix
              - name: Set up Python
                {SETUP}
                with:
                  version: "0.13.8"
                  python-version: ${{{{ matrix.python-version }}}}  # each
                  enable-cache: true
                  activate-environment: true

              - name: Install
                run: |
                  uv sync --locked
              - run: pytest
        """,
        id="matrix",
    ),
    pytest.param(
        """
        on:
          push:
            paths:
              - requirements.txt
              - "src/**"
        jobs:
          test:
            runs-on: ubuntu-latest
            defaults: {run: {working-directory: api}}
            steps:
              - uses: actions/setup-python@v5
              - uses: actions/cache@v4
                with:
                  path: ~/.cache/pip
                  key: pip-${{ hashFiles('requirements.txt') }}
              - uses: actions/cache@v4
                with:
                  path: .mypy_cache
                  key: mypy-${{ hashFiles('**/requirements*.txt') }}
              - run: pip install -r requirements.txt
        """,
        f"""
        on:
          push:
            paths:
              - pyproject.toml
              - uv.lock
              - "src/**"
        jobs:
          test:
            runs-on: ubuntu-latest
            defaults: {{run: {{working-directory: api}}}}
            steps:
              - {SETUP}
                with:
                  version: "0.13.8"
                  enable-cache: true
                  activate-environment: true
                  working-directory: api
              - uses: actions/cache@v4
                with:
                  path: .mypy_cache
                  key: mypy-${{{{ hashFiles('**/uv.lock') }}}}
              - run: uv sync --locked --no-dev
        """,
        id="caches-and-paths",
    ),
    pytest.param(
        """
        jobs:
          test:
            container: python:3.12
            steps:
            - uses: actions/checkout@v4
            - name: Install
              run: pip install -r requirements.txt
        """,
        f"""
        jobs:
          test:
            container: python:3.12
            steps:
            - uses: actions/checkout@v4
            - {SETUP}
              with:
                version: "0.13.8"
                enable-cache: true
                activate-environment: true
            - name: Install
              run: uv sync --locked --no-dev
        """,
        id="without-setup-python",
    ),
    pytest.param(
        """
        jobs:
          test:
            steps:
              - uses: actions/setup-python@v5
                id: python
                with:
                  cache: pip
                  architecture: x64
              - uses: actions/setup-python@v5
                with: {python-version: "3.12"}
              - run: pip install -r requirements.txt
        """,
        f"""
        jobs:
          test:
            steps:
              - uses: actions/setup-python@v5
                id: python
                with:
                  architecture: x64
              - {SETUP}
                with:
                  version: "0.13.8"
                  enable-cache: true
                  activate-environment: true
              - {SETUP}
                with: {{version: "0.13.8", python-version: "3.12", enable-cache: true, activate-environment: true}}
              - run: uv sync --locked --no-dev
        """,
        id="what-setup-uv-cannot-do",
    ),
]


@pytest.mark.parametrize(("before", "after"), WORKFLOWS)
def test_workflow(before: str, after: str) -> None:
    made = check("workflow", before, after)
    assert told(made) == []


def test_a_job_that_runs_make_gets_uv_where_the_makefile_calls_it() -> None:
    facts = migrate_facts.facts({"Makefile": "test:\n\tpip install -r requirements.txt\n\tpytest\n"})
    before = """
        on:
          pull_request:
            paths:
              - requirements.txt
              - requirements-dev.txt
        jobs:
          test:
            steps:
              - uses: actions/setup-python@v5
                with: { python-version: "3.12" }
              - run: make test
        """
    after = f"""
        on:
          pull_request:
            paths:
              - pyproject.toml
              - uv.lock
        jobs:
          test:
            steps:
              - {SETUP}
                with: {{ version: "0.13.8", python-version: "3.12", enable-cache: true, activate-environment: true }}
              - run: make test
        """
    assert told(check("workflow", before, after, facts)) == []
    alone = text(before).replace("requirements", "docs")
    assert run("workflow", alone, migrate_facts.facts({"Makefile": "test:\n\tpytest\n"})).content == alone


def test_a_job_that_only_speaks_of_pip_stays() -> None:
    content = "jobs:\n  a:\n    steps:\n    - uses: actions/setup-python@v5\n    - run: echo no pip here\n"
    assert run("workflow", content) == Converted(content)


def test_a_job_that_installs_only_tools_stays_but_for_a_cache_of_what_is_gone() -> None:
    check(
        "workflow",
        """
        jobs:
          a:
            steps:
              - uses: actions/setup-python@v5
                with:
                  python-version: 3.x
                  cache: pip
                  cache-dependency-path: requirements.txt
              - run: pip install six
        """,
        """
        jobs:
          a:
            steps:
              - uses: actions/setup-python@v5
                with:
                  python-version: 3.x
              - run: pip install six
        """,
    )


def test_a_job_that_calls_python_by_its_path_stays() -> None:
    content = text(
        """
        jobs:
          a:
            steps:
              - uses: actions/setup-python@v5
                id: py
              - run: pip install -r requirements.txt
              - run: ${{ steps.py.outputs.python-path }} -m pytest
        """
    )
    made = run("workflow", content)
    assert made.content == content
    assert told(made)[1:] == [(7, "this calls the Python of setup-python by its path, and uv installs to .venv")]


def test_a_job_is_converted_whole_or_not_at_all() -> None:
    content = text(
        """
        jobs:
          one:
            steps:
              - uses: actions/setup-python@v5
                with: {python-version: "3.12", cache: pip}
              - run: |
                  pip install -r requirements.txt
                  pip download six
          two:
            steps:
              - shell: pwsh
                run: pip install -r requirements.txt
          three:
            steps:
              - run: pip install -r requirements.txt
        """
    )
    made = run("workflow", content)
    head, _, last = made.content.partition("  three:")
    assert head == content.partition("  three:")[0]
    assert "uv sync --locked --no-dev" in last
    assert told(made) == [
        (3, "this job stays with pip, for one of its steps cannot be converted"),
        (8, "`pip download` has no exact counterpart in uv"),
        (10, "this job stays with pip, for one of its steps cannot be converted"),
        (12, "pip runs in pwsh here, which uvdock does not read"),
    ]
