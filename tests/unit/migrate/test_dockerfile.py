"""Dockerfiles from pip to uv: whole ones, compared with what a person who knows uv would have written, and forms."""

from __future__ import annotations

import re
import tomllib
from dataclasses import replace
from pathlib import Path

import pytest

from tests.unit.migrate.test_laws import FACTS
from uvdock.migrate.commands import rewrite
from uvdock.migrate.converters.dockerfile import convert, scripts
from uvdock.migrate.discover.options import DEFAULT_INDEX
from uvdock.migrate.model import Install, ProjectFacts, RepoFacts

FIXTURES = Path(__file__).parents[2] / "fixtures" / "migrate_dockerfile"
NAMES = sorted(folder.name for folder in FIXTURES.iterdir())
PLAIN = replace(FACTS, projects=(ProjectFacts(Path(), package=False, requires_python=""),))
PATH = Path("Dockerfile")
#: What stands before the first step that needs uv, with the environment in it.
ARRIVES = """\
COPY --from=ghcr.io/astral-sh/uv:0.13.8 /uv /uvx /usr/local/bin/
ENV UV_COMPILE_BYTECODE=1 \\
    UV_LINK_MODE=copy \\
    UV_PROJECT_ENVIRONMENT={} \\
    UV_PYTHON_DOWNLOADS=0

"""
SYNC = "RUN --mount=type=cache,target=/root/.cache/uv \\\n    uv sync --locked --no-install-project"


def read(name: str) -> tuple[Path, RepoFacts]:
    """A fixture's Dockerfile and facts."""
    folder = FIXTURES / name
    data = tomllib.loads((folder / "facts.toml").read_text(encoding="utf-8"))
    before = folder / "before"
    files = {path.relative_to(before): path.read_bytes().decode() for path in before.rglob("*") if path.is_file()}
    project = Path(data["project"])
    installs = {Path(path): Install(project, tuple(flags)) for path, flags in data["installs"].items()}
    projects = (ProjectFacts(project, package=data["package"], requires_python=">=3.13"),)
    return Path(data["dockerfile"]), RepoFacts(files, projects, installs, "0.13.8")


@pytest.mark.parametrize("name", NAMES)
def test_a_whole_one(name: str) -> None:
    path, facts = read(name)
    after = FIXTURES / name / "after"

    made = convert(path, facts.files[path], facts)

    assert made.content.encode() == (after / path).read_bytes()
    assert convert(path, made.content, facts).content == made.content
    told = (after / "findings").read_text(encoding="utf-8") if (after / "findings").is_file() else ""
    lines = [f"{one.line} {one.level}: {one.what} | {one.instead}".strip(" |") for one in made.findings]
    assert "\n".join(lines) == told.strip()
    for script, place in scripts(path, facts.files[path], facts).items():
        assert rewrite.convert(facts.files[script], facts, place).text == (after / script).read_text(encoding="utf-8")


