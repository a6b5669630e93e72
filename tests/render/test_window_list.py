"""The list of windows is aligned text, and JSON in the form of the report."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date

import pytest
from render.formats.test_hostile import HOSTILE_TEXTS
from support.builders import journal
from support.recurring import (
    AUGUST,
    DAY,
    NOVEMBER,
    OCTOBER,
    QUIET,
    SEPTEMBER,
    build_every_window,
    build_job,
    build_recurring_manifest,
    build_recurring_record,
)

from reconciler.core.journal.jobs import Omission, OmissionCause, PastWindow
from reconciler.core.report.window_list import WindowList, list_windows
from reconciler.core.windows.declaration import Missed, Period
from reconciler.render.window_list import render_json, render_text

JOURNAL = journal(build_recurring_record())
PLACE = "123456789012 us-east-1"


def test_windows_are_listed_in_columns() -> None:
    """The text has a line for each window: its state, its beginning and end, and when it was or will be sent."""
    listing = list_windows(build_recurring_manifest(), JOURNAL, NOVEMBER.start, date(2026, 12, 1))
    assert listing
    listing = replace(listing, report=replace(listing.report, now=NOVEMBER.start.replace(hour=23, minute=59)))
    assert render_text(listing, "prod", PLACE).splitlines() == [
        "export  export.yaml:1  target prod  123456789012 us-east-1",
        "windows in Europe/Berlin: everything before 2026-10-01 00:00 (2026-09-30 22:00Z) has been exported",
        (
            "  done     2026-09-01 to 2026-10-01  Update sent 2026-10-01 01:00 (2026-09-30 23:00Z), accepted by AWS, "
            "seen in List 2026-09-30 23:15Z, end seen 2026-10-01 00:00Z"
        ),
        "  to come  2026-10-01 to 2026-11-01  due from 2026-11-01 01:00 (2026-11-01 00:00Z)",
        "  to come  2026-11-01 to 2026-12-01  due from 2026-12-01 01:00 (2026-12-01 00:00Z)",
        "  to come  2026-12-01 to 2027-01-01  due from 2027-01-01 01:00 (2027-01-01 00:00Z)",
        "each export is sent without another review",
    ]


def test_left_out_stretch_is_listed_between_the_windows() -> None:
    """The list shows what was left out in its place among the windows, with the reason."""
    stored_record = build_recurring_record(
        OCTOBER, None, None, PastWindow(AUGUST.start, AUGUST.end, build_job(AUGUST.end))
    )
    assert stored_record.recurrence
    omissions = (
        Omission(SEPTEMBER.start, SEPTEMBER.end, OmissionCause.SKIP),
        Omission(OCTOBER.end, NOVEMBER.end, OmissionCause.CONTINUE_FROM),
    )
    recurrence = replace(stored_record.recurrence, watermark=NOVEMBER.end, omissions=omissions)
    listing = list_windows(
        build_recurring_manifest(), journal(replace(stored_record, recurrence=recurrence)), NOVEMBER.start, None
    )
    assert listing
    lines = render_text(listing, "prod", PLACE).splitlines()
    assert [line[2:10] for line in lines[2:7]] == ["done    ", "left out", "done    ", "left out", "to come "]
    assert lines[3].endswith("2026-09-01 to 2026-10-01  not counted as exported, because window.skip left it out")
    assert lines[5].endswith("not counted as exported, because window.continueFrom left it out")


def test_due_window_shows_since_when() -> None:
    """A window that is due shows since when, and how many periods it merges. A list that is cut says so."""
    listing = list_windows(build_recurring_manifest(every=Period.DAY), JOURNAL, QUIET, date.max)
    assert listing
    lines = render_text(listing, "prod", PLACE).splitlines()
    since = "14 periods merged, the first due since 2026-10-02 01:00 (2026-10-01 23:00Z)"
    assert lines[3] == f"  overdue  2026-10-01 to 2026-10-15  {since}"
    assert lines[-2] == "only the next 1,000 windows are listed: use an earlier date"


def test_list_without_a_date_counts_the_due_windows_after_it() -> None:
    """A list without a date ends after twelve windows to come, and says how many more are due."""
    manifest, now = build_recurring_manifest(every=Period.DAY, missed=Missed.EACH), QUIET + 9 * DAY
    lines = {}
    for until in (None, date(2026, 10, 2)):
        listing = list_windows(manifest, JOURNAL, now, until)
        assert listing
        lines[until] = [each for each in render_text(listing, "prod", PLACE).splitlines() if "more windows" in each]
    assert lines == {
        None: ["10 more windows are due: to list them, use a later date with --until"], date(2026, 10, 2): []
    }  # fmt: skip


def test_list_without_its_later_windows_says_so() -> None:
    """If every window that was not sent begins after the date, the list says so, and not that none is to come."""
    listing = list_windows(build_recurring_manifest(), JOURNAL, NOVEMBER.end, date(2020, 1, 1))
    assert listing
    lines = render_text(listing, "prod", PLACE).splitlines()
    assert lines[-1] == "every window that was not sent begins later: use a later date with --until"
    assert len(lines) == 4


def test_early_date_does_not_end_the_exports() -> None:
    """If something was left out and the list ends early, exports continue. They end only without a window."""
    stored_record = build_recurring_record(SEPTEMBER)
    assert stored_record.recurrence
    omission = Omission(AUGUST.start, AUGUST.end, OmissionCause.SKIP)
    recurrence = replace(stored_record.recurrence, start=AUGUST.start, omissions=(omission,))
    stored_journal = journal(replace(stored_record, recurrence=recurrence))
    for last, verb in ((None, "continue from"), (date(2026, 9, 1), "ended at")):
        for until in (None, date(2026, 9, 1)):
            listing = list_windows(build_recurring_manifest(last=last), stored_journal, QUIET, until)
            assert listing
            assert f": exports {verb} 2026-10-01 00:00" in render_text(listing, "prod", PLACE).splitlines()[1]


@pytest.mark.parametrize("hostile", HOSTILE_TEXTS)
def test_hostile_text_cannot_break_the_list(hostile: str) -> None:
    """A hostile name, or a hostile message of AWS, adds no line and no control character."""
    listing = WindowList(replace(build_recurring_manifest(), name=hostile), build_every_window(hostile))
    plain = WindowList(build_recurring_manifest(), build_every_window())
    text = render_text(listing, hostile, hostile)
    assert text.count("\n") == render_text(plain, "prod", PLACE).count("\n")
    assert all(char.isprintable() or char == "\n" for char in text)
    assert not [line for line in text.splitlines() if line.lstrip().startswith("::")]
    document = json.loads(render_json(listing, hostile, hostile, hostile))
    assert document["manifest"]["name"] == document["target"]["name"] == hostile
    assert document["windows"]["past"][2]["error"] == hostile
    assert document["complete"] is True
