"""People see what was exported, what is due, and what goes out next without another review."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from support.builders import NOW, SETTLE, journal, live, manifest, observation, record, rules
from support.recurring import (
    AUGUST,
    BOUNDARIES,
    DAY,
    HOUR,
    NOVEMBER,
    OCTOBER,
    SEPTEMBER,
    UPDATING,
    build_job,
    build_recurring_manifest,
    build_recurring_record,
    build_refused_job,
    build_windows,
)

from reconciler.core.apply.outcome import NotSent, Outcome, RefusalKind, Refused, Updated
from reconciler.core.journal.jobs import Job, JobSource, Omission, OmissionCause, PastWindow
from reconciler.core.journal.records import Bound, CreatePending, LastDecision, Record
from reconciler.core.model import Execution, Live, Manifest, Mode, Observation, Policy, Spec, Target
from reconciler.core.plan.compute import compute_plan
from reconciler.core.plan.decision import Blocked
from reconciler.core.plan.guardrails import apply_guardrails
from reconciler.core.plan.plan import Plan
from reconciler.core.report.build import build_lines
from reconciler.core.report.build_windows import build_window_report
from reconciler.core.report.status import list_recorded_associations
from reconciler.core.report.window_list import list_windows
from reconciler.core.report.windows import Answer, SentWindow, WindowReport, WindowState
from reconciler.core.request.export_window import build_execution
from reconciler.core.windows.declaration import Missed
from reconciler.core.windows.due import FutureWindow, Window

LATE = NOVEMBER.end + 3 * HOUR
"""A time at which November is due."""


def list_next(report: WindowReport) -> list[Window]:
    """Return the windows to come."""
    return [each.window for each in report.next_windows]


def test_manifest_without_a_window_has_no_windows() -> None:
    """Only a manifest with `window` has recurring windows."""
    assert build_window_report(manifest(), record(), NOW) is None


def test_windows_before_the_first_export() -> None:
    """Before the first export there is no watermark, and the first window is due once its delay has passed."""
    report = build_windows(None, AUGUST.end)
    assert (report.watermark, report.due, report.sent, report.last) == (None, None, (), None)
    assert list_next(report) == [AUGUST, SEPTEMBER, OCTOBER]
    assert report.next_windows[0].due_at == AUGUST.end + HOUR
    assert (report.time_zone, report.now, report.is_suspended) == ("Europe/Berlin", AUGUST.end, False)
    due_report = build_windows(None, AUGUST.end + HOUR)
    assert due_report.due == FutureWindow(AUGUST, AUGUST.end + HOUR)
    assert list_next(due_report)[0] == SEPTEMBER


def test_completed_window_moves_the_watermark() -> None:
    """After a completed export, its end is the watermark, and the next three windows follow without a gap."""
    report = build_windows(build_recurring_record(SEPTEMBER))
    assert (report.watermark, report.is_assumed, report.due) == (SEPTEMBER.end, False, None)
    assert list_next(report)[:2] == [OCTOBER, NOVEMBER]
    assert len(report.next_windows) == 3
    assert report.planned == report.next_windows
    (sent,) = report.sent
    assert (sent.window, sent.state, sent.answer, sent.is_last) == (SEPTEMBER, WindowState.DONE, Answer.ACCEPTED, True)


def test_missed_windows_are_due_since_the_first_of_them() -> None:
    """Several due periods are one window under merge, which is due since the end of its first period."""
    stored_record = build_recurring_record(AUGUST)
    merged = build_windows(stored_record, LATE)
    assert merged.due == FutureWindow(Window(SEPTEMBER.start, NOVEMBER.end), SEPTEMBER.end + HOUR, period_count=3)
    assert merged.more_due_count == 0
    assert list_next(merged)[0].start == NOVEMBER.end
    each = build_windows(stored_record, LATE, missed=Missed.EACH)
    assert each.due == FutureWindow(SEPTEMBER, SEPTEMBER.end + HOUR)
    assert list_next(each)[0] == OCTOBER
    assert merged.planned == (merged.due, *merged.next_windows)


def test_windows_due_after_the_first_go_out_together() -> None:
    """The first export is one period. Further due periods are one window after it, or one each with `missed: each`."""
    merged = build_windows(None, LATE)
    assert merged.due == FutureWindow(AUGUST, AUGUST.end + HOUR)
    later = Window(SEPTEMBER.start, NOVEMBER.end)
    assert merged.next_windows[0] == FutureWindow(later, SEPTEMBER.end + HOUR, period_count=3)
    assert [each.start for each in list_next(merged)[1:]] == [NOVEMBER.end, list_next(merged)[1].end]
    assert list_next(build_windows(None, LATE, missed=Missed.EACH)) == [SEPTEMBER, OCTOBER, NOVEMBER]


def test_next_window_follows_the_one_that_runs() -> None:
    """While a job runs, the window after it is the next one, although the watermark has not moved."""
    stored_record = build_recurring_record(SEPTEMBER, build_job(SEPTEMBER.end + HOUR, None))
    report = build_windows(stored_record)
    assert (report.watermark, report.due, list_next(report)[0]) == (SEPTEMBER.start, None, OCTOBER)
    assert report.last
    assert report.last.state is WindowState.RUNNING
    assert build_windows(stored_record, LATE).due == FutureWindow(
        Window(OCTOBER.start, NOVEMBER.end), BOUNDARIES[3] + HOUR, period_count=2
    )


def test_due_windows_that_a_report_does_not_list_are_counted() -> None:
    """With `missed: each`, a report lists the due window and three more, and counts the due windows after them."""
    late = build_windows(build_recurring_record(AUGUST), BOUNDARIES[7] + HOUR, missed=Missed.EACH)
    assert (len(late.planned), late.more_due_count) == (4, 2)
    assert build_windows(build_recurring_record(AUGUST), LATE, missed=Missed.EACH).more_due_count == 0


def test_failed_window_is_exported_again_by_a_later_one() -> None:
    """A failed window is exported again by a later window that was sent, or will be by the next one, never by both."""
    waiting = build_windows(build_recurring_record(SEPTEMBER, build_job(SEPTEMBER.end + HOUR, "FAILED")))
    (failed,) = waiting.sent
    assert (waiting.is_exported_again(failed), waiting.is_to_be_exported_again(failed)) == (False, True)
    past = PastWindow(SEPTEMBER.start, SEPTEMBER.end, failed.job)
    for job, is_sent in ((build_job(OCTOBER.end + HOUR, "FAILED"), True), (build_refused_job(OCTOBER.end), False)):
        both = Window(SEPTEMBER.start, OCTOBER.end)
        report = build_windows(build_recurring_record(both, job, SEPTEMBER.start, past))
        assert report.is_exported_again(report.sent[0]) is is_sent
    done = build_windows(build_recurring_record(OCTOBER, None, None, PastWindow(*_ends(SEPTEMBER), failed.job)))
    assert not done.is_exported_again(done.sent[0])
    assert not done.is_to_be_exported_again(done.sent[0])


def _ends(window: Window) -> tuple[datetime, datetime]:
    return window.start, window.end


def test_history_has_windows_and_omissions_in_order() -> None:
    """What was sent and what was left out is listed in the order of time."""
    early, late = (Omission(each.start, each.end, OmissionCause.SKIP) for each in (AUGUST, OCTOBER))
    stored_record = build_recurring_record(SEPTEMBER)
    assert stored_record.recurrence
    recurrence = replace(stored_record.recurrence, omissions=(early, late), watermark=OCTOBER.end)
    report = build_windows(replace(stored_record, recurrence=recurrence))
    assert report.history == (early, *report.sent, late)


@pytest.mark.parametrize(
    ("job", "is_unconfirmed", "confirmed_from"),
    [
        (build_job(SEPTEMBER.end + HOUR, None), True, SEPTEMBER.end + HOUR * 5 / 4 + SETTLE),
        (build_job(SEPTEMBER.end + HOUR, None, shown_at=None), True, None),
        (build_job(SEPTEMBER.end + HOUR, None, is_repetition=True), True, None),
        (build_job(SEPTEMBER.end + HOUR), False, SEPTEMBER.end + HOUR * 5 / 4 + SETTLE),
        (build_refused_job(SEPTEMBER.end + HOUR), False, None),
    ],
)
def test_final_status_counts_a_settle_time_after_the_window_was_shown(
    job: Job, confirmed_from: datetime | None, *, is_unconfirmed: bool
) -> None:
    """A final status in List is unconfirmed while the job has no result, and counts one settle time after the look."""
    report = replace(build_windows(build_recurring_record(SEPTEMBER, job)), settle_time=SETTLE)
    assert (report.is_unconfirmed("COMPLETED"), report.confirmed_from) == (is_unconfirmed, confirmed_from)
    assert not report.is_unconfirmed("IN_PROGRESS")
    assert replace(report, settle_time=None).confirmed_from is None


def test_association_without_an_export_has_nothing_to_confirm() -> None:
    """Without a window that was sent, no status waits for its confirmation."""
    report = build_windows(None)
    assert (report.is_unconfirmed("COMPLETED"), report.confirmed_from) == (False, None)


def test_failed_window_is_part_of_the_next_one_under_merge() -> None:
    """Under merge, a failed window is exported again within the next one. Otherwise it waits for a person.

    If a person has it sent once more by itself, the next one follows it.
    """
    stored_record = build_recurring_record(SEPTEMBER, build_job(SEPTEMBER.end + HOUR, "FAILED"))
    both = Window(SEPTEMBER.start, OCTOBER.end)
    waiting = build_windows(stored_record)
    assert (waiting.due, list_next(waiting)[:2]) == (None, [both, NOVEMBER])
    assert waiting.next_windows[0].due_at == OCTOBER.end + HOUR
    due = build_windows(stored_record, OCTOBER.end + 2 * HOUR)
    assert (due.due, list_next(due)[0]) == (FutureWindow(both, OCTOBER.end + HOUR, is_repetition=True), NOVEMBER)
    resent = build_window_report(build_recurring_manifest(), stored_record, waiting.now, is_resent=True)
    assert resent
    assert list_next(resent)[:2] == [OCTOBER, NOVEMBER]
    each = build_windows(stored_record, missed=Missed.EACH)
    assert list_next(each)[0] == OCTOBER
    ended = build_windows(stored_record, last=SEPTEMBER.start.date())
    assert ended.planned == ()


@pytest.mark.parametrize(
    ("job", "state", "answer"),
    [
        (build_refused_job(SEPTEMBER.end + HOUR), WindowState.REFUSED, Answer.REFUSED),
        (Job(JobSource.UPDATE, SEPTEMBER.end + HOUR), WindowState.UNKNOWN, Answer.UNKNOWN),
    ],
)
def test_window_that_did_not_arrive_is_still_due(job: Job, state: WindowState, answer: Answer) -> None:
    """A call that AWS refused, or that nothing shows to have arrived, leaves its window due."""
    report = build_windows(build_recurring_record(SEPTEMBER, job), SEPTEMBER.end + 2 * HOUR)
    assert report.due == FutureWindow(SEPTEMBER, SEPTEMBER.end + HOUR)
    (sent,) = report.sent
    assert (sent.state, sent.answer) == (state, answer)


@pytest.mark.parametrize(
    "job", [build_refused_job(SEPTEMBER.end), Job(JobSource.UPDATE, SEPTEMBER.end, is_accepted=True)]
)
def test_skipped_window_is_left_out_and_keeps_its_answer(job: Job) -> None:
    """A window that window.skip passed over neither failed nor runs. The time in it is left out."""
    stretch = Omission(SEPTEMBER.start, SEPTEMBER.end, OmissionCause.SKIP)
    stored_record = build_recurring_record(SEPTEMBER, replace(job, ended_at=SEPTEMBER.end + HOUR), SEPTEMBER.end)
    assert stored_record.recurrence
    stored_record = replace(stored_record, recurrence=replace(stored_record.recurrence, omissions=(stretch,)))
    report = build_windows(stored_record)
    (sent, left_out) = report.history
    assert isinstance(sent, SentWindow)
    answers = (WindowState.REFUSED, Answer.REFUSED) if job.refusal else (WindowState.UNKNOWN, Answer.ACCEPTED)
    assert (sent.state, sent.answer, left_out) == (*answers, stretch)
    assert not report.is_unconfirmed("COMPLETED")
    assert list_next(report)[0] == OCTOBER


def test_repetition_that_never_seemed_to_run_is_unknown_after_a_day() -> None:
    """A window that was sent once more, and that List never showed as running, is unknown once it is blocked."""
    job = build_job(SEPTEMBER.end, None, is_repetition=True, running_at=None)
    for age, state in ((DAY - HOUR, WindowState.RUNNING), (DAY, WindowState.UNKNOWN)):
        report = build_windows(build_recurring_record(SEPTEMBER, job), SEPTEMBER.end + age)
        assert report.last
        assert report.last.state is state
    seen = replace(job, running_at=SEPTEMBER.end + HOUR)
    last = build_windows(build_recurring_record(SEPTEMBER, seen), SEPTEMBER.end + 2 * DAY).last
    assert last
    assert last.state is WindowState.RUNNING


def test_past_window_without_a_result_is_unknown() -> None:
    """An earlier window whose job was never seen to end is unknown, and never runs. Nobody answered for its call."""
    past = PastWindow(AUGUST.start, AUGUST.end, Job(JobSource.OBSERVED, AUGUST.end, shown_at=AUGUST.end))
    report = build_windows(build_recurring_record(SEPTEMBER, None, None, past))
    assert [(each.window, each.state, each.answer) for each in report.sent] == [
        (AUGUST, WindowState.UNKNOWN, None),
        (SEPTEMBER, WindowState.DONE, Answer.ACCEPTED),
    ]


def test_create_without_an_answer_is_shown() -> None:
    """A Create whose answer is unknown is shown as a sent window, before it has a job. The next window follows it."""
    sent_at = AUGUST.end + HOUR
    pending = replace(build_recurring_record(AUGUST), state=CreatePending(1, sent_at, sent_at))
    assert pending.recurrence
    begun = replace(pending, recurrence=replace(pending.recurrence, watermark=AUGUST.start))
    report = build_windows(begun, SEPTEMBER.end + 2 * HOUR)
    (sent,) = report.sent
    assert sent == SentWindow(AUGUST, Job(JobSource.CREATE, sent_at), is_last=True)
    assert sent.state is WindowState.UNKNOWN
    assert report.due == FutureWindow(SEPTEMBER, SEPTEMBER.end + HOUR)
    assert list_next(report)[0] == OCTOBER


def test_fixed_window_before_adoption_promises_nothing() -> None:
    """Until a run adopts its windows, an association has the window in its record, and no window is due or to come."""
    fixed_record = replace(build_recurring_record(SEPTEMBER), recurrence=None)
    pending_record = replace(fixed_record, state=CreatePending(1, LATE, LATE))
    for stored_record in (fixed_record, pending_record):
        report = build_windows(stored_record)
        assert report.is_unknown
        assert (report.watermark, report.planned, report.sent[0].window) == (None, (), SEPTEMBER)
    schedule = replace(build_recurring_record(), request=record(ExecutionConfiguration=None).request, recurrence=None)
    assert build_windows(schedule).sent == ()


@pytest.mark.parametrize(
    ("age", "state"),
    [(-HOUR, WindowState.TO_COME), (HOUR, WindowState.DUE), (DAY, WindowState.OVERDUE), (9 * DAY, WindowState.OVERDUE)],
)
def test_window_is_overdue_after_a_day(age: timedelta, state: WindowState) -> None:
    """A window is overdue a day after it became due, also if that happened after the run."""
    report = build_windows(build_recurring_record(SEPTEMBER))
    now = OCTOBER.end + HOUR + age
    assert report.get_state(report.next_windows[0], now) is state
    assert report.find_due_since(now) == (None if state is WindowState.TO_COME else OCTOBER.end + HOUR)


@pytest.mark.parametrize(
    ("policy", "rest"),
    [
        (replace(UPDATING, suspend=True), "policy.suspend is true"),
        (replace(UPDATING, mode=Mode.OBSERVE), "policy.mode is observe"),
    ],
)
def test_suspended_association_is_never_overdue(policy: object, rest: str) -> None:
    """A window of a suspended or only observed association is due, and nobody waits for it."""
    report = build_windows(build_recurring_record(AUGUST), LATE, policy=policy)
    assert report.due
    assert report.is_suspended
    assert report.rest == rest
    assert report.get_state(report.due, LATE) is WindowState.DUE
    assert report.find_due_since(LATE) is None


def plan_windows(
    desired: Manifest,
    stored_record: Record | None,
    *lives: Live,
    now: datetime = LATE,
    listing: Observation | None = None,
) -> Plan:
    """Return the plan of one manifest at a time."""
    listing = listing or replace(observation(*lives), aws_time=now)
    records = [stored_record] if stored_record else []
    return compute_plan([desired], listing, journal(*records), rules(Mode.CREATE_AND_UPDATE, now))


def read_windows(plan: Plan, **outcomes: Outcome) -> WindowReport:
    """Return the windows in the report of a plan with one manifest."""
    (line,) = build_lines(plan, outcomes, {})
    assert line.windows
    return line.windows


LIVE = live(ExecutionConfiguration=build_execution(SEPTEMBER))


@pytest.mark.parametrize(
    ("outcome", "due_start", "states"),
    [
        (None, OCTOBER.start, [WindowState.DONE]),
        (NotSent("throttled"), OCTOBER.start, [WindowState.DONE]),
        (Refused("no bucket"), OCTOBER.start, [WindowState.DONE, WindowState.REFUSED]),
        (Updated(), None, [WindowState.DONE, WindowState.RUNNING]),
    ],
)
def test_report_shows_the_windows_after_the_write(
    outcome: Outcome | None, due_start: datetime | None, states: list[WindowState]
) -> None:
    """The report shows a window as sent once its Update had an answer, and as due otherwise."""
    plan = plan_windows(build_recurring_manifest(), build_recurring_record(SEPTEMBER), LIVE)
    report = read_windows(plan, **({"export": outcome} if outcome else {}))
    assert (report.due.window.start if report.due else None) == due_start
    assert [each.state for each in report.sent] == states


@pytest.mark.parametrize("shown", [SEPTEMBER, Window(SEPTEMBER.start, OCTOBER.start + DAY), None])
def test_first_look_at_an_association_claims_no_overdue_window(shown: Window | None) -> None:
    """The run that adopts an association, and what follows from its journal, has no due window and no metric."""
    execution = build_execution(shown) if shown else None
    plan = plan_windows(build_recurring_manifest(), None, live(ExecutionConfiguration=execution), now=LATE + 9 * DAY)
    stored_record = plan.decisions[0].record
    for report in (read_windows(plan), build_windows(stored_record, LATE + 9 * DAY)):
        assert report.is_unknown
        assert (report.due, report.next_windows, report.find_due_since(LATE + 9 * DAY)) == (None, (), None)


@pytest.mark.parametrize("source", JobSource)
@pytest.mark.parametrize("sent_at", [OCTOBER.start + DAY, OCTOBER.end + HOUR])
def test_early_window_is_due_again(source: JobSource, sent_at: datetime) -> None:
    """A window whose job began before its end is due again. One that this program sent later was exported whole."""
    job = replace(build_job(sent_at), source=source)
    stored_record = build_recurring_record(OCTOBER, job, OCTOBER.start)
    assert isinstance(stored_record.state, Bound)
    stored_record = replace(stored_record, state=replace(stored_record.state, early_window=OCTOBER))
    report = build_windows(stored_record, OCTOBER.start + DAY)
    is_partial = source is JobSource.OBSERVED or sent_at < OCTOBER.end
    assert report.sent[0].is_partial == is_partial
    assert report.planned[0].window == (OCTOBER if is_partial else NOVEMBER)


def test_window_that_list_shows_no_more_is_not_running() -> None:
    """If List shows an earlier window again, nobody knows whether the job of the last one runs."""
    job = build_job(SEPTEMBER.end + HOUR, None, shown_at=SEPTEMBER.end + HOUR)
    stored_record = build_recurring_record(SEPTEMBER, job)
    assert stored_record.recurrence
    withdrawn = replace(stored_record.recurrence, foreign_since=SEPTEMBER.end + 2 * HOUR)
    reports = (build_windows(replace(stored_record, recurrence=each)) for each in (stored_record.recurrence, withdrawn))
    states = [each.last.state for each in reports if each.last]
    assert states == [WindowState.RUNNING, WindowState.UNKNOWN]


def test_window_of_a_suspended_target_names_the_target() -> None:
    """If only the target is suspended, the reason names it."""
    listing = list_windows(build_recurring_manifest(), journal(), LATE, None, is_suspended=True)
    assert listing
    assert listing.report.rest == "its target is suspended"


def test_watermark_that_a_person_set_is_marked() -> None:
    """A watermark of window.continueFrom is marked, unless something was left out before it."""
    stored_record = build_recurring_record(SEPTEMBER)
    assert stored_record.recurrence
    recurrence = replace(stored_record.recurrence, continued_from=SEPTEMBER.end)
    declared = replace(stored_record, recurrence=recurrence)
    stretch = Omission(SEPTEMBER.start, SEPTEMBER.end, OmissionCause.CONTINUE_FROM)
    left_out = replace(declared, recurrence=replace(recurrence, omissions=(stretch,)))
    records = (stored_record, declared, left_out)
    assert [build_windows(each).is_declared for each in records] == [False, True, False]


def test_report_tells_whether_this_program_exported_a_part() -> None:
    """Windows that were only observed, or that failed, are no exports of this program."""
    jobs = (build_job(SEPTEMBER.end), build_job(SEPTEMBER.end, "FAILED"))
    observed = replace(jobs[0], source=JobSource.OBSERVED)
    reports = [build_windows(build_recurring_record(SEPTEMBER, job)) for job in (*jobs, observed)]
    assert [each.is_own for each in reports] == [True, False, False]


def test_clock_of_this_machine_does_not_make_a_window_due() -> None:
    """A window is due by the earlier of the clocks of this machine and of AWS, if AWS shows its time."""
    stored_record = build_recurring_record(SEPTEMBER)
    late_machine = replace(observation(LIVE), aws_time=OCTOBER.end)
    assert read_windows(plan_windows(build_recurring_manifest(), stored_record, listing=late_machine)).due is None
    without_time = replace(observation(LIVE), aws_time=None)
    assert read_windows(plan_windows(build_recurring_manifest(), stored_record, listing=without_time)).due


@pytest.mark.parametrize("is_suspended", [False, True])
def test_windows_of_a_suspended_target_wait(*, is_suspended: bool) -> None:
    """No window of a suspended target goes out, also if none is due yet. A run that only observes suspends nothing."""
    run_rules = rules(Mode.OBSERVE, LATE)
    listing = replace(observation(LIVE), aws_time=LATE)
    plan = compute_plan([build_recurring_manifest()], listing, journal(build_recurring_record(SEPTEMBER)), run_rules)
    plan = apply_guardrails(plan, Target("prod", suspend=is_suspended), run_rules, listing)
    assert read_windows(plan).is_suspended == is_suspended


def test_planned_create_of_recurring_windows_continues_from_the_fixed_one_before() -> None:
    """Before a Create after a loss, the report says what is exported next, also without a watermark in the journal."""
    stored_record = replace(build_recurring_record(SEPTEMBER), recurrence=None, generation=1)
    assert isinstance(stored_record.state, Bound)
    lost = replace(stored_record, state=replace(stored_record.state, since=AUGUST.end, missing_since=AUGUST.end))
    desired = build_recurring_manifest(policy=Policy(mode=Mode.CREATE_AND_UPDATE, generation=2))
    windows = read_windows(plan_windows(desired, lost, listing=replace(observation(), aws_time=LATE), now=LATE))
    assert (windows.is_unknown, windows.watermark) == (False, SEPTEMBER.end)
    assert windows.due


def test_unlisted_association_keeps_its_windows() -> None:
    """If List fails, the report still shows the windows of the journal."""
    plan = plan_windows(
        build_recurring_manifest(), build_recurring_record(SEPTEMBER), listing=observation(unobserved="denied")
    )
    assert read_windows(plan).watermark == SEPTEMBER.end


def test_retired_and_plain_manifests_have_no_windows_in_the_report() -> None:
    """A retired manifest has no windows to come, and a manifest without `window` has none at all."""
    retired = build_recurring_manifest(policy=replace(UPDATING, retired="moved"))
    for desired in (retired, manifest()):
        (line,) = build_lines(plan_windows(desired, record(), live()), {}, {})
        assert line.windows is None
    (line,) = build_lines(replace(plan_windows(build_recurring_manifest(), None), now=None), {}, {})
    assert line.windows is None


def test_report_of_a_resting_association_says_why_nothing_is_sent() -> None:
    """An association that rests before anything could be planned is held, and its line says why nothing is sent."""
    policy = replace(UPDATING, suspend=True)
    plan = plan_windows(build_recurring_manifest(policy=policy), None, now=LATE)
    listing = replace(observation(), aws_time=LATE)
    held_plan = apply_guardrails(plan, Target("prod"), rules(Mode.CREATE_AND_UPDATE, LATE), listing)
    (line,) = build_lines(held_plan, {}, {})
    assert (line.decision, line.exit_code, line.write) == ("held", 0, None)
    assert line.reason.startswith("nothing is sent, because policy.suspend is true in the manifest: ")


@pytest.mark.parametrize(
    ("outcome", "count", "pause"),
    [
        (Refused("no bucket"), 0, SETTLE),
        (Refused("no bucket"), 1, None),
        (Refused("denied", RefusalKind.DENY), 1, 2 * SETTLE),
        (Refused("expired", RefusalKind.ACCESS), 0, None),
        (NotSent("throttled"), 0, None),
        (Updated(), 0, None),
    ],
)
def test_refused_update_has_the_pause_of_the_next_attempt(
    outcome: Outcome, count: int, pause: timedelta | None
) -> None:
    """A request that AWS refuses is sent once more, and a denied one again and again, each after a pause."""
    plan = plan_windows(build_recurring_manifest(), build_recurring_record(SEPTEMBER), LIVE)
    (update,) = plan.writes
    assert isinstance(update.record.state, Bound)
    assert update.record.state.job
    state = replace(update.record.state, job=replace(update.record.state.job, refusal_count=count))
    plan = replace(plan, decisions=(replace(update, record=replace(update.record, state=state)),))
    (line,) = build_lines(plan, {"export": outcome}, {})
    assert line.pause == pause


def plan_unread(shown: Observation) -> Plan:
    """Return the plan of a manifest without a record, long after its first windows were due."""
    return compute_plan([build_recurring_manifest()], shown, journal(), rules(Mode.CREATE_AND_UPDATE, LATE + 9 * DAY))


def test_association_without_a_record_claims_no_overdue_window() -> None:
    """Without a record nothing is due if AWS has the association, or may have it: an unreadable window, or no List.

    The status and the list, which read only the journal, know of it if List showed the association.
    """
    window: Spec = {"ExecutionMode": "ON_DEMAND", "OnDemandConfiguration": {"StartTime": "soon", "EndTime": "1"}}
    shown = replace(live(), spec={**live().spec, "ExecutionConfiguration": window})
    lookalike = live(DestinationURI="s3://corp-exports/2026-10/")
    unread = (observation(shown), observation(unobserved="denied"), observation(lookalike))
    for plan in map(plan_unread, (*unread, observation(live("a1"), live("a2")))):
        assert isinstance(plan.decisions[0], Blocked)
        report = read_windows(plan)
        assert (report.is_unknown, report.planned, report.find_due_since(LATE + 9 * DAY)) == (True, (), None)
    now, manifests = LATE + 9 * DAY, [build_recurring_manifest()]
    for execution, is_unknown in ((Execution("COMPLETED", None), True), (None, False)):
        stored = replace(journal(), last_decisions={"export": LastDecision("blocked", now, execution)})
        listing = list_windows(manifests[0], stored, now, None)
        (recorded,) = list_recorded_associations(stored, manifests, now)
        assert listing
        assert recorded.windows
        assert (listing.report.is_unknown, recorded.windows.is_unknown) == (is_unknown, is_unknown)


def test_windows_of_a_missing_association_are_due() -> None:
    """If List does not have the association, everything since its first window is due."""
    assert read_windows(plan_unread(observation())).due
