"""A small repo that has nothing to report, and the changes to it that each rule is tried on: faults, and others."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePosixPath
from typing import Any

from ruamel.yaml import YAML

from uvdock.doctor.facts import DockerObject, Facts, read, with_services

DOCKERFILE = """\
FROM python:3.13-slim-trixie
COPY --from=ghcr.io/astral-sh/uv:0.13.8 /uv /uvx /bin/
RUN useradd --uid 1000 --create-home app && install -d -o app /app
ENV UV_COMPILE_BYTECODE=1 UV_LINK_MODE=copy \\
    UV_PROJECT_ENVIRONMENT=/home/app/.venv
USER app
WORKDIR /app
COPY pyproject.toml uv.lock ./
RUN --mount=type=cache,target=/home/app/.cache/uv,uid=1000,gid=1000 \\
    uv sync --locked --no-install-project
COPY . .
CMD ["gunicorn", "app"]
"""
CLEAN = {
    "Dockerfile": DOCKERFILE,
    ".dockerignore": ".venv\n",
    ".gitignore": ".venv\n",
    "pyproject.toml": """\
[project]
name = "app"
version = "0.1.0"
requires-python = ">=3.11"
dependencies = []
""",
    "uv.lock": "version = 1\n",
    "compose.yaml": """\
services:
  web:
    build: .
    volumes:
      - ".:/app"
    environment:
      UV_LINK_MODE: copy
""",
    ".github/workflows/ci.yml": """\
jobs:
  test:
    steps:
      - uses: astral-sh/setup-uv@v7
        with:
          version: "0.13.8"
      - run: uv sync --locked
""",
}
SYNC = "uv sync --locked --no-install-project"
WEB = {"images": (DockerObject("image app-web", "web", lock=True),)}


@dataclass(frozen=True)
class Case:
    """What is different from `CLEAN`, and where the rule is to report it.

    Args:
        rule: The rule.
        files: Whole files; ``None`` takes one away.
        swap: File, a text in it, and what it becomes.
        at: ``file:line`` of each finding; none where the change is no fault.
        facts: Fields of the facts that no file gives: images, containers, this machine's uv.
    """

    rule: str
    name: str
    at: tuple[str, ...] = ()
    files: Mapping[str, str | None] = field(default_factory=dict)
    swap: Sequence[tuple[str, str, str]] = ()
    facts: Mapping[str, Any] = field(default_factory=dict)

    def build(self, root: Path) -> Facts:
        """Write the repo and read it."""
        files: dict[str, str | None] = {**CLEAN, **self.files}
        for name, old, new in self.swap:
            text = files[name]
            assert text is not None
            assert old in text, f"{old} is not in {name}"
            files[name] = text.replace(old, new)
        for name, text in files.items():
            if text is not None:
                (root / name).parent.mkdir(parents=True, exist_ok=True)
                (root / name).write_bytes(text.encode())
        subprocess.run(["git", "init", "--quiet", str(root)], check=True)
        return replace(look(root), **self.facts)


def look(root: Path) -> Facts:
    """The facts of a repo, with its Compose file read as Compose reads such a simple one; without this machine's uv."""
    facts = replace(read(root), host_uv=None)
    path = root / "compose.yaml"
    if not path.is_file():
        return facts
    services = YAML(typ="safe").load(path.read_text())["services"]
    return with_services(facts, {name: _long(root, data) for name, data in services.items()})


def _long(root: Path, data: dict[str, Any]) -> dict[str, Any]:
    build = data.get("build")
    made = {"context": build} if isinstance(build, str) else dict(build or {})
    made["context"] = str((root / made.get("context", ".")).resolve())
    return {**data, "build": made, "volumes": [_mount(root, item) for item in data.get("volumes", [])]}


def _mount(root: Path, text: str) -> dict[str, Any]:
    source, colon, target = text.partition(":")
    if not colon:
        return {"type": "volume", "target": source}
    bind = source.startswith(".")
    return {"type": "bind" if bind else "volume", "source": str(root / source) if bind else source, "target": target}


