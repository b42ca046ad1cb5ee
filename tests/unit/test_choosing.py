"""The list of upgrades to choose from: its groups, what is preselected, what is coloured."""

from __future__ import annotations

import pytest
from packaging.version import Version
from questionary import Choice, Separator

from uvdock.deps.upgrade import Bump
from uvdock.tasks import choosing


def bump(name: str, old: str, new: str) -> Bump:
    return Bump(name, ("",), old, Version(new), Version(new))


@pytest.mark.parametrize(
    ("old", "new", "kind"),
    [
        ("1.2.3", "1.2.4", "patch"),
        ("1.2.3", "1.3.0", "minor"),
        ("1.2.3", "2.0.0", "major"),
        ("0.1.1", "0.1.2", "minor"),
        ("0.1.1", "0.2.0", "major"),
        ("0.9", "1.0", "major"),
        ("0.1", "0.2a1", "pre"),
        ("1.0", "2.0rc1", "pre"),
        ("10.0", "10.1", "minor"),
    ],
)
def test_the_kind_that_a_person_thinks_of(old: str, new: str, kind: str) -> None:
    assert choosing.weight(bump("a", old, new)) == kind


@pytest.mark.parametrize(
    ("old", "new", "parts"),
    [
        ("1.2.3", "1.4.0", ("1.", "4.0")),
        ("1.2.3", "1.2.4", ("1.2.", "4")),
        ("1.2", "1.2.1", ("1.2.", "1")),
        ("1.2", "3", ("", "3")),
        ("1.0", "1.0.post1", ("1.0.", "post1")),
        ("10.1", "1.1", ("", "1.1")),
    ],
)
def test_the_part_that_changes(old: str, new: str, parts: tuple[str, str]) -> None:
    assert choosing.changed_part(old, new) == parts
    assert "".join(parts) == new


def test_groups_with_aligned_versions_and_nothing_major_chosen() -> None:
    found = choosing.choices(
        [
            bump("big", "1.0", "2.0"),
            bump("zero-point", "0.1", "0.2"),
            bump("small", "10.20.30", "10.20.31"),
            bump("early", "1.0", "2.0rc1"),
            bump("mid", "1.0", "1.1"),
        ]
    )
    listed = []
    for item in found:
        assert isinstance(item, Choice)
        if isinstance(item, Separator):
            listed.append(str(item.title))
        else:
            assert isinstance(item.title, list)
            listed.append(f"{'x' if item.checked else '-'} " + "".join(str(part[1]) for part in item.title))
            assert item.title[-1][0].startswith("fg:")
    assert listed == [
        "── patch",
        "x small       10.20.30 → 10.20.31",
        "── minor",
        "x mid              1.0 → 1.1",
        "── major",
        "- big              1.0 → 2.0",
        "- zero-point       0.1 → 0.2",
        "── pre",
        "- early            1.0 → 2.0rc1",
    ]
