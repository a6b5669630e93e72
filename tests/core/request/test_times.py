"""ISO 8601 times and epoch milliseconds give the same moment, and an invalid time has an explanation."""

import re
from contextlib import suppress
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.core.model import Json
from reconciler.core.request.times import convert_to_epoch_millis, format_millis, parse_instant

ZONES = st.integers(-23 * 60 - 59, 23 * 60 + 59).map(lambda minutes: timezone(timedelta(minutes=minutes)))
NO_TIME = "is not a time: write an existing date and time with a time zone, such as 2026-10-01T00:00:00Z"
TIMES = st.datetimes(datetime(1970, 1, 2), datetime(9999, 12, 30), timezones=ZONES)  # noqa: DTZ001 - hypothesis adds it


@given(st.integers(10**11, 10**13 - 1).map(str))
def test_formatted_time_parses_back(millis: str) -> None:
    """Epoch milliseconds that are formatted and parsed again are unchanged."""
    assert convert_to_epoch_millis(format_millis(millis)) == millis


@given(TIMES)
def test_time_does_not_depend_on_its_zone(time: datetime) -> None:
    """A time has the same value in every zone, without fractions of a millisecond."""
    expected = (time - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(milliseconds=1)
    assert convert_to_epoch_millis(time.isoformat()) == str(expected)
    assert convert_to_epoch_millis(time.astimezone(UTC).isoformat()) == str(expected)


@pytest.mark.parametrize(
    ("text", "millis"),
    [
        ("1970-01-01T00:00:00Z", "0"),
        ("2026-10-01T00:00:00Z", "1790812800000"),
        ("2026-10-01T00:00Z", "1790812800000"),
        ("2026-10-01T02:00:00+02:00", "1790812800000"),
        ("2026-09-30T18:30:00-05:30", "1790812800000"),
        ("2026-10-01T02:00:00+0200", "1790812800000"),
        ("2026-10-01T00:00:00.000000Z", "1790812800000"),
        ("2026-10-01T00:00:00.500000000Z", "1790812800500"),
        ("2026-10-01T00:00:00.5Z", "1790812800500"),
        ("2026-10-01T00:00:00.001Z", "1790812800001"),
        ("2026-10-01T00:00:00.0019Z", "1790812800001"),
        ("2028-02-29T00:00:00Z", "1835395200000"),
        ("1790812800000", "1790812800000"),
        ("0001790812800000", "1790812800000"),
        ("0", "0"),
    ],
)
def test_iso_and_epoch_times_are_read(text: str, millis: str) -> None:
    """ISO 8601 times with a zone and epoch milliseconds are accepted."""
    assert convert_to_epoch_millis(text) == millis


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-10-01T00:00:00", "has no time zone: end it with Z, or with an offset such as +02:00"),
        ("2026-10-01", "has no time zone"),
        ("2026-02-30T00:00:00Z", NO_TIME),
        ("2026-13-01T00:00:00Z", NO_TIME),
        ("2026-10-01T25:00:00Z", NO_TIME),
        ("2026-10-01T23:59:60Z", NO_TIME),
        ("1969-12-31T23:59:59Z", "is before 1970"),
        ("1970-01-01T00:00:00+00:01", "is before 1970"),
        ("yesterday", NO_TIME),
        ("", NO_TIME),
        ("-1790812800000", "is not a time"),
        ("1790812800000.0", "is not a time"),
        ("١٧٩٠٨١٢٨٠٠٠٠٠", "is not a time"),
        ("1" * 5000, "is not a time: epoch milliseconds have 12 or 13 digits"),
        ("2026-10-01T00:00:00." + "0" * 300 + "Z", "is not a time: it has more than "),
    ],
)
def test_invalid_time_is_explained_in_one_line(text: str, expected: str) -> None:
    """The message for an invalid time quotes the text and gives the reason in one line."""
    with pytest.raises(ValueError, match=re.escape(expected)) as error:
        convert_to_epoch_millis(text)
    message = str(error.value)
    assert text[:18] in message
    assert len(message.splitlines()) == 1


@given(st.text(max_size=40) | st.text(alphabet="0123456789T:+-.ZW", max_size=30))
def test_time_parser_answers_any_text(text: str) -> None:
    """Any text gives epoch milliseconds or a ValueError."""
    with suppress(ValueError):
        assert convert_to_epoch_millis(text).isdigit()


@pytest.mark.parametrize(
    ("millis", "formatted"),
    [
        ("1790812800000", "2026-10-01T00:00:00Z"),
        ("1790812800001", "2026-10-01T00:00:00.001Z"),
        ("100000000000", "1973-03-03T09:46:40Z"),
        ("9999999999999", "2286-11-20T17:46:39.999Z"),
        ("17908128000", "17908128000"),
        ("17908128000000", "17908128000000"),
        ("2026", "2026"),
        ("rate(1 hour)", "rate(1 hour)"),
        ("²²²²²²²²²²²²", "²²²²²²²²²²²²"),
        ("", ""),
    ],
)
def test_only_epoch_milliseconds_are_formatted(millis: str, formatted: str) -> None:
    """Only text with 12 or 13 digits is formatted as a time; other text is unchanged."""
    assert format_millis(millis) == formatted


@pytest.mark.parametrize(
    ("text", "time"),
    [
        ("1790812800000", datetime(2026, 10, 1, tzinfo=UTC)),
        ("946684800000", datetime(2000, 1, 1, tzinfo=UTC)),
        ("1790812800", datetime(2026, 10, 1, tzinfo=UTC)),
        ("2026-10-01T02:00:00+02:00", datetime(2026, 10, 1, tzinfo=UTC)),
        ("2026-10-01T00:00:00", datetime(2026, 10, 1, tzinfo=UTC)),
        ("2026-10-01", datetime(2026, 10, 1, tzinfo=UTC)),
        ("179081280", None),
        ("17908128000000", None),
        ("9999-12-31T23:59:59-14:00", None),
        ("1970-01-01", datetime(1970, 1, 1, tzinfo=UTC)),
        ("1969-12-31T23:59:59Z", None),
        ("2200-01-01", None),
        ("soon", None),
        ("", None),
        (None, None),
        (1790812800000, None),
    ],
)
def test_times_in_list_are_read_as_instants(text: Json, time: datetime | None) -> None:
    """List may show 10 or 13 digits, or ISO 8601. A time without a zone is UTC, and anything else is unreadable."""
    assert parse_instant(text) == time
