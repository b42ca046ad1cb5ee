"""Dockerfiles as people write them: their instructions, where uv arrives, and what the build selects."""

from __future__ import annotations

import textwrap

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tests.conftest import REPO
from uvdock.backends.dockerfile import before_packages, last_sync, up_to_uv
from uvdock.formats.dockerfile.parser import parse
from uvdock.formats.dockerfile.stages import Dockerfile

FLASK = (REPO / "compose/flask/Dockerfile").read_text()
DJANGO = (REPO / "compose/django/apps/backend/Dockerfile").read_text()
UV = "COPY --from=ghcr.io/astral-sh/uv:0.13.8 /uv /uvx /bin/"
INTERMEDIATE = f"""\
FROM python:3.13-slim
{UV}
WORKDIR /app
RUN --mount=type=cache,target=/root/.cache/uv \\
    --mount=type=bind,source=uv.lock,target=uv.lock \\
    --mount=type=bind,source=pyproject.toml,target=pyproject.toml \\
    uv sync --locked --no-install-project
COPY . /app
RUN --mount=type=cache,target=/root/.cache/uv uv sync --locked
"""
HEREDOC = f"""\
FROM debian:trixie
RUN <<EOF
apt-get update
apt-get install --yes python3
EOF
{UV}
COPY <<CONFIG /etc/app.conf
uv sync
CONFIG
RUN <<EOF
uv sync --no-dev --extra web
echo done
EOF
"""


def texts(content: str) -> list[str]:
    return [item.text for item in parse(content)]


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        pytest.param("", [], id="empty"),
        pytest.param("# only\n\n  # comments\n", [], id="comments-only"),
        pytest.param("FROM a\nRUN b\n", ["FROM a", "RUN b"], id="plain"),
        pytest.param("  FROM a\n\tRUN b", ["FROM a", "RUN b"], id="indented-and-no-last-newline"),
        pytest.param("FROM a\r\nRUN b \\\r\n  c\r\n", ["FROM a", "RUN b c"], id="windows-line-ends"),
        pytest.param("RUN a \\\n  && b \\\n  && c\nRUN d", ["RUN a && b && c", "RUN d"], id="continued"),
        pytest.param("RUN a \\  \n b\n", ["RUN a b"], id="blank-after-the-backslash"),
        pytest.param("RUN a \\\n# why\n  # and\n b\nRUN c", ["RUN a b", "RUN c"], id="comments-inside"),
        pytest.param("RUN a \\\n\n b\n", ["RUN a b"], id="empty-line-inside"),
        pytest.param("RUN a \\\n", ["RUN a"], id="continued-into-the-end"),
        pytest.param("\\\n", [], id="only-a-backslash"),
        pytest.param("\\\nFROM a\n", ["FROM a"], id="backslash-first"),
        pytest.param("RUN echo a # no comment\n", ["RUN echo a # no comment"], id="hash-in-the-line"),
        pytest.param("RUN <<EOF\na\n# b\nEOF\nRUN c", ["RUN <<EOF\na\n# b", "RUN c"], id="here-document"),
        pytest.param("RUN <<-'X' cat\n\ta\n\tX\nRUN c", ["RUN <<-'X' cat\n\ta", "RUN c"], id="quoted-and-tabs"),
        pytest.param(
            "COPY <<A <<B /d/\n1\nA\n2\nB\nRUN c", ["COPY <<A <<B /d/\n1\n2", "RUN c"], id="two-here-documents"
        ),
        pytest.param(
            "RUN cat \\\n <<E >f\nx \\\nE\nRUN c", ["RUN cat <<E >f\nx \\", "RUN c"], id="here-after-continued"
        ),
        pytest.param("RUN <<E\n  E\nE \n\tE\nE\nRUN c", ["RUN <<E\n  E\nE \n\tE", "RUN c"], id="here-with-blanks"),
        pytest.param("RUN <<-E\n  E\n\tE\nRUN c", ["RUN <<-E\n  E", "RUN c"], id="here-with-tabs"),
        pytest.param("RUN cat <<E\na", ["RUN cat <<E\na"], id="here-document-never-ends"),
        pytest.param("RUN cat <<<word\nRUN c", ["RUN cat <<<word", "RUN c"], id="here-string"),
        pytest.param(
            "RUN python -c 'print(1<<n)'\nRUN c", ["RUN python -c 'print(1<<n)'", "RUN c"], id="shift-is-no-document"
        ),
        pytest.param("CMD cat <<E\nRUN c", ["CMD cat <<E", "RUN c"], id="no-document-after-cmd"),
        pytest.param("# escape=`\nRUN a `\n b\nRUN c\\\n", ["RUN a b", "RUN c\\"], id="escape"),
        pytest.param("#syntax=docker/dockerfile:1\n# Escape = `\nRUN a `\n b", ["RUN a b"], id="escape-after-syntax"),
        pytest.param("FROM a\n# escape=`\nRUN b \\\n c", ["FROM a", "RUN b c"], id="escape-too-late"),
    ],
)
def test_instructions(content: str, expected: list[str]) -> None:
    assert texts(content) == expected


