"""Decision table of live associations that are bound: drift, changes and Updates."""

from __future__ import annotations

from dataclasses import replace

from reconciler.core.journal.jobs import COMPLETED, FAILED, RUNNING, Job, JobSource
from reconciler.core.journal.records import Bound, Record
from reconciler.core.model import Live, Spec
from reconciler.core.plan.adopt_live import adopt_after_window, is_window_adoption
from reconciler.core.plan.decision import Adopt, Blocked, Changed, Decision, Drifted, Held, InSync, Settling
from reconciler.core.plan.difference import compare
from reconciler.core.plan.inputs import DecisionInput
from reconciler.core.plan.job_progress import (
    MAX_WAIT,
    Look,
    compute_pause,
    compute_wait_end,
    describe_missed_export,
    describe_running,
    describe_unshown_job,
    describe_wait,
    is_running,
    is_withdrawn_since,
    may_run,
    observe_job,
)
from reconciler.core.plan.recurring.decide import decide_recurring
from reconciler.core.plan.recurring.early_window import remember_early_window
from reconciler.core.plan.recurring.observe_window import mark_foreign_window, observe_window
from reconciler.core.plan.recurring.overdue import compute_latest_overdue_time
from reconciler.core.plan.recurring.recurrence import with_current_window_past
from reconciler.core.plan.update_obstacle import (
    REPEAT_WARNING,
    describe_change,
    describe_steps,
    find_update_obstacle,
    may_update,
)
from reconciler.core.plan.update_record import accept_generation, build_update_record, has_drifted, replace_request
from reconciler.core.plan.write import Update
from reconciler.core.request.export_window import EXECUTION, read_window, starts_export
from reconciler.core.text import format_timestamp, strip_full_stop


def decide_bound(inputs: DecisionInput, record: Record, bound: Bound, live: Live) -> Decision:
    """Return the decision for a live association that is bound: in sync, drifted, changed, update or settling."""
    if inputs.manifest.window:
        return decide_recurring(inputs, record, bound, live)
    ignore = inputs.manifest.policy.ignore
    bound = remember_early_window(replace(bound, arn=live.arn, missing_since=None), live, inputs.look_time)
    record = replace(record, state=bound)
    record = mark_foreign_window(record, live, inputs.look_time) if record.is_recurring else record
    record, job = _observe(inputs, record, bound, live)
    baseline = _find_baseline(record, job, live, ignore)
    is_unshown = baseline is not record.request
    differences = compare(inputs.request, record.request, live.spec, ignore)
    if inputs.old_name:
        next_step = ", and the next run decides about the differences" if differences else ""
        reason = f"the manifest was renamed from {inputs.old_name}; a run records the new name{next_step}"
        return Adopt(inputs.manifest, live, record, differences, reason)
    if record.is_recurring and not inputs.is_generation_raised(record):
        reason = (
            "the manifest no longer has its recurring windows: if this is an older revision, run the latest one; to "
            f"end the recurring windows, {inputs.describe_remedy(record)}; until then nothing is sent"
        )
        overdue_at = compute_latest_overdue_time(record)
        is_overdue = overdue_at is not None and inputs.rules.now >= overdue_at
        event = "the next window has been due for more than a day, unless window.last ended the windows"
        reason += f"; {event}" if is_overdue else ""
        changed = Changed(inputs.manifest, live, record, differences, reason, exit_code=int(is_overdue))
        return _add_missed_export(inputs, changed)
    if is_window_adoption(record):
        adopted = adopt_after_window(inputs, record, live)
        if isinstance(adopted, Adopt):
            return adopted
        record = adopted
    if job and job.is_update_unshown and is_unshown:
        return _decide_unshown_update(inputs, record, job, live, baseline)
    if any(difference.is_changed for difference in differences):
        return _decide_changed(inputs, record, live, baseline)
    if job and (is_unshown or (job.shown_at and not has_drifted(record.request, live, ignore))):
        return _decide_by_job(inputs, record, job, live, baseline)
    record = accept_generation(inputs, record)
    return Drifted(inputs.manifest, live, record, differences) if differences else InSync(inputs.manifest, live, record)


def _observe(inputs: DecisionInput, record: Record, bound: Bound, live: Live) -> tuple[Record, Job | None]:
    """Return the record and its job after a look at List. A window may move the watermark of recurring windows."""
    if record.recurrence and read_window(record.request):
        record = observe_window(inputs, record, live)
        assert isinstance(record.state, Bound)
        return record, record.state.job
    job = _observe_job(inputs, record, bound.job, live)
    return replace(record, state=replace(bound, job=job)), job


