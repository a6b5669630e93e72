"""A fixed window replaces recurring windows, or precedes them: what was exported is not forgotten."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, timedelta

import pytest
from support.builders import SETTLE, manifest, recurring_manifest, window
from support.exports import (
    DAY,
    HOUR,
    Export,
    at,
    build_fixed_manifest,
    complete_early,
    expect,
    lose,
    span,
    start_export,
)

from reconciler.core.apply.outcome import Outcome, Refused, Unknown
from reconciler.core.journal.records import Bound
from reconciler.core.model import Json, Manifest
from reconciler.core.plan.decision import (
    Blocked,
    Changed,
    Held,
    InSync,
    Lost,
)
from reconciler.core.plan.write import Create, Update
from reconciler.core.windows.declaration import Period
from reconciler.core.windows.due import Window

HALF = Window(at(2), at(2, 15))


@pytest.mark.parametrize("shown", [span(1, 2), span(2, 3), span(3, 4)])
def test_fixed_window_where_there_is_a_watermark_sends_nothing(shown: Window) -> None:
    """A fixed window in an older revision sends nothing, and a raised generation replaces the recurring windows."""
    export = start_export()
    export.run()
    export.finish()
    export.run()
    export.manifest, export.now = build_fixed_manifest(shown), at(5)
    expect(export.run(), Changed, (1, 0), "the manifest no longer has its recurring windows")
    assert len(export.sent) == 2
    export.edit_policy(generation=2)
    kind = InSync if shown == span(2, 3) else Update
    expect(export.run(), kind)
    assert (export.recurrence.is_replaced, export.watermark) == (True, at(3))
    export.finish()
    expect(export.run(), InSync)


def replace_by_fixed_window(shown: Window, now: datetime) -> tuple[Export, Manifest]:
    """Return an export of January and February, after a person sent a fixed window, and its manifest from before."""
    export = start_export()
    export.run()
    export.finish()
    export.run()
    monthly, export.manifest, export.now = export.manifest, build_fixed_manifest(shown), now
    export.edit_policy(generation=2)
    expect(export.run(), Update)
    export.finish()
    export.run()
    return export, monthly


def test_recurring_windows_return_to_their_watermark() -> None:
    """After a fixed window, the recurring windows continue where they stopped. What was exported is not sent again.

    A person has to raise policy.generation, because the window is an older declaration.
    """
    export, monthly = replace_by_fixed_window(span(1, 2), at(3, 10))
    past = [(each.start, each.job.result) for each in export.recurrence.past]
    assert past == [(at(1), "COMPLETED"), (at(2), "COMPLETED")]
    export.manifest, export.now = monthly, at(4, 1, 1)
    expect(export.run(), Changed, text="policy.generation is 1 and was 2 before")
    export.edit_policy(generation=2)
    expect(export.run(), Changed, text="this window is an older one, which a later revision replaced")
    export.edit_policy(generation=3)
    expect(export.run(), Update)
    assert export.sent[-1] == span(3, 4)
    assert not export.recurrence.is_replaced
    assert [each.start for each in export.recurrence.past] == [at(1), at(2), at(1)]


def test_new_window_returns_to_the_watermark_without_a_raised_generation() -> None:
    """A window that no run acted on before cannot be an older revision. Its windows begin at the watermark."""
    export, monthly = replace_by_fixed_window(span(1, 2), at(3, 10))
    export.manifest, export.now = monthly, at(4, 1, 1)
    export.edit_window(delay=timedelta(minutes=30))
    export.edit_policy(generation=2)
    expect(export.run(), Update)
    assert export.sent[-1] == span(3, 4)


def test_raise_for_the_return_of_a_window_does_not_repeat_an_unanswered_update() -> None:
    """The raised generation that permits an older window declaration has no other effect. A second one sends.

    The fixed update has no answer, so its export may have run, and the first person did not speak of it.
    """
    export, monthly = replace_by_fixed_window(span(1, 2), at(3, 10))
    export.manifest, export.now = build_fixed_manifest(span(3, 4)), at(4, 2)
    export.edit_policy(generation=2)
    expect(export.run(Unknown("timeout")), Update)
    sent = len(export.sent)
    export.wait(DAY)
    export.manifest = monthly
    export.edit_policy(generation=3)
    text = "its answer is unknown: look in AWS for its export, and raise policy.generation above 3"
    expect(export.run(), Blocked, (1, 0), text)
    expect(export.run(), Blocked, (1, 0), text)
    assert (len(export.sent), export.recurrence.is_replaced) == (sent, False)
    export.edit_policy(generation=4)
    expect(export.run(), Update)
    assert export.sent[-1] == span(3, 4)


@pytest.mark.parametrize(("shown", "sent"), [(span(4, 5), span(3, 6)), (span(3, 5), span(5, 6))])
def test_fixed_window_moves_the_watermark_only_without_a_gap(shown: Window, sent: Window) -> None:
    """A fixed window that begins after the watermark leaves it where it is, so nothing is left out."""
    export, monthly = replace_by_fixed_window(shown, at(5, 2))
    export.manifest, export.now = monthly, at(6, 1, 1)
    export.edit_policy(generation=3)
    expect(export.run(), Update)
    assert export.sent[-1] == sent


def test_running_fixed_window_after_the_watermark_hides_no_overdue_one() -> None:
    """While the job of a later fixed window runs, the window at the watermark is the next one."""
    export, monthly = replace_by_fixed_window(span(1, 2), at(3, 10))
    export.manifest = build_fixed_manifest(span(4, 5))
    export.now = at(5, 2)
    export.edit_policy(generation=3)
    expect(export.run(), Update)
    export.manifest = monthly
    export.edit_policy(generation=3)
    expect(export.run(), Changed, (1, 0), "2026-03-01 to 2026-05-01 has been due since 2026-04-01 01:00:00Z")
    export.edit_policy(generation=4)
    expect(export.run(), Held, (1, 0), "2026-03-01 to 2026-05-01 has been due since 2026-04-01 01:00:00Z")


def test_fixed_window_that_recreates_a_lost_association_keeps_the_watermark() -> None:
    """A Create of a fixed window after a loss keeps what is known of the recurring windows."""
    export = start_export()
    export.run()
    export.finish()
    export.run()
    export.manifest, export.now = build_fixed_manifest(span(1, 2)), at(3, 10)
    lose(export)
    expect(export.run(), Lost, (1, 0))
    export.edit_policy(generation=2)
    expect(export.run(), Create)
    assert (export.recurrence.is_replaced, export.watermark) == (True, at(3))
    assert [each.start for each in export.recurrence.past] == [at(1), at(2)]


def lose_fixed_window(shown: Window, status: str = "COMPLETED") -> Export:
    """Return an export whose fixed window has ended, and whose association has left List. Its manifest has a window."""
    export = Export(build_fixed_manifest(shown), shown.end + HOUR)
    export.run()
    export.finish(status)
    export.run()
    export.wait(DAY)
    lose(export)
    export.manifest = recurring_manifest(window())
    return export


@pytest.mark.parametrize(("status", "sent"), [("COMPLETED", span(2, 3)), ("FAILED", span(1, 2))])
def test_lost_fixed_window_tells_where_recurring_windows_begin(status: str, sent: Window) -> None:
    """What the journal saw exported is not sent again by a Create, and stays in the list of past windows."""
    export = lose_fixed_window(span(1, 2), status)
    expect(export.run(), Lost, (1, 0), "to create it again, which exports from the watermark on")
    export.edit_policy(generation=2)
    export.now = at(3, 2)
    expect(export.run(), Create)
    assert export.sent[-1] == sent
    assert [each.job.result for each in export.recurrence.past] == [status]


def test_lost_fixed_window_off_the_boundaries_needs_the_word_of_a_person() -> None:
    """Without window.continueFrom, nothing is created after the loss of another fixed window."""
    export = lose_fixed_window(HALF)
    expect(export.run(), Lost, (1, 0), "but its last export had the window 2026-02-01 to 2026-02-15, which does not")
    export.edit_policy(generation=2)
    expect(export.run(), Blocked, (1, 1), "set window.continueFrom to the time")
    export.edit_window(continue_from=HALF.end)
    expect(export.run(), Held, text="the window ends at 2026-03-01")
    export.now = at(3, 2)
    expect(export.run(), Create)
    assert export.sent[-1] == Window(HALF.end, at(3))


@pytest.mark.parametrize(("status", "start"), [("COMPLETED", HALF.end), ("FAILED", at(2, 10))])
def test_completed_fixed_window_that_was_lost_beats_continue_from(status: str, start: datetime) -> None:
    """A continueFrom within the fixed window of a lost association sends nothing again that was exported."""
    export = lose_fixed_window(HALF, status)
    export.edit_policy(generation=2)
    export.edit_window(continue_from=at(2, 10))
    export.now = at(3, 2)
    expect(export.run(), Create)
    assert export.sent[-1] == Window(start, at(3))


def test_lost_export_without_a_window_says_that_the_first_one_is_sent() -> None:
    """Exports without a window tell nothing about what was exported."""
    schedule: Json = {"ExecutionMode": "SCHEDULED", "ScheduleConfiguration": {"ScheduleExpression": "rate(1 hour)"}}
    export = Export(manifest(ExecutionConfiguration=schedule), at(2, 2))
    export.run()
    export.wait(DAY)
    lose(export)
    export.manifest = recurring_manifest(window())
    expect(export.run(), Lost, (1, 0), "to create it again, which exports the first window")


@pytest.mark.parametrize(
    ("every", "days"),
    [(Period.DAY, 1), (Period.WEEK, 7), (Period.MONTH, 31), (Period.QUARTER, 92), (Period.YEAR, 366)],
)
def test_removed_window_is_trouble_once_the_next_one_is_overdue(every: Period, days: int) -> None:
    """A manifest without its window has exit code 1 once the next window is overdue, also over daylight saving."""
    export = Export(recurring_manifest(window(every=every)), at(2, 1, 1))
    export.manifest = recurring_manifest(window(every=every, backfill=date(2027, 12, 31)))
    export.now = at(1, 1) + timedelta(days=days, hours=1)
    export.run()
    export.finish()
    export.run()
    watermark = export.watermark
    export.manifest = build_fixed_manifest(span(3, 4))
    export.now = watermark + timedelta(days=days) + timedelta(hours=2 + 1 + 24)
    text = "the next window has been due for more than a day, unless window.last ended the windows"
    expect(export.run(), Changed, (1, 0), text)
    export.now -= timedelta(seconds=1)
    expect(export.run(), Changed, (0, 0))


def test_removed_window_is_no_trouble_while_the_sent_one_is_the_last_due() -> None:
    """The time of the next window follows the last one that was sent, although the watermark stands before it."""
    export = start_export()
    export.run()
    export.manifest = build_fixed_manifest(span(4, 5))
    export.now = at(3, 20)
    expect(export.run(), Changed, (0, 0))


def test_removed_window_hides_no_failed_export() -> None:
    """A manifest without its window, or with an older one, has exit code 1 if the last window failed."""
    export = start_export()
    export.run()
    export.finish("FAILED")
    export.run()
    export.manifest = build_fixed_manifest(span(4, 5))
    expect(export.run(), Changed, (1, 0), "; the last export FAILED")


@pytest.mark.parametrize("outcome", [Unknown("timeout"), Refused("no")])
def test_removed_window_hides_no_update_without_an_effect(outcome: Outcome) -> None:
    """A manifest without its window has exit code 1 if the last update had no known answer, or was refused."""
    export = start_export()
    export.run(outcome)
    export.wait(SETTLE)
    export.manifest = build_fixed_manifest(span(4, 5))
    expect(export.run(), Changed, (1, 0), "last update")


def test_removed_window_hides_no_window_that_list_shows_no_more() -> None:
    """Without its window, the exit code is 1 a settle time after List shows an earlier window again.

    A raised generation sends the fixed window, although the job of the last one has not ended.
    """
    export = start_export()
    export.run()
    export.manifest = build_fixed_manifest(span(4, 5))
    expect(export.run(), Changed, (0, 0))
    export.now = at(6)
    export.show(span(1, 2))
    decision = export.run()
    assert isinstance(decision, Changed)
    assert "List no longer shows" not in decision.reason
    export.wait(SETTLE)
    expect(export.run(), Changed, (1, 0), "; List no longer shows the last update, whose export had not ended")
    export.edit_policy(generation=2)
    export.set_status("IN_PROGRESS")
    expect(export.decide(), Held, (1, 0), "may still be running")
    export.set_status("COMPLETED")
    expect(export.run(), Update, text="List no longer shows the last update")
    assert export.sent[-1] == span(4, 5)


def test_lost_export_of_a_removed_window_says_what_a_raised_generation_sends() -> None:
    """A lost recurring export whose manifest has a fixed window now is not repeated: the fixed one is sent."""
    export = start_export()
    export.run()
    export.manifest = build_fixed_manifest(span(3, 4))
    export.live = None
    export.now = at(5)
    export.run()
    export.wait(SETTLE)
    expect(export.run(), Lost, (1, 0), "to create it again, which sends the export of this manifest")
    export.edit_policy(generation=2)
    expect(export.run(), Create)
    assert export.sent[-1] == span(3, 4)


def test_fixed_window_sends_nothing_while_a_window_is_unresolved() -> None:
    """A fixed window in an older revision does not overtake an Update of a recurring window that has no answer."""
    export = start_export()
    export.run(Unknown("no answer"))
    export.manifest = build_fixed_manifest(span(3, 4))
    export.now = at(5)
    expect(export.run(), Changed, (1, 0))


def test_fixed_window_hides_no_revoked_export() -> None:
    """A run with a fixed window that sees that the last export failed takes its watermark back."""
    export = complete_early(start_export())
    monthly, export.manifest = export.manifest, build_fixed_manifest(span(4, 5))
    export.set_status("FAILED")
    expect(export.run(), Changed, (1, 0), "the last export FAILED")
    assert export.watermark == at(2)
    export.manifest = monthly
    expect(export.run(), Held, (1, 0), "its window is exported again with the next one")


def test_export_that_a_fixed_window_sees_completed_is_not_sent_again() -> None:
    """The run that sends a fixed window counts the recurring one whose end it sees at the same time."""
    export = start_export()
    export.run()
    monthly, export.manifest = export.manifest, build_fixed_manifest(Window(at(1, 10), at(1, 20)))
    export.edit_policy(generation=2)
    expect(export.run(), Held)
    export.set_status("COMPLETED")
    export.wait(SETTLE)
    expect(export.run(), Update)
    assert export.watermark == at(3)
    export.finish()
    export.run()
    export.manifest, export.now = monthly, at(4, 1, 1)
    export.edit_policy(generation=3)
    expect(export.run(), Update)
    assert export.sent[-1] == span(3, 4)


def test_adjoining_fixed_windows_move_the_watermark() -> None:
    """Fixed windows that continue from the watermark one after the other are not exported again on the return."""
    export, monthly = replace_by_fixed_window(span(3, 4), at(4, 2))
    assert export.watermark == at(4)
    export.manifest, export.now = build_fixed_manifest(span(4, 5)), at(5, 2)
    export.edit_policy(generation=2)
    expect(export.run(), Update)
    export.finish()
    export.run()
    export.manifest, export.now = monthly, at(6, 1, 1)
    export.edit_policy(generation=3)
    expect(export.run(), Update)
    assert export.sent[-1] == span(5, 6)


def test_skip_of_a_later_fixed_window_leaves_out_nothing_before_it() -> None:
    """window.skip of a fixed window after the watermark leaves the watermark where it is."""
    export, monthly = replace_by_fixed_window(span(4, 5), at(5, 2))
    export.manifest = monthly
    export.edit_window(skip=(date(2026, 4, 1),))
    export.edit_policy(generation=3)
    state = export.record.state
    assert isinstance(state, Bound)
    failed_state = replace(state, job=replace(export.job, result="FAILED"))
    export.journal = export.journal.with_records(replace(export.record, state=failed_state))
    export.set_status("FAILED")
    expect(export.run(), Update)
    assert (export.sent[-1], export.recurrence.omissions) == (span(3, 5), ())
