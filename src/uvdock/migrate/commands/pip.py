"""What a command of pip asks for, and what becomes of each of pip's options with uv.

The options are those of pip 25 and 26 (https://pip.pypa.io/en/stable/cli/pip_install/), those of uv are those of 0.13
(https://docs.astral.sh/uv/reference/cli/).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from uvdock.formats.shell.commands import Command
from uvdock.formats.shell.words import Word

Kind = Literal["pip", "venv", "compile", "sync", "bootstrap", "setup"]

#: Each option of `pip install` (and those before the verb): whether a value follows, what it becomes for `uv sync`,
#: and for `uv pip install`. ``drop``: uv does so anyway, or needs it not. ``left``: uv has nothing like it. ``own``: it
#: says what is installed or where, and is read by `PipCommand`. What starts with a dash takes its place, and what ends
#: with an equals sign is a variable that has its value.
OPTIONS: Mapping[str, tuple[bool, str, str]] = {
    "--abi": (True, "left", "left"),
    "--all-releases": (True, "drop", "own"),
    "--allow-external": (True, "drop", "drop"),
    "--break-system-packages": (False, "drop", "drop"),
    "--build-constraint": (True, "left", "--build-constraints"),
    "--cache-dir": (True, "drop", "drop"),
    "--cert": (True, "SSL_CERT_FILE=", "SSL_CERT_FILE="),
    "--check-build-dependencies": (False, "drop", "drop"),
    "--client-cert": (True, "SSL_CLIENT_CERT=", "SSL_CLIENT_CERT="),
    "--compile": (False, "--compile-bytecode", "--compile-bytecode"),
    "--config-settings": (True, "--config-setting", "--config-setting"),
    "--constraint": (True, "own", "--constraints"),
    "--debug": (False, "drop", "drop"),
    "--disable-pip-version-check": (False, "drop", "drop"),
    "--dry-run": (False, "--dry-run", "--dry-run"),
    "--editable": (True, "own", "own"),
    "--exists-action": (True, "drop", "drop"),
    "--extra-index-url": (True, "own", "--index"),
    "--find-links": (True, "own", "--find-links"),
    "--force-reinstall": (False, "--reinstall", "--reinstall"),
    "--global-option": (True, "left", "left"),
    "--group": (True, "own", "own"),
    "--help": (False, "left", "left"),
    "--ignore-installed": (False, "drop", "--reinstall"),
    "--ignore-requires-python": (False, "left", "left"),
    "--implementation": (True, "left", "left"),
    "--index-url": (True, "own", "--default-index"),
    "--install-option": (True, "left", "left"),
    "--isolated": (False, "drop", "drop"),
    "--keyring-provider": (True, "--keyring-provider", "--keyring-provider"),
    "--log": (True, "drop", "drop"),
    "--no-binary": (True, "own", "own"),
    "--no-build-isolation": (False, "--no-build-isolation", "--no-build-isolation"),
    "--no-cache-dir": (False, "drop", "drop"),
    "--no-clean": (False, "drop", "drop"),
    "--no-color": (False, "--color=never", "--color=never"),
    "--no-compile": (False, "--no-compile-bytecode", "--no-compile-bytecode"),
    "--no-deps": (False, "drop", "--no-deps"),
    "--no-index": (False, "own", "--no-index"),
    "--no-input": (False, "drop", "drop"),
    "--no-python-version-warning": (False, "drop", "drop"),
    "--no-use-pep517": (False, "left", "left"),
    "--no-user": (False, "drop", "drop"),
    "--no-warn-conflicts": (False, "drop", "drop"),
    "--no-warn-script-location": (False, "drop", "drop"),
    "--only-binary": (True, "own", "own"),
    "--only-final": (True, "drop", "own"),
    "--platform": (True, "left", "left"),
    "--pre": (False, "drop", "--prerelease=allow"),
    "--prefer-binary": (False, "drop", "drop"),
    "--prefix": (True, "own", "own"),
    "--process-dependency-links": (False, "left", "left"),
    "--progress-bar": (True, "drop", "drop"),
    "--proxy": (True, "ALL_PROXY=", "ALL_PROXY="),
    "--no-proxy-env": (False, "left", "left"),
    "--only-deps": (False, "left", "left"),
    "--refresh-package": (True, "drop", "--refresh-package"),
    "--no-require-hashes": (False, "drop", "drop"),
    "--python": (True, "own", "own"),
    "--python-version": (True, "left", "left"),
    "--quiet": (False, "--quiet", "--quiet"),
    "--report": (True, "left", "left"),
    "--require-hashes": (False, "drop", "--require-hashes"),
    "--require-virtualenv": (False, "drop", "drop"),
    "--requirement": (True, "own", "own"),
    "--requirements-from-script": (True, "left", "left"),
    "--resume-retries": (True, "drop", "drop"),
    "--retries": (True, "UV_HTTP_RETRIES=", "UV_HTTP_RETRIES="),
    "--root": (True, "left", "left"),
    "--root-user-action": (True, "drop", "drop"),
    "--src": (True, "drop", "drop"),
    "--target": (True, "own", "own"),
    "--timeout": (True, "UV_HTTP_TIMEOUT=", "UV_HTTP_TIMEOUT="),
    "--trusted-host": (True, "--allow-insecure-host", "--allow-insecure-host"),
    "--upgrade": (False, "drop", "--upgrade"),
    "--upgrade-strategy": (True, "drop", "drop"),
    "--uploaded-prior-to": (True, "drop", "--exclude-newer"),
    "--use-deprecated": (True, "drop", "drop"),
    "--use-feature": (True, "drop", "drop"),
    "--use-pep517": (False, "drop", "drop"),
    "--user": (False, "own", "own"),
    "--verbose": (False, "--verbose", "--verbose"),
    "--version": (False, "left", "left"),
    "--wheel-dir": (True, "own", "own"),
    "--yes": (False, "drop", "drop"),
}

#: What to write instead of an option that uv has nothing like.
INSTEAD: Mapping[str, str] = {
    "--abi": "without it: uv takes what fits the interpreter",
    "--all-releases": "`prerelease` in `[tool.uv]`, or a bound that is a pre-release itself",
    "--build-constraint": "`build-constraint-dependencies` in `[tool.uv]`, and `uv lock`",
    "--global-option": "`config-settings` in `[tool.uv]`",
    "--help": "`uv sync --help`",
    "--ignore-requires-python": "`override-dependencies` in `[tool.uv]`, where a package's own bound is wrong",
    "--implementation": "`--python pypy`",
    "--install-option": "`config-settings` in `[tool.uv]`",
    "--no-proxy-env": "without ALL_PROXY, HTTPS_PROXY and HTTP_PROXY",
    "--no-use-pep517": "without it: uv builds every package by its own build system",
    "--only-deps": "`uv sync --no-install-project`",
    "--only-final": "`prerelease` in `[tool.uv]`",
    "--platform": "`uv pip install --python-platform`",
    "--process-dependency-links": "`[tool.uv.sources]`",
    "--python-version": "`uv pip install --python-version`",
    "--report": "`uv export`, or `uv pip list --format json`",
    "--requirements-from-script": "`uv sync --script FILE`",
    "--root": "`uv pip install --prefix` or `--target`",
    "--version": "`uv --version`",
}


def meaning(option: str, *, locked: bool) -> str:
    """What an option becomes for `uv sync` (``locked``) or `uv pip install`."""
    _, synced, installed = OPTIONS[option]
    return synced if locked else installed


_RELEASES = {"--all-releases": "--prerelease=allow", "--only-final": "--prerelease=disallow"}
_SAME = {"--pypi-url": "--index-url", "--default-timeout": "--timeout", "--source": "--src", "--source-dir": "--src"}
_SHORT = {
    "b": "--build-constraint", "c": "--constraint", "C": "--config-settings", "e": "--editable", "f": "--find-links",
    "h": "--help", "i": "--index-url", "I": "--ignore-installed", "q": "--quiet", "r": "--requirement", "t": "--target",
    "U": "--upgrade", "v": "--verbose", "V": "--version", "w": "--wheel-dir", "y": "--yes",
}  # fmt: skip
_PIP = re.compile(r"pip[\d.]*")
#: The name of an interpreter, which is not where it is.
INTERPRETER = re.compile(r"(?:python|pypy)[\d.]*")
#: Packages by which packages are installed: uv needs none of them.
INSTALLERS = {"pip", "setuptools", "wheel", "pip-tools", "virtualenv", "uv"}


@dataclass(frozen=True)
class PipOption:
    """One option as it is given: its full name, its value, and the words that say it."""

    name: str
    value: str | None
    words: tuple[Word, ...]
    dynamic: bool = False

    @property
    def raw(self) -> str:
        """The value as it is written, with its quotes."""
        if len(self.words) > 1:
            return self.words[-1].raw
        value = self.value or ""
        return value if re.fullmatch(r"[\w@%+=:,./~-]*", value) else f'"{value}"'


@dataclass(frozen=True)
class PipCommand:
    """One command of pip, venv, virtualenv, pip-tools or setup.py.

    Args:
        kind: Of which program.
        verb: What is asked for: ``install``; the option for ``setup``; empty otherwise.
        tool: The words that name the program and the verb.
        folder: The environment whose program it is, as written: ``/opt/venv`` for ``/opt/venv/bin/pip``.
        python: The interpreter, as written, where one is named.
        options: The options, in order.
        operands: The words that are no options.
        unknown: Options that pip does not have.
    """

    kind: Kind
    verb: str
    tool: tuple[Word, ...]
    folder: str = ""
    python: str = ""
    options: tuple[PipOption, ...] = ()
    operands: tuple[Word, ...] = ()
    unknown: tuple[str, ...] = field(default=())

    def values(self, name: str) -> list[str]:
        """The values of an option."""
        return [option.value or "" for option in self.options if option.name == name]

    def has(self, name: str) -> bool:
        """Whether an option is given."""
        return any(option.name == name for option in self.options)

    @property
    def dynamic(self) -> Word | None:
        """The first word whose value is only known when it runs."""
        words = [word for option in self.options for word in option.words]
        return next((word for word in (*self.operands, *words) if word.inner), None)


def read(command: Command) -> PipCommand | None:
    """What a command asks pip, venv, virtualenv, pip-tools or setup.py for; ``None`` for any other program."""
    words = command.words[command.lead :]
    if not words:
        return None
    name, folder = _split(words[0].text)
    rest, tool, python = list(words[1:]), [words[0]], ""
    if INTERPRETER.fullmatch(name):
        python = words[0].text
        while rest and re.fullmatch(r"-[bBdEiIOPqsSuvx]+", rest[0].text):
            tool.append(rest.pop(0))
        if not rest:
            return None
        if rest[0].text == "-m" and len(rest) > 1:
            name = rest[1].text
            tool += rest[:2]
            rest = rest[2:]
        elif rest[0].text.rpartition("/")[2] in ("get-pip.py", "setup.py"):
            name = rest[0].text.rpartition("/")[2]
            tool.append(rest.pop(0))
        else:
            return None
    return _call(name, folder, python, tool, rest)


def _call(name: str, folder: str, python: str, tool: list[Word], rest: list[Word]) -> PipCommand | None:
    if _PIP.fullmatch(name) or (python and name == "pip"):
        return _pip(folder, python, tool, rest)
    if name in ("venv", "virtualenv", "pyvenv"):
        return _other("venv", folder, python, tool, rest)
    if name == "piptools" and rest:
        name = f"pip-{rest[0].text}"
        tool.append(rest.pop(0))
    if name in ("pip-compile", "pip-sync"):
        return _other("compile" if name == "pip-compile" else "sync", folder, python, tool, rest)
    if name in ("get-pip.py", "ensurepip"):
        return _other("bootstrap", folder, python, tool, rest)
    if name == "setup.py":
        verb = rest[0].text if rest else ""
        return PipCommand("setup", verb, tuple(tool), folder, python, (), tuple(rest[1:]))
    return None


def _split(program: str) -> tuple[str, str]:
    """A program's name, and the environment whose it is."""
    folder, slash, name = program.rpartition("/")
    if not slash or not (folder.endswith("/bin") or folder == "bin"):
        return name, ""
    folder = folder.removesuffix("bin").rstrip("/") or "/"
    return name, "" if folder in ("/", "/usr", "/usr/local") else folder


