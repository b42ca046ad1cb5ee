"""A cooldown as people write it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from uvdock.deps.cooldown import cutoff
from uvdock.errors import UvdockError

NOW = datetime(2026, 3, 10, 12, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("7 days", NOW - timedelta(days=7)),
        ("1 day", NOW - timedelta(days=1)),
        (" 2 Weeks ", NOW - timedelta(days=14)),
        ("48hours", NOW - timedelta(hours=48)),
        ("0 days", NOW),
        ("P7D", NOW - timedelta(days=7)),
        ("p2w", NOW - timedelta(days=14)),
        ("2026-01-31", datetime(2026, 2, 1, tzinfo=UTC)),
        ("2026-01-31T10:00:00Z", datetime(2026, 1, 31, 10, tzinfo=UTC)),
        ("2026-01-31T10:00:00", datetime(2026, 1, 31, 10, tzinfo=UTC)),
        ("2026-01-31T10:00:00+02:00", datetime(2026, 1, 31, 8, tzinfo=UTC)),
        ("", None),
        ("  ", None),
    ],
)
def test_what_a_cooldown_says(text: str, expected: datetime | None) -> None:
    assert cutoff(text, NOW, "here") == expected


@pytest.mark.parametrize(
    "text", ["soon", "7", "-7 days", "7 dayz", "days", "1.5 days", "7 months", "2026-13-01", "P1M", "9999999999 days"]
)
def test_what_is_no_cooldown(text: str) -> None:
    with pytest.raises(UvdockError, match="is no cooldown") as raised:
        cutoff(text, NOW, "--cooldown")
    assert (raised.value.where, raised.value.code) == ("--cooldown", 2)


@given(st.text(max_size=20))
def test_any_text_is_a_moment_or_an_error_of_ours(text: str) -> None:
    try:
        found = cutoff(text, NOW, "here")
    except UvdockError:
        return
    assert found is None or found.tzinfo is not None
