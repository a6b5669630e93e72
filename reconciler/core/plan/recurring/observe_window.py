"""Follow the last window of an association through the looks at List."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from reconciler.core.journal.jobs import COMPLETED, Job, JobSource, Omission, OmissionCause, Recurrence
from reconciler.core.journal.records import Bound, Record
from reconciler.core.model import Live
from reconciler.core.plan.inputs import DecisionInput
from reconciler.core.plan.job_progress import Look, observe_job
from reconciler.core.plan.recurring.early_window import is_partial
from reconciler.core.plan.recurring.omissions import include
from reconciler.core.request.export_window import EXECUTION, read_window
from reconciler.core.windows.due import Window


def is_foreign(record: Record, live: Live) -> bool:
    """Tell whether List shows a window that is neither the sent one nor an earlier one of this program.

    If the association was adopted since, any other window than the sent one is foreign.
    """
    assert isinstance(record.state, Bound)
    assert record.recurrence
    window, job = read_window(live.spec), record.state.job
    if window == read_window(record.request):
        return False
    if job is None or (job.source is JobSource.OBSERVED and job.shown_at is None):
        return True
    if job.source is JobSource.UPDATE and record.previous_executions[-1] == live.spec.get(EXECUTION):
        return False
    return window not in {Window(each.start, each.end) for each in record.recurrence.past}


def is_withdrawn(record: Record, live: Live) -> bool:
    """Tell whether List shows an earlier window of this program again, and the job of the last one has not ended.

    Somebody may have sent the earlier window once more. Its status says nothing about the last window.
    """
    assert isinstance(record.state, Bound)
    job = record.state.job
    is_followed = job is not None and job.shown_at is not None and job.result is None and not job.is_skipped
    return is_followed and read_window(live.spec) != read_window(record.request)


def mark_foreign_window(record: Record, live: Live, look_time: datetime) -> Record:
    """Return the record with the time since which List has shown a window that is foreign, or an earlier one again."""
    recurrence = record.recurrence
    if recurrence is None:
        return record
    is_other = is_foreign(record, live) or is_withdrawn(record, live)
    return replace(
        record,
        recurrence=replace(recurrence, foreign_since=(recurrence.foreign_since or look_time) if is_other else None),
    )


def observe_window(inputs: DecisionInput, record: Record, live: Live) -> Record:
    """Return the record after a look at List. The watermark moves once the job of a window counts as COMPLETED.

    It does not move for a window that begins after it, and not for a window of another program that was sent or shown
    before its end. If List shows after all that the job has failed or still runs, the watermark moves back.
    """
    state, recurrence, window = record.state, record.recurrence, read_window(record.request)
    assert isinstance(state, Bound)
    assert recurrence
    old_job = job = state.job or Job(JobSource.OBSERVED, inputs.rules.now)
    is_shown = read_window(live.spec) == window
    look = Look(live, inputs.look_time, inputs.rules.now, is_shown)
    job = observe_job(job, look, inputs.rules.options.settle_time)
    if is_partial(record):
        window = None
    if job.result == COMPLETED and window and window.start <= recurrence.watermark < window.end:
        job = replace(job, previous_watermark=recurrence.watermark)
        is_assumed = recurrence.is_assumed or job.source is JobSource.OBSERVED
        recurrence = replace(recurrence, watermark=window.end, is_assumed=is_assumed)
    elif window and job.previous_watermark and old_job.result == COMPLETED != job.result:
        recurrence = _take_back(recurrence, job.previous_watermark, window)
        job = replace(job, previous_watermark=None)
    if job.result == COMPLETED and window:
        recurrence = include(recurrence, window)
    return replace(record, state=replace(state, job=job), recurrence=recurrence)


def _take_back(recurrence: Recurrence, watermark: datetime, window: Window) -> Recurrence:
    """Return the recurrence after a window that turned out not to be exported, which had moved `watermark`.

    Where window.continueFrom has continued after the window meanwhile, the window is left out.
    """
    if recurrence.watermark > window.end:
        stretch = Omission(watermark, window.end, OmissionCause.CONTINUE_FROM)
        return replace(recurrence, omissions=(stretch, *recurrence.omissions))
    is_set = recurrence.watermark == recurrence.continued_from
    return recurrence if is_set else replace(recurrence, watermark=watermark)
