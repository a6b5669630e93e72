"""Kinds of notifications, from which the URL of a receiver chooses by apprise's tags."""

from __future__ import annotations

from enum import StrEnum

from reconciler.core.notifications.state import Condition

_WRITES = frozenset((Condition.ASSOCIATION_CREATED, Condition.ASSOCIATION_UPDATED))


class Kind(StrEnum):
    """Kind of notification. The recovery from a problem has the kind of the problem."""

    PROBLEMS = "problems"
    UNMANAGED = "unmanaged"
    WRITES = "writes"
    COMPLETIONS = "completions"
    SUMMARY = "summary"


ALL_KINDS = frozenset(Kind)
"""The kinds of a receiver whose URL has no tags."""


def find_kind(condition: Condition) -> Kind:
    """Return the kind of a notification about a condition."""
    if condition in _WRITES:
        return Kind.WRITES
    if condition is Condition.EXPORT_COMPLETED:
        return Kind.COMPLETIONS
    return Kind.UNMANAGED if condition is Condition.UNMANAGED else Kind.PROBLEMS
