"""What a repo's files become in a manifest: groups, flags, constraints, Python, comments; and that nothing is lost."""

from __future__ import annotations

import shutil
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.conftest import REPO, hashes
from tests.unit.migrate.uv import converted, manifest, pretended, read
from uvdock.errors import UvdockError
from uvdock.formats.requirements import decode, parse
from uvdock.migrate.discover import installers, metadata, python
from uvdock.migrate.discover.options import DEFAULT_INDEX
from uvdock.migrate.lock import dependencies, groups
from uvdock.migrate.lock.frozen import choose
from uvdock.migrate.lock.uv import read_export
from uvdock.migrate.model import Dependencies
from uvdock.process import Output

FIXTURES = REPO / "tests" / "fixtures" / "migrate"
#: Those whose indexes and repos are not there; uv locks all others in tests/cli.
OUT_OF_REACH = ("deps-index", "deps-git")


def flags(made: Dependencies) -> dict[str, str]:
    return {path.as_posix(): " ".join(install.flags) for path, install in made.facts.installs.items()}


def said(made: Dependencies, level: str) -> list[tuple[str, int]]:
    return [(finding.path.as_posix(), finding.line) for finding in made.findings if finding.level == level]


@pytest.mark.parametrize("name", OUT_OF_REACH)
def test_a_repo_that_uv_cannot_reach_from_here_becomes_what_a_person_would_write(name: str, tmp_path: Path) -> None:
    root = tmp_path / name
    shutil.copytree(FIXTURES / name / "before", root)
    before = hashes(root)
    made = dependencies.convert(root, read(root), "uv", pretended)
    expected = read(FIXTURES / name / "after")
    assert {Path("pyproject.toml"): manifest(made)} == expected
    assert hashes(root) == before, "planning writes nothing"


def test_layers_become_groups_with_the_flags_that_install_the_same(tmp_path: Path) -> None:
    made = converted(
        tmp_path / "app",
        {
            "requirements.txt": "-r requirements/production.txt\n",
            "requirements/base.txt": "flask\n",
            "requirements/production.txt": "-r base.txt\ngunicorn\n",
            "requirements/test.txt": "-r base.txt\npytest\n",
            "requirements/dev.txt": "-r test.txt\nipdb\n",
            "requirements/lint.txt": "ruff\n",
            ".python-version": "3.11\n",
        },
    )
    data = tomllib.loads(manifest(made))
    assert data["project"]["dependencies"] == ["flask"]
    assert data["dependency-groups"] == {
        "dev": [{"include-group": "test"}, "ipdb"],
        "lint": ["ruff"],
        "production": ["gunicorn"],
        "test": ["pytest"],
    }
    assert flags(made) == {
        "requirements.txt": "--no-dev --group production",
        "requirements/base.txt": "--no-dev",
        "requirements/dev.txt": "",
        "requirements/lint.txt": "--only-group lint",
        "requirements/production.txt": "--no-dev --group production",
        "requirements/test.txt": "--no-dev --group test",
    }
    assert {edit.path.as_posix() for edit in made.edits if edit.after is None} == flags(made).keys()


@pytest.mark.parametrize(
    ("file", "group"),
    [
        ("requirements.txt", ""),
        ("requirements.in", ""),
        ("requirements/base.txt", ""),
        ("requirements/common.in", ""),
        ("requirements-dev.txt", "dev"),
        ("requirements.dev.txt", "dev"),
        ("dev_requirements.txt", "dev"),
        ("requirements/development.txt", "dev"),
        ("test-requirements.txt", "test"),
        ("tests/requirements.txt", "test"),
        ("docs/requirements.txt", "docs"),
        ("docs/requirements-docs.txt", "docs"),
        ("requirements/local.txt", "local"),
        ("requirements_prod.txt", "production"),
        ("requirements/py3.11-linux.txt", "py3-11-linux"),
    ],
)
def test_a_file_name_says_its_group(file: str, group: str) -> None:
    assert groups.group_name(Path(file), Path()) == group


def test_versions_that_cannot_stand_together_are_a_conflict_or_a_question(tmp_path: Path) -> None:
    files = {
        "requirements.txt": "six==1.16.0\n",
        "requirements-a.txt": "-r requirements.txt\nclick==7.1.2\n",
        "requirements-b.txt": "click>=8\nsix==1.15.0\n",
    }
    made = converted(tmp_path / "app", files)
    data = tomllib.loads(manifest(made))
    assert data["tool"]["uv"]["conflicts"] == [[{"group": "a"}, {"group": "b"}]]
    assert data["dependency-groups"] == {"a": ["click==7.1.2"], "b": ["click>=8"]}
    assert ("requirements-b.txt", 2) in said(made, "question")


@pytest.mark.parametrize(
    ("one", "other", "asked"),
    [
        ("six==1.16.0", "six>=1", False),
        ("six==1.16.0", "six<1", True),
        ("six===odd", "six===odd", False),
        ("six===odd", "six==1", True),
        ("six @ https://h.example/six.zip", "six==1", False),
        ("six @ https://h.example/six.zip", "six @ https://h.example/other.zip", True),
        ("six==1; os_name == 'nt'", "six==2", False),
    ],
)
def test_two_lists_contradict_each_other_where_no_version_fits_both(
    one: str, other: str, asked: bool, tmp_path: Path
) -> None:
    files = {"requirements.txt": f"{one}\n", "requirements-dev.txt": f"{other}\n", ".python-version": "3.11\n"}
    found = said(converted(tmp_path / "app", files), "question")
    assert (("requirements-dev.txt", 1) in found) is asked


