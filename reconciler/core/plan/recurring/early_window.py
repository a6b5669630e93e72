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
    if has_begun_early(job, window):
        return replace(bound, early_window=window)
    is_early = bound.early_window == window and job.source is JobSource.OBSERVED
    return bound if is_early else replace(bound, early_window=None)


def is_partial(record: Record) -> bool:
    """Tell whether the last job exported only a part of its window, because it began before the end of the window.

    A job of this program that began later exports the whole of an early window.
    """
    state, window = record.state, read_window(record.request)
    if not isinstance(state, Bound) or window is None or state.early_window != window:
        return False
    return state.job is None or state.job.source is JobSource.OBSERVED or has_begun_early(state.job, window)


def has_begun_early(job: Job, window: Window) -> bool:
    """Tell whether a job began before the end of its window, as far as the calls and the looks show it."""
    times = (job.sent_at, job.shown_at, job.running_at, job.ended_at)
    return min(time for time in times if time) < window.end
