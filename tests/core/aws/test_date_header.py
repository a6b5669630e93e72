"""The Date of an answer is read as a time with a zone, or counts as missing."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from reconciler.core.aws.date_header import get_date, parse_date


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Sun, 06 Nov 1994 08:49:37 GMT", datetime(1994, 11, 6, 8, 49, 37, tzinfo=UTC)),
        ("Sun, 06 Nov 1994 09:49:37 +0100", datetime(1994, 11, 6, 8, 49, 37, tzinfo=UTC)),
        ("Sun, 06 Nov 1994 08:49:37 -0000", datetime(1994, 11, 6, 8, 49, 37, tzinfo=UTC)),
        ("", None),
        ("yesterday", None),
        ("Sun, 31 Feb 1994 08:49:37 GMT", None),
    ],
)
def test_date_is_a_time_with_a_zone_or_missing(text: str, expected: datetime | None) -> None:
    """A valid Date has a zone, and an invalid one is None."""
    assert parse_date(text) == expected


def test_date_of_an_answer_is_in_its_headers() -> None:
    """The Date is in the headers of an answer. An answer without headers has none."""
    answer = {"ResponseMetadata": {"HTTPHeaders": {"date": "Sun, 06 Nov 1994 08:49:37 GMT"}}}
    assert get_date(answer) == datetime(1994, 11, 6, 8, 49, 37, tzinfo=UTC)
    assert get_date({}) is None
