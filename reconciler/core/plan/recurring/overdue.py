"""Find out when a recurring window became due, and whether it is overdue."""

from __future__ import annotations

from datetime import datetime

from reconciler.core.journal.records import Bound, Record
from reconciler.core.plan.inputs import DecisionInput
from reconciler.core.plan.job_progress import PATIENCE
from reconciler.core.request.export_window import read_window
from reconciler.core.windows.declaration import WindowDeclaration
from reconciler.core.windows.due import Window, find_due_boundaries, find_due_window


def compute_due_time(declaration: WindowDeclaration, window: Window) -> datetime:
    """Return the time at which the first boundary in a window became due."""
    ends = find_due_boundaries(declaration, window.start, window.end + declaration.delay)
    return min((*ends, window.end)) + declaration.delay


def compute_overdue_time(declaration: WindowDeclaration, window: Window) -> datetime:
    """Return the time from which a window that waits is overdue."""
    return compute_due_time(declaration, window) + PATIENCE


def find_overdue_window(inputs: DecisionInput, declaration: WindowDeclaration, record: Record) -> Window | None:
    """Return the next window if it is overdue by the clock of this machine. It follows a window whose job may run."""
    assert isinstance(record.state, Bound)
    assert record.recurrence
    start, now = record.recurrence.watermark, inputs.rules.now
    job, sent_window = record.state.job, read_window(record.request)
    if job and sent_window and not (job.refusal or job.ended_at) and (job.shown_at or now < job.sent_at + PATIENCE):
        start = max(start, sent_window.end)
    window = find_due_window(declaration, start, now)
    return window if window and now >= compute_overdue_time(declaration, window) else None
