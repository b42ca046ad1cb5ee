"""What later steps of a Dockerfile say of earlier ones: wheels for another stage, environments that uv makes."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from uvdock.formats.dockerfile.stages import Dockerfile, Step
from uvdock.formats.dockerfile.users import home
from uvdock.formats.shell.commands import Command, UnreadableError, commands
from uvdock.formats.shell.words import Dialect
from uvdock.migrate.commands import pip
from uvdock.migrate.commands.context import UNKNOWN
from uvdock.migrate.commands.pip import INSTALLERS, PipCommand
from uvdock.migrate.converters.dockerfile.layout import absolute, is_python
from uvdock.migrate.model import RepoFacts

#: Where an environment goes that takes the place of a folder of wheels.
WHEEL_ENVIRONMENT = "/opt/venv"


@dataclass
class Ahead:
    """What is known before the first step is converted.

    Args:
        wheel_environment: By the number of a stage: where its wheels become an environment.
        wheels: By the same: the folders of wheels that are no more.
        wheel_copies: The steps that bring wheels: what they copy from (a stage's name), and whether by a mount.
        user_target: By the same: where its user folder is in the image that is run.
        user_copies: The steps that copy a user folder somewhere else: from, to.
        whole_bin: The stages whose /usr/local/bin is copied whole.
    """

    wheel_environment: dict[int, str] = field(default_factory=dict)
    wheels: dict[int, set[str]] = field(default_factory=dict)
    wheel_copies: dict[int, str] = field(default_factory=dict)
    user_target: dict[int, str] = field(default_factory=dict)
    user_copies: dict[int, tuple[str, str]] = field(default_factory=dict)
    whole_bin: set[int] = field(default_factory=set)


def environment(item: Step, venvs: list[str]) -> str:
    """Where pip installs to at a step when it is not told."""
    known = [*venvs, item.env.get("VIRTUAL_ENV", "")]
    for part in item.env.get("PATH", "").split(":"):
        found = absolute(item, part) if part and part not in ("$PATH", "${PATH}") else None
        if found is not None and found.name == "bin" and str(found.parent) in known:
            return str(found.parent)
    if not item.is_root or item.is_on("PIP_USER"):
        return user_environment(item)
    return "/usr/local" if is_python(item.stage) else "system"


def user_environment(item: Step) -> str:
    """Where `pip install --user` installs to."""
    found = home(item)
    return f"{found}/.local" if found else UNKNOWN


def managed(source: Dockerfile, item: Step, facts: RepoFacts) -> bool:
    """Whether Poetry and Pipenv make an environment of their own: they do unless they are told not to."""
    env = item.env
    if env.get("PIPENV_SYSTEM") or env.get("POETRY_VIRTUALENVS_CREATE", "").lower() in ("false", "0"):
        return False
    told = re.compile(r"virtualenvs\.create\s+false")
    mine = {step.number for step in item.stage.lineage}
    before = [one for one in source.items if one.number <= item.number and one.number in mine]
    if any(told.search(one.body.text) for one in before):
        return False
    inside = re.compile(r"^\s*create\s*=\s*false", re.MULTILINE)
    return not any(path.name == "poetry.toml" and inside.search(text) for path, text in facts.files.items())


def texts(item: Step) -> str:
    """The shell text of a RUN; nothing for any other instruction and the exec form."""
    if item.verb != "RUN" or item.body.text.startswith("["):
        return ""
    return item.document.text if item.document else item.body.text


def calls(item: Step, dialect: Dialect) -> Iterator[tuple[Command, PipCommand | None]]:
    """The commands of a RUN and what they ask pip for."""
    inner = Dialect(docker=item.document is None, escape=dialect.escape)
    try:
        found = commands(texts(item), inner)
    except UnreadableError:
        return
    for command in found:
        yield command, pip.read(command)


def look(source: Dockerfile) -> Ahead:
    """Look at all steps of a Dockerfile once."""
    ahead = Ahead()
    for item in source.items:
        _wheels(source, item, ahead)
    for item in source.items:
        copied = item.copies if item.verb in ("COPY", "ADD") else None
        origin = source.stage(copied[0]) if copied else None
        if copied is None or origin is None:
            continue
        target = absolute(item, copied[2])
        for name in copied[1]:
            if name.rstrip("/") in ("/usr/local", "/usr/local/bin", "/usr", "/"):
                ahead.whole_bin.add(origin.number)
            if not name.rstrip("/").endswith("/.local") or target is None:
                continue
            there = str(target)
            homes = {user_environment(one) for one in source.items if one.stage is origin}
            if name.rstrip("/") in homes and there != name.rstrip("/"):
                ahead.user_target.setdefault(origin.number, there)
                ahead.user_copies[item.number] = (name, there)
    return ahead


def _wheels(source: Dockerfile, item: Step, ahead: Ahead) -> None:
    for _, call in calls(item, source.dialect):
        folder = _wheel_folder(item, call)
        if folder is None:
            continue
        for other in source.items:
            if other.number < item.number:
                continue
            for copied, there in _arrivals(source, item, other, folder):
                if any(_installs_from(source, one, there) for one in source.items if one.stage is other.stage):
                    inside = other.stage is item.stage
                    ahead.wheels.setdefault(other.stage.number, set()).add(there)
                    # In one stage the wheels are not needed at all: what they install is synced.
                    ahead.wheel_environment[item.stage.number] = "" if inside else WHEEL_ENVIRONMENT
                    if copied:
                        ahead.wheel_copies[other.number] = copied
        if ahead.wheel_environment.get(item.stage.number) == "":
            ahead.wheel_environment[item.stage.number] = environment(item, [])


def _wheel_folder(item: Step, call: PipCommand | None) -> str | None:
    if call is None or call.verb != "wheel":
        return None
    made = absolute(item, (call.values("--wheel-dir") or ["."])[-1])
    return str(made) if made is not None else None


def _arrivals(source: Dockerfile, item: Step, other: Step, folder: str) -> Iterator[tuple[str, str]]:
    """The ways by which a stage has a folder of wheels: the stage's name it is copied from, and where it is then."""
    if other.number == item.number or (other.stage is item.stage and other.verb == "RUN"):
        yield "", folder
    copied = other.copies if other.verb == "COPY" else None
    if copied is not None and source.stage(copied[0]) is item.stage:
        target = absolute(other, copied[2])
        if target is not None and [name.rstrip("/") for name in copied[1]] == [folder]:
            yield copied[0], str(target)
    for mount in other.mounts if other.verb == "RUN" else ():
        name = mount.get("from", "")
        if source.stage(name) is item.stage and (mount["source"]) == folder:
            yield name, mount["target"]


def _installs_from(source: Dockerfile, item: Step, folder: str) -> bool:
    for _, call in calls(item, source.dialect):
        if call is None or call.verb != "install":
            continue
        linked = [value.rstrip("/") for value in call.values("--find-links")]
        if folder in linked or any(word.text.rpartition("/")[0] == folder for word in call.operands):
            return True
    return False


def sync_follows(source: Dockerfile, item: Step, at: int, folder: str, venvs: list[str]) -> bool:
    """Whether the next thing that is done with an environment, made by the ``at``-th command of a RUN, is a sync."""
    for one in source.items[source.items.index(item) :]:
        if one.stage is not item.stage:
            return False
        if one.verb in ("COPY", "ADD") and folder in one.body.text:
            return False
        if one.verb != "RUN":
            continue
        found = list(calls(one, source.dialect))
        if not found or one.user != item.user:
            return False
        answer = _first_use(one, found[at + 1 :] if one is item else found, folder, venvs)
        if answer is not None:
            return answer
    return False


def _first_use(
    item: Step, found: list[tuple[Command, PipCommand | None]], folder: str, venvs: list[str]
) -> bool | None:
    current = environment(item, [*venvs, folder])
    for at, (command, call) in enumerate(found):
        if command.inside:
            return False
        if command.name in (".", "source") and _is(item, command.words[-1].text.removesuffix("/bin/activate"), folder):
            # It goes with what follows, where nothing but installs follows.
            rest = [one for _, one in found[at + 1 :]]
            if not rest or not all(one is not None and one.verb == "install" for one in rest):
                return False
            current = folder
        elif call is None and _touches(item, command, folder, current):
            return False
        elif call is not None and _is(item, call.folder or current, folder) and (answer := _made_by(call)) is not None:
            return answer
    return None


def _touches(item: Step, command: Command, folder: str, current: str) -> bool:
    words = [word.text for word in command.words]
    named = any(folder in word or _is(item, word.partition("/bin/")[0], folder) for word in words)
    return named or (current == folder and bool(re.match(r"python|pip", command.name)))


def _made_by(call: PipCommand) -> bool | None:
    """Whether a command on an environment is a sync that makes it; ``None`` for one that goes."""
    names = {re.split(r"[\[<>=!~]", word.text, maxsplit=1)[0].lower() for word in call.operands}
    locked = call.has("--requirement") or call.has("--editable") or "." in names
    if call.verb != "install" or (not locked and not names <= INSTALLERS):
        return False
    return names <= {*INSTALLERS, "."} if locked else None


def _is(item: Step, name: str, folder: str) -> bool:
    found = absolute(item, name) if name else None
    return found is not None and str(found) == folder
