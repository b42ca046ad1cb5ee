"""What an image is by its name, and which images the text of a Compose file mentions.

The text is only read to know which tasks make sense in a repo, before anything is run: for all else Compose
reads its files (`uvdock.engine.stack`).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence

from uvdock.errors import UvdockError

#: What the names of servers' images begin with; Valkey took the place of Redis.
POSTGRES = ("postgresql", "postgres", "postgis", "pgvector", "timescaledb", "timescale")
MYSQL = ("mysql",)
MARIADB = ("mariadb",)
REDIS = ("redis-stack-server", "redis-stack", "redis", "valkey")
#: Words in the name of an image that goes with a server and is none.
_COMPANIONS = {"admin", "backup", "client", "commander", "exporter", "insight", "pgadmin", "proxy", "sentinel", "ui"}
# What not every repo needs is a text here: making a pattern of it takes longer than all else in this module.
#: ``image: …`` in block or flow style, up to a comment or the end of the value.
_IMAGE = re.compile(r"""(?m)(?:^|[{,])[ \t]*["']?image["']?[ \t]*:[ \t]*(?P<value>[^\n]*)""")
_VARIABLE = r"\$(?:\{(?P<name>\w+)(?::?[-+?](?P<default>[^{}]*))?\}|(?P<bare>\w+))"
#: Another Compose file, as ``include:`` and ``extends:`` name them.
_FILE = r"[\w./~-]+\.ya?ml\b"
_ENV_LINE = r"""(?m)^[ \t]*(?:export[ \t]+)?(\w+)[ \t]*=[ \t]*(["']?)(.*?)\2[ \t]*$"""


def is_one_of(image: str, names: Sequence[str]) -> bool:
    """Whether the last part of an image's name is one of ``names``, or begins with one: ``postgres-alpine``.

    An image that only goes with such a server (``postgres-exporter``) is none.
    """
    last = image.partition("@")[0].rpartition("/")[2].partition(":")[0].lower()
    if not _COMPANIONS.isdisjoint(last.replace("_", "-").replace(".", "-").split("-")):
        return False
    return any(last.startswith(name) and not "a" <= last[len(name) : len(name) + 1] <= "z" for name in names)


def is_database(image: str) -> bool:
    """Whether an image is that of a database that uvdock knows; see `uvdock.services.database.dialect_of`."""
    return is_one_of(image, (*POSTGRES, *MYSQL, *MARIADB))


def is_redis(image: str) -> bool:
    """Whether an image is that of a Redis or Valkey server."""
    return is_one_of(image, REDIS)


def mentioned(text: str, variables: Mapping[str, str]) -> list[str]:
    """The images that the text of a Compose file mentions, with its variables put in."""
    values = (match["value"] for match in _IMAGE.finditer(text))
    return [_plain(value, variables) for value in values]


def other_files(text: str) -> list[str]:
    """What looks like the name of another Compose file in the text of one."""
    if "include" not in text and "extends" not in text:
        return []
    return re.findall(_FILE, text) if re.search(r"(?m)^\s*[\"']?(?:include|extends)\b", text) else []


def env_lines(text: str) -> dict[str, str]:
    """The plain variables of the text of an `.env`: enough to look for tasks, and not what Compose makes of it."""
    return {match[1]: match[3] for match in re.finditer(_ENV_LINE, text)}


def pick(services: Mapping[str, str], fits: Callable[[str], bool], wanted: str, *, what: str, where: str) -> str:
    """The service of a kind.

    Args:
        services: The image of each service.
        fits: Whether an image is of that kind.
        wanted: The service that was named; one is looked for by default.
        what: The kind, as in "which database is meant".
        where: The Compose file, for an error.

    Returns:
        The service's name.

    Raises:
        UvdockError: The one that was named is of another kind, there is none, or there are several.
    """
    found = sorted(name for name, image in services.items() if fits(image))
    if wanted and wanted not in found:
        raise UvdockError(
            f"the service {wanted} is no {what} that uvdock knows",
            where=f"{where}, its image {services.get(wanted, 'none')}",
            fix=f"name one of these: {', '.join(found)}"
            if found
            else f"its image, or what runs in it, must be a {what} server",
            code=2,
        )
    if wanted or len(found) == 1:
        return wanted or found[0]
    if not found:
        raise UvdockError(
            f"no service of the Compose file is a {what}",
            where=where,
            fix=f"name it, --service NAME, or add one whose image is that of a {what} server: postgres, mariadb, redis",
            code=2,
        )
    raise UvdockError(
        f"it is not clear which {what} is meant: {', '.join(found)}",
        where=where,
        fix=f"name one: --service {found[0]}",
        code=2,
    )


def _plain(value: str, variables: Mapping[str, str]) -> str:
    def put_in(match: re.Match[str]) -> str:
        return variables.get(match["name"] or match["bare"] or "") or match["default"] or ""

    # A default may have a variable of its own in it.
    for _ in range(3 if "$" in value else 0):
        value = re.sub(_VARIABLE, put_in, value)
    value = value.strip().strip("\"'")
    for end in ",}#":
        value = value.partition(end)[0]
    return "".join(value.split()[:1]).strip("\"'")
