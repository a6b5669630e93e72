"""Conclude from the window that List shows where the recurring windows of an association continue."""

from __future__ import annotations

from dataclasses import replace

from reconciler.core.journal.jobs import RUNNING, Job, JobSource, Recurrence
from reconciler.core.journal.records import Bound, Record
from reconciler.core.model import Live
from reconciler.core.plan.decision import Adopt, Blocked, Settling
from reconciler.core.plan.inputs import DecisionInput
from reconciler.core.plan.recurring.early_window import judge_own_window
from reconciler.core.plan.recurring.omissions import move_watermark
from reconciler.core.plan.recurring.recurrence import (
    CONTINUE_REMEDY,
    describe_future_continue,
    describe_window,
    format_local,
    with_live_execution,
    with_past_window,
)
from reconciler.core.request.export_window import EXECUTION, is_window_reversed, is_window_unreadable, read_window
from reconciler.core.text import format_timestamp
from reconciler.core.windows.boundaries import compute_first_boundary
from reconciler.core.windows.declaration import WindowDeclaration
from reconciler.core.windows.due import Window, is_boundary


def adopt_first(
    inputs: DecisionInput, declaration: WindowDeclaration, record: Record, live: Live
) -> Record | Blocked | Settling:
    """Return the record with a recurrence, for an association whose recurring windows the journal does not know.

    Its window must lie on boundaries, and must have ended. The watermark is then its start, until its job counts as
    completed.
    """
    assert isinstance(record.state, Bound)
    window, job = read_window(live.spec), record.state.job
    is_own = job is not None and window is not None and window == read_window(record.request)
    if job and job.is_update_unshown and not job.refusal and not is_own:
        reason = f"an update was sent at {format_timestamp(job.sent_at)}, and List does not show it"
        until = job.sent_at + inputs.rules.options.settle_time
        if inputs.rules.now < until:
            return Settling(inputs.manifest, record, until, f"{reason} yet", live)
        if not inputs.is_generation_raised(record):
            remedy = f"{inputs.describe_remedy(record)} to continue from the window that List shows"
            return Blocked(inputs.manifest, f"{reason}: look in AWS for its export, and {remedy}", is_past=True)
    if job and window and is_own:
        record = replace(record, state=judge_own_window(record.state, job, window))
    if window and _may_adopt(inputs, declaration, record, window):
        start = window.start if is_own else min(window.start, compute_first_boundary(declaration))
        recurrence = Recurrence(window.start, start, is_assumed=not is_own)
        return _bind(inputs, record, live, recurrence, job if is_own else None)
    is_known = window == read_window(record.request)
    repetition = _describe_repetition(inputs, declaration, record, window, may_repeat=is_known)
    if declaration.continue_from and not repetition:
        if problem := describe_future_continue(inputs, declaration):
            return Blocked(inputs.manifest, problem, live=live, new_record=record)
        watermark = declaration.continue_from  # a window in List moves it once its job counts as completed
        start = min(watermark, compute_first_boundary(declaration))
        recurrence = Recurrence(watermark, start, continued_from=watermark)
        return _bind(inputs, record, live, recurrence, job if is_own and job and _is_followed(job) else None)
    if window is None:
        problem = "so it is unknown what has been exported"
    elif not _has_ended(inputs, record, window):
        problem = f"which {_describe_early(inputs, window)}, so not everything in it has been exported"
    else:
        problem = "which does not begin and end with periods of this manifest"
    reason = f"List shows {_describe_shown(live, declaration)}, {problem}: {repetition or CONTINUE_REMEDY}"
    return Blocked(inputs.manifest, reason, is_past=True, live=live, new_record=record)


def check_adoption(inputs: DecisionInput, adoption: Adopt) -> Adopt | Blocked:
    """Return the adoption. Block it if the next run would block the window that List shows.

    The record is written nevertheless, because a later run has to know when List showed this window.
    """
    declaration, live = inputs.manifest.window, adoption.live
    if declaration is None or adoption.record.recurrence:
        return adoption
    problem = find_unreadable_window(inputs, live) or adopt_first(inputs, declaration, adoption.record, live)
    return problem if isinstance(problem, Blocked) else adoption


def find_unreadable_window(inputs: DecisionInput, live: Live) -> Blocked | None:
    """Return the decision if List shows a window that is not a time. That List counts as unobserved."""
    if not is_window_unreadable(live.spec):
        return None
    reason = (
        f"List shows a window of {live.arn} whose start or end is not a time: run reconcile doctor, and report "
        "the answer"
    )
    return Blocked(inputs.manifest, reason, is_unobserved=True, live=live)


