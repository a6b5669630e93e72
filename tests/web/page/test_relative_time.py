"""A time is shown so that a person knows at once how long ago it is."""

from __future__ import annotations

from datetime import timedelta

import pytest
from support.builders import NOW

from reconciler.web.page.relative_time import RelativeTime, format_duration


@pytest.mark.parametrize(
    ("ago", "said"),
    [
        (timedelta(), "just now"),
        (timedelta(seconds=59), "just now"),
        (timedelta(minutes=1), "1 min ago"),
        (timedelta(minutes=119), "119 min ago"),
        (timedelta(hours=47), "47 h ago"),
        (timedelta(days=2), "2 days ago"),
        (timedelta(seconds=-30), "within a minute"),
        (timedelta(minutes=-5), "in 5 min"),
    ],
)
def test_time_is_shown_relative_to_now(ago: timedelta, said: str) -> None:
    """In the largest unit of which there are two or more, or in minutes."""
    moment = RelativeTime.from_datetime(NOW - ago, NOW)
    assert moment
    assert moment.distance == said
    assert RelativeTime.from_datetime(None, NOW) is None


@pytest.mark.parametrize(
    ("seconds", "said"), [(0, "0 s"), (0.0421, "0.0421 s"), (3.14159, "3.14 s"), (59, "59 s"), (61, "1 min")]
)
def test_duration_uses_the_most_significant_unit(seconds: float, said: str) -> None:
    """And no more digits than mean anything."""
    assert format_duration(timedelta(seconds=seconds)) == said
