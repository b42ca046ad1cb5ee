"""Nothing that calls pip stays in silence, whatever file it is in."""

from __future__ import annotations

import subprocess
import tempfile
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.conftest import REPO
from tests.left import CALL, silent
from tests.unit.migrate.test_plan import dependencies
from uvdock.migrate import plan
from uvdock.migrate.leftovers import unnamed
from uvdock.migrate.model import Notice
from uvdock.migrate.plan import Converters

FIXTURES = REPO / "tests" / "fixtures"
REPOS = sorted([*FIXTURES.glob("repos/*/before"), *FIXTURES.glob("migrate/*/before")])
#: A file of each kind, with a call in the place of `@`.
FILES = {
    ".circleci/config.yml": "jobs:\n a:\n  steps:\n  - run: @\n  - run:\n     command: |\n      @\n",
    ".devcontainer/devcontainer.json": '{\n  // made once\n  "postCreateCommand": "@",\n  "x": ["@"]\n}\n',
    ".devcontainer/post-create": "@\n",
    ".github/workflows/e2e.yml": "jobs:\n a:\n  steps:\n  - run: docker exec web @\n  - run: |\n     @\n",
    ".gitlab-ci.yml": "test:\n  before_script:\n    - @\n  script:\n    - make\n    - |\n      @\n",
    ".pre-commit-config.yaml": "repos:\n  - repo: local\n    hooks:\n      - id: a\n        entry: @\n",
    ".readthedocs.yaml": "build:\n  jobs:\n    post_install:\n      - @\n",
    ".travis.yml": "install: @\nscript:\n  - @\n",
    "Dockerfile": "FROM debian:trixie\nRUN @\nRUN echo a && \\\n    @\n",
    "Jenkinsfile": "pipeline { steps {\n  sh '@'\n  sh '''\n    @\n  '''\n} }\n",
    "Makefile": "a:\n\t@\n\nb: a\n\t@@\n\techo b\n",
    "Procfile": "web: @\n",
    "README.md": "# App\n\nType `@`, or\n\n```python\n!@\n```\n\n```\n$ @\n```\n",
    "Vagrantfile": 'config.vm.provision "shell", inline: <<-S\n  apt-get update\n  @\nS\n',
    "ansible/play.yml": "- hosts: all\n  tasks:\n    - shell: @\n",
    "app.service": "[Service]\nExecStartPre=@\n",
    "appveyor.yml": "install:\n- cmd: @\n",
    "cloud-init.yaml": "#cloud-config\nruncmd:\n  - @\n",
    "compose.yaml": "services:\n  web:\n    image: debian\n    command: @\n",
    "crontab": "0 4 * * * @\n",
    "docs/guide.txt": "First\n    @\n",
    "docs/index.rst": "First::\n\n    @\n\n.. code-block:: python\n\n    !@\n",
    "install.bat": "@echo off\n@ || exit 1\n",
    "install.ps1": "if ($x) {\n  @\n}\n",
    "main.tf": 'resource "x" "y" {\n  user_data = "@"\n}\n',
    "noxfile.py": "def a(session):\n    os.system('@')\n",
    "package.json": '{"scripts": {\n  "postinstall": "@"\n}}\n',
    "play.ipynb": '{"source": [\n  "!@\\n"\n]}\n',
    "run": "#!/usr/bin/env bash\nfunction outdated {\n  cmd @\n}\nfunction again {\n  @\n}\n",
    "tox.ini": "[testenv]\ncommands =\n    @\n",
    "user-data": "#!/bin/bash -x\n@\n",
}  # fmt: skip
CALLS = [
    "pip install wheel", "pip3 list --outdated", "pip3 freeze", "pip freeze > all.txt", "python -m pip install -U pip",
    "python3 -m venv venv", "virtualenv .venv", "pip-compile requirements.in", "pip-sync a.txt", "pipenv run pytest",
    "pipenv install --system", "poetry install --no-root", "poetry run web", "/opt/venv/bin/pip install flask",
    "sudo -H pip3 install awscli", "docker exec web pip install flask", "pip install -r requirements.txt",
    "pip download flask", "echo a && pip wheel .", "pip install --quiet --no-deps flask", "pip uninstall -y flask",
    "pip install -e .", "pip check",
]  # fmt: skip


