"""`docker compose exec` and `run` in a shell text: in which service something runs, and what."""

from __future__ import annotations

from uvdock.formats.shell.commands import Command
from uvdock.formats.shell.words import Word

#: Options that take a value, of `docker compose` itself and of its `exec` and `run`
#: (https://docs.docker.com/reference/cli/docker/compose/).
_VALUED = {
    *("-f", "--file", "-p", "--project-name", "--profile", "--env-file", "--project-directory", "--progress", "--ansi"),
    *("--parallel", "-e", "--env", "-u", "--user", "--index", "-v", "--volume", "-p", "--publish", "--name", "-l"),
    *("--label", "--pull", "--cap-add", "--cap-drop", "--env-from-file"),
}
#: With one of these, what runs is not where the image says.
_ELSEWHERE = {"-w", "--workdir", "--entrypoint"}


def read(command: Command) -> tuple[str, tuple[Word, ...]] | None:
    """The service in which a command runs something, and the words that run there.

    Returns:
        ``None`` for any other command, and where it cannot be told.
    """
    words = list(command.words[command.lead :])
    if not words:
        return None
    if words[0].text in ("docker", "podman") and len(words) > 1 and words[1].text == "compose":
        del words[0]
    elif words[0].text not in ("docker-compose", "podman-compose"):
        return None
    rest = _operands(words[1:])
    if not rest or rest[0].text not in ("exec", "run"):
        return None
    rest = _operands(rest[1:])
    if len(rest) < 2 or rest[0].dynamic or "$" in rest[0].text:
        return None
    return rest[0].text, tuple(rest[1:])


def _operands(words: list[Word]) -> list[Word]:
    """The words from the first that is no option; none where an option moves what runs."""
    at = 0
    while at < len(words) and words[at].text.startswith("-"):
        name, equals, _ = words[at].text.partition("=")
        if name in _ELSEWHERE:
            return []
        at += 2 if name in _VALUED and not equals else 1
    return words[at:]
