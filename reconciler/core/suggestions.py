"""Suggest names for messages in bounded time: similar names, or the first few of many."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from itertools import islice

_MAX_LENGTH = 64
"""Maximum length of a compared word, in characters. The time of a comparison grows with the product of both lengths."""

_MAX_COMPARISONS = 100
"""Maximum number of words to compare. Later words of a list are ignored."""

_MAX_NAMES = 5


def find_closest(word: str, known: Iterable[str]) -> str | None:
    """Return the most similar known word, or None if no known word is similar enough."""
    return next(iter(find_similar(word, known, 1)), None)


class LimitedSuggestions:
    """Suggestions for the first unknown words of a revision: each search takes long if many words are similar."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._suggestions: dict[tuple[str, tuple[str, ...]], str | None] = {}
        self._words: set[str] = set()

    def find_closest(self, word: str, known: Iterable[str]) -> str | None:
        """Return the most similar known word, or None if there is none or after too many searches."""
        is_at_limit = len(self._suggestions) >= self._limit
        if is_at_limit and word not in self._words:
            return None
        key = word, tuple(_list_comparable(known))
        if key not in self._suggestions:
            if is_at_limit:
                return None
            self._words.add(word)
            self._suggestions[key] = find_closest(word, key[1])
        return self._suggestions[key]


def find_similar(word: str, known: Iterable[str], limit: int) -> Sequence[str]:
    """Return at most `limit` known words that are similar, the most similar first."""
    if len(word) > _MAX_LENGTH:
        return ()
    from difflib import get_close_matches  # noqa: PLC0415 - only a message about an unknown word needs it

    return get_close_matches(word, _list_comparable(known), n=limit)


def _list_comparable(known: Iterable[str]) -> Iterator[str]:
    """Return the known words that are compared."""
    return islice((each for each in known if len(each) <= _MAX_LENGTH), _MAX_COMPARISONS)


def format_suggestion(*choices: str) -> str:
    """Return the question that suggests one of the choices, which are texts as a person would write them."""
    return f"did you mean {' or '.join(choices)}?"


def join_names(names: Collection[str], limit: int = _MAX_NAMES) -> str:
    """Return the first few names, and the number of the others."""
    omitted_count = len(names) - limit
    first_names = ", ".join(islice(names, limit))
    return first_names if omitted_count <= 0 else f"{first_names} and {omitted_count} more"


def is_near(one: str, other: str, max_distance: int) -> bool:
    """Tell whether two names differ by at most `max_distance` typing errors.

    An error is a missing, added or wrong letter, or two neighbouring letters in the wrong order (optimal string
    alignment distance). Names whose lengths differ by more than `max_distance` are never near.
    """
    if abs(len(one) - len(other)) > max_distance:
        return False
    previous_row: list[int] = []
    row = list(range(len(other) + 1))
    for i, letter in enumerate(one, 1):
        previous_row, row_before_previous, row = row, previous_row, [i]
        for j, other_letter in enumerate(other, 1):
            cost = min(previous_row[j] + 1, row[j - 1] + 1, previous_row[j - 1] + (letter != other_letter))
            if i > 1 and j > 1 and (letter, one[i - 2]) == (other[j - 2], other_letter):
                cost = min(cost, row_before_previous[j - 2] + 1)
            row.append(cost)
    return row[-1] <= max_distance
