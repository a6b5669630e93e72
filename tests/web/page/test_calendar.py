"""The calendar strip shows each window in words and with a symbol, never by colour alone."""

from __future__ import annotations

from dataclasses import replace

import pytest
from support.builders import NOW
from support.recurring import (
    DAY,
    HOUR,
    OCTOBER,
    QUIET,
    SEPTEMBER,
    build_daily_record,
    build_every_window,
    build_recurring_record,
    build_repeated_windows,
    build_windows,
)
from support.reports import association, report
from support.statuses import build_status, build_target_status

from reconciler.core.journal.jobs import Omission, OmissionCause
from reconciler.core.report.windows import WindowState
from reconciler.core.windows.declaration import Missed, Period
from reconciler.web.page.badges import OVERDUE_BADGE
from reconciler.web.page.calendar import MAX_SENT, Cell, Fold, build_calendar
from reconciler.web.page.cards import build_cards
from reconciler.web.page.filters import Filters
from reconciler.web.page.rows import build_rows


def test_strip_shows_every_state_in_words() -> None:
    """Sent windows come first, then the one that is due, then those to come, each with a word and a symbol."""
    calendar = build_calendar(build_every_window(), NOW + 2 * DAY)
    assert [f"{cell.symbol} {cell.state}" for cell in calendar.cells] == [
        "✓ done",
        "✗ failed",
        "✗ refused",
        "? unknown",
        "▸ running",
        "! overdue",
        "○ to come",
        "○ to come",
        "○ to come",
    ]
    assert calendar.cells[-1] == Cell(
        "to come", "○", "later", "2027-01-01", "2027-02-01", "due from 2027-02-01 01:00 (2027-02-01 00:00Z)"
    )
    assert calendar.watermark.endswith("everything before 2026-09-01 00:00 (2026-08-31 22:00Z) has been exported")
    assert calendar.next_step == "each export is sent without another review"


def test_strip_shows_what_was_left_out() -> None:
    """A stretch that was left out has a cell of its own among the windows, with the reason."""
    stored_record = build_recurring_record(SEPTEMBER)
    assert stored_record.recurrence
    omissions = (Omission(SEPTEMBER.end, OCTOBER.end, OmissionCause.CONTINUE_FROM),)
    recurrence = replace(stored_record.recurrence, watermark=OCTOBER.end, omissions=omissions)
    calendar = build_calendar(build_windows(replace(stored_record, recurrence=recurrence), QUIET), QUIET)
    description = "not counted as exported, because window.continueFrom left it out"
    assert calendar.cells[1] == Cell("left out", "⊘", "omitted", "2026-10-01", "2026-11-01", description)
    assert calendar.watermark.endswith("left out: 2026-10-01 to 2026-11-01")


def test_strip_follows_the_clock_between_runs() -> None:
    """A window that became due after the last run is due on the page, and then overdue."""
    windows = build_windows(build_recurring_record(SEPTEMBER), QUIET)
    states = [build_calendar(windows, now).cells[1].state for now in (QUIET, NOW, NOW + DAY)]
    assert states == [WindowState.TO_COME, WindowState.DUE, WindowState.OVERDUE]


def test_long_strip_is_cut_and_counts_earlier_windows() -> None:
    """The strip shows the last sent windows, and counts those before them."""
    windows = build_windows(build_daily_record(), every=Period.DAY)
    calendar = build_calendar(windows, QUIET)
    assert sum(cell.state == "done" for cell in calendar.cells) == MAX_SENT
    assert calendar.more == len(windows.sent) - MAX_SENT == 6


@pytest.mark.parametrize(("exit_code", "level"), [(0, "note"), (1, "warning")])
def test_held_write_that_a_person_should_know_of_is_more_severe(exit_code: int, level: str) -> None:
    """A held write is a note. If it makes the run fail, it is a warning with another label, also on the card."""
    held = association("export", "held", exit_code=exit_code)
    status = build_status(build_target_status(report(held)))
    assert [row.level for row in build_rows(status, lambda _report, _origin: None)] == [level]
    (card,) = build_cards(status, HOUR)
    label = "held, exit code 1" if exit_code else "held"
    assert (card.state_text, card.level) == ((label if exit_code else "waiting"), level)
    assert [(each.state.label, each.state.level, each.count) for each in card.counts] == [(label, level, 1)]


def test_overdue_association_has_a_badge_and_a_chip() -> None:
    """An overdue window gives its row a badge, and its card a chip and its state. All have the colour of its cell.

    A run that sends the window, or is about to, has none.
    """
    windows = build_windows(build_recurring_record(SEPTEMBER), QUIET)
    waiting = association("export", "held", windows=windows, exit_code=1)
    sending = association("other", "update", windows=windows)
    status = replace(build_status(build_target_status(report(waiting, sending))), now=NOW + DAY)
    (card,) = build_cards(status, 9 * DAY)
    assert (card.state_text, card.level) == ("overdue", "error")
    chips = [(each.state.label, each.state.level, each.count) for each in card.counts]
    assert chips == [("overdue", "error", 1), ("to update", "note", 1)]
    rows = [
        row for row in build_rows(status, lambda _report, _origin: None) if row.matches(Filters(decisions=("overdue",)))
    ]
    assert [(row.association.name, row.badges[0], row.level) for row in rows] == [("export", OVERDUE_BADGE, "error")]
    assert rows[0].calendar
    assert rows[0].calendar.cells[1].level == OVERDUE_BADGE.level


def test_failed_window_says_that_it_is_exported_again() -> None:
    """The cell of a failed window, which stands before a window that begins at the same time, has a note."""
    cells = build_calendar(build_repeated_windows(), QUIET).cells
    assert [cell.note for cell in cells[:2]] == ["exported again with the next window", ""]
    assert cells[0].start == cells[1].start


def test_old_done_windows_are_folded() -> None:
    """A narrow screen shows one cell for the old done windows, and the last two. One old window is no fold."""
    calendar = build_calendar(build_windows(build_daily_record(), every=Period.DAY), QUIET)
    assert calendar.fold == Fold(7, "✓", "none", "2026-10-06", "2026-10-13")
    assert [cell.is_old for cell in calendar.cells] == [True] * 7 + [False] * (len(calendar.cells) - 7)
    short = build_calendar(build_every_window(), NOW)
    assert (short.fold, any(cell.is_old for cell in short.cells)) == (None, False)


def test_strip_says_that_more_windows_are_due() -> None:
    """A strip that ends at a due window says how many more are due."""
    missed = build_windows(build_daily_record(), NOW, every=Period.DAY, missed=Missed.EACH)
    assert build_calendar(missed, NOW).more_due == "13 more windows are due: reconcile windows lists them"
    assert build_calendar(build_repeated_windows(), QUIET).more_due is None


def test_row_has_a_strip_only_with_windows() -> None:
    """A row has the strip at the time of the page if its manifest has recurring windows."""
    plain = association("export", "in-sync")
    recurring = replace(plain, name="monthly", windows=build_windows(build_recurring_record(SEPTEMBER), QUIET))
    status = build_status(build_target_status(report(plain, recurring)))
    rows = {row.association.name: row.calendar for row in build_rows(status, lambda _report, _origin: None)}
    assert rows["export"] is None
    assert rows["monthly"]
    assert rows["monthly"].cells[1].state == WindowState.DUE
