"""What `init` writes: settings in their place, all else as it was, and a tasks.py only where there is none."""

from __future__ import annotations

import tomllib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from uvdock.errors import UvdockError
from uvdock.files import TASKS
from uvdock.init.manifest import PYPROJECT, with_settings
from uvdock.init.plan import FileChange, State, imports_uvdock, own_tasks, plan
from uvdock.settings import FILE

RUN = '#!/bin/bash\ncmd() { docker compose exec web "$@"; }\nflask() { cmd flask "$@"; }\n'
ALWAYS = frozenset(("cmd", "uv", "shell"))
ADDED = {"flask": "flask", "lint.shell": {"run": "shellcheck run", "backend": "host"}, "all": ["flask", "lint.shell"]}
#: The commands as lines of their table.
OWN = 'flask = "flask"\n"lint.shell" = {run = "shellcheck run", backend = "host"}\nall = ["flask", "lint.shell"]\n'
SETTINGS = """\
[tool.uvdock]
service = "web"

[tool.uvdock.commands]
flask = "flask"
"lint.shell" = {run = "shellcheck run", backend = "host"}
all = ["flask", "lint.shell"]
"""


def edits(**files: str) -> dict[str, FileChange]:
    names = {name.replace("_py", ".py").replace("_toml", ".toml"): text for name, text in files.items()}
    return {edit.name: edit for edit in plan(State(names, ALWAYS)).edits}


@pytest.mark.parametrize(
    ("before", "after"),
    [
        pytest.param("", SETTINGS, id="empty"),
        pytest.param("[project]\nname = 'a' # b\n", f"[project]\nname = 'a' # b\n\n{SETTINGS}", id="behind-everything"),
        pytest.param("[tool.x]\na=1", f"[tool.x]\na=1\n\n{SETTINGS}", id="no-line-end"),
        pytest.param("[tool.x]\r\na=1\r\n", "[tool.x]\r\na=1\r\n\r\n" + SETTINGS.replace("\n", "\r\n"), id="windows"),
        pytest.param("[tool.uvdock]\n", SETTINGS, id="empty-table"),
        pytest.param(
            "[tool.uvdock] # a\nbackend = 'auto' # b\n\n[tool.x]\ny = 1\n",
            "[tool.uvdock] # a\nbackend = 'auto' # b\nservice = \"web\"\n\n"
            + SETTINGS.partition("\n\n")[2]
            + "\n[tool.x]\ny = 1\n",
            id="table-in-the-middle",
        ),
        pytest.param(
            "[tool.uvdock.commands]\n# mine\nold = 'x'  # y\n\n[tool.x]\ny = 1\n",
            None,
            id="commands-in-the-middle",
        ),
        pytest.param(
            "[tool.uvdock]\nbackend = 'auto'\n# last\n\n[tool.uvdock.commands]\nold = 'x'\n"
            "\n# about x\n[tool.x]\ny = 1\n",
            "[tool.uvdock]\nbackend = 'auto'\nservice = \"web\"\n# last\n\n[tool.uvdock.commands]\nold = 'x'\n"
            + SETTINGS.partition("commands]\n")[2]
            + "\n# about x\n[tool.x]\ny = 1\n",
            id="comments-of-the-next-table",
        ),
        pytest.param("[tool.uvdock]\nprojects = [\n  'a',\n  'b', # c\n]\n", None, id="array-of-lines"),
        pytest.param("[tool.uvdock]\nprojects = [\n[\n'a'\n]]\n", "refused", id="line-like-a-header"),
        pytest.param('[project]\na = """\n[tool.uvdock]\n"""\n', None, id="text-like-a-header"),
        pytest.param("[tool.uvdock.x]\ny = 1\n", None, id="table-below"),
        pytest.param("[tool]\nuvdock.backend = 'auto'\n", "refused", id="dotted-keys"),
        pytest.param("tool = {x = 1}\n", "refused", id="inline"),
    ],
)
def test_settings_come_into_a_pyproject(before: str, after: str | None) -> None:
    if after == "refused":
        with pytest.raises(UvdockError, match="cannot be added"):
            with_settings(before, "web", ADDED, PYPROJECT)
        return

    made = with_settings(before, "web", ADDED, PYPROJECT)

    if after is not None:
        assert made == after
    lines = iter(made.splitlines())
    assert all(line in lines for line in before.splitlines())
    table = tomllib.loads(made)["tool"]["uvdock"]
    assert (table["service"], table["commands"].items() >= ADDED.items()) == ("web", True)


