"""Move the watermark past a stretch of time that is not exported, and keep a list of these stretches."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime

from reconciler.core.journal.jobs import Omission, OmissionCause, Recurrence
from reconciler.core.windows.due import Window


def leave_out(recurrence: Recurrence, end: datetime, cause: OmissionCause) -> Recurrence:
    """Return the recurrence with the watermark at `end`, if that is later, and the time in between as left out."""
    if end <= recurrence.watermark:
        return recurrence
    stretch = Omission(recurrence.watermark, end, cause)
    return replace(recurrence, watermark=end, omissions=(*recurrence.omissions, stretch))


def move_watermark(recurrence: Recurrence, watermark: datetime) -> Recurrence:
    """Return the recurrence with a watermark that a person has set. What follows it will be exported."""
    kept = tuple(replace(each, end=min(each.end, watermark)) for each in recurrence.omissions if each.start < watermark)
    return replace(recurrence, watermark=watermark, start=min(recurrence.start, watermark), omissions=kept)


def include(recurrence: Recurrence, window: Window) -> Recurrence:
    """Return the recurrence after the export of a window, no part of which is left out any more."""
    kept = tuple(part for each in recurrence.omissions for part in _subtract(each, window))
    return replace(recurrence, start=min(recurrence.start, window.start), omissions=kept)


def _subtract(stretch: Omission, window: Window) -> Iterator[Omission]:
    """Yield the parts of a stretch before and after a window."""
    if stretch.start < window.start:
        yield replace(stretch, end=min(stretch.end, window.start))
    if window.end < stretch.end:
        yield replace(stretch, start=max(stretch.start, window.end))
