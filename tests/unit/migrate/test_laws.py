"""What holds for every text: nothing is raised, no word that is not pip's is lost, and a second time changes nothing."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.migrate.texts import Text, built, others, scripts, texts
from uvdock.formats.shell.words import Dialect
from uvdock.migrate.commands import rewrite
from uvdock.migrate.commands.context import ExecutionContext
from uvdock.migrate.converters.dockerfile import convert
from uvdock.migrate.model import Install, Notice, ProjectFacts, RepoFacts

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
FACTS = RepoFacts(
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
HARDENED = RepoFacts(FACTS.files, FACTS.projects, FACTS.installs, FACTS.uv, harden=True)
#: What a line says where something of pip stays.
TOPIC = re.compile(r"pip|venv|virtualenv|requirements|activate|setup\.py|easy_install|poetry|\.whl|/wheels")
mounts = st.sampled_from([
    "", "--mount=type=cache,target=/root/.cache/pip ", "--mount=type=cache,id=pip,target=/root/.cache,sharing=locked \\\n    ",
    "--mount=type=bind,source=requirements.txt,target=requirements.txt \\\n    ", "‹--mount=type=secret,id=@› ", "‹--network=none› ",
    "‹--mount=type=cache,target=/@› ", "‹--mount=type=bind,source=@,target=/@› ",
])  # fmt: skip
instructions = st.one_of(
    st.builds("RUN {}{}".format, mounts, built),
    st.builds("RUN {}{}".format, mounts, built),
    st.builds("ONBUILD RUN {}".format, built),
    st.builds("RUN <<EOF\n{}\nEOF".format, scripts),
    st.builds("RUN bash <<EOF\n{}\nEOF".format, scripts),
    st.builds("CMD {}".format, built),
    st.sampled_from([
        "FROM python:3.13-slim", "FROM python:3.13-slim AS build", "FROM build", "FROM debian:trixie-slim AS base", "FROM base AS dev",
        "FROM gcr.io/distroless/python3", "FROM python:3.13-alpine AS build", "FROM $BASE", "‹# @›", "", "# syntax=docker/dockerfile:1",
        "COPY . .", "COPY . /app", "COPY requirements.txt .", "COPY requirements*.txt ./", "COPY requirements.txt /tmp/requirements.txt",
        "COPY requirements requirements", "COPY --chown=app requirements.txt requirements-dev.txt ./", "ADD requirements.txt /app/",
        "COPY [\"requirements.txt\", \"./\"]", "ONBUILD COPY requirements.txt /app/", "COPY setup.py .", "COPY bin bin",
        "COPY --from=build /opt/venv /opt/venv", "COPY --from=build /root/.local /home/app/.local", "COPY --from=build /wheels /wheels",
        "COPY --from=build /usr/local /usr/local", "COPY --from=ghcr.io/astral-sh/uv:0.13.8 /uv /bin/", "COPY requirements.txt ‹@› ‹/@/›",
        "WORKDIR /app", "WORKDIR $HOME", "USER app", "USER 1000:1000", "USER root", "RUN useradd -u 1000 app", "RUN adduser -D app",
        "ENV PIP_NO_CACHE_DIR=1", "ENV ‹@›=‹@› PIP_NO_CACHE_DIR=1 \\\n    ‹# @›\n    PIP_DEFAULT_TIMEOUT=100 ‹@›=‹@›", "ENV PIP_INDEX_URL https://index.example/simple",
        "ENV VIRTUAL_ENV=/opt/venv PATH=/opt/venv/bin:$PATH", "ENV PATH=\"$VIRTUAL_ENV/bin:$PATH\"", "ARG PIP_VERSION=25", "ARG ENV=local",
        "RUN [\"pip\", \"install\", \"-r\", \"requirements.txt\"]", "CMD [\"sh\", \"-c\", \"pip install -r requirements.txt && ‹@›\"]",
        "SHELL [\"/bin/bash\", \"-c\"]", "‹ENTRYPOINT [\"@\", \"pip install @\"]›", "‹EXPOSE 80›", "run pip install -r requirements.txt", "RUN \\\n  pip install «@»", "RUN",
        "‹LABEL @=\"pip install @\"›", "‹ENV @ pip install @›", "‹ARG @=pip›", "‹HEALTHCHECK CMD @ \\\n  # @\n  pip›", "‹STOPSIGNAL SIG@›",
        "‹COPY --from=@ /@ /@›", "‹COPY <<X /@\npip install @\nX›", "‹COPY <<\"X\" /@.sh\n#!/bin/sh\npip install -r requirements.txt @\nX›", "‹VOLUME /@›",
        "RUN [\"pip\", \"install\", \"«@»\"]", "‹RUN [\"@\", \"pip install @\"]›", "‹WORKDIR /@›", "‹USER @›", "‹ADD https://@/pip /@›", "‹MAINTAINER pip @›",
        "RUN python - <<X\n‹import @\npip install @›\nX", "RUN <<X cat > /x && pip install -r requirements.txt\n‹pip install @›\nX",
    ]),
)  # fmt: skip
dockerfiles = st.builds(
    lambda first, rest, end, newline: Text.of(("\n".join([*first, *rest]) + end).replace("\n", newline)),
    st.sampled_from([[], ["FROM python:3.13-slim"], ["FROM python:3.13-slim AS build", "WORKDIR /app"], ["FROM debian AS build"]]),
    st.lists(instructions, max_size=9),
    st.sampled_from(["", "\n"]),
    st.sampled_from(["\n", "\n", "\n", "\r\n"]),
)  # fmt: skip
places = st.builds(
    lambda kind, make, environment, line: ExecutionContext(
        Path("x"),
        kind,
        line,
        environment=environment,
        dialect=Dialect(docker=kind == "build", make=make and kind == "script"),
    ),
    st.sampled_from(["build", "script", "ci"]),
    st.booleans(),
    st.sampled_from(["", "/usr/local", "system", "/opt/venv"]),
    st.sampled_from([1, 8]),
)


def comments(text: str) -> Counter[str]:
    return Counter(line.strip() for line in text.splitlines() if line.strip().startswith("#"))


def misplaced(findings: Sequence[Notice], text: str, first: int = 1) -> list[Notice]:
    """What is said to stay with pip at a line in which nothing is about that."""
    lines = ["", *text.split("\n")]
    named = [(finding, finding.line - first + 1) for finding in findings if finding.level == "left" and finding.line]
    return [finding for finding, line in named if not (0 < line < len(lines) and TOPIC.search(lines[line]))]


@settings(max_examples=100)
@given(dockerfiles)
def test_a_dockerfile(given: Text) -> None:
    text = given.text
    for facts in (FACTS, HARDENED):
        made = convert(Path("Dockerfile"), text, facts)
        again = convert(Path("Dockerfile"), made.content, facts)

        assert again.content == made.content
        assert not [part for part in (*given.kept, *given.given) if part not in made.content]
        # One behind a command that goes has a line for itself then.
        assert not comments(text) - comments(made.content)
        if "\r\n" in text:
            assert "\n" not in made.content.replace("\r\n", "")
        assert made.content != text or facts.harden or calls_pip(text) == calls_pip(made.content)
        if calls_pip(made.content):
            assert [finding for finding in made.findings if finding.level == "left"]
        # Who the image runs as is said at its end.
        assert facts.harden or not misplaced(made.findings, text)


def calls_pip(text: str) -> bool:
    """Whether pip is plainly called."""
    return bool(re.search(r"^(?:RUN )?(?:pip3?|python -m pip) install -r requirements\.txt$", text, re.MULTILINE))


@settings(max_examples=200)
@given(st.data(), places)
def test_a_shell_text(data: st.DataObject, place: ExecutionContext) -> None:
    given = Text.of(data.draw(built if place.dialect.docker else st.one_of(texts, scripts)))
    text = given.text
    made = rewrite.convert(text, FACTS, place)

    assert rewrite.convert(made.text, FACTS, place).text == made.text
    assert not misplaced(made.findings, text, place.line)
    applied, at = [], 0
    for change in made.changes:
        assert at <= change.start <= change.end
        applied += [text[at : change.start], change.text]
        at = change.end
    whole = "".join([*applied, text[at:]])
    assert not given.lost(whole)
    # In a Dockerfile, comments stay without their instruction.
    code = [
        line for line in whole.splitlines() if line.strip() and not (place.dialect.docker and line.strip()[0] == "#")
    ]
    assert made.text == (whole if code or not made.changes else "")


@settings(max_examples=200)
@given(others, places.filter(lambda place: not place.dialect.docker))
def test_a_text_that_calls_no_pip(template: str, place: ExecutionContext) -> None:
    text = Text.of(template).text

    made = rewrite.convert(text, FACTS, place)

    assert (made.text, made.changes, made.syncs, made.calls_uv) == (text, (), (), False)
    assert not misplaced(made.findings, text, place.line)


@settings(max_examples=150)
@given(st.text(max_size=200), places)
def test_any_text_at_all(text: str, place: ExecutionContext) -> None:
    assert rewrite.convert(text, FACTS, place).text == text or "pip" in text or "venv" in text
    assert convert(Path("Dockerfile"), text, FACTS).content == text or "pip" in text


@settings(max_examples=60)
@given(dockerfiles, st.integers(0, 600), st.integers(1, 40), st.text("\\'\"`$()<>#\n &|;{}", max_size=4))
def test_a_dockerfile_that_is_broken(given: Text, at: int, much: int, put: str) -> None:
    broken = given.text[:at] + put + given.text[at + much :]

    made = convert(Path("Dockerfile"), broken, FACTS)

    assert convert(Path("Dockerfile"), made.content, FACTS).content == made.content
