"""Pass over the window that blocks an association, if window.skip names it."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime

from reconciler.core.journal.jobs import OmissionCause, Recurrence
from reconciler.core.journal.records import Bound, Record
from reconciler.core.plan.recurring.omissions import leave_out
from reconciler.core.request.export_window import read_window
from reconciler.core.windows.declaration import WindowDeclaration
from reconciler.core.windows.due import Window


def skip_window(record: Record, declaration: WindowDeclaration, now: datetime) -> Record | None:
    """Return the record with the watermark behind its last window. None if window.skip does not name it, or did once.

    What is known of its call and its job stays in the record. A fixed window after the watermark leaves it where it is.
    """
    state, recurrence, window = record.state, record.recurrence, read_window(record.request)
    assert isinstance(state, Bound)
    assert state.job
    assert recurrence
    if window is None:
        return None
    day = compute_skip_date(declaration, window)
    if day not in declaration.skip or day in recurrence.skipped:
        return None
    if window.start <= recurrence.watermark:
        recurrence = leave_out(recurrence, window.end, OmissionCause.SKIP)
    job = replace(state.job, ended_at=state.job.ended_at or now)
    return replace(
        record,
        state=replace(state, job=job),
        recurrence=replace(recurrence, skipped=(*recurrence.skipped, day)),
    )


def is_passed(recurrence: Recurrence, declaration: WindowDeclaration, window: Window | None) -> bool:
    """Tell whether the watermark has passed the last window, or window.skip a fixed one after the watermark."""
    if window is None:
        return False
    is_skipped = window.start > recurrence.watermark and compute_skip_date(declaration, window) in recurrence.skipped
    return is_skipped or recurrence.watermark >= window.end


def compute_skip_date(declaration: WindowDeclaration, window: Window) -> date:
    """Return the local date that names a window in window.skip."""
    return window.start.astimezone(declaration.zone).date()
