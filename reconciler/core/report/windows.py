"""Recurring windows of one association, for people: what was exported, what is due, and what goes out next."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo
from enum import StrEnum

from reconciler.core.journal.jobs import COMPLETED, FAILED, FINAL_STATUSES, Job, JobSource, Omission, Recurrence
from reconciler.core.journal.records import Bound, Record
from reconciler.core.model import Manifest, Mode
from reconciler.core.plan.recurring.early_window import is_partial
from reconciler.core.request.export_window import read_window
from reconciler.core.windows.boundaries import compute_first_boundary
from reconciler.core.windows.declaration import Missed, WindowDeclaration
from reconciler.core.windows.due import (
    FutureWindow,
    Window,
    find_due_boundaries,
    find_due_window,
    list_future_windows,
)

OVERDUE_AFTER = timedelta(hours=24)
"""Time after which a window that is due and was not sent is overdue."""
NEXT_COUNT = 3
"""Number of windows to come in a report."""


class WindowState(StrEnum):
    """State of a window, in the words of reports and of the page."""

    DONE = "done"
    RUNNING = "running"
    FAILED = "failed"
    REFUSED = "refused"
    UNKNOWN = "unknown"
    LEFT_OUT = "left out"
    DUE = "due"
    OVERDUE = "overdue"
    TO_COME = "to come"


class Answer(StrEnum):
    """Answer of AWS to the call that sent a window."""

    ACCEPTED = "accepted"
    REFUSED = "refused"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class SentWindow:
    """A window that was sent, and its job. `is_last` is true for the last one. The job of any other has ended.

    If `is_stuck`, the window was sent once more, and a day later List has not shown its job as running.
    """

    window: Window
    job: Job
    is_last: bool = False
    is_stuck: bool = False

    @property
    def answer(self) -> Answer | None:
        """The answer of AWS. None for a job that this program did not start."""
        if self.job.source is JobSource.OBSERVED:
            return None
        if self.job.refusal:
            return Answer.REFUSED
        return Answer.ACCEPTED if self.job.is_accepted else Answer.UNKNOWN

    @property
    def state(self) -> WindowState:
        """The state. It is unknown if nothing shows that the call arrived, or how an earlier job ended."""
        job = self.job
        if job.result:
            return {COMPLETED: WindowState.DONE, FAILED: WindowState.FAILED}[job.result]
        if job.refusal:
            return WindowState.REFUSED
        has_arrived = bool(job.is_accepted or job.shown_at or job.running_at)
        may_run = self.is_last and has_arrived and not (job.is_skipped or self.is_stuck)
        return WindowState.RUNNING if may_run else WindowState.UNKNOWN


@dataclass(frozen=True, slots=True)
class WindowReport:
    """Windows of one association at `now`, in the time zone `time_zone` of its manifest.

    Everything from `start` up to `watermark` has been exported, except the stretches in `omissions`. `start` is None
    if it is the first boundary of the manifest. `watermark` is None before the first export, unless something was left
    out, and `is_assumed` if it was concluded from List alone. `due` is the window that is due and was not sent.
    `next_windows` are the windows to come, and `sent` those that were sent, the oldest first. If `is_suspended`, the
    manifest or the target lets none go out. `obstacle` is another reason for which they may not go out.
    `settle_time` is that of the run, if it is known. If `is_unknown`, no run has concluded yet how far the data of an
    association that exists was exported, and the report has no windows that are due or to come.
    """

    time_zone: str
    zone: tzinfo
    now: datetime
    watermark: datetime | None = None
    is_assumed: bool = False
    is_suspended: bool = False
    is_unknown: bool = False
    start: datetime | None = None
    omissions: tuple[Omission, ...] = ()
    has_exported: bool = False
    obstacle: str | None = None
    settle_time: timedelta | None = None
    due: FutureWindow | None = None
    next_windows: tuple[FutureWindow, ...] = ()
    sent: tuple[SentWindow, ...] = ()

    @property
    def planned(self) -> tuple[FutureWindow, ...]:
        """The windows that were not sent: the one that is due, and those to come."""
        return (self.due, *self.next_windows) if self.due else self.next_windows

    @property
    def last(self) -> SentWindow | None:
        """The window that was sent last."""
        return self.sent[-1] if self.sent else None

    def is_unconfirmed(self, status: str) -> bool:
        """Tell whether List shows a final status that does not count for the last window yet."""
        job = self.last.job if self.last else None
        return job is not None and not (job.result or job.refusal or job.is_skipped) and status in FINAL_STATUSES

    @property
    def confirmed_from(self) -> datetime | None:
        """The time from which a final status in List counts for the last window. None if that is not known."""
        job = self.last.job if self.last else None
        if job is None or job.is_repetition or job.shown_at is None or self.settle_time is None:
            return None
        return job.shown_at + self.settle_time

    @property
    def history(self) -> tuple[SentWindow | Omission, ...]:
        """The windows that were sent, and the stretches that were left out, the oldest first."""
        return tuple(self._yield_history())

    def _yield_history(self) -> Iterator[SentWindow | Omission]:
        omissions = list(self.omissions)
        for sent in self.sent:
            while omissions and omissions[0].end <= sent.window.start:
                yield omissions.pop(0)
            yield sent
        yield from omissions

    def get_state(self, planned: FutureWindow, now: datetime) -> WindowState:
        """Return the state of a window that was not sent. A suspended association is never overdue."""
        if now < planned.due_at:
            return WindowState.TO_COME
        is_overdue = now >= planned.due_at + OVERDUE_AFTER and not self.is_suspended
        return WindowState.OVERDUE if is_overdue else WindowState.DUE

    def find_due_since(self, now: datetime) -> datetime | None:
        """Return the time since which a window has waited. None if none waits, or if the association is suspended."""
        due_times = (each.due_at for each in self.planned if each.due_at <= now)
        return None if self.is_suspended else min(due_times, default=None)


def build_window_report(
    manifest: Manifest,
    record: Record | None,
    now: datetime,
    *,
    is_suspended: bool = False,
    count: int = NEXT_COUNT,
) -> WindowReport | None:
    """Return the windows of a manifest from its record, with `count` windows to come.

    None without a `window`, and for a retired manifest, which has no windows to come.
    """
    declaration = manifest.window
    if declaration is None or manifest.policy.retired:
        return None
    recurrence = record.recurrence if record else None
    watermark = recurrence.watermark if recurrence else None
    sent = _list_sent(record, now) if record else ()
    has_sent = sent and not (record and is_partial(record))
    position = _Position(declaration, watermark, sent[-1] if has_sent else None)
    is_unknown = record is not None and isinstance(record.state, Bound) and recurrence is None and not sent
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
        start=recurrence.start if recurrence and is_late_start else None,
        omissions=omissions,
        has_exported=has_exported,
        is_unknown=is_unknown,
        is_suspended=is_suspended or manifest.policy.suspend or manifest.policy.mode is Mode.OBSERVE,
        due=due,
        next_windows=next_windows,
        sent=sent,
    )


def _has_exported(recurrence: Recurrence) -> bool:
    """Tell whether anything before the watermark was exported."""
    omissions = sum((each.end - each.start for each in recurrence.omissions), timedelta())
    return recurrence.watermark - recurrence.start > omissions


def _list_sent(record: Record, now: datetime) -> tuple[SentWindow, ...]:
    """Return the past windows of a record and its current one. A Create without an answer has no job yet."""
    past = record.recurrence.past if record.recurrence else ()
    earlier = tuple(SentWindow(Window(each.start, each.end), each.job) for each in past)
    window, state = read_window(record.request), record.state
    job = state.job if isinstance(state, Bound) else Job(JobSource.CREATE, state.last_attempt)
    if window is None or job is None:
        return earlier
    is_stuck = job.is_repetition and job.running_at is None and now >= job.sent_at + OVERDUE_AFTER
    return (*earlier, SentWindow(window, job, is_last=True, is_stuck=is_stuck))


@dataclass(frozen=True, slots=True)
class _Position:
    """Position in the sequence of windows: the watermark, and the window that was sent last and is exported whole."""

    declaration: WindowDeclaration
    watermark: datetime | None
    last: SentWindow | None

    @property
    def sent_until(self) -> datetime | None:
        """The end of the last window, if its call arrived or is a Create without an answer. Otherwise the watermark."""
        if self.last and self._may_have_arrived(self.last):
            return max(self.last.window.end, self.watermark or self.last.window.end)
        return self.watermark

    @staticmethod
    def _may_have_arrived(last: SentWindow) -> bool:
        """Tell whether the next window follows this one. The window of an unanswered Create is fixed."""
        is_pending = last.state is WindowState.UNKNOWN and last.job.source is JobSource.CREATE
        return is_pending or last.state in {WindowState.DONE, WindowState.RUNNING, WindowState.FAILED}

    @property
    def is_repeated(self) -> bool:
        """True if the last window failed, and is exported again within the next one."""
        return (
            self.last is not None
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
        return self.extend(FutureWindow(window, due_at))

    def list_next(self, due: FutureWindow | None, now: datetime, count: int) -> tuple[FutureWindow, ...]:
        """Return the windows after the due one. Those that are due as well go out as one, unless `missed` is `each`."""
        start = due.window.end if due else self.sent_until
        windows = list_future_windows(self.declaration, start, count)
        if not due:
            return tuple(map(self.extend, windows[:1])) + windows[1:]
        late_ends = find_due_boundaries(self.declaration, start, now)
        if not late_ends or self.declaration.missed is Missed.EACH:
            return windows
        merged = FutureWindow(Window(due.window.end, late_ends[-1]), windows[0].due_at)
        return (merged, *list_future_windows(self.declaration, merged.window.end, count - 1))

    def extend(self, planned: FutureWindow) -> FutureWindow:
        """Return a window with the failed one before it, if that is exported again within it."""
        if not self.is_repeated:
            return planned
        assert self.watermark
        return FutureWindow(Window(self.watermark, planned.window.end), planned.due_at)