def _find_baseline(record: Record, job: Job | None, live: Live, ignore: tuple[str, ...]) -> Spec:
    """Return the applied request as far as List can show it: the one before an Update that List does not show."""
    is_withdrawn = record.recurrence is not None and record.recurrence.foreign_since is not None
    if job is None or job.source is not JobSource.UPDATE or (job.shown_at and not is_withdrawn):
        return record.request
    baseline = {**record.request, EXECUTION: record.previous_executions[-1]}
    return record.request if has_drifted(baseline, live, ignore) else baseline


def _observe_job(inputs: DecisionInput, record: Record, job: Job | None, live: Live) -> Job | None:
    """Return the job after a look at List. The job of a schedule is not followed once List shows the schedule."""
    is_shown, now = not has_drifted(record.request, live, inputs.manifest.policy.ignore), inputs.look_time
    if not starts_export(record.request):
        return None if is_shown else job
    if job:
        return observe_job(job, Look(live, now, inputs.rules.now, is_shown), inputs.rules.options.settle_time)
    if is_shown and live.last_execution and live.last_execution.status == COMPLETED:
        return Job(JobSource.OBSERVED, now, shown_at=now, result=COMPLETED, ended_at=now)
    return None


def _decide_by_job(inputs: DecisionInput, record: Record, job: Job, live: Live, baseline: Spec) -> Decision:
    """Wait for the export to end. Report a failed one, and repeat it for a raised generation.

    `baseline` is the applied request as far as List can show it.
    """
    manifest, is_raised = inputs.manifest, inputs.is_generation_raised(record)
    differences = compare(inputs.request, baseline, live.spec, manifest.policy.ignore)
    is_stuck = job.is_repetition and not job.running_at and inputs.rules.now >= job.sent_at + MAX_WAIT
    if job.result == FAILED and job.source is not JobSource.OBSERVED:
        message = live.last_execution.message if live.last_execution else None
        event, advice = f"the export FAILED{f': {strip_full_stop(message)}' if message else ''}", "correct the cause"
    elif job.result is None and is_stuck:
        event = (
            f"the update of {format_timestamp(job.sent_at)} sent the same window once more, and List never showed its "
            f"job as {RUNNING}"
        )
        advice = "look in AWS for its export"
    else:
        record = _keep_generation(inputs, record, job) if job.result is None else accept_generation(inputs, record)
        return InSync(manifest, live, record, describe_unshown_job(job))
    if (is_raised or job.should_repeat) and may_update(inputs):
        until = job.sent_at + inputs.rules.options.settle_time
        if inputs.rules.now < until:
            kept_record = _keep_generation(inputs, record, job)
            return Settling(manifest, kept_record, until, f"{event}; it is sent once more", live, differences)
        reason = f"{event}; policy.generation was raised; the update {REPEAT_WARNING}"
        new_record = build_update_record(inputs, record, baseline)
        return _hold_while_running(inputs, Update(manifest, live, new_record, record, differences, reason))
    steps = describe_steps(inputs, record, should_raise=not (is_raised or job.should_repeat))
    update = Update(manifest, live, build_update_record(inputs, record, baseline), record, differences, event)
    reason = f"{event}; {advice}; to send the same window once more, {steps}"
    return Blocked(manifest, reason, update, is_past=True)


def _keep_generation(inputs: DecisionInput, record: Record, job: Job) -> Record:
    """Return the record with a raised generation kept for the job that runs, and for no other."""
    if not inputs.is_generation_raised(record):
        return record
    assert isinstance(record.state, Bound)
    state = replace(record.state, job=replace(job, should_repeat=True))
    return replace(accept_generation(inputs, record), state=state)


