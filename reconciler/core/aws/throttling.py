"""Recognise throttling errors, with one rule for errors, outcomes and metrics."""

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
"""Throttling error codes of AWS services."""
_TOO_MANY_REQUESTS = 429


def is_throttled(code: str, status: int) -> bool:
    """Tell by error code or HTTP status whether AWS throttled a call.

    An exceeded quota has the same status, but is not throttling (service model, ResourceQuotaExceededException).
    """
    return code in THROTTLING_CODES or (status == _TOO_MANY_REQUESTS and code != "ResourceQuotaExceededException")
