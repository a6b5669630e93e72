"""Compute when a recurring window became due, and when it is overdue."""

from __future__ import annotations

from datetime import datetime

from reconciler.core.plan.job_progress import PATIENCE
from reconciler.core.windows.declaration import WindowDeclaration
from reconciler.core.windows.due import Window, find_due_boundaries


def compute_due_time(declaration: WindowDeclaration, window: Window) -> datetime:
    """Return the time at which the first boundary in a window became due."""
    ends = find_due_boundaries(declaration, window.start, window.end + declaration.delay)
    return min((*ends, window.end)) + declaration.delay


def compute_overdue_time(declaration: WindowDeclaration, window: Window) -> datetime:
    """Return the time from which a window that waits is overdue."""
    return compute_due_time(declaration, window) + PATIENCE