def test_there_are_enough_of_them() -> None:
    assert len(NAMES) >= 15


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("COPY requirements.txt .\nRUN pip install -r requirements.txt\n",
         ARRIVES.format("/usr/local") + f"COPY pyproject.toml uv.lock ./\n{SYNC} --inexact --no-dev\n"),
        ("ADD requirements.txt /app/\nRUN pip install -r /app/requirements.txt\n",
         ARRIVES.format("/usr/local") + "COPY pyproject.toml uv.lock /app/\n"
         + SYNC.replace("sync", "sync --project /app") + " --inexact --no-dev\n"),
        ('COPY ["requirements.txt", "./"]\nRUN ["pip", "install", "-r", "requirements.txt"]\n',
         ARRIVES.format("/usr/local") + 'COPY ["pyproject.toml", "uv.lock", "./"]\nRUN --mount=type=cache,target=/root/.cache/uv \\\n'
         '    ["uv", "sync", "--locked", "--no-install-project", "--inexact", "--no-dev"]\n'),
        ("COPY requirements.txt app /srv/\nRUN pip install -r /srv/requirements.txt\n",
         ARRIVES.format("/usr/local") + "COPY pyproject.toml uv.lock app /srv/\n"
         + SYNC.replace("sync", "sync --project /srv") + " --inexact --no-dev\n"),
        ("COPY requirements requirements\nRUN pip install -r requirements/local.txt\n",
         ARRIVES.format("/usr/local") + f"COPY pyproject.toml uv.lock ./\n{SYNC} --inexact --no-dev --group local\n"),
        ("COPY requirements.txt .\nCOPY requirements-dev.txt .\nRUN pip install -r requirements-dev.txt\n",
         ARRIVES.format("/usr/local") + f"COPY pyproject.toml uv.lock ./\n{SYNC} --inexact\n"),
        ("COPY requirements.txt .\nRUN virtualenv /env && /env/bin/pip install -r requirements.txt\n",
         ARRIVES.format("/env") + f"COPY pyproject.toml uv.lock ./\n{SYNC} --no-dev\n"),
        ("COPY requirements.txt .\nRUN python -m venv /env\nRUN chown root /env && /env/bin/pip install -r requirements.txt\n",
         ARRIVES.format("/env") + "COPY pyproject.toml uv.lock ./\nRUN --mount=type=cache,target=/root/.cache/uv \\\n"
         "    uv venv /env\nRUN --mount=type=cache,target=/root/.cache/uv \\\n"
         "    chown root /env && uv sync --locked --no-install-project --no-dev\n"),
        ("RUN pip install -U pip\n\nCMD app\n", "\nCMD app\n"),
        ("EXPOSE 80\n\nRUN pip install -U pip\n\nCMD app\n", "EXPOSE 80\n\nCMD app\n"),
        ("RUN pip install -U pip \\\n    # why\n    && pip install wheel\nCMD app\n", "    # why\nCMD app\n"),
        ("RUN [\"pip\", \"install\", \"--upgrade\", \"pip\"]\nCMD app\n", "CMD app\n"),
    ],
)  # fmt: skip
def test_a_form(before: str, after: str) -> None:
    start = "FROM python:3.13-slim\n"

    made = convert(PATH, start + before, PLAIN)

    assert made.content == start + after
    assert not [finding for finding in made.findings if finding.level == "left"]


@pytest.mark.parametrize(
    ("before", "what"),
    [
        ("COPY requirements.txt .\nRUN sed -i s/a/b/ requirements.txt && pip install -r requirements.txt", "changed before"),
        ("RUN pip install $(cat packages)", "only known at run time"),
        ("RUN pip install -r nowhere.txt", "not a requirements file"),
        ("COPY requirements.txt .\nRUN pip install --platform x -r requirements.txt", "--platform"),
        ("COPY requirements.txt .\nRUN cat requirements.txt | xargs pip install", "called by xargs"),
        ("COPY <<X /run.sh\npip install flask\nX", "in a here-document"),
        ("RUN <<X cat > /run.sh\npip install flask\nX", "in a here-document"),
        ("RUN <<A <<B\npip install flask\nA\nB", "in a here-document"),
        ("COPY requirements.txt .\nCMD pip install -U pip", "nothing is known to install"),
        ("CMD pip install -U pip", "is nothing but pip"),
        ("ARG PIP_INDEX_URL\nRUN pip install -U pip", "PIP_INDEX_URL"),
        ("ENV PIP_PROXY=http://index.example\nRUN pip install -U pip", "PIP_PROXY"),
        ("COPY requirements.txt .\nUSER $WHO\nRUN pip install -r requirements.txt", "where pip installs to"),
        ("COPY requirements.txt .\nWORKDIR $WHERE\nRUN pip install -r requirements.txt", "not a requirements file"),
        ("RUN pip wheel -r requirements.txt", "not a requirements file"),
        ("COPY requirements.txt .\nRUN pip wheel -r requirements.txt", "does not build wheels"),
        ("RUN --mount=type=secret,id=x PIP_INDEX_URL=$(cat /run/secrets/x) pip install flask", "PIP_INDEX_URL"),
        ("RUN pip install 'flask", "a quote that is never closed"),
    ],
)  # fmt: skip
def test_what_cannot_be_done_is_left_and_named(before: str, what: str) -> None:
    text = f"FROM python:3.13-slim\n{before}\n"

    made = convert(PATH, text, PLAIN)

    kept = [line for line in text.splitlines() if "pip install -U pip" not in line]
    assert all(line in made.content for line in kept)
    left = [finding for finding in made.findings if finding.level == "left"]
    assert any(what in finding.what for finding in left), made
    assert all(finding.instead for finding in left)
    assert all("pip" in text.splitlines()[one.line - 1].lower() or "requirements" in text.splitlines()[one.line - 1]
               for one in left if one.line)  # fmt: skip