def test_files_of_one_name_are_groups_of_their_own(tmp_path: Path) -> None:
    files = {
        "requirements.txt": "six  # one\nsix  # two\n",
        "requirements-dev.txt": "ruff\n",
        "docker/requirements-dev.txt": "ipdb\n",
        "docker/dev-requirements.txt": "mypy\n",
        "requirements/notes.txt": "What this is, in many words, for who comes next\n--not an option\n",
    }
    made = converted(tmp_path / "app", files)
    groups_of = tomllib.loads(manifest(made))["dependency-groups"]
    assert groups_of == {"dev": ["mypy"], "dev-docker": ["ipdb"], "dev-2": ["ruff"]}
    assert [one.what for one in made.findings if one.line == 2] == ["listed twice, and its comment goes (# two)"]


def test_options_of_several_files_come_together(tmp_path: Path) -> None:
    lines = (
        "-i https://index.example/simple\n--extra-index-url https://index.example/more\n"
        "--extra-index-url https://index.example/x/more\n--extra-index-url https://index.example/more/\n"
        "--no-binary six,idna\n--only-binary six\n--only-final six\n-f ${LINKS}\nsix\n"
    )
    files = {"requirements.txt": lines, "requirements_dev.txt": "-i https://other.example/simple\nruff\n"}
    made = converted(tmp_path / "app", {**files, ".python-version": "3.11\n"})
    uv = tomllib.loads(manifest(made))["tool"]["uv"]
    assert [one["name"] for one in uv["index"]] == ["index", "index-more", "index-more-x", "index-more-2"]
    assert (uv["no-binary-package"], uv["no-build-package"]) == (["idna"], ["six"])
    assert said(made, "question") == [("requirements.txt", 7), ("requirements.txt", 8), ("requirements_dev.txt", 1)]
    assert set(made.facts.environment) == {"UV_FIND_LINKS"}


@pytest.mark.parametrize("own", ["", "six\n"])
def test_files_that_include_each_other_end_somewhere(own: str, tmp_path: Path) -> None:
    files = {
        "requirements.txt": f"-r requirements-a.txt\n{own}",
        "requirements-a.txt": f"-r requirements-b.txt\n{own}",
        "requirements-b.txt": f"-r requirements-a.txt\n-r requirements.txt\n-r requirements-b.txt\n{own}",
    }
    data = tomllib.loads(manifest(converted(tmp_path / "app", files)))
    assert data["project"]["dependencies"] == own.split()
    assert all({"include-group": name} not in items for name, items in data.get("dependency-groups", {}).items())


def test_a_line_that_uv_has_nothing_for_keeps_its_file_and_whatever_installs_that(tmp_path: Path) -> None:
    made = converted(
        tmp_path / "app",
        {"requirements.txt": "flask\nhg+https://h.example/x#egg=x\n", "requirements-dev.txt": "-r requirements.txt\n"},
    )
    assert flags(made) == {}
    assert ("requirements.txt", 2) in said(made, "left")
    assert "requirements.txt" not in {edit.path.as_posix() for edit in made.edits}
    assert '"flask"' in manifest(made)


def test_credentials_are_in_no_word_of_the_result(tmp_path: Path) -> None:
    made = converted(
        tmp_path / "app",
        {
            "requirements.txt": "--index-url https://ann:s3cret@index.example/simple\n"
            "--find-links https://ann:s3cret@files.example/\n"
            "--extra-index-url https://s3cret@other.example/simple/\n"
            "git+https://s3cret@git.example/o/a.git#egg=a\n"
            "b @ https://ann:s3cret@files.example/b.zip\n"
            "https://ann:s3cret@files.example/\n"
            "hg+https://ann:s3cret@h.example/c\n"
            "-r https://ann:s3cret@files.example/more.txt\n"
            "-c https://ann:s3cret@files.example/limits.txt\n"
            "flask --hash=x --nonsense https://ann:s3cret@files.example/\n"
        },
    )
    assert "s3cret" not in manifest(made)
    assert "s3cret" not in repr((made.findings, made.drifts, made.facts.environment, made.facts.installs))
    assert set(made.facts.environment) == {
        "UV_INDEX_INDEX_USERNAME",
        "UV_INDEX_INDEX_PASSWORD",
        "UV_INDEX_OTHER_USERNAME",
    }


def test_pips_own_index_needs_no_word(tmp_path: Path) -> None:
    made = converted(tmp_path / "app", {"requirements.txt": f"-i {DEFAULT_INDEX}/\nsix\n"})
    assert "index" not in manifest(made)
    assert ("requirements.txt", 1) in said(made, "note")


def test_an_index_from_a_variable_is_a_question_and_names_uvs_own(tmp_path: Path) -> None:
    made = converted(tmp_path / "app", {"requirements.txt": "--index-url ${OUR_INDEX}\nsix\n"})
    assert said(made, "question")[-1] == ("requirements.txt", 1)
    assert set(made.facts.environment) == {"UV_DEFAULT_INDEX"}
    assert flags(made) == {"requirements.txt": ""}