def adopt_foreign(
    inputs: DecisionInput, declaration: WindowDeclaration, record: Record, live: Live
) -> Record | Blocked | Settling:
    """Return the record for a window that List shows and this program did not send.

    A later window is adopted if it continues what has been exported without a gap. Anything else needs a person.
    """
    window, recurrence = read_window(live.spec), record.recurrence
    assert recurrence
    is_adoptable = window and _may_adopt(inputs, declaration, record, window)
    if window and is_adoptable and window.start <= recurrence.watermark < window.end:
        return _bind(inputs, record, live, with_past_window(replace(recurrence, foreign_since=None), record), None)
    early = f" and which {_describe_early(inputs, window)}" if window and not _has_ended(inputs, record, window) else ""
    reason = (
        f"List shows {_describe_shown(live, declaration)}, which the journal does not know{early}; the exports of "
        f"this program end at {format_timestamp(recurrence.watermark)}"
    )
    until = (recurrence.foreign_since or inputs.look_time) + inputs.rules.options.settle_time
    if inputs.look_time < until:
        # An older journal may not know that a run has acted on this generation. Only a later one counts.
        return Settling(inputs.manifest, inputs.acknowledge_generation(record), until, reason, live)
    is_new = declaration.continue_from != recurrence.continued_from
    repetition = _describe_repetition(inputs, declaration, record, window, may_repeat=True) if is_new else None
    if declaration.continue_from and is_new and not repetition:
        if problem := describe_future_continue(inputs, declaration):
            return Blocked(inputs.manifest, problem, live=live, new_record=record)
        recurrence = replace(
            move_watermark(with_past_window(recurrence, record), declaration.continue_from),
            is_assumed=False,
            continued_from=declaration.continue_from,
            foreign_since=None,
        )
        return _bind(inputs, record, live, recurrence, None)
    reason = f"{reason}: {repetition or CONTINUE_REMEDY}"
    return Blocked(inputs.manifest, reason, is_past=True, live=live, new_record=record)


def _describe_repetition(
    inputs: DecisionInput, declaration: WindowDeclaration, record: Record, window: Window | None, *, may_repeat: bool
) -> str | None:
    """Return the remedy if window.continueFrom would export data once more, as far as List and the journal know.

    A person may have written it before that data was exported. If `may_repeat`, a raised policy.generation repeats it.
    """
    continue_from, recurrence = declaration.continue_from, record.recurrence
    if continue_from is None or (may_repeat and inputs.is_generation_raised(record)):
        return None
    is_before_window = window is not None and continue_from < window.start
    is_before_watermark = recurrence is not None and continue_from < recurrence.watermark
    if not is_before_window and not is_before_watermark:
        return None
    event = (
        f"from window.continueFrom ({format_local(continue_from, declaration)}) on, data would be exported once more"
    )
    repetition = f", or {inputs.describe_remedy(record)} to export it again" if may_repeat else ""
    return f"{event}: {CONTINUE_REMEDY}{repetition}"


def _is_followed(job: Job) -> bool:
    """Tell whether a job is known to have begun once for its window, so that its end is or will be known."""
    return job.result is not None or not (job.refusal or job.is_repetition)


def _describe_shown(live: Live, declaration: WindowDeclaration) -> str:
    if window := read_window(live.spec):
        return f"the window {describe_window(window, declaration)}"
    is_reversed = is_window_reversed(live.spec)
    return "a window that does not end after its start" if is_reversed else "a configuration without a window"


def _describe_early(inputs: DecisionInput, window: Window) -> str:
    """Return why a window cannot count as exported up to its end."""
    is_past = window.end <= min(inputs.rules.now, inputs.look_time)
    return "was sent, or shown by List, before its end" if is_past else "has not ended"


def _may_adopt(inputs: DecisionInput, declaration: WindowDeclaration, record: Record, window: Window) -> bool:
    """Tell whether a window can be one of the manifest: on boundaries, and sent after its end."""
    is_on_boundaries = is_boundary(declaration, window.start) and is_boundary(declaration, window.end)
    return is_on_boundaries and _has_ended(inputs, record, window)


def _has_ended(inputs: DecisionInput, record: Record, window: Window) -> bool:
    """Tell whether a window had ended when its job began, as far as that is known.

    It must have ended by both clocks, and no job and no earlier look at List may show that its job began before.
    """
    assert isinstance(record.state, Bound)
    has_passed = window.end <= min(inputs.rules.now, inputs.look_time)
    return has_passed and window != record.state.early_window


def _bind(inputs: DecisionInput, record: Record, live: Live, recurrence: Recurrence, job: Job | None) -> Record:
    """Return the record with the live configuration as applied. Without a `job`, another program started its job."""
    assert isinstance(record.state, Bound)
    if job is None:
        is_running = live.last_execution is not None and live.last_execution.status == RUNNING
        shown_at = inputs.look_time
        job = Job(JobSource.OBSERVED, inputs.rules.now, shown_at=shown_at, running_at=shown_at if is_running else None)
    return replace(
        record,
        request=with_live_execution(record.request, live),
        state=replace(record.state, job=job),
        previous_executions=(live.spec.get(EXECUTION),),
        recurrence=recurrence,
    )
