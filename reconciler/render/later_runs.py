"""Say when to run again, if nothing starts a later run."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime

from reconciler.core.report.report import AssociationReport, Report
from reconciler.core.report.waiting_windows import list_waiting_windows
from reconciler.core.text import format_timestamp
from reconciler.render.wording import is_read_only


def describe_waiting_writes(report: Report) -> str | None:
    """Return when to run again for held exports and later windows, if nothing starts a later run. None without any."""
    writes, recurring = report.waiting_writes, list_waiting_windows(report)
    if not (writes or recurring) or not report.run.is_single or is_read_only(report):
        return None
    subjects = []
    if writes:
        subjects.append("the held export" if len(writes) == 1 else f"the {len(writes):,} held exports")
    if recurring:
        manifests = "" if len(recurring) == 1 else f" of {len(recurring):,} manifests"
        subjects.append(f"the next recurring export{manifests and 's'}{manifests}")
    times = sorted({each.until for each in writes if each.until} | set(_yield_due_times(recurring)))
    time = f" after {format_timestamp(times[0])}" if times else " later"
    last_time = f", and after {format_timestamp(times[-1])} for the last one" if times[1:] else ""
    if recurring or any(each.windows for each in writes):
        time, last_time = "" if any(map(_is_due, recurring)) else time, ", and after each later window"
    remedy = f"run reconcile again{time}{last_time}, or run it on a schedule (docs/how-to/run-on-a-schedule.md)"
    return f"Nothing here sends {' and '.join(subjects)} later: {remedy}."


def _yield_due_times(associations: Iterable[AssociationReport]) -> Iterator[datetime]:
    """Yield the time at which the next window of each association is due, if the next window is known."""
    for report in (each.windows for each in associations):
        yield from (each.due_at for each in (report.planned[:1] if report else ()))


def _is_due(association: AssociationReport) -> bool:
    """Tell whether a window is due and was not sent."""
    return association.windows is not None and association.windows.due is not None
