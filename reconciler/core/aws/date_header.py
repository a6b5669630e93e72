"""Read the Date of an answer: the time of AWS when it answered, in whole seconds (RFC 9110, section 6.6.1)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any


def parse_date(text: str) -> datetime | None:
    """Return the time in a Date header, or None if it is missing or invalid."""
    try:
        time = parsedate_to_datetime(text)
    except ValueError:
        return None
    return time if time.tzinfo else time.replace(tzinfo=UTC)


def get_date(answer: Mapping[str, Any]) -> datetime | None:
    """Return the Date of an answer as botocore parses it, or None if it is missing or invalid."""
    headers: Mapping[str, Any] = answer.get("ResponseMetadata", {}).get("HTTPHeaders", {})
    return parse_date(str(headers.get("date", "")))
