"""Decision table of live associations that are bound: drift, changes and Updates."""

from __future__ import annotations

from dataclasses import replace

from reconciler.core.journal.jobs import COMPLETED, FAILED, RUNNING, Job, JobSource
from reconciler.core.journal.records import Bound, Record
from reconciler.core.model import Live, Mode, Spec, build_natural_key
from reconciler.core.plan.decide_recurring import decide_recurring
from reconciler.core.plan.decision import Adopt, Blocked, Changed, Decision, Drifted, Held, InSync, Settling, Update
from reconciler.core.plan.difference import Difference, compare
from reconciler.core.plan.inputs import DecisionInput
from reconciler.core.plan.job_progress import PATIENCE, compute_pause, may_run, observe_job
from reconciler.core.request.export_window import EXECUTION, starts_export
from reconciler.core.text import format_timestamp

_UNKNOWN_CHANGE = "git and AWS differ, and the journal does not show which of them changed"
"""Reason not to send the manifest of an adopted association that differs from it."""

_REPEAT_WARNING = "REPEATS the export"


def decide_bound(inputs: DecisionInput, record: Record, bound: Bound, live: Live) -> Decision:
    """Return the decision for a live association that is bound: in sync, drifted, changed, update or settling."""
    if inputs.manifest.window:
        return decide_recurring(inputs, record, bound, live)
    ignore = inputs.manifest.policy.ignore
    job = _observe_job(inputs, record, bound.job, live)
    record = replace(record, state=replace(bound, arn=live.arn, missing_since=None, job=job))
    differences = compare(inputs.request, record.request, live.spec, ignore)
    if inputs.old_name:
        next_step = "; the run after it decides about the differences" if differences else ""
        reason = f"the manifest was renamed from {inputs.old_name}, which a run records{next_step}"
        return Adopt(inputs.manifest, live, record, differences, reason)
    if job and job.is_update_unshown:
        baseline: Spec = {**record.request, EXECUTION: record.previous_executions[-1]}
        if not _has_drifted(baseline, live, ignore):
            return _decide_unshown_update(inputs, record, job, live, baseline)
    if record.recurrence and not inputs.is_generation_raised(record):
        reason = (
            "the manifest had recurring windows before, and now has none, as in an older revision: run the latest "
            f"revision; to end the recurring windows, {inputs.describe_remedy(record)}; until then nothing is sent"
        )
        return Changed(inputs.manifest, live, record, differences, reason)
    if any(difference.is_changed for difference in differences):
        return _decide_changed(inputs, record, live, record.request)
    if job and job.shown_at and not _has_drifted(record.request, live, ignore):
        return _decide_by_job(inputs, record, job, live, differences)
    record = inputs.acknowledge_generation(record)
    return Drifted(inputs.manifest, live, record, differences) if differences else InSync(inputs.manifest, live, record)


def _observe_job(inputs: DecisionInput, record: Record, job: Job | None, live: Live) -> Job | None:
    """Return the job after a look at List. The job of a schedule is not followed once List shows the schedule."""
    is_shown, now = not _has_drifted(record.request, live, inputs.manifest.policy.ignore), inputs.rules.now
    if not starts_export(record.request):
        return None if is_shown else job
    if job:
        return observe_job(job, live, now, inputs.rules.options.settle_time, is_shown=is_shown)
    if is_shown and live.last_execution and live.last_execution.status == COMPLETED:
        return Job(JobSource.OBSERVED, now, shown_at=now, result=COMPLETED, ended_at=now)
    return None


