"""A point in time as people read it: the time itself, and how long it is from now."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from reconciler.core.text import timestamp_to_the_minute

_STEPS = ((timedelta(days=2), "days", 86400), (timedelta(hours=2), "h", 3600), (timedelta(minutes=1), "min", 60))


@dataclass(frozen=True, slots=True)
class RelativeTime:
    """`iso` for programs, `text` for people, `distance` as "5 min ago" or "in 5 min"."""

    iso: str
    text: str
    distance: str

    @classmethod
    def from_datetime(cls, time: datetime | None, now: datetime) -> RelativeTime | None:
        """Return a time seen from now."""
        if time is None:
            return None
        try:
            time = time.astimezone(UTC)
        except OverflowError:  # at either end of the calendar, where hours do not matter
            time = time.replace(tzinfo=UTC)
        return cls(time.isoformat(timespec="seconds"), timestamp_to_the_minute(time), _format_distance(time, now))


def _format_distance(time: datetime, now: datetime) -> str:
    distance = abs(now - time)
    if distance < timedelta(minutes=1):
        return "just now" if time <= now else "within a minute"
    duration = format_duration(distance)
    return f"{duration} ago" if time < now else f"in {duration}"


def format_duration(length: timedelta) -> str:
    """Return how long something takes, in the unit that says most."""
    for least, unit, seconds in _STEPS:
        if length >= least:
            return f"{length.total_seconds() // seconds:.0f} {unit}"
    return f"{length.total_seconds():.3g} s"
