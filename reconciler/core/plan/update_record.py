"""Build the records of Updates that a change in git or a raised policy.generation sends."""

from __future__ import annotations

from dataclasses import replace

from reconciler.core.journal.jobs import Job, JobSource
from reconciler.core.journal.records import Bound, Record
from reconciler.core.model import Live, Spec
from reconciler.core.plan.difference import compare
from reconciler.core.plan.inputs import DecisionInput
from reconciler.core.plan.recurring.recurrence import mark_replaced, with_current_window_past
from reconciler.core.request.export_window import EXECUTION


def has_drifted(applied: Spec, live: Live, ignore: tuple[str, ...]) -> bool:
    """Tell whether the live association differs from the applied request."""
    return bool(compare(applied, applied, live.spec, ignore))


def accept_generation(inputs: DecisionInput, record: Record) -> Record:
    """Return the record of a fixed window with the generation of the manifest.

    A raised generation replaces the recurring windows that the association had before. Their watermark stays known.
    """
    recurrence = record.recurrence
    if recurrence and inputs.is_generation_raised(record):
        recurrence = mark_replaced(recurrence)
    return replace(inputs.acknowledge_generation(record), recurrence=recurrence)


def build_update_record(inputs: DecisionInput, record: Record, baseline: Spec) -> Record:
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
    past_record = with_current_window_past(record)
    if is_raised:
        past_record = replace(accept_generation(inputs, past_record), previous_executions=())
    return replace_request(past_record, inputs.request, baseline, job)


def replace_request(record: Record, request: Spec, baseline: Spec, job: Job | None) -> Record:
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
