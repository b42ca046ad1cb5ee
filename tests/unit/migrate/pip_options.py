"""Every option of pip's documentation, with what it becomes: docs/migrate-pip-options.md is this table."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from uvdock.migrate.commands.pip import INSTEAD

OTHER = "https://index.example/simple"
LIST = "/tmp/requirements.lock"
EXPORT = f"uv export --quiet --locked --no-emit-project --no-dev --output-file {LIST}"
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


@dataclass(frozen=True)
class Command:
    """One option of `pip install`.

    Args:
        option: Its long name.
        value: What is given with it here; empty for a switch.
        locked: What it becomes in `uv sync --locked`: words at the end, a variable before it, or the whole command;
            ``None`` where the command stays and is named.
        single: The same in `uv pip install six`, for a package that is not in the lock.
        says: What else there is to say.
    """

    option: str
    value: str
    locked: str | None
    single: str | None
    says: str = ""


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
    Command("--abi", "cp313", None, None),
    Command("--all-releases", ":all:", "", "--prerelease=allow", "for one package it is named"),
    Command("--break-system-packages", "", "", "", "`uv pip` is told `--system` where it has to be"),
    Command("--build-constraint", "build.txt", None, "--build-constraints build.txt"),
    Command("--cache-dir", "cache", "", "", "uv has a cache of its own: `UV_CACHE_DIR`"),
    Command("--cert", "ca.pem", "SSL_CERT_FILE=ca.pem", "SSL_CERT_FILE=ca.pem"),
    Command("--check-build-dependencies", "", "", "", "builds are isolated"),
    Command("--client-cert", "me.pem", "SSL_CLIENT_CERT=me.pem", "SSL_CLIENT_CERT=me.pem"),
    Command("--compile", "", "--compile-bytecode", "--compile-bytecode"),
    Command("--config-settings", "a=b", "--config-setting a=b", "--config-setting a=b"),
    Command("--constraint", "base.txt", "", "--constraints base.txt", "the lock has them: `constraint-dependencies`"),
    Command("--debug", "", "", "", "uv shows its errors whole"),
    Command("--disable-pip-version-check", "", "", "", "uv does not look for newer ones"),
    Command("--dry-run", "", "--dry-run", "--dry-run"),
    Command("--editable", ".", "", "uv sync --locked --no-dev && uv pip install six", "the project"),
    Command("--exists-action", "i", "", "", "nothing is checked out beside the environment"),
    Command("--extra-index-url", OTHER, None, f"--index {OTHER}", "where the manifest has it, it goes"),
    Command("--find-links", "wheels", None, "--find-links wheels", "the lock says where from: `find-links`"),
    Command("--force-reinstall", "", "--reinstall", "--reinstall"),
    Command("--group", "dev", "uv sync --locked", "uv sync --locked --only-group dev && uv pip install six"),
    Command("--help", "", None, None),
    Command("--ignore-installed", "", "", "--reinstall", "`uv sync` installs exactly the lock"),
    Command("--ignore-requires-python", "", None, None),
    Command("--implementation", "pp", None, None),
    Command("--index-url", OTHER, None, f"--default-index {OTHER}", "where the manifest has it, it goes"),
    Command("--isolated", "", "", "", "uv reads nothing of pip's settings"),
    Command("--keyring-provider", "subprocess", "--keyring-provider subprocess", "--keyring-provider subprocess"),
    Command("--log", "log", "", "", "redirect standard error"),
    Command("--no-binary", "six", "--no-binary-package six", "--no-binary six", "`:all:` is `--no-binary`"),
    Command("--no-build-isolation", "", "--no-build-isolation", "--no-build-isolation"),
    Command("--no-cache-dir", "", "", "", "in an image, the cache is a mount"),
    Command("--no-clean", "", "", "", "uv keeps no folders of builds"),
    Command("--no-color", "", "--color=never", "--color=never"),
    Command("--no-compile", "", "--no-compile-bytecode", "--no-compile-bytecode"),
    Command("--no-deps", "", "", "--no-deps", "the lock has what is needed; `override-dependencies` mends; it is told"),
    Command("--no-index", "", None, "--no-index", "the lock says where from: `no-index`"),
    Command("--no-input", "", "", "", "uv asks nothing"),
    Command("--no-proxy-env", "", None, None),
    Command("--no-python-version-warning", "", "", "", "uv does not warn"),
    Command("--no-require-hashes", "", "", "", "the lock's hashes are always checked"),
    Command("--no-use-pep517", "", None, None),
    Command("--no-warn-conflicts", "", "", "", "a lock has no conflicts"),
    Command("--no-warn-script-location", "", "", "", "uv does not warn"),
    Command("--only-binary", ":all:", "--no-build", "--only-binary :all:", "for one package `--no-build-package`"),
    Command("--only-deps", "", None, None),
    Command("--only-final", ":all:", "", "--prerelease=disallow", "for one package it is named"),
    Command("--platform", "any", None, None),
    Command("--pre", "", "", "--prerelease=allow", "the lock has the versions"),
    Command("--prefer-binary", "", "", "", "a wheel is taken where there is one"),
    Command("--prefix", "there", f"{EXPORT} && uv pip install --prefix there --requirements {LIST}", "--prefix there",
            "in an image, `UV_PROJECT_ENVIRONMENT` where that is the same"),
    Command("--progress-bar", "off", "", "", "uv shows none where nobody looks"),
    Command("--proxy", "http://proxy:1", "ALL_PROXY=http://proxy:1", "ALL_PROXY=http://proxy:1"),
    Command("--python", "/opt/x", "UV_PROJECT_ENVIRONMENT=/opt/x", "--python /opt/x", "a mere name is named"),
    Command("--python-version", "3.12", None, None),
    Command("--quiet", "", "--quiet", "--quiet"),
    Command("--refresh-package", "six", "", "--refresh-package six", "the lock has the version"),
    Command("--report", "report.json", None, None),
    Command("--require-hashes", "", "", "--require-hashes", "the lock's hashes are always checked"),
    Command("--require-virtualenv", "", "", "", "`uv sync` always has an environment"),
    Command("--requirement", "requirements.txt", "", "uv sync --locked --no-dev && uv pip install six"),
    Command("--requirements-from-script", "a.py", None, None),
    Command("--resume-retries", "3", "", "", "see `--retries`"),
    Command("--retries", "3", "UV_HTTP_RETRIES=3", "UV_HTTP_RETRIES=3"),
    Command("--root", "there", None, None),
    Command("--root-user-action", "ignore", "", "", "uv does not warn"),
    Command("--src", "there", "", "", "git dependencies are not checked out; `uv add --editable` a clone"),
    Command("--target", "there", f"{EXPORT} && uv pip install --target there --requirements {LIST}", "--target there"),
    Command("--timeout", "30", "UV_HTTP_TIMEOUT=30", "UV_HTTP_TIMEOUT=30"),
    Command("--trusted-host", "a", "--allow-insecure-host a", "--allow-insecure-host a"),
    Command("--upgrade", "", "", "--upgrade", "an install takes the lock's versions; `uv lock --upgrade`"),
    Command("--upgrade-strategy", "eager", "", "", "`uv lock --upgrade-package` changes only what it must"),
    Command("--uploaded-prior-to", "P3D", "", "--exclude-newer P3D", "the lock has the versions; `exclude-newer`"),
    Command("--use-deprecated", "x", "", "", "pip's own"),
    Command("--use-feature", "fast-deps", "", "", "pip's own trials"),
    Command("--use-pep517", "", "", "", "uv builds in no other way"),
    Command("--user", "", "", None, "in an image, `UV_PROJECT_ENVIRONMENT` is the user's folder"),
    Command("--verbose", "", "--verbose", "--verbose"),
    Command("--version", "", None, None),
)  # fmt: skip
_HEAD = """\
# pip's options in a migration

