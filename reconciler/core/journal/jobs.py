"""Jobs of associations and the recurring windows that they exported, as values of the journal."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum

COMPLETED = "COMPLETED"
FAILED = "FAILED"
RUNNING = "IN_PROGRESS"
FINAL_STATUSES = (COMPLETED, FAILED)
"""Statuses of a job that has ended (service model appintegrations/2020-07-29). Any other status counts as running."""

MAX_WINDOWS = 60
"""Maximum number of past windows that the journal keeps for an association."""


class JobSource(StrEnum):
    """The origin of a job: a Create or an Update of this program, or something else."""

    CREATE = "create"
    UPDATE = "update"
    OBSERVED = "observed"


@dataclass(frozen=True, slots=True)
class Refusal:
    """A refusal of an Update by AWS: its message, and whether a policy explicitly denies the call."""

    message: str
    is_denied: bool = False


@dataclass(frozen=True, slots=True)
class Job:
    """The last job of an association.

    LastExecutionStatus names neither the job nor its window, so the times at which List showed something decide whether
    the job has ended.

    - `sent_at` is the time of the call, or of the first look at a job that another program started.
    - `is_accepted` is true if AWS accepted the call. Without it and without a `refusal`, the answer is unknown.
    - `refusal_count` is the number of times that AWS has refused this request.
    - `is_repetition` is true if the job before exported the same window. List then cannot show that the call arrived.
    - `should_repeat` is true if a person raised policy.generation while the job ran: if it fails, it runs once more.
    - `shown_at` and `running_at` are the first times at which List showed its configuration, and IN_PROGRESS.
    - `result` is COMPLETED or FAILED once the job counts as ended, at `ended_at`. With `ended_at` alone, window.skip
      passed over its window at that time.
    - `previous_watermark` is the watermark that this job moved. It returns if the job was not completed after all.
    """

    source: JobSource
    sent_at: datetime
    is_accepted: bool = False
    refusal: Refusal | None = None
    refusal_count: int = 0
    is_repetition: bool = False
    should_repeat: bool = False
    shown_at: datetime | None = None
    running_at: datetime | None = None
    result: str | None = None
    ended_at: datetime | None = None
    previous_watermark: datetime | None = None

    @property
    def is_update_unshown(self) -> bool:
        """True for an Update that List does not show yet. False once window.skip left out its window."""
        is_unshown = self.source is JobSource.UPDATE and self.shown_at is None
        return is_unshown and self.result is None and not self.is_skipped

    @property
    def is_skipped(self) -> bool:
        """True if window.skip left out the window of this job, and nobody knows how the job ended."""
        return self.ended_at is not None and self.result is None


@dataclass(frozen=True, slots=True)
class PastWindow:
    """A window that was sent before the current one, and its job."""

    start: datetime
    end: datetime
    job: Job


class OmissionCause(StrEnum):
    """The member of `window` by which a person decided not to export a stretch of time."""

    SKIP = "skip"
    CONTINUE_FROM = "continueFrom"


@dataclass(frozen=True, slots=True)
class Omission:
    """A stretch of time before the watermark that was not exported."""

    start: datetime
    end: datetime
    cause: OmissionCause


@dataclass(frozen=True, slots=True)
class WindowRule:
    """The members of a window declaration that its boundaries and their due times depend on."""

    every: str
    time_zone: str
    first: date
    delay: timedelta


@dataclass(frozen=True, slots=True)
class Recurrence:
    """The recurring windows of an association, as the journal records them.

    - Everything from `start` up to `watermark` has been exported, except `omissions`. If `is_assumed`, a part
      of that was concluded from List alone. `start` is the start of the first window.
    - `rules` are the declarations that runs acted on. The last one is current, and the others are superseded.
    - `past` are the windows sent before the current one, the oldest first, at most MAX_WINDOWS.
    - `foreign_since` is the time since which List has shown a window that this program did not send, or an earlier one
      again although the job of the last one has not ended.
    - `continued_from` and `skipped` are the values of window.continueFrom and window.skip that had their effect.
    - If `is_replaced`, a person has replaced the recurring windows by a fixed one. They may return.
    """

    watermark: datetime
    start: datetime
    is_assumed: bool = False
    rules: tuple[WindowRule, ...] = ()
    past: tuple[PastWindow, ...] = ()
    foreign_since: datetime | None = None
    continued_from: datetime | None = None
    skipped: tuple[date, ...] = ()
    omissions: tuple[Omission, ...] = ()
    is_replaced: bool = False