def test_an_instruction_knows_its_verb_and_its_lines() -> None:
    found = parse("# a\nfrom b AS c\n\nrun d \\\n  e\n")
    assert [(item.verb, item.line, item.last) for item in found] == [("FROM", 2, 2), ("RUN", 4, 5)]


@given(st.lists(st.lists(st.from_regex(r"[a-z&=./-]{1,8}", fullmatch=True), min_size=1, max_size=4)), st.data())
def test_joining_brings_back_what_was_broken_into_lines(commands: list[list[str]], data: st.DataObject) -> None:
    between = st.sampled_from(["", "# why\n", "\n", "  # why\n\n"])
    content = ""
    for words in commands:
        content += data.draw(between) + "RUN"
        for word in words:
            content += data.draw(st.sampled_from([" ", " \\\n", "  \\\n  ", " \\\n# why\n  "])) + word
        content += "\n"
    assert texts(content) == [" ".join(["RUN", *words]) for words in commands]


LINES = [
    "FROM a",
    "RUN b",
    "RUN b \\",
    "  && c \\",
    "# d",
    "",
    "RUN <<E",
    "COPY <<-E <<F x",
    "E",
    "F",
    "\\",
    "RUN <<<E",
]


@given(st.lists(st.sampled_from(LINES)).map("\n".join) | st.text())
@example("RUN <<E\n\\\nE\n\\")
def test_no_line_is_lost_or_taken_twice(content: str) -> None:
    lines = content.removeprefix("\ufeff").split("\n")
    found = parse(content)
    taken = [at for item in found for at in range(item.line - 1, item.last)]
    assert taken == sorted(set(taken))
    for at in set(range(len(lines))) - set(taken):
        assert lines[at].strip() in {"", "\\"} or lines[at].lstrip().startswith("#")


