"""The user of a step: its home and its numbers, by the commands that made it."""

from __future__ import annotations

import re

from uvdock.formats.dockerfile.stages import Stage, Step
from uvdock.formats.image import name_of

#: Images whose first new user gets the number 1000.
_PLAIN = ("python", "debian", "buildpack-deps", "alpine")


def home(step: Step) -> str | None:
    """The home of a step's user; ``None`` where it cannot be told."""
    if step.env.get("HOME"):
        return step.env["HOME"]
    if step.is_root:
        return "/root"
    name, made = step.user.partition(":")[0], _user(step)
    if made is not None:
        for option in ("-d", "--home-dir", "--home"):
            if made[1].get(option):
                return made[1][option]
        name = made[0]
    return None if name.isdigit() or "$" in name else f"/home/{name}"


def ids(step: Step) -> tuple[str, str] | None:
    """The numbers of a step's user and group; ``None`` where they cannot be told."""
    name, _, group = step.user.partition(":")
    made = _user(step)
    number = name if name.isdigit() else ""
    if made is not None and not number:
        given = made[1].get("-u") or made[1].get("--uid") or ""
        system = {"-r", "--system", "-S"} & made[1].keys()
        plain = name_of(step.stage.root.image) in _PLAIN
        number = given or ("1000" if plain and not system and made[2] else "")
    if not number:
        return None
    return number, group if group.isdigit() else _group(step.stage, made, number)


def _group(stage: Stage, made: tuple[str, dict[str, str], bool] | None, number: str) -> str:
    given = (made[1].get("-g") or made[1].get("--gid") or made[1].get("-G") or made[1].get("--ingroup")) if made else ""
    if not given or given.isdigit() or given.startswith("$"):
        return given or number
    for step in stage.lineage:
        for command in step.invocations if step.verb == "RUN" else ():
            if command.program in ("groupadd", "addgroup") and given in command.arguments:
                return command.value("--gid") or command.value("-g") or number
    return number


def _user(step: Step) -> tuple[str, dict[str, str], bool] | None:
    """The command that made the user: the name, the options, and whether it is the first user that is made."""
    name, first = step.user.partition(":")[0], True
    for one in step.stage.lineage:
        for command in one.invocations if one.verb == "RUN" else ():
            if command.program not in ("useradd", "adduser"):
                continue
            words = command.arguments
            options = {word.partition("=")[0]: word.partition("=")[2] for word in words if word.startswith("-")}
            options = {key: value or command.value(key) or "" for key, value in options.items()}
            for word in words:
                if re.fullmatch(r"-[a-zA-Z]{2,}", word):
                    options.update((f"-{letter}", options[word] if letter == word[-1] else "") for letter in word[1:])
            number = options.get("-u") or options.get("--uid")
            if name in words or (name.isdigit() and number == name):
                login = name if not name.isdigit() else words[-1]
                return login, options, first
            first = first and bool(number)
    return None
