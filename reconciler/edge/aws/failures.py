"""Tell which failures of a call may pass, and whether AWS throttled the call."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from botocore.exceptions import ClientError, HTTPClientError
from botocore.exceptions import ConnectionError as BotocoreConnectionError

from reconciler.core.aws.date_header import get_date, parse_date
from reconciler.core.aws.throttling import is_throttled
from reconciler.core.aws.verdict import get_code_and_status
from reconciler.core.pace.failure import Failure
from reconciler.edge.aws.errors import get_answer

_TRANSIENT_CODES = frozenset(("RequestTimeout", "RequestTimeoutException", "PriorRequestNotComplete"))
_TRANSIENT_STATUSES = frozenset(
    (
        HTTPStatus.INTERNAL_SERVER_ERROR,
        HTTPStatus.BAD_GATEWAY,
        HTTPStatus.SERVICE_UNAVAILABLE,
        HTTPStatus.GATEWAY_TIMEOUT,
    )
)
"""Codes and statuses that the standard mode of the SDKs retries (AWS SDKs and Tools Reference, "Retry behavior")."""


def judge_failure(error: Exception) -> Failure | None:
    """Return what the error of a call means for the pace, or None if the call must not be repeated."""
    if isinstance(error, BotocoreConnectionError | HTTPClientError):
        return Failure(is_throttled=False)
    if not isinstance(error, ClientError):
        return None
    answer = get_answer(error)
    code, status = get_code_and_status(answer)
    if is_throttled(code, status):
        return Failure(is_throttled=True, retry_after=_read_retry_after(answer))
    if code in _TRANSIENT_CODES or status in _TRANSIENT_STATUSES:
        return Failure(is_throttled=False, retry_after=_read_retry_after(answer))
    return None


def _read_retry_after(answer: Mapping[str, Any]) -> float | None:
    """Return the seconds of the Retry-After header (RFC 9110, section 10.2.3), or None.

    A date in the header is compared with the Date of the answer, so that the clock of this machine does not matter.
    """
    metadata = answer.get("ResponseMetadata")
    headers = metadata.get("HTTPHeaders") if isinstance(metadata, Mapping) else None
    value = headers.get("retry-after") if isinstance(headers, Mapping) else None
    if not isinstance(value, str):
        return None
    if value.isascii() and value.isdigit():
        return float(value)
    until, answered_at = parse_date(value), get_date(answer)
    return (until - answered_at).total_seconds() if until and answered_at else None
