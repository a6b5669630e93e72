"""Tests for times relative to now, and for durations."""

from __future__ import annotations

from datetime import timedelta

import pytest
from support.builders import NOW

from reconciler.web.page.relative_time import RelativeTime, format_duration


@pytest.mark.parametrize(
    ("age", "expected"),
    [
        (timedelta(), "just now"),
        (timedelta(seconds=59), "just now"),
        (timedelta(minutes=1), "1 min ago"),
        (timedelta(minutes=119), "119 min ago"),
        (timedelta(hours=47), "47 h ago"),
        (timedelta(days=2), "2 days ago"),
        (timedelta(seconds=-30), "in less than a minute"),
        (timedelta(minutes=-5), "in 5 min"),
    ],
)
def test_time_is_shown_relative_to_now(age: timedelta, expected: str) -> None:
    """A time is shown relative to now, in the largest unit with a value of at least two, or in minutes."""
    moment = RelativeTime.from_datetime(NOW - age, NOW)
    assert moment
    assert moment.distance == expected
    assert RelativeTime.from_datetime(None, NOW) is None


@pytest.mark.parametrize(
    ("seconds", "expected"), [(0, "0 s"), (0.0421, "0.0421 s"), (3.14159, "3.14 s"), (59, "59 s"), (61, "1 min")]
)
def test_duration_uses_the_most_significant_unit(seconds: float, expected: str) -> None:
    """A duration is shown in one unit, with at most three significant digits below a minute."""
    assert format_duration(timedelta(seconds=seconds)) == expected