def change(file: str, old: str, new: str) -> tuple[tuple[str, str, str], ...]:
    """A change to a file."""
    return ((file, old, new),)


def dockerfile(old: str, new: str) -> tuple[tuple[str, str, str], ...]:
    """A change to the Dockerfile."""
    return change("Dockerfile", old, new)


CMD = 'CMD ["gunicorn", "app"]'
_VENV = dockerfile("UV_PROJECT_ENVIRONMENT=/home/app/.venv", "A=b")
_PATH = PurePosixPath("/home/app/.venv")
_WORKFLOW = ".github/workflows/ci.yml"
CASES = [
    Case("env-after-install", "after", ("Dockerfile:12",), swap=dockerfile(CMD, f"ENV UV_NO_DEV=1\n{CMD}")),
    Case(
        "env-after-install",
        "one-of-several-lines",
        ("Dockerfile:13",),
        swap=dockerfile(CMD, f"ENV A=b \\\n  UV_INDEX_STRATEGY=first-index\n{CMD}"),
    ),
    Case("env-after-install", "for-running", swap=dockerfile(CMD, f"ENV UV_NO_SYNC=1 UV_OFFLINE=1\n{CMD}")),
    Case("env-after-install", "again-the-same", swap=dockerfile(CMD, f"ENV UV_LINK_MODE=copy\n{CMD}")),
    Case(
        "env-after-install",
        "for-the-next-stage",
        swap=dockerfile(CMD, f"ENV UV_NO_DEV=1\nRUN {SYNC}\n{CMD}"),
    ),
    Case("sync-without-locked", "plain", ("Dockerfile:10",), swap=dockerfile(" --locked", "")),
    Case("sync-without-locked", "frozen", swap=dockerfile("--locked", "--frozen")),
    Case("sync-without-locked", "by-variable", swap=dockerfile("uv sync --locked", "UV_LOCKED=1 uv sync")),
    Case(
        "sync-without-locked",
        "second-of-two",
        ("Dockerfile:11",),
        swap=dockerfile(SYNC, f"{SYNC} && \\\n    uv sync --inexact"),
    ),
    Case(
        "sync-without-locked",
        "here-document",
        ("Dockerfile:15",),
        swap=dockerfile(CMD, f"{CMD}\nRUN <<EOF\nset -e\nuv sync\nEOF"),
    ),
    Case("sync-without-locked", "only-said", swap=dockerfile(CMD, f'{CMD}\nRUN echo "uv sync"')),
    Case("sync-without-locked", "exec-form", ("Dockerfile:13",), swap=dockerfile(CMD, f'{CMD}\nRUN ["uv", "sync"]')),
    Case("sync-without-locked", "in-a-shell", ("Dockerfile:13",), swap=dockerfile(CMD, f'{CMD}\nRUN sh -c "uv sync"')),
    Case(
        "source-before-dependencies",
        "all",
        ("Dockerfile:8",),
        swap=(*dockerfile("COPY pyproject.toml uv.lock ./", "COPY . ."), *dockerfile(" --no-install-project", "")),
    ),
    Case(
        "source-before-dependencies",
        "all-before-the-first-sync",
        ("Dockerfile:8",),
        swap=dockerfile("COPY pyproject.toml uv.lock ./", "COPY . ."),
    ),
    Case(
        "source-before-dependencies",
        "a-folder-that-is-a-dependency",
        files={"vendor/a.py": ""},
        swap=dockerfile("COPY pyproject.toml", "COPY vendor vendor\nCOPY pyproject.toml"),
    ),
    Case(
        "venv-not-ignored",
        "a-member-of-a-workspace",
        files={"lib/pyproject.toml": "[project]\nname = 'lib'\n"},
        swap=change("pyproject.toml", "dependencies", "[tool.uv.workspace]\nmembers = ['lib']\n[a]\ndependencies"),
    ),
    Case("source-before-dependencies", "dependencies-first"),
    Case(
        "no-cache-mount",
        "none",
        ("Dockerfile:9",),
        swap=dockerfile("RUN --mount=type=cache,target=/home/app/.cache/uv,uid=1000,gid=1000 \\\n    ", "RUN "),
    ),
    Case(
        "no-cache-mount",
        "no-cache-wanted",
        swap=dockerfile(
            "RUN --mount=type=cache,target=/home/app/.cache/uv,uid=1000,gid=1000 \\\n    ", "RUN UV_NO_CACHE=1 "
        ),
    ),
    Case("cache-mount-owner", "no-uid", ("Dockerfile:9",), swap=dockerfile(",uid=1000,gid=1000", "")),
    Case("cache-mount-owner", "open-to-all", swap=dockerfile(",uid=1000,gid=1000", ",mode=0777")),
    Case(
        "cache-mount-owner",
        "root",
        swap=dockerfile(",uid=1000,gid=1000", ""),
        files={"Dockerfile": DOCKERFILE.replace("USER app\n", "")},
    ),
    Case("no-link-mode", "not-set", ("Dockerfile:9",), swap=dockerfile(" UV_LINK_MODE=copy", "")),
    Case(
        "no-link-mode",
        "in-the-manifest",
        swap=(
            *dockerfile(" UV_LINK_MODE=copy", ""),
            *change("pyproject.toml", "dependencies", '[tool.uv]\nlink-mode = "copy"\n[a]\ndependencies'),
        ),
    ),
    Case("no-bytecode", "not-set", ("Dockerfile:10",), swap=dockerfile("UV_COMPILE_BYTECODE=1 ", "")),
    Case(
        "no-bytecode",
        "by-option",
        files={
            "Dockerfile": DOCKERFILE.replace("UV_COMPILE_BYTECODE=1 ", "").replace(SYNC, f"{SYNC} --compile-bytecode")
        },
    ),
    Case(
        "system-python-with-sync",
        "sync",
        ("Dockerfile:4",),
        swap=dockerfile("UV_COMPILE_BYTECODE=1", "UV_SYSTEM_PYTHON=1"),
    ),
    Case(
        "system-python-with-sync",
        "pip",
        files={
            "Dockerfile": DOCKERFILE.replace("UV_COMPILE_BYTECODE=1", "UV_SYSTEM_PYTHON=1").replace(
                SYNC, "uv pip install -r requirements.txt"
            )
        },
    ),
    Case(
        "pip-beside-uv",
        "gunicorn",
        ("Dockerfile:12",),
        swap=dockerfile(CMD, f"RUN python -m pip install gunicorn\n{CMD}"),
    ),
    Case("pip-beside-uv", "only-uv", swap=dockerfile(CMD, f"RUN pip install --no-cache-dir uv==0.13.8\n{CMD}")),
    Case("pip-beside-uv", "uvs-own", swap=dockerfile(CMD, f"RUN uv pip install gunicorn\n{CMD}")),
    Case("bare-uv-run", "command", ("Dockerfile:12",), swap=dockerfile('"gunicorn"', '"uv", "run", "gunicorn"')),
    Case(
        "bare-uv-run",
        "health",
        ("Dockerfile:12",),
        swap=dockerfile(CMD, f"HEALTHCHECK --interval=5s CMD uv run check\n{CMD}"),
    ),
    Case("bare-uv-run", "no-sync", swap=dockerfile('"gunicorn"', '"uv", "run", "--no-sync", "gunicorn"')),
    Case("bare-uv-run", "by-variable", swap=dockerfile(CMD, "ENV UV_NO_SYNC=1\nCMD uv run gunicorn")),
    Case(
        "bare-uv-run",
        "service",
        ("compose.yaml:4",),
        swap=change("compose.yaml", "    volumes", "    command: uv run flask\n    volumes"),
    ),
    Case(
        "bare-uv-run",
        "service-by-variable",
        swap=change("compose.yaml", "      UV_LINK_MODE: copy", '      UV_NO_SYNC: "1"\n    command: uv run flask'),
    ),
    Case("runs-as-root", "no-user", ("Dockerfile:1",), swap=dockerfile("USER app\n", "")),
    Case("runs-as-root", "root-again", ("Dockerfile:12",), swap=dockerfile(CMD, f"USER root\n{CMD}")),
    Case(
        "runs-as-root",
        "user-of-the-service",
        swap=(*dockerfile("USER app\n", ""), *change("compose.yaml", "    volumes", '    user: "1000"\n    volumes')),
    ),
    Case(
        "runs-as-root",
        "unknown-image",
        files={
            "Dockerfile": DOCKERFILE.replace("USER app\n", "").replace("python:3.13-slim-trixie", "example.test/base:1")
        },
    ),
    Case("moving-base-image", "no-minor", ("Dockerfile:1",), swap=dockerfile("3.13-slim-trixie", "3-slim")),
    Case("moving-base-image", "no-tag", ("Dockerfile:1",), swap=dockerfile(":3.13-slim-trixie", "")),
    Case(
        "moving-base-image",
        "by-argument",
        ("Dockerfile:2",),
        swap=dockerfile("FROM python:3.13-slim-trixie", "ARG TAG=slim\nFROM python:${TAG}"),
    ),
    Case("moving-base-image", "minor", swap=dockerfile("3.13-slim-trixie", "3.13")),
    Case("moving-base-image", "digest", swap=dockerfile(":3.13-slim-trixie", "@sha256:0")),
    Case(
        "moving-base-image",
        "unknown-argument",
        swap=dockerfile("FROM python:3.13-slim-trixie", "ARG TAG\nFROM python:${TAG}"),
    ),
    Case("base-python-mismatch", "too-old", ("Dockerfile:1",), swap=dockerfile("3.13-slim-trixie", "3.10-slim")),
    Case(
        "base-python-mismatch",
        "of-uv's-image",
        ("Dockerfile:1",),
        swap=dockerfile("python:3.13-slim-trixie", "ghcr.io/astral-sh/uv:0.13.8-python3.10-trixie-slim"),
    ),
    Case(
        "base-python-mismatch",
        "another-chosen",
        files={
            "Dockerfile": DOCKERFILE.replace("3.13-slim-trixie", "3.10-slim").replace(SYNC, f"{SYNC} --python 3.13")
        },
    ),
    Case("unpinned-uv", "latest", ("Dockerfile:2",), swap=dockerfile("uv:0.13.8", "uv:latest")),
    Case(
        "unpinned-uv",
        "mounted",
        ("Dockerfile:9",),
        swap=dockerfile(
            "RUN --mount=type=cache",
            "RUN --mount=from=ghcr.io/astral-sh/uv,source=/uv,target=/bin/uv --mount=type=cache",
        ),
    ),
    Case(
        "unpinned-uv",
        "pip",
        ("Dockerfile:2",),
        swap=dockerfile("COPY --from=ghcr.io/astral-sh/uv:0.13.8 /uv /uvx /bin/", "RUN pip install uv"),
    ),
    Case(
        "unpinned-uv",
        "script",
        ("Dockerfile:2",),
        swap=dockerfile(
            "COPY --from=ghcr.io/astral-sh/uv:0.13.8 /uv /uvx /bin/",
            "RUN curl -LsSf https://astral.sh/uv/install.sh | sh",
        ),
    ),
    Case(
        "unpinned-uv",
        "setup-uv",
        (f"{_WORKFLOW}:4",),
        swap=change(_WORKFLOW, '        with:\n          version: "0.13.8"\n', ""),
    ),
    Case(
        "unpinned-uv",
        "script-in-ci",
        (f"{_WORKFLOW}:9",),
        swap=change(
            _WORKFLOW,
            "run: uv sync --locked",
            "run: |\n          echo\n          curl -LsSf https://astral.sh/uv/install.sh | sh",
        ),
    ),
    Case(
        "unpinned-uv",
        "pip-in-ci-below-a-continued-line",
        (f"{_WORKFLOW}:10",),
        swap=change(
            _WORKFLOW,
            "run: uv sync --locked",
            "run: |\n          echo \\\n            a\n          pip install uv",
        ),
    ),
    Case(
        "unpinned-uv",
        "pip-in-a-document-in-ci",
        swap=change(
            _WORKFLOW,
            "run: uv sync --locked",
            "run: |\n          cat <<E\n          pip install uv\n          E",
        ),
    ),
    Case(
        "unpinned-uv",
        "script-with-version",
        swap=dockerfile(
            "COPY --from=ghcr.io/astral-sh/uv:0.13.8 /uv /uvx /bin/",
            "RUN curl -LsSf https://astral.sh/uv/0.13.8/install.sh | sh",
        ),
    ),
    Case(
        "unpinned-uv",
        "by-argument",
        swap=dockerfile(
            "FROM python", "ARG UV_VERSION=0.13.8\nFROM ghcr.io/astral-sh/uv:${UV_VERSION} AS uv\nFROM python"
        ),
    ),
    Case(
        "unpinned-uv",
        "required-version",
        swap=(
            *change(_WORKFLOW, '        with:\n          version: "0.13.8"\n', ""),
            *change("pyproject.toml", "dependencies", '[tool.uv]\nrequired-version = ">=0.13"\n[a]\ndependencies'),
        ),
    ),
    Case("uv-versions-differ", "ci", (f"{_WORKFLOW}:6",), swap=change(_WORKFLOW, "0.13.8", "0.9.2")),
    Case("uv-versions-differ", "host", ("uv on this machine",), facts={"host_uv": "0.9.2"}),
    Case("uv-versions-differ", "host-newer-patch", facts={"host_uv": "0.13.9"}),
    Case(
        "uv-not-required-version",
        "image",
        (f"{_WORKFLOW}:6", "Dockerfile:2"),
        swap=change("pyproject.toml", "dependencies", '[tool.uv]\nrequired-version = ">=0.14"\n[a]\ndependencies'),
    ),
    Case(
        "uv-not-required-version",
        "host",
        ("uv on this machine",),
        swap=change("pyproject.toml", "dependencies", '[tool.uv]\nrequired-version = "0.13.8"\n[a]\ndependencies'),
        facts={"host_uv": "0.13.9"},
    ),
    Case(
        "uv-not-required-version",
        "allowed",
        swap=change(
            "pyproject.toml", "dependencies", '[tool.uv]\nrequired-version = ">=0.13,<0.14"\n[a]\ndependencies'
        ),
    ),
    Case(
        "unknown-uv-variable",
        "dockerfile",
        ("Dockerfile:4",),
        swap=dockerfile("UV_COMPILE_BYTECODE", "UV_COMPILE_BYTECODES"),
    ),
    Case(
        "unknown-uv-variable",
        "service",
        ("compose.yaml:7",),
        swap=change("compose.yaml", "UV_LINK_MODE", "UV_LINKMODE"),
    ),
    Case(
        "unknown-uv-variable",
        "ci",
        (f"{_WORKFLOW}:3",),
        swap=change(_WORKFLOW, "  test:\n", "  test:\n    env: {UV_FROZE: 1}\n"),
    ),
    Case(
        "unknown-uv-variable",
        "own",
        swap=dockerfile(CMD, f"ARG UV_VERSION UV_INDEX_PRIVATE_USERNAME MY_UV_FROZE\n{CMD}"),
    ),
    Case("venv-not-ignored", "no-line", ("Dockerfile:11",), files={".dockerignore": "*.log\n"}),
    Case("venv-not-ignored", "no-file", ("Dockerfile:11",), files={".dockerignore": None}),
    Case(
        "venv-not-ignored",
        "its-own-ignore-file",
        files={".dockerignore": None, "Dockerfile.dockerignore": "**/.venv/\n"},
    ),
    Case("venv-not-ignored", "nothing-but", files={".dockerignore": "*\n!pyproject.toml\n!uv.lock\n!src\n"}),
    Case(
        "venv-not-ignored",
        "only-the-source",
        files={".dockerignore": None, "src/a.py": ""},
        swap=dockerfile("COPY . .", "COPY src src"),
    ),
    Case("lock-ignored-by-docker", "by-pattern", (".dockerignore:2",), files={".dockerignore": ".venv\n*.lock\n"}),
    Case("lock-ignored-by-docker", "taken-back", files={".dockerignore": ".venv\n*.lock\n!uv.lock\n"}),
    Case("lock-ignored-by-git", "by-name", (".gitignore:2",), files={".gitignore": ".venv\nuv.lock\n"}),
    Case("venv-not-ignored", "a-project-for-tests", files={"tests/data/pyproject.toml": "[project]\nname = 'data'\n"}),
    Case(
        "venv-not-ignored",
        "a-project-for-tests-with-one",
        ("Dockerfile:11",),
        files={"tests/data/pyproject.toml": "[project]\nname = 'data'\n", "tests/data/.venv/x": ""},
    ),
    Case(
        "lock-ignored-by-git",
        "of-a-project-for-tests",
        files={"tests/data/pyproject.toml": "[project]\nname = 'data'\n", ".gitignore": ".venv\ntests/**/uv.lock\n"},
    ),
    Case(
        "lock-ignored-by-git",
        "of-a-built-project",
        (".gitignore:2",),
        files={
            "b/pyproject.toml": "[project]\nname = 'b'\n",
            "b/Dockerfile": DOCKERFILE,
            ".gitignore": ".venv\nb/uv.lock\n",
        },
    ),
    Case("lock-ignored-by-git", "taken-back", files={".gitignore": ".venv\n*.lock\n!uv.lock\n"}),
    Case("foreign-environment", "host", (".venv",), files={".venv/pyvenv.cfg": "home = /nowhere/bin\n"}),
    Case(
        "foreign-environment",
        "container",
        ("container app-web-1",),
        facts={"containers": (DockerObject("container app-web-1", "web", environment=_PATH, interpreter=False),)},
    ),
    Case(
        "foreign-environment",
        "own",
        files={".venv/pyvenv.cfg": "home = /usr/bin\nversion = 3.13.1\n"},
        facts={"containers": (DockerObject("container app-web-1", "web", environment=_PATH, interpreter=True),)},
    ),
    Case("environment-under-mount", "under", ("compose.yaml:5",), swap=_VENV),
    Case(
        "environment-under-mount",
        "of-a-stage",
        ("compose.yaml:5",),
        swap=dockerfile("UV_PROJECT_ENVIRONMENT=/home/app/.venv", "UV_PROJECT_ENVIRONMENT=.env"),
    ),
    Case(
        "environment-under-mount",
        "container",
        ("container x",),
        files={"compose.yaml": None},
        facts={
            "containers": (
                DockerObject(
                    "container x",
                    "web",
                    environment=PurePosixPath("/app/.venv"),
                    mounts=(("bind", PurePosixPath("/app")),),
                ),
            )
        },
    ),
    Case("environment-under-mount", "outside"),
    Case(
        "environment-under-mount", "only-the-source", swap=(*_VENV, *change("compose.yaml", ".:/app", "./src:/app/src"))
    ),
    Case(
        "environment-in-volume",
        "without-a-name",
        ("compose.yaml:6",),
        swap=(*_VENV, *change("compose.yaml", '      - ".:/app"\n', '      - ".:/app"\n      - "/app/.venv"\n')),
    ),
    Case(
        "environment-in-volume", "named", ("compose.yaml:5",), swap=change("compose.yaml", ".:/app", "home:/home/app")
    ),
    Case("environment-in-volume", "elsewhere", swap=change("compose.yaml", ".:/app", "data:/data")),
    Case(
        "lock-mounted-alone",
        "lock",
        ("compose.yaml:6",),
        swap=change("compose.yaml", '      - ".:/app"\n', '      - ".:/app"\n      - "./uv.lock:/app/uv.lock"\n'),
    ),
    Case("lock-mounted-alone", "folder"),
    Case(
        "image-lock-differs",
        "differs",
        ("image app-web",),
        facts={"images": (DockerObject("image app-web", "web", lock=False),)},
    ),
    Case("image-lock-differs", "same", facts=WEB),
    *(
        Case(
            "needs-buildkit",
            name,
            at,
            swap=change("compose.yaml", "    build: .\n", f"    build:\n      context: .\n      {key}\n"),
            facts={"buildkit": there},
        )
        for name, key, there, at in (
            ("secrets", "secrets: [token]", False, ("compose.yaml:5",)),
            ("ssh", "ssh: [default]", False, ("compose.yaml:5",)),
            ("contexts", "additional_contexts: {base: ../base}", False, ("compose.yaml:5",)),
            ("arguments", "args: {A: b}", False, ()),
            ("there", "secrets: [token]", True, ()),
            ("not-asked", "secrets: [token]", None, ()),
        )
    ),
    Case(
        "credentials-in-file",
        "manifest",
        ("pyproject.toml:7",),
        swap=change(
            "pyproject.toml",
            "dependencies = []\n",
            'dependencies = []\n[[tool.uv.index]]\nurl = "https://me:hunter2@index.example/simple"\n',
        ),
    ),
    Case(
        "credentials-in-file",
        "lock",
        ("uv.lock:2",),
        files={
            "uv.lock": 'version = 1\nregistry = "https://me:hunter2@index.example/simple"\nx = "https://me:hunter2@index.example/a"\n'
        },
    ),
    Case(
        "credentials-in-file",
        "token",
        ("pyproject.toml:5",),
        swap=change("pyproject.toml", "[]", '["a @ git+https://ghp_hunter2@git.example/a"]'),
    ),
    Case(
        "credentials-in-file",
        "argument",
        ("Dockerfile:12",),
        swap=dockerfile(CMD, f"ARG UV_INDEX_PRIVATE_PASSWORD\n{CMD}"),
    ),
    Case(
        "credentials-in-file",
        "address-in-the-build",
        ("Dockerfile:12",),
        swap=dockerfile(CMD, f"ENV UV_INDEX_URL=https://me:hunter2@index.example/simple\n{CMD}"),
    ),
    Case(
        "credentials-in-file",
        "variables",
        swap=dockerfile(
            CMD,
            f"RUN --mount=type=secret,id=p uv sync --locked --index https://me:${{PASS}}@index.example/simple\n{CMD}",
        ),
    ),
    Case(
        "credentials-in-file", "user-only", swap=change("pyproject.toml", "[]", '["a @ git+ssh://git@git.example/a"]')
    ),
    Case(
        "credentials-in-image",
        "variable",
        ("image app-web",),
        facts={"images": (DockerObject("image app-web", "web", env={"UV_INDEX_PRIVATE_PASSWORD": "hunter2"}),)},
    ),
    Case(
        "credentials-in-image",
        "history",
        ("image app-web",),
        facts={
            "images": (
                DockerObject(
                    "image app-web", "web", history=("RUN |1 UV_INDEX_PRIVATE_PASSWORD=hunter2 /bin/sh -c uv sync",)
                ),
            )
        },
    ),
    Case(
        "credentials-in-image",
        "address",
        ("image app-web",),
        facts={
            "images": (
                DockerObject(
                    "image app-web", "web", history=("ENV UV_INDEX_URL=https://me:hunter2@index.example/simple",)
                ),
            )
        },
    ),
    Case(
        "credentials-in-image",
        "none",
        facts={"images": (DockerObject("image app-web", "web", env={"PATH": "/bin"}, history=("RUN uv sync",)),)},
    ),
]
