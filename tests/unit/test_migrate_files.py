"""The other files of a migration: what becomes of each, and that nothing else in it changes."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit import migrate_facts
from uvdock.migrate.commands import rewrite
from uvdock.migrate.commands.context import Place
from uvdock.migrate.converters import compose, docs, ignores, scripts, workflow
from uvdock.migrate.converters import tools as other_settings
from uvdock.migrate.model import Converted, Facts, Install

FACTS = migrate_facts.facts()
#: Each converter with a file of its kind.
KINDS: dict[str, tuple[str, Callable[[Path, str, Facts], Converted]]] = {
    "compose": ("compose.yaml", compose.convert),
    "workflow": (".github/workflows/ci.yml", workflow.convert),
    "dockerignore": (".dockerignore", ignores.convert),
    "gitignore": (".gitignore", ignores.convert),
    "tox": ("tox.ini", other_settings.convert),
    "pre-commit": (".pre-commit-config.yaml", other_settings.convert),
    "dependabot": (".github/dependabot.yml", other_settings.convert),
    "makefile": ("Makefile", scripts.convert),
    "procfile": ("Procfile", scripts.convert),
    "script": ("bin/setup.sh", scripts.convert),
    "readme": ("README.md", docs.convert),
    "rst": ("docs/index.rst", docs.convert),
}
SETUP = f"uses: {workflow.SETUP_UV}"


#: A Dockerfile that installs a repo's requirements with pip, so that uv is in the image afterwards.
IMAGE = "FROM python:3.12\nWORKDIR /app\nCOPY requirements.txt .\nRUN pip install -r requirements.txt\n"


def text(content: str) -> str:
    return textwrap.dedent(content).lstrip("\n")


def run(kind: str, content: str, facts: Facts = FACTS) -> Converted:
    name, convert = KINDS[kind]
    return convert(Path(name), content, facts)


def check(kind: str, before: str, after: str, facts: Facts = FACTS) -> Converted:
    """``before`` becomes ``after``, and that stays as it is; with other line ends too, and without the last."""
    made = run(kind, text(before), facts)
    assert made.content == text(after)
    assert run(kind, made.content, facts).content == made.content
    if "\n" not in text(before):
        return made
    windows = run(kind, text(before).replace("\n", "\r\n"), facts)
    assert windows.content == text(after).replace("\n", "\r\n")
    assert windows.findings == made.findings
    return made


def told(made: Converted, level: str = "left") -> list[tuple[int, str]]:
    return [(item.line, item.what) for item in made.findings if item.level == level]


COMPOSE = [
    pytest.param(
        """
        services:
          web:
            build: .   # ours
            command: pip install -r requirements.txt
        """,
        """
        services:
          web:
            build: .   # ours
            command: uv sync --locked --no-dev
        """,
        id="plain",
    ),
    pytest.param(
        """
        services:
          web:
            build: {context: ./api}
            command: 'sh -c "pip install -r requirements.txt && echo ''it s''"'
          other:
            build: {context: api}
            command: "sh -c 'pip install -r requirements.txt && echo \\"hi\\" # no'"
        """,
        """
        services:
          web:
            build: {context: ./api}
            command: 'sh -c "uv sync --locked --no-dev && echo ''it s''"'
          other:
            build: {context: api}
            command: "sh -c 'uv sync --locked --no-dev && echo \\"hi\\" # no'"
        """,
        id="quoted-in-a-sub-folder",
    ),
    pytest.param(
        """
        services:
          web:
            build: .
            command:
              # what runs
              - sh
              - -c
              - |
                pip install -r requirements-dev.txt

                exec python app.py
            entrypoint: ["bash", "-c", "pip install six && exec \\"$@\\"", "--"]
        """,
        """
        services:
          web:
            build: .
            command:
              # what runs
              - sh
              - -c
              - |
                uv sync --locked

                exec python app.py
            entrypoint: ["bash", "-c", "uv pip install six && exec \\"$@\\"", "--"]
        """,
        id="lists-with-a-shell",
    ),
    pytest.param(
        """
        services:
          web:
            build: .
            command: >
              sh -c "pip install -r /app/requirements.txt &&
                     python manage.py migrate &&
                     python manage.py runserver"
            healthcheck: {test: ["CMD-SHELL", "pip install six || exit 1"]}
        """,
        """
        services:
          web:
            build: .
            command: >
              sh -c "uv sync --locked --no-dev &&
                     python manage.py migrate &&
                     python manage.py runserver"
            healthcheck: {test: ["CMD-SHELL", "uv pip install six || exit 1"]}
        """,
        id="folded",
    ),
    pytest.param(
        """
        services:
          web:
            build: .
            command: pip install --no-cache-dir
              -r requirements.txt
            entrypoint: [pip, install, six]
          worker:
            build: .
            entrypoint:
            - pip
            - install
            - six
        """,
        """
        services:
          web:
            build: .
            command: uv sync --locked --no-dev
            entrypoint: ["uv", "pip", "install", "six"]
          worker:
            build: .
            entrypoint:
            - uv
            - pip
            - install
            - six
        """,
        id="several-lines-and-words",
    ),
    pytest.param(
        """
        services:
          web:
            build: .
            volumes:
              - .:/app
              - ./requirements.txt:/app/requirements.txt:ro  # the pins
              - "pip-cache:/root/.cache/pip"
            develop:
              watch:
                - action: rebuild
                  path: ./requirements.txt
        volumes:
          pip-cache:   # keeps downloads
          data: {}
        """,
        """
        services:
          web:
            build: .
            volumes:
              - .:/app
              - ./pyproject.toml:/app/pyproject.toml:ro
              - ./uv.lock:/app/uv.lock:ro  # the pins
              - "uv-cache:/root/.cache/uv"
            develop:
              watch:
                - action: rebuild
                  path: ./uv.lock
        volumes:
          uv-cache:   # keeps downloads
          data: {}
        """,
        id="volumes",
    ),
]


@pytest.mark.parametrize(("before", "after"), COMPOSE)
def test_compose(before: str, after: str) -> None:
    check("compose", before, after)


def test_a_service_without_uv_stays_and_is_told() -> None:
    content = text(
        """
        services:
          web:
            image: python:3.12
            command: sh -c "pip install -r requirements.txt && python app.py"
        """
    )
    made = run("compose", content)
    assert made.content == content
    assert told(made) == [(4, "pip runs when the container starts, and the image python:3.12 has no uv")]
    assert "ghcr.io/astral-sh/uv:0.13.8" in made.findings[0].instead


def test_what_else_names_a_requirements_file_is_told() -> None:
    content = text(
        """
        services:
          web:
            build:
              context: .
              args:
                REQUIREMENTS: requirements/docs.txt
            environment:
              - PIP_INDEX_URL=https://index.example/simple
        """
    )
    made = run("compose", content)
    assert made.content == content
    assert told(made) == [(6, "this names requirements/docs.txt, whose place pyproject.toml and uv.lock take")]
    assert told(made, "note") == [(8, "PIP_INDEX_URL is a variable of pip's, and uv does not read it")]


def test_an_external_cache_keeps_its_name_and_one_of_another_file_changes_too() -> None:
    base = "volumes:\n  pip-cache:\n"
    override = "services:\n  web:\n    volumes:\n      - pip-cache:/root/.cache/pip\n"
    facts = migrate_facts.facts({"compose.yaml": base, "compose.override.yaml": override})
    assert compose.convert(Path("compose.yaml"), base, facts).content == "volumes:\n  uv-cache:\n"
    fixed = "volumes:\n  pip-cache:\n    external: true\n"
    facts = migrate_facts.facts({"compose.yaml": fixed, "compose.override.yaml": override})
    assert compose.convert(Path("compose.yaml"), fixed, facts).content == fixed
    made = compose.convert(Path("compose.override.yaml"), override, facts).content
    assert made.endswith("- pip-cache:/root/.cache/uv\n")


def test_a_cache_volume_when_it_is_asked_for() -> None:
    facts = migrate_facts.facts({"Dockerfile": IMAGE}, cache_volume=True)
    made = check(
        "compose",
        """
        services:
          web:
            build: .
            command: sh -c "pip install -r requirements.txt && flask run"
          worker:
            build: .
            command: sh -c "pip install -r requirements.txt && celery"
            volumes:
              - .:/app
        """,
        """
        services:
          web:
            volumes:
              - uv-cache:/root/.cache/uv
            build: .
            command: sh -c "uv sync --locked --inexact --no-dev && flask run"
          worker:
            build: .
            command: sh -c "uv sync --locked --inexact --no-dev && celery"
            volumes:
              - .:/app
              - uv-cache:/root/.cache/uv

        volumes:
          uv-cache:
        """,
        facts,
    )
    assert made.findings == ()


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


def test_a_service_of_an_override_file_runs_in_the_image_that_the_other_file_builds() -> None:
    files = {"Dockerfile": IMAGE, "docker-compose.yml": "services:\n  web:\n    build: .\n"}
    before = "services:\n  web:\n    user: {}\n    command: sh -c 'pip install -r requirements.txt && flask run'\n"
    made = {
        user: compose.convert(Path("docker-compose.override.yml"), before.format(user), migrate_facts.facts(files))
        for user in ("root", "app")
    }
    # Root installs to the interpreter's own packages, where others are; anybody else to a folder of theirs.
    assert "'uv sync --locked --inexact --no-dev && flask run'" in made["root"].content
    assert "UV_PROJECT_ENVIRONMENT=/home/app/.local uv sync --locked --no-dev &&" in made["app"].content


def test_one_lock_is_made_and_watched_once() -> None:
    check(
        "makefile",
        """
        export CUSTOM_COMPILE_COMMAND = make lock

        lock:
        \tpip-compile -q requirements.in
        \tpip-compile -q requirements-dev.in

        again:
        \tCUSTOM_COMPILE_COMMAND="make lock" pip-compile --upgrade requirements.in
        """,
        """
        lock:
        \tuv lock --quiet

        again:
        \tuv lock --upgrade
        """,
    )
    check(
        "compose",
        """
        services:
          web:
            build: .
            develop:
              watch:
                - action: rebuild
                  path: requirements.txt
                - action: rebuild
                  path: requirements-dev.txt
                - action: sync
                  path: requirements.txt
        """,
        """
        services:
          web:
            build: .
            develop:
              watch:
                - action: rebuild
                  path: uv.lock
                - action: sync
                  path: uv.lock
        """,
    )


def test_what_ran_with_the_packages_of_a_user_runs_in_the_environment() -> None:
    make = "PYTHON ?= python3\n\nrun:\n\t$(PYTHON) -m pip install --user -r requirements.txt\n\t@$(PYTHON) -m app\n"
    made = run("makefile", make)
    assert made.content.splitlines()[3:] == ["\tuv sync --locked --no-dev", "\t@uv run $(PYTHON) -m app"]
    assert [item.level for item in made.findings] == ["note"]
    check(
        "readme",
        """
        Install:

            pip3 install --user -r requirements.txt
            python3 -m app

        - a list

              pip install flask

        ```
        $ pip install --user -r requirements.txt
        $ python3 -m app
        ```
        """,
        """
        Install:

            uv sync --locked --no-dev
            uv run python3 -m app

        - a list

              pip install flask

        ```
        $ uv sync --locked --no-dev
        $ uv run python3 -m app
        ```
        """,
    )


def test_a_folder_of_requirements_is_its_projects_for_dependabot() -> None:
    facts = migrate_facts.facts({"requirements/docs.txt": "mkdocs\n"})
    before = "updates:\n  - package-ecosystem: 'pip'\n    directory: '{}/'\n"
    made = run("dependabot", before.format("requirements"), facts)
    assert made == Converted("updates:\n  - package-ecosystem: 'uv'\n    directory: '/'\n")
    assert told(run("dependabot", before.format("elsewhere"), facts)) != []


def test_what_stays_with_pip_in_a_script_has_an_environment_with_pip() -> None:
    made = run("script", "cd /opt/app\npython3 -m venv venv\n. venv/bin/activate\npip install -r requirements.txt\n")
    assert made.content.splitlines()[1] == "uv venv --seed --allow-existing venv"
    assert [line for line, _ in told(made)] == [4]


def test_a_list_by_a_variable_is_a_group_of_that_name_unless_one_without_is_meant() -> None:
    line = "pip install -r requirements/$KIND.txt\n"
    files = {"requirements/base.txt": "", "requirements/docs.txt": "", "x.yaml": "    KIND: docs\n"}
    known = migrate_facts.facts(files)
    installs = {**known.installs, Path("requirements/base.txt"): Install(Path(), ("--no-dev",))}
    facts = replace(known, installs=installs)
    place = Place(Path("x"))
    assert rewrite.convert(line, facts, place).text == 'uv sync --locked --no-dev --group "${KIND}"\n'
    meant = replace(facts, files={**facts.files, Path("x.yaml"): "    KIND: base\n"})
    assert "base) uv sync --locked --no-dev ;;" in rewrite.convert(line, meant, place).text


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
        (8, "`pip download` has no counterpart that is the same"),
        (10, "this job stays with pip, for one of its steps cannot be converted"),
        (12, "pip runs in pwsh here, which is not read"),
    ]


IGNORES = [
    pytest.param("dockerignore", "venv/\n*.pyc\n", "venv/\n.venv\n**/.venv\n*.pyc\n", id="beside-the-old"),
    pytest.param(
        "dockerignore",
        "*\n!app\n!requirements.txt\n!requirements-dev.txt\n!api\n",
        "*\n!app\n!pyproject.toml\n!uv.lock\n!api\n**/.venv\n",
        id="let-in",
    ),
    pytest.param("dockerignore", "*.lock\n**/.venv\n", "*.lock\n**/.venv\n!uv.lock\n", id="the-lock-let-in"),
    pytest.param("gitignore", "__pycache__/\nenv/\nuv.lock", "__pycache__/\nenv/\n.venv/\n", id="the-lock-in-git"),
    pytest.param("gitignore", "*.lock\n.venv\n", "*.lock\n.venv\n!uv.lock\n", id="locks-in-git"),
    pytest.param("gitignore", "*.pyc", "*.pyc\n.venv/", id="no-last-line-end"),
    pytest.param("gitignore", "# all of it\n.*\n!.github\n", "# all of it\n.*\n!.github\n", id="ignored-already"),
]


@pytest.mark.parametrize(("kind", "before", "after"), IGNORES)
def test_ignore_files(kind: str, before: str, after: str) -> None:
    check(kind, before, after)


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


SCRIPTS = [
    pytest.param(
        "makefile",
        """
        PIP := pip3
        .PHONY: install

        install: requirements.txt requirements-dev.txt  # both
        \t@$(PIP) install -r requirements-dev.txt
        \tpython -m pip install --upgrade pip
        \t-pip install six && \\
        \t  echo done $$HOME
        """,
        """
        PIP := pip3
        .PHONY: install

        install: pyproject.toml uv.lock  # both
        \t@uv sync --locked
        \t-uv pip install six && \\
        \t  echo done $$HOME
        """,
        id="makefile",
    ),
    pytest.param(
        "makefile",
        """
        PYTHON = python
        deps: requirements.txt
        \t@$(PYTHON) -m pip install -r requirements.txt
        \tpython -m pip install --upgrade pip
        \t-pip install six && \\
        \t  echo done $$HOME
        other: ; pip
        """,
        """
        PYTHON = python
        deps: pyproject.toml uv.lock
        \t@uv sync --locked --no-dev
        \t-uv pip install six && \\
        \t  echo done $$HOME
        other: ; pip
        """,
        id="recipes",
    ),
    pytest.param(
        "procfile",
        """
        # pip
        release: pip install -r requirements.txt && ./migrate
        web: gunicorn app:app
        """,
        """
        # pip
        release: uv sync --locked --no-dev && ./migrate
        web: gunicorn app:app
        """,
        id="procfile",
    ),
    pytest.param(
        "script",
        """
        #!/bin/sh
        set -e  # pip
        pip install -r requirements.txt
        """,
        """
        #!/bin/sh
        set -e  # pip
        uv sync --locked --no-dev
        """,
        id="script",
    ),
    pytest.param(
        "script",
        """
        #!/usr/bin/env bash
        cd "$(dirname "${BASH_SOURCE[0]}")/../api" || exit 1
        pip install -r requirements.txt
        pip install -r ../requirements-dev.txt
        """,
        """
        #!/usr/bin/env bash
        cd "$(dirname "${BASH_SOURCE[0]}")/../api" || exit 1
        uv sync --locked --no-dev
        uv sync --project .. --locked --inexact
        """,
        id="script-that-goes-to-its-own-folder",
    ),
]


@pytest.mark.parametrize(("kind", "before", "after"), SCRIPTS)
def test_scripts(kind: str, before: str, after: str) -> None:
    check(kind, before, after)


def test_what_is_a_script() -> None:
    assert scripts.is_script(Path("Makefile"), "")
    assert scripts.is_script(Path("run"), "#!/usr/bin/env bash\n")
    assert not scripts.is_script(Path("app.py"), "#!/bin/sh\n")
    assert not scripts.is_script(Path("LICENSE"), "text")


DOCS = [
    pytest.param(
        "readme",
        """
        # App

        ```sh
        pip install -r requirements-dev.txt
        ```

        Run `pip install -r requirements.txt` first.

        ```python
        "pip install -r requirements.txt"
        ```

        ~~~console
        $ python -m pip install --upgrade pip
        $ pip install -r requirements.txt
        Successfully installed
        ~~~
        """,
        """
        # App

        ```sh
        uv sync --locked
        ```

        Run `pip install -r requirements.txt` first.

        ```python
        "pip install -r requirements.txt"
        ```

        ~~~console
        $ uv sync --locked --no-dev
        Successfully installed
        ~~~
        """,
        id="markdown",
    ),
    pytest.param(
        "readme",
        """
        ```
        $ python3 -m venv env
        $ . env/bin/activate
        (env) $ pip install -r requirements.txt
        (env) $ flask run
        ```
        ```bash
        virtualenv venv
        source venv/bin/activate
        pip install -r requirements-dev.txt  # all
        # then
        pytest
        ```
        """,
        """
        ```
        $ uv sync --locked --no-dev
        $ . .venv/bin/activate
        (env) $ flask run
        ```
        ```bash
        uv sync --locked  # all
        source .venv/bin/activate
        # then
        pytest
        ```
        """,
        id="environments",
    ),
    pytest.param(
        "rst",
        """
        .. code-block:: bash

           pip install -r requirements.txt

        Then::

            $ pip install six

        End.
        """,
        """
        .. code-block:: bash

           uv sync --locked --no-dev

        Then::

            $ uv pip install six

        End.
        """,
        id="restructured",
    ),
]


@pytest.mark.parametrize(("kind", "before", "after"), DOCS)
def test_documents(kind: str, before: str, after: str) -> None:
    check(kind, before, after)


def test_prose_about_pip_is_told() -> None:
    made = run("readme", "# App\n\nRun `pip install -r requirements.txt` first.\n")
    assert told(made, "note") == [(3, "the text speaks of `pip install`")]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    "content", ["", "\n", "nothing of it\n", "a: [\n", "\ufeff", "a\r\nb\n", "\udcff\x00", "- pip"]
)
def test_what_is_nothing_stays(kind: str, content: str) -> None:
    if kind.endswith("ignore"):
        content = content and f".venv\n**/.venv\n{content}"
        if not content:
            return
    assert run(kind, content).content == content


# --- any text ---------------------------------------------------------------------------------------------------------

_PIECES = [
    "services:\n",
    "  web:\n",
    "    build: .\n",
    "    command: ",
    "    image: x\n",
    "    volumes:\n",
    "      - ",
    "volumes:\n",
    "  pip-cache:\n",
    "pip-cache:/root/.cache/pip",
    "./requirements.txt:/x",
    "jobs:\n",
    "  test:\n",
    "    steps:\n",
    "      - uses: actions/setup-python@v5\n",
    "      - run: ",
    "        with:\n",
    "          cache: pip\n",
    "        id: x\n",
    "pip install -r requirements.txt",
    "pip install --upgrade pip",
    "pip install six",
    "pip download",
    "requirements.txt",
    " && ",
    "|\n",
    ">\n",
    "\n",
    "\n\n",
    '"',
    "'",
    "[",
    "]",
    "{",
    "}",
    ", ",
    ": ",
    "#",
    " # c\n",
    "&a ",
    "*a",
    "<<: *a\n",
    "          ",
    "  ",
    "\t",
    "- ",
    "$ ",
    "```sh\n",
    "```\n",
    "~~~\n",
    ".. code-block:: sh\n",
    "::\n",
    "[testenv]\n",
    "[tox]\n",
    "requires = x\n",
    "deps =\n",
    "deps = -r requirements.txt\n",
    "    -r requirements.txt\n",
    "all: requirements.txt\n",
    "\\\n",
    "*",
    "!requirements.txt\n",
    "uv.lock\n",
    "*.lock\n",
    "venv/\n",
    "repos:\n",
    "updates:\n",
    "é",
    "\udcff",
    "\x00",
    "\x0c",
    "\u2028",
    "\ufeff",
    "---\n",
    "...\n",
    "!!str ",
    "? ",
    "%YAML 1.1\n",
    "on:\n",
    "  push:\n",
    "    paths:\n",
]
TEXTS = st.lists(st.one_of(st.sampled_from(_PIECES), st.text(max_size=3)), max_size=25).map("".join)
_ENDS = st.sampled_from(["\n", "\r\n"])


def words(content: str) -> list[str]:
    return re.findall(r"\S+", content)


@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=50)
@given(content=TEXTS, end=_ENDS)
def test_any_text_is_converted_and_a_second_time_changes_nothing(kind: str, content: str, end: str) -> None:
    content = content.replace("\r", "").replace("\n", end)
    made = run(kind, content)
    again = run(kind, made.content)
    assert again.content == made.content
    lines = made.content.count("\n") + content.count("\n") + 2
    assert all(0 <= item.line <= lines and item.what for item in made.findings)


@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=50)
@given(content=TEXTS)
def test_a_text_without_pip_stays(kind: str, content: str) -> None:
    if kind.endswith("ignore"):
        return
    for word in ("pip", "requirements", "venv", "deps"):
        content = content.replace(word, "x")
    assert run(kind, content).content == content


@pytest.mark.parametrize("kind", [kind for kind in KINDS if not kind.endswith("ignore")])
@settings(max_examples=50)
@given(content=TEXTS)
def test_no_line_is_lost(kind: str, content: str) -> None:
    """What has nothing of pip is there afterwards, in its order."""
    made = run(kind, content)
    own = [line for line in content.split("\n") if line.strip() and not re.search(_ABOUT, line)]
    kept = iter(made.content.split("\n"))
    missing = [line for line in own if not any(line.strip("\r") in other for other in kept)]
    assert missing == []


#: What a line may say that changes or goes with a command of pip's.
_ABOUT = r"pip|requirements|deps|cache|setup-python|-r |with:|steps|- run|[|>&]|\\$|uses:|^\s*-?\s*#|id: "


IN_A_SERVICE = [
    ("docker compose exec web pip install -r requirements.txt", "uv sync --locked --inexact --no-dev"),
    ("docker-compose -f compose.yaml run --rm -e A=b web pip3 install --no-cache-dir -r requirements-dev.txt",
     "uv sync --locked --inexact"),
    ("docker compose exec -T --user root web python -m pip list", "uv pip list --system"),
    ("docker compose run --rm web sh -c 'pip install -r requirements.txt && flask run'",
     "sh -c 'uv sync --locked --inexact --no-dev && flask run'"),
    # Elsewhere in the container, a service without uv, one that nobody knows, and nothing of pip.
    ("docker compose exec -w /srv web pip install -r requirements.txt", None),
    ("docker compose exec db pip install -r requirements.txt", None),
    ("docker compose exec nobody pip install -r requirements.txt", None),
    ("docker compose exec $SERVICE pip install -r requirements.txt", None),
    ("docker compose exec web flask run", None),
    ("docker compose up --detach", None),
]  # fmt: skip


@pytest.mark.parametrize(("line", "inside"), IN_A_SERVICE)
@pytest.mark.parametrize("kind", ["script", "makefile"])
def test_what_runs_in_a_service_is_converted_for_its_image(kind: str, line: str, inside: str | None) -> None:
    services = "services:\n  web:\n    build: .\n  db:\n    build: {dockerfile: Dockerfile.db}\n"
    files = {"Dockerfile": IMAGE, "Dockerfile.db": "FROM debian\n", "compose.yaml": services}
    before = f"#!/bin/sh\n{line}\n" if kind == "script" else f"install:\n\t{line}\n"
    facts = migrate_facts.facts(files)
    made = run(kind, before, replace(facts, services=compose.contexts(facts)))
    tail = line.partition(" web ")[2]
    assert made.content == (before if inside is None else before.replace(tail, inside))
    assert bool(told(made)) is (inside is None and "pip" in line)


TIDIED = [
    pytest.param(
        """
        #!/usr/bin/env bash

        set -e

        pip3 install --user -r requirements.txt

        # If the list is newer than what was written down of it.
        if [ requirements.txt -nt requirements.lock ]; then
          pip3 freeze > requirements.txt
        fi

        pip3 install --user -r requirements.txt
        """,
        """
        #!/usr/bin/env bash

        set -e

        uv sync --locked --no-dev
        """,
        id="installed-written-down-and-installed",
    ),
    pytest.param(
        """
        if [ ! -f constraints.txt ] || [ requirements.txt -nt constraints.txt ]; then
          # Somebody changed a version.
          pip install -r requirements.txt
        else
          pip install --no-cache-dir -r requirements.txt
        fi
        exec "$@"
        """,
        """
        uv sync --locked --no-dev
        exec "$@"
        """,
        id="two-branches-that-are-the-same",
    ),
    pytest.param(
        """
        if [ -n "$DEV" ]; then
          pip install -r requirements-dev.txt
        else
          pip install -r requirements.txt
        fi
        """,
        """
        if [ -n "$DEV" ]; then
          uv sync --locked
        else
          uv sync --locked --inexact --no-dev
        fi
        """,
        id="two-that-differ",
    ),
    pytest.param(
        """
        # asks somebody else
        if curl -fs https://index.example/; then
          pip install --upgrade pip
        fi
        pip install -r requirements.txt
        """,
        """
        # asks somebody else
        if curl -fs https://index.example/; then
          :
        fi
        uv sync --locked --no-dev
        """,
        id="a-condition-that-does-something",
    ),
    pytest.param(
        """
        if [ -f here ]; then
          :
        fi


        uv_sync
        pip install -r requirements.txt
        """,
        """
        if [ -f here ]; then
          :
        fi


        uv_sync
        uv sync --locked --no-dev
        """,
        id="what-was-there-before",
    ),
]


@pytest.mark.parametrize(("before", "after"), TIDIED)
def test_a_script_says_nothing_that_does_nothing(before: str, after: str) -> None:
    made = check("script", before, after)
    assert any("does nothing any more" in item.what for item in made.findings) is ("fi" not in after)
