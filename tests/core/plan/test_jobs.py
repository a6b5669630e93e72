"""The job of a fixed window is followed to its end: each row of the decision table, and the rules to count it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta

import pytest
from support.builders import NOW, SETTLE, live
from support.exports import DAY, REST, Export, at, build_fixed_manifest, expect, rest, span

from reconciler.core.apply.outcome import NotSent, Outcome, RefusalKind, Refused, Unknown, Updated
from reconciler.core.journal.jobs import Job, JobSource, Refusal
from reconciler.core.journal.records import Bound
from reconciler.core.model import Mode, Policy
from reconciler.core.plan.decision import Blocked, Changed, Drifted, Finished, Held, InSync, Lost, Settling
from reconciler.core.plan.job_progress import Look, compute_pause, may_run, observe_job
from reconciler.core.plan.write import Update
from reconciler.core.windows.due import Window

SECOND = timedelta(seconds=1)
OLD, NEW = span(1, 2), span(2, 3)


def start_export() -> Export:
    """Return an export of January that has completed, whose manifest in git now asks for February."""
    export = Export(build_fixed_manifest(OLD), at(3, 1, 1))
    export.run()
    export.finish()
    export.run()
    export.manifest = build_fixed_manifest(NEW)
    return export


def send_update(outcome: Outcome | None = None, *, is_shown: bool = True) -> Export:
    """Return an export whose Update to February was sent, and that List shows or not."""
    export = start_export()
    export.shows_updates = is_shown
    assert isinstance(export.run(outcome), Update)
    return export


# The rows of the decision table


@pytest.mark.parametrize("change", REST)
def test_observe_and_suspend_hold_a_fixed_window(change: Mapping[str, object]) -> None:
    """A failed or refused export of a manifest that observes or is suspended is held, with exit code 0."""
    failed, refused = send_update(), send_update(Refused("no"))
    failed.finish("FAILED")
    failed.run()
    refused.wait(SETTLE)
    refused.run(Refused("no"))
    for export in (failed, refused):
        expect(export.run(), Blocked, (1, 0))
        rest(export, change)
        expect(export.run(), Held)


def test_missing_association_of_a_fixed_window_settles_and_is_then_lost() -> None:
    """An association with an unfinished job that List leaves out settles with exit code 0, and is then lost."""
    export = send_update()
    export.live = None
    export.wait(DAY)
    expect(export.run(), Settling)
    export.wait(SETTLE)
    expect(export.run(), Lost, (1, 0))


@pytest.mark.parametrize(
    "outcome", [NotSent("throttled"), Refused("expired", RefusalKind.ACCESS), Refused("full", RefusalKind.QUOTA)]
)
def test_update_of_a_fixed_window_that_did_not_count_is_sent_by_the_next_run(outcome: Outcome) -> None:
    """An Update that was not sent, or refused for credentials, permissions or a quota, is sent by the next run."""
    export = send_update(outcome)
    expect(export.run(), Update)
    assert export.sent == [OLD, NEW]


def test_refused_request_of_a_fixed_window_is_sent_once_more() -> None:
    """A refused Update is held, sent once more after the settle time when no job runs, and then blocked."""
    export = send_update(Refused("no"))
    expect(export.run(), Held, (1, 0))
    export.wait(SETTLE)
    export.set_status("IN_PROGRESS")
    expect(export.run(), Held, (1, 0), "but List shows that an export is running")
    export.set_status("COMPLETED")
    expect(export.run(Refused("no")), Update)
    export.wait(DAY)
    expect(export.run(), Blocked, (1, 0))


def test_denied_update_of_a_fixed_window_is_tried_again() -> None:
    """A denied Update is blocked, and tried again after a pause without a commit."""
    export = send_update(Refused("explicit deny", RefusalKind.DENY))
    expect(export.run(), Blocked, (1, 0), "the next attempt is at")
    export.wait(SETTLE)
    expect(export.run(), Update)


def test_running_job_of_a_fixed_window_is_in_sync() -> None:
    """While the job runs, the association is in sync. A further change in git is held, with exit code 1 after a day."""
    export = send_update()
    expect(export.run(), InSync)
    export.manifest = build_fixed_manifest(span(1, 3))
    expect(export.run(), Held)
    export.wait(DAY)
    expect(export.run(), Held, (1, 0))
    export.set_status("COMPLETED")
    expect(export.run(), Update)


def test_change_waits_for_a_job_that_the_journal_does_not_know() -> None:
    """Without a job in the journal, a change waits while List shows no final status, for a day without trouble."""
    export = start_export()
    export.set_status(None)
    state = export.record.state
    assert isinstance(state, Bound)
    export.journal = export.journal.with_records(replace(export.record, state=replace(state, job=None)))
    expect(export.run(), Held)
    export.wait(DAY)
    expect(export.run(), Held, (1, 0))


def test_failed_job_of_a_fixed_window_is_blocked() -> None:
    """A failed export is blocked, and a raised generation sends the same window once more, once per settle time."""
    export = send_update()
    export.set_status("IN_PROGRESS")
    export.run()
    export.set_status("FAILED", "the bucket is gone")
    expect(export.run(), Blocked, (1, 0), "the export FAILED: the bucket is gone")
    export.edit_policy(generation=2)
    expect(export.run(), Settling)
    export.wait(SETTLE)
    expect(export.run(), Update)
    assert export.sent == [OLD, NEW, NEW]
    export.finish("FAILED")
    export.wait(SETTLE)
    expect(export.run(), Blocked, (1, 0), "raise policy.generation above 2")


def test_unsent_change_hides_no_failed_export() -> None:
    """A change in git that is not sent has exit code 1 if the last export failed, and the reason says so."""
    export = send_update()
    export.finish("COMPLETED")
    export.run()
    export.manifest = build_fixed_manifest(OLD, Policy(mode=Mode.CREATE))
    expect(export.run(), Changed, (0, 0))
    failed = send_update()
    failed.finish("FAILED")
    failed.run()
    failed.manifest = build_fixed_manifest(OLD, Policy(mode=Mode.CREATE))
    expect(failed.run(), Changed, (1, 0), "; the last export FAILED")


def test_held_change_hides_no_failed_export() -> None:
    """A change in git that waits for the end of its window has exit code 1 if the last export failed."""
    failed, completed = send_update(), send_update()
    failed.finish("FAILED")
    completed.finish()
    future = Window(at(11), at(12))
    for export, code in ((failed, 1), (completed, 0)):
        export.run()
        export.wait(SETTLE)
        export.manifest = build_fixed_manifest(future)
        expect(export.run(), Held, (code, 0), "the window ends at" if code == 0 else "; the last export FAILED")
    failed.now = at(12, 2)
    expect(failed.run(), Update, text="the last export FAILED; the update")


@pytest.mark.parametrize(
    ("outcome", "is_shown", "event"),
    [
        (Unknown("timeout"), True, "; the answer to the last update is unknown"),
        (None, False, "; List never showed the last update"),
        (Refused("no"), True, "; AWS refused the last update"),
    ],
)
def test_change_hides_no_update_without_an_effect(outcome: Outcome | None, *, is_shown: bool, event: str) -> None:
    """A change in git has exit code 1 while it waits or is not sent, if the update before may have exported nothing."""
    export = send_update(outcome, is_shown=is_shown)
    export.set_status("COMPLETED")
    export.wait(DAY)
    export.manifest = build_fixed_manifest(Window(at(11), at(12)))
    expect(export.run(), Held, (1, 0), event)
    export.edit_policy(mode=Mode.CREATE)
    expect(export.run(), Changed, (1, 0), event)


def test_lost_association_whose_new_window_was_not_sent_is_not_finished() -> None:
    """If git asks for another window after the export, its missing association is lost, unless no update is allowed."""
    export = send_update()
    export.finish()
    export.run()
    export.live = None
    export.wait(DAY)
    export.run()
    export.wait(SETTLE)
    export.manifest = build_fixed_manifest(Window(at(5), at(6)), Policy(mode=Mode.CREATE))
    expect(export.decide(), Finished, text="which was not sent: raise policy.generation above 1 to send it")
    export.edit_policy(mode=Mode.CREATE_AND_UPDATE)
    expect(export.run(), Lost, (1, 0), "raise policy.generation")


def test_failed_job_without_permission_names_the_switches() -> None:
    """If the modes forbid Updates, the reason of a failed export names the switches."""
    export = send_update()
    export.finish("FAILED")
    export.wait(SETTLE)
    export.edit_policy(generation=2, mode=Mode.CREATE)
    expect(export.run(), Blocked, (1, 0), "set policy.mode in the manifest to create-and-update")


@pytest.mark.parametrize(("status", "kind"), [("FAILED", Update), ("COMPLETED", InSync)])
def test_generation_raised_while_a_fixed_window_runs_is_kept(status: str, kind: type[Update | InSync]) -> None:
    """FAILED uses a generation that was raised while the job ran. COMPLETED consumes it without effect."""
    export = send_update()
    export.edit_policy(generation=2)
    export.finish(status)
    assert (export.record.generation, export.job.should_repeat) == (2, True)
    export.wait(SETTLE)
    expect(export.run(), kind)


def test_completed_job_of_a_fixed_window_is_in_sync() -> None:
    """A completed export is in sync, and an association that is gone afterwards is finished."""
    export = send_update()
    export.finish()
    expect(export.run(), InSync)
    assert export.job.result == "COMPLETED"


@pytest.mark.parametrize("outcome", [Updated(), Unknown("timeout")])
def test_fixed_window_that_list_does_not_show_settles_and_is_then_blocked(outcome: Outcome) -> None:
    """With and without an answer, an unshown Update settles, and is then blocked and never sent by itself."""
    export = send_update(outcome, is_shown=False)
    export.set_status("COMPLETED")
    expect(export.run(), Settling)
    export.wait(SETTLE)
    text = "its answer is unknown" if isinstance(outcome, Unknown) else "AWS accepted it, and List never showed it"
    expect(export.run(), Blocked, (1, 0), text)
    export.wait(30 * DAY)
    expect(export.run(), Blocked, (1, 0), text)
    export.edit_policy(generation=2)
    expect(export.run(), Update)


def test_fixed_window_is_not_repeated_while_a_job_runs() -> None:
    """A raised generation repeats a blocked or failed export only once List shows no running job."""
    unanswered, failed = send_update(Unknown("timeout")), send_update()
    failed.finish("FAILED")
    failed.run()
    for export in (unanswered, failed):
        export.wait(SETTLE)
        expect(export.run(), Blocked, (1, 0))
        export.edit_policy(generation=2)
        export.set_status("IN_PROGRESS")
        expect(export.run(), Held, (1, 0), "but List shows that an export is running")
        export.set_status("COMPLETED")
        expect(export.run(), Update)


@pytest.mark.parametrize("status", ["COMPLETED", "FAILED"])
def test_fixed_window_that_list_never_shows_counts_if_its_job_was_observed(status: str) -> None:
    """An answered Update whose job was seen from IN_PROGRESS to its end counts, with a warning."""
    export = send_update(is_shown=False)
    expect(export.run(), Settling)
    export.wait(DAY - SECOND)
    expect(export.run(), Settling)
    export.set_status(status)
    decision = export.run()
    if status == "FAILED":
        expect(decision, Blocked, (1, 0), "the export FAILED")
    else:
        expect(decision, InSync)
        assert isinstance(decision, InSync)
        assert "List still shows the previous configuration" in str(decision.warning)
    export.manifest = build_fixed_manifest(span(1, 3))
    expect(export.run(), Update)


def test_fixed_window_that_neither_git_nor_the_journal_asked_for_is_drifted() -> None:
    """A window that this program did not send is drift, and is not repaired."""
    export = send_update()
    export.show(span(4, 5))
    expect(export.run(), Drifted)
    assert export.sent == [OLD, NEW]


@pytest.mark.parametrize(
    ("policy_mode", "mode", "text"),
    [
        (Mode.CREATE, Mode.CREATE_AND_UPDATE, "set policy.mode in the manifest to create-and-update"),
        (Mode.CREATE_AND_UPDATE, Mode.CREATE, "set --mode to create-and-update"),
        (Mode.CREATE, Mode.CREATE, "set policy.mode in the manifest and --mode to create-and-update"),
        (Mode.OBSERVE, Mode.CREATE_AND_UPDATE, "set policy.mode in the manifest to create-and-update"),
    ],
)
def test_change_that_a_mode_forbids_names_the_switch(policy_mode: Mode, mode: Mode, text: str) -> None:
    """A change of a fixed window that policy.mode or --mode forbids is changed, and the reason names which."""
    export = start_export()
    export.edit_policy(mode=policy_mode)
    export.mode = mode
    expect(export.run(), Changed, (0, 0), text)


def test_repetition_of_a_fixed_window_is_blocked_after_a_day() -> None:
    """A repeat of the same window whose job is never seen IN_PROGRESS is blocked after a day."""
    export = send_update()
    export.finish("FAILED")
    export.wait(SETTLE)
    export.run()
    export.edit_policy(generation=2)
    expect(export.run(), Update)
    export.set_status("COMPLETED")
    export.wait(DAY - SECOND)
    expect(export.run(), InSync)
    export.wait(SECOND)
    expect(export.run(), Blocked, (1, 0), "List never showed its job as IN_PROGRESS")


# The rules to count a job as ended

SENT = Job(JobSource.UPDATE, NOW - timedelta(hours=1))
ACCEPTED = replace(SENT, is_accepted=True)


def look(job: Job, status: str | None, *, is_shown: bool = True) -> Job:
    """Return a job after a look at List."""
    return observe_job(job, Look(live(status=status), NOW, NOW, is_shown), SETTLE)


@pytest.mark.parametrize("status", ["COMPLETED", "FAILED"])
def test_job_has_ended_after_in_progress(status: str) -> None:
    """Rule (a): a final status after IN_PROGRESS ends the job."""
    running = look(SENT, "IN_PROGRESS")
    assert (running.running_at, running.shown_at, running.result) == (NOW, NOW, None)
    ended = look(running, status)
    assert (ended.result, ended.ended_at) == (status, NOW)
    assert look(ended, "IN_PROGRESS") == ended


@pytest.mark.parametrize(("age", "result"), [(SETTLE - SECOND, None), (SETTLE, "COMPLETED")])
def test_job_has_ended_a_settle_time_after_its_window_was_shown(age: timedelta, result: str | None) -> None:
    """Rule (b): a final status ends the job at the earliest a settle time after List first showed the window."""
    assert look(replace(SENT, shown_at=NOW - age), "COMPLETED").result == result


@pytest.mark.parametrize("job", [replace(SENT, is_repetition=True), SENT])
def test_job_of_a_repeat_or_an_unshown_window_needs_in_progress(job: Job) -> None:
    """Rule (b) does not count for a repeat of the same window, nor for a window that List does not show."""
    is_shown = job.is_repetition
    shown_job = replace(job, shown_at=NOW - DAY) if is_shown else job
    assert look(shown_job, "COMPLETED", is_shown=is_shown).result is None
    accepted_job = replace(shown_job, is_accepted=True, running_at=NOW)
    assert look(accepted_job, "COMPLETED", is_shown=is_shown).result == "COMPLETED"


@pytest.mark.parametrize("status", [None, "QUEUED", "IN_PROGRESS"])
def test_missing_or_unknown_status_means_running(status: str | None) -> None:
    """A missing or unknown status never ends a job, and an association with such a status may be running."""
    assert look(replace(SENT, shown_at=NOW - DAY, running_at=NOW - DAY), status).result is None
    assert may_run(None, live(status=status), live().spec)


def test_job_without_an_answer_is_not_followed_until_list_shows_it() -> None:
    """IN_PROGRESS after an unanswered Update that List does not show may be the job of another call."""
    assert look(SENT, "IN_PROGRESS", is_shown=False) == SENT
    assert look(ACCEPTED, "IN_PROGRESS", is_shown=False).running_at == NOW


def test_refused_job_is_not_followed_until_list_shows_it() -> None:
    """After a refusal, a look at List changes nothing, unless List shows the window that AWS seemed to refuse."""
    refused = replace(SENT, refusal=Refusal("no"), refusal_count=1)
    assert look(refused, "IN_PROGRESS", is_shown=False) == refused
    assert look(replace(refused, is_repetition=True), "IN_PROGRESS").refusal == Refusal("no")
    assert look(refused, "IN_PROGRESS").refusal is None


def test_pauses_between_denied_attempts_double_up_to_a_day() -> None:
    """The pause after a denied Update doubles with each denial, up to a day."""
    pauses = [compute_pause(replace(SENT, refusal_count=count), SETTLE) for count in (0, 1, 2, 7, 8, 10**6)]
    assert pauses == [SETTLE, SETTLE, 2 * SETTLE, 64 * SETTLE, DAY, DAY]
