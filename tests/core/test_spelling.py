"""Edit distance between two names."""

from __future__ import annotations

import pytest

from reconciler.core.suggestions import is_near


@pytest.mark.parametrize(
    ("first", "second", "distance"),
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
def test_edit_distance_counts_each_kind_of_typo_once(first: str, second: str, distance: int) -> None:
    """A missing, added, wrong or swapped letter counts once, in both directions."""
    for a, b in ((first, second), (second, first)):
        assert is_near(a, b, distance)
        assert distance == 0 or not is_near(a, b, distance - 1)