@pytest.mark.parametrize(
    "line",
    [
        "https://[x/a.zip",
        "a @ https://[x/a.zip",
        "git+https://[x/a#egg=a",
        "-e git+https://[x/a#egg=a",
        "-i https://[x/simple",
        "--extra-index-url https://u:p@[x/simple",
        "-f https://[x/wheels",
        "-f https://u:s3cret@h.e\u2100xample/wheels",
        "https://u:s3cret@h.e\u2100xample/a.zip",
    ],
)
def test_an_address_that_is_none_is_left_with_its_file(line: str, tmp_path: Path) -> None:
    made = converted(tmp_path / "app", {"requirements.txt": f"{line}\nsix\n", ".python-version": "3.11\n"})
    (found,) = [one for one in made.findings if (one.path, one.line) == (Path("requirements.txt"), 1)]
    assert found.level != "note"
    assert "is no URL" in found.what
    assert "s3cret" not in found.what
    assert "requirements.txt" not in {edit.path.as_posix() for edit in made.edits}
    assert '"six"' in manifest(made)


def test_a_comment_above_an_index_that_goes_stays_with_the_next_line(tmp_path: Path) -> None:
    lines = f"# ours\n-i https://index.example/simple\n# plain\n--extra-index-url {DEFAULT_INDEX}\nsix\n"
    text = manifest(converted(tmp_path / "app", {"requirements.txt": lines}))
    assert "# ours\n[[tool.uv.index]]" in text
    assert '    # plain\n    "six",' in text


EXISTING = """\
# Ours.
[build-system]
requires = ["hatchling"]  # not setuptools
build-backend = "hatchling.build"

[project]
name = "Tool"
dynamic = ["version"]
dependencies = [
  'click>=8',  # the command line
]

[dependency-groups]
test = ["pytest"]  # all of it

[tool.uv]
package = true

# wide
[tool.ruff]
line-length = 100
"""


def test_lists_that_are_there_get_what_files_add(tmp_path: Path) -> None:
    pyproject = (
        '[project]\nname = "a"\nversion = "1"\nrequires-python = ">=3.11"\ndependencies = ["six"]\n\n'
        '[tool.uv]\npackage = false\nconstraint-dependencies = ["idna<4"]\n'
    )
    files = {
        "pyproject.toml": pyproject,
        "requirements.txt": "# bell \x07 above\nflask  # bell \x07 beside\n",
        "constraints.txt": "click<9  # not yet\nidna<4\n",
    }
    text = manifest(converted(tmp_path / "app", files))
    data = tomllib.loads(text)
    assert data["project"]["dependencies"] == ["six", "flask"]
    assert data["tool"]["uv"] == {"package": False, "constraint-dependencies": ["idna<4", "click<9"]}
    assert all(words in text for words in ("# bell   above", "# bell   beside", "# not yet"))


@pytest.mark.parametrize("ends", ["\n", "\r\n"])
def test_a_manifest_that_is_there_keeps_every_line(ends: str, tmp_path: Path) -> None:
    made = converted(
        tmp_path / "app",
        {
            "pyproject.toml": EXISTING.replace("\n", ends),
            "requirements.txt": "-e .\nclick==8.1.7\ngunicorn  # serves\n",
            "requirements-test.txt": "-r requirements.txt\n# slow\npytest-xdist\n",
            "requirements-dev.txt": "--pre\nruff\n",
            ".python-version": "3.11\n",
        },
    )
    text = manifest(made)
    assert text.count("\r\n") == (text.count("\n") if ends == "\r\n" else 0)
    rows = iter(text.replace("\r\n", "\n").splitlines())
    changed = ('test = ["pytest"]  # all of it',)
    assert all(line in rows for line in EXISTING.splitlines() if line not in changed)
    data = tomllib.loads(text)
    assert data["project"]["dependencies"] == ["click>=8"], "what is published does not change"
    assert data["project"]["requires-python"] == ">=3.11"
    assert data["dependency-groups"] == {
        "test": ["pytest", "pytest-xdist"],
        "dev": ["ruff"],
        "production": ["gunicorn"],
    }
    assert data["tool"]["uv"] == {"package": True, "prerelease": "allow"}
    assert "# slow" in text
    assert '"gunicorn",  # serves' in text
    assert made.facts.projects[0].package
    assert flags(made)["requirements.txt"] == "--no-dev --group production"
    assert flags(made)["pyproject.toml"] == "--no-dev"


def test_a_manifest_that_is_no_toml_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UvdockError, match=r"pyproject\.toml is not valid TOML"):
        converted(tmp_path / "app", {"pyproject.toml": "[project\n", "requirements.txt": "six\n"})


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("project = []", "project in pyproject.toml must be a table"),
        ('project.dependencies = "six"', "project.dependencies in pyproject.toml must be a list"),
        ("dependency-groups = 1", "dependency-groups in pyproject.toml must be a table"),
        ("build-system = 1", "build-system in pyproject.toml must be a table"),
        ("tool.uv.config-settings-package = 1", "tool.uv.config-settings-package in pyproject.toml must be a table"),
        ('tool = "x"', "tool in pyproject.toml must be a table"),
        ("tool.uv = 1", "tool.uv in pyproject.toml must be a table"),
    ],
)
def test_a_manifest_of_another_shape_is_refused(text: str, what: str, tmp_path: Path) -> None:
    with pytest.raises(UvdockError) as caught:
        converted(tmp_path / "app", {"pyproject.toml": text, "requirements.txt": "six\n", ".python-version": "3.11"})
    assert caught.value.what == what


