"""List of every past and coming window of one manifest, from its record in the journal."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, datetime

from reconciler.core.journal.records import Journal
from reconciler.core.model import Manifest
from reconciler.core.report.build_windows import build_window_report, omit_planned, suspend_target
from reconciler.core.report.window_obstacle import add_recorded_obstacle, has_seen_association
from reconciler.core.report.windows import WindowReport

DEFAULT_COUNT = 12
"""Number of windows to come without a date."""
MAX_COUNT = 1000
"""Maximum number of windows to come: daily windows of almost three years."""


@dataclass(frozen=True, slots=True)
class WindowList:
    """The windows of a manifest.

    `is_complete` is false if there are more windows before the requested date than MAX_COUNT.
    """

    manifest: Manifest
    report: WindowReport
    is_complete: bool = True


def list_windows(
    manifest: Manifest, journal: Journal, now: datetime, until: date | None, *, is_suspended: bool = False
) -> WindowList | None:
    """Return the windows of a manifest: those that were sent, and the others that begin on or before `until`.

    `until` is a local date. None if the manifest has no windows.
    """
    count = DEFAULT_COUNT if until is None else MAX_COUNT
    record, last_decision = journal.records.get(manifest.name), journal.last_decisions.get(manifest.name)
    report = build_window_report(manifest, record, now, count=count)
    if report is None:
        return None
    if is_suspended:
        report = suspend_target(report)
    if record is None and has_seen_association(last_decision):
        report = omit_planned(report)
    report = add_recorded_obstacle(report, manifest, record, last_decision)
    if until is None:
        return WindowList(manifest, report)
    due, next_windows = (
        tuple(each for each in windows if each.window.start.astimezone(report.zone).date() <= until)
        for windows in ((report.due,) if report.due else (), report.next_windows)
    )
    has_later_windows = len(due) + len(next_windows) < len(report.planned)
    report = replace(
        report,
        due=due[0] if due else None,
        next_windows=next_windows,
        more_due_count=0,
        has_later_windows=has_later_windows,
    )
    return WindowList(manifest, report, is_complete=len(next_windows) < MAX_COUNT)
