"""Exports of a report: what the journal knows, the oldest first, and what this run was the first to see."""

from __future__ import annotations

from dataclasses import replace

from support.builders import NOW, manifest, record
from support.recurring import (
    AUGUST,
    HOUR,
    SEPTEMBER,
    build_daily_record,
    build_job,
    build_recurring_manifest,
    build_recurring_record,
)

from reconciler.core.journal.jobs import Job, JobSource, PastWindow
from reconciler.core.journal.records import Bound, CreatePending
from reconciler.core.report.exports import list_exports

COMPLETED_RECORD = build_recurring_record(
    SEPTEMBER, None, None, PastWindow(AUGUST.start, AUGUST.end, build_job(AUGUST.end + HOUR))
)


def test_exports_are_listed_once_with_the_oldest_first() -> None:
    """The past windows and the current one are listed once, although two records know them."""
    exports = list_exports(build_recurring_manifest(), COMPLETED_RECORD, COMPLETED_RECORD, COMPLETED_RECORD)
    assert [each.window for each in exports] == [AUGUST, SEPTEMBER]
    assert all(each.is_completed and not each.is_news for each in exports)
    assert exports[0].declaration == build_recurring_manifest().window


def test_export_is_news_for_the_run_that_sees_its_end() -> None:
    """An export is news if the record from before the run does not know that it was completed."""
    running = (
        build_recurring_record(
            SEPTEMBER, build_job(SEPTEMBER.end + HOUR, None), SEPTEMBER.start, *COMPLETED_RECORD.recurrence.past
        )
        if COMPLETED_RECORD.recurrence
        else None
    )
    exports = list_exports(build_recurring_manifest(), running, COMPLETED_RECORD, None)
    assert [each.is_news for each in exports] == [False, True]
    assert [each.is_news for each in list_exports(build_recurring_manifest(), running, running)] == [False, False]
    failed = build_recurring_record(SEPTEMBER, build_job(SEPTEMBER.end + HOUR, "FAILED"))
    assert [each.is_completed for each in list_exports(build_recurring_manifest(), None, failed)] == [False]


def test_export_of_another_program_is_completed_only_if_a_run_saw_it_run() -> None:
    """A job that had ended before the adoption of its association is not completed under the eyes of a run."""
    plain = record()
    assert isinstance(plain.state, Bound)
    job = Job(JobSource.OBSERVED, NOW, shown_at=NOW, result="COMPLETED", ended_at=NOW)
    for running_at, is_completed in ((None, False), (NOW, True)):
        observed = replace(plain, state=replace(plain.state, job=replace(job, running_at=running_at)))
        (export,) = list_exports(manifest(), None, observed)
        assert (export.is_completed, export.is_news) == (is_completed, is_completed)


def test_only_the_last_exports_are_listed() -> None:
    """A long history is cut to its end, and a Create without an answer has no export."""
    assert len(list_exports(build_recurring_manifest(), None, build_daily_record())) == 10
    pending = replace(record(), state=CreatePending(1, NOW, NOW))
    assert list_exports(manifest(), None, pending) == ()