@pytest.mark.parametrize(
    ("content", "last"),
    [
        pytest.param(FLASK, "ARG UV_COMPILE_BYTECODE=1", id="compose-flask"),
        pytest.param(DJANGO, "WORKDIR /app", id="compose-django"),
        pytest.param(INTERMEDIATE, "WORKDIR /app", id="bind-mounted-manifests"),
        pytest.param(HEREDOC, UV, id="here-documents"),
        pytest.param(
            "FROM ghcr.io/astral-sh/uv:python3.13-trixie-slim\nWORKDIR /app\nCOPY . .\nRUN uv sync\n",
            "WORKDIR /app",
            id="image-with-uv",
        ),
        pytest.param(
            "FROM python:3.13\nRUN pip install uv==0.13.8\nENV A=1\nCOPY pyproject.toml uv.lock ./\nRUN uv sync\n",
            "ENV A=1",
            id="installed-with-pip",
        ),
        pytest.param(
            "FROM ghcr.io/astral-sh/uv:0.13 AS uv\nFROM python:3.13\nCOPY --from=uv /uv /bin/\nRUN uv sync\n",
            "COPY --from=uv /uv /bin/",
            id="stage-named-uv",
        ),
        pytest.param(
            f"FROM python:3.13 AS base\n{UV}\nFROM node:22 AS js\nCOPY . .\nFROM BASE\nWORKDIR /a\nADD . .\n",
            "WORKDIR /a",
            id="stage-between-that-has-none",
        ),
        pytest.param(
            f"ARG V=3.13\nFROM --platform=linux/amd64 python:${{V}}\n{UV}\nUSER me\nRUN uv venv \\\n && uv sync\n",
            "USER me",
            id="argument-before-from",
        ),
        pytest.param(f"FROM python:3.13\n{UV}\nRUN uv pip install --system -r requirements.txt\n", UV, id="pip-of-uv"),
        pytest.param(f"FROM python:3.13\n{UV}\nRUN uv export > r.txt\n", UV, id="export"),
        pytest.param(
            f"FROM python:3.13\n{UV}\nCOPY --from=other /x /y\nCOPY app app\n", "COPY --from=other /x /y", id="other"
        ),
        pytest.param(
            "FROM python:3.13\nCOPY requirements.txt .\nRUN pip install -r requirements.txt\n", None, id="pip"
        ),
        pytest.param(f'FROM python:3.13\n{UV}\nCMD ["uv"]\n', None, id="nothing-needs-the-lock"),
        pytest.param("", None, id="empty"),
    ],
)
def test_up_to_uv(content: str, last: str | None) -> None:
    found = up_to_uv(content)
    if last is None:
        assert found is None
    else:
        assert found is not None
        assert content.startswith(found)
        assert texts(found)[-1] == last


@pytest.mark.parametrize("content", [FLASK, DJANGO, INTERMEDIATE, HEREDOC], ids=["flask", "django", "mounts", "here"])
def test_the_image_with_uv_needs_no_file_of_the_project(content: str) -> None:
    prefix = up_to_uv(content)
    assert prefix is not None
    assert "uv.lock" not in prefix
    assert "uv sync" not in prefix
    assert any(item.verb == "COPY" and "/uv" in item.text for item in parse(prefix))


@pytest.mark.parametrize(
    ("content", "target", "expected"),
    [
        pytest.param(FLASK, None, "--no-install-project", id="compose-flask"),
        pytest.param(FLASK, "development", "--no-install-project", id="compose-flask-development"),
        pytest.param(FLASK, "base", "", id="compose-flask-before-the-sync"),
        pytest.param(DJANGO, None, "--no-install-project", id="compose-django"),
        pytest.param(DJANGO, "development", "--no-install-project", id="compose-django-development"),
        pytest.param(DJANGO, "runtime", "--no-install-project --no-dev", id="compose-django-runtime"),
        pytest.param(INTERMEDIATE, None, "", id="last-one-counts"),
        pytest.param(HEREDOC, None, "--no-dev --extra web", id="here-document"),
        pytest.param("RUN uv sync --locked --frozen -v --compile-bytecode", None, "", id="nothing-selecting"),
        pytest.param("RUN uv sync --group=dev --extra 'a b'", None, "--group|dev|--extra|a b", id="values"),
        pytest.param("RUN uv sync --no-dev && rm --extra x", None, "--no-dev", id="up-to-the-next-command"),
        pytest.param(
            "RUN cd /x; uv  sync --only-group ci | tee log", None, "--only-group ci", id="in-a-line-of-others"
        ),
        pytest.param("ARG G\nRUN uv sync --group $G --group=${G} --no-dev", None, "--no-dev", id="variables"),
        pytest.param("RUN uv sync --no-dev --group", None, "--no-dev", id="value-missing"),
        pytest.param("RUN uv sync --no-dev 'open", None, "", id="quote-never-closed"),
        pytest.param("FROM a AS One\nRUN uv sync --no-dev\nFROM b\nRUN uv sync", "one", "--no-dev", id="other-case"),
        pytest.param("FROM a AS x\nRUN uv sync --no-dev\nFROM b", "missing", "--no-dev", id="unknown-target"),
        pytest.param("CMD uv sync --no-dev", None, "", id="only-steps-of-the-build"),
        pytest.param("", None, "", id="empty"),
    ],
)
def test_what_a_build_syncs(content: str, target: str | None, expected: str) -> None:
    content = content if "FROM" in content else f"FROM a\n{content}"
    assert list(last_sync(content, target).flags) == expected.split("|" if "|" in expected else None)


