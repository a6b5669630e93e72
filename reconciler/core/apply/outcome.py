"""Outcomes of writes, as values instead of exceptions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias


@dataclass(frozen=True, slots=True)
class Created:
    """AWS carried out the Create, now or earlier under the same token, and returned this id."""

    association_id: str


@dataclass(frozen=True, slots=True)
class Updated:
    """AWS accepted the Update and reruns the job."""


@dataclass(frozen=True, slots=True)
class Refused:
    """AWS rejected the request (4xx) or would reject it. Nothing was done."""

    reason: str


@dataclass(frozen=True, slots=True)
class NotSent:
    """The request did not reach AWS, or AWS throttled it. Nothing was done."""

    reason: str


@dataclass(frozen=True, slots=True)
class Unknown:
    """The request may have been carried out: a timeout, a broken connection or an AWS fault (5xx)."""

    reason: str


@dataclass(frozen=True, slots=True)
class Skipped:
    """The write was planned but not attempted."""

    reason: str


Answer: TypeAlias = Created | Updated | Refused | NotSent | Unknown
"""Outcome of one call, as a cloud writer returns it."""

Outcome: TypeAlias = Answer | Skipped
"""Outcome of one planned write, as a report shows it."""

SUCCESSES = (Created, Updated)
"""Outcomes after which AWS holds the requested configuration."""
