"""Follow the job of an association through the looks at List, until it counts as ended."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from reconciler.core.journal.jobs import FAILED, FINAL_STATUSES, RUNNING, Job, JobSource
from reconciler.core.journal.records import Bound, Record
from reconciler.core.model import Live, Spec
from reconciler.core.request.export_window import starts_export
from reconciler.core.text import format_timestamp

MAX_WAIT = timedelta(hours=24)
"""Time after which a job that never seemed to run, or a window that was not sent, needs a person."""

_MAX_PAUSE = timedelta(days=1)
_MAX_DOUBLINGS = 10


@dataclass(frozen=True, slots=True)
class Look:
    """A look at an association in List. `is_shown` tells whether List shows the configuration of the last call.

    `time` is the time of the look, by the clock of AWS if it is known, and `local_time` by the clock of this machine,
    which also gives the times of calls.
    """

    live: Live
    time: datetime
    local_time: datetime
    is_shown: bool


def observe_job(job: Job, look: Look, settle_time: timedelta) -> Job:
    """Return the job after a look at List.

    LastExecutionStatus may belong to an earlier job for a while. A job has therefore ended if a final status follows
    IN_PROGRESS, or if List shows a final status a settle time after it first showed the configuration. Only the first
    of them proves that a job has ended whose call List cannot show, a settle time after the call. A skipped job that
    List shows after all runs again.
    """
    now, is_shown = look.time, look.is_shown
    status = look.live.last_execution.status if look.live.last_execution else None
    if job.result is not None:
        return _correct_result(job, status, now) if is_shown else job
    if job.refusal and not (is_shown and not job.is_repetition):
        return job
    if is_shown:
        is_new = job.shown_at is None or (job.running_at is None and status == RUNNING)
        ended_at = None if is_new else job.ended_at
        running_at = job.running_at or (now if status == RUNNING else None)
        job = replace(job, refusal=None, shown_at=job.shown_at or now, running_at=running_at, ended_at=ended_at)
    elif job.is_accepted and job.shown_at is None:
        job = replace(job, running_at=job.running_at or (now if status == RUNNING else None))
    is_certain = job.running_at is not None or (
        not job.is_repetition and job.shown_at is not None and now >= job.shown_at + settle_time
    )
    has_waited = is_shown or (job.shown_at is None and look.local_time >= job.sent_at + settle_time)
    if status in FINAL_STATUSES and is_certain and has_waited:
        return replace(job, result=status, ended_at=now)
    return job


def _correct_result(job: Job, status: str | None, now: datetime) -> Job:
    """Return an ended job that List shows. For a day, another status replaces one that no IN_PROGRESS preceded.

    That one belonged to an earlier job, which List showed for longer than a settle time. A later status belongs to a
    job that somebody else started.
    """
    is_certain = job.running_at is not None or job.ended_at is None or now >= job.ended_at + MAX_WAIT
    if is_certain or status == job.result:
        return replace(job, shown_at=job.shown_at or now)
    if status in FINAL_STATUSES:
        return replace(job, result=status, ended_at=now)
    return replace(job, result=None, ended_at=None, running_at=now) if status == RUNNING else job


def describe_missed_export(record: Record | None, now: datetime, settle_time: timedelta = timedelta()) -> str:
    """Return a clause that another reason adds if the last call of this program may have exported nothing, or "".

    An Update that List does not show is given its time, as `compute_wait_end` says. One that List no longer shows
    is given a settle time.
    """
    job = record.state.job if record and isinstance(record.state, Bound) else None
    if record is None or job is None or job.source is JobSource.OBSERVED or job.is_skipped:
        return ""
    if job.result == FAILED:
        return "; the last export FAILED"
    if job.refusal:
        return "; AWS refused the last update"
    if is_withdrawn_since(record, job, now - settle_time):
        return "; List no longer shows the last update, whose export had not ended"
    if not job.is_update_unshown or now < compute_wait_end(job, now, settle_time):
        return ""
    return "; List never showed the last update" if job.is_accepted else "; the answer to the last update is unknown"


def is_withdrawn_since(record: Record, job: Job, time: datetime) -> bool:
    """Tell whether List has shown another window since `time` or longer, and the job of the last one has not ended."""
    foreign_since = record.recurrence.foreign_since if record.recurrence else None
    return foreign_since is not None and foreign_since <= time and job.shown_at is not None and job.result is None


def may_run(job: Job | None, live: Live, request: Spec) -> bool:
    """Tell whether a job of the association may be running. An unknown status counts as running."""
    status = live.last_execution.status if live.last_execution else None
    if job and job.result is None and job.shown_at is not None and not job.is_skipped:
        return True
    if status is None:
        return starts_export(request) and not (job and job.result)
    return status not in FINAL_STATUSES


def is_running(live: Live) -> bool:
    """Tell whether List shows that a job is running. A missing or unknown status counts as running."""
    return live.last_execution is None or live.last_execution.status not in FINAL_STATUSES


def describe_running(live: Live) -> str:
    """Return why a job may be running, if `is_running`."""
    if live.last_execution is None:
        return "List shows no status of the last export, which may be running"
    return "List shows that an export is running"


def compute_wait_end(job: Job, now: datetime, settle_time: timedelta) -> datetime:
    """Return the time until which a run waits for List to show an Update, or for the end of its job.

    While a job runs since the Update, that is a day after it.
    """
    wait_end = job.sent_at + MAX_WAIT
    return wait_end if job.running_at and now < wait_end else job.sent_at + settle_time


def describe_unshown_job(job: Job, *, is_shown: bool = True) -> str | None:
    """Return the warning about an Update that was skipped or has ended, and whose configuration List does not show.

    `is_shown` tells whether List shows the configuration of a job that it showed before.
    """
    if job.is_skipped and not (job.shown_at and is_shown):
        answer = "AWS accepted and List never showed" if job.is_accepted else "has no known answer"
        answer = "AWS refused" if job.refusal else answer
        answer = "List no longer shows" if job.shown_at else answer
        return f"window.skip left out the window of the update of {format_timestamp(job.sent_at)}, which {answer}"
    if job.result is None or job.shown_at or not job.is_accepted or job.source is not JobSource.UPDATE:
        return None
    return (
        f"AWS accepted the update of {format_timestamp(job.sent_at)}, and a job ended since, but List still shows the "
        "previous configuration: check the association in the AWS console"
    )


def describe_wait(job: Job | None, live: Live, settle_time: timedelta) -> tuple[str, datetime | None]:
    """Return what the next update waits for while a job may run, and the end of the wait, if it is known.

    Without a `job`, List shows no final status.
    """
    execution = live.last_execution
    if execution is None or execution.status not in FINAL_STATUSES:
        return "the last export may still be running: runs wait until List shows its end", None
    event = f"the status {execution.status} in List may belong to an earlier export"
    assert job
    if job.is_repetition or job.shown_at is None:
        until = job.sent_at + MAX_WAIT
        return f"{event}: runs wait for List to show {RUNNING}, until {format_timestamp(until)} at the latest", None
    until = job.shown_at + settle_time
    return f"{event}: from {format_timestamp(until)} on, it counts as the status of the last export", until


def compute_pause(job: Job, settle_time: timedelta) -> timedelta:
    """Return the time from a refused Update to the next attempt. It grows with each denial, up to a day."""
    doublings = min(max(job.refusal_count - 1, 0), _MAX_DOUBLINGS)
    return min(settle_time * (1 << doublings), _MAX_PAUSE)
