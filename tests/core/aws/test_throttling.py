"""A throttle is one wherever it is asked for: nothing was done, and the call may be repeated."""

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
    """Whether AWS says so by code, as S3 by SlowDown, or by status alone."""
    assert is_throttled(code, status)


@pytest.mark.parametrize(
    ("code", "status"),
    [("ResourceQuotaExceededException", 429), ("AccessDenied", 403), ("InternalError", 503), ("", 503), ("", 0)],
)
def test_other_errors_are_not_throttling(code: str, status: int) -> None:
    """A quota least of all: that does not go by itself."""
    assert not is_throttled(code, status)
