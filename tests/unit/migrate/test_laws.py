"""What holds for every text: nothing is raised, nothing is lost without a word, and a second time changes nothing."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from uvdock.migrate.commands import rewrite
from uvdock.migrate.commands.context import Place
from uvdock.migrate.converters.dockerfile import convert
from uvdock.migrate.model import Facts, Install, ProjectFacts

pytestmark = pytest.mark.slow

FILES = {
    Path("requirements.txt"): "flask\n",
    Path("requirements-dev.txt"): "-r requirements.txt\npytest\n",
    Path("requirements/base.txt"): "flask\n",
    Path("requirements/local.txt"): "-r base.txt\n",
    Path("app/main.py"): "print()\n",
    Path("setup.py"): "from setuptools import setup\n",
    Path("bin/install.sh"): "#!/bin/sh\npip install -r requirements.txt\n",
}
FACTS = Facts(
    FILES,
    (ProjectFacts(Path(), package=True, requires_python=">=3.11"),),
    {
        Path("requirements.txt"): Install(Path(), ("--no-dev",)),
        Path("requirements-dev.txt"): Install(Path()),
        Path("requirements/base.txt"): Install(Path(), ("--no-dev",)),
        Path("requirements/local.txt"): Install(Path(), ("--no-dev", "--group", "local")),
        Path("setup.py"): Install(Path(), ("--no-dev",)),
    },
    "0.13.8",
)
HARDENED = Facts(FACTS.files, FACTS.projects, FACTS.installs, FACTS.uv, harden=True)
PROGRAMS = [
    "pip", "pip3", "python -m pip", "python3.13 -m pip", "/opt/venv/bin/pip", "venv/bin/pip", "$VENV/bin/pip", "sudo pip",
    "PIP_NO_CACHE_DIR=1 pip", "pip --no-cache-dir", "~/.local/bin/pip", "xargs pip", "sudo -u app pip",
]  # fmt: skip
ARGUMENTS = [
    "-r requirements.txt", "-r requirements-dev.txt", "-r requirements/base.txt", "-r requirements/${ENV}.txt", "-r nowhere.txt",
    "-rrequirements.txt", "--requirement=requirements.txt", "-U pip", "pip setuptools wheel", "flask", "'flask>=3'", "-e .",
    ".", ".[dev]", "--no-deps", "--user", "--target /lib", "--prefix=/install", "--no-cache-dir", "-q", "$(cat list)",
    "--require-hashes", "--only-binary=:all:", "--no-binary flask", "-i https://index.example/simple", "--unknown", "$PACKAGES",
    "--find-links=/wheels --no-index", "/wheels/*", "-c requirements.txt", "--pre", "--group dev", "-", "--", "\"a b\"",
]  # fmt: skip
OTHERS = [
    "apt-get update", "apt-get install -y gcc \\\n    libpq-dev", "python -m venv /opt/venv", "virtualenv venv", "rm -rf /root/.cache",
    ". /opt/venv/bin/activate", "source venv/bin/activate", "curl https://files.example/get-pip.py | python3", "python get-pip.py",
    "sed -i s/a/b/ requirements.txt", "echo flask >> requirements.txt", "test -f requirements.txt", "pip freeze > frozen.txt",
    "bash -c 'pip install -r requirements.txt'", "python setup.py develop", "pip-compile requirements.in", "pip-sync",
    "if [ -f requirements.txt ]; then pip install -r requirements.txt; fi", "(pip install -U pip)", "pip cache purge",
    "pip wheel -r requirements.txt -w /wheels", "bin/install.sh", "rm requirements.txt get-pip.py", "cat <<X\npip install a\nX",
    "for f in a b; do pip install -U pip; done", "while true; do pip install -r requirements.txt; done", "'unclosed", "$(", "`a",
    "pip install -U pip || true", "poetry install", "pip uninstall -y flask", "{ pip install -U pip; }", "! pip check", "deactivate",
]  # fmt: skip
calls = st.builds(
    lambda program, verb, words: " ".join([program, verb, *words]),
    st.sampled_from(PROGRAMS),
    st.sampled_from(["install", "install", "install", "wheel", "list", "uninstall", "download", ""]),
    st.lists(st.sampled_from(ARGUMENTS), max_size=4),
)
JOINTS = [" && ", " && \\\n    ", " \\\n    && ", " \\\n    # why\n    && ", "; ", " || ", " | ", " & "]
texts = st.builds(
    lambda first, rest: first + "".join(joint + text for joint, text in rest),
    st.one_of(calls, st.sampled_from(OTHERS)),
    st.lists(st.tuples(st.sampled_from(JOINTS), st.one_of(calls, st.sampled_from(OTHERS))), max_size=3),
)
scripts = st.lists(st.one_of(calls, st.sampled_from(OTHERS), st.just("# why"), st.just("")), max_size=6).map("\n".join)
mounts = st.sampled_from([
    "", "--mount=type=cache,target=/root/.cache/pip ", "--mount=type=cache,id=pip,target=/root/.cache,sharing=locked \\\n    ",
    "--mount=type=bind,source=requirements.txt,target=requirements.txt \\\n    ", "--mount=type=secret,id=pip ", "--network=none ",
])  # fmt: skip
instructions = st.one_of(
    st.builds("RUN {}{}".format, mounts, texts),
    st.builds("RUN {}{}".format, mounts, texts),
    st.builds("ONBUILD RUN {}".format, texts),
    st.builds("RUN <<EOF\n{}\nEOF".format, scripts),
    st.builds("RUN bash <<EOF\n{}\nEOF".format, scripts),
    st.builds("CMD {}".format, texts),
    st.sampled_from([
        "FROM python:3.13-slim", "FROM python:3.13-slim AS build", "FROM build", "FROM debian:trixie-slim AS base", "FROM base AS dev",
        "FROM gcr.io/distroless/python3", "FROM python:3.13-alpine AS build", "FROM $BASE", "# a comment", "", "# syntax=docker/dockerfile:1",
        "COPY . .", "COPY . /app", "COPY requirements.txt .", "COPY requirements*.txt ./", "COPY requirements.txt /tmp/requirements.txt",
        "COPY requirements requirements", "COPY --chown=app requirements.txt requirements-dev.txt ./", "ADD requirements.txt /app/",
        "COPY [\"requirements.txt\", \"./\"]", "ONBUILD COPY requirements.txt /app/", "COPY setup.py .", "COPY bin bin",
        "COPY --from=build /opt/venv /opt/venv", "COPY --from=build /root/.local /home/app/.local", "COPY --from=build /wheels /wheels",
        "COPY --from=build /usr/local /usr/local", "COPY --from=ghcr.io/astral-sh/uv:0.13.8 /uv /bin/", "COPY requirements.txt app /srv/",
        "WORKDIR /app", "WORKDIR $HOME", "USER app", "USER 1000:1000", "USER root", "RUN useradd -u 1000 app", "RUN adduser -D app",
        "ENV PIP_NO_CACHE_DIR=1", "ENV A=1 PIP_NO_CACHE_DIR=1 \\\n    # why\n    PIP_DEFAULT_TIMEOUT=100 B=2", "ENV PIP_INDEX_URL https://index.example/simple",
        "ENV VIRTUAL_ENV=/opt/venv PATH=/opt/venv/bin:$PATH", "ENV PATH=\"$VIRTUAL_ENV/bin:$PATH\"", "ARG PIP_VERSION=25", "ARG ENV=local",
        "RUN [\"pip\", \"install\", \"-r\", \"requirements.txt\"]", "CMD [\"sh\", \"-c\", \"pip install -r requirements.txt && app\"]",
        "SHELL [\"/bin/bash\", \"-c\"]", "ENTRYPOINT [\"app\"]", "EXPOSE 80", "run pip install -r requirements.txt", "RUN \\\n  pip install flask", "RUN",
    ]),
)  # fmt: skip
dockerfiles = st.builds(
    lambda first, rest, end, newline: ("\n".join([*first, *rest]) + end).replace("\n", newline),
    st.sampled_from([[], ["FROM python:3.13-slim"], ["FROM python:3.13-slim AS build", "WORKDIR /app"], ["FROM debian AS build"]]),
    st.lists(instructions, max_size=9),
    st.sampled_from(["", "\n"]),
    st.sampled_from(["\n", "\n", "\n", "\r\n"]),
)  # fmt: skip
places = st.builds(
    lambda kind, environment: Place(Path("x"), kind, environment=environment, comments=kind == "build"),
    st.sampled_from(["build", "script", "ci", "make"]),
    st.sampled_from(["", "/usr/local", "system", "/opt/venv"]),
)
#: Words that are about pip, and those that take their place.
TOPIC = re.compile(
    r"pip|venv|virtualenv|activate|requirements|uv\b|UV_|setup\.py|\.cache|PIP_|wheels|\.local|pyproject|COPY|ADD|USER|useradd|adduser"
)


def comments(text: str) -> list[str]:
    return [line.strip() for line in text.splitlines() if line.strip().startswith("#")]


def lost(before: str, after: str) -> list[str]:
    """The words that have nothing to do with pip and are not there any more."""
    words = [word for word in re.split(r"[\s\\&|;(){}\"'`<>=,\[\]]+", before) if word and not TOPIC.search(word)]
    return [
        word
        for word in set(words)
        if before.count(word) and word not in after and word.startswith(("apt", "gcc", "libpq"))
    ]


@settings(max_examples=100, deadline=None)
@given(dockerfiles)
def test_a_dockerfile(text: str) -> None:
    for facts in (FACTS, HARDENED):
        made = convert(Path("Dockerfile"), text, facts)
        again = convert(Path("Dockerfile"), made.content, facts)

        assert again.content == made.content
        assert not lost(text, made.content)
        assert sorted(comments(made.content)) == sorted(comments(text))
        if "\r\n" in text:
            assert "\n" not in made.content.replace("\r\n", "")
        assert made.content != text or facts.harden or calls_pip(text) == calls_pip(made.content)
        if calls_pip(made.content):
            assert [finding for finding in made.findings if finding.level == "left"]
        assert all(0 <= finding.line <= text.count("\n") + 1 for finding in made.findings)


def calls_pip(text: str) -> bool:
    """Whether pip is plainly called."""
    return bool(re.search(r"^(?:RUN )?(?:pip3?|python -m pip) install -r requirements\.txt$", text, re.MULTILINE))


@settings(max_examples=200, deadline=None)
@given(st.one_of(texts, scripts), places)
def test_a_shell_text(text: str, place: Place) -> None:
    made = rewrite.convert(text, FACTS, place)
    again = rewrite.convert(made.text, FACTS, place)

    assert again.text == made.text
    assert not lost(text, made.text)
    assert made.text or not comments(text) or place.comments
    assert place.comments or "<<" in text or comments(text) == comments(made.text)
    applied, at = [], 0
    for change in made.changes:
        assert at <= change.start <= change.end
        applied += [text[at : change.start], change.text]
        at = change.end
    whole = "".join([*applied, text[at:]])
    assert made.text in (whole, "")


@settings(max_examples=150, deadline=None)
@given(st.text(max_size=200), places)
def test_any_text_at_all(text: str, place: Place) -> None:
    assert rewrite.convert(text, FACTS, place).text == text or "pip" in text or "venv" in text
    assert convert(Path("Dockerfile"), text, FACTS).content == text or "pip" in text


@settings(max_examples=150, deadline=None)
@given(dockerfiles, st.integers(0, 600), st.integers(1, 40), st.text("\\'\"`$()<>#\n &|;{}", max_size=4))
def test_a_dockerfile_that_is_broken(text: str, at: int, much: int, put: str) -> None:
    broken = text[:at] + put + text[at + much :]

    made = convert(Path("Dockerfile"), broken, FACTS)

    assert convert(Path("Dockerfile"), made.content, FACTS).content == made.content