@pytest.mark.parametrize(
    "beside",
    ["(( n << 2 ))", "echo $((1<<2))", "cat <<< x", "echo 'a << b'", 'echo "<<X"', "echo a\\<\\<X", "let 'a=1<<2'"],
)
def test_not_every_such_sign_begins_a_here_document(beside: str) -> None:
    before = (
        f"FROM python:3.13-slim\nCOPY requirements.txt .\nRUN {beside} \\\n    && pip install -r requirements.txt\n"
    )

    made = convert(PATH, before, PLAIN)

    assert f"{beside} \\\n    && uv sync --locked" in made.content
    assert not made.findings


@pytest.mark.parametrize(
    "instruction", ["COPY <<X /run.sh", "RUN <<X cat > /run.sh", "RUN --mount=type=cache,target=/x \\\n  <<X cat"]
)
def test_what_a_here_document_says_of_pip_is_told_where_it_stands(instruction: str) -> None:
    text = f"FROM python:3.13-slim\n{instruction}\n#!/bin/sh\npip install flask\nX\n"

    made = convert(PATH, text, PLAIN)

    assert made.content == text
    assert [text.splitlines()[one.line - 1] for one in made.findings] == ["pip install flask"]


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("ENV PIP_NO_CACHE_DIR=1", ""),
        ("ENV PIP_NO_CACHE_DIR 1", ""),
        ("ENV A=1 PIP_NO_CACHE_DIR=1 B=2", "ENV A=1 B=2\n"),
        ("ENV PIP_NO_CACHE_DIR=1 \\\n    # for B\n    B=2", "ENV  \\\n    # for B\n    B=2\n"),
        ("ENV A=1 \\\n    PIP_DEFAULT_TIMEOUT=100 \\\n    PIP_USE_PEP517=1", "ENV A=1 \\\n    UV_HTTP_TIMEOUT=100\n"),
        ("ENV PIP_NO_BINARY=:all:", "ENV UV_NO_BINARY=1\n"),
        ("ENV PIP_NO_BINARY=a,b", 'ENV UV_NO_BINARY_PACKAGE="a b"\n'),
        ("ENV PIP_ONLY_BINARY=a", "ENV UV_NO_BUILD_PACKAGE=a\n"),
        ("ENV PIP_TIMEOUT 60", "ENV UV_HTTP_TIMEOUT=60\n"),
        ("ARG PIP_VERSION=25.0", ""),
        (f"ENV PIP_INDEX_URL={DEFAULT_INDEX}", ""),
        ("ARG PIP_VERSION=25.0\nRUN echo $PIP_VERSION", "ARG PIP_VERSION=25.0\nRUN echo $PIP_VERSION\n"),
    ],
)  # fmt: skip
def test_the_variables_of_pip(before: str, after: str) -> None:
    made = convert(PATH, f"FROM python:3.13-slim\n{before}\nRUN pip install -U pip\n", PLAIN)

    assert made.content == f"FROM python:3.13-slim\n{after}"


