"""Documents: what becomes of each, and that nothing else in it changes."""

from __future__ import annotations

import pytest

from tests.unit.migrate.converted import check, run, told

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
        "readme",
        """
        ```
        $ python3 -m venv env
        $ . env/bin/activate
        $ make install
        ```
        ```
        $ pip install --user -r requirements.txt
        $ python manage.py migrate
        ```
        """,
        """
        ```
        $ uv venv
        $ . .venv/bin/activate
        $ make install
        ```
        ```
        $ uv sync --locked --no-dev
        $ uv run python manage.py migrate
        ```
        """,
        id="environment-for-make-and-for-every-python",
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
    assert told(made, "note") == [(3, "the text mentions `pip install`")]


def test_a_last_line_without_an_end_gets_one_where_a_line_follows() -> None:
    made = run("readme", "```\n$ python -m venv venv\n$ . venv/bin/activate\n$ pip install -r requirements.txt\n```")
    assert made.content == "```\n$ uv sync --locked --no-dev\n$ . .venv/bin/activate\n```"
    made = run("rst", "a::\n\n  python -m venv venv\n  . venv/bin/activate\n  pip install -r requirements.txt")
    assert made.content == "a::\n\n  uv sync --locked --no-dev\n  . .venv/bin/activate"


def test_a_block_with_nothing_left_to_do_stays_and_is_told() -> None:
    content = "# App\n\n```sh\npip install --upgrade pip\n```\n"
    made = run("readme", content)
    assert made.content == content
    assert told(made, "note") == [(4, "with uv, this block has nothing left to do")]
