"""The next window begins at the watermark, covers what is due, and never more."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from reconciler.core.windows.boundaries import compute_first_boundary
from reconciler.core.windows.declaration import Missed, Period, WindowDeclaration
from reconciler.core.windows.due import (
    FutureWindow,
    Window,
    find_due_boundaries,
    find_due_window,
    list_future_windows,
)

MONTHLY = WindowDeclaration(Period.MONTH, "UTC", UTC, date(2026, 1, 1))
JANUARY, FEBRUARY, MARCH, APRIL = (datetime(2026, month, 1, tzinfo=UTC) for month in range(1, 5))
HOUR, SECOND = timedelta(hours=1), timedelta(seconds=1)


def test_window_is_due_once_the_delay_has_passed_since_its_end() -> None:
    """Until the delay has passed, nothing is due. Then the first period is."""
    assert find_due_window(MONTHLY, None, FEBRUARY + HOUR - SECOND) is None
    assert find_due_window(MONTHLY, None, FEBRUARY + HOUR) == Window(JANUARY, FEBRUARY)


def test_first_window_is_one_period_however_many_are_due() -> None:
    """The first window is exactly one period, also with `missed: merge`."""
    assert find_due_window(MONTHLY, None, APRIL + HOUR) == Window(JANUARY, FEBRUARY)
    assert find_due_boundaries(MONTHLY, None, APRIL + HOUR) == (FEBRUARY, MARCH, APRIL)


def test_missed_windows_are_merged_or_exported_one_by_one() -> None:
    """Several due periods are one window up to the newest boundary, or with `missed: each` the oldest period."""
    assert find_due_window(MONTHLY, FEBRUARY, APRIL + HOUR) == Window(FEBRUARY, APRIL)
    assert find_due_window(replace(MONTHLY, missed=Missed.EACH), FEBRUARY, APRIL + HOUR) == Window(FEBRUARY, MARCH)


def test_window_begins_at_a_watermark_between_boundaries() -> None:
    """After a change of zone or period, the first window is shorter, and leaves no gap."""
    watermark = FEBRUARY + timedelta(days=10)
    assert find_due_window(MONTHLY, watermark, MARCH + HOUR) == Window(watermark, MARCH)


def test_nothing_is_due_after_the_last_period() -> None:
    """After the period that begins on or before `last`, nothing becomes due."""
    declaration = replace(MONTHLY, last=date(2026, 2, 15))
    assert find_due_window(declaration, FEBRUARY, APRIL + HOUR) == Window(FEBRUARY, MARCH)
    assert find_due_window(declaration, MARCH, APRIL + HOUR) is None
    assert list_future_windows(declaration, MARCH, 3) == ()


def test_future_windows_name_when_they_are_sent() -> None:
    """Each window to come is one period, and is sent once the delay has passed since its end."""
    assert list_future_windows(MONTHLY, FEBRUARY, 2) == (
        FutureWindow(Window(FEBRUARY, MARCH), MARCH + HOUR),
        FutureWindow(Window(MARCH, APRIL), APRIL + HOUR),
    )


@given(
    st.sampled_from(Period),
    st.sampled_from(Missed),
    st.dates(date(2020, 1, 1), date(2026, 12, 28)).filter(lambda day: day.day <= 28),
    st.lists(st.timedeltas(timedelta(0), timedelta(days=500)), min_size=1, max_size=20),
)
def test_windows_leave_no_gap_and_do_not_overlap(
    every: Period, missed: Missed, first: date, pauses: list[timedelta]
) -> None:
    """However long the pauses between runs are, the exported windows join, and none is sent before it is due."""
    declaration = WindowDeclaration(every, "UTC", UTC, first, missed=missed)
    watermark, now = None, compute_first_boundary(declaration)
    end = now
    for pause in pauses:
        now += pause
        if window := find_due_window(declaration, watermark, now):
            assert window.start == end
            assert window.start < window.end <= now - declaration.delay
            watermark = end = window.end
