"""Throttling errors: recognised by code or status, and safe to retry."""

from __future__ import annotations

import pytest

from reconciler.core.aws.throttling import is_throttled


@pytest.mark.parametrize(
    ("code", "status"),
    [
        ("ThrottlingException", 429), ("ThrottlingException", 400), ("Throttling", 400), ("RequestLimitExceeded", 503),
        ("RequestThrottledException", 400), ("TooManyRequestsException", 429), ("SlowDown", 503), ("", 429),
        ("429", 429),
    ],
)  # fmt: skip
def test_throttling_is_recognised_by_code_or_status(code: str, status: int) -> None:
    """An error code such as SlowDown of S3, or the status 429 alone, is throttling."""
    assert is_throttled(code, status)


@pytest.mark.parametrize(
    ("code", "status"),
    [("ResourceQuotaExceededException", 429), ("AccessDenied", 403), ("InternalError", 503), ("", 503), ("", 0)],
)
def test_other_errors_are_not_throttling(code: str, status: int) -> None:
    """Other errors are not throttling, including an exceeded quota, which a retry does not solve."""
    assert not is_throttled(code, status)
