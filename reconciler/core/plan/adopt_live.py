"""Bind a manifest to a live association that it did not create, or whose Create had no answer."""

from __future__ import annotations

from dataclasses import replace

from reconciler.core.journal.jobs import Job, JobSource
from reconciler.core.journal.records import Bound, CreatePending, Record
from reconciler.core.model import Live
from reconciler.core.plan.decision import Adopt
from reconciler.core.plan.difference import compare, with_live_values
from reconciler.core.plan.inputs import DecisionInput
from reconciler.core.plan.recurring.early_window import remember_early_window
from reconciler.core.plan.recurring.recurrence import with_live_execution
from reconciler.core.plan.update_obstacle import describe_unknown_change
from reconciler.core.request.export_window import EXECUTION, starts_export


def adopt_live(inputs: DecisionInput, live: Live, record: Record | None, reason: str) -> Adopt:
    """Bind the manifest to a live association.

    The request of an earlier Create for it counts as applied. Without such a Create, the live values count as applied.
    """
    manifest, bound = inputs.manifest, _build_bound(inputs, live)
    if record and isinstance(record.state, CreatePending) and starts_export(record.request):
        bound = replace(bound, job=Job(JobSource.CREATE, record.state.last_attempt))
    is_window_known = record is not None and (isinstance(record.state, CreatePending) or record.recurrence is not None)
    if manifest.window and not is_window_known:
        inputs = replace(inputs, request=with_live_execution(inputs.request, live))
    if record is None:
        incarnation = inputs.record.incarnation if inputs.record else 0
        record = Record(manifest.name, inputs.request, None, incarnation, manifest.policy.generation, bound)
    if isinstance(record.state, Bound) and not (manifest.window and is_window_known):
        record, reason = _record_live_as_applied(inputs, record, live, reason)
    if manifest.window and not is_window_known and record.token is None:
        record = _mark_window_adoption(record)
    record = replace(inputs.acknowledge_generation(record), state=bound)
    differences = compare(inputs.request, record.request, live.spec, manifest.policy.ignore)
    if manifest.window:  # the next run decides about the window that List shows
        differences = tuple(each for each in differences if not each.is_updatable)
    return Adopt(manifest, live, record, differences, reason)


def _build_bound(inputs: DecisionInput, live: Live) -> Bound:
    """Return the state of a live association from now on. An early window stays known if the journal knows it."""
    bound, old_state = Bound(live.id, inputs.rules.now, live.arn), inputs.record.state if inputs.record else None
    if isinstance(old_state, Bound) and old_state.association_id == live.id:
        bound = replace(bound, early_window=old_state.early_window)
    return remember_early_window(bound, live, inputs.look_time)


def _mark_window_adoption(record: Record) -> Record:
    """Return a record that shows that no revision in git requested its ExecutionConfiguration.

    Such a record has the applied ExecutionConfiguration among the previous ones as well.
    """
    execution = record.request.get(EXECUTION)
    others = (each for each in record.previous_executions if each != execution)
    return replace(record, previous_executions=(*others, execution))


def is_window_adoption(record: Record) -> bool:
    """Tell whether a manifest with recurring windows adopted an association, and nothing was sent since.

    After an Update of the same window, the applied ExecutionConfiguration is among the previous ones as well.
    """
    has_mark = record.previous_executions[-1:] == (record.request.get(EXECUTION),)
    job = record.state.job if isinstance(record.state, Bound) else None
    return has_mark and record.token is None and (job is None or job.source is JobSource.OBSERVED)


def adopt_after_window(inputs: DecisionInput, record: Record, live: Live) -> Record | Adopt:
    """Adopt an association for a fixed window, if a revision with recurring windows has adopted it before.

    That revision may be older, so a fixed window that differs from the live one waits for a raised policy.generation.
    """
    is_same = inputs.request.get(EXECUTION) in (record.request.get(EXECUTION), live.spec.get(EXECUTION))
    if is_same or inputs.is_generation_raised(record):
        return replace(record, previous_executions=())
    return adopt_live(inputs, live, None, "a revision with recurring windows, perhaps an older one, adopted it before")


def _record_live_as_applied(inputs: DecisionInput, record: Record, live: Live, reason: str) -> tuple[Record, str]:
    """Return the record with the live values as applied, and the reason with the difference from git.

    The journal holds no request that was applied to this association. It is therefore unknown whether git or AWS
    changed. The current request in git counts as an earlier request, and is not sent until a person raises
    policy.generation.
    """
    differences = compare(record.request, record.request, live.spec, inputs.manifest.policy.ignore)
    if not differences:
        return record, reason
    live_request = with_live_values(record.request, differences)
    previous_executions = list(record.previous_executions)
    for execution in (record.request.get(EXECUTION), inputs.request.get(EXECUTION)):
        if execution not in (None, live_request.get(EXECUTION), *previous_executions):
            previous_executions.append(execution)
    record = replace(record, request=live_request, token=None, previous_executions=tuple(previous_executions))
    return record, f"{reason}; {describe_unknown_change(inputs, record, live)}"
