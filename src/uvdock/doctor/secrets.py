"""Rules on credentials. No value of one is kept in a finding, and so none is printed.

Each function's docstring is the rule's page: see `uvdock.doctor.model.Rule`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from uvdock.doctor.facts import Facts
from uvdock.doctor.model import Hit

#: ``https://user:password@host`` and ``https://TOKEN@host``; not where a variable stands for it.
_ADDRESS = re.compile(
    r"(?:\w\+)?https?://"
    r"(?:[^\s/@:\"'`<>{}$]*:[^\s/@\"'`<>{}$*]+|(?:gh[a-z]_|github_pat_|glpat-|pypi-)[\w-]+)@(?P<host>[\w.-]+)"
)
_NAME = re.compile(r"(?:UV_INDEX_\w+_PASSWORD|UV_PUBLISH_(?:PASSWORD|TOKEN)|UV_AUTH_TOKEN|UV_API_KEY|UV_GITHUB_TOKEN)")
_LOOKED_AT = ("pyproject.toml", "uv.toml", "uv.lock")


def credentials_in_file(facts: Facts) -> Iterator[Hit]:
    """A password or token of an index in a file of the repo.

    Whoever may read the repo, or an image that holds the file, has it; and it stays in git's history. A password that
    comes as `ARG` or `ENV` is in the image's history, also where it has no default.

    ```toml
    [[tool.uv.index]]
    url = "https://reader:secret@index.example/simple"
    ```

    Fix: the address without it, and `UV_INDEX_<NAME>_USERNAME` and `UV_INDEX_<NAME>_PASSWORD` in the environment; in a
    build as a secret: `RUN --mount=type=secret,id=index,env=UV_INDEX_PRIVATE_PASSWORD uv sync --locked`. Change a
    password that was committed.

    Source: [uv, authentication](https://docs.astral.sh/uv/concepts/authentication/),
    [build secrets](https://docs.docker.com/build/building/secrets/).
    """
    compose = {file.name for file in (*facts.compose, *facts.workflows)}
    for name, text in facts.texts.items():
        if name.rpartition("/")[2] in _LOOKED_AT or name in compose:
            yield from _in_lines(name, text.lines)
    for build in facts.dockerfiles:
        yield from _in_lines(build.name, build.lines)
        for step in build.steps:
            for name in step.names if step.verb in ("ARG", "ENV") else ():
                if _NAME.fullmatch(name):
                    line = build.line_in(step, rf"\b{name}\b")
                    what = f"{name} comes as {step.verb}, which every image keeps in its history"
                    yield Hit(build.name, line, what, f"RUN --mount=type=secret,id=index,env={name} uv sync …")


def credentials_in_image(facts: Facts) -> Iterator[Hit]:
    """A password or token of an index in an image's variables or history.

    Whoever may pull the image has it: `docker history --no-trunc` and `docker inspect` show it.

    ```text
    RUN |1 UV_INDEX_PRIVATE_PASSWORD=… /bin/sh -c uv sync
    ```

    Fix: a build secret instead of `ARG` and `ENV`, then build again, remove the old image wherever it was pushed, and
    change the password.

    Source: [build secrets](https://docs.docker.com/build/building/secrets/).
    """
    fix = "hand it to the build as a secret, build again, and change it"
    for image in facts.images:
        names = {name for name, value in image.env.items() if value and _NAME.fullmatch(name)}
        names |= {name for name, value in image.env.items() if _ADDRESS.search(value)}
        for name in sorted(names):
            yield Hit(image.name, None, f"its variable {name} holds a credential", fix)
        layers = "\n".join(image.history)
        for name in sorted(set(re.findall(rf"\b({_NAME.pattern})=\S", layers)) - names):
            yield Hit(image.name, None, f"its history holds the value of {name}", fix)
        for host in sorted({match["host"] for match in _ADDRESS.finditer(layers)}):
            yield Hit(image.name, None, f"its history holds an address of {host} with a credential", fix)


def _in_lines(name: str, lines: Sequence[str]) -> Iterator[Hit]:
    """The first line with a credential of each host in a file."""
    found: dict[str, list[int]] = {}
    for number, line in enumerate(lines, 1):
        if not line.lstrip().startswith("#"):
            for match in _ADDRESS.finditer(line):
                found.setdefault(match["host"], []).append(number)
    for host, numbers in found.items():
        more = f", and in {len(numbers) - 1} more places" if len(numbers) > 1 else ""
        fix = "the address without it, and UV_INDEX_<NAME>_PASSWORD in the environment; then change it"
        yield Hit(name, numbers[0], f"an address of {host} has a credential in it{more}", fix)
