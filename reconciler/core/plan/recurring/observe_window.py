"""Follow the last window of an association through the looks at List."""

from __future__ import annotations

from dataclasses import replace

from reconciler.core.journal.jobs import COMPLETED, Job, JobSource
from reconciler.core.journal.records import Bound, Record
from reconciler.core.model import Live
from reconciler.core.plan.inputs import DecisionInput
from reconciler.core.plan.job_progress import observe_job
from reconciler.core.plan.recurring.early_window import is_partial
from reconciler.core.plan.recurring.omissions import include
from reconciler.core.request.export_window import EXECUTION, read_window
from reconciler.core.windows.due import Window


def is_foreign(record: Record, live: Live) -> bool:
    """Tell whether List shows a window that is neither the sent one nor an earlier one of this program."""
    assert isinstance(record.state, Bound)
    assert record.recurrence
    window, job = read_window(live.spec), record.state.job
    if window == read_window(record.request):
        return False
    if job and job.source is JobSource.UPDATE and record.previous_executions[-1] == live.spec.get(EXECUTION):
        return False
    return window not in {Window(each.start, each.end) for each in record.recurrence.past}


def observe_window(inputs: DecisionInput, record: Record, live: Live) -> Record:
    """Return the record after a look at List. The watermark moves once the job of a window counts as COMPLETED.

    It does not move for a window of another program that was sent or shown before its end.
    """
    state, recurrence, window = record.state, record.recurrence, read_window(record.request)
    assert isinstance(state, Bound)
    assert recurrence
    job = state.job or Job(JobSource.OBSERVED, inputs.rules.now)
    is_shown = read_window(live.spec) == window
    job = observe_job(job, live, inputs.look_time, inputs.rules.options.settle_time, is_shown=is_shown)
    if is_partial(record):
        window = None
    if job.result == COMPLETED and window and window.end > recurrence.watermark:
        recurrence = replace(
            recurrence, watermark=window.end, is_assumed=recurrence.is_assumed and job.source is JobSource.OBSERVED
        )
    if job.result == COMPLETED and window:
        recurrence = include(recurrence, window)
    return replace(record, state=replace(state, job=job), recurrence=recurrence)
