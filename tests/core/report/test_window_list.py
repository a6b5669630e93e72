"""The list of windows ends where the reader asks, and says if it is not complete."""

from __future__ import annotations

from datetime import date

from support.builders import journal, manifest
from support.recurring import NOVEMBER, OCTOBER, QUIET, SEPTEMBER, build_recurring_manifest, build_recurring_record

from reconciler.core.report.window_list import DEFAULT_COUNT, MAX_COUNT, list_windows
from reconciler.core.windows.declaration import Period

JOURNAL = journal(build_recurring_record(SEPTEMBER))


def test_list_without_a_date_has_a_year_of_months() -> None:
    """Without a date, the list has the windows that were sent and the next twelve."""
    listing = list_windows(build_recurring_manifest(), JOURNAL, QUIET, None)
    assert listing
    assert [each.window for each in listing.report.sent] == [SEPTEMBER]
    assert len(listing.report.next_windows) == DEFAULT_COUNT
    assert listing.is_complete


def test_list_ends_with_the_window_that_begins_on_the_date() -> None:
    """The last window begins on or before the date, in the time zone of the manifest."""
    listing = list_windows(build_recurring_manifest(), JOURNAL, QUIET, date(2026, 11, 1), is_suspended=True)
    assert listing
    assert [each.window for each in listing.report.next_windows] == [OCTOBER, NOVEMBER]
    assert listing.report.is_suspended


def test_list_before_the_due_window_leaves_it_out() -> None:
    """A window that is due and begins after the date is not listed. Windows that were sent stay."""
    listing = list_windows(build_recurring_manifest(), JOURNAL, NOVEMBER.end, date(2020, 1, 1))
    assert listing
    assert (listing.report.planned, listing.report.has_later_windows, listing.is_complete) == ((), True, True)
    assert not listing.report.has_ended
    assert [each.window for each in listing.report.sent] == [SEPTEMBER]
    later = list_windows(build_recurring_manifest(), JOURNAL, NOVEMBER.end, date(2026, 10, 1))
    assert later
    assert later.report.due
    assert later.report.due.window.start == OCTOBER.start


def test_long_list_is_cut_and_says_so() -> None:
    """A list has at most a thousand windows to come, however late the date is."""
    listing = list_windows(build_recurring_manifest(every=Period.DAY), JOURNAL, QUIET, date.max)
    assert listing
    assert (len(listing.report.next_windows), listing.is_complete) == (MAX_COUNT, False)


def test_manifest_without_a_window_has_no_list() -> None:
    """A manifest without `window` has no windows to list."""
    assert list_windows(manifest(), JOURNAL, QUIET, None) is None