@given(st.text() | st.text().map(lambda text: f"FROM uv-python\nRUN uv sync {text}"))
def test_any_text_is_read_without_an_error(content: str) -> None:
    found = up_to_uv(content)
    assert found is None or len(found.splitlines()) <= len(content.splitlines())
    assert all(isinstance(flag, str) for flag in last_sync(content).flags)


def test_indented_texts_are_read_too() -> None:
    content = textwrap.indent(INTERMEDIATE, "    ")
    assert last_sync(content) == last_sync(INTERMEDIATE)
    assert up_to_uv(content) == textwrap.indent(up_to_uv(INTERMEDIATE) or "", "    ")


def test_a_lock_that_is_copied_before_uv_arrives_is_left_out() -> None:
    content = "FROM python:3.13\nCOPY pyproject.toml \\\n  uv.lock ./\nRUN pip install uv\nRUN uv sync --locked\n"
    assert up_to_uv(content) == "FROM python:3.13\nRUN pip install uv\n"


ASSETS = """\
ARG NODE=24
FROM node:${NODE}-slim AS assets
WORKDIR /app/assets
RUN npm install -g yarn@1 && corepack enable
COPY --from=other /x /x
USER node
COPY assets/package.json assets/*yarn* ./
RUN yarn install
CMD ["yarn"]

FROM python:3.13 AS app
COPY . .

FROM assets AS watch
CMD ["yarn", "watch"]
"""


@pytest.mark.parametrize(
    ("content", "target", "expected"),
    [
        pytest.param(ASSETS, "assets", "node:${NODE}-slim", id="target"),
        pytest.param(ASSETS, "APP", "python:3.13", id="another-target"),
        pytest.param(ASSETS, None, "node:${NODE}-slim", id="the-last-stage-is-made-from-the-first"),
        pytest.param("FROM a AS a\nFROM a", None, "a", id="an-image-called-as-its-stage"),
        pytest.param("", None, "", id="empty"),
        pytest.param("RUN x", "y", "", id="no-stage"),
    ],
)
def test_the_image_in_the_end(content: str, target: str | None, expected: str) -> None:
    stage = Dockerfile(content).target(target)
    assert (stage.root.image if stage else "") == expected


@pytest.mark.parametrize("target", ["assets", "watch", None])
def test_the_part_before_the_packages(target: str | None) -> None:
    assert before_packages(ASSETS, target) == ASSETS.partition("COPY assets/package.json")[0]


@pytest.mark.parametrize(
    ("line", "needs"),
    [
        ("RUN npm ci", True),
        ("RUN npm install", True),
        ("RUN --mount=type=cache,target=/x yarn", True),
        ("RUN cd /app && yarn install --frozen-lockfile", True),
        ("RUN corepack enable; pnpm fetch", True),
        ("RUN --mount=type=bind,source=package.json,target=package.json pnpm i", True),
        ("RUN npm run build", True),
        ("ADD . /app", True),
        ("RUN npm install --global pnpm", False),
        ("RUN npm i -g pnpm && pnpm --version", False),
        ("RUN yarn global add x", False),
        ("RUN yarn --version", False),
        ("RUN apt-get install --yes git", False),
        ("COPY --from=b /x /x", False),
        ("ENV PATH=/node_modules/.bin:$PATH", False),
    ],
)
def test_what_needs_the_packages(line: str, needs: bool) -> None:
    content = f"FROM node\n{line}\nRUN last\n"
    assert before_packages(content) == ("FROM node\n" if needs else content)


@given(st.lists(st.sampled_from([*ASSETS.splitlines(), "FROM assets", "RUN npm ci", "COPY . .", ""])), st.text())
def test_the_part_before_the_packages_is_a_beginning(lines: list[str], target: str) -> None:
    content = "".join(f"{line}\n" for line in lines)
    assert content.startswith(before_packages(content, target))