def _decide_by_job(
    inputs: DecisionInput, record: Record, job: Job, live: Live, differences: tuple[Difference, ...]
) -> Decision:
    """Wait for the export to end. Report a failed one, and repeat it for a raised generation."""
    manifest, is_raised = inputs.manifest, inputs.is_generation_raised(record)
    is_stuck = job.is_repetition and not job.running_at and inputs.rules.now >= job.sent_at + PATIENCE
    if job.result == FAILED and job.source is not JobSource.OBSERVED:
        message = live.last_execution.message if live.last_execution else None
        event = f"the export FAILED{f': {message}' if message else ''}"
    elif job.result is None and is_stuck:
        event = (
            f"the update of {format_timestamp(job.sent_at)} sent the same window once more, and List never showed its "
            f"job as {RUNNING}"
        )
    else:
        record = _keep_generation(inputs, record, job) if job.result is None else inputs.acknowledge_generation(record)
        return InSync(manifest, live, record)
    if (is_raised or job.should_repeat) and _may_update(inputs):
        until = job.sent_at + inputs.rules.options.settle_time
        if inputs.rules.now < until:
            kept_record = _keep_generation(inputs, record, job)
            return Settling(manifest, kept_record, until, f"{event}; it is sent once more", live, differences)
        reason = f"{event}; policy.generation was raised; the update {_REPEAT_WARNING}"
        return Update(manifest, live, _build_update_record(inputs, record, record.request), record, differences, reason)
    steps = _describe_steps(inputs, record, should_raise=not (is_raised or job.should_repeat))
    new_record = _build_update_record(inputs, record, record.request)
    update = Update(manifest, live, new_record, record, differences, event)
    reason = f"{event}: correct the cause; to send the same window once more, {steps}"
    return Blocked(manifest, reason, update, is_past=True)


def _keep_generation(inputs: DecisionInput, record: Record, job: Job) -> Record:
    """Return the record with a raised generation kept for the job that runs, and for no other."""
    if not inputs.is_generation_raised(record):
        return record
    assert isinstance(record.state, Bound)
    state = replace(record.state, job=replace(job, should_repeat=True))
    return replace(inputs.acknowledge_generation(record), state=state)


def _decide_unshown_update(inputs: DecisionInput, record: Record, job: Job, live: Live, baseline: Spec) -> Decision:
    """Decide on an Update that List does not show: wait, send a refused one again, or report it.

    Without an answer it is never sent again by itself.
    """
    manifest, settle_time = inputs.manifest, inputs.rules.options.settle_time
    differences = compare(inputs.request, baseline, live.spec, manifest.policy.ignore)
    event, is_same_request = f"an update was sent at {format_timestamp(job.sent_at)}", inputs.request == record.request
    until = job.sent_at + settle_time
    if not job.refusal and inputs.rules.now < until:
        # If git has changed the request since, a raised generation belongs to the new request.
        new_record = inputs.acknowledge_generation(record) if is_same_request else record
        return Settling(manifest, new_record, until, f"{event}, and List does not show it yet", live, differences)
    if not is_same_request:
        return _decide_changed(inputs, record, live, baseline)

    def build_update(reason: str) -> Update:
        new_record = _build_update_record(inputs, record, baseline)
        return Update(manifest, live, new_record, record, differences, f"{reason}; the update {_REPEAT_WARNING}")

    is_raised = inputs.is_generation_raised(record)
    if is_raised and _may_update(inputs):
        return build_update("policy.generation was raised")
    steps = _describe_steps(inputs, record, should_raise=not is_raised)
    remedy = f"to send the update again, {steps}; the update {_REPEAT_WARNING}"
    if job.refusal is None:
        result = "AWS accepted it, and List never showed it" if job.is_accepted else "its answer is unknown"
        return Blocked(manifest, f"{event}; {result}: {remedy}", build_update(event), is_past=True)
    event = f"AWS refused the update of {format_timestamp(job.sent_at)}: {job.refusal.message}"
    until = job.sent_at + compute_pause(job, settle_time)
    may_repeat = (job.refusal_count == 1 or job.refusal.is_denied) and _may_update(inputs)
    if may_repeat and inputs.rules.now >= until:
        return build_update(f"{event}; it is sent again")
    if may_repeat and not job.refusal.is_denied:
        reason = f"{event}; it is sent once more after {format_timestamp(until)}"
        return Held(manifest, build_update(event), reason, is_temporary=True, until=until, exit_code=1)
    next_attempt = f"; the next attempt is at {format_timestamp(until)}" if may_repeat else ""
    return Blocked(manifest, f"{event}: correct the cause{next_attempt}; {remedy}", build_update(event), is_past=True)


