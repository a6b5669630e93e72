"""Decode the members of the journal's JSON document. Each function raises TypeError or ValueError for another value."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date, datetime
from typing import Any, TypeVar

T = TypeVar("T")

_YEARS = range(1970, 2200)
"""The valid years of a time, as in `parse_instant`. Arithmetic with a time near year 1 or 9999 would overflow."""
_MAX_COUNT = 2**53 - 1
"""The largest whole number that every JSON parser reads exactly (RFC 8259, section 6)."""


def require_known_members(document: Mapping[str, Any], *members: str) -> None:
    """Raise ValueError if a document has unknown members, because the next write would lose them."""
    if unknown := sorted(set(document) - set(members)):
        raise ValueError(f"unknown {', '.join(map(repr, unknown))}")


def decode_optional(decode_value: Callable[[Any], T], value: object) -> T | None:
    """Return None for None, and otherwise the decoded value."""
    return None if value is None else decode_value(value)


def decode_count(value: object, minimum: int = 0) -> int:
    """Return a whole number."""
    if not isinstance(value, int) or isinstance(value, bool) or not minimum <= value <= _MAX_COUNT:
        raise TypeError(f"{value!r} is not a whole number from {minimum} to {_MAX_COUNT}")
    return value


def decode_text(value: object) -> str:
    """Return a string."""
    if not isinstance(value, str):
        raise TypeError(f"{value!r} is not a string")
    return value


def decode_timestamp(value: object) -> datetime:
    """Return a time with a zone."""
    time = datetime.fromisoformat(decode_text(value))
    if time.tzinfo is None:
        raise ValueError(f"{value!r} has no time zone")
    if time.year not in _YEARS:
        raise ValueError(f"{value!r} is not between {_YEARS.start} and {_YEARS.stop - 1}")
    return time


def decode_flag(value: object) -> bool:
    """Return a truth value."""
    if not isinstance(value, bool):
        raise TypeError(f"{value!r} is neither true nor false")
    return value


def decode_date(value: object) -> date:
    """Return a date without a time."""
    return date.fromisoformat(decode_text(value))


def decode_list(decode_value: Callable[[Any], T], values: object) -> tuple[T, ...]:
    """Return the decoded items of a list."""
    if not isinstance(values, list):
        raise TypeError(f"{values!r} is not a list")
    return tuple(map(decode_value, values))
