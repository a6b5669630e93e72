"""Tells whether AWS did not look at a call because there were too many: one answer for what is retried and counted."""

from __future__ import annotations

THROTTLING_CODES = frozenset(
    (
        "ThrottlingException",
        "Throttling",
        "TooManyRequestsException",
        "RequestLimitExceeded",
        "RequestThrottledException",
        "SlowDown",
    )
)
"""The error codes by which AWS's services say so."""
_TOO_MANY_REQUESTS = 429


def is_throttled(code: str, status: int) -> bool:
    """Tell it by AWS's error code, or by the HTTP status.

    A quota has the same status (service model of ResourceQuotaExceededException), and is no throttle.
    """
    return code in THROTTLING_CODES or (status == _TOO_MANY_REQUESTS and code != "ResourceQuotaExceededException")
