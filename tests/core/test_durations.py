"""Durations in options and manifests are a number with a unit, of at most a year."""

from __future__ import annotations

from datetime import timedelta

import pytest

from reconciler.core.durations import format_duration, parse_duration


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("90s", timedelta(seconds=90)),
        ("5m", timedelta(minutes=5)),
        ("24h", timedelta(days=1)),
        ("366d", timedelta(days=366)),
        ("0s", timedelta(0)),
    ],
)
def test_duration_is_a_number_with_a_unit(text: str, expected: timedelta) -> None:
    """A duration is a whole number of seconds, minutes, hours or days."""
    assert parse_duration(text) == expected


@pytest.mark.parametrize(
    ("text", "message"), [("5", "is not a duration"), ("1h30m", "is not a duration"), ("367d", "is longer than a year")]
)
def test_other_text_is_refused_with_a_reason(text: str, message: str) -> None:
    """Text without a unit, with several units, or of more than a year is refused."""
    with pytest.raises(ValueError, match=message):
        parse_duration(text)


@pytest.mark.parametrize("text", ["0s", "90s", "15m", "24h", "1h"])
def test_duration_is_written_as_it_is_read(text: str) -> None:
    """A duration is written in the largest unit that divides it."""
    assert format_duration(parse_duration(text)) == text
