"""Speaks of names in a message: few of many, and the one that was meant; in bounded time, however many and long."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from difflib import get_close_matches
from itertools import islice

_LONGEST = 64
"""Characters: nobody types longer words by hand, and comparing two takes the product of their lengths."""

_COMPARED = 100
"""Words that are compared: a list is looked through in its order, and not to its end."""

_NAMED = 5


def closest(word: str, known: Iterable[str]) -> str | None:
    """Return the known word that is most like another one, None where none is much like it."""
    return next(iter(close(word, known, 1)), None)


def close(word: str, known: Iterable[str], most: int) -> Sequence[str]:
    """Return the known words that are most like another one, the closest first, at `most` so many."""
    if len(word) > _LONGEST:
        return ()
    comparable = islice((each for each in known if len(each) <= _LONGEST), _COMPARED)
    return get_close_matches(word, comparable, n=most)


def listed(names: Sequence[str]) -> str:
    """Return the first few names, and how many more there are."""
    more = len(names) - _NAMED
    return ", ".join(names) if more <= 0 else f"{', '.join(names[:_NAMED])} and {more} more"


def is_near(one: str, other: str, most: int) -> bool:
    """Tell whether at most so many letters were left out, put in, exchanged or swapped with the next one.

    The distance is that of optimal string alignment. Names of very different lengths are not compared.
    """
    if abs(len(one) - len(other)) > most:
        return False
    before: list[int] = []
    row = list(range(len(other) + 1))
    for i, letter in enumerate(one, 1):
        before, above, row = row, before, [i]
        for j, another in enumerate(other, 1):
            cost = min(before[j] + 1, row[j - 1] + 1, before[j - 1] + (letter != another))
            if i > 1 and j > 1 and (letter, one[i - 2]) == (other[j - 2], another):
                cost = min(cost, above[j - 2] + 1)
            row.append(cost)
    return row[-1] <= most
