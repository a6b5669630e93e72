"""Build the report of the recurring windows of one association from its record."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from reconciler.core.journal.jobs import COMPLETED, Job, JobSource, PastWindow, Recurrence
from reconciler.core.journal.records import Bound, Record
from reconciler.core.model import Manifest, Mode
from reconciler.core.plan.job_progress import is_withdrawn_since
from reconciler.core.plan.recurring.early_window import has_begun_early, is_partial
from reconciler.core.report.windows import OVERDUE_AFTER, SentWindow, WindowReport, WindowState
from reconciler.core.request.export_window import read_window
from reconciler.core.windows.boundaries import compute_first_boundary, list_boundaries
from reconciler.core.windows.declaration import Missed, WindowDeclaration
from reconciler.core.windows.due import (
    FutureWindow,
    Window,
    find_due_boundaries,
    find_due_window,
    list_future_windows,
)

NEXT_COUNT = 3
"""Number of windows to come in a report."""


def build_window_report(
    manifest: Manifest,
    record: Record | None,
    now: datetime,
    *,
    is_resent: bool = False,
    count: int = NEXT_COUNT,
) -> WindowReport | None:
    """Return the windows of a manifest from its record, with `count` windows to come.

    `is_resent` tells whether the plan sends the last window once more, so that the next one follows it. None without a
    `window`, and for a retired manifest, which has no windows to come.
    """
    declaration = manifest.window
    if declaration is None or manifest.policy.retired:
        return None
    recurrence = record.recurrence if record else None
    watermark = recurrence.watermark if recurrence else None
    sent = _list_sent(record, now) if record else ()
    last = sent[-1] if sent and not sent[-1].is_partial else None
    position = _Position(declaration, watermark, last, is_resent=is_resent)
    is_unknown = record is not None and recurrence is None
    due = None if is_unknown else position.find_due(now)
    next_windows = () if is_unknown else position.list_next(due, now, count)
    has_exported = recurrence is not None and _has_exported(recurrence)
    omissions = recurrence.omissions if recurrence else ()
    is_late_start = recurrence is not None and recurrence.start > compute_first_boundary(declaration)
    return WindowReport(
        time_zone=declaration.zone_name,
        zone=declaration.zone,
        now=now,
        watermark=watermark if has_exported or omissions else None,
        is_assumed=recurrence is not None and recurrence.is_assumed,
        is_declared=recurrence is not None and _is_declared(recurrence),
        is_own=any(each.job.source is not JobSource.OBSERVED and each.job.result == COMPLETED for each in sent),
        start=recurrence.start if recurrence and is_late_start else None,
        omissions=omissions,
        has_exported=has_exported,
        is_unknown=is_unknown,
        rest=_find_rest(manifest),
        due=due,
        next_windows=next_windows,
        more_due_count=position.count_due_after(due, next_windows, now),
        sent=sent,
    )


def omit_planned(report: WindowReport) -> WindowReport:
    """Return the windows of an association that AWS has or may have, if the journal has no record of it.

    Nothing is known then of its exports.
    """
    return replace(report, is_unknown=True, due=None, next_windows=(), more_due_count=0)


def suspend_target(report: WindowReport) -> WindowReport:
    """Return the windows of an association in a suspended Target, which go out no more than with policy.suspend."""
    return replace(report, rest=report.rest or "its target is suspended")


def _find_rest(manifest: Manifest) -> str | None:
    """Return the setting of the manifest that lets no window go out, as a clause."""
    if manifest.policy.suspend:
        return "policy.suspend is true"
    return "policy.mode is observe" if manifest.policy.mode is Mode.OBSERVE else None


def _is_declared(recurrence: Recurrence) -> bool:
    """Tell whether a person has said up to which time everything has been exported, and left nothing out before it."""
    time = recurrence.continued_from
    return time is not None and not any(each.end == time for each in recurrence.omissions)


def _has_exported(recurrence: Recurrence) -> bool:
    """Tell whether anything before the watermark was exported."""
    omissions = sum((each.end - each.start for each in recurrence.omissions), timedelta())
    return recurrence.watermark - recurrence.start > omissions


def _list_sent(record: Record, now: datetime) -> tuple[SentWindow, ...]:
    """Return the past windows of a record and its current one. A Create without an answer has no job yet."""
    past = record.recurrence.past if record.recurrence else ()
    earlier = tuple(_build_past_window(each) for each in past)
    window, state = read_window(record.request), record.state
    job = state.job if isinstance(state, Bound) else Job(JobSource.CREATE, state.last_attempt)
    if window is None or job is None:
        return earlier
    is_stuck = job.is_repetition and job.running_at is None and now >= job.sent_at + OVERDUE_AFTER
    is_lost_sight_of = is_stuck or is_withdrawn_since(record, job, now)
    return (*earlier, SentWindow(window, job, is_last=True, is_stuck=is_lost_sight_of, is_partial=is_partial(record)))


def _build_past_window(past: PastWindow) -> SentWindow:
    window = Window(past.start, past.end)
    return SentWindow(window, past.job, is_partial=has_begun_early(past.job, window))


@dataclass(frozen=True, slots=True)
class _Position:
    """Position in the sequence of windows: the watermark, and the window that was sent last and is exported whole."""

    declaration: WindowDeclaration
    watermark: datetime | None
    last: SentWindow | None
    is_resent: bool

    @property
    def sent_until(self) -> datetime | None:
        """The end of the last window, if its call arrived or is a Create without an answer. Otherwise the watermark."""
        if self.last is None or not self._may_have_arrived(self.last):
            return self.watermark
        watermark = self.watermark or self.last.window.start
        return watermark if self.last.window.start > watermark else max(self.last.window.end, watermark)

    @staticmethod
    def _may_have_arrived(last: SentWindow) -> bool:
        """Tell whether the next window follows this one. The window of an unanswered Create is fixed."""
        is_pending = last.state is WindowState.UNKNOWN and last.job.source is JobSource.CREATE
        return is_pending or last.state in {WindowState.DONE, WindowState.RUNNING, WindowState.FAILED}

    @property
    def is_repeated(self) -> bool:
        """True if the last window failed, and is exported again within the next one."""
        return (
            not self.is_resent
            and self.last is not None
            and self.last.state is WindowState.FAILED
            and self.declaration.missed is Missed.MERGE
            and self.watermark is not None
            and self.watermark < self.last.window.end
        )

    def find_due(self, now: datetime) -> FutureWindow | None:
        """Return the window that is due and was not sent, with the time since which it has been due."""
        window = find_due_window(self.declaration, self.sent_until, now)
        if window is None:
            return None
        due_at = list_future_windows(self.declaration, self.sent_until, 1)[0].due_at
        period_count = len(list_boundaries(self.declaration, window.start, window.end))
        return self.extend(FutureWindow(window, due_at, period_count))

    def list_next(self, due: FutureWindow | None, now: datetime, count: int) -> tuple[FutureWindow, ...]:
        """Return the windows after the due one. Those that are due as well go out as one, unless `missed` is `each`."""
        start = due.window.end if due else self.sent_until
        windows = list_future_windows(self.declaration, start, count)
        if not due:
            return tuple(map(self.extend, windows[:1])) + windows[1:]
        late_ends = find_due_boundaries(self.declaration, start, now)
        if not late_ends or self.declaration.missed is Missed.EACH:
            return windows
        merged = FutureWindow(Window(due.window.end, late_ends[-1]), windows[0].due_at, len(late_ends))
        return (merged, *list_future_windows(self.declaration, merged.window.end, count - 1))

    def extend(self, planned: FutureWindow) -> FutureWindow:
        """Return a window with the failed one before it, if that is exported again within it."""
        if not self.is_repeated:
            return planned
        assert self.watermark
        return replace(planned, window=Window(self.watermark, planned.window.end), is_repetition=True)

    def count_due_after(self, due: FutureWindow | None, next_windows: Sequence[FutureWindow], now: datetime) -> int:
        """Return the number of due windows that follow those in a report."""
        last = next_windows[-1] if next_windows else due
        return len(find_due_boundaries(self.declaration, last.window.end, now)) if last else 0
