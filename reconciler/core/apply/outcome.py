"""Outcomes of writes, as values instead of exceptions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeAlias


@dataclass(frozen=True, slots=True)
class Created:
    """Successful Create, with the id that AWS returned. AWS may have carried it out earlier under the same token."""

    association_id: str


@dataclass(frozen=True, slots=True)
class Updated:
    """Successful Update. AWS runs the job of the association again."""


class RefusalKind(StrEnum):
    """Why AWS refused a request.

    REQUEST: the request itself. DENY: an explicit deny in a policy. ACCESS: credentials, the clock or a missing
    permission. QUOTA: a quota, such as that of running jobs. MISSING: a resource that AWS does not find.
    """

    REQUEST = "request"
    DENY = "deny"
    ACCESS = "access"
    QUOTA = "quota"
    MISSING = "missing"


@dataclass(frozen=True, slots=True)
class Refused:
    """Request that AWS rejected, or that botocore found invalid. AWS changed nothing."""

    reason: str
    kind: RefusalKind = RefusalKind.REQUEST


@dataclass(frozen=True, slots=True)
class NotSent:
    """Request that did not reach AWS, or that AWS throttled. AWS changed nothing."""

    reason: str


@dataclass(frozen=True, slots=True)
class Unknown:
    """Request that AWS may have carried out: a timeout, a broken connection or an AWS fault (5xx)."""

    reason: str


@dataclass(frozen=True, slots=True)
class Skipped:
    """Planned write that was not attempted, or adoption that was not written to the journal."""

    reason: str


Answer: TypeAlias = Created | Updated | Refused | NotSent | Unknown
"""Outcome of one call, as a cloud writer returns it."""

Outcome: TypeAlias = Answer | Skipped
"""Outcome of one planned write, as a report shows it."""

RESULTS: Mapping[type[Answer], str] = {
    Created: "created",
    Updated: "updated",
    Refused: "refused",
    NotSent: "not-sent",
    Unknown: "unknown",
}
"""The results of calls, as logs and metrics name them."""

SUCCESSES = (Created, Updated)
"""Outcomes after which AWS holds the requested configuration."""