@pytest.mark.parametrize(
    ("users", "mount"),
    [
        ("RUN useradd -m app\nUSER app", "target=/home/app/.cache/uv,uid=1000,gid=1000"),
        ("RUN useradd -u 1234 app\nUSER app", "target=/home/app/.cache/uv,uid=1234,gid=1234"),
        ("RUN groupadd -g 99 team && useradd -u 1234 -g team -d /srv app\nUSER app", "target=/srv/.cache/uv,uid=1234,gid=99"),
        ("RUN useradd -mu 1234 app\nUSER app:7", "target=/home/app/.cache/uv,uid=1234,gid=7"),
        ("ENV HOME=/data\nUSER 5000:6000", "target=/data/.cache/uv,uid=5000,gid=6000"),
        ("RUN useradd -u 1234 app\nUSER 1234", "target=/home/app/.cache/uv,uid=1234,gid=1234"),
        ("ENV UV_CACHE_DIR=/cache", "target=/cache"),
        ("RUN useradd --system app\nENV HOME=/srv\nUSER app", ""),
    ],
)  # fmt: skip
def test_the_cache_mount_is_the_users(users: str, mount: str) -> None:
    text = f"FROM python:3.13-slim\n{users}\nCOPY requirements.txt .\nRUN pip install -r requirements.txt\n"

    made = convert(PATH, text, PLAIN).content

    if mount:
        assert f"--mount=type=cache,{mount} " in made
        assert "--no-cache" not in made
    else:
        assert "--mount=type=cache" not in made
        assert "uv sync --locked --no-install-project --no-dev --no-cache" in made


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("--mount=type=cache,target=/root/.cache/pip ", "--mount=type=cache,target=/root/.cache/uv "),
        ("--mount=type=cache,id=pip,target=/root/.cache/pip,sharing=locked ",
         "--mount=type=cache,target=/root/.cache/uv,id=uv,sharing=locked "),
        ("--mount=type=cache,target=/root/.cache ", "--mount=type=cache,target=/root/.cache "),
        ("--mount=type=cache,target=/var/cache/apt ",
         "--mount=type=cache,target=/root/.cache/uv \\\n    --mount=type=cache,target=/var/cache/apt \\\n    "),
        ("--network=host ", "--mount=type=cache,target=/root/.cache/uv \\\n    --network=host \\\n    "),
    ],
)  # fmt: skip
def test_the_mounts_that_are_there(before: str, after: str) -> None:
    text = f"FROM python:3.13-slim\nCOPY requirements.txt .\nRUN {before}pip install -r requirements.txt\n"

    assert f"RUN {after}uv sync" in convert(PATH, text, PLAIN).content


@pytest.mark.parametrize(
    "left",
    ["RUN cat requirements.txt | xargs pip install", "RUN pip install -r nowhere.txt", "RUN pip download flask", "USER $WHO\nRUN pip install flask",
     "FROM python:3.13-slim AS other\nRUN pip install $(cat packages)", "CMD pip install $APP"],
)  # fmt: skip
def test_it_moves_whole_or_stays_whole(left: str) -> None:
    moves = "FROM python:3.13-slim\nENV PIP_NO_CACHE_DIR=1\nCOPY requirements.txt .\nRUN pip install -r requirements.txt && pip cache purge\n"
    text = f"{moves}{left}\n"

    made = convert(PATH, text, PLAIN)

    assert convert(PATH, moves, PLAIN).content != moves
    assert made.content == text
    assert made.findings
    assert {finding.level for finding in made.findings} == {"left"}


def test_it_stays_with_a_script_that_it_runs_and_that_stays() -> None:
    script = Path("install.sh")
    text = "FROM python:3.13-slim\nCOPY . .\nRUN pip install -r requirements.txt\nRUN ./install.sh\n"
    of = {"pip install flask\n": True, "pip install $(cat packages)\n": False}
    for content, moves in of.items():
        facts = replace(PLAIN, files={**PLAIN.files, script: content})
        made = convert(PATH, text, facts)
        assert (made.content != text) is moves
        assert (script in scripts(PATH, text, facts)) is moves
        assert bool([one for one in made.findings if "install.sh uses pip" in one.what]) is not moves


