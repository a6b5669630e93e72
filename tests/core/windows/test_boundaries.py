"""The boundaries of windows are midnights of local dates, in every zone and across every change of the clocks."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.core.windows.boundaries import (
    compute_date,
    compute_first_boundary,
    find_midnight,
    find_next_boundaries,
    list_boundaries,
)
from reconciler.core.windows.declaration import Period, WindowDeclaration
from reconciler.edge.manifests.zones import list_zone_names, read_zone

ZONE_NAMES = sorted(list_zone_names())
ZONES = st.sampled_from(ZONE_NAMES)
DATES = st.dates(date(1990, 1, 1), date(2100, 12, 31)).filter(lambda day: day.day <= 28)
PERIODS = st.sampled_from(Period)
FAR = datetime(2200, 1, 1, tzinfo=UTC)


def declare(every: Period | str, zone_name: str, first: date, last: date | None = None) -> WindowDeclaration:
    """Return a declaration with the default delay."""
    return WindowDeclaration(Period(every), zone_name, read_zone(zone_name), first, last)


def format_local(instant: datetime, zone_name: str) -> str:
    """Return the local time of an instant with its offset."""
    return instant.astimezone(read_zone(zone_name)).isoformat(timespec="minutes")


@pytest.mark.parametrize(
    ("every", "first", "expected"),
    [
        ("day", "2026-02-27", ["2026-02-28", "2026-03-01", "2026-03-02"]),
        ("week", "2026-12-24", ["2026-12-31", "2027-01-07", "2027-01-14"]),
        ("month", "2026-01-28", ["2026-02-28", "2026-03-28", "2026-04-28"]),
        ("month", "2026-11-01", ["2026-12-01", "2027-01-01", "2027-02-01"]),
        ("quarter", "2026-08-01", ["2026-11-01", "2027-02-01", "2027-05-01"]),
        ("year", "2024-02-28", ["2025-02-28", "2026-02-28", "2027-02-28"]),
    ],
)
def test_boundaries_are_whole_periods_after_the_first_date(every: str, first: str, expected: list[str]) -> None:
    """Boundaries keep the day of the month, or the day of the week, of the first date."""
    declaration = declare(every, "UTC", date.fromisoformat(first))
    boundaries = find_next_boundaries(declaration, compute_first_boundary(declaration), 3)
    assert [f"{boundary:%Y-%m-%d}" for boundary in boundaries] == expected


@pytest.mark.parametrize(
    ("zone_name", "day", "expected"),
    [
        ("Europe/Berlin", "2026-03-29", "2026-03-29T00:00+01:00"),  # a day of 23 hours
        ("Europe/Berlin", "2026-10-26", "2026-10-26T00:00+01:00"),
        ("America/Sao_Paulo", "2018-11-04", "2018-11-04T01:00-02:00"),  # midnight does not exist
        ("America/Havana", "2026-11-01", "2026-11-01T00:00-04:00"),  # midnight occurs twice
        ("Pacific/Apia", "2011-12-30", "2011-12-31T00:00+14:00"),  # the date does not exist
        ("America/Toronto", "1919-03-31", "1919-03-31T00:30-04:00"),  # the clocks went from 23:30 to 00:30
        ("Asia/Kathmandu", "2026-01-01", "2026-01-01T00:00+05:45"),
    ],
)
def test_window_begins_at_local_midnight(zone_name: str, day: str, expected: str) -> None:
    """A date begins at its first midnight, or at the first instant after a midnight that does not exist."""
    assert format_local(find_midnight(date.fromisoformat(day), read_zone(zone_name)), zone_name) == expected


@given(ZONES, st.dates(date(1900, 1, 2), date(2100, 12, 31)))
def test_date_begins_at_its_first_instant(zone_name: str, day: date) -> None:
    """One second before a date begins, the local date is earlier. From then on, it is this date or a later one."""
    zone, begin = read_zone(zone_name), find_midnight(day, read_zone(zone_name))
    assert begin.astimezone(zone).date() >= day
    assert (begin - timedelta(seconds=1)).astimezone(zone).date() < day


@given(PERIODS, ZONES, DATES, st.integers(0, 60), st.integers(0, 10))
def test_searches_agree_with_the_list_of_all_boundaries(
    every: Period, zone_name: str, first: date, skipped: int, count: int
) -> None:
    """A search from any instant finds the boundaries that a list from the beginning has, without gaps or repeats."""
    declaration = declare(every, zone_name, first)
    every_boundary = sorted({find_midnight(compute_date(declaration, n), declaration.zone) for n in range(80)})
    after = every_boundary[skipped]
    assert find_next_boundaries(declaration, after, count) == tuple(every_boundary[skipped + 1 : skipped + 1 + count])
    earlier, later = after - timedelta(seconds=1), after + timedelta(seconds=1)
    until = every_boundary[skipped + count]
    assert list_boundaries(declaration, after, until) == tuple(every_boundary[skipped + 1 : skipped + count + 1])
    assert list_boundaries(declaration, earlier, until)[:1] == (after,)
    assert list_boundaries(declaration, later, after) == ()


@given(PERIODS, ZONES, DATES, st.integers(0, 400))
def test_last_boundary_ends_the_period_that_begins_on_the_last_date(
    every: Period, zone_name: str, first: date, days: int
) -> None:
    """No window ends later than the period that begins on or before the last date."""
    last = first + timedelta(days=days)
    declaration = declare(every, zone_name, first, last)
    begin = compute_first_boundary(declaration)
    *_, end = (begin, *list_boundaries(declaration, begin, FAR))
    dates = [compute_date(declaration, number) for number in range(days + 2)]
    assert end == find_midnight(min(day for day in dates if day > last), declaration.zone)


def test_boundaries_end_with_the_calendar() -> None:
    """Near the year 9999, the boundaries end without an error."""
    declaration = declare("year", "UTC", date(9997, 1, 1))
    boundaries = find_next_boundaries(declaration, compute_first_boundary(declaration), 10)
    assert [boundary.year for boundary in boundaries] == [9998, 9999]
