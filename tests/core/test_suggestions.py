"""Suggestions in messages: similar names by edit distance, or the first few of many, in bounded time."""

from __future__ import annotations

import pytest

from reconciler.core.suggestions import find_closest, is_near, join_names


def test_closest_name_is_suggested() -> None:
    """A similar name is suggested, and a very different one is not."""
    assert find_closest("prd", ["test", "prod"]) == "prod"
    assert find_closest("zzz", ["test", "prod"]) is None
    assert find_closest("a", []) is None


@pytest.mark.parametrize(
    ("word", "names"), [("a" * 65, ["a" * 64]), ("a" * 64, ["a" * 65]), ("x", ["y"] * 100 + ["x"])]
)
def test_long_names_are_not_compared(word: str, names: list[str]) -> None:
    """Long names, and names after the first hundred, are not compared, which bounds the time."""
    assert find_closest(word, names) is None


def test_long_list_of_names_is_shortened() -> None:
    """A list of more than five names is cut, with the number of the others."""
    assert join_names(["a"]) == "a"
    assert join_names(list("abcde")) == "a, b, c, d, e"
    assert join_names(list("abcdefgh")) == "a, b, c, d, e and 3 more"


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