def test_setup_py_is_read_and_never_run(tmp_path: Path) -> None:
    code = (
        "from setuptools import setup\nopen('ran', 'w')\n"
        "setup(name='Tool', version=get(), install_requires=['six>=1'], extras_require={'x': 'idna\\n'},\n"
        "      long_description='y', entry_points={'console_scripts': ['a=b:c']}, python_requires='>=3.9')\n"
    )
    made = converted(tmp_path / "app", {"setup.py": code, "requirements.txt": "-e .[x]\nsix==1.16.0\nclick\n"})
    data = tomllib.loads(manifest(made))
    assert data["project"] == {
        "name": "tool",
        "requires-python": ">=3.9",
        "dynamic": ["version", "readme", "scripts"],
        "dependencies": ["six>=1"],
        "optional-dependencies": {"x": ["idna"]},
    }
    assert data["build-system"]["build-backend"] == "setuptools.build_meta"
    assert data["dependency-groups"] == {"production": ["click"]}
    assert flags(made) == {"requirements.txt": "--group production --extra x", "setup.py": ""}
    assert not list(tmp_path.rglob("ran"))


def test_a_file_that_the_build_reads_stays(tmp_path: Path) -> None:
    code = (
        "from setuptools import setup\n"
        "setup(name='t', version='1', install_requires=open('requirements.txt').read().split())\n"
    )
    made = converted(tmp_path / "app", {"setup.py": code, "requirements.txt": "six\n", "run": "pip install -e .\n"})
    assert said(made, "left") == [("requirements.txt", 0)]
    assert {edit.path.as_posix() for edit in made.edits} == {"pyproject.toml", "uv.lock"}
    assert tomllib.loads(manifest(made))["project"]["dynamic"] == ["dependencies"]


DYNAMIC = """\
[build-system]
requires = ["setuptools>=61"]

[project]
name = "svc"
version = "1.0"
requires-python = ">=3.11"
dynamic = ["dependencies"]

[tool.setuptools.dynamic]
dependencies = { file = ["requirements.txt"] }
"""


def test_what_setuptools_reads_from_a_file_is_the_projects_own(tmp_path: Path) -> None:
    files = {
        "pyproject.toml": DYNAMIC,
        "requirements.txt": "flask\n",
        "requirements-dev.txt": "-r requirements.txt\nruff\n",
    }
    made = converted(tmp_path / "app", files)
    text = manifest(made)
    # So that uv sees a change of the list.
    keys = '\n[tool.uv]\ncache-keys = [\n    { file = "pyproject.toml" },\n    { file = "requirements.txt" },\n]\n'
    assert text.replace('[dependency-groups]\ndev = [\n    "ruff",\n]\n\n', "") == DYNAMIC + keys
    assert flags(made) == {
        "pyproject.toml": "--no-dev",
        "requirements.txt": "--no-dev --no-install-project",
        "requirements-dev.txt": "--no-install-project",
    }
    assert said(made, "left") == [("requirements.txt", 0)]


def test_what_was_compiled_from_the_project_is_its_lock(tmp_path: Path) -> None:
    header = (
        "#\n# This file is autogenerated by pip-compile with Python 3.11\n#\n#    pip-compile {} pyproject.toml\n#\n"
    )
    listed = "flask==3.0.3\n    # via svc (pyproject.toml)\nruff==0.4.4\n    # via svc (pyproject.toml)\n"
    pyproject = '[project]\nname = "svc"\nversion = "1"\nrequires-python = ">=3.11"\ndependencies = ["flask"]\n'
    pyproject += '\n[project.optional-dependencies]\nlint = ["ruff"]\n'
    files = {
        "pyproject.toml": pyproject,
        "requirements.txt": header.format("") + listed.partition("ruff")[0],
        "requirements-lint.txt": header.format("--extra=lint --output-file=requirements-lint.txt") + listed,
    }
    made = converted(tmp_path / "app", files)
    assert [edit.path.as_posix() for edit in made.edits] == ["requirements-lint.txt", "requirements.txt", "uv.lock"]
    assert flags(made) == {"requirements.txt": "", "requirements-lint.txt": "--extra lint"}


def test_a_file_that_includes_a_compiled_one_installs_what_its_source_does(tmp_path: Path) -> None:
    header = "#\n# This file is autogenerated by pip-compile with Python 3.11\n#\n"
    files = {
        "setup.py": "from setuptools import setup\nsetup(name='t', version='1')\n",
        "requirements.in": "-e .\nsix\n",
        "requirements.txt": f"{header}-e .\nsix==1.16.0\n    # via -r requirements.in\n",
        "requirements-dev.txt": "-r requirements.txt\nruff\n",
        "constraints.txt": "six[x]<2\nidna @ https://h.example/idna.zip\nclick<9\n# last\n",
    }
    made = converted(tmp_path / "app", files)
    assert flags(made)["requirements-dev.txt"] == ""
    assert {str(path) for path, install in made.facts.installs.items() if install.itself} == {
        *("requirements.in", "requirements.txt", "requirements-dev.txt"),
    }
    assert said(made, "question")[:2] == [("constraints.txt", 1), ("constraints.txt", 2)]
    assert tomllib.loads(manifest(made))["tool"]["uv"]["constraint-dependencies"] == ["click<9"]
    assert any("# last" in finding.what for finding in made.findings)