def _pip(folder: str, python: str, tool: list[Word], rest: Sequence[Word]) -> PipCommand:
    options: list[PipOption] = []
    operands: list[Word] = []
    unknown: list[str] = []
    waiting = iter(rest)
    for word in waiting:
        if word.text.startswith("-") and len(word.text) > 1:
            found = list(_options(word, waiting))
            options += found
            unknown += [option.words[0].text for option in found if option.name not in OPTIONS]
        else:
            operands.append(word)
    verb = ""
    if operands:
        first = operands.pop(0)
        verb = first.text
        tool = [*tool, first]
    return PipCommand("pip", verb, tuple(tool), folder, python, tuple(options), tuple(operands), tuple(unknown))


def _options(word: Word, waiting: Iterator[Word]) -> Iterator[PipOption]:
    if word.text.startswith("--"):
        name, equals, value = word.text.partition("=")
        full = _SAME.get(name, name)
        if full not in OPTIONS:
            like = [known for known in OPTIONS if known.startswith(full)]
            full = like[0] if len(like) == 1 and len(full) > 4 else full
        if equals or full not in OPTIONS or not OPTIONS[full][0]:
            yield PipOption(full, value if equals else None, (word,), word.dynamic)
        else:
            yield _with_value(full, word, waiting)
        return
    letters = word.text[1:]
    while letters:
        full = _SHORT.get(letters[0], f"-{letters[0]}")
        letters = letters[1:]
        if full in OPTIONS and OPTIONS[full][0]:
            if letters:
                yield PipOption(full, letters.removeprefix("="), (word,), word.dynamic)
            else:
                yield _with_value(full, word, waiting)
            return
        yield PipOption(full, None, (word,), word.dynamic)