def describe_unknown_change(inputs: DecisionInput, record: Record, live: Live) -> str:
    """Describe how an adopted association differs from git, with the ways to resolve it.

    `record` holds the live values as applied.
    """
    differences = compare(inputs.request, record.request, live.spec)
    fixed_members = [each.path for each in differences if each.is_changed and not each.is_updatable]
    fixed_members += [] if EXECUTION in inputs.request else [f"/{EXECUTION}"]
    steps = _describe_steps(inputs, inputs.acknowledge_generation(record), should_raise=True)
    remedy = (
        f"an update cannot change {', '.join(fixed_members)} to what git has"
        if fixed_members
        else f"to send what git has, {steps}; the update {_REPEAT_WARNING}"
    )
    return f"{_UNKNOWN_CHANGE}: to keep what AWS has, copy its values into git; {remedy}"


def _decide_changed(inputs: DecisionInput, record: Record, live: Live, baseline: Spec) -> Decision:
    """Send the change in git if an Update can make it, the rules allow it, and it overwrites no drift.

    `baseline` is the applied request as far as List can show it. Without an Update, report the change, or adopt it if
    AWS already shows it.
    """
    differences = compare(inputs.request, baseline, live.spec, inputs.manifest.policy.ignore)
    if all(each.is_readable and each.is_updatable and each.desired == each.live for each in differences):
        adopted_record = _replace_request(inputs.acknowledge_generation(record), inputs.request, baseline, None)
        return Adopt(inputs.manifest, live, adopted_record, (), "AWS already has the configuration that git requests")
    if obstacle := _find_update_obstacle(inputs, record, live, baseline):
        return Changed(inputs.manifest, live, record, differences, obstacle)
    reason = f"{_describe_change(inputs, record)}; the update {_REPEAT_WARNING}"
    new_record = _build_update_record(inputs, record, baseline)
    update = Update(inputs.manifest, live, new_record, record, differences, reason)
    assert isinstance(record.state, Bound)
    job = record.state.job
    if may_run(job, live, record.request):
        exit_code = int(inputs.rules.now >= (job.sent_at if job else record.state.since) + PATIENCE)
        reason = "the last export may still be running, and AWS allows an update only after it"
        return Held(inputs.manifest, update, reason, is_temporary=True, exit_code=exit_code)
    return update


def _find_update_obstacle(inputs: DecisionInput, record: Record, live: Live, baseline: Spec) -> str | None:
    """Return the reason not to send a change; None if it may be sent."""
    generation = inputs.manifest.policy.generation
    # policy.ignore does not apply here: an Update overwrites its members, too.
    differences = compare(inputs.request, baseline, live.spec)
    if fixed_members := ", ".join(each.path for each in differences if each.is_changed and not each.is_updatable):
        is_same_key = build_natural_key(inputs.request) == record.key
        advice = (
            ", with another DestinationURI or ClientId, because a new name alone keeps this association"
            if is_same_key
            else ""
        )
        return (
            f"an update cannot change {fixed_members}: restore the old values in this manifest, and write a manifest "
            f"for the new values, with a new name{advice}"
        )
    if EXECUTION not in inputs.request:
        return (
            "an update cannot remove ExecutionConfiguration: restore it in this manifest, and write a manifest without "
            "it, with a new name"
        )
    drifted_members = ", ".join(each.path for each in differences if each.is_drifted)
    if drifted_members or not _may_update(inputs):
        return _describe_unsent_change(inputs, record, drifted_members)
    if generation < record.generation:
        return (
            f"policy.generation is {generation} and was {record.generation} before, as in an older revision: run the "
            f"latest revision, or set policy.generation to {record.generation} or more; until then nothing is sent"
        )
    if inputs.request[EXECUTION] in record.previous_executions and not inputs.is_generation_raised(record):
        return _describe_unsent_change(inputs, record, "")
    return None