@pytest.mark.parametrize("app", ["app", "web"])
def test_a_library_is_a_package_wherever_its_folder_comes(app: str, tmp_path: Path) -> None:
    files = {
        f"{app}/requirements.txt": "-e ../lib\nsix\n",
        "Makefile": f"install:\n\tpip install -r {app}/requirements.txt\n",
        "lib/setup.py": "from setuptools import setup\nsetup(name='lib', version='1')\n",
        "lib/requirements.txt": "idna\n",
    }
    made = converted(tmp_path / "repo", files)
    assert {one.folder.as_posix(): one.package for one in made.facts.projects} == {app: False, "lib": True}


def test_a_newer_python_is_asked_for_where_the_versions_need_it(tmp_path: Path) -> None:
    def run(argv: Sequence[str], *, cwd: Path | None = None, env: Mapping[str, str] | None = None) -> Output:
        if argv[1] == "lock" and cwd and '">=3.8"' in (cwd / "pyproject.toml").read_text():
            why = "Because the requested Python version (>=3.8) does not satisfy Python>=3.10 and six needs that"
            return Output(1, b"", f"error: {why}".encode())
        return pretended(argv, cwd=cwd, env=env)

    files = {"requirements.txt": "six==1\n", ".python-version": "3.8\n"}
    converted(tmp_path / "app", files)
    made = dependencies.convert(tmp_path / "app", read(tmp_path / "app"), "uv", run)
    assert tomllib.loads(manifest(made))["project"]["requires-python"] == ">=3.10"
    (finding,) = [one for one in made.findings if one.level == "question"]
    assert (finding.path.as_posix(), finding.line) == (".python-version", 1)
    assert "requires-python is '>=3.10', and not '>=3.8'" in finding.what


@pytest.mark.parametrize(
    ("setup_py", "expected"),
    [
        ("import x", None),
        ("def (", None),
        ("setup()", metadata.Metadata(dynamic=("version",))),
        ("N='a'\nsetup(name=N, version='1')", metadata.Metadata("a", "1")),
        ("setup(install_requires=read())", metadata.Metadata(dependencies=None, dynamic=("version", "dependencies"))),
        (
            "setup(extras_require={':os_name==\"nt\"': ['a']})",
            metadata.Metadata(extras=None, dynamic=("version", "optional-dependencies")),
        ),
    ],
)
def test_what_a_setup_py_says_in_so_many_words(setup_py: str, expected: metadata.Metadata | None) -> None:
    assert metadata.read(setup_py, None) == expected


SIX = ("version", "entry-points", "scripts", "gui-scripts", "dependencies", "optional-dependencies")


@pytest.mark.parametrize(
    ("setup_py", "unknown"),
    [
        ("E = {'a': ['x']}\nE['all'] = sum(E.values(), [])\nsetup(version='1', extras_require=E)", SIX[5:]),
        ("R = ['x']\nif old():\n    R.append('y')\nsetup(version='1', install_requires=R)", SIX[4:5]),
        ("R = ['x']\nR += ['y']\nsetup(version='1', install_requires=R)", SIX[4:5]),
        ("if a:\n    R = ['x']\nelse:\n    R = []\nsetup(version='1', install_requires=R)", SIX[4:5]),
        ("E = {'a': []}\nE['a'].extend(f())\nsetup(version='1', extras_require=E)", SIX[5:]),
        ("setup(use_scm_version=True, install_requires=['x'])", SIX[:1]),
        ("setup(setup_requires=['pbr'], pbr=True)", SIX),
        ("setup(name='x', **arguments())", SIX),
        ("A = {}\nA['version'] = f()\nsetup(name='x', **A)", SIX),
        ("setup(name='x', **{'version': '1', 'install_requires': ['x']})", ()),
        ("R: list[str] = ['x']\nsetup(version='1', install_requires=R)", ()),
    ],
)
def test_what_only_a_build_can_tell_stays_with_the_build(setup_py: str, unknown: tuple[str, ...]) -> None:
    own = metadata.read(setup_py, None)
    assert own is not None
    assert own.dynamic == unknown
    assert (own.version == "", own.dependencies is None, own.extras is None) == tuple(
        name in unknown for name in ("version", "dependencies", "optional-dependencies")
    )


@pytest.mark.parametrize(
    ("code", "imports"),
    [
        ("import os, sys\nfrom setuptools import setup\nfrom distutils import log\n", False),
        ("import versioneer\n", True),
        ("from app import __version__\n", True),
        ("from . import version\n", True),
        ("def f():\n    import numpy.distutils\n", True),
    ],
)
def test_a_setup_py_that_imports_what_lies_beside_it_is_built_as_pip_does(
    code: str, *, imports: bool, tmp_path: Path
) -> None:
    files = {"setup.py": f"{code}setup(name='t', version='1')\n", "run": "pip install .\n"}
    system = tomllib.loads(manifest(converted(tmp_path / "app", files)))["build-system"]
    assert ("build-backend" not in system) is imports


