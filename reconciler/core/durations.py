"""Read and write durations as people write them in options and manifests."""

from __future__ import annotations

import re
from datetime import timedelta

MAX_DURATION = timedelta(days=366)
_PATTERN = re.compile(r"([0-9]+)([smhd])")
_UNIT_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400}


def parse_duration(text: str) -> timedelta:
    """Return a duration such as 90s, 5m, 24h or 2d. Raises ValueError with a message for the user."""
    match = _PATTERN.fullmatch(text)
    if match is None:
        raise ValueError(f"{text!r} is not a duration: write a number with a unit, such as 90s, 5m or 24h")
    seconds = float(match[1]) * _UNIT_SECONDS[match[2]]
    if seconds > MAX_DURATION.total_seconds():
        raise ValueError(f"{text!r} is longer than a year")
    return timedelta(seconds=seconds)


def format_duration(duration: timedelta) -> str:
    """Return a duration in whole seconds, such as 90s, 15m or 24h, in the largest unit that divides it up to hours."""
    seconds = int(duration.total_seconds())
    unit = next((each for each in ("h", "m") if seconds and seconds % _UNIT_SECONDS[each] == 0), "s")
    return f"{seconds // _UNIT_SECONDS[unit]}{unit}"