KEYS = st.from_regex(r"[a-z][a-z0-9-]{0,5}(\.[a-z]{1,3})?", fullmatch=True)
TEXTS = st.text(st.characters(codec="utf-8"), max_size=12)


@given(added=st.dictionaries(KEYS, st.fixed_dictionaries({"run": st.just("x"), "help": TEXTS}), max_size=4))
def test_any_help_is_written_as_it_is(added: dict[str, Any]) -> None:
    made = with_settings("[a]\nb = 1 # c\n", "", added, PYPROJECT) if added else ""

    assert not added or tomllib.loads(made) == {"a": {"b": 1}, "tool": {"uvdock": {"commands": added}}}


@pytest.mark.parametrize("others", [{}, {"pyproject_toml": "[project]\nname = 'app'\n"}], ids=["alone", "beside"])
def test_settings_are_written_in_a_file_of_their_own(others: dict[str, str]) -> None:
    made = edits(run=RUN, **others)

    assert list(made) == [TASKS, FILE]
    assert made[FILE].before is None
    assert made[FILE].after == 'service = "web"\n\n[commands]\nflask = "flask"\n'


def test_where_the_table_is_in_use_it_stays_in_use() -> None:
    made = edits(run=RUN, pyproject_toml="[tool.uvdock]\nbackend = 'auto'\n")

    assert list(made) == [TASKS, PYPROJECT]
    assert list(edits(run=RUN, pyproject_toml="[tool.uvdock]\nsync = 'bind'\n", uvdock_toml="")) == [TASKS, FILE]


@pytest.mark.parametrize(
    ("before", "after"),
    [
        pytest.param(
            "# mine\nbackend = 'auto' # b\n# last\n\n[commands]\nold = 'x'\n",
            "# mine\nbackend = 'auto' # b\nservice = \"web\"\n# last\n\n[commands]\nold = 'x'\n" + OWN,
            id="both-are-there",
        ),
        pytest.param("[commands] # c\n", f'service = "web"\n\n[commands] # c\n{OWN}', id="only-commands"),
        pytest.param("sync = 'bind'", f"sync = 'bind'\nservice = \"web\"\n\n[commands]\n{OWN}", id="only-keys"),
        pytest.param("projects = [\n[\n'a'\n]]\n", "refused", id="line-like-a-header"),
        pytest.param("commands = {old = 'x'}\n", "refused", id="inline"),
        pytest.param("a = \n", "refused", id="broken"),
    ],
)
def test_settings_come_into_a_uvdock_toml(before: str, after: str) -> None:
    if after == "refused":
        with pytest.raises(UvdockError, match=r"cannot be added to uvdock\.toml|uvdock\.toml is not valid"):
            with_settings(before, "web", ADDED, FILE)
        return
    assert with_settings(before, "web", ADDED, FILE) == after


def test_what_still_calls_a_file_is_named_by_file_and_line() -> None:
    others = {
        "README.md": "Run it:\n\n    ./run flask routes\n",
        "Dockerfile": 'COPY --chown=a run /app/\nRUN docker run x\nCMD ["/app/run", "up"]\n',
        ".github/workflows/ci.yml": "- run: bash run flask && make sure\n- run: ls /var/run\n",
        "crontab": "0 3 * * * cd /srv && $HOME/app/run flask\n",
        "compose.yaml": "command: ../run other\n# prerun, ./runner, .run and docker run flask\n",
    }
    made = plan(State({"run": RUN}, ALWAYS, others=others))

    assert made.afterwards == (
        "run is still called, 6 times: change these lines, then delete it",
        ".github/workflows/ci.yml:1: bash run flask → inv flask",
        "Dockerfile:1: COPY --chown=a run",
        'Dockerfile:3: /app/run", "up',
        "README.md:3: ./run flask → inv flask",
        "compose.yaml:1: ../run other",
        "crontab:1: $HOME/app/run flask → inv flask",
    )


def test_what_nothing_calls_may_go_but_for_what_it_still_has() -> None:
    made = plan(State({"run": RUN + "odd() { a | b; }\n"}, ALWAYS))

    (line,) = made.afterwards
    assert line.startswith("nothing else in the repo calls run: delete it")
    assert line.endswith("; it still has odd, which was not carried over")


def test_a_makefile_is_called_by_its_targets_and_not_by_prose() -> None:
    text = "lint:\n\tdocker compose exec web ruff check\n"
    others = {"README.md": "make sure\nmake lint\nmake -s lint\nremake lint\nmake lint-all\n"}
    made = plan(State({"Makefile": text}, ALWAYS, others=others))

    assert made.afterwards[1:] == ("README.md:2: make lint → inv lint", "README.md:3: make -s lint → inv lint")


