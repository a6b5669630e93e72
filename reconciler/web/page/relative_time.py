"""Format a time for people: as a date, and relative to now."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from reconciler.core.text import format_timestamp_to_the_minute

_STEPS = ((timedelta(days=2), "days", 86400), (timedelta(hours=2), "h", 3600), (timedelta(minutes=1), "min", 60))


@dataclass(frozen=True, slots=True)
class RelativeTime:
    """A time in three forms: `iso` for programs, `text` for people, and `distance` like "5 min ago" or "in 5 min"."""

    iso: str
    text: str
    distance: str

    @classmethod
    def from_datetime(cls, time: datetime | None, now: datetime) -> RelativeTime | None:
        """Return a time relative to `now`, or None if `time` is None."""
        if time is None:
            return None
        try:
            time = time.astimezone(UTC)
        except OverflowError:  # at the first or last day of the calendar, where the time zone does not matter
            time = time.replace(tzinfo=UTC)
        return cls(
            time.isoformat(timespec="seconds"), format_timestamp_to_the_minute(time), _format_distance(time, now)
        )


def _format_distance(time: datetime, now: datetime) -> str:
    distance = abs(now - time)
    if distance < timedelta(minutes=1):
        return "just now" if time <= now else "in less than a minute"
    duration = format_duration(distance)
    return f"{duration} ago" if time < now else f"in {duration}"


def format_duration(length: timedelta) -> str:
    """Return a duration in days, hours, minutes or seconds."""
    for least, unit, seconds in _STEPS:
        if length >= least:
            return f"{length.total_seconds() // seconds:.0f} {unit}"
    return f"{length.total_seconds():.3g} s"