def test_uv_that_is_there_is_used() -> None:
    text = (
        "FROM python:3.13-slim\nCOPY --from=ghcr.io/astral-sh/uv:0.9 /uv /bin/\nENV UV_LINK_MODE=copy\n"
        "COPY requirements.txt .\nRUN pip install -r requirements.txt\n"
    )

    made = convert(PATH, text, PLAIN).content

    assert made.count("astral-sh/uv") == 1
    assert made.count("UV_LINK_MODE") == 1
    assert "UV_PROJECT_ENVIRONMENT=/usr/local" in made


def test_the_source_is_copied_after_the_dependencies_unless_a_step_stands_between() -> None:
    start, install = "FROM python:3.13-slim\nWORKDIR /app\nCOPY . .\n", "RUN pip install -r requirements.txt\n"

    moved = convert(PATH, start + install, PLAIN)
    stays = convert(PATH, f"{start}RUN apt-get install -y gcc\n{install}", PLAIN)

    assert moved.content.index("uv sync") < moved.content.index("COPY . .")
    assert moved.findings == ()
    assert stays.content.index("uv sync") > stays.content.index("gcc") > stays.content.index("COPY . .")
    assert [finding.level for finding in stays.findings] == ["note"]


@pytest.mark.parametrize(
    "between",
    ["ENV UV_DEFAULT_INDEX=https://index.example/simple", "ARG UV_INDEX_URL", "ENV A=1 CFLAGS=-O2", "ENV HTTPS_PROXY http://p", "ARG CC=gcc-12",
     "ENV PATH=/opt/pg/bin:$PATH", "ENV VIRTUAL_ENV=/opt/venv", "ARG http_proxy"],
)  # fmt: skip
def test_what_an_install_needs_to_be_told_still_comes_before_it(between: str) -> None:
    text = f"FROM python:3.13-slim\nWORKDIR /app\nCOPY . .\n{between}\nRUN pip install -r requirements.txt\n"

    made = convert(PATH, text, PLAIN).content

    name = between.split()[1].partition("=")[0]
    assert made.index("uv sync") > made.index(f" {name}")


@pytest.mark.parametrize(
    ("text", "user"),
    [
        ("FROM python:3.13-slim\nCOPY . .\nEXPOSE 80\nCMD app\n", "COPY . .\n\nRUN groupadd --gid 10001 app \\\n"
         "    && useradd --no-log-init --uid 10001 --gid app --create-home app\nUSER app\nEXPOSE 80\nCMD app\n"),
        ("FROM python:3.13-alpine\nCOPY . .\n", "COPY . .\n\nRUN addgroup -g 10001 app && adduser -D -u 10001 -G app app\nUSER app\n"),
        ("FROM gcr.io/distroless/python3\nCOPY . .\nCMD [\"x\"]\n", "COPY . .\n\nUSER 65532:65532\nCMD [\"x\"]\n"),
        ("FROM python:3.13-slim\nUSER app\nCMD app\n", "FROM python:3.13-slim\nUSER app\nCMD app\n"),
        ("FROM python:3.13-slim\nENV PATH=/root/.local/bin:$PATH\nCMD app\n", "ENV PATH=/root/.local/bin:$PATH\nCMD app\n"),
    ],
)  # fmt: skip
def test_hardened(text: str, user: str) -> None:
    made = convert(PATH, text, replace(PLAIN, harden=True))

    assert made.content.endswith(user)
    assert convert(PATH, made.content, replace(PLAIN, harden=True)).content == made.content
    assert convert(PATH, text, PLAIN).content == text