@pytest.mark.parametrize(
    ("reads", "stays"),
    [
        ("open('requirements.txt')", "requirements.txt"),
        ("open(os.path.join(here, 'requirements', 'base.txt'))", "requirements/base.txt"),
        ("Path('requirements', 'test.txt').read_text()", "requirements/base.txt requirements/test.txt"),
        ("read(f'requirements/{name}.txt')", "requirements/base.txt requirements/test.txt"),
        ("read('requirements/%s.txt' % name)", "requirements/base.txt requirements/test.txt"),
        ("[read(path) for path in glob('requirements/*.txt')]", "requirements/base.txt requirements/test.txt"),
        ("read(name + '.txt')", "requirements.txt requirements/base.txt requirements/test.txt"),
        ("[one for one in names]", ""),
    ],
)
def test_the_lists_that_a_build_reads_stay(reads: str, stays: str, tmp_path: Path) -> None:
    files = {
        "setup.py": f"setup(name='t', version='1', install_requires={reads})\n",
        "requirements.txt": "six\n",
        "requirements/base.txt": "idna\n",
        "requirements/test.txt": "-r base.txt\npytest\n",
        "run": "pip install .\n",
    }
    made = converted(tmp_path / "app", files)
    gone = {edit.path.as_posix() for edit in made.edits if edit.after is None}
    assert " ".join(sorted(name for name in files if name.endswith(".txt") and name not in gone)) == stays
    assert tomllib.loads(manifest(made))["project"]["dynamic"] == ["dependencies"]


def test_a_setup_py_that_reads_a_list_can_still_do_it_where_nothing_installs_it(tmp_path: Path) -> None:
    code = "setup(name='t', version='1', install_requires=open('requirements.txt').read().split())\n"
    made = converted(tmp_path / "app", {"setup.py": code, "requirements.txt": "six\n"})
    assert {edit.path.as_posix() for edit in made.edits} == {"pyproject.toml", "uv.lock"}
    assert tomllib.loads(manifest(made))["project"]["dependencies"] == ["six"]


MATURIN = '[build-system]\nrequires = ["maturin>=1,<2"]\nbuild-backend = "maturin"\n'


@pytest.mark.parametrize(
    ("pyproject", "expected"),
    [
        (f'[project]\nname = "x"\n\n{MATURIN}', {"name": "x", "dynamic": ["version"]}),
        (f'[project]\nname = "x"\ndynamic = ["readme"]\n\n{MATURIN}', {"name": "x", "dynamic": ["readme", "version"]}),
        (f'[project]\nname = "x"\ndynamic = ["version"]\n\n{MATURIN}', {"name": "x", "dynamic": ["version"]}),
        (f'[project]\nname = "x"\nversion = "3"\n\n{MATURIN}', {"name": "x", "version": "3"}),
        (MATURIN, {"name": "crate", "dynamic": ["version"]}),
    ],
)
def test_no_version_is_made_up_over_the_one_of_a_build(
    pyproject: str, expected: dict[str, object], tmp_path: Path
) -> None:
    files = {
        "pyproject.toml": pyproject,
        "Cargo.toml": '[package]\nname = "crate"\nversion = "4.5.6"\n',
        "requirements.txt": "six\n",
        "run": "pip install .\n",
        ".python-version": "3.11\n",
    }
    made = tomllib.loads(manifest(converted(tmp_path / "app", files)))
    project = {key: value for key, value in made["project"].items() if key not in ("dependencies", "requires-python")}
    assert project == expected
    assert made["build-system"] == tomllib.loads(MATURIN)["build-system"]


def test_a_crate_that_maturin_does_not_build_is_no_package(tmp_path: Path) -> None:
    files = {"Cargo.toml": '[package]\nname = "crate"\n', "requirements.txt": "six\n", "run": "pip install .\n"}
    data = tomllib.loads(manifest(converted(tmp_path / "tools", files)))
    assert (data["project"]["name"], "build-system" in data) == ("tools", False)


def test_extras_of_files_in_setup_cfg_stay_there(tmp_path: Path) -> None:
    cfg = (
        "[metadata]\nname = t\nversion = 1\n[options]\ninstall_requires = file: requirements.txt\n"
        "[options.extras_require]\ntest = file: requirements-test.txt\n"
    )
    files = {
        "setup.cfg": cfg,
        "requirements.txt": "six\n",
        "requirements-test.txt": "pytest\n",
        "run": "pip install -e .[test]\n",
    }
    made = converted(tmp_path / "app", files)
    project = tomllib.loads(manifest(made))["project"]
    assert project["dynamic"] == ["dependencies", "optional-dependencies"]
    assert {edit.path.as_posix() for edit in made.edits} == {"pyproject.toml", "uv.lock"}


def test_a_name_that_code_makes_is_asked_for(tmp_path: Path) -> None:
    files = {
        "setup.py": "setup(name=about['name'], version='1')\n",
        "run": "pip install .\n",
        ".python-version": "3.11\n",
    }
    asked = [one.what for one in converted(tmp_path / "app", files).findings if one.level == "question"]
    assert asked == ["the project's name is made by code: app is assumed"]


