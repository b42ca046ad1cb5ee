"""Every option of pip's documentation, with what it becomes: docs/migrate-pip-options.md is this table."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

Fate = Literal["kept", "translated", "uv does it", "named"]


@dataclass(frozen=True)
class Case:
    """One option.

    Args:
        option: Its long name.
        fate: What becomes of it.
        says: The same in words.
        line: A line of a requirements file that has it; empty where such files cannot.
        manifest: What the pyproject.toml has for that line.
        finding: Words of what is said about it.
    """

    option: str
    fate: Fate
    says: str
    line: str = ""
    manifest: str = ""
    finding: str = ""


#: The options that a requirements file may have (pip 26.3, "Requirements File Format").
IN_FILES = (
    Case(
        "--index-url",
        "translated",
        "`[[tool.uv.index]]` with `default = true`; credentials go into `UV_INDEX_NAME_USERNAME` and `_PASSWORD`",
        "--index-url https://one:two@index.example/simple",
        'url = "https://index.example/simple"\ndefault = true',
        "UV_INDEX_INDEX_USERNAME and UV_INDEX_INDEX_PASSWORD",
    ),
    Case(
        "--extra-index-url",
        "translated",
        "`[[tool.uv.index]]`; `explicit` with `[tool.uv.sources]` where only direct dependencies come from it",
        "--extra-index-url https://index.example/simple",
        '[[tool.uv.index]]\nname = "index"\nurl = "https://index.example/simple"\n',
    ),
    Case("--no-index", "translated", "`no-index`", "--no-index", "no-index = true"),
    Case(
        "--constraint",
        "translated",
        "`constraint-dependencies`, with comments; a compiled file as constraint is not needed any more",
        "-c constraints.txt",
        'constraint-dependencies = [\n    "click<9",  # why\n]',
    ),
    Case(
        "--requirement",
        "translated",
        "the project's dependencies, or a group with `include-group`; a file from elsewhere is taken over",
        "-r base.txt",
        '"idna"',
    ),
    Case(
        "--editable",
        "translated",
        "`[tool.uv.sources]` with `path` and `editable`, or `git`; `-e .` makes the project a package",
        "-e ./lib",
        'lib = { path = "./lib", editable = true }',
    ),
    Case(
        "--find-links",
        "translated",
        "`find-links`; a path is made relative to the project",
        "--find-links wheels",
        'find-links = ["./wheels"]',
    ),
    Case(
        "--no-binary",
        "translated",
        "`no-binary-package`; `:all:` is `no-binary`",
        "--no-binary lxml,Foo_Bar",
        'no-binary-package = [\n    "lxml",\n    "foo-bar",\n]',
    ),
    Case(
        "--only-binary",
        "translated",
        "`no-build-package`; `:all:` is `no-build`",
        "--only-binary :all:",
        "no-build = true",
    ),
    Case(
        "--prefer-binary",
        "uv does it",
        "the lock holds the version, and a wheel of it is taken where there is one",
        "--prefer-binary",
        finding="uv has no --prefer-binary",
    ),
    Case(
        "--require-hashes",
        "uv does it",
        "uv.lock has the hashes of every package, and they are always checked",
        "--require-hashes",
        finding="uv.lock holds the hashes",
    ),
    Case(
        "--no-require-hashes",
        "uv does it",
        "the lock's hashes are always checked",
        "--no-require-hashes",
        finding="uv always checks them",
    ),
    Case("--pre", "translated", '`prerelease = "allow"`', "--pre", 'prerelease = "allow"'),
    Case(
        "--all-releases",
        "translated",
        '`:all:` is `prerelease = "allow"`; for one package it is named',
        "--all-releases :all:",
        'prerelease = "allow"',
    ),
    Case(
        "--only-final",
        "translated",
        '`:all:` is `prerelease = "disallow"`; for one package it is named',
        "--only-final :all:",
        'prerelease = "disallow"',
    ),
    Case(
        "--trusted-host",
        "translated",
        "`allow-insecure-host`",
        "--trusted-host index.example",
        'allow-insecure-host = ["index.example"]',
    ),
    Case(
        "--use-feature",
        "uv does it",
        "pip's own trials; said line by line",
        "--use-feature fast-deps",
        finding="--use-feature fast-deps is not needed",
    ),
    Case(
        "--hash",
        "translated",
        "uv.lock has them; that one of the old hashes is among the new is checked",
        "six==1.16.0 --hash=sha256:1e61c37477a1626458e36f7b1d82aa5c9b094fa4802892072e49de9c60c4c926",
        '"six==1.16.0"',
    ),
    Case(
        "--config-settings",
        "translated",
        "`[tool.uv.config-settings-package]`",
        'lxml==5.1.0 --config-settings="STATIC=1"',
        'lxml = { STATIC = "1" }',
    ),
)
#: Options of old pips that files still have.
OLD = (
    Case(
        "--global-option",
        "named",
        "gone from pip since 23.1",
        "lxml==5.1.0 --global-option=--static",
        finding="--global-option has no counterpart",
    ),
    Case(
        "--install-option",
        "named",
        "gone from pip since 23.1",
        "lxml==5.1.0 --install-option=--static",
        finding="--install-option has no counterpart",
    ),
    Case(
        "--process-dependency-links",
        "named",
        "gone from pip since 19.0",
        "--process-dependency-links",
        finding="--process-dependency-links is no longer an option of pip",
    ),
)
#: The options of `pip install` that only a command has, and their counterpart in uv.
COMMAND = (
    Case("--build-constraint", "named", "`build-constraint-dependencies` in `[tool.uv]`"),
    Case("--requirements-from-script", "named", "`uv sync --script FILE`"),
    Case(
        "--no-deps", "named", "no counterpart in `uv sync`: the lock has what is needed; `override-dependencies` mends"
    ),
    Case("--only-deps", "translated", "`--no-install-project`"),
    Case("--group", "translated", "`--group`, or `--only-group`"),
    Case("--dry-run", "kept", "`uv sync --dry-run`"),
    Case("--target", "named", "`uv pip install --target`, from `uv export`; an environment of its own is simpler"),
    Case("--platform", "named", "`uv pip install --python-platform`; the lock is for all platforms"),
    Case("--python-version", "named", "`--python`; the lock is for all versions of `requires-python`"),
    Case("--implementation", "named", "`--python pypy`"),
    Case("--abi", "named", "none: uv takes the interpreter's"),
    Case("--user", "named", "none: `UV_PROJECT_ENVIRONMENT` says where the environment is"),
    Case("--root", "named", "none"),
    Case("--prefix", "translated", "`UV_PROJECT_ENVIRONMENT`, with `--inexact` where others install there too"),
    Case("--src", "named", "none: git dependencies are not checked out; `uv add --editable` a clone"),
    Case("--upgrade", "translated", "`uv lock --upgrade`; an install takes the lock's versions"),
    Case("--upgrade-strategy", "uv does it", "`uv lock --upgrade-package` changes only what it must"),
    Case("--force-reinstall", "translated", "`--reinstall`"),
    Case("--ignore-installed", "translated", "`--reinstall`"),
    Case("--ignore-requires-python", "named", "none: `override-dependencies` for a wrong bound"),
    Case("--no-build-isolation", "kept", "`no-build-isolation`, or `no-build-isolation-package` in `[tool.uv]`"),
    Case("--check-build-dependencies", "uv does it", "builds are isolated"),
    Case("--break-system-packages", "uv does it", "not needed: the environment is the project's own"),
    Case("--compile", "translated", "`--compile-bytecode`, or `UV_COMPILE_BYTECODE=1`"),
    Case("--no-compile", "uv does it", "uv compiles nothing unless told"),
    Case("--no-warn-script-location", "uv does it", "uv does not warn"),
    Case("--no-warn-conflicts", "uv does it", "a lock has no conflicts"),
    Case("--progress-bar", "translated", "`off` is `--no-progress`"),
    Case("--root-user-action", "uv does it", "uv does not warn"),
    Case("--report", "named", "none: `uv.lock` and `uv export` say what is installed"),
    Case("--no-clean", "named", "none"),
    Case("--refresh-package", "kept", "`--refresh-package`"),
    Case("--uploaded-prior-to", "translated", "`exclude-newer` in `[tool.uv]`"),
    Case("--help", "kept", "`--help`"),
    Case("--debug", "translated", "`-vv`"),
    Case("--isolated", "translated", "`--no-config`"),
    Case("--require-virtualenv", "uv does it", "`uv sync` always has an environment"),
    Case("--python", "kept", "`--python`"),
    Case("--verbose", "kept", "`-v`"),
    Case("--version", "kept", "`uv --version`"),
    Case("--quiet", "kept", "`-q`"),
    Case("--log", "named", "none: redirect standard error"),
    Case("--no-input", "uv does it", "uv asks nothing"),
    Case("--keyring-provider", "kept", "`keyring-provider`"),
    Case("--proxy", "translated", "`HTTPS_PROXY`"),
    Case("--no-proxy-env", "named", "unset the variables"),
    Case("--retries", "translated", "`UV_HTTP_RETRIES`"),
    Case("--resume-retries", "translated", "`UV_HTTP_RETRIES`"),
    Case("--timeout", "translated", "`UV_HTTP_TIMEOUT`"),
    Case("--exists-action", "named", "none: nothing is checked out beside the environment"),
    Case("--cert", "translated", "`SSL_CERT_FILE`"),
    Case("--client-cert", "translated", "`SSL_CLIENT_CERT`"),
    Case("--cache-dir", "kept", "`--cache-dir`, or `UV_CACHE_DIR`"),
    Case("--no-cache-dir", "translated", "`--no-cache`; in an image, a cache mount"),
    Case("--disable-pip-version-check", "uv does it", "uv does not look for newer ones"),
    Case("--no-color", "translated", "`--color never`"),
    Case("--use-deprecated", "named", "pip's own"),
    Case("--no-python-version-warning", "uv does it", "uv does not warn"),
    Case("--use-pep517", "uv does it", "uv builds in no other way"),
    Case("--no-use-pep517", "named", "none"),
)
_HEAD = """\
# pip's options in a migration

Every option of pip's documentation, and what becomes of it: **kept** under its name, **translated**, done by **uv**
without being told, or **named** for you to decide. This page is written from the table that the tests go by.

"""


def page() -> str:
    """The page in the docs."""
    return _HEAD + "\n".join(_page())


def _page() -> Iterator[str]:
    yield "## In requirements files\n"
    yield from _table(IN_FILES)
    yield "\n## In requirements files of old\n"
    yield from _table(OLD)
    yield "\n## Only at `pip install`\n"
    yield "What a command has instead in uv. The options above have the same meaning there.\n"
    yield from _table(COMMAND)
    yield ""


def _table(cases: tuple[Case, ...]) -> Iterator[str]:
    yield "| Option | | In uv |"
    yield "|---|---|---|"
    for case in cases:
        yield f"| `{case.option}` | {case.fate} | {case.says} |"
