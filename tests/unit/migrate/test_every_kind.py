"""What holds for every kind of file but a Dockerfile, and for any text."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.migrate.converted import KINDS, check, run


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
@given(content=TEXTS, end=_ENDS)
def test_any_text_is_converted_and_a_second_time_changes_nothing(kind: str, content: str, end: str) -> None:
    content = content.replace("\r", "").replace("\n", end)
    made = run(kind, content)
    again = run(kind, made.content)
    assert again.content == made.content
    lines = made.content.count("\n") + content.count("\n") + 2
    assert all(0 <= item.line <= lines and item.what for item in made.findings)


@pytest.mark.parametrize("kind", KINDS)
@given(content=TEXTS)
def test_a_text_without_pip_stays(kind: str, content: str) -> None:
    if kind.endswith("ignore"):
        return
    for word in ("pip", "requirements", "venv", "deps"):
        content = content.replace(word, "x")
    assert run(kind, content).content == content


@pytest.mark.parametrize("kind", [kind for kind in KINDS if not kind.endswith("ignore")])
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