def _decide_unshown_update(inputs: DecisionInput, record: Record, job: Job, live: Live, baseline: Spec) -> Decision:
    """Decide on an Update that List does not show: wait, send a refused one again, or report it.

    Without an answer it is never sent again by itself.
    """
    manifest, settle_time = inputs.manifest, inputs.rules.options.settle_time
    differences = compare(inputs.request, baseline, live.spec, manifest.policy.ignore)
    event, is_same_request = f"an update was sent at {format_timestamp(job.sent_at)}", inputs.request == record.request
    until = compute_wait_end(job, inputs.rules.now, settle_time)
    if not job.refusal and inputs.rules.now < until:
        # If git has changed the request since, a raised generation belongs to the new request.
        new_record = accept_generation(inputs, record) if is_same_request else record
        return Settling(manifest, new_record, until, f"{event}, and List does not show it yet", live, differences)
    if not is_same_request:
        return _decide_changed(inputs, record, live, baseline)

    def build_update(reason: str) -> Update:
        new_record = build_update_record(inputs, record, baseline)
        return Update(manifest, live, new_record, record, differences, f"{reason}; the update {REPEAT_WARNING}")

    is_raised = inputs.is_generation_raised(record)
    if is_raised and may_update(inputs):
        return _hold_while_running(inputs, build_update("policy.generation was raised"))
    steps = describe_steps(inputs, record, should_raise=not is_raised)
    remedy = f"to send the update again, {steps}; the update {REPEAT_WARNING}"
    if job.refusal is None:
        result = "AWS accepted it, and List never showed it" if job.is_accepted else "its answer is unknown"
        return Blocked(manifest, f"{event}; {result}: {remedy}", build_update(event), is_past=True)
    event = f"AWS refused the update of {format_timestamp(job.sent_at)}: {strip_full_stop(job.refusal.message)}"
    until = job.sent_at + compute_pause(job, settle_time)
    may_repeat = (job.refusal_count == 1 or job.refusal.is_denied) and may_update(inputs)
    if may_repeat and inputs.rules.now >= until:
        return _hold_while_running(inputs, build_update(f"{event}; it is sent again"))
    if may_repeat and not job.refusal.is_denied:
        reason = f"{event}; it is sent once more after {format_timestamp(until)}"
        return Held(manifest, build_update(event), reason, is_temporary=True, until=until, exit_code=1)
    next_attempt = f"; the next attempt is at {format_timestamp(until)}" if may_repeat else ""
    return Blocked(manifest, f"{event}; correct the cause{next_attempt}; {remedy}", build_update(event), is_past=True)


def _hold_while_running(inputs: DecisionInput, update: Update) -> Update | Held:
    """Return an Update that was sent before, or hold it while List shows that an export is running."""
    if not is_running(update.live):
        return update
    reason = f"{update.reason}, but {describe_running(update.live)}"
    return Held(inputs.manifest, update, reason, is_temporary=True, exit_code=1)


def _decide_changed(inputs: DecisionInput, record: Record, live: Live, baseline: Spec) -> Decision:
    """Send the change in git if an Update can make it, the rules allow it, and it overwrites no drift.

    `baseline` is the applied request as far as List can show it. Without an Update, report the change, or adopt it if
    AWS already shows it.
    """
    differences = compare(inputs.request, baseline, live.spec, inputs.manifest.policy.ignore)
    if all(each.is_readable and each.is_updatable and each.desired == each.live for each in differences):
        past_record = with_current_window_past(record)
        adopted_record = replace_request(accept_generation(inputs, past_record), inputs.request, baseline, None)
        return Adopt(inputs.manifest, live, adopted_record, (), "AWS already has the configuration that git requests")
    assert isinstance(record.state, Bound)
    job = record.state.job
    if obstacle := find_update_obstacle(inputs, record, live, baseline):
        return _add_missed_export(inputs, Changed(inputs.manifest, live, record, differences, obstacle))
    event = _describe_missed_export(inputs, record)
    reason = f"{describe_change(inputs, record)}{event}; the update {REPEAT_WARNING}"
    new_record = build_update_record(inputs, record, baseline)
    update = Update(inputs.manifest, live, new_record, record, differences, reason)
    if job and is_withdrawn_since(record, job, inputs.rules.now - inputs.rules.options.settle_time):
        job = None  # nothing in List is about it any more
    if may_run(job, live, record.request):
        exit_code = int(inputs.rules.now >= (job.sent_at if job else record.state.since) + MAX_WAIT)
        reason, _ = describe_wait(job, live, inputs.rules.options.settle_time)
        return Held(inputs.manifest, update, reason, is_temporary=True, exit_code=exit_code)
    return update


def _add_missed_export(inputs: DecisionInput, changed: Changed) -> Changed:
    """Return a change that is not sent, with exit code 1 if it would hide an export that may be missing."""
    event = _describe_missed_export(inputs, changed.record)
    return replace(changed, reason=f"{changed.reason}{event}", exit_code=1) if event else changed


def _describe_missed_export(inputs: DecisionInput, record: Record) -> str:
    return describe_missed_export(record, inputs.rules.now, inputs.rules.options.settle_time)
