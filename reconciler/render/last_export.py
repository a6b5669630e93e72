"""Describe the last export of an association as far as its status in List counts."""

from __future__ import annotations

from reconciler.core.model import Execution
from reconciler.core.report.windows import WindowReport
from reconciler.render import windows


def format_job_status(execution: Execution) -> str:
    """Return the status of a job in words: `in progress` for `IN_PROGRESS`."""
    return execution.status.lower().replace("_", " ")


def describe_last_export(execution: Execution, report: WindowReport | None) -> str:
    """Return the last export in words. Say so if its status in List may belong to the export before."""
    status = format_job_status(execution)
    if report is None or not report.is_unconfirmed(execution.status):
        return f"last export {status}"
    event = f"List shows the status {status}"
    if report.confirmed_from and report.confirmed_from > report.now:
        until = windows.format_time(report.confirmed_from, report)
        return f"{event}; until {until}, this may still be the status of the previous export"
    if report.last and report.last.job.shown_at and not report.last.job.is_repetition:
        return f"{event} for the last export; a later run has to confirm it"
    return f"{event}; this may still be the status of the previous export"
