"""Recurring windows are sent when they are due, join without gaps, and move the watermark only when COMPLETED."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.builders import SETTLE, recurring_manifest, window
from support.exports import DAY, HOUR, Export, at, expect, get_exit_codes, span

from reconciler.core.apply.outcome import NotSent, Outcome, RefusalKind, Refused, Unknown
from reconciler.core.journal.records import CreatePending
from reconciler.core.model import Manifest
from reconciler.core.plan.decision import (
    Blocked,
    Decision,
    Finished,
    Held,
    InSync,
    Lost,
    Settling,
    get_planned_write,
    get_reviewed_write,
)
from reconciler.core.plan.write import Create, Update
from reconciler.core.windows.declaration import Missed, WindowDeclaration
from reconciler.core.windows.due import Window

DUE = at(2, 1, 1)
SECOND = timedelta(seconds=1)


def start_export(manifest: Manifest | None = None) -> Export:
    """Return an export of January whose job has completed. It is February 1, 01:00 UTC."""
    export = Export(manifest or recurring_manifest(), DUE)
    export.run()
    export.finish()
    export.run()
    return export


def start_export_at(declaration: WindowDeclaration, now: datetime) -> Export:
    """Return an export whose first job has completed."""
    export = Export(recurring_manifest(declaration), now)
    export.run()
    export.finish()
    export.run()
    return export


# The first send


def test_first_send_is_a_create_of_exactly_one_period() -> None:
    """The first window is a Create from `first` to the next boundary."""
    export = Export(recurring_manifest(), DUE)
    assert isinstance(export.run(), Create)
    assert export.sent == [span(1, 2)]


@pytest.mark.parametrize("missed", Missed)
def test_first_send_is_one_period_also_if_several_are_due(missed: Missed) -> None:
    """With backfill, the first window is still one period, and the next ones follow once it has completed."""
    export = Export(recurring_manifest(window(missed=missed, backfill=date(2026, 4, 1))), at(4, 1, 1))
    export.run()
    export.finish()
    assert isinstance(export.run(), Update)
    assert export.sent == [span(1, 2), span(2, 4) if missed is Missed.MERGE else span(2, 3)]


@pytest.mark.parametrize(
    ("backfill", "kind"), [(None, Blocked), (date(2026, 3, 31), Blocked), (date(2026, 4, 1), Create)]
)
@pytest.mark.parametrize("missed", Missed)
def test_several_due_windows_are_blocked_without_backfill(
    missed: Missed, backfill: date | None, kind: type[object]
) -> None:
    """Several due windows at the first send are blocked unless no due boundary is later than `backfill`."""
    export = Export(recurring_manifest(window(missed=missed, backfill=backfill)), at(4, 1, 1))
    decision = export.decide()
    assert isinstance(decision, kind)
    if isinstance(decision, Blocked):
        assert get_exit_codes(decision) == (1, 1)
        assert "set window.backfill to 2026-04-01" in decision.reason


@pytest.mark.parametrize("delay", [timedelta(0), HOUR, 3 * DAY])
def test_first_send_waits_for_the_delay_and_is_reviewed(delay: timedelta) -> None:
    """A first Create that is not due is held by itself, and belongs to the digest of the plan."""
    export = Export(recurring_manifest(window(delay=delay)), at(2) + delay - SECOND)
    decision = export.decide()
    assert isinstance(decision, Held)
    assert (decision.is_temporary, get_exit_codes(decision)) == (True, (0, 0))
    assert get_reviewed_write(decision) is decision.write
    export.wait(SECOND)
    assert isinstance(export.decide(), Create)


def test_token_does_not_depend_on_the_clock() -> None:
    """Machines on either side of a boundary send the same first request with the same token."""
    manifest = recurring_manifest(window(backfill=date(2026, 12, 1)))
    creates = [Export(manifest, now).decide() for now in (at(2, 1, 1), at(3, 1), at(3, 1, 1), at(9, 9))]
    assert all(isinstance(each, Create) for each in creates)
    assert len({(each.token, str(each.request)) for each in creates if isinstance(each, Create)}) == 1


def test_boundary_that_becomes_due_is_no_change_of_an_unanswered_create() -> None:
    """Until the intent is resolved, its window is the request, and a retry sends it with the same token."""
    export = Export(recurring_manifest(), at(3, 1))
    first = export.run(Unknown("no answer"))
    export.wait(2 * SETTLE + HOUR)
    second = export.run(Unknown("no answer"))
    assert isinstance(first, Create)
    assert isinstance(second, Create)
    assert (second.token, second.request) == (first.token, first.request)
    assert isinstance(export.record.state, CreatePending)
    assert export.watermark == at(1)


def test_unanswered_create_is_adopted_with_its_window() -> None:
    """A Create without an answer whose association List shows is adopted, and its job is followed."""
    export = Export(recurring_manifest(), DUE)
    export.run(Unknown("no answer"), is_carried_out=True)
    export.run()
    assert export.watermark == at(1)
    export.finish()
    export.run()
    assert export.watermark == at(2)


# When a window is due


@pytest.mark.parametrize("is_behind", [False, True])
def test_window_is_due_by_both_clocks(is_behind: bool) -> None:
    """A boundary is due when this machine and AWS are both past it by the delay."""
    export = start_export()
    export.now = at(3, 1, 1) if is_behind else at(3, 1, 1) - SECOND
    export.aws_offset = -SECOND if is_behind else HOUR
    assert isinstance(export.decide(), Held if is_behind else InSync)
    export.now, export.aws_offset = at(3, 1, 1), timedelta(0)
    assert isinstance(export.decide(), Update)


def test_nothing_is_due_without_the_date_of_aws() -> None:
    """Without a valid Date in the answer of AWS, no first and no later window is sent. After a day, it is trouble."""
    fresh = Export(recurring_manifest(), DUE)
    for export, due_at in ((start_export(), at(3, 1, 1)), (fresh, DUE)):
        export.aws_offset = None
        export.now = due_at + DAY - SECOND
        expect(export.run(), Held, text="the answer of AWS has no valid Date")
        export.wait(SECOND)
        expect(export.run(), Held, (1, 0), "the answer of AWS has no valid Date")


def test_due_window_waits_for_the_clock_of_aws() -> None:
    """A window that is due by this machine alone is held, with the clock in the reason. After a day, it is trouble."""
    fresh = Export(recurring_manifest(), DUE)
    for export, due_at, verb in ((start_export(), at(3, 1, 1), "update"), (fresh, DUE, "create")):
        export.now, export.aws_offset = due_at + DAY - SECOND, -3 * DAY
        behind = f"the clock of AWS is behind the clock of this machine, and shows {due_at - 2 * DAY - SECOND:%Y-%m-%d}"
        decision = export.run()
        expect(decision, Held, text=behind)
        expect(decision, Held, text=f"sends the {verb} once the clock of AWS has passed {due_at:%Y-%m-%d %H:%M:%S}Z")
        assert isinstance(decision, Held)
        assert (decision.is_temporary, decision.until) == (True, due_at + 3 * DAY)
        export.wait(SECOND)
        expect(export.run(), Held, (1, 0), behind)
        export.wait(3 * DAY)
        assert isinstance(export.run(), Create | Update)


def test_next_window_of_a_running_job_is_overdue_by_the_clock_of_this_machine() -> None:
    """Without the Date of AWS, a window that waits for a running job is held, and is trouble after a day."""
    export = start_export()
    export.now = at(3, 1, 1)
    assert isinstance(export.run(), Update)
    export.now, export.aws_offset = at(4, 1, 1), None
    expect(export.run(), Held, text="may still be running")
    export.wait(DAY)
    expect(export.run(), Held, (1, 0), "may still be running")


@pytest.mark.parametrize("status", [None, "IN_PROGRESS", "QUEUED"])
def test_due_window_waits_for_a_job_that_somebody_else_started(status: str | None) -> None:
    """A missing, unknown or running status means that a job runs, also after the own one has completed."""
    export = start_export()
    export.now = at(3, 1, 1)
    export.set_status(status)
    decision = export.run()
    assert isinstance(decision, Held)
    assert get_exit_codes(decision) == (0, 0)
    export.wait(DAY)
    late = export.run()
    assert isinstance(late, Held)
    assert get_exit_codes(late) == (1, 0)


# The watermark


@pytest.mark.parametrize("status", ["IN_PROGRESS", "FAILED", None])
def test_watermark_moves_only_when_completed(status: str | None) -> None:
    """Sent, answered and FAILED leave the watermark. COMPLETED moves it to the end of the window."""
    export = Export(recurring_manifest(), DUE)
    export.run()
    assert export.watermark == at(1)
    export.finish(status or "IN_PROGRESS")
    export.set_status(status)
    export.run()
    assert export.watermark == at(1)
    export.set_status("IN_PROGRESS")
    export.run()
    export.set_status("COMPLETED")
    export.run()
    assert export.watermark == (at(1) if status == "FAILED" else at(2))


def test_next_window_begins_at_the_watermark_after_a_change_of_zone() -> None:
    """After a change of zone and period, the next window is short, and leaves neither gap nor overlap."""
    export = start_export()
    export.edit_window(zone_name="Europe/Berlin", zone=window(zone="Europe/Berlin").zone)
    export.now = at(2, 28, 23) + HOUR
    assert isinstance(export.run(), Update)
    assert export.sent[-1] == Window(at(2), at(2, 28, 23))


def test_next_window_after_daylight_saving_joins() -> None:
    """A day of 23 hours is one window."""
    berlin = window("day", "Europe/Berlin", first=date(2026, 3, 28))
    export = start_export_at(berlin, at(3, 28, 23) + HOUR)
    export.now = at(3, 29, 22) + HOUR
    export.run()
    assert export.sent == [Window(at(3, 27, 23), at(3, 28, 23)), Window(at(3, 28, 23), at(3, 29, 22))]


def test_journal_keeps_the_last_sixty_windows() -> None:
    """The journal keeps the last 60 windows with their calls, answers and ends."""
    export = start_export_at(window("day"), at(1, 2, 1))
    for _ in range(63):
        export.wait(DAY)
        export.run()
        export.finish()
        export.run()
    past = export.recurrence.past
    assert len(past) == 60
    assert all(each.end == later.start for each, later in pairwise(past))
    assert all((each.job.is_accepted, each.job.result) == (True, "COMPLETED") for each in past)


# Later sends


@pytest.mark.parametrize(
    ("missed", "windows"), [(Missed.MERGE, [span(2, 5)]), (Missed.EACH, [span(2, 3), span(3, 4), span(4, 5)])]
)
def test_missed_windows_are_merged_or_sent_one_by_one(missed: Missed, windows: list[Window]) -> None:
    """Merge sends one window up to the newest due boundary. Each sends one for each period, the oldest first."""
    export = start_export(recurring_manifest(window(missed=missed)))
    export.now = at(5, 1, 1)
    for _ in windows:
        assert isinstance(export.run(), Update)
        export.finish()
    assert isinstance(export.run(), InSync)
    assert export.sent[1:] == windows
    assert export.watermark == at(5)


def test_update_of_a_window_is_not_reviewed() -> None:
    """Updates of windows do not belong to the digest. Under a reviewed plan they are held without trouble."""
    export = start_export()
    export.now = at(3, 1, 1)
    decision = export.decide()
    assert get_reviewed_write(decision) is None
    assert get_planned_write(decision) is decision
    export.has_reviewed_plan = True
    held = export.decide()
    assert isinstance(held, Held)
    assert get_exit_codes(held) == (0, 0)


@pytest.mark.parametrize("missed", Missed)
def test_failed_window_is_no_trouble_of_a_reviewed_plan_unless_it_is_blocked(missed: Missed) -> None:
    """Under a reviewed plan, a held window keeps its reason without trouble. A blocked one still needs a person."""
    export = start_failed_export(missed)
    export.has_reviewed_plan = True
    decision = export.run()
    if missed is Missed.MERGE:
        expect(decision, Held, (0, 0), "its window is exported again with the next one")
    else:
        expect(decision, Blocked, (1, 0), "raise policy.generation above 1")
    assert len(export.sent) == 2


def test_window_refused_once_is_no_trouble_of_a_reviewed_plan() -> None:
    """Under a reviewed plan, an update that AWS refused once is held without trouble, and a suspended one as well."""
    export = start_export()
    export.now = at(3, 1, 1)
    export.run(Refused("ValidationException: not now"))
    expect(export.decide(), Held, (1, 0), "AWS refused the update")
    export.has_reviewed_plan = True
    expect(export.decide(), Held, (0, 0), "AWS refused the update")
    export.edit_policy(suspend=True)
    expect(export.decide(), Held, (0, 0), "policy.suspend")


def test_failed_window_is_exported_again_with_the_next_under_merge() -> None:
    """Under merge, the window of a failed export is part of the next one, which needs no person."""
    export = start_export()
    export.now = at(3, 1, 1)
    export.run()
    export.finish("FAILED")
    waiting = export.run()
    assert isinstance(waiting, Held)
    assert (waiting.is_temporary, get_exit_codes(waiting)) == (True, (1, 0))
    export.now = at(4, 1, 1)
    assert isinstance(export.run(), Update)
    assert export.sent[-1] == span(2, 4)


# The word of a person


def start_failed_export(missed: Missed = Missed.EACH) -> Export:
    """Return an export whose January has completed, and whose February failed a settle time ago."""
    export = start_export(recurring_manifest(window(missed=missed)))
    export.now = at(3, 1, 1)
    export.run()
    export.finish("FAILED")
    export.run()
    export.wait(SETTLE)
    return export


@pytest.mark.parametrize("missed", Missed)
def test_raised_generation_sends_a_failed_window_once_more(missed: Missed) -> None:
    """On a FAILED job, a raised generation sends what is due from the watermark, once."""
    export = start_failed_export(missed)
    export.edit_policy(generation=2)
    assert isinstance(export.run(), Update)
    assert export.sent[1:] == [span(2, 3), span(2, 3)]
    export.finish("FAILED")
    assert isinstance(export.run(), Held if missed is Missed.MERGE else Blocked)


def test_raised_generation_sends_at_most_once_in_a_settle_time() -> None:
    """A failed window is not sent twice within a settle time, however often the generation is raised."""
    export = start_failed_export()
    export.edit_policy(generation=2)
    export.run()
    export.finish("FAILED")
    export.run()
    export.edit_policy(generation=3)
    decision = export.run()
    assert isinstance(decision, Settling)
    assert decision.until == export.job.sent_at + SETTLE
    export.wait(SETTLE)
    assert isinstance(export.run(), Update)
    assert len(export.sent) == 4


@pytest.mark.parametrize(("status", "sent_count"), [("FAILED", 3), ("COMPLETED", 2)])
def test_generation_raised_while_a_job_runs_is_kept_for_that_job(status: str, sent_count: int) -> None:
    """FAILED uses a generation that was raised while the job ran. COMPLETED consumes it without effect."""
    export = start_export(recurring_manifest(window(missed=Missed.EACH)))
    export.now = at(3, 1, 1)
    export.run()
    export.edit_policy(generation=2)
    export.finish()
    assert export.record.generation == 2
    assert export.job.should_repeat
    export.set_status(status)
    export.wait(SETTLE)
    export.run()
    assert len(export.sent) == sent_count
    export.finish("FAILED")
    export.run()
    export.now = at(4, 1, 1)
    if status == "COMPLETED":
        export.run()
        export.finish("FAILED")
    assert isinstance(export.run(), Blocked)


def test_skip_passes_over_a_window_once_and_only_when_blocked() -> None:
    """A skipped date passes over the window that blocks the association. Before that it has no effect."""
    export = start_export(recurring_manifest(window(missed=Missed.EACH)))
    export.edit_window(skip=(date(2026, 2, 1), date(2026, 3, 1)))
    export.now = at(3, 1, 1)
    assert isinstance(export.run(), Update)
    export.finish("FAILED")
    assert isinstance(export.run(), InSync)
    assert (export.watermark, export.recurrence.skipped) == (at(3), (date(2026, 2, 1),))
    export.now = at(4, 1, 1)
    assert isinstance(export.run(), Update)
    assert export.sent[-1] == span(3, 4)
    export.finish("COMPLETED")
    export.run()
    assert export.recurrence.skipped == (date(2026, 2, 1),)


@pytest.mark.parametrize("refusal", [Refused("no"), Refused("explicit deny", RefusalKind.DENY)])
def test_skip_precedes_the_repetition_of_a_refused_update(refusal: Refused) -> None:
    """A window whose refused Update would be sent once more is passed over, even if its pause is over."""
    export = start_export()
    export.now, export.shows_updates = at(3, 1, 1), False
    export.run(refusal)
    export.wait(DAY)
    export.edit_window(skip=(date(2026, 2, 1),))
    assert isinstance(export.run(), InSync)
    assert export.sent == [span(1, 2)]
    export.now, export.shows_updates = at(4, 1, 1), True
    assert isinstance(export.run(), Update)
    assert export.sent[-1] == span(3, 4)


@pytest.mark.parametrize(("missed", "is_raised"), [(Missed.MERGE, False), (Missed.EACH, True)])
def test_skip_precedes_the_repetition_of_a_failed_window(missed: Missed, *, is_raised: bool) -> None:
    """A failed window is passed over, even if the next window would contain it, or the generation was raised."""
    export = start_export(recurring_manifest(window(missed=missed)))
    export.now = at(3, 1, 1)
    export.run()
    export.finish("FAILED")
    export.run()
    export.edit_window(skip=(date(2026, 2, 1),))
    if is_raised:
        export.edit_policy(generation=2)
    export.now = at(4, 1, 1)
    assert isinstance(export.run(), Update)
    assert export.sent[-1] == span(3, 4)


def test_skip_does_not_act_twice() -> None:
    """A window that was skipped once and is sent again by continueFrom is not skipped again."""
    export = start_export(recurring_manifest(window(missed=Missed.EACH)))
    export.edit_window(skip=(date(2026, 2, 1),))
    export.now = at(3, 1, 1)
    export.run()
    export.finish("FAILED")
    export.run()
    recurrence = replace(export.recurrence, watermark=at(2))
    export.journal = export.journal.with_records(replace(export.record, recurrence=recurrence))
    assert isinstance(export.run(), Blocked)


def start_blocked_update(outcome: Outcome | None) -> Export:
    """Return an export whose update of February is blocked, because List does not show it."""
    export = start_export()
    export.now, export.shows_updates = at(3, 1, 1), False
    export.run(outcome)
    export.set_status("COMPLETED")
    export.wait(SETTLE)
    export.run(outcome)
    assert isinstance(export.run(), Blocked)
    return export


@pytest.mark.parametrize(
    ("outcome", "answer"),
    [
        (Unknown("no answer"), "which has no known answer"),
        (Refused("no"), "which AWS refused"),
        (Refused("explicit deny", RefusalKind.DENY), "which AWS refused"),
        (None, "which AWS accepted and List never showed"),
    ],
)
def test_skip_passes_over_an_update_that_is_blocked(outcome: Outcome | None, answer: str) -> None:
    """A skipped date also passes over an Update that List does not show. What is known of it stays in the journal."""
    export = start_blocked_update(outcome)
    known = export.job
    export.edit_window(skip=(date(2026, 2, 1),))
    skip_time = export.now
    for _ in range(2):
        decision = export.run()
        assert isinstance(decision, InSync)
        assert str(decision.warning).startswith("window.skip left out the window of the update of 2026-03-01")
        assert str(decision.warning).endswith(answer)
        assert export.job == replace(known, ended_at=skip_time)
        assert (export.watermark, export.job.is_skipped) == (at(3), True)
        export.wait(DAY)
    export.now, export.shows_updates = at(4, 1, 1), True
    assert isinstance(export.run(), Update)
    assert export.sent[-1] == span(3, 4)


@pytest.mark.parametrize("status", ["COMPLETED", "FAILED"])
def test_skipped_update_that_list_shows_after_all_is_followed(status: str) -> None:
    """A skipped window that List shows later runs. It is no longer left out if it is completed."""
    export = start_blocked_update(Unknown("no answer"))
    export.edit_window(skip=(date(2026, 2, 1),))
    export.run()
    export.show(span(2, 3), "IN_PROGRESS")
    export.now = at(4, 1, 1)
    expect(export.run(), Held, text="may still be running")
    export.set_status(status)
    decision = export.run()
    assert isinstance(decision, Update)
    assert export.sent[-1] == span(3, 4)
    assert bool(export.recurrence.omissions) is (status == "FAILED")


def test_skip_passes_over_a_repetition_that_never_seemed_to_run() -> None:
    """A skipped repetition stays skipped, although List shows its window, until List shows its job as running."""
    export = start_export(recurring_manifest(window(missed=Missed.EACH)))
    export.now = at(3, 1, 1)
    export.run()
    export.finish("FAILED")
    export.run()
    export.wait(SETTLE)
    export.edit_policy(generation=2)
    export.run()
    export.set_status("FAILED")
    export.wait(DAY)
    assert isinstance(export.run(), Blocked)
    export.edit_window(skip=(date(2026, 2, 1),))
    for _ in range(2):
        decision = export.run()
        assert isinstance(decision, InSync)
        assert decision.warning is None
    export.set_status("IN_PROGRESS")
    export.run()
    assert not export.job.is_skipped


# The end


def start_last_export(status: str = "COMPLETED") -> Export:
    """Return an export whose only window has ended, and that List has left out for a day."""
    export = Export(recurring_manifest(window(last=date(2026, 1, 1))), DUE)
    export.run()
    export.finish(status)
    export.run()
    return export


def lose(export: Export) -> Decision:
    """Let List leave out the association until it counts as lost. Return the first decision about it."""
    export.live = None
    export.wait(DAY)
    decision = export.run()
    export.wait(SETTLE)
    return decision


def test_nothing_is_sent_past_last() -> None:
    """No window ends after the period that begins on or before `last`."""
    export = start_last_export()
    export.now = at(9)
    assert isinstance(export.run(), InSync)
    assert export.sent == [span(1, 2)]


def test_completed_export_past_last_that_leaves_list_is_finished() -> None:
    """Past `last`, a completed association that leaves List is finished, and a raised generation creates nothing."""
    export = start_last_export()
    text = "the association counts as finished if List still does not show it after"
    expect(lose(export), Settling, text=text)
    decision = export.run()
    assert isinstance(decision, Finished)
    assert get_exit_codes(decision) == (0, 0)
    export.edit_policy(generation=2)
    assert isinstance(export.run(), Finished)
    assert export.sent == [span(1, 2)]


def test_skipped_last_window_that_leaves_list_is_lost() -> None:
    """Past `last`, an association whose last job failed is lost, and nothing is created."""
    export = start_last_export("FAILED")
    export.edit_window(skip=(date(2026, 1, 1),))
    assert isinstance(export.run(), InSync)
    expect(lose(export), Settling, text="the association counts as lost if List")
    export.edit_policy(generation=2)
    decision = export.run()
    assert isinstance(decision, Lost)
    assert get_exit_codes(decision) == (1, 0)
    assert "no window begins after window.last" in decision.reason


def test_lost_export_is_created_again_from_the_watermark_by_generation_only() -> None:
    """With windows to come, a missing association settles, then is lost. A raised generation creates it again."""
    export = start_export()
    first_token = export.record.token
    export.now, export.live = at(3, 2), None
    settling = export.run()
    assert isinstance(settling, Settling)
    assert get_exit_codes(settling) == (0, 0)
    export.wait(SETTLE)
    lost = export.run()
    assert isinstance(lost, Lost)
    assert get_exit_codes(lost) == (1, 0)
    export.edit_policy(generation=2)
    again = export.run()
    assert isinstance(again, Create)
    assert again.token != first_token
    assert export.sent == [span(1, 2), span(2, 3)]


@pytest.mark.parametrize(("continue_from", "kind"), [(None, Blocked), (at(4), Create)])
def test_lost_export_is_not_created_again_from_a_later_date(continue_from: datetime | None, kind: type[object]) -> None:
    """A `first` after the watermark is blocked for a lost association, too, unless continueFrom moves the watermark."""
    export = start_export()
    export.now = at(6)
    lose(export)
    export.edit_policy(generation=2)
    export.edit_window(first=date(2026, 4, 1), continue_from=continue_from)
    assert isinstance(export.run(), kind)
    if kind is Create:
        assert export.sent[-1] == span(4, 5)


def test_given_up_create_past_a_new_last_is_blocked() -> None:
    """A Create that was given up is not sent from a watermark past `last`."""
    export = start_export()
    export.now = at(6)
    lose(export)
    export.edit_policy(generation=2)
    export.run(Unknown("no answer"))
    export.wait(90 * DAY)
    export.edit_policy(generation=3)
    export.edit_window(last=date(2026, 1, 1))
    decision = export.run()
    assert isinstance(decision, Blocked)
    assert "set a later window.last" in decision.reason


# A rule for any sequence of events


OUTCOMES = (None, None, None, Unknown("x"), NotSent("x"), Refused("x"), Refused("x", RefusalKind.QUOTA))


@settings(max_examples=80, deadline=None)
@given(
    st.sampled_from(Missed),
    st.lists(
        st.tuples(
            st.integers(0, 120),
            st.sampled_from(["COMPLETED", "COMPLETED", "FAILED", "IN_PROGRESS", None]),
            st.sampled_from(OUTCOMES),
            st.booleans(),
            st.integers(-90, 90),
        ),
        min_size=5,
        max_size=40,
    ),
)
def test_no_stretch_is_exported_twice_or_left_out(
    missed: Missed, events: list[tuple[int, str | None, Outcome | None, bool, int]]
) -> None:
    """Whatever happens, completed windows join without gap and overlap, and no window is sent before it is due."""
    export = Export(recurring_manifest(window("week", first=date(2026, 1, 5), missed=missed)), at(1, 12, 1))
    end, running = at(1, 5), None
    for hours, status, outcome, is_lucky, minutes in events:
        export.wait(timedelta(hours=hours))
        export.aws_offset = timedelta(minutes=minutes)
        export.edit_policy(generation=export.manifest.policy.generation + (is_lucky and hours > 60))
        sent_count = len(export.sent)
        export.run(outcome, is_carried_out=is_lucky and isinstance(outcome, Unknown))
        if len(export.sent) > sent_count:
            assert running is None
            running = export.sent[-1]
            assert running
            assert running.start == end
            assert running.end + HOUR <= export.now + min(export.aws_offset, timedelta(0))
            export.run(NotSent("x"))  # this run sees that the job runs
        if running and status:
            export.set_status(status)
        if running and status in {"COMPLETED", "FAILED"}:
            end, running = running.end if status == "COMPLETED" else end, None
        assert not export.journal.records or export.watermark <= end