def _with_value(name: str, word: Word, waiting: Iterator[Word]) -> PipOption:
    value = next(waiting, None)
    if value is None:
        return PipOption(name, "", (word,))
    return PipOption(name, value.text, (word, value), value.dynamic)


def _other(kind: Kind, folder: str, python: str, tool: list[Word], rest: Sequence[Word]) -> PipCommand:
    """The call of a program whose options are few: those with a value are known by name."""
    valued = {"-p", "--python", "--prompt", "-o", "--output-file", "-P", "--upgrade-package", "--extra", "-c", "-i"}
    options: list[PipOption] = []
    operands: list[Word] = []
    waiting = iter(rest)
    for word in waiting:
        if not word.text.startswith("-") or word.text == "-":
            operands.append(word)
            continue
        name, equals, value = word.text.partition("=")
        if name in valued and not equals:
            options.append(_with_value(name, word, waiting))
        else:
            options.append(PipOption(name, value if equals else None, (word,)))
    return PipCommand(kind, "", tuple(tool), folder, python, tuple(options), tuple(operands))


def takes_value(word: str) -> bool:
    """Whether the word after this one is an option's value."""
    found = list(_options(Word.of(word), iter(()))) if word.startswith("-") and len(word) > 1 else []
    return bool(found) and found[-1].name in OPTIONS and OPTIONS[found[-1].name][0] and not found[-1].value