def test_setup_cfg_says_the_same() -> None:
    text = (
        "[metadata]\nname = a\nversion = attr: a.v\nauthor = Ann\n[options]\ninstall_requires =\n  six>=1  # old\n"
        "  idna\n[options.extras_require]\ntest = pytest\n[options.entry_points]\nconsole_scripts =\n  a = b:c\n"
    )
    assert metadata.read(None, text) == metadata.Metadata(
        "a",
        dependencies=("six>=1", "idna"),
        extras={"test": ("pytest",)},
        dynamic=("version", "authors", "scripts"),
    )
    assert metadata.read(None, "[flake8]\nmax-line-length = 100\n") is None


WORKFLOW = "jobs:\n  t:\n    strategy:\n      matrix:\n        python-version:\n          - '3.12'\n          - 3.10\n"
SAYS = {
    "Dockerfile": "ARG V=3.13\nFROM node:20 AS js\nFROM docker.io/library/python:${V}-slim\n",
    ".python-version": "3.12.4\n",
    "runtime.txt": "python-3.9.18\n",
    ".github/workflows/t.yml": WORKFLOW,
    "setup.cfg": "[metadata]\nclassifiers =\n  Programming Language :: Python :: 3.8\n",
}


@pytest.mark.parametrize(
    ("gone", "expected"),
    [
        # A job of an older version would find no project that allows it.
        (0, (">=3.10", ".github/workflows/t.yml", 7)),
        (1, (">=3.10", ".github/workflows/t.yml", 7)),
        (2, (">=3.9", "runtime.txt", 1)),
        (3, (">=3.10", ".github/workflows/t.yml", 7)),
        (4, (">=3.8", "setup.cfg", 3)),
    ],
)
def test_the_first_of_five_places_says_the_python(gone: int, expected: tuple[str, str, int]) -> None:
    files = {Path(name): text for name, text in list(SAYS.items())[gone:]}
    found = python.find(Path(), files, (Path(),), "", "3.14")
    assert (found.requires, str(found.path), found.line) == expected
    own = python.find(Path(), files, (Path(),), ">=3.7", "3.14")
    assert (own.requires, own.version) == (">=3.7", found.version)
    # With another project beside it, nobody knows which of them the jobs are for.
    beside = python.find(Path(), files, (Path(), Path("other")), "", "3.14")
    assert beside.requires == [">=3.13", ">=3.12", ">=3.9", ">=3.10", ">=3.8"][gone]
    untested = {path: text for path, text in files.items() if path.suffix != ".yml"}
    assert (
        python.find(Path(), untested, (Path(),), "", "3.14").requires
        == [*(">=3.13", ">=3.12", ">=3.9", ">=3.8", ">=3.8")][gone]
    )


def test_no_place_says_the_python() -> None:
    assert python.find(Path(), {}, (Path(),), "", "3.14").requires == ">=3.14"
    assert python.find(Path(), {}, (Path(),), "==3.12.*", "3.14").version == "3.12"


@pytest.mark.parametrize(
    ("parents", "expected"),
    [
        ({"werkzeug": {"flask"}, "click": {"flask"}}, {"flask", "gunicorn"}),
        ({"werkzeug": {"flask"}, "click": {"flask"}, "flask": {"click"}, "gunicorn": {"flask"}}, {"click"}),
        ({}, {"flask", "werkzeug", "click", "gunicorn"}),
        ({"flask": {"other"}, "werkzeug": {"werkzeug"}}, {"flask", "werkzeug", "click", "gunicorn"}),
    ],
)
def test_what_nothing_needs_was_asked_for(parents: Mapping[str, set[str]], expected: set[str]) -> None:
    assert choose({"flask", "werkzeug", "click", "gunicorn"}, parents) == expected


def test_an_export_is_read_for_linux_and_the_old_python() -> None:
    text = (
        "-e ./lib\n./other\nclick==8.1.7\ncolorama==0.4.6 ; sys_platform == 'win32'\n"
        "tomli==2.0.1 ; python_full_version < '3.11'\nA.b @ git+https://h.example/a@1\n"
    )
    assert read_export(text, "3.10") == {"click": "8.1.7", "tomli": "2.0.1", "a-b": ""}
    assert read_export(text, "3.11") == {"click": "8.1.7", "a-b": ""}


def test_a_project_of_uv_has_nothing_to_do(tmp_path: Path) -> None:
    files = {"app/requirements.txt": "six  # one\n", "app/Dockerfile": "FROM python:3.11\n"}
    made = converted(tmp_path / "r", files)
    for edit in made.edits:
        path = tmp_path / "r" / edit.path
        path.unlink(missing_ok=True)
        if edit.after is not None:
            path.write_bytes(edit.after)
    again = dependencies.convert(tmp_path / "r", read(tmp_path / "r"), "uv", pretended)
    assert (again.edits, again.findings, again.drifts) == ((), (), ())
    assert again.facts.projects == made.facts.projects


# --- nothing is lost --------------------------------------------------------------------------------------------------

