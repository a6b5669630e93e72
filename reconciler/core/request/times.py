"""Convert times to epoch milliseconds, the format that AppIntegrations documents, and back to ISO 8601."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from functools import lru_cache

from reconciler.core.model import Json

_MAX_DIGITS = 18
_MAX_LENGTH = 255
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@lru_cache(maxsize=4096)  # the manifests of a fleet share their times
def convert_to_epoch_millis(text: str) -> str:
    """Return a time as a string of epoch milliseconds, the format in the service model.

    `text` is ISO 8601 with a time zone, or epoch milliseconds. Raises ValueError with a message for the user.
    """
    if text.isascii() and text.isdigit():
        if len(text) > _MAX_DIGITS:
            raise ValueError(f"{text[:_MAX_DIGITS]}… is not a time: epoch milliseconds have 12 or 13 digits")
        return str(int(text))
    if len(text) > _MAX_LENGTH:
        raise ValueError(f"{text[:40]!r}… is not a time: it has more than {_MAX_LENGTH} characters")
    try:
        time = datetime.fromisoformat(text)
    except ValueError:
        raise ValueError(
            f"{text!r} is not a time: write an existing date and time with a time zone, such as 2026-10-01T00:00:00Z"
        ) from None
    if time.tzinfo is None:
        raise ValueError(f"{text!r} has no time zone: end it with Z, or with an offset such as +02:00")
    millis = (time - EPOCH) // timedelta(milliseconds=1)
    if millis < 0:
        raise ValueError(f"{text!r} is before 1970: use a later time")
    return str(millis)


def format_millis(millis: str) -> str:
    """Return epoch milliseconds as ISO 8601 in UTC. Return any other text unchanged."""
    if not (millis.isascii() and millis.isdigit() and len(millis) in {12, 13}):
        return millis
    time = EPOCH + timedelta(milliseconds=int(millis))
    return time.isoformat(timespec="milliseconds" if time.microsecond else "seconds").replace("+00:00", "Z")


def parse_millis(millis: Json) -> datetime | None:
    """Return the time of normalised epoch milliseconds in UTC. None if it is missing, invalid or out of range."""
    try:
        return datetime.fromtimestamp(int(str(millis)) / 1000, UTC)
    except (ValueError, OverflowError, OSError):
        return None


_SECONDS_DIGITS, _MILLIS_DIGITS = 10, (12, 13)
_YEARS = range(1970, 2200)
"""The years of times in List. The journal keeps no other times, and arithmetic fails near the years 1 and 9999."""


def parse_instant(text: Json) -> datetime | None:
    """Return a time that List shows, in UTC: epoch seconds or milliseconds, or ISO 8601. None for anything else.

    None as well for a time before 1970 or after 2199.
    Documented are epoch milliseconds. The program also reads the other forms, because AWS documents no answer in full.
    Seconds have 10 digits, and milliseconds 13, or 12 before 2001-09-09. A time without a zone is UTC.
    """
    time = _parse_any_instant(text) if isinstance(text, str) else None
    return time if time and time.year in _YEARS else None


def _parse_any_instant(text: str) -> datetime | None:
    if text.isascii() and text.isdigit():
        if len(text) == _SECONDS_DIGITS:
            return parse_millis(text + "000")
        return parse_millis(text) if len(text) in _MILLIS_DIGITS else None
    try:
        time = datetime.fromisoformat(text)
        return (time if time.tzinfo else time.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def parse_date(text: object) -> date | None:
    """Return a date such as 2026-01-31. None for anything else, also for other forms that Python reads (2026-W01-1)."""
    try:
        day = date.fromisoformat(text) if isinstance(text, str) else None
    except ValueError:
        return None
    return day if day and day.isoformat() == text else None
