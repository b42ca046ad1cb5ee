"""What a command of pip asks for, and what becomes of each of pip's options with uv.

The options are those of pip 25 and 26 (https://pip.pypa.io/en/stable/cli/pip_install/), those of uv are those of 0.13
(https://docs.astral.sh/uv/reference/cli/).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from uvdock.formats.shell.commands import Command
from uvdock.formats.shell.words import Word

Kind = Literal["pip", "venv", "compile", "sync", "bootstrap", "setup"]

#: Options of `pip install`, and those before the verb, that say what uv does anyway or has no need of.
_DROPPED = """
    --break-system-packages --check-build-dependencies --debug --disable-pip-version-check --isolated
    --no-cache-dir --no-clean --no-input --no-python-version-warning --no-require-hashes --no-user
    --no-warn-conflicts --no-warn-script-location --prefer-binary --require-virtualenv --use-pep517 --yes
"""
_DROPPED_WITH_VALUE = """
    --allow-external --cache-dir --exists-action --log --progress-bar --resume-retries --root-user-action --src
    --upgrade-strategy --use-deprecated --use-feature
"""
#: Options that say what is installed or where.
_NAMING = "--editable --group --no-binary --only-binary --prefix --python --requirement --target --wheel-dir"
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
_LEFT_WITH_VALUE = {
    "--abi", "--global-option", "--implementation", "--install-option", "--platform", "--python-version",
    "--report", "--requirements-from-script", "--root",
}  # fmt: skip
#: Each option of pip: whether a value follows, what it becomes for `uv sync`, and for `uv pip install`. ``drop``: it
#: goes. ``left``: uv has nothing like it. ``own``: it says what is installed or where, and is read by name. What starts
#: with a dash takes its place, and what ends with an equals sign is a variable that has its value.
OPTIONS: Mapping[str, tuple[bool, str, str]] = {
    **dict.fromkeys(_DROPPED.split(), (False, "drop", "drop")),
    **dict.fromkeys(_DROPPED_WITH_VALUE.split(), (True, "drop", "drop")),
    **dict.fromkeys(_NAMING.split(), (True, "own", "own")),
    **{option: (option in _LEFT_WITH_VALUE, "left", "left") for option in INSTEAD},
    "--all-releases": (True, "drop", "own"),
    "--build-constraint": (True, "left", "--build-constraints"),
    "--cert": (True, "SSL_CERT_FILE=", "SSL_CERT_FILE="),
    "--client-cert": (True, "SSL_CLIENT_CERT=", "SSL_CLIENT_CERT="),
    "--compile": (False, "--compile-bytecode", "--compile-bytecode"),
    "--config-settings": (True, "--config-setting", "--config-setting"),
    "--constraint": (True, "own", "--constraints"),
    "--dry-run": (False, "--dry-run", "--dry-run"),
    "--extra-index-url": (True, "own", "--index"),
    "--find-links": (True, "own", "--find-links"),
    "--force-reinstall": (False, "--reinstall", "--reinstall"),
    "--ignore-installed": (False, "drop", "--reinstall"),
    "--index-url": (True, "own", "--default-index"),
    "--keyring-provider": (True, "--keyring-provider", "--keyring-provider"),
    "--no-build-isolation": (False, "--no-build-isolation", "--no-build-isolation"),
    "--no-color": (False, "--color=never", "--color=never"),
    "--no-compile": (False, "--no-compile-bytecode", "--no-compile-bytecode"),
    "--no-deps": (False, "drop", "--no-deps"),
    "--no-index": (False, "own", "--no-index"),
    "--only-final": (True, "drop", "own"),
    "--pre": (False, "drop", "--prerelease=allow"),
    "--proxy": (True, "ALL_PROXY=", "ALL_PROXY="),
    "--refresh-package": (True, "drop", "--refresh-package"),
    "--quiet": (False, "--quiet", "--quiet"),
    "--require-hashes": (False, "drop", "--require-hashes"),
    "--retries": (True, "UV_HTTP_RETRIES=", "UV_HTTP_RETRIES="),
    "--timeout": (True, "UV_HTTP_TIMEOUT=", "UV_HTTP_TIMEOUT="),
    "--trusted-host": (True, "--allow-insecure-host", "--allow-insecure-host"),
    "--upgrade": (False, "drop", "--upgrade"),
    "--uploaded-prior-to": (True, "drop", "--exclude-newer"),
    "--user": (False, "own", "own"),
    "--verbose": (False, "--verbose", "--verbose"),
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
_KINDS: Mapping[str, Kind] = {
    "venv": "venv", "virtualenv": "venv", "pyvenv": "venv", "pip-compile": "compile", "pip-sync": "sync",
    "get-pip.py": "bootstrap", "ensurepip": "bootstrap", "setup.py": "setup",
}  # fmt: skip
#: The options of venv, virtualenv and pip-compile that have a value.
_VALUED = {"-p", "--python", "--prompt", "-o", "--output-file", "-P", "--upgrade-package", "--extra", "-c", "-i"}
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
    """

    kind: Kind
    verb: str
    tool: tuple[Word, ...]
    folder: str = ""
    python: str = ""
    options: tuple[PipOption, ...] = ()
    operands: tuple[Word, ...] = ()

    def values(self, name: str) -> list[str]:
        """The values of an option."""
        return [option.value or "" for option in self.options if option.name == name]

    def has(self, name: str) -> bool:
        """Whether an option is given."""
        return any(option.name == name for option in self.options)

    @property
    def unknown(self) -> str:
        """The first option that pip does not have; empty where there is none."""
        return next((option.words[0].text for option in self.options if option.name not in OPTIONS), "")

    @property
    def dynamic(self) -> Word | None:
        """The first word whose value is only known when it runs."""
        words = [word for option in self.options for word in option.words]
        return next((word for word in (*self.operands, *words) if word.inner), None)


