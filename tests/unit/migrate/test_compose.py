"""Compose files: what becomes of each, and that nothing else in it changes."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.unit.migrate import facts as migrate_facts
from tests.unit.migrate.converted import IMAGE, check, run, text, told
from uvdock.migrate.converters import compose

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
    assert told(made, "note") == [(8, "uv ignores PIP_INDEX_URL, a variable of pip")]


def test_a_variable_that_uv_has_under_another_name_is_told() -> None:
    made = run("compose", "services:\n  web:\n    environment:\n      PIP_RETRIES: 3\n      PIP_NO_INPUT: 1\n")
    assert told(made, "note") == [(4, "uv ignores PIP_RETRIES, a variable of pip")]
    assert made.findings[0].instead == "write UV_HTTP_RETRIES, if uv runs in this container"


def test_the_project_of_a_service_that_is_built_from_a_folder_of_its_own_is_named() -> None:
    service = "services:\n  web:\n    build: {}\n    command: pip install -r {}\n"
    made = run("compose", service.format("deploy", "../requirements.txt"))
    assert made.content == "services:\n  web:\n    build: deploy\n    command: uv sync --project .. --locked --no-dev\n"


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
