"""Remember a window that was sent or shown before its end, because its job exported only a part of it."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from reconciler.core.journal.jobs import Job, JobSource
from reconciler.core.journal.records import Bound, Record
from reconciler.core.model import Live
from reconciler.core.request.export_window import read_window
from reconciler.core.windows.due import Window


def remember_early_window(bound: Bound, live: Live, look_time: datetime) -> Bound:
    """Return the state with the window in List as the early one, if that window has not ended at `look_time`."""
    window = read_window(live.spec)
    return replace(bound, early_window=window) if window and look_time < window.end else bound


def judge_own_window(bound: Bound, job: Job, window: Window) -> Bound:
    """Return the state with the window of a known job as the early one, if that job began before its end.

    A later call of this program for the same window exports the whole of it.
    """
    times = (job.sent_at, job.shown_at, job.running_at, job.ended_at)
    if min(time for time in times if time) < window.end:
        return replace(bound, early_window=window)
    is_early = bound.early_window == window and job.source is JobSource.OBSERVED
    return bound if is_early else replace(bound, early_window=None)


def is_partial(record: Record) -> bool:
    """Tell whether the last job is one of another program for an early window, of which it exported only a part."""
    state = record.state
    if not isinstance(state, Bound) or (state.job and state.job.source is not JobSource.OBSERVED):
        return False
    return state.early_window is not None and state.early_window == read_window(record.request)
