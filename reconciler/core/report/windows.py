"""Recurring windows of one association, for people: what was exported, what is due, and what goes out next."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo
from enum import StrEnum

from reconciler.core.journal.jobs import (
    COMPLETED,
    FAILED,
    FINAL_STATUSES,
    Job,
    JobSource,
    Omission,
)
from reconciler.core.windows.due import (
    FutureWindow,
    Window,
)

OVERDUE_AFTER = timedelta(hours=24)
"""Time after which a window that is due and was not sent is overdue."""


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

    If `is_stuck`, List shows nothing about its job: the window was sent once more, and a day later List has not shown
    the job as running, or List shows another window again. If
    `is_partial`, the job began before the end of the window, and exported only a part of it.
    """

    window: Window
    job: Job
    is_last: bool = False
    is_stuck: bool = False
    is_partial: bool = False

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

    Everything from `start` up to `watermark` has been exported, except the stretches in `omissions`. `start` is None if
    it is the first boundary of the manifest. `watermark` is None before the first export, unless something was left
    out. It `is_assumed` if a part of that was concluded from List alone, and `is_declared` if window.continueFrom says
    a part of it. `is_own` tells whether this program exported a part of it. `due` is the window that is due and was not
    sent. `next_windows` are the windows to come, and `sent` those that were sent, the oldest first. After the planned
    windows, `more_due_count` more are due. `rest` is the setting of the manifest or the target that lets none go out,
    `obstacle` another reason for which they may not go out, and `notice` what else a person should know of them.
    `settle_time` is that of the run, if it is known. If `is_unknown`, no run has concluded yet how far the data of
    an association that exists was exported, and the report has no windows that are due or to come. If
    `has_later_windows`, a list that ends at a date leaves out windows to come.
    """

    time_zone: str
    zone: tzinfo
    now: datetime
    watermark: datetime | None = None
    is_assumed: bool = False
    is_declared: bool = False
    is_own: bool = False
    rest: str | None = None
    is_unknown: bool = False
    start: datetime | None = None
    omissions: tuple[Omission, ...] = ()
    has_exported: bool = False
    obstacle: str | None = None
    notice: str | None = None
    settle_time: timedelta | None = None
    due: FutureWindow | None = None
    next_windows: tuple[FutureWindow, ...] = ()
    more_due_count: int = 0
    has_later_windows: bool = False
    sent: tuple[SentWindow, ...] = ()

    @property
    def is_suspended(self) -> bool:
        """True if the manifest or the target lets no window go out."""
        return self.rest is not None

    @property
    def planned(self) -> tuple[FutureWindow, ...]:
        """The windows that were not sent: the one that is due, and those to come."""
        return (self.due, *self.next_windows) if self.due else self.next_windows

    @property
    def has_ended(self) -> bool:
        """True if no window follows those that were sent."""
        return not (self.planned or self.has_later_windows or self.is_unknown)

    @property
    def last(self) -> SentWindow | None:
        """The window that was sent last."""
        return self.sent[-1] if self.sent else None

    @property
    def last_ended(self) -> SentWindow | None:
        """The last window whose job is known to have ended. A later one may run, or may have had no effect."""
        return next((each for each in reversed(self.sent) if each.job.result), None)

    @property
    def has_failed(self) -> bool:
        """True if the job of the last window that has ended failed."""
        return self.last_ended is not None and self.last_ended.state is WindowState.FAILED

    def is_exported_again(self, sent: SentWindow) -> bool:
        """Tell whether a later window that was sent exports a failed one once more."""
        later = self.sent[self.sent.index(sent) + 1 :] if sent.state is WindowState.FAILED else ()
        states = {WindowState.DONE, WindowState.RUNNING, WindowState.FAILED}
        return any(each.state in states and each.window.start <= sent.window.start for each in later)

    def is_to_be_exported_again(self, sent: SentWindow) -> bool:
        """Tell whether the next window exports a failed one once more."""
        is_repeated = any(each.is_repetition and each.window.start <= sent.window.start for each in self.planned)
        return is_repeated and sent.state is WindowState.FAILED and not self.is_exported_again(sent)

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
