"""Edit distance between two names."""

from __future__ import annotations

import pytest

from reconciler.core.suggestions import is_near


@pytest.mark.parametrize(
    ("one", "other", "least"),
    [
        ("DRY_RUN", "DRY_RUN", 0),
        ("DRYRUN", "DRY_RUN", 1),
        ("DRY_RNU", "DRY_RUN", 1),
        ("DRI_RUM", "DRY_RUN", 2),
        ("", "AB", 2),
        ("STATUS", "STATE", 2),
        ("PORT", "MODE", 3),
    ],
)
def test_edit_distance_counts_each_kind_of_typo_once(one: str, other: str, least: int) -> None:
    """A missing, added, wrong or swapped letter counts once, in both directions."""
    for a, b in ((one, other), (other, one)):
        assert is_near(a, b, least)
        assert least == 0 or not is_near(a, b, least - 1)
