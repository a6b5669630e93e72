"""Find the window to export next, and the windows to come."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from reconciler.core.windows.boundaries import compute_first_boundary, find_next_boundaries, list_boundaries
from reconciler.core.windows.declaration import Missed, WindowDeclaration


@dataclass(frozen=True, slots=True)
class Window:
    """The stretch of time whose data a job exports: from `start` to `end`, in UTC."""

    start: datetime
    end: datetime


@dataclass(frozen=True, slots=True)
class FutureWindow:
    """A window to come, and the earliest time at which it is sent.

    `period_count` is the number of its periods that were not sent before. `is_repetition` is true if it exports also
    the failed window before it, once more.
    """

    window: Window
    due_at: datetime
    period_count: int = 1
    is_repetition: bool = False


def find_due_boundaries(
    declaration: WindowDeclaration, watermark: datetime | None, now: datetime
) -> tuple[datetime, ...]:
    """Return the ends of the periods that are due at `now` and not exported yet, in order.

    `watermark` is the instant up to which everything has been exported, or None before the first export. `now` is the
    earlier of the times of this machine and of AWS.
    """
    start = watermark or compute_first_boundary(declaration)
    return list_boundaries(declaration, start, now - declaration.delay)


def find_due_window(declaration: WindowDeclaration, watermark: datetime | None, now: datetime) -> Window | None:
    """Return the window to export at `now`, or None if nothing is due.

    The first window is exactly one period. Later windows begin at the watermark, and end at the newest due boundary,
    or with `missed: each` at the oldest.
    """
    boundaries = find_due_boundaries(declaration, watermark, now)
    if not boundaries:
        return None
    if watermark is None:
        return Window(compute_first_boundary(declaration), boundaries[0])
    return Window(watermark, boundaries[-1] if declaration.missed is Missed.MERGE else boundaries[0])


def compute_next_window(declaration: WindowDeclaration, watermark: datetime | None) -> Window | None:
    """Return the first window after the watermark, which is one period or the rest of one, whether or not it is due.

    None if no period begins any more. The window of a Create is this one, so it does not depend on the clock.
    """
    start = watermark or compute_first_boundary(declaration)
    ends = find_next_boundaries(declaration, start, 1)
    return Window(start, ends[0]) if ends else None


def is_boundary(declaration: WindowDeclaration, instant: datetime) -> bool:
    """Tell whether an instant is the boundary of a period, such as the beginning of the first one."""
    return instant == compute_first_boundary(declaration) or bool(
        list_boundaries(declaration, instant - timedelta(seconds=1), instant)
    )


def list_future_windows(
    declaration: WindowDeclaration, watermark: datetime | None, count: int
) -> tuple[FutureWindow, ...]:
    """Return the next windows after the watermark, one for each period, with the earliest times to send them."""
    start = watermark or compute_first_boundary(declaration)
    ends = find_next_boundaries(declaration, start, count)
    windows = (Window(*pair) for pair in zip((start, *ends), ends, strict=False))
    return tuple(FutureWindow(window, window.end + declaration.delay) for window in windows)
