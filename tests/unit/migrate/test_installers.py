"""Which projects of a repo something installs; what nothing installs is none, and all of it stays as it is."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.unit.migrate.uv import converted, pretended, read
from uvdock.migrate import plan, report
from uvdock.migrate.discover import sources
from uvdock.migrate.lock import dependencies

LIST = "requirements.txt"
ROOT = {LIST: "flask\n", "Dockerfile": "FROM python:3.11-slim\nCOPY . .\nRUN pip install -r requirements.txt\n"}
SETUP = "from setuptools import setup\nsetup(name='x', version='1')\n"
PROJECT = '[project]\nname = "x"\nversion = "1"\n'
MATRIX = "jobs:\n  t:\n    strategy:\n      matrix:\n        service: [api, worker]\n    steps:\n      - run: "
LOOP = 'for service in services/*; do\n  (cd "$service" && pip install -r requirements.txt)\ndone\n'


def files(*names: str, **more: str) -> dict[str, str]:
    return {**dict.fromkeys(names, "six\n"), **more}


@pytest.mark.parametrize(
    ("repo", "left_out"),
    [
        pytest.param(
            files("examples/a/requirements.txt", "examples/b/requirements.txt"), "examples/a examples/b", id="examples"
        ),
        pytest.param(
            {**files("examples/a/requirements.txt"), "examples/a/README.md": "    pip install -r requirements.txt\n"},
            "examples/a",
            id="an example whose README installs it",
        ),
        pytest.param(
            {**files("demo/requirements.txt"), "README.md": "```sh\ncd demo\npip install -r requirements.txt\n```\n"},
            "demo",
            id="a demo that the README speaks of",
        ),
        pytest.param(
            {f"{{{{ cookiecutter.slug }}}}/{name}": text for name, text in ROOT.items()},
            "{{ cookiecutter.slug }}",
            id="a template with an image",
        ),
        pytest.param(
            {**{f"third_party/x/{name}": text for name, text in ROOT.items()}, "third_party/x/setup.py": SETUP},
            "third_party/x",
            id="a vendored tree with an image",
        ),
        pytest.param(
            {
                "vendor/y/pyproject.toml": PROJECT,
                "tests/fixtures/z/Pipfile": "[packages]\n",
                "tests/data/q/setup.py": SETUP,
            },
            "tests/data/q tests/fixtures/z vendor/y",
            id="trees to be tried on",
        ),
        pytest.param({"node_modules/x/setup.py": SETUP}, "", id="what was installed is nobody's to name"),
        pytest.param(
            {**files("samples/a/requirements.txt"), "Makefile": "lint:\n\truff check samples/\n"},
            "samples/a",
            id="linted",
        ),
        pytest.param(
            {**files("examples/a/requirements.txt"), "setup.sh": "pip install -r $(dirname $0)/requirements.txt\n"},
            "examples/a",
            id="a computed folder that is the script's own",
        ),
        pytest.param(
            {**files("old/requirements.txt"), "old/run.sh": "pip install requests\n"}, "old", id="something else in it"
        ),
        pytest.param(
            {**files("backend/requirements.txt"), "README.md": "`cd backend && pip install -r requirements.txt`\n"},
            "",
            id="the README installs it",
        ),
        pytest.param(
            {
                **files("api/requirements.txt"),
                ".github/workflows/ci.yml": "jobs:\n  t:\n    steps:\n      - run: pip install -r requirements.txt\n"
                "        working-directory: ./api\n",
            },
            "",
            id="a job in its folder",
        ),
        pytest.param(
            {
                **files(f"services/api/{LIST}", f"services/worker/{LIST}", f"examples/a/{LIST}"),
                ".gitlab-ci.yml": f"{MATRIX}pip install -r services/${{{{ matrix.service }}}}/requirements.txt\n",
            },
            "examples/a",
            id="a computed path",
        ),
        pytest.param(
            {
                **files("services/api/requirements.txt", "services/worker/requirements.txt"),
                ".github/workflows/ci.yml": f"{MATRIX}pip install -r requirements.txt\n"
                "        working-directory: services/${{ matrix.service }}\n",
            },
            "",
            id="a computed folder",
        ),
        pytest.param({**files("services/a/requirements.txt"), "install.sh": LOOP}, "", id="a loop over folders"),
        pytest.param(
            {
                **files("backend/requirements-web.txt"),
                "docker/py.Dockerfile": "FROM python:3.11\nCOPY . .\nRUN pip install -r requirements-web.txt\n",
                "compose.yaml": "services:\n  web:\n    build:\n      context: ./backend\n"
                "      dockerfile: ../docker/py.Dockerfile\n",
            },
            "",
            id="an image whose Dockerfile is elsewhere",
        ),
        pytest.param(
            {
                **files("backend/requirements.txt"),
                "web.Dockerfile": "FROM python:3.11\nCOPY --chown=1 backend/requirements.txt /tmp/r.txt\n"
                "RUN pip install -r /tmp/r.txt\n",
            },
            "",
            id="a list that an image gets under another name",
        ),
        pytest.param(
            {
                **files("tools/gen/requirements.txt"),
                "tox.ini": "[testenv]\ndeps = -r{toxinidir}/tools/gen/requirements.txt\n",
            },
            "",
            id="tox",
        ),
        pytest.param(
            {"libs/x/setup.py": SETUP, "run": "pip install -e './libs/x[dev]'\n"}, "", id="a library by its path"
        ),
        pytest.param(
            {**files("app/requirements.txt"), "app/Dockerfile": "FROM our/python:onbuild\n"},
            "",
            id="an image of the folder",
        ),
        pytest.param(
            {
                "app/requirements.txt": "-r ../shared/requirements.txt\n",
                "app/Dockerfile": ROOT["Dockerfile"],
                "shared/requirements.txt": "six\n",
                "shared/main.py": "",
            },
            "",
            id="what it includes",
        ),
        pytest.param({"api/Pipfile": "[packages]\n", "Makefile": "api:\n\tcd api && pipenv sync\n"}, "", id="Pipenv"),
        pytest.param(
            {"api/Pipfile": "[packages]\n", "api/run.sh": "python3 app.py\n"}, "api", id="Pipenv that nothing calls"
        ),
        pytest.param(
            {**files("vendor/x/requirements.txt"), "install.sh": "pip install -r vendor/x/requirements.txt\n"},
            "",
            id="what others wrote, and the repo installs",
        ),
        pytest.param({"examples/a/pyproject.toml": PROJECT, "examples/a/uv.lock": ""}, "", id="uv's already"),
    ],
)
def test_only_what_something_installs_is_a_project(repo: dict[str, str], left_out: str) -> None:
    texts = {Path(name): text for name, text in {**ROOT, **repo}.items()}
    found = sources.find(texts)
    used = sources.in_use(found, texts)
    assert Path() in used
    assert " ".join(one.folder.as_posix() for one in found if one.folder not in used) == left_out


def test_what_nothing_installs_is_named_once_and_stays_whole(tmp_path: Path) -> None:
    example = {
        LIST: "django==1.0\n",
        "README.md": "```sh\npython3 -m venv .venv\npip install -r requirements.txt\n```\n",
        ".gitignore": "*.pyc\n",
    }
    repo = {**ROOT, **{f"examples/{name}/{path}": text for name in "abc" for path, text in example.items()}}
    made = converted(tmp_path / "app", repo)
    left_out = [one for one in made.findings if one.what.startswith("nothing in this repo installs")]
    assert [one.path.as_posix() for one in left_out] == [f"examples/{name}/{LIST}" for name in "abc"]
    assert len(report.grouped(left_out)) == 1
    assert [one.folder for one in made.facts.projects] == [Path()]

    # Not from the converters of the plan's other files either.
    converters = plan.usual()
    whole, _ = plan.assemble(
        tmp_path / "app",
        plan.Converters(lambda root, texts, uv: dependencies.convert(root, texts, uv, pretended), converters.files),
        uv="uv",
    )
    touched = {edit.path.as_posix() for edit in whole.edits} | {one.path.as_posix() for one in whole.findings}
    assert "Dockerfile" in touched
    assert {name for name in touched if name.startswith("examples")} == {one.path.as_posix() for one in left_out}


@pytest.mark.parametrize(
    ("called", "stays"),
    [
        ({}, True),
        ({"README.md": "Run `pipenv install --dev`.\n"}, False),
        ({"Makefile": "dev:\n\tpipenv sync\n"}, False),
    ],
)
def test_a_pipfile_that_nothing_calls_stays_beside_the_list_that_is_installed(
    called: dict[str, str], *, stays: bool, tmp_path: Path
) -> None:
    (tmp_path / "app").mkdir()
    texts = {Path(name): text for name, text in {**ROOT, "Pipfile": "[packages]\nscipy = '*'\n", **called}.items()}
    (found,) = sources.find(texts)
    assert found.tool == ("pip" if stays else "pipenv")
    if stays:
        made = converted(tmp_path / "app", {path.as_posix(): text for path, text in texts.items()})
        assert [one.path for one in made.findings if "Pipenv" in one.what] == [Path("Pipfile")]
        assert Path("Pipfile") not in {edit.path for edit in made.edits}
        assert read(tmp_path / "app")[Path("Pipfile")] == texts[Path("Pipfile")]


def test_a_pipfile_alone_is_the_projects_own() -> None:
    (found,) = sources.find({Path("Pipfile"): "[packages]\n", Path("app.py"): ""})
    assert found.tool == "pipenv"
