"""Time before the watermark that was not exported stays known as left out, until an export includes it."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime

import pytest
from support.builders import SETTLE, recurring_manifest, window
from support.exports import Export, at, expect, span

from reconciler.core.journal.jobs import Omission, OmissionCause, Recurrence
from reconciler.core.plan.decision import Blocked
from reconciler.core.plan.recurring.omissions import include, leave_out, move_watermark
from reconciler.core.windows.declaration import Missed
from reconciler.core.windows.due import Window

SKIP, CONTINUE_FROM = OmissionCause


def start_export() -> Export:
    """Return an export of each month, whose January has completed and whose February has failed."""
    export = Export(recurring_manifest(window(missed=Missed.EACH)), at(2, 1, 1))
    export.run()
    export.finish()
    export.run()
    export.now = at(3, 1, 1)
    export.run()
    export.finish("FAILED")
    return export


def test_skipped_window_is_left_out() -> None:
    """The window that window.skip passes over is left out, and stays so after the next export."""
    export = start_export()
    export.edit_window(skip=(date(2026, 2, 1),))
    export.run()
    assert (export.watermark, export.recurrence.start) == (at(3), at(1))
    export.now = at(4, 1, 1)
    export.run()
    export.finish()
    export.run()
    assert export.watermark == at(4)
    assert export.recurrence.omissions == (Omission(at(2), at(3), SKIP),)


def test_skipped_window_that_began_later_leaves_out_what_was_not_exported() -> None:
    """Under merge, the failed window begins at the watermark, so everything from there on is left out."""
    export = start_export()
    export.edit_window(missed=Missed.MERGE)
    export.now = at(4, 1, 1)
    export.run()
    export.finish("FAILED")
    export.edit_window(missed=Missed.EACH, skip=(date(2026, 2, 1),))
    export.run()
    assert export.recurrence.omissions == (Omission(at(2), at(4), SKIP),)


def test_time_before_continue_from_is_left_out() -> None:
    """If window.first is later than the watermark, window.continueFrom leaves out the time in between."""
    export = start_export()
    export.edit_policy(generation=2)
    export.wait(SETTLE)
    export.run()
    export.finish()
    export.run()
    export.edit_window(first=date(2026, 6, 1), continue_from=at(6))
    export.now = at(6)
    export.run()
    expected = (Omission(at(3), at(6), CONTINUE_FROM),)
    assert (export.watermark, export.recurrence.omissions) == (at(6), expected)
    export.edit_window(first=date(2026, 1, 1), continue_from=None)
    export.run()
    assert (export.watermark, export.recurrence.omissions) == (at(6), expected)


def test_word_of_a_person_on_what_was_exported_leaves_nothing_out() -> None:
    """Where List shows a window of somebody else, window.continueFrom says that everything before was exported.

    A raised generation is needed as well, because the data after it counts as exported.
    """
    export = start_export()
    export.edit_window(skip=(date(2026, 2, 1),))
    export.run()
    export.now = at(6)
    export.show(Window(at(5, 2), at(5, 9)))
    export.run()
    export.wait(SETTLE)
    export.edit_window(continue_from=at(2, 15))
    expect(export.run(), Blocked, (1, 0), "data would be exported once more")
    export.edit_policy(generation=2)
    export.run()
    assert export.watermark == at(2, 15)  # the window in List begins later
    assert export.recurrence.omissions == (Omission(at(2), at(2, 15), SKIP),)


@pytest.mark.parametrize(
    ("end", "omissions"), [(at(2), ()), (at(3), ()), (at(4), (Omission(at(3), at(4), SKIP),))], ids=str
)
def test_only_a_later_watermark_leaves_something_out(end: datetime, omissions: tuple[Omission, ...]) -> None:
    """An end before or at the watermark leaves out nothing."""
    recurrence = leave_out(Recurrence(at(3), at(1)), end, SKIP)
    assert recurrence.omissions == omissions
    assert recurrence.watermark == max((at(3), *(each.end for each in omissions)))


STRETCH = Omission(at(2), at(4), SKIP)


@pytest.mark.parametrize(
    ("watermark", "start", "omissions"),
    [
        (at(5), at(1), (STRETCH,)),
        (at(3), at(1), (replace(STRETCH, end=at(3)),)),
        (at(2), at(1), ()),
        (at(1) - SETTLE, at(1) - SETTLE, ()),
    ],
    ids=str,
)
def test_earlier_watermark_forgets_what_follows_it(
    watermark: datetime, start: datetime, omissions: tuple[Omission, ...]
) -> None:
    """What a person sets to be exported again is not left out."""
    moved = move_watermark(Recurrence(at(5), at(1), omissions=(STRETCH,)), watermark)
    assert (moved.watermark, moved.start, moved.omissions) == (watermark, start, omissions)


@pytest.mark.parametrize(
    ("window", "omissions"),
    [
        (span(4, 5), (STRETCH,)),
        (span(1, 5), ()),
        (span(1, 3), (replace(STRETCH, start=at(3)),)),
        (span(3, 4), (replace(STRETCH, end=at(3)),)),
        (Window(at(2, 10), at(2, 20)), (replace(STRETCH, end=at(2, 10)), replace(STRETCH, start=at(2, 20)))),
    ],
    ids=str,
)
def test_export_of_a_stretch_ends_its_omission(window: Window, omissions: tuple[Omission, ...]) -> None:
    """The part of a stretch that a completed window includes is not left out any more."""
    assert include(Recurrence(at(5), at(1), omissions=(STRETCH,)), window).omissions == omissions
