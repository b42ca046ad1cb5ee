"""A cooldown: how old a release must be before it is taken."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

from uvdock.errors import UvdockError

_UNITS = {"hour": timedelta(hours=1), "day": timedelta(days=1), "week": timedelta(weeks=1)}
_SPAN = re.compile(r"(?P<count>\d+)\s*(?P<unit>hour|day|week)s?")
_ISO = re.compile(r"P(?P<count>\d+)(?P<unit>[DW])")


def cutoff(text: str, now: datetime, where: str) -> datetime | None:
    """The moment after which a release is too young.

    Args:
        text: ``7 days``, ``48 hours``, ``2 weeks``, ``P7D``, or a date or moment as in ``[tool.uv] exclude-newer``;
            empty for none.
        now: The present moment.
        where: Where the text stands, for the error.

    Raises:
        UvdockError: It is none of these.
    """
    text = text.strip()
    if not text:
        return None
    try:
        if span := _SPAN.fullmatch(text.lower()):
            return now - int(span["count"]) * _UNITS[span["unit"]]
        if span := _ISO.fullmatch(text.upper()):
            return now - int(span["count"]) * _UNITS["day" if span["unit"] == "D" else "week"]
        moment = datetime.fromisoformat(text)
        if len(text) == len("2026-01-31"):
            # uv counts the whole of that day.
            moment += timedelta(days=1)
    except (ValueError, OverflowError):
        raise UvdockError(
            f"{text!r} is no cooldown",
            where=where,
            fix="give a number of hours, days or weeks (`7 days`), or a date (2026-01-31)",
            code=2,
        ) from None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