def read(command: Command) -> PipCommand | None:
    """What a command asks pip, venv, virtualenv, pip-tools or setup.py for; ``None`` for any other program."""
    words = list(command.words[command.lead :])
    if not words:
        return None
    name, folder = _split(words.pop(0).text)
    python = ""
    if INTERPRETER.fullmatch(name):
        python = command.program
        while words and re.fullmatch(r"-[bBdEiIOPqsSuvx]+", words[0].text):
            del words[0]
        if len(words) > 1 and words[0].text == "-m":
            name = words[1].text
            del words[:2]
        elif words and words[0].text.rpartition("/")[2] in ("get-pip.py", "setup.py"):
            name = words.pop(0).text.rpartition("/")[2]
        else:
            return None
    if name == "piptools" and words:
        name = f"pip-{words.pop(0).text}"
    kind = "pip" if _PIP.fullmatch(name) else _KINDS.get(name)
    return _call(kind, command, folder, python, words) if kind is not None else None


def _call(kind: Kind, command: Command, folder: str, python: str, words: list[Word]) -> PipCommand:
    """The call of a program, whose own name is before ``words``."""
    tool = command.words[command.lead : len(command.words) - len(words)]
    if kind == "setup":
        return PipCommand(kind, words[0].text if words else "", tool, folder, python, (), tuple(words[1:]))
    options: list[PipOption] = []
    operands: list[Word] = []
    waiting = iter(words)
    for word in waiting:
        if not word.text.startswith("-") or word.text == "-":
            operands.append(word)
        elif kind in ("pip", "sync"):
            options += _options(word, waiting)
        else:
            name, equals, value = word.text.partition("=")
            options.append(_option(name, value if equals else None, word, waiting, valued=name in _VALUED))
    verb = ""
    if kind == "pip" and operands:
        tool, verb = (*tool, operands[0]), operands.pop(0).text
    return PipCommand(kind, verb, tool, folder, python, tuple(options), tuple(operands))


def _split(program: str) -> tuple[str, str]:
    """A program's name, and the environment whose it is."""
    folder, slash, name = program.rpartition("/")
    if not slash or not (folder.endswith("/bin") or folder == "bin"):
        return name, ""
    folder = folder.removesuffix("bin").rstrip("/") or "/"
    return name, "" if folder in ("/", "/usr", "/usr/local") else folder


def _options(word: Word, waiting: Iterator[Word]) -> Iterator[PipOption]:
    """What one word says to pip: an option, or several of one letter."""
    if word.text.startswith("--"):
        name, equals, value = word.text.partition("=")
        name = _SAME.get(name, name)
        like = [known for known in OPTIONS if known.startswith(name)]
        if name not in OPTIONS and len(like) == 1 and len(name) > 4:
            name = like[0]
        yield _option(name, value if equals else None, word, waiting, valued=_is_valued(name))
        return
    letters = word.text[1:]
    while letters:
        name, letters = _SHORT.get(letters[0], f"-{letters[0]}"), letters[1:]
        if _is_valued(name):
            yield _option(name, letters.removeprefix("=") if letters else None, word, waiting, valued=True)
            return
        yield PipOption(name, None, (word,))


def _is_valued(name: str) -> bool:
    return name in OPTIONS and OPTIONS[name][0]


def _option(name: str, value: str | None, word: Word, waiting: Iterator[Word], *, valued: bool) -> PipOption:
    """An option; where its value is not in its own word, the next word is it."""
    if value is not None or not valued:
        return PipOption(name, value, (word,))
    following = next(waiting, None)
    return PipOption(name, following.text if following else "", (word, following) if following else (word,))


def takes_value(word: str) -> bool:
    """Whether the word after this one is an option's value."""
    found = list(_options(Word.of(word), iter(()))) if word.startswith("-") and len(word) > 1 else []
    return bool(found) and _is_valued(found[-1].name) and not found[-1].value


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
    every = "--no-binary" if name == "--no-binary" else "--no-build"
    words = {":all:": every, ":none:": ""}
    return " ".join(filter(None, (words.get(one, f"{every}-package {one}") for one in value.split(",") if one)))