def test_a_repo_with_nothing_gets_a_tasks_py_alone() -> None:
    made = edits()

    assert list(made) == [TASKS]
    assert imports_uvdock(made[TASKS].after)


def test_another_service_in_the_settings_stays_and_is_named_where_it_matters() -> None:
    made = edits(run=RUN, pyproject_toml="[tool.uvdock]\nservice = 'app'\n")

    table = tomllib.loads(made[PYPROJECT].after)["tool"]["uvdock"]
    assert table == {"service": "app", "commands": {"flask": {"run": "flask", "service": "web"}}}


def test_a_command_of_the_same_name_stays() -> None:
    text = "[tool.uvdock]\nservice = 'web'\n[tool.uvdock.commands]\nflask = 'mine'\n"

    assert PYPROJECT not in edits(run=RUN, pyproject_toml=text)


@pytest.mark.parametrize(
    ("text", "line"),
    [
        pytest.param("from uvdock import ns\n", False, id="imports"),
        pytest.param("import uvdock.tasks as x\n", False, id="imports-a-part"),
        pytest.param("def f():\n    import uvdock\n", False, id="imports-late"),
        pytest.param("import uvdocks\nfrom .uvdock import ns\n", True, id="another"),
        pytest.param("# import uvdock\n", True, id="comment"),
        pytest.param("def (", True, id="broken"),
        pytest.param("", True, id="empty"),
    ],
)
@pytest.mark.parametrize("name", ["tasks.py", "tasks/__init__.py"])
def test_a_tasks_py_is_never_touched(name: str, text: str, line: bool) -> None:
    made = plan(State({name: text}, ALWAYS))

    assert made.edits == ()
    assert any("add this line to it: from uvdock import ns" in note for note in made.notes) == line


def test_the_tasks_of_a_tasks_py_keep_their_names() -> None:
    text = "from invoke import task\n@task\ndef flask(c): ...\n@task(default=True)\ndef a_b(c): ...\ndef c(): ...\n"
    assert own_tasks(text) == {"flask", "a-b"}

    made = plan(State({"run": RUN, TASKS: text}, ALWAYS))
    assert [item.why for item in made.found if item.name == "flask"] == ["tasks.py has a task flask already"]
    assert "and in tasks.py, for each task of your own: ns.add_task(…)" in made.notes


@pytest.mark.parametrize("first", ["#!/usr/bin/env python3", "#!/usr/bin/ruby"])
def test_a_run_of_another_kind(first: str) -> None:
    made = plan(State({"run": f"{first}\nf() {{ x; }}\n"}, ALWAYS))

    assert (made.found, made.notes) == ((), ("run is no bash script, so nothing of it is carried over",))


@pytest.mark.parametrize(
    "text", ["[tool.uvdock]\ncommands = 1\n", "tool = 1\n", "[tool]\nuvdock = []\n", "a = \n", "[tool.uvdock]\n= 1"]
)
def test_settings_that_are_none(text: str) -> None:
    with pytest.raises(UvdockError):
        plan(State({PYPROJECT: text, "run": RUN}, ALWAYS))


def test_the_diff_of_a_file() -> None:
    assert FileChange("a", None, "x\n").diff() == ["--- /dev/null", "+++ b/a", "@@ -0,0 +1 @@", "+x"]
    assert FileChange("a", "x\n", "x\ny\n").diff() == ["--- a/a", "+++ b/a", "@@ -1 +1,2 @@", " x", "+y"]


def test_commands_beside_the_tasks_on_javascript_are_told() -> None:
    run = '#!/bin/bash\njs() { docker compose exec js node "$@"; }\nyarn() { docker compose exec js yarn "$@"; }\n'
    ready = frozenset(("js", "js.js", "js.install", "js.outdated"))
    made = plan(State({"run": run}, ALWAYS, ready=ready))
    assert {name for item in made.found for name in item.commands} == {"js", "yarn"}
    assert [note.partition(";")[0] for note in made.notes] == [
        "your js takes the place of uvdock's own js",
        "yarn runs as in your file",
    ]
    assert plan(State({"run": run}, ALWAYS)).notes == ()


def test_a_function_that_is_not_plain_is_the_task_on_javascript() -> None:
    run = "#!/bin/bash\nyarn:outdated() { docker compose exec js yarn outdated | sort; }\n"
    found = plan(State({"run": run}, ALWAYS, ready=frozenset(("js", "js.outdated")))).found
    assert [(item.state, item.task) for item in found] == [("has", "js.outdated")]
