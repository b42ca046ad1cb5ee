"""What still reads a file that would go, by its name or by one that is computed."""

from __future__ import annotations

from pathlib import Path

import pytest

from uvdock.migrate.readers import lines_that_read

FOLDER = ("requirements/dev.txt", "requirements/prod.txt", "requirements/test.txt")
ROOT = ("requirements-dev.txt", "requirements-prod.txt", "requirements.txt")
OTHERS = ("requirements/docs.md", "src/main.py", "notes.txt", "worker/requirements.txt", "setup.py")
ALL = tuple(map(Path, (*FOLDER, *ROOT, *OTHERS)))
TWO = ("requirements-dev.txt", "requirements-prod.txt")

COMPUTED = [
    ("tox.ini", "deps = -r requirements/{env:TOX_ENV_NAME}.txt", FOLDER),
    ("tox.ini", "    -r{toxinidir}/requirements/{envname}.txt", FOLDER),
    ("tox.ini", "    -r{toxinidir}/requirements-dev.txt", ("requirements-dev.txt",)),
    ("tox.ini", "    -rrequirements.txt", ("requirements.txt",)),
    ("tox.ini", "    {env:REQUIREMENTS:-r requirements.txt}", ("requirements.txt",)),
    (".github/workflows/ci.yml", "      - run: pip install -r requirements/${{ matrix.x }}.txt", FOLDER),
    (".github/workflows/ci.yml", "          cache-dependency-path: requirements/*.txt", FOLDER),
    (".github/workflows/ci.yml", "          cache-dependency-path: '**/requirements*.txt'", (*ROOT,)),
    (".github/workflows/ci.yml", "on:\n  push:\n    paths: [requirements/*.txt]\njobs: {}", ()),
    (".github/workflows/ci.yml", "on:\n  push:\njobs:\n  a: # requirements/*.txt", ()),
    ("Makefile", "$(wildcard requirements/*.txt): ;", FOLDER),
    ("Makefile", "requirements-%.lock: requirements-$*.txt", TWO),
    ("Makefile", "\tcat $(DIR)/requirements-$(ENV).txt", TWO),
    ("Makefile", "\tfor f in requirements/*; do sort $$f; done", ()),
    ("Dockerfile", "COPY requirements-*.txt ./", TWO),
    ("Dockerfile", "COPY requirements-${ENV}.txt ./", TWO),
    ("Dockerfile", "RUN pip install -r /srv/app/requirements/$ENV.txt", FOLDER),
    ("Dockerfile", "RUN pip install -r ${APP}/requirements/${ENV}.txt", FOLDER),
    ("Dockerfile", "RUN pip install -r $ENV", ()),
    ("Dockerfile", "COPY *.txt ./", (*FOLDER, *ROOT)),
    ("word.py", "f'requirements{value}'", ()),
    ("lexers.py", "names = ('*.txt', '*', '{}.txt')", ()),
    ("run.sh", "pip install -r requirements/{dev,test}.txt", ("requirements/dev.txt", "requirements/test.txt")),
    ("run.sh", "pip install -r ./requirements/$1.txt", FOLDER),
    ("run.sh", "pip install -r $1.txt", (*FOLDER, *ROOT)),
    ("run.sh", "cat $1.txt *.txt src/* ** *.py \"$@\"", ()),
    ("run.sh", "pip-compile requirements?dev.txt", ("requirements-dev.txt",)),
    ("worker/run.sh", "cat requirements*.txt", ()),
    ("install.bat", r"pip install -r requirements\%1%.txt", FOLDER),
    ("noxfile.py", 'session.install("-r", f"requirements/{session.name}.txt")', FOLDER),
    ("noxfile.py", "session.install('-r', 'requirements/' + name + '.txt')", FOLDER),
    ("tasks.py", 'c.run("pip install -r requirements/%s.txt" % env)', FOLDER),
    ("setup.py", 'open("requirements.txt").read()', ("requirements.txt",)),
    ("src/main.py", 'raise ImportError("say pip install -r requirements.txt, or -r requirements-*.txt")', ()),
    ("Jenkinsfile", 'sh "pip install -r requirements-${env.STAGE}.txt"', TWO),
    ("playbook.yml", '    requirements: "{{ app_dir }}/requirements/{{ stage }}.txt"', FOLDER),
    ("Vagrantfile", 'config.vm.provision "shell", inline: "pip install -r /vagrant/requirements.txt"', ROOT[2:]),
    (".devcontainer/devcontainer.json", '"postCreateCommand": "pip install -r requirements-dev.txt"', TWO[:1]),
]  # fmt: skip


@pytest.mark.parametrize(("reader", "text", "read"), COMPUTED)
def test_what_a_line_reads(reader: str, text: str, read: tuple[str, ...]) -> None:
    wanted = frozenset(map(Path, (*FOLDER, *ROOT)))
    found = lines_that_read(wanted, Path(reader), text, ALL)
    assert {path.as_posix() for path in found} == set(read)
    assert set(found.values()) <= {1}


def test_a_folder_is_read_with_all_its_files() -> None:
    files = [Path("deps/base.txt"), Path("deps/dev.txt")]

    def read(text: str, *others: str) -> set[Path]:
        return set(lines_that_read(frozenset(files), Path("run.sh"), text, [*files, *map(Path, others)]))

    assert read("cp -r deps dist") == read("pip-all ./deps/") == read("cd deps") == set(files)
    assert read("cp -r deps dist", "deps/README.md") == read("echo deps") == read("make /") == set()