NAMES = st.sampled_from(["flask", "Django", "a.b", "x_y", "six", "zope.interface"])
WORDS = st.text(alphabet="abc dé=#'\"[]{}\t\\,$%;", min_size=1, max_size=12)
REQUIREMENTS = st.builds(
    lambda name, more, space: f"{name}{space}{more}",
    NAMES,
    st.sampled_from(
        ["", "==1.0", ">=1,<2", "[x]", "; os_name=='nt'", "==1.0 --hash=sha256:aa", " @ https://h.example/a.zip"]
    ),
    st.sampled_from(["", " "]),
)
OPTIONS = st.sampled_from(
    [
        *("--pre", "--no-index", "-i https://index.example/simple", "--extra-index-url https://u:p@two.example/simple"),
        *(
            "-f wheels",
            "--no-binary :all:",
            "--only-binary six",
            "--trusted-host h.example",
            "-r base.txt",
            "-c limits.txt",
        ),
        *(
            "-r missing.txt",
            "-e .",
            "-e ./missing",
            "git+https://h.example/o/r@1",
            "--use-feature x",
            "--prefer-binary",
        ),
        *(
            "--require-hashes",
            "--nonsense",
            "-c https://h.example/limits.txt",
            "--config-settings a=b",
            "./missing.whl",
        ),
    ]
)
LINES = st.one_of(st.just(""), WORDS.map(lambda word: f"#{word}"), REQUIREMENTS, OPTIONS, st.text(max_size=20), WORDS)


@st.composite
def written(draw: st.DrawFn) -> str:
    """A requirement file: lines of every kind, some with a comment, some continued."""
    lines = draw(st.lists(LINES, max_size=8))
    made = []
    for number, line in enumerate(lines):
        comment = f"  # note{number}" if draw(st.booleans()) and line else ""
        made.append(line + comment + draw(st.sampled_from(["", "", "", " \\"])))
    return draw(st.sampled_from(["\n", "\r\n"])).join(made) + draw(st.sampled_from(["", "\n"]))


@given(written(), written())
def test_no_line_is_lost(main: str, dev: str) -> None:
    files = {"requirements.txt": main, "requirements-dev.txt": dev, "base.txt": "idna\n", "limits.txt": "click<9\n"}
    with TemporaryDirectory() as temp:
        made = converted(Path(temp) / "app", {**files, ".python-version": "3.11"})
        text = manifest(made)
        contents = {name: decode((Path(temp) / "app" / name).read_bytes()) for name in files}
    tomllib.loads(text)
    gone = {edit.path.as_posix() for edit in made.edits if edit.after is None}
    shown = " ".join(finding.what for finding in made.findings)
    assert gone <= {*files, "pyproject.toml", "uv.lock"}
    for name, content in contents.items():
        if name in ("base.txt", "limits.txt") and name not in gone:
            # Nothing includes it.
            continue
        for line in parse(content):
            named = any(finding.path == Path(name) and finding.line == line.number for finding in made.findings)
            if line.comment and name in gone:
                words = "".join(char if char.isprintable() or char == "\t" else " " for char in line.comment)
                assert words.split() == [] or all(word in text or word in shown for word in words.split()), line
            if line.kind == "broken":
                assert named, line
                assert name not in gone
            elif line.kind == "requirement":
                first = line.requirement.split("@")[0].split("[")[0].split("=")[0].split(">")[0].split(";")[0].strip()
                assert named or f'"{first}' in text or line.requirement == ".", line
            for option in line.options:
                value = option.value.rpartition("@")[2].rpartition("/")[2] if line.kind == "option" else ""
                value = {":all:": "no-binary"}.get(value, value)
                known = value in text or value in shown or option.name in ("--requirement", "--constraint")
                assert named or known, (line, option)


@given(st.binary(max_size=80), st.text(max_size=60), st.text(max_size=60))
def test_any_content_gives_a_result_or_an_error_for_people(content: bytes, setup: str, cfg: str) -> None:
    files: dict[str, str | bytes] = {
        "requirements.txt": content,
        "setup.py": f"setup(name={setup!r})\n{setup}",
        "setup.cfg": cfg,
    }
    with TemporaryDirectory() as temp:
        made = converted(Path(temp) / "app", {**files, "run": "pip install -e .\n"})
    assert made.facts.uv == "0.13.8"


@pytest.mark.parametrize(
    ("command", "installs"),
    [
        *((command, True) for command in (
            "pip install .", "/venv/bin/pip install /project", "pip3 install -e /code",
            "python -m pip install --no-deps /app/",
            'RUN ["pip", "install", "."]', 'RUN ["pip", "install", "-e", ".[dev]"]', 'pip install "/src[web]"',
            "pip install ./", "pip install $(pwd)", "pip install -e .[dev]", "pip install -r a.txt \\\n   .",
            "uv pip install -e .", "pip install --editable=/srv", "run `pip install .`", "python setup.py develop",
        )),
        *((command, False) for command in (
            "pip install -r /app/requirements.txt", "pip install /wheels/*", "pip install /wheels/x.whl",
            "pip install --target /opt six", "pip install -t /opt six", "pip install --prefix=/install -r x.txt",
            "pip install -c /app/constraints six", "pip install six && cd /srv", "pip install six # not .",
        )),
    ],
)  # fmt: skip
def test_what_installs_the_project_itself(command: str, *, installs: bool) -> None:
    assert installers.installs_itself(command) is installs
