"""Find the completed exports of a report, and those among them that a receiver does not know yet."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from reconciler.core.notifications.conditions import build_mark
from reconciler.core.notifications.finding import Finding
from reconciler.core.notifications.state import Condition
from reconciler.core.plan.decision_kind import DecisionKind
from reconciler.core.plan.job_progress import describe_unshown_job
from reconciler.core.plan.recurring.recurrence import describe_window
from reconciler.core.report.exports import KnownExport
from reconciler.core.report.report import AssociationReport
from reconciler.core.text import format_timestamp_to_the_minute

_MAX_MARKS = 20
"""Maximum number of marks of an association: twice the exports of a report, because a report may be out of date."""


@dataclass(frozen=True, slots=True)
class Completion:
    """A completed export, with the mark of its association and its own.

    The marks do not depend on the name of the manifest. If `is_quiet`, receivers are notified only once the association
    is neither retired nor held by a policy.
    """

    association_mark: str
    mark: str
    finding: Finding
    is_quiet: bool = False


def list_completions(place: str, association: AssociationReport) -> Iterator[Completion]:
    """Yield the completed exports of an association, the oldest first. `place` describes the target."""
    is_quiet = association.is_resting or association.decision is DecisionKind.RETIRED
    for export in association.exports:
        if export.is_completed:
            window, job = export.window, export.job
            yield Completion(
                build_mark(*export.key),
                build_mark(*export.key, str(window and (window.start, window.end)), job.sent_at.isoformat()),
                _build_finding(place, association, export),
                is_quiet,
            )


def collect_marks(completions: Iterable[Completion]) -> dict[str, tuple[str, ...]]:
    """Return the marks of completed exports, by the mark of their association."""
    marks: dict[str, tuple[str, ...]] = {}
    for each in completions:
        marks[each.association_mark] = (*marks.get(each.association_mark, ()), each.mark)
    return marks


def find_new_completions(
    known_marks: Mapping[str, tuple[str, ...]], completions: Iterable[Completion]
) -> tuple[tuple[Finding, ...], dict[str, tuple[str, ...]]]:
    """Return the findings of the completed exports without a known mark, and the marks with theirs."""
    findings, marks = list[Finding](), dict(known_marks)
    for each in completions:
        known = marks.get(each.association_mark, ())
        if each.mark not in known and not each.is_quiet:
            findings.append(each.finding)
            marks[each.association_mark] = (*known, each.mark)[-_MAX_MARKS:]
    return tuple(findings), marks


def _build_finding(place: str, association: AssociationReport, export: KnownExport) -> Finding:
    """Return the message for receivers. An Update that List never showed has a warning, and is no certain success."""
    event = _describe(export)
    if warning := describe_unshown_job(export.job):
        condition, message = Condition.EXPORT_UNCONFIRMED, f"{event}; {warning}"
        return Finding(place, condition, association.name, str(association.origin), association.arn or "", message)
    return Finding(place, Condition.EXPORT_COMPLETED, association.name, message=event)


def _describe(export: KnownExport) -> str:
    """Return the window of a completed export, and when a run saw its end."""
    assert export.job.ended_at
    window, ended_at = export.window, format_timestamp_to_the_minute(export.job.ended_at)
    if window is None:
        return f"the export ended by {ended_at}"
    if export.declaration:
        period = describe_window(window, export.declaration)
    else:
        period = " to ".join(map(format_timestamp_to_the_minute, (window.start, window.end)))
    return f"the export of {period} ended by {ended_at}"
