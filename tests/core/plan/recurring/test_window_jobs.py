"""Each row of the decision table about the last job of an association with recurring windows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import date, timedelta

import pytest
from support.builders import SETTLE, recurring_manifest, window
from support.exports import DAY, HOUR, REST, Export, at, expect, rest, span

from reconciler.core.apply.outcome import NotSent, Outcome, RefusalKind, Refused, Unknown, Updated
from reconciler.core.model import Json, Mode
from reconciler.core.plan.decision import Blocked, Drifted, Held, InSync, Lost, Settling, get_live
from reconciler.core.plan.write import Update
from reconciler.core.windows.declaration import Missed
from reconciler.core.windows.due import Window

SECOND = timedelta(seconds=1)
UNSHOWN = "List does not show it yet"


def start_export(missed: Missed = Missed.MERGE, *, is_due: bool = True) -> Export:
    """Return an export whose January has completed. February is due, if `is_due`."""
    export = Export(recurring_manifest(window(missed=missed)), at(2, 1, 1))
    export.run()
    export.finish()
    export.run()
    export.now = at(3, 1, 1) if is_due else at(2, 2)
    return export


def send_update(export: Export, outcome: Outcome | None = None, *, is_shown: bool = True) -> Export:
    """Send February, and let List show it or not."""
    export.shows_updates = is_shown
    assert isinstance(export.run(outcome), Update)
    return export


@pytest.mark.parametrize("change", REST)
def test_observe_and_suspend_hold_a_due_window(change: Mapping[str, object]) -> None:
    """A due window of a manifest that observes or is suspended is held, with exit code 0, whatever --mode says."""
    export = start_export()
    rest(export, change)
    expect(export.run(), Held)
    assert export.sent == [span(1, 2)]


@pytest.mark.parametrize("change", REST)
@pytest.mark.parametrize("missed", Missed)
def test_observe_and_suspend_hold_a_failed_window(missed: Missed, change: Mapping[str, object]) -> None:
    """A failed export of a manifest that observes or is suspended is held, with exit code 0."""
    export = send_update(start_export(missed))
    export.finish("FAILED")
    export.run()
    rest(export, change)
    expect(export.run(), Held, text="then resolve this: the export of 2026-02-01 to 2026-03-01 FAILED")
    export.has_reviewed_plan = True
    expect(export.run(), Held, text="then resolve this: the export of 2026-02-01 to 2026-03-01 FAILED")


@pytest.mark.parametrize("change", REST)
def test_nothing_of_a_resting_association_is_trouble(change: Mapping[str, object]) -> None:
    """Where a person has to resolve something, a suspended or only observed association is held, with exit code 0.

    What a run learns is recorded nevertheless, and the reason names what is to be resolved.
    """
    export = Export(recurring_manifest(window()), at(5, 1, 1))
    rest(export, change)
    expect(export.run(), Held, (0, 0), "then resolve this: 4 periods since 2026-01-01 are due: to export")
    lost = send_update(start_export())
    lost.live = None
    lost.wait(DAY)
    lost.run()
    lost.wait(SETTLE)
    rest(lost, change)
    expect(lost.run(), Held, (0, 0), "then resolve this: List no longer shows the association")
    foreign = start_export(is_due=False)
    foreign.show(Window(at(2), at(2, 3)))
    foreign.run()
    foreign.wait(SETTLE)
    rest(foreign, change)
    decision = foreign.run()
    expect(decision, Held, (0, 0), "which the journal does not know")
    assert get_live(decision) == foreign.live
    unreadable = start_export(is_due=False)
    assert unreadable.live
    execution: Json = {"ExecutionMode": "ON_DEMAND", "OnDemandConfiguration": {"StartTime": "soon", "EndTime": "later"}}
    unreadable.live = replace(unreadable.live, spec={**unreadable.live.spec, "ExecutionConfiguration": execution})
    rest(unreadable, change)
    expect(unreadable.run(), Held, (0, 0), "then resolve this: List shows a window of")


@pytest.mark.parametrize("mode", [Mode.CREATE, Mode.OBSERVE])
def test_due_window_that_the_mode_of_the_run_forbids_is_held_with_trouble(mode: Mode) -> None:
    """A due window is held with exit code 1 if --mode forbids it, and the reason names the switch."""
    export = start_export()
    export.mode = mode
    expect(export.run(), Held, (1, 0), f"--mode {mode}")
    export.mode = Mode.CREATE_AND_UPDATE
    send_update(export)
    export.now, export.mode = at(4, 1, 1), mode
    expect(export.run(), Held, (1, 0), f"--mode {mode}")


def test_first_window_that_the_run_may_not_create_is_trouble_once_it_is_due() -> None:
    """With --mode observe, a first window that is due is held with exit code 1, and one that is to come with 0."""
    export = Export(recurring_manifest(window()), at(1, 20))
    export.mode = Mode.OBSERVE
    expect(export.run(), Held, (0, 0), "--mode observe")
    export.now = at(2, 1, 1)
    expect(export.run(), Held, (1, 0), "--mode observe")


def test_unobserved_list_blocks() -> None:
    """A window in List that is not a time makes that List unobserved, also in a dry run."""
    export = start_export(is_due=False)
    assert export.live
    execution: Json = {"ExecutionMode": "ON_DEMAND", "OnDemandConfiguration": {"StartTime": "soon", "EndTime": "later"}}
    export.live = replace(export.live, spec={**export.live.spec, "ExecutionConfiguration": execution})
    before = export.record
    decision = export.run()
    expect(decision, Blocked, (1, 1), "not a time")
    assert isinstance(decision, Blocked)
    assert decision.is_unobserved
    assert export.record == before


def test_missing_association_settles_and_is_then_lost() -> None:
    """An association that List leaves out settles with exit code 0, and is then lost with exit code 1."""
    export = send_update(start_export())
    export.live = None
    export.wait(DAY)
    expect(export.run(), Settling)
    export.wait(SETTLE)
    expect(export.run(), Lost, (1, 0))
    assert export.sent == [span(1, 2), span(2, 3)]


@pytest.mark.parametrize(
    "outcome", [NotSent("throttled"), Refused("expired", RefusalKind.ACCESS), Refused("full", RefusalKind.QUOTA)]
)
def test_update_that_did_not_count_is_sent_by_the_next_run(outcome: Outcome) -> None:
    """An Update that was not sent, or refused for credentials, permissions or a quota, is sent by the next run."""
    export = send_update(start_export(), outcome)
    assert export.job.sent_at == at(2, 1, 1)
    expect(export.run(), Update)
    assert export.sent == [span(1, 2), span(2, 3)]


def test_refused_request_is_sent_once_more_after_the_settle_time() -> None:
    """An Update that AWS refused as a request is held, and sent once more after the settle time."""
    export = send_update(start_export(), Refused("a job is running"))
    expect(export.run(), Held, (1, 0), "a job is running")
    export.wait(SETTLE - SECOND)
    expect(export.run(), Held, (1, 0))
    export.wait(SECOND)
    expect(export.run(), Update)


def test_remedy_names_the_window_that_it_sends() -> None:
    """After `missed` became `each`, a raised generation sends one period of a failed window, and the reason says so."""
    export = start_export()
    export.now = at(5, 1, 1)
    send_update(export)
    export.finish("FAILED")
    export.edit_window(missed=Missed.EACH)
    expect(export.run(), Blocked, (1, 0), "raise policy.generation above 1 to send 2026-02-01 to 2026-03-01")
    export.edit_policy(generation=2)
    export.wait(SETTLE)
    expect(export.run(), Update)
    assert export.sent[-2:] == [span(2, 5), span(2, 3)]


def test_refused_request_is_not_sent_while_a_job_runs() -> None:
    """After a refusal, the Update is not sent again while List shows that an export is running."""
    export = send_update(start_export(), Refused("a job is running"))
    export.set_status("IN_PROGRESS")
    export.wait(SETTLE)
    expect(export.run(), Held, (1, 0), "an export is running")
    export.set_status("COMPLETED")
    expect(export.run(), Update)


def test_request_that_is_refused_again_is_blocked() -> None:
    """An Update that AWS refused twice is blocked, and a raised generation sends what is due once more."""
    export = send_update(start_export(Missed.EACH), Refused("no"))
    export.wait(SETTLE)
    export.run(Refused("no"))
    assert len(export.recurrence.past) == 2
    export.wait(40 * DAY)
    expect(export.run(), Blocked, (1, 0), "add 2026-02-01 to window.skip")
    export.edit_policy(generation=2)
    expect(export.run(Refused("no")), Update)
    expect(export.run(), Blocked, (1, 0))


def test_new_boundary_is_a_new_request_under_merge() -> None:
    """Under merge, a new boundary makes a refused Update a new request."""
    export = send_update(start_export(), Refused("no"))
    export.wait(SETTLE)
    export.run(Refused("no"))
    expect(export.run(), Blocked, (1, 0))
    export.now = at(4, 1, 1)
    expect(export.run(), Update)
    assert export.sent[-1] == span(2, 4)
    assert export.job.refusal_count == 0


def test_denied_update_is_tried_again_with_growing_pauses() -> None:
    """An Update that a policy denies is blocked, and tried again without a commit after pauses of up to a day."""
    deny = Refused("explicit deny", RefusalKind.DENY)
    export = send_update(start_export(), deny)
    pauses = []
    for _ in range(9):
        start = export.now
        while not isinstance(decision := export.run(deny), Update):
            expect(decision, Blocked, (1, 0), "the next attempt is at")
            export.wait(SETTLE)
        pauses.append(export.now - start)
    assert pauses == [SETTLE * min(2**number, 96) for number in range(9)]
    assert len(export.recurrence.past) == 2
    export.wait(DAY)
    expect(export.run(), Update)
    assert export.sent[-1] == span(2, 3)


def test_running_job_with_another_window_due_is_held_until_overdue() -> None:
    """While a job runs, another due window is held: with exit code 0, and with 1 once it is overdue by a day."""
    export = send_update(start_export())
    export.now = at(4, 1, 1)
    decision = export.run()
    expect(decision, Held)
    assert isinstance(decision, Held)
    assert decision.is_temporary
    export.now = at(4, 2, 1) - SECOND
    expect(export.run(), Held)
    export.now = at(4, 2, 1)
    expect(export.run(), Held, (1, 0), "; 2026-03-01 to 2026-04-01 has been due since 2026-04-01 01:00:00Z")
    assert len(export.sent) == 2


def test_held_window_names_what_it_waits_for() -> None:
    """A held window says whether List shows a running export, or a status that does not count yet, and until when."""
    export = send_update(start_export())
    export.now = at(4, 1, 1)
    expect(export.run(), Held, text="may still be running: runs wait until List shows its end")
    export = send_update(start_export())
    export.set_status("FAILED")
    export.now = at(4, 1, 1)
    decision = export.run()
    reason = (
        "the status FAILED in List may belong to an earlier export: from 2026-04-01 01:15:00Z on, it counts as the "
        "status of the last export"
    )
    expect(decision, Held, text=reason)
    assert isinstance(decision, Held)
    assert decision.until == at(4, 1, 1) + SETTLE


def test_held_window_after_a_repetition_waits_until_the_job_runs() -> None:
    """After a window that was sent once more, the next one waits until List shows its job as running."""
    export = send_update(start_export(Missed.EACH))
    export.finish("FAILED")
    export.run()
    export.edit_policy(generation=2)
    export.now = at(4, 1) + HOUR / 2
    expect(export.run(), Update)
    export.set_status("COMPLETED")
    export.wait(HOUR)
    expect(export.run(), Held, text="runs wait for List to show IN_PROGRESS, until 2026-04-02 00:30:00Z")


def test_overdue_time_counts_from_the_oldest_waiting_boundary() -> None:
    """A window that grows while it waits is overdue a day after its first boundary became due."""
    export = send_update(start_export())
    export.now = at(5, 1, 1)
    expect(export.run(), Held, (1, 0))


def test_running_job_without_a_due_window_is_in_sync() -> None:
    """While a job runs and nothing is due, the association is in sync."""
    export = send_update(start_export())
    export.wait(DAY)
    expect(export.run(), InSync)


def test_failed_job_is_held_under_merge_while_windows_come() -> None:
    """Under merge, a failed window is held with exit code 1 until the next boundary, and then sent with it."""
    export = send_update(start_export())
    export.finish("FAILED")
    expect(export.run(), Held, (1, 0), "exported again with the next one, at or after 2026-04-01 01:00:00Z")
    export.now = at(4, 1, 1) - SECOND
    expect(export.run(), Held, (1, 0))
    export.wait(SECOND)
    expect(export.run(), Update, (1, 0), "FAILED; its window is exported again with the next one")
    expect(export.run(), InSync)


def test_failure_that_a_run_sees_after_the_next_boundary_has_an_exit_code() -> None:
    """If each export fails and the next window is due by then, each run that sends it has exit code 1."""
    export = send_update(start_export())
    for month in (4, 5, 6):
        export.finish("FAILED")
        export.now = at(month, 1, 1)
        expect(export.run(), Update, (1, 0), "FAILED; its window is exported again with the next one")
        assert export.sent[-1] == span(2, month)
    export.finish()
    export.now = at(7, 1, 1)
    expect(export.run(), Update)


@pytest.mark.parametrize(("missed", "last"), [(Missed.EACH, None), (Missed.MERGE, date(2026, 2, 1))])
def test_failed_job_is_blocked_otherwise(missed: Missed, last: date | None) -> None:
    """A failed window is blocked with `missed: each`, and past `last`."""
    export = send_update(start_export(missed))
    export.edit_window(last=last)
    export.set_status("IN_PROGRESS")
    export.run()
    export.set_status("FAILED", "The job failed: the bucket is gone.")
    expect(export.run(), Blocked, (1, 0), "FAILED: The job failed: the bucket is gone; correct the cause, and raise")
    export.now = at(5)
    expect(export.run(), Blocked, (1, 0))
    assert export.watermark == at(2)


def test_failed_job_beside_a_running_one_is_not_sent_again() -> None:
    """A failed window is not sent again while List shows that an export is running."""
    export = send_update(start_export())
    export.finish("FAILED")
    export.run()
    export.set_status("IN_PROGRESS")
    export.now = at(4, 1, 1)
    expect(export.run(), Held, (1, 0), "an export is running")


def test_completed_job_is_in_sync_or_followed_by_the_next_update() -> None:
    """A completed window is in sync until the next one is due."""
    export = send_update(start_export())
    export.finish()
    expect(export.run(), InSync)
    assert export.watermark == at(3)
    export.now = at(4, 1, 1)
    expect(export.run(), Update)


def test_completed_status_of_the_old_job_does_not_count_for_the_new_one() -> None:
    """COMPLETED counts only a settle time after List first showed the window, or after IN_PROGRESS."""
    export = send_update(start_export())
    export.set_status("COMPLETED")
    export.wait(HOUR)
    expect(export.run(), InSync)
    assert (export.watermark, export.job.shown_at) == (at(2), export.now)
    export.wait(SETTLE - SECOND)
    export.run()
    assert export.watermark == at(2)
    export.wait(SECOND)
    export.run()
    assert export.watermark == at(3)


def test_looks_without_the_date_of_aws_have_the_time_of_this_machine() -> None:
    """Without the Date of AWS, a job is followed by the clock of this machine, and the next window is held."""
    export = send_update(start_export())
    export.aws_offset = None
    export.finish()
    assert export.job.running_at == export.now
    export.now = at(4, 1, 1)
    expect(export.run(), Held, text="has no valid Date")
    assert (export.watermark, export.job.ended_at, len(export.sent)) == (at(3), export.now, 2)
    export.aws_offset = timedelta(0)
    expect(export.run(), Update)


@pytest.mark.parametrize("outcome", [Updated(), Unknown("no answer")])
def test_update_that_list_does_not_show_settles(outcome: Outcome) -> None:
    """With and without an answer, an Update that List does not show settles with exit code 0."""
    export = send_update(start_export(), outcome, is_shown=False)
    expect(export.run(), Settling, text=UNSHOWN)
    export.wait(SETTLE - SECOND)
    expect(export.run(), Settling, text=UNSHOWN)


@pytest.mark.parametrize("status", ["COMPLETED", "FAILED"])
def test_update_that_list_never_shows_counts_if_its_job_was_observed(status: str) -> None:
    """An answered Update whose job was seen from IN_PROGRESS to its end counts, with a warning."""
    export = send_update(start_export(), is_shown=False)
    export.run()
    export.set_status(status)
    export.wait(SETTLE - SECOND)
    expect(export.run(), Settling)
    export.wait(SECOND)
    decision = export.run()
    if status == "COMPLETED":
        expect(decision, InSync)
        assert isinstance(decision, InSync)
        assert "List still shows the previous configuration" in str(decision.warning)
        assert export.watermark == at(3)
        export.now, export.aws_offset = at(4, 1, 1), -HOUR
        expect(export.run(), Held, text="List still shows the previous configuration")
        export.aws_offset = timedelta(0)
    else:
        expect(decision, Held, (1, 0), "FAILED")
    export.now = at(4, 1, 1)
    expect(export.run(), Update, (int(status != "COMPLETED"), 0))
    assert export.sent[-1] == (span(3, 4) if status == "COMPLETED" else span(2, 4))


def test_warning_ends_once_list_shows_the_window() -> None:
    """If List shows the window after its job counts as completed, the reports no longer warn of it."""
    export = send_update(start_export(), is_shown=False)
    export.run()
    export.set_status("COMPLETED")
    export.wait(SETTLE)
    decision = export.run()
    assert isinstance(decision, InSync)
    assert decision.warning
    export.show(span(2, 3))
    decision = export.run()
    assert isinstance(decision, InSync)
    assert decision.warning is None
    export.now = at(4, 1, 1)
    assert "never showed" not in getattr(export.run(), "reason", "")


@pytest.mark.parametrize("missed", Missed)
def test_status_that_counted_too_early_is_corrected(missed: Missed) -> None:
    """If List shows the status of an earlier job for too long, the status that follows it replaces the result."""
    export = send_update(start_export(missed))
    for status, result in (("COMPLETED", InSync), ("FAILED", Blocked if missed is Missed.EACH else Held)):
        export.set_status(status)
        export.run()
        export.wait(SETTLE)
        decision = export.run()
        assert isinstance(decision, result)
    assert (export.job.result, export.watermark) == ("FAILED", at(2))
    export.set_status("COMPLETED")
    expect(export.run(), InSync)
    assert export.watermark == at(3)


def test_result_after_in_progress_is_not_corrected() -> None:
    """A job that List showed as running has its own result. A later status belongs to another job."""
    export = send_update(start_export())
    export.finish()
    export.run()
    export.set_status("FAILED")
    expect(export.run(), InSync)
    assert export.watermark == at(3)


def test_status_that_counted_too_early_is_revoked_while_the_job_runs() -> None:
    """If List shows IN_PROGRESS after a result that nothing preceded, the job still runs, and the watermark waits."""
    export = send_update(start_export())
    export.set_status("COMPLETED")
    export.run()
    export.wait(SETTLE)
    export.run()
    assert export.watermark == at(3)
    export.set_status("IN_PROGRESS")
    expect(export.run(), InSync)
    assert (export.job.result, export.watermark) == (None, at(2))
    export.set_status("QUEUED")
    export.run()
    export.set_status("COMPLETED")
    export.run()
    assert export.watermark == at(3)


def test_status_of_the_next_day_belongs_to_another_job() -> None:
    """A day after a job counted as ended, another status in List changes nothing, and unknown ones never do."""
    export = send_update(start_export())
    export.set_status("COMPLETED")
    export.run()
    export.wait(SETTLE)
    export.run()
    export.set_status("QUEUED")
    export.run()
    export.wait(DAY)
    export.set_status("FAILED")
    export.run()
    assert (export.job.result, export.watermark) == ("COMPLETED", at(3))


def test_watermark_that_a_person_set_does_not_move_back() -> None:
    """What window.continueFrom declared as exported stays so, whatever List shows of the job before it."""
    export = Export(recurring_manifest(window()), at(2, 10))
    export.show(Window(at(1, 16), at(2)))
    export.edit_window(continue_from=at(2))
    for _ in range(3):
        export.run()
        export.wait(SETTLE)
    assert export.watermark == at(2)
    export.set_status("FAILED")
    export.run()
    assert export.watermark == at(2)


@pytest.mark.parametrize("remedy", ["skip", "generation", "generation while it runs", None])
def test_window_that_list_shows_no_more_is_blocked(remedy: str | None) -> None:
    """If List shows the window before again, its status does not count for the sent one, which is never repeated.

    A person may send it once more or skip it. If List shows the sent window again, its status counts.
    """
    export = send_update(start_export())
    expect(export.run(), InSync)
    if remedy == "generation while it runs":
        export.edit_policy(generation=2)
        export.run()
    export.show(span(1, 2), "IN_PROGRESS")
    expect(export.run(), Settling)
    export.set_status("COMPLETED")
    export.wait(SETTLE - SECOND)
    expect(export.run(), Settling, text="shows the window before it again")
    export.wait(SECOND)
    generation = 2 if remedy == "generation while it runs" else 1
    text = f"raise policy.generation above {generation} to send the window once more, or add 2026-02-01"
    expect(export.run(), Blocked, (1, 0), text)
    if remedy == "skip":
        export.edit_window(skip=(date(2026, 2, 1),))
        decision = export.run()
        expect(decision, InSync)
        assert isinstance(decision, InSync)
        assert "which List no longer shows" in (decision.warning or "")
        assert export.watermark == at(3)
        export.now = at(4, 1, 1)
        expect(export.run(), Update)
        assert export.sent[-1] == span(3, 4)
    elif remedy:
        export.edit_policy(generation=3)
        expect(export.run(), Update)
        assert export.sent[-1] == span(2, 3)
    else:
        export.show(span(2, 3))
        expect(export.run(), InSync)
        assert (export.watermark, export.recurrence.foreign_since) == (at(3), None)


def test_update_by_somebody_else_that_list_shows_no_more_is_not_called_our_own() -> None:
    """The reason names the update of this program only if this program sent it."""
    export = start_export()
    export.show(span(2, 3), "IN_PROGRESS")
    expect(export.run(), InSync)
    export.show(span(1, 2))
    expect(export.run(), Settling, text="the window of an update by somebody else, and shows the window before it")


def test_reason_of_a_missing_status_claims_no_running_export() -> None:
    """Without a status, a due window waits, and the reason does not say that List shows a running export."""
    export = start_export()
    export.set_status(None)
    expect(export.run(), Held, (0, 0), "List shows no status of the last export, which may be running")


def test_update_that_list_never_shows_waits_a_day_for_its_job() -> None:
    """While the job of an answered Update runs, a run waits for its end, and blocks after a day."""
    export = send_update(start_export(), is_shown=False)
    export.run()
    export.wait(DAY - SECOND)
    expect(export.run(), Settling)
    export.wait(SECOND)
    expect(export.run(), Blocked, (1, 0))
    export.set_status("COMPLETED")
    expect(export.run(), InSync)


def test_answered_update_that_list_never_shows_is_blocked() -> None:
    """An answered Update that List does not show after the settle time is blocked, and never sent by itself."""
    export = send_update(start_export(), is_shown=False)
    export.set_status("COMPLETED")
    export.wait(SETTLE)
    expect(export.run(), Blocked, (1, 0), "AWS accepted it, and List never showed it")
    export.now = at(9)
    expect(export.run(), Blocked, (1, 0))


def test_update_without_an_answer_is_blocked_and_never_repeated_by_itself() -> None:
    """An Update without an answer that List does not show is blocked. A raised generation sends what is due."""
    export = send_update(start_export(), Unknown("timeout"))
    for now in (at(3, 1, 1) + SETTLE, at(3, 9), at(4, 1, 1)):
        export.now = now
        expect(export.run(), Blocked, (1, 0), "its answer is unknown")
    export.edit_policy(generation=2)
    export.set_status("IN_PROGRESS")
    expect(export.run(), Held, (1, 0), "an export is running")
    export.set_status("COMPLETED")
    expect(export.run(), Update)
    assert export.sent == [span(1, 2), span(2, 4)]


def test_update_without_an_answer_that_list_shows_late_goes_on() -> None:
    """A blocked Update that List shows after all is followed to its end."""
    export = send_update(start_export(), Unknown("timeout"))
    export.wait(DAY)
    expect(export.run(), Blocked, (1, 0))
    export.show(span(2, 3), "IN_PROGRESS")
    expect(export.run(), InSync)
    export.set_status("COMPLETED")
    expect(export.run(), InSync)
    assert export.watermark == at(3)


def test_generation_raised_while_an_update_settles_is_kept() -> None:
    """A generation that was raised while an Update settles belongs to its job, and repeats nothing else."""
    export = send_update(start_export(), Unknown("timeout"))
    export.edit_policy(generation=2)
    expect(export.run(), Settling)
    assert (export.record.generation, export.job.should_repeat) == (2, True)
    export.wait(SETTLE)
    expect(export.run(), Blocked, (1, 0))


def test_refused_update_that_list_shows_counts_as_sent() -> None:
    """A refusal is wrong if List shows the window after all."""
    export = send_update(start_export(), Refused("no"))
    export.show(span(2, 3), "IN_PROGRESS")
    expect(export.run(), InSync)
    assert export.job.refusal is None


def test_repetition_needs_to_be_seen_in_progress() -> None:
    """For a repeat of the same window, COMPLETED counts only after IN_PROGRESS. Without it, a day blocks."""
    export = send_update(start_export(Missed.EACH))
    export.finish("FAILED")
    export.run()
    export.wait(SETTLE)
    export.edit_policy(generation=2)
    expect(export.run(), Update)
    assert export.job.is_repetition
    export.set_status("FAILED")
    export.wait(DAY - SECOND)
    expect(export.run(), InSync)
    export.wait(SECOND)
    expect(export.run(), Blocked, (1, 0), "List never showed its job as IN_PROGRESS")
    export.edit_policy(generation=3)
    expect(export.run(), Update)
    export.run()
    export.set_status("COMPLETED")
    expect(export.run(), InSync)
    assert export.watermark == at(3)


def test_window_that_list_shows_again_from_earlier_is_drift() -> None:
    """An earlier window of this program in List is not judged by the rules of adoption."""
    export = send_update(start_export())
    export.finish()
    export.run()
    export.show(span(1, 2))
    expect(export.run(), Drifted)
    assert export.watermark == at(3)
    export.now = at(4, 1, 1)
    expect(export.run(), Update)
