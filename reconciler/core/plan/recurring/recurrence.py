"""The requests and records of recurring windows."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from reconciler.core.journal.jobs import (
    COMPLETED,
    MAX_WINDOWS,
    Job,
    JobSource,
    OmissionCause,
    PastWindow,
    Recurrence,
    WindowRule,
)
from reconciler.core.journal.records import Bound, Record
from reconciler.core.model import Live, Manifest, Spec
from reconciler.core.plan.difference import compare
from reconciler.core.plan.inputs import DecisionInput
from reconciler.core.plan.recurring.early_window import is_partial
from reconciler.core.plan.recurring.omissions import leave_out
from reconciler.core.plan.write import Update
from reconciler.core.request.export_window import EXECUTION, build_execution, read_window
from reconciler.core.text import format_timestamp
from reconciler.core.windows.boundaries import compute_first_boundary
from reconciler.core.windows.declaration import WindowDeclaration
from reconciler.core.windows.due import Window, compute_next_window, find_due_boundaries, is_boundary

CONTINUE_REMEDY = "set window.continueFrom to the time up to which everything has been exported"


def complete_request(manifest: Manifest, request: Spec, record: Record | None) -> Spec:
    """Return the request with its window, if the manifest has recurring ones.

    The window is that of the record. A boundary that becomes due is therefore no change of git, and a Create without an
    answer is repeated as it was. Without a record, it is the first window.
    """
    if manifest.window is None:
        return request
    if record and EXECUTION in record.request:
        return {**request, EXECUTION: record.request[EXECUTION]}
    return add_window(request, compute_next_window(manifest.window, None))


def add_window(request: Spec, window: Window | None) -> Spec:
    """Return the request with the ExecutionConfiguration that exports a window, if there is a window."""
    return {**request, EXECUTION: build_execution(window)} if window else request


def with_live_execution(request: Spec, live: Live) -> Spec:
    """Return the request with the ExecutionConfiguration that List shows, or without one."""
    execution = live.spec.get(EXECUTION)
    rest = {member: value for member, value in request.items() if member != EXECUTION}
    return rest if execution is None else {**rest, EXECUTION: execution}


def build_rule(declaration: WindowDeclaration) -> WindowRule:
    """Return the members of a declaration that the journal keeps."""
    return WindowRule(declaration.every.value, declaration.zone_name, declaration.first, declaration.delay)


def with_rule(recurrence: Recurrence, declaration: WindowDeclaration) -> Recurrence:
    """Return the recurrence with the declaration as the current one."""
    rule = build_rule(declaration)
    rules = (*(each for each in recurrence.rules if each != rule), rule)
    return replace(recurrence, rules=rules, is_replaced=False)


def is_superseded(declaration: WindowDeclaration, recurrence: Recurrence) -> bool:
    """Tell whether a run acted on the declaration before, and a later run on another one or on a fixed window."""
    return build_rule(declaration) in (recurrence.rules if recurrence.is_replaced else recurrence.rules[:-1])


def return_to_windows(inputs: DecisionInput, declaration: WindowDeclaration, record: Record) -> Record:
    """Return the record with recurring windows that another declaration or a fixed window had replaced.

    If a raised policy.generation was needed for that, it has no other effect: it does not repeat the last call.
    """
    recurrence = record.recurrence
    assert recurrence
    if is_superseded(declaration, recurrence):
        record = inputs.acknowledge_generation(record)
    return replace(record, recurrence=with_rule(recurrence, declaration))


def mark_replaced(recurrence: Recurrence) -> Recurrence:
    """Return the recurrence of an association whose recurring windows a person has replaced by a fixed one."""
    return replace(recurrence, is_replaced=True, foreign_since=None)


def describe_late_first(declaration: WindowDeclaration, recurrence: Recurrence) -> str | None:
    """Return the reason to block windows that begin after the watermark, which would leave data out."""
    if compute_first_boundary(declaration) <= recurrence.watermark:
        return None
    return (
        f"window.first is {declaration.first}, and the next export begins at "
        f"{format_local(recurrence.watermark, declaration)}: set window.first to the date on which exports continue, "
        f"or an earlier one; to leave out the time in between, set window.continueFrom to {declaration.first}"
    )


def continue_late(declaration: WindowDeclaration, recurrence: Recurrence) -> Recurrence:
    """Return the recurrence with window.continueFrom as its watermark, once, if window.first is later than that."""
    continue_from = declaration.continue_from
    if not describe_late_first(declaration, recurrence) or continue_from in (None, recurrence.continued_from):
        return recurrence
    recurrence = leave_out(recurrence, continue_from, OmissionCause.CONTINUE_FROM)
    return replace(recurrence, continued_from=continue_from)


def continue_recurrence(
    inputs: DecisionInput, declaration: WindowDeclaration, recurrence: Recurrence
) -> Recurrence | str:
    """Return the recurrence to continue, or the reason to block it: window.first or window.continueFrom is too late."""
    continued = continue_late(declaration, recurrence)
    if continued is not recurrence and (problem := describe_future_continue(inputs, declaration)):
        return problem
    return describe_late_first(declaration, continued) or continued


def describe_future_continue(inputs: DecisionInput, declaration: WindowDeclaration) -> str | None:
    """Return the reason to block if window.continueFrom has not passed by both clocks, as far as they are known."""
    continue_from = declaration.continue_from
    if continue_from is None or continue_from <= min(inputs.rules.now, inputs.look_time):
        return None
    return (
        f"window.continueFrom is in the future ({format_local(continue_from, declaration)}): wait until then, or set "
        "an earlier time"
    )


def recall_recurrence(declaration: WindowDeclaration, record: Record) -> Recurrence | str | None:
    """Return the recurrence of an association that List no longer shows, with its last window among the past ones.

    If it had a fixed window, that window tells how far its data was exported, or the reason to block is returned. None
    if its exports had no window.
    """
    if record.recurrence:
        return with_past_window(record.recurrence, record)
    window, state = read_window(record.request), record.state
    if window is None or not isinstance(state, Bound) or state.job is None:
        return None
    is_exported = state.job.result == COMPLETED and not is_partial(record)
    if is_boundary(declaration, window.start) and is_boundary(declaration, window.end):
        is_observed = state.job.source is JobSource.OBSERVED
        watermark = window.end if is_exported else window.start
        return with_past_window(Recurrence(watermark, window.start, is_assumed=is_observed), record)
    if continue_from := declaration.continue_from:
        is_passed = is_exported and window.start <= continue_from < window.end
        start = min(continue_from, compute_first_boundary(declaration))
        watermark = window.end if is_passed else continue_from
        return with_past_window(Recurrence(watermark, start, continued_from=continue_from), record)
    return (
        f"its last export had the window {describe_window(window, declaration)}, which does not begin and end with "
        f"periods of this manifest: {CONTINUE_REMEDY}"
    )


def with_past_window(recurrence: Recurrence, record: Record) -> Recurrence:
    """Return the recurrence with the current window of a record among the past ones.

    Attempts that AWS refused again and again are one window.
    """
    window = read_window(record.request)
    job = record.state.job if isinstance(record.state, Bound) else None
    if window is None or job is None:
        return recurrence
    past, new = recurrence.past, PastWindow(window.start, window.end, job)
    if past and past[-1].job.refusal and (past[-1].start, past[-1].end) == (new.start, new.end):
        past = past[:-1]
    return replace(recurrence, past=(*past, new)[-MAX_WINDOWS:])


def with_current_window_past(record: Record) -> Record:
    """Return the record with its current window among the past ones, if it had recurring windows."""
    if record.recurrence is None:
        return record
    return replace(record, recurrence=with_past_window(record.recurrence, record))


def build_window_update(inputs: DecisionInput, record: Record, live: Live, window: Window, reason: str) -> Update:
    """Return the Update that exports a window, with the record to write before it."""
    declaration, recurrence, state = inputs.manifest.window, record.recurrence, record.state
    assert declaration
    assert recurrence
    assert isinstance(state, Bound)
    old_job, old_window = state.job, read_window(record.request)
    is_same_request = old_window == window and old_job is not None and old_job.refusal is not None
    job = Job(
        JobSource.UPDATE,
        inputs.rules.now,
        refusal_count=old_job.refusal_count if is_same_request and old_job else 0,
        is_repetition=window == read_window(live.spec),
    )
    new_record = replace(
        inputs.acknowledge_generation(record),
        request=add_window(record.request, window),
        state=replace(state, job=job),
        previous_executions=(live.spec.get(EXECUTION),),
        recurrence=with_rule(with_past_window(recurrence, record), declaration),
    )
    differences = compare(new_record.request, record.request, live.spec, inputs.manifest.policy.ignore)
    return Update(inputs.manifest, live, new_record, record, differences, reason)


def find_backfill_problem(inputs: DecisionInput) -> str | None:
    """Return the reason to block the first export if several periods are due and window.backfill does not permit it."""
    declaration, now = inputs.manifest.window, inputs.certain_now
    return describe_missing_backfill(declaration, now) if declaration and now else None


def describe_missing_backfill(declaration: WindowDeclaration, now: datetime) -> str | None:
    """Return that several periods are due at `now` and window.backfill does not permit them, or None."""
    boundaries = find_due_boundaries(declaration, None, now)
    if len(boundaries) <= 1:
        return None
    newest = boundaries[-1].astimezone(declaration.zone).date()
    if declaration.backfill and newest <= declaration.backfill:
        return None
    return (
        f"{len(boundaries)} periods since {declaration.first} are due: to export them all, set window.backfill to "
        f"{newest}; to begin later, set window.first to a later date"
    )


def describe_window(window: Window, declaration: WindowDeclaration) -> str:
    """Return a window as text, in the time zone of its manifest."""
    return f"{format_local(window.start, declaration)} to {format_local(window.end, declaration)}"


def format_local(instant: datetime, declaration: WindowDeclaration) -> str:
    """Return an instant as a local date, with the time of day and UTC if it is not local midnight."""
    local = instant.astimezone(declaration.zone)
    if not (local.hour or local.minute or local.second):
        return f"{local:%Y-%m-%d}"
    return f"{local:%Y-%m-%d %H:%M:%S} ({format_timestamp(instant)})"
