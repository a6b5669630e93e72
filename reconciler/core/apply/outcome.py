"""What became of a write: values, so that nobody has to guess from an exception."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias


@dataclass(frozen=True, slots=True)
class Created:
    """AWS carried the Create out, now or under the same token before, and answered with this id."""

    association_id: str


@dataclass(frozen=True, slots=True)
class Updated:
    """AWS took the Update, and reruns the job."""


@dataclass(frozen=True, slots=True)
class Refused:
    """AWS answered that it did nothing (4xx), or would have: the request is not one it takes."""

    reason: str


@dataclass(frozen=True, slots=True)
class NotSent:
    """The request did not reach AWS, or AWS was too busy to look at it: nothing was done."""

    reason: str


@dataclass(frozen=True, slots=True)
class Unknown:
    """The request may have been carried out: a time-out, a broken connection or a fault of AWS (5xx)."""

    reason: str


@dataclass(frozen=True, slots=True)
class Skipped:
    """The write was decided and not attempted."""

    reason: str


Answer: TypeAlias = Created | Updated | Refused | NotSent | Unknown
"""What a writer makes of one call."""

Outcome: TypeAlias = Answer | Skipped
"""What a report says of one decided write."""

SUCCESSES = (Created, Updated)
"""The outcomes after which AWS holds what was asked for."""
