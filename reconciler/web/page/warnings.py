"""Count the warnings about manifests by kind: messages that differ only in names, places and numbers. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from reconciler.core.errors import Problem

MAX_LISTED = 20
"""The maximum number of warnings of one kind that the page lists. The JSON report lists all of them."""
_MAX_WORDS = 100
"""The maximum number of words of a message that are compared."""
_TARGETS = re.compile(r" \(in target [^()]*\)$")
_WORD = re.compile(r"(?P<before>[(\[{]*)(?P<word>.*?)(?P<after>[])},.:;!?]*)")


@dataclass(frozen=True, slots=True)
class WarningKind:
    """One kind of warning: its number, its text, the first warnings, and the number of those that are not listed."""

    count: int
    text: str
    warnings: tuple[Problem, ...]
    more: int


def count_warnings(warnings: Iterable[Problem]) -> tuple[WarningKind, ...]:
    """Return the kinds of warnings, the most frequent first. A kind of one warning has the text of the warning."""
    by_kind: dict[tuple[str, str], list[Problem]] = {}
    for each in warnings:
        by_kind.setdefault((each.pointer, _generalise(each.message)), []).append(each)
    kinds = (
        WarningKind(
            len(each),
            shared.pop() if len(shared := {_TARGETS.sub("", problem.message) for problem in each}) == 1 else text,
            tuple(each[:MAX_LISTED]),
            max(0, len(each) - MAX_LISTED),
        )
        for (_, text), each in by_kind.items()
    )
    return tuple(sorted(kinds, key=lambda kind: (-kind.count, kind.text)))


def _generalise(message: str) -> str:
    """Return a message without its targets, in which a sign stands for each word with a digit or in quotation marks."""
    return " ".join(map(_generalise_word, _TARGETS.sub("", message).split(maxsplit=_MAX_WORDS)))


def _generalise_word(word: str) -> str:
    if not any(char.isdecimal() or char in "'\"" for char in word):
        return word
    match = _WORD.fullmatch(word)
    return f"{match['before']}…{match['after']}" if match else "…"
