"""Order the differences of a request for people: a StartTime comes before its EndTime."""

from __future__ import annotations

from collections.abc import Iterable

from reconciler.core.plan.difference import Difference

_TIMES = ("/StartTime", "/EndTime")


def order_differences(differences: Iterable[Difference]) -> tuple[Difference, ...]:
    """Return the differences sorted by path, but each StartTime before its EndTime."""
    return tuple(sorted(differences, key=_get_sort_key))


def _get_sort_key(difference: Difference) -> tuple[str, int]:
    for position, member in enumerate(_TIMES):
        if difference.path.endswith(member):
            return difference.path.removesuffix(member), position
    return difference.path, 0
