"""Exports of one association that the journal knows: the window of each call, and its job."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from reconciler.core.journal.jobs import COMPLETED, Job, JobSource
from reconciler.core.journal.records import Bound, Record
from reconciler.core.model import Manifest, NaturalKey
from reconciler.core.request.export_window import read_window
from reconciler.core.windows.declaration import WindowDeclaration
from reconciler.core.windows.due import Window

_MAX_COUNT = 10
"""Maximum number of exports in a report. Earlier ones are no news."""


@dataclass(frozen=True, slots=True)
class KnownExport:
    """An export and its job. `window` is None if its request has no readable window.

    `key` is the natural key of its association, and `declaration` the recurring windows of the manifest, if it has
    any. If `is_news`, this run was the first to see that the export was completed.
    """

    key: NaturalKey
    window: Window | None
    job: Job
    declaration: WindowDeclaration | None = None
    is_news: bool = False

    @property
    def is_completed(self) -> bool:
        """True if the job counts as COMPLETED, and a run sent it or saw it run."""
        return _is_completed(self.job)


def list_exports(manifest: Manifest, stored_record: Record | None, *records: Record | None) -> tuple[KnownExport, ...]:
    """Return the last exports in `records`, the oldest first. `stored_record` is the record from before the run."""
    completed_jobs = {job for _, job in _yield_jobs(stored_record) if _is_completed(job)}
    known_exports = {
        (window, job): KnownExport(
            record.key,
            window,
            job,
            manifest.window,
            is_news=_is_completed(job) and job not in completed_jobs,
        )
        for record in records
        if record
        for window, job in _yield_jobs(record)
    }
    return tuple(known_exports.values())[-_MAX_COUNT:]


def _yield_jobs(record: Record | None) -> Iterator[tuple[Window | None, Job]]:
    """Yield the windows and jobs of a record. A Create without an answer has no job yet."""
    if record is None:
        return
    for past in record.recurrence.past if record.recurrence else ():
        yield Window(past.start, past.end), past.job
    if isinstance(record.state, Bound) and record.state.job:
        yield read_window(record.request), record.state.job


def _is_completed(job: Job) -> bool:
    """Tell whether a job was completed under the eyes of a run, and not before its association was adopted."""
    return job.result == COMPLETED and (job.source is not JobSource.OBSERVED or job.running_at is not None)