Every option of pip's documentation, and what becomes of it. This page is written from the table that the tests go by:
each row is a requirements file or a command that is converted, and compared with what stands here.

"""


def page() -> str:
    """The page in the docs."""
    return _HEAD + "\n".join(_page())


def _page() -> Iterator[str]:
    yield "## In requirements files\n"
    yield "**Kept** by its name, **translated**, done by **uv** without being told, or **named** for you to decide.\n"
    yield from _table(IN_FILES)
    yield "\n## In requirements files of old\n"
    yield from _table(OLD)
    yield "\n## At `pip install`\n"
    yield "`pip install -r requirements.txt` becomes `uv sync --locked`, and `pip install six`, a package that is in no"
    yield "lock, `uv pip install six`. What an option becomes there; **named**: the command stays, and you are told.\n"
    yield "| Option | in `uv sync` | in `uv pip install` | |"
    yield "|---|---|---|---|"
    for case in COMMAND:
        instead = INSTEAD.get(case.option, "") if None in (case.locked, case.single) else ""
        yield f"| `{case.option}` | {_cell(case.locked)} | {_cell(case.single)} | {case.says or instead} |"
    yield ""


def _cell(made: str | None) -> str:
    return "named" if made is None else f"`{made}`" if made else "not needed"


def _table(cases: tuple[Case, ...]) -> Iterator[str]:
    yield "| Option | | In uv |"
    yield "|---|---|---|"
    for case in cases:
        yield f"| `{case.option}` | {case.fate} | {case.says} |"