def told(files: Mapping[str, str]) -> list[str]:
    """What stays in silence once a repo with these files is migrated."""
    with tempfile.TemporaryDirectory() as temp:
        root = Path(temp)
        for name, text in {"requirements.txt": "flask\n", **files}.items():
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            (root / name).write_bytes(plan.encode(text))
        subprocess.run(["git", "init", "-q"], cwd=root, check=True)
        made, _ = plan.assemble(root, Converters(dependencies, plan.usual().files), uv="the-uv")
    # The one project stays with pip where its image does, and all its files with it.
    files = {} if made.stopped else files
    after = {**files, **{edit.path.as_posix(): plan.decode(edit.after or b"") for edit in made.edits}}
    return silent(files, after, [asdict(one) | {"path": one.path.as_posix()} for one in made.findings])


@pytest.mark.parametrize("call", CALLS)
def test_a_call_goes_or_is_named_in_every_kind_of_file(call: str) -> None:
    assert CALL.search(call)
    files = {name: text.replace("@", call) for name, text in FILES.items()}
    image = {"Dockerfile": files.pop("Dockerfile")}
    assert told(files) == []
    # One that cannot be converted has its project stay, with all files.
    assert told(image) == []


@pytest.mark.parametrize("folder", [path.relative_to(FIXTURES).as_posix() for path in REPOS])
def test_a_call_goes_or_is_named_in_every_repo_of_the_fixtures(folder: str) -> None:
    root = FIXTURES / folder
    files = [path for path in root.rglob("*") if path.is_file()]
    assert told({path.relative_to(root).as_posix(): path.read_text(errors="surrogateescape") for path in files}) == []


@pytest.mark.slow
@settings(max_examples=60)
@given(
    st.dictionaries(st.sampled_from(sorted(FILES)), st.lists(st.sampled_from(CALLS), min_size=4, max_size=4)),
    st.booleans(),
)
def test_calls_of_every_kind_in_any_repo(calls: dict[str, list[str]], windows: bool) -> None:
    files = {}
    for name, several in calls.items():
        text = FILES[name]
        for call in several:
            text = text.replace("@", call, 1)
        files[name] = text.replace("\n", "\r\n") if windows else text
    assert told(files) == []


def of(path: str, text: str, *findings: Notice, after: str | None = None) -> list[tuple[int, str, str]]:
    name = Path(path)
    changed = {} if after is None else {name: after}
    return [(one.line, one.level, one.what) for one in unnamed({name: text}, changed, findings)]


def test_a_file_is_named_once_with_all_its_lines() -> None:
    text = "#!/bin/sh\npip3 list --outdated\necho\npip3 \\\n  freeze\n/venv/bin/pip check\n"
    assert of("run", text) == [(2, "left", "`pip3 list` is still called here, and the like in line 6")]
    assert of("README.md", "`pip install wheel`\n") == [(1, "note", "`pip install` is still called here")]
    assert [one[1] for one in of(".github/workflows/a.yml", "- run: pip install ruff\n")] == ["note"]


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("run", "uv pip install wheel\nuv -q pip freeze\nuvx poetry install\n# pip install wheel\nmake # pip list\n"),
        ("all.txt", "#    pip-compile requirements.in\npip==25.0  # pip install\npoetry==1.8\nvirtualenv==20\n"),
        ("CHANGELOG.md", "- pip install works\n"),
        ("README.md", "We love pip, venv, virtualenv and poetry; pip installs; pipenv is nice; pip-tools too\n"),
        ("main.py", "import pip\nfrom poetry.core import a\nname = 'pip-compile.yml'\n"),
        ("run.py", 'c.run(["uv", "pip", "install", "wheel"])\n'),
        (".gitlab-ci.yml", "cache: .cache/pip\nkey: poetry.lock\n"),
    ],
)  # fmt: skip
def test_what_calls_nothing_of_pip(path: str, text: str) -> None:
    assert of(path, text) == []


def test_what_is_named_already_is_not_named_again() -> None:
    def left(line: int) -> Notice:
        return Notice(Path("ci.yml"), line, "left", "odd")

    text = "a:\n  run: |\n    pip list\n    pip freeze\nb:\n  run: pip check \\\n    && pip list\n"
    assert [one[0] for one in of("ci.yml", text)] == [3]
    assert [one[0] for one in of("ci.yml", text, left(2))] == [6]
    assert [one[0] for one in of("ci.yml", text, left(2), left(6))] == []
    assert [one[0] for one in of("ci.yml", text, left(3), left(6))] == [4]
    # The whole file is.
    assert of("ci.yml", text, left(0)) == []
    # What stays after a change is told by its old line.
    assert [one[0] for one in of("ci.yml", f"x:\ny:\n{text}", after=f"{text}z:\n")] == [5]
    assert of("ci.yml", text, after="uv pip list\n") == []