def test_wheels_that_are_still_built_are_still_installed() -> None:
    """What cannot be converted in one stage keeps the other as it is: half of it would not build."""
    path, facts = read("wheels")
    before = facts.files[path].replace("pip wheel", "pip wheel --global-option=fast", 1)
    made = convert(path, before, facts)
    assert "--from=" in before
    assert made.content == before
    assert any(finding.level == "left" and "--global-option" in finding.what for finding in made.findings)


@pytest.mark.parametrize(
    "odd",
    ["RUN sh -c 'cat <<EOF'\n", "RUN echo it's <<EOF\n", "RUN echo a\\\\\n", "RUN printf 'a\x0cb'\n",
     "ONBUILD RUN <<EOF\nx\nEOF\n", "RUN cat <<E.F\nx\nE.F\n", "RUN cat <<'E F'\nx\nE F\n",
     "RUN <<EOF\n#!/usr/bin/env python3\nprint('x')\nEOF\n"],
)  # fmt: skip
def test_an_odd_instruction_takes_no_other_along(odd: str) -> None:
    text = "FROM python:3.13\n{}WORKDIR /app\nCOPY requirements.txt .\nRUN pip install -r requirements.txt\n"

    made = convert(PATH, text.format(odd), PLAIN).content

    assert made == convert(PATH, text.format(""), PLAIN).content.replace("WORKDIR", f"{odd}WORKDIR")
    assert "uv sync" in made


def test_a_python_script_in_a_here_document_is_left() -> None:
    text = "FROM python:3.13\nRUN <<EOF\n#!/usr/bin/env python3\npip install -r requirements.txt\nEOF\n"
    made = convert(PATH, text, PLAIN)
    assert made.content == text
    assert [finding.what for finding in made.findings] == ["pip in a here-document that not only a shell reads"]


def test_a_stage_that_an_argument_names_is_the_one_below() -> None:
    text = "ARG BASE=one\nFROM python:3.13 AS one\nRUN python -m venv /v\nENV PATH=/v/bin:$PATH\nFROM {}\n" \
           "COPY requirements.txt .\nRUN pip install -r requirements.txt\n"  # fmt: skip
    made = convert(PATH, text.format("${BASE}"), PLAIN).content
    assert made == convert(PATH, text.format("one"), PLAIN).content.replace("FROM one", "FROM ${BASE}")
    assert "/v" in made.partition("FROM ${BASE}")[2]


@pytest.mark.parametrize("end", ["", "\n", "\n\n", "\n\n\n"])
def test_a_here_document_that_nothing_ends_does_not_grow(end: str) -> None:
    text = f"FROM python:3.13-slim\nRUN <<EOF\npip list{end}"
    made = convert(Path("Dockerfile"), text, PLAIN)

    assert made.content.endswith(f"\nuv pip list --system{end}")
    assert convert(Path("Dockerfile"), made.content, PLAIN).content == made.content


@pytest.mark.parametrize("built", [False, True])
def test_the_lock_is_compared_where_the_source_is_that_says_what_is_needed(*, built: bool) -> None:
    install = Install(Path())
    known = RepoFacts(
        files={Path("setup.py"): "", Path("requirements.txt"): "", Path("app/main.py"): ""},
        projects=(ProjectFacts(Path(), package=True, requires_python=">=3.11", built=built),),
        installs={Path("requirements.txt"): install, Path("setup.py"): install},
        uv="0.13.8",
    )
    text = "FROM python:3.11-slim\nWORKDIR /app\n{}COPY . .\nRUN pip install .\n"
    early = "COPY requirements.txt .\nRUN pip install -r requirements.txt\n"
    for before in ("", early):
        made = convert(Path("Dockerfile"), text.format(before), known).content
        found = re.findall(r"uv sync (--\w+)(.*)", made)
        assert [option for option, rest in found if "--no-install-project" in rest] == [
            "--frozen" if built else "--locked"
        ]
        assert [option for option, rest in found if "--no-install-project" not in rest] == ["--locked"]
