"""Find out when a recurring window became due, and whether it is overdue."""

from __future__ import annotations

from datetime import datetime, timedelta

from reconciler.core.journal.records import Bound, Record
from reconciler.core.plan.inputs import DecisionInput
from reconciler.core.plan.job_progress import MAX_WAIT
from reconciler.core.plan.recurring.recurrence import describe_window
from reconciler.core.request.export_window import read_window
from reconciler.core.text import format_timestamp
from reconciler.core.windows.declaration import Period, WindowDeclaration
from reconciler.core.windows.due import Window, find_due_boundaries, find_due_window


def compute_due_time(declaration: WindowDeclaration, window: Window) -> datetime:
    """Return the time at which the first boundary in a window became due."""
    ends = find_due_boundaries(declaration, window.start, window.end + declaration.delay)
    return min((*ends, window.end)) + declaration.delay


def compute_overdue_time(declaration: WindowDeclaration, window: Window) -> datetime:
    """Return the time from which a window that waits is overdue."""
    return compute_due_time(declaration, window) + MAX_WAIT


def describe_overdue(declaration: WindowDeclaration, window: Window, now: datetime) -> str:
    """Return a clause that another reason adds if a window that waits is overdue, or ""."""
    if now < compute_overdue_time(declaration, window):
        return ""
    due_at = format_timestamp(compute_due_time(declaration, window))
    return f"; {describe_window(window, declaration)} has been due since {due_at}"


_LONGEST_PERIODS = {
    Period.DAY: timedelta(days=1),
    Period.WEEK: timedelta(days=7),
    Period.MONTH: timedelta(days=31),
    Period.QUARTER: timedelta(days=92),
    Period.YEAR: timedelta(days=366),
}
_LONGEST_SHIFT = timedelta(hours=2)
"""The most that daylight saving adds to a period (Antarctica/Troll). A move across the date line is not considered."""


def compute_latest_overdue_time(record: Record) -> datetime | None:
    """Return the time from which the next window is overdue, if the manifest no longer declares windows.

    It follows the last window that was sent. The journal keeps the last declaration without `last` and the rules of its
    time zone. None if no run acted on a declaration.
    """
    recurrence, window = record.recurrence, read_window(record.request)
    if recurrence is None or not recurrence.rules:
        return None
    rule = recurrence.rules[-1]
    start = max(recurrence.watermark, window.end) if window else recurrence.watermark
    return start + _LONGEST_PERIODS[Period(rule.every)] + _LONGEST_SHIFT + rule.delay + MAX_WAIT


def find_overdue_window(inputs: DecisionInput, declaration: WindowDeclaration, record: Record) -> Window | None:
    """Return the next window if it is overdue by the clock of this machine. It follows a window whose job may run."""
    assert isinstance(record.state, Bound)
    assert record.recurrence
    start, now = record.recurrence.watermark, inputs.rules.now
    job, sent_window = record.state.job, read_window(record.request)
    may_arrive = job and not (job.refusal or job.ended_at) and (job.shown_at or now < job.sent_at + MAX_WAIT)
    if may_arrive and sent_window and sent_window.start <= start:
        start = max(start, sent_window.end)
    window = find_due_window(declaration, start, now)
    return window if window and now >= compute_overdue_time(declaration, window) else None