def spelled(option: PipOption, *, locked: bool) -> str:
    """An option as `uv sync` (``locked``) or `uv pip install` has it; nothing for one that goes."""
    made = meaning(option.name, locked=locked)
    value = option.raw
    if made == "own":
        if option.name in ("--no-binary", "--only-binary"):
            return _binary(option.name, option.value or "", locked=locked)
        if not locked and option.name == "--editable":
            return f"--editable {value}"
        if not locked and option.name in _RELEASES and option.value == ":all:":
            return _RELEASES[option.name]
        return ""
    if not made.startswith("-"):
        return ""
    return f"{made} {value}" if OPTIONS[option.name][0] and "=" not in made else made


def variables(options: Sequence[PipOption], *, locked: bool) -> list[str]:
    """The options that uv takes from variables, as a shell sets them for one command."""
    found = [(meaning(one.name, locked=locked), one.raw) for one in options]
    return [f"{name}{value}" for name, value in dict(found).items() if name.endswith("=")]


def _binary(name: str, value: str, *, locked: bool) -> str:
    if not locked:
        return f"{name} {value}"
    one, all_ = (
        ("--no-binary-package", "--no-binary") if name == "--no-binary" else ("--no-build-package", "--no-build")
    )
    words = []
    for part in filter(None, value.split(",")):
        words += [all_] if part == ":all:" else [] if part == ":none:" else [f"{one} {part}"]
    return " ".join(words)
