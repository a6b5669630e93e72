"""Builders of manifests, records and reports with recurring windows: months in Berlin, the first in August 2026."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

from support.builders import NOW, manifest, record

from reconciler.core.journal.jobs import Job, JobSource, Omission, OmissionCause, PastWindow, Recurrence, Refusal
from reconciler.core.journal.records import Bound, Record
from reconciler.core.model import Manifest, Mode, Policy
from reconciler.core.report.build_windows import build_window_report
from reconciler.core.report.windows import WindowReport
from reconciler.core.request.export_window import EXECUTION, build_execution
from reconciler.core.windows.declaration import Period, WindowDeclaration
from reconciler.core.windows.due import Window
from reconciler.edge.manifests.zones import read_zone

BERLIN = "Europe/Berlin"
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
MONTHLY = WindowDeclaration(Period.MONTH, BERLIN, read_zone(BERLIN), date(2026, 8, 1))
BOUNDARIES = tuple(
    datetime(2026 + (7 + number) // 12, (7 + number) % 12 + 1, 1, tzinfo=read_zone(BERLIN)).astimezone(UTC)
    for number in range(8)
)
"""The boundaries of MONTHLY from August 2026 on."""
AUGUST, SEPTEMBER, OCTOBER, NOVEMBER = (Window(*BOUNDARIES[number : number + 2]) for number in range(4))
QUIET = datetime(2026, 10, 15, tzinfo=UTC)
"""A time at which September is exported, and October is not due yet."""
UPDATING = Policy(mode=Mode.CREATE_AND_UPDATE)


def build_recurring_manifest(name: str = "export", **changes: Any) -> Manifest:
    """Return a manifest with windows of a month. Changes apply to its policy, if they are named so, or its window."""
    policy = changes.pop("policy", UPDATING)
    plain = manifest(name, policy, ExecutionConfiguration=None)
    return replace(plain, window=replace(MONTHLY, **changes))


def build_job(sent_at: datetime, result: str | None = "COMPLETED", **changes: Any) -> Job:
    """Return the job of an accepted Update, which List showed within the hour and that ended an hour later."""
    members: dict[str, Any] = {
        "is_accepted": True,
        "shown_at": sent_at + HOUR / 4,
        "running_at": sent_at + HOUR / 4,
        "result": result,
        "ended_at": sent_at + HOUR if result else None,
    }
    return Job(JobSource.UPDATE, sent_at, **members | changes)


def build_refused_job(sent_at: datetime, message: str = "no bucket") -> Job:
    """Return the job of an Update that AWS refused."""
    return Job(JobSource.UPDATE, sent_at, refusal=Refusal(message), refusal_count=1)


def build_recurring_record(
    window: Window = SEPTEMBER, job: Job | None = None, watermark: datetime | None = None, *past: PastWindow
) -> Record:
    """Return the record of an association whose last window is the given one, by default a completed one."""
    job = job or build_job(window.end + HOUR)
    plain = record()
    assert isinstance(plain.state, Bound)
    if watermark is None:
        watermark = window.end if job.result == "COMPLETED" else window.start
    return replace(
        plain,
        request={**plain.request, EXECUTION: build_execution(window)},
        state=replace(plain.state, job=job),
        recurrence=Recurrence(watermark, min(watermark, AUGUST.start), past=past),
    )


def build_daily_record() -> Record:
    """Return the record of an association with daily windows, after two weeks."""
    days = [Window(QUIET - number * DAY - 2 * HOUR, QUIET - number * DAY + 22 * HOUR) for number in range(15, 1, -1)]
    past = tuple(PastWindow(day.start, day.end, build_job(day.end + HOUR)) for day in days)
    return build_recurring_record(Window(days[-1].end, days[-1].end + DAY), None, None, *past)


def build_windows(stored_record: Record | None = None, now: datetime = QUIET, **changes: Any) -> WindowReport:
    """Return the windows of a manifest with a record at a time."""
    report = build_window_report(build_recurring_manifest(**changes), stored_record, now)
    assert report
    return report


def build_repeated_windows() -> WindowReport:
    """Return windows of which the last one has failed, and is exported again with the next one."""
    return build_windows(build_recurring_record(SEPTEMBER, build_job(SEPTEMBER.end + HOUR, "FAILED")))


def build_windows_after_omission() -> WindowReport:
    """Return windows of a suspended association after a stretch of time that was left out."""
    stored_record = build_recurring_record(SEPTEMBER)
    assert stored_record.recurrence
    omissions = (Omission(SEPTEMBER.end, OCTOBER.end, OmissionCause.CONTINUE_FROM),)
    recurrence = replace(stored_record.recurrence, watermark=OCTOBER.end, omissions=omissions)
    report = build_windows(replace(stored_record, recurrence=recurrence))
    return replace(report, rest="policy.suspend is true")


def build_every_window(text: str = "plain") -> WindowReport:
    """Return windows in every state, in which each text from outside is the given one."""
    past = tuple(
        PastWindow(window.start, window.end, job)
        for window, job in (
            (AUGUST, build_job(AUGUST.end + HOUR)),
            (SEPTEMBER, build_job(SEPTEMBER.end + HOUR, "FAILED")),
            (SEPTEMBER, build_refused_job(SEPTEMBER.end + 2 * HOUR, text)),
            (SEPTEMBER, Job(JobSource.OBSERVED, SEPTEMBER.end + 3 * HOUR)),
        )
    )
    last = build_recurring_record(SEPTEMBER, build_job(SEPTEMBER.end + 4 * HOUR, None), SEPTEMBER.start, *past)
    return replace(build_windows(last, NOW + 2 * DAY), time_zone=text)
