"""Scripts, Makefiles and Procfiles: what becomes of each, and that nothing else in it changes."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from tests.unit.migrate import facts as migrate_facts
from tests.unit.migrate.converted import IMAGE, check, run, told
from uvdock.migrate.converters import compose, scripts
from uvdock.migrate.model import Install, ProjectFacts, RepoFacts


def test_what_stays_with_pip_in_a_script_has_an_environment_with_pip() -> None:
    made = run("script", "cd /opt/app\npython3 -m venv venv\n. venv/bin/activate\npip install -r requirements.txt\n")
    assert made.content.splitlines()[1] == "uv venv --seed --allow-existing venv"
    assert [line for line, _ in told(made)] == [4]


API = RepoFacts(
    files={Path("api/requirements.txt"): "flask\n", Path("api/deep/x.py"): ""},
    projects=(ProjectFacts(Path("api"), package=False, requires_python=">=3.11"),),
    installs={Path("api/requirements.txt"): Install(Path("api"))},
    uv="0.13.8",
)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("cd api && pip install -r requirements.txt", "cd api && uv sync --locked"),
        ("cd api\npip install -r requirements.txt\ncd ..\npip install -r api/requirements.txt",
         "cd api\nuv sync --locked\ncd ..\nuv sync --project api --locked"),
        ("(cd api; pip install -r requirements.txt)\npip install -r api/requirements.txt",
         "(cd api; uv sync --locked)\nuv sync --project api --locked"),
        ("( (cd api) && pip install -r api/requirements.txt )", "( (cd api) && uv sync --project api --locked )"),
        ("(cd api/deep && (pip install -r ../requirements.txt))", "(cd api/deep && (uv sync --project .. --locked))"),
        ("pushd api > /dev/null\npip install -r requirements.txt\npopd\npip install -r api/requirements.txt",
         "pushd api > /dev/null\nuv sync --locked\npopd\nuv sync --project api --locked"),
        # Where it is then, nobody can tell.
        ("cd $WHERE\npip install -r requirements.txt", None),
        ("cd elsewhere\npip install -r requirements.txt", None),
        ("if x; then cd api; fi\npip install -r requirements.txt", None),
        ("cd api || cd other\npip install -r requirements.txt", None),
        ("(if x; then cd api; fi; pip install -r requirements.txt)", None),
        ("popd\npip install -r api/requirements.txt", None),
        ("pip install -r requirements.txt", None),
    ],
)  # fmt: skip
def test_a_script_goes_from_folder_to_folder(before: str, after: str | None) -> None:
    made = scripts.convert(Path("setup.sh"), f"#!/bin/sh\n{before}\n", API)
    assert made.content == f"#!/bin/sh\n{after or before}\n"
    assert [finding.level for finding in made.findings] == ([] if after else ["left"])


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
        "makefile",
        """
        venv := env  # here
        install:: requirements.txt requirements-dev.txt
        \tpip=1; echo $${pip}
        \tpython -m venv $(venv)
        lint: requirements.txt; cat requirements.txt
        """,
        """
        venv := env  # here
        install:: pyproject.toml uv.lock
        \tpip=1; echo $${pip}
        \tuv venv --allow-existing $(venv)
        lint: pyproject.toml uv.lock; cat requirements.txt
        """,
        id="rules",
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
    assert any("does nothing with uv" in item.what for item in made.findings) is ("fi" not in after)