def _describe_unsent_change(inputs: DecisionInput, record: Record, drifted_members: str) -> str:
    """Return why a change is not sent and every step that sends it. The drift comes first: an update overwrites it."""
    change = _describe_change(inputs, record)
    is_previous = _is_previous_execution(inputs, record)
    steps = _describe_steps(inputs, record, should_raise=is_previous)
    if drifted_members:
        remedy = "put the values of AWS into git first, and make the change afterwards"
        later_steps = f"; to send the change then, {steps}; the update {_REPEAT_WARNING}" if steps else ""
        return f"{change}, and an update would overwrite drift in AWS ({drifted_members}): {remedy}{later_steps}"
    if is_previous and record.token:
        causes = "this run reads an old revision, or the manifest was reverted; for a revert"
    else:
        causes = "to send the change"
    return f"{change}, and the change was not sent: {causes}, {steps}; the update {_REPEAT_WARNING}"


def _is_previous_execution(inputs: DecisionInput, record: Record) -> bool:
    """Tell whether the manifest requests an earlier ExecutionConfiguration and policy.generation is not raised."""
    return inputs.request.get(EXECUTION) in record.previous_executions and not inputs.is_generation_raised(record)


def _describe_change(inputs: DecisionInput, record: Record) -> str:
    """Describe the change as far as the journal knows it. The history of an adopted association is unknown."""
    if not _is_previous_execution(inputs, record):
        return (
            "policy.generation was raised"
            if inputs.request.get(EXECUTION) in record.previous_executions
            else "git changed the configuration"
        )
    if record.token is None:
        return f"{_UNKNOWN_CHANGE} since the adoption"
    return "git asks for a configuration that was sent before"


def _may_update(inputs: DecisionInput) -> bool:
    return inputs.rules.options.mode.choose_stricter(inputs.manifest.policy.mode) is Mode.CREATE_AND_UPDATE


def _describe_steps(inputs: DecisionInput, record: Record, *, should_raise: bool) -> str:
    """Return the steps that an Update still needs: a raised generation, and the mode of the manifest and of the run."""
    mode = Mode.CREATE_AND_UPDATE
    generation_step = (inputs.describe_remedy(record),) if should_raise else ()
    manifest_part = () if inputs.manifest.policy.mode is mode else ("policy.mode in the manifest",)
    run_part = () if inputs.rules.options.mode is mode else ("--mode",)
    settings = " and ".join((*manifest_part, *run_part))
    mode_step = (f"set {settings} to {mode.value}",) if settings else ()
    return " and ".join((*generation_step, *mode_step))


def _has_drifted(applied: Spec, live: Live, ignore: tuple[str, ...]) -> bool:
    """Tell whether the live association differs from the applied request."""
    return bool(compare(applied, applied, live.spec, ignore))


def _build_update_record(inputs: DecisionInput, record: Record, baseline: Spec) -> Record:
    """Return the record to write before an Update, with the new request as applied."""
    assert isinstance(record.state, Bound)
    old_job, is_raised = record.state.job, inputs.is_generation_raised(record)
    is_same_request = inputs.request == record.request
    job = Job(
        JobSource.UPDATE,
        inputs.rules.now,
        refusal_count=old_job.refusal_count if old_job and is_same_request and not is_raised else 0,
        is_repetition=is_same_request and not (old_job and old_job.is_update_unshown),
    )
    if is_raised:
        record = replace(inputs.acknowledge_generation(record), previous_executions=(), recurrence=None)
    return _replace_request(record, inputs.request, baseline, job)


def _replace_request(record: Record, request: Spec, baseline: Spec, job: Job | None) -> Record:
    """Return the record with the new applied request. Keep the previous and the last live ExecutionConfiguration."""
    assert isinstance(record.state, Bound)
    old_execution, live_execution = record.request.get(EXECUTION), baseline.get(EXECUTION)
    new_execution = request.get(EXECUTION)
    previous_executions = (
        *(each for each in (*record.previous_executions, old_execution) if each not in (live_execution, new_execution)),
        live_execution,
    )
    return replace(
        record, request=request, state=replace(record.state, job=job), previous_executions=previous_executions
    )
